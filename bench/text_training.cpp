// CPU time of fine-tuning a text encoder, on one thread (of a process that has one core):
//   bench_text_training ENCODER MAX_LENGTH BATCH < texts, one a line
//   bench_text_training --cuda ...   wall time, on a GPU, from random weights where the folder has
//   none
// Batches in the order of the texts, AdamW, gradients clipped, dropout .1, five classes. Prints one
// line of JSON: seconds of all steps, behind one that warms up (three on a GPU), and the last loss.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/clock.h"
#include "data/text/wordpiece.h"
#include "distributed/devices.h"
#include "models/text_encoder.h"
#include "models/text_network.h"
#include "trainer/device.h"
#include "trainer/objective.h"
#include "trainer/optimizer.h"

using namespace emosweep;

namespace {

data::Batch batch_of(const data::TokenRows& tokens, std::int64_t first, std::int64_t rows) {
  data::FoldTensors fold;
  fold.x.emplace_back();
  fold.present.emplace_back();
  fold.tokens.push_back(std::shared_ptr<const data::TokenRows>(&tokens, [](const auto*) {}));
  fold.label = at::arange(tokens.rows()).remainder(5);
  std::vector<std::int64_t> order(static_cast<std::size_t>(tokens.rows()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  const data::FoldTensors* one = &fold;
  return data::gather_batch({&one, 1}, {&order, 1}, first / rows, rows);
}

}  // namespace

double seconds(bool cuda) {
  if (!cuda) return thread_cpu_seconds();
  distributed::wait_for_device();
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int main(int argc, char** argv) {
  const bool cuda = argc > 1 && argv[1] == std::string("--cuda");
  if (cuda) --argc, ++argv;
  if (argc != 4) return 2;
  at::set_num_threads(1);
  const std::string folder = argv[1];
  const std::int64_t warm_up = cuda ? 3 : 1;
  const std::int64_t length = std::atoll(argv[2]), rows = std::atoll(argv[3]);
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(line);
  const data::TokenRows tokens = token_rows(data::WordPiece::load(folder), texts, length);

  models::ModelOptions options;
  options.model = "transformer";
  options.inputs = {"post"};
  options.widths = {length};
  options.classes = 5;
  options.text.encoder = models::read_encoder_options(folder);
  if (cuda) {
    distributed::use_device(0);
    options.device = at::kCUDA;
  }
  const StreamKey key = trial_key(1, "");
  const auto network = models::make_model(options, {&key, 1});
  if (!cuda || std::filesystem::exists(folder + "/model.safetensors"))
    models::load_encoder(*network, models::read_encoder_weights(folder), folder);
  trainer::OptimizerOptions adamw;
  adamw.lr = 2e-5;
  adamw.clip_norm = 1;
  trainer::Optimizer optimizer({adamw}, network->flat(), network->decay_mask(),
                               network->rate_ranges());
  const auto objective =
      trainer::make_objective({{}}, at::ones({1, options.classes}, at::kDouble), options.dtype);
  Alone team;
  double loss = 0, start = 0;
  std::int64_t step = 0;
  for (std::int64_t first = 0; first + rows <= tokens.rows(); first += rows, ++step) {
    if (step == warm_up) start = seconds(cuda);
    const data::Batch batch = batch_of(tokens, first, rows);
    const models::Step at{true, 0, step, {&key, 1}, at::full({1}, .1), team};
    network->zero_gradient();
    const models::Output output = trainer::forward_on_device(*network, batch, at);
    const trainer::Term term = objective->terms(batch, output, at).at(0);
    torch::autograd::backward({term.sum / term.count}, {at::ones({1}, at::kDouble)});
    const std::vector<double> rate{adamw.lr};
    optimizer.step(network->flat(), network->flat_grad(), rate);
    loss = (term.sum / term.count).item<double>();
  }
  std::printf("{\"posts\": %lld, \"tokens\": %lld, \"train_s\": %.6f, \"loss\": %.4f}\n",
              static_cast<long long>((step - warm_up) * rows),
              static_cast<long long>(tokens.begin.back()), seconds(cuda) - start, loss);
}
