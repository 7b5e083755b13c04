// SHA-256 of files, remembered by (path, size, mtime in ns, inode). A file in the user's cache
// folder; losing it costs time only.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/hash.h"

namespace emosweep::data {

class HashCache {
 public:
  // Default file: $EMOSWEEP_CACHE, else $XDG_CACHE_HOME/emosweep, else ~/.cache/emosweep; then
  // /hashes.json.
  static std::filesystem::path default_file();
  explicit HashCache(std::filesystem::path file, bool rehash = false);  // a damaged file is ignored
  Digest of(const std::filesystem::path& path);  // InputError names an unreadable file
  void save() const noexcept;                    // by rename; a read-only cache folder is no error
  const std::filesystem::path& file() const { return file_; }
  std::size_t hashed() const { return hashed_; }  // files whose bytes were read by this object

 private:
  std::filesystem::path file_;
  bool rehash_ = false;
  std::map<std::string, std::string> entries_;
  std::size_t hashed_ = 0;
  bool changed_ = false;
};

}  // namespace emosweep::data
