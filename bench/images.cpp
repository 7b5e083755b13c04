// CPU time of training and evaluating image networks on one thread, by the program's own steps:
//   bench_images small_cnn|resnet18 HEIGHT WIDTH [STEPS] [DATASET]
//   bench_images --cuda ...   wall time, on a GPU
// Images and labels lie in memory; a step is what the training loop does: batch of 16 picked by
// index, forward, class-weighted cross entropy, backward, AdamW. Evaluation is trainer::evaluate().
// With DATASET (recordings): also what cutting and augmenting a batch of its windows takes. Prints
// one line of JSON: milliseconds a clip, after three steps that make kernels.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "data/audio/clip_images.h"
#include "data/batch.h"
#include "distributed/devices.h"
#include "trainer/engine.h"
#include "trainer/evaluate.h"
#include "trainer/optimizer.h"

using namespace emosweep;

namespace {

constexpr std::int64_t kRows = 256, kClasses = 8, kBatch = 16;

struct Shape {
  std::string model;
  std::int64_t height = 0, width = 0;
  bool cuda = false;
};

double seconds_of(const Shape& shape) {
  if (!shape.cuda) return thread_cpu_seconds();
  distributed::wait_for_device();
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

data::FoldTensors noise(const Shape& shape) {
  data::FoldTensors fold;
  fold.x = {at::empty({kRows, shape.height * shape.width})};
  float* x = fold.x[0].mutable_data_ptr<float>();
  std::uint64_t word = 1;
  for (std::int64_t i = 0; i < fold.x[0].numel(); ++i) {
    word = word * 6364136223846793005u + 1442695040888963407u;
    x[i] = static_cast<float>(word >> 40) / static_cast<float>(1 << 23) - 1;
  }
  fold.present = {at::Tensor()};
  fold.label = at::remainder(at::arange(kRows, at::kLong), kClasses);
  return fold;
}

struct Figures {
  double train = 0, evaluate = 0, loss = 0;  // milliseconds a clip
};

Figures measure(const Shape& shape, std::int64_t steps) {
  const data::FoldTensors fold = noise(shape);
  const std::vector<StreamKey> keys{trial_key(1, "bench")};
  models::ModelOptions options;
  options.model = shape.model;
  options.inputs = {"wave"};
  options.widths = {shape.height * shape.width};
  options.image_height = shape.height;
  options.image_width = shape.width;
  options.classes = kClasses;
  if (shape.cuda) {
    distributed::use_device(0);
    options.device = at::kCUDA;
  }
  const std::unique_ptr<models::Model> model = models::make_model(options, keys);
  trainer::ObjectiveOptions loss;
  loss.class_weights = trainer::ClassWeights::list;
  for (std::int64_t c = 0; c < kClasses; ++c) {
    loss.weights.push_back(0.5 + static_cast<double>(c) / (kClasses - 1));
  }
  const auto objective = trainer::make_objective(
      {loss}, at::full({1, kClasses}, kRows / kClasses, at::kDouble), at::kFloat);
  trainer::LoopOptions loop;
  loop.batch_size = kBatch;
  trainer::Pack pack{.model = *model,
                     .objective = *objective,
                     .folds = {&fold},
                     .train = {},
                     .validation = {},
                     .keys = keys,
                     .optimizer = {trainer::OptimizerOptions{}},
                     .loop = {loop},
                     .run_epochs = {}};
  Alone alone;
  const std::unique_ptr<trainer::Engine> engine = trainer::make_engine(pack, alone);
  trainer::Optimizer optimizer(pack.optimizer, model->flat(), model->decay_mask());
  std::vector<std::int64_t> order(kRows);
  std::iota(order.begin(), order.end(), 0);
  engine->begin_epoch({order});
  const std::vector<double> rate{1e-3};
  Figures figures;
  const auto train = [&](std::int64_t count) {
    const double start = seconds_of(shape);
    for (std::int64_t i = 0; i < count; ++i) {
      const trainer::StepPlace place{0, i % (kRows / kBatch), i};
      const trainer::TermValues term =
          engine->forward(place, at::full({1}, 0.3, at::kDouble)).at(0);
      figures.loss = term.sum[0] / term.count[0];
      engine->backward({1});
      optimizer.step(model->flat(), model->flat_grad(), rate);
    }
    return 1000 * (seconds_of(shape) - start) / static_cast<double>(count * kBatch);
  };
  train(shape.cuda ? 20 : 3);
  figures.train = train(steps);
  const std::vector<const data::FoldTensors*> folds{&fold};
  const std::vector<std::vector<std::int64_t>> all{order};
  const trainer::EvaluationRows rows = trainer::evaluation_rows(folds, all);
  const auto evaluate = [&](std::int64_t count) {
    const double start = seconds_of(shape);
    for (std::int64_t i = 0; i < count; ++i) {
      trainer::evaluate(*model, *objective, rows, keys, alone);
    }
    return 1000 * (seconds_of(shape) - start) / static_cast<double>(count * kRows);
  };
  evaluate(1);
  figures.evaluate = evaluate(1 + steps / 24);
  if (!std::isfinite(figures.loss)) throw std::runtime_error("the loss is not finite");
  return figures;
}

// Milliseconds to cut, scale and augment a clip, as the training step does before its forward pass.
double batch_milliseconds(const std::string& description) {
  const data::Dataset dataset = data::load_dataset(description).dataset;
  std::vector<std::int32_t> rows(static_cast<std::size_t>(dataset.size()));
  std::iota(rows.begin(), rows.end(), 0);
  data::PrepareOptions prepare;
  prepare.modalities = {dataset.modalities.at(0).name};
  const auto images =
      std::make_shared<data::ClipImages>(dataset, dataset.modalities.at(0), rows, prepare);
  const data::FoldTensors fold = data::make_fold_images(dataset, images, at::kFloat);
  const std::vector<const data::FoldTensors*> folds{&fold};
  const StreamKey key = trial_key(1, "bench");
  const std::vector<std::vector<std::int64_t>> order{data::epoch_order(rows, key, 0)};
  const std::int64_t batches = dataset.size() / kBatch;
  const data::Augmented augmented{{}, derive(key, "augment"), 0};
  double seconds = 0;
  for (int round = 0; round < 2; ++round) {  // the first maps the store's pages
    const double start = thread_cpu_seconds();
    for (std::int64_t i = 0; i < batches; ++i) {
      data::gather_batch(folds, order, i, kBatch, {}, 1, &augmented);
    }
    seconds = thread_cpu_seconds() - start;
  }
  return 1000 * seconds / static_cast<double>(batches * kBatch);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bool cuda = argc > 1 && argv[1] == std::string("--cuda");
    if (cuda) --argc, ++argv;
    if (argc < 4) {
      throw InputError("usage: bench_images [--cuda] MODEL HEIGHT WIDTH [STEPS] [DATASET]");
    }
    at::set_num_threads(1);
    const Figures figures = measure({argv[1], std::atoll(argv[2]), std::atoll(argv[3]), cuda},
                                    argc > 4 ? std::atoll(argv[4]) : 24);
    std::printf("{\"train_ms\": %.4f, \"evaluate_ms\": %.4f", figures.train, figures.evaluate);
    if (argc > 5) std::printf(", \"batch_ms\": %.4f", batch_milliseconds(argv[5]));
    std::printf("}\n");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_images: %s\n", e.what());
    return 2;
  }
}
