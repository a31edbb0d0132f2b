/* Laws that are networks: what each takes in and gives out. Private to surrogates/constitutive. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_NETWORK_LAW_IMPL_H
#define NOMOS_SURROGATES_CONSTITUTIVE_NETWORK_LAW_IMPL_H

#include "surrogates/constitutive/learned_law_impl.h"
#include "surrogates/constitutive/network_shape.h"

/* With F = U diag(s) V^T (rotations U, V, sorted s, the last with the sign of det F), R = U V^T. Inputs vanish at F = I. Several are taken in the order that they have here. */
enum {
  NOMOS_INPUT_SINGULAR     = 1,  /* s - 1 (3) */
  NOMOS_INPUT_GREEN        = 2,  /* F^T F - I (9) */
  NOMOS_INPUT_DETERMINANT  = 4,  /* det F - 1 (1) */
  NOMOS_INPUT_DISPLACEMENT = 8,  /* F - I (9) */
  NOMOS_INPUT_STRETCH      = 16, /* R^T F - I (9) */
  NOMOS_INPUT_TRACES       = 32  /* tr R^T F - 3, tr F^T F - 3, det F - 1 (3); the authors' code subtracts 1 from the second, which is not its value at rest */
};
typedef enum {
  NOMOS_OUTPUT_MATRIX,  /* P = X, outputs X (9) */
  NOMOS_OUTPUT_ROTATED, /* P = R (X + X^T)/2 */
  NOMOS_OUTPUT_SPECTRAL /* P = U diag(y) V^T, outputs y (3) */
} NomosNetworkOutput;

/* tau = P F^T or F_e = F + alpha P, alpha as in the authors' settings. */
#define NOMOS_NETWORK_ALPHA 1e-3

typedef struct {
  NomosLearnedLaw    learned; /* first */
  int                inputs;
  NomosNetworkOutput output;
  bool               spline; /* in the place of the network */
  double             base;   /* spline.h */
} NomosNetworkLaw;

typedef struct {
  const NomosNetworkLaw *kind;
  NomosNetworkShape      shape;                /* of no meaning for a spline */
  void                  *weights, *transposed; /* of the law's precision, as kernels take them */
} NomosNetworkLawData;

#define NOMOS_DECLARE_NETWORK_LAW(suffix) \
  void   NomosNetworkLawPack_##suffix(const NomosNetworkLawData *data, const double values[]); \
  void   NomosNetworkLawApply_##suffix(NomosLaw law, size_t n, size_t stride, const void *F, void *y, void *kept); \
  void   NomosNetworkLawJvp_##suffix(NomosLaw law, size_t n, size_t stride, const void *F, const void *F_dot, const double p_dot[], void *y_dot); \
  void   NomosNetworkLawVjp_##suffix(NomosLaw law, size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double p_bar[]);
NOMOS_DECLARE_NETWORK_LAW(f32)
NOMOS_DECLARE_NETWORK_LAW(f64)

#endif
