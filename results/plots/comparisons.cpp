// Plots of pairs of experiments.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/text_layout.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr double kWidth = 520;
constexpr std::size_t kAllPairs = 21;       // of 7 experiments; of more the leader's are drawn
constexpr std::size_t kLabelled = 40;       // subjects with a name below their bar
constexpr std::size_t kMostSubjects = 200;  // drawn; the table holds them all

struct Drawn {  // a pair seen from the one that leads
  std::string name;
  double probability, lower, upper;
  std::string conclusion;
  const PairComparison* pair;
};

Drawn drawn_of(const ReportData& data, std::size_t a, std::size_t b, const PairFound& found) {
  const Improvement& better = found.pair->result.better;
  const double p = better.probability;
  std::string conclusion = conclusion_of(*found.pair);
  if (found.turned && (conclusion == "better" || conclusion == "worse")) {
    conclusion = conclusion == "better" ? "worse" : "better";
  }
  return {short_name(data, a) + " > " + short_name(data, b),
          found.turned ? 1 - p : p,
          found.turned ? 1 - better.interval.upper : better.interval.lower,
          found.turned ? 1 - better.interval.lower : better.interval.upper,
          conclusion,
          found.pair};
}

std::vector<Drawn> drawn_pairs(const ReportData& data) {
  std::vector<Drawn> pairs;
  for (const auto& order : families(data)) {
    const std::size_t n = order.size();
    const std::size_t firsts = n * (n - 1) / 2 <= kAllPairs ? n : 1;
    for (std::size_t i = 0; i < firsts; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        const auto found = find_pair(data, order[i].experiment, order[j].experiment);
        if (found.pair && found.pair->absent_because.empty()) {
          pairs.push_back(drawn_of(data, order[i].experiment, order[j].experiment, found));
        }
      }
    }
  }
  return pairs;
}

std::string style_of(const std::string& conclusion) {
  return conclusion == "better" ? "good" : conclusion == "worse" ? "bad" : "plain";
}

}  // namespace

MaybePlot probability_plot(const ReportData& data) {
  const auto pairs = drawn_pairs(data);
  if (pairs.empty()) return {};
  Plot plot;
  plot.name = "probability";
  plot.title = "Probability that A beats B";
  plot.caption =
      "The share of (seed, subject) in which the first scores higher, ties half, with the interval "
      "for other seeds and subjects. Left of .5: no evidence; an upper end beyond .75: a "
      "difference "
      "large enough to matter. Green: better after Holm's correction. " +
      dagger_text(data);
  plot.table = {
      {"A > B", "P(A > B)", "95 %", "verdict", "difference", "95 %", "p (Holm)", "it is"}};
  // "A > B" is two names: twice the room.
  std::size_t longest = 4;
  for (const auto& pair : pairs) longest = std::max(longest, characters(pair.name));
  const std::size_t most = std::min<std::size_t>(longest, 56);
  const double left = 6.4 * static_cast<double>(most) + 14, row = 24, top = 8;
  const double bottom = top + row * static_cast<double>(pairs.size());
  Svg svg(left + kWidth * 0.75 + 100, bottom + 40);
  const Scale x{0, 1, left, left + kWidth * 0.75};
  horizontal_axis(svg, x, top, bottom, "P(A > B)");
  svg.line({x(0.5), top}, {x(0.5), bottom}, "zero");
  svg.line({x(0.75), top}, {x(0.75), bottom}, "chance");
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const Drawn& pair = pairs[i];
    const double middle = top + row * (static_cast<double>(i) + 0.5);
    svg.text({0, middle + 4}, shortened(pair.name, most), "", Anchor::start, pair.name);
    const std::string style = style_of(pair.conclusion);
    const std::string tip = score(pair.probability, 3) + " " + bracketed(pair.lower, pair.upper, 3);
    if (!std::isnan(pair.lower)) {
      svg.line({x(pair.lower), middle}, {x(pair.upper), middle}, style, tip);
    }
    svg.circle({x(pair.probability), middle}, 4.2, style, tip);
    svg.text({left + kWidth * 0.75 + 10, middle + 4},
             score(pair.probability, 2) + " " + pair.conclusion, "value");
    const Comparison& own = pair.pair->result;
    plot.table.push_back({pair.name, score(pair.probability, 3),
                          bracketed(pair.lower, pair.upper, 3), verdict_text(own.better.verdict),
                          with_sign(std::fabs(own.difference.mean)),
                          bracketed(own.difference.lower, own.difference.upper, 3),
                          p_text(pair.pair->p_holm), pair.conclusion});
  }
  plot.drawing = std::move(svg);
  return plot;
}

MaybePlot differences_plot(const ReportData& data) {
  const auto all = families(data);
  if (all.empty()) return {};
  const auto& order = all[0];
  PairFound found;
  std::size_t other = 0;
  for (std::size_t i = 1; i < order.size() && !found.pair; ++i) {
    const auto candidate = find_pair(data, order[0].experiment, order[i].experiment);
    if (candidate.pair && candidate.pair->absent_because.empty()) {
      found = candidate;
      other = order[i].experiment;
    }
  }
  if (!found.pair) return {};
  const ConditionStatistics& headline = *order[0].headline;
  const Comparison& own = found.pair->result;
  const double sign = found.turned ? -1 : 1;
  const std::size_t n = own.by_subject.size();
  if (headline.subject_scores.subjects.size() != n) return {};
  std::vector<std::size_t> sorted(n);
  std::iota(sorted.begin(), sorted.end(), std::size_t{0});
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::size_t a, std::size_t b) {
    return sign * own.by_subject[a] < sign * own.by_subject[b];
  });
  Plot plot;
  plot.name = "differences";
  plot.title = short_name(data, order[0].experiment) + " minus " + short_name(data, other);
  plot.caption =
      "The leader against the next best that it can be compared with: each subject's part in the "
      "difference (pseudo-values, mean over seeds), in points of " +
      headline_title(found.pair->kind) +
      ". Line and band: the mean difference and its interval over seeds and subjects.";
  plot.table = {{"subject", "difference, points"}};
  for (const std::size_t g : sorted) {
    plot.table.push_back(
        {headline.subject_scores.subjects[g], with_sign(100 * sign * own.by_subject[g], 2)});
  }
  if (n > kMostSubjects) {  // both ends matter: every k-th is drawn
    std::vector<std::size_t> some;
    for (std::size_t i = 0; i < kMostSubjects; ++i) some.push_back(sorted[i * n / kMostSubjects]);
    sorted = std::move(some);
    plot.caption += " Every " + std::to_string(n / kMostSubjects) + "th subject is drawn.";
  }
  const double mean = 100 * sign * own.difference.mean;
  double low = 100 * sign * own.difference.lower, high = 100 * sign * own.difference.upper;
  if (low > high) std::swap(low, high);
  std::vector<double> values{0, mean, low, high};
  for (const std::size_t g : sorted) values.push_back(100 * sign * own.by_subject[g]);
  const Range range = range_of(values, -1e308, 1e308);
  const double left = 46, width = 640, top = 24, height = 220;
  std::size_t longest = 1;  // of the names below the bars
  for (const std::size_t g : sorted) {
    longest = std::max(longest,
                       std::min<std::size_t>(8, characters(headline.subject_scores.subjects[g])));
  }
  const double foot = top + height + 24 + 4.6 * static_cast<double>(longest);
  Svg svg(left + width + 8, foot + 8);
  const Scale y{range.low, range.high, top + height, top};
  vertical_axis(svg, y, left, left + width, "points");
  if (!std::isnan(low)) {
    svg.rect({left, y(high)}, width, y(low) - y(high), "wide",
             "mean difference " + bracketed(low, high, 2));
  }
  const double step = width / static_cast<double>(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double value = 100 * sign * own.by_subject[sorted[i]];
    const double at = left + step * (static_cast<double>(i) + 0.15);
    const std::string& subject = headline.subject_scores.subjects[sorted[i]];
    svg.rect({at, std::min(y(0), y(value))}, 0.7 * step, std::fabs(y(value) - y(0)),
             value > 0 ? "good" : "bad", "subject " + subject + ": " + with_sign(value, 2));
    if (sorted.size() <= kLabelled) {
      svg.slanted({at + 0.45 * step, top + height + 14}, shortened(subject, 8), "small");
    }
  }
  svg.line({left, y(0)}, {left + width, y(0)}, "axis");
  svg.line({left, y(mean)}, {left + width, y(mean)}, "mean", "mean " + with_sign(mean, 2));
  svg.text({left + width / 2, foot}, "subjects, by difference", "quiet", Anchor::middle);
  plot.drawing = std::move(svg);
  return plot;
}

}  // namespace emosweep::results
