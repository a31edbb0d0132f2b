/* Linear systems with symmetric positive definite matrices: normal equations within a loss. */
#include "operators/primitives/solve_impl.h"

extern const NomosPrimitive nomos_primitive_symmetric_solve;

NomosTensor NomosSymmetricSolve(NomosTensor a, NomosTensor b)
{
  const NomosTensor in[2] = {a, b};
  NomosTensor       out   = {.tape = a.tape};
  NomosNode        *nodes[2], *node;
  size_t            count = 1, capacity;
  char              ta[128], tb[128];

  if (!NomosNodesOf("symmetric_solve", 2, in, true, nodes)) return out;
  const int n_dims = nodes[0]->n_dims;
  bool      fits   = n_dims >= 2 && nodes[1]->n_dims == n_dims && nodes[0]->shape[n_dims - 1] == nodes[0]->shape[n_dims - 2];
  for (int i = 0; fits && i < n_dims - 1; i++) fits = nodes[0]->shape[i] == nodes[1]->shape[i];
  if (!fits) return NomosTapeFail(a.tape, PETSC_ERR_ARG_SIZ, "symmetric_solve: %s and %s: needs [.., n, n] and [.., n, m] with the same leading axes", NomosShapeText(n_dims, nodes[0]->shape, ta), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, tb));
  for (int i = 0; i < 2; i++)
    if (!(nodes[i] = NomosNodeRead(in[i]))) return out;
  const size_t n = nodes[1]->shape[n_dims - 2], m = nodes[1]->shape[n_dims - 1];
  for (int i = 0; i < n_dims - 2; i++) count *= nodes[1]->shape[i];
  node            = NomosNodeCreate(a.tape, &(NomosNodeInput){.primitive = &nomos_primitive_symmetric_solve, .type = nodes[1]->type, .n_dims = n_dims, .shape = nodes[1]->shape, .n_in = 2, .in = in}, &out);
  double *scratch = node ? NomosTapeScratch(a.tape, (count * n * (n + m) + 1) * sizeof *scratch, &capacity) : NULL;
  if (!scratch) return out;
  (node->type == NOMOS_F32 ? NomosSymmetricSolve_f32 : NomosSymmetricSolve_f64)(count, n, m, NomosNodeData(nodes[0], a.tape), NomosNodeData(nodes[1], a.tape), scratch, NomosNodeData(node, a.tape));
  NomosTapeScratchFree(a.tape, scratch, capacity);
  return out;
}

/* b_bar = a^-1 x_bar, a_bar = -b_bar x^T: of a matrix that is symmetric however its entries came about. */
static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const NomosTensor b_bar = NomosSymmetricSolve(node->in[0], out_bar);

  if (wanted[0]) in_bar[0] = NomosAffine(NomosMatMul(b_bar, NomosTranspose(out)), -1, 0);
  if (wanted[1]) in_bar[1] = b_bar;
}

/* ---- examples: a = x x^T + 1 */

static NomosTensor Apply(const NomosTensor x[])
{
  const size_t n            = NomosTensorLength(x[0], -1);
  double       identity[16] = {0};

  for (size_t i = 0; i < n; i++) identity[i * n + i] = 1;
  return NomosSymmetricSolve(NomosAdd(NomosMatMul(x[0], NomosTranspose(x[0])), NomosTensorFromDoubles(x[0].tape, NomosTensorType(x[0]), 2, (size_t[]){n, n}, identity)), x[1]);
}

static const NomosExample examples[] = {
  {"batch", 2, {{3, {2, 3, 3}, -1, 1}, {3, {2, 3, 2}, -1, 1}}, Apply},
  {"one",   2, {{2, {4, 4}, -1, 1}, {2, {4, 1}, -1, 1}},       Apply},
};

const NomosPrimitive nomos_primitive_symmetric_solve = {.name = "symmetric_solve", .vjp = Vjp, NOMOS_EXAMPLES(examples)};
