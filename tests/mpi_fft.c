/* Truths about the transforms, on random input and random shapes: impulse, inverse, linearity of layout, agreement over ranks. */
#include "tests/harness.h"

#include "operators/fft.h"

static double Random(uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) / 9007199254740992.0 - 0.5;
}

static const NomosFftShape shapes[] = {
  {16, 16, 9, -8, 7}, {32, 24, 16, -11, 11}, {96, 192, 33, -63, 63}, {30, 50, 11, -17, 16}, {45, 27, 15, -13, 13}, {36, 1024, 7, -300, 300}, {512, 14, 100, -3, 5}, {8, 105, 4, -35, 34}};

/* A single retained mode is a plane wave on the grid. */
START_TEST(test_plane_waves)
{
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    NAME(NomosFft) *fft;
    uint64_t        seed = s;
    ck_ok(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &shapes[s], &fft));
    Complex *modes = calloc((size_t)fft->n_k_local * (size_t)fft->n_l + 1, sizeof *modes);
    Real    *grid  = calloc((size_t)fft->n_y_local * (size_t)fft->nx + 1, sizeof *grid);
    for (int trial = 0; trial < 6; trial++) {
      const int k = (int)((Random(&seed) + 0.5) * fft->n_k), l = fft->l_min + (int)((Random(&seed) + 0.5) * fft->n_l), j = l < 0 ? l + fft->n_l : l;
      const double a = Random(&seed), b = Random(&seed);
      memset(modes, 0, sizeof *modes * (size_t)fft->n_k_local * (size_t)fft->n_l);
      if (k >= fft->k_start && k < fft->k_start + fft->n_k_local) {
        modes[(size_t)(k - fft->k_start) * (size_t)fft->n_l + (size_t)j][0] = (Real)a;
        modes[(size_t)(k - fft->k_start) * (size_t)fft->n_l + (size_t)j][1] = (Real)b;
      }
      ck_ok(NAME(NomosFftInverse)(fft, modes, grid));
      const bool once = k == 0 || 2 * k == fft->nx; /* the conjugate mode is not stored for the others */
      for (int y = 0; y < fft->n_y_local; y++)
        for (int x = 0; x < fft->nx; x++) {
          const double phase = 2 * PETSC_PI * ((double)(k * x % fft->nx) / fft->nx + (double)(l * (y + fft->y_start) % fft->ny) / fft->ny), value = (once ? 1 : 2) * (a * cos(phase) - b * sin(phase));
          ck_assert_double_eq_tol((double)grid[y * fft->nx + x], value, 1e-13);
        }
    }
    free(modes);
    free(grid);
    ck_ok(NAME(NomosFftDestroy)(&fft));
  }
}
END_TEST

/* Forward after inverse is the identity on the retained modes (those that are their own conjugate made real). */
START_TEST(test_round_trip)
{
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    NAME(NomosFft) *fft;
    uint64_t        seed = 77 + s;
    ck_ok(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &shapes[s], &fft));
    const size_t n = (size_t)fft->n_k_local * (size_t)fft->n_l;
    Complex     *modes = calloc(n + 1, sizeof *modes), *back = calloc(n + 1, sizeof *back);
    Real        *grid  = calloc((size_t)fft->n_y_local * (size_t)fft->nx + 1, sizeof *grid);
    for (int k = 0; k < fft->n_k; k++)
      for (int j = 0; j < fft->n_l; j++) { /* the same numbers for any number of ranks */
        const double re = Random(&seed), im = Random(&seed);
        if (k < fft->k_start || k >= fft->k_start + fft->n_k_local || k == 0 || 2 * k == fft->nx) continue;
        modes[(size_t)(k - fft->k_start) * (size_t)fft->n_l + (size_t)j][0] = (Real)re;
        modes[(size_t)(k - fft->k_start) * (size_t)fft->n_l + (size_t)j][1] = (Real)im;
      }
    ck_ok(NAME(NomosFftInverse)(fft, modes, grid));
    ck_ok(NAME(NomosFftForward)(fft, grid, back));
    for (size_t i = 0; i < n; i++) {
      ck_assert_double_eq_tol((double)back[i][0], (double)modes[i][0], 1e-14);
      ck_assert_double_eq_tol((double)back[i][1], (double)modes[i][1], 1e-14);
    }
    free(modes);
    free(back);
    free(grid);
    ck_ok(NAME(NomosFftDestroy)(&fft));
  }
}
END_TEST

static double Dot(size_t n, const Real a[], const Real b[])
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  (void)MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

/* <A x, y> = <x, A^T y> for both directions, with any numbers in the modes: imaginary parts that a real field cannot have too. */
START_TEST(test_adjoints)
{
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    NAME(NomosFft) *fft;
    ck_ok(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &shapes[s], &fft));
    const size_t n_modes = 2 * (size_t)fft->n_k_local * (size_t)fft->n_l, n_grid = (size_t)fft->n_y_local * (size_t)fft->nx;
    uint64_t     seed = 5 + s + 1000 * (uint64_t)fft->y_start;
    Real        *modes = calloc(n_modes + 1, sizeof *modes), *modes_out = calloc(n_modes + 1, sizeof *modes), *grid = calloc(n_grid + 1, sizeof *grid), *grid_out = calloc(n_grid + 1, sizeof *grid);
    for (size_t i = 0; i < n_modes; i++) modes[i] = (Real)Random(&seed);
    for (size_t i = 0; i < n_grid; i++) grid[i] = (Real)Random(&seed);
    const double size = sqrt(Dot(n_modes, modes, modes) * Dot(n_grid, grid, grid));
    ck_ok(NAME(NomosFftInverse)(fft, (const Complex *)modes, grid_out));
    ck_ok(NAME(NomosFftInverseAdjoint)(fft, grid, (Complex *)modes_out));
    ck_assert_double_lt(fabs(Dot(n_grid, grid_out, grid) - Dot(n_modes, modes, modes_out)), 1e-13 * sqrt((double)fft->nx * fft->ny) * size);
    ck_ok(NAME(NomosFftForward)(fft, grid, (Complex *)modes_out));
    ck_ok(NAME(NomosFftForwardAdjoint)(fft, (const Complex *)modes, grid_out));
    ck_assert_double_lt(fabs(Dot(n_grid, grid_out, grid) - Dot(n_modes, modes, modes_out)), 1e-13 / sqrt((double)fft->nx * fft->ny) * size);
    free(modes);
    free(modes_out);
    free(grid);
    free(grid_out);
    ck_ok(NAME(NomosFftDestroy)(&fft));
  }
}
END_TEST

/* Every line of either text stands in the other: FFTW keeps wisdom in no order. */
static bool SameLines(const char a[], const char b[])
{
  if (strlen(a) != strlen(b)) return false;
  for (const char *line = a; *line; line += strcspn(line, "\n") + (strchr(line, '\n') ? 1 : 0)) {
    char one[512];
    snprintf(one, sizeof one, "%.*s", (int)strcspn(line, "\n"), line);
    if (!strstr(b, one)) return false;
  }
  return true;
}

/* What one run learned, another takes over: the text does not change by being read back, and the machine's file holds it. On one rank; for more, the
   program's tests resume runs at another number of ranks. */
START_TEST(test_wisdom_round_trip)
{
  char           *before, *after;
  int             size;
  NAME(NomosFft) *fft;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1) return;
  setenv("XDG_CACHE_HOME", ck_directory, 1);
  ck_ok(NomosFftSetEffort(PETSC_COMM_SELF, NOMOS_PLAN_MEASURE));
  ck_ok(NAME(NomosFftCreate)(PETSC_COMM_SELF, &shapes[1], &fft));
  ck_ok(NAME(NomosFftDestroy)(&fft));
  ck_ok(NomosFftWisdomExport(&before));
  ck_ok(NomosFftWisdomReplace(before));
  ck_ok(NomosFftWisdomExport(&after));
  ck_assert(SameLines(before, after));
  ck_assert_uint_gt(strlen(before), 200);
  ck_refused(NomosFftWisdomReplace("(not wisdom)\f"), "damaged");
  /* and the machine's file holds it */
  ck_ok(NomosFftWisdomReplace("\f"));
  ck_ok(NomosFftSetEffort(PETSC_COMM_SELF, NOMOS_PLAN_MEASURE));
  ck_ok(PetscFree(after));
  ck_ok(NomosFftWisdomExport(&after));
  ck_assert(SameLines(before, after));
  ck_ok(PetscFree(before));
  ck_ok(PetscFree(after));
  ck_ok(NomosFftSetEffort(PETSC_COMM_WORLD, NOMOS_PLAN_ESTIMATE));
}
END_TEST

START_TEST(test_shapes_are_checked)
{
  NAME(NomosFft) *fft = NULL;
  ck_refused(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &(NomosFftShape){.nx = 1, .ny = 8, .n_k = 1}, &fft), "at least 2 points along x");
  ck_refused(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &(NomosFftShape){.nx = 8, .ny = 0, .n_k = 3}, &fft), "1 along y");
  ck_refused(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &(NomosFftShape){.nx = 8, .ny = 8, .n_k = 6, .l_min = -4, .l_max = 3}, &fft), "do not fit");
  ck_refused(NAME(NomosFftCreate)(PETSC_COMM_WORLD, &(NomosFftShape){.nx = 8, .ny = 8, .n_k = 5, .l_min = -4, .l_max = 4}, &fft), "do not fit");
}
END_TEST

NOMOS_TEST_SUITE("fft", test_plane_waves, test_round_trip, test_adjoints, test_wisdom_round_trip, test_shapes_are_checked)
