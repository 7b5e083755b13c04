// Checkpoints of one trial: when they are written, which one is resumed from. The files' bytes are
// checkpoint_file.h's, what stands in them is archived by the training loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/collective.h"
#include "trainer/archive.h"
#include "trainer/loop.h"

namespace emosweep::trainer {

// Where training stands: before step `step` of epoch `epoch`, which is step `number` over all
// epochs. All from 0; step is the number of steps where only the epoch's end is left.
struct Place {
  std::int64_t epoch = 0, step = 0, number = 0;
};

// What a trial has cost so far on the calling rank.
struct Spent {
  double wall_seconds = 0, cpu_seconds = 0;
};

// All ranks of the team make one per trial and call in the same order; rank 0 alone touches files.
// All ranks hold the same state, so nothing is agreed upon but what is resumed from: its bytes come
// from rank 0, also where other ranks' view of the folder is stale. Without a folder nothing is
// read, written or agreed upon.
class Checkpoints {
 public:
  Checkpoints(const CheckpointOptions& options, const Digest& trial, Collective& team);

  // Collective. The newest usable checkpoint that was not set aside becomes the one that
  // first_fit() and resume() take from; none: the trial starts anew. CheckpointError as resume().
  void load();
  // After a CheckpointError, which all ranks get alike: load() then takes an older one.
  void set_aside(const std::string& why);

  // The finished first fit of a trial that is in its refit; nullptr: it has not finished.
  const LoopResult* first_fit() const { return first_ ? &*first_ : nullptr; }
  void begin_refit(const LoopResult& first) { first_ = first; }

  // Archives all that the loop needs to go on, its place included; the same code for both ways.
  using Contents = std::function<void(Archive&)>;
  // At the start of a loop: puts into place what was loaded, once. `at` is read after `contents`.
  // CheckpointError: what was loaded does not fit, and parts of it may have been put into place.
  void resume(const Contents& contents, const Place& at);
  // After every step. Rank 0 writes where a checkpoint is due, or the loop is being left and the
  // trial is old enough. Storage that fails is told, and training goes on.
  void save(const Contents& contents, bool leaving);

  Spent earlier() const { return earlier_; }  // before this process took the trial up

 private:
  using Clock = std::chrono::steady_clock;
  void list_files();
  std::vector<std::uint8_t> newest_usable();
  void header(Archive& a);
  std::size_t write(const Contents& contents);  // bytes
  void prune() const;
  std::filesystem::path path_of(std::int64_t number) const;
  Spent spent_now() const;
  void tell(const std::string& what, bool trouble) const;

  CheckpointOptions options_;
  Digest trial_;
  Collective& team_;
  std::filesystem::path folder_;
  Clock::time_point begin_, next_;
  double begin_cpu_ = 0;
  Spent earlier_;
  bool resumed_ = false, told_failure_ = false;
  std::optional<Archive> loaded_;
  std::optional<LoopResult> first_;
  // Rank 0's: numbers of the files that were not tried yet, and of the newest two good ones, each
  // with the newest last.
  std::vector<std::int64_t> untried_, good_;
  std::int64_t last_number_ = 0;
};

}  // namespace emosweep::trainer
