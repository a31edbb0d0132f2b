/* Observations from a file, in the layout of the observations.nc that a twin experiment writes. Every rank reads the whole file and so comes to the same verdict; it keeps its own points. */
#include "cases/estimate.h"
#include "io/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double same_place = 1e-3; /* of the spacing: coordinates may be of single precision */
static const double not_seen   = 9e36; /* NetCDF's fill value is 9.97e36 */

typedef PetscErrorCode (*Reading)(NomosRun *run, NomosEstimate *e, NomosFieldReader reader);

/* What is wrong is told once, with the key. */
static PetscErrorCode WithFile(NomosRun *run, NomosEstimate *e, Reading reading)
{
  NomosFieldReader reader = NULL;
  char             why[1024];

  PetscFunctionBeginUser;
  const bool     quiet  = NomosErrorSetQuiet(true);
  PetscErrorCode failed = NomosFieldReaderOpen(PETSC_COMM_SELF, e->observations, &reader);
  if (!failed) failed = reading(run, e, reader);
  snprintf(why, sizeof why, "%s", failed ? NomosErrorLast() : "");
  NomosErrorSetQuiet(quiet);
  if (reader) PetscCall(NomosFieldReaderClose(&reader));
  PetscCheck(!failed, run->comm, failed, "%s: estimate.observations: %s", NomosConfigWhere(run->config, "estimate.observations"), why);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the unit of a dataset to that of the model. Without the attribute `units` numbers are taken as dimensionless. */
static PetscErrorCode Factor(const NomosEstimate *e, NomosFieldReader reader, const char name[], const char needed[], double *factor)
{
  NomosUnit from, to;
  char     *found, unit[NOMOS_MAX_NAME], message[256];

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderAttribute(reader, name, "units", &found));
  snprintf(unit, sizeof unit, "%s", found ? found : "1");
  const bool given = found;
  PetscCall(PetscFree(found));
  PetscCall(NomosUnitParse(needed, &to));
  if (!NomosUnitRead(unit, &from, sizeof message, message) || !NomosUnitSame(&from, &to)) {
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %s%s%s; give it the attribute units = '%s', or another unit of that kind%s", e->observations, name, given ? "the units '" : "no units", given ? unit : "", given ? "'" : "", needed, strcmp(name, "time") ? "" : " (times count from the beginning of the case's run)");
  }
  *factor = NomosUnitScale(1, &from, &to);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (time, the field's own dimensions): their sizes, and their names where the file has some. */
static PetscErrorCode CheckShape(NomosEstimate *e, NomosFieldReader reader, const NomosFieldVariable *variable)
{
  const NomosModelField *field = e->observed;
  int                    n_dims;
  size_t                 shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char            *found;
  char                   is[160] = "", needed[160] = "time";
  bool                   same;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, field->name, &n_dims, shape));
  same = n_dims == field->n_dims + 1;
  for (int d = 0; d < n_dims; d++) {
    const char *name = d && variable && d <= field->n_dims ? variable->dims[d - 1] : d ? ""
                                                                                       : "time";
    PetscCall(NomosFieldReaderDimName(reader, field->name, d, &found));
    if (d && same) same = shape[d] == field->size[d - 1];
    if (found[0] && name[0] && strcmp(found, name)) same = false;
    snprintf(is + strlen(is), sizeof is - strlen(is), "%s%.24s%s%zu", d ? ", " : "", found, found[0] ? " " : "", shape[d]);
  }
  for (int d = 0; d < field->n_dims; d++) snprintf(needed + strlen(needed), sizeof needed - strlen(needed), ", %.24s%s%zu", variable ? variable->dims[d] : "", variable ? " " : "", field->size[d]);
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is over (%s); the case needs it over (%s)", e->observations, field->name, is, needed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the file has coordinates they are those of the case. */
static PetscErrorCode CheckAxis(const NomosEstimate *e, NomosFieldReader reader, const NomosFieldDim *dim)
{
  bool    has;
  int     n_dims;
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1];
  double *values, factor = 1;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, dim->name, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderShape(reader, dim->name, &n_dims, shape));
  if (n_dims != 1 || shape[0] != dim->size) PetscFunctionReturn(PETSC_SUCCESS); /* another thing of that name; the field's shape is checked */
  PetscCall(Factor(e, reader, dim->name, dim->unit ? dim->unit : "1", &factor));
  PetscCall(PetscMalloc1(dim->size, &values));
  PetscCall(NomosFieldReaderRead(reader, dim->name, (size_t[]){0}, shape, values));
  const double spacing = dim->size > 1 ? fabs(dim->values[1] - dim->values[0]) : 1;
  for (size_t i = 0; i < dim->size; i++)
    PetscCheck(fabs(factor * values[i] - dim->values[i]) <= same_place * spacing, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: entry %zu of %s is %g, and the case's is %g; put the observations on the grid of the case (that of the file that nomos run writes)", e->observations, i + 1, dim->name, factor * values[i], dim->values[i]);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckGrid(NomosRun *run, NomosEstimate *e, NomosFieldReader reader)
{
  NomosFileLayout           layout;
  const NomosFieldVariable *variable;
  const char *const        *names;
  size_t                    n;
  bool                      has;
  char                      all[256] = "";

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, e->observed->name, &has));
  PetscCall(NomosFieldReaderVariables(reader, &n, &names));
  for (size_t i = 0; i < n; i++) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s, the observed field; over time it has %s; rename it, or choose another field by estimate.observe", e->observations, e->observed->name, n ? all : "none");
  PetscCall(NomosFieldReaderHas(reader, "time", &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable time: when was %s observed?", e->observations, e->observed->name);
  PetscCall(NomosEstimateVariable(run, e->observed, &layout, &variable));
  PetscCall(CheckShape(e, reader, variable));
  for (int d = 0; variable && d < e->observed->n_dims; d++)
    for (size_t i = 0; i < layout.n_dims; i++)
      if (!strcmp(layout.dims[i].name, variable->dims[d])) PetscCall(CheckAxis(e, reader, &layout.dims[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The steps nearest to the times. */
static PetscErrorCode Times(NomosRun *run, NomosEstimate *e, NomosFieldReader reader)
{
  const double dt = run->model->dt, start = fmax(0, ceil(e->from / dt - 1e-6)) * dt, stop = start + (double)e->n_steps * dt;
  int          n_dims;
  size_t       n, shape[NOMOS_FIELD_MAX_DIMS + 1], field_shape[NOMOS_FIELD_MAX_DIMS + 1];
  double      *times, factor;

  PetscFunctionBeginUser;
  PetscCall(CheckGrid(run, e, reader));
  PetscCall(NomosFieldReaderShape(reader, e->observed->name, &n_dims, field_shape));
  PetscCall(NomosFieldReaderShape(reader, "time", &n_dims, shape));
  PetscCall(NomosFieldReaderFrames(reader, &n));
  PetscCheck(n && n == shape[0] && n == field_shape[0], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %zu of the %zu times are numbers, for %zu looks at %s; each look needs its time", e->observations, n, shape[0], field_shape[0], e->observed->name);
  PetscCall(Factor(e, reader, "time", run->params.nondimensional ? "1" : "s", &factor));
  e->n_times = (int64_t)n;
  PetscCall(PetscMalloc1(n, &e->steps));
  PetscCall(PetscMalloc1(n, &times));
  PetscCall(NomosFieldReaderRead(reader, "time", (size_t[]){0}, shape, times));
  for (size_t t = 0; t < n; t++) {
    const double time = factor * times[t], step = round((time - start) / dt);
    PetscCheck(step >= 0 && step <= (double)e->n_steps, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: look %zu is at time %.10g, and the window reaches from %.10g (estimate.from) to %.10g (time.stop); move the window, or leave the look out", e->observations, t + 1, time, start, stop);
    e->steps[t] = (int64_t)step;
    e->moved    = fmax(e->moved, fabs(time - start - step * dt));
    PetscCheck(!t || e->steps[t] > e->steps[t - 1], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: looks %zu and %zu are at the times %.10g and %.10g; they must ascend, at most one for each time step of %g", e->observations, t, t + 1, factor * times[t - 1], time, dt);
  }
  PetscCall(PetscFree(times));
  e->n_steps = PetscMax(1, e->steps[n - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  char   name[NOMOS_MAX_NAME + 8]; /* of the standard deviations */
  int    n_dims;                   /* 0: one for all; 1: one for each layer; else one for each value */
  size_t layers, plane;            /* of the observed field, over all ranks */
  double factor, error_factor, *values, *errors;
} Looks;

static PetscErrorCode OpenErrors(NomosEstimate *e, NomosFieldReader reader, Looks *looks)
{
  const NomosModelField *field = e->observed;
  size_t                 shape[NOMOS_FIELD_MAX_DIMS + 1], needed[NOMOS_FIELD_MAX_DIMS + 1];
  bool                   has;

  PetscFunctionBeginUser;
  snprintf(looks->name, sizeof looks->name, "%s_error", field->name);
  PetscCall(NomosFieldReaderHas(reader, looks->name, &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s: the standard deviation of the errors of %s, one for all, one for each layer, or one for each value", e->observations, looks->name, field->name);
  PetscCall(NomosFieldReaderShape(reader, looks->name, &looks->n_dims, shape));
  PetscCall(NomosFieldReaderShape(reader, field->name, &(int){0}, needed));
  bool same = looks->n_dims == 0 || (looks->n_dims == 1 && shape[0] == looks->layers) || looks->n_dims == field->n_dims + 1;
  for (int d = 0; looks->n_dims > 1 && d < looks->n_dims && same; d++) same = shape[d] == needed[d];
  PetscCheck(same, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s must be one number, one for each of the %zu layer%s, or of the shape of %s", e->observations, looks->name, looks->layers, looks->layers == 1 ? "" : "s", field->name);
  e->sigma_varies = looks->n_dims > 1;
  if (looks->n_dims == 1) PetscCall(NomosFieldReaderRead(reader, looks->name, (size_t[]){0}, shape, e->sigma));
  if (looks->n_dims == 0) PetscCall(NomosFieldReaderRead(reader, looks->name, NULL, NULL, e->sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One look: checked as a whole; this rank's part into the cost. */
static PetscErrorCode ReadLook(NomosEstimate *e, NomosFieldReader reader, size_t t, Looks *looks)
{
  const NomosModelField *field = e->observed;
  size_t                 points, start[NOMOS_FIELD_MAX_DIMS + 1] = {t}, count[NOMOS_FIELD_MAX_DIMS + 1] = {1};
  double                *weights, *values;
  char                   number[32];

  PetscFunctionBeginUser;
  for (int d = 0; d < field->n_dims; d++) count[d + 1] = field->size[d];
  PetscCall(NomosFieldReaderRead(reader, field->name, start, count, looks->values));
  if (e->sigma_varies) PetscCall(NomosFieldReaderRead(reader, looks->name, start, count, looks->errors));
  for (size_t i = 0; i < looks->layers * looks->plane; i++) {
    const size_t layer = i / looks->plane;
    looks->values[i] *= looks->factor;
    looks->errors[i] = looks->error_factor * (e->sigma_varies ? looks->errors[i] : e->sigma[looks->n_dims ? layer : 0]);
    if (isnan(looks->values[i])) continue;
    const bool seen = fabs(looks->values[i])<not_seen, positive = looks->errors[i]> 0 && isfinite(looks->errors[i]);
    if (!seen || !positive) snprintf(number, sizeof number, "%g", seen ? looks->errors[i] : looks->values[i]);
    PetscCheck(seen, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is %s in look %zu, layer %zu; NaN must stand where nothing was seen", e->observations, field->name, number, t + 1, layer + 1);
    PetscCheck(positive, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is %s in look %zu, layer %zu; a standard deviation must be positive wherever %s was seen", e->observations, looks->name, number, t + 1, layer + 1, field->name);
    e->looks[layer] += 1;
    e->look_error[layer] += 1 / (looks->errors[i] * looks->errors[i]);
    e->n_observations++;
  }
  PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
  for (size_t i = 0; i < points; i++) {
    const size_t from = NomosEstimatePlace(field, i);
    if (isnan(looks->values[from])) continue;
    weights[i] = 1 / (looks->errors[from] * looks->errors[from]);
    values[i]  = looks->values[from];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Values(NomosRun *run, NomosEstimate *e, NomosFieldReader reader)
{
  Looks                  looks = {.layers = 1, .plane = 1};
  const NomosModelField *field = e->observed;

  PetscFunctionBeginUser;
  (void)run;
  if (field->n_dims > 2) looks.layers = field->size[0];
  for (int d = field->n_dims > 2; d < field->n_dims; d++) looks.plane *= field->size[d];
  PetscCall(OpenErrors(e, reader, &looks));
  PetscCall(Factor(e, reader, field->name, field->unit ? field->unit : "1", &looks.factor));
  PetscCall(Factor(e, reader, looks.name, field->unit ? field->unit : "1", &looks.error_factor));
  PetscCall(PetscMalloc2(looks.layers * looks.plane, &looks.values, looks.layers * looks.plane, &looks.errors));
  for (size_t t = 0; t < (size_t)e->n_times; t++) PetscCall(ReadLook(e, reader, t, &looks));
  PetscCheck(e->n_observations, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: every value of %s is NaN: nothing was seen", e->observations, field->name);
  for (size_t l = 0; l < looks.layers; l++) {
    if (!e->sigma_varies) e->sigma[l] = looks.errors[l * looks.plane];
    e->look_error[l] = e->looks[l] > 0 ? sqrt(e->looks[l] / e->look_error[l]) : 1;
    e->looks[l] /= (double)looks.plane;
  }
  PetscCall(PetscFree2(looks.values, looks.errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateReadTimes(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  PetscCall(WithFile(run, e, Times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateReadValues(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  PetscCall(WithFile(run, e, Values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
