#include "launcher/plan_data.h"

#include "base/canonical.h"
#include "base/environment.h"
#include "data/text/embeddings.h"
#include "data/text/wordpiece.h"
#include "launcher/conditions.h"
#include "models/pretrained.h"
#include "models/text_encoder.h"

namespace emosweep::launcher {

namespace {

namespace fs = std::filesystem;

std::string names_of(const std::vector<data::Column>& columns) {
  std::string out;
  for (const data::Column& column : columns) out += (out.empty() ? "" : ", ") + column.name;
  return out.empty() ? "none" : out;
}

// The group that splits or normalisation need must be one of the dataset's.
bool check_group(const Values& values, const data::Dataset& dataset, const Experiment& experiment,
                 FileMistakes& mistakes) {
  const std::string& group = values[Key::group].text;
  if (group == "id" && values.is(Key::normalise, "group")) {
    mistakes.add(place_of(experiment, Key::normalise),
                 "normalise: group needs groups of several rows, and with 'group: id' each row is "
                 "its own",
                 experiment.name);
    return false;
  }
  if (group.empty() || dataset.group(group)) return true;
  std::vector<std::string> names;
  for (const data::Column& column : dataset.groups) names.push_back(column.name);
  const std::string near = nearest(group, names);
  mistakes.add(place_of(experiment, Key::group),
               "group: the dataset has no group '" + group + "'" +
                   (near.empty() ? "" : ": did you mean '" + near + "'?") + " Its groups: " +
                   names_of(dataset.groups) + "; 'group: id' makes each row one of its own",
               experiment.name);
  return false;
}

bool lacks_group(const Values& values) {
  return values[Key::group].text.empty() &&
         (values.is(Key::protocol, "loso") || values.is(Key::protocol, "group_kfold"));
}

std::string split_text(const data::SplitOptions& split) {
  return std::string(data::protocol_name(split.protocol)) + "\n" + split.group + "\n" +
         number_text(split.folds) + "\n" + number_text(split.validation_groups) + "\n" +
         number_text(split.validation_fraction) + "\n" + number_text(split.test_fraction) + "\n" +
         std::to_string(split.split_seed);
}

}  // namespace

PlanData::PlanData(fs::path folder, data::HashCache& cache)
    : folder_(std::move(folder)), cache_(cache) {}

std::shared_ptr<const data::Loaded> PlanData::dataset(const Experiment& experiment,
                                                      const Values& values,
                                                      FileMistakes& mistakes) {
  const fs::path path = fs::absolute(folder_ / values[Key::dataset].text).lexically_normal();
  std::error_code error;
  if (!fs::exists(fs::is_directory(path, error) ? path / "dataset.yaml" : path, error)) {
    mistakes.add(place_of(experiment, Key::dataset),
                 "dataset: there is no dataset.yaml at " + path.string(), experiment.name);
    return nullptr;
  }
  const std::string key =
      path.string() + "\n" + values[Key::where].text + "\n" + values[Key::exclude].text;
  const auto known = datasets_.find(key);
  if (known != datasets_.end()) return known->second;
  auto& entry = datasets_[key];
  try {
    entry = std::make_shared<const data::Loaded>(data::load_dataset(
        path, row_selection(values), &cache_, {}, data::Labels::needed, &embedder_));
  } catch (const InputError& problem) {
    mistakes.add(Place{}, problem.what());  // its lines carry the places in the data
  }
  return entry;
}

bool PlanData::load(PlannedExperiment& planned, const Experiment& experiment,
                    FileMistakes& mistakes) {
  const Values values = written_values(experiment);
  planned.data = dataset(experiment, values, mistakes);
  if (!planned.data) return false;
  const data::Dataset& loaded = planned.data->dataset;
  if (!check_group(values, loaded, experiment, mistakes)) return false;
  if (lacks_group(values)) {
    check_together(values, experiment, mistakes);
    return false;
  }
  planned.split = split_options(values);
  const std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(planned.data.get())) +
                          "\n" + split_text(planned.split);
  auto& folds = folds_[key];
  if (!folds) {
    try {
      folds = std::make_shared<const data::Folds>(data::make_folds(loaded, planned.split));
    } catch (const InputError& problem) {
      mistakes.add(place_of(experiment, Key::protocol), problem.what(), experiment.name);
      return false;
    }
  }
  planned.folds = folds;
  return true;
}

std::optional<PlanData::Pretrained> PlanData::pretrained(const Values& values,
                                                         const models::ModelOptions& model,
                                                         const Experiment& experiment,
                                                         FileMistakes& mistakes) {
  const std::string& name = values[Key::pretrained].text;
  if (name.empty() || !info(Key::pretrained).read(values)) return std::nullopt;
  const fs::path file = fs::absolute(folder_ / name).lexically_normal();
  try {
    const Pretrained found{file, cache_.of(file)};
    const std::string suits =
        file.string() + "\n" + model.model + "\n" + std::to_string(model.classes);
    if (pretrained_.insert(suits).second) {
      const StreamKey key = trial_key(0, "");
      const auto network = models::make_model(model, {&key, 1});
      models::load_pretrained(*network, 0, models::read_safetensors(file), file.string());
    }
    return found;
  } catch (const InputError& problem) {
    mistakes.add(place_of(experiment, Key::pretrained),
                 std::string("pretrained: ") + problem.what(), experiment.name);
    return std::nullopt;
  }
}

std::optional<Digest> PlanData::set_encoder(const Values& values, trainer::TrialSpec& spec,
                                            const Experiment& experiment, FileMistakes& mistakes) {
  if (!info(Key::encoder).read(values)) return std::nullopt;
  const auto add = [&](const std::string& message) {
    mistakes.add(place_of(experiment, Key::encoder), message, experiment.name);
  };
  const std::string& written = values[Key::encoder].text;
  if (written.empty()) {
    add("model: transformer needs `encoder`: a folder as Hugging Face has it, with config.json, "
        "model.safetensors and tokenizer.json or vocab.txt");
    return std::nullopt;
  }
  Mistakes wrong;
  const std::string name = expand_environment(written, {}, wrong);
  for (const std::string& line : wrong.lines()) add("encoder: " + line);
  if (!wrong.empty()) return std::nullopt;
  spec.prepare.encoder = fs::absolute(folder_ / name).lexically_normal();
  spec.random_encoder = values.is(Key::encoder_weights, "random");
  try {
    spec.model.text.encoder = models::read_encoder_options(spec.prepare.encoder);
    models::check_options(spec.model);
    const std::string key = spec.prepare.encoder.string() + (spec.random_encoder ? "\nrandom" : "");
    const auto known = encoders_.find(key);
    if (known != encoders_.end()) return known->second;
    const std::int64_t pieces = data::WordPiece::load(spec.prepare.encoder).size();
    if (pieces > spec.model.text.encoder.vocabulary)
      throw InputError(spec.prepare.encoder.string() + ": the tokenizer has " +
                       std::to_string(pieces) + " pieces, the encoder " +
                       std::to_string(spec.model.text.encoder.vocabulary));
    if (!spec.random_encoder) (void)models::TextEncoder::load(spec.prepare.encoder);
    return encoders_[key] = data::encoder_digest(spec.prepare.encoder, &cache_);
  } catch (const InputError& problem) {
    add(std::string("encoder: ") + problem.what());
    return std::nullopt;
  }
}

}  // namespace emosweep::launcher
