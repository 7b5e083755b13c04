// The log: to stderr and, when opened, to one file per rank. Data goes to stdout and never through
// here. Thread-safe.
#pragma once

#include <filesystem>
#include <string_view>

namespace emosweep::log {

enum class Level { debug, info, warning, error, quiet };

struct Options {
  Level level = Level::info;  // of stderr
  int rank = 0, ranks = 1;    // with several ranks every line starts "[rank r/n]"; ranks > 0 print
                              // warnings and errors only
  std::filesystem::path file = {};  // all levels; "" = none
};

// Once at start, again when rank or file are known. Never throws for a file that cannot be opened:
// it warns.
void configure(const Options& options);

void debug(std::string_view text);
void info(std::string_view text);
void warning(std::string_view text);
void error(std::string_view text);

}  // namespace emosweep::log
