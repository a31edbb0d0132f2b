/* Files that The Well's programs read. Ohana et al. (2024), doi:10.48550/arXiv.2412.00568 */
#include "io/trajectory_file_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_LISTED = 64 };

/* A group with its list of names. */
static bool PutGroup(NomosTrajectoryFile f, const char name[], const char attribute[], size_t n, const char *const names[], NomosVerdict *verdict)
{
  hid_t group = H5Gcreate2(f->file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  bool  good  = group >= 0 && NomosH5PutStrings(group, attribute, n, names) >= 0;

  if (group >= 0) H5Gclose(group);
  return good || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "make its groups");
}

/* Whether a dataset differs between trajectories, over time, and (fields) along each axis. */
static bool PutVarying(NomosTrajectoryFile f, const char path[], bool sample, bool time, bool fields, NomosVerdict *verdict)
{
  const bool all[NOMOS_LAYOUT_MAX_SPACE] = {true, true, true};
  hid_t      object = H5Oopen(f->file, path, H5P_DEFAULT);
  bool       good   = object >= 0 && NomosH5PutFlags(object, "sample_varying", 0, &sample) >= 0 && NomosH5PutFlags(object, "time_varying", 0, &time) >= 0;

  if (good && fields) good = NomosH5PutFlags(object, "dim_varying", (size_t)f->layout.n_space, all) >= 0;
  if (object >= 0) H5Oclose(object);
  return good || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write attributes");
}

static bool PutAxis(NomosTrajectoryFile f, const char axis[], NomosVerdict *verdict)
{
  const NomosFieldDim *dim = NomosTrajectoryDim(&f->input, axis);
  const hsize_t        n   = dim->size;
  char                 name[NOMOS_MAX_NAME + 16];

  snprintf(name, sizeof name, "dimensions/%s", axis);
  return NomosPutFloats(f->file, f->path, &(NomosFloats){.name = name, .unit = dim->unit, .n_dims = 1, .size = &n, .values = dim->values}, verdict) && PutVarying(f, name, false, !strcmp(axis, "time"), false, verdict);
}

/* Is this the component along axis s of a vector, and what is the vector called? velocity_x, or Vx of velocity. */
static bool ComponentOf(const NomosTrajectoryFile f, const char name[], int s, char vector[NOMOS_MAX_NAME])
{
  const size_t length = strlen(name), n = strlen(f->layout.space[s]);

  if (name[0] == 'V' && !strcmp(name + 1, f->layout.space[s])) return strcpy(vector, "velocity"), true;
  if (length < n + 2 || name[length - n - 1] != '_' || strcmp(name + length - n, f->layout.space[s])) return false;
  snprintf(vector, NOMOS_MAX_NAME, "%.*s", (int)(length - n - 1), name);
  return true;
}

/* The fields of a vector, if all its components are there, over the same axes. */
static bool FindVector(const NomosTrajectoryFile f, size_t first, size_t of[NOMOS_LAYOUT_MAX_SPACE], char vector[NOMOS_MAX_NAME])
{
  const NomosFieldFileInput *input = &f->input.file;
  char                       other[NOMOS_MAX_NAME];

  if (f->layout.n_space < 2 || NomosIsParameter(&input->variables[first]) || !ComponentOf(f, input->variables[first].name, 0, vector)) return false;
  for (int s = 0; s < f->layout.n_space; s++) {
    size_t v = 0;
    while (v < input->n_variables && !(!NomosIsParameter(&input->variables[v]) && ComponentOf(f, input->variables[v].name, s, other) && !strcmp(vector, other) && NomosHasTime(&input->variables[v]) == NomosHasTime(&input->variables[first]))) v++;
    if (v == input->n_variables) return false;
    of[s] = v;
  }
  return true;
}

/* One dataset, of one variable or of the components of a vector. */
static bool AddField(NomosTrajectoryFile f, const char group[], const char name[], int n_components, const size_t of[], NomosVerdict *verdict)
{
  const NomosFieldVariable *variable = &f->input.file.variables[of[0]];
  const bool                time     = NomosHasTime(variable);
  char                      source[2 * NOMOS_MAX_NAME];
  const NomosLayoutView          *view = NULL;

  snprintf(source, sizeof source, "%s/%s", group, name);
  for (int c = 0; c < n_components; c++) {
    NomosLayoutView *added = NomosLayoutAdd(&f->layout, f->input.file.variables[of[c]].name, "", source);
    if (!added) return NomosVerdictFail(verdict, PETSC_ERR_MEM, "%s: no memory", f->path);
    snprintf(added->raw, sizeof added->raw, "n%s%.*s%s", time ? "t" : "", f->layout.n_space, "012", n_components > 1 ? "c" : "");
    added->component = (size_t)c;
    NomosLayoutPresent(&f->layout, added, time);
    for (size_t r = 0; added->raw[r]; r++) added->size[r] = added->raw[r] == 'n' ? f->layout.n_trajectories : added->raw[r] == 't' ? f->layout.n_frames : added->raw[r] == 'c' ? (hsize_t)n_components : f->layout.points[added->raw[r] - '0'];
    view = added;
  }
  return NomosPutFloats(f->file, f->path, &(NomosFloats){.name = source, .unit = variable->unit, .n_dims = (int)strlen(view->raw), .size = view->size}, verdict) && PutVarying(f, source, true, time, true, verdict);
}

/* Vectors first, then what is in none of them. */
static bool DefineFields(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  const NomosFieldFileInput *input = &f->input.file;
  const char *listed[2][MAX_LISTED];
  char        names[MAX_LISTED][NOMOS_MAX_NAME];
  size_t      of[NOMOS_LAYOUT_MAX_SPACE], n[2] = {0};
  bool        taken[MAX_LISTED] = {false};

  if (input->n_variables > MAX_LISTED) return NomosVerdictFail(verdict, PETSC_ERR_ARG_SIZ, "%s: %zu variables; at most %d can be written as format well", f->path, input->n_variables, MAX_LISTED);
  for (int rank = 1; rank >= 0; rank--) {
    for (size_t v = 0; v < input->n_variables; v++) {
      if (taken[v] || NomosIsParameter(&input->variables[v]) || (rank && !FindVector(f, v, of, names[n[1]]))) continue;
      if (!rank) of[0] = v;
      for (int c = 0; c < (rank ? f->layout.n_space : 1); c++) taken[of[c]] = true;
      listed[rank][n[rank]] = rank ? names[n[1]] : input->variables[v].name;
      n[rank]++;
    }
  }
  if (!PutGroup(f, "t0_fields", "field_names", n[0], listed[0], verdict) || !PutGroup(f, "t1_fields", "field_names", n[1], listed[1], verdict) || !PutGroup(f, "t2_fields", "field_names", 0, NULL, verdict)) return false;
  memset(taken, 0, sizeof taken);
  for (size_t v = 0; v < input->n_variables && !verdict->code; v++) {
    char vector[NOMOS_MAX_NAME];
    if (!FindVector(f, v, of, vector)) continue;
    for (int c = 0; c < f->layout.n_space; c++) taken[of[c]] = true;
    AddField(f, "t1_fields", vector, f->layout.n_space, of, verdict);
  }
  for (size_t v = 0; v < input->n_variables && !verdict->code; v++)
    if (!taken[v] && !NomosIsParameter(&input->variables[v])) AddField(f, "t0_fields", input->variables[v].name, 1, &v, verdict);
  return !verdict->code;
}

static const char *const kinds[][2] = {{"periodic", "PERIODIC"}, {"wall", "WALL"}, {"no_flux", "WALL"}, {"outflow", "OPEN"}};

const char *NomosTrajectoryWellBoundary(const char boundary[])
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i][0], boundary)) return kinds[i][1];
  return NULL;
}

const char *NomosTrajectoryBoundaryOfWell(const char kind[])
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcasecmp(kinds[i][1], kind)) return kinds[i][0];
  return kind;
}

/* Where nothing is known nothing is said. Two sides of one kind are one boundary. */
static bool PutBoundaries(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  static const char *const none[] = {NULL};
  hid_t      group = H5Gcreate2(f->file, "boundary_conditions", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const bool no    = false;
  bool       good  = group >= 0;

  for (int k = 0; k < 2 * f->layout.n_space && good && f->input.ends; k++) {
    const char   *axis = f->layout.space[k / 2], *given[2] = {NomosEndsOf(f->input.ends, axis, false), NomosEndsOf(f->input.ends, axis, true)};
    const char   *of[2] = {given[0] ? NomosTrajectoryWellBoundary(given[0]) : NULL, given[1] ? NomosTrajectoryWellBoundary(given[1]) : NULL}, *kind = of[k % 2];
    const bool    both  = of[0] && of[1] && !strcmp(of[0], of[1]);
    const hsize_t n     = f->layout.points[k / 2];
    char          name[2 * NOMOS_MAX_NAME];
    int8_t       *mask = calloc(n, 1);
    if (kind && mask && !(both && k % 2)) {
      if (both || !(k % 2)) mask[0] = 1;
      if (both || k % 2) mask[n - 1] = 1;
      snprintf(name, sizeof name, "%s_%s", axis, kind);
      for (char *c = name + strlen(axis); *c; c++) *c = (char)tolower(*c);
      hid_t type = NomosH5FlagType(), space = H5Screate_simple(1, &n, NULL), one = H5Gcreate2(group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      hid_t dataset = one < 0 ? one : H5Dcreate2(one, "mask", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      good = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, mask) >= 0;
      good = good && NomosH5PutString(one, "bc_type", kind) >= 0 && NomosH5PutStrings(one, "associated_dims", 1, &axis) >= 0 && NomosH5PutStrings(one, "associated_fields", 0, none) >= 0;
      good = good && NomosH5PutFlags(one, "sample_varying", 0, &no) >= 0 && NomosH5PutFlags(one, "time_varying", 0, &no) >= 0;
      if (dataset >= 0) H5Dclose(dataset);
      if (one >= 0) H5Gclose(one);
      H5Sclose(space);
      H5Tclose(type);
    }
    free(mask);
  }
  if (group >= 0) H5Gclose(group);
  return good || NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its boundary conditions");
}

static bool Define(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  const char *space[NOMOS_LAYOUT_MAX_SPACE];
  const char *name = f->input.family ? f->input.family : f->input.file.title;

  if (f->layout.n_space < 1) return NomosVerdictFail(verdict, PETSC_ERR_ARG_INCOMP, "%s: The Well's fields have one to three axes of space; these have none", f->path);
  for (int s = 0; s < f->layout.n_space; s++) space[s] = f->layout.space[s];
  bool good = NomosH5PutString(f->file, "dataset_name", name && name[0] ? name : "nomos") >= 0 && NomosH5PutString(f->file, "grid_type", "cartesian") >= 0 &&
              NomosH5PutInteger(f->file, "n_spatial_dims", H5T_NATIVE_INT64, f->layout.n_space) >= 0 && NomosH5PutInteger(f->file, "n_trajectories", H5T_NATIVE_INT64, (int64_t)f->layout.n_trajectories) >= 0;
  if (!good) return NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
  if (!NomosPutDescription(f, f->file, verdict) || !PutGroup(f, "dimensions", "spatial_dims", (size_t)f->layout.n_space, space, verdict)) return false;
  for (int s = 0; s < f->layout.n_space && !verdict->code; s++) PutAxis(f, space[s], verdict);
  return !verdict->code && PutAxis(f, "time", verdict) && PutBoundaries(f, verdict) && DefineFields(f, verdict);
}

/* Is a parameter one number for all trajectories? */
static bool IsSame(const NomosTrajectoryFile f, size_t v)
{
  bool same = true;

  for (size_t i = 1; i < f->layout.n_trajectories; i++) same = same && f->parameters[v][i] == f->parameters[v][0];
  return same;
}

/* Parameters: scalars, and those that are the same in all trajectories as attributes too, which simulation_parameters lists. */
static bool Finish(NomosTrajectoryFile f, NomosVerdict *verdict)
{
  const NomosFieldFileInput *input = &f->input.file;
  const hsize_t              n     = f->layout.n_trajectories;
  const char *names[MAX_LISTED], *constants[MAX_LISTED];
  size_t      n_names = 0, n_constants = 0;
  char        name[NOMOS_MAX_NAME + 16];

  for (size_t v = 0; v < input->n_variables; v++) {
    if (f->parameters[v]) names[n_names++] = input->variables[v].name;
    if (f->parameters[v] && IsSame(f, v)) constants[n_constants++] = input->variables[v].name;
  }
  if (NomosH5PutStrings(f->file, "simulation_parameters", n_constants, constants) < 0 || !PutGroup(f, "scalars", "field_names", n_names, names, verdict)) return verdict->code ? false : NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
  for (size_t v = 0; v < input->n_variables && !verdict->code; v++) {
    if (!f->parameters[v]) continue;
    const bool differs = !IsSame(f, v);
    snprintf(name, sizeof name, "scalars/%s", input->variables[v].name);
    NomosPutFloats(f->file, f->path, &(NomosFloats){.name = name, .unit = input->variables[v].unit, .n_dims = differs, .size = &n, .values = f->parameters[v]}, verdict);
    if (!verdict->code) PutVarying(f, name, differs, false, false, verdict);
    if (!verdict->code && !differs && H5Aexists(f->file, input->variables[v].name) <= 0 && NomosH5PutReal(f->file, input->variables[v].name, f->parameters[v][0]) < 0) NomosH5Fail(verdict, PETSC_ERR_FILE_WRITE, f->path, "write its attributes");
  }
  return !verdict->code;
}

static NomosTrajectoryPlace Place(const NomosTrajectoryFileInput *input, const char name[])
{
  (void)input;
  (void)name;
  return NOMOS_PLACE_EACH;
}

const NomosTrajectoryFormat nomos_trajectory_well = {.name = "well", .define = Define, .finish = Finish, .place = Place};
