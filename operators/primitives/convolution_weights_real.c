/* The gradient of a convolution by its weights: for every (output channel, tap, input channel) a sum over all points of all samples. x is turned so that the channels of a
   point lie side by side: a tile is then ROWS output channels by LANES pairs of a tap and an input channel, and its terms are points. Points are in slices that the shape alone decides, and the
   slices' sums are added in order. */
#include "operators/primitives/convolution_tile.h"

enum { CHANNELS = 2 * VECTOR, POINTS = 1024, PART = 256, TASKS = 16, MOST_SLICES = 32 };

typedef struct {
  const NomosConvolutionShape *s;
  size_t taps, n_blocks;                                /* blocks of CHANNELS input channels */
  size_t samples, rows, columns, row_tasks, n_chunks;   /* chunks of points, as the tasks of a convolution */
  size_t n_slices, slice;                               /* of `slice` chunks */
  size_t sums;                                          /* numbers of one block's sums */
} Plan;

static void MakePlan(const NomosConvolutionShape *s, Plan *plan)
{
  const size_t per_sample = s->y[0] * s->y[1];

  plan->s         = s;
  plan->taps      = s->k[0] * s->k[1];
  plan->n_blocks  = Blocks(s->in, CHANNELS);
  plan->row_tasks = s->y[1] > POINTS ? Blocks(s->y[1], POINTS) : 0;
  plan->n_chunks  = plan->row_tasks ? s->batch * s->y[0] * plan->row_tasks : Blocks(s->batch * per_sample, POINTS);
  plan->samples   = Smaller(s->batch, Blocks(POINTS, per_sample) + 1);
  plan->rows      = ((plan->samples > 1 ? s->y[0] : Smaller(s->y[0], Blocks(POINTS, s->y[1]) + 1)) - 1) * s->stride[0] + s->k[0];
  plan->columns   = (Smaller(s->y[1], POINTS) - 1) * s->stride[1] + s->k[1];
  plan->n_slices  = Smaller(Smaller(MOST_SLICES, plan->n_chunks), Blocks(TASKS, s->groups * plan->n_blocks));
  plan->slice     = Blocks(plan->n_chunks, plan->n_slices);
  plan->n_slices  = Blocks(plan->n_chunks, plan->slice);
  plan->sums      = s->out * plan->taps * CHANNELS;
}

typedef struct {
  Real      *planes, *rows, *strip;
  ptrdiff_t *point, *weight;
} Work;
static size_t WorkSize(const Plan *plan, Real *memory, Work *work)
{
  const size_t planes = plan->samples * plan->rows * plan->columns * CHANNELS, strip = CHANNELS * OddLines(plan->columns), table = PART * sizeof(ptrdiff_t) / sizeof(Real);

  if (work) {
    work->planes = memory;
    work->strip  = memory + planes;
    work->rows   = work->strip + strip;
    work->point  = (ptrdiff_t *)(work->rows + PART * ROWS);
    work->weight = (ptrdiff_t *)(work->rows + PART * ROWS + table);
  }
  return planes + strip + PART * ROWS + 2 * table;
}

/* to[c][width of channels] from channels' rows, `pitch` apart. */
static void Turn(size_t n, size_t width, const Real *from, size_t pitch, Real *to)
{
  const size_t n8 = n / 8 * 8, width8 = width / 8 * 8;

  for (size_t c = 0; c < n8; c += 8)
    for (size_t i = 0; i < width8; i += 8) Turn8(from + i * pitch + c, pitch, to + c * width + i, width);
  for (size_t c = 0; c < n; c++)
    for (size_t i = c < n8 ? width8 : 0; i < width; i++) to[c * width + i] = from[i * pitch + c];
}

static void SumTask(const Plan *plan, size_t task, const Real *x, const Real *y, Real *all_sums, Real *memory)
{
  const NomosConvolutionShape *s = plan->s;
  const size_t per_sample = s->y[0] * s->y[1], x_plane = s->x[0] * s->x[1];
  const size_t block = task % plan->n_blocks, group = task / plan->n_blocks % s->groups, slice = task / plan->n_blocks / s->groups;
  const size_t c0 = block * CHANNELS, n_channels = Smaller(CHANNELS, s->in - c0), vectors = Blocks(n_channels, VECTOR), width = vectors * VECTOR, pitch = OddLines(plan->columns);
  const size_t n_columns = plan->taps * vectors;
  Real        *sums  = all_sums + task * plan->sums;
  bool         first = true;
  Work         work;

  (void)WorkSize(plan, memory, &work);
  memset(work.strip, 0, sizeof(Real) * CHANNELS * pitch);
  for (size_t chunk = slice * plan->slice; chunk < Smaller(plan->n_chunks, (slice + 1) * plan->slice); chunk++) {
    const size_t row = plan->row_tasks ? chunk / plan->row_tasks : 0, column = plan->row_tasks ? chunk % plan->row_tasks * POINTS : 0;
    const size_t q0 = plan->row_tasks ? row * s->y[1] + column : chunk * POINTS, q1 = Smaller(q0 + POINTS, plan->row_tasks ? (row + 1) * s->y[1] : s->batch * per_sample);
    const size_t b0 = q0 / per_sample, b1 = (q1 - 1) / per_sample;
    const size_t y0 = b0 == b1 ? q0 % per_sample / s->y[1] : 0, y1 = b0 == b1 ? (q1 - 1) % per_sample / s->y[1] + 1 : s->y[0];
    const size_t n_rows = (y1 - y0 - 1) * s->stride[0] + s->k[0];

    for (size_t b = b0; b <= b1; b++)
      for (size_t r = 0; r < n_rows; r++) {
        const PadShape pad = {.first = y0 * s->stride[0] + r, .n_rows = 1, .n_columns = plan->columns, .plane = {s->x[0], s->x[1]}, .pad = {s->pad[0], s->pad[1] - (ptrdiff_t)(column * s->stride[1])}, .circular = s->circular};
        for (size_t c = 0; c < n_channels; c++) PadPlane(&pad, x + ((b * s->groups + group) * s->in + c0 + c) * x_plane, work.strip + c * pitch);
        Turn(plan->columns, width, work.strip, pitch, work.planes + ((b - b0) * n_rows + r) * plan->columns * width);
      }
    for (size_t p0 = q0; p0 < q1; p0 += PART) {
      const size_t n = Smaller(PART, q1 - p0);

      for (size_t q = p0; q < p0 + n; q++) {
        const size_t b = q / per_sample, p = q % per_sample;
        work.point[q - p0]  = (ptrdiff_t)((((b - b0) * n_rows + (p / s->y[1] - y0) * s->stride[0]) * plan->columns + (p % s->y[1] - column) * s->stride[1]) * width);
        work.weight[q - p0] = (ptrdiff_t)((b * s->groups + group) * s->out * per_sample + p);
      }
      for (size_t o = 0; o < s->out; o += ROWS) {
        const size_t n_out = Smaller(ROWS, s->out - o);

        PackRows(n, n_out, y + o * per_sample, per_sample, work.weight, work.rows);
        for (size_t v = 0; v < n_columns; v += WIDTH) {
          const size_t n_vectors = Smaller(WIDTH, n_columns - v);
          const Real  *b[WIDTH];
          Real         tile[ROWS * LANES] __attribute__((aligned(64)));

          for (size_t j = 0; j < n_vectors; j++) {
            const size_t tap = (v + j) / vectors, part = (v + j) % vectors;
            b[j] = work.planes + (tap / s->k[1] * plan->columns + tap % s->k[1]) * width + part * VECTOR;
          }
          Tile(n_vectors, n, work.rows, b, work.point, tile);
          for (size_t i = 0; i < n_out; i++) {
            Real *to = sums + ((o + i) * n_columns + v) * VECTOR;
            for (size_t l = 0; l < n_vectors * VECTOR; l++) to[l] = (first ? 0 : to[l]) + tile[i * LANES + l];
          }
        }
      }
      first = false;
    }
  }
}

void NAME(NomosConvolveWeights)(const NomosConvolutionShape *s, const void *x, const void *y, void *weights, void *scratch)
{
  Plan  plan;
  Real *w = weights, *sums = scratch;

  if (NomosIsNarrow(s)) {
    NAME(NomosNarrowWeights)(s, x, y, weights, scratch);
    return;
  }
  MakePlan(s, &plan);
  const size_t each = WorkSize(&plan, NULL, NULL), per_slice = s->groups * plan.n_blocks, n = per_slice * plan.n_slices;
  Real *const  own  = sums + n * plan.sums;
#pragma omp parallel for schedule(dynamic) if (n > 1)
  for (size_t task = 0; task < n; task++) SumTask(&plan, task, x, y, sums, own + each * (size_t)omp_get_thread_num());
#pragma omp parallel for schedule(static) if (n > 1)
  for (size_t o = 0; o < s->groups * s->out; o++)
    for (size_t block = 0; block < plan.n_blocks; block++) {
      const size_t n_channels = Smaller(CHANNELS, s->in - block * CHANNELS), width = Blocks(n_channels, VECTOR) * VECTOR;
      const Real  *from = sums + (o / s->out * plan.n_blocks + block) * plan.sums + o % s->out * plan.taps * width;
      Real        *to   = w + (o * s->in + block * CHANNELS) * plan.taps;
      for (size_t t = 0; t < plan.taps; t++)
        for (size_t c = 0; c < n_channels; c++) {
          Real sum = from[t * width + c];
          for (size_t i = 1; i < plan.n_slices; i++) sum += from[i * per_slice * plan.sums + t * width + c];
          to[c * plan.taps + t] = sum;
        }
    }
}

void NAME(NomosConvolveWeightsScratch)(const NomosConvolutionShape *s, NomosConvolutionScratch *need)
{
  Plan plan;

  MakePlan(s, &plan);
  need->each   = WorkSize(&plan, NULL, NULL);
  need->shared = s->groups * plan.n_blocks * plan.n_slices * plan.sums;
}
