// A lock between processes that goes with its owner: flock on a file of its own.
#pragma once

#include <chrono>
#include <filesystem>

namespace emosweep::data {

class FileLock {
 public:
  // Waits for another owner, without burning a core; RunError after `patience`, or where the file
  // cannot be made. The file stays behind.
  FileLock(const std::filesystem::path& file, std::chrono::milliseconds patience);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace emosweep::data
