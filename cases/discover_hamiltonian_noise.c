/* Noise of states and rates, from which an H is found: put on them, measured in them, and put on them once more (surrogates/discovery/intervals.h). */
#include "cases/discover_hamiltonian.h"

#include "operators/random.h"
#include "surrogates/discovery/frames.h"

#include <math.h>
#include <string.h>

/* Streams of random numbers, by discover.seed: of states, then of rates. */
enum { STREAM_NOISE = 1 << 20, STREAM_REPLICA = STREAM_NOISE + 2 };

PetscErrorCode NomosHamiltonianAddNoise(NomosHamiltonianData *data, double noise, uint64_t seed)
{
  const size_t  size = data->size, n = data->seen.n * data->seen.n_times;
  const double *from[] = {data->seen.x, data->seen_rates.x};

  PetscFunctionBeginUser;
  for (size_t which = 0; which < 2 && from[which]; which++) {
    if (!data->noisy[which]) PetscCall(PetscMalloc1(n * size, &data->noisy[which]));
    memcpy(data->noisy[which], from[which], n * size * sizeof(double));
    for (size_t i = 0; i < size && noise > 0; i++) {
      double square = 0;
      for (size_t s = 0; s < n; s++) square += from[which][s * size + i] * from[which][s * size + i];
      const double sigma = noise * sqrt(square / (double)n);
      for (size_t s = 0; s < n; s++) data->noisy[which][s * size + i] += sigma * NomosRandomNormal(seed, STREAM_NOISE + which, s * size + i);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A frame of states and, behind them, rates. */
static PetscErrorCode Read(void *context, size_t trajectory, size_t frame, double *const fields[])
{
  const NomosHamiltonianData *data = context;

  for (size_t i = 0; i < (data->seen_rates.x ? 2 : 1) * data->size; i++)
    if (fields[i]) *fields[i] = data->noisy[i / data->size][(trajectory * data->seen.n_times + frame) * data->size + i % data->size];
  return PETSC_SUCCESS;
}

static PetscErrorCode Measure(NomosHamiltonianData *data)
{
  NomosFrames   frames = {.n_fields = data->seen_rates.x ? 2 * data->size : data->size, .n_trajectories = data->seen.n, .read = Read, .context = data};
  size_t       *n_frames;
  const double **times;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(data->seen.n, &n_frames, data->seen.n, &times));
  for (size_t o = 0; o < data->seen.n; o++) {
    n_frames[o] = data->seen.n_times;
    times[o]    = data->seen.times;
  }
  frames.n_frames = n_frames;
  frames.times    = times;
  PetscCall(PetscMalloc1(2 * data->size, &data->sigma));
  PetscErrorCode code = NomosFramesNoise(&frames, data->sigma);
  PetscCall(PetscFree2(n_frames, times));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of the regression with noise on top, of every state once. */
static PetscErrorCode AddAgain(NomosHamiltonianData *data, uint64_t seed, size_t replica, double x[], double y[])
{
  const size_t  size   = data->size, n_x = data->window.n ? data->seen.n * data->seen.n_times : data->n;
  const double *from[] = {data->x, data->y};
  double       *to[]   = {x, y};

  PetscFunctionBeginUser;
  if (!data->sigma) PetscCall(Measure(data));
  for (size_t which = 0; which < (data->window.n ? 1 : 2); which++)
    for (size_t i = 0; i < (which ? data->n : n_x) * size; i++) to[which][i] = from[which][i] + data->sigma[which * size + i % size] * NomosRandomNormal(seed, STREAM_REPLICA + 2 * replica + which, i);
  if (data->window.n) NomosTimeWindowRates(&data->window, size, data->n, data->points, x, y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianReplicate(NomosDiscover *d, size_t replica, NomosGram *gram)
{
  NomosHamiltonianData  *data = d->data;
  const size_t           n    = gram->n_terms;
  NomosHamiltonianStates rows = NomosHamiltonianRows(data);
  double                *x, *y;
  int64_t                seed;
  NomosGram              blocks;
  NomosNormal            sum;

  PetscFunctionBeginUser;
  PetscCheck(!data->network, d->run->comm, PETSC_ERR_SUP, "%s: discover.intervals = noise: a network has no noise; use blocks", NomosConfigWhere(d->run->config, "discover.intervals"));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  PetscCall(PetscMalloc2((data->window.n ? data->seen.n * data->seen.n_times : data->n) * data->size, &x, data->n * data->size, &y));
  PetscErrorCode code = AddAgain(data, (uint64_t)seed, replica, x, y);
  rows.x              = x;
  rows.x_dot          = y;
  if (!code) code = NomosHamiltonianAssemble(data->library, &rows, NULL, &blocks);
  PetscCall(PetscFree2(x, y));
  PetscCall(code);
  PetscCall(NomosGramNormal(&blocks, 0, NULL, &sum));
  memcpy(gram->G, sum.G, n * n * sizeof *sum.G);
  memcpy(gram->b, sum.b, n * sizeof *sum.b);
  gram->s[0] = sum.s;
  gram->n[0] = sum.n;
  PetscCall(NomosNormalDestroy(&sum));
  PetscCall(NomosGramDestroy(&blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}
