#include "data/audio/audio_options.h"

#include <cstdio>

#include "base/canonical.h"
#include "base/hash.h"

namespace emosweep::data {

std::string identity_text(const AudioOptions& o, bool statistics) {
  const ClipPolicy& p = o.policy;
  const auto action = [](ClipAction a) { return number_text(static_cast<std::int64_t>(a)); };
  std::map<std::string, std::string> lines{{"front_end", identity_text(o.front_end)},
                                           {"missing_file", action(p.missing_file)},
                                           {"unreadable", action(p.unreadable)},
                                           {"too_short", action(p.too_short)},
                                           {"too_long", action(p.too_long)},
                                           {"silent", action(p.silent)},
                                           {"min_seconds", number_text(p.min_seconds)},
                                           {"max_seconds", number_text(p.max_seconds)},
                                           {"silence_db", number_text(p.silence_db)}};
  if (statistics) {
    lines["statistics"] = identity_text(o.statistics);
  } else {
    lines["seconds"] = number_text(o.window.seconds);
    lines["top_db"] = number_text(o.window.top_db);
    lines["standardise"] = o.window.standardise ? "true" : "false";
  }
  return canonical_text(lines);
}

std::vector<std::string> statistic_columns(const AudioOptions& o) {
  const std::string print =
      sha256(identity_text(o.front_end) + identity_text(o.statistics)).hex().substr(0, 6);
  std::vector<std::string> columns;
  for (const std::string& name : statistic_names(o.statistics))
    for (std::int64_t m = 0; m < o.front_end.n_mels; ++m) {
      char mel[24];
      std::snprintf(mel, sizeof mel, "mel%02d_", static_cast<int>(m));
      columns.push_back(std::string(mel).append(name).append("@").append(print));
    }
  return columns;
}

}  // namespace emosweep::data
