// YAML as a checked tree: merges resolved, duplicate keys and cycles refused, sizes capped, every
// node with its place. (yaml-cpp 0.7 does not merge, takes the first of two equal keys and gives an
// alias its anchor's mark.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace emosweep {

struct Entry;

struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  Place place;                 // of the value; of its key where the value is empty
  bool quoted = false;         // "5" and '5' are text, 5 is a number
  std::string scalar;          // as written, tags and quotes removed
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map: own keys in written order, then inherited ones

  const Entry* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;  // the key's own mark; of an inherited key, where the template writes it
  Node value;
  bool inherited = false;  // came through `<<`: explicit keys win wherever they stand, earlier
                           // sources over later
};

struct DocumentLimits {
  std::size_t bytes = 4u << 20;
  std::size_t nodes = 200'000;  // after expansion of aliases
  int depth = 64;
};

// All mistakes of the tree (duplicate keys, cyclic aliases, a `<<` that is no map, caps) are added
// to `mistakes`; a syntax error throws InputError with its place.
Node parse_document(const std::string& text, const std::string& file_name, Mistakes& mistakes,
                    const DocumentLimits& limits = {});
Node read_document(const std::filesystem::path& file, Mistakes& mistakes,
                   const DocumentLimits& limits = {});

// Strict readings of a scalar: nothing is guessed. 010, 1_000, 0x10, yes/no/on/off are not numbers
// or booleans.
std::optional<std::int64_t> integer(const Node& node);  // -?(0|[1-9][0-9]*)
std::optional<double> number(const Node& node);         // decimal with optional exponent; finite
std::optional<bool> boolean(const Node& node);          // true | false

// YAML text of a tree, for resolved.yaml: block style, scalars quoted where they must be.
std::string write_document(const Node& node);

}  // namespace emosweep
