#include "distributed/team_fault.h"

#include <algorithm>
#include <array>

namespace emosweep::distributed {
namespace {
constexpr char kSeparator = '\x1f';
}

std::string encode_fault(const PostedFault& posted) {
  const TeamFault& f = posted.fault;
  std::string out = std::to_string(posted.order) + kSeparator + std::to_string(f.rank);
  for (std::string part : {f.reason, f.where, f.host, f.message}) {
    std::replace(part.begin(), part.end(), kSeparator, ' ');
    out += kSeparator + part;
  }
  return out;
}

PostedFault decode_fault(const std::string& text) {
  std::array<std::string, 6> parts;
  std::size_t begin = 0;
  for (std::string& part : parts) {
    const std::size_t end = std::min(text.find(kSeparator, begin), text.size());
    part = text.substr(begin, end - begin);
    begin = std::min(end + 1, text.size());
  }
  return {std::stoll(parts[0]), {parts[2], parts[5], parts[3], parts[4], std::stoi(parts[1])}};
}

}  // namespace emosweep::distributed
