#include "lorenz_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_STAGES = 4, FORCING = 0, DAMPING = 1, N_PARAMETERS = 2 };

/* Arrays hold the whole ring on every rank; a rank's part of a state is [start, start + m). */
typedef struct {
  int64_t             n, start, m;
  int                *counts, *starts; /* of the ranks */
  bool                ab2, single;
  double              p[N_PARAMETERS], amplitude, mistake;
  double             *x, *f; /* the state: this rank's m, and the history of AB2 */
  double             *index;
  NomosFieldDim       dim;
  NomosModelParameter parameters[N_PARAMETERS];
  NomosModelField     field;
} Lorenz;

static const NomosParam lorenz_params[] = {
  {"lorenz.n",         NOMOS_PARAM_INT,    "36",      NULL, 4,  4096, NULL,              false, "Points on the ring."   },
  {"lorenz.forcing",   NOMOS_PARAM_REAL,   "8",       NULL, 0,  0,    NULL,              true,  "F."                    },
  {"lorenz.damping",   NOMOS_PARAM_REAL,   "1",       NULL, 0,  1e3,  NULL,              true,  "d."                    },
  {"lorenz.amplitude", NOMOS_PARAM_REAL,   "3",       NULL, 0,  1e3,  NULL,              false, "Of the waves at the start."},
  {"lorenz.mistake",   NOMOS_PARAM_REAL,   "0",       NULL, 0,  1,    NULL,              false, "Relative error of the gradient: to see a check fail."},
  {"lorenz.precision", NOMOS_PARAM_CHOICE, "float64", NULL, 0,  0,    "float64|float32", false, "Of the state."         },
  {"time.scheme",      NOMOS_PARAM_CHOICE, "rk4",     NULL, 0,  0,    "rk4|ab2",         false, "Time scheme."          },
};

static PetscErrorCode Create(NomosModel model)
{
  Lorenz     *l;
  const char *text;
  int         rank, size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&l));
  model->data = l;
  PetscCall(NomosConfigGetInt(model->config, "lorenz.n", &l->n));
  PetscCall(NomosConfigGetReal(model->config, "lorenz.forcing", &l->p[FORCING]));
  PetscCall(NomosConfigGetReal(model->config, "lorenz.damping", &l->p[DAMPING]));
  PetscCall(NomosConfigGetReal(model->config, "lorenz.amplitude", &l->amplitude));
  PetscCall(NomosConfigGetReal(model->config, "lorenz.mistake", &l->mistake));
  PetscCall(NomosConfigGetString(model->config, "lorenz.precision", &text));
  l->single = !strcmp(text, "float32");
  PetscCall(NomosConfigGetString(model->config, "time.scheme", &text));
  l->ab2 = !strcmp(text, "ab2");
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &model->dt));
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCall(PetscMalloc2(size, &l->counts, size, &l->starts));
  for (int r = 0; r < size; r++) {
    l->starts[r] = (int)(l->n * r / size);
    l->counts[r] = (int)(l->n * (r + 1) / size) - l->starts[r];
  }
  l->start         = l->starts[rank];
  l->m             = l->counts[rank];
  model->n_grid    = l->n;
  model->precision = l->single ? NOMOS_F32 : NOMOS_F64;
  PetscCall(PetscCalloc3(l->m + 1, &l->x, l->m + 1, &l->f, l->n, &l->index));
  for (int64_t i = 0; i < l->n; i++) l->index[i] = (double)i;
  l->dim   = (NomosFieldDim){.name = "i", .size = (size_t)l->n, .values = l->index, .unit = "1", .axis = "X"};
  l->field = (NomosModelField){.name = "x", .unit = "1", .long_name = "x", .n_dims = 1, .size = {(size_t)l->n}, .start = {(size_t)l->start}, .count = {(size_t)l->m}};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree2(l->counts, l->starts));
  PetscCall(PetscFree3(l->x, l->f, l->index));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Rounded(const Lorenz *l, double value)
{
  return l->single ? (double)(float)value : value;
}

static PetscErrorCode Initialise(NomosModel model)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < l->m; i++) {
    const double phase = 2 * PETSC_PI * (double)(l->start + i) / (double)l->n;
    l->x[i]            = Rounded(l, 2 + l->amplitude * (sin(5 * phase) + 0.5 * cos(3 * phase + 1)));
    l->f[i]            = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The neighbours i - 2, i - 1, i + 1 of point i. */
static void Neighbours(const Lorenz *l, int64_t i, int64_t at[3])
{
  at[0] = (i + l->n - 2) % l->n;
  at[1] = (i + l->n - 1) % l->n;
  at[2] = (i + 1) % l->n;
}

static void Tendency(const Lorenz *l, const double *x, double *f)
{
  int64_t at[3];

  for (int64_t i = 0; i < l->n; i++) {
    Neighbours(l, i, at);
    f[i] = (x[at[2]] - x[at[0]]) * x[at[1]] - l->p[DAMPING] * x[i] + l->p[FORCING];
  }
}

static void TendencyDot(const Lorenz *l, const double *x, const double *xd, const double pd[], double *fd)
{
  int64_t at[3];

  for (int64_t i = 0; i < l->n; i++) {
    Neighbours(l, i, at);
    fd[i] = (xd[at[2]] - xd[at[0]]) * x[at[1]] + (x[at[2]] - x[at[0]]) * xd[at[1]] - l->p[DAMPING] * xd[i];
    if (pd) fd[i] += pd[FORCING] - pd[DAMPING] * x[i];
  }
}

/* xb += f'(x)^T w, and this rank's part of the parameters' gradient. */
static void TendencyBar(const Lorenz *l, const double *x, const double *w, double *xb, double pb[])
{
  int64_t at[3];

  for (int64_t i = 0; i < l->n; i++) {
    Neighbours(l, i, at);
    xb[at[2]] += x[at[1]] * w[i];
    xb[at[0]] -= x[at[1]] * w[i];
    xb[at[1]] += (x[at[2]] - x[at[0]]) * w[i];
    xb[i] -= l->p[DAMPING] * w[i];
    if (!pb || i < l->start || i >= l->start + l->m) continue;
    pb[FORCING] += w[i];
    pb[DAMPING] -= x[i] * w[i];
  }
}

static void TendencyBarDot(const Lorenz *l, const double *x, const double *xd, const double pd[], const double *w, const double *wd, double *xbd, double pbd[])
{
  int64_t at[3];

  TendencyBar(l, x, wd, xbd, pbd);
  for (int64_t i = 0; i < l->n; i++) {
    Neighbours(l, i, at);
    xbd[at[2]] += xd[at[1]] * w[i];
    xbd[at[0]] -= xd[at[1]] * w[i];
    xbd[at[1]] += (xd[at[2]] - xd[at[0]]) * w[i];
    if (pd) xbd[i] -= pd[DAMPING] * w[i];
    if (pbd && i >= l->start && i < l->start + l->m) pbd[DAMPING] -= xd[i] * w[i];
  }
}

static double Component(const Lorenz *l, const void *state, size_t i)
{
  return l->single ? (double)((const float *)state)[i] : ((const double *)state)[i];
}

static void SetComponent(const Lorenz *l, void *state, size_t i, double value)
{
  if (l->single) ((float *)state)[i] = (float)value;
  else ((double *)state)[i] = value;
}

/* A part of a state (0: x, 1: the history) as the whole ring on every rank, and back. */
static PetscErrorCode Gather(NomosModel model, const void *state, int part, double *ring)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < l->m; i++) ring[l->start + i] = Component(l, state, (size_t)(part * l->m + i));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, ring, l->counts, l->starts, MPI_DOUBLE, model->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Scatter(const Lorenz *l, const double *ring, int part, void *state)
{
  for (int64_t i = 0; i < l->m; i++) SetComponent(l, state, (size_t)(part * l->m + i), ring[l->start + i]);
}

/* Rings of a step: stage states, their tendencies, and what derivatives need of both. */
typedef struct {
  double *x[N_STAGES], *k[N_STAGES], *xd[N_STAGES], *kd[N_STAGES], *kb[N_STAGES], *kbd[N_STAGES], *sb, *sbd, *y, *yd, *yb, *ybd, *h, *hb, *hbd;
  double *block;
} Rings;

static PetscErrorCode RingsCreate(const Lorenz *l, Rings *r)
{
  enum { N_RINGS = 6 * N_STAGES + 9 };
  double **all = (double **)r;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)(N_RINGS * l->n), &r->block));
  for (int i = 0; i < N_RINGS; i++) all[i] = r->block + i * l->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double stage_at[N_STAGES] = {0, 0.5, 0.5, 1}, stage_weight[N_STAGES] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};

static int Stages(const Lorenz *l)
{
  return l->ab2 ? 1 : N_STAGES;
}

/* Weights of the tendency and of the former one in a step of AB2, Euler's at the start. */
static void Weights(NomosModel model, double *now, double *before)
{
  *now    = model->dt * (model->step > 0 ? 1.5 : 1);
  *before = model->dt * (model->step > 0 ? -0.5 : 0);
}

/* Stage states and tendencies from y; with `dot` their derivatives from yd. */
static void RunStages(NomosModel model, Rings *r, bool dot, const double pd[])
{
  const Lorenz *l = model->data;

  for (int s = 0; s < Stages(l); s++) {
    for (int64_t i = 0; i < l->n; i++) r->x[s][i] = r->y[i] + (s ? model->dt * stage_at[s] * r->k[s - 1][i] : 0);
    Tendency(l, r->x[s], r->k[s]);
    if (!dot) continue;
    for (int64_t i = 0; i < l->n; i++) r->xd[s][i] = r->yd[i] + (s ? model->dt * stage_at[s] * r->kd[s - 1][i] : 0);
    TendencyDot(l, r->x[s], r->xd[s], pd, r->kd[s]);
  }
}

/* y + sum of weighted tendencies k, with the history h of AB2. */
static void Combine(NomosModel model, double *y, double *const k[], double *h)
{
  const Lorenz *l = model->data;
  double        now, before;

  Weights(model, &now, &before);
  for (int64_t i = 0; i < l->n; i++) {
    if (l->ab2) y[i] += now * k[0][i] + before * h[i];
    else y[i] += model->dt * (stage_weight[0] * k[0][i] + stage_weight[1] * k[1][i] + stage_weight[2] * k[2][i] + stage_weight[3] * k[3][i]);
    if (l->ab2) h[i] = k[0][i];
  }
}

static PetscErrorCode StateSize(NomosModel model, size_t *n)
{
  const Lorenz *l = model->data;

  PetscFunctionBeginUser;
  *n = (size_t)(l->ab2 ? 2 * l->m : l->m);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetState(NomosModel model, void *state)
{
  const Lorenz *l = model->data;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < l->m; i++) {
    SetComponent(l, state, (size_t)i, l->x[i]);
    if (l->ab2) SetComponent(l, state, (size_t)(l->m + i), l->f[i]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosModel model, const void *state)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < l->m; i++) {
    l->x[i] = Component(l, state, (size_t)i);
    if (l->ab2) l->f[i] = Component(l, state, (size_t)(l->m + i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  Lorenz *l = model->data;
  Rings   r;
  double *state;

  PetscFunctionBeginUser;
  PetscCall(RingsCreate(l, &r));
  PetscCall(PetscMalloc1(2 * l->m + 1, &state));
  PetscCall(GetState(model, state));
  PetscCall(Gather(model, state, 0, r.y));
  if (l->ab2) PetscCall(Gather(model, state, 1, r.h));
  RunStages(model, &r, false, NULL);
  Combine(model, r.y, r.k, r.h);
  Scatter(l, r.y, 0, state);
  if (l->ab2) Scatter(l, r.h, 1, state);
  PetscCall(SetState(model, state));
  PetscCall(PetscFree(state));
  PetscCall(PetscFree(r.block));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  Lorenz *l = model->data;
  Rings   r;

  PetscFunctionBeginUser;
  PetscCall(RingsCreate(l, &r));
  PetscCall(Gather(model, state, 0, r.y));
  PetscCall(Gather(model, x_dot, 0, r.yd));
  if (l->ab2) PetscCall(Gather(model, x_dot, 1, r.h));
  RunStages(model, &r, true, p_dot);
  Combine(model, r.yd, r.kd, r.h);
  Scatter(l, r.yd, 0, x_dot);
  if (l->ab2) Scatter(l, r.h, 1, x_dot);
  PetscCall(PetscFree(r.block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Back through Combine and the stages: yb, hb become the gradients before the step; with `dot` ybd, hbd too. */
static void RunBack(NomosModel model, Rings *r, bool dot, const double pd[], double pb[], double pbd[])
{
  const Lorenz *l = model->data;
  double        now, before;

  Weights(model, &now, &before);
  for (int64_t i = 0; i < l->n; i++)
    for (int s = 0; s < Stages(l); s++) {
      r->kb[s][i]  = l->ab2 ? now * r->yb[i] + r->hb[i] : model->dt * stage_weight[s] * r->yb[i];
      r->kbd[s][i] = l->ab2 ? now * r->ybd[i] + r->hbd[i] : model->dt * stage_weight[s] * r->ybd[i];
    }
  for (int64_t i = 0; i < l->n && l->ab2; i++) {
    r->hb[i]  = before * r->yb[i];
    r->hbd[i] = before * r->ybd[i];
  }
  for (int s = Stages(l) - 1; s >= 0; s--) {
    memset(r->sb, 0, sizeof(double) * (size_t)l->n);
    memset(r->sbd, 0, sizeof(double) * (size_t)l->n);
    TendencyBar(l, r->x[s], r->kb[s], r->sb, pb);
    if (dot) TendencyBarDot(l, r->x[s], r->xd[s], pd, r->kb[s], r->kbd[s], r->sbd, pbd);
    for (int64_t i = 0; i < l->n; i++) {
      r->yb[i] += r->sb[i];
      r->ybd[i] += r->sbd[i];
      if (s) r->kb[s - 1][i] += model->dt * stage_at[s] * r->sb[i];
      if (s) r->kbd[s - 1][i] += model->dt * stage_at[s] * r->sbd[i];
    }
  }
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  Lorenz *l = model->data;
  Rings   r;

  PetscFunctionBeginUser;
  PetscCall(RingsCreate(l, &r));
  PetscCall(Gather(model, state, 0, r.y));
  PetscCall(Gather(model, x_bar, 0, r.yb));
  if (l->ab2) PetscCall(Gather(model, x_bar, 1, r.hb));
  RunStages(model, &r, false, NULL);
  RunBack(model, &r, false, NULL, p_bar, NULL);
  for (int64_t i = 0; i < l->n; i++) r.yb[i] *= 1 + l->mistake;
  Scatter(l, r.yb, 0, x_bar);
  if (l->ab2) Scatter(l, r.hb, 1, x_bar);
  PetscCall(PetscFree(r.block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  Lorenz *l = model->data;
  Rings   r;

  PetscFunctionBeginUser;
  PetscCall(RingsCreate(l, &r));
  PetscCall(Gather(model, state, 0, r.y));
  PetscCall(Gather(model, x_dot, 0, r.yd));
  PetscCall(Gather(model, x_bar, 0, r.yb));
  PetscCall(Gather(model, x_bar_dot, 0, r.ybd));
  if (l->ab2) PetscCall(Gather(model, x_bar, 1, r.hb));
  if (l->ab2) PetscCall(Gather(model, x_bar_dot, 1, r.hbd));
  RunStages(model, &r, true, p_dot);
  RunBack(model, &r, true, p_dot, p_bar, p_bar_dot);
  Scatter(l, r.yb, 0, x_bar);
  Scatter(l, r.ybd, 0, x_bar_dot);
  if (l->ab2) Scatter(l, r.hb, 1, x_bar);
  if (l->ab2) Scatter(l, r.hbd, 1, x_bar_dot);
  PetscCall(PetscFree(r.block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  for (int i = 0; i < N_PARAMETERS; i++) l->parameters[i] = (NomosModelParameter){.param = &lorenz_params[1 + i], .value = l->p[i]};
  *n    = N_PARAMETERS;
  *list = l->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  for (int i = 0; i < N_PARAMETERS; i++) l->p[i] = values[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  PetscFunctionBeginUser;
  *n    = 1;
  *list = &((Lorenz *)model->data)->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Field(NomosModel model, size_t field, const void *state, double values[])
{
  const Lorenz *l = model->data;

  PetscFunctionBeginUser;
  (void)field;
  for (int64_t i = 0; i < l->m; i++) values[i] = Component(l, state, (size_t)i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar)
{
  const Lorenz *l = model->data;

  PetscFunctionBeginUser;
  (void)field;
  for (int64_t i = 0; i < l->m; i++) SetComponent(l, x_bar, (size_t)i, Component(l, x_bar, (size_t)i) + values_bar[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromField(NomosModel model, size_t field, const double values[], void *state)
{
  const Lorenz *l = model->data;

  PetscFunctionBeginUser;
  (void)field;
  for (int64_t i = 0; i < l->m; i++) {
    SetComponent(l, state, (size_t)i, values[i]);
    if (l->ab2) SetComponent(l, state, (size_t)(l->m + i), 0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[])
{
  const Lorenz *l = model->data;

  PetscFunctionBeginUser;
  (void)field;
  for (int64_t i = 0; i < l->m; i++) values_bar[i] += Component(l, x_bar, (size_t)i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldLayout(NomosModel model, NomosFileLayout *layout)
{
  static const NomosFieldVariable variables[] = {
    {.name = "x", .dims = {"i"}, .unit = "1", .long_name = "x"}
  };

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 1, .n_variables = 1, .dims = &((Lorenz *)model->data)->dim, .variables = variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFields(NomosModel model, NomosFieldFile file)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileWrite(file, "x", NOMOS_F64, (size_t[]){(size_t)l->start}, (size_t[]){(size_t)l->m}, l->x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  static const NomosScalarInfo scalars[] = {
    {"energy", "1", "energy", "energy", false, NULL}
  };

  PetscFunctionBeginUser;
  (void)model;
  *n    = 1;
  *info = scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EvaluateScalars(NomosModel model, double values[])
{
  Lorenz *l   = model->data;
  double  sum = 0;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < l->m; i++) sum += 0.5 * l->x[i] * l->x[i];
  PetscCallMPI(MPI_Allreduce(&sum, values, 1, MPI_DOUBLE, MPI_SUM, model->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  Lorenz *l   = model->data;
  int64_t bad = l->n;

  PetscFunctionBeginUser;
  for (int64_t i = l->m - 1; i >= 0; i--)
    if (!(fabs(l->x[i]) < 1e6)) bad = l->start + i;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &bad, 1, MPI_INT64_T, MPI_MIN, model->comm));
  *fault = (NomosModelFault){.bad = bad < l->n, .field = "x", .n_index = 1, .index = {bad}, .value = INFINITY};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "x", NOMOS_F64, 1, 1, (size_t[]){(size_t)l->n}, (size_t[]){(size_t)l->start}, (size_t[]){(size_t)l->m}, l->x));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "f", NOMOS_F64, 1, 1, (size_t[]){(size_t)l->n}, (size_t[]){(size_t)l->start}, (size_t[]){(size_t)l->m}, l->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "x", NOMOS_F64, 1, (size_t[]){(size_t)l->n}, (size_t[]){(size_t)l->start}, (size_t[]){(size_t)l->m}, l->x));
  PetscCall(NomosCheckpointReadArray(checkpoint, "f", NOMOS_F64, 1, (size_t[]){(size_t)l->n}, (size_t[]){(size_t)l->start}, (size_t[]){(size_t)l->m}, l->f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  Lorenz *l = model->data;

  PetscFunctionBeginUser;
  *bytes = 16. * (double)l->m;
  snprintf(text, n_text, "%lld points, %s", (long long)l->n, l->ab2 ? "ab2" : "rk4");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosModelDerivatives derivatives = {
  .state_size     = StateSize,
  .get_state      = GetState,
  .set_state      = SetState,
  .parameters     = Parameters,
  .set_parameters = SetParameters,
  .jvp            = Jvp,
  .vjp            = Vjp,
  .hvp            = Hvp,
  .fields         = Fields,
  .field          = Field,
  .field_vjp      = FieldVjp,
  .from_field     = FromField,
  .from_field_vjp = FromFieldVjp,
};

const NomosModelOps NomosModelOps_Lorenz = {
  .name             = "lorenz",
  .summary          = "Lorenz's ring of 1996, with all of its derivatives.",
  .n_params         = sizeof lorenz_params / sizeof *lorenz_params,
  .params           = lorenz_params,
  .create           = Create,
  .initialise       = Initialise,
  .step             = Step,
  .destroy          = Destroy,
  .field_layout     = FieldLayout,
  .write_fields     = WriteFields,
  .scalars          = Scalars,
  .evaluate_scalars = EvaluateScalars,
  .check            = Check,
  .save             = Save,
  .load             = Load,
  .describe         = Describe,
  .derivatives      = &derivatives,
};

PetscErrorCode NomosLorenzCreate(MPI_Comm comm, size_t n_set, const char *const set[], NomosConfig *config, NomosModel *model)
{
  static const NomosParam dt = {"time.dt", NOMOS_PARAM_REAL, "0.02", NULL, 0, 0, NULL, false, "Time step."};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(comm, config));
  for (size_t i = 0; i < n_set; i++) PetscCall(NomosConfigSet(*config, set[i]));
  PetscCall(NomosConfigRegister(*config, 1, &dt));
  PetscCall(NomosConfigRegister(*config, NomosModelOps_Lorenz.n_params, NomosModelOps_Lorenz.params));
  PetscCall(NomosConfigCheck(*config));
  PetscCall(NomosModelCreate(comm, &NomosModelOps_Lorenz, *config, model));
  PetscCall((*model)->ops->initialise(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}
