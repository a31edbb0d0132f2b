/* What a run writes: the variables, their means, least and largest values and energy, and the energy by wavenumber. */
#include "operators/reduce.h"
#include "solvers/equation/equation_impl.h"

#include <complex.h>
#include <stdio.h>
#include <string.h>

const NomosPictureInfo equation_pictures[EQUATION_N_PICTURES] = {
  {.variable = "*", .map = NOMOS_MAP_DIVERGING},
};

const NomosPictureInfo equation_spectra_pictures[EQUATION_N_SPECTRA_PICTURES] = {
  {.variable = "energy", .title = "energy", .log_log = true},
};

typedef struct EquationOutput_s {
  double            *x, *y, *k, *bins;
  size_t             n_bins;
  double             bin; /* width of one */
  NomosFieldDim      dims[2], spectra_dim;
  NomosFieldVariable variables[EQUATION_MAX_VARIABLES], spectrum;
  size_t             n_scalars;
  NomosScalarInfo    scalars[3 * EQUATION_MAX_VARIABLES + 1];
  char               names[3 * EQUATION_MAX_VARIABLES][NOMOS_MAX_NAME + 8];
} EquationOutput;

/* The coordinates of dimension d of the grid. */
static PetscErrorCode Axis(NomosModel model, int d, const char name[], NomosFieldDim *dim, double **values)
{
  const NomosTermsGrid *grid = &((EquationModel *)model->data)->grid;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(grid->n[d], values));
  for (size_t i = 0; i < grid->n[d]; i++) (*values)[i] = grid->origin[d] + (double)i * grid->length[d] / (double)grid->n[d];
  *dim = (NomosFieldDim){.name = name, .size = grid->n[d], .values = *values, .unit = NomosConfigIsNondimensional(model->config) ? "1" : "m", .long_name = name, .axis = d == grid->n_dims - 1 ? "X" : "Y"};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AddScalar(EquationOutput *o, const char prefix[], const char variable[], const char long_name[], const char group[])
{
  char *name = o->names[o->n_scalars];

  snprintf(name, sizeof o->names[0], "%s%s", prefix, variable);
  o->scalars[o->n_scalars++] = (NomosScalarInfo){.name = name, .unit = "1", .long_name = long_name, .group = group, .label = variable};
}

PetscErrorCode EquationOutputCreate(NomosModel model)
{
  EquationModel        *e    = model->data;
  const NomosTermsGrid *grid = &e->grid;
  const int             x    = grid->n_dims - 1;
  EquationOutput       *o;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&o));
  e->output = o;
  for (size_t i = 0; i < e->n_variables; i++) {
    NomosFieldVariable *variable = &o->variables[i];
    *variable = (NomosFieldVariable){.name = e->names[i], .unit = "1", .long_name = e->names[i]};
    if (x >= 0) variable->dims[x] = "x";
    if (x > 0) variable->dims[0] = "y";
    if (x < 0) AddScalar(o, "", e->names[i], e->names[i], "variables");
    else {
      AddScalar(o, "mean_", e->names[i], "mean over the domain", "mean");
      AddScalar(o, "min_", e->names[i], "least value", "least value");
      AddScalar(o, "max_", e->names[i], "largest value", "largest value");
    }
  }
  if (x < 0) PetscFunctionReturn(PETSC_SUCCESS);
  o->scalars[o->n_scalars++] = (NomosScalarInfo){.name = "energy", .unit = "1", .long_name = "half the mean square, of all variables", .group = "energy"};
  PetscCall(Axis(model, x, "x", &o->dims[x], &o->x));
  if (x > 0) PetscCall(Axis(model, 0, "y", &o->dims[0], &o->y));
  double largest = 0, longest = 0;
  for (int d = 0; d <= x; d++) {
    largest = PetscMax(largest, PETSC_PI * (double)grid->n[d] / grid->length[d]);
    longest = PetscMax(longest, grid->length[d]);
  }
  o->bin    = 2 * PETSC_PI / longest;
  o->n_bins = (size_t)(largest / o->bin + 0.5) + 1;
  PetscCall(PetscMalloc2(o->n_bins, &o->k, o->n_bins, &o->bins));
  for (size_t i = 0; i < o->n_bins; i++) o->k[i] = (double)i * o->bin;
  o->spectra_dim = (NomosFieldDim){.name = "k", .size = o->n_bins, .values = o->k, .unit = NomosConfigIsNondimensional(model->config) ? "1" : "m-1", .long_name = "wavenumber (2 pi/wavelength)"};
  o->spectrum    = (NomosFieldVariable){.name = "energy", .dims = {"k"}, .type = NOMOS_F64, .unit = "1", .long_name = "half the mean square by wavenumber, of all variables"};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationOutputDestroy(NomosModel model)
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  if (!e->output) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(e->output->x));
  PetscCall(PetscFree(e->output->y));
  PetscCall(PetscFree2(e->output->k, e->output->bins));
  PetscCall(PetscFree(e->output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  EquationModel *e = model->data;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = (size_t)e->grid.n_dims, .dims = e->output->dims, .n_variables = e->n_variables, .variables = e->output->variables};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationWriteFields(NomosModel model, NomosFieldFile file)
{
  EquationModel *e        = model->data;
  size_t         start[2] = {0, 0}, count[2] = {e->n_points, e->n_points};

  PetscFunctionBeginUser;
  if (e->grid.n_dims == 2) {
    PetscCall(NomosTermsRows(NomosEquationsTerms(e->equations), &start[0], &count[0]));
    count[1] = e->grid.n[1];
  }
  for (size_t i = 0; i < e->n_variables; i++) PetscCall(NomosFieldFileWrite(file, e->names[i], NOMOS_F64, start, count, e->parts.state + i * e->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationSpectraLayout(NomosModel model, NomosFileLayout *layout)
{
  EquationOutput *o = ((EquationModel *)model->data)->output;

  PetscFunctionBeginUser;
  *layout = (NomosFileLayout){.n_dims = 1, .dims = &o->spectra_dim, .n_variables = 1, .variables = &o->spectrum};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationWriteSpectra(NomosModel model, NomosFieldFile file)
{
  EquationModel   *e = model->data;
  EquationOutput  *o = e->output;
  double _Complex *modes;
  int              rank, k, l;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(model->comm, &rank));
  PetscCall(PetscMalloc1(e->modes.n_modes + 1, &modes));
  memset(o->bins, 0, sizeof *o->bins * o->n_bins);
  for (size_t v = 0; v < e->n_variables; v++) {
    PetscCall(EquationModesForward(&e->modes, e->parts.state + v * e->n_points, modes));
    for (size_t i = 0; i < e->modes.n_modes; i++) {
      EquationModesWaves(&e->modes, i, &k, &l);
      const double K   = 2 * PETSC_PI * hypot(k / e->modes.lx, l / e->modes.ly);
      const size_t bin = PetscMin((size_t)(K / o->bin + 0.5), o->n_bins - 1); /* the corners of a plane are in the last */
      o->bins[bin] += 0.5 * EquationModesWeight(&e->modes, i) * (creal(modes[i]) * creal(modes[i]) + cimag(modes[i]) * cimag(modes[i])) / o->bin;
    }
  }
  PetscCall(PetscFree(modes));
  PetscCall(NomosSumOverRanks(model->comm, o->n_bins, o->bins));
  PetscCall(NomosFieldFileWrite(file, "energy", NOMOS_F64, (size_t[]){0}, (size_t[]){rank ? 0 : o->n_bins}, o->bins));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  EquationOutput *o = ((EquationModel *)model->data)->output;

  PetscFunctionBeginUser;
  *n    = o->n_scalars;
  *info = o->scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationEvaluateScalars(NomosModel model, double values[])
{
  EquationModel *e      = model->data;
  const size_t   n      = e->n_variables;
  double        *energy = values + 3 * n, sums[2 * EQUATION_MAX_VARIABLES], extremes[2 * EQUATION_MAX_VARIABLES]; /* of each: the least one's negative, the largest */

  PetscFunctionBeginUser;
  if (!e->grid.n_dims) {
    PetscCall(PetscArraycpy(values, e->parts.state, n));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t v = 0; v < n; v++) {
    const double *u = e->parts.state + v * e->n_points;
    sums[v]         = 0;
    extremes[2 * v] = extremes[2 * v + 1] = -INFINITY;
    for (size_t i = 0; i < e->n_points; i++) {
      sums[v] += u[i];
      extremes[2 * v]     = PetscMax(extremes[2 * v], -u[i]);
      extremes[2 * v + 1] = PetscMax(extremes[2 * v + 1], u[i]);
    }
    sums[n + v] = NomosDot(e->n_points, u, u);
  }
  PetscCall(NomosSumOverRanks(model->comm, 2 * n, sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, extremes, 2 * (int)n, MPI_DOUBLE, MPI_MAX, model->comm));
  *energy = 0;
  for (size_t v = 0; v < n; v++) {
    values[3 * v]     = sums[v] / e->total;
    values[3 * v + 1] = -extremes[2 * v];
    values[3 * v + 2] = extremes[2 * v + 1];
    *energy += 0.5 * sums[n + v] / e->total;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
