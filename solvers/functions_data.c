/* Data from formulas: exact solutions, written as expressions of position and time. */
#include "io/expression.h"
#include "io/field_file.h"
#include "operators/generator.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_AXES = 2, MAX_FIELDS = 16 };

/* clang-format off */
static const NomosParam params[] = {
  {"functions.names",  NOMOS_PARAM_EXPRESSION_LIST, "u",     NULL, 0, 0,          NULL, false, "Names of the fields."},
  {"functions.values", NOMOS_PARAM_EXPRESSION_LIST, NULL,    NULL, 0, 0,          NULL, false, "An expression for each, of x, y and t."},
  {"functions.points", NOMOS_PARAM_REAL_LIST,       "",    NULL, 0, 1e6,        NULL, false, "Points along every axis, outermost first: [] (no space), [x] or [y, x]."},
  {"functions.from",   NOMOS_PARAM_REAL_LIST,       "",    NULL, 0, 0,          NULL, false, "The first point along every axis."},
  {"functions.to",     NOMOS_PARAM_REAL_LIST,       "",    NULL, 0, 0,          NULL, false, "The last point along every axis; where the field is periodic the end of the domain, which is no point."},
  {"functions.periodic", NOMOS_PARAM_BOOL,          "false", NULL, 0, 0,          NULL, false, "Whether functions.to is no point of its own."},
  {"functions.frames", NOMOS_PARAM_INT,             NULL,    NULL, 2, 1e9,        NULL, false, "Frames, the first and the last included."},
  {"functions.start",  NOMOS_PARAM_REAL,            "0",     NULL, 0, 0,          NULL, false, "Time of the first one."},
  {"functions.stop",   NOMOS_PARAM_REAL,            NULL,    NULL, 0, 0,          NULL, false, "Time of the last one."},
};
/* clang-format on */

typedef struct {
  size_t             n_fields, n_dims, n[MAX_AXES], points, frames;
  const char *const *names, *const *values;
  double             start, stop;
  double            *axes[MAX_AXES];
  NomosExpression    expressions[MAX_FIELDS];
} Functions;

static PetscErrorCode Read(MPI_Comm comm, NomosConfig config, Functions *f)
{
  const double *points, *from, *to;
  size_t        n_values, n_from, n_to;
  int64_t       frames;
  bool          periodic;
  static const char *const variables[] = {"x", "y", "t"};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "functions.names", &f->n_fields, &f->names));
  PetscCall(NomosConfigGetStrings(config, "functions.values", &n_values, &f->values));
  PetscCall(NomosConfigGetReals(config, "functions.points", &f->n_dims, &points));
  PetscCall(NomosConfigGetReals(config, "functions.from", &n_from, &from));
  PetscCall(NomosConfigGetReals(config, "functions.to", &n_to, &to));
  PetscCall(NomosConfigGetBool(config, "functions.periodic", &periodic));
  PetscCall(NomosConfigGetInt(config, "functions.frames", &frames));
  PetscCall(NomosConfigGetReal(config, "functions.start", &f->start));
  PetscCall(NomosConfigGetReal(config, "functions.stop", &f->stop));
  PetscCheck(n_values == f->n_fields && f->n_fields <= MAX_FIELDS, comm, PETSC_ERR_ARG_SIZ, "%s: functions.values has %zu expressions for %zu names; one for each of at most %d is needed", NomosConfigWhere(config, "functions.values"), n_values, f->n_fields, MAX_FIELDS);
  PetscCheck(f->n_dims <= MAX_AXES && n_from == f->n_dims && n_to == f->n_dims, comm, PETSC_ERR_ARG_SIZ, "%s: functions.points, from and to have %zu, %zu and %zu entries; as many of each, at most %d, are needed", NomosConfigWhere(config, "functions.points"), f->n_dims, n_from, n_to, MAX_AXES);
  NomosCheck(f->stop > f->start, comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: functions.stop = %g is not after functions.start = %g", NomosConfigWhere(config, "functions.stop"), f->stop, f->start);
  f->frames = (size_t)frames;
  f->points = 1;
  for (size_t d = 0; d < f->n_dims; d++) {
    f->n[d] = (size_t)points[d];
    NomosCheck(f->n[d] >= 2 && to[d] > from[d], comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: axis %zu has %zu points from %g to %g; at least 2, from the smaller to the larger, are needed", NomosConfigWhere(config, "functions.points"), d, f->n[d], from[d], to[d]);
    f->points *= f->n[d];
    PetscCall(PetscMalloc1(f->n[d], &f->axes[d]));
    for (size_t i = 0; i < f->n[d]; i++) f->axes[d][i] = from[d] + (to[d] - from[d]) * (double)i / (double)(f->n[d] - !periodic);
  }
  for (size_t i = 0; i < f->n_fields; i++) PetscCall(NomosExpressionCreate(f->values[i], 3, variables, &f->expressions[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Functions *f)
{
  PetscFunctionBeginUser;
  for (size_t d = 0; d < MAX_AXES; d++) PetscCall(PetscFree(f->axes[d]));
  for (size_t i = 0; i < MAX_FIELDS; i++)
    if (f->expressions[i]) PetscCall(NomosExpressionDestroy(&f->expressions[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(const Functions *f, size_t field, double t, double values[])
{
  const size_t nx = f->n_dims ? f->n[f->n_dims - 1] : 1;

  PetscFunctionBeginUser;
  for (size_t k = 0; k < f->points; k++) {
    const double at[] = {f->n_dims ? f->axes[f->n_dims - 1][k % nx] : 0, f->n_dims > 1 ? f->axes[0][k / nx] : 0, t};
    values[k] = NomosExpressionEvaluate(f->expressions[field], at);
    NomosCheck(isfinite(values[k]), PETSC_COMM_SELF, PETSC_ERR_FP, "functions.values: %s is %g at x = %g, y = %g, t = %g", f->values[field], values[k], at[0], at[1], t);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFrames(MPI_Comm comm, const Functions *f, const char path[])
{
  static const char *const names[] = {"y", "x"}, *const axes[] = {"Y", "X"};
  NomosFieldDim            dims[MAX_AXES];
  NomosFieldVariable       variables[MAX_FIELDS];
  NomosFieldFile           file;
  size_t                   start[MAX_AXES] = {0}, none[MAX_AXES] = {0};
  double                  *values;
  int                      rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (size_t d = 0; d < f->n_dims; d++) dims[d] = (NomosFieldDim){.name = names[2 - f->n_dims + d], .size = f->n[d], .values = f->axes[d], .axis = axes[2 - f->n_dims + d]};
  for (size_t i = 0; i < f->n_fields; i++) {
    variables[i] = (NomosFieldVariable){.name = f->names[i], .type = NOMOS_F64};
    for (size_t d = 0; d < f->n_dims; d++) variables[i].dims[d] = dims[d].name;
  }
  PetscCall(PetscMalloc1(f->points, &values));
  PetscCall(NomosFieldFileCreate(comm, &(NomosFieldFileInput){.path = path, .n_dims = f->n_dims, .dims = dims, .n_variables = f->n_fields, .variables = variables, .capacity = f->frames, .time_unit = "1", .title = "functions of position and time", .source = "nomos " NOMOS_VERSION}, &file));
  for (size_t frame = 0; frame < f->frames; frame++) {
    const double t = f->start + (f->stop - f->start) * (double)frame / (double)(f->frames - 1);
    PetscCall(NomosFieldFileBeginFrame(file, t, (int64_t)frame));
    for (size_t i = 0; i < f->n_fields; i++) {
      PetscCall(Fill(f, i, t, values));
      PetscCall(NomosFieldFileWrite(file, f->names[i], NOMOS_F64, start, rank ? none : f->n, values));
    }
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(const NomosGeneratorOutput *output, bool *whole)
{
  Functions f = {0};

  PetscFunctionBeginUser;
  *whole              = true;
  PetscErrorCode code = Read(output->comm, output->config, &f);
  if (!code) code = WriteFrames(output->comm, &f, output->path);
  PetscCall(Destroy(&f));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

extern const NomosGenerator nomos_generator_functions;
const NomosGenerator        nomos_generator_functions = {
         .name      = "functions",
         .summary   = "Fields given as functions of position and time, such as exact solutions, on a grid.",
         .reference = "",
         .n_params  = sizeof params / sizeof *params,
         .params    = params,
         .write     = Write,
};
