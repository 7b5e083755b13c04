#include "base/target.h"

#include "base/error.h"

namespace emosweep {

const char* target_kind_name(TargetKind kind) {
  switch (kind) {
    case TargetKind::single:
      return "single";
    case TargetKind::multi:
      return "multi";
    case TargetKind::aspects:
      return "aspects";
    case TargetKind::regression:
      return "regression";
  }
  return "unknown";
}

TargetKind target_kind_of(const std::string& name) {
  for (const auto kind :
       {TargetKind::single, TargetKind::multi, TargetKind::aspects, TargetKind::regression}) {
    if (name == target_kind_name(kind)) return kind;
  }
  throw InputError("no kind of target is called '" + name +
                   "': single, multi, aspects or regression");
}

std::int64_t target_outputs(const TargetSpec& spec) {
  return spec.kind == TargetKind::single ? 1 : static_cast<std::int64_t>(spec.outputs.size());
}

std::int64_t target_blocks(const TargetSpec& spec) {
  return spec.kind == TargetKind::regression ? 0 : target_outputs(spec);
}

std::int64_t block_classes(const TargetSpec& spec) {
  if (spec.kind == TargetKind::regression) return 0;
  return spec.kind == TargetKind::multi ? 2 : static_cast<std::int64_t>(spec.classes.size());
}

std::int64_t target_width(const TargetSpec& spec) {
  const bool classes = spec.kind == TargetKind::single || spec.kind == TargetKind::aspects;
  return target_outputs(spec) * (classes ? block_classes(spec) : 1);
}

std::int64_t neutral_class(const TargetSpec& spec) {
  for (std::size_t c = 0; c < spec.classes.size(); ++c) {
    std::string lower = spec.classes[c];
    for (char& letter : lower) {
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    if (lower == "neutral") return static_cast<std::int64_t>(c);
  }
  return -1;
}

}  // namespace emosweep
