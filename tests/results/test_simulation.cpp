// The promises of intervals and the default comparison, short; bench/run statistics asks at length.
#include <gtest/gtest.h>

#include "simulation.h"

namespace emosweep::results::simulation {
namespace {

void expect_nominal(const Rate& rate, const char* what) {
  EXPECT_GE(rate.value(), 0.93) << what;
  EXPECT_LE(rate.value(), 0.97) << what;
}

TEST(Simulation, IntervalsCoverWhatTheyName) {
  for (const Additive& model : {Additive{5, 10}, Additive{3, 24}}) {
    const AdditiveCoverage coverage = additive_coverage(model, 2000);
    expect_nominal(coverage.rerun, "re-run");
    expect_nominal(coverage.new_subject, "new-subject");
    expect_nominal(coverage.crossed, "crossed");
  }
}

TEST(Simulation, IntervalsOfThePooledHeadlineToo) {
  const Clips model;
  expect_nominal(pooled_coverage(model, 1000, 0).new_subject, "new-subject");
  Clips few = model;
  few.subjects = 8;
  expect_nominal(pooled_coverage(few, 400, 100).rerun, "re-run");
}

TEST(Simulation, TheDefaultComparisonFindsNothingWhereNothingIs) {
  Clips model;
  model.seed_sd = 0.15;
  const FalseFindings found = false_findings(model, 500);
  EXPECT_LE(found.crossed.value(), 0.06);
  EXPECT_GE(found.crossed.value(), 0.02);  // nor is it blind
  // These sweeps tell tests apart: taking the seeds, or all cells, for given finds far too much.
  EXPECT_GE(found.paired.value(), 0.10);
  EXPECT_GE(found.cells.value(), 0.20);
}

}  // namespace
}  // namespace emosweep::results::simulation
