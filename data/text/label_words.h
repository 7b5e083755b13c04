// Whether texts say what their label is called. Internal to data/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace emosweep::data {

// One sentence for every class whose name's words (of three letters and more) stand in at least a
// fifth of its texts, and at least three times as often as in the texts of the other classes: then
// a column may have been written with the label in view. Classes of fewer than 20 texts are passed
// over, and targets of other kinds. texts: one a row of the dataset.
std::vector<std::string> label_words(const Dataset& dataset,
                                     std::span<const std::string* const> texts);

}  // namespace emosweep::data
