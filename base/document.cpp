#include "base/document.h"

#include <unordered_map>

#include "base/document_raw.h"
#include "base/files.h"

namespace emosweep {

namespace {

using detail::CapReached;
using detail::RawDocument;
using detail::RawNode;

std::string shown(const std::string& key) {
  return "'" + (key.size() > 60 ? key.substr(0, 57) + "..." : key) + "'";
}

// Replaces aliases by what they stand for and merges by their entries. Every node made is counted,
// and so is every step of a merge, so that neither memory nor time can explode.
class Expander {
 public:
  Expander(const RawDocument& raw, Mistakes& mistakes, const DocumentLimits& limits)
      : raw_(raw.nodes), mistakes_(mistakes), limits_(limits) {}

  // `place`: of the alias that leads here, or of the key of an empty value.
  Node expand(std::size_t index, int depth, const Place& fallback) {
    const RawNode& written = raw_[index];
    const RawNode& source = resolved(index);
    Node node;
    node.place = written.place.line > 0 ? written.place : fallback;
    count(source, node.place, depth);
    switch (source.kind) {
      case RawNode::Kind::null:
      case RawNode::Kind::alias:
        break;
      case RawNode::Kind::scalar:
        node.kind = Node::Kind::scalar;
        node.quoted = source.quoted;
        node.scalar = source.text;
        break;
      case RawNode::Kind::list:
        node.kind = Node::Kind::list;
        for (const std::size_t child : source.children) {
          node.items.push_back(expand(child, depth + 1, node.place));
        }
        break;
      case RawNode::Kind::map:
        node.kind = Node::Kind::map;
        for (const RawEntry& entry : merged(source, 0).entries) {
          node.entries.push_back({*entry.key, entry.place,
                                  expand(entry.value, depth + 1, entry.place), entry.inherited});
        }
        break;
    }
    return node;
  }

 private:
  struct RawEntry {
    const std::string* key;
    Place place;
    std::size_t value;
    bool inherited;
  };
  struct RawMap {
    std::vector<RawEntry> entries;
    std::unordered_map<std::string_view, Place> places;  // of the keys
  };

  const RawNode& resolved(std::size_t index) const {
    // Targets are finished nodes, so the chain ends.
    while (raw_[index].kind == RawNode::Kind::alias) index = raw_[index].target;
    return raw_[index];
  }

  // The entries of a map with its merges: own keys first, then those of its sources in order.
  RawMap merged(const RawNode& map, int depth) {
    if (depth > limits_.depth) {
      throw CapReached{map.place,
                       "a chain of more than " + std::to_string(limits_.depth) + " merges (<<)"};
    }
    RawMap out;
    const RawNode* merge_key = nullptr;
    std::size_t merge_value = 0;
    for (std::size_t i = 0; i + 1 < map.children.size(); i += 2) {
      const RawNode& written = raw_[map.children[i]];
      const RawNode& key = resolved(map.children[i]);
      const Place& place = written.place.line > 0 ? written.place : map.place;
      step(place);
      if (key.kind != RawNode::Kind::scalar) {
        mistakes_.add(place, key.kind == RawNode::Kind::null
                                 ? "an empty key, or null as one: write it in quotes if it is text"
                                 : "a list or a mapping as a key: keys are text");
      } else if (key.text == "<<" && !key.quoted) {
        if (merge_key != nullptr) {
          mistakes_.add(place, "'<<' is given twice (first in line " +
                                   std::to_string(merge_key->place.line) +
                                   "): write one with a list, <<: [*a, *b]");
        } else {
          merge_key = &written;
          merge_value = map.children[i + 1];
        }
      } else if (const auto [known, fresh] = out.places.emplace(key.text, place); !fresh) {
        mistakes_.add(place, "the key " + shown(key.text) + " is given twice (first in line " +
                                 std::to_string(known->second.line) + ")");
      } else {
        out.entries.push_back({&key.text, place, map.children[i + 1], false});
      }
    }
    if (merge_key != nullptr) merge(out, merge_key->place, merge_value, depth);
    return out;
  }

  void merge(RawMap& out, const Place& key_place, std::size_t value, int depth) {
    const RawNode& source = resolved(value);
    if (source.kind == RawNode::Kind::map) {
      inherit(out, source, depth);
      return;
    }
    bool good = source.kind == RawNode::Kind::list;
    if (good) {
      for (const std::size_t item : source.children) {
        const RawNode& template_map = resolved(item);
        step(key_place);
        if (template_map.kind == RawNode::Kind::map) {
          inherit(out, template_map, depth);
        } else {
          good = false;
        }
      }
    }
    if (!good) {
      mistakes_.add(key_place, "'<<' takes a mapping, such as *template, or a list of mappings");
    }
  }

  void inherit(RawMap& out, const RawNode& source, int depth) {
    for (RawEntry& entry : merged(source, depth + 1).entries) {
      step(entry.place);
      if (!out.places.emplace(*entry.key, entry.place).second) continue;
      entry.inherited = true;
      out.entries.push_back(std::move(entry));
    }
  }

  void count(const RawNode& node, const Place& place, int depth) {
    step(place);
    if (depth > limits_.depth) {
      throw CapReached{place,
                       "values nested deeper than " + std::to_string(limits_.depth) + " levels"};
    }
    if (++nodes_ > limits_.nodes) {
      throw CapReached{place, "more than " + std::to_string(limits_.nodes) +
                                  " values after aliases are filled in"};
    }
    bytes_ += node.text.size();
    if (bytes_ > 16 * limits_.bytes) {
      throw CapReached{place, "more than " + std::to_string(16 * limits_.bytes) +
                                  " bytes of text after aliases are filled in"};
    }
  }

  void step(const Place& place) {
    if (++steps_ > 16 * limits_.nodes) {
      throw CapReached{place, "merges (<<) of too many keys: fewer or smaller templates"};
    }
  }

  const std::vector<RawNode>& raw_;
  Mistakes& mistakes_;
  const DocumentLimits& limits_;
  std::size_t nodes_ = 0, bytes_ = 0, steps_ = 0;
};

}  // namespace

const Entry* Node::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

Node parse_document(const std::string& text, const std::string& file_name, Mistakes& mistakes,
                    const DocumentLimits& limits) {
  Node empty;
  empty.place = {file_name, 0, 0};
  if (text.size() > limits.bytes) {
    mistakes.add(empty.place,
                 "the file is larger than the allowed " + std::to_string(limits.bytes) + " bytes");
    return empty;
  }
  try {
    const RawDocument raw = detail::parse_raw(text, file_name, mistakes, limits);
    if (raw.nodes.empty()) return empty;
    return Expander(raw, mistakes, limits).expand(0, 0, empty.place);
  } catch (const CapReached& cap) {
    mistakes.add(cap.place, cap.message);
    return empty;
  }
}

Node read_document(const std::filesystem::path& file, Mistakes& mistakes,
                   const DocumentLimits& limits) {
  return parse_document(read_text(file, limits.bytes), file.string(), mistakes, limits);
}

}  // namespace emosweep
