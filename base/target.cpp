#include "base/target.h"

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

}  // namespace emosweep
