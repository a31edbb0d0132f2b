/* Matrix products. */
#include "operators/primitives/matmul_impl.h"

#include <omp.h>
#include <string.h>

extern const NomosPrimitive nomos_primitive_matmul;

size_t NomosProductScratch(const NomosProduct *p)
{
  return p->k >= 2 * NOMOS_MATMUL_SPLIT && p->m * p->n <= 1 << 17 ? (p->k + NOMOS_MATMUL_SPLIT - 1) / NOMOS_MATMUL_SPLIT * p->m * p->n : 0;
}

/* Can BLAS read the last two axes as they lie: one of them with stride 1, the other at least as long? */
static bool Readable(const NomosNode *x, bool *transposed, size_t *ld)
{
  const ptrdiff_t row = x->stride[x->n_dims - 2], column = x->stride[x->n_dims - 1];
  const ptrdiff_t rows = (ptrdiff_t)x->shape[x->n_dims - 2], columns = (ptrdiff_t)x->shape[x->n_dims - 1];

  if (!rows || !columns) { /* nothing is read */
    *transposed = false;
    *ld         = (size_t)PetscMax(columns, 1);
    return true;
  }
  if ((column == 1 || columns <= 1) && (row >= PetscMax(columns, 1) || rows <= 1)) {
    *transposed = false;
    *ld         = (size_t)(rows <= 1 ? PetscMax(columns, 1) : row);
    return true;
  }
  if ((row == 1 || rows <= 1) && (column >= PetscMax(rows, 1) || columns <= 1)) {
    *transposed = true;
    *ld         = (size_t)(columns <= 1 ? PetscMax(rows, 1) : column);
    return true;
  }
  return false;
}

static void Batch(NomosTape tape, const NomosNode *a, const NomosNode *b, const NomosNode *c)
{
  const int    lead  = c->n_dims - 2;
  const size_t size  = NomosRealBytes(c->type);
  size_t       count = 1, capacity = 0;
  NomosProduct product = {.m = c->shape[lead], .n = c->shape[lead + 1], .k = a->shape[a->n_dims - 1], .ldc = PetscMax(c->shape[lead + 1], 1)};

  for (int i = 0; i < lead; i++) count *= c->shape[i];
  if (!Readable(a, &product.transposed_a, &product.lda) || !Readable(b, &product.transposed_b, &product.ldb)) return;
  const char *a_data = NomosNodeData(a, tape), *b_data = NomosNodeData(b, tape);
  char       *c_data = NomosNodeData(c, tape);
  if (count == 1) {
    const size_t n_scratch = NomosProductScratch(&product);
    void        *scratch   = n_scratch ? NomosTapeScratch(tape, n_scratch * size, &capacity) : NULL;
    product.a              = a_data;
    product.b              = b_data;
    product.c              = c_data;
    NOMOS_KERNEL(c->type, NomosProductRun)(&product, scratch);
    NomosTapeScratchFree(tape, scratch, capacity);
    return;
  }
#pragma omp parallel for schedule(static) if (count * product.m * product.n * product.k >= 1 << 19 && !omp_in_parallel())
  for (size_t batch = 0; batch < count; batch++) {
    NomosProduct one = product;
    ptrdiff_t    at_a = 0, at_b = 0;
    size_t       rest = batch;
    for (int i = lead - 1; i >= 0; i--) {
      const ptrdiff_t index = (ptrdiff_t)(rest % c->shape[i]);
      const int       ia = i - (c->n_dims - a->n_dims), ib = i - (c->n_dims - b->n_dims);
      rest /= c->shape[i];
      if (ia >= 0 && a->shape[ia] != 1) at_a += index * a->stride[ia];
      if (ib >= 0 && b->shape[ib] != 1) at_b += index * b->stride[ib];
    }
    one.a = a_data + at_a * (ptrdiff_t)size;
    one.b = b_data + at_b * (ptrdiff_t)size;
    one.c = c_data + batch * one.m * one.n * size;
    NOMOS_KERNEL(c->type, NomosProductAlone)(&one);
  }
}

NomosTensor NomosMatMul(NomosTensor a, NomosTensor b)
{
  NomosNode  *nodes[2], *node;
  NomosTape   tape = NomosNodesOf("matmul", 2, (NomosTensor[]){a, b}, true, nodes);
  NomosTensor out  = {.tape = a.tape}, operands[2] = {a, b};
  size_t      shape[NOMOS_TENSOR_MAX_DIMS], ld;
  bool        transposed;
  char        ta[128], tb[128];

  if (!tape) return out;
  const int na = nodes[0]->n_dims, nb = nodes[1]->n_dims, n_dims = PetscMax(na, nb);
  if (na < 2 || nb < 2 || nodes[0]->shape[na - 1] != nodes[1]->shape[nb - 2]) return NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "matmul: %s by %s: needs [.., m, k] and [.., k, n]", NomosShapeText(na, nodes[0]->shape, ta), NomosShapeText(nb, nodes[1]->shape, tb));
  if (nb == 2 && na > 2) { /* all rows of a together: one product */
    size_t rows = 1;
    for (int i = 0; i < na - 1; i++) rows *= nodes[0]->shape[i];
    memcpy(shape, nodes[0]->shape, sizeof shape);
    shape[na - 1] = nodes[1]->shape[1];
    return NomosReshape(NomosMatMul(NomosReshape(a, 2, (size_t[]){rows, nodes[0]->shape[na - 1]}), b), na, shape);
  }
  for (int i = 0; i < n_dims - 2; i++) {
    const int    ia = i - (n_dims - na), ib = i - (n_dims - nb);
    const size_t la = ia < 0 ? 1 : nodes[0]->shape[ia], lb = ib < 0 ? 1 : nodes[1]->shape[ib];
    if (la != lb && la != 1 && lb != 1) return NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "matmul: %s by %s: the axes before the last two must be equal or 1", NomosShapeText(na, nodes[0]->shape, ta), NomosShapeText(nb, nodes[1]->shape, tb));
    shape[i] = la == 1 ? lb : la;
  }
  shape[n_dims - 2] = nodes[0]->shape[na - 2];
  shape[n_dims - 1] = nodes[1]->shape[nb - 1];
  const bool recording = NomosTapeSetRecording(tape, false); /* the copies BLAS needs are no part of the record */
  for (int i = 0; i < 2; i++)
    if (!Readable(nodes[i], &transposed, &ld)) nodes[i] = NomosNodeOf(NomosContiguous(operands[i]));
  (void)NomosTapeSetRecording(tape, recording);
  if (!nodes[0] || !nodes[1]) return out;
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_matmul, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = 2, .in = operands}, &out);
  if (node) Batch(tape, nodes[0], nodes[1], node);
  return out;
}

/* a_bar = c_bar b^T, b_bar = a^T c_bar, summed over axes that were broadcast. */
static void VjpMatMul(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  for (int i = 0; i < 2; i++) {
    const size_t *shape;
    const int     n_dims = NomosTensorDims(node->in[i], &shape);
    if (wanted[i]) in_bar[i] = NomosSumTo(i ? NomosMatMul(NomosTranspose(node->in[0]), out_bar) : NomosMatMul(out_bar, NomosTranspose(node->in[1])), n_dims, shape);
  }
}

static NomosTensor ApplyMatMul(const NomosTensor x[])
{
  return NomosMatMul(x[0], x[1]);
}
static NomosTensor ApplyTransposed(const NomosTensor x[])
{
  return NomosMatMul(NomosTranspose(x[0]), NomosTranspose(x[1]));
}

static const NomosExample examples[] = {
  {"plain", 2, {{2, {3, 4}, -1, 1}, {2, {4, 5}, -1, 1}}, ApplyMatMul}, {"transposed", 2, {{2, {4, 3}, -1, 1}, {2, {5, 4}, -1, 1}}, ApplyTransposed}, {"batched", 2, {{3, {2, 3, 4}, -1, 1}, {3, {2, 4, 3}, -1, 1}}, ApplyMatMul},
  {"broadcast", 2, {{4, {2, 1, 3, 2}, -1, 1}, {3, {3, 2, 1}, -1, 1}}, ApplyMatMul}, {"by a matrix", 2, {{3, {2, 3, 4}, -1, 1}, {2, {4, 2}, -1, 1}}, ApplyMatMul}, {"no inner axis", 2, {{2, {3, 0}, -1, 1}, {2, {0, 2}, -1, 1}}, ApplyMatMul},
  {"one by one", 2, {{2, {1, 1}, -1, 1}, {2, {1, 1}, -1, 1}}, ApplyMatMul},
};
const NomosPrimitive nomos_primitive_matmul = {.name = "matmul", .vjp = VjpMatMul, NOMOS_EXAMPLES(examples)};
