/* The loss of a mini-batch as an operator of the weights: what asks for operators (nomos gradcheck) sees of a training no more than this.

     weights (replicated, the trained vector of NomosParametersValues in float64)  ->  loss (one entry a rank: share * loss of this rank's examples; their sum is the loss)

   By the surrogate's own `loss_operator`, or else made of its `loss` on a tape, with all derivatives; buffers are constants. Weights of float32 parameters are rounded to these. */
#ifndef NOMOS_SURROGATES_LOSS_OPERATOR_H
#define NOMOS_SURROGATES_LOSS_OPERATOR_H

#include "surrogates/surrogate.h"

/* `loss` and its examples must outlive the operator. The weights that the surrogate has do not matter, and stay. Errors of the operator: those of the loss. Collective over the surrogate's communicator. */
PetscErrorCode NomosOperatorFromLoss(const NomosBatchLoss *loss, NomosOperator *op);

#endif
