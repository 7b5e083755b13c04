#include "data/target_description.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "data/table.h"

namespace emosweep::data {
namespace {

constexpr std::uint64_t kMostClassBytes = 1u << 20;

// `classes: [a, b]` or `{file: labels.txt, by: index | name}`.
void read_classes(const Node& node, const std::string& what, NodeReader& read,
                  TargetDescription& target) {
  if (node.kind != Node::Kind::map) {
    target.classes = read.texts(node, what);
    return;
  }
  read.keys(node, what, {"file", "by"});
  if (const Entry* file = node.find("file"))
    target.class_file = read.text(file->value, "the file of " + what);
  else
    read.mistake(node.place, what + " has no 'file'");
  if (const Entry* by = node.find("by"))
    target.by_index = read.choice(by->value, "by", {"name", "index"}) == 1;
  else
    read.mistake(node.place, what + " has no 'by': do cells hold a class's name, or its index?");
}

void read_map(const Node& node, NodeReader& read, TargetDescription& target) {
  if (!read.is_map(node, "map")) return;
  for (const Entry& entry : node.entries) {
    const Written to =
        read.text(entry.value, "the class that " + in_quotes(entry.key) + " maps to");
    if (!to.given()) continue;
    target.map[entry.key] = to.text;
    target.map_places[entry.key] = to.place;
  }
}

void read_unlabelled(const Node& node, NodeReader& read, TargetDescription& target) {
  if (const auto chosen = read.choice(node, "unlabelled", {"error", "skip"}))
    target.unlabelled = static_cast<TargetDescription::Unlabelled>(*chosen);
}

void read_range(const Node& node, NodeReader& read, TargetDescription& target) {
  const bool two = node.kind == Node::Kind::list && node.items.size() == 2;
  const auto least = two ? number(node.items[0]) : std::nullopt;
  const auto most = two ? number(node.items[1]) : std::nullopt;
  if (!least || !most || !(*least < *most))
    read.mistake(node.place, "range is not [least, most], two numbers of which the first is less");
  else
    target.range = {*least, *most};
}

// The shape of the map decides what kind of target it is.
TargetKind kind_of(const Node& node, NodeReader& read) {
  if (const Entry* kind = node.find("kind")) {
    const auto chosen = read.choice(kind->value, "kind of label", {"regression"});
    return chosen ? TargetKind::regression : TargetKind::single;
  }
  const bool several = node.find("columns") != nullptr || node.find("separator") != nullptr;
  return several ? TargetKind::multi : TargetKind::single;
}

void read_label_columns(const Node& node, NodeReader& read, TargetDescription& target) {
  const Entry* column = node.find("column");
  const Entry* columns = node.find("columns");
  if (column != nullptr && columns != nullptr)
    read.mistake(columns->place, "label: give 'column' or 'columns', not both");
  else if (column != nullptr)
    target.column = read.text(column->value, "label's column");
  else if (columns != nullptr)
    target.columns = read.texts(columns->value, "label's columns");
  else
    read.mistake(node.place, "label has no 'column'");
}

void check_classes(const TargetDescription& target, Mistakes& mistakes) {
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const Written& name : target.classes) {
    names.push_back(name.text);
    if (!seen.insert(name.text).second)
      mistakes.add(name.place, "the class " + in_quotes(name.text) + " is given twice");
  }
  if (names.size() == 1 && target.kind != TargetKind::multi)
    mistakes.add(target.classes[0].place,
                 "classes holds only one class; there must be two or more");
  for (const auto& [from, to] : target.map)
    if (!names.empty() && !seen.contains(to))
      mistakes.add(target.map_places.at(from),
                   "map: " + in_quotes(to) + " is not one of the classes" + hint(to, names));
}

// The keys that this label may have; the others are mistakes.
std::vector<std::string> label_keys(const Node& node, TargetKind kind, bool of_columns,
                                    NodeReader& read) {
  read.keys(node, "label",
            {"column", "columns", "classes", "map", "separator", "unlabelled", "kind", "range"});
  std::vector<std::string> known{"column", "columns", "unlabelled"};
  if (kind == TargetKind::regression) known.insert(known.end(), {"kind", "range"});
  if (kind == TargetKind::single) known.insert(known.end(), {"kind", "classes", "map"});
  if (kind == TargetKind::multi && !of_columns)
    known.insert(known.end(), {"classes", "map", "separator"});
  const std::string form = of_columns                       ? "labels in columns of 0 and 1"
                           : kind == TargetKind::regression ? "kind: regression"
                           : kind == TargetKind::multi      ? "labels in one column"
                                                            : "one class a row";
  for (const Entry& entry : node.entries)
    for (const char* key : {"classes", "map", "separator", "range"})
      if (entry.key == key && std::find(known.begin(), known.end(), entry.key) == known.end())
        read.mistake(entry.place, "label: " + in_quotes(entry.key) + " does not go with " + form);
  return known;
}

}  // namespace

void read_label(const Node& node, NodeReader& read, TargetDescription& target) {
  target.place = node.place;
  if (node.kind != Node::Kind::map) {
    target.column = read.text(node, "label");
    return;
  }
  target.kind = kind_of(node, read);
  read_label_columns(node, read, target);
  const bool of_columns = target.kind == TargetKind::multi && node.find("columns") != nullptr;
  const std::vector<std::string> known = label_keys(node, target.kind, of_columns, read);
  const auto given = [&](const char* key) -> const Node* {
    const Entry* entry = node.find(key);
    const bool wanted = std::find(known.begin(), known.end(), key) != known.end();
    return entry != nullptr && wanted ? &entry->value : nullptr;
  };
  if (const Node* classes = given("classes")) read_classes(*classes, "classes", read, target);
  if (const Node* map = given("map")) read_map(*map, read, target);
  if (const Node* separator = given("separator"))
    target.separator = read.text(*separator, "separator").text;
  if (const Node* range = given("range")) read_range(*range, read, target);
  // A cell that names no label is an answer; a row of empty columns is none.
  if (!target.separator.empty()) target.unlabelled = TargetDescription::Unlabelled::keep;
  if (const Node* unlabelled = given("unlabelled")) read_unlabelled(*unlabelled, read, target);
}

void read_aspects(const Node& node, NodeReader& read, TargetDescription& target) {
  target.kind = TargetKind::aspects;
  target.place = node.place;
  target.unlabelled = TargetDescription::Unlabelled::keep;
  if (!read.is_map(node, "aspects")) return;
  read.keys(node, "aspects", {"columns", "classes", "empty", "map", "unlabelled"});
  if (const Entry* columns = node.find("columns"))
    target.columns = read.texts(columns->value, "the columns of aspects");
  else
    read.mistake(node.place, "aspects has no 'columns'");
  if (const Entry* classes = node.find("classes"))
    read_classes(classes->value, "classes", read, target);
  else
    read.mistake(node.place, "aspects has no 'classes'");
  if (const Entry* map = node.find("map")) read_map(map->value, read, target);
  if (const Entry* empty = node.find("empty"))
    target.empty = static_cast<TargetDescription::Empty>(
        read.choice(empty->value, "empty", {"error", "neutral", "ignore"}).value_or(0));
  if (const Entry* unlabelled = node.find("unlabelled"))
    read_unlabelled(unlabelled->value, read, target);
}

void read_class_file(const std::filesystem::path& file, TargetDescription& target,
                     Mistakes& mistakes) {
  if (file.empty()) return;
  std::string text = read_text(file, kMostClassBytes);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  int line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view name(text.data() + at, end - at);
    if (name.ends_with('\r')) name.remove_suffix(1);
    at = end + 1;
    const Place place{file.string(), ++line, 0};
    if (!trimmed(name).empty())
      target.classes.push_back({std::string(trimmed(name)), place});
    else if (text.find_first_not_of(" \t\r\n", std::min(at, text.size())) != std::string::npos)
      mistakes.add(place,
                   "an empty line among the classes: the index of those behind it is unclear");
  }
  if (target.classes.empty()) mistakes.add({file.string(), 0, 0}, "the file holds no class");
}

void check_target(const Description& d, Mistakes& mistakes) {
  const TargetDescription& target = d.target;
  check_classes(target, mistakes);
  if (target.kind != TargetKind::single && d.difficulty.given() && !d.difficulty.expected.empty())
    mistakes.add(d.difficulty.place,
                 "difficulty: 'expected' is given by class, and this dataset has no single "
                 "labels; give the 'column' of a difficulty");
  if (d.labels == Labels::ignored) return;
  if (!target.separator.empty() && target.classes.empty() && !target.class_file.given())
    mistakes.add(target.place, "a label with a 'separator' has no 'classes'");
  if (target.empty != TargetDescription::Empty::neutral || target.classes.empty()) return;
  TargetSpec spec;
  for (const Written& name : target.classes) spec.classes.push_back(name.text);
  if (neutral_class(spec) < 0)
    mistakes.add(target.place,
                 "empty: neutral needs a class that is called neutral; the classes are " +
                     listed(spec.classes));
}

}  // namespace emosweep::data
