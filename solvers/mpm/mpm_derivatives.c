/* NomosModelDerivatives of the material point method. */
#include "solvers/mpm/mpm_impl.h"

#include <string.h>

static size_t Bytes(const NomosMpm *mpm)
{
  return mpm->n_entries * mpm->n * NomosRealBytes(mpm->setup.single ? NOMOS_F32 : NOMOS_F64);
}

static PetscErrorCode StateSize(NomosModel model, size_t *n)
{
  const NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  *n = mpm->n_entries * mpm->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetState(NomosModel model, void *state)
{
  const NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  memcpy(state, mpm->state, Bytes(mpm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetState(NomosModel model, const void *state)
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  memcpy(mpm->state, state, Bytes(mpm));
  mpm->lost = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(NomosModel model)
{
  const NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  PetscCheck(!(mpm->setup.cfl > 0), model->comm, PETSC_ERR_SUP, "%s: a time step that is chosen from the state has no derivative; set mpm.cfl: 0 and a time.dt that is stable throughout", NomosConfigWhere(model->config, "mpm.cfl"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Parameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  const NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  *n    = mpm->n_parameters;
  *list = mpm->parameters;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetParameters(NomosModel model, const double values[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosMpmSetParameters(model->data, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosModel model, const void *state, void *x_dot, const double p_dot[])
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosMpmSetTimeStep(model));
  PetscCall(mpm->kernels->jvp(mpm, model->dt, state, x_dot, p_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosModel model, const void *state, void *x_bar, double p_bar[])
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosMpmSetTimeStep(model));
  PetscCall(mpm->kernels->vjp(mpm, model->dt, state, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that a state has, as in fields.nc. */
static const struct {
  const char *name, *unit, *long_name;
  int         n_axes; /* of each particle */
} state_fields[NOMOS_MPM_N_STATE_FIELDS] = {
  {"position",             "m",     "position",                       1},
  {"velocity",             "m s-1", "velocity",                       1},
  {"affine",               "s-1",   "affine velocity matrix C",       2},
  {"deformation_gradient", "1",     "elastic deformation gradient F", 2},
};
enum { DEFORMATION = 3 }; /* 3 x 3 also in two dimensions */

static PetscErrorCode Fields(NomosModel model, size_t *n, const NomosModelField **list)
{
  NomosMpm *mpm = model->data;

  PetscFunctionBeginUser;
  for (int f = 0; f < NOMOS_MPM_N_STATE_FIELDS; f++) {
    NomosModelField *field = &mpm->state_fields[f];
    *field                 = (NomosModelField){.name = state_fields[f].name, .unit = state_fields[f].unit, .long_name = state_fields[f].long_name, .n_dims = 1 + state_fields[f].n_axes};
    field->size[0]         = mpm->n_total;
    for (int a = 1; a < field->n_dims; a++) field->size[a] = f == DEFORMATION ? 3 : (size_t)mpm->setup.d;
    memcpy(field->count, field->size, sizeof field->count);
    field->count[0] = mpm->n;
    field->start[0] = mpm->first;
  }
  *n    = NOMOS_MPM_N_STATE_FIELDS;
  *list = mpm->state_fields;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Values [k m + e] of entry (first + e) of particle k, m of them: out of a state, added to one, into one. */
typedef enum { READ, ADD, WRITE, ADD_BACK } Direction;
static void Exchange(const NomosMpm *mpm, size_t field, Direction direction, void *state, double values[])
{
  const size_t d = (size_t)mpm->setup.d, first[] = {0, d, 2 * d, 2 * d + d * d}, m[] = {d, d, d * d, 9};
  for (size_t e = 0; e < m[field]; e++)
    for (size_t k = 0; k < mpm->n; k++) {
      const size_t at     = (first[field] + e) * mpm->n + k;
      double      *value  = &values[k * m[field] + e];
      float       *single = mpm->setup.single ? (float *)state + at : NULL;
      double      *entry  = mpm->setup.single ? NULL : (double *)state + at;
      const double now    = single ? (double)*single : *entry, then = direction == ADD ? now + *value : *value;
      if (direction == READ) *value = now;
      else if (direction == ADD_BACK) *value += now;
      else if (single) *single = (float)then;
      else *entry = then;
    }
}

static PetscErrorCode Field(NomosModel model, size_t field, const void *state, double values[])
{
  PetscFunctionBeginUser;
  Exchange(model->data, field, READ, (void *)state, values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldVjp(NomosModel model, size_t field, const double values_bar[], void *x_bar)
{
  PetscFunctionBeginUser;
  Exchange(model->data, field, ADD, x_bar, (double *)values_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a state has besides the field is the model's own. */
static PetscErrorCode FromField(NomosModel model, size_t field, const double values[], void *state)
{
  PetscFunctionBeginUser;
  PetscCall(GetState(model, state));
  Exchange(model->data, field, WRITE, state, (double *)values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFieldVjp(NomosModel model, size_t field, const void *x_bar, double values_bar[])
{
  PetscFunctionBeginUser;
  Exchange(model->data, field, ADD_BACK, (void *)x_bar, values_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelDerivatives nomos_mpm_derivatives = {
  .state_size = StateSize, .get_state = GetState, .set_state = SetState, .check = Check, .parameters = Parameters, .set_parameters = SetParameters,
  .jvp = Jvp, .vjp = Vjp, .fields = Fields, .field = Field, .field_vjp = FieldVjp, .from_field = FromField, .from_field_vjp = FromFieldVjp,
};
