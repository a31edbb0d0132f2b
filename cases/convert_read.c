/* What nomos import and export read: trajectories of any layout, or runs, as one description with fields, grid, times and parameters. */
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

/* One axis of n entries, which hold numbers. */
static PetscErrorCode IsList(NomosFieldReader reader, const char name[], size_t n, bool *is)
{
  PetscErrorCode no_numbers = PETSC_SUCCESS;
  Shape          shape;
  double         value;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderShape(reader, name, &shape.n_dims, shape.shape));
  *is = shape.n_dims == 1 && shape.shape[0] == n;
  if (*is && n) NomosQuietly(no_numbers, NomosFieldReaderRead(reader, name, (size_t[]){0}, (size_t[]){1}, &value));
  *is = *is && !no_numbers;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The n numbers of a coordinate, where there is one of that name. A run's times have room for frames that are not written, PDEBench's one entry more. */
static PetscErrorCode ReadCoordinate(const NomosConvertSource *s, const char name[], size_t n, double values[], bool *has)
{
  const size_t most = strcmp(name, "time") ? n : s->parts[s->open].is_run ? SIZE_MAX : n + 1;
  size_t       found;
  double      *list;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(s->reader, name, has));
  if (!*has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFieldReaderCoordinate(s->reader, name, &found, &list));
  if (found >= n && found <= most) PetscCall(PetscArraycpy(values, list, n));
  PetscCall(PetscFree(list));
  NomosCheck(found >= n && found <= most, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the coordinate %s has %zu entries, and the fields have %zu along it: one for each is needed", s->parts[s->open].path, name, found, n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of what the open part has in the unit that the first one has it in; as far as both say any. */
static PetscErrorCode CheckUnit(const NomosConvertSource *s, const char name[], const char of_first[])
{
  char ours[NOMOS_MAX_NAME], theirs[NOMOS_MAX_NAME], *text;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderAttribute(s->reader, name, "units", &text));
  NomosUnitOfFile(text, theirs);
  NomosUnitOfFile(of_first, ours);
  PetscCall(PetscFree(text));
  PetscCheck(!ours[0] || !theirs[0] || NomosUnitAlike(ours, theirs), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s is in '%s', in %s in '%s' (the attribute units), and one file has one unit: write all in one", s->parts[s->open].path, name, theirs, s->parts[0].path, ours);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is not taken, which is told */

/* Once, though it may be in many files; behind more than can be told is "...". */
static void LeaveOut(NomosConvertSource *s, const char name[], const char why[])
{
  static const char more[] = ", ...";
  char              entry[3 * NOMOS_MAX_NAME];
  const char       *text = s->left_out, *end = text + strlen(text);

  snprintf(entry, sizeof entry, "%.64s%s%.64s%s", name, why[0] ? " (" : "", why, why[0] ? ")" : "");
  const size_t length = strlen(entry);
  for (const char *at = text[0] ? text : NULL; at; at = strstr(at, ", ") ? strstr(at, ", ") + 2 : NULL)
    if (!strcmp(at, more + 2) || (!strncmp(at, entry, length) && (!at[length] || at[length] == ','))) return;
  const bool fits = (size_t)(end - text) + 2 + length + sizeof more <= sizeof s->left_out;
  NomosTextAppend(sizeof s->left_out, s->left_out, "%s%s", text[0] ? ", " : "", fits ? entry : more + 2);
}

/* Is this the name of an axis that fields have, whose numbers are its coordinates? */
static bool IsAxis(const NomosConvertSource *s, const char name[])
{
  bool is = !strcmp(name, "trajectory") || !strcmp(name, "time") || !strcmp(name, "step") || !strcmp(name, "layer");

  for (int a = 0; a < s->n_space; a++) is = is || !strcmp(name, s->space[a]);
  return is;
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

static bool IsNameless(const Shape *shape)
{
  bool none = true;

  for (int d = 0; d < shape->n_dims; d++) none = none && !shape->dims[d][0];
  return none;
}

/* What has no names of its axes has those of a field of exactly its shape: a training takes it so, too. */
static PetscErrorCode BorrowNames(const NomosConvertSource *s, Shape *shape)
{
  PetscFunctionBeginUser;
  for (size_t f = 0; f < s->n_fields && IsNameless(shape); f++) {
    Shape field;
    PetscCall(GetShape(s->reader, s->fields[f].source, &field));
    bool same = field.n_dims == shape->n_dims;
    for (int d = 0; d < field.n_dims && same; d++) same = field.shape[d] == shape->shape[d];
    if (same) *shape = field;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TakeParameter(NomosConvertSource *s, const char name[])
{
  NomosConvertParameter *parameter;
  char                   key[NOMOS_MAX_NAME];
  bool                   is;

  PetscFunctionBeginUser;
  PetscCall(IsList(s->reader, name, s->parts[0].n, &is));
  if (is) {
    PetscCall(GetText(s->reader, name, "key", sizeof key, key));
    PetscCall(AddParameter(s, name, key, &parameter));
  } else LeaveOut(s, name, "not one number for each trajectory");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list of the trajectories, or a field; else it is left out. */
static PetscErrorCode Take(NomosConvertSource *s, const char name[], const Shape *shape)
{
  const NomosConvertPart *part = &s->parts[0];
  const int               at   = !part->is_run; /* where time is, if it has that */
  const bool              time = at < shape->n_dims && !strcmp(shape->dims[at], "time"), whole = part->is_run || (shape->n_dims && !strcmp(shape->dims[0], "trajectory"));

  PetscFunctionBeginUser;
  if (whole && !part->is_run && shape->n_dims == 1) PetscCall(TakeParameter(s, name));
  else if (whole && TakeSpace(s, shape, Leading(part, time))) PetscCall(AddField(s, name, shape, Leading(part, time), time));
  else LeaveOut(s, name, "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those whose axes have names come first: the others are known by them. */
static PetscErrorCode TakeList(NomosConvertSource *s, size_t n, const char *const names[], bool nameless)
{
  const NomosConvertPart *part = &s->parts[0];

  PetscFunctionBeginUser;
  for (size_t v = 0; v < n; v++) {
    Shape shape;
    PetscCall(GetShape(s->reader, names[v], &shape));
    if (IsNameless(&shape) != nameless) continue;
    if (nameless && !part->is_run && shape.n_dims == 1 && shape.shape[0] == part->n && !NomosIsCoordinate(names[v]) && !IsAxis(s, names[v])) PetscCall(TakeParameter(s, names[v]));
    else if (nameless && shape.n_dims == 1 && IsAxis(s, names[v])) continue; /* its coordinates */
    else {
      if (nameless) PetscCall(BorrowNames(s, &shape));
      if (!shape.n_dims || !IsNameless(&shape)) PetscCall(Take(s, names[v], &shape));
      else LeaveOut(s, names[v], "its axes have no names");
    }
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
  const char *const      *names;
  size_t                  n;

  PetscFunctionBeginUser;
  s->single = true;
  PetscCall(NomosFieldReaderVariables(s->reader, &n, &names)); /* of a run what changes first, then what does not: a force, a topography */
  PetscCall(TakeList(s, n, names, false));
  PetscCall(NomosFieldReaderConstants(s->reader, &n, &names));
  for (int nameless = 0; nameless < 2; nameless++) PetscCall(TakeList(s, n, names, nameless));
  PetscCall(NomosFieldReaderOthers(s->reader, &n, &names));
  for (size_t v = 0; v < n; v++)
    if (!IsAxis(s, names[v])) LeaveOut(s, names[v], "");
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

/* The section of a solver's keys: of one that weights improve, that of the solver that it extends. */
static const char *TableOf(const char solver[])
{
  for (size_t i = 0; nomos_surrogates[i]; i++)
    if (nomos_surrogates[i]->extension && !strcmp(nomos_surrogates[i]->extension->name, solver)) return nomos_surrogates[i]->extension->extends;
  return solver;
}

/* The ends of the open part's axes: those of the case that it is of, which knows more words than The Well's groups, and is there before runs had such attributes; then what the file says. */
static PetscErrorCode ReadEnds(const NomosConvertSource *s, const char config[], NomosEnds *ends)
{
  const char *axes[NOMOS_CONVERT_MAX_SPACE];
  char       *solver = NULL, *text, name[NOMOS_MAX_NAME], key[3 * NOMOS_MAX_NAME];
  NomosEnds   said;

  PetscFunctionBeginUser;
  ends->n = 0;
  for (int a = 0; a < s->n_space; a++) axes[a] = s->space[a];
  if (config) PetscCall(NomosYamlFind(config, "solver", &solver));
  for (size_t i = 0; solver && NomosEndsName(i, (size_t)s->n_space, axes, name); i++) {
    snprintf(key, sizeof key, "%s.%s", TableOf(solver), name);
    PetscCall(NomosYamlFind(config, key, &text));
    NomosEndsSay(ends, name, text);
    PetscCall(PetscFree(text));
  }
  PetscCall(NomosEndsRead(s->reader, (size_t)s->n_space, axes, &said));
  for (size_t i = 0; i < said.n; i++) NomosEndsSay(ends, said.list[i].name, said.list[i].text);
  PetscCall(PetscFree(solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The other parts must have the same fields on the same grid at the same times, between the same ends. */
static PetscErrorCode CheckPart(NomosConvertSource *s, size_t p)
{
  const NomosConvertPart *part = &s->parts[p];
  NomosEnds               ends;
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
    PetscCall(CheckUnit(s, s->fields[f].source, s->fields[f].unit));
    PetscCall(BorrowNames(s, &shape));
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
    PetscCall(CheckUnit(s, name, a < 0 ? s->time_unit : s->space_unit[a]));
    const double range = fabs(first[n - 1] - first[0]);
    for (size_t i = 0; i < n; i++) NomosCheck(fabs(values[i] - first[i]) <= 1e-6 * range, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %s[%zu] is %.10g, in %s %.10g; all files must be alike", part->path, name, i, values[i], s->parts[0].path, first[i]);
  }
  PetscCall(PetscFree(values));
  PetscCall(ReadEnds(s, part->config, &ends));
  for (int k = 0; k < 2 * s->n_space; k++) {
    const char *axis = s->space[k / 2], *theirs = NomosEndsOf(&ends, axis, k % 2), *ours = NomosEndsOf(&s->ends, axis, k % 2);
    PetscCheck(!theirs || !ours || NomosEndsAlike(theirs, ours), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s has boundary_%s%s = %s, %s has %s; all files must be alike: convert them apart from each other", part->path, axis, k % 2 ? "_high" : "", theirs, s->parts[0].path, ours);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- parameters */

/* Is it a size, a tolerance, an expression of a solver? Its numbers that one may differentiate by, and those of families of equations, are coefficients. */
static bool IsSetting(const char key[])
{
  for (size_t m = 0; nomos_solvers[m]; m++)
    for (size_t i = 0; i < nomos_solvers[m]->n_params; i++)
      if (!strcmp(nomos_solvers[m]->params[i].key, key)) return nomos_solvers[m]->params[i].type != NOMOS_PARAM_REAL || !nomos_solvers[m]->params[i].differentiable;
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
  size_t n = 0;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < s->n_parameters; p++) {
    bool all = true;
    for (size_t i = 0; i < s->n_trajectories; i++) all = all && isfinite(s->parameters[p].values[i]);
    if (all || s->parameters[p].key[0]) s->parameters[n++] = s->parameters[p];
    else {
      LeaveOut(s, s->parameters[p].name, "an attribute, not of all files");
      PetscCall(PetscFree(s->parameters[p].values));
    }
  }
  s->n_parameters = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What an open part has and the first one has not is no field of all, and named. */
static PetscErrorCode LeaveOutMore(NomosConvertSource *s)
{
  PetscFunctionBeginUser;
  if (!s->first) PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, s->parts[0].path, &s->first));
  for (int constant = 0; constant < 2; constant++) {
    const char *const *names;
    size_t             n;
    PetscCall(constant ? NomosFieldReaderConstants(s->reader, &n, &names) : NomosFieldReaderVariables(s->reader, &n, &names));
    for (size_t v = 0; v < n; v++) {
      bool known;
      PetscCall(NomosFieldReaderHas(s->first, names[v], &known));
      for (size_t k = 0; k < s->n_parameters; k++) known = known || !strcmp(s->parameters[k].name, names[v]);
      if (!known) LeaveOut(s, names[v], "not in the first file");
    }
  }
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
      const bool             ensemble = !strcmp(numbers[k], "ensemble_members") || !strcmp(numbers[k], "ensemble_quantile");
      if (ensemble) LeaveOut(s, numbers[k], "of the predictions and no parameter of their equation");
      if (!strcmp(numbers[k], "first_seed") || ensemble) continue;
      PetscCall(AddParameter(s, numbers[k], "", &added));
    }
    for (size_t k = 0; k < s->n_parameters && !part->is_run; k++) {
      char *text = NULL;
      bool  has;
      PetscCall(NomosFieldReaderHas(s->reader, s->parameters[k].name, &has));
      if (has) PetscCall(IsList(s->reader, s->parameters[k].name, part->n, &has)); /* in the next file it may be another thing */
      if (has) PetscCall(NomosFieldReaderRead(s->reader, s->parameters[k].name, &zero, &part->n, s->parameters[k].values + trajectory));
      if (has && !p) PetscCall(GetText(s->reader, s->parameters[k].name, "units", sizeof s->parameters[k].unit, s->parameters[k].unit));
      if (has && p) PetscCall(CheckUnit(s, s->parameters[k].name, s->parameters[k].unit));
      if (!has) PetscCall(NomosFieldReaderAttribute(s->reader, NULL, s->parameters[k].name, &text));
      for (size_t i = 0; i < part->n && text; i++) s->parameters[k].values[trajectory + i] = strtod(text, NULL);
      PetscCall(PetscFree(text));
    }
    if (p) PetscCall(LeaveOutMore(s));
  }
  if (s->parts[0].is_run) PetscCall(DropOthers(s));
  for (size_t k = 0; k < s->n_parameters; k++)
    for (size_t i = 0; i < s->n_trajectories; i++) NomosCheck(isfinite(s->parameters[k].values[i]), PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: the parameter %s of trajectory %zu (of all files) is missing or not finite; all files must have it", s->parts[0].path, s->parameters[k].name, i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Family of the equation: from a run's case, or what a sweep says; of a file that does not say it, from the keys of its parameters. */
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
  }
  if (!s->family[0]) PetscCall(GetText(s->reader, NULL, "family", sizeof s->family, s->family));
  if (!s->family[0]) PetscCall(GetText(s->reader, s->fields[0].source, "family", sizeof s->family, s->family)); /* a flat file of PDEBench's that is ours */
  for (size_t p = 0; p < s->n_parameters && !s->family[0]; p++) {
    const char *dot = strchr(s->parameters[p].key, '.');
    if (dot && strncmp(s->parameters[p].key, "initial.", 8)) snprintf(s->family, sizeof s->family, "%.*s", (int)(dot - s->parameters[p].key), s->parameters[p].key);
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
  part->n      = 0;
  PetscCall(NomosFieldReaderConstants(s->reader, &n, &names));
  for (size_t v = 0; v < n; v++) {
    Shape shape;
    PetscCall(GetShape(s->reader, names[v], &shape));
    if (!shape.n_dims || strcmp(shape.dims[0], "trajectory")) continue;
    if (!part->n) part->n = shape.shape[0];
    if (shape.n_dims > 1 && !strcmp(shape.dims[1], "time")) part->is_run = false; /* a list of times beside it makes no run of it */
  }
  if (part->is_run) part->n = 1;
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
  PetscCall(ReadEnds(s, s->parts[0].config, &s->ends));
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
  for (int a = 0; a < NOMOS_CONVERT_MAX_SPACE; a++) PetscCall(PetscFree(s->coordinates[a]));
  PetscCall(NomosFieldReaderClose(&s->reader));
  PetscCall(NomosFieldReaderClose(&s->first));
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
