// How the training of a condition's cells went, and in which folds: where overfitting shows.
// Private to results/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "results/plots/plot.h"
#include "results/statistics/descriptive.h"
#include "results/table.h"

namespace emosweep::results {

struct TrainingStatistics {  // over the done cells with validation curves
  std::int64_t cells = 0;
  std::string metric;                  // of best, last and gap: the headline of the kind
  Description epoch;                   // the selected one, counted from 1
  Spread epochs;                       // that were trained
  Spread best, last;                   // validation metric of the selected and the last epoch
  Spread gap;                          // best - last, cell by cell: what the last epoch lost
  Spread train_loss, validation_loss;  // of the selected epoch
};
TrainingStatistics training_statistics(const Table& table, std::size_t experiment,
                                       std::size_t condition);

// A line of the text report; "" without cells. Tables of the page; empty where there is nothing to
// tell.
std::string training_text(const TrainingStatistics& training);
// Terms of the loss by condition; empty where losses have one.
TextTable term_rows(const Table& table, std::size_t experiment);
TextTable training_rows(const Table& table, std::size_t experiment);
TextTable fold_rows(const TableExperiment& experiment);

}  // namespace emosweep::results
