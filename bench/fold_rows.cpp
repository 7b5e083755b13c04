// The folds that emosweep cuts, so that peers train on the very same rows:
//   bench_fold_rows DATASET GROUP
// Prints one JSON line: a list of {"fold", "train", "validation", "test"} of `protocol: loso` with
// `validation_groups: 1`; rows are counted from 0 in the order of the dataset's table.
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/dataset.h"
#include "data/splits.h"

using namespace emosweep;

namespace {

std::vector<std::int64_t> table_rows(const data::Dataset& dataset,
                                     const std::vector<std::int32_t>& rows) {
  std::vector<std::int64_t> out;
  for (const std::int32_t row : rows) out.push_back(dataset.row[static_cast<std::size_t>(row)]);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw InputError("usage: bench_fold_rows DATASET GROUP");
    const data::Loaded loaded = data::load_dataset(argv[1]);
    data::SplitOptions options;
    options.group = argv[2];
    options.validation_groups = 1;
    nlohmann::json out;
    for (const data::Fold& fold : data::make_folds(loaded.dataset, options).folds) {
      out.push_back({{"fold", fold.name},
                     {"train", table_rows(loaded.dataset, fold.train)},
                     {"validation", table_rows(loaded.dataset, fold.validation)},
                     {"test", table_rows(loaded.dataset, fold.test)}});
    }
    std::printf("%s\n", out.dump().c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_fold_rows: %s\n", e.what());
    return 2;
  }
}
