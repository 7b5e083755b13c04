#include "trainer/loop.h"

#include <ATen/ATen.h>

#include <limits>

#include "base/fault.h"
#include "distributed/team.h"
#include "trainer/bookkeeping.h"
#include "trainer/checkpoint.h"
#include "trainer/engine.h"
#include "trainer/optimizer.h"

namespace emosweep::trainer {

std::vector<LoopResult> train_pack(Pack& pack, Collective& team, const Stopping& stopping) {
  Bookkeeping books(pack);
  Optimizer optimizer(pack.optimizer, pack.model.flat(), pack.model.decay_mask(),
                      pack.model.rate_ranges());
  std::unique_ptr<Engine> engine = make_engine(pack, team);
  Place at;
  const Checkpoints::Contents all = [&](Archive& a) { optimizer.archive(a), books.archive(a, at); };
  if (pack.checkpoints) pack.checkpoints->resume(all, at);
  try {
    for (; books.any_active(); ++at.epoch, at.step = 0) {
      engine->begin_epoch(books.begin_epoch(at.epoch));
      while (at.step < books.steps(at.epoch)) {
        const bool asked = stopping && stopping();
        const StepPlace here{at.epoch, at.step, at.number};
        const std::vector<TermValues>& terms = engine->forward(here, books.dropout());
        // Before the backward pass: a loss that is not finite ends its trial here. Where a rank
        // wants to stop, all do, after this step.
        const bool stop = books.meter(terms, here, asked, team);
        if (!books.any_active()) break;
        engine->backward(books.active());
        models::Model& model = books.pack().model;
        if (fault_poison("trainer.gradient")) {
          model.flat_grad().select(0, 0).fill_(std::numeric_limits<double>::quiet_NaN());
        }
        books.check(
            optimizer.step(model.flat(), model.flat_grad(), books.rates(at.number), books.active()),
            here);
        if (!books.any_active()) break;
        books.average(at.number);
        ++at.step, ++at.number;
        if (pack.checkpoints) pack.checkpoints->save(all, stop);
        if (stop) throw Interrupted{};
      }
      books.end_epoch(at.epoch, team);
      if (const std::vector<std::int64_t> rest = books.compact(); !rest.empty()) {
        optimizer.select(rest);
        engine = make_engine(books.pack(), team);
      }
    }
  } catch (distributed::TeamError& e) {
    e.at(step_text(at.epoch, at.number));
    throw;
  }
  return books.finish();
}

}  // namespace emosweep::trainer
