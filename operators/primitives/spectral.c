/* Spectral convolutions: like the others a trilinear form <y, spectral_convolve(x, w)>, whose derivatives are its two adjoints and itself. */
#include "operators/primitives/spectral_impl.h"

#include <omp.h>

extern const NomosPrimitive nomos_primitive_spectral_convolve, nomos_primitive_spectral_transposed, nomos_primitive_spectral_weights;

static NomosTensor Transposed(NomosTensor y, NomosTensor w);
static NomosTensor Weights(NomosTensor x, NomosTensor y, const size_t modes[2]);

typedef void (*Kernel)(const NomosSpectralShape *shape, const void *a, const void *b, void *out, void *scratch);

/* shape->n, rows and columns are checked here, channels and batch by the caller. `modes` (rows, columns) are remembered. */
static NomosTensor Run(const NomosPrimitive *primitive, Kernel kernel_f32, Kernel kernel_f64, const NomosTensor in[2], const NomosSpectralShape *s, int n_dims, const size_t shape[])
{
  const NomosTape tape = in[0].tape;
  const size_t    modes[2] = {s->rows, s->columns};
  NomosNode      *nodes[2], *node;
  NomosTensor     out = {.tape = tape};
  size_t          capacity;

  if (s->rows > s->n[0] || s->columns > s->n[1] / 2 + 1 || (s->rows % 2 && s->n[0] > 1) || !s->rows || !s->columns)
    return NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "%s: %zu by %zu modes of %zu by %zu points: needs at most points/2 + 1 along the last axis and an even number of at most all along the one before", primitive->name, s->rows, s->columns, s->n[0], s->n[1]);
  for (int i = 0; i < 2; i++)
    if (!(nodes[i] = NomosNodeRead(in[i]))) return out;
  node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = primitive, .type = nodes[0]->type, .n_dims = n_dims, .shape = shape, .n_in = 2, .in = in, .attributes = modes, .n_attributes = sizeof modes}, &out);
  if (!node || !NomosNodeSize(node)) return out;
  if (!NomosNodeSize(nodes[0]) || !NomosNodeSize(nodes[1])) {
    memset(NomosNodeData(node, tape), 0, NomosNodeSize(node) * NomosRealBytes(node->type));
    return out;
  }
  if (!NOMOS_KERNEL(node->type, NomosSpectralPrepare)(s)) return NomosTapeFail(tape, PETSC_ERR_MEM, "%s: no memory for tables", primitive->name);
  void *scratch = NomosTapeScratch(tape, NOMOS_KERNEL(node->type, NomosSpectralScratch)(s, (size_t)omp_get_max_threads()) * NomosRealBytes(node->type), &capacity);
  if (!scratch) return (NomosTensor){.tape = tape};
  (node->type == NOMOS_F32 ? kernel_f32 : kernel_f64)(s, NomosNodeData(nodes[0], tape), NomosNodeData(nodes[1], tape), NomosNodeData(node, tape), scratch);
  NomosTapeScratchFree(tape, scratch, capacity);
  return out;
}

/* Field [batch, channels, (y,) x] and weights [in, out, (rows,) columns, 2], or two fields; false: an error was kept. */
static bool Operands(const NomosPrimitive *primitive, NomosTensor a, NomosTensor b, bool weights, size_t channels_axis, NomosNode *nodes[2])
{
  char ta[128], tb[128];

  if (!NomosNodesOf(primitive->name, 2, (NomosTensor[]){a, b}, true, nodes)) return false;
  const int n_dims = nodes[0]->n_dims;
  if ((n_dims == 3 || n_dims == 4) && nodes[1]->n_dims == n_dims + weights && (!weights || (nodes[1]->shape[n_dims] == 2 && nodes[1]->shape[channels_axis] == nodes[0]->shape[1]))) return true;
  NomosTapeFail(a.tape, PETSC_ERR_ARG_SIZ, "%s: %s and %s: needs a field [batch, channels, (y,) x] and weights [in, out, (rows,) columns, 2]", primitive->name, NomosShapeText(n_dims, nodes[0]->shape, ta), NomosShapeText(nodes[1]->n_dims, nodes[1]->shape, tb));
  return false;
}
static void Points(const NomosNode *field, NomosSpectralShape *s)
{
  s->batch = field->shape[0];
  s->n[0]  = field->n_dims == 4 ? field->shape[2] : 1;
  s->n[1]  = field->shape[field->n_dims - 1];
}

/* S forward or its adjoint in x. */
static NomosTensor FieldTimesWeights(NomosTensor x, NomosTensor w, bool transposed)
{
  const NomosPrimitive *primitive = transposed ? &nomos_primitive_spectral_transposed : &nomos_primitive_spectral_convolve;
  NomosNode            *nodes[2];
  NomosSpectralShape    s;
  size_t                shape[4];

  if (!Operands(primitive, x, w, true, transposed, nodes)) return (NomosTensor){.tape = x.tape};
  const int n_dims = nodes[0]->n_dims;
  Points(nodes[0], &s);
  s.in      = nodes[1]->shape[0];
  s.out     = nodes[1]->shape[1];
  s.rows    = n_dims == 4 ? nodes[1]->shape[2] : 1;
  s.columns = nodes[1]->shape[n_dims - 1];
  memcpy(shape, nodes[0]->shape, sizeof shape);
  shape[1] = transposed ? s.in : s.out;
  if (transposed) return Run(primitive, NomosSpectralTransposed_f32, NomosSpectralTransposed_f64, (NomosTensor[]){x, w}, &s, n_dims, shape);
  return Run(primitive, NomosSpectralForward_f32, NomosSpectralForward_f64, (NomosTensor[]){x, w}, &s, n_dims, shape);
}

NomosTensor NomosSpectralConvolve(NomosTensor x, NomosTensor w)
{
  return FieldTimesWeights(x, w, false);
}
static NomosTensor Transposed(NomosTensor y, NomosTensor w)
{
  return FieldTimesWeights(y, w, true);
}

static NomosTensor Weights(NomosTensor x, NomosTensor y, const size_t modes[2])
{
  NomosNode         *nodes[2];
  NomosSpectralShape s;

  if (!Operands(&nomos_primitive_spectral_weights, x, y, false, 0, nodes)) return (NomosTensor){.tape = x.tape};
  const int n_dims = nodes[0]->n_dims;
  Points(nodes[0], &s);
  s.in      = nodes[0]->shape[1];
  s.out     = nodes[1]->shape[1];
  s.rows    = modes[0];
  s.columns = modes[1];
  return Run(&nomos_primitive_spectral_weights, NomosSpectralWeights_f32, NomosSpectralWeights_f64, (NomosTensor[]){x, y}, &s, n_dims + 1, n_dims == 4 ? (size_t[]){s.in, s.out, s.rows, s.columns, 2} : (size_t[]){s.in, s.out, s.columns, 2});
}

/* ---- derivatives */

static void VjpConvolve(NomosNode *node, NomosTensor out, NomosTensor y_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  if (wanted[0]) in_bar[0] = Transposed(y_bar, node->in[1]);
  if (wanted[1]) in_bar[1] = Weights(node->in[0], y_bar, node->attributes);
}
static void VjpTransposed(NomosNode *node, NomosTensor out, NomosTensor x_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  if (wanted[0]) in_bar[0] = NomosSpectralConvolve(x_bar, node->in[1]);
  if (wanted[1]) in_bar[1] = Weights(x_bar, node->in[0], node->attributes);
}
static void VjpWeights(NomosNode *node, NomosTensor out, NomosTensor w_bar, const bool wanted[], NomosTensor in_bar[])
{
  (void)out;
  if (wanted[0]) in_bar[0] = Transposed(node->in[1], w_bar);
  if (wanted[1]) in_bar[1] = NomosSpectralConvolve(node->in[0], w_bar);
}

/* ---- examples */

static NomosTensor ApplyConvolve(const NomosTensor x[])
{
  return NomosSpectralConvolve(x[0], x[1]);
}
static NomosTensor ApplyTransposed(const NomosTensor x[])
{
  return Transposed(x[0], x[1]);
}
static NomosTensor ApplyWeights(const NomosTensor x[])
{
  return Weights(x[0], x[1], (size_t[]){2, 3});
}

static const NomosExample convolve_examples[] = {
  {"one dimension", 2, {{3, {2, 3, 8}, -1, 1}, {4, {3, 2, 3, 2}, -1, 1}}, ApplyConvolve}, {"all modes", 2, {{3, {2, 1, 6}, -1, 1}, {4, {1, 2, 4, 2}, -1, 1}}, ApplyConvolve}, {"two dimensions", 2, {{4, {2, 2, 5, 7}, -1, 1}, {5, {2, 3, 4, 3, 2}, -1, 1}}, ApplyConvolve}, {"no sample", 2, {{3, {0, 1, 6}, -1, 1}, {4, {1, 2, 3, 2}, -1, 1}}, ApplyConvolve},
};
static const NomosExample transposed_examples[] = {{"", 2, {{4, {2, 2, 4, 6}, -1, 1}, {5, {3, 2, 2, 3, 2}, -1, 1}}, ApplyTransposed}};
static const NomosExample weights_examples[]    = {{"", 2, {{4, {3, 2, 4, 6}, -1, 1}, {4, {3, 3, 4, 6}, -1, 1}}, ApplyWeights}};

const NomosPrimitive nomos_primitive_spectral_convolve   = {.name = "spectral_convolve", .vjp = VjpConvolve, NOMOS_EXAMPLES(convolve_examples)};
const NomosPrimitive nomos_primitive_spectral_transposed = {.name = "spectral_transposed", .vjp = VjpTransposed, NOMOS_EXAMPLES(transposed_examples)};
const NomosPrimitive nomos_primitive_spectral_weights    = {.name = "spectral_weights", .vjp = VjpWeights, NOMOS_EXAMPLES(weights_examples)};
