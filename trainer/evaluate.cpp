#include "trainer/evaluate.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "results/multi_label.h"
#include "trainer/device.h"

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

// What one batch gives: for every trial kEvaluationRows rows of logits, then the sums and counts of
// every term. The same size for every batch, so that ranks can add up what each of them has.
struct Measured {
  std::int64_t batch = 0, trial = 0;  // numbers of a batch, of a trial in it
  std::int64_t width = 0;             // of a row
  std::vector<std::string> names;     // of the terms
  std::vector<std::size_t> parts;     // of each term
  std::vector<double> weight;         // [terms * K]
  at::Tensor values;                  // [batches * batch] float64

  double* at(std::size_t s, std::size_t k) {
    return values.mutable_data_ptr<double>() + static_cast<std::int64_t>(s) * batch +
           static_cast<std::int64_t>(k) * trial;
  }
};

void allocate(Measured& m, std::size_t batches, std::int64_t K, const std::vector<Term>& terms,
              std::int64_t width) {
  std::int64_t numbers = 0;
  for (const Term& term : terms) {
    m.names.push_back(term.name);
    m.parts.push_back(static_cast<std::size_t>(term.sum.numel() / K));
    numbers += 2 * term.sum.numel() / K;
    const double* weight = term.weight.const_data_ptr<double>();
    m.weight.insert(m.weight.end(), weight, weight + K);
  }
  m.width = width;
  m.trial = kEvaluationRows * width + numbers;
  m.batch = K * m.trial;
  m.values = at::zeros({static_cast<std::int64_t>(batches) * m.batch}, at::kDouble);
}

void put(Measured& m, std::size_t s, const std::vector<Term>& terms, const at::Tensor& logits) {
  const at::Tensor z64 = logits.to(at::kDouble).contiguous();
  const std::int64_t per_trial = kEvaluationRows * m.width;
  for (std::size_t k = 0; k < static_cast<std::size_t>(logits.size(0)); ++k) {
    double* out = m.at(s, k);
    out = std::copy_n(z64.const_data_ptr<double>() + static_cast<std::int64_t>(k) * per_trial,
                      per_trial, out);
    for (std::size_t t = 0; t < terms.size(); ++t) {
      const at::Tensor sum = terms[t].sum.contiguous(), count = terms[t].count.contiguous();
      const std::size_t first = k * m.parts[t];
      out = std::copy_n(sum.const_data_ptr<double>() + first, m.parts[t], out);
      out = std::copy_n(count.const_data_ptr<double>() + first, m.parts[t], out);
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
    data::Batch batch = rows.batches[s];
    if (rows.recordings) data::add_views(batch, *rows.recordings);
    const models::Output output = forward_on_device(model, batch, step);
    const std::vector<Term> terms = objective.terms(batch, output, step);
    if (s == 0) {
      allocate(m, rows.batches.size(), K, terms, output.heads.at(0).size(2));
    }
    if (mine) put(m, s, terms, output.heads.at(0));
  }
  if (m.values.defined()) m.values = team.sum(m.values).contiguous();
  return m;
}

// Truth of the rows of a trial, in the order of the batches: labels, or values of regression.
struct Truth {
  std::vector<std::int32_t> label;
  std::vector<double> value;
};

void add_truth(const data::Batch& batch, const TargetSpec& target, std::int64_t k,
               std::int64_t rows, Truth& truth) {
  const data::Targets& targets = batch.targets.at(0);
  const bool labels = target.kind != TargetKind::regression;
  const bool index = labels && target.kind != TargetKind::multi;
  const at::Tensor own = (index ? targets.index : targets.value)
                             .select(0, k)
                             .narrow(0, 0, rows)
                             .to(at::kDouble)
                             .contiguous();
  const double* begin = own.const_data_ptr<double>();
  if (labels)
    for (const double* y = begin; y < begin + own.numel(); ++y)
      truth.label.push_back(static_cast<std::int32_t>(*y));
  else
    truth.value.insert(truth.value.end(), begin, begin + own.numel());
}

// Logits of the rows of a trial -> what is predicted, and how good that is.
void judge(const Objective& objective, std::size_t k, const std::vector<double>& z,
           const Truth& truth, const EvaluationOptions& options, Evaluation& result) {
  const TargetSpec& target = objective.target();
  result.confusion = results::Confusion(target);
  const auto width = static_cast<std::size_t>(target_width(target));
  const auto outputs = static_cast<std::size_t>(target_outputs(target));
  const std::size_t rows = z.size() / width;
  if (target.kind == TargetKind::regression) {
    result.value = z;
    for (std::size_t i = 0; i < z.size(); ++i)
      result.confusion.add_value(static_cast<std::int64_t>(i % outputs), truth.value[i], z[i]);
    result.scores = results::named_scores(result.confusion);
    return;
  }
  const bool multi = target.kind == TargetKind::multi;
  if (options.probabilities || multi) {
    result.probability.resize(z.size());
    for (std::size_t i = 0; i < rows; ++i)
      probabilities_row(target, {z.data() + i * width, width}, objective.temperature(k),
                        result.probability.data() + i * width);
  }
  if (multi) {
    if (!options.thresholds.empty()) result.thresholds = options.thresholds[k];
    if (result.thresholds.empty())
      result.thresholds = results::choose_thresholds(result.probability, truth.label,
                                                     static_cast<std::int64_t>(outputs));
  }
  result.predicted.resize(rows * outputs);
  for (std::size_t i = 0; i < rows; ++i)
    predict_row(target, {z.data() + i * width, width},
                multi ? std::span<const float>(result.probability).subspan(i * width, width)
                      : std::span<const float>(),
                result.thresholds, result.predicted.data() + i * outputs);
  for (std::size_t i = 0; i < truth.label.size(); ++i)
    if (truth.label[i] >= 0)
      result.confusion.add_to(static_cast<std::int64_t>(i % outputs), truth.label[i],
                              result.predicted[i]);
  result.scores = results::named_scores(result.confusion);
  if (multi) {
    const results::RowScores whole =
        results::row_scores(truth.label, result.predicted, static_cast<std::int64_t>(outputs));
    result.scores.emplace_back("subset_accuracy", whole.subset_accuracy);
    result.scores.emplace_back("jaccard", whole.jaccard);
  }
  if (!options.probabilities) result.probability.clear();
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

void probabilities_row(const TargetSpec& target, std::span<const double> z, double temperature,
                       float* probability) {
  if (target.kind == TargetKind::multi) {
    for (std::size_t i = 0; i < z.size(); ++i)
      probability[i] = static_cast<float>(1 / (1 + std::exp(-z[i] / temperature)));
    return;
  }
  const auto classes = static_cast<std::size_t>(block_classes(target));
  for (std::size_t i = 0; i < z.size(); i += classes)
    softmax_row(z.subspan(i, classes), temperature, probability + i);
}

void predict_row(const TargetSpec& target, std::span<const double> z,
                 std::span<const float> probability, std::span<const double> thresholds,
                 std::int32_t* predicted) {
  if (target.kind == TargetKind::multi) {
    const std::vector<std::int32_t> above = results::labels_above(probability, thresholds);
    std::copy(above.begin(), above.end(), predicted);
    return;
  }
  const auto classes = static_cast<std::size_t>(block_classes(target));
  for (std::size_t i = 0; i < z.size(); i += classes) {
    const auto own = z.subspan(i, classes);
    *predicted++ =
        static_cast<std::int32_t>(std::max_element(own.begin(), own.end()) - own.begin());
  }
}

EvaluationRows evaluation_rows(std::span<const data::FoldTensors* const> folds,
                               std::span<const std::vector<std::int64_t>> rows) {
  EvaluationRows result;
  if (!folds.empty() && !folds[0]->images.empty()) result.recordings = folds[0];
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
                                 Collective& team, const EvaluationOptions& options) {
  const at::NoGradGuard no_grad;
  const std::size_t K = rows.rows.size();
  std::vector<Evaluation> result(K);
  Measured all = measure(model, objective, rows, keys, team);
  for (std::size_t k = 0; k < K; ++k) {
    if (rows.rows[k] == 0) {
      result[k].loss = std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    // Per part of every term, so that means are taken last.
    std::vector<std::vector<double>> sums, counts;
    for (const std::size_t parts : all.parts) {
      sums.emplace_back(parts, 0.0);
      counts.emplace_back(parts, 0.0);
    }
    std::vector<double> logits;
    Truth truth;
    for (std::size_t s = 0; s < rows.batches.size(); ++s) {
      const std::int64_t left =
          std::min(kEvaluationRows, rows.rows[k] - static_cast<std::int64_t>(s) * kEvaluationRows);
      if (left <= 0) break;
      const double* z = all.at(s, k);
      const double* number = z + kEvaluationRows * all.width;
      for (std::size_t t = 0; t < sums.size(); ++t) {
        for (double& sum : sums[t]) sum += *number++;
        for (double& count : counts[t]) count += *number++;
      }
      logits.insert(logits.end(), z, z + left * all.width);
      add_truth(rows.batches[s], objective.target(), static_cast<std::int64_t>(k), left, truth);
    }
    judge(objective, k, logits, truth, options, result[k]);
    for (std::size_t t = 0; t < sums.size(); ++t) {
      // Single labels whose class weights are all 0 have no loss, rather than a perfect one.
      const bool single = objective.target().kind == TargetKind::single;
      double value = single ? sums[t][0] / counts[t][0] : term_value(sums[t], counts[t]);
      if (const auto whole = objective.whole(truth.value, logits)) value = *whole;
      result[k].terms.emplace_back(all.names[t], value);
      result[k].loss += all.weight[t * K + k] * value;
    }
  }
  return result;
}

}  // namespace emosweep::trainer
