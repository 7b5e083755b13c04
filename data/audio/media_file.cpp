#include "data/audio/media_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace emosweep::data {
namespace {

constexpr int kBuffer = 1 << 16;
// Nothing that opens other files or addresses (hls, concat, dash, image2) is among them.
constexpr char kFormats[] = "wav,w64,flac,mp3,ogg,mov,mp4,m4a,matroska,webm,aac";

}  // namespace

MediaFile::MediaFile(const std::filesystem::path& file, double deadline_seconds,
                     std::string& problem)
    : end_(std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(
               std::chrono::duration<double>(deadline_seconds))) {
  const Ffmpeg& ff = ffmpeg();
  // Without O_NONBLOCK, opening a pipe that took the file's place would wait for a writer.
  fd_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat info {};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) {
    problem = std::string("the file cannot be opened: ") + std::strerror(errno);
    return;
  }
  if (!S_ISREG(info.st_mode)) {
    problem = "it is not a regular file";
    return;
  }
  if (info.st_size == 0) {
    problem = "the file is empty";
    return;
  }
  size_ = info.st_size;
  auto* const buffer = static_cast<std::uint8_t*>(ff.av_malloc(kBuffer));
  if (buffer == nullptr) throw std::bad_alloc();
  io_ = ff.avio_alloc_context(buffer, kBuffer, 0, this, &read, nullptr, &seek);
  format_ = io_ == nullptr ? nullptr : ff.avformat_alloc_context();
  if (format_ == nullptr) throw std::bad_alloc();
  format_->pb = io_;
  format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  format_->interrupt_callback = {&interrupted, this};
  AVDictionary* options = nullptr;
  ff.av_dict_set(&options, "format_whitelist", kFormats, 0);
  ff.av_dict_set(&options, "max_streams", "64", 0);
  ff.av_dict_set(&options, "probesize", "2000000", 0);
  ff.av_dict_set(&options, "max_probe_packets", "500", 0);
  const int code = ff.avformat_open_input(&format_, "", nullptr, &options);  // frees format_ itself
  ff.av_dict_free(&options);
  if (code < 0) {
    problem = late() ? "reading its header took too long"
                     : "it is no recording of a known format (WAV, FLAC, MP3, Ogg, MP4): " +
                           ff.text(code);
    return;
  }
  if (audio_stream() == nullptr && ff.avformat_find_stream_info(format_, nullptr) < 0 &&
      audio_stream() == nullptr)
    problem = "the file holds no sound";
}

MediaFile::~MediaFile() {
  const Ffmpeg& ff = ffmpeg();
  ff.avformat_close_input(&format_);
  if (io_ != nullptr) {
    ff.av_freep(&io_->buffer);
    ff.avio_context_free(&io_);
  }
  if (fd_ >= 0) ::close(fd_);
}

AVStream* MediaFile::audio_stream() const {
  for (unsigned i = 0; i < format_->nb_streams; ++i)
    if (format_->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) return format_->streams[i];
  return nullptr;
}

std::int64_t MediaFile::wav_bytes() const {
  std::array<char, 12> start{};
  const auto read_at = [this](std::int64_t offset, auto& bytes) {
    return ::pread(fd_, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size());
  };
  if (!read_at(0, start) || std::memcmp(start.data(), "RIFF", 4) != 0 ||
      std::memcmp(start.data() + 8, "WAVE", 4) != 0)
    return 0;
  std::int64_t offset = 12;
  for (int chunk = 0; chunk < 100; ++chunk) {
    std::array<char, 8> head{};
    if (!read_at(offset, head)) return 0;
    std::uint32_t size = 0;
    std::memcpy(&size, head.data() + 4, sizeof size);
    // A recorder that streams, or was interrupted, leaves 0 or the largest number.
    if (std::memcmp(head.data(), "data", 4) == 0) return size == 0xFFFFFFFFu ? 0 : size;
    offset += 8 + static_cast<std::int64_t>(size) + (size & 1);
  }
  return 0;
}

int MediaFile::read(void* self, std::uint8_t* buffer, int size) {
  auto* const me = static_cast<MediaFile*>(self);
  if (me->late()) return AVERROR_EXIT;  // a header may send its reader round in circles
  ssize_t got = 0;
  do {
    got = ::pread(me->fd_, buffer, static_cast<std::size_t>(size), me->position_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return AVERROR(errno);
  if (got == 0) return AVERROR_EOF;
  me->position_ += got;
  return static_cast<int>(got);
}

std::int64_t MediaFile::seek(void* self, std::int64_t offset, int whence) {
  auto* const me = static_cast<MediaFile*>(self);
  if ((whence & AVSEEK_SIZE) != 0) return me->size_;
  const int way = whence & ~AVSEEK_FORCE;
  const std::int64_t base = way == SEEK_CUR ? me->position_ : way == SEEK_END ? me->size_ : 0;
  std::int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0) return AVERROR(EINVAL);
  return me->position_ = target;
}

int MediaFile::interrupted(void* self) { return static_cast<MediaFile*>(self)->late() ? 1 : 0; }

}  // namespace emosweep::data
