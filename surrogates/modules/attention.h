/* Multi-head attention of n queries x to m tokens y. With Q = W_q x, K = W_k y, V = W_v y, cut into heads of d channels, for each head:

     softmax     O = softmax(Q K^T/sqrt(d)) V                                    Vaswani et al. (2017), doi:10.48550/arXiv.1706.03762; cost n m
     linear      O = f(Q) (f(K)^T V)/(f(Q) sum f(K)), f = elu + 1                Katharopoulos et al. (2020), doi:10.48550/arXiv.2006.16236; cost n + m
     normalised  the same with f = softmax over the head's channels              Hao et al. (2023), doi:10.48550/arXiv.2302.14376
   and the heads, side by side, through W_o. All four maps have biases. With `residual` f(Q) is added to O, before W_o, as Hao et al. do. */
#ifndef NOMOS_SURROGATES_MODULES_ATTENTION_H
#define NOMOS_SURROGATES_MODULES_ATTENTION_H

#include "surrogates/modules/linear.h"

typedef enum { NOMOS_ATTENTION_SOFTMAX, NOMOS_ATTENTION_LINEAR, NOMOS_ATTENTION_NORMALISED, NOMOS_N_ATTENTIONS } NomosAttentionKind;
extern const char *const nomos_attention_names[NOMOS_N_ATTENTIONS + 1]; /* "softmax", "linear", "normalised", NULL */

typedef struct {
  NomosAttentionKind kind;
  size_t             width, n_heads; /* channels of x, y and the result */
  bool               residual;       /* not of softmax, which has no f */
} NomosAttentionInput;

typedef struct {
  NomosAttentionKind kind;
  size_t             width, n_heads;
  bool               residual;
  NomosLinear        query, key, value, out;
} NomosAttention;

/* Declares `name.{query,key,value,out}.{weight,bias}`. Errors: heads that do not divide the width; `residual` with softmax. */
PetscErrorCode NomosAttentionCreate(NomosParameters parameters, const char name[], const NomosAttentionInput *input, NomosAttention *attention);
/* x [b, n, width], y [b, m, width] (x itself: self-attention) -> [b, n, width]. */
NomosTensor NomosAttentionApply(const NomosAttention *attention, const NomosTensor w[], NomosTensor x, NomosTensor y);

#endif
