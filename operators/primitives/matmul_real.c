#include "operators/primitives/matmul_impl.h"

#include "operators/primitives/vector.h"
#include "operators/row_product.h"

#include <cblas.h>
#include <omp.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define GEMM cblas_sgemm
#else
  #define GEMM cblas_dgemm
#endif

enum { PARALLEL = 1 << 19 }; /* multiplications worth a second thread */

enum { NARROW = 1024, ROWS = 16, PAGE = 4096, FEW = 40 }; /* NARROW, PAGE, FEW: bytes */

/* Where a library would spend its time on packing: few terms, and lines of b that do not push each other out of the cache. */
static bool IsNarrow(const NomosProduct *p)
{
  return !p->transposed_b && p->n >= VECTOR && p->k * sizeof(Real) <= NARROW && (p->k <= VECTOR || p->ldb * sizeof(Real) % PAGE);
}

/* Few lines of b that fill vectors, and enough of a that it is worth turning them around. */
static bool IsTurned(const NomosProduct *p)
{
  return p->transposed_b && p->n % VECTOR == 0 && p->n <= NOMOS_ROW_PRODUCT_TURNED && p->m >= ROWS;
}

/* Many terms for few rows or columns, as in the gradients of first and last layers: a library packs the other matrix for them. */
static bool IsDots(const NomosProduct *p)
{
  return p->transposed_b && !p->transposed_a && p->k >= 2 * VECTOR && Smaller(p->m, p->n) * sizeof(Real) <= FEW;
}

void NAME(NomosProductAlone)(const NomosProduct *p)
{
  Real *c = p->c;

  if (!p->m || !p->n) return;
  if (!p->k) {
    for (size_t i = 0; i < p->m && !p->add; i++) memset(c + i * p->ldc, 0, p->n * sizeof *c);
    return;
  }
  const bool dots = IsDots(p);
  if (dots || IsNarrow(p) || IsTurned(p)) {
    (dots ? NAME(NomosRowProductDots) : p->transposed_b ? NAME(NomosRowProductTurned) : NAME(NomosRowProductRun))(&(NomosRowProduct){.m = p->m, .n = p->n, .k = p->k, .a_row = p->transposed_a ? 1 : p->lda, .a_column = p->transposed_a ? p->lda : 1, .ldb = p->ldb, .ldc = p->ldc, .add = p->add, .a = p->a, .b = p->b, .c = c});
    return;
  }
  GEMM(CblasRowMajor, p->transposed_a ? CblasTrans : CblasNoTrans, p->transposed_b ? CblasTrans : CblasNoTrans, (int)p->m, (int)p->n, (int)p->k, 1, p->a, (int)p->lda, p->b, (int)p->ldb, p->add ? 1 : 0, c, (int)p->ldc);
}

/* Block [start, start + count) of the rows of the result, of its columns, or of the sum. */
static NomosProduct Rows(const NomosProduct *p, size_t start, size_t count)
{
  NomosProduct part = *p;

  part.m = count;
  part.a = (const Real *)p->a + (p->transposed_a ? start : start * p->lda);
  part.c = (Real *)p->c + start * p->ldc;
  return part;
}

static NomosProduct Columns(const NomosProduct *p, size_t start, size_t count)
{
  NomosProduct part = *p;

  part.n = count;
  part.b = (const Real *)p->b + (p->transposed_b ? start * p->ldb : start);
  part.c = (Real *)p->c + start;
  return part;
}

static NomosProduct Terms(const NomosProduct *p, size_t start, size_t count)
{
  NomosProduct part = *p;

  part.k = count;
  part.a = (const Real *)p->a + (p->transposed_a ? start * p->lda : start);
  part.b = (const Real *)p->b + (p->transposed_b ? start : start * p->ldb);
  return part;
}

void NAME(NomosProductRun)(const NomosProduct *p, void *scratch)
{
  const bool   parallel = p->m * p->n * p->k >= PARALLEL && !omp_in_parallel();
  const size_t split    = NOMOS_MATMUL_SPLIT, block = NOMOS_MATMUL_ROWS;

  if (scratch) { /* partial sums, added in order */
    const size_t blocks = (p->k + split - 1) / split, size = p->m * p->n;
    Real        *sums   = scratch;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t b = 0; b < blocks; b++) {
      NomosProduct part = Terms(p, b * split, p->k - b * split < split ? p->k - b * split : split);
      part.c            = sums + b * size;
      part.ldc          = p->n;
      part.add          = false;
      NAME(NomosProductAlone)(&part);
    }
#pragma omp parallel for schedule(static) if (parallel && size > 4096)
    for (size_t i = 0; i < p->m; i++) {
      Real *restrict c = (Real *)p->c + i * p->ldc;
      if (!p->add) memset(c, 0, p->n * sizeof *c);
      for (size_t b = 0; b < blocks; b++) {
        const Real *restrict from = sums + b * size + i * p->n;
        for (size_t j = 0; j < p->n; j++) c[j] += from[j];
      }
    }
  } else if (p->m >= p->n && p->m > block) {
    const size_t blocks = (p->m + block - 1) / block;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t b = 0; b < blocks; b++) {
      const NomosProduct part = Rows(p, b * block, p->m - b * block < block ? p->m - b * block : block);
      NAME(NomosProductAlone)(&part);
    }
  } else if (p->n > block) {
    const size_t blocks = (p->n + block - 1) / block;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t b = 0; b < blocks; b++) {
      const NomosProduct part = Columns(p, b * block, p->n - b * block < block ? p->n - b * block : block);
      NAME(NomosProductAlone)(&part);
    }
  } else NAME(NomosProductAlone)(p);
}
