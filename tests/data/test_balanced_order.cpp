#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/balanced_order.h"

namespace emosweep::data {
namespace {

TEST(BalancedOrder, ClassesAreEquallyLikelyAndRowsWithinThem) {
  std::vector<std::int32_t> rows;
  std::vector<std::int64_t> labels;
  for (std::int32_t i = 0; i < 1000; ++i) {
    labels.push_back(i < 40 ? 2 : i < 240 ? 0 : 5);  // 40, 200 and 760 of three classes
    if (i % 2 == 0) rows.push_back(i);
  }
  const StreamKey key = trial_key(3, "a");
  std::vector<int> of_class(6), of_row(1000);
  const int epochs = 60;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const auto order = balanced_order(rows, labels, key, epoch);
    ASSERT_EQ(order.size(), rows.size());
    for (const std::int64_t row : order) {
      ASSERT_EQ(row % 2, 0);
      ++of_class[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])];
      ++of_row[static_cast<std::size_t>(row)];
    }
  }
  const double draws = 500.0 * epochs;
  for (const std::size_t c : {0, 2, 5}) EXPECT_NEAR(of_class[c], draws / 3, 5 * std::sqrt(draws));
  for (std::size_t i = 0; i < 40; i += 2)
    EXPECT_NEAR(of_row[i], draws / 60, 6 * std::sqrt(draws / 60));
  EXPECT_EQ(balanced_order(rows, labels, key, 1), balanced_order(rows, labels, key, 1));
  EXPECT_NE(balanced_order(rows, labels, key, 1), balanced_order(rows, labels, key, 2));
  EXPECT_NE(balanced_order(rows, labels, trial_key(4, "a"), 1),
            balanced_order(rows, labels, key, 1));
}

}  // namespace
}  // namespace emosweep::data
