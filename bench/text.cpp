// CPU time of tokens and of embeddings of texts, on one thread (of a process that has one core):
//   bench_text ENCODER MAX_LENGTH < texts, one a line
// Prints one line of JSON: seconds of all texts, after some that warm up.
#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/clock.h"
#include "data/text/wordpiece.h"
#include "trainer/text_embedder.h"

using namespace emosweep;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  at::set_num_threads(1);
  const data::EmbeddingOptions options{argv[1], "mean", std::atoll(argv[2])};
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(line);
  const data::WordPiece tokenizer = data::WordPiece::load(options.encoder);
  const auto count = [&] {
    std::size_t tokens = 0;
    for (const std::string& text : texts)
      tokens += tokenizer.encode(text, options.max_length).size();
    return tokens;
  };
  count();
  double start = thread_cpu_seconds();
  const std::size_t tokens = count();
  const double tokenizing = thread_cpu_seconds() - start;
  trainer::EncoderEmbedder embedder;
  (void)embedder.embed(options, {texts.begin(), texts.begin() + 8});
  start = thread_cpu_seconds();
  const std::vector<float> all = embedder.embed(options, texts);
  const double embedding = thread_cpu_seconds() - start;
  double sum = 0;
  for (const float x : all) sum += x;
  std::printf(
      "{\"texts\": %zu, \"tokens\": %zu, \"tokenize_s\": %.6f, \"embed_s\": %.6f, \"sum\": %.3f}\n",
      texts.size(), tokens, tokenizing, embedding, sum);
}
