#include "launcher/target_checks.h"

#include <algorithm>

namespace emosweep::launcher {

namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

class Checks {
 public:
  Checks(Values& values, const TargetSpec& target, const Experiment& experiment,
         FileMistakes& mistakes)
      : values_(values), target_(target), experiment_(experiment), mistakes_(mistakes) {}

  void run() {
    const bool values = target_.kind == TargetKind::regression;
    if (values && !written(Key::loss)) values_[Key::loss].text = "mse";
    const bool read = info(Key::loss).read(values_);
    if (read) one_of(Key::loss, values ? Words{"mse", "ccc"} : Words{"cross_entropy", "focal"});
    if (info(Key::selection_metric).read(values_)) one_of(Key::selection_metric, metrics());
    class_weights();
    if (values_.is(Key::weight_reduction, "auto"))
      values_[Key::weight_reduction].text =
          values_.is(Key::loss, "focal") || target_.kind == TargetKind::multi ? "rows" : "weights";
    if (target_.kind == TargetKind::multi && info(Key::weight_reduction).read(values_) &&
        values_.is(Key::weight_reduction, "weights"))
      add(Key::weight_reduction, "several labels a row are averaged over rows and labels: rows");
    if (target_.kind == TargetKind::aspects) terms();
    if (target_.kind != TargetKind::aspects) only(Key::focal_weight, "1", "aspects");
    if (target_.kind != TargetKind::aspects) only(Key::contrastive_weight, "0", "aspects");
    if (values) only(Key::loss_temperature, "1", "classes, labels and aspects");
    if (values) only(Key::validation_predictions, "false", "classes, labels and aspects");
    if (target_.kind != TargetKind::single) single_only();
  }

 private:
  bool written(Key key) const {
    return experiment_.settings.contains(key) ||
           std::any_of(experiment_.axes.begin(), experiment_.axes.end(),
                       [key](const Axis& axis) { return axis.key == key; });
  }
  void add(Key key, const std::string& message) {
    mistakes_.add(place_of(experiment_, key),
                  std::string(info(key).name) + ": " + message +
                      "; the dataset's target is of kind " + target_kind_name(target_.kind),
                  experiment_.name);
  }
  void one_of(Key key, const Words& known) {
    const std::string& text = values_[key].text;
    if (std::find(known.begin(), known.end(), text) == known.end())
      add(key, text + " is not for it; expected one of " + joined(known));
  }
  void only(Key key, const char* neutral, const char* whose) {
    if (info(key).read(values_) && !values_.is(key, neutral))
      add(key, std::string("only ") + whose + " have it");
  }

  Words metrics() const {
    Words known{"auto", "loss", "last"};
    const auto with = [&known](Words more) {
      known.insert(known.end(), more.begin(), more.end());
      return known;
    };
    switch (target_.kind) {
      case TargetKind::single:
      case TargetKind::aspects:
        return with({"accuracy", "macro_f1", "weighted_f1", "uar"});
      case TargetKind::multi:
        return with({"accuracy", "macro_f1", "micro_f1", "weighted_f1"});
      case TargetKind::regression:
        break;
    }
    return with({"ccc", "mae"});
  }

  void class_weights() {
    const Value& weights = values_[Key::class_weights];
    if (target_.kind == TargetKind::regression) {
      only(Key::class_weights, "none", "classes, labels and aspects");
      return;
    }
    if (target_.kind != TargetKind::single && weights.text == "batch")
      add(Key::class_weights, "batch weighs single labels; expected none, balanced or a list");
    if (weights.numbers.empty()) return;
    const std::size_t classes = target_.classes.size(), n = weights.numbers.size();
    const std::size_t expected =
        target_.kind == TargetKind::multi ? target_.outputs.size() : classes;
    const bool of_aspects =
        target_.kind == TargetKind::aspects && n == classes * target_.outputs.size();
    if (n == expected || of_aspects) return;
    const bool multi = target_.kind == TargetKind::multi;
    mistakes_.add(place_of(experiment_, Key::class_weights),
                  "class_weights: the list has " + std::to_string(n) + " numbers, the dataset " +
                      std::to_string(expected) + (multi ? " labels: " : " classes: ") +
                      joined(multi ? target_.outputs : target_.classes) +
                      (target_.kind == TargetKind::aspects
                           ? " (or " + std::to_string(classes * target_.outputs.size()) +
                                 ", the classes of each of its aspects)"
                           : ""),
                  experiment_.name);
  }

  void terms() {
    if (info(Key::focal_weight).read(values_) && values_[Key::focal_weight].number == 0 &&
        values_[Key::contrastive_weight].number == 0)
      add(Key::focal_weight, "with it and contrastive_weight at 0 there is nothing to train");
  }

  void single_only() {
    if (values_.is(Key::model, "linear"))
      add(Key::model, "linear takes single labels; mlp takes every kind");
    if (info(Key::balanced_sampler).read(values_) && values_[Key::balanced_sampler].flag)
      add(Key::balanced_sampler, "it draws single labels");
    if (values_.is(Key::curriculum, "class_balance"))
      add(Key::curriculum, "class_balance takes turns between single labels");
    if (info(Key::mixup).read(values_) && values_[Key::mixup].number > 0)
      add(Key::mixup, "it mixes single labels");
  }

  Values& values_;
  const TargetSpec& target_;
  const Experiment& experiment_;
  FileMistakes& mistakes_;
};

}  // namespace

void resolve_target(Values& values, const TargetSpec& target, const Experiment& experiment,
                    FileMistakes& mistakes) {
  Checks(values, target, experiment, mistakes).run();
}

}  // namespace emosweep::launcher
