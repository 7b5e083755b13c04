// A dataset as its dataset.yaml describes it: rows with ids, one label each, groups, metadata and
// feature modalities. No tensors here: plan and report use it without LibTorch being touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/document.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/target.h"

namespace emosweep::data {

struct Column {
  std::string name;
  std::vector<std::string> values;  // [n]
};

struct Clips;

struct Modality {
  std::string name;
  // features | statistics | embeddings | audio, text (which have no values)
  std::string kind;
  std::vector<std::string> columns;  // [width], in the order of the table's header
  std::int64_t width = 0;
  std::vector<double> values;         // [n, width] row-major; NaN = missing
  std::vector<std::uint8_t> present;  // [n]: 0 where every column of the modality is missing
  // The recordings of kind audio and statistics (data/audio/clips.h); else nullptr.
  std::shared_ptr<const Clips> clips = nullptr;
  std::vector<std::string> text = {};  // [n] of kind text
};

enum class Duplicates { refuse, drop_from_train, allow };

// Where an official split without a validation part takes it from.
struct OfficialValidation {
  bool given = false;
  std::int64_t groups = 0;  // so many groups of the training part, or
  double fraction = 0;      // this fraction of its rows (whole groups where a group is given)
};

// Rows are the rows that are left after row selection and `unlabelled: skip`; `row` tells where
// they stand in the table.
struct Dataset {
  std::string name;
  std::filesystem::path description;  // dataset.yaml, absolute
  std::vector<std::filesystem::path> tables;
  TargetSpec target;
  std::vector<std::int64_t>
      row;  // [n] index among all rows of the table(s): what records call `sample`
  std::vector<std::string> id;  // [n] unique
  // [n, target_outputs(target)] row-major: class index (single), 0 and 1 (multi), class index or -1
  // for unknown (aspects); empty for regression.
  std::vector<std::int32_t> label;
  std::vector<double> value;   // [n, outputs] of regression
  std::vector<Column> groups;  // [n] each, names as in dataset.yaml, in its order
  std::vector<Column> metadata;
  std::vector<double> difficulty;  // [n] larger: harder, for curricula; empty: not described
  std::vector<std::string>
      split;  // [n] train | validation | test, or empty where the dataset has no splits
  OfficialValidation official_validation;
  Duplicates duplicates = Duplicates::refuse;
  bool duplicates_given = false;  // false: refuse, but `official` drops from training and reports
  std::vector<Modality> modalities;
  std::vector<std::string> warnings;
  Digest digest;  // of all that the samples are: table bytes, effective description, row selection
  Digest samples_digest;  // of the sample table (all rows, before row selection)

  std::int64_t size() const { return static_cast<std::int64_t>(id.size()); }
  // Values of a group, [n]; "id": every row is a group of its own. nullptr if there is none.
  const std::vector<std::string>* group(const std::string& name) const;
  const Modality* modality(const std::string& name) const;
};

// All rows of the table(s), for /samples of the summary: ids, groups, metadata.
struct SampleTable {
  std::string dataset;
  Digest digest;
  std::vector<std::string> id;
  std::vector<Column> groups, metadata;
};

// `where: {intensity: [1, 2]}`: a row is kept if every named column's text is among the values;
// `exclude` drops a row if every named column matches. Columns are columns of the table. Numbers
// compare as text after trimming.
struct RowSelection {
  std::map<std::string, std::vector<std::string>> where, exclude;
};

struct TableLimits {
  std::uint64_t bytes = 8ull << 30;
  std::int64_t rows = 50'000'000, columns = 100'000;
  std::size_t cell = 1u << 20;
};

struct Loaded {
  Dataset dataset;
  SampleTable samples;
};

// Labels of samples to be predicted are not known: with `ignored` the description needs no label
// and the table no such column; `label` is then all 0 and means nothing, and target.classes are
// those that the description lists, if any.
enum class Labels { needed, ignored };

// Reads and checks the description and its tables. Every mistake is reported with file, row (as an
// editor counts lines) and column, the first 20 together; throws InputError. `description`: a
// dataset.yaml or the folder that holds one. Files are hashed through `cache` (nullptr: always
// read).
// embedder: encodes the texts of modalities of kind embeddings; needed where there are some.
class HashCache;
class TextEmbedder;
Loaded load_dataset(const std::filesystem::path& description, const RowSelection& selection = {},
                    HashCache* cache = nullptr, const TableLimits& limits = {},
                    Labels labels = Labels::needed, TextEmbedder* embedder = nullptr);

}  // namespace emosweep::data
