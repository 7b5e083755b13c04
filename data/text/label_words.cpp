#include "data/text/label_words.h"

#include <cmath>
#include <set>

#include "data/description_reader.h"
#include "data/text/bert_words.h"

namespace emosweep::data {
namespace {

constexpr std::int64_t kLeastTexts = 20;
constexpr double kLeastShare = .2, kTimes = 3;

std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

}  // namespace

std::vector<std::string> label_words(const Dataset& dataset,
                                     std::span<const std::string* const> texts) {
  if (dataset.target.kind != TargetKind::single) return {};
  const std::vector<std::string>& classes = dataset.target.classes;
  std::set<std::string> wanted;
  std::vector<std::vector<std::string>> of_class(classes.size());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (const std::string& word : bert_words(classes[c], {})) {
      if (word.size() < 3) continue;
      of_class[c].push_back(word);
      wanted.insert(word);
    }
  }
  // How often each word stands in the texts of each class; a text counts once.
  std::map<std::string, std::vector<std::int64_t>> found;
  for (const std::string& word : wanted) found[word].assign(classes.size(), 0);
  std::vector<std::int64_t> rows(classes.size(), 0);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto c = static_cast<std::size_t>(dataset.label[i]);
    ++rows[c];
    std::set<std::string> here;
    for (std::string& word : bert_words(*texts[i], {})) {
      if (wanted.contains(word)) here.insert(std::move(word));
    }
    for (const std::string& word : here) ++found[word][c];
  }
  std::vector<std::string> sentences;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (rows[c] < kLeastTexts) continue;
    for (const std::string& word : of_class[c]) {
      const std::vector<std::int64_t>& count = found[word];
      std::int64_t others = -count[c];
      for (const std::int64_t n : count) others += n;
      const double own = static_cast<double>(count[c]) / static_cast<double>(rows[c]);
      const double rest = static_cast<double>(others) /
                          std::max(1.0, static_cast<double>(std::ssize(texts) - rows[c]));
      if (own < kLeastShare || own < kTimes * rest) continue;
      sentences.push_back(percent(own) + " of the texts of class " + in_quotes(classes[c]) +
                          " hold the word " + in_quotes(word) + ", " + percent(rest) +
                          " of the others");
    }
  }
  return sentences;
}

}  // namespace emosweep::data
