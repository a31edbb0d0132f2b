/* The network of a trained neural_operator, out of its file: for the models that run it. */
#include "io/text.h"
#include "surrogates/operators/emulator_model_impl.h"
#include "surrogates/weights_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t CountNames(const char text[])
{
  size_t n = text[0] != '\0';

  for (; *text; text++) n += *text == ',';
  return n;
}

/* Grid, fields and time step of the training, as the file tells them. */
static PetscErrorCode ReadShape(NomosModel model, const char key[], bool corrects, const NomosWeightsFile *file, Emulator *e)
{
  NomosNeuralOperator *no = &e->no;
  const char          *where = NomosConfigWhere(model->config, key), *texts[NOMOS_N_EMULATOR_TEXTS], *base;
  double               points[2] = {0}, box[4], first[2], dt;

  PetscFunctionBeginUser;
  for (int t = 0; t < NOMOS_N_EMULATOR_TEXTS; t++) {
    texts[t] = NomosWeightsFileText(file, nomos_emulator_text_keys[t]);
    PetscCheck(texts[t] || t >= NOMOS_EMULATOR_RANGES, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the file does not say the %s of its training: take weights of the surrogate neural_operator", where, key, nomos_emulator_text_keys[t]);
  }
  PetscCall(NomosConfigGetString(file->architecture, "neural_operator.base", &base));
  PetscCheck(corrects || strcmp(base, "solver"), model->comm, PETSC_ERR_SUP, "%s: %s: these weights correct a coarse solver; run them in its case, by solver: corrected_grid_pde", where, key);
  PetscCheck(!corrects || !strcmp(base, "solver"), model->comm, PETSC_ERR_SUP, "%s: %s: these weights are of a network that steps by itself, not of a correction (neural_operator.base: solver); run them by solver: emulator", where, key);
  no->shape.n_space = (int)CountNames(texts[NOMOS_EMULATOR_POINTS]);
  no->n_fields      = CountNames(texts[NOMOS_EMULATOR_FIELDS]);
  no->n_parameters  = CountNames(texts[NOMOS_EMULATOR_PARAMETERS]);
  PetscCheck((no->shape.n_space == 1 || no->shape.n_space == 2) && no->n_fields && no->n_fields <= EMULATOR_MAX_FIELDS && no->n_parameters <= NOMOS_DATASET_MAX_VARIABLES && NomosTextNumbers(texts[NOMOS_EMULATOR_POINTS], 2, points) == (size_t)no->shape.n_space && NomosTextNumbers(texts[NOMOS_EMULATOR_BOX], 4, box) == 2 * (size_t)no->shape.n_space, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: fields, points or box of the training cannot be read from the file; train again", where, key);
  no->n_points = 1;
  const bool says_first = texts[NOMOS_EMULATOR_FIRST] && NomosTextNumbers(texts[NOMOS_EMULATOR_FIRST], 2, first) == (size_t)no->shape.n_space; /* else in the middle of its part of the box */
  for (int d = 0; d < no->shape.n_space; d++) {
    NomosCheck(points[d] >= 1 && points[d] <= 1e9, model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the file says %g points of the training; there is at least one; train again", where, key, points[d]);
    no->n_points *= no->shape.points[d] = (size_t)points[d];
    no->box_known[d] = !isnan(box[2 * d + 1]);
    no->start[d]     = no->box_known[d] ? box[2 * d] : 0;
    no->extent[d]    = no->box_known[d] ? box[2 * d + 1] : 1;
    no->first[d]     = says_first ? first[d] : no->start[d] + no->extent[d] / (2 * points[d]);
  }
  NomosParameterRangeRead(&no->range, no->n_parameters, texts[NOMOS_EMULATOR_RANGES]);
  no->n_solver_steps     = texts[NOMOS_EMULATOR_STEPS] ? strtoll(texts[NOMOS_EMULATOR_STEPS], NULL, 10) : 1;
  snprintf(no->coefficients, sizeof no->coefficients, "%s", texts[NOMOS_EMULATOR_COEFFICIENTS] ? texts[NOMOS_EMULATOR_COEFFICIENTS] : "");
  snprintf(no->ends, sizeof no->ends, "%s", texts[NOMOS_EMULATOR_ENDS] ? texts[NOMOS_EMULATOR_ENDS] : "");
  no->size               = no->n_fields * no->n_points;
  no->shape.n_fields     = no->n_fields;
  no->shape.n_parameters = no->n_parameters;
  no->interval           = strtod(texts[NOMOS_EMULATOR_INTERVAL], NULL);
  no->from_zero          = NomosNeuralOperatorLedFromZero(texts[NOMOS_EMULATOR_FROM_ZERO], no->interval);
  PetscCall(NomosConfigGetReal(model->config, "time.dt", &dt));
  PetscCheck(!(no->interval > 0) || fabs(dt - no->interval) <= 1e-3 * no->interval, model->comm, PETSC_ERR_ARG_WRONG, "%s: time.dt = %g: the frames of the training are %g apart; use that", NomosConfigWhere(model->config, "time.dt"), dt, no->interval);
  PetscCall(PetscStrallocpy(texts[NOMOS_EMULATOR_PARAMETERS], &e->keys));
  PetscCall(PetscStrallocpy(texts[NOMOS_EMULATOR_FIELDS], &e->names));
  for (size_t k = 0; k < no->n_parameters; k++) {
    e->key[k] = strtok(k ? NULL : e->keys, ",");
    PetscCheck(e->key[k], model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the file lists the parameters '%s', one of which has no name; train again", where, key, texts[NOMOS_EMULATOR_PARAMETERS]);
  }
  for (size_t f = 0; f < no->n_fields; f++) {
    e->field_names[f] = strtok(f ? NULL : e->names, ",");
    PetscCheck(e->field_names[f], model->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: the file lists the fields '%s', one of which has no name; train again", where, key, texts[NOMOS_EMULATOR_FIELDS]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The network and its weights. */
static PetscErrorCode Build(NomosModel model, const char key[], bool corrects, NomosWeightsFile *file, Emulator *e)
{
  NomosNeuralOperator *no = &e->no;
  NomosSurrogateTable  table;
  const char          *normalise;

  PetscFunctionBeginUser;
  for (size_t i = 0; NomosNeuralOperatorTable(i, &table); i++) PetscCall(NomosWeightsFileAdd(file, table.n_params, table.params));
  PetscCall(ReadShape(model, key, corrects, file, e));
  PetscCall(NomosConfigGetBool(file->architecture, "neural_operator.periodic", &no->shape.periodic));
  PetscCall(NomosConfigGetString(file->architecture, "neural_operator.normalise", &normalise));
  no->normalised = !strcmp(normalise, "channels");
  PetscCall(NomosParametersCreate(NOMOS_F64, &e->parameters));
  if (no->normalised) PetscCall(NomosNormalisationCreate(e->parameters, "fields", no->n_fields, &no->normalisation));
  PetscCall(NomosEmulatorCreate(file->architecture, e->parameters, &no->shape, &no->emulator));
  PetscCall(NomosParametersInitialise(e->parameters, 0));
  PetscCall(NomosWeightsFileRead(file, e->parameters));
  no->n_w      = NomosParametersCount(e->parameters);
  e->n_weights = NomosParametersSize(e->parameters);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorOpen(NomosModel model, const char key[], bool corrects, Emulator *e)
{
  const char      *path;
  NomosWeightsFile file;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(model->config, key, &path));
  PetscCheck(path[0], model->comm, PETSC_ERR_ARG_WRONG, "%s: %s is missing: the weights.safetensors of a training of the surrogate neural_operator", NomosConfigWhere(model->config, "solver"), key);
  PetscErrorCode code = NomosWeightsFileOpen(model->config, key, sizeof nomos_neural_operator_shape_params / sizeof *nomos_neural_operator_shape_params, nomos_neural_operator_shape_params, &file);
  if (!code) code = Build(model, key, corrects, &file, e);
  PetscCall(NomosWeightsFileClose(&file));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EmulatorClose(Emulator *e)
{
  PetscFunctionBeginUser;
  if (e->no.emulator) PetscCall(NomosEmulatorDestroy(&e->no.emulator));
  PetscCall(NomosParametersDestroy(&e->parameters));
  PetscCall(PetscFree(e->names));
  PetscCall(PetscFree(e->keys));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor EmulatorUnits(const Emulator *e, NomosTensor u, bool undo)
{
  if (!e->no.normalised) return u;
  return undo ? NomosNormalisationUndo(&e->no.normalisation, e->w, u, 1) : NomosNormalisationApply(&e->no.normalisation, e->w, u, 1);
}

PetscErrorCode EmulatorWarn(const Emulator *e, const double lambda[], const char what[], NomosWarningFn warn, void *ctx)
{
  char text[1024];

  PetscFunctionBeginUser;
  for (size_t p = 0; p < e->no.n_parameters; p++) {
    if (NomosParameterRangeHolds(&e->no.range, p, lambda[p])) continue;
    snprintf(text, sizeof text, "%s%.64s = %.6g lies beyond what the network was trained with, %.6g to %.6g: predictions there are not learned, and may blow up; train with data of this value too", what, e->key[p], lambda[p], e->no.range.low[p], e->no.range.high[p]);
    PetscCall(warn(text, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
