/* The layer of a Fourier neural operator, fused, with its definition by primitives where its gradient is to be differentiated. */
#include "operators/primitives/fourier_layer_impl.h"

#include <string.h>

extern const NomosPrimitive nomos_primitive_fourier_layer;

enum { X, W, POINTWISE, BIAS, N };

typedef struct {
  bool              activated;
  NomosFunctionKind activation;
  NomosTensor       modes, slope; /* kept for the gradient */
} Attributes;

static NomosTensor Definition(const NomosTensor in[], const Attributes *a)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(in[X], &shape);
  size_t        points = 1, result[NOMOS_TENSOR_MAX_DIMS];

  for (int i = 0; i < n_dims; i++) {
    result[i] = i == 1 ? NomosTensorLength(in[POINTWISE], 0) : shape[i];
    if (i > 1) points *= shape[i];
  }
  const NomosTensor flat  = NomosReshape(in[X], 3, (size_t[]){n_dims ? shape[0] : 0, NomosTensorLength(in[POINTWISE], 1), points});
  const NomosTensor point = NomosAdd(NomosMatMul(in[POINTWISE], flat), NomosReshape(in[BIAS], 2, (size_t[]){NomosTensorLength(in[BIAS], 0), 1}));
  const NomosTensor z     = NomosAdd(NomosSpectralConvolve(in[X], in[W]), NomosReshape(point, n_dims, result));
  return a->activated ? NomosFunction(a->activation, 0, z) : z;
}

/* Sizes and operands; false with an error kept. */
static bool Fill(const NomosTensor in[], const Attributes *a, NomosFourierLayerJob *job)
{
  const NomosTape tape = in[0].tape;
  NomosNode      *nodes[N];
  char            t[4][128];

  if (!NomosNodesOf("fourier_layer", N, in, true, nodes)) return false;
  const NomosNode *x = nodes[X], *w = nodes[W], *point = nodes[POINTWISE], *bias = nodes[BIAS];
  const int        n_dims = x->n_dims, n_space = n_dims - 2;
  bool             fits   = (n_space == 1 || n_space == 2) && w->n_dims == n_dims + 1 && point->n_dims == 2 && bias->n_dims == 1;

  fits = fits && w->shape[n_dims] == 2 && w->shape[0] == x->shape[1] && point->shape[1] == x->shape[1] && point->shape[0] == w->shape[1] && bias->shape[0] == w->shape[1];
  if (fits) {
    *job  = (NomosFourierLayerJob){.s = {.batch = x->shape[0], .in = w->shape[0], .out = w->shape[1], .n = {n_space == 2 ? x->shape[2] : 1, x->shape[n_dims - 1]}, .rows = n_space == 2 ? w->shape[2] : 1, .columns = w->shape[n_dims - 1]}, .activated = a->activated};
    const NomosSpectralShape *s = &job->s;
    fits  = s->rows && s->columns && s->rows <= s->n[0] && s->columns <= s->n[1] / 2 + 1 && (n_space == 1 || s->rows % 2 == 0);
  }
  if (!fits) {
    NomosTapeFail(tape, PETSC_ERR_ARG_SIZ, "fourier_layer: %s with spectral weights %s, pointwise %s and bias %s: needs [batch, in, (y,) x], [in, out, (rows,) columns, 2] with no more modes than points have and an even number of rows, [out, in] and [out]",
                  NomosShapeText(n_dims, x->shape, t[0]), NomosShapeText(w->n_dims, w->shape, t[1]), NomosShapeText(point->n_dims, point->shape, t[2]), NomosShapeText(bias->n_dims, bias->shape, t[3]));
    return false;
  }
  if (a->activated) NomosFunctionPairPrepare(a->activation, &job->activation);
  for (int k = 0; k < N; k++) {
    if (!(nodes[k] = NomosNodeRead(in[k]))) return false;
    *(const void **[]){&job->x, &job->w, &job->pointwise, &job->bias}[k] = NomosNodeData(nodes[k], tape);
  }
  if (!(x->type == NOMOS_F32 ? NomosSpectralPrepare_f32 : NomosSpectralPrepare_f64)(&job->s)) {
    NomosTapeFail(tape, PETSC_ERR_MEM, "fourier_layer: no memory for tables");
    return false;
  }
  return true;
}

static bool TakeScratch(NomosTape tape, NomosRealType type, bool backward, NomosFourierLayerJob *job, size_t *capacity)
{
  job->scratch = NomosTapeScratch(tape, NOMOS_KERNEL(type, NomosFourierLayerScratch)(job, backward) * NomosRealBytes(type), capacity);
  return job->scratch != NULL;
}

NomosTensor NomosFourierLayer(const NomosFourierLayerInput *input)
{
  const NomosTensor in[N] = {input->x, input->w, input->pointwise, input->bias};
  const NomosTape   tape  = input->x.tape;
  const NomosRealType type = NomosTensorType(input->x);
  Attributes        a     = {.activated = input->activation != NOMOS_N_FUNCTIONS, .activation = input->activation};
  NomosTensor       out   = {.tape = tape};
  NomosFourierLayerJob job;
  size_t            shape[NOMOS_TENSOR_MAX_DIMS], capacity;
  const size_t     *given;
  NomosNode        *kept;

  if (!Fill(in, &a, &job)) return out;
  if (!NomosTapeIsFusing(tape)) return Definition(in, &a);
  const int n_dims = NomosTensorDims(input->x, &given);
  memcpy(shape, given, sizeof shape);
  shape[1] = job.s.out;
  if (NomosTapeIsRecording(tape)) {
    if (!(kept = NomosNodeKeep(tape, type, 1, (size_t[]){NOMOS_KERNEL(type, NomosFourierLayerModes)(&job.s)}, &a.modes))) return out;
    job.modes = NomosNodeData(kept, tape);
    if (a.activated && !(kept = NomosNodeKeep(tape, type, n_dims, shape, &a.slope))) return out;
    if (a.activated) job.slope = NomosNodeData(kept, tape);
  }
  NomosNode *node = NomosNodeCreate(tape, &(NomosNodeInput){.primitive = &nomos_primitive_fourier_layer, .type = type, .n_dims = n_dims, .shape = shape, .n_in = N, .in = in, .attributes = &a, .n_attributes = sizeof a}, &out);
  if (!node || !NomosNodeSize(node)) return out;
  job.y = NomosNodeData(node, tape);
  if (!TakeScratch(tape, type, false, &job, &capacity)) return (NomosTensor){.tape = tape};
  NOMOS_KERNEL(type, NomosFourierLayerForward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
  return out;
}

static void Vjp(NomosNode *node, NomosTensor out, NomosTensor out_bar, const bool wanted[], NomosTensor in_bar[])
{
  const Attributes    *a    = node->attributes;
  const NomosTape      tape = out.tape;
  NomosFourierLayerJob job;
  NomosNode           *bar, *modes, *slope = NULL;
  size_t               capacity;

  if (NomosTapeIsRecording(tape)) {
    NomosGradientKept(&(NomosGradientInput){.y = Definition(node->in, a), .y_bar = out_bar, .n = N, .x = node->in, .record = true}, in_bar);
    return;
  }
  if (!Fill(node->in, a, &job) || !(bar = NomosNodeRead(out_bar)) || !(modes = NomosNodeOf(a->modes)) || (a->activated && !(slope = NomosNodeOf(a->slope)))) return;
  const bool empty = !NomosNodeSize(node);
  void     **slots[N] = {&job.x_bar, &job.w_bar, &job.pointwise_bar, &job.bias_bar};
  job.y_bar = NomosNodeData(bar, tape);
  job.modes = NomosNodeData(modes, tape);
  job.slope = slope ? NomosNodeData(slope, tape) : NULL;
  for (int k = 0; k < N; k++) {
    const size_t *shape;
    if (!wanted[k]) continue;
    const int  n_dims = NomosTensorDims(node->in[k], &shape);
    NomosNode *slot   = NomosNodeKeep(tape, node->type, n_dims, shape, &in_bar[k]);
    if (!slot) return;
    *slots[k] = NomosNodeData(slot, tape);
    if (empty) memset(*slots[k], 0, NomosNodeSize(slot) * NomosRealBytes(node->type));
  }
  if (empty || !TakeScratch(tape, node->type, true, &job, &capacity)) return;
  NOMOS_KERNEL(node->type, NomosFourierLayerBackward)(&job);
  NomosTapeScratchFree(tape, job.scratch, capacity);
}

static NomosTensor ApplyGelu(const NomosTensor x[])
{
  return NomosFourierLayer(&(NomosFourierLayerInput){.x = x[0], .w = x[1], .pointwise = x[2], .bias = x[3], .activation = NOMOS_GELU});
}
static NomosTensor ApplyLinear(const NomosTensor x[])
{
  return NomosFourierLayer(&(NomosFourierLayerInput){.x = x[0], .w = x[1], .pointwise = x[2], .bias = x[3], .activation = NOMOS_N_FUNCTIONS});
}

static const NomosExample examples[] = {
  {"one dimension", 4, {{3, {3, 2, 7}, -1, 1}, {4, {2, 3, 3, 2}, -1, 1}, {2, {3, 2}, -1, 1}, {1, {3}, -1, 1}}, ApplyGelu},
  {"two dimensions", 4, {{4, {2, 2, 4, 5}, -1, 1}, {5, {2, 2, 2, 3, 2}, -1, 1}, {2, {2, 2}, -1, 1}, {1, {2}, -1, 1}}, ApplyGelu},
  {"without activation", 4, {{3, {2, 3, 6}, -1, 1}, {4, {3, 2, 2, 2}, -1, 1}, {2, {2, 3}, -1, 1}, {1, {2}, -1, 1}}, ApplyLinear},
  {"no sample", 4, {{3, {0, 2, 7}, -1, 1}, {4, {2, 3, 3, 2}, -1, 1}, {2, {3, 2}, -1, 1}, {1, {3}, -1, 1}}, ApplyGelu},
};
const NomosPrimitive nomos_primitive_fourier_layer = {.name = "fourier_layer", .vjp = Vjp, NOMOS_EXAMPLES(examples)};
