#include "trainer/fused_engine.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "base/fault.h"
#include "models/fused_model.h"
#include "models/fused_network.h"

namespace emosweep::trainer {
namespace {

template <typename T>
class FusedEngine final : public Engine {
 public:
  FusedEngine(Pack& pack, Collective& team)
      : team_(team),
        loss_(*pack.objective.rows()),
        batch_(pack.loop[0].batch_size),
        rows_((batch_ + team.size - 1) / team.size),
        P_(pack.model.flat().size(1)),
        C_(loss_.classes()),
        flat_(pack.model.flat()),
        gradient_(pack.model.flat_grad()),
        options_(pack.model.fused()->options()),
        keys_(pack.keys) {
    const auto K = static_cast<std::int64_t>(pack.keys.size());
    counts_ = at::zeros({K, C_}, at::kDouble);
    values_.push_back({loss_.name(), std::vector<double>(pack.keys.size()),
                       std::vector<double>(pack.keys.size()),
                       std::vector<double>(pack.keys.size(), 1)});
    const auto n = static_cast<std::size_t>(rows_);
    for (std::size_t k = 0; k < pack.keys.size(); ++k) {
      Trial trial;
      trial.network = models::make_fused_network<T>(options_, pack.keys[k], rows_);
      trial.tail_rows = rows_;
      const data::FoldTensors& fold = *pack.folds[k];
      EMO_CHECK(fold.x.size() == options_.inputs.size() && loss_.classes() == options_.classes,
                "the fold and the loss are those of the model");
      EMO_CHECK(fold.label.is_contiguous() && fold.label.scalar_type() == at::kLong,
                "labels are int64");
      for (std::size_t m = 0; m < fold.x.size(); ++m) {
        EMO_CHECK(fold.x[m].is_contiguous() && fold.x[m].size(1) == options_.widths[m] &&
                      fold.x[m].size(0) == fold.label.size(0),
                  "features of " + options_.inputs[m] + " are [n, width]");
        EMO_CHECK(!fold.present[m].defined() || (fold.present[m].is_contiguous() &&
                                                 fold.present[m].numel() == fold.label.size(0)),
                  "presence of " + options_.inputs[m] + " is [n]");
        trial.rows.x.push_back(fold.x[m].const_data_ptr<T>());
        trial.rows.present.push_back(
            fold.present[m].defined() ? fold.present[m].const_data_ptr<bool>() : nullptr);
      }
      trial.label = fold.label.const_data_ptr<std::int64_t>();
      trial.sample.resize(n);
      trial.index.resize(n);
      trial.weight.resize(n);
      trial.d_logits.resize(n * static_cast<std::size_t>(C_));
      trials_.push_back(std::move(trial));
    }
  }

  void begin_epoch(const std::vector<std::vector<std::int64_t>>& orders) override {
    orders_ = orders;
    for (std::size_t k = 0; k < trials_.size(); ++k) set_tail(k);
  }

  const std::vector<TermValues>& forward(const StepPlace& at, const at::Tensor& dropout) override {
    fault_point("trainer.forward");
    counts_.zero_();
    for (std::size_t k = 0; k < trials_.size(); ++k) gather(k, at);
    const at::Tensor counts = team_.size > 1 ? team_.sum(counts_).contiguous() : counts_;
    for (std::size_t k = 0; k < trials_.size(); ++k) {
      Trial& trial = trials_[k];
      trial.rows.row = trial.sample.data();
      trial.rows.dropout = static_cast<double>(dropout.const_data_ptr<float>()[k]);
      trial.rows.step = at.number;
      trial.rows.first_position = at.step * batch_ + first_row();
      const T* logits = trial.now->forward(parameters(k), trial.rows);
      const RowTerm term =
          loss_.loss(k, trial.targets(), counts.const_data_ptr<double>() + row(k) * C_, logits,
                     trial.d_logits.data());
      values_[0].sum[k] = term.sum;
      values_[0].count[k] = term.count;
      values_[0].weight[k] = term.weight;
    }
    return values_;
  }

  void backward(const std::vector<std::uint8_t>& active) override {
    fault_point("trainer.backward");
    T* gradient = gradient_.mutable_data_ptr<T>();
    for (std::size_t k = 0; k < trials_.size(); ++k) {
      if (!active[k]) {  // what an ended trial left is not summed again and again
        if (team_.size > 1) std::fill_n(gradient + row(k) * P_, P_, T(0));
        continue;
      }
      const double count = values_[0].count[k];
      const auto factor = static_cast<T>(count > 0 ? values_[0].weight[k] / count : 0.0);
      T* d = trials_[k].d_logits.data();
      for (std::int64_t i = 0; i < trials_[k].used * C_; ++i) d[i] *= factor;
      trials_[k].now->backward(parameters(k), d, gradient + row(k) * P_);
    }
    if (team_.size > 1) team_.start_sum(gradient_)->wait();
  }

 private:
  struct Trial {
    std::unique_ptr<models::FusedNetwork<T>> network, tail;  // tail: for the epoch's last batch
    std::int64_t tail_rows = 0;
    models::FusedNetwork<T>* now = nullptr;  // of this step
    models::FusedRows<T> rows;
    const std::int64_t* label = nullptr;
    std::vector<std::int64_t> sample, index;  // of this rank's rows
    std::vector<double> weight;
    std::vector<T> d_logits;

    RowTargets targets() const { return {used, index.data(), weight.data()}; }
    std::int64_t used = 0;  // rows of this step
  };

  // Padding costs as much as real rows: a step computes the real ones and what fills up four.
  std::int64_t rounded(std::int64_t rows) const {
    return std::clamp<std::int64_t>((rows + 3) / 4 * 4, std::min<std::int64_t>(4, rows_), rows_);
  }

  // A network of its own for the last batch of the epoch, whose rows may be fewer.
  void set_tail(std::size_t k) {
    Trial& trial = trials_[k];
    const auto last = static_cast<std::int64_t>(orders_[k].size()) % batch_;
    const std::int64_t rows = last == 0 ? rows_ : rounded(last - first_row());
    if (rows == trial.tail_rows) return;
    trial.tail_rows = rows;
    trial.tail = rows < rows_ ? models::make_fused_network<T>(options_, keys_[k], rows) : nullptr;
  }

  static std::int64_t row(std::size_t k) { return static_cast<std::int64_t>(k); }
  std::int64_t first_row() const { return team_.rank * rows_; }  // of this rank, within the batch
  const T* parameters(std::size_t k) const { return flat_.const_data_ptr<T>() + row(k) * P_; }

  // As data::gather_batch: what stands behind the batch's end is padding.
  void gather(std::size_t k, const StepPlace& at) {
    Trial& trial = trials_[k];
    const std::vector<std::int64_t>& order = orders_[k];
    const std::int64_t begin = at.step * batch_;
    const std::int64_t real = std::min(batch_, static_cast<std::int64_t>(order.size()) - begin);
    const std::int64_t padding = order[static_cast<std::size_t>(real > 0 ? begin : 0)];
    const bool short_one = trial.tail && real - first_row() <= trial.tail_rows;
    trial.now = short_one ? trial.tail.get() : trial.network.get();
    trial.used = short_one ? trial.tail_rows : rows_;
    for (std::int64_t i = 0; i < trial.used; ++i) {
      const std::int64_t r = first_row() + i;
      const auto to = static_cast<std::size_t>(i);
      trial.sample[to] = r < real ? order[static_cast<std::size_t>(begin + r)] : padding;
      trial.weight[to] = r < real ? 1 : 0;
      trial.index[to] = trial.label[trial.sample[to]];
    }
    loss_.count(trial.targets(), counts_.mutable_data_ptr<double>() + row(k) * C_);
  }

  Collective& team_;
  RowLoss& loss_;
  std::int64_t batch_, rows_, P_, C_;
  at::Tensor flat_, gradient_, counts_;  // counts_ [K,C] of this rank's rows
  const models::ModelOptions& options_;
  std::vector<StreamKey> keys_;
  std::vector<Trial> trials_;
  std::vector<std::vector<std::int64_t>> orders_;
  std::vector<TermValues> values_;
};

}  // namespace

std::unique_ptr<Engine> make_fused_engine(Pack& pack, Collective& team) {
  EMO_CHECK(pack.model.fused() && pack.objective.rows(), "fused kernels of model and loss");
  if (pack.model.flat().scalar_type() == at::kDouble) {
    return std::make_unique<FusedEngine<double>>(pack, team);
  }
  return std::make_unique<FusedEngine<float>>(pack, team);
}

}  // namespace emosweep::trainer
