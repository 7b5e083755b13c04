#include "data/text/bert_words.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "base/error.h"

namespace emosweep::data {
namespace {

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool ascii_punctuation(char32_t c) {
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
         (c >= 123 && c <= 126);
}

bool white(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || u_isUWhiteSpace(static_cast<UChar32>(c));
}

// What is not assigned may be a character that is younger than this ICU, such as an emoji.
bool control(char32_t c) {
  const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  return (mask & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK)) != 0;
}

bool punctuation(char32_t c) {
  return ascii_punctuation(c) || (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) != 0;
}

// The blocks that BERT's authors list: ideographs, not kana or hangul.
bool chinese(char32_t c) {
  constexpr char32_t blocks[][2] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                    {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                    {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  return std::any_of(std::begin(blocks), std::end(blocks),
                     [c](const auto& block) { return c >= block[0] && c <= block[1]; });
}

// Most text, and several times as fast.
std::vector<std::string> ascii_words(std::string_view text, const BertTextOptions& options) {
  std::vector<std::string> words;
  std::string word;
  const auto end = [&] {
    if (word.empty()) return;
    words.push_back(word);
    word.clear();
  };
  for (char c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r' && c != '\v' && c != '\f')) {
      end();
    } else if (static_cast<unsigned char>(c) < 32 || c == 127) {
      continue;
    } else if (ascii_punctuation(static_cast<char32_t>(c))) {
      end();
      words.emplace_back(1, c);
    } else {
      word += options.lowercase && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  end();
  return words;
}

icu::UnicodeString cleaned(std::string_view utf8, const BertTextOptions& options) {
  icu::UnicodeString text;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(utf8.data());
  const auto size = static_cast<std::int64_t>(utf8.size());
  for (std::int64_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes, at, size, c);
    const auto u = static_cast<char32_t>(c);
    if (u == 0 || u == 0xFFFD) continue;
    if (white(u)) {
      text.append(static_cast<UChar32>(' '));
    } else if (control(u)) {
      continue;
    } else if (options.chinese_characters && chinese(u)) {
      text.append(static_cast<UChar32>(' ')).append(c).append(static_cast<UChar32>(' '));
    } else {
      text.append(c);
    }
  }
  return text;
}

icu::UnicodeString without_accents(const icu::UnicodeString& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
  const icu::UnicodeString decomposed = nfd->normalize(text, status);
  EMO_CHECK(U_SUCCESS(status), std::string("ICU: ") + u_errorName(status));
  icu::UnicodeString out;
  for (std::int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
    const UChar32 c = decomposed.char32At(i);
    if (u_charType(c) != U_NON_SPACING_MARK) out.append(c);
  }
  return out;
}

// Character by character, without the context rules (final sigma) of whole-string lower casing.
icu::UnicodeString lower(const icu::UnicodeString& text) {
  icu::UnicodeString out;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    icu::UnicodeString one(text.char32At(i));
    out.append(one.toLower(icu::Locale::getRoot()));
  }
  return out;
}

}  // namespace

std::vector<std::string> bert_words(std::string_view utf8, const BertTextOptions& options) {
  if (ascii(utf8)) return ascii_words(utf8, options);
  icu::UnicodeString text = cleaned(utf8, options);
  if (options.strip_accents) text = without_accents(text);
  if (options.lowercase) text = lower(text);
  std::vector<std::string> words;
  icu::UnicodeString word;
  const auto end = [&] {
    if (word.isEmpty()) return;
    words.emplace_back();
    word.toUTF8String(words.back());
    word.remove();
  };
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (white(static_cast<char32_t>(c))) {
      end();
    } else if (punctuation(static_cast<char32_t>(c))) {
      end();
      word.append(c);
      end();
    } else {
      word.append(c);
    }
  }
  end();
  return words;
}

}  // namespace emosweep::data
