/* A function written in primitives, as an operator: what asks for operators (a trajectory, a check, a solver that calls a network) takes it with all derivatives.

     y = f(x) on a tape of its own, in float64;   jvp = d/du <f'(x)^T u, x_dot>,   hvp = d/dx (<f'(x)^T y_bar, x_dot> + <f(x), y_bar_dot>) */
#ifndef NOMOS_OPERATORS_TAPE_FUNCTION_H
#define NOMOS_OPERATORS_TAPE_FUNCTION_H

#include "operators/tape.h"

/* out[j] (n_out) from in[i] (n_in), vectors of the sizes of the arguments (results of any shape with as many entries). Errors are kept by the tape, or returned. */
typedef PetscErrorCode (*NomosTapeFunctionFn)(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[]);

/* `ctx` must live as long as the operator. Local to each rank: with several, `f` works on this rank's part alone. Collective over comm. */
typedef struct {
  MPI_Comm                     comm;
  const char                  *name;
  NomosTapeFunctionFn          function;
  void                        *ctx;
  size_t                       n_in, n_out;
  const NomosOperatorArgument *in, *out;
} NomosTapeFunctionInput;
PetscErrorCode NomosOperatorFromTape(const NomosTapeFunctionInput *input, NomosOperator *op);

/* y = tanh(A x) + b^2: for the tests of all operators. */
PetscErrorCode NomosTapeFunctionExample(MPI_Comm comm, NomosOperator *op);

#endif
