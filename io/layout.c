/* Views into files of other layouts: finding them, and reading blocks of them. */
#include "io/layout_impl.h"

#include "io/text.h"
#include "io/yaml_scalars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In order: the first one that knows a file has it. */
static bool (*const layouts[])(hid_t, const char[], NomosLayout *, NomosVerdict *) = {NomosLayoutWell, NomosLayoutFluid, NomosLayoutGroups, NomosLayoutFlat};

bool NomosLayoutRecognise(hid_t file, const char path[], NomosLayout *layout, NomosVerdict *verdict)
{
  memset(layout, 0, sizeof *layout);
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts && !layout->name && !verdict->code; i++) layouts[i](file, path, layout, verdict);
  return !verdict->code;
}

void NomosLayoutFree(NomosLayout *layout)
{
  for (size_t i = 0; i < layout->n_groups; i++) free(layout->groups[i]);
  free(layout->groups);
  free(layout->views);
  memset(layout, 0, sizeof *layout);
}

NomosLayoutView *NomosLayoutAdd(NomosLayout *layout, const char name[], const char alias[], const char source[])
{
  NomosLayoutView *views = realloc(layout->views, (layout->n_views + 1) * sizeof *views), *view = &views[layout->n_views];

  if (!views) return NULL;
  layout->views = views;
  layout->n_views++;
  *view = (NomosLayoutView){0};
  snprintf(view->name, sizeof view->name, "%s", name);
  snprintf(view->alias, sizeof view->alias, "%s", alias);
  snprintf(view->source, sizeof view->source, "%s", source);
  return view;
}

const NomosLayoutView *NomosLayoutFind(const NomosLayout *layout, const char name[])
{
  for (size_t i = 0; i < layout->n_views; i++)
    if (!strcmp(layout->views[i].name, name) || !strcmp(layout->views[i].alias, name)) return &layout->views[i];
  return NULL;
}

const char *NomosLayoutAxisName(const NomosLayout *layout, char axis)
{
  return axis == 'n' ? "trajectory" : axis == 't' ? "time" : layout->space[axis - '0'];
}

int NomosLayoutShape(hid_t location, const char name[], hsize_t size[NOMOS_VIEW_MAX_AXES])
{
  double points = 1;
  int    n      = -1;

  if (H5Lexists(location, name, H5P_DEFAULT) <= 0) return -1;
  hid_t dataset = H5Oopen(location, name, H5P_DEFAULT);
  if (dataset >= 0 && H5Iget_type(dataset) == H5I_DATASET) {
    hid_t             space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const H5T_class_t kind  = H5Tget_class(type);
    if (kind == H5T_FLOAT || kind == H5T_INTEGER) n = H5Sget_simple_extent_ndims(space);
    if (n > NOMOS_VIEW_MAX_AXES) n = -1;
    if (n > 0) H5Sget_simple_extent_dims(space, size, NULL);
    for (int d = 0; d < n; d++) points *= (double)size[d];
    if (points > 1e15) n = -1; /* no disk is so large: damaged */
    H5Tclose(type);
    H5Sclose(space);
  }
  if (dataset >= 0) H5Oclose(dataset);
  return n;
}

const char *NomosLayoutSizes(int n, const hsize_t size[], char text[128])
{
  size_t length = (size_t)snprintf(text, 128, "[");

  for (int i = 0; i < n && length < 100; i++) length += (size_t)snprintf(text + length, 128 - length, "%s%llu", i ? ", " : "", (unsigned long long)size[i]);
  snprintf(text + length, 128 - length, "]");
  return text;
}

void NomosLayoutPresent(const NomosLayout *layout, NomosLayoutView *view, bool frames)
{
  int n = 0;

  view->axes[n]    = 'n';
  view->shape[n++] = layout->n_trajectories;
  if (frames) {
    view->axes[n]    = 't';
    view->shape[n++] = layout->n_frames;
  }
  for (int s = layout->n_space - 1; s >= 0; s--) {
    view->axes[n]    = (char)('0' + s);
    view->shape[n++] = layout->points[s];
  }
}

/* All trajectories have one coordinate: `row` of view n of a file says it for one of them. first: of n entries, to compare with. */
static bool SameRow(const NomosLayout *layout, hid_t file, const char path[], const NomosLayoutView *rows, size_t row, size_t n, const double first[], double values[], NomosVerdict *verdict)
{
  char which[NOMOS_MAX_NAME + 16];

  if (layout->n_groups) snprintf(which, sizeof which, "group %.*s", NOMOS_MAX_NAME, layout->groups[row]);
  else snprintf(which, sizeof which, "row %zu", row);
  if (!NomosViewRead(layout, file, path, rows, (size_t[]){row, 0}, (size_t[]){1, n}, values, verdict)) return false;
  for (size_t i = 0; i < n; i++)
    if (!(fabs(values[i] - first[i]) <= 1e-6 * fabs(first[n - 1] - first[0])))
      return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s differs between trajectories: entry %zu is %.8g in %s and %.8g in the first; all trajectories of a file share one grid and one list of times: put those that differ into files of their own", path, rows->source, i, values[i], which, first[i]);
  return true;
}

/* The first row is a coordinate, and the others are as it is. */
static bool CheckRows(const NomosLayout *layout, hid_t location, const char path[], const NomosLayoutView *view, size_t n_rows, NomosVerdict *verdict)
{
  const size_t n    = view->shape[0];
  NomosLayoutView    rows = *view;
  double      *first = malloc(2 * PetscMax(n, 1) * sizeof *first);
  hid_t        file = H5Iget_file_id(location); /* of a group too */

  if (!first) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", path);
  rows.axes[0]  = 'n';
  rows.axes[1]  = view->axes[0];
  rows.shape[0] = n_rows;
  rows.shape[1] = n;
  NomosViewRead(layout, file, path, &rows, (size_t[]){0, 0}, (size_t[]){1, n}, first, verdict);
  for (size_t i = 0; i < n && view->axes[0] != 't' && !verdict->code; i++) {
    const bool rises = isfinite(first[i]) && (i < 2 || (first[i] > first[i - 1]) == (first[1] > first[0])) && (!i || first[i] != first[i - 1]);
    if (!rises) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: entry %zu of the coordinate %s is %.8g after %.8g; the points of an axis must be finite, and rise or fall throughout", path, i, view->source, first[i], i ? first[i - 1] : NAN);
  }
  for (size_t row = 1; row < n_rows && !verdict->code; row++) SameRow(layout, file, path, &rows, row, n, first, first + n, verdict);
  H5Fclose(file);
  free(first);
  return !verdict->code;
}

bool NomosLayoutAddCoordinate(NomosLayout *layout, hid_t location, const char path[], char axis, const char source[], NomosVerdict *verdict)
{
  const size_t n = axis == 't' ? layout->n_frames : layout->points[axis - '0'];
  hsize_t      size[NOMOS_VIEW_MAX_AXES];
  const int    n_dims = NomosLayoutShape(location, source, size);
  const bool   grouped = layout->n_groups > 0;
  NomosLayoutView   *view;

  if (n_dims != 1 && (n_dims != 2 || grouped)) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate %s is missing or is no axis of numbers", path, source);
  const size_t found = size[n_dims - 1];
  if (axis == 't' && n == 1 && found > 2) return true; /* of some of Darcy's files: times of the way to the one frame */
  if (found != n && !(axis == 't' && found == n + 1))
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %zu entries, but the fields have %zu %s; %zu%s are right", path, source, found, n, axis == 't' ? "frames" : "points there", n, axis == 't' ? ", or one more," : "");
  view = NomosLayoutAdd(layout, NomosLayoutAxisName(layout, axis), source, source);
  if (!view) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", path);
  view->axes[0]  = axis;
  view->shape[0] = n;
  snprintf(view->raw, sizeof view->raw, "%s%s%c", grouped ? "g" : "", n_dims == 2 ? "n" : "", axis); /* of the first trajectory */
  for (int d = 0; d < n_dims; d++) view->size[d] = size[d];
  return CheckRows(layout, location, path, view, grouped ? layout->n_groups : n_dims == 2 ? size[0] : 1, verdict);
}

typedef struct {
  NomosLayout       *layout;
  const char *const *except;
} Attributes;

static herr_t TakeAttribute(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
  Attributes *a         = ctx;
  hid_t       attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
  const bool  is_text   = H5Tget_class(type) == H5T_STRING; /* a unit "1" is no number */
  char       *text      = is_text ? NULL : NomosH5GetText(object, name);
  double      value;

  (void)info;
  H5Tclose(type);
  H5Aclose(attribute);
  const char *end = text ? NomosNumberRead(text, &value) : NULL;
  bool        no  = !end || *end || NomosLayoutFind(a->layout, name) || strlen(name) >= NOMOS_MAX_NAME;
  for (size_t i = 0; a->except[i]; i++) no = no || !strcmp(a->except[i], name);
  free(text);
  if (no) return 0;
  char ours[NOMOS_MAX_NAME]; /* PDEBench's Nu is our nu */
  snprintf(ours, sizeof ours, "%s", !strcmp(name, "Nu") ? "nu" : !strcmp(name, "Rho") ? "rho" : name);
  NomosLayoutView *view = NomosLayoutAdd(a->layout, NomosLayoutFind(a->layout, ours) ? name : ours, name, name);
  if (!view) return -1;
  view->kind     = NOMOS_VIEW_ATTRIBUTE;
  view->axes[0]  = 'n';
  view->shape[0] = a->layout->n_trajectories;
  view->value    = value;
  return 0;
}

void NomosLayoutAddAttributes(NomosLayout *layout, hid_t object, const char *const except[])
{
  Attributes attributes = {layout, except};

  /* Order of creation, where it was kept: it is the order of the parameters. */
  if (H5Aiterate2(object, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, TakeAttribute, &attributes) < 0) H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, TakeAttribute, &attributes);
}

/* ---- reading */

static hid_t OpenOf(const NomosLayout *layout, hid_t file, const NomosLayoutView *view, size_t trajectory)
{
  char path[4 * NOMOS_MAX_NAME + 2];

  if (view->raw[0] == 'g') snprintf(path, sizeof path, "%.*s/%s", NOMOS_MAX_NAME, layout->groups[trajectory], view->source);
  else snprintf(path, sizeof path, "%s", view->source);
  return H5Dopen2(file, path, H5P_DEFAULT);
}

hid_t NomosViewDataset(const NomosLayout *layout, hid_t file, const NomosLayoutView *view)
{
  return view->kind == NOMOS_VIEW_DATASET ? OpenOf(layout, file, view, 0) : H5I_INVALID_HID;
}

bool NomosViewChunk(const NomosLayout *layout, hid_t file, const NomosLayoutView *view, size_t chunk[NOMOS_FIELD_MAX_DIMS + 1])
{
  const char *raw     = view->raw + (view->raw[0] == 'g');
  hid_t       dataset = NomosViewDataset(layout, file, view);
  hsize_t     size[NOMOS_VIEW_MAX_AXES];
  bool        chunked = false;

  if (dataset < 0) return false;
  hid_t properties = H5Dget_create_plist(dataset);
  chunked          = H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_chunk(properties, NOMOS_VIEW_MAX_AXES, size) == (int)strlen(raw);
  for (size_t a = 0; chunked && view->axes[a]; a++) {
    const char *at = strchr(raw, view->axes[a]);
    if (at) chunk[a] = size[at - raw];
    else if (view->raw[0] == 'g' && view->axes[a] == 'n') chunk[a] = 1;
  }
  H5Pclose(properties);
  H5Dclose(dataset);
  return chunked;
}

void NomosViewStrides(const NomosLayoutView *view, const hsize_t raw_count[], size_t stride[NOMOS_FIELD_MAX_DIMS + 1])
{
  const char *raw = view->raw + (view->raw[0] == 'g');

  for (size_t a = 0; view->axes[a]; a++) {
    const char *at = strchr(raw, view->axes[a]);
    stride[a]      = at ? 1 : 0;
    for (size_t r = at ? (size_t)(at - raw) + 1 : 0; at && raw[r]; r++) stride[a] *= raw_count[r];
  }
}

/* The raw block that holds a presented one. Components are read together: they lie side by side. */
static size_t RawBlock(const NomosLayoutView *view, const size_t start[], const size_t count[], hsize_t from[], hsize_t n[])
{
  const char *raw   = view->raw + (view->raw[0] == 'g');
  size_t      total = 1;

  for (size_t r = 0; raw[r]; r++) {
    const char *at = strchr(view->axes, raw[r]);
    from[r]        = at ? start[at - view->axes] : 0;
    n[r]           = at ? count[at - view->axes] : raw[r] == 'c' ? view->size[r] : 1;
    total *= n[r];
  }
  return total;
}

static bool ReadRaw(hid_t dataset, const char path[], const NomosLayoutView *view, const hsize_t from[], const hsize_t n[], double raw[], NomosVerdict *verdict)
{
  hsize_t size[NOMOS_VIEW_MAX_AXES];
  hid_t   space = H5Dget_space(dataset);
  int     n_dims = H5Sget_simple_extent_ndims(space), expected = (int)strlen(view->raw) - (view->raw[0] == 'g');
  bool    same = n_dims == expected && H5Sget_simple_extent_dims(space, size, NULL) >= 0;
  char    doing[4 * NOMOS_MAX_NAME];

  for (int r = 0; same && r < n_dims; r++) same = size[r] == view->size[r];
  if (!same) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s of one of its trajectories has another shape than that of the first", path, view->source);
  else if (!NomosH5CheckLzf(dataset)) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is damaged: its filter lzf does not know the size of its chunks", path, view->source);
  else {
    hid_t memory = n_dims ? H5Screate_simple(n_dims, n, NULL) : H5Screate(H5S_SCALAR);
    if (n_dims) H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, n, NULL);
    snprintf(doing, sizeof doing, "read %s", view->source);
    if (H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, raw) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_READ, path, doing);
    else NomosH5Unpack(dataset, (size_t)H5Sget_simple_extent_npoints(memory), raw);
    H5Sclose(memory);
  }
  H5Sclose(space);
  return !verdict->code;
}

/* Between data (count) and a block with these strides. */
static void Turn(const NomosLayoutView *view, const size_t count[], const size_t stride[], double raw[], double data[], bool into_raw)
{
  size_t    index[NOMOS_FIELD_MAX_DIMS + 1] = {0}, n = 1;
  const int last = (int)strlen(view->axes) - 1;

  for (int a = 0; a <= last; a++) n *= count[a];
  const size_t row = last < 0 ? 1 : count[last], step = last < 0 ? 0 : stride[last];
  for (size_t i = 0; i < n; i += row) {
    size_t at = view->component;
    for (int a = 0; a < last; a++) at += index[a] * stride[a];
    if (into_raw)
      for (size_t k = 0; k < row; k++) raw[at + k * step] = data[i + k];
    else
      for (size_t k = 0; k < row; k++) data[i + k] = raw[at + k * step];
    for (int a = last - 1; a >= 0 && ++index[a] == count[a]; a--) index[a] = 0;
  }
}

typedef struct {
  const char *key;
  double      value;
  bool        found;
} Number;

static bool IsNumber(const char key[], const char value[], void *ctx)
{
  Number     *number = ctx;
  const char *end    = strcmp(key, number->key) ? NULL : NomosNumberRead(value, &number->value);

  number->found = end && !*end;
  return !number->found;
}

/* A number in the text `config` of each trajectory's group. */
static bool ReadText(const NomosLayout *layout, hid_t file, const char path[], const NomosLayoutView *view, size_t start, size_t count, double data[], NomosVerdict *verdict)
{
  for (size_t i = 0; i < count; i++) {
    Number number = {.key = view->source};
    hid_t  group  = H5Gopen2(file, layout->groups[start + i], H5P_DEFAULT);
    char  *text   = group < 0 ? NULL : NomosH5GetText(group, "config");
    if (text) NomosYamlVisit(text, IsNumber, &number);
    free(text);
    if (group >= 0) H5Gclose(group);
    if (!number.found) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the attribute config of group %s has no number %s", path, layout->groups[start + i], view->source);
    data[i] = number.value;
  }
  return true;
}

bool NomosViewRead(const NomosLayout *layout, hid_t file, const char path[], const NomosLayoutView *view, const size_t start[], const size_t count[], double data[], NomosVerdict *verdict)
{
  const bool grouped                     = view->raw[0] == 'g', own = view->axes[0] == 'n'; /* own: a dataset in each group */
  hsize_t    from[NOMOS_VIEW_MAX_AXES] = {0}, n[NOMOS_VIEW_MAX_AXES] = {0};
  size_t     stride[NOMOS_FIELD_MAX_DIMS + 1], one[NOMOS_FIELD_MAX_DIMS + 1], size = 1;

  if (view->kind == NOMOS_VIEW_TEXT) return ReadText(layout, file, path, view, start[0], count[0], data, verdict);
  for (size_t i = 0; view->kind == NOMOS_VIEW_ATTRIBUTE && i < count[0]; i++) data[i] = view->value;
  if (view->kind == NOMOS_VIEW_ATTRIBUTE) return true;
  for (size_t a = 0; view->axes[a]; a++) {
    one[a] = a == 0 && grouped && own ? 1 : count[a];
    size *= one[a];
  }
  const size_t total = RawBlock(view, start, one, from, n);
  NomosViewStrides(view, n, stride);
  const bool as_it_lies = !strcmp(view->raw + grouped, view->axes + (grouped && own)); /* nothing to pick or to turn */
  double    *raw        = as_it_lies ? NULL : malloc(PetscMax(total, 1) * sizeof *raw);
  if (!raw && !as_it_lies) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to read %zu values of %s", path, total, view->name);
  for (size_t i = 0; i < (grouped && own ? count[0] : 1) && !verdict->code; i++) {
    hid_t dataset = OpenOf(layout, file, view, grouped && own ? start[0] + i : 0);
    if (dataset < 0) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: group %s has no dataset %s", path, grouped ? layout->groups[own ? start[0] + i : 0] : "/", view->source);
    else if (ReadRaw(dataset, path, view, from, n, as_it_lies ? data + i * size : raw, verdict) && raw) Turn(view, one, stride, raw, data + i * size, false);
    if (dataset >= 0) H5Dclose(dataset);
  }
  free(raw);
  return !verdict->code;
}

bool NomosViewWrite(const NomosLayout *layout, hid_t file, const char path[], NomosPendingBlock pending[], const NomosLayoutView *view, const size_t start[], const size_t count[], const double data[], NomosVerdict *verdict)
{
  hsize_t from[NOMOS_VIEW_MAX_AXES] = {0}, n[NOMOS_VIEW_MAX_AXES] = {0};
  size_t  stride[NOMOS_FIELD_MAX_DIMS + 1], n_components = 0;
  char    doing[4 * NOMOS_MAX_NAME];
  NomosPendingBlock *block = NULL;

  const size_t total = RawBlock(view, start, count, from, n);
  for (size_t i = 0; i < layout->n_views; i++)
    if (!strcmp(layout->views[i].source, view->source) && !n_components++) block = &pending[i];
  NomosViewStrides(view, n, stride);
  if (!block->n) {
    *block = (NomosPendingBlock){.trajectory = start[0], .raw = malloc(PetscMax(total, 1) * sizeof *block->raw)};
    memcpy(block->from, from, sizeof from);
    memcpy(block->count, n, sizeof n);
  } else if (block->trajectory != start[0] || memcmp(block->from, from, sizeof from) || memcmp(block->count, n, sizeof n)) return NomosVerdictFail(verdict, PETSC_ERR_ARG_INCOMP, "%s: a block of %s begins before all components of %s have the one before it", path, view->name, view->source);
  if (!block->raw) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to write %zu values of %s", path, total, view->name);
  Turn(view, count, stride, block->raw, (double *)data, true);
  if (++block->n < n_components) return true;
  hid_t dataset = OpenOf(layout, file, view, view->raw[0] == 'g' ? start[0] : 0), space = dataset < 0 ? dataset : H5Dget_space(dataset), memory = H5Screate_simple((int)strlen(view->raw) - (view->raw[0] == 'g'), n, NULL);
  snprintf(doing, sizeof doing, "write %s", view->source);
  if (dataset < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, n, NULL) < 0 || H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, block->raw) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, doing);
  H5Sclose(memory);
  if (dataset >= 0) {
    H5Sclose(space);
    if (H5Dclose(dataset) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, doing);
  }
  free(block->raw);
  *block = (NomosPendingBlock){0};
  return !verdict->code;
}
