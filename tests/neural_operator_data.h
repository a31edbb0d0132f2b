/* Small data of emulators for tests: sums of waves that travel at speeds of their own, exactly. */
#ifndef NOMOS_TESTS_NEURAL_OPERATOR_DATA_H
#define NOMOS_TESTS_NEURAL_OPERATOR_DATA_H

#include "cases/train.h"
#include "solvers/solver_list.h"
#include "surrogates/surrogate_list.h"
#include "tests/harness.h"

#include <hdf5.h>
#include <sys/stat.h>

typedef struct {
  size_t        n, n_frames, ny, nx; /* ny = 0: one dimension */
  size_t        n_speeds;
  const double *speeds;              /* trajectory i has speed i % n_speeds */
  bool          no_speed, two_fields;
  double        phase;               /* tells sets apart */
} WaveData;

static inline void WriteArray(hid_t file, const char name[], int n_dims, const hsize_t shape[], const double values[])
{
  hid_t space = H5Screate_simple(n_dims, shape, NULL), set = H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(set);
  H5Sclose(space);
}

/* u = sum over two waves of a sin(2 pi (m (x - c t) + l y) + p); the second field, where there is one, is 100 + 10 u^2. Datasets u, w, beta, x, y, time. */
static inline void WriteWaves(const char path[], const WaveData *d)
{
  const size_t ny = d->ny ? d->ny : 1, points = ny * d->nx, n = d->n * d->n_frames * points;
  double      *u = calloc(2 * n, sizeof *u), *w = u + n, *speed = calloc(d->n, sizeof *speed), x[256], t[64];
  const hsize_t one[] = {d->n, d->n_frames, d->nx}, two[] = {d->n, d->n_frames, ny, d->nx};

  for (size_t j = 0; j < d->nx; j++) x[j] = ((double)j + 0.5) / (double)d->nx;
  for (size_t k = 0; k < d->n_frames; k++) t[k] = 0.05 * (double)k;
  for (size_t i = 0; i < d->n; i++) {
    speed[i] = d->speeds[i % d->n_speeds];
    for (int wave = 0; wave < 2; wave++) {
      const double a = 0.6 + 0.4 * sin(3.1 * (double)i + 2 * wave + d->phase), m = 1 + (double)((i / d->n_speeds + 2 * (size_t)wave) % 3), p = 1.7 * (double)i + 4 * wave + d->phase;
      for (size_t k = 0; k < d->n_frames; k++)
        for (size_t at = 0; at < points; at++) u[(i * d->n_frames + k) * points + at] += a * sin(2 * M_PI * (m * (x[at % d->nx] - speed[i] * t[k]) + (double)(at / d->nx) / (double)ny) + p);
    }
  }
  for (size_t i = 0; i < n; i++) w[i] = 100 + 10 * u[i] * u[i];
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  WriteArray(file, "u", d->ny ? 4 : 3, d->ny ? two : one, u);
  if (d->two_fields) WriteArray(file, "w", d->ny ? 4 : 3, d->ny ? two : one, w);
  if (!d->no_speed) WriteArray(file, "beta", 1, (hsize_t[]){d->n}, speed);
  WriteArray(file, "x", 1, (hsize_t[]){d->nx}, x);
  WriteArray(file, "time", 1, (hsize_t[]){d->n_frames}, t);
  H5Fclose(file);
  free(u);
  free(speed);
}

/* Beside the waves of a file a field without time. */
static inline void AddCoefficient(const char path[], size_t n, size_t nx)
{
  double *values = calloc(n * nx, sizeof *values);

  for (size_t i = 0; i < n * nx; i++) values[i] = 2 + sin(0.7 * (double)i);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  WriteArray(file, "coefficient", 2, (hsize_t[]){n, nx}, values);
  H5Fclose(file);
  free(values);
}

/* The surrogate of such data in `directory` (of the suite's), all of them for the training, with settings (they end with NULL). */
static inline PetscErrorCode CreateEmulator(MPI_Comm comm, const char directory[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  static NomosProgram               program     = {.models = nomos_solvers}; /* of learned corrections */
  static const NomosModelOps *const no_models[] = {NULL};
  const NomosSurrogateOps          *ops;
  char                              yaml[NOMOS_MAX_PATH];
  size_t                            n   = 0;
  bool                              fno = true, told = false;
  int                               rank;

  PetscFunctionBeginUser;
  for (; settings[n]; n++) {
    fno  = fno && (!strstr(settings[n], "network=") || strstr(settings[n], "network=fno"));
    told = told || strstr(settings[n], "parameters=");
  }
  *config = NULL;
  *s      = NULL;
  program.comm = comm;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(yaml, sizeof yaml, "%.2000s/case.yaml", ck_directory);
  if (!rank) {
    FILE *file = fopen(yaml, "w");
    fprintf(file, "case: {units: nondimensional, title: test}\nsurrogate: neural_operator\ndata: {path: %.2000s/%s, validation: 0, test: 0}\ntrain: {precision: float64}\nneural_operator: {conditioning: %s}\n%s", ck_directory, directory, told ? "channels" : "none", fno ? "fno: {width: 6, modes: 3, layers: 2, read_width: 8}\n" : "");
    fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  PetscCall(NomosTrainingCaseLoad(comm, &(NomosCaseInput){.path = yaml, .models = no_models, .n_set = n, .set = (const char **)settings}, nomos_surrogates, config, &ops));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = comm, .ops = ops, .config = *config, .simulate = NomosTrainSimulate, .simulate_context = &program}, s));
  PetscCall(ops->fit(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline void EndEmulator(NomosConfig *config, NomosSurrogate *s)
{
  if (*s) ck_ok(NomosSurrogateDestroy(s));
  if (*config) ck_ok(NomosConfigDestroy(config));
}

static inline const char *MakeDirectory(const char name[])
{
  char path[NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%.2000s/%s", ck_directory, name);
  mkdir(path, 0777);
  snprintf(path, sizeof path, "%.2000s/%s/tests", ck_directory, name);
  mkdir(path, 0777);
  return name;
}

static inline const char *DataPath(const char directory[], const char file[])
{
  static char path[NOMOS_MAX_PATH];
  snprintf(path, sizeof path, "%.2000s/%s/%s", ck_directory, directory, file);
  return path;
}

#endif
