#include "base/philox.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/hash.h"
#include "base/philox_lanes.h"

namespace emosweep {

namespace {

// Little endian whatever the machine, so that keys are the same everywhere.
void add_u64(Sha256& hash, std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  hash.add(bytes);
}

std::uint64_t read_u64(const Digest& digest, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value |= static_cast<std::uint64_t>(digest.bytes[at + i]) << (8 * i);
  }
  return value;
}

StreamKey first_16_bytes(const Digest& digest) {
  return {read_u64(digest, 0), read_u64(digest, 8)};
}

// Random numbers of 64 bits: two to a block.
std::uint64_t joined(std::uint32_t low, std::uint32_t high) {
  return static_cast<std::uint64_t>(high) << 32 | low;
}

__extension__ using Wide = unsigned __int128;

// value = a number below n from one of a block's two candidates; false where both are refused.
// Lemire, "Fast random integer generation in an interval", 2019: x n / 2^64, refused where the low
// half of the product falls below 2^64 mod n.
bool accept(const std::uint32_t* words, std::uint64_t n, std::uint64_t& value) {
  for (const std::uint64_t x : {joined(words[0], words[1]), joined(words[2], words[3])}) {
    const Wide product = static_cast<Wide>(x) * n;
    value = static_cast<std::uint64_t>(product >> 64);
    const auto low = static_cast<std::uint64_t>(product);
    if (low >= n || low >= (0 - n) % n) return true;  // the division is hardly ever needed
  }
  return false;
}

}  // namespace

StreamKey trial_key(std::uint64_t seed, std::string_view fold) {
  Sha256 hash;
  hash.add_sized("emosweep trial");
  add_u64(hash, seed);
  return first_16_bytes(hash.add_sized(fold).finish());
}

StreamKey derive(const StreamKey& key, std::string_view purpose) {
  Sha256 hash;
  hash.add_sized("emosweep stream");
  add_u64(hash, key.a);
  add_u64(hash, key.b);
  return first_16_bytes(hash.add_sized(purpose).finish());
}

std::array<std::uint32_t, 4> philox(const StreamKey& key, std::uint64_t step, std::uint64_t block) {
  std::array<std::uint32_t, 4> words{};
  lanes::fill_blocks(lanes::Path::plain, words.data(), 1, {key.a, block, step ^ key.b});
  return words;
}

void fill_words(std::span<std::uint32_t> out, const StreamKey& key, std::uint64_t step,
                std::uint64_t first_block) {
  const std::size_t whole = out.size() / 4;
  lanes::fill_blocks(lanes::best_path(), out.data(), whole, {key.a, first_block, step ^ key.b});
  if (out.size() % 4 != 0) {
    const auto last = philox(key, step, first_block + whole);
    std::copy_n(last.begin(), out.size() % 4, out.data() + 4 * whole);
  }
}

void fill_uniform(std::span<float> out, const StreamKey& key, std::uint64_t step,
                  std::uint64_t first_block) {
  // Through a buffer that stays in the first-level cache.
  std::array<std::uint32_t, 1024> words;
  for (std::size_t done = 0; done < out.size(); done += words.size()) {
    const std::size_t count = std::min(words.size(), out.size() - done);
    fill_words(std::span(words).first(count), key, step, first_block + done / 4);
    // 24 bits are what a float holds, so the product is exact and never rounds up to 1. As a signed
    // integer: that conversion is one instruction.
    for (std::size_t i = 0; i < count; ++i) {
      out[done + i] = static_cast<float>(static_cast<std::int32_t>(words[i] >> 8)) * 0x1p-24f;
    }
  }
}

std::uint64_t uniform_index(const StreamKey& key, std::uint64_t step, std::uint64_t index,
                            std::uint64_t n) {
  EMO_CHECK(n >= 1, "a random index below 0 was asked for");
  // Blocks are numbered (attempt, index): 8 and 56 bits. A candidate is refused with probability
  // below 1/2, so that 512 of them fail together with probability 2^-512.
  EMO_CHECK(index < std::uint64_t{1} << 56, "a random stream holds 2^56 indices");
  std::uint64_t value = 0;
  for (std::uint64_t attempt = 0; attempt < 256; ++attempt) {
    const auto words = philox(key, step, attempt << 56 | index);
    if (accept(words.data(), n, value)) break;
  }
  return value;
}

void fill_indices(std::span<std::uint64_t> out, const StreamKey& key, std::uint64_t step,
                  std::uint64_t first, std::uint64_t n) {
  EMO_CHECK(n >= 1, "a random index below 0 was asked for");
  EMO_CHECK(first + out.size() <= std::uint64_t{1} << 56, "a random stream holds 2^56 indices");
  constexpr std::size_t kBlocks = 256;
  std::array<std::uint32_t, 4 * kBlocks> words;
  for (std::size_t begin = 0; begin < out.size(); begin += kBlocks) {
    const std::size_t count = std::min(kBlocks, out.size() - begin);
    fill_words(std::span(words).first(4 * count), key, step, first + begin);
    for (std::size_t i = 0; i < count; ++i) {
      if (!accept(words.data() + 4 * i, n, out[begin + i])) {
        out[begin + i] = uniform_index(key, step, first + begin + i, n);
      }
    }
  }
}

std::vector<std::int64_t> permutation(std::int64_t n, const StreamKey& key, std::uint64_t step) {
  EMO_CHECK(n >= 0, "a permutation of a negative count was asked for");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  // Element i is swapped with one up to it, chosen by uniform_index(key, step, i, i + 1), whose
  // first blocks are drawn side by side.
  constexpr std::uint64_t kBlocks = 256;
  std::array<std::uint32_t, 4 * kBlocks> words;
  for (std::uint64_t end = order.size(); end > 1;) {
    const std::uint64_t begin = (end - 1) / kBlocks * kBlocks;
    fill_words(std::span(words).first(4 * (end - begin)), key, step, begin);
    for (std::uint64_t i = end; i-- > std::max<std::uint64_t>(begin, 1);) {
      std::uint64_t with = 0;
      if (!accept(words.data() + 4 * (i - begin), i + 1, with)) {
        with = uniform_index(key, step, i, i + 1);
      }
      std::swap(order[i], order[with]);
    }
    end = begin;
  }
  return order;
}

}  // namespace emosweep
