#include "data/balanced_order.h"

#include <map>

namespace emosweep::data {

std::vector<std::int64_t> balanced_order(std::span<const std::int32_t> rows,
                                         std::span<const std::int64_t> labels, const StreamKey& key,
                                         std::int64_t epoch) {
  std::map<std::int64_t, std::vector<std::int64_t>> of_class;
  for (const std::int32_t row : rows)
    of_class[labels[static_cast<std::size_t>(row)]].push_back(row);
  std::vector<const std::vector<std::int64_t>*> classes;
  classes.reserve(of_class.size());
  for (const auto& [label, own] : of_class) classes.push_back(&own);
  const StreamKey which_class = derive(key, "balanced order/class");
  const StreamKey which_row = derive(key, "balanced order/row");
  const auto step = static_cast<std::uint64_t>(epoch);
  std::vector<std::int64_t> order;
  order.reserve(rows.size());
  for (std::uint64_t i = 0; i < rows.size(); ++i) {
    const auto& own = *classes[uniform_index(which_class, step, i, classes.size())];
    order.push_back(own[uniform_index(which_row, step, i, own.size())]);
  }
  return order;
}

}  // namespace emosweep::data
