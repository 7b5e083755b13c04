// How much of a gradient's way through the team hides behind the backward pass:
//   mpirun -np 2 --bind-to none bench_reduce_overlap [hidden] [batch] [steps]
// A fusion model of the program, once with its gradient summed in buckets during the backward pass,
// once as a whole afterwards. Prints one line of JSON, medians in milliseconds. The wait of a step
// is that of the rank that computed longest: what the others wait before that is no communication.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "distributed/reducer.h"
#include "distributed/team.h"
#include "models/model.h"

using namespace emosweep;
using namespace emosweep::distributed;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::int64_t kFeatures = 512, kClasses = 8;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

data::Batch batch_of(std::int64_t rows, int rank) {
  data::Batch batch;
  batch.global_rows = rows;
  for (int m = 0; m < 2; ++m) {
    data::Input input;
    input.x =
        (at::arange(rows * kFeatures, at::kFloat) + rank + m).sin().reshape({1, rows, kFeatures});
    batch.inputs.push_back(input);
  }
  batch.position = at::arange(rows, at::kLong).reshape({1, rows});
  batch.sample = batch.position;
  batch.weight = at::ones({1, rows});
  return batch;
}

struct Times {
  std::vector<double> step, backward, exposed;  // milliseconds
  std::size_t buckets = 0;
  bool first_before_last = true;  // the first bucket was started before the last gradient was ready
};

// Of every step, the shortest over the team.
std::vector<double> shortest(Team& team, const std::vector<double>& mine) {
  const auto steps = static_cast<std::int64_t>(mine.size());
  at::Tensor all = at::zeros({team.size, steps}, at::kDouble);
  std::copy(mine.begin(), mine.end(), all.mutable_data_ptr<double>() + team.rank * steps);
  const at::Tensor least = std::get<0>(team.sum(all).min(0)).contiguous();
  return {least.const_data_ptr<double>(), least.const_data_ptr<double>() + steps};
}

Times run(Team& team, std::int64_t hidden, std::int64_t rows, int steps,
          std::int64_t bucket_bytes) {
  models::ModelOptions options;
  options.fusion = models::Fusion::concat;
  options.inputs = {"audio", "visual"};
  options.widths = {kFeatures, kFeatures};
  options.hidden_size = hidden;
  options.classes = kClasses;
  const std::vector<StreamKey> keys{trial_key(1, "bench")};
  const auto model = models::make_model(options, keys);
  const auto reducer = make_reducer(team, model->flat_grad(), {bucket_bytes});
  for (const models::Variable& v : model->variables()) reducer->add(v.name, v.value);
  const data::Batch batch = batch_of(rows, team.rank);
  Times times;
  for (int s = 0; s < steps + 2; ++s) {
    const models::Step step{true, 0, s, keys, at::full({1}, 0.3), team};
    const auto begin = Clock::now();
    model->zero_gradient();
    const at::Tensor loss = model->forward(batch, step).heads[0].square().mean();
    const auto forward = Clock::now();
    torch::autograd::backward({loss}, {});
    const double backward = milliseconds_since(forward);
    const auto after = Clock::now();
    reducer->finalize();
    if (s < 2) continue;  // warm-up
    times.exposed.push_back(milliseconds_since(after));
    times.step.push_back(milliseconds_since(begin));
    times.backward.push_back(backward);
    const ReducerTrace& trace = reducer->trace();
    times.buckets = trace.buckets.size();
    times.first_before_last &= trace.buckets[0].launched < trace.last_gradient;
  }
  times.exposed = shortest(team, times.exposed);
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const World world = start(&argc, &argv);
  at::set_num_threads(1);
  const std::int64_t hidden = argc > 1 ? std::atoll(argv[1]) : 2048;
  const std::int64_t rows = argc > 2 ? std::atoll(argv[2]) : 512;
  const int steps = argc > 3 ? std::atoi(argv[3]) : 20;
  auto store = make_store(world);
  const auto team = make_team(world, find_team(world, world.size), store);
  TeamOrder order;
  if (team->place().leads()) {
    order = team->tell(1);
  } else {
    order = *team->hear(std::chrono::seconds{60});
  }
  pin_to_core(world);
  team->join(order);
  const Times whole = run(*team, hidden, rows, steps, std::int64_t{1} << 40);
  const Times buckets = run(*team, hidden, rows, steps, ReducerOptions{}.bucket_bytes);
  if (world.rank == 0) {
    std::printf(
        "{\"ranks\": %d, \"hidden\": %lld, \"rows_per_rank\": %lld, \"buckets\": %zu, "
        "\"step_whole_ms\": %.2f, \"step_buckets_ms\": %.2f, \"collective_ms\": %.2f, "
        "\"exposed_ms\": %.2f, \"exposed_share\": %.3f, \"backward_ms\": %.2f, "
        "\"first_bucket_before_last_gradient\": %s}\n",
        world.size, static_cast<long long>(hidden), static_cast<long long>(rows), buckets.buckets,
        median(whole.step), median(buckets.step), median(whole.exposed), median(buckets.exposed),
        median(buckets.exposed) / median(whole.exposed), median(buckets.backward),
        buckets.first_before_last ? "true" : "false");
  }
  team->close();
  if (world.rank != 0) store.reset();
  barrier("end of the benchmark", in_seconds(60));
  store.reset();
  finish();
}
