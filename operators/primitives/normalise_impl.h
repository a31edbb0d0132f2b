/* Kernels of the fused normalisation. Private to operators/. */
#ifndef NOMOS_OPERATORS_NORMALISE_IMPL_H
#define NOMOS_OPERATORS_NORMALISE_IMPL_H

#include "operators/tape_impl.h"

/* x is [rows][channels][points]: a row has a mean and a deviation; channel c of row r has weight (r % groups) channels + c. */
enum { NOMOS_NORMALISE_CHUNKS = 16 };
typedef struct {
  size_t      rows, channels, points, groups;
  double      epsilon;
  const void *x, *weight, *bias; /* weight, bias [groups channels] */
  void       *y, *moments;       /* moments [rows][2]: mean, 1/deviation; NULL: not kept */
  const void *y_bar;
  void       *x_bar, *weight_bar, *bias_bar; /* NULL: not wanted */
  void       *scratch;                       /* [NOMOS_NORMALISE_CHUNKS][2][groups channels] */
} NomosNormaliseJob;
NOMOS_DECLARE_KERNEL(NomosNormaliseForward, const NomosNormaliseJob *job);
NOMOS_DECLARE_KERNEL(NomosNormaliseBackward, const NomosNormaliseJob *job);

#endif
