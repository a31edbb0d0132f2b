/* The layer of a Fourier neural operator, in tiles of samples that stay in cache from the transform to the activation. Tiles are fixed by the shape alone; each sums its gradients by the pointwise weights apart, and the sums are
   added in order. */
#include "operators/primitives/fourier_layer_impl.h"
#include "operators/primitives/matmul_impl.h"
#include "operators/primitives/spectral_modes.h"

#include <omp.h>
#include <string.h>

enum { TILE = 16384 /* numbers of a tile's x */, SAMPLES = 8 /* of a tile, at most */, CHANNELS = 16 /* of a task of the weights' gradient */, PARALLEL = NOMOS_SPECTRAL_PARALLEL };

typedef struct {
  const NomosFourierLayerJob   *job;
  NAME(NomosSpectralPlan)       spectral;
  size_t points, tile, n_tiles; /* samples of a tile */
  size_t own, each;             /* numbers of a thread's scratch: of transforms, and all of it */
  bool   parallel;
} Plan;

static void MakePlan(const NomosFourierLayerJob *job, Plan *plan)
{
  const NomosSpectralShape *s = &job->s;

  (void)NAME(NomosSpectralMakePlan)(s, &plan->spectral);
  plan->job      = job;
  plan->points   = s->n[0] * s->n[1];
  plan->tile     = Smaller(Smaller(SAMPLES, s->batch), TILE / (s->in * plan->points) + 1);
  plan->n_tiles  = Blocks(s->batch, plan->tile);
  plan->own      = NAME(NomosSpectralOwnSize)(s);
  plan->each     = plan->own + OddLines(ModesSize(&plan->spectral, plan->tile * (s->in > s->out ? s->in : s->out))) + OddLines(plan->tile * s->out * plan->points);
  plan->parallel = plan->n_tiles > 1 && s->batch * (s->in + s->out) * plan->points >= PARALLEL && !omp_in_parallel();
}

size_t NAME(NomosFourierLayerModes)(const NomosSpectralShape *s)
{
  return Blocks(s->rows * s->columns, VECTOR) * s->batch * s->in * NOMOS_PAIR;
}

/* Shared scratch: weights by modes; forward the modes of x where they are not kept; backward the modes of z_bar, weight gradients by modes, and each tile's sums. */
typedef struct {
  Real *w, *modes, *w_bar, *sums, *own;
} Shared;
static size_t Share(const Plan *plan, bool backward, Real *memory, Shared *shared)
{
  const NomosSpectralShape *s = &plan->job->s;
  const size_t w = OddLines(ModesSize(&plan->spectral, s->in * s->out)), modes = OddLines(ModesSize(&plan->spectral, s->batch * (backward ? s->out : s->in))), sums = OddLines(plan->n_tiles * s->out * (s->in + 1));

  if (shared) {
    shared->w     = memory;
    shared->modes = shared->w + w;
    shared->w_bar = shared->modes + modes;
    shared->sums  = shared->w_bar + (backward ? w : 0);
    shared->own   = shared->sums + (backward ? sums : 0);
  }
  return w + modes + (backward ? w + sums : 0);
}

size_t NAME(NomosFourierLayerScratch)(const NomosFourierLayerJob *job, bool backward)
{
  Plan plan;

  MakePlan(job, &plan);
  return Share(&plan, backward, NULL, NULL) + plan.each * (size_t)omp_get_max_threads();
}

/* A thread's: for transforms, modes of a tile, a tile of points. */
typedef struct {
  Real *own, *modes, *points;
} Work;
static Work WorkOf(const Plan *plan, const Shared *shared)
{
  const NomosSpectralShape *s = &plan->job->s;
  Work work = {.own = shared->own + plan->each * (size_t)omp_get_thread_num()};

  work.modes  = work.own + plan->own;
  work.points = work.modes + OddLines(ModesSize(&plan->spectral, plan->tile * (s->in > s->out ? s->in : s->out)));
  return work;
}

static void ForwardTile(const Plan *plan, size_t first, const Shared *shared, Real *x_modes)
{
  const NomosFourierLayerJob *job = plan->job;
  const NomosSpectralShape   *s   = &job->s;
  const size_t     count = Smaller(plan->tile, s->batch - first), points = plan->points;
  const Work       work  = WorkOf(plan, shared);
  const Real      *x = (const Real *)job->x + first * s->in * points, *bias = job->bias;
  Real            *y = (Real *)job->y + first * s->out * points, *z = job->activated ? work.points : y; /* before the activation */
  const NomosModes from = {.n = s->batch * s->in, .first = first * s->in, .count = count * s->in}, to = {.n = count * s->out, .count = count * s->out};

  NAME(NomosSpectralAnalyse)(&plan->spectral, &from, x, false, x_modes, work.own);
  for (size_t block = 0; block < plan->spectral.n_blocks; block++) {
    const NAME(NomosModeFactor) a = {.data = x_modes + (block * s->batch + first) * s->in * NOMOS_PAIR, .step = {s->in, 1}}, b = {.data = shared->w + block * s->in * s->out * NOMOS_PAIR, .step = {s->out, 1}};
    NAME(NomosSpectralMix)(count, s->out, s->in, &a, &b, work.modes + block * count * s->out * NOMOS_PAIR, (size_t[]){s->out, 1});
  }
  for (size_t i = 0; i < count; i++) {
    Real *z_i = z + i * s->out * points;
    for (size_t o = 0; o < s->out; o++)
      for (size_t p = 0; p < points; p++) z_i[o * points + p] = bias[o];
    NAME(NomosProductAlone)(&(NomosProduct){.m = s->out, .n = points, .k = s->in, .lda = s->in, .ldb = points, .ldc = points, .add = true, .a = job->pointwise, .b = x + i * s->in * points, .c = z_i});
  }
  NAME(NomosSpectralSynthesise)(&plan->spectral, &to, work.modes, true, true, z, work.own);
  const size_t n = count * s->out * points;
  if (job->slope) NAME(NomosFunctionPairRun)(&job->activation, n, z, y, (Real *)job->slope + first * s->out * points);
  else if (job->activated) NAME(NomosFunctionRun)(&job->activation.value, n, z, y);
}

void NAME(NomosFourierLayerForward)(const NomosFourierLayerJob *job)
{
  Plan   plan;
  Shared shared;

  MakePlan(job, &plan);
  (void)Share(&plan, false, job->scratch, &shared);
  NAME(NomosSpectralPack)(&plan.spectral, job->w, shared.w);
#pragma omp parallel for schedule(static) if (plan.parallel)
  for (size_t t = 0; t < plan.n_tiles; t++) ForwardTile(&plan, t * plan.tile, &shared, job->modes ? job->modes : shared.modes);
}

static void BackwardTile(const Plan *plan, size_t t, const Shared *shared)
{
  const NomosFourierLayerJob *job = plan->job;
  const NomosSpectralShape   *s   = &job->s;
  const size_t     first = t * plan->tile, count = Smaller(plan->tile, s->batch - first), points = plan->points, n = count * s->out * points;
  const Work       work  = WorkOf(plan, shared);
  const Real      *x = (const Real *)job->x + first * s->in * points, *g = (const Real *)job->y_bar + first * s->out * points;
  Real            *sums = shared->sums + t * s->out * (s->in + 1), *bias_sums = sums + s->out * s->in;
  const NomosModes from = {.n = s->batch * s->out, .first = first * s->out, .count = count * s->out}, to = {.n = count * s->in, .count = count * s->in};

  if (job->activated) {
    const Real *restrict slope = (const Real *)job->slope + first * s->out * points, *restrict y_bar = g;
    Real *restrict product     = work.points;
    for (size_t i = 0; i < n; i++) product[i] = y_bar[i] * slope[i];
    g = work.points;
  }
  NAME(NomosSpectralAnalyse)(&plan->spectral, &from, g, true, shared->modes, work.own);
  for (size_t i = 0; i < count; i++) {
    const Real *g_i = g + i * s->out * points;
    NAME(NomosProductAlone)(&(NomosProduct){.m = s->out, .n = s->in, .k = points, .lda = points, .ldb = points, .ldc = s->in, .transposed_b = true, .add = i > 0, .a = g_i, .b = x + i * s->in * points, .c = sums});
    for (size_t o = 0; o < s->out; o++) {
      Real sum = 0;
#pragma omp simd reduction(+ : sum)
      for (size_t p = 0; p < points; p++) sum += g_i[o * points + p];
      bias_sums[o] = (i ? bias_sums[o] : 0) + sum;
    }
  }
  if (!job->x_bar) return;
  Real *x_bar = (Real *)job->x_bar + first * s->in * points;
  for (size_t i = 0; i < count; i++)
    NAME(NomosProductAlone)(&(NomosProduct){.m = s->in, .n = points, .k = s->out, .lda = s->in, .ldb = points, .ldc = points, .transposed_a = true, .a = job->pointwise, .b = g + i * s->out * points, .c = x_bar + i * s->in * points});
  for (size_t block = 0; block < plan->spectral.n_blocks; block++) {
    const NAME(NomosModeFactor) a = {.data = shared->modes + (block * s->batch + first) * s->out * NOMOS_PAIR, .step = {s->out, 1}}, b = {.data = shared->w + block * s->in * s->out * NOMOS_PAIR, .step = {1, s->out}, .conjugate = true};
    NAME(NomosSpectralMix)(count, s->in, s->out, &a, &b, work.modes + block * count * s->in * NOMOS_PAIR, (size_t[]){s->in, 1});
  }
  NAME(NomosSpectralSynthesise)(&plan->spectral, &to, work.modes, false, true, x_bar, work.own);
}

static void WeightsBackward(const Plan *plan, const Shared *shared)
{
  const NomosFourierLayerJob *job = plan->job;
  const NomosSpectralShape   *s   = &job->s;
  const size_t parts = Blocks(s->in, CHANNELS);

#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan->spectral.n_modes >= PARALLEL && !omp_in_parallel())
  for (size_t block = 0; block < plan->spectral.n_blocks; block++)
    for (size_t part = 0; part < parts; part++) {
      const size_t first = part * CHANNELS;
      const NAME(NomosModeFactor) a = {.data = (const Real *)job->modes + (block * s->batch * s->in + first) * NOMOS_PAIR, .step = {1, s->in}, .conjugate = true}, b = {.data = shared->modes + block * s->batch * s->out * NOMOS_PAIR, .step = {s->out, 1}};
      NAME(NomosSpectralMix)(Smaller(CHANNELS, s->in - first), s->out, s->batch, &a, &b, shared->w_bar + (block * s->in + first) * s->out * NOMOS_PAIR, (size_t[]){s->out, 1});
    }
  NAME(NomosSpectralUnpack)(&plan->spectral, shared->w_bar, job->w_bar);
}

void NAME(NomosFourierLayerBackward)(const NomosFourierLayerJob *job)
{
  const NomosSpectralShape *s = &job->s;
  Plan   plan;
  Shared shared;

  MakePlan(job, &plan);
  (void)Share(&plan, true, job->scratch, &shared);
  if (job->x_bar) NAME(NomosSpectralPack)(&plan.spectral, job->w, shared.w);
#pragma omp parallel for schedule(static) if (plan.parallel)
  for (size_t t = 0; t < plan.n_tiles; t++) BackwardTile(&plan, t, &shared);
  if (job->w_bar) WeightsBackward(&plan, &shared);
  for (int bias = 0; bias < 2; bias++) {
    const size_t n = s->out * (bias ? 1 : s->in), at = bias ? s->out * s->in : 0;
    Real *restrict to = bias ? job->bias_bar : job->pointwise_bar;
    if (!to) continue;
    memset(to, 0, sizeof(Real) * n);
    for (size_t t = 0; t < plan.n_tiles; t++)
      for (size_t i = 0; i < n; i++) to[i] += shared.sums[t * s->out * (s->in + 1) + at + i];
  }
}
