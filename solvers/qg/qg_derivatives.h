/* The derivatives of the QG solver as a model: parameters (qg_parameters.c), and the table of derivatives (qg_derivatives.c). */
#ifndef NOMOS_SOLVERS_QG_DERIVATIVES_H
#define NOMOS_SOLVERS_QG_DERIVATIVES_H

#include "solvers/qg/qg_coefficients.h"
#include "solvers/qg/qg_model.h"

#include <string.h>

/* The parameters of a case, and the coefficients' derivatives at their present values and in the last direction. */
typedef struct NomosQGSensitivity_s {
  int                  n, n_equations;    /* parameters of the physics, and behind them the coefficients of the case's equations */
  NomosModelParameter *list;              /* (n + n_equations) */
  int                  index[NOMOS_QG_N_PHYSICAL], flags[NOMOS_QG_N_PHYSICAL]; /* in NomosQGPhysics */
  double               value[QG_N_COEFFICIENTS], dot[QG_N_COEFFICIENTS], *jacobian, *second, p_dot[NOMOS_QG_N_PHYSICAL];
  bool                 needed[QG_N_COEFFICIENTS], has_direction;
  NomosQGLinearisation linearisation;
} NomosQGSensitivity;

PetscErrorCode NomosQGSensitivityCreate(NomosModel model); /* once; later calls do nothing */
PetscErrorCode NomosQGSensitivityDestroy(NomosModel model);

/* The linearisation in the direction p_dot (NULL: none), good until the next call. */
PetscErrorCode NomosQGLinearise(NomosModel model, const double p_dot[], NomosQGLinearisation *linearisation);

/* See NomosModelDerivatives. */
PetscErrorCode NomosQGParameters(NomosModel model, size_t *n, const NomosModelParameter **list);
PetscErrorCode NomosQGSetParameters(NomosModel model, const double values[]);

extern const NomosModelDerivatives nomos_qg_derivatives;

#endif
