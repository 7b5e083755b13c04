// Values of keys: from YAML nodes, as canonical text, and back into YAML.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/canonical.h"
#include "launcher/key_table.h"

namespace emosweep::launcher {

namespace {

constexpr std::int64_t kMostSeeds = 1'000'000;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// Names as they stand in lists: quoted where a comma, bracket or quote of their own could be read
// as the list's.
std::string list_item(const std::string& name) {
  if (name.find_first_of(",[]{}\"\\:") == std::string::npos) return name;
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string list_text(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(list_item(name));
  return "[" + joined(quoted) + "]";
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
    case Node::Kind::scalar:
      break;
  }
  const std::string text = node.scalar.substr(0, 60);
  return (node.quoted ? "the text '" : "'") + text + "'";
}

bool in_range(double value, const Range& range) {
  if (range.least && (range.above ? value <= *range.least : value < *range.least)) return false;
  if (range.most && (range.below ? value >= *range.most : value > *range.most)) return false;
  return true;
}

std::optional<Value> integer_value(const KeyInfo& info, const Node& node) {
  const auto read = node.quoted ? std::nullopt : integer(node);
  if (!read || !in_range(static_cast<double>(*read), info.range)) return std::nullopt;
  Value value;
  value.integer = *read;
  value.number = static_cast<double>(*read);
  value.text = number_text(*read);
  return value;
}

std::optional<Value> number_value(const KeyInfo& info, const Node& node) {
  const auto read = node.quoted ? std::nullopt : number(node);
  if (!read || !in_range(*read, info.range)) return std::nullopt;
  Value value;
  value.number = *read == 0 ? 0.0 : *read;  // -0 and 0 are one value
  value.text = number_text(value.number);
  return value;
}

std::optional<Value> choice_value(const KeyInfo& info, const Node& node) {
  if (node.kind != Node::Kind::scalar) return std::nullopt;
  if (std::find(info.choices.begin(), info.choices.end(), node.scalar) == info.choices.end()) {
    return std::nullopt;
  }
  Value value;
  value.text = node.scalar;
  return value;
}

std::optional<std::string> text_of(const Node& node) {
  if (node.kind != Node::Kind::scalar || node.scalar.empty()) return std::nullopt;
  return node.scalar;
}

std::optional<std::vector<std::string>> names_of(const Node& node) {
  std::vector<std::string> names;
  if (node.kind == Node::Kind::list) {
    std::set<std::string> seen;
    for (const Node& item : node.items) {
      const auto name = text_of(item);
      if (!name || !seen.insert(*name).second) return std::nullopt;
      names.push_back(*name);
    }
  } else if (const auto name = text_of(node)) {
    names.push_back(*name);
  }
  if (names.empty()) return std::nullopt;
  return names;
}

std::optional<Value> names_value(const Node& node) {
  const auto names = names_of(node);
  if (!names) return std::nullopt;
  Value value;
  value.items = *names;
  value.text = list_text(*names);
  return value;
}

std::optional<Value> weights_value(const KeyInfo& info, const Node& node) {
  if (node.kind != Node::Kind::list) return choice_value(info, node);
  Value value;
  std::vector<std::string> texts;
  for (const Node& item : node.items) {
    const auto weight = number_value(info, item);
    if (!weight) return std::nullopt;
    value.numbers.push_back(weight->number);
    texts.push_back(weight->text);
  }
  if (value.numbers.empty()) return std::nullopt;
  value.text = "[" + joined(texts) + "]";
  return value;
}

std::optional<Value> selection_value(const Node& node) {
  if (node.kind != Node::Kind::map || node.entries.empty()) return std::nullopt;
  Value value;
  for (const Entry& entry : node.entries) {
    auto names = names_of(entry.value);
    if (!names) return std::nullopt;
    std::sort(names->begin(), names->end());  // a set: its order changes nothing
    value.columns[entry.key] = *names;
  }
  std::vector<std::string> parts;
  for (const auto& [column, names] : value.columns) {
    parts.push_back(list_item(column) + ": " + list_text(names));
  }
  value.text = "{" + joined(parts) + "}";
  return value;
}

std::optional<Value> seeds_value(const Node& node) {
  Value value;
  if (node.kind == Node::Kind::list) {
    std::set<std::int64_t> seen;
    for (const Node& item : node.items) {
      const auto seed = item.quoted ? std::nullopt : integer(item);
      if (!seed || *seed < 0 || !seen.insert(*seed).second) return std::nullopt;
      value.seeds.push_back(static_cast<std::uint64_t>(*seed));
    }
  } else {
    const auto count = node.quoted ? std::nullopt : integer(node);
    if (!count || *count < 1 || *count > kMostSeeds) return std::nullopt;
    for (std::int64_t seed = 1; seed <= *count; ++seed) {
      value.seeds.push_back(static_cast<std::uint64_t>(seed));
    }
  }
  if (value.seeds.empty()) return std::nullopt;
  std::vector<std::string> texts;
  for (const std::uint64_t seed : value.seeds) texts.push_back(std::to_string(seed));
  value.text = "[" + joined(texts) + "]";
  return value;
}

std::optional<Value> typed_value(const KeyInfo& info, const Node& node) {
  switch (info.type) {
    case KeyType::integer:
      return integer_value(info, node);
    case KeyType::number:
      return number_value(info, node);
    case KeyType::choice:
      return choice_value(info, node);
    case KeyType::choice_or_count: {
      const auto count = integer_value(info, node);
      return count ? count : choice_value(info, node);
    }
    case KeyType::names:
      return names_value(node);
    case KeyType::weights:
      return weights_value(info, node);
    case KeyType::selection:
      return selection_value(node);
    case KeyType::seeds:
      return seeds_value(node);
    case KeyType::grid:
      return std::nullopt;
    case KeyType::boolean: {
      const auto flag = node.quoted ? std::nullopt : boolean(node);
      if (!flag) return std::nullopt;
      Value value;
      value.flag = *flag;
      value.text = *flag ? "true" : "false";
      return value;
    }
    case KeyType::text: {
      const auto text = text_of(node);
      if (!text) return std::nullopt;
      Value value;
      value.text = *text;
      return value;
    }
  }
  return std::nullopt;
}

std::string range_text(const Range& range) {
  const auto bound = [](double value) {
    return value == std::floor(value) && std::abs(value) < 1e15
               ? number_text(static_cast<std::int64_t>(value))
               : number_text(value);
  };
  const bool upper = range.most && *range.most < 1e9;
  if (range.least && upper) {
    return std::string(" in ") + (range.above ? "(" : "[") + bound(*range.least) + ", " +
           bound(*range.most) + (range.below ? ")" : "]");
  }
  if (range.least) return std::string(range.above ? " > " : " >= ") + bound(*range.least);
  return "";
}

Node scalar_node(const std::string& text, bool quoted = false) {
  Node node;
  node.kind = Node::Kind::scalar;
  node.scalar = text;
  node.quoted = quoted;
  return node;
}

Node list_node(const std::vector<std::string>& texts, bool quoted) {
  Node node;
  node.kind = Node::Kind::list;
  for (const std::string& text : texts) node.items.push_back(scalar_node(text, quoted));
  return node;
}

}  // namespace

std::string expected(const KeyInfo& info) {
  switch (info.type) {
    case KeyType::integer:
      return "a whole number" + range_text(info.range);
    case KeyType::number:
      return "a number" + range_text(info.range);
    case KeyType::boolean:
      return "true or false";
    case KeyType::choice:
      return "one of " + joined(info.choices);
    case KeyType::choice_or_count:
      return "one of " + joined(info.choices) + ", or a whole number" + range_text(info.range);
    case KeyType::text:
      return "a text";
    case KeyType::names:
      return "a name, or a list of different names";
    case KeyType::weights:
      return "one of " + joined(info.choices) + ", or a list of numbers" + range_text(info.range);
    case KeyType::selection:
      return "a map of columns to a value or a list of different values";
    case KeyType::seeds:
      return "a list of different whole numbers >= 0, or a count from 1 to 1000000";
    case KeyType::grid:
      return "a map of keys to lists of values";
  }
  return "";
}

std::optional<Value> read_value(const KeyInfo& info, const Node& node, std::string& why) {
  auto value = typed_value(info, node);
  if (!value) {
    why = "expected " + expected(info) + ", got " + shown(node);
    const bool word = node.kind == Node::Kind::scalar && !info.choices.empty();
    const std::string near = word ? nearest(node.scalar, info.choices) : "";
    if (!near.empty()) why += ": did you mean '" + near + "'?";
    return std::nullopt;
  }
  return value;
}

Value default_value(const KeyInfo& info) {
  if (info.fallback[0] == '\0') return {};
  const auto value = typed_value(info, scalar_node(info.fallback));
  EMO_CHECK(value, std::string("the default of ") + info.name + " is out of its own range");
  return *value;
}

Node value_node(const KeyInfo& info, const Value& value) {
  std::vector<std::string> texts;
  switch (info.type) {
    case KeyType::names:
      return list_node(value.items, false);
    case KeyType::weights:
      for (const double number : value.numbers) texts.push_back(number_text(number));
      return texts.empty() ? scalar_node(value.text) : list_node(texts, false);
    case KeyType::seeds:
      for (const std::uint64_t seed : value.seeds) texts.push_back(std::to_string(seed));
      return list_node(texts, false);
    case KeyType::selection: {
      Node node;
      node.kind = Node::Kind::map;
      for (const auto& [column, names] : value.columns) {
        Entry entry;
        entry.key = column;
        entry.value = list_node(names, false);
        node.entries.push_back(std::move(entry));
      }
      return node;
    }
    default:
      return scalar_node(value.text);
  }
}

}  // namespace emosweep::launcher
