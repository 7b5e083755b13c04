#include "data/split_units.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "data/cells.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// The class of a unit that is a single row.
std::size_t class_of(const Units& units, std::int64_t unit) {
  const auto& counts = units.counts[at(unit)];
  return static_cast<std::size_t>(
      std::find_if(counts.begin(), counts.end(), [](std::int32_t n) { return n > 0; }) -
      counts.begin());
}

std::vector<std::int64_t> class_totals(const Units& units, const UnitList& list,
                                       std::size_t classes) {
  std::vector<std::int64_t> totals(classes);
  for (const std::int64_t unit : list)
    for (std::size_t c = 0; c < classes; ++c) totals[c] += units.counts[at(unit)][c];
  return totals;
}

UnitList choose_rows(const Units& units, const UnitList& candidates, std::int64_t count,
                     std::size_t classes) {
  const auto totals = class_totals(units, candidates, classes);
  std::vector<std::int64_t> quota(classes);
  std::vector<double> rest(classes);
  std::int64_t left = count;
  const double share = static_cast<double>(count) / static_cast<double>(candidates.size());
  for (std::size_t c = 0; c < classes; ++c) {
    const double exact = share * static_cast<double>(totals[c]);
    quota[c] = static_cast<std::int64_t>(exact);
    rest[c] = exact - static_cast<double>(quota[c]);
    left -= quota[c];
  }
  std::vector<std::size_t> order(classes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
  for (const std::size_t c : order)
    if (left > 0 && quota[c] < totals[c]) {
      ++quota[c];
      --left;
    }
  UnitList chosen;
  for (const std::int64_t unit : candidates)
    if (quota[class_of(units, unit)]-- > 0) chosen.push_back(unit);
  return chosen;
}

UnitList choose_groups(const Units& units, UnitList candidates, std::int64_t count,
                       std::size_t classes) {
  constexpr std::size_t kLookAhead = 32;  // keeps the choice linear in the number of groups
  const auto totals = class_totals(units, candidates, classes);
  const double share = static_cast<double>(count) / static_cast<double>(candidates.size());
  std::vector<double> have(classes);
  UnitList chosen;
  std::reverse(candidates.begin(), candidates.end());  // taking from the end is cheap
  for (std::int64_t n = 1; n <= count; ++n) {
    // After n of the groups every class should have n of `count` shares of its total.
    const double part = share * static_cast<double>(n) / static_cast<double>(count);
    double best = 0;
    std::size_t which = 0;
    for (std::size_t i = 0; i < std::min(kLookAhead, candidates.size()); ++i) {
      double cost = 0;
      for (std::size_t c = 0; c < classes; ++c) {
        if (totals[c] == 0) continue;
        const double total = static_cast<double>(totals[c]);
        const double off =
            (have[c] + units.counts[at(candidates[candidates.size() - 1 - i])][c]) / total - part;
        cost += off * off;
      }
      if (i == 0 || cost < best) {
        best = cost;
        which = candidates.size() - 1 - i;
      }
    }
    const std::int64_t unit = candidates[which];
    for (std::size_t c = 0; c < classes; ++c) have[c] += units.counts[at(unit)][c];
    chosen.push_back(unit);
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(which));
  }
  return chosen;
}

}  // namespace

std::size_t strata(const Dataset& dataset) {
  return dataset.target.kind == TargetKind::single ? dataset.target.classes.size() : 1;
}

Units make_units(const Dataset& dataset, const std::string& group) {
  Units units;
  const std::size_t classes = strata(dataset);
  const bool single = dataset.target.kind == TargetKind::single;
  const auto n = static_cast<std::int32_t>(dataset.size());
  const auto add = [&](const std::vector<std::int32_t>& rows) {
    std::vector<std::int32_t> counts(classes);
    for (const std::int32_t row : rows) ++counts[single ? at(dataset.label[at(row)]) : 0];
    units.rows.push_back(rows);
    units.counts.push_back(std::move(counts));
  };
  if (group.empty()) {
    std::vector<std::int32_t> order(at(n));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return natural_less(dataset.id[at(a)], dataset.id[at(b)]);
    });
    for (const std::int32_t row : order) add({row});
    return units;
  }
  const std::vector<std::string>* values = dataset.group(group);
  if (values == nullptr) {
    std::vector<std::string> names;
    for (const Column& candidate : dataset.groups) names.push_back(candidate.name);
    throw InputError(dataset.description.string() + ": the dataset " + in_quotes(dataset.name) +
                     " has no group " + in_quotes(group) +
                     (names.empty() ? "; it has no groups at all" : "; it has: " + listed(names)));
  }
  units.grouped = true;
  std::unordered_map<std::string, std::size_t> index;
  std::vector<std::vector<std::int32_t>> rows;
  for (std::int32_t row = 0; row < n; ++row) {
    const auto [found, fresh] = index.emplace((*values)[at(row)], rows.size());
    if (fresh) {
      rows.emplace_back();
      units.names.push_back((*values)[at(row)]);
    }
    rows[found->second].push_back(row);
  }
  std::sort(units.names.begin(), units.names.end(), natural_less);
  for (const std::string& name : units.names) add(rows[index.at(name)]);
  return units;
}

StreamKey split_key(const SplitOptions& options, const char* purpose) {
  return derive(trial_key(options.split_seed, "splits"), purpose);
}

UnitList shuffled(const Units& units, const StreamKey& key) {
  return permutation(units.size(), key, 0);
}

UnitList choose_stratified(const Units& units, const UnitList& candidates, std::int64_t count,
                           std::size_t classes) {
  if (count >= static_cast<std::int64_t>(candidates.size())) return candidates;
  return units.grouped ? choose_groups(units, candidates, count, classes)
                       : choose_rows(units, candidates, count, classes);
}

std::vector<UnitList> deal_balanced(const Units& units, const UnitList& order, std::int64_t folds) {
  UnitList largest_first = order;
  std::stable_sort(largest_first.begin(), largest_first.end(), [&](std::int64_t a, std::int64_t b) {
    return units.rows[at(a)].size() > units.rows[at(b)].size();
  });
  std::vector<UnitList> parts(at(folds));
  std::vector<std::pair<std::size_t, std::size_t>> load(at(folds));  // rows, groups
  for (const std::int64_t unit : largest_first) {
    const auto least = std::min_element(load.begin(), load.end());
    least->first += units.rows[at(unit)].size();
    ++least->second;
    parts[static_cast<std::size_t>(least - load.begin())].push_back(unit);
  }
  return parts;
}

// Groups with the most uneven classes first, each to the part where the spread of the classes over
// the parts stays smallest (as scikit-learn's StratifiedGroupKFold); single rows class by class,
// round and round.
std::vector<UnitList> deal_stratified(const Units& units, const UnitList& order, std::int64_t folds,
                                      std::size_t classes) {
  std::vector<UnitList> parts(at(folds));
  UnitList dealt = order;
  if (!units.grouped) {
    std::stable_sort(dealt.begin(), dealt.end(), [&](std::int64_t a, std::int64_t b) {
      return class_of(units, a) < class_of(units, b);
    });
    for (std::size_t i = 0; i < dealt.size(); ++i) parts[i % at(folds)].push_back(dealt[i]);
    return parts;
  }
  std::vector<double> uneven(at(units.size()));
  for (std::int64_t u = 0; u < units.size(); ++u) {
    const double mean =
        static_cast<double>(units.rows[at(u)].size()) / static_cast<double>(classes);
    for (const std::int32_t n : units.counts[at(u)]) uneven[at(u)] += (n - mean) * (n - mean);
  }
  std::stable_sort(dealt.begin(), dealt.end(),
                   [&](std::int64_t a, std::int64_t b) { return uneven[at(a)] > uneven[at(b)]; });
  const auto totals = class_totals(units, dealt, classes);
  std::vector<std::vector<double>> have(at(folds), std::vector<double>(classes));
  for (std::size_t i = 0; i < dealt.size(); ++i) {
    const auto& counts = units.counts[at(dealt[i])];
    const std::size_t left = dealt.size() - i;
    const auto empty = static_cast<std::size_t>(std::count_if(
        parts.begin(), parts.end(), [](const UnitList& part) { return part.empty(); }));
    double best = 0;
    std::size_t which = parts.size();
    for (std::size_t f = 0; f < parts.size(); ++f) {
      if (left <= empty && !parts[f].empty()) continue;  // the last groups fill the empty parts
      double cost = 0;  // growth of the sum of squared shares: the same order as the spread
      for (std::size_t c = 0; c < classes; ++c) {
        if (totals[c] == 0) continue;
        const double total = static_cast<double>(totals[c]), add = counts[c] / total;
        cost += (have[f][c] + add) * (have[f][c] + add) - have[f][c] * have[f][c];
      }
      if (which == parts.size() || cost < best) {
        best = cost;
        which = f;
      }
    }
    for (std::size_t c = 0; c < classes; ++c)
      if (totals[c] > 0) have[which][c] += counts[c] / static_cast<double>(totals[c]);
    parts[which].push_back(dealt[i]);
  }
  return parts;
}

UnitList without(const UnitList& all, const UnitList& taken) {
  const auto top = all.empty() ? 0 : *std::max_element(all.begin(), all.end());
  std::vector<std::uint8_t> gone(at(top + 1));
  for (const std::int64_t unit : taken)
    if (unit <= top) gone[at(unit)] = 1;
  UnitList rest;
  for (const std::int64_t unit : all)
    if (!gone[at(unit)]) rest.push_back(unit);
  return rest;
}

std::vector<std::int32_t> rows_of(const Units& units, const UnitList& chosen) {
  std::vector<std::int32_t> rows;
  for (const std::int64_t unit : chosen)
    rows.insert(rows.end(), units.rows[at(unit)].begin(), units.rows[at(unit)].end());
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace emosweep::data
