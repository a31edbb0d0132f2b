#include "surrogates/networks/preactivated_fno.h"

#include <stdio.h>

static PetscErrorCode Pointwise(NomosParameters parameters, const char name[], const char part[], const NomosConvolutionLayerInput *input, NomosConvolutionLayer *layer)
{
  NomosConvolutionLayerInput pointwise = *input;
  char                       full[256];

  PetscFunctionBeginUser;
  pointwise.n_space = 2;
  pointwise.taps    = 1;
  snprintf(full, sizeof full, "%s.%s", name, part);
  PetscCall(NomosConvolutionLayerCreate(parameters, full, &pointwise, layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPreactivatedFnoCreate(NomosParameters parameters, const char name[], const NomosPreactivatedFnoInput *input, NomosPreactivatedFno *fno)
{
  const size_t width = input->width, half = PetscMax(width / 2, 1);
  char         full[256];

  PetscFunctionBeginUser;
  NomosCheck(input->n_layers <= NOMOS_PREACTIVATED_FNO_MAX_LAYERS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu spectral layers: at most %d are possible", name, input->n_layers, NOMOS_PREACTIVATED_FNO_MAX_LAYERS);
  NomosCheck(input->modes && input->modes % 2 == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: %zu modes of both signs: must be even", name, input->modes);
  fno->n_layers = input->n_layers;
  PetscCall(Pointwise(parameters, name, "lift.0", &(NomosConvolutionLayerInput){.in = input->in, .out = input->lift_width}, &fno->lift[0]));
  PetscCall(Pointwise(parameters, name, "lift.1", &(NomosConvolutionLayerInput){.in = input->lift_width, .out = width}, &fno->lift[1]));
  for (size_t l = 0; l < input->n_layers; l++) {
    const double        size     = 1 / ((double)width * (double)width);
    NomosParameterInput spectral = {.prefix = full, .name = "spectral", .n_dims = 5, .shape = {width, width, input->modes, input->modes / 2 + 1, 2}, .initialiser = NomosInitialiserUniform(-size, size)};
    NomosParameterInput bias     = {.prefix = full, .name = "bias", .n_dims = 1, .shape = {width}, .initialiser = NomosInitialiserConstant(0)};
    NomosParameterInput skip     = {.prefix = full, .name = "skip", .n_dims = 1, .shape = {width}, .initialiser = NomosInitialiserConstant(1)};
    snprintf(full, sizeof full, "%s.%zu", name, l);
    PetscCall(NomosParametersAdd(parameters, &spectral, &fno->layers[l].spectral));
    PetscCall(NomosParametersAdd(parameters, &bias, &fno->layers[l].bias));
    PetscCall(NomosParametersAdd(parameters, &skip, &fno->layers[l].skip));
    PetscCall(Pointwise(parameters, full, "pointwise", &(NomosConvolutionLayerInput){.in = width, .out = width, .no_bias = true}, &fno->layers[l].pointwise));
    PetscCall(Pointwise(parameters, full, "mlp.0", &(NomosConvolutionLayerInput){.in = width, .out = half}, &fno->layers[l].mlp[0]));
    PetscCall(Pointwise(parameters, full, "mlp.1", &(NomosConvolutionLayerInput){.in = half, .out = width}, &fno->layers[l].mlp[1]));
  }
  PetscCall(Pointwise(parameters, name, "read.0", &(NomosConvolutionLayerInput){.in = width, .out = input->read_width}, &fno->read[0]));
  PetscCall(Pointwise(parameters, name, "read.1", &(NomosConvolutionLayerInput){.in = input->read_width, .out = input->out}, &fno->read[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The modes of the weights that a grid of ny x nx points has: rows 0, 1, ... and ..., -1 of an even number, and the first columns. */
static NomosTensor Resolved(NomosTensor weights, size_t ny, size_t nx)
{
  const size_t rows = NomosTensorLength(weights, 2), columns = NomosTensorLength(weights, 3), has[2] = {PetscMin(rows, ny / 2 * 2), PetscMin(columns, nx / 2 + 1)};

  if (has[1] < columns) weights = NomosSlice(weights, 3, 0, has[1], 1);
  if (has[0] == rows) return weights;
  return NomosConcatenate(2, (NomosTensor[]){NomosSlice(weights, 2, 0, has[0] / 2, 1), NomosSlice(weights, 2, rows - has[0] / 2, has[0] / 2, 1)}, 2);
}

NomosTensor NomosPreactivatedFnoApply(const NomosPreactivatedFno *fno, const NomosTensor w[], NomosTensor x)
{
  NomosTensor v = NomosPointwiseApply(2, fno->lift, NOMOS_GELU, w, x);

  for (size_t l = 0; l < fno->n_layers; l++) {
    const NomosTensor u      = NomosFunction(NOMOS_GELU, 0, v);
    const NomosTensor modes  = NomosSpectralConvolve(NomosFunction(NOMOS_TANH, 0, u), Resolved(w[fno->layers[l].spectral], NomosTensorLength(x, 2), NomosTensorLength(x, 3)));
    NomosTensor       c      = NomosAdd(NomosAdd(modes, NomosParameterPerChannel(w[fno->layers[l].bias], 2)), NomosConvolutionLayerApply(&fno->layers[l].pointwise, w, u));
    if (l + 1 < fno->n_layers) c = NomosFunction(NOMOS_GELU, 0, c);
    v = NomosAdd(NomosPointwiseApply(2, fno->layers[l].mlp, NOMOS_GELU, w, c), NomosMultiply(NomosParameterPerChannel(w[fno->layers[l].skip], 2), u));
  }
  return NomosPointwiseApply(2, fno->read, NOMOS_GELU, w, v);
}
