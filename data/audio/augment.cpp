#include "data/audio/augment.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace emosweep::data {
namespace {

// Draws of one clip in one epoch, one after another.
class Draws {
 public:
  explicit Draws(const AugmentPlace& place, std::string_view purpose)
      : key_(derive(place.key, purpose)),
        epoch_(static_cast<std::uint64_t>(place.epoch)),
        next_(static_cast<std::uint64_t>(place.position) * kOfOneClip) {}

  // In [0, n].
  std::int64_t up_to(std::int64_t n) {
    return static_cast<std::int64_t>(
        uniform_index(key_, epoch_, next_++, static_cast<std::uint64_t>(n) + 1));
  }

 private:
  static constexpr std::uint64_t kOfOneClip = 64;
  StreamKey key_;
  std::uint64_t epoch_, next_;
};

struct Mask {
  std::int64_t first, last;
};

Mask mask_of(Draws& draws, std::int64_t size, std::int64_t widest) {
  const std::int64_t width = draws.up_to(std::min(widest, size));
  const std::int64_t first = draws.up_to(size - width);
  return {first, first + width};
}

}  // namespace

std::int64_t crop_start(std::int64_t frames, std::int64_t window, std::int64_t shift,
                        const AugmentOptions& options, const AugmentPlace& place) {
  const std::int64_t room = std::max<std::int64_t>(0, frames - window);
  const std::int64_t start = options.random_crop ? Draws(place, "crop").up_to(room) : room / 2;
  return shift > 0 ? start + Draws(place, "shift").up_to(2 * shift) - shift : start;
}

void mask_bands_and_frames(std::span<float> image, std::int64_t bands, std::int64_t frames,
                           const AugmentOptions& options, const AugmentPlace& place) {
  EMO_CHECK(static_cast<std::int64_t>(image.size()) == bands * frames && !image.empty(),
            "an image is [bands, frames]");
  EMO_CHECK(options.masks >= 0 && options.masks <= 16, "a clip has draws for 16 masks of a kind");
  const double sum = std::accumulate(image.begin(), image.end(), 0.0);
  const auto mean = static_cast<float>(sum / static_cast<double>(image.size()));
  Draws draws(place, "specaugment");
  for (std::int64_t i = 0; i < options.masks; ++i) {
    if (options.specaug_freq > 0) {
      const Mask mask = mask_of(draws, bands, options.specaug_freq);
      std::fill(image.begin() + mask.first * frames, image.begin() + mask.last * frames, mean);
    }
    if (options.specaug_time > 0) {
      const Mask mask = mask_of(draws, frames, options.specaug_time);
      for (std::int64_t band = 0; band < bands; ++band) {
        std::fill(image.begin() + band * frames + mask.first,
                  image.begin() + band * frames + mask.last, mean);
      }
    }
  }
}

}  // namespace emosweep::data
