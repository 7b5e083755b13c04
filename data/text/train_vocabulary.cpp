#include "data/text/train_vocabulary.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>

#include "base/error.h"

namespace emosweep::data {
namespace {

using Pieces = std::vector<std::int32_t>;
using Pair = std::pair<std::int32_t, std::int32_t>;

struct Word {
  Pieces pieces;
  std::int64_t count = 0;
};

struct PairHash {
  std::size_t operator()(const Pair& pair) const {
    return static_cast<std::size_t>(pair.first) * 0x9E3779B97F4A7C15ull +
           static_cast<std::size_t>(pair.second);
  }
};

std::map<std::string, std::int64_t> counted_words(const std::vector<std::string>& texts,
                                                  const BertTextOptions& options) {
  std::map<std::string, std::int64_t> count;
  for (const std::string& text : texts) {
    for (std::string& word : bert_words(text, options)) ++count[std::move(word)];
  }
  return count;
}

// A word's characters, those behind the first with ##.
std::vector<std::string> characters(const std::string& word) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < word.size();) {
    std::size_t end = at + 1;
    while (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0) == 0x80) ++end;
    out.push_back((at == 0 ? "" : "##") + word.substr(at, end - at));
    at = end;
  }
  return out;
}

class Merger {
 public:
  Merger(const std::map<std::string, std::int64_t>& words, const VocabularyOptions& options)
      : pieces_{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, options_(options) {
    add_characters(words);
    for (const auto& [word, count] : words) {
      Word one{{}, count};
      for (const std::string& character : characters(word)) {
        const auto found = id_.find(character);
        if (found == id_.end()) break;
        one.pieces.push_back(found->second);
      }
      if (one.pieces.size() == characters(word).size()) words_.push_back(std::move(one));
    }
    for (std::size_t w = 0; w < words_.size(); ++w) count_word(w, 1);
    for (const auto& [pair, n] : counts_) offer(pair);
  }

  std::vector<std::string> run() {
    while (std::ssize(pieces_) < options_.size && !queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const auto now = counts_.find(best.pair);
      if (now == counts_.end() || now->second != best.count) continue;  // an older count
      merge(best.pair, best.piece);
    }
    return pieces_;
  }

 private:
  struct Candidate {
    std::int64_t count;
    std::string piece;
    Pair pair;
    bool operator<(const Candidate& other) const {  // the largest is the next
      if (count != other.count) return count < other.count;
      return piece != other.piece ? piece > other.piece : pair > other.pair;
    }
  };

  void add_characters(const std::map<std::string, std::int64_t>& words) {
    std::map<std::string, std::int64_t> count;
    for (const auto& [word, n] : words) {
      for (const std::string& character : characters(word)) count[character] += n;
    }
    std::vector<std::pair<std::int64_t, std::string>> all;
    for (const auto& [character, n] : count) {
      if (n >= options_.least_count) all.emplace_back(-n, character);
    }
    std::sort(all.begin(), all.end());
    const auto room = static_cast<std::size_t>(options_.size) - pieces_.size();
    if (all.size() > room) all.resize(room);
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.second < b.second; });
    for (const auto& [n, character] : all) add(character);
  }
  std::int32_t add(const std::string& piece) {
    const auto id = static_cast<std::int32_t>(pieces_.size());
    const auto [place, fresh] = id_.emplace(piece, id);
    if (fresh) pieces_.push_back(piece);
    return place->second;
  }
  std::string joined(const Pair& pair) const {
    const std::string& second = pieces_[static_cast<std::size_t>(pair.second)];
    return pieces_[static_cast<std::size_t>(pair.first)] + second.substr(2);  // without its ##
  }
  void offer(const Pair& pair) {
    const std::int64_t count = counts_[pair];
    if (count >= options_.least_count) queue_.push({count, joined(pair), pair});
  }
  // sign: 1 adds the word's pairs, -1 takes them away.
  void count_word(std::size_t w, int sign) {
    const Word& word = words_[w];
    for (std::size_t i = 0; i + 1 < word.pieces.size(); ++i) {
      const Pair pair{word.pieces[i], word.pieces[i + 1]};
      counts_[pair] += sign * word.count;
      changed_.insert(pair);
      if (sign > 0) of_pair_[pair].insert(w);
    }
  }
  void merge(const Pair& pair, const std::string& piece) {
    const std::int32_t id = add(piece);
    changed_.clear();
    const std::set<std::size_t> words = std::move(of_pair_[pair]);
    of_pair_.erase(pair);
    for (const std::size_t w : words) {
      count_word(w, -1);
      Pieces merged;
      const Pieces& old = words_[w].pieces;
      for (std::size_t i = 0; i < old.size(); ++i) {
        const bool here = i + 1 < old.size() && old[i] == pair.first && old[i + 1] == pair.second;
        merged.push_back(here ? id : old[i]);
        i += here ? 1 : 0;
      }
      words_[w].pieces = std::move(merged);
      count_word(w, 1);
    }
    for (const Pair& other : changed_) {
      if (counts_[other] == 0) {
        counts_.erase(other);
      } else {
        offer(other);
      }
    }
  }

  std::vector<std::string> pieces_;
  VocabularyOptions options_;
  std::unordered_map<std::string, std::int32_t> id_;
  std::vector<Word> words_;
  std::unordered_map<Pair, std::int64_t, PairHash> counts_;
  std::unordered_map<Pair, std::set<std::size_t>, PairHash> of_pair_;  // words that held it
  std::set<Pair> changed_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

std::vector<std::string> train_vocabulary(const std::vector<std::string>& texts,
                                          const VocabularyOptions& options) {
  if (options.size < 6 || options.least_count < 1)
    throw InputError(
        "a vocabulary has at least 6 pieces, of things that are counted at least once");
  return Merger(counted_words(texts, options.text), options).run();
}

}  // namespace emosweep::data
