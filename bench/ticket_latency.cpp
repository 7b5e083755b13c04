// How long a ticket takes while rank 0 trains (computes on its pinned core):
//   mpirun -np 2 --bind-to none bench_ticket_latency [tickets]
// Prints one line of JSON: mean, median and 99th percentile in microseconds over all ranks but rank
// 0.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "distributed/coordinator.h"

using namespace emosweep::distributed;
using Clock = std::chrono::steady_clock;

namespace {

// Arithmetic that the compiler cannot drop, asking for the end as a training loop does at every
// step.
double compute_until_over(Coordinator& coordinator, int ranks) {
  double x = 1;
  while (coordinator.add("measured", 0) < ranks - 1) {
    const auto end = Clock::now() + std::chrono::milliseconds{5};
    while (Clock::now() < end) {
      for (int i = 0; i < 1000; ++i) x = x * 1.0000001 + 1e-9;
    }
    coordinator.stopping();
  }
  return x;
}

}  // namespace

int main(int argc, char** argv) {
  const World world = start(&argc, &argv);
  const int tickets = argc > 1 ? std::atoi(argv[1]) : 20'000;
  std::vector<Work> order;
  for (int i = 0; i < tickets * world.size; ++i) {
    order.push_back({static_cast<std::uint32_t>(i), 1, {}, 0});
  }
  auto coordinator = make_coordinator(world, make_store(world), order);
  const bool pinned = pin_to_core(world);
  barrier("all are ready", in_seconds(60));

  std::ostringstream mine;
  if (world.rank == 0 && world.size > 1) {
    const double x = compute_until_over(*coordinator, world.size);
    if (x < 0) std::puts("");  // keeps x
  } else {
    for (int i = 0; i < tickets; ++i) {
      const auto begin = Clock::now();
      const auto got = coordinator->take(1);
      const std::chrono::duration<double, std::micro> took = Clock::now() - begin;
      mine << took.count() << ' ';
      if (got.empty()) break;
    }
    coordinator->add("measured", 1);
  }
  std::vector<double> times;
  for (const std::string& text : gather(mine.str(), "latencies", in_seconds(300))) {
    std::istringstream in(text);
    for (double t = 0; in >> t;) times.push_back(t);
  }
  std::sort(times.begin(), times.end());
  if (world.rank == 0 && !times.empty()) {
    double sum = 0;
    for (double t : times) sum += t;
    std::printf(
        "{\"ranks\": %d, \"pinned\": %s, \"tickets\": %zu, \"mean_us\": %.1f, \"median_us\": %.1f, "
        "\"p99_us\": %.1f}\n",
        world.size, pinned ? "true" : "false", times.size(),
        sum / static_cast<double>(times.size()), times[times.size() / 2],
        times[times.size() * 99 / 100]);
  }
  if (world.rank != 0) coordinator.reset();
  barrier("end of the store", in_seconds(60));
  coordinator.reset();
  finish();
  return 0;
}
