// Supervised contrastive loss of rows that share aspect labels.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "base/collective.h"
#include "trainer/objective.h"

namespace emosweep::trainer {

struct ContrastiveRows {
  at::Tensor embedding;       // [K,b,H], of which the term is differentiable
  at::Tensor index;           // [K,b,A] int64, -1 unknown
  at::Tensor weight;          // [K,b]; a row of weight 0 is not looked at
  std::int64_t neutral = -1;  // the class that says nothing; -1: there is none
};

// Over the rows of the GLOBAL batch, in float64. With s_ij = cosine(x_i, x_j) / T and
//   w_ij = 0.1 + sum over aspects that both know of [same label] (1 + [not neutral]) / (2 A):
//   mean over rows i of -log( sum_{j != i} w_ij exp(s_ij) / sum_{j != i} exp(s_ij) ).
// A batch of one row has no pairs, and count 0. All ranks call.
Term contrastive_term(const ContrastiveRows& rows, std::span<const double> temperature,
                      Collective& team);

}  // namespace emosweep::trainer
