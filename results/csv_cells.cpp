#include "results/csv_cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kMostMistakes = 20;  // then reading stops
constexpr std::size_t kMostLabels = 1000;
constexpr double kSumTolerance = 1e-3;  // of probabilities, which may have been rounded

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

class Filler {
 public:
  explicit Filler(const std::filesystem::path& file) : reader_(file) {
    result_.file = reader_.file();
    result_.columns = csv_columns(reader_);
  }

  CsvCells read() {
    while (mistakes_.lines().size() < kMostMistakes && reader_.next()) add_row();
    refuse_doubles();
    if (result_.labels.values().size() > kMostLabels) {
      mistakes_.add(Place{result_.file, 1, 0},
                    "'true' and 'predicted' hold more than " + std::to_string(kMostLabels) +
                        " different classes; of a regression give the 'score' of each cell");
    }
    if (result_.cells.empty() && mistakes_.empty()) {
      mistakes_.add(Place{result_.file, 2, 0}, "there are no rows");
    }
    mistakes_.throw_if_any();
    return std::move(result_);
  }

 private:
  void mistake(std::size_t column, const std::string& what) {
    mistakes_.add(Place{result_.file, static_cast<int>(reader_.line()), 0},
                  "column '" + reader_.header()[column] + "': " + what);
  }

  // A cell that must not be empty; "" has been reported.
  std::string_view text(std::size_t column) {
    const std::string_view cell = reader_.cell(column);
    if (cell.empty()) mistake(column, "the cell is empty");
    return cell;
  }

  std::uint32_t named(Texts& texts, const std::optional<std::size_t>& column,
                      const std::string& otherwise) {
    return texts.of(column ? text(*column) : std::string_view(otherwise));
  }

  CsvKey key() {
    const CsvColumns& columns = result_.columns;
    CsvKey key;
    key.experiment = named(result_.experiments, columns.experiment,
                           std::filesystem::path(result_.file).stem().string());
    key.condition = named(result_.conditions, columns.condition, "default");
    key.fold = result_.folds.of(text(columns.fold));
    if (columns.seed) {
      const std::string_view cell = text(*columns.seed);
      if (!cell.empty() && !parse(cell, key.seed)) {
        mistake(*columns.seed, "'" + std::string(cell) + "' is no whole number from 0 on");
      }
    }
    return key;
  }

  void add_row() {
    const CsvColumns& columns = result_.columns;
    CsvCell& cell = result_.cells[key()];
    cell.line.push_back(reader_.line());
    if (columns.group) cell.group.push_back(result_.groups.of(text(*columns.group)));
    if (columns.score) {
      add_score(cell);
    } else {
      cell.truth.push_back(result_.labels.of(text(*columns.truth)));
      cell.predicted.push_back(result_.labels.of(text(*columns.predicted)));
      if (columns.sample) add_sample(cell);
      if (!columns.probabilities.empty()) add_probabilities(cell);
    }
  }

  void add_score(CsvCell& cell) {
    const std::size_t column = *result_.columns.score;
    const std::string_view written = text(column);
    double value = 0;
    if (!written.empty() && (!parse(written, value) || !std::isfinite(value))) {
      mistake(column, "'" + std::string(written) + "' is no finite number");
    }
    if (cell.line.size() > 1) {
      mistake(column, "this condition, seed and fold has a score on line " +
                          std::to_string(cell.line.front()) + " already");
    }
    cell.score = value;
  }

  void add_sample(CsvCell& cell) {
    const std::uint32_t sample = result_.samples.of(text(*result_.columns.sample));
    cell.sample.push_back(sample);
    const First own{cell.truth.back(), cell.group.empty() ? 0 : cell.group.back(), reader_.line()};
    if (sample == first_.size()) first_.push_back(own);
    const First& first = first_[sample];
    const std::string elsewhere = " of sample '" + result_.samples[sample] + "', which has ";
    if (own.truth != first.truth) {
      mistake(*result_.columns.truth, "'" + result_.labels[own.truth] + "'" + elsewhere + "'" +
                                          result_.labels[first.truth] + "' on line " +
                                          std::to_string(first.line));
    }
    if (own.group != first.group) {
      mistake(*result_.columns.group, "'" + result_.groups[own.group] + "'" + elsewhere + "'" +
                                          result_.groups[first.group] + "' on line " +
                                          std::to_string(first.line));
    }
  }

  void add_probabilities(CsvCell& cell) {
    double sum = 0;
    for (const auto& [name, column] : result_.columns.probabilities) {
      float value = 0;
      const std::string_view written = text(column);
      if (!written.empty() && (!parse(written, value) || !(value >= 0 && value <= 1))) {
        mistake(column, "'" + std::string(written) + "' is no probability from 0 to 1");
      }
      cell.probability.push_back(value);
      sum += static_cast<double>(value);
    }
    if (std::fabs(sum - 1) > kSumTolerance) {
      mistake(result_.columns.probabilities[0].second,
              "the probabilities of the row add up to " + std::to_string(sum) + ", not 1");
    }
  }

  // One seed of a condition tests every sample once at most.
  void refuse_doubles() {
    using Seed = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;
    Seed latest{};
    std::unordered_map<std::uint32_t, std::int64_t> lines;
    for (const auto& [key, cell] : result_.cells) {
      const Seed seed{key.experiment, key.condition, key.seed};
      if (seed != latest) lines.clear();
      latest = seed;
      for (std::size_t i = 0; i < cell.sample.size(); ++i) {
        const auto [found, is_new] = lines.try_emplace(cell.sample[i], cell.line[i]);
        if (is_new || mistakes_.lines().size() >= kMostMistakes) continue;
        mistakes_.add(Place{result_.file, static_cast<int>(cell.line[i]), 0},
                      "column 'sample': the same seed has tested '" +
                          result_.samples[cell.sample[i]] + "' on line " +
                          std::to_string(found->second) + " already");
      }
    }
  }

  struct First {  // of a sample
    std::uint32_t truth, group;
    std::int64_t line;
  };

  CsvReader reader_;
  CsvCells result_;
  Mistakes mistakes_;
  std::vector<First> first_;  // by sample
};

}  // namespace

std::uint32_t Texts::of(std::string_view text) {
  const auto [place, is_new] =
      places_.try_emplace(std::string(text), static_cast<std::uint32_t>(values_.size()));
  if (is_new) values_.emplace_back(text);
  return place->second;
}

CsvCells read_csv_cells(const std::filesystem::path& file) { return Filler(file).read(); }

}  // namespace emosweep::results
