#include "launcher/plan_facts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <string_view>

#include "data/target_counts.h"

namespace emosweep::launcher {

namespace {

struct Spread {
  double mean = 0, least = 0, most = 0;
};

Spread spread_of(const data::Dataset& dataset, std::span<const std::int32_t> rows,
                 std::size_t output) {
  const std::size_t outputs = dataset.target.outputs.size();
  Spread spread{0, std::numeric_limits<double>::infinity(),
                -std::numeric_limits<double>::infinity()};
  for (const std::int32_t row : rows) {
    const double value = dataset.value[static_cast<std::size_t>(row) * outputs + output];
    spread.mean += value / static_cast<double>(rows.size());
    spread.least = std::min(spread.least, value);
    spread.most = std::max(spread.most, value);
  }
  return spread;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string joined_counts(const std::vector<std::int64_t>& counts) {
  std::string out;
  for (const std::int64_t count : counts) out += (out.empty() ? "" : "/") + std::to_string(count);
  return out.empty() ? "-" : out;
}

}  // namespace

std::vector<std::string> target_words(const data::Dataset& dataset) {
  const TargetSpec& target = dataset.target;
  const std::vector<std::int32_t> rows = data::all_rows(dataset);
  const data::ClassMix mix = data::class_mix(dataset, rows);
  std::vector<std::string> words;
  if (target.kind == TargetKind::single || target.kind == TargetKind::multi) {
    for (std::size_t i = 0; i < mix.names.size(); ++i)
      words.push_back(mix.names[i] + " " + std::to_string(mix.counts[i]));
    return words;
  }
  for (std::size_t o = 0; o < target.outputs.size(); ++o) {
    std::string text = target.outputs[o] + ":";
    if (target.kind == TargetKind::regression) {
      const Spread spread = spread_of(dataset, rows, o);
      words.push_back(text + " mean " + short_number(spread.mean) + ", " +
                      short_number(spread.least) + " to " + short_number(spread.most));
      continue;
    }
    std::int64_t unknown = dataset.size();
    for (std::size_t c = 0; c < target.classes.size(); ++c) {
      const std::int64_t count = mix.counts[o * target.classes.size() + c];
      text += (c ? ", " : " ") + target.classes[c] + " " + std::to_string(count);
      unknown -= count;
    }
    words.push_back(text + (unknown > 0 ? ", unknown " + std::to_string(unknown) : ""));
  }
  return words;
}

std::string mix_text(const data::Dataset& dataset, std::span<const std::int32_t> rows) {
  if (rows.empty()) return "-";
  if (dataset.target.kind == TargetKind::regression) {
    std::string text;
    for (std::size_t o = 0; o < dataset.target.outputs.size(); ++o)
      text += (o ? "/" : "mean ") + short_number(spread_of(dataset, rows, o).mean);
    return text;
  }
  const std::vector<std::int64_t> counts = data::class_mix(dataset, rows).counts;
  if (dataset.target.kind != TargetKind::aspects) return joined_counts(counts);
  std::vector<std::int64_t> classes(dataset.target.classes.size(), 0);
  for (std::size_t i = 0; i < counts.size(); ++i) classes[i % classes.size()] += counts[i];
  return joined_counts(classes);
}

std::size_t different(const data::Column& column) {
  return std::set<std::string_view>(column.values.begin(), column.values.end()).size();
}

ModalityFacts modality_facts(const data::Modality& modality) {
  ModalityFacts facts;
  facts.missing_values = std::count_if(modality.values.begin(), modality.values.end(),
                                       [](double value) { return std::isnan(value); });
  facts.absent_rows = std::count(modality.present.begin(), modality.present.end(), 0);
  return facts;
}

std::vector<TrialCounts> trial_counts(const Plan& plan) {
  std::vector<TrialCounts> counts(plan.experiments.size());
  for (const results::Cell& cell : plan.file.cells) ++counts[cell.experiment].cells;
  for (const PlannedTrial& trial : plan.trials) {
    ++counts[trial.experiment].trials;
    counts[trial.experiment].seconds += trial.cost;
  }
  return counts;
}

}  // namespace emosweep::launcher
