#include "results/figures.h"

#include <numeric>

namespace emosweep::results {
namespace {

Figure count(std::string name, std::int64_t value) {
  return {std::move(name), static_cast<double>(value), true};
}

void add_interval(Figures& figures, const std::string& name, const MeanInterval& interval) {
  figures.push_back(count(name + "_n", interval.n));
  figures.push_back({name + "_standard_error", interval.standard_error});
  figures.push_back({name + "_df", interval.df});
  figures.push_back({name + "_lower", interval.lower});
  figures.push_back({name + "_upper", interval.upper});
}

void add_test(Figures& figures, const std::string& name, const TestResult& test) {
  figures.push_back({name, test.statistic});
  figures.push_back({name + "_p", test.p});
}

}  // namespace

Figures figures_of(const Description& description) {
  return {{"minimum", description.minimum},
          {"lower_quartile", description.lower_quartile},
          {"median", description.median},
          {"upper_quartile", description.upper_quartile},
          {"maximum", description.maximum},
          {"mad", description.mad},
          {"interquartile_mean", description.interquartile_mean}};
}

Figures figures_of(const Calibration& calibration) {
  return {count("rows", calibration.rows()),
          {"expected_calibration_error", expected_calibration_error(calibration)},
          {"brier_score", brier_score(calibration)}};
}

Figures figures_of(const ReplicatedStatistics& statistics) {
  Figures figures;
  add_interval(figures, "rerun", statistics.rerun);
  add_interval(figures, "new_subject", statistics.new_subject);
  const VarianceComponents& parts = statistics.components;
  figures.push_back({"variance_seed", parts.seed});
  figures.push_back({"variance_subject", parts.subject});
  figures.push_back({"variance_residual", parts.residual});
  figures.push_back({"share_seed", parts.seed_share});
  figures.push_back({"share_subject", parts.subject_share});
  figures.push_back({"share_residual", parts.residual_share});
  figures.push_back(count("seed_was_negative", parts.seed_was_negative));
  figures.push_back(count("subject_was_negative", parts.subject_was_negative));
  figures.push_back({"variance_of_mean", parts.variance_of_mean});
  figures.push_back(count("seeds_to_halve_rerun", statistics.seeds_to_halve_rerun));
  figures.push_back(
      count("subjects_to_halve_new_subject", statistics.subjects_to_halve_new_subject));
  figures.push_back(count("seeds_to_halve_new_subject", statistics.seeds_to_halve_new_subject));
  return figures;
}

Figures figures_of(const ClassStatistics& of_class) {
  Figures figures{count("support", of_class.support),
                  {"precision", of_class.precision.mean},
                  {"recall", of_class.recall.mean},
                  {"f1", of_class.f1.spread.mean},
                  {"f1_sd", of_class.f1.spread.sd}};
  add_interval(figures, "rerun", of_class.rerun);
  return figures;
}

Figures figures_of(const OutputStatistics& output) {
  Figures figures{count("rows", output.rows)};
  for (const auto& [metric, statistics] : output.scores) {
    figures.push_back({metric, statistics.spread.mean});
    figures.push_back({metric + "_sd", statistics.spread.sd});
  }
  for (const auto& [metric, statistics] : output.majority) {
    figures.push_back({"majority_" + metric, statistics.spread.mean});
  }
  if (!output.scores.empty() && output.scores[0].first == "f1") {  // a label
    figures.push_back({"threshold", output.threshold.mean});
    figures.push_back({"threshold_sd", output.threshold.sd});
    figures.push_back({"train_share", output.train_share});
  }
  return figures;
}

Figures figures_of(const SubjectStatistics& subject) {
  const auto rows =
      std::accumulate(subject.support.begin(), subject.support.end(), std::int64_t{0});
  return {count("rows", rows),
          {subject.metric, subject.score_spread.mean},
          {subject.metric + "_sd", subject.score_spread.sd},
          {"accuracy", subject.accuracy.mean},
          {"accuracy_sd", subject.accuracy.sd}};
}

Figures figures_of(const SliceStatistics& slice) {
  Figures figures{count("rows", slice.rows),
                  count("absent_classes", slice.absent),
                  {"macro_f1", slice.macro_f1.spread.mean},
                  {"macro_f1_sd", slice.macro_f1.spread.sd},
                  {slice.metric, slice.score.spread.mean},
                  {slice.metric + "_sd", slice.score.spread.sd},
                  {"accuracy", slice.accuracy.spread.mean},
                  {"accuracy_sd", slice.accuracy.spread.sd}};
  add_interval(figures, "rerun", slice.rerun);
  return figures;
}

Figures figures_of(const ResampledStatistics& resampled) {
  return {{"stratified_lower", resampled.stratified.lower},
          {"stratified_upper", resampled.stratified.upper},
          {"two_way_lower", resampled.two_way.lower},
          {"two_way_upper", resampled.two_way.upper}};
}

Figures figures_of(const ProfilePoint& point) {
  return {{"threshold", point.threshold},
          {"share", point.share},
          {"lower", point.band.lower},
          {"upper", point.band.upper}};
}

Figures figures_of(const PairComparison& pair) {
  const Comparison& own = pair.result;
  Figures figures{count("seeds", own.seeds),
                  count("subjects", own.subjects),
                  {"mean_a", pair.mean_a},
                  {"mean_b", pair.mean_b},
                  {"difference", own.difference.mean}};
  add_interval(figures, "difference", own.difference);
  figures.push_back({"t", own.crossed.statistic});
  figures.push_back({"p", own.crossed.p});
  figures.push_back({"p_holm", pair.p_holm});
  add_interval(figures, "new_subject", own.new_subject);
  add_interval(figures, "rerun", own.rerun);
  add_test(figures, "paired_t", own.paired);
  add_test(figures, "nadeau_bengio_t", own.corrected);
  add_test(figures, "wilcoxon", own.signed_rank);
  add_test(figures, "sign", own.sign);
  figures.push_back({"posterior_scale", own.posterior.scale});
  figures.push_back({"posterior_worse", own.posterior.below});
  figures.push_back({"posterior_equal", own.posterior.within});
  figures.push_back({"posterior_better", own.posterior.above});
  figures.push_back({"probability_better", own.better.probability});
  figures.push_back({"probability_better_lower", own.better.interval.lower});
  figures.push_back({"probability_better_upper", own.better.interval.upper});
  figures.push_back({"d_z", own.d_z});
  figures.push_back({"cliffs_delta", own.cliffs_delta});
  figures.push_back(count("subjects_better", own.subjects_better));
  figures.push_back(count("subjects_worse", own.subjects_worse));
  figures.push_back(count("seeds_needed", own.seeds_needed));
  figures.push_back(count("subjects_needed", own.subjects_needed));
  return figures;
}

Figures figures_of(const RankTest& ranks) {
  return {{"friedman_chi2", ranks.chi2},
          {"friedman_p", ranks.chi2_p},
          {"iman_davenport_f", ranks.f},
          {"iman_davenport_df_above", ranks.f_df_above},
          {"iman_davenport_df_below", ranks.f_df_below},
          {"iman_davenport_p", ranks.f_p}};
}

}  // namespace emosweep::results
