// Random datasets and what must hold of every fold.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "base/philox.h"
#include "data/splits.h"
#include "helpers.h"

namespace emosweep::data {

// Rows with all values different; group "who" and class at random.
inline Dataset random_dataset(std::uint64_t seed, std::int64_t rows, std::int64_t groups,
                              std::int64_t classes) {
  const StreamKey key = trial_key(seed, "test");
  Dataset d;
  d.name = "random";
  d.groups.push_back({"who", {}});
  for (std::int64_t c = 0; c < classes; ++c)
    d.target.classes.push_back("class" + std::to_string(c));
  Modality m{"m", "features", {"x"}, 1, {}, {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    d.id.push_back("row" + std::to_string(i));
    d.row.push_back(i);
    // Groups and classes of unequal sizes, each there at least once.
    const auto lot = [&](std::uint64_t step, std::int64_t n) {
      if (i < n) return i;
      return static_cast<std::int64_t>(
          std::min(uniform_index(key, step, at, static_cast<std::uint64_t>(n)),
                   uniform_index(key, step + 1, at, static_cast<std::uint64_t>(n))));
    };
    d.groups[0].values.push_back("g" + std::to_string(lot(0, groups)));
    d.label.push_back(static_cast<std::int32_t>(lot(2, classes)));
    m.values.push_back(static_cast<double>(i));
    m.present.push_back(1);
  }
  d.modalities.push_back(std::move(m));
  return d;
}

inline void check_fold(const Dataset& d, const Fold& fold, bool grouped, bool all = false) {
  std::map<std::int32_t, int> rows;
  std::map<std::string, std::set<int>> groups;
  int part = 0;
  for (const auto* list : {&fold.train, &fold.validation, &fold.test}) {
    EXPECT_TRUE(std::is_sorted(list->begin(), list->end()));
    EXPECT_EQ(list->empty(), all && part > 0) << fold.name << " part " << part;
    for (const std::int32_t row : *list) {
      ++rows[row];
      groups[d.groups[0].values[static_cast<std::size_t>(row)]].insert(part);
    }
    ++part;
  }
  EXPECT_EQ(rows.size(), static_cast<std::size_t>(d.size()));
  for (const auto& [row, count] : rows) EXPECT_EQ(count, 1);
  if (!grouped) return;
  for (const auto& [group, parts] : groups)
    EXPECT_EQ(parts.size(), 1u) << fold.name << " " << group;
}

}  // namespace emosweep::data
