#include "solvers/assimilation/background.h"

#include "operators/correlation.h"

#include <math.h>
#include <string.h>

PetscErrorCode NomosBackgroundGrid(NomosModel model, const char field[], NomosBackgroundInput *input)
{
  const NomosModelField *info;
  NomosObservations      sides;
  bool                   periodic[2];
  int                    size;
  size_t                 index;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCall(NomosObservationsCreate(model, field, &sides));
  PetscCall(NomosObservationsField(sides, &index, &info));
  *input = (NomosBackgroundInput){.comm = model->comm, .n_layers = (int)NomosObservationsLayers(sides), .lx = NomosObservationsSide(sides, 0, &periodic[0]), .ly = NomosObservationsSide(sides, 1, &periodic[1])};
  const bool line = input->ly == 0 && size == 1;
  if (input->lx > 0 && periodic[0] && (line || (input->ly > 0 && periodic[1]))) {
    input->nx = (int)info->size[info->n_dims - 1];
    input->ny = line ? 1 : (int)info->size[info->n_dims - 2];
    if (line) input->ly = input->lx;
    NomosBackgroundBins(input);
  }
  PetscCall(NomosObservationsDestroy(&sides));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosBackgroundBins(NomosBackgroundInput *input)
{
  input->width  = 2 * PETSC_PI / fmax(input->lx, input->ly);
  input->n_bins = (int)ceil(hypot(PETSC_PI * input->nx / input->lx, PETSC_PI * input->ny / input->ly) / input->width) + 1;
}

static int Bin(const NomosBackgroundInput *input, double K)
{
  return (int)(K / input->width + 0.5);
}

/* Modes of each bin on the whole plane, the partners k < 0 among them. */
static void CountModes(const NomosBackgroundInput *input, double *modes)
{
  const int k_max = (input->nx - 1) / 2, l_max = (input->ny - 1) / 2;

  memset(modes, 0, sizeof *modes * (size_t)input->n_bins);
  for (int k = -k_max; k <= k_max; k++)
    for (int l = -l_max; l <= l_max; l++) {
      const int bin = Bin(input, hypot(2 * PETSC_PI * k / input->lx, 2 * PETSC_PI * l / input->ly));
      if (bin < input->n_bins) modes[bin] += 1;
    }
}

typedef struct {
  const NomosBackgroundInput *input;
  const double               *modes;
  bool                        shrink;
} Spectrum;

/* a of a field whose modes have these variances out of white noise on the grid; or D = (1 + a^2 looks/sigma^2)^(-1/2). */
static double Amplitude(void *ctx, int layer, double K)
{
  const Spectrum             *s     = ctx;
  const NomosBackgroundInput *input = s->input;
  const int                   bin   = PetscMax(Bin(input, K), input->ny == 1); /* on a line the mean has as much as one of the longest waves */
  const bool                  in    = bin < input->n_bins && s->modes[bin] > 0;
  const double                a2    = in ? input->variance[layer * input->n_bins + bin] / s->modes[bin] * input->nx * input->ny : 0;

  return s->shrink ? 1 / sqrt(1 + a2 * input->looks[layer] / (input->deviation[layer] * input->deviation[layer])) : sqrt(a2);
}

static double One(void *ctx, int layer, double K)
{
  (void)ctx;
  (void)layer;
  (void)K;
  return 1;
}

static PetscErrorCode Create(const NomosBackgroundInput *input, double (*amplitude)(void *ctx, int layer, double K), void *ctx, NomosOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(NomosCorrelationCreate(input->comm, &(NomosCorrelationInput){.nx = input->nx, .ny = input->ny, .n_layers = input->n_layers, .lx = input->lx, .ly = input->ly, .amplitude = amplitude, .ctx = ctx}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosBackgroundCreate(const NomosBackgroundInput *input, NomosCovariance *covariance)
{
  double *modes;

  PetscFunctionBeginUser;
  *covariance = (NomosCovariance){0};
  for (int layer = 0; layer < input->n_layers; layer++) {
    double total = 0;
    for (int b = 0; b < input->n_bins; b++) total += input->variance[layer * input->n_bins + b];
    PetscCheck(total > 0, input->comm, PETSC_ERR_ARG_WRONG, "the background's error has no variance in layer %d; its spectrum must not be zero", layer + 1);
  }
  PetscCall(PetscMalloc1(input->n_bins, &modes));
  CountModes(input, modes);
  Spectrum spectrum = {.input = input, .modes = modes};
  PetscCall(Create(input, Amplitude, &spectrum, &covariance->root));
  spectrum.shrink = true;
  if (input->looks) PetscCall(Create(input, Amplitude, &spectrum, &covariance->shrink));
  PetscCall(PetscFree(modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosBackgroundDestroy(NomosCovariance *covariance)
{
  PetscFunctionBeginUser;
  PetscCall(NomosOperatorDestroy(&covariance->root));
  PetscCall(NomosOperatorDestroy(&covariance->shrink));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosBackgroundAddSpectrum(const NomosBackgroundInput *input, const double field[], double variance[])
{
  const size_t  n = (size_t)(input->n_layers * input->n_bins);
  NomosOperator one;
  double       *spectrum;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &spectrum));
  PetscCall(Create(input, One, NULL, &one));
  PetscCall(NomosCorrelationSpectrum(one, field, input->width, input->n_bins, spectrum));
  for (size_t i = 0; i < n; i++) variance[i] += spectrum[i];
  PetscCall(NomosOperatorDestroy(&one));
  PetscCall(PetscFree(spectrum));
  PetscFunctionReturn(PETSC_SUCCESS);
}
