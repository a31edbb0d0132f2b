/* Coefficients of the solver that a network corrects, of those that the network's parameters do not give it: with others than the data's it steps another equation, and in a run the correction is of those that it was trained with. */
#include "io/text.h"
#include "operators/model_operator.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a file says of one: of each of its trajectories (n), or of all (n = 1). */
typedef struct {
  size_t  n;
  double *values;
} Said;

static bool Differ(double a, double b)
{
  return fabs(a - b) > 1e-5 * fmax(fabs(a), fabs(b)); /* numbers of files may have six digits */
}

static bool IsTold(const NomosNeuralOperator *no, const char name[])
{
  for (size_t p = 0; p < no->n_parameters; p++)
    if (!strcmp(no->parameter_keys[p], name)) return true;
  return false;
}

/* A constant of the file: that whose `key` is the name, or one without a key that is called like its last part. */
static PetscErrorCode FindColumn(NomosFieldReader reader, const char name[], const char last[], const char **column)
{
  const char *const *constants;
  size_t             n;
  char              *key;

  PetscFunctionBeginUser;
  *column = NULL;
  PetscCall(NomosFieldReaderConstants(reader, &n, &constants));
  for (size_t i = 0; i < n; i++) {
    PetscCall(NomosFieldReaderAttribute(reader, constants[i], "key", &key));
    if (key ? !strcmp(key, name) : !strcmp(constants[i], last) && !*column) *column = constants[i];
    PetscCall(PetscFree(key));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* said->values: PetscFree. */
static PetscErrorCode Listen(const NomosNeuralOperator *no, NomosFieldReader reader, const char name[], Said *said)
{
  const char *last = NomosNameInData(name), *column, *rest;
  size_t      shape[NOMOS_FIELD_MAX_DIMS + 1] = {0}, field[NOMOS_FIELD_MAX_DIMS + 1];
  int         n_dims;
  char       *text;
  double      value;

  PetscFunctionBeginUser;
  *said = (Said){.n = 0};
  PetscCall(FindColumn(reader, name, last, &column));
  if (column) {
    PetscCall(NomosFieldReaderShape(reader, no->variables[0].name, &n_dims, field));
    PetscCall(NomosFieldReaderShape(reader, column, &n_dims, shape));
    if (n_dims == 0 || (n_dims == 1 && shape[0] == field[0])) {
      said->n = n_dims ? shape[0] : 1;
      PetscCall(PetscMalloc1(said->n, &said->values));
      PetscCall(NomosFieldReaderRead(reader, column, (size_t[]){0}, shape, said->values));
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  PetscCall(NomosFieldReaderAttribute(reader, NULL, last, &text));
  rest = text ? NomosNumberRead(text, &value) : NULL;
  if (rest && !*rest) {
    said->n = 1;
    PetscCall(PetscMalloc1(1, &said->values));
    said->values[0] = value;
  }
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Least and largest value that the data's trajectories have; least > largest: they do not say. */
static PetscErrorCode RangeOf(NomosSurrogate s, const char name[], double *least, double *largest)
{
  const NomosNeuralOperator *no   = s->context;
  const char                *open = NULL;
  Said                       said = {.n = 0};

  PetscFunctionBeginUser;
  *least   = INFINITY;
  *largest = -INFINITY;
  for (int split = 0; split < NOMOS_N_SPLITS; split++)
    for (size_t e = 0; e < s->n_examples[split]; e++) {
      const char *file;
      size_t      index;
      PetscCall(NomosDatasetOrigin(s->data, (NomosSplit)split, e, NULL, &file, NULL));
      PetscCall(NomosDatasetIndexInFile(s->data, (NomosSplit)split, e, &index));
      if (!open || strcmp(open, file)) {
        NomosFieldReader reader;
        PetscCall(PetscFree(said.values));
        PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, file, &reader));
        PetscCall(Listen(no, reader, name, &said));
        PetscCall(NomosFieldReaderClose(&reader));
        open = file;
      }
      if (!said.n) continue;
      const double value = said.values[index < said.n ? index : 0];
      *least             = fmin(*least, value);
      *largest           = fmax(*largest, value);
    }
  PetscCall(PetscFree(said.values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorCoefficients(NomosSurrogate s, NomosModel model)
{
  NomosNeuralOperator       *no    = s->context;
  const char                *where = NomosConfigWhere(s->config, "neural_operator.base");
  char                      *text  = no->coefficients, name[NOMOS_MAX_NAME];
  const NomosModelParameter *list;
  size_t                     n;
  double                     least, largest;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &n, &list));
  for (size_t k = 0; k < n; k++) {
    const double value  = list[k].value;
    const size_t length = strlen(text);
    NomosParameterName(&list[k], name);
    if (IsTold(no, name)) continue;
    snprintf(text + length, sizeof no->coefficients - length, "%s%s=%.17g", length ? "," : "", name, value);
    if (!strcmp(NomosConfigWhere(model->config, list[k].param->key), "--set")) continue; /* by neural_operator.solver.set: on purpose */
    PetscCall(RangeOf(s, name, &least, &largest));
    if (least > largest) continue;
    NomosCheck(!Differ(least, largest), s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the solver has %s = %.8g, in the data, %s, it differs between trajectories, from %.8g to %.8g; name it in neural_operator.parameters, which the solver is told, or set what the solver is to have in neural_operator.solver.set", where, name, value, s->data_path, least, largest);
    NomosCheck(!Differ(least, value), s->comm, PETSC_ERR_ARG_INCOMP, "%s: neural_operator.solver: the solver has %s = %.8g, the data, %s, have %.8g; set what the solver is to have in neural_operator.solver.set, which inherits nothing of the sweep that made the data", where, name, value, s->data_path, least);
  }
  if (strlen(text) + 1 == sizeof no->coefficients) text[0] = '\0'; /* cut off */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorCoefficientsWarn(NomosModel model, const char coefficients[], NomosWarningFn warn, void *ctx)
{
  const NomosModelParameter *list;
  size_t                     n;
  char                       name[NOMOS_MAX_NAME], text[512];
  double                     trained;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetParameters(model, &n, &list));
  for (size_t k = 0; k < n; k++) {
    NomosParameterName(&list[k], name);
    const char *theirs = NomosTextEntry(coefficients, ',', name);
    if (!theirs || *theirs != '=' || !NomosNumberRead(theirs + 1, &trained) || !Differ(trained, list[k].value)) continue;
    snprintf(text, sizeof text, "%s = %.8g: the correction was trained with %.8g and is not told of it: what it mends is another equation's error", name, list[k].value, trained);
    PetscCall(warn(text, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
