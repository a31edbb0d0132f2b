/* Observations as a file: a list for each time (value, deviation, layer, x, y). */
#include "solvers/assimilation/observations_impl.h"
#include "io/provenance.h"
#include "operators/foreign_field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { VALUE,
       DEVIATION,
       LAYER,
       X,
       Y,
       N_COLUMNS };

static const char *const column_names[N_COLUMNS] = {"value", "deviation", "layer", "x", "y"};

/* The columns that a field has. */
static int Columns(NomosObservations o)
{
  return o->axes[NOMOS_AXIS_Y].n ? N_COLUMNS : o->axes[NOMOS_AXIS_X].n ? Y
                                                                       : X;
}

static const char *ColumnUnit(NomosObservations o, int column)
{
  switch (column) {
  case LAYER:
    return "1";
  case X:
    return NomosObservationsUnit(o, o->axes[NOMOS_AXIS_X].dim->unit);
  case Y:
    return NomosObservationsUnit(o, o->axes[NOMOS_AXIS_Y].dim->unit);
  default:
    return NomosObservationsUnit(o, o->field->unit);
  }
}

static double Entry(const NomosObservationSet *set, int column, size_t i)
{
  switch (column) {
  case VALUE:
    return set->value[i];
  case DEVIATION:
    return set->deviation[i];
  case LAYER:
    return (double)(set->layer[i] + 1);
  case X:
    return set->x[i];
  default:
    return set->y[i];
  }
}

static PetscErrorCode WriteSets(NomosObservations o, NomosFieldFile file, size_t n)
{
  double *row;
  int     rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(o->model->comm, &rank));
  PetscCall(PetscMalloc1(n + 1, &row));
  for (size_t t = 0; t < o->n_times; t++) {
    const NomosObservationSet *set = &o->sets[t];
    PetscCall(NomosFieldFileBeginFrame(file, set->time, (int64_t)t));
    for (int c = 0; c < Columns(o); c++) {
      for (size_t i = 0; i < n; i++) row[i] = i < set->n ? Entry(set, c, i) : NAN;
      PetscCall(NomosFieldFileWrite(file, column_names[c], NOMOS_F64, (size_t[]){0}, (size_t[]){rank ? 0 : n}, row));
    }
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(PetscFree(row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsWrite(NomosObservations o, const char path[])
{
  const char *const  long_names[N_COLUMNS] = {o->field->name, "standard deviation of the error of value", "layer, from 1", "place along x", "place along y"};
  NomosFieldVariable variables[N_COLUMNS];
  NomosFieldFile     file;
  char               title[2 * NOMOS_MAX_NAME];
  double            *numbers;
  size_t             n = 1;

  PetscFunctionBeginUser;
  PetscCheck(o->n_times, o->model->comm, PETSC_ERR_ARG_WRONGSTATE, "%s: there are no observations of %s to write", path, o->field->name);
  for (size_t t = 0; t < o->n_times; t++) n = PetscMax(n, o->sets[t].n);
  PetscCall(PetscMalloc1(n, &numbers));
  for (size_t i = 0; i < n; i++) numbers[i] = (double)(i + 1);
  const NomosFieldDim dim = {.name = "observation", .size = n, .values = numbers, .unit = "1"};
  for (int c = 0; c < Columns(o); c++) variables[c] = (NomosFieldVariable){.name = column_names[c], .dims = {"observation"}, .type = NOMOS_F64, .unit = ColumnUnit(o, c), .long_name = long_names[c]};
  snprintf(title, sizeof title, "observations of %s", o->field->name);
  PetscCall(NomosFieldFileCreate(o->model->comm, &(NomosFieldFileInput){.path = path, .n_dims = 1, .dims = &dim, .n_variables = (size_t)Columns(o), .variables = variables, .capacity = o->n_times, .time_unit = NomosObservationsUnit(o, "s"), .title = title, .source = NomosSource()}, &file));
  PetscCall(WriteSets(o, file, n));
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosObservationsReadTimes(NomosObservations o, NomosFieldReader reader, const char path[], const char variable[], size_t *n, double **times)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1], looks[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;
  double factor;
  bool   has;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, "time", &has));
  PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable time: when was %s observed?", path, o->field->name);
  PetscCall(NomosFieldReaderShape(reader, variable, &n_dims, looks));
  PetscCall(NomosFieldReaderShape(reader, "time", &n_dims, shape));
  PetscCall(NomosFieldReaderFrames(reader, n));
  PetscCheck(*n && *n == shape[0] && *n == looks[0], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %zu of the %zu times are numbers, for %zu looks at %s; each look needs its time", path, *n, shape[0], looks[0], o->field->name);
  PetscCall(NomosForeignFactor(reader, path, "time", NomosObservationsUnit(o, "s"), true, &factor));
  PetscCall(PetscMalloc1(*n, times));
  PetscCall(NomosFieldReaderRead(reader, "time", (size_t[]){0}, shape, *times));
  for (size_t t = 0; t < *n; t++) (*times)[t] *= factor;
  for (size_t t = 1; t < *n; t++) NomosCheck((*times)[t] > (*times)[t - 1], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: looks %zu and %zu are at the times %.10g and %.10g; times must ascend", path, t, t + 1, (*times)[t - 1], (*times)[t]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which columns there are, over (time, observation), and their factors; the field they are of. */
static PetscErrorCode CheckColumns(NomosObservations o, NomosFieldReader reader, const char path[], size_t shape[], double factors[], bool has[])
{
  char *of;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderAttribute(reader, column_names[VALUE], "long_name", &of));
  if (of && strcmp(of, o->field->name)) {
    char other[NOMOS_MAX_NAME];
    snprintf(other, sizeof other, "%s", of);
    PetscCall(PetscFree(of));
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: these are observations of %s (long_name of value), and %s is to be observed; choose that field, or another file", path, other, o->field->name);
  }
  PetscCall(PetscFree(of));
  for (int c = 0; c < Columns(o); c++) {
    size_t found[NOMOS_FIELD_MAX_DIMS + 1];
    int    n_dims;
    PetscCall(NomosFieldReaderHas(reader, column_names[c], &has[c]));
    PetscCheck(has[c] || (c == LAYER && o->n_layers == 1), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no variable %s, which observations of %s need", path, column_names[c], o->field->name);
    if (!has[c]) continue;
    PetscCall(NomosFieldReaderShape(reader, column_names[c], &n_dims, found));
    PetscCheck(n_dims == 2 && (c == VALUE || (found[0] == shape[0] && found[1] == shape[1])), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s must be over (time, observation), as value is", path, column_names[c]);
    if (c == VALUE) PetscCall(PetscArraycpy(shape, found, 2));
    PetscCall(NomosForeignFactor(reader, path, column_names[c], ColumnUnit(o, c), true, &factors[c]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One time: what has a value and a deviation was seen. */
static PetscErrorCode ReadSet(NomosObservations o, NomosFieldReader reader, const char path[], size_t t, size_t n, const double factors[], const bool has[], NomosObservationSet *set, double *column)
{
  double *const into[N_COLUMNS] = {set->value, set->deviation, NULL, set->x, set->y};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) set->layer[i] = 0;
  for (int c = 0; c < Columns(o); c++) {
    if (!has[c]) continue;
    PetscCall(NomosFieldReaderRead(reader, column_names[c], (size_t[]){t, 0}, (size_t[]){1, n}, c == LAYER ? column : into[c]));
    for (size_t i = 0; i < n && c != LAYER; i++) into[c][i] *= factors[c];
    for (size_t i = 0; i < n && c == LAYER; i++) {
      if (isnan(set->value[i]) || isnan(set->deviation[i])) continue;
      NomosCheck(column[i] == floor(column[i]) && column[i] >= 1 && column[i] <= (double)o->n_layers, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: layer is %g at look %zu, observation %zu; %s has the layers 1 to %zu", path, column[i], t + 1, i + 1, o->field->name, o->n_layers);
      set->layer[i] = (size_t)column[i] - 1;
    }
  }
  set->n = 0;
  for (size_t i = 0; i < n; i++) {
    if (isnan(set->value[i]) || isnan(set->deviation[i])) continue;
    set->value[set->n]     = set->value[i];
    set->deviation[set->n] = set->deviation[i];
    set->layer[set->n]     = set->layer[i];
    set->x[set->n]         = set->x[i];
    set->y[set->n++]       = set->y[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadList(NomosObservations o, NomosFieldReader reader, const char path[])
{
  size_t              shape[NOMOS_FIELD_MAX_DIMS + 1], n_times, total = 0;
  double              factors[N_COLUMNS], *times, *column;
  bool                has[N_COLUMNS];
  NomosObservationSet set = {0};

  PetscFunctionBeginUser;
  PetscCall(CheckColumns(o, reader, path, shape, factors, has));
  PetscCall(NomosObservationsReadTimes(o, reader, path, column_names[VALUE], &n_times, &times));
  PetscCall(PetscCalloc6(shape[1] + 1, &set.layer, shape[1] + 1, &set.x, shape[1] + 1, &set.y, shape[1] + 1, &set.value, shape[1] + 1, &set.deviation, shape[1] + 1, &column));
  for (size_t t = 0; t < n_times; t++) {
    set.time = times[t];
    PetscCall(ReadSet(o, reader, path, t, shape[1], factors, has, &set, column));
    PetscCall(NomosObservationsAdd(o, &set));
    total += set.n;
  }
  PetscCall(PetscFree6(set.layer, set.x, set.y, set.value, set.deviation, column));
  PetscCall(PetscFree(times));
  PetscCheck(total, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: every value or its deviation is NaN: nothing was seen", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFile(NomosObservations o, const char path[])
{
  NomosFieldReader reader;
  bool             list, deviations;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, path, &reader));
  PetscErrorCode code = NomosFieldReaderHas(reader, column_names[VALUE], &list);
  if (!code) code = NomosFieldReaderHas(reader, column_names[DEVIATION], &deviations);
  if (!code) code = (list && deviations ? ReadList : NomosObservationsReadGrid)(o, reader, path);
  PetscCall(NomosFieldReaderClose(&reader)); /* after an error too: what HDF5 keeps open ends the program */
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank reads the whole file and so comes to the same verdict; what is wrong is told once. */
PetscErrorCode NomosObservationsRead(NomosModel model, const char field[], const char path[], NomosObservations *observations)
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  PetscCall(NomosObservationsCreate(model, field, observations));
  NomosQuietly(code, ReadFile(*observations, path));
  if (code) PetscCall(NomosObservationsDestroy(observations));
  PetscCheck(!code, model->comm, code, "%s", NomosErrorLast());
  PetscFunctionReturn(PETSC_SUCCESS);
}
