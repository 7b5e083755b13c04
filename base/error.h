// Errors say what, where, who and what to do. Three families decide what the run does with them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace emosweep {

// Exit codes of the program: a contract with users and their scripts.
enum class Exit : int {
  done = 0,           // everything asked for is done
  trials_failed = 1,  // finished, but some trials failed
  bad_input = 2,  // the command line, the experiment file or the data is wrong; nothing was trained
  cannot_go_on = 3,  // device, communication or storage; what was committed is safe
  interrupted = 75,  // stopped by a signal or a time limit; run again to go on
};

// A place in a file as a user's editor counts: lines and columns from 1; 0 = not known.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
  std::string text() const;  // "file:3:5", "file:3", "file" or ""
};

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The command line, a file or the data is wrong: exit code 2. The message may hold several lines,
// one a mistake.
class InputError : public Error {
 public:
  using Error::Error;
  InputError(const Place& place, std::string_view message);
};

// The run cannot go on (device, communication, storage): exit code 3.
class RunError : public Error {
 public:
  using Error::Error;
};

// One trial failed: it is recorded with the class of its reason, and the sweep goes on.
class TrialError : public Error {
 public:
  // reason: non_finite | out_of_memory | exception. where: the place in the training, "epoch 3,
  // step 41", or "".
  TrialError(std::string reason, const std::string& message, std::string where = {})
      : Error(message), reason_(std::move(reason)), where_(std::move(where)) {}
  const std::string& reason() const { return reason_; }
  const std::string& where() const { return where_; }

 private:
  std::string reason_, where_;
};

// Collects the mistakes of an input (1000 at most), to be reported together. Not thread-safe.
class Mistakes {
 public:
  void add(const Place& place, std::string_view message);
  void add(std::string_view message);
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }  // in the order added, each once
  void throw_if_any() const;                                        // InputError with every line

 private:
  std::vector<std::string> lines_;
};

// The candidate nearest to `word` by edit distance (at most a third of its length), or "" where
// none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

namespace detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& message);
}

}  // namespace emosweep

// Holds in release builds too. For errors of the program itself, not of its input.
#define EMO_CHECK(condition, message)                                                              \
  do {                                                                                             \
    if (!(condition)) ::emosweep::detail::check_failed(#condition, __FILE__, __LINE__, (message)); \
  } while (false)
