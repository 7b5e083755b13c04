// What a reader should take away, in words: the same in text and on the page. Private to results/.
#pragma once

#include <string>
#include <vector>

#include "results/report_parts.h"

namespace emosweep::results {

struct Standing {
  std::size_t experiment = 0;
  const ConditionStatistics* headline = nullptr;
};
// Experiments whose headline has a score, the highest first (the first of equals).
std::vector<Standing> standings(const ReportData& data);

// The same by what may be compared: scores of features that were scaled without the tested subject,
// and transductive ones (normalise: group); each metric and each kind of target by itself. Families
// without a score are left out.
std::vector<std::vector<Standing>> families(const ReportData& data);

// "fusion, by actor (transductive)" in sentences and headings; with a dagger in tables and plots.
std::string display_name(const ReportData& data, std::size_t experiment);
std::string short_name(const ReportData& data, std::size_t experiment);
// What the dagger means, where one is shown; else "".
std::string dagger_text(const ReportData& data);

// The comparison of two experiments, a - b as asked for or b - a; nullptr where there is none.
struct PairFound {
  const PairComparison* pair = nullptr;
  bool turned = false;  // the pair is b - a
};
PairFound find_pair(const ReportData& data, std::size_t a, std::size_t b);

// The condition that is best on test rows, which nobody may choose, beside what validation chose.
std::string oracle_text(const PlannedExperiment& experiment, const NestedSelection& nested);

// The condition that validation chose most often: the one to train with in the end, but its test
// score is no clean one. The experiment has a nested selection.
std::string winner_text(const PlannedExperiment& experiment,
                        const ExperimentStatistics& statistics);

// Those of one kind, in their order.
std::vector<Standing> of_kind(const ReportData& data, const std::vector<Standing>& order,
                              TargetKind kind);

// Short paragraphs, of each family: what leads, what it is better than, what is not decided and
// what that would take, where the spread comes from; then what limits all this (incomplete, one
// seed).
std::vector<std::string> verdict(const ReportData& data);

}  // namespace emosweep::results
