#include "operators/model_fields.h"

#include "io/text.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <stdio.h>
#include <string.h>

PetscErrorCode NomosModelFieldFind(NomosModel model, const char name[], size_t *index, const NomosModelField **field)
{
  const NomosModelDerivatives *ops  = model->ops->derivatives;
  const NomosModelField       *list = NULL;
  size_t                       n    = 0;
  const char                 **names;

  PetscFunctionBeginUser;
  if (ops && ops->fields && ops->field && ops->field_vjp) PetscCall(ops->fields(model, &n, &list));
  PetscCheck(n, model->comm, PETSC_ERR_SUP, "solver %s has no fields that can be read off its state", model->ops->name);
  for (*index = 0; *index < n && name && name[0] && strcmp(list[*index].name, name);) ++*index;
  if (*index == n) {
    PetscCall(PetscMalloc1(n, &names));
    for (size_t i = 0; i < n; i++) names[i] = list[i].name;
    PetscErrorCode code = NomosNameUnknown(model->comm, name, n, names, "solver %s has no field '%s'", model->ops->name, name);
    PetscCall(PetscFree(names));
    PetscCall(code);
  }
  if (field) *field = &list[*index];
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosModelFieldPoints(const NomosModelField *field)
{
  size_t points = 1;

  for (int d = 0; d < field->n_dims; d++) points *= field->count[d];
  return points;
}

size_t NomosModelFieldPlace(const NomosModelField *field, size_t i)
{
  size_t place = 0, stride = 1;

  for (int d = field->n_dims - 1; d >= 0; d--) {
    place += stride * (field->start[d] + i % field->count[d]);
    i /= field->count[d];
    stride *= field->size[d];
  }
  return place;
}

PetscErrorCode NomosModelFieldParts(NomosModel model, size_t field, size_t *n)
{
  const NomosModelField *list;
  size_t                 n_fields;

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n_fields, &list));
  const NomosModelField *all = &list[field];
  *n                         = field > 1 && all->n_dims && all->size[0] == field ? field : 0;
  for (size_t f = 0; f < *n; f++) {
    bool same = list[f].n_dims + 1 == all->n_dims;
    for (int d = 0; d < list[f].n_dims && same; d++) same = list[f].size[d] == all->size[d + 1];
    if (!same) *n = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is `other` lost in a state made from `field`? A state that differs from nothing in `other` keeps it or does not: in between is what the state cannot hold, or rounding. */
static PetscErrorCode Lost(NomosModel model, size_t field, size_t other, const NomosModelField list[], void *x, bool *lost)
{
  const NomosModelDerivatives *ops      = model->ops->derivatives;
  const size_t                 n        = NomosModelFieldPoints(&list[other]);
  double                      *values[3], sums[2] = {0};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n + 1, &values[0], n + 1, &values[1], NomosModelFieldPoints(&list[field]) + 1, &values[2]));
  for (size_t i = 0; i < n; i++) values[0][i] = NomosRandomNormal(1, 0, i);
  PetscCall(ops->from_field(model, other, values[0], x));
  PetscCall(ops->field(model, other, x, values[0]));
  PetscCall(ops->field(model, field, x, values[2]));
  PetscCall(ops->from_field(model, field, values[2], x));
  PetscCall(ops->field(model, other, x, values[1]));
  for (size_t i = 0; i < n; i++) {
    sums[0] += (values[1][i] - values[0][i]) * (values[1][i] - values[0][i]);
    sums[1] += values[0][i] * values[0][i];
  }
  PetscCall(PetscFree3(values[0], values[1], values[2]));
  PetscCall(NomosSumOverRanks(model->comm, 2, sums));
  *lost = sums[0] > 0.25 * sums[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelFieldLacks(NomosModel model, size_t field, size_t n_text, char lacks[])
{
  const NomosModelField *list;
  size_t                 n, bytes, parts;
  void                  *x;
  bool                   lost = false;

  PetscFunctionBeginUser;
  lacks[0] = '\0';
  PetscCall(model->ops->derivatives->fields(model, &n, &list));
  PetscCall(model->ops->derivatives->state_size(model, &bytes));
  PetscCall(PetscMalloc(bytes * NomosRealBytes(model->precision) + 1, &x));
  for (size_t other = 0; other < n; other++) {
    PetscCall(NomosModelFieldParts(model, other, &parts));
    if (other == field || parts || list[other].made) continue;
    PetscCall(Lost(model, field, other, list, x, &lost));
    if (lost) NomosTextAppend(n_text, lacks, "%s%s", lacks[0] ? ", " : "", list[other].name);
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosModelFindWhole(NomosModel model, size_t *index, const NomosModelField **field)
{
  const NomosModelDerivatives *ops  = model->ops->derivatives;
  const NomosModelField       *list = NULL;
  size_t                       n    = 0;
  char                         lacks[256], first[256] = "";

  PetscFunctionBeginUser;
  if (ops && ops->fields && ops->field && ops->from_field) PetscCall(ops->fields(model, &n, &list));
  for (*index = 0; *index < n; (*index)++) {
    *field = &list[*index];
    PetscCall(NomosModelFieldLacks(model, *index, sizeof lacks, lacks));
    if (!lacks[0]) PetscFunctionReturn(PETSC_SUCCESS);
    if (!*index) snprintf(first, sizeof first, "%s", lacks);
  }
  SETERRQ(model->comm, PETSC_ERR_SUP, "solver %s has no field that is its whole state; %s%s%s", model->ops->name, n ? list[0].name : "it has no fields", n ? " lacks " : "", first);
}
