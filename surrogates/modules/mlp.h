/* A multi-layer perceptron: linear layers with an activation between them, on the last axis.

     x_0 = x,   x_{l+1} = s(omega (W_l x_l + b_l)) [+ x_l with `residual`, where the widths agree],   y = W_L x_L + b_L [, layer norm of it] */
#ifndef NOMOS_SURROGATES_MODULES_MLP_H
#define NOMOS_SURROGATES_MODULES_MLP_H

#include "surrogates/modules/layer_norm.h"

enum { NOMOS_MLP_MAX_LAYERS = 32 };

typedef struct {
  size_t               n_hidden;          /* hidden layers, 0 or more */
  size_t               in, width, out;    /* of the input, of every hidden layer, of the output */
  const size_t        *widths;            /* (n_hidden) of each hidden layer instead of `width`; may be NULL */
  NomosFunctionKind    activation;
  double               omega;             /* 0: 1 */
  bool                 layer_norm;        /* of the output */
  bool                 residual;
  bool                 no_last_bias;
  NomosInitialiserRule rule;              /* of every weight; NOMOS_RULE_SIREN: the first layer has NOMOS_RULE_SIREN_FIRST */
  double               gain;              /* of the rule; 0: its usual one, for SIREN omega */
} NomosMlpInput;

typedef struct {
  size_t            n_layers; /* linear ones */
  NomosLinear       layers[NOMOS_MLP_MAX_LAYERS];
  NomosNorm         norm;
  NomosFunctionKind activation;
  double            omega;
  bool              layer_norm, residual;
} NomosMlp;

/* Declares `name.0.weight`, `name.0.bias`, `name.1.weight`, ..., and `name.norm.weight`, `name.norm.bias`. */
PetscErrorCode NomosMlpCreate(NomosParameters parameters, const char name[], const NomosMlpInput *input, NomosMlp *mlp);
/* [.., in] -> [.., out], at least two axes. */
NomosTensor NomosMlpApply(const NomosMlp *mlp, const NomosTensor w[], NomosTensor x);
/* The same from y = W_0 x + b_0 on: for a first layer whose product is shared (no residual around it). */
NomosTensor NomosMlpApplyFrom(const NomosMlp *mlp, const NomosTensor w[], NomosTensor y);
/* What the last linear layer sees, [.., width]. */
NomosTensor NomosMlpFeatures(const NomosMlp *mlp, const NomosTensor w[], NomosTensor x);

#endif
