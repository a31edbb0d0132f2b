/* Writes field files and their XDMF companions into a directory, for readers of another making (check_fields.py, check_xdmf.py): finished,
   compressed, still running, and on a stretched grid. q[layer][y][x] = 1000 step + 100 layer + 10 y + x (indices), and so on. Particles in three and in two dimensions. An animation (check_animation.py). */
#include "io/animation.h"
#include "io/field_file.h"

#include <stdio.h>

enum { NL = 2,
       NY = 6,
       NX = 8 };

static PetscErrorCode WriteFrame(NomosFieldFile file, int64_t step)
{
  const size_t start[3] = {0}, count[3] = {NL, NY, NX};
  double       q[NL][NY][NX], energy    = 0.5 * (double)step;

  PetscFunctionBeginUser;
  for (int l = 0; l < NL; l++) {
    for (int j = 0; j < NY; j++) {
      for (int i = 0; i < NX; i++) q[l][j][i] = 1000. * (double)step + 100 * l + 10 * j + i;
    }
  }
  PetscCall(NomosFieldFileBeginFrame(file, 86400. * (double)step, step));
  PetscCall(NomosFieldFileWrite(file, "q", NOMOS_F64, start, count, q));
  PetscCall(NomosFieldFileWrite(file, "eta", NOMOS_F64, start + 1, count + 1, q));
  PetscCall(NomosFieldFileWrite(file, "energy", NOMOS_F64, NULL, NULL, &energy));
  PetscCall(NomosFieldFileEndFrame(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSample(const char directory[], const char name[], int compression, size_t capacity, bool stretched, bool finish)
{
  char          path[NOMOS_MAX_PATH], xdmf[NOMOS_MAX_PATH];
  double        layer[NL] = {1, 2}, y[NY], x[NX], depth[NY * NX];
  const size_t  start[2] = {0}, count[2] = {NY, NX};
  NomosFieldDim dims[] = {
      {.name = "layer", .size = NL,  .values = layer, .long_name = "layer from the surface", .axis = "Z"},
      { .name = "y",     .size = NY, .values = y,     .unit = "m",     .long_name = "northward distance", .axis = "Y"},
      { .name = "x",     .size = NX, .values = x,     .unit = "m",      .long_name = "eastward distance", .axis = "X"}
  };
  NomosFieldVariable variables[] = {
      {.name = "q",         .dims = {"layer", "y", "x"}, .type = NOMOS_F32, .unit = "s-1",                      .long_name = "potential vorticity"},
      {.name = "eta",       .dims = {"y", "x"},          .type = NOMOS_F64, .unit = "m",                        .long_name = "interface height",    .standard_name = "height"},
      {.name = "energy",                   .type = NOMOS_F64,                               .unit = "m2 s-2"            },
      {.name = "depth", .dims = {"y", "x"},            .constant = true, .type = NOMOS_F64, .unit = "m"                      }
  };
  NomosFieldFileInput input = {.path            = path,
                               .n_dims          = 3,
                               .dims            = dims,
                               .n_variables     = 4,
                               .variables       = variables,
                               .capacity        = capacity,
                               .compression     = compression,
                               .time_unit       = "s",
                               .title           = "A sample, \xc3\xa9t\xc3\xa9",
                               .source          = "nomos " NOMOS_VERSION,
                               .references      = "doi:10.0/none",
                               .config_yaml     = "solver: none\n",
                               .provenance_json = "{\"seed\": 1}"};
  NomosFieldFile      file;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s.nc", directory, name);
  snprintf(xdmf, sizeof xdmf, "%s/%s.xdmf", directory, name);
  for (int j = 0; j < NY; j++) y[j] = stretched ? 100. * j * j : 100. * j + 50;
  for (int i = 0; i < NX; i++) x[i] = 200. * i + 100;
  for (int i = 0; i < NY * NX; i++) depth[i] = 4000 + i;
  PetscCall(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  PetscCall(NomosFieldFileWrite(file, "depth", NOMOS_F64, start, count, depth));
  for (int64_t step = 0; step < 30; step += 10) PetscCall(WriteFrame(file, step));
  PetscCall(NomosXdmfWrite(PETSC_COMM_WORLD, path, xdmf));
  if (finish) {
    PetscCall(NomosFieldFileClose(&file));
    PetscCall(NomosXdmfWrite(PETSC_COMM_WORLD, path, xdmf));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every array of particles: entry c of particle p at `step` is 1000 step + 10 p + c, constants without the step. */
static PetscErrorCode WriteParticles(const char directory[], const char name[], size_t d, int compression)
{
  enum { N = 5 };
  char                path[NOMOS_MAX_PATH], xdmf[NOMOS_MAX_PATH];
  const double        number[N] = {0, 1, 2, 3, 4};
  const size_t        start[3] = {0}, count[] = {N, d, d}, tensor[] = {N, 3, 3};
  double              values[N * 9];
  NomosFieldDim       dims[] = {{.name = "particle", .size = N, .values = number}, {.name = "axis", .size = d, .values = number}, {.name = "row", .size = 3, .values = number}, {.name = "column", .size = 3, .values = number}};
  NomosFieldVariable  variables[] = {
    {.name = "position", .dims = {"particle", "axis"}, .type = NOMOS_F32, .unit = "m"},
    {.name = "velocity", .dims = {"particle", "axis"}, .type = NOMOS_F64, .unit = "m s-1"},
    {.name = "deformation_gradient", .dims = {"particle", "row", "column"}, .type = NOMOS_F32},
    {.name = "affine", .dims = {"particle", "axis", "axis"}, .type = NOMOS_F32, .unit = "s-1"},
    {.name = "material", .dims = {"particle"}, .constant = true, .type = NOMOS_F32},
  };
  NomosFieldFileInput input = {.path = path, .n_dims = 4, .dims = dims, .n_variables = 5, .variables = variables, .capacity = 2, .compression = compression, .time_unit = "s"};
  NomosFieldFile      file;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/%s.nc", directory, name);
  snprintf(xdmf, sizeof xdmf, "%s/%s.xdmf", directory, name);
  PetscCall(NomosFieldFileCreate(PETSC_COMM_WORLD, &input, &file));
  PetscCall(NomosFieldFileWrite(file, "material", NOMOS_F64, start, count, (double[]){0, 10, 20, 30, 40}));
  for (int64_t step = 0; step < 2; step++) {
    PetscCall(NomosFieldFileBeginFrame(file, 0.5 * (double)step, step));
    for (int v = 0; v < 4; v++) {
      const size_t n = v == 2 ? 9 : v == 3 ? d * d : d;
      for (size_t i = 0; i < N * n; i++) values[i] = 1000. * (double)step + 10. * (double)(i / n) + (double)(i % n);
      PetscCall(NomosFieldFileWrite(file, variables[v].name, NOMOS_F64, start, v == 2 ? tensor : count, values));
    }
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(NomosXdmfWrite(PETSC_COMM_WORLD, path, xdmf));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A square that wanders: 8 pixels at (4 t, 3 t) of 40 x 30, red on white. */
static PetscErrorCode WriteAnimation(const char directory[])
{
  enum { W = 40, H = 30 };
  char           path[NOMOS_MAX_PATH];
  uint32_t       pixels[H * W];
  NomosAnimation animation;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%s/animation.png", directory);
  PetscCall(NomosAnimationCreate(path, W, H, &animation));
  for (int t = 0; t < 6; t++) {
    for (int i = 0; i < H * W; i++) pixels[i] = i % W >= 4 * t && i % W < 4 * t + 8 && i / W >= 3 * t && i / W < 3 * t + 8 ? 0xd55e00 : 0xffffff;
    PetscCall(NomosAnimationFrame(animation, pixels, t < 5 ? 0.05 : 1));
  }
  PetscCall(NomosAnimationClose(&animation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCheck(argc == 2, PETSC_COMM_WORLD, PETSC_ERR_USER, "usage: write_sample DIRECTORY");
  PetscCall(WriteSample(argv[1], "fields", 0, 3, false, true));
  PetscCall(WriteSample(argv[1], "compressed", 4, 9, false, true));
  PetscCall(WriteSample(argv[1], "running", 0, 7, false, false));
  PetscCall(WriteSample(argv[1], "stretched", 0, 2, true, true));
  PetscCall(WriteParticles(argv[1], "particles", 3, 0));
  PetscCall(WriteParticles(argv[1], "particles_2d", 2, 1));
  PetscCall(WriteAnimation(argv[1]));
  PetscCall(PetscFinalize());
  return 0;
}
