#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "launcher/estimate.h"
#include "launcher/packs.h"
#include "sample_files.h"

namespace emosweep::launcher {
namespace {

// So many trials of each shape, of cost 1 in a pack and 5 alone; shape 0 is alone.
Plan plan_of(const std::vector<std::size_t>& trials_of_shape, std::int64_t most = 24) {
  Plan plan;
  for (std::uint32_t shape = 0; shape < trials_of_shape.size(); ++shape) {
    for (std::size_t i = 0; i < trials_of_shape[shape]; ++i) {
      PlannedTrial trial;
      trial.shape = shape;
      trial.pack = shape == 0 ? 1 : most;
      trial.cost_alone = 5;
      trial.cost = shape == 0 ? 5 : 1;
      plan.trials.push_back(trial);
    }
  }
  return plan;
}

std::vector<WorkPack> packs_of(const Plan& plan, int teams) {
  std::vector<std::uint32_t> all(plan.trials.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<WorkPack> packs = make_packs(plan, all, teams);
  std::set<std::uint32_t> seen;
  for (const WorkPack& pack : packs) {
    for (const std::uint32_t m : pack.members) {
      EXPECT_TRUE(seen.insert(m).second) << "trial " << m << " twice";
      EXPECT_EQ(plan.trials[m].shape, pack.shape);
      EXPECT_LE(pack.members.size(), static_cast<std::size_t>(plan.trials[m].pack));
    }
  }
  EXPECT_EQ(seen.size(), plan.trials.size()) << "a trial is in no pack";
  EXPECT_TRUE(std::is_sorted(packs.begin(), packs.end(), [](const auto& a, const auto& b) {
    return a.cost > b.cost;
  })) << "the dearest first";
  return packs;
}

// When each team, always taking the next pack, is done.
double makespan(const std::vector<WorkPack>& packs, int teams) {
  std::vector<double> busy(static_cast<std::size_t>(teams), 0);
  for (const WorkPack& pack : packs) *std::min_element(busy.begin(), busy.end()) += pack.cost;
  return *std::max_element(busy.begin(), busy.end());
}

std::vector<std::size_t> sizes(const std::vector<WorkPack>& packs) {
  std::vector<std::size_t> out;
  for (const WorkPack& pack : packs) out.push_back(pack.members.size());
  return out;
}

TEST(Packs, AreEquallyLargeAndFillTheTeams) {
  EXPECT_EQ(sizes(packs_of(plan_of({0, 100}), 1)), (std::vector<std::size_t>{20, 20, 20, 20, 20}));
  EXPECT_EQ(sizes(packs_of(plan_of({0, 100}), 4)),
            (std::vector<std::size_t>{13, 13, 13, 13, 12, 12, 12, 12}));
  EXPECT_EQ(sizes(packs_of(plan_of({0, 10}), 8)),
            (std::vector<std::size_t>{2, 2, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(sizes(packs_of(plan_of({0, 3}), 8)), (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(packs_of(plan_of({4, 24}), 1).size(), 5u);
  EXPECT_TRUE(packs_of(plan_of({}), 3).empty());
}

TEST(Packs, OfALongListEndInSmallOnes) {
  const std::vector<WorkPack> packs = packs_of(plan_of({0, 960}), 4);
  EXPECT_EQ(packs.front().members.size(), 24u);
  EXPECT_EQ(packs.back().members.size(), 12u);
  EXPECT_EQ(packs.size(), 44u);
}

TEST(Packs, LeaveNoTeamIdleForLong) {
  for (const int teams : {1, 2, 3, 4, 7, 16}) {
    for (const auto& shapes : std::vector<std::vector<std::size_t>>{
             {0, 960}, {0, 100, 100}, {0, 24, 24, 24, 24, 24, 24, 24}, {0, 500, 30, 7}, {9, 210}}) {
      const Plan plan = plan_of(shapes);
      const std::vector<WorkPack> packs = packs_of(plan, teams);
      double work = 0;
      for (const WorkPack& pack : packs) work += pack.cost;
      EXPECT_LT(makespan(packs, teams), work / teams + packs.front().cost);
    }
  }
}

TEST(Packs, CostsLieBetweenAloneAndPacked) {
  const Plan plan = plan_of({0, 1});
  EXPECT_DOUBLE_EQ(packed_cost(plan.trials[0], 1), 5);
  EXPECT_DOUBLE_EQ(packed_cost(plan.trials[0], 24), 1);
  EXPECT_LT(packed_cost(plan.trials[0], 12), packed_cost(plan.trials[0], 6));
}

// Milliseconds of docs/packs.md: alone and in packs with torch's kernels, and fused.
struct Measured {
  const char* name;
  models::Fusion fusion;
  std::int64_t hidden;
  std::int64_t pack;
  double alone, packed, fused;
};

TEST(Packs, EstimatesAreCloseToWhatWasMeasured) {
  data::Fold fold;
  fold.train.resize(330);
  fold.validation.resize(15);
  fold.test.resize(15);
  using models::Fusion;
  for (const Measured& m :
       {Measured{"mlp 64", Fusion::none, 64, 24, 68, 19, 12},
        Measured{"mlp 128", Fusion::none, 128, 24, 80, 28, 20},
        Measured{"gated 64", Fusion::gated, 64, 12, 130, 45, 31},
        Measured{"gated 128", Fusion::gated, 128, 8, 192, 116, 77},
        Measured{"attention 64", Fusion::cross_attention, 64, 8, 694, 718, 466},
        Measured{"attention 128", Fusion::cross_attention, 128, 1, 2580, 2594, 1866}}) {
    trainer::TrialSpec spec;
    spec.model.fusion = m.fusion;
    spec.model.hidden_size = m.hidden;
    spec.model.classes = 8;
    spec.model.inputs = {"audio"};
    spec.model.widths = {69};
    if (m.fusion != Fusion::none) {
      spec.model.inputs.push_back("visual");
      spec.model.widths.push_back(56);
    }
    const double alone = 1e3 * trial_seconds(spec, fold),
                 packed = 1e3 * trial_seconds(spec, fold, 1, m.pack);
    spec.model.kernels = models::Kernels::fused;
    const double fused = 1e3 * trial_seconds(spec, fold);
    const auto close = [&](const char* what, double estimated, double measured) {
      EXPECT_LT(std::max(estimated / measured, measured / estimated), 1.5)
          << m.name << " " << what << ": " << estimated << " for " << measured;
    };
    close("alone", alone, m.alone);
    close("packed", packed, m.packed);
    close("fused", fused, m.fused);
    close("packed over alone", packed / alone, m.packed / m.alone);
    EXPECT_EQ(trial_seconds(spec, fold, 1, 24), fused / 1e3) << "nothing to share";
  }
}

TEST(Packs, TheKeyDecidesWhereResultsAllowIt) {
  const SampleFiles files;
  const auto plan = [&](const std::string& more) {
    return files.plan(one_experiment("modality: both\nkernels: torch\nhidden_size: 32\n" + more));
  };
  const Plan automatic = plan("seeds: 4"), off = plan("pack: off\nseeds: 4");
  EXPECT_GE(automatic.trials[0].pack, 8);
  EXPECT_GT(automatic.trials[0].cost_alone, 2 * automatic.trials[0].cost);
  EXPECT_EQ(off.trials[0].pack, 1);
  EXPECT_STREQ(off.trials[0].alone, "pack: off");
  EXPECT_EQ(off.trials[0].id, automatic.trials[0].id) << "packs change no result";
  EXPECT_EQ(off.file.resolved_sha256, automatic.file.resolved_sha256);
  EXPECT_EQ(plan("pack: 3").trials[0].pack, 3);
  EXPECT_EQ(plan("pack: 3\nranks_per_trial: 2").trials[0].pack, 3);
  const std::string fused = "modality: both\nhidden_size: 32\n";
  EXPECT_EQ(files.plan(one_experiment(fused)).trials[0].pack, 1);
  EXPECT_EQ(files.plan(one_experiment(fused + "pack: 3")).trials[0].pack, 3);
  for (const char* alone :
       {"pack: 3\nranks_per_trial: 3", "pack: 3\nepochs: 1000000", "pack: 3\nmodel: linear"}) {
    EXPECT_EQ(plan(alone).trials[0].pack, 1) << alone;
  }
  EXPECT_EQ(files.plan(one_experiment("modality: both\nkernels: torch\nhidden_size: 601\npack: 3"))
                .trials[0]
                .pack,
            1);
  EXPECT_EQ(files.plan(one_experiment("modality: both\nkernels: torch\nhidden_size: 4096"))
                .trials[0]
                .pack,
            1);
}

}  // namespace
}  // namespace emosweep::launcher
