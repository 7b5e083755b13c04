#include "launcher/experiment_file.h"

#include <algorithm>
#include <set>

#include "launcher/experiment_reader.h"

namespace emosweep::launcher {

namespace {

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "\"" : ", \"") + name + "\"";
  return out;
}

// Every map at the top is a template; anything else is a mistake.
void check_top(const Node& top, FileMistakes& mistakes) {
  for (const Entry& entry : top.entries) {
    if (entry.key == "experiments" || entry.value.kind == Node::Kind::map) continue;
    std::string message =
        "unknown key '" + entry.key +
        "' at the top of the file, where only `experiments` and templates (maps) stand";
    if (!nearest(entry.key, {"experiments"}).empty()) {
      message += ": did you mean 'experiments'?";
    } else if (find_key(entry.key)) {
      message += ": write it into a template or an experiment";
    }
    mistakes.add(entry.place, message);
  }
}

const Node* experiment_list(const Node& top, const std::string& file_name, FileMistakes& mistakes) {
  const Place whole{file_name, 0, 0};
  if (top.kind != Node::Kind::map) {
    mistakes.add(top.kind == Node::Kind::null ? whole : top.place,
                 "expected a map with the key `experiments`");
    return nullptr;
  }
  check_top(top, mistakes);
  const Entry* list = top.find("experiments");
  if (!list) {
    mistakes.add(whole, "the key `experiments` is missing: a list of experiments");
    return nullptr;
  }
  if (list->value.kind != Node::Kind::list || list->value.items.empty()) {
    mistakes.add(list->place, "`experiments` must be a list with at least one experiment");
    return nullptr;
  }
  return &list->value;
}

std::string name_of(const Node& node, std::size_t position, FileMistakes& mistakes) {
  const std::string fallback = "number " + std::to_string(position + 1);
  const Entry* entry = node.find("name");
  if (!entry) {
    mistakes.add(node.place, "the experiment has no `name`");
    return fallback;
  }
  const Node& value = entry->value;
  const std::string& name = value.scalar;
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
  if (value.kind != Node::Kind::scalar || name.empty() || name.size() > 200 || control ||
      name.find('/') != std::string::npos || name == "." || name == "..") {
    mistakes.add(entry->place,
                 "name: expected a text of at most 200 bytes without / and control characters, "
                 "and not . or ..");
    return fallback;
  }
  if (entry->inherited) {
    mistakes.add(entry->place, "name: a template cannot name the experiments that use it", name);
  }
  return name;
}

// Positions of the selected experiments, ascending.
std::vector<std::size_t> select(const std::vector<std::string>& names, const Overrides& overrides,
                                const std::string& file_name, FileMistakes& mistakes) {
  std::set<std::size_t> chosen;
  const Place whole{file_name, 0, 0};
  if (overrides.all || names.size() == 1) {
    for (std::size_t i = 0; i < names.size(); ++i) chosen.insert(i);
  }
  if (!overrides.experiments.empty()) chosen.clear();
  for (const std::string& wanted : overrides.experiments) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found != names.end()) {
      chosen.insert(static_cast<std::size_t>(found - names.begin()));
      continue;
    }
    const std::string near = nearest(wanted, names);
    mistakes.add(Place{"-e '" + wanted + "'", 0, 0},
                 "no such experiment" + (near.empty() ? "" : ": did you mean '" + near + "'?") +
                     " The file has " + quoted_list(names));
  }
  if (!overrides.all && overrides.experiments.empty() && names.size() > 1) {
    mistakes.add(whole, "holds " + std::to_string(names.size()) +
                            " experiments: " + quoted_list(names) +
                            "; choose with -e NAME (repeatable), or take --all");
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace

void FileMistakes::add(const Place& place, const std::string& message,
                       const std::string& experiment) {
  const auto same = std::find_if(found_.begin(), found_.end(), [&](const Found& found) {
    return found.message == message && found.place.text() == place.text();
  });
  Found& found = same == found_.end() ? found_.emplace_back(Found{place, message, {}}) : *same;
  auto& users = found.experiments;
  if (!experiment.empty() && std::find(users.begin(), users.end(), experiment) == users.end()) {
    users.push_back(experiment);
  }
}

void FileMistakes::move_to(Mistakes& mistakes) {
  std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
    const auto key = [](const Found& found) {
      return std::pair(found.place.line > 0 ? found.place.line : 1 << 30, found.place.column);
    };
    return key(a) < key(b);
  });
  for (const Found& found : found_) {
    std::string users;
    if (!found.experiments.empty()) {
      users = " (experiment" + std::string(found.experiments.size() > 1 ? "s " : " ") +
              quoted_list(found.experiments) + ")";
    }
    mistakes.add(found.place, found.message + users);
  }
  found_.clear();
}

std::vector<Experiment> read_experiments(const std::string& text, const std::string& file_name,
                                         const Overrides& overrides) {
  Mistakes mistakes;
  FileMistakes found;
  const Node top = parse_document(text, file_name, mistakes);
  std::vector<Experiment> selected;
  if (const Node* list = experiment_list(top, file_name, found)) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& node = list->items[i];
      if (node.kind != Node::Kind::map) {
        found.add(node.place, "an experiment must be a map of keys");
        names.push_back("number " + std::to_string(i + 1));
        continue;
      }
      const std::string name = name_of(node, i, found);
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        found.add(node.find("name")->place,
                  "the name '" + name + "' is taken by an earlier experiment");
      }
      names.push_back(name);
    }
    const auto chosen = select(names, overrides, file_name, found);
    const std::set<std::size_t> is_chosen(chosen.begin(), chosen.end());
    const auto set = read_overrides(overrides, found);
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& node = list->items[i];
      if (node.kind != Node::Kind::map) continue;
      const bool use = is_chosen.count(i) > 0;
      Experiment experiment =
          read_experiment(node, names[i], use ? set : std::map<Key, Setting>{}, found);
      if (use) selected.push_back(std::move(experiment));
    }
  }
  found.move_to(mistakes);
  mistakes.throw_if_any();
  return selected;
}

}  // namespace emosweep::launcher
