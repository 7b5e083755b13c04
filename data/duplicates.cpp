#include "data/duplicates.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "data/audio/clips.h"
#include "data/description_reader.h"

namespace emosweep::data {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// One pattern for every missing cell and for both zeros.
std::uint64_t bits(double value) {
  if (std::isnan(value)) return ~0ull;
  return std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
}

std::uint64_t mix(std::uint64_t h, std::uint64_t word) {  // the finaliser of SplitMix64
  h += word + 0x9E3779B97F4A7C15ull;
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ull;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBull;
  return h ^ (h >> 31);
}

std::uint64_t text_hash(const Modality& modality, std::int32_t row) {
  return std::hash<std::string>()(modality.text[at(row)]);
}

// Of the sound, whatever the file around it says; 0 where the row has none.
std::uint64_t recording(const Modality& modality, std::int32_t row) {
  const std::int32_t clip = modality.clips->clip[at(row)];
  return clip < 0 ? 0 : modality.clips->store->content(clip);
}

template <class Use>
void each_value(const Dataset& dataset, std::int32_t row, Use use) {
  for (const Modality& modality : dataset.modalities) {
    const double* const begin = modality.values.data() + row * modality.width;
    for (std::int64_t i = 0; i < modality.width; ++i) use(bits(begin[i]));
    if (modality.width == 0 && modality.clips != nullptr) use(recording(modality, row));
    if (!modality.text.empty()) use(text_hash(modality, row));
  }
}

bool equal(const Dataset& dataset, std::int32_t a, std::int32_t b) {
  for (const Modality& modality : dataset.modalities) {
    const double* const x = modality.values.data() + a * modality.width;
    const double* const y = modality.values.data() + b * modality.width;
    for (std::int64_t i = 0; i < modality.width; ++i)
      if (bits(x[i]) != bits(y[i])) return false;
    if (modality.width == 0 && modality.clips != nullptr &&
        recording(modality, a) != recording(modality, b))
      return false;
    if (!modality.text.empty() && modality.text[at(a)] != modality.text[at(b)]) return false;
  }
  return true;
}

enum Side : char { none = '-', train = 't', validation = 'v', test = 'x' };

std::vector<char> sides_of(const Fold& fold, std::int64_t rows) {
  std::vector<char> side(at(rows), Side::none);
  for (const std::int32_t row : fold.train) side[at(row)] = Side::train;
  for (const std::int32_t row : fold.validation) side[at(row)] = Side::validation;
  for (const std::int32_t row : fold.test) side[at(row)] = Side::test;
  return side;
}

std::int64_t pairs(std::int64_t n) { return n * (n - 1) / 2; }

}  // namespace

std::vector<std::vector<std::int32_t>> equal_rows(const Dataset& dataset) {
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_hash;  // -> sets
  std::vector<std::vector<std::int32_t>> sets;
  for (std::int32_t row = 0; row < dataset.size(); ++row) {
    std::uint64_t hash = 0;
    each_value(dataset, row, [&](std::uint64_t word) { hash = mix(hash, word); });
    std::vector<std::size_t>& same_hash = by_hash[hash];
    const auto same = std::find_if(same_hash.begin(), same_hash.end(), [&](std::size_t set) {
      return equal(dataset, sets[set][0], row);
    });
    if (same != same_hash.end()) {
      sets[*same].push_back(row);
    } else {
      same_hash.push_back(sets.size());
      sets.push_back({row});
    }
  }
  std::erase_if(sets, [](const auto& set) { return set.size() < 2; });
  return sets;
}

void handle_duplicates(const Dataset& dataset, Protocol protocol, Folds& folds) {
  const auto sets = equal_rows(dataset);
  if (sets.empty() || protocol == Protocol::all) return;
  std::vector<std::map<std::string, std::int64_t>> seen(sets.size());  // sides over all folds
  std::vector<std::vector<std::string>> path(sets.size());
  for (std::size_t s = 0; s < sets.size(); ++s) path[s].resize(sets[s].size());
  Duplicates policy = dataset.duplicates;
  if (!dataset.duplicates_given && protocol == Protocol::official)
    policy = Duplicates::drop_from_train;
  std::vector<std::string> examples;
  std::int64_t from_train = 0, from_validation = 0;
  for (Fold& fold : folds.folds) {
    const std::vector<char> side = sides_of(fold, dataset.size());
    std::vector<std::uint8_t> gone(at(dataset.size()));
    for (std::size_t s = 0; s < sets.size(); ++s) {
      bool in_test = false, in_validation = false;
      for (std::size_t i = 0; i < sets[s].size(); ++i) {
        const char where = side[at(sets[s][i])];
        path[s][i] += where;
        in_test = in_test || where == Side::test;
        in_validation = in_validation || where == Side::validation;
      }
      for (const std::int32_t row : sets[s]) {
        const char where = side[at(row)];
        const bool leaks = (where == Side::train && (in_test || in_validation)) ||
                           (where == Side::validation && in_test);
        if (!leaks) continue;
        gone[at(row)] = 1;
        if (examples.size() >= 5) continue;
        const auto other = std::find_if(sets[s].begin(), sets[s].end(), [&](std::int32_t r) {
          return side[at(r)] == (in_test ? Side::test : Side::validation);
        });
        examples.push_back("fold " + in_quotes(fold.name) + ": " + in_quotes(dataset.id[at(row)]) +
                           (where == Side::train ? " (train) = " : " (validation) = ") +
                           in_quotes(dataset.id[at(*other)]) +
                           (in_test ? " (test)" : " (validation)"));
      }
    }
    if (policy != Duplicates::drop_from_train) continue;
    const auto drop = [&](std::vector<std::int32_t>& rows) {
      return static_cast<std::int64_t>(
          std::erase_if(rows, [&](std::int32_t row) { return gone[at(row)] != 0; }));
    };
    const std::int64_t train_rows = drop(fold.train), validation_rows = drop(fold.validation);
    fold.dropped = train_rows + validation_rows;
    from_train += train_rows;
    from_validation += validation_rows;
  }
  // A pair never stands on two sides if both rows took the same way through all folds.
  for (std::size_t s = 0; s < sets.size(); ++s) {
    for (const std::string& way : path[s]) ++seen[s][way];
    folds.duplicates += pairs(static_cast<std::int64_t>(sets[s].size()));
    for (const auto& [way, count] : seen[s]) folds.duplicates -= pairs(count);
  }
  if (folds.duplicates == 0) return;
  std::string text = std::to_string(folds.duplicates) +
                     " pairs of equal samples (all feature values) stand on two sides of a split";
  std::string shown;
  for (const std::string& example : examples) shown += "\n  " + example;
  if (policy == Duplicates::refuse)
    throw InputError("the protocol " + std::string(protocol_name(protocol)) + " on the dataset " +
                     in_quotes(dataset.name) + ": " + text + ":" + shown +
                     "\n  write 'duplicates: drop_from_train' or 'duplicates: allow' in " +
                     dataset.description.string() + ", or remove them from the table");
  if (policy == Duplicates::drop_from_train)
    text += "; dropped over all folds: " + std::to_string(from_train) + " from train, " +
            std::to_string(from_validation) + " from validation";
  else
    text += "; they stay ('duplicates: allow'), so the scores are too good";
  folds.warnings.push_back(text + ":" + shown);
}

}  // namespace emosweep::data
