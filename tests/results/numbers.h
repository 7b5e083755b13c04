// Fixtures of numbers, and how closely ours must agree: closed forms to 1e-12, what needs a
// quantile function to 1e-9, relative (of values below 1e-3, to 1e-3 of that).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "results/metrics.h"
#include "results/statistics/score_table.h"

namespace emosweep::results {

inline constexpr double kClosed = 1e-12, kQuantile = 1e-9;

inline const nlohmann::json& fixture(const std::string& name) {
  static std::map<std::string, nlohmann::json> read;
  auto& json = read[name];
  if (json.is_null()) {
    json = nlohmann::json::parse(
        read_text(std::string(EMOSWEEP_SOURCE_DIR) + "/tests/fixtures/" + name + ".json", 1 << 24));
  }
  return json;
}

// The largest deviation of a test is kept as its property, for bench/run statistics.
inline void note_deviation(double deviation, bool closed_form) {
  static double worst[2] = {0, 0};
  static const testing::TestInfo* of[2] = {nullptr, nullptr};
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  if (of[closed_form] == test && !(deviation > worst[closed_form])) return;
  of[closed_form] = test;
  worst[closed_form] = deviation;
  char text[32];
  std::snprintf(text, sizeof text, "%.2e", deviation);
  testing::Test::RecordProperty(closed_form ? "worst_closed_form" : "worst_quantile", text);
}

inline void expect_close(double ours, double theirs, double tolerance, const std::string& what) {
  const double deviation = std::fabs(ours - theirs) / std::max(1e-3, std::fabs(theirs));
  EXPECT_LE(deviation, tolerance) << what << ": " << ours << " for " << theirs;
  note_deviation(deviation, tolerance < kQuantile);
}
inline void expect_close(const std::vector<double>& ours, const nlohmann::json& theirs,
                         double tolerance, const std::string& what) {
  ASSERT_EQ(ours.size(), theirs.size()) << what;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    expect_close(ours[i], theirs[i].get<double>(), tolerance, what);
  }
}

inline std::vector<double> numbers(const nlohmann::json& json) {
  return json.get<std::vector<double>>();
}

inline std::vector<double> flat(const nlohmann::json& rows) {
  std::vector<double> values;
  for (const auto& row : rows) {
    for (const auto& value : row) values.push_back(value.get<double>());
  }
  return values;
}

inline ScoreTable table_of(const nlohmann::json& rows) {
  return {rows.size(), rows[0].size(), flat(rows)};
}

inline Confusion confusion_of(const nlohmann::json& rows) {
  Confusion confusion(static_cast<std::int64_t>(rows.size()));
  for (std::size_t t = 0; t < rows.size(); ++t) {
    for (std::size_t p = 0; p < rows.size(); ++p) {
      confusion.counts[t * rows.size() + p] = rows[t][p].get<std::int64_t>();
    }
  }
  return confusion;
}

}  // namespace emosweep::results
