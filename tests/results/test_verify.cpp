#include <gtest/gtest.h>

#include "base/error.h"
#include "example.h"
#include "results/h5.h"
#include "results/user_block.h"

namespace emosweep::results {
namespace {

class Verify : public ::testing::Test {
 protected:
  void SetUp() override {
    commit_example(folder_, example_);
    commit_summary(folder_);
    folder_.commit_state({});
    ASSERT_EQ(verify(folder_), std::vector<std::string>{});
  }

  // The folder has problems, and one of them names `file` and says `what`.
  void expect_problem(const std::string& file, const std::string& what) {
    const auto problems = verify(folder_);
    for (const auto& problem : problems) {
      if (problem.find(file) != std::string::npos && problem.find(what) != std::string::npos)
        return;
    }
    ADD_FAILURE() << "no problem of " << file << " says: " << what << "\n"
                  << ::testing::PrintToString(problems);
  }

  std::string record_name(std::size_t i) { return example_.records[i].id.hex() + ".h5"; }

  TemporaryFolder dir_;
  RunFolder folder_{dir_.path()};
  Example example_ = make_example({1, 2, 4, 3, 2});
};

TEST_F(Verify, FindsAFlippedBitAtEvery97thByteOfARecord) {
  const auto path = folder_.record(example_.records[1].id);
  const std::string bytes = read_text(path);
  for (std::size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    write_file(path, damaged);
    const auto problems = verify(folder_);
    ASSERT_FALSE(problems.empty()) << "byte " << at;
    EXPECT_NE(problems[0].find(path.string()), std::string::npos) << problems[0];
  }
}

TEST_F(Verify, FindsAFlippedBitAtEvery97thByteOfTheSummary) {
  const auto path = dir_.path() / "summary.h5";
  const std::string bytes = read_text(path);
  ASSERT_GT(bytes.size(), 10'000u);
  for (std::size_t at = 0; at < bytes.size(); at += 97) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    write_file(path, damaged);
    EXPECT_FALSE(summary_problem(path).empty()) << "byte " << at;
  }
  expect_problem("summary.h5", "is damaged");
}

TEST_F(Verify, FindsASummaryThatIsOldMissingOrTruncated) {
  const auto path = dir_.path() / "summary.h5";
  const std::string bytes = read_text(path);
  for (std::size_t length = 0; length < bytes.size(); length += 1009) {
    write_file(path, bytes.substr(0, length));
    EXPECT_FALSE(summary_problem(path).empty()) << length;
  }
  std::filesystem::remove(path);
  expect_problem("summary.h5", "is missing");
  write_file(path, bytes);
  example_.records[0].result.curves.push_back({"lr", {1, 2}});
  folder_.commit(example_.records[0]);
  expect_problem("summary.h5", "does not follow from the records");
}

TEST_F(Verify, FindsRecordsThatContradictThemselves) {
  const auto spoil = [&](const std::string& what, const auto& change) {
    TrialRecord record = example_.records[3];
    change(record);
    folder_.commit(record);
    expect_problem(record_name(3), what);
  };
  spoil("test macro_f1 does not follow", [](TrialRecord& r) { r.result.test[1].second += 1e-9; });
  spoil("the confusion matrix does not follow from the predictions", [](TrialRecord& r) {
    // Right and wrong of class 0 change places, so that its row's total stays.
    auto& counts = r.result.targets[0].confusion;
    counts = {counts[1] + 1, counts[0], counts[2] - 1, counts[3], counts[4],
              counts[5],     counts[6], counts[7],     counts[8]};
  });
  spoil("rows of 4", [](TrialRecord& r) { r.result.targets[0].confusion[0] += 1; });
  spoil("rows of 5", [](TrialRecord& r) { r.result.test_rows = 5; });
  spoil("is not the class of highest probability", [](TrialRecord& r) {
    auto& p = r.result.targets[0].probability;
    std::reverse(p.begin(), p.end());
    p[static_cast<std::size_t>(r.result.targets[0].predicted[0])] = 0;
  });
  spoil("not in ascending order", [](TrialRecord& r) { r.result.targets[0].sample[0] += 3; });
  spoil("a sample that the sample table lacks",
        [](TrialRecord& r) { r.result.targets[0].sample.back() = 8; });
  spoil("is not the hash of its canonical text", [](TrialRecord& r) { r.canonical += "x=y\n"; });
  spoil("best epoch lies behind", [](TrialRecord& r) { r.result.best_epoch = 2; });
  folder_.commit(example_.records[3]);
  std::filesystem::copy_file(folder_.record(example_.records[0].id),
                             folder_.record(example_.records[1].id),
                             std::filesystem::copy_options::overwrite_existing);
  expect_problem(record_name(1), "holds trial " + example_.records[0].id.hex());
  write_file(dir_.path() / "trials" / "copy.h5", "");
  expect_problem("copy.h5", "is not named after a trial");
}

TEST_F(Verify, FindsMissingAndDoubleCommitLines) {
  const std::string id = example_.records[2].id.hex();
  {
    SyncedLines other(folder_.log(1));
    other.add("2026-01-01T00:00:00Z start " + id + " experiment=x");
    other.add("some text of the log that is no event");
  }
  EXPECT_EQ(verify(folder_), std::vector<std::string>{});
  {
    SyncedLines other(folder_.log(1));
    other.add("2026-01-01T00:00:00Z commit " + id);
    other.add("2026-01-01T00:00:00Z commit " + std::string(64, '0'));
  }
  expect_problem(id, "has 2 commit lines");
  expect_problem(std::string(64, '0'), "has a commit line, but no record");
  std::filesystem::remove(folder_.log(0));
  expect_problem(example_.records[0].id.hex(), "has 0 commit lines");
}

TEST_F(Verify, FindsDamageInTheOtherFiles) {
  write_file(dir_.path() / "state.json", "{}");
  expect_problem("state.json", "is damaged");
  folder_.commit_state({});
  const auto failure = folder_.failure(sha256("x"));
  write_file(failure, "{\"format\":\"emosweep-failure\"");
  expect_problem(failure.string(), "is damaged");
  std::filesystem::remove(failure);
  const auto samples = folder_.samples(example_.samples.digest);
  std::string text = read_text(samples);
  const std::string good = text;
  text.replace(text.find("clip-1"), 6, "clip-9");
  write_file(samples, text);
  expect_problem(samples.string(), "is damaged");
  write_file(samples, good);
  write_file(dir_.path() / "plan.json", "[]");
  expect_problem("plan.json", "");
  std::filesystem::remove(dir_.path() / "plan.json");
  expect_problem("plan.json", "is missing");
}

TEST(UserBlock, DigestIsOfTheWholeFileWithItsFieldZeroed) {
  std::vector<std::uint8_t> file(kUserBlock + 3, 7);
  seal(file, "name 1\n");
  std::vector<std::uint8_t> zeroed = file;
  std::fill_n(zeroed.begin() + 7, 64, std::uint8_t{0});
  const std::string digits(file.begin() + 7, file.begin() + 71);
  EXPECT_EQ(digits, sha256(std::span<const std::uint8_t>(zeroed)).hex());
  EXPECT_EQ(std::string(file.begin(), file.begin() + 7), "name 1\n");
  EXPECT_EQ(file[71], '\n');
  EXPECT_EQ(std::count(file.begin() + 72, file.begin() + 512, 0), 440);
  EXPECT_EQ(seal_problem(file, "name 1\n"), "");
  EXPECT_EQ(seal_problem(file, "name 2\n"), "has format version '1', this program reads version 2");
  EXPECT_EQ(seal_problem(file, "other 1\n"), "is no other file");
}

}  // namespace
}  // namespace emosweep::results
