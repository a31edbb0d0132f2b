/* A transformer with linear attention as a neural operator (Hao et al. 2023, doi:10.48550/arXiv.2302.14376), with the sizes that GIOROM has (doi:10.48550/arXiv.2407.03925): a trunk with n tokens of features x, a branch with m
   tokens z (positions, say), and L blocks

     t_0 = M(x),  s = M'(z)                                      M: three linear maps, y = s(W_0 x), W_2 (y + s(W_1 y))
     t := t + cross(LN t, LN s)                                  attention `normalised` with its residual (surrogates/modules/attention.h)
     t := t + LN sum_e g_e(x) E_e(t)                             experts E_e: MLPs of one hidden layer, weighed by g = softmax of an MLP of x with two
     t := t + self(LN t),  t := t + LN sum_e g_e(x) E'_e(t)
     y = M''(t_L)
   with GELU. Every map is of one token, and sums are over tokens: cost n + m, and the order of tokens does not matter. Dropout, of which the authors have 0.3, there is none. */
#ifndef NOMOS_SURROGATES_NETWORKS_OPERATOR_TRANSFORMER_H
#define NOMOS_SURROGATES_NETWORKS_OPERATOR_TRANSFORMER_H

#include "surrogates/modules/attention.h"
#include "surrogates/modules/mlp.h"

enum { NOMOS_OPERATOR_TRANSFORMER_MAX_BLOCKS = 16, NOMOS_OPERATOR_TRANSFORMER_MAX_EXPERTS = 8 };

typedef struct {
  size_t trunk, branch, out; /* channels of x, z and the result */
  size_t width, n_heads, n_blocks, n_experts;
} NomosOperatorTransformerInput;

typedef struct {
  NomosNorm      norm[5]; /* of trunk and branch before cross attention, after the experts, before self-attention, after the experts */
  NomosAttention cross, self;
  NomosMlp       gate, experts[2][NOMOS_OPERATOR_TRANSFORMER_MAX_EXPERTS];
} NomosOperatorTransformerBlock;

typedef struct {
  size_t                        n_blocks, n_experts;
  NomosLinear                   trunk[3], branch[3], out[3];
  NomosOperatorTransformerBlock blocks[NOMOS_OPERATOR_TRANSFORMER_MAX_BLOCKS];
} NomosOperatorTransformer;

/* Declares `name.trunk.0.weight`, ..., `name.branch.0...`, `name.out.0...`, and of each block `name.0.norm.0...`, `name.0.cross...`, `name.0.self...`, `name.0.gate...`, `name.0.expert.0.0...`. Errors: heads that do not divide
   the width, too many blocks or experts. */
PetscErrorCode NomosOperatorTransformerCreate(NomosParameters parameters, const char name[], const NomosOperatorTransformerInput *input, NomosOperatorTransformer *transformer);
/* x [batch, n, trunk], z [batch, m, branch] -> [batch, n, out]. */
NomosTensor NomosOperatorTransformerApply(const NomosOperatorTransformer *transformer, const NomosTensor w[], NomosTensor x, NomosTensor z);

#endif
