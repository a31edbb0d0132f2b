/* Assembly of a regression (surrogates/discovery/library.h) of 30 terms on 128 x 128 points and 100 times, and the regression: time and memory; then the same from files of growing length.

   PySINDy takes 4.7 s for such a library, warm, on one core (its PDELibrary with finite differences, STLSQ; measured elsewhere).

   usage: bench_library [frames]   frames of the longest file, default 400: 6.6 million samples, 52 MB. Medians; times are of the processor with one thread, else of the wall. */
#include "surrogates/discovery/library.h"
#include "surrogates/discovery/regression.h"
#include "io/field_file.h"
#include "timing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAIRS = 5, N = 128, FRAMES = 100, MAX_TERMS = 64 };

static double  length = 6.283185307179586, dt = 0.02;
static double *data, *times;

/* A travelling pattern that is no solution of anything, with all derivatives. */
static double Value(size_t frame, size_t y, size_t x)
{
  const double X = (double)x * length / N, Y = (double)y * length / N, t = (double)frame * dt;

  return exp(0.7 * sin(X - t) * cos(2 * Y)) + 0.4 * cos(3 * X + Y + 2 * t) / (1.5 + sin(X - Y)) + 0.2 * sin(5 * Y - 4 * X - t + sin(X));
}

static double Megabytes(void)
{
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss / 1024;
}

static PetscErrorCode Solve(const NomosLibraryInput *input, double *seconds)
{
  NomosLibrary    library;
  NomosGram       gram;
  NomosNormal     normal;
  NomosRegression found = {0};
  NomosConfig     config;
  const NomosRegressionOps *ops;

  PetscFunctionBeginUser;
  const double start = Now();
  PetscCall(NomosRegressionFind("stlsq", "bench", &ops));
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &config));
  PetscCall(NomosConfigRegister(config, nomos_regression_n_params, nomos_regression_params));
  PetscCall(NomosConfigRegister(config, ops->n_params, ops->params));
  PetscCall(NomosLibraryCreate(input, &library));
  PetscCall(NomosLibraryAssemble(library, input->frames, NULL, &gram));
  PetscCall(NomosGramNormal(&gram, 0, NULL, &normal));
  PetscCall(NomosRegressionSolve(ops, config, &normal, NULL, &found));
  PetscCall(NomosRegressionDestroy(&found));
  PetscCall(NomosNormalDestroy(&normal));
  PetscCall(NomosGramDestroy(&gram));
  PetscCall(NomosLibraryDestroy(&library));
  PetscCall(NomosConfigDestroy(&config));
  *seconds = Now() - start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFile(const char path[], size_t frames)
{
  static double       x[N];
  const NomosFieldDim dims[]  = {{.name = "y", .size = N, .values = x}, {.name = "x", .size = N, .values = x}};
  NomosFieldFile      file;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < N; i++) x[i] = (double)i * length / N;
  PetscCall(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 2, .dims = dims, .n_variables = 1, .variables = &(NomosFieldVariable){.name = "u", .dims = {"y", "x"}, .type = NOMOS_F64}, .capacity = frames}, &file));
  for (size_t f = 0; f < frames; f++) {
    PetscCall(NomosFieldFileBeginFrame(file, (double)f * dt, (int64_t)f));
    PetscCall(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){0, 0}, (size_t[]){N, N}, data + f % FRAMES * N * N));
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const char *const fields[] = {"u"}, *const families[] = {"u^1..3", "u_x", "u_y", "u_xx", "u_xy", "u_yy", "u_xxx", "u_xxy", "u_xyy", "u_yyy", "u^1..2 u_x", "u^1..2 u_y", "u^1..2 u_xx", "u^1..2 u_xy", "u^1..2 u_yy", "u^1..2 u_xxx", "u^1..2 u_xxy", "u^1..2 u_xyy", "u^1..2 u_yyy"};
  static const struct {
    const char          *name;
    NomosLibrarySettings settings;
  } kinds[] = {
    {"strong, differences of order 2", {.form = NOMOS_FORM_STRONG, .derivatives = NOMOS_TERMS_DIFFERENCES, .order = 2, .time_order = 2}},
    {"strong, differences of order 4", {.form = NOMOS_FORM_STRONG, .derivatives = NOMOS_TERMS_DIFFERENCES, .order = 4, .time_order = 4}},
    {"strong, spectral", {.form = NOMOS_FORM_STRONG, .derivatives = NOMOS_TERMS_SPECTRAL, .time_order = 4}},
    {"weak, 13 x 13 x 14 points, 5 apart", {.form = NOMOS_FORM_WEAK, .derivatives = NOMOS_TERMS_DIFFERENCES, .order = 2, .half_width = {13, 13, 14}, .stride = {5, 5, 5}}},
  };
  NomosFrames  frames;
  size_t       n_terms, n_frames = FRAMES, longest;
  char       **terms, path[NOMOS_MAX_PATH];
  double       seconds[PAIRS], before, once;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  longest = argc > 1 ? strtoul(argv[1], NULL, 10) : 400;
  data    = malloc(sizeof *data * N * N * FRAMES);
  times   = malloc(sizeof *times * FRAMES);
  for (size_t f = 0; f < FRAMES; f++) {
    times[f] = (double)f * dt;
    for (size_t y = 0; y < N; y++)
      for (size_t x = 0; x < N; x++) data[(f * N + y) * N + x] = Value(f, y, x);
  }
  PetscCall(NomosLibraryExpand("bench", sizeof families / sizeof *families, families, &n_terms, &terms));
  const double *values[] = {data}, *all_times[] = {times};
  PetscCall(NomosFramesOfArrays(&(NomosFrames){.n_fields = 1, .n_trajectories = 1, .n_dims = 2, .n = {N, N}, .length = {length, length}, .n_frames = &n_frames, .times = all_times}, values, &frames));
  NomosLibraryInput input = {.comm = PETSC_COMM_SELF, .frames = &frames, .n_fields = 1, .n_terms = n_terms, .fields = fields, .terms = (const char *const *)terms, .where = "bench"};
  before                  = Megabytes();
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%zu terms, %d x %d x %d samples, %d threads\n                                         s  PySINDy's 4.7 s over it  MB on top of %.0f\n", n_terms, N, N, FRAMES, omp_get_max_threads(), before));
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    input.settings = kinds[k].settings;
    for (int p = 0; p < PAIRS; p++) PetscCall(Solve(&input, &seconds[p]));
    const double median = Median(seconds);
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%-36s %6.3f %20.1f %18.1f\n", kinds[k].name, median, 4.7 / median, Megabytes() - before));
  }
  PetscCall(NomosFramesClose(&frames));
  snprintf(path, sizeof path, "%s/nomos_bench_%d.nc", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "from a file, differences of order 2\n        samples   s  MB of the file  MB on top of what was used before\n"));
  before = Megabytes();
  for (size_t f = longest / 4; f <= longest; f *= 2) {
    PetscCall(WriteFile(path, f));
    PetscCall(NomosFramesOpen(&(NomosFramesInput){.path = path, .n_fields = 1, .variables = fields, .n_dims = 2}, &frames));
    input.settings = kinds[0].settings;
    PetscCall(Solve(&input, &once));
    PetscCall(NomosFramesClose(&frames));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%15zu %6.2f %12.1f %12.1f\n", f * N * N, once, (double)f * N * N * 8e-6, Megabytes() - before));
  }
  unlink(path);
  PetscCall(NomosLibraryFreeTerms(n_terms, &terms));
  free(data);
  free(times);
  PetscCall(PetscFinalize());
  return 0;
}
