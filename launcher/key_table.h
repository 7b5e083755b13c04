// The one closed table of the keys of experiment files. It drives the parser, its errors, the
// defaults, resolved.yaml, docs/keys.md and the identity of trials: a new key is one row here and
// the line that reads it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/document.h"

namespace emosweep::launcher {

// In the order of the table: conditions expand and label themselves in this order.
// clang-format off
enum class Key {
  name, dataset, where, exclude, modality, normalise,
  protocol, group, folds, validation_groups, validation_fraction, test_fraction, split_seed,
  model, hidden_size, fusion_type, tokens, heads, dropout, batch_norm, pretrained,
  encoder, encoder_weights, pooling, max_length, freeze, encoder_dropout, layer_lr_decay, head_lr,
  random_crop, time_shift, gain_db, noise_db, vtlp, time_stretch,
  specaug_freq, specaug_time, mixup, evaluation_windows,
  loss, focal_gamma, loss_temperature, class_weights, class_weight_cap, weight_reduction,
  label_smoothing,
  smoothing_weights, focal_weight, contrastive_weight, contrastive_temperature,
  optimizer, lr, momentum, weight_decay, schedule, warmup_epochs, warmup_steps, clip_norm,
  epochs, batch_size, balanced_sampler, ema_decay, patience, selection_metric, refit,
  curriculum, curriculum_pacing, curriculum_epochs, post_curriculum_dropout,
  C,
  seeds, grid, device, dtype, kernels, ranks_per_trial, pack,
  predictions, validation_predictions, save_models,
  count_
};
// clang-format on
inline constexpr std::size_t kKeys = static_cast<std::size_t>(Key::count_);

enum class KeyType {
  integer,
  number,
  boolean,
  choice,
  choice_or_count,  // one of the choices or a whole number
  text,
  names,      // one name or a list of names
  weights,    // one of the choices or a list of numbers
  selection,  // column: value or list of values
  seeds,      // a list or a count
  grid,       // key: list of values
};

enum class Component { data, split, model, objective, optimizer, loop, linear, run, results };
const char* component_name(Component component);

enum class Effect {
  result,  // affects results: its value is part of the trial's identity
  hashed,  // affects results through the hash of the data or of the split, which are part of the
           // identity
  none,    // affects speed, or what is done around the trials
};

// A value as read. Which members hold it follows from the key's type; `text` always does, the same
// for equal values.
struct Value {
  std::string text;
  double number = 0;                                        // number, integer
  std::int64_t integer = 0;                                 // integer, choice_or_count
  bool flag = false;                                        // boolean
  std::vector<std::string> items;                           // names
  std::vector<double> numbers;                              // weights given as a list
  std::map<std::string, std::vector<std::string>> columns;  // selection
  std::vector<std::uint64_t> seeds;
};

// One value a key; what is neither written nor defaulted has an empty text.
class Values {
 public:
  const Value& operator[](Key key) const { return values_[static_cast<std::size_t>(key)]; }
  Value& operator[](Key key) { return values_[static_cast<std::size_t>(key)]; }
  bool is(Key key, std::string_view text) const { return (*this)[key].text == text; }

 private:
  std::vector<Value> values_ = std::vector<Value>(kKeys);
};

struct Range {
  std::optional<double> least, most;
  bool above = false;  // least itself is excluded
  bool below = false;  // most itself is excluded
};

struct KeyInfo {
  Key key;
  const char* name;
  KeyType type;
  Range range;
  std::vector<std::string> choices;
  // "" = none. Never change one that has been released: ids leave out keys that stand at their
  // default.
  const char* fallback;
  Component component;
  Effect effect;
  bool axis;                                 // may stand under grid
  bool (*read)(const Values&);               // do trials with these resolved values read it?
  bool (*possible)(std::size_t modalities);  // could any value of the other keys (not dataset,
                                             // modality) make them?
  const char* read_when;                     // the same in words; "" = always
  const char* help;                          // one line
};

const std::vector<KeyInfo>& key_table();
const KeyInfo& info(Key key);
const KeyInfo* find_key(std::string_view name);
std::vector<std::string> key_names();
// Words of other programs and keys of later features, for errors: "lr" for learning_rate.
std::string nearest_key(std::string_view word);
bool is_future_key(
    std::string_view name);  // named by the format, but its feature does not exist yet

// What a key's value must be: "a number > 0", "one of concat, gated, cross_attention".
std::string expected(const KeyInfo& info);
// The value of a node, or nullopt with `why` ("expected ..., got ..."). Not for grid.
std::optional<Value> read_value(const KeyInfo& info, const Node& node, std::string& why);
Value default_value(const KeyInfo& info);
// A value as YAML, for resolved.yaml.
Node value_node(const KeyInfo& info, const Value& value);

// docs/keys.md and what --help-keys prints.
std::string keys_markdown();

}  // namespace emosweep::launcher
