#include "data/audio/front_end.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/log10.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "base/canonical.h"
#include "base/error.h"

namespace emosweep::data {
namespace {

constexpr std::int64_t kVersion = 1;        // raised when the same samples give other spectrograms
constexpr std::int64_t kFramesAtOnce = 16;  // what stays in a second-level cache
constexpr double kLeastPower = 1e-10;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

double top_of(const FrontEndOptions& o) {
  return o.f_max > 0 ? o.f_max : static_cast<double>(o.sr) / 2;
}

// Slaney's scale (Auditory Toolbox): linear below 1 kHz, logarithmic above.
constexpr double kHzPerMel = 200.0 / 3, kBreakHz = 1000, kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;

double mel_of(double hz) {
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double hz_of(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

// Bands stand at equal distances on the scale; edge 0 is f_min, band b's centre is edge b + 1.
double hz_of_edge(const FrontEndOptions& o, double edge) {
  const double low = mel_of(o.f_min), high = mel_of(top_of(o));
  return hz_of(low + (high - low) * edge / static_cast<double>(o.n_mels + 1));
}

// A band: a triangle over neighbouring bins of the spectrum.
struct Band {
  std::size_t first = 0;
  std::vector<double> weight;
};

std::vector<Band> make_bands(const FrontEndOptions& o) {
  std::vector<double> edge(at(o.n_mels + 2));
  for (std::size_t i = 0; i < edge.size(); ++i) edge[i] = hz_of_edge(o, static_cast<double>(i));
  std::vector<Band> bands(at(o.n_mels));
  for (std::size_t m = 0; m < bands.size(); ++m) {
    const double height = 2 / (edge[m + 2] - edge[m]);
    for (std::int64_t bin = 0; bin <= o.n_fft / 2; ++bin) {
      const double hz = static_cast<double>(bin * o.sr) / static_cast<double>(o.n_fft);
      const double weight = std::min((hz - edge[m]) / (edge[m + 1] - edge[m]),
                                     (edge[m + 2] - hz) / (edge[m + 2] - edge[m + 1]));
      if (weight <= 0) continue;
      if (bands[m].weight.empty()) bands[m].first = at(bin);
      bands[m].weight.push_back(weight * height);
    }
  }
  return bands;
}

}  // namespace

double centre_hz(const FrontEndOptions& o, double band) { return hz_of_edge(o, band + 1); }

double band_of(const FrontEndOptions& o, double hz) {
  const double low = mel_of(o.f_min), high = mel_of(top_of(o));
  return (mel_of(hz) - low) / (high - low) * static_cast<double>(o.n_mels + 1) - 1;
}

std::string identity_text(const FrontEndOptions& o) {
  return canonical_text({{"version", number_text(kVersion)},
                         {"sr", number_text(o.sr)},
                         {"n_mels", number_text(o.n_mels)},
                         {"n_fft", number_text(o.n_fft)},
                         {"hop_length", number_text(o.hop_length)},
                         {"f_min", number_text(o.f_min)},
                         {"f_max", number_text(top_of(o))}});
}

std::string why_not(const FrontEndOptions& o) {
  const auto outside = [](const char* name, std::int64_t value, std::int64_t least,
                          std::int64_t most) {
    return value >= least && value <= most
               ? std::string()
               : std::string(name) + " is " + std::to_string(value) + "; it can be " +
                     std::to_string(least) + " to " + std::to_string(most);
  };
  for (const std::string& why :
       {outside("sr", o.sr, 1000, 192'000), outside("n_mels", o.n_mels, 1, 512),
        outside("n_fft", o.n_fft, 16, 65'536), outside("hop_length", o.hop_length, 1, 65'536)})
    if (!why.empty()) return why;
  if (o.n_fft % 2 != 0) return "n_fft is " + std::to_string(o.n_fft) + "; it must be even";
  const double half = static_cast<double>(o.sr) / 2;
  if (!(o.f_min >= 0 && o.f_min < top_of(o) && top_of(o) <= half))
    return "f_min and f_max are " + number_text(o.f_min) + " and " + number_text(top_of(o)) +
           " Hz; they must ascend, from 0 to sr / 2 = " + number_text(half);
  std::int64_t empty = 0;
  for (const Band& band : make_bands(o)) empty += band.weight.empty();
  if (empty > 0)
    return "n_mels: " + std::to_string(empty) + " of " + std::to_string(o.n_mels) +
           " bands are narrower than the bins of n_fft " + std::to_string(o.n_fft) + " at sr " +
           std::to_string(o.sr) + " and would be empty; take fewer n_mels or a larger n_fft";
  return "";
}

std::int64_t frames_of(const FrontEndOptions& o, std::int64_t samples) {
  return 1 + samples / o.hop_length;
}

struct FrontEnd::State {
  FrontEndOptions options;
  std::vector<double> window;
  std::vector<Band> bands;

  // Windowed samples of frames [first, first + n), zero beyond the ends of the waveform.
  void fill(std::span<const float> wave, std::int64_t first, std::int64_t n, double* out) const {
    const std::int64_t size = options.n_fft, end = static_cast<std::int64_t>(wave.size());
    for (std::int64_t f = 0; f < n; ++f, out += size) {
      const std::int64_t begin = (first + f) * options.hop_length - size / 2;
      const std::int64_t from = std::clamp<std::int64_t>(-begin, 0, size);
      const std::int64_t to = std::clamp<std::int64_t>(end - begin, from, size);
      std::fill(out, out + from, 0.0);
      for (std::int64_t i = from; i < to; ++i)
        out[i] = static_cast<double>(wave[at(begin + i)]) * window[at(i)];
      std::fill(out + to, out + size, 0.0);
    }
  }

  // Band powers of n spectra, each n_fft / 2 + 1 pairs of real and imaginary part.
  void powers(const double* spectrum, std::int64_t n, double* out) const {
    const std::size_t bins = at(options.n_fft / 2 + 1);
    std::vector<double> power(bins);
    for (std::int64_t f = 0; f < n; ++f, spectrum += 2 * bins) {
      for (std::size_t b = 0; b < bins; ++b)
        power[b] = spectrum[2 * b] * spectrum[2 * b] + spectrum[2 * b + 1] * spectrum[2 * b + 1];
      for (const Band& band : bands) {
        const double* const p = power.data() + band.first;
        double sum = 0;
        for (std::size_t i = 0; i < band.weight.size(); ++i) sum += band.weight[i] * p[i];
        *out++ = std::max(kLeastPower, sum);
      }
    }
  }
};

FrontEnd::FrontEnd(const FrontEndOptions& options) {
  EMO_CHECK(why_not(options).empty(), why_not(options));
  auto state = std::make_unique<State>();
  state->options = options;
  state->window.resize(at(options.n_fft));
  for (std::size_t i = 0; i < state->window.size(); ++i)
    state->window[i] = .5 - .5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) /
                                          static_cast<double>(options.n_fft));
  state->bands = make_bands(options);
  state_ = std::move(state);
}

FrontEnd::~FrontEnd() = default;

const FrontEndOptions& FrontEnd::options() const { return state_->options; }

std::vector<float> FrontEnd::log_mel(std::span<const float> wave) const {
  const c10::InferenceMode no_gradients;
  const FrontEndOptions& o = state_->options;
  const std::int64_t frames = frames_of(o, static_cast<std::int64_t>(wave.size()));
  std::vector<float> out(at(frames * o.n_mels));
  float* to = out.data();
  for (std::int64_t first = 0; first < frames; first += kFramesAtOnce) {
    const std::int64_t n = std::min(kFramesAtOnce, frames - first);
    const at::Tensor windowed = at::empty({n, o.n_fft}, at::kDouble);
    state_->fill(wave, first, n, windowed.mutable_data_ptr<double>());
    const at::Tensor spectrum = at::fft_rfft(windowed).contiguous();
    at::Tensor mel = at::empty({n, o.n_mels}, at::kDouble);
    state_->powers(static_cast<const double*>(spectrum.const_data_ptr()), n,
                   mel.mutable_data_ptr<double>());
    mel.log10_();
    const double* const x = mel.const_data_ptr<double>();
    for (std::int64_t i = 0; i < n * o.n_mels; ++i) *to++ = static_cast<float>(10 * x[i]);
  }
  return out;
}

}  // namespace emosweep::data
