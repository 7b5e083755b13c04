// A modality of recordings as dataset.yaml describes it (kind: audio, kind: statistics).
#pragma once

#include <string>
#include <vector>

#include "data/audio/front_end.h"
#include "data/audio/statistics.h"
#include "data/audio/window.h"

namespace emosweep::data {

// What becomes of a sample whose recording is in trouble.
enum class ClipAction {
  error,    // the dataset is refused, with the row
  missing,  // the sample lacks this modality
  skip,     // the sample is left out of the dataset
  keep      // it is used: silent ones as they are, too long ones cut to max_seconds
};

struct ClipPolicy {
  ClipAction missing_file = ClipAction::error;  // there is no such file; error | missing | skip
  ClipAction unreadable = ClipAction::error;    // damaged, empty, not decodable; the same
  ClipAction too_short = ClipAction::error;     // all four
  ClipAction too_long = ClipAction::error;      // all four
  ClipAction silent = ClipAction::error;        // all four
  double min_seconds = .1;                      // too_short: less than this
  double max_seconds = 60;                      // too_long: more than this
  double silence_db = -60;                      // silent: no sample is louder; 0 dB is full scale
};

struct AudioOptions {
  FrontEndOptions front_end;
  WindowOptions window;          // kind: audio
  StatisticsOptions statistics;  // kind: statistics
  ClipPolicy policy;
};

// Of all that affects what the samples are. statistics: of which kind the modality is.
std::string identity_text(const AudioOptions& options, bool statistics);
// Column names of kind statistics: mel07_mean@3fa9c1, ... The part behind @ stands for the front
// end's and the statistics' options: a model that was trained on others has other columns.
std::vector<std::string> statistic_columns(const AudioOptions& options);

}  // namespace emosweep::data
