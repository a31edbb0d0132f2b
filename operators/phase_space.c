#include "operators/phase_space.h"

#include <math.h>
#include <stdio.h>

static const char *Key(const NomosPhaseSpace *s, const char name[], char key[NOMOS_MAX_NAME])
{
  snprintf(key, NOMOS_MAX_NAME, "%s.%s", s->section, name);
  return key;
}

PetscErrorCode NomosPhaseSpaceCreate(NomosModel model, const char section[], size_t d)
{
  NomosPhaseSpace *s = model->data;
  int64_t          states, seed = 0;
  double           dt;
  int              size;
  char             key[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  PetscCheck(size == 1, model->comm, PETSC_ERR_SUP, "%s: this solver runs on one rank (threads share the states): leave mpirun out", NomosConfigWhere(model->config, "solver"));
  s->section = section;
  PetscCall(NomosConfigGetInt(model->config, Key(s, "states", key), &states));
  if (s->random) PetscCall(NomosConfigGetInt(model->config, Key(s, "seed", key), &seed));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  s->n    = (size_t)states;
  s->row  = 2 * d;
  s->parts = (NomosStateFields){.n_fields = 1, .n_points = s->n * s->row, .n_state = s->n * s->row};
  PetscCall(PetscCalloc2(s->parts.n_state, &s->parts.state, s->parts.n_state, &s->carry));
  PetscCall(PetscMalloc2(s->n, &s->numbers[0], s->row, &s->numbers[1]));
  s->dims[0] = (NomosFieldDim){.name = "state", .size = s->n, .values = s->numbers[0], .unit = "1", .long_name = "number of the state"};
  s->dims[1] = (NomosFieldDim){.name = "coordinate", .size = s->row, .values = s->numbers[1], .unit = "1", .long_name = "coordinates, then momenta"};
  for (int i = 0; i < 2; i++)
    for (size_t k = 0; k < s->dims[i].size; k++) s->numbers[i][k] = (double)k;
  PetscCall(NomosModelSetTimeStep(model, dt));
  model->seed      = (uint64_t)seed;
  model->precision = NOMOS_F64;
  model->n_grid    = (int64_t)s->parts.n_state;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceSetFlow(NomosModel model, const NomosHamiltonian *h)
{
  NomosPhaseSpace *s = model->data;
  double           tolerance, rtol;
  char             key[NOMOS_MAX_NAME];
  PetscErrorCode   failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetBool(model->config, Key(s, "compensated", key), &s->compensated));
  PetscCall(NomosConfigGetReal(model->config, Key(s, "tolerance", key), &tolerance));
  PetscCall(NomosConfigGetReal(model->config, Key(s, "rtol", key), &rtol));
  PetscCall(NomosConfigGetString(model->config, "time.scheme", &s->scheme));
  NomosQuietly(failed, NomosHamiltonianFlowCreate(&(NomosHamiltonianFlowInput){.hamiltonian = h, .scheme = s->scheme, .n = s->n, .compensated = s->compensated, .tolerance = tolerance, .rtol = rtol}, &s->flow));
  PetscCall(NomosConfigRetell(model->config, "time.scheme", failed));
  PetscCall(NomosPhaseSpaceAddEnergy(model, h->energy, h->ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceAddEnergy(NomosModel model, PetscErrorCode (*of)(void *ctx, size_t n, const double x[], double H[]), void *ctx)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  NomosCheck(s->n_energies < NOMOS_PHASE_MAX_ENERGIES, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "at most %d energies are watched", NOMOS_PHASE_MAX_ENERGIES);
  NomosPhaseEnergy *energy = &s->energies[s->n_energies++];
  *energy                  = (NomosPhaseEnergy){.of = of, .ctx = ctx};
  PetscCall(PetscCalloc2(s->n, &energy->now, s->n, &energy->first));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceDestroy(NomosModel model)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianFlowDestroy(&s->flow));
  for (size_t e = 0; e < s->n_energies; e++) PetscCall(PetscFree2(s->energies[e].now, s->energies[e].first));
  PetscCall(PetscFree2(s->parts.state, s->carry));
  PetscCall(PetscFree2(s->numbers[0], s->numbers[1]));
  PetscCall(PetscFree(s->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceStep(NomosModel model)
{
  NomosPhaseSpace *s = model->data;
  PetscErrorCode   failed;

  PetscFunctionBeginUser;
  NomosQuietly(failed, NomosHamiltonianFlowStep(s->flow, model->dt, s->parts.state, s->carry));
  NomosCheck(!failed, model->comm, failed, "%s (step %lld, t = %.6g)", NomosErrorLast(), (long long)model->step + 1, model->time);
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- files and scalars */

PetscErrorCode NomosPhaseSpaceFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  static const NomosFieldVariable variable = {.name = "x", .dims = {"state", "coordinate"}, .unit = "1", .long_name = "coordinates, then momenta"};

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 2, .dims = ((NomosPhaseSpace *)model->data)->dims, .n_variables = 1, .variables = &variable};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceWriteFields(NomosModel model, NomosFieldFile file)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileWrite(file, "x", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){s->n, s->row}, s->parts.state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { PER_ENERGY = 3 };
static const NomosScalarInfo scalar_info[PER_ENERGY * NOMOS_PHASE_MAX_ENERGIES] = {
  {.name = "energy", .unit = "1", .long_name = "energy, mean over the states"},
  {.name = "energy_error_mean", .unit = "1", .long_name = "relative error of the energy, mean over the states", .group = "energy error", .log_scale = true, .label = "mean"},
  {.name = "energy_error_max", .unit = "1", .long_name = "relative error of the energy, largest of the states", .group = "energy error", .log_scale = true, .label = "largest"},
  {.name = "true_energy", .unit = "1", .long_name = "true energy, mean over the states"},
  {.name = "true_energy_error_mean", .unit = "1", .long_name = "relative error of the true energy, mean over the states", .group = "true energy error", .log_scale = true, .label = "mean"},
  {.name = "true_energy_error_max", .unit = "1", .long_name = "relative error of the true energy, largest of the states", .group = "true energy error", .log_scale = true, .label = "largest"},
};

PetscErrorCode NomosPhaseSpaceScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  PetscFunctionBeginUser;
  *n    = PER_ENERGY * ((NomosPhaseSpace *)model->data)->n_energies;
  *info = scalar_info;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of an energy that was 0 the error is absolute. */
PetscErrorCode NomosPhaseSpaceEvaluateScalars(NomosModel model, double values[])
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  for (size_t e = 0; e < s->n_energies; e++, values += PER_ENERGY) {
    NomosPhaseEnergy *energy = &s->energies[e];
    PetscCall(energy->of(energy->ctx, s->n, s->parts.state, energy->now));
    for (size_t i = 0; i < s->n; i++) energy->now[i] += energy->constant;
    values[0] = values[1] = values[2] = 0;
    for (size_t i = 0; i < s->n; i++) {
      const double error = fabs(energy->now[i] - energy->first[i]) / (energy->first[i] == 0 ? 1 : fabs(energy->first[i]));
      values[0] += energy->now[i] / (double)s->n;
      values[1] += error / (double)s->n;
      if (!(error <= values[2])) values[2] = error;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceCheck(NomosModel model, NomosModelFault *fault)
{
  NomosPhaseSpace *s  = model->data;
  size_t           at = 0;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  while (at < s->parts.n_state && isfinite(s->parts.state[at])) at++;
  if (at == s->parts.n_state) PetscFunctionReturn(PETSC_SUCCESS);
  *fault = (NomosModelFault){.bad = true, .field = "x", .n_index = 2, .index = {(int64_t)(at / s->row), (int64_t)(at % s->row)}, .value = s->parts.state[at], .dt_advised = model->dt / 2};
  snprintf(fault->place, sizeof fault->place, "state %zu: a collision, or an orbit that escapes", at / s->row);
  if (s->advice) snprintf(fault->advice, sizeof fault->advice, "%s", s->advice);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceSave(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosPhaseSpace *s = model->data;
  const size_t     zero[2] = {0, 0}, size[2] = {s->n, s->row}, one = 1;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "x", NOMOS_F64, 2, 1, size, zero, size, s->parts.state));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "carry", NOMOS_F64, 2, 1, size, zero, size, s->carry));
  for (size_t e = 0; e < s->n_energies; e++) PetscCall(NomosCheckpointWriteArray(checkpoint, scalar_info[PER_ENERGY * e].name, NOMOS_F64, 1, 1, size, zero, size, s->energies[e].first));
  if (s->free_constant) PetscCall(NomosCheckpointWriteArray(checkpoint, "energy_constant", NOMOS_F64, 1, 1, &one, zero, &one, &s->energies[0].constant));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPhaseSpaceLoad(NomosModel model, NomosCheckpoint checkpoint)
{
  NomosPhaseSpace *s = model->data;
  const size_t     zero[2] = {0, 0}, size[2] = {s->n, s->row}, one = 1;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "x", NOMOS_F64, 2, size, zero, size, s->parts.state));
  PetscCall(NomosCheckpointReadArray(checkpoint, "carry", NOMOS_F64, 2, size, zero, size, s->carry));
  for (size_t e = 0; e < s->n_energies; e++) PetscCall(NomosCheckpointReadArray(checkpoint, scalar_info[PER_ENERGY * e].name, NOMOS_F64, 1, size, zero, size, s->energies[e].first));
  if (s->free_constant) PetscCall(NomosCheckpointReadArray(checkpoint, "energy_constant", NOMOS_F64, 1, &one, zero, &one, &s->energies[0].constant));
  PetscFunctionReturn(PETSC_SUCCESS);
}
