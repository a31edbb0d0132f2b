/* Windows of a run of Lorenz's ring, for the tests of variational assimilation. */
#ifndef NOMOS_TESTS_VARIATIONAL_TWIN_H
#define NOMOS_TESTS_VARIATIONAL_TWIN_H

#include "harness.h"

#include "lorenz_model.h"
#include "operators/model_fields.h"
#include "operators/random.h"
#include "solvers/assimilation/variational.h"

enum { N = 12, N_STEPS = 20, N_TIMES = 6, EVERY = 4, N_WINDOWS = 3 };

static const char *const unknown[] = {"lorenz.forcing", "lorenz.damping"};

/* A model at the true parameters, and windows of a run of it, `gap` steps apart: every second point seen every EVERY steps, with noise; backgrounds are off by `off`. */
typedef struct {
  NomosConfig config;
  NomosModel  model;
  size_t      points;
  NomosSeen   seen[N_WINDOWS];
  NomosWindow windows[N_WINDOWS];
  double      times[N_WINDOWS][N_TIMES], *values[N_WINDOWS], *background[N_WINDOWS], *state[N_WINDOWS], *deviation;
} VariationalTwin;

static inline void Look(VariationalTwin *t, size_t w, size_t time, bool all, double noise)
{
  const NomosModelDerivatives *d = t->model->ops->derivatives;
  const NomosModelField       *field;
  size_t                       index;
  double                      *values = t->values[w] + time * t->points, state[N];

  ck_ok(NomosModelFieldFind(t->model, "x", &index, &field));
  ck_ok(d->get_state(t->model, state));
  ck_ok(d->field(t->model, index, state, values));
  for (size_t i = 0; i < t->points; i++) {
    const size_t place = field->start[0] + i;
    if (time == 0) t->state[w][i] = values[i];
    if (time == 0) t->background[w][i] = values[i] + 0.3 * NomosRandomNormal(3, w, place);
    values[i] += noise * NomosRandomNormal(4 + w, time, place);
    if (!all && place % 2) values[i] = NAN;
  }
}

static inline VariationalTwin CreateTwin(bool all, double noise)
{
  const NomosModelField *field;
  VariationalTwin                   t;
  size_t                 index;

  ck_ok(NomosLorenzCreate(PETSC_COMM_WORLD, 1, (const char *const[]){"lorenz.n=12"}, &t.config, &t.model));
  ck_ok(NomosModelFieldFind(t.model, "x", &index, &field));
  t.points    = NomosModelFieldPoints(field);
  t.deviation = malloc(sizeof *t.deviation * (t.points + 1));
  for (size_t i = 0; i < t.points; i++) t.deviation[i] = 0.1;
  for (int k = 0; k < 200; k++) ck_ok(t.model->ops->step(t.model));
  for (size_t w = 0; w < N_WINDOWS; w++) {
    t.values[w]     = malloc(sizeof(double) * (N_TIMES * t.points + 1));
    t.background[w] = malloc(sizeof(double) * (t.points + 1));
    t.state[w]      = malloc(sizeof(double) * (t.points + 1));
    const double time = t.model->time;
    for (size_t k = 0; k < N_TIMES; k++) {
      t.times[w][k] = t.model->time;
      Look(&t, w, k, all, noise);
      for (int s = 0; s < EVERY; s++) ck_ok(t.model->ops->step(t.model));
    }
    t.seen[w]    = (NomosSeen){.field = "x", .n_times = N_TIMES, .values = t.values[w], .deviation = t.deviation};
    t.windows[w] = (NomosWindow){.time = time, .n_steps = N_STEPS, .background = t.background[w], .n_seen = 1};
  }
  return t;
}

static inline NomosVariationalInput Input(VariationalTwin *t)
{
  for (size_t w = 0; w < N_WINDOWS; w++) {
    t->seen[w].times   = t->times[w];
    t->windows[w].seen = &t->seen[w];
  }
  return (NomosVariationalInput){.model = t->model, .n_windows = N_WINDOWS, .windows = t->windows, .state = true, .background = {.deviation = 0.5}, .n_unknown = 2, .unknown = unknown};
}

static inline void DestroyTwin(VariationalTwin *t)
{
  for (size_t w = 0; w < N_WINDOWS; w++) {
    free(t->values[w]);
    free(t->background[w]);
    free(t->state[w]);
  }
  free(t->deviation);
  ck_ok(NomosModelDestroy(&t->model));
  ck_ok(NomosConfigDestroy(&t->config));
}

#endif
