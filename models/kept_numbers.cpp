#include "models/kept_numbers.h"

#include <ATen/ATen.h>

#include <bit>
#include <string>
#include <vector>

#include "models/text_kernels.h"

#ifdef USE_C10D_NCCL
#include <ATen/cuda/jiterator.h>
#endif

namespace emosweep::models {
namespace {

at::Tensor on_the_host(const at::Tensor& first, std::int64_t width, const TextDrop& drop) {
  at::Tensor kept = at::empty({first.size(0), width}, at::kByte);
  std::vector<std::uint32_t> words;
  for (std::int64_t r = 0; r < first.size(0); ++r) {
    draw_text_words(drop, first.const_data_ptr<std::int64_t>()[r], text_blocks(width), words);
    keep_numbers(words.data(), drop.threshold(), width,
                 kept.mutable_data_ptr<std::uint8_t>() + r * width);
  }
  return kept;
}

#ifdef USE_C10D_NCCL
// Philox4x32-10 of base/philox.h for one number: block first + j / 8, half-word j % 8. Compiled
// when it is first called, for the GPU that is there.
const std::string kCode = R"(
template <typename T> T emosweep_kept(T first, T j, T key, T high, T threshold) {
  unsigned long long n = (unsigned long long)(first + (j >> 3));
  unsigned int c0 = (unsigned int)n, c1 = (unsigned int)(n >> 32);
  unsigned int c2 = (unsigned int)(unsigned long long)high;
  unsigned int c3 = (unsigned int)((unsigned long long)high >> 32);
  unsigned int k0 = (unsigned int)(unsigned long long)key;
  unsigned int k1 = (unsigned int)((unsigned long long)key >> 32);
  for (int round = 0; round < 10; ++round) {
    unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    c0 = (unsigned int)(p1 >> 32) ^ c1 ^ k0;
    c1 = (unsigned int)p1;
    c2 = (unsigned int)(p0 >> 32) ^ c3 ^ k1;
    c3 = (unsigned int)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  int w = (int)((j >> 1) & 3);
  unsigned int word = w == 0 ? c0 : w == 1 ? c1 : w == 2 ? c2 : c3;
  unsigned int half = (j & 1) ? word >> 16 : word & 0xFFFFu;
  return half < (unsigned int)threshold ? 0 : 1;
})";

at::Tensor on_the_gpu(const at::Tensor& first, std::int64_t width, const TextDrop& drop) {
  const at::Tensor j = at::arange(width, first.options()).unsqueeze(0);
  const auto number = [](std::uint64_t bits) {
    return at::Scalar(std::bit_cast<std::int64_t>(bits));
  };
  return at::cuda::CompileAndLaunchKernel(
             kCode, "emosweep_kept", 1, {first.unsqueeze(1), j},
             {number(drop.key.a), number(drop.step ^ drop.key.b), number(drop.threshold())}, false)
      .at(0);
}
#else
at::Tensor on_the_gpu(const at::Tensor& first, std::int64_t width, const TextDrop& drop) {
  return on_the_host(first.to(at::kCPU), width, drop).to(first.device());
}
#endif

}  // namespace

at::Tensor kept_shares(const at::Tensor& first, std::int64_t width, const TextDrop& drop,
                       at::ScalarType dtype) {
  if (first.numel() == 0) return at::empty({0, width}, first.options().dtype(dtype));
  const at::Tensor kept =
      first.is_cpu() ? on_the_host(first, width, drop) : on_the_gpu(first, width, drop);
  return kept.to(dtype).mul_(drop.keep());
}

}  // namespace emosweep::models
