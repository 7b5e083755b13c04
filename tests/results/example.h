// A run folder with two experiments: "Linear" (one condition, its seeds share a trial) and "Fusion"
// (a grid of two).
#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "fixture.h"

namespace emosweep::results {

struct ExampleSizes {
  std::int64_t seeds = 2, folds = 11, rows = 6, classes = 3, epochs = 4;
};

struct Example {
  PlanFile plan;
  Samples samples;
  std::vector<TrialRecord> records;  // one a distinct id, in the order of the cells
};

inline Example make_example(const ExampleSizes& sizes = {}) {
  Example example;
  Samples& samples = example.samples;
  samples.dataset = "faces";
  samples.digest = sha256("faces table");
  samples.groups = {{"actor", {}}};
  samples.metadata = {{"gender", {}}, {"intensity/level", {}}};
  for (std::int64_t i = 0; i < sizes.folds * sizes.rows; ++i) {
    samples.id.push_back("clip-" + std::to_string(i));
    samples.groups[0].second.push_back("actor " + std::to_string(i / sizes.rows + 1));
    samples.metadata[0].second.push_back(i % 2 ? "female" : "männlich");
    samples.metadata[1].second.push_back(i % 3 ? "1" : "");
  }
  const auto experiment = [&](const std::string& name, std::vector<std::string> conditions) {
    PlannedExperiment planned;
    planned.name = name;
    planned.resolved = "name: " + name + "\nmodel: mlp\n";
    planned.dataset = samples.dataset;
    planned.samples = samples.digest;
    planned.protocol = "loso";
    planned.group = "actor";
    planned.normalise = name == "Linear" ? "group" : "train";
    planned.selection_metric = "loss";
    planned.classes = class_names(sizes.classes);
    planned.conditions = std::move(conditions);
    return planned;
  };
  example.plan.resolved_sha256 = sha256("plan").hex();
  example.plan.experiments = {experiment("Linear", {"default"}),
                              experiment("Fusion", {"lr=0.001", "lr=0.0003"})};
  for (std::uint32_t e = 0; e < 2; ++e) {
    for (std::uint32_t c = 0; c < example.plan.experiments[e].conditions.size(); ++c) {
      for (std::int64_t s = 1; s <= sizes.seeds; ++s) {
        for (std::int64_t f = 1; f <= sizes.folds; ++f) {
          const std::string fold = "actor " + std::to_string(f);
          // The linear model reads no seed.
          const std::string seed = e == 0 ? "" : " seed " + std::to_string(s);
          const TrialRecord record = make_record(
              std::to_string(e) + " " + std::to_string(c) + seed + " " + fold,
              {sizes.rows, sizes.classes, e == 0 ? 0 : sizes.epochs}, (f - 1) * sizes.rows);
          example.plan.cells.push_back(
              {record.id, e, c, static_cast<std::uint64_t>(s), fold, fold});
          if (e == 1 || s == 1) example.records.push_back(record);
        }
      }
    }
  }
  for (auto& record : example.records) {
    if (record.result.epochs == 0) {
      record.result.best_epoch = -1;
      record.result.curves.clear();
      record.result.validation.clear();
    }
  }
  return example;
}

// Plan, samples, records and the commit lines of rank 0.
inline void commit_example(const RunFolder& folder, const Example& example) {
  folder.create();
  folder.commit_plan(example.plan);
  commit_samples(folder, example.samples);
  SyncedLines log(folder.log(0));
  for (const auto& record : example.records) {
    folder.commit(record);
    log.add("2026-01-01T00:00:00Z commit " + record.id.hex() + " experiment=x");
  }
}

}  // namespace emosweep::results
