// Paths of media as a table names them: below the dataset's root, and regular files only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace emosweep::data {

struct MediaPath {
  std::filesystem::path file;  // canonical; empty where there is a problem
  std::string problem;         // why the cell names no file that may be read, or ""
  bool missing = false;        // the problem is only that there is no such file
};

// root: canonical. Refused: absolute paths, `..`, links that lead out of the root, and all that is
// not a regular file (folders, pipes, devices), files above `most_bytes`. Where no file is called
// so, backslashes are read as slashes: tables come from Windows too. Opens nothing.
MediaPath find_media(const std::filesystem::path& root, const std::string& cell,
                     std::uint64_t most_bytes);

}  // namespace emosweep::data
