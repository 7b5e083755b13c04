// Trials on teams of one rank or of several as threads, at the level of the loop.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "../data/recordings.h"
#include "../distributed/thread_ranks.h"
#include "synthetic.h"
#include "trainer/device.h"
#include "trainer/evaluate.h"
#include "trainer/fold_cache.h"
#include "trainer/loop.h"

namespace emosweep::trainer {

struct Outcome {
  at::Tensor logits, start, end;  // of all rows; weights before and after
  LoopResult loop;
};

// One trial at the level of the loop, so that logits can be looked at.
inline Outcome train_on(Collective& team, const TrialSpec& spec) {
  FoldCache cache;
  const auto prepared = cache.get(*spec.dataset, spec.fold->train, spec.prepare, spec.model.dtype);
  const std::vector<StreamKey> keys{trial_key(spec.seed, spec.fold->name)};
  const auto model = models::make_model(spec.model, keys);
  at::Tensor counts = at::zeros({1, spec.model.classes}, at::kDouble);
  for (std::int32_t r : spec.fold->train)
    counts[0][spec.dataset->label[static_cast<std::size_t>(r)]] += 1;
  const auto objective = make_objective({spec.objective}, counts, spec.model.dtype);
  Outcome out;
  out.start = model->flat().to(at::kCPU, false, true);
  Pack pack{*model,
            *objective,
            {&prepared->tensors},
            {spec.fold->train},
            {spec.fold->validation},
            keys,
            {spec.optimizer},
            {spec.loop},
            {},
            nullptr,
            spec.augment,
            {{spec.loop.curriculum, spec.fold->train, spec.dataset->difficulty, spec.dataset->label,
              spec.loop.batch_size, keys[0]}}};
  out.loop = train_pack(pack, team, {})[0];
  out.end = model->flat().to(at::kCPU, false, true);
  std::vector<std::int64_t> rows;
  for (std::int32_t r = 0; r < spec.dataset->size(); ++r) rows.push_back(r);
  const data::FoldTensors* folds[] = {&prepared->tensors};
  const std::vector<std::int64_t> order[] = {rows};
  const at::NoGradGuard no_grad;
  Alone alone;
  const models::Step step{false, 0, 0, keys, at::zeros({1}), alone};
  data::Batch all = data::gather_batch(folds, order, 0, spec.dataset->size());
  data::add_views(all, prepared->tensors);
  out.logits = forward_on_device(*model, all, step).heads[0].clone();
  return out;
}

inline Outcome on_ranks(int ranks, const TrialSpec& spec) {
  if (ranks == 1) {
    Alone alone;
    return train_on(alone, spec);
  }
  std::vector<Outcome> all(static_cast<std::size_t>(ranks));
  distributed::test::run_team(ranks, [&](distributed::Team& team) {
    all[static_cast<std::size_t>(team.rank)] = train_on(team, spec);
  });
  for (const Outcome& other : all) {
    EXPECT_TRUE(at::equal(other.end, all[0].end)) << "the ranks hold different weights";
    EXPECT_EQ(other.loop.best_epoch, all[0].loop.best_epoch);
  }
  return all[0];
}

inline double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Recordings whose spectrograms tell the label, and everything that training draws for them.
inline void use_recordings(data::Dataset& dataset, TrialSpec& spec, const data::Folder& folder) {
  data::Spectrograms made;
  made.bands = 6;
  made.clips = dataset.size();
  made.frames = [](std::int64_t clip) { return 14 + clip % 7; };
  made.decibels = [&](std::int64_t clip, std::int64_t f, std::int64_t b) {
    const auto label = dataset.label[static_cast<std::size_t>(clip)];
    return static_cast<float>(-20 + 15 * ((f + label * b) % 3) - (clip * 31 + f * 7 + b) % 10);
  };
  std::vector<std::int64_t> clips;
  for (std::int64_t r = 0; r < dataset.size(); ++r) clips.push_back(r % 13 == 0 ? -1 : r);
  dataset.modalities = {data::recordings(folder, made, clips)};
  spec.prepare = {{"wave"}, data::Normalise::train, ""};
  spec.model.inputs = {"wave"};
  spec.model.widths = {6 * 16};
  spec.model.fusion = models::Fusion::none;
  spec.model.model = "small_cnn";
  spec.model.image_height = 6;
  spec.model.image_width = 16;
  spec.augment = {true, 2, 3, 2, .2, 3, 20, .4, .1, .1};
}

// Texts of one to nine words for an encoder of random weights, with dropout and rates by layer.
inline void use_texts(data::Dataset& dataset, TrialSpec& spec, const data::Folder& folder) {
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (int w = 0; w < 30; ++w) vocabulary += "w" + std::to_string(w) + "\n";
  folder.write("vocab.txt", vocabulary);
  data::Modality texts{"post", "text", {}, 0, {}, {}};
  for (std::int64_t r = 0; r < dataset.size(); ++r) {
    const auto label = static_cast<std::int64_t>(dataset.label[static_cast<std::size_t>(r)]);
    std::string text = "w" + std::to_string(label * 3 + r % 3);
    for (std::int64_t i = 0; i < (r * 7) % 9; ++i) text += " w" + std::to_string((r * 5 + i) % 30);
    texts.text.push_back(text);
    texts.present.push_back(1);
  }
  dataset.modalities = {texts};
  spec.prepare = {{"post"}, data::Normalise::none, "", folder.path, 8};
  spec.model.inputs = {"post"};
  spec.model.widths = {8};
  spec.model.fusion = models::Fusion::none;
  spec.model.model = "transformer";
  spec.model.text.encoder = {"bert", 35, 16, 2, 8, 2, 2, 12, 1e-12, "gelu"};
  spec.model.text.dropout = 0.2;
  spec.model.text.layer_lr_decay = 0.8;
  spec.model.dtype = at::kDouble;
}

}  // namespace emosweep::trainer
