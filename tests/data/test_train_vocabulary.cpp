#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/philox.h"
#include "data/text/train_vocabulary.h"
#include "data/text/wordpiece.h"

namespace emosweep::data {
namespace {

using Strings = std::vector<std::string>;

// The definition, slowly: all pairs counted anew before every merge.
Strings slow(const std::map<std::string, std::int64_t>& words, std::size_t size,
             std::int64_t least) {
  std::map<std::string, std::int64_t> characters;
  std::vector<std::pair<Strings, std::int64_t>> split;
  for (const auto& [word, n] : words) {
    Strings parts;
    for (std::size_t i = 0; i < word.size(); ++i)
      parts.push_back((i == 0 ? "" : "##") + word.substr(i, 1));
    for (const std::string& part : parts) characters[part] += n;
    split.emplace_back(parts, n);
  }
  Strings pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const auto& [character, n] : characters) pieces.push_back(character);
  while (pieces.size() < size) {
    std::map<std::pair<std::string, std::string>, std::int64_t> pairs;
    for (const auto& [parts, n] : split) {
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) pairs[{parts[i], parts[i + 1]}] += n;
    }
    std::int64_t most = 0;
    std::string best;
    std::pair<std::string, std::string> which;
    for (const auto& [pair, n] : pairs) {
      const std::string piece = pair.first + pair.second.substr(2);
      if (n > most || (n == most && piece < best)) most = n, best = piece, which = pair;
    }
    if (most < least) break;
    if (std::find(pieces.begin(), pieces.end(), best) == pieces.end()) pieces.push_back(best);
    for (auto& [parts, n] : split) {
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i] != which.first || parts[i + 1] != which.second) continue;
        parts[i] = best;
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
  }
  return pieces;
}

TEST(TrainVocabulary, MergesWhatStandsTogetherMostOften) {
  Strings texts;
  std::map<std::string, std::int64_t> words;
  const StreamKey key = trial_key(1, "words");
  std::uint64_t drawn = 0;
  for (int t = 0; t < 400; ++t) {
    std::string word;
    for (std::uint64_t i = 0, n = 1 + uniform_index(key, 0, drawn++, 7); i < n; ++i)
      word += static_cast<char>('a' + uniform_index(key, 0, drawn++, 4));
    ++words[word];
    texts.push_back(word + " ");
  }
  VocabularyOptions options;
  for (const std::int64_t size : {20, 60, 150}) {
    options.size = size;
    EXPECT_EQ(train_vocabulary(texts, options), slow(words, static_cast<std::size_t>(size), 2))
        << size;
  }
  Strings turned(texts.rbegin(), texts.rend());
  EXPECT_EQ(train_vocabulary(turned, options), train_vocabulary(texts, options));
}

TEST(TrainVocabulary, MakesATokenizerThatKnowsItsTexts) {
  const Strings texts{"Pin tốt, máy đẹp", "pin yếu, máy chậm", "Pin tốt"};
  VocabularyOptions options;
  options.size = 200;
  options.least_count = 1;
  std::string lines;
  for (const std::string& piece : train_vocabulary(texts, options)) lines += piece + "\n";
  const WordPiece tokenizer = WordPiece::from_vocabulary(lines, options.text, "vocab.txt");
  for (const std::string& text : texts) {
    const auto ids = tokenizer.encode(text, 64);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 1), 0) << text;
  }
  EXPECT_EQ(tokenizer.encode("tốt", 64).size(), 3u) << "a whole word, accents kept";
  EXPECT_NE(tokenizer.encode("tôt", 64), tokenizer.encode("tốt", 64));
}

TEST(TrainVocabulary, RareCharactersMakeRoom) {
  VocabularyOptions options;
  options.size = 7;
  options.least_count = 1;
  const Strings pieces = train_vocabulary({"a a a b b c"}, options);
  EXPECT_EQ(pieces, (Strings{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"}));
}

}  // namespace
}  // namespace emosweep::data
