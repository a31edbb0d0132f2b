/* Adaptation to new tasks: from the trained weights and from random ones, by the same optimisers, judged after so many steps. Every test trajectory is a task with weights of its own; all are adapted at once. */
#include "surrogates/meta/meta_impl.h"

#include "surrogates/meta/cka.h"
#include "surrogates/optimiser.h"

#include <math.h>
#include <string.h>

const char *const nomos_meta_rule_names[NOMOS_META_N_RULES] = {"sgd", "adam", "solve"};

/* A start, what of it is adapted, and where it is. */
typedef struct {
  NomosMeta            *m;
  const NomosTestTasks *tasks;
  NomosParameters       from;
  NomosMetaWhat         what;
  NomosTape             tape;
  NomosTensor          *w0, *v, *w;
  NomosTensor           flat;
  NomosTapeMark         mark;    /* behind the weights */
  size_t                numbers; /* entries a task that are adapted */
  void                 *values;  /* (tasks, numbers) */
} Learner;

static size_t Bytes(const Learner *l)
{
  return l->tasks->n * l->numbers * NomosRealBytes(NomosParametersType(l->from));
}

static PetscErrorCode LearnerCreate(NomosMeta *m, const NomosTestTasks *tasks, NomosMetaFrom from, Learner *l)
{
  const bool trained = from == NOMOS_META_TRAINED;

  PetscFunctionBeginUser;
  *l = (Learner){.m = m, .tasks = tasks, .from = trained ? m->s->parameters : m->random, .what = trained ? m->method->what : NOMOS_META_ALL};
  PetscCall(NomosTapeCreate(&l->tape));
  const size_t n = NomosMetaVariables(m, l->what, &l->numbers);
  PetscCall(PetscMalloc3(NomosParametersCount(l->from), &l->w0, n, &l->v, m->n_tensors, &l->w));
  PetscCall(PetscMalloc1(Bytes(l), (char **)&l->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LearnerDestroy(Learner *l)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTapeDestroy(&l->tape));
  PetscCall(PetscFree3(l->w0, l->v, l->w));
  PetscCall(PetscFree(l->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First values: those of the start for every task, a code of zero. */
static PetscErrorCode Begin(Learner *l)
{
  const size_t bytes = Bytes(l) / l->tasks->n;
  const void  *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(l->from, &values));
  if (l->what == NOMOS_META_CODE) PetscCall(PetscMemzero(l->values, Bytes(l)));
  else {
    NomosParameter p = {.offset = 0};
    if (l->what == NOMOS_META_LAST) PetscCall(NomosParametersGet(l->from, l->m->last, &p));
    const char *begin = (const char *)values + p.offset * (bytes / l->numbers);
    for (size_t task = 0; task < l->tasks->n; task++) memcpy((char *)l->values + task * bytes, begin, bytes);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The weights of all tasks on the tape. */
static PetscErrorCode Bind(Learner *l)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(l->tape));
  PetscCall(NomosParametersBind(l->from, l->tape, l->w0));
  l->flat = NomosTensorCreate(l->tape, NomosParametersType(l->from), 2, (size_t[]){l->tasks->n, l->numbers}, l->values);
  PetscCall(NomosMetaSplit(l->m, l->what, l->flat, l->v));
  NomosMetaWeights(l->m, l->what, l->w0, l->v, l->w);
  l->mark = NomosTapeGetMark(l->tape);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first K points of every task, (tasks, K, size). */
static void Known(const Learner *l, const double values[], size_t k, double known[])
{
  const NomosTestTasks *tasks = l->tasks;

  for (size_t task = 0; task < tasks->n; task++)
    for (size_t i = 0; i < k; i++) memcpy(known + (task * k + i) * tasks->size, values + (task * tasks->n_times + tasks->points[task * tasks->n_times + i]) * tasks->size, tasks->size * sizeof *known);
}

static PetscErrorCode KnownTensors(const Learner *l, size_t k, NomosTensor *x, NomosTensor *x_dot)
{
  const size_t shape[] = {l->tasks->n, k, l->tasks->size};
  double      *known;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(shape[0] * shape[1] * shape[2], &known));
  Known(l, l->tasks->x, k, known);
  *x = NomosTensorFromDoubles(l->tape, NomosParametersType(l->from), 3, shape, known);
  Known(l, l->tasks->x_dot, k, known);
  *x_dot = NomosTensorFromDoubles(l->tape, NomosParametersType(l->from), 3, shape, known);
  PetscCall(PetscFree(known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- steps */

/* The same by fused kernels: of all weights of a task, of which the gradient takes those that are adapted. */
static PetscErrorCode FusedGradient(Learner *l, size_t k, NomosTensor x, NomosTensor x_dot, char gradient[])
{
  const NomosMeta *m    = l->m;
  const size_t     real = Bytes(l) / (l->tasks->n * l->numbers), bytes = l->numbers * real, all = m->n_weights * real, n_points = k * l->tasks->size * real;
  const void      *from, *points[2];
  char            *theta, *g;
  NomosParameter   p = {.offset = 0};

  PetscFunctionBeginUser;
  if (l->what == NOMOS_META_LAST) PetscCall(NomosParametersGet(l->from, m->last, &p));
  PetscCall(NomosParametersValues(l->from, &from));
  PetscCall(NomosTensorGet(x, &points[0]));
  PetscCall(NomosTensorGet(x_dot, &points[1]));
  PetscCall(PetscMalloc2(all, &theta, all, &g));
  memcpy(theta, from, all);
  for (size_t task = 0; task < l->tasks->n; task++) {
    memcpy(theta + p.offset * real, (const char *)l->values + task * bytes, bytes);
    PetscCall(NomosMetaFusedGradient(m, &(NomosFieldPoints){.n = k, .x = (const char *)points[0] + task * n_points, .x_dot = (const char *)points[1] + task * n_points}, theta, g));
    memcpy(gradient + task * bytes, g + p.offset * real, bytes);
  }
  PetscCall(PetscFree2(theta, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the sum of the tasks' losses, each of which sees weights of its own; on the tape until it is reset. */
static PetscErrorCode Gradient(Learner *l, size_t k, const void **gradient)
{
  const bool  fused = l->m->fused && l->what != NOMOS_META_CODE;
  NomosTensor x, x_dot, loss, g;

  PetscFunctionBeginUser;
  if (fused) PetscCall(NomosTapeReset(l->tape));
  else PetscCall(Bind(l));
  PetscCall(KnownTensors(l, k, &x, &x_dot));
  if (fused) g = NomosTensorConstant(l->tape, NomosParametersType(l->from), 2, (size_t[]){l->tasks->n, l->numbers}, 0);
  else {
    PetscCall(NomosMetaFieldLoss(l->m, l->w, x, x_dot, &loss));
    PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosAffine(loss, (double)l->tasks->n, 0), .n = 1, .x = &l->flat}, &g));
  }
  PetscCall(NomosTensorGet(g, gradient));
  if (fused) PetscCall(FusedGradient(l, k, x, x_dot, (char *)*gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last layers by least squares; the weights stay on the tape. */
static PetscErrorCode Solve(Learner *l, size_t k)
{
  const NomosMeta  *m         = l->m;
  const bool        trained   = l->from == m->s->parameters && m->ridge != SIZE_MAX;
  const NomosTensor log_ridge = trained ? l->w0[m->ridge] : NomosTensorConstant(l->tape, NomosParametersType(l->from), 0, NULL, m->log_ridge);
  NomosTensor       x, x_dot;

  PetscFunctionBeginUser;
  PetscCall(KnownTensors(l, k, &x, &x_dot));
  PetscCall(NomosMetaSolveLast(m, x, x_dot, log_ridge, l->w));
  PetscCall(NomosTapeStatus(l->tape));
  l->mark = NomosTapeGetMark(l->tape);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solved last layers as first values of the steps. */
static PetscErrorCode BeginSolved(Learner *l, size_t k)
{
  const size_t   real = Bytes(l) / (l->tasks->n * l->numbers);
  const void    *solved;
  NomosParameter p;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(l->from, l->m->last, &p));
  PetscCall(Bind(l));
  PetscCall(Solve(l, k));
  PetscCall(NomosTensorGet(l->w[l->m->last], &solved));
  for (size_t task = 0; task < l->tasks->n; task++) memcpy((char *)l->values + (task * l->numbers + (l->what == NOMOS_META_LAST ? 0 : p.offset)) * real, (const char *)solved + task * p.size * real, p.size * real);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- judgement */

static PetscErrorCode Field(size_t n, const double x[], double x_dot[], void *ctx)
{
  Learner    *l = ctx;
  NomosTensor field;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeRewind(l->tape, l->mark));
  PetscCall(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = l->m->energy, .w = l->w, .x = NomosTensorFromDoubles(l->tape, NomosParametersType(l->from), 3, (size_t[]){l->tasks->n, n, l->tasks->size}, x)}, &field));
  PetscCall(NomosTensorGetDoubles(field, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* features (tasks, n_times, k) at all points. PetscFree. */
static PetscErrorCode Features(Learner *l, double **features, size_t *k)
{
  const NomosTestTasks *tasks = l->tasks;
  size_t                last;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeRewind(l->tape, l->mark));
  const NomosTensor result = NomosEnergyFeatures(l->m->energy, l->w, NomosTensorFromDoubles(l->tape, NomosParametersType(l->from), 3, (size_t[]){tasks->n, tasks->n_times, tasks->size}, tasks->x), &last);
  *k                       = NomosTensorLength(result, -1);
  PetscCall(PetscMalloc1(tasks->n * tasks->n_times * *k, features));
  PetscCall(NomosTensorGetDoubles(result, *features));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How features have changed: 1 - CKA, mean over tasks. */
static PetscErrorCode Change(Learner *l, const double before[], NomosMetaRecord *record)
{
  double *after, cka;
  size_t  k;

  PetscFunctionBeginUser;
  PetscCall(Features(l, &after, &k));
  for (size_t task = 0; task < l->tasks->n; task++) {
    const size_t at = task * l->tasks->n_times * k;
    PetscCall(NomosCka(l->tasks->n_times, k, before + at, k, after + at, &cka));
    record->sum[NOMOS_META_FEATURES] += fmax(1 - cka, 0);
    record->n[NOMOS_META_FEATURES]++;
  }
  PetscCall(PetscFree(after));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next record of the curves: that of an earlier group of tasks, or a new one. */
static PetscErrorCode NextRecord(NomosMetaCurves *curves, size_t *at, const NomosMetaRecord *like, NomosMetaRecord **record)
{
  PetscFunctionBeginUser;
  if (*at == curves->n) {
    if (curves->n == curves->capacity) {
      curves->capacity = 2 * curves->capacity + 32;
      PetscCall(PetscRealloc(curves->capacity * sizeof *curves->records, &curves->records));
    }
    curves->records[curves->n++] = *like;
  }
  *record = &curves->records[(*at)++];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Judge(Learner *l, const double before[], const NomosMetaRecord *what, size_t *at)
{
  NomosMetaCurves      *curves = &l->m->curves;
  const NomosTestTasks *tasks  = l->tasks;
  NomosMetaRecord      *record = NULL;
  double               *rolled;

  PetscFunctionBeginUser;
  PetscCall(NextRecord(curves, at, what, &record));
  PetscCall(PetscMalloc1(tasks->n * tasks->n_times * tasks->size, &rolled));
  PetscCall(NomosMetaJudge(&(NomosMetaJudgeInput){.m = l->m, .tasks = tasks, .field = Field, .ctx = l}, rolled, record));
  PetscCall(Change(l, before, record));
  if (tasks == &curves->first && what->rule == curves->orbit_rule && what->step == curves->orbit_step && what->points == (size_t)l->m->k[l->m->n_k - 1] && !curves->orbits[what->from]) curves->orbits[what->from] = rolled;
  else PetscCall(PetscFree(rolled));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One curve: a start, a rule, K points. */
static PetscErrorCode Curve(Learner *l, const double before[], NomosMetaRecord what, size_t *at)
{
  const NomosMeta *m = l->m;
  NomosOptimiser   optimiser;
  const void      *gradient;

  PetscFunctionBeginUser;
  PetscCall(Begin(l));
  if (what.rule == NOMOS_META_SOLVE) {
    what.step = 1;
    PetscCall(Bind(l));
    PetscCall(Solve(l, what.points));
    PetscCall(Judge(l, before, &what, at));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (m->solve_first && l->what != NOMOS_META_CODE) PetscCall(BeginSolved(l, what.points));
  PetscCall(NomosOptimiserCreate(&(NomosOptimiserInput){.name = nomos_meta_rule_names[what.rule], .type = NomosParametersType(l->from), .n = l->tasks->n * l->numbers, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}, &optimiser));
  for (size_t i = 0; i < m->n_steps; i++) {
    for (; what.step < (size_t)m->steps[i]; what.step++) {
      PetscCall(Gradient(l, what.points, &gradient));
      PetscCall(NomosOptimiserStep(optimiser, m->rates[what.rule], gradient, l->values));
    }
    PetscCall(Bind(l));
    PetscCall(Judge(l, before, &what, at));
  }
  PetscCall(NomosOptimiserDestroy(&optimiser));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AdaptGroup(NomosMeta *m, const NomosTestTasks *tasks)
{
  size_t at = 0;

  PetscFunctionBeginUser;
  for (int from = 0; from < (m->from_random ? NOMOS_META_N_STARTS : 1); from++) {
    Learner l;
    double *before;
    size_t  k;
    PetscCall(LearnerCreate(m, tasks, (NomosMetaFrom)from, &l));
    PetscCall(Begin(&l));
    PetscCall(Bind(&l));
    PetscCall(Features(&l, &before, &k));
    for (int rule = 0; rule < NOMOS_META_N_RULES; rule++)
      for (size_t i = 0; i < m->n_k; i++)
        if (!isnan(m->rates[rule])) PetscCall(Curve(&l, before, (NomosMetaRecord){.from = (NomosMetaFrom)from, .rule = (NomosMetaRule)rule, .points = (size_t)m->k[i]}, &at));
    PetscCall(PetscFree(before));
    PetscCall(LearnerDestroy(&l));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaFreeCurves(NomosMeta *m)
{
  NomosMetaCurves *curves = &m->curves;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(curves->records));
  PetscCall(PetscFree(curves->weights));
  for (int from = 0; from < NOMOS_META_N_STARTS; from++) PetscCall(PetscFree(curves->orbits[from]));
  PetscCall(NomosMetaFreeTest(&curves->first));
  *curves = (NomosMetaCurves){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaAdapt(NomosMeta *m)
{
  NomosMetaCurves      *curves = &m->curves;
  const NomosTaskList  *list   = &m->lists[NOMOS_SPLIT_TEST];
  const NomosParameters p      = m->s->parameters;
  const size_t          bytes  = NomosParametersSize(p) * NomosRealBytes(NomosParametersType(p));
  const void           *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(p, &values));
  if (curves->weights && !memcmp(curves->weights, values, bytes)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMetaFreeCurves(m));
  curves->orbit_rule = !isnan(m->rates[NOMOS_META_ADAM]) ? NOMOS_META_ADAM : NOMOS_META_SGD;
  for (size_t i = 0; i < m->n_steps; i++)
    if (m->steps[i] <= 50) curves->orbit_step = (size_t)m->steps[i];
  if (m->ridge != SIZE_MAX && !isnan(m->rates[NOMOS_META_SOLVE])) { /* trained for that */
    curves->orbit_rule = NOMOS_META_SOLVE;
    curves->orbit_step = 1;
  }
  PetscCall(NomosMetaReadTest(m, NOMOS_SPLIT_TEST, 0, &curves->first));
  PetscCall(AdaptGroup(m, &curves->first));
  for (size_t i = 1; i < PetscMin(list->n, m->n_test); i++) { /* tasks of other sizes */
    bool           known = false;
    NomosTestTasks tasks;
    for (size_t j = 0; j < i; j++) known = known || list->sizes[j] == list->sizes[i];
    if (known) continue;
    PetscCall(NomosMetaReadTest(m, NOMOS_SPLIT_TEST, list->sizes[i], &tasks));
    PetscCall(AdaptGroup(m, &tasks));
    PetscCall(NomosMetaFreeTest(&tasks));
  }
  PetscCall(PetscMalloc1(bytes, (char **)&curves->weights));
  PetscCall(PetscMemcpy(curves->weights, values, bytes));
  PetscFunctionReturn(PETSC_SUCCESS);
}
