/* The cost of nomos estimate and its gradient, by the control vector: whitened departures of a state from its prior, relative ones of parameters. */
#include "cases/estimate.h"
#include "operators/reduce.h"

#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

/* Entries of a control vector on this rank: those of the state, then, on rank 0, one for each parameter. */
static PetscErrorCode ParametersOf(NomosRun *run, const NomosEstimate *e, const double *w, double *parameters)
{
  double values[NOMOS_ESTIMATE_MAX_PARAMETERS] = {0};

  PetscFunctionBeginUser;
  memcpy(parameters, e->prior_p, sizeof *parameters * e->n_parameters);
  if (!e->n_unknown) PetscFunctionReturn(PETSC_SUCCESS);
  if (!run->rank) memcpy(values, w + (e->state ? e->points : 0), sizeof *values * e->n_unknown);
  PetscCallMPI(MPI_Bcast(values, (int)e->n_unknown, MPI_DOUBLE, 0, run->comm));
  for (size_t i = 0; i < e->n_unknown; i++) parameters[e->unknown[i]] = e->prior_p[e->unknown[i]] * (1 + e->parameter_error * values[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateControl(NomosRun *run, NomosEstimate *e, Vec w, double *field, double *parameters)
{
  const double *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(w, &values));
  memcpy(field, e->prior, sizeof *field * e->points);
  if (e->state) {
    PetscCall(NomosOperatorApply(e->root, (const double *const[]){values}, (double *const[]){e->work}));
    for (size_t i = 0; i < e->points; i++) field[i] += e->work[i];
  }
  PetscCall(ParametersOf(run, e, values, parameters));
  PetscCall(VecRestoreArrayRead(w, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateState(NomosRun *run, NomosEstimate *e, const double *field)
{
  PetscFunctionBeginUser;
  PetscCall(e->derivatives->set_state(run->model, e->x_start));
  if (e->whole) PetscCall(e->derivatives->from_field(run->model, e->control_index, field, e->x_0));
  else memcpy(e->x_0, e->x_start, e->bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosRun *run, NomosEstimate *e, const double *field, const double *parameters)
{
  PetscFunctionBeginUser;
  if (e->n_parameters) PetscCall(e->derivatives->set_parameters(run->model, parameters));
  PetscCall(NomosEstimateState(run, e, field));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateForecast(NomosRun *run, NomosEstimate *e, const double *field, const double *parameters, double *end)
{
  double J;

  PetscFunctionBeginUser;
  PetscCall(SetState(run, e, field, parameters));
  PetscCall(NomosTrajectoryValue(e->trajectory, e->x_0, &J, e->x_bar));
  PetscCall(e->derivatives->field(run->model, e->control_index, e->x_bar, end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateDepartures(NomosRun *run, NomosEstimate *e, const double *field, const double *parameters, double *departures)
{
  double *weights, *values;
  size_t  points;
  int64_t step = 0;

  PetscFunctionBeginUser;
  PetscCall(SetState(run, e, field, parameters));
  PetscCall(NomosModelSetClock(run->model, 0));
  PetscCall(e->derivatives->set_state(run->model, e->x_0));
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    for (; step < e->steps[t]; step++) PetscCall(run->ops->step(run->model));
    PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
    PetscCall(e->derivatives->get_state(run->model, e->x_0));
    PetscCall(e->derivatives->field(run->model, e->observe_index, e->x_0, departures + t * points));
    for (size_t i = 0; i < points; i++) departures[t * points + i] = weights[i] > 0 ? values[i] - departures[t * points + i] : NAN;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateDistance(NomosRun *run, const NomosEstimate *e, const double *a, const double *b, double *distance)
{
  double sums[2] = {0, (double)e->points};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < e->points; i++) sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
  PetscCall(NomosSumOverRanks(run->comm, 2, sums));
  *distance = sqrt(sums[0] / sums[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the prior: 1/2 |v|^2, v = D w for a state, and its gradient D^2 w, in place of what was in `gradient`. The mean of a layer, which B leaves alone, is no control. */
static PetscErrorCode PriorTerm(NomosRun *run, NomosEstimate *e, const double *w, double *term, double *gradient)
{
  double sum = 0;

  PetscFunctionBeginUser;
  if (e->state) {
    PetscCall(NomosOperatorApply(e->shrink, (const double *const[]){w}, (double *const[]){e->work}));
    sum = NomosDot(e->points, e->work, e->work);
    PetscCall(NomosOperatorApply(e->shrink, (const double *const[]){e->work}, (double *const[]){gradient}));
  }
  for (size_t i = 0; i < e->n_unknown && !run->rank; i++) {
    const size_t at = (e->state ? e->points : 0) + i;
    sum += w[at] * w[at];
    gradient[at] = w[at];
  }
  PetscCall(NomosSumOverRanks(run->comm, 1, &sum));
  *term = 0.5 * sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Evaluate(NomosRun *run, NomosEstimate *e, Vec w, double *J, Vec gradient)
{
  const double *values;
  double       *g, misfit;

  PetscFunctionBeginUser;
  PetscCall(NomosEstimateControl(run, e, w, e->analysis, e->analysis_p));
  PetscCall(SetState(run, e, e->analysis, e->analysis_p));
  PetscCall(NomosTrajectoryGradient(e->trajectory, e->x_0, &misfit, e->x_bar, e->n_parameters ? e->p_bar : NULL));
  PetscCall(VecGetArrayRead(w, &values));
  PetscCall(VecGetArray(gradient, &g));
  PetscCall(PriorTerm(run, e, values, &e->J_prior, g));
  PetscCall(VecRestoreArrayRead(w, &values));
  *J = e->J_prior + misfit;
  PetscCheck(isfinite(*J), run->comm, PETSC_ERR_FP, "the cost is not a number; a shorter window or a prior nearer to the truth is needed");
  if (e->state) {
    memset(e->work, 0, sizeof *e->work * e->points);
    PetscCall(e->derivatives->from_field_vjp(run->model, e->control_index, e->x_bar, e->work));
    PetscCall(NomosOperatorVjp(e->root, (const double *const[]){e->work}, (const double *const[]){e->work}, (double *const[]){g}));
  }
  for (size_t i = 0; i < e->n_unknown && !run->rank; i++) g[(e->state ? e->points : 0) + i] += e->prior_p[e->unknown[i]] * e->parameter_error * e->p_bar[e->unknown[i]];
  PetscCall(VecRestoreArray(gradient, &g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosEstimateMisfit(const NomosEstimate *e)
{
  return 2 * (e->J - e->J_prior) / (double)e->n_observations;
}

/* Derivatives of what is observed by a parameter, in deviations of its prior and of the errors: (seen) of this rank. scratch: two of e->departures' size. */
static PetscErrorCode Sensitivity(NomosRun *run, NomosEstimate *e, size_t unknown, double *parameters, double *const scratch[2], double *seen)
{
  static const double h    = 1e-3; /* of the prior's deviation */
  const size_t        i    = e->unknown[unknown];
  double             *weights, *values;
  size_t              points, k = 0;

  PetscFunctionBeginUser;
  for (int side = 0; side < 2; side++) {
    memcpy(parameters, e->analysis_p, sizeof *parameters * e->n_parameters);
    parameters[i] += (side ? h : -h) * e->parameter_error * e->prior_p[i];
    PetscCall(NomosEstimateDepartures(run, e, e->analysis, parameters, scratch[side]));
  }
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
    for (size_t j = 0; j < points; j++)
      if (weights[j] > 0) seen[k++] = sqrt(weights[j]) * (scratch[0][t * points + j] - scratch[1][t * points + j]) / (2 * h);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The departures of the analysis, in deviations of the errors: how many this rank has; `seen` NULL: it only counts. */
static PetscErrorCode Left(const NomosEstimate *e, size_t *n, double *seen)
{
  double *weights, *values;
  size_t  points;

  PetscFunctionBeginUser;
  *n = 0;
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
    for (size_t j = 0; j < points; j++) {
      if (!(weights[j] > 0)) continue;
      if (seen) seen[*n] = sqrt(weights[j]) * e->departures[1][t * points + j];
      (*n)++;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the normal matrix (n + 1, n + 1) of sensitivities and, last, departures. */
static PetscErrorCode FromNormal(NomosEstimate *e, const double *normal)
{
  static const double near = 0.1; /* deviations that the minimum may be away */
  const size_t        n    = e->n_unknown;
  const PetscBLASInt  size = (PetscBLASInt)n;
  PetscBLASInt        info;
  double              C[NOMOS_ESTIMATE_MAX_PARAMETERS * NOMOS_ESTIMATE_MAX_PARAMETERS], g[NOMOS_ESTIMATE_MAX_PARAMETERS], left = 0;

  PetscFunctionBeginUser;
  for (size_t u = 0; u < n; u++) {
    for (size_t v = 0; v < n; v++) C[u * n + v] = normal[u * (n + 1) + v] + (u == v);
    g[u] = (e->analysis_p[e->unknown[u]] / e->prior_p[e->unknown[u]] - 1) / e->parameter_error - normal[u * (n + 1) + n];
  }
  LAPACKpotrf_("L", &size, C, &size, &info);
  if (!info) LAPACKpotri_("L", &size, C, &size, &info);
  for (size_t u = 0; u < n && !info; u++)
    for (size_t v = 0; v < n; v++) left += g[u] * g[v] * C[PetscMin(u, v) * n + PetscMax(u, v)];
  if (info || !(left < near * near)) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t u = 0; u < n; u++) e->deviation_p[u] = fabs(e->prior_p[e->unknown[u]]) * e->parameter_error * sqrt(C[u * (n + 1)]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateDeviations(NomosRun *run, NomosEstimate *e)
{
  const size_t n = e->n_unknown, all = (size_t)e->n_times * NomosModelFieldPoints(e->observed);
  size_t       n_seen;
  double      *columns, *parameters, *scratch[2], normal[(NOMOS_ESTIMATE_MAX_PARAMETERS + 1) * (NOMOS_ESTIMATE_MAX_PARAMETERS + 1)];

  PetscFunctionBeginUser;
  for (size_t u = 0; u < n; u++) e->deviation_p[u] = NAN;
  if (!n || e->state || run->stopped_by || NomosEstimateMisfit(e) > nomos_estimate_most_misfit) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Left(e, &n_seen, NULL));
  PetscCall(PetscMalloc4((n + 1) * n_seen + 1, &columns, e->n_parameters, &parameters, all + 1, &scratch[0], all + 1, &scratch[1]));
  for (size_t u = 0; u < n; u++) PetscCall(Sensitivity(run, e, u, parameters, scratch, columns + u * n_seen));
  PetscCall(Left(e, &n_seen, columns + n * n_seen));
  for (size_t u = 0; u <= n; u++)
    for (size_t v = 0; v <= n; v++) normal[u * (n + 1) + v] = NomosDot(n_seen, columns + u * n_seen, columns + v * n_seen);
  PetscCall(NomosSumOverRanks(run->comm, (n + 1) * (n + 1), normal));
  PetscCall(PetscFree4(columns, parameters, scratch[0], scratch[1]));
  PetscCall(e->derivatives->set_parameters(run->model, e->analysis_p));
  PetscCall(FromNormal(e, normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A trial too far from the best iterate for the model to follow: a parabola about that iterate, ten times as high, turns the search back. */
static PetscErrorCode TurnBack(NomosEstimate *e, Vec w, double *J, Vec gradient)
{
  double distance;

  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(gradient, -1, e->best, w));
  PetscCall(VecDot(gradient, gradient, &distance));
  *J = 10 * e->J;
  PetscCall(VecScale(gradient, 2 * (*J - e->J) / distance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimatePriorTerm(NomosRun *run, NomosEstimate *e, Vec w, double *term)
{
  const double *values;
  double       *g;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(w, &values));
  PetscCall(VecGetArray(e->gradient, &g));
  PetscCall(PriorTerm(run, e, values, term, g));
  PetscCall(VecRestoreArray(e->gradient, &g));
  PetscCall(VecRestoreArrayRead(w, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateObjective(Tao tao, Vec w, PetscReal *J, Vec gradient, void *ctx)
{
  NomosRun      *run   = ctx;
  NomosEstimate *e     = run->data;
  const bool     first = !e->n_evaluations++;

  PetscFunctionBeginUser;
  (void)tao;
  const bool     quiet = NomosErrorSetQuiet(run->rank || !first);
  PetscErrorCode code  = Evaluate(run, e, w, J, gradient);
  NomosErrorSetQuiet(quiet);
  if (code == PETSC_ERR_FP && !first) PetscCall(TurnBack(e, w, J, gradient));
  else PetscCall(code);
  *J *= e->scale;
  PetscCall(VecScale(gradient, e->scale));
  PetscFunctionReturn(PETSC_SUCCESS);
}
