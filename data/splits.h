// Protocols: how a dataset is cut into train, validation and test. Splits depend on split_seed,
// never on a trial's seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "data/dataset.h"

namespace emosweep::data {

enum class Protocol { loso, group_kfold, stratified_kfold, holdout, official, all };
Protocol protocol_of(const std::string& name);  // InputError with the known names
const char* protocol_name(Protocol protocol);

struct SplitOptions {
  Protocol protocol = Protocol::loso;
  std::string group;       // name under the dataset's groups whose values are never cut; "" = none
  std::int64_t folds = 5;  // group_kfold, stratified_kfold
  std::int64_t validation_groups =
      0;  // loso, group_kfold: whole groups; 0 = by validation_fraction, at least one group
  double validation_fraction = 0.15;  // of what is not test; whole groups where a group is given
  double test_fraction = 0.2;         // holdout
  std::uint64_t split_seed = 0;
};

// Row indices into Dataset, ascending. Disjoint; no value of the group stands in two of them.
struct Fold {
  std::string
      name;  // loso: the held-out group's value; k-fold: "0".."k-1"; "holdout", "official", "all"
  std::string group;  // the held-out group's value where there is exactly one, else ""
  std::vector<std::int32_t> train, validation, test;
  std::int64_t dropped =
      0;  // rows taken out as duplicates: of train, and of validation where they equal a test row
  Digest hash;  // of the three row lists (by sample id)
};

struct Folds {
  std::vector<Fold> folds;
  std::vector<std::string> warnings;
  std::int64_t duplicates = 0;  // pairs of equal samples that stand on two sides of some fold
};

// Under loso and group_kfold the validation groups are other subjects, rotated: every group serves
// about equally often. stratified_kfold keeps the class mix (of groups where a group is given).
// InputError: unknown group, fewer groups than needed (both numbers), an empty part, a class absent
// from every training fold, a group cut by an official split, equal samples across splits under
// `duplicates: refuse`.
Folds make_folds(const Dataset& dataset, const SplitOptions& options);

}  // namespace emosweep::data
