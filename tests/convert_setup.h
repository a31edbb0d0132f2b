/* What the suites of conversions share: small files of ours with exact numbers, runs, and a conversion as the program makes it. */
#ifndef NOMOS_TESTS_CONVERT_SETUP_H
#define NOMOS_TESTS_CONVERT_SETUP_H

#include "harness.h"
#include "cases/convert.h"
#include "cases/program.h"
#include "io/hdf5_impl.h"
#include "io/trajectory_file.h"
#include "operators/random.h"
#include "solvers/solver_list.h"
#include "surrogates/surrogate_list.h"

#include <dirent.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 3, T = 4, X = 6, Y = 5, Z = 3 };

static char paths[4][NOMOS_MAX_PATH];

static inline const char *Path(int i, const char name[])
{
  snprintf(paths[i], sizeof paths[i], "%s/%s", ck_directory, name);
  return paths[i];
}

/* The value of a variable at its place: exact in 32 bits. */
static inline double ValueAt(size_t variable, size_t i)
{
  return (double)((float)NomosRandomIndex(variable + 1, 0, i, 1000003) / 1024);
}

typedef struct {
  const char *family;
  int         n_space;
  size_t      n_fields;
  const char *fields[5];
  bool        differs; /* nu differs between trajectories */
  bool        bad;     /* a NaN */
} Sample;

static const double numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};

/* A file of ours with random numbers in it, and one parameter. */
static inline void MakeWith(const char path[], const Sample *sample, const char parameter[])
{
  static const char *const names[] = {"z", "y", "x"};
  const size_t             sizes[] = {Z, Y, X};
  NomosFieldDim            dims[5] = {{.name = "trajectory", .size = N, .values = numbers}, {.name = "time", .size = T, .values = numbers, .unit = "s"}};
  NomosFieldVariable       variables[6];
  NomosTrajectoryFile      file;
  char                     key[NOMOS_MAX_NAME];
  double                   nu[N], *data;
  size_t                   points = 1;

  for (int a = 0; a < sample->n_space; a++) {
    dims[2 + a] = (NomosFieldDim){.name = names[3 - sample->n_space + a], .size = sizes[3 - sample->n_space + a], .values = numbers};
    points *= dims[2 + a].size;
  }
  for (size_t f = 0; f < sample->n_fields; f++) {
    variables[f] = (NomosFieldVariable){.name = sample->fields[f], .dims = {"trajectory", "time"}, .constant = true, .type = NOMOS_F32, .unit = "1"};
    for (int a = 0; a < sample->n_space; a++) variables[f].dims[2 + a] = dims[2 + a].name;
  }
  variables[sample->n_fields] = (NomosFieldVariable){.name = parameter, .dims = {"trajectory"}, .constant = true, .type = NOMOS_F64};
  snprintf(key, sizeof key, "%s.%s", sample->family, parameter);
  const NomosFieldAttribute attributes[] = {{.variable = parameter, .name = "key", .text = key}, {.name = "equation", .text = "u_t = nu u_xx"}, {.name = "scheme", .text = "none"}};
  ck_ok(NomosTrajectoryFileCreate(&(NomosTrajectoryFileInput){.format = "nomos", .file = {.path = path, .timeless = true, .n_dims = 2 + (size_t)sample->n_space, .dims = dims, .n_variables = sample->n_fields + 1, .variables = variables, .n_attributes = 3, .attributes = attributes, .source = "nomos"}}, &file));
  data = malloc(N * T * points * sizeof *data);
  for (size_t f = 0; f < sample->n_fields; f++) {
    for (size_t i = 0; i < N * T * points; i++) data[i] = ValueAt(f, i);
    if (sample->bad) data[T * points + 2 * points + 1] = NAN;
    ck_ok(NomosTrajectoryFileWrite(file, sample->fields[f], (size_t[5]){0}, (size_t[]){N, T, dims[2].size, dims[3].size, dims[4].size}, data));
  }
  for (size_t n = 0; n < N; n++) nu[n] = 0.25 + (sample->differs ? (double)n : 0);
  ck_ok(NomosTrajectoryFileWrite(file, parameter, (size_t[]){0}, (size_t[]){N}, nu));
  ck_ok(NomosTrajectoryFileClose(&file, true));
  free(data);
}

static inline void Make(const char path[], const Sample *sample)
{
  MakeWith(path, sample, "nu");
}

static inline PetscErrorCode Convert(const char from[], const char format[], const char to[])
{
  NomosProgram program = {.comm = PETSC_COMM_WORLD, .n_arguments = 1, .arguments = &from, .directory = to, .format = format, .force = true, .quiet = true};

  return format ? NomosCommandExport(&program) : NomosCommandImport(&program);
}

static inline void MakeRun(const char folder[], const char nu[], const char boundary[], size_t n_frames, double first)
{
  const NomosFieldDim      x        = {.name = "x", .size = X, .values = numbers};
  const NomosFieldVariable variable = {.name = "u", .dims = {"x"}, .type = NOMOS_F64}, energy = {.name = "energy", .type = NOMOS_F64}, bottom = {.name = "bottom", .dims = {"x"}, .type = NOMOS_F64, .constant = true};
  char                     path[NOMOS_MAX_PATH + 32], config[256];
  double                   u[X];
  NomosFieldFile           file;

  mkdir(Path(3, folder), 0777);
  snprintf(path, sizeof path, "%s/fields.nc", paths[3]);
  snprintf(config, sizeof config, "solver: grid_pde\ngrid_pde:\n  family: burgers\n  nx: 6\n  boundary_x: %s\nburgers:\n  nu: %s\n", boundary, nu);
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 1, .dims = &x, .n_variables = 3, .variables = (NomosFieldVariable[]){bottom, variable, energy}, .capacity = n_frames, .time_unit = "1", .config_yaml = config}, &file));
  for (size_t i = 0; i < X; i++) u[i] = first + 0.5 * (double)i;
  ck_ok(NomosFieldFileWrite(file, "bottom", NOMOS_F64, (size_t[]){0}, (size_t[]){X}, u));
  for (size_t k = 0; k < n_frames; k++) {
    for (size_t i = 0; i < X; i++) u[i] = first + 10 * (double)k + (double)i;
    ck_ok(NomosFieldFileBeginFrame(file, 0.5 * (double)k, (int64_t)k));
    ck_ok(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0}, (size_t[]){X}, u));
    ck_ok(NomosFieldFileWrite(file, "energy", NOMOS_F64, NULL, NULL, u));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
}

#endif
