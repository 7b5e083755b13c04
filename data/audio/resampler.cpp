#include "data/audio/resampler.h"

#include "base/error.h"

namespace emosweep::data {

Resampler::Resampler(int from, std::int64_t to) : from_(from), to_(to) {
  if (from_ == to_) return;
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
  const int code =
      ff_.swr_alloc_set_opts2(&context_, &mono, AV_SAMPLE_FMT_FLTP, static_cast<int>(to), &mono,
                              AV_SAMPLE_FMT_FLTP, from, 0, nullptr);
  // The phases of a rational ratio are exact: there is nothing to interpolate between them.
  if (code >= 0) ff_.av_opt_set_int(context_, "linear_interp", 0, 0);
  if (code < 0 || ff_.swr_init(context_) < 0) {
    ff_.swr_free(&context_);
    throw RunError("libswresample cannot go from " + std::to_string(from) + " to " +
                   std::to_string(to) + " samples a second");
  }
}

Resampler::~Resampler() { ff_.swr_free(&context_); }

// swr_init forgets the samples and keeps the filters where the rates are those of before.
void Resampler::begin() {
  if (context_ != nullptr) EMO_CHECK(ff_.swr_init(context_) >= 0, "a resampler begins again");
}

void Resampler::add(std::span<const float> samples, std::vector<float>& out) {
  if (samples.empty()) return;
  if (context_ == nullptr)
    out.insert(out.end(), samples.begin(), samples.end());
  else
    convert(samples, out);
}

void Resampler::finish(std::int64_t samples, std::vector<float>& out) {
  if (context_ != nullptr) convert({}, out);
  out.resize(static_cast<std::size_t>((samples * to_ + from_ / 2) / from_));
}

void Resampler::convert(std::span<const float> samples, std::vector<float>& out) {
  // Room for these and for what the filter held back (less than 64 of its taps at either rate).
  const std::size_t before = out.size();
  const auto n = static_cast<std::int64_t>(samples.size());
  const std::int64_t room = n * to_ / from_ + 256 + 64 * to_ / from_;
  out.resize(before + static_cast<std::size_t>(room));
  auto* to = reinterpret_cast<std::uint8_t*>(out.data() + before);
  const auto* from = reinterpret_cast<const std::uint8_t*>(samples.data());
  const int got = ff_.swr_convert(context_, &to, static_cast<int>(room),
                                  samples.empty() ? nullptr : &from, static_cast<int>(n));
  EMO_CHECK(got >= 0, "libswresample converts float samples");
  out.resize(before + static_cast<std::size_t>(got));
}

}  // namespace emosweep::data
