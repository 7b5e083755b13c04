// The texts of a dataset as token ids, one behind the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace emosweep::data {

class WordPiece;

// Immutable, thread-safe.
struct TokenRows {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> begin;  // [n + 1]

  std::int64_t rows() const { return static_cast<std::int64_t>(begin.size()) - 1; }
  std::span<const std::int32_t> row(std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i);
    return {ids.data() + begin[at], static_cast<std::size_t>(begin[at + 1] - begin[at])};
  }
};

// At most max_length tokens a text, the first and last ones included. On all cores.
TokenRows token_rows(const WordPiece& tokenizer, const std::vector<std::string>& texts,
                     std::int64_t max_length);

}  // namespace emosweep::data
