/* Runs over a window: the trajectory, its tangent and its adjoint, with model errors added on the way. */
#include "operators/model_operator.h"
#include "operators/reduce.h"
#include "solvers/assimilation/variational_impl.h"

#include <math.h>
#include <string.h>

static void *StateAt(NomosVariational c, const Window *w, int64_t k)
{
  return w->states + (size_t)k * c->bytes;
}

/* Which model error is added to the state before step k; false: none. */
static bool ErrorAt(NomosVariational c, const Window *w, int64_t k, size_t *error)
{
  if (!c->error_every || !k || k % c->error_every) return false;
  *error = w->error_offset + (size_t)(k / c->error_every) - 1;
  return true;
}

static const double *StateControl(NomosVariational c, size_t number, const double v[])
{
  return c->state && v ? v + number * c->points : NULL;
}

static size_t ErrorControlAt(NomosVariational c, size_t error)
{
  return ((c->state ? c->n_windows : 0) + error) * c->points;
}

PetscErrorCode NomosVariationalRoot(NomosVariational c, const NomosCovariance *covariance, const double v[], double field[])
{
  PetscFunctionBeginUser;
  if (covariance->root) PetscCall(NomosOperatorApply(covariance->root, (const double *const[]){v}, (double *const[]){field}));
  else
    for (size_t i = 0; i < c->points; i++) field[i] = covariance->deviation * v[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v_bar += root^T field_bar */
static PetscErrorCode RootTranspose(NomosVariational c, const NomosCovariance *covariance, const double field_bar[], double v_bar[])
{
  PetscFunctionBeginUser;
  if (covariance->root) PetscCall(NomosOperatorVjp(covariance->root, (const double *const[]){field_bar}, (const double *const[]){field_bar}, (double *const[]){v_bar}));
  else
    for (size_t i = 0; i < c->points; i++) v_bar[i] += covariance->deviation * field_bar[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* state += x(root v); what a model's from_field has of its own, the state of no field, is not of the field */
static PetscErrorCode AddField(NomosVariational c, const NomosCovariance *covariance, const double v[], void *state)
{
  PetscFunctionBeginUser;
  PetscCall(NomosVariationalRoot(c, covariance, v, c->field));
  PetscCall(c->derivatives->from_field(c->model, c->control, c->field, c->increment));
  memset(c->field, 0, sizeof *c->field * c->points);
  PetscCall(c->derivatives->from_field(c->model, c->control, c->field, c->none));
  if (c->model->precision == NOMOS_F32)
    for (size_t i = 0; i < c->n_state; i++) ((float *)state)[i] += ((const float *)c->increment)[i] - ((const float *)c->none)[i];
  else
    for (size_t i = 0; i < c->n_state; i++) ((double *)state)[i] += ((const double *)c->increment)[i] - ((const double *)c->none)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* seen := H x */
static PetscErrorCode LookAt(NomosVariational c, const Look *look, const void *state, double seen[])
{
  PetscFunctionBeginUser;
  PetscCall(c->derivatives->field(c->model, look->field, state, c->look));
  if (look->source) PetscCall(NomosObservationsApply(look->source, look->set, c->look, seen));
  else
    for (size_t i = 0; i < look->n; i++) seen[i] = c->look[look->at[i]];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_bar += H^T (forcing/sigma) */
static PetscErrorCode LookBack(NomosVariational c, const Look *look, const double forcing[], void *x_bar)
{
  PetscFunctionBeginUser;
  memset(c->look, 0, sizeof *c->look * look->points);
  for (size_t i = 0; i < look->n; i++) c->column[i] = forcing[i] / look->sigma[i];
  if (look->source) PetscCall(NomosObservationsApplyTranspose(look->source, look->set, c->column, c->look));
  else
    for (size_t i = 0; i < look->n; i++) c->look[look->at[i]] = c->column[i];
  PetscCall(c->derivatives->field_vjp(c->model, look->field, c->look, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The initial state of a window into its trajectory. */
static PetscErrorCode Start(NomosVariational c, Window *w, size_t number, const double v[])
{
  const double *control = StateControl(c, number, v);

  PetscFunctionBeginUser;
  PetscCall(NomosModelSetClock(c->model, w->first_step));
  if (w->state) {
    memcpy(StateAt(c, w, 0), w->state, c->bytes);
    if (control) PetscCall(AddField(c, &c->background, control, StateAt(c, w, 0)));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  memset(c->field, 0, sizeof *c->field * c->points);
  if (control) PetscCall(NomosVariationalRoot(c, &c->background, control, c->field));
  for (size_t i = 0; i < c->points; i++) c->field[i] += w->background[i];
  PetscCall(c->derivatives->from_field(c->model, c->control, c->field, StateAt(c, w, 0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalRun(NomosVariational c, Window *w, size_t number, const double v[])
{
  const NomosModelDerivatives *d    = c->derivatives;
  size_t                       look = 0, error;

  PetscFunctionBeginUser;
  memset(w->departure, 0, sizeof *w->departure * w->n_seen);
  PetscCall(Start(c, w, number, v));
  for (int64_t k = 0;; k++) {
    for (; look < w->n_looks && w->looks[look].step == k; look++) {
      const Look *l         = &w->looks[look];
      double     *departure = w->departure + l->offset;
      PetscCall(LookAt(c, l, StateAt(c, w, k), departure));
      for (size_t i = 0; i < l->n; i++) departure[i] = (l->y[i] - departure[i]) / l->sigma[i];
    }
    if (k == w->end) break;
    PetscCall(NomosModelSetClock(c->model, w->first_step + k));
    PetscCall(d->set_state(c->model, StateAt(c, w, k)));
    PetscCall(c->model->ops->step(c->model));
    PetscCall(d->get_state(c->model, StateAt(c, w, k + 1)));
    if (ErrorAt(c, w, k + 1, &error)) PetscCall(AddField(c, &c->error, v + ErrorControlAt(c, error), StateAt(c, w, k + 1)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalTangent(NomosVariational c, Window *w, size_t number, const Direction *direction, double seen_dot[])
{
  const double *control = StateControl(c, number, direction->v), *p_dot = NULL;
  size_t        look = 0, error;

  PetscFunctionBeginUser;
  memset(seen_dot, 0, sizeof *seen_dot * w->n_seen);
  if (direction->p && c->n_unknown) {
    memset(c->all_dot, 0, sizeof *c->all_dot * c->n_parameters);
    for (size_t u = 0; u < c->n_unknown; u++) c->all_dot[c->unknown[u]] = direction->p[u];
    p_dot = c->all_dot;
  }
  memset(c->x, 0, c->bytes);
  if (control) {
    PetscCall(NomosModelSetClock(c->model, w->first_step));
    PetscCall(AddField(c, &c->background, control, c->x));
  }
  for (int64_t k = 0;; k++) {
    for (; look < w->n_looks && w->looks[look].step == k; look++) {
      const Look *l = &w->looks[look];
      PetscCall(LookAt(c, l, c->x, seen_dot + l->offset));
      for (size_t i = 0; i < l->n; i++) seen_dot[l->offset + i] /= l->sigma[i];
    }
    if (k == w->end) break;
    PetscCall(NomosModelSetClock(c->model, w->first_step + k));
    PetscCall(c->derivatives->jvp(c->model, StateAt(c, w, k), c->x, p_dot));
    if (direction->v && ErrorAt(c, w, k + 1, &error)) PetscCall(AddField(c, &c->error, direction->v + ErrorControlAt(c, error), c->x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* v_bar += root^T (from_field)^T x_bar */
static PetscErrorCode ControlBar(NomosVariational c, const NomosCovariance *covariance, double v_bar[])
{
  PetscFunctionBeginUser;
  memset(c->field, 0, sizeof *c->field * c->points);
  PetscCall(c->derivatives->from_field_vjp(c->model, c->control, c->x, c->field));
  PetscCall(RootTranspose(c, covariance, c->field, v_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalAdjoint(NomosVariational c, Window *w, size_t number, const double forcing[], double v_bar[])
{
  size_t look = w->n_looks, error;

  PetscFunctionBeginUser;
  memset(c->x, 0, c->bytes);
  for (int64_t k = w->end;; k--) {
    for (; look && w->looks[look - 1].step >= k; look--)
      if (w->looks[look - 1].step == k) PetscCall(LookBack(c, &w->looks[look - 1], forcing + w->looks[look - 1].offset, c->x));
    if (ErrorAt(c, w, k, &error)) PetscCall(ControlBar(c, &c->error, v_bar + ErrorControlAt(c, error)));
    if (!k) break;
    PetscCall(NomosModelSetClock(c->model, w->first_step + k - 1));
    PetscCall(c->derivatives->vjp(c->model, StateAt(c, w, k - 1), c->x, c->n_unknown ? c->all_bar : NULL));
  }
  if (c->state) {
    PetscCall(NomosModelSetClock(c->model, w->first_step));
    PetscCall(ControlBar(c, &c->background, v_bar + number * c->points));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosVariationalDot(NomosVariational c, const Window *w, const double a[], const double b[])
{
  double sum = 0;

  for (size_t l = 0; l < w->n_looks; l++)
    if (!w->looks[l].source || !c->rank) sum += NomosDot(w->looks[l].n, a + w->looks[l].offset, b + w->looks[l].offset);
  return sum;
}
