#include "base/error.h"

#include <algorithm>

namespace emosweep {

std::string Place::text() const {
  std::string out = file;
  if (line > 0) {
    out += (out.empty() ? "line " : ":") + std::to_string(line);
    if (column > 0) out += ":" + std::to_string(column);
  }
  return out;
}

namespace {

std::string at_place(const Place& place, std::string_view message) {
  const std::string where = place.text();
  return where.empty() ? std::string(message) : where + ": " + std::string(message);
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours cost one
// each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitute});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

InputError::InputError(const Place& place, std::string_view message)
    : Error(at_place(place, message)) {}

void Mistakes::add(const Place& place, std::string_view message) { add(at_place(place, message)); }

void Mistakes::add(std::string_view message) {
  // Nobody reads more, and a hostile file could hold millions.
  constexpr std::size_t most = 1000;
  if (lines_.size() > most) return;
  if (std::find(lines_.begin(), lines_.end(), message) != lines_.end()) return;
  lines_.emplace_back(lines_.size() < most ? message : "further mistakes are not listed");
}

void Mistakes::throw_if_any() const {
  if (lines_.empty()) return;
  std::string text;
  for (const auto& line : lines_) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  throw InputError(text);
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // A word from a hostile file must not cost quadratic time; no known name is longer.
  constexpr std::size_t longest_word = 200;
  if (word.size() > longest_word) return "";
  std::string best;
  std::size_t best_distance = word.size() / 3 + 1;  // must be beaten
  for (const auto& candidate : candidates) {
    if (candidate.size() > longest_word) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

namespace detail {

void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw Error("internal error: " + message + " (" + condition + ", " + file + ":" +
              std::to_string(line) + ")");
}

}  // namespace detail
}  // namespace emosweep
