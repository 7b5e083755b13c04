#include "results/counting.h"

#include "results/text_layout.h"

namespace emosweep::results {

void count_row(Confusion& confusion, const TargetResult& target, std::size_t row) {
  const auto o = static_cast<std::size_t>(target_outputs(target.spec));
  for (std::size_t k = 0; k < o; ++k) {
    const std::size_t at = row * o + k;
    const auto output = static_cast<std::int64_t>(k);
    if (target.spec.kind == TargetKind::regression) {
      confusion.add_value(output, target.true_value[at], target.predicted_value[at]);
    } else if (target.truth[at] >= 0) {
      confusion.add_to(output, target.truth[at], target.predicted[at]);
    }
  }
}

Confusion count_rows_of(const TargetResult& target) {
  Confusion confusion(target.spec);
  for (std::size_t i = 0; i < target.sample.size(); ++i) count_row(confusion, target, i);
  return confusion;
}

std::vector<std::string> class_names_of(const TargetSpec& spec) {
  if (spec.kind == TargetKind::single) return spec.classes;
  if (spec.kind == TargetKind::multi) return spec.outputs;
  std::vector<std::string> names;
  if (spec.kind == TargetKind::regression) return names;
  for (const auto& aspect : spec.outputs) {
    for (const auto& name : spec.classes) names.push_back(aspect + ": " + name);
  }
  return names;
}

std::vector<ClassScores> all_class_scores(const Confusion& confusion) {
  if (confusion.kind == TargetKind::single) return class_scores(confusion);
  std::vector<ClassScores> all;
  for (std::int64_t b = 0; b < confusion.blocks; ++b) {
    const auto own = class_scores(confusion.block(b));
    const bool multi = confusion.kind == TargetKind::multi;
    all.insert(all.end(), multi ? own.begin() + 1 : own.begin(), own.end());
  }
  return all;
}

std::string target_text(const TargetSpec& spec) {
  const std::string classes = std::to_string(spec.classes.size()) + " classes";
  switch (spec.kind) {
    case TargetKind::multi:
      return counted(spec.outputs.size(), "label");
    case TargetKind::aspects:
      return counted(spec.outputs.size(), "aspect") + " of " + classes;
    case TargetKind::regression:
      return counted(spec.outputs.size(), "value");
    case TargetKind::single:
      break;
  }
  return classes;
}

}  // namespace emosweep::results
