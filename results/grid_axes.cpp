#include "results/grid_axes.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <numeric>
#include <optional>

namespace emosweep::results {
namespace {

using Setting = std::pair<std::string, std::string>;

bool key_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
}

// Where ", key=" begins at `at` or later: values may hold commas themselves ("[0.5, 2]").
std::size_t next_setting(const std::string& label, std::size_t at) {
  for (; (at = label.find(", ", at)) != std::string::npos; at += 2) {
    std::size_t end = at + 2;
    while (end < label.size() && key_character(label[end])) ++end;
    if (end > at + 2 && end < label.size() && label[end] == '=') return at;
  }
  return std::string::npos;
}

std::vector<Setting> settings_of(const std::string& label) {
  std::vector<Setting> settings;
  for (std::size_t at = 0; at < label.size();) {
    const std::size_t end = std::min(next_setting(label, at), label.size());
    const std::string part = label.substr(at, end - at);
    const std::size_t sign = part.find('=');
    if (sign == std::string::npos || sign == 0) return {};
    settings.emplace_back(part.substr(0, sign), part.substr(sign + 1));
    at = end + 2;
  }
  return settings;
}

std::optional<double> number_of(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size()) return std::nullopt;
  return value;
}

// Numbers ascending; other values stay in the order they came.
void sort_numbers(GridAxis& axis) {
  std::vector<double> numbers;
  for (const auto& value : axis.values) {
    const auto number = number_of(value);
    if (!number) return;
    numbers.push_back(*number);
  }
  std::vector<std::size_t> order(numbers.size()), place(numbers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return numbers[a] < numbers[b]; });
  std::vector<std::string> sorted;
  for (std::size_t i = 0; i < order.size(); ++i) {
    sorted.push_back(axis.values[order[i]]);
    place[order[i]] = i;
  }
  axis.values = std::move(sorted);
  for (auto& value : axis.of_condition) value = place[value];
}

}  // namespace

std::vector<GridAxis> grid_axes(const std::vector<std::string>& labels) {
  std::vector<GridAxis> axes;
  for (std::size_t c = 0; c < labels.size(); ++c) {
    const auto settings = settings_of(labels[c]);
    if (settings.empty()) return {};
    if (c == 0) {
      for (const auto& setting : settings) axes.push_back({setting.first, {}, {}});
    }
    if (settings.size() != axes.size()) return {};
    for (std::size_t a = 0; a < axes.size(); ++a) {
      GridAxis& axis = axes[a];
      if (axis.name != settings[a].first) return {};
      const auto found = std::find(axis.values.begin(), axis.values.end(), settings[a].second);
      axis.of_condition.push_back(static_cast<std::size_t>(found - axis.values.begin()));
      if (found == axis.values.end()) axis.values.push_back(settings[a].second);
    }
  }
  std::erase_if(axes, [](const GridAxis& axis) { return axis.values.size() < 2; });
  for (auto& axis : axes) sort_numbers(axis);
  return axes;
}

}  // namespace emosweep::results
