#include "trainer/engine.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <future>

#include "base/fault.h"
#include "distributed/reducer.h"
#include "trainer/device.h"
#include "trainer/fused_engine.h"

namespace emosweep::trainer {
namespace {

// What autograd remarks upon once: parameters of a pack are views with gaps between the trials; its
// thread of a GPU begins without a context, and gets one.
struct NoRemarks final : c10::WarningHandler {
  void process(const c10::Warning& warning) override {
    for (const char* known : {"gradient layout contract", "no current CUDA context"})
      if (warning.msg().find(known) != std::string::npos) return;
    c10::WarningHandler::process(warning);
  }
};

// The model's graph of torch operations, and autograd.
class TorchEngine final : public Engine {
 public:
  TorchEngine(Pack& pack, Collective& team) : pack_(pack), team_(team) {
    if (team.size == 1) return;
    // Gradients are summed over the team. Large ones start during the backward pass.
    // Those of a sparse table stand last, and are summed by rows.
    at::Tensor dense = pack.model.flat_grad();
    if (const models::SparseRows* table = pack.model.sparse_rows())
      dense = dense.narrow(1, 0, table->begin);
    reducer_ = distributed::make_reducer(team, dense);
    for (const models::Variable& v : pack.model.variables()) reducer_->add(v.name, v.value);
  }

  void begin_epoch(const std::vector<std::vector<std::int64_t>>& orders) override {
    ahead_ = {};  // waits for a batch of the last epoch
    orders_ = orders;
  }

  const std::vector<TermValues>& forward(const StepPlace& at, const at::Tensor& dropout) override {
    fault_point("trainer.forward");
    pack_.model.zero_gradient();
    const data::Batch batch = batch_of(at);
    const models::Step step{true, at.epoch, at.number, pack_.keys, dropout, team_};
    const models::Output output = forward_on_device(pack_.model, batch, step);
    terms_ = pack_.objective.terms(batch, output, step);
    pack_.objective.after_step(batch, output, step);
    values_.clear();
    for (const Term& term : terms_) {
      const at::Tensor sum = term.sum.detach();
      values_.push_back({term.name, all_of(sum), all_of(term.count), all_of(term.weight)});
    }
    return values_;
  }

  // d loss / d sum = weight / (count * parts with a count). A trial that has ended, or whose batch
  // has no weight at all, gets no gradient.
  void backward(const std::vector<std::uint8_t>& active) override {
    fault_point("trainer.backward");
    std::vector<at::Tensor> sums, factors;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      at::Tensor factor = at::zeros_like(terms_[t].count);
      const std::vector<double>& count = values_[t].count;
      const std::size_t parts = count.size() / active.size();
      for (std::size_t k = 0; k < active.size(); ++k) {
        const auto first = count.begin() + static_cast<std::ptrdiff_t>(k * parts);
        const auto some = std::count_if(first, first + static_cast<std::ptrdiff_t>(parts),
                                        [](double n) { return n > 0; });
        for (std::size_t p = k * parts; active[k] && p < (k + 1) * parts; ++p) {
          if (!(count[p] > 0)) continue;
          factor.mutable_data_ptr<double>()[p] =
              values_[t].weight[k] / (count[p] * static_cast<double>(some));
        }
      }
      sums.push_back(terms_[t].sum);
      factors.push_back(factor);
    }
    NoRemarks handler;
    const c10::WarningUtils::WarningHandlerGuard quiet(&handler);
    torch::autograd::backward(sums, factors);
    terms_.clear();  // and the graph with them
    if (reducer_) reducer_->finalize();
    if (models::SparseRows* table = pack_.model.sparse_rows(); table && reducer_) sum(*table);
  }

 private:
  data::Batch gathered(std::int64_t epoch, std::int64_t step) const {
    const bool images = !pack_.folds[0]->images.empty(), texts = !pack_.folds[0]->tokens.empty();
    const data::Augmented augmented{pack_.augment, derive(pack_.keys[0], "augment"), epoch,
                                    pack_.objective.rows() ? pack_.objective.rows()->classes() : 0};
    return data::gather_batch(pack_.folds, orders_, step, pack_.loop[0].batch_size,
                              {team_.rank, team_.size}, images || texts ? 1 : data::kAlignedRows,
                              images ? &augmented : nullptr);
  }
  // While a GPU computes a step, another thread makes the next batch. On the CPU there is no core
  // to spare for it.
  data::Batch batch_of(const StepPlace& at) {
    if (pack_.model.flat().is_cpu()) return gathered(at.epoch, at.step);
    const bool made = ahead_.valid() && ahead_step_ == at.step;
    data::Batch batch = made ? ahead_.get() : gathered(at.epoch, at.step);
    const std::int64_t next = at.step + 1;
    const auto left = [&](const auto& order) {
      return std::ssize(order) > next * pack_.loop[0].batch_size;
    };
    ahead_ = {};
    if (std::any_of(orders_.begin(), orders_.end(), left)) {
      ahead_step_ = next;
      ahead_ = std::async(std::launch::async,
                          [this, epoch = at.epoch, next] { return gathered(epoch, next); });
    }
    return batch;
  }

  // Only the rows that some rank's part of the batch reads.
  void sum(models::SparseRows& table) {
    const at::NoGradGuard no_grad;
    const at::Tensor all = team_.gather_rows(table.touched.unsqueeze(0));
    table.touched = std::get<0>(at::_unique(all.view(-1), true));
    const at::Tensor rows = pack_.model.flat_grad()
                                .narrow(1, table.begin, table.rows * table.width)
                                .view({table.rows, table.width});
    const at::Tensor some = rows.index_select(0, table.touched);
    team_.start_sum(some)->wait();
    rows.index_copy_(0, table.touched, some);
  }

  static std::vector<double> all_of(const at::Tensor& t) {
    const at::Tensor whole = t.contiguous();
    const double* p = whole.const_data_ptr<double>();
    return {p, p + whole.numel()};
  }

  Pack& pack_;
  Collective& team_;
  std::unique_ptr<distributed::Reducer> reducer_;
  std::vector<std::vector<std::int64_t>> orders_;
  std::vector<Term> terms_;
  std::vector<TermValues> values_;
  std::future<data::Batch> ahead_;  // of this epoch; last, so that it ends first
  std::int64_t ahead_step_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_engine(Pack& pack, Collective& team) {
  if (pack.model.fused()) return make_fused_engine(pack, team);
  return std::make_unique<TorchEngine>(pack, team);
}

}  // namespace emosweep::trainer
