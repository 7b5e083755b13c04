// What a failing rank writes into the store for its peers. Inside distributed/ and its tests only.
#pragma once

#include <string>

#include "distributed/team.h"

namespace emosweep::distributed {

struct PostedFault {
  std::int64_t order = 0;  // which of the team's orders was being trained
  TeamFault fault;
};
std::string encode_fault(const PostedFault& posted);
PostedFault decode_fault(const std::string& text);

}  // namespace emosweep::distributed
