// Files that are there whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace emosweep {

// Temp file in the same folder (name: .<name>.tmp.<host>.<pid>), own write loop, fsync, rename,
// fsync of the folder. `point` names the fault points passed (base/fault.h): <point>.begin,
// .written, .synced, .renamed. RunError names the path and errno's text (a full disk included); the
// temp file is then removed.
void commit_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                 std::string_view point);
void commit_file(const std::filesystem::path& path, std::string_view text, std::string_view point);

std::string read_text(const std::filesystem::path& path, std::size_t cap = 1u << 30);  // InputError
std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path,
                                     std::size_t cap = 1ull << 32);
void make_folders(const std::filesystem::path& path);  // RunError; fault point folder.begin

// Appends whole lines and fsyncs each: a rank's log of starts and commits. One writer. A torn last
// line, which a crash may leave, is ended first; line ends within a line become spaces. Fault
// points log.begin, log.line, log.written.
class SyncedLines {
 public:
  explicit SyncedLines(const std::filesystem::path& path);  // RunError
  ~SyncedLines();
  SyncedLines(const SyncedLines&) = delete;
  SyncedLines& operator=(const SyncedLines&) = delete;
  void add(std::string_view line);  // RunError
  // The same without waiting for the disk, for what may be lost: false where it could not be
  // written.
  bool note(std::string_view line);

 private:
  bool append(std::string_view line);
  std::filesystem::path path_;
  int fd_ = -1;
  bool torn_ = false;  // the file may end within a line
};

}  // namespace emosweep
