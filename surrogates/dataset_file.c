/* Files of a data set: what is in them, blocks, and the cache. */
#include "io/disk.h"
#include "surrogates/dataset_impl.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 20, LARGEST_CHUNK_BYTES = 1 << 26 };

/* ---- which files */

static PetscErrorCode AddFile(const char path[], size_t *n, char ***files)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((*n + 1) * sizeof **files, files));
  PetscCall(PetscStrallocpy(path, &(*files)[*n]));
  (*n)++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDataFiles(const char path[], size_t *n_files, char ***files)
{
  char            file[NOMOS_MAX_PATH + 16];
  struct dirent **entries = NULL;
  int             n;

  PetscFunctionBeginUser;
  *n_files = 0;
  *files   = NULL;
  PetscCheck(path && path[0], PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "data.path is not given: an HDF5 file, a run directory, or a folder of these");
  PetscCheck(strlen(path) < NOMOS_MAX_PATH, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "data.path has more than %d characters; choose a shorter one", NOMOS_MAX_PATH - 1);
  snprintf(file, sizeof file, "%s/fields.nc", path);
  if (NomosIsFile(file) || !NomosIsDirectory(path)) {
    PetscCheck(!access(path, R_OK), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "data: %s cannot be read; give an HDF5 file, a run directory, or a folder of these", path);
    PetscCall(AddFile(NomosIsDirectory(path) ? file : path, n_files, files));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  n = scandir(path, &entries, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    snprintf(file, sizeof file, "%.*s/%s/fields.nc", NOMOS_MAX_PATH / 2, path, entries[i]->d_name);
    if (!NomosIsFile(file) || entries[i]->d_name[0] == '.') snprintf(file, sizeof file, "%.*s/%s", NOMOS_MAX_PATH / 2, path, entries[i]->d_name);
    if (NomosIsFile(file) && (NomosIsHDF5Name(entries[i]->d_name) || strstr(file, "/fields.nc"))) PetscCall(AddFile(file, n_files, files));
    free(entries[i]);
  }
  free(entries);
  snprintf(file, sizeof file, "%s/data", path);
  const bool below = NomosIsDirectory(file);
  PetscCheck(*n_files, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "data: %s holds no run directory and no file *.h5, *.hdf5 or *.nc%s%s%s", path, below ? "; the data that a training made are in its folder data: name " : "", below ? path : "", below ? "/data" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDataFilesVisit(const char path[], NomosDataFileFn visit, void *ctx)
{
  PetscErrorCode code = PETSC_SUCCESS;
  size_t         n;
  char         **files;

  PetscFunctionBeginUser;
  PetscCall(NomosDataFiles(path, &n, &files));
  for (size_t f = 0; f < n; f++) {
    NomosFieldReader reader = NULL;
    if (!code) code = NomosFieldReaderOpen(PETSC_COMM_SELF, files[f], &reader);
    if (!code) code = visit(reader, files[f], ctx);
    PetscCall(NomosFieldReaderClose(&reader));
    PetscCall(PetscFree(files[f]));
  }
  PetscCall(PetscFree(files));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is in them */

PetscErrorCode NomosDatasetOpenFile(NomosDataset d, size_t file)
{
  PetscFunctionBeginUser;
  if (d->reader && d->reader_file == file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderClose(&d->reader));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, d->files[file].path, &d->reader));
  d->reader_file = file;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A constant without a dataset may be a number that the file has as an attribute: the same for all its trajectories (PDEBench's beta and Nu). */
static PetscErrorCode TakeAttribute(NomosDataset d, NomosDatasetFile *file, size_t v, bool *taken)
{
  const NomosDatasetVariable *wanted = &d->input.variables[v];
  char                       *text   = NULL, *end;

  PetscFunctionBeginUser;
  *taken = false;
  if (wanted->constant) PetscCall(NomosFieldReaderAttribute(d->reader, NULL, wanted->name, &text));
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  file->attribute[v] = strtod(text, &end);
  *taken = file->is_attribute[v] = end != text && !*end;
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckHas(NomosDataset d, NomosDatasetFile *file, size_t v)
{
  const char *name = d->input.variables[v].name;
  bool        has;
  char        list[200];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(d->reader, name, &has));
  if (!has) PetscCall(TakeAttribute(d, file, v, &has));
  if (has) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no dataset %s%s; it has %s: name one of these, or make the file anew", file->path, name, d->input.variables[v].constant ? ", and no attribute of this name that is a number" : "", NomosFieldReaderNames(d->reader, true, list));
}

/* The row of a variable in this file, full and thinned; of the first file it is taken, of the others compared. */
static PetscErrorCode TakeRow(NomosDataset d, const NomosDatasetFile *file, size_t v, int n_axes, const size_t axes[])
{
  const NomosDatasetVariable *wanted = &d->input.variables[v];
  NomosRow                   *row    = &d->rows[v], found = {.frames = !wanted->constant && (file->is_run || d->input.frames), .n_axes = n_axes, .first_space = wanted->first_space, .n_space = wanted->n_space, .n_full = 1, .n = 1};
  char                        here[128], there[128];
  const bool                  timeless = found.frames && !file->is_run && wanted->first_space + wanted->n_space == n_axes + 1; /* or so it looks */

  PetscFunctionBeginUser;
  NomosCheck(wanted->first_space + wanted->n_space <= n_axes, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has rows of shape %s; the learning problem takes axes %d to %d of it for space%s", file->path, wanted->name, NomosShapeText(n_axes, axes, here), wanted->first_space, wanted->first_space + wanted->n_space - 1, timeless ? ", behind those of trajectories and time: if it has no time, add an axis of time of length 1" : "");
  snprintf(found.name, sizeof found.name, "%s", wanted->name);
  for (int i = 0; i < n_axes; i++) {
    const size_t every = i >= wanted->first_space && i < wanted->first_space + wanted->n_space ? d->input.space_every : 1;
    found.full[i]      = axes[i];
    found.shape[i]     = (axes[i] + every - 1) / every;
    found.n_full *= found.full[i];
    found.n *= found.shape[i];
  }
  NomosCheck(found.n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is empty: its rows have the shape %s", file->path, wanted->name, NomosShapeText(n_axes, axes, here));
  if (file == d->files) *row = found;
  bool same = row->n_axes == found.n_axes && row->frames == found.frames;
  for (int i = 0; same && i < n_axes; i++) same = row->full[i] == found.full[i];
  NomosCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: rows of %s have the shape %s%s, in %s %s%s; all files of a data set must be alike", file->path, wanted->name, NomosShapeText(n_axes, axes, here), found.frames ? " a frame" : "", d->files[0].path, NomosShapeText(row->n_axes, row->full, there), row->frames ? " a frame" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A variable with frames over an axis called time is a run's. Constants alone lie over trajectories. */
static PetscErrorCode TellRun(NomosDataset d, NomosDatasetFile *file)
{
  PetscFunctionBeginUser;
  for (size_t v = 0; v < d->n_variables; v++) {
    size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
    int         n_dims;
    const char *dim = "";
    PetscCall(CheckHas(d, file, v));
    if (d->input.variables[v].constant) continue;
    PetscCall(NomosFieldReaderShape(d->reader, d->input.variables[v].name, &n_dims, shape));
    if (n_dims) PetscCall(NomosFieldReaderDimName(d->reader, d->input.variables[v].name, 0, &dim));
    if (!strcmp(dim, "time")) file->is_run = true;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A field over trajectories and space alone, or of a run over space alone, beside others that have time: a coefficient, a force. */
static PetscErrorCode TellSteady(NomosDataset d, NomosDatasetFile *file)
{
  int n_dims[NOMOS_DATASET_MAX_VARIABLES] = {0}, most = 0;

  PetscFunctionBeginUser;
  for (size_t v = 0; v < d->n_variables; v++) {
    size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
    if (file->is_attribute[v] || d->input.variables[v].constant || !(file->is_run || d->input.frames)) continue;
    PetscCall(NomosFieldReaderShape(d->reader, d->input.variables[v].name, &n_dims[v], shape));
    most = PetscMax(most, n_dims[v]);
  }
  for (size_t v = 0; v < d->n_variables; v++) {
    const int n_space = d->input.variables[v].n_space;
    file->is_steady[v] = n_dims[v] && n_space && most == 2 - file->is_run + n_space && n_dims[v] == most - 1;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The trajectories and frames of a file, and the rows of its variables. */
static PetscErrorCode LookInto(NomosDataset d, size_t number)
{
  NomosDatasetFile *file   = &d->files[number];
  size_t            frames = 0;
  const char       *counts_frames = "", *counts_trajectories = "";
  bool              any_steady = false;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetOpenFile(d, number));
  PetscCall(TellRun(d, file));
  PetscCall(TellSteady(d, file));
  for (size_t v = 0; v < d->n_variables; v++) {
    const char *name        = d->input.variables[v].name;
    const bool  with_frames = !d->input.variables[v].constant && (file->is_run || d->input.frames) && !file->is_steady[v];
    size_t      shape[NOMOS_FIELD_MAX_DIMS + 1] = {0};
    int         n_dims, axis = 0;
    char        text[128];
    if (file->is_attribute[v]) {
      PetscCall(TakeRow(d, file, v, 0, shape));
      continue;
    }
    if (!d->input.variables[v].constant) PetscCall(NomosDatasetCheckAxes(d, file, v, with_frames));
    PetscCall(NomosDatasetTakeUnit(d, number, v, name));
    PetscCall(NomosFieldReaderShape(d->reader, name, &n_dims, shape));
    NomosCheck(n_dims >= !file->is_run + with_frames, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has the shape %s; it needs %s%s%s before its own axes", file->path, name, NomosShapeText(n_dims, shape, text), file->is_run ? "" : "an axis of trajectories", !file->is_run && with_frames ? " and " : "", with_frames ? "an axis of time" : "");
    if (!file->is_run) {
      const size_t n = shape[axis++];
      NomosCheck(n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is empty: there is no trajectory in it", file->path, name);
      if (!file->n_trajectories) counts_trajectories = name, file->n_trajectories = n;
      NomosCheck(n == file->n_trajectories, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %zu trajectories, %s has %zu; the leading axes must agree", file->path, name, n, counts_trajectories, file->n_trajectories);
    } else file->n_trajectories = 1;
    if (with_frames) {
      size_t n = shape[axis++];
      if (file->is_run) PetscCall(NomosFieldReaderFrames(d->reader, &n)); /* those written */
      NomosCheck(n, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is empty: there is no frame in it", file->path, name);
      if (!frames) counts_frames = name, frames = n;
      NomosCheck(n == frames, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %zu frames, %s has %zu; they must agree", file->path, name, n, counts_frames, frames);
    }
    any_steady = any_steady || file->is_steady[v];
    PetscCall(TakeRow(d, file, v, n_dims - axis, shape + axis));
  }
  file->all_frames = frames;
  file->from_zero = frames == 1 && any_steady && !file->is_run && !d->input.never_from_zero;
  frames += file->from_zero;
  NomosCheck(file->n_trajectories, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: what is read of it are attributes alone; name a dataset over its trajectories too", file->path);
  if (!frames) file->n_frames = 1; /* entries of the leading axis */
  else {
    NomosCheck(frames > d->input.first_frame, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "data.first_frame = %zu, but %s has %zu frames; choose a smaller one", d->input.first_frame, file->path, frames);
    file->n_frames = (frames - d->input.first_frame + d->input.every - 1) / d->input.every;
    if (d->input.most_frames) file->n_frames = PetscMin(file->n_frames, d->input.most_frames);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- blocks */

size_t NomosDatasetBlockOffset(NomosDataset d, const NomosDatasetBlock *block, size_t variable)
{
  size_t offset = 0;

  for (size_t v = 0; v < variable; v++) offset += block->n_trajectories * (d->rows[v].frames ? block->n_frames : 1) * d->rows[v].n;
  return offset;
}

/* About BLOCK_BYTES: several trajectories, or a part of one; whole chunks of the file where these are not too large. */
static PetscErrorCode ChooseBlocks(NomosDataset d, size_t number)
{
  NomosDatasetFile *file = &d->files[number];
  size_t            frame = 0, rest = 0, chunk_trajectories = 1, chunk_frames = 1;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetOpenFile(d, number));
  for (size_t v = 0; v < d->n_variables; v++) {
    size_t chunk[NOMOS_FIELD_MAX_DIMS + 1];
    bool   chunked;
    *(d->rows[v].frames ? &frame : &rest) += d->rows[v].n * sizeof(double);
    if (file->is_attribute[v]) continue;
    PetscCall(NomosFieldReaderChunk(d->reader, d->rows[v].name, &chunked, chunk));
    if (!chunked) continue;
    if (!file->is_run) chunk_trajectories = PetscMax(chunk_trajectories, chunk[0]);
    if (d->rows[v].frames && !file->is_steady[v]) chunk_frames = PetscMax(chunk_frames, (chunk[file->is_run ? 0 : 1] + d->input.every - 1) / d->input.every);
  }
  const size_t trajectory  = frame * file->n_frames + rest;
  file->block_frames       = file->n_frames;
  file->block_trajectories = PetscMax(1, PetscMin(file->n_trajectories, BLOCK_BYTES / trajectory));
  if (trajectory > BLOCK_BYTES && frame) {
    file->block_frames = PetscMin(file->n_frames, PetscMax(1, BLOCK_BYTES / frame));
    const size_t whole = (file->block_frames + chunk_frames - 1) / chunk_frames * chunk_frames;
    if (whole * frame <= LARGEST_CHUNK_BYTES) file->block_frames = PetscMin(whole, file->n_frames);
  }
  const size_t whole = (file->block_trajectories + chunk_trajectories - 1) / chunk_trajectories * chunk_trajectories;
  if (file->block_frames == file->n_frames && whole * trajectory <= LARGEST_CHUNK_BYTES) file->block_trajectories = PetscMin(whole, file->n_trajectories);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ListBlocks(NomosDataset d)
{
  size_t n = 0;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < d->n_files; f++) {
    NomosDatasetFile *file = &d->files[f];
    file->first_block      = n;
    n = NomosDatasetBlockOf(file, file->n_trajectories - 1, file->n_frames - 1) + 1;
  }
  d->n_blocks = n;
  PetscCall(PetscMalloc2(n, &d->blocks, n, &d->slot_of));
  for (size_t f = 0, b = 0; f < d->n_files; f++) {
    const NomosDatasetFile *file = &d->files[f];
    for (size_t t = 0; t < file->n_trajectories; t += file->block_trajectories) {
      for (size_t k = 0; k < file->n_frames; k += file->block_frames, b++) {
        NomosDatasetBlock *block = &d->blocks[b];
        *block = (NomosDatasetBlock){.file = f, .trajectory = t, .n_trajectories = PetscMin(file->block_trajectories, file->n_trajectories - t), .frame = k, .n_frames = PetscMin(file->block_frames, file->n_frames - k)};
        block->n      = NomosDatasetBlockOffset(d, block, d->n_variables);
        d->largest    = PetscMax(d->largest, block->n);
        d->slot_of[b] = -1;
      }
    }
  }
  /* Small data are held whole. */
  const double slots = d->input.cache_bytes / ((double)d->largest * sizeof(double));
  d->n_slots         = (size_t)PetscMax(1, PetscMin(slots, (double)n));
  PetscCall(PetscCalloc1(d->n_slots, &d->slots));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* So many trajectories as are asked for: the same part of every file, since files often differ in a parameter; its first ones. Files without any are left out. */
static PetscErrorCode ShareOut(NomosDataset d)
{
  size_t all = 0, before = 0, n_files = 0;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < d->n_files; f++) all += d->files[f].n_trajectories;
  const size_t wanted = d->input.n_trajectories && d->input.n_trajectories < all ? d->input.n_trajectories : all;
  for (size_t f = 0; f < d->n_files; f++) {
    NomosDatasetFile *file = &d->files[f];
    const size_t      n    = file->n_trajectories;
    file->n_trajectories   = (before + n) * wanted / all - before * wanted / all;
    file->first_trajectory = d->n_trajectories;
    d->n_trajectories += file->n_trajectories;
    before += n;
    if (!file->n_trajectories) PetscCall(PetscFree(file->path));
    else d->files[n_files++] = *file;
  }
  d->n_files = n_files;
  PetscCall(NomosFieldReaderClose(&d->reader)); /* their numbers are others now */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetFindFiles(NomosDataset d)
{
  char **paths;

  PetscFunctionBeginUser;
  PetscCall(NomosDataFiles(d->input.path, &d->n_files, &paths));
  PetscCall(PetscCalloc1(d->n_files, &d->files));
  for (size_t f = 0; f < d->n_files; f++) d->files[f].path = paths[f];
  PetscCall(PetscFree(paths));
  for (size_t f = 0; f < d->n_files; f++) PetscCall(LookInto(d, f));
  PetscCall(ShareOut(d));
  for (size_t f = 0; f < d->n_files; f++) PetscCall(ChooseBlocks(d, f));
  PetscCall(ListBlocks(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetFreeFiles(NomosDataset d)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderClose(&d->reader));
  for (size_t f = 0; f < d->n_files; f++) PetscCall(PetscFree(d->files[f].path));
  for (size_t s = 0; d->slots && s < d->n_slots; s++) PetscCall(PetscFree(d->slots[s].values));
  PetscCall(PetscFree(d->files));
  PetscCall(PetscFree(d->slots));
  PetscCall(PetscFree2(d->blocks, d->slot_of));
  PetscCall(PetscFree(d->scratch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reading */

/* Every space_every-th point of the axes of space. */
static void Thin(const NomosRow *row, size_t every, const double *from, double *to)
{
  size_t index[NOMOS_DATASET_MAX_AXES] = {0};

  if (row->n == row->n_full) {
    memcpy(to, from, row->n * sizeof *to);
    return;
  }
  for (size_t i = 0; i < row->n; i++) {
    size_t at = 0;
    for (int a = 0; a < row->n_axes; a++) at = at * row->full[a] + index[a] * (a >= row->first_space && a < row->first_space + row->n_space ? every : 1);
    to[i] = from[at];
    for (int a = row->n_axes - 1; a >= 0 && ++index[a] == row->shape[a]; a--) index[a] = 0;
  }
}

static PetscErrorCode ReadVariable(NomosDataset d, const NomosDatasetBlock *block, size_t v, double *to)
{
  const NomosDatasetFile *file   = &d->files[block->file];
  const NomosRow         *row    = &d->rows[v];
  const size_t            frames = row->frames ? block->n_frames : 1, together = d->input.every == 1 && !file->from_zero && !file->is_steady[v] ? frames : 1, n = block->n_trajectories * together * row->n_full;

  PetscFunctionBeginUser;
  if (file->is_attribute[v]) {
    for (size_t t = 0; t < block->n_trajectories; t++) to[t] = file->attribute[v];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (d->n_scratch < n) {
    PetscCall(PetscFree(d->scratch));
    PetscCall(PetscMalloc1(n, &d->scratch));
    d->n_scratch = n;
  }
  for (size_t k = 0; k < frames; k += together) {
    const size_t frame = d->input.first_frame + (block->frame + k) * d->input.every;
    size_t       start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1];
    int          axis = 0;
    if (!file->is_run) {
      start[axis]   = block->trajectory;
      count[axis++] = block->n_trajectories;
    }
    if (row->frames && !file->is_steady[v]) {
      start[axis]   = frame - (file->from_zero && frame);
      count[axis++] = together;
    }
    for (int a = 0; a < row->n_axes; a++) count[axis++] = row->full[a];
    if (!file->is_steady[v] || !k) PetscCall(NomosFieldReaderRead(d->reader, row->name, start, count, d->scratch));
    if (file->from_zero && !frame && row->frames && !file->is_steady[v]) memset(d->scratch, 0, n * sizeof *d->scratch);
    for (size_t t = 0; t < block->n_trajectories; t++)
      for (size_t g = 0; g < together; g++) Thin(row, d->input.space_every, d->scratch + (t * together + g) * row->n_full, to + (t * frames + k + g) * row->n);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDatasetGetBlock(NomosDataset d, size_t number, const double **values)
{
  const NomosDatasetBlock *block = &d->blocks[number];
  NomosSlot        *slot;

  PetscFunctionBeginUser;
  if (d->slot_of[number] < 0) {
    size_t oldest = 0;
    for (size_t s = 0; s < d->n_slots && d->slots[oldest].values; s++)
      if (!d->slots[s].values || d->slots[s].used < d->slots[oldest].used) oldest = s;
    slot = &d->slots[oldest];
    if (!slot->values) PetscCall(PetscMalloc1(d->largest, &slot->values));
    else if (slot->block != SIZE_MAX) d->slot_of[slot->block] = -1;
    slot->block = SIZE_MAX; /* nobody's, should the read fail */
    PetscCall(NomosDatasetOpenFile(d, block->file));
    for (size_t v = 0; v < d->n_variables; v++) PetscCall(ReadVariable(d, block, v, slot->values + NomosDatasetBlockOffset(d, block, v)));
    slot->block        = number;
    d->slot_of[number] = (int)oldest;
  }
  slot       = &d->slots[d->slot_of[number]];
  slot->used = ++d->n_reads;
  *values    = slot->values;
  PetscFunctionReturn(PETSC_SUCCESS);
}
