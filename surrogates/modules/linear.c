#include "surrogates/modules/linear.h"

PetscErrorCode NomosLinearCreate(NomosParameters parameters, const char name[], const NomosLinearInput *input, NomosLinear *linear)
{
  const size_t        in = input->in, out = input->out;
  NomosParameterInput weight = {.prefix = name, .name = "weight", .n_dims = 2, .shape = {out, in}, .initialiser = NomosInitialiserFromRule(input->rule, input->gain, in, out)};
  NomosParameterInput bias   = {.prefix = name, .name = "bias", .n_dims = 1, .shape = {out}, .initialiser = NomosInitialiserFromRule(input->rule == NOMOS_RULE_ZEROS ? NOMOS_RULE_ZEROS : NOMOS_RULE_DEFAULT, 0, in, out)};

  PetscFunctionBeginUser;
  *linear = (NomosLinear){.in = in, .out = out, .has_bias = !input->no_bias};
  PetscCall(NomosParametersAdd(parameters, &weight, &linear->weight));
  if (linear->has_bias) PetscCall(NomosParametersAdd(parameters, &bias, &linear->bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosParameterAlong(NomosTensor parameter, NomosTensor x)
{
  const size_t *shape;
  size_t        along[NOMOS_TENSOR_MAX_DIMS];
  const int     n = NomosTensorDims(parameter, &shape), n_x = NomosTensorDims(x, NULL);

  if (n <= 1 || n_x < n) return parameter;
  for (int d = 0; d < n_x; d++) along[d] = d == 0 ? shape[0] : d < n_x - 1 ? 1 : shape[d - n_x + n];
  return NomosReshape(parameter, n_x, along);
}

/* [.., in] [out, in]^T: without tasks all leading axes are rows of one product. */
static NomosTensor Multiply(NomosTensor x, NomosTensor weight)
{
  const size_t *shape;
  size_t        flat[2], full[NOMOS_TENSOR_MAX_DIMS];
  const int     n_x = NomosTensorDims(x, &shape), n_w = NomosTensorDims(weight, NULL), tasks = n_w - 2;
  const bool    flatten = n_x > n_w;
  NomosTensor   y;

  if (!flatten) return NomosMatMul(x, NomosTranspose(weight));
  for (int d = 0; d < n_x; d++) full[d] = shape[d];
  flat[1] = full[n_x - 1];
  flat[0] = 1;
  for (int d = tasks; d < n_x - 1; d++) flat[0] *= full[d];
  y = tasks ? NomosReshape(x, 3, (size_t[]){full[0], flat[0], flat[1]}) : NomosReshape(x, 2, flat);
  y = NomosMatMul(y, NomosTranspose(weight));
  full[n_x - 1] = NomosTensorLength(y, -1);
  return NomosReshape(y, n_x, full);
}

NomosTensor NomosLinearAddBias(const NomosLinear *linear, const NomosTensor w[], NomosTensor y)
{
  return linear->has_bias ? NomosAdd(y, NomosParameterAlong(w[linear->bias], y)) : y;
}

NomosTensor NomosLinearApply(const NomosLinear *linear, const NomosTensor w[], NomosTensor x)
{
  return NomosLinearAddBias(linear, w, Multiply(x, w[linear->weight]));
}

NomosTensor NomosLinearPart(const NomosLinear *linear, const NomosTensor w[], size_t start, NomosTensor x)
{
  return Multiply(x, NomosSlice(w[linear->weight], -1, start, NomosTensorLength(x, -1), 1));
}
