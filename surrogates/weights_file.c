#include "surrogates/weights_file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Expressions as a case may give them: `[a=1, b=[2, 3]]` becomes `["a=1", "b=[2, 3]"]`; they end at commas outside of brackets. */
static void QuoteList(const char text[], size_t n_out, char out[])
{
  const size_t length = strlen(text);
  size_t       n      = (size_t)snprintf(out, n_out, "[\"");
  int          depth  = 0;

  for (size_t i = 1; i + 1 < length && n + 5 < n_out; i++) {
    depth += strchr("([{", text[i]) ? 1 : strchr(")]}", text[i]) ? -1 : 0;
    if (!depth && text[i] == ',') {
      n += (size_t)snprintf(out + n, n_out - n, "\", \"");
      i += text[i + 1] == ' ';
    } else {
      if (strchr("\"\\", text[i])) out[n++] = '\\';
      out[n++] = text[i];
    }
  }
  snprintf(out + n, n_out - n, "\"]");
}

/* The keys of the table that the file's JSON object knows. */
static PetscErrorCode Fill(NomosConfig config, const json_t *object, size_t n_params, const NomosParam params[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_params; i++) {
    const char *value = json_string_value(json_object_get(object, params[i].key));
    char        assignment[2048], list[1900];
    if (!value || !value[0]) continue;
    if (params[i].type == NOMOS_PARAM_EXPRESSION_LIST && value[0] == '[') {
      QuoteList(value, sizeof list, list);
      value = list;
    }
    const int length = params[i].type == NOMOS_PARAM_REAL ? (int)strcspn(value, " ") : (int)strlen(value); /* numbers are in the unit of the parameter */
    snprintf(assignment, sizeof assignment, "%s=%.*s", params[i].key, length, value);
    PetscCall(NomosConfigSet(config, assignment));
  }
  PetscCall(NomosConfigSetNondimensional(config, true));
  PetscCall(NomosConfigRegister(config, n_params, params));
  PetscCall(NomosConfigCheck(config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FillFromFile(NomosWeightsFile *w, size_t n_params, const NomosParam params[])
{
  const char *text = NomosSafetensorsMetadata(w->file, "architecture"), *path;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(w->config, w->key, &path));
  json_t *object = text ? json_loads(text, 0, NULL) : NULL;
  PetscCheck(object, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s does not say which architecture its weights are of: take the weights.safetensors of a nomos train", path);
  PetscErrorCode code = Fill(w->architecture, object, n_params, params);
  json_decref(object);
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(NomosWeightsFile *w, const char path[], size_t n_params, const NomosParam params[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosSafetensorsOpen(NomosConfigComm(w->config), path, &w->file));
  PetscCall(NomosConfigCreate(NomosConfigComm(w->config), &w->architecture));
  PetscCall(FillFromFile(w, n_params, params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeightsFileOpen(NomosConfig config, const char key[], size_t n_params, const NomosParam params[], NomosWeightsFile *weights)
{
  const char    *path;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *weights = (NomosWeightsFile){.config = config, .key = key};
  PetscCall(NomosConfigGetString(config, key, &path));
  NomosQuietly(code, Open(weights, path, n_params, params));
  PetscCall(NomosConfigRetell(config, key, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeightsFileAdd(NomosWeightsFile *weights, size_t n_params, const NomosParam params[])
{
  PetscErrorCode code;

  PetscFunctionBeginUser;
  NomosQuietly(code, FillFromFile(weights, n_params, params));
  PetscCall(NomosConfigRetell(weights->config, weights->key, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeightsFileClose(NomosWeightsFile *weights)
{
  PetscFunctionBeginUser;
  if (weights->file) PetscCall(NomosSafetensorsClose(&weights->file));
  if (weights->architecture) PetscCall(NomosConfigDestroy(&weights->architecture));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosWeightsFileNumber(const NomosWeightsFile *weights, const char name[])
{
  const char *text = NomosSafetensorsMetadata(weights->file, name);
  return text ? (size_t)strtoull(text, NULL, 10) : 0;
}

const char *NomosWeightsFileText(const NomosWeightsFile *weights, const char name[])
{
  return NomosSafetensorsMetadata(weights->file, name);
}

NomosRealType NomosWeightsFileType(const NomosWeightsFile *weights)
{
  const NomosSafetensor *tensors;
  size_t                 n;
  NomosRealType          type = NOMOS_F32;

  if (NomosSafetensorsList(weights->file, &n, &tensors)) return NOMOS_F64;
  for (size_t i = 0; i < n; i++)
    if (tensors[i].type == NOMOS_F64) type = NOMOS_F64;
  return type;
}

static PetscErrorCode ReadTensor(const NomosWeightsFile *w, NomosParameters parameters, size_t number)
{
  NomosParameter         p;
  NomosSafetensor        wanted = {.type = NOMOS_F64};
  const NomosSafetensor *tensors;
  const void            *data;
  double                *values;
  size_t                 n, bad = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(parameters, number, &p));
  PetscCall(NomosSafetensorsList(w->file, &n, &tensors));
  wanted.name   = p.name;
  wanted.n_dims = p.n_dims;
  for (int d = 0; d < p.n_dims; d++) wanted.shape[d] = p.shape[d];
  for (size_t i = 0; i < n; i++)
    if (!strcmp(tensors[i].name, p.name) && tensors[i].data) wanted.type = tensors[i].type;
  PetscCall(NomosSafetensorsFind(w->file, &wanted, &data));
  PetscCall(PetscMalloc1(p.size, &values));
  for (size_t i = 0; i < p.size; i++) {
    values[i] = wanted.type == NOMOS_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
    bad += !isfinite(values[i]);
  }
  const PetscErrorCode code = bad ? PETSC_SUCCESS : NomosParametersSetDoubles(parameters, number, values);
  PetscCall(PetscFree(values));
  PetscCall(code);
  PetscCheck(!bad, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "the weights %s have numbers that are not finite: the training failed; take others", p.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosWeightsFileRead(const NomosWeightsFile *weights, NomosParameters parameters)
{
  PetscErrorCode code = PETSC_SUCCESS;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < NomosParametersCount(parameters) && !code; i++) NomosQuietly(code, ReadTensor(weights, parameters, i));
  PetscCall(NomosConfigRetell(weights->config, weights->key, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
