#include "base/workers.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace emosweep {

unsigned usable_cores() { return std::clamp(std::thread::hardware_concurrency(), 1u, 64u); }

void share_out(std::size_t n, unsigned threads, const std::function<void(const Next& next)>& work) {
  std::atomic<std::size_t> given{0};
  const Next next = [&given, n] { return std::min(n, given++); };
  std::vector<std::exception_ptr> errors(threads);
  const auto run = [&](unsigned t) {
    try {
      work(next);
    } catch (...) {
      errors[t] = std::current_exception();
      given = n;
    }
  };
  std::vector<std::jthread> others;
  for (unsigned t = 1; t < threads; ++t) others.emplace_back(run, t);
  run(0);
  others.clear();  // joins
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace emosweep
