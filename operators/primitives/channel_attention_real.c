/* Channel attention. Both pointwise paths of a sample are one matrix, M = diag(a1) W1 + W2, and its gradient by M gives those by W1, W2 and a1; the other paths are added while a tile of rows is in cache.
   A task is some samples, fixed by the batch alone: each sums its weight gradients apart, and the sums are added in order. */
#include "operators/primitives/channel_attention_impl.h"
#include "operators/primitives/convolution_tile.h"

enum { TILE = 512 /* points */, STRIP = 4 /* rows whose taps are summed together */, CHUNKS = 16, PARALLEL = 1 << 16 };

typedef struct {
  const NomosChannelAttentionJob *job;
  size_t points, coarse, taps;   /* of a channel */
  size_t rows, columns, plane;   /* of a tile; of a row with its surroundings; of a tile with its own */
  size_t chunk, n_chunks;        /* samples of a task */
  size_t sums;                   /* weight gradients of a task: G, W1, W2 [out][in], local [out][taps] twice, biases [out] twice and sums [out] */
} Plan;

static void MakePlan(const NomosChannelAttentionJob *job, Plan *plan)
{
  plan->job      = job;
  plan->points   = job->n[0] * job->n[1];
  plan->coarse   = plan->points / (job->factor[0] * job->factor[1]);
  plan->taps     = job->taps[0] * job->taps[1];
  plan->rows     = Smaller(job->n[0], Blocks(Smaller(TILE, plan->points), job->n[1] * job->factor[0]) * job->factor[0]);
  plan->columns  = job->n[1] + job->taps[1] - 1;
  plan->plane    = OddLines((plan->rows + STRIP + job->taps[0]) * plan->columns + VECTOR);
  plan->n_chunks = Smaller(job->batch, CHUNKS);
  plan->chunk    = Blocks(job->batch, plan->n_chunks);
  plan->sums     = OddLines(3 * job->out * job->in + 2 * job->out * plan->taps + 3 * job->out);
}

/* A thread's: M, constants, taps times attention, a row, two planes. */
typedef struct {
  Real *matrix, *constant, *taps, *row, *plane[2];
} Work;
static size_t WorkSize(const Plan *plan, Real *memory, Work *work)
{
  const NomosChannelAttentionJob *job = plan->job;
  const size_t matrix = OddLines(job->out * job->in), constant = OddLines(job->out), taps = OddLines(job->out * plan->taps), row = OddLines(job->n[1] + VECTOR);

  if (work) {
    work->matrix   = memory;
    work->constant = work->matrix + matrix;
    work->taps     = work->constant + constant;
    work->row      = work->taps + taps;
    work->plane[0] = work->row + row;
    work->plane[1] = work->plane[0] + plan->plane;
  }
  return matrix + constant + taps + row + 2 * plan->plane;
}

size_t NAME(NomosChannelAttentionScratch)(const NomosChannelAttentionJob *job, bool backward)
{
  Plan plan;

  MakePlan(job, &plan);
  return WorkSize(&plan, NULL, NULL) * (size_t)omp_get_max_threads() + (backward ? plan.n_chunks * plan.sums : 0);
}

static const Real *Operand(const Plan *plan, NomosAttentionOperand which)
{
  return plan->job->operand[which];
}

/* M, the constants a1 b1 + b2 and the taps a2 D of a sample. */
static void Combine(const Plan *plan, size_t b, const Work *work)
{
  const NomosChannelAttentionJob *job = plan->job;
  const size_t in = job->in, taps = plan->taps;

  for (size_t o = 0; o < job->out; o++) {
    const Real a1 = Operand(plan, NOMOS_ATTENTION_POINTWISE)[b * job->out + o], a2 = Operand(plan, NOMOS_ATTENTION_LOCAL)[b * job->out + o];
    const Real *restrict w1 = Operand(plan, NOMOS_POINTWISE) + o * in, *restrict w2 = Operand(plan, NOMOS_SKIP) + o * in, *restrict d = Operand(plan, NOMOS_LOCAL) + o * taps;
    Real *restrict matrix = work->matrix + o * in, *restrict to = work->taps + o * taps;
    for (size_t i = 0; i < in; i++) matrix[i] = a1 * w1[i] + w2[i];
    for (size_t t = 0; t < taps; t++) to[t] = a2 * d[t];
    work->constant[o] = a1 * Operand(plan, NOMOS_POINTWISE_BIAS)[o] + Operand(plan, NOMOS_SKIP_BIAS)[o];
  }
}

/* Rows [row, row + n_rows) of a channel and what their taps reach; turned: of the adjoint. */
static void Surround(const Plan *plan, const Real *channel, size_t row, size_t n_rows, bool turned, Real *plane)
{
  const NomosChannelAttentionJob *job = plan->job;
  PadShape pad = {.first = row, .n_rows = n_rows + job->taps[0] - 1, .n_columns = plan->columns, .plane = {job->n[0], job->n[1]}, .circular = job->circular};

  for (int d = 0; d < 2; d++) pad.pad[d] = (ptrdiff_t)(turned ? job->taps[d] - 1 - (job->taps[d] - 1) / 2 : (job->taps[d] - 1) / 2);
  PadPlane(&pad, channel, plane);
}

/* to[r][c] += sum_t tap[t] plane[r + t0][c + t1]: what a plane has behind its last row is read but not used. */
static void AddTaps(const Plan *plan, size_t n_rows, const Real *plane, const Real *tap, bool turned, Real *to)
{
  const size_t n = plan->job->n[1], k0 = plan->job->taps[0], k1 = plan->job->taps[1], columns = plan->columns;

  for (size_t row = 0; row < n_rows; row += STRIP)
    for (size_t c = 0; c < n; c += VECTOR) {
      const size_t count = Smaller(VECTOR, n - c), strip = Smaller(STRIP, n_rows - row);
      Vector       sum[STRIP] = {{0}};
      if (strip == STRIP)
        for (size_t i = 0, t = 0; i < k0; i++)
          for (size_t j = 0; j < k1; j++, t++) {
            const Real weight = tap[turned ? plan->taps - 1 - t : t];
            for (size_t r = 0; r < STRIP; r++) sum[r] += weight * *(const Vector *)(plane + (row + r + i) * columns + c + j);
          }
      else
        for (size_t r = 0; r < strip; r++)
          for (size_t i = 0, t = 0; i < k0; i++)
            for (size_t j = 0; j < k1; j++, t++) sum[r] += tap[turned ? plan->taps - 1 - t : t] * *(const Vector *)(plane + (row + r + i) * columns + c + j);
      for (size_t r = 0; r < strip; r++) {
        Real *at = to + (row + r) * n + c;
        if (count == VECTOR) *(Vector *)at += sum[r];
        else
          for (size_t l = 0; l < count; l++) at[l] += sum[r][l];
      }
    }
}

/* ---- forward */

/* to += constant + a0 coarse, repeated. */
static void AddCoarse(const Plan *plan, size_t row, size_t n_rows, const Real *coarse, Real a0, Real constant, Real *restrict repeated, Real *to)
{
  const size_t n = plan->job->n[1], f0 = plan->job->factor[0], f1 = plan->job->factor[1];

  for (size_t r = 0; r < n_rows; r++) {
    Real *restrict at = to + r * n;
    if (r % f0 == 0) {
      const Real *restrict from = coarse + (row + r) / f0 * (n / f1);
      if (f1 == 4)
        for (size_t q = 0; q < n / 4; q++)
          for (size_t j = 0; j < 4; j++) repeated[4 * q + j] = constant + a0 * from[q];
      else
        for (size_t q = 0; q < n / f1; q++)
          for (size_t j = 0; j < f1; j++) repeated[q * f1 + j] = constant + a0 * from[q];
    }
    for (size_t c = 0; c < n; c++) at[c] += repeated[c];
  }
}

static void ForwardTile(const Plan *plan, size_t b, size_t row, const Work *work)
{
  const NomosChannelAttentionJob *job = plan->job;
  const size_t n_rows = Smaller(plan->rows, job->n[0] - row), at = row * job->n[1], each = job->out / job->in;
  const Real  *y = Operand(plan, NOMOS_ATTENDED) + b * job->in * plan->points, *coarse = Operand(plan, NOMOS_COARSE) + b * job->out * plan->coarse;
  Real        *z = (Real *)job->z + b * job->out * plan->points + at;

  NAME(NomosProductAlone)(&(NomosProduct){.m = job->out, .n = n_rows * job->n[1], .k = job->in, .lda = job->in, .ldb = plan->points, .ldc = plan->points, .a = work->matrix, .b = y + at, .c = z});
  for (size_t i = 0; i < job->in; i++) {
    Surround(plan, y + i * plan->points, row, n_rows, false, work->plane[0]);
    for (size_t o = i * each; o < (i + 1) * each; o++) {
      AddCoarse(plan, row, n_rows, coarse + o * plan->coarse, Operand(plan, NOMOS_ATTENTION_GLOBAL)[b * job->out + o], work->constant[o], work->row, z + o * plan->points);
      AddTaps(plan, n_rows, work->plane[0], work->taps + o * plan->taps, false, z + o * plan->points);
    }
  }
}

void NAME(NomosChannelAttentionForward)(const NomosChannelAttentionJob *job)
{
  Plan plan;

  MakePlan(job, &plan);
  const size_t each = WorkSize(&plan, NULL, NULL);
#pragma omp parallel for schedule(static) if (job->batch * job->out * plan.points >= PARALLEL && !omp_in_parallel())
  for (size_t b = 0; b < job->batch; b++) {
    Work work;
    (void)WorkSize(&plan, (Real *)job->scratch + each * (size_t)omp_get_thread_num(), &work);
    Combine(&plan, b, &work);
    for (size_t row = 0; row < job->n[0]; row += plan.rows) ForwardTile(&plan, b, row, &work);
  }
}

/* ---- backward */

typedef struct {
  Real *product, *pointwise, *skip, *correlation, *local, *sum, *pointwise_bias, *skip_bias;
} Gradients;
static Gradients GradientsAt(const Plan *plan, Real *memory)
{
  const size_t matrix = plan->job->out * plan->job->in, taps = plan->job->out * plan->taps, out = plan->job->out;
  Real *const  local  = memory + 3 * matrix, *const vectors = local + 2 * taps;

  return (Gradients){.product = memory, .pointwise = memory + matrix, .skip = memory + 2 * matrix, .correlation = local, .local = local + taps, .sum = vectors, .pointwise_bias = vectors + out, .skip_bias = vectors + 2 * out};
}

/* Gradients of z_bar over the points of a coarse one, from which the gradients by the coarse field, its attention and the biases follow. */
static void PoolTile(const Plan *plan, size_t row, size_t n_rows, size_t bo, const Real *z_bar, Real *restrict summed, Real *sum)
{
  const NomosChannelAttentionJob *job = plan->job;
  const size_t n = job->n[1], f0 = job->factor[0], f1 = job->factor[1], n_coarse = n / f1;
  const Real   a0 = Operand(plan, NOMOS_ATTENTION_GLOBAL)[bo];
  Real         attention = 0, all = 0;

  for (size_t r = 0; r < n_rows; r += f0) {
    const Real *restrict coarse = Operand(plan, NOMOS_COARSE) + bo * plan->coarse + (row + r) / f0 * n_coarse;
    Real *restrict bar = job->bar[NOMOS_COARSE] ? (Real *)job->bar[NOMOS_COARSE] + bo * plan->coarse + (row + r) / f0 * n_coarse : NULL;
    const Real *from = z_bar + r * n;
    if (f0 > 1) {
      for (size_t c = 0; c < n; c++) summed[c] = from[c];
      for (size_t i = 1; i < f0; i++)
        for (size_t c = 0; c < n; c++) summed[c] += from[i * n + c];
      from = summed;
    }
    for (size_t q = 0; q < n_coarse; q++) {
      Real pooled = 0;
      for (size_t j = 0; j < f1; j++) pooled += from[q * f1 + j];
      all += pooled;
      attention += pooled * coarse[q];
      if (bar) bar[q] = a0 * pooled;
    }
  }
  *sum += all;
  if (job->bar[NOMOS_ATTENTION_GLOBAL]) ((Real *)job->bar[NOMOS_ATTENTION_GLOBAL])[bo] += attention;
}

static void BackwardTile(const Plan *plan, size_t b, size_t row, const Work *work, const Gradients *sums)
{
  const NomosChannelAttentionJob *job = plan->job;
  const size_t n_rows = Smaller(plan->rows, job->n[0] - row), at = row * job->n[1], each = job->out / job->in;
  const Real  *y = Operand(plan, NOMOS_ATTENDED) + b * job->in * plan->points, *z_bar = (const Real *)job->z_bar + b * job->out * plan->points;
  const CorrelationShape correlation = {.rows = n_rows, .points = job->n[1], .stride = 1, .channel = plan->points, .row = plan->columns, .tap_row = plan->columns, .taps = {job->taps[0], job->taps[1]}};
  Real        *y_bar = job->bar[NOMOS_ATTENDED] ? (Real *)job->bar[NOMOS_ATTENDED] + b * job->in * plan->points + at : NULL;

  NAME(NomosProductAlone)(&(NomosProduct){.m = job->out, .n = job->in, .k = n_rows * job->n[1], .lda = plan->points, .ldb = plan->points, .ldc = job->in, .transposed_b = true, .add = row > 0, .a = z_bar + at, .b = y + at, .c = sums->product});
  if (y_bar) NAME(NomosProductAlone)(&(NomosProduct){.m = job->in, .n = n_rows * job->n[1], .k = job->out, .lda = job->in, .ldb = plan->points, .ldc = plan->points, .transposed_a = true, .a = work->matrix, .b = z_bar + at, .c = y_bar});
  for (size_t i = 0; i < job->in; i++) {
    Surround(plan, y + i * plan->points, row, n_rows, false, work->plane[0]);
    Correlate(&correlation, each, z_bar + i * each * plan->points + at, work->plane[0], sums->correlation + i * each * plan->taps, plan->taps);
    for (size_t o = i * each; o < (i + 1) * each; o++) {
      PoolTile(plan, row, n_rows, b * job->out + o, z_bar + o * plan->points + at, work->row, sums->sum + o);
      if (!y_bar) continue;
      Surround(plan, z_bar + o * plan->points, row, n_rows, true, work->plane[1]);
      AddTaps(plan, n_rows, work->plane[1], work->taps + o * plan->taps, true, y_bar + i * plan->points);
    }
  }
}

/* From the sums over a sample's points to the gradients by weights, which are added up, and by attention. */
static void Distribute(const Plan *plan, size_t b, const Gradients *sums)
{
  const NomosChannelAttentionJob *job = plan->job;
  const size_t in = job->in, taps = plan->taps;

  for (size_t o = 0; o < job->out; o++) {
    const size_t bo = b * job->out + o;
    const Real   a1 = Operand(plan, NOMOS_ATTENTION_POINTWISE)[bo], a2 = Operand(plan, NOMOS_ATTENTION_LOCAL)[bo];
    const Real *restrict g = sums->product + o * in, *restrict h = sums->correlation + o * taps, *restrict w1 = Operand(plan, NOMOS_POINTWISE) + o * in, *restrict d = Operand(plan, NOMOS_LOCAL) + o * taps;
    Real *restrict to1 = sums->pointwise + o * in, *restrict to2 = sums->skip + o * in, *restrict local = sums->local + o * taps;
    Real pointwise = sums->sum[o] * Operand(plan, NOMOS_POINTWISE_BIAS)[o], nearby = 0;
    for (size_t i = 0; i < in; i++) {
      to1[i] += a1 * g[i];
      to2[i] += g[i];
    }
    for (size_t i = 0; i < in; i++) pointwise += w1[i] * g[i];
    for (size_t t = 0; t < taps; t++) {
      local[t] += a2 * h[t];
      nearby += d[t] * h[t];
    }
    sums->pointwise_bias[o] += a1 * sums->sum[o];
    sums->skip_bias[o] += sums->sum[o];
    if (job->bar[NOMOS_ATTENTION_POINTWISE]) ((Real *)job->bar[NOMOS_ATTENTION_POINTWISE])[bo] = pointwise;
    if (job->bar[NOMOS_ATTENTION_LOCAL]) ((Real *)job->bar[NOMOS_ATTENTION_LOCAL])[bo] = nearby;
  }
}

void NAME(NomosChannelAttentionBackward)(const NomosChannelAttentionJob *job)
{
  const NomosAttentionOperand summed[] = {NOMOS_POINTWISE, NOMOS_SKIP, NOMOS_LOCAL, NOMOS_POINTWISE_BIAS, NOMOS_SKIP_BIAS};
  Plan  plan;
  Real *all = job->scratch;

  MakePlan(job, &plan);
  const size_t each = WorkSize(&plan, NULL, NULL);
  Real *const  own  = all + plan.n_chunks * plan.sums;
  if (job->bar[NOMOS_ATTENTION_GLOBAL]) memset(job->bar[NOMOS_ATTENTION_GLOBAL], 0, sizeof(Real) * job->batch * job->out);
#pragma omp parallel for schedule(static) if (job->batch * job->out * plan.points >= PARALLEL && !omp_in_parallel())
  for (size_t chunk = 0; chunk < plan.n_chunks; chunk++) {
    const Gradients sums = GradientsAt(&plan, all + chunk * plan.sums);
    Work       work;
    (void)WorkSize(&plan, own + each * (size_t)omp_get_thread_num(), &work);
    memset(all + chunk * plan.sums, 0, sizeof(Real) * plan.sums);
    for (size_t b = chunk * plan.chunk; b < Smaller(job->batch, (chunk + 1) * plan.chunk); b++) {
      Combine(&plan, b, &work);
      memset(sums.correlation, 0, sizeof(Real) * job->out * plan.taps);
      memset(sums.sum, 0, sizeof(Real) * job->out);
      for (size_t row = 0; row < job->n[0]; row += plan.rows) BackwardTile(&plan, b, row, &work, &sums);
      Distribute(&plan, b, &sums);
    }
  }
  for (size_t k = 0; k < sizeof summed / sizeof *summed; k++) {
    const Gradients   first = GradientsAt(&plan, all);
    const Real  *from  = (const Real *[]){first.pointwise, first.skip, first.local, first.pointwise_bias, first.skip_bias}[k];
    const size_t n     = job->out * (k < 2 ? job->in : k == 2 ? plan.taps : 1);
    Real *restrict to  = job->bar[summed[k]];
    if (!to) continue;
    memset(to, 0, sizeof(Real) * n);
    for (size_t chunk = 0; chunk < plan.n_chunks; chunk++)
      for (size_t i = 0; i < n; i++) to[i] += from[chunk * plan.sums + i];
  }
}
