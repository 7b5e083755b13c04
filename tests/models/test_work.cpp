// Counted work against the products that a forward pass of the torch composition really makes.
#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "models/work.h"
#include "support.h"

namespace emosweep::models::test {
namespace {

double seen = 0;  // floating-point operations of products, while the callback stands

std::unique_ptr<at::ObserverContext> see(const at::RecordFunction& function) {
  static const std::set<std::string> added = {"aten::addmm", "aten::baddbmm"},
                                     plain = {"aten::mm", "aten::bmm"};
  const std::string name = function.name();
  const bool first_is_added = added.contains(name);
  if (!first_is_added && !plain.contains(name)) return nullptr;
  const auto inputs = function.inputs();
  const at::Tensor &a = inputs[first_is_added ? 1 : 0].toTensor(),
                   &b = inputs[first_is_added ? 2 : 1].toTensor();
  seen += 2.0 * static_cast<double>(a.numel()) * static_cast<double>(b.size(-1));
  return nullptr;
}

double forward_operations(const ModelOptions& options, std::int64_t rows) {
  const std::vector<StreamKey> keys = keys_of(1);
  const auto model = make_model(options, keys);
  const data::Batch batch = batch_of(options, {.rows = rows, .absent = false});
  StepParts parts{keys, at::zeros({1}), {}};
  seen = 0;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(see).needsInputs(true));
  model->forward(batch, step_of(parts, false));
  at::removeCallback(handle);
  return seen;
}

TEST(CountedWork, IsWhatAForwardPassMultiplies) {
  constexpr std::int64_t kRows = 2064;  // more than linear_block takes: ATen multiplies all
  for (const Fusion fusion :
       {Fusion::none, Fusion::concat, Fusion::gated, Fusion::cross_attention}) {
    for (const std::int64_t modalities : {2, 3}) {
      ModelOptions o = options_of(fusion, fusion == Fusion::none ? 1 : modalities, at::kFloat);
      o.hidden_size = 48;
      o.heads = 4;
      const Work work = counted_work(o);
      double expected = work.forward * kRows;
      if (fusion == Fusion::cross_attention) {  // torch also multiplies a modality by itself
        const double T = static_cast<double>(o.tokens), M = static_cast<double>(modalities);
        expected += kRows * M * 2 * (2 * T * T * 48);
      }
      EXPECT_EQ(forward_operations(o, kRows), expected)
          << static_cast<int>(fusion) << " " << modalities;
      EXPECT_GT(work.step, 2 * work.forward);
      EXPECT_LT(work.step, 3 * work.forward);
    }
  }
}

}  // namespace
}  // namespace emosweep::models::test
