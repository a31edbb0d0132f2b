#include "cases/convert.h"

#include "io/text.h"
#include "io/unit.h"
#include "io/yaml_scalars.h"
#include "solvers/solver_list.h"
#include "surrogates/dataset.h"
#include "surrogates/surrogate_list.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static PetscErrorCode Open(NomosConvertSource *s, size_t part)
{
  PetscFunctionBeginUser;
  if (s->reader && s->open == part) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderClose(&s->reader));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, s->parts[part].path, &s->reader));
  s->open = part;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- one dataset */

typedef struct {
  int         n_dims;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char *dims[NOMOS_FIELD_MAX_DIMS + 1];
} Shape;

static PetscErrorCode GetShape(NomosFieldReader reader, const char name[], Shape *shape)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, name, &shape->n_dims, shape->shape));
  for (int d = 0; d < shape->n_dims; d++) PetscCall(NomosFieldReaderDimName(reader, name, d, &shape->dims[d]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetText(NomosFieldReader reader, const char name[], const char attribute[], size_t n, char text[])
{
  char *found;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderAttribute(reader, name, attribute, &found));
  snprintf(text, n, "%s", found ? found : "");
  PetscCall(PetscFree(found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One axis of at least n entries: only that is read with one start and one count. */
static PetscErrorCode IsList(NomosFieldReader reader, const char name[], size_t n, bool *is)
{
  Shape shape;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, name, &shape.n_dims, shape.shape));
  *is = shape.n_dims == 1 && shape.shape[0] >= n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The n numbers of a coordinate, where there is one of that name. */
static PetscErrorCode ReadCoordinate(const NomosConvertSource *s, const char name[], size_t n, double values[], bool *has)
{
  const size_t first = 0;
  bool         is    = false;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(s->reader, name, has));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(IsList(s->reader, name, n, &is));
  NomosCheck(is, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate %s must have one dimension of %zu entries, as the fields have", s->parts[s->open].path, name, n);
  PetscCall(NomosFieldReaderRead(s->reader, name, &first, &n, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- fields and the grid they share */

/* Axes of a field behind trajectory and time: [layer,] space. Of the first field they are taken, others must have the same. */
static bool TakeSpace(NomosConvertSource *s, const Shape *shape, int first)
{
  const int  layer   = first < shape->n_dims && !strcmp(shape->dims[first], "layer"), n_space = shape->n_dims - first - layer;
  const bool nothing = !s->n_space;

  if (n_space < 1 || n_space > NOMOS_CONVERT_MAX_SPACE || (!nothing && n_space != s->n_space)) return false;
  for (int a = 0; a < n_space; a++) {
    const char  *dim  = shape->dims[first + layer + a];
    const size_t size = shape->shape[first + layer + a];
    if (!dim[0] || !size || (!nothing && (strcmp(dim, s->space[a]) || size != s->size[a]))) return false;
    if (nothing && (!strcmp(dim, "k") || !strcmp(dim, "time"))) return false; /* a spectrum */
  }
  for (int a = 0; nothing && a < n_space; a++) {
    snprintf(s->space[a], sizeof s->space[a], "%s", shape->dims[first + layer + a]);
    s->size[a] = shape->shape[first + layer + a];
  }
  s->n_space = n_space;
  return true;
}

static PetscErrorCode AddField(NomosConvertSource *s, const char name[], const Shape *shape, int first, bool time)
{
  const NomosFieldReader reader  = s->reader;
  const bool             layered = !strcmp(shape->dims[first], "layer");

  PetscFunctionBeginUser;
  for (size_t l = 0; l < (layered ? shape->shape[first] : 1); l++) {
    PetscCheck(s->n_fields < NOMOS_CONVERT_MAX_VARIABLES / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has more than %d fields", s->parts[0].path, NOMOS_CONVERT_MAX_VARIABLES / 2);
    NomosConvertField *field = &s->fields[s->n_fields++];
    field->timed = field->time = time;
    field->layer             = layered ? (long)l : -1;
    snprintf(field->source, sizeof field->source, "%s", name);
    if (layered) snprintf(field->name, sizeof field->name, "%.48s_%zu", name, l + 1);
    else snprintf(field->name, sizeof field->name, "%s", name);
    PetscCall(GetText(reader, name, "units", sizeof field->unit, field->unit));
    PetscCall(GetText(reader, name, "long_name", sizeof field->long_name, field->long_name));
  }
  s->single = s->single && NomosFieldReaderRealSize(reader, name) == sizeof(float);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddParameter(NomosConvertSource *s, const char name[], const char key[], NomosConvertParameter **parameter)
{
  PetscFunctionBeginUser;
  *parameter = NULL;
  for (size_t f = 0; f < s->n_fields; f++) /* a number of the file may have the name of a field: it is none */
    if (!strcmp(s->fields[f].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t p = 0; p < s->n_parameters; p++)
    if (!strcmp(s->parameters[p].name, name)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCheck(s->n_parameters < NOMOS_CONVERT_MAX_VARIABLES / 2, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s has more than %d parameters", s->parts[0].path, NOMOS_CONVERT_MAX_VARIABLES / 2);
  *parameter = &s->parameters[s->n_parameters++];
  snprintf((*parameter)->name, sizeof (*parameter)->name, "%s", name);
  snprintf((*parameter)->key, sizeof (*parameter)->key, "%s", key);
  PetscCall(PetscMalloc1(s->n_trajectories, &(*parameter)->values));
  for (size_t i = 0; i < s->n_trajectories; i++) (*parameter)->values[i] = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Axes of a dataset before its own: trajectory, but for a run, which is one; time, where it has that. */
static int Leading(const NomosConvertPart *part, bool time)
{
  return !part->is_run + time;
}

/* Of a run, once those that change (constant false) and once those that do not: a force, a topography. */
static PetscErrorCode TakeList(NomosConvertSource *s, bool constant)
{
  const NomosConvertPart *part = &s->parts[0];
  const char *const      *names;
  size_t                  n, length = strlen(s->left_out);

  PetscFunctionBeginUser;
  PetscCall(constant ? NomosFieldReaderConstants(s->reader, &n, &names) : NomosFieldReaderVariables(s->reader, &n, &names));
  for (size_t v = 0; v < n; v++) {
    NomosConvertParameter *parameter;
    char                   key[NOMOS_MAX_NAME];
    Shape                  shape;
    PetscCall(GetShape(s->reader, names[v], &shape));
    const bool time = part->is_run ? !constant : shape.n_dims > 1 && !strcmp(shape.dims[1], "time");
    if (!part->is_run && (!shape.n_dims || strcmp(shape.dims[0], "trajectory"))) continue;
    if (!part->is_run && shape.n_dims == 1) {
      PetscCall(GetText(s->reader, names[v], "key", sizeof key, key));
      PetscCall(AddParameter(s, names[v], key, &parameter));
    } else if (TakeSpace(s, &shape, Leading(part, time))) PetscCall(AddField(s, names[v], &shape, Leading(part, time), time));
    else if (length < sizeof s->left_out) length += (size_t)snprintf(s->left_out + length, sizeof s->left_out - length, "%s%s", length ? ", " : "", names[v]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A training reads axes by their order, a conversion by their names: it must know which is which. */
static PetscErrorCode CheckNamed(NomosConvertSource *s)
{
  static const char *const axes[] = {"trajectory, time, x", "trajectory, time, y, x", "trajectory, time, z, y, x"};
  const char *const       *names;
  size_t                   n;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderConstants(s->reader, &n, &names));
  for (size_t v = 0; v < n; v++) {
    Shape shape;
    bool  named = false;
    PetscCall(GetShape(s->reader, names[v], &shape));
    for (int d = 0; d < shape.n_dims; d++) named = named || shape.dims[d][0];
    NomosCheck(named || shape.n_dims < 3 || shape.n_dims > 5, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s has %d axes without names: attach dimension scales called %s, in the order in which they lie (h5py: f['x'].make_scale('x'); f['%s'].dims[%d].attach_scale(f['x']); and so on)", s->parts[0].path, names[v], shape.n_dims, axes[shape.n_dims - 3], names[v], shape.n_dims - 1);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeVariables(NomosConvertSource *s)
{
  const NomosConvertPart *part = &s->parts[0];

  PetscFunctionBeginUser;
  s->single = true;
  if (part->is_run) PetscCall(TakeList(s, false));
  PetscCall(TakeList(s, true));
  for (size_t v = 0; v < s->n_fields; v++)
    if (s->fields[v].time) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckNamed(s));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no field over time and space%s%s: a run's fields.nc, a file of trajectories (trajectory, time, y, x), or a file in the layout of PDEBench (x-coordinate, or groups 0000, ... with data and grid) or The Well (dimensions, t0_fields, ...) is needed", part->path, s->left_out[0] ? "; it has " : "", s->left_out);
}

/* Coordinates by their name; counted where there are none. */
static PetscErrorCode TakeCoordinate(const NomosConvertSource *s, const char name[], size_t n, char unit[NOMOS_MAX_NAME], double **values)
{
  bool has;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, values));
  PetscCall(ReadCoordinate(s, name, n, *values, &has));
  if (has) PetscCall(GetText(s->reader, name, "units", NOMOS_MAX_NAME, unit));
  else
    for (size_t i = 0; i < n; i++) (*values)[i] = (double)i;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Frames(const NomosConvertSource *s, const NomosConvertField *field, size_t *n)
{
  Shape shape;

  PetscFunctionBeginUser;
  if (s->parts[s->open].is_run) PetscCall(NomosFieldReaderFrames(s->reader, n));
  else {
    PetscCall(GetShape(s->reader, field->source, &shape));
    *n = shape.n_dims > 1 ? shape.shape[1] : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The other parts must have the same fields on the same grid at the same times. */
static PetscErrorCode CheckPart(NomosConvertSource *s, size_t p)
{
  const NomosConvertPart *part = &s->parts[p];
  double                 *values;
  size_t                  most = s->n_frames, n_frames;

  PetscFunctionBeginUser;
  PetscCall(Open(s, p));
  PetscCheck(part->is_run == s->parts[0].is_run, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s is %s, %s is not; convert them apart from each other", part->path, part->is_run ? "a run" : "a file of trajectories", s->parts[0].path);
  for (size_t f = 0; f < s->n_fields; f++) {
    Shape shape;
    bool  has;
    PetscCall(NomosFieldReaderHas(s->reader, s->fields[f].source, &has));
    PetscCheck(has, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has no %s, %s has; all files must be alike", part->path, s->fields[f].source, s->parts[0].path);
    PetscCall(GetShape(s->reader, s->fields[f].source, &shape));
    const int  first   = Leading(part, s->fields[f].timed);
    const bool layered = first < shape.n_dims && !strcmp(shape.dims[first], "layer");
    NomosCheck(layered == (s->fields[f].layer >= 0) && TakeSpace(s, &shape, first), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s lies over another grid than in %s; all files must be alike", part->path, s->fields[f].source, s->parts[0].path);
    if (!s->fields[f].timed) continue;
    PetscCall(Frames(s, &s->fields[f], &n_frames));
    NomosCheck(n_frames == s->n_frames, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has %zu frames, %s has %zu; all must have as many: leave out what was not run to its end", part->path, n_frames, s->parts[0].path, s->n_frames);
  }
  for (int a = 0; a < s->n_space; a++) most = PetscMax(most, s->size[a]);
  PetscCall(PetscMalloc1(most, &values));
  for (int a = -1; a < s->n_space; a++) {
    const char   *name  = a < 0 ? "time" : s->space[a];
    const size_t  n     = a < 0 ? s->n_frames : s->size[a];
    const double *first = a < 0 ? s->times : s->coordinates[a];
    bool          has;
    PetscCall(ReadCoordinate(s, name, n, values, &has));
    if (!has) continue;
    const double range = fabs(first[n - 1] - first[0]);
    for (size_t i = 0; i < n; i++) NomosCheck(fabs(values[i] - first[i]) <= 1e-6 * range, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s[%zu] is %.10g, in %s %.10g; all files must be alike", part->path, name, i, values[i], s->parts[0].path, first[i]);
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- parameters */

/* Is it a size, a seed, an expression of a solver? Its other numbers, and those of families of equations, are coefficients. */
static bool IsSetting(const char key[])
{
  for (size_t m = 0; nomos_solvers[m]; m++)
    for (size_t i = 0; i < nomos_solvers[m]->n_params; i++)
      if (!strcmp(nomos_solvers[m]->params[i].key, key)) return nomos_solvers[m]->params[i].type != NOMOS_PARAM_REAL;
  return false;
}

/* Of a run: the numbers of the section of its equation, and the Mach number of random waves. */
typedef struct {
  NomosConvertSource *s;
  size_t              trajectory;
  bool                of_waves;
} RunParameters;

/* "1.5e-11 m-1 s-1": a number and its unit, "" for none. */
static bool ReadQuantity(const char text[], double *number, char unit[NOMOS_MAX_NAME])
{
  NomosUnit   read;
  char        message[256];
  const char *end = NomosNumberRead(text, number);

  if (!end || (*end && *end != ' ')) return false;
  snprintf(unit, NOMOS_MAX_NAME, "%s", end + (*end == ' '));
  return !unit[0] || NomosUnitRead(unit, &read, sizeof message, message);
}

/* Into the unit that the parameter has; one without a unit gives the first it meets. NaN: it cannot. */
static double InUnitOf(NomosConvertParameter *parameter, double number, const char unit[])
{
  NomosUnit from, to;
  char      message[256];

  if (!parameter->unit[0]) snprintf(parameter->unit, sizeof parameter->unit, "%s", unit);
  if (!strcmp(parameter->unit, unit)) return number;
  return NomosUnitRead(unit, &from, sizeof message, message) && NomosUnitRead(parameter->unit, &to, sizeof message, message) && NomosUnitSame(&from, &to) ? NomosUnitScale(number, &from, &to) : NAN;
}

static bool TakeKey(const char key[], const char value[], void *ctx)
{
  RunParameters         *run = ctx;
  NomosConvertSource    *s   = run->s;
  NomosConvertParameter *parameter;
  const char            *name = strchr(key, '.');
  double                 number;
  char                   unit[NOMOS_MAX_NAME];

  if (!name || !ReadQuantity(value, &number, unit)) return true;
  const bool of_equation = strlen(s->family) == (size_t)(name - key) && !strncmp(key, s->family, strlen(s->family)) && !IsSetting(key);
  if (!of_equation && !(run->of_waves && !strcmp(key, "initial.mach"))) return true;
  name++;
  if (strlen(name) >= NOMOS_MAX_NAME || AddParameter(s, name, key, &parameter)) return true;
  for (size_t p = 0; p < s->n_parameters; p++)
    if (!strcmp(s->parameters[p].name, name)) s->parameters[p].values[run->trajectory] = InUnitOf(&s->parameters[p], number, unit);
  return true;
}

/* What a run's file says by a key, "burgers.nu": a coefficient that its case does not have (NomosFileLayout.coefficients). A file that has no case says its parameters by their names. */
static PetscErrorCode TakeCoefficient(NomosConvertSource *s, const char key[], bool has_case, size_t trajectory)
{
  const char            *dot = strchr(key, '.'), *name = dot ? dot + 1 : key;
  NomosConvertParameter *added;
  char                  *text;

  PetscFunctionBeginUser;
  if (!dot && (has_case || !strcmp(key, "first_seed"))) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(AddParameter(s, name, dot ? key : "", &added));
  PetscCall(NomosFieldReaderAttribute(s->reader, NULL, key, &text));
  for (size_t p = 0; p < s->n_parameters && text; p++)
    if (!strcmp(s->parameters[p].name, name)) s->parameters[p].values[trajectory] = strtod(text, NULL);
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Any number may be an attribute of a file that is a run without a case: one that not all of them have is no parameter, and is named. */
static PetscErrorCode DropOthers(NomosConvertSource *s)
{
  size_t n = 0, length = strlen(s->left_out);

  PetscFunctionBeginUser;
  for (size_t p = 0; p < s->n_parameters; p++) {
    bool all = true;
    for (size_t i = 0; i < s->n_trajectories; i++) all = all && isfinite(s->parameters[p].values[i]);
    if (all || s->parameters[p].key[0]) s->parameters[n++] = s->parameters[p];
    else {
      if (length < sizeof s->left_out) length += (size_t)snprintf(s->left_out + length, sizeof s->left_out - length, "%s%s (an attribute, not of all files)", length ? ", " : "", s->parameters[p].name);
      PetscCall(PetscFree(s->parameters[p].values));
    }
  }
  s->n_parameters = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadParameters(NomosConvertSource *s)
{
  size_t trajectory = 0;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < s->n_parts; trajectory += s->parts[p++].n) {
    const NomosConvertPart *part = &s->parts[p];
    const char *const      *numbers;
    size_t                  n_numbers, zero = 0;
    PetscCall(Open(s, p));
    PetscCall(NomosFieldReaderNumbers(s->reader, &n_numbers, &numbers));
    for (size_t k = 0; k < n_numbers && part->is_run; k++) PetscCall(TakeCoefficient(s, numbers[k], part->config, trajectory));
    if (part->config && part->is_run && s->family[0]) {
      char *type;
      PetscCall(NomosYamlFind(part->config, "initial.type", &type));
      NomosYamlVisit(part->config, TakeKey, &(RunParameters){s, trajectory, type && !strcmp(type, "random_modes")});
      PetscCall(PetscFree(type));
    }
    for (size_t k = 0; k < n_numbers && !part->is_run; k++) { /* the same in all its trajectories */
      NomosConvertParameter *added;
      if (!strcmp(numbers[k], "first_seed")) continue;
      PetscCall(AddParameter(s, numbers[k], "", &added));
    }
    for (size_t k = 0; k < s->n_parameters && !part->is_run; k++) {
      char *text = NULL;
      bool  has;
      PetscCall(NomosFieldReaderHas(s->reader, s->parameters[k].name, &has));
      if (has) PetscCall(IsList(s->reader, s->parameters[k].name, part->n, &has)); /* in the next file it may be another thing */
      if (has) PetscCall(NomosFieldReaderRead(s->reader, s->parameters[k].name, &zero, &part->n, s->parameters[k].values + trajectory));
      if (has && !p) PetscCall(GetText(s->reader, s->parameters[k].name, "units", sizeof s->parameters[k].unit, s->parameters[k].unit));
      else PetscCall(NomosFieldReaderAttribute(s->reader, NULL, s->parameters[k].name, &text));
      for (size_t i = 0; i < part->n && text; i++) s->parameters[k].values[trajectory + i] = strtod(text, NULL);
      PetscCall(PetscFree(text));
    }
  }
  if (s->parts[0].is_run) PetscCall(DropOthers(s));
  for (size_t k = 0; k < s->n_parameters; k++)
    for (size_t i = 0; i < s->n_trajectories; i++) NomosCheck(isfinite(s->parameters[k].values[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the parameter %s of trajectory %zu (of all files) is missing or not finite; all files must have it", s->parts[0].path, s->parameters[k].name, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The section of a solver's keys: of one that weights improve, that of the solver that it extends. */
static const char *TableOf(const char solver[])
{
  for (size_t i = 0; nomos_surrogates[i]; i++)
    if (nomos_surrogates[i]->extension && !strcmp(nomos_surrogates[i]->extension->name, solver)) return nomos_surrogates[i]->extension->extends;
  return solver;
}

/* Family of the equation and kinds of boundaries: from a run's case, or what a sweep says; of a file that does not say it, from the keys of its parameters. */
static PetscErrorCode TakeFamily(NomosConvertSource *s)
{
  const NomosConvertPart *part = &s->parts[0];
  char                   *solver = NULL, *family = NULL, key[3 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (part->config) PetscCall(NomosYamlFind(part->config, "solver", &solver));
  const char        *name = solver ? TableOf(solver) : NULL;
  const char *const *numbers;
  size_t             n_numbers;
  PetscCall(NomosFieldReaderNumbers(s->reader, &n_numbers, &numbers));
  for (size_t k = 0; k < n_numbers && part->is_run && !s->family[0]; k++)
    if (strchr(numbers[k], '.')) snprintf(s->family, sizeof s->family, "%.*s", (int)strcspn(numbers[k], "."), numbers[k]);
  if (solver && !s->family[0]) {
    snprintf(key, sizeof key, "%s.family", name);
    PetscCall(NomosYamlFind(part->config, key, &family));
    snprintf(s->family, sizeof s->family, "%s", family ? family : name);
    for (int a = 0; a < s->n_space; a++) {
      snprintf(key, sizeof key, "%s.boundary_%s", name, s->space[a]);
      PetscCall(NomosYamlFind(part->config, key, &s->boundaries[a]));
    }
  }
  if (!s->family[0]) PetscCall(GetText(s->reader, NULL, "family", sizeof s->family, s->family));
  if (!s->family[0]) PetscCall(GetText(s->reader, s->fields[0].source, "family", sizeof s->family, s->family)); /* a flat file of PDEBench's that is ours */
  for (size_t p = 0; p < s->n_parameters && !s->family[0]; p++) {
    const char *dot = strchr(s->parameters[p].key, '.');
    if (dot && strncmp(s->parameters[p].key, "initial.", 8)) snprintf(s->family, sizeof s->family, "%.*s", (int)(dot - s->parameters[p].key), s->parameters[p].key);
  }
  for (int a = 0; a < s->n_space && !solver; a++) {
    snprintf(key, sizeof key, "boundary_%s", s->space[a]);
    PetscCall(NomosFieldReaderAttribute(s->reader, NULL, key, &s->boundaries[a]));
  }
  PetscCall(PetscFree(solver));
  PetscCall(PetscFree(family));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all */

static PetscErrorCode LookInto(NomosConvertSource *s, size_t p)
{
  NomosConvertPart  *part = &s->parts[p];
  const char *const *names;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(Open(s, p));
  PetscCall(NomosFieldReaderAttribute(s->reader, NULL, "config", &part->config));
  PetscCall(NomosFieldReaderVariables(s->reader, &n, &names));
  part->is_run = n > 0;
  part->n      = part->is_run ? 1 : 0;
  if (!part->is_run) PetscCall(NomosFieldReaderConstants(s->reader, &n, &names));
  for (size_t v = 0; v < n && !part->n; v++) {
    Shape shape;
    PetscCall(GetShape(s->reader, names[v], &shape));
    if (shape.n_dims && !strcmp(shape.dims[0], "trajectory")) part->n = shape.shape[0];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertOpen(const char path[], NomosConvertSource *s)
{
  char **files, data[NOMOS_MAX_PATH + 16];

  PetscFunctionBeginUser;
  *s = (NomosConvertSource){.points = 1};
  PetscCheck(!access(path, R_OK), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s cannot be read: %s; give a file, a run directory, or a folder of these", path, strerror(errno));
  snprintf(data, sizeof data, "%.*s/data", NOMOS_MAX_PATH, path);
  PetscCall(NomosDataFiles(access(data, R_OK) ? path : data, &s->n_parts, &files)); /* of a training, its data */
  PetscCall(PetscCalloc1(s->n_parts, &s->parts));
  for (size_t p = 0; p < s->n_parts; p++) s->parts[p].path = files[p];
  PetscCall(PetscFree(files));
  for (size_t p = 0; p < s->n_parts; p++) {
    PetscCall(LookInto(s, p));
    s->n_trajectories += s->parts[p].n;
  }
  PetscCall(Open(s, 0));
  PetscCall(TakeVariables(s));
  for (size_t f = 0; f < s->n_fields; f++)
    if (s->fields[f].time) PetscCall(Frames(s, &s->fields[f], &s->n_frames));
  NomosCheck(s->n_frames && s->n_trajectories, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: there is no frame in it", s->parts[0].path);
  PetscCall(TakeCoordinate(s, "time", s->n_frames, s->time_unit, &s->times));
  for (size_t k = 0; k + 1 < s->n_frames; k++) NomosCheck(s->times[k + 1] > s->times[k], PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: frame %zu is at time %.8g and frame %zu at %.8g, and times must rise: put the frames into their order, or, if frames are to be counted, leave the times out of the file", s->parts[0].path, k, s->times[k], k + 1, s->times[k + 1]);
  for (int a = 0; a < s->n_space; a++) {
    PetscCall(TakeCoordinate(s, s->space[a], s->size[a], s->space_unit[a], &s->coordinates[a]));
    s->points *= s->size[a];
  }
  for (size_t p = 1; p < s->n_parts; p++) PetscCall(CheckPart(s, p));
  PetscCall(Open(s, 0));
  PetscCall(TakeFamily(s));
  PetscCall(ReadParameters(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertClose(NomosConvertSource *s)
{
  PetscFunctionBeginUser;
  for (size_t p = 0; p < s->n_parts && s->parts; p++) {
    PetscCall(PetscFree(s->parts[p].config));
    PetscCall(PetscFree(s->parts[p].path));
  }
  for (size_t k = 0; k < s->n_parameters; k++) PetscCall(PetscFree(s->parameters[k].values));
  for (int a = 0; a < NOMOS_CONVERT_MAX_SPACE; a++) {
    PetscCall(PetscFree(s->coordinates[a]));
    PetscCall(PetscFree(s->boundaries[a]));
  }
  PetscCall(NomosFieldReaderClose(&s->reader));
  PetscCall(PetscFree(s->times));
  PetscCall(PetscFree(s->parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConvertRead(NomosConvertSource *s, const NomosConvertField *field, size_t trajectory, size_t frame, size_t n, double values[])
{
  size_t start[NOMOS_FIELD_MAX_DIMS + 1], count[NOMOS_FIELD_MAX_DIMS + 1], local = trajectory, p = 0, total = n * s->points;
  int    d = 0;
  char   text[32];

  PetscFunctionBeginUser;
  while (local >= s->parts[p].n) local -= s->parts[p++].n;
  PetscCall(Open(s, p));
  if (!s->parts[p].is_run) start[d] = local, count[d++] = 1;
  if (field->timed) start[d] = frame, count[d++] = n;
  if (field->layer >= 0) start[d] = (size_t)field->layer, count[d++] = 1;
  for (int a = 0; a < s->n_space; a++) start[d] = 0, count[d++] = s->size[a];
  PetscCall(NomosFieldReaderRead(s->reader, field->source, start, count, values));
  for (size_t i = 0; i < total; i++) {
    if (isfinite(values[i])) continue;
    snprintf(text, sizeof text, "%g", fabs(values[i]));
    NomosCheck(false, PETSC_COMM_SELF, PETSC_ERR_FP, "%s: %s = %s in trajectory %zu, frame %zu, entry %zu of the field: data must be finite", s->parts[p].path, field->source, text, local, field->timed ? frame + i / s->points : 0, i % s->points);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
