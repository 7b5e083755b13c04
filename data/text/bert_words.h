// Text as BERT's tokenizers see it before their vocabulary: cleaned, normalised and cut into words.
// Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace emosweep::data {

struct BertTextOptions {
  bool lowercase = true;
  bool strip_accents = true;  // canonical decomposition, then marks without a width are left out
  bool chinese_characters = true;  // each CJK ideograph is a word
};

// What `tokenizers` calls BertNormalizer and BertPreTokenizer: control characters are left out and
// every white space is a space; then the options, in their order; words end at white space, and
// every punctuation character is a word. Bytes that are no UTF-8 become U+FFFD, which is left out.
std::vector<std::string> bert_words(std::string_view utf8, const BertTextOptions& options);

}  // namespace emosweep::data
