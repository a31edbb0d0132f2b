#include "surrogates/operators/field_map.h"

#include "operators/model_operator.h"

#include <stdio.h>
#include <string.h>

PetscErrorCode NomosFieldMapToState(const NomosFieldMap *m, const double data[], void *state)
{
  PetscFunctionBeginUser;
  if (m->n_fields == 1) {
    PetscCall(m->ops->from_field(m->model, m->field[0], data, state));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  memset(m->sum, 0, sizeof *m->sum * m->n);
  for (size_t f = 0; f < m->n_fields; f++) {
    PetscCall(m->ops->from_field(m->model, m->field[f], data + f * m->n_points, m->one));
    NomosStateToDoubles(m->model->precision, m->n, m->one, m->values);
    for (size_t i = 0; i < m->n; i++) m->sum[i] += m->values[i];
  }
  NomosStateFromDoubles(m->model->precision, m->n, m->sum, state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapToStateVjp(const NomosFieldMap *m, const void *x_bar, double data_bar[])
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->n_fields && data_bar; f++) PetscCall(m->ops->from_field_vjp(m->model, m->field[f], x_bar, data_bar + f * m->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapToData(const NomosFieldMap *m, const void *state, double data[])
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->n_fields; f++) PetscCall(m->ops->field(m->model, m->field[f], state, data + f * m->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapToDataVjp(const NomosFieldMap *m, const double data_bar[], void *x_bar)
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->n_fields; f++) PetscCall(m->ops->field_vjp(m->model, m->field[f], data_bar + f * m->n_points, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Names of the model's fields. */
static void Names(size_t n, const NomosModelField list[], size_t n_text, char text[])
{
  size_t length = 0;

  text[0] = '\0';
  for (size_t k = 0; k < n && length < n_text; k++) length += (size_t)snprintf(text + length, n_text - length, "%s%s", k ? ", " : "", list[k].name);
}

PetscErrorCode NomosFieldMapCheckNames(NomosModel model, size_t n_fields, const char *const fields[])
{
  const NomosModelDerivatives *ops = model->ops->derivatives;
  const NomosModelField       *list;
  size_t                       n, n_state, n_named = 0;
  char                         all[512];

  PetscFunctionBeginUser;
  PetscCheck(ops && ops->fields, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s has no fields to exchange with data: it cannot be corrected", model->ops->name);
  PetscCall(ops->fields(model, &n, &list));
  Names(n, list, sizeof all, all);
  for (size_t f = 0; f < n_fields; f++) {
    size_t k = 0;
    while (k < n && strcmp(list[k].name, fields[f])) k++;
    PetscCheck(k < n, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "solver %s: its state has no field '%s', which the data have; it has %s. A learned correction needs data of all fields that its solver steps. Files of compressible and shallow_water have velocities and pressure in place of momenta and energy: of these families none is learned; choose advection, burgers, diffusion_reaction, diffusion_sorption or reaction_diffusion (grid_pde.family), or neural_operator.base = state", model->ops->name, fields[f], all);
    size_t points = 1;
    for (int d = 0; d < list[k].n_dims; d++) points *= list[k].count[d];
    n_named += points;
  }
  PetscCall(ops->state_size(model, &n_state));
  PetscCheck(n_named == n_state, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: a state has %zu numbers, the fields of the data that are named have %zu: all its fields (%s) and nothing beside them (the history of a multistep scheme) make a state", model->ops->name, n_state, n_named, all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data's fields among the model's, by name or by order, and their sizes. */
static PetscErrorCode FindFields(NomosFieldMap *m, const char *const fields[])
{
  const char            *solver = m->model->ops->name;
  const NomosModelField *list;
  size_t                 n, k;
  char                   all[512];

  PetscFunctionBeginUser;
  PetscCall(m->ops->fields(m->model, &n, &list));
  Names(n, list, sizeof all, all);
  PetscCheck(m->n_fields <= n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: a state of the data has %zu fields, that of the solver %s", solver, m->n_fields, all);
  if (fields) PetscCall(NomosFieldMapCheckNames(m->model, m->n_fields, fields));
  for (size_t f = 0; f < m->n_fields; f++) {
    size_t points = 1;
    for (k = fields ? 0 : f; fields && strcmp(list[k].name, fields[f]);) k++;
    for (int d = 0; d < list[k].n_dims; d++) points *= list[k].count[d];
    PetscCheck(points == m->n_points, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: its field %s has %zu points, that of the data %zu; set its grid to that of the data", solver, list[k].name, points, m->n_points);
    m->field[f] = k;
  }
  PetscCheck(m->n == m->n_fields * m->n_points, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: a state has %zu numbers, the data give %zu: all its fields (%s) and nothing beside them (the history of a multistep scheme) make a state", solver, m->n, m->n_fields * m->n_points, all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapCreate(const NomosFieldMapInput *input, NomosFieldMap *m)
{
  PetscFunctionBeginUser;
  *m = (NomosFieldMap){.model = input->model, .ops = input->model->ops->derivatives, .n_fields = input->n_fields, .n_points = input->n_points};
  PetscCheck(m->ops && m->ops->fields && m->ops->field && m->ops->field_vjp && m->ops->from_field && m->ops->from_field_vjp, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s has no fields to exchange with data: it cannot be corrected", m->model->ops->name);
  PetscCall(m->ops->state_size(m->model, &m->n));
  PetscCall(PetscMalloc3(m->n_fields + 1, &m->field, m->n + 1, &m->values, m->n + 1, &m->sum));
  PetscCall(PetscMalloc(m->n * NomosRealBytes(m->model->precision) + 1, &m->one));
  PetscCall(FindFields(m, input->fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapDestroy(NomosFieldMap *m)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(m->field, m->values, m->sum));
  PetscCall(PetscFree(m->one));
  PetscFunctionReturn(PETSC_SUCCESS);
}
