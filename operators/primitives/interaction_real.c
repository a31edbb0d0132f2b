/* Edges go in blocks, each of all edges of some receivers, from gathering to aggregation while they are in cache; nothing of a block is kept: backwards it is computed again. Nodes go in tiles. Blocks and tiles
   are shared out to chunks, each with weight gradients of its own that are added in order, and what a sender gets back is summed over its list: any number of threads gives the same bits. */
#include "operators/primitives/interaction_impl.h"

#include "operators/row_product.h"
#include "operators/primitives/vector.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum { TILE = NOMOS_INTERACTION_TILE, CHUNKS = NOMOS_INTERACTION_CHUNKS, PARALLEL = 1 << 17 };

/* Where things lie in the scratch. */
typedef struct {
  Real  *receiver, *sender;                  /* (n_nodes, width) the first layer's shares W1 x + b and W2 x */
  Real  *sum_bar, *receiver_bar, *first_bar; /* (n_nodes, channels), (n_nodes, width), (n_edges, width): gradients of sums, of the shares of receivers, of the first layer's results */
  Real  *parameters;                         /* (CHUNKS, n_parameters) */
  Real  *buffers;
} Work;

static Work WorkOf(const NomosInteractionJob *job, bool backward)
{
  const size_t nodes = job->n_nodes, width = job->edge.width;
  Real        *at = job->scratch;
  Work         work = {.receiver = at, .sender = at + nodes * width};

  at += 2 * nodes * width;
  if (backward) {
    work.sum_bar      = at;
    work.receiver_bar = work.sum_bar + nodes * job->channels;
    work.first_bar    = work.receiver_bar + nodes * width;
    work.parameters   = work.first_bar + job->n_edges * width;
    at                = work.parameters + CHUNKS * job->n_parameters;
  }
  work.buffers = at;
  return work;
}

static bool Parallel(const NomosInteractionJob *job)
{
  return (job->n_edges + job->n_nodes) * job->edge.width * job->channels >= PARALLEL && !omp_in_parallel();
}

/* c [m, n] = a [m, k] b [k, n] + bias, rows behind each other. */
static void Affine(size_t m, size_t n, size_t k, const Real *a, const Real *b, const Real *bias, Real *c)
{
  NAME(NomosRowProductRun)(&(NomosRowProduct){.m = m, .n = n, .k = k, .a = a, .a_row = k, .a_column = 1, .b = b, .ldb = n, .c = c, .ldc = n, .bias = bias});
}
/* c [m, n] (+)= a [m, k] b [k, n] */
static void Multiply(size_t m, size_t n, size_t k, const Real *a, size_t lda, const Real *b, size_t ldb, Real *c, size_t ldc, bool add)
{
  NAME(NomosRowProductRun)(&(NomosRowProduct){.m = m, .n = n, .k = k, .a = a, .a_row = lda, .a_column = 1, .b = b, .ldb = ldb, .c = c, .ldc = ldc, .add = add});
}
/* c [m, n] += a^T b for a [k, m], b [k, n], rows behind each other: the gradient of weights. */
static void MultiplyTransposed(size_t m, size_t n, size_t k, const Real *a, const Real *b, Real *c, size_t ldc)
{
  NAME(NomosRowProductRun)(&(NomosRowProduct){.m = m, .n = n, .k = k, .a = a, .a_row = 1, .a_column = m, .b = b, .ldb = n, .c = c, .ldc = ldc, .add = true});
}

static void AddRows(size_t rows, size_t n, const Real *restrict from, Real *restrict to)
{
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++) to[i] += from[r * n + i];
}

static size_t Out(const NomosInteractionJob *job, const NomosInteractionMlp *mlp, size_t l)
{
  return l + 1 < job->n_layers ? mlp->width : mlp->out;
}

/* Weights transposed, once a call. */
static void Turn(const NomosInteractionJob *job)
{
  for (int which = 0; which < 2; which++) {
    const NomosInteractionMlp *mlp = which ? &job->node : &job->edge;
    for (size_t l = 0; l < job->n_layers; l++) {
      const size_t in = l ? mlp->width : mlp->in, out = Out(job, mlp, l);
      const Real  *w  = mlp->weight[l];
      for (size_t i = 0; i < out; i++)
        for (size_t j = 0; j < in; j++) ((Real *)mlp->turned[l])[j * out + i] = w[i * in + j];
    }
  }
}

/* h[0] has the first layer's results; the last result is h[n_layers - 1]. slope NULL: only values, h[l] may be h[l - 2]. */
static void Hidden(const NomosInteractionJob *job, const NomosInteractionMlp *mlp, size_t rows, Real *h[], Real *slope[])
{
  for (size_t l = 1; l < job->n_layers; l++) {
    const size_t out = Out(job, mlp, l), width = mlp->width;
    if (slope) NAME(NomosFunctionPairRun)(&job->activation, rows * width, h[l - 1], h[l - 1], slope[l - 1]);
    else NAME(NomosFunctionRun)(&job->activation.value, rows * width, h[l - 1], h[l - 1]);
    Affine(rows, out, width, h[l - 1], mlp->turned[l], mlp->bias[l], h[l]);
  }
}

/* z becomes (z - mean)/deviation; inverse (may be NULL) one over the deviation. */
static void Standardise(size_t rows, size_t n, double epsilon, Real *z, Real *inverse)
{
  for (size_t r = 0; r < rows; r++) {
    Real *restrict row = z + r * n;
    Real sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) sum += row[i];
    const Real mean = sum / (Real)n;
#pragma omp simd reduction(+ : squares)
    for (size_t i = 0; i < n; i++) squares += (row[i] - mean) * (row[i] - mean);
    const Real factor = (Real)(1 / sqrt((double)squares / (double)n + epsilon));
    for (size_t i = 0; i < n; i++) row[i] = (row[i] - mean) * factor;
    if (inverse) inverse[r] = factor;
  }
}

/* Back through norm and layers: g [rows, out] is the gradient of the MLP's result, z what Standardise left. Returns the gradient of the first layer's results; other: a second buffer. */
static Real *Back(const NomosInteractionJob *job, const NomosInteractionMlp *mlp, size_t rows, Real *const h[], Real *const slope[], const Real *z, const Real *inverse, Real *g, Real *other, Real *parameters)
{
  const size_t n = mlp->out;
  const Real *restrict scale = mlp->scale;
  Real *restrict scale_bar   = parameters + mlp->scale_at, *restrict shift_bar = parameters + mlp->shift_at;

  for (size_t r = 0; r < rows; r++) {
    Real *restrict row          = g + r * n;
    const Real *restrict normal = z + r * n;
    Real mean = 0, slant = 0;
#pragma omp simd reduction(+ : mean, slant)
    for (size_t i = 0; i < n; i++) {
      shift_bar[i] += row[i];
      scale_bar[i] += row[i] * normal[i];
      row[i] *= scale[i];
      mean += row[i];
      slant += row[i] * normal[i];
    }
    mean /= (Real)n;
    slant /= (Real)n;
    for (size_t i = 0; i < n; i++) row[i] = inverse[r] * (row[i] - mean - slant * normal[i]);
  }
  for (size_t l = job->n_layers; l-- > 1;) {
    const size_t out = Out(job, mlp, l), width = mlp->width;
    if (job->any_parameter) {
      AddRows(rows, out, g, parameters + mlp->bias_at[l]);
      MultiplyTransposed(out, width, rows, g, h[l - 1], parameters + mlp->weight_at[l], width);
    }
    Multiply(rows, width, out, g, out, mlp->weight[l], width, other, width, false);
    for (size_t i = 0; i < rows * width; i++) other[i] *= slope[l - 1][i];
    Real *swapped = g;
    g             = other;
    other         = swapped;
  }
  return g;
}

/* ---- nodes */

static size_t Tiles(const NomosInteractionJob *job)
{
  return Blocks(job->n_nodes, TILE);
}

/* The first layer's shares of a tile. */
static void Shares(const NomosInteractionJob *job, const Work *work, size_t start, size_t rows)
{
  const size_t width = job->edge.width, channels = job->channels;
  const Real  *x = (const Real *)job->state + start * channels, *turned = job->edge.turned[0];

  Affine(rows, width, channels, x, turned, job->edge.bias[0], work->receiver + start * width);
  Multiply(rows, width, channels, x, channels, turned + channels * width, width, work->sender + start * width, width, false);
}

/* The first layer of nodes and the rest of it, into h. */
static void NodeValues(const NomosInteractionJob *job, size_t start, size_t rows, Real *h[], Real *slope[])
{
  const size_t width = job->node.width, channels = job->channels;
  const Real  *turned = job->node.turned[0];

  Affine(rows, width, channels, (const Real *)job->state + start * channels, turned, job->node.bias[0], h[0]);
  Multiply(rows, width, channels, (const Real *)job->sum + start * channels, channels, turned + channels * width, width, h[0], width, true);
  Hidden(job, &job->node, rows, h, slope);
}

static void NodesForward(const NomosInteractionJob *job, size_t start, size_t rows, Real *h[])
{
  const size_t n = job->channels;
  const Real *restrict scale = job->node.scale, *restrict shift = job->node.shift;
  Real *z = h[job->n_layers - 1];

  NodeValues(job, start, rows, h, NULL);
  Standardise(rows, n, job->epsilon, z, NULL);
  for (size_t r = 0; r < rows; r++) {
    const Real *restrict x = (const Real *)job->state + (start + r) * n;
    Real *restrict out     = (Real *)job->out + (start + r) * n;
    for (size_t i = 0; i < n; i++) out[i] = x[i] + z[r * n + i] * scale[i] + shift[i];
  }
}

/* Gradients of the sums of messages, and of x as far as the nodes' own MLP goes. */
static void NodesBackward(const NomosInteractionJob *job, const Work *work, size_t start, size_t rows, Real *const buffer[], Real *inverse, Real *parameters)
{
  const size_t n = job->channels, width = job->node.width, in = job->node.in, layers = job->n_layers;
  const Real  *x = (const Real *)job->state + start * n, *sum = (const Real *)job->sum + start * n, *first = job->node.weight[0];
  Real        *h[NOMOS_INTERACTION_MAX], *slope[NOMOS_INTERACTION_MAX], *g = buffer[2 * layers - 1], *x_bar = (Real *)job->state_bar + start * n;

  for (size_t l = 0; l < layers; l++) h[l] = buffer[l];
  for (size_t l = 0; l + 1 < layers; l++) slope[l] = buffer[layers + l];
  NodeValues(job, start, rows, h, slope);
  Standardise(rows, n, job->epsilon, h[layers - 1], inverse);
  memcpy(g, (const Real *)job->out_bar + start * n, rows * n * sizeof *g);
  g = Back(job, &job->node, rows, h, slope, h[layers - 1], inverse, g, buffer[2 * layers], parameters);
  if (job->any_parameter) {
    AddRows(rows, width, g, parameters + job->node.bias_at[0]);
    MultiplyTransposed(width, n, rows, g, x, parameters + job->node.weight_at[0], in);
    MultiplyTransposed(width, n, rows, g, sum, parameters + job->node.weight_at[0] + n, in);
  }
  memcpy(x_bar, (const Real *)job->out_bar + start * n, rows * n * sizeof *x_bar);
  Multiply(rows, n, width, g, width, first, in, x_bar, n, true);
  Multiply(rows, n, width, g, width, first + n, in, work->sum_bar + start * n, n, false);
}

/* What the first layer of the edges gives back to nodes, as receivers and as senders. */
static void SharesBackward(const NomosInteractionJob *job, const Work *work, size_t start, size_t rows, Real *sender_bar, Real *parameters)
{
  const size_t n = job->channels, width = job->edge.width, in = job->edge.in;
  const Real  *x = (const Real *)job->state + start * n, *first = job->edge.weight[0], *receiver_bar = work->receiver_bar + start * width;
  Real        *x_bar = (Real *)job->state_bar + start * n;

  for (size_t r = 0; r < rows; r++) {
    Real *restrict to = sender_bar + r * width;
    memset(to, 0, width * sizeof *to);
    for (int32_t k = job->sender->first[start + r]; k < job->sender->first[start + r + 1]; k++) {
      const Real *restrict from = work->first_bar + (size_t)job->sender->order[k] * width;
      for (size_t i = 0; i < width; i++) to[i] += from[i];
    }
  }
  if (job->any_parameter) {
    AddRows(rows, width, receiver_bar, parameters + job->edge.bias_at[0]);
    MultiplyTransposed(width, n, rows, receiver_bar, x, parameters + job->edge.weight_at[0], in);
    MultiplyTransposed(width, n, rows, sender_bar, x, parameters + job->edge.weight_at[0] + n, in);
  }
  Multiply(rows, n, width, receiver_bar, width, first, in, x_bar, n, true);
  Multiply(rows, n, width, sender_bar, width, first + n, in, x_bar, n, true);
}

/* ---- edges */

static size_t Edge(const NomosInteractionJob *job, size_t k)
{
  return job->in_order ? k : (size_t)job->receiver->order[k];
}

/* Edge states of a block, behind each other. */
static const Real *EdgeStates(const NomosInteractionJob *job, size_t begin, size_t rows, Real *buffer)
{
  const size_t n = job->channels;
  const Real  *e = (const Real *)job->state + job->n_nodes * n;

  if (job->in_order) return e + begin * n;
  for (size_t r = 0; r < rows; r++) memcpy(buffer + r * n, e + Edge(job, begin + r) * n, n * sizeof *e);
  return buffer;
}

static void EdgeValues(const NomosInteractionJob *job, const Work *work, size_t begin, size_t rows, const Real *e, Real *h[], Real *slope[])
{
  const size_t width = job->edge.width, n = job->channels;

  for (size_t r = 0; r < rows; r++) {
    const size_t edge              = Edge(job, begin + r);
    const Real *restrict of_sender = work->sender + (size_t)job->sender->index[edge] * width, *restrict of_receiver = work->receiver + (size_t)job->receiver->index[edge] * width;
    Real *restrict to = h[0] + r * width;
    for (size_t i = 0; i < width; i++) to[i] = of_receiver[i] + of_sender[i];
  }
  Multiply(rows, width, n, e, n, (const Real *)job->edge.turned[0] + 2 * n * width, width, h[0], width, true);
  Hidden(job, &job->edge, rows, h, slope);
}

static void EdgesForward(const NomosInteractionJob *job, const Work *work, size_t block, Real *h[], Real *buffer)
{
  const int32_t *first = job->receiver->first;
  const size_t   begin = (size_t)first[job->block[block]], rows = (size_t)first[job->block[block + 1]] - begin, n = job->channels;
  const Real    *e     = EdgeStates(job, begin, rows, buffer), *z = h[job->n_layers - 1];
  const Real *restrict scale = job->edge.scale, *restrict shift = job->edge.shift;

  EdgeValues(job, work, begin, rows, e, h, NULL);
  Standardise(rows, n, job->epsilon, h[job->n_layers - 1], NULL);
  for (size_t i = job->block[block]; i < job->block[block + 1]; i++) {
    Real *restrict sum = (Real *)job->sum + i * n;
    memset(sum, 0, n * sizeof *sum);
    for (size_t k = (size_t)first[i]; k < (size_t)first[i + 1]; k++) {
      const size_t edge = Edge(job, k), r = k - begin;
      const Real   weight = job->weight ? ((const Real *)job->weight)[edge] : 1;
      Real *restrict out  = (Real *)job->out + (job->n_nodes + edge) * n;
      for (size_t c = 0; c < n; c++) {
        const Real message = z[r * n + c] * scale[c] + shift[c];
        sum[c] += weight * message;
        out[c] = e[r * n + c] + message;
      }
    }
  }
}

static void EdgesBackward(const NomosInteractionJob *job, const Work *work, size_t block, Real *const buffer[], Real *inverse, Real *parameters)
{
  const int32_t *first = job->receiver->first;
  const size_t   begin = (size_t)first[job->block[block]], rows = (size_t)first[job->block[block + 1]] - begin, n = job->channels, width = job->edge.width, in = job->edge.in, layers = job->n_layers;
  const Real    *e     = EdgeStates(job, begin, rows, buffer[2 * layers + 1]);
  const Real *restrict scale = job->edge.scale, *restrict shift = job->edge.shift;
  Real *h[NOMOS_INTERACTION_MAX], *slope[NOMOS_INTERACTION_MAX], *message_bar = buffer[2 * layers - 1], *other = buffer[2 * layers];

  for (size_t l = 0; l < layers; l++) h[l] = buffer[l];
  for (size_t l = 0; l + 1 < layers; l++) slope[l] = buffer[layers + l];
  EdgeValues(job, work, begin, rows, e, h, slope);
  const Real *z = h[layers - 1];
  Standardise(rows, n, job->epsilon, h[layers - 1], inverse);
  for (size_t i = job->block[block]; i < job->block[block + 1]; i++) {
    const Real *restrict sum_bar = work->sum_bar + i * n;
    for (size_t k = (size_t)first[i]; k < (size_t)first[i + 1]; k++) {
      const size_t edge = Edge(job, k), r = k - begin;
      const Real   weight          = job->weight ? ((const Real *)job->weight)[edge] : 1;
      const Real *restrict out_bar = (const Real *)job->out_bar + (job->n_nodes + edge) * n;
      for (size_t c = 0; c < n; c++) message_bar[r * n + c] = out_bar[c] + weight * sum_bar[c];
      if (!job->weight_bar) continue;
      Real product = 0;
#pragma omp simd reduction(+ : product)
      for (size_t c = 0; c < n; c++) product += sum_bar[c] * (z[r * n + c] * scale[c] + shift[c]);
      ((Real *)job->weight_bar)[edge] = product;
    }
  }
  const Real *g = Back(job, &job->edge, rows, h, slope, z, inverse, message_bar, other, parameters);
  for (size_t i = job->block[block]; i < job->block[block + 1]; i++) {
    Real *restrict receiver_bar = work->receiver_bar + i * width;
    memset(receiver_bar, 0, width * sizeof *receiver_bar);
    AddRows((size_t)(first[i + 1] - first[i]), width, g + ((size_t)first[i] - begin) * width, receiver_bar);
  }
  if (job->any_parameter) MultiplyTransposed(width, n, rows, g, e, parameters + job->edge.weight_at[0] + 2 * n, in);
  Real *e_bar = g == message_bar ? other : message_bar;
  Multiply(rows, n, width, g, width, (const Real *)job->edge.weight[0] + 2 * n, in, e_bar, n, false);
  for (size_t r = 0; r < rows; r++) {
    const size_t edge            = Edge(job, begin + r), at = (job->n_nodes + edge) * n;
    const Real *restrict out_bar = (const Real *)job->out_bar + at;
    Real *restrict to            = (Real *)job->state_bar + at;
    memcpy(work->first_bar + edge * width, g + r * width, width * sizeof *g);
    for (size_t c = 0; c < n; c++) to[c] = out_bar[c] + e_bar[r * n + c];
  }
}

/* ---- all */

/* buffer[0 ...] of this thread, and `inverse` behind them. */
static Real *Buffers(const NomosInteractionJob *job, const Work *work, size_t n, Real *buffer[])
{
  Real *mine = work->buffers + job->of_thread * (size_t)omp_get_thread_num();

  for (size_t b = 0; b < n; b++) buffer[b] = mine + b * job->rows * job->widest;
  return mine + n * job->rows * job->widest;
}

void NAME(NomosInteractionForward)(const NomosInteractionJob *job)
{
  const Work work = WorkOf(job, false);

  Turn(job);
#pragma omp parallel if (Parallel(job))
  {
    Real *buffer[3], *h[NOMOS_INTERACTION_MAX];
    (void)Buffers(job, &work, 3, buffer);
    for (size_t l = 0; l < job->n_layers; l++) h[l] = buffer[l % 2];
#pragma omp for schedule(static)
    for (size_t t = 0; t < Tiles(job); t++) Shares(job, &work, t * TILE, Smaller(TILE, job->n_nodes - t * TILE));
#pragma omp for schedule(dynamic)
    for (size_t b = 0; b < job->n_blocks; b++) EdgesForward(job, &work, b, h, buffer[2]);
#pragma omp for schedule(static)
    for (size_t t = 0; t < Tiles(job); t++) NodesForward(job, t * TILE, Smaller(TILE, job->n_nodes - t * TILE), h);
  }
}

void NAME(NomosInteractionBackward)(const NomosInteractionJob *job)
{
  const Work   work  = WorkOf(job, true);
  const size_t tiles = Tiles(job), n = job->n_parameters;

  Turn(job);
#pragma omp parallel if (Parallel(job))
  {
    Real *buffer[2 * NOMOS_INTERACTION_MAX + 2], *inverse = Buffers(job, &work, 2 * job->n_layers + 2, buffer);
#pragma omp for schedule(static)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
      Real *parameters = work.parameters + chunk * n;
      memset(parameters, 0, n * sizeof *parameters);
      for (size_t t = tiles * chunk / CHUNKS; t < tiles * (chunk + 1) / CHUNKS; t++) {
        const size_t rows = Smaller(TILE, job->n_nodes - t * TILE);
        Shares(job, &work, t * TILE, rows);
        NodesBackward(job, &work, t * TILE, rows, buffer, inverse, parameters);
      }
    }
#pragma omp for schedule(dynamic)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++)
      for (size_t b = job->n_blocks * chunk / CHUNKS; b < job->n_blocks * (chunk + 1) / CHUNKS; b++) EdgesBackward(job, &work, b, buffer, inverse, work.parameters + chunk * n);
#pragma omp for schedule(static)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++)
      for (size_t t = tiles * chunk / CHUNKS; t < tiles * (chunk + 1) / CHUNKS; t++) SharesBackward(job, &work, t * TILE, Smaller(TILE, job->n_nodes - t * TILE), buffer[0], work.parameters + chunk * n);
  }
  for (size_t chunk = 0; chunk < CHUNKS && job->any_parameter; chunk++) {
    Real *restrict to         = job->parameters_bar;
    const Real *restrict from = work.parameters + chunk * n;
    for (size_t i = 0; i < n; i++) to[i] = chunk ? to[i] + from[i] : from[i];
  }
}
