#include "data/audio/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/log.h"

namespace emosweep::data {

FileLock::FileLock(const std::filesystem::path& file, std::chrono::milliseconds patience) {
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0)
    throw RunError("cannot lock " + file.string() + ": " + std::strerror(errno) +
                   " (EMOSWEEP_CACHE names another folder for cached recordings)");
  const auto start = std::chrono::steady_clock::now();
  bool told = false;
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const auto waited = std::chrono::steady_clock::now() - start;
    if ((error != EWOULDBLOCK && error != EINTR) || waited > patience) {
      ::close(fd_);
      throw RunError("cannot lock " + file.string() + ": " +
                     (error == EWOULDBLOCK ? "another process has held it for longer than " +
                                                 std::to_string(patience.count() / 1000) + " s"
                                           : std::strerror(error)));
    }
    if (!told && waited > std::chrono::seconds{2}) {
      told = true;
      log::info("waiting for another process that decodes the same recordings");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

FileLock::~FileLock() { ::close(fd_); }

}  // namespace emosweep::data
