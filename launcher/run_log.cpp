#include "launcher/run_log.h"

#include <time.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace emosweep::launcher {
namespace {

bool is_id(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string log_line(std::string_view verb, const Digest& id, std::string_view what) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char time[40];
  const std::size_t n = strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(time + n, sizeof(time) - n, ".%03dZ", static_cast<int>(now.tv_nsec / 1'000'000));
  std::string line = std::string(time) + ' ' + std::string(verb) + ' ' + id.hex();
  if (!what.empty()) line += ' ' + std::string(what);
  return line;
}

LogHistory read_logs(const results::RunFolder& folder) {
  LogHistory history;
  const std::filesystem::path dir = folder.path() / "log";
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(dir, none)) {
    if (entry.path().extension() != ".log") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string time, verb, id;
      if (!(words >> time >> verb >> id) || !is_id(id)) continue;
      if (verb == "commit") history.committed.insert(Digest::from_hex(id));
      if (verb == "start") ++history.starts[Digest::from_hex(id)];
    }
  }
  return history;
}

std::int64_t recover_commit_lines(LogHistory& history, std::span<const Digest> committed,
                                  const std::set<Digest>& others, SyncedLines& log) {
  std::int64_t recovered = 0;
  for (const Digest& id : committed) {
    if (others.contains(id) || !history.committed.insert(id).second) continue;
    log.add(log_line("commit", id, "recovered"));
    ++recovered;
  }
  return recovered;
}

}  // namespace emosweep::launcher
