/* Fields of runs beside each other, on one grid or on two whose cells lie in each other. */
#include "cases/compare.h"

#include "io/yaml_scalars.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A variable of two runs: what its axes have in each, and in the coarser one. */
typedef struct {
  int    n_dims; /* without time */
  size_t shape[2][NOMOS_FIELD_MAX_DIMS], coarse[NOMOS_FIELD_MAX_DIMS];
  size_t n; /* points of the coarser one; 0: they cannot be compared */
  char   why[512]; /* not, in words */
} Grids;

/* Coordinates of an axis and their unit; left as they are where the file has none. */
static PetscErrorCode Coordinates(const NomosCompareRun *run, const char name[], int axis, size_t n, double x[], char unit[NOMOS_LABEL], bool *known)
{
  const char *dim;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderDimName(run->reader, name, axis + 1, &dim));
  *known = dim[0] != '\0';
  if (*known) PetscCall(NomosFieldReaderHas(run->reader, dim, known));
  if (*known) PetscCall(NomosFieldReaderShape(run->reader, dim, &n_dims, shape));
  *known = *known && n_dims == 1 && shape[0] == n;
  if (*known) PetscCall(NomosFieldReaderRead(run->reader, dim, (size_t[]){0}, &n, x));
  if (*known) PetscCall(NomosReadLabel(run->reader, dim, "units", unit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along an axis with k n and n points: is each coarse point the middle of k fine ones, as centres of cells are and nodes are not? Of as many points (k = 1), is each where the other is? */
static PetscErrorCode Nested(const NomosCompareRun *const runs[2], const char name[], int axis, const size_t n[2], bool *nested, size_t n_why, char why[])
{
  const int    fine = n[1] > n[0];
  const size_t coarse = n[!fine], k = n[fine] / coarse;
  const char  *dim;
  double      *x[2];
  char         unit[2][NOMOS_LABEL] = {"", ""};
  bool         known[2];

  PetscFunctionBeginUser;
  *nested = n[fine] % coarse == 0;
  if (!*nested) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderDimName(runs[0]->reader, name, axis + 1, &dim));
  PetscCall(PetscMalloc2(n[0], &x[0], n[1], &x[1]));
  for (int r = 0; r < 2; r++) PetscCall(Coordinates(runs[r], name, axis, n[r], x[r], unit[r], &known[r]));
  const bool both = known[0] && known[1];
  *nested = both || k == 1;
  const double spacing = !both ? 0 : n[fine] > 1 ? fabs(x[fine][n[fine] - 1] - x[fine][0]) / (double)(n[fine] - 1) : fabs(x[fine][0]);
  if (both && unit[0][0] && unit[1][0] && strcmp(unit[0], unit[1])) {
    *nested = false;
    snprintf(why, n_why, "%s is in %s in the one and in %s in the other", dim, unit[0], unit[1]);
  }
  for (size_t i = 0; i < coarse && *nested && both; i++) {
    double mean = 0;
    for (size_t j = 0; j < k; j++) mean += x[fine][i * k + j] / (double)k;
    *nested = fabs(mean - x[!fine][i]) <= 1e-3 * spacing;
    if (!*nested && k == 1) snprintf(why, n_why, "%s[%zu] is %.6g in the one and %.6g in the other", dim, i, x[0][i], x[1][i]);
  }
  PetscCall(PetscFree2(x[0], x[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FindGrids(const NomosCompareRun *const runs[2], const char name[], Grids *g)
{
  size_t shape[2][NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims[2];
  bool   same;
  char   unit[2][NOMOS_LABEL] = {"", ""};

  PetscFunctionBeginUser;
  *g = (Grids){0};
  PetscCall(NomosFieldReaderHas(runs[1]->reader, name, &same));
  if (!same) snprintf(g->why, sizeof g->why, "%s has no %s", runs[1]->name, name);
  if (!same) PetscFunctionReturn(PETSC_SUCCESS);
  for (int r = 0; r < 2; r++) {
    PetscCall(NomosFieldReaderShape(runs[r]->reader, name, &n_dims[r], shape[r]));
    PetscCall(NomosReadLabel(runs[r]->reader, name, "units", unit[r]));
  }
  same      = n_dims[0] == n_dims[1] && n_dims[0] > 0;
  g->n_dims = n_dims[0] - 1;
  g->n      = 1;
  if (same && unit[0][0] && unit[1][0] && strcmp(unit[0], unit[1])) {
    same = false;
    snprintf(g->why, sizeof g->why, "%s is in %s in the one and in %s in the other", name, unit[0], unit[1]);
  }
  for (int a = 0; a < g->n_dims && same; a++) {
    const size_t n[2] = {shape[0][a + 1], shape[1][a + 1]};
    PetscCall(Nested(runs, name, a, n, &same, sizeof g->why, g->why));
    for (int r = 0; r < 2; r++) g->shape[r][a] = n[r];
    g->coarse[a] = PetscMin(n[0], n[1]);
    g->n *= g->coarse[a];
  }
  if (!same) g->n = 0;
  if (!same && !g->why[0]) snprintf(g->why, sizeof g->why, "the grids of %s in %s and %s neither agree nor do the cells of the one lie in those of the other", name, runs[0]->name, runs[1]->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the cases of two runs say of the boundaries along x, y, z, and of their upper ends, whichever section they stand in. */
static const char *const sides[] = {".boundary_x", ".boundary_y", ".boundary_z", ".boundary_x_high", ".boundary_y_high", ".boundary_z_high"};
enum { N_SIDES = sizeof sides / sizeof *sides };
typedef struct {
  char of[2][N_SIDES][NOMOS_MAX_NAME];
  int  run;
} Boundaries;

static bool TakeBoundary(const char key[], const char value[], void *ctx)
{
  Boundaries *boundaries = ctx;
  const char *name       = strrchr(key, '.');

  for (size_t i = 0; i < N_SIDES && name; i++)
    if (!strcmp(name, sides[i])) snprintf(boundaries->of[boundaries->run][i], NOMOS_MAX_NAME, "%s", value);
  return true;
}

/* Upper ends are those of the lower ones where the case says so. */
static const char *BoundaryOf(const Boundaries *boundaries, int run, size_t side)
{
  const char *of = boundaries->of[run][side];
  return side < N_SIDES / 2 || strcmp(of, "same") ? of : boundaries->of[run][side - N_SIDES / 2];
}

/* Runs between other walls may be compared, but not unawares. */
static PetscErrorCode WarnOfBoundaries(const NomosCompareRun *const runs[2], NomosComparison *c)
{
  Boundaries boundaries = {.run = 0};

  PetscFunctionBeginUser;
  for (; boundaries.run < 2; boundaries.run++) {
    char *config;
    PetscCall(NomosFieldReaderAttribute(runs[boundaries.run]->reader, NULL, "config", &config));
    if (config) NomosYamlVisit(config, TakeBoundary, &boundaries);
    PetscCall(PetscFree(config));
  }
  for (size_t i = 0; i < N_SIDES; i++) {
    const char *one = BoundaryOf(&boundaries, 0, i), *other = BoundaryOf(&boundaries, 1, i);
    if (one[0] && other[0] && strcmp(one, other)) NomosTextAppend(sizeof c->what, c->what, "; beware: its %s is %s, that of %s is %s", sides[i] + 1, other, runs[0]->name, one);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A frame as means over the coarser grid's cells. values (all points of this run): scratch. */
static PetscErrorCode ReadMeans(const NomosCompareRun *run, const char name[], size_t frame, const Grids *g, const size_t shape[], double values[], double means[])
{
  size_t n = 1;

  PetscFunctionBeginUser;
  for (int a = 0; a < g->n_dims; a++) n *= shape[a];
  PetscCall(NomosCompareReadFrame(run, name, frame, n == g->n ? means : values));
  if (n == g->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscArrayzero(means, g->n));
  for (size_t i = 0; i < n; i++) {
    size_t at = 0, rest = i, stride = 1;
    for (int a = g->n_dims - 1; a >= 0; a--) {
      at += rest % shape[a] / (shape[a] / g->coarse[a]) * stride;
      rest /= shape[a];
      stride *= g->coarse[a];
    }
    means[at] += values[i] / (double)(n / g->n);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareField(const NomosCompareRun *const runs[2], const char name[], const Grids *g, NomosComparison *c)
{
  double *x[2], *values;
  size_t  most = 1, n[2] = {1, 1};

  PetscFunctionBeginUser;
  for (int r = 0; r < 2; r++) {
    for (int a = 0; a < g->n_dims; a++) n[r] *= g->shape[r][a];
    most = PetscMax(most, n[r]);
  }
  snprintf(c->variable, sizeof c->variable, "%s", name);
  snprintf(c->what, sizeof c->what, "%s at %s %zu points%s", name, n[0] == n[1] ? "its" : "the", g->n, n[0] == n[1] ? "" : " of the coarser grid, whose cells take the means of the finer ones");
  PetscCall(WarnOfBoundaries(runs, c));
  PetscCall(NomosReadLabel(runs[0]->reader, name, "units", c->unit));
  PetscCall(NomosCompareMatchFrames(runs[0], runs[1], c));
  PetscCall(PetscMalloc3(g->n, &x[0], g->n, &x[1], most, &values));
  for (size_t k = 0; k < c->n; k++) {
    double squares = 0, of_reference = 0;
    for (int r = 0; r < 2; r++) PetscCall(ReadMeans(runs[r], name, c->frames[r][k], g, g->shape[r], values, x[r]));
    for (size_t i = 0; i < g->n; i++) {
      squares += (x[1][i] - x[0][i]) * (x[1][i] - x[0][i]);
      of_reference += x[0][i] * x[0][i];
    }
    c->mse[k]      = squares / (double)g->n;
    c->relative[k] = NomosCompareRelative(squares, of_reference);
  }
  PetscCall(PetscFree3(x[0], x[1], values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void LeaveOut(NomosCompare *compare, const char name[], const char why[])
{
  NomosNotCompared *left_out = &compare->left_out[compare->n_left_out];

  if (compare->n_left_out == NOMOS_COMPARE_MAX_VARIABLES) return;
  compare->n_left_out++;
  snprintf(left_out->variable, sizeof left_out->variable, "%s", name);
  snprintf(left_out->why, sizeof left_out->why, "%s", why);
}

/* A field of the first run against all others. */
static PetscErrorCode CompareAgainstAll(NomosCompare *compare, const char name[])
{
  const NomosCompareRun *first = &compare->runs[0];
  Grids                  grids[NOMOS_MAX_COMPARED];

  PetscFunctionBeginUser;
  for (size_t r = 1; r < compare->n_runs; r++) {
    PetscCall(FindGrids((const NomosCompareRun *[]){first, &compare->runs[r]}, name, &grids[r]));
    if (!grids[r].n) LeaveOut(compare, name, grids[r].why);
    if (!grids[r].n) PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (compare->n_variables == NOMOS_COMPARE_MAX_VARIABLES) {
    LeaveOut(compare, name, "there are more fields than are compared");
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t r = 1; r < compare->n_runs; r++) PetscCall(CompareField((const NomosCompareRun *[]){first, &compare->runs[r]}, name, &grids[r], &compare->with[r][compare->n_variables]));
  compare->n_variables++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCompareFields(NomosCompare *compare)
{
  const NomosCompareRun *first = &compare->runs[0];
  const char *const     *names;
  size_t                 n_names;
  char                   why[512];
  bool                   has;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderVariables(first->reader, &n_names, &names));
  for (size_t v = 0; v < n_names; v++) PetscCall(CompareAgainstAll(compare, names[v]));
  PetscCheck(compare->n_variables, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s and the others have no field over time in common, on the same grid or on one whose cells lie in its own%s%s", first->directory, compare->n_left_out ? ": " : "", compare->n_left_out ? compare->left_out[0].why : "");
  for (size_t r = 1; r < compare->n_runs; r++) {
    PetscCall(NomosFieldReaderVariables(compare->runs[r].reader, &n_names, &names));
    for (size_t v = 0; v < n_names; v++) {
      PetscCall(NomosFieldReaderHas(first->reader, names[v], &has));
      snprintf(why, sizeof why, "%s has no %s", first->name, names[v]);
      if (!has) LeaveOut(compare, names[v], why);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
