#include "results/training.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "results/report_metrics.h"
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

// By class; of labels the rows that have each.
std::vector<std::int64_t> counts_of(const FoldPart& part, const TargetSpec& target) {
  if (target.kind != TargetKind::multi || part.classes.size() != 2 * target.outputs.size()) {
    return part.classes;
  }
  std::vector<std::int64_t> present;
  for (std::size_t i = 1; i < part.classes.size(); i += 2) present.push_back(part.classes[i]);
  return present;
}

struct TermSums {
  std::vector<double> train, validation, weight;  // a value a cell
  double weighted_train = 0, weighted_validation = 0;
};

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
  const std::string metric = report_metrics(table.experiments[experiment].kind)[0].name;
  const std::string drawn = "validation_" + metric;
  for (std::size_t r = table.first[experiment]; r < table.first[experiment + 1]; ++r) {
    const Row& row = table.rows[r];
    const std::vector<float>* f1 = curve_of(row, drawn.c_str());
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
  result.metric = metric_title(metric);
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
         " to " + score(t.epoch.maximum, 0) + ") of " + score(t.epochs.mean, 0) + "; validation " +
         t.metric + " there " + score(t.best.mean, 3) + ", at the last epoch " +
         score(t.last.mean, 3) + "\n";
}

TextTable training_rows(const Table& table, std::size_t experiment) {
  const std::string metric = headline_title(table.experiments[experiment].kind);
  TextTable rows{{"condition", "cells", "selected epoch", "of", "validation " + metric,
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

TextTable term_rows(const Table& table, std::size_t experiment) {
  const TableExperiment& own = table.experiments[experiment];
  TextTable rows{{"condition", "term", "weight", "training", "share", "validation", "share"}};
  for (std::size_t c = 0; c < own.conditions.size(); ++c) {
    std::vector<std::string> names;  // in the order of loss_terms
    std::map<std::string, TermSums> terms;
    double train = 0, validation = 0;
    for (std::size_t r = table.first[experiment]; r < table.first[experiment + 1]; ++r) {
      const Row& row = table.rows[r];
      if (row.cell.condition != c || !row.done()) continue;
      for (const LossTerm& term : row.terms) {
        if (!terms.count(term.name)) names.push_back(term.name);
        TermSums& sums = terms[term.name];
        const double t = term.train, v = term.validation;
        const double weight = std::isnan(term.weight) ? 1 : term.weight;
        sums.train.push_back(t);
        sums.validation.push_back(v);
        sums.weight.push_back(static_cast<double>(term.weight));
        if (!std::isnan(t)) train += weight * t;
        if (!std::isnan(v)) validation += weight * v;
        sums.weighted_train += std::isnan(t) ? 0 : weight * t;
        sums.weighted_validation += std::isnan(v) ? 0 : weight * v;
      }
    }
    const auto share = [](const std::vector<double>& values, double part, double all) {
      return all > 0 && spread_of(values).n > 0 ? percent(part / all) : std::string("-");
    };
    for (const auto& name : names) {
      const TermSums& sums = terms[name];
      rows.push_back({own.conditions[c], name, score(spread_of(sums.weight).mean, 3),
                      score(spread_of(sums.train).mean, 4),
                      share(sums.train, sums.weighted_train, train),
                      score(spread_of(sums.validation).mean, 4),
                      share(sums.validation, sums.weighted_validation, validation)});
    }
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
                    part_text(fold.test), counts_text(counts_of(fold.train, experiment.target())),
                    weights_text(fold.class_weights)});
  }
  return rows;
}

}  // namespace emosweep::results
