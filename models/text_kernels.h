// Loops over plain memory of attention and dropout within texts. Private to models/. The same bits
// on every processor (base/wide.h).
#pragma once

#include <cstdint>

namespace emosweep::models {

// x [rows, width] becomes softmax(scale * x) of each row.
void softmax_rows(float* x, std::int64_t rows, std::int64_t width, float scale);
void softmax_rows(double* x, std::int64_t rows, std::int64_t width, double scale);

// p: weights, those dropped with the sign set. d: gradient of the weights behind the dropping,
// becomes that of what the softmax was taken of, before it was scaled.
void softmax_rows_backward(const float* p, float keep, std::int64_t rows, std::int64_t width,
                           float scale, float* d);
void softmax_rows_backward(const double* p, double keep, std::int64_t rows, std::int64_t width,
                           double scale, double* d);

// Sets the sign of numbers whose half-word is below the threshold. Half-word j is the low (even j)
// or high half of words[j / 2].
void mark_dropped(float* x, const std::uint32_t* words, std::uint32_t threshold, std::int64_t n);
void mark_dropped(double* x, const std::uint32_t* words, std::uint32_t threshold, std::int64_t n);
// y = keep * x, 0 where the sign is set.
void kept_only(const float* x, float keep, std::int64_t n, float* y);
void kept_only(const double* x, double keep, std::int64_t n, double* y);

// kept: 1, or 0 where the half-word is below the threshold.
void keep_numbers(const std::uint32_t* words, std::uint32_t threshold, std::int64_t n,
                  std::uint8_t* kept);
// y = x + keep * z where kept, x where not; x null: 0.
void add_kept(const float* z, const float* x, const std::uint8_t* kept, float keep, std::int64_t n,
              float* y);
void add_kept(const double* z, const double* x, const std::uint8_t* kept, double keep,
              std::int64_t n, double* y);

}  // namespace emosweep::models
