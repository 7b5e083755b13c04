// From the paths in a table to recordings under their policy. Internal to data/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/audio/clips.h"
#include "data/dataset.h"
#include "data/hash_cache.h"
#include "data/table.h"

namespace emosweep::data {

// A cell of a modality's column; one for every row of the tables, selected or not, so that all row
// selections share one cache.
struct MediaCell {
  std::string text;
  std::int32_t table = 0;  // number of the table
  std::int32_t line = 0;
};

struct MediaSource {
  std::filesystem::path root;
  std::string column;               // its name, for messages
  std::vector<std::string> tables;  // their names, for messages
  const std::vector<MediaCell>& cells;
};

// Finds, hashes and decodes (or takes from the cache) what the cells name, fills `modality` for the
// dataset's rows and marks rows to be left out in `skip` [n]. What the policy does not pass over is
// added to `mistakes`, the rest to the dataset's warnings. Adds what the samples are to `hash`.
// cache: of digests; its folder also holds the decoded recordings. nullptr: the default folder.
void load_clips(const MediaSource& source, const AudioOptions& options, HashCache* cache,
                Dataset& dataset, Modality& modality, std::vector<std::uint8_t>& skip,
                TableMistakes& mistakes, Sha256& hash);

// Takes out the rows that are marked.
void leave_out(Dataset& dataset, const std::vector<std::uint8_t>& skip);

}  // namespace emosweep::data
