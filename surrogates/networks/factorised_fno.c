#include "surrogates/networks/factorised_fno.h"

#include "surrogates/modules/coordinates.h"

#include <stdio.h>

PetscErrorCode NomosFactorisedFnoCreate(NomosParameters parameters, const char name[], const NomosFactorisedFnoInput *input, NomosFactorisedFno *fno)
{
  const int    n_space = input->n_space;
  const size_t width = input->width, wide = input->expansion * width;
  char         full[256];

  PetscFunctionBeginUser;
  NomosCheck(input->n_layers <= NOMOS_FACTORISED_FNO_MAX_LAYERS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu spectral layers: at most %d are possible", name, input->n_layers, NOMOS_FACTORISED_FNO_MAX_LAYERS);
  *fno = (NomosFactorisedFno){.n_space = n_space, .n_layers = input->n_layers, .pad = input->pad, .n_code = input->n_code, .activation = input->activation, .coordinates = input->coordinates};
  snprintf(full, sizeof full, "%s.lift", name);
  PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = n_space, .in = input->in + (input->coordinates ? (size_t)n_space : 0), .out = width, .taps = 1}, &fno->lift));
  for (size_t l = 0; l < input->n_layers; l++) {
    for (int axis = 0; axis < n_space; axis++) {
      snprintf(full, sizeof full, "%s.spectral.%zu.%c", name, l, "xy"[axis]);
      PetscCall(NomosSpectralCreate(parameters, full, &(NomosSpectralInput){.n_space = 1, .in = width, .out = width, .modes = input->modes}, &fno->spectral[l][axis]));
    }
    for (int k = 0; k < 2; k++) {
      snprintf(full, sizeof full, "%s.feed.%zu.%d", name, l, k);
      PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = n_space, .in = k ? wide : width, .out = k ? width : wide, .taps = 1}, &fno->feed[l][k]));
    }
    if (!input->n_code) continue;
    snprintf(full, sizeof full, "%s.film.%zu", name, l);
    PetscCall(NomosFilmCreate(parameters, full, input->n_code, width, &fno->film[l]));
  }
  for (int k = 0; k < 2; k++) {
    snprintf(full, sizeof full, "%s.read.%d", name, k);
    PetscCall(NomosConvolutionLayerCreate(parameters, full, &(NomosConvolutionLayerInput){.n_space = n_space, .in = k ? input->read_width : width, .out = k ? input->out : input->read_width, .taps = 1}, &fno->read[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A spectral convolution along one axis, 0 for x: lines of that axis as samples. */
static NomosTensor Along(const NomosSpectral *spectral, const NomosTensor w[], NomosTensor x, int axis)
{
  static const int to[2][4] = {{0, 2, 1, 3}, {0, 3, 1, 2}}, back[2][4] = {{0, 2, 1, 3}, {0, 2, 3, 1}};

  if (NomosTensorDims(x, NULL) == 3) return NomosSpectralApply(spectral, w, x);
  NomosTensor   lines    = NomosPermute(x, to[axis]); /* [batch, other axis, channels, axis] */
  const size_t  shape[4] = {NomosTensorLength(lines, 0), NomosTensorLength(lines, 1), NomosTensorLength(lines, 2), NomosTensorLength(lines, 3)};
  lines = NomosSpectralApply(spectral, w, NomosReshape(lines, 3, (size_t[]){shape[0] * shape[1], shape[2], shape[3]}));
  return NomosPermute(NomosReshape(lines, 4, shape), back[axis]);
}

NomosTensor NomosFactorisedFnoApply(const NomosFactorisedFno *fno, const NomosTensor w[], NomosTensor x, NomosTensor code)
{
  size_t points[2];

  for (int axis = 0; axis < fno->n_space; axis++) points[axis] = NomosTensorLength(x, 2 + axis);
  if (fno->coordinates) x = NomosWithCoordinates(x);
  x = NomosConvolutionLayerApply(&fno->lift, w, x);
  for (int axis = 0; fno->pad && axis < fno->n_space; axis++) x = NomosPad(x, 2 + axis, 0, points[axis] + fno->pad, 1);
  for (size_t l = 0; l < fno->n_layers; l++) {
    NomosTensor z = Along(&fno->spectral[l][0], w, x, 0);
    if (fno->n_space == 2) z = NomosAdd(z, Along(&fno->spectral[l][1], w, x, 1));
    if (fno->n_code) z = NomosFilmApply(&fno->film[l], w, z, code);
    x = NomosAdd(x, NomosPointwiseApply(2, fno->feed[l], fno->activation, w, z));
  }
  for (int axis = 0; fno->pad && axis < fno->n_space; axis++) x = NomosSlice(x, 2 + axis, 0, points[axis], 1);
  return NomosPointwiseApply(2, fno->read, fno->activation, w, x);
}
