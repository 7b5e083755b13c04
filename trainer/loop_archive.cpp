// What the training loop puts into a checkpoint, and takes from it.
#include <ATen/ATen.h>

#include <algorithm>

#include "trainer/bookkeeping.h"
#include "trainer/checkpoint.h"

namespace emosweep::trainer {
namespace {

template <typename Named>
std::vector<std::string> names_of(const std::vector<Named>& all) {
  std::vector<std::string> names;
  for (const auto& [name, rest] : all) names.push_back(name);
  return names;
}

// steps_before: [epochs + 1].
void archive_place(Archive& a, Place& at, const std::vector<std::int64_t>& steps_before) {
  a.number("place.epoch", at.epoch);
  a.number("place.step", at.step);
  a.number("place.number", at.number);
  const auto epoch = static_cast<std::size_t>(at.epoch);
  if (at.epoch < 0 || epoch + 1 >= steps_before.size() || at.step < 0 ||
      at.step > steps_before[epoch + 1] - steps_before[epoch] ||
      at.number != steps_before[epoch] + at.step) {
    throw CheckpointError("step " + std::to_string(at.step) + " of epoch " +
                          std::to_string(at.epoch) + " is no place in " +
                          std::to_string(steps_before.size() - 1) + " epochs of " +
                          std::to_string(steps_before.back()) + " steps");
  }
}

}  // namespace

void archive(Archive& a, const std::string& prefix, LoopResult& r) {
  a.number(prefix + "best_epoch", r.best_epoch);
  a.number(prefix + "epochs", r.epochs);
  a.number(prefix + "steps", r.steps);
  std::vector<std::string> curves = names_of(r.curves), scores = names_of(r.validation);
  a.texts(prefix + "curves", curves);
  a.texts(prefix + "validation", scores);
  if (a.loading()) {
    r.curves.clear();
    r.validation.clear();
    for (const std::string& name : curves) r.curves.push_back({name, {}});
    for (const std::string& name : scores) r.validation.emplace_back(name, 0);
  }
  a.list(prefix + "validation_probability", r.validation_probability);
  a.list(prefix + "thresholds", r.thresholds);
  for (auto& [name, values] : r.curves) a.list(prefix + "curve." + name, values);
  for (auto& [name, value] : r.validation) a.number(prefix + "validation." + name, value);
  std::vector<std::string> failure;
  if (r.failure) failure = {r.failure->reason(), r.failure->what(), r.failure->where()};
  a.texts(prefix + "failure", failure);
  if (a.loading()) {
    r.failure.reset();
    if (failure.size() == 3) r.failure.emplace(failure[0], failure[1], failure[2]);
  }
}

void Bookkeeping::archive(Archive& a, Place& at) {
  archive_place(a, at, steps_before_);
  a.tensor("model.flat", whole_.model.flat());
  a.leaves("model.state.", whole_.model.state());
  a.leaves("objective.state.", whole_.objective.state());
  std::vector<std::int64_t> active(active_.begin(), active_.end());
  a.values("active", active);
  std::transform(active.begin(), active.end(), active_.begin(),
                 [](std::int64_t on) { return on != 0; });
  a.values("rates", rates_);
  for (std::size_t k = 0; k < results_.size(); ++k) {
    const std::string prefix = "trial" + std::to_string(k) + ".";
    trainer::archive(a, prefix, results_[k]);
    selections_[k].archive(a, prefix + "selection.");
  }
  archive_metered(a);
  average_.archive(a);
  archive_best(a);
}

void Bookkeeping::archive_metered(Archive& a) {
  std::vector<std::string> terms;
  for (const TermValues& m : metered_) terms.push_back(m.name);
  a.texts("metered", terms);
  if (a.loading()) {
    const std::vector<double> none(active_.size(), 0);
    metered_.clear();
    for (const std::string& term : terms) metered_.push_back({term, {}, {}, none});
  }
  for (TermValues& m : metered_) {
    a.list("metered." + m.name + ".sum", m.sum);
    a.list("metered." + m.name + ".count", m.count);
    if (m.sum.empty() || m.sum.size() != m.count.size() || m.sum.size() % active_.size() != 0)
      throw CheckpointError("the term " + m.name + " has other parts");
    a.values("metered." + m.name + ".weight", m.weight);
  }
}

void Bookkeeping::archive_best(Archive& a) {
  std::int64_t kept = best_.defined() ? 1 : 0;
  a.number("best.kept", kept);
  if (kept == 0) return;
  std::vector<models::Leaf>& state = whole_.model.state();
  if (a.loading()) {
    best_ = at::zeros_like(whole_.model.flat());
    best_states_.clear();
    for (const models::Leaf& leaf : state) best_states_.push_back(at::zeros_like(leaf.value));
  }
  a.tensor("best.flat", best_);
  for (std::size_t i = 0; i < state.size(); ++i) {
    a.tensor("best.state." + state[i].name, best_states_[i]);
  }
}

}  // namespace emosweep::trainer
