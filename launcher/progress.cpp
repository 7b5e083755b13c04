#include "launcher/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace emosweep::launcher {

using Clock = std::chrono::steady_clock;

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "?";
  const long long s = std::llround(seconds);
  char text[48];
  if (s < 60) {
    std::snprintf(text, sizeof(text), "%lld s", s);
  } else if (s < 3600) {
    std::snprintf(text, sizeof(text), "%lld:%02lld", s / 60, s % 60);
  } else {
    std::snprintf(text, sizeof(text), "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  }
  return text;
}

std::string progress_text(const results::State& state) {
  char text[200];
  std::snprintf(text, sizeof(text),
                "%lld/%lld done, %lld failed, %lld running, %lld left | %.3g trials/s | ETA %s | "
                "busy %.0f %%",
                static_cast<long long>(state.done), static_cast<long long>(state.planned),
                static_cast<long long>(state.failed), static_cast<long long>(state.running),
                static_cast<long long>(state.left), state.trials_per_second,
                duration_text(state.eta_seconds).c_str(), 100 * state.busy_fraction);
  return text;
}

ProgressLine::Kind ProgressLine::kind_of_stderr(bool quiet) {
  if (quiet) return Kind::none;
  return isatty(STDERR_FILENO) == 1 ? Kind::terminal : Kind::plain;
}

bool ProgressLine::due() const {
  if (kind_ == Kind::none) return false;
  const auto pause = std::chrono::milliseconds{kind_ == Kind::terminal ? 200 : 5000};
  return Clock::now() - last_ >= pause;
}

void ProgressLine::show(const results::State& state) {
  if (kind_ == Kind::none) return;
  last_ = Clock::now();
  shown_ = true;
  const std::string text = progress_text(state);
  std::fprintf(stderr, kind_ == Kind::terminal ? "\r\033[K%s" : "%s\n", text.c_str());
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (kind_ == Kind::terminal && shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace emosweep::launcher
