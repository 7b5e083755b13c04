// Trials that are interrupted and go on: the same bits as undisturbed ones, whatever became of the
// files.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "../base/temporary_folder.h"
#include "../distributed/thread_ranks.h"
#include "base/files.h"
#include "synthetic.h"
#include "trainer/checkpoint.h"
#include "trainer/checkpoint_file.h"
#include "trainer/fold_cache.h"
#include "trainer/loop.h"

namespace emosweep::trainer {
namespace {

namespace fs = std::filesystem;
using test::spec_of;
using Bytes = std::vector<std::uint8_t>;

Stopping after_steps(int steps) {
  return [steps, asked = 0]() mutable { return ++asked == steps; };
}

struct Resuming : testing::Test {
  data::Dataset dataset = test::dataset_of(120, 2.5);  // hard: the best epoch is not the last
  data::Fold fold = test::fold_of(dataset);
  TrialSpec spec = spec_of(dataset, fold);
  TemporaryFolder folder;
  std::vector<std::string> told, troubles;  // by rank 0

  Resuming() {
    spec.loop.epochs = 12;  // of 5 steps; the refit's have 7
    spec.loop.patience = 5;
    spec.loop.refit = true;
    spec.save_models = true;
    spec.optimizer.schedule = "cosine";
    spec.optimizer.warmup_steps = 8;
  }

  CheckpointOptions options(double after_seconds = 0) {
    CheckpointOptions out;
    out.folder = folder.path() / "checkpoints";
    out.after_seconds = after_seconds;
    out.tell = [this](const std::string& what, bool trouble) {
      (trouble ? troubles : told).push_back(what);
    };
    return out;
  }

  Trained train(const Stopping& stopping = {}, const CheckpointOptions& checkpoints = {}) {
    FoldCache cache;
    Alone team;
    return trained_or_throw(train_trials({&spec, 1}, cache, team, stopping, checkpoints)[0]);
  }
  void interrupt(int steps, double after_seconds = 0) {
    EXPECT_THROW(train(after_steps(steps), options(after_seconds)), Interrupted);
  }

  fs::path trial_folder() const { return folder.path() / "checkpoints" / spec.id.hex(); }
  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(trial_folder(), none)) {
      all.push_back(entry.path());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
};

void expect_equal(const Trained& a, const Trained& b) {
  EXPECT_EQ(results::result_digest(a.record), results::result_digest(b.record));
  EXPECT_EQ(*a.weights, *b.weights);
  EXPECT_EQ(a.record.cost.steps, b.record.cost.steps);
}

void damage(const fs::path& file) {
  Bytes bytes = read_bytes(file);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

TEST_F(Resuming, EqualsTheUninterruptedTrialBitForBitWithEveryOptimizer) {
  for (const std::string optimizer : {"adamw", "adam", "sgd", "fused adamw"}) {
    SCOPED_TRACE(optimizer);
    const bool fused = optimizer == "fused adamw";
    spec.model.kernels = fused ? models::Kernels::fused : models::Kernels::torch;
    spec.optimizer.optimizer = fused ? "adamw" : optimizer;
    spec.optimizer.momentum = 0.9;
    spec.optimizer.clip_norm = 1;
    const Trained whole = train();
    const std::int64_t fit = whole.record.result.epochs * 5;
    const std::int64_t all = whole.record.cost.steps;
    ASSERT_LT(whole.record.result.best_epoch + 1, whole.record.result.epochs);
    ASSERT_GT(all, fit + 7);
    // In the first epoch, at an epoch's last step, after the best epoch, at the last step of the
    // fit, in the refit, at its last step.
    const auto best_end = static_cast<int>(whole.record.result.best_epoch + 1) * 5;
    for (int steps : {1, 10, best_end + 2, static_cast<int>(fit), static_cast<int>(fit) + 3,
                      static_cast<int>(all)}) {
      SCOPED_TRACE(steps);
      told.clear();
      interrupt(steps);
      const Trained resumed = train({}, options());
      ASSERT_EQ(told.size(), 1u);
      if (steps == 10) {
        EXPECT_EQ(told[0], "resumed from epoch 1, step 10");
      }
      EXPECT_EQ(told[0].ends_with(" of the refit"), steps > fit) << told[0];
      expect_equal(resumed, whole);
      fs::remove_all(trial_folder());
    }
  }
  EXPECT_TRUE(troubles.empty());
}

TEST_F(Resuming, AgainAndAgain) {
  spec.loop.selection_metric = "macro_f1";
  spec.loop.ema_decay = 0.8;
  const Trained whole = train();
  for (int part = 0;; ++part) {
    try {
      const Trained resumed = train(after_steps(7), options());
      EXPECT_GT(part, 4);
      expect_equal(resumed, whole);
      EXPECT_GT(resumed.record.cost.wall_seconds, 0) << "of all the parts before the last";
      EXPECT_GT(resumed.record.cost.cpu_seconds, 0);
      break;
    } catch (const Interrupted&) {
      EXPECT_LE(files().size(), 2u);
    }
    EXPECT_EQ(told.size(), static_cast<std::size_t>(part));
  }
}

TEST_F(Resuming, FromTheLastStepsBeforeACrash) {
  const Trained whole = train();
  for (int steps : {2, 37, static_cast<int>(whole.record.cost.steps)}) {
    EXPECT_THROW(train(
                     [steps, asked = 0]() mutable -> bool {
                       return ++asked == steps ? throw std::runtime_error("crash") : false;
                     },
                     options()),
                 std::runtime_error);
    ASSERT_FALSE(files().empty());
    EXPECT_LE(files().size(), 2u);
    told.clear();
    expect_equal(train({}, options()), whole);
    EXPECT_EQ(told.size(), 1u);
    fs::remove_all(trial_folder());
  }
}

TEST_F(Resuming, AnInterruptedTrialIsKeptWhereItIsOldEnoughOrWasResumed) {
  interrupt(7, 1000);
  EXPECT_TRUE(files().empty());
  interrupt(7);
  interrupt(1, 1000);
  const Trained resumed = train({}, options(1000));
  EXPECT_EQ(told, (std::vector<std::string>{"resumed from epoch 1, step 7",
                                            "resumed from epoch 1, step 8"}));
  expect_equal(resumed, train());
}

TEST_F(Resuming, WithoutAFolderNothingIsKept) {
  EXPECT_THROW(train(after_steps(7)), Interrupted);
  expect_equal(train(), train({}, options()));
  EXPECT_TRUE(told.empty());
}

TEST_F(Resuming, ADamagedCheckpointGivesWayToTheOneBeforeIt) {
  const Trained whole = train();
  interrupt(8);
  interrupt(9);
  ASSERT_EQ(files().size(), 2u);
  told.clear();
  const std::string newest = files()[1].string();
  damage(newest);
  expect_equal(train({}, options()), whole);
  ASSERT_EQ(troubles.size(), 1u);
  EXPECT_NE(troubles[0].find(newest + ": its SHA-256 does not fit"), std::string::npos)
      << troubles[0];
  ASSERT_EQ(told.size(), 1u);
}

TEST_F(Resuming, WithoutAnyUsableCheckpointTrainingStartsAnew) {
  const Trained whole = train();
  for (int damages = 0; damages < 4; ++damages) {
    SCOPED_TRACE(damages);
    interrupt(8);
    interrupt(9);
    const std::vector<fs::path> kept = files();
    ASSERT_EQ(kept.size(), 2u);
    for (const fs::path& file : kept) {
      if (damages == 0) damage(file);
      if (damages == 1) fs::resize_file(file, fs::file_size(file) / 3);
      if (damages == 2) fs::resize_file(file, 0);
      if (damages == 3) {
        fs::remove(file);
        fs::create_directory(file);
      }
    }
    told.clear();
    troubles.clear();
    expect_equal(train({}, options()), whole);
    EXPECT_EQ(troubles.size(), 2u);
    EXPECT_TRUE(told.empty());
    fs::remove_all(trial_folder());
  }
}

TEST_F(Resuming, AForeignCheckpointIsNotUsed) {
  const Trained whole = train();
  interrupt(9);
  const Bytes mine = read_bytes(files().back());
  const auto expect_refused = [&](const Bytes& bytes, const std::string& reason) {
    const fs::path file = trial_folder() / "000077.safetensors";
    commit_file(file, bytes, "test");
    told.clear();
    troubles.clear();
    expect_equal(train(after_steps(1000), options(1000)), whole);
    ASSERT_EQ(troubles.size(), 1u) << reason;
    EXPECT_NE(troubles[0].find(file.string() + ": "), std::string::npos) << troubles[0];
    EXPECT_NE(troubles[0].find(reason), std::string::npos) << troubles[0];
    EXPECT_EQ(told, std::vector<std::string>{"resumed from epoch 1, step 9"});
  };
  models::NamedTensors contents = decode_checkpoint(mine, "mine", spec.id);
  expect_refused(encode_checkpoint(sha256("another"), contents), "trial is");
  expect_refused({'n', 'o'}, "truncated or no checkpoint");

  // The digest fits, the contents do not: one value short, a part missing, a place that is none.
  models::NamedTensors changed = contents;
  for (auto& [name, value] : changed.tensors) {
    if (name == "optimizer.first") value = value.slice(1, 0, -1).contiguous();
  }
  expect_refused(encode_checkpoint(spec.id, changed), "optimizer.first holds");
  changed = contents;
  std::erase_if(changed.tensors, [](const auto& t) { return t.first == "best.flat"; });
  expect_refused(encode_checkpoint(spec.id, changed), "it has no best.flat");
  changed = contents;
  for (auto& [name, value] : changed.tensors) {
    if (name == "place.step") value = at::full({1}, 6, at::kLong);
  }
  expect_refused(encode_checkpoint(spec.id, changed), "is no place in 12 epochs of 60 steps");
}

TEST_F(Resuming, EveryChangedByteIsFound) {
  interrupt(3);
  Bytes bytes = read_bytes(files().back());
  ASSERT_NO_THROW(decode_checkpoint(bytes, "file", spec.id));
  for (std::size_t i = 0; i < bytes.size(); i += i < 2000 ? 1 : 97) {
    bytes[i] ^= 0x20;
    EXPECT_THROW(decode_checkpoint(bytes, "file", spec.id), InputError) << "byte " << i;
    bytes[i] ^= 0x20;
  }
  for (std::size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 997) {
    EXPECT_THROW(decode_checkpoint(std::span(bytes).first(size), "file", spec.id), InputError);
  }
}

TEST_F(Resuming, AnotherVersionIsRefusedByItsName) {
  interrupt(3);
  const Bytes bytes = read_bytes(files().back());
  std::string text(bytes.begin(), bytes.end());
  const std::string version = "emosweep-checkpoint " + std::to_string(kCheckpointVersion);
  text.replace(text.find(version), version.size(), "emosweep-checkpoint 9");
  const std::size_t digits = text.find("\"sha256\":\"") + 10;
  text.replace(digits, 64, std::string(64, '0'));
  text.replace(digits, 64, sha256(text).hex());
  try {
    decode_checkpoint(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()),
                      "file", spec.id);
    FAIL();
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(),
                 ("file: format is 'emosweep-checkpoint 9', expected '" + version + "'").c_str());
  }
}

TEST_F(Resuming, StorageThatFailsIsToldOnceAndTrainingGoesOn) {
  std::ofstream(folder.path() / "checkpoints") << "a file, no folder";
  expect_equal(train({}, options()), train());
  ASSERT_EQ(troubles.size(), 1u);
  EXPECT_NE(troubles[0].find("training goes on without"), std::string::npos);
  EXPECT_THROW(train(after_steps(3), options()), Interrupted);
}

TEST_F(Resuming, ALinearTrialHasNoCheckpoint) {
  spec.model.model = "linear";
  interrupt(2);
  EXPECT_FALSE(fs::exists(folder.path() / "checkpoints"));
}

// ---- packs

TEST_F(Resuming, APackGoesOnAlsoWithATrialThatHasStopped) {
  FoldCache cache;
  Alone team;
  const auto prepared = cache.get(dataset, fold.train, spec.prepare, at::kFloat);
  const auto run = [&](const Stopping& stopping) {
    std::vector<StreamKey> keys;
    for (std::uint64_t seed : {10u, 11u, 12u}) keys.push_back(trial_key(seed, "s0"));
    const auto model = models::make_model(spec.model, keys);
    const auto objective = make_objective({{}, {}, {}}, at::ones({3, 3}), at::kFloat);
    std::vector<LoopOptions> loop(3, spec.loop);
    loop[1].patience = 1;
    Checkpoints checkpoints(options(), spec.id, team);
    checkpoints.load();
    Pack pack{*model,
              *objective,
              std::vector<const data::FoldTensors*>(3, &prepared->tensors),
              std::vector(3, fold.train),
              std::vector(3, fold.validation),
              keys,
              std::vector(3, spec.optimizer),
              loop,
              {},
              &checkpoints};
    const std::vector<LoopResult> results = train_pack(pack, team, stopping);
    return std::make_pair(model->flat().clone(), results);
  };
  const auto [weights, whole] = run({});
  ASSERT_LT(whole[1].epochs, whole[0].epochs - 1);
  fs::remove_all(trial_folder());
  told.clear();
  EXPECT_THROW(run(after_steps(static_cast<int>(whole[1].epochs) * 5 + 2)), Interrupted);
  const auto [resumed_weights, resumed] = run({});
  EXPECT_EQ(told.size(), 1u);
  EXPECT_TRUE(at::equal(resumed_weights, weights));
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(resumed[k].best_epoch, whole[k].best_epoch);
    EXPECT_EQ(resumed[k].epochs, whole[k].epochs);
    EXPECT_EQ(resumed[k].steps, whole[k].steps);
    for (std::size_t c = 0; c < whole[k].curves.size(); ++c) {
      EXPECT_EQ(resumed[k].curves[c].values, whole[k].curves[c].values);
    }
  }
}

// ---- teams

struct ResumingTeams : Resuming {
  // Every rank's trial; `stopping` is of the last rank, the others want nothing. Ranks but the
  // first see another folder, as on a file system whose view is stale.
  std::vector<Trained> train_on(int ranks, const Stopping& stopping = {}) {
    std::vector<Trained> all(static_cast<std::size_t>(ranks));
    distributed::test::run_team(ranks, [&](distributed::Team& team) {
      FoldCache cache;
      CheckpointOptions mine = options();
      if (team.rank > 0) mine.folder = folder.path() / "nowhere";
      all[static_cast<std::size_t>(team.rank)] = trained_or_throw(train_trials(
          {&spec, 1}, cache, team, team.rank == ranks - 1 ? stopping : Stopping{}, mine)[0]);
    });
    EXPECT_FALSE(fs::exists(folder.path() / "nowhere"));
    for (const Trained& other : all) expect_equal(other, all[0]);
    return all;
  }
};

void expect_near(const results::Outcome& a, const results::Outcome& b) {
  EXPECT_EQ(a.best_epoch, b.best_epoch);
  ASSERT_EQ(a.epochs, b.epochs);
  EXPECT_EQ(a.targets[0].predicted, b.targets[0].predicted);
  for (std::size_t c = 0; c < a.curves.size(); ++c) {
    for (std::size_t e = 0; e < a.curves[c].values.size(); ++e) {
      EXPECT_NEAR(a.curves[c].values[e], b.curves[c].values[e], 1e-9) << a.curves[c].name;
    }
  }
}

TEST_F(ResumingTeams, AllRanksGoOnFromTheLeadersCheckpointBitForBit) {
  const Trained whole = train_on(2)[0];
  fs::remove_all(trial_folder());
  told.clear();
  const auto fit = static_cast<int>(whole.record.result.epochs) * 5;
  for (int steps : {13, fit + 4}) {
    EXPECT_THROW(train_on(2, after_steps(steps)), Interrupted);
    expect_equal(train_on(2)[0], whole);
    EXPECT_EQ(told.size(), 1u);
    fs::remove_all(trial_folder());
    told.clear();
  }
}

TEST_F(ResumingTeams, OnAnotherNumberOfRanksTheSameTrialGoesOn) {
  spec.model.dtype = at::kDouble;
  spec.loop.dropout = 0.5;
  const results::Outcome whole = train().record.result;
  EXPECT_THROW(train_on(2, after_steps(13)), Interrupted);
  EXPECT_THROW(train_on(3, after_steps(9)), Interrupted);
  expect_near(train({}, options()).record.result, whole);
  fs::remove_all(trial_folder());
  interrupt(13);
  expect_near(train_on(2)[0].record.result, whole);
}

TEST_F(ResumingTeams, AllSetASideWhatTheLeaderFindsDamagedOrUnfit) {
  const Trained whole = train_on(2)[0];
  fs::remove_all(trial_folder());
  EXPECT_THROW(train_on(2, after_steps(13)), Interrupted);
  EXPECT_THROW(train_on(2, after_steps(1)), Interrupted);
  models::NamedTensors unfit = decode_checkpoint(read_bytes(files()[1]), "", spec.id);
  std::erase_if(unfit.tensors, [](const auto& t) { return t.first == "optimizer.second"; });
  commit_file(files()[1], encode_checkpoint(spec.id, unfit), "test");
  commit_file(trial_folder() / "000099.safetensors", std::string("damaged"), "test");
  told.clear();
  expect_equal(train_on(2)[0], whole);
  EXPECT_EQ(troubles.size(), 2u);
  EXPECT_EQ(told, std::vector<std::string>{"resumed from epoch 2, step 13"});
}

// ---- archives

TEST(Archives, KeepEveryBit) {
  const double odd[] = {-0.0, std::numeric_limits<double>::denorm_min(),
                        std::numeric_limits<double>::quiet_NaN(), 0.1};
  std::vector<double> values(odd, odd + 4), list{1}, none;
  std::vector<std::string> texts{"a \"b\"", "", "\n\xc3\xa9"};
  at::Tensor tensor = at::full({2, 3}, 0.1f);
  std::int64_t number = std::numeric_limits<std::int64_t>::min();
  Archive out;
  out.values("values", values);
  out.list("list", list);
  out.list("none", none);
  out.texts("texts", texts);
  out.tensor("tensor", tensor);
  out.number("number", number);
  const Digest id = sha256("id");
  Archive in(decode_checkpoint(encode_checkpoint(id, out.contents()), "", id));
  std::vector<double> values2(4), list2, none2{7, 8};
  std::vector<std::string> texts2;
  at::Tensor tensor2 = at::zeros({2, 3});
  std::int64_t number2 = 0;
  in.values("values", values2);
  in.list("list", list2);
  in.list("none", none2);
  in.texts("texts", texts2);
  in.tensor("tensor", tensor2);
  in.number("number", number2);
  EXPECT_EQ(std::memcmp(values2.data(), values.data(), 4 * sizeof(double)), 0);
  EXPECT_EQ(list2, list);
  EXPECT_TRUE(none2.empty());
  EXPECT_EQ(texts2, texts);
  EXPECT_TRUE(at::equal(tensor2, tensor));
  EXPECT_EQ(number2, number);
}

TEST(Archives, RefuseWhatDoesNotFit) {
  std::vector<double> three(3), two(2);
  std::vector<std::int64_t> integers(3);
  Archive out;
  out.values("three", three);
  Archive in(out.contents());
  std::vector<std::string> texts;
  EXPECT_THROW(in.values("other", three), CheckpointError);
  EXPECT_THROW(in.values("three", two), CheckpointError);
  EXPECT_THROW(in.values("three", integers), CheckpointError);
  EXPECT_THROW(in.tensor("three", at::zeros({3})), CheckpointError);
  EXPECT_THROW(in.tensor("three", at::zeros({1, 3}, at::kDouble)), CheckpointError);
  EXPECT_THROW(in.texts("three", texts), CheckpointError);
}

}  // namespace
}  // namespace emosweep::trainer
