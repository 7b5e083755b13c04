// A file of rows per recording: spectrograms (a row a frame) or statistics (one row). Written once,
// whole or absent, named by the hash of all that its content follows from; read by memory map, so
// that the processes of a node share its pages.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "data/audio/clip_store_format.h"

namespace emosweep::data {

// What is known of a recording besides its rows.
struct ClipInfo {
  double seconds = 0;                   // of the source; 0 where there is a problem
  double peak = 0;                      // largest magnitude; 1 is full scale
  std::int32_t rate = 0, channels = 0;  // of the source
  bool cut = false;                     // the rows are of its beginning only
  std::string problem;                  // why it has no rows, or ""
};

struct ClipRows {
  ClipInfo info;
  std::vector<float> values;  // [rows, width]; empty where there is a problem
};

class ClipStore {
 public:
  // nullptr: there is no such file, or it is not whole, of another version or of another key; `why`
  // says which, and is "" for no file. The table of recordings is checked here against its SHA-256,
  // each recording's rows when they are first asked for.
  static std::shared_ptr<const ClipStore> open(const std::filesystem::path& file, const Digest& key,
                                               std::string& why);
  // Makes the file from `clips` recordings of rows of `width`, asked for one after another.
  // RunError names the path, a full disk included.
  static void write(const std::filesystem::path& file, const Digest& key, std::int64_t width,
                    std::int64_t clips, const std::function<ClipRows(std::int64_t)>& clip);
  ~ClipStore();
  ClipStore(const ClipStore&) = delete;
  ClipStore& operator=(const ClipStore&) = delete;

  std::int64_t size() const { return static_cast<std::int64_t>(infos_.size()); }
  std::int64_t width() const { return width_; }
  const ClipInfo& info(std::int64_t clip) const;
  std::int64_t rows(std::int64_t clip) const;
  // [rows, width]. RunError where the bytes are not those that were written. Thread-safe.
  std::span<const float> values(std::int64_t clip) const;
  // Equal for recordings of equal rows: the first bytes of their SHA-256.
  std::uint64_t content(std::int64_t clip) const;
  const std::filesystem::path& file() const { return file_; }

 private:
  ClipStore() = default;

  std::filesystem::path file_;
  const std::uint8_t* bytes_ = nullptr;  // the map
  std::size_t size_ = 0;
  std::int64_t width_ = 0;
  const float* values_ = nullptr;
  std::vector<ClipEntry> entries_;
  std::vector<ClipInfo> infos_;
  mutable std::unique_ptr<std::atomic<bool>[]> checked_;
};

}  // namespace emosweep::data
