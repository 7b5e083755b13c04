// A trained epoch of a network as a line of the log.
#pragma once

#include <string>
#include <vector>

#include "results/record.h"
#include "trainer/trial.h"

namespace emosweep::launcher {

// Of the last epoch of a trial's curves (trainer::LoopResult): "epoch 2, 41 s: train loss 0.61 =
// 0.7 x focal 0.33 (38 %) + 0.3 x contrastive 1.27 (62 %); validation loss 0.58, macro_f1
// 0.71". Percentages are shares of the sum; without several terms there is the loss alone,
// and without validation that is said; "refit, epoch 1, ..." of a refit.
std::string epoch_line(const trainer::ToldEpoch& epoch);
// Whether the loss of these curves has several terms.
bool has_terms(const std::vector<results::Curve>& curves);

}  // namespace emosweep::launcher
