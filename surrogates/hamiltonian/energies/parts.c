#include "surrogates/hamiltonian/energies/parts.h"

#include <stdio.h>

NomosTensor NomosBodiesHalf(NomosTensor half, size_t n_dims)
{
  const size_t *shape;
  size_t        split[NOMOS_TENSOR_MAX_DIMS];
  const int     n = NomosTensorDims(half, &shape);

  for (int i = 0; i < n; i++) split[i] = shape[i];
  if (n) split[n - 1] /= n_dims;
  split[n] = n_dims;
  return NomosReshape(half, n + 1, split);
}

NomosTensor NomosBodies(NomosTensor x, size_t n_dims)
{
  const size_t d = NomosTensorLength(x, -1) / 2;

  return NomosConcatenate(2, (NomosTensor[]){NomosBodiesHalf(NomosSlice(x, -1, 0, d, 1), n_dims), NomosBodiesHalf(NomosSlice(x, -1, d, d, 1), n_dims)}, -1);
}

NomosTensor NomosEachBody(NomosTensor of_bodies)
{
  const size_t *shape;
  size_t        more[NOMOS_TENSOR_MAX_DIMS];
  const int     n = NomosTensorDims(of_bodies, &shape);

  for (int i = 0; i <= n; i++) more[i] = i < n - 2 ? shape[i] : i == n - 2 ? 1 : shape[i - 1];
  return NomosReshape(of_bodies, n + 1, more);
}

/* Bodies once and again, in a row: its entry 1 + s (n + 1) + i is body i + s + 1 modulo n. */
NomosTensor NomosOthers(NomosTensor of_bodies)
{
  const size_t *shape;
  size_t        square[NOMOS_TENSOR_MAX_DIMS], row[NOMOS_TENSOR_MAX_DIMS];
  const int     d = NomosTensorDims(of_bodies, &shape);
  const size_t  n = NomosTensorLength(of_bodies, -2);

  for (int i = 0; i <= d; i++) square[i] = i < d - 1 ? shape[i] : shape[i - 1];
  square[d - 2] = n;
  for (int i = 0; i < d; i++) row[i] = i == d - 2 ? n * n : shape[i];
  const NomosTensor again = NomosReshape(NomosBroadcast(NomosEachBody(of_bodies), d + 1, square), d, row);
  square[d - 2] = n - 1;
  square[d - 1] = n + 1;
  return NomosSlice(NomosReshape(NomosSlice(again, -2, 1, n * n - 1, 1), d + 1, square), -2, 0, n, 1);
}

NomosTensor NomosSumOverAxes(NomosTensor x, int n_axes)
{
  return NomosSum(x, n_axes, (int[]){-2, -3}, false);
}

PetscErrorCode NomosTrunkCreate(NomosParameters parameters, const char name[], const NomosEnergyInput *input, size_t in, NomosMlp *trunk)
{
  const NomosMlpInput shape = {.n_hidden = input->n_hidden - 1, .in = in, .width = input->width, .out = input->width, .activation = input->activation, .rule = input->rule};

  PetscFunctionBeginUser;
  PetscCall(NomosMlpCreate(parameters, name, &shape, trunk));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the first layer's result, before its activation. */
static NomosTensor TrunkFrom(const NomosMlp *trunk, const NomosTensor w[], NomosTensor y)
{
  for (size_t l = 1; l < trunk->n_layers; l++) y = NomosLinearApply(&trunk->layers[l], w, NomosFunction(trunk->activation, 0, y));
  return NomosFunction(trunk->activation, 0, y);
}

NomosTensor NomosTrunkApply(const NomosMlp *trunk, const NomosTensor w[], NomosTensor x)
{
  return TrunkFrom(trunk, w, NomosLinearApply(&trunk->layers[0], w, x));
}

NomosTensor NomosTrunkPairs(const NomosMlp *trunk, const NomosTensor w[], NomosTensor of_bodies)
{
  const NomosLinear *layer  = &trunk->layers[0];
  const NomosTensor  own    = NomosLinearAddBias(layer, w, NomosLinearPart(layer, w, 0, of_bodies));
  const NomosTensor  others = NomosLinearPart(layer, w, NomosTensorLength(of_bodies, -1), of_bodies);

  return TrunkFrom(trunk, w, NomosAdd(NomosEachBody(own), NomosOthers(others)));
}

PetscErrorCode NomosTwoTrunksCreate(NomosParameters parameters, const char name[], const NomosEnergyInput *input, const char *const names[2], const size_t in[2], NomosTwoTrunks *h)
{
  char full[256];

  PetscFunctionBeginUser;
  h->n_dims = input->n_dims;
  h->width  = input->width;
  for (int i = 0; i < 2; i++) {
    snprintf(full, sizeof full, "%s.%s", name, names[i]);
    PetscCall(NomosTrunkCreate(parameters, full, input, in[i], i ? &h->second : &h->first));
  }
  snprintf(full, sizeof full, "%s.last", name);
  PetscCall(NomosLinearCreate(parameters, full, &(NomosLinearInput){.in = 2 * input->width, .out = 1, .no_bias = true, .rule = input->rule}, &h->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosTwoTrunksFeatures(const NomosTwoTrunks *h, NomosTensor first, NomosTensor second, size_t *last)
{
  *last = h->last.weight;
  if (!second.tape) return NomosPad(first, -1, 0, 2 * h->width, 1);
  return NomosConcatenate(2, (NomosTensor[]){first, second}, -1);
}
