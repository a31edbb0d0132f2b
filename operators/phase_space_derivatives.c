/* NomosModelDerivatives of models in phase space. */
#include "operators/phase_space.h"

#include <math.h>
#include <stdio.h>

/* A trajectory computes steps again from states, and must find the same bits. */
PetscErrorCode NomosPhaseSpaceCheckDerivatives(NomosModel model)
{
  NomosPhaseSpace *s = model->data;
  char             key[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "%s.compensated", s->section);
  PetscCheck(!s->compensated, model->comm, PETSC_ERR_SUP, "%s: derivatives are of runs without compensated sums, whose carry is no part of a state: set %s: false", NomosConfigWhere(model->config, key), key);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceSetState(NomosModel model, const void *state)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosStateFieldsSetState(model, state));
  PetscCall(PetscArrayzero(s->carry, s->parts.n_state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceParameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  *n    = s->n_parameters;
  *list = s->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceSetParameters(NomosModel model, const double values[])
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->n_parameters; i++) {
    NomosCheck(isfinite(values[i]), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s[%d] = %g: must be a finite number", s->parameters[i].param->key, s->parameters[i].entry, values[i]);
    s->parameters[i].value = values[i];
  }
  if (s->set_parameters) PetscCall(s->set_parameters(model, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowJvp(s->flow, model->dt, state, x_dot, p_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowVjp(s->flow, model->dt, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosModel model, const void *state, const void *x_dot, const double p_dot[], void *x_bar, void *x_bar_dot, double p_bar[], double p_bar_dot[])
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowHvp(s->flow, model->dt, &(NomosHamiltonianFlowSecond){.x = state, .x_dot = x_dot, .p_dot = p_dot, .x_bar = x_bar, .x_bar_dot = x_bar_dot, .p_bar = p_bar, .p_bar_dot = p_bar_dot}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One: x (state, coordinate). */
PetscErrorCode NomosPhaseSpaceFields(NomosModel model, size_t *n, const NomosModelField **list)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  s->field = (NomosModelField){.name = "x", .unit = "1", .long_name = "coordinates, then momenta", .n_dims = 2, .size = {s->n, s->row}, .count = {s->n, s->row}};
  *n       = 1;
  *list    = &s->field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives nomos_phase_space_flow_derivatives = {NOMOS_PHASE_SPACE_DERIVATIVES, .jvp = Jvp, .vjp = Vjp};
const NomosModelDerivatives nomos_phase_space_flow_second_derivatives = {NOMOS_PHASE_SPACE_DERIVATIVES, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp};
