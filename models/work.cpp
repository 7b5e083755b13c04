#include "models/work.h"

#include "models/fusion_parts.h"
#include "models/image_network.h"
#include "models/text_network.h"

namespace emosweep::models {
namespace {

// Norm, ReLU, dropout of a layer keep what came in, its normalised form, the mask and what goes
// out.
constexpr double kPerNorm = 4;

double number(std::int64_t n) { return static_cast<double>(n); }

// A row, or `rows` of them such as tokens, through a matrix of in x out.
void add_product(Work& work, double in, double out, double rows = 1, bool input_gradient = true) {
  const double once = 2 * in * out * rows;
  work.forward += once;
  work.step += (input_gradient ? 3 : 2) * once;
}

void add_linear(Work& work, const LinearAt& at) {
  add_product(work, number(at.in), number(at.out));
}

// Every token asks the tokens of the other modalities.
void add_attention(Work& work, const ModelOptions& o) {
  const double M = static_cast<double>(o.inputs.size()), H = number(o.hidden_size),
               T = number(o.tokens), heads = number(o.heads);
  for (double m = 0; m < M; ++m) {
    add_product(work, H, T * H);
    add_product(work, H, 3 * H, T);
    add_product(work, H, H, T);
    const double scores = 2 * T * (M - 1) * T * H;
    work.forward += 2 * scores;  // queries by keys, weights by values
    work.step += 6 * scores;
    work.values += 2 * heads * T * M * T;  // scores and weights; one's own tokens are masked
  }
  // Tokens; keys, queries, values, and once more by heads; context, output, its norm.
  work.values += M * T * H * (1 + 3 + 3 + 2 + 2);
  work.values += M * H;  // the mean over tokens
}

}  // namespace

Work counted_work(const ModelOptions& options) {
  if (is_image_model(options.model)) {
    const ImageWork image = image_work(options);
    return {image.forward, 3 * image.forward, image.values};
  }
  if (is_text_model(options.model)) {
    const TextWork text = text_work(options, options.text.usual_tokens);
    return {text.forward, text.step, text.values};
  }
  const Parts parts = parts_of(options);
  Work work;
  for (const LinearAt& at : parts.encoders) {
    add_product(work, number(at.in), number(at.out), 1, false);
    work.values += number(at.in) + kPerNorm * number(at.out);
  }
  if (options.fusion == Fusion::cross_attention) add_attention(work, options);
  for (const LinearAt& at : parts.fusion) {
    add_linear(work, at);
    work.values += number(at.out);
  }
  for (const NormAt& at : parts.fusion_norm) work.values += (kPerNorm - 1) * number(at.width);
  if (options.fusion == Fusion::gated) work.values += number(parts.fusion[0].in);  // gated parts
  add_linear(work, parts.head);
  work.values += number(parts.head.in + parts.head.out);
  return work;
}

}  // namespace emosweep::models
