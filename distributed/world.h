// Who runs: ranks, nodes, cores. MPI starts and steers; it never carries gradients.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace emosweep::distributed {

struct World {
  int rank = 0, size = 1;            // of MPI_COMM_WORLD
  int node_rank = 0, node_size = 1;  // among the ranks that share this node's memory
  int node = 0, nodes = 1;
  bool launched = false;             // started by mpirun or srun, not as a plain program
  std::string host;
  std::string address;               // rank 0's address that every rank can reach
};

// Every rank calls start once, before any other thread exists, and finish last. Not thread-safe. RunError.
World start(int* argc, char*** argv);
void finish();
// Dies with its launcher (PR_SET_PDEATHSIG), only when launched.
void die_with_launcher(const World& world);
// Pins the calling thread to one core of the affinity mask that the process was started with, by node rank; false (and
// not pinned) where the node has more ranks than the mask has cores or ranks' masks differ without being disjoint.
bool pin_to_core(const World& world);

using Deadline = std::chrono::steady_clock::time_point;
// All of these are collective over the world, test and sleep (no core is burnt), and throw RunError naming `what` and the
// rank when the deadline passes.
void barrier(const char* what, Deadline deadline);
std::string broadcast(const std::string& text, const char* what, Deadline deadline);  // rank 0's text
int agree_max(int value, const char* what, Deadline deadline);
std::vector<std::string> gather(const std::string& text, const char* what, Deadline deadline);  // on every rank, by rank

}  // namespace emosweep::distributed
