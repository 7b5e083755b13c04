#include "distributed/address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "base/error.h"

namespace emosweep::distributed {
namespace {

constexpr int kConnectMilliseconds = 1000;

struct Socket {
  int fd;
  explicit Socket(int f) : fd(f) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) close(fd);
  }
};

bool parse(const std::string& address, int port, sockaddr_in& out) {
  out = {};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  return inet_pton(AF_INET, address.c_str(), &out.sin_addr) == 1;
}

bool reaches(const std::string& address, int port) {
  sockaddr_in to;
  if (!parse(address, port, to)) return false;
  Socket s(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (s.fd < 0) return false;
  if (connect(s.fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd wait{s.fd, POLLOUT, 0};
  if (poll(&wait, 1, kConnectMilliseconds) != 1) return false;
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(s.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

}  // namespace

std::vector<std::string> own_addresses() {
  std::vector<std::string> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET) continue;
    if ((i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0) continue;
    sockaddr_in address;
    std::memcpy(&address, i->ifa_addr, sizeof(address));
    char text[INET_ADDRSTRLEN] = "";
    if (inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)) != nullptr)
      out.emplace_back(text);
  }
  freeifaddrs(list);
  return out;
}

std::string local_address_towards(const std::string& address) {
  sockaddr_in to;
  EMO_CHECK(parse(address, 9, to), "not an IPv4 address: " + address);
  const Socket s(
      socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));  // connecting a UDP socket only routes
  sockaddr_in from{};
  socklen_t length = sizeof(from);
  char text[INET_ADDRSTRLEN] = "";
  if (s.fd < 0 || connect(s.fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0 ||
      getsockname(s.fd, reinterpret_cast<sockaddr*>(&from), &length) != 0 ||
      inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text)) == nullptr) {
    throw RunError("no route to " + address + ": " + std::strerror(errno));
  }
  return text;
}

BoundSocket bind_socket(const std::string& address) {
  sockaddr_in at;
  EMO_CHECK(parse(address, 0, at), "not an IPv4 address: " + address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t length = sizeof(at);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) close(fd);
    throw RunError("cannot open a port on " + address + ": " + why);
  }
  return {fd, ntohs(at.sin_port)};
}

std::string reachable_address(const World& world, const std::vector<std::string>& candidates,
                              Deadline deadline) {
  BoundSocket listening;
  std::string offer;
  if (world.rank == 0) {
    listening = bind_socket("0.0.0.0");
    if (listen(listening.fd, 128) != 0) {
      throw RunError(std::string("cannot listen on a port: ") + std::strerror(errno));
    }
    offer = std::to_string(listening.port);
    for (const std::string& candidate : candidates) offer += ' ' + candidate;
  }
  Socket close_at_end(listening.fd);
  offer = broadcast(offer, "addresses of rank 0", deadline);

  std::istringstream in(offer);
  int port = 0;
  in >> port;
  std::vector<std::string> offered;
  std::string reached;  // one '1' or '0' a candidate
  for (std::string address; in >> address;) {
    offered.push_back(address);
    reached += reaches(address, port) ? '1' : '0';
  }
  const std::vector<std::string> all = gather(reached, "addresses reached", deadline);
  for (std::size_t c = 0; c < offered.size(); ++c) {
    bool by_all = true;
    for (const std::string& one : all) by_all = by_all && one.at(c) == '1';
    if (by_all) return offered[c];
  }
  throw RunError(
      "no address of rank 0 is reached by every rank; tried: " + offer.substr(offer.find(' ') + 1) +
      "; the nodes need one network that all of them share");
}

int limit_waits(int peer_port, std::chrono::milliseconds time) {
  const timeval limit{static_cast<time_t>(time.count() / 1000),
                      static_cast<suseconds_t>(time.count() % 1000 * 1000)};
  int found = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_storage peer{};
    socklen_t length = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) != 0) continue;
    if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) continue;
    // The port stands at the same place for both.
    if (ntohs(reinterpret_cast<const sockaddr_in&>(peer).sin_port) != peer_port) continue;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0) {
      ++found;
    }
  }
  return found;
}

}  // namespace emosweep::distributed
