#include "data/audio/audio_description.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/canonical.h"

namespace emosweep::data {
namespace {

class AudioReader {
 public:
  AudioReader(const Node& modality, NodeReader& read) : modality_(modality), read_(read) {}

  const Entry* find(const char* key) const { return modality_.find(key); }

  void whole(const char* key, std::int64_t& value) {
    const Entry* entry = find(key);
    if (entry == nullptr) return;
    if (const auto found = integer(entry->value))
      value = *found;
    else
      read_.mistake(entry->value.place, std::string(key) + " is not a whole number");
  }

  void real(const char* key, double& value, double least, double most) {
    const Entry* entry = find(key);
    if (entry == nullptr) return;
    const auto found = number(entry->value);
    if (found && *found >= least && *found <= most)
      value = *found;
    else
      read_.mistake(entry->value.place, std::string(key) + " is not a number from " +
                                            number_text(least) + " to " + number_text(most));
  }

  void flag(const char* key, bool& value) {
    const Entry* entry = find(key);
    if (entry == nullptr) return;
    if (const auto found = boolean(entry->value))
      value = *found;
    else
      read_.mistake(entry->value.place, std::string(key) + " is neither true nor false");
  }

  // `last`: what the action is called that uses the recording all the same; "" = there is none.
  void action(const char* key, const char* last, ClipAction& value) {
    const Entry* entry = find(key);
    if (entry == nullptr) return;
    std::vector<std::string> names{"error", "missing", "skip"};
    if (*last != '\0') names.emplace_back(last);
    if (const auto chosen = read_.choice(entry->value, key, names))
      value = static_cast<ClipAction>(*chosen);
  }

  // A list of different numbers, ascending; one alone counts as a list.
  std::vector<double> numbers(const char* key, double least, double most, bool integers) {
    const Node& node = find(key)->value;
    std::set<double> found;
    const auto add = [&](const Node& item) {
      const auto value = number(item);
      const bool good =
          value && *value >= least && *value <= most && (!integers || *value == std::floor(*value));
      if (!good)
        read_.mistake(item.place, std::string(key) + " holds what is not a " +
                                      (integers ? "whole number" : "number") + " from " +
                                      number_text(least) + " to " + number_text(most));
      else if (!found.insert(*value).second)
        read_.mistake(item.place, std::string(key) + " holds " + number_text(*value) + " twice");
    };
    if (node.kind == Node::Kind::list)
      for (const Node& item : node.items) add(item);
    else
      add(node);
    return {found.begin(), found.end()};
  }

 private:
  const Node& modality_;
  NodeReader& read_;
};

void read_policy(AudioReader& in, ClipPolicy& policy) {
  in.action("missing_file", "", policy.missing_file);
  in.action("unreadable", "", policy.unreadable);
  in.action("too_short", "keep", policy.too_short);
  in.action("too_long", "cut", policy.too_long);
  in.action("silent", "keep", policy.silent);
  in.real("min_seconds", policy.min_seconds, 0, kLongest);
  in.real("max_seconds", policy.max_seconds, .01, kLongest);
  in.real("silence_db", policy.silence_db, -200, 0);
}

}  // namespace

AudioOptions read_audio(const Node& modality, const std::string& owner, bool statistics,
                        NodeReader& read) {
  std::vector<std::string> keys{"kind",        "column",      "sr",         "n_mels",
                                "n_fft",       "hop_length",  "f_min",      "f_max",
                                "min_seconds", "max_seconds", "silence_db", "missing_file",
                                "unreadable",  "too_short",   "too_long",   "silent"};
  const std::vector<std::string> own =
      statistics ? std::vector<std::string>{"percentiles", "deltas"}
                 : std::vector<std::string>{"seconds", "top_db", "standardise"};
  keys.insert(keys.end(), own.begin(), own.end());
  read.keys(modality, owner, keys, {"where"});
  AudioOptions options;
  AudioReader in(modality, read);
  in.whole("sr", options.front_end.sr);
  in.whole("n_mels", options.front_end.n_mels);
  in.whole("n_fft", options.front_end.n_fft);
  in.whole("hop_length", options.front_end.hop_length);
  in.real("f_min", options.front_end.f_min, 0, 96'000);
  in.real("f_max", options.front_end.f_max, 0, 96'000);
  if (const std::string why = why_not(options.front_end); !why.empty())
    read.mistake(modality.place, owner + ": " + why);
  in.real("seconds", options.window.seconds, .01, kLongest);
  in.real("top_db", options.window.top_db, 1, 200);
  in.flag("standardise", options.window.standardise);
  if (statistics && in.find("percentiles") != nullptr)
    options.statistics.percentiles = in.numbers("percentiles", 0, 100, false);
  if (statistics && in.find("deltas") != nullptr) {
    options.statistics.deltas.clear();
    for (const double delta : in.numbers("deltas", 1, 10'000, true))
      options.statistics.deltas.push_back(static_cast<std::int64_t>(delta));
  }
  read_policy(in, options.policy);
  if (options.policy.min_seconds > options.policy.max_seconds)
    read.mistake(modality.place, owner + ": min_seconds is more than max_seconds");
  return options;
}

}  // namespace emosweep::data
