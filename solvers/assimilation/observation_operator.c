/* From a field to what would be seen, and back. Along each axis an observation reads one point, or some with weights: along one that is not periodic the two around it (beyond the first and the last point, to the end of the
   domain, that point alone); else all, by the series through n equally spaced points, whose weights are Dirichlet's kernel,

     sin(n t/2)/(n tan(t/2)), n even;   sin(n t/2)/(n sin(t/2)), n odd;   t = 2 pi (x - x_i)/L

   the shortest wave of an even n as a cosine. */
#include "solvers/assimilation/observations_impl.h"
#include "operators/reduce.h"

#include <math.h>

static const double same_place = 1e-6; /* of the spacing: coordinates may be of single precision */

static void Weigh(const NomosObservationAxis *axis, double x, int64_t *at, double *weights)
{
  const size_t  n      = axis->n;
  const double *points = axis->dim->values, along = (x - points[0]) / axis->spacing, nearest = round(along);

  *at = -1;
  if (!axis->periodic) {
    size_t i = 0;
    while (i < n - 2 && (x - points[i + 1]) * axis->length > 0) i++;
    const double part = (x - points[i]) / (points[i + 1] - points[i]);
    if (part <= same_place) *at = (int64_t)i;
    if (part >= 1 - same_place) *at = (int64_t)i + 1;
    for (size_t k = 0; k < n; k++) weights[k] = k == i ? 1 - part : k == i + 1 ? part
                                                                               : 0;
    return;
  }
  if (fabs(along - nearest) <= same_place) {
    *at = ((int64_t)nearest % (int64_t)n + (int64_t)n) % (int64_t)n;
    return;
  }
  const double wave = sin(PETSC_PI * along) / (double)n;
  for (size_t i = 0; i < n; i++) {
    const double half = PETSC_PI * (along - (double)i) / (double)n;
    weights[i]        = (i % 2 ? -wave : wave) / (n % 2 ? sin(half) : tan(half));
  }
}

/* Of set i, kept until another is asked for. */
static PetscErrorCode Prepare(NomosObservations o, size_t i)
{
  NomosObservationWeights   *w                    = &o->weights;
  const NomosObservationSet *set                  = &o->sets[i];
  const double *const        places[NOMOS_N_AXES] = {set->x, set->y};

  PetscFunctionBeginUser;
  PetscCheck(i < o->n_times, o->model->comm, PETSC_ERR_ARG_OUTOFRANGE, "set %zu of %zu sets of observations was asked for", i + 1, o->n_times);
  if (w->of == i) PetscFunctionReturn(PETSC_SUCCESS);
  w->of   = SIZE_MAX;
  w->work = 0;
  for (int a = 0; a < NOMOS_N_AXES; a++) {
    PetscCall(PetscFree2(w->at[a], w->weights[a]));
    if (!o->axes[a].n) continue;
    PetscCall(PetscMalloc2(set->n + 1, &w->at[a], set->n * o->axes[a].n + 1, &w->weights[a]));
    for (size_t j = 0; j < set->n; j++) Weigh(&o->axes[a], places[a][j], &w->at[a][j], w->weights[a] + j * o->axes[a].n);
  }
  for (size_t j = 0; j < set->n; j++) {
    double points = 1;
    for (int a = 0; a < NOMOS_N_AXES; a++) points *= o->axes[a].n && w->at[a][j] < 0 ? (double)o->axes[a].n : 1;
    w->work += points;
  }
  w->of = i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsOnGrid(NomosObservations o, size_t i, bool *on_grid)
{
  PetscFunctionBeginUser;
  PetscCall(Prepare(o, i));
  *on_grid = true;
  for (int a = 0; a < NOMOS_N_AXES; a++)
    for (size_t j = 0; j < o->sets[i].n && o->axes[a].n; j++) *on_grid = *on_grid && o->weights.at[a][j] >= 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's block as layers of rows: a dimension that space does not have is one point. */
typedef struct {
  size_t start[NOMOS_N_AXES], count[NOMOS_N_AXES], n_layers;
} Block;

static Block BlockOf(NomosObservations o)
{
  Block block = {
    .count    = {1, 1},
    .n_layers = 1
  };

  for (int a = 0; a < NOMOS_N_AXES && o->axes[a].n; a++) {
    const int d    = o->field->n_dims - 1 - a;
    block.start[a] = o->field->start[d];
    block.count[a] = o->field->count[d];
  }
  for (int d = 0; d < o->n_leading; d++) block.n_layers *= o->field->count[d];
  return block;
}

/* Place of a layer of the whole field among this rank's, or -1. */
static int64_t LocalLayer(NomosObservations o, size_t layer)
{
  int64_t local = 0, stride = 1;

  for (int d = o->n_leading - 1; d >= 0; d--) {
    const size_t at = layer % o->field->size[d];
    if (at < o->field->start[d] || at >= o->field->start[d] + o->field->count[d]) return -1;
    local += stride * (int64_t)(at - o->field->start[d]);
    stride *= (int64_t)o->field->count[d];
    layer /= o->field->size[d];
  }
  return local;
}

/* Weight of point i of an axis. */
static double Weight(NomosObservations o, int a, size_t j, size_t i)
{
  if (!o->axes[a].n) return 1;
  if (o->weights.at[a][j] >= 0) return (size_t)o->weights.at[a][j] == i;
  return o->weights.weights[a][j * o->axes[a].n + i];
}

/* The points of this rank along an axis that observation j reads: one, or all. */
static void Reach(NomosObservations o, const Block *block, int a, size_t j, size_t *first, size_t *last)
{
  *first = 0;
  *last  = block->count[a];
  if (!o->axes[a].n || o->weights.at[a][j] < 0) return;
  *first = (size_t)o->weights.at[a][j] - block->start[a];
  *last  = *first < block->count[a] ? *first + 1 : *first;
}

static double Seen(NomosObservations o, const Block *block, const NomosObservationSet *set, size_t j, const double values[])
{
  const int64_t layer = LocalLayer(o, set->layer[j]);
  size_t        rows[2], places[2];
  double        sum = 0;

  if (layer < 0) return 0;
  Reach(o, block, NOMOS_AXIS_Y, j, &rows[0], &rows[1]);
  Reach(o, block, NOMOS_AXIS_X, j, &places[0], &places[1]);
  for (size_t row = rows[0]; row < rows[1]; row++) {
    const double *line = values + ((size_t)layer * block->count[NOMOS_AXIS_Y] + row) * block->count[NOMOS_AXIS_X];
    double        part = 0;
    for (size_t i = places[0]; i < places[1]; i++) part += Weight(o, NOMOS_AXIS_X, j, block->start[NOMOS_AXIS_X] + i) * line[i];
    sum += Weight(o, NOMOS_AXIS_Y, j, block->start[NOMOS_AXIS_Y] + row) * part;
  }
  return sum;
}

PetscErrorCode NomosObservationsApply(NomosObservations o, size_t i, const double values[], double seen[])
{
  PetscFunctionBeginUser;
  PetscCall(Prepare(o, i));
  const NomosObservationSet *set   = &o->sets[i];
  const Block                block = BlockOf(o);
#pragma omp parallel for if (o->weights.work > 1e6) schedule(static)
  for (size_t j = 0; j < set->n; j++) seen[j] = Seen(o, &block, set, j, values);
  PetscCall(NomosSumOverRanks(o->model->comm, set->n, seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsApplyTranspose(NomosObservations o, size_t i, const double seen_bar[], double values_bar[])
{
  PetscFunctionBeginUser;
  PetscCall(Prepare(o, i));
  const NomosObservationSet *set   = &o->sets[i];
  const Block                block = BlockOf(o);
#pragma omp parallel for if (o->weights.work > 1e6) schedule(static)
  for (size_t row = 0; row < block.n_layers * block.count[NOMOS_AXIS_Y]; row++) { /* a row belongs to one thread, and takes the observations in their order */
    double *line = values_bar + row * block.count[NOMOS_AXIS_X];
    for (size_t j = 0; j < set->n; j++) {
      if (LocalLayer(o, set->layer[j]) != (int64_t)(row / block.count[NOMOS_AXIS_Y])) continue;
      const double bar = seen_bar[j] * Weight(o, NOMOS_AXIS_Y, j, block.start[NOMOS_AXIS_Y] + row % block.count[NOMOS_AXIS_Y]);
      size_t       first, last;
      if (bar == 0) continue;
      Reach(o, &block, NOMOS_AXIS_X, j, &first, &last);
      for (size_t k = first; k < last; k++) line[k] += bar * Weight(o, NOMOS_AXIS_X, j, block.start[NOMOS_AXIS_X] + k);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
