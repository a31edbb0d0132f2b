/* The solver that a network corrects: made from its case, on the grid, the domain and with the boundaries of the data, for on another domain it steps as another equation would. */
#include "operators/model_operator.h"
#include "surrogates/operators/field_map.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdlib.h>
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

/* A key SOLVER.boundary_x of the solver, where the data say theirs. */
static PetscErrorCode CompareBoundary(const NomosParam *param, const char value[], const char origin[], void *ctx)
{
  const NomosSurrogate       s    = ctx;
  const NomosNeuralOperator *no   = s->context;
  const char                *name = strstr(param->key, ".boundary_");

  PetscFunctionBeginUser;
  (void)origin;
  for (int d = 0; d < no->shape.n_space && name; d++) {
    if (strcmp(name + strlen(".boundary_"), NomosAxisName(no, d)) || !no->boundary[d][0]) continue;
    NomosCheck(!strcmp(value, no->boundary[d]), s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the solver has %s = %s, the data have boundary_%s = %s; set it to theirs by neural_operator.solver.set, which inherits nothing of the sweep that made them", NomosConfigWhere(s->config, "neural_operator.base"), param->key, value, NomosAxisName(no, d), no->boundary[d]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareBoundaries(NomosSurrogate s, NomosModel model)
{
  PetscFunctionBeginUser;
  PetscCall(NomosConfigVisit(model->config, CompareBoundary, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a file says of a coefficient, "nu" of "burgers.nu": for each trajectory, or for all. */
typedef struct {
  bool   said;
  double least, largest;
} Coefficient;

static PetscErrorCode ReadCoefficient(NomosFieldReader reader, const char name[], Coefficient *c)
{
  size_t  shape[NOMOS_FIELD_MAX_DIMS + 1];
  bool    has;
  int     n_dims;
  char   *text, *end;
  double *values;

  PetscFunctionBeginUser;
  *c = (Coefficient){.said = false};
  PetscCall(NomosFieldReaderHas(reader, name, &has));
  if (has) {
    PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
    if (n_dims != 1 || !shape[0]) PetscFunctionReturn(PETSC_SUCCESS); /* a field of that name */
    PetscCall(PetscMalloc1(shape[0], &values));
    PetscCall(NomosFieldReaderRead(reader, name, (size_t[]){0}, shape, values));
    *c = (Coefficient){true, values[0], values[0]};
    for (size_t i = 1; i < shape[0]; i++) {
      c->least   = fmin(c->least, values[i]);
      c->largest = fmax(c->largest, values[i]);
    }
    PetscCall(PetscFree(values));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosFieldReaderAttribute(reader, NULL, name, &text));
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  const double value = strtod(text, &end);
  if (end != text && !*end) *c = (Coefficient){true, value, value};
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is the name one of these, or (assigned) one of the keys of these assignments KEY=VALUE? */
static bool IsAmong(size_t n, const char *const texts[], const char name[], bool assigned)
{
  const size_t length = strlen(name);

  for (size_t i = 0; i < n; i++)
    if (!strncmp(texts[i], name, length) && texts[i][length] == (assigned ? '=' : '\0')) return true;
  return false;
}

/* Of the solver's, against what a file says. A solver with another coefficient steps another equation: whoever wants that says so in neural_operator.solver.set. */
static PetscErrorCode CompareCoefficient(NomosSurrogate s, const char name[], double value, const char path[], const Coefficient *c)
{
  const char  *where     = NomosConfigWhere(s->config, "neural_operator.base");
  const double tolerance = 1e-6 * fmax(fabs(value), fmax(fabs(c->least), fabs(c->largest)));

  PetscFunctionBeginUser;
  NomosCheck(c->largest - c->least <= tolerance, s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the solver has %s = %g, in %s it differs between trajectories, from %g to %g; name it in neural_operator.parameters, which the solver is told, or set what the solver is to have in neural_operator.solver.set", where, name, value, path, c->least, c->largest);
  NomosCheck(fabs(c->least - value) <= tolerance, s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the solver has %s = %g, %s has %g; set what the solver is to have in neural_operator.solver.set, which inherits nothing of the sweep that made the data", where, name, value, path, c->least);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those that neither the parameters give the solver nor neural_operator.solver.set. */
static PetscErrorCode CompareFile(NomosSurrogate s, NomosModel model, const NomosCoarseSolverInput *input, NomosFieldReader reader, const char path[])
{
  const NomosModelParameter *list;
  size_t                     n;
  char                       name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &n, &list));
  for (size_t k = 0; k < n; k++) {
    Coefficient c;
    NomosParameterName(&list[k], name);
    if (IsAmong(input->n_parameters, input->parameters, name, false) || IsAmong(input->n_set, input->set, name, true)) continue;
    PetscCall(ReadCoefficient(reader, strrchr(name, '.') ? strrchr(name, '.') + 1 : name, &c));
    if (c.said) PetscCall(CompareCoefficient(s, name, list[k].value, path, &c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CompareCoefficients(NomosSurrogate s, NomosModel model, const NomosCoarseSolverInput *input)
{
  size_t         n;
  char         **files;
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  PetscCall(NomosDataFiles(s->data_path, &n, &files));
  for (size_t i = 0; i < n; i++) {
    NomosFieldReader reader = NULL;
    if (!code) code = NomosFieldReaderOpen(PETSC_COMM_SELF, files[i], &reader);
    if (!code) code = CompareFile(s, model, input, reader, files[i]);
    if (reader) PetscCall(NomosFieldReaderClose(&reader));
    PetscCall(PetscFree(files[i]));
  }
  PetscCall(PetscFree(files));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorForesee(NomosSurrogate s)
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
  NomosCheck(strcmp(form, "next_state"), s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.base = solver: with neural_operator.form = next_state nothing of the solver would be left; choose increment or flux", NomosConfigWhere(s->config, "neural_operator.base"));
  NomosCheck(no->interval > 0, s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: neural_operator.base = solver: the data have no time (dataset time or t-coordinate), so how far the solver is to go is not known", NomosConfigWhere(s->config, "neural_operator.base"));
  PetscCall(NomosConfigGetString(s->config, "neural_operator.solver.case", &input.path));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.solver.set", &input.n_set, &input.set));
  if (!input.path[0]) input.path = NULL;
  for (size_t f = 0; f < no->n_fields; f++) fields[f] = no->variables[f].name;
  input.fields = fields;
  PetscCall(NomosCoarseSolverCreate(s, &input, &no->solver));
  PetscCall(CompareGrid(s, NomosCoarseSolverModel(no->solver)));
  PetscCall(CompareBoundaries(s, NomosCoarseSolverModel(no->solver)));
  PetscCall(CompareCoefficients(s, NomosCoarseSolverModel(no->solver), &input));
  PetscFunctionReturn(PETSC_SUCCESS);
}
