/* Products of matrices that are narrow enough to stay in cache: without the packing that a library needs for wide ones. */
#ifndef NOMOS_OPERATORS_ROW_PRODUCT_H
#define NOMOS_OPERATORS_ROW_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* c [m, n] = a [m, k] b [k, n] (+ c with `add`, + bias [n] in each row where there is one, not both); entry (i, j) of a is a[i a_row + j a_column], so that a may be given transposed; rows of b are ldb apart, those of c ldc. float or double.
   Each entry is summed in the order of k. Made for n of a vector of the processor or more. By one thread. */
typedef struct {
  size_t      m, n, k, a_row, a_column, ldb, ldc;
  bool        add;
  const void *a, *b, *bias;
  void       *c;
} NomosRowProduct;
void NomosRowProductRun_f32(const NomosRowProduct *product);
void NomosRowProductRun_f64(const NomosRowProduct *product);

/* The same with b given as [n, k], its rows ldb apart; n at most NOMOS_ROW_PRODUCT_TURNED. */
enum { NOMOS_ROW_PRODUCT_TURNED = 128 };
void NomosRowProductTurned_f32(const NomosRowProduct *product);
void NomosRowProductTurned_f64(const NomosRowProduct *product);

/* The same with b given as [n, k] and a_column 1, without a bias: entries are sums over lanes along k. Made for k of several vectors, and a and b of which a few rows stay in the cache; m and n may be 1. */
void NomosRowProductDots_f32(const NomosRowProduct *product);
void NomosRowProductDots_f64(const NomosRowProduct *product);

#endif
