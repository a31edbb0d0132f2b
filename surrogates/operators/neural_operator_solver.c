/* The solver that a network corrects: made from its case, on the grid, the domain and with the boundaries and coefficients of the data, for with others it steps another equation. */
#include "surrogates/operators/field_map.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Points, length and begin along axis d; where the solver's coordinates are points and the data's means over cells, or some of them, the begins are less than half a cell apart. */
static PetscErrorCode CompareAxis(NomosSurrogate s, NomosModel model, int d, const NomosFieldDim *dim)
{
  const NomosNeuralOperator *no = s->context;
  const double               extent = no->extent[d], spacing = extent / (double)no->shape.points[d];
  const char                *where = NomosConfigWhere(s->config, "neural_operator.base"), *solver = model->ops->name;

  PetscFunctionBeginUser;
  NomosCheck(dim->size == no->shape.points[d], s->comm, PETSC_ERR_ARG_SIZ, "%s: neural_operator.solver: the grid of %s has %zu points along %s, that of the data %zu; set its grid to that of the data by neural_operator.solver.set", where, solver, dim->size, dim->name, no->shape.points[d]);
  if (!no->box_known[d] || dim->size < 2) PetscFunctionReturn(PETSC_SUCCESS);
  const double theirs = dim->values[1] - dim->values[0], length = theirs * (double)dim->size, begin = dim->values[0] - theirs / 2;
  NomosCheck(fabs(length - extent) <= 1e-3 * extent, s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the domain of %s is %.6g long along %s, that of the data %.6g; set its length to that of the data by neural_operator.solver.set, which inherits nothing of the sweep that made them", where, solver, length, dim->name, extent);
  NomosCheck(fabs(begin - no->start[d]) <= 0.51 * spacing, s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the domain of %s begins at %s = %.6g, that of the data at %.6g; set its origin to that of the data by neural_operator.solver.set, which inherits nothing of the sweep that made them", where, solver, dim->name, begin, no->start[d]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareGrid(NomosSurrogate s, NomosModel model)
{
  const NomosNeuralOperator *no = s->context;
  NomosFileLayout            layout;

  PetscFunctionBeginUser;
  PetscCall(model->ops->field_layout(model, &layout));
  for (int d = 0; d < no->shape.n_space; d++)
    for (size_t i = 0; i < layout.n_dims; i++)
      if (!strcmp(layout.dims[i].name, NomosAxisName(no, d))) PetscCall(CompareAxis(s, model, d, &layout.dims[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- ends: SOLVER.boundary_x, .boundary_x_high, ... of the axes that the data have, and .value_low, .value_high where a boundary is a value */

typedef struct {
  NomosSurrogate   s;
  NomosConfig      config; /* of the solver */
  NomosFieldReader reader; /* of a file of the data; NULL: the ends are written into no->ends */
  const char      *path;
  bool             values;
} Ends;

static bool IsEnd(const Ends *e, const char key[], const char **name)
{
  const NomosNeuralOperator *no  = e->s->context;
  const char                *dot = strrchr(key, '.');

  *name = dot ? dot + 1 : key;
  if (!strcmp(*name, "value_low") || !strcmp(*name, "value_high")) return e->values;
  for (int d = 0; d < no->shape.n_space; d++)
    if (NomosEndIs(*name, NomosAxisName(no, d))) return true;
  return false;
}

static PetscErrorCode FindValues(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  PetscFunctionBeginUser;
  (void)origin;
  if (strstr(param->key, ".boundary_") && !strcmp(value, "value")) ((Ends *)ctx)->values = true;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Against what the file says of it, if it does; or noted. */
static PetscErrorCode CompareEnd(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const Ends          *e  = ctx;
  NomosNeuralOperator *no = e->s->context;
  const char          *name;
  char                *theirs;

  PetscFunctionBeginUser;
  (void)origin;
  if (!IsEnd(e, param->key, &name)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!e->reader) {
    NomosTextAppend(sizeof no->ends, no->ends, "%s%s=%s", no->ends[0] ? ";" : "", param->key, value);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosFieldReaderAttribute(e->reader, NULL, name, &theirs));
  const bool same = !theirs || NomosEndsAlike(value, theirs);
  char       said[128];
  snprintf(said, sizeof said, "%s", theirs ? theirs : "");
  PetscCall(PetscFree(theirs));
  NomosCheck(same, e->s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the solver has %s = %s, the data have %s = %s (%s); set it to theirs by neural_operator.solver.set, which inherits nothing of the sweep that made them", NomosConfigWhere(e->s->config, "neural_operator.base"), param->key, value, name, said, e->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareFile(NomosFieldReader reader, const char file[], void *ctx)
{
  Ends *e = ctx;

  PetscFunctionBeginUser;
  e->reader = reader;
  e->path   = file;
  PetscCall(NomosConfigVisit(e->config, CompareEnd, e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareBoundaries(NomosSurrogate s, NomosModel model)
{
  Ends e = {.s = s, .config = model->config};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigVisit(e.config, FindValues, &e));
  PetscCall(NomosConfigVisit(e.config, CompareEnd, &e));
  PetscCall(NomosDataFilesVisit(s->data_path, CompareFile, &e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorForeseeSolver(NomosSurrogate s)
{
  NomosModel         model;
  NomosConfig        config;
  NomosSimulation    simulation = {0};
  const char        *base, *const *fields;
  size_t             n_fields;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.base", &base));
  PetscCall(NomosConfigGetString(s->config, "neural_operator.solver.case", &simulation.path));
  if (strcmp(base, "solver") || !simulation.path[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.solver.set", &simulation.n_set, &simulation.set));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.fields", &n_fields, &fields));
  PetscCheck(s->simulate, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: this program has no simulations, which a learned correction runs", s->ops->name);
  PetscCall(s->simulate(s, &simulation, &model, &config));
  PetscErrorCode code = NomosFieldMapCheckNames(model, n_fields, fields);
  PetscCall(NomosModelDestroy(&model));
  PetscCall(NomosConfigDestroy(&config));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorSolver(NomosSurrogate s)
{
  NomosNeuralOperator   *no    = s->context;
  NomosCoarseSolverInput input = {.n_fields = no->n_fields, .n_points = no->n_points, .n_parameters = no->n_parameters, .parameters = no->parameter_keys, .interval = no->interval};
  const char            *base, *form, *fields[NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "neural_operator.base", &base));
  if (strcmp(base, "solver")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetString(s->config, "neural_operator.form", &form));

  NomosCheck(no->interval > 0, s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.base = solver: the data have no time (dataset time or t-coordinate), so how far the solver is to go is not known", NomosConfigWhere(s->config, "neural_operator.base"));
  PetscCall(NomosConfigGetString(s->config, "neural_operator.solver.case", &input.path));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.solver.set", &input.n_set, &input.set));
  if (!input.path[0]) input.path = NULL;
  for (size_t f = 0; f < no->n_fields; f++) fields[f] = no->variables[f].name;
  input.fields = fields;
  PetscCall(NomosCoarseSolverCreate(s, &input, &no->solver));
  NomosCheck(strcmp(form, "flux") || !NomosCoarseSolverIsPrimitive(no->solver), s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.form = flux: it keeps the sums of the data's fields, which are primitive variables here (velocity, pressure) and have none to keep; choose increment", NomosConfigWhere(s->config, "neural_operator.form"));
  PetscCall(CompareGrid(s, NomosCoarseSolverModel(no->solver)));
  PetscCall(CompareBoundaries(s, NomosCoarseSolverModel(no->solver)));
  PetscCall(NomosNeuralOperatorCoefficients(s, NomosCoarseSolverModel(no->solver)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
