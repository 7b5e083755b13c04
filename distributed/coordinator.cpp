#include "distributed/coordinator.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kStopPoll = Milliseconds{50};
constexpr auto kBeat = std::chrono::seconds{1};
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
    case Done::requeued:
      return "requeued";
  }
  return "";
}

std::string done_key(std::uint32_t number) { return "done/" + std::to_string(number); }

// Work on the run's store: the keys ticket, committed, failed, returned, requeued, beat, over
// (counters), all_over, stop (set once), done/<number> (of work that other work needs),
// requeued/<i> and retaken/<i> (the i-th requeued number, and who took it), tally/<name>.
class StoreCoordinator final : public Coordinator {
 public:
  StoreCoordinator(const World& world, std::vector<Work> order, std::shared_ptr<RunStore> store)
      : size_(world.size), order_(std::move(order)), store_(std::move(store)) {
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
      taken = retake();
      if (!taken.empty()) return taken;
      const std::int64_t next = store_->add("ticket", most) - most;
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
    const std::int64_t count = store_->add(counter_of(done), 1);
    if (done == Done::requeued) {
      store_->set("requeued/" + std::to_string(count), std::to_string(number));
      return;
    }
    if (needed_.contains(number)) store_->set(done_key(number), counter_of(done));
  }

  bool stopping() override {
    const auto now = Clock::now();
    if (now - last_beat_ >= kBeat) {
      last_beat_ = now;
      store_->add("beat", 1);
    }
    if (stop_seen_ || now - last_check_ < kStopPoll) return stop_seen_;
    return asked_to_stop();
  }

  void stop(const std::string& why) override {
    store_->set_first("stop", why);
    stop_seen_ = true;
  }

  std::string stop_reason() override { return store_->has("stop") ? store_->get("stop") : ""; }

  Counts counts() override {
    Counts out;
    // Finished before taken: so that nothing finished in between is counted as never taken.
    out.committed = store_->add("committed", 0);
    out.failed = store_->add("failed", 0);
    out.returned = store_->add("returned", 0);
    out.taken = std::min(store_->add("ticket", 0), static_cast<std::int64_t>(order_.size()));
    return out;
  }

  std::int64_t add(const std::string& name, std::int64_t value) override {
    return store_->add("tally/" + name, value);
  }

  bool over(Milliseconds wait) override {
    if (!said_over_) {
      said_over_ = true;
      if (store_->add("over", 1) == size_) store_->set("all_over", "yes");
    }
    return store_->wait_for("all_over", wait);
  }

  std::int64_t sign_of_life() override {
    return store_->add("beat", 0) + store_->add("ticket", 0) + store_->add("over", 0);
  }

 private:
  // Work that another team gave back because its environment failed it: whoever asks first takes
  // it.
  std::vector<std::uint32_t> retake() {
    const std::int64_t requeued = store_->add("requeued", 0);
    while (seen_requeued_ < requeued) {
      const std::string i = std::to_string(++seen_requeued_);
      if (store_->add("retaken/" + i, 1) != 1) continue;
      return {static_cast<std::uint32_t>(std::stoul(store_->get("requeued/" + i)))};
    }
    return {};
  }

  bool asked_to_stop() {
    last_check_ = Clock::now();
    if (!stop_seen_) stop_seen_ = store_->has("stop");
    return stop_seen_;
  }

  bool needs_committed(const Work& work) {
    for (std::uint32_t need : work.needs) {
      const std::string key = done_key(need);
      while (!store_->wait_for(key, kNeedPoll)) {
        if (stopping()) return false;
      }
      if (store_->get(key) != counter_of(Done::committed)) return false;
    }
    return true;
  }

  int size_;
  std::vector<Work> order_;
  std::shared_ptr<RunStore> store_;
  std::int64_t seen_requeued_ = 0;
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

}  // namespace

std::unique_ptr<Coordinator> make_coordinator(const World& world, std::shared_ptr<RunStore> store,
                                              std::vector<Work> order) {
  if (world.size > 1) agree_on_order(world, order);
  return std::make_unique<StoreCoordinator>(world, std::move(order), std::move(store));
}

}  // namespace emosweep::distributed
