/* Fields on the cells of a plane: expressions, files, random waves. */
#include "io/expression.h"
#include "operators/initial_file.h"
#include "operators/random.h"
#include "solvers/cell_plane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode NomosCellPlaneExpression(NomosModel model, const char key[], const double offset[2], bool positive, double values[])
{
  static const char *const names[] = {"x", "y", "lx", "ly"};
  NomosCellPlane          *p       = model->data;
  double                   given[4] = {0, 0, p->length[0], p->length[1]};
  char                     wrong[1024] = "";
  const char              *text;
  NomosExpression          expression;
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, key, &text));
  NomosCheck(text[0] || !positive, model->comm, PETSC_ERR_ARG_INCOMP, "%s is not given, and must be positive everywhere: give a number or an expression of x, y, or another initial.type", key);
  memset(values, 0, p->n_points * sizeof *values);
  if (!text[0]) PetscFunctionReturn(PETSC_SUCCESS);
  NomosQuietly(failed, NomosExpressionCreate(text, 4, names, &expression));
  PetscCall(NomosConfigRetell(model->config, key, failed));
  for (size_t i = 0; i < p->n_points; i++) {
    given[0]  = p->origin[0] + ((double)(p->start[0] + i % p->count[0]) + 0.5 + offset[0]) * p->dx[0];
    given[1]  = p->origin[1] + ((double)(p->start[1] + i / p->count[0]) + 0.5 + offset[1]) * p->dx[1];
    values[i] = NomosExpressionEvaluate(expression, given);
    if (!wrong[0] && !(isfinite(values[i]) && (values[i] > 0 || !positive)))
      snprintf(wrong, sizeof wrong, "%s: %s is %g at x = %g, y = %g: must be %s", NomosConfigWhere(model->config, key), key, values[i], given[0], given[1], positive ? "positive" : "a finite number");
  }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscCall(NomosInitialAgree(model->comm, wrong));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneFile(NomosModel model, const char name[], bool positive, double values[])
{
  NomosCellPlane *p = model->data;
  char            wrong[1024] = "";
  const char     *path;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCall(NomosInitialFileRead(model, &(NomosInitialField){.name = name, .n_dims = 2, .size = {p->size[1], p->size[0]}, .start = {p->start[1], p->start[0]}, .count = {p->count[1], p->count[0]}}, values));
  for (size_t i = 0; i < p->n_points; i++)
    if (!wrong[0] && !(isfinite(values[i]) && (values[i] > 0 || !positive)))
      snprintf(wrong, sizeof wrong, "%s: initial.file: %s: %s is %g in the cell at x = %g, y = %g: must be %s", NomosConfigWhere(model->config, "initial.file"), path, name, values[i], p->origin[0] + ((double)(p->start[0] + i % p->count[0]) + 0.5) * p->dx[0], p->origin[1] + ((double)(p->start[1] + i / p->count[0]) + 0.5) * p->dx[1], positive ? "positive" : "a finite number");
  PetscCall(NomosInitialAgree(model->comm, wrong));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCellPlaneWaves(const NomosCellPlane *p, const NomosPlaneWaves *w, const double offset[2], double values[])
{
  double variance = 0, *wave;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * p->count[0], &wave)); /* cosine and sine along a row */
  memset(values, 0, p->n_points * sizeof *values);
  for (int pass = 0; pass < 2; pass++) /* the variance, then the field */
    for (int l = 0; l <= w->waves; l++)
      for (int k = l ? -w->waves : 1; k <= w->waves; k++) { /* half of the plane: the other half is the same waves */
        const double   square = (double)(k * k + l * l), size = pow(square, -0.5 * w->slope);
        const uint64_t i = (uint64_t)(l * (2 * w->waves + 1) + k + w->waves);
        if (square > (double)w->waves * w->waves) continue;
        variance += pass ? 0 : size * size;
        if (!pass) continue;
        const double a = size / sqrt(variance) * NomosRandomNormal(w->seed, w->stream, 2 * i), b = size / sqrt(variance) * NomosRandomNormal(w->seed, w->stream, 2 * i + 1);
        for (size_t x = 0; x < p->count[0]; x++) {
          const double phase   = 2 * PETSC_PI * k * ((double)(p->start[0] + x) + 0.5 + offset[0]) / (double)p->size[0];
          wave[x]               = cos(phase);
          wave[p->count[0] + x] = sin(phase);
        }
        for (size_t y = 0; y < p->count[1]; y++) {
          const double phase = 2 * PETSC_PI * l * ((double)(p->start[1] + y) + 0.5 + offset[1]) / (double)p->size[1], c = a * cos(phase) + b * sin(phase), s = b * cos(phase) - a * sin(phase);
          for (size_t x = 0; x < p->count[0]; x++) values[y * p->count[0] + x] += c * wave[x] + s * wave[p->count[0] + x];
        }
      }
  PetscCall(PetscFree(wave));
  PetscFunctionReturn(PETSC_SUCCESS);
}
