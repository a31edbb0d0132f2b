#include "surrogates/parameters.h"

#include "operators/primitives.h"

#include <stdio.h>
#include <string.h>

enum { MAX_NAME = 160 };

typedef struct {
  char             name[MAX_NAME];
  int              n_dims;
  size_t           shape[NOMOS_TENSOR_MAX_DIMS], size, offset;
  NomosInitialiser initialiser;
  bool             buffer;
} Entry;

struct NomosParameters_s {
  NomosRealType type;
  size_t        n, capacity, n_trained;
  Entry        *entries;
  size_t        size[2];   /* of the trained vector, and of the buffers */
  void         *values[2]; /* NULL until the first Initialise */
  uint64_t      version[2];
};

static void *EntryValues(const NomosParameters parameters, const Entry *entry)
{
  char *values = parameters->values[entry->buffer];
  return values ? values + entry->offset * NomosRealBytes(parameters->type) : NULL;
}

PetscErrorCode NomosParametersCreate(NomosRealType type, NomosParameters *parameters)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(parameters));
  (*parameters)->type = type;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersDestroy(NomosParameters *parameters)
{
  PetscFunctionBeginUser;
  if (!*parameters) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*parameters)->entries));
  for (int i = 0; i < 2; i++) PetscCall(PetscFree((*parameters)->values[i]));
  PetscCall(PetscFree(*parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersAdd(NomosParameters parameters, const NomosParameterInput *input, size_t *number)
{
  const bool prefixed = input->prefix && input->prefix[0];
  Entry      entry    = {.n_dims = input->n_dims, .size = 1, .offset = parameters->size[input->buffer], .initialiser = input->initialiser, .buffer = input->buffer};
  const int  length   = snprintf(entry.name, sizeof entry.name, "%s%s%s", prefixed ? input->prefix : "", prefixed ? "." : "", input->name);

  PetscFunctionBeginUser;
  NomosCheck(!parameters->values[0], PETSC_COMM_SELF, PETSC_ERR_ORDER, "tensor %s is declared after the parameters have values; declare all before NomosParametersInitialise", entry.name);
  NomosCheck(input->name[0] && length < MAX_NAME, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the name of a tensor, %s, must have 1 to %d characters", entry.name, MAX_NAME - 1);
  NomosCheck(input->n_dims >= 0 && input->n_dims <= NOMOS_TENSOR_MAX_DIMS, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "tensor %s has %d axes, at most %d are possible", entry.name, input->n_dims, NOMOS_TENSOR_MAX_DIMS);
  for (size_t i = 0; i < parameters->n; i++)
    NomosCheck(strcmp(parameters->entries[i].name, entry.name), PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "two tensors are named %s; give their modules different names", entry.name);
  for (int d = 0; d < input->n_dims; d++) entry.size *= entry.shape[d] = input->shape[d];
  if (parameters->n == parameters->capacity) {
    parameters->capacity = 2 * parameters->capacity + 16;
    PetscCall(PetscRealloc(parameters->capacity * sizeof *parameters->entries, &parameters->entries));
  }
  *number                          = parameters->n;
  parameters->entries[parameters->n++] = entry;
  parameters->size[entry.buffer] += entry.size;
  parameters->n_trained += !entry.buffer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersInitialise(NomosParameters parameters, uint64_t seed)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++)
    if (!parameters->values[i]) PetscCall(PetscMalloc(parameters->size[i] * NomosRealBytes(parameters->type) + 1, &parameters->values[i]));
  for (size_t t = 0; t < parameters->n; t++) {
    const Entry *entry = &parameters->entries[t];
    double      *values;
    PetscCall(PetscMalloc1(entry->size + 1, &values));
    PetscCall(NomosInitialiserFill(&entry->initialiser, seed, entry->name, entry->n_dims, entry->shape, values));
    PetscCall(NomosParametersSetDoubles(parameters, t, values));
    PetscCall(PetscFree(values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosRealType NomosParametersType(NomosParameters parameters)
{
  return parameters->type;
}

size_t NomosParametersCount(NomosParameters parameters)
{
  return parameters->n;
}

size_t NomosParametersTrained(NomosParameters parameters)
{
  return parameters->n_trained;
}

size_t NomosParametersSize(NomosParameters parameters)
{
  return parameters->size[0];
}

PetscErrorCode NomosParametersGet(NomosParameters parameters, size_t number, NomosParameter *parameter)
{
  PetscFunctionBeginUser;
  NomosCheck(number < parameters->n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "tensor number %zu: there are %zu", number, parameters->n);
  const Entry *entry = &parameters->entries[number];
  *parameter = (NomosParameter){.name = entry->name, .type = parameters->type, .n_dims = entry->n_dims, .shape = entry->shape, .size = entry->size, .offset = entry->offset, .buffer = entry->buffer, .values = EntryValues(parameters, entry)};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersFind(NomosParameters parameters, const char name[], size_t *number)
{
  const char **names;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < parameters->n; i++)
    if (!strcmp(parameters->entries[i].name, name)) {
      *number = i;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  PetscCall(PetscMalloc1(parameters->n + 1, &names));
  for (size_t i = 0; i < parameters->n; i++) names[i] = parameters->entries[i].name;
  const char *near = NomosNearestName(name, parameters->n, names);
  PetscCall(PetscFree(names));
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "there is no tensor named %s among the %zu of this surrogate%s%s%s", name, parameters->n, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static PetscErrorCode CheckValues(NomosParameters parameters)
{
  PetscFunctionBeginUser;
  PetscCheck(parameters->values[0], PETSC_COMM_SELF, PETSC_ERR_ORDER, "these parameters have no values yet; call NomosParametersInitialise first");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersSet(NomosParameters parameters, size_t number, const void *values)
{
  PetscFunctionBeginUser;
  PetscCall(CheckValues(parameters));
  NomosCheck(number < parameters->n, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "tensor number %zu: there are %zu", number, parameters->n);
  const Entry *entry = &parameters->entries[number];
  parameters->version[entry->buffer]++;
  PetscCall(PetscMemcpy(EntryValues(parameters, entry), values, entry->size * NomosRealBytes(parameters->type)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersSetDoubles(NomosParameters parameters, size_t number, const double values[])
{
  NomosParameter p;
  float         *narrow = NULL;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(parameters, number, &p));
  if (p.type == NOMOS_F32) PetscCall(PetscMalloc1(p.size, &narrow));
  for (size_t i = 0; i < p.size && narrow; i++) narrow[i] = (float)values[i];
  PetscErrorCode code = NomosParametersSet(parameters, number, narrow ? (const void *)narrow : values);
  PetscCall(PetscFree(narrow));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersGetDoubles(NomosParameters parameters, size_t number, double values[])
{
  NomosParameter p;

  PetscFunctionBeginUser;
  PetscCall(CheckValues(parameters));
  PetscCall(NomosParametersGet(parameters, number, &p));
  for (size_t i = 0; i < p.size; i++) values[i] = p.type == NOMOS_F32 ? (double)((const float *)p.values)[i] : ((const double *)p.values)[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersValues(NomosParameters parameters, const void **values)
{
  PetscFunctionBeginUser;
  PetscCall(CheckValues(parameters));
  *values = parameters->values[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersEdit(NomosParameters parameters, void **values)
{
  PetscFunctionBeginUser;
  PetscCall(CheckValues(parameters));
  parameters->version[0]++;
  *values = parameters->values[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersBind(NomosParameters parameters, NomosTape tape, NomosTensor w[])
{
  PetscFunctionBeginUser;
  PetscCall(CheckValues(parameters));
  for (size_t i = 0; i < parameters->n; i++) {
    const Entry *entry = &parameters->entries[i];
    w[i] = NomosTensorBorrow(tape, parameters->type, entry->n_dims, entry->shape, EntryValues(parameters, entry), &parameters->version[entry->buffer], entry->name);
  }
  PetscCall(NomosTapeStatus(tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosParametersView(NomosParameters parameters, NomosTape tape, NomosTensor x, NomosTensor w[])
{
  for (size_t i = 0; i < parameters->n; i++) {
    const Entry *entry = &parameters->entries[i];
    w[i] = entry->buffer ? NomosTensorCreate(tape, parameters->type, entry->n_dims, entry->shape, EntryValues(parameters, entry)) : NomosReshape(NomosSlice(x, 0, entry->offset, entry->size, 1), entry->n_dims, entry->shape);
  }
}

void NomosParametersPick(NomosParameters parameters, const NomosTensor w[], NomosTensor trained[])
{
  for (size_t i = 0, j = 0; i < parameters->n; i++)
    if (!parameters->entries[i].buffer) trained[j++] = w[i];
}

PetscErrorCode NomosParametersFlatten(NomosParameters parameters, const NomosTensor trained[], void *vector)
{
  const size_t bytes = NomosRealBytes(parameters->type);

  PetscFunctionBeginUser;
  for (size_t i = 0, j = 0; i < parameters->n; i++) {
    const Entry *entry = &parameters->entries[i];
    const void  *data;
    if (entry->buffer) continue;
    PetscCall(NomosTensorGet(trained[j], &data));
    NomosCheck(NomosTensorSize(trained[j]) == entry->size && NomosTensorType(trained[j]) == parameters->type, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "tensor %s has %zu entries of float%d, but %zu of float%d were given", entry->name, entry->size,
               parameters->type == NOMOS_F32 ? 32 : 64, NomosTensorSize(trained[j]), NomosTensorType(trained[j]) == NOMOS_F32 ? 32 : 64);
    PetscCall(PetscMemcpy((char *)vector + entry->offset * bytes, data, entry->size * bytes));
    j++;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParametersGradient(NomosParameters parameters, NomosTensor loss, const NomosTensor w[], void *vector)
{
  NomosTensor *x, *x_bar;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(parameters->n_trained + 1, &x, parameters->n_trained + 1, &x_bar));
  NomosParametersPick(parameters, w, x);
  PetscCall(NomosGradient(&(NomosGradientInput){.y = loss, .n = parameters->n_trained, .x = x}, x_bar));
  PetscCall(NomosParametersFlatten(parameters, x_bar, vector));
  PetscCall(PetscFree2(x, x_bar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
