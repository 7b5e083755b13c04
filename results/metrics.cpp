#include "results/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace emosweep::results {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Margins {
  std::vector<double> truth, predicted, hit;
  double total = 0, hits = 0;
};

// Sums in double: exact up to 2^53, and products of sums cannot overflow.
Margins margins(const Confusion& confusion) {
  const auto c = static_cast<std::size_t>(confusion.classes);
  Margins m{std::vector<double>(c), std::vector<double>(c), std::vector<double>(c)};
  for (std::size_t t = 0; t < c; ++t) {
    for (std::size_t p = 0; p < c; ++p) {
      const auto n = static_cast<double>(confusion.counts[t * c + p]);
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
double kappa_quadratic(const Confusion& confusion, const Margins& m) {
  double seen = 0, expected = 0;
  for (std::size_t t = 0; t < m.truth.size(); ++t) {
    for (std::size_t p = 0; p < m.truth.size(); ++p) {
      const double distance = static_cast<double>(t) - static_cast<double>(p);
      seen += distance * distance * static_cast<double>(confusion.counts[t * m.truth.size() + p]);
      expected += distance * distance * m.truth[t] * m.predicted[p] / m.total;
    }
  }
  return expected > 0 ? 1 - seen / expected : kNaN;
}

}  // namespace

Confusion::Confusion(const TargetSpec& spec)
    : kind(spec.kind), blocks(target_blocks(spec)), classes(block_classes(spec)) {
  counts.assign(static_cast<std::size_t>(blocks * classes * classes), 0);
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

Confusion Confusion::block(std::int64_t b) const {
  Confusion one(classes);
  const auto size = static_cast<std::ptrdiff_t>(one.counts.size());
  std::copy_n(counts.begin() + b * size, size, one.counts.begin());
  return one;
}

Confusion& Confusion::operator+=(const Confusion& other) {
  EMO_CHECK(kind == other.kind && counts.size() == other.counts.size(),
            "confusion matrices of different classes");
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  return *this;
}

Confusion& Confusion::operator-=(const Confusion& other) {
  EMO_CHECK(kind == other.kind && counts.size() == other.counts.size(),
            "confusion matrices of different classes");
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] -= other.counts[i];
  return *this;
}

std::int64_t Confusion::total() const {
  std::int64_t sum = 0;
  for (const auto n : counts) sum += n;
  return sum;
}

Scores scores(const Confusion& confusion) {
  const Margins m = margins(confusion);
  if (m.total == 0) {
    return {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, confusion.classes};
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
  s.macro_f1_occurring = s.macro_f1 / static_cast<double>(confusion.classes - s.undefined_f1);
  s.macro_f1 /= static_cast<double>(confusion.classes);
  // 2PR / (P + R) of means is that of sums over the number of classes.
  s.f1_of_means = ratio_or_zero(2 * precision_sum * recall_sum, precision_sum + recall_sum) /
                  static_cast<double>(confusion.classes);
  s.weighted_f1 /= m.total;
  s.uar = recall_sum / occurring;
  const double square = m.total * m.total;
  s.mcc = ratio_or_zero(m.hits * m.total - chance,
                        std::sqrt((square - truth_squares) * (square - predicted_squares)));
  const double expected = chance / square;
  s.kappa = chance == square ? kNaN : (s.accuracy - expected) / (1 - expected);
  s.kappa_quadratic = kappa_quadratic(confusion, m);
  return s;
}

std::vector<ClassScores> class_scores(const Confusion& confusion) {
  const Margins m = margins(confusion);
  std::vector<ClassScores> result;
  for (std::size_t k = 0; k < m.truth.size(); ++k) {
    result.push_back({ratio_or_zero(m.hit[k], m.predicted[k]), ratio_or_zero(m.hit[k], m.truth[k]),
                      ratio_or_zero(2 * m.hit[k], m.truth[k] + m.predicted[k]),
                      static_cast<std::int64_t>(m.truth[k])});
  }
  return result;
}

std::vector<std::pair<std::string, double>> named_scores(const Confusion& confusion) {
  const Scores s = scores(confusion);
  return {{"accuracy", s.accuracy}, {"macro_f1", s.macro_f1}, {"weighted_f1", s.weighted_f1},
          {"uar", s.uar},           {"mcc", s.mcc},           {"kappa", s.kappa}};
}

std::string metric_definition(const std::string& name) {
  if (name == "accuracy") return "share of rows whose predicted class is the true one";
  if (name == "macro_f1") return "mean over all classes of 2TP/(2TP+FP+FN), 0/0 counted as 0";
  if (name == "weighted_f1") {
    return "mean over all classes of 2TP/(2TP+FP+FN), weighted by true counts, 0/0 counted as 0";
  }
  if (name == "micro_f1") return "2TP/(2TP+FP+FN) of the counts summed over classes";
  if (name == "macro_f1_occurring") {
    return "mean of 2TP/(2TP+FP+FN) over the classes that are true or predicted somewhere";
  }
  if (name == "f1_of_means") {
    return "2PR/(P+R) of precision and recall averaged over all classes, 0/0 counted as 0";
  }
  if (name == "uar") return "unweighted average recall: mean recall over the classes that occur";
  if (name == "mcc") {
    return "multi-class Matthews correlation (Gorodkin 2004), 0 where truth or prediction is one "
           "class only";
  }
  if (name == "kappa") {
    return "Cohen's kappa, unweighted; undefined where truth and prediction are the same one class";
  }
  if (name == "kappa_quadratic") {
    return "Cohen's kappa with squared distances as weights, for ordered classes";
  }
  if (name == "loss") return "mean value of the training objective";
  throw InputError("no metric is called '" + name +
                   "': accuracy, macro_f1, macro_f1_occurring, f1_of_means, weighted_f1, micro_f1, "
                   "uar, mcc, kappa, kappa_quadratic or loss");
}

}  // namespace emosweep::results
