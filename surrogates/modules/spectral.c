#include "surrogates/modules/spectral.h"

#include <stdio.h>

PetscErrorCode NomosSpectralCreate(NomosParameters parameters, const char name[], const NomosSpectralInput *input, NomosSpectral *spectral)
{
  const double        size   = 1 / ((double)input->in * (double)input->out);
  NomosParameterInput weight = {.prefix = name, .name = "weight", .n_dims = 3 + input->n_space, .shape = {input->in, input->out}, .initialiser = NomosInitialiserUniform(input->one_sided ? 0 : -size, size)};

  PetscFunctionBeginUser;
  NomosCheck(input->n_space >= 1 && input->n_space <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: a spectral layer in %d dimensions: must be 1 to 3", name, input->n_space);
  for (int axis = 2; axis <= input->n_space; axis++) weight.shape[axis] = 2 * input->modes;
  weight.shape[input->n_space + 1] = input->modes;
  weight.shape[input->n_space + 2] = 2;
  *spectral = (NomosSpectral){.n_space = input->n_space, .in = input->in, .out = input->out, .modes = input->modes};
  PetscCall(NomosParametersAdd(parameters, &weight, &spectral->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Modes 0..modes-1 and -modes..-1 of an axis that has all; and back, zero between them. */
static NomosTensor LowModes(NomosTensor x, int axis, size_t modes)
{
  const size_t n = NomosTensorLength(x, axis);
  return NomosConcatenate(2, (NomosTensor[]){NomosSlice(x, axis, 0, modes, 1), NomosSlice(x, axis, n - modes, modes, 1)}, axis);
}
static NomosTensor AllModes(NomosTensor x, int axis, size_t modes, size_t n)
{
  return NomosAdd(NomosPad(NomosSlice(x, axis, 0, modes, 1), axis, 0, n, 1), NomosPad(NomosSlice(x, axis, modes, modes, 1), axis, n - modes, n, 1));
}

/* Modes first, so that each is a product of [batch, in] and [in, out]. */
static NomosTensor InThreeDimensions(const NomosSpectral *spectral, NomosTensor weight, NomosTensor x)
{
  const size_t m = spectral->modes, all = 4 * m * m * m, batch = NomosTensorLength(x, 0), nz = NomosTensorLength(x, 2), ny = NomosTensorLength(x, 3), nx = NomosTensorLength(x, 4);
  NomosTensor  k;

  if (NomosTensorIsValid(x) && (2 * m > nz || 2 * m > ny || m > nx / 2 + 1))
    return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "a spectral layer of %zu modes on %zu x %zu x %zu points: needs twice as many points along z and y, and as many modes along x", m, nz, ny, nx);
  k = NomosSlice(LowModes(LowModes(NomosRealFft(x, 3), 2, m), 3, m), 4, 0, m, 1);
  k = NomosPermute(NomosReshape(k, 4, (size_t[]){batch, spectral->in, all, 2}), (int[]){2, 0, 1, 3});
  k = NomosComplexMatMul(k, NomosPermute(NomosReshape(weight, 4, (size_t[]){spectral->in, spectral->out, all, 2}), (int[]){2, 0, 1, 3}));
  k = NomosReshape(NomosPermute(k, (int[]){1, 2, 0, 3}), 6, (size_t[]){batch, spectral->out, 2 * m, 2 * m, m, 2});
  return NomosInverseRealFft(AllModes(AllModes(NomosPad(k, 4, 0, nx / 2 + 1, 1), 3, m, ny), 2, m, nz), 3, nx);
}

NomosTensor NomosSpectralApply(const NomosSpectral *spectral, const NomosTensor w[], NomosTensor x)
{
  if (spectral->n_space == 3) return InThreeDimensions(spectral, w[spectral->weight], x);
  return NomosSpectralConvolve(x, w[spectral->weight]);
}
