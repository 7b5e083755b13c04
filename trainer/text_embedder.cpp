#include "trainer/text_embedder.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/workers.h"

namespace emosweep::trainer {
namespace {

// Enough to fill the products, little enough for the caches: 1,024 tokens of 384 numbers are 1.5
// MB.
constexpr std::int64_t kTokensOfBatch = 1024;

using Ids = std::vector<std::int32_t>;

// Texts of one token count: [first, last) of the order by length.
struct Piece {
  std::size_t first, last;
};

std::vector<Piece> pieces_of(const std::vector<Ids>& ids, const std::vector<std::size_t>& order) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < order.size();) {
    const std::size_t length = ids[order[at]].size();
    const auto most = std::max<std::size_t>(1, static_cast<std::size_t>(kTokensOfBatch) / length);
    std::size_t end = at + 1;
    while (end < order.size() && end - at < most && ids[order[end]].size() == length) ++end;
    pieces.push_back({at, end});
    at = end;
  }
  return pieces;
}

at::Tensor tensor_of(const std::vector<Ids>& ids, std::span<const std::size_t> rows) {
  const auto length = std::ssize(ids[rows[0]]);
  at::Tensor out = at::empty({std::ssize(rows), length}, at::kLong);
  std::int64_t* to = out.mutable_data_ptr<std::int64_t>();
  for (const std::size_t row : rows) to = std::copy(ids[row].begin(), ids[row].end(), to);
  return out;
}

}  // namespace

std::int64_t EncoderEmbedder::width(const data::EmbeddingOptions& options) {
  const models::TextEncoderOptions encoder = models::read_encoder_options(options.encoder);
  if (encoder.positions < options.max_length)
    throw InputError(options.encoder.string() + ": the encoder has " +
                     std::to_string(encoder.positions) + " positions, fewer than max_length " +
                     std::to_string(options.max_length));
  return encoder.hidden_size;
}

const EncoderEmbedder::Loaded& EncoderEmbedder::loaded(const data::EmbeddingOptions& options) {
  const auto [place, fresh] = loaded_.try_emplace(options.encoder.string());
  if (fresh) {
    place->second.tokenizer = data::WordPiece::load(options.encoder);
    place->second.encoder =
        std::make_unique<models::TextEncoder>(models::TextEncoder::load(options.encoder));
    const std::int64_t pieces = place->second.tokenizer.size();
    const std::int64_t words = place->second.encoder->options().vocabulary;
    if (pieces > words)
      throw InputError(options.encoder.string() + ": the tokenizer has " + std::to_string(pieces) +
                       " pieces, the encoder " + std::to_string(words));
  }
  return place->second;
}

std::vector<float> EncoderEmbedder::embed(const data::EmbeddingOptions& options,
                                          const std::vector<std::string>& texts) {
  const Loaded& with = loaded(options);
  const auto width = static_cast<std::size_t>(with.encoder->options().hidden_size);
  std::vector<Ids> ids;
  for (const std::string& text : texts)
    ids.push_back(with.tokenizer.encode(text, options.max_length));
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return ids[a].size() < ids[b].size(); });
  const std::vector<Piece> pieces = pieces_of(ids, order);
  std::vector<float> out(texts.size() * width);
  const auto encode = [&](const Piece& piece) {
    const std::span<const std::size_t> rows(order.data() + piece.first, piece.last - piece.first);
    const at::Tensor state = with.encoder->forward(tensor_of(ids, rows));
    const at::Tensor pooled =
        (options.pooling == "cls" ? state.select(1, 0) : state.mean(1)).contiguous();
    const float* from = pooled.const_data_ptr<float>();
    for (const std::size_t row : rows) {
      std::copy_n(from, width, out.begin() + static_cast<std::ptrdiff_t>(row * width));
      from += width;
    }
  };
  share_out(pieces.size(), usable_cores(), [&](const Next& next) {
    at::init_num_threads();
    const at::NoGradGuard no_grad;
    // The longest first: nobody waits for one of them at the end.
    for (std::size_t i = next(); i < pieces.size(); i = next())
      encode(pieces[pieces.size() - 1 - i]);
  });
  return out;
}

}  // namespace emosweep::trainer
