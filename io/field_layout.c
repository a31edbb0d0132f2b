/* The metadata of a field file: NetCDF-4's use of HDF5, written once, checked on resuming. Rank 0 only. */
#include "io/field_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A chunk is large enough to cost little to find and small enough to be read for one frame or layer alone. */
#define CHUNK_SMALLEST ((size_t)256 << 10)
#define CHUNK_LARGEST ((size_t)4 << 20)

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

static const NomosFieldDim *FindDim(const NomosFieldFileInput *input, const char name[])
{
  for (size_t i = 0; i < input->n_dims; i++) {
    if (!strcmp(input->dims[i].name, name)) return &input->dims[i];
  }
  return NULL;
}

static int CountDims(const NomosFieldVariable *variable)
{
  int n = 0;

  while (n < NOMOS_FIELD_MAX_DIMS && variable->dims[n]) n++;
  return n;
}

/* Step and time are placed and copied as variables are. */
static const NomosFieldVariable *Variable(const NomosFieldFileInput *input, size_t i)
{
  static const NomosFieldVariable own[] = {
      {.name = "step", .type = NOMOS_F64, .unit = "1",         .long_name = "number of time steps done"},
      {.name = "time", .type = NOMOS_F64, .long_name = "time", .standard_name = "time"                 },
  };
  return i < input->n_variables ? &input->variables[i] : &own[i - input->n_variables];
}

static hid_t StoredType(const NomosFieldFileInput *input, size_t i)
{
  if (i == input->n_variables) return H5T_NATIVE_INT64;
  return Variable(input, i)->type == NOMOS_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

static bool CheckName(const NomosFieldFileInput *input, const char name[], size_t *n_same, NomosVerdict *verdict)
{
  if (!name || !*name || strchr(name, '/') || !strcmp(name, ".") || strlen(name) >= NOMOS_MAX_NAME) {
    return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG,
                            "%s: \"%.80s\" cannot name a variable: 1 to %d characters without a slash are allowed", input->path,
                            name ? name : "", NOMOS_MAX_NAME - 1);
  }
  *n_same = !input->timeless && (!strcmp(name, "time") || !strcmp(name, "step"));
  for (size_t i = 0; i < input->n_dims; i++) *n_same += input->dims[i].name && !strcmp(input->dims[i].name, name);
  for (size_t i = 0; i < input->n_variables; i++) *n_same += input->variables[i].name && !strcmp(input->variables[i].name, name);
  return true;
}

static bool CheckInput(const NomosFieldFileInput *input, NomosVerdict *verdict)
{
  size_t n_same;

  if (!input->path || !*input->path) return NomosVerdictFail(verdict, PETSC_ERR_FILE_OPEN, "a field file has no name; give a path");
  if (input->compression < 0 || input->compression > 9) {
    return NomosVerdictFail(verdict, PETSC_ERR_ARG_OUTOFRANGE, "%s: compression = %d: must be 0 (none) to 9", input->path,
                            input->compression);
  }
  for (size_t i = 0; i < input->n_dims + input->n_variables; i++) {
    const char *name = i < input->n_dims ? input->dims[i].name : input->variables[i - input->n_dims].name;
    if (!CheckName(input, name, &n_same, verdict)) return false;
    if (n_same > 1) {
      return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG,
                              "%s: the name %s is given twice (time and step are taken); names of dimensions and variables must differ",
                              input->path, name);
    }
    if (i < input->n_dims && (!input->dims[i].size || !input->dims[i].values)) {
      return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: dimension %s has no coordinates; at least one is needed", input->path,
                              name);
    }
  }
  for (size_t i = 0; i < input->n_variables; i++) {
    const NomosFieldVariable *variable = &input->variables[i];
    if (input->timeless && !variable->constant) return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: variable %s of a timeless file must be constant", input->path, variable->name);
    for (int d = 0; d < CountDims(variable); d++) {
      if (FindDim(input, variable->dims[d])) continue;
      return NomosVerdictFail(verdict, PETSC_ERR_ARG_WRONG, "%s: variable %s is over %s, which is none of the dimensions of the file",
                              input->path, variable->name, variable->dims[d]);
    }
  }
  return true;
}

/* Chunk and strides of one variable. Slabs of the sliced dimension are equal, so little is padded. */
static void Place(const NomosFieldFileInput *input, const NomosFieldVariable *variable, size_t capacity, NomosFieldPlace *place)
{
  NomosFileArray *array = &place->array;
  size_t          bytes = NomosRealBytes(variable->type), n_frames;

  memset(place, 0, sizeof *place);
  place->constant = variable->constant;
  array->n_dims   = CountDims(variable);
  array->type     = variable->type;
  place->n_chunks = 1;
  for (int d = array->n_dims - 1; d >= 0; d--) {
    array->size[d]       = FindDim(input, variable->dims[d])->size;
    array->stride[d]     = (int64_t)bytes;
    place->chunk[d + 1]  = array->size[d];
    const size_t largest = PetscMax(CHUNK_LARGEST / bytes, 1), n = (array->size[d] + largest - 1) / largest;
    if (n > 1) {
      place->chunk[d + 1] = (array->size[d] + n - 1) / n;
      place->n_chunks *= (array->size[d] + place->chunk[d + 1] - 1) / place->chunk[d + 1];
    }
    bytes *= variable->constant ? array->size[d] : (array->size[d] + place->chunk[d + 1] - 1) / place->chunk[d + 1] * place->chunk[d + 1];
  }
  place->frame    = (int64_t)bytes;
  n_frames        = PetscMax(1, PetscMin(capacity, CHUNK_SMALLEST / bytes));
  place->chunk[0] = n_frames;
  place->n_chunks *= (capacity + n_frames - 1) / n_frames;
}

bool NomosFieldPlan(const NomosFieldFileInput *input, size_t capacity, NomosFieldPlace places[], double *bytes, NomosVerdict *verdict)
{
  if (!CheckInput(input, verdict)) return false;
  *bytes = 0;
  for (size_t i = 0; i < NomosFieldPlaces(input); i++) {
    const NomosFieldVariable *variable = Variable(input, i);
    double                    frame    = (double)NomosRealBytes(variable->type);
    for (int d = 0; d < CountDims(variable); d++) frame *= (double)FindDim(input, variable->dims[d])->size;
    if (frame > 1e18)
      return NomosVerdictFail(verdict, PETSC_ERR_ARG_OUTOFRANGE, "%s: one frame of %s takes %.3g bytes; no file can hold it", input->path,
                              variable->name, frame);
    *bytes += frame * (variable->constant ? 1. : (double)capacity);
    Place(input, variable, capacity, &places[i]);
  }
  return true;
}

/* Those that `input` has for a variable; NULL: for the file. */
static bool PutGiven(hid_t object, const NomosFieldFileInput *input, const char variable[], NomosVerdict *verdict)
{
  for (size_t i = 0; i < input->n_attributes; i++) {
    const NomosFieldAttribute *given = &input->attributes[i];
    if (!given->variable != !variable || (variable && strcmp(given->variable, variable))) continue;
    const herr_t failed = given->text ? NomosH5PutText(object, given->name, given->text) : NomosH5PutReals(object, given->name, H5T_NATIVE_DOUBLE, 1, &given->number);
    if (failed < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, input->path, "write attributes");
  }
  return true;
}

static bool PutGlobals(hid_t file, const NomosFieldFileInput *input, NomosVerdict *verdict)
{
  char history[512];

  snprintf(history, sizeof history, "created by %s", input->source && *input->source ? input->source : "nomos " NOMOS_VERSION);
  const char *const globals[][2] = {
      {"_NCProperties", "version=2,nomos=" NOMOS_VERSION ",hdf5=" TEXT(H5_VERS_MAJOR) "." TEXT(H5_VERS_MINOR) "." TEXT(H5_VERS_RELEASE)},
      {"Conventions",   "CF-1.8"                                                                                                       },
      {"title",         input->title                                                                                                   },
      {"source",        input->source                                                                                                  },
      {"history",       history                                                                                                        },
      {"references",    input->references                                                                                              },
      {"config",        input->config_yaml                                                                                             },
      {"provenance",    input->provenance_json                                                                                         },
  };
  for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
    if (NomosH5PutText(file, globals[i][0], globals[i][1]) < 0)
      return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, input->path, "write the global attributes");
  }
  return PutGiven(file, input, NULL, verdict);
}

static bool PutAttributes(hid_t dataset, const char path[], const char unit[], const char long_name[], const char standard_name[],
                          const char axis[], NomosVerdict *verdict)
{
  const char *const attributes[][2] = {
      {"units",         unit && *unit ? unit : "1"},
      {"long_name",     long_name                 },
      {"standard_name", standard_name             },
      {"axis",          axis                      }
  };

  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
    if (NomosH5PutText(dataset, attributes[i][0], attributes[i][1]) < 0)
      return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "write attributes");
  }
  return true;
}

/* CF: what the values 0, 1, ... stand for. */
static bool PutFlags(hid_t dataset, const char path[], hid_t type, const char meanings[], NomosVerdict *verdict)
{
  enum { MAX_FLAGS = 256 };
  double values[MAX_FLAGS];
  size_t n = 1;

  if (!meanings) return true;
  for (const char *at = meanings; *at; at++) n += *at == ' ';
  for (size_t i = 0; i < n && n <= MAX_FLAGS; i++) values[i] = (double)i;
  if (n > MAX_FLAGS || NomosH5PutText(dataset, "flag_meanings", meanings) < 0 || NomosH5PutReals(dataset, "flag_values", type, n, values) < 0)
    return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "write attributes");
  return true;
}

/* A dimension is a dataset with its coordinates; _Netcdf4Dimid keeps the order of dimensions for NetCDF. */
static bool PutScale(hid_t dataset, const char path[], const char name[], int id, NomosVerdict *verdict)
{
  if (H5DSset_scale(dataset, name) < 0 || NomosH5PutInteger(dataset, "_Netcdf4Dimid", H5T_NATIVE_INT, id) < 0) {
    return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "make dimension scales");
  }
  return true;
}

/* Closing writes what HDF5 has kept in memory: a full disk may show only here. */
static bool CloseWritten(hid_t dataset, const char path[], NomosVerdict *verdict)
{
  return H5Dclose(dataset) >= 0 || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "write");
}

static bool DefineDims(hid_t file, const NomosFieldFileInput *input, NomosVerdict *verdict)
{
  for (size_t i = 0; i < input->n_dims; i++) {
    const NomosFieldDim *dim     = &input->dims[i];
    hsize_t              size    = dim->size;
    hid_t                dataset = NomosH5Dataset(file, input->path, dim->name, H5T_NATIVE_DOUBLE, 1, &size, NULL, NomosH5RawProperties(), verdict);
    if (dataset < 0) return false;
    if (H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, dim->values) < 0)
      return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, input->path, "write coordinates");
    if (!PutScale(dataset, input->path, dim->name, (int)i + !input->timeless, verdict)) return false;
    if (!PutAttributes(dataset, input->path, dim->unit, dim->long_name, dim->standard_name, dim->axis, verdict)) return false;
    if (!CloseWritten(dataset, input->path, verdict)) return false;
  }
  return true;
}

static bool AttachDims(hid_t file, hid_t dataset, const NomosFieldVariable *variable, const char path[], NomosVerdict *verdict)
{
  const int first = variable->constant ? 0 : 1;

  for (int d = -first; d < CountDims(variable); d++) {
    hid_t scale = H5Dopen2(file, d < 0 ? "time" : variable->dims[d], H5P_DEFAULT);
    if (scale < 0 || H5DSattach_scale(dataset, scale, (unsigned)(d + first)) < 0)
      return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "attach dimension scales");
    H5Dclose(scale);
  }
  return true;
}

static hid_t DefineVariable(hid_t file, const NomosFieldFileInput *input, size_t i, size_t capacity, int compression,
                            const NomosFieldPlace *place, NomosVerdict *verdict)
{
  const NomosFieldVariable *variable  = Variable(input, i);
  const bool                is_time   = i == input->n_variables + 1;
  const double              unwritten = NAN;
  const int                 first = place->constant ? 0 : 1, n_dims = place->array.n_dims + first;
  hid_t                     properties = NomosH5RawProperties();
  hsize_t                   size[NOMOS_FIELD_MAX_DIMS + 1], max_size[NOMOS_FIELD_MAX_DIMS + 1];

  size[0]     = capacity;
  max_size[0] = H5S_UNLIMITED;
  for (int d = 0; d < place->array.n_dims; d++) size[d + first] = max_size[d + first] = place->array.size[d];
  if (!place->constant) H5Pset_chunk(properties, n_dims, place->chunk);
  if (is_time) {
    H5Pset_fill_value(properties, H5T_NATIVE_DOUBLE, &unwritten);
    H5Pset_fill_time(properties, H5D_FILL_TIME_ALLOC);
  } else if (compression && !place->constant) {
    H5Pset_alloc_time(properties, H5D_ALLOC_TIME_INCR);
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, (unsigned)compression);
  }
  return NomosH5Dataset(file, input->path, variable->name, StoredType(input, i), n_dims, size, max_size, properties, verdict);
}

/* Time comes first: the variables are attached to it. */
static bool DefineAll(hid_t file, const NomosFieldFileInput *input, size_t capacity, int compression, const NomosFieldPlace places[],
                      NomosVerdict *verdict)
{
  const size_t n = input->n_variables;
  hid_t        time = H5I_INVALID_HID;

  if (!PutGlobals(file, input, verdict)) return false;
  if (!input->timeless) {
    time = DefineVariable(file, input, n + 1, capacity, 0, &places[n + 1], verdict);
    if (time < 0 || !PutScale(time, input->path, "time", 0, verdict)) return false;
    if (!PutAttributes(time, input->path, input->time_unit, "time", "time", "T", verdict)) return false;
  }
  if (!DefineDims(file, input, verdict)) return false;
  for (size_t i = input->timeless; i <= n; i++) {
    const NomosFieldVariable *variable = Variable(input, (i + n) % (n + 1)); /* step, then the variables */
    const size_t              at       = (i + n) % (n + 1);
    hid_t                     dataset  = DefineVariable(file, input, at, capacity, compression, &places[at], verdict);
    if (dataset < 0 || !AttachDims(file, dataset, variable, input->path, verdict)) return false;
    if (!PutAttributes(dataset, input->path, variable->unit, variable->long_name, variable->standard_name, NULL, verdict)) return false;
    if (!PutFlags(dataset, input->path, StoredType(input, at), variable->flag_meanings, verdict)) return false;
    if (!PutGiven(dataset, input, variable->name, verdict)) return false;
    if (!CloseWritten(dataset, input->path, verdict)) return false;
  }
  if (!input->timeless && !CloseWritten(time, input->path, verdict)) return false;
  if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, input->path, "write");
  return true;
}

hid_t NomosFieldDefine(const char path[], const NomosFieldFileInput *input, size_t capacity, int compression,
                       const NomosFieldPlace places[], NomosVerdict *verdict)
{
  size_t metadata = (size_t)16 << 10;
  hid_t  file;

  /* Room for every node of the chunk indices (up to 8 + 8 * 6 bytes an entry, half full), so that none comes between chunks. */
  for (size_t i = 0; i < NomosFieldPlaces(input); i++) metadata += 160 * places[i].n_chunks;
  file = NomosH5Create(path, metadata, verdict);
  if (file >= 0 && !DefineAll(file, input, capacity, compression, places, verdict)) {
    H5Fclose(file);
    return H5I_INVALID_HID;
  }
  return file;
}

/* Chunks are allocated in the order of their coordinates. If there are as many as planned and the last lies where it does when none but
   chunks are in between, then all lie one behind the other. */
static bool LocateChunks(hid_t dataset, const NomosFieldPlace *place, int64_t *base)
{
  hsize_t  n, size, offset[NOMOS_FIELD_MAX_DIMS + 1], chunk[NOMOS_FIELD_MAX_DIMS + 1];
  haddr_t  first = 0, last = 0;
  unsigned mask;
  hid_t    properties = H5Dget_create_plist(dataset);
  bool     as_planned = H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_nfilters(properties) == 0 &&
                    H5Pget_chunk(properties, NOMOS_FIELD_MAX_DIMS + 1, chunk) == place->array.n_dims + 1;

  H5Pclose(properties);
  *base = 0;
  if (!as_planned || memcmp(chunk, place->chunk, (size_t)(place->array.n_dims + 1) * sizeof *chunk)) return false;
  hid_t space = H5Dget_space(dataset);
  bool  found = H5Dget_num_chunks(dataset, space, &n) >= 0 && n == place->n_chunks;
  if (found && n) {
    found = H5Dget_chunk_info(dataset, space, 0, offset, &mask, &first, &size) >= 0 &&
            H5Dget_chunk_info(dataset, space, n - 1, offset, &mask, &last, &size) >= 0;
    found = found && last - first == (n - 1) * size;
    *base = (int64_t)first;
  }
  H5Sclose(space);
  return found;
}

static bool LocateRaw(hid_t dataset, int64_t *base)
{
  hid_t   properties = H5Dget_create_plist(dataset);
  bool    contiguous = H5Pget_layout(properties) == H5D_CONTIGUOUS && H5Pget_external_count(properties) == 0;
  haddr_t offset     = contiguous ? H5Dget_offset(dataset) : HADDR_UNDEF;

  H5Pclose(properties);
  *base = (int64_t)offset;
  return offset != HADDR_UNDEF;
}

bool NomosFieldLocate(hid_t file, const NomosFieldFileInput *input, NomosFieldPlace places[])
{
  bool found = true;

  for (size_t i = 0; i < NomosFieldPlaces(input) && found; i++) {
    hid_t dataset = H5Dopen2(file, Variable(input, i)->name, H5P_DEFAULT);
    hid_t type    = dataset < 0 ? dataset : H5Dget_type(dataset);
    found         = dataset >= 0 && H5Tequal(type, StoredType(input, i)) > 0;
    found         = found &&
            (places[i].constant ? LocateRaw(dataset, &places[i].array.base) : LocateChunks(dataset, &places[i], &places[i].array.base));
    if (type >= 0) H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
  }
  return found;
}

/* Type class, bytes and sizes of a dataset must be these; a size of 0 is free. */
static bool CheckDataset(hid_t file, const char path[], const char name[], hid_t type, int n_dims, const size_t size[],
                         NomosVerdict *verdict)
{
  hsize_t found[H5S_MAX_RANK];

  if (H5Lexists(file, name, H5P_DEFAULT) <= 0)
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s cannot be continued: it has no %s; start a new run directory", path,
                            name);
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_READ, path, "read its definition");
  hid_t stored = H5Dget_type(dataset), space = H5Dget_space(dataset);
  int   rank = H5Sget_simple_extent_dims(space, found, NULL);
  if (H5Tget_class(stored) != H5Tget_class(type) || H5Tget_size(stored) != H5Tget_size(type)) {
    NomosVerdictFail(
        verdict, PETSC_ERR_FILE_UNEXPECTED,
        "%s cannot be continued: %s is stored in another precision (%zu bytes a number, this run writes %zu); start a new run directory",
        path, name, H5Tget_size(stored), H5Tget_size(type));
  } else if (rank != n_dims) {
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                     "%s cannot be continued: %s has %d dimensions, this run writes %d; start a new run directory", path, name, rank,
                     n_dims);
  }
  for (int d = 0; d < n_dims && !verdict->code; d++) {
    if (!size[d] || size[d] == found[d]) continue;
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                     "%s cannot be continued: dimension %d of %s has size %llu, this run writes %zu; start a new run directory", path, d,
                     name, (unsigned long long)found[d], size[d]);
  }
  H5Sclose(space);
  H5Tclose(stored);
  H5Dclose(dataset);
  return !verdict->code;
}

static bool CheckCoordinates(hid_t file, const char path[], const NomosFieldDim *dim, NomosVerdict *verdict)
{
  hid_t   dataset = H5Dopen2(file, dim->name, H5P_DEFAULT);
  double *values  = malloc(dim->size * sizeof *values);

  if (!values || H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    NomosH5Fail(verdict, PETSC_ERR_FILE_READ, path, "read its coordinates");
  for (size_t i = 0; i < dim->size && !verdict->code; i++) {
    if (values[i] == dim->values[i]) continue;
    NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                     "%s cannot be continued: its coordinate %s[%zu] is %.10g, this run writes %.10g; start a new run directory", path,
                     dim->name, i, values[i], dim->values[i]);
  }
  free(values);
  H5Dclose(dataset);
  return !verdict->code;
}

static bool CheckDims(hid_t file, const char path[], const NomosFieldVariable *variable, NomosVerdict *verdict)
{
  const int first   = variable->constant ? 0 : 1;
  hid_t     dataset = H5Dopen2(file, variable->name, H5P_DEFAULT);

  for (int d = -first; d < CountDims(variable) && !verdict->code; d++) {
    const char *name  = d < 0 ? "time" : variable->dims[d];
    hid_t       scale = H5Dopen2(file, name, H5P_DEFAULT);
    if (scale < 0 || H5DSis_attached(dataset, scale, (unsigned)(d + first)) <= 0) {
      NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED,
                       "%s cannot be continued: dimension %d of %s is not %s there; start a new run directory", path, d + first,
                       variable->name, name);
    }
    if (scale >= 0) H5Dclose(scale);
  }
  H5Dclose(dataset);
  return !verdict->code;
}

bool NomosFieldCheck(hid_t file, const NomosFieldFileInput *input, const char path[], NomosVerdict *verdict)
{
  for (size_t i = 0; i < input->n_dims; i++) {
    if (!CheckDataset(file, path, input->dims[i].name, H5T_NATIVE_DOUBLE, 1, &input->dims[i].size, verdict)) return false;
    if (!CheckCoordinates(file, path, &input->dims[i], verdict)) return false;
  }
  for (size_t i = 0; i < NomosFieldPlaces(input); i++) {
    const NomosFieldVariable *variable                       = Variable(input, i);
    size_t                    size[NOMOS_FIELD_MAX_DIMS + 1] = {0};
    const int                 first = variable->constant ? 0 : 1, n_dims = CountDims(variable);
    for (int d = 0; d < n_dims; d++) size[d + first] = FindDim(input, variable->dims[d])->size;
    if (!CheckDataset(file, path, variable->name, StoredType(input, i), n_dims + first, size, verdict)) return false;
    if (i != input->n_variables + 1 && !CheckDims(file, path, variable, verdict)) return false;
  }
  return true;
}

/* Chunk by chunk, so that memory stays small and a compressed chunk is written once. */
static bool CopyVariable(hid_t from, hid_t to, const NomosFieldFileInput *input, size_t i, const NomosFieldPlace *place, size_t frames,
                         const char path[], NomosVerdict *verdict)
{
  const char *name  = Variable(input, i)->name;
  const int   first = place->constant ? 0 : 1, n_dims = place->array.n_dims + first;
  hid_t       type   = StoredType(input, i);
  hid_t       source = H5Dopen2(from, name, H5P_DEFAULT), target = H5Dopen2(to, name, H5P_DEFAULT);
  hid_t       source_space = H5Dget_space(source), target_space               = H5Dget_space(target);
  hsize_t     size[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1];
  size_t      bytes = H5Tget_size(type);

  for (int d = 0; d < n_dims; d++) {
    size[d] = d < first ? frames : place->array.size[d - first];
    bytes *= place->chunk[d + 1 - first];
  }
  char *buffer = malloc(bytes);
  bool  more   = buffer && (place->constant || frames > 0);
  if (!buffer) NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory to copy %s", path, name);
  while (more && !verdict->code) {
    for (int d = 0; d < n_dims; d++) count[d] = PetscMin(place->chunk[d + 1 - first], size[d] - start[d]);
    hid_t memory = n_dims ? H5Screate_simple(n_dims, count, NULL) : H5Screate(H5S_SCALAR);
    if (n_dims) {
      H5Sselect_hyperslab(source_space, H5S_SELECT_SET, start, NULL, count, NULL);
      H5Sselect_hyperslab(target_space, H5S_SELECT_SET, start, NULL, count, NULL);
    }
    if (H5Dread(source, type, memory, source_space, H5P_DEFAULT, buffer) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_READ, path, "read");
    else if (H5Dwrite(target, type, memory, target_space, H5P_DEFAULT, buffer) < 0)
      NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, path, "rewrite");
    H5Sclose(memory);
    int d = n_dims - 1;
    for (; d >= 0 && (start[d] += count[d]) >= size[d]; d--) start[d] = 0;
    more = d >= 0;
  }
  free(buffer);
  H5Sclose(target_space);
  H5Sclose(source_space);
  CloseWritten(target, path, verdict);
  H5Dclose(source);
  return !verdict->code;
}

bool NomosFieldCopy(hid_t from, hid_t to, const NomosFieldFileInput *input, const NomosFieldPlace places[], size_t frames,
                    const char path[], NomosVerdict *verdict)
{
  for (size_t i = 0; i < NomosFieldPlaces(input); i++) {
    if (!CopyVariable(from, to, input, i, &places[i], frames, path, verdict)) return false;
  }
  return true;
}
