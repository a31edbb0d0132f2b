/* Convolutions of each channel with taps of its own, and the weights' gradient of those that have few channels in a group: vectors lie along the rows. A task is one plane; of the weights, some channels of y. */
#include "operators/primitives/convolution_tile.h"

enum { STRIP = 4 /* rows of a task's plane that go together */, PARALLEL = 1 << 14 };

/* The plane of x with its surroundings; rows are followed by one vector more, which is read but not used. */
static size_t Rows(const NomosConvolutionShape *s)
{
  return (s->y[0] - 1) * s->stride[0] + s->k[0];
}
static size_t Columns(const NomosConvolutionShape *s)
{
  return (s->y[1] - 1) * s->stride[1] + s->k[1];
}
static size_t PlaneSize(const NomosConvolutionShape *s)
{
  return OddLines((Rows(s) + STRIP * s->stride[0]) * Columns(s) + LANES);
}
static void Pad(const NomosConvolutionShape *s, const Real *x, Real *plane)
{
  const PadShape pad = {.n_rows = Rows(s), .n_columns = Columns(s), .plane = {s->x[0], s->x[1]}, .pad = {s->pad[0], s->pad[1]}, .circular = s->circular};
  PadPlane(&pad, x, plane);
  memset(plane + Rows(s) * Columns(s), 0, sizeof(Real) * (PlaneSize(s) - Rows(s) * Columns(s)));
}

size_t NAME(NomosDepthwiseScratch)(const NomosConvolutionShape *s)
{
  return PlaneSize(s);
}

void NAME(NomosDepthwiseForward)(const NomosConvolutionShape *s, const void *x, const void *w, bool turned, void *y, void *scratch)
{
  const size_t taps = s->k[0] * s->k[1], columns = Columns(s), n = s->batch * s->groups, size = PlaneSize(s);

#pragma omp parallel for schedule(static) if (n > 1)
  for (size_t task = 0; task < n; task++) {
    Real       *plane = (Real *)scratch + size * (size_t)omp_get_thread_num(), *to = (Real *)y + task * s->y[0] * s->y[1];
    const Real *tap   = (const Real *)w + task % s->groups * taps;

    Pad(s, (const Real *)x + task * s->x[0] * s->x[1], plane);
    if (s->stride[1] > 1) {
      for (size_t p = 0; p < s->y[0] * s->y[1]; p++) {
        const Real *from = plane + p / s->y[1] * s->stride[0] * columns + p % s->y[1] * s->stride[1];
        Real        sum  = 0;
        for (size_t t = 0; t < taps; t++) sum += tap[turned ? taps - 1 - t : t] * from[t / s->k[1] * columns + t % s->k[1]];
        to[p] = sum;
      }
      continue;
    }
    for (size_t row = 0; row < s->y[0]; row += STRIP)
      for (size_t c = 0; c < s->y[1]; c += VECTOR) {
        const size_t step = s->stride[0] * columns, count = Smaller(VECTOR, s->y[1] - c);
        const Real  *from = plane + row * step + c;
        Vector       sum[STRIP] = {{0}};
        for (size_t i = 0, t = 0; i < s->k[0]; i++)
          for (size_t j = 0; j < s->k[1]; j++, t++) {
            const Real weight = tap[turned ? taps - 1 - t : t];
            for (size_t r = 0; r < STRIP; r++) sum[r] += weight * *(const Vector *)(from + r * step + i * columns + j);
          }
        for (size_t r = 0; r < Smaller(STRIP, s->y[0] - row); r++) memcpy(to + (row + r) * s->y[1] + c, &sum[r], sizeof(Real) * count);
      }
  }
}

/* Channels of y that a task takes: each copies the planes of x anew. */
enum { CHANNELS = 8 };
void NAME(NomosNarrowWeights)(const NomosConvolutionShape *s, const void *x, const void *y, void *w, void *scratch)
{
  const size_t taps = s->k[0] * s->k[1], columns = Columns(s), size = PlaneSize(s), x_plane = s->x[0] * s->x[1], y_plane = s->y[0] * s->y[1], parts = Blocks(s->out, CHANNELS);
  const CorrelationShape shape = {.rows = s->y[0], .points = s->y[1], .stride = s->stride[1], .channel = y_plane, .row = s->stride[0] * columns, .tap_row = columns, .taps = {s->k[0], s->k[1]}};

#pragma omp parallel for schedule(static) if (s->groups * parts > 1 && s->batch * s->groups * s->out * y_plane >= PARALLEL)
  for (size_t task = 0; task < s->groups * parts; task++) {
    const size_t group = task / parts, first = task % parts * CHANNELS, count = Smaller(CHANNELS, s->out - first);
    Real        *plane = (Real *)scratch + size * (size_t)omp_get_thread_num(), *to = (Real *)w + (group * s->out + first) * s->in * taps;

    memset(to, 0, sizeof(Real) * count * s->in * taps);
    for (size_t b = 0; b < s->batch; b++)
      for (size_t i = 0; i < s->in; i++) {
        Pad(s, (const Real *)x + ((b * s->groups + group) * s->in + i) * x_plane, plane);
        Correlate(&shape, count, (const Real *)y + ((b * s->groups + group) * s->out + first) * y_plane, plane, to + i * taps, s->in * taps);
      }
  }
}
