/* NomosModelDerivatives of `grid_pde`. */
#include "operators/model_operator.h"
#include "solvers/grid_pde/grid_pde_impl.h"

#include <string.h>

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
  PetscCall(NomosModelCheckParameters(model, values));
  memcpy(p->coefficients, values, sizeof *values * (size_t)p->n_coefficients);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void PdeJoin(const PdeModel *p, const double value[], const double tangent[], double both[])
{
  for (size_t k = 0; k < (size_t)p->m; k++) {
    memcpy(both + 2 * k * p->n_cells, value + k * p->n_cells, p->n_cells * sizeof *both);
    memcpy(both + (2 * k + 1) * p->n_cells, tangent + k * p->n_cells, p->n_cells * sizeof *both);
  }
}

void PdePart(const PdeModel *p, const double both[], double value[], double tangent[])
{
  for (size_t k = 0; k < (size_t)p->m; k++) {
    if (value) memcpy(value + k * p->n_cells, both + 2 * k * p->n_cells, p->n_cells * sizeof *both);
    memcpy(tangent + k * p->n_cells, both + (2 * k + 1) * p->n_cells, p->n_cells * sizeof *both);
  }
}

/* The plan at a state, and tangents of the coefficients. */
static PetscErrorCode Prepare(NomosModel model, const double x[], const double p_dot[])
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  PetscCall(PdePlanMake(model, x, &p->plan));
  for (int k = 0; k < NOMOS_PDE_MAX_COEFFICIENTS; k++) p->c[NOMOS_PDE_MAX_COEFFICIENTS + k] = p_dot && k < p->n_coefficients ? p_dot[k] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  PdeModel *p = model->data;
  double   *u;

  PetscFunctionBeginUser;
  PetscCall(Prepare(model, state, p_dot));
  PetscCall(PdeScratch(p, PDE_OF_TANGENTS, 2 * p->n, &u));
  PdeJoin(p, state, x_dot, u);
  PetscCall(PdeAdvance(model, &p->plan, 2, u));
  PdePart(p, u, NULL, x_dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  PdeModel *p = model->data;
  double    c_bar[PDE_MAX_WIDTH * NOMOS_PDE_MAX_COEFFICIENTS] = {0};

  PetscFunctionBeginUser;
  PetscCall(Prepare(model, state, NULL));
  PetscCall(PdeAdvanceAdjoint(model, &p->plan, 1, state, x_bar, c_bar));
  for (int k = 0; k < p->n_coefficients && p_bar; k++) p_bar[k] += c_bar[k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  PdeModel *p = model->data;
  double   *u, *u_bar, c_bar[PDE_MAX_WIDTH * NOMOS_PDE_MAX_COEFFICIENTS] = {0};

  PetscFunctionBeginUser;
  PetscCall(Prepare(model, state, p_dot));
  PetscCall(PdeScratch(p, PDE_OF_TANGENTS, 4 * p->n, &u));
  u_bar = u + 2 * p->n;
  PdeJoin(p, state, x_dot, u);
  PdeJoin(p, x_bar, x_bar_dot, u_bar);
  PetscCall(PdeAdvanceAdjoint(model, &p->plan, 2, u, u_bar, c_bar));
  PdePart(p, u_bar, x_bar, x_bar_dot);
  for (int k = 0; k < p->n_coefficients && p_bar; k++) p_bar[k] += c_bar[k];
  for (int k = 0; k < p->n_coefficients && p_bar_dot; k++) p_bar_dot[k] += c_bar[NOMOS_PDE_MAX_COEFFICIENTS + k];
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosModelField PdeModelField(const PdeModel *p, const char name[], const char long_name[], bool all)
{
  NomosModelField field = {.name = name, .unit = "1", .long_name = long_name, .n_dims = p->n_dims + all};

  if (all) field.size[0] = field.count[0] = (size_t)p->m;
  for (int a = 0; a < p->n_dims; a++) {
    const int d    = p->n_dims - 1 - a + all;
    field.size[d]  = p->size[a];
    field.start[d] = p->start[a];
    field.count[d] = p->count[a];
  }
  return field;
}

/* Each conserved field, and where there are several all of them: `state` (field, z, y, x). */
static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  *n    = p->m > 1 ? (size_t)p->m + 1 : 1;
  *list = p->fields;
  for (int f = 0; f < p->m; f++) p->fields[f] = PdeModelField(p, p->family->fields[f].conserved, p->family->fields[f].conserved, false);
  if (p->m > 1) p->fields[p->m] = PdeModelField(p, "state", "all conserved fields", true);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives pde_derivatives = {
  .parameters = Parameters, .set_parameters = SetParameters,
  .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .fields = Fields, NOMOS_STATE_FIELDS_DERIVATIVES, .primitives = PdePrimitives, .primitive_map = PdePrimitiveMap,
};
