/* Frames from HDF5 files: where trajectories, times and points are in them, and blocks of frames that are read at once. */
#include "surrogates/discovery/frames.h"

#include "io/ends.h"
#include "io/field_file.h"
#include "io/unit.h"
#include "surrogates/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 20, MAX_FIELDS = 16 };

/* A dataset, and the entry along the axis before space that is meant (-1: there is no such axis). */
typedef struct {
  char name[NOMOS_MAX_NAME];
  long entry;
} Variable;

typedef struct {
  NomosFramesInput input;
  char             where[256];
  size_t           n_files, n_variables; /* of these the mask is the last, if there is one */
  char           **files;
  bool             mask;
  Variable         variables[MAX_FIELDS + 1];
  int (*n_lead)[MAX_FIELDS + 1];     /* (n_files)(n_variables) axes before space and entry: (time) or (trajectory, time); 0: a mask of space alone */
  size_t          *first_trajectory; /* (n_files + 1) */
  NomosFrames      frames;           /* what is found out: shape, trajectories, times */
  size_t           n_trajectories, *n_frames, points;
  double         **times;
  NomosFieldReader reader; /* of the file opened last */
  size_t           reader_file;
  size_t           block_frames, block_trajectory, block_first, block_n; /* frames in memory, as in the file */
  double         **block;                                               /* (n_variables)(block_frames, points) */
} Files;

static PetscErrorCode OpenFile(Files *f, size_t file)
{
  PetscFunctionBeginUser;
  if (f->reader && f->reader_file == file) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderClose(&f->reader));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, f->files[file], &f->reader));
  f->reader_file = file;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* "q[1]": entry 1. */
static PetscErrorCode ParseName(Files *f, const char text[], Variable *variable)
{
  const char  *bracket = strchr(text, '[');
  const size_t length  = bracket ? (size_t)(bracket - text) : strlen(text);
  char        *end     = NULL;

  PetscFunctionBeginUser;
  variable->entry = bracket ? strtol(bracket + 1, &end, 10) : -1;
  PetscCheck(length && length < sizeof variable->name && (!bracket || (end > bracket + 1 && !strcmp(end, "]") && variable->entry >= 0)), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: '%s' names no dataset: write name, or name[2] for the third entry along the axis before space", f->where, text);
  snprintf(variable->name, sizeof variable->name, "%.*s", (int)length, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckHas(Files *f, const char path[], const char name[])
{
  bool has;
  char list[200];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(f->reader, name, &has));
  if (has) PetscFunctionReturn(PETSC_SUCCESS);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no dataset %s; it has %s; say which one is meant (data.variables, data.time, data.mask)", f->where, path, name, NomosFieldReaderNames(f->reader, true, list));
}

/* What values of a coordinate are to be multiplied with: lengths and times become SI, other units and none stay as they are; but what counts from a date is a time. */
static PetscErrorCode ReadFactor(Files *f, const char path[], const char name[], double *factor)
{
  static const NomosUnit metre = {1, {[NOMOS_UNIT_METRE] = 1}}, second = {1, {[NOMOS_UNIT_SECOND] = 1}};
  char                  *text, unit[NOMOS_MAX_NAME], message[256] = "that is no time";
  NomosUnit              read;

  PetscFunctionBeginUser;
  *factor = 1;
  PetscCall(NomosFieldReaderAttribute(f->reader, name, "units", &text));
  const bool since = NomosUnitOfFile(text, unit), known = NomosUnitRead(unit, &read, sizeof message, message), time = known && NomosUnitSame(&read, &second);
  PetscCall(PetscFree(text));
  PetscCheck(time || !since, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s counts '%s' since a date (the attribute units), and %s; write it in another unit of time, s, h or day, or give the time from frame to frame (data.time_step)", f->where, path, name, unit, message);
  if (time || (known && NomosUnitSame(&read, &metre))) *factor = read.factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Whether a dataset that is no field is a list of n numbers: what may be the coordinates of an axis that has no scale. */
static PetscErrorCode IsList(Files *f, const char name[], size_t n, bool *is)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(f->reader, name, is));
  for (size_t v = 0; v < f->n_variables; v++) *is = *is && strcmp(name, f->variables[v].name);
  if (!*is) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(f->reader, name, &n_dims, shape));
  *is = n_dims == 1 && shape[0] == n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coordinates of an axis: the scale attached to it, else a dataset of the axis' usual name that fits (NULL: none does); "" if there is none. */
static PetscErrorCode FindCoordinates(Files *f, const char name[], int axis, const char usual[], size_t n, const char **coordinates)
{
  bool has = false;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderDimName(f->reader, name, axis, coordinates));
  if ((*coordinates)[0]) PetscCall(NomosFieldReaderHas(f->reader, *coordinates, &has));
  else if (usual) {
    PetscCall(IsList(f, usual, n, &has));
    if (has) *coordinates = usual;
  }
  if (!has) *coordinates = "";
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dataset of the times; NULL if there is none. */
static PetscErrorCode FindTimes(Files *f, const char path[], const char **name)
{
  static const char *const usual[] = {"time", "t"};
  bool                     has     = false;

  PetscFunctionBeginUser;
  *name = f->input.time && f->input.time[0] ? f->input.time : NULL;
  if (*name) PetscCall(CheckHas(f, path, *name));
  for (int i = 0; !*name && i < 2; i++) {
    PetscCall(NomosFieldReaderHas(f->reader, usual[i], &has));
    if (has) *name = usual[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which axis of a dataset is time, 0 or, after one of trajectories, 1: the one whose scale is called so; without scales the one that is as long as the times are. */
static PetscErrorCode FindTimeAxis(Files *f, const char path[], const Variable *variable, int n_dims, const size_t shape[], int *time_axis)
{
  const int   n_axes = n_dims - (variable->entry >= 0);
  const char *name = variable->name, *times, *scales[2] = {"", ""}, *coordinates;
  size_t      n_times[NOMOS_FIELD_MAX_DIMS + 1] = {0};
  int         n_times_dims                      = 0;
  bool        fits[2]                           = {false}, is;

  PetscFunctionBeginUser;
  PetscCheck(n_axes >= 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has no axis of time", f->where, path, name);
  PetscCall(FindTimes(f, path, &times));
  for (int a = 0; a < PetscMin(n_axes, 2); a++) {
    PetscCall(NomosFieldReaderDimName(f->reader, name, a, &scales[a]));
    *time_axis = a;
    if (scales[a][0] && (!strcmp(scales[a], f->input.time && f->input.time[0] ? f->input.time : "time") || !strcmp(scales[a], "t"))) PetscFunctionReturn(PETSC_SUCCESS);
  }
  *time_axis = 0;
  if (n_axes <= 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(!scales[0][0], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the first axis of %s is called '%s' and not time, so that axes cannot be told apart; give the name of the times (data.time), or the length of the domain (data.length), one number for each axis of space", f->where, path, name, scales[0]);
  PetscCheck(times, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has %d axes, and nothing says which one is time: there is no dataset time or t of that length; name the one with the times (data.time), or where axes are of space give the length of the domain (data.length), one number for each of them", f->where, path, name, n_axes);
  PetscCall(NomosFieldReaderShape(f->reader, times, &n_times_dims, n_times));
  for (int a = 0; a < 2; a++) fits[a] = !scales[a][0] && n_times_dims == 1 && n_times[0] == shape[a];
  if (n_times_dims == 2) fits[1] = n_times[0] == shape[0] && n_times[1] == shape[1];
  NomosCheck(fits[0] || fits[1], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: no axis of %s, of %zu and %zu entries, is as long as the %zu times of %s; the axes are (time, space) or (trajectory, time, space)", f->where, path, name, shape[0], shape[1], n_times[n_times_dims - 1], times);
  if (fits[0] && fits[1]) { /* as many trajectories or points as times: coordinates of space decide */
    is = n_axes <= 3;
    for (int a = 1; is && a < n_axes; a++) {
      PetscCall(FindCoordinates(f, name, a + (variable->entry >= 0), a == n_axes - 1 ? "x" : "y", shape[a + (variable->entry >= 0)], &coordinates));
      is = coordinates[0];
    }
    PetscCheck(is, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the first two axes of %s are both as long as %s, so that axes cannot be told apart; where the first one is time give the length of the domain (data.length), one number for each axis of space; where it is that of trajectories let %s be over (trajectory, time)", f->where, path, name, times, times);
    fits[1] = false;
  }
  *time_axis = fits[1];
  if (*time_axis == 0 || n_axes > 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(IsList(f, "x", shape[0], &is));
  PetscCheck(!is || n_times_dims == 2, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the first axis of %s is as long as x, the second one as %s; write it over (time, x)", f->where, path, name, times);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Axes that have names are called what they are taken for, or something else. */
static PetscErrorCode CheckNames(Files *f, const char path[], const Variable *variable, int n_dims, int n_lead)
{
  enum { TRAJECTORIES, TIME, SPACE };
  static const char *const words[] = {"trajectories", "time", "space"};
  const bool               named   = f->input.time && f->input.time[0];
  const char              *scale;

  PetscFunctionBeginUser;
  for (int a = 0; a < n_dims; a++) {
    if (variable->entry >= 0 && a == n_lead) continue;
    const int taken = a + 1 < n_lead ? TRAJECTORIES : a < n_lead ? TIME : SPACE;
    int       is    = taken;
    PetscCall(NomosFieldReaderDimName(f->reader, variable->name, a, &scale));
    if (named ? !strcmp(scale, f->input.time) : !strcmp(scale, "time") || !strcmp(scale, "t")) is = TIME;
    else if (!strcmp(scale, "trajectory")) is = TRAJECTORIES;
    else if (!strcmp(scale, "x") || !strcmp(scale, "y") || !strcmp(scale, "z")) is = SPACE;
    PetscCheck(is == taken, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: axis %d of %s is called '%s', and it would be taken for that of %s; the axes are (time, space) or (trajectory, time, space): write it in this order", f->where, path, a, variable->name, scale, words[taken]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points along an axis of space. */
static PetscErrorCode ReadAxis(Files *f, const char path[], const char name[], int axis, int d, size_t n, double *length, double *origin)
{
  const char *scale, *usual = d == f->input.n_dims - 1 ? "x" : "y";
  double     *x, factor;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims;

  PetscFunctionBeginUser;
  *length = f->input.length[d];
  *origin = 0;
  if (*length > 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FindCoordinates(f, name, axis, usual, n, &scale));
  NomosCheck(scale[0], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: axis %d of %s has no coordinates; give the length of the domain (data.length), or a dataset %s with its %zu points", f->where, path, axis, name, usual, n);
  PetscCall(NomosFieldReaderShape(f->reader, scale, &n_dims, shape));
  NomosCheck(n_dims == 1 && shape[0] == n && n > 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s does not hold the %zu coordinates of axis %d of %s", f->where, path, scale, n, axis, name);
  PetscCall(ReadFactor(f, path, scale, &factor));
  PetscCall(PetscMalloc1(n, &x));
  PetscErrorCode code = NomosFieldReaderRead(f->reader, scale, (size_t[]){0}, shape, x);
  const double   step = (x[n - 1] - x[0]) / (double)(n - 1);
  const bool     even = step > 0 && NomosCoordinatesEven(n, x, step);
  *length = (double)n * step * factor;
  *origin = x[0] * factor;
  PetscCall(PetscFree(x));
  PetscCall(code);
  PetscCheck(even, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the coordinates %s are not evenly spaced and ascending; interpolate the data to such", f->where, path, scale);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points of variable v along an axis of space: of the very first they are those of all; the others must have the same, as far as they say any. */
static PetscErrorCode ReadPoints(Files *f, const char path[], size_t v, int axis, int d, size_t n)
{
  NomosFrames *frames = &f->frames;
  const char  *name = f->variables[v].name, *letter = d == f->input.n_dims - 1 ? "x" : "y", *own;
  const bool   first = f->n_trajectories == 0 && v == 0;
  double       length, origin;

  PetscFunctionBeginUser;
  if (first) frames->n[d] = n;
  NomosCheck(n == frames->n[d], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has %zu points along %s, %s has %zu in %s; all grids must be the same", f->where, path, name, n, letter, f->variables[0].name, frames->n[d], f->files[0]);
  PetscCall(FindCoordinates(f, name, axis, NULL, n, &own));
  if (v && !own[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadAxis(f, path, name, axis, d, n, &length, &origin));
  if (first) {
    frames->length[d] = length;
    frames->origin[d] = origin;
  }
  const double end = frames->origin[d] + frames->length[d], tolerance = NomosCoordinateTolerance(frames->length[d] / (double)n, fmax(fabs(frames->origin[d]), fabs(end)));
  NomosCheck(fabs(origin - frames->origin[d]) <= tolerance && fabs(origin + length - end) <= tolerance, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the points of %s along %s begin at %.8g and lie %.8g apart, those of %s in %s begin at %.8g and lie %.8g apart; all grids must be the same: interpolate the data to one", f->where, path, name, letter, origin, length / (double)n, f->variables[0].name, f->files[0], frames->origin[d], frames->length[d] / (double)n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lead axes of a dataset, and whether its space is that of the others; of the first one it is taken. */
static PetscErrorCode ReadShape(Files *f, size_t file, size_t v, size_t lead[2])
{
  const char   *path     = f->files[file];
  Variable     *variable = &f->variables[v];
  const bool    mask     = f->mask && v + 1 == f->n_variables;
  size_t        shape[NOMOS_FIELD_MAX_DIMS + 1];
  int           n_dims;

  PetscFunctionBeginUser;
  PetscCall(CheckHas(f, path, variable->name));
  PetscCall(NomosFieldReaderShape(f->reader, variable->name, &n_dims, shape));
  if (f->input.n_dims < 0) {
    int time_axis = 0;
    PetscCall(FindTimeAxis(f, path, variable, n_dims, shape, &time_axis));
    f->input.n_dims = f->frames.n_dims = n_dims - 1 - time_axis - (variable->entry >= 0);
  }
  NomosCheck(f->input.n_dims >= 0 && f->input.n_dims <= 2, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has %d axes of space; at most 2 are possible (name[i] takes an entry of an axis before space)", f->where, path, variable->name, f->input.n_dims);
  const int n_lead = n_dims - f->input.n_dims - (variable->entry >= 0);
  NomosCheck(n_lead == 1 || n_lead == 2 || (mask && n_lead == 0), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has %d axes; (time%s%s) are needed, or one of trajectories before these, and name[i] if there are layers", f->where, path, variable->name, n_dims, variable->entry >= 0 ? ", entry" : "", f->input.n_dims == 0 ? "" : f->input.n_dims == 1 ? ", x" : ", y, x");
  if (n_lead < 2) lead[0] = 1;
  for (int d = 0; d < n_lead; d++) lead[2 - n_lead + d] = shape[d];
  NomosCheck(variable->entry < 0 || (size_t)variable->entry < shape[n_lead], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has %zu entries before space; %ld counts from 0", f->where, path, variable->name, shape[n_lead], variable->entry);
  PetscCall(CheckNames(f, path, variable, n_dims, n_lead));
  f->n_lead[file][v] = n_lead;
  for (int d = 0, axis = n_lead + (variable->entry >= 0); d < f->input.n_dims; d++, axis++) PetscCall(ReadPoints(f, path, v, axis, d, shape[axis]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Times of a trajectory as in the file; *n of them are finite from the beginning on. */
static PetscErrorCode ReadTimes(Files *f, const char path[], size_t trajectory, size_t n_file, double t[], size_t *n)
{
  const char *name;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims;
  double      factor;

  PetscFunctionBeginUser;
  *n = n_file;
  PetscCall(FindTimes(f, path, &name));
  if (!name || f->input.time_step > 0) {
    NomosCheck(f->input.time_step > 0, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no dataset time or t; name it (data.time), or give the time from frame to frame (data.time_step)", f->where, path);
    for (size_t i = 0; i < n_file; i++) t[i] = (double)i * f->input.time_step;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosFieldReaderShape(f->reader, name, &n_dims, shape));
  NomosCheck((n_dims == 1 || n_dims == 2) && shape[n_dims - 1] == n_file, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s does not hold the times of the %zu frames of %s", f->where, path, name, n_file, f->variables[0].name);
  if (n_dims == 1) PetscCall(NomosFieldReaderRead(f->reader, name, (size_t[]){0}, (size_t[]){n_file}, t));
  else PetscCall(NomosFieldReaderRead(f->reader, name, (size_t[]){trajectory, 0}, (size_t[]){1, n_file}, t));
  PetscCall(ReadFactor(f, path, name, &factor));
  for (*n = 0; *n < n_file && isfinite(t[*n]);) t[(*n)++] *= factor;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddTrajectory(Files *f, const char path[], size_t trajectory, size_t n_file)
{
  const size_t every = f->input.every, i = f->n_trajectories;
  size_t       n, taken = 0;
  double      *t;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_file + 1, &t));
  PetscCall(PetscRealloc((i + 1) * sizeof *f->times, &f->times));
  PetscCall(PetscRealloc((i + 1) * sizeof *f->n_frames, &f->n_frames));
  f->times[i] = t;
  f->n_trajectories++;
  PetscCall(ReadTimes(f, path, trajectory, n_file, t, &n));
  for (size_t frame = f->input.first_frame; frame < n && (!f->input.max_frames || taken < f->input.max_frames); frame += every) t[taken++] = t[frame];
  NomosCheck(taken, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s has %zu frames; %zu are to be left out at first (data.first_frame)", f->where, path, n, f->input.first_frame);
  for (size_t k = 0; k + 1 < taken; k++) NomosCheck(t[k + 1] > t[k], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: times do not ascend: frame %zu is at %g, the next one at %g", f->where, path, f->input.first_frame + k * every, t[k], t[k + 1]);
  f->n_frames[i] = taken;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the file say that an axis of space is not periodic? */
static PetscErrorCode ReadEnds(Files *f)
{
  static const char *const axes[] = {"x", "y"};
  NomosEnds                ends;

  PetscFunctionBeginUser;
  PetscCall(NomosEndsRead(f->reader, (size_t)f->input.n_dims, axes, &ends));
  for (int side = 0; side < 2 * f->input.n_dims; side++) {
    const char *boundary = NomosEndsOf(&ends, axes[side / 2], side % 2);
    f->frames.open       = f->frames.open || (boundary && !NomosEndsAlike(boundary, "periodic"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lists of a number for each trajectory, with the key that it was set by (as sweeps write them). Seeds differ by their nature. */
static PetscErrorCode FindVarying(Files *f, size_t n)
{
  const char *const *names;
  size_t             n_names;
  double            *values;

  PetscFunctionBeginUser;
  if (n < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderConstants(f->reader, &n_names, &names));
  PetscCall(PetscMalloc1(n, &values));
  for (size_t k = 0; k < n_names; k++) {
    double low = INFINITY, high = -INFINITY;
    char  *key = NULL;
    bool   is;
    PetscCall(IsList(f, names[k], n, &is));
    if (is) PetscCall(NomosFieldReaderAttribute(f->reader, names[k], "key", &key));
    const char *last = key && strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
    if (last && strcmp(last, "seed")) PetscCall(NomosFieldReaderRead(f->reader, names[k], (size_t[]){0}, &n, values));
    for (size_t i = 0; i < n && last && strcmp(last, "seed"); i++) {
      low  = fmin(low, values[i]);
      high = fmax(high, values[i]);
    }
    PetscCall(PetscFree(key));
    if (high > low && !strstr(f->frames.varying, names[k])) NomosTextAppend(sizeof f->frames.varying, f->frames.varying, "%s%.60s (%.4g to %.4g)", f->frames.varying[0] ? ", " : "", names[k], low, high);
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LookInto(Files *f, size_t file)
{
  const char *path    = f->files[file];
  size_t      lead[2] = {0}, other[2] = {0};

  PetscFunctionBeginUser;
  PetscCall(OpenFile(f, file));
  PetscCall(ReadShape(f, file, 0, lead));
  for (size_t v = 1; v < f->n_variables; v++) {
    PetscCall(ReadShape(f, file, v, other));
    NomosCheck(f->n_lead[file][v] == 0 || (other[0] == lead[0] && other[1] == lead[1]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: %s has %zu trajectories of %zu frames, %s has %zu of %zu; they must agree", f->where, path, f->variables[v].name, other[0], other[1], f->variables[0].name, lead[0], lead[1]);
  }
  PetscCall(ReadEnds(f));
  PetscCall(FindVarying(f, lead[0]));
  f->first_trajectory[file] = f->n_trajectories;
  for (size_t trajectory = 0; trajectory < lead[0]; trajectory++) PetscCall(AddTrajectory(f, path, trajectory, lead[1]));
  f->first_trajectory[file + 1] = f->n_trajectories;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- reading */

/* `n` frames from `first` on, counted as in the file. */
static PetscErrorCode ReadBlock(Files *f, size_t v, size_t trajectory, size_t first, size_t n, double values[])
{
  const Variable *variable = &f->variables[v];
  const int       n_lead   = f->n_lead[f->reader_file][v];
  size_t          start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1];
  int             axis = 0;

  PetscFunctionBeginUser;
  if (n_lead > 1) start[axis] = trajectory, count[axis++] = 1;
  if (n_lead > 0) start[axis] = first, count[axis++] = n;
  if (variable->entry >= 0) start[axis] = (size_t)variable->entry, count[axis++] = 1;
  for (int d = 0; d < f->input.n_dims; d++) start[axis] = 0, count[axis++] = f->frames.n[d];
  PetscCall(NomosFieldReaderRead(f->reader, variable->name, start, count, values));
  if (n_lead == 0)
    for (size_t i = 1; i < n; i++) memcpy(values + i * f->points, values, f->points * sizeof *values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFrame(void *context, size_t trajectory, size_t frame, double *const fields[])
{
  Files       *f    = context;
  const size_t at   = f->input.first_frame + frame * f->input.every, last = f->input.first_frame + (f->n_frames[trajectory] - 1) * f->input.every;
  size_t       file = 0;

  PetscFunctionBeginUser;
  if (f->block_trajectory != trajectory || at < f->block_first || at >= f->block_first + f->block_n) {
    while (f->first_trajectory[file + 1] <= trajectory) file++;
    PetscCall(OpenFile(f, file));
    f->block_n = 0; /* until it is there */
    const size_t n = PetscMin(f->block_frames, last - at + 1);
    for (size_t v = 0; v < f->n_variables; v++) PetscCall(ReadBlock(f, v, trajectory - f->first_trajectory[file], at, n, f->block[v]));
    f->block_trajectory = trajectory;
    f->block_first      = at;
    f->block_n          = n;
  }
  const double *mask = f->mask ? f->block[f->n_variables - 1] + (at - f->block_first) * f->points : NULL;
  for (size_t i = 0; i < f->input.n_fields; i++) {
    if (!fields[i]) continue;
    memcpy(fields[i], f->block[i] + (at - f->block_first) * f->points, f->points * sizeof(double));
    for (size_t k = 0; mask && k < f->points; k++)
      if (!(mask[k] != 0) || isnan(mask[k])) fields[i][k] = NAN;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CloseFiles(void *context)
{
  Files *f = context;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderClose(&f->reader));
  for (size_t i = 0; i < f->n_files; i++) PetscCall(PetscFree(f->files[i]));
  for (size_t i = 0; i < f->n_trajectories; i++) PetscCall(PetscFree(f->times[i]));
  for (size_t v = 0; f->block && v < f->n_variables; v++) PetscCall(PetscFree(f->block[v]));
  PetscCall(PetscFree(f->block));
  PetscCall(PetscFree(f->files));
  PetscCall(PetscFree(f->times));
  PetscCall(PetscFree(f->n_frames));
  PetscCall(PetscFree(f->first_trajectory));
  PetscCall(PetscFree(f->n_lead));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(Files *f)
{
  PetscFunctionBeginUser;
  PetscCheck(f->input.n_fields && f->input.n_fields <= MAX_FIELDS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: at most %d fields can be read", f->where, MAX_FIELDS);
  for (size_t i = 0; i < f->input.n_fields; i++) PetscCall(ParseName(f, f->input.variables[i], &f->variables[f->n_variables++]));
  f->mask = f->input.mask && f->input.mask[0];
  if (f->mask) PetscCall(ParseName(f, f->input.mask, &f->variables[f->n_variables++]));
  if (!f->input.every) f->input.every = 1;
  PetscCall(NomosDataFiles(f->input.path, &f->n_files, &f->files));
  PetscCall(PetscCalloc1(f->n_files + 1, &f->first_trajectory));
  PetscCall(PetscCalloc1(f->n_files, &f->n_lead));
  for (size_t file = 0; file < f->n_files; file++) PetscCall(LookInto(f, file));
  f->points       = NomosFramesPoints(&f->frames);
  f->block_frames = f->input.every > 4 ? 1 : PetscMax(1, BLOCK_BYTES / (f->points * sizeof(double)));
  PetscCall(PetscCalloc1(f->n_variables, &f->block));
  for (size_t v = 0; v < f->n_variables; v++) PetscCall(PetscMalloc1(f->block_frames * f->points, &f->block[v]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFramesOpen(const NomosFramesInput *input, NomosFrames *frames)
{
  const size_t length = strlen(input->path);
  Files       *f;

  PetscFunctionBeginUser;
  *frames = (NomosFrames){0};
  if (length > 4 && !strcmp(input->path + length - 4, ".csv")) {
    PetscCall(NomosFramesOpenTable(input, frames));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscNew(&f));
  f->input  = *input;
  f->frames = (NomosFrames){.n_fields = input->n_fields, .n_dims = input->n_dims, .read = ReadFrame, .close = CloseFiles, .context = f};
  snprintf(f->where, sizeof f->where, "%s", input->where ? input->where : "data");
  PetscErrorCode code = Open(f);
  if (code) PetscCall(CloseFiles(f));
  PetscCall(code);
  f->frames.n_trajectories = f->n_trajectories;
  f->frames.n_frames       = f->n_frames;
  f->frames.times          = (const double *const *)f->times;
  *frames                  = f->frames;
  PetscFunctionReturn(PETSC_SUCCESS);
}
