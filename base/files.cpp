#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/fault.h"

namespace emosweep {

namespace {

RunError failed(std::string_view what, const std::filesystem::path& path, int error) {
  return RunError("cannot " + std::string(what) + " " + path.string() + ": " +
                  std::strerror(error));
}

// Closes on every way out; close_now() where the error counts.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close_now() { return ::close(release()); }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::open(path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// A full disk shows as ENOSPC or as a short write followed by ENOSPC: both end here with errno set.
bool write_all(int fd, const std::uint8_t* data, std::size_t size) {
  while (size > 0) {
    const ssize_t wrote = ::write(fd, data, std::min<std::size_t>(size, 1u << 30));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    if (wrote == 0) {
      errno = EIO;
      return false;
    }
    data += wrote;
    size -= static_cast<std::size_t>(wrote);
  }
  return true;
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor fd(open_retrying(folder.c_str(), O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) throw failed("fsync the folder", folder, errno);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  char host[HOST_NAME_MAX + 1] = "unknown";
  ::gethostname(host, sizeof host - 1);
  host[HOST_NAME_MAX] = '\0';
  return folder_of(path) /
         ("." + path.filename().string() + ".tmp." + host + "." + std::to_string(::getpid()));
}

void write_synced(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                  std::string_view point) {
  fault_point(std::string(point) + ".begin");
  Descriptor fd(open_retrying(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666));
  if (fd.get() < 0) throw failed("create", path, errno);
  if (!write_all(fd.get(), bytes.data(), bytes.size())) throw failed("write", path, errno);
  fault_point(std::string(point) + ".written");
  if (::fsync(fd.get()) != 0) throw failed("fsync", path, errno);
  if (fd.close_now() != 0) throw failed("close", path, errno);
  fault_point(std::string(point) + ".synced");
}

}  // namespace

void commit_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                 std::string_view point) {
  const std::filesystem::path temporary = temporary_name(path);
  try {
    write_synced(temporary, bytes, point);
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
      throw failed("rename " + temporary.string() + " to", path, errno);
    }
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  fault_point(std::string(point) + ".renamed");
  sync_folder(folder_of(path));
}

void commit_file(const std::filesystem::path& path, std::string_view text, std::string_view point) {
  commit_file(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
              point);
}

namespace {

template <typename Bytes>
Bytes read_whole(const std::filesystem::path& path, std::size_t cap) {
  const auto fail = [&path](const std::string& why) {
    return InputError("cannot read " + path.string() + ": " + why);
  };
  const Descriptor fd(open_retrying(path.c_str(), O_RDONLY));
  struct stat info {};
  if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) throw fail(std::strerror(errno));
  if (S_ISDIR(info.st_mode)) throw fail("it is a folder");
  const auto too_large = [&] {
    return fail("it is larger than the allowed " + std::to_string(cap) + " bytes");
  };
  Bytes out;
  if (info.st_size > 0) {
    if (static_cast<std::uint64_t>(info.st_size) > cap) throw too_large();
    out.reserve(static_cast<std::size_t>(info.st_size));
  }
  // The size is only a hint: pipes have none and files grow.
  std::vector<char> buffer(1u << 16);
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw fail(std::strerror(errno));
    if (got == 0) return out;
    if (static_cast<std::size_t>(got) > cap - out.size()) throw too_large();
    out.insert(out.end(), buffer.data(), buffer.data() + got);
  }
}

}  // namespace

std::string read_text(const std::filesystem::path& path, std::size_t cap) {
  return read_whole<std::string>(path, cap);
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path, std::size_t cap) {
  return read_whole<std::vector<std::uint8_t>>(path, cap);
}

void make_folders(const std::filesystem::path& path) {
  fault_point("folder.begin");
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw failed("create the folder", path, error.value());
  if (!std::filesystem::is_directory(path, error)) throw failed("use as a folder", path, ENOTDIR);
}

SyncedLines::SyncedLines(const std::filesystem::path& path) : path_(path) {
  fault_point("log.begin");
  fd_ = open_retrying(path.c_str(), O_RDWR | O_CREAT | O_APPEND, 0666);
  if (fd_ < 0) throw failed("open", path, errno);
  Descriptor guard(fd_);
  struct stat info {};
  char last = '\n';
  if (::fstat(fd_, &info) != 0 ||
      (info.st_size > 0 && ::pread(fd_, &last, 1, info.st_size - 1) != 1)) {
    throw failed("read", path, errno);
  }
  const std::uint8_t newline = '\n';
  if (last != '\n' && !write_all(fd_, &newline, 1)) throw failed("append to", path, errno);
  sync_folder(folder_of(path));  // the file itself may be new
  guard.release();
}

SyncedLines::~SyncedLines() { ::close(fd_); }

bool SyncedLines::append(std::string_view line) {
  std::string text(line);
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';  // one call, one line
  }
  text += '\n';
  if (torn_) text.insert(text.begin(), '\n');
  // One write: a line is there whole or torn at the end of the file, never interleaved.
  torn_ = !write_all(fd_, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return !torn_;
}

bool SyncedLines::note(std::string_view line) { return append(line); }

void SyncedLines::add(std::string_view line) {
  fault_point("log.line");
  if (!append(line)) throw failed("append to", path_, errno);
  fault_point("log.written");
  if (::fsync(fd_) != 0) throw failed("append to", path_, errno);
}

}  // namespace emosweep
