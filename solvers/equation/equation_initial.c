/* Initial states. */
#include "io/expression.h"
#include "operators/initial_file.h"
#include "operators/random.h"
#include "operators/reduce.h"
#include "solvers/equation/equation_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* This rank's rows of the grid, and the coordinates of a point of it. */
static PetscErrorCode Rows(const EquationModel *e, size_t *start, size_t *nx)
{
  size_t n;

  PetscFunctionBeginUser;
  *start = 0;
  *nx    = e->n_points;
  if (e->grid.n_dims == 2) {
    PetscCall(NomosTermsRows(NomosEquationsTerms(e->equations), start, &n));
    *nx = e->grid.n[1];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expression(NomosModel model, size_t variable, double *values)
{
  static const char *const names[]  = {"x", "lx", "y", "ly"};
  EquationModel           *e        = model->data;
  const NomosTermsGrid    *grid     = &e->grid;
  const int                x        = grid->n_dims - 1;
  double                   given[4] = {0, 0, 0, 0};
  char                     key[NOMOS_MAX_NAME + 16];
  const char              *text;
  NomosExpression          expression;
  size_t                   start, nx;
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "initial.%s", e->names[variable]);
  PetscCall(NomosConfigGetString(model->config, key, &text));
  if (!text[0]) {
    memset(values, 0, sizeof *values * e->n_points);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosQuietly(failed, NomosExpressionCreate(text, 2 * (size_t)grid->n_dims, names, &expression));
  PetscCall(NomosConfigRetell(model->config, key, failed));
  PetscCall(Rows(e, &start, &nx));
  if (x >= 0) given[1] = grid->length[x];
  if (x > 0) given[3] = grid->length[0];
  for (size_t i = 0; i < e->n_points; i++) {
    if (x >= 0) given[0] = grid->origin[x] + (double)(i % nx) * grid->length[x] / (double)nx;
    if (x > 0) given[2] = grid->origin[0] + (double)(start + i / nx) * grid->length[0] / (double)grid->n[0];
    values[i] = NomosExpressionEvaluate(expression, given);
    NomosCheck(isfinite(values[i]), model->comm, PETSC_ERR_FP, "%s: %s is not finite at x = %g, y = %g", NomosConfigWhere(model->config, key), key, given[0], given[2]);
  }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sum of waves with normal coefficients, up to so many per side, of the wanted root mean square. */
static PetscErrorCode Random(NomosModel model, size_t variable, double *values)
{
  EquationModel *e = model->data;
  int64_t        waves = 0;
  double         amplitude, sum;
  size_t         start, nx;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(model->config, "initial.amplitude", &amplitude));
  PetscCall(Rows(e, &start, &nx));
  if (e->grid.n_dims) PetscCall(NomosConfigGetInt(model->config, "initial.waves", &waves));
  else values[0] = amplitude * NomosRandomNormal(e->seed, variable, 0);
  if (!waves) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t ny = e->grid.n_dims == 2 ? e->grid.n[0] : 1;
  waves = PetscMin(waves, (int64_t)(PetscMin(nx, ny > 1 ? ny : nx) - 1) / 2);
  memset(values, 0, sizeof *values * e->n_points);
  uint64_t number = 0;
  for (int64_t l = ny > 1 ? -waves : 0; l <= (ny > 1 ? waves : 0); l++)
    for (int64_t k = 0; k <= waves; k++) {
      if (k == 0 && l <= 0) continue; /* the mean, and the conjugates */
      const double a = NomosRandomNormal(e->seed, variable, number), b = NomosRandomNormal(e->seed, variable, number + 1);
      number += 2;
      for (size_t i = 0; i < e->n_points; i++) {
        const double phase = 2 * PETSC_PI * ((double)k * (double)(i % nx) / (double)nx + (double)l * (double)(start + i / nx) / (double)ny);
        values[i] += a * cos(phase) + b * sin(phase);
      }
    }
  sum = NomosDot(e->n_points, values, values);
  PetscCall(NomosSumOverRanks(model->comm, 1, &sum));
  for (size_t i = 0; i < e->n_points; i++) values[i] *= amplitude / sqrt(sum / e->total);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode File(NomosModel model, size_t variable, double *values)
{
  const EquationModel *e    = model->data;
  NomosInitialField    file = {.name = e->names[variable], .n_dims = e->grid.n_dims};
  size_t               first, nx;

  PetscFunctionBeginUser;
  PetscCall(Rows(e, &first, &nx));
  for (int d = 0; d < file.n_dims; d++) {
    file.size[d]  = e->grid.n[d];
    file.start[d] = d + 1 < file.n_dims ? first : 0;
    file.count[d] = d + 1 < file.n_dims ? e->n_points / nx : nx;
  }
  PetscCall(NomosInitialFileRead(model, &file, values));
  for (size_t i = 0; i < e->n_points; i++) NomosCheck(isfinite(values[i]), model->comm, PETSC_ERR_FP, "%s: %s of initial.file is not finite at point %zu", NomosConfigWhere(model->config, "initial.file"), file.name, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name;
  PetscErrorCode (*set)(NomosModel model, size_t variable, double *values);
} types[] = {{"expression", Expression}, {"random", Random}, {"file", File}};

PetscErrorCode EquationInitialise(NomosModel model)
{
  EquationModel *e = model->data;
  const char    *type;

  PetscFunctionBeginUser;
  memset(e->parts.state, 0, sizeof *e->parts.state * e->n_state);
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (size_t v = 0; v < e->n_variables && !strcmp(types[i].name, type); v++) PetscCall(types[i].set(model, v, e->parts.state + v * e->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}
