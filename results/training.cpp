#include "results/training.h"

#include <algorithm>
#include <cmath>

#include "results/text_layout.h"

namespace emosweep::results {
namespace {

const std::vector<float>* curve_of(const Row& row, const char* name) {
  for (const EpochCurve& curve : row.curves) {
    if (curve.name == name && !curve.values.empty()) return &curve.values;
  }
  return nullptr;
}

double at_epoch(const std::vector<float>* curve, std::int64_t epoch) {
  if (curve == nullptr || epoch >= std::ssize(*curve)) return kUndefined;
  return static_cast<double>((*curve)[static_cast<std::size_t>(epoch)]);
}

std::string counts_text(const std::vector<std::int64_t>& counts) {
  std::string text;
  for (const std::int64_t count : counts)
    text += (text.empty() ? "" : " / ") + std::to_string(count);
  return text;
}

std::string weights_text(const std::vector<double>& weights) {
  std::string text;
  for (const double weight : weights) text += (text.empty() ? "" : " / ") + score(weight, 2);
  return text.empty() ? "-" : text;
}

std::string short_score(const Spread& spread) {
  if (std::isnan(spread.sd)) return score(spread.mean, 3);
  return score(spread.mean, 3) + " ± " + score(spread.sd, 3);
}

std::string part_text(const FoldPart& part) {
  std::string text = std::to_string(part.rows);
  if (part.groups == 0) return text;
  text += " of " + std::to_string(part.groups);
  for (std::size_t i = 0; i < part.names.size(); ++i) text += (i ? ", " : ": ") + part.names[i];
  return text;
}

}  // namespace

TrainingStatistics training_statistics(const Table& table, std::size_t experiment,
                                       std::size_t condition) {
  std::vector<double> epoch, epochs, best, last, gap, train_loss, validation_loss;
  for (std::size_t r = table.first[experiment]; r < table.first[experiment + 1]; ++r) {
    const Row& row = table.rows[r];
    const std::vector<float>* f1 = curve_of(row, "validation_macro_f1");
    if (row.cell.condition != condition || !row.done() || row.best_epoch < 0 || f1 == nullptr)
      continue;
    epoch.push_back(static_cast<double>(row.best_epoch + 1));
    epochs.push_back(static_cast<double>(row.epochs));
    best.push_back(at_epoch(f1, row.best_epoch));
    last.push_back(static_cast<double>(f1->back()));
    gap.push_back(best.back() - last.back());
    train_loss.push_back(at_epoch(curve_of(row, "train_loss"), row.best_epoch));
    validation_loss.push_back(at_epoch(curve_of(row, "validation_loss"), row.best_epoch));
  }
  TrainingStatistics result;
  result.cells = std::ssize(epoch);
  result.epoch = describe(epoch);
  result.epochs = spread_of(epochs);
  result.best = spread_of(best);
  result.last = spread_of(last);
  result.gap = spread_of(gap);
  result.train_loss = spread_of(train_loss);
  result.validation_loss = spread_of(validation_loss);
  return result;
}

std::string training_text(const TrainingStatistics& t) {
  if (t.cells == 0) return "";
  return "      selected epoch " + score(t.epoch.median, 0) + " (" + score(t.epoch.minimum, 0) +
         " to " + score(t.epoch.maximum, 0) + ") of " + score(t.epochs.mean, 0) +
         "; validation macro-F1 there " + score(t.best.mean, 3) + ", at the last epoch " +
         score(t.last.mean, 3) + "\n";
}

TextTable training_rows(const Table& table, std::size_t experiment) {
  TextTable rows{{"condition", "cells", "selected epoch", "of", "validation macro-F1",
                  "of the last epoch", "lost by the last", "training loss", "validation loss"}};
  const TableExperiment& own = table.experiments[experiment];
  for (std::size_t c = 0; c < own.conditions.size(); ++c) {
    const TrainingStatistics t = training_statistics(table, experiment, c);
    if (t.cells == 0) continue;
    rows.push_back({own.conditions[c], std::to_string(t.cells),
                    score(t.epoch.median, 0) + " (" + score(t.epoch.minimum, 0) + " to " +
                        score(t.epoch.maximum, 0) + ")",
                    score(t.epochs.mean, 0), short_score(t.best), short_score(t.last),
                    short_score(t.gap), score(t.train_loss.mean, 3),
                    score(t.validation_loss.mean, 3)});
  }
  return rows.size() > 1 ? rows : TextTable{};
}

TextTable fold_rows(const TableExperiment& experiment) {
  if (experiment.folds.empty()) return {};
  const std::string of = experiment.group.empty() ? "" : " of " + experiment.group;
  TextTable rows{{"fold", "training rows" + of, "validation", "test", "training rows by class",
                  "class weights"}};
  for (const FoldFacts& fold : experiment.folds) {
    rows.push_back({fold.name, part_text(fold.train), part_text(fold.validation),
                    part_text(fold.test), counts_text(fold.train.classes),
                    weights_text(fold.class_weights)});
  }
  return rows;
}

}  // namespace emosweep::results
