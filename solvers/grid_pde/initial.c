/* Initial states: of the primitive fields. */
#include "io/expression.h"
#include "operators/random.h"
#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The centre of this rank's cell number i. */
static void Centre(const PdeModel *p, size_t i, double x[3])
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
    Centre(p, i, given);
    values[i] = NomosExpressionEvaluate(expression, given);
    NomosCheck(isfinite(values[i]) && (values[i] > 0 || !p->family->fields[field].positive), model->comm, PETSC_ERR_FP, "%s: %s is %g at x = %g, y = %g, z = %g: must be %s", NomosConfigWhere(model->config, key), key, values[i], given[0], given[1],
               given[2], p->family->fields[field].positive ? "positive" : "a finite number");
  }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along x as PDEBench draws them (doi:10.48550/arXiv.2210.07182): s sum over k = 1..4 of A_k sin(2 pi k c_k x/L + phi_k); c_k: how often k is among two draws of 1..4; A_k in [0, 1); with probability 1/10 the absolute
   value, with 1/10 only within a smooth window; s a random sign. L is the length of the domain (theirs is a cell too short, so that their fields jump). */
static PetscErrorCode Sines(NomosModel model, int field, double values[])
{
  enum { WAVES = 4, DRAWS = 2 };
  PdeModel *p = model->data;
  double    u[2 * WAVES + DRAWS + 5], x[3];
  int       count[WAVES] = {0};

  PetscFunctionBeginUser;
  memset(values, 0, p->n_cells * sizeof *values);
  if (field) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(!p->family->fields[0].positive, model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = sines: %s must be positive, and sums of sines are not; use expression", NomosConfigWhere(model->config, "initial.type"), p->family->fields[0].name);
  for (size_t i = 0; i < sizeof u / sizeof *u; i++) u[i] = NomosRandomUniform(model->seed, 0, i);
  for (int i = 0; i < DRAWS; i++) count[(int)(u[2 * WAVES + i] * WAVES)]++;
  const double *rest = u + 2 * WAVES + DRAWS, sign = rest[0] < 0.5 ? -1 : 1, low = 0.1 + 0.35 * rest[3], high = 0.55 + 0.35 * rest[4];
  for (size_t i = 0; i < p->n_cells; i++) {
    Centre(p, i, x);
    const double s = (x[0] - p->origin[0]) / p->length[0];
    for (int k = 0; k < WAVES; k++) values[i] += u[k] * sin(2 * PETSC_PI * ((k + 1) * count[k] * s + u[WAVES + k]));
    if (rest[1] < 0.1) values[i] = fabs(values[i]);
    values[i] *= sign;
    if (rest[2] < 0.1) values[i] *= 0.5 * (tanh((s - low) / 0.01) - tanh((s - high) / 0.01));
  }
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
} types[] = {{"expression", Expression}, {"sines", Sines}, {"noise", Noise}, {"file", File}};

PetscErrorCode PdeInitialise(NomosModel model)
{
  PdeModel   *p = model->data;
  const char *type;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int k = 0; k < p->m && !strcmp(types[i].name, type); k++) PetscCall(types[i].set(model, k, p->w + (size_t)k * p->n_cells));
  memcpy(p->c, p->coefficients, sizeof p->coefficients);
  if (p->family->kernels[0]->conserved) p->family->kernels[0]->conserved(p->c, p->n_dims, p->n_cells, p->n_cells, p->w, p->n_cells, p->u);
  else memcpy(p->u, p->w, p->n * sizeof *p->u);
  PetscFunctionReturn(PETSC_SUCCESS);
}
