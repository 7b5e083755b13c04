// The recordings behind a modality of a dataset (kind: audio, kind: statistics): which row has
// which, and what was found out about them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/audio/audio_options.h"
#include "data/audio/clip_store.h"

namespace emosweep::data {

enum class ClipTrouble { none, missing_file, unreadable, too_short, too_long, silent };
const char* trouble_name(ClipTrouble trouble);  // the key of its policy: "too_short"

struct Clips {
  AudioOptions options;
  std::shared_ptr<const ClipStore> store;  // spectrograms, or statistics; nullptr: no recording
  std::vector<std::int32_t> clip;          // [n] number in the store, -1 where a row has none
  // Over the rows before any was left out, by ClipTrouble: how many were in trouble.
  std::array<std::int64_t, 6> troubles{};
};

// What is wrong with a recording under a policy; the first that applies, in the enum's order.
ClipTrouble trouble_of(const ClipInfo& info, const ClipPolicy& policy);
ClipAction action_of(ClipTrouble trouble, const ClipPolicy& policy);

// For `plan`: "1440 recordings, 3.7 s each (2.9 to 5.3), 88.8 min in all; 16000 Hz, 1 channel".
std::string clips_text(const Clips& clips);

}  // namespace emosweep::data
