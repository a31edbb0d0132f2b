/* dc/dt = -rate c, exactly: the smallest model that `nomos run` can run. Build it with CMake (CMakeLists.txt) or by hand:
     mpicc decay.c -o decay $(pkg-config --cflags --libs nomos) */
#include "cases/program.h"

#include <math.h>

typedef struct {
  double        rate, c, x;
  NomosFieldDim dim;
} Decay;

static const NomosParam params[] = {
  {.key = "decay.rate", .type = NOMOS_PARAM_REAL, .default_value = "1 1/s", .unit = "1/s", .doc = "Rate of decay."},
};

static const NomosFieldVariable field = {.name = "c", .dims = {"x"}, .unit = "1", .long_name = "concentration"};

static const NomosScalarInfo scalar = {.name = "c", .unit = "1", .long_name = "concentration", .group = "concentration", .log_scale = true};

static PetscErrorCode Create(NomosModel model)
{
  Decay *decay;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&decay));
  decay->dim    = (NomosFieldDim){.name = "x", .size = 1, .values = &decay->x, .unit = "m"};
  model->data   = decay;
  model->n_grid = 1;
  PetscCall(NomosConfigGetReal(model->config, "decay.rate", &decay->rate));
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &model->dt));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Initialise(NomosModel model)
{
  PetscFunctionBeginUser;
  ((Decay *)model->data)->c = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  Decay *decay = model->data;

  PetscFunctionBeginUser;
  decay->c *= exp(-decay->rate * model->dt);
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FieldLayout(NomosModel model, NomosFileLayout *layout)
{
  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 1, .dims = &((Decay *)model->data)->dim, .n_variables = 1, .variables = &field};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One number, which rank 0 writes. */
static PetscErrorCode WriteFields(NomosModel model, NomosFieldFile file)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCall(NomosFieldFileWrite(file, "c", NOMOS_F64, (size_t[]){0}, (size_t[]){rank ? 0 : 1}, &((Decay *)model->data)->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  PetscFunctionBeginUser;
  (void)model;
  *n    = 1;
  *info = &scalar;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EvaluateScalars(NomosModel model, double values[])
{
  PetscFunctionBeginUser;
  values[0] = ((Decay *)model->data)->c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(NomosModel model, NomosModelFault *fault)
{
  Decay *decay = model->data;

  PetscFunctionBeginUser;
  if (!isfinite(decay->c)) *fault = (NomosModelFault){.bad = true, .field = "c", .value = decay->c};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Save(NomosModel model, NomosCheckpoint checkpoint)
{
  int rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCall(NomosCheckpointWriteArray(checkpoint, "c", NOMOS_F64, 1, 1, (size_t[]){1}, (size_t[]){0}, (size_t[]){rank ? 0 : 1}, &((Decay *)model->data)->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Load(NomosModel model, NomosCheckpoint checkpoint)
{
  PetscFunctionBeginUser;
  PetscCall(NomosCheckpointReadArray(checkpoint, "c", NOMOS_F64, 1, (size_t[]){1}, (size_t[]){0}, (size_t[]){1}, &((Decay *)model->data)->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  PetscFunctionBeginUser;
  (void)model;
  *bytes = sizeof(Decay);
  PetscCall(PetscStrncpy(text, "one number", n_text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosModelOps decay_ops = {
  .name             = "decay",
  .summary          = "Exponential decay of one number.",
  .n_params         = sizeof params / sizeof *params,
  .params           = params,
  .create           = Create,
  .initialise       = Initialise,
  .step             = Step,
  .destroy          = Destroy,
  .field_layout     = FieldLayout,
  .write_fields     = WriteFields,
  .scalars          = Scalars,
  .evaluate_scalars = EvaluateScalars,
  .check            = Check,
  .save             = Save,
  .load             = Load,
  .describe         = Describe,
};

int main(int argc, char **argv)
{
  return NomosProgramMain(argc, argv, (const NomosModelOps *const[]){&decay_ops, NULL}, NULL);
}
