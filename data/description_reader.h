// Readings of dataset.yaml's nodes that collect mistakes instead of throwing. Internal to data/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/document.h"
#include "base/error.h"
#include "data/description.h"

namespace emosweep::data {

class NodeReader {
 public:
  explicit NodeReader(Mistakes& mistakes) : mistakes_(mistakes) {}

  // Every key is in `known`; one of `planned` is a feature of the format that does not exist yet.
  void keys(const Node& map, const std::string& owner, const std::vector<std::string>& known,
            const std::vector<std::string>& planned = {});
  bool is_map(const Node& node, const std::string& what);
  Written text(const Node& node, const std::string& what);  // a scalar that is not empty
  std::vector<Written> texts(const Node& node,
                             const std::string& what);  // a list of scalars, or one
  std::optional<std::size_t> choice(const Node& node, const std::string& what,
                                    const std::vector<std::string>& names);
  // A name that becomes a path in summary.h5: no '/', no control character, not "." or "..".
  void name(const Written& value, const std::string& what);
  void mistake(const Place& place, const std::string& message) { mistakes_.add(place, message); }

 private:
  Mistakes& mistakes_;
};

std::string in_quotes(const std::string& text);             // 'text'
std::string listed(const std::vector<std::string>& names);  // a, b, c
std::string hint(const std::string& word, const std::vector<std::string>& names);

}  // namespace emosweep::data
