#include "surrogates/operators/conditionings/scale.h"

#include <math.h>
#include <stdio.h>

PetscErrorCode NomosParameterScaleFromConfig(const NomosConditioningInput *input, const char name[], NomosParameterScale *scale)
{
  char key[64];
  int  kind;

  PetscFunctionBeginUser;
  *scale = (NomosParameterScale){.n_parameters = input->shape->n_parameters};
  snprintf(key, sizeof key, "%s.scale", name);
  PetscCall(NomosConfigGetChoice(input->config, key, &kind));
  scale->kind = (NomosParameterScaleKind)kind;
  snprintf(key, sizeof key, "%s.margin", name);
  PetscCall(NomosConfigGetReal(input->config, key, &scale->margin));
  if (scale->kind == NOMOS_SCALE_RAW || scale->kind == NOMOS_SCALE_RATIO) PetscFunctionReturn(PETSC_SUCCESS);
  const struct {
    const char *name;
    double      value;
    size_t     *number;
  } buffers[] = {{"low", -1, &scale->low}, {"high", 1, &scale->high}, {"logarithmic", 0, &scale->logarithmic}};
  for (int i = 0; i < 3; i++)
    PetscCall(NomosParametersAdd(input->parameters, &(NomosParameterInput){.prefix = name, .name = buffers[i].name, .n_dims = 1, .shape = {scale->n_parameters}, .initialiser = NomosInitialiserConstant(buffers[i].value), .buffer = true}, buffers[i].number));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParameterScaleFit(const NomosParameterScale *scale, NomosParameters parameters, const NomosEmulatorSeen *seen)
{
  const size_t m = scale->n_parameters, n = seen->n;
  double      *low, *high, *logarithmic;

  PetscFunctionBeginUser;
  if (scale->kind == NOMOS_SCALE_RAW || scale->kind == NOMOS_SCALE_RATIO) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(n > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the range of the parameters of no trajectory: there must be one at least");
  PetscCall(PetscMalloc3(m, &low, m, &high, m, &logarithmic));
  for (size_t p = 0; p < m; p++) {
    low[p]  = INFINITY;
    high[p] = -INFINITY;
    for (size_t i = 0; i < n; i++) {
      const double value = seen->values[i * m + p];
      NomosCheck(isfinite(value), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s of trajectory %zu of the training is %g: parameters must be finite; leave the trajectory out", seen->keys[p], i, value);
      low[p]  = PetscMin(low[p], value);
      high[p] = PetscMax(high[p], value);
    }
    logarithmic[p] = scale->kind == NOMOS_SCALE_LOG && low[p] > 0;
    if (logarithmic[p] == 0) continue;
    low[p]  = log(low[p]);
    high[p] = log(high[p]);
  }
  PetscCall(NomosParametersSetDoubles(parameters, scale->low, low));
  PetscCall(NomosParametersSetDoubles(parameters, scale->high, high));
  PetscCall(NomosParametersSetDoubles(parameters, scale->logarithmic, logarithmic));
  PetscCall(PetscFree3(low, high, logarithmic));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* margin tanh(max(excess, 0)/margin). */
static NomosTensor Beyond(const NomosParameterScale *scale, NomosTensor excess)
{
  return NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosAffine(excess, 1 / scale->margin, 0)), scale->margin, 0);
}

NomosTensor NomosParameterScaleApply(const NomosParameterScale *scale, const NomosTensor w[], NomosTensor lambda)
{
  if (scale->kind == NOMOS_SCALE_RAW) return lambda;
  if (scale->kind == NOMOS_SCALE_RATIO) return NomosDivide(lambda, NomosAffine(lambda, 1, 1));

  const size_t     *shape;
  const int         n_dims = NomosTensorDims(lambda, &shape);
  const NomosTensor logarithmic = NomosBroadcast(w[scale->logarithmic], n_dims, shape), range = NomosSubtract(w[scale->high], w[scale->low]);
  const NomosTensor one = NomosBroadcast(NomosTensorConstant(lambda.tape, NomosTensorType(lambda), 0, NULL, 1), n_dims, shape);
  const NomosTensor tiny = NomosBroadcast(NomosTensorConstant(lambda.tape, NomosTensorType(lambda), 0, NULL, 1e-30), n_dims, shape); /* what is not positive is as far below as can be */
  const NomosTensor log = NomosFunction(NOMOS_LOG, 0, NomosSelect(logarithmic, NomosSelect(NomosSubtract(lambda, tiny), lambda, tiny), one));
  const NomosTensor factor = NomosSelect(range, NomosDivide(NomosTensorConstant(lambda.tape, NomosTensorType(lambda), 0, NULL, 2), NomosSelect(range, range, NomosAffine(range, 0, 1))), NomosAffine(range, 0, 0)); /* 0 of a parameter that has one value */
  const NomosTensor middle = NomosAffine(NomosAdd(w[scale->high], w[scale->low]), 0.5, 0);
  const NomosTensor t      = NomosMultiply(NomosSubtract(NomosSelect(logarithmic, log, lambda), middle), factor);
  const NomosTensor above = NomosFunction(NOMOS_RELU, 0, NomosAffine(t, 1, -1)), below = NomosFunction(NOMOS_RELU, 0, NomosAffine(t, -1, -1));
  const NomosTensor clamped = NomosAdd(NomosSubtract(t, above), below);
  if (scale->margin == 0) return clamped;
  return NomosAdd(clamped, NomosSubtract(Beyond(scale, above), Beyond(scale, below)));
}
