/* Convolution as a product of matrices that are never formed: rows are output channels, columns are points, the terms of a sum are (input channel, tap).
   A task takes some points and all of their terms, in blocks of terms: the planes these points need are copied once with their surroundings, and a tile reads each tap
   from them where it lies. Where the points of a row do not fill vectors (or lie a stride apart), they are gathered first. Every result is one sum in a
   fixed order, however the tasks are spread. */
#include "operators/primitives/convolution_tile.h"

enum { POINTS = 32 * VECTOR, PANELS = 6 /* gathered */, MANY_TASKS = 4 };

/* How the result of a sum is found: forward, or the transposed convolution of stride 1, which is a convolution with the taps turned round and the channels exchanged. */
typedef struct {
  NomosConvolutionShape s; /* as if forward */
  size_t                w_row, w_channel;
  bool                  turned;
  bool                  direct; /* vectors of points lie side by side, nothing is to be gathered */
  size_t                terms, channels;     /* of one block */
  size_t                points;              /* of one task, and what it touches of x: */
  size_t                samples, rows, columns, plane;
  size_t                row_tasks;           /* of a row longer than a task; else 0 */
  size_t                n_point_tasks, out_chunk, n_out_tasks;
  bool                  packed; /* weights are arranged once for all tasks, which are many; else by each, as it needs them */
} Plan;

static void MakePlan(const NomosConvolutionShape *shape, bool turned, Plan *plan)
{
  size_t taps, per_sample;

  plan->s      = *shape;
  plan->turned = turned;
  if (turned) {
    NomosConvolutionShape *s = &plan->s;
    s->in  = shape->out;
    s->out = shape->in;
    for (int d = 0; d < 2; d++) {
      s->x[d]   = shape->y[d];
      s->y[d]   = shape->x[d];
      s->pad[d] = (ptrdiff_t)shape->k[d] - 1 - shape->pad[d];
    }
  }
  const NomosConvolutionShape *s = &plan->s;
  taps            = s->k[0] * s->k[1];
  per_sample      = s->y[0] * s->y[1];
  plan->w_row     = turned ? taps : s->in * taps;
  plan->w_channel = turned ? s->out * taps : taps;
  plan->direct    = s->stride[1] == 1 && s->y[1] % VECTOR == 0;
  plan->channels  = Smaller(taps >= TERMS ? 1 : TERMS / taps, s->in);
  plan->terms     = plan->channels * taps;
  plan->points    = plan->direct ? POINTS : PANELS * (size_t)LANES;
  plan->columns   = (Smaller(s->y[1], plan->points) - 1) * s->stride[1] + s->k[1];
  plan->row_tasks = s->y[1] > plan->points ? Blocks(s->y[1], plan->points) : 0;
  /* Rows of a sample that a task's points can touch, and samples. */
  plan->rows      = (Smaller(s->y[0], Blocks(plan->points, s->y[1]) + 1) - 1) * s->stride[0] + s->k[0];
  plan->samples   = Blocks(plan->points, per_sample) + 1;
  if (plan->samples > s->batch) plan->samples = s->batch;
  if (plan->samples > 1) plan->rows = (s->y[0] - 1) * s->stride[0] + s->k[0];
  plan->plane         = OddLines(plan->rows * plan->columns);
  plan->n_point_tasks = plan->row_tasks ? s->batch * s->y[0] * plan->row_tasks : Blocks(s->batch * per_sample, plan->points);
  /* Channels are split only where points are few: every chunk copies the planes again. */
  const size_t threads = (size_t)omp_get_max_threads(), want = threads > 1 ? Blocks(2 * threads, plan->n_point_tasks * s->groups) : 1;
  plan->out_chunk      = Blocks(Blocks(s->out, want), ROWS) * ROWS;
  plan->n_out_tasks   = Blocks(s->out, plan->out_chunk);
  plan->packed        = plan->n_point_tasks >= MANY_TASKS;
}

/* A thread's memory: planes, rows of weights, gathered panels, offsets of terms and of points. */
typedef struct {
  Real      *planes, *rows, *panels;
  ptrdiff_t *tap, *weight;
  int32_t   *lane;
} Work;
static size_t WorkSize(const Plan *plan, Real *memory, Work *work)
{
  const size_t planes = OddLines(plan->samples * plan->channels * plan->plane + VECTOR), rows = plan->packed ? 0 : OddLines(Blocks(plan->out_chunk, ROWS) * ROWS * plan->terms);
  const size_t panels = plan->direct ? 0 : OddLines(PANELS * (size_t)LANES * plan->terms + VECTOR);
  const size_t per    = sizeof(ptrdiff_t) / sizeof(Real), table = OddLines(per * plan->terms), lanes = OddLines(per * plan->points);

  if (work) {
    work->planes = memory;
    work->rows   = work->planes + planes;
    work->panels = work->rows + rows;
    work->tap    = (ptrdiff_t *)(work->panels + panels);
    work->weight = (ptrdiff_t *)(work->panels + panels + table);
    work->lane   = (int32_t *)(work->panels + panels + 2 * table);
  }
  return planes + rows + panels + 2 * table + lanes;
}

/* Add a tile to y, or set it: `rows` channels from y on, points [q, end). */
static void Store(const Plan *plan, const Real *tile, size_t rows, size_t q, size_t end, bool add, Real *y)
{
  const NomosConvolutionShape *s = &plan->s;
  const size_t per_sample = s->y[0] * s->y[1], n = Smaller(end - q, LANES);

  for (size_t l = 0, count; l < n; l += count) {
    const size_t b = (q + l) / per_sample, p = (q + l) % per_sample;
    count = Smaller(plan->direct ? VECTOR : n - l, per_sample - p);
    for (size_t i = 0; i < rows; i++) {
      Real       *to   = y + (b * s->groups * s->out + i) * per_sample + p;
      const Real *from = tile + i * LANES + l;
      if (plan->direct && add) *(Vector *)to += *(const Vector *)from;
      else if (plan->direct) *(Vector *)to = *(const Vector *)from;
      else if (add)
        for (size_t j = 0; j < count; j++) to[j] += from[j];
      else Copy(to, from, count);
    }
  }
}

/* Weights of output channels [o0, o1) of a group and of some terms, arranged for Tile. */
static void Arrange(const Plan *plan, size_t group, size_t o0, size_t o1, size_t c0, size_t channels, const Real *w, ptrdiff_t *offset, Real *rows)
{
  const size_t taps = plan->s.k[0] * plan->s.k[1], terms = channels * taps;

  w += group * plan->s.out * plan->s.in * taps;
  for (size_t c = 0; c < channels; c++)
    for (size_t t = 0; t < taps; t++) offset[c * taps + t] = (ptrdiff_t)((c0 + c) * plan->w_channel + (plan->turned ? taps - 1 - t : t));
  for (size_t o = o0; o < o1; o += ROWS) PackRows(terms, o1 - o, w + o * plan->w_row, plan->w_row, offset, rows + (o - o0) * terms);
}
/* Where they are in what is arranged for all: [group][block of terms][output channels]. */
static size_t ArrangedOut(const Plan *plan)
{
  return Blocks(plan->s.out, ROWS) * ROWS;
}
static size_t ArrangedAt(const Plan *plan, size_t group, size_t c0)
{
  return (group * plan->s.in + c0) * plan->s.k[0] * plan->s.k[1] * ArrangedOut(plan);
}

/* panel[k][l] = planes[tap[k] + lane[l]] for n lanes. Lanes that lie side by side are copied in whole vectors; what these write too much is overwritten by the next. */
static void Gather(size_t n, size_t n_terms, const Real *planes, const ptrdiff_t *tap, int32_t *lane, Real *restrict panel)
{
  int32_t start[LANES + 1];
  size_t  runs = 0;

  for (size_t l = 0; l < n; l++)
    if (!l || lane[l] != lane[l - 1] + 1) start[runs++] = (int32_t)l;
  start[runs] = (int32_t)n;
  if (2 * runs > n) { /* a stride */
    for (size_t l = n; l < LANES; l++) lane[l] = 0;
    for (size_t k = 0; k < n_terms; k++)
      for (size_t l = 0; l < LANES; l++) panel[k * LANES + l] = (planes + tap[k])[lane[l]];
    return;
  }
  for (size_t k = 0; k < n_terms; k++, panel += LANES)
    for (size_t r = 0; r < runs; r++) {
      const Real *from = planes + tap[k] + lane[start[r]];
      for (int32_t l = start[r]; l < start[r + 1]; l += VECTOR) *(Vector *)(panel + l) = *(const Vector *)(from + (l - start[r]));
    }
}

static void ForwardTask(const Plan *plan, size_t task, const Real *x, const Real *w, const Real *arranged, Real *y, Real *memory)
{
  const NomosConvolutionShape *s = &plan->s;
  const size_t taps = s->k[0] * s->k[1], per_sample = s->y[0] * s->y[1], x_plane = s->x[0] * s->x[1];
  const size_t part = task % plan->n_point_tasks, row = plan->row_tasks ? part / plan->row_tasks : 0, column = plan->row_tasks ? part % plan->row_tasks * plan->points : 0;
  const size_t q0 = plan->row_tasks ? row * s->y[1] + column : part * plan->points, q1 = Smaller(q0 + plan->points, plan->row_tasks ? (row + 1) * s->y[1] : s->batch * per_sample);
  const size_t chunk = task / plan->n_point_tasks % plan->n_out_tasks, group = task / plan->n_point_tasks / plan->n_out_tasks;
  const size_t o0 = chunk * plan->out_chunk, o1 = Smaller(o0 + plan->out_chunk, s->out);
  const size_t b0 = q0 / per_sample, b1 = (q1 - 1) / per_sample;
  const size_t y0 = b0 == b1 ? q0 % per_sample / s->y[1] : 0, y1 = b0 == b1 ? (q1 - 1) % per_sample / s->y[1] + 1 : s->y[0];
  const PadShape pad = {.first = y0 * s->stride[0], .n_rows = (y1 - y0 - 1) * s->stride[0] + s->k[0], .n_columns = plan->columns, .plane = {s->x[0], s->x[1]}, .pad = {s->pad[0], s->pad[1] - (ptrdiff_t)(column * s->stride[1])}, .circular = s->circular};
  Work work;

  (void)WorkSize(plan, memory, &work);
  y += (group * s->out + o0) * per_sample;
  /* Where a point's taps begin in the copied planes. */
  for (size_t q = q0; q < q1; q += plan->direct ? VECTOR : 1) {
    const size_t b = q / per_sample, p = q % per_sample;
    work.lane[q - q0] = (int32_t)((b - b0) * plan->channels * plan->plane + (p / s->y[1] - y0) * s->stride[0] * plan->columns + (p % s->y[1] - column) * s->stride[1]);
  }
  for (size_t c0 = 0; c0 < s->in; c0 += plan->channels) {
    const size_t channels = Smaller(plan->channels, s->in - c0), terms = channels * taps;

    for (size_t b = b0; b <= b1; b++)
      for (size_t c = 0; c < channels; c++) PadPlane(&pad, x + ((b * s->groups + group) * s->in + c0 + c) * x_plane, work.planes + ((b - b0) * plan->channels + c) * plan->plane);
    for (size_t c = 0; c < channels; c++)
      for (size_t t = 0; t < taps; t++) work.tap[c * taps + t] = (ptrdiff_t)(c * plan->plane + t / s->k[1] * plan->columns + t % s->k[1]);
    const Real *rows = plan->packed ? arranged + ArrangedAt(plan, group, c0) + o0 * terms : work.rows;
    if (!plan->packed) Arrange(plan, group, o0, o1, c0, channels, w, work.weight, work.rows);
    if (!plan->direct) {
      for (size_t q = q0; q < q1; q += LANES) Gather(Smaller(LANES, q1 - q), terms, work.planes, work.tap, work.lane + (q - q0), work.panels + (q - q0) * terms);
      for (size_t k = 0; k < terms; k++) work.tap[k] = (ptrdiff_t)(k * LANES);
    }
    /* Weights of a few channels stay in the nearest cache for all points, or a gathered panel for all channels. */
    const size_t n_o = Blocks(o1 - o0, ROWS), n_q = Blocks(q1 - q0, LANES);
    for (size_t i = 0; i < n_o * n_q; i++) {
      const size_t o = o0 + (plan->direct ? i / n_q : i % n_o) * ROWS, q = q0 + (plan->direct ? i % n_q : i / n_o) * LANES;
      const size_t vectors = Smaller(WIDTH, Blocks(q1 - q, VECTOR));
      const Real  *b[WIDTH];
      Real         tile[ROWS * LANES] __attribute__((aligned(64)));

      for (size_t v = 0; v < vectors; v++) b[v] = plan->direct ? work.planes + work.lane[q - q0 + v * VECTOR] : work.panels + (q - q0) * terms + v * VECTOR;
      Tile(vectors, terms, rows + (o - o0) * terms, b, work.tap, tile);
      Store(plan, tile, Smaller(ROWS, o1 - o), q, q1, c0 > 0, y + (o - o0) * per_sample);
    }
  }
}

static size_t SharedSize(const Plan *plan)
{
  return plan->packed ? OddLines(ArrangedAt(plan, plan->s.groups, 0)) : 0;
}

static void Forward(const Plan *plan, const Real *x, const Real *w, Real *y, Real *scratch)
{
  if (NomosIsDepthwise(&plan->s)) {
    NAME(NomosDepthwiseForward)(&plan->s, x, w, plan->turned, y, scratch);
    return;
  }
  const size_t each = WorkSize(plan, NULL, NULL), n = plan->s.groups * plan->n_out_tasks * plan->n_point_tasks;
  Real *const  own  = scratch + SharedSize(plan);

  if (plan->packed) {
    const size_t blocks = Blocks(plan->s.in, plan->channels), parts = plan->s.groups * blocks;
#pragma omp parallel for schedule(static) if (parts > 1)
    for (size_t part = 0; part < parts; part++) {
      const size_t group = part / blocks, c0 = part % blocks * plan->channels;
      Work         work;
      (void)WorkSize(plan, own + each * (size_t)omp_get_thread_num(), &work);
      Arrange(plan, group, 0, plan->s.out, c0, Smaller(plan->channels, plan->s.in - c0), w, work.weight, scratch + ArrangedAt(plan, group, c0));
    }
  }
#pragma omp parallel for schedule(dynamic) if (n > 1)
  for (size_t task = 0; task < n; task++) ForwardTask(plan, task, x, w, scratch, y, own + each * (size_t)omp_get_thread_num());
}

void NAME(NomosConvolveForward)(const NomosConvolutionShape *shape, const void *x, const void *w, void *y, void *scratch)
{
  Plan plan;

  MakePlan(shape, false, &plan);
  Forward(&plan, x, w, y, scratch);
}

/* Transposed with a stride: the products w^T y of some points, each then added where its tap points. A task owns some channels of some samples of x. */
static bool TransposedIsForward(const NomosConvolutionShape *s)
{
  return s->stride[0] == 1 && s->stride[1] == 1 && (!s->circular || (s->x[0] == s->y[0] && s->x[1] == s->y[1]));
}

enum { SCATTER_CHANNELS = 8, SCATTER_TASKS = 16 };
typedef struct {
  const NomosConvolutionShape *s;
  size_t                       taps, n_channel_tasks, samples, n_sample_tasks; /* samples of one task */
} Scatter;
static void MakeScatter(const NomosConvolutionShape *s, Scatter *plan)
{
  plan->s               = s;
  plan->taps            = s->k[0] * s->k[1];
  plan->n_channel_tasks = s->groups * Blocks(s->in, SCATTER_CHANNELS);
  plan->samples         = Blocks(s->batch, Smaller(s->batch, Blocks(SCATTER_TASKS, plan->n_channel_tasks)));
  plan->n_sample_tasks  = Blocks(s->batch, plan->samples);
}
static size_t ScatterSize(const Scatter *plan, Real *memory, Work *work)
{
  const size_t rows = OddLines(Blocks(SCATTER_CHANNELS * plan->taps, ROWS) * ROWS * plan->s->out), panels = OddLines(LANES * plan->s->out), table = OddLines(sizeof(ptrdiff_t) / sizeof(Real) * plan->s->out);

  if (work) {
    work->rows   = memory;
    work->panels = memory + rows;
    work->tap    = (ptrdiff_t *)(work->panels + panels);
    work->weight = (ptrdiff_t *)(work->panels + panels + table);
  }
  return rows + panels + 2 * table;
}

/* x[stride o + tap - pad] += from[o] for points o of one row of y. */
static void ScatterRow(const NomosConvolutionShape *s, size_t tap, size_t o, size_t n, const Real *from, Real *x)
{
  const ptrdiff_t step = (ptrdiff_t)s->stride[1], shift = (ptrdiff_t)tap - s->pad[1], length = (ptrdiff_t)s->x[1];
  ptrdiff_t       begin = (ptrdiff_t)o, end = (ptrdiff_t)(o + n);

  if (s->circular) {
    for (ptrdiff_t i = begin; i < end; i++) x[Wrap(i * step + shift, s->x[1])] += from[i - begin];
    return;
  }
  while (begin < end && begin * step + shift < 0) begin++, from++;
  while (begin < end && (end - 1) * step + shift >= length) end--;
  for (ptrdiff_t i = begin; i < end; i++) x[i * step + shift] += from[i - begin];
}

/* Two taps, a stride of two and no padding, the doubling of a U-Net: x[2 o] += a[o], x[2 o + 1] += b[o]. */
static bool IsDoubling(const NomosConvolutionShape *s)
{
  return s->k[1] == 2 && s->stride[1] == 2 && !s->pad[1] && !s->circular && s->x[1] >= 2 * s->y[1];
}
static void ScatterPair(size_t n, const Real *restrict a, const Real *restrict b, Real *restrict x)
{
  size_t o = 0;

  for (; o + 8 <= n; o += 8) {
    const Eight even = *(const Eight *)(a + o), odd = *(const Eight *)(b + o);
    *(Eight *)(x + 2 * o) += __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
    *(Eight *)(x + 2 * o + 8) += __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
  }
  for (; o < n; o++) {
    x[2 * o] += a[o];
    x[2 * o + 1] += b[o];
  }
}

static void ScatterTask(const Scatter *plan, size_t task, const Real *y, const Real *w, Real *x, Real *memory)
{
  const NomosConvolutionShape *s = plan->s;
  const size_t per_sample = s->y[0] * s->y[1], x_plane = s->x[0] * s->x[1], n_blocks = Blocks(s->in, SCATTER_CHANNELS);
  const size_t part = task % plan->n_channel_tasks, group = part / n_blocks, c0 = part % n_blocks * SCATTER_CHANNELS, n_channels = Smaller(SCATTER_CHANNELS, s->in - c0), n_rows = n_channels * plan->taps;
  const size_t b0 = task / plan->n_channel_tasks * plan->samples, b1 = Smaller(b0 + plan->samples, s->batch), step = IsDoubling(s) ? 2 : 1;
  Work work;

  (void)ScatterSize(plan, memory, &work);
  w += (group * s->out * s->in + c0) * plan->taps;
  for (size_t o = 0; o < s->out; o++) {
    work.weight[o] = (ptrdiff_t)(o * s->in * plan->taps);
    work.tap[o]    = (ptrdiff_t)(o * LANES);
  }
  for (size_t m = 0; m < n_rows; m += ROWS) PackRows(s->out, n_rows - m, w + m, 1, work.weight, work.rows + m * s->out);
  for (size_t b = b0; b < b1; b++) memset(x + ((b * s->groups + group) * s->in + c0) * x_plane, 0, sizeof(Real) * n_channels * x_plane);
  for (size_t q = b0 * per_sample; q < b1 * per_sample; q += LANES) {
    const size_t n = Smaller(LANES, b1 * per_sample - q);
    const Real  *b[WIDTH];

    for (size_t v = 0; v < WIDTH; v++) b[v] = work.panels + v * VECTOR;
    for (size_t o = 0; o < s->out; o++) {
      for (size_t l = n; l < LANES; l++) work.panels[o * LANES + l] = 0;
      for (size_t l = 0, count; l < n; l += count) {
        const size_t sample = (q + l) / per_sample, p = (q + l) % per_sample;
        count = Smaller(n - l, per_sample - p);
        Copy(work.panels + o * LANES + l, y + ((sample * s->groups + group) * s->out + o) * per_sample + p, count);
      }
    }
    for (size_t m = 0; m < n_rows; m += ROWS) {
      Real tile[ROWS * LANES] __attribute__((aligned(64)));

      Tile(Blocks(n, VECTOR), s->out, work.rows + m * s->out, b, work.tap, tile);
      for (size_t l = 0, count; l < n; l += count) {
        const size_t sample = (q + l) / per_sample, p = (q + l) % per_sample, row = p / s->y[1], column = p % s->y[1];
        count = Smaller(n - l, s->y[1] - column);
        for (size_t i = 0; i < ROWS && m + i < n_rows; i += step) {
          const size_t c = (m + i) / plan->taps, tap = (m + i) % plan->taps;
          ptrdiff_t    x_row = (ptrdiff_t)(row * s->stride[0] + tap / s->k[1]) - s->pad[0];
          if (s->circular) x_row = Wrap(x_row, s->x[0]);
          if (x_row < 0 || x_row >= (ptrdiff_t)s->x[0]) continue;
          Real *to = x + ((sample * s->groups + group) * s->in + c0 + c) * x_plane + (size_t)x_row * s->x[1];
          if (step == 2) ScatterPair(count, tile + i * LANES + l, tile + (i + 1) * LANES + l, to + 2 * column);
          else ScatterRow(s, tap % s->k[1], column, count, tile + i * LANES + l, to);
        }
      }
    }
  }
}

void NAME(NomosConvolveTransposed)(const NomosConvolutionShape *shape, const void *y, const void *w, void *x, void *scratch)
{
  Plan    plan;
  Scatter scatter;

  if (TransposedIsForward(shape)) {
    MakePlan(shape, true, &plan);
    Forward(&plan, y, w, x, scratch);
    return;
  }
  MakeScatter(shape, &scatter);
  const size_t each = ScatterSize(&scatter, NULL, NULL), n = scatter.n_channel_tasks * scatter.n_sample_tasks;
#pragma omp parallel for schedule(dynamic) if (n > 1)
  for (size_t task = 0; task < n; task++) ScatterTask(&scatter, task, y, w, x, (Real *)scratch + each * (size_t)omp_get_thread_num());
}

void NAME(NomosConvolutionScratch)(const NomosConvolutionShape *shape, NomosConvolutionKind kind, NomosConvolutionScratch *need)
{
  Plan    plan;
  Scatter scatter;

  need->shared = 0;
  if (kind == NOMOS_CONVOLVE_WEIGHTS) {
    if (NomosIsNarrow(shape)) need->each = NAME(NomosDepthwiseScratch)(shape);
    else NAME(NomosConvolveWeightsScratch)(shape, need);
  } else if (kind == NOMOS_CONVOLVE_FORWARD || TransposedIsForward(shape)) {
    MakePlan(shape, kind == NOMOS_CONVOLVE_TRANSPOSED, &plan);
    need->each = NomosIsDepthwise(shape) ? NAME(NomosDepthwiseScratch)(&plan.s) : WorkSize(&plan, NULL, NULL);
    need->shared = NomosIsDepthwise(shape) ? 0 : SharedSize(&plan);
  } else {
    MakeScatter(shape, &scatter);
    need->each = ScatterSize(&scatter, NULL, NULL);
  }
}
