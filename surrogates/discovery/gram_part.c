/* The sums of gram.h over a stretch of rows: columns are packed piece by piece, times the roots of the weights, and multiplied in tiles of 4 x 4 whose sums stay in registers. Compiled with fused
   multiply-add, as the kernels are. */
#include "surrogates/discovery/gram_impl.h"

#include "operators/primitives/vector.h"

#include <math.h>
#include <string.h>

/* x (n) times roots where those are not 0, else 0; what is finite adds 0 to the sum that is returned. */
static double Pack(size_t n, const double *restrict x, const double *restrict roots, double *restrict to)
{
  double check[VECTOR] = {0}, sum = 0;
  size_t k = 0;

  if (roots)
    for (size_t i = 0; i < n; i++) to[i] = roots[i] > 0 ? x[i] * roots[i] : 0;
  else memcpy(to, x, n * sizeof *to);
  for (size_t i = n; i < GRAM_PIECE; i++) to[i] = 0;
  for (; k + VECTOR <= GRAM_PIECE; k += VECTOR)
    for (size_t l = 0; l < VECTOR; l++) check[l] += to[k + l] * 0;
  for (size_t l = 0; l < VECTOR; l++) sum += check[l];
  return sum;
}

/* sums (4, 4), rows m apart, plus the products of four columns with four others. */
static void Tile(size_t m, const double *restrict a, const double *restrict b, double *restrict sums)
{
  Vector products[GRAM_TILE][GRAM_TILE] = {0};

  for (size_t k = 0; k < GRAM_PIECE; k += VECTOR) {
    Vector x[GRAM_TILE];
#pragma GCC unroll 4
    for (size_t i = 0; i < GRAM_TILE; i++) x[i] = *(const Vector *)(a + i * GRAM_ROOM + k);
#pragma GCC unroll 4
    for (size_t j = 0; j < GRAM_TILE; j++) {
      const Vector y = *(const Vector *)(b + j * GRAM_ROOM + k);
#pragma GCC unroll 4
      for (size_t i = 0; i < GRAM_TILE; i++) products[i][j] += x[i] * y;
    }
  }
  for (size_t i = 0; i < GRAM_TILE; i++)
    for (size_t j = 0; j < GRAM_TILE; j++) {
      double sum = 0;
      for (size_t l = 0; l < VECTOR; l++) sum += products[i][j][l];
      sums[i * m + j] += sum;
    }
}

int NomosGramPart(size_t n, size_t n_rows, const double *const columns[], size_t first, const double weights[], double *packed, double *sums, double *rows)
{
  const size_t m     = GramColumns(n);
  double      *roots = packed + m * GRAM_ROOM, check = 0;

  memset(sums, 0, m * m * sizeof *sums);
  memset(packed + n * GRAM_ROOM, 0, (m - n) * GRAM_ROOM * sizeof *packed);
  *rows = weights ? 0 : (double)n_rows;
  for (size_t start = 0; start < n_rows; start += GRAM_PIECE) {
    const size_t count = Smaller(GRAM_PIECE, n_rows - start), from = first + start;
    for (size_t i = 0; weights && i < count; i++) {
      roots[i] = sqrt(weights[from + i]); /* NaN of a negative one */
      check += roots[i] * 0;
      *rows += weights[from + i] > 0;
    }
    for (size_t j = 0; j < n; j++) check += Pack(count, columns[j] + from, weights ? roots : NULL, packed + j * GRAM_ROOM);
    for (size_t i = 0; i < m; i += GRAM_TILE)
      for (size_t j = i; j < m; j += GRAM_TILE) Tile(m, packed + i * GRAM_ROOM, packed + j * GRAM_ROOM, sums + i * m + j);
  }
  return check == 0;
}
