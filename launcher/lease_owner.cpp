// Who holds a lease and whether it lives.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "launcher/lease.h"
#include "launcher/lease_file.h"

namespace emosweep::launcher {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Field 22 of /proc/<pid>/stat; 0 = no such process. The name in field 2 may hold blanks and
// brackets. A zombie is dead: it holds nothing open and writes nothing.
std::uint64_t start_of(std::int64_t pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream in(line.substr(end + 1));
  std::string state, skipped;
  in >> state;
  if (state == "Z" || state == "X") return 0;
  for (int field = 4; field < 22; ++field) in >> skipped;
  std::uint64_t start = 0;
  in >> start;
  return start;
}

// 0: no such file.
double written_unix(const fs::path& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return 0;
  return static_cast<double>(info.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(info.st_mtim.tv_nsec);
}

}  // namespace

std::string LeaseOwner::text() const { return "process " + std::to_string(pid) + " on " + host; }

std::string LeaseState::sign_of_life() const {
  if (here) return "which is running";
  return "last sign of life " + std::to_string(static_cast<long long>(age)) + " s ago";
}

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

LeaseOwner this_process() {
  LeaseOwner self;
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  self.host = host;
  self.boot = first_line("/proc/sys/kernel/random/boot_id");
  std::error_code none;
  self.pid_space = fs::read_symlink("/proc/self/ns/pid", none).string();
  self.pid = getpid();
  self.start = start_of(self.pid);
  std::random_device random;
  std::ostringstream token;
  token << std::hex << random() << random();
  self.token = token.str();
  self.heartbeat = unix_now();
  return self;
}

std::string encode_owner(const LeaseOwner& owner) {
  const nlohmann::json json = {{"host", owner.host},           {"boot", owner.boot},
                               {"pid_space", owner.pid_space}, {"pid", owner.pid},
                               {"start", owner.start},         {"token", owner.token},
                               {"heartbeat", owner.heartbeat}};
  std::string text = json.dump();
  // One size for ever: a heartbeat overwrites the text in place, and a reader never sees a tail of
  // the old one.
  if (text.size() < kLeaseBytes - 1) text.resize(kLeaseBytes - 1, ' ');
  return text + "\n";
}

std::optional<LeaseOwner> read_owner(const fs::path& file) {
  for (int attempt = 0; attempt < 3; ++attempt) {
    std::ifstream in(file);
    if (!in) return std::nullopt;
    std::stringstream text;
    text << in.rdbuf();
    const nlohmann::json json = nlohmann::json::parse(text.str(), nullptr, false);
    if (json.is_object()) {
      LeaseOwner owner;
      owner.host = json.value("host", "");
      owner.boot = json.value("boot", "");
      owner.pid_space = json.value("pid_space", "");
      owner.pid = json.value("pid", std::int64_t{0});
      owner.start = json.value("start", std::uint64_t{0});
      owner.token = json.value("token", "");
      owner.heartbeat = json.value("heartbeat", 0.0);
      return owner;
    }
    usleep(20'000);  // a heartbeat was being written
  }
  return LeaseOwner{};  // there, but not readable: nobody's process, judged by its age
}

bool same_machine(const LeaseOwner& a, const LeaseOwner& b) {
  return a.host == b.host && a.pid_space == b.pid_space;
}

bool process_lives(const LeaseOwner& owner, const LeaseOwner& self) {
  return owner.boot == self.boot && start_of(owner.pid) == owner.start && owner.start != 0;
}

LeaseState inspect_lease(const fs::path& dir, const LeaseOptions& options, const std::string& name,
                         const fs::path& beside) {
  LeaseState state;
  const fs::path file = dir / name;
  // Opening it comes first: a network file system then asks its server for the times.
  const std::optional<LeaseOwner> owner = read_owner(file);
  if (!owner) return state;
  state.owner = *owner;
  const LeaseOwner self = this_process();
  const double heard = written_unix(file);
  const double now = beside.empty() ? unix_now() : written_unix(beside);
  if (heard > 0 && now > heard) state.age = now - heard;
  state.here = same_machine(*owner, self);
  const bool lives = state.here
                         ? process_lives(*owner, self)
                         : state.age < std::chrono::duration<double>(options.dead_after).count();
  state.liveness = lives ? Liveness::alive : Liveness::dead;
  return state;
}

}  // namespace emosweep::launcher
