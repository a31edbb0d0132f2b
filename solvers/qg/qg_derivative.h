/* Derivatives of the QG solver's step as it is computed, for *_real.c files (operators/real.h).

   A tendency is made of four kinds of things, and each is differentiated once, whatever the terms, layers and schemes:

     psi = M^-1 q                      M = S - K^2, or N K tanh(K N H/f);    d psi = M^-1 (dq - dM psi)
     fields = symbol(k, l) psi or q    u, v and, in flux form, q
     products of fields                at the grid points
     t += theta symbol(k, l) source    the table of lines (qg_lines_real.c); a source is q, psi, a product or a constant

   Adjoints are with respect to the plain sum over stored numbers; the transforms' are in operators/fft.h.

   Parts: quantities are carried to first order in a direction, x = x[0] + eps x[1], with products x y = x[0] y[0] + eps (x[0] y[1] + x[1] y[0]). The adjoint code in one
   part is the vjp; in two it is the derivative of the vjp, the hvp. */
#ifndef NOMOS_SOLVERS_QG_DERIVATIVE_H
#define NOMOS_SOLVERS_QG_DERIVATIVE_H

#include "solvers/qg/qg_coefficients.h"
#include "solvers/qg/qg_core.h"

typedef enum { QG_FROM_Q, QG_FROM_PSI, QG_FROM_PRODUCT, QG_FROM_CONSTANT, QG_N_SOURCES } QGSource;
typedef enum { QG_ONE, QG_IK, QG_IL, QG_K2, QG_DAMPING, QG_KK_LL, QG_KL, QG_N_SYMBOLS } QGSymbol; /* 1, ik, il, k^2 + l^2, nu D, k^2 - l^2, k l */
enum { QG_TOPOGRAPHIC, QG_JET, QG_PLANETARY, QG_FORCE /* by layer */ };                           /* constants */

/* In the terms of a point: the scheme treats hyperviscosity itself, all but what acts on the planetary vorticity. */
enum { QG_IMPLICIT_HYPERVISCOSITY = NOMOS_QG_INHOMOGENEOUS << 1 };

/* t_target += theta[coefficient] factor symbol source_from */
typedef struct {
  int      term; /* NomosQGTerm */
  int      target;
  QGSource source;
  int      from;
  QGSymbol symbol;
  int      coefficient;
  double   factor;
} QGLine;

/* Rows of modes by part, source and number; NULL: zero. */
typedef struct {
  Complex *of[2][QG_N_SOURCES][NOMOS_QG_MAX_FIELDS];
} NAME(QGRows);

typedef struct { /* of one thread */
  Complex     *work; /* [field or product of both parts][8][ny] */
  Real        *grid; /* [row array][2][nx] */
  Complex     *rows; /* packed rows */
  Real        *symbols; /* [symbol][2 n_l] */
  NAME(QGRows) from, to;
} NAME(QGDerivativeThread);

enum { QG_N_VECTORS = 14 };

/* Made at the first derivative that is asked for. */
struct NAME(QGDerivative_s) {
  int       parts; /* allocated for */
  int       n_lines, n_products, n_quadratic; /* the first n_quadratic products are scaled by c alone */
  unsigned  symbols[2];                       /* sets of 1 << QGSymbol: in lines from products, in all others */
  QGLine   *lines;
  QGProduct products[NOMOS_QG_MAX_FIELDS];
  Complex  *constants[QG_FORCE + NOMOS_QG_MAX_LAYERS], *planetary;
  Complex  *fields[2][NOMOS_QG_MAX_FIELDS], *columns[2][NOMOS_QG_MAX_FIELDS]; /* mixed arrays of fields and of products */
  Complex  *vectors[QG_N_VECTORS][2];                                        /* like q, for the schemes */
  double   *block_sums, *grid_sums;                                          /* [block][part][coefficient], [block][part] */
  NAME(QGDerivativeThread) *threads;

  int64_t  etd_version, etd_direction; /* qg_exponentials_real.c */
  double   etd_dt;
  int      n_etd;                                  /* parameters */
  Complex *(*etd[2])[NOMOS_QG_ETD_MATRICES];       /* [part][parameter][matrix], like core->etd, NULL where there is no dependence: derivatives by the parameter, and theirs along the direction */
  Complex *etd_dot[NOMOS_QG_ETD_MATRICES];         /* core->etd along the direction */
  Complex *etd_bar[2][NOMOS_QG_ETD_MATRICES];
  double  *etd_sums;                               /* [row][part][parameter] */

  int64_t amplitude_version, amplitude_direction; /* qg_forcing_real.c */
  double *amplitude[2];                           /* d a/dp_i, and its derivative in the direction */
};

/* A tendency to be differentiated at q. */
typedef struct {
  int                         terms, parts;
  const NomosQGLinearisation *parameters;
  const Complex              *q[2];
} NAME(QGPoint);

/* Allocated for one part (vjp) or two (jvp, hvp). Not collective. */
PetscErrorCode NAME(QGDerivativeCreate)(NAME(QGCore) *core, int parts);
PetscErrorCode NAME(QGDerivativeDestroy)(NAME(QGCore) *core);

/* t[part], all of them written. Collective. */
PetscErrorCode NAME(QGTendencyTangent)(NAME(QGCore) *core, const NAME(QGPoint) *at, Complex *const t[2]);
/* q_bar[part] := (or +=, if add) (dT/dq)^T t_bar[part], and sums[part] (QG_N_COEFFICIENTS, may be NULL) += (dT/dtheta)^T t_bar[part], this rank's part. Collective. */
PetscErrorCode NAME(QGTendencyAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const Complex *const t_bar[2], bool add, Complex *const q_bar[2], double *const sums[2]);

/* The step: see NomosModelDerivatives. x_dot is overwritten by `tangent`. Collective. */
PetscErrorCode NAME(QGStepTangent)(NAME(QGCore) *core, const NomosQGDifferential *what, Complex *x_dot);
PetscErrorCode NAME(QGStepAdjoint)(NAME(QGCore) *core, const NomosQGDifferential *what);

/* States as vectors, and fields read off them or turned into them: see NomosQGStateOps. `core` is a QGCore. */
size_t NAME(QGStateSize)(void *core);
void   NAME(QGGetState)(void *core, void *state);
void   NAME(QGSetState)(void *core, const void *state);
PetscErrorCode NAME(QGStateField)(void *core, NomosQGField field, const void *state, double values[]);
PetscErrorCode NAME(QGStateFieldAdjoint)(void *core, NomosQGField field, const double values_bar[], void *x_bar);
PetscErrorCode NAME(QGStateFromField)(void *core, NomosQGField field, const double values[], void *state);
PetscErrorCode NAME(QGStateFromFieldAdjoint)(void *core, NomosQGField field, const void *x_bar, double values_bar[]);

/* Derivatives of ETDRK4's matrices for core->dt, kept until parameters, direction or dt change. Collective. */
PetscErrorCode NAME(QGExponentialDerivatives)(NAME(QGCore) *core, const NomosQGLinearisation *parameters);
PetscErrorCode NAME(QGExponentialDerivativesDestroy)(NAME(QGCore) *core);

/* The table of lines, used in three ways on one row of modes; `sources` is a set of 1 << QGSource. theta[part] (NULL: zero). */
typedef struct {
  int           terms, parts, sources;
  const double *theta[2];
  const Real   *symbols; /* of the row, and its kx */
  Real          k;
} NAME(QGLineUse);
PetscErrorCode NAME(QGLinesCreate)(NAME(QGCore) *core);
/* The symbols of a row that the set asks for, each twice; kx is left to `k`. */
void NAME(QGSymbols)(const NAME(QGCore) *core, size_t row, unsigned set, Real *symbols);
void NAME(QGLinesApply)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, const NAME(QGRows) *from, Complex *const t[2][NOMOS_QG_MAX_LAYERS]);
void NAME(QGLinesTranspose)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, Complex *const t_bar[2][NOMOS_QG_MAX_LAYERS], const NAME(QGRows) *to);
void NAME(QGLinesSums)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, const bool needed[], const NAME(QGRows) *from, Complex *const t_bar[2][NOMOS_QG_MAX_LAYERS], double *const sums[2]);
/* The transpose for lines from products, into columns[part][product] of ny, times `weight`; a column's zeros included. */
void NAME(QGLinesToColumns)(const NAME(QGCore) *core, const NAME(QGLineUse) *use, Real weight, Complex *const t_bar[2][NOMOS_QG_MAX_LAYERS], Complex *const columns[2][NOMOS_QG_MAX_FIELDS]);
/* Constants of a row, or NULL where there are none. */
void NAME(QGConstantRows)(const NAME(QGCore) *core, size_t row, NAME(QGRows) *rows);

/* The inversion of a row in parts, its transpose, and what the latter leaves for the entries of M; `scratch` (n_layers + 4) rows. The transpose is y = M^-T psi_bar; psi_bar is overwritten. */
void NAME(QGInvertParts)(const NAME(QGCore) *core, const double *const theta[2], int parts, size_t offset, Complex *const q[2][NOMOS_QG_MAX_LAYERS], Complex *const psi[2][NOMOS_QG_MAX_LAYERS], Complex *scratch);
void NAME(QGInvertTranspose)(const NAME(QGCore) *core, const double *const theta[2], int parts, size_t offset, Complex *const psi_bar[2][NOMOS_QG_MAX_LAYERS], Complex *const y[2][NOMOS_QG_MAX_LAYERS], Complex *scratch);
void NAME(QGInvertSums)(const NAME(QGCore) *core, const double *const theta[2], int parts, size_t offset, Complex *const y[2][NOMOS_QG_MAX_LAYERS], Complex *const psi[2][NOMOS_QG_MAX_LAYERS], Complex *scratch, double *const sums[2]);

/* to += from; <a, b>; to += c symbol from, or i times that; <a, symbol from>, the same way. n complex numbers. */
static inline void NAME(QGPlusRow)(size_t n, const Complex *from_row, Complex *to_row)
{
  const Real *restrict from = (const Real *)from_row;
  Real *restrict to = (Real *)to_row;

  for (size_t j = 0; j < 2 * n; j++) to[j] += from[j];
}
static inline double NAME(QGDotPlain)(size_t n, const Complex *a_row, const Complex *b_row)
{
  const Real *restrict a = (const Real *)a_row, *restrict b = (const Real *)b_row;
  double sum = 0;

#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < 2 * n; j++) sum += (double)a[j] * (double)b[j];
  return sum;
}
static inline void NAME(QGAddRow)(size_t n, Real c, const Real *restrict symbol, bool turned, const Complex *from_row, Complex *to_row)
{
  const Real *restrict from = (const Real *)from_row;
  Real *restrict to = (Real *)to_row;

  if (!turned)
    for (size_t j = 0; j < 2 * n; j++) to[j] += c * symbol[j] * from[j];
  else
    for (size_t j = 0; j < 2 * n; j += 2) {
      to[j] -= c * symbol[j] * from[j + 1];
      to[j + 1] += c * symbol[j] * from[j];
    }
}
static inline double NAME(QGDotRow)(size_t n, const Complex *a_row, const Real *restrict symbol, bool turned, const Complex *from_row)
{
  const Real *restrict a = (const Real *)a_row, *restrict from = (const Real *)from_row;
  double sum = 0;

  if (!turned) {
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < 2 * n; j++) sum += (double)a[j] * (double)(symbol[j] * from[j]);
  } else {
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < n; j++) sum += (double)symbol[2 * j] * ((double)a[2 * j + 1] * (double)from[2 * j] - (double)a[2 * j] * (double)from[2 * j + 1]);
  }
  return sum;
}

#endif
