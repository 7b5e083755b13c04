#include "base/document_raw.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>

namespace emosweep::detail {

namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// yaml-cpp counts bytes from 0; editors count characters from 1.
class Places {
 public:
  Places(const std::string& text, const std::string& file) : text_(text), file_(file) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  Place of_offset(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    return {file_, static_cast<int>(after - starts_.begin()),
            static_cast<int>(characters(*(after - 1), std::min(offset, text_.size()))) + 1};
  }

  Place of(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return of_offset(static_cast<std::size_t>(mark.pos));
  }

  // Of an empty list item, which yaml-cpp marks at the next token: the dash or comma before it.
  Place before(const YAML::Mark& mark) const {
    std::size_t offset = std::min(static_cast<std::size_t>(mark.pos), text_.size());
    while (offset > 0 && std::string_view(" \t\r\n").find(text_[offset - 1]) != std::string::npos) {
      --offset;
    }
    return of_offset(offset > 0 ? offset - 1 : 0);
  }

  bool null_is_written_at(const YAML::Mark& mark) const {
    const auto offset = static_cast<std::size_t>(mark.pos);
    if (offset >= text_.size()) return false;
    return text_[offset] == '~' || text_[offset] == 'n' || text_[offset] == 'N';
  }

 private:
  // Characters of [begin, end). Goes on from the last question where it can: a file of one line
  // would take quadratic time otherwise.
  std::size_t characters(std::size_t begin, std::size_t end) const {
    if (begin != known_begin_ || end < known_end_) {
      known_begin_ = known_end_ = begin;
      known_count_ = 0;
    }
    for (; known_end_ < end; ++known_end_) known_count_ += !continues_character(text_[known_end_]);
    return known_count_;
  }

  const std::string& text_;
  const std::string& file_;
  std::vector<std::size_t> starts_;
  mutable std::size_t known_begin_ = 0, known_end_ = 0, known_count_ = 0;
};

// The length of the UTF-8 character at `at`, 0 where there is none (RFC 3629: no overlong forms, no
// surrogates).
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// yaml-cpp reads other encodings, ends silently at byte 4 and takes tabs for anything: refused
// before it sees them.
void check_characters(const std::string& text, const Places& places, const std::string& file) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw InputError(Place{file, 1, 1}, "this is UTF-16: save the file as UTF-8");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw InputError(Place{file, 1, 1},
                     "the file starts with a byte-order mark: save it as UTF-8 without one");
  }
  bool indentation = true;
  for (std::size_t i = 0; i < text.size();) {
    const auto fail = [&](const std::string& what) { throw InputError(places.of_offset(i), what); };
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t' && indentation) fail("a tab in the indentation: YAML takes spaces only");
    if (c == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) {
      fail("a carriage return without a line feed: save the file with usual line ends");
    }
    if ((byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F) {
      fail("the control character number " + std::to_string(byte) +
           (byte == 0 ? " (NUL): this is no text file" : ": remove it"));
    }
    const std::size_t length = character_length(text, i);
    if (length == 0) fail("a byte that is not UTF-8: save the file as UTF-8");
    indentation = c == '\n' || (indentation && c == ' ');
    i += length;
  }
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(const Places& places, Mistakes& mistakes, const DocumentLimits& limits)
      : places_(places), mistakes_(mistakes), limits_(limits) {}

  RawDocument take() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Place place;
    if (places_.null_is_written_at(mark)) {
      place = places_.of(mark);
    } else if (!open_.empty() && document_.nodes[open_.back()].kind == RawNode::Kind::list) {
      place = places_.before(mark);
    }
    add(RawNode::Kind::null, place, anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::size_t target = anchor < anchored_.size() ? anchored_[anchor] : 0;
    if (std::find(open_.begin(), open_.end(), target) != open_.end()) {
      mistakes_.add(places_.of(mark),
                    "this alias stands inside the value that it names, which would "
                    "never end: name another anchor");
      add(RawNode::Kind::null, places_.of(mark), 0, mark);
      return;
    }
    add(RawNode::Kind::alias, places_.of(mark), 0, mark).target = target;
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RawNode& node = add(RawNode::Kind::scalar, places_.of(mark), anchor, mark);
    node.text = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    check_tag(tag, node.place);
    if (value.find('\0') != std::string::npos) {
      mistakes_.add(node.place, "a NUL character (\\0) in a value: remove it");
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(RawNode::Kind::list, mark, tag, anchor);
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(RawNode::Kind::map, mark, tag, anchor);
  }

  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  RawNode& add(RawNode::Kind kind, Place place, YAML::anchor_t anchor, const YAML::Mark& mark) {
    const std::size_t index = document_.nodes.size();
    if (index >= limits_.nodes) {
      throw CapReached{places_.of(mark), "more than " + std::to_string(limits_.nodes) +
                                             " values in one file: split it"};
    }
    if (!open_.empty()) document_.nodes[open_.back()].children.push_back(index);
    if (anchor != 0) {
      anchored_.resize(std::max<std::size_t>(anchored_.size(), anchor + 1));
      anchored_[anchor] = index;
    }
    RawNode& node = document_.nodes.emplace_back();
    node.kind = kind;
    node.place = std::move(place);
    return node;
  }

  void open(RawNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (open_.size() >= static_cast<std::size_t>(std::max(limits_.depth, 0))) {
      throw CapReached{places_.of(mark),
                       "values nested deeper than " + std::to_string(limits_.depth) + " levels"};
    }
    const std::size_t index = document_.nodes.size();
    check_tag(tag, add(kind, places_.of(mark), anchor, mark).place);
    open_.push_back(index);
  }

  void check_tag(const std::string& tag, const Place& place) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    for (const char* known : {"str", "int", "float", "bool", "null", "seq", "map"}) {
      if (tag == std::string("tag:yaml.org,2002:") + known) return;
    }
    mistakes_.add(place, "the tag '" + tag.substr(0, 60) + "' means nothing here: remove it");
  }

  const Places& places_;
  Mistakes& mistakes_;
  const DocumentLimits& limits_;
  RawDocument document_;
  std::vector<std::size_t> open_;      // lists and maps that are not finished, outermost first
  std::vector<std::size_t> anchored_;  // by yaml-cpp's number of the anchor, from 1
};

// Any further document is a mistake; the first event of one says where.
class Refuser final : public YAML::EventHandler {
 public:
  explicit Refuser(const Places& places) : places_(places) {}
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw InputError(places_.of(mark),
                     "a second YAML document, or text that belongs to no key: one file holds one "
                     "document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  const Places& places_;
};

// yaml-cpp's message, or a better one where it leaves out what helps.
std::string explained(const YAML::Exception& error, std::string_view text) {
  if (error.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR) {
    const auto at = static_cast<std::size_t>(std::max(error.mark.pos, 0));
    std::string_view name = text.substr(std::min(at + 1, text.size()));
    name = name.substr(0, std::min<std::size_t>(name.find_first_of(" \t\r\n,]}"), 60));
    return "no anchor &" + std::string(name) + " stands before this alias";
  }
  if (error.msg == YAML::ErrorMsg::DOC_IN_SCALAR) {
    return "a quoted text goes on to here: its closing quote is missing";
  }
  return "not valid YAML: " + error.msg;
}

}  // namespace

RawDocument parse_raw(const std::string& text, const std::string& file_name, Mistakes& mistakes,
                      const DocumentLimits& limits) {
  const Places places(text, file_name);
  check_characters(text, places, file_name);
  // With an explicit end of the document yaml-cpp sees a quote that is never closed; at the end of
  // the file it would take what it has for the value.
  std::istringstream stream(text + (text.ends_with('\n') ? "...\n" : "\n...\n"));
  try {
    YAML::Parser parser(stream);
    Builder builder(places, mistakes, limits);
    if (parser.HandleNextDocument(builder)) {
      Refuser refuser(places);
      parser.HandleNextDocument(refuser);
    }
    return builder.take();
  } catch (const YAML::Exception& error) {
    throw InputError(places.of(error.mark), explained(error, text));
  }
}

}  // namespace emosweep::detail
