// Records and folders of labels, aspects and values for the tests of results/. Predictions, counts
// and metrics agree with each other; values come from a small generator, not from a model.
#pragma once

#include "example.h"
#include "results/multi_label.h"

namespace emosweep::results {

inline TargetSpec make_spec(TargetKind kind) {
  switch (kind) {
    case TargetKind::multi:
      return {"emotions", kind, {"joy", "anger", "fear & awe", "nothing"}, {}};
    case TargetKind::aspects:
      return {"aspects", kind, {"food", "staff", "price"}, {"negative", "neutral", "positive"}};
    case TargetKind::regression:
      return {"affect", kind, {"valence", "arousal"}, {}};
    case TargetKind::single:
      break;
  }
  return {"emotion", kind, {}, class_names(3)};
}

// Of n test rows from `first` on: the truth is the row's, whoever predicts it; predictions hit most
// of it.
inline TargetResult make_target(const TargetSpec& spec, std::int64_t n, std::int64_t first,
                                Numbers& numbers) {
  TargetResult target;
  target.spec = spec;
  const auto o = static_cast<std::size_t>(target_outputs(spec)),
             c = static_cast<std::size_t>(block_classes(spec));
  const bool multi = spec.kind == TargetKind::multi;
  Confusion confusion(spec);
  if (multi) target.thresholds = {0.5, 0.25, 0.625, 0.5};
  for (std::int64_t i = 0; i < n; ++i) {
    target.sample.push_back(first + i);
    Numbers own(static_cast<std::uint64_t>(first + i) * 2654435761u + 7);
    for (std::size_t k = 0; k < o; ++k) {
      if (spec.kind == TargetKind::regression) {
        const double truth = 2 * own.unit() - 1;
        target.true_value.push_back(truth);
        target.predicted_value.push_back(0.7 * truth + 0.4 * numbers.unit());
        continue;
      }
      const bool unknown = spec.kind == TargetKind::aspects && own.unit() < 0.3;
      const auto truth = multi ? static_cast<std::int32_t>(k + 1 < o && own.unit() < 0.4)
                               : static_cast<std::int32_t>(own.next() % c);
      std::int32_t predicted = 0;
      if (multi) {
        const float p = static_cast<float>(0.55 * truth + 0.45 * numbers.unit());
        target.probability.push_back(p);
        predicted = static_cast<double>(p) >= target.thresholds[k];
      } else {
        std::vector<float> row(c);
        float sum = 0;
        for (auto& p : row) p = static_cast<float>(numbers.unit()) + 0.01f;
        row[static_cast<std::size_t>(truth)] += 0.5f;
        for (const auto p : row) sum += p;
        for (auto& p : row) p /= sum;
        predicted =
            static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
        target.probability.insert(target.probability.end(), row.begin(), row.end());
      }
      target.truth.push_back(unknown ? -1 : truth);
      target.predicted.push_back(predicted);
      if (!unknown) confusion.add_to(static_cast<std::int64_t>(k), truth, predicted);
    }
  }
  target.confusion = confusion.counts;
  for (std::size_t k = 0; spec.kind == TargetKind::regression && k < o; ++k)
    target.train_mean.push_back(.25 - .125 * static_cast<double>(k));
  for (std::int64_t b = 0; b < target_blocks(spec); ++b) {
    for (std::int64_t k = 0; k < block_classes(spec); ++k) {
      target.train_counts.push_back(multi ? (k == 0 ? 70 - 10 * b : 30 + 10 * b) : 20 + 7 * k + b);
    }
  }
  return target;
}

// Counted from the predictions themselves.
inline Confusion counted(const TargetResult& target) {
  Confusion confusion(target.spec);
  const auto o = static_cast<std::size_t>(target_outputs(target.spec));
  for (std::size_t i = 0; i < target.sample.size() * o; ++i) {
    const auto block = static_cast<std::int64_t>(i % o);
    if (target.spec.kind == TargetKind::regression) {
      confusion.add_value(block, target.true_value[i], target.predicted_value[i]);
    } else if (target.truth[i] >= 0) {
      confusion.add_to(block, target.truth[i], target.predicted[i]);
    }
  }
  return confusion;
}

inline NamedValues metrics_of_target(const TargetResult& target) {
  NamedValues named = named_scores(counted(target));
  if (target.spec.kind == TargetKind::multi) {
    const auto rows = row_scores(target.truth, target.predicted, target_outputs(target.spec));
    named.emplace_back("subset_accuracy", rows.subset_accuracy);
    named.emplace_back("jaccard", rows.jaccard);
  }
  return named;
}

inline TrialRecord make_record(const std::string& name, const TargetSpec& spec, const Sizes& sizes,
                               std::int64_t first_sample) {
  TrialRecord record = make_record(name, Sizes{sizes.rows, 3, sizes.epochs}, first_sample);
  Numbers numbers(record.id.bytes[3] * 65536u + record.id.bytes[4] * 256u + record.id.bytes[5]);
  Outcome& result = record.result;
  TargetResult& target = result.targets[0];
  target = make_target(spec, sizes.rows, first_sample, numbers);
  result.test = metrics_of_target(target);
  result.test.emplace_back("loss", numbers.unit());
  if (spec.kind == TargetKind::regression) return record;
  const TargetResult validated = make_target(spec, 8, 0, numbers);
  target.validation = {validated.sample, validated.truth, validated.probability};
  return record;
}

// The example folder with one experiment more a kind: "Labels", "Aspects" and "Values", each of a
// grid of two.
inline Example make_targets_example(const ExampleSizes& sizes = {}) {
  Example example = make_example(sizes);
  for (const auto kind : {TargetKind::multi, TargetKind::aspects, TargetKind::regression}) {
    PlannedExperiment planned = example.plan.experiments[1];
    const TargetSpec spec = make_spec(kind);
    planned.name = kind == TargetKind::multi     ? "Labels"
                   : kind == TargetKind::aspects ? "Aspects"
                                                 : "Values";
    planned.resolved = "name: " + planned.name + "\n";
    planned.kind = kind;
    planned.classes = spec.classes;
    planned.outputs = spec.outputs;
    const auto e = static_cast<std::uint32_t>(example.plan.experiments.size());
    example.plan.experiments.push_back(planned);
    for (std::uint32_t c = 0; c < 2; ++c) {
      for (std::int64_t s = 1; s <= sizes.seeds; ++s) {
        for (std::int64_t f = 1; f <= sizes.folds; ++f) {
          const std::string fold = "actor " + std::to_string(f);
          const TrialRecord record =
              make_record(planned.name + std::to_string(c) + " seed " + std::to_string(s) + fold,
                          spec, {sizes.rows, 3, sizes.epochs}, (f - 1) * sizes.rows);
          example.plan.cells.push_back(
              {record.id, e, c, static_cast<std::uint64_t>(s), fold, fold});
          example.records.push_back(record);
        }
      }
    }
  }
  return example;
}

}  // namespace emosweep::results
