/* What the derivatives of the time schemes share, for *_real.c files. */
#ifndef NOMOS_SOLVERS_QG_STEP_DERIVATIVE_H
#define NOMOS_SOLVERS_QG_STEP_DERIVATIVE_H

#include "solvers/qg/qg_derivative.h"

#include <omp.h>
#include <string.h>

/* The first n work vectors, allocated once. */
PetscErrorCode NAME(QGWork)(NAME(QGCore) *core, int parts, int n, Complex *vectors[][2]);

/* On all modes of all layers, part by part: to = a x + b y (to may be one of them), a copy, the spectral filter. */
void NAME(QGCombine)(const NAME(QGCore) *core, int parts, double a, const Complex *const x[], double b, const Complex *const y[], Complex *const to[]);
void NAME(QGCopy)(const NAME(QGCore) *core, int parts, const Complex *const from[], Complex *const to[]);
void NAME(QGFilterParts)(const NAME(QGCore) *core, int parts, Complex *const x[]);

/* Of vectors in the layout of a state: h = -1 is q, else history h. */
void NAME(QGEntry)(const NAME(QGCore) *core, const void *value, const void *dot, int h, const Complex *entry[2]);
void NAME(QGBarEntry)(const NAME(QGCore) *core, const NomosQGDifferential *what, int h, Complex *entry[2]);

/* ETDRK4, qg_exponential_derivative_real.c. */
PetscErrorCode NAME(QGExponentialTangent)(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what, Complex *x_dot);
PetscErrorCode NAME(QGExponentialAdjoint)(NAME(QGCore) *core, const NAME(QGPoint) *at, const NomosQGDifferential *what, double *const sums[2]);

/* The stochastic ring's amplitude, a function of its rate and of the inversion: x_dot += sqrt(dt) da xi; p_bar += sqrt(dt) <x_bar, xi> da/dp. Collective. */
PetscErrorCode NAME(QGForceTangent)(NAME(QGCore) *core, const NomosQGLinearisation *parameters, Complex *x_dot);
PetscErrorCode NAME(QGForceAdjoint)(NAME(QGCore) *core, const NomosQGDifferential *what);

#endif
