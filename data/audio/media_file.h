// One open file with FFmpeg's demultiplexer over it: reads by our own descriptor, so that no name
// in a file or a table can become a network address or another file. Internal to data/audio/.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "data/audio/ffmpeg.h"

namespace emosweep::data {

class MediaFile {
 public:
  // `problem` says why a file cannot be opened, or stays "".
  MediaFile(const std::filesystem::path& file, double deadline_seconds, std::string& problem);
  ~MediaFile();
  MediaFile(const MediaFile&) = delete;
  MediaFile& operator=(const MediaFile&) = delete;

  AVFormatContext* format() const { return format_; }
  AVStream* audio_stream() const;  // the first, or nullptr
  // Of a WAV file: what the header of its samples says is there, 0 where it says nothing. FFmpeg
  // reads to the end of the file and does not mind what is missing.
  std::int64_t wav_bytes() const;
  bool late() const { return std::chrono::steady_clock::now() > end_; }

 private:
  static int read(void* self, std::uint8_t* buffer, int size);
  static std::int64_t seek(void* self, std::int64_t offset, int whence);
  static int interrupted(void* self);

  int fd_ = -1;
  std::int64_t size_ = 0, position_ = 0;
  std::chrono::steady_clock::time_point end_;
  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
};

}  // namespace emosweep::data
