// The protocols themselves: which units a fold tests, validates and trains on.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "data/description_reader.h"
#include "data/split_units.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Context {
  const Dataset& dataset;
  const SplitOptions& options;
  const Units units;
  const std::size_t classes;
  std::vector<std::string>& warnings;

  [[noreturn]] void fail(const std::string& why) const {
    throw InputError("the protocol " + std::string(protocol_name(options.protocol)) +
                     " on the dataset " + in_quotes(dataset.name) + ": " + why);
  }
  std::string what() const { return units.grouped ? "groups" : "samples"; }
};

// How many of `candidates` units a fraction means: at least one.
std::int64_t part_of(double fraction, std::size_t candidates) {
  const double exact = fraction * static_cast<double>(candidates);
  return std::max<std::int64_t>(1, std::llround(exact));
}

std::int64_t validation_count(const SplitOptions& options, bool grouped, std::size_t candidates) {
  if (grouped && options.validation_groups > 0) return options.validation_groups;
  return part_of(options.validation_fraction, candidates);
}

Fold fold_of(const Context& c, const std::string& name, const UnitList& train,
             const UnitList& validation, const UnitList& test) {
  Fold fold;
  fold.name = name;
  if (c.units.grouped && test.size() == 1) fold.group = c.units.names[at(test[0])];
  fold.train = rows_of(c.units, train);
  fold.validation = rows_of(c.units, validation);
  fold.test = rows_of(c.units, test);
  return fold;
}

// The groups on a circle; each fold's validation groups are those that follow its test groups.
std::vector<Fold> on_a_circle(const Context& c, const std::vector<UnitList>& parts,
                              const std::vector<std::string>& names) {
  UnitList circle;
  for (const UnitList& part : parts) circle.insert(circle.end(), part.begin(), part.end());
  std::vector<Fold> folds;
  std::size_t begin = 0;
  for (std::size_t f = 0; f < parts.size(); ++f) {
    const std::size_t rest = circle.size() - parts[f].size();
    const std::int64_t count = validation_count(c.options, true, rest);
    if (count >= static_cast<std::int64_t>(rest))
      c.fail("needs at least " + std::to_string(parts[f].size() + at(count) + 1) + " groups (" +
             std::to_string(parts[f].size()) + " to test, " + std::to_string(count) +
             " to validate, 1 to train); there are " + std::to_string(circle.size()));
    begin += parts[f].size();
    UnitList validation;
    for (std::int64_t v = 0; v < count; ++v)
      validation.push_back(circle[(begin + at(v)) % circle.size()]);
    const UnitList train = without(without(circle, parts[f]), validation);
    folds.push_back(fold_of(c, names[f], train, validation, parts[f]));
  }
  return folds;
}

std::vector<Fold> loso(const Context& c) {
  if (c.units.size() < 3)
    c.fail("needs at least 3 groups (1 to test, 1 to validate, 1 to train); there are " +
           std::to_string(c.units.size()));
  std::vector<UnitList> parts;
  std::vector<std::string> names;
  for (const std::int64_t unit : shuffled(c.units, split_key(c.options, "circle"))) {
    parts.push_back({unit});
    names.push_back(c.units.names[at(unit)]);
  }
  std::vector<Fold> on_circle = on_a_circle(c, parts, names);
  std::vector<Fold> folds(on_circle.size());
  for (std::size_t i = 0; i < parts.size(); ++i)  // units stand in the order of their names
    folds[at(parts[i][0])] = std::move(on_circle[i]);
  return folds;
}

std::vector<std::string> numbers(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

void check_folds(const Context& c) {
  if (c.options.folds < 2)
    c.fail("needs at least 2 folds; folds is " + std::to_string(c.options.folds));
  if (c.units.size() < c.options.folds)
    c.fail("needs at least as many " + c.what() + " as folds (" + std::to_string(c.options.folds) +
           "); there are " + std::to_string(c.units.size()));
}

std::vector<Fold> group_kfold(const Context& c) {
  check_folds(c);
  const UnitList order = shuffled(c.units, split_key(c.options, "circle"));
  return on_a_circle(c, deal_balanced(c.units, order, c.options.folds), numbers(c.options.folds));
}

std::vector<Fold> stratified_kfold(const Context& c) {
  check_folds(c);
  const UnitList order = shuffled(c.units, split_key(c.options, "deal"));
  const auto parts = deal_stratified(c.units, order, c.options.folds, c.classes);
  std::vector<Fold> folds;
  for (std::size_t f = 0; f < parts.size(); ++f) {
    UnitList rest;  // the next fold's units first, so that validation moves on with the test part
    for (std::size_t i = 1; i < parts.size(); ++i) {
      const UnitList& part = parts[(f + i) % parts.size()];
      rest.insert(rest.end(), part.begin(), part.end());
    }
    const std::int64_t count = validation_count(c.options, c.units.grouped, rest.size());
    if (count >= static_cast<std::int64_t>(rest.size()))
      c.fail("nothing is left to train on: " + std::to_string(count) + " of " +
             std::to_string(rest.size()) + " " + c.what() + " would validate");
    const UnitList validation = choose_stratified(c.units, rest, count, c.classes);
    folds.push_back(fold_of(c, std::to_string(f), without(rest, validation), validation, parts[f]));
  }
  return folds;
}

std::vector<Fold> holdout(const Context& c) {
  const double share = c.options.test_fraction;
  if (!(share > 0 && share < 1)) c.fail("test_fraction must be between 0 and 1");
  const UnitList order = shuffled(c.units, split_key(c.options, "holdout"));
  const std::int64_t tests = part_of(share, order.size());
  const std::int64_t rest_size = c.units.size() - tests;
  const std::int64_t validations =
      rest_size < 1 ? 1 : validation_count(c.options, c.units.grouped, at(rest_size));
  if (tests + validations >= c.units.size())
    c.fail("nothing is left to train on: of " + std::to_string(c.units.size()) + " " + c.what() +
           " " + std::to_string(tests) + " would test and " + std::to_string(validations) +
           " validate");
  const UnitList test = choose_stratified(c.units, order, tests, c.classes);
  const UnitList rest = without(order, test);
  const UnitList validation = choose_stratified(c.units, rest, validations, c.classes);
  return {fold_of(c, "holdout", without(rest, validation), validation, test)};
}

// Which part of an official split each unit stands in; a group that stands in two is refused.
std::map<std::string, UnitList> official_parts(const Context& c) {
  std::map<std::string, UnitList> parts;
  std::vector<std::string> cut;
  for (std::int64_t unit = 0; unit < c.units.size(); ++unit) {
    std::set<std::string> seen;
    for (const std::int32_t row : c.units.rows[at(unit)]) seen.insert(c.dataset.split[at(row)]);
    if (seen.size() > 1)
      cut.push_back(in_quotes(c.units.names[at(unit)]) + " (" + listed({seen.begin(), seen.end()}) +
                    ")");
    parts[*seen.begin()].push_back(unit);
  }
  if (cut.empty()) return parts;
  const std::size_t count = cut.size();
  if (count > 5) cut.resize(5);
  c.fail("the split cuts " + std::to_string(count) + " of the groups " +
         in_quotes(c.options.group) + ": " + listed(cut) + (count > 5 ? ", ..." : "") +
         "; leave 'group' out if it is no subject, or repair the split");
}

std::vector<Fold> official(const Context& c) {
  if (c.dataset.split.empty())
    c.fail("the dataset has no splits; add 'splits: {column: ...}' or 'splits: {files: ...}' to " +
           c.dataset.description.string());
  auto parts = official_parts(c);
  UnitList train = parts["train"], validation = parts["validation"];
  const OfficialValidation& asked = c.dataset.official_validation;
  if (!validation.empty()) {
    if (asked.given)
      c.warnings.push_back(
          "the split has a validation part of its own: 'validation: {from: train}' "
          "of the dataset is not used");
  } else {
    std::int64_t count = 0;
    if (asked.given && asked.groups == 0) {
      count = part_of(asked.fraction, train.size());
    } else if (asked.given || (c.units.grouped && c.options.validation_groups > 0)) {
      if (!c.units.grouped) c.fail("'validation: {groups: ...}' needs a 'group'");
      count = asked.given ? asked.groups : c.options.validation_groups;
    } else {
      c.fail(
          "the split has no validation part; add 'validation: {from: train, fraction: 0.1}' or "
          "'validation: {from: train, groups: 5}' to " +
          c.dataset.description.string());
    }
    if (count >= static_cast<std::int64_t>(train.size()))
      c.fail("nothing is left to train on: " + std::to_string(count) + " of " +
             std::to_string(train.size()) + " " + c.what() + " of the train part would validate");
    UnitList order;
    for (const std::int64_t i :
         permutation(static_cast<std::int64_t>(train.size()), split_key(c.options, "official"), 0))
      order.push_back(train[at(i)]);
    validation = choose_stratified(c.units, order, count, c.classes);
    train = without(train, validation);
  }
  return {fold_of(c, "official", train, validation, parts["test"])};
}

}  // namespace

std::vector<Fold> protocol_folds(const Dataset& dataset, const SplitOptions& options,
                                 std::vector<std::string>& warnings) {
  const bool by_group =
      options.protocol == Protocol::loso || options.protocol == Protocol::group_kfold;
  const Context c{dataset, options, make_units(dataset, options.group), strata(dataset), warnings};
  if (options.protocol == Protocol::stratified_kfold && dataset.target.kind != TargetKind::single)
    c.fail(std::string("needs single labels, the dataset has a target of kind ") +
           target_kind_name(dataset.target.kind) +
           "; take group_kfold, holdout or the dataset's official split");
  if (by_group && !c.units.grouped) c.fail("needs a 'group' whose values are held out");
  const bool by_fraction = options.protocol != Protocol::official &&
                           options.protocol != Protocol::all &&
                           !(c.units.grouped && options.validation_groups > 0);
  if (by_fraction && !(options.validation_fraction > 0 && options.validation_fraction < 1))
    c.fail("validation_fraction must be between 0 and 1");
  switch (options.protocol) {
    case Protocol::loso:
      return loso(c);
    case Protocol::group_kfold:
      return group_kfold(c);
    case Protocol::stratified_kfold:
      return stratified_kfold(c);
    case Protocol::holdout:
      return holdout(c);
    case Protocol::official:
      return official(c);
    case Protocol::all:
      break;
  }
  Fold fold;
  fold.name = "all";
  for (std::int32_t row = 0; row < dataset.size(); ++row) fold.train.push_back(row);
  return {fold};
}

}  // namespace emosweep::data
