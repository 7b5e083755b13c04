// Random numbers as functions of (seed, fold, purpose, step, position), never of call order:
// Philox4x32-10 (Salmon et al., SC 2011), keyed by SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace emosweep {

struct StreamKey {
  std::uint64_t a = 0, b = 0;
  bool operator==(const StreamKey&) const = default;
};

// The key of a trial: the first 16 bytes of SHA-256 over (seed, fold). Conditions of one seed and
// fold share it.
StreamKey trial_key(std::uint64_t seed, std::string_view fold);
// The key of one purpose ("order", "weights/head", "dropout/fusion.1") within a trial.
StreamKey derive(const StreamKey& key, std::string_view purpose);

// One block of four 32-bit words. Philox has a key of 64 and a counter of 128 bits: the key is `a`,
// the counter's low half the block, its high half `step ^ b`. Within a stream every (step, block)
// has a block of its own; two streams share blocks only where both a and most of b agree (keys are
// SHA-256 values). Pure function, thread-safe.
std::array<std::uint32_t, 4> philox(const StreamKey& key, std::uint64_t step, std::uint64_t block);

// Word i of out is word i % 4 of block first_block + i / 4.
void fill_words(std::span<std::uint32_t> out, const StreamKey& key, std::uint64_t step,
                std::uint64_t first_block);
// Uniform in [0, 1) with 24 bits, from the same words.
void fill_uniform(std::span<float> out, const StreamKey& key, std::uint64_t step,
                  std::uint64_t first_block);
// Standard normal by Box-Muller from two 32-bit words each (double arithmetic): element i uses
// words 2i, 2i+1. The same bits on every machine: no function of the C library but sqrt is used.
void fill_normal(std::span<double> out, const StreamKey& key, std::uint64_t step);
// Unbiased integer in [0, n) number `index` of the stream. n >= 1, index < 2^56. Reads blocks
// (attempt << 56) + index, so a (key, step) used here is not used for fill_* too: derive a key for
// each purpose.
std::uint64_t uniform_index(const StreamKey& key, std::uint64_t step, std::uint64_t index,
                            std::uint64_t n);
// out[i] = uniform_index(key, step, first + i, n), drawn side by side.
void fill_indices(std::span<std::uint64_t> out, const StreamKey& key, std::uint64_t step,
                  std::uint64_t first, std::uint64_t n);
// A permutation of 0..n-1: Fisher-Yates from uniform_index.
std::vector<std::int64_t> permutation(std::int64_t n, const StreamKey& key, std::uint64_t step);

}  // namespace emosweep
