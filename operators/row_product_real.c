/* A block of c stays in registers while k runs; columns in vectors. */
#include "operators/row_product.h"

#include "operators/lanes.h"
#include "operators/primitives/matmul_impl.h"

#include <string.h>

enum { MOST_ROWS = 12, MOST_COLUMNS = 4, WIDE = NOMOS_VECTOR_BYTES == 64, COLUMNS = WIDE ? 4 : 2, ALONE = WIDE ? 12 : 10 }; /* vectors side by side; half as many registers without AVX-512: 6 x 2 sums, a line and a factor */

/* `skip`: the first entries of a single vector are not written, others have. */
LANE_INLINE void Block(const NomosRowProduct *p, size_t rows, size_t vectors, size_t skip, size_t i, size_t j)
{
  const Real *restrict a = (const Real *)p->a + i * p->a_row, *restrict b = (const Real *)p->b + j;
  Real *restrict c       = (Real *)p->c + i * p->ldc + j;
  Vector sum[MOST_ROWS][MOST_COLUMNS];

#pragma GCC unroll 12
  for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) sum[r][v] = p->add ? *(const Vector *)(c + r * p->ldc + v * VECTOR) : p->bias ? *(const Vector *)((const Real *)p->bias + j + v * VECTOR) : (Vector){0};
  for (size_t k = 0; k < p->k; k++) {
    Vector line[MOST_COLUMNS];
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) line[v] = *(const Vector *)(b + k * p->ldb + v * VECTOR);
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
      const Vector factor = a[r * p->a_row + k * p->a_column] - (Vector){0};
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; v++) sum[r][v] += factor * line[v];
    }
  }
#pragma GCC unroll 12
  for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) {
      if (skip) memcpy(c + r * p->ldc + skip, (const Real *)&sum[r][v] + skip, (VECTOR - skip) * sizeof(Real));
      else *(Vector *)(c + r * p->ldc + v * VECTOR) = sum[r][v];
    }
}

LANE_INLINE void Rows(const NomosRowProduct *p, size_t rows, size_t vectors, size_t skip, size_t j)
{
  size_t i = 0;

  for (; i + rows <= p->m; i += rows) Block(p, rows, vectors, skip, i, j);
  for (; i + 2 <= p->m; i += 2) Block(p, 2, vectors, skip, i, j);
  for (; i < p->m; i++) Block(p, 1, vectors, skip, i, j);
}

void NAME(NomosRowProductRun)(const NomosRowProduct *p)
{
  size_t j = 0;

  if (p->n < VECTOR) { /* not worth kernels of their own */
    const size_t one = 1;
    for (size_t i = 0; i < p->m && p->bias; i++) memcpy((Real *)p->c + i * p->ldc, p->bias, p->n * sizeof(Real));
    NAME(NomosProductAlone)(&(NomosProduct){.m = p->m, .n = p->n, .k = p->k, .lda = p->a_column == 1 ? PetscMax(p->a_row, PetscMax(p->k, one)) : p->a_column, .ldb = PetscMax(p->ldb, one), .ldc = PetscMax(p->ldc, one),
                                            .transposed_a = p->a_column != 1, .add = p->add || p->bias, .a = p->a, .b = p->b, .c = p->c});
    return;
  }
  for (; j + COLUMNS * VECTOR <= p->n; j += COLUMNS * VECTOR) Rows(p, 6, COLUMNS, 0, j);
  switch ((p->n - j) / VECTOR) {
  case 3: Rows(p, 8, 3, 0, j); break;
  case 2: Rows(p, 12, 2, 0, j); break;
  case 1: Rows(p, ALONE, 1, 0, j); break;
  default: break;
  }
  if (p->n % VECTOR) Rows(p, ALONE, 1, VECTOR - p->n % VECTOR, p->n - VECTOR);
}

/* ---- b given as [n, k]: turned around, as many terms at a time as stay in the cache */

enum { TERMS = 64 };

static void Turn(const Real *from, size_t ldf, size_t n, size_t terms, Real *to)
{
  const size_t lines = n - n % VECTOR, whole = terms - terms % VECTOR;

  for (size_t j = 0; j < lines; j += VECTOR)
    for (size_t k = 0; k < whole; k += VECTOR) LanesTranspose(from + j * ldf + k, ldf, to + k * n + j, n);
  for (size_t k = 0; k < terms; k++)
    for (size_t j = k < whole ? lines : 0; j < n; j++) to[k * n + j] = from[j * ldf + k];
}

void NAME(NomosRowProductTurned)(const NomosRowProduct *p)
{
  Real            b[TERMS * NOMOS_ROW_PRODUCT_TURNED] __attribute__((aligned(64)));
  NomosRowProduct part = *p;

  part.b   = b;
  part.ldb = p->n;
  for (size_t first = 0; first < p->k || !first; first += TERMS) {
    part.k = PetscMin(TERMS, p->k - first);
    part.a = (const Real *)p->a + first * p->a_column;
    Turn((const Real *)p->b + first, p->ldb, p->n, part.k, b);
    NAME(NomosRowProductRun)(&part);
    part.add  = true;
    part.bias = NULL;
  }
}

/* ---- both given along k: lanes hold terms, and are summed at the end */

enum { DOTS = WIDE ? 16 : 8 /* sums in registers */, DOT_TERMS = 256 };

/* Terms [first, first + terms) of the entries at (i, j) and beside: rows and columns beyond the last are the last once more, and not written. */
LANE_INLINE void DotBlock(const NomosRowProduct *p, size_t rows, size_t i, size_t j, size_t first, size_t terms)
{
  const size_t columns = DOTS / rows;
  const Real  *a[4], *b[DOTS];
  Vector       sum[DOTS];
  Real         entry[DOTS] __attribute__((aligned(64)));
  size_t       k = 0;

#pragma GCC unroll 4
  for (size_t r = 0; r < rows; r++) a[r] = (const Real *)p->a + PetscMin(i + r, p->m - 1) * p->a_row + first;
#pragma GCC unroll 16
  for (size_t v = 0; v < columns; v++) b[v] = (const Real *)p->b + PetscMin(j + v, p->n - 1) * p->ldb + first;
#pragma GCC unroll 16
  for (size_t s = 0; s < DOTS; s++) sum[s] = LaneFill(0);
  for (; k + VECTOR <= terms; k += VECTOR) {
    Vector factor[4];
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++) factor[r] = *(const Vector *)(a[r] + k);
#pragma GCC unroll 16
    for (size_t v = 0; v < columns; v++) {
      const Vector line = *(const Vector *)(b[v] + k);
#pragma GCC unroll 4
      for (size_t r = 0; r < rows; r++) sum[r * columns + v] += factor[r] * line;
    }
  }
#pragma GCC unroll 4
  for (size_t s = 0; s < DOTS; s += VECTOR) *(Vector *)(entry + s) = LanesSums(sum + s);
  for (; k < terms; k++)
    for (size_t s = 0; s < DOTS; s++) entry[s] += a[s / columns][k] * b[s % columns][k];
  for (size_t r = 0; r < rows && i + r < p->m; r++) {
    Real *c = (Real *)p->c + (i + r) * p->ldc + j;
    for (size_t v = 0; v < columns && j + v < p->n; v++) c[v] = p->add || first ? c[v] + entry[r * columns + v] : entry[r * columns + v];
  }
}

void NAME(NomosRowProductDots)(const NomosRowProduct *p)
{
  const size_t rows = p->m > 2 ? 4 : p->m;

  for (size_t first = 0; first < p->k || !first; first += DOT_TERMS) {
    const size_t terms = PetscMin(DOT_TERMS, p->k - first);
    for (size_t i = 0; i < p->m; i += rows)
      for (size_t j = 0; j < p->n; j += DOTS / rows) {
        if (rows == 4) DotBlock(p, 4, i, j, first, terms);
        else if (rows == 2) DotBlock(p, 2, i, j, first, terms);
        else DotBlock(p, 1, i, j, first, terms);
      }
  }
}
