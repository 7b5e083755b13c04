// docs/keys.md, generated from the key table.
#include <sstream>

#include "launcher/key_table.h"

namespace emosweep::launcher {

namespace {

const char* title(Component component) {
  switch (component) {
    case Component::data:
      return "Data";
    case Component::split:
      return "Splits";
    case Component::model:
      return "Model";
    case Component::objective:
      return "Objective";
    case Component::optimizer:
      return "Optimiser";
    case Component::loop:
      return "Training loop";
    case Component::linear:
      return "Linear model";
    case Component::run:
      return "Run";
    case Component::results:
      return "Results";
  }
  return "";
}

const char* effect_text(Effect effect) {
  switch (effect) {
    case Effect::result:
      return "yes";
    case Effect::hashed:
      return "by hash";
    case Effect::none:
      return "no";
  }
  return "";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void add_row(std::ostringstream& out, const KeyInfo& row) {
  out << "| `" << row.name << "` | " << escaped(expected(row)) << " | ";
  if (row.fallback[0] != '\0') out << "`" << row.fallback << "`";
  out << " | " << row.read_when << " | " << effect_text(row.effect) << " | "
      << (row.axis ? "yes" : "no") << " | " << escaped(row.help) << " |\n";
}

}  // namespace

std::string keys_markdown() {
  std::ostringstream out;
  out << "# Keys of experiment files\n\n"
         "Made by `emosweep run --help-keys`; experiments.md tells how a file is written.\n\n"
         "- **read when**: with other values the key is idle: `plan` lists it, and it stays out of "
         "the "
         "trial's identity. Empty: always.\n"
         "- **identity**: `yes`: the value is part of the trial's id where the trial reads it and "
         "it "
         "differs from the default; `by hash`: it is part of it through the hash of the data or of "
         "the "
         "split; `no`: it changes no result.\n"
         "- **axis**: may stand under `grid`.\n";
  for (const Component component : {Component::data, Component::split, Component::model,
                                    Component::objective, Component::optimizer, Component::loop,
                                    Component::linear, Component::run, Component::results}) {
    out << "\n## " << title(component)
        << "\n\n| key | value | default | read when | identity | axis | meaning |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n";
    for (const KeyInfo& row : key_table()) {
      if (row.component == component) add_row(out, row);
    }
  }
  return out.str();
}

}  // namespace emosweep::launcher
