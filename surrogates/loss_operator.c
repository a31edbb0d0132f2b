#include "surrogates/loss_operator.h"

#include "operators/primitives.h"
#include "operators/tape_function.h"

static PetscErrorCode Loss(NomosTape tape, const NomosTensor in[], void *ctx, NomosTensor out[])
{
  const NomosBatchLoss *loss = ctx;
  NomosSurrogate        s    = loss->surrogate;
  NomosTensor          *w, value;
  PetscErrorCode        code;

  PetscFunctionBeginUser;
  out[0] = NomosTensorConstant(tape, NOMOS_F64, 0, NULL, 0);
  if (!loss->batch.n) PetscFunctionReturn(PETSC_SUCCESS);
  if (loss->unfused) (void)NomosTapeSetFusing(tape, false);
  PetscCall(PetscMalloc1(NomosParametersCount(s->parameters), &w));
  const bool recording = NomosTapeSetRecording(tape, true); /* it may take gradients of its own */
  NomosParametersView(s->parameters, tape, NomosCast(in[0], NomosParametersType(s->parameters)), w);
  code = s->ops->loss(s, &loss->batch, tape, w, &value);
  if (!code) out[0] = NomosAffine(NomosCast(value, NOMOS_F64), loss->share, 0);
  (void)NomosTapeSetRecording(tape, recording);
  PetscCall(PetscFree(w));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorFromLoss(const NomosBatchLoss *loss, NomosOperator *op)
{
  static NomosOperatorOps     first_order; /* of all operators of a tape, without what they cannot do */
  NomosSurrogate              s  = loss->surrogate;
  const NomosOperatorArgument in = {.name = "weights", .size = NomosParametersSize(s->parameters), .replicated = true}, out = {.name = "loss", .size = 1};

  PetscFunctionBeginUser;
  if (s->ops->loss_operator) PetscCall(s->ops->loss_operator(loss, op));
  else PetscCall(NomosOperatorFromTape(&(NomosTapeFunctionInput){.comm = s->comm, .name = "loss", .function = Loss, .ctx = (void *)loss, .n_in = 1, .n_out = 1, .in = &in, .out = &out}, op));
  if (s->ops->first_order) {
    first_order     = *(*op)->ops;
    first_order.jvp = NULL;
    first_order.hvp = NULL;
    (*op)->ops      = &first_order;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
