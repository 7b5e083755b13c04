// Numbers of one purpose for one sample, one after another, that follow from its place alone.
// Internal to data/audio/.
#pragma once

#include <cstdint>

#include "base/philox.h"

namespace emosweep::data {

class KeyedNumbers {
 public:
  // purpose_key: derive()d for what the numbers serve. At most 65,536 draws a position.
  KeyedNumbers(const StreamKey& purpose_key, std::int64_t epoch, std::int64_t position);
  double uniform();                                           // in (0, 1), 52 bits
  std::int64_t whole(std::int64_t least, std::int64_t most);  // both included
  double normal();
  double log_gamma_number(double shape);  // the logarithm of a number of Gamma(shape, 1)

 private:
  StreamKey key_;
  std::uint64_t step_, first_, next_ = 0;
};

}  // namespace emosweep::data
