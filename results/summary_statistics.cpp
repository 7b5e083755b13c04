// /statistics and /comparisons of the summary.
#include "results/figures.h"
#include "results/summary_parts.h"

namespace emosweep::results {
namespace {

void write_spread(const h5::Node& node, const std::string& suffix,
                  const std::vector<Spread>& spreads) {
  std::vector<std::int64_t> n;
  std::vector<double> mean, sd;
  for (const auto& spread : spreads) {
    n.push_back(spread.n);
    mean.push_back(spread.mean);
    sd.push_back(spread.sd);
  }
  node.write("n" + suffix, n);
  node.write("mean" + suffix, mean);
  node.write("sd" + suffix, sd);
}

// Figures of several things of one kind, a dataset a figure. `shape` multiplies to rows.size(); {}
// means one dimension.
void write_figures(const h5::Node& node, const std::vector<Figures>& rows,
                   const h5::Shape& shape = {}) {
  if (rows.empty()) return;
  for (std::size_t f = 0; f < rows[0].size(); ++f) {
    std::vector<double> values;
    std::vector<std::int64_t> counts;
    for (const auto& row : rows) {
      values.push_back(row[f].value);
      if (row[f].whole) counts.push_back(static_cast<std::int64_t>(row[f].value));
    }
    if (rows[0][f].whole) {
      node.write(rows[0][f].name, counts, shape);
    } else {
      node.write(rows[0][f].name, values, shape);
    }
  }
}

using Conditions = std::vector<const ConditionStatistics*>;

template <class Of>
void write_cells(const h5::Node& parent, const std::string& name, TargetKind kind,
                 const Conditions& conditions, const Of& of) {
  const h5::Node node = parent.make_group(name);
  std::vector<Spread> cells, seeds, folds;
  std::vector<Figures> further;
  for (const auto* condition : conditions) {
    const CellStatistics& own = of(*condition);
    cells.push_back(own.cells.spread);
    further.push_back(figures_of(own.cells));
    seeds.push_back(own.seeds);
    folds.push_back(own.folds);
  }
  node.set("definition", metric_definition(name, kind));
  write_spread(node, "", cells);
  write_figures(node, further);
  write_spread(node, "_seeds", seeds);
  write_spread(node, "_folds", folds);
}

template <class Of>
h5::Node write_per_seed(const h5::Node& parent, const std::string& name,
                        const Conditions& conditions, std::size_t seeds, const Of& of) {
  h5::Node node = parent.make_group(name);
  std::vector<Spread> spreads;
  std::vector<double> per_seed;
  for (const auto* condition : conditions) {
    const PooledStatistics& pooled = of(*condition);
    spreads.push_back(pooled.spread);
    per_seed.insert(per_seed.end(), pooled.per_seed.begin(), pooled.per_seed.end());
  }
  node.write("per_seed", per_seed, {conditions.size(), seeds});
  write_spread(node, "", spreads);
  return node;
}

// Of the metric at `index` of every condition.
void write_pooled(const h5::Node& parent, const Conditions& conditions, std::size_t index,
                  std::size_t seeds) {
  const h5::Node node =
      write_per_seed(parent, "pooled_" + conditions[0]->metrics[index].name, conditions, seeds,
                     [&](const ConditionStatistics& of) -> const PooledStatistics& {
                       return of.metrics[index].pooled;
                     });
  std::vector<Figures> figures;
  std::vector<double> best;  // [conditions, seeds], NaN beyond the complete seeds
  for (const auto* condition : conditions) {
    const ReplicatedStatistics& own = condition->metrics[index].pooled;
    figures.push_back(figures_of(own));
    best.insert(best.end(), own.expected_best.begin(), own.expected_best.end());
    best.resize(figures.size() * seeds, kUndefined);
  }
  write_figures(node, figures);
  node.write("expected_best", best, {conditions.size(), seeds});
}

void write_baselines(const h5::Node& node, const Conditions& conditions, std::size_t seeds) {
  for (const auto& baseline : conditions[0]->baselines) {
    for (const auto& metric : baseline.metrics) {
      write_per_seed(node, baseline.name + "_" + metric.first, conditions, seeds,
                     [&](const ConditionStatistics& of) -> const PooledStatistics& {
                       return of.baseline(baseline.name, metric.first);
                     });
    }
  }
}

// [conditions, labels, aspects or values]
void write_outputs(const h5::Node& parent, const Conditions& conditions) {
  const std::vector<OutputStatistics>& first = conditions[0]->outputs;
  if (first.empty()) return;
  const h5::Node node = parent.make_group("outputs");
  std::vector<Figures> figures;
  std::vector<std::string> names;
  for (const auto& output : first) names.push_back(output.name);
  for (const auto* condition : conditions) {
    for (const auto& output : condition->outputs) figures.push_back(figures_of(output));
  }
  node.write_texts("output", names);
  write_figures(node, figures, {conditions.size(), first.size()});
}

template <class Field>
std::vector<std::int64_t> counts(const Conditions& conditions, Field field) {
  std::vector<std::int64_t> values;
  for (const auto* condition : conditions) values.push_back(condition->*field);
  return values;
}

// What stands beside the headline: other metrics, undefined classes, calibration.
void write_further(const h5::Node& node, const Conditions& conditions, std::size_t seeds) {
  for (std::size_t i = 0; i < conditions[0]->further.size(); ++i) {
    write_per_seed(node, "pooled_" + conditions[0]->further[i].first, conditions, seeds,
                   [&](const ConditionStatistics& of) -> const PooledStatistics& {
                     return of.further[i].second;
                   });
  }
  std::vector<std::int64_t> undefined;
  std::vector<Figures> calibration;
  for (const auto* condition : conditions) {
    undefined.insert(undefined.end(), condition->undefined_f1.begin(),
                     condition->undefined_f1.end());
    calibration.push_back(figures_of(condition->calibration));
  }
  if (!undefined.empty()) node.write("undefined_f1", undefined, {conditions.size(), seeds});
  write_figures(node.make_group("calibration"), calibration);
}

// [conditions, C]
void write_classes(const h5::Node& node, const Conditions& conditions) {
  std::vector<Figures> figures;
  if (conditions[0]->classes.empty()) return;
  for (const auto* condition : conditions) {
    for (const auto& of_class : condition->classes) figures.push_back(figures_of(of_class));
  }
  write_figures(node, figures, {conditions.size(), conditions[0]->classes.size()});
}

template <class T>
void write_list(const h5::Node& node, const std::vector<T>& list) {
  std::vector<Figures> figures;
  for (const auto& one : list) figures.push_back(figures_of(one));
  write_figures(node, figures);
}

// What is computed of a headline only.
void write_headline(const h5::Node& node, const ConditionStatistics& headline) {
  node.set("condition", headline.label);
  const h5::Node bootstrap = node.make_group("bootstrap");
  for (const auto& figure : figures_of(headline.resampled)) {
    bootstrap.set(figure.name, figure.value);
  }
  write_list(node.make_group("profile"), headline.resampled.profile);
  const h5::Node subjects = node.make_group("subjects"), slices = node.make_group("slices");
  if (!headline.subjects.empty()) {
    std::vector<std::string> names;
    std::vector<std::int64_t> support;
    std::vector<double> scores;
    for (const auto& subject : headline.subjects) {
      names.push_back(subject.subject);
      support.insert(support.end(), subject.support.begin(), subject.support.end());
      scores.insert(scores.end(), subject.score.begin(), subject.score.end());
    }
    const std::uint64_t n = names.size();
    subjects.write_texts("subject", names);
    subjects.write("support", support, {n, support.size() / n});
    subjects.write(headline.subjects[0].metric + "_per_seed", scores, {n, scores.size() / n});
    write_list(subjects, headline.subjects);
  }
  if (!headline.slices.empty()) {
    std::vector<std::string> columns, values;
    for (const auto& slice : headline.slices) {
      columns.push_back(slice.column);
      values.push_back(slice.value);
    }
    slices.write_texts("column", columns);
    slices.write_texts("value", values);
    write_list(slices, headline.slices);
  }
}

void write_conditions(const h5::Node& node, const Conditions& conditions, TargetKind kind,
                      std::size_t seeds) {
  using C = ConditionStatistics;
  std::vector<std::string> labels;
  for (const auto* condition : conditions) labels.push_back(condition->label);
  node.write_texts("condition", labels);
  node.write("expected", counts(conditions, &C::expected));
  node.write("done", counts(conditions, &C::done));
  node.write("failed", counts(conditions, &C::failed));
  node.write("missing", counts(conditions, &C::missing));
  node.write("trials", counts(conditions, &C::trials));
  if (!conditions.empty()) {
    for (std::size_t m = 0; m < conditions[0]->metrics.size(); ++m) {
      write_pooled(node, conditions, m, seeds);
    }
    write_baselines(node, conditions, seeds);
    write_further(node, conditions, seeds);
    write_classes(node.make_group("classes"), conditions);
    write_outputs(node, conditions);
  }
  std::vector<std::string> reasons;
  for (const auto* condition : conditions) {
    reasons.push_back(condition->subject_scores.absent_because);
  }
  node.write_texts("no_subjects_because", reasons);
  for (const ReportMetric& metric : report_metrics(kind)) {
    write_cells(node, metric.name, kind, conditions,
                [&](const ConditionStatistics& of) -> const CellStatistics& {
                  return of.cells(metric.name);
                });
  }
  for (std::size_t i = 0; !conditions.empty() && i < conditions[0]->row_scores.size(); ++i) {
    write_cells(node, conditions[0]->row_scores[i].first, kind, conditions,
                [&](const ConditionStatistics& of) -> const CellStatistics& {
                  return of.row_scores[i].second;
                });
  }
}

}  // namespace

void write_statistics(const h5::Node& node, const ExperimentStatistics& statistics) {
  const std::size_t seeds = statistics.seeds.size();
  node.set("chance", statistics.chance);
  const TargetKind kind = statistics.target.kind;
  node.set(
      "headline",
      kind == TargetKind::regression
          ? std::string("pooled_ccc: CCC of the rows of all folds of one seed; mean and sd over "
                        "complete seeds")
          : std::string("pooled_macro_f1: macro-F1 of the confusion matrix summed over the "
                        "folds of one seed; mean and sd over complete seeds"));
  node.write("seeds", statistics.seeds);
  Conditions conditions;
  for (const auto& condition : statistics.conditions) conditions.push_back(&condition);
  write_conditions(node, conditions, kind, seeds);
  if (!statistics.comparisons.pairs.empty()) {
    write_comparisons(node.make_group("comparisons"), statistics.comparisons);
  }
  if (const ConditionStatistics* headline = headline_of(statistics)) {
    write_headline(node.make_group("headline"), *headline);
  }
  if (!statistics.nested.exists) return;
  const h5::Node nested = node.make_group("nested");
  nested.set("selected_by", "validation " + statistics.nested.metric);
  nested.write("chosen", statistics.nested.chosen);
  nested.set("overall_winner", statistics.conditions[statistics.reference].label);
  nested.set("oracle", statistics.conditions[statistics.nested.oracle].label);
  nested.set("optimism", statistics.nested.optimism);
  write_conditions(nested, {&statistics.nested.result}, kind, seeds);
}

void write_comparisons(const h5::Node& node, const ComparisonFamily& family) {
  const auto texts = [&](const std::string& name, const auto& text) {
    std::vector<std::string> values;
    for (const auto& pair : family.pairs) values.push_back(text(pair));
    node.write_texts(name, values);
  };
  texts("a", [](const PairComparison& pair) { return pair.a; });
  texts("b", [](const PairComparison& pair) { return pair.b; });
  texts("conclusion", conclusion_of);
  texts("absent_because", [](const PairComparison& pair) { return pair.absent_because; });
  texts("probability_verdict",
        [](const PairComparison& pair) { return verdict_text(pair.result.better.verdict); });
  std::vector<Figures> figures;
  for (const auto& pair : family.pairs) figures.push_back(figures_of(pair));
  write_figures(node, figures);
  if (!family.ranks.mean_ranks.empty()) node.write("mean_ranks", family.ranks.mean_ranks);
  for (const auto& figure : figures_of(family.ranks)) node.set(figure.name, figure.value);
}

}  // namespace emosweep::results
