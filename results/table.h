// The planned cells of a run folder with what became of them, in the order of the summary. Private
// to results/.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "results/calibration.h"
#include "results/metrics.h"
#include "results/record.h"
#include "results/run_folder.h"
#include "results/statistics/descriptive.h"

namespace emosweep::results {

// Test rows of one slice (index into Table::slices of the experiment) by truth and prediction of
// one block (base/target.h).
struct SliceCount {
  std::uint16_t slice = 0, block = 0, truth = 0, predicted = 0;
  std::uint32_t n = 0;
};

// One of several terms that make a loss, at the selected epoch.
struct LossTerm {
  std::string name;
  float train = 0, validation = 0;  // its value; NaN where there is no such curve
  float weight = 1;                 // NaN: the record does not say
};

struct EpochCurve {  // single precision: it is drawn, not computed with
  std::string name;
  std::vector<float> values;  // one an epoch
};

// An experiment of the table: as planned, and where its results are from.
struct TableExperiment : PlannedExperiment {
  TableExperiment() = default;
  TableExperiment(PlannedExperiment planned)  // NOLINT: it is that experiment
      : PlannedExperiment(std::move(planned)) {}
  std::size_t source = 0;         // index into Table::sources
  std::int64_t from_another = 0;  // cells that are done because another source holds their trial
  bool external = false;          // of another program: nothing is known of its training
  bool derived = false;  // an ensemble: its cells are averages of other experiments' trials
  // Of scores: what they are called; they stand in Row::test, and there are no predictions. Else
  // "".
  std::string metric;
  std::vector<std::string> notes;  // what a reader must know of this source
};

struct Source {
  std::string name;  // unlike the others': the folder's own name, "name#2" where several have one
  std::string path;  // as the user wrote it
};

struct Row {
  Cell cell;                       // indices into Table::experiments and its conditions
  std::string status = "missing";  // done | failed | missing
  std::string reason, message;     // of a failure
  double failed_unix = 0;          // when; who failed stands in cost.host and cost.rank
  std::int64_t best_epoch = -1, epochs = 0;
  std::int64_t train_rows = 0, validation_rows = 0, test_rows = 0;
  NamedValues validation, test;
  Confusion confusion;  // of the test rows
  // The same by subject (value of the experiment's group), in natural order, where the fold holds
  // several and its predictions were kept. A fold of one subject has it in cell.group.
  std::vector<std::pair<std::string, Confusion>> subjects;
  Digest samples;  // over the indices of the test rows' samples; zero where they were not kept
  std::vector<std::int64_t> train_counts;  // [blocks, C]
  std::vector<double> thresholds;          // [labels] of multi-label targets
  std::vector<double> train_mean;          // [outputs] of regression, where records have it
  Confusion constant;                      // of these means as predictions; empty without them
  Calibration calibration;                 // of the test rows; empty without probabilities
  std::vector<SliceCount> slices;  // of the test rows, each in one slice of every sliced column
  std::vector<EpochCurve> curves;  // those of kDrawnCurves that the record has
  std::vector<LossTerm> terms;     // where there are several
  std::string result;              // digest in hex, "" unless done
  Provenance cost;

  bool done() const { return status == "done"; }
};

inline constexpr const char* kDrawnCurves[] = {"train_loss", "validation_loss",
                                               "validation_macro_f1", "validation_ccc"};
// The terms whose curves have these names ("train_cross_entropy": cross_entropy); empty of fewer
// than two.
std::vector<std::string> loss_terms(const std::vector<std::string>& curves);

// The rows of a sample table with one value of a metadata column.
struct Slice {
  std::string column, value;
};
inline constexpr std::size_t kMostSliceValues = 12;  // columns of more values are no slices

struct Table {
  std::vector<TableExperiment> experiments;  // by name, their conditions by label: bytewise
  std::vector<std::vector<Slice>> slices;    // of each experiment; by column, then natural_less
  std::vector<Row> rows;                     // by experiment, condition, seed, fold (natural_less)
  std::vector<std::size_t> first;  // row of each experiment's first cell; one more at the end
  std::vector<std::string> source_revisions;  // of the records, sorted, each once
  std::vector<Source> sources;  // in the order given; none where one run folder is the only one
};

// Runs of digits compare as numbers ("fold 9" before "fold 10"), all else bytewise; equal only for
// equal texts.
bool natural_less(const std::string& a, const std::string& b);

// What tells test parts apart: over the indices as they lie in memory, zero of none.
Digest samples_digest(std::span<const std::int64_t> samples);

// Value of a metric, NaN where there is none.
double value_of(const NamedValues& values, const std::string& name);

// The plan alone, every row missing. InputError where there is no plan or a name cannot stand in
// the summary.
Table planned_table(const RunFolder& folder);

// The same of a plan in memory, any names allowed that differ.
Table table_of_plan(const PlanFile& plan);

// Reads record after record in the order of the rows and keeps of each what a Row holds. `visit`
// sees every done row with its record. InputError names a record, or a table of samples that is
// needed to tell subjects, that is damaged or does not belong to its cell.
using Visit = std::function<void(std::size_t row, const TrialRecord& record)>;
void fill_table(const RunFolder& folder, Table& table, const Visit& visit);

}  // namespace emosweep::results
