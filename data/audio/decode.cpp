#include "data/audio/decode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <span>

#include "base/error.h"
#include "data/audio/media_file.h"
#include "data/audio/resampler.h"

namespace emosweep::data {
namespace {

constexpr int kMostChannels = 64, kLeastRate = 1000, kMostRate = 768'000;

constexpr std::array kCodecs{
    AV_CODEC_ID_FLAC,      AV_CODEC_ID_MP3,       AV_CODEC_ID_VORBIS,        AV_CODEC_ID_OPUS,
    AV_CODEC_ID_AAC,       AV_CODEC_ID_ALAC,      AV_CODEC_ID_PCM_U8,        AV_CODEC_ID_PCM_S16LE,
    AV_CODEC_ID_PCM_S16BE, AV_CODEC_ID_PCM_S24LE, AV_CODEC_ID_PCM_S24BE,     AV_CODEC_ID_PCM_S32LE,
    AV_CODEC_ID_PCM_S32BE, AV_CODEC_ID_PCM_F32LE, AV_CODEC_ID_PCM_F32BE,     AV_CODEC_ID_PCM_F64LE,
    AV_CODEC_ID_PCM_ALAW,  AV_CODEC_ID_PCM_MULAW, AV_CODEC_ID_ADPCM_IMA_WAV, AV_CODEC_ID_ADPCM_MS};

bool pcm(AVCodecID codec) {
  return codec >= AV_CODEC_ID_FIRST_AUDIO && codec < AV_CODEC_ID_ADPCM_IMA_QT;
}

bool lossless(AVCodecID codec) {
  return codec != AV_CODEC_ID_MP3 && codec != AV_CODEC_ID_VORBIS && codec != AV_CODEC_ID_OPUS &&
         codec != AV_CODEC_ID_AAC;
}

// The mean of the channels of n samples, as floats of full scale 1. T: the type of a sample.
template <class T>
void mix(const AVFrame& frame, bool planar, float offset, float scale, std::vector<float>& out) {
  const int channels = frame.ch_layout.nb_channels, n = frame.nb_samples;
  const float share = scale / static_cast<float>(channels);
  for (int c = 0; c < channels; ++c) {
    const T* from = reinterpret_cast<const T*>(frame.extended_data[planar ? c : 0]);
    const int step = planar ? 1 : channels;
    if (!planar) from += c;
    for (int i = 0; i < n; ++i) {
      const float x =
          (static_cast<float>(from[static_cast<std::ptrdiff_t>(i) * step]) - offset) * share;
      float& to = out[static_cast<std::size_t>(i)];
      to = c == 0 ? x : to + x;
    }
  }
}

bool mix_down(const AVFrame& frame, std::vector<float>& out) {
  out.resize(static_cast<std::size_t>(frame.nb_samples));
  switch (frame.format) {
    case AV_SAMPLE_FMT_U8:
    case AV_SAMPLE_FMT_U8P:
      mix<std::uint8_t>(frame, frame.format == AV_SAMPLE_FMT_U8P, 128, 1.f / 128, out);
      return true;
    case AV_SAMPLE_FMT_S16:
    case AV_SAMPLE_FMT_S16P:
      mix<std::int16_t>(frame, frame.format == AV_SAMPLE_FMT_S16P, 0, 1.f / 32768, out);
      return true;
    case AV_SAMPLE_FMT_S32:
    case AV_SAMPLE_FMT_S32P:
      mix<std::int32_t>(frame, frame.format == AV_SAMPLE_FMT_S32P, 0, 1.f / 2147483648.f, out);
      return true;
    case AV_SAMPLE_FMT_FLT:
    case AV_SAMPLE_FMT_FLTP:
      mix<float>(frame, frame.format == AV_SAMPLE_FMT_FLTP, 0, 1, out);
      return true;
    case AV_SAMPLE_FMT_DBL:
    case AV_SAMPLE_FMT_DBLP:
      mix<double>(frame, frame.format == AV_SAMPLE_FMT_DBLP, 0, 1, out);
      return true;
    default:
      return false;
  }
}

using Resamplers = std::map<int, std::unique_ptr<Resampler>>;  // by the recordings' rate
constexpr std::size_t kMostResamplers = 8;  // a corpus has few rates, hostile files have many

class Decoder {
 public:
  Decoder(const std::filesystem::path& path, const DecodeOptions& options, Resamplers& resamplers)
      : options_(options), resamplers_(resamplers), file_(path, options.deadline, out_.problem) {}
  ~Decoder() {
    ff_.av_packet_free(&packet_);
    ff_.av_frame_free(&frame_);
    ff_.avcodec_free_context(&codec_);
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Waveform run() {
    if (out_.problem.empty() && open() && read_all()) finish();
    if (!out_.problem.empty()) out_.samples.clear();
    return std::move(out_);
  }

 private:
  bool fail(std::string why) {
    out_.problem = std::move(why);
    return false;
  }

  bool open() {
    stream_ = file_.audio_stream();
    if (stream_ == nullptr) return fail("the file holds no sound");
    for (unsigned i = 0; i < file_.format()->nb_streams; ++i)
      if (static_cast<int>(i) != stream_->index)
        file_.format()->streams[i]->discard = AVDISCARD_ALL;
    const AVCodecID id = stream_->codecpar->codec_id;
    const AVCodec* const decoder = std::find(kCodecs.begin(), kCodecs.end(), id) == kCodecs.end()
                                       ? nullptr
                                       : ff_.avcodec_find_decoder(id);
    if (decoder == nullptr)
      return fail(std::string("its codec '") + ff_.avcodec_get_name(id) +
                  "' is not one of those "
                  "that are decoded (PCM, FLAC, ALAC, MP3, AAC, Vorbis, Opus)");
    codec_ = ff_.avcodec_alloc_context3(decoder);
    packet_ = ff_.av_packet_alloc();
    frame_ = ff_.av_frame_alloc();
    if (codec_ == nullptr || packet_ == nullptr || frame_ == nullptr) throw std::bad_alloc();
    int code = ff_.avcodec_parameters_to_context(codec_, stream_->codecpar);
    codec_->thread_count = 1;
    codec_->pkt_timebase = stream_->time_base;
    codec_->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    codec_->max_samples = 1 << 24;
    if (code >= 0) code = ff_.avcodec_open2(codec_, decoder, nullptr);
    return code >= 0 || fail("its header is damaged: " + ff_.text(code));
  }

  bool read_all() {
    while (!out_.cut) {
      if (file_.late())
        return fail("decoding it took more than " +
                    std::to_string(static_cast<int>(options_.deadline)) + " s");
      const int code = ff_.av_read_frame(file_.format(), packet_);
      if (code == AVERROR_EOF) break;
      if (code < 0) {
        ++damaged_;  // what was there before the damage may be all that is missing little
        break;
      }
      const bool ours = packet_->stream_index == stream_->index;
      if (ours) ++packets_;
      const bool good = !ours || decode(packet_);
      ff_.av_packet_unref(packet_);
      if (!good) return false;
    }
    return out_.cut || decode(nullptr);
  }

  // false: the file is given up.
  bool decode(const AVPacket* packet) {
    int code = ff_.avcodec_send_packet(codec_, packet);
    if (code < 0 && packet != nullptr) ++damaged_;
    while (code >= 0 && !out_.cut) {
      code = ff_.avcodec_receive_frame(codec_, frame_);
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return true;
      if (code < 0) {
        ++damaged_;
        return true;
      }
      const bool good = take(*frame_);
      ff_.av_frame_unref(frame_);
      if (!good) return false;
    }
    return true;
  }

  bool take(const AVFrame& frame) {
    if (frame.nb_samples == 0) return true;
    const int channels = frame.ch_layout.nb_channels;
    if (frame.sample_rate < kLeastRate || frame.sample_rate > kMostRate || channels < 1 ||
        channels > kMostChannels)
      return fail("its header says " + std::to_string(channels) + " channels of " +
                  std::to_string(frame.sample_rate) + " samples a second");
    if (out_.rate == 0) {
      out_.rate = frame.sample_rate;
      out_.channels = channels;
      std::unique_ptr<Resampler>& resampler = resamplers_[out_.rate];
      if (resampler == nullptr) resampler = std::make_unique<Resampler>(out_.rate, options_.sr);
      resampler->begin();
      resampler_ = resampler.get();
    } else if (frame.sample_rate != out_.rate) {
      return fail("its sample rate changes from " + std::to_string(out_.rate) + " to " +
                  std::to_string(frame.sample_rate));
    }
    if (!mix_down(frame, mono_)) return fail("its samples are of an unknown type");
    const auto most = static_cast<std::int64_t>(options_.max_seconds * out_.rate);
    std::span<const float> samples = mono_;
    if (decoded_ + frame.nb_samples > most) {
      out_.cut = true;
      samples = samples.first(static_cast<std::size_t>(most - decoded_));
    }
    float peak = 0;
    bool finite = true;
    for (const float x : samples) {
      const float magnitude = std::fabs(x);
      finite = finite && magnitude <= 1e6f;  // false for NaN too
      peak = std::max(peak, magnitude);
    }
    if (!finite) return fail("it holds samples that are not numbers, or are far beyond full scale");
    out_.peak = std::max(out_.peak, static_cast<double>(peak));
    decoded_ += static_cast<std::int64_t>(samples.size());
    resampler_->add(samples, out_.samples);
    return true;
  }

  // The length that the header states, or 0 where it states none; only where it does not estimate.
  double declared() const {
    const AVCodecParameters& coded = *stream_->codecpar;
    const std::int64_t bits = static_cast<std::int64_t>(coded.bits_per_coded_sample) *
                              coded.ch_layout.nb_channels * coded.sample_rate;
    if (pcm(coded.codec_id) && bits > 0)
      if (const std::int64_t bytes = file_.wav_bytes(); bytes > 0)
        return 8 * static_cast<double>(bytes) / static_cast<double>(bits);
    if (stream_->duration <= 0 || stream_->duration == AV_NOPTS_VALUE) return 0;
    return static_cast<double>(stream_->duration) * stream_->time_base.num / stream_->time_base.den;
  }

  void finish() {
    const bool exact = lossless(stream_->codecpar->codec_id);
    const double allowed =
        exact ? 0 : std::max(1.0, options_.damaged * static_cast<double>(packets_));
    if (out_.rate == 0) {
      fail(damaged_ > 0 ? "it is damaged: nothing of it can be decoded" : "it holds no samples");
      return;
    }
    if (static_cast<double>(damaged_) > allowed) {
      fail("it is damaged: " + std::to_string(damaged_) + " of " + std::to_string(packets_) +
           " packets cannot be decoded");
      return;
    }
    out_.seconds = static_cast<double>(decoded_) / out_.rate;
    if (out_.cut) {
      out_.seconds = std::max(out_.seconds, declared());
    } else if (out_.seconds < .98 * declared() - .1) {
      char text[96];
      std::snprintf(text, sizeof text, "it is cut short: its header says %.3g s, it holds %.3g s",
                    declared(), out_.seconds);
      fail(text);
      return;
    }
    resampler_->finish(decoded_, out_.samples);
  }

  const Ffmpeg& ff_ = ffmpeg();
  const DecodeOptions options_;
  Resamplers& resamplers_;
  Waveform out_;
  MediaFile file_;
  AVStream* stream_ = nullptr;
  AVCodecContext* codec_ = nullptr;
  AVPacket* packet_ = nullptr;
  AVFrame* frame_ = nullptr;
  Resampler* resampler_ = nullptr;
  std::vector<float> mono_;
  std::int64_t decoded_ = 0, packets_ = 0, damaged_ = 0;
};

}  // namespace

struct AudioDecoder::State {
  DecodeOptions options;
  Resamplers resamplers;
};

AudioDecoder::AudioDecoder(const DecodeOptions& options)
    : state_(std::make_unique<State>(State{options, {}})) {}

AudioDecoder::~AudioDecoder() = default;

Waveform AudioDecoder::decode(const std::filesystem::path& file) {
  if (state_->resamplers.size() > kMostResamplers) state_->resamplers.clear();
  return Decoder(file, state_->options, state_->resamplers).run();
}

Waveform decode_audio(const std::filesystem::path& file, const DecodeOptions& options) {
  return AudioDecoder(options).decode(file);
}

}  // namespace emosweep::data
