/* Rows by an index list, and sums of rows into them: what message passing on graphs is made of. */
#include "operators/primitives/gather_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_gather, nomos_primitive_scatter_add;

PetscErrorCode NomosIndexCreate(size_t n, const int32_t index[], size_t n_rows, NomosIndex *list)
{
  NomosIndex new;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) PetscCheck(index[i] >= 0 && (size_t)index[i] < n_rows, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "entry %zu of an index list is %d: must be between 0 and %zu", i, index[i], n_rows ? n_rows - 1 : 0);
  PetscCall(PetscNew(&new));
  new->n      = n;
  new->n_rows = n_rows;
  PetscCall(PetscMalloc1(n + 1, &new->index));
  PetscCall(PetscMalloc1(n + 1, &new->order));
  PetscCall(PetscCalloc1(n_rows + 2, &new->first));
  for (size_t i = 0; i < n; i++) { /* counting sort, stable: sums keep the order of the list */
    new->index[i] = index[i];
    new->first[index[i] + 2]++;
  }
  for (size_t row = 2; row < n_rows + 2; row++) new->first[row] += new->first[row - 1];
  for (size_t i = 0; i < n; i++) new->order[new->first[index[i] + 1]++] = (int32_t)i;
  *list = new;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIndexDestroy(NomosIndex *list)
{
  PetscFunctionBeginUser;
  if (!*list) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*list)->index));
  PetscCall(PetscFree((*list)->order));
  PetscCall(PetscFree((*list)->first));
  PetscCall(PetscFree(*list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Rows(const NomosPrimitive *primitive, NomosTensor x, NomosIndex index, bool gather)
{
  NomosTensor  y    = NomosContiguous(x), out = {.tape = x.tape};
  NomosNode   *from = NomosNodeOf(y), *node;
  const size_t need = gather ? index->n_rows : index->n;
  size_t       shape[NOMOS_TENSOR_MAX_DIMS], inner = 1;
  char         a[128];

  if (!from) return out;
  if (from->n_dims < 1 || from->shape[0] != need) return NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "%s: %s has not the %zu rows of the index list", primitive->name, NomosShapeText(from->n_dims, from->shape, a), need);
  memcpy(shape, from->shape, sizeof shape);
  shape[0] = gather ? index->n : index->n_rows;
  for (int i = 1; i < from->n_dims; i++) inner *= shape[i];
  node = NomosNodeCreate(x.tape, &(NomosNodeInput){.primitive = primitive, .type = from->type, .n_dims = from->n_dims, .shape = shape, .n_in = 1, .in = &x, .attributes = &index, .n_attributes = sizeof index}, &out);
  if (!node) return out;
  if (gather) NOMOS_KERNEL(from->type, NomosGatherKernel)(index, inner, NomosNodeData(from, x.tape), NomosNodeData(node, x.tape));
  else NOMOS_KERNEL(from->type, NomosScatterAddKernel)(index, inner, NomosNodeData(from, x.tape), NomosNodeData(node, x.tape));
  return out;
}

NomosTensor NomosGather(NomosTensor x, NomosIndex index)
{
  return Rows(&nomos_primitive_gather, x, index, true);
}

NomosTensor NomosScatterAdd(NomosTensor x, NomosIndex index)
{
  return Rows(&nomos_primitive_scatter_add, x, index, false);
}

static void VjpGather(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = NomosScatterAdd(out_bar, *(const NomosIndex *)node->attributes);
}

static void VjpScatterAdd(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  (void)wanted;
  in_bar[0] = NomosGather(out_bar, *(const NomosIndex *)node->attributes);
}

/* ---- examples: five edges from four rows, one row without an edge */

static const struct NomosIndex_s example = {.n = 5, .n_rows = 4, .index = (int32_t[]){3, 0, 3, 1, 0}, .order = (int32_t[]){1, 4, 3, 0, 2}, .first = (int32_t[]){0, 2, 3, 3, 5}};

static NomosTensor ApplyGather(const NomosTensor x[])
{
  return NomosPower(NomosGather(x[0], (NomosIndex)(uintptr_t)&example), 2);
}
static NomosTensor ApplyScatterAdd(const NomosTensor x[])
{
  return NomosPower(NomosScatterAdd(x[0], (NomosIndex)(uintptr_t)&example), 2);
}

static const NomosExample gather_examples[]      = {{"", 1, {{3, {4, 3, 1}, -1, 1}}, ApplyGather}};
static const NomosExample scatter_add_examples[] = {{"", 1, {{2, {5, 3}, -1, 1}}, ApplyScatterAdd}};
const NomosPrimitive nomos_primitive_gather      = {.name = "gather", .vjp = VjpGather, NOMOS_EXAMPLES(gather_examples)};
const NomosPrimitive nomos_primitive_scatter_add = {.name = "scatter_add", .vjp = VjpScatterAdd, NOMOS_EXAMPLES(scatter_add_examples)};
