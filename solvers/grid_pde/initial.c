/* Initial states: of the primitive fields. */
#include "io/expression.h"
#include "operators/initial_file.h"
#include "operators/random.h"
#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void PdeCentre(const PdeModel *p, size_t i, double x[3])
{
  for (int a = 0; a < 3; a++) {
    x[a] = a < p->n_dims ? p->origin[a] + ((double)(p->start[a] + i % p->count[a]) + 0.5) * p->dx[a] : 0;
    i /= p->count[a];
  }
}

static PetscErrorCode Expression(NomosModel model, int field, double values[])
{
  static const char *const names[] = {"x", "y", "z", "lx", "ly", "lz"};
  PdeModel                *p       = model->data;
  double                   given[6];
  char                     key[NOMOS_MAX_NAME + 16], wrong[1024] = "";
  const char              *text;
  NomosExpression          expression;
  PetscErrorCode           failed;

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "initial.%s", p->family->fields[field].name);
  PetscCall(NomosConfigGetString(model->config, key, &text));
  NomosCheck(text[0] || !p->family->fields[field].positive, model->comm, PETSC_ERR_ARG_INCOMP, "%s is not given, and %s must be positive everywhere: give a number or an expression of x, y, z, or another initial.type", key, p->family->fields[field].name);
  if (!text[0]) {
    memset(values, 0, p->n_cells * sizeof *values);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosQuietly(failed, NomosExpressionCreate(text, 6, names, &expression));
  PetscCall(NomosConfigRetell(model->config, key, failed));
  for (int a = 0; a < 3; a++) given[3 + a] = p->length[a];
  for (size_t i = 0; i < p->n_cells; i++) {
    PdeCentre(p, i, given);
    values[i] = NomosExpressionEvaluate(expression, given);
    if (!wrong[0] && !(isfinite(values[i]) && (values[i] > 0 || !p->family->fields[field].positive)))
      snprintf(wrong, sizeof wrong, "%s: %s is %g at x = %g, y = %g, z = %g: must be %s", NomosConfigWhere(model->config, key), key, values[i], given[0], given[1], given[2], p->family->fields[field].positive ? "positive" : "a finite number");
  }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscCall(NomosInitialAgree(model->comm, wrong));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A standard normal number in every cell, the same for any ranks. */
static PetscErrorCode Noise(NomosModel model, int field, double values[])
{
  PdeModel *p = model->data;

  PetscFunctionBeginUser;
  NomosCheck(!p->family->fields[field].positive, model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = noise: %s must be positive, and normal numbers are not; use expression", NomosConfigWhere(model->config, "initial.type"), p->family->fields[field].name);
  for (size_t i = 0; i < p->n_cells; i++) {
    const size_t x = p->start[0] + i % p->count[0], y = p->start[1] + i / p->count[0] % p->count[1], z = p->start[2] + i / (p->count[0] * p->count[1]);
    values[i]      = NomosRandomNormal(model->seed, (uint64_t)field, (z * p->size[1] + y) * p->size[0] + x);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode File(NomosModel model, int field, double values[])
{
  PdeModel         *p     = model->data;
  NomosInitialField given = {.name = p->family->fields[field].name, .n_dims = p->n_dims};
  const bool        positive = p->family->fields[field].positive;
  char              wrong[1024] = "";
  const char       *path;
  double            x[3];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  for (int a = 0; a < p->n_dims; a++) {
    const int at    = p->n_dims - 1 - a;
    given.size[at]  = p->size[a];
    given.start[at] = p->start[a];
    given.count[at] = p->count[a];
  }
  PetscCall(NomosInitialFileRead(model, &given, values));
  for (size_t i = 0; i < p->n_cells; i++)
    if (!wrong[0] && !(isfinite(values[i]) && (values[i] > 0 || !positive))) {
      PdeCentre(p, i, x);
      snprintf(wrong, sizeof wrong, "%s: initial.file: %s: %s is %g at x = %g, y = %g, z = %g: must be %s", NomosConfigWhere(model->config, "initial.file"), path, given.name, values[i], x[0], x[1], x[2], positive ? "positive" : "a finite number");
    }
  PetscCall(NomosInitialAgree(model->comm, wrong));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  const char *name;
  PetscErrorCode (*set)(NomosModel model, int field, double values[]);
} types[] = {{"expression", Expression}, {"sines", PdeInitialSines}, {"random_dam", PdeInitialDam}, {"random_constant", PdeInitialConstant}, {"noise", Noise}, {"file", File}};

PetscErrorCode PdeInitialise(NomosModel model)
{
  PdeModel   *p = model->data;
  const char *type;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  if (!strcmp(type, "random_modes")) PetscCall(PdeInitialModes(model, p->w));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int k = 0; k < p->m && !strcmp(types[i].name, type); k++) PetscCall(types[i].set(model, k, p->w + (size_t)k * p->n_cells));
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  if (p->family->kernels[0]->conserved) p->family->kernels[0]->conserved(p->c, p->n_dims, p->n_cells, p->n_cells, p->w, p->n_cells, p->parts.state);
  else memcpy(p->parts.state, p->w, p->n * sizeof *p->parts.state);
  PetscFunctionReturn(PETSC_SUCCESS);
}
