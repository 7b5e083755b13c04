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

void add_rows(const at::Tensor& logits, const data::Batch& batch, std::int64_t k, std::int64_t rows,
              double temperature, Evaluation& result) {
  const std::int64_t C = logits.size(2);
  const at::Tensor z64 = logits.select(0, k).to(at::kDouble).contiguous();
  const at::Tensor truth = batch.targets.at(0).index.select(0, k).contiguous();
  const double* z = z64.const_data_ptr<double>();
  const std::int64_t* y = truth.const_data_ptr<std::int64_t>();
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
                                 std::span<const double> temperature) {
  const at::NoGradGuard no_grad;
  const std::size_t K = rows.rows.size();
  Alone alone;
  const models::Step step{false, 0, 0, keys, at::zeros({static_cast<std::int64_t>(K)}), alone};
  std::vector<Evaluation> result(K);
  // Per term and trial, so that the mean is taken last.
  std::vector<std::vector<double>> sums(K), counts(K), weights(K);
  for (std::size_t s = 0; s < rows.batches.size(); ++s) {
    const data::Batch& batch = rows.batches[s];
    const models::Output output = model.forward(batch, step);
    const std::vector<Term> terms = objective.terms(batch, output, step);
    const at::Tensor& logits = output.heads.at(0);
    for (std::size_t k = 0; k < K; ++k) {
      const std::int64_t left = rows.rows[k] - static_cast<std::int64_t>(s) * kEvaluationRows;
      if (left <= 0) continue;
      sums[k].resize(terms.size());
      counts[k].resize(terms.size());
      weights[k].resize(terms.size());
      for (std::size_t t = 0; t < terms.size(); ++t) {
        sums[k][t] += terms[t].sum.const_data_ptr<double>()[k];
        counts[k][t] += terms[t].count.const_data_ptr<double>()[k];
        weights[k][t] = terms[t].weight.const_data_ptr<double>()[k];
      }
      if (s == 0) result[k].confusion = results::Confusion(logits.size(2));
      add_rows(logits, batch, static_cast<std::int64_t>(k), std::min(left, kEvaluationRows),
               temperature.empty() ? 0 : temperature[k], result[k]);
    }
  }
  for (std::size_t k = 0; k < K; ++k) {
    if (sums[k].empty()) result[k].loss = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t t = 0; t < sums[k].size(); ++t) {
      result[k].loss += weights[k][t] * sums[k][t] / counts[k][t];
    }
  }
  return result;
}

}  // namespace emosweep::trainer
