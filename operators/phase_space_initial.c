/* Initial states of models in phase space. */
#include "operators/phase_space.h"

#include <math.h>
#include <string.h>

static PetscErrorCode Random(NomosModel model)
{
  NomosPhaseSpace *s = model->data;

  PetscFunctionBeginUser;
  PetscCall(s->random(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode List(NomosModel model)
{
  NomosPhaseSpace *s = model->data;
  size_t           n;
  const double    *values;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, "initial.state", &n, &values));
  PetscCheck(n == s->row || n == s->parts.n_state, model->comm, PETSC_ERR_ARG_SIZ, "%s: initial.state has %zu numbers: %zu are one state (q, then p)%s", NomosConfigWhere(model->config, "initial.state"), n, s->row, s->n > 1 ? ", for all; or give every state" : "");
  for (size_t i = 0; i < s->parts.n_state; i++) s->parts.state[i] = values[i % n];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x of initial.file, of three axes: `states` is the one that counts states. */
static PetscErrorCode Open(NomosModel model, int states, const char axes[], NomosFieldReader *reader, size_t shape[NOMOS_FIELD_MAX_DIMS + 1])
{
  NomosPhaseSpace *s = model->data;
  const char      *path, *where = NomosConfigWhere(model->config, "initial.file");
  bool             has;
  int              n_dims;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_INCOMP, "%s: this initial.type needs initial.file", NomosConfigWhere(model->config, "initial.type"));
  PetscCall(NomosFieldReaderOpen(model->comm, path, reader));
  PetscCall(NomosFieldReaderHas(*reader, "x", &has));
  PetscCheck(has, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no variable x", where, path);
  PetscCall(NomosFieldReaderShape(*reader, "x", &n_dims, shape));
  PetscCheck(n_dims == 3 && shape[states] >= s->n && shape[2] == s->row, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: x of %s is not %s with at least %zu states of %zu coordinates", where, path, axes, s->n, s->row);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFinite(NomosModel model, const NomosPhaseSpace *s)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < s->parts.n_state; i++) PetscCheck(isfinite(s->parts.state[i]), model->comm, PETSC_ERR_FP, "%s: x is not finite at state %zu, coordinate %zu", NomosConfigWhere(model->config, "initial.file"), i / s->row, i % s->row);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode File(NomosModel model)
{
  NomosPhaseSpace *s = model->data;
  NomosFieldReader reader;
  size_t           shape[NOMOS_FIELD_MAX_DIMS + 1], frames;
  int64_t          frame;

  PetscFunctionBeginUser;
  PetscCall(Open(model, 1, "(time, state, coordinate)", &reader, shape));
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCall(NomosFieldReaderFrames(reader, &frames));
  if (frame < 0) frame = (int64_t)PetscMin(frames, shape[0]) - 1;
  PetscCheck(frame >= 0 && (size_t)frame < shape[0], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %ld: the file holds %zu frames", NomosConfigWhere(model->config, "initial.frame"), (long)frame, frames);
  PetscCall(NomosFieldReaderRead(reader, "x", (size_t[]){(size_t)frame, 0, 0}, (size_t[]){1, s->n, s->row}, s->parts.state));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(CheckFinite(model, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Trajectories(NomosModel model)
{
  NomosPhaseSpace *s = model->data;
  NomosFieldReader reader;
  size_t           shape[NOMOS_FIELD_MAX_DIMS + 1];

  PetscFunctionBeginUser;
  PetscCall(Open(model, 0, "(trajectory, time, coordinate)", &reader, shape));
  PetscCall(NomosFieldReaderRead(reader, "x", (size_t[]){0, 0, 0}, (size_t[]){s->n, 1, s->row}, s->parts.state));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(CheckFinite(model, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name;
  PetscErrorCode (*set)(NomosModel model);
} types[] = {{"random", Random}, {"list", List}, {"file", File}, {"trajectories", Trajectories}};

PetscErrorCode NomosPhaseSpaceInitialise(NomosModel model)
{
  NomosPhaseSpace *s = model->data;
  const char      *type;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, type)) PetscCall(types[i].set(model));
  PetscCall(PetscArrayzero(s->carry, s->parts.n_state));
  for (size_t e = 0; e < s->n_energies; e++) {
    NomosPhaseEnergy *energy = &s->energies[e];
    PetscCall(energy->of(energy->ctx, s->n, s->parts.state, energy->first));
    energy->constant = 0;
    for (size_t i = 0; i < s->n; i++) NomosCheck(isfinite(energy->first[i]), model->comm, PETSC_ERR_FP, "state %zu at step 0 has no finite energy: two bodies in one place, or outside of where the energy is defined", i);
  }
  if (s->free_constant && s->n_energies == 2) {
    for (size_t i = 0; i < s->n; i++) s->energies[0].constant += (s->energies[1].first[i] - s->energies[0].first[i]) / (double)s->n;
    for (size_t i = 0; i < s->n; i++) s->energies[0].first[i] += s->energies[0].constant;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
