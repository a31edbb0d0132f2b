/* NomosModelDerivatives of `incompressible`. */
#include "operators/model_operator.h"
#include "solvers/incompressible/incompressible_impl.h"

#include <string.h>

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  FlowModel *f = model->data;

  PetscFunctionBeginUser;
  for (int k = 0; k < FLOW_COEFFICIENTS; k++) f->parameters[k].value = f->c[k];
  *n    = FLOW_COEFFICIENTS;
  *list = f->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  FlowModel *f = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosModelCheckParameters(model, values));
  memcpy(f->c, values, sizeof f->c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double zero[FLOW_COEFFICIENTS] = {0};

/* A copy of a state, behind what a step works with. */
static double *Point(const FlowModel *f, const double state[])
{
  double *x = f->stages + 14 * f->plane.parts.n_state;
  memcpy(x, state, f->plane.parts.n_state * sizeof *x);
  return x;
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  int n;

  PetscFunctionBeginUser;
  PetscCall(FlowSubsteps(model, state, &n));
  PetscCall(FlowAdvance(model, n, (FlowPair){Point(model->data, state), x_dot}, p_dot ? p_dot : zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AddTo(double p_bar[], const double c_bar[])
{
  for (int k = 0; k < FLOW_COEFFICIENTS && p_bar; k++) p_bar[k] += c_bar[k];
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  double c_bar[FLOW_COEFFICIENTS] = {0};
  int    n;

  PetscFunctionBeginUser;
  PetscCall(FlowSubsteps(model, state, &n));
  PetscCall(FlowAdvanceAdjoint(model, n, (FlowPair){Point(model->data, state), NULL}, NULL, (FlowPair){x_bar, NULL}, (FlowPair){c_bar, NULL}));
  AddTo(p_bar, c_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  FlowModel   *f    = model->data;
  const size_t size = f->plane.parts.n_state;
  double       c_bar[2][FLOW_COEFFICIENTS] = {{0}}, *x = Point(f, state);
  int          n;

  PetscFunctionBeginUser;
  PetscCall(FlowSubsteps(model, state, &n));
  memcpy(x + size, x_dot, size * sizeof *x);
  PetscCall(FlowAdvanceAdjoint(model, n, (FlowPair){x, x + size}, p_dot ? p_dot : zero, (FlowPair){x_bar, x_bar_dot}, (FlowPair){c_bar[0], c_bar[1]}));
  AddTo(p_bar, c_bar[0]);
  AddTo(p_bar_dot, c_bar[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives flow_derivatives = {NOMOS_PLANE_DERIVATIVES, .parameters = Parameters, .set_parameters = SetParameters, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp};
