/* A trajectory and its cost as an operator of initial state and parameters. */
#include "operators/model_operator.h"
#include "operators/trajectory_impl.h"

#include <string.h>

enum { STATE, PARAMETERS };
enum { X, X_DOT, X_BAR, X_BAR_DOT, N_WORK };

typedef struct {
  NomosTrajectory              trajectory;
  NomosModel                   model;
  size_t                       n, n_parameters;
  void                        *work[N_WORK]; /* states, in the model's precision */
  double                      *p_bar, *p_bar_dot, *values;
} Cost;

static PetscErrorCode Prepare(Cost *c, const double *const in[])
{
  PetscFunctionBeginUser;
  if (c->n_parameters) PetscCall(c->model->ops->derivatives->set_parameters(c->model, in[PARAMETERS]));
  NomosStateFromDoubles(c->model->precision, c->n, in[STATE], c->work[X]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient is added, times the sensitivity of the cost. That of parameters is complete on every rank, and the interface sums: one rank brings it in. */
static PetscErrorCode Add(NomosOperator op, double factor, const void *x_bar, const double p_bar[], double *const in_bar[])
{
  Cost *c = op->data;
  int   rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(op->comm, &rank));
  NomosStateToDoubles(c->model->precision, c->n, x_bar, c->values);
  for (size_t i = 0; i < c->n && in_bar[STATE]; i++) in_bar[STATE][i] += factor * c->values[i];
  for (size_t i = 0; i < c->n_parameters && in_bar[PARAMETERS] && !rank; i++) in_bar[PARAMETERS][i] += factor * p_bar[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  Cost *c = op->data;

  PetscFunctionBeginUser;
  PetscCall(Prepare(c, in));
  PetscCall(NomosTrajectoryValue(c->trajectory, c->work[X], out[0], NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  Cost  *c = op->data;
  double J;

  PetscFunctionBeginUser;
  PetscCall(Prepare(c, in));
  NomosStateFromDoubles(c->model->precision, c->n, in_dot[STATE], c->work[X_DOT]);
  PetscCall(NomosTrajectoryTangent(c->trajectory, c->work[X], c->work[X_DOT], c->n_parameters ? in_dot[PARAMETERS] : NULL, &J, out_dot[0]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  Cost  *c = op->data;
  double J;

  PetscFunctionBeginUser;
  PetscCall(Prepare(c, in));
  PetscCall(NomosTrajectoryGradient(c->trajectory, c->work[X], &J, c->work[X_BAR], c->n_parameters ? c->p_bar : NULL));
  PetscCall(Add(op, out_bar[0][0], c->work[X_BAR], c->p_bar, in_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  Cost  *c = op->data;
  double J;

  PetscFunctionBeginUser;
  PetscCall(Prepare(c, in));
  NomosStateFromDoubles(c->model->precision, c->n, in_dot[STATE], c->work[X_DOT]);
  PetscCall(NomosTrajectoryHessian(c->trajectory, c->work[X], c->work[X_DOT], c->n_parameters ? in_dot[PARAMETERS] : NULL, &J, c->work[X_BAR], c->n_parameters ? c->p_bar : NULL, c->work[X_BAR_DOT], c->n_parameters ? c->p_bar_dot : NULL));
  PetscCall(Add(op, out_bar[0][0], c->work[X_BAR_DOT], c->p_bar_dot, in_bar_dot));
  PetscCall(Add(op, out_bar_dot[0][0], c->work[X_BAR], c->p_bar, in_bar_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  Cost *c = op->data;

  PetscFunctionBeginUser;
  for (int i = 0; i < N_WORK; i++) PetscCall(PetscFree(c->work[i]));
  PetscCall(PetscFree3(c->p_bar, c->p_bar_dot, c->values));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosOperatorOps first_order = {.name = "trajectory", .apply = Apply, .vjp = Vjp, .destroy = Destroy}, with_tangent = {.name = "trajectory", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .destroy = Destroy},
                              second_order = {.name = "trajectory", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy};

PetscErrorCode NomosOperatorFromTrajectory(NomosTrajectory trajectory, NomosOperator *op)
{
  const NomosModelParameter *list;
  Cost                      *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  c->trajectory = trajectory;
  c->model      = trajectory->model;
  c->n          = trajectory->n;
  PetscCall(NomosModelGetParameters(c->model, &c->n_parameters, &list));
  for (int i = 0; i < N_WORK; i++) PetscCall(PetscMalloc(trajectory->state_bytes + 1, &c->work[i]));
  PetscCall(PetscCalloc3(c->n_parameters + 1, &c->p_bar, c->n_parameters + 1, &c->p_bar_dot, c->n + 1, &c->values));
  const NomosOperatorArgument in[2] = {
    {"state",      c->n,            false},
    {"parameters", c->n_parameters, true }
  };
  const NomosOperatorOps *ops = trajectory->second ? &second_order : trajectory->derivatives->jvp ? &with_tangent : &first_order;
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = c->model->comm, .ops = ops, .n_in = c->n_parameters ? 2 : 1, .n_out = 1, .in = in, .out = &(NomosOperatorArgument){"cost", 1, true}, .data = c}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}
