#include "operators/initial_file.h"

#include "io/field_file.h"
#include "operators/foreign_field.h"

#include <stdio.h>
#include <string.h>

static PetscErrorCode CheckHas(NomosModel model, NomosFieldReader reader, const char path[], const char name[])
{
  char list[200];
  bool has;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  if (has) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no variable %s; it has %s: give a run of the same equations", NomosConfigWhere(model->config, "initial.file"), path, name, NomosFieldReaderNames(reader, true, list));
}

/* "64 x 32", x first. */
static const char *GridText(int n_dims, const size_t size[], char text[96])
{
  size_t length = 0;

  for (int a = n_dims; a-- > 0 && length < 96;) length += (size_t)snprintf(text + length, 96 - length, "%zu%s", size[a], a ? " x " : "");
  return n_dims ? text : "no";
}

static PetscErrorCode Read(NomosModel model, NomosFieldReader reader, const char path[], const NomosInitialField *field, double values[])
{
  NomosFileLayout layout;
  char            theirs[96], ours[96];
  size_t          shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_INITIAL_MAX_DIMS + 1], count[NOMOS_INITIAL_MAX_DIMS + 1] = {1}, n = 1, frames;
  double          factor = 1;
  int64_t         frame, trajectory;
  int             n_dims, n_all;
  bool            timed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCall(NomosConfigGetInt(model->config, "initial.trajectory", &trajectory));
  PetscCall(NomosFieldReaderShape(reader, field->name, &n_all, shape));
  PetscCall(NomosFieldReaderSelect(reader, (size_t)trajectory));
  PetscCall(NomosFieldReaderShape(reader, field->name, &n_dims, shape));
  PetscCheck(!trajectory || n_dims < n_all, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "initial.trajectory = %ld: %s of %s is of one run, it has no dimension `trajectory`; leave the key out", (long)trajectory, field->name, path);
  timed     = n_dims == field->n_dims + 1;
  bool same = timed || n_dims == field->n_dims;
  for (int a = 0; a < field->n_dims && same; a++) {
    same             = shape[a + timed] == field->size[a];
    start[a + timed] = field->start[a];
    count[a + timed] = field->count[a];
    n *= field->count[a];
  }
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s of %s lies over %s cells, this case over %s: give a run on the same grid, or a file of trajectories on it whose axes have names (trajectory, time, y, x)", field->name, path, GridText(PetscMax(n_dims - timed, 0), shape + timed, theirs), GridText(field->n_dims, field->size, ours));
  PetscCall(NomosForeignFieldCheck(model, reader, path, &(NomosForeignField){.name = field->name, .like = field->name, .n_dims = field->n_dims, .size = field->size}, &timed));
  PetscCall(model->ops->field_layout(model, &layout));
  for (size_t v = 0; v < layout.n_variables; v++)
    if (!strcmp(layout.variables[v].name, field->name) && layout.variables[v].unit) PetscCall(NomosForeignFactor(reader, path, field->name, layout.variables[v].unit, false, &factor));
  PetscCall(NomosForeignFrame(reader, path, field->name, timed, "initial.frame", frame, &frames));
  if (timed) start[0] = frames;
  PetscCall(NomosFieldReaderRead(reader, field->name, start, count, values));
  for (size_t i = 0; i < n && factor != 1; i++) values[i] *= factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosInitialFileRead(NomosModel model, const NomosInitialField *field, double values[])
{
  const char      *path;
  NomosFieldReader reader;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = file needs initial.file", NomosConfigWhere(model->config, "initial.type"));
  PetscCall(NomosFieldReaderOpen(model->comm, path, &reader));
  PetscErrorCode failed = CheckHas(model, reader, path, field->name);
  if (!failed) {
    NomosQuietly(failed, Read(model, reader, path, field, values)); /* every rank comes to the same verdict; it is told once, with the key */
    failed = NomosErrorRetell(model->comm, failed, "%s", NomosConfigWhere(model->config, "initial.file"));
  }
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosInitialAgree(MPI_Comm comm, char sentence[1024])
{
  int rank, ranks, first;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  first = sentence[0] ? rank : ranks;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == ranks) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(sentence, 1024, MPI_CHAR, first, comm));
  SETERRQ(comm, PETSC_ERR_FP, "%s", sentence);
}
