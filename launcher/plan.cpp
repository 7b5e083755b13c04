#include "launcher/plan.h"

#include <algorithm>
#include <iomanip>
#include <map>
#include <sstream>
#include <unordered_set>

#include "base/canonical.h"
#include "base/files.h"
#include "data/hash_cache.h"
#include "launcher/conditions.h"
#include "launcher/estimate.h"
#include "launcher/experiment_file.h"
#include "launcher/fold_facts.h"
#include "launcher/identity.h"
#include "launcher/packs.h"
#include "launcher/plan_data.h"
#include "trainer/weight_average.h"

namespace emosweep::launcher {

namespace {

constexpr std::size_t kMostCells = 10'000'000;

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t word;  // any bytes of a SHA-256 spread well
    static_assert(sizeof word <= sizeof digest.bytes);
    std::copy_n(digest.bytes.begin(), sizeof word, reinterpret_cast<std::uint8_t*>(&word));
    return word;
  }
};

using Seen = std::unordered_set<Digest, DigestHash>;

std::int64_t least_validation(const data::Folds& folds) {
  std::size_t least = SIZE_MAX;
  for (const data::Fold& fold : folds.folds) least = std::min(least, fold.validation.size());
  return folds.folds.empty() ? 0 : static_cast<std::int64_t>(least);
}

// Fills conditions and the resolved YAML of an experiment whose data and folds are there.
void add_conditions(PlannedExperiment& planned, const Experiment& experiment, PlanData& data,
                    FileMistakes& mistakes) {
  const data::Dataset& dataset = planned.data->dataset;
  const DataFacts facts{&dataset, least_validation(*planned.folds)};
  const Values written = written_values(experiment);
  planned.seeds = written[Key::seeds].seeds;
  planned.ranks_per_trial = static_cast<int>(written[Key::ranks_per_trial].integer);
  const Value& pack = written[Key::pack];
  planned.pack = pack.text == "off" ? 1 : pack.integer;
  const std::size_t conditions = condition_count(experiment);
  const std::size_t each = planned.seeds.size() * planned.folds->folds.size();
  if (conditions > kMostCells / std::max<std::size_t>(each, 1)) {
    mistakes.add(place_of(experiment, Key::grid),
                 "the grid, seeds and folds make more than " + std::to_string(kMostCells) +
                     " trials: take a smaller grid",
                 experiment.name);
    return;
  }
  Values first;
  std::vector<bool> varies(kKeys, false);
  std::size_t modalities = 0;
  for (std::size_t i = 0; i < conditions; ++i) {
    Values values = condition_values(written, experiment, i);
    resolve(values, facts, experiment, mistakes);
    modalities = std::max(modalities, values[Key::modality].items.size());
    if (i == 0) first = values;
    for (const KeyInfo& row : key_table()) {
      if (values[row.key].text != first[row.key].text)
        varies[static_cast<std::size_t>(row.key)] = true;
    }
    if (!mistakes.empty()) continue;
    PlannedCondition condition;
    condition.label = condition_label(experiment, values);
    condition.base = trial_spec(values, dataset);
    condition.reads_seed = !values.is(Key::model, "linear");
    std::map<std::string, Digest> files;
    const auto start = data.pretrained(values, condition.base.model, experiment, mistakes);
    if (start) {
      condition.base.pretrained = start->file;
      files["pretrained"] = start->digest;
    }
    if (const auto encoder = data.set_encoder(values, condition.base, experiment, mistakes))
      files["encoder"] = *encoder;
    if (!mistakes.empty()) continue;
    condition.canonical = condition_canonical(values, dataset.digest, files);
    condition.idle = idle_keys(experiment, values);
    planned.conditions.push_back(std::move(condition));
  }
  if (modalities > 0) check_possible(experiment, modalities, mistakes);
  planned.resolved = resolved_yaml(experiment, first, varies);
}

std::string joined_values(const PlannedExperiment& planned,
                          std::string (*text)(const PlannedCondition&)) {
  std::vector<std::string> words;
  for (const PlannedCondition& condition : planned.conditions) {
    const std::string word = text(condition);
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string normalise_text(const PlannedCondition& condition) {
  switch (condition.base.prepare.normalise) {
    case data::Normalise::train:
      return "train";
    case data::Normalise::group:
      return "group";
    case data::Normalise::none:
      return "none";
  }
  return "";
}

std::string selection_text(const PlannedCondition& condition) {
  return condition.reads_seed ? condition.base.loop.selection_metric : "none";
}

results::PlannedExperiment for_results(const PlannedExperiment& planned) {
  results::PlannedExperiment out;
  out.name = planned.name;
  out.resolved = planned.resolved;
  out.dataset = planned.data->dataset.name;
  out.samples = planned.data->samples.digest;
  out.protocol = data::protocol_name(planned.split.protocol) +
                 (planned.split.group.empty() ? "" : " by " + planned.split.group);
  out.group = planned.split.group;
  out.normalise = joined_values(planned, normalise_text);
  out.selection_metric = joined_values(planned, selection_text);
  out.classes = planned.data->dataset.target.classes;
  out.kind = planned.data->dataset.target.kind;
  out.outputs = planned.data->dataset.target.outputs;
  for (const PlannedCondition& condition : planned.conditions)
    out.conditions.push_back(condition.label);
  out.folds = fold_facts(planned);
  return out;
}

using Shapes = std::map<std::string, std::uint32_t>;

// What the trials of one condition and fold have in common.
PlannedTrial trial_kind(const PlannedExperiment& experiment, const trainer::TrialSpec& spec,
                        const data::Fold& fold, Shapes& shapes) {
  const int ranks = experiment.ranks_per_trial;
  PlannedTrial trial;
  trial.cost_alone = trial_seconds(spec, fold, ranks);
  const PackSize size = pack_size(spec, fold, experiment.pack, ranks);
  trial.pack = size.trials;
  trial.alone = size.alone;
  trial.cost = trial.pack > 1 ? trial_seconds(spec, fold, ranks, trial.pack) : trial.cost_alone;
  if (trial.pack > 1) {
    const std::string shape = trainer::pack_shape(spec, fold) + ' ' + std::to_string(trial.pack);
    trial.shape = shapes.emplace(shape, shapes.size() + 1).first->second;
  }
  return trial;
}

// Cells and unique trials of one experiment, in order of condition, seed, fold.
void add_trials(Plan& plan, std::uint32_t number, Seen& seen, Shapes& shapes) {
  const PlannedExperiment& experiment = plan.experiments[number];
  const std::vector<data::Fold>& folds = experiment.folds->folds;
  std::vector<std::string> lines[2];
  for (const data::Fold& fold : folds) {
    for (const bool reads_seed : {false, true}) {
      lines[reads_seed].push_back(fold_lines(fold.hash, fold.name, reads_seed));
    }
  }
  for (std::uint32_t c = 0; c < experiment.conditions.size(); ++c) {
    const PlannedCondition& condition = experiment.conditions[c];
    TrialIds ids(condition.canonical, condition.reads_seed);
    std::vector<PlannedTrial> kinds;
    for (const data::Fold& fold : folds)
      kinds.push_back(trial_kind(experiment, condition.base, fold, shapes));
    for (const std::uint64_t seed : experiment.seeds) {
      for (std::uint32_t f = 0; f < folds.size(); ++f) {
        const Digest id = ids.id(lines[condition.reads_seed][f], seed);
        plan.file.cells.push_back({id, number, c, seed, folds[f].name, folds[f].group});
        if (!seen.insert(id).second) continue;
        PlannedTrial& trial = plan.trials.emplace_back(kinds[f]);
        trial.id = id;
        trial.experiment = number;
        trial.condition = c;
        trial.fold = f;
        trial.seed = seed;
      }
    }
  }
}

results::Samples samples_of(const data::SampleTable& table) {
  results::Samples samples;
  samples.dataset = table.dataset;
  samples.digest = table.digest;
  samples.id = table.id;
  for (const data::Column& column : table.groups)
    samples.groups.emplace_back(column.name, column.values);
  for (const data::Column& column : table.metadata) {
    samples.metadata.emplace_back(column.name, column.values);
  }
  return samples;
}

void add_samples(Plan& plan, const data::Loaded& loaded) {
  const bool known = std::any_of(
      plan.samples.begin(), plan.samples.end(),
      [&](const results::Samples& samples) { return samples.digest == loaded.samples.digest; });
  if (!known) plan.samples.push_back(samples_of(loaded.samples));
}

// Teams are made once, at the start of a run.
int common_team_size(const std::vector<PlannedExperiment>& experiments) {
  const PlannedExperiment& first = experiments.front();
  for (const PlannedExperiment& other : experiments) {
    if (other.ranks_per_trial == first.ranks_per_trial) continue;
    throw InputError("ranks_per_trial is " + std::to_string(first.ranks_per_trial) + " for '" +
                     first.name + "' and " + std::to_string(other.ranks_per_trial) + " for '" +
                     other.name +
                     "': a run has teams of one size; run them one after the other into the same "
                     "folder (-e NAME -o DIR)");
  }
  return first.ranks_per_trial;
}

// Where no trial of the condition has steps enough for its ema_decay; else "".
std::string short_average(const PlannedExperiment& planned, const trainer::TrialSpec& spec) {
  const trainer::LoopOptions& loop = spec.loop;
  std::int64_t most = 0;
  for (const data::Fold& fold : planned.folds->folds) {
    const std::size_t rows = fold.train.size() + (loop.refit ? fold.validation.size() : 0);
    const std::int64_t steps =
        (static_cast<std::int64_t>(rows) + loop.batch_size - 1) / loop.batch_size;
    most = std::max(most, steps * loop.epochs);
  }
  const double reached = trainer::average_decay(loop.ema_decay, most);
  if (reached >= loop.ema_decay) return "";
  std::ostringstream text;
  text << planned.name << ": ema_decay " << number_text(loop.ema_decay)
       << " is never reached: the decay grows with the steps, and trials of " << most << " end at "
       << std::setprecision(4) << reached << "; every larger ema_decay trains the same weights";
  return text.str();
}

void add_warnings(Plan& plan, const PlannedExperiment& planned) {
  const auto add = [&plan](const std::string& text) {
    auto& all = plan.warnings;
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  };
  for (const std::string& text : planned.data->dataset.warnings) {
    add(planned.data->dataset.name + ": " + text);
  }
  // Of the folds, which experiments share.
  const std::string folds = planned.data->dataset.name + ", " +
                            data::protocol_name(planned.split.protocol) +
                            (planned.split.group.empty() ? "" : " by " + planned.split.group);
  for (const std::string& text : planned.folds->warnings) add(folds + ": " + text);
  for (const PlannedCondition& condition : planned.conditions) {
    if (condition.base.model.fusion == models::Fusion::cross_attention &&
        condition.base.model.tokens == 1) {
      add(planned.name +
          ": cross_attention over one token per modality has nothing to choose from");
    }
    if (const std::string text = short_average(planned, condition.base); !text.empty()) add(text);
    if (condition.base.prepare.normalise == data::Normalise::group) {
      add(planned.name + ": normalise: group scales each " + condition.base.prepare.group +
          " by its own rows, test rows included (transductive): not comparable with normalise: "
          "train");
    }
  }
}

}  // namespace

Plan make_plan(const PlanOptions& options) {
  Plan plan;
  plan.source = read_text(options.file, DocumentLimits{}.bytes);
  Overrides overrides{options.experiments, options.all, options.seeds, options.set};
  const std::vector<Experiment> experiments =
      read_experiments(plan.source, options.file.string(), overrides);

  const std::filesystem::path folder =
      options.relative_to.empty() ? options.file.parent_path() : options.relative_to;
  data::HashCache cache(data::HashCache::default_file(), options.rehash);
  PlanData data(folder, cache);
  FileMistakes mistakes;
  for (const Experiment& experiment : experiments) {
    PlannedExperiment planned;
    planned.name = experiment.name;
    if (!data.load(planned, experiment, mistakes)) continue;
    add_conditions(planned, experiment, data, mistakes);
    plan.experiments.push_back(std::move(planned));
  }
  cache.save();
  Mistakes all;
  mistakes.move_to(all);
  all.throw_if_any();

  plan.ranks_per_trial = common_team_size(plan.experiments);
  Seen seen;
  Shapes shapes;
  std::string resolved;
  for (std::uint32_t i = 0; i < plan.experiments.size(); ++i) {
    const PlannedExperiment& planned = plan.experiments[i];
    add_trials(plan, i, seen, shapes);
    add_samples(plan, *planned.data);
    add_warnings(plan, planned);
    plan.file.experiments.push_back(for_results(planned));
    resolved += planned.resolved;
  }
  plan.file.resolved_sha256 = sha256(resolved).hex();
  // Longest first, so that the last trials to end are short ones; equal costs keep the plan's order
  // on every rank.
  std::stable_sort(plan.trials.begin(), plan.trials.end(),
                   [](const PlannedTrial& a, const PlannedTrial& b) { return a.cost > b.cost; });
  plan.estimate = estimate(plan);
  return plan;
}

std::string canonical_of(const Plan& plan, const PlannedTrial& trial) {
  const PlannedExperiment& experiment = plan.experiments[trial.experiment];
  const PlannedCondition& condition = experiment.conditions[trial.condition];
  const data::Fold& fold = experiment.folds->folds[trial.fold];
  return trial_canonical(condition.canonical,
                         fold_lines(fold.hash, fold.name, condition.reads_seed),
                         condition.reads_seed, trial.seed);
}

trainer::TrialSpec spec_of(const Plan& plan, const PlannedTrial& trial) {
  const PlannedExperiment& experiment = plan.experiments[trial.experiment];
  trainer::TrialSpec spec = experiment.conditions[trial.condition].base;
  spec.id = trial.id;
  spec.canonical = canonical_of(plan, trial);
  spec.seed = trial.seed;
  spec.fold = &experiment.folds->folds[trial.fold];
  return spec;
}

}  // namespace emosweep::launcher
