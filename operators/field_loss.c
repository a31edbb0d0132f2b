#include "operators/field_loss.h"

#include "operators/model_operator.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <stdio.h>
#include <string.h>

struct NomosFieldLoss_s {
  NomosModel                   model;
  const NomosModelDerivatives *derivatives;
  size_t                       field, n, points;
  int64_t                     *steps;
  double                      *weights, *values; /* (n, points) */
  double                      *work, *bar;       /* (points) */
};

size_t NomosModelFieldPoints(const NomosModelField *field)
{
  size_t points = 1;

  for (int d = 0; d < field->n_dims; d++) points *= field->count[d];
  return points;
}

PetscErrorCode NomosModelFindField(NomosModel model, const char name[], size_t *index, const NomosModelField **field)
{
  const NomosModelDerivatives *derivatives = model->ops->derivatives;
  const NomosModelField       *list        = NULL;
  size_t                       n           = 0;
  char                         all[512]    = "";

  PetscFunctionBeginUser;
  if (derivatives && derivatives->fields && derivatives->field && derivatives->field_vjp) PetscCall(derivatives->fields(model, &n, &list));
  for (*index = 0; *index < n; (*index)++) {
    *field = &list[*index];
    if (!strcmp(list[*index].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
    snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", all[0] ? ", " : "", list[*index].name);
  }
  SETERRQ(model->comm, PETSC_ERR_ARG_WRONG, "solver %s has no field '%s' that can be compared with values; it has %s", model->ops->name, name, n ? all : "none");
}

PetscErrorCode NomosModelFieldParts(NomosModel model, size_t field, size_t *n)
{
  const NomosModelField *list;
  size_t                 n_fields;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n_fields, &list));
  const NomosModelField *all = &list[field];
  *n                         = field > 1 && all->n_dims && all->size[0] == field ? field : 0;
  for (size_t f = 0; f < *n; f++) {
    bool same = list[f].n_dims + 1 == all->n_dims;
    for (int d = 0; d < list[f].n_dims && same; d++) same = list[f].size[d] == all->size[d + 1];
    if (!same) *n = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is `other` lost in a state made from `field`? A state that differs from nothing in `other` keeps it or does not: in between is what the state cannot hold, or rounding. */
static PetscErrorCode Lost(NomosModel model, size_t field, size_t other, const NomosModelField list[], void *x, bool *lost)
{
  const NomosModelDerivatives *ops      = model->ops->derivatives;
  const size_t                 n        = NomosModelFieldPoints(&list[other]);
  double                      *values[3], sums[2] = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n + 1, &values[0], n + 1, &values[1], NomosModelFieldPoints(&list[field]) + 1, &values[2]));
  for (size_t i = 0; i < n; i++) values[0][i] = NomosRandomNormal(1, 0, i);
  PetscCall(ops->from_field(model, other, values[0], x));
  PetscCall(ops->field(model, other, x, values[0]));
  PetscCall(ops->field(model, field, x, values[2]));
  PetscCall(ops->from_field(model, field, values[2], x));
  PetscCall(ops->field(model, other, x, values[1]));
  for (size_t i = 0; i < n; i++) {
    sums[0] += (values[1][i] - values[0][i]) * (values[1][i] - values[0][i]);
    sums[1] += values[0][i] * values[0][i];
  }
  PetscCall(PetscFree3(values[0], values[1], values[2]));
  PetscCall(NomosSumOverRanks(model->comm, 2, sums));
  *lost = sums[0] > 0.25 * sums[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelFieldLacks(NomosModel model, size_t field, size_t n_text, char lacks[])
{
  const NomosModelField *list;
  size_t                 n, bytes, parts;
  void                  *x;
  bool                   lost = false;

  PetscFunctionBeginUser;
  lacks[0] = '\0';
  PetscCall(model->ops->derivatives->fields(model, &n, &list));
  PetscCall(model->ops->derivatives->state_size(model, &bytes));
  PetscCall(PetscMalloc(bytes * NomosRealBytes(model->precision) + 1, &x));
  for (size_t other = 0; other < n; other++) {
    PetscCall(NomosModelFieldParts(model, other, &parts));
    if (other == field || parts || list[other].made) continue;
    PetscCall(Lost(model, field, other, list, x, &lost));
    if (lost) snprintf(lacks + strlen(lacks), n_text - strlen(lacks), "%s%s", lacks[0] ? ", " : "", list[other].name);
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelFindWhole(NomosModel model, size_t *index, const NomosModelField **field)
{
  const NomosModelDerivatives *ops  = model->ops->derivatives;
  const NomosModelField       *list = NULL;
  size_t                       n    = 0;
  char                         lacks[256], first[256] = "";

  PetscFunctionBeginUser;
  if (ops && ops->fields && ops->field && ops->from_field) PetscCall(ops->fields(model, &n, &list));
  for (*index = 0; *index < n; (*index)++) {
    *field = &list[*index];
    PetscCall(NomosModelFieldLacks(model, *index, sizeof lacks, lacks));
    if (!lacks[0]) PetscFunctionReturn(PETSC_SUCCESS);
    if (!*index) snprintf(first, sizeof first, "%s", lacks);
  }
  SETERRQ(model->comm, PETSC_ERR_SUP, "solver %s has no field that is its whole state; %s%s%s", model->ops->name, n ? list[0].name : "it has no fields", n ? " lacks " : "", first);
}

PetscErrorCode NomosFieldLossCreate(NomosModel model, size_t field, size_t n, const int64_t steps[], NomosFieldLoss *loss)
{
  const NomosModelField *list;
  NomosFieldLoss         l;
  size_t                 n_fields = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&l));
  *loss    = l;
  l->model = model;
  l->field = field;
  l->n     = n;
  PetscCall(NomosModelGetDerivatives(model, false, &l->derivatives));
  if (l->derivatives->fields && l->derivatives->field && l->derivatives->field_vjp) PetscCall(l->derivatives->fields(model, &n_fields, &list));
  PetscCheck(field < n_fields, model->comm, PETSC_ERR_ARG_OUTOFRANGE, "solver %s has %zu fields that can be compared with values; number %zu was asked for", model->ops->name, n_fields, field);
  l->points = NomosModelFieldPoints(&list[field]);
  PetscCall(PetscMalloc1(n + 1, &l->steps));
  for (size_t i = 0; i < n; i++) l->steps[i] = steps[i];
  PetscCall(PetscCalloc2(n * l->points + 1, &l->weights, n * l->points + 1, &l->values));
  PetscCall(PetscCalloc2(l->points + 1, &l->work, l->points + 1, &l->bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldLossDestroy(NomosFieldLoss *loss)
{
  PetscFunctionBeginUser;
  if (!*loss) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*loss)->steps));
  PetscCall(PetscFree2((*loss)->weights, (*loss)->values));
  PetscCall(PetscFree2((*loss)->work, (*loss)->bar));
  PetscCall(PetscFree(*loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldLossArrays(NomosFieldLoss l, size_t i, size_t *points, double **weights, double **values)
{
  PetscFunctionBeginUser;
  *points  = l->points;
  *weights = l->weights + i * l->points;
  *values  = l->values + i * l->points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H x - y, without y for a tangent, into `work`. */
static PetscErrorCode Departure(NomosFieldLoss l, size_t i, const void *state, bool tangent)
{
  PetscFunctionBeginUser;
  PetscCall(l->derivatives->field(l->model, l->field, state, l->work));
  for (size_t j = 0; j < l->points && !tangent; j++) l->work[j] -= l->values[i * l->points + j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_bar += H^T w (work) */
static PetscErrorCode AddAdjoint(NomosFieldLoss l, size_t i, void *x_bar)
{
  PetscFunctionBeginUser;
  for (size_t j = 0; j < l->points; j++) l->bar[j] = l->weights[i * l->points + j] * l->work[j];
  PetscCall(l->derivatives->field_vjp(l->model, l->field, l->bar, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(void *ctx, size_t i, const void *state, double *value)
{
  NomosFieldLoss l   = ctx;
  double         sum = 0;

  PetscFunctionBeginUser;
  PetscCall(Departure(l, i, state, false));
  for (size_t j = 0; j < l->points; j++) sum += 0.5 * l->weights[i * l->points + j] * l->work[j] * l->work[j];
  PetscCall(NomosSumOverRanks(l->model->comm, 1, &sum));
  *value += sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(void *ctx, size_t i, const void *state, void *x_bar)
{
  PetscFunctionBeginUser;
  PetscCall(Departure(ctx, i, state, false));
  PetscCall(AddAdjoint(ctx, i, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tangent(void *ctx, size_t i, const void *state, const void *x_dot, double *value_dot)
{
  NomosFieldLoss l   = ctx;
  double         sum = 0;

  PetscFunctionBeginUser;
  PetscCall(Departure(l, i, state, false));
  for (size_t j = 0; j < l->points; j++) l->bar[j] = l->weights[i * l->points + j] * l->work[j];
  PetscCall(Departure(l, i, x_dot, true));
  sum = NomosDot(l->points, l->bar, l->work);
  PetscCall(NomosSumOverRanks(l->model->comm, 1, &sum));
  *value_dot += sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hessian(void *ctx, size_t i, const void *state, const void *x_dot, void *x_bar_dot)
{
  PetscFunctionBeginUser;
  (void)state;
  PetscCall(Departure(ctx, i, x_dot, true));
  PetscCall(AddAdjoint(ctx, i, x_bar_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldLossTerm(NomosFieldLoss l, NomosLoss *term)
{
  PetscFunctionBeginUser;
  *term = (NomosLoss){.name = "misfit", .n = l->n, .steps = l->steps, .ctx = l, .value = Value, .gradient = Gradient, .tangent = Tangent, .hessian = Hessian};
  PetscFunctionReturn(PETSC_SUCCESS);
}
