/* Inside of weak regressions without the bias of noise: library_noise.c, what the noise of points does to columns; library_unbiased.c, which says the equations, sums, fits and their covariances. */
#ifndef NOMOS_SURROGATES_DISCOVERY_LIBRARY_UNBIASED_IMPL_H
#define NOMOS_SURROGATES_DISCOVERY_LIBRARY_UNBIASED_IMPL_H

#include "surrogates/discovery/library_impl.h"

enum { MAX_FIELDS = NOMOS_UNBIASED_FIELDS };

typedef struct {
  NomosLibrary       library;
  const NomosFrames *frames;
  const double      *sigma, *rows; /* rows (n_terms)(all rows) */
  size_t             n_all, *first_row; /* (n_trajectories) */
  const double      *c;
  double           **fields;
  /* for covariances: every thin-th point of every thin-th frame stands for all */
  size_t             thin, nx, n_thin;
  int                degree;
  double            *overlaps[2];  /* (orders, orders, points) of each axis of space: sum over tests of d^a phi d^b phi at a point */
  double            *he, **work;
  size_t             n_groups, *groups; /* projections of the same inside */
} NomosLibraryNoise;

/* Errors: a library that cannot be unbiased. */
PetscErrorCode NomosLibraryNoiseCreate(NomosLibrary l, const NomosFrames *frames, const double sigma[], NomosLibraryNoise *noise);
PetscErrorCode NomosLibraryNoiseDestroy(NomosLibraryNoise *noise);
/* Products of the Hermite polynomials of fields at the points of a frame, out (points). */
void NomosLibraryFillInside(NomosLibrary l, const double *const fields[], const double sigma[], const int exponents[], double out[]);
/* Of one frame, whose fields are in noise->fields, added to sums: covariances of columns and targets (n, n). products: room (n_projections, n_projections). */
void NomosLibraryNoiseCovariances(NomosLibraryNoise *noise, size_t trajectory, size_t slot, double products[], double sums[]);

/* The first point that a test function sees, of n along the axis. */
static inline size_t NomosTestBegin(const NomosTestAxis *axis, size_t test, size_t n)
{
  return axis->periodic ? test * axis->stride + n - axis->half_width + 1 : test * axis->stride + 1;
}

#endif
