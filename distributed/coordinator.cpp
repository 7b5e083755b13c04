#include "distributed/coordinator.h"

#include <algorithm>
#include <bit>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"
#include "distributed/address.h"

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kStopPoll = Milliseconds{50};
constexpr auto kBeat = std::chrono::seconds{1};
constexpr auto kWaitPoll = Milliseconds{50};
constexpr auto kNeedPoll = std::chrono::seconds{1};
constexpr double kAgreeSeconds = 120;

const char* counter_of(Done done) {
  switch (done) {
    case Done::committed:
      return "committed";
    case Done::failed:
      return "failed";
    case Done::returned:
      return "returned";
  }
  return "";
}

std::string done_key(std::uint32_t number) { return "done/" + std::to_string(number); }

// Work on a c10d store: the keys ticket, committed, failed, returned, beat, over (counters),
// all_over, stop (set once), done/<number> (of work that other work needs), tally/<name>.
class StoreCoordinator final : public Coordinator {
 public:
  StoreCoordinator(const World& world, std::vector<Work> order,
                   c10::intrusive_ptr<c10d::Store> store)
      : rank_(world.rank), size_(world.size), order_(std::move(order)), store_(std::move(store)) {
    std::unordered_set<std::uint32_t> seen;
    for (const Work& work : order_) {
      for (std::uint32_t need : work.needs) {
        if (!seen.contains(need)) {
          throw RunError("work " + std::to_string(work.number) + " stands before work " +
                         std::to_string(need) + ", which it needs");
        }
        needed_.insert(need);
      }
      seen.insert(work.number);
    }
  }

  std::vector<std::uint32_t> take(int most) override {
    std::vector<std::uint32_t> taken;
    while (taken.empty()) {
      if (asked_to_stop()) return taken;
      const std::int64_t next = bump("ticket", most) - most;
      for (std::int64_t t = next; t < next + most; ++t) {
        if (t >= static_cast<std::int64_t>(order_.size())) return taken;
        const Work& work = order_[static_cast<std::size_t>(t)];
        if (needs_committed(work)) {
          taken.push_back(work.number);
        } else {
          finish(work.number, Done::returned);
        }
      }
    }
    return taken;
  }

  void finish(std::uint32_t number, Done done) override {
    bump(counter_of(done), 1);
    if (needed_.contains(number)) put(done_key(number), counter_of(done));
  }

  bool stopping() override {
    const auto now = Clock::now();
    if (now - last_beat_ >= kBeat) {
      last_beat_ = now;
      bump("beat", 1);
    }
    if (stop_seen_ || now - last_check_ < kStopPoll) return stop_seen_;
    return asked_to_stop();
  }

  void stop(const std::string& why) override {
    if (bump("stop_asked", 1) == 1) put("stop", why);
    stop_seen_ = true;
  }

  std::string stop_reason() override {
    if (!has("stop")) return "";
    return guarded("reason of the stop", [&] { return store_->get_to_str("stop"); });
  }

  Counts counts() override {
    Counts out;
    // Finished before taken: so that nothing finished in between is counted as never taken.
    out.committed = bump("committed", 0);
    out.failed = bump("failed", 0);
    out.returned = bump("returned", 0);
    out.taken = std::min(bump("ticket", 0), static_cast<std::int64_t>(order_.size()));
    return out;
  }

  std::int64_t add(const std::string& name, std::int64_t value) override {
    return bump("tally/" + name, value);
  }

  bool over(Milliseconds wait) override {
    if (!said_over_) {
      said_over_ = true;
      if (bump("over", 1) == size_) put("all_over", "yes");
    }
    return wait_for("all_over", wait);
  }

  std::int64_t sign_of_life() override {
    return bump("beat", 0) + bump("ticket", 0) + bump("over", 0);
  }

 private:
  template <typename F>
  auto guarded(const char* what, F call) -> decltype(call()) {
    try {
      return call();
    } catch (const std::exception& e) {
      throw RunError("rank " + std::to_string(rank_) + ": " + what +
                     ": no answer from rank 0's store: " + std::string(e.what()).substr(0, 300) +
                     "; rank 0 died, hangs or cannot be reached");
    }
  }

  std::int64_t bump(const std::string& key, std::int64_t by) {
    return guarded("count of work", [&] { return store_->add(key, by); });
  }
  bool has(const std::string& key) {
    return guarded("question to the store", [&] { return store_->check({key}); });
  }
  void put(const std::string& key, const std::string& value) {
    guarded("word to the store", [&] { store_->set(key, value); });
  }

  // Asks and sleeps: 20 questions a second cost 0.1 % of a core. The store's own wait with a
  // timeout would cost less, but c10d writes two warnings to stderr each time that it ends without
  // an answer.
  bool wait_for(const std::string& key, Milliseconds time) {
    const auto end = Clock::now() + time;
    Clock::duration pause = Milliseconds{1};
    while (!has(key)) {
      const auto now = Clock::now();
      if (now >= end) return false;
      std::this_thread::sleep_for(std::min(pause, end - now));
      pause = std::min<Clock::duration>(pause * 3 / 2, kWaitPoll);
    }
    return true;
  }

  bool asked_to_stop() {
    last_check_ = Clock::now();
    if (!stop_seen_) stop_seen_ = has("stop");
    return stop_seen_;
  }

  bool needs_committed(const Work& work) {
    for (std::uint32_t need : work.needs) {
      const std::string key = done_key(need);
      while (!wait_for(key, kNeedPoll)) {
        if (stopping()) return false;
      }
      if (guarded("state of needed work", [&] { return store_->get_to_str(key); }) !=
          counter_of(Done::committed)) {
        return false;
      }
    }
    return true;
  }

  int rank_, size_;
  std::vector<Work> order_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::unordered_set<std::uint32_t> needed_;
  bool stop_seen_ = false, said_over_ = false;
  Clock::time_point last_check_{}, last_beat_{};
};

std::string order_hash(const std::vector<Work>& order) {
  Sha256 hash;
  for (const Work& work : order) {
    std::string text = std::to_string(work.number) + ' ' +
                       std::to_string(std::bit_cast<std::uint64_t>(work.cost)) + ' ' +
                       std::to_string(work.shape);
    for (std::uint32_t need : work.needs) text += ' ' + std::to_string(need);
    hash.add_sized(text);
  }
  return hash.finish().hex();
}

void agree_on_order(const World& world, const std::vector<Work>& order) {
  const std::vector<std::string> hashes =
      gather(order_hash(order), "agreement on the order of work", in_seconds(kAgreeSeconds));
  for (std::size_t r = 1; r < hashes.size(); ++r) {
    if (hashes[r] != hashes[0]) {
      throw RunError("rank " + std::to_string(world.rank) + ": rank " + std::to_string(r) +
                     " has another order of work than rank 0; do all ranks run the same program "
                     "and read the same files?");
    }
  }
}

// Without a socket of its own the server would listen on every interface.
c10::intrusive_ptr<c10d::Store> serve(const World& world, c10d::TCPStoreOptions options) {
  const BoundSocket socket = bind_socket(world.address);
  options.isServer = true;
  options.port = static_cast<std::uint16_t>(socket.port);
  options.masterListenFd = socket.fd;
  return c10::make_intrusive<c10d::TCPStore>(world.address, options);
}

}  // namespace

std::unique_ptr<Coordinator> make_coordinator(const World& world, std::vector<Work> order,
                                              const CoordinatorOptions& options) {
  if (world.size == 1) {
    return std::make_unique<StoreCoordinator>(world, std::move(order),
                                              c10::make_intrusive<c10d::HashStore>());
  }
  agree_on_order(world, order);
  c10d::TCPStoreOptions store_options;
  store_options.waitWorkers = false;
  store_options.timeout = options.timeout;
  c10::intrusive_ptr<c10d::Store> store;
  std::string answer;  // "<port>", or why there is none
  if (world.rank == 0) {
    try {
      store = serve(world, store_options);
      answer = std::to_string(static_cast<c10d::TCPStore&>(*store).getPort());
    } catch (const std::exception& e) {
      answer = std::string("!") + e.what();
    }
  }
  answer = broadcast(answer, "port of rank 0's store", in_seconds(kAgreeSeconds));
  if (answer.starts_with('!')) {
    throw RunError("rank 0 cannot serve the store on " + world.address + ": " + answer.substr(1));
  }
  if (world.rank != 0) {
    store_options.port = static_cast<std::uint16_t>(std::stoi(answer));
    try {
      store = c10::make_intrusive<c10d::TCPStore>(world.address, store_options);
    } catch (const std::exception& e) {
      throw RunError("rank " + std::to_string(world.rank) + ": cannot reach rank 0's store at " +
                     world.address + ":" + answer + ": " + e.what());
    }
  }
  return std::make_unique<StoreCoordinator>(world, std::move(order), std::move(store));
}

}  // namespace emosweep::distributed
