// CPU time of decoding recordings and of their spectrograms, on one thread:
//   bench_audio SR N_MELS FILE...
// Prints one line of JSON: milliseconds a recording, after one that loads libraries and tables.
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "data/audio/decode.h"
#include "data/audio/front_end.h"

using namespace emosweep;

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  at::set_num_threads(1);
  data::FrontEndOptions options;
  options.sr = std::atoll(argv[1]);
  options.n_mels = std::atoll(argv[2]);
  data::DecodeOptions decoding;
  decoding.sr = options.sr;
  data::AudioDecoder decoder(decoding);
  const data::FrontEnd front_end(options);
  front_end.log_mel(decoder.decode(argv[3]).samples);
  double decode = 0, mel = 0, sum = 0;
  for (int i = 3; i < argc; ++i) {
    const double start = thread_cpu_seconds();
    const data::Waveform wave = decoder.decode(argv[i]);
    const double middle = thread_cpu_seconds();
    const std::vector<float> spectrogram = front_end.log_mel(wave.samples);
    mel += thread_cpu_seconds() - middle;
    decode += middle - start;
    for (const float x : spectrogram) sum += x;
    if (!wave.problem.empty()) {
      std::fprintf(stderr, "%s: %s\n", argv[i], wave.problem.c_str());
      return 1;
    }
  }
  const double clips = argc - 3;
  std::printf("{\"decode_ms\": %.4f, \"mel_ms\": %.4f, \"mean_db\": %.4f}\n", 1000 * decode / clips,
              1000 * mel / clips, sum);
  return 0;
}
