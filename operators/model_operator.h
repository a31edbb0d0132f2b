/* The step of a model as an operator, and what else a model's derivatives are asked for in double precision. */
#ifndef NOMOS_OPERATORS_MODEL_OPERATOR_H
#define NOMOS_OPERATORS_MODEL_OPERATOR_H

#include "operators/model.h"
#include "operators/operator.h"

/* The derivatives of a model, or the error that says what is missing: the model has none, this case cannot be differentiated, or (second) there is no second derivative. Collective. */
PetscErrorCode NomosModelGetDerivatives(NomosModel model, bool second, const NomosModelDerivatives **derivatives);

/* The differentiable parameters; none if the model has none. The list is the model's. */
PetscErrorCode NomosModelGetParameters(NomosModel model, size_t *n, const NomosModelParameter **list);
/* Are these numbers, each in the range of its parameter, so that an optimiser goes nowhere where a case could not? An error that names the first that is not. */
PetscErrorCode NomosModelCheckParameters(NomosModel model, const double values[]);
/* `qg.u[2]`; and the parameter of that name. Errors: the model has none of that name (with the nearest). */
void           NomosParameterName(const NomosModelParameter *parameter, char name[NOMOS_MAX_NAME]);
PetscErrorCode NomosModelFindParameter(NomosModel model, const char name[], size_t *index);

/* x_{n+1} = Phi(x_n, p, n) at step `step`: inputs "state" (distributed) and "parameters" (replicated; all of the model's), output "state". The boundary is double precision, the
   arithmetic the model's own. The model is borrowed, and its state, parameters and clock are those of the last call. Derivatives: those the model has. Collective. */
PetscErrorCode NomosOperatorFromModel(NomosModel model, int64_t step, NomosOperator *op);

/* A state of n reals between the model's precision and doubles. */
void NomosStateToDoubles(NomosRealType precision, size_t n, const void *state, double values[]);
void NomosStateFromDoubles(NomosRealType precision, size_t n, const double values[], void *state);

#endif
