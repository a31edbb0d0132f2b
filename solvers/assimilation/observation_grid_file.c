/* Observations as a field on the model's whole grid, NaN where nothing is seen, with the standard deviations of its errors as FIELD_error: one number, one for each layer, or one for each value. */
#include "operators/foreign_field.h"
#include "solvers/assimilation/observations_impl.h"

#include <math.h>
#include <stdio.h>

static PetscErrorCode CheckGrid(NomosObservations o, NomosFieldReader reader, const char path[])
{
  bool has, timed;
  char all[200];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, o->field->name, &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s, the observed field; over time it has %s; rename it, or choose another field to observe", path, o->field->name, NomosFieldReaderNames(reader, false, all));
  PetscCall(NomosForeignFieldCheck(o->model, reader, path, &(NomosForeignField){.name = o->field->name, .like = o->field->name, .n_dims = o->field->n_dims, .size = o->field->size, .time = true}, &timed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  char   name[NOMOS_MAX_NAME + 8]; /* of the standard deviations */
  int    n_dims;                   /* 0: one for all; 1: one for each layer; else one for each value */
  double factor, error_factor, *values, *errors, *constant;
} Looks;

static PetscErrorCode OpenErrors(NomosObservations o, NomosFieldReader reader, const char path[], Looks *looks)
{
  const NomosModelField *field = o->field;
  size_t                 shape[NOMOS_FIELD_MAX_DIMS + 1], needed[NOMOS_FIELD_MAX_DIMS + 1];
  bool                   has;

  PetscFunctionBeginUser;
  snprintf(looks->name, sizeof looks->name, "%s_error", field->name);
  PetscCall(NomosFieldReaderHas(reader, looks->name, &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s: the standard deviation of the errors of %s, one for all, one for each layer, or one for each value", path, looks->name, field->name);
  PetscCall(NomosFieldReaderShape(reader, looks->name, &looks->n_dims, shape));
  PetscCall(NomosFieldReaderShape(reader, field->name, &(int){0}, needed));
  bool same = looks->n_dims == 0 || (looks->n_dims == 1 && shape[0] == o->n_layers) || looks->n_dims == field->n_dims + 1;
  for (int d = 0; looks->n_dims > 1 && d < looks->n_dims && same; d++) same = shape[d] == needed[d];
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s must be one number, one for each of the %zu layer%s, or of the shape of %s", path, looks->name, o->n_layers, o->n_layers == 1 ? "" : "s", field->name);
  PetscCall(PetscMalloc1(o->n_layers, &looks->constant));
  if (looks->n_dims == 1) PetscCall(NomosFieldReaderRead(reader, looks->name, (size_t[]){0}, shape, looks->constant));
  if (looks->n_dims == 0) PetscCall(NomosFieldReaderRead(reader, looks->name, NULL, NULL, looks->constant));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLook(NomosObservations o, NomosFieldReader reader, const char path[], size_t t, Looks *looks, NomosObservationSet *set)
{
  const NomosModelField *field                           = o->field;
  size_t                 start[NOMOS_FIELD_MAX_DIMS + 1] = {t}, count[NOMOS_FIELD_MAX_DIMS + 1] = {1};

  PetscFunctionBeginUser;
  for (int d = 0; d < field->n_dims; d++) count[d + 1] = field->size[d];
  PetscCall(NomosFieldReaderRead(reader, field->name, start, count, looks->values));
  if (looks->n_dims > 1) PetscCall(NomosFieldReaderRead(reader, looks->name, start, count, looks->errors));
  set->n = 0;
  for (size_t i = 0; i < o->n_layers * o->layer_points; i++) {
    const size_t layer = i / o->layer_points;
    const double value = looks->factor * looks->values[i], error = looks->error_factor * (looks->n_dims > 1 ? looks->errors[i] : looks->constant[looks->n_dims ? layer : 0]);
    if (isnan(value)) continue;
    NomosCheck(isfinite(value), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is %g in look %zu, layer %zu; NaN must stand where nothing was seen", path, field->name, value, t + 1, layer + 1);
    NomosCheck(error > 0 && isfinite(error), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is %g in look %zu, layer %zu; a standard deviation must be positive wherever %s was seen", path, looks->name, error, t + 1, layer + 1, field->name);
    NomosObservationsPlace(o, i, &set->layer[set->n], &set->x[set->n], &set->y[set->n]);
    set->value[set->n]       = value;
    set->deviation[set->n++] = error;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a field that is several others: all of them must be there. */
static PetscErrorCode CheckParts(NomosObservations o, NomosFieldReader reader, const char path[], const NomosModelField list[])
{
  char all[256] = "", lacks[256] = "";
  bool has;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < o->n_parts; f++) {
    PetscCall(NomosFieldReaderHas(reader, list[f].name, &has));
    NomosTextAppend(sizeof all, all, "%s%s", f ? ", " : "", list[f].name);
    if (!has) NomosTextAppend(sizeof lacks, lacks, "%s%s", lacks[0] ? ", " : "", list[f].name);
  }
  PetscCheck(!lacks[0], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s does not hold %s: the state of the model is %s, and all of it must be seen, each variable under its name", path, lacks, all);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each of the others is read by itself; its layers follow those of the one before. */
static PetscErrorCode ReadParts(NomosObservations o, NomosFieldReader reader, const char path[])
{
  const size_t           most = o->n_layers * o->layer_points;
  const NomosModelField *list;
  NomosObservations     *parts;
  NomosObservationSet    set = {0};
  size_t                 n;
  PetscErrorCode         code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(o->derivatives->fields(o->model, &n, &list));
  PetscCall(CheckParts(o, reader, path, list));
  PetscCall(PetscCalloc1(o->n_parts, &parts));
  for (size_t f = 0; f < o->n_parts && !code; f++) {
    code = NomosObservationsCreate(o->model, list[f].name, &parts[f]);
    if (!code) code = NomosObservationsReadGrid(parts[f], reader, path);
  }
  if (!code) code = PetscMalloc5(most, &set.layer, most, &set.x, most, &set.y, most, &set.value, most, &set.deviation);
  for (size_t t = 0; !code && t < parts[0]->n_times; t++, set.n = 0) {
    set.time = parts[0]->sets[t].time; /* a file has one list of times */
    for (size_t f = 0; f < o->n_parts; f++) {
      const NomosObservationSet *part = &parts[f]->sets[t];
      for (size_t i = 0; i < part->n; i++, set.n++) {
        set.layer[set.n]     = f * parts[f]->n_layers + part->layer[i];
        set.x[set.n]         = part->x[i];
        set.y[set.n]         = part->y[i];
        set.value[set.n]     = part->value[i];
        set.deviation[set.n] = part->deviation[i];
      }
    }
    code = NomosObservationsAdd(o, &set);
  }
  for (size_t f = 0; f < o->n_parts; f++) PetscCall(NomosObservationsDestroy(&parts[f]));
  PetscCall(PetscFree5(set.layer, set.x, set.y, set.value, set.deviation));
  PetscCall(PetscFree(parts));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsReadGrid(NomosObservations o, NomosFieldReader reader, const char path[])
{
  const size_t        most  = o->n_layers * o->layer_points;
  NomosObservationSet set   = {0};
  Looks               looks = {0};
  double             *times;
  size_t              n, total = 0;
  const char         *unit = NomosObservationsUnit(o, o->field->unit);
  bool                own;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, o->field->name, &own));
  if (o->n_parts && !own) {
    PetscCall(ReadParts(o, reader, path));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(CheckGrid(o, reader, path));
  PetscCall(NomosObservationsReadTimes(o, reader, path, o->field->name, &n, &times));
  PetscCall(OpenErrors(o, reader, path, &looks));
  PetscCall(NomosForeignFactor(reader, path, o->field->name, unit, true, &looks.factor));
  PetscCall(NomosForeignFactor(reader, path, looks.name, unit, true, &looks.error_factor));
  PetscCall(PetscMalloc7(most, &set.layer, most, &set.x, most, &set.y, most, &set.value, most, &set.deviation, most, &looks.values, most, &looks.errors));
  for (size_t t = 0; t < n; t++) {
    set.time = times[t];
    PetscCall(ReadLook(o, reader, path, t, &looks, &set));
    PetscCall(NomosObservationsAdd(o, &set));
    total += set.n;
  }
  PetscCall(PetscFree7(set.layer, set.x, set.y, set.value, set.deviation, looks.values, looks.errors));
  PetscCall(PetscFree(looks.constant));
  PetscCall(PetscFree(times));
  PetscCheck(total, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: every value of %s is NaN: nothing was seen", path, o->field->name);
  PetscFunctionReturn(PETSC_SUCCESS);
}
