/* A block of c stays in registers while k runs; columns in vectors. */
#include "operators/row_product.h"

#include "operators/primitives/matmul_impl.h"
#include "operators/primitives/vector.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
enum { MOST_ROWS = 12, MOST_COLUMNS = 4, WIDE = NOMOS_VECTOR_BYTES == 64, COLUMNS = WIDE ? 4 : 2, ALONE = WIDE ? 12 : 10 }; /* vectors side by side; half as many registers without AVX-512: 6 x 2 sums, a line and a factor */

/* `skip`: the first entries of a single vector are not written, others have. */
INLINE void Block(const NomosRowProduct *p, size_t rows, size_t vectors, size_t skip, size_t i, size_t j)
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

INLINE void Rows(const NomosRowProduct *p, size_t rows, size_t vectors, size_t skip, size_t j)
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

/* ---- both given by rows: sums of products of lines, a vector of terms at a time ---- */

enum { DOT_ROWS = 4, DOT_COLUMNS = WIDE ? 6 : 3 };

INLINE Real Sum(Vector x)
{
  Real sum = 0;
  for (size_t i = 0; i < VECTOR; i++) sum += x[i];
  return sum;
}

INLINE void Dots(const NomosRowDots *p, size_t rows, size_t columns, size_t i, size_t j)
{
  const Real *restrict a = (const Real *)p->a + i * p->lda, *restrict b = (const Real *)p->b + j * p->ldb;
  Real *restrict c       = (Real *)p->c + i * p->ldc + j;
  const size_t whole     = p->k - p->k % VECTOR;
  Vector       sum[DOT_ROWS][DOT_COLUMNS];

#pragma GCC unroll 4
  for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 6
    for (size_t q = 0; q < columns; q++) sum[r][q] = (Vector){0};
  for (size_t k = 0; k < whole; k += VECTOR) {
    Vector line[DOT_COLUMNS];
#pragma GCC unroll 6
    for (size_t q = 0; q < columns; q++) line[q] = *(const Vector *)(b + q * p->ldb + k);
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++) {
      const Vector factor = *(const Vector *)(a + r * p->lda + k);
#pragma GCC unroll 6
      for (size_t q = 0; q < columns; q++) sum[r][q] += factor * line[q];
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 6
    for (size_t q = 0; q < columns; q++) {
      Real all = Sum(sum[r][q]);
      for (size_t k = whole; k < p->k; k++) all += a[r * p->lda + k] * b[q * p->ldb + k];
      c[r * p->ldc + q] = (p->add ? c[r * p->ldc + q] : 0) + all;
    }
}

INLINE void DotRows(const NomosRowDots *p, size_t rows, size_t i)
{
  size_t j = 0;

  for (; j + DOT_COLUMNS <= p->n; j += DOT_COLUMNS) Dots(p, rows, DOT_COLUMNS, i, j);
  for (; j < p->n; j++) Dots(p, rows, 1, i, j);
}

void NAME(NomosRowDotsRun)(const NomosRowDots *p)
{
  size_t i = 0;

  for (; i + DOT_ROWS <= p->m; i += DOT_ROWS) DotRows(p, DOT_ROWS, i);
  for (; i < p->m; i++) DotRows(p, 1, i);
}
