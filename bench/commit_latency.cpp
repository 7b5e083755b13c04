// How long it takes to encode one record and to commit it (temp file, fsync, rename, fsync of the
// folder):
//   bench_commit_latency FOLDER [records]
// The record is of a LOSO trial: 15 test clips, 8 classes, 50 epochs of 6 curves. Prints one line
// of JSON in milliseconds; "raw" is the same bytes through write, fsync, rename, fsync alone, what
// the file system itself asks for.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/files.h"
#include "results/record.h"
#include "results/run_folder.h"

using namespace emosweep;
using Clock = std::chrono::steady_clock;

namespace {

results::TrialRecord record_of(int i) {
  results::TrialRecord record;
  record.canonical = "bench=commit\nnumber=" + std::to_string(i) + "\n";
  record.id = sha256(record.canonical);
  record.instructions = "avx2";
  results::Outcome& out = record.result;
  out.best_epoch = 17;
  out.epochs = 50;
  out.train_rows = 330;
  out.validation_rows = out.test_rows = 15;
  for (const char* name : {"train_loss", "train_focal", "validation_loss", "validation_accuracy",
                           "validation_macro_f1", "lr"}) {
    results::Curve curve{name, {}};
    for (int e = 0; e < 50; ++e) curve.values.push_back(1.0 / (1 + e + i));
    out.curves.push_back(std::move(curve));
  }
  results::TargetResult target;
  target.spec = {"emotion", TargetKind::single, {}, {"a", "b", "c", "d", "e", "f", "g", "h"}};
  target.confusion.assign(64, 0);
  target.train_counts.assign(8, 41);
  for (int r = 0; r < 15; ++r) {
    target.sample.push_back(r);
    target.truth.push_back(r % 8);
    target.predicted.push_back((r + i) % 8);
    target.confusion[static_cast<std::size_t>((r % 8) * 8 + (r + i) % 8)] += 1;
    for (int c = 0; c < 8; ++c) target.probability.push_back(c == (r + i) % 8 ? 0.93F : 0.01F);
  }
  out.targets.push_back(std::move(target));
  return record;
}

double milliseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

std::string figures(const char* name, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  char text[160];
  std::snprintf(text, sizeof text, "\"%s\": {\"median\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name,
                times[times.size() / 2], times[times.size() * 99 / 100], times.back());
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("bench_commit_latency FOLDER [records]\n", stderr);
    return 2;
  }
  const results::RunFolder folder{std::filesystem::path(argv[1])};
  folder.create();
  const int n = argc > 2 ? std::max(1, std::atoi(argv[2])) : 300;
  std::vector<double> encode, commit, raw;
  std::size_t bytes = 0;
  for (int i = 0; i < n; ++i) {
    const results::TrialRecord record = record_of(i);
    auto begin = Clock::now();
    const std::vector<std::uint8_t> image = results::encode_record(record);
    encode.push_back(milliseconds(begin));
    bytes = image.size();
    begin = Clock::now();
    folder.commit(record);
    commit.push_back(milliseconds(begin));
    begin = Clock::now();
    commit_file(folder.path() / "raw", image, "bench");
    raw.push_back(milliseconds(begin));
  }
  std::printf("{\"records\": %d, \"bytes\": %zu, %s, %s, %s}\n", n, bytes,
              figures("encode_ms", encode).c_str(), figures("commit_ms", commit).c_str(),
              figures("raw_ms", raw).c_str());
  return 0;
}
