#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <string>

namespace emosweep::log {

namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::quiet:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::string rank_prefix(const Options& options) {
  if (options.ranks <= 1) return "";
  return "[rank " + std::to_string(options.rank) + "/" + std::to_string(options.ranks) + "] ";
}

std::shared_ptr<spdlog::logger> make_logger(const Options& options) {
  auto screen = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  const Level level =
      options.rank > 0 && options.level < Level::warning ? Level::warning : options.level;
  screen->set_level(spdlog_level(level));
  screen->set_pattern(rank_prefix(options) + "%H:%M:%S %l: %v");
  auto logger = std::make_shared<spdlog::logger>("emosweep", screen);
  logger->set_level(spdlog::level::debug);
  if (options.file.empty()) return logger;
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file.string());
    file->set_level(spdlog::level::debug);
    file->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z " + rank_prefix(options) + "%l: %v");
    logger->sinks().push_back(file);
    // Whoever looks after a crash wants the last lines too.
    logger->flush_on(spdlog::level::debug);
  } catch (const spdlog::spdlog_ex& error) {
    logger->warn("no log file: {}; messages go to stderr only", error.what());
  }
  return logger;
}

// The one process-wide object of the project: every room speaks through the functions of log.h, and
// threads may still write through the old logger while configure() puts a new one in place.
std::atomic<std::shared_ptr<spdlog::logger>>& current() {
  static std::atomic<std::shared_ptr<spdlog::logger>> logger{make_logger(Options{})};
  return logger;
}

void write(spdlog::level::level_enum level, std::string_view text) {
  // Not as a format string: braces in a message are text.
  current().load()->log(level, spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace

void configure(const Options& options) { current().store(make_logger(options)); }

void debug(std::string_view text) { write(spdlog::level::debug, text); }
void info(std::string_view text) { write(spdlog::level::info, text); }
void warning(std::string_view text) { write(spdlog::level::warn, text); }
void error(std::string_view text) { write(spdlog::level::err, text); }

}  // namespace emosweep::log
