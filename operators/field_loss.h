/* The misfit of a field of the model to values on its grid, as a term of a trajectory's cost:

     l_i(x) = 1/2 sum_j w_ij (y_ij - (H x)_j)^2      at the i-th of its steps; H: a field of the model (NomosModelField), j: points of this rank, w 0 where there is no value

   Linear in the state before it is squared: value, gradient, tangent and second derivative exist where the model has the field and its adjoint. */
#ifndef NOMOS_OPERATORS_FIELD_LOSS_H
#define NOMOS_OPERATORS_FIELD_LOSS_H

#include "operators/trajectory.h"

typedef struct NomosFieldLoss_s *NomosFieldLoss;

/* `field` of the model's list, at n steps (copied). All weights and values are 0. Errors: the model has no such field. Collective. */
PetscErrorCode NomosFieldLossCreate(NomosModel model, size_t field, size_t n, const int64_t steps[], NomosFieldLoss *loss);
PetscErrorCode NomosFieldLossDestroy(NomosFieldLoss *loss);
/* Weights and values of the i-th step, to be filled: (points) each, this rank's. */
PetscErrorCode NomosFieldLossArrays(NomosFieldLoss loss, size_t i, size_t *points, double **weights, double **values);
PetscErrorCode NomosFieldLossTerm(NomosFieldLoss loss, NomosLoss *term);

#endif
