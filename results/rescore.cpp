#include "results/rescore.h"

#include "results/counting.h"
#include "results/metrics.h"
#include "results/mixture.h"
#include "results/multi_label.h"

namespace emosweep::results {

NamedValues rescore(TargetResult& target) {
  const Confusion confusion = count_rows_of(target);
  target.confusion = confusion.counts;
  NamedValues metrics = named_scores(confusion);
  if (target.spec.kind == TargetKind::multi) {
    const auto rows = row_scores(target.truth, target.predicted, target_outputs(target.spec));
    metrics.emplace_back("subset_accuracy", rows.subset_accuracy);
    metrics.emplace_back("jaccard", rows.jaccard);
  }
  if (target.spec.kind == TargetKind::regression) return metrics;
  metrics.emplace_back(
      "loss", log_loss(probability_of_truth(target.spec, target.probability, target.truth)));
  return metrics;
}

}  // namespace emosweep::results
