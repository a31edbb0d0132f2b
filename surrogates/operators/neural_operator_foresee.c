/* What of a case of an emulator is wrong whatever its data are, and what is seen of it before they are made, which may take long: their outline (operators/generator.h) has the fields, the grid and the names of the parameters. */
#include "surrogates/operators/neural_operator_impl.h"

#include <string.h>

/* Fields and parameters are variables of one list: each is read once. */
static PetscErrorCode CheckTwice(NomosSurrogate s)
{
  static const char *const keys[] = {"neural_operator.fields", "neural_operator.parameters"};
  const char *const       *names[2];
  size_t                   n[2];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) PetscCall(NomosConfigGetStrings(s->config, keys[k], &n[k], &names[k]));
  for (size_t i = 0; i < n[0] + n[1]; i++)
    for (size_t j = 0; j < i; j++) {
      const int   of[2]   = {j >= n[0], i >= n[0]};
      const char *both[2] = {of[0] ? NomosNameInData(names[1][j - n[0]]) : names[0][j], of[1] ? NomosNameInData(names[1][i - n[0]]) : names[0][i]};
      NomosCheck(strcmp(both[0], both[1]), s->comm, PETSC_ERR_ARG_WRONG, "%s: %s names %s%s; name it once", NomosConfigWhere(s->config, keys[of[1]]), keys[of[1]], both[1], of[0] == of[1] ? " twice" : ", which neural_operator.fields names too");
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What does not depend on the weights chooses none. */
static PetscErrorCode CheckMonitor(NomosSurrogate s)
{
  const char *monitor;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "train.monitor", &monitor));
  for (int p = NOMOS_PREDICTOR_PERSISTENCE; p < NOMOS_N_PREDICTORS && !s->weights; p++)
    NomosCheck(strncmp(monitor, nomos_predictor_prefixes[p], strlen(nomos_predictor_prefixes[p])), s->comm, PETSC_ERR_ARG_WRONG, "%s: train.monitor = %s: this error is not of the network and does not change in a training, so that the best weights would be those of the first validation; choose loss or nrmse", NomosConfigWhere(s->config, "train.monitor"), monitor);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorCheckCase(NomosSurrogate s)
{
  const char        *base, *form, *const *list;
  int64_t            frames, warm_up, n_epochs;
  size_t             n_fields, n_parameters;
  const NomosConfig  config = s->config;
  bool               warms_up;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "neural_operator.fields", &n_fields, &list));
  PetscCall(NomosConfigGetStrings(config, "neural_operator.parameters", &n_parameters, &list));
  PetscCall(NomosConfigGetInt(config, "neural_operator.frames", &frames));
  PetscCall(NomosConfigGetString(config, "neural_operator.base", &base));
  PetscCall(NomosConfigGetString(config, "neural_operator.form", &form));
  PetscCall(NomosConfigGetInt(config, "neural_operator.warm_up", &warm_up));
  PetscCall(NomosConfigGetInt(config, "train.epochs", &n_epochs));
  PetscCall(NomosEmulatorHasWarmUp(config, n_parameters, &warms_up));
  NomosCheck(n_fields + n_parameters <= NOMOS_DATASET_MAX_VARIABLES, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu fields and %zu parameters: at most %d together are possible", NomosConfigWhere(config, "neural_operator.parameters"), n_fields, n_parameters, NOMOS_DATASET_MAX_VARIABLES);
  NomosCheck(frames != 1, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: neural_operator.frames = 1: a step needs two frames; choose 2 or more, or 0 for all", NomosConfigWhere(config, "neural_operator.frames"));
  NomosCheck(strcmp(base, "solver") || strcmp(form, "next_state"), s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.base = solver: with neural_operator.form = next_state nothing of the solver would be left; choose increment or flux", NomosConfigWhere(config, "neural_operator.base"));
  PetscCall(CheckTwice(s));
  PetscCall(CheckMonitor(s));
  NomosCheck(!warms_up || warm_up < n_epochs, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: neural_operator.warm_up = %lld: the training has %lld epoch%s, all of which would train the conditioning's own prediction and none the emulator; give more train.epochs, or a shorter warm-up",
             NomosConfigWhere(config, "neural_operator.warm_up"), (long long)warm_up, (long long)n_epochs, n_epochs == 1 ? "" : "s");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- with the outline of the data */

static const NomosOutlineField *FieldOf(const NomosDataOutline *outline, const char name[])
{
  for (size_t f = 0; f < outline->n_fields; f++)
    if (!strcmp(outline->fields[f].name, name)) return &outline->fields[f];
  return NULL;
}

/* A parameter may be a number of each trajectory, or one that all have. */
static PetscErrorCode CheckNames(NomosSurrogate s)
{
  const NomosDataOutline *outline = s->outline;
  const char             *known[NOMOS_OUTLINE_MAX_NUMBERS], *const *names;
  size_t                  n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.fields", &n, &names));
  for (size_t f = 0; f < outline->n_fields; f++) known[f] = outline->fields[f].name;
  for (size_t i = 0; i < n; i++)
    if (!FieldOf(outline, names[i])) PetscCall(NomosNameUnknown(s->comm, names[i], outline->n_fields, known, "%s: neural_operator.fields names %s, which the data that are to be made have not", NomosConfigWhere(s->config, "neural_operator.fields"), names[i]));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.parameters", &n, &names));
  for (size_t k = 0; k < outline->n_numbers; k++) known[k] = outline->numbers[k];
  for (size_t i = 0; i < n; i++) {
    const char *name = NomosNameInData(names[i]);
    bool        has  = false;
    for (size_t k = 0; k < outline->n_numbers; k++) has = has || !strcmp(name, known[k]);
    if (!has) PetscCall(NomosNameUnknown(s->comm, name, outline->n_numbers, known, "%s: neural_operator.parameters names %s, and the data that are to be made have no %s", NomosConfigWhere(s->config, "neural_operator.parameters"), names[i], name));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network on the grid of the data, without values. */
static PetscErrorCode TryNetwork(NomosSurrogate s, const NomosOutlineField *field)
{
  NomosEmulatorShape shape = {.n_space = field->n_space};
  NomosParameters    parameters;
  NomosEmulator      emulator = NULL;
  const char *const *list;
  int64_t            every;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.fields", &shape.n_fields, &list));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.parameters", &shape.n_parameters, &list));
  PetscCall(NomosConfigGetBool(s->config, "neural_operator.periodic", &shape.periodic));
  PetscCall(NomosConfigGetInt(s->config, "data.space_every", &every));
  for (int d = 0; d < PetscMin(2, field->n_space); d++) shape.points[d] = (field->points[d] + (size_t)every - 1) / (size_t)every;
  PetscCall(NomosParametersCreate(NOMOS_F32, &parameters));
  PetscErrorCode code = NomosEmulatorCreate(s->config, parameters, &shape, &emulator);
  PetscCall(NomosEmulatorDestroy(&emulator));
  PetscCall(NomosParametersDestroy(&parameters));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorForesee(NomosSurrogate s)
{
  const char *const *fields;
  size_t             n;

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorCheckCase(s));
  PetscCall(NomosNeuralOperatorForeseeSolver(s));
  if (!s->outline || !s->outline->n_fields) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CheckNames(s));
  PetscCall(NomosConfigGetStrings(s->config, "neural_operator.fields", &n, &fields));
  if (n) PetscCall(TryNetwork(s, FieldOf(s->outline, fields[0])));
  PetscFunctionReturn(PETSC_SUCCESS);
}
