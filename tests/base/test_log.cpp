#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <sstream>
#include <thread>
#include <vector>

#include "base/files.h"
#include "base/log.h"
#include "temporary_folder.h"

namespace emosweep {
namespace {

std::string said(const log::Options& options, const std::function<void()>& body) {
  testing::internal::CaptureStderr();
  log::configure(options);
  body();
  const std::string text = testing::internal::GetCapturedStderr();
  log::configure({});
  return text;
}

void say_all() {
  log::debug("a detail");
  log::info("a fact");
  log::warning("a worry {} %s");
  log::error("a failure");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(Log, WritesTimeLevelAndText) {
  const auto lines = lines_of(said({}, say_all));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(std::regex_match(lines[0], std::regex(R"(\d\d:\d\d:\d\d info: a fact)")));
  // Braces and percent signs are text.
  EXPECT_TRUE(std::regex_match(lines[1], std::regex(R"(\d\d:\d\d:\d\d warning: a worry \{\} %s)")));
  EXPECT_TRUE(std::regex_match(lines[2], std::regex(R"(\d\d:\d\d:\d\d error: a failure)")));
}

TEST(Log, LevelsAreOfTheScreen) {
  EXPECT_EQ(lines_of(said({.level = log::Level::debug}, say_all)).size(), 4u);
  EXPECT_EQ(lines_of(said({.level = log::Level::warning}, say_all)).size(), 2u);
  EXPECT_EQ(lines_of(said({.level = log::Level::error}, say_all)).size(), 1u);
  EXPECT_EQ(said({.level = log::Level::quiet}, say_all), "");
}

TEST(Log, NamesTheRankWhereThereAreSeveral) {
  const auto first = lines_of(said({.rank = 0, .ranks = 3}, say_all));
  ASSERT_EQ(first.size(), 3u);
  EXPECT_TRUE(first[0].starts_with("[rank 0/3] ")) << first[0];
}

TEST(Log, OtherRanksSpeakOnlyOfTrouble) {
  const auto lines = lines_of(said({.rank = 2, .ranks = 3}, say_all));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].starts_with("[rank 2/3] ")) << lines[0];
  EXPECT_NE(lines[0].find("warning"), std::string::npos);
  const auto quiet = said({.level = log::Level::quiet, .rank = 2, .ranks = 3}, say_all);
  EXPECT_EQ(quiet, "");
}

TEST(Log, TheFileHoldsAllLevelsAndIsAppendedTo) {
  const TemporaryFolder folder;
  const auto file = folder / "rank_1.log";
  const log::Options options{.level = log::Level::quiet, .rank = 1, .ranks = 2, .file = file};
  EXPECT_EQ(said(options, say_all), "");
  said(options, [] { log::info("again"); });
  const auto lines = lines_of(read_text(file));
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_TRUE(std::regex_match(
      lines[0],
      std::regex(
          R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[-+]\d\d:\d\d \[rank 1/2\] debug: a detail)")))
      << lines[0];
  EXPECT_TRUE(lines[4].ends_with("info: again")) << lines[4];
}

// Lines are there as soon as they are said: a killed process leaves them.
TEST(Log, TheFileIsFlushed) {
  const TemporaryFolder folder;
  std::string early;
  said({.level = log::Level::quiet, .file = folder / "log"}, [&] {
    log::info("before the crash");
    early = read_text(folder / "log");
  });
  EXPECT_NE(early.find("before the crash"), std::string::npos);
}

TEST(Log, WarnsOfAFileThatCannotBeOpened) {
  const TemporaryFolder folder;
  std::string text;
  EXPECT_NO_THROW(text = said({.file = folder.path()}, say_all));
  EXPECT_NE(text.find(folder.path().string()), std::string::npos) << text;
  EXPECT_NE(text.find("warning"), std::string::npos) << text;
  EXPECT_NE(text.find("a fact"), std::string::npos) << text;
}

TEST(Log, IsReconfiguredWhileOthersWrite) {
  const TemporaryFolder folder;
  const auto text = said({}, [&] {
    std::vector<std::thread> writers;
    for (int t = 0; t < 3; ++t) {
      writers.emplace_back([] {
        for (int i = 0; i < 200; ++i) log::error("a line of some length, to be torn if it can be");
      });
    }
    for (int i = 0; i < 20; ++i) log::configure({.file = folder / "log"});
    for (auto& writer : writers) writer.join();
  });
  const auto lines = lines_of(text);
  EXPECT_EQ(lines.size(), 600u);
  for (const auto& line : lines) EXPECT_TRUE(line.ends_with("if it can be")) << line;
}

}  // namespace
}  // namespace emosweep
