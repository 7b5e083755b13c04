// Clocks that std::chrono does not have.
#pragma once

namespace emosweep {

double thread_cpu_seconds();  // of the calling thread

}  // namespace emosweep
