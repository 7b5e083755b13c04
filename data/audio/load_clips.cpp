#include "data/audio/load_clips.h"

#include <cmath>
#include <cstdio>
#include <map>
#include <unordered_map>

#include "base/canonical.h"
#include "base/error.h"
#include "data/audio/audio_description.h"
#include "data/audio/clip_cache.h"
#include "data/audio/media_path.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = 1ull << 30;  // of one file; hours of speech need less

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// What one distinct cell names.
struct Found {
  std::int32_t recording = -1;  // number among the distinct contents
  bool missing = false;         // there is no such file
  std::string refused;          // why its path is none of ours: never passed over
  std::string unreadable;       // why its bytes cannot be read
};

struct Media {
  std::vector<Recording> recordings;               // distinct contents, in the order of the rows
  std::unordered_map<std::string, Found> by_cell;  // cells that are not empty
};

// sha256_file and HashCache say what is wrong in an InputError that begins with the path.
Digest digest_of(const fs::path& file, HashCache* cache) {
  return cache != nullptr ? cache->of(file) : sha256_file(file);
}

Media find_all(const MediaSource& source, HashCache* cache, Sha256& hash) {
  Media media;
  std::map<Digest, std::int32_t> known;
  for (const MediaCell& cell : source.cells) {
    if (cell.text.empty()) {
      hash.add_sized("");
      continue;
    }
    auto [place, fresh] = media.by_cell.try_emplace(cell.text);
    Found& found = place->second;
    if (fresh) {
      MediaPath path = find_media(source.root, cell.text, kMostBytes);
      found.missing = path.missing;
      if (!path.missing) found.refused = path.problem;
      if (path.problem.empty()) {
        try {
          const Digest digest = digest_of(path.file, cache);
          const auto [same, first] =
              known.try_emplace(digest, static_cast<std::int32_t>(media.recordings.size()));
          if (first) media.recordings.push_back({path.file, digest});
          found.recording = same->second;
        } catch (const InputError& error) {
          found.unreadable = error.what();
        }
      }
    }
    hash.add_sized(found.recording >= 0 ? media.recordings[at(found.recording)].digest.hex() : "-");
  }
  return media;
}

std::string details(ClipTrouble trouble, const ClipInfo& info, const ClipPolicy& policy) {
  const double db = 20 * std::log10(std::max(info.peak, 1e-10));
  char text[200] = "";
  switch (trouble) {
    case ClipTrouble::unreadable:
      return info.problem;
    case ClipTrouble::too_short:
      std::snprintf(text, sizeof text, "it is too short: %.3g s, less than min_seconds %.3g",
                    info.seconds, policy.min_seconds);
      break;
    case ClipTrouble::too_long:
      std::snprintf(text, sizeof text, "it is too long: more than max_seconds %.4g",
                    policy.max_seconds);
      break;
    case ClipTrouble::silent:
      std::snprintf(text, sizeof text, "it is silent: no sample is above %.3g dB (silence_db %.3g)",
                    db, policy.silence_db);
      break;
    default:
      return "there is no such file";
  }
  return text;
}

// What max_seconds has to be for the whole recording, where its header says how long it is.
std::string longer(const ClipInfo& info, const ClipPolicy& policy) {
  const double needed = std::floor(info.seconds) + 1;
  if (needed > kLongest) {
    return "max_seconds is at most " + number_text(kLongest) + ": cut it into files; ";
  }
  return (info.seconds > policy.max_seconds ? "max_seconds: " + number_text(needed)
                                            : "a larger max_seconds") +
         " would take it whole; ";
}

std::string ways_out(ClipTrouble trouble, const ClipInfo& info, const ClipPolicy& policy) {
  const std::string last = trouble == ClipTrouble::too_long ? ", cut"
                           : trouble == ClipTrouble::too_short || trouble == ClipTrouble::silent
                               ? ", keep"
                               : "";
  const std::string first = trouble == ClipTrouble::too_long ? longer(info, policy) : "";
  return " (" + first + trouble_name(trouble) + ": missing, skip" + last + " would let it pass)";
}

std::string outcome(ClipAction action, ClipTrouble trouble) {
  if (action == ClipAction::missing) return "count as missing";
  if (action == ClipAction::skip) return "are left out";
  return trouble == ClipTrouble::too_long ? "are cut to max_seconds" : "are used as they are";
}

class Rows {
 public:
  Rows(const MediaSource& source, const AudioOptions& options, const Media& media, Dataset& dataset,
       Modality& modality, Clips& clips)
      : source_(source),
        options_(options),
        media_(media),
        dataset_(dataset),
        modality_(modality),
        clips_(clips) {}

  void read(std::vector<std::uint8_t>& skip, TableMistakes& mistakes) {
    for (std::int64_t i = 0; i < dataset_.size(); ++i) {
      const MediaCell& cell = source_.cells[at(dataset_.row[at(i)])];
      clips_.clip.push_back(-1);
      modality_.present[at(i)] = 0;
      if (cell.text.empty()) continue;
      const Found& found = media_.by_cell.at(cell.text);
      const auto mistake = [&](const std::string& text) {
        mistakes.add(
            {source_.tables[at(cell.table)], cell.line, 0},
            "column " + in_quotes(source_.column) + ": " + in_quotes(cell.text) + ": " + text);
      };
      if (!found.refused.empty()) {
        mistake(found.refused);
        continue;
      }
      ClipInfo unread;
      unread.problem = found.unreadable;
      const ClipInfo& info = found.recording >= 0 ? clips_.store->info(found.recording) : unread;
      const ClipTrouble trouble =
          found.missing ? ClipTrouble::missing_file : trouble_of(info, options_.policy);
      const ClipAction action = action_of(trouble, options_.policy);
      if (trouble != ClipTrouble::none) {
        ++clips_.troubles[static_cast<std::size_t>(trouble)];
        named_[{trouble, action}].push_back(cell.text);
      }
      if (action == ClipAction::error)
        mistake(details(trouble, info, options_.policy) + ways_out(trouble, info, options_.policy));
      if (action == ClipAction::skip) skip[at(i)] = 1;
      if (action != ClipAction::keep) continue;
      clips_.clip.back() = found.recording;
      modality_.present[at(i)] = 1;
    }
  }

  void warn() const {
    for (const auto& [what, names] : named_) {
      if (what.second == ClipAction::error) continue;
      std::vector<std::string> shown(
          names.begin(),
          names.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(5, names.size())));
      for (std::string& name : shown) name = in_quotes(name);
      dataset_.warnings.push_back(
          "modality " + in_quotes(modality_.name) + ": " + std::to_string(names.size()) +
          " recordings (" + trouble_name(what.first) + ") " + outcome(what.second, what.first) +
          ": " + listed(shown) + (names.size() > shown.size() ? ", ..." : ""));
    }
  }

 private:
  const MediaSource& source_;
  const AudioOptions& options_;
  const Media& media_;
  Dataset& dataset_;
  Modality& modality_;
  Clips& clips_;
  std::map<std::pair<ClipTrouble, ClipAction>, std::vector<std::string>> named_;
};

void fill_statistics(const Clips& clips, Modality& modality) {
  modality.columns = statistic_columns(clips.options);
  modality.width = static_cast<std::int64_t>(modality.columns.size());
  modality.values.assign(clips.clip.size() * at(modality.width), std::nan(""));
  for (std::size_t i = 0; i < clips.clip.size(); ++i) {
    if (clips.clip[i] < 0) continue;
    const std::span<const float> row = clips.store->values(clips.clip[i]);
    std::copy(row.begin(), row.end(),
              modality.values.begin() + static_cast<std::ptrdiff_t>(i * at(modality.width)));
  }
}

template <class T>
void erase_rows(std::vector<T>& values, const std::vector<std::uint8_t>& skip) {
  if (values.empty()) return;
  const std::size_t width = values.size() / skip.size();
  std::size_t to = 0;
  for (std::size_t i = 0; i < skip.size(); ++i) {
    if (skip[i]) continue;
    for (std::size_t c = 0; c < width; ++c)
      if (to != i) values[to * width + c] = std::move(values[i * width + c]);
    ++to;
  }
  values.resize(to * width);
}

}  // namespace

void load_clips(const MediaSource& source, const AudioOptions& options, HashCache* cache,
                Dataset& dataset, Modality& modality, std::vector<std::uint8_t>& skip,
                TableMistakes& mistakes, Sha256& hash) {
  const bool statistics = modality.kind == "statistics";
  hash.add_sized(modality.name).add_sized(identity_text(options, statistics));
  const Media media = find_all(source, cache, hash);
  auto clips = std::make_shared<Clips>();
  clips->options = options;
  const fs::path folder =
      (cache != nullptr ? cache->file() : HashCache::default_file()).parent_path() / "clips";
  const double most = options.policy.max_seconds;
  if (!media.recordings.empty())
    clips->store = statistics
                       ? cached_statistics(folder, media.recordings, options.front_end, most,
                                           options.statistics)
                       : cached_spectrograms(folder, media.recordings, options.front_end, most);
  Rows rows(source, options, media, dataset, modality, *clips);
  rows.read(skip, mistakes);
  rows.warn();
  if (statistics) fill_statistics(*clips, modality);
  modality.clips = std::move(clips);
}

void leave_out(Dataset& dataset, const std::vector<std::uint8_t>& skip) {
  erase_rows(dataset.row, skip);
  erase_rows(dataset.id, skip);
  erase_rows(dataset.label, skip);
  erase_rows(dataset.value, skip);
  erase_rows(dataset.split, skip);
  erase_rows(dataset.difficulty, skip);
  for (Column& column : dataset.groups) erase_rows(column.values, skip);
  for (Column& column : dataset.metadata) erase_rows(column.values, skip);
  for (Modality& modality : dataset.modalities) {
    erase_rows(modality.values, skip);
    erase_rows(modality.present, skip);
    if (modality.clips == nullptr) continue;
    auto clips = std::make_shared<Clips>(*modality.clips);
    erase_rows(clips->clip, skip);
    modality.clips = std::move(clips);
  }
}

}  // namespace emosweep::data
