// How fast this core multiplies float matrices of given sizes:
//   bench_sgemm_rates KIND:BATCHxMxNxK...
// KIND says how a and b lie in memory: nn as they are multiplied, tn a transposed (a layer's dW),
// nt b transposed (its dX). BATCH products at once, or, where BATCH is 1, alone and 24 at once as
// in a pack, whichever is faster. Prints one JSON line: GFLOP/s by name, the median of 7 samples.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace {

struct Shape {
  char kind[3] = "";
  long batch = 0, m = 0, n = 0, k = 0;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

at::Tensor operand(long batch, long rows, long columns, bool transposed) {
  return transposed ? at::randn({batch, columns, rows}).transpose(1, 2)
                    : at::randn({batch, rows, columns});
}

template <typename Multiply>
double rate(double flops, const Multiply& multiply) {
  const long times = std::max<long>(1, static_cast<long>(5e8 / flops));  // about 5 ms a sample
  for (long i = 0; i < std::max<long>(1, times / 4); ++i) multiply();
  std::array<double, 7> samples{};
  for (double& sample : samples) {
    const double start = cpu_seconds();
    for (long i = 0; i < times; ++i) multiply();
    sample = flops * static_cast<double>(times) / (cpu_seconds() - start);
  }
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2] / 1e9;
}

double batched_rate(const Shape& s, long batch) {
  const at::Tensor a = operand(batch, s.m, s.k, s.kind[0] == 't');
  const at::Tensor b = operand(batch, s.k, s.n, s.kind[1] == 't');
  at::Tensor out = at::empty({batch, s.m, s.n});
  return rate(2.0 * static_cast<double>(batch * s.m * s.n * s.k), [&] { at::bmm_out(out, a, b); });
}

double single_rate(const Shape& s) {
  const at::Tensor a = operand(1, s.m, s.k, s.kind[0] == 't')[0];
  const at::Tensor b = operand(1, s.k, s.n, s.kind[1] == 't')[0];
  at::Tensor out = at::empty({s.m, s.n});
  return rate(2.0 * static_cast<double>(s.m * s.n * s.k), [&] { at::mm_out(out, a, b); });
}

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  std::string line;
  for (int i = 1; i < argc; ++i) {
    Shape s;
    if (std::sscanf(argv[i], "%2[nt]:%ldx%ldx%ldx%ld", s.kind, &s.batch, &s.m, &s.n, &s.k) != 5) {
      std::fprintf(stderr, "bench_sgemm_rates: %s is not KIND:BATCHxMxNxK\n", argv[i]);
      return 2;
    }
    const double fastest =
        s.batch > 1 ? batched_rate(s, s.batch) : std::max(single_rate(s), batched_rate(s, 24));
    char text[160];
    std::snprintf(text, sizeof text, "%s\"%s\": %.2f", line.empty() ? "" : ", ", argv[i], fastest);
    line += text;
  }
  std::printf("{%s}\n", line.c_str());
  return 0;
}
