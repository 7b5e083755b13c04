#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "results/counting.h"
#include "results/multi_label.h"
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

// The row with a class that is not that of highest probability, or a label on the wrong side of its
// threshold; -1: all is well. Unknown cells of aspects are predicted like the others.
std::int64_t wrong_prediction(const TargetResult& target) {
  const TargetSpec& spec = target.spec;
  if (target.probability.empty()) return -1;
  const auto o = static_cast<std::size_t>(target_outputs(spec));
  if (spec.kind == TargetKind::multi) {
    const auto above = labels_above(target.probability, target.thresholds);
    const auto wrong = std::mismatch(above.begin(), above.end(), target.predicted.begin()).first;
    return wrong == above.end() ? -1 : (wrong - above.begin()) / static_cast<std::int64_t>(o);
  }
  const auto c = static_cast<std::size_t>(block_classes(spec));
  for (std::size_t i = 0; i < target.predicted.size(); ++i) {
    const auto row = target.probability.begin() + static_cast<long>(i * c);
    const float most = *std::max_element(row, row + static_cast<long>(c));
    if (!(row[target.predicted[i]] >= most - 1e-6f)) return static_cast<std::int64_t>(i / o);
  }
  return -1;
}

// Metrics that follow from counts, and of labels those that follow from rows.
NamedValues metrics_of(const TargetResult& target, const Confusion& confusion) {
  NamedValues metrics = named_scores(confusion);
  if (target.spec.kind == TargetKind::multi && !target.sample.empty()) {
    const auto rows = row_scores(target.truth, target.predicted, target_outputs(target.spec));
    metrics.emplace_back("subset_accuracy", rows.subset_accuracy);
    metrics.emplace_back("jaccard", rows.jaccard);
  }
  return metrics;
}

void check_target(const TargetResult& target, const Outcome& result, Problems& problems,
                  const std::string& file) {
  const auto wrong = [&](const std::string& what) { problems.push_back(file + ": " + what); };
  const TargetKind kind = target.spec.kind;
  const bool values = kind == TargetKind::regression, kept = !target.sample.empty();
  const char* counts = kind == TargetKind::single ? "the confusion matrix" : "the counts";
  Confusion confusion(target.spec);
  if (values) {
    if (!kept) return;  // nothing that its metrics could be compared with
    confusion = count_rows_of(target);
  } else {
    confusion.counts = target.confusion;
  }
  // Of aspects only known cells are counted.
  const std::int64_t cells = result.test_rows * target_outputs(target.spec);
  const bool lacking = kind == TargetKind::aspects && confusion.total() < cells;
  if (confusion.total() != cells && !lacking) {
    const bool single = kind == TargetKind::single;
    wrong(std::string(counts) + (single ? " counts " : " are of ") +
          std::to_string(confusion.total()) + (single ? " rows of " : " cells of ") +
          std::to_string(cells));
  }
  for (const auto& [name, value] : metrics_of(target, confusion)) {
    for (const auto& [stored_name, stored] : result.test) {
      if (stored_name == name && !same(stored, value) && !(std::abs(stored - value) <= 1e-12)) {
        wrong("test " + name + " does not follow from " + (values ? "the predictions" : counts));
      }
    }
  }
  if (!kept) return;
  if (!values && count_rows_of(target).counts != confusion.counts) {
    wrong(std::string(counts) + (kind == TargetKind::single
                                     ? " does not follow from the predictions"
                                     : " do not follow from the predictions"));
  }
  if (!std::is_sorted(target.sample.begin(), target.sample.end(), std::less_equal<>())) {
    wrong("the predicted samples are not in ascending order");
  }
  if (const std::int64_t row = wrong_prediction(target); row >= 0) {
    wrong("prediction " + std::to_string(row) +
          (kind == TargetKind::multi ? " does not follow from probabilities and thresholds"
                                     : " is not the class of highest probability"));
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
  for (const auto& target : result.targets) check_target(target, result, problems, file);
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
