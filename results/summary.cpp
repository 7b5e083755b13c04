#include "results/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "results/summary_parts.h"
#include "results/user_block.h"

namespace emosweep::results {
namespace {

// What of one experiment's records is written with it: curves are kept until its last record,
// predictions go to the file as they come.
class ExperimentWriter {
 public:
  ExperimentWriter(const h5::Node& predictions, const Table& table, std::size_t index)
      : experiment_(table.experiments[index]),
        first_(table.first[index]),
        rows_(table.first[index + 1] - table.first[index]),
        width_(static_cast<std::size_t>(target_width(experiment_.target()))),
        group_(predictions.make_group(experiment_.name)),
        trial_(group_, "trial"),
        sample_(group_, "sample") {
    const auto outputs = static_cast<std::uint64_t>(target_outputs(experiment_.target()));
    const h5::Shape tail =
        experiment_.kind == TargetKind::single ? h5::Shape{} : h5::Shape{outputs};
    if (experiment_.kind == TargetKind::regression) {
      true_value_.emplace(group_, "true", tail);
      predicted_value_.emplace(group_, "predicted", tail);
    } else {
      truth_.emplace(group_, "true", tail);
      predicted_.emplace(group_, "predicted", tail);
    }
  }

  void add(std::size_t row, const TrialRecord& record) {
    for (const auto& curve : record.result.curves) {
      auto& values = curves_[curve.name];
      values.resize(rows_);
      values[row - first_] = curve.values;
      auto& lengths = curve_epochs_[curve.name];
      lengths.resize(rows_, -1);
      lengths[row - first_] = static_cast<std::int64_t>(curve.values.size());
    }
    if (record.result.targets.empty()) return;
    const TargetResult& target = record.result.targets[0];
    if (target.sample.empty()) return;
    const std::vector<std::int64_t> trial(target.sample.size(), static_cast<std::int64_t>(row));
    if (!target.probability.empty()) {
      if (!probabilities_) {
        probabilities_.emplace(group_, "probabilities", h5::Shape{width_});
      }
      fill_probabilities();
      probabilities_->add(target.probability);
    }
    trial_.add(trial);
    sample_.add(target.sample);
    if (truth_) {
      truth_->add(target.truth);
      predicted_->add(target.predicted);
    } else {
      true_value_->add(target.true_value);
      predicted_value_->add(target.predicted_value);
    }
  }

  void finish(const h5::Node& experiments, const Table& table) {
    if (probabilities_) {
      fill_probabilities();
      probabilities_->finish();
    }
    trial_.finish();
    sample_.finish();
    if (truth_) {
      truth_->finish();
      predicted_->finish();
    } else {
      true_value_->finish();
      predicted_value_->finish();
    }
    const h5::Node node = experiments.make_group(experiment_.name);
    write_experiment(node, table, experiment_, first_, rows_);
    const h5::Node curves = node.make_group("curves");
    std::size_t epochs = 0;
    for (const auto& [name, values] : curves_) {
      for (const auto& line : values) epochs = std::max(epochs, line.size());
    }
    for (const auto& [name, values] : curves_) {
      std::vector<double> table_of(rows_ * epochs, kUndefined);
      for (std::size_t i = 0; i < values.size(); ++i) {
        std::copy(values[i].begin(), values[i].end(),
                  table_of.begin() + static_cast<long>(i * epochs));
      }
      curves.write(name, table_of, {rows_, epochs});
    }
    const h5::Node lengths = node.make_group("curve_epochs");
    for (const auto& [name, values] : curve_epochs_) lengths.write(name, values);
  }

 private:
  // Rows of trials that kept labels only have NaN.
  void fill_probabilities() {
    const std::uint64_t lacking = trial_.rows() - probabilities_->rows();
    if (lacking == 0) return;
    probabilities_->add(
        std::vector<float>(lacking * width_, std::numeric_limits<float>::quiet_NaN()));
  }

  const PlannedExperiment& experiment_;
  std::size_t first_, rows_, width_;
  h5::Node group_;
  h5::Column<std::int64_t> trial_, sample_;
  std::optional<h5::Column<std::int32_t>> truth_, predicted_;       // of classes
  std::optional<h5::Column<double>> true_value_, predicted_value_;  // of regression
  std::optional<h5::Column<float>> probabilities_;
  std::map<std::string, std::vector<std::vector<double>>> curves_;
  std::map<std::string, std::vector<std::int64_t>> curve_epochs_;  // -1 where a record has no such
};

struct Built {
  std::vector<std::uint8_t> bytes;
  std::string timing;
};

Built build(const RunFolder& folder) {
  Table table = planned_table(folder);
  h5::Writer file;
  Built built;
  {
    const h5::Node& root = file.root();
    const h5::Node experiments = root.make_group("experiments");
    const h5::Node predictions = root.make_group("predictions");
    std::unique_ptr<ExperimentWriter> writer;
    std::size_t next = 0;                             // experiment that has not been begun
    const auto go_to = [&](std::size_t experiment) {  // writes all before it, begins it
      for (; next <= experiment; ++next) {
        if (writer) writer->finish(experiments, table);
        writer = next < table.experiments.size()
                     ? std::make_unique<ExperimentWriter>(predictions, table, next)
                     : nullptr;
      }
    };
    fill_table(folder, table, [&](std::size_t row, const TrialRecord& record) {
      go_to(table.rows[row].cell.experiment);
      writer->add(row, record);
    });
    go_to(table.experiments.size());
    root.set("format", std::string("emosweep-summary"));
    root.set("version", std::int64_t{1});
    root.set("result_version", std::int64_t{kResultVersion});
    root.set("source_revisions", table.source_revisions);
    root.set("resolved_sha256", resolved_digest(table).hex());
    write_trials(root.make_group("trials"), table);
    write_samples(root.make_group("samples"), folder, table);
    const h5::Node statistics = root.make_group("statistics");
    std::vector<ExperimentStatistics> all;
    for (std::size_t e = 0; e < table.experiments.size(); ++e) {
      all.push_back(experiment_statistics(table, e));
      write_statistics(statistics.make_group(table.experiments[e].name), all.back());
    }
    const ComparisonFamily comparisons = compare_experiments(table, all);
    if (!comparisons.pairs.empty()) {
      write_comparisons(root.make_group("comparisons"), comparisons);
    }
  }
  built.bytes = file.finish(kSummaryLine);
  built.timing = timing_csv(table);
  return built;
}

}  // namespace

std::vector<std::uint8_t> build_summary(const RunFolder& folder) { return build(folder).bytes; }

std::string summary_problem(const std::filesystem::path& file) {
  const std::string problem = seal_problem(read_bytes(file), kSummaryLine);
  return problem.empty() ? "" : file.string() + ": " + problem;
}

void commit_summary(const RunFolder& folder) {
  const Built built = build(folder);
  commit_file(folder.path() / "summary.h5", built.bytes, "summary");
  commit_file(folder.path() / "timing.csv", built.timing, "timing");
}

}  // namespace emosweep::results
