// The signals that end a run in order: USR2, TERM, INT.
#pragma once

#include <string>

namespace emosweep::launcher {

// From now on the first of these signals is only remembered: the run leaves at the next step
// boundary. A later one, a second or more after the first, ends the process at once with exit code
// 75: what was committed is safe, and the lease tells the next run that its owner is dead. Within
// that second repeats mean the same request: mpirun and Slurm deliver one signal twice.
void catch_signals();
bool signalled();
std::string signal_text();  // "signal SIGUSR2", "" before any
void forget_signals();      // for tests: as if none had come

}  // namespace emosweep::launcher
