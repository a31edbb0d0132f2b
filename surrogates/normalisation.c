#include "surrogates/normalisation.h"

#include "operators/primitives.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

PetscErrorCode NomosNormalisationCreate(NomosParameters parameters, const char prefix[], size_t n_channels, NomosNormalisation *normalisation)
{
  PetscFunctionBeginUser;
  normalisation->n_channels = n_channels;
  PetscCall(NomosParametersAdd(parameters, &(NomosParameterInput){.prefix = prefix, .name = "mean", .n_dims = 1, .shape = {n_channels}, .initialiser = NomosInitialiserConstant(0), .buffer = true}, &normalisation->mean));
  PetscCall(NomosParametersAdd(parameters, &(NomosParameterInput){.prefix = prefix, .name = "deviation", .n_dims = 1, .shape = {n_channels}, .initialiser = NomosInitialiserConstant(1), .buffer = true}, &normalisation->deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNormalisationSet(const NomosNormalisation *normalisation, NomosParameters parameters, const double mean[], const double deviation[])
{
  PetscFunctionBeginUser;
  for (size_t c = 0; c < normalisation->n_channels; c++) {
    NomosCheck(isfinite(mean[c]) && isfinite(deviation[c]) && deviation[c] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "normalisation: channel %zu has mean %g and standard deviation %g; both must be finite, the second positive", c, mean[c], deviation[c]);
    NomosCheck(NomosParametersType(parameters) == NOMOS_F64 || (fabs(mean[c]) <= FLT_MAX && deviation[c] >= FLT_MIN && deviation[c] <= FLT_MAX), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "normalisation: channel %zu has mean %g and standard deviation %g, which float32 cannot hold; scale the data, or train with train.precision: float64", c, mean[c], deviation[c]);
  }
  PetscCall(NomosParametersSetDoubles(parameters, normalisation->mean, mean));
  PetscCall(NomosParametersSetDoubles(parameters, normalisation->deviation, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Count, mean and sum of squared distances of a channel within a block. */
typedef struct {
  double n, mean, squares;
} Moments;

typedef struct {
  Moments *moments; /* (n_blocks, n_channels) */
  size_t   n_channels, inner; /* entries behind the axis of the channels */
} Accumulate;

static void Combine(Moments *a, const Moments *b)
{
  const double n = a->n + b->n, delta = b->mean - a->mean;

  if (!(b->n > 0)) return;
  a->squares += b->squares + delta * delta * a->n * b->n / n;
  a->mean += delta * b->n / n;
  a->n = n;
}

/* A row's own moments in two passes, then into those of its block. Distances are from the first entry, then from the mean: a constant has none, and a large mean costs no digits. */
static PetscErrorCode AddRow(size_t block, const double row[], size_t size, void *ctx)
{
  const Accumulate *to    = ctx;
  const size_t      inner = to->inner, outer = size / inner / to->n_channels;

  PetscFunctionBeginUser;
  for (size_t c = 0; c < to->n_channels; c++) {
    Moments m = {.n = (double)(outer * inner), .mean = row[c * inner]};
    for (int pass = 0; pass < 2; pass++) {
      double sum = 0;
      for (size_t o = 0; o < outer; o++) {
        const double *x = row + (o * to->n_channels + c) * inner;
        for (size_t i = 0; i < inner; i++) sum += pass ? (x[i] - m.mean) * (x[i] - m.mean) : x[i] - m.mean;
      }
      if (pass) m.squares = sum;
      else m.mean += sum / m.n;
    }
    Combine(&to->moments[block * to->n_channels + c], &m);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNormalisationFit(const NomosNormalisation *normalisation, NomosParameters parameters, const NomosNormalisationSource *source)
{
  const size_t n_channels = normalisation->n_channels, n_blocks = NomosDatasetBlocks(source->dataset), n = n_blocks * n_channels;
  Accumulate   to = {.n_channels = n_channels, .inner = 1};
  const size_t *shape;
  int          n_axes;
  double      *mean, *deviation;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetRowShape(source->dataset, source->variable, &n_axes, &shape));
  if (source->axis >= 0) {
    NomosCheck(source->axis < n_axes && shape[source->axis] == n_channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "normalisation of %zu channels: axis %d of the data's rows has %zu entries", n_channels, source->axis, source->axis < n_axes ? shape[source->axis] : 0);
    for (int a = source->axis + 1; a < n_axes; a++) to.inner *= shape[a];
  } else NomosCheck(n_channels == 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "normalisation of %zu channels needs the axis that they lie along", n_channels);
  PetscCall(PetscCalloc3(n, &to.moments, n_channels, &mean, n_channels, &deviation));
  PetscCall(NomosDatasetVisit(source->dataset, source->variable, NOMOS_SPLIT_TRAIN, AddRow, &to));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, to.moments, 3 * (int)n, MPI_DOUBLE, MPI_SUM, source->comm)); /* each block is of one rank: nothing is rounded */
  for (size_t c = 0; c < n_channels; c++) {
    Moments all = {0};
    for (size_t b = 0; b < n_blocks; b++) Combine(&all, &to.moments[b * n_channels + c]);
    mean[c]      = all.mean;
    deviation[c] = sqrt(all.squares / all.n);
    if (deviation[c] <= 1e-14 * fabs(mean[c])) deviation[c] = 1; /* a constant, or its rounding */
  }
  PetscErrorCode code = NomosNormalisationSet(normalisation, parameters, mean, deviation);
  PetscCall(PetscFree3(to.moments, mean, deviation));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The statistics shaped so that they broadcast along `axis` of x. */
static NomosTensor Along(const NomosNormalisation *normalisation, NomosTensor statistics, NomosTensor x, int axis)
{
  const int n_dims = NomosTensorDims(x, &(const size_t *){0});
  size_t    shape[NOMOS_TENSOR_MAX_DIMS];

  if (normalisation->n_channels == 1) return NomosReshape(statistics, 0, shape);
  const int behind = axis < 0 ? -axis - 1 : n_dims - axis - 1;
  shape[0]         = normalisation->n_channels;
  for (int i = 1; i <= behind && i < NOMOS_TENSOR_MAX_DIMS; i++) shape[i] = 1;
  return behind >= 0 && behind < NOMOS_TENSOR_MAX_DIMS ? NomosReshape(statistics, behind + 1, shape) : statistics;
}

NomosTensor NomosNormalisationApply(const NomosNormalisation *normalisation, const NomosTensor w[], NomosTensor x, int axis)
{
  return NomosDivide(NomosSubtract(x, Along(normalisation, w[normalisation->mean], x, axis)), Along(normalisation, w[normalisation->deviation], x, axis));
}

NomosTensor NomosNormalisationUndo(const NomosNormalisation *normalisation, const NomosTensor w[], NomosTensor x, int axis)
{
  return NomosAdd(NomosMultiply(x, Along(normalisation, w[normalisation->deviation], x, axis)), Along(normalisation, w[normalisation->mean], x, axis));
}
