#include "models/small_product.h"

#include <libxsmm.h>

#include <algorithm>
#include <type_traits>

#include "base/error.h"

namespace emosweep::models {
namespace {

libxsmm_blasint narrow(std::int64_t size) {
  EMO_CHECK(size >= 0 && size < (std::int64_t{1} << 31), "a matrix that is small");
  return static_cast<libxsmm_blasint>(size);
}

}  // namespace

// libxsmm's matrices stand column by column: C' = B' A' there is C = A B here.
template <typename T>
Product<T>::Product(const ProductShape& s) : shape_(s) {
  EMO_CHECK(s.m > 0 && s.n > 0 && s.k > 0, "a product of matrices that are not empty");
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
}

template <typename T>
void plain_product(const ProductShape& s, const T* a, const T* b, T* c) {
  const std::int64_t row = s.transposed ? 1 : s.lda, column = s.transposed ? s.lda : 1;
  for (std::int64_t i = 0; i < s.m; ++i) {
    T* to = c + i * s.ldc;
    if (!s.add) std::fill_n(to, s.n, T(0));
    for (std::int64_t q = 0; q < s.k; ++q) {
      const T factor = a[i * row + q * column];
      for (std::int64_t j = 0; j < s.n; ++j) to[j] += factor * b[q * s.ldb + j];
    }
  }
}

template void plain_product(const ProductShape&, const float*, const float*, float*);
template void plain_product(const ProductShape&, const double*, const double*, double*);
std::string product_instructions() { return libxsmm_get_target_arch(); }

template class Product<float>;
template class Product<double>;

void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to,
               std::int64_t ld) {
  libxsmm_otrans(to, from, sizeof(float), narrow(columns), narrow(rows),
                 narrow(ld > 0 ? ld : columns), narrow(rows));
}
void transpose(const double* from, std::int64_t rows, std::int64_t columns, double* to,
               std::int64_t ld) {
  libxsmm_otrans(to, from, sizeof(double), narrow(columns), narrow(rows),
                 narrow(ld > 0 ? ld : columns), narrow(rows));
}

}  // namespace emosweep::models
