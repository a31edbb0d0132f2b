#include "surrogates/networks/fno.h"

#include "surrogates/modules/coordinates.h"

#include <stdio.h>

/* A linear map of the channels, the same at every point. */
static PetscErrorCode Pointwise(NomosParameters parameters, const char name[], const char part[], const NomosFnoInput *fno, size_t in, size_t out, NomosConvolutionLayer *layer)
{
  const NomosConvolutionLayerInput input = {.n_space = PetscMin(fno->n_space, 2), .in = in, .out = out, .taps = 1};
  char                             full[256];

  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "%s.%s", name, part);
  PetscCall(NomosConvolutionLayerCreate(parameters, full, &input, layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFnoCreate(NomosParameters parameters, const char name[], const NomosFnoInput *input, NomosFno *fno)
{
  const size_t width = input->width, extra = input->coordinates ? (size_t)input->n_space : 0;
  char         part[64], full[256];

  PetscFunctionBeginUser;
  NomosCheck(input->n_layers <= NOMOS_FNO_MAX_LAYERS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu spectral layers: at most %d are possible", name, input->n_layers, NOMOS_FNO_MAX_LAYERS);
  NomosCheck(input->n_space < 3 || (!input->coordinates && !input->n_code), PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: a Fourier neural operator in three dimensions takes neither coordinates nor a code", name);
  *fno = (NomosFno){.n_space = input->n_space, .n_layers = input->n_layers, .pad = input->pad, .n_code = input->n_code, .activation = input->activation, .coordinates = input->coordinates};
  PetscCall(Pointwise(parameters, name, "lift", input, input->in + extra, width, &fno->lift));
  for (size_t l = 0; l < input->n_layers; l++) {
    snprintf(full, sizeof full, "%s.spectral.%zu", name, l);
    PetscCall(NomosSpectralCreate(parameters, full, &(NomosSpectralInput){.n_space = input->n_space, .in = width, .out = width, .modes = input->modes, .one_sided = input->one_sided}, &fno->spectral[l]));
    snprintf(part, sizeof part, "pointwise.%zu", l);
    PetscCall(Pointwise(parameters, name, part, input, width, width, &fno->pointwise[l]));
    if (!input->n_code) continue;
    snprintf(full, sizeof full, "%s.film.%zu", name, l);
    PetscCall(NomosFilmCreate(parameters, full, input->n_code, width, &fno->film[l]));
  }
  PetscCall(Pointwise(parameters, name, "read.0", input, width, input->read_width, &fno->read[0]));
  PetscCall(Pointwise(parameters, name, "read.1", input, input->read_width, input->out, &fno->read[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Pointwise maps see z and y as one axis. */
static NomosTensor Planes(NomosTensor x)
{
  return NomosReshape(x, 4, (size_t[]){NomosTensorLength(x, 0), NomosTensorLength(x, 1), NomosTensorLength(x, 2) * NomosTensorLength(x, 3), NomosTensorLength(x, 4)});
}
static NomosTensor Space(NomosTensor x, const size_t points[3])
{
  return NomosReshape(x, 5, (size_t[]){NomosTensorLength(x, 0), NomosTensorLength(x, 1), points[0], points[1], points[2]});
}

static NomosTensor InThreeDimensions(const NomosFno *fno, const NomosTensor w[], NomosTensor x)
{
  size_t points[3], padded[3];

  for (int axis = 0; axis < 3; axis++) {
    points[axis] = NomosTensorLength(x, 2 + axis);
    padded[axis] = points[axis] + fno->pad;
  }
  x = Space(NomosConvolutionLayerApply(&fno->lift, w, Planes(x)), points);
  for (int axis = 0; fno->pad && axis < 3; axis++) x = NomosPad(x, 2 + axis, 0, padded[axis], 1);
  for (size_t l = 0; l < fno->n_layers; l++) {
    x = NomosAdd(NomosSpectralApply(&fno->spectral[l], w, x), Space(NomosConvolutionLayerApply(&fno->pointwise[l], w, Planes(x)), padded));
    if (l + 1 < fno->n_layers) x = NomosFunction(fno->activation, 0, x);
  }
  for (int axis = 0; fno->pad && axis < 3; axis++) x = NomosSlice(x, 2 + axis, 0, points[axis], 1);
  return Space(NomosPointwiseApply(2, fno->read, fno->activation, w, Planes(x)), points);
}

NomosTensor NomosFnoApply(const NomosFno *fno, const NomosTensor w[], NomosTensor x, NomosTensor code)
{
  size_t points[3];

  if (fno->n_space == 3) return InThreeDimensions(fno, w, x);
  for (int axis = 0; axis < fno->n_space; axis++) points[axis] = NomosTensorLength(x, 2 + axis);
  if (fno->coordinates) x = NomosWithCoordinates(x);
  x = NomosConvolutionLayerApply(&fno->lift, w, x);
  for (int axis = 0; fno->pad && axis < fno->n_space; axis++) x = NomosPad(x, 2 + axis, 0, points[axis] + fno->pad, 1);
  for (size_t l = 0; l < fno->n_layers; l++) {
    const NomosConvolutionLayer *point = &fno->pointwise[l];
    const bool                   last  = l + 1 == fno->n_layers, fused = !fno->n_code && !last; /* with its activation */
    x = NomosFourierLayer(&(NomosFourierLayerInput){.x = x, .w = w[fno->spectral[l].weight], .pointwise = NomosReshape(w[point->weight], 2, (size_t[]){point->out, point->in}), .bias = w[point->bias], .activation = fused ? fno->activation : NOMOS_N_FUNCTIONS});
    if (fno->n_code) x = NomosFilmApply(&fno->film[l], w, x, code);
    if (!last && !fused) x = NomosFunction(fno->activation, 0, x);
  }
  for (int axis = 0; fno->pad && axis < fno->n_space; axis++) x = NomosSlice(x, 2 + axis, 0, points[axis], 1);
  return NomosPointwiseApply(2, fno->read, fno->activation, w, x);
}
