// The keys of a modality of recordings in dataset.yaml. Internal to data/.
#pragma once

#include "data/audio/audio_options.h"
#include "data/description_reader.h"

namespace emosweep::data {

inline constexpr double kLongest = 3600;  // seconds: what one recording takes stays bounded

// `modality`: the map under the modality's name; its `kind` and `column` are read elsewhere. All
// mistakes, unknown keys included, are told through `read`.
AudioOptions read_audio(const Node& modality, const std::string& owner, bool statistics,
                        NodeReader& read);

}  // namespace emosweep::data
