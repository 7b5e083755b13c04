#include "results/text_layout.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace emosweep::results {
namespace {

constexpr std::size_t kWidth = 100;

// Columns by characters, not bytes: continuation bytes of UTF-8 take no place.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, width_of(text)), ' ') + text;
}

}  // namespace

std::string score(double value, int digits) {
  if (std::isnan(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string score(const Spread& spread) {
  if (spread.n < 2) return score(spread.mean);
  return score(spread.mean) + " +- " + score(spread.sd);
}

std::string with_sign(double value, int digits) {
  return (value > 0 ? "+" : "") + score(value, digits);
}

std::string p_text(double p) { return p < kSmallP ? "<.0001" : score(p); }

std::string percent(double share) { return std::isnan(share) ? "-" : score(100 * share, 0) + " %"; }

std::string bracketed(double lower, double upper, int digits) {
  return std::isnan(lower) ? "-" : "[" + score(lower, digits) + ", " + score(upper, digits) + "]";
}

std::string duration(double seconds) {
  if (seconds < 100) return score(seconds, 1) + " s";
  if (seconds < 100 * 60) return score(seconds / 60, 0) + " min";
  return score(seconds / 3600, seconds < 100 * 3600 ? 1 : 0) + " h";
}

std::string counted(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string left(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string wrapped(const std::string& text, const std::string& indent) {
  std::string lines, line = indent, word;
  std::istringstream words(text);
  while (words >> word) {
    if (line.size() > indent.size() && width_of(line) + 1 + width_of(word) > kWidth) {
      lines += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return line.size() > indent.size() ? lines + line + "\n" : lines;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::string& indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    text += indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? left(row[i], widths[i]) : "  " + right(row[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

}  // namespace emosweep::results
