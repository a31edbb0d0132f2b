/* The data and kernels of the learned laws of surrogates/constitutive/hyperelastic.h. */
#ifndef NOMOS_SURROGATES_HYPERELASTIC_IMPL_H
#define NOMOS_SURROGATES_HYPERELASTIC_IMPL_H

#include "surrogates/constitutive/convex_curve.h"

enum { NOMOS_HYPERELASTIC_CURVES = 2,
       NOMOS_PRINCIPAL_KEPT      = 9 + 9 + 3 }; /* f, g; what kernels keep of a point */

typedef struct {
  NomosCurve       curve[NOMOS_HYPERELASTIC_CURVES];
  NomosCurvePieces pieces[NOMOS_HYPERELASTIC_CURVES];
} NomosHyperelastic;

/* Of vjp; pieces_bar (NULL: not asked for) is overwritten. */
typedef struct {
  const void       *f, *tau_bar, *kept;
  void             *f_bar;
  NomosCurvePieces *pieces_bar;
} NomosHyperelasticBars;

#define NOMOS_HYPERELASTIC_KERNELS(suffix) \
  void NomosHyperelasticApply_##suffix(const NomosHyperelastic *law, size_t n, size_t stride, const void *f, void *tau, void *kept); \
  void NomosHyperelasticEnergy_##suffix(const NomosHyperelastic *law, size_t n, size_t stride, const void *f, void *psi); \
  void NomosHyperelasticJvp_##suffix(const NomosHyperelastic *law, size_t n, size_t stride, const void *f, const void *f_dot, const NomosCurvePieces *pieces_dot, void *tau_dot); \
  void NomosHyperelasticVjp_##suffix(const NomosHyperelastic *law, size_t n, size_t stride, const NomosHyperelasticBars *job);
NOMOS_HYPERELASTIC_KERNELS(f32)
NOMOS_HYPERELASTIC_KERNELS(f64)

/* ---- dissipative ---- */

typedef struct {
  double           cohesion, tension; /* Y at q >= 0; the largest q */
  NomosCurve       friction;          /* Y = cohesion + its slope at -q */
  NomosCurvePieces pieces;
} NomosDissipative;

/* Of jvp; NULL: none. Of vjp; overwritten. */
typedef struct {
  double           cohesion, tension;
  NomosCurvePieces pieces;
} NomosDissipativeBar;

typedef struct {
  const void          *f, *y_bar, *kept;
  void                *f_bar;
  NomosDissipativeBar *bar; /* NULL: not asked for */
} NomosDissipativeBars;

#define NOMOS_DISSIPATIVE_KERNELS(suffix) \
  void NomosDissipativeApply_##suffix(const NomosDissipative *law, size_t n, size_t stride, const void *f, void *y, void *kept); \
  void NomosDissipativeJvp_##suffix(const NomosDissipative *law, size_t n, size_t stride, const void *f, const void *f_dot, const NomosDissipativeBar *dot, void *y_dot); \
  void NomosDissipativeVjp_##suffix(const NomosDissipative *law, size_t n, size_t stride, const NomosDissipativeBars *job);
NOMOS_DISSIPATIVE_KERNELS(f32)
NOMOS_DISSIPATIVE_KERNELS(f64)

#endif
