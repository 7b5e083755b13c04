#include "data/text/wordpiece.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostBytes = 64u << 20;  // of a vocabulary; BERT's are half a megabyte
constexpr std::size_t kMostPieces = 4'000'000;
const char* const kSpecial[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

Json parsed(const std::string& text, const std::string& file) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) throw InputError(file + ": no JSON object");
  return json;
}

// The text under `key`, or `fallback` where it is absent or null.
std::string text_or(const Json& json, const char* key, const std::string& fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : fallback;
}

bool flag_or(const Json& json, const char* key, bool fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

BertTextOptions options_of(const Json& json, const char* lowercase, const char* chinese) {
  BertTextOptions options;
  options.lowercase = flag_or(json, lowercase, true);
  options.strip_accents = flag_or(json, "strip_accents", options.lowercase);
  options.chinese_characters = flag_or(json, chinese, true);
  return options;
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

WordPiece WordPiece::load(const fs::path& folder) {
  std::error_code code;
  const fs::path json = folder / "tokenizer.json", vocabulary = folder / "vocab.txt";
  if (fs::is_regular_file(json, code)) return from_json(read_text(json, kMostBytes), json.string());
  if (!fs::is_regular_file(vocabulary, code))
    throw InputError(folder.string() + ": there is neither tokenizer.json nor vocab.txt here");
  BertTextOptions options;
  const fs::path config = folder / "tokenizer_config.json";
  if (fs::is_regular_file(config, code))
    options = options_of(parsed(read_text(config, kMostBytes), config.string()), "do_lower_case",
                         "tokenize_chinese_chars");
  return from_vocabulary(read_text(vocabulary, kMostBytes), options, vocabulary.string());
}

WordPiece WordPiece::from_vocabulary(const std::string& text, const BertTextOptions& options,
                                     const std::string& file) {
  WordPiece made;
  made.options_ = options;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string piece = text.substr(at, end - at);
    if (!piece.empty() && piece.back() == '\r') piece.pop_back();
    made.pieces_.push_back(std::move(piece));
    if (made.pieces_.size() > kMostPieces)
      throw InputError(file + ": more lines than a vocabulary");
    at = end + 1;
  }
  made.finish(file);
  return made;
}

WordPiece WordPiece::from_json(const std::string& text, const std::string& file) {
  const Json json = parsed(text, file);
  const auto part = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_object() ? *found : Json::object();
  };
  const Json model = part("model"), normalizer = part("normalizer");
  const std::string kind =
      text_or(model, "type", model.contains("vocab") ? "WordPiece" : "nothing");
  if (kind != "WordPiece")
    throw InputError(file + ": a tokenizer of kind " + kind + "; WordPiece is what can be read");
  const std::string normal = text_or(normalizer, "type", "none");
  if (normal != "BertNormalizer")
    throw InputError(file + ": its normalizer is " + normal +
                     "; BertNormalizer is what can be read");
  WordPiece made;
  made.options_ = options_of(normalizer, "lowercase", "handle_chinese_chars");
  made.unknown_token_ = text_or(model, "unk_token", "[UNK]");
  made.continuation_ = text_or(model, "continuing_subword_prefix", "##");
  if (const auto most = model.find("max_input_chars_per_word");
      most != model.end() && most->is_number_unsigned())
    made.longest_word_ = most->get<std::size_t>();
  const auto vocabulary = model.find("vocab");
  if (vocabulary == model.end() || !vocabulary->is_object() || vocabulary->empty() ||
      vocabulary->size() > kMostPieces)
    throw InputError(file + ": it has no vocabulary");
  made.pieces_.resize(vocabulary->size());
  std::vector<bool> seen(vocabulary->size(), false);
  for (const auto& [piece, id] : vocabulary->items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= seen.size() ||
        seen[id.get<std::size_t>()])
      throw InputError(file + ": the id of '" + piece + "' is given twice, or leaves a hole");
    seen[id.get<std::size_t>()] = true;
    made.pieces_[id.get<std::size_t>()] = piece;
  }
  made.finish(file);
  return made;
}

std::string WordPiece::json() const {
  Json vocabulary = Json::object();
  for (std::size_t i = 0; i < pieces_.size(); ++i) vocabulary[pieces_[i]] = i;
  const Json all = {{"normalizer",
                     {{"type", "BertNormalizer"},
                      {"clean_text", true},
                      {"handle_chinese_chars", options_.chinese_characters},
                      {"strip_accents", options_.strip_accents},
                      {"lowercase", options_.lowercase}}},
                    {"model",
                     {{"type", "WordPiece"},
                      {"unk_token", unknown_token_},
                      {"continuing_subword_prefix", continuation_},
                      {"max_input_chars_per_word", longest_word_},
                      {"vocab", vocabulary}}}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void WordPiece::finish(const std::string& file) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (!id_.emplace(pieces_[i], static_cast<std::int32_t>(i)).second)
      throw InputError(file + ": line " + std::to_string(i + 1) + ": '" + pieces_[i] +
                       "' is there twice");
    longest_piece_ = std::max(longest_piece_, pieces_[i].size());
  }
  const auto id_of = [&](const std::string& token) {
    const auto found = id_.find(token);
    if (found == id_.end()) throw InputError(file + ": the vocabulary lacks " + token);
    return found->second;
  };
  unknown_ = id_of(unknown_token_);
  begin_ = id_of("[CLS]");
  end_ = id_of("[SEP]");
  pad_ = id_of("[PAD]");
  for (const char* token : kSpecial) {
    if (const auto found = id_.find(std::string_view(token)); found != id_.end())
      special_.emplace_back(token, found->second);
  }
}

void WordPiece::add_word(const std::string& word, std::vector<std::int32_t>& ids) const {
  if (characters(word) > longest_word_) {
    ids.push_back(unknown_);
    return;
  }
  const std::size_t before = ids.size();
  std::string candidate;
  for (std::size_t begin = 0; begin < word.size();) {
    const std::size_t prefix = begin == 0 ? 0 : continuation_.size();
    std::size_t length =
        std::min(word.size() - begin, longest_piece_ - std::min(prefix, longest_piece_));
    candidate.assign(begin == 0 ? "" : continuation_).append(word, begin, length);
    auto found = id_.end();
    for (; length > 0; --length, candidate.pop_back()) {
      found = id_.find(std::string_view(candidate));
      if (found != id_.end()) break;
    }
    if (length == 0) {  // one piece is missing: the whole word is unknown
      ids.resize(before);
      ids.push_back(unknown_);
      return;
    }
    ids.push_back(found->second);
    begin += length;
  }
}

void WordPiece::add_text(std::string_view text, std::size_t most,
                         std::vector<std::int32_t>& ids) const {
  for (const std::string& word : bert_words(text, options_)) {
    if (ids.size() >= most) return;
    add_word(word, ids);
  }
}

std::vector<std::int32_t> WordPiece::encode(std::string_view utf8, std::int64_t max_length) const {
  EMO_CHECK(max_length >= 2, "the first and last tokens need two places");
  const auto most = static_cast<std::size_t>(max_length - 1);
  std::vector<std::int32_t> ids{begin_};
  std::string_view rest = utf8;
  while (!rest.empty() && ids.size() < most) {
    std::size_t at = std::string_view::npos;
    const std::pair<std::string, std::int32_t>* token = nullptr;
    // Cheap where it matters: almost no text holds a '['.
    for (std::size_t open = rest.find('['); open != std::string_view::npos && !token;
         open = rest.find('[', open + 1)) {
      for (const auto& one : special_) {
        if (rest.compare(open, one.first.size(), one.first) == 0) token = &one, at = open;
      }
    }
    add_text(rest.substr(0, at), most, ids);
    if (!token) break;
    if (ids.size() < most) ids.push_back(token->second);
    rest.remove_prefix(at + token->first.size());
  }
  if (ids.size() > most) ids.resize(most);
  ids.push_back(end_);
  return ids;
}

}  // namespace emosweep::data
