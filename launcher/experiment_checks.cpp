// Mistakes that no single key shows.
#include <algorithm>

#include "launcher/experiment_file.h"

namespace emosweep::launcher {

Place place_of(const Experiment& experiment, Key key) {
  const auto setting = experiment.settings.find(key);
  if (setting != experiment.settings.end()) return setting->second.place;
  for (const Axis& axis : experiment.axes) {
    if (axis.key == key) return axis.place;
  }
  return experiment.place;
}

void check_together(const Values& values, const Experiment& experiment, FileMistakes& mistakes) {
  const auto add = [&](Key key, const std::string& message) {
    mistakes.add(place_of(experiment, key), message, experiment.name);
  };
  const bool linear = values.is(Key::model, "linear");
  const bool needs_group =
      values.is(Key::protocol, "loso") || values.is(Key::protocol, "group_kfold");
  if (needs_group && values[Key::group].text.empty()) {
    add(Key::protocol, "protocol " + values[Key::protocol].text +
                           " needs the key `group`: one of the dataset's groups");
  }
  if (values.is(Key::normalise, "group") && values[Key::group].text.empty()) {
    add(Key::normalise, "normalise: group needs the key `group`: one of the dataset's groups");
  }
  if (info(Key::heads).read(values)) {
    const auto hidden = values[Key::hidden_size].integer, heads = values[Key::heads].integer;
    if (hidden % heads != 0) {
      add(Key::hidden_size, "hidden_size " + std::to_string(hidden) +
                                " is not a multiple of heads " + std::to_string(heads) +
                                ", which cross_attention needs");
    }
  }
  if (!linear && values[Key::warmup_epochs].number > 0 && values[Key::warmup_steps].integer > 0) {
    add(Key::warmup_steps, "warmup_steps and warmup_epochs exclude each other: take one of them");
  }
  const std::vector<double>& weights = values[Key::class_weights].numbers;
  if (!weights.empty() &&
      std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; })) {
    add(Key::class_weights, "class_weights: at least one number must be > 0");
  }
  if (const double cap = values[Key::class_weight_cap].number; cap > 0 && cap < 1) {
    add(Key::class_weight_cap,
        "class_weight_cap: below 1 the smallest weight would be cut; expected 0 or a number from "
        "1");
  }
  if (linear && values.is(Key::class_weights, "batch")) {
    add(Key::class_weights,
        "class_weights: batch needs batches, which model: linear has not; expected "
        "none, balanced or a list");
  }
}

void check_possible(const Experiment& experiment, std::size_t modalities, FileMistakes& mistakes) {
  const auto complain = [&](Key key, const Place& place) {
    mistakes.add(place,
                 std::string(info(key).name) +
                     ": no trial can read it with one modality; it belongs to fusions of several",
                 experiment.name);
  };
  for (const auto& [key, setting] : experiment.settings) {
    if (setting.origin == Origin::own && !info(key).possible(modalities)) {
      complain(key, setting.place);
    }
  }
  for (const Axis& axis : experiment.axes) {
    if (axis.own && !info(axis.key).possible(modalities)) complain(axis.key, axis.place);
  }
}

}  // namespace emosweep::launcher
