#include "surrogates/operators/coarse_solver.h"

#include "operators/model_operator.h"
#include "operators/primitives.h"
#include "surrogates/operators/field_map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Vectors of one example, beside the states at which its steps begin: x and what goes along with it, in the model's precision. */
enum { DOT, BAR, BAR_DOT, N_WORK };

struct NomosCoarseSolver_s {
  NomosModel                   model;
  NomosConfig                  config;
  const NomosModelDerivatives *ops;
  NomosFieldMap                map;
  size_t                       n_data, n_parameters; /* n_data: of a state as the data have it */
  size_t                       n_values;
  size_t                      *parameter; /* numbers of the data's parameters among the model's */
  int64_t                      n_steps;
  bool                         lenient; /* where it cannot step states are NaN, no error */
  size_t                       bytes;   /* of a state */
  char                        *states, *dots;     /* (n_steps + 1) states, and their tangents */
  void                        *work[N_WORK];
  double                      *values, *values_dot, *values_bar, *values_bar_dot; /* (n_values) of all the model's parameters */
  size_t                       n_operators;
  NomosOperator               *operators;
};

/* Of so many examples at once. */
typedef struct {
  NomosCoarseSolver solver;
  size_t            batch;
} Batch;

enum { STATE, PARAMETERS };

/* ---- between the data and the model */

/* Where E or R is taken: what it maps, with the parameters of the example whose steps are made, and what goes along with both (NULL: nothing). */
static NomosFieldPoint Point(NomosCoarseSolver c, const void *x, const void *x_dot)
{
  return (NomosFieldPoint){.x = x, .x_dot = x_dot, .p = c->values, .p_dot = x_dot ? c->values_dot : NULL};
}

/* An example's parameters among all of the model's. */
static void Spread(NomosCoarseSolver c, const double parameters[], double values[])
{
  for (size_t k = 0; k < c->n_parameters; k++) values[c->parameter[k]] = parameters[k];
}

static void Gather(NomosCoarseSolver c, const double values_bar[], double parameters_bar[])
{
  for (size_t k = 0; k < c->n_parameters && parameters_bar; k++) parameters_bar[k] += values_bar[c->parameter[k]];
}

/* ---- one example */

static void *StateAt(NomosCoarseSolver c, int64_t step)
{
  return c->states + (size_t)step * c->bytes;
}

static void *DotAt(NomosCoarseSolver c, int64_t step)
{
  return c->dots + (size_t)step * c->bytes;
}

/* States 0 to n_steps. */
static PetscErrorCode Advance(NomosCoarseSolver c, const double data[], const double parameters[], int64_t n_steps)
{
  PetscFunctionBeginUser;
  Spread(c, parameters, c->values);
  if (c->n_values) PetscCall(c->ops->set_parameters(c->model, c->values));
  const NomosFieldPoint at = Point(c, data, NULL);
  PetscCall(NomosFieldMapApply(&c->map, NOMOS_STATE_OF_DATA, &at, StateAt(c, 0)));
  for (int64_t step = 0; step < n_steps; step++) {
    PetscCall(NomosModelSetClock(c->model, step));
    PetscCall(c->ops->set_state(c->model, StateAt(c, step)));
    PetscCall(c->model->ops->step(c->model));
    PetscCall(c->ops->get_state(c->model, StateAt(c, step + 1)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* And the tangents of all. */
static PetscErrorCode AdvanceTangents(NomosCoarseSolver c, const double data[], const double data_dot[], const double parameters_dot[])
{
  PetscFunctionBeginUser;
  Spread(c, parameters_dot, c->values_dot);
  const NomosFieldPoint at = Point(c, data, data_dot);
  PetscCall(NomosFieldMapJvp(&c->map, NOMOS_STATE_OF_DATA, &at, DotAt(c, 0)));
  for (int64_t step = 0; step < c->n_steps; step++) {
    memcpy(DotAt(c, step + 1), DotAt(c, step), c->bytes);
    PetscCall(NomosModelSetClock(c->model, step));
    PetscCall(c->ops->jvp(c->model, StateAt(c, step), DotAt(c, step + 1), c->n_values ? c->values_dot : NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps that derivatives need the states of: the last one is wanted where R depends on it. */
static int64_t StepsBehind(NomosCoarseSolver c)
{
  return NomosFieldMapIsLinear(&c->map) ? c->n_steps - 1 : c->n_steps;
}

/* ---- a batch: example i's part of the arguments; NULL stays NULL */

static const double *Part(const double *all, size_t i, size_t n)
{
  return all ? all + i * n : NULL;
}

static double *PartOf(double *all, size_t i, size_t n)
{
  return all ? all + i * n : NULL;
}

static PetscErrorCode AdvanceExample(const Batch *b, const double *const in[], size_t i, int64_t n_steps)
{
  NomosCoarseSolver c = b->solver;

  PetscFunctionBeginUser;
  PetscCall(Advance(c, Part(in[STATE], i, c->n_data), c->n_parameters ? Part(in[PARAMETERS], i, c->n_parameters) : NULL, n_steps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AdvanceExampleTangents(const Batch *b, const double *const in[], const double *const in_dot[], size_t i)
{
  NomosCoarseSolver c = b->solver;

  PetscFunctionBeginUser;
  PetscCall(AdvanceTangents(c, Part(in[STATE], i, c->n_data), Part(in_dot[STATE], i, c->n_data), c->n_parameters ? Part(in_dot[PARAMETERS], i, c->n_parameters) : NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  const Batch      *b = op->data;
  NomosCoarseSolver c = b->solver;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < b->batch; i++) {
    PetscErrorCode code;
    NomosQuietly(code, AdvanceExample(b, in, i, c->n_steps));
    NomosCheck(!code || c->lenient, PETSC_COMM_SELF, code, "example %zu of the batch cannot be stepped: %.800s. Where a network led it there, a lower train.learning_rate or train.clip_norm: 1 may help", i + 1, NomosErrorLast());
    const NomosFieldPoint end = Point(c, StateAt(c, c->n_steps), NULL);
    if (!code) PetscCall(NomosFieldMapApply(&c->map, NOMOS_DATA_OF_STATE, &end, PartOf(out[STATE], i, c->n_data)));
    for (size_t k = 0; k < c->n_data && code; k++) out[STATE][i * c->n_data + k] = NAN;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  const Batch      *b = op->data;
  NomosCoarseSolver c = b->solver;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < b->batch; i++) {
    PetscCall(AdvanceExample(b, in, i, StepsBehind(c)));
    PetscCall(AdvanceExampleTangents(b, in, in_dot, i));
    const NomosFieldPoint end = Point(c, StateAt(c, c->n_steps), DotAt(c, c->n_steps));
    PetscCall(NomosFieldMapJvp(&c->map, NOMOS_DATA_OF_STATE, &end, PartOf(out_dot[STATE], i, c->n_data)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const Batch      *b = op->data;
  NomosCoarseSolver c = b->solver;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < b->batch; i++) {
    PetscCall(AdvanceExample(b, in, i, StepsBehind(c)));
    const NomosFieldPoint begin = Point(c, Part(in[STATE], i, c->n_data), NULL), end = Point(c, StateAt(c, c->n_steps), NULL);
    double               *p_bar = c->n_parameters && in_bar[PARAMETERS] ? c->values_bar : NULL;
    memset(c->work[BAR], 0, c->bytes);
    memset(c->values_bar, 0, sizeof *c->values_bar * c->n_values);
    PetscCall(NomosFieldMapVjp(&c->map, NOMOS_DATA_OF_STATE, &end, Part(out_bar[STATE], i, c->n_data), c->work[BAR], p_bar));
    for (int64_t step = c->n_steps - 1; step >= 0; step--) {
      PetscCall(NomosModelSetClock(c->model, step));
      PetscCall(c->ops->vjp(c->model, StateAt(c, step), c->work[BAR], p_bar));
    }
    PetscCall(NomosFieldMapVjp(&c->map, NOMOS_STATE_OF_DATA, &begin, c->work[BAR], PartOf(in_bar[STATE], i, c->n_data), p_bar));
    if (c->n_parameters) Gather(c, c->values_bar, PartOf(in_bar[PARAMETERS], i, c->n_parameters));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  const Batch      *b = op->data;
  NomosCoarseSolver c = b->solver;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < b->batch; i++) {
    PetscCall(AdvanceExample(b, in, i, StepsBehind(c)));
    PetscCall(AdvanceExampleTangents(b, in, in_dot, i));
    const NomosFieldPoint begin = Point(c, Part(in[STATE], i, c->n_data), Part(in_dot[STATE], i, c->n_data)), end = Point(c, StateAt(c, c->n_steps), DotAt(c, c->n_steps));
    const double         *bar = Part(out_bar[STATE], i, c->n_data), *bar_dot = Part(out_bar_dot[STATE], i, c->n_data);
    for (int w = BAR; w <= BAR_DOT; w++) memset(c->work[w], 0, c->bytes);
    memset(c->values_bar, 0, sizeof *c->values_bar * c->n_values);
    memset(c->values_bar_dot, 0, sizeof *c->values_bar_dot * c->n_values);
    PetscCall(NomosFieldMapVjp(&c->map, NOMOS_DATA_OF_STATE, &end, bar, c->work[BAR], NULL));
    PetscCall(NomosFieldMapHvp(&c->map, NOMOS_DATA_OF_STATE, &end, bar, bar_dot, c->work[BAR_DOT], c->values_bar_dot));
    for (int64_t step = c->n_steps - 1; step >= 0; step--) {
      PetscCall(NomosModelSetClock(c->model, step));
      PetscCall(c->ops->hvp(c->model, StateAt(c, step), DotAt(c, step), c->n_values ? c->values_dot : NULL, c->work[BAR], c->work[BAR_DOT], c->n_values ? c->values_bar : NULL, c->n_values ? c->values_bar_dot : NULL));
    }
    PetscCall(NomosFieldMapHvp(&c->map, NOMOS_STATE_OF_DATA, &begin, c->work[BAR], c->work[BAR_DOT], PartOf(in_bar_dot[STATE], i, c->n_data), c->values_bar_dot));
    if (c->n_parameters) Gather(c, c->values_bar_dot, PartOf(in_bar_dot[PARAMETERS], i, c->n_parameters));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyBatch(NomosOperator op)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By what the model has: [jvp][hvp]. */
static const NomosOperatorOps coarse_solver_ops[2][2] = {
  {{.name = "coarse solver", .apply = Apply, .vjp = Vjp, .destroy = DestroyBatch},             {.name = "coarse solver", .apply = Apply, .vjp = Vjp, .destroy = DestroyBatch}                        },
  {{.name = "coarse solver", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .destroy = DestroyBatch}, {.name = "coarse solver", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = DestroyBatch}},
};

PetscErrorCode NomosCoarseSolverOperator(NomosCoarseSolver c, size_t batch, NomosOperator *op)
{
  Batch *b;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_operators; i++) {
    *op = c->operators[i];
    if (((const Batch *)(*op)->data)->batch == batch) PetscFunctionReturn(PETSC_SUCCESS);
  }
  const NomosOperatorArgument in[2] = {
    {"state",      batch * c->n_data,       false},
    {"parameters", batch * c->n_parameters, false}
  };
  PetscCall(PetscRealloc(sizeof *c->operators * (c->n_operators + 1), &c->operators));
  PetscCall(PetscNew(&b));
  *b = (Batch){c, batch};
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = PETSC_COMM_SELF, .ops = &coarse_solver_ops[c->ops->jvp != NULL][c->ops->hvp != NULL], .n_in = c->n_parameters ? 2 : 1, .n_out = 1, .in = in, .out = in, .data = b}, op));
  c->operators[c->n_operators++] = *op;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor StepBatch(NomosCoarseSolver c, NomosTensor u, const double parameters[], bool lenient)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(u, &shape);
  const size_t  batch  = n_dims ? shape[0] : 0;
  NomosOperator op;

  if (NomosCoarseSolverOperator(c, batch, &op)) return (NomosTensor){.tape = u.tape};
  NomosTensor x[2] = {u, {0}};
  if (c->n_parameters) x[PARAMETERS] = NomosTensorFromDoubles(u.tape, NOMOS_F64, 2, (size_t[]){batch, c->n_parameters}, parameters);
  c->lenient          = lenient;
  const NomosTensor b = NomosApply(op, x);
  c->lenient          = false;
  return NomosReshape(NomosCast(b, NomosTensorType(u)), n_dims, shape);
}

NomosTensor NomosCoarseSolverStep(NomosCoarseSolver c, NomosTensor u, const double parameters[])
{
  return StepBatch(c, u, parameters, false);
}

NomosTensor NomosCoarseSolverTry(NomosCoarseSolver c, NomosTensor u, const double parameters[])
{
  return StepBatch(c, u, parameters, true);
}

/* ---- made and unmade */

static PetscErrorCode Create(NomosSurrogate s, const NomosCoarseSolverInput *input, NomosCoarseSolver c)
{
  const NomosModelParameter *list;

  PetscFunctionBeginUser;
  PetscCheck(s->simulate, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: this program has no simulations, which a learned correction runs", s->ops->name);
  PetscCall(s->simulate(s, &(NomosSimulation){.path = input->path, .n_set = input->n_set, .set = input->set}, &c->model, &c->config));
  PetscCall(NomosModelGetDerivatives(c->model, false, &c->ops));
  PetscCall(NomosFieldMapCreate(&(NomosFieldMapInput){.model = c->model, .n_fields = input->n_fields, .n_points = input->n_points, .fields = input->fields}, &c->map));
  PetscCall(NomosModelGetParameters(c->model, &c->n_values, &list));
  c->n_data       = input->n_fields * input->n_points;
  c->n_parameters = input->n_parameters;
  c->bytes        = c->map.n * NomosRealBytes(c->model->precision);
  const double steps = input->interval / c->model->dt;
  c->n_steps         = (int64_t)(steps + 0.5);
  PetscCheck(c->n_steps > 0 && fabs(steps - (double)c->n_steps) < 1e-3 * steps, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "solver %s: time.dt = %g: the interval between the data's frames, %g, is %g steps; set time.dt to it or to a fraction of it", c->model->ops->name, c->model->dt, input->interval, steps);
  PetscCall(PetscMalloc1(c->n_parameters + 1, &c->parameter));
  for (size_t k = 0; k < c->n_parameters; k++) PetscCall(NomosModelFindParameter(c->model, input->parameters[k], &c->parameter[k]));
  PetscCall(PetscMalloc2(((size_t)c->n_steps + 1) * c->bytes, &c->states, ((size_t)c->n_steps + 1) * c->bytes, &c->dots));
  for (int w = 0; w < N_WORK; w++) PetscCall(PetscMalloc(c->bytes + 1, &c->work[w]));
  PetscCall(PetscCalloc4(c->n_values + 1, &c->values, c->n_values + 1, &c->values_dot, c->n_values + 1, &c->values_bar, c->n_values + 1, &c->values_bar_dot));
  for (size_t k = 0; k < c->n_values; k++) c->values[k] = list[k].value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCoarseSolverCreate(NomosSurrogate s, const NomosCoarseSolverInput *input, NomosCoarseSolver *solver)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(solver));
  code = Create(s, input, *solver);
  if (code) PetscCall(NomosCoarseSolverDestroy(solver));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCoarseSolverDestroy(NomosCoarseSolver *solver)
{
  NomosCoarseSolver c = *solver;

  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < c->n_operators; i++) PetscCall(NomosOperatorDestroy(&c->operators[i]));
  PetscCall(PetscFree(c->operators));
  for (int w = 0; w < N_WORK; w++) PetscCall(PetscFree(c->work[w]));
  PetscCall(NomosFieldMapDestroy(&c->map));
  PetscCall(PetscFree(c->parameter));
  PetscCall(PetscFree2(c->states, c->dots));
  PetscCall(PetscFree4(c->values, c->values_dot, c->values_bar, c->values_bar_dot));
  if (c->model) PetscCall(NomosModelDestroy(&c->model));
  if (c->config) PetscCall(NomosConfigDestroy(&c->config));
  PetscCall(PetscFree(*solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int64_t NomosCoarseSolverSteps(NomosCoarseSolver solver)
{
  return solver->n_steps;
}

bool NomosCoarseSolverIsPrimitive(NomosCoarseSolver solver)
{
  return !NomosFieldMapIsLinear(&solver->map);
}

NomosModel NomosCoarseSolverModel(NomosCoarseSolver solver)
{
  return solver->model;
}
