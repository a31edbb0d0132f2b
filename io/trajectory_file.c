#include "io/trajectory_file_impl.h"

#include "io/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const NomosTrajectoryFormat ours = {.name = "nomos"}, *const formats[] = {&ours, &nomos_trajectory_pdebench, &nomos_trajectory_well};
enum { N_FORMATS = sizeof formats / sizeof *formats };

static const NomosTrajectoryFormat *FormatOf(const char name[])
{
  for (size_t k = 0; k < N_FORMATS; k++)
    if (!strcmp(formats[k]->name, name)) return formats[k];
  return NULL;
}

bool NomosIsParameter(const NomosFieldVariable *variable)
{
  return !variable->dims[1];
}

bool NomosHasTime(const NomosFieldVariable *variable)
{
  return variable->dims[1] && !strcmp(variable->dims[1], "time");
}

const NomosFieldDim *NomosTrajectoryDim(const NomosTrajectoryFileInput *input, const char name[])
{
  for (size_t d = 0; d < input->file.n_dims; d++)
    if (!strcmp(input->file.dims[d].name, name)) return &input->file.dims[d];
  return NULL;
}

bool NomosPutFloats(hid_t location, const char path[], const NomosFloats *floats, NomosVerdict *verdict)
{
  hid_t  space = floats->n_dims ? H5Screate_simple(floats->n_dims, floats->size, NULL) : H5Screate(H5S_SCALAR), properties = H5Pcreate(H5P_DATASET_CREATE), links = H5Pcreate(H5P_LINK_CREATE);
  size_t bytes = sizeof(float);
  char   doing[4 * NOMOS_MAX_NAME];

  H5Pset_obj_track_times(properties, false);
  H5Pset_create_intermediate_group(links, 1);
  for (int d = 0; floats->chunk && d < floats->n_dims; d++) bytes *= floats->chunk[d];
  if (floats->chunk) {
    H5Pset_chunk(properties, floats->n_dims, floats->chunk);
    NomosH5SetLzf(properties, bytes);
  }
  hid_t dataset = H5Dcreate2(location, floats->name, H5T_IEEE_F32LE, space, links, properties, H5P_DEFAULT);
  snprintf(doing, sizeof doing, "make %s", floats->name);
  bool good = dataset >= 0 && (!floats->values || H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, floats->values) >= 0) && NomosH5PutString(dataset, "units", floats->unit) >= 0;
  if (dataset >= 0 && H5Dclose(dataset) < 0) good = false;
  H5Pclose(links);
  H5Pclose(properties);
  H5Sclose(space);
  return good || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, doing);
}

bool NomosPutDescription(NomosTrajectoryFile file, hid_t object, NomosVerdict *verdict)
{
  const NomosFieldFileInput *input = &file->input.file;
  bool good = NomosH5PutString(object, "title", input->title) >= 0 && NomosH5PutString(object, "source", input->source) >= 0 && NomosH5PutString(object, "references", input->references) >= 0;

  for (size_t i = 0; good && i < input->n_attributes; i++) {
    const NomosFieldAttribute *a = &input->attributes[i];
    if (!a->variable) good = (a->text ? NomosH5PutString(object, a->name, a->text) : NomosH5PutReals(object, a->name, H5T_NATIVE_DOUBLE, 1, &a->number)) >= 0;
  }
  return good || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, file->path, "write its attributes");
}

/* Sizes and axes of space, in the file's order: x first. */
static void TakeAxes(NomosTrajectoryFile f)
{
  const NomosFieldFileInput *input = &f->input.file;

  f->layout.n_trajectories = NomosTrajectoryDim(&f->input, "trajectory")->size;
  f->layout.n_frames       = NomosTrajectoryDim(&f->input, "time")->size;
  for (size_t d = input->n_dims; d-- > 0;) {
    if (!strcmp(input->dims[d].name, "trajectory") || !strcmp(input->dims[d].name, "time") || f->layout.n_space == NOMOS_LAYOUT_MAX_SPACE) continue;
    snprintf(f->layout.space[f->layout.n_space], NOMOS_MAX_NAME, "%s", input->dims[d].name);
    f->layout.points[f->layout.n_space++] = input->dims[d].size;
  }
}

static double Bytes(const NomosTrajectoryFile f)
{
  double all = 0;

  for (size_t v = 0; v < f->input.file.n_variables; v++) {
    const NomosFieldVariable *variable = &f->input.file.variables[v];
    double                    bytes    = sizeof(float);
    for (int d = 0; d < NOMOS_FIELD_MAX_DIMS && variable->dims[d]; d++) bytes *= (double)NomosTrajectoryDim(&f->input, variable->dims[d])->size;
    all += bytes;
  }
  return all;
}

static void Define(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  if (!NomosSpaceCheck(f->path, Bytes(f), "the file", verdict)) return;
  TakeAxes(f);
  f->file = NomosH5Create(f->temporary, 2048, verdict);
  if (f->file >= 0) f->format->define(f, verdict);
}

static PetscErrorCode Free(NomosTrajectoryFile *file)
{
  NomosTrajectoryFile f = *file;

  PetscFunctionBeginUser;
  for (size_t v = 0; v < f->input.file.n_variables; v++) PetscCall(PetscFree(f->parameters[v]));
  PetscCall(PetscFree(f->parameters));
  PetscCall(PetscFree(f->attributes));
  for (size_t k = 0; k < f->layout.n_views && f->pending; k++) free(f->pending[k].raw);
  PetscCall(PetscFree(f->pending));
  NomosLayoutFree(&f->layout);
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoryFormatCheck(const char name[])
{
  const char *names[N_FORMATS + 1];

  PetscFunctionBeginUser;
  for (size_t k = 0; k < N_FORMATS; k++) names[k] = formats[k]->name;
  names[N_FORMATS] = "lagrangebench"; /* of particles: cases/convert.c */
  if (!FormatOf(name)) PetscCall(NomosNameUnknown(PETSC_COMM_SELF, name, N_FORMATS + 1, names, "unknown format '%s'", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosTrajectoryFileName(const NomosTrajectoryFileInput *input, const double values[], char name[NOMOS_MAX_PATH])
{
  const NomosTrajectoryFormat *format = FormatOf(input->format);

  if (!format || !format->name_file) return false;
  format->name_file(input, values, name);
  return true;
}

PetscErrorCode NomosTrajectoryFileCreate(const NomosTrajectoryFileInput *input, NomosTrajectoryFile *file)
{
  NomosVerdict        verdict = {0};
  NomosTrajectoryFile f;

  PetscFunctionBeginUser;
  *file = NULL;
  PetscCall(NomosTrajectoryFormatCheck(input->format));
  PetscCall(PetscNew(&f));
  f->input  = *input;
  f->format = FormatOf(input->format);
  f->file   = H5I_INVALID_HID;
  PetscCall(PetscCalloc1(input->file.n_variables + 1, &f->parameters));
  PetscCall(PetscMalloc1(input->file.n_attributes + NOMOS_MAX_ENDS, &f->attributes));
  PetscCall(PetscArraycpy(f->attributes, input->file.attributes, input->file.n_attributes));
  f->input.file.attributes = f->attributes;
  if (input->ends) f->input.file.n_attributes += NomosEndsAttributes(input->ends, f->attributes + input->file.n_attributes);
  snprintf(f->path, sizeof f->path, "%s", input->file.path);
  if (NomosTemporaryName(f->path, f->temporary, &verdict)) {
    f->input.file.path = f->temporary;
    if (f->format == &ours) verdict.code = NomosFieldFileCreate(PETSC_COMM_SELF, &f->input.file, &f->ours);
    else Define(f, &verdict);
    if (verdict.code && !verdict.text[0]) snprintf(verdict.text, sizeof verdict.text, "%s", NomosErrorLast());
  }
  if (verdict.code) {
    if (f->file >= 0) H5Fclose(f->file);
    unlink(f->temporary);
    PetscCall(Free(&f));
  }
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscCall(PetscCalloc1(f->layout.n_views + 1, &f->pending));
  *file = f;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool TakeParameter(NomosTrajectoryFile f, size_t v, const double values[], NomosVerdict *verdict)
{
  const size_t               n     = f->layout.n_trajectories;
  const NomosTrajectoryPlace place = f->format->place(&f->input, f->input.file.variables[v].name);
  size_t                     i     = 1;

  while (i < n && values[i] == values[0]) i++;
  if (i < n && place == NOMOS_PLACE_LEFT_OUT) return true;
  if (i < n && place == NOMOS_PLACE_ONE_VALUE)
    return NomosVerdictFail(verdict, PETSC_ERR_ARG_INCOMP, "%s: PDEBench's file has one value of %s, but trajectory %zu has %g and trajectory 0 %g; give a directory (-o DIR/), which gets a file for each value, or --format well, whose file has them all", f->path, f->input.file.variables[v].name, i, values[i], values[0]);
  if (PetscMalloc1(n, &f->parameters[v])) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
  memcpy(f->parameters[v], values, n * sizeof *values);
  return true;
}

PetscErrorCode NomosTrajectoryFileWrite(NomosTrajectoryFile f, const char name[], const size_t start[], const size_t count[], const double data[])
{
  NomosVerdict verdict = {0};
  size_t       v       = 0;

  PetscFunctionBeginUser;
  if (f->ours) {
    PetscCall(NomosFieldFileWrite(f->ours, name, NOMOS_F64, start, count, data));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  while (v < f->input.file.n_variables && strcmp(f->input.file.variables[v].name, name)) v++;
  PetscCheck(v < f->input.file.n_variables, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: no variable %s was declared", f->path, name);
  const NomosLayoutView *view = NomosLayoutFind(&f->layout, name);
  if (NomosIsParameter(&f->input.file.variables[v])) TakeParameter(f, v, data, &verdict);
  else if (view) NomosViewWrite(&f->layout, f->file, f->path, f->pending, view, start, count, data, &verdict);
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosTrajectoryFileHolds(NomosTrajectoryFile f, const char name[])
{
  for (size_t v = 0; v < f->input.file.n_variables; v++)
    if (f->parameters[v] && !strcmp(f->input.file.variables[v].name, name)) return true;
  return f->ours || NomosLayoutFind(&f->layout, name);
}

PetscErrorCode NomosTrajectoryFileClose(NomosTrajectoryFile *file, bool complete)
{
  NomosVerdict        verdict = {0};
  NomosTrajectoryFile f       = *file;

  PetscFunctionBeginUser;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  if (f->ours) {
    verdict.code = NomosFieldFileClose(&f->ours);
    if (verdict.code) snprintf(verdict.text, sizeof verdict.text, "%s", NomosErrorLast());
  } else {
    for (size_t k = 0; k < f->layout.n_views && complete && !verdict.code; k++)
      if (f->pending[k].n) NomosVerdictFail(&verdict, PETSC_ERR_ARG_INCOMP, "%s: only %zu of the components of %s were given: nothing of its last block is in the file", f->path, f->pending[k].n, f->layout.views[k].source);
    if (complete && !verdict.code) f->format->finish(f, &verdict);
    if (complete && !verdict.code && H5Fflush(f->file, H5F_SCOPE_GLOBAL) < 0) NomosH5Fail(&verdict, PETSC_ERR_FILE_WRITE, f->path, "write");
    NomosVerdict closing = {0};
    if (!NomosH5Close(f->file, f->path, &closing) && !verdict.code && complete) verdict = closing;
  }
  if (!complete || verdict.code) unlink(f->temporary);
  else NomosRenameDurable(f->temporary, f->path, &verdict);
  PetscCall(Free(file));
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}
