/* What a reduced-order graph learns from: trajectories, samples of their particles, windows of frames. */
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include "io/sort.h"
#include "operators/neighbours.h"
#include "operators/random.h"
#include "surrogates/reduced_order_graph/particle_trained.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- samples */

static size_t PointsOf(const NomosParticleSampling *sampling, double factor, size_t n_particles)
{
  if (!strcmp(sampling->kind, "all")) return n_particles;
  const double n = round(factor * (sampling->fraction > 0 ? sampling->fraction * (double)n_particles : sampling->n_points));
  return (size_t)fmin(fmax(n, 1), (double)n_particles);
}

/* Which sample it is depends on seed, split, trajectory and draw alone. */
static PetscErrorCode Draw(const NomosParticlePartInput *input, const NomosParticleTrajectory *trajectory, size_t i, size_t draw, size_t n, int32_t sample[])
{
  const NomosParticleDataInfo *info;
  char                         name[128];
  double                      *x;

  PetscFunctionBeginUser;
  snprintf(name, sizeof name, "reduced_order_graph.sample.%s.%zu.%zu", nomos_split_names[input->split], i, draw);
  const uint64_t stream = NomosRandomStream(name);
  if (n == trajectory->n_particles) {
    for (size_t p = 0; p < n; p++) sample[p] = (int32_t)p;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!strcmp(input->sampling->kind, "random")) {
    PetscCall(NomosSampleRandom(input->seed, stream, trajectory->n_particles, n, sample));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosParticleDataGetInfo(input->data, &info));
  PetscCall(PetscMalloc1(trajectory->n_particles * (size_t)info->d, &x));
  PetscErrorCode code = NomosParticleDataRead(input->data, &(NomosParticleSelection){.split = input->split, .trajectory = i, .n_frames = 1, .n = trajectory->n_particles}, x);
  if (!code) code = NomosSampleFarthest(info->d, trajectory->n_particles, x, NomosRandomIndex(input->seed, stream, 0, trajectory->n_particles), n, sample);
  PetscCall(PetscFree(x));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleSampleDraw(const NomosParticlePartInput *input, size_t i, size_t draw, size_t *n, int32_t **sample)
{
  NomosParticleTrajectory t;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataTrajectory(input->data, input->split, i, &t));
  *n = PointsOf(input->sampling, input->factor, t.n_particles);
  PetscCall(PetscMalloc1(*n, sample));
  PetscCall(Draw(input, &t, i, draw, *n, *sample));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillPart(const NomosParticlePartInput *input, NomosParticlePart *part)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < part->n; i++) {
    NomosParticleTrajectory t;
    PetscCall(NomosParticleDataTrajectory(part->data, part->split, i, &t));
    NomosCheck(t.n_frames >= input->window, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has %zu frames, and an example takes %zu (reduced_order_graph.history + 1 + reduced_order_graph.steps): give longer trajectories, or take fewer of them", t.name, t.n_frames, input->window);
    for (size_t draw = 0; draw < part->n_draws; draw++) {
      const size_t k = i * part->n_draws + draw;
      PetscCall(NomosParticleSampleDraw(input, i, draw, &part->n_points[k], &part->sample[k]));
      PetscCall(NomosParticleDataCheckMoving(part->data, &t, part->n_points[k], part->sample[k]));
      part->most         = PetscMax(part->most, part->n_points[k]);
      part->first[k + 1] = part->first[k] + t.n_frames - input->window + 1;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticlePartCreate(const NomosParticlePartInput *input, NomosParticlePart *part)
{
  const NomosParticleDataInfo *info;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(input->data, &info));
  *part = (NomosParticlePart){.data = input->data, .split = input->split, .n = info->n_trajectories[input->split], .n_draws = input->sampling->n_draws};
  const size_t n = part->n * part->n_draws;
  PetscCall(PetscCalloc3(n, &part->n_points, n, &part->sample, n + 1, &part->first));
  PetscErrorCode code = FillPart(input, part);
  if (code) PetscCall(NomosParticlePartFree(part));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticlePartFree(NomosParticlePart *part)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < part->n * part->n_draws && part->sample; k++) PetscCall(PetscFree(part->sample[k]));
  PetscCall(PetscFree3(part->n_points, part->sample, part->first));
  *part = (NomosParticlePart){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- windows */

NomosParticleWindow NomosParticlePartWindow(const NomosParticlePart *part, size_t example)
{
  size_t low = 0, high = part->n * part->n_draws; /* first[low] <= example < first[high] */

  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (part->first[middle] <= example) low = middle;
    else high = middle;
  }
  return (NomosParticleWindow){.trajectory = low / part->n_draws, .draw = low % part->n_draws, .frame = example - part->first[low]};
}

static PetscErrorCode FillMotion(const NomosParticlePart *part, const NomosParticleDataInfo *info, const NomosParticleWindow windows[], NomosPointMotion *m)
{
  const size_t d = (size_t)info->d, P = info->n_parameters;
  double      *x;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < m->sets.n_sets; i++) {
    const size_t            k = windows[i].trajectory * part->n_draws + windows[i].draw, n = part->n_points[k];
    NomosParticleTrajectory t;
    PetscCall(NomosParticleDataTrajectory(part->data, part->split, windows[i].trajectory, &t));
    for (size_t p = 0; p < n; p++) m->kind[m->first[i] + p] = t.kind[part->sample[k][p]];
    for (size_t p = 0; p < n; p++) m->fixed[m->first[i] + p] = info->fixed[t.kind[part->sample[k][p]]];
    for (size_t p = 0; p < P; p++) m->parameters[i * P + p] = t.parameters[p];
    PetscCall(PetscMalloc1(m->n_frames * n * d, &x));
    PetscCall(NomosParticleDataRead(part->data, &(NomosParticleSelection){.split = part->split, .trajectory = windows[i].trajectory, .first = windows[i].frame, .n_frames = m->n_frames, .n = n, .sample = part->sample[k]}, x));
    for (size_t f = 0; f < m->n_frames; f++) PetscCall(PetscArraycpy(m->x + (f * m->sets.n + m->first[i]) * d, x + f * n * d, n * d));
    PetscCall(PetscFree(x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPointMotionRead(const NomosParticlePart *part, size_t n, const NomosParticleWindow windows[], size_t n_frames, NomosPointMotion *m)
{
  const NomosParticleDataInfo *info;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataGetInfo(part->data, &info));
  *m = (NomosPointMotion){.n_frames = n_frames, .d = info->d};
  PetscCall(PetscMalloc1(n + 1, &m->first));
  m->first[0] = 0;
  for (size_t i = 0; i < n; i++) m->first[i + 1] = m->first[i] + part->n_points[windows[i].trajectory * part->n_draws + windows[i].draw];
  m->sets.n      = m->first[n];
  m->sets.n_sets = n;
  PetscCall(PetscMalloc4(m->sets.n, &m->kind, m->sets.n, &m->fixed, n * info->n_parameters + 1, &m->parameters, n_frames * m->sets.n * (size_t)info->d, &m->x));
  m->sets.first      = m->first;
  m->sets.kind       = m->kind;
  m->sets.parameters = m->parameters;
  PetscCall(FillMotion(part, info, windows, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPointMotionFree(NomosPointMotion *m)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(m->first));
  PetscCall(PetscFree4(m->kind, m->fixed, m->parameters, m->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- spacing */

/* Median over the points of the distance to the last of their k neighbours. */
static PetscErrorCode MedianDistance(int dimensions, size_t n, const double x[], size_t k, double *median)
{
  const size_t    d = (size_t)dimensions;
  NomosNeighbours neighbours = {0};
  double         *distance;

  PetscFunctionBeginUser;
  PetscCall(NomosNeighboursNearest(&(NomosNeighbourInput){.d = dimensions, .n = n, .x = x}, k, &neighbours));
  PetscCall(PetscMalloc1(n, &distance));
  for (size_t i = 0; i < n; i++) {
    const size_t j      = (size_t)neighbours.neighbour[neighbours.first[i + 1] - 1];
    double       square = 0;
    for (size_t a = 0; a < d; a++) square += (x[i * d + a] - x[j * d + a]) * (x[i * d + a] - x[j * d + a]);
    distance[i] = sqrt(square);
  }
  NomosSort(n, distance);
  *median = distance[n / 2];
  PetscCall(PetscFree(distance));
  PetscCall(NomosNeighboursFree(&neighbours));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of one trajectory; NaN where it cannot be told. */
static PetscErrorCode SpacingOf(NomosReducedOrderGraph *g, size_t i, double *spacing)
{
  const int               d = g->info->d;
  const double            ball = d == 2 ? M_PI : 4 * M_PI / 3;
  NomosParticleTrajectory t;
  double                 *x, distance = NAN;

  PetscFunctionBeginUser;
  *spacing = NAN;
  PetscCall(NomosParticleDataTrajectory(g->data, NOMOS_SPLIT_TRAIN, i, &t));
  const size_t k = PetscMin(d == 2 ? 12 : 32, t.n_particles - 1); /* as many as lie within two spacings of a lattice, so that lattices and random points count alike to 2 % */
  if (!k) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(t.n_particles * (size_t)d, &x));
  PetscCall(NomosParticleDataRead(g->data, &(NomosParticleSelection){.split = NOMOS_SPLIT_TRAIN, .trajectory = i, .n_frames = 1, .n = t.n_particles}, x));
  PetscCall(MedianDistance(d, t.n_particles, x, k, &distance));
  PetscCall(PetscFree(x));
  *spacing = distance * pow(ball / (double)k * (double)t.n_particles / (double)PointsOf(&g->sampling, 1, t.n_particles), 1. / d);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphSpacing(NomosReducedOrderGraph *g, double *spacing)
{
  enum { MOST = 8 };
  const size_t n = PetscMin(MOST, g->info->n_trajectories[NOMOS_SPLIT_TRAIN]);
  double       all[MOST];

  PetscFunctionBeginUser;
  *spacing = 0;
  for (size_t i = 0; i < n; i++) {
    PetscCall(SpacingOf(g, i, &all[i]));
    *spacing += all[i] / (double)n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- free flight */

PetscErrorCode NomosReducedOrderGraphFlight(NomosReducedOrderGraph *g)
{
  const NomosParticlePart *part = &g->parts[NOMOS_SPLIT_TRAIN];
  const size_t             k = g->n_history;
  double                  *a;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(3 * part->n, &a));
  for (size_t i = 0; i < part->n; i++) {
    NomosPointMotion m;
    PetscCall(NomosPointMotionRead(part, 1, &(NomosParticleWindow){.trajectory = i}, k + 1, &m));
    const size_t d = (size_t)m.d, row = m.sets.n * d; /* the sum of second differences is that of the last and the first first ones */
    size_t       moving = 0;
    for (size_t n = 0; n < m.sets.n; n++) moving += !m.fixed[n];
    for (size_t n = 0; n < row; n++)
      if (!m.fixed[n / d]) a[(n % d) * part->n + i] += (m.x[k * row + n] - m.x[(k - 1) * row + n] - m.x[row + n] + m.x[n]) / (double)(moving * (k - 1));
    PetscCall(NomosPointMotionFree(&m));
  }
  for (size_t axis = 0; axis < 3; axis++) {
    NomosSort(part->n, a + axis * part->n);
    g->flight[axis] = 0.5 * (a[axis * part->n + part->n / 2] + a[axis * part->n + (part->n - 1) / 2]);
  }
  PetscCall(PetscFree(a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the data */

PetscErrorCode NomosReducedOrderGraphOpen(NomosSurrogate s)
{
  NomosReducedOrderGraph *g = s->context;
  NomosParticleDataInput  input;

  PetscFunctionBeginUser;
  PetscCall(NomosParticleDataInputFromConfig(s->config, "reduced_order_graph.fixed", &input));
  input.path = s->data_path;
  PetscCall(NomosParticleDataOpen(s->comm, &input, &g->data));
  PetscCall(NomosParticleDataGetInfo(g->data, &g->info));
  snprintf(s->data_hash, sizeof s->data_hash, "%s", g->info->hash);
  PetscCall(NomosParticleDataCheckWalls(g->data, "data.path"));
  if (!s->weights) PetscCall(NomosParticleDataCheckLearned(g->data));
  else {
    NomosParticleTrained trained;
    PetscCall(NomosParticleTrainedOpen(s->comm, s->weights, &trained));
    PetscCall(NomosParticleDataTakeTraining(g->data, &(NomosParticleTraining){"data.path", &trained}, sizeof g->note, g->note));
  }
  PetscCall(NomosParticleDataCheckFixed(g->data, s->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}
