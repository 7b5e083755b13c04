// The first half of reading YAML: what is written, before aliases and merges are resolved. Private
// to base/.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/document.h"

namespace emosweep::detail {

struct RawNode {
  enum class Kind { null, scalar, list, map, alias };
  Kind kind = Kind::null;
  Place place;  // of a null value that is not written out: line 0
  bool quoted = false;
  std::string text;
  std::vector<std::size_t> children;  // indices; of a map key, value, key, value ...
  std::size_t target = 0;             // of an alias: the node it stands for, always a finished one
};

struct RawDocument {
  std::vector<RawNode> nodes;  // nodes[0] is the root; empty for an empty file
};

// Thrown where a cap ends the reading early.
struct CapReached {
  Place place;
  std::string message;
};

// Syntax errors throw InputError, caps throw CapReached, the rest goes to `mistakes`.
RawDocument parse_raw(const std::string& text, const std::string& file_name, Mistakes& mistakes,
                      const DocumentLimits& limits);

}  // namespace emosweep::detail
