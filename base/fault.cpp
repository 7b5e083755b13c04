#include "base/fault.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace emosweep {

namespace {

constexpr std::array<std::string_view, 6> kKinds = {"kill",      "stop", "throw",
                                                    "bad_alloc", "nan",  "fill"};
constexpr std::uint64_t kFillAtMost = 1ull << 30;

struct Fault {
  std::string kind, point;
  std::uint64_t at = 0;      // the pass at which it comes
  std::uint64_t passed = 0;  // so far
};

// It has to live as long as the process: the count of "the 3rd commit" spans all calls. Only
// touched where faults are armed.
std::mutex mutex;
std::vector<Fault> faults;
std::string filler;

Fault parse(std::string_view entry) {
  const auto fail = [&](const std::string& why) {
    return InputError("EMOSWEEP_FAULT: '" + std::string(entry) + "': " + why +
                      "; expected <kind>@<point>:<count>");
  };
  const std::size_t at = entry.find('@'), colon = entry.rfind(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon < at + 2)
    throw fail("no fault");
  Fault fault{std::string(entry.substr(0, at)), std::string(entry.substr(at + 1, colon - at - 1))};
  bool known = false;
  std::string kinds;
  for (const std::string_view kind : kKinds) {
    known |= kind == fault.kind;
    kinds += (kinds.empty() ? "" : ", ") + std::string(kind);
  }
  if (!known) throw fail("the kinds are " + kinds);
  const char* const end = entry.data() + entry.size();
  const auto [rest, error] = std::from_chars(entry.data() + colon + 1, end, fault.at);
  if (error != std::errc{} || rest != end || fault.at == 0) throw fail("the count is from 1");
  return fault;
}

// A filler by mistake on the disk that everything lives on would be worse than the test is worth.
void check_filler(const std::string& path) {
  if (path.empty())
    throw InputError("EMOSWEEP_FAULT: kind fill needs a file in EMOSWEEP_FAULT_FILL");
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct statvfs room {};
  if (::statvfs(folder.c_str(), &room) != 0)
    throw InputError("EMOSWEEP_FAULT_FILL: " + folder + ": " + std::strerror(errno));
  if (static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize > kFillAtMost)
    throw InputError("EMOSWEEP_FAULT_FILL: " + folder +
                     " has more than 1 GiB free: it takes a small file system made for the test");
}

void fill() {
  const int fd = ::open(filler.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) throw RunError("cannot create " + filler + ": " + std::strerror(errno));
  const std::vector<char> block(1u << 20, 'x');
  for (std::size_t size = block.size(); size > 0;) {
    const ssize_t wrote = ::write(fd, block.data(), size);
    if (wrote < 0 && errno != EINTR) size /= 2;  // the last bytes as well
  }
  ::close(fd);
}

// By write(2) alone: the process may be about to die, and its log to hang.
void announce(const Fault& fault) {
  const std::string line = "emosweep: injected " + fault.kind + " at " + fault.point + " (pass " +
                           std::to_string(fault.passed) + ", pid " + std::to_string(::getpid()) +
                           ")\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

// The kind that is due in this pass of the point, or "".
std::string due(std::string_view point, bool poison) {
  const std::lock_guard lock(mutex);
  std::string kind;
  for (Fault& fault : faults) {
    if (fault.point != point || (fault.kind == "nan") != poison) continue;
    if (++fault.passed != fault.at || !kind.empty()) continue;
    announce(fault);
    kind = fault.kind;
  }
  return kind;
}

}  // namespace

namespace detail {

bool faults_armed = false;

void pass_fault_point(std::string_view point) {
  const std::string kind = due(point, false);
  if (kind == "kill") ::kill(::getpid(), SIGKILL);
  if (kind == "stop") ::kill(::getpid(), SIGSTOP);
  if (kind == "throw") throw std::runtime_error("injected throw at " + std::string(point));
  if (kind == "bad_alloc") throw std::bad_alloc();
  if (kind == "fill") fill();
}

bool pass_fault_poison(std::string_view point) { return !due(point, true).empty(); }

}  // namespace detail

void arm_faults(std::string_view wanted, std::string_view filler_path) {
  std::vector<Fault> parsed;
  while (!wanted.empty()) {
    const std::string_view entry = wanted.substr(0, wanted.find(','));
    parsed.push_back(parse(entry));
    if (parsed.back().kind == "fill") check_filler(std::string(filler_path));
    if (entry.size() + 1 == wanted.size()) throw InputError("EMOSWEEP_FAULT: it ends in a comma");
    wanted.remove_prefix(std::min(wanted.size(), entry.size() + 1));
  }
  const std::lock_guard lock(mutex);
  faults = std::move(parsed);
  filler = filler_path;
  detail::faults_armed = !faults.empty();
}

void arm_faults_from_environment() {
  const char* const wanted = std::getenv("EMOSWEEP_FAULT");
  if (wanted == nullptr || *wanted == '\0') return;
  const char* const path = std::getenv("EMOSWEEP_FAULT_FILL");
  arm_faults(wanted, path == nullptr ? "" : path);
  log::warning(std::string("EMOSWEEP_FAULT is set, this process harms itself on purpose: ") +
               wanted);
}

}  // namespace emosweep
