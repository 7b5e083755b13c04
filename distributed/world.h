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
  int node = 0, nodes = 1;           // nodes are numbered by their lowest rank
  bool launched = false;             // started by mpirun or srun, not as a plain program
  int launcher = 0;                  // the parent's process id at start, when launched
  std::string host;
  std::string address;     // rank 0's address that every rank can reach; loopback on one node
  std::vector<int> cores;  // the affinity mask that the process was started with, ascending
  int core = -1;           // this rank's core; -1: do not pin
};

// Every rank calls start once, before any other thread exists, and finish last. Not thread-safe.
// The pointers may be null. RunError.
World start(int* argc, char*** argv);
void finish();
// Ends every rank of the job at once with this exit code: for a rank that cannot go on and cannot
// tell the others in order. Does not return.
[[noreturn]] void abort_all(const World& world, int code);
// Dies with its launcher (PR_SET_PDEATHSIG), only when launched.
void die_with_launcher(const World& world);

// Which core of its mask a rank takes; masks holds those of the node's ranks in order of node rank.
// Equal masks (mpirun --bind-to none): core number node_rank of the mask. Disjoint masks (bound by
// the launcher): the first of its own. Otherwise, or with more ranks than cores: -1.
int choose_core(const std::vector<std::vector<int>>& masks, int node_rank);
// Pins the calling thread, and threads that it starts later, to world.core, or to the next core of
// the mask that no other run on this machine holds; false, and not pinned, where there is none.
// Threads that exist already (the store's server) keep the whole mask.
bool pin_to_core(const World& world);

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline in_seconds(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(seconds));
}
// All of these are collective over the world, test and sleep (no core is burnt), and throw RunError
// naming `what` and the rank when the deadline passes. After such an error only abort_all is left:
// the operation cannot be taken back.
void barrier(const char* what, Deadline deadline);
std::string broadcast(const std::string& text, const char* what, Deadline deadline);  // rank 0's
int agree_max(int value, const char* what, Deadline deadline);
std::vector<std::string> gather(const std::string& text, const char* what,
                                Deadline deadline);  // on every rank, by rank

}  // namespace emosweep::distributed
