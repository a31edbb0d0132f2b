/* The model `corrected_grid_pde`: a PDE on a coarse grid whose every step trained weights of the surrogate neural_operator (base: solver) correct. All that is not said here is the solver's own: cases, checkpoints, what is written.
   One rank, whose threads share the work.

     x' = E N(R x, R Phi(x), lambda)        neural_operator_step.c; R reads the fields of the training out of a state, E makes one of them (field_map.h)

   A step is the time between two frames of the training. Derivatives of first order, by the state and by what the solver knows, in the network's float64. */
#include "surrogates/operators/corrected_model.h"

#include "io/text.h"
#include "operators/model_operator.h"
#include "operators/primitives.h"
#include "operators/tape_function.h"
#include "surrogates/operators/emulator_model_impl.h"
#include "surrogates/operators/field_map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WEIGHTS "corrected_grid_pde.weights"

static const NomosParam params[] = {
  {WEIGHTS, NOMOS_PARAM_FILE, "", NULL, 0, 0, NULL, false, "weights.safetensors of a training of the surrogate neural_operator with neural_operator.base: solver, which says grid, fields and time step."},
};

enum { STATE, BASE, LAMBDA, N_IN };

typedef struct {
  Emulator      network; /* of it the network alone */
  NomosFieldMap map;
  NomosOperator op;      /* N */
  size_t       *parameter;                        /* (P) numbers of the network's parameters among the model's */
  double       *x[N_IN], *x_dot[N_IN];            /* inputs of N, what goes along with them */
  double       *next, *next_dot;                  /* its result, likewise */
  double       *p;                                /* all of the model's parameters */
  void         *own, *before;                     /* states of the model */
} Corrected;

/* ---- create */

static PetscErrorCode Function(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  Corrected                 *c  = ctx;
  Emulator                  *e  = &c->network;
  const NomosNeuralOperator *no = &e->no;
  NomosTensor                fields[2], auxiliary;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersBind(e->parameters, tape, e->w));
  for (int k = STATE; k <= BASE; k++) fields[k] = EmulatorUnits(e, NomosReshape(in[k], 2 + no->shape.n_space, (size_t[]){1, no->n_fields, no->shape.points[0], no->shape.points[1]}), false);
  const NomosTensor lambda = NomosReshape(in[LAMBDA], 2, (size_t[]){1, no->n_parameters});
  out[0] = EmulatorUnits(e, NomosEmulatorStep(no->emulator, e->w, &(NomosEmulatorStepInput){.u = fields[STATE], .lambda = lambda, .base = fields[BASE]}, &auxiliary), true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An end of the model is that of the training's solver, of which its weights say "KEY=VALUE;...". */
static PetscErrorCode CompareEnd(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const NomosModel model = ctx;
  const Corrected *c     = model->extension;
  char             theirs[sizeof c->network.no.ends];

  PetscFunctionBeginUser;
  (void)origin;
  if (NomosTextValue(c->network.no.ends, ';', param->key, sizeof theirs, theirs))
    PetscCheck(!strcmp(value, theirs), model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %s: the correction was trained with a solver that has %s; choose that", NomosConfigWhere(model->config, param->key), param->key, value[0] ? value : "(unset)", theirs[0] ? theirs : "none");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The axes of the training are the model's, with as many points: as many in all are not enough. */
static PetscErrorCode CheckGrid(NomosModel model, const NomosNeuralOperator *no)
{
  static const char *const keys[] = {"grid_pde.nx", "grid_pde.ny"};
  int64_t                  dimensions, n[2];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, "grid_pde.dimensions", &dimensions));
  NomosCheck(dimensions == no->shape.n_space, model->comm, PETSC_ERR_ARG_INCOMP, "%s: grid_pde.dimensions = %lld: the correction was trained in %d; choose that, or other weights", NomosConfigWhere(model->config, "grid_pde.dimensions"), (long long)dimensions, no->shape.n_space);
  for (int axis = 0; axis < no->shape.n_space; axis++) {
    const size_t points = no->shape.points[no->shape.n_space - 1 - axis];
    PetscCall(NomosConfigGetInt(model->config, keys[axis], &n[axis]));
    if (!n[axis]) n[axis] = n[0];
    NomosCheck((size_t)n[axis] == points, model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %lld: the correction was trained on %zu points along %c; choose %s = %zu, or other weights", NomosConfigWhere(model->config, keys[axis]), keys[axis], (long long)n[axis], points, "xy"[axis], keys[axis], points);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The box of the training is the model's, and its ends are of the same kind. */
static PetscErrorCode CheckDomain(NomosModel model, const Corrected *c)
{
  static const char *const   lengths[] = {"grid_pde.lx", "grid_pde.ly"}, *const boundaries[] = {"grid_pde.boundary_x", "grid_pde.boundary_y"};
  const NomosNeuralOperator *no = &c->network.no;
  const double              *origin;
  double                     length[2];
  size_t                     n_origin;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, "grid_pde.origin", &n_origin, &origin));
  PetscCall(NomosConfigGetReal(model->config, "grid_pde.lx", &length[0]));
  PetscCall(NomosConfigGetReal(model->config, "grid_pde.ly", &length[1]));
  if (!(length[1] > 0)) length[1] = length[0];
  for (int axis = 0; axis < no->shape.n_space; axis++) {
    const int    d     = no->shape.n_space - 1 - axis;
    const double start = (size_t)axis < n_origin ? origin[axis] : 0, extent = no->extent[d];
    const char  *kind;
    NomosCheck(!no->box_known[d] || (fabs(length[axis] - extent) <= 1e-3 * extent && fabs(start - no->start[d]) <= 0.51 * extent / (double)no->shape.points[d]), model->comm, PETSC_ERR_ARG_INCOMP, "%s: the domain reaches from %g to %g along %c, that of the correction's training from %g to %g; choose %s and grid_pde.origin so", NomosConfigWhere(model->config, fabs(length[axis] - extent) <= 1e-3 * extent ? "grid_pde.origin" : lengths[axis]), start, start + length[axis], "xy"[axis], no->start[d], no->start[d] + extent, lengths[axis]);
    PetscCall(NomosConfigGetString(model->config, boundaries[axis], &kind));
    PetscCheck(no->ends[0] || no->shape.periodic == !strcmp(kind, "periodic"), model->comm, PETSC_ERR_ARG_INCOMP, "%s: %s = %s: the correction was trained on a domain that is %speriodic", NomosConfigWhere(model->config, boundaries[axis]), boundaries[axis], kind, no->shape.periodic ? "" : "not ");
  }
  PetscCall(NomosConfigVisit(model->config, CompareEnd, model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the network finds the parameters that it is told. */
static PetscErrorCode FindParameters(NomosModel model, Corrected *c)
{
  const NomosModelParameter *list;
  size_t                     n, *at = c->parameter;
  const char                *family;
  char                       name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "grid_pde.family", &family));
  PetscCall(NomosModelGetParameters(model, &n, &list));
  for (size_t p = 0; p < c->network.no.n_parameters; p++, at++) {
    for (*at = 0; *at < n; ++*at) {
      NomosParameterName(&list[*at], name);
      if (!strcmp(name, c->network.key[p])) break;
    }
    PetscCheck(*at < n, model->comm, PETSC_ERR_ARG_INCOMP, "%s: " WEIGHTS ": the network was trained with %s, and the equation of this case, grid_pde.family = %s, has none; take a case of the training's equation", NomosConfigWhere(model->config, WEIGHTS), c->network.key[p], family);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateOperator(NomosModel model, Corrected *c)
{
  const size_t                n    = c->network.no.size, P = c->network.no.n_parameters;
  const NomosOperatorArgument in[] = {{.name = "state", .size = n}, {.name = "base", .size = n}, {.name = "parameters", .size = P, .replicated = true}}, out = {.name = "state", .size = n};

  PetscFunctionBeginUser;
  for (int k = 0; k < N_IN; k++) PetscCall(PetscMalloc2(in[k].size + 1, &c->x[k], in[k].size + 1, &c->x_dot[k]));
  PetscCall(PetscMalloc3(n, &c->next, n, &c->next_dot, c->network.no.n_w, &c->network.w));
  PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = model->comm, .name = "correction", .function = Function, .ctx = c, .n_in = N_IN, .n_out = 1, .in = in, .out = &out}, &c->op));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  Corrected           *c;
  NomosNeuralOperator *no;
  int                  size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "solver %s: its network sees the whole grid, and there are %d ranks; run it on one, whose threads share the work", model->ops->name, size);
  PetscCall(model->ops->base->create(model));
  PetscCall(PetscNew(&c));
  model->extension = c;
  no               = &c->network.no;
  PetscCall(EmulatorOpen(model, WEIGHTS, true, &c->network));
  NomosCheck(no->n_solver_steps == 1, model->comm, PETSC_ERR_SUP, "%s: " WEIGHTS ": in the training the solver made %lld steps between two corrections, and a run corrects every one; train with time.dt = %g in neural_operator.solver.set", NomosConfigWhere(model->config, WEIGHTS), (long long)no->n_solver_steps, no->interval);
  PetscCall(CheckGrid(model, no));
  PetscCall(CheckDomain(model, c));
  PetscCall(NomosFieldMapCreate(&(NomosFieldMapInput){.model = model, .n_fields = no->n_fields, .n_points = no->n_points, .fields = c->network.field_names}, &c->map));
  PetscCall(PetscMalloc1(no->n_parameters + 1, &c->parameter));
  PetscCall(FindParameters(model, c));
  size_t n_parameters;
  PetscCall(NomosModelGetParameters(model, &n_parameters, &(const NomosModelParameter *){NULL}));
  PetscCall(PetscMalloc1(n_parameters + 1, &c->p));
  PetscCall(PetscMalloc(c->map.n * NomosRealBytes(model->precision), &c->own));
  PetscCall(PetscMalloc(c->map.n * NomosRealBytes(model->precision), &c->before));
  PetscCall(CreateOperator(model, c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  Corrected *c = model->extension;

  PetscFunctionBeginUser;
  if (c) {
    PetscCall(NomosOperatorDestroy(&c->op));
    PetscCall(EmulatorClose(&c->network));
    PetscCall(NomosFieldMapDestroy(&c->map));
    for (int k = 0; k < N_IN; k++) PetscCall(PetscFree2(c->x[k], c->x_dot[k]));
    PetscCall(PetscFree3(c->next, c->next_dot, c->network.w));
    PetscCall(PetscFree(c->p));
    PetscCall(PetscFree(c->parameter));
    PetscCall(PetscFree(c->own));
    PetscCall(PetscFree(c->before));
    PetscCall(PetscFree(model->extension));
  }
  PetscCall(model->ops->base->destroy(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- run */

/* The parameters as they are now: all of the model's, and those that the network is told. */
static PetscErrorCode Lambda(NomosModel model, double lambda[])
{
  const Corrected           *c = model->extension;
  const NomosModelParameter *list;
  size_t                     n;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &n, &list));
  for (size_t k = 0; k < n; k++) c->p[k] = list[k].value;
  for (size_t p = 0; p < c->network.no.n_parameters; p++) lambda[p] = c->p[c->parameter[p]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where E or R is taken, with the parameters of the last call of Lambda. */
static NomosFieldPoint Point(const Corrected *c, const void *x, const void *x_dot, const double p_dot[])
{
  return (NomosFieldPoint){.x = x, .x_dot = x_dot, .p = c->p, .p_dot = p_dot};
}

static PetscErrorCode Map(const Corrected *c, NomosFieldWay way, const void *x, void *y)
{
  const NomosFieldPoint at = Point(c, x, NULL, NULL);

  PetscFunctionBeginUser;
  PetscCall(NomosFieldMapApply(&c->map, way, &at, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state that went wrong is left as it is, for `check` to find. */
static PetscErrorCode Step(NomosModel model)
{
  Corrected                   *c = model->extension;
  const NomosModelDerivatives *d = model->ops->derivatives;
  NomosModelFault              fault;

  PetscFunctionBeginUser;
  PetscCall(d->get_state(model, c->own));
  PetscCall(Lambda(model, c->x[LAMBDA]));
  PetscCall(Map(c, NOMOS_DATA_OF_STATE, c->own, c->x[STATE]));
  PetscCall(model->ops->base->step(model));
  PetscCall(model->ops->check(model, &fault));
  if (fault.bad) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(d->get_state(model, c->own));
  PetscCall(Map(c, NOMOS_DATA_OF_STATE, c->own, c->x[BASE]));
  PetscCall(NomosOperatorApply(c->op, (const double *const *)c->x, &c->next));
  PetscCall(Map(c, NOMOS_STATE_OF_DATA, c->next, c->own));
  PetscCall(d->set_state(model, c->own));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The solver's advice is a shorter step, which a network that corrects steps of one length has not. */
static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  PetscFunctionBeginUser;
  PetscCall(model->ops->base->check(model, fault));
  if (fault->bad && !fault->advice[0]) snprintf(fault->advice, sizeof fault->advice, "its time.dt is that of the training: take more substeps (grid_pde.substeps=0, a smaller grid_pde.cfl), states and parameters like those of the training, or train the correction for longer free runs");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  const Corrected *c = model->extension;

  PetscFunctionBeginUser;
  PetscCall(model->ops->base->describe(model, bytes, text, n_text));
  *bytes += 8. * (double)(c->network.n_weights + 6 * c->network.no.size);
  NomosTextAppend(n_text, text, "; every step corrected by a network of %zu weights", c->network.n_weights);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Warn(NomosModel model, NomosWarningFn warn, void *ctx)
{
  Corrected *c = model->extension;

  PetscFunctionBeginUser;
  if (model->ops->base->warn) PetscCall(model->ops->base->warn(model, warn, ctx));
  PetscCall(Lambda(model, c->x[LAMBDA]));
  PetscCall(EmulatorWarn(&c->network, c->x[LAMBDA], "", warn, ctx));
  PetscCall(NomosNeuralOperatorCoefficientsWarn(model, c->network.no.coefficients, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- derivatives: of the solver's step by itself, of the network at the states before and after it */

/* The network's inputs at `state`, the state `own` after the solver's step, and the result where E depends on it. The model's own state is the way there, and is put back, as is the clock. */
static PetscErrorCode Inputs(NomosModel model, const void *state)
{
  Corrected                   *c    = model->extension;
  const NomosModelDerivatives *d    = model->ops->derivatives;
  const int64_t                step = model->step;

  PetscFunctionBeginUser;
  PetscCall(d->get_state(model, c->before));
  PetscCall(d->set_state(model, state));
  PetscCall(Lambda(model, c->x[LAMBDA]));
  PetscCall(Map(c, NOMOS_DATA_OF_STATE, state, c->x[STATE]));
  PetscCall(model->ops->base->step(model));
  PetscCall(d->get_state(model, c->own));
  PetscCall(Map(c, NOMOS_DATA_OF_STATE, c->own, c->x[BASE]));
  if (!NomosFieldMapIsLinear(&c->map)) PetscCall(NomosOperatorApply(c->op, (const double *const *)c->x, &c->next));
  PetscCall(d->set_state(model, c->before));
  PetscCall(NomosModelSetClock(model, step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  Corrected *c = model->extension;

  PetscFunctionBeginUser;
  PetscCall(Inputs(model, state));
  const NomosFieldPoint before = Point(c, state, x_dot, p_dot), base = Point(c, c->own, x_dot, p_dot), next = Point(c, c->next, c->next_dot, p_dot);
  PetscCall(NomosFieldMapJvp(&c->map, NOMOS_DATA_OF_STATE, &before, c->x_dot[STATE]));
  PetscCall(model->ops->base->derivatives->jvp(model, state, x_dot, p_dot));
  PetscCall(NomosFieldMapJvp(&c->map, NOMOS_DATA_OF_STATE, &base, c->x_dot[BASE]));
  for (size_t p = 0; p < c->network.no.n_parameters; p++) c->x_dot[LAMBDA][p] = p_dot ? p_dot[c->parameter[p]] : 0;
  PetscCall(NomosOperatorJvp(c->op, (const double *const *)c->x, (const double *const *)c->x_dot, &c->next_dot));
  PetscCall(NomosFieldMapJvp(&c->map, NOMOS_STATE_OF_DATA, &next, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  Corrected   *c = model->extension;
  const size_t n = c->network.no.size, P = c->network.no.n_parameters;

  PetscFunctionBeginUser;
  PetscCall(Inputs(model, state));
  const NomosFieldPoint before = Point(c, state, NULL, NULL), base = Point(c, c->own, NULL, NULL), next = Point(c, c->next, NULL, NULL);
  PetscCall(PetscArrayzero(c->next_dot, n));
  PetscCall(NomosFieldMapVjp(&c->map, NOMOS_STATE_OF_DATA, &next, x_bar, c->next_dot, p_bar));
  for (int k = 0; k < N_IN; k++) PetscCall(PetscArrayzero(c->x_dot[k], k == LAMBDA ? P : n));
  PetscCall(NomosOperatorVjp(c->op, (const double *const *)c->x, (const double *[]){c->next_dot}, c->x_dot));
  memset(x_bar, 0, c->map.n * NomosRealBytes(model->precision));
  PetscCall(NomosFieldMapVjp(&c->map, NOMOS_DATA_OF_STATE, &base, c->x_dot[BASE], x_bar, p_bar));
  PetscCall(model->ops->base->derivatives->vjp(model, state, x_bar, p_bar));
  PetscCall(NomosFieldMapVjp(&c->map, NOMOS_DATA_OF_STATE, &before, c->x_dot[STATE], x_bar, p_bar));
  for (size_t p = 0; p < P && p_bar; p++) p_bar[c->parameter[p]] += c->x_dot[LAMBDA][p];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Extend(NomosModelOps *ops, NomosModelDerivatives *derivatives)
{
  derivatives->jvp = Jvp;
  derivatives->vjp = Vjp;
  ops->create      = Create;
  ops->destroy     = Destroy;
  ops->step        = Step;
  ops->check       = Check;
  ops->describe    = Describe;
  ops->warn        = Warn;
}

const NomosModelExtension nomos_corrected_grid_pde = {
  .extends   = "grid_pde",
  .name      = "corrected_grid_pde",
  .summary   = "A PDE on a coarse grid, every step of which a network corrects (surrogate neural_operator, base: solver).",
  .reference = "doi:10.1073/pnas.2101784118",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .extend    = Extend,
};
