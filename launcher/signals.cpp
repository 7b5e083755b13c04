#include "launcher/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "base/error.h"

namespace emosweep::launcher {
namespace {

// A handler reaches nothing but statics.
std::atomic<int> first_signal{0};
std::atomic<long long> first_time{0};

long long now_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<long long>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

extern "C" void remember(int number) {
  int none = 0;
  if (first_signal.compare_exchange_strong(none, number)) {
    first_time.store(now_milliseconds());
  } else if (first_time.load() != 0 && now_milliseconds() - first_time.load() >= 1000) {
    _exit(static_cast<int>(Exit::interrupted));
  }
}

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;  // a file being written is not to be cut short
  sigemptyset(&action.sa_mask);
  for (int number : {SIGUSR2, SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
  // Gloo and the store write to peers that may just have left: an error there, not the end here.
  signal(SIGPIPE, SIG_IGN);
}

bool signalled() { return first_signal.load() != 0; }

std::string signal_text() {
  switch (first_signal.load()) {
    case 0:
      return "";
    case SIGUSR2:
      return "signal SIGUSR2";
    case SIGTERM:
      return "signal SIGTERM";
    default:
      return "signal SIGINT";
  }
}

void forget_signals() {
  first_signal.store(0);
  first_time.store(0);
}

}  // namespace emosweep::launcher
