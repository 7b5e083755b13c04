#include "launcher/run_together.h"

#include <array>
#include <cstdio>
#include <string>
#include <thread>

namespace emosweep::launcher {
namespace {

constexpr std::array<Exit, 5> kBySeverity = {Exit::done, Exit::trials_failed, Exit::interrupted,
                                             Exit::bad_input, Exit::cannot_go_on};

}  // namespace

int severity(Exit code) {
  for (std::size_t i = 0; i < kBySeverity.size(); ++i) {
    if (kBySeverity[i] == code) return static_cast<int>(i);
  }
  return static_cast<int>(kBySeverity.size()) - 1;
}

Exit exit_of_severity(int severity) { return kBySeverity.at(static_cast<std::size_t>(severity)); }

Exit code_of(const std::exception_ptr& error) {
  if (!error) return Exit::done;
  try {
    std::rethrow_exception(error);
  } catch (const InputError&) {
    return Exit::bad_input;
  } catch (...) {
    return Exit::cannot_go_on;
  }
}

const char* state_name(Exit code) {
  switch (code) {
    case Exit::done:
      return "done";
    case Exit::trials_failed:
      return "failed";
    case Exit::interrupted:
      return "interrupted";
    default:
      return "error";
  }
}

std::string text_of(const std::exception_ptr& error) {
  if (!error) return "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

void agree_on_errors(const distributed::World& world, const char* what,
                     const std::exception_ptr& mine, double seconds) {
  const int own = severity(code_of(mine));
  int worst = own, speaker = 0;
  if (world.size > 1) {
    const auto deadline = distributed::in_seconds(seconds);
    worst = distributed::agree_max(own, what, deadline);
    if (worst == 0) return;
    // The lowest rank with the worst code speaks.
    const int bid = own == worst ? world.size - world.rank : 0;
    speaker = world.size - distributed::agree_max(bid, what, deadline);
  }
  if (worst == 0) return;
  throw Left{exit_of_severity(worst), world.rank == speaker ? mine : nullptr};
}

Exit in_world(const std::function<Exit(const distributed::World&)>& body) {
  const distributed::World world = distributed::start(nullptr, nullptr);
  distributed::die_with_launcher(world);
  Exit code = Exit::cannot_go_on;
  try {
    code = body(world);
  } catch (const Left& left) {
    distributed::finish();
    if (left.error) std::rethrow_exception(left.error);
    return left.code;
  } catch (...) {
    if (world.size == 1) {
      distributed::finish();
      throw;
    }
    std::fprintf(stderr, "emosweep: error: rank %d/%d on %s: %s\n", world.rank, world.size,
                 world.host.c_str(), text_of(std::current_exception()).c_str());
    // Where another rank died, its launcher is about to end the job, and knows the better code.
    std::this_thread::sleep_for(std::chrono::seconds{1});
    distributed::abort_all(world, static_cast<int>(Exit::cannot_go_on));
  }
  distributed::finish();
  return code;
}

}  // namespace emosweep::launcher
