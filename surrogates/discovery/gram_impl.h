/* What a thread does with a stretch of rows of a regression; private to gram.c. */
#ifndef NOMOS_SURROGATES_DISCOVERY_GRAM_IMPL_H
#define NOMOS_SURROGATES_DISCOVERY_GRAM_IMPL_H

#include <stddef.h>

enum {
  GRAM_PIECE = 512,             /* rows that are packed at a time: a piece of each of some forty columns stays in the second-level cache */
  GRAM_ROOM  = GRAM_PIECE + 8,  /* from column to column of a piece: not a power of two */
  GRAM_TILE  = 4,               /* columns whose products with as many others are summed in registers */
  GRAM_PART  = 16 * GRAM_PIECE, /* rows whose sums are one addend: what threads share out */
  GRAM_WAVE  = 64               /* parts in flight */
};

static inline size_t GramColumns(size_t n)
{
  return (n + GRAM_TILE - 1) / GRAM_TILE * GRAM_TILE;
}

/* sums (m, m), m = GramColumns(n): its upper triangle of tiles becomes that of X^T W X over `n_rows` rows of n columns. packed: (m + 1) GRAM_ROOM numbers. *rows: those of weight > 0.
   Returns whether every number was finite, and every weight finite and not negative. */
int NomosGramPart(size_t n, size_t n_rows, const double *const columns[], size_t first, const double weights[], double *packed, double *sums, double *rows);

#endif
