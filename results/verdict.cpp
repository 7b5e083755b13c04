#include "results/verdict.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "results/report_tables.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kNamed = 6;  // experiments that a sentence names; the table has them all

bool transductive(const ReportData& data, std::size_t e) {
  return data.table.experiments[e].normalise == "group";
}

// "a, b and c", "a, b and 7 others".
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  const std::size_t shown = names.size() <= kNamed ? names.size() : kNamed - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    text += (i == 0 ? "" : last ? " and " : ", ") + names[i];
  }
  if (shown < names.size()) text += " and " + counted(names.size() - shown, "other");
  return text;
}

// Names hold commas and words like "and".
std::string quoted(const ReportData& data, std::size_t experiment) {
  return "'" + data.table.experiments[experiment].name + "'";
}

std::string leader_text(const ReportData& data, const Standing& leader, std::size_t of) {
  const ReplicatedStatistics& own = leader.headline->headline();
  const std::string& metric = data.statistics[leader.experiment].metric;
  const TargetKind kind = data.statistics[leader.experiment].target.kind;
  const double floor = kind == TargetKind::regression ? -1 : 0;
  const double least = metric.empty() ? floor : own.new_subject.lower;
  const double most = metric.empty() ? 1 : own.new_subject.upper;  // another score's are not known
  const bool other_rule = transductive(data, leader.experiment);
  std::string text = other_rule ? "Transductive, scaled by each subject's own clips and so not "
                                  "comparable with the others: "
                                : "";
  text += quoted(data, leader.experiment) +
          (of > 1 ? " scores highest of " + std::to_string(of) + ": " : " scores ") +
          score(own.spread.mean, 3) + " " + (metric.empty() ? headline_title(kind) : metric);
  if (leader.headline->trials < leader.headline->expected) {
    text += "; it reads no seed";
  } else if (!std::isnan(own.rerun.lower)) {
    text += "; other seeds would give " + score(own.rerun.lower, 3) + " to " +
            score(own.rerun.upper, 3);
  }
  if (!std::isnan(own.new_subject.lower)) {
    text += std::string(std::isnan(own.rerun.lower) ? ";" : ",") + " new subjects " +
            score(std::max(least, own.new_subject.lower), 3) + " to " +
            score(std::min(most, own.new_subject.upper), 3);
  }
  text += ".";
  const double majority = leader.headline->baseline("majority", "macro_f1").spread.mean;
  if (!other_rule && !std::isnan(majority)) {
    text += (kind == TargetKind::multi ? " Always answering the labels that half of training has "
                                         "scores "
                                       : " Always answering the most frequent class scores ") +
            score(majority, 3) + ".";
  }
  return text;
}

std::string undecided_name(const std::string& name, const PairComparison& pair) {
  std::string text = name + " (" + amount_of(pair) + ", p " +
                     (pair.p_holm < kSmallP ? "< .0001" : "= " + score(pair.p_holm, 2));
  if (pair.result.subjects >= kLeastForNeeds &&
      pair.result.subjects_needed > pair.result.subjects) {
    text += ", about " + std::to_string(pair.result.subjects_needed) + " subjects needed";
  }
  return text + ")";
}

std::string against_text(const ReportData& data, const std::vector<Standing>& order) {
  std::vector<std::string> behind, equal, undecided, absent;
  std::string reason;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::string name = quoted(data, order[i].experiment);
    const auto [pair, turned] = find_pair(data, order[0].experiment, order[i].experiment);
    const std::string conclusion = pair ? conclusion_of(*pair) : "";
    if (conclusion == (turned ? "worse" : "better")) {
      behind.push_back(name);
    } else if (conclusion == "equal") {
      equal.push_back(name);
    } else if (conclusion.empty()) {
      absent.push_back(name);
      reason = pair ? pair->absent_because : data.comparisons.absent_because;
    } else {
      undecided.push_back(undecided_name(name, *pair));
    }
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& names, const std::string& start,
                       const std::string& end) {
    if (!names.empty()) text += (text.empty() ? "" : " ") + start + listed(names) + end;
  };
  add(behind, "It is better than ",
      " (paired on seeds and subjects, p < .05 after Holm's correction).");
  add(undecided, "Nothing is decided against ", ".");
  add(equal, "It equals ", " in practice (within .01).");
  add(absent, "It cannot be compared with ", reason.empty() ? "." : ": " + reason + ".");
  return text;
}

std::string spread_text(const ReportData& data, const Standing& leader) {
  const ReplicatedStatistics& own = leader.headline->headline();
  const VarianceComponents& parts = own.components;
  if (std::isnan(parts.subject_share)) return "";
  std::string text = "Of the spread of the scores of " + quoted(data, leader.experiment) +
                     " by seed and subject, subjects make " + percent(parts.subject_share) +
                     ", seeds " + percent(parts.seed_share) + " and the rest " +
                     percent(parts.residual_share) + ".";
  if (own.subjects_to_halve_new_subject > 0) {
    text += " Half the interval for new subjects takes " +
            std::to_string(own.subjects_to_halve_new_subject) + " subjects" +
            (own.seeds_to_halve_new_subject > 0
                 ? " or " + std::to_string(own.seeds_to_halve_new_subject) + " seeds."
                 : "; more seeds would not do it.");
  }
  return text;
}

std::string limits_text(const ReportData& data, const std::vector<Standing>& order) {
  std::string text;
  const auto add = [&](const std::string& sentence) {
    text += (text.empty() ? "" : " ") + sentence;
  };
  std::int64_t lacking = 0, expected = 0;
  for (const auto& statistics : data.statistics) {
    for (const auto& condition : statistics.conditions) {
      lacking += condition.expected - condition.done;
      expected += condition.expected;
    }
  }
  if (lacking > 0) {
    add("INCOMPLETE: " + std::to_string(lacking) + " of " + std::to_string(expected) +
        " planned cells are not done; seeds that lack a fold are left out.");
  }
  if (!order.empty() && order[0].headline->headline().spread.n == 1) {
    add("There is a single complete seed: nothing says how much another one would change.");
  }
  if (order.size() > 1) {
    add("Who leads is seen on test data: taking it for that reason alone flatters its score.");
  }
  return text;
}

}  // namespace

std::vector<Standing> standings(const ReportData& data) {
  std::vector<Standing> order;
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    const ConditionStatistics* headline = headline_of(data.statistics[e]);
    if (headline && !std::isnan(headline->headline().spread.mean)) {
      order.push_back({e, headline});
    }
  }
  std::stable_sort(order.begin(), order.end(), [](const Standing& a, const Standing& b) {
    return a.headline->headline().spread.mean > b.headline->headline().spread.mean;
  });
  return order;
}

std::vector<std::vector<Standing>> families(const ReportData& data) {
  // By metric: macro-F1 of predictions first, then other programs' scores by name; other kinds of
  // targets after single labels.
  std::map<std::tuple<TargetKind, bool, std::string>, std::vector<Standing>> kinds;
  for (const auto& standing : standings(data)) {
    const ExperimentStatistics& own = data.statistics[standing.experiment];
    kinds[{own.target.kind, transductive(data, standing.experiment), own.metric}].push_back(
        standing);
  }
  std::vector<std::vector<Standing>> result;
  result.reserve(kinds.size());
  for (auto& [kind, members] : kinds) result.push_back(std::move(members));
  return result;
}

std::vector<Standing> of_kind(const ReportData& data, const std::vector<Standing>& order,
                              TargetKind kind) {
  std::vector<Standing> own;
  for (const auto& standing : order) {
    if (data.statistics[standing.experiment].target.kind == kind) own.push_back(standing);
  }
  return own;
}

std::string short_name(const ReportData& data, std::size_t experiment) {
  return data.table.experiments[experiment].name + (transductive(data, experiment) ? " †" : "");
}

std::string dagger_text(const ReportData& data) {
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    if (transductive(data, e)) {
      return "† transductive: each subject is scaled by their own unlabelled rows.";
    }
  }
  return "";
}

std::string display_name(const ReportData& data, std::size_t experiment) {
  return data.table.experiments[experiment].name +
         (transductive(data, experiment) ? " (transductive)" : "");
}

PairFound find_pair(const ReportData& data, std::size_t a, std::size_t b) {
  const std::string &first = data.table.experiments[a].name,
                    &second = data.table.experiments[b].name;
  for (const auto& pair : data.comparisons.pairs) {
    if (pair.a == first && pair.b == second) return {&pair, false};
    if (pair.a == second && pair.b == first) return {&pair, true};
  }
  return {};
}

std::string oracle_text(const PlannedExperiment& experiment, const NestedSelection& nested) {
  const bool above = nested.optimism > 0;
  const double amount = std::fabs(nested.optimism);
  return "Oracle, no result: " + experiment.conditions[nested.oracle] + " is best on test rows, " +
         (experiment.kind == TargetKind::regression ? score(amount) + " "
                                                    : score(100 * amount, 1) + " points ") +
         (above ? "above" : "below") + " the nested selection" +
         (above ? ": by so much picking it would have flattered the score."
                : ": no single condition would have done better.");
}

std::string winner_text(const PlannedExperiment& experiment,
                        const ExperimentStatistics& statistics) {
  return "Overall winner, all subjects seen: " + experiment.conditions[statistics.reference] +
         " was chosen most often; every subject had a part in that choice through the others' "
         "validation rows, so its own score is not clean.";
}

std::vector<std::string> verdict(const ReportData& data) {
  const auto order = standings(data);
  std::vector<std::string> paragraphs;
  const auto add = [&](std::string paragraph) {
    if (!paragraph.empty()) paragraphs.push_back(std::move(paragraph));
  };
  if (order.empty()) {
    add("No experiment has a seed of which every fold is done: there is no score yet.");
  }
  for (const auto& family : families(data)) {
    const std::string against = against_text(data, family);
    add(leader_text(data, family[0], family.size()) + (against.empty() ? "" : " ") + against);
  }
  add(kinds_text(data));
  if (!order.empty()) add(spread_text(data, families(data)[0][0]));
  add(limits_text(data, order));
  return paragraphs;
}

}  // namespace emosweep::results
