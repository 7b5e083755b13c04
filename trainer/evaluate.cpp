#include "trainer/evaluate.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace emosweep::trainer {
namespace {

// 1 for the real rows of batch number `step`, 0 behind them.
at::Tensor real_rows(const std::vector<std::int64_t>& rows, std::int64_t step) {
  const auto K = static_cast<std::int64_t>(rows.size());
  at::Tensor weight = at::zeros({K, kEvaluationRows}, at::kDouble);
  for (std::int64_t k = 0; k < K; ++k) {
    const std::int64_t left = rows[static_cast<std::size_t>(k)] - step * kEvaluationRows;
    std::fill_n(weight.mutable_data_ptr<double>() + k * kEvaluationRows,
                std::clamp<std::int64_t>(left, 0, kEvaluationRows), 1.0);
  }
  return weight;
}

void add_rows(const double* z, std::int64_t C, const std::int64_t* y, std::int64_t rows,
              double temperature, Evaluation& result) {
  for (std::int64_t r = 0; r < rows; ++r, z += C) {
    const auto predicted = static_cast<std::int32_t>(std::max_element(z, z + C) - z);
    result.predicted.push_back(predicted);
    result.confusion.add(y[r], predicted);
    if (temperature > 0) {
      result.probability.resize(result.probability.size() + static_cast<std::size_t>(C));
      softmax_row({z, static_cast<std::size_t>(C)}, temperature,
                  result.probability.data() + result.probability.size() - C);
    }
  }
}

// What one batch gives: for every trial kEvaluationRows rows of C logits, then the sum and count of
// every term. The same size for every batch, so that ranks can add up what each of them has.
struct Measured {
  std::int64_t batch = 0, trial = 0, terms = 0, classes = 0;  // elements of a batch, of a trial
  std::vector<double> weight;                                 // [K * terms]
  at::Tensor values;                                          // [batches * batch] float64

  double* at(std::size_t s, std::size_t k) {
    return values.mutable_data_ptr<double>() + static_cast<std::int64_t>(s) * batch +
           static_cast<std::int64_t>(k) * trial;
  }
};

void allocate(Measured& m, std::size_t batches, std::int64_t K, std::size_t terms,
              std::int64_t classes) {
  m.terms = static_cast<std::int64_t>(terms);
  m.classes = classes;
  m.trial = kEvaluationRows * classes + 2 * m.terms;
  m.batch = K * m.trial;
  m.values = at::zeros({static_cast<std::int64_t>(batches) * m.batch}, at::kDouble);
}

void put(Measured& m, std::size_t s, const std::vector<Term>& terms, const at::Tensor& logits) {
  const at::Tensor z64 = logits.to(at::kDouble).contiguous();
  const std::int64_t per_trial = kEvaluationRows * m.classes;
  for (std::size_t k = 0; k < static_cast<std::size_t>(logits.size(0)); ++k) {
    double* out = m.at(s, k);
    std::copy_n(z64.const_data_ptr<double>() + static_cast<std::int64_t>(k) * per_trial, per_trial,
                out);
    out += per_trial;
    for (const Term& term : terms) {
      *out++ = term.sum.const_data_ptr<double>()[k];
      *out++ = term.count.const_data_ptr<double>()[k];
    }
  }
}

// Forward passes of this rank's batches, then everybody's. Every rank runs at least the first
// batch: it gives the number of terms and classes.
Measured measure(models::Model& model, Objective& objective, const EvaluationRows& rows,
                 std::span<const StreamKey> keys, Collective& team) {
  Measured m;
  const auto K = static_cast<std::int64_t>(rows.rows.size());
  Alone alone;  // a term's counts are those of the batch, which one rank has whole
  const models::Step step{false, 0, 0, keys, at::zeros({K}), alone};
  const auto size = static_cast<std::size_t>(team.size), rank = static_cast<std::size_t>(team.rank);
  for (std::size_t s = 0; s < rows.batches.size(); ++s) {
    const bool mine = s % size == rank;
    if (!mine && s > 0) continue;
    const models::Output output = model.forward(rows.batches[s], step);
    const std::vector<Term> terms = objective.terms(rows.batches[s], output, step);
    if (s == 0) {
      allocate(m, rows.batches.size(), K, terms.size(), output.heads.at(0).size(2));
      for (const Term& term : terms) {
        const double* weight = term.weight.const_data_ptr<double>();
        m.weight.insert(m.weight.end(), weight, weight + K);
      }
    }
    if (mine) put(m, s, terms, output.heads.at(0));
  }
  if (m.values.defined()) m.values = team.sum(m.values).contiguous();
  return m;
}

}  // namespace

void softmax_row(std::span<const double> z, double temperature, float* probability) {
  const double top = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (double v : z) sum += std::exp((v - top) / temperature);
  for (std::size_t c = 0; c < z.size(); ++c) {
    probability[c] = static_cast<float>(std::exp((z[c] - top) / temperature) / sum);
  }
}

EvaluationRows evaluation_rows(std::span<const data::FoldTensors* const> folds,
                               std::span<const std::vector<std::int64_t>> rows) {
  EvaluationRows result;
  std::int64_t most = 0;
  for (const auto& r : rows) {
    result.rows.push_back(static_cast<std::int64_t>(r.size()));
    most = std::max(most, result.rows.back());
  }
  const std::int64_t steps = (most + kEvaluationRows - 1) / kEvaluationRows;
  std::vector<std::vector<std::int64_t>> padded(rows.begin(), rows.end());
  for (auto& r : padded)
    r.resize(static_cast<std::size_t>(steps * kEvaluationRows), r.empty() ? 0 : r[0]);
  for (std::int64_t s = 0; s < steps; ++s) {
    result.batches.push_back(data::gather_batch(folds, padded, s, kEvaluationRows));
    result.batches.back().weight = real_rows(result.rows, s);
  }
  return result;
}

std::vector<Evaluation> evaluate(models::Model& model, Objective& objective,
                                 const EvaluationRows& rows, std::span<const StreamKey> keys,
                                 Collective& team, std::span<const double> temperature) {
  const at::NoGradGuard no_grad;
  const std::size_t K = rows.rows.size();
  std::vector<Evaluation> result(K);
  Measured all = measure(model, objective, rows, keys, team);
  for (std::size_t k = 0; k < K; ++k) {
    if (rows.rows[k] == 0) {
      result[k].loss = std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    result[k].confusion = results::Confusion(all.classes);
    // Per term, so that the mean is taken last.
    std::vector<double> sums(static_cast<std::size_t>(all.terms)), counts(sums);
    for (std::size_t s = 0; s < rows.batches.size(); ++s) {
      const std::int64_t left = rows.rows[k] - static_cast<std::int64_t>(s) * kEvaluationRows;
      if (left <= 0) break;
      const double* z = all.at(s, k);
      const double* term = z + kEvaluationRows * all.classes;
      for (std::size_t t = 0; t < sums.size(); ++t) {
        sums[t] += *term++;
        counts[t] += *term++;
      }
      const at::Tensor truth =
          rows.batches[s].targets.at(0).index.select(0, static_cast<std::int64_t>(k)).contiguous();
      add_rows(z, all.classes, truth.const_data_ptr<std::int64_t>(),
               std::min(left, kEvaluationRows), temperature.empty() ? 0 : temperature[k],
               result[k]);
    }
    for (std::size_t t = 0; t < sums.size(); ++t) {
      result[k].loss += all.weight[t * K + k] * sums[t] / counts[t];
    }
  }
  return result;
}

}  // namespace emosweep::trainer
