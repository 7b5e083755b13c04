#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "results/metrics.h"
#include "results/summary.h"

namespace emosweep::results {
namespace {

namespace fs = std::filesystem;
using Problems = std::vector<std::string>;

// Runs `check`; what it throws becomes a problem.
template <class Check>
bool holds(Problems& problems, const Check& check) {
  try {
    check();
    return true;
  } catch (const std::exception& error) {
    problems.emplace_back(error.what());
    return false;
  }
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void check_target(const TargetResult& target, const Outcome& result, Problems& problems,
                  const std::string& file) {
  const auto wrong = [&](const std::string& what) { problems.push_back(file + ": " + what); };
  Confusion confusion(static_cast<std::int64_t>(target.spec.classes.size()));
  confusion.counts = target.confusion;
  if (confusion.total() != result.test_rows) {
    wrong("the confusion matrix counts " + std::to_string(confusion.total()) + " rows of " +
          std::to_string(result.test_rows));
  }
  for (const auto& [name, value] : named_scores(confusion)) {
    for (const auto& [stored_name, stored] : result.test) {
      if (stored_name == name && !same(stored, value) && !(std::abs(stored - value) <= 1e-12)) {
        wrong("test " + name + " does not follow from the confusion matrix");
      }
    }
  }
  if (target.sample.empty()) return;
  Confusion counted(confusion.classes);
  for (std::size_t i = 0; i < target.truth.size(); ++i) {
    counted.add(target.truth[i], target.predicted[i]);
  }
  if (counted.counts != confusion.counts) {
    wrong("the confusion matrix does not follow from the predictions");
  }
  if (!std::is_sorted(target.sample.begin(), target.sample.end(), std::less_equal<>())) {
    wrong("the predicted samples are not in ascending order");
  }
  const std::size_t c = target.spec.classes.size();
  for (std::size_t i = 0; i * c < target.probability.size(); ++i) {
    const auto row = target.probability.begin() + static_cast<long>(i * c);
    const float most = *std::max_element(row, row + static_cast<long>(c));
    if (!(row[target.predicted[i]] >= most - 1e-6f)) {
      wrong("prediction " + std::to_string(i) + " is not the class of highest probability");
      return;
    }
  }
}

void check_record(const TrialRecord& record, const Digest& id, Problems& problems,
                  const std::string& file) {
  const auto wrong = [&](const std::string& what) { problems.push_back(file + ": " + what); };
  if (record.id != id) wrong("holds trial " + record.id.hex());
  if (sha256(record.canonical) != record.id) wrong("its id is not the hash of its canonical text");
  const Outcome& result = record.result;
  if (result.best_epoch >= result.epochs && result.epochs > 0) {
    wrong("its best epoch lies behind its last");
  }
  for (const auto& target : result.targets) {
    if (target.spec.kind == TargetKind::single) check_target(target, result, problems, file);
  }
}

// How many samples the table behind each planned trial has; trials of no plan are not in it.
std::map<Digest, std::int64_t> sample_counts(const RunFolder& folder, const PlanFile& plan,
                                             Problems& problems) {
  std::map<Digest, std::int64_t> rows, counts;
  for (const auto& experiment : plan.experiments) {
    if (rows.count(experiment.samples)) continue;
    rows[experiment.samples] = INT64_MAX;
    holds(problems, [&] {
      rows[experiment.samples] =
          static_cast<std::int64_t>(read_samples(folder, experiment.samples).id.size());
    });
  }
  for (const auto& cell : plan.cells) {
    counts[cell.id] = rows.at(plan.experiments[cell.experiment].samples);
  }
  return counts;
}

// False if a record cannot be read.
bool check_records(const RunFolder& folder, const std::map<Digest, std::int64_t>& samples,
                   Problems& problems) {
  bool readable = true;
  for (const auto& id : folder.committed()) {
    const std::string file = folder.record(id).string();
    const bool read = holds(problems, [&] {
      const TrialRecord record = read_record(file);
      check_record(record, id, problems, file);
      const auto limit = samples.find(id);
      for (const auto& target : record.result.targets) {
        if (limit == samples.end() || target.sample.empty()) continue;
        if (target.sample.front() < 0 || target.sample.back() >= limit->second) {
          problems.push_back(file + ": predicts a sample that the sample table lacks");
        }
      }
    });
    readable = readable && read;
  }
  if (!fs::exists(folder.path() / "trials")) return readable;
  for (const auto& entry : fs::directory_iterator(folder.path() / "trials")) {
    const std::string name = entry.path().filename().string();
    const bool temporary = name.starts_with(".");  // left by a killed process, never read
    if (!temporary && (name.size() != 67 || !name.ends_with(".h5") ||
                       name.find_first_not_of("0123456789abcdef") != 64)) {
      problems.push_back(entry.path().string() + ": is not named after a trial");
    }
  }
  return readable;
}

void check_failures(const RunFolder& folder, Problems& problems) {
  if (!fs::exists(folder.path() / "failed")) return;
  holds(problems, [&] { folder.failures(); });
}

void check_summary(const RunFolder& folder, bool rebuild, Problems& problems) {
  const fs::path file = folder.path() / "summary.h5";
  if (!fs::exists(file)) {
    problems.push_back(file.string() + ": is missing");
    return;
  }
  holds(problems, [&] {
    const std::string problem = summary_problem(file);
    if (!problem.empty()) problems.push_back(problem);
    if (rebuild && problem.empty() && read_bytes(file) != build_summary(folder)) {
      problems.push_back(file.string() +
                         ": does not follow from the records (where another version of emosweep "
                         "wrote it, resume rebuilds it)");
    }
  });
}

// Lines "<time> start|commit <id> ..." of all ranks and shards: one commit line for every record,
// none without one.
void check_logs(const RunFolder& folder, Problems& problems) {
  std::map<std::string, int> commits;
  if (fs::exists(folder.path() / "log")) {
    for (const auto& entry : fs::directory_iterator(folder.path() / "log")) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("rank-") && !name.starts_with("shard-")) continue;
      if (!name.ends_with(".log")) continue;
      std::ifstream lines(entry.path());
      for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string time, what, id;
        words >> time >> what >> id;
        if (what == "commit" && id.size() == 64) ++commits[id];
      }
    }
  }
  const std::string where = (folder.path() / "log").string();
  for (const auto& id : folder.committed()) {
    const auto found = commits.find(id.hex());
    const int count = found == commits.end() ? 0 : found->second;
    if (count != 1) {
      problems.push_back(where + ": trial " + id.hex() + " has " + std::to_string(count) +
                         " commit lines instead of one");
    }
    if (found != commits.end()) commits.erase(found);
  }
  for (const auto& [id, count] : commits) {
    problems.push_back(where + ": trial " + id + " has a commit line, but no record");
  }
}

}  // namespace

std::vector<std::string> verify(const RunFolder& folder) {
  Problems problems;
  std::optional<PlanFile> plan;
  const bool readable = holds(problems, [&] { plan = folder.plan(); });
  if (readable && !plan) {
    problems.push_back((folder.path() / "plan.json").string() + ": is missing");
  }
  std::map<Digest, std::int64_t> samples;
  if (plan) samples = sample_counts(folder, *plan, problems);
  const bool records_read = check_records(folder, samples, problems);
  check_failures(folder, problems);
  // Without every record there is nothing to rebuild the summary from.
  if (plan) check_summary(folder, records_read, problems);
  for (const Shard& shard : folder.states()) holds(problems, [&] { folder.state(shard); });
  check_logs(folder, problems);
  std::set<std::string> seen;
  Problems lines;  // each once
  for (auto& problem : problems) {
    if (seen.insert(problem).second) lines.push_back(std::move(problem));
  }
  return lines;
}

}  // namespace emosweep::results
