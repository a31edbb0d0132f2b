/* Numbers of a run: what is conserved, how fast and how deformed the bodies are, and where. */
#include "operators/reduce.h"
#include "solvers/mpm/mpm_output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Scalars are written in the order of this table; those of an axis are one line for each axis ("momentum_x"). */
typedef enum { MASS, MOMENTUM, ANGULAR_MOMENTUM, CENTRE, LOW, HIGH, KINETIC, POTENTIAL, ELASTIC, TOTAL, MAX_SPEED, MIN_DET, MAX_DET, CFL, N_NUMBERS } Number;

static const struct {
  const char *name, *unit, *long_name, *group;
  bool        by_axis;
} numbers[N_NUMBERS] = {
  [MASS]             = {"mass", "kg", "mass of all particles", NULL, false},
  [MOMENTUM]         = {"momentum", "kg m s-1", "momentum", "momentum", true},
  [ANGULAR_MOMENTUM] = {"angular_momentum", "kg m2 s-1", "angular momentum about the origin, that of affine velocities included", "angular momentum", true},
  [CENTRE]           = {"centre", "m", "centre of mass", "centre of mass", true},
  [LOW]              = {"min", "m", "smallest coordinate of a particle", NULL, true},
  [HIGH]             = {"max", "m", "largest coordinate of a particle", NULL, true},
  [KINETIC]          = {"kinetic_energy", "J", "kinetic energy", "energy", false},
  [POTENTIAL]        = {"potential_energy", "J", "potential energy in gravity, 0 at the origin", "energy", false},
  [ELASTIC]          = {"elastic_energy", "J", "stored elastic energy", "energy", false},
  [TOTAL]            = {"energy", "J", "sum of the energies", "energy", false},
  [MAX_SPEED]        = {"max_speed", "m s-1", "speed of the fastest particle", "fastest particle", false},
  [MIN_DET]          = {"min_det_f", "1", "smallest determinant of F", "det F", false},
  [MAX_DET]          = {"max_det_f", "1", "largest determinant of F", "det F", false},
  [CFL]              = {"cfl", "1", "cells the fastest particle crosses in a step", NULL, false},
};
static const char *const energy_labels[] = {"kinetic", "potential", "elastic", "total"};
static const char *const axis_names[]    = {"x", "y", "z"};

/* Names "momentum_x" of all lines, once for the program. */
static char names[N_NUMBERS][3][32];

static bool HasEnergy(const NomosMpm *mpm)
{
  for (size_t m = 0; m < mpm->setup.n_materials; m++)
    if (!mpm->setup.materials[m].law[NOMOS_LAW_ELASTICITY]->ops->energy) return false;
  return true;
}

/* In two dimensions the angular momentum is along z. */
static void Axes(const NomosMpm *mpm, Number number, int *from, int *to)
{
  *from = number == ANGULAR_MOMENTUM && mpm->setup.d == 2 ? 2 : 0;
  *to   = !numbers[number].by_axis ? 1 : number == ANGULAR_MOMENTUM ? 3 : mpm->setup.d;
}

PetscErrorCode NomosMpmScalarsCreate(NomosModel model)
{
  NomosMpm                *mpm    = model->data;
  struct NomosMpmOutput_s *output = mpm->output;
  const bool               units = !NomosConfigIsNondimensional(model->config), energy = HasEnergy(mpm);
  int                      from, to;

  PetscFunctionBeginUser;
  for (int i = 0; i < N_NUMBERS; i++) {
    if (!energy && (i == ELASTIC || i == TOTAL)) continue;
    Axes(mpm, (Number)i, &from, &to);
    for (int a = from; a < to; a++) {
      snprintf(names[i][a], sizeof names[i][a], "%s%s%s", numbers[i].name, numbers[i].by_axis ? "_" : "", numbers[i].by_axis ? axis_names[a] : "");
      output->scalars[output->n_scalars++] = (NomosScalarInfo){.name = names[i][a], .unit = units ? numbers[i].unit : "1", .long_name = numbers[i].long_name, .group = numbers[i].group,
        .label = i >= KINETIC && i <= TOTAL ? energy_labels[i - KINETIC] : numbers[i].by_axis ? axis_names[a] : NULL};
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  const struct NomosMpmOutput_s *output = ((NomosMpm *)model->data)->output;

  PetscFunctionBeginUser;
  *n    = output->n_scalars;
  *info = output->scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One particle's share. D = dx^2/4 (quadratic) or dx^2/3 (cubic): the spread of the spline's weights, by which the affine velocity holds angular momentum. */
static void Add(const NomosMpm *mpm, size_t k, double value[N_NUMBERS][3])
{
  const NomosMpmSetup *setup = &mpm->setup;
  const int            d     = setup->d;
  const double         m = mpm->mass[k], D = setup->dx * setup->dx / (setup->order == 2 ? 4 : 3), J = NomosMpmDeterminant(mpm, k);
  double               x[3] = {0}, v[3] = {0}, C[3][3] = {{0}}, square = 0;

  for (int a = 0; a < d; a++) {
    x[a] = NomosMpmEntry(mpm, (size_t)a, k);
    v[a] = NomosMpmEntry(mpm, (size_t)(d + a), k);
    for (int b = 0; b < d; b++) C[a][b] = NomosMpmEntry(mpm, (size_t)(2 * d + a * d + b), k);
    square += v[a] * v[a];
    value[MOMENTUM][a] += m * v[a];
    value[CENTRE][a] += m * x[a];
    value[LOW][a]  = fmin(value[LOW][a], x[a]);
    value[HIGH][a] = fmax(value[HIGH][a], x[a]);
    value[POTENTIAL][0] -= m * setup->gravity[a] * x[a];
  }
  for (int a = 0; a < 3; a++) {
    const int b = (a + 1) % 3, c = (a + 2) % 3;
    value[ANGULAR_MOMENTUM][a] += m * (x[b] * v[c] - x[c] * v[b] + D * (C[c][b] - C[b][c]));
  }
  value[MASS][0] += m;
  value[KINETIC][0] += 0.5 * m * square;
  value[MAX_SPEED][0] = fmax(value[MAX_SPEED][0], square);
  value[MIN_DET][0]   = fmin(value[MIN_DET][0], J);
  value[MAX_DET][0]   = fmax(value[MAX_DET][0], J);
}

/* Sums, smallest and largest. */
static PetscErrorCode OverRanks(const NomosMpm *mpm, double value[N_NUMBERS][3])
{
  static const Number sums[] = {MASS, MOMENTUM, ANGULAR_MOMENTUM, CENTRE, KINETIC, POTENTIAL, ELASTIC}, low[] = {LOW, MIN_DET}, high[] = {HIGH, MAX_SPEED, MAX_DET};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) PetscCall(NomosSumOverRanks(mpm->comm, 3, value[sums[i]]));
  for (size_t i = 0; i < sizeof low / sizeof *low; i++) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value[low[i]], 3, MPI_DOUBLE, MPI_MIN, mpm->comm));
  for (size_t i = 0; i < sizeof high / sizeof *high; i++) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, value[high[i]], 3, MPI_DOUBLE, MPI_MAX, mpm->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmEvaluateScalars(NomosModel model, double values[])
{
  NomosMpm *mpm = model->data;
  double    value[N_NUMBERS][3] = {{0}};
  int       from, to;
  size_t    n = 0;

  PetscFunctionBeginUser;
  for (int a = 0; a < 3; a++) {
    value[LOW][a]  = INFINITY;
    value[HIGH][a] = -INFINITY;
  }
  value[MIN_DET][0] = INFINITY;
  value[MAX_DET][0] = -INFINITY;
  for (size_t k = 0; k < mpm->n; k++) Add(mpm, k, value);
  if (HasEnergy(mpm)) PetscCall(mpm->kernels->energy(mpm, mpm->state, &value[ELASTIC][0]));
  PetscCall(OverRanks(mpm, value));
  for (int a = 0; a < 3; a++) value[CENTRE][a] /= value[MASS][0];
  value[TOTAL][0]     = value[KINETIC][0] + value[POTENTIAL][0] + value[ELASTIC][0];
  value[MAX_SPEED][0] = sqrt(value[MAX_SPEED][0]);
  value[CFL][0]       = value[MAX_SPEED][0] * model->dt / mpm->setup.dx;
  for (int i = 0; i < N_NUMBERS; i++) {
    if (!HasEnergy(mpm) && (i == ELASTIC || i == TOTAL)) continue;
    Axes(mpm, (Number)i, &from, &to);
    for (int a = from; a < to; a++) values[n++] = value[i][a];
  }
  if (model->step == 0) mpm->first_energy = value[TOTAL][0];
  mpm->output->energy_now = value[TOTAL][0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each body is. */
static PetscErrorCode BodyExtents(NomosModel model, NomosResultFn result, void *ctx)
{
  NomosMpm          *mpm = model->data;
  const char *const *bodies;
  size_t             n;
  char               name[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGroup(model->config, "bodies", &n, &bodies));
  for (size_t b = 0; b < n; b++)
    for (int a = 0; a < mpm->setup.d; a++) {
      double ends[2] = {INFINITY, INFINITY}; /* the upper one with the other sign */
      for (size_t k = 0; k < mpm->n; k++) {
        if (mpm->body[k] != (int32_t)b) continue;
        ends[0] = fmin(ends[0], NomosMpmEntry(mpm, (size_t)a, k));
        ends[1] = fmin(ends[1], -NomosMpmEntry(mpm, (size_t)a, k));
      }
      PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MIN, mpm->comm));
      ends[1] = -ends[1];
      for (int side = 0; side < 2; side++) {
        snprintf(name, sizeof name, "%s_%s_%s", side ? "max" : "min", bodies[b], axis_names[a]);
        PetscCall(result(name, ends[side], ctx));
      }
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMpmResults(NomosModel model, NomosResultFn result, void *ctx)
{
  NomosMpm *mpm = model->data;
  char      name[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t m = 0; m < mpm->setup.n_materials; m++) {
    const NomosMpmMaterial *material = &mpm->setup.materials[m];
    for (int a = 0; a < mpm->setup.d; a++) {
      double sums[2] = {0, 0}; /* of m x and m */
      for (size_t k = material->first; k < material->first + material->count; k++) {
        sums[0] += mpm->mass[k] * NomosMpmEntry(mpm, (size_t)a, k);
        sums[1] += mpm->mass[k];
      }
      PetscCall(NomosSumOverRanks(mpm->comm, 2, sums));
      snprintf(name, sizeof name, "centre_%s_%s", material->name, axis_names[a]);
      if (sums[1] > 0) PetscCall(result(name, sums[0] / sums[1], ctx));
    }
  }
  PetscCall(BodyExtents(model, result, ctx));
  PetscCall(NomosMpmExtentOfRun(mpm));
  for (int a = 0; a < mpm->setup.d; a++) {
    snprintf(name, sizeof name, "min_%s_of_run", axis_names[a]);
    PetscCall(result(name, mpm->low[a], ctx));
    snprintf(name, sizeof name, "max_%s_of_run", axis_names[a]);
    PetscCall(result(name, mpm->high[a], ctx));
  }
  if (HasEnergy(mpm)) PetscCall(result("energy_drift", mpm->output->energy_now - mpm->first_energy, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
