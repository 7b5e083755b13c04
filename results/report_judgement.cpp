// The parts of the text report that judge: intervals, variance components, comparisons.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "results/report_parts.h"
#include "results/text_layout.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kSentences = 10;  // pairs that get one; a table holds them all

std::string number_or(std::int64_t number, const char* none) {
  return number > 0 ? std::to_string(number) : none;
}

std::vector<std::string> interval_row(const ConditionStatistics& condition) {
  const ReplicatedStatistics& own = condition.headline();
  return {condition.label,
          bracketed(own.rerun.lower, own.rerun.upper, 4),
          bracketed(own.new_subject.lower, own.new_subject.upper, 4),
          percent(own.components.seed_share),
          percent(own.components.subject_share),
          percent(own.components.residual_share)};
}

// What more seeds or subjects would do: the same for all conditions but the last number.
std::string halving_text(const ReplicatedStatistics& own) {
  std::string text;
  if (own.seeds_to_halve_rerun > 0) {
    text +=
        "   half the re-run interval takes " + std::to_string(own.seeds_to_halve_rerun) + " seeds";
  }
  if (own.subjects_to_halve_new_subject > 0) {
    text += text.empty() ? "" : ",\n";
    text += "   half the new-subject interval " +
            std::to_string(own.subjects_to_halve_new_subject) + " subjects, or " +
            number_or(own.seeds_to_halve_new_subject, "no number of") + " seeds";
  }
  return text.empty() ? "" : text + "\n";
}

std::vector<std::string> pair_row(const std::string& label, const PairComparison& pair) {
  if (!pair.absent_because.empty()) return {label, "-"};
  const Comparison& own = pair.result;
  return {label,
          with_sign(own.difference.mean),
          bracketed(own.difference.lower, own.difference.upper, 3),
          p_text(own.crossed.p),
          p_text(pair.p_holm),
          std::to_string(own.subjects_better) + " : " + std::to_string(own.subjects_worse),
          score(own.better.probability, 2),
          conclusion_of(pair)};
}

std::vector<std::string> pair_header(const std::string& first, const std::string& last) {
  return {first, "difference", "95 % interval", "p", "Holm", "subjects", "P(better)", last};
}

// What the rows of a table cannot say.
std::string notes_text(const std::vector<PairComparison>& pairs, const std::string& indent) {
  std::string text;
  const auto absent = std::find_if(pairs.begin(), pairs.end(), [](const PairComparison& pair) {
    return !pair.absent_because.empty();
  });
  if (absent != pairs.end()) {
    text += wrapped("- where there is no comparison: " + absent->absent_because, indent);
  }
  if (std::any_of(pairs.begin(), pairs.end(),
                  [](const PairComparison& pair) { return pair.result.seeds == 1; })) {
    text += indent + "with one seed nothing says whether other seeds would decide so too\n";
  }
  return text;
}

std::string ranks_text(const RankTest& ranks, const std::string& indent) {
  if (ranks.mean_ranks.size() < 3) return "";
  std::string text = indent + "mean ranks over subjects";
  for (const double rank : ranks.mean_ranks) text += " " + score(rank, 2);
  return text + "; Iman-Davenport F = " + score(ranks.f, 2) + ", p = " + p_text(ranks.f_p) + "\n";
}

// Of what the pairs are: all of one metric, since others are not compared.
std::string metric_of(const ComparisonFamily& family) {
  const PairComparison& first = family.pairs.front();
  const std::string title = headline_title(first.kind);
  for (const auto& pair : family.pairs) {
    if (pair.metric != first.metric || headline_title(pair.kind) != title) {
      return "each by its metric";
    }
  }
  return first.metric.empty() ? "pooled " + title : "mean " + first.metric;
}

bool any_pair(const ComparisonFamily& family) {
  return std::any_of(family.pairs.begin(), family.pairs.end(),
                     [](const auto& pair) { return pair.absent_because.empty(); });
}

}  // namespace

std::string amount_of(const PairComparison& pair) {
  const double amount = std::fabs(pair.result.difference.mean);
  const bool shares = pair.metric.empty() && pair.kind != TargetKind::regression;
  return shares ? score(100 * amount, 1) + " points" : score(amount);
}

std::string comparison_sentence(const PairComparison& pair) {
  if (!pair.absent_because.empty()) {
    return pair.a + " and " + pair.b + " cannot be compared: " + pair.absent_because + ".";
  }
  const Comparison& own = pair.result;
  const bool a_leads = own.difference.mean >= 0;
  const std::string &first = a_leads ? pair.a : pair.b, &second = a_leads ? pair.b : pair.a;
  const std::int64_t ahead = a_leads ? own.subjects_better : own.subjects_worse;
  std::string text = "With " + counted(static_cast<std::size_t>(own.seeds), "seed") + " x " +
                     std::to_string(own.subjects) + " subjects " + first + " scores " +
                     score(a_leads ? pair.mean_a : pair.mean_b, 3) + " and " + second + " " +
                     score(a_leads ? pair.mean_b : pair.mean_a, 3) + ": " + first +
                     " is ahead on " + counted(static_cast<std::size_t>(ahead), "subject") +
                     ", by " + amount_of(pair) + ", " +
                     (pair.p_holm < kSmallP ? "p < .0001" : "p = " + score(pair.p_holm)) + ": ";
  const std::string conclusion = conclusion_of(pair);
  if (conclusion == "undecided") {
    text += conclusion;
    if (own.subjects < kLeastForNeeds) {
      text += "; " + counted(static_cast<std::size_t>(own.subjects), "subject") +
              " cannot say how many it takes";
    } else if (own.subjects_needed > own.subjects) {
      text += "; so small a difference takes about " + std::to_string(own.subjects_needed) +
              " subjects to be found";
    }
  } else {
    text += conclusion == "equal" ? "equal in practice" : first + " is better";
  }
  if (own.seeds == 1) text += "; of other seeds a single one says nothing";
  return text + ".";
}

std::string intervals_text(const ExperimentStatistics& statistics) {
  std::vector<std::vector<std::string>> rows{{"95 % intervals of " + headline_metric(statistics),
                                              "re-run", "new subjects", "seeds", "subjects",
                                              "rest"}};
  for (const auto& condition : statistics.conditions) rows.push_back(interval_row(condition));
  if (statistics.nested.exists) {
    rows.push_back(interval_row(statistics.nested.result));
    rows.back()[0] = "nested selection";
  }
  std::string text = aligned(rows, "   ");
  const ConditionStatistics* headline = headline_of(statistics);
  const ConditionStatistics& shown = headline ? *headline : statistics.conditions.front();
  const std::string& absent = shown.subject_scores.absent_because;
  if (!absent.empty()) text += "   no interval for new subjects: " + absent + "\n";
  return text + halving_text(shown.headline());
}

std::string conditions_compared_text(const ExperimentStatistics& statistics) {
  const ComparisonFamily& family = statistics.comparisons;
  if (!any_pair(family)) return "";
  const std::string& reference = statistics.conditions[statistics.reference].label;
  std::string text = "   compared with " + reference +
                     (statistics.nested.exists ? " (which validation chose most often):\n" : ":\n");
  std::vector<std::vector<std::string>> rows{pair_header("condition", "it is")};
  for (const auto& pair : family.pairs) rows.push_back(pair_row(pair.a, pair));
  return text + aligned(rows, "   ") + notes_text(family.pairs, "   ") +
         ranks_text(family.ranks, "   ") + "\n";
}

std::string experiments_compared_text(const ReportData& data) {
  const ComparisonFamily& family = data.comparisons;
  if (!family.absent_because.empty()) {
    return "No comparisons of experiments: " + family.absent_because + "\n\n";
  }
  if (family.pairs.empty()) return "";
  std::vector<std::vector<std::string>> rows{pair_header("A - B, " + metric_of(family), "A is")};
  for (const auto& pair : family.pairs) rows.push_back(pair_row(pair.a + " - " + pair.b, pair));
  std::string text =
      aligned(rows, "") + notes_text(family.pairs, "") + ranks_text(family.ranks, "");
  if (family.pairs.size() <= kSentences) {
    for (const auto& pair : family.pairs) {
      if (pair.absent_because.empty()) text += wrapped(comparison_sentence(pair));
    }
  }
  return text + "\n";
}

std::string judgement_definitions() {
  return "  re-run    what other seeds would give on these subjects: t over the seeds' pooled "
         "scores\n"
         "  new subjects  what other subjects would give with these seeds: delete-one-subject "
         "jackknife\n"
         "            with t; seeds, subjects, rest: their shares of the variance of one subject's "
         "part\n"
         "  compared  paired on seed and subject; interval and p over seeds and subjects at once "
         "(two-way\n"
         "            random effects, Satterthwaite), Holm over the table; subjects: on how many "
         "it "
         "is\n"
         "            higher : lower; P(better): share of (seed, subject), ties half; equal: "
         "within "
         "a point\n";
}

}  // namespace emosweep::results
