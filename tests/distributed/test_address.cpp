#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "distributed/address.h"

namespace emosweep::distributed {
namespace {

// A peer that took the connection and hangs, as a stopped rank 0 does.
TEST(LimitWaits, APeerThatNeverAnswersIsGivenUp) {
  const BoundSocket silent = bind_socket("127.0.0.1");
  ASSERT_EQ(listen(silent.fd, 1), 0);
  EXPECT_EQ(limit_waits(silent.port, std::chrono::milliseconds{100}), 0);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(silent.port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  EXPECT_EQ(limit_waits(silent.port, std::chrono::milliseconds{100}), 1);
  char byte = 0;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(recv(fd, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{5});
  close(fd);
  close(silent.fd);
}

}  // namespace
}  // namespace emosweep::distributed
