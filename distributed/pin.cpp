#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "distributed/world.h"

namespace emosweep::distributed {
namespace {

bool disjoint(const std::vector<int>& a, const std::vector<int>& b) {
  return std::none_of(a.begin(), a.end(),
                      [&](int core) { return std::find(b.begin(), b.end(), core) != b.end(); });
}

// Two runs on one machine start with the same mask and would pin to the same core, leaving others
// idle. A socket's abstract name is a claim that the kernel drops with the process, however it
// ends.
bool claim(int core) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = "emosweep-core-" + std::to_string(core);
  std::memcpy(name.sun_path + 1, text.data(), text.size());  // a leading NUL: no file
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;  // no claims here: pin as if alone
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), length) == 0)
    return true;  // fd stays open
  close(fd);
  return false;
}

}  // namespace

int choose_core(const std::vector<std::vector<int>>& masks, int node_rank) {
  const auto self = static_cast<std::size_t>(node_rank);
  const std::vector<int>& mine = masks.at(self);
  if (mine.empty()) return -1;
  if (std::all_of(masks.begin(), masks.end(), [&](const auto& m) { return m == mine; })) {
    return masks.size() <= mine.size() ? mine[self] : -1;
  }
  for (std::size_t r = 0; r < masks.size(); ++r) {
    if (r != self && !disjoint(masks[r], mine)) return -1;
  }
  return mine.front();
}

bool pin_to_core(const World& world) {
  if (world.core < 0) return false;
  const auto first = std::find(world.cores.begin(), world.cores.end(), world.core);
  std::vector<int> order(first, world.cores.end());
  order.insert(order.end(), world.cores.begin(), first);
  for (int core : order) {
    if (!claim(core)) continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
  }
  return false;
}

}  // namespace emosweep::distributed
