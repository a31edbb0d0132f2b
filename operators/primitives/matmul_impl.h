/* Matrix products by OpenBLAS, narrow ones by operators/row_product, on one thread each, in blocks that do not depend on the number of threads. Private to operators/. */
#ifndef NOMOS_OPERATORS_MATMUL_IMPL_H
#define NOMOS_OPERATORS_MATMUL_IMPL_H

#include "operators/tape_impl.h"

/* c [m, n] = a [m, k] b [k, n] (+ c with `add`), row-major c with rows ldc apart; a and b row-major or, with transposed_a, a given as [k, m]. */
typedef struct {
  size_t      m, n, k, lda, ldb, ldc;
  bool        transposed_a, transposed_b, add;
  const void *a, *b;
  void       *c;
} NomosProduct;

enum { NOMOS_MATMUL_ROWS = 256, NOMOS_MATMUL_SPLIT = 2048 };
/* Entries of scratch that a product of many k with few results takes (sums over blocks of k), 0: none. */
size_t NomosProductScratch(const NomosProduct *product);
/* One product, over threads if it is large; `scratch` of that size. */
NOMOS_DECLARE_KERNEL(NomosProductRun, const NomosProduct *product, void *scratch);
/* A product by this thread alone. */
NOMOS_DECLARE_KERNEL(NomosProductAlone, const NomosProduct *product);

#endif
