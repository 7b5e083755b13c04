#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/exponential.h"

namespace emosweep {
namespace {

TEST(ExpNegative, IsTheExponential) {
  for (double x = 0; x > -707; x -= 0.00737) {
    const double expected = std::exp(x);
    ASSERT_NEAR(exp_negative(x), expected, 4e-16 * expected) << x;
    if (x < -86) continue;
    const auto single = static_cast<float>(x);
    const double of_single = std::exp(static_cast<double>(single));
    ASSERT_NEAR(static_cast<double>(exp_negative(single)), of_single, 3e-7 * of_single) << x;
  }
  EXPECT_EQ(exp_negative(0.0), 1);
  EXPECT_EQ(exp_negative(0.0f), 1);
}

TEST(ExpNegative, EndsInZeroAndKeepsNaN) {
  EXPECT_EQ(exp_negative(-709.0), 0);
  EXPECT_EQ(exp_negative(-88.0f), 0);
  EXPECT_EQ(exp_negative(-std::numeric_limits<double>::infinity()), 0);
  EXPECT_EQ(exp_negative(-std::numeric_limits<float>::infinity()), 0);
  EXPECT_TRUE(std::isnan(exp_negative(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(exp_negative(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace emosweep
