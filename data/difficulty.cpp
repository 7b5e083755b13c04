#include "data/difficulty.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace emosweep::data {
namespace {

std::vector<double> numbers_of(const Node& node, const std::string& owner, NodeReader& read) {
  std::vector<double> values;
  if (node.kind != Node::Kind::list) {
    read.mistake(node.place, owner + " is not a list of numbers");
    return values;
  }
  for (const Node& item : node.items) {
    const auto value = number(item);
    if (!value) read.mistake(item.place, owner + ": " + in_quotes(item.scalar) + " is no number");
    values.push_back(value.value_or(0));
  }
  return values;
}

}  // namespace

DifficultyDescription read_difficulty(const Node& node, NodeReader& read) {
  DifficultyDescription d;
  d.place = node.place;
  if (!read.is_map(node, "difficulty")) return d;
  read.keys(node, "difficulty", {"column", "columns", "expected"});
  const Entry* column = node.find("column");
  const Entry* columns = node.find("columns");
  const Entry* expected = node.find("expected");
  if ((column == nullptr) == (columns == nullptr) ||
      (columns == nullptr) != (expected == nullptr)) {
    read.mistake(node.place, "difficulty needs either 'column' or 'columns' with 'expected'");
    return d;
  }
  if (column != nullptr) {
    d.columns = {read.text(column->value, "difficulty's column")};
    return d;
  }
  d.columns = read.texts(columns->value, "difficulty's columns");
  if (!read.is_map(expected->value, "difficulty's expected")) return d;
  for (const Entry& entry : expected->value.entries) {
    const std::string owner = "the expected values of " + in_quotes(entry.key);
    std::vector<double> values = numbers_of(entry.value, owner, read);
    if (values.size() != d.columns.size()) {
      read.mistake(entry.value.place, owner + ": " + std::to_string(values.size()) +
                                          " numbers for " + std::to_string(d.columns.size()) +
                                          " columns");
      values.resize(d.columns.size());
    }
    d.expected[entry.key] = std::move(values);
  }
  return d;
}

std::vector<double> difficulties(const DifficultyDescription& d, std::span<const double> values,
                                 std::span<const std::int32_t> label,
                                 const std::vector<std::string>& classes, TableMistakes& mistakes) {
  if (d.expected.empty()) return {values.begin(), values.end()};
  for (const auto& [name, expected] : d.expected) {
    if (std::find(classes.begin(), classes.end(), name) == classes.end())
      mistakes.add(d.place, "difficulty: expected names the class " + in_quotes(name) +
                                ", which does not exist" + hint(name, classes));
  }
  std::vector<const std::vector<double>*> centre(classes.size(), nullptr);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (const auto found = d.expected.find(classes[c]); found != d.expected.end())
      centre[c] = &found->second;
  }
  std::vector<double> distances;
  distances.reserve(label.size());
  std::set<std::int32_t> missing;
  const std::size_t width = d.columns.size();
  for (std::size_t row = 0; row < label.size(); ++row) {
    const std::vector<double>* expected = centre[static_cast<std::size_t>(label[row])];
    double square = 0;
    for (std::size_t i = 0; expected && i < width; ++i) {
      const double off = values[row * width + i] - (*expected)[i];
      square += off * off;
    }
    if (!expected) missing.insert(label[row]);
    distances.push_back(std::sqrt(square));
  }
  for (const std::int32_t c : missing)
    mistakes.add(d.place, "difficulty: expected lacks the class " +
                              in_quotes(classes[static_cast<std::size_t>(c)]));
  return distances;
}

}  // namespace emosweep::data
