#include "launcher/experiment_reader.h"

#include <algorithm>

namespace emosweep::launcher {

namespace {

// nullptr with a mistake where no key has this name.
const KeyInfo* known_key(const std::string& word, const Place& place, const std::string& experiment,
                         FileMistakes& mistakes) {
  if (const KeyInfo* key = find_key(word)) return key;
  if (is_future_key(word)) {
    mistakes.add(place, "the key '" + word + "' does not exist yet", experiment);
    return nullptr;
  }
  const std::string near = nearest_key(word);
  mistakes.add(place,
               "unknown key '" + word + "'" +
                   (near.empty() ? " (emosweep run --help-keys lists the keys)"
                                 : ": did you mean '" + near + "'?"),
               experiment);
  return nullptr;
}

std::optional<Axis> read_axis(const Entry& entry, bool own, const std::string& experiment,
                              FileMistakes& mistakes) {
  const KeyInfo* key = known_key(entry.key, entry.place, experiment, mistakes);
  if (!key) return std::nullopt;
  const std::string where = std::string("grid: ") + key->name + ": ";
  if (!key->axis) {
    mistakes.add(entry.place, where + "cannot be an axis; write an experiment for each value",
                 experiment);
    return std::nullopt;
  }
  if (entry.value.kind != Node::Kind::list || entry.value.items.empty()) {
    mistakes.add(entry.place, where + "expected a list with at least one value", experiment);
    return std::nullopt;
  }
  Axis axis;
  axis.key = key->key;
  axis.place = entry.place;
  axis.own = own;
  bool good = true;
  for (const Node& item : entry.value.items) {
    std::string why;
    const auto value = read_value(*key, item, why);
    const Place& place = item.place.line > 0 ? item.place : entry.place;
    if (!value) {
      mistakes.add(place, where + why, experiment);
      good = false;
      continue;
    }
    const bool twice = std::any_of(axis.values.begin(), axis.values.end(),
                                   [&](const Value& other) { return other.text == value->text; });
    if (twice) {
      mistakes.add(place, where + value->text + " stands there twice", experiment);
      good = false;
    }
    axis.values.push_back(*value);
  }
  return good ? std::optional(axis) : std::nullopt;
}

void read_grid(const Entry& grid, Experiment& experiment, FileMistakes& mistakes) {
  if (grid.value.kind != Node::Kind::map) {
    mistakes.add(grid.place, "grid: expected " + expected(info(Key::grid)), experiment.name);
    return;
  }
  for (const Entry& entry : grid.value.entries) {
    if (auto axis = read_axis(entry, !grid.inherited, experiment.name, mistakes)) {
      experiment.axes.push_back(std::move(*axis));
    }
  }
}

// An axis and a key of the same name: what stands nearer to the experiment wins, and two that are
// equally near are a mistake.
void settle_axes(Experiment& experiment, FileMistakes& mistakes) {
  std::vector<Axis> kept;
  for (Axis& axis : experiment.axes) {
    const auto setting = experiment.settings.find(axis.key);
    if (setting == experiment.settings.end()) {
      kept.push_back(std::move(axis));
      continue;
    }
    const Origin origin = setting->second.origin;
    if (origin == Origin::command_line) continue;
    if (origin == Origin::own && !axis.own) continue;
    if (origin == Origin::own) {
      mistakes.add(
          setting->second.place,
          std::string(info(axis.key).name) + " stands both as a key and as an axis of the grid",
          experiment.name);
    }
    experiment.settings.erase(setting);
    kept.push_back(std::move(axis));
  }
  std::sort(kept.begin(), kept.end(), [](const Axis& a, const Axis& b) { return a.key < b.key; });
  experiment.axes = std::move(kept);
}

// The key table's value of one word of --set, read as YAML. nullopt with mistakes.
std::optional<Setting> read_set(const KeyInfo& key, const std::string& value, const Place& place,
                                FileMistakes& mistakes) {
  Mistakes syntax;
  Node node;
  try {
    node = parse_document(value, place.file, syntax);
  } catch (const InputError& error) {
    mistakes.add(place, std::string("the value is no YAML: ") + error.what());
    return std::nullopt;
  }
  for (const std::string& line : syntax.lines()) mistakes.add(place, line);
  std::string why;
  const auto read = syntax.empty() ? read_value(key, node, why) : std::nullopt;
  if (!read) {
    if (syntax.empty()) mistakes.add(place, why);
    return std::nullopt;
  }
  return Setting{*read, place, Origin::command_line};
}

}  // namespace

std::map<Key, Setting> read_overrides(const Overrides& overrides, FileMistakes& mistakes) {
  std::map<Key, Setting> out;
  for (const std::string& text : overrides.set) {
    const Place place{"--set '" + text + "'", 0, 0};
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      mistakes.add(place, "expected key=value");
      continue;
    }
    const KeyInfo* key = known_key(text.substr(0, equals), place, "", mistakes);
    if (!key) continue;
    if (key->key == Key::name || key->key == Key::grid) {
      mistakes.add(place, std::string(key->name) + " cannot be set from the command line");
      continue;
    }
    auto setting = read_set(*key, text.substr(equals + 1), place, mistakes);
    if (setting && !out.emplace(key->key, std::move(*setting)).second) {
      mistakes.add(place, std::string(key->name) + " is set twice");
    }
  }
  if (!overrides.seeds.empty()) {
    Setting setting;
    setting.origin = Origin::command_line;
    setting.place.file = "--seeds";
    setting.value.seeds = overrides.seeds;
    if (!out.emplace(Key::seeds, setting).second) {
      mistakes.add(setting.place, "seeds are set by --set too");
    }
  }
  return out;
}

Experiment read_experiment(const Node& node, const std::string& name,
                           const std::map<Key, Setting>& overrides, FileMistakes& mistakes) {
  Experiment experiment;
  experiment.name = name;
  experiment.place = node.place;
  for (const Entry& entry : node.entries) {
    const KeyInfo* key = known_key(entry.key, entry.place, name, mistakes);
    if (!key || key->key == Key::name) continue;
    if (key->key == Key::grid) {
      read_grid(entry, experiment, mistakes);
      continue;
    }
    std::string why;
    const auto value = read_value(*key, entry.value, why);
    if (!value) {
      mistakes.add(entry.place, entry.key + ": " + why, name);
      continue;
    }
    const Origin origin = entry.inherited ? Origin::inherited : Origin::own;
    experiment.settings[key->key] = Setting{*value, entry.place, origin};
  }
  for (const auto& [key, setting] : overrides) experiment.settings[key] = setting;
  settle_axes(experiment, mistakes);
  if (!node.find("dataset") && !experiment.settings.count(Key::dataset)) {
    mistakes.add(node.place, "the experiment has no `dataset`", name);
  }
  // Without a modality its number is known only with the dataset: the plan checks then.
  std::size_t modalities = 0;
  const auto count = [&modalities](const Value& value) {
    const bool both = value.items == std::vector<std::string>{"both"};
    modalities = std::max(modalities, both ? std::size_t{2} : value.items.size());
  };
  const auto setting = experiment.settings.find(Key::modality);
  if (setting != experiment.settings.end()) count(setting->second.value);
  for (const Axis& axis : experiment.axes) {
    if (axis.key == Key::modality) std::for_each(axis.values.begin(), axis.values.end(), count);
  }
  // A modality that is written but wrong is a mistake of its own.
  if (modalities > 0) check_possible(experiment, modalities, mistakes);
  return experiment;
}

}  // namespace emosweep::launcher
