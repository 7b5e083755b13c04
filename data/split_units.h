// What the protocols deal out: whole groups, or single rows where no group is given. Internal to
// data/.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/philox.h"
#include "data/dataset.h"
#include "data/splits.h"

namespace emosweep::data {

// Units stand in an order that does not depend on the order of the rows: groups by their names
// (numbers by value), single rows by their ids. (Without an id column the ids are row numbers.)
struct Units {
  bool grouped = false;
  std::vector<std::string> names;                 // [u] of groups
  std::vector<std::vector<std::int32_t>> rows;    // [u]
  std::vector<std::vector<std::int32_t>> counts;  // [u, strata]
  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }
};

using UnitList = std::vector<std::int64_t>;

// What stratifying keeps the mix of: the classes of single labels. Rows of other targets have no
// one class, and count as of one.
std::size_t strata(const Dataset& dataset);

// InputError for a group that the dataset does not have.
Units make_units(const Dataset& dataset, const std::string& group);
// The key of all random choices of a protocol.
StreamKey split_key(const SplitOptions& options, const char* purpose);
// The units in an order shuffled by the split seed.
UnitList shuffled(const Units& units, const StreamKey& key);

// A part of the candidates (in their given, shuffled order) that keeps their class mix: `count`
// whole groups, or single rows. Rows: per class by largest remainders, first come first. Groups:
// greedily, each time the one of the next 32 that brings the classes nearest to their share.
UnitList choose_stratified(const Units& units, const UnitList& candidates, std::int64_t count,
                           std::size_t classes);

// Deals all units to `folds` parts. balanced: largest first, to the part with the fewest rows.
// stratified: so that every part has about the dataset's class mix.
std::vector<UnitList> deal_balanced(const Units& units, const UnitList& order, std::int64_t folds);
std::vector<UnitList> deal_stratified(const Units& units, const UnitList& order, std::int64_t folds,
                                      std::size_t classes);

UnitList without(const UnitList& all, const UnitList& taken);
std::vector<std::int32_t> rows_of(const Units& units, const UnitList& chosen);  // ascending

// The folds of a protocol, without duplicates or checks of classes. InputError as make_folds says.
std::vector<Fold> protocol_folds(const Dataset& dataset, const SplitOptions& options,
                                 std::vector<std::string>& warnings);

}  // namespace emosweep::data
