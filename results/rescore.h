// Scores of predictions that a report made from records. Private to results/.
#pragma once

#include "results/record.h"

namespace emosweep::results {

// Metrics of the target's predictions and, where it has probabilities, their log loss ("loss");
// their counts are left in target.confusion.
NamedValues rescore(TargetResult& target);

}  // namespace emosweep::results
