// A finished run folder of synthetic trials, for the time of a whole report:
//   bench_report_folder DIR [trials]
// 8 classes, 24 subjects of 15 clips, 5 seeds, 50 epochs, predictions with probabilities;
// conditions as many as make the number of trials (10,080). Without fsync: nobody's results are in
// danger.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../tests/results/fixture.h"

using namespace emosweep;
using namespace emosweep::results;

namespace {

constexpr std::int64_t kSubjects = 24, kClips = 15, kSeeds = 5;

Samples samples_of_all() {
  Samples samples;
  samples.dataset = "synthetic";
  samples.digest = sha256("synthetic table");
  samples.groups = {{"actor", {}}};
  samples.metadata = {{"gender", {}}, {"intensity", {}}};
  for (std::int64_t i = 0; i < kSubjects * kClips; ++i) {
    samples.id.push_back("clip-" + std::to_string(i));
    samples.groups[0].second.push_back("actor " + std::to_string(i / kClips + 1));
    samples.metadata[0].second.push_back((i / kClips) % 2 ? "female" : "male");
    samples.metadata[1].second.push_back(i % 2 ? "strong" : "normal");
  }
  return samples;
}

}  // namespace

int main(int count, char** arguments) {
  const std::int64_t trials = count > 2 ? std::atoll(arguments[2]) : 10080;
  const std::int64_t conditions = trials / (kSubjects * kSeeds);
  if (count < 2 || count > 3 || conditions < 1) {
    std::fprintf(stderr, "bench_report_folder DIR [trials]: at least %lld\n",
                 static_cast<long long>(kSubjects * kSeeds));
    return 2;
  }
  const RunFolder folder(arguments[1]);
  folder.create();
  const Samples samples = samples_of_all();
  commit_samples(folder, samples);
  PlanFile plan;
  PlannedExperiment experiment;
  experiment.name = "grid";
  experiment.resolved = "name: grid\n";
  experiment.dataset = samples.dataset;
  experiment.samples = samples.digest;
  experiment.protocol = "loso";
  experiment.group = "actor";
  experiment.normalise = "train";
  experiment.selection_metric = "loss";
  experiment.classes = class_names(8);
  for (std::int64_t c = 0; c < conditions; ++c) {
    experiment.conditions.push_back("hidden_size=" + std::to_string(c + 1));
    for (std::int64_t s = 1; s <= kSeeds; ++s) {
      for (std::int64_t f = 0; f < kSubjects; ++f) {
        const std::string fold = "actor " + std::to_string(f + 1);
        const TrialRecord record = make_record(
            std::to_string(c) + " " + std::to_string(s) + " " + fold, {kClips, 8, 50}, f * kClips);
        plan.cells.push_back({record.id, 0, static_cast<std::uint32_t>(c),
                              static_cast<std::uint64_t>(s), fold, fold});
        const auto bytes = encode_record(record);
        write_file(folder.record(record.id),
                   {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      }
    }
  }
  plan.experiments = {experiment};
  plan.resolved_sha256 = sha256("bench").hex();
  folder.commit_plan(plan);
  commit_summary(folder);
  std::printf("{\"trials\": %zu}\n", plan.cells.size());
}
