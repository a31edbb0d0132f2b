#include "operators/field_loss.h"
#include "operators/model_fields.h"

#include "operators/model_operator.h"
#include "operators/reduce.h"

struct NomosFieldLoss_s {
  NomosModel                   model;
  const NomosModelDerivatives *derivatives;
  size_t                       field, n, points;
  int64_t                     *steps;
  double                      *weights, *values; /* (n, points) */
  double                      *work, *bar;       /* (points) */
};

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
