// Linear layers and gates of a pack against the operations of ATen that they stand for, values and
// gradients.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "models/linear_block.h"

namespace emosweep::models {
namespace {

at::Tensor values(std::vector<std::int64_t> shape, double phase, at::ScalarType dtype) {
  std::int64_t n = 1;
  for (std::int64_t d : shape) n *= d;
  const at::Tensor i = at::arange(n, at::TensorOptions().dtype(at::kDouble));
  return at::sin(i * 12.9898 + phase).view(shape).to(dtype);
}

using Variables = std::vector<at::Tensor>;

// With gradients that are autograd's.
at::Tensor plain(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool relu) {
  return linear_block(x, Parameter(weight), Parameter(bias), relu);
}

// y and its gradients, summed with an uneven weight.
Variables with_gradients(const Variables& leaves, const at::Tensor& y) {
  for (at::Tensor leaf : leaves) leaf.mutable_grad().reset();
  (y * values(y.sizes().vec(), 9, y.scalar_type())).sum().backward();
  Variables all{y.detach()};
  for (const at::Tensor& leaf : leaves) {
    all.push_back(leaf.grad().defined() ? leaf.grad().clone() : at::zeros_like(leaf));
  }
  return all;
}

void compare(const Variables& ours, const Variables& theirs, double tolerance) {
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].sizes(), theirs[i].sizes()) << "part " << i;
    EXPECT_LE((ours[i] - theirs[i]).abs().max().item<double>(), tolerance) << "part " << i;
  }
}

// K trials whose parameters stand apart, as in the flat storage.
Variables layer(std::int64_t K, std::int64_t b, std::int64_t in, std::int64_t out, bool residual,
                at::ScalarType dtype) {
  Variables v{values({K, b, in}, 0, dtype), values({K, in * out + 3}, 1, dtype),
              values({K, residual ? b : 1, out}, 2, dtype)};
  for (at::Tensor& t : v) t.set_requires_grad(true);
  return v;
}
at::Tensor weight_of(const Variables& v, std::int64_t in, std::int64_t out) {
  return v[1].narrow(1, 0, in * out).unflatten(1, {in, out});
}

TEST(LinearBlock, IsABatchedProduct) {
  for (const bool relu : {false, true}) {
    for (const bool residual : {false, true}) {
      for (const auto& [b, in, out] : std::vector<std::array<std::int64_t, 3>>{
               {32, 69, 64}, {16, 7, 3}, {5, 3, 2}, {1, 1, 1}, {48, 128, 25}}) {
        SCOPED_TRACE(std::to_string(b) + " " + std::to_string(in) + " " + std::to_string(out));
        for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
          const Variables v = layer(3, b, in, out, residual, dtype);
          const at::Tensor y = at::baddbmm(v[2], v[0], weight_of(v, in, out));
          const Variables theirs = with_gradients(v, relu ? at::relu(y) : y);
          const Variables ours = with_gradients(v, plain(v[0], weight_of(v, in, out), v[2], relu));
          compare(ours, theirs, dtype == at::kDouble ? 1e-12 : 2e-4);
        }
      }
    }
  }
}

// One layer a modality over x [K,b,M,in] as it stands, the bias of the last outputs alone.
TEST(LinearBlock, TakesALayerAModalityWhereverItsRowsStand) {
  for (const auto& [b, in, out, n] : std::vector<std::array<std::int64_t, 4>>{
           {8, 16, 24, 24}, {8, 16, 24, 16}, {5, 3, 2, 1}, {1, 4, 6, 4}}) {
    SCOPED_TRACE(std::to_string(b) + " " + std::to_string(n));
    Variables v{values({2, b, 3, in}, 0, at::kDouble), values({2, 3, in, out}, 1, at::kDouble),
                values({2, 3, 1, n}, 2, at::kDouble)};
    for (at::Tensor& t : v) t.set_requires_grad(true);
    const at::Tensor x = v[0].transpose(1, 2), bias = at::constant_pad_nd(v[2], {out - n, 0});
    const Variables theirs = with_gradients(v, at::matmul(x, v[1]) + bias);
    compare(with_gradients(v, plain(x, v[1], v[2], false)), theirs, 1e-12);
  }
}

// The same by ATen, whose gradients autograd adds to their places.
TEST(LinearBlock, LeavesLargeLayersOfModalitiesToATen) {
  for (const std::int64_t K : {1, 2}) {
    Variables v{values({K, 4, 3, 1024}, 0, at::kDouble), values({K, 3, 1024, 512}, 1, at::kDouble),
                values({K, 3, 1, 500}, 2, at::kDouble)};
    for (at::Tensor& t : v) t.set_requires_grad(true);
    const at::Tensor x = v[0].transpose(1, 2), bias = at::constant_pad_nd(v[2], {12, 0});
    const Variables theirs = with_gradients(v, at::matmul(x, v[1]) + bias);
    for (at::Tensor leaf : {v[1], v[2]}) leaf.mutable_grad() = at::full_like(leaf, 7);
    v[0].mutable_grad().reset();
    const at::Tensor y = linear_block(x, {v[1], v[1].grad()}, {v[2], v[2].grad()}, false);
    (y * values(y.sizes().vec(), 9, at::kDouble)).sum().backward();
    compare({y.detach(), v[0].grad(), v[1].grad(), v[2].grad()}, theirs, 1e-10);
  }
}

TEST(LinearBlock, RefusesAResidualWithAPlaceForItsGradient) {
  const Variables v = layer(1, 4, 8, 8, true, at::kFloat);
  EXPECT_ANY_THROW(
      linear_block(v[0], Parameter(weight_of(v, 8, 8)), {v[2], at::zeros_like(v[2])}, false));
}

TEST(LinearBlock, PutsLayersSideBySide) {
  for (const std::int64_t last : {7, 4096}) {  // the second is ATen's
    SCOPED_TRACE(last);
    Variables v;
    std::vector<at::Tensor> x;
    std::vector<LinearParameters> layers;
    Variables expected;
    for (const std::int64_t in : {std::int64_t{16}, last}) {
      const std::size_t i = v.size();
      const auto phase = static_cast<double>(i);
      v.push_back(values({2, 8, in}, phase, at::kDouble));
      v.push_back(values({2, in, 100}, phase + 1, at::kDouble));
      v.push_back(values({2, 1, 100}, phase + 2, at::kDouble));
      for (std::size_t j = i; j < v.size(); ++j) v[j].set_requires_grad(true);
      x.push_back(v[i]);
      layers.push_back({Parameter(v[i + 1]), Parameter(v[i + 2])});
      expected.push_back(at::baddbmm(v[i + 2], v[i], v[i + 1]));
    }
    const Variables theirs = with_gradients(v, at::cat(expected, -1));
    compare(with_gradients(v, linear_side_by_side(x, layers)), theirs, 1e-11);
  }
}

// As in the flat storage: the leaf's own gradient is overwritten, twice gives no sum.
TEST(LinearBlock, OverwritesGradientsThatHaveAPlace) {
  for (const std::int64_t in : {16, 8192}) {  // the second is ATen's
    SCOPED_TRACE(in);
    const Variables v = layer(2, 8, in, 40, false, at::kDouble);
    const Variables leaves{v[0], weight_of(v, in, 40).detach().set_requires_grad(true), v[2]};
    const Variables theirs = with_gradients(leaves, plain(leaves[0], leaves[1], leaves[2], true));
    for (at::Tensor leaf : {leaves[1], leaves[2]})
      leaf.mutable_grad() = at::full_like(leaf, std::numeric_limits<double>::quiet_NaN());
    for (int i = 0; i < 2; ++i) {
      const at::Tensor y = linear_block(leaves[0], {leaves[1], leaves[1].grad()},
                                        {leaves[2], leaves[2].grad()}, true);
      (y * values(y.sizes().vec(), 9, at::kDouble)).sum().backward();
      EXPECT_TRUE(at::equal(leaves[1].grad(), theirs[2]));
      EXPECT_TRUE(at::equal(leaves[2].grad(), theirs[3]));
    }
  }
}

TEST(LinearBlock, LeavesLargeAndEmptyLayersToATen) {
  const Variables large = layer(1, 4, 1024, 512, false, at::kFloat);
  const at::Tensor weight = weight_of(large, 1024, 512);
  EXPECT_TRUE(
      at::equal(plain(large[0], weight, large[2], false), at::baddbmm(large[2], large[0], weight)));
  const Variables empty = layer(2, 0, 3, 2, false, at::kFloat);
  EXPECT_EQ(plain(empty[0], weight_of(empty, 3, 2), empty[2], true).numel(), 0);
}

TEST(LinearBlock, GivesARowTheSameBitsAtEveryPlace) {
  for (const std::int64_t out : {2, 8, 25, 64, 100}) {
    const Variables v = layer(1, 64, 69, out, false, at::kFloat);
    const at::Tensor weight = weight_of(v, 69, out);
    const at::Tensor y = plain(v[0], weight, v[2], false);
    const at::Tensor turned = plain(v[0].flip(1), weight, v[2], false);
    EXPECT_TRUE(at::equal(turned.flip(1), y)) << out;
  }
}

TEST(LinearBlock, LetsANanThrough) {
  const Variables v = layer(1, 4, 8, 8, false, at::kFloat);
  v[0].detach()[0][1][3] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor bad = plain(v[0], weight_of(v, 8, 8), v[2], true).isnan().any(-1).view({4});
  EXPECT_FALSE(bad[0].item<bool>() || bad[2].item<bool>());
  EXPECT_TRUE(bad[1].item<bool>());
}

void check_gates(const at::Tensor& present) {
  Variables v{values({2, 4, 3, 17}, 0, at::kDouble), values({2, 4, 3}, 1, at::kDouble)};
  for (at::Tensor& t : v) t.set_requires_grad(true);
  at::Tensor open = v[1];
  if (present.defined()) {
    open = open.masked_fill(present.logical_not().logical_and(present.any(-1, true)),
                            -std::numeric_limits<double>::infinity());
  }
  const at::Tensor gates = at::softmax(open, -1);
  const Variables theirs = with_gradients(v, (v[0] * gates.unsqueeze(-1)).sum(2));
  const Gated ours = gate_block(v[0], v[1], present);
  EXPECT_LE((ours.gates - gates).abs().max().item<double>(), 1e-15);
  compare(with_gradients(v, ours.value), theirs, 1e-13);
}

TEST(GateBlock, IsASoftmaxOverWhatIsPresent) {
  check_gates({});
  at::Tensor present = at::ones({2, 4, 3}, at::kBool);
  present[0][1][2] = false;
  present[1][0].fill_(false);  // keeps all gates
  present[1][3].narrow(0, 0, 2).fill_(false);
  check_gates(present);
}

}  // namespace
}  // namespace emosweep::models
