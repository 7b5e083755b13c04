#include "data/target_counts.h"

#include <algorithm>
#include <numeric>

namespace emosweep::data {

std::vector<std::int64_t> target_counts(const Dataset& dataset,
                                        std::span<const std::int32_t> rows) {
  const auto blocks = static_cast<std::size_t>(target_blocks(dataset.target));
  const auto classes = static_cast<std::size_t>(block_classes(dataset.target));
  std::vector<std::int64_t> counts(blocks * classes, 0);
  for (const std::int32_t row : rows) {
    const std::int32_t* label = dataset.label.data() + static_cast<std::size_t>(row) * blocks;
    for (std::size_t g = 0; g < blocks; ++g)
      if (label[g] >= 0) ++counts[g * classes + static_cast<std::size_t>(label[g])];
  }
  return counts;
}

std::vector<double> target_means(const Dataset& dataset, std::span<const std::int32_t> rows) {
  const auto outputs = static_cast<std::size_t>(target_outputs(dataset.target));
  std::vector<double> means(outputs, 0);
  for (const std::int32_t row : rows)
    for (std::size_t o = 0; o < outputs; ++o)
      means[o] += dataset.value[static_cast<std::size_t>(row) * outputs + o];
  for (double& mean : means) mean /= static_cast<double>(std::max<std::size_t>(1, rows.size()));
  return means;
}

std::vector<std::int32_t> all_rows(const Dataset& dataset) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(dataset.size()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

ClassMix class_mix(const Dataset& dataset, std::span<const std::int32_t> rows) {
  const TargetSpec& spec = dataset.target;
  const std::vector<std::int64_t> counts = target_counts(dataset, rows);
  ClassMix mix;
  if (spec.kind == TargetKind::single) {
    mix.names = spec.classes;
    mix.counts = counts;
  }
  for (std::size_t o = 0; o < spec.outputs.size() && !counts.empty(); ++o) {
    if (spec.kind == TargetKind::multi) {
      mix.names.push_back(spec.outputs[o]);
      mix.counts.push_back(counts[2 * o + 1]);
    }
    for (std::size_t c = 0; spec.kind == TargetKind::aspects && c < spec.classes.size(); ++c) {
      mix.names.push_back(spec.outputs[o] + "/" + spec.classes[c]);
      mix.counts.push_back(counts[o * spec.classes.size() + c]);
    }
  }
  return mix;
}

}  // namespace emosweep::data
