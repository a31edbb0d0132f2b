#include "operators/model_operator.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

void NomosStateToDoubles(NomosRealType precision, size_t n, const void *state, double values[])
{
  const float *single = state;

  if (precision == NOMOS_F64) memcpy(values, state, sizeof *values * n);
  else
    for (size_t i = 0; i < n; i++) values[i] = single[i];
}

void NomosStateFromDoubles(NomosRealType precision, size_t n, const double values[], void *state)
{
  float *single = state;

  if (precision == NOMOS_F64) memcpy(state, values, sizeof *values * n);
  else
    for (size_t i = 0; i < n; i++) single[i] = (float)values[i];
}

PetscErrorCode NomosModelGetDerivatives(NomosModel model, bool second, const NomosModelDerivatives **derivatives)
{
  const NomosModelDerivatives *d = model->ops->derivatives;

  PetscFunctionBeginUser;
  PetscCheck(d && d->state_size && d->get_state && d->set_state && d->vjp, model->comm, PETSC_ERR_SUP, "solver %s has no derivatives: it can be run, not differentiated", model->ops->name);
  PetscCheck(!second || d->hvp, model->comm, PETSC_ERR_SUP, "solver %s has no second derivative (hvp); use a method that needs gradients only", model->ops->name);
  if (d->check) PetscCall(d->check(model));
  *derivatives = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelGetParameters(NomosModel model, size_t *n, const NomosModelParameter **list)
{
  const NomosModelDerivatives *d = model->ops->derivatives;

  PetscFunctionBeginUser;
  *n    = 0;
  *list = NULL;
  if (d && d->parameters) PetscCall(d->parameters(model, n, list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosParameterName(const NomosModelParameter *parameter, char name[NOMOS_MAX_NAME])
{
  char entry[24] = "";

  if (parameter->param->type == NOMOS_PARAM_REAL_LIST) snprintf(entry, sizeof entry, "[%d]", parameter->entry + 1);
  snprintf(name, NOMOS_MAX_NAME, "%.40s%s", parameter->param->key, entry);
}

PetscErrorCode NomosModelCheckParameters(NomosModel model, const double values[])
{
  const NomosModelParameter *list;
  size_t                     n;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &n, &list));
  for (size_t i = 0; i < n; i++) {
    const NomosParam *param  = list[i].param;
    const bool        ranged = param->min < param->max;
    char              name[NOMOS_MAX_NAME], range[64] = "";
    NomosParameterName(&list[i], name);
    if (ranged && param->max >= DBL_MAX && param->min > -DBL_MAX) snprintf(range, sizeof range, param->min == DBL_MIN ? " greater than 0" : " not less than %g", param->min);
    else if (ranged && param->max < DBL_MAX) snprintf(range, sizeof range, " from %g to %g", param->min, param->max);
    NomosCheck(!PetscIsInfOrNanReal(values[i]) && (!ranged || (values[i] >= param->min && values[i] <= param->max)), model->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "%s = %g: must be a finite number%s; keep it away from there (another first guess, bounds, or smaller steps of the minimisation)", name, values[i], range);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelFindParameter(NomosModel model, const char name[], size_t *index)
{
  const NomosModelParameter *list;
  const char               **names;
  char                      *text;
  size_t                     n;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &n, &list));
  PetscCall(PetscMalloc2(n + 1, &names, (n + 1) * NOMOS_MAX_NAME, &text));
  for (size_t i = 0; i < n; i++) {
    names[i] = text + i * NOMOS_MAX_NAME;
    NomosParameterName(&list[i], text + i * NOMOS_MAX_NAME);
  }
  for (*index = 0; *index < n && strcmp(names[*index], name);) (*index)++;
  const char *near = *index < n ? NULL : NomosNearestName(name, n, names);
  PetscCheck(*index < n, model->comm, PETSC_ERR_ARG_WRONG, "solver %s has no parameter '%s' by which this case can be differentiated%s%s%s; nomos gradcheck lists those", model->ops->name, name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
  PetscCall(PetscFree2(names, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { STATE, PARAMETERS };
enum { N_WORK = 3 };

typedef struct {
  NomosModel                   model;
  const NomosModelDerivatives *derivatives;
  int64_t                      step;
  size_t                       n, n_parameters;
  void                        *work[N_WORK]; /* states, in the model's precision */
} ModelStep;

static PetscErrorCode SetParameters(const ModelStep *s, const double *const in[])
{
  PetscFunctionBeginUser;
  if (s->n_parameters) PetscCall(s->derivatives->set_parameters(s->model, in[PARAMETERS]));
  PetscCall(NomosModelSetClock(s->model, s->step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where a derivative is taken, and its first vector. */
static PetscErrorCode Prepare(const ModelStep *s, const double *const in[], const double *vector)
{
  PetscFunctionBeginUser;
  PetscCall(SetParameters(s, in));
  NomosStateFromDoubles(s->model->precision, s->n, in[STATE], s->work[0]);
  NomosStateFromDoubles(s->model->precision, s->n, vector, s->work[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(NomosOperator op, const double *const in[], double *const out[])
{
  const ModelStep *s = op->data;

  PetscFunctionBeginUser;
  PetscCall(SetParameters(s, in));
  NomosStateFromDoubles(s->model->precision, s->n, in[STATE], s->work[0]);
  PetscCall(s->derivatives->set_state(s->model, s->work[0]));
  PetscCall(s->model->ops->step(s->model));
  PetscCall(s->derivatives->get_state(s->model, s->work[0]));
  NomosStateToDoubles(s->model->precision, s->n, s->work[0], out[STATE]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  const ModelStep *s = op->data;

  PetscFunctionBeginUser;
  PetscCall(Prepare(s, in, in_dot[STATE]));
  PetscCall(s->derivatives->jvp(s->model, s->work[0], s->work[1], s->n_parameters ? in_dot[PARAMETERS] : NULL));
  NomosStateToDoubles(s->model->precision, s->n, s->work[1], out_dot[STATE]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient that stands in `work` is added to the caller's. */
static PetscErrorCode AddState(const ModelStep *s, const void *work, double *bar)
{
  double *values;

  PetscFunctionBeginUser;
  if (!bar) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(s->n + 1, &values));
  NomosStateToDoubles(s->model->precision, s->n, work, values);
  for (size_t i = 0; i < s->n; i++) bar[i] += values[i];
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const ModelStep *s = op->data;

  PetscFunctionBeginUser;
  PetscCall(Prepare(s, in, out_bar[STATE]));
  PetscCall(s->derivatives->vjp(s->model, s->work[0], s->work[1], s->n_parameters ? in_bar[PARAMETERS] : NULL));
  PetscCall(AddState(s, s->work[1], in_bar[STATE]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  const ModelStep *s = op->data;
  double          *p_bar;
  void            *x_dot;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(s->n_parameters + 1, &p_bar)); /* the gradient comes along, and is not asked for */
  PetscCall(PetscMalloc(s->n * NomosRealBytes(s->model->precision) + 1, &x_dot));
  PetscCall(Prepare(s, in, out_bar[STATE]));
  NomosStateFromDoubles(s->model->precision, s->n, out_bar_dot[STATE], s->work[2]);
  NomosStateFromDoubles(s->model->precision, s->n, in_dot[STATE], x_dot);
  PetscCall(s->derivatives->hvp(s->model, s->work[0], x_dot, s->n_parameters ? in_dot[PARAMETERS] : NULL, s->work[1], s->work[2], s->n_parameters && in_bar_dot[PARAMETERS] ? p_bar : NULL, s->n_parameters ? in_bar_dot[PARAMETERS] : NULL));
  PetscCall(AddState(s, s->work[2], in_bar_dot[STATE]));
  PetscCall(PetscFree(x_dot));
  PetscCall(PetscFree(p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosOperator op)
{
  ModelStep *s = op->data;

  PetscFunctionBeginUser;
  for (int i = 0; i < N_WORK; i++) PetscCall(PetscFree(s->work[i]));
  PetscCall(PetscFree(op->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A table for each set of derivatives that a model may have: [has jvp][has hvp]. */
static const NomosOperatorOps model_step_ops[2][2] = {
  {{.name = "model step", .apply = Apply, .vjp = Vjp, .destroy = Destroy},             {.name = "model step", .apply = Apply, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy}            },
  {{.name = "model step", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .destroy = Destroy}, {.name = "model step", .apply = Apply, .jvp = Jvp, .vjp = Vjp, .hvp = Hvp, .destroy = Destroy}},
};

PetscErrorCode NomosOperatorFromModel(NomosModel model, int64_t step, NomosOperator *op)
{
  const NomosModelParameter *list;
  ModelStep                 *s;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->model = model;
  s->step  = step;
  PetscCall(NomosModelGetDerivatives(model, false, &s->derivatives));
  PetscCall(s->derivatives->state_size(model, &s->n));
  PetscCall(NomosModelGetParameters(model, &s->n_parameters, &list));
  for (int i = 0; i < N_WORK; i++) PetscCall(PetscMalloc(s->n * NomosRealBytes(model->precision) + 1, &s->work[i]));
  const NomosOperatorArgument in[2] = {
    {"state",      s->n,            false},
    {"parameters", s->n_parameters, true }
  };
  PetscCall(NomosOperatorCreate(&(NomosOperatorInput){.comm = model->comm, .ops = &model_step_ops[s->derivatives->jvp != NULL][s->derivatives->hvp != NULL], .n_in = s->n_parameters ? 2 : 1, .n_out = 1, .in = in, .out = in, .data = s}, op));
  PetscFunctionReturn(PETSC_SUCCESS);
}
