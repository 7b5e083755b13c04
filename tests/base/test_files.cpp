#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <new>
#include <sstream>

#include "base/error.h"
#include "base/fault.h"
#include "base/files.h"
#include "temporary_folder.h"

namespace emosweep {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

// Runs `body` in a child; what waitpid says of its end.
int end_of_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      body();
    } catch (const std::exception& error) {
      ::_exit(9);
    }
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

template <typename Exception>
std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Exception& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing thrown";
  return "";
}

TEST(CommitFile, WritesAndReplaces) {
  const TemporaryFolder folder;
  commit_file(folder / "a", std::string_view("one"), "test");
  EXPECT_EQ(read_text(folder / "a"), "one");
  const std::vector<std::uint8_t> bytes(3'000'000, 7);
  commit_file(folder / "a", bytes, "test");
  EXPECT_EQ(read_bytes(folder / "a"), bytes);
  commit_file(folder / "a", std::string_view(), "test");
  EXPECT_EQ(read_text(folder / "a"), "");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(CommitFile, TakesAPathWithoutAFolder) {
  const TemporaryFolder folder;
  EXPECT_EQ(end_of_child([&] {
              if (::chdir(folder.path().c_str()) != 0) ::_exit(8);
              commit_file("here", std::string_view("x"), "test");
            }),
            0);
  EXPECT_EQ(read_text(folder / "here"), "x");
}

TEST(CommitFile, NamesThePathThatFails) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "absent" / "a";
  const std::string text =
      message_of<RunError>([&] { commit_file(path, std::string_view("x"), "test"); });
  EXPECT_NE(text.find((folder.path() / "absent").string()), std::string::npos) << text;
  EXPECT_NE(text.find("No such file"), std::string::npos) << text;
}

TEST(CommitFile, LeavesNothingWhereTheNameIsTaken) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "taken" / fs::path("full"));
  EXPECT_THROW(commit_file(folder / "taken", std::string_view("x"), "test"), RunError);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"taken"});
}

// A limit on file sizes fails the write half-way, as a full disk does.
TEST(CommitFile, LeavesTheOldFileWhereTheNewOneDoesNotFit) {
  const TemporaryFolder folder;
  commit_file(folder / "a", std::string_view("old"), "test");
  const int status = end_of_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(8);
    try {
      commit_file(folder / "a", std::string(200'000, 'x'), "test");
    } catch (const RunError& error) {
      const std::string text = error.what();
      ::_exit(text.find("File too large") != std::string::npos ? 3 : 4);
    }
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

struct Kill {
  const char* point;
  const char* expected;  // content afterwards
};

class CommitFileKilled : public testing::TestWithParam<Kill> {};

TEST_P(CommitFileKilled, LeavesTheOldFileOrTheNewOne) {
  const TemporaryFolder folder;
  commit_file(folder / "a", std::string_view("old"), "test");
  const std::string at = std::string("kill@other.point:1,kill@") + GetParam().point + ":2";
  const int status = end_of_child([&] {
    arm_faults(at);
    commit_file(folder / "b", std::string_view("first passes"), "test");
    commit_file(folder / "a", std::string_view("new"), "test");
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(read_text(folder / "a"), GetParam().expected);
  EXPECT_EQ(read_text(folder / "b"), "first passes");
  // What a kill leaves behind cannot be taken for a committed file.
  for (const auto& name : names_in(folder.path())) {
    EXPECT_TRUE(name == "a" || name == "b" || name.starts_with(".a.tmp.")) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Points, CommitFileKilled,
                         testing::Values(Kill{"test.begin", "old"}, Kill{"test.written", "old"},
                                         Kill{"test.synced", "old"}, Kill{"test.renamed", "new"}));

TEST(CommitFile, LeavesNoTemporaryFileBehindAnException) {
  for (const char* step : {"begin", "written", "synced"}) {
    const TemporaryFolder folder;
    commit_file(folder / "a", std::string_view("old"), "test");
    arm_faults(std::string("bad_alloc@test.") + step + ":1");
    EXPECT_THROW(commit_file(folder / "a", std::string_view("new"), "test"), std::bad_alloc);
    arm_faults("");
    EXPECT_EQ(read_text(folder / "a"), "old") << step;
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"}) << step;
  }
}

TEST(ReadText, NamesTheFileAndTheReason) {
  const TemporaryFolder folder;
  std::ofstream(folder / "a") << "12345";
  EXPECT_EQ(read_text(folder / "a", 5), "12345");
  const auto large = message_of<InputError>([&] { read_text(folder / "a", 4); });
  EXPECT_NE(large.find((folder / "a").string()), std::string::npos) << large;
  EXPECT_NE(large.find("4 bytes"), std::string::npos) << large;
  const auto absent = message_of<InputError>([&] { read_text(folder / "b"); });
  EXPECT_NE(absent.find("No such file"), std::string::npos) << absent;
  const auto is_folder = message_of<InputError>([&] { read_bytes(folder.path()); });
  EXPECT_NE(is_folder.find("folder"), std::string::npos) << is_folder;
}

// Files without a size of their own.
TEST(ReadText, CapsEndlessFiles) {
  EXPECT_THROW(read_text("/dev/zero", 1'000'000), InputError);
  EXPECT_EQ(read_text("/dev/null"), "");
}

TEST(MakeFolders, MakesThemOnceOrSaysWhyNot) {
  const TemporaryFolder folder;
  make_folders(folder.path() / "a" / "b");
  make_folders(folder.path() / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a" / "b"));
  std::ofstream(folder / "file") << "x";
  const auto text = message_of<RunError>([&] { make_folders(folder.path() / "file" / "c"); });
  EXPECT_NE(text.find("file"), std::string::npos) << text;
  EXPECT_THROW(make_folders(folder / "file"), RunError);
}

TEST(SyncedLines, AppendsWholeLines) {
  const TemporaryFolder folder;
  {
    SyncedLines lines(folder / "log");
    lines.add("start 1");
    lines.add("two\nin one\r");
  }
  SyncedLines lines(folder / "log");
  lines.add("commit 1");
  EXPECT_EQ(read_text(folder / "log"), "start 1\ntwo in one \ncommit 1\n");
}

TEST(SyncedLines, NotesStandAmongTheOthers) {
  const TemporaryFolder folder;
  SyncedLines lines(folder / "log");
  lines.add("one");
  EXPECT_TRUE(lines.note("two\nlines"));
  lines.add("three");
  EXPECT_EQ(read_text(folder / "log"), "one\ntwo lines\nthree\n");
}

TEST(SyncedLines, EndsATornLine) {
  const TemporaryFolder folder;
  std::ofstream(folder / "log") << "start 1\ncomm";
  SyncedLines lines(folder / "log");
  lines.add("start 1");
  EXPECT_EQ(read_text(folder / "log"), "start 1\ncomm\nstart 1\n");
}

TEST(SyncedLines, NamesTheFileThatFails) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "absent" / "log";
  const auto text = message_of<RunError>([&] { SyncedLines lines(path); });
  EXPECT_NE(text.find(path.string()), std::string::npos) << text;
  EXPECT_EQ(end_of_child([&] {
              SyncedLines lines(folder / "log");
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{10, 10};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(8);
              try {
                lines.add("more than ten bytes");
              } catch (const RunError& error) {
                ::_exit(std::string(error.what()).find("/log") == std::string::npos ? 7 : 0);
              }
              ::_exit(6);
            }),
            0);
}

}  // namespace
}  // namespace emosweep
