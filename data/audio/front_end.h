// Log-mel spectrograms of a waveform, as librosa's melspectrogram and power_to_db define them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace emosweep::data {

struct FrontEndOptions {
  std::int64_t sr = 22050;        // samples a second that recordings are resampled to
  std::int64_t n_mels = 128;      // bands on Slaney's mel scale, each of equal area
  std::int64_t n_fft = 1024;      // samples of the periodic Hann window, centred on its frame
  std::int64_t hop_length = 512;  // samples between frames
  double f_min = 0;               // Hz, the lower end of the first band
  double f_max = 0;               // Hz, the upper end of the last band; 0 = sr / 2
};

// Quietest value of a spectrogram: 10 log10 of 1e-10, librosa's amin.
inline constexpr float kSilentDb = -100;

// The options as text, the same for the same spectrograms, with the version of this front end.
std::string identity_text(const FrontEndOptions& options);
// What is wrong with the options, with what would do, or "".
std::string why_not(const FrontEndOptions& options);
// Frames of a waveform of so many samples: one every hop_length, the first centred on sample 0.
std::int64_t frames_of(const FrontEndOptions& options, std::int64_t samples);

// The centre of a band in Hz, counted from 0, and the other way round; between two where `band` is
// no whole number. Frequencies below the first band's centre have a negative place.
double centre_hz(const FrontEndOptions& options, double band);
double band_of(const FrontEndOptions& options, double hz);

// Immutable after construction: one object serves all threads.
class FrontEnd {
 public:
  explicit FrontEnd(const FrontEndOptions& options);  // why_not(options) is ""
  ~FrontEnd();
  FrontEnd(const FrontEnd&) = delete;
  FrontEnd& operator=(const FrontEnd&) = delete;

  const FrontEndOptions& options() const;
  // 10 log10(max(1e-10, mel power)) of mono samples in [-1, 1]: [frames, n_mels] row-major. The
  // waveform counts as silent beyond its ends. Computed in double precision, returned as float.
  std::vector<float> log_mel(std::span<const float> wave) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace emosweep::data
