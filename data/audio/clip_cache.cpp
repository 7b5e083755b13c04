#include "data/audio/clip_cache.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "base/canonical.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/workers.h"
#include "data/audio/ffmpeg.h"
#include "data/audio/file_lock.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

Digest key_of(const std::vector<Recording>& recordings, const FrontEndOptions& front_end,
              double max_seconds) {
  Sha256 hash;
  hash.add("emosweep spectrograms 1\n").add_sized(identity_text(front_end));
  hash.add_sized(number_text(max_seconds));
  // The major versions that this program loads: decoding a lossy format may change with them.
  for (const int version :
       {LIBAVFORMAT_VERSION_MAJOR, LIBAVCODEC_VERSION_MAJOR, LIBSWRESAMPLE_VERSION_MAJOR})
    hash.add_sized(std::to_string(version));
  for (const Recording& recording : recordings) hash.add(recording.digest.bytes);
  return hash.finish();
}

ClipRows decoded(const Recording& recording, AudioDecoder& decoder, const FrontEnd& front_end) {
  const Waveform wave = decoder.decode(recording.file);
  ClipRows rows{{wave.seconds, wave.peak, wave.rate, wave.channels, wave.cut, wave.problem}, {}};
  if (wave.problem.empty()) rows.values = front_end.log_mel(wave.samples);
  return rows;
}

// Recordings [begin, begin + rows.size()), each by whichever thread is free.
void decode_block(const std::vector<Recording>& recordings, std::size_t begin,
                  const FrontEnd& front_end, double max_seconds, unsigned threads,
                  std::vector<ClipRows>& rows) {
  share_out(rows.size(), threads, [&](const Next& next) {
    at::init_num_threads();
    DecodeOptions options;
    options.sr = front_end.options().sr;
    options.max_seconds = max_seconds;
    AudioDecoder decoder(options);
    for (std::size_t i = next(); i < rows.size(); i = next())
      rows[i] = decoded(recordings[begin + i], decoder, front_end);
  });
}

void build_spectrograms(const fs::path& file, const Digest& key,
                        const std::vector<Recording>& recordings, const FrontEnd& front_end,
                        double max_seconds) {
  const auto start = Clock::now();
  const unsigned threads = usable_cores();
  log::info("decoding " + std::to_string(recordings.size()) + " recordings, once, into " +
            file.string());
  const std::size_t block = 16 * threads;  // what is in memory at a time
  std::vector<ClipRows> rows;
  const auto clip = [&](std::int64_t i) {
    const auto begin = static_cast<std::size_t>(i);
    if (begin % block == 0) {
      rows.assign(std::min(block, recordings.size() - begin), {});
      decode_block(recordings, begin, front_end, max_seconds, threads, rows);
    }
    return std::move(rows[begin % block]);
  };
  ClipStore::write(file, key, front_end.options().n_mels,
                   static_cast<std::int64_t>(recordings.size()), clip);
  char took[64];
  std::snprintf(took, sizeof took, "decoded in %.1f s",
                std::chrono::duration<double>(Clock::now() - start).count());
  log::info(took);
}

}  // namespace

std::shared_ptr<const ClipStore> open_or_build(const fs::path& file, const Digest& key,
                                               const std::function<void()>& build) {
  std::string why;
  if (auto store = ClipStore::open(file, key, why)) return store;
  make_folders(file.parent_path());
  const FileLock lock(fs::path(file).concat(".lock"), std::chrono::minutes{30});
  if (auto store = ClipStore::open(file, key, why)) return store;  // another process was quicker
  if (!why.empty())
    log::warning("the cached recordings in " + file.string() + " are made again: " + why);
  build();
  auto store = ClipStore::open(file, key, why);
  EMO_CHECK(store != nullptr, "a clip store that was just written can be read: " + why);
  return store;
}

std::shared_ptr<const ClipStore> cached_spectrograms(const fs::path& folder,
                                                     const std::vector<Recording>& recordings,
                                                     const FrontEndOptions& options,
                                                     double max_seconds) {
  const Digest key = key_of(recordings, options, max_seconds);
  const fs::path file = folder / (key.hex() + ".mel");
  return open_or_build(file, key, [&] {
    build_spectrograms(file, key, recordings, FrontEnd(options), max_seconds);
  });
}

std::shared_ptr<const ClipStore> cached_statistics(const fs::path& folder,
                                                   const std::vector<Recording>& recordings,
                                                   const FrontEndOptions& front_end,
                                                   double max_seconds,
                                                   const StatisticsOptions& options) {
  const Digest key = Sha256()
                         .add("emosweep statistics 1\n")
                         .add_sized(identity_text(options))
                         .add(key_of(recordings, front_end, max_seconds).bytes)
                         .finish();
  const fs::path file = folder / (key.hex() + ".stat");
  const auto width = front_end.n_mels * static_cast<std::int64_t>(statistic_names(options).size());
  return open_or_build(file, key, [&] {
    const auto mels = cached_spectrograms(folder, recordings, front_end, max_seconds);
    ClipStore::write(file, key, width, mels->size(), [&](std::int64_t i) {
      ClipRows rows{mels->info(i), {}};
      if (mels->rows(i) == 0) return rows;
      rows.values.resize(static_cast<std::size_t>(width));
      make_statistics(mels->values(i), front_end.n_mels, options, rows.values);
      return rows;
    });
  });
}

}  // namespace emosweep::data
