#include "launcher/key_table.h"

#include "base/error.h"

namespace emosweep::launcher {

namespace {

using T = KeyType;
using P = Component;
using E = Effect;

constexpr double kMany = 1'000'000'000;

bool linear(const Values& v) { return v.is(Key::model, "linear"); }
bool network(const Values& v) { return !linear(v); }
bool images(const Values& v) {
  return v.is(Key::model, "small_cnn") || v.is(Key::model, "resnet18");
}
bool transformer(const Values& v) { return v.is(Key::model, "transformer"); }
bool mlp(const Values& v) { return network(v) && !images(v) && !transformer(v); }
bool fused(const Values& v) { return mlp(v) && v[Key::modality].items.size() > 1; }
bool attends(const Values& v) { return fused(v) && v.is(Key::fusion_type, "cross_attention"); }
bool splits_groups(const Values& v) {
  return v.is(Key::protocol, "loso") || v.is(Key::protocol, "group_kfold");
}
bool splits(const Values& v) { return !v.is(Key::protocol, "all"); }
bool selects(const Values& v) {
  return network(v) && splits(v) && !v.is(Key::selection_metric, "last");
}
bool cross_entropy(const Values& v) { return network(v) && v.is(Key::loss, "cross_entropy"); }
bool paced(const Values& v) { return network(v) && !v.is(Key::curriculum, "none"); }
bool weighted(const Values& v) { return network(v) && !v.is(Key::class_weights, "none"); }

constexpr auto always = [](const Values&) { return true; };
constexpr auto any = [](std::size_t) { return true; };
constexpr auto several = [](std::size_t modalities) { return modalities > 1; };

Range at_least(double least) { return {least, kMany, false, false}; }
Range above(double least) { return {least, {}, true, false}; }
Range from(double least) { return {least, {}, false, false}; }
Range between(double least, bool open_least, double most) {
  return {least, most, open_least, true};
}

const char* const kNetwork = "any model but linear";
const char* const kMlp = "model: mlp";
const char* const kImages = "model: small_cnn or resnet18";
const char* const kText = "model: transformer";
const char* const kFused = "model: mlp, several modalities";
const char* const kPaced = "a curriculum other than none";
const char* const kAttends = "model: mlp, several modalities, fusion_type: cross_attention";

std::vector<KeyInfo> make_table() {
  // clang-format off
  return {
      // ---- what the experiment is called, and its data
      {Key::name, "name", T::text, {}, {}, "", P::run, E::none, false, always, any, "",
       "The experiment's name in logs, results and `-e`; required, without / and control "
       "characters."},
      {Key::dataset, "dataset", T::text, {}, {}, "", P::data, E::hashed, false, always, any, "",
       "A folder with dataset.yaml (or that file), relative to the experiment file; required."},
      {Key::where, "where", T::selection, {}, {}, "", P::data, E::hashed, false, always, any,
       "", "Keeps the rows whose columns hold one of the values: `{intensity: [1, 2]}`."},
      {Key::exclude, "exclude", T::selection, {}, {}, "", P::data, E::hashed, false, always,
       any, "", "Drops the rows whose columns all hold one of the values."},
      {Key::modality, "modality", T::names, {}, {}, "", P::data, E::result, true, always, any,
       "",
       "One modality, a list of them, or `both` where the dataset has exactly two; may be left out "
       "where it has one."},
      {Key::normalise, "normalise", T::choice, {}, {"train", "group", "none"}, "train", P::data, E::result, true, [](const Values& v) { return !transformer(v); }, any,
       "any model but transformer",
       "Scaling of features by the fold's training rows, by each group's own rows (transductive), "
       "or none."},
      // ---- how it is split
      {Key::protocol, "protocol", T::choice, {}, {"loso", "group_kfold", "stratified_kfold",
       "holdout", "official", "all"}, "loso", P::split, E::hashed, false, always, any, "",
       "How rows become train, validation and test; `all` trains on everything and tests nothing."
       },
      {Key::group, "group", T::text, {}, {}, "", P::split, E::hashed, false, [](const Values& v)
       { return splits(v) || v.is(Key::normalise, "group"); }, any,
       "any protocol but all, or normalise: group",
       "A name under the dataset's groups, such as the subject: no split cuts its values. "
       "id: each row by itself."},
      {Key::folds, "folds", T::integer, {2, 100'000, false, false}, {}, "5", P::split,
       E::hashed, false, [](const Values& v) { return v.is(Key::protocol, "group_kfold") ||
       v.is(Key::protocol, "stratified_kfold"); }, any,
       "protocol: group_kfold or stratified_kfold", "Number of folds."},
      {Key::validation_groups, "validation_groups", T::integer, at_least(0), {}, "0", P::split,
       E::hashed, false, splits_groups, any, "protocol: loso or group_kfold",
       "Whole groups for validation, rotated; 0 takes validation_fraction."},
      {Key::validation_fraction, "validation_fraction", T::number, between(0, true, 1), {}, "0.15", P::split, E::hashed, false, [](const Values& v) { return (splits_groups(v) &&
       v[Key::validation_groups].integer == 0) || v.is(Key::protocol, "stratified_kfold") ||
       v.is(Key::protocol, "holdout"); }, any,
       "protocol: stratified_kfold, holdout, or loso and group_kfold with validation_groups: 0",
       "Share of what is not test that validates; whole groups where a group is given."},
      {Key::test_fraction, "test_fraction", T::number, between(0, true, 1), {}, "0.2", P::split,
       E::hashed, false, [](const Values& v) { return v.is(Key::protocol, "holdout"); }, any,
       "protocol: holdout", "Share of the rows that tests."},
      {Key::split_seed, "split_seed", T::integer, at_least(0), {}, "0", P::split, E::hashed,
       false, splits, any, "any protocol but all",
       "Seed of the splits; trials' seeds never move a split."},
      // ---- the model
      {Key::model, "model", T::choice, {}, {"mlp", "linear", "small_cnn", "resnet18", "transformer"}, "mlp", P::model, E::result, true, always, any, "",
       "mlp: an encoder per modality and a fusion; linear: L2-regularised multinomial regression; "
       "small_cnn, resnet18: convolutions over spectrograms (a modality of kind audio); transformer: "
       "fine-tunes a text encoder (a modality of kind text)."},
      {Key::hidden_size, "hidden_size", T::integer, {1, 65536, false, false}, {}, "64", P::model, E::result, true, mlp, any, kMlp, "Width of encoders, fusion and embedding."},
      {Key::fusion_type, "fusion_type", T::choice, {}, {"concat", "gated", "cross_attention"},
       "concat", P::model, E::result, true, fused, several, kFused, "How modalities are joined."
       },
      {Key::tokens, "tokens", T::integer, {1, 4096, false, false}, {}, "8", P::model, E::result,
       true, attends, several, kAttends,
       "Learned tokens per modality that the others attend to; with 1 attention has no choice."},
      {Key::heads, "heads", T::integer, {1, 1024, false, false}, {}, "4", P::model, E::result,
       true, attends, several, kAttends, "Attention heads; they divide hidden_size."},
      {Key::dropout, "dropout", T::number, between(0, false, 1), {}, "0.3", P::model, E::result,
       true, network, any, kNetwork, "Dropout rate."},
      {Key::batch_norm, "batch_norm", T::choice, {}, {"synchronised", "local"}, "synchronised", P::model, E::result, true, images, any, kImages,
       "Batch norm over the whole batch, or over the rows of each rank."},
      {Key::pretrained, "pretrained", T::text, {}, {}, "", P::model, E::hashed, true, images, any,
       kImages,
       "A safetensors file of initial weights, relative to the experiment file; a head of other "
       "classes is left out."},
      // ---- the text encoder
      {Key::encoder, "encoder", T::text, {}, {}, "", P::model, E::hashed, true, transformer, any,
       kText,
       "The encoder, a folder as Hugging Face has it (BERT or DistilBERT), relative to the "
       "experiment file; may hold ${NAME} and ${NAME:-default}."},
      {Key::encoder_weights, "encoder_weights", T::choice, {}, {"pretrained", "random"},
       "pretrained", P::model, E::result, true, transformer, any, kText,
       "What the encoder starts from: its model.safetensors, or random weights of its config.json."},
      {Key::pooling, "pooling", T::choice, {}, {"mean", "cls"}, "mean", P::model, E::result, true,
       transformer, any, kText, "What the head reads: the mean over all tokens, or the first one."},
      {Key::max_length, "max_length", T::integer, {2, 1 << 20, false, false}, {}, "128", P::data,
       E::result, true, transformer, any, kText,
       "Tokens of a text at most, the first and last ones included; the end of longer ones is cut."},
      {Key::freeze, "freeze", T::choice_or_count, {1, 1000, false, false}, {"none", "embeddings"},
       "none", P::model, E::result, true, transformer, any, kText,
       "What keeps its weights: the embeddings, or the embeddings and so many of the first layers."},
      {Key::encoder_dropout, "encoder_dropout", T::number, between(0, false, 1), {}, "0.1",
       P::model, E::result, true, transformer, any, kText,
       "Dropout rate within the encoder; `dropout` is that before the head."},
      {Key::layer_lr_decay, "layer_lr_decay", T::number, {0, 1, true, false}, {}, "1", P::optimizer,
       E::result, true, transformer, any, kText,
       "Every layer learns at so many times the rate of the one above it; the last one at that "
       "times lr."},
      {Key::head_lr, "head_lr", T::number, from(0), {}, "0", P::optimizer, E::result, true,
       transformer, any, kText, "Learning rate of the head; 0 is lr."},
      // ---- what training changes about recordings
      {Key::random_crop, "random_crop", T::boolean, {}, {}, "true", P::data, E::result, true,
       images, any, kImages, "Windows of training begin anywhere in a longer recording."},
      {Key::time_shift, "time_shift", T::number, between(0, false, 60), {}, "0", P::data, E::result,
       true, images, any, kImages,
       "Windows of training begin up to so many seconds earlier or later; silence outside."},
      {Key::gain_db, "gain_db", T::number, between(0, false, 60), {}, "0", P::data, E::result, true,
       images, any, kImages,
       "Recordings get louder or quieter by up to so many dB; what falls below -100 dB is lost."},
      {Key::noise_db, "noise_db", T::number, between(0, false, 80), {}, "0", P::data, E::result,
       true, images, any, kImages,
       "White noise, from so many dB (to 80) below a window's loudest cell; 0 is off."},
      {Key::vtlp, "vtlp", T::number, between(0, false, .5), {}, "0", P::data, E::result, true, images,
       any, kImages,
       "Vocal tract length perturbation: frequencies of a window are warped by a factor between "
       "1 - vtlp and 1 + vtlp, usually .1; 0 is off."},
      {Key::time_stretch, "time_stretch", T::number, between(0, false, .5), {}, "0", P::data,
       E::result, true, images, any, kImages,
       "The tempo of a window is multiplied by a factor between 1 - time_stretch and 1 + "
       "time_stretch; its frequencies stay. 0 is off."},
      {Key::specaug_freq, "specaug_freq", T::integer, {0, 4096, false, false}, {}, "8", P::data,
       E::result, true, images, any, kImages,
       "SpecAugment: two masks of at most so many mel bands; 0 is off."},
      {Key::specaug_time, "specaug_time", T::integer, {0, 65536, false, false}, {}, "20", P::data, E::result, true, images, any, kImages,
       "SpecAugment: two masks of at most so many frames; 0 is off."},
      {Key::mixup, "mixup", T::number, from(0), {}, "0", P::data, E::result, true, images, any,
       kImages,
       "Alpha of mixup: windows and labels of a batch are mixed in pairs, by shares of "
       "Beta(alpha, alpha); 0 is off."},
      {Key::evaluation_windows, "evaluation_windows", T::integer, {1, 1000, false, false}, {}, "1",
       P::data, E::result, true, images, any, kImages,
       "Validation, test and `predict` look at so many windows of a recording, from its start to "
       "its end, and take the mean of their logits; 1 is the middle one."},
      // ---- the objective
      {Key::loss, "loss", T::choice, {}, {"cross_entropy", "focal", "mse", "ccc"},
       "cross_entropy", P::objective, E::result, true, network, any, kNetwork,
       "The training loss: cross_entropy or focal of classes, labels and aspects; mse (their "
       "default) or ccc, 1 - concordance of a batch, of values."},
      {Key::focal_gamma, "focal_gamma", T::number, from(0), {}, "2", P::objective, E::result,
       true, [](const Values& v) { return network(v) && v.is(Key::loss, "focal"); }, any,
       "loss: focal", "Exponent of (1 - p) in the focal loss."},
      {Key::loss_temperature, "loss_temperature", T::number, above(0), {}, "1", P::objective,
       E::result, true, network, any, kNetwork, "Divides the logits before the log-softmax."},
      {Key::class_weights, "class_weights", T::weights, from(0), {"none", "balanced", "batch"},
       "none", P::objective, E::result, true, always, any, "",
       "none; balanced: n / (C count) of the training rows, of several labels (n - count) / count "
       "of presence; batch: 1 / (count + 0.1) of each batch; or a list, one a class or label."},
      {Key::class_weight_cap, "class_weight_cap", T::number, from(0), {}, "0", P::objective,
       E::result, true, [](const Values& v) { return network(v) && v.is(Key::class_weights,
       "balanced"); }, any, "any model but linear, class_weights: balanced",
       "Class weights above so many times the smallest are cut to that; 0 cuts none."},
      {Key::weight_reduction, "weight_reduction", T::choice, {}, {"auto", "weights", "rows"},
       "auto", P::objective, E::result, true, weighted, any,
       "any model but linear, class_weights other than none",
       "The mean divides by the sum of class weights or by rows; auto: cross_entropy weights, "
       "focal rows."},
      {Key::label_smoothing, "label_smoothing", T::number, between(0, false, 1), {}, "0", P::objective, E::result, true, cross_entropy, any, "loss: cross_entropy",
       "Share of the target that is spread over all classes."},
      {Key::smoothing_weights, "smoothing_weights", T::choice, {}, {"per_class", "of_target"},
       "per_class", P::objective, E::result, true, [](const Values& v) { return cross_entropy(v)
       && weighted(v) && v[Key::label_smoothing].number > 0; }, any,
       "label_smoothing > 0, class_weights other than none",
       "Class weights within a smoothed target: each class its own, or the target's for all."},
      {Key::focal_weight, "focal_weight", T::number, from(0), {}, "1", P::objective, E::result,
       true, network, any, kNetwork,
       "Of aspects: weight of the classification term, cross_entropy or focal."},
      {Key::contrastive_weight, "contrastive_weight", T::number, from(0), {}, "0", P::objective,
       E::result, true, network, any, kNetwork,
       "Of aspects: weight of the contrastive term over rows that share labels; 0 leaves it out."},
      {Key::contrastive_temperature, "contrastive_temperature", T::number, above(0), {}, "0.1",
       P::objective, E::result, true, [](const Values& v) { return network(v) &&
       v[Key::contrastive_weight].number > 0; }, any, "contrastive_weight > 0",
       "Divides the cosines of the contrastive term."},
      // ---- the optimiser
      {Key::optimizer, "optimizer", T::choice, {}, {"adamw", "adam", "sgd"}, "adamw", P::optimizer, E::result, true, network, any, kNetwork, "The optimiser."},
      {Key::lr, "lr", T::number, above(0), {}, "0.001", P::optimizer, E::result, true, network,
       any, kNetwork, "Learning rate at its highest."},
      {Key::momentum, "momentum", T::number, between(0, false, 1), {}, "0", P::optimizer,
       E::result, true, [](const Values& v) { return network(v) && v.is(Key::optimizer, "sgd"); },
       any, "optimizer: sgd", "Momentum of sgd."},
      {Key::weight_decay, "weight_decay", T::number, from(0), {}, "0.01", P::optimizer,
       E::result, true, network, any, kNetwork,
       "adamw: decoupled; adam and sgd: added to the gradient."},
      {Key::schedule, "schedule", T::choice, {}, {"constant", "cosine", "linear"}, "constant", P::optimizer, E::result, true, network, any, kNetwork,
       "Course of the learning rate after warm-up; cosine and linear fall to 0."},
      {Key::warmup_epochs, "warmup_epochs", T::number, from(0), {}, "0", P::optimizer,
       E::result, true, network, any, kNetwork, "Epochs in which the learning rate rises from 0."},
      {Key::warmup_steps, "warmup_steps", T::integer, at_least(0), {}, "0", P::optimizer,
       E::result, true, network, any, kNetwork, "The same counted in steps; one of the two."},
      {Key::clip_norm, "clip_norm", T::number, from(0), {}, "0", P::optimizer, E::result, true,
       network, any, kNetwork, "Clips the norm of the whole gradient; 0 is off."},
      // ---- the loop
      {Key::epochs, "epochs", T::integer, {1, 1'000'000, false, false}, {}, "50", P::loop,
       E::result, true, network, any, kNetwork, "Passes over the training rows, at most."},
      {Key::batch_size, "batch_size", T::integer, {1, 1'000'000, false, false}, {}, "32", P::loop, E::result, true, network, any, kNetwork,
       "Rows of a step, whatever the number of ranks."},
      {Key::balanced_sampler, "balanced_sampler", T::boolean, {}, {}, "false", P::loop, E::result,
       true, network, any, kNetwork,
       "An epoch draws as many rows as it has, with replacement, all classes equally likely."},
      {Key::ema_decay, "ema_decay", T::number, between(0, false, 1), {}, "0", P::loop, E::result,
       true, network, any, kNetwork,
       "d: a <- d a + (1 - d) w after every step; the average a is validated, tested and saved "
       "in place of the weights w. 0 is off; in step t d is at most (1 + t) / (10 + t), so that "
       ".999 needs 9,000 steps."},
      {Key::patience, "patience", T::integer, at_least(0), {}, "0", P::loop, E::result, true,
       selects, any, "any model but linear, a selection_metric other than last",
       "Epochs without a better selection_metric before training stops; 0 never stops early."},
      {Key::selection_metric, "selection_metric", T::choice, {}, {"auto", "loss", "accuracy",
       "macro_f1", "micro_f1", "weighted_f1", "uar", "ccc", "mae", "last"}, "auto", P::loop, E::result, true, [](const
       Values& v) { return network(v) && splits(v); }, any, "any model but linear, any protocol but all",
       "Validation metric that selects the epoch; last: no selection; auto: loss below 100 "
       "validation samples and of values, else macro_f1."},
      {Key::refit, "refit", T::choice, {}, {"none", "train+validation"}, "none", P::loop,
       E::result, true, splits, any, "any protocol but all",
       "Train again on train + validation, for the selected number of epochs, before testing."},
      {Key::curriculum, "curriculum", T::choice, {}, {"none", "difficulty", "inverse", "random",
       "class_balance"}, "none", P::loop, E::result, true, network, any, kNetwork,
       "Which rows come first while epochs still use a part: the easiest or the hardest by the "
       "dataset's difficulty, any, classes in turns."},
      {Key::curriculum_pacing, "curriculum_pacing", T::choice, {}, {"linear", "sqrt", "log"},
       "linear", P::loop, E::result, true, paced, any, kPaced,
       "Share of the rows in epoch e of T: (e + 1) / T, its square root, ln(e + 2) / ln(T + 1)."},
      {Key::curriculum_epochs, "curriculum_epochs", T::choice_or_count, {1, 1'000'000, false,
       false}, {"auto"}, "auto", P::loop, E::result, true, paced, any, kPaced,
       "T: the epoch that first uses all rows; auto: half of `epochs`."},
      {Key::post_curriculum_dropout, "post_curriculum_dropout", T::number, between(0, false, 1), {},
       "0.6", P::loop, E::result, true, paced, any, kPaced,
       "Dropout rate of the epochs behind those T."},
      // ---- the linear model
      {Key::C, "C", T::number, above(0), {}, "1", P::linear, E::result, true, linear, any,
       "model: linear", "Inverse strength of the L2 penalty."},
      // ---- how it is run
      {Key::seeds, "seeds", T::seeds, {}, {}, "1", P::run, E::none, false, always, any, "",
       "A list of seeds, or a count: 5 means 1 to 5. Each seed is a trial of its own."},
      {Key::grid, "grid", T::grid, {}, {}, "", P::run, E::none, false, always, any, "",
       "Axes of values, `{lr: [1.0e-3, 3.0e-4]}`: every combination is a condition."},
      {Key::device, "device", T::choice, {}, {"auto", "cpu", "cuda"}, "auto", P::run,
       E::result, false, network, any, kNetwork,
       "Where trials are trained: cuda is one GPU a rank, for small_cnn, resnet18 and transformer; auto "
       "is cpu, whatever this machine has."},
      {Key::dtype, "dtype", T::choice, {}, {"auto", "float32", "float64"}, "auto", P::run,
       E::result, true, network, any, kNetwork, "Number type of training; auto is float32."},
      {Key::kernels, "kernels", T::choice, {}, {"auto", "fused", "torch"}, "auto", P::run,
       E::result, true, [](const Values& v) { return network(v) && !transformer(v); }, any, "any model but linear and transformer",
       "fused: a whole step of a small model in one; torch: its operations and autograd; auto: "
       "fused where the model has it."},
      {Key::ranks_per_trial, "ranks_per_trial", T::integer, at_least(1), {}, "1", P::run,
       E::result, false, always, any, "",
       "Ranks that train one trial together; the same for all experiments of a run."},
      {Key::pack, "pack", T::choice_or_count, {1, 4096, false, false}, {"auto", "off"}, "auto", P::run, E::none, false, network, any, kNetwork,
       "Trials of equal shapes that a team trains as one batched computation, at most; auto: as "
       "many as pay, off: 1."},
      // ---- what is kept
      {Key::predictions, "predictions", T::choice, {}, {"all", "labels", "none"}, "all", P::results, E::result, false, always, any, "",
       "What records keep of test predictions: labels and probabilities, labels, nothing."},
      {Key::validation_predictions, "validation_predictions", T::boolean, {}, {}, "false",
       P::results, E::result, false, splits, any, "any protocol but all",
       "Records also keep the probabilities of validation rows, which weigh the members of ensembles."
       },
      {Key::save_models, "save_models", T::boolean, {}, {}, "false", P::results, E::result,
       false, always, any, "", "Keep the best weights of every trial under DIR/models."},
  };
  // clang-format on
}

}  // namespace

const std::vector<KeyInfo>& key_table() {
  static const std::vector<KeyInfo> table = [] {
    std::vector<KeyInfo> rows = make_table();
    EMO_CHECK(rows.size() == kKeys, "the key table has a row for every key");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EMO_CHECK(rows[i].key == static_cast<Key>(i), std::string(rows[i].name) + " is out of order");
    }
    return rows;
  }();
  return table;
}

const KeyInfo& info(Key key) { return key_table()[static_cast<std::size_t>(key)]; }

const KeyInfo* find_key(std::string_view name) {
  for (const KeyInfo& row : key_table()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const KeyInfo& row : key_table()) names.emplace_back(row.name);
  return names;
}

bool is_future_key(std::string_view) { return false; }  // none now

std::string nearest_key(std::string_view word) {
  static const std::map<std::string_view, const char*> elsewhere = {
      {"learning_rate", "lr"},
      {"num_epochs", "epochs"},
      {"n_epochs", "epochs"},
      {"temperature", "loss_temperature"},
      {"gamma", "focal_gamma"},
      {"fusion", "fusion_type"},
      {"hidden_dim", "hidden_size"},
      {"gradient_clip", "clip_norm"},
      {"early_stopping", "patience"},
      {"modalities", "modality"},
      {"n_seeds", "seeds"},
      {"num_seeds", "seeds"},
      {"mixup_alpha", "mixup"},
      {"class_weight_loss", "class_weights"},
      {"tempo", "time_stretch"},
      {"ema", "ema_decay"},
      {"model_ema_decay", "ema_decay"},
      {"swa", "ema_decay"}};
  const auto found = elsewhere.find(word);
  if (found != elsewhere.end()) return found->second;
  return nearest(word, key_names());
}

const char* component_name(Component component) {
  switch (component) {
    case Component::data:
      return "data";
    case Component::split:
      return "split";
    case Component::model:
      return "model";
    case Component::objective:
      return "objective";
    case Component::optimizer:
      return "optimizer";
    case Component::loop:
      return "loop";
    case Component::linear:
      return "linear";
    case Component::run:
      return "run";
    case Component::results:
      return "results";
  }
  return "";
}

}  // namespace emosweep::launcher
