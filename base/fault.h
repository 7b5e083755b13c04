// Faults on purpose, for the tests of what a run does when a rank dies, hangs, throws, computes a
// NaN or finds its disk full. Nothing happens, at the cost of one load, until arm_faults() is given
// a wish. The program arms itself from its environment:
//   EMOSWEEP_FAULT="<kind>@<point>:<count>[,...]"  e.g. "kill@record.synced:2,nan@trainer.loss:5"
// The fault comes the count-th time that this process passes the point, once. Ranks get different
// faults by their environments: mpirun -np 1 emosweep ... : -np 1 -x EMOSWEEP_FAULT=... emosweep
// ... Before it acts, a fault writes "emosweep: injected <kind> at <point> (pass <n>, pid <p>)" to
// stderr, so that a test can tell a fault that was survived from one that never came.
//
//   kind      what happens at the point
//   kill      SIGKILL to this process
//   stop      SIGSTOP to this process: all its threads hang until SIGCONT
//   throw     std::runtime_error whose text names the injection
//   bad_alloc std::bad_alloc
//   nan       fault_poison() says true, and the caller makes its value NaN
//   fill      fills the file system of the file EMOSWEEP_FAULT_FILL, which becomes the filler,
//   until
//             nothing more can be written; refused where more than 1 GiB is free. Remove the file
//
//   point                             stands
//   <file>.begin                      before the temporary file of commit_file() is opened
//   <file>.written .synced .renamed   after these steps of it
//     <file>: record model checkpoint failure state plan samples experiment resolved options wish
//             summary timing hash_cache predictions synthetic corpus
//   clips.begin .written              before the cache file of decoded recordings is opened, and
//                                     before it is synced
//   log.begin                         before a rank's log is opened
//   log.line .written                 before a line is written, and before it is synced
//   folder.begin                      before folders are made
//   lease.begin .written .linked      around the steps of taking the run folder
//   lock.begin .written .linked       around those of taking its lock, to write the plan or summary
//   lease.beat                        before each heartbeat, in its thread
//   report.begin                      before the report at the end of a run
//   trainer.forward .backward         before these parts of every training step
//   trainer.loss                      fault_poison: the loss of a training step
//   trainer.gradient                  fault_poison: the first trial's gradient, after a team's sum
//   team.rendezvous                   before the process group of a team is made or renewed
//   team.collective                   before each collective of a team
#pragma once

#include <string_view>

namespace emosweep {

// What EMOSWEEP_FAULT says ("" = nothing), with the filler's path for kind fill. InputError names
// the entry that is malformed. Replaces what was armed before and starts all counts anew. Once at
// the start of a process, before it has threads: faults count the passes of the whole process.
void arm_faults(std::string_view wanted, std::string_view filler = {});

// From EMOSWEEP_FAULT and EMOSWEEP_FAULT_FILL, with a warning in the log where faults are armed.
void arm_faults_from_environment();

namespace detail {
extern bool faults_armed;
void pass_fault_point(std::string_view point);
bool pass_fault_poison(std::string_view point);
}  // namespace detail

// Thread-safe. Throws what kind throw or bad_alloc asks for.
inline void fault_point(std::string_view point) {
  if (detail::faults_armed) [[unlikely]]
    detail::pass_fault_point(point);
}

// Whether the caller is to make its value NaN in this pass; asked by kind nan only. Thread-safe.
inline bool fault_poison(std::string_view point) {
  return detail::faults_armed && detail::pass_fault_poison(point);
}

}  // namespace emosweep
