/* Strong form: terms and rates at points. */
#include "surrogates/discovery/library_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode NomosLibraryStrongCreate(NomosLibrary l)
{
  NomosLibrarySettings *s    = &l->settings;
  size_t                rows = 1, all = 1;

  PetscFunctionBeginUser;
  if (!s->time_order) s->time_order = 4;
  NomosCheck(s->time_order >= 2 && s->time_order <= 8 && s->time_order % 2 == 0, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: differences in time of order %d; 2, 4, 6 and 8 exist", l->where, s->time_order);
  for (int d = 0; d <= l->n_dims; d++) {
    if (!s->stride[d]) s->stride[d] = 1;
    if (d == l->n_dims) break;
    rows *= (l->n[d] - 1) / s->stride[d] + 1;
    all *= l->n[d];
  }
  if (rows == all) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(rows, &l->places));
  const size_t nx = l->n_dims > 1 ? l->n[1] : 1, every_y = s->stride[0], every_x = l->n_dims > 1 ? s->stride[1] : 1;
  for (size_t y = 0, row = 0; y < l->n[0]; y += every_y)
    for (size_t x = 0; x < nx; x += every_x) l->places[row++] = y * nx + x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights of the first derivative at `at` by the n nodes t (Fornberg 1988). */
static void DifferenceWeights(size_t n, const double t[], double at, double weights[])
{
  double value[NOMOS_STRONG_FRAMES] = {1}, slope[NOMOS_STRONG_FRAMES] = {0}, last = 1;

  for (size_t i = 1; i < n; i++) {
    double product = 1;
    for (size_t j = 0; j < i; j++) {
      const double distance = t[i] - t[j];
      product *= distance;
      if (j == i - 1) {
        slope[i] = last / product * (value[j] - (t[j] - at) * slope[j]);
        value[i] = -last / product * (t[j] - at) * value[j];
      }
      slope[j] = ((t[i] - at) * slope[j] - value[j]) / distance;
      value[j] = (t[i] - at) * value[j] / distance;
    }
    last = product;
  }
  memcpy(weights, slope, n * sizeof *weights);
}

typedef struct {
  size_t          width;                       /* frames that a row is made of */
  double        **ring[NOMOS_STRONG_FRAMES];   /* (n_all)(points) each, of frame f in f % width */
  double        **columns, **rates, **gathered_columns, **gathered_rates;
  const double  **targets;                     /* (n_targets) */
} Strong;

static PetscErrorCode Load(NomosAssembly *a, size_t trajectory, size_t frame, double *const fields[])
{
  NomosLibrary l         = a->library;
  size_t       n_missing = 0;

  PetscFunctionBeginUser;
  PetscCall(a->frames->read(a->frames->context, trajectory, frame, fields));
  for (size_t i = 0; i < l->n_all; i++)
    for (size_t k = 0; k < l->points; k++) n_missing += isnan(fields[i][k]) != 0;
  a->n_missing += (double)n_missing;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Rate(const Strong *s, size_t start, const double weights[], size_t field, size_t points, double rate[])
{
  #pragma omp parallel for schedule(static)
  for (size_t k = 0; k < points; k++) {
    double sum = 0;
    for (size_t i = 0; i < s->width; i++) sum += weights[i] * s->ring[(start + i) % s->width][field][k];
    rate[k] = sum;
  }
}

static void Gather(size_t n_rows, const size_t places[], const double all[], double some[])
{
  for (size_t row = 0; row < n_rows; row++) some[row] = all[places[row]];
}

/* Rows of a frame. A difference across missing frames is left out: it would be of another accuracy. */
static PetscErrorCode AddFrame(NomosAssembly *a, Strong *s, size_t trajectory, size_t moment, size_t frame, size_t start)
{
  NomosLibrary      l      = a->library;
  const NomosTimes *times  = &l->times[trajectory];
  const double     *t      = a->frames->times[trajectory];
  double *const    *fields = s->ring[frame % s->width];
  double            weights[NOMOS_STRONG_FRAMES];

  PetscFunctionBeginUser;
  if (times->slot[start + s->width - 1] - times->slot[start] != s->width - 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTermsEvaluate(l->terms, (const double *const *)fields, s->columns));
  if (!l->rates) DifferenceWeights(s->width, t + start, t[frame], weights);
  for (size_t i = 0; i < l->n_targets; i++) {
    if (!l->rates) Rate(s, start, weights, l->targets[i], l->points, s->rates[i]);
    s->targets[i] = l->rates ? fields[l->n_fields + i] : s->rates[i];
    if (!l->places) continue;
    Gather(l->n_rows, l->places, s->targets[i], s->gathered_rates[i]);
    s->targets[i] = s->gathered_rates[i];
  }
  if (l->places)
    for (size_t j = 0; j < l->n_terms; j++) Gather(l->n_rows, l->places, s->columns[j], s->gathered_columns[j]);
  PetscCall(NomosAssemblyAdd(a, trajectory, moment, (const double *const *)(l->places ? s->gathered_columns : s->columns), s->targets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddFrames(NomosAssembly *a, Strong *s, size_t trajectory, size_t first, size_t end)
{
  NomosLibrary l        = a->library;
  const size_t n_frames = l->n_frames[trajectory];
  size_t       next     = 0;

  PetscFunctionBeginUser;
  for (size_t moment = first; moment < end; moment++) {
    const size_t frame = moment * l->settings.stride[l->n_dims], half = s->width / 2;
    const size_t start = PetscMin(frame > half ? frame - half : 0, n_frames - s->width);
    for (next = PetscMax(next, start); next < start + s->width; next++) PetscCall(Load(a, trajectory, next, s->ring[next % s->width]));
    PetscCall(AddFrame(a, s, trajectory, moment, frame, start));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryStrong(NomosAssembly *a, size_t trajectory, size_t first, size_t end)
{
  NomosLibrary l = a->library;
  Strong       s = {.width = l->rates ? 1 : (size_t)l->settings.time_order + 1};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < s.width; i++) PetscCall(NomosArraysCreate(l->n_all, l->points, &s.ring[i]));
  PetscCall(NomosArraysCreate(l->n_terms, l->points, &s.columns));
  PetscCall(NomosArraysCreate(l->n_targets, l->points, &s.rates));
  PetscCall(NomosArraysCreate(l->n_terms, l->places ? l->n_rows : 0, &s.gathered_columns));
  PetscCall(NomosArraysCreate(l->n_targets, l->places ? l->n_rows : 0, &s.gathered_rates));
  PetscCall(PetscMalloc1(l->n_targets, &s.targets));
  PetscErrorCode code = AddFrames(a, &s, trajectory, first, end);
  for (size_t i = 0; i < s.width; i++) PetscCall(NomosArraysDestroy(&s.ring[i]));
  PetscCall(NomosArraysDestroy(&s.columns));
  PetscCall(NomosArraysDestroy(&s.rates));
  PetscCall(NomosArraysDestroy(&s.gathered_columns));
  PetscCall(NomosArraysDestroy(&s.gathered_rates));
  PetscCall(PetscFree(s.targets));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
