#include "trainer/checkpoint.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "trainer/bookkeeping.h"
#include "trainer/checkpoint_file.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;

// The pause after a checkpoint, in times of what it took: 1 / 41 of the time is spent on them.
constexpr double kPauses = 40;
constexpr std::size_t kKept = 2;
constexpr std::string_view kExtension = ".safetensors";

std::string name_of(std::int64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return digits + std::string(kExtension);
}

// 0: not one of ours.
std::int64_t number_of(const std::string& name) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && number > 0 && std::string_view(end) == kExtension ? number : 0;
}

// Rank 0's bytes on every rank.
std::vector<std::uint8_t> share(std::vector<std::uint8_t> bytes, Collective& team) {
  if (team.size == 1) return bytes;
  const auto mine = static_cast<std::int64_t>(bytes.size());
  const std::int64_t size = team.sum(at::full({1}, mine, at::kLong)).item<std::int64_t>();
  if (size == 0) return {};
  at::Tensor all = at::zeros({size}, at::kByte);
  if (!bytes.empty()) std::memcpy(all.mutable_data_ptr(), bytes.data(), bytes.size());
  all = team.sum(all);
  bytes.assign(all.const_data_ptr<std::uint8_t>(), all.const_data_ptr<std::uint8_t>() + size);
  return bytes;
}

std::chrono::steady_clock::duration in_seconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds));
}

}  // namespace

Checkpoints::Checkpoints(const CheckpointOptions& options, const Digest& trial, Collective& team)
    : options_(options),
      trial_(trial),
      team_(team),
      folder_(options.folder.empty() ? fs::path() : options.folder / trial.hex()),
      begin_(Clock::now()),
      begin_cpu_(thread_cpu_seconds()) {
  next_ = begin_ + in_seconds(options_.after_seconds);
  if (!folder_.empty() && team_.rank == 0) list_files();
}

void Checkpoints::list_files() {
  std::error_code error;  // usually there is no folder
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::int64_t number = number_of(entry->path().filename().string());
    if (number > 0) untried_.push_back(number);
  }
  std::sort(untried_.begin(), untried_.end());
  if (!untried_.empty()) last_number_ = untried_.back();
}

void Checkpoints::load() {
  loaded_.reset();
  first_.reset();
  earlier_ = {};
  if (folder_.empty()) return;
  const std::vector<std::uint8_t> bytes = share(newest_usable(), team_);
  if (bytes.empty()) return;
  if (!loaded_) loaded_.emplace(decode_checkpoint(bytes, "the shared checkpoint", trial_));
  header(*loaded_);
}

// Whatever is wrong with a file must not fail the trial.
std::vector<std::uint8_t> Checkpoints::newest_usable() {
  while (!untried_.empty()) {
    good_ = {untried_.back()};
    untried_.pop_back();
    try {
      const std::string file = path_of(good_.back()).string();
      std::vector<std::uint8_t> bytes = read_bytes(file);
      loaded_.emplace(decode_checkpoint(bytes, file, trial_));
      return bytes;
    } catch (const std::exception& e) {
      set_aside(e.what());
    }
  }
  return {};
}

void Checkpoints::set_aside(const std::string& why) {
  if (team_.rank != 0) return;
  const std::string file = path_of(good_.back()).string();
  good_.clear();
  tell("a checkpoint is not used, " +
           std::string(untried_.empty() ? "training starts anew" : "the one before it is tried") +
           ": " + (why.find(file) == std::string::npos ? file + ": " : "") + why,
       true);
}

// What stands in every checkpoint beside the loop's own.
void Checkpoints::header(Archive& a) {
  Spent spent = spent_now();
  a.number("spent.wall_seconds", spent.wall_seconds);
  a.number("spent.cpu_seconds", spent.cpu_seconds);
  std::int64_t refit = first_ ? 1 : 0;
  a.number("refit", refit);
  if (a.loading()) {
    earlier_ = spent;
    if (refit != 0) first_.emplace();
  }
  if (first_) archive(a, "first_fit.", *first_);
}

void Checkpoints::resume(const Contents& contents, const Place& at) {
  if (!loaded_) return;
  contents(*loaded_);
  loaded_.reset();
  resumed_ = true;
  tell("resumed from " + step_text(at.epoch, at.number) + (first_ ? " of the refit" : ""), false);
}

void Checkpoints::save(const Contents& contents, bool leaving) {
  if (folder_.empty() || team_.rank != 0) return;
  const bool due = leaving ? resumed_ || spent_now().wall_seconds >= options_.after_seconds
                           : Clock::now() >= next_;
  if (!due) return;
  const Clock::time_point begin = Clock::now();
  try {
    const std::size_t bytes = write(contents);
    char text[80];
    std::snprintf(text, sizeof(text), ": %.1f MB in %.3f s", 1e-6 * static_cast<double>(bytes),
                  std::chrono::duration<double>(Clock::now() - begin).count());
    log::debug("checkpoint " + path_of(last_number_).string() + text);
  } catch (const std::exception& e) {  // a full disk, no memory for the copy
    if (!std::exchange(told_failure_, true)) {
      tell(std::string("no checkpoint, training goes on without: ") + e.what(), true);
    }
  }
  const Clock::time_point end = Clock::now();
  next_ = end + std::max(in_seconds(options_.after_seconds),
                         std::chrono::duration_cast<Clock::duration>(kPauses * (end - begin)));
}

std::size_t Checkpoints::write(const Contents& contents) {
  Archive a;
  header(a);
  contents(a);
  const std::vector<std::uint8_t> bytes = encode_checkpoint(trial_, a.contents());
  make_folders(folder_);
  commit_file(path_of(++last_number_), bytes, "checkpoint");
  good_.push_back(last_number_);
  if (good_.size() > kKept) good_.erase(good_.begin());
  prune();
  return bytes.size();
}

// All but the newest good ones goes: older and unusable checkpoints, temporary files of a killed
// process.
void Checkpoints::prune() const {
  std::error_code error;
  std::vector<fs::path> old;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::int64_t number = number_of(entry->path().filename().string());
    if (std::find(good_.begin(), good_.end(), number) == good_.end()) old.push_back(entry->path());
  }
  for (const fs::path& path : old) fs::remove(path, error);
}

fs::path Checkpoints::path_of(std::int64_t number) const { return folder_ / name_of(number); }

Spent Checkpoints::spent_now() const {
  return {earlier_.wall_seconds + std::chrono::duration<double>(Clock::now() - begin_).count(),
          earlier_.cpu_seconds + thread_cpu_seconds() - begin_cpu_};
}

void Checkpoints::tell(const std::string& what, bool trouble) const {
  if (options_.tell && team_.rank == 0) options_.tell(what, trouble);
}

}  // namespace emosweep::trainer
