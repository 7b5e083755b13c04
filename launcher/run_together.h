// Errors that the ranks of a run agree on, so that all leave with one exit code: mpirun kills the
// others as soon as one rank exits with another code than 0.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "distributed/world.h"

namespace emosweep::launcher {

// A rank may still be reading and hashing the data that another has in its cache.
constexpr double kPlanSeconds = 1800;

// Every rank leaves with this code; `error` is set on the one rank that says why.
struct Left {
  Exit code = Exit::cannot_go_on;
  std::exception_ptr error;
};

// 0 < 1 < 75 < 2 < 3: which of two codes tells more.
int severity(Exit code);
Exit exit_of_severity(int severity);
Exit code_of(const std::exception_ptr& error);  // of base/error.h's families
std::string text_of(const std::exception_ptr& error);
const char* state_name(Exit code);  // "done", "failed", "interrupted", "error": of a state file

// Collective. Returns when no rank failed; otherwise every rank throws Left with the worst code.
// RunError where a rank does not come within so many seconds.
void agree_on_errors(const distributed::World& world, const char* what,
                     const std::exception_ptr& mine, double seconds = kPlanSeconds);

// Collective: runs f on every rank, and throws Left on all of them when it threw on any.
template <typename F>
auto together(const distributed::World& world, const char* what, F f,
              double seconds = kPlanSeconds) {
  using Result = std::invoke_result_t<F>;
  std::exception_ptr error;
  if constexpr (std::is_void_v<Result>) {
    try {
      f();
    } catch (...) {
      error = std::current_exception();
    }
    agree_on_errors(world, what, error, seconds);
  } else {
    Result result{};
    try {
      result = f();
    } catch (...) {
      error = std::current_exception();
    }
    agree_on_errors(world, what, error, seconds);
    return result;
  }
}

// Starts the world, runs body on every rank, ends the world. An error that the ranks did not agree
// on ends the job at once with code 3; one that they did is thrown on one rank and is the code of
// all others.
Exit in_world(const std::function<Exit(const distributed::World&)>& body);

}  // namespace emosweep::launcher
