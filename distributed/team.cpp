#include "distributed/team.h"

#include <ATen/ATen.h>
#include <sched.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "base/fault.h"
#include "base/log.h"
#include "distributed/address.h"
#include "distributed/gloo_backend.h"
#include "distributed/group.h"
#ifdef USE_C10D_NCCL
#include "distributed/nccl_backend.h"
#endif
#include "distributed/run_store_backend.h"
#include "distributed/team_backend.h"
#include "distributed/team_fault.h"

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kWordOfPeer = Milliseconds{500};  // a failing rank writes before it closes
constexpr auto kLook = Milliseconds{200};
constexpr auto kConnect = Milliseconds{20'000};  // all ranks are there: only sockets are missing

class LoneTeam final : public Team {
 public:
  explicit LoneTeam(const TeamPlace& place) : place_(place) {}
  const TeamPlace& place() const override { return place_; }
  TeamOrder tell(std::int64_t number) override { return {number, 0}; }
  std::optional<TeamOrder> hear(Milliseconds) override { return TeamOrder{}; }
  void join(const TeamOrder&) override {}
  void fail(const TeamFault&) override {}
  void close() override {}
  at::Tensor sum(at::Tensor x) override { return alone_.sum(x); }
  at::Tensor gather_rows(at::Tensor x) override { return alone_.gather_rows(x); }
  std::unique_ptr<Pending> start_sum(at::Tensor x) override { return alone_.start_sum(x); }

 private:
  TeamPlace place_;
  Alone alone_;
};

std::string size_text(const at::Tensor& x) {
  return "of " + std::to_string(x.numel()) + " values (" +
         std::string(c10::toString(x.scalar_type())) + ")";
}

// Threads inherit the core that this rank is pinned to: those of the back-end would take it from
// the training thread. While this lives, they get all cores that the process was started with.
class OffThePin {
 public:
  explicit OffThePin(const World& world) {
    CPU_ZERO(&before_);
    if (sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int core : world.cores) CPU_SET(core, &all);
    moved_ = CPU_COUNT(&all) > 0 && sched_setaffinity(0, sizeof(all), &all) == 0;
  }
  ~OffThePin() {
    if (moved_) sched_setaffinity(0, sizeof(before_), &before_);
  }
  OffThePin(const OffThePin&) = delete;
  OffThePin& operator=(const OffThePin&) = delete;

 private:
  cpu_set_t before_;
  bool moved_ = false;
};

class GroupTeam final : public Team {
 public:
  GroupTeam(const World& world, const TeamPlace& at, std::shared_ptr<RunStore> store,
            const TeamOptions& options, TeamBackend backend)
      : world_(world),
        place_(at),
        options_(options),
        maker_(std::move(backend)),
        store_(std::move(store)) {
    rank = at.rank;
    size = at.size;
  }
  ~GroupTeam() override { close(); }

  const TeamPlace& place() const override { return place_; }

  TeamOrder tell(std::int64_t number) override {
    TeamOrder order{number, generation_};
    if (number != TeamOrder::kOver && (!group_ || store_->has(key("fault")))) ++order.generation;
    store_->set(order_key(++order_),
                std::to_string(number) + " " + std::to_string(order.generation));
    told_ = order.generation;
    return order;
  }

  std::optional<TeamOrder> hear(Milliseconds wait) override {
    if (!store_->wait_for(order_key(order_ + 1), wait)) return std::nullopt;
    const std::string text = store_->get(order_key(++order_));
    told_ = std::stoll(text.substr(text.find(' ') + 1));
    return TeamOrder{std::stoll(text), told_};
  }

  void join(const TeamOrder& order) override {
    if (group_ && generation_ == order.generation) return;
    if (generation_ == order.generation) {  // this rank broke the group that the leader still has
      throw TeamError(own_fault("left before the trial began", "communication"));
    }
    drop();
    generation_ = order.generation;
    try {
      fault_point("team.rendezvous");
      meet();
      auto options = GroupOptions{options_.timeout, maker_.wakes_waiting,
                                  [this] { return store_->has(key("fault")); }};
      const auto connect = std::min(options_.timeout, kConnect);
      c10::intrusive_ptr<c10d::Store> store =
          c10::make_intrusive<c10d::PrefixStore>(key("group"), store_->backend().store);
      const OffThePin free(world_);
      auto backend = maker_.make(store, rank, size, connect);
      backend->setTimeout(options_.timeout);
      group_ = std::make_unique<Group>(std::move(backend), std::move(options));
    } catch (const TeamError&) {
      throw;
    } catch (const TeamLost&) {
      throw;
    } catch (const std::exception& e) {
      const TeamFault fault = own_fault(std::string("rendezvous: ") + e.what(), "communication");
      fail(fault);
      throw TeamError(fault);
    }
  }

  void fail(const TeamFault& fault) override {
    generation_ = told_;  // this rank may fail before it has joined
    try {
      if (generation_ > 0) store_->set_first(key("fault"), encode_fault({order_, fault}));
    } catch (const std::exception& e) {  // the store's own trouble shows at its next use
      log::warning(e.what());
    }
    drop();
  }

  void close() override {
    drop();
    store_.reset();
  }

  at::Tensor plain_sum(const at::Tensor& x) {
    at::Tensor out = on_device(x.detach()).clone(at::MemoryFormat::Contiguous);
    start(out, "sum")->wait();
    return out.to(x.device());
  }

  at::Tensor plain_gather(const at::Tensor& x) {
    std::vector<at::Tensor> rows{at::full({size}, 0, at::kLong)};
    rows[0][rank] = x.size(1);
    const at::Tensor counts = plain_sum(rows[0]).contiguous();
    const std::int64_t* count = counts.const_data_ptr<std::int64_t>();
    const std::int64_t most = *std::max_element(count, count + size);
    std::vector<std::int64_t> shape = x.sizes().vec();
    shape[1] = most;
    at::Tensor padded = at::zeros(shape, x.options().device(maker_.device));
    padded.narrow(1, 0, x.size(1)).copy_(x.detach());
    std::vector<at::Tensor> all;
    for (int r = 0; r < size; ++r) all.push_back(at::empty_like(padded));
    fault_point("team.collective");
    run("gather " + size_text(padded), [&](Group& group) {
      const Group::Work work = group.start_gather(padded, all);
      group.wait(*work);
    });
    for (int r = 0; r < size; ++r)
      all[static_cast<std::size_t>(r)] = all[static_cast<std::size_t>(r)].narrow(1, 0, count[r]);
    return at::cat(all, 1).to(x.device());
  }

  at::Tensor sum(at::Tensor x) override;
  at::Tensor gather_rows(at::Tensor x) override;
  std::unique_ptr<Pending> start_sum(at::Tensor x) override {
    EMO_CHECK(x.is_contiguous() && x.device() == maker_.device,
              "a contiguous tensor on the team's device expected");
    return start(x, "sum");
  }

 private:
  struct Started final : Pending {
    Started(GroupTeam& team, Group::Work work, std::string name)
        : team_(team), work_(std::move(work)), name_(std::move(name)) {}
    void wait() override {
      team_.run(name_, [&](Group& group) { group.wait(*work_); });
    }
    GroupTeam& team_;
    Group::Work work_;
    std::string name_;
  };

  std::unique_ptr<Pending> start(at::Tensor& x, const char* what) {
    fault_point("team.collective");
    std::string name = std::string(what) + " " + size_text(x);
    Group::Work work;
    run(name, [&](Group& group) {
      std::vector<at::Tensor> tensors{x};
      work = group.start_sum(tensors);
    });
    return std::make_unique<Started>(*this, std::move(work), std::move(name));
  }

  // A collective that does not come about breaks the group, and becomes what the peer said.
  template <typename F>
  void run(const std::string& name, F call) {
    if (!group_) throw TeamError(peers_fault(name, "the group is broken"));
    try {
      call(*group_);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& e) {
      const TeamFault fault = peers_fault(name, e.what());
      fail(fault);
      throw TeamError(fault);
    }
  }

  // What a peer said of this trial, or that nobody said anything.
  TeamFault peers_fault(const std::string& name, const std::string& error) {
    if (store_->wait_for(key("fault"), kWordOfPeer)) {
      const PostedFault posted = decode_fault(store_->get(key("fault")));
      if (posted.order == order_) return posted.fault;
    }
    return own_fault(name + ": " + error.substr(0, std::min<std::size_t>(error.find('\n'), 300)) +
                         "; a rank of the team died, hangs or cannot be reached",
                     "communication");
  }

  TeamFault own_fault(const std::string& message, const std::string& reason) const {
    return {reason, "rank " + std::to_string(world_.rank) + " (" + place_.text() + "): " + message,
            "", world_.host, world_.rank};
  }

  // All ranks say that they are here, so that one that fails or hangs is known by name.
  void meet() {
    store_->set(key("here/" + std::to_string(rank)), "yes");
    const auto end = Clock::now() + options_.timeout;
    for (int r = 0; r < size; ++r) {
      while (!store_->wait_for(key("here/" + std::to_string(r)), kLook)) {
        if (store_->has(key("fault"))) throw TeamError(peers_fault("rendezvous", ""));
        if (Clock::now() < end) continue;
        throw TeamLost("rank " + std::to_string(world_.rank) + " (" + place_.text() + "): rank " +
                       std::to_string(place_.members[static_cast<std::size_t>(r)]) +
                       " did not come to the rendezvous within " +
                       std::to_string(options_.timeout.count() / 1000) +
                       " s: it hangs (stopped, swapping, a dead file system?); this team is over");
      }
    }
  }

  void drop() { group_.reset(); }
  std::string key(const std::string& name) const {
    return "team/" + std::to_string(place_.team) + "/" + std::to_string(generation_) + "/" + name;
  }
  std::string order_key(std::int64_t i) const {
    return "team/" + std::to_string(place_.team) + "/order/" + std::to_string(i);
  }
  at::Tensor on_device(const at::Tensor& x) const { return x.to(maker_.device); }

  World world_;
  TeamPlace place_;
  TeamOptions options_;
  TeamBackend maker_;
  std::shared_ptr<RunStore> store_;
  std::unique_ptr<Group> group_;
  std::int64_t generation_ = 0, told_ = 0, order_ = 0;
};

GroupTeam& team_of(const torch::autograd::AutogradContext& context) {
  return *reinterpret_cast<GroupTeam*>(context.saved_data.at("team").toInt());
}

// y = sum over ranks of x_r; the loss is a sum over ranks too, so d loss / d x_r is the sum over
// ranks of their d loss_q / d y.
struct Sum : torch::autograd::Function<Sum> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            GroupTeam* team) {
    context->saved_data["team"] = reinterpret_cast<std::int64_t>(team);
    return team->plain_sum(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outer) {
    return {team_of(*context).plain_sum(outer[0]), at::Tensor()};
  }
};

// Row i of the gathered rows came from one rank, which gets the sum of all ranks' gradients of it.
struct GatherRows : torch::autograd::Function<GatherRows> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            GroupTeam* team) {
    context->saved_data["team"] = reinterpret_cast<std::int64_t>(team);
    context->saved_data["rows"] = x.size(1);
    at::Tensor counts = at::zeros({team->size}, at::kLong);
    counts[team->rank] = x.size(1);
    counts = team->plain_sum(counts);
    context->saved_data["first"] = team->rank == 0
                                       ? std::int64_t{0}
                                       : counts.narrow(0, 0, team->rank).sum().item<std::int64_t>();
    return team->plain_gather(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outer) {
    const at::Tensor all = team_of(*context).plain_sum(outer[0]);
    return {
        all.narrow(1, context->saved_data["first"].toInt(), context->saved_data["rows"].toInt()),
        at::Tensor()};
  }
};

bool wants_gradient(const at::Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

at::Tensor GroupTeam::sum(at::Tensor x) {
  return wants_gradient(x) ? Sum::apply(x, this) : plain_sum(x);
}

at::Tensor GroupTeam::gather_rows(at::Tensor x) {
  return wants_gradient(x) ? GatherRows::apply(x, this) : plain_gather(x);
}

}  // namespace

std::unique_ptr<Team> make_team(const World& world, const TeamPlace& place,
                                std::shared_ptr<RunStore> store, const TeamOptions& options,
                                TeamBackend backend) {
  if (place.size == 1) return std::make_unique<LoneTeam>(place);
  return std::make_unique<GroupTeam>(world, place, std::move(store), options, std::move(backend));
}

namespace {

TeamBackend gloo(const World& world) {
  const std::string host = local_address_towards(world.address);
  TeamBackend out;
  out.make = [host](const auto& store, int rank, int size, Milliseconds timeout) {
    return make_gloo_backend(store, rank, size, timeout, host);
  };
  return out;
}

TeamBackend nccl([[maybe_unused]] int device) {
#ifdef USE_C10D_NCCL
  TeamBackend out;
  out.device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device));
  out.wakes_waiting = false;
  out.make = [device](const auto& store, int rank, int size, Milliseconds timeout) {
    return make_nccl_backend(store, rank, size, timeout, device);
  };
  return out;
#else
  throw RunError("this program was built without CUDA: teams on GPUs need the cuda preset");
#endif
}

}  // namespace

std::unique_ptr<Team> make_team(const World& world, const TeamPlace& place,
                                std::shared_ptr<RunStore> store, const TeamOptions& options) {
  if (place.size == 1) return std::make_unique<LoneTeam>(place);
  TeamBackend backend = options.cuda_device < 0 ? gloo(world) : nccl(options.cuda_device);
  return make_team(world, place, std::move(store), options, std::move(backend));
}

}  // namespace emosweep::distributed
