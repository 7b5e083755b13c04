#include "trainer/bookkeeping.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/canonical.h"
#include "base/error.h"
#include "base/fault.h"

namespace emosweep::trainer {
namespace {

std::string where(const StepPlace& at) { return step_text(at.epoch, at.number); }

std::int64_t steps_for(std::size_t rows, std::int64_t batch_size) {
  return (static_cast<std::int64_t>(rows) + batch_size - 1) / batch_size;
}

Schedule schedule_of(const OptimizerOptions& o, std::int64_t steps_per_epoch, std::int64_t epochs) {
  const std::int64_t warmup =
      o.warmup_steps > 0 ? o.warmup_steps
                         : std::llround(o.warmup_epochs * static_cast<double>(steps_per_epoch));
  Schedule schedule{o.schedule, o.lr, warmup, epochs * steps_per_epoch};
  (void)learning_rate(schedule, warmup);  // an unknown schedule shows before the first step
  return schedule;
}

}  // namespace

std::string step_text(std::int64_t epoch, std::int64_t step) {
  return "epoch " + std::to_string(epoch) + ", step " + std::to_string(step);
}

Bookkeeping::Bookkeeping(Pack& pack) : pack_(pack) {
  const std::size_t K = pack.loop.size();
  EMO_CHECK(K > 0 && pack.folds.size() == K && pack.train.size() == K && pack.keys.size() == K &&
                pack.validation.size() == K && pack.optimizer.size() == K,
            "a pack's vectors have one element a trial");
  for (const models::Leaf& leaf : pack.model.leaves()) {
    EMO_CHECK(leaf.lr_scale == 1 && !leaf.frozen, "flat parameters have one learning rate");
  }
  const LoopOptions& first = pack.loop[0];
  EMO_CHECK(first.batch_size > 0 && first.epochs > 0, "batch size and epochs are at least 1");
  steps_per_epoch_ = steps_for(pack.train[0].size(), first.batch_size);
  dropout_ = at::empty({static_cast<std::int64_t>(K)});
  std::vector<std::vector<std::int64_t>> rows;
  for (std::size_t k = 0; k < K; ++k) {
    const LoopOptions& o = pack.loop[k];
    EMO_CHECK(!pack.train[k].empty(), "a trial has training rows");
    EMO_CHECK(o.batch_size == first.batch_size && o.epochs == first.epochs &&
                  steps_for(pack.train[k].size(), o.batch_size) == steps_per_epoch_,
              "trials of a pack share batch size, epochs and steps an epoch");
    dropout_.mutable_data_ptr<float>()[k] = static_cast<float>(o.dropout);
    schedules_.push_back(schedule_of(pack.optimizer[k], steps_per_epoch_, o.epochs));
    selections_.emplace_back(o.selection_metric, o.patience);
    rows.emplace_back(pack.validation[k].begin(), pack.validation[k].end());
    EMO_CHECK(rows[k].empty() == rows[0].empty(),
              "all trials of a pack have validation rows, or none");
  }
  select_ = !rows[0].empty();
  if (select_) validation_ = evaluation_rows(pack.folds, rows);
  active_.assign(K, 1);
  rates_.assign(K, 0);
  results_.resize(K);
}

bool Bookkeeping::any_active() const {
  return std::find(active_.begin(), active_.end(), 1) != active_.end();
}

std::vector<std::vector<std::int64_t>> Bookkeeping::orders(std::int64_t epoch) const {
  std::vector<std::vector<std::int64_t>> orders;
  for (std::size_t k = 0; k < active_.size(); ++k) {
    orders.push_back(data::epoch_order(pack_.train[k], pack_.keys[k], epoch));
  }
  return orders;
}

const std::vector<double>& Bookkeeping::rates(std::int64_t step) {
  for (std::size_t k = 0; k < rates_.size(); ++k) rates_[k] = learning_rate(schedules_[k], step);
  return rates_;
}

bool Bookkeeping::meter(const std::vector<TermValues>& terms, const StepPlace& step, bool stop,
                        Collective& team) {
  const std::size_t K = active_.size();
  const auto length = static_cast<std::int64_t>(terms.size() * K + 1);
  if (!sums_.defined() || sums_.numel() != length) sums_ = at::empty({length}, at::kDouble);
  double* out = sums_.mutable_data_ptr<double>();
  for (const TermValues& term : terms) out = std::copy(term.sum.begin(), term.sum.end(), out);
  *out = stop ? 1 : 0;
  if (fault_poison("trainer.loss")) sums_[0] = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor sums = team.sum(sums_);
  const double* value_of = sums.const_data_ptr<double>();
  const bool stops = value_of[terms.size() * K] > 0;
  if (metered_.empty()) {
    const std::vector<double> none(K, 0);
    for (const TermValues& term : terms) metered_.push_back({term.name, none, none, none});
  }
  EMO_CHECK(metered_.size() == terms.size(), "an epoch has the same terms in every step");
  for (std::size_t t = 0; t < terms.size(); ++t) {
    for (std::size_t k = 0; k < K; ++k) {
      const double value = value_of[t * K + k];
      if (active_[k] && !std::isfinite(value)) {
        throw TrialError("non_finite",
                         "loss (" + terms[t].name + ") is " + number_text(value) + " at " +
                             where(step) + "; a lower lr or clip_norm may help",
                         where(step));
      }
      metered_[t].sum[k] += value;
      metered_[t].count[k] += terms[t].count[k];
      metered_[t].weight[k] = terms[t].weight[k];
    }
  }
  for (std::size_t k = 0; k < K; ++k) results_[k].steps += active_[k];
  return stops;
}

void Bookkeeping::check(const std::vector<double>& norms, const StepPlace& step) const {
  for (std::size_t k = 0; k < norms.size(); ++k) {
    if (active_[k] && !std::isfinite(norms[k])) {
      throw TrialError("non_finite",
                       "gradient norm is " + number_text(norms[k]) + " at " + where(step) +
                           "; a lower lr or clip_norm may help",
                       where(step));
    }
  }
}

void Bookkeeping::record(std::size_t k, const std::string& curve, double value) {
  auto& curves = results_[k].curves;
  auto found = std::find_if(curves.begin(), curves.end(),
                            [&](const results::Curve& c) { return c.name == curve; });
  if (found == curves.end()) found = curves.insert(curves.end(), {curve, {}});
  found->values.push_back(value);
}

void Bookkeeping::end_epoch(std::int64_t epoch, Collective& team) {
  for (std::size_t k = 0; k < active_.size(); ++k) {
    if (!active_[k]) continue;
    double loss = 0;
    std::vector<double> values;
    for (const TermValues& m : metered_) {
      values.push_back(m.count[k] > 0 ? m.sum[k] / m.count[k] : 0.0);
      loss += m.weight[k] * values.back();
    }
    record(k, "train_loss", loss);
    for (std::size_t t = 0; t < metered_.size(); ++t)
      record(k, "train_" + metered_[t].name, values[t]);
    record(k, "lr", rates_[k]);
    results_[k].epochs = epoch + 1;
    if (!select_) results_[k].best_epoch = epoch;
  }
  metered_.clear();
  if (select_) validate(epoch, team);
}

void Bookkeeping::validate(std::int64_t epoch, Collective& team) {
  const std::vector<Evaluation> all =
      evaluate(pack_.model, pack_.objective, validation_, pack_.keys, team);
  for (std::size_t k = 0; k < active_.size(); ++k) {
    if (!active_[k]) continue;
    const results::Confusion& confusion = all[k].confusion;
    const std::string& metric = pack_.loop[k].selection_metric;
    record(k, "validation_loss", all[k].loss);
    record(k, "validation_accuracy", metric_value("accuracy", 0, confusion));
    record(k, "validation_macro_f1", metric_value("macro_f1", 0, confusion));
    if (metric == "weighted_f1" || metric == "uar") {
      record(k, "validation_" + metric, metric_value(metric, 0, confusion));
    }
    if (selections_[k].offer(epoch, all[k].loss, confusion)) {
      results_[k].best_epoch = epoch;
      results_[k].validation = results::named_scores(confusion);
      results_[k].validation.emplace_back("loss", all[k].loss);
      keep(k);
    }
    if (selections_[k].exhausted(epoch)) active_[k] = 0;
  }
}

void Bookkeeping::keep(std::size_t k) {
  if (pack_.loop[k].selection_metric == "last") return;  // the weights are where they are
  const at::NoGradGuard no_grad;
  const auto row = static_cast<std::int64_t>(k);
  if (!best_.defined()) {
    best_ = pack_.model.flat().clone();
    for (const models::Leaf& leaf : pack_.model.state()) best_states_.push_back(leaf.value.clone());
    return;
  }
  best_.select(0, row).copy_(pack_.model.flat().select(0, row));
  for (std::size_t i = 0; i < best_states_.size(); ++i) {
    best_states_[i].select(0, row).copy_(pack_.model.state()[i].value.select(0, row));
  }
}

std::vector<LoopResult> Bookkeeping::finish() {
  const at::NoGradGuard no_grad;
  for (std::size_t k = 0; k < results_.size(); ++k) {
    if (results_[k].best_epoch < 0) {
      throw TrialError("non_finite", "the validation loss is nan in every epoch, from epoch 0 on",
                       "epoch 0");
    }
    const auto row = static_cast<std::int64_t>(k);
    if (!select_ || pack_.loop[k].selection_metric == "last") {
      // No validation stands between the last step and the record.
      if (at::isfinite(pack_.model.flat().select(0, row)).all().item<bool>()) continue;
      const std::string last = "epoch " + std::to_string(results_[k].epochs - 1);
      throw TrialError(
          "non_finite",
          "a weight is not finite after " + last + "; a lower lr or clip_norm may help", last);
    }
    pack_.model.flat().select(0, row).copy_(best_.select(0, row));
    for (std::size_t i = 0; i < best_states_.size(); ++i) {
      pack_.model.state()[i].value.select(0, row).copy_(best_states_[i].select(0, row));
    }
  }
  return std::move(results_);
}

}  // namespace emosweep::trainer
