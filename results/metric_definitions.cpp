// What the metrics of each kind of target are, in one line each.
#include <span>

#include "base/error.h"
#include "results/metrics.h"

namespace emosweep::results {
namespace {

struct Definition {
  const char *name, *text;
};

constexpr Definition kSingle[] = {
    {"accuracy", "share of rows whose predicted class is the true one"},
    {"macro_f1", "mean over all classes of 2TP/(2TP+FP+FN), 0/0 counted as 0"},
    {"weighted_f1",
     "mean over all classes of 2TP/(2TP+FP+FN), weighted by true counts, 0/0 counted as 0"},
    {"micro_f1", "2TP/(2TP+FP+FN) of the counts summed over classes"},
    {"macro_f1_occurring",
     "mean of 2TP/(2TP+FP+FN) over the classes that are true or predicted somewhere"},
    {"f1_of_means",
     "2PR/(P+R) of precision and recall averaged over all classes, 0/0 counted as 0"},
    {"uar", "unweighted average recall: mean recall over the classes that occur"},
    {"mcc",
     "multi-class Matthews correlation (Gorodkin 2004), 0 where truth or prediction is one "
     "class only"},
    {"kappa",
     "Cohen's kappa, unweighted; undefined where truth and prediction are the same one class"},
    {"kappa_quadratic", "Cohen's kappa with squared distances as weights, for ordered classes"},
};

constexpr Definition kMulti[] = {
    {"accuracy", "share of (row, label) cells that are right: 1 - Hamming loss"},
    {"macro_f1",
     "mean over all labels of 2TP/(2TP+FP+FN) of the label's presence, 0/0 counted as 0"},
    {"weighted_f1",
     "mean over all labels of 2TP/(2TP+FP+FN) of the label's presence, weighted by the rows that "
     "have it, 0/0 counted as 0"},
    {"micro_f1", "2TP/(2TP+FP+FN) of the counts summed over labels, 0/0 counted as 0"},
    {"subset_accuracy", "share of rows all of whose labels are right"},
    {"jaccard", "mean over rows of |true and predicted| / |true or predicted|, 0/0 counted as 0"},
};

constexpr Definition kAspects[] = {
    {"accuracy", "share of known (row, aspect) cells whose predicted class is the true one"},
    {"macro_f1",
     "mean over the aspects with known rows of macro-F1: the mean over all classes of "
     "2TP/(2TP+FP+FN), 0/0 counted as 0"},
    {"weighted_f1",
     "mean over the aspects with known rows of weighted F1: the mean over all classes of "
     "2TP/(2TP+FP+FN) weighted by true counts, 0/0 counted as 0"},
    {"uar",
     "mean over the aspects with known rows of unweighted average recall, over the classes "
     "that occur"},
};

constexpr Definition kRegression[] = {
    {"mae", "mean absolute error; of several values the mean over them"},
    {"rmse", "root of the mean squared error; of several values the mean over them"},
    {"pearson",
     "Pearson's correlation, undefined where truth or prediction is constant; of several "
     "values the mean over them"},
    {"ccc",
     "Lin's concordance correlation (1989), 2 cov / (var + var + squared difference of means); of "
     "several values the mean over them"},
};

std::span<const Definition> definitions_of(TargetKind kind) {
  switch (kind) {
    case TargetKind::multi:
      return kMulti;
    case TargetKind::aspects:
      return kAspects;
    case TargetKind::regression:
      return kRegression;
    case TargetKind::single:
      break;
  }
  return kSingle;
}

}  // namespace

std::string metric_definition(const std::string& name, TargetKind kind) {
  if (name == "loss") return "mean value of the training objective";
  std::string known;
  for (const Definition& definition : definitions_of(kind)) {
    if (name == definition.name) return definition.text;
    known += std::string(definition.name) + ", ";
  }
  known.resize(known.size() - 2);
  const std::string of =
      kind == TargetKind::single ? "" : std::string(" of ") + target_kind_name(kind) + " targets";
  throw InputError("no metric" + of + " is called '" + name + "': " + known + " or loss");
}

}  // namespace emosweep::results
