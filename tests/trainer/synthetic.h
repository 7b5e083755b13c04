// A small dataset whose classes are easy to tell apart, and trials on it.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/philox.h"
#include "data/dataset.h"
#include "data/splits.h"
#include "trainer/trial.h"

namespace emosweep::trainer::test {

// n rows of 3 classes and 6 subjects; modalities audio [5] and visual [3] (absent in every 7th row,
// one cell missing in every 11th). Row r of the table is 100 + r.
inline data::Dataset dataset_of(std::int64_t n = 120, double noise = 0.4) {
  data::Dataset d;
  d.name = "synthetic";
  d.target = {"emotion", TargetKind::single, {}, {"angry", "calm", "sad"}};
  d.modalities = {{"audio", "features", {"a0", "a1", "a2", "a3", "a4"}, 5, {}, {}},
                  {"visual", "features", {"v0", "v1", "v2"}, 3, {}, {}}};
  data::Column subject{"subject", {}};
  std::vector<double> normal(static_cast<std::size_t>(n * 8));
  fill_normal(normal, derive(trial_key(1, "data"), "features"), 0);
  for (std::int64_t r = 0; r < n; ++r) {
    const auto label = static_cast<std::int32_t>(
        uniform_index(trial_key(1, "labels"), 0, static_cast<std::uint64_t>(r), 3));
    d.row.push_back(100 + r);
    d.id.push_back("clip" + std::to_string(r));
    d.label.push_back(label);
    subject.values.push_back("s" + std::to_string(r % 6));
    for (std::size_t m = 0; m < 2; ++m) {
      data::Modality& modality = d.modalities[m];
      const bool present = m == 0 || r % 7 != 0;
      modality.present.push_back(present);
      for (std::int64_t c = 0; c < modality.width; ++c) {
        const double x =
            (c % 3 == label ? 2.0 : 0.0) +
            noise * normal[static_cast<std::size_t>(r * 8 + static_cast<std::int64_t>(m) * 5 + c)];
        const bool missing = !present || (m == 1 && c == 1 && r % 11 == 0);
        modality.values.push_back(missing ? std::numeric_limits<double>::quiet_NaN() : x);
      }
    }
  }
  d.groups = {subject};
  d.digest = sha256("synthetic " + std::to_string(n) + " " + std::to_string(noise));
  return d;
}

// Subject 0 is tested, subject 1 validates, the others train.
inline data::Fold fold_of(const data::Dataset& dataset) {
  data::Fold fold;
  fold.name = fold.group = "s0";
  for (std::int32_t r = 0; r < dataset.size(); ++r) {
    (r % 6 == 0 ? fold.test : r % 6 == 1 ? fold.validation : fold.train).push_back(r);
  }
  fold.hash = sha256("fold");
  return fold;
}

inline TrialSpec spec_of(const data::Dataset& dataset, const data::Fold& fold) {
  TrialSpec spec;
  spec.canonical = "model=mlp\n";
  spec.id = sha256(spec.canonical);
  spec.seed = 3;
  spec.dataset = &dataset;
  spec.fold = &fold;
  spec.prepare.modalities = {"audio", "visual"};
  spec.model.inputs = {"audio", "visual"};
  spec.model.widths = {5, 3};
  spec.model.fusion = models::Fusion::gated;
  spec.model.hidden_size = 16;
  spec.model.classes = 3;
  spec.optimizer.lr = 0.01;
  spec.loop.epochs = 12;
  spec.loop.batch_size = 16;
  spec.loop.dropout = 0.2;
  return spec;
}

inline std::vector<double> curve_of(const results::TrialRecord& record, const std::string& name) {
  for (const results::Curve& curve : record.result.curves) {
    if (curve.name == name) return curve.values;
  }
  return {};
}

inline double value_of(const results::NamedValues& values, const std::string& name) {
  for (const auto& [n, value] : values) {
    if (n == name) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace emosweep::trainer::test
