#include "trainer/curriculum.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace emosweep::trainer {
namespace {

using Rows = std::vector<std::int32_t>;

Rows shuffled(std::span<const std::int32_t> rows, const StreamKey& key) {
  Rows result;
  for (const std::int64_t i :
       permutation(static_cast<std::int64_t>(rows.size()), derive(key, "curriculum"), 0)) {
    result.push_back(rows[static_cast<std::size_t>(i)]);
  }
  return result;
}

// The first of every class, the second of every class, ...
Rows in_turns(const Rows& rows, std::span<const std::int32_t> label) {
  std::map<std::int32_t, Rows> of_class;
  for (const std::int32_t row : rows) of_class[label[static_cast<std::size_t>(row)]].push_back(row);
  Rows result;
  for (std::size_t turn = 0; result.size() < rows.size(); ++turn) {
    for (const auto& [c, own] : of_class) {
      if (turn < own.size()) result.push_back(own[turn]);
    }
  }
  return result;
}

Rows by_difficulty(std::span<const std::int32_t> rows, std::span<const double> difficulty,
                   bool hardest_first) {
  Rows result(rows.begin(), rows.end());
  std::stable_sort(result.begin(), result.end(), [&](std::int32_t a, std::int32_t b) {
    const double x = difficulty[static_cast<std::size_t>(a)];
    const double y = difficulty[static_cast<std::size_t>(b)];
    return hardest_first ? x > y : x < y;
  });
  return result;
}

}  // namespace

double pace(const std::string& pacing, std::int64_t epoch, std::int64_t T) {
  EMO_CHECK(T >= 1 && epoch >= 0, "a curriculum has epochs");
  if (epoch + 1 >= T) return 1;
  const double e = static_cast<double>(epoch), all = static_cast<double>(T);
  if (pacing == "linear") return (e + 1) / all;
  if (pacing == "sqrt") return std::sqrt((e + 1) / all);
  EMO_CHECK(pacing == "log", "pacing is linear, sqrt or log");
  return std::log(e + 2) / std::log(all + 1);
}

std::int64_t curriculum_rows(const CurriculumOptions& options, std::int64_t rows,
                             std::int64_t least, std::int64_t epoch) {
  if (options.order == "none") return rows;
  const double share = pace(options.pacing, epoch, options.epochs);
  // Rounding in the share must not cost a row: 0.3 * 10 is 3.
  const auto some = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(rows) - 1e-9));
  return std::clamp(some, std::min(least, rows), rows);
}

Curriculum::Curriculum(const CurriculumOptions& options, std::span<const std::int32_t> rows,
                       std::span<const double> difficulty, std::span<const std::int32_t> label,
                       std::int64_t least, const StreamKey& key)
    : options_(options), least_(least) {
  if (options.order == "none") {
    rows_.assign(rows.begin(), rows.end());
  } else if (options.order == "random") {
    rows_ = shuffled(rows, key);
  } else if (options.order == "class_balance") {
    rows_ = in_turns(shuffled(rows, key), label);
  } else {
    EMO_CHECK(options.order == "difficulty" || options.order == "inverse",
              "a curriculum's order is known");
    EMO_CHECK(!difficulty.empty(), "the dataset has difficulties");
    rows_ = by_difficulty(rows, difficulty, options.order == "inverse");
  }
}

std::span<const std::int32_t> Curriculum::rows(std::int64_t epoch) const {
  const auto all = static_cast<std::int64_t>(rows_.size());
  return std::span(rows_).first(
      static_cast<std::size_t>(curriculum_rows(options_, all, least_, epoch)));
}

double Curriculum::dropout(std::int64_t epoch, double before) const {
  return paced() && epoch >= options_.epochs ? options_.post_dropout : before;
}

}  // namespace emosweep::trainer
