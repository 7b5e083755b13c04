// DIR: where everything of a run stands, and how its parts are committed. All writes are whole or
// absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "results/record.h"
#include "results/shard.h"

namespace emosweep::results {

// plan.json: ids -> experiment, condition, fold, seed; the union of all plans of this DIR.
struct FoldPart {  // train, validation or test of a fold
  std::int64_t rows = 0;
  // Rows of each class as TargetResult::train_counts has them, [blocks, C]; of multi-label targets
  // also [labels], the rows that have each. Empty of regression.
  std::vector<std::int64_t> classes;
  std::int64_t groups = 0;         // different ones, such as subjects; 0 without a group
  std::vector<std::string> names;  // theirs, where they are few
};
struct FoldFacts {
  std::string name;
  FoldPart train, validation, test;
  std::vector<double>
      class_weights;  // of the training rows, one a class; empty: none, or not one set
};
struct PlannedExperiment {
  std::string name;
  std::string resolved;  // YAML with every default filled in
  std::string dataset;   // name
  Digest samples;        // SampleTable::digest
  std::string protocol, group, normalise, selection_metric;
  // What is predicted (base/target.h): the classes of a single label or of every aspect; the names
  // of labels, aspects or values. Plans of earlier versions are of single labels.
  std::vector<std::string> classes;
  TargetKind kind = TargetKind::single;
  std::vector<std::string> outputs = {};
  TargetSpec target() const { return {"", kind, outputs, classes}; }
  std::vector<std::string> conditions;  // labels: "lr=0.001, dropout=0.3"; "default" without a grid
  std::vector<FoldFacts> folds;         // empty in plans of earlier versions
};
struct Cell {  // one planned cell; an id repeats where two conditions are equal
  Digest id;
  std::uint32_t experiment = 0, condition = 0;  // indices into experiments and its conditions
  std::uint64_t seed = 0;
  std::string fold, group;
};
struct PlanFile {
  std::string resolved_sha256;
  std::vector<PlannedExperiment> experiments;
  std::vector<Cell> cells;
};
// Later plans extend earlier ones; where a cell (experiment, condition, seed, fold) has another id
// now, the later id wins and `replaced` counts it: the old record stays in trials/ but leaves the
// summary.
struct Merged {
  PlanFile plan;
  std::int64_t replaced = 0;
};
Merged merge(const PlanFile& earlier, const PlanFile& later);

struct Failure {  // failed/<id>.json
  Digest id;
  std::string reason;          // non_finite | out_of_memory | communication | exception
  std::string message, where;  // where: "epoch 3, step 41"
  std::string host;
  std::int32_t rank = 0;
  std::int64_t times = 1;  // how often it failed
  double unix_time = 0;
};

struct State {        // state.json, state.<i>-of-<n>.json
  std::string state;  // running | done | failed | interrupted | error
  int exit_code = 0;  // of the last end; -1 while running
  std::int64_t planned = 0, done = 0, failed = 0, left = 0, running = 0;
  double started_unix = 0, updated_unix = 0, busy_fraction = 0, trials_per_second = 0,
         eta_seconds = -1;
  std::int32_t ranks = 0;
  std::string message;
  std::string owner;  // "process 4711 on node3"
  std::string plan;   // digest of the run's plan: shards of one folder work on one plan
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path dir) : dir_(std::move(dir)) {}
  const std::filesystem::path& path() const { return dir_; }
  std::filesystem::path record(const Digest& id) const;       // trials/<id>.h5
  std::filesystem::path failure(const Digest& id) const;      // failed/<id>.json
  std::filesystem::path model(const Digest& id) const;        // models/<id>.safetensors
  std::filesystem::path samples(const Digest& digest) const;  // samples/<digest>.json
  // log/rank-<rank>.log, log/shard-<i>-of-<n>-rank-<rank>.log
  std::filesystem::path log(int rank, const Shard& shard = {}) const;
  std::filesystem::path checkpoints() const;  // holds <id>/ of unfinished long trials

  void create() const;  // the folders; RunError
  // For runs that share the folder between hosts: what is listed from now on holds what others have
  // committed by now. A network file system may otherwise answer from its memory of a minute ago.
  // Writes and removes a file; never throws.
  void refresh() const;
  // Removes temporary files, which only a killed run leaves behind: call it while nobody else
  // writes, holding the lease. What cannot be removed stays. Returns how many were.
  int remove_leftovers() const;
  // Both remove the trial's checkpoints afterwards.
  void commit(const TrialRecord& record) const;       // and failed/<id>.json
  void commit_failure(const Failure& failure) const;  // counts on from an earlier one
  void remove_checkpoints(const Digest& id) const;    // never throws
  std::vector<Digest> committed() const;              // sorted; by file name, temp files ignored
  std::vector<Failure> failures() const;              // sorted by id; also while other runs commit
  std::vector<Digest> checkpointed() const;           // sorted; trials with a folder of checkpoints
  std::optional<PlanFile> plan() const;
  void commit_plan(const PlanFile& plan) const;
  std::optional<State> state(const Shard& shard = {}) const;
  void commit_state(const State& state, const Shard& shard = {}) const;
  void remove_state(const Shard& shard) const;  // RunError
  // Whose state files there are, by count and index; a plain run's is 1 of 1.
  std::vector<Shard> states() const;

 private:
  std::filesystem::path state_file(const Shard& shard) const;

  std::filesystem::path dir_;
};

}  // namespace emosweep::results
