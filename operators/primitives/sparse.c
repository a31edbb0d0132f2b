/* Products with sparse matrices: constant ones, and patterns whose values are tensors. The trilinear form sum_k v_k <y[row_k], x[column_k]> has three derivatives, each a primitive, so that the set is closed. */
#include "operators/primitives/sparse_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_sparse_multiply, nomos_primitive_sparse_product, nomos_primitive_sparse_outer;

typedef struct {
  NomosSparseMatrix matrix;
  bool        transposed;
} Attributes;

/* The node of x, which has `rows` rows, and its channels; NULL with an error kept. */
static NomosNode *Operand(const char name[], NomosTensor x, size_t rows, size_t *channels)
{
  NomosNode *node = NomosNodeOf(x);
  char       text[128];

  if (!node) return NULL;
  if (node->n_dims < 1 || node->shape[0] != rows) {
    NomosTapeFail(x.tape, PETSC_ERR_ARG_SIZ, "%s: %s has not the %zu rows that belong to the matrix", name, NomosShapeText(node->n_dims, node->shape, text), rows);
    return NULL;
  }
  *channels = 1;
  for (int i = 1; i < node->n_dims; i++) *channels *= node->shape[i];
  return NomosNodeRead(x);
}

static bool HasEntries(const char name[], NomosTensor values, size_t entries)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(values, &shape);
  char          text[128];

  if (n_dims == 1 && shape[0] == entries) return true;
  NomosTapeFail(values.tape, PETSC_ERR_ARG_SIZ, "%s: the values are %s: must be [%zu], one for each entry of the pattern", name, NomosShapeText(n_dims, shape, text), entries);
  return false;
}

/* in: x, or values and x. */
static NomosTensor Multiply(const NomosPrimitive *primitive, const Attributes *a, size_t n_in, const NomosTensor in[])
{
  const NomosSparsePart *part = &a->matrix->part[a->transposed];
  const NomosTape        tape = in[n_in - 1].tape;
  NomosTensor            out  = {.tape = tape};
  NomosNode             *nodes[2], *node, *x;
  const NomosNode       *values = NULL;
  size_t                 shape[NOMOS_TENSOR_MAX_DIMS], channels;

  if (!NomosNodesOf(primitive->name, n_in, in, true, nodes)) return out;
  if (n_in == 1 && !a->matrix->has_values) return NomosTapeFail(tape, PETSC_ERR_ARG_WRONGSTATE, "%s: the matrix is a pattern without values", primitive->name);
  if (n_in == 2 && (!HasEntries(primitive->name, in[0], a->matrix->entries) || !(values = NomosNodeRead(in[0])))) return out;
  if (!(x = Operand(primitive->name, in[n_in - 1], a->matrix->part[!a->transposed].rows, &channels))) return out;
  memcpy(shape, x->shape, sizeof shape);
  shape[0] = part->rows;
  node     = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = primitive, .type = x->type, .n_dims = x->n_dims, .shape = shape, .n_in = n_in, .in = in, .attributes = a, .n_attributes = sizeof *a}, &out);
  if (node) NOMOS_KERNEL(node->type, NomosSparseMultiplyKernel)(part, channels, values ? NomosNodeData(values, tape) : NULL, NomosNodeData(x, tape), NomosNodeData(node, tape));
  return out;
}

NomosTensor NomosSparseMultiply(NomosSparseMatrix matrix, NomosTensor x)
{
  return Multiply(&nomos_primitive_sparse_multiply, &(Attributes){matrix, false}, 1, &x);
}

NomosTensor NomosSparseMultiplyTransposed(NomosSparseMatrix matrix, NomosTensor y)
{
  return Multiply(&nomos_primitive_sparse_multiply, &(Attributes){matrix, true}, 1, &y);
}

NomosTensor NomosSparseProduct(NomosSparseMatrix pattern, NomosTensor values, NomosTensor x)
{
  return Multiply(&nomos_primitive_sparse_product, &(Attributes){pattern, false}, 2, (NomosTensor[]){values, x});
}

NomosTensor NomosSparseProductTransposed(NomosSparseMatrix pattern, NomosTensor values, NomosTensor y)
{
  return Multiply(&nomos_primitive_sparse_product, &(Attributes){pattern, true}, 2, (NomosTensor[]){values, y});
}

NomosTensor NomosSparseOuter(NomosSparseMatrix pattern, NomosTensor y, NomosTensor x)
{
  const NomosPrimitive *primitive = &nomos_primitive_sparse_outer;
  const NomosTensor     in[2] = {y, x};
  NomosTensor           out   = {.tape = y.tape};
  NomosNode            *nodes[2], *operand[2], *node;
  size_t                channels[2];
  char                  a[128], b[128];

  if (!NomosNodesOf(primitive->name, 2, in, true, nodes)) return out;
  for (int i = 0; i < 2; i++)
    if (!(operand[i] = Operand(primitive->name, in[i], pattern->part[i].rows, &channels[i]))) return out;
  if (channels[0] != channels[1]) return NomosTapeFail(y.tape, PETSC_ERR_ARG_SIZ,
                                                         "%s: %s and %s have not as many channels", primitive->name, NomosShapeText(operand[0]->n_dims, operand[0]->shape, a), NomosShapeText(operand[1]->n_dims, operand[1]->shape, b));
  node = NomosNodeCreate(y.tape, &(NomosNodeInput){.primitive = primitive, .type = operand[0]->type, .n_dims = 1, .shape = &pattern->entries, .n_in = 2, .in = in, .attributes = &pattern, .n_attributes = sizeof pattern}, &out);
  if (node) NOMOS_KERNEL(node->type, NomosSparseOuterKernel)(&pattern->part[0], channels[0], NomosNodeData(operand[0], y.tape), NomosNodeData(operand[1], y.tape), NomosNodeData(node, y.tape));
  return out;
}

static void VjpMultiply(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a = node->attributes;

  (void)out;
  (void)wanted;
  in_bar[0] = Multiply(&nomos_primitive_sparse_multiply, &(Attributes){a->matrix, !a->transposed}, 1, &out_bar);
}

static void VjpProduct(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes *a = node->attributes;

  (void)out;
  if (wanted[0]) in_bar[0] = a->transposed ? NomosSparseOuter(a->matrix, node->in[1], out_bar) : NomosSparseOuter(a->matrix, out_bar, node->in[1]);
  if (wanted[1]) in_bar[1] = Multiply(&nomos_primitive_sparse_product, &(Attributes){a->matrix, !a->transposed}, 2, (NomosTensor[]){node->in[0], out_bar});
}

static void VjpOuter(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const NomosSparseMatrix pattern = *(const NomosSparseMatrix *)node->attributes;

  (void)out;
  for (int i = 0; i < 2; i++) {
    size_t        rows[NOMOS_TENSOR_MAX_DIMS];
    const size_t *shape;
    if (!wanted[i]) continue;
    const int n_dims = NomosTensorDims(node->in[i], &shape);
    memcpy(rows, shape, sizeof *rows * (size_t)n_dims);
    in_bar[i] = NomosReshape(i ? NomosSparseProductTransposed(pattern, out_bar, node->in[0]) : NomosSparseProduct(pattern, out_bar, node->in[1]), n_dims, rows); /* channels may be split otherwise */
  }
}

/* ---- examples: 3 x 4 with 6 entries, one column twice in a row, an empty row and an empty column */

static const struct NomosSparseMatrix_s example = {
  .entries = 6, .has_values = true,
  .part = {{.rows = 3, .first = (int32_t[]){0, 4, 4, 6}, .column = (int32_t[]){3, 0, 0, 1, 1, 3}, .value_f64 = (double[]){0.5, -1.5, 2, 1, 0.25, 3}, .value_f32 = (float[]){0.5F, -1.5F, 2, 1, 0.25F, 3}},
           {.rows = 4, .first = (int32_t[]){0, 2, 4, 4, 6}, .column = (int32_t[]){0, 0, 0, 2, 0, 2}, .entry = (int32_t[]){1, 2, 3, 4, 0, 5}, .value_f64 = (double[]){-1.5, 2, 1, 0.25, 0.5, 3}, .value_f32 = (float[]){-1.5F, 2, 1, 0.25F, 0.5F, 3}}}};

static NomosSparseMatrix Example(void)
{
  return (NomosSparseMatrix)(uintptr_t)&example;
}
static NomosTensor ApplyMultiply(const NomosTensor x[])
{
  return NomosPower(NomosSparseMultiply(Example(), x[0]), 2);
}
static NomosTensor ApplyTransposed(const NomosTensor x[])
{
  return NomosPower(NomosSparseMultiplyTransposed(Example(), x[0]), 2);
}
static NomosTensor ApplyProduct(const NomosTensor x[])
{
  return NomosSparseProduct(Example(), x[0], x[1]);
}
static NomosTensor ApplyProductTransposed(const NomosTensor x[])
{
  return NomosSparseProductTransposed(Example(), x[0], x[1]);
}
static NomosTensor ApplyOuter(const NomosTensor x[])
{
  return NomosSparseOuter(Example(), x[0], x[1]);
}

static const NomosExample multiply_examples[] = {{"", 1, {{2, {4, 3}, -1, 1}}, ApplyMultiply}, {"transposed, many channels", 1, {{3, {3, 2, 3}, -1, 1}}, ApplyTransposed}};
static const NomosExample product_examples[]  = {{"", 2, {{1, {6}, -1, 1}, {2, {4, 2}, -1, 1}}, ApplyProduct}, {"one channel", 2, {{1, {6}, -1, 1}, {1, {4}, -1, 1}}, ApplyProduct}, {"transposed", 2, {{1, {6}, -1, 1}, {3, {3, 5, 1}, -1, 1}}, ApplyProductTransposed}};
static const NomosExample outer_examples[]    = {{"", 2, {{2, {3, 4}, -1, 1}, {3, {4, 2, 2}, -1, 1}}, ApplyOuter}};
const NomosPrimitive nomos_primitive_sparse_multiply = {.name = "sparse_multiply", .vjp = VjpMultiply, NOMOS_EXAMPLES(multiply_examples)};
const NomosPrimitive nomos_primitive_sparse_product  = {.name = "sparse_product", .vjp = VjpProduct, NOMOS_EXAMPLES(product_examples)};
const NomosPrimitive nomos_primitive_sparse_outer    = {.name = "sparse_outer", .vjp = VjpOuter, NOMOS_EXAMPLES(outer_examples)};
