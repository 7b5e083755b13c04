#include "distributed/world.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "distributed/address.h"
#include "distributed/mpi_call.h"

namespace emosweep::distributed {

void mpi_failed(int code, const char* expression, const std::string& what) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw RunError(what + ": " + expression + " failed: " + text +
                 "; is every node of the job up, and was the program built with this MPI?");
}

namespace {

constexpr double kStartSeconds = 120;

int world_rank() {
  int rank = 0;
  EMO_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "rank of this process");
  return rank;
}

int world_size() {
  int size = 1;
  EMO_MPI(MPI_Comm_size(MPI_COMM_WORLD, &size), "number of ranks");
  return size;
}

// MPI_Wait would burn a core for as long as the slowest rank takes.
void wait(MPI_Request request, const char* what, Deadline deadline) {
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::microseconds pause{200};
  for (;;) {
    int done = 0;
    EMO_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE), what);
    if (done) return;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      std::ostringstream text;
      text << "rank " << world_rank() << ": '" << what << "' was not reached by all "
           << world_size() << " ranks within " << std::chrono::duration<double>(now - begin).count()
           << " s; a rank hangs or is slow: see its log";
      throw RunError(text.str());
    }
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, deadline - now));
    pause = std::min(pause * 3 / 2, std::chrono::microseconds{10'000});
  }
}

int checked_length(const std::string& text, const char* what) {
  EMO_CHECK(text.size() <= INT_MAX / 2, std::string(what) + ": text too long for one message");
  return static_cast<int>(text.size());
}

std::vector<int> affinity_mask() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return cores;  // more than 1024 cores: no pin
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

struct Peer {
  int lowest = 0;  // the lowest world rank of its node
  std::vector<int> cores;
};

std::string encode(const Peer& peer) {
  std::ostringstream out;
  out << peer.lowest;
  for (int core : peer.cores) out << ' ' << core;
  return out.str();
}

Peer decode(const std::string& text) {
  std::istringstream in(text);
  Peer peer;
  in >> peer.lowest;
  for (int core = 0; in >> core;) peer.cores.push_back(core);
  return peer;
}

// Ranks that share memory are one node, whatever the host is called.
void find_node(World& world) {
  MPI_Comm node = MPI_COMM_NULL;
  EMO_MPI(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
          "ranks of this node");
  EMO_MPI(MPI_Comm_rank(node, &world.node_rank), "rank on this node");
  EMO_MPI(MPI_Comm_size(node, &world.node_size), "ranks of this node");
  MPI_Group node_group, world_group;
  EMO_MPI(MPI_Comm_group(node, &node_group), "ranks of this node");
  EMO_MPI(MPI_Comm_group(MPI_COMM_WORLD, &world_group), "ranks of this job");
  const int first = 0;
  Peer self{0, world.cores};
  EMO_MPI(MPI_Group_translate_ranks(node_group, 1, &first, world_group, &self.lowest),
          "lowest rank of this node");
  EMO_MPI(MPI_Group_free(&node_group), "ranks of this node");
  EMO_MPI(MPI_Group_free(&world_group), "ranks of this job");
  EMO_MPI(MPI_Comm_free(&node), "ranks of this node");

  std::set<int> lowest;
  std::vector<std::vector<int>> masks;  // of this node's ranks: world order is node order
  for (const std::string& text :
       gather(encode(self), "nodes and cores", in_seconds(kStartSeconds))) {
    Peer peer = decode(text);
    lowest.insert(peer.lowest);
    if (peer.lowest == self.lowest) masks.push_back(std::move(peer.cores));
  }
  world.nodes = static_cast<int>(lowest.size());
  world.node = static_cast<int>(std::distance(lowest.begin(), lowest.find(self.lowest)));
  world.core = choose_core(masks, world.node_rank);
}

}  // namespace

World start(int* argc, char*** argv) {
  World world;
  // Gloo and the store write to peers that may just have left: an error there, not the end here.
  signal(SIGPIPE, SIG_IGN);
  // c10d would note the last 2000 collectives, a map entry each: nobody here reads them.
  setenv("TORCH_FR_BUFFER_SIZE", "0", 0);
  // Only whether there is a launcher comes from the environment: singletons set these later
  // themselves.
  world.launched = std::getenv("PMIX_RANK") != nullptr ||
                   std::getenv("OMPI_COMM_WORLD_RANK") != nullptr ||
                   std::getenv("PMI_RANK") != nullptr;
  if (world.launched) world.launcher = static_cast<int>(getppid());
  world.cores = affinity_mask();
  int running = 0;
  EMO_MPI(MPI_Initialized(&running), "start of MPI");
  if (!running) {  // tests bring an MPI that runs
    int provided = MPI_THREAD_SINGLE;
    EMO_MPI(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "start of MPI");
    if (provided < MPI_THREAD_FUNNELED) {
      throw RunError("start of MPI: this MPI has no support for threads (MPI_THREAD_FUNNELED)");
    }
  }
  EMO_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "start of MPI");
  world.rank = world_rank();
  world.size = world_size();
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  world.host = host;
  find_node(world);
  world.address = world.nodes == 1
                      ? "127.0.0.1"
                      : reachable_address(world, own_addresses(), in_seconds(kStartSeconds));
  return world;
}

void finish() {
  int over = 0;
  MPI_Finalized(&over);
  if (!over) EMO_MPI(MPI_Finalize(), "end of MPI");
}

void abort_all(const World& world, int code) {
  std::fflush(nullptr);
  if (world.size > 1) MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

void die_with_launcher(const World& world) {
  if (!world.launched) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The launcher may have died before the line above: then no signal will ever come.
  if (static_cast<int>(getppid()) != world.launcher) raise(SIGKILL);
}

void barrier(const char* what, Deadline deadline) {
  MPI_Request request;
  EMO_MPI(MPI_Ibarrier(MPI_COMM_WORLD, &request), what);
  wait(request, what, deadline);
}

std::string broadcast(const std::string& text, const char* what, Deadline deadline) {
  const bool root = world_rank() == 0;
  int length = root ? checked_length(text, what) : 0;
  MPI_Request request;
  EMO_MPI(MPI_Ibcast(&length, 1, MPI_INT, 0, MPI_COMM_WORLD, &request), what);
  wait(request, what, deadline);
  std::string out = root ? text : std::string(static_cast<std::size_t>(length), '\0');
  EMO_MPI(MPI_Ibcast(out.data(), length, MPI_CHAR, 0, MPI_COMM_WORLD, &request), what);
  wait(request, what, deadline);
  return out;
}

int agree_max(int value, const char* what, Deadline deadline) {
  int most = value;
  MPI_Request request;
  EMO_MPI(MPI_Iallreduce(&value, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD, &request), what);
  wait(request, what, deadline);
  return most;
}

std::vector<std::string> gather(const std::string& text, const char* what, Deadline deadline) {
  const auto ranks = static_cast<std::size_t>(world_size());
  const int length = checked_length(text, what);
  std::vector<int> lengths(ranks), starts(ranks, 0);
  MPI_Request request;
  EMO_MPI(MPI_Iallgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, MPI_COMM_WORLD, &request),
          what);
  wait(request, what, deadline);
  std::int64_t total = lengths[0];
  for (std::size_t r = 1; r < ranks; ++r) {
    starts[r] = starts[r - 1] + lengths[r - 1];
    total += lengths[r];
    EMO_CHECK(total <= INT_MAX, std::string(what) + ": texts too long for one message");
  }
  std::string all(static_cast<std::size_t>(total), '\0');
  EMO_MPI(MPI_Iallgatherv(text.data(), length, MPI_CHAR, all.data(), lengths.data(), starts.data(),
                          MPI_CHAR, MPI_COMM_WORLD, &request),
          what);
  wait(request, what, deadline);
  std::vector<std::string> out(ranks);
  for (std::size_t r = 0; r < ranks; ++r) {
    out[r] = all.substr(static_cast<std::size_t>(starts[r]), static_cast<std::size_t>(lengths[r]));
  }
  return out;
}

}  // namespace emosweep::distributed
