/* NomosModelDerivatives of `incompressible`. */
#include "solvers/incompressible/incompressible_impl.h"

#include <math.h>
#include <stdio.h>
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
  for (int k = 0; k < FLOW_COEFFICIENTS; k++) NomosCheck(isfinite(values[k]), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s = %g: must be a finite number", f->parameters[k].param->key, values[k]);
  memcpy(f->c, values, sizeof f->c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  static const double zero[FLOW_COEFFICIENTS] = {0};
  FlowModel          *f = model->data;
  double             *x = f->stages + 4 * f->plane.parts.n_state;
  int                 n;

  PetscFunctionBeginUser;
  PetscCall(FlowSubsteps(model, state, &n));
  memcpy(x, state, f->plane.parts.n_state * sizeof *x);
  PetscCall(FlowAdvanceTangent(model, n, x, x_dot, p_dot ? p_dot : zero));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  double c_bar[FLOW_COEFFICIENTS] = {0};
  int    n;

  PetscFunctionBeginUser;
  PetscCall(FlowSubsteps(model, state, &n));
  PetscCall(FlowAdvanceAdjoint(model, n, state, x_bar, c_bar));
  for (int k = 0; k < FLOW_COEFFICIENTS && p_bar; k++) p_bar[k] += c_bar[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives flow_derivatives = {NOMOS_PLANE_DERIVATIVES, .parameters = Parameters, .set_parameters = SetParameters, .jvp = Jvp, .vjp = Vjp};
