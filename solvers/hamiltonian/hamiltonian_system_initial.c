/* Initial states of the model `hamiltonian_system`. */
#include "solvers/hamiltonian/hamiltonian_system_impl.h"

#include <math.h>
#include <string.h>

static PetscErrorCode Random(NomosModel model)
{
  HamiltonianModel *m = model->data;

  PetscFunctionBeginUser;
  PetscCheck(m->system, model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = random is of the systems by name; with hamiltonian_system.energy give initial.type: list and initial.state", NomosConfigWhere(model->config, "initial.type"));
  for (size_t i = 0; i < m->n; i++) PetscCall(m->system->initial(model->config, m->seed, i, m->x + i * m->row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode List(NomosModel model)
{
  HamiltonianModel *m = model->data;
  size_t            n;
  const double     *values;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(model->config, "initial.state", &n, &values));
  PetscCheck(n == m->row || n == m->size, model->comm, PETSC_ERR_ARG_SIZ, "%s: initial.state has %zu numbers: %zu are one state (q, then p)%s", NomosConfigWhere(model->config, "initial.state"), n, m->row, m->n > 1 ? ", for all; or give every state" : "");
  for (size_t i = 0; i < m->size; i++) m->x[i] = values[i % n];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode File(NomosModel model)
{
  HamiltonianModel *m = model->data;
  NomosFieldReader  reader;
  const char       *path, *where = NomosConfigWhere(model->config, "initial.file");
  bool              has;
  int               n_dims;
  size_t            shape[NOMOS_FIELD_MAX_DIMS + 1], frames;
  int64_t           frame;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = file needs initial.file", NomosConfigWhere(model->config, "initial.type"));
  PetscCall(NomosFieldReaderOpen(model->comm, path, &reader));
  PetscCall(NomosFieldReaderHas(reader, "x", &has));
  PetscCheck(has, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no variable x", where, path);
  PetscCall(NomosFieldReaderShape(reader, "x", &n_dims, shape));
  PetscCheck(n_dims == 3 && shape[1] >= m->n && shape[2] == m->row, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: x of %s is not (time, at least %zu states, %zu coordinates)", where, path, m->n, m->row);
  PetscCall(NomosFieldReaderFrames(reader, &frames));
  if (frame < 0) frame = (int64_t)PetscMin(frames, shape[0]) - 1;
  PetscCheck(frame >= 0 && (size_t)frame < shape[0], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %ld: %s holds %zu frames", NomosConfigWhere(model->config, "initial.frame"), (long)frame, path, shape[0]);
  PetscCall(NomosFieldReaderRead(reader, "x", (size_t[]){(size_t)frame, 0, 0}, (size_t[]){1, m->n, m->row}, m->x));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name;
  PetscErrorCode (*set)(NomosModel model);
} types[] = {{"random", Random}, {"list", List}, {"file", File}};

PetscErrorCode HamiltonianInitialise(NomosModel model)
{
  HamiltonianModel *m = model->data;
  const char       *type;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, type)) PetscCall(types[i].set(model));
  PetscCall(PetscArrayzero(m->carry, m->size));
  PetscCall(m->h.energy(m->h.ctx, m->n, m->x, m->energy0));
  for (size_t i = 0; i < m->n; i++) NomosCheck(isfinite(m->energy0[i]), model->comm, PETSC_ERR_FP, "state %zu at step 0 has no finite energy: two bodies in one place, or outside of where the energy is defined", i);
  PetscFunctionReturn(PETSC_SUCCESS);
}
