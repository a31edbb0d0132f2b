/* Initial states: of the primitive fields. */
#include "io/expression.h"
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
  char                     key[NOMOS_MAX_NAME + 16];
  const char              *text;
  NomosExpression          expression;

  PetscFunctionBeginUser;
  snprintf(key, sizeof key, "initial.%s", p->family->fields[field].name);
  PetscCall(NomosConfigGetString(model->config, key, &text));
  NomosCheck(text[0] || !p->family->fields[field].positive, model->comm, PETSC_ERR_ARG_INCOMP, "%s: needed: %s must be positive everywhere", key, p->family->fields[field].name);
  if (!text[0]) {
    memset(values, 0, p->n_cells * sizeof *values);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const bool     quiet  = NomosErrorSetQuiet(true); /* what is wrong is told once, with the key */
  PetscErrorCode failed = NomosExpressionCreate(text, 6, names, &expression);
  NomosErrorSetQuiet(quiet);
  if (failed) {
    char why[1024];
    snprintf(why, sizeof why, "%s", NomosErrorLast());
    SETERRQ(model->comm, failed, "%s: %s: %s", NomosConfigWhere(model->config, key), key, why);
  }
  for (int a = 0; a < 3; a++) given[3 + a] = p->length[a];
  for (size_t i = 0; i < p->n_cells; i++) {
    PdeCentre(p, i, given);
    values[i] = NomosExpressionEvaluate(expression, given);
    NomosCheck(isfinite(values[i]) && (values[i] > 0 || !p->family->fields[field].positive), model->comm, PETSC_ERR_FP, "%s: %s is %g at x = %g, y = %g, z = %g: must be %s", NomosConfigWhere(model->config, key), key, values[i], given[0], given[1],
               given[2], p->family->fields[field].positive ? "positive" : "a finite number");
  }
  PetscCall(NomosExpressionDestroy(&expression));
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
  PdeModel        *p    = model->data;
  const char      *path, *where = NomosConfigWhere(model->config, "initial.file"), *name = p->family->fields[field].name;
  NomosFieldReader reader;
  bool             has, same;
  int              n_dims;
  size_t           shape[NOMOS_FIELD_MAX_DIMS + 1], start[4] = {0}, count[4] = {1, 1, 1, 1}, frames;
  int64_t          frame;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = file needs initial.file", NomosConfigWhere(model->config, "initial.type"));
  PetscCall(NomosFieldReaderOpen(model->comm, path, &reader));
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  PetscCheck(has, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no variable %s", where, path, name);
  PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
  same = n_dims == p->n_dims + 1;
  for (int a = 0; a < p->n_dims && same; a++) {
    same                 = shape[p->n_dims - a] == p->size[a];
    start[p->n_dims - a] = p->start[a];
    count[p->n_dims - a] = p->count[a];
  }
  PetscCheck(same, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s of %s is on another grid than this case", where, name, path);
  PetscCall(NomosFieldReaderFrames(reader, &frames));
  if (frame < 0) frame = (int64_t)PetscMin(frames, shape[0]) - 1;
  PetscCheck(frame >= 0 && (size_t)frame < shape[0], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %ld: %s holds %zu frames", NomosConfigWhere(model->config, "initial.frame"), (long)frame, path, shape[0]);
  start[0] = (size_t)frame;
  PetscCall(NomosFieldReaderRead(reader, name, start, count, values));
  PetscCall(NomosFieldReaderClose(&reader));
  for (size_t i = 0; i < p->n_cells; i++) NomosCheck(isfinite(values[i]), model->comm, PETSC_ERR_FP, "%s: %s of %s is not finite at cell %zu", where, name, path, i);
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
  if (p->family->kernels[0]->conserved) p->family->kernels[0]->conserved(p->c, p->n_dims, p->n_cells, p->n_cells, p->w, p->n_cells, p->u);
  else memcpy(p->u, p->w, p->n * sizeof *p->u);
  PetscFunctionReturn(PETSC_SUCCESS);
}
