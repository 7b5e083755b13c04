// Work that threads share out among themselves.
#pragma once

#include <cstddef>
#include <functional>

namespace emosweep {

// Cores that this process may use, 64 at most.
unsigned usable_cores();

// Calls `work` on `threads` threads, of which the caller's is one, and returns when all have.
// next() gives each of 0, 1, ..., n - 1 to one of them, in order of asking, and n from then on.
// After an exception next() gives n to all; the one of the first such thread is thrown again here.
using Next = std::function<std::size_t()>;
void share_out(std::size_t n, unsigned threads, const std::function<void(const Next& next)>& work);

}  // namespace emosweep
