#include "solvers/assimilation/variational.h"

#include "io/memory.h"
#include "operators/model_fields.h"
#include "operators/model_operator.h"
#include "operators/reduce.h"
#include "solvers/assimilation/variational_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static PetscErrorCode CreateWindow(NomosVariational c, const NomosWindow *input, Window *w)
{
  PetscFunctionBeginUser;
  PetscCheck(input->n_steps >= 0, c->comm, PETSC_ERR_ARG_OUTOFRANGE, "a window of %lld steps; it needs 0 or more", (long long)input->n_steps);
  w->first_step = input->first_step;
  w->n_steps = w->end = input->n_steps;
  w->n_errors         = c->error_every ? (size_t)(input->n_steps / c->error_every) : 0;
  w->error_offset     = c->n_errors;
  c->n_errors += w->n_errors;
  PetscCall(NomosMemoryRequire(c->comm, (double)(w->n_steps + 1) * (double)c->bytes, "variational assimilation, the states of a window"));
  PetscCall(PetscMalloc2(c->points + 1, &w->background, (size_t)(w->n_steps + 1) * c->bytes + 1, &w->states));
  if (input->state) {
    PetscCall(PetscMalloc1(c->bytes + 1, &w->state));
    memcpy(w->state, input->state, c->bytes);
  } else memcpy(w->background, input->background, sizeof *w->background * c->points);
  PetscCall(NomosVariationalReadSeen(c, input, w));
  PetscCall(PetscCalloc1(w->n_seen + 1, &w->departure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadUnknown(NomosVariational c, const NomosVariationalInput *input)
{
  const NomosModelParameter *list;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(c->model, &c->n_parameters, &list));
  const size_t n = c->n_unknown = input->n_unknown;
  PetscCall(PetscMalloc3(c->n_parameters + 1, &c->all, c->n_parameters + 1, &c->all_dot, c->n_parameters + 1, &c->all_bar));
  PetscCall(PetscMalloc6(n + 1, &c->unknown, n + 1, &c->first, n + 1, &c->prior, n + 1, &c->deviation, n + 1, &c->scale, n + 1, &c->parameters));
  for (size_t i = 0; i < c->n_parameters; i++) c->all[i] = list[i].value;
  for (size_t u = 0; u < n; u++) {
    PetscCall(NomosModelFindParameter(c->model, input->unknown[u], &c->unknown[u]));
    for (size_t k = 0; k < u; k++) PetscCheck(c->unknown[u] != c->unknown[k], c->comm, PETSC_ERR_ARG_INCOMP, "parameter %s is unknown twice; name it once", input->unknown[u]);
    c->first[u]     = input->first ? input->first[u] : list[c->unknown[u]].value;
    c->prior[u]     = input->prior ? input->prior[u] : c->first[u];
    c->deviation[u] = input->deviation ? input->deviation[u] : 0;
    c->scale[u]     = input->scale ? input->scale[u] : c->deviation[u] > 0 ? c->deviation[u]
                                                                           : 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindControl(NomosVariational c, const NomosVariationalInput *input)
{
  const NomosModelField *info;
  char                   lacks[256] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosModelFieldFind(c->model, input->control, &c->control, &info));
  PetscCheck(c->derivatives->from_field && c->derivatives->from_field_vjp, c->comm, PETSC_ERR_SUP, "solver %s has no states from fields (from_field and its adjoint), which variational assimilation needs", c->model->ops->name);
  bool made = !input->n_windows; /* states are made of the control alone, in windows that have none to begin with */
  for (size_t i = 0; i < input->n_windows; i++) made = made || !input->windows[i].state;
  if (made) PetscCall(NomosModelFieldLacks(c->model, c->control, sizeof lacks, lacks));
  PetscCheck(!lacks[0], c->comm, PETSC_ERR_ARG_WRONG, "variational assimilation: %s of solver %s is not its whole state: it lacks %s; the control must be a field that is", info->name, c->model->ops->name, lacks);
  c->points = NomosModelFieldPoints(info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Allocate(NomosVariational c)
{
  size_t points = 0, most = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_windows; i++)
    for (size_t l = 0; l < c->windows[i].n_looks; l++) {
      points = PetscMax(points, c->windows[i].looks[l].points);
      most   = PetscMax(most, c->windows[i].looks[l].n);
    }
  for (size_t i = 0; i < c->n_windows; i++) most = PetscMax(most, c->windows[i].n_seen);
  PetscCall(PetscMalloc7(c->bytes + 1, (char **)&c->x, c->bytes + 1, (char **)&c->increment, c->bytes + 1, (char **)&c->none, c->points + 1, &c->field, points + 1, &c->look, most + 1, &c->forcing, most + 1, &c->column));
  c->parameters_at = ((c->state ? c->n_windows : 0) + c->n_errors) * c->points;
  NomosVariationalPlanBlock(c);
  PetscCall(PetscMalloc1(c->n_block * c->n_block + 1, &c->block));
  PetscCall(VecCreateMPI(c->comm, (PetscInt)(c->parameters_at + (c->rank ? 0 : c->n_unknown)), PETSC_DETERMINE, &c->w));
  PetscCall(VecZeroEntries(c->w));
  PetscCall(VecDuplicate(c->w, &c->evaluated));
  PetscCall(VecDuplicate(c->w, &c->direction));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalCreate(const NomosVariationalInput *input, NomosVariational *variational)
{
  NomosVariational c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  *variational   = c;
  c->model       = input->model;
  c->comm        = input->model->comm;
  c->state       = input->state;
  c->error_every = input->error_every;
  c->background  = input->background;
  c->error       = input->error;
  PetscCallMPI(MPI_Comm_rank(c->comm, &c->rank));
  PetscCall(NomosModelGetDerivatives(c->model, false, &c->derivatives));
  PetscCall(c->derivatives->state_size(c->model, &c->n_state));
  c->bytes = c->n_state * NomosRealBytes(c->model->precision);
  PetscCall(FindControl(c, input));
  PetscCall(ReadUnknown(c, input));
  PetscCheck(c->state || c->error_every || c->n_unknown, c->comm, PETSC_ERR_ARG_WRONG, "variational assimilation: neither states, nor model errors, nor parameters are unknown; something must be");
  PetscCheck(!c->state || c->background.root || c->background.deviation > 0, c->comm, PETSC_ERR_ARG_OUTOFRANGE, "variational assimilation: the initial state's deviation must be positive");
  PetscCheck(!c->error_every || c->error.root || c->error.deviation > 0, c->comm, PETSC_ERR_ARG_OUTOFRANGE, "variational assimilation: the model error's deviation must be positive");
  c->n_windows = input->n_windows;
  PetscCall(PetscCalloc1(c->n_windows + 1, &c->windows));
  for (size_t i = 0; i < c->n_windows; i++) PetscCall(CreateWindow(c, &input->windows[i], &c->windows[i]));
  PetscCall(Allocate(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyWindow(Window *w)
{
  PetscFunctionBeginUser;
  for (size_t l = 0; l < w->n_looks; l++) {
    PetscCall(PetscFree2(w->looks[l].y, w->looks[l].sigma));
    PetscCall(PetscFree(w->looks[l].at));
  }
  PetscCall(PetscFree(w->looks));
  PetscCall(PetscFree(w->departure));
  PetscCall(PetscFree(w->state));
  PetscCall(PetscFree2(w->background, w->states));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalDestroy(NomosVariational *variational)
{
  NomosVariational c = *variational;

  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < c->n_windows && c->windows; i++) PetscCall(DestroyWindow(&c->windows[i]));
  PetscCall(PetscFree(c->windows));
  PetscCall(PetscFree3(c->all, c->all_dot, c->all_bar));
  PetscCall(PetscFree6(c->unknown, c->first, c->prior, c->deviation, c->scale, c->parameters));
  PetscCall(PetscFree7(c->x, c->increment, c->none, c->field, c->look, c->forcing, c->column));
  PetscCall(PetscFree(c->block));
  PetscCall(NomosVariationalDestroyDirections(c));
  PetscCall(VecDestroy(&c->w));
  PetscCall(VecDestroy(&c->evaluated));
  PetscCall(VecDestroy(&c->direction));
  PetscCall(PetscFree(*variational));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters' entries of a control vector, on every rank. */
static PetscErrorCode Unknowns(NomosVariational c, const double values[], double p[])
{
  PetscFunctionBeginUser;
  if (!c->n_unknown) PetscFunctionReturn(PETSC_SUCCESS);
  if (!c->rank) memcpy(p, values + c->parameters_at, sizeof *p * c->n_unknown);
  PetscCallMPI(MPI_Bcast(p, (int)c->n_unknown, MPI_DOUBLE, 0, c->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds the prior's gradient and returns its cost: states and errors are of unit covariance, parameters have their own. Gradient and Hessian of the prior differ by where its parabola has its minimum. */
static PetscErrorCode Prior(NomosVariational c, const double values[], double *J, double gradient[])
{
  double sum = 0.5 * NomosDot(c->parameters_at, values, values);

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->parameters_at && gradient; i++) gradient[i] += values[i];
  for (size_t u = 0; u < c->n_unknown && !c->rank; u++) {
    if (c->deviation[u] <= 0) continue;
    const double off = (c->parameters[u] - c->prior[u]) / c->deviation[u];
    sum += 0.5 * off * off;
    if (gradient) gradient[c->parameters_at + u] += off * c->scale[u] / c->deviation[u];
  }
  PetscCall(NomosSumOverRanks(c->comm, 1, &sum));
  *J = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosVariational c, const double values[])
{
  PetscFunctionBeginUser;
  PetscCall(Unknowns(c, values, c->parameters));
  for (size_t u = 0; u < c->n_unknown; u++) c->all[c->unknown[u]] = c->parameters[u] = c->first[u] + c->scale[u] * c->parameters[u];
  if (c->n_unknown) PetscCall(c->derivatives->set_parameters(c->model, c->all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's sums of the parameters' gradient over the windows into the control vector. */
static PetscErrorCode AddUnknownBars(NomosVariational c, double bars[])
{
  PetscFunctionBeginUser;
  if (!c->n_unknown) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSumOverRanks(c->comm, c->n_parameters, c->all_bar));
  for (size_t u = 0; u < c->n_unknown && !c->rank; u++) bars[c->parameters_at + u] += c->scale[u] * c->all_bar[c->unknown[u]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(NomosVariational c, const double values[], double gradient[])
{
  double prior;

  PetscFunctionBeginUser;
  memset(c->all_bar, 0, sizeof *c->all_bar * c->n_parameters);
  for (size_t i = 0; i < c->n_windows; i++) {
    for (size_t j = 0; j < c->windows[i].n_seen; j++) c->forcing[j] = -c->windows[i].departure[j];
    PetscCall(NomosVariationalAdjoint(c, &c->windows[i], i, c->forcing, gradient));
  }
  PetscCall(AddUnknownBars(c, gradient));
  PetscCall(Prior(c, values, &prior, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs all windows, unless they were run there. */
static PetscErrorCode RunAll(NomosVariational c, Vec control, const double values[])
{
  PetscBool same = PETSC_FALSE;
  double    sum  = 0;

  PetscFunctionBeginUser;
  if (c->run) PetscCall(VecEqual(control, c->evaluated, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecCopy(control, c->evaluated));
  PetscCall(SetParameters(c, values));
  for (size_t i = 0; i < c->n_windows; i++) {
    PetscCall(NomosVariationalRun(c, &c->windows[i], i, values));
    sum += 0.5 * NomosVariationalDot(c, &c->windows[i], c->windows[i].departure, c->windows[i].departure);
  }
  PetscCall(NomosSumOverRanks(c->comm, 1, &sum));
  c->run    = true;
  c->J_seen = sum;
  c->n_evaluations++;
  PetscCall(Prior(c, values, &sum, NULL));
  c->J = isfinite(sum + c->J_seen) ? sum + c->J_seen : INFINITY; /* a trial too far for the model to follow: the line search turns back */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalEvaluate(NomosVariational c, Vec control, double *J, Vec gradient)
{
  const double *values;
  double       *g;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(control, &values));
  PetscCall(RunAll(c, control, values));
  *J = c->J;
  if (gradient) {
    PetscCall(VecZeroEntries(gradient));
    PetscCall(VecGetArray(gradient, &g));
    if (isfinite(*J)) PetscCall(Gradient(c, values, g));
    PetscCall(VecRestoreArray(gradient, &g));
  }
  PetscCall(VecRestoreArrayRead(control, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalProduct(NomosVariational c, Vec direction, Vec product)
{
  const double *values;
  double       *out, *p;

  PetscFunctionBeginUser;
  PetscCheck(c->run, c->comm, PETSC_ERR_ORDER, "variational assimilation: evaluate the cost before its Hessian");
  PetscCheck(c->derivatives->jvp, c->comm, PETSC_ERR_SUP, "solver %s has no tangent (jvp), which Gauss-Newton needs; use the quasi-Newton method", c->model->ops->name);
  PetscCall(PetscMalloc1(c->n_unknown + 1, &p));
  PetscCall(VecCopy(direction, product));
  PetscCall(VecGetArrayRead(direction, &values));
  PetscCall(VecGetArray(product, &out));
  PetscCall(Unknowns(c, values, p));
  for (size_t u = 0; u < c->n_unknown; u++) {
    if (!c->rank) out[c->parameters_at + u] = c->deviation[u] > 0 ? p[u] * pow(c->scale[u] / c->deviation[u], 2) : 0;
    p[u] *= c->scale[u];
  }
  memset(c->all_bar, 0, sizeof *c->all_bar * c->n_parameters);
  for (size_t i = 0; i < c->n_windows; i++) {
    PetscCall(NomosVariationalTangent(c, &c->windows[i], i, &(Direction){values, p}, c->forcing));
    PetscCall(NomosVariationalAdjoint(c, &c->windows[i], i, c->forcing, out));
  }
  PetscCall(AddUnknownBars(c, out));
  c->n_products++;
  PetscCall(VecRestoreArray(product, &out));
  PetscCall(VecRestoreArrayRead(direction, &values));
  PetscCall(PetscFree(p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalControl(NomosVariational c, Vec *control)
{
  PetscFunctionBeginUser;
  *control = c->w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalParameters(NomosVariational c, double parameters[])
{
  PetscFunctionBeginUser;
  memcpy(parameters, c->parameters, sizeof *parameters * c->n_unknown);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalState(NomosVariational c, size_t window, int64_t k, const void **state)
{
  PetscFunctionBeginUser;
  PetscCheck(c->run, c->comm, PETSC_ERR_ORDER, "variational assimilation: there are no trajectories before the cost was evaluated");
  PetscCheck(window < c->n_windows && k >= 0 && k <= c->windows[window].end, c->comm, PETSC_ERR_ARG_OUTOFRANGE, "variational assimilation: step %lld of window %zu was asked for, which is not there", (long long)k, window);
  *state = c->windows[window].states + (size_t)k * c->bytes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalErrors(NomosVariational c, size_t window, size_t *n)
{
  PetscFunctionBeginUser;
  *n = c->windows[window].n_errors;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalError(NomosVariational c, size_t window, size_t j, double field[])
{
  const double *values;
  const size_t  at = ((c->state ? c->n_windows : 0) + c->windows[window].error_offset + j) * c->points;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(c->w, &values));
  PetscCall(NomosVariationalRoot(c, &c->error, values + at, field));
  PetscCall(VecRestoreArrayRead(c->w, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
