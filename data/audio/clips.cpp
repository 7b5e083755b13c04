#include "data/audio/clips.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace emosweep::data {

const char* trouble_name(ClipTrouble trouble) {
  constexpr std::array names{"none",      "missing_file", "unreadable",
                             "too_short", "too_long",     "silent"};
  return names.at(static_cast<std::size_t>(trouble));
}

ClipTrouble trouble_of(const ClipInfo& info, const ClipPolicy& policy) {
  if (!info.problem.empty()) return ClipTrouble::unreadable;
  if (info.seconds < policy.min_seconds) return ClipTrouble::too_short;
  if (info.cut) return ClipTrouble::too_long;
  if (info.peak <= std::pow(10, policy.silence_db / 20)) return ClipTrouble::silent;
  return ClipTrouble::none;
}

ClipAction action_of(ClipTrouble trouble, const ClipPolicy& policy) {
  switch (trouble) {
    case ClipTrouble::none:
      return ClipAction::keep;
    case ClipTrouble::missing_file:
      return policy.missing_file;
    case ClipTrouble::unreadable:
      return policy.unreadable;
    case ClipTrouble::too_short:
      return policy.too_short;
    case ClipTrouble::too_long:
      return policy.too_long;
    case ClipTrouble::silent:
      return policy.silent;
  }
  return ClipAction::error;
}

std::string clips_text(const Clips& clips) {
  std::vector<double> seconds;
  std::map<int, std::int64_t> rates, channels;
  for (const std::int32_t clip : clips.clip) {
    if (clip < 0) continue;
    const ClipInfo& info = clips.store->info(clip);
    seconds.push_back(info.seconds);
    ++rates[info.rate];
    ++channels[info.channels];
  }
  if (seconds.empty()) return "no recordings";
  std::sort(seconds.begin(), seconds.end());
  double all = 0;
  for (const double s : seconds) all += s;
  char text[160];
  std::snprintf(text, sizeof text,
                "%zu recordings of %.3g to %.3g s (median %.3g), %.4g min in all", seconds.size(),
                seconds.front(), seconds.back(), seconds[seconds.size() / 2], all / 60);
  std::string out = text;
  const auto add = [&out](const std::map<int, std::int64_t>& counts, const char* unit) {
    out += "; ";
    std::size_t shown = 0;
    for (const auto& [value, count] : counts) {
      if (shown == 6) {
        out += ", ...";
        break;
      }
      out += (shown++ > 0 ? ", " : "") + std::to_string(value) + unit;
      if (counts.size() > 1) out += " (" + std::to_string(count) + ")";
    }
  };
  add(rates, " Hz");
  add(channels, channels.size() == 1 && channels.begin()->first == 1 ? " channel" : " channels");
  for (std::size_t t = 1; t < clips.troubles.size(); ++t)
    if (clips.troubles[t] > 0)
      out += "; " + std::string(trouble_name(static_cast<ClipTrouble>(t))) + ": " +
             std::to_string(clips.troubles[t]);
  return out;
}

}  // namespace emosweep::data
