// The ranks' logs of starts and commits: "<UTC time> <verb> <id> [what]", each line on disk before
// the next thing happens (but of epochs, which may be lost). Over all restarts of a run folder
// every id has exactly one `commit` line.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/hash.h"
#include "results/run_folder.h"

namespace emosweep::launcher {

std::string log_line(std::string_view verb, const Digest& id, std::string_view what = {});

struct LogHistory {
  std::set<Digest> committed;  // ids with a commit line in any rank's log
  std::map<Digest, std::int64_t> starts;
};
// Of all log/*.log; lines that are no event are passed over.
LogHistory read_logs(const results::RunFolder& folder);

// A crash between a record's rename and its commit line leaves a record without a line: writes
// those lines, marked `recovered`, and adds them to the history; but not of `others`, the trials of
// other shards, which may be about to write theirs. Rank 0, under the folder's lock, before any
// trial starts. Returns how many.
std::int64_t recover_commit_lines(LogHistory& history, std::span<const Digest> committed,
                                  const std::set<Digest>& others, SyncedLines& log);

}  // namespace emosweep::launcher
