#include "solvers/initial_file.h"

#include "io/field_file.h"

#include <stdio.h>

static PetscErrorCode CheckHas(NomosModel model, NomosFieldReader reader, const char path[], const char name[])
{
  const char *const *names;
  char               list[200] = "";
  size_t             n, length = 0;
  bool               has;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  if (has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderVariables(reader, &n, &names));
  for (size_t i = 0; i < n && length < sizeof list; i++) length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", names[i]);
  SETERRQ(model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no variable %s; over time it has %s: give a run of the same equations", NomosConfigWhere(model->config, "initial.file"), path, name, n ? list : "none");
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
  char    theirs[96], ours[96];
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_INITIAL_MAX_DIMS + 1], count[NOMOS_INITIAL_MAX_DIMS + 1] = {1}, frames;
  int64_t frame;
  int     n_dims;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCall(CheckHas(model, reader, path, field->name));
  PetscCall(NomosFieldReaderShape(reader, field->name, &n_dims, shape));
  bool same = n_dims == field->n_dims + 1;
  for (int a = 0; a < field->n_dims && same; a++) {
    same         = shape[a + 1] == field->size[a];
    start[a + 1] = field->start[a];
    count[a + 1] = field->count[a];
  }
  PetscCheck(same, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s of %s lies over %s cells, this case over %s: give a run on the same grid", NomosConfigWhere(model->config, "initial.file"), field->name, path, GridText(PetscMax(n_dims, 1) - 1, shape + 1, theirs),
             GridText(field->n_dims, field->size, ours));
  PetscCall(NomosFieldReaderFrames(reader, &frames));
  if (frame < 0) frame = (int64_t)PetscMin(frames, shape[0]) - 1;
  PetscCheck(frame >= 0 && (size_t)frame < shape[0], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %ld: %s holds %zu frames", NomosConfigWhere(model->config, "initial.frame"), (long)frame, path, shape[0]);
  start[0] = (size_t)frame;
  PetscCall(NomosFieldReaderRead(reader, field->name, start, count, values));
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
  PetscErrorCode failed = Read(model, reader, path, field, values);
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
