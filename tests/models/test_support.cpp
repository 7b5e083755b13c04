#include <algorithm>
#include <cmath>
#include <limits>

#include "support.h"

namespace emosweep::models::test {

ModelOptions options_of(Fusion fusion, std::int64_t modalities, at::ScalarType dtype) {
  ModelOptions options;
  options.fusion = fusion;
  const std::vector<std::string> names = {"audio", "visual", "text", "pulse"};
  const std::vector<std::int64_t> widths = {5, 3, 6, 2};
  for (std::int64_t m = 0; m < modalities; ++m) {
    options.inputs.push_back(names[static_cast<std::size_t>(m)]);
    options.widths.push_back(widths[static_cast<std::size_t>(m)]);
  }
  options.hidden_size = 6;
  options.tokens = 3;
  options.heads = 2;
  options.classes = 4;
  options.dtype = dtype;
  return options;
}

data::Batch batch_of(const ModelOptions& options, const BatchOptions& shape) {
  data::Batch batch;
  batch.K = shape.K;
  batch.global_rows = shape.rows;
  const StreamKey key = trial_key(shape.seed, "features");
  const auto M = static_cast<std::int64_t>(options.inputs.size());
  for (std::int64_t m = 0; m < M; ++m) {
    const std::int64_t width = options.widths[static_cast<std::size_t>(m)];
    std::vector<double> values(static_cast<std::size_t>(shape.K * shape.rows * width));
    fill_normal(values, derive(key, options.inputs[static_cast<std::size_t>(m)]), 0);
    data::Input input;
    input.x = at::tensor(values, at::kDouble).view({shape.K, shape.rows, width}).to(options.dtype);
    if (shape.absent && M > 1) {
      input.present = at::ones({shape.K, shape.rows}, at::kBool);
      for (std::int64_t k = 0; k < shape.K; ++k) {
        for (std::int64_t i = 0; i < shape.rows; ++i) {
          const std::int64_t pattern = (i + 3 * k) % (2 * M + 1);
          if (pattern < M && pattern == m) input.present[k][i] = false;  // one missing
          if (pattern >= M && pattern < 2 * M && pattern - M != m) input.present[k][i] = false;
        }
      }
      input.x.mul_(input.present.unsqueeze(-1));
    }
    batch.inputs.push_back(input);
  }
  batch.position = at::arange(shape.first_position, shape.first_position + shape.rows, at::kLong)
                       .unsqueeze(0)
                       .repeat({shape.K, 1});
  return batch;
}

data::Batch alone(const data::Batch& batch, std::int64_t k) {
  data::Batch one;
  one.K = 1;
  one.global_rows = batch.global_rows;
  for (const data::Input& input : batch.inputs) {
    data::Input part;
    part.x = input.x.narrow(0, k, 1).clone();
    if (input.present.defined()) part.present = input.present.narrow(0, k, 1).clone();
    one.inputs.push_back(part);
  }
  one.position = batch.position.narrow(0, k, 1).clone();
  return one;
}

Step step_of(StepParts& parts, bool train, std::int64_t step) {
  return Step{train, 0, step, parts.keys, parts.dropout, parts.team};
}

at::Tensor Reference::linear(const std::string& name, const at::Tensor& x) {
  return at::linear(x, weights.at(name + ".weight").t(), weights.at(name + ".bias"));
}

at::Tensor Reference::norm(const std::string& name, const at::Tensor& x) {
  return at::layer_norm(x, {x.size(-1)}, weights.at(name + ".norm.gamma"),
                        weights.at(name + ".norm.beta"), 1e-5);
}

at::Tensor Reference::block(const std::string& name, const at::Tensor& x, std::int64_t position) {
  const at::Tensor y = at::relu(norm(name, linear(name, x)));
  if (rate == 0) return y;
  const std::int64_t width = y.size(-1);
  const std::int64_t blocks = (width + 3) / 4;
  at::Tensor mask = at::zeros({width}, at::kDouble);
  for (std::int64_t j = 0; j < width; ++j) {
    const auto words = philox(derive(key, "dropout/" + name), static_cast<std::uint64_t>(step),
                              static_cast<std::uint64_t>(position * blocks + j / 4));
    const bool keep = words[static_cast<std::size_t>(j % 4)] / 4294967296.0 >= rate;
    mask[j] = keep ? 1 / (1 - rate) : 0.0;
  }
  return y * mask.to(y.scalar_type());
}

at::Tensor Reference::cross(const std::vector<at::Tensor>& z, const std::vector<bool>& present) {
  const std::int64_t H = options.hidden_size, T = options.tokens, d = H / options.heads;
  std::vector<at::Tensor> tokens, keys, queries, values, pooled;
  for (std::size_t m = 0; m < z.size(); ++m) {
    const std::string name = "attention." + options.inputs[m];
    tokens.push_back(at::matmul(z[m], weights.at(name + ".tokens.weight")).view({T, H}) +
                     weights.at(name + ".tokens.embedding"));
    const std::vector<at::Tensor> w = weights.at(name + ".kqv.weight").split(H, 1);
    const std::vector<at::Tensor> bias = weights.at(name + ".qv.bias").split(H, 0);
    keys.push_back(at::matmul(tokens[m], w[0]));
    queries.push_back(at::matmul(tokens[m], w[1]) + bias[0]);
    values.push_back(at::matmul(tokens[m], w[2]) + bias[1]);
  }
  for (std::size_t m = 0; m < z.size(); ++m) {
    const std::string name = "attention." + options.inputs[m];
    std::vector<at::Tensor> k, v;
    for (std::size_t s = 0; s < z.size(); ++s) {
      if (s != m && present[s]) {
        k.push_back(keys[s]);
        v.push_back(values[s]);
      }
    }
    at::Tensor x = tokens[m];
    if (!k.empty()) {
      std::vector<at::Tensor> heads;
      for (std::int64_t h = 0; h < options.heads; ++h) {
        const at::Tensor q = queries[m].narrow(1, h * d, d);
        const at::Tensor scores =
            at::matmul(q, at::cat(k).narrow(1, h * d, d).t()) / std::sqrt(static_cast<double>(d));
        heads.push_back(at::matmul(at::softmax(scores, -1), at::cat(v).narrow(1, h * d, d)));
      }
      x = x + at::matmul(at::cat(heads, 1), weights.at(name + ".out.weight"));
    }
    const at::Tensor out = norm(name, x).mean(0);
    pooled.push_back(present[m] ? out : at::zeros_like(out));
  }
  return at::cat(pooled);
}

at::Tensor Reference::row(const data::Batch& batch, std::int64_t i) {
  const std::int64_t position = batch.position[0][i].item<std::int64_t>();
  std::vector<at::Tensor> z;
  std::vector<bool> present;
  for (std::size_t m = 0; m < options.inputs.size(); ++m) {
    const data::Input& input = batch.inputs[m];
    present.push_back(!input.present.defined() || input.present[0][i].item<bool>());
    const at::Tensor y = block("encoder." + options.inputs[m], input.x[0][i], position);
    z.push_back(present[m] ? y : at::zeros_like(y));
  }
  if (options.fusion == Fusion::none) return linear("head", z[0]);
  if (options.fusion == Fusion::concat) {
    return linear("head", block("fusion.1", block("fusion.0", at::cat(z), position), position));
  }
  if (options.fusion == Fusion::gated) {
    const at::Tensor logits = linear("gate.1", at::relu(linear("gate.0", at::cat(z))));
    std::vector<at::Tensor> kept;
    for (std::size_t m = 0; m < z.size(); ++m) {
      if (present[m]) kept.push_back(logits[static_cast<std::int64_t>(m)]);
    }
    const at::Tensor gates = at::softmax(at::stack(kept), 0);
    at::Tensor sum = at::zeros_like(z[0]);
    std::int64_t g = 0;
    for (std::size_t m = 0; m < z.size(); ++m) {
      if (present[m]) sum = sum + gates[g++] * z[m];
    }
    return linear("head", norm("fusion", sum));
  }
  return linear("head", block("fusion.0", cross(z, present), position));
}

at::Tensor Reference::logits(const data::Batch& one_trial) {
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < one_trial.position.size(1); ++i) rows.push_back(row(one_trial, i));
  return at::stack(rows);
}

at::Tensor uniform(std::int64_t n, std::int64_t salt) {
  at::Tensor t = at::empty({n}, at::kDouble);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t word = (static_cast<std::uint64_t>(i) * 2654435761u +
                                static_cast<std::uint64_t>(salt) * 40503u + 12345u) %
                               (std::uint64_t{1} << 32);
    t.mutable_data_ptr<double>()[i] = static_cast<double>(word) / 2147483648.0 - 1;
  }
  return t;
}

}  // namespace emosweep::models::test
