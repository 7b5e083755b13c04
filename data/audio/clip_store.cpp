#include "data/audio/clip_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::span<const std::uint8_t> bytes_of(const void* data, std::size_t size) {
  return {static_cast<const std::uint8_t*>(data), size};
}

}  // namespace

ClipStore::~ClipStore() {
  if (bytes_ != nullptr) ::munmap(const_cast<std::uint8_t*>(bytes_), size_);
}

std::shared_ptr<const ClipStore> ClipStore::open(const std::filesystem::path& file,
                                                 const Digest& key, std::string& why) {
  why.clear();
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return nullptr;
  std::shared_ptr<ClipStore> store(new ClipStore);
  store->file_ = file;
  struct stat info {};
  void* map = MAP_FAILED;
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      info.st_size >= static_cast<off_t>(kClipValuesAt)) {
    store->size_ = static_cast<std::size_t>(info.st_size);
    map = ::mmap(nullptr, store->size_, PROT_READ, MAP_SHARED, fd, 0);
  }
  ::close(fd);
  if (map == MAP_FAILED) {
    why = "it is too short or cannot be read";
    return nullptr;
  }
  store->bytes_ = static_cast<const std::uint8_t*>(map);
  ClipHeader header;
  std::memcpy(&header, store->bytes_, sizeof header);
  if (header.magic != kClipMagic || header.key != key.bytes) {
    why = "it is of another version or holds something else";
    return nullptr;
  }
  // Sizes first, each small enough that none of the sums can wrap.
  constexpr std::uint64_t kMost = 1ull << 48;
  const std::uint64_t values = header.values, clips = header.clips, text = header.text_bytes;
  if (header.width == 0 || header.width > kMost || values > kMost || clips > kMost ||
      text > kMost ||
      kClipValuesAt + values * sizeof(float) + clips * sizeof(ClipEntry) + text != store->size_) {
    why = "its size is not what it says";
    return nullptr;
  }
  const std::uint8_t* const entries = store->bytes_ + kClipValuesAt + values * sizeof(float);
  const std::size_t table_bytes = clips * sizeof(ClipEntry) + text;
  const Digest table = Sha256()
                           .add(bytes_of(&header.width, 4 * sizeof(std::uint64_t)))
                           .add(bytes_of(entries, table_bytes))
                           .finish();
  if (table.bytes != header.table) {
    why = "its table is damaged";
    return nullptr;
  }
  store->width_ = static_cast<std::int64_t>(header.width);
  store->values_ = reinterpret_cast<const float*>(store->bytes_ + kClipValuesAt);
  store->entries_.resize(clips);
  if (clips > 0) std::memcpy(store->entries_.data(), entries, clips * sizeof(ClipEntry));
  const char* words = reinterpret_cast<const char*>(entries + clips * sizeof(ClipEntry));
  std::uint64_t left = text;
  for (const ClipEntry& e : store->entries_) {
    if (e.text_size > left || e.first > values || e.rows > (values - e.first) / header.width) {
      why = "its table names places that it does not have";
      return nullptr;
    }
    left -= e.text_size;
    store->infos_.push_back(
        {e.seconds, e.peak, e.rate, e.channels, e.cut != 0, std::string(words, e.text_size)});
    words += e.text_size;
  }
  store->checked_ = std::make_unique<std::atomic<bool>[]>(clips);
  return store;
}

const ClipInfo& ClipStore::info(std::int64_t clip) const { return infos_.at(at(clip)); }

std::int64_t ClipStore::rows(std::int64_t clip) const {
  return static_cast<std::int64_t>(entries_.at(at(clip)).rows);
}

std::uint64_t ClipStore::content(std::int64_t clip) const {
  std::uint64_t word = 0;
  std::memcpy(&word, entries_.at(at(clip)).digest.data(), sizeof word);
  return word;
}

std::span<const float> ClipStore::values(std::int64_t clip) const {
  const ClipEntry& e = entries_.at(at(clip));
  const std::span<const float> found(values_ + e.first, e.rows * at(width_));
  std::atomic<bool>& checked = checked_[at(clip)];
  if (!checked.load(std::memory_order_relaxed)) {
    const Digest digest = sha256(bytes_of(found.data(), found.size_bytes()));
    if (!std::equal(e.digest.begin(), e.digest.end(), digest.bytes.begin()))
      throw RunError("the cached recordings in " + file_.string() +
                     " are damaged: remove the file, and they are decoded again");
    checked.store(true, std::memory_order_relaxed);
  }
  return found;
}

}  // namespace emosweep::data
