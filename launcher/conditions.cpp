#include "launcher/conditions.h"

#include <algorithm>
#include <limits>

#include "data/audio/clips.h"
#include "launcher/plan_reasons.h"
#include "launcher/target_checks.h"

namespace emosweep::launcher {

namespace {

std::string names_text(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::vector<std::string> modality_names(const data::Dataset& dataset) {
  std::vector<std::string> names;
  for (const data::Modality& modality : dataset.modalities) names.push_back(modality.name);
  return names;
}

void set_names(Value& value, const std::vector<std::string>& names) {
  Node node;
  node.kind = Node::Kind::list;
  for (const std::string& name : names) {
    Node item;
    item.kind = Node::Kind::scalar;
    item.scalar = name;
    node.items.push_back(item);
  }
  std::string why;
  const auto read = read_value(info(Key::modality), node, why);
  EMO_CHECK(read, "the modalities of a dataset are different names: " + why);
  value = *read;
}

void resolve_modality(Values& values, const data::Dataset& dataset, const Experiment& experiment,
                      FileMistakes& mistakes) {
  const std::vector<std::string> known = modality_names(dataset);
  Value& value = values[Key::modality];
  const auto add = [&](const std::string& message) {
    mistakes.add(place_of(experiment, Key::modality), message, experiment.name);
  };
  if (value.items.empty()) {
    if (known.size() == 1) return set_names(value, known);
    return add("the experiment has no `modality`, and its dataset has " +
               std::to_string(known.size()) + ": " + names_text(known));
  }
  const bool is_known = std::find(known.begin(), known.end(), value.items[0]) != known.end();
  if (value.items == std::vector<std::string>{"both"} && !is_known) {
    if (known.size() == 2) return set_names(value, known);
    return add("modality: both needs a dataset of exactly two modalities; this one has " +
               std::to_string(known.size()) + ": " + names_text(known));
  }
  for (const std::string& name : value.items) {
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const std::string near = nearest(name, known);
    add("modality: the dataset has no '" + name + "'" +
        (near.empty() ? "" : ": did you mean '" + near + "'?") + " It has " + names_text(known));
  }
}

// Networks over images take one modality of recordings, and nothing else does.
void check_inputs(const Values& values, const data::Dataset& dataset, const Experiment& experiment,
                  FileMistakes& mistakes) {
  const std::string& model = values[Key::model].text;
  const bool images = models::is_image_model(model), reads_text = models::is_text_model(model);
  const auto& names = values[Key::modality].items;
  const auto add = [&](Key key, const std::string& message) {
    mistakes.add(place_of(experiment, key), message, experiment.name);
  };
  if (images && names.size() > 1) {
    add(Key::model, "model: " + model + " takes one modality of kind audio, this experiment has " +
                        std::to_string(names.size()));
  }
  if (reads_text && names.size() > 1) {
    add(Key::model, "model: transformer takes one modality of kind text, this experiment has " +
                        std::to_string(names.size()));
  }
  for (const std::string& name : names) {
    const data::Modality* modality = dataset.modality(name);
    if (!modality) continue;  // told already
    const bool text = modality->kind == "text";
    if (text != reads_text) {
      add(text ? Key::modality : Key::model,
          text ? "modality: '" + name +
                     "' is of kind text, which transformer takes; kind: embeddings over the same "
                     "columns feeds " +
                     model
               : "model: transformer takes a modality of kind text; '" + name + "' is of kind " +
                     modality->kind);
      continue;
    }
    const bool audio = modality->kind == "audio";
    if (images && !audio) {
      add(Key::model, "model: " + model + " takes a modality of kind audio; '" + name +
                          "' is of kind " + modality->kind + ", which mlp and linear take");
    } else if (!images && audio) {
      add(Key::modality, "modality: '" + name +
                             "' is of kind audio, which small_cnn and resnet18 "
                             "take; kind: statistics over the same column feeds " +
                             model);
    }
  }
}

}  // namespace

Values written_values(const Experiment& experiment) {
  Values values;
  for (const KeyInfo& row : key_table()) values[row.key] = default_value(row);
  values[Key::name].text = experiment.name;
  for (const auto& [key, setting] : experiment.settings) values[key] = setting.value;
  return values;
}

data::RowSelection row_selection(const Values& values) {
  return {values[Key::where].columns, values[Key::exclude].columns};
}

data::SplitOptions split_options(const Values& values) {
  data::SplitOptions options;
  options.protocol = data::protocol_of(values[Key::protocol].text);
  options.group = values[Key::group].text;
  options.folds = values[Key::folds].integer;
  options.validation_groups = values[Key::validation_groups].integer;
  options.validation_fraction = values[Key::validation_fraction].number;
  options.test_fraction = values[Key::test_fraction].number;
  options.split_seed = static_cast<std::uint64_t>(values[Key::split_seed].integer);
  return options;
}

std::size_t condition_count(const Experiment& experiment) {
  std::size_t count = 1;
  for (const Axis& axis : experiment.axes) {
    const std::size_t values = axis.values.size();
    // Saturates instead of wrapping: the caller refuses what is absurd.
    count = count > std::numeric_limits<std::size_t>::max() / values
                ? std::numeric_limits<std::size_t>::max()
                : count * values;
  }
  return count;
}

Values condition_values(const Values& written, const Experiment& experiment, std::size_t index) {
  Values values = written;
  for (auto axis = experiment.axes.rbegin(); axis != experiment.axes.rend(); ++axis) {
    values[axis->key] = axis->values[index % axis->values.size()];
    index /= axis->values.size();
  }
  return values;
}

std::string condition_label(const Experiment& experiment, const Values& values) {
  std::string label;
  for (const Axis& axis : experiment.axes) {
    label += (label.empty() ? "" : ", ") + std::string(info(axis.key).name) + "=" +
             values[axis.key].text;
  }
  return label.empty() ? "default" : label;
}

namespace {

void resolve_kernels(Values& values, const data::Dataset& dataset, const Experiment& experiment,
                     FileMistakes& mistakes) {
  Value& kernels = values[Key::kernels];
  for (const std::string& name : values[Key::modality].items) {
    if (!dataset.modality(name)) return;  // told already
  }
  if (!info(Key::kernels).read(values)) {
    kernels.text = "torch";
    return;
  }
  if (kernels.text == "torch") return;
  const std::string why =
      why_not_fused(trial_spec(values, dataset), values[Key::ranks_per_trial].integer);
  if (kernels.text == "fused" && !why.empty()) {
    mistakes.add(place_of(experiment, Key::kernels),
                 "kernels: fused does not suit this model: " + why + "; write auto or torch",
                 experiment.name);
  }
  kernels.text = why.empty() ? "fused" : "torch";
}

}  // namespace

void resolve(Values& values, const DataFacts& facts, const Experiment& experiment,
             FileMistakes& mistakes) {
  const data::Dataset& dataset = *facts.dataset;
  resolve_modality(values, dataset, experiment, mistakes);
  resolve_target(values, dataset.target, experiment, mistakes);
  if (values.is(Key::protocol, "all")) {
    values[Key::selection_metric].text = "last";
  } else if (values.is(Key::selection_metric, "auto")) {
    values[Key::selection_metric].text =
        facts.least_validation < 100 || dataset.target.kind == TargetKind::regression ? "loss"
                                                                                      : "macro_f1";
  }
  if (values.is(Key::curriculum_epochs, "auto")) {
    Value& epochs = values[Key::curriculum_epochs];
    epochs.integer = std::max<std::int64_t>(1, values[Key::epochs].integer / 2);
    epochs.text = std::to_string(epochs.integer);
  }
  if (values.is(Key::dtype, "auto")) values[Key::dtype].text = "float32";
  // Not by what this machine has: a sweep has the same trials wherever it is planned.
  if (values.is(Key::device, "auto")) values[Key::device].text = "cpu";
  const std::string& model = values[Key::model].text;
  if (values.is(Key::device, "cuda") && info(Key::device).read(values) &&
      !models::is_image_model(model) && !models::is_text_model(model)) {
    mistakes.add(place_of(experiment, Key::device),
                 "device: cuda trains small_cnn, resnet18 and transformer; " + model +
                     " trains faster in packs on the CPU's cores; write auto or cpu",
                 experiment.name);
  }
  if ((values.is(Key::curriculum, "difficulty") || values.is(Key::curriculum, "inverse")) &&
      info(Key::curriculum).read(values) && dataset.difficulty.empty()) {
    mistakes.add(place_of(experiment, Key::curriculum),
                 "curriculum: " + values[Key::curriculum].text +
                     " orders rows by their difficulty, "
                     "which the dataset does not describe: add the key `difficulty` to " +
                     dataset.description.string() + ", or take random or class_balance",
                 experiment.name);
  }
  check_together(values, experiment, mistakes);
  check_inputs(values, dataset, experiment, mistakes);
  resolve_kernels(values, dataset, experiment, mistakes);
}

std::vector<std::string> idle_keys(const Experiment& experiment, const Values& values) {
  std::vector<std::string> idle;
  for (const KeyInfo& row : key_table()) {
    const auto setting = experiment.settings.find(row.key);
    const bool axis = std::any_of(experiment.axes.begin(), experiment.axes.end(),
                                  [&](const Axis& other) { return other.key == row.key; });
    if ((setting == experiment.settings.end() && !axis) || row.read(values)) continue;
    std::string from;
    if (setting != experiment.settings.end()) {
      if (setting->second.origin == Origin::inherited) from = ", inherited";
      if (setting->second.origin == Origin::command_line) from = ", from the command line";
    }
    idle.push_back(std::string(row.name) + " (read when: " + row.read_when + from + ")");
  }
  return idle;
}

namespace {

// A window of a recording is an image of one channel: mel bands by frames.
void set_image(models::ModelOptions& model, const data::Modality& modality) {
  const data::AudioOptions& audio = modality.clips->options;
  model.image_height = audio.front_end.n_mels;
  model.image_width =
      data::window_frames(audio.window, audio.front_end.sr, audio.front_end.hop_length);
  model.widths.back() = model.image_height * model.image_width;
}

// All but what the encoder's folder says.
void set_text(trainer::TrialSpec& spec, const data::Modality& modality, const Values& values) {
  models::TextModelOptions& text = spec.model.text;
  spec.prepare.max_length = values[Key::max_length].integer;
  spec.model.widths.back() = spec.prepare.max_length;
  text.pooling = values[Key::pooling].text;
  text.dropout = values[Key::encoder_dropout].number;
  const Value& freeze = values[Key::freeze];
  text.frozen = freeze.text == "none" ? 0 : freeze.text == "embeddings" ? 1 : 1 + freeze.integer;
  text.layer_lr_decay = values[Key::layer_lr_decay].number;
  const double head = values[Key::head_lr].number;
  text.head_lr = head > 0 ? head / values[Key::lr].number : 1;
  // A token of English is about four bytes and a half.
  double bytes = 0;
  for (const std::string& one : modality.text) bytes += static_cast<double>(one.size());
  const double mean = bytes / std::max(1.0, static_cast<double>(modality.text.size()));
  text.usual_tokens = std::min(static_cast<double>(spec.prepare.max_length), 2 + mean / 4.5);
}

}  // namespace

trainer::TrialSpec trial_spec(const Values& values, const data::Dataset& dataset) {
  const auto number = [&](Key key) { return values[key].number; };
  const auto integer = [&](Key key) { return values[key].integer; };
  const auto text = [&](Key key) { return values[key].text; };
  const bool everything = values.is(Key::protocol, "all");
  const bool refit = !everything && values.is(Key::refit, "train+validation");

  trainer::TrialSpec spec;
  spec.dataset = &dataset;
  spec.prepare.modalities = values[Key::modality].items;
  const std::string normalise = text(Key::normalise);
  spec.prepare.normalise = normalise == "train"   ? data::Normalise::train
                           : normalise == "group" ? data::Normalise::group
                                                  : data::Normalise::none;
  spec.prepare.group = normalise == "group" ? text(Key::group) : "";

  spec.model.model = text(Key::model);
  spec.model.inputs = spec.prepare.modalities;
  for (const std::string& name : spec.model.inputs) {
    const data::Modality* modality = dataset.modality(name);
    EMO_CHECK(modality, "modalities are checked before specs are made");
    spec.model.widths.push_back(modality->width);
    if (modality->kind == "audio") set_image(spec.model, *modality);
    if (modality->kind == "text") set_text(spec, *modality, values);
  }
  const std::string fusion = text(Key::fusion_type);
  if (spec.model.inputs.size() > 1) {
    spec.model.fusion = fusion == "concat"  ? models::Fusion::concat
                        : fusion == "gated" ? models::Fusion::gated
                                            : models::Fusion::cross_attention;
  }
  spec.model.hidden_size = integer(Key::hidden_size);
  spec.model.tokens = integer(Key::tokens);
  spec.model.heads = integer(Key::heads);
  spec.model.local_batch_norm = values.is(Key::batch_norm, "local");
  if (models::is_image_model(spec.model.model))
    spec.prepare.windows = integer(Key::evaluation_windows);
  spec.augment.random_crop = values[Key::random_crop].flag;
  spec.augment.time_shift = number(Key::time_shift);
  spec.augment.gain_db = number(Key::gain_db);
  spec.augment.noise_db = number(Key::noise_db);
  spec.augment.mixup = number(Key::mixup);
  spec.augment.vtlp = number(Key::vtlp);
  spec.augment.time_stretch = number(Key::time_stretch);
  spec.augment.specaug_freq = integer(Key::specaug_freq);
  spec.augment.specaug_time = integer(Key::specaug_time);
  spec.model.classes = target_width(dataset.target);
  // The linear model is always fitted in double precision: it reads no dtype, and must not depend
  // on one.
  const bool wide = values.is(Key::dtype, "float64") || values.is(Key::model, "linear");
  spec.model.dtype = wide ? at::kDouble : at::kFloat;
  // The linear model reads no device: it is fitted on the CPU.
  if (values.is(Key::device, "cuda") && info(Key::device).read(values))
    spec.model.device = at::kCUDA;
  spec.model.kernels =
      values.is(Key::kernels, "fused") ? models::Kernels::fused : models::Kernels::torch;

  trainer::ObjectiveOptions& objective = spec.objective;
  objective.loss = text(Key::loss);
  objective.focal_gamma = number(Key::focal_gamma);
  objective.loss_temperature = number(Key::loss_temperature);
  const Value& weights = values[Key::class_weights];
  objective.weights = weights.numbers;
  objective.class_weights = !weights.numbers.empty()     ? trainer::ClassWeights::list
                            : weights.text == "balanced" ? trainer::ClassWeights::balanced
                            : weights.text == "batch"    ? trainer::ClassWeights::batch
                                                         : trainer::ClassWeights::none;
  objective.class_weight_cap = number(Key::class_weight_cap);
  objective.weight_reduction = text(Key::weight_reduction);
  objective.label_smoothing = number(Key::label_smoothing);
  objective.smoothing_weights = text(Key::smoothing_weights);
  objective.focal_weight = number(Key::focal_weight);
  objective.contrastive_weight = number(Key::contrastive_weight);
  objective.contrastive_temperature = number(Key::contrastive_temperature);

  trainer::OptimizerOptions& optimizer = spec.optimizer;
  optimizer.optimizer = text(Key::optimizer);
  optimizer.lr = number(Key::lr);
  optimizer.momentum = number(Key::momentum);
  optimizer.weight_decay = number(Key::weight_decay);
  optimizer.schedule = text(Key::schedule);
  optimizer.warmup_epochs = number(Key::warmup_epochs);
  optimizer.warmup_steps = integer(Key::warmup_steps);
  optimizer.clip_norm = number(Key::clip_norm);

  spec.loop.epochs = integer(Key::epochs);
  spec.loop.batch_size = integer(Key::batch_size);
  spec.loop.selection_metric = text(Key::selection_metric);
  spec.loop.patience = info(Key::patience).read(values) ? integer(Key::patience) : 0;
  spec.loop.dropout = number(Key::dropout);
  spec.loop.ema_decay = number(Key::ema_decay);
  spec.loop.refit = refit;
  spec.loop.balanced_sampler = values[Key::balanced_sampler].flag;
  spec.loop.curriculum = {text(Key::curriculum), text(Key::curriculum_pacing),
                          integer(Key::curriculum_epochs), number(Key::post_curriculum_dropout)};
  spec.linear.C = number(Key::C);
  spec.linear.refit = refit;

  spec.predictions = text(Key::predictions);
  spec.validation_predictions = !everything && values[Key::validation_predictions].flag;
  spec.save_models = values[Key::save_models].flag;
  return spec;
}

std::string resolved_yaml(const Experiment& experiment, const Values& first,
                          const std::vector<bool>& varies) {
  const Values written = written_values(experiment);
  Node top;
  top.kind = Node::Kind::map;
  const auto add = [](Node& map, const KeyInfo& row, Node value) {
    Entry entry;
    entry.key = row.name;
    entry.value = std::move(value);
    map.entries.push_back(std::move(entry));
  };
  for (const KeyInfo& row : key_table()) {
    const bool axis = std::any_of(experiment.axes.begin(), experiment.axes.end(),
                                  [&](const Axis& other) { return other.key == row.key; });
    // The summary holds this text, and must not tell how its trials were packed.
    if (axis || row.key == Key::grid || row.key == Key::pack) continue;
    const bool same = !varies[static_cast<std::size_t>(row.key)];
    const Value& value = same ? first[row.key] : written[row.key];
    if (value.text.empty() && value.seeds.empty())
      continue;  // where, exclude, group: nothing is said
    add(top, row, value_node(row, value));
  }
  if (!experiment.axes.empty()) {
    Node grid;
    grid.kind = Node::Kind::map;
    for (const Axis& axis : experiment.axes) {
      Node list;
      list.kind = Node::Kind::list;
      for (const Value& value : axis.values)
        list.items.push_back(value_node(info(axis.key), value));
      add(grid, info(axis.key), std::move(list));
    }
    add(top, info(Key::grid), std::move(grid));
  }
  return write_document(top);
}

}  // namespace emosweep::launcher
