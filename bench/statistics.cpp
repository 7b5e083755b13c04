// What the statistics of a report promise, simulated at length, and how long they take:
//   bench_statistics [sweeps]
// Prints one line of JSON. Coverage is of nominal 95 % intervals; false findings are the shares of
// sweeps of two equally good conditions in which a test says at .05 that they differ; seconds are
// those of the statistics of a grid of conditions of 24 subjects and 5 seeds, each compared with
// the first.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../tests/results/simulation.h"

using namespace emosweep::results;
using namespace emosweep::results::simulation;

namespace {

std::string additive(std::int64_t sweeps) {
  std::string text;
  for (const Additive& model : {Additive{5, 10}, Additive{5, 24}, Additive{3, 24}}) {
    const AdditiveCoverage coverage = additive_coverage(model, sweeps);
    char line[200];
    std::snprintf(line, sizeof line,
                  "%s{\"seeds\": %zu, \"subjects\": %zu, \"rerun\": %.4f, \"new_subject\": %.4f, "
                  "\"crossed\": %.4f}",
                  text.empty() ? "" : ", ", model.seeds, model.subjects, coverage.rerun.value(),
                  coverage.new_subject.value(), coverage.crossed.value());
    text += line;
  }
  return "[" + text + "]";
}

std::string pooled(std::int64_t sweeps) {
  Clips few;
  few.subjects = 10;
  const double many_subjects = pooled_coverage({}, sweeps, 0).new_subject.value();
  const double few_subjects = pooled_coverage(few, sweeps, 0).new_subject.value();
  const double rerun = pooled_coverage(few, sweeps / 4, 200).rerun.value();
  char line[200];
  std::snprintf(line, sizeof line,
                "{\"new_subject_24\": %.4f, \"new_subject_10\": %.4f, \"rerun_10\": %.4f}",
                many_subjects, few_subjects, rerun);
  return line;
}

std::string findings(std::int64_t sweeps) {
  std::string text;
  for (const double seed_sd : {0.0, 0.06, 0.15}) {
    Clips model;
    model.seed_sd = seed_sd;
    const FalseFindings found = false_findings(model, sweeps);
    char line[200];
    std::snprintf(line, sizeof line,
                  "%s{\"seed_sd\": %.2f, \"default\": %.4f, \"t_over_subjects\": %.4f, "
                  "\"nadeau_bengio\": %.4f, \"t_over_cells\": %.4f}",
                  text.empty() ? "" : ", ", seed_sd, found.crossed.value(), found.paired.value(),
                  found.corrected.value(), found.cells.value());
    text += line;
  }
  return "[" + text + "]";
}

// Seconds for the statistics of so many trials of 8 classes.
double seconds_for(std::size_t trials) {
  const Clips model;
  Draws draws(1);
  const Population people = population(model, draws);
  std::vector<std::vector<Confusion>> conditions;
  for (std::size_t done = 0; done < trials; done += model.seeds * model.subjects) {
    const auto own = own_effects(model, draws);
    conditions.push_back(predictions(model, people, own, model.seeds, draws));
  }
  const auto start = std::chrono::steady_clock::now();
  ScoreTable first;
  double sum = 0;  // used below, so that nothing is left out
  for (const auto& cells : conditions) {
    const ScoreTable own = pseudo_values(table_of(model, cells), macro_f1);
    sum += rerun_interval(own).upper + new_subject_interval(own).upper +
           variance_components(own).seed + describe(own.values()).median;
    if (first.seeds() == 0) first = own;
    sum += compare(own, first, {}).crossed.p;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return sum > 0 ? took.count() : 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::int64_t sweeps = count > 1 ? std::atoll(arguments[1]) : 2000;
  if (sweeps < 4) {
    std::fprintf(stderr, "bench_statistics [sweeps]: at least 4\n");
    return 2;
  }
  std::printf(
      "{\"sweeps\": %lld, \"coverage\": %s, \"coverage_pooled\": %s, \"false_findings\": %s, "
      "\"seconds_10000_trials\": %.3f, \"seconds_100000_trials\": %.3f}\n",
      static_cast<long long>(sweeps), additive(5 * sweeps).c_str(), pooled(2 * sweeps).c_str(),
      findings(sweeps).c_str(), seconds_for(10000), seconds_for(100000));
}
