// Starts MPI and LibTorch, trains nothing and ends: what the start of any such program costs.
#include <ATen/ATen.h>

#include <cstdio>

#include "distributed/world.h"

int main(int argc, char** argv) {
  const emosweep::distributed::World world = emosweep::distributed::start(&argc, &argv);
  const at::Tensor x = at::ones({8, 8});
  const double sum = at::mm(x, x).sum().item<double>();
  emosweep::distributed::barrier("end", emosweep::distributed::in_seconds(60));
  if (world.rank == 0) std::printf("%g\n", sum);
  emosweep::distributed::finish();
  return 0;
}
