// Ranks as threads of one process over an in-memory store.
#pragma once

#include <signal.h>

#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <vector>

#include "distributed/run_store_backend.h"
#include "distributed/team.h"

namespace emosweep::distributed::test {

// c10d's flight recorder is one for the process and no two ranks may use it at once: as threads
// they would. Before it is made, hence before main.
inline const bool kNoFlightRecorder = setenv("TORCH_FR_BUFFER_SIZE", "0", 1) == 0;

// As distributed::start does: Gloo writes to peers that may just have left.
inline const bool kNoBrokenPipes = signal(SIGPIPE, SIG_IGN) != SIG_ERR;

// Runs body(rank) on n threads and waits for all of them; the first rank's exception is thrown.
inline void run_ranks(int n, const std::function<void(int)>& body) {
  std::exception_ptr first;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < n; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        body(rank);
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first) std::rethrow_exception(first);
}

struct MemoryStore {
  c10::intrusive_ptr<c10d::Store> store = c10::make_intrusive<c10d::HashStore>();
  std::shared_ptr<RunStore> of(int rank) const {
    auto backend = std::make_unique<RunStore::Backend>();
    backend->store = store;
    return std::make_shared<RunStore>(rank, std::move(backend));
  }
};

inline World world_of(int rank, int size) {
  World world;
  world.rank = rank;
  world.size = world.node_size = size;
  world.node_rank = rank;
  world.host = "here";
  world.address = "127.0.0.1";
  return world;
}

// All ranks in one team over Gloo.
inline std::unique_ptr<Team> team_of(const MemoryStore& store, int rank, int size,
                                     TeamOptions options = {std::chrono::seconds{30}}) {
  return make_team(world_of(rank, size),
                   choose_team(std::vector<int>(static_cast<std::size_t>(size), 0), rank, size),
                   store.of(rank), options);
}

// One order, given by the leader and heard by the members, and the group that it needs.
inline TeamOrder next_order(Team& team, std::int64_t number) {
  TeamOrder order;
  if (team.place().leads()) {
    order = team.tell(number);
  } else {
    auto heard = team.hear(std::chrono::seconds{20});
    if (!heard) throw std::runtime_error("no order within 20 s");
    order = *heard;
  }
  team.join(order);
  return order;
}

// body(team) on every rank of a fresh team, joined.
inline void run_team(int n, const std::function<void(Team&)>& body,
                     TeamOptions options = {std::chrono::seconds{30}}) {
  const MemoryStore store;
  run_ranks(n, [&](int rank) {
    const auto team = team_of(store, rank, n, options);
    next_order(*team, 1);
    body(*team);
    team->close();
  });
}

}  // namespace emosweep::distributed::test
