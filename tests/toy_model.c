#include "toy_model.h"

#include "lorenz_model.h"

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_K = 9 };

typedef struct {
  int64_t         nx, ny, y0, my; /* grid; first row and number of rows of this rank */
  double          amplitude, frequency, growth, pause;
  int64_t         fail_step, fail_rank;
  double complex *z; /* (my, nx) */
  double         *u; /* (my, nx) */
  double         *x, *y, k[N_K];
  NomosFieldDim   dims[2], k_dim;
} Toy;

static const NomosParam toy_params[] = {
  {"toy.nx",        NOMOS_PARAM_INT,  "16", NULL, 1, 4096,  NULL, false, "Points along x."                                         },
  {"toy.ny",        NOMOS_PARAM_INT,  "12", NULL, 1, 4096,  NULL, false, "Points along y."                                         },
  {"toy.amplitude", NOMOS_PARAM_REAL, "1",  "m/s", -1e12, 1e12, NULL, false, "Amplitude at the start."},
  {"toy.frequency", NOMOS_PARAM_REAL, "1",  "rad/s", -1e6, 1e6, NULL, false, "Angular frequency."                                      },
  {"toy.growth",    NOMOS_PARAM_REAL, "0",  "1/s",   -1e6, 1e6, NULL, false, "Growth rate."                                            },
  {"run.pause",     NOMOS_PARAM_REAL, "0",  "s",     0, 10, NULL, false, "Wall-clock time a step takes."                           },
  {"toy.fail_step", NOMOS_PARAM_INT,  "0",  NULL, 0, 1e9,   NULL, false, "Raise an error at this step; 0: never."                  },
  {"toy.fail_rank", NOMOS_PARAM_INT,  "-1", NULL, -1, 1e6,  NULL, false, "The rank that raises it; -1: all together."              },
};

static PetscErrorCode ToyCreate(NomosModel model)
{
  Toy *toy;
  int  rank, size;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&toy));
  model->data = toy;
  PetscCall(NomosConfigGetInt(model->config, "toy.nx", &toy->nx));
  PetscCall(NomosConfigGetInt(model->config, "toy.ny", &toy->ny));
  PetscCall(NomosConfigGetReal(model->config, "toy.amplitude", &toy->amplitude));
  PetscCall(NomosConfigGetReal(model->config, "toy.frequency", &toy->frequency));
  PetscCall(NomosConfigGetReal(model->config, "toy.growth", &toy->growth));
  PetscCall(NomosConfigGetReal(model->config, "run.pause", &toy->pause));
  PetscCall(NomosConfigGetInt(model->config, "toy.fail_step", &toy->fail_step));
  PetscCall(NomosConfigGetInt(model->config, "toy.fail_rank", &toy->fail_rank));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &model->dt));
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCallMPI(MPI_Comm_size(model->comm, &size));
  toy->y0       = toy->ny * rank / size;
  toy->my       = toy->ny * (rank + 1) / size - toy->y0;
  model->n_grid = toy->nx * toy->ny;
  PetscCall(PetscMalloc4(toy->my * toy->nx + 1, &toy->z, toy->my * toy->nx + 1, &toy->u, toy->nx, &toy->x, toy->ny, &toy->y));
  for (int64_t i = 0; i < toy->nx; i++) toy->x[i] = 1e4 * ((double)i + 0.5) / (double)toy->nx;
  for (int64_t j = 0; j < toy->ny; j++) toy->y[j] = 1e4 * ((double)j + 0.5) / (double)toy->ny;
  for (int k = 0; k < N_K; k++) toy->k[k] = k;
  toy->dims[0] = (NomosFieldDim){.name = "y", .size = (size_t)toy->ny, .values = toy->y, .unit = "m", .axis = "Y"};
  toy->dims[1] = (NomosFieldDim){.name = "x", .size = (size_t)toy->nx, .values = toy->x, .unit = "m", .axis = "X"};
  toy->k_dim   = (NomosFieldDim){.name = "k", .size = N_K, .values = toy->k, .unit = "m-1"};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyInitialise(NomosModel model)
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  for (int64_t j = 0; j < toy->my; j++) {
    for (int64_t i = 0; i < toy->nx; i++) toy->z[j * toy->nx + i] = toy->amplitude * cexp(I * 2e-4 * PETSC_PI * (toy->x[i] + toy->y[toy->y0 + j]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyStep(NomosModel model)
{
  Toy           *toy    = model->data;
  double complex factor = cexp((I * toy->frequency + toy->growth) * model->dt);
  int            rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  if (toy->fail_step && model->step + 1 == toy->fail_step) {
    PetscCheck(toy->fail_rank >= 0, model->comm, PETSC_ERR_USER, "toy: failed at step %lld as asked", (long long)toy->fail_step);
    PetscCheck(toy->fail_rank != rank, PETSC_COMM_SELF, PETSC_ERR_USER, "toy: rank %d failed at step %lld as asked", rank, (long long)toy->fail_step);
  }
  for (int64_t i = 0; i < toy->my * toy->nx; i++) toy->z[i] *= factor;
  if (toy->pause > 0) nanosleep(&(struct timespec){(time_t)toy->pause, (long)(1e9 * fmod(toy->pause, 1))}, NULL);
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyDestroy(NomosModel model)
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  PetscCall(PetscFree4(toy->z, toy->u, toy->x, toy->y));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  static const NomosFieldVariable variables[] = {
    {.name = "u", .dims = {"y", "x"}, .unit = "m s-1", .long_name = "velocity"}
  };

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 2, .n_variables = 1, .dims = ((Toy *)model->data)->dims, .variables = variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyWriteFields(NomosModel model, NomosFieldFile file)
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < toy->my * toy->nx; i++) toy->u[i] = creal(toy->z[i]);
  PetscCall(NomosFieldFileWrite(file, "u", NOMOS_F64, (size_t[]){(size_t)toy->y0, 0}, (size_t[]){(size_t)toy->my, (size_t)toy->nx}, toy->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToySpectraLayout(NomosModel model, NomosFileLayout *layout)
{
  static const NomosFieldVariable variables[] = {
    {.name = "power", .dims = {"k"}, .unit = "m3 s-2", .long_name = "power"}
  };

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 1, .n_variables = 1, .dims = &((Toy *)model->data)->k_dim, .variables = variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyEnergy(NomosModel model, double *energy)
{
  Toy   *toy = model->data;
  double sum = 0;

  PetscFunctionBeginUser;
  for (int64_t i = 0; i < toy->my * toy->nx; i++) sum += creal(toy->z[i]) * creal(toy->z[i]) + cimag(toy->z[i]) * cimag(toy->z[i]);
  PetscCallMPI(MPI_Allreduce(&sum, energy, 1, MPI_DOUBLE, MPI_SUM, model->comm));
  *energy /= (double)model->n_grid;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyWriteSpectra(NomosModel model, NomosFieldFile file)
{
  double power[N_K], energy;
  int    rank;

  PetscFunctionBeginUser;
  PetscCall(ToyEnergy(model, &energy));
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  for (int k = 0; k < N_K; k++) power[k] = energy * pow(k + 1, -3);
  PetscCall(NomosFieldFileWrite(file, "power", NOMOS_F64, (size_t[]){0}, (size_t[]){rank ? 0 : N_K}, power));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  static const NomosScalarInfo scalars[] = {
    {"energy", "m2 s-2", "energy", "energy", true, NULL},
    {"corner", "m s-1", "velocity in the corner", "velocity", false, NULL},
  };

  PetscFunctionBeginUser;
  (void)model;
  *n    = 2;
  *info = scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyEvaluateScalars(NomosModel model, double values[])
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  PetscCall(ToyEnergy(model, &values[0]));
  values[1] = toy->y0 == 0 && toy->my ? creal(toy->z[0]) : 0;
  PetscCallMPI(MPI_Bcast(&values[1], 1, MPI_DOUBLE, 0, model->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyCfl(NomosModel model, double *cfl)
{
  PetscFunctionBeginUser;
  *cfl = ((Toy *)model->data)->frequency * model->dt;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyCheck(NomosModel model, NomosModelFault *fault)
{
  Toy    *toy  = model->data;
  int64_t none = model->n_grid, first = none;

  PetscFunctionBeginUser;
  for (int64_t i = toy->my * toy->nx - 1; i >= 0; i--) {
    if (!(cabs(toy->z[i]) < 1e6)) first = toy->y0 * toy->nx + i;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT64_T, MPI_MIN, model->comm));
  if (first == none) PetscFunctionReturn(PETSC_SUCCESS);
  *fault = (NomosModelFault){.bad = true, .field = "u", .n_index = 2, .index = {first / toy->nx, first % toy->nx}, .value = INFINITY, .dt_advised = 0.25 * model->dt};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyResults(NomosModel model, NomosResultFn result, void *ctx)
{
  PetscFunctionBeginUser;
  PetscCall(result("final_time", model->time, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToySave(NomosModel model, NomosCheckpoint checkpoint)
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointWriteArray(checkpoint, "z", NOMOS_F64, 3, 1, (size_t[]){(size_t)toy->ny, (size_t)toy->nx, 2}, (size_t[]){(size_t)toy->y0, 0, 0}, (size_t[]){(size_t)toy->my, (size_t)toy->nx, 2}, toy->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyLoad(NomosModel model, NomosCheckpoint checkpoint)
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "z", NOMOS_F64, 3, (size_t[]){(size_t)toy->ny, (size_t)toy->nx, 2}, (size_t[]){(size_t)toy->y0, 0, 0}, (size_t[]){(size_t)toy->my, (size_t)toy->nx, 2}, toy->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToyDescribe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  Toy *toy = model->data;

  PetscFunctionBeginUser;
  *bytes = 24. * (double)(toy->my * toy->nx);
  snprintf(text, n_text, "%lld x %lld", (long long)toy->nx, (long long)toy->ny);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosPictureInfo toy_pictures[] = {
  {.variable = "u", .title = "velocity", .map = NOMOS_MAP_DIVERGING}
};
static const NomosPictureInfo toy_spectra_pictures[] = {
  {.variable = "power", .title = "power", .log_log = true, .slope = -3}
};

const NomosModelOps NomosModelOps_Toy = {
  .name               = "toy",
  .summary            = "A rotating phase, with its exact solution.",
  .n_params           = sizeof toy_params / sizeof *toy_params,
  .params             = toy_params,
  .n_pictures         = 1,
  .pictures           = toy_pictures,
  .n_spectra_pictures = 1,
  .spectra_pictures   = toy_spectra_pictures,
  .create             = ToyCreate,
  .initialise         = ToyInitialise,
  .step               = ToyStep,
  .destroy            = ToyDestroy,
  .field_layout       = ToyFieldLayout,
  .write_fields       = ToyWriteFields,
  .spectra_layout     = ToySpectraLayout,
  .write_spectra      = ToyWriteSpectra,
  .scalars            = ToyScalars,
  .evaluate_scalars   = ToyEvaluateScalars,
  .cfl                = ToyCfl,
  .check              = ToyCheck,
  .results            = ToyResults,
  .save               = ToySave,
  .load               = ToyLoad,
  .describe           = ToyDescribe,
};

const NomosModelOps *const nomos_toy_models[] = {&NomosModelOps_Toy, &NomosModelOps_Lorenz, NULL};
