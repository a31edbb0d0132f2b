/* Reading field files, ours or any NetCDF-4/HDF5 file; those of other layouts through views (layout_impl.h). */
#include "io/layout_impl.h"

#include "io/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct NomosFieldReader_s {
  hid_t  file;
  char  *path;
  size_t n_names, n_constants, n_dims, n_numbers, n_others;
  char **names;     /* over time, in creation order */
  char **constants; /* the other datasets that are no coordinates */
  char **dims;      /* handed out by DimName */
  char **numbers;   /* attributes of the root */
  char **others;    /* when somebody has asked for them */
  NomosLayout layout;
  bool   selects; /* of what is over (trajectory, ...) one trajectory, as if there were no other */
  size_t trajectory;
};

static const char *Append(const char name[], size_t *n, char ***names)
{
  char **longer = realloc(*names, (*n + 1) * sizeof *longer);

  if (!longer) return "";
  *names     = longer;
  longer[*n] = strdup(name);
  return longer[*n] ? longer[(*n)++] : "";
}

/* Name of the scale attached to dimension i; a scale is its own. */
static herr_t TakeScaleName(hid_t dataset, unsigned i, hid_t scale, void *ctx)
{
  char  full[NOMOS_MAX_PATH] = "";
  char *name                 = ctx;

  (void)dataset;
  (void)i;
  if (H5Iget_name(scale, full, sizeof full) <= 0) return 1;
  const char *base = strrchr(full, '/');
  snprintf(name, NOMOS_MAX_NAME * 4, "%.*s", NOMOS_MAX_NAME * 4 - 1, base ? base + 1 : full);
  return 1;
}

static void ScaleName(hid_t dataset, int i, char name[NOMOS_MAX_NAME * 4])
{
  name[0] = '\0';
  if (H5DSis_scale(dataset) > 0) {
    if (i == 0) TakeScaleName(dataset, 0, dataset, name);
  } else if (H5DSget_num_scales(dataset, (unsigned)i) > 0) H5DSiterate_scales(dataset, (unsigned)i, NULL, TakeScaleName, name);
}

static herr_t CollectName(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  NomosFieldReader reader = ctx;
  char             scale[NOMOS_MAX_NAME * 4];

  (void)info;
  if (!strcmp(name, "time") || !strcmp(name, "step")) return 0;
  hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object < 0) return 0;
  if (H5Iget_type(object) == H5I_DATASET) {
    ScaleName(object, 0, scale);
    if (!strcmp(scale, "time")) Append(name, &reader->n_names, &reader->names);
    else if (H5DSis_scale(object) <= 0) Append(name, &reader->n_constants, &reader->constants);
  }
  H5Oclose(object);
  return 0;
}

static herr_t CollectNumber(hid_t file, const char *name, const H5A_info_t *info, void *ctx)
{
  NomosFieldReader reader = ctx;
  char            *text   = NomosH5GetText(file, name);
  double           value;
  const char      *end = text ? NomosNumberRead(text, &value) : NULL;

  (void)info;
  if (end && !*end) Append(name, &reader->n_numbers, &reader->numbers);
  free(text);
  return 0;
}

PetscErrorCode NomosFieldReaderOpen(MPI_Comm comm, const char path[], NomosFieldReader *reader)
{
  NomosVerdict     verdict = {0};
  NomosFieldReader made;
  hid_t            file;
  PetscErrorCode   failed;

  PetscFunctionBeginUser;
  *reader = NULL;
  file    = NomosH5Open(path, false, &verdict);
  failed  = NomosVerdictRaise(comm, &verdict);
  if (failed && file >= 0) H5Fclose(file);
  PetscCall(failed);
  PetscCall(PetscNew(&made));
  made->file = file;
  PetscCall(PetscStrallocpy(path, &made->path));
  /* Creation order is tracked in ours and NetCDF's; elsewhere names come sorted. */
  if (!NomosLayoutRecognise(file, path, &made->layout, &verdict) || made->layout.name) {
    for (size_t i = 0; i < made->layout.n_views; i++)
      if (made->layout.views[i].axes[0] == 'n') Append(made->layout.views[i].name, &made->n_constants, &made->constants);
  } else if (H5Literate(file, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, CollectName, made) < 0)
    H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, CollectName, made);
  if (!made->layout.name) H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, CollectNumber, made);
  failed = NomosVerdictRaise(comm, &verdict);
  if (failed) PetscCall(NomosFieldReaderClose(&made));
  PetscCall(failed);
  *reader = made;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dimension of NetCDF that has no coordinates is a dataset whose numbers mean nothing. */
static bool IsBareDimension(hid_t dataset)
{
  char *name = H5DSis_scale(dataset) > 0 ? NomosH5GetText(dataset, "NAME") : NULL;
  bool  bare = name && !strncmp(name, "This is a netCDF dimension but not a netCDF variable", 52);

  free(name);
  return bare;
}

/* The dataset of a name, or what a view of that name is of (none for one that is a number). */
static hid_t OpenDataset(NomosFieldReader reader, const char name[])
{
  const NomosLayoutView *view = NomosLayoutFind(&reader->layout, name);

  if (view) return NomosViewDataset(&reader->layout, reader->file, view);
  if (!*name || H5Lexists(reader->file, name, H5P_DEFAULT) <= 0) return H5I_INVALID_HID;
  hid_t object = H5Oopen(reader->file, name, H5P_DEFAULT);
  if (object >= 0 && (H5Iget_type(object) != H5I_DATASET || IsBareDimension(object))) {
    H5Oclose(object);
    object = H5I_INVALID_HID;
  }
  return object;
}

PetscErrorCode NomosFieldReaderHas(NomosFieldReader reader, const char name[], bool *has)
{
  hid_t dataset;

  PetscFunctionBeginUser;
  dataset = OpenDataset(reader, name);
  *has    = dataset >= 0 || NomosLayoutFind(&reader->layout, name);
  if (dataset >= 0) H5Oclose(dataset);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool Shape(NomosFieldReader reader, const char name[], hid_t dataset, int *n_dims, hsize_t size[NOMOS_FIELD_MAX_DIMS + 1],
                  NomosVerdict *verdict)
{
  hid_t space = H5Dget_space(dataset);

  *n_dims = H5Sget_simple_extent_ndims(space);
  if (*n_dims < 0 || *n_dims > NOMOS_FIELD_MAX_DIMS + 1) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d dimensions; at most %d can be read", reader->path, name, *n_dims,
                     NOMOS_FIELD_MAX_DIMS + 1);
  } else if (*n_dims) H5Sget_simple_extent_dims(space, size, NULL);
  H5Sclose(space);
  return !verdict->code;
}

static hid_t Require(NomosFieldReader reader, const char name[], NomosVerdict *verdict)
{
  hid_t dataset = OpenDataset(reader, name);

  if (dataset < 0) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s has no dataset %s", reader->path, name);
  return dataset;
}

static PetscErrorCode DimName(NomosFieldReader reader, const char name[], int i, const char **dim);

PetscErrorCode NomosFieldReaderSelect(NomosFieldReader reader, size_t trajectory)
{
  PetscFunctionBeginUser;
  reader->selects    = true;
  reader->trajectory = trajectory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As it lies in the file. */
static PetscErrorCode FullShape(NomosFieldReader reader, const char name[], int *n_dims, size_t shape[NOMOS_FIELD_MAX_DIMS + 1])
{
  NomosVerdict     verdict                        = {0};
  hsize_t          size[NOMOS_FIELD_MAX_DIMS + 1] = {0};
  const NomosLayoutView *view                           = NomosLayoutFind(&reader->layout, name);
  hid_t            dataset;

  PetscFunctionBeginUser;
  *n_dims = 0;
  if (view) {
    for (; view->axes[*n_dims]; (*n_dims)++) shape[*n_dims] = view->shape[*n_dims];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  dataset = Require(reader, name, &verdict);
  if (dataset >= 0) {
    Shape(reader, name, dataset, n_dims, size, &verdict);
    H5Oclose(dataset);
  }
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  for (int d = 0; d < *n_dims; d++) shape[d] = size[d];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Its dimensions in the file; is the first one that of trajectories, of which one is chosen? */
static PetscErrorCode IsSelected(NomosFieldReader reader, const char name[], int *n_dims, bool *is)
{
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char *first;

  PetscFunctionBeginUser;
  *is = false;
  if (!reader->selects || !strcmp(name, "trajectory")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(FullShape(reader, name, n_dims, shape));
  if (!*n_dims) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DimName(reader, name, 0, &first));
  *is = !strcmp(first, "trajectory");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderShape(NomosFieldReader reader, const char name[], int *n_dims, size_t shape[NOMOS_FIELD_MAX_DIMS + 1])
{
  bool selected;

  PetscFunctionBeginUser;
  PetscCall(FullShape(reader, name, n_dims, shape));
  PetscCall(IsSelected(reader, name, n_dims, &selected));
  if (!selected) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(reader->trajectory < shape[0], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: trajectory %zu of %s: there are %zu, counted from 0", reader->path, reader->trajectory, name, shape[0]);
  for (int d = 0; d + 1 < *n_dims; d++) shape[d] = shape[d + 1];
  (*n_dims)--;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderChunk(NomosFieldReader reader, const char name[], bool *chunked, size_t chunk[NOMOS_FIELD_MAX_DIMS + 1])
{
  const NomosLayoutView *view = NomosLayoutFind(&reader->layout, name);
  hsize_t          size[NOMOS_FIELD_MAX_DIMS + 1];
  int              n_dims;
  bool             selected;

  PetscFunctionBeginUser;
  PetscCall(FullShape(reader, name, &n_dims, chunk));
  PetscCall(IsSelected(reader, name, &n_dims, &selected));
  if (view) *chunked = NomosViewChunk(&reader->layout, reader->file, view, chunk);
  else {
    hid_t dataset = OpenDataset(reader, name), properties = H5Dget_create_plist(dataset);
    *chunked = H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_chunk(properties, n_dims, size) == n_dims;
    for (int d = 0; *chunked && d < n_dims; d++) chunk[d] = size[d];
    H5Pclose(properties);
    H5Oclose(dataset);
  }
  for (int d = 0; selected && d + 1 < n_dims; d++) chunk[d] = chunk[d + 1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Enumerations, such as h5py's truth values, are of integers, which HDF5 makes doubles of. */
static bool CheckNumbers(NomosFieldReader reader, const char name[], hid_t dataset, NomosVerdict *verdict)
{
  hid_t       type = H5Dget_type(dataset);
  H5T_class_t kind = H5Tget_class(type);

  H5Tclose(type);
  return kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM ||
         NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s does not hold numbers", reader->path, name);
}

/* Is the block inside? Its number of entries. */
static bool CheckBlock(NomosFieldReader reader, const char name[], int n_dims, const hsize_t size[], const size_t start[], const size_t count[], size_t *total,
                       NomosVerdict *verdict)
{
  *total = 1;
  for (int d = 0; d < n_dims; d++) {
    *total *= count[d];
    if (count[d] > size[d] || start[d] > size[d] - count[d]) {
      return NomosVerdictFail(verdict, PETSC_ERR_ARG_OUTOFRANGE,
                              "%s: %s: %zu entries from %zu along dimension %d are asked for, its size is %llu", reader->path, name,
                              count[d], start[d], d, (unsigned long long)size[d]);
    }
  }
  return true;
}

static bool ReadView(NomosFieldReader reader, const NomosLayoutView *view, const size_t start[], const size_t count[], double data[], NomosVerdict *verdict)
{
  const int n_dims = (int)strlen(view->axes);
  hsize_t   size[NOMOS_FIELD_MAX_DIMS + 1];
  size_t    total;

  for (int d = 0; d < n_dims; d++) size[d] = view->shape[d];
  if (!CheckBlock(reader, view->name, n_dims, size, start, count, &total, verdict)) return false;
  return !total || NomosViewRead(&reader->layout, reader->file, reader->path, view, start, count, data, verdict);
}

static bool Read(NomosFieldReader reader, const char name[], hid_t dataset, const size_t start[], const size_t count[], double data[],
                 NomosVerdict *verdict)
{
  hsize_t size[NOMOS_FIELD_MAX_DIMS + 1] = {0}, from[NOMOS_FIELD_MAX_DIMS + 1], n[NOMOS_FIELD_MAX_DIMS + 1];
  size_t  total                          = 1;
  int     n_dims;
  char    doing[NOMOS_MAX_NAME * 2];

  if (!Shape(reader, name, dataset, &n_dims, size, verdict) || !CheckNumbers(reader, name, dataset, verdict)) return false;
  if (!CheckBlock(reader, name, n_dims, size, start, count, &total, verdict)) return false;
  if (!total) return true;
  if (!NomosH5CheckLzf(dataset)) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is damaged: its filter lzf does not know the size of its chunks", reader->path, name);
  for (int d = 0; d < n_dims; d++) {
    from[d] = start[d];
    n[d]    = count[d];
  }
  hid_t space = H5Dget_space(dataset), memory = n_dims ? H5Screate_simple(n_dims, n, NULL) : H5Screate(H5S_SCALAR);
  if (n_dims) H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, n, NULL);
  if (H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, data) < 0) {
    snprintf(doing, sizeof doing, "read %.80s", name);
    NomosH5Fail(verdict, PETSC_ERR_FILE_READ, reader->path, doing);
  } else NomosH5Unpack(dataset, total, data);
  H5Sclose(memory);
  H5Sclose(space);
  return !verdict->code;
}

static PetscErrorCode FullRead(NomosFieldReader reader, const char name[], const size_t start[], const size_t count[], double *data)
{
  NomosVerdict     verdict = {0};
  const NomosLayoutView *view    = NomosLayoutFind(&reader->layout, name);
  hid_t            dataset;

  PetscFunctionBeginUser;
  dataset = view ? H5I_INVALID_HID : Require(reader, name, &verdict);
  if (view) ReadView(reader, view, start, count, data, &verdict);
  if (dataset >= 0) {
    Read(reader, name, dataset, start, count, data, &verdict);
    H5Oclose(dataset);
  }
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderRead(NomosFieldReader reader, const char name[], const size_t start[], const size_t count[], double *data)
{
  size_t first[NOMOS_FIELD_MAX_DIMS + 1] = {reader->trajectory}, n[NOMOS_FIELD_MAX_DIMS + 1] = {1};
  int    n_dims;
  bool   selected;

  PetscFunctionBeginUser;
  PetscCall(IsSelected(reader, name, &n_dims, &selected));
  for (int d = 1; selected && d < n_dims; d++) {
    first[d] = start[d - 1];
    n[d]     = count[d - 1];
  }
  PetscCall(FullRead(reader, name, selected ? first : start, selected ? n : count, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A number that is no dataset may have the text NAME_units, of the file or of a field: files of PDEBench's layout of ours do. */
static char *UnitOfNumber(NomosFieldReader reader, const NomosLayoutView *number)
{
  char name[NOMOS_MAX_NAME + 16], *found;

  snprintf(name, sizeof name, "%s_units", number->name);
  found = NomosH5GetText(reader->file, name);
  for (size_t v = 0; v < reader->layout.n_views && !found; v++) {
    hid_t dataset = NomosViewDataset(&reader->layout, reader->file, &reader->layout.views[v]);
    if (dataset < 0) continue;
    found = NomosH5GetText(dataset, name);
    H5Dclose(dataset);
  }
  return found;
}

PetscErrorCode NomosFieldReaderAttribute(NomosFieldReader reader, const char name[], const char attribute[], char **text)
{
  const NomosLayoutView *view    = name ? NomosLayoutFind(&reader->layout, name) : NULL;
  NomosVerdict     verdict = {0};
  hid_t            object;
  char            *found = NULL;

  PetscFunctionBeginUser;
  *text = NULL;
  if (view && view->kind != NOMOS_VIEW_DATASET) { /* a number has no other */
    if (!strcmp(attribute, "units")) found = UnitOfNumber(reader, view);
    if (found) PetscCall(PetscStrallocpy(found, text));
    free(found);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  object = name ? Require(reader, name, &verdict) : reader->file;
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  found = NomosH5GetText(object, attribute);
  if (name) H5Oclose(object);
  /* The layout says the rest: the family by its shape, ends in its own way. */
  const char *said = found ? found : name ? NULL : !strcmp(attribute, "family") ? reader->layout.family : NomosEndsFind(&reader->layout.ends, attribute);
  if (said) PetscCall(PetscStrallocpy(said, text));
  free(found);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderFrames(NomosFieldReader reader, size_t *n)
{
  int     n_dims = 0;
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1];
  double *times;

  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(NomosFieldReaderShape(reader, "time", &n_dims, shape));
  PetscCheck(n_dims == 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: time has %d dimensions; an axis has one", reader->path, n_dims);
  PetscCall(PetscMalloc1(shape[0], &times));
  PetscErrorCode failed = NomosFieldReaderRead(reader, "time", (size_t[]){0}, shape, times);
  while (!failed && *n < shape[0] && isfinite(times[*n])) (*n)++;
  PetscCall(PetscFree(times));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- coordinates */

bool NomosIsCoordinate(const char name[])
{
  static const char *const names[] = {"trajectory", "time", "t", "step", "layer", "x", "y", "z"};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return true;
  return strstr(name, "-coordinate") != NULL;
}

double NomosCoordinateTolerance(double interval, double farthest)
{
  const double rounding = 4 * FLT_EPSILON * fabs(farthest);

  return 1e-3 * fabs(interval) + (interval != 0 ? fmin(rounding, 0.05 * fabs(interval)) : rounding);
}

bool NomosCoordinatesEven(size_t n, const double x[], double interval)
{
  const double tolerance = n ? NomosCoordinateTolerance(interval, fmax(fabs(x[0]), fabs(x[n - 1]))) : 0;

  for (size_t i = 1; i < n; i++)
    if (!(fabs(x[i] - x[0] - (double)i * interval) <= tolerance)) return false;
  return true;
}

/* "[3, 5]": the place of an entry. */
static const char *PlaceText(int n_dims, const size_t shape[], size_t entry, char text[128])
{
  hsize_t at[NOMOS_FIELD_MAX_DIMS + 1];

  for (int d = n_dims - 1; d >= 0; entry /= shape[d--]) at[d] = entry % shape[d];
  return NomosLayoutSizes(n_dims, at, text);
}

typedef struct {
  int     n_dims, axis;
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1];
  double *line; /* along the axis, where the others are at their beginning */
  size_t  differs; /* the first entry that is another than that of the line; SIZE_MAX: none */
  double  other;
} Line;

/* Blocks of the first axis, so that a table of many trajectories need not fit into memory. */
static PetscErrorCode CompareWithLine(NomosFieldReader reader, const char name[], Line *l)
{
  size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1], row = 1, stride = 1;
  double farthest = 0, *values;

  PetscFunctionBeginUser;
  l->differs = SIZE_MAX;
  for (int d = 0; d < l->n_dims; d++) {
    count[d] = l->shape[d];
    row *= d ? l->shape[d] : 1;
    stride *= d > l->axis ? l->shape[d] : 1;
  }
  for (size_t i = 0; i < l->shape[l->axis]; i++) farthest = fmax(farthest, fabs(l->line[i]));
  const double tolerance = NomosCoordinateTolerance(l->shape[l->axis] > 1 ? l->line[1] - l->line[0] : 0, farthest);
  const size_t together  = PetscMin(l->shape[0], PetscMax(1, ((size_t)1 << 17) / PetscMax(row, 1)));
  PetscCall(PetscMalloc1(together * row, &values));
  PetscErrorCode failed = PETSC_SUCCESS;
  for (; start[0] < l->shape[0] && !failed && l->differs == SIZE_MAX; start[0] += together) {
    count[0] = PetscMin(together, l->shape[0] - start[0]);
    failed   = NomosFieldReaderRead(reader, name, start, count, values);
    for (size_t i = 0; i < count[0] * row && !failed && l->differs == SIZE_MAX; i++) {
      const size_t entry = start[0] * row + i;
      if (fabs(values[i] - l->line[entry / stride % l->shape[l->axis]]) <= tolerance) continue;
      l->differs = entry;
      l->other   = values[i];
    }
  }
  PetscCall(PetscFree(values));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The numbers along an axis; is it a list of them, the same along the others? */
static PetscErrorCode LookAlong(NomosFieldReader reader, const char name[], int axis, Line *l, bool *is)
{
  const size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {0};
  size_t       count[NOMOS_FIELD_MAX_DIMS + 1];

  PetscFunctionBeginUser;
  l->axis = axis;
  for (int d = 0; d < l->n_dims; d++) count[d] = d == axis ? l->shape[d] : 1;
  PetscCall(PetscFree(l->line));
  PetscCall(PetscMalloc1(l->shape[axis] + 1, &l->line));
  PetscCall(NomosFieldReaderRead(reader, name, start, count, l->line));
  l->differs = SIZE_MAX;
  if (l->n_dims > 1) PetscCall(CompareWithLine(reader, name, l));
  *is = l->differs == SIZE_MAX;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsConstant(const Line *l)
{
  for (size_t i = 1; i < l->shape[l->axis]; i++)
    if (l->line[i] != l->line[0]) return false;
  return true;
}

static PetscErrorCode FindLine(NomosFieldReader reader, const char name[], Line *l)
{
  size_t entries = 1;
  bool   is      = false;
  char   at[128], in_line[128];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, name, &l->n_dims, l->shape));
  PetscCheck(l->n_dims, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate %s is a single number; a list of one for each frame or point is needed", reader->path, name);
  for (int d = 0; d < l->n_dims; d++) entries *= l->shape[d];
  NomosCheck(entries || l->n_dims == 1, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate %s is empty", reader->path, name);
  for (int axis = l->n_dims - 1; axis >= 0 && !is; axis--)
    if (l->shape[axis] > 1) {
      PetscCall(LookAlong(reader, name, axis, l, &is));
      is = is && !IsConstant(l); /* the one frame of many trajectories */
    }
  if (is) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(LookAlong(reader, name, l->n_dims - 1, l, &is)); /* one entry, or what is wrong */
  const size_t first = is ? 0 : l->differs % l->shape[l->axis];
  NomosCheck(is, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate %s differs between trajectories: %s%s is %.8g and %s%s %.8g; a file has one list of times and one grid for all its trajectories: put those that differ into files of their own, or, if frames and points are to be counted, leave %s out of the file", reader->path, name, name, PlaceText(l->n_dims, l->shape, l->differs, at), l->other, name, PlaceText(l->n_dims, l->shape, first, in_line), l->line[first], name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderCoordinate(NomosFieldReader reader, const char name[], size_t *n, double **values)
{
  Line l = {.line = NULL};

  PetscFunctionBeginUser;
  *values               = NULL;
  PetscErrorCode failed = FindLine(reader, name, &l);
  if (failed) PetscCall(PetscFree(l.line));
  PetscCall(failed);
  *n      = l.shape[l.axis];
  *values = l.line;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- names */

PetscErrorCode NomosFieldReaderVariables(NomosFieldReader reader, size_t *n, const char *const **names)
{
  PetscFunctionBeginUser;
  *n     = reader->n_names;
  *names = (const char *const *)reader->names;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderConstants(NomosFieldReader reader, size_t *n, const char *const **names)
{
  PetscFunctionBeginUser;
  *n     = reader->n_constants;
  *names = (const char *const *)reader->constants;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it in the root of a file of another layout what a view shows, or where it looks for views? */
static bool IsOfLayout(const NomosLayout *layout, const char name[])
{
  static const char *const of_well[] = {"boundary_conditions", "dimensions", "scalars", "t0_fields", "t1_fields", "t2_fields"};
  const size_t             length    = strlen(name);
  bool                     is        = NomosIsCoordinate(name);

  for (size_t i = 0; i < layout->n_views && !is; i++) is = layout->views[i].raw[0] != 'g' && !strncmp(layout->views[i].source, name, length) && (!layout->views[i].source[length] || layout->views[i].source[length] == '/');
  for (size_t i = 0; i < layout->n_groups && !is; i++) is = !strcmp(layout->groups[i], name);
  for (size_t i = 0; i < sizeof of_well / sizeof *of_well && !is && !strcmp(layout->name, "well"); i++) is = !strcmp(of_well[i], name);
  return is;
}

static herr_t CollectOther(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  NomosFieldReader reader = ctx;
  hid_t            object = H5Oopen(file, name, H5P_DEFAULT);

  (void)info;
  if (object < 0) return 0;
  const bool is_group = H5Iget_type(object) == H5I_GROUP, loose = !is_group && H5DSis_scale(object) > 0 && H5Aexists(object, "REFERENCE_LIST") <= 0 && !IsBareDimension(object) && !NomosIsCoordinate(name);
  if (reader->layout.name ? !IsOfLayout(&reader->layout, name) : is_group || loose) Append(name, &reader->n_others, &reader->others);
  H5Oclose(object);
  return 0;
}

PetscErrorCode NomosFieldReaderOthers(NomosFieldReader reader, size_t *n, const char *const **names)
{
  PetscFunctionBeginUser;
  if (!reader->n_others) H5Literate(reader->file, H5_INDEX_NAME, H5_ITER_INC, NULL, CollectOther, reader);
  *n     = reader->n_others;
  *names = (const char *const *)reader->others;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosFieldReaderNames(NomosFieldReader reader, bool all, char text[200])
{
  const size_t n = reader->n_names + (all ? reader->n_constants : 0);

  text[0] = '\0';
  for (size_t i = 0; i < n; i++) NomosTextAppend(200, text, "%s%s", i ? ", " : "", i < reader->n_names ? reader->names[i] : reader->constants[i - reader->n_names]);
  if (strlen(text) == 199) memcpy(text + 196, "...", 3);
  return n ? text : "none";
}

PetscErrorCode NomosFieldReaderNumbers(NomosFieldReader reader, size_t *n, const char *const **names)
{
  PetscFunctionBeginUser;
  *n     = reader->n_numbers;
  *names = (const char *const *)reader->numbers;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DimName(NomosFieldReader reader, const char name[], int i, const char **dim)
{
  NomosVerdict     verdict                        = {0};
  hsize_t          size[NOMOS_FIELD_MAX_DIMS + 1] = {0};
  int              n_dims                         = 0;
  const NomosLayoutView *view                           = NomosLayoutFind(&reader->layout, name);
  hid_t            dataset;
  char             found[NOMOS_MAX_NAME * 4] = "";

  PetscFunctionBeginUser;
  *dim = "";
  if (view && i >= 0 && i < (int)strlen(view->axes)) {
    *dim = NomosLayoutAxisName(&reader->layout, view->axes[i]);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  dataset = Require(reader, name, &verdict);
  if (dataset >= 0) {
    if (Shape(reader, name, dataset, &n_dims, size, &verdict) && (i < 0 || i >= n_dims)) {
      NomosVerdictFail(&verdict, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s has %d dimensions; there is no dimension %d", reader->path, name, n_dims,
                       i);
    }
    if (!verdict.code) ScaleName(dataset, i, found);
    H5Oclose(dataset);
  }
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  for (size_t j = 0; j < reader->n_dims && !**dim; j++) {
    if (!strcmp(reader->dims[j], found)) *dim = reader->dims[j];
  }
  if (*found && !**dim) *dim = Append(found, &reader->n_dims, &reader->dims);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldReaderDimName(NomosFieldReader reader, const char name[], int i, const char **dim)
{
  int  n_dims;
  bool selected;

  PetscFunctionBeginUser;
  PetscCall(IsSelected(reader, name, &n_dims, &selected));
  PetscCall(DimName(reader, name, i + selected, dim));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosFieldReaderLayout(NomosFieldReader reader)
{
  return reader->layout.name ? reader->layout.name : "";
}

size_t NomosFieldReaderRealSize(NomosFieldReader reader, const char name[])
{
  hid_t  dataset = OpenDataset(reader, name);
  size_t bytes   = 0;

  if (dataset < 0) return 0;
  hid_t type = H5Dget_type(dataset);
  if (H5Tget_class(type) == H5T_FLOAT) bytes = H5Tget_size(type);
  H5Tclose(type);
  H5Oclose(dataset);
  return bytes;
}

PetscErrorCode NomosFieldReaderClose(NomosFieldReader *reader)
{
  PetscFunctionBeginUser;
  if (!*reader) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < (*reader)->n_names; i++) free((*reader)->names[i]);
  for (size_t i = 0; i < (*reader)->n_constants; i++) free((*reader)->constants[i]);
  for (size_t i = 0; i < (*reader)->n_dims; i++) free((*reader)->dims[i]);
  for (size_t i = 0; i < (*reader)->n_numbers; i++) free((*reader)->numbers[i]);
  for (size_t i = 0; i < (*reader)->n_others; i++) free((*reader)->others[i]);
  free((*reader)->others);
  free((*reader)->numbers);
  free((*reader)->names);
  free((*reader)->constants);
  free((*reader)->dims);
  NomosLayoutFree(&(*reader)->layout);
  H5Fclose((*reader)->file);
  PetscCall(PetscFree((*reader)->path));
  PetscCall(PetscFree(*reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}
