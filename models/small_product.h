// Products and transposes of small matrices, row by row in memory, by kernels that libxsmm makes at
// run time for exactly one shape and this processor.
#pragma once

#include <cstdint>
#include <string>

namespace emosweep::models {

// C [m,n] = A B, or C += A B, with B [k,n] and A [m,k] or, `transposed`, A stored as [k,m].
struct ProductShape {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;  // elements from one stored row to the next
  bool transposed = false, add = false;
};

// By plain loops: every element is its own sum over k, in order and unfused, so that all processors
// give the same bits. T is float or double.
template <typename T>
void plain_product(const ProductShape& shape, const T* a, const T* b, T* c);

// Immutable; calls are thread-safe. Where no kernel can be made (why_products_are_plain) it is the
// plain product. T is float or double.
template <typename T>
class Product {
 public:
  Product() = default;
  explicit Product(const ProductShape& shape);
  void operator()(const T* a, const T* b, T* c) const {
    kernel_ != nullptr ? kernel_(b, a, c) : plain_product(shape_, a, b, c);
  }

 private:
  using Kernel = void (*)(const T*, const T*, T*, ...);
  ProductShape shape_;
  Kernel kernel_ = nullptr;  // libxsmm keeps it for the process's life
};

// Which kernels compute this process's products: "plain", or by libxsmm's name the oldest processor
// whose kernels give the same bits: "wsm", "hsw", "skx". Thread-safe.
std::string product_instructions();
// Why no kernels can be made here; "" where they can: the processor is one that libxsmm makes none
// for, or the system allows no memory that is written and then executed. Thread-safe.
std::string why_products_are_plain();

// to [columns, rows] = from [rows, columns] transposed; from's rows are `ld` apart, to's `ld_to`
// (0: dense).
void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to,
               std::int64_t ld = 0, std::int64_t ld_to = 0);
void transpose(const double* from, std::int64_t rows, std::int64_t columns, double* to,
               std::int64_t ld = 0, std::int64_t ld_to = 0);

// C [m,n] = A B', or C += A B', with A [m,k] and B [n,k]: the gradient of a layer's input from that
// of its output and its weights.
struct TurnedShape {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;  // elements from one stored row to the next
  bool add = false;
};

// libxsmm has no kernel for that: either B is transposed, or, where these are fewer numbers and C
// is overwritten, A and C are. Which, follows from the shape alone. Immutable; calls are
// thread-safe. T is float or double.
template <typename T>
class TurnedProduct {
 public:
  TurnedProduct() = default;
  explicit TurnedProduct(const TurnedShape& shape);
  static std::int64_t scratch(const TurnedShape& shape);  // elements that a call needs
  void operator()(const T* a, const T* b, T* c, T* scratch) const;

 private:
  TurnedShape shape_;
  bool turn_a_ = false;  // and C, not B
  Product<T> product_;
};

}  // namespace emosweep::models
