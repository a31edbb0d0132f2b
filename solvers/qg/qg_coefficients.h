/* The coefficients theta that the QG solver's step is made of, as functions of its parameters p (qg_parameters.c), and what the core is told about both when it
   differentiates a step (qg_derivative.h). */
#ifndef NOMOS_SOLVERS_QG_COEFFICIENTS_H
#define NOMOS_SOLVERS_QG_COEFFICIENTS_H

#include "solvers/qg/qg.h"

/* What stands before a term. The relative ones are 1 at the present value of the parameters: the factor they scale is in an array already. */
typedef enum {
  QG_UNITY,                       /* 1 */
  QG_ADVECTION,                   /* c */
  QG_ADVECTION_TOPOGRAPHY,        /* c times the relative height of the topography */
  QG_DRAG,
  QG_HYPERVISCOSITY,              /* relative */
  QG_HYPERVISCOSITY_PLANETARY,    /* relative hyperviscosity times beta */
  QG_RELAXATION,                  /* F_1 rate, F_2 rate */
  QG_RELAXATION_JET = QG_RELAXATION + 2,
  QG_TOPOGRAPHY_U   = QG_RELAXATION_JET + 2, /* relative height times U_N, V_N */
  QG_TOPOGRAPHY_V,
  QG_BUOYANCY,                    /* surface QG: N, N H/f */
  QG_SURFACE_DEPTH,
  QG_FORCING,                     /* energy rate of the stochastic ring */
  QG_U,                           /* by layer from here on */
  QG_V                 = QG_U + NOMOS_QG_MAX_LAYERS,
  QG_QY                = QG_V + NOMOS_QG_MAX_LAYERS,
  QG_QX                = QG_QY + NOMOS_QG_MAX_LAYERS,
  QG_ADVECTION_BELOW   = QG_QX + NOMOS_QG_MAX_LAYERS,             /* c S_i,i+1 */
  QG_ADVECTION_ABOVE   = QG_ADVECTION_BELOW + NOMOS_QG_MAX_LAYERS, /* c S_i,i-1 */
  QG_FRACTION          = QG_ADVECTION_ABOVE + NOMOS_QG_MAX_LAYERS, /* H_i / H */
  QG_STRETCHING        = QG_FRACTION + NOMOS_QG_MAX_LAYERS,        /* S_i,i-1, S_ii, S_i,i+1 */
  QG_N_COEFFICIENTS    = QG_STRETCHING + 3 * NOMOS_QG_MAX_LAYERS
} NomosQGCoefficient;

static inline int QGStretchingIndex(int i, int j)
{
  return QG_STRETCHING + 3 * i + (j - i + 1);
}

/* theta(p) and its derivatives by the parameters that a case has, the second ones in one direction p_dot only. */
typedef struct {
  int           n_parameters;
  const double *value, *dot;        /* (QG_N_COEFFICIENTS); dot = d theta/dp p_dot, NULL: no direction */
  const double *jacobian, *second;  /* (n_parameters, QG_N_COEFFICIENTS): d theta/dp_i; d2 theta/dp_i dp p_dot, NULL without a direction */
  const double *p_dot;              /* (n_parameters) */
  const bool   *needed;             /* (QG_N_COEFFICIENTS): does any parameter change it? */
  int           n_equations;        /* coefficients of the case's equations, which stand behind the parameters in p_dot and p_bar: each multiplies a term, and nothing else */
  const double *c_dot;              /* (n_equations), NULL: no direction */
  int64_t       version, direction; /* change with p and with p_dot: what the core has worked out for them is kept until then */
} NomosQGLinearisation;

/* A step to be differentiated; vectors are states as the core packs them (q, then the carried history), in working precision. */
typedef struct {
  int64_t                     step;
  double                      dt;
  const NomosQGLinearisation *parameters;
  const void                 *state, *x_dot; /* x_dot NULL: first derivatives only */
  void                       *x_bar, *x_bar_dot;
  double                     *p_bar, *p_bar_dot; /* (n_parameters + n_equations) this rank's part is added; NULL: not asked for */
} NomosQGDifferential;

#endif
