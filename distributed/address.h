// An address of rank 0 that every rank reaches. Inside distributed/ only.
#pragma once

#include <string>
#include <vector>

#include "distributed/world.h"

namespace emosweep::distributed {

// IPv4 addresses of this machine's interfaces that are up, loopback excluded, in the system's
// order.
std::vector<std::string> own_addresses();

// Collective. Rank 0 listens for a moment, every rank tries to connect to each of rank 0's
// candidates, and the first that all reached is taken: host names lie (127.0.1.1 on a stock
// Debian), and a cluster has networks that only some nodes share. RunError lists the candidates
// when none will do.
std::string reachable_address(const World& world, const std::vector<std::string>& candidates,
                              Deadline deadline);

// This machine's address on the route to another (RunError where there is none); nothing is sent.
std::string local_address_towards(const std::string& address);

// A listening-ready TCP socket bound to this address and a free port (RunError); not yet listening.
struct BoundSocket {
  int fd = -1;
  int port = 0;
};
BoundSocket bind_socket(const std::string& address);

// Sends and receives of this process's connections to a peer's port fail when nothing moves for so
// long, as in c10d's store client, which waits for ever for a peer that hangs and does not give its
// socket away. Returns how many connections there are.
int limit_waits(int peer_port, std::chrono::milliseconds time);

}  // namespace emosweep::distributed
