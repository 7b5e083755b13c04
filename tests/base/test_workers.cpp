#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/workers.h"

namespace emosweep {
namespace {

TEST(ShareOut, EveryNumberIsGivenOnce) {
  for (const unsigned threads : {1u, 2u, 5u}) {
    std::vector<std::atomic<int>> times(1000);
    std::mutex mutex;
    std::set<std::thread::id> who;
    share_out(times.size(), threads, [&](const Next& next) {
      {
        const std::lock_guard lock(mutex);
        who.insert(std::this_thread::get_id());
      }
      for (std::size_t i = next(); i < times.size(); i = next()) ++times[i];
      EXPECT_EQ(next(), times.size());
    });
    for (const auto& n : times) EXPECT_EQ(n, 1);
    EXPECT_EQ(who.size(), threads);
    EXPECT_TRUE(who.contains(std::this_thread::get_id()));
  }
  EXPECT_GE(usable_cores(), 1u);
}

TEST(ShareOut, AnExceptionEndsTheWorkOfAll) {
  std::atomic<std::size_t> done{0};
  EXPECT_THROW(share_out(1'000'000, 3,
                         [&](const Next& next) {
                           for (std::size_t i = next(); i < 1'000'000; i = next()) {
                             if (i == 100) throw std::runtime_error("hundred");
                             ++done;
                           }
                         }),
               std::runtime_error);
  EXPECT_LT(done, 1'000'000u);
}

}  // namespace
}  // namespace emosweep
