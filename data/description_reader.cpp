#include "data/description_reader.h"

#include <algorithm>

#include "data/table.h"

namespace emosweep::data {

// A cell may be a megabyte, and it may hold control characters or broken UTF-8 that a terminal
// should not see.
std::string in_quotes(const std::string& text) {
  constexpr std::size_t kMost = 60;
  std::size_t end = text.size();
  if (end > kMost) {
    end = kMost;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  }
  std::string shown = text.substr(0, end);
  const bool broken = first_bad_byte(shown) != std::string_view::npos;
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (broken && byte >= 0x80)) c = '?';
  }
  return "'" + shown + (end < text.size() ? "...'" : "'");
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string hint(const std::string& word, const std::vector<std::string>& names) {
  const std::string near = nearest(word, names);
  return near.empty() ? "" : "; did you mean " + in_quotes(near) + "?";
}

void NodeReader::keys(const Node& map, const std::string& owner,
                      const std::vector<std::string>& known,
                      const std::vector<std::string>& planned) {
  const auto has = [](const std::vector<std::string>& names, const std::string& key) {
    return std::find(names.begin(), names.end(), key) != names.end();
  };
  for (const Entry& entry : map.entries) {
    if (has(known, entry.key)) continue;
    if (has(planned, entry.key)) {
      mistake(entry.place, in_quotes(entry.key) + " of " + owner + " does not exist yet");
      continue;
    }
    const std::string near = hint(entry.key, known);
    mistake(entry.place, "unknown key " + in_quotes(entry.key) + " of " + owner +
                             (near.empty() ? "; known: " + listed(known) : near));
  }
}

bool NodeReader::is_map(const Node& node, const std::string& what) {
  if (node.kind == Node::Kind::map) return true;
  mistake(node.place, what + " is not a map of keys and values");
  return false;
}

Written NodeReader::text(const Node& node, const std::string& what) {
  if (node.kind == Node::Kind::scalar && !node.scalar.empty()) return {node.scalar, node.place};
  mistake(node.place, what + (node.kind == Node::Kind::null || node.kind == Node::Kind::scalar
                                  ? " has no value"
                                  : " is not a single text"));
  return {};
}

std::vector<Written> NodeReader::texts(const Node& node, const std::string& what) {
  std::vector<Written> found;
  if (node.kind != Node::Kind::list) {
    found.push_back(text(node, what));
  } else {
    if (node.items.empty()) mistake(node.place, what + " is an empty list");
    for (const Node& item : node.items) found.push_back(text(item, "an element of " + what));
  }
  std::erase_if(found, [](const Written& value) { return !value.given(); });
  return found;
}

std::optional<std::size_t> NodeReader::choice(const Node& node, const std::string& what,
                                              const std::vector<std::string>& names) {
  const Written value = text(node, what);
  if (!value.given()) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), value.text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  mistake(value.place, what + " is " + in_quotes(value.text) + "; it can be: " + listed(names));
  return std::nullopt;
}

void NodeReader::name(const Written& value, const std::string& what) {
  const bool control = std::any_of(value.text.begin(), value.text.end(),
                                   [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (control || value.text.find('/') != std::string::npos || value.text == "." ||
      value.text == "..")
    mistake(value.place, what + " " + in_quotes(value.text) +
                             " may not hold '/' or control characters or be '.' or '..'");
}

}  // namespace emosweep::data
