#include "surrogates/modules/integral_operator.h"

#include <stdio.h>

PetscErrorCode NomosIntegralOperatorCreate(NomosParameters parameters, const char name[], const NomosIntegralOperatorInput *input, NomosIntegralOperator *op)
{
  const size_t        d      = (size_t)input->d;
  const NomosMlpInput kernel = {.n_hidden = input->n_hidden, .in = d + (input->product ? 0 : input->in), .widths = input->widths, .out = input->out, .activation = NOMOS_GELU};

  PetscFunctionBeginUser;
  NomosCheck(!input->product || input->in == input->out, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: a kernel of %zu channels times values of %zu: must be as many", name, input->out, input->in);
  *op = (NomosIntegralOperator){.d = d, .product = input->product, .query = input->query};
  PetscCall(NomosMlpCreate(parameters, name, &kernel, &op->kernel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosIntegralPairs NomosIntegralPairsToNodes(const NomosPointPairs *pairs)
{
  return (NomosIntegralPairs){.source = pairs->point, .target = pairs->node, .offset = NomosAffine(pairs->offset, -1, 0), .share = pairs->node_share};
}

NomosIntegralPairs NomosIntegralPairsToPoints(const NomosPointPairs *pairs)
{
  return (NomosIntegralPairs){.source = pairs->node, .target = pairs->point, .offset = pairs->offset, .share = pairs->point_share};
}

/* What each pair gives: of the source alone, or of source and offset. */
static NomosTensor OfSources(const NomosIntegralOperator *op, const NomosTensor w[], const NomosIntegralPairs *pairs, NomosTensor y, NomosTensor v)
{
  const NomosTensor k = op->product ? NomosMultiply(NomosMlpApply(&op->kernel, w, y), v) : NomosMlpApply(&op->kernel, w, NomosConcatenate(2, (NomosTensor[]){y, v}, 1));
  return NomosGather(k, pairs->source);
}

static NomosTensor OfPairs(const NomosIntegralOperator *op, const NomosTensor w[], const NomosIntegralPairs *pairs, NomosTensor v)
{
  const NomosLinear *first = &op->kernel.layers[0];

  if (op->product) return NomosMultiply(NomosMlpApply(&op->kernel, w, pairs->offset), NomosGather(v, pairs->source));
  const NomosTensor shared = NomosLinearAddBias(first, w, NomosLinearPart(first, w, op->d, v));
  return NomosMlpApplyFrom(&op->kernel, w, NomosAdd(NomosGather(shared, pairs->source), NomosLinearPart(first, w, 0, pairs->offset)));
}

NomosTensor NomosIntegralOperatorApply(const NomosIntegralOperator *op, const NomosTensor w[], const NomosIntegralPairs *pairs, NomosTensor y, NomosTensor v)
{
  if (!NomosTensorIsValid(pairs->offset) || !NomosTensorIsValid(v)) return (NomosTensor){.tape = v.tape}; /* the pairs' lists are then of no use */
  const NomosTensor k = op->query ? OfPairs(op, w, pairs, v) : OfSources(op, w, pairs, y, v);
  return NomosMultiply(NomosScatterAdd(k, pairs->target), pairs->share);
}
