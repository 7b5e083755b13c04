#include "launcher/identity.h"

#include <map>
#include <string_view>

#include "base/canonical.h"

namespace emosweep::launcher {

namespace {

// Raised when the same options give other results than before: then old records are not taken for
// new ones.
constexpr int kDataVersion = 1;       // imputation and scaling
constexpr int kModelVersion = 2;      // models, fusions, initial weights
constexpr int kObjectiveVersion = 3;  // losses and class weights
constexpr int kOptimizerVersion = 1;  // optimisers and schedules
constexpr int kLoopVersion = 1;       // order, padding, selection, refit
constexpr int kLinearVersion = 1;     // the linear model and its solver
constexpr int kResultsVersion = 1;    // metrics and what a record holds

// Since 2 records of values hold the means of their training rows, and those of several terms the
// weights' curves.
int results_version(const Values& values) {
  const bool of_values = values.is(Key::loss, "mse") || values.is(Key::loss, "ccc");
  const bool terms = values[Key::contrastive_weight].number > 0;
  return of_values || terms ? kResultsVersion + 1 : kResultsVersion;
}

}  // namespace

std::string condition_canonical(const Values& values, const Digest& dataset,
                                const std::map<std::string, Digest>& files) {
  std::map<std::string, std::string> lines;
  for (const KeyInfo& row : key_table()) {
    if (row.effect != Effect::result || !row.read(values)) continue;
    const std::string& text = values[row.key].text;
    // All trials were computed by torch before there was the choice.
    if (row.key == Key::kernels && text == "torch") continue;
    if (text != row.fallback) lines[row.name] = text;
  }
  // Which groups are scaled apart; for splits the name does not matter, the fold's hash holds what
  // came of it.
  if (values.is(Key::normalise, "group")) lines["group"] = values[Key::group].text;
  lines["dataset"] = dataset.hex();
  for (const auto& [key, digest] : files) lines[key] = digest.hex();
  const auto version = [&lines](const char* component, int number) {
    lines[std::string("version.") + component] = number_text(static_cast<std::int64_t>(number));
  };
  version("data", kDataVersion);
  version("results", results_version(values));
  if (values.is(Key::model, "linear")) {
    version("linear", kLinearVersion);
  } else {
    version("model", kModelVersion);
    version("objective", kObjectiveVersion);
    version("optimizer", kOptimizerVersion);
    version("loop", kLoopVersion);
  }
  return canonical_text(lines);
}

std::string fold_lines(const Digest& hash, const std::string& name, bool reads_seed) {
  std::map<std::string, std::string> lines = {{"fold", hash.hex()}};
  if (reads_seed) lines["fold_name"] = name;
  return canonical_text(lines);
}

std::string trial_canonical(const std::string& condition, const std::string& fold, bool reads_seed,
                            std::uint64_t seed) {
  std::map<std::string, std::string> lines = parse_canonical(condition);
  lines.merge(parse_canonical(fold));
  if (reads_seed) lines["seed"] = std::to_string(seed);
  return canonical_text(lines);
}

TrialIds::TrialIds(const std::string& condition, bool reads_seed) : reads_seed_(reads_seed) {
  std::string_view rest = condition;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n') + 1);
    const std::string_view key = line.substr(0, line.find('='));
    std::string& part = key < "fold" ? before_ : key < "seed" ? between_ : after_;
    part += line;
    rest.remove_prefix(line.size());
  }
}

Digest TrialIds::id(const std::string& fold, std::uint64_t seed) {
  text_.assign(before_).append(fold).append(between_);
  if (reads_seed_) text_.append("seed=").append(std::to_string(seed)).append("\n");
  text_.append(after_);
  return sha256(text_);
}

}  // namespace emosweep::launcher
