#include "trainer/loop.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "base/fault.h"
#include "distributed/reducer.h"
#include "distributed/team.h"
#include "trainer/bookkeeping.h"
#include "trainer/checkpoint.h"
#include "trainer/optimizer.h"

namespace emosweep::trainer {
namespace {

void zero(models::Model& model) { model.flat_grad().zero_(); }

std::vector<Term> forward(Pack& pack, const data::Batch& batch, const models::Step& step) {
  fault_point("trainer.forward");
  const models::Output output = pack.model.forward(batch, step);
  std::vector<Term> terms = pack.objective.terms(batch, output, step);
  if (step.train) pack.objective.after_step(batch, output, step);
  return terms;
}

// d loss / d sum = weight / count. A trial that has ended, or whose batch has no weight at all,
// gets no gradient.
void backward(const std::vector<Term>& terms, const std::vector<std::uint8_t>& active) {
  fault_point("trainer.backward");
  std::vector<at::Tensor> sums, factors;
  for (const Term& term : terms) {
    at::Tensor factor = at::zeros_like(term.count);
    for (std::size_t k = 0; k < active.size(); ++k) {
      const double count = term.count.const_data_ptr<double>()[k];
      const double weight = term.weight.const_data_ptr<double>()[k];
      if (active[k] && count > 0) factor.mutable_data_ptr<double>()[k] = weight / count;
    }
    sums.push_back(term.sum);
    factors.push_back(factor);
  }
  torch::autograd::backward(sums, factors);
}

// Gradients are summed over the team. Large ones start during the backward pass.
std::unique_ptr<distributed::Reducer> reducer_for(models::Model& model, Collective& team) {
  if (team.size == 1) return nullptr;
  auto reducer = distributed::make_reducer(team, model.flat_grad());
  for (const models::Variable& v : model.variables()) reducer->add(v.name, v.value);
  return reducer;
}

}  // namespace

std::vector<LoopResult> train_pack(Pack& pack, Collective& team, const Stopping& stopping) {
  Bookkeeping books(pack);
  Optimizer optimizer(pack.optimizer, pack.model.flat(), pack.model.decay_mask());
  const std::unique_ptr<distributed::Reducer> reducer = reducer_for(pack.model, team);
  const std::int64_t epochs = pack.run_epochs > 0 ? pack.run_epochs : pack.loop[0].epochs;
  const data::Shard shard{team.rank, team.size};
  Place at;
  const Checkpoints::Contents all = [&](Archive& a) { optimizer.archive(a), books.archive(a, at); };
  if (pack.checkpoints) pack.checkpoints->resume(all, at);
  try {
    for (; at.epoch < epochs && books.any_active(); ++at.epoch, at.step = 0) {
      const std::vector<std::vector<std::int64_t>> orders = books.orders(at.epoch);
      while (at.step < books.steps_per_epoch()) {
        const bool asked = stopping && stopping();
        const data::Batch batch =
            data::gather_batch(pack.folds, orders, at.step, pack.loop[0].batch_size, shard);
        const models::Step step{true, at.epoch, at.number, pack.keys, books.dropout(), team};

        zero(pack.model);
        const std::vector<Term> terms = forward(pack, batch, step);
        // Before the backward pass: a loss that is not finite ends the trial here. Where a rank
        // wants to stop, all do, after this step.
        const bool stop = books.meter(terms, step, asked);
        backward(terms, books.active());
        if (reducer) reducer->finalize();
        books.check(optimizer.step(pack.model.flat(), pack.model.flat_grad(),
                                   books.rates(at.number), books.active()),
                    step);
        ++at.step, ++at.number;
        if (pack.checkpoints) pack.checkpoints->save(all, stop);
        if (stop) throw Interrupted{};
      }
      books.end_epoch(at.epoch, team);
    }
  } catch (distributed::TeamError& e) {
    e.at(step_text(at.epoch, at.number));
    throw;
  }
  return books.finish();
}

}  // namespace emosweep::trainer
