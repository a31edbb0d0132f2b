/* y = W x + b on the last axis: weight [out, in], bias [out], as PyTorch stores them.

   Modules are functions of their weights: Create declares tensors and keeps their numbers, Apply takes all tensors w[] of a surrogate, be they the leaves of
   NomosParametersBind or weights that an inner step of meta-learning has made from them. Such fast weights may have a leading axis of T tasks, [T, out, in] and [T, out]: x is then
   [T, .., in]. */
#ifndef NOMOS_SURROGATES_MODULES_LINEAR_H
#define NOMOS_SURROGATES_MODULES_LINEAR_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef struct {
  size_t               in, out;
  bool                 no_bias;
  NomosInitialiserRule rule; /* of the weight; the bias is U(-1/sqrt(in), 1/sqrt(in)), with NOMOS_RULE_ZEROS zero too */
  double               gain; /* of the rule; 0: its usual one */
} NomosLinearInput;

typedef struct {
  size_t in, out, weight, bias;
  bool   has_bias;
} NomosLinear;

/* Declares `name.weight` and `name.bias`. */
PetscErrorCode NomosLinearCreate(NomosParameters parameters, const char name[], const NomosLinearInput *input, NomosLinear *linear);
/* [.., in] -> [.., out], at least two axes. Derivatives of every order. */
NomosTensor NomosLinearApply(const NomosLinear *linear, const NomosTensor w[], NomosTensor x);
/* The share of the inputs start, start + 1, ..., without bias: W[:, start : start + n] x for x [.., n]. A layer on concatenated inputs is the sum of their shares and the bias. */
NomosTensor NomosLinearPart(const NomosLinear *linear, const NomosTensor w[], size_t start, NomosTensor x);
/* y + b (y itself without bias). */
NomosTensor NomosLinearAddBias(const NomosLinear *linear, const NomosTensor w[], NomosTensor y);

/* A parameter of the last axis of x, [n] or with tasks [T, n], so that it broadcasts against x [.., n] or [T, .., n]. */
NomosTensor NomosParameterAlong(NomosTensor parameter, NomosTensor x);

#endif
