#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "folder.h"
#include "launcher/progress.h"
#include "launcher/run_log.h"
#include "launcher/run_options.h"
#include "launcher/run_together.h"

namespace emosweep::launcher {
namespace {

TEST(Progress, DurationsReadLikeAClock) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59.4), "59 s");
  EXPECT_EQ(duration_text(227), "3:47");
  EXPECT_EQ(duration_text(2 * 3600 + 3 * 60 + 7), "2:03:07");
  EXPECT_EQ(duration_text(-1), "?");
  EXPECT_EQ(duration_text(std::nan("")), "?");
}

TEST(Progress, TextHasAllCounts) {
  results::State state;
  state.planned = 720;
  state.done = 12;
  state.failed = 1;
  state.running = 2;
  state.left = 707;
  state.trials_per_second = 3.125;
  state.eta_seconds = 227;
  state.busy_fraction = 0.984;
  EXPECT_EQ(progress_text(state),
            "12/720 done, 1 failed, 2 running, 707 left | 3.12 trials/s | ETA 3:47 | busy 98 %");
}

TEST(Severity, OrdersTheExitCodes) {
  EXPECT_LT(severity(Exit::done), severity(Exit::trials_failed));
  EXPECT_LT(severity(Exit::trials_failed), severity(Exit::interrupted));
  EXPECT_LT(severity(Exit::interrupted), severity(Exit::bad_input));
  EXPECT_LT(severity(Exit::bad_input), severity(Exit::cannot_go_on));
  for (Exit code :
       {Exit::done, Exit::trials_failed, Exit::bad_input, Exit::cannot_go_on, Exit::interrupted}) {
    EXPECT_EQ(exit_of_severity(severity(code)), code);
  }
}

TEST(TimeLimit, ReadsSecondsAndSlurmsForms) {
  EXPECT_EQ(parse_time_limit("3600"), 3600);
  EXPECT_EQ(parse_time_limit("90:00"), 5400);
  EXPECT_EQ(parse_time_limit("1:30:05"), 5405);
  EXPECT_EQ(parse_time_limit("1-12:00:00"), 129'600);
  for (const char* wrong : {"", "0", "soon", "1:2:3:4", "-5", "1-2", "1.5", "5 min", ":", "1:"}) {
    EXPECT_THROW(parse_time_limit(wrong), InputError) << wrong;
  }
}

TEST(RunLog, EveryCommittedIdHasExactlyOneCommitLine) {
  TestFolder temporary;
  const results::RunFolder folder(temporary.path);
  make_folders(folder.log(0).parent_path());
  const Digest a = sha256("a"), b = sha256("b"), c = sha256("c"), d = sha256("d");
  {
    SyncedLines one(folder.log(0)), two(folder.log(1));
    one.add(log_line("start", a, "seed 1"));
    one.add(log_line("commit", a, "0.1 s"));
    two.add(log_line("start", b));
    two.add(log_line("start", b));
    two.add(log_line("start", c));
    two.add(log_line("fail", c, "exception: commit " + d.hex()));
  }
  std::ofstream(folder.log(1), std::ios::app)
      << "2026-01-01T00:00:00.000Z comm";  // torn by a crash
  LogHistory history = read_logs(folder);
  EXPECT_EQ(history.committed, std::set<Digest>{a});
  EXPECT_EQ(history.starts[b], 2);
  {
    SyncedLines log(folder.log(0));
    const std::vector<Digest> committed{a,
                                        b};  // b's record was renamed, then the process was killed
    EXPECT_EQ(recover_commit_lines(history, committed, {}, log), 1);
    EXPECT_EQ(recover_commit_lines(history, committed, {}, log), 0);
  }
  std::ifstream in(folder.log(0));
  int lines = 0, recovered = 0;
  for (std::string line; std::getline(in, line);) {
    lines += line.find(" commit ") != std::string::npos ? 1 : 0;
    recovered += line.find(" commit " + b.hex() + " recovered") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(lines, 2);
  EXPECT_EQ(recovered, 1);
}

}  // namespace
}  // namespace emosweep::launcher
