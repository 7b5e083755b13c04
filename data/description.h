// dataset.yaml as it is written, checked as far as that is possible without its tables. Internal to
// data/.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/document.h"
#include "base/error.h"
#include "data/audio/audio_options.h"
#include "data/dataset.h"
#include "data/text/embeddings.h"

namespace emosweep::data {

struct Written {
  std::string text;  // empty: not given
  Place place;
  bool given() const { return !text.empty(); }
};

struct ModalityDescription {
  Written name;
  std::vector<Written> columns;  // names, ranges `a .. b` and globs, in written order; of media
                                 // names: one path, or several texts
  std::string kind = "features";
  AudioOptions audio;          // kinds audio and statistics
  EmbeddingOptions embedding;  // kind embeddings: `columns` are of text
  // Filled when all rows are known, from cells that are no numbers.
  bool media() const { return kind != "features"; }
  bool embeddings() const { return kind == "embeddings"; }
  bool texts() const { return embeddings() || kind == "text"; }
};

// How cells say what a sample is: `label` or `aspects` of a description.
struct TargetDescription {
  // What happens to a row without a label: a mistake, left out, or kept (no label at all of multi,
  // unknown aspects).
  enum class Unlabelled { error, skip, keep };
  enum class Empty { error, neutral, ignore };  // cells of aspects

  TargetKind kind = TargetKind::single;
  Place place;
  Written column;                // a class, labels side by side, or a number; or
  std::vector<Written> columns;  // labels of 0 and 1, aspects, numbers: names, ranges and globs
  std::string separator;         // between the labels of one cell
  std::vector<Written> classes;  // single: empty means the sorted distinct labels
  Written class_file;            // one name a line; fills `classes`
  bool by_index = false;         // cells hold places among the classes, from 0
  std::map<std::string, std::string> map;  // what cells say: the class that is meant
  std::map<std::string, Place> map_places;
  Unlabelled unlabelled = Unlabelled::error;
  Empty empty = Empty::error;
  std::optional<std::pair<double, double>> range;  // of numbers, both ends included
};

struct DifficultyDescription {
  Place place;
  std::vector<Written> columns;  // none: difficulties are not described
  // Per class what every column is expected to be: difficulty is the Euclidean distance to it.
  // Empty: the one column holds difficulties, larger ones harder.
  std::map<std::string, std::vector<double>> expected;
  bool given() const { return !columns.empty(); }
};

struct TableDescription {
  Written file;
  std::filesystem::path path;  // resolved, inside the root
  std::string split;           // of all its rows, for splits: {files: ...}; else ""
};

struct Description {
  std::filesystem::path file;  // as the user named it, for messages
  std::filesystem::path root;
  std::string name;
  std::vector<TableDescription> tables;
  std::vector<std::string> header;  // for tables without one
  bool quotes = true;
  char delimiter = 0;  // 0: by the file's extension
  bool inf_is_missing = false;
  Written id, split;
  TargetDescription target;
  Labels labels = Labels::needed;
  std::vector<std::pair<std::string, Written>> groups;  // name, column
  std::vector<Written> metadata;
  DifficultyDescription difficulty;
  OfficialValidation validation;
  Duplicates duplicates = Duplicates::refuse;
  bool duplicates_given = false;
  std::vector<ModalityDescription> modalities;
};

// `file`: the dataset.yaml. All mistakes are added to `mistakes`, paths included; a YAML syntax
// error throws.
Description read_description(const std::filesystem::path& file, Mistakes& mistakes,
                             Labels labels = Labels::needed);

// `${NAME}` and `${NAME:-default}` (the default also serves an empty variable, and may hold
// others). A name that is not set and has no default is a mistake at the value's place.
std::string expand_environment(const Written& value, Mistakes& mistakes);

}  // namespace emosweep::data
