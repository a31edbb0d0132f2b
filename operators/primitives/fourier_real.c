/* Real Fourier transforms by FFTW. A plan is made once per shape and kept for the life of the process: ESTIMATEd, so that the same transform gives the same bits
   in every run. Samples are shared out to threads in blocks that their size decides.
   Frigo & Johnson 2005, doi:10.1109/JPROC.2004.840301. */
#include "operators/fft_plan.h"
#include "operators/primitives/fourier_impl.h"
#include "operators/real.h"

#define FFTW_NO_Complex /* pairs of Real */
#include <fftw3.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16, MOST_SAMPLES = 64, ALIGNED_SAMPLES = 16, PARALLEL = 1 << 15 };

/* Plans of one shape: for a block of samples or a single one, on aligned data or any. */
typedef struct Plans_s Plans;
struct Plans_s {
  int         n_axes;
  size_t      n[3];
  bool        forward;
  int         samples; /* of a block */
  FFTW(plan) plan[2][2];
  Plans      *next;
};

static size_t Points(const NomosFourierShape *s)
{
  size_t n = 1;
  for (int i = 0; i < s->n_axes; i++) n *= s->n[i];
  return n;
}
static size_t Modes(const NomosFourierShape *s)
{
  const size_t n = s->n[s->n_axes - 1];
  return Points(s) / n * (n / 2 + 1);
}
/* Samples whose data stay in cache; many small ones are a multiple that keeps every block aligned. */
static size_t BlockSamples(const NomosFourierShape *s)
{
  const size_t n = BLOCK_BYTES / sizeof(Real) / Points(s);
  return n >= MOST_SAMPLES ? MOST_SAMPLES : n >= ALIGNED_SAMPLES ? n / ALIGNED_SAMPLES * ALIGNED_SAMPLES : n ? n : 1;
}

static FFTW(plan) MakePlan(const NomosFourierShape *s, bool forward, int samples, bool aligned)
{
  const unsigned flags = FFTW_ESTIMATE | (aligned ? 0 : FFTW_UNALIGNED) | (forward ? FFTW_PRESERVE_INPUT : FFTW_DESTROY_INPUT);
  Complex       *modes = FFTW(alloc_complex)(Modes(s) * (size_t)samples);
  Real          *x     = FFTW(alloc_real)(Points(s) * (size_t)samples);
  int            n[3];
  FFTW(plan) plan = NULL;

  for (int i = 0; i < s->n_axes; i++) n[i] = (int)s->n[i];
  if (modes && x) {
    if (forward) plan = FFTW(plan_many_dft_r2c)(s->n_axes, n, samples, x, NULL, 1, (int)Points(s), modes, NULL, 1, (int)Modes(s), flags);
    else plan = FFTW(plan_many_dft_c2r)(s->n_axes, n, samples, modes, NULL, 1, (int)Modes(s), x, NULL, 1, (int)Points(s), flags);
  }
  FFTW(free)(modes);
  FFTW(free)(x);
  return plan;
}

static const Plans *FindPlans(const NomosFourierShape *s, bool forward)
{
  static Plans *all = NULL;
  Plans        *found;

#pragma omp critical(nomos_fourier_plans)
  {
    for (found = all; found; found = found->next)
      if (found->n_axes == s->n_axes && found->forward == forward && !memcmp(found->n, s->n, sizeof(size_t) * (size_t)s->n_axes)) break;
    if (!found && (found = calloc(1, sizeof *found))) {
      bool made = true;
      NomosFftBegin();
      found->n_axes  = s->n_axes;
      found->forward = forward;
      found->samples = (int)BlockSamples(s);
      memcpy(found->n, s->n, sizeof found->n);
      for (int i = 0; i < 4; i++) {
        found->plan[i / 2][i % 2] = MakePlan(s, forward, i / 2 ? 1 : found->samples, i % 2);
        made                      = made && found->plan[i / 2][i % 2];
      }
      if (made) {
        found->next = all;
        all         = found;
      } else {
        for (int i = 0; i < 4; i++)
          if (found->plan[i / 2][i % 2]) FFTW(destroy_plan)(found->plan[i / 2][i % 2]);
        free(found);
        found = NULL;
      }
    }
  }
  return found;
}

static bool Aligned(const Real *a, const Real *b)
{
  return !FFTW(alignment_of)((Real *)a) && !FFTW(alignment_of)((Real *)b);
}

/* to = from, mode k times scale c_k; with `halve` c_k = 1/2 between the ends, else 2. */
static void Weigh(const NomosFourierShape *s, size_t samples, bool weigh, bool halve, const Real *from, Real *to)
{
  const size_t n = s->n[s->n_axes - 1], n_modes = n / 2 + 1, rows = samples * Modes(s) / n_modes;
  const Real   end = (Real)s->scale, middle = (Real)(weigh ? s->scale * (halve ? 0.5 : 2) : s->scale);

  for (size_t r = 0; r < rows; r++, from += 2 * n_modes, to += 2 * n_modes) {
    const size_t last = n % 2 ? 2 * n_modes : n; /* of an even length the last mode stands alone */
    for (size_t i = 0; i < 2; i++) to[i] = end * from[i];
    for (size_t i = 2; i < last; i++) to[i] = middle * from[i];
    for (size_t i = last; i < 2 * n_modes; i++) to[i] = end * from[i];
  }
}

bool NAME(NomosFourierForward)(const NomosFourierShape *s, const void *x, void *modes)
{
  const Plans *plans = FindPlans(s, true);
  const size_t n_points = Points(s), n_modes = Modes(s);

  if (!plans) return false;
  const size_t samples = (size_t)plans->samples, n_blocks = (s->batch + samples - 1) / samples;
#pragma omp parallel for schedule(static) if (n_blocks > 1 && s->batch * n_points >= PARALLEL)
  for (size_t block = 0; block < n_blocks; block++) {
    const size_t first = block * samples, count = s->batch - first < samples ? s->batch - first : samples;
    Real        *in = (Real *)x + first * n_points, *out = (Real *)modes + 2 * first * n_modes;

    if (count == samples) FFTW(execute_dft_r2c)(plans->plan[0][Aligned(in, out)], in, (Complex *)out);
    else
      for (size_t i = 0; i < count; i++) FFTW(execute_dft_r2c)(plans->plan[1][Aligned(in + i * n_points, out + 2 * i * n_modes)], in + i * n_points, (Complex *)(out + 2 * i * n_modes));
    if (s->weighted || s->scale != 1) Weigh(s, count, s->weighted, false, out, out);
  }
  return true;
}

size_t NAME(NomosFourierScratch)(const NomosFourierShape *s)
{
  return (2 * Modes(s) * BlockSamples(s) + ALIGNED_SAMPLES - 1) / ALIGNED_SAMPLES * ALIGNED_SAMPLES;
}

bool NAME(NomosFourierBackward)(const NomosFourierShape *s, const void *modes, void *x, void *scratch)
{
  const Plans *plans = FindPlans(s, false);
  const size_t n_points = Points(s), n_modes = Modes(s), each = NAME(NomosFourierScratch)(s);

  if (!plans) return false;
  const size_t samples = (size_t)plans->samples, n_blocks = (s->batch + samples - 1) / samples;
#pragma omp parallel for schedule(static) if (n_blocks > 1 && s->batch * n_points >= PARALLEL)
  for (size_t block = 0; block < n_blocks; block++) {
    const size_t first = block * samples, count = s->batch - first < samples ? s->batch - first : samples;
    Real        *copy = (Real *)scratch + each * (size_t)omp_get_thread_num(), *out = (Real *)x + first * n_points; /* FFTW overwrites what it transforms */

    Weigh(s, count, !s->weighted, true, (const Real *)modes + 2 * first * n_modes, copy);
    if (count == samples) FFTW(execute_dft_c2r)(plans->plan[0][Aligned(copy, out)], (Complex *)copy, out);
    else
      for (size_t i = 0; i < count; i++) FFTW(execute_dft_c2r)(plans->plan[1][Aligned(copy + 2 * i * n_modes, out + i * n_points)], (Complex *)(copy + 2 * i * n_modes), out + i * n_points);
  }
  return true;
}

void NAME(NomosComplexProduct)(size_t n, bool conjugate, const void *a_data, const void *b_data, void *y_data)
{
  const Real *restrict a = a_data, *restrict b = b_data;
  Real *restrict y    = y_data;
  const Real     sign = conjugate ? -1 : 1;

#pragma omp parallel for schedule(static) if (n >= PARALLEL)
  for (size_t i = 0; i < n; i++) {
    const Real ar = a[2 * i], ai = sign * a[2 * i + 1], br = b[2 * i], bi = b[2 * i + 1];
    y[2 * i]     = ar * br - ai * bi;
    y[2 * i + 1] = ar * bi + ai * br;
  }
}
