#include "results/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace emosweep::results {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Margins {
  std::vector<double> truth, predicted, hit;
  double total = 0, hits = 0;
};

// Sums in double: exact up to 2^53, and products of sums cannot overflow.
Margins margins(std::span<const std::int64_t> counts, std::size_t c) {
  Margins m{std::vector<double>(c), std::vector<double>(c), std::vector<double>(c)};
  for (std::size_t t = 0; t < c; ++t) {
    for (std::size_t p = 0; p < c; ++p) {
      const auto n = static_cast<double>(counts[t * c + p]);
      m.truth[t] += n;
      m.predicted[p] += n;
      m.total += n;
      if (t == p) {
        m.hit[t] = n;
        m.hits += n;
      }
    }
  }
  return m;
}

double ratio_or_zero(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : 0;
}

// 1 - (mean squared distance seen) / (that of independent margins); NaN where the latter is 0.
double kappa_quadratic(std::span<const std::int64_t> counts, const Margins& m) {
  double seen = 0, expected = 0;
  for (std::size_t t = 0; t < m.truth.size(); ++t) {
    for (std::size_t p = 0; p < m.truth.size(); ++p) {
      const double distance = static_cast<double>(t) - static_cast<double>(p);
      seen += distance * distance * static_cast<double>(counts[t * m.truth.size() + p]);
      expected += distance * distance * m.truth[t] * m.predicted[p] / m.total;
    }
  }
  return expected > 0 ? 1 - seen / expected : kNaN;
}

Scores block_scores(std::span<const std::int64_t> counts, std::int64_t classes) {
  const Margins m = margins(counts, static_cast<std::size_t>(classes));
  if (m.total == 0) {
    return {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, classes};
  }
  Scores s{};
  double recall_sum = 0, precision_sum = 0, occurring = 0, chance = 0, truth_squares = 0,
         predicted_squares = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k) {
    // truth + predicted = 2TP + FP + FN
    const double f1 = ratio_or_zero(2 * m.hit[k], m.truth[k] + m.predicted[k]);
    if (m.truth[k] + m.predicted[k] == 0) ++s.undefined_f1;
    s.macro_f1 += f1;
    s.weighted_f1 += f1 * m.truth[k];
    if (m.truth[k] > 0) {
      recall_sum += m.hit[k] / m.truth[k];
      occurring += 1;
    }
    precision_sum += ratio_or_zero(m.hit[k], m.predicted[k]);
    chance += m.truth[k] * m.predicted[k];
    truth_squares += m.truth[k] * m.truth[k];
    predicted_squares += m.predicted[k] * m.predicted[k];
  }
  s.accuracy = m.hits / m.total;
  s.micro_f1 = s.accuracy;  // every row has one true and one predicted class
  s.macro_f1_occurring = s.macro_f1 / static_cast<double>(classes - s.undefined_f1);
  s.macro_f1 /= static_cast<double>(classes);
  // 2PR / (P + R) of means is that of sums over the number of classes.
  s.f1_of_means = ratio_or_zero(2 * precision_sum * recall_sum, precision_sum + recall_sum) /
                  static_cast<double>(classes);
  s.weighted_f1 /= m.total;
  s.uar = recall_sum / occurring;
  const double square = m.total * m.total;
  s.mcc = ratio_or_zero(m.hits * m.total - chance,
                        std::sqrt((square - truth_squares) * (square - predicted_squares)));
  const double expected = chance / square;
  s.kappa = chance == square ? kNaN : (s.accuracy - expected) / (1 - expected);
  s.kappa_quadratic = kappa_quadratic(counts, m);
  return s;
}

// What presence was taken for presence or not, of one label.
struct Presence {
  double hit, truth, predicted, right, total;
};

Presence presence(const Confusion& confusion, std::int64_t label) {
  const auto at = confusion.counts.begin() + 4 * label;
  const auto neither = static_cast<double>(at[0]), false_alarm = static_cast<double>(at[1]),
             missed = static_cast<double>(at[2]), hit = static_cast<double>(at[3]);
  return {hit, hit + missed, hit + false_alarm, hit + neither,
          hit + missed + false_alarm + neither};
}

KindScores multi_scores(const Confusion& confusion) {
  KindScores s{0, 0, 0, 0, kNaN};
  Presence all{};
  for (std::int64_t label = 0; label < confusion.blocks; ++label) {
    const Presence own = presence(confusion, label);
    const double f1 = ratio_or_zero(2 * own.hit, own.truth + own.predicted);
    s.macro_f1 += f1;
    s.weighted_f1 += f1 * own.truth;
    all.hit += own.hit;
    all.truth += own.truth;
    all.predicted += own.predicted;
    all.right += own.right;
    all.total += own.total;
  }
  if (all.total == 0) return {kNaN, kNaN, kNaN, kNaN, kNaN};
  s.accuracy = all.right / all.total;
  s.macro_f1 /= static_cast<double>(confusion.blocks);
  s.weighted_f1 = ratio_or_zero(s.weighted_f1, all.truth);
  s.micro_f1 = ratio_or_zero(2 * all.hit, all.truth + all.predicted);
  return s;
}

KindScores aspect_scores(const Confusion& confusion) {
  const auto size = static_cast<std::size_t>(confusion.classes * confusion.classes);
  KindScores s{0, 0, 0, 0, 0};
  double known = 0, right = 0, aspects = 0;
  for (std::size_t a = 0; a < static_cast<std::size_t>(confusion.blocks); ++a) {
    const auto counts = std::span(confusion.counts).subspan(a * size, size);
    const auto rows = static_cast<double>(std::accumulate(counts.begin(), counts.end(), 0LL));
    if (rows == 0) continue;
    const Scores own = block_scores(counts, confusion.classes);
    s.macro_f1 += own.macro_f1;
    s.weighted_f1 += own.weighted_f1;
    s.uar += own.uar;
    right += own.accuracy * rows;
    known += rows;
    aspects += 1;
  }
  if (known == 0) return {kNaN, kNaN, kNaN, kNaN, kNaN};
  for (double* mean : {&s.macro_f1, &s.weighted_f1, &s.uar}) *mean /= aspects;
  s.accuracy = s.micro_f1 = std::round(right) / known;
  return s;
}

}  // namespace

Confusion::Confusion(const TargetSpec& spec)
    : kind(spec.kind), blocks(target_blocks(spec)), classes(block_classes(spec)) {
  counts.assign(static_cast<std::size_t>(blocks * classes * classes), 0);
  if (kind == TargetKind::regression) sums.resize(static_cast<std::size_t>(target_outputs(spec)));
}

void Confusion::add(std::int64_t truth, std::int64_t predicted, std::int64_t n) {
  add_to(0, truth, predicted, n);
}

void Confusion::add_to(std::int64_t block, std::int64_t truth, std::int64_t predicted,
                       std::int64_t n) {
  EMO_CHECK(block >= 0 && block < blocks && truth >= 0 && truth < classes && predicted >= 0 &&
                predicted < classes,
            "class index outside of the confusion matrix");
  counts[static_cast<std::size_t>((block * classes + truth) * classes + predicted)] += n;
}

void Confusion::add_value(std::int64_t output, double truth, double predicted) {
  EMO_CHECK(output >= 0 && output < std::ssize(sums), "a value that the target has not");
  sums[static_cast<std::size_t>(output)].add(truth, predicted);
}

Confusion Confusion::block(std::int64_t b) const {
  Confusion one(classes);
  const auto size = static_cast<std::ptrdiff_t>(one.counts.size());
  std::copy_n(counts.begin() + b * size, size, one.counts.begin());
  return one;
}

Confusion& Confusion::operator+=(const Confusion& other) {
  EMO_CHECK(kind == other.kind && counts.size() == other.counts.size() &&
                sums.size() == other.sums.size(),
            "confusion matrices of different classes");
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += other.sums[i];
  return *this;
}

Confusion& Confusion::operator-=(const Confusion& other) {
  EMO_CHECK(kind == other.kind && counts.size() == other.counts.size() && sums.empty(),
            "confusion matrices of different classes, or of values");
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] -= other.counts[i];
  return *this;
}

std::int64_t Confusion::total() const {
  std::int64_t sum = 0;
  for (const auto n : counts) sum += n;
  for (const auto& of_output : sums) sum += of_output.n;
  return sum;
}

Scores scores(const Confusion& confusion) {
  return block_scores(confusion.counts, confusion.classes);
}

KindScores kind_scores(const Confusion& confusion) {
  EMO_CHECK(confusion.kind != TargetKind::regression, "values have no classes to score");
  if (confusion.kind == TargetKind::multi) return multi_scores(confusion);
  if (confusion.kind == TargetKind::aspects) return aspect_scores(confusion);
  const Scores s = scores(confusion);
  return {s.accuracy, s.macro_f1, s.weighted_f1, s.micro_f1, s.uar};
}

RegressionScores regression_scores(const Confusion& confusion) {
  EMO_CHECK(confusion.kind == TargetKind::regression, "classes are no values");
  if (confusion.sums.empty()) return {kNaN, kNaN, kNaN, kNaN};
  RegressionScores mean{0, 0, 0, 0};
  const auto outputs = static_cast<double>(confusion.sums.size());
  for (const auto& sums : confusion.sums) {
    const RegressionScores own = scores(sums);
    mean.mae += own.mae / outputs;
    mean.rmse += own.rmse / outputs;
    mean.pearson += own.pearson / outputs;
    mean.ccc += own.ccc / outputs;
  }
  return mean;
}

std::vector<ClassScores> class_scores(const Confusion& confusion) {
  const Margins m = margins(confusion.counts, static_cast<std::size_t>(confusion.classes));
  std::vector<ClassScores> result;
  for (std::size_t k = 0; k < m.truth.size(); ++k) {
    result.push_back({ratio_or_zero(m.hit[k], m.predicted[k]), ratio_or_zero(m.hit[k], m.truth[k]),
                      ratio_or_zero(2 * m.hit[k], m.truth[k] + m.predicted[k]),
                      static_cast<std::int64_t>(m.truth[k])});
  }
  return result;
}

std::vector<std::pair<std::string, double>> named_scores(const Confusion& confusion) {
  if (confusion.kind == TargetKind::regression) {
    const RegressionScores s = regression_scores(confusion);
    return {{"mae", s.mae}, {"rmse", s.rmse}, {"pearson", s.pearson}, {"ccc", s.ccc}};
  }
  if (confusion.kind == TargetKind::single) {
    const Scores s = scores(confusion);
    return {{"accuracy", s.accuracy}, {"macro_f1", s.macro_f1}, {"weighted_f1", s.weighted_f1},
            {"uar", s.uar},           {"mcc", s.mcc},           {"kappa", s.kappa}};
  }
  const KindScores s = kind_scores(confusion);
  std::vector<std::pair<std::string, double>> named{
      {"accuracy", s.accuracy}, {"macro_f1", s.macro_f1}, {"weighted_f1", s.weighted_f1}};
  const bool multi = confusion.kind == TargetKind::multi;
  named.emplace_back(multi ? "micro_f1" : "uar", multi ? s.micro_f1 : s.uar);
  return named;
}

}  // namespace emosweep::results
