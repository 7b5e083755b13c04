// What a model predicts.
#pragma once

#include <string>
#include <vector>

namespace emosweep {

enum class TargetKind { single, multi, aspects, regression };

struct TargetSpec {
  std::string name;
  TargetKind kind = TargetKind::single;
  std::vector<std::string>
      outputs;  // labels of multi, aspects of aspects, values of regression; empty for single
  std::vector<std::string> classes;  // in index order
};

const char* target_kind_name(TargetKind kind);  // single | multi | aspects | regression

}  // namespace emosweep
