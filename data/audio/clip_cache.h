// Spectrograms and statistics of recordings, computed once per machine and parameter set.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "data/audio/clip_store.h"
#include "data/audio/decode.h"
#include "data/audio/front_end.h"
#include "data/audio/statistics.h"

namespace emosweep::data {

struct Recording {
  std::filesystem::path file;
  Digest digest;  // of its bytes
};

// The spectrograms of recordings, in their order. The first process that needs them decodes, on all
// cores that it may use, and the others wait for its file: <folder>/<hash>.mel, named by the
// recordings' digests, the options and the versions of front end and decoder. A damaged file is
// made again, with a warning. A recording that cannot be decoded is in the store with its problem.
// RunError: the folder cannot be written to, or another process works for longer than half an hour.
std::shared_ptr<const ClipStore> cached_spectrograms(const std::filesystem::path& folder,
                                                     const std::vector<Recording>& recordings,
                                                     const FrontEndOptions& front_end,
                                                     double max_seconds);
// The same of statistics, one row a recording: <hash>.stat, made from the spectrograms.
std::shared_ptr<const ClipStore> cached_statistics(const std::filesystem::path& folder,
                                                   const std::vector<Recording>& recordings,
                                                   const FrontEndOptions& front_end,
                                                   double max_seconds,
                                                   const StatisticsOptions& options);

// The file if it is whole; else made by `build`, by one process of the machine at a time, the
// others wait. RunError as above.
std::shared_ptr<const ClipStore> open_or_build(const std::filesystem::path& file, const Digest& key,
                                               const std::function<void()>& build);

}  // namespace emosweep::data
