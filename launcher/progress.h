// What a person sees of a run: one line that is rewritten on a terminal, plain lines now and then
// otherwise.
#pragma once

#include <chrono>
#include <string>

#include "results/run_folder.h"

namespace emosweep::launcher {

// "12/720 done, 1 failed, 2 running, 705 left | 3.1 trials/s | ETA 3:47 | busy 98 %"
std::string progress_text(const results::State& state);
std::string duration_text(double seconds);  // "47 s", "3:47", "2:03:47"; "?" below 0

// Writes to stderr. Rank 0 only.
class ProgressLine {
 public:
  enum class Kind { terminal, plain, none };
  explicit ProgressLine(Kind kind) : kind_(kind) {}
  static Kind kind_of_stderr(bool quiet);

  bool due() const;  // 0.2 s on a terminal, 5 s otherwise
  void show(const results::State& state);
  void clear();  // before anything else is written to stderr

 private:
  Kind kind_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace emosweep::launcher
