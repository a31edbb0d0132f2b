/* NomosModelDerivatives of `grid_pde`. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <string.h>

static PetscErrorCode StateSize(NomosModel model, size_t *n)
{
  PetscFunctionBeginUser;
  *n = ((PdeModel *)model->data)->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetState(NomosModel model, void *state)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  memcpy(state, p->u, p->n * sizeof *p->u);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosModel model, const void *state)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  memcpy(p->u, state, p->n * sizeof *p->u);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  for (int k = 0; k < p->n_coefficients; k++) p->parameters[k].value = p->coefficients[k];
  *n    = (size_t)p->n_coefficients;
  *list = p->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  for (int k = 0; k < p->n_coefficients; k++) NomosCheck(isfinite(values[k]), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s = %g: must be a finite number", p->parameters[k].param->key, values[k]);
  memcpy(p->coefficients, values, sizeof *values * (size_t)p->n_coefficients);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  PdeModel     *p = model->data;
  const double *x = state;
  double       *dot = x_dot, *u;

  PetscFunctionBeginUser;
  PetscCall(PdePlanMake(model, x, &p->plan));
  PetscCall(PetscMalloc1(2 * p->n + 1, &u));
  for (size_t i = 0; i < p->n; i++) {
    u[2 * i]     = x[i];
    u[2 * i + 1] = dot[i];
  }
  for (int k = 0; k < p->n_coefficients; k++) {
    p->c[2 * k]     = p->coefficients[k];
    p->c[2 * k + 1] = p_dot ? p_dot[k] : 0;
  }
  PetscCall(PdeAdvance(model, &p->plan, 2, u));
  for (size_t i = 0; i < p->n; i++) dot[i] = u[2 * i + 1];
  PetscCall(PetscFree(u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  PdeModel *p = model->data;
  double    c_bar[NOMOS_PDE_MAX_COEFFICIENTS] = {0};

  PetscFunctionBeginUser;
  PetscCall(PdePlanMake(model, state, &p->plan));
  PetscCall(PdeAdvanceAdjoint(model, &p->plan, state, x_bar, c_bar));
  for (int k = 0; k < p->n_coefficients && p_bar; k++) p_bar[k] += c_bar[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each conserved field, and where there are several all of them: `state` (field, z, y, x). */
static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  *n = p->m > 1 ? (size_t)p->m + 1 : 1;
  for (int f = 0; f < (int)*n; f++) {
    NomosModelField *field = &p->fields[f];
    const bool       all   = f == p->m;
    *field = (NomosModelField){.name = all ? "state" : p->family->fields[f].conserved, .unit = "1", .long_name = all ? "all conserved fields" : p->family->fields[f].conserved, .n_dims = p->n_dims + all};
    if (all) field->size[0] = field->count[0] = (size_t)p->m;
    for (int a = 0; a < p->n_dims; a++) {
      const int d     = p->n_dims - 1 - a + all;
      field->size[d]  = p->size[a];
      field->start[d] = p->start[a];
      field->count[d] = p->count[a];
    }
  }
  *list = p->fields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives pde_derivatives = {
  .state_size = StateSize, .get_state = GetState, .set_state = SetState, .parameters = Parameters, .set_parameters = SetParameters,
  .jvp = Jvp, .vjp = Vjp, .fields = Fields, NOMOS_STATE_FIELDS_DERIVATIVES,
};
