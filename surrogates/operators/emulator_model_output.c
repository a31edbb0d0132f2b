/* Initial states of the model `emulator`, and what its runs write. */
#include "io/expression.h"
#include "surrogates/operators/emulator_model_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the initial state */

static PetscErrorCode FromExpression(NomosModel model, size_t f, const char text[])
{
  static const char *const names[] = {"x", "y", "lx", "ly"};
  Emulator                *e       = model->data;
  const bool               two     = e->no.shape.n_space == 2;
  const size_t             nx      = e->no.shape.points[two];
  NomosExpression          expression;
  double                   given[4] = {0, 0, e->no.extent[two], two ? e->no.extent[0] : 0};
  PetscErrorCode           code;

  PetscFunctionBeginUser;
  NomosQuietly(code, NomosExpressionCreate(text, 4, names, &expression));
  PetscCall(NomosConfigRetell(model->config, "initial.fields", code));
  for (size_t i = 0; i < e->no.n_points; i++) {
    given[0] = e->axes[two][i % nx];
    if (two) given[1] = e->axes[0][i / nx];
    e->parts.state[f * e->no.n_points + i] = NomosExpressionEvaluate(expression, given);
    NomosCheck(isfinite(e->parts.state[f * e->no.n_points + i]), model->comm, PETSC_ERR_FP, "%s: initial.fields: %s is not finite at x = %g, y = %g", NomosConfigWhere(model->config, "initial.fields"), e->field_names[f], given[0], given[1]);
  }
  PetscCall(NomosExpressionDestroy(&expression));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 0 where the file does not tell. */
static PetscErrorCode TimeOf(NomosFieldReader reader, size_t frame, double *time)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims = 0;
  bool   has;

  PetscFunctionBeginUser;
  *time = 0;
  PetscCall(NomosFieldReaderHas(reader, "time", &has));
  if (has) PetscCall(NomosFieldReaderShape(reader, "time", &n_dims, shape));
  if (n_dims == 1 && frame < shape[0]) PetscCall(NomosFieldReaderRead(reader, "time", &frame, (size_t[]){1}, time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a field over trajectories and space alone? Such a file is read as the data set reads it: steady fields are in every frame, and one frame is led to from zero where those of the training were. */
static PetscErrorCode AnySteady(const Emulator *e, NomosFieldReader reader, bool *any)
{
  PetscFunctionBeginUser;
  *any = false;
  for (size_t f = 0; f < e->no.n_fields && !*any; f++) {
    size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
    const char *first;
    int         n_dims;
    PetscCall(NomosFieldReaderHas(reader, e->field_names[f], any));
    if (!*any) continue;
    PetscCall(NomosFieldReaderShape(reader, e->field_names[f], &n_dims, shape));
    PetscCall(NomosFieldReaderDimName(reader, e->field_names[f], 0, &first));
    *any = n_dims == e->no.shape.n_space + 1 && strcmp(first, "time");
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromFile(NomosModel model, size_t f, NomosFieldReader reader, const char path[], bool any_steady)
{
  Emulator   *e        = model->data;
  const char *name     = e->field_names[f], *where = NomosConfigWhere(model->config, "initial.file"), *first;
  const int   n_space  = e->no.shape.n_space;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1], start[NOMOS_FIELD_MAX_DIMS + 1] = {0}, count[NOMOS_FIELD_MAX_DIMS + 1];
  int64_t     frame, trajectory;
  int         n_dims, axis = 0;
  bool        has;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(model->config, "initial.frame", &frame));
  PetscCall(NomosConfigGetInt(model->config, "initial.trajectory", &trajectory));
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  PetscCheck(has, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has no field %s", where, path, name);
  PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
  PetscCall(NomosFieldReaderDimName(reader, name, 0, &first));
  const bool is_run = !strcmp(first, "time");
  const bool steady = any_steady && !is_run && n_dims == n_space + 1;
  bool       same   = steady || n_dims == n_space + 2 - is_run;
  for (int d = 0; same && d < n_space; d++) same = shape[n_dims - n_space + d] == e->no.shape.points[d];
  PetscCheck(same, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s of %s does not lie over the grid of the training", where, name, path);
  if (!is_run) {
    PetscCheck((size_t)trajectory < shape[0], model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.trajectory = %lld: %s has %zu", NomosConfigWhere(model->config, "initial.trajectory"), (long long)trajectory, path, shape[0]);
    start[axis++] = (size_t)trajectory;
  }
  size_t n_frames = steady ? 1 : shape[axis];
  bool   led      = false;
  if (is_run) PetscCall(NomosFieldReaderFrames(reader, &n_frames));
  led = any_steady && n_frames == 1 && e->no.from_zero;
  n_frames += led;
  if (frame < 0) frame = (int64_t)n_frames - 1;
  PetscCheck(steady || (frame >= 0 && (size_t)frame < n_frames), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: initial.frame = %lld: %s has %zu frames", NomosConfigWhere(model->config, "initial.frame"), (long long)frame, path, n_frames);
  if (!steady) start[axis] = led ? 0 : (size_t)frame;
  for (int d = 0; d < n_dims; d++) count[d] = d < n_dims - n_space ? 1 : shape[d];
  PetscCall(NomosFieldReaderRead(reader, name, start, count, e->parts.state + f * e->no.n_points));
  if (led && !steady && !frame) PetscCall(PetscArrayzero(e->parts.state + f * e->no.n_points, e->no.n_points));
  for (size_t i = 0; i < e->no.n_points; i++) PetscCheck(isfinite(e->parts.state[f * e->no.n_points + i]), model->comm, PETSC_ERR_FP, "%s: %s of %s is not finite at point %zu", where, name, path, i);
  PetscCall(TimeOf(reader, (size_t)frame, &e->starts_at));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The domain of a file along axis d is that of the training. */
static PetscErrorCode CheckBox(NomosModel model, const char path[], int d, double start, double extent)
{
  const NomosNeuralOperator *no = &((Emulator *)model->data)->no;

  PetscFunctionBeginUser;
  PetscCheck(fabs(extent - no->extent[d]) <= 1e-3 * no->extent[d] && fabs(start - no->start[d]) <= 0.51 * no->extent[d] / (double)no->shape.points[d], model->comm, PETSC_ERR_ARG_INCOMP,
             "%s: initial.file: the domain of %s reaches from %.6g to %.6g along %s, that of the training from %.6g to %.6g, and a network on a grid knows one domain; choose a state of that one", NomosConfigWhere(model->config, "initial.file"), path, start, start + extent, NomosAxisName(no, d), no->start[d], no->start[d] + no->extent[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorInitialise(NomosModel model)
{
  Emulator          *e = model->data;
  const char        *type, *path, *const *texts;
  size_t             n;
  NomosFieldReader   reader;
  PetscErrorCode     code = PETSC_SUCCESS;
  double             start, spacing;
  bool               known;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, "initial.type", &type));
  PetscCall(NomosConfigGetString(model->config, "initial.file", &path));
  PetscCall(NomosConfigGetStrings(model->config, "initial.fields", &n, &texts));
  PetscCall(PetscArrayzero(e->parts.state, e->no.size));
  if (!strcmp(type, "expression")) {
    PetscCheck(!n || n == e->no.n_fields, model->comm, PETSC_ERR_ARG_SIZ, "%s: initial.fields has %zu expressions, and the network %zu fields", NomosConfigWhere(model->config, "initial.fields"), n, e->no.n_fields);
    for (size_t f = 0; f < n; f++) PetscCall(FromExpression(model, f, texts[f]));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_INCOMP, "%s: initial.type = file needs initial.file", NomosConfigWhere(model->config, "initial.type"));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  code = AnySteady(e, reader, &known);
  for (size_t f = 0; f < e->no.n_fields && !code; f++) code = FromFile(model, f, reader, path, known);
  for (int d = 0; d < e->no.shape.n_space && !code; d++) {
    code = NomosNeuralOperatorAxis(&e->no, reader, path, d, 1, &start, &spacing, &known);
    if (!code && known && e->no.box_known[d]) code = CheckBox(model, path, d, start - spacing / 2, spacing * (double)e->no.shape.points[d]);
  }
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- files and scalars */

PetscErrorCode EmulatorFieldLayout(NomosModel model, NomosFileLayout *layout)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < e->no.n_parameters; p++) e->coefficients[p] = (NomosCoefficient){e->key[p], e->lambda[p]};
  *layout = (NomosFileLayout){.n_dims = (size_t)e->no.shape.n_space, .dims = e->dims, .n_variables = e->no.n_fields, .variables = e->variables, .starts_at = e->starts_at, .n_coefficients = e->no.n_parameters, .coefficients = e->coefficients};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorWriteFields(NomosModel model, NomosFieldFile file)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < e->no.n_fields; f++) PetscCall(NomosFieldFileWrite(file, e->field_names[f], NOMOS_F64, (size_t[]){0, 0}, e->no.shape.points, e->parts.state + f * e->no.n_points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorScalars(NomosModel model, size_t *n, const NomosScalarInfo **info)
{
  Emulator *e = model->data;

  PetscFunctionBeginUser;
  *n    = EMULATOR_PER_FIELD * e->no.n_fields;
  *info = e->scalars;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorEvaluateScalars(NomosModel model, double values[])
{
  const Emulator *e = model->data;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < e->no.n_fields; f++, values += EMULATOR_PER_FIELD) {
    const double *u = e->parts.state + f * e->no.n_points;
    values[0]       = 0;
    values[1] = values[2] = u[0];
    for (size_t i = 0; i < e->no.n_points; i++) {
      values[0] += u[i] / (double)e->no.n_points;
      values[1] = fmin(values[1], u[i]);
      values[2] = fmax(values[2], u[i]);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorCheck(NomosModel model, NomosModelFault *fault)
{
  const Emulator *e  = model->data;
  size_t          at = 0;

  PetscFunctionBeginUser;
  *fault = (NomosModelFault){.bad = false};
  while (at < e->no.size && isfinite(e->parts.state[at])) at++;
  if (at == e->no.size) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t point = at % e->no.n_points, nx = e->no.shape.points[e->no.shape.n_space - 1];
  *fault = (NomosModelFault){.bad = true, .n_index = e->no.shape.n_space, .value = e->parts.state[at]};
  snprintf(fault->field, sizeof fault->field, "%s", e->field_names[at / e->no.n_points]);
  if (e->no.shape.n_space == 2) fault->index[0] = (int64_t)(point / nx);
  fault->index[e->no.shape.n_space - 1] = (int64_t)(point % nx);
  snprintf(fault->place, sizeof fault->place, "the network has left the states that it knows");
  snprintf(fault->advice, sizeof fault->advice, "begin with states and parameters like those of its training, or train it for longer free runs; its time.dt is fixed");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorCreateLayout(NomosModel model)
{
  static const char *const names[] = {"y", "x"}, *const letters[] = {"Y", "X"}, *const statistics[EMULATOR_PER_FIELD] = {"mean", "min", "max"}, *const groups[EMULATOR_PER_FIELD] = {"mean", "least value", "largest value"};
  Emulator                  *e  = model->data;
  const NomosNeuralOperator *no = &e->no;
  const int                  n_space = no->shape.n_space;

  PetscFunctionBeginUser;
  for (int d = 0; d < n_space; d++) {
    PetscCall(PetscMalloc1(no->shape.points[d], &e->axes[d]));
    for (size_t i = 0; i < no->shape.points[d]; i++) e->axes[d][i] = NomosNeuralOperatorPoint(no, d, i);
    e->dims[d] = (NomosFieldDim){.name = names[2 - n_space + d], .size = no->shape.points[d], .values = e->axes[d], .axis = letters[2 - n_space + d], .open = !no->shape.periodic};
  }
  for (size_t f = 0; f <= no->n_fields; f++) {
    const bool       all   = f == no->n_fields;
    NomosModelField *field = &e->model_fields[f];
    *field = (NomosModelField){.name = all ? "state" : e->field_names[f], .unit = "1", .long_name = all ? "all fields" : e->field_names[f], .n_dims = n_space + all, .size = {no->n_fields}};
    for (int d = 0; d < n_space; d++) field->size[d + all] = no->shape.points[d];
    for (int d = 0; d < n_space + all; d++) field->count[d] = field->size[d];
    if (all) break;
    e->variables[f] = (NomosFieldVariable){.name = e->field_names[f], .unit = "1", .long_name = e->field_names[f]};
    for (int d = 0; d < n_space; d++) e->variables[f].dims[d] = e->dims[d].name;
    for (int k = 0; k < EMULATOR_PER_FIELD; k++) {
      char *name = e->scalar_names[EMULATOR_PER_FIELD * f + (size_t)k];
      snprintf(name, NOMOS_MAX_NAME, "%s_%.60s", statistics[k], e->field_names[f]);
      e->scalars[EMULATOR_PER_FIELD * f + (size_t)k] = (NomosScalarInfo){.name = name, .unit = "1", .long_name = groups[k], .group = groups[k], .label = e->field_names[f]};
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
