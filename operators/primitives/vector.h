/* Vectors of Real, as wide as the processor's, and sizes in blocks. For *_real.c files; private to operators/. */
#ifndef NOMOS_OPERATORS_VECTOR_H
#define NOMOS_OPERATORS_VECTOR_H

#include "operators/real.h"

#include <stddef.h>

#ifdef __AVX512F__
  #define NOMOS_VECTOR_BYTES 64
#else
  #define NOMOS_VECTOR_BYTES 32
#endif
enum { VECTOR = NOMOS_VECTOR_BYTES / sizeof(Real) };
typedef Real Vector __attribute__((vector_size(NOMOS_VECTOR_BYTES), aligned(sizeof(Real)), may_alias)); /* may lie anywhere */

static inline size_t Blocks(size_t n, size_t block)
{
  return (n + block - 1) / block;
}
static inline size_t Smaller(size_t a, size_t b)
{
  return a < b ? a : b;
}
/* Rounded up to whole cache lines, an odd number of them: planes this far apart do not fall on the same lines of a cache. */
static inline size_t OddLines(size_t n)
{
  const size_t line = 64 / sizeof(Real), lines = Blocks(n, line);
  return (lines | 1) * line;
}

#endif
