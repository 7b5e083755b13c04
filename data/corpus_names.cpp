// What the official file names of corpora say.
#include <array>
#include <map>

#include "data/corpora.h"

namespace emosweep::data {
namespace {

bool digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// positive: happy, calm, surprised; negative: sad, angry, fearful, disgust and boredom.
std::string sentiment_of(const std::string& emotion) {
  static const std::map<std::string, std::string> known{
      {"neutral", "neutral"},    {"calm", "positive"},    {"happy", "positive"},
      {"surprised", "positive"}, {"sad", "negative"},     {"angry", "negative"},
      {"fearful", "negative"},   {"disgust", "negative"}, {"bored", "negative"}};
  return known.at(emotion);
}

}  // namespace

// 03-01-06-01-02-01-12: modality, channel, emotion, intensity, statement, repetition, actor
// (doi:10.5281/zenodo.1188976).
std::vector<NamedField> ravdess_fields(const std::string& stem, std::string& why) {
  why = "RAVDESS names are seven numbers of two digits, such as 03-01-06-01-02-01-12";
  if (stem.size() != 20) return {};
  std::array<int, 7> part{};
  for (std::size_t i = 0; i < part.size(); ++i) {
    const std::string number = stem.substr(3 * i, 2);
    if (!digits(number) || (i < 6 && stem[3 * i + 2] != '-')) return {};
    part[i] = std::stoi(number);
  }
  const std::array most{3, 2, 8, 2, 2, 2, 24};
  const std::array<const char*, 7> names{"modality",  "channel",    "emotion", "intensity",
                                         "statement", "repetition", "actor"};
  for (std::size_t i = 0; i < part.size(); ++i)
    if (part[i] < 1 || part[i] > most[i]) {
      why = "RAVDESS has no " + std::string(names[i]) + " " + stem.substr(3 * i, 2);
      return {};
    }
  if (part[0] == 2) {
    why = "modality 02 is video without sound";
    return {};
  }
  const std::array emotions{"neutral", "calm",    "happy",   "sad",
                            "angry",   "fearful", "disgust", "surprised"};
  const std::string emotion = emotions.at(static_cast<std::size_t>(part[2] - 1));
  why.clear();
  return {{"clip", stem},
          {"actor", std::to_string(part[6])},
          {"gender", part[6] % 2 == 1 ? "male" : "female"},
          {"emotion", emotion},
          {"sentiment", sentiment_of(emotion)},
          {"intensity", part[3] == 1 ? "normal" : "strong"},
          {"statement", stem.substr(12, 2)},
          {"repetition", stem.substr(15, 2)},
          {"channel", part[1] == 1 ? "speech" : "song"}};
}

// 03a01Fa: speaker, text, emotion (the German word's letter), version (Burkhardt et al. 2005).
std::vector<NamedField> emodb_fields(const std::string& stem, std::string& why) {
  static const std::map<char, std::string> emotions{
      {'W', "angry"}, {'L', "bored"}, {'E', "disgust"}, {'A', "fearful"},
      {'F', "happy"}, {'T', "sad"},   {'N', "neutral"}};
  static const std::map<std::string, std::string> genders{
      {"03", "male"}, {"08", "female"}, {"09", "female"}, {"10", "male"}, {"11", "male"},
      {"12", "male"}, {"13", "female"}, {"14", "female"}, {"15", "male"}, {"16", "female"}};
  why = "EmoDB names are speaker, text, emotion and version, such as 03a01Fa";
  if (stem.size() != 7 || (stem[2] != 'a' && stem[2] != 'b') || !digits(stem.substr(3, 2)) ||
      stem[6] < 'a' || stem[6] > 'z')
    return {};
  const auto gender = genders.find(stem.substr(0, 2));
  const auto emotion = emotions.find(stem[5]);
  if (gender == genders.end() || emotion == emotions.end()) {
    why = gender == genders.end() ? "EmoDB has no speaker " + stem.substr(0, 2)
                                  : "EmoDB has no emotion " + stem.substr(5, 1);
    return {};
  }
  why.clear();
  return {{"clip", stem},
          {"actor", gender->first},
          {"gender", gender->second},
          {"emotion", emotion->second},
          {"sentiment", sentiment_of(emotion->second)},
          {"statement", stem.substr(2, 3)},
          {"version", stem.substr(6, 1)}};
}

}  // namespace emosweep::data
