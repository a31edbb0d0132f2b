#include "io/particle_file.h"

#include "io/hdf5_impl.h"
#include "io/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LISTED = 200 };

typedef struct {
  char         *name; /* of the group; "": the datasets are the root's */
  size_t        n_frames, n_particles;
  int           d;
  NomosRealType type;
  double       *parameters;
  char         *simulation, *simulation_hash;
  size_t        n_set;
  char        **set;
} Trajectory;

struct NomosParticleFile_s {
  char            *path;
  hid_t            file;
  bool             is_run;
  char            *halved; /* a group with particle_type alone; NULL: there is none */
  size_t           n;
  Trajectory      *trajectories;
  NomosParticleSet set;
  char           **kinds, **parameters, *texts[4]; /* units, title, references, source */
};

/* ---- what is in it */

static herr_t CountGroups(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  NomosParticleFile f = ctx;
  char              path[2 * NOMOS_MAX_NAME];
  H5O_info_t        object;

  (void)info;
  if (strlen(name) >= NOMOS_MAX_NAME || H5Oget_info_by_name(file, name, &object, H5P_DEFAULT) < 0 || object.type != H5O_TYPE_GROUP) return 0;
  snprintf(path, sizeof path, "%s/position", name);
  if (H5Lexists(file, path, H5P_DEFAULT) <= 0) {
    snprintf(path, sizeof path, "%s/particle_type", name);
    if (!f->halved && H5Lexists(file, path, H5P_DEFAULT) > 0) f->halved = strdup(name);
    return 0;
  }
  Trajectory *grown = realloc(f->trajectories, (f->n + 1) * sizeof *grown);
  if (!grown) return -1;
  f->trajectories       = grown;
  f->trajectories[f->n] = (Trajectory){.name = strdup(name)};
  return f->trajectories[f->n++].name ? 0 : -1;
}

typedef struct {
  size_t length;
  char   text[MAX_LISTED];
} List;

static herr_t AddName(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
  List *list = ctx;

  (void)file;
  (void)info;
  if (list->length < sizeof list->text) list->length += (size_t)snprintf(list->text + list->length, sizeof list->text - list->length, "%s%s", list->length ? ", " : "", name);
  return 0;
}

static const char *Of(const Trajectory *t, const char dataset[], char path[2 * NOMOS_MAX_NAME])
{
  snprintf(path, 2 * NOMOS_MAX_NAME, "%s%s%s", t->name, t->name[0] ? "/" : "", dataset);
  return path;
}

static bool ShapeOf(NomosParticleFile f, Trajectory *t, NomosVerdict *verdict)
{
  hsize_t size[3] = {0};
  char    path[2 * NOMOS_MAX_NAME];
  hid_t   dataset = H5Dopen2(f->file, Of(t, "position", path), H5P_DEFAULT), space = dataset < 0 ? dataset : H5Dget_space(dataset), type = dataset < 0 ? dataset : H5Dget_type(dataset);
  int     n_dims  = dataset < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  bool    good    = n_dims == 3 && H5Tget_class(type) == H5T_FLOAT && H5Sget_simple_extent_dims(space, size, NULL) >= 0;

  if (dataset >= 0) {
    t->type = H5Tget_size(type) > 4 ? NOMOS_F64 : NOMOS_F32;
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
  }
  if (!good) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d axes, or holds no floating-point numbers; positions are over (frames, particles, axes of space)", f->path, path, n_dims);
  t->n_frames    = size[0];
  t->n_particles = size[1];
  t->d           = (int)size[2];
  if (size[2] < 2 || size[2] > 3) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d numbers for each particle; 2 or 3 are possible, over (frames, particles, axes of space)", f->path, path, (int)size[2]);
  if (t->d != f->trajectories[0].d) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d axes of space, the first trajectory has %d: put trajectories of one dimension into one file", f->path, path, t->d, f->trajectories[0].d);
  return true;
}

/* ---- attributes */

static bool Reals(hid_t object, const char name[], size_t n, double values[])
{
  hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : H5I_INVALID_HID, space;

  if (attribute < 0) return false;
  space     = H5Aget_space(attribute);
  bool good = H5Sget_simple_extent_npoints(space) == (hssize_t)n && H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0;
  H5Sclose(space);
  H5Aclose(attribute);
  return good;
}

/* A trajectory's numbers, its case and settings. */
static bool ReadGroup(NomosParticleFile f, Trajectory *t, NomosVerdict *verdict)
{
  hid_t group = H5Oopen(f->file, t->name[0] ? t->name : "/", H5P_DEFAULT);

  t->parameters = calloc(f->set.n_parameters + 1, sizeof *t->parameters);
  for (size_t p = 0; p < f->set.n_parameters && !verdict->code; p++)
    if (!Reals(group, f->parameters[p], 1, &t->parameters[p])) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the group %s has no number %s, which the file names as one of its parameters", f->path, t->name, f->parameters[p]);
  t->simulation = NomosH5GetText(group, "simulation");
  t->simulation_hash = NomosH5GetText(group, "simulation_hash");
  t->n_set      = NomosH5GetStrings(group, "set", &t->set);
  H5Oclose(group);
  return !verdict->code;
}

static void ReadRoot(NomosParticleFile f)
{
  static const char *const names[] = {"units", "title", "references", "source"};
  const char             **texts[] = {&f->set.units, &f->set.title, &f->set.references, &f->set.source};
  const size_t             d       = (size_t)f->set.d;

  for (size_t i = 0; i < 4; i++) *texts[i] = f->texts[i] = NomosH5GetText(f->file, names[i]);
  Reals(f->file, "interval", 1, &f->set.interval);
  Reals(f->file, "radius", 1, &f->set.radius);
  f->set.bounded      = Reals(f->file, "low", d, f->set.low) && Reals(f->file, "high", d, f->set.high);
  f->set.n_kinds      = NomosH5GetStrings(f->file, "kinds", &f->kinds);
  f->set.n_parameters = NomosH5GetStrings(f->file, "parameters", &f->parameters);
  f->set.kinds        = (const char *const *)f->kinds;
  f->set.parameters   = (const char *const *)f->parameters;
}

/* ---- a run: times, names of materials */

static bool ReadTimes(NomosParticleFile f, NomosVerdict *verdict)
{
  Trajectory *t     = &f->trajectories[0];
  double     *times = calloc(t->n_frames + 1, sizeof *times);
  hsize_t     n     = 0;
  hid_t       dataset = H5Dopen2(f->file, "time", H5P_DEFAULT);
  bool        good    = times && dataset >= 0;

  if (good) {
    hid_t space = H5Dget_space(dataset);
    good        = H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &n, NULL) >= 0 && n == t->n_frames && H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, times) >= 0;
    H5Sclose(space);
  }
  if (dataset >= 0) H5Dclose(dataset);
  if (!good) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: position has %zu frames, but there are not as many times: it is no fields.nc of a run", f->path, t->n_frames);
  size_t frames = 0;
  while (good && frames < t->n_frames && isfinite(times[frames])) frames++; /* the run may go on */
  t->n_frames = frames;
  if (frames > 1) f->set.interval = (times[frames - 1] - times[0]) / (double)(frames - 1);
  for (size_t k = 1; k < frames && !verdict->code; k++) {
    const double step = times[k] - times[k - 1];
    if (fabs(step - f->set.interval) > 1e-6 * fabs(f->set.interval)) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: frames %zu and %zu are %g s apart, others %g s: a stepper needs frames that are evenly spaced; run it with time.stop a multiple of output.fields_every", f->path, k - 1, k, step, f->set.interval);
  }
  free(times);
  return !verdict->code;
}

size_t NomosParticleKindNames(const char text[], char ***names)
{
  size_t n = 0;

  *names = NULL;
  if (!text || strncmp(text, "material: ", 10)) return 0;
  for (const char *entry = text + 9; entry; entry = strchr(entry + 1, ',')) {
    const char *name  = entry + strspn(entry, ", 0123456789");
    char      **grown = realloc(*names, (n + 1) * sizeof *grown);
    if (!grown) break;
    *names     = grown;
    grown[n++] = strndup(name, strcspn(name, ","));
  }
  return n;
}

static void ReadMaterials(NomosParticleFile f)
{
  hid_t dataset = H5Lexists(f->file, "material", H5P_DEFAULT) > 0 ? H5Dopen2(f->file, "material", H5P_DEFAULT) : H5I_INVALID_HID;
  char *text    = dataset < 0 ? NULL : NomosH5GetText(dataset, "long_name");

  if (dataset >= 0) H5Dclose(dataset);
  f->set.n_kinds = NomosParticleKindNames(text, &f->kinds);
  f->set.kinds   = (const char *const *)f->kinds;
  free(text);
}

static bool ReadRun(NomosParticleFile f, NomosVerdict *verdict)
{
  Trajectory *t = &f->trajectories[0];
  char       *config;

  if (!ReadTimes(f, verdict)) return false;
  ReadMaterials(f);
  config = NomosH5GetText(f->file, "config");
  if (config && !t->simulation) { /* the run's directory is a case too */
    char directory[NOMOS_MAX_PATH];
    NomosDirectoryName(f->path, directory);
    t->simulation = realpath(directory, NULL);
  }
  free(config);
  return true;
}

/* ---- metadata.json */

/* A number that must be at least `least` (not 0), where the metadata have it. */
static bool ReadPositive(const char path[], const json_t *root, const char key[], double least, double *value, NomosVerdict *verdict)
{
  const json_t *entry = json_object_get(root, key);

  if (!entry) return true;
  *value = json_number_value(entry);
  if (json_is_number(entry) && *value > 0 && *value >= least) return true;
  char *text = json_dumps(entry, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
  NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s = %.100s: must be a number %s; correct it, or leave it out", path, key, text ? text : "?", least > 0 ? "of steps, 1 or more" : "above 0");
  free(text);
  return false;
}

static bool ReadBounds(NomosParticleFile f, const char path[], const json_t *bounds, NomosVerdict *verdict)
{
  if (!bounds) return true;
  f->set.bounded = true;
  if (json_array_size(bounds) != (size_t)f->set.d) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: bounds has %zu entries, and the positions of %s have %d axes; it must be [low, high] for each axis", path, json_array_size(bounds), f->path, f->set.d);
  for (size_t a = 0; a < (size_t)f->set.d; a++) {
    const json_t *pair = json_array_get(bounds, a), *low = json_array_get(pair, 0), *high = json_array_get(pair, 1);
    f->set.low[a]      = json_number_value(low);
    f->set.high[a]     = json_number_value(high);
    if (!json_is_number(low) || !json_is_number(high) || !(f->set.low[a] < f->set.high[a])) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: bounds must be [low, high] with low < high for each of %d axes", path, f->set.d);
  }
  return true;
}

static bool ReadMetadata(NomosParticleFile f, NomosVerdict *verdict)
{
  char         directory[NOMOS_MAX_PATH], path[NOMOS_MAX_PATH + 16];
  json_error_t error;

  NomosDirectoryName(f->path, directory);
  snprintf(path, sizeof path, "%s/metadata.json", directory);
  FILE *stream = fopen(path, "rb");
  if (!stream) return true;
  json_t *root = json_loadf(stream, 0, &error);
  fclose(stream);
  if (!json_is_object(root)) {
    json_decref(root);
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: line %d: %s; metadata of particles are an object in JSON", path, error.line, root ? "no object" : error.text);
  }
  const json_t *dim = json_object_get(root, "dim"), *periodic = json_object_get(root, "periodic_boundary_conditions");
  double        dt = 0, write_every = 1;
  if (dim && json_number_value(dim) != f->set.d) NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: dim = %g, but the positions of %s have %d axes", path, json_number_value(dim), f->path, f->set.d);
  if (!(f->set.interval > 0) && ReadPositive(path, root, "dt", 0, &dt, verdict) && ReadPositive(path, root, "write_every", 1, &write_every, verdict)) {
    f->set.interval   = dt * write_every;
    f->set.every_step = dt > 0 && !json_object_get(root, "write_every");
  }
  if (!(f->set.radius > 0)) ReadPositive(path, root, "default_connectivity_radius", 0, &f->set.radius, verdict);
  if (!f->set.bounded) ReadBounds(f, path, json_object_get(root, "bounds"), verdict);
  for (size_t a = 0; a < (size_t)f->set.d; a++) f->set.periodic[a] = json_is_true(json_array_get(periodic, a));
  json_decref(root);
  return !verdict->code;
}

/* ---- open and close */

static bool Scan(NomosParticleFile f, NomosVerdict *verdict)
{
  List list = {0};

  f->file = NomosH5Open(f->path, false, verdict);
  if (f->file < 0) return false;
  if (H5Lexists(f->file, "position", H5P_DEFAULT) > 0) {
    f->is_run       = true;
    f->trajectories = calloc(1, sizeof *f->trajectories);
    f->n            = 1;
    if (f->trajectories) f->trajectories[0].name = strdup("");
  } else if (H5Literate(f->file, H5_INDEX_NAME, H5_ITER_INC, NULL, CountGroups, f) < 0) return NomosH5Fail(verdict, PETSC_ERR_FILE_READ, f->path, "list its groups");
  if (f->halved) return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: the group %s has particle_type and no position: it is half a trajectory; write it again, or take the group out", f->path, f->halved);
  if (!f->n) {
    H5Literate(f->file, H5_INDEX_NAME, H5_ITER_INC, NULL, AddName, &list);
    return NomosVerdictFail(verdict, PETSC_ERR_FILE_UNEXPECTED, "%s holds no trajectories of particles, that is groups with a dataset position (frames, particles, axes), or position (time, particle, axis) of a run; it has %s%s", f->path, list.length ? list.text : "nothing", list.length < sizeof list.text ? "" : "...");
  }
  for (size_t i = 0; i < f->n && !verdict->code; i++) ShapeOf(f, &f->trajectories[i], verdict);
  if (verdict->code) return false;
  f->set.d = f->trajectories[0].d;
  ReadRoot(f);
  for (size_t i = 0; i < f->n && !verdict->code; i++) ReadGroup(f, &f->trajectories[i], verdict);
  return !verdict->code && (f->is_run ? ReadRun(f, verdict) : ReadMetadata(f, verdict));
}

PetscErrorCode NomosParticleFileOpen(const char path[], NomosParticleFile *file)
{
  NomosVerdict verdict = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscNew(file));
  (*file)->file = H5I_INVALID_HID;
  PetscCall(PetscStrallocpy(path, &(*file)->path));
  if (!Scan(*file, &verdict)) PetscCall(NomosParticleFileClose(file));
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleFileClose(NomosParticleFile *file)
{
  NomosParticleFile f = *file;

  PetscFunctionBeginUser;
  if (!f) PetscFunctionReturn(PETSC_SUCCESS);
  if (f->file >= 0) H5Fclose(f->file);
  for (size_t i = 0; i < f->n; i++) {
    Trajectory *t = &f->trajectories[i];
    free(t->name);
    free(t->parameters);
    free(t->simulation);
    free(t->simulation_hash);
    NomosH5FreeStrings(t->n_set, t->set);
  }
  free(f->trajectories);
  free(f->halved);
  for (size_t i = 0; i < 4; i++) free(f->texts[i]);
  NomosH5FreeStrings(f->set.n_kinds, f->kinds);
  NomosH5FreeStrings(f->set.n_parameters, f->parameters);
  PetscCall(PetscFree(f->path));
  PetscCall(PetscFree(*file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleFileGetSet(NomosParticleFile file, size_t *n_trajectories, const NomosParticleSet **set)
{
  PetscFunctionBeginUser;
  *n_trajectories = file->n;
  *set            = &file->set;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleFileGetMotion(NomosParticleFile file, size_t i, NomosParticleMotion *motion)
{
  const Trajectory *t = &file->trajectories[i];

  PetscFunctionBeginUser;
  *motion = (NomosParticleMotion){.name = t->name, .n_frames = t->n_frames, .n_particles = t->n_particles, .parameters = t->parameters, .simulation = t->simulation ? t->simulation : "", .simulation_hash = t->simulation_hash ? t->simulation_hash : "", .n_set = t->n_set, .set = (const char *const *)t->set};
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosRealType NomosParticleFileType(NomosParticleFile file, size_t i)
{
  return file->trajectories[i].type;
}

/* ---- numbers */

PetscErrorCode NomosParticleFileKinds(NomosParticleFile file, size_t i, int32_t kind[])
{
  const Trajectory *t       = &file->trajectories[i];
  NomosVerdict      verdict = {0};
  char              path[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  Of(t, file->is_run ? "material" : "particle_type", path);
  if (H5Lexists(file->file, path, H5P_DEFAULT) <= 0) {
    memset(kind, 0, t->n_particles * sizeof *kind);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  hid_t dataset = H5Dopen2(file->file, path, H5P_DEFAULT), space = dataset < 0 ? dataset : H5Dget_space(dataset);
  const hssize_t n = dataset < 0 ? -1 : H5Sget_simple_extent_npoints(space);
  if (n != (hssize_t)t->n_particles) NomosVerdictFail(&verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %lld entries for %zu particles", file->path, path, (long long)n, t->n_particles);
  else if (n && H5Dread(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, kind) < 0) NomosH5Fail(&verdict, PETSC_ERR_FILE_READ, file->path, "read the types of particles");
  if (dataset >= 0) {
    H5Sclose(space);
    H5Dclose(dataset);
  }
  for (size_t k = 0; k < t->n_particles && !verdict.code; k++)
    if (kind[k] < 0 || (file->set.n_kinds && (size_t)kind[k] >= file->set.n_kinds)) NomosVerdictFail(&verdict, PETSC_ERR_FILE_UNEXPECTED, "%s: %s of particle %zu is %d; %s", file->path, path, k, kind[k], file->set.n_kinds ? "the file names fewer kinds" : "types are whole numbers from 0 on");
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleFileRead(NomosParticleFile file, const NomosParticleFrames *frames, void *x)
{
  const Trajectory *t       = &file->trajectories[frames->trajectory];
  NomosVerdict      verdict = {0};
  const hsize_t     start[] = {frames->first, 0, 0}, count[] = {frames->n_frames, t->n_particles, (hsize_t)t->d}, stride[] = {PetscMax(frames->every, 1), 1, 1};
  char              path[2 * NOMOS_MAX_NAME], doing[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCheck(!frames->n_frames || frames->first + (frames->n_frames - 1) * stride[0] < t->n_frames, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: frames %zu to %zu of %zu", file->path, frames->first, frames->first + (size_t)(PetscMax(frames->n_frames, 1) - 1) * (size_t)stride[0], t->n_frames);
  if (!frames->n_frames || !t->n_particles) PetscFunctionReturn(PETSC_SUCCESS);
  hid_t dataset = H5Dopen2(file->file, Of(t, "position", path), H5P_DEFAULT), space = H5Dget_space(dataset), memory = H5Screate_simple(3, count, NULL);
  snprintf(doing, sizeof doing, "read %s", path);
  bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, stride, count, NULL) >= 0 && NomosH5CheckLzf(dataset);
  if (!good || H5Dread(dataset, frames->type == NOMOS_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, x) < 0) NomosH5Fail(&verdict, PETSC_ERR_FILE_READ, file->path, doing);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
  PetscCall(NomosVerdictRaise(PETSC_COMM_SELF, &verdict));
  PetscFunctionReturn(PETSC_SUCCESS);
}
