#include "solvers/darcy/darcy.h"

#include "operators/initial_file.h"
#include "operators/reduce.h"
#include "solvers/darcy/darcy_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_PLANE_PARAMS("darcy"),
  {"darcy.beta",            NOMOS_PARAM_REAL,       "1",     NULL, -DBL_MAX, DBL_MAX, NULL, true,  "Strength of the source."},
  {"darcy.source",          NOMOS_PARAM_EXPRESSION, "1",     NULL, 0, 0, NULL, false, "The source for beta = 1, of x, y, lx, ly."},
  {"darcy.boundary_x",      NOMOS_PARAM_CHOICE,     "value", NULL, 0, 0, "value|no_flux", false, "Sides across x: u has the value of darcy.values, or nothing flows through."},
  {"darcy.boundary_x_high", NOMOS_PARAM_CHOICE,     "same",  NULL, 0, 0, "same|value|no_flux", false, "The side at the high end of x."},
  {"darcy.boundary_y",      NOMOS_PARAM_CHOICE,     "value", NULL, 0, 0, "value|no_flux", false, "Sides across y."},
  {"darcy.boundary_y_high", NOMOS_PARAM_CHOICE,     "same",  NULL, 0, 0, "same|value|no_flux", false, "The side at the high end of y."},
  {"darcy.values",          NOMOS_PARAM_REAL_LIST,  "",      NULL, 0, 0, NULL, false, "u at the sides, [x low, x high, y low, y high]; unset: 0."},
  {"darcy.tolerance",       NOMOS_PARAM_REAL,       "1e-13", NULL, 1e-15, 0.1, NULL, false, "Of a solve: norm of the residual over that of the right-hand side."},
  {"initial.type",          NOMOS_PARAM_CHOICE,     "expression", NULL, 0, 0, "expression|gaussians|log_normal|file", false, "The coefficient: initial.coefficient; PDEBench's two values by five Gaussians; exp of a random field; or a run's file."},
  {"initial.coefficient",   NOMOS_PARAM_EXPRESSION, "",      NULL, 0, 0, NULL, false, "expression: the coefficient, of x, y, lx, ly.", "initial.type=expression"},
  {"initial.low",           NOMOS_PARAM_REAL,       "0.1",   NULL, DBL_MIN, DBL_MAX, NULL, false, "gaussians: the coefficient where their sum is below its mean.", "initial.type=gaussians"},
  {"initial.high",          NOMOS_PARAM_REAL,       "1",     NULL, DBL_MIN, DBL_MAX, NULL, false, "gaussians: the coefficient elsewhere.", "initial.type=gaussians"},
  {"initial.deviation",     NOMOS_PARAM_REAL,       "1",     NULL, 0, 20, NULL, false, "log_normal: standard deviation of log a.", "initial.type=log_normal"},
  {"initial.waves",         NOMOS_PARAM_INT,        "8",     NULL, 1, 64, NULL, false, "log_normal: the most waves across the domain.", "initial.type=log_normal"},
  {"initial.slope",         NOMOS_PARAM_REAL,       "2",     NULL, -20, 20, NULL, false, "log_normal: amplitudes fall like wavenumber^-slope.", "initial.type=log_normal"},
  NOMOS_INITIAL_FILE_PARAMS("-1"),
};
/* clang-format on */

static const NomosPlaneField fields[] = {{.name = "u", .long_name = "solution", .made = true}, {.name = "log_coefficient", .long_name = "logarithm of the coefficient"}}, written[] = {{.name = "coefficient", .long_name = "coefficient"}, {.name = "u", .long_name = "solution"}, {.name = "log_coefficient", .long_name = "logarithm of the coefficient"}};

static const NomosPictureInfo pictures[] = {{.variable = "coefficient", .map = NOMOS_MAP_SEQUENTIAL, .timeless = true}, {.variable = "u", .map = NOMOS_MAP_SEQUENTIAL, .timeless = true}};

static const NomosScalarInfo scalars[DARCY_N_SCALARS] = {
  {.name = "mean_u", .unit = "1", .long_name = "mean of the solution"}, {.name = "max_u", .unit = "1", .long_name = "largest solution"}, {.name = "mean_coefficient", .unit = "1", .long_name = "mean of the coefficient"},
  {.name = "inflow", .unit = "1", .long_name = "integral of the source"}, {.name = "outflow", .unit = "1", .long_name = "flux through the boundary"}};

static PetscErrorCode Sides(NomosModel model)
{
  DarcyModel   *d = model->data;
  char          key[NOMOS_MAX_NAME];
  const char   *text;
  size_t        n;
  const double *values;

  PetscFunctionBeginUser;
  for (int axis = 0; axis < 2; axis++)
    for (int side = 0; side < 2; side++) {
      PetscCall(PetscSNPrintf(key, sizeof key, "darcy.boundary_%c%s", "xy"[axis], side ? "_high" : ""));
      PetscCall(NomosConfigGetString(model->config, key, &text));
      d->closed[axis][side] = strcmp(text, "same") ? !strcmp(text, "no_flux") : d->closed[axis][0];
    }
  NomosCheck(!(d->closed[0][0] && d->closed[0][1] && d->closed[1][0] && d->closed[1][1]), model->comm, PETSC_ERR_ARG_INCOMP, "%s: darcy.boundary_x, darcy.boundary_y: no_flux on all sides leaves u undetermined; give one of them a value",
             NomosConfigWhere(model->config, "darcy.boundary_x"));
  PetscCall(NomosConfigGetReals(model->config, "darcy.values", &n, &values));
  NomosCheck(n == 0 || n == 4, model->comm, PETSC_ERR_ARG_SIZ, "%s: darcy.values has %zu entries: four sides need as many, [x low, x high, y low, y high]", NomosConfigWhere(model->config, "darcy.values"), n);
  for (size_t i = 0; i < n; i++) d->value[i / 2][i % 2] = values[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosModel model)
{
  DarcyModel *d;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  model->data = d;
  PetscCall(NomosCellPlaneSize(model, "darcy"));
  PetscCall(NomosCellPlaneCreate(model, &(NomosCellPlaneInput){.section = "darcy", .equation = "-div(a grad u) = beta f", .n_fields = 2, .fields = fields, .n_written = 3, .written = written, .ghosts = 1}));
  PetscCall(Sides(model));
  PetscCall(NomosConfigGetReal(model->config, "darcy.beta", &d->beta));
  PetscCall(NomosConfigGetReal(model->config, "darcy.tolerance", &d->tolerance));
  for (size_t i = 0; i < sizeof params / sizeof *params; i++)
    if (params[i].differentiable) d->parameter.param = &params[i];
  PetscCall(DarcySystemCreate(model));
  PetscCall(NomosCellPlaneExpression(model, "darcy.source", (const double[]){0, 0}, false, d->source));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosModel model)
{
  DarcyModel *d = model->data;

  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DarcySystemDestroy(d));
  PetscCall(NomosCellPlaneDestroy(&d->plane));
  PetscCall(PetscFree(model->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(NomosModel model)
{
  DarcyModel  *d = model->data;
  const size_t n = d->plane.n_points;

  PetscFunctionBeginUser;
  PetscCall(DarcySolution(model, d->plane.parts.state + DARCY_LOG_A * n, d->plane.parts.state + DARCY_U * n));
  PetscCall(NomosModelTick(model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFields(NomosModel model, NomosFieldFile file)
{
  DarcyModel  *d = model->data;
  const size_t n = d->plane.n_points;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) d->work[i] = exp(d->plane.parts.state[DARCY_LOG_A * n + i]);
  PetscCall(NomosCellPlaneWrite(model, file, 0, d->work));
  PetscCall(NomosCellPlaneWrite(model, file, 1, d->plane.parts.state + DARCY_U * n));
  PetscCall(NomosCellPlaneWrite(model, file, 2, d->plane.parts.state + DARCY_LOG_A * n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  (void)model;
  PetscFunctionBeginUser;
  *n    = DARCY_N_SCALARS;
  *info = scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode EvaluateScalars(NomosModel model, double values[])
{
  DarcyModel     *d = model->data;
  NomosCellPlane *p = &d->plane;
  const double   *u = p->parts.state + DARCY_U * p->n_points, *log_a = p->parts.state + DARCY_LOG_A * p->n_points, area = p->dx[0] * p->dx[1], whole = p->length[0] * p->length[1];

  PetscFunctionBeginUser;
  memset(values, 0, DARCY_N_SCALARS * sizeof *values);
  double largest = -DBL_MAX, sums[4] = {0}; /* u, a, source, flux */
  PetscCall(DarcyAssemble(model, log_a));
  PetscCall(DarcyBox(d, u, 1, d->box_u));
  for (size_t y = 0, i = 0; y < p->count[1]; y++)
    for (size_t x = 0; x < p->count[0]; x++, i++) {
      const size_t at = p->first + y * p->box[0] + x;
      DarcyFace    faces[4];
      largest = fmax(largest, u[i]);
      sums[0] += u[i] * area / whole;
      sums[1] += exp(log_a[i]) * area / whole;
      sums[2] += d->beta * d->source[i] * area;
      DarcyFaces(d, x, y, at, faces);
      for (int f = 0; f < 4; f++)
        if (faces[f].other_part == 0) sums[3] += faces[f].conductance * (u[i] - d->box_u[faces[f].other]);
    }
  PetscCall(NomosSumOverRanks(model->comm, 4, sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, model->comm));
  values[0] = sums[0];
  values[1] = largest;
  values[2] = sums[1];
  values[3] = sums[2];
  values[4] = sums[3];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Cfl(NomosModel model, double *cfl)
{
  (void)model;
  PetscFunctionBeginUser;
  *cfl = 0; /* there is no time */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Describe(NomosModel model, double *bytes, char *text, size_t n_text)
{
  DarcyModel     *d = model->data;
  NomosCellPlane *p = &d->plane;

  PetscFunctionBeginUser;
  *bytes = 8. * (double)(10 * p->n_points + 6 * p->n_box) + 12. * 5 * 2.5 * (double)p->n_points; /* with the matrix and its coarser ones */
  PetscCall(PetscSNPrintf(text, n_text, "%d x %d cells, conjugate gradients to %g, float64", (int)p->size[0], (int)p->size[1], d->tolerance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosModelOps NomosModelOps_Darcy = {
  .name      = "darcy",
  .summary   = "Darcy flow, -div(a grad u) = f: one step takes the coefficient to its solution.",
  .reference = "doi:10.1016/S1570-8659(00)07005-8",
  .n_params  = sizeof params / sizeof *params, .params = params, .n_pictures = sizeof pictures / sizeof *pictures, .pictures = pictures,
  .create = Create, .initialise = DarcyInitialise, .step = Step, .destroy = Destroy, .field_layout = NomosCellPlaneLayout, .write_fields = WriteFields,
  .scalars = Scalars, .evaluate_scalars = EvaluateScalars, .cfl = Cfl, .check = NomosCellPlaneCheck, .save = NomosCellPlaneSave, .load = NomosCellPlaneLoad, .describe = Describe, .derivatives = &darcy_derivatives,
};
