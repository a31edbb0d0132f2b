/* The generator sweep: every trajectory has a seed of its own, values are spread evenly, means over blocks keep sums, and what stands in the files is what the case gives, whoever computes it. */
#include "sweep_setup.h"

#include "io/field_file.h"

#include <sys/stat.h>
#include <unistd.h>

/* Burgers on 32 cells, eight frames of 0.05. */
#define BURGERS "sweep.case=pde/burgers", "sweep.set=[grid_pde.nx=32, time.dt=0.05, time.stop=0.35, output.fields_every=0.05]"
#define VALUES "sweep.parameters.nu.key=burgers.nu", "sweep.parameters.nu.values=[0.01, 0.1, 1]"

/* All of a variable; its shape. */
static double *ReadAll(const char name[], const char variable[], int *n_dims, size_t shape[NOMOS_FIELD_MAX_DIMS + 1])
{
  NomosFieldReader reader;
  size_t           start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, n = 1;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path(name), &reader));
  ck_ok(NomosFieldReaderShape(reader, variable, n_dims, shape));
  for (int d = 0; d < *n_dims; d++) n *= shape[d];
  double *values = malloc(n * sizeof *values);
  ck_ok(NomosFieldReaderRead(reader, variable, start, shape, values));
  ck_ok(NomosFieldReaderClose(&reader));
  return values;
}

static void ReadText(const char name[], const char variable[], const char attribute[], char text[256])
{
  NomosFieldReader reader;
  char            *found;

  ck_ok(NomosFieldReaderOpen(PETSC_COMM_SELF, Path(name), &reader));
  ck_ok(NomosFieldReaderAttribute(reader, variable, attribute, &found));
  ck_assert_msg(found != NULL, "%s has no attribute %s", variable ? variable : name, attribute);
  snprintf(text, 256, "%s", found);
  ck_ok(PetscFree(found));
  ck_ok(NomosFieldReaderClose(&reader));
}

/* Data that begin at a file are made of what is in it: they are made anew where that is another state, by the same name. */
START_TEST(files_of_the_case)
{
  double *u[2];
  size_t  shape[6];
  int     n_dims;

  for (int k = 0; k < 2; k++) {
    char set[2 * NOMOS_MAX_PATH];
    snprintf(set, sizeof set, "sweep.set=[grid_pde.nx=32, time.dt=0.05, time.stop=0.1, output.fields_every=0.05, initial.type=file, initial.file=%s, initial.frame=0]", Path("origin.nc"));
    Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, "sweep.trajectories=1", k ? "sweep.seed=100" : "sweep.seed=1", NULL}, "origin.nc");
    Make(PETSC_COMM_WORLD, (const char *[]){"sweep.case=pde/burgers", set, VALUES, "sweep.trajectories=3", NULL}, "from.nc");
    u[k] = ReadAll("from.nc", "u", &n_dims, shape);
  }
  ck_assert_double_gt(fabs(u[0][0] - u[1][0]), 1e-6);
  free(u[0]);
  free(u[1]);
}
END_TEST

/* No two initial states are alike, of any parameter, in training or test; every value has as many trajectories; the layout that is agreed. */
START_TEST(seeds_and_values)
{
  const char *names[] = {"seeds.nc", "tests/unseen.nc"};
  double     *u[2], *nu[2], *x;
  size_t      shape[2][6], counts[3] = {0}, n_shape[6];
  int         n_dims;
  char        text[256];

  Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=22", "sweep.tests.unseen.trajectories=9", "sweep.tests.unseen.nu.values=[0.03, 0.3]", "sweep.coarsen=2", NULL}, "seeds.nc");
  for (int s = 0; s < 2; s++) {
    nu[s] = ReadAll(names[s], "nu", &n_dims, n_shape);
    ck_assert(n_dims == 1);
    u[s] = ReadAll(names[s], "u", &n_dims, shape[s]);
    ck_assert(n_dims == 3 && shape[s][0] == n_shape[0] && shape[s][1] == 8 && shape[s][2] == 16);
  }
  ck_assert(shape[0][0] == 22 && shape[1][0] == 9);
  for (size_t i = 0; i < 22; i++) counts[nu[0][i] == 0.01 ? 0 : nu[0][i] == 0.1 ? 1 : 2]++;
  ck_assert(counts[0] == 8 && counts[1] == 7 && counts[2] == 7);
  for (size_t i = 0; i < 9; i++) ck_assert(nu[1][i] == (i % 2 ? 0.3 : 0.03));
  for (size_t i = 0; i < 31; i++)
    for (size_t j = 0; j < i; j++) {
      const double *a = i < 22 ? u[0] + i * 128 : u[1] + (i - 22) * 128, *b = j < 22 ? u[0] + j * 128 : u[1] + (j - 22) * 128;
      double        far = 0;
      for (size_t k = 0; k < 16; k++) far = fmax(far, fabs(a[k] - b[k]));
      ck_assert_msg(far > 1e-3, "initial states %zu and %zu are alike", i, j);
    }
  x = ReadAll("seeds.nc", "x", &n_dims, n_shape);
  for (size_t k = 0; k < 16; k++) ck_close(x[k], ((double)k + 0.5) / 16, 1e-15);
  free(x);
  x = ReadAll("seeds.nc", "time", &n_dims, n_shape);
  for (size_t k = 0; k < 8; k++) ck_assert_double_le(fabs(x[k] - 0.05 * (double)k), 1e-15);
  free(x);
  ReadText("seeds.nc", "nu", "key", text);
  ck_assert_str_eq(text, "burgers.nu");
  ReadText("seeds.nc", "u", "cell_methods", text);
  ck_assert_str_eq(text, "area: mean time: point");
  ReadText("seeds.nc", NULL, "equation", text);
  ck_assert_str_eq(text, "u_t + sum_a (u^2/2)_a = (nu/pi) lap u");
  ReadText("seeds.nc", NULL, "scheme", text);
  ck_assert_str_eq(text, "burgers, 32 cells, limiter mc, ssp_rk3 (rkl2 where diffusion limits the step), cfl 0.4, float64");
  for (int v = 0; v < 3; v++) {
    ReadText("seeds.nc", (const char *[]){"u", "x", "nu"}[v], "units", text);
    ck_assert_str_eq(text, "1");
  }
  ReadText("tests/unseen.nc", NULL, "set", text);
  ck_assert_str_eq(text, "unseen");
  for (int s = 0; s < 2; s++) {
    free(u[s]);
    free(nu[s]);
  }
}
END_TEST

/* What is in the file is what the case's own model gives; a coarse cell is the mean of its cells, in a plane too, so that sums are kept. */
START_TEST(numbers_of_the_case)
{
  const char          *setting[] = {"grid_pde.nx=32", "time.dt=0.05", "burgers.nu=0.1", "grid_pde.seed=4"};
  const NomosModelOps *ops;
  NomosConfig          config;
  NomosCaseFile        file;
  NomosModel           model;
  double              *fine, *coarse, state[32];
  size_t               shape[6];
  int                  n_dims;

  Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=6", "sweep.precision=float64", NULL}, "fine.nc");
  Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=5", "sweep.precision=float64", "sweep.coarsen=4", NULL}, "coarse.nc");
  fine   = ReadAll("fine.nc", "u", &n_dims, shape);
  coarse = ReadAll("coarse.nc", "u", &n_dims, shape);
  for (size_t row = 0; row < 5 * 8; row++) {
    double sums[2] = {0};
    for (size_t j = 0; j < 8; j++) {
      double mean = 0;
      for (size_t k = 0; k < 4; k++) mean += fine[row * 32 + 4 * j + k];
      ck_assert(coarse[row * 8 + j] == mean / 4);
      sums[0] += mean;
      sums[1] += 4 * coarse[row * 8 + j];
    }
    ck_assert_double_le(fabs(sums[0] - sums[1]), 1e-13);
  }
  free(fine);
  free(coarse);
#define CELLS "sweep.case=pde/diffusion_reaction", "sweep.set=[grid_pde.nx=8, grid_pde.ny=12, time.stop=0.05]", "sweep.trajectories=3", "sweep.precision=float64"
  Make(PETSC_COMM_WORLD, (const char *[]){CELLS, NULL}, "cells.nc");
  Make(PETSC_COMM_WORLD, (const char *[]){CELLS, "sweep.coarsen=2", NULL}, "blocks.nc");
  for (int v = 0; v < 2; v++) {
    fine   = ReadAll("cells.nc", v ? "v" : "u", &n_dims, shape);
    coarse = ReadAll("blocks.nc", v ? "v" : "u", &n_dims, shape);
    ck_assert(n_dims == 4 && shape[0] == 3 && shape[1] == 2 && shape[2] == 6 && shape[3] == 4);
    for (size_t row = 0; row < 3 * 2 * 6; row++)
      for (size_t j = 0; j < 4; j++) {
        const double *block = fine + row * 16 + 2 * j;
        ck_assert_double_le(fabs(coarse[row * 4 + j] - (block[0] + block[1] + block[8] + block[9]) / 4), 1e-14);
      }
    free(fine);
    free(coarse);
  }
  fine = ReadAll("fine.nc", "u", &n_dims, shape);
  ck_ok(NomosCaseFind(PETSC_COMM_SELF, "pde/burgers", &file));
  ck_ok(NomosCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = file.path, .models = nomos_solvers, .n_set = 4, .set = setting}, &config, &ops));
  ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, config, &model));
  ck_ok(ops->initialise(model));
  for (size_t k = 0; k < 8; k++) {
    ck_ok(ops->derivatives->get_state(model, state));
    ck_assert(!memcmp(state, fine + (4 * 8 + k) * 32, sizeof state));
    ck_ok(ops->step(model));
  }
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
  free(fine);
}
END_TEST

/* A model that writes layer by layer; all that is in the file with its units. Every fourth point is kept of a grid of points. */
START_TEST(layers)
{
#define LAYERS "sweep.case=qg/two_layer_turbulence", "sweep.set=[qg.nx=16, qg.ny=16, time.dt=1 h, time.stop=2 h, output.fields_every=1 h]", "sweep.parameters.beta.key=qg.beta", "sweep.parameters.beta.values=[1e-11, 2e-11]", "sweep.trajectories=2", "sweep.precision=float64"
  double *q, *all;
  size_t  shape[6], full[6];
  int     n_dims;
  char    text[256];

  Make(PETSC_COMM_WORLD, (const char *[]){LAYERS, "sweep.coarsen=4", NULL}, "layers.nc");
  Make(PETSC_COMM_WORLD, (const char *[]){LAYERS, NULL}, "all_layers.nc");
  q   = ReadAll("layers.nc", "q", &n_dims, shape);
  all = ReadAll("all_layers.nc", "q", &n_dims, full);
  ck_assert(n_dims == 5 && shape[0] == 2 && shape[1] == 3 && shape[2] == 2 && shape[3] == 4 && shape[4] == 4 && full[3] == 16);
  for (size_t row = 0; row < 2 * 3 * 2; row++)
    for (size_t i = 0; i < 16; i++) ck_assert(q[row * 16 + i] == all[(row * 16 + i / 4 * 4) * 16 + i % 4 * 4]);
  ck_assert(memcmp(all, all + 256, 256 * sizeof *all) && memcmp(all + 2 * 256, all, 256 * sizeof *all)); /* layers differ, and frames */
  for (int v = 0; v < 4; v++) {
    ReadText("layers.nc", (const char *[]){"beta", "q", "x", "time"}[v], "units", text);
    ck_assert_str_eq(text, ((const char *[]){"m-1 s-1", "s-1", "m", "s"})[v]);
  }
  free(q);
  free(all);
}
END_TEST

static size_t ReadBytes(const char name[], char **bytes)
{
  FILE  *file = fopen(Path(name), "rb");
  size_t n    = 0;

  ck_assert(file != NULL);
  *bytes = malloc(1 << 20);
  n      = fread(*bytes, 1, 1 << 20, file);
  fclose(file);
  return n;
}

/* The same file from one rank and from all; trajectory i is the same however many there are; another seed gives others. */
START_TEST(bits)
{
  const char *settings[] = {BURGERS, VALUES, "sweep.trajectories=11", "sweep.parameters.cfl.key=grid_pde.cfl", "sweep.parameters.cfl.range=[0.2, 0.4]", NULL};
  char       *together, *alone;
  double     *u, *fewer, *other;
  size_t      shape[6];
  int         n_dims;

  Make(PETSC_COMM_WORLD, settings, "together.nc");
  if (!rank) Make(PETSC_COMM_SELF, settings, "alone.nc");
  MPI_Barrier(PETSC_COMM_WORLD);
  const size_t n = ReadBytes("together.nc", &together);
  ck_assert(n > 0 && n == ReadBytes("alone.nc", &alone) && !memcmp(together, alone, n));
  free(together);
  free(alone);
  Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=7", NULL}, "fewer.nc");
  Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=7", "sweep.seed=1", NULL}, "other.nc");
  Make(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=11", NULL}, "more.nc");
  u     = ReadAll("more.nc", "u", &n_dims, shape);
  fewer = ReadAll("fewer.nc", "u", &n_dims, shape);
  other = ReadAll("other.nc", "u", &n_dims, shape);
  ck_assert(!memcmp(u, fewer, 7 * 8 * 32 * sizeof *u));
  for (size_t i = 0; i < 7; i++) ck_assert(memcmp(u + i * 8 * 32, other + i * 8 * 32, 32 * sizeof *u));
  free(u);
  free(fewer);
  free(other);
}
END_TEST

/* Draws from a range lie in it, in the middle on average; lists of several parameters are combined, all as often. */
START_TEST(ranges_and_products)
{
  double *nu, *scale, *draw, mean = 0;
  size_t  shape[6], counts[2][3] = {{0}};
  int     n_dims;

  Make(PETSC_COMM_WORLD, (const char *[]){"sweep.case=pde/reaction_diffusion", "sweep.set=[grid_pde.nx=8, grid_pde.lx=1, initial.type=noise, time.dt=0.001, time.stop=0.001, output.fields_every=0.001]", "sweep.trajectories=120",
    "sweep.parameters.nu.key=reaction_diffusion.nu", "sweep.parameters.nu.values=[1, 2]", "sweep.parameters.cfl.key=grid_pde.cfl", "sweep.parameters.cfl.range=[0.1, 0.4]", "sweep.parameters.cfl.scale=log", "sweep.parameters.cfl.points=3",
    "sweep.parameters.rho.key=reaction_diffusion.rho", "sweep.parameters.rho.range=[0.1, 10]", "sweep.parameters.rho.scale=log", NULL}, "products.nc");
  nu    = ReadAll("products.nc", "nu", &n_dims, shape);
  scale = ReadAll("products.nc", "cfl", &n_dims, shape);
  draw  = ReadAll("products.nc", "rho", &n_dims, shape);
  for (size_t i = 0; i < 120; i++) {
    const double s = log(scale[i] / 0.1) / log(2);
    ck_assert_double_le(fabs(s - round(s)), 1e-12);
    counts[(int)nu[i] - 1][(int)round(s)]++;
    ck_assert(draw[i] >= 0.1 && draw[i] <= 10);
    mean += log10(draw[i]) / 120;
    for (size_t j = 0; j < i; j++) ck_assert(draw[i] != draw[j]);
  }
  for (int a = 0; a < 2; a++)
    for (int b = 0; b < 3; b++) ck_assert(counts[a][b] == 20);
  ck_assert_double_le(fabs(mean), 5 * 2 / sqrt(12 * 120)); /* uniform on [-1, 1] */
  free(nu);
  free(scale);
  free(draw);

  /* Initial states by a parameter, without a seed. */
  Make(PETSC_COMM_WORLD, (const char *[]){"sweep.case=equations/lorenz63", "sweep.set=[time.stop=0.02, output.fields_every=0.01]", "sweep.trajectories=5", "sweep.seed_key=none", "sweep.precision=float64", "sweep.fields=[x]",
    "sweep.parameters.x0.key=initial.x", "sweep.parameters.x0.range=[-8, 8]", "sweep.parameters.x0.points=5", NULL}, "lorenz.nc");
  draw = ReadAll("lorenz.nc", "x", &n_dims, shape);
  ck_assert(n_dims == 2 && shape[0] == 5 && shape[1] == 3);
  for (size_t i = 0; i < 5; i++) ck_assert(draw[3 * i] == -8 + 4 * (double)i);
  free(draw);
}
END_TEST

/* Points of a spectral model are not averaged: every second one is kept. */
START_TEST(points)
{
  double *all, *some;
  size_t  shape[6];
  int     n_dims;
  char    text[256];

#define SPECTRAL "sweep.case=equations/kuramoto_sivashinsky", "sweep.set=[spectral.nx=64, time.stop=10, output.fields_every=5]", "sweep.trajectories=1", "sweep.precision=float64", "sweep.seed_key=none"
  Make(PETSC_COMM_WORLD, (const char *[]){SPECTRAL, NULL}, "all.nc");
  Make(PETSC_COMM_WORLD, (const char *[]){SPECTRAL, "sweep.coarsen=2", NULL}, "some.nc");
  all  = ReadAll("all.nc", "u", &n_dims, shape);
  some = ReadAll("some.nc", "u", &n_dims, shape);
  ck_assert(n_dims == 3 && shape[1] == 3 && shape[2] == 32);
  for (size_t i = 0; i < 3 * 32; i++) ck_assert(some[i] == all[2 * i]);
  ReadText("some.nc", "u", "cell_methods", text);
  ck_assert_str_eq(text, "area: point time: point");
  free(all);
  free(some);
}
END_TEST

/* Keys that take the same value are in the file too; it says its family, whatever differs, and the Mach number of random waves; a field that does not change has no time. */
START_TEST(what_a_file_says)
{
#define GAS "sweep.case=pde/gas_waves", "sweep.set=[grid_pde.nx=16, initial.type=random_modes, initial.mach=0.25, time.dt=0.05, time.stop=0.1, output.fields_every=0.05]", "sweep.trajectories=4"
  double *eta, *zeta, *force, *vx;
  size_t  shape[6];
  int     n_dims;
  char    text[256];

  Make(PETSC_COMM_WORLD, (const char *[]){GAS, "sweep.parameters.eta.key=compressible.eta", "sweep.parameters.eta.values=[0.01, 0.1]", "sweep.parameters.eta.also=[compressible.zeta]", NULL}, "also.nc");
  eta  = ReadAll("also.nc", "eta", &n_dims, shape);
  zeta = ReadAll("also.nc", "zeta", &n_dims, shape);
  ck_assert(n_dims == 1 && shape[0] == 4);
  for (size_t i = 0; i < 4; i++) ck_assert(eta[i] == (i % 2 ? 0.1 : 0.01) && zeta[i] == eta[i]);
  free(eta);
  free(zeta);
  ReadText("also.nc", "zeta", "key", text);
  ck_assert_str_eq(text, "compressible.zeta");
  ReadText("also.nc", NULL, "mach", text);
  ck_assert_str_eq(text, "0.25");
  Make(PETSC_COMM_WORLD, (const char *[]){GAS, "sweep.parameters.mach.key=initial.mach", "sweep.parameters.mach.values=[0.1, 1]", NULL}, "mach.nc");
  ReadText("mach.nc", NULL, "family", text);
  ck_assert_str_eq(text, "compressible");

  Make(PETSC_COMM_WORLD, (const char *[]){GAS, "sweep.parameters.eta.key=compressible.eta", "sweep.parameters.eta.values=[0.01, 0.1]", "sweep.set=[grid_pde.nx=16, grid_pde.boundary_x=value, grid_pde.boundary_x_high=outflow, 'grid_pde.value_low=[1, 30, 0]', time.dt=0.05, time.stop=0.1, output.fields_every=0.05]", NULL}, "ends.nc");
  ReadText("ends.nc", NULL, "boundary_x", text);
  ck_assert_str_eq(text, "value");
  ReadText("ends.nc", NULL, "boundary_x_high", text);
  ck_assert_str_eq(text, "outflow");
  ReadText("ends.nc", NULL, "value_low", text);
  ck_assert_str_eq(text, "[1, 30, 0]");
  Make(PETSC_COMM_WORLD, (const char *[]){"sweep.case=pde/incompressible", "sweep.set=[incompressible.nx=8, time.stop=0.02, output.fields_every=0.01]", "sweep.trajectories=3", "sweep.fields=[Vx, force_x]", NULL}, "force.nc");
  ReadText("force.nc", NULL, "family", text);
  ck_assert_str_eq(text, "incompressible");
  vx = ReadAll("force.nc", "Vx", &n_dims, shape);
  ck_assert(n_dims == 4 && shape[0] == 3 && shape[1] == 3 && shape[2] == 8 && shape[3] == 8);
  force = ReadAll("force.nc", "force_x", &n_dims, shape);
  ck_assert(n_dims == 3 && shape[0] == 3 && shape[1] == 8 && shape[2] == 8);
  for (size_t i = 0; i < 2; i++) ck_assert(memcmp(force + 64 * i, force + 64 * (i + 1), 64 * sizeof *force) && memcmp(vx + 192 * i, vx + 192 * (i + 1), 192 * sizeof *vx));
  free(vx);
  free(force);
}
END_TEST

/* A file made of the same values is kept, another is made anew; tests that are no longer asked for go, what is not a sweep's stays. */
START_TEST(kept)
{
#define SMALL BURGERS, VALUES, "sweep.trajectories=3", "sweep.tests.a.trajectories=2"
  struct stat first, again;
  FILE       *foreign;

  if (!rank) ck_assert(!mkdir(Path("kept"), 0777));
  MPI_Barrier(PETSC_COMM_WORLD);
  Make(PETSC_COMM_WORLD, (const char *[]){SMALL, "sweep.tests.b.trajectories=2", NULL}, "kept/sweep.nc");
  ck_assert(!access(Path("kept/tests/b.nc"), R_OK));
  if (!rank) ck_assert((foreign = fopen(Path("kept/tests/mine.nc"), "w")) && !fclose(foreign));
  ck_assert(!stat(Path("kept/sweep.nc"), &first));
  MPI_Barrier(PETSC_COMM_WORLD);
  Make(PETSC_COMM_WORLD, (const char *[]){SMALL, NULL}, "kept/sweep.nc");
  ck_assert(!stat(Path("kept/sweep.nc"), &again) && again.st_ino == first.st_ino);
  ck_assert(access(Path("kept/tests/b.nc"), F_OK) && !access(Path("kept/tests/a.nc"), R_OK) && !access(Path("kept/tests/mine.nc"), R_OK));
  MPI_Barrier(PETSC_COMM_WORLD);
  Make(PETSC_COMM_WORLD, (const char *[]){SMALL, "sweep.parameters.nu.values=[0.01, 0.1, 1.5]", NULL}, "kept/sweep.nc");
  double *nu;
  size_t  shape[6];
  int     n_dims;
  nu = ReadAll("kept/sweep.nc", "nu", &n_dims, shape);
  ck_assert(nu[2] == 1.5);
  free(nu);
  ck_assert(access(Path("kept/sweep.nc.partial"), F_OK));
}
END_TEST

static void SameBytes(const char a[], const char b[])
{
  FILE *files[2];
  int   at[2];

  ck_assert((files[0] = fopen(Path(a), "rb")) && (files[1] = fopen(Path(b), "rb")));
  do {
    for (int f = 0; f < 2; f++) at[f] = fgetc(files[f]);
    ck_assert_msg(at[0] == at[1], "%s and %s differ", a, b);
  } while (at[0] != EOF);
  for (int f = 0; f < 2; f++) fclose(files[f]);
}

/* A sweep that is stopped again and again, now in the training, now in the test, keeps the trajectories that it has, and makes the same files in the end; of other values it begins anew. */
START_TEST(stopped)
{
  static const char *const set[] = {BURGERS, VALUES, "sweep.trajectories=9", "sweep.tests.unseen.trajectories=4", "sweep.tests.unseen.nu.values=[0.03, 0.3]", NULL};
  NomosConfig              config = ConfigOf(PETSC_COMM_WORLD, set);
  bool                     whole  = false;
  int                      n_stops = 0, n_kept = 0;

  Path("");
  if (!rank) ck_assert(!mkdir(Path("whole"), 0777) && !mkdir(Path("stopped"), 0777));
  MPI_Barrier(PETSC_COMM_WORLD);
  Make(PETSC_COMM_WORLD, set, "whole/sweep.nc");
  for (int most = 12; !whole && most < 3000; most += 8) {
    Patience patience = {.most = most};
    ck_ok(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = Path("stopped/sweep.nc"), .stop = IsOver, .ctx = &patience}, &whole));
    MPI_Barrier(PETSC_COMM_WORLD);
    n_stops += !whole;
    n_kept += !access(Path("stopped/sweep.nc.partial.made"), R_OK);
    ck_assert(whole || access(Path("stopped/sweep.nc"), F_OK) || access(Path("stopped/tests/unseen.nc"), F_OK));
    MPI_Barrier(PETSC_COMM_WORLD);
  }
  ck_assert_msg(whole && n_stops > 2 && n_kept > 0, "stopped %d times, %d times with trajectories that were kept", n_stops, n_kept);
  SameBytes("whole/sweep.nc", "stopped/sweep.nc");
  SameBytes("whole/tests/unseen.nc", "stopped/tests/unseen.nc");
  ck_assert(access(Path("stopped/sweep.nc.partial"), F_OK) && access(Path("stopped/sweep.nc.partial.made"), F_OK) && access(Path("stopped/tests/unseen.nc.partial.made"), F_OK));
  ck_ok(NomosConfigDestroy(&config));

  /* A part of other values is no part of these. */
  config = ConfigOf(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.trajectories=9", "sweep.seed=77", NULL});
  ck_ok(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = Path("stopped/other.nc"), .stop = IsOver, .ctx = &(Patience){.most = 60}}, &whole));
  ck_assert(!whole && !access(Path("stopped/other.nc.partial"), F_OK));
  ck_ok(NomosConfigDestroy(&config));
  Make(PETSC_COMM_WORLD, set, "stopped/other.nc");
  SameBytes("whole/sweep.nc", "stopped/other.nc");
}
END_TEST

/* What will be in the file, before it is made. */
START_TEST(outlines)
{
  NomosConfig      config  = ConfigOf(PETSC_COMM_WORLD, (const char *[]){GAS, "sweep.coarsen=2", "sweep.parameters.eta.key=compressible.eta", "sweep.parameters.eta.values=[0.01, 0.1]", "sweep.parameters.eta.also=[compressible.zeta]", NULL});
  NomosDataOutline outline;
  const char      *expected[] = {"eta", "zeta", "gamma", "mach"};

  ck_ok(nomos_generator_sweep.outline(PETSC_COMM_WORLD, config, &outline));
  ck_assert(outline.n_fields == 3 && !strcmp(outline.fields[0].name, "density") && outline.fields[0].n_space == 1 && outline.fields[0].points[0] == 8);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    bool has = false;
    for (size_t k = 0; k < outline.n_numbers; k++) has = has || !strcmp(outline.numbers[k], expected[i]);
    ck_assert_msg(has, "the outline has no %s", expected[i]);
  }
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

#define ck_no_sweep(text, ...) \
  do { \
    NomosConfig config_ = ConfigOf(PETSC_COMM_WORLD, (const char *[]){__VA_ARGS__, NULL}); \
    ck_refused(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config_, .path = Path("refused.nc")}, &(bool){false}), text); \
    ck_ok(NomosConfigDestroy(&config_)); \
    MPI_Barrier(PETSC_COMM_WORLD); \
    ck_assert(access(Path("refused.nc"), F_OK) && access(Path("refused.nc.partial"), F_OK)); \
  } while (0)

START_TEST(refusals)
{
  Path("");
  ck_no_sweep("sweep.case: case 'pde/burgrs' not found", "sweep.case=pde/burgrs");
  ck_no_sweep("trajectory 0 (nv = 1, grid_pde.seed = 0): --set: burgers.nv: unknown key; did you mean burgers.nu", BURGERS, "sweep.parameters.nv.key=burgers.nv", "sweep.parameters.nv.values=[1]");
  ck_no_sweep("has neither values nor a range", BURGERS, "sweep.parameters.nu.key=burgers.nu");
  ck_no_sweep("give one of them", BURGERS, VALUES, "sweep.parameters.nu.range=[1, 2]");
  ck_no_sweep("low < high", BURGERS, "sweep.parameters.nu.key=burgers.nu", "sweep.parameters.nu.range=[2, 1]");
  ck_no_sweep("positive numbers", BURGERS, "sweep.parameters.nu.key=burgers.nu", "sweep.parameters.nu.range=[0, 1]", "sweep.parameters.nu.scale=log");
  ck_no_sweep("sweep.coarsen = 3 does not divide the 32 cells along x", BURGERS, VALUES, "sweep.coarsen=3");
  ck_no_sweep("which grid_pde does not write; name some of u", BURGERS, VALUES, "sweep.fields=[v]");
  ck_no_sweep("burgers.nu is set by sweep.parameters.nu and by sweep.parameters.too", BURGERS, VALUES, "sweep.parameters.too.key=burgers.nu", "sweep.parameters.too.values=[1]");
  ck_no_sweep("burgers.nu is set by sweep.parameters.nu and by sweep.parameters.too", BURGERS, VALUES, "sweep.parameters.too.key=grid_pde.cfl", "sweep.parameters.too.values=[0.3]", "sweep.parameters.too.also=[burgers.nu]");
  ck_no_sweep("sets grid_pde.seed, which gets the seed of each trajectory", BURGERS, "sweep.parameters.seed.key=grid_pde.seed", "sweep.parameters.seed.values=[1, 2]");
  ck_no_sweep("would repeat each other", BURGERS, VALUES, "sweep.trajectories=4", "sweep.seed_key=none");
  ck_no_sweep("trajectories 0 and 1 have the same initial state and the same parameters", "sweep.case=pde/shock_tube", "sweep.set=[grid_pde.nx=16, time.stop=0.01]", "sweep.trajectories=2");
  ck_no_sweep("trajectory 1 (n = 64, grid_pde.seed = 1): it has 64 cells along x, trajectory 0 has 32: a file has one grid", BURGERS, "sweep.parameters.n.key=grid_pde.nx", "sweep.parameters.n.values=[32, 64]", "sweep.trajectories=2");
  NomosConfig two = ConfigOf(PETSC_COMM_WORLD, (const char *[]){BURGERS, VALUES, "sweep.parameters.n.key=grid_pde.nx", "sweep.parameters.n.values=[32, 64]", NULL});
  ck_refused(nomos_generator_sweep.check(PETSC_COMM_WORLD, two), "trajectory 3 (nu = 0.01, n = 64, grid_pde.seed = 3): it has 64 cells"); /* before any is run */
  ck_ok(NomosConfigDestroy(&two));
  ck_no_sweep("x[0] is 0.078125, in trajectory 0 0.015625: a file has one grid", BURGERS, "sweep.parameters.l.key=grid_pde.lx", "sweep.parameters.l.values=[1, 5]", "sweep.trajectories=2");
  ck_no_sweep("trajectory 2 (n = 64, grid_pde.seed = 2): it has 64 cells", BURGERS, "sweep.parameters.n.key=grid_pde.nx", "sweep.parameters.n.values=[32, 32, 64]", "sweep.trajectories=3"); /* seen before it is run */
  ck_no_sweep("trajectory 2 (nu = 0.01, n = 64, grid_pde.seed = 2): it has 64 cells", BURGERS, "sweep.parameters.nu.key=burgers.nu", "sweep.parameters.nu.values=[0.01, 0.1]", "sweep.parameters.n.key=grid_pde.nx", "sweep.parameters.n.values=[32, 64]", "sweep.trajectories=3");
  ck_no_sweep("must be a multiple of time.dt", "sweep.case=pde/burgers", "sweep.set=[grid_pde.nx=32, time.dt=0.02, time.stop=0.1, output.fields_every=0.05]", VALUES);
  /* The seventh trajectory is the first whose viscosity is too large for the one substep that it may take. */
  ck_no_sweep("trajectory 6 (nu = 100, grid_pde.seed = 6): ", BURGERS, "sweep.parameters.nu.key=burgers.nu", "sweep.parameters.nu.values=[0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 100]", "sweep.trajectories=7",
              "sweep.set=[grid_pde.nx=32, time.dt=0.005, time.stop=0.5, output.fields_every=0.05, grid_pde.substeps=1, time.scheme=ssp_rk3]");
}
END_TEST

/* A state that no seed changes: a test that repeats the training is refused, made with it or later; with values of its own it is none. */
START_TEST(tests_that_were_seen)
{
#define TUBE "sweep.case=pde/shock_tube", "sweep.set=[grid_pde.nx=16, time.stop=0.01]", "sweep.trajectories=2", "sweep.parameters.cfl.key=grid_pde.cfl", "sweep.parameters.cfl.values=[0.2, 0.4]"
  if (!rank) ck_assert(!mkdir(Path("seen"), 0777));
  MPI_Barrier(PETSC_COMM_WORLD);
  for (int later = 0; later < 2; later++) {
    Path(later ? "seen/later.nc" : "seen/at_once.nc");
    if (later) Make(PETSC_COMM_WORLD, (const char *[]){TUBE, NULL}, "seen/later.nc");
    NomosConfig config = ConfigOf(PETSC_COMM_WORLD, (const char *[]){TUBE, "sweep.tests.unseen.trajectories=1", NULL});
    ck_refused(nomos_generator_sweep.write(&(NomosGeneratorOutput){.comm = PETSC_COMM_WORLD, .config = config, .path = path}, &(bool){false}), "trajectory 0 of the training and trajectory 0 of the test unseen have the same initial state and the same parameters: its initial state does not depend on grid_pde.seed");
    ck_ok(NomosConfigDestroy(&config));
    MPI_Barrier(PETSC_COMM_WORLD);
    ck_assert(access(Path("seen/tests/unseen.nc"), F_OK));
  }
  Make(PETSC_COMM_WORLD, (const char *[]){TUBE, "sweep.tests.unseen.trajectories=1", "sweep.tests.unseen.cfl.values=[0.3]", NULL}, "seen/later.nc");
  ck_assert(!access(Path("seen/tests/unseen.nc"), R_OK));
}
END_TEST

NOMOS_TEST_SUITE("sweep", files_of_the_case, seeds_and_values, numbers_of_the_case, layers, bits, ranges_and_products, points, what_a_file_says, kept, stopped, outlines, refusals, tests_that_were_seen)
