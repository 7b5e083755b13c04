#include "models/small_product.h"

#include <libxsmm.h>
#include <sys/mman.h>

#include <type_traits>

#include "base/error.h"
#include "base/wide.h"
#include "models/lanes.h"

namespace emosweep::models {
namespace {

libxsmm_blasint narrow(std::int64_t size) {
  EMO_CHECK(size >= 0 && size < (std::int64_t{1} << 31), "a matrix that is small");
  return static_cast<libxsmm_blasint>(size);
}

// libxsmm 1.17 does not look whether it got such memory, and writes through the error.
bool memory_may_hold_code() {
  constexpr std::size_t kBytes = 4096;
  void* const page =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  const bool stays = mprotect(page, kBytes, PROT_READ | PROT_EXEC) == 0;
  munmap(page, kBytes);
  return stays;
}

struct Target {
  std::string name, why_plain;
};

Target find_target() {
  if (!memory_may_hold_code()) {
    libxsmm_set_target_archid(LIBXSMM_TARGET_ARCH_GENERIC);
    return {"plain", "the system allows no memory that is written and then executed"};
  }
  libxsmm_init();
  const int level = libxsmm_get_target_archid();
  if (level <= LIBXSMM_X86_GENERIC) {
    return {"plain", "libxsmm makes no code for this processor"};
  }
  // Before AVX2 there is no fused multiply-add, and later AVX-512 adds nothing to float and double:
  // tests compare the bits.
  if (level <= LIBXSMM_X86_AVX) return {"wsm", ""};
  if (level >= LIBXSMM_X86_AVX512_CORE && level <= LIBXSMM_X86_AVX512_CPX) return {"skx", ""};
  return {libxsmm_get_target_arch(), ""};
}

// Whoever comes first asks, before anything of libxsmm is used.
const Target& target() {
  static const Target found = find_target();
  return found;
}

// R rows and V vectors of columns of C, in registers.
template <typename T, int R, int V>
EMO_BODY void block(const ProductShape& s, const T* a, const T* b, T* c) {
  using L = Lanes<T>;
  const std::int64_t row = s.transposed ? 1 : s.lda, column = s.transposed ? s.lda : 1;
  typename L::Vector sum[R][V] = {};
  if (s.add) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) L::load(c + r * s.ldc + v * L::count, sum[r][v]);
    }
  }
  for (std::int64_t q = 0; q < s.k; ++q) {
    typename L::Vector x[V];
    for (int v = 0; v < V; ++v) L::load(b + q * s.ldb + v * L::count, x[v]);
    for (int r = 0; r < R; ++r) {
      const T factor = a[r * row + q * column];
      for (int v = 0; v < V; ++v) sum[r][v] += factor * x[v];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) L::store(sum[r][v], c + r * s.ldc + v * L::count);
  }
}

// R rows of C and all its columns.
template <typename T, int R>
EMO_BODY void rows(const ProductShape& s, const T* a, const T* b, T* c) {
  constexpr std::int64_t kLanes = Lanes<T>::count;
  std::int64_t j = 0;
  for (; j + 2 * kLanes <= s.n; j += 2 * kLanes) block<T, R, 2>(s, a, b + j, c + j);
  for (; j + kLanes <= s.n; j += kLanes) block<T, R, 1>(s, a, b + j, c + j);
  const std::int64_t row = s.transposed ? 1 : s.lda, column = s.transposed ? s.lda : 1;
  for (; j < s.n; ++j) {
    T sum[R] = {};
    for (int r = 0; r < R; ++r) sum[r] = s.add ? c[r * s.ldc + j] : T(0);
    for (std::int64_t q = 0; q < s.k; ++q) {
      for (int r = 0; r < R; ++r) sum[r] += a[r * row + q * column] * b[q * s.ldb + j];
    }
    for (int r = 0; r < R; ++r) c[r * s.ldc + j] = sum[r];
  }
}

template <typename T>
EMO_BODY void product_body(const ProductShape& s, const T* a, const T* b, T* c) {
  constexpr int kRows = 4;
  const std::int64_t row = s.transposed ? 1 : s.lda;
  std::int64_t i = 0;
  for (; i + kRows <= s.m; i += kRows) rows<T, kRows>(s, a + i * row, b, c + i * s.ldc);
  for (; i < s.m; ++i) rows<T, 1>(s, a + i * row, b, c + i * s.ldc);
}

template <typename T>
EMO_WIDE void product_wide(const ProductShape& s, const T* a, const T* b, T* c) {
  product_body(s, a, b, c);
}

}  // namespace

// libxsmm's matrices stand column by column: C' = B' A' there is C = A B here.
template <typename T>
Product<T>::Product(const ProductShape& s) : shape_(s) {
  EMO_CHECK(s.m > 0 && s.n > 0 && s.k > 0, "a product of matrices that are not empty");
  if (!target().why_plain.empty()) return;
  const libxsmm_blasint lda = narrow(s.ldb), ldb = narrow(s.lda), ldc = narrow(s.ldc);
  const T alpha = 1, beta = s.add ? 1 : 0;
  const int flags = s.transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;  // others read addresses that are not passed
  if constexpr (std::is_same_v<T, float>) {
    kernel_ = libxsmm_smmdispatch(narrow(s.n), narrow(s.m), narrow(s.k), &lda, &ldb, &ldc, &alpha,
                                  &beta, &flags, &prefetch);
  } else {
    kernel_ = libxsmm_dmmdispatch(narrow(s.n), narrow(s.m), narrow(s.k), &lda, &ldb, &ldc, &alpha,
                                  &beta, &flags, &prefetch);
  }
  // It makes every shape; a record that names its kernels must not hold other bits.
  EMO_CHECK(kernel_ != nullptr, "libxsmm makes kernels in this process");
}

template <typename T>
void plain_product(const ProductShape& s, const T* a, const T* b, T* c) {
  wide() ? product_wide(s, a, b, c) : product_body(s, a, b, c);
}

template void plain_product(const ProductShape&, const float*, const float*, float*);
template void plain_product(const ProductShape&, const double*, const double*, double*);

std::string product_instructions() { return target().name; }
std::string why_products_are_plain() { return target().why_plain; }

template class Product<float>;
template class Product<double>;

namespace {

template <typename T>
void transpose_of(const T* from, std::int64_t rows, std::int64_t columns, T* to, std::int64_t ld,
                  std::int64_t ld_to) {
  if (ld == 0) ld = columns;
  if (ld_to == 0) ld_to = rows;
  if (target().why_plain.empty()) {
    libxsmm_otrans(to, from, sizeof(T), narrow(columns), narrow(rows), narrow(ld), narrow(ld_to));
    return;
  }
  // libxsmm's own would make code here too.
  for (std::int64_t j = 0; j < columns; ++j) {
    for (std::int64_t i = 0; i < rows; ++i) to[j * ld_to + i] = from[i * ld + j];
  }
}

bool turns_a(const TurnedShape& s) { return !s.add && s.m * (s.n + s.k) < s.n * s.k; }

// With B turned [k, n], or by A turned [k, m]: C' = B A'.
ProductShape product_of(const TurnedShape& s) {
  if (turns_a(s)) return {s.n, s.m, s.k, s.ldb, s.m, s.m, false, false};
  return {s.m, s.n, s.k, s.lda, s.n, s.ldc, false, s.add};
}

}  // namespace

void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to,
               std::int64_t ld, std::int64_t ld_to) {
  transpose_of(from, rows, columns, to, ld, ld_to);
}
void transpose(const double* from, std::int64_t rows, std::int64_t columns, double* to,
               std::int64_t ld, std::int64_t ld_to) {
  transpose_of(from, rows, columns, to, ld, ld_to);
}

template <typename T>
TurnedProduct<T>::TurnedProduct(const TurnedShape& shape)
    : shape_(shape), turn_a_(turns_a(shape)), product_(product_of(shape)) {}

template <typename T>
std::int64_t TurnedProduct<T>::scratch(const TurnedShape& s) {
  return turns_a(s) ? s.m * (s.n + s.k) : s.n * s.k;
}

template <typename T>
void TurnedProduct<T>::operator()(const T* a, const T* b, T* c, T* scratch) const {
  const TurnedShape& s = shape_;
  if (!turn_a_) {
    transpose(b, s.n, s.k, scratch, s.ldb);
    product_(a, scratch, c);
    return;
  }
  T *turned = scratch, *result = turned + s.m * s.k;
  transpose(a, s.m, s.k, turned, s.lda);
  product_(b, turned, result);
  transpose(result, s.n, s.m, c, 0, s.ldc);
}

template class TurnedProduct<float>;
template class TurnedProduct<double>;

}  // namespace emosweep::models
