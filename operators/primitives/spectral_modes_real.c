/* Between fields and their retained modes, and products over channels of modes: what the spectral convolution and the layer of a Fourier neural operator are made of. Few of the modes are retained, so that products with
   a table of sines and cosines are faster than a fast transform that finds them all. */
#include "operators/primitives/spectral_modes.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define GEMM cblas_sgemm
#else
  #define GEMM cblas_dgemm
#endif

enum { LINES = 64 /* fields of one dimension in a product */, PARALLEL = NOMOS_SPECTRAL_PARALLEL };

/* c = a b (+ c with `add`): a [m, k] and b [k, n] and c row-major. */
static void Product(size_t m, size_t n, size_t k, const Real *a, const Real *b, bool add, Real *c)
{
  if (k) GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)n, add ? 1 : 0, c, (int)n);
  else if (!add) memset(c, 0, sizeof(Real) * m * n);
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

static const NomosModeTable *FindTable(size_t n, size_t count, bool mirrored)
{
  static NomosModeTable *all = NULL;
  NomosModeTable        *found;

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

bool NAME(NomosSpectralMakePlan)(const NomosSpectralShape *s, NAME(NomosSpectralPlan) *plan)
{
  plan->s        = s;
  plan->n_modes  = s->rows * s->columns;
  plan->n_blocks = Blocks(plan->n_modes, VECTOR);
  plan->x        = FindTable(s->n[1], s->columns, false);
  plan->y        = s->rows > 1 ? FindTable(s->n[0], s->rows, true) : NULL;
  return plan->x && (plan->y || s->rows == 1);
}

static size_t LineSize(const NomosSpectralShape *s)
{
  return OddLines(2 * s->columns * (s->rows > 1 ? s->n[0] : LINES));
}
size_t NAME(NomosSpectralOwnSize)(const NomosSpectralShape *s)
{
  return LineSize(s) + OddLines(4 * s->rows * s->columns);
}

void NAME(NomosSpectralAnalyse)(const NAME(NomosSpectralPlan) *plan, const NomosModes *at, const Real *x, bool weighted, Real *modes, Real *own)
{
  const NomosSpectralShape *s = plan->s;
  const size_t points = s->n[0] * s->n[1], columns = s->columns, lines = s->rows > 1 ? 1 : LINES, sums = s->n[0] / 2 + 1, rest = plan->n_modes % VECTOR;
  const Real   scale  = (Real)(1 / (double)points);
  Real        *line = own, *both = own + LineSize(s);

  if (rest) memset(modes + ((plan->n_blocks - 1) * at->n + at->first) * NOMOS_PAIR, 0, sizeof(Real) * at->count * NOMOS_PAIR); /* the last block is not full */
  for (size_t done = 0; done < at->count; done += lines) {
    const size_t first = at->first + done, count = Smaller(lines, at->count - done);

    Product(s->rows > 1 ? s->n[0] : count, 2 * columns, s->n[1], x + done * points, plan->x->points, false, line);
    if (s->rows > 1) {
      Fold(s->n[0], 2 * columns, line);
      Product(s->rows, 2 * columns, sums, plan->y->modes, line, false, both);
      Product(s->rows, 2 * columns, s->n[0] - sums, plan->y->modes + sums * s->rows, line + sums * 2 * columns, false, both + s->rows * 2 * columns);
    }
    for (size_t i = 0; i < count; i++)
      for (size_t row = 0; row < s->rows; row++) {
        const Real *c = s->rows > 1 ? both + row * 2 * columns : line + i * 2 * columns, *sine = c + s->rows * 2 * columns;
        for (size_t column = 0, run; column < columns; column += run) {
          const size_t m  = row * columns + column;
          Real *restrict to = modes + ((m / VECTOR) * at->n + first + i) * NOMOS_PAIR + m % VECTOR;
          const Real *restrict re = c + column, *restrict im = re + columns, *restrict sine_re = sine + column, *restrict sine_im = sine_re + columns, *restrict twice = plan->x->twice + column;
          run = Smaller(VECTOR - m % VECTOR, columns - column);
          if (s->rows > 1) /* (C - i S)(R + i I) */
            for (size_t k = 0; k < run; k++) {
              const Real weight = weighted ? scale * twice[k] : 1;
              to[k]          = weight * (re[k] + sine_im[k]);
              to[VECTOR + k] = weight * (im[k] - sine_re[k]);
            }
          else
            for (size_t k = 0; k < run; k++) {
              const Real weight = weighted ? scale * twice[k] : 1;
              to[k]          = weight * re[k];
              to[VECTOR + k] = weight * im[k];
            }
        }
      }
  }
}

void NAME(NomosSpectralSynthesise)(const NAME(NomosSpectralPlan) *plan, const NomosModes *at, const Real *modes, bool weighted, bool add, Real *x, Real *own)
{
  const NomosSpectralShape *s = plan->s;
  const size_t points = s->n[0] * s->n[1], columns = s->columns, lines = s->rows > 1 ? 1 : LINES, sums = s->n[0] / 2 + 1;
  const Real   scale  = (Real)(1 / (double)points);
  Real        *line = own, *both = own + LineSize(s);

  for (size_t done = 0; done < at->count; done += lines) {
    const size_t first = at->first + done, count = Smaller(lines, at->count - done);

    for (size_t i = 0; i < count; i++)
      for (size_t row = 0; row < s->rows; row++) {
        Real *c = s->rows > 1 ? both + row * 2 * columns : line + i * 2 * columns, *sine = c + s->rows * 2 * columns;
        for (size_t column = 0, run; column < columns; column += run) {
          const size_t m = row * columns + column;
          const Real *restrict from = modes + ((m / VECTOR) * at->n + first + i) * NOMOS_PAIR + m % VECTOR, *restrict twice = plan->x->twice + column;
          Real *restrict re = c + column, *restrict im = re + columns, *restrict sine_re = sine + column, *restrict sine_im = sine_re + columns;
          run = Smaller(VECTOR - m % VECTOR, columns - column);
          for (size_t k = 0; k < run; k++) {
            const Real weight = weighted ? scale * twice[k] : 1;
            re[k] = weight * from[k];
            im[k] = weight * from[VECTOR + k];
          }
          if (s->rows > 1)
            for (size_t k = 0; k < run; k++) {
              sine_im[k] = re[k];
              sine_re[k] = -im[k];
            }
        }
      }
    if (s->rows > 1) {
      Product(sums, 2 * columns, s->rows, plan->y->points, both, false, line);
      Product(s->n[0] - sums, 2 * columns, s->rows, plan->y->points + sums * s->rows, both + s->rows * 2 * columns, false, line + sums * 2 * columns);
      Fold(s->n[0], 2 * columns, line);
    }
    Product(s->rows > 1 ? s->n[0] : count, s->n[1], 2 * columns, line, plan->x->modes, add, x + done * points);
  }
}

/* ---- products over channels */

static inline __attribute__((always_inline)) void MixTile(size_t n_p, size_t n_q, size_t n_r, const Real *a, const size_t a_step[2], bool conjugate_a, const Real *b, const size_t b_step[2], bool conjugate_b, Real *c, const size_t c_step[2])
{
  Vector re[4][2], im[4][2];

  for (size_t p = 0; p < n_p; p++)
    for (size_t q = 0; q < n_q; q++) re[p][q] = im[p][q] = (Vector){0};
  for (size_t r = 0; r < n_r; r++) {
    Vector br[2], bi[2];
    for (size_t q = 0; q < n_q; q++) {
      const Real *from = b + (r * b_step[0] + q * b_step[1]) * NOMOS_PAIR;
      br[q]            = *(const Vector *)from;
      bi[q]            = conjugate_b ? -*(const Vector *)(from + VECTOR) : *(const Vector *)(from + VECTOR);
    }
    for (size_t p = 0; p < n_p; p++) {
      const Real  *from = a + (p * a_step[0] + r * a_step[1]) * NOMOS_PAIR;
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
      Real *to                = c + (p * c_step[0] + q * c_step[1]) * NOMOS_PAIR;
      *(Vector *)to           = re[p][q];
      *(Vector *)(to + VECTOR) = im[p][q];
    }
}

void NAME(NomosSpectralMix)(size_t n_p, size_t n_q, size_t n_r, const NAME(NomosModeFactor) *a, const NAME(NomosModeFactor) *b, Real *c, const size_t c_step[2])
{
  for (size_t p = 0; p < n_p;) {
    const size_t rows = n_p - p >= 4 ? 4 : 1;
    for (size_t q = 0; q < n_q;) {
      const size_t columns = n_q - q >= 2 ? 2 : 1;
      const Real  *pa = a->data + p * a->step[0] * NOMOS_PAIR, *pb = b->data + q * b->step[1] * NOMOS_PAIR;
      Real        *pc = c + (p * c_step[0] + q * c_step[1]) * NOMOS_PAIR;
      if (rows == 4 && columns == 2) MixTile(4, 2, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      else if (rows == 4) MixTile(4, 1, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      else if (columns == 2) MixTile(1, 2, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      else MixTile(1, 1, n_r, pa, a->step, a->conjugate, pb, b->step, b->conjugate, pc, c_step);
      q += columns;
    }
    p += rows;
  }
}

void NAME(NomosSpectralPack)(const NAME(NomosSpectralPlan) *plan, const Real *w, Real *blocks)
{
  const size_t n = plan->s->in * plan->s->out;

#pragma omp parallel for schedule(static) if (n * plan->n_modes >= PARALLEL)
  for (size_t i = 0; i < n; i++)
    for (size_t block = 0; block < plan->n_blocks; block++) {
      const size_t count = Smaller(VECTOR, plan->n_modes - block * VECTOR);
      const Real *restrict from  = w + 2 * (i * plan->n_modes + block * VECTOR);
      Real *restrict       to    = blocks + (block * n + i) * NOMOS_PAIR;
      if (count == VECTOR)
        for (size_t l = 0; l < VECTOR; l++) {
          to[l]          = from[2 * l];
          to[VECTOR + l] = from[2 * l + 1];
        }
      else
        for (size_t l = 0; l < VECTOR; l++) {
          to[l]          = l < count ? from[2 * l] : 0;
          to[VECTOR + l] = l < count ? from[2 * l + 1] : 0;
        }
    }
}
void NAME(NomosSpectralUnpack)(const NAME(NomosSpectralPlan) *plan, const Real *blocks, Real *w)
{
  const size_t n = plan->s->in * plan->s->out;

#pragma omp parallel for schedule(static) if (n * plan->n_modes >= PARALLEL)
  for (size_t i = 0; i < n; i++)
    for (size_t block = 0; block < plan->n_blocks; block++) {
      const size_t count         = Smaller(VECTOR, plan->n_modes - block * VECTOR);
      const Real *restrict from  = blocks + (block * n + i) * NOMOS_PAIR;
      Real *restrict       to    = w + 2 * (i * plan->n_modes + block * VECTOR);
      if (count == VECTOR)
        for (size_t l = 0; l < VECTOR; l++) {
          to[2 * l]     = from[l];
          to[2 * l + 1] = from[VECTOR + l];
        }
      else
        for (size_t l = 0; l < count; l++) {
          to[2 * l]     = from[l];
          to[2 * l + 1] = from[VECTOR + l];
        }
    }
}
