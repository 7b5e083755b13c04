#include "data/splits.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "data/description_reader.h"
#include "data/duplicates.h"
#include "data/split_units.h"
#include "data/target_counts.h"

namespace emosweep::data {
namespace {

const std::vector<std::string>& names() {
  static const std::vector<std::string> all{"loso",    "group_kfold", "stratified_kfold",
                                            "holdout", "official",    "all"};
  return all;
}

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

[[noreturn]] void fail(const Dataset& dataset, Protocol protocol, const std::string& why) {
  throw InputError("the protocol " + std::string(protocol_name(protocol)) + " on the dataset " +
                   in_quotes(dataset.name) + ": " + why);
}

Digest hash_of(const Dataset& dataset, const Fold& fold) {
  Sha256 hash;
  hash.add("emosweep fold 1\n");
  for (const auto* rows : {&fold.train, &fold.validation, &fold.test}) {
    std::vector<std::string> ids;
    for (const std::int32_t row : *rows) ids.push_back(dataset.id[at(row)]);
    std::sort(ids.begin(), ids.end());
    hash.add_sized(std::to_string(ids.size()));
    for (const std::string& id : ids) hash.add_sized(id);
  }
  return hash.finish();
}

void check_parts(const Dataset& dataset, Protocol protocol, const Fold& fold) {
  const auto check = [&](const std::vector<std::int32_t>& rows, const char* part) {
    if (rows.empty())
      fail(dataset, protocol,
           "fold " + in_quotes(fold.name) + " has no " + part + " sample" +
               (fold.dropped > 0 ? " left after duplicates were dropped" : ""));
  };
  check(fold.train, "train");
  if (protocol == Protocol::all) return;
  check(fold.validation, "validation");
  check(fold.test, "test");
}

// Whatever the protocol did: no row and no value of the group in two parts.
void check_leaks(const Dataset& dataset, const SplitOptions& options, const Fold& fold) {
  const std::vector<std::string>* group =
      options.group.empty() ? nullptr : dataset.group(options.group);
  std::vector<char> row_part(at(dataset.size()), 0);
  std::unordered_map<std::string_view, char> group_part;
  char part = 1;
  for (const auto* rows : {&fold.train, &fold.validation, &fold.test}) {
    for (const std::int32_t row : *rows) {
      EMO_CHECK(row_part[at(row)] == 0, "a row stands in two parts of fold " + fold.name);
      row_part[at(row)] = part;
      if (group == nullptr) continue;
      const auto [old, fresh] = group_part.emplace((*group)[at(row)], part);
      EMO_CHECK(fresh || old->second == part, "the group " + std::string(old->first) +
                                                  " stands in two parts of fold " + fold.name);
    }
    ++part;
  }
}

// What every training part should have a row of: classes (single), labels (multi), and of aspects
// those that are known at all. Which of them rows lack, as names.
struct Needed {
  const char* what;
  std::vector<std::string> names;
  std::vector<std::uint8_t> seen(const Dataset& dataset, const Fold& fold) const {
    const std::vector<std::int64_t> counts = target_counts(dataset, fold.train);
    const std::size_t each = names.empty() ? 1 : counts.size() / names.size();
    std::vector<std::uint8_t> seen(names.size());
    const bool multi = dataset.target.kind == TargetKind::multi;
    for (std::size_t i = 0; i < names.size(); ++i)
      for (std::size_t c = multi ? 1 : 0; c < each; ++c)
        if (counts[i * each + c] > 0) seen[i] = 1;
    return seen;
  }
};

Needed needed(const TargetSpec& target) {
  switch (target.kind) {
    case TargetKind::single:
      return {"class", target.classes};
    case TargetKind::multi:
      return {"label", target.outputs};
    case TargetKind::aspects:
      return {"aspect", target.outputs};
    case TargetKind::regression:
      break;
  }
  return {"", {}};
}

void check_classes(const Dataset& dataset, Protocol protocol, Folds& folds) {
  const Needed need = needed(dataset.target);
  const std::size_t classes = need.names.size();
  std::vector<std::vector<std::string>> absent(classes);  // names of folds
  for (const Fold& fold : folds.folds) {
    const std::vector<std::uint8_t> seen = need.seen(dataset, fold);
    for (std::size_t c = 0; c < classes; ++c)
      if (!seen[c]) absent[c].push_back(fold.name);
  }
  const std::string what = need.what;
  std::vector<std::string> never;
  for (std::size_t c = 0; c < classes; ++c)
    if (absent[c].size() == folds.folds.size()) never.push_back(in_quotes(need.names[c]));
  if (!never.empty())
    fail(dataset, protocol,
         "no training fold holds a sample of " + what +
             (never.size() == 1 ? " "
              : what == "class" ? "es "
                                : "s ") +
             listed(never) + "; take it out of the " + (what == "class" ? "classes" : what + "s") +
             ", or change the rows or the split");
  for (std::size_t c = 0; c < classes; ++c) {
    if (absent[c].empty()) continue;
    const std::size_t count = absent[c].size();
    if (count > 5) absent[c].resize(5);
    folds.warnings.push_back(what + " " + in_quotes(need.names[c]) +
                             " is absent from training in " + std::to_string(count) + " of " +
                             std::to_string(folds.folds.size()) + " folds: " + listed(absent[c]) +
                             (count > 5 ? ", ..." : ""));
  }
}

}  // namespace

Protocol protocol_of(const std::string& name) {
  const auto found = std::find(names().begin(), names().end(), name);
  if (found == names().end())
    throw InputError("unknown protocol " + in_quotes(name) + hint(name, names()) +
                     "; known: " + listed(names()));
  return static_cast<Protocol>(found - names().begin());
}

const char* protocol_name(Protocol protocol) {
  return names()[static_cast<std::size_t>(protocol)].c_str();
}

Folds make_folds(const Dataset& dataset, const SplitOptions& options) {
  Folds folds;
  folds.folds = protocol_folds(dataset, options, folds.warnings);
  for (const Fold& fold : folds.folds) check_parts(dataset, options.protocol, fold);
  handle_duplicates(dataset, options.protocol, folds);
  check_classes(dataset, options.protocol, folds);
  for (Fold& fold : folds.folds) {
    check_parts(dataset, options.protocol, fold);
    check_leaks(dataset, options, fold);
    fold.hash = hash_of(dataset, fold);
  }
  return folds;
}

}  // namespace emosweep::data
