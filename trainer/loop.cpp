#include "trainer/loop.h"

#include <ATen/ATen.h>

#include "distributed/team.h"
#include "trainer/bookkeeping.h"
#include "trainer/checkpoint.h"
#include "trainer/engine.h"
#include "trainer/optimizer.h"

namespace emosweep::trainer {

std::vector<LoopResult> train_pack(Pack& pack, Collective& team, const Stopping& stopping) {
  Bookkeeping books(pack);
  Optimizer optimizer(pack.optimizer, pack.model.flat(), pack.model.decay_mask());
  const std::unique_ptr<Engine> engine = make_engine(pack, team);
  const std::int64_t epochs = pack.run_epochs > 0 ? pack.run_epochs : pack.loop[0].epochs;
  Place at;
  const Checkpoints::Contents all = [&](Archive& a) { optimizer.archive(a), books.archive(a, at); };
  if (pack.checkpoints) pack.checkpoints->resume(all, at);
  try {
    for (; at.epoch < epochs && books.any_active(); ++at.epoch, at.step = 0) {
      engine->begin_epoch(books.orders(at.epoch));
      while (at.step < books.steps_per_epoch()) {
        const bool asked = stopping && stopping();
        const StepPlace here{at.epoch, at.step, at.number};
        const std::vector<TermValues>& terms = engine->forward(here, books.dropout());
        // Before the backward pass: a loss that is not finite ends the trial here. Where a rank
        // wants to stop, all do, after this step.
        const bool stop = books.meter(terms, here, asked, team);
        engine->backward(books.active());
        books.check(optimizer.step(pack.model.flat(), pack.model.flat_grad(),
                                   books.rates(at.number), books.active()),
                    here);
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
