#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/fault.h"
#include "data/audio/clip_store.h"
#include "data/audio/clip_store_format.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

std::span<const std::uint8_t> bytes_of(const void* data, std::size_t size) {
  return {static_cast<const std::uint8_t*>(data), size};
}

// base/files.h commits what is in memory; spectrograms of a corpus may be larger than that.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target)
      : target_(target),
        path_(target.parent_path() /
              ("." + target.filename().string() + ".tmp." + std::to_string(::getpid()))) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd_ < 0) throw failed("create");
  }
  ~TemporaryFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!committed_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::uint8_t> bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
      const ssize_t wrote =
          ::pwrite(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), 1 << 30),
                   static_cast<off_t>(offset));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) {
        if (wrote == 0) errno = EIO;
        throw failed("write");
      }
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
      offset += static_cast<std::uint64_t>(wrote);
    }
  }

  void commit() {
    fault_point("clips.written");
    if (::fsync(fd_) != 0) throw failed("fsync");
    if (::rename(path_.c_str(), target_.c_str()) != 0) throw failed("rename");
    committed_ = true;
    const int folder = ::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);  // losing a cache file to a power cut costs time only
      ::close(folder);
    }
  }

 private:
  RunError failed(const char* what) const {
    return RunError(std::string("cannot ") + what + " " + path_.string() + ": " +
                    std::strerror(errno) +
                    " (EMOSWEEP_CACHE names another folder for cached recordings)");
  }
  fs::path target_, path_;
  int fd_ = -1;
  bool committed_ = false;
};

}  // namespace

void ClipStore::write(const fs::path& file, const Digest& key, std::int64_t width,
                      std::int64_t clips, const std::function<ClipRows(std::int64_t)>& clip) {
  fault_point("clips.begin");
  TemporaryFile out(file);
  ClipHeader header;
  header.key = key.bytes;
  header.width = static_cast<std::uint64_t>(width);
  header.clips = static_cast<std::uint64_t>(clips);
  std::vector<ClipEntry> entries;
  std::string texts;
  for (std::int64_t i = 0; i < clips; ++i) {
    const ClipRows one = clip(i);
    EMO_CHECK(one.values.size() % static_cast<std::size_t>(width) == 0, "rows are of one width");
    const auto bytes = bytes_of(one.values.data(), one.values.size() * sizeof(float));
    ClipEntry entry;
    entry.first = header.values;
    entry.rows = one.values.size() / static_cast<std::size_t>(width);
    const Digest digest = sha256(bytes);
    std::copy_n(digest.bytes.begin(), entry.digest.size(), entry.digest.begin());
    entry.seconds = one.info.seconds;
    entry.peak = one.info.peak;
    entry.rate = one.info.rate;
    entry.channels = one.info.channels;
    entry.cut = one.info.cut ? 1 : 0;
    entry.text_size = static_cast<std::uint32_t>(one.info.problem.size());
    entries.push_back(entry);
    texts += one.info.problem;
    out.write(bytes, kClipValuesAt + header.values * sizeof(float));
    header.values += one.values.size();
  }
  header.text_bytes = texts.size();
  const auto table = bytes_of(entries.data(), entries.size() * sizeof(ClipEntry));
  header.table = Sha256()
                     .add(bytes_of(&header.width, 4 * sizeof(std::uint64_t)))
                     .add(table)
                     .add(texts)
                     .finish()
                     .bytes;
  const std::uint64_t table_at = kClipValuesAt + header.values * sizeof(float);
  out.write(table, table_at);
  out.write(bytes_of(texts.data(), texts.size()), table_at + table.size());
  out.write(bytes_of(&header, sizeof header), 0);
  out.commit();
}

}  // namespace emosweep::data
