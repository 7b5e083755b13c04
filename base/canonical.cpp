#include "base/canonical.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace emosweep {

namespace {

void append_escaped(std::string& out, const std::string& text) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '=':
        out += "\\e";
        break;
      default:
        out += c;
    }
  }
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char c = ++i < text.size() ? text[i] : '\0';
    if (c == '\\') {
      out += '\\';
    } else if (c == 'n') {
      out += '\n';
    } else if (c == 'e') {
      out += '=';
    } else {
      throw InputError("canonical text: an unknown escape in '" + std::string(text) + "'");
    }
  }
  return out;
}

}  // namespace

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";  // one text for every NaN, whatever its sign and payload
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[64];
  char* const end = text + sizeof text;
  char* last = std::to_chars(text, end, value, std::chars_format::scientific).ptr;
  int exponent = 0;
  const char* digits = std::find(text, last, 'e') + 1;
  std::from_chars(*digits == '+' ? digits + 1 : digits, last, exponent);
  // As Python writes them: 100000 and 0.0001, but 1e+16 and 1e-05.
  if (exponent >= -4 && exponent < 16) {
    last = std::to_chars(text, end, value, std::chars_format::fixed).ptr;
  }
  return std::string(text, last);
}

std::string number_text(std::int64_t value) { return std::to_string(value); }

std::string canonical_text(const std::map<std::string, std::string>& values) {
  std::string out;
  for (const auto& [key, value] : values) {
    append_escaped(out, key);
    out += '=';
    append_escaped(out, value);
    out += '\n';
  }
  return out;
}

std::map<std::string, std::string> parse_canonical(const std::string& text) {
  std::map<std::string, std::string> values;
  const std::string_view all = text;
  std::size_t begin = 0;
  for (int line = 1; begin < all.size(); ++line) {
    const auto where = [line] { return "canonical text, line " + std::to_string(line); };
    const std::size_t end = all.find('\n', begin);
    if (end == std::string_view::npos) throw InputError(where() + " does not end");
    const std::string_view entry = all.substr(begin, end - begin);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) throw InputError(where() + " has no '='");
    if (entry.find('=', equals + 1) != std::string_view::npos) {
      throw InputError(where() + " has two '='");
    }
    const std::string key = unescaped(entry.substr(0, equals));
    if (!values.emplace(key, unescaped(entry.substr(equals + 1))).second) {
      throw InputError(where() + " repeats the key '" + key + "'");
    }
    begin = end + 1;
  }
  return values;
}

}  // namespace emosweep
