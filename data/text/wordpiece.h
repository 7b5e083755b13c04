// WordPiece (Schuster and Nakajima 2012, as BERT uses it): words cut into the longest pieces that a
// vocabulary has.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/text/bert_words.h"

namespace emosweep::data {

// Immutable after loading, thread-safe. The ids are those of Hugging Face's `tokenizers`.
class WordPiece {
 public:
  // A folder as Hugging Face has it: tokenizer.json of kind WordPiece with BERT's normalizer, or
  // vocab.txt with tokenizer_config.json (lower-casing where that says nothing). InputError names
  // the file and what is wrong with it: another kind of tokenizer, a special token that is missing,
  // ids with holes or given twice.
  static WordPiece load(const std::filesystem::path& folder);
  // From the text of such files; `file` is for messages.
  static WordPiece from_vocabulary(const std::string& text, const BertTextOptions& options,
                                   const std::string& file);
  static WordPiece from_json(const std::string& text, const std::string& file);

  // What from_json reads.
  std::string json() const;

  // [CLS] pieces [SEP], at most max_length >= 2 of them: the end of longer texts is cut. Special
  // tokens that stand in the text, such as [MASK], are read as such.
  std::vector<std::int32_t> encode(std::string_view utf8, std::int64_t max_length) const;

  std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
  std::int32_t pad() const { return pad_; }
  const std::string& piece(std::int32_t id) const { return pieces_[static_cast<std::size_t>(id)]; }

 private:
  void finish(const std::string& file);
  void add_word(const std::string& word, std::vector<std::int32_t>& ids) const;
  void add_text(std::string_view text, std::size_t most, std::vector<std::int32_t>& ids) const;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  BertTextOptions options_;
  std::vector<std::string> pieces_;  // by id
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> id_;
  std::string unknown_token_ = "[UNK]", continuation_ = "##";
  std::size_t longest_word_ = 100;  // in characters; longer ones are unknown
  std::size_t longest_piece_ = 1;   // in bytes
  std::int32_t unknown_ = 0, begin_ = 0, end_ = 0, pad_ = 0;
  std::vector<std::pair<std::string, std::int32_t>> special_;  // found in texts as they stand
};

}  // namespace emosweep::data
