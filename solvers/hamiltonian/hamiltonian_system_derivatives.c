/* NomosModelDerivatives of the model `hamiltonian_system`. */
#include "solvers/hamiltonian/hamiltonian_system_impl.h"

#include <math.h>
#include <stdio.h>

/* A trajectory computes steps again from states, and must find the same bits. */
static PetscErrorCode Check(NomosModel model)
{
  PetscFunctionBeginUser;
  PetscCheck(!((HamiltonianModel *)model->data)->compensated, model->comm, PETSC_ERR_SUP, "%s: derivatives are of runs without compensated sums, whose carry is no part of a state: set hamiltonian_system.compensated: false", NomosConfigWhere(model->config, "hamiltonian_system.compensated"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StateSize(NomosModel model, size_t *n)
{
  PetscFunctionBeginUser;
  *n = ((HamiltonianModel *)model->data)->size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetState(NomosModel model, void *state)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy((double *)state, m->x, m->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosModel model, const void *state)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(m->x, (const double *)state, m->size));
  PetscCall(PetscArrayzero(m->carry, m->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  *n    = m->h.n_parameters;
  *list = m->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < m->h.n_parameters; i++) {
    NomosCheck(isfinite(values[i]), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s[%d] = %g: must be a finite number", m->parameters[i].param->key, m->parameters[i].entry, values[i]);
    m->parameters[i].value = values[i];
  }
  if (m->system) PetscCall(NomosHamiltonianSystemSetParameters(m->system, &m->h, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowJvp(m->flow, model->dt, state, x_dot, p_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowVjp(m->flow, model->dt, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One: x (state, coordinate). */
static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  m->field = (NomosModelField){.name = "x", .unit = "1", .long_name = "coordinates, then momenta", .n_dims = 2, .size = {m->n, m->row}, .count = {m->n, m->row}};
  *n       = 1;
  *list    = &m->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Field(NomosModel model, size_t field, const void *state, double values[])
{
  PetscFunctionBeginUser;
  (void)field;
  PetscCall(PetscArraycpy(values, (const double *)state, ((HamiltonianModel *)model->data)->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar)
{
  PetscFunctionBeginUser;
  (void)field;
  for (size_t i = 0; i < ((HamiltonianModel *)model->data)->size; i++) ((double *)x_bar)[i] += values_bar[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromField(NomosModel model, size_t field, const double values[], void *state)
{
  PetscFunctionBeginUser;
  (void)field;
  PetscCall(PetscArraycpy((double *)state, values, ((HamiltonianModel *)model->data)->size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[])
{
  PetscFunctionBeginUser;
  (void)field;
  for (size_t i = 0; i < ((HamiltonianModel *)model->data)->size; i++) values_bar[i] += ((const double *)x_bar)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives hamiltonian_system_derivatives = {
  .state_size = StateSize, .get_state = GetState, .set_state = SetState, .check = Check, .parameters = Parameters, .set_parameters = SetParameters,
  .jvp = Jvp, .vjp = Vjp, .fields = Fields, .field = Field, .field_vjp = FieldVjp, .from_field = FromField, .from_field_vjp = FromFieldVjp,
};
