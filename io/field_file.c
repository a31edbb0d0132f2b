/* Writing field files. Rank 0 makes the metadata with HDF5 once, closes the file, and tells all ranks where the raw data of each variable
   lie; frames are written there directly. Whatever changes metadata (more room, trimming, compression) goes into a new file that replaces
   the old one by a rename: at no moment can a kill or a full disk cost a frame. */
#include "io/field_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct NomosFieldFile_s {
  MPI_Comm            comm;
  int                 rank;
  int                 fd;
  NomosFieldFileInput input;    /* a copy */
  NomosFieldPlace    *places;   /* n_variables, and unless it is timeless step, time */
  size_t              capacity; /* frames there is room for */
  size_t              frames;   /* written */
  bool                in_frame, failed;
  bool               *written; /* in this frame */
  double              time;
  int64_t             step;
  NomosFieldSinkFn    sink; /* in place of a file */
  void               *sink_ctx;
};

/* --- a copy of the input ----------------------------------------------------------------------------------------------------- */

/* Every text of an input goes through one function: copying and freeing cannot forget different ones. */
typedef PetscErrorCode (*TextFn)(const char **text);

static PetscErrorCode CopyText(const char **text)
{
  char *copy = NULL;

  PetscFunctionBeginUser;
  PetscCall(PetscStrallocpy(*text, &copy));
  *text = copy;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeText(const char **text)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(*(void **)text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ForEachText(NomosFieldFileInput *input, NomosFieldDim *dims, NomosFieldVariable *variables, NomosFieldAttribute *attributes, TextFn visit)
{
  const char **const globals[] = {&input->path, &input->time_unit, &input->title, &input->source,
                                  &input->references, &input->config_yaml, &input->provenance_json};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) PetscCall(visit(globals[i]));
  for (size_t i = 0; i < input->n_dims; i++) {
    const char **const texts[] = {&dims[i].name, &dims[i].unit, &dims[i].long_name, &dims[i].standard_name, &dims[i].axis};
    for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) PetscCall(visit(texts[j]));
  }
  for (size_t i = 0; i < input->n_variables; i++) {
    const char **const texts[] = {&variables[i].name, &variables[i].unit, &variables[i].long_name, &variables[i].standard_name, &variables[i].flag_meanings};
    for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) PetscCall(visit(texts[j]));
    for (int d = 0; d < NOMOS_FIELD_MAX_DIMS && variables[i].dims[d]; d++) PetscCall(visit(&variables[i].dims[d]));
  }
  for (size_t i = 0; i < input->n_attributes; i++) {
    PetscCall(visit(&attributes[i].variable));
    PetscCall(visit(&attributes[i].name));
    PetscCall(visit(&attributes[i].text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CopyInput(const NomosFieldFileInput *from, NomosFieldFileInput *to)
{
  NomosFieldDim       *dims;
  NomosFieldVariable  *variables;
  NomosFieldAttribute *attributes;

  PetscFunctionBeginUser;
  *to = *from;
  PetscCall(PetscMalloc3(from->n_dims, &dims, from->n_variables, &variables, from->n_attributes, &attributes));
  PetscCall(PetscArraycpy(dims, from->dims, from->n_dims));
  PetscCall(PetscArraycpy(variables, from->variables, from->n_variables));
  PetscCall(PetscArraycpy(attributes, from->attributes, from->n_attributes));
  to->dims       = dims;
  to->variables  = variables;
  to->attributes = attributes;
  PetscCall(ForEachText(to, dims, variables, attributes, CopyText));
  for (size_t i = 0; i < from->n_dims; i++) {
    double *values;
    PetscCall(PetscMalloc1(dims[i].size, &values));
    PetscCall(PetscArraycpy(values, from->dims[i].values, dims[i].size));
    dims[i].values = values;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeInput(NomosFieldFileInput *input)
{
  NomosFieldDim       *dims       = (NomosFieldDim *)input->dims;
  NomosFieldVariable  *variables  = (NomosFieldVariable *)input->variables;
  NomosFieldAttribute *attributes = (NomosFieldAttribute *)input->attributes;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < input->n_dims; i++) PetscCall(PetscFree(*(void **)&dims[i].values));
  PetscCall(ForEachText(input, dims, variables, attributes, FreeText));
  PetscCall(PetscFree3(dims, variables, attributes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- making and replacing the file -------------------------------------------------------------------------------------------- */

static PetscErrorCode Free(NomosFieldFile *file)
{
  PetscFunctionBeginUser;
  if ((*file)->fd >= 0) close((*file)->fd);
  PetscCall(FreeInput(&(*file)->input));
  PetscCall(PetscFree2((*file)->places, (*file)->written));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The definition is checked before it is copied, the same on all ranks. */
static PetscErrorCode New(MPI_Comm comm, const NomosFieldFileInput *input, NomosFieldFile *file)
{
  NomosVerdict     verdict = {0};
  NomosFieldPlace *places;
  double           bytes;
  bool            *written;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc2(input->n_variables + 2, &places, input->n_variables, &written));
  if (!NomosFieldPlan(input, 1, places, &bytes, &verdict)) PetscCall(PetscFree2(places, written));
  PetscCall(NomosVerdictRaise(comm, &verdict));
  PetscCall(PetscNew(file));
  (*file)->comm    = comm;
  (*file)->fd      = -1;
  (*file)->places  = places;
  (*file)->written = written;
  PetscCallMPI(MPI_Comm_rank(comm, &(*file)->rank));
  PetscCall(CopyInput(input, &(*file)->input));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A new file of `capacity` frames takes the place of the old one, with its first file->frames frames and its constants if `keep`. Rank 0.
 */
static bool Replace(NomosFieldFile file, size_t capacity, int compression, bool keep, NomosVerdict *verdict)
{
  const NomosFieldFileInput *input = &file->input;
  char                       temporary[NOMOS_MAX_PATH];
  hid_t                      old = H5I_INVALID_HID, new = H5I_INVALID_HID;

  if (!NomosTemporaryName(input->path, temporary, verdict)) return false;
  if (keep && (old = NomosH5Open(input->path, false, verdict)) < 0) return false;
  new = NomosFieldDefine(temporary, input, capacity, compression, file->places, verdict);
  if (new >= 0 && old >= 0) NomosFieldCopy(old, new, input, file->places, file->frames, input->path, verdict);
  if (new >= 0 && !compression && !verdict->code && !NomosFieldLocate(new, input, file->places)) {
    NomosVerdictFail(verdict, PETSC_ERR_LIB, "%s: HDF5 laid the file out in an unexpected way; please report this with the case",
                     input->path);
  }
  NomosH5Close(old, input->path, verdict);
  NomosH5Close(new, input->path, verdict);
  if (verdict->code) unlink(temporary);
  else NomosRenameDurable(temporary, input->path, verdict);
  return !verdict->code;
}

/* All ranks learn what rank 0 found: where the data lie, how many frames there are. */
static PetscErrorCode Share(NomosFieldFile file, const NomosVerdict *made)
{
  const size_t n       = NomosFieldPlaces(&file->input);
  NomosVerdict verdict = {0};
  int64_t      counts[2];

  PetscFunctionBeginUser;
  PetscCall(NomosVerdictRaise(file->comm, made));
  counts[0] = (int64_t)file->capacity;
  counts[1] = (int64_t)file->frames;
  PetscCallMPI(MPI_Bcast(counts, 2, MPI_INT64_T, 0, file->comm));
  file->capacity = (size_t)counts[0];
  file->frames   = (size_t)counts[1];
  PetscCallMPI(MPI_Bcast(file->places, (PetscMPIInt)(n * sizeof *file->places), MPI_BYTE, 0, file->comm));
  if (file->fd >= 0) close(file->fd);
  file->fd = open(file->input.path, O_RDWR);
  if (file->fd < 0) NomosVerdictFail(&verdict, PETSC_ERR_FILE_OPEN, "%s: cannot open: %s", file->input.path, strerror(errno));
  PetscCall(NomosVerdictRaise(file->comm, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A wish for billions of frames must not fill the disk with room for them; there will be more when needed. */
static size_t FirstCapacity(const NomosFieldFileInput *input, size_t at_least)
{
  return PetscMax(PetscMax(1, at_least), PetscMin(input->capacity, NOMOS_FIELD_MAX_FRAMES_AT_FIRST));
}

static bool CreateOnDisk(NomosFieldFile file, NomosVerdict *verdict)
{
  char   what[64];
  double bytes;

  file->capacity = file->input.timeless ? 0 : FirstCapacity(&file->input, 1);
  if (file->input.timeless) snprintf(what, sizeof what, "room for its arrays");
  else snprintf(what, sizeof what, "room for %zu frames", file->input.capacity);
  if (!NomosFieldPlan(&file->input, file->input.capacity, file->places, &bytes, verdict)) return false;
  if (!NomosSpaceCheck(file->input.path, bytes, what, verdict)) return false;
  return NomosFieldPlan(&file->input, file->capacity, file->places, &bytes, verdict) && Replace(file, file->capacity, 0, false, verdict);
}

PetscErrorCode NomosFieldFileCreate(MPI_Comm comm, const NomosFieldFileInput *input, NomosFieldFile *file)
{
  NomosVerdict   verdict = {0};
  NomosFieldFile made;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  *file = NULL;
  PetscCall(New(comm, input, &made));
  if (made->rank == 0) CreateOnDisk(made, &verdict);
  failed = Share(made, &verdict);
  if (failed) PetscCall(Free(&made));
  PetscCall(failed);
  *file = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldFileCreateSink(NomosFieldSinkFn sink, void *ctx, NomosFieldFile *file)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(file));
  (*file)->comm     = PETSC_COMM_SELF;
  (*file)->fd       = -1;
  (*file)->sink     = sink;
  (*file)->sink_ctx = ctx;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- resuming ----------------------------------------------------------------------------------------------------------------- */

/* Times and steps of all frames there is room for; false without a verdict if memory is short. */
static bool ReadAxis(hid_t h5, size_t *n, double **times, int64_t **steps)
{
  hid_t time = H5Dopen2(h5, "time", H5P_DEFAULT), step = H5Dopen2(h5, "step", H5P_DEFAULT), space = H5Dget_space(time),
        step_space = H5Dget_space(step);
  hsize_t extent, step_extent;
  bool    good;

  H5Sget_simple_extent_dims(space, &extent, NULL);
  H5Sget_simple_extent_dims(step_space, &step_extent, NULL);
  *n     = extent;
  *times = malloc((extent + 1) * sizeof **times);
  *steps = malloc((extent + 1) * sizeof **steps);
  good   = *times && *steps && extent == step_extent && H5Dread(time, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, *times) >= 0 &&
         H5Dread(step, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, *steps) >= 0;
  H5Sclose(step_space);
  H5Sclose(space);
  H5Dclose(step);
  H5Dclose(time);
  return good;
}

static bool SameText(hid_t h5, const char attribute[], const char text[])
{
  char *stored = NomosH5GetText(h5, attribute);
  bool  same   = !strcmp(stored ? stored : "", text ? text : "");

  free(stored);
  return same;
}

/* Frames behind the last step are discarded by their time alone; from the last on, so that frames with a time are always the first ones. */
static bool DropFrames(NomosFieldFile file, const double times[], NomosVerdict *verdict)
{
  const NomosFieldPlace *time      = &file->places[file->input.n_variables + 1];
  const double           unwritten = NAN;
  int                    fd        = open(file->input.path, O_RDWR);
  bool                   good      = fd >= 0;

  for (size_t i = file->capacity; i-- > file->frames && good;) {
    if (!isnan(times[i])) good = NomosPwrite(fd, &unwritten, sizeof unwritten, time->array.base + (int64_t)i * time->frame);
  }
  if (!good) NomosVerdictFail(verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write: %s", file->input.path, strerror(errno));
  if (fd >= 0) close(fd);
  return good;
}

static bool ResumeOnDisk(NomosFieldFile file, int64_t last_step, bool look, NomosVerdict *verdict)
{
  const NomosFieldFileInput *input = &file->input;
  double                    *times = NULL, bytes;
  int64_t                   *steps = NULL;
  char                       temporary[NOMOS_MAX_PATH];
  hid_t                      h5 = NomosH5Open(input->path, false, verdict);

  if (h5 < 0) return false;
  if (NomosTemporaryName(input->path, temporary, verdict) && !look) unlink(temporary);
  if (NomosFieldCheck(h5, input, input->path, verdict) && !input->timeless && !ReadAxis(h5, &file->capacity, &times, &steps))
    NomosH5Fail(verdict, PETSC_ERR_FILE_READ, input->path, "read its time axis");
  if (!verdict->code) {
    while (file->frames < file->capacity && isfinite(times[file->frames]) && steps[file->frames] <= last_step) file->frames++;
    /* The file serves as it is if it has the room, says what this run says, and its data lie where they are expected. */
    const size_t wanted  = input->timeless ? 0 : FirstCapacity(input, file->frames);
    bool         as_is   = file->capacity >= wanted && SameText(h5, "config", input->config_yaml) && SameText(h5, "source", input->source);
    const bool   planned = NomosFieldPlan(input, file->capacity, file->places, &bytes, verdict);
    as_is                = as_is && planned && NomosFieldLocate(h5, input, file->places);
    NomosH5Close(h5, input->path, verdict);
    h5 = H5I_INVALID_HID;
    if (!as_is) {
      file->capacity = wanted;
      if (NomosFieldPlan(input, wanted, file->places, &bytes, verdict) &&
          NomosSpaceCheck(temporary, bytes, "a copy with room to go on", verdict) && !look) {
        Replace(file, wanted, 0, true, verdict);
      }
    } else if (!look) DropFrames(file, times, verdict);
  }
  NomosH5Close(h5, input->path, verdict);
  free(times);
  free(steps);
  return !verdict->code;
}

PetscErrorCode NomosFieldFileResume(MPI_Comm comm, const NomosFieldFileInput *input, int64_t last_step, NomosFieldFile *file)
{
  NomosVerdict   verdict = {0};
  NomosFieldFile made;
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  if (file) *file = NULL;
  PetscCall(New(comm, input, &made));
  if (made->rank == 0) ResumeOnDisk(made, last_step, !file, &verdict);
  failed = Share(made, &verdict);
  if (failed || !file) PetscCall(Free(&made));
  PetscCall(failed);
  if (file) *file = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* --- frames ------------------------------------------------------------------------------------------------------------------- */

/* Twice the room. A failure leaves the file and this object as they were. */
static PetscErrorCode Grow(NomosFieldFile file)
{
  const size_t n        = file->input.n_variables + 2;
  const size_t capacity = file->capacity;
  NomosVerdict verdict  = {0};

  PetscFunctionBeginUser;
  if (file->rank == 0) {
    NomosFieldPlace *old = malloc(n * sizeof *old);
    double           bytes;
    if (!old) NomosVerdictFail(&verdict, PETSC_ERR_MEM, "%s: no memory left", file->input.path);
    else memcpy(old, file->places, n * sizeof *old);
    file->capacity *= 2;
    if (!verdict.code && NomosFieldPlan(&file->input, file->capacity, file->places, &bytes, &verdict))
      Replace(file, file->capacity, 0, true, &verdict);
    if (verdict.code) file->capacity = capacity;
    if (verdict.code && old) memcpy(file->places, old, n * sizeof *old);
    free(old);
  }
  PetscCall(Share(file, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldFileBeginFrame(NomosFieldFile file, double time, int64_t step)
{
  PetscFunctionBeginUser;
  PetscCheck(!file->in_frame, file->comm, PETSC_ERR_ORDER, "%s: a frame was begun and not ended", file->input.path);
  PetscCheck(isfinite(time), file->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: time %g of step %lld is not finite, the frame is not written",
             file->input.path, time, (long long)step);
  if (file->frames == file->capacity) PetscCall(Grow(file));
  PetscCall(PetscArrayzero(file->written, file->input.n_variables));
  file->in_frame = true;
  file->time     = time;
  file->step     = step;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank learns of a failure anywhere; the frame is given up, those before it stay. */
static PetscErrorCode Finish(NomosFieldFile file, const NomosVerdict *verdict)
{
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  failed = NomosVerdictRaise(file->comm, verdict);
  if (failed) {
    file->failed   = true;
    file->in_frame = false;
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldFileWrite(NomosFieldFile file, const char name[], NomosRealType type, const size_t start[], const size_t count[],
                                   const void *data)
{
  NomosVerdict   verdict = {0};
  NomosFileArray array;
  size_t         i = 0;

  PetscFunctionBeginUser;
  if (file->sink) {
    PetscCall(file->sink(name, type, start, count, data, file->sink_ctx));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  while (i < file->input.n_variables && strcmp(file->input.variables[i].name, name)) i++;
  PetscCheck(i < file->input.n_variables, file->comm, PETSC_ERR_ARG_WRONG, "%s has no variable %s", file->input.path, name);
  PetscCheck(file->in_frame || file->places[i].constant, file->comm, PETSC_ERR_ORDER, "%s: %s is written outside a frame; begin one first",
             file->input.path, name);
  array = file->places[i].array;
  if (!file->places[i].constant) array.base += (int64_t)file->frames * file->places[i].frame;
  /* A number without dimensions is the same on all ranks; one writes it. */
  const bool mine = array.n_dims > 0 || file->rank == 0;
  if (NomosBlockCheck(&array, start, count, file->input.path, name, &verdict) && mine &&
      !NomosBlockWrite(file->fd, &array, type, start, count, data)) {
    NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write %s at step %lld: %s", file->input.path, name, (long long)file->step,
                     strerror(errno));
  }
  PetscCall(Finish(file, &verdict));
  file->written[i] = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldFileEndFrame(NomosFieldFile file)
{
  const size_t           n    = file->input.n_variables;
  const NomosFieldPlace *step = &file->places[n], *time = &file->places[n + 1];
  NomosVerdict           verdict = {0};

  PetscFunctionBeginUser;
  PetscCheck(file->in_frame, file->comm, PETSC_ERR_ORDER, "%s: a frame is ended that was not begun", file->input.path);
  for (size_t i = 0; i < n; i++) {
    PetscCheck(file->written[i] || file->places[i].constant, file->comm, PETSC_ERR_ORDER, "%s: the frame of step %lld lacks %s",
               file->input.path, (long long)file->step, file->input.variables[i].name);
  }
  /* Every rank has written its blocks (each write ended with a verdict of all ranks); with its time the frame counts. */
  if (file->rank == 0 && (!NomosPwrite(file->fd, &file->step, sizeof file->step, step->array.base + (int64_t)file->frames * step->frame) ||
                          !NomosPwrite(file->fd, &file->time, sizeof file->time, time->array.base + (int64_t)file->frames * time->frame))) {
    NomosVerdictFail(&verdict, PETSC_ERR_FILE_WRITE, "%s: cannot write step %lld: %s", file->input.path, (long long)file->step,
                     strerror(errno));
  }
  PetscCall(Finish(file, &verdict));
  file->in_frame = false;
  file->frames++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosFieldFileFrames(NomosFieldFile file)
{
  return file->frames;
}

PetscErrorCode NomosFieldFileClose(NomosFieldFile *file)
{
  NomosVerdict   flushed = {0}, trimmed = {0};
  PetscErrorCode failed;

  PetscFunctionBeginUser;
  if (!*file) PetscFunctionReturn(PETSC_SUCCESS);
  NomosFieldFile it          = *file;
  const int      compression = it->input.compression;
  if (it->sink) {
    PetscCall(Free(file));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  /* After a failed write the file stays as it is: valid, its unwritten frames without a time. */
  if (fsync(it->fd) && !it->failed)
    NomosVerdictFail(&flushed, PETSC_ERR_FILE_WRITE, "%s: cannot flush to the disk: %s", it->input.path, strerror(errno));
  failed = NomosVerdictRaise(it->comm, &flushed);
  if (!failed && !it->failed && (it->frames < it->capacity || compression)) {
    if (it->rank == 0) {
      double bytes;
      NomosFieldPlan(&it->input, it->frames, it->places, &bytes, &trimmed);
      if (!Replace(it, it->frames, compression, true, &trimmed)) {
        const size_t length = strlen(trimmed.text);
        snprintf(trimmed.text + length, sizeof trimmed.text - length, "; the file is complete but was not %s",
                 compression ? "compressed" : "trimmed");
      }
    }
    failed = NomosVerdictRaise(it->comm, &trimmed);
  }
  PetscCall(Free(file));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
