#include "models/fused_layers.h"

#include "models/blocks.h"

namespace emosweep::models {

DropLayer::DropLayer(const StreamKey& trial, const std::string& layer, std::int64_t rows,
                     std::int64_t width)
    : key_(derive(trial, "dropout/" + layer)),
      blocks_((width + 3) / 4),
      words_(static_cast<std::size_t>(rows * blocks_ * 4)) {}

Drop DropLayer::draw(double rate, std::int64_t step, std::int64_t first_position) {
  if (rate == 0) return {};
  fill_words(words_, key_, static_cast<std::uint64_t>(step),
             static_cast<std::uint64_t>(first_position * blocks_));
  return {words_.data(), blocks_ * 4, drop_threshold(rate), 1 / (1 - rate)};
}

}  // namespace emosweep::models
