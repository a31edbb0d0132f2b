/* The data of an emulator: fields and parameters of trajectories, the grid, the units of the network. */
#include "io/disk.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- what is read */

/* Axes of space of a field that has time, as the file has it; of one that has none, fewer. */
static PetscErrorCode SpaceOf(NomosFieldReader reader, const char field[], int *n_space)
{
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1];
  const char *first  = "";
  int         n_dims = 3;
  bool        has;

  PetscFunctionBeginUser;
  PetscCall(NomosFieldReaderHas(reader, field, &has));
  if (has) {
    PetscCall(NomosFieldReaderShape(reader, field, &n_dims, shape));
    PetscCall(NomosFieldReaderDimName(reader, field, 0, &first));
  }
  *n_space = n_dims - (strcmp(first, "time") ? 2 : 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The axes of space of the fields, as the first file has them. Errors that the data set would find are left to it. */
static PetscErrorCode CountSpace(NomosSurrogate s, const char path[], size_t n_fields, const char *const fields[], int *n_space)
{
  NomosFieldReader reader;
  size_t           n_files, longest = 0;
  char           **files;

  PetscFunctionBeginUser;
  *n_space = 0;
  PetscCall(NomosDataFiles(path, &n_files, &files));
  PetscErrorCode code = NomosFieldReaderOpen(PETSC_COMM_SELF, files[0], &reader);
  if (!code) {
    for (size_t f = 0; f < n_fields; f++) {
      int own;
      PetscCall(SpaceOf(reader, fields[f], &own));
      if (own > *n_space) longest = f;
      *n_space = PetscMax(*n_space, own);
    }
    NomosCheck(*n_space > 0, s->comm, PETSC_ERR_ARG_WRONG, "%s: neural_operator.fields names %s, which has no axis of space in %s; a field lies over [trajectory, time, (y,) x] or a run's [time, (y,) x]", NomosConfigWhere(s->config, "neural_operator.fields"), fields[0], files[0]);
    NomosCheck(*n_space < 3, s->comm, PETSC_ERR_SUP, "%s: %s lies over %d axes of space; an emulator has one or two: the data are [trajectory, time, (y,) x] or a run's [time, (y,) x]", files[0], fields[longest], *n_space);
    PetscCall(NomosFieldReaderClose(&reader));
  }
  for (size_t i = 0; i < n_files; i++) PetscCall(PetscFree(files[i]));
  PetscCall(PetscFree(files));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorData(NomosSurrogate s, NomosDatasetInput *input)
{
  NomosNeuralOperator *no;
  const char *const   *fields;
  const char          *ensemble;
  int64_t              frames;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&no));
  s->context = no;
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.fields", &no->n_fields, &fields));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.parameters", &no->n_parameters, &no->parameter_keys));
  PetscCall(NomosConfigGetInt(s->config, "neural_operator.frames", &frames));
  PetscCall(NomosNeuralOperatorCheckCase(s));
  PetscCall(NomosConfigGetString(s->config, "neural_operator.ensemble", &ensemble));
  NomosCheck(!s->weights || !ensemble[0] || NomosIsDirectory(ensemble), s->comm, PETSC_ERR_FILE_OPEN, "%s: neural_operator.ensemble: %s is no folder that is there; name one with runs of nomos train that differ by train.seed, or with their files *.safetensors", NomosConfigWhere(s->config, "neural_operator.ensemble"), ensemble);
  PetscCall(CountSpace(s, input->path, no->n_fields, fields, &no->shape.n_space));
  for (size_t f = 0; f < no->n_fields; f++) no->variables[f] = (NomosDatasetVariable){.name = fields[f], .n_space = no->shape.n_space};
  for (size_t p = 0; p < no->n_parameters; p++) no->variables[no->n_fields + p] = (NomosDatasetVariable){.name = NomosNameInData(no->parameter_keys[p]), .constant = true};
  input->n_variables = no->n_fields + no->n_parameters;
  input->variables   = no->variables;
  input->frames      = true;
  input->window      = (size_t)frames;
  input->window_key  = "neural_operator.frames";
  input->whole_tests = true; /* judged by free runs from the first frame on */
  if (s->prediction) {
    NomosSafetensors file;
    NomosNeuralOperatorStates(s->prediction, input);
    PetscCall(NomosSafetensorsOpen(s->comm, s->weights, &file));
    input->never_from_zero = !NomosNeuralOperatorLedFromZero(NomosSafetensorsMetadata(file, nomos_emulator_text_keys[NOMOS_EMULATOR_FROM_ZERO]), 1);
    PetscCall(NomosSafetensorsClose(&file));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Those of the training's trajectories, *values (n, P): PetscFree. */
static PetscErrorCode ReadParameters(NomosSurrogate s, size_t *n_trajectories, double **values)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = NomosDatasetExamples(s->data, NOMOS_SPLIT_TRAIN);
  size_t                     last = SIZE_MAX, *first;
  double                    *column;

  PetscFunctionBeginUser;
  *n_trajectories = 0;
  PetscCall(PetscMalloc1(n * no->n_parameters + 1, values));
  PetscCall(PetscMalloc2(n, &first, n, &column));
  for (size_t e = 0; e < n; e++) { /* an example of each trajectory */
    size_t trajectory;
    PetscCall(NomosDatasetOrigin(s->data, NOMOS_SPLIT_TRAIN, e, &trajectory, NULL, NULL));
    if (trajectory != last) first[(*n_trajectories)++] = e;
    last = trajectory;
  }
  for (size_t p = 0; p < no->n_parameters; p++) {
    PetscCall(NomosDatasetRead(s->data, no->n_fields + p, NOMOS_SPLIT_TRAIN, *n_trajectories, first, column));
    for (size_t i = 0; i < *n_trajectories; i++) (*values)[i * no->n_parameters + p] = column[i];
  }
  PetscCall(PetscFree2(first, column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the grid */

PetscErrorCode NomosNeuralOperatorGrid(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  const size_t        *first = NULL, *shape;
  size_t               example[NOMOS_FIELD_MAX_DIMS + 1], size, n_trajectories;
  double              *values;
  int                  n_axes, n_dims;
  bool                 same;

  PetscFunctionBeginUser;
  for (size_t v = 0; v < no->n_fields; v++) {
    PetscCall(NomosDatasetRowShape(s->data, v, &n_axes, &shape));
    if (!v) first = shape;
    same = n_axes == no->shape.n_space;
    for (int d = 0; same && d < n_axes; d++) same = shape[d] == first[d];
    NomosCheck(same, s->comm, PETSC_ERR_ARG_SIZ, "%s: the field %s does not lie over the same grid as %s; choose fields of one grid", NomosConfigWhere(s->config, "neural_operator.fields"), no->variables[v].name, no->variables[0].name);
  }
  for (size_t p = no->n_fields; p < no->n_fields + no->n_parameters; p++) {
    PetscCall(NomosDatasetShape(s->data, p, &n_dims, example, &size));
    NomosCheck(size == 1, s->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu numbers for a trajectory; a parameter has one", NomosConfigWhere(s->config, "neural_operator.parameters"), no->variables[p].name, size);
  }
  PetscCall(NomosDatasetShape(s->data, 0, &n_dims, example, NULL));
  no->n_frames     = example[0];
  no->whole_frames = NomosDatasetFrames(s->data, NOMOS_SPLIT_VALIDATION);
  NomosCheck(no->n_frames > 1 || s->prediction, s->comm, PETSC_ERR_ARG_SIZ, "the trajectories of %s have one frame (data.first_frame, data.every); a step needs two", s->data_path);
  no->n_points = 1;
  for (int d = 0; d < no->shape.n_space; d++) no->n_points *= no->shape.points[d] = first[d];
  no->shape.n_fields     = no->n_fields;
  no->shape.n_parameters = no->n_parameters;
  no->size               = no->n_fields * no->n_points;
  PetscCall(NomosConfigGetBool(s->config, "neural_operator.periodic", &no->shape.periodic));
  PetscCall(NomosNeuralOperatorThinning(s, s->data, s->data_path));
  PetscCall(NomosNeuralOperatorCoordinates(s));
  PetscCall(ReadParameters(s, &n_trajectories, &values));
  NomosParameterRangeFit(&no->range, no->n_parameters, n_trajectories, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- units of the network */

/* A field at a time, as they lie in the data; then all as one. */
static PetscErrorCode FitFields(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  double               statistics[2][NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  for (size_t f = 0; f < no->n_fields; f++) {
    NomosParameters    one;
    NomosNormalisation normalisation;
    PetscCall(NomosParametersCreate(NOMOS_F64, &one));
    PetscCall(NomosNormalisationCreate(one, "field", 1, &normalisation));
    PetscCall(NomosParametersInitialise(one, 0));
    PetscCall(NomosNormalisationFit(&normalisation, one, &(NomosNormalisationSource){.comm = s->comm, .dataset = s->data, .variable = f, .axis = -1}));
    for (int i = 0; i < 2; i++) PetscCall(NomosParametersGetDoubles(one, i ? normalisation.deviation : normalisation.mean, &statistics[i][f]));
    PetscCall(NomosParametersDestroy(&one));
  }
  PetscCall(NomosNormalisationSet(&no->normalisation, s->parameters, statistics[0], statistics[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorFit(NomosSurrogate s)
{
  NomosNeuralOperator *no = s->context;
  size_t               n;
  double              *values;

  PetscFunctionBeginUser;
  if (no->normalised) PetscCall(FitFields(s));
  PetscCall(ReadParameters(s, &n, &values));
  PetscCall(NomosEmulatorFit(no->emulator, s->parameters, &(NomosEmulatorSeen){n, values, no->parameter_keys}));
  PetscCall(PetscFree(values));
  PetscCall(NomosNeuralOperatorNorms(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorUnits(NomosSurrogate s, double mean[], double deviation[])
{
  const NomosNeuralOperator *no = s->context;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < no->n_fields; f++) {
    mean[f]      = 0;
    deviation[f] = 1;
  }
  if (!no->normalised) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParametersGetDoubles(s->parameters, no->normalisation.mean, mean));
  PetscCall(NomosParametersGetDoubles(s->parameters, no->normalisation.deviation, deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosInUnitsOfData(double mean, double deviation, double v)
{
  const double u = mean + deviation * v;

  return fabs(u) <= 4 * DBL_EPSILON * fabs(mean) ? 0 : u;
}

PetscErrorCode NomosTrajectoriesRead(NomosSurrogate s, const NomosTrajectoriesInput *input, NomosTrajectories *t)
{
  const NomosNeuralOperator *no = s->context;
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES], *values;
  const size_t               n = input->n, P = no->n_parameters;

  PetscFunctionBeginUser;
  *t = (NomosTrajectories){.n = n, .n_frames = NomosDatasetFrames(input->dataset, input->split)};
  PetscCall(NomosNeuralOperatorUnits(s, mean, deviation));
  PetscCall(PetscMalloc2(t->n_frames * n * no->size, &t->states, n * P + 1, &t->parameters));
  PetscCall(PetscMalloc1(t->n_frames * no->n_points, &values));
  for (size_t i = 0; i < n; i++) { /* one after the other, as a block of the files holds all variables of its frames */
    for (size_t f = 0; f < no->n_fields; f++) {
      PetscCall(NomosDatasetRead(input->dataset, f, input->split, 1, &input->examples[i], values));
      for (size_t k = 0; k < t->n_frames; k++) {
        const double *from = values + k * no->n_points;
        double       *to   = t->states + (k * n + i) * no->size + f * no->n_points;
        for (size_t x = 0; x < no->n_points; x++) to[x] = (from[x] - mean[f]) / deviation[f];
      }
    }
    for (size_t p = 0; p < P; p++) PetscCall(NomosDatasetRead(input->dataset, no->n_fields + p, input->split, 1, &input->examples[i], &t->parameters[i * P + p]));
  }
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrajectoriesFree(NomosTrajectories *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(t->states, t->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}
