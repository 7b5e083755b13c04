// From an experiment file to trials: parse, check data and splits, expand, hash, estimate. No
// device is touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/splits.h"
#include "results/run_folder.h"
#include "results/summary.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

// What the command line adds to a file; also what `resume DIR` remembers (DIR/experiment.yaml
// beside DIR/options.json).
struct PlanOptions {
  std::filesystem::path file;
  std::filesystem::path
      relative_to;  // folder that relative paths resolve against; "" = the file's own
  std::vector<std::string>
      experiments;  // -e; empty and !all: the only one, else a list of the names (InputError)
  bool all = false;
  std::vector<std::uint64_t> seeds;  // --seeds replaces the file's
  std::vector<std::string> set;      // "key=value" after the merge
  bool rehash = false;
};

struct PlannedCondition {
  std::string label;        // "lr=0.001, dropout=0.3"; "default" without a grid
  trainer::TrialSpec base;  // all but id, canonical, seed, fold; model.widths and classes filled
  std::string canonical;    // of the keys that its trials read, without seed and fold
  bool reads_seed = true;   // linear does not: its seeds share one trial
  std::vector<std::string>
      idle;  // keys that are written or inherited but not read here, with the reason
};

struct PlannedExperiment {
  std::string name;
  std::string resolved;  // YAML, every default filled in
  std::shared_ptr<const data::Loaded> data;
  std::shared_ptr<const data::Folds> folds;
  data::SplitOptions split;
  std::vector<std::uint64_t> seeds;
  int ranks_per_trial = 1;
  std::int64_t pack = 0;  // trials trained together at most; 0 = auto
  std::vector<PlannedCondition> conditions;
};

struct PlannedTrial {  // unique ids, longest first
  Digest id;
  std::uint32_t experiment = 0, condition = 0, fold = 0;
  std::uint64_t seed = 0;
  double cost = 0;  // estimated seconds of one team, in a pack of `pack` trials
  double cost_alone = 0;
  std::int64_t pack = 1;    // trials of its shape trained together at most
  std::uint32_t shape = 0;  // equal numbers may be packed
  const char* alone = "";   // why pack is 1
};

struct Estimate {
  double cpu_seconds = 0;
  std::int64_t memory_bytes = 0;  // peak of one rank
  std::int64_t disk_bytes = 0;    // of the run folder at the end
};

struct Plan {
  std::vector<PlannedExperiment> experiments;
  std::vector<PlannedTrial> trials;
  int ranks_per_trial = 1;                // of all experiments
  results::PlanFile file;                 // cells in order of experiment, condition, seed, fold
  std::vector<results::Samples> samples;  // one a dataset
  std::vector<std::string> warnings;
  Estimate estimate;
  std::string source;  // the file's bytes
};

// InputError with all mistakes, each with file:line:column.
Plan make_plan(const PlanOptions& options);
std::string canonical_of(const Plan& plan, const PlannedTrial& trial);  // its SHA-256 is trial.id
trainer::TrialSpec spec_of(const Plan& plan, const PlannedTrial& trial);

std::string plan_text(const Plan& plan, int ranks);
std::string plan_json(const Plan& plan, int ranks);

}  // namespace emosweep::launcher
