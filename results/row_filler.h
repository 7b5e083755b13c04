// What a row of the table takes from the record of its trial. Private to results/.
#pragma once

#include <map>
#include <set>
#include <string>

#include "results/slices.h"
#include "results/table.h"

namespace emosweep::results {

// Fills rows one after the other; the table and the folder outlive it.
class RowFiller {
 public:
  RowFiller(const RunFolder& folder, Table& table);

  // The trial of this row is done. result: its digest in hex. file: stands in messages. InputError:
  // the record, or a table of samples that is needed to tell subjects, does not belong to the cell.
  void done(std::size_t row, const TrialRecord& record, const std::string& result,
            const std::string& file);
  // It is not: failed, if the folder says so, else missing.
  void not_done(std::size_t row);

 private:
  // What of a sample table the rows need, read once for each table.
  struct Known {
    Samples samples;
    Sliced slices;
  };
  const Known& samples_of(const PlannedExperiment& experiment);
  const std::vector<std::string>& subjects_of(const PlannedExperiment& experiment);

  const RunFolder& folder_;
  Table& table_;
  std::map<Digest, Failure> failed_;
  std::map<Digest, Known> known_;
};

}  // namespace emosweep::results
