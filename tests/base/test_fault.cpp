#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "base/fault.h"
#include "temporary_folder.h"

namespace emosweep {
namespace {

// Every test leaves the process unarmed.
struct Fault : testing::Test {
  ~Fault() override { arm_faults(""); }
};

std::string refusal(const std::string& wanted, const std::string& filler = "") {
  try {
    arm_faults(wanted, filler);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST_F(Fault, NothingHappensUnarmed) {
  fault_point("a");
  EXPECT_FALSE(fault_poison("a"));
}

TEST_F(Fault, ComesOnceAtTheCountedPassOfItsPoint) {
  arm_faults("throw@a:3,bad_alloc@b:1");
  fault_point("a");
  fault_point("a");
  fault_point("c");
  EXPECT_THROW(fault_point("b"), std::bad_alloc);
  testing::internal::CaptureStderr();
  try {
    fault_point("a");
    FAIL() << "the third pass went by";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "injected throw at a");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "emosweep: injected throw at a (pass 3, pid " + std::to_string(::getpid()) + ")\n");
  fault_point("a");
  fault_point("b");
}

TEST_F(Fault, TwoFaultsAtOnePointHaveTheirOwnCounts) {
  arm_faults("throw@a:2,bad_alloc@a:1");
  EXPECT_THROW(fault_point("a"), std::bad_alloc);
  EXPECT_THROW(fault_point("a"), std::runtime_error);
}

TEST_F(Fault, PoisonIsForNanAlone) {
  arm_faults("nan@a:2,throw@b:1");
  fault_point("a");  // is no pass for it
  EXPECT_FALSE(fault_poison("a"));
  EXPECT_FALSE(fault_poison("b"));
  EXPECT_TRUE(fault_poison("a"));
  EXPECT_FALSE(fault_poison("a"));
}

TEST_F(Fault, KillAndStopAreTheSignals) {
  for (const auto& [kind, signal] : {std::pair{"kill", SIGKILL}, std::pair{"stop", SIGSTOP}}) {
    const pid_t child = ::fork();
    if (child == 0) {
      arm_faults(std::string(kind) + "@a:1");
      fault_point("a");
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
    EXPECT_EQ(WIFSTOPPED(status) ? WSTOPSIG(status) : WTERMSIG(status), signal) << kind;
    if (!WIFSTOPPED(status)) continue;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
}

TEST_F(Fault, AMalformedWishIsRefusedWithItsEntry) {
  for (const char* bad : {"kill", "kill@a", "kill@:1", "kill@a:", "kill@a:0", "kill@a:-1", "@a:1",
                          "kill@a:1x", "a:1", "kill@a:1,", ",kill@a:1", "kill@a:1,,nan@b:1"}) {
    EXPECT_NE(refusal(bad).find("EMOSWEEP_FAULT"), std::string::npos) << bad;
  }
  const std::string text = refusal("nan@a:1,explode@record.synced:2");
  EXPECT_NE(text.find("'explode@record.synced:2'"), std::string::npos) << text;
  EXPECT_NE(text.find("bad_alloc"), std::string::npos) << text;
  fault_point("a");  // nothing of a refused wish stays
}

TEST_F(Fault, FillNeedsASmallFileSystemOfItsOwn) {
  EXPECT_NE(refusal("fill@a:1").find("EMOSWEEP_FAULT_FILL"), std::string::npos);
  EXPECT_NE(refusal("fill@a:1", "/no/such/folder/filler").find("/no/such/folder"),
            std::string::npos);
}

TEST_F(Fault, TheEnvironmentIsReadOnlyWhenAsked) {
  ::setenv("EMOSWEEP_FAULT", "throw@a:1", 1);
  fault_point("a");
  testing::internal::CaptureStderr();
  arm_faults_from_environment();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("throw@a:1"), std::string::npos);
  EXPECT_THROW(fault_point("a"), std::runtime_error);
  ::setenv("EMOSWEEP_FAULT", "nonsense", 1);
  EXPECT_THROW(arm_faults_from_environment(), InputError);
  ::unsetenv("EMOSWEEP_FAULT");
}

}  // namespace
}  // namespace emosweep
