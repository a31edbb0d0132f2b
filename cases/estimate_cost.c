#include "cases/estimate.h"
#include "operators/reduce.h"

#include <math.h>
#include <string.h>

/* Entries of a control vector on this rank: those of the state, then, on rank 0, one for each parameter. */
static PetscErrorCode ParametersOf(NomosRun *run, const NomosEstimate *e, const double *v, double *parameters)
{
  double values[NOMOS_ESTIMATE_MAX_PARAMETERS] = {0};

  PetscFunctionBeginUser;
  memcpy(parameters, e->prior_p, sizeof *parameters * e->n_parameters);
  if (!e->n_unknown) PetscFunctionReturn(PETSC_SUCCESS);
  if (!run->rank) memcpy(values, v + (e->state ? e->points : 0), sizeof *values * e->n_unknown);
  PetscCallMPI(MPI_Bcast(values, (int)e->n_unknown, MPI_DOUBLE, 0, run->comm));
  for (size_t i = 0; i < e->n_unknown; i++) parameters[e->unknown[i]] = e->prior_p[e->unknown[i]] * (1 + e->parameter_error * values[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateControl(NomosRun *run, NomosEstimate *e, Vec v, double *field, double *parameters)
{
  const double *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(v, &values));
  memcpy(field, e->prior, sizeof *field * e->points);
  if (e->state) {
    PetscCall(NomosOperatorApply(e->root, (const double *const[]){values}, (double *const[]){e->work}));
    for (size_t i = 0; i < e->points; i++) field[i] += e->work[i];
  }
  PetscCall(ParametersOf(run, e, values, parameters));
  PetscCall(VecRestoreArrayRead(v, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosRun *run, NomosEstimate *e, const double *field, const double *parameters)
{
  PetscFunctionBeginUser;
  if (e->n_parameters) PetscCall(e->derivatives->set_parameters(run->model, parameters));
  PetscCall(e->derivatives->from_field(run->model, e->control_index, field, e->x_0));
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

PetscErrorCode NomosEstimateDistance(NomosRun *run, const NomosEstimate *e, const double *a, const double *b, double *distance)
{
  double sums[2] = {0, (double)e->points};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < e->points; i++) sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
  PetscCall(NomosSumOverRanks(run->comm, 2, sums));
  *distance = sqrt(sums[0] / sums[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateObjective(Tao tao, Vec v, PetscReal *J, Vec gradient, void *ctx)
{
  NomosRun      *run = ctx;
  NomosEstimate *e   = run->data;
  double        *g, misfit;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(NomosEstimateControl(run, e, v, e->analysis, e->analysis_p));
  PetscCall(SetState(run, e, e->analysis, e->analysis_p));
  PetscCall(NomosTrajectoryGradient(e->trajectory, e->x_0, &misfit, e->x_bar, e->n_parameters ? e->p_bar : NULL));
  PetscCall(VecDot(v, v, J));
  *J = 0.5 * *J + misfit;
  PetscCheck(isfinite(*J), run->comm, PETSC_ERR_FP, "the cost is not a number after %lld evaluations; a shorter window or a prior nearer to the truth is needed", (long long)e->n_evaluations);
  PetscCall(VecCopy(v, gradient)); /* of the prior's term */
  PetscCall(VecGetArray(gradient, &g));
  if (e->state) {
    memset(e->work, 0, sizeof *e->work * e->points);
    PetscCall(e->derivatives->from_field_vjp(run->model, e->control_index, e->x_bar, e->work));
    PetscCall(NomosOperatorVjp(e->root, (const double *const[]){e->work}, (const double *const[]){e->work}, (double *const[]){g}));
  }
  for (size_t i = 0; i < e->n_unknown && !run->rank; i++) g[(e->state ? e->points : 0) + i] += e->prior_p[e->unknown[i]] * e->parameter_error * e->p_bar[e->unknown[i]];
  PetscCall(VecRestoreArray(gradient, &g));
  e->n_evaluations++;
  PetscFunctionReturn(PETSC_SUCCESS);
}
