#include "data/text/token_rows.h"

#include "base/workers.h"
#include "data/text/wordpiece.h"

namespace emosweep::data {

TokenRows token_rows(const WordPiece& tokenizer, const std::vector<std::string>& texts,
                     std::int64_t max_length) {
  constexpr std::size_t kPiece = 256;
  std::vector<std::vector<std::int32_t>> each(texts.size());
  share_out((texts.size() + kPiece - 1) / kPiece, usable_cores(), [&](const Next& next) {
    for (std::size_t piece = next(); piece * kPiece < texts.size(); piece = next()) {
      const std::size_t end = std::min(texts.size(), (piece + 1) * kPiece);
      for (std::size_t i = piece * kPiece; i < end; ++i)
        each[i] = tokenizer.encode(texts[i], max_length);
    }
  });
  TokenRows rows;
  rows.begin.push_back(0);
  for (const auto& ids : each) {
    rows.ids.insert(rows.ids.end(), ids.begin(), ids.end());
    rows.begin.push_back(static_cast<std::int64_t>(rows.ids.size()));
  }
  return rows;
}

}  // namespace emosweep::data
