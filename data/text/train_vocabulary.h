// A WordPiece vocabulary learned from texts, for languages that no encoder is there for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/text/bert_words.h"

namespace emosweep::data {

struct VocabularyOptions {
  std::int64_t size = 8000;      // pieces at most, special tokens included
  std::int64_t least_count = 2;  // of a pair of pieces, or of a character, to become a piece
  BertTextOptions text{true, false, true};  // accents mean something in most languages
};

// The pieces by id: [PAD], [UNK], [CLS], [SEP], [MASK], the characters (those that continue a word
// begin with ##), then what byte pair encoding (Sennrich et al. 2016) merges within words: always
// the neighbours that stand together most often, the bytewise first of equals. Characters that are
// rarer than least_count are left out, the rarest first where `size` leaves no room for all: words
// that hold them are unknown. Pure; the same texts in any order give the same vocabulary.
std::vector<std::string> train_vocabulary(const std::vector<std::string>& texts,
                                          const VocabularyOptions& options);

}  // namespace emosweep::data
