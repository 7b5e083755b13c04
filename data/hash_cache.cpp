#include "data/hash_cache.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "base/files.h"

namespace emosweep::data {
namespace {

constexpr std::size_t kCacheFileCap = 64u << 20;

// What must be unchanged for a remembered digest to hold.
std::string stamp_of(const struct stat& info) {
  return std::to_string(info.st_size) + ":" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + ":" + std::to_string(info.st_ino);
}

struct stat stat_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    throw InputError(path.string() + ": cannot be read: " + std::strerror(errno));
  return info;
}

}  // namespace

std::filesystem::path HashCache::default_file() {
  const auto value = [](const char* name) -> std::string {
    const char* text = std::getenv(name);
    return text == nullptr ? "" : text;
  };
  if (const std::string own = value("EMOSWEEP_CACHE"); !own.empty())
    return std::filesystem::path(own) / "hashes.json";
  if (const std::string xdg = value("XDG_CACHE_HOME"); !xdg.empty())
    return std::filesystem::path(xdg) / "emosweep" / "hashes.json";
  const std::string home = value("HOME");
  return std::filesystem::path(home.empty() ? "/tmp" : home) / ".cache" / "emosweep" /
         "hashes.json";
}

HashCache::HashCache(std::filesystem::path file, bool rehash)
    : file_(std::move(file)), rehash_(rehash) {
  try {
    std::error_code code;
    if (!std::filesystem::is_regular_file(file_, code)) return;
    const auto tree = nlohmann::json::parse(read_text(file_, kCacheFileCap));
    for (const auto& [path, entry] : tree.items())
      if (entry.is_string()) entries_[path] = entry.get<std::string>();
  } catch (const std::exception&) {
    entries_.clear();  // damaged: only time is lost
  }
}

// An entry is "<size>:<mtime>:<inode> <hex>". A file younger than two seconds is not remembered: it
// may be written to again within the resolution of its time stamp.
Digest HashCache::of(const std::filesystem::path& path) {
  std::error_code code;
  const auto resolved = std::filesystem::weakly_canonical(path, code);
  const std::string key = (code ? path : resolved).string();
  const struct stat before = stat_of(path);
  const std::string stamp = stamp_of(before);
  const auto known = entries_.find(key);
  if (!rehash_ && known != entries_.end()) {
    const auto space = known->second.find(' ');
    if (space != std::string::npos && known->second.substr(0, space) == stamp) {
      try {
        return Digest::from_hex(std::string_view(known->second).substr(space + 1));
      } catch (const InputError&) {
        entries_.erase(known);  // a damaged entry: read the file
      }
    }
  }
  const Digest digest = sha256_file(path);
  ++hashed_;
  const bool settled = std::time(nullptr) - before.st_mtim.tv_sec > 2;
  if (settled && stamp_of(stat_of(path)) == stamp) {
    entries_[key] = stamp + " " + digest.hex();
    changed_ = true;
  }
  return digest;
}

void HashCache::save() const noexcept {
  if (!changed_) return;
  try {
    std::filesystem::create_directories(file_.parent_path());
    commit_file(file_, nlohmann::json(entries_).dump(0) + "\n", "hash_cache");
  } catch (const std::exception&) {  // a read-only or full cache folder costs time only
  }
}

}  // namespace emosweep::data
