/* Convolutions of each channel with taps of its own: vectors lie along the rows. A task is one plane; of the weights, one channel. */
#include "operators/primitives/convolution_tile.h"

enum { STRIP = 4 }; /* rows of a task's plane that go together */

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

/* One tap's sum over a plane: vectors, and what is left of each row. */
static Real SumTap(const NomosConvolutionShape *s, const Real *plane, const Real *y)
{
  Vector lanes = {0};
  Real   sum   = 0;

  for (size_t row = 0; row < s->y[0]; row++, y += s->y[1], plane += s->stride[0] * Columns(s)) {
    size_t c = 0;
    if (s->stride[1] == 1)
      for (; c + VECTOR <= s->y[1]; c += VECTOR) lanes += *(const Vector *)(y + c) * *(const Vector *)(plane + c);
    for (; c < s->y[1]; c++) sum += y[c] * plane[c * s->stride[1]];
  }
  for (size_t l = 0; l < VECTOR; l++) sum += lanes[l];
  return sum;
}

void NAME(NomosDepthwiseWeights)(const NomosConvolutionShape *s, const void *x, const void *y, void *w, void *scratch)
{
  const size_t taps = s->k[0] * s->k[1], columns = Columns(s), size = PlaneSize(s);

#pragma omp parallel for schedule(static) if (s->groups > 1)
  for (size_t g = 0; g < s->groups; g++) {
    Real *plane = (Real *)scratch + size * (size_t)omp_get_thread_num(), *to = (Real *)w + g * taps;

    memset(to, 0, sizeof(Real) * taps);
    for (size_t b = 0; b < s->batch; b++) {
      Pad(s, (const Real *)x + (b * s->groups + g) * s->x[0] * s->x[1], plane);
      for (size_t t = 0; t < taps; t++) to[t] += SumTap(s, plane + t / s->k[1] * columns + t % s->k[1], (const Real *)y + (b * s->groups + g) * s->y[0] * s->y[1]);
    }
  }
}
