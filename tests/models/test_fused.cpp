// Fused networks against the torch compositions and their autograd.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <new>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "models/fused_model.h"
#include "models/fused_network.h"
#include "models/small_product.h"
#include "support.h"

// This program's allocations, counted on a thread that asks for it. They are replaced in pairs,
// which GCC does not see where it inlines one of a pair.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
namespace {
thread_local bool counting = false;
thread_local long allocations = 0;

void* counted(std::size_t size, std::size_t alignment) {
  if (counting) ++allocations;
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  if (void* p = std::aligned_alloc(alignment, whole > 0 ? whole : alignment)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t a) {
  return counted(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return counted(size, static_cast<std::size_t>(a));
}
// std::stable_sort asks so; a sanitizer's own would not go with the deletes below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return counted(size, alignof(std::max_align_t));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace emosweep::models::test {
namespace {

struct Case {
  const char* name;
  Fusion fusion;
  std::int64_t modalities;
  std::int64_t hidden = 6, tokens = 3, heads = 2, rows = 7;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

class Fused : public testing::TestWithParam<Case> {
 protected:
  static ModelOptions options(at::ScalarType dtype) {
    ModelOptions o = options_of(GetParam().fusion, GetParam().modalities, dtype);
    o.hidden_size = GetParam().hidden;
    o.tokens = GetParam().tokens;
    o.heads = GetParam().heads;
    return o;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Fusions, Fused,
    testing::Values(Case{"none", Fusion::none, 1}, Case{"none64", Fusion::none, 1, 64, 8, 4, 32},
                    Case{"concat2", Fusion::concat, 2}, Case{"concat3", Fusion::concat, 3},
                    Case{"concat64", Fusion::concat, 2, 64, 8, 4, 32},
                    Case{"concat29", Fusion::concat, 2, 29, 3, 1, 10},
                    Case{"gated2", Fusion::gated, 2}, Case{"gated4", Fusion::gated, 4},
                    Case{"gated65", Fusion::gated, 2, 65, 8, 5, 32},
                    Case{"cross2", Fusion::cross_attention, 2},
                    Case{"cross3", Fusion::cross_attention, 3},
                    Case{"cross4", Fusion::cross_attention, 4, 20, 5, 4, 10},
                    Case{"cross11", Fusion::cross_attention, 2, 20, 11, 4, 5},
                    Case{"cross64", Fusion::cross_attention, 2, 64, 8, 4, 32}),
    [](const auto& test) { return test.param.name; });

// The batch's rows, stored in another order than they are asked for.
template <typename T>
struct Stored {
  std::vector<at::Tensor> held;
  std::vector<std::int64_t> order;
  FusedRows<T> rows;

  Stored(const data::Batch& batch, double dropout, std::int64_t step) {
    const std::int64_t n = batch.position.size(1);
    order.resize(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = (i * 3 + 1) % n;
    const at::Tensor to = at::tensor(order, at::kLong);
    for (const data::Input& input : batch.inputs) {
      at::Tensor x = at::empty_like(input.x[0]);
      x.index_copy_(0, to, input.x[0]);
      held.push_back(x);
      rows.x.push_back(held.back().const_data_ptr<T>());
      rows.present.push_back(nullptr);
      if (!input.present.defined()) continue;
      at::Tensor present = at::empty_like(input.present[0]);
      present.index_copy_(0, to, input.present[0]);
      // Whatever stands in an absent modality's features is not looked at.
      held.back().masked_fill_(present.logical_not().unsqueeze(1),
                               std::numeric_limits<double>::quiet_NaN());
      held.push_back(present);
      rows.present.back() = held.back().const_data_ptr<bool>();
    }
    rows.row = order.data();
    rows.dropout = dropout;
    rows.step = step;
    rows.first_position = batch.position[0][0].item<std::int64_t>();
  }
};

at::Tensor weights_like(const at::Tensor& y) {  // no part of the gradient cancels
  return at::arange(1, y.numel() + 1, y.options()).view(y.sizes()).sin();
}

struct Compared {
  double logits = 0, gradient = 0, gradient_size = 0;
};

// none: every row has all; some: as batch_of; also_all: and some rows have no modality at all
enum class Absent { none, some, also_all };

data::Batch batch_with(const ModelOptions& o, Absent absent, std::int64_t rows) {
  data::Batch batch = batch_of(o, {.rows = rows, .absent = absent != Absent::none});
  if (absent != Absent::also_all) return batch;
  for (data::Input& input : batch.inputs) {
    if (!input.present.defined()) input.present = at::ones({1, rows}, at::kBool);
    input.present[0][1] = false;
    input.present[0][rows - 1] = false;
  }
  return batch;
}

template <typename T>
Compared compare(const ModelOptions& o, Absent absent, double dropout) {
  const std::vector<StreamKey> keys = keys_of(1);
  const auto torch = make_model(o, keys);
  const data::Batch batch = batch_with(o, absent, Fused::GetParam().rows);
  StepParts parts{keys, at::tensor(std::vector<double>{dropout}), {}};
  const at::Tensor expected = torch->forward(batch, step_of(parts, dropout > 0)).heads[0];
  const at::Tensor w = weights_like(expected);
  (expected * w).sum().backward();

  const std::int64_t rows = batch.position.size(1);
  const auto network = make_fused_network<T>(o, keys[0], rows);
  Stored<T> stored(batch, dropout, 4);
  const T* parameters = torch->flat().const_data_ptr<T>();
  at::Tensor gradient = at::zeros_like(torch->flat_grad());
  Compared out;
  for (int twice = 0; twice < 2; ++twice) {  // nothing of the first call is left in the second
    const T* got = network->forward(parameters, stored.rows);
    const at::Tensor logits =
        at::from_blob(const_cast<T*>(got), expected.sizes(), expected.options()).clone();
    network->backward(parameters, w.contiguous().const_data_ptr<T>(),
                      gradient.mutable_data_ptr<T>());
    out.logits = std::max(out.logits, (logits - expected).abs().max().template item<double>());
    out.gradient =
        std::max(out.gradient, (gradient - torch->flat_grad()).abs().max().template item<double>());
  }
  out.gradient_size = torch->flat_grad().abs().max().template item<double>();
  return out;
}

TEST_P(Fused, LogitsAndGradientsAreThoseOfTheTorchModel) {
  for (const Absent absent : {Absent::none, Absent::some, Absent::also_all}) {
    for (const double dropout : {0.0, 0.4}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(absent)) + " " + std::to_string(dropout));
      const Compared in_double = compare<double>(options(at::kDouble), absent, dropout);
      EXPECT_GT(in_double.gradient_size, 0.1);
      EXPECT_LE(in_double.logits, 1e-12);
      EXPECT_LE(in_double.gradient, 1e-11 * in_double.gradient_size);
      const Compared in_float = compare<float>(options(at::kFloat), absent, dropout);
      EXPECT_LE(in_float.logits, 2e-5);
      EXPECT_LE(in_float.gradient, 1e-4 * in_float.gradient_size);
    }
  }
}

TEST_P(Fused, TheModelEvaluatesAPackAsTheTorchModelDoes) {
  ModelOptions o = options(at::kDouble);
  const std::vector<StreamKey> keys = keys_of(3);
  const auto torch = make_model(o, keys);
  o.kernels = Kernels::fused;
  const auto fused = make_model(o, keys);
  ASSERT_TRUE(at::equal(torch->flat(), fused->flat()));
  for (const std::int64_t rows : {7, 4, 0}) {
    const data::Batch batch = batch_of(o, {.K = 3, .rows = rows});
    StepParts parts{keys, at::zeros({3}), {}};
    const Output expected = torch->forward(batch, step_of(parts, false));
    const Output got = fused->forward(batch, step_of(parts, false));
    ASSERT_EQ(got.heads[0].sizes(), expected.heads[0].sizes());
    if (rows == 0) continue;
    EXPECT_LE((got.heads[0] - expected.heads[0]).abs().max().item<double>(), 1e-12);
    EXPECT_LE((got.embedding - expected.embedding).abs().max().item<double>(), 1e-12);
  }
  StepParts parts{keys, at::zeros({3}), {}};
  EXPECT_THROW(fused->forward(batch_of(o, {.K = 3}), step_of(parts, true)), std::exception);
}

TEST_P(Fused, ARowsLogitsDoNotDependOnItsPlaceOrItsNeighbours) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const std::int64_t hidden : {GetParam().hidden, std::int64_t{40}, std::int64_t{80}}) {
      ModelOptions o = options(dtype);
      o.hidden_size = hidden;
      o.heads = 1;
      o.kernels = Kernels::fused;
      const std::vector<StreamKey> keys = keys_of(1);
      const auto model = make_model(o, keys);
      StepParts parts{keys, at::zeros({1}), {}};
      const data::Batch batch = batch_of(o, {.rows = 32});
      const at::Tensor whole = model->forward(batch, step_of(parts, false)).heads[0][0];
      const at::Tensor order = (at::arange(32, at::kLong) * 11 + 5).remainder(32);
      data::Batch other = batch;
      for (data::Input& input : other.inputs) {
        input.x = input.x.index_select(1, order);
        if (input.present.defined()) input.present = input.present.index_select(1, order);
      }
      const at::Tensor moved = model->forward(other, step_of(parts, false)).heads[0][0];
      EXPECT_TRUE(at::equal(moved, whole.index_select(0, order))) << hidden;
    }
  }
}

TEST_P(Fused, AStepAllocatesNothing) {
  const ModelOptions o = options(at::kFloat);
  const std::vector<StreamKey> keys = keys_of(1);
  const auto torch = make_model(o, keys);
  const data::Batch batch = batch_of(o, {.rows = GetParam().rows});
  const auto network = make_fused_network<float>(o, keys[0], GetParam().rows);
  Stored<float> stored(batch, 0.3, 4);
  const std::vector<float> d_logits(static_cast<std::size_t>(GetParam().rows * o.classes), 0.1f);
  const float* parameters = torch->flat().const_data_ptr<float>();
  float* gradient = torch->flat_grad().mutable_data_ptr<float>();
  const auto step = [&] {
    network->forward(parameters, stored.rows);
    network->backward(parameters, d_logits.data(), gradient);
  };
  std::vector<int> kept;
  step();
  allocations = 0;
  counting = true;
  step();
  counting = false;
  EXPECT_EQ(allocations, 0);
  counting = true;
  std::vector<int>(100).swap(kept);
  counting = false;
  EXPECT_EQ(allocations, 1) << "the count counts";
}

TEST_P(Fused, NaNReachesTheLogits) {
  const ModelOptions o = options(at::kFloat);
  const std::vector<StreamKey> keys = keys_of(1);
  const auto torch = make_model(o, keys);
  torch->leaves()[0].value.detach().fill_(std::numeric_limits<double>::quiet_NaN());
  const data::Batch batch = batch_of(o, {.absent = false});
  const auto network = make_fused_network<float>(o, keys[0], 7);
  Stored<float> stored(batch, 0.3, 4);
  const float* logits = network->forward(torch->flat().const_data_ptr<float>(), stored.rows);
  EXPECT_TRUE(std::isnan(logits[0]));
}

TEST(SmallProduct, AgreesWithPlainSums) {
  for (const bool transposed : {false, true}) {
    for (const bool add : {false, true}) {
      const std::int64_t m = 5, n = 19, k = 13, lda = (transposed ? m : k) + 2, ldb = n + 3,
                         ldc = n + 1;
      const at::Tensor a = at::arange((transposed ? k : m) * lda, at::kDouble).sin();
      const at::Tensor b = at::arange(k * ldb, at::kDouble).cos();
      at::Tensor c = at::arange(m * ldc, at::kDouble);
      const at::Tensor before = c.clone();
      const ProductShape shape{m, n, k, lda, ldb, ldc, transposed, add};
      const Product<double> product(shape);
      product(a.const_data_ptr<double>(), b.const_data_ptr<double>(), c.mutable_data_ptr<double>());
      at::Tensor plain = before.clone();
      plain_product(shape, a.const_data_ptr<double>(), b.const_data_ptr<double>(),
                    plain.mutable_data_ptr<double>());
      const at::Tensor left =
          transposed ? a.view({k, lda}).narrow(1, 0, m).t() : a.view({m, lda}).narrow(1, 0, k);
      at::Tensor expected = before.clone().view({m, ldc});
      const at::Tensor sum = at::mm(left, b.view({k, ldb}).narrow(1, 0, n));
      expected.narrow(1, 0, n).copy_(add ? expected.narrow(1, 0, n) + sum : sum);
      EXPECT_LE((c - expected.flatten()).abs().max().item<double>(), 1e-13)
          << transposed << " " << add;
      EXPECT_LE((plain - expected.flatten()).abs().max().item<double>(), 1e-13)
          << transposed << " " << add;
    }
  }
}

// Sums in order, element by element: blocks of rows and columns must change no bit.
TEST(SmallProduct, PlainIsTheSameForEveryBlock) {
  for (const std::int64_t m : {1, 3, 4, 9}) {
    for (const std::int64_t n : {1, 7, 8, 16, 29}) {
      for (const bool transposed : {false, true}) {
        for (const bool add : {false, true}) {
          const std::int64_t k = 21, lda = (transposed ? m : k) + 1, ldb = n + 2, ldc = n + 3;
          const at::Tensor a = at::arange((transposed ? k : m) * lda, at::kFloat).sin();
          const at::Tensor b = at::arange(k * ldb, at::kFloat).cos();
          at::Tensor c = at::arange(m * ldc, at::kFloat).sin(), expected = c.clone();
          const float *p = a.const_data_ptr<float>(), *q = b.const_data_ptr<float>();
          for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t j = 0; j < n; ++j) {
              volatile float sum = add ? expected.const_data_ptr<float>()[i * ldc + j] : 0;
              for (std::int64_t r = 0; r < k; ++r) {
                volatile const float product =
                    p[transposed ? r * lda + i : i * lda + r] * q[r * ldb + j];
                sum = sum + product;
              }
              expected.mutable_data_ptr<float>()[i * ldc + j] = sum;
            }
          }
          plain_product({m, n, k, lda, ldb, ldc, transposed, add}, p, q,
                        c.mutable_data_ptr<float>());
          EXPECT_TRUE(at::equal(c, expected)) << m << " " << n << " " << transposed << " " << add;
        }
      }
    }
  }
}

// "products <name> <digest>" of products of many shapes.
void print_bits() {
  Sha256 hash;
  const auto add = [&hash]<typename T>(T, std::int64_t m, std::int64_t n, std::int64_t k,
                                       bool transposed) {
    const at::TensorOptions type(std::is_same_v<T, float> ? at::kFloat : at::kDouble);
    const at::Tensor a = at::arange(m * k, type).sin(), b = at::arange(k * n, type).cos();
    at::Tensor c = at::arange(m * n, type).sin();
    const Product<T> product({m, n, k, transposed ? m : k, n, n, transposed, true});
    product(a.const_data_ptr<T>(), b.const_data_ptr<T>(), c.mutable_data_ptr<T>());
    hash.add_sized({static_cast<const char*>(c.const_data_ptr()), c.nbytes()});
  };
  for (const std::int64_t m : {1, 4, 8, 32, 33}) {
    for (const std::int64_t n : {1, 2, 4, 8, 12, 17, 20, 64, 192}) {
      for (const std::int64_t k : {1, 8, 33, 64, 130}) {
        for (const bool transposed : {false, true}) {
          add(float(), m, n, k, transposed);
          add(double(), m, n, k, transposed);
        }
      }
    }
  }
  std::printf("products %s %s\n", product_instructions().c_str(), hash.finish().hex().c_str());
}

constexpr char kPrint[] = "EMOSWEEP_PRINT_PRODUCTS",
               kBitsTest[] = "SmallProduct.ProcessorsOfOneNameHaveTheSameBits";

// {name, digest} of a process of its own with this LIBXSMM_TARGET.
std::pair<std::string, std::string> bits_of(const std::string& target) {
  const std::string command = std::string(kPrint) + "=1 LIBXSMM_TARGET=" + target + " '" +
                              std::filesystem::read_symlink("/proc/self/exe").string() +
                              "' --gtest_filter=" + kBitsTest;
  std::FILE* const out = popen(command.c_str(), "r");
  char line[512], name[64] = "", digest[80] = "";
  while (out != nullptr && std::fgets(line, sizeof(line), out)) {
    std::sscanf(line, "products %63s %79s", name, digest);
  }
  EXPECT_EQ(pclose(out), 0) << command;
  return {name, digest};
}

// What product_instructions() promises: a record holds the name and not the processor.
TEST(SmallProduct, ProcessorsOfOneNameHaveTheSameBits) {
  if (std::getenv(kPrint) != nullptr) return print_bits();
  std::map<std::string, std::set<std::string>> digests;
  const auto add = [&](const std::string& target, const std::string& name) {
    const auto [found, digest] = bits_of(target);
    EXPECT_EQ(found, name) << target;
    digests[name].insert(digest);
  };
  add("generic", "plain");
  for (const char* target : {"sse3", "wsm"}) add(target, "wsm");
  if (__builtin_cpu_supports("avx")) add("snb", "wsm");
  if (__builtin_cpu_supports("avx2")) add("hsw", "hsw");
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
    for (const char* target : {"skx", "clx", "cpx"}) add(target, "skx");
  }
  for (const auto& [name, some] : digests) EXPECT_EQ(some.size(), 1u) << name;
}

TEST(SmallProduct, SaysWhyItIsPlain) {
  EXPECT_EQ(product_instructions() == "plain", !why_products_are_plain().empty());
}

TEST(SmallProduct, Transposes) {
  const at::Tensor a = at::arange(7 * 11, at::kFloat).view({7, 11});
  at::Tensor t = at::zeros({9, 7});
  transpose(a.const_data_ptr<float>(), 7, 9, t.mutable_data_ptr<float>(), 11);
  EXPECT_TRUE(at::equal(t, a.narrow(1, 0, 9).t()));
}

// Of one shape, whose matrices have gaps between their rows, against at::mm.
template <typename T>
void compare_turned(std::int64_t m, std::int64_t n, std::int64_t k, bool add) {
  SCOPED_TRACE(std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
               (add ? " added" : ""));
  const at::TensorOptions type(std::is_same_v<T, float> ? at::kFloat : at::kDouble);
  const at::Tensor a = at::arange(m * (k + 2), type).sin().view({m, k + 2}),
                   b = at::arange(n * (k + 3), type).cos().view({n, k + 3});
  at::Tensor c = at::arange(m * (n + 5), type).view({m, n + 5}).remainder(7);
  const at::Tensor before = c.clone();
  const TurnedShape shape{m, n, k, k + 2, k + 3, n + 5, add};
  const std::int64_t needed = TurnedProduct<T>::scratch(shape);
  at::Tensor scratch = at::full({needed + 8}, 77, type);
  TurnedProduct<T> product(shape);
  product(a.const_data_ptr<T>(), b.const_data_ptr<T>(), c.mutable_data_ptr<T>(),
          scratch.mutable_data_ptr<T>());
  at::Tensor expected = at::mm(a.narrow(1, 0, k), b.narrow(1, 0, k).t());
  if (add) expected = expected + before.narrow(1, 0, n);
  const double tolerance = type.dtype() == at::kFloat ? 1e-4 : 1e-12;
  EXPECT_LE((c.narrow(1, 0, n) - expected).abs().max().item<double>(), tolerance);
  EXPECT_TRUE(at::equal(c.narrow(1, n, 5), before.narrow(1, n, 5))) << "between the rows";
  EXPECT_TRUE(scratch.narrow(0, needed, 8).eq(77).all().item<bool>());
}

constexpr char kTurnedTest[] = "SmallProduct.OfTransposedMatrices";

// By kernels of this processor, and in a process of its own without any.
TEST(SmallProduct, OfTransposedMatrices) {
  for (const std::int64_t m : {1, 3, 8, 40}) {
    for (const std::int64_t n : {1, 7, 33}) {
      for (const std::int64_t k : {2, 24, 65}) {
        for (const bool add : {false, true}) {
          compare_turned<float>(m, n, k, add);
          compare_turned<double>(m, n, k, add);
        }
      }
    }
  }
  if (product_instructions() == "plain") return;
  const std::string command = "LIBXSMM_TARGET=generic '" +
                              std::filesystem::read_symlink("/proc/self/exe").string() +
                              "' --gtest_filter=" + kTurnedTest + " > /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

TEST(WhyNotFused, WideModelsAndLargeBatchesStayWithTorch) {
  ModelOptions o = options_of(Fusion::gated, 2);
  EXPECT_EQ(why_not_fused(o, 32), "");
  EXPECT_NE(why_not_fused(o, 4096), "");
  o.hidden_size = 2048;
  EXPECT_NE(why_not_fused(o, 32), "");
}

}  // namespace
}  // namespace emosweep::models::test
