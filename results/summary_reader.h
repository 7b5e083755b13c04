// summary.h5, read back: what the trials' rows hold. Private to results/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "results/h5.h"
#include "results/table.h"

namespace emosweep::results {

class SummaryReader {
 public:
  // root: of a sealed summary; table: the plan. An Error of the library where a part is lacking;
  // InputError where one has another size than its fellows.
  SummaryReader(const h5::Node& root, const Table& table);

  // Is it made of exactly these cells, in this order, and of experiments with these classes and
  // samples?
  bool is_of_plan() const { return of_plan_; }
  bool done(std::size_t row) const { return status_[row] == "done"; }
  // What /trials, /experiments and /predictions keep of the row's record; row after row, ascending.
  // Metrics that are undefined are not there; no provenance.
  TrialRecord record(std::size_t row);
  const std::string& result(std::size_t row) const { return results_[row]; }  // digest in hex
  const std::vector<std::string>& source_revisions() const { return source_revisions_; }

 private:
  struct Experiment {  // the columns of one, by its rows
    std::vector<std::int64_t> confusion, train_counts;
    std::vector<double> thresholds;                     // [rows, labels] of multi-label targets
    std::vector<double> train_mean;                     // [rows, outputs] of regression
    std::map<std::string, std::vector<double>> curves;  // [rows, epochs]
    std::map<std::string, std::vector<std::int64_t>> curve_epochs;
    std::vector<std::int64_t> trial, sample;
    std::vector<std::int32_t> truth, predicted;       // [n, outputs]; empty of regression
    std::vector<double> true_value, predicted_value;  // [n, outputs] of regression
    std::vector<float> probability;                   // [n, width], or nothing
    std::size_t next = 0;                             // first prediction of the rows that follow
  };
  bool same_cells(const h5::Node& trials) const;
  bool same_experiments(const h5::Node& root) const;
  void read_metrics(const h5::Node& trials);
  Experiment read_experiment(const h5::Node& root, std::size_t index) const;
  void read_counts(const h5::Node& node, std::size_t index, Experiment& own) const;
  void read_predictions(const h5::Node& node, const TargetSpec& spec, Experiment& own) const;
  void take_counts(const Experiment& own, std::size_t at, TargetResult& target) const;
  void take_predictions(Experiment& own, std::size_t row, TargetResult& target) const;

  const Table& table_;
  bool of_plan_ = false;
  std::vector<std::string> status_, results_, source_revisions_;
  std::vector<std::int64_t> best_epoch_, epochs_, train_rows_, validation_rows_, test_rows_;
  std::vector<std::pair<std::string, std::vector<double>>> validation_, test_;
  std::vector<Experiment> experiments_;
};

}  // namespace emosweep::results
