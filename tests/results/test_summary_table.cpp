// A report from summary.h5 is the report from the records, or is not made from it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "base/error.h"
#include "example.h"
#include "results/report.h"
#include "results/summary_table.h"
#include "results/table.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

void age_records(const RunFolder& folder) {
  for (const auto& entry : fs::directory_iterator(folder.path() / "trials")) {
    fs::last_write_time(entry.path(), fs::file_time_type::clock::now() - 10s);
  }
}

void expect_same_metrics(const NamedValues& a, const NamedValues& b) {
  std::set<std::string> names;
  for (const auto& [name, value] : a) names.insert(name);
  for (const auto& [name, value] : b) names.insert(name);
  for (const auto& name : names) {
    const double x = value_of(a, name), y = value_of(b, name);
    EXPECT_TRUE(x == y || (std::isnan(x) && std::isnan(y))) << name << ": " << x << " and " << y;
  }
}

void expect_same_calibration(const Calibration& a, const Calibration& b) {
  EXPECT_EQ(a.squares, b.squares);
  for (std::size_t i = 0; i < Calibration::kBins; ++i) {
    EXPECT_EQ(a.bins[i].rows, b.bins[i].rows);
    EXPECT_EQ(a.bins[i].right, b.bins[i].right);
    EXPECT_EQ(a.bins[i].confidence, b.bins[i].confidence);
  }
}

void expect_same_cost(const Provenance& a, const Provenance& b) {
  EXPECT_EQ(a.start_unix, b.start_unix);
  EXPECT_EQ(a.wall_seconds, b.wall_seconds);
  EXPECT_EQ(a.cpu_seconds, b.cpu_seconds);
  EXPECT_EQ(a.steps, b.steps);
  EXPECT_EQ(a.peak_memory_bytes, b.peak_memory_bytes);
  EXPECT_EQ(a.restarts, b.restarts);
  EXPECT_EQ(a.host, b.host);
  EXPECT_EQ(a.device, b.device);
  EXPECT_EQ(a.source_revision, b.source_revision);
  EXPECT_EQ(a.libraries, b.libraries);
  EXPECT_EQ(a.rank, b.rank);
  EXPECT_EQ(a.ranks, b.ranks);
  EXPECT_EQ(a.pack, b.pack);
}

// Every field.
void expect_same(const Row& a, const Row& b) {
  EXPECT_EQ(a.cell.id, b.cell.id);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.failed_unix, b.failed_unix);
  EXPECT_EQ(a.best_epoch, b.best_epoch);
  EXPECT_EQ(a.epochs, b.epochs);
  EXPECT_EQ(a.train_rows, b.train_rows);
  EXPECT_EQ(a.validation_rows, b.validation_rows);
  EXPECT_EQ(a.test_rows, b.test_rows);
  expect_same_metrics(a.validation, b.validation);
  expect_same_metrics(a.test, b.test);
  EXPECT_EQ(a.confusion.classes, b.confusion.classes);
  EXPECT_EQ(a.confusion.counts, b.confusion.counts);
  ASSERT_EQ(a.subjects.size(), b.subjects.size());
  for (std::size_t i = 0; i < a.subjects.size(); ++i) {
    EXPECT_EQ(a.subjects[i].first, b.subjects[i].first);
    EXPECT_EQ(a.subjects[i].second.counts, b.subjects[i].second.counts);
  }
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.train_counts, b.train_counts);
  expect_same_calibration(a.calibration, b.calibration);
  ASSERT_EQ(a.slices.size(), b.slices.size());
  for (std::size_t i = 0; i < a.slices.size(); ++i) {
    EXPECT_EQ(a.slices[i].slice, b.slices[i].slice);
    EXPECT_EQ(a.slices[i].truth, b.slices[i].truth);
    EXPECT_EQ(a.slices[i].predicted, b.slices[i].predicted);
    EXPECT_EQ(a.slices[i].n, b.slices[i].n);
  }
  ASSERT_EQ(a.curves.size(), b.curves.size());
  for (std::size_t i = 0; i < a.curves.size(); ++i) {
    EXPECT_EQ(a.curves[i].name, b.curves[i].name);
    const auto &x = a.curves[i].values, &y = b.curves[i].values;
    EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin(), y.end(), [](float u, float v) {
      return u == v || (std::isnan(u) && std::isnan(v));
    }));
  }
  EXPECT_EQ(a.result, b.result);
  expect_same_cost(a.cost, b.cost);
}

class SummaryTable : public testing::Test {
 protected:
  void commit(const Example& example) {
    commit_example(folder_, example);
    age_records(folder_);
    commit_summary(folder_);
  }
  // Is the report made from the summary? In any case it says what the records say.
  bool used() {
    Table fast = planned_table(folder_), slow = fast;
    const bool filled = fill_from_summary(folder_, fast);
    fill_table(folder_, slow, nullptr);
    if (!filled) {
      EXPECT_TRUE(std::none_of(fast.rows.begin(), fast.rows.end(),
                               [](const Row& row) { return row.done(); }));
      return false;
    }
    EXPECT_EQ(fast.rows.size(), slow.rows.size());
    for (std::size_t i = 0; i < fast.rows.size(); ++i) {
      SCOPED_TRACE("row " + std::to_string(i));
      expect_same(fast.rows[i], slow.rows[i]);
    }
    EXPECT_EQ(fast.source_revisions, slow.source_revisions);
    EXPECT_EQ(fast.slices.size(), slow.slices.size());
    for (std::size_t e = 0; e < fast.slices.size(); ++e) {
      EXPECT_EQ(fast.slices[e].size(), slow.slices[e].size());
      for (std::size_t i = 0; i < fast.slices[e].size(); ++i) {
        EXPECT_EQ(fast.slices[e][i].column, slow.slices[e][i].column);
        EXPECT_EQ(fast.slices[e][i].value, slow.slices[e][i].value);
      }
    }
    return true;
  }
  TemporaryFolder dir_;
  RunFolder folder_{dir_.path()};
};

// Folds of two subjects, so that they are told by predictions; records that kept labels or nothing,
// lack curves or metrics, or are of another program; missing and failed cells.
Example varied() {
  Example example = make_example();
  const std::string half[] = {"first", "second"};
  for (auto& cell : example.plan.cells) {
    if (cell.experiment != 1) continue;
    cell.group.clear();
  }
  for (std::size_t i = 0; i < example.records.size(); ++i) {
    TrialRecord& record = example.records[i];
    Outcome& result = record.result;
    TargetResult& target = result.targets[0];
    target.train_counts = {static_cast<std::int64_t>(i), 2, 3};
    record.cost.pack = static_cast<std::int32_t>(i % 3);
    record.cost.host = half[i % 2] + " host, \"quoted\"";
    record.cost.wall_seconds = 1.0 / (3.0 + static_cast<double>(i));
    record.cost.source_revision = i % 5 == 0 ? "abc" : "def";
    if (i % 4 == 1) target.probability.clear();
    if (i % 7 == 2) {  // predictions: none
      target.probability.clear();
      target.sample.clear();
      target.truth.clear();
      target.predicted.clear();
    }
    if (i % 3 == 1 && !result.curves.empty()) result.curves.pop_back();
    if (i % 6 == 2 && !result.curves.empty()) {
      result.curves[0].values.resize(2);
      result.curves[0].values[1] = std::nan("");
    }
    if (i % 8 == 3) result.validation.clear();
    if (i % 9 == 4) result.test.emplace_back("further", 0.25);
  }
  return example;
}

TEST_F(SummaryTable, IsThatOfTheRecords) {
  commit(make_example());
  EXPECT_TRUE(used());
}

TEST_F(SummaryTable, OfVariedRecordsWithMissingAndFailedOnes) {
  Example example = varied();
  const Digest failed = example.records.back().id;
  example.records.pop_back();
  example.records.erase(example.records.begin() + 20);
  commit(example);
  folder_.commit_failure({failed, "exception", "no luck", "epoch 1", "h", 3, 1, 5});
  EXPECT_TRUE(used());  // failures are always read
}

TEST_F(SummaryTable, GivesTheSameBytesInEveryFormat) {
  Example example = varied();
  example.records.pop_back();
  commit(example);
  ASSERT_TRUE(used());
  std::map<std::string, std::string> fast;
  for (const auto& format : report_formats()) fast[format] = report(folder_, format);
  fs::remove(dir_.path() / "summary.h5");
  for (const auto& format : report_formats()) EXPECT_EQ(report(folder_, format), fast[format]);
}

TEST_F(SummaryTable, IsNotUsedWhenItIsNotCurrent) {
  const Example example = make_example();
  commit(example);
  const fs::path summary = dir_.path() / "summary.h5", timing = dir_.path() / "timing.csv";
  const fs::path record = folder_.record(example.records[3].id);
  ASSERT_TRUE(used());
  const auto time = fs::last_write_time(summary);
  fs::last_write_time(record, time);  // as old: nobody knows
  EXPECT_FALSE(used());
  fs::last_write_time(record, time - 1ns);
  fs::last_write_time(timing, time);
  EXPECT_TRUE(used());
  fs::last_write_time(timing, time - 2ns);
  EXPECT_FALSE(used());
  fs::last_write_time(timing, time);

  fs::rename(record, dir_.path() / "aside");  // a record is gone
  EXPECT_FALSE(used());
  fs::rename(dir_.path() / "aside", record);
  EXPECT_TRUE(used());

  PlanFile plan = *folder_.plan();  // another plan
  PlanFile other = plan;
  other.cells[0].seed = 77;
  folder_.commit_plan(other);
  EXPECT_FALSE(used());
  other = plan;
  other.experiments[0].resolved += "x: 1\n";
  folder_.commit_plan(other);
  EXPECT_FALSE(used());
  folder_.commit_plan(plan);
  EXPECT_TRUE(used());

  fs::rename(timing, dir_.path() / "aside");
  EXPECT_FALSE(used());
  write_file(timing, "id,experiment\n");
  EXPECT_FALSE(used());
  fs::rename(dir_.path() / "aside", timing);
  EXPECT_TRUE(used());

  auto bytes = read_bytes(summary);
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{17}, std::size_t{600}, bytes.size() - 1}) {
    auto damaged = bytes;
    damaged[at] ^= 1;
    write_file(summary, {damaged.begin(), damaged.end()});
    EXPECT_FALSE(used()) << at;
  }
  write_file(summary, {bytes.begin(), bytes.begin() + 700});
  EXPECT_FALSE(used());
  write_file(summary, {bytes.begin(), bytes.end()});
  fs::last_write_time(timing, fs::file_time_type::clock::now());
  EXPECT_TRUE(used());
  fs::remove(summary);
  EXPECT_FALSE(used());
}

TEST_F(SummaryTable, IsNotUsedForARecordThatCameLater) {
  Example example = make_example();
  const TrialRecord late = example.records.back();
  example.records.pop_back();
  commit(example);
  ASSERT_TRUE(used());
  folder_.commit(late);
  age_records(folder_);  // even if its clock was slow
  EXPECT_FALSE(used());
  commit_summary(folder_);
  EXPECT_TRUE(used());
}

TEST_F(SummaryTable, ADamagedRecordIsReported) {
  const Example example = make_example();
  commit(example);
  write_file(folder_.record(example.records[3].id), "no record");
  EXPECT_THROW(report(folder_), InputError);
}

TEST_F(SummaryTable, NeedsTheSampleTable) {
  const Example example = make_example();
  commit(example);
  write_file(folder_.samples(example.samples.digest), "{}");
  Table table = planned_table(folder_);
  EXPECT_FALSE(fill_from_summary(folder_, table));
}

TEST_F(SummaryTable, OfAnEmptyFolder) {
  folder_.create();
  Table none = planned_table([&] {
    folder_.commit_plan({});
    return folder_;
  }());
  EXPECT_FALSE(fill_from_summary(folder_, none));
  commit_summary(folder_);
  EXPECT_TRUE(fill_from_summary(folder_, none));
  EXPECT_TRUE(none.rows.empty());
}

}  // namespace
}  // namespace emosweep::results
