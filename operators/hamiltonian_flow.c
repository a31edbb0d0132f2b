#include "operators/hamiltonian_flow_impl.h"

#include "io/text.h"

#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const FlowScheme schemes[] = {
  {.name = "leapfrog",     .order = 2, .n_weights = 1, .weights = {1}},
  {.name = "yoshida4",     .order = 4, .n_weights = 2, .weights = {1.3512071919596577718}}, /* 1/(2 - 2^(1/3)) */
  /* Yoshida 1990, table 2, solution D: w_7 .. w_1 */
  {.name = "yoshida8",     .order = 8, .n_weights = 8, .weights = {0.914844246229740, 0.253693336566229, -1.44485223686048, -0.158240635368243, 1.93813913762276, -1.96061023297549, 0.102799849391985}},
  {.name = "blanes_moan4", .order = 4, .n_halves = 5, .halves = {0.0792036964311957, 0.209515106613362, 0.353172906049774, -0.143851773179818, -0.0420650803577195}},
  {.name = "kahan_li6",    .order = 6, .n_weights = 5, .weights = {0.39216144400731413928, 0.33259913678935943860, -0.70624617255763935981, 0.082213596293550800230}},
  {.name = "rk4",          .order = 4, .n_stages = 4, .a = {{0}, {0.5}, {0, 0.5}, {0, 0, 1}}, .b = {1 / 6., 1 / 3., 1 / 3., 1 / 6.}},
  /* Dormand & Prince 1980 */
  {.name = "dormand_prince", .order = 5, .n_stages = 7, .adaptive = true,
   .a = {{0}, {1 / 5.}, {3 / 40., 9 / 40.}, {44 / 45., -56 / 15., 32 / 9.}, {19372 / 6561., -25360 / 2187., 64448 / 6561., -212 / 729.}, {9017 / 3168., -355 / 33., 46732 / 5247., 49 / 176., -5103 / 18656.},
         {35 / 384., 0, 500 / 1113., 125 / 192., -2187 / 6784., 11 / 84.}},
   .b = {35 / 384., 0, 500 / 1113., 125 / 192., -2187 / 6784., 11 / 84.}, .error = {71 / 57600., 0, -71 / 16695., 71 / 1920., -17253 / 339200., 22 / 525., -1 / 40.}},
  {.name = "midpoint",     .order = 2, .n_stages = 1, .implicit = true, .a = {{0.5}}, .b = {1}},
#define ROOT3 1.7320508075688772935
  {.name = "gauss4",       .order = 4, .n_stages = 2, .implicit = true, .a = {{1 / 4., 1 / 4. - ROOT3 / 6}, {1 / 4. + ROOT3 / 6, 1 / 4.}}, .b = {0.5, 0.5}},
#define ROOT15 3.8729833462074168852
  {.name = "gauss6",       .order = 6, .n_stages = 3, .implicit = true,
   .a = {{5 / 36., 2 / 9. - ROOT15 / 15, 5 / 36. - ROOT15 / 30}, {5 / 36. + ROOT15 / 24, 2 / 9., 5 / 36. - ROOT15 / 24}, {5 / 36. + ROOT15 / 30, 2 / 9. + ROOT15 / 15, 5 / 36.}}, .b = {5 / 18., 4 / 9., 5 / 18.}},
};
/* clang-format on */
enum { N_SCHEMES = sizeof schemes / sizeof *schemes };

/* Kick, drift, kick, ... of one step. */
static void Parts(NomosHamiltonianFlow flow)
{
  const FlowScheme *scheme = flow->scheme;

  if (scheme->n_weights) { /* leapfrogs of dt w, kicks of neighbours in one; the weights sum to 1 */
    const size_t last = scheme->n_weights - 1, n = 2 * last + 1;
    double       middle = 1;
    for (size_t i = 0; i < last; i++) middle -= 2 * scheme->weights[i];
    flow->n_parts = 2 * n + 1;
    for (size_t i = 0; i < n; i++) {
      const size_t from = i < last ? i : n - 1 - i;
      const double w    = n == 1 ? 1 : from == last ? middle : scheme->weights[from];
      flow->parts[2 * i] += w / 2;
      flow->parts[2 * i + 1] = w;
      flow->parts[2 * i + 2] += w / 2;
    }
  } else { /* given up to the kick before the last drift of the first half; then that drift, and the kick in the middle */
    const size_t n     = scheme->n_halves;
    double       kicks = 0, drifts = 0;
    for (size_t i = 0; i < n; i++) {
      flow->parts[i] = scheme->halves[i];
      *(i % 2 ? &drifts : &kicks) += scheme->halves[i];
    }
    flow->parts[n]     = 0.5 - drifts;
    flow->parts[n + 1] = 1 - 2 * kicks;
    flow->n_parts      = 2 * (n + 1) + 1;
    for (size_t i = n + 2; i < flow->n_parts; i++) flow->parts[i] = flow->parts[flow->n_parts - 1 - i];
  }
}

static PetscErrorCode WorkCreate(NomosHamiltonianFlow flow, FlowWork *work)
{
  const size_t row = 2 * flow->h.d, size = row * flow->n_block, n_stages = flow->scheme->n_stages, n_path = PetscMax(n_stages, flow->n_parts), n_solve = flow->scheme->implicit ? n_stages * row : 0, twice = flow->h.third ? 1 : 0;
  size_t       at = 0, lengths[] = {n_path * size, size, size, size, n_stages * size, n_stages * size, n_solve * size, n_solve * n_solve, n_solve, flow->n_block, flow->n_block, twice * n_path * size, twice * size, twice * size, twice * n_stages * size, twice * n_stages * size};
  double     **parts[]           = {&work->path, &work->g, &work->v, &work->hv, &work->k, &work->residual, &work->hessian, &work->matrix, &work->side, &work->change, &work->before, &work->path_dot, &work->v_dot, &work->hv_dot, &work->residual_dot, &work->third};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) at += lengths[i];
  PetscCall(PetscCalloc3(at, &work->block, n_solve + 1, &work->pivots, flow->n_block, &work->done));
  at = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i] = work->block + at;
    at += lengths[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFlowCreate(const NomosHamiltonianFlowInput *input, NomosHamiltonianFlow *out)
{
  const char          *names[N_SCHEMES];
  size_t               at = 0;
  NomosHamiltonianFlow flow;

  PetscFunctionBeginUser;
  *out = NULL;
  for (size_t i = 0; i < N_SCHEMES; i++) names[i] = schemes[i].name;
  while (at < N_SCHEMES && strcmp(names[at], input->scheme)) at++;
  if (at == N_SCHEMES) PetscCall(NomosNameUnknown(PETSC_COMM_SELF, input->scheme, N_SCHEMES, names, "unknown scheme %s", input->scheme));
  PetscCheck(input->hamiltonian->separable || schemes[at].n_stages, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s is for H = T(p) + V(q), and this H is not separable: use midpoint, gauss4 or gauss6 (or rk4, dormand_prince)", input->scheme);
  PetscCheck(input->n > 0 && input->hamiltonian->d > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a flow of %zu states of %zu degrees of freedom: at least one of each is needed", input->n, input->hamiltonian->d);
  openblas_set_num_threads(1); /* blocks are what threads share; with threads of its own LAPACK would round otherwise */
  PetscCall(PetscNew(&flow));
  flow->h              = *input->hamiltonian;
  flow->scheme         = &schemes[at];
  flow->n              = input->n;
  flow->n_block        = !flow->h.threads ? flow->n : flow->scheme->adaptive ? 1 : PetscMin((size_t)FLOW_BLOCK, flow->n);
  flow->n_blocks       = (flow->n + flow->n_block - 1) / flow->n_block;
  flow->n_threads      = PetscMin((size_t)omp_get_max_threads(), flow->n_blocks);
  flow->compensated    = input->compensated;
  flow->tolerance      = input->tolerance > 0 ? input->tolerance : 1e-14;
  flow->rtol           = input->rtol > 0 ? input->rtol : 1e-9;
  flow->max_iterations = input->max_iterations > 0 ? input->max_iterations : 50;
  if (!flow->scheme->n_stages) Parts(flow);
  PetscCall(PetscCalloc3(flow->n_threads, &flow->work, 2 * flow->n_blocks * flow->h.n_parameters + 1, &flow->p_bars, flow->n_blocks, &flow->verdicts));
  for (size_t t = 0; t < flow->n_threads; t++) PetscCall(WorkCreate(flow, &flow->work[t]));
  *out = flow;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFlowDestroy(NomosHamiltonianFlow *flow)
{
  PetscFunctionBeginUser;
  if (!*flow) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t t = 0; t < (*flow)->n_threads; t++) {
    free((*flow)->work[t].kept);
    PetscCall(PetscFree3((*flow)->work[t].block, (*flow)->work[t].pivots, (*flow)->work[t].done));
  }
  PetscCall(PetscFree3((*flow)->work, (*flow)->p_bars, (*flow)->verdicts));
  PetscCall(PetscFree(*flow));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosHamiltonianFlowOrder(NomosHamiltonianFlow flow) { return flow->scheme->order; }

typedef enum { STEP, JVP, VJP, HVP } Action;

static const struct {
  PetscErrorCode (*step)(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[]);
  PetscErrorCode (*jvp)(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[]);
  PetscErrorCode (*vjp)(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[]);
  PetscErrorCode (*hvp)(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *second);
} kinds[] = {{FlowSplitStep, FlowSplitJvp, FlowSplitVjp, FlowSplitHvp}, {FlowExplicitStep, FlowExplicitJvp, FlowExplicitVjp, FlowExplicitHvp}, {FlowStagesStep, FlowStagesJvp, FlowStagesVjp, FlowStagesHvp}};

/* All blocks; x is where the state of the derivatives is copied to, or the state that steps. second: of HVP, whose x_bar is `other`. */
static PetscErrorCode Deal(NomosHamiltonianFlow flow, Action action, double dt, double *x, double *other, const double p_dot[], double p_bar[], const FlowSecond *second)
{
  const size_t row = 2 * flow->h.d, n_parameters = flow->h.n_parameters;
  const int    kind = !flow->scheme->n_stages ? 0 : !flow->scheme->implicit ? 1 : 2;

  PetscFunctionBeginUser;
  double *p_bars_dot = flow->p_bars + flow->n_blocks * n_parameters;
  memset(flow->p_bars, 0, sizeof *flow->p_bars * 2 * flow->n_blocks * n_parameters);
#pragma omp parallel for schedule(static) num_threads((int)flow->n_threads) if (flow->n_threads > 1)
  for (size_t b = 0; b < flow->n_blocks; b++) {
    FlowWork    *work = &flow->work[omp_get_thread_num()];
    const size_t from = b * flow->n_block, n = PetscMin(flow->n_block, flow->n - from);
    double      *xb = x + from * row, *ob = other ? other + from * row : NULL, *pb = p_bar ? flow->p_bars + b * n_parameters : NULL;
    work->verdict = (FlowVerdict){.n_open = 0};
    if (action == STEP) work->verdict.code = kinds[kind].step(flow, work, n, dt, xb, ob);
    if (action == JVP) work->verdict.code = kinds[kind].jvp(flow, work, n, dt, xb, ob, p_dot);
    if (action == VJP) work->verdict.code = kinds[kind].vjp(flow, work, n, dt, xb, ob, pb);
    if (action == HVP)
      work->verdict.code = kinds[kind].hvp(flow, work, n, dt,
        &(FlowSecond){.x = xb, .x_dot = second->x_dot + from * row, .x_bar = ob, .x_bar_dot = second->x_bar_dot + from * row, .p_bar = pb, .p_bar_dot = second->p_bar_dot ? p_bars_dot + b * n_parameters : NULL, .p_dot = p_dot});
    flow->verdicts[b] = work->verdict;
  }
  for (size_t b = 0; b < flow->n_blocks; b++) {
    const FlowVerdict *verdict = &flow->verdicts[b];
    PetscCall(verdict->code);
    NomosCheck(!verdict->n_open || !flow->scheme->adaptive, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED, "%s gets stuck at state %zu: its error would need a step of %.1e within one of %g: a collision, or a tolerance that rounding does not allow", flow->scheme->name, b * flow->n_block + verdict->open, verdict->change, dt);
    NomosCheck(!verdict->n_open, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED, "the implicit solve of %s does not converge for state %zu: after %d iterations it still changes by %.1e of its largest entry; use a smaller step", flow->scheme->name, b * flow->n_block + verdict->open, flow->max_iterations, verdict->change);
    for (size_t i = 0; i < n_parameters && p_bar; i++) p_bar[i] += flow->p_bars[b * n_parameters + i];
    for (size_t i = 0; i < n_parameters && action == HVP && second->p_bar_dot; i++) second->p_bar_dot[i] += p_bars_dot[b * n_parameters + i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFlowStep(NomosHamiltonianFlow flow, double dt, double x[], double carry[])
{
  PetscFunctionBeginUser;
  PetscCall(Deal(flow, STEP, dt, x, flow->compensated ? carry : NULL, NULL, NULL, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Derivative(NomosHamiltonianFlow flow, Action action, double dt, const double x[], double other[], const double p_dot[], double p_bar[])
{
  double *copy;

  PetscFunctionBeginUser;
  PetscCheck(flow->h.hessian && (!p_dot || flow->h.gradient_tangent) && (!p_bar || flow->h.gradient_parameters), PETSC_COMM_SELF, PETSC_ERR_SUP, "this Hamiltonian has no %s: its flow cannot be differentiated", flow->h.hessian ? "derivatives by its parameters" : "Hessian");
  PetscCall(PetscMalloc1(flow->n * 2 * flow->h.d, &copy));
  PetscCall(PetscArraycpy(copy, x, flow->n * 2 * flow->h.d));
  PetscCall(Deal(flow, action, dt, copy, other, p_dot, p_bar, NULL));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFlowJvp(NomosHamiltonianFlow flow, double dt, const double x[], double x_dot[], const double p_dot[])
{
  PetscFunctionBeginUser;
  PetscCall(Derivative(flow, JVP, dt, x, x_dot, p_dot, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFlowVjp(NomosHamiltonianFlow flow, double dt, const double x[], double x_bar[], double p_bar[])
{
  PetscFunctionBeginUser;
  PetscCall(Derivative(flow, VJP, dt, x, x_bar, NULL, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianFlowHvp(NomosHamiltonianFlow flow, double dt, const NomosHamiltonianFlowSecond *in)
{
  const size_t size = flow->n * 2 * flow->h.d;
  double      *x, *x_dot;

  PetscFunctionBeginUser;
  PetscCheck(flow->h.third && flow->h.hessian && flow->h.gradient_tangent && flow->h.gradient_parameters, PETSC_COMM_SELF, PETSC_ERR_SUP, "this Hamiltonian has no third derivatives: its flow has no second ones");
  PetscCall(flow->h.third(flow->h.ctx, 0, NULL, NULL, NULL, NULL, NULL, NULL));
  PetscCall(PetscMalloc2(size, &x, size, &x_dot));
  PetscCall(PetscArraycpy(x, in->x, size));
  PetscCall(PetscArraycpy(x_dot, in->x_dot, size));
  PetscCall(Deal(flow, HVP, dt, x, in->x_bar, in->p_dot, in->p_bar, &(FlowSecond){.x_dot = x_dot, .x_bar_dot = in->x_bar_dot, .p_bar_dot = in->p_bar_dot}));
  PetscCall(PetscFree2(x, x_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}
