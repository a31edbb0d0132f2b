/* Spectral convolution: fields to modes, products over channels, and back. */
#include "operators/primitives/spectral_modes.h"

#include <omp.h>

enum { FIELDS = 64 /* of a task, one in two dimensions */, SAMPLES = 16 /* of a task of the products over channels */, PARALLEL = NOMOS_SPECTRAL_PARALLEL };
typedef NAME(NomosSpectralPlan) Plan;

bool NAME(NomosSpectralPrepare)(const NomosSpectralShape *s)
{
  Plan plan;
  return NAME(NomosSpectralMakePlan)(s, &plan);
}

/* All n fields, shared out to threads. */
static void Analyse(const Plan *plan, size_t n, const Real *x, bool weighted, Real *modes, Real *own)
{
  const NomosSpectralShape *s = plan->s;
  const size_t points = s->n[0] * s->n[1], fields = s->rows > 1 ? 1 : FIELDS, own_size = NAME(NomosSpectralOwnSize)(s);

#pragma omp parallel for schedule(static) if (n * points >= PARALLEL)
  for (size_t first = 0; first < n; first += fields) {
    const NomosModes at = {.n = n, .first = first, .count = Smaller(fields, n - first)};
    NAME(NomosSpectralAnalyse)(plan, &at, x + first * points, weighted, modes, own + own_size * (size_t)omp_get_thread_num());
  }
}
static void Synthesise(const Plan *plan, size_t n, const Real *modes, bool weighted, Real *x, Real *own)
{
  const NomosSpectralShape *s = plan->s;
  const size_t points = s->n[0] * s->n[1], fields = s->rows > 1 ? 1 : FIELDS, own_size = NAME(NomosSpectralOwnSize)(s);

#pragma omp parallel for schedule(static) if (n * points >= PARALLEL)
  for (size_t first = 0; first < n; first += fields) {
    const NomosModes at = {.n = n, .first = first, .count = Smaller(fields, n - first)};
    NAME(NomosSpectralSynthesise)(plan, &at, modes, weighted, false, x + first * points, own + own_size * (size_t)omp_get_thread_num());
  }
}

size_t NAME(NomosSpectralScratch)(const NomosSpectralShape *s, size_t threads)
{
  const Plan plan = {.n_blocks = Blocks(s->rows * s->columns, VECTOR)};
  return ModesSize(&plan, s->batch * s->in) + ModesSize(&plan, s->batch * s->out) + ModesSize(&plan, s->in * s->out) + threads * NAME(NomosSpectralOwnSize)(s);
}

typedef struct {
  Real *x, *y, *w, *own;
} Work;
static Work Share(const Plan *plan, Real *scratch)
{
  const NomosSpectralShape *s = plan->s;
  Work work = {.x = scratch};

  work.y   = work.x + ModesSize(plan, s->batch * s->in);
  work.w   = work.y + ModesSize(plan, s->batch * s->out);
  work.own = work.w + ModesSize(plan, s->in * s->out);
  return work;
}

void NAME(NomosSpectralForward)(const NomosSpectralShape *s, const void *x, const void *w, void *y, void *scratch)
{
  Plan plan;

  (void)NAME(NomosSpectralMakePlan)(s, &plan);
  const Work   work    = Share(&plan, scratch);
  const size_t n_parts = Blocks(s->batch, SAMPLES);
  Analyse(&plan, s->batch * s->in, x, false, work.x, work.own);
  NAME(NomosSpectralPack)(&plan, w, work.w);
#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan.n_modes >= PARALLEL)
  for (size_t block = 0; block < plan.n_blocks; block++)
    for (size_t part = 0; part < n_parts; part++) {
      const size_t first = part * SAMPLES;
      const NAME(NomosModeFactor) a = {.data = work.x + (block * s->batch + first) * s->in * NOMOS_PAIR, .step = {s->in, 1}}, b = {.data = work.w + block * s->in * s->out * NOMOS_PAIR, .step = {s->out, 1}};
      NAME(NomosSpectralMix)(Smaller(SAMPLES, s->batch - first), s->out, s->in, &a, &b, work.y + (block * s->batch + first) * s->out * NOMOS_PAIR, (size_t[]){s->out, 1});
    }
  Synthesise(&plan, s->batch * s->out, work.y, true, y, work.own);
}

void NAME(NomosSpectralTransposed)(const NomosSpectralShape *s, const void *y, const void *w, void *x, void *scratch)
{
  Plan plan;

  (void)NAME(NomosSpectralMakePlan)(s, &plan);
  const Work   work    = Share(&plan, scratch);
  const size_t n_parts = Blocks(s->batch, SAMPLES);
  Analyse(&plan, s->batch * s->out, y, true, work.y, work.own);
  NAME(NomosSpectralPack)(&plan, w, work.w);
#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan.n_modes >= PARALLEL)
  for (size_t block = 0; block < plan.n_blocks; block++)
    for (size_t part = 0; part < n_parts; part++) {
      const size_t first = part * SAMPLES;
      const NAME(NomosModeFactor) a = {.data = work.y + (block * s->batch + first) * s->out * NOMOS_PAIR, .step = {s->out, 1}}, b = {.data = work.w + block * s->in * s->out * NOMOS_PAIR, .step = {1, s->out}, .conjugate = true};
      NAME(NomosSpectralMix)(Smaller(SAMPLES, s->batch - first), s->in, s->out, &a, &b, work.x + (block * s->batch + first) * s->in * NOMOS_PAIR, (size_t[]){s->in, 1});
    }
  Synthesise(&plan, s->batch * s->in, work.x, false, x, work.own);
}

void NAME(NomosSpectralWeights)(const NomosSpectralShape *s, const void *x, const void *y, void *w, void *scratch)
{
  Plan plan;

  (void)NAME(NomosSpectralMakePlan)(s, &plan);
  const Work   work    = Share(&plan, scratch);
  const size_t n_parts = Blocks(s->in, SAMPLES);
  Analyse(&plan, s->batch * s->in, x, false, work.x, work.own);
  Analyse(&plan, s->batch * s->out, y, true, work.y, work.own);
#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan.n_modes >= PARALLEL)
  for (size_t block = 0; block < plan.n_blocks; block++)
    for (size_t part = 0; part < n_parts; part++) {
      const size_t first = part * SAMPLES;
      const NAME(NomosModeFactor) a = {.data = work.x + (block * s->batch * s->in + first) * NOMOS_PAIR, .step = {1, s->in}, .conjugate = true}, b = {.data = work.y + block * s->batch * s->out * NOMOS_PAIR, .step = {s->out, 1}};
      NAME(NomosSpectralMix)(Smaller(SAMPLES, s->in - first), s->out, s->batch, &a, &b, work.w + (block * s->in + first) * s->out * NOMOS_PAIR, (size_t[]){s->out, 1});
    }
  NAME(NomosSpectralUnpack)(&plan, work.w, w);
}
