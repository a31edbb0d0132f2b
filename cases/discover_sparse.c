/* Of the mode of nomos discover that has a model: observations of some points, brought onto the grid (surrogates/interpolation), and how good that is where the truth is known. Both times of a pair are interpolated
   together, as the field at the first and the increment to the second, and so are all layers that are seen at the same points. */
#include "cases/discover_increments.h"
#include "surrogates/interpolation/interpolation_list.h"

#include "operators/correlation.h"
#include "operators/row_spectrum.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIELD, LAPLACIAN, INCREMENT, N_SCORES };
static const char *const scores[N_SCORES] = {"field_error", "laplacian_error", "increment_error"};

struct NomosSparse_s {
  const NomosInterpolationOps *ops;
  NomosObservations            places; /* a set: the whole grid, layer after layer */
  double                       fraction;
  bool                         moving; /* other ones at every time */
  size_t                       nx, ny, n_layers, n_k;
  size_t                       frame, n_rows; /* rows left out at either end, and those between */
  double                       x0, y0, lx, ly;
  NomosOperator                laplacian; /* of a layer */
  double                      *squares;   /* (N_SCORES, n_layers, 2) of errors and of the truth, over all pairs */
  double                      *spectra;   /* (2, n_layers, n_k) amplitudes of waves along x, truth and interpolated, sums over rows inside of the frame and over pairs */
  size_t                       n_pairs;
};

static double MinusSquare(void *ctx, int layer, double K)
{
  (void)ctx;
  (void)layer;
  return -K * K;
}

/* A set of all points, without values. */
static PetscErrorCode AddGrid(NomosObservations o)
{
  NomosObservationSet set = {.n = NomosObservationsLayers(o) * NomosObservationsLayerPoints(o)};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(set.n, &set.layer, set.n, &set.x, set.n, &set.y, set.n, &set.value, set.n, &set.deviation));
  for (size_t i = 0; i < set.n; i++) {
    NomosObservationsPlace(o, i, &set.layer[i], &set.x[i], &set.y[i]);
    set.value[i]     = 0;
    set.deviation[i] = 1;
  }
  PetscCall(NomosObservationsAdd(o, &set));
  PetscCall(PetscFree5(set.layer, set.x, set.y, set.value, set.deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSparsePrepare(NomosDiscover *d)
{
  NomosIncrements       *m      = d->data;
  NomosConfig            config = d->run->config;
  const NomosModelField *field  = m->forecaster.field;
  const char            *name, *assimilation, *points;
  double                 fraction;
  NomosSparse            s;
  size_t                 layer;
  bool                   periodic[2];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "discover.interpolation", &name));
  PetscCall(NomosConfigGetReal(config, "discover.fraction", &fraction));
  PetscCall(NomosConfigGetString(config, "discover.assimilation", &assimilation));
  const bool assimilates = strcmp(assimilation, "none"), none = !strcmp(name, "none");
  PetscCheck(!assimilates || none, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.interpolation = %s: discover.assimilation = %s takes points as they are seen; leave it out, discover.trajectory.fraction and discover.trajectory.points say which these are", NomosConfigWhere(config, "discover.interpolation"), name, assimilation);
  PetscCheck(!assimilates || fraction == 1, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.fraction = %g: it is of pairs that are interpolated; with discover.assimilation = %s give discover.trajectory.fraction (and discover.trajectory.points) instead", NomosConfigWhere(config, "discover.fraction"), fraction, assimilation);
  if (none) {
    PetscCheck(fraction == 1, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.fraction = %g: without discover.interpolation all points of the grid are needed; name a method, assimilate (discover.assimilation, discover.trajectory.fraction), or take 1", NomosConfigWhere(config, "discover.fraction"), fraction);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscNew(&s));
  m->sparse = s;
  PetscCall(NomosInterpolationFind(name, NomosConfigWhere(config, "discover.interpolation"), &s->ops));
  PetscCall(NomosObservationsCreate(m->forecaster.model, field->name, &s->places));
  s->lx = NomosObservationsSide(s->places, 0, &periodic[0]);
  s->ly = NomosObservationsSide(s->places, 1, &periodic[1]);
  PetscCheck(s->lx > 0 && s->ly > 0 && periodic[0] && periodic[1], d->run->comm, PETSC_ERR_SUP, "%s: discover.interpolation = %s: %s is not on a doubly periodic plane, the only one that observations are interpolated on", NomosConfigWhere(config, "discover.interpolation"), name, field->name);
  const size_t n_layer = NomosObservationsLayerPoints(s->places);
  s->n_layers          = NomosObservationsLayers(s->places);
  s->nx                = field->size[field->n_dims - 1];
  s->ny                = n_layer / s->nx;
  s->frame             = (size_t)m->frame;
  s->n_rows            = s->ny > 2 * s->frame ? s->ny - 2 * s->frame : 0;
  s->n_k               = s->nx / 2; /* the shortest mode may be dropped by the model */
  NomosObservationsPlace(s->places, 0, &layer, &s->x0, &s->y0);
  s->fraction          = fraction;
  PetscCall(NomosConfigGetString(config, "discover.points", &points));
  s->moving = !strcmp(points, "moving");
  PetscCall(AddGrid(s->places));
  PetscCall(NomosCorrelationCreate(PETSC_COMM_SELF, &(NomosCorrelationInput){.nx = (int)s->nx, .ny = (int)s->ny, .n_layers = 1, .lx = s->lx, .ly = s->ly, .amplitude = MinusSquare}, &s->laplacian));
  PetscCall(PetscCalloc1(N_SCORES * s->n_layers * 2, &s->squares));
  PetscCall(PetscCalloc1(2 * s->n_layers * s->n_k, &s->spectra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSparseDestroy(NomosSparse *sparse)
{
  NomosSparse s = *sparse;

  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosObservationsDestroy(&s->places));
  PetscCall(NomosOperatorDestroy(&s->laplacian));
  PetscCall(PetscFree(s->squares));
  PetscCall(PetscFree(s->spectra));
  PetscCall(PetscFree(*sparse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- onto the grid */

/* What is seen of a layer at one time. */
typedef struct {
  size_t  n;
  double *x, *y, *value, deviation;
} Look;

static PetscErrorCode LooksCreate(const NomosSparse s, const NomosObservationSet *set, Look *looks)
{
  PetscFunctionBeginUser;
  for (size_t l = 0; l < s->n_layers; l++) {
    Look  *look = &looks[l];
    double sum  = 0;
    PetscCall(PetscMalloc3(set->n, &look->x, set->n, &look->y, set->n, &look->value));
    look->n = 0;
    for (size_t i = 0; i < set->n; i++) {
      if (set->layer[i] != l) continue;
      look->x[look->n]       = set->x[i];
      look->y[look->n]       = set->y[i];
      look->value[look->n++] = set->value[i];
      sum += set->deviation[i] * set->deviation[i];
    }
    look->deviation = look->n ? sqrt(sum / (double)look->n) : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LooksDestroy(const NomosSparse s, Look *looks)
{
  PetscFunctionBeginUser;
  for (size_t l = 0; l < 2 * s->n_layers; l++) PetscCall(PetscFree3(looks[l].x, looks[l].y, looks[l].value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool SamePlaces(const Look *a, const Look *b)
{
  return a->n == b->n && !memcmp(a->x, b->x, a->n * sizeof *a->x) && !memcmp(a->y, b->y, a->n * sizeof *a->y);
}

static PetscErrorCode Solve(NomosDiscover *d, size_t n_fields, const Look *at, const double values[], const double deviation[], const size_t like[], double fields[])
{
  const NomosIncrements *m = d->data;
  const NomosSparse      s = m->sparse;

  PetscFunctionBeginUser;
  PetscCall(NomosInterpolate(s->ops, d->run->config, &(NomosScatter){.nx = s->nx, .ny = s->ny, .x0 = s->x0, .y0 = s->y0, .lx = s->lx, .ly = s->ly, .n = at->n, .x = at->x, .y = at->y, .n_fields = n_fields, .values = values, .deviation = deviation, .like = like, .seed = (uint64_t)m->seed}, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* fields (2, n_layers, ny, nx) from looks (2, n_layers): together if all are at the same points, else one by one. */
static PetscErrorCode OntoGrid(NomosDiscover *d, const Look *looks, double fields[])
{
  const NomosIncrements *m = d->data;
  const NomosSparse      s = m->sparse;
  const size_t           n_layers = s->n_layers, n = looks[0].n, points = s->nx * s->ny;
  bool                   same = true;
  double                *values, *deviation;
  size_t                *like;

  PetscFunctionBeginUser;
  for (size_t k = 1; k < 2 * n_layers; k++) same = same && SamePlaces(&looks[0], &looks[k]);
  if (!same) {
    for (size_t k = 0; k < 2 * n_layers; k++) PetscCall(Solve(d, 1, &looks[k], looks[k].value, &looks[k].deviation, NULL, fields + k * points));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscMalloc3(2 * n_layers * n + 1, &values, 2 * n_layers, &deviation, 2 * n_layers, &like));
  for (size_t l = 0; l < n_layers; l++) {
    const Look *first = &looks[l], *second = &looks[n_layers + l];
    like[l] = like[n_layers + l] = l;
    deviation[l]            = first->deviation;
    deviation[n_layers + l] = hypot(first->deviation, second->deviation);
    for (size_t i = 0; i < n; i++) {
      values[l * n + i]              = first->value[i];
      values[(n_layers + l) * n + i] = second->value[i] - first->value[i];
    }
  }
  PetscCall(Solve(d, 2 * n_layers, &looks[0], values, deviation, like, fields));
  for (size_t i = 0; i < n_layers * points; i++) fields[n_layers * points + i] += fields[i];
  PetscCall(PetscFree3(values, deviation, like));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's part of whole fields. */
static void TakeLocal(const NomosIncrements *m, const double fields[], double pair[])
{
  const size_t whole = m->sparse->n_layers * m->sparse->nx * m->sparse->ny;

  for (int time = 0; time < 2; time++)
    for (size_t i = 0; i < m->points; i++) pair[(size_t)time * m->points + i] = fields[(size_t)time * whole + NomosModelFieldPlace(m->forecaster.field, i)];
}

PetscErrorCode NomosSparseLooks(NomosDiscover *d, const NomosObservationSet *first, const NomosObservationSet *second, double pair[])
{
  NomosIncrements *m = d->data;
  NomosSparse      s = m->sparse;
  Look            *looks;
  double          *fields;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(2 * s->n_layers, &looks));
  PetscCall(PetscMalloc1(2 * s->n_layers * s->nx * s->ny, &fields));
  PetscCall(LooksCreate(s, first, looks));
  PetscCall(LooksCreate(s, second, looks + s->n_layers));
  PetscCall(OntoGrid(d, looks, fields));
  TakeLocal(m, fields, pair);
  PetscCall(LooksDestroy(s, looks));
  PetscCall(PetscFree(looks));
  PetscCall(PetscFree(fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- how good it is */

static void AddSquares(size_t n, const double got[], const double truth[], double squares[2])
{
  for (size_t i = 0; i < n; i++) {
    squares[0] += (got[i] - truth[i]) * (got[i] - truth[i]);
    squares[1] += truth[i] * truth[i];
  }
}

/* All whole fields: got and truth (2, n_layers, ny, nx). Both are used up. */
static PetscErrorCode Score(NomosSparse s, double got[], double truth[])
{
  const size_t points = s->nx * s->ny, whole = s->n_layers * points;
  double      *lap[2];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(points, &lap[0], points, &lap[1]));
  for (size_t l = 0; l < s->n_layers; l++) {
    double *const fields[] = {truth + l * points, got + l * points};
    for (int which = 0; which < 2; which++) {
      double *later = fields[which] + whole;
      for (size_t i = 0; i < points; i++) later[i] -= fields[which][i];
      PetscCall(NomosAddRowSpectra(NOMOS_WAVES_AMPLITUDE, s->n_rows, s->nx, fields[which] + s->frame * s->nx, s->n_k, s->spectra + ((size_t)which * s->n_layers + l) * s->n_k));
      PetscCall(NomosOperatorApply(s->laplacian, (const double *const[]){fields[which]}, (double *const[]){lap[which]}));
    }
    AddSquares(points, fields[1], fields[0], s->squares + 2 * (FIELD * s->n_layers + l));
    AddSquares(points, lap[1], lap[0], s->squares + 2 * (LAPLACIAN * s->n_layers + l));
    AddSquares(points, fields[1] + whole, fields[0] + whole, s->squares + 2 * (INCREMENT * s->n_layers + l));
  }
  s->n_pairs++;
  PetscCall(PetscFree2(lap[0], lap[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The looks of all layers at the points order (n), from values (n_layers, ny nx). */
static PetscErrorCode LooksSample(const NomosIncrements *m, size_t n, const size_t order[], const double values[], Look *looks)
{
  const NomosSparse          s    = m->sparse;
  const NomosObservationSet *grid = NomosObservationsSet(s->places, 0);

  PetscFunctionBeginUser;
  for (size_t l = 0; l < s->n_layers; l++) {
    Look  *look = &looks[l];
    double mean = 0, square = 0;
    PetscCall(PetscMalloc3(n, &look->x, n, &look->y, n, &look->value));
    look->n = n;
    for (size_t i = 0; i < n; i++) {
      const size_t at = l * s->nx * s->ny + order[i];
      look->x[i]      = grid->x[at];
      look->y[i]      = grid->y[at];
      look->value[i]  = values[at];
      mean += values[at] / (double)n;
      square += values[at] * values[at] / (double)n;
    }
    look->deviation = m->noise * sqrt(fmax(0, square - mean * mean));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSparsePair(NomosDiscover *d, int64_t sample, const double exact[], double pair[])
{
  NomosIncrements *m     = d->data;
  NomosSparse      s     = m->sparse;
  const size_t     whole = s->n_layers * s->nx * s->ny;
  Look            *looks;
  double          *fields, *truth;
  size_t          *order;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(2 * whole, &fields, 2 * whole, &truth, s->nx * s->ny, &order));
  PetscCall(PetscCalloc1(2 * s->n_layers, &looks));
  for (int64_t time = 0; time < 2; time++) {
    PetscCall(NomosObservationsApply(s->places, 0, pair + (size_t)time * m->points, fields));
    PetscCall(NomosObservationsApply(s->places, 0, exact + (size_t)time * m->points, truth + (size_t)time * whole));
    const size_t n_seen = NomosIncrementsSeen(m, s->fraction, s->moving ? 1 + 2 * sample + time : 0, s->nx * s->ny, order);
    PetscCall(LooksSample(m, n_seen, order, fields, looks + (size_t)time * s->n_layers));
  }
  PetscCall(OntoGrid(d, looks, fields));
  TakeLocal(m, fields, pair);
  PetscCall(Score(s, fields, truth));
  PetscCall(LooksDestroy(s, looks));
  PetscCall(PetscFree(looks));
  PetscCall(PetscFree3(fields, truth, order));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosSparseResults(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  const NomosIncrements *m = d->data;
  const NomosSparse      s = m->sparse;
  char                   name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (!s || !s->n_pairs) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t k = 0; k < N_SCORES; k++)
    for (size_t l = 0; l < s->n_layers; l++) {
      const double *squares = s->squares + 2 * (k * s->n_layers + l);
      snprintf(name, sizeof name, "%s_%zu", scores[k], l + 1);
      PetscCall(result(name, sqrt(squares[0] / squares[1]), ctx));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* interpolation_spectra.csv: truth_1, ..., interpolated_1, ...: means over rows and pairs. */
PetscErrorCode NomosSparseWrite(NomosDiscover *d)
{
  static const char *const runs[] = {"truth", "interpolated"};
  const NomosIncrements   *m      = d->data;
  const NomosSparse        s      = m->sparse;
  NomosScalarFile          file;
  char                     path[NOMOS_MAX_PATH], (*names)[32];
  const char             **list;
  double                  *row;

  PetscFunctionBeginUser;
  if (!s || !s->n_pairs) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n = 2 * s->n_layers;
  PetscCall(PetscMalloc3(n, &names, n, &list, n, &row));
  for (size_t i = 0; i < n; i++) {
    snprintf(names[i], sizeof names[i], "%s_%zu", runs[i / s->n_layers], i % s->n_layers + 1);
    list[i] = names[i];
  }
  PetscCall(NomosRunDirectoryFile(d->run->directory, "interpolation_spectra.csv", path));
  PetscCall(NomosScalarFileCreateOver(d->run->comm, path, "wavenumber", n, list, &file));
  for (size_t k = 0; k < s->n_k; k++) {
    for (size_t i = 0; i < n; i++) row[i] = s->spectra[i * s->n_k + k] / (double)(s->n_pairs * PetscMax(s->n_rows, 1));
    PetscCall(NomosScalarFileWrite(file, (int64_t)k, (double)k, row));
  }
  PetscCall(NomosScalarFileClose(&file));
  PetscCall(PetscFree3(names, list, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}
