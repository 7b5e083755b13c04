#include "trainer/bookkeeping.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/canonical.h"
#include "base/error.h"
#include "base/fault.h"
#include "data/balanced_order.h"

namespace emosweep::trainer {
namespace {

std::string where(const StepPlace& at) { return step_text(at.epoch, at.number); }

std::int64_t steps_for(std::size_t rows, std::int64_t batch_size) {
  return (static_cast<std::int64_t>(rows) + batch_size - 1) / batch_size;
}

// steps_before: [epochs + 1].
Schedule schedule_of(const OptimizerOptions& o, const std::vector<std::int64_t>& steps_before) {
  const auto epochs = static_cast<double>(steps_before.size() - 1);
  const double whole = std::min(std::floor(o.warmup_epochs), epochs);
  const double part = o.warmup_epochs - whole;
  const auto first = static_cast<std::size_t>(whole);
  const std::size_t next = std::min(first + 1, steps_before.size() - 1);
  // Behind the last epoch steps go on as in it.
  const std::int64_t step = first < next ? steps_before[next] - steps_before[first]
                                         : steps_before[next] - steps_before[next - 1];
  const std::int64_t warmup = o.warmup_steps > 0
                                  ? o.warmup_steps
                                  : std::llround(static_cast<double>(steps_before[first]) +
                                                 part * static_cast<double>(step));
  Schedule schedule{o.schedule, o.lr, warmup, steps_before.back()};
  (void)learning_rate(schedule, warmup);  // an unknown schedule shows before the first step
  return schedule;
}

void record(LoopResult& result, const std::string& curve, double value) {
  auto found = std::find_if(result.curves.begin(), result.curves.end(),
                            [&](const results::Curve& c) { return c.name == curve; });
  if (found == result.curves.end()) found = result.curves.insert(result.curves.end(), {curve, {}});
  found->values.push_back(value);
}

// Validation metrics that get a curve: the usual ones of the kind, and what selects.
std::vector<std::string> watched(TargetKind kind, const std::string& selects) {
  std::vector<std::string> names{"accuracy", "macro_f1"};
  if (kind == TargetKind::multi) names = {"micro_f1", "macro_f1"};
  if (kind == TargetKind::regression) names = {"mae", "ccc"};
  const bool known = selects == "loss" || selects == "last" ||
                     std::find(names.begin(), names.end(), selects) != names.end();
  if (!known) names.push_back(selects);
  return names;
}

std::vector<double> decays_of(const Pack& pack) {
  std::vector<double> decays;
  for (const LoopOptions& o : pack.loop) decays.push_back(o.ema_decay);
  return decays;
}

}  // namespace

std::string step_text(std::int64_t epoch, std::int64_t step) {
  return "epoch " + std::to_string(epoch) + ", step " + std::to_string(step);
}

Bookkeeping::Part::Part(const Pack& from, std::span<const std::int64_t> rows)
    : model(from.model.select(rows)),
      objective(from.objective.select(rows)),
      pack{*model, *objective, {}, {}, {}, {}, {}, {}, {}, nullptr, {}, {}} {
  for (const std::int64_t row : rows) {
    const auto k = static_cast<std::size_t>(row);
    pack.folds.push_back(from.folds[k]);
    pack.train.push_back(from.train[k]);
    pack.validation.push_back(from.validation[k]);
    pack.keys.push_back(from.keys[k]);
    pack.optimizer.push_back(from.optimizer[k]);
    pack.loop.push_back(from.loop[k]);
    if (!from.curricula.empty()) pack.curricula.push_back(from.curricula[k]);
  }
}

Bookkeeping::Bookkeeping(Pack& pack) : whole_(pack), average_(decays_of(pack), pack.model) {
  const std::size_t K = pack.loop.size();
  EMO_CHECK(K > 0 && pack.folds.size() == K && pack.train.size() == K && pack.keys.size() == K &&
                pack.validation.size() == K && pack.optimizer.size() == K &&
                (pack.run_epochs.empty() || pack.run_epochs.size() == K) &&
                (pack.curricula.empty() || pack.curricula.size() == K),
            "a pack's vectors have one element a trial");
  const LoopOptions& first = pack.loop[0];
  EMO_CHECK(first.batch_size > 0 && first.epochs > 0, "batch size and epochs are at least 1");
  steps_before_ = steps_before(0);
  select_ = !pack.validation[0].empty();
  for (std::size_t k = 0; k < K; ++k) {
    const LoopOptions& o = pack.loop[k];
    EMO_CHECK(!pack.train[k].empty(), "a trial has training rows");
    EMO_CHECK(o.batch_size == first.batch_size && o.epochs == first.epochs &&
                  (k == 0 || steps_before(k) == steps_before_),
              "trials of a pack share batch size, epochs and the steps of every epoch");
    EMO_CHECK(pack.validation[k].empty() != select_,
              "all trials of a pack have validation rows, or none");
    schedules_.push_back(schedule_of(pack.optimizer[k], steps_before_));
    selections_.emplace_back(o.selection_metric, o.patience);
    epochs_.push_back(pack.run_epochs.empty() ? o.epochs : pack.run_epochs[k]);
    EMO_CHECK(epochs_[k] > 0, "a trial runs at least one epoch");
    trial_.push_back(k);
  }
  results_.resize(K);
  set_rows();
}

std::vector<std::int64_t> Bookkeeping::steps_before(std::size_t trial) const {
  const LoopOptions& o = whole_.loop[trial];
  std::vector<std::int64_t> before{0};
  for (std::int64_t epoch = 0; epoch < o.epochs; ++epoch) {
    const std::size_t rows = whole_.curricula.empty() ? whole_.train[trial].size()
                                                      : whole_.curricula[trial].rows(epoch).size();
    before.push_back(before.back() + steps_for(rows, o.batch_size));
  }
  return before;
}

std::int64_t Bookkeeping::steps(std::int64_t epoch) const {
  const auto e = static_cast<std::size_t>(epoch);
  return steps_before_.at(e + 1) - steps_before_[e];
}

// All that is kept for the rows of pack(), at the start of an epoch.
void Bookkeeping::set_rows() {
  const Pack& now = pack();
  const std::size_t K = now.loop.size();
  dropout_ = at::empty({static_cast<std::int64_t>(K)});
  std::vector<std::vector<std::int64_t>> rows;
  for (std::size_t k = 0; k < K; ++k) {
    dropout_.mutable_data_ptr<float>()[k] = static_cast<float>(now.loop[k].dropout);
    rows.emplace_back(now.validation[k].begin(), now.validation[k].end());
  }
  if (select_) validation_ = evaluation_rows(now.folds, rows);
  active_.assign(K, 1);
  rates_.assign(K, 0);
  metered_.clear();
}

bool Bookkeeping::any_active() const {
  return std::find(active_.begin(), active_.end(), 1) != active_.end();
}

std::vector<std::vector<std::int64_t>> Bookkeeping::begin_epoch(std::int64_t epoch) {
  began_ = std::chrono::steady_clock::now();
  const Pack& now = pack();
  std::vector<std::vector<std::int64_t>> orders;
  for (std::size_t k = 0; k < active_.size(); ++k) {
    std::span<const std::int32_t> rows = now.train[k];
    if (!now.curricula.empty()) {
      rows = now.curricula[k].rows(epoch);
      dropout_.mutable_data_ptr<float>()[k] =
          static_cast<float>(now.curricula[k].dropout(epoch, now.loop[k].dropout));
    }
    if (!now.loop[k].balanced_sampler) {
      orders.push_back(data::epoch_order(rows, now.keys[k], epoch));
      continue;
    }
    const at::Tensor& label = now.folds[k]->label;
    EMO_CHECK(label.defined() && label.dim() == 1, "a balanced sampler draws single labels");
    const std::span all(label.const_data_ptr<std::int64_t>(),
                        static_cast<std::size_t>(label.numel()));
    orders.push_back(data::balanced_order(rows, all, now.keys[k], epoch));
  }
  return orders;
}

const std::vector<double>& Bookkeeping::rates(std::int64_t step) {
  for (std::size_t k = 0; k < rates_.size(); ++k) {
    rates_[k] = learning_rate(schedules_[trial_[k]], step);
  }
  return rates_;
}

bool Bookkeeping::meter(const std::vector<TermValues>& terms, const StepPlace& step, bool stop,
                        Collective& team) {
  const std::size_t K = active_.size();
  std::size_t numbers = 1;
  for (const TermValues& term : terms) numbers += term.sum.size();
  const auto length = static_cast<std::int64_t>(numbers);
  if (!sums_.defined() || sums_.numel() != length) sums_ = at::empty({length}, at::kDouble);
  double* out = sums_.mutable_data_ptr<double>();
  for (const TermValues& term : terms) out = std::copy(term.sum.begin(), term.sum.end(), out);
  *out = stop ? 1 : 0;
  if (fault_poison("trainer.loss")) sums_[0] = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor sums = team.sum(sums_);
  const double* value_of = sums.const_data_ptr<double>();
  const bool stops = value_of[numbers - 1] > 0;
  if (metered_.empty()) {
    for (const TermValues& term : terms) {
      const std::vector<double> none(term.sum.size(), 0);
      metered_.push_back({term.name, none, none, std::vector<double>(K, 0)});
    }
  }
  EMO_CHECK(metered_.size() == terms.size(), "an epoch has the same terms in every step");
  for (std::size_t t = 0; t < terms.size(); ++t) {
    const std::size_t parts = terms[t].sum.size() / K;
    EMO_CHECK(metered_[t].sum.size() == terms[t].sum.size(), "a term has the same parts");
    for (std::size_t i = 0; i < terms[t].sum.size(); ++i) {
      const double value = *value_of++;
      if (active_[i / parts] && !std::isfinite(value)) {
        fail(i / parts, "loss (" + terms[t].name + ") is " + number_text(value), step);
      }
      metered_[t].sum[i] += value;
      metered_[t].count[i] += terms[t].count[i];
    }
    metered_[t].weight = terms[t].weight;
  }
  for (std::size_t k = 0; k < K; ++k) results_[trial_[k]].steps += active_[k];
  return stops;
}

void Bookkeeping::fail(std::size_t k, const std::string& what, const StepPlace& step) {
  active_[k] = 0;
  results_[trial_[k]].failure.emplace(
      "non_finite", what + " at " + where(step) + "; a lower lr or clip_norm may help",
      where(step));
}

void Bookkeeping::check(const std::vector<std::uint8_t>& usable, const StepPlace& step) {
  for (std::size_t k = 0; k < usable.size(); ++k) {
    if (active_[k] && !usable[k]) fail(k, "the gradient, or its square, is not finite", step);
  }
}

void Bookkeeping::average(std::int64_t step) {
  average_.step(pack().model, trial_, active_, step + 1);
}

void Bookkeeping::end_epoch(std::int64_t epoch, Collective& team) {
  if (!any_active()) return;
  for (std::size_t k = 0; k < active_.size(); ++k) {
    if (!active_[k]) continue;
    LoopResult& result = results_[trial_[k]];
    double loss = 0;
    std::vector<double> values;
    for (const TermValues& m : metered_) {
      values.push_back(m.value(k));
      loss += m.weight[k] * values.back();
    }
    record(result, "train_loss", loss);
    for (std::size_t t = 0; t < metered_.size(); ++t) {
      record(result, "train_" + metered_[t].name, values[t]);
      if (metered_.size() > 1) record(result, "weight_" + metered_[t].name, metered_[t].weight[k]);
    }
    record(result, "lr", rates_[k]);
    if (const Pack& now = pack(); !now.curricula.empty() && now.curricula[k].paced()) {
      record(result, "train_rows", static_cast<double>(now.curricula[k].rows(epoch).size()));
      record(result, "dropout", now.curricula[k].dropout(epoch, now.loop[k].dropout));
    }
    result.epochs = epoch + 1;
    if (!select_) result.best_epoch = epoch;
  }
  metered_.clear();
  const std::vector<std::uint8_t> trained = active_;
  if (select_) validate(epoch, team);
  if (whole_.tell_epoch && team.rank == 0) tell(trained);
  for (std::size_t k = 0; k < active_.size(); ++k) {
    if (epoch + 1 >= epochs_[trial_[k]]) active_[k] = 0;
  }
}

void Bookkeeping::validate(std::int64_t epoch, Collective& team) {
  Pack& now = pack();
  average_.swap(now.model, trial_);
  const std::vector<Evaluation> all =
      evaluate(now.model, now.objective, validation_, now.keys, team);
  for (std::size_t k = 0; k < active_.size(); ++k) {
    if (!active_[k]) continue;
    LoopResult& result = results_[trial_[k]];
    Selection& selection = selections_[trial_[k]];
    const std::string& metric = now.loop[k].selection_metric;
    record(result, "validation_loss", all[k].loss);
    for (const auto& [term, value] : all[k].terms)
      if (all[k].terms.size() > 1) record(result, "validation_" + term, value);
    for (const std::string& name : watched(now.objective.target().kind, metric))
      record(result, "validation_" + name, metric_value(name, all[k].loss, all[k].scores));
    if (selection.offer(epoch, all[k].loss, all[k].scores)) {
      result.best_epoch = epoch;
      result.validation = all[k].scores;
      result.validation.emplace_back("loss", all[k].loss);
      result.thresholds = all[k].thresholds;
      keep(k);
    }
    // Rows are still to come while a curriculum lasts.
    const bool all_rows = now.curricula.empty() || now.curricula[k].complete(epoch);
    if (all_rows && selection.exhausted(epoch)) active_[k] = 0;
  }
  average_.swap(now.model, trial_);
}

void Bookkeeping::tell(const std::vector<std::uint8_t>& trained) const {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
  for (std::size_t k = 0; k < trained.size(); ++k) {
    if (trained[k]) whole_.tell_epoch(trial_[k], {results_[trial_[k]].curves, took.count(), false});
  }
}

void Bookkeeping::keep(std::size_t k) {
  Pack& now = pack();
  if (now.loop[k].selection_metric == "last") return;  // the weights are where they are
  const at::NoGradGuard no_grad;
  if (!best_.defined()) {
    best_ = at::zeros_like(whole_.model.flat());
    for (const models::Leaf& leaf : whole_.model.state()) {
      best_states_.push_back(at::zeros_like(leaf.value));
    }
  }
  const auto from = static_cast<std::int64_t>(k), to = static_cast<std::int64_t>(trial_[k]);
  best_.select(0, to).copy_(now.model.flat().select(0, from));
  for (std::size_t i = 0; i < best_states_.size(); ++i) {
    best_states_[i].select(0, to).copy_(now.model.state()[i].value.select(0, from));
  }
}

// The weights of a smaller pack's trials, as they are, to the model of the whole.
void Bookkeeping::hand_back() {
  if (!part_) return;
  const at::NoGradGuard no_grad;
  for (std::size_t k = 0; k < trial_.size(); ++k) {
    const auto from = static_cast<std::int64_t>(k), to = static_cast<std::int64_t>(trial_[k]);
    whole_.model.flat().select(0, to).copy_(part_->model->flat().select(0, from));
    for (std::size_t i = 0; i < part_->model->state().size(); ++i) {
      whole_.model.state()[i].value.select(0, to).copy_(
          part_->model->state()[i].value.select(0, from));
    }
  }
}

std::vector<std::int64_t> Bookkeeping::compact() {
  std::vector<std::int64_t> rest;
  for (std::size_t k = 0; k < active_.size(); ++k) {
    if (active_[k]) rest.push_back(static_cast<std::int64_t>(k));
  }
  if (whole_.checkpoints || rest.empty() || 2 * rest.size() > active_.size()) return {};
  hand_back();
  part_ = std::make_unique<Part>(pack(), rest);
  std::vector<std::size_t> trial;
  for (const std::int64_t k : rest) trial.push_back(trial_[static_cast<std::size_t>(k)]);
  trial_ = std::move(trial);
  set_rows();
  return rest;
}

std::vector<LoopResult> Bookkeeping::finish() {
  hand_back();
  for (std::size_t trial = 0; trial < results_.size(); ++trial) {
    if (!results_[trial].failure) finish(trial);
  }
  return std::move(results_);
}

void Bookkeeping::finish(std::size_t trial) {
  const at::NoGradGuard no_grad;
  LoopResult& result = results_[trial];
  if (result.best_epoch < 0) {
    result.failure.emplace("non_finite",
                           "the validation loss is nan in every epoch, from epoch 0 on", "epoch 0");
    return;
  }
  const auto row = static_cast<std::int64_t>(trial);
  const at::Tensor weights = whole_.model.flat().select(0, row);
  average_.put(whole_.model, trial);
  if (!select_ || whole_.loop[trial].selection_metric == "last") {
    // No validation stands between the last step and the record.
    if (at::isfinite(weights).all().item<bool>()) return;
    const std::string last = "epoch " + std::to_string(result.epochs - 1);
    result.failure.emplace(
        "non_finite", "a weight is not finite after " + last + "; a lower lr or clip_norm may help",
        last);
    return;
  }
  weights.copy_(best_.select(0, row));
  for (std::size_t i = 0; i < best_states_.size(); ++i) {
    whole_.model.state()[i].value.select(0, row).copy_(best_states_[i].select(0, row));
  }
}

}  // namespace emosweep::trainer
