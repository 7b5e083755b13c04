// The sound of a file as mono samples, through FFmpeg's libraries.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace emosweep::data {

struct DecodeOptions {
  std::int64_t sr = 22050;  // samples a second of what is returned
  double max_seconds = 60;  // decoding stops here
  double deadline = 120;    // seconds that one file may take before it is given up
  // Packets that may be damaged, as a fraction: players pass over the torn frames at the ends of
  // cut MP3 files too. A lossless file has no such excuse: one damaged packet is one too many.
  double damaged = .01;
};

struct Waveform {
  std::vector<float> samples;  // mono, the mean of the channels, at DecodeOptions::sr; finite
  double seconds = 0;          // of the source: decoded, or declared where decoding stopped early
  double peak = 0;             // largest magnitude before resampling; 1 is full scale
  int rate = 0, channels = 0;  // of the source
  bool cut = false;            // longer than max_seconds: the samples are its beginning
  std::string problem;         // why it cannot be used, or ""; the samples are then empty
};

// Keeps what recordings of one rate share (the resampler's filters); used by one thread.
class AudioDecoder {
 public:
  explicit AudioDecoder(const DecodeOptions& options);
  ~AudioDecoder();
  AudioDecoder(const AudioDecoder&) = delete;
  AudioDecoder& operator=(const AudioDecoder&) = delete;
  Waveform decode(const std::filesystem::path& file);  // as decode_audio

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// WAV, FLAC, MP3, Ogg (Vorbis, Opus, FLAC), MP4 and M4A (AAC, ALAC), WebM (Opus, Vorbis), AAC.
// Other formats and codecs are not even tried. Reads the one file and nothing that it may refer to.
// Never throws for what the file holds; RunError where FFmpeg's libraries are not installed.
// Thread-safe.
Waveform decode_audio(const std::filesystem::path& file, const DecodeOptions& options);

}  // namespace emosweep::data
