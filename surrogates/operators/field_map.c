#include "surrogates/operators/field_map.h"

#include "operators/model_fields.h"
#include "operators/model_operator.h"

#include <stdio.h>
#include <string.h>

/* ---- fields of the state: linear */

static PetscErrorCode FromFields(const NomosFieldMap *m, const double data[], void *state)
{
  PetscFunctionBeginUser;
  if (m->n_fields == 1) {
    PetscCall(m->ops->from_field(m->model, m->field[0], data, state));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  memset(m->sum, 0, sizeof *m->sum * m->n);
  for (size_t f = 0; f < m->n_fields; f++) {
    PetscCall(m->ops->from_field(m->model, m->field[f], data + f * m->n_points, m->one));
    NomosStateToDoubles(m->model->precision, m->n, m->one, m->values);
    for (size_t i = 0; i < m->n; i++) m->sum[i] += m->values[i];
  }
  NomosStateFromDoubles(m->model->precision, m->n, m->sum, state);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToFields(const NomosFieldMap *m, const void *state, double data[])
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->n_fields; f++) PetscCall(m->ops->field(m->model, m->field[f], state, data + f * m->n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Linear(const NomosFieldMap *m, NomosFieldWay way, const void *x, void *y)
{
  PetscFunctionBeginUser;
  if (way == NOMOS_STATE_OF_DATA) PetscCall(FromFields(m, x, y));
  else PetscCall(ToFields(m, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x_bar += transpose y_bar */
static PetscErrorCode Transpose(const NomosFieldMap *m, NomosFieldWay way, const void *y_bar, void *x_bar)
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->n_fields && x_bar; f++) {
    const size_t at = f * m->n_points;
    if (way == NOMOS_STATE_OF_DATA) PetscCall(m->ops->from_field_vjp(m->model, m->field[f], y_bar, (double *)x_bar + at));
    else PetscCall(m->ops->field_vjp(m->model, m->field[f], (const double *)y_bar + at, x_bar));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- primitive variables: all in double precision; the data's, which are x on the way to a state and y on the way back, have an order of their own */

enum { VALUE, DOT, BAR, BAR_DOT };

static const double *Order(const NomosFieldMap *m, int which, const double data[])
{
  double *ordered = m->ordered[which];

  if (!data) return NULL;
  for (size_t f = 0; f < m->n_fields; f++) memcpy(ordered + m->field[f] * m->n_points, data + f * m->n_points, sizeof *data * m->n_points);
  return ordered;
}

static void Unorder(const NomosFieldMap *m, const double ordered[], bool add, double data[])
{
  for (size_t f = 0; f < m->n_fields; f++)
    for (size_t i = 0; i < m->n_points; i++) {
      double *to = &data[f * m->n_points + i];
      *to        = (add ? *to : 0) + ordered[m->field[f] * m->n_points + i];
    }
}

/* Inputs of the operator, and what goes along with them. */
static void Inputs(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, const double *in[2], const double *in_dot[2])
{
  const bool ours = way == NOMOS_STATE_OF_DATA;

  in[0]     = ours ? Order(m, VALUE, at->x) : at->x;
  in_dot[0] = ours ? Order(m, DOT, at->x_dot) : at->x_dot;
  in[1]     = at->p;
  in_dot[1] = at->p_dot;
}

static PetscErrorCode Forward(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, bool tangent, double y[])
{
  const bool    theirs = way == NOMOS_DATA_OF_STATE;
  const double *in[2], *in_dot[2];
  double       *out = theirs ? m->ordered[BAR] : y;

  PetscFunctionBeginUser;
  Inputs(m, way, at, in, in_dot);
  if (tangent) PetscCall(NomosOperatorJvp(m->map[way], in, in_dot, &out));
  else PetscCall(NomosOperatorApply(m->map[way], in, &out));
  if (theirs) Unorder(m, out, false, y);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y_bar_dot NULL: the vjp. */
static PetscErrorCode Backward(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, const double y_bar[], const double y_bar_dot[], double x_bar[], double p_bar[])
{
  const bool    ours = way == NOMOS_STATE_OF_DATA;
  const double *in[2], *in_dot[2], *bar = ours ? y_bar : Order(m, BAR, y_bar), *bar_dot = ours ? y_bar_dot : Order(m, BAR_DOT, y_bar_dot);
  double       *in_bar[2] = {ours && x_bar ? m->sum : x_bar, p_bar};

  PetscFunctionBeginUser;
  if (ours) memset(m->sum, 0, sizeof *m->sum * m->n);
  Inputs(m, way, at, in, in_dot);
  if (y_bar_dot) PetscCall(NomosOperatorHvp(m->map[way], in, in_dot, &bar, &bar_dot, in_bar));
  else PetscCall(NomosOperatorVjp(m->map[way], in, &bar, in_bar));
  if (ours && x_bar) Unorder(m, m->sum, true, x_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- either */

bool NomosFieldMapIsLinear(const NomosFieldMap *m)
{
  return !m->map[NOMOS_STATE_OF_DATA];
}

PetscErrorCode NomosFieldMapApply(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, void *y)
{
  PetscFunctionBeginUser;
  if (NomosFieldMapIsLinear(m)) PetscCall(Linear(m, way, at->x, y));
  else PetscCall(Forward(m, way, at, false, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapJvp(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, void *y_dot)
{
  PetscFunctionBeginUser;
  if (NomosFieldMapIsLinear(m)) PetscCall(Linear(m, way, at->x_dot, y_dot));
  else PetscCall(Forward(m, way, at, true, y_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapVjp(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, const void *y_bar, void *x_bar, double p_bar[])
{
  PetscFunctionBeginUser;
  if (NomosFieldMapIsLinear(m)) PetscCall(Transpose(m, way, y_bar, x_bar));
  else PetscCall(Backward(m, way, at, y_bar, NULL, x_bar, p_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapHvp(const NomosFieldMap *m, NomosFieldWay way, const NomosFieldPoint *at, const void *y_bar, const void *y_bar_dot, void *x_bar_dot, double p_bar_dot[])
{
  PetscFunctionBeginUser;
  if (NomosFieldMapIsLinear(m)) PetscCall(Transpose(m, way, y_bar_dot, x_bar_dot));
  else PetscCall(Backward(m, way, at, y_bar, y_bar_dot, x_bar_dot, p_bar_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- made and unmade */

/* The names of a list, for messages. */
static void Names(size_t n, const NomosModelField list[], size_t n_text, char text[])
{
  for (size_t k = 0; k < n; k++) NomosTextAppend(n_text, text, "%s%s", k ? ", " : "", list[k].name);
}

static bool Find(size_t n, const NomosModelField list[], const char name[], size_t *number)
{
  for (*number = 0; *number < n; ++*number)
    if (!strcmp(list[*number].name, name)) return true;
  return false;
}

static size_t CountFound(size_t n, const NomosModelField list[], size_t n_fields, const char *const fields[])
{
  size_t found = 0, at;

  for (size_t f = 0; f < n_fields; f++) found += Find(n, list, fields[f], &at);
  return found;
}

/* The list that the data's fields are of: the model's primitive variables, where the fields of its state do not have them all and those have more. all: the names of both. */
static PetscErrorCode Lists(NomosModel model, size_t n_fields, const char *const fields[], size_t *n, const NomosModelField **list, bool *primitive, size_t n_all, char all[])
{
  const NomosModelDerivatives *ops = model->ops->derivatives;
  const NomosModelField       *other;
  size_t                       n_other = 0;

  PetscFunctionBeginUser;
  PetscCheck(ops && ops->fields, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s has no fields to exchange with data: it cannot be corrected", model->ops->name);
  PetscCall(ops->fields(model, n, list));
  all[0] = '\0';
  Names(*n, *list, n_all, all);
  if (ops->primitives) PetscCall(ops->primitives(model, &n_other, &other));
  if (n_other) {
    NomosTextAppend(n_all, all, "; or ");
    Names(n_other, other, n_all, all);
  }
  *primitive = fields && n_other && CountFound(n_other, other, n_fields, fields) > CountFound(*n, *list, n_fields, fields);
  if (*primitive) {
    *n    = n_other;
    *list = other;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapCheckNames(NomosModel model, size_t n_fields, const char *const fields[])
{
  const NomosModelField *list;
  size_t                 n, k, n_state, n_named = 0;
  bool                   primitive;
  char                   all[512];

  PetscFunctionBeginUser;
  PetscCall(Lists(model, n_fields, fields, &n, &list, &primitive, sizeof all, all));
  for (size_t f = 0; f < n_fields; f++) {
    PetscCheck(Find(n, list, fields[f], &k), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "solver %s: its state has no field '%s', which the data have; it has %s. A learned correction needs data of all fields that its solver steps, under these names; or neural_operator.base = state", model->ops->name, fields[f], all);
    n_named += NomosModelFieldPoints(&list[k]);
  }
  PetscCall(model->ops->derivatives->state_size(model, &n_state));
  PetscCheck(n_named == n_state, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: a state has %zu numbers, the fields of the data that are named have %zu: all its fields (%s) and nothing beside them (the history of a multistep scheme) make a state", model->ops->name, n_state, n_named, all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The data's fields among the model's, by name or by order, and their sizes. */
static PetscErrorCode FindFields(NomosFieldMap *m, const char *const fields[])
{
  const char            *solver = m->model->ops->name;
  const NomosModelField *list;
  size_t                 n, k;
  bool                   primitive;
  char                   all[512];

  PetscFunctionBeginUser;
  PetscCall(Lists(m->model, m->n_fields, fields, &n, &list, &primitive, sizeof all, all));
  PetscCheck(m->n_fields <= n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: a state of the data has %zu fields, that of the solver %s", solver, m->n_fields, all);
  if (fields) PetscCall(NomosFieldMapCheckNames(m->model, m->n_fields, fields));
  for (size_t f = 0; f < m->n_fields; f++) {
    k = f;
    if (fields) (void)Find(n, list, fields[f], &k);
    const size_t points = NomosModelFieldPoints(&list[k]);
    PetscCheck(points == m->n_points, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: its field %s has %zu points, that of the data %zu; set its grid to that of the data", solver, list[k].name, points, m->n_points);
    m->field[f] = k;
  }
  PetscCheck(m->n == m->n_fields * m->n_points, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "solver %s: a state has %zu numbers, the data give %zu: all its fields (%s) and nothing beside them (the history of a multistep scheme) make a state", solver, m->n, m->n_fields * m->n_points, all);
  if (primitive)
    for (int way = 0; way < NOMOS_N_FIELD_WAYS; way++) PetscCall(m->ops->primitive_map(m->model, way == NOMOS_STATE_OF_DATA, &m->map[way]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapCreate(const NomosFieldMapInput *input, NomosFieldMap *m)
{
  PetscFunctionBeginUser;
  *m = (NomosFieldMap){.model = input->model, .ops = input->model->ops->derivatives, .n_fields = input->n_fields, .n_points = input->n_points};
  PetscCheck(m->ops && m->ops->fields && m->ops->field && m->ops->field_vjp && m->ops->from_field && m->ops->from_field_vjp, PETSC_COMM_SELF, PETSC_ERR_SUP, "solver %s has no fields to exchange with data: it cannot be corrected", m->model->ops->name);
  PetscCall(m->ops->state_size(m->model, &m->n));
  PetscCall(PetscMalloc3(m->n_fields + 1, &m->field, m->n + 1, &m->values, m->n + 1, &m->sum));
  for (size_t k = 0; k < sizeof m->ordered / sizeof *m->ordered; k++) PetscCall(PetscMalloc1(m->n + 1, &m->ordered[k]));
  PetscCall(PetscMalloc(m->n * NomosRealBytes(m->model->precision) + 1, &m->one));
  PetscCall(FindFields(m, input->fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosFieldMapDestroy(NomosFieldMap *m)
{
  PetscFunctionBeginUser;
  for (int way = 0; way < NOMOS_N_FIELD_WAYS; way++) PetscCall(NomosOperatorDestroy(&m->map[way]));
  for (size_t k = 0; k < sizeof m->ordered / sizeof *m->ordered; k++) PetscCall(PetscFree(m->ordered[k]));
  PetscCall(PetscFree3(m->field, m->values, m->sum));
  PetscCall(PetscFree(m->one));
  PetscFunctionReturn(PETSC_SUCCESS);
}
