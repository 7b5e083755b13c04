#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "launcher/signals.h"

namespace emosweep::launcher {
namespace {

// The exit code of a child that caught the signals and then does `body`; 200 when it came to its
// end.
template <typename F>
int exit_of(F body) {
  const pid_t child = fork();
  if (child == 0) {
    forget_signals();
    catch_signals();
    body();
    _exit(200);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Signals, AWriteToAPeerThatLeftIsAnError) {
  EXPECT_EQ(exit_of([] {
              int ends[2];
              if (pipe(ends) != 0) _exit(1);
              close(ends[0]);
              if (write(ends[1], "x", 1) != -1 || errno != EPIPE) _exit(2);
            }),
            200);
}

TEST(Signals, TheFirstIsOnlyRemembered) {
  for (int number : {SIGUSR2, SIGTERM, SIGINT}) {
    EXPECT_EQ(exit_of([number] {
                if (signalled()) _exit(1);
                raise(number);
                if (!signalled() || signal_text().find("SIG") == std::string::npos) _exit(2);
              }),
              200);
  }
}

TEST(Signals, TheSameSignalDeliveredTwiceIsOneRequest) {
  EXPECT_EQ(exit_of([] {
              raise(SIGUSR2);
              raise(SIGUSR2);
            }),
            200);
}

TEST(Signals, ALaterOneEndsAtOnceWithTheCodeOfAnInterruption) {
  EXPECT_EQ(exit_of([] {
              raise(SIGTERM);
              usleep(1'100'000);
              raise(SIGTERM);
            }),
            75);
}

}  // namespace
}  // namespace emosweep::launcher
