#include "distributed/run_store.h"

#include <c10/util/Logging.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/error.h"
#include "base/log.h"
#include "distributed/address.h"
#include "distributed/run_store_backend.h"

namespace emosweep::distributed {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr auto kWaitPoll = Milliseconds{50};
constexpr double kAgreeSeconds = 120;

// c10d looks for a name of each address that it connects to and warns where there is none: on a
// cluster once a rank. Names are not needed here, and what fails is thrown.
class NoWarnings {
 public:
  NoWarnings() { FLAGS_caffe2_log_level = c10::GLOG_ERROR; }
  ~NoWarnings() { FLAGS_caffe2_log_level = before_; }
  NoWarnings(const NoWarnings&) = delete;
  NoWarnings& operator=(const NoWarnings&) = delete;

 private:
  const int before_ = FLAGS_caffe2_log_level;
};

// Without a socket of its own the server would listen on every interface.
c10::intrusive_ptr<c10d::Store> serve(const World& world, c10d::TCPStoreOptions options) {
  const BoundSocket socket = bind_socket(world.address);
  options.isServer = true;
  options.port = static_cast<std::uint16_t>(socket.port);
  options.masterListenFd = socket.fd;
  return c10::make_intrusive<c10d::TCPStore>(world.address, options);
}

// c10d warns of every connection that ends with a page of addresses, among which the one line that
// says what happened is lost. TORCH_CPP_LOG_LEVEL asks for them.
void quiet_c10d() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) {
    FLAGS_caffe2_log_level = c10::GLOG_ERROR;
  } else {
    c10::initLogging();
  }
}

std::shared_ptr<RunStore> wrap(const World& world, c10::intrusive_ptr<c10d::Store> store) {
  auto backend = std::make_unique<RunStore::Backend>();
  backend->store = std::move(store);
  return std::make_shared<RunStore>(world.rank, std::move(backend));
}

}  // namespace

RunStore::RunStore(int rank, std::unique_ptr<Backend> backend)
    : rank_(rank), backend_(std::move(backend)) {}
RunStore::~RunStore() = default;

template <typename F>
auto RunStore::guarded(const std::string& what, F call) -> decltype(call()) {
  if (!broken_.empty()) throw RunError(broken_);
  try {
    return call();
  } catch (const std::exception& e) {  // its first line: c10 adds a page of addresses
    const std::string why = std::string(e.what()).substr(0, 300);
    broken_ = "rank " + std::to_string(rank_) + ": " + what +
              ": no answer from rank 0's store: " + why.substr(0, why.find('\n')) +
              "; rank 0 died, hangs or cannot be reached";
    throw RunError(broken_);
  }
}

std::int64_t RunStore::add(const std::string& key, std::int64_t by) {
  return guarded("count '" + key + "'", [&] { return backend_->store->add(key, by); });
}

bool RunStore::has(const std::string& key) {
  return guarded("question for '" + key + "'", [&] { return backend_->store->check({key}); });
}

std::string RunStore::get(const std::string& key) {
  return guarded("value of '" + key + "'", [&] { return backend_->store->get_to_str(key); });
}

void RunStore::set(const std::string& key, const std::string& value) {
  guarded("word '" + key + "'", [&] { backend_->store->set(key, value); });
}

bool RunStore::set_first(const std::string& key, const std::string& value) {
  if (add(key + "/asked", 1) != 1) return false;
  set(key, value);
  return true;
}

// 20 questions a second cost 0.1 % of a core. The store's own wait with a timeout would cost less,
// but c10d writes two warnings to stderr each time that it ends without an answer.
bool RunStore::wait_for(const std::string& key, Milliseconds time) {
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

std::shared_ptr<RunStore> make_store(const World& world, const StoreOptions& options) {
  if (world.size == 1) return wrap(world, c10::make_intrusive<c10d::HashStore>());
  quiet_c10d();
  c10d::TCPStoreOptions store_options;
  store_options.waitWorkers = false;
  store_options.timeout = options.timeout;
  const NoWarnings quiet;
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
    if (limit_waits(store_options.port, options.timeout) == 0)
      log::warning("the connection to the store has no time limit: a hanging rank 0 is not found");
  }
  return wrap(world, std::move(store));
}

}  // namespace emosweep::distributed
