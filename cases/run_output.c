/* What a run writes at which step: fields, spectra, scalars, checkpoints; what stays of their files when it goes on. */
#include "cases/run.h"
#include "io/ends.h"
#include "io/provenance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double FrameIndex(const NomosRun *run, double every, double time)
{
  return floor((time + fmin(NomosRunTolerance(run), 1e-6 * every)) / every);
}

/* Does the model's present step begin a new interval? */
static bool IsDue(const NomosRun *run, double every)
{
  if (run->model->step == 0) return true;
  return every > 0 && FrameIndex(run, every, run->model->time) > FrameIndex(run, every, run->previous_time);
}

/* Frames up to here stay when a file is resumed. A frame at the checkpoint's own step that is off the cadence closed the earlier run: without it the
   result is that of an uninterrupted run. */
static int64_t LastStepToKeep(const NomosRun *run, const NomosCadence *cadence)
{
  return run->model->step - (IsDue(run, cadence->every) ? 0 : 1);
}

static PetscErrorCode WriteFields(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileBeginFrame(run->fields, run->model->time, run->model->step));
  PetscCall(run->ops->write_fields(run->model, run->fields));
  PetscCall(NomosFieldFileEndFrame(run->fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSpectra(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileBeginFrame(run->spectra, run->model->time, run->model->step));
  PetscCall(run->ops->write_spectra(run->model, run->spectra));
  PetscCall(NomosFieldFileEndFrame(run->spectra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteScalars(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(run->ops->evaluate_scalars(run->model, run->scalar_values));
  PetscCall(NomosScalarFileWrite(run->scalars, run->model->step, run->model->time, run->scalar_values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Write what `cadence` asks for at this step, or `anyway` if it is not there yet. */
static PetscErrorCode WriteIf(NomosRun *run, NomosCadence *cadence, bool anyway, PetscErrorCode (*write)(NomosRun *run))
{
  PetscFunctionBeginUser;
  if (cadence->last_step == run->model->step || !(anyway || IsDue(run, cadence->every))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosRunCheck(run));
  PetscCall(write(run));
  cadence->last_step = run->model->step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAll(NomosRun *run, bool anyway)
{
  PetscFunctionBeginUser;
  PetscCall(WriteIf(run, &run->scalars_due, anyway, WriteScalars));
  PetscCall(WriteIf(run, &run->fields_due, anyway, WriteFields));
  if (run->ops->spectra_layout) PetscCall(WriteIf(run, &run->spectra_due, anyway, WriteSpectra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteCheckpoint(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(NomosRunCheckpoint(run, false, NomosRunWriteCheckpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunOutputDue(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(WriteAll(run, false));
  if (run->model->step > 0 && run->params.checkpoint_every > 0) PetscCall(WriteIf(run, &run->checkpoint_due, false, WriteCheckpoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int64_t FramesOf(const NomosRun *run, double every)
{
  double stop = run->params.stop, index;

  if (!(stop > 0)) return 1;
  if (!(every > 0)) return 2;
  index = FrameIndex(run, every, stop);
  return 1 + (int64_t)fmin(index, ceil(stop / run->params.dt)) + (stop - index * every > NomosRunTolerance(run) ? 1 : 0);
}

/* Rows of scalars.csv are cheaper than frames of fields.nc: where nothing is said of them there is one with each frame. */
static double ScalarsEvery(const NomosRun *run)
{
  return run->params.scalars_every > 0 ? run->params.scalars_every : run->params.fields_every;
}

static double FrameBytes(const NomosFileLayout *layout, NomosRealType type)
{
  double bytes = 0;

  for (size_t v = 0; v < layout->n_variables; v++) {
    double values = 1;
    for (int i = 0; i < NOMOS_FIELD_MAX_DIMS && layout->variables[v].dims[i]; i++) {
      for (size_t d = 0; d < layout->n_dims; d++) {
        if (!strcmp(layout->dims[d].name, layout->variables[v].dims[i])) values *= (double)layout->dims[d].size;
      }
    }
    if (!layout->variables[v].constant) bytes += values * NomosRealBytes(type);
  }
  return bytes;
}

PetscErrorCode NomosRunEstimate(NomosRun *run, NomosRunCost *cost)
{
  NomosFileLayout fields, spectra = {0};
  size_t          n_scalars;
  const NomosScalarInfo *info;

  PetscFunctionBeginUser;
  PetscCall(run->ops->field_layout(run->model, &fields));
  if (run->ops->spectra_layout) PetscCall(run->ops->spectra_layout(run->model, &spectra));
  PetscCall(run->ops->scalars(run->model, &n_scalars, &info));
  cost->n_steps       = (int64_t)ceil(run->params.stop / run->params.dt - 1e-6);
  cost->n_fields      = FramesOf(run, run->params.fields_every);
  cost->n_spectra     = run->ops->spectra_layout ? FramesOf(run, run->params.spectra_every) : 0;
  cost->n_scalars     = FramesOf(run, ScalarsEvery(run));
  cost->n_checkpoints = run->params.checkpoint_every > 0 ? FramesOf(run, run->params.checkpoint_every) - 1 : 1;
  cost->frame_bytes   = FrameBytes(&fields, run->params.precision);
  cost->spectra_bytes = FrameBytes(&spectra, NOMOS_F64);
  cost->bytes         = (double)cost->n_fields * cost->frame_bytes + (double)cost->n_spectra * cost->spectra_bytes + (double)cost->n_scalars * 25. * (double)(n_scalars + 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosFieldFileInput NomosRunFileInput(const NomosRun *run, const char path[], const NomosFileLayout *layout, size_t capacity)
{
  return (NomosFieldFileInput){.path = path, .n_dims = layout->n_dims, .dims = layout->dims, .n_variables = layout->n_variables, .variables = layout->variables, .capacity = capacity, .compression = run->params.compression, .time_unit = run->params.nondimensional ? "1" : "s", .title = run->params.title, .source = NomosSource(), .references = run->params.reference, .config_yaml = run->yaml, .provenance_json = run->provenance};
}

/* One of the .nc files: created, or resumed if this run is a restart and the file is there; with file NULL only looked at. */
static PetscErrorCode OpenFieldFile(NomosRun *run, const char name[], const NomosFileLayout *layout, NomosRealType type, int64_t capacity, NomosFieldVariable **variables, NomosCadence *cadence, NomosFieldFile *file)
{
  char path[NOMOS_MAX_PATH];
  bool there = false;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(*variables));
  PetscCall(PetscMalloc1(layout->n_variables, variables));
  for (size_t v = 0; v < layout->n_variables; v++) {
    (*variables)[v]      = layout->variables[v];
    (*variables)[v].type = type;
  }
  PetscCall(NomosRunDirectoryFile(run->directory, name, path));
  if (run->restarted) PetscCall(NomosRunDirectoryHas(run->directory, name, &there));
  NomosFieldFileInput input = NomosRunFileInput(run, path, layout, (size_t)capacity);
  enum { MOST_COEFFICIENTS = 16 };
  NomosFieldAttribute attributes[3 + MOST_COEFFICIENTS + NOMOS_MAX_ENDS];
  NomosEnds           ends;
  char                scheme[512] = "";
  double              bytes;
  PetscCall(run->ops->describe(run->model, &bytes, scheme, sizeof scheme));
  attributes[input.n_attributes++] = (NomosFieldAttribute){.name = "scheme", .text = scheme};
  if (layout->equation) attributes[input.n_attributes++] = (NomosFieldAttribute){.name = "equation", .text = layout->equation};
  if (layout->starts_at != 0) attributes[input.n_attributes++] = (NomosFieldAttribute){.name = "starts_at", .number = layout->starts_at};
  for (size_t k = 0; k < PetscMin(layout->n_coefficients, MOST_COEFFICIENTS); k++) attributes[input.n_attributes++] = (NomosFieldAttribute){.name = layout->coefficients[k].key, .number = layout->coefficients[k].value};
  PetscCall(NomosEndsOfCase(run->config, layout->n_dims, layout->dims, &ends)); /* with which it is data like any other */
  input.n_attributes += NomosEndsAttributes(&ends, attributes + input.n_attributes);
  input.attributes = attributes;
  input.variables  = *variables;
  if (there) {
    PetscCall(NomosFieldFileResume(run->comm, &input, LastStepToKeep(run, cadence), file));
    if (file && NomosFieldFileFrames(*file) > 0) cadence->last_step = LastStepToKeep(run, cadence);
  } else if (file) PetscCall(NomosFieldFileCreate(run->comm, &input, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenScalarFile(NomosRun *run, NomosScalarFile *file)
{
  char         path[NOMOS_MAX_PATH];
  const char **names, **all_units;
  bool         there = false;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(run->scalar_values));
  PetscCall(PetscMalloc1(run->n_scalars, &run->scalar_values));
  PetscCall(PetscMalloc2(run->n_scalars, &names, run->n_scalars, &all_units));
  for (size_t i = 0; i < run->n_scalars; i++) {
    names[i]     = run->scalar_info[i].name;
    all_units[i] = run->scalar_info[i].unit;
  }
  const char *const *units = run->params.nondimensional ? NULL : all_units;
  PetscCall(NomosRunDirectoryFile(run->directory, "scalars.csv", path));
  if (run->restarted) PetscCall(NomosRunDirectoryHas(run->directory, "scalars.csv", &there));
  if (there) {
    run->scalars_due.last_step = LastStepToKeep(run, &run->scalars_due);
    PetscCall(NomosScalarFileResume(run->comm, path, run->n_scalars, names, units, run->scalars_due.last_step, file));
  } else if (file) PetscCall(NomosScalarFileCreate(run->comm, path, run->n_scalars, names, units, file));
  PetscCall(PetscFree2(names, all_units));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Open the files, or with `look` only find out whether they could be. */
static PetscErrorCode OpenFiles(NomosRun *run, bool look)
{
  NomosFileLayout layout;
  NomosRunCost    cost;

  PetscFunctionBeginUser;
  PetscCall(NomosRunEstimate(run, &cost));
  run->checkpoint_due.every = run->params.checkpoint_every;
  run->fields_due  = (NomosCadence){run->params.fields_every, -1};
  run->spectra_due = (NomosCadence){run->params.spectra_every, -1};
  run->scalars_due = (NomosCadence){ScalarsEvery(run), -1};
  PetscCall(run->ops->field_layout(run->model, &layout));
  for (size_t v = 0; v < layout.n_variables; v++) run->has_planes = run->has_planes || (!layout.variables[v].constant && layout.variables[v].dims[0] && layout.variables[v].dims[1]);
  PetscCall(OpenFieldFile(run, "fields.nc", &layout, run->params.precision, cost.n_fields, &run->field_variables, &run->fields_due, look ? NULL : &run->fields));
  if (run->ops->spectra_layout) {
    PetscCall(run->ops->spectra_layout(run->model, &layout));
    PetscCall(OpenFieldFile(run, "spectra.nc", &layout, NOMOS_F64, cost.n_spectra, &run->spectra_variables, &run->spectra_due, look ? NULL : &run->spectra));
  }
  PetscCall(OpenScalarFile(run, look ? NULL : &run->scalars));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunOutputLook(NomosRun *run)
{
  PetscFunctionBeginUser;
  if (run->restarted) PetscCall(OpenFiles(run, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunOutputOpen(NomosRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(OpenFiles(run, false));
  /* The first frame of a new file, also of one that begins with a restart. */
  if (run->scalars_due.last_step < 0) PetscCall(WriteIf(run, &run->scalars_due, true, WriteScalars));
  if (run->fields_due.last_step < 0) PetscCall(WriteIf(run, &run->fields_due, true, WriteFields));
  if (run->spectra && run->spectra_due.last_step < 0) PetscCall(WriteIf(run, &run->spectra_due, true, WriteSpectra));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseAll(NomosRun *run)
{
  char nc[NOMOS_MAX_PATH], xdmf[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldFileClose(&run->fields));
  if (run->spectra) PetscCall(NomosFieldFileClose(&run->spectra));
  PetscCall(NomosScalarFileClose(&run->scalars));
  PetscCall(NomosRunDirectoryFile(run->directory, "fields.nc", nc));
  PetscCall(NomosRunDirectoryFile(run->directory, "fields.xdmf", xdmf));
  if (run->has_planes) PetscCall(NomosXdmfWrite(run->comm, nc, xdmf));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosRunOutputFinish(NomosRun *run)
{
  PetscFunctionBeginUser;
  if (!run->stopped_by) PetscCall(WriteAll(run, true)); /* a stopped run goes on later: nothing off the cadence */
  PetscCall(WriteIf(run, &run->checkpoint_due, true, WriteCheckpoint));
  PetscCall(CloseAll(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosRunOutputDiscard(NomosRun *run)
{
  /* The error has been told; what fails now is its consequence. What is left open by a failed close cannot be helped. */
  if (run->fields && run->scalars && !CloseAll(run)) return;
  if (run->fields && NomosFieldFileClose(&run->fields)) run->fields = NULL;
  if (run->spectra && NomosFieldFileClose(&run->spectra)) run->spectra = NULL;
  if (run->scalars && NomosScalarFileClose(&run->scalars)) run->scalars = NULL;
}
