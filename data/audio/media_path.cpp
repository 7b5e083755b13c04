#include "data/audio/media_path.h"

#include <algorithm>
#include <system_error>

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

std::string kind_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a folder";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    case fs::file_type::block:
    case fs::file_type::character:
      return "a device";
    default:
      return "no regular file";
  }
}

}  // namespace

MediaPath find_media(const fs::path& root, const std::string& cell, std::uint64_t most_bytes) {
  const auto refused = [](std::string why) { return MediaPath{{}, std::move(why), false}; };
  if (cell.find('\0') != std::string::npos) return refused("a path may not hold a NUL");
  const fs::path written(cell);
  if (written.is_absolute()) return refused("paths are relative to the dataset's root");
  if (std::find(written.begin(), written.end(), "..") != written.end())
    return refused("a path may not hold '..'");
  std::error_code code;
  const fs::path real = fs::canonical(root / written, code);
  if (code == std::errc::no_such_file_or_directory || code == std::errc::not_a_directory) {
    if (cell.find('\\') == std::string::npos) return {{}, "there is no such file", true};
    std::string forward = cell;
    std::replace(forward.begin(), forward.end(), '\\', '/');
    return find_media(root, forward, most_bytes);
  }
  if (code) return refused("the path cannot be followed: " + code.message());
  if (std::mismatch(root.begin(), root.end(), real.begin(), real.end()).first != root.end())
    return refused("the path leads out of the dataset's root through a link");
  const fs::file_status status = fs::status(real, code);
  if (code) return refused("the file cannot be looked at: " + code.message());
  if (status.type() != fs::file_type::regular)
    return refused("it is " + kind_of(status.type()) + ", not a file");
  const std::uintmax_t bytes = fs::file_size(real, code);
  if (code) return refused("the file cannot be looked at: " + code.message());
  if (bytes > most_bytes)
    return refused("the file holds " + std::to_string(bytes) + " bytes; at most " +
                   std::to_string(most_bytes) + " are allowed");
  return {real, "", false};
}

}  // namespace emosweep::data
