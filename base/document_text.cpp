// Scalars as numbers and booleans, and trees as text.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/document.h"

namespace emosweep {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_from(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

template <typename T>
std::optional<T> converted(std::string_view text) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// -?(0|[1-9][0-9]*), whatever its size.
bool integer_form(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || digits_from(text, 0) != text.size()) return false;
  return text.size() == 1 || text[0] != '0';
}

// -?(0|[1-9][0-9]*)?(.[0-9]*)?([eE][-+]?[0-9]+)? with a digit before or after the point.
bool number_form(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  std::size_t at = digits_from(text, 0);
  std::size_t digits = at;
  if (digits > 1 && text[0] == '0') return false;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = digits_from(text, at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t end = digits_from(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

bool plain(const Node& node) { return node.kind == Node::Kind::scalar && !node.quoted; }

// Words that this or another YAML reader takes for something other than text.
bool special_word(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  constexpr std::string_view words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
  return std::find(std::begin(words), std::end(words), lower) != std::end(words);
}

bool safe_unquoted(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !letter(text[0]) || text.back() == ' ' || special_word(text)) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || is_digit(c) || c == ' ' || c == '.' || c == '/' || c == '-' || c == '+';
  });
}

std::string in_quotes(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else if (text.substr(i).starts_with("\xC2\x85")) {  // line ends to other readers
      out += "\\x85";
      i += 1;
    } else if (text.substr(i).starts_with("\xE2\x80\xA8")) {
      out += "\\u2028";
      i += 2;
    } else if (text.substr(i).starts_with("\xE2\x80\xA9")) {
      out += "\\u2029";
      i += 2;
    } else if (text.substr(i).starts_with("\xEF\xBB\xBF")) {
      out += "\\ufeff";
      i += 2;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string scalar_text(const Node& node) {
  if (node.quoted) return in_quotes(node.scalar);
  if (number_form(node.scalar) || boolean(node) || safe_unquoted(node.scalar)) return node.scalar;
  return in_quotes(node.scalar);
}

// What stands after "key: " or "- "; empty for a list or a map that goes on in the next lines.
std::string one_line(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::scalar:
      return scalar_text(node);
    case Node::Kind::list:
      return node.items.empty() ? "[]" : "";
    case Node::Kind::map:
      return node.entries.empty() ? "{}" : "";
  }
  return "";
}

void write(std::string& out, const Node& node, std::size_t indent) {
  const std::string spaces(indent, ' ');
  for (const Entry& entry : node.entries) {
    // A key that looks like a number is text nevertheless, and reads back as that.
    out += spaces + (safe_unquoted(entry.key) ? entry.key : in_quotes(entry.key)) + ":";
    const std::string value = one_line(entry.value);
    out += value.empty() ? "\n" : " " + value + "\n";
    if (value.empty()) write(out, entry.value, indent + 2);
  }
  for (const Node& item : node.items) {
    const std::string value = one_line(item);
    const std::size_t begin = out.size();
    if (value.empty()) {
      write(out, item, indent + 2);  // its first line starts behind the dash
      out[begin + indent] = '-';
    } else {
      out += spaces + "- " + value + "\n";
    }
  }
}

}  // namespace

std::optional<std::int64_t> integer(const Node& node) {
  if (!plain(node) || !integer_form(node.scalar)) return std::nullopt;
  return converted<std::int64_t>(node.scalar);
}

std::optional<double> number(const Node& node) {
  if (!plain(node) || !number_form(node.scalar)) return std::nullopt;
  const auto value = converted<double>(node.scalar);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<bool> boolean(const Node& node) {
  if (!plain(node)) return std::nullopt;
  if (node.scalar == "true") return true;
  if (node.scalar == "false") return false;
  return std::nullopt;
}

std::string write_document(const Node& node) {
  const std::string value = one_line(node);
  if (!value.empty()) return value + "\n";
  std::string out;
  write(out, node, 0);
  return out;
}

}  // namespace emosweep
