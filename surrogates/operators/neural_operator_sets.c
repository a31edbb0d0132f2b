/* Test sets of an emulator: trajectories that no training sees, of parameters that it saw, that lie between, that lie outside. */
#include "surrogates/operators/neural_operator_impl.h"

#include "surrogates/test_sets.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const char     prefix[]                       = "neural_operator.tests";
const NomosParamGroup nomos_neural_operator_groups[1] = {{prefix, "of each test set, beside those in tests/ of the data: NAME becomes results.NAME_nrmse", 1, nomos_test_set_params}};

/* A step of the network is the time between two frames of the data; nothing is compared where one of the two does not say it. */
static PetscErrorCode CheckInterval(NomosSurrogate s, NomosDataset dataset, const char path[])
{
  const NomosNeuralOperator *no = s->context;
  double                     interval;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetInterval(dataset, &interval));
  if (isnan(interval) || isnan(no->interval)) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(fabs(interval - no->interval) <= 2e-3 * no->interval, s->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: frames of the test set lie %.6g apart, those of the data %.6g, which is one step of the network; make the set with the data's interval", path, interval, no->interval);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosNeuralOperatorStates(const NomosPrediction *prediction, NomosDatasetInput *input)
{
  input->first_frame    = prediction->first_frame;
  input->n_trajectories = prediction->n_trajectories;
  input->every = input->most_frames = 1;
  input->window                     = 0;
  input->validation = input->test = 0;
}

PetscErrorCode NomosNeuralOperatorOpenSet(NomosSurrogate s, const char path[], const NomosPrediction *prediction, NomosDataset *dataset)
{
  const NomosNeuralOperator *no    = s->context;
  NomosDatasetInput          input = {0};
  const size_t              *shape;
  size_t                     example[NOMOS_FIELD_MAX_DIMS + 1], size;
  int                        n_axes, n_dims;

  PetscFunctionBeginUser;
  NomosCheck(!access(path, R_OK), s->comm, PETSC_ERR_FILE_OPEN, "%s%s cannot be read; give an HDF5 file, a run directory, or a folder of these", prediction ? "" : "neural_operator.tests: ", path);
  PetscCall(NomosDatasetInputFromConfig(s->config, &input));
  input.path           = path;
  input.n_variables    = no->n_fields + no->n_parameters;
  input.variables      = no->variables;
  input.frames         = true;
  input.n_trajectories = 0;
  input.validation = input.test = 0;
  if (prediction) NomosNeuralOperatorStates(prediction, &input);
  input.never_from_zero = !NomosDatasetFromZero(s->data);
  PetscCall(NomosDatasetOpen(s->comm, &input, dataset));
  for (size_t v = 0; v < no->n_fields; v++) {
    PetscCall(NomosDatasetRowShape(*dataset, v, &n_axes, &shape));
    bool same = n_axes == no->shape.n_space;
    for (int d = 0; same && d < n_axes; d++) same = shape[d] == no->shape.points[d];
    NomosCheck(same, s->comm, PETSC_ERR_ARG_SIZ, "%s: %s lies over another grid than the data: make it on the grid of %zu%s%.0zu points that the network is trained on", path, no->variables[v].name, no->shape.points[0], n_axes > 1 ? " x " : "", n_axes > 1 ? no->shape.points[1] : 0);
  }
  for (size_t p = no->n_fields; p < no->n_fields + no->n_parameters; p++) {
    PetscCall(NomosDatasetShape(*dataset, p, &n_dims, example, &size));
    NomosCheck(size == 1, s->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu numbers for a trajectory; a parameter has one", path, no->variables[p].name, size);
  }
  PetscCall(NomosNeuralOperatorThinning(s, *dataset, path));
  PetscCall(NomosNeuralOperatorDomain(s, path));
  NomosDatasetBeginning beginning;
  if (prediction) PetscCall(NomosDatasetBegins(*dataset, &beginning)); /* the unit of its times */
  else PetscCall(CheckInterval(s, *dataset, path));
  PetscCall(NomosDatasetCheckUnits(s->data, *dataset, path));
  if (prediction) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosDatasetShape(*dataset, 0, &n_dims, example, NULL));
  NomosCheck(example[0] > 1, s->comm, PETSC_ERR_ARG_SIZ, "%s: the trajectories of the test set have one frame; a prediction needs two", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSet(NomosSurrogate s, const char name[], const char path[])
{
  NomosNeuralOperator *no = s->context;
  NomosTestSet        *set;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc((no->n_sets + 1) * sizeof *no->sets, &no->sets));
  set  = &no->sets[no->n_sets++];
  *set = (NomosTestSet){0};
  PetscCall(PetscStrallocpy(name, &set->name));
  PetscCall(PetscStrallocpy(path, &set->path));
  PetscCall(NomosNeuralOperatorOpenSet(s, path, NULL, &set->dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorOpenSets(NomosSurrogate s)
{
  PetscFunctionBeginUser;
  if (s->prediction) PetscFunctionReturn(PETSC_SUCCESS); /* nothing is judged */
  PetscCall(NomosTestSetsOpen(s, prefix, (const char *const[]){"train", "validation", "test", "errors", "intervals", "loss", NULL}, (const char *const[]){"first", "last", "persistence", "solver", "solver_first", "solver_last", "ensemble", NULL}, AddSet));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorCloseSets(NomosNeuralOperator *no)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < no->n_sets; i++) {
    PetscCall(NomosDatasetClose(&no->sets[i].dataset));
    PetscCall(PetscFree(no->sets[i].name));
    PetscCall(PetscFree(no->sets[i].path));
  }
  PetscCall(PetscFree(no->sets));
  no->n_sets = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
