/* Spectral convolution. Few of the modes are retained, so that products with a table of sines and cosines are faster than a fast transform that finds them all.
   Modes lie in blocks of VECTOR: [block][sample][channel][real, imaginary][VECTOR], so that the products over channels are sums of vectors. */
#include "operators/primitives/spectral_impl.h"
#include "operators/primitives/vector.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define GEMM cblas_sgemm
#else
  #define GEMM cblas_dgemm
#endif

enum { PAIR = 2 * VECTOR, LINES = 64 /* fields of one dimension in a product */, SAMPLES = 16 /* of a task of the products over channels */, PARALLEL = 1 << 15 };

/* c = a b: a [m, k] and b [k, n] and c row-major. */
static void Product(size_t m, size_t n, size_t k, const Real *a, const Real *b, Real *c)
{
  if (k) GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)n, 0, c, (int)n);
  else memset(c, 0, sizeof(Real) * m * n);
}

/* Rows j and n - j become their sum and their difference, for j and n - j apart; and back, without a factor. */
static void Fold(size_t n, size_t width, Real *rows)
{
  for (size_t j = 1; 2 * j < n; j++) {
    Real *restrict a = rows + j * width, *restrict b = rows + (n - j) * width;
    for (size_t i = 0; i < width; i++) {
      const Real sum = a[i] + b[i], difference = a[i] - b[i];
      a[i] = sum;
      b[i] = difference;
    }
  }
}

/* ---- tables of exp(-2 pi i k j/n), kept for the life of the process */

typedef struct Table_s Table;
struct Table_s {
  size_t n, count;
  bool   mirrored;
  /* Of modes 0..count-1, [n][2 count]: cos | -sin. Mirrored, of modes 0..count/2-1, -count/2..-1, for sums and differences of points j and n - j: [n/2 + 1][count] cos for the
     sums, then [n - n/2 - 1][count] sin for the differences, which lie at n - j. */
  Real  *points;
  Real  *modes; /* the transpose, mirrored those of its two parts */
  Real  *twice;  /* [count] how many modes of a real transform each stands for: 1 or 2 */
  Table *next;
};

static const Table *FindTable(size_t n, size_t count, bool mirrored)
{
  static Table *all = NULL;
  Table        *found;

#pragma omp critical(nomos_spectral_tables)
  {
    for (found = all; found; found = found->next)
      if (found->n == n && found->count == count && found->mirrored == mirrored) break;
    if (!found && (found = calloc(1, sizeof *found))) {
      found->points = malloc(2 * n * count * sizeof(Real));
      found->modes  = malloc(2 * n * count * sizeof(Real));
      found->twice  = malloc(count * sizeof(Real));
      if (found->points && found->modes && found->twice) {
        for (size_t k = 0; k < count; k++) found->twice[k] = k && 2 * k != n ? 2 : 1;
        for (size_t j = 0; j < n; j++)
          for (size_t k = 0; k < count; k++) {
            const size_t mode = mirrored && k >= count / 2 ? n + k - count : k, sums = n / 2 + 1;
            const double angle = 2 * 3.14159265358979323846 * (double)(mode * j % n) / (double)n;
            const Real   c = (Real)cos(angle), s = (Real)-sin(angle); /* of n - j the sine is that of -j */
            if (!mirrored) {
              found->points[j * 2 * count + k] = found->modes[k * n + j] = c;
              found->points[j * 2 * count + count + k] = found->modes[(count + k) * n + j] = s;
            } else if (j < sums) found->points[j * count + k] = found->modes[k * sums + j] = c;
            else found->points[j * count + k] = found->modes[sums * count + k * (n - sums) + j - sums] = s;
          }
        found->n        = n;
        found->count    = count;
        found->mirrored = mirrored;
        found->next     = all;
        all             = found;
      } else {
        free(found->points);
        free(found->modes);
        free(found->twice);
        free(found);
        found = NULL;
      }
    }
  }
  return found;
}

typedef struct {
  const NomosSpectralShape *s;
  const Table              *x, *y; /* along the last axis and the one before */
  size_t                    n_modes, n_blocks;
} Plan;

static bool MakePlan(const NomosSpectralShape *s, Plan *plan)
{
  plan->s        = s;
  plan->n_modes  = s->rows * s->columns;
  plan->n_blocks = Blocks(plan->n_modes, VECTOR);
  plan->x        = FindTable(s->n[1], s->columns, false);
  plan->y        = s->rows > 1 ? FindTable(s->n[0], s->rows, true) : NULL;
  return plan->x && (plan->y || s->rows == 1);
}
bool NAME(NomosSpectralPrepare)(const NomosSpectralShape *s)
{
  Plan plan;
  return MakePlan(s, &plan);
}

/* A thread's: modes of lines, and of a plane along one axis and both. */
static size_t OwnSize(const NomosSpectralShape *s)
{
  return OddLines(2 * s->columns * (s->rows > 1 ? s->n[0] : LINES)) + OddLines(4 * s->rows * s->columns);
}
static size_t ModesSize(const Plan *plan, size_t channels, size_t more)
{
  return plan->n_blocks * channels * more * PAIR;
}

/* modes = A x of n fields; weighted: times c_k/(n0 n1). */
static void Analyse(const Plan *plan, size_t n, const Real *x, bool weighted, Real *modes, Real *own)
{
  const NomosSpectralShape *s = plan->s;
  const size_t points = s->n[0] * s->n[1], columns = s->columns, lines = s->rows > 1 ? 1 : LINES, n_tasks = Blocks(n, lines), sums = s->n[0] / 2 + 1;
  const Real   scale  = (Real)(1 / (double)points);

  memset(modes + ModesSize(plan, n, 1) - n * PAIR, 0, sizeof(Real) * n * PAIR); /* the last block may not be full */
#pragma omp parallel for schedule(static) if (n * points >= PARALLEL)
  for (size_t task = 0; task < n_tasks; task++) {
    const size_t first = task * lines, count = Smaller(lines, n - first);
    Real        *line = own + OwnSize(s) * (size_t)omp_get_thread_num(), *both = line + OddLines(2 * columns * (s->rows > 1 ? s->n[0] : LINES));

    Product(s->rows > 1 ? s->n[0] : count, 2 * columns, s->n[1], x + first * points, plan->x->points, line);
    if (s->rows > 1) {
      Fold(s->n[0], 2 * columns, line);
      Product(s->rows, 2 * columns, sums, plan->y->modes, line, both);
      Product(s->rows, 2 * columns, s->n[0] - sums, plan->y->modes + sums * s->rows, line + sums * 2 * columns, both + s->rows * 2 * columns);
    }
    for (size_t i = 0; i < count; i++)
      for (size_t row = 0, m = 0; row < s->rows; row++) {
        const Real *c = s->rows > 1 ? both + row * 2 * columns : line + i * 2 * columns, *sine = c + s->rows * 2 * columns;
        for (size_t column = 0; column < columns; column++, m++) {
          Real      *to     = modes + ((m / VECTOR) * n + first + i) * PAIR + m % VECTOR;
          const Real weight = weighted ? scale * plan->x->twice[column] : 1;
          if (s->rows > 1) { /* (C - i S)(R + i I) */
            to[0]      = weight * (c[column] + sine[columns + column]);
            to[VECTOR] = weight * (c[columns + column] - sine[column]);
          } else {
            to[0]      = weight * c[column];
            to[VECTOR] = weight * c[columns + column];
          }
        }
      }
  }
}

/* x = A^T modes of n fields; of modes times c_k/(n0 n1) when weighted. */
static void Synthesise(const Plan *plan, size_t n, const Real *modes, bool weighted, Real *x, Real *own)
{
  const NomosSpectralShape *s = plan->s;
  const size_t points = s->n[0] * s->n[1], columns = s->columns, lines = s->rows > 1 ? 1 : LINES, n_tasks = Blocks(n, lines), sums = s->n[0] / 2 + 1;
  const Real   scale  = (Real)(1 / (double)points);

#pragma omp parallel for schedule(static) if (n * points >= PARALLEL)
  for (size_t task = 0; task < n_tasks; task++) {
    const size_t first = task * lines, count = Smaller(lines, n - first);
    Real        *line = own + OwnSize(s) * (size_t)omp_get_thread_num(), *both = line + OddLines(2 * columns * (s->rows > 1 ? s->n[0] : LINES));

    for (size_t i = 0; i < count; i++)
      for (size_t row = 0, m = 0; row < s->rows; row++) {
        Real *c = s->rows > 1 ? both + row * 2 * columns : line + i * 2 * columns, *sine = c + s->rows * 2 * columns;
        for (size_t column = 0; column < columns; column++, m++) {
          const Real *from   = modes + ((m / VECTOR) * n + first + i) * PAIR + m % VECTOR;
          const Real  weight = weighted ? scale * plan->x->twice[column] : 1, re = weight * from[0], im = weight * from[VECTOR];
          c[column]           = re;
          c[columns + column] = im;
          if (s->rows > 1) {
            sine[columns + column] = re;
            sine[column]           = -im;
          }
        }
      }
    if (s->rows > 1) {
      Product(sums, 2 * columns, s->rows, plan->y->points, both, line);
      Product(s->n[0] - sums, 2 * columns, s->rows, plan->y->points + sums * s->rows, both + s->rows * 2 * columns, line + sums * 2 * columns);
      Fold(s->n[0], 2 * columns, line);
    }
    Product(s->rows > 1 ? s->n[0] : count, s->n[1], 2 * columns, line, plan->x->modes, x + first * points);
  }
}

/* ---- products over channels: c[p, q] = sum_r a[p, r] b[r, q], each a complex vector; either factor may be conjugate. Steps are in pairs of vectors. */

typedef struct {
  const Real *data;
  size_t      step[2]; /* along its first and second index */
  bool        conjugate;
} Factor;

static inline __attribute__((always_inline)) void MixTile(size_t n_p, size_t n_q, size_t n_r, const Real *a, const size_t a_step[2], bool conjugate_a, const Real *b, const size_t b_step[2], bool conjugate_b, Real *c, const size_t c_step[2])
{
  Vector re[4][2], im[4][2];

  for (size_t p = 0; p < n_p; p++)
    for (size_t q = 0; q < n_q; q++) re[p][q] = im[p][q] = (Vector){0};
  for (size_t r = 0; r < n_r; r++) {
    Vector br[2], bi[2];
    for (size_t q = 0; q < n_q; q++) {
      const Real *from = b + (r * b_step[0] + q * b_step[1]) * PAIR;
      br[q]            = *(const Vector *)from;
      bi[q]            = conjugate_b ? -*(const Vector *)(from + VECTOR) : *(const Vector *)(from + VECTOR);
    }
    for (size_t p = 0; p < n_p; p++) {
      const Real  *from = a + (p * a_step[0] + r * a_step[1]) * PAIR;
      const Vector ar = *(const Vector *)from, ai = conjugate_a ? -*(const Vector *)(from + VECTOR) : *(const Vector *)(from + VECTOR);
      for (size_t q = 0; q < n_q; q++) {
        re[p][q] += ar * br[q];
        re[p][q] -= ai * bi[q];
        im[p][q] += ar * bi[q];
        im[p][q] += ai * br[q];
      }
    }
  }
  for (size_t p = 0; p < n_p; p++)
    for (size_t q = 0; q < n_q; q++) {
      Real *to                = c + (p * c_step[0] + q * c_step[1]) * PAIR;
      *(Vector *)to           = re[p][q];
      *(Vector *)(to + VECTOR) = im[p][q];
    }
}

static void Mix(size_t n_p, size_t n_q, size_t n_r, const Factor *a, const Factor *b, Real *c, const size_t c_step[2])
{
  for (size_t p = 0; p < n_p;) {
    const size_t rows = n_p - p >= 4 ? 4 : 1;
    for (size_t q = 0; q < n_q;) {
      const size_t columns = n_q - q >= 2 ? 2 : 1;
      const Real  *pa = a->data + p * a->step[0] * PAIR, *pb = b->data + q * b->step[1] * PAIR;
      Real        *pc = c + (p * c_step[0] + q * c_step[1]) * PAIR;
      if (rows == 4 && columns == 2) MixTile(4, 2, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      else if (rows == 4) MixTile(4, 1, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      else if (columns == 2) MixTile(1, 2, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      else MixTile(1, 1, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      q += columns;
    }
    p += rows;
  }
}

/* Weights between their own layout and blocks of modes [block][in][out]. */
static void PackWeights(const Plan *plan, const Real *w, Real *blocks)
{
  const size_t n = plan->s->in * plan->s->out;

#pragma omp parallel for schedule(static) if (n * plan->n_modes >= PARALLEL)
  for (size_t i = 0; i < n; i++)
    for (size_t block = 0; block < plan->n_blocks; block++) {
      const size_t count = Smaller(VECTOR, plan->n_modes - block * VECTOR);
      const Real  *from  = w + 2 * (i * plan->n_modes + block * VECTOR);
      Real        *to    = blocks + (block * n + i) * PAIR;
      for (size_t l = 0; l < VECTOR; l++) {
        to[l]          = l < count ? from[2 * l] : 0;
        to[VECTOR + l] = l < count ? from[2 * l + 1] : 0;
      }
    }
}
static void UnpackWeights(const Plan *plan, const Real *blocks, Real *w)
{
  const size_t n = plan->s->in * plan->s->out;

#pragma omp parallel for schedule(static) if (n * plan->n_modes >= PARALLEL)
  for (size_t i = 0; i < n; i++)
    for (size_t m = 0; m < plan->n_modes; m++) {
      const Real *from = blocks + (m / VECTOR * n + i) * PAIR + m % VECTOR;
      w[2 * (i * plan->n_modes + m)]     = from[0];
      w[2 * (i * plan->n_modes + m) + 1] = from[VECTOR];
    }
}

size_t NAME(NomosSpectralScratch)(const NomosSpectralShape *s, size_t threads)
{
  const Plan plan = {.n_blocks = Blocks(s->rows * s->columns, VECTOR)};
  return ModesSize(&plan, s->batch, s->in) + ModesSize(&plan, s->batch, s->out) + ModesSize(&plan, s->in, s->out) + threads * OwnSize(s);
}

typedef struct {
  Real *x, *y, *w, *own;
} Work;
static Work Share(const Plan *plan, Real *scratch)
{
  const NomosSpectralShape *s = plan->s;
  Work work = {.x = scratch};

  work.y   = work.x + ModesSize(plan, s->batch, s->in);
  work.w   = work.y + ModesSize(plan, s->batch, s->out);
  work.own = work.w + ModesSize(plan, s->in, s->out);
  return work;
}

void NAME(NomosSpectralForward)(const NomosSpectralShape *s, const void *x, const void *w, void *y, void *scratch)
{
  Plan plan;

  (void)MakePlan(s, &plan);
  const Work   work    = Share(&plan, scratch);
  const size_t n_parts = Blocks(s->batch, SAMPLES);
  Analyse(&plan, s->batch * s->in, x, false, work.x, work.own);
  PackWeights(&plan, w, work.w);
#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan.n_modes >= PARALLEL)
  for (size_t block = 0; block < plan.n_blocks; block++)
    for (size_t part = 0; part < n_parts; part++) {
      const size_t first = part * SAMPLES;
      const Factor a = {.data = work.x + (block * s->batch + first) * s->in * PAIR, .step = {s->in, 1}}, b = {.data = work.w + block * s->in * s->out * PAIR, .step = {s->out, 1}};
      Mix(Smaller(SAMPLES, s->batch - first), s->out, s->in, &a, &b, work.y + (block * s->batch + first) * s->out * PAIR, (size_t[]){s->out, 1});
    }
  Synthesise(&plan, s->batch * s->out, work.y, true, y, work.own);
}

void NAME(NomosSpectralTransposed)(const NomosSpectralShape *s, const void *y, const void *w, void *x, void *scratch)
{
  Plan plan;

  (void)MakePlan(s, &plan);
  const Work   work    = Share(&plan, scratch);
  const size_t n_parts = Blocks(s->batch, SAMPLES);
  Analyse(&plan, s->batch * s->out, y, true, work.y, work.own);
  PackWeights(&plan, w, work.w);
#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan.n_modes >= PARALLEL)
  for (size_t block = 0; block < plan.n_blocks; block++)
    for (size_t part = 0; part < n_parts; part++) {
      const size_t first = part * SAMPLES;
      const Factor a = {.data = work.y + (block * s->batch + first) * s->out * PAIR, .step = {s->out, 1}}, b = {.data = work.w + block * s->in * s->out * PAIR, .step = {1, s->out}, .conjugate = true};
      Mix(Smaller(SAMPLES, s->batch - first), s->in, s->out, &a, &b, work.x + (block * s->batch + first) * s->in * PAIR, (size_t[]){s->in, 1});
    }
  Synthesise(&plan, s->batch * s->in, work.x, false, x, work.own);
}

void NAME(NomosSpectralWeights)(const NomosSpectralShape *s, const void *x, const void *y, void *w, void *scratch)
{
  Plan plan;

  (void)MakePlan(s, &plan);
  const Work   work    = Share(&plan, scratch);
  const size_t n_parts = Blocks(s->in, SAMPLES);
  Analyse(&plan, s->batch * s->in, x, false, work.x, work.own);
  Analyse(&plan, s->batch * s->out, y, true, work.y, work.own);
#pragma omp parallel for collapse(2) schedule(static) if (s->batch * s->in * s->out * plan.n_modes >= PARALLEL)
  for (size_t block = 0; block < plan.n_blocks; block++)
    for (size_t part = 0; part < n_parts; part++) {
      const size_t first = part * SAMPLES;
      const Factor a = {.data = work.x + (block * s->batch * s->in + first) * PAIR, .step = {1, s->in}, .conjugate = true}, b = {.data = work.y + block * s->batch * s->out * PAIR, .step = {s->out, 1}};
      Mix(Smaller(SAMPLES, s->in - first), s->out, s->batch, &a, &b, work.w + (block * s->in + first) * s->out * PAIR, (size_t[]){s->out, 1});
    }
  UnpackWeights(&plan, work.w, w);
}
