// What a model predicts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace emosweep {

enum class TargetKind { single, multi, aspects, regression };

struct TargetSpec {
  std::string name;
  TargetKind kind = TargetKind::single;
  std::vector<std::string>
      outputs;  // labels of multi, aspects of aspects, values of regression; empty for single
  // In index order: of single and of every aspect; empty for multi (each label is there or not)
  // and regression.
  std::vector<std::string> classes;
};

const char* target_kind_name(TargetKind kind);       // single | multi | aspects | regression
TargetKind target_kind_of(const std::string& name);  // InputError: no such kind

// A target is counted in blocks, each a confusion matrix of its own: one of C classes (single), one
// of 2 a label (multi: 0 absent, 1 present), one of C an aspect; none (regression).
std::int64_t target_blocks(const TargetSpec& spec);
std::int64_t block_classes(const TargetSpec& spec);
// Values of one row: 1 class index (single), L of 0 and 1 (multi), A class indices with -1 for
// unknown ones (aspects), D numbers (regression).
std::int64_t target_outputs(const TargetSpec& spec);
// Numbers that a model gives of one row: C, L, A * C or D.
std::int64_t target_width(const TargetSpec& spec);
// The class called neutral, in capitals or not; -1: none is.
std::int64_t neutral_class(const TargetSpec& spec);

}  // namespace emosweep
