#include "trainer/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace emosweep::trainer {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(const Vector& g) {
  double most = 0;
  for (double v : g) most = std::max(most, std::isnan(v) ? HUGE_VAL : std::abs(v));
  return most;
}

struct Pair {
  Vector s, y;  // changes of x and of the gradient
  double rho;   // 1 / s.y
};

// -H g by the two-loop recursion.
Vector direction(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector q = gradient;
  std::vector<double> alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].rho * dot(pairs[i].s, q);
    for (std::size_t j = 0; j < q.size(); ++j) q[j] -= alpha[i] * pairs[i].y[j];
  }
  if (!pairs.empty()) {
    const double gamma = 1 / (pairs.back().rho * dot(pairs.back().y, pairs.back().y));
    for (double& v : q) v *= gamma;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = pairs[i].rho * dot(pairs[i].y, q);
    for (std::size_t j = 0; j < q.size(); ++j) q[j] += (alpha[i] - beta) * pairs[i].s[j];
  }
  for (double& v : q) v = -v;
  return q;
}

struct Point {
  double step = 0, value = 0, slope = 0;
};

class LineSearch {
 public:
  LineSearch(const Differentiable& f, const Vector& x, const Vector& d) : f_(f), x_(x), d_(d) {
    at.resize(x.size());
    gradient.resize(x.size());
  }

  // Fills `at` and `gradient` with the accepted point; false where none was found.
  bool run(const Point& start, double first) {
    start_ = start;
    Point previous = start, now = evaluate(first);
    for (int i = 0; i < 30; ++i) {
      if (!falls(now) || (i > 0 && now.value >= previous.value)) return zoom(previous, now);
      if (flat(now)) return true;
      if (now.slope >= 0) return zoom(now, previous);
      previous = now;
      now = evaluate(2 * now.step);
    }
    return false;
  }

  Vector at, gradient;
  double value = 0;
  std::int64_t evaluations = 0;

 private:
  // Near the minimum differences of f drown in rounding; there the slope decides (Hager & Zhang
  // 2005, eq. 4.1).
  bool falls(const Point& p) const {
    if (std::isnan(p.value)) return false;
    const double noise = 1e-14 * std::abs(start_.value);
    return p.value <= start_.value + kFall * p.step * start_.slope ||
           (p.value <= start_.value + noise && p.slope <= (2 * kFall - 1) * start_.slope);
  }
  bool flat(const Point& p) const { return std::abs(p.slope) <= -kFlat * start_.slope; }

  Point evaluate(double step) {
    for (std::size_t i = 0; i < x_.size(); ++i) at[i] = x_[i] + step * d_[i];
    value = f_(at, gradient);
    ++evaluations;
    return {step, value, dot(gradient, d_)};
  }

  // lo: the best point so far that falls; the minimum lies between lo and hi.
  bool zoom(Point lo, Point hi) {
    for (int i = 0; i < 40; ++i) {
      const Point now = evaluate(inside(lo, hi));
      const bool bad = !falls(now) || now.value > lo.value + 1e-14 * std::abs(lo.value);
      if (!bad && flat(now)) return true;
      if (bad) {
        hi = now;
      } else {
        if (now.slope * (hi.step - lo.step) >= 0) hi = lo;
        lo = now;
      }
      if (std::abs(hi.step - lo.step) <= 1e-14 * std::abs(lo.step)) break;
    }
    if (lo.step == 0) return false;
    evaluate(lo.step);  // not flat enough, but lower
    return true;
  }

  // Minimiser of the cubic through both ends (Nocedal & Wright, eq. 3.59), kept off the ends.
  static double inside(const Point& a, const Point& b) {
    const double width = b.step - a.step;
    const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
    const double square = d1 * d1 - a.slope * b.slope;
    double step = a.step + 0.5 * width;
    if (square >= 0) {
      const double d2 = std::copysign(std::sqrt(square), width);
      const double cubic = b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
      if (std::isfinite(cubic)) step = cubic;
    }
    const double low = std::min(a.step, b.step), high = std::max(a.step, b.step);
    const double margin = 0.1 * (high - low);
    return std::clamp(step, low + margin, high - margin);
  }

  static constexpr double kFall = 1e-4, kFlat = 0.9;
  const Differentiable& f_;
  const Vector &x_, &d_;
  Point start_;
};

}  // namespace

LbfgsResult minimise(const Differentiable& f, std::vector<double>& x, const LbfgsOptions& options) {
  LbfgsResult result;
  Vector gradient(x.size());
  result.value = f(x, gradient);
  result.evaluations = 1;
  std::deque<Pair> pairs;
  while (true) {
    result.gradient = largest(gradient);
    result.converged = result.gradient <= options.gradient;
    if (result.converged || result.iterations >= options.iterations) return result;
    Vector d = direction(pairs, gradient);
    double slope = dot(d, gradient);
    if (!(slope < 0)) {  // rounding spoilt the pairs: start again from the gradient
      if (pairs.empty()) return result;
      pairs.clear();
      continue;
    }
    LineSearch search(f, x, d);
    const double first = pairs.empty() ? std::min(1.0, 1 / std::sqrt(-slope)) : 1.0;
    const bool found = search.run({0, result.value, slope}, first);
    result.evaluations += search.evaluations;
    ++result.iterations;
    if (!found) {
      if (pairs.empty()) return result;
      pairs.clear();
      continue;
    }
    Pair pair{search.at, search.gradient, 0};
    for (std::size_t i = 0; i < x.size(); ++i) {
      pair.s[i] -= x[i];
      pair.y[i] -= gradient[i];
    }
    const double curvature = dot(pair.s, pair.y);
    x = search.at;
    gradient = search.gradient;
    result.value = search.value;
    if (curvature <= 0) continue;
    pair.rho = 1 / curvature;
    pairs.push_back(std::move(pair));
    if (static_cast<std::int64_t>(pairs.size()) > options.memory) pairs.pop_front();
  }
}

}  // namespace emosweep::trainer
