/* Full-batch training by PETSc's TAO: LMVM, a limited-memory quasi-Newton method with More & Thuente's line search. All ranks run the same iterations on the same numbers. */
#include "surrogates/training_impl.h"

#include <math.h>
#include <petsctao.h>
#include <stdio.h>

static PetscErrorCode ToWeights(NomosTraining t, Vec x)
{
  const double *from;
  void         *to;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(t->parameters, &to));
  PetscCall(VecGetArrayRead(x, &from));
  for (size_t i = 0; i < t->n_weights; i++) {
    if (t->type == NOMOS_F32) ((float *)to)[i] = (float)from[i];
    else ((double *)to)[i] = from[i];
  }
  PetscCall(VecRestoreArrayRead(x, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToVec(NomosTraining t, const void *from, Vec x)
{
  double *to;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayWrite(x, &to));
  for (size_t i = 0; i < t->n_weights; i++) to[i] = t->type == NOMOS_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
  PetscCall(VecRestoreArrayWrite(x, &to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Objective(Tao tao, Vec x, PetscReal *loss, Vec gradient, void *ctx)
{
  NomosTraining t     = ctx;
  const double  begin = MPI_Wtime();

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(ToWeights(t, x));
  PetscCall(NomosTrainingEvaluate(t, &(NomosTrainingBatch){.split = NOMOS_SPLIT_TRAIN, .n = t->n_examples, .piece = t->batch, .examples = t->order}, loss, t->gradient));
  PetscCall(ToVec(t, t->gradient, gradient));
  if (!t->begun) PetscCall(NomosTrainingCheckFinite(t, *loss, 0)); /* later ones are the line search's: it goes back from there */
  t->begun = true;
  t->status.seconds += MPI_Wtime() - begin;
  t->status.examples += (double)t->n_examples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called by TAO at the start and after every iteration, which is an epoch here. */
static PetscErrorCode AfterIteration(Tao tao, void *ctx)
{
  NomosTraining        t      = ctx;
  NomosTrainingStatus *status = &t->status;
  TaoConvergedReason   reason;
  PetscInt             iteration;
  Vec                  x;
  bool                 stop = false;

  PetscFunctionBeginUser;
  PetscCall(TaoGetSolutionStatus(tao, &iteration, &status->loss, &status->gradient_norm, NULL, NULL, &reason));
  if (reason < 0) PetscFunctionReturn(PETSC_SUCCESS); /* a line search without success: TAO is back where it was */
  PetscCall(NomosTrainingCheckFinite(t, status->loss, status->gradient_norm));
  if (isnan(t->first_norm)) {
    t->first_norm      = status->gradient_norm;
    status->start_loss = status->loss;
  }
  const bool converged = status->gradient_norm <= t->tolerance * t->first_norm;
  if (iteration) {
    PetscCall(TaoGetSolution(tao, &x));
    PetscCall(ToWeights(t, x)); /* the line search may have looked beyond */
    status->step++;
    status->epoch++;
    PetscCall(NomosTrainingEndEpoch(t, status->loss));
    PetscCall(t->hooks->step(t, t->hooks->ctx, &stop));
    t->stopped = stop;
  }
  if (converged) snprintf(t->ended, sizeof t->ended, "the gradient has fallen by train.tolerance");
  PetscCall(TaoSetConvergedReason(tao, t->ended[0] || stop ? TAO_CONVERGED_USER : iteration >= t->lmvm_restart ? TAO_DIVERGED_MAXITS : TAO_CONTINUE_ITERATING));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `lmvm_restart` iterations. */
static PetscErrorCode Segment(NomosTraining t, Vec x)
{
  const int64_t step = t->status.step;
  const void   *values;
  Tao           tao;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersValues(t->parameters, &values));
  PetscCall(ToVec(t, values, x));
  PetscCall(TaoCreate(PETSC_COMM_SELF, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, Objective, t));
  PetscCall(TaoSetConvergenceTest(tao, AfterIteration, t));
  PetscCall(TaoSetSolution(tao, x));
  t->begun            = false;
  PetscErrorCode code = TaoSolve(tao);
  PetscCall(TaoDestroy(&tao)); /* also after a loss that is no number */
  PetscCall(code);
  PetscCall(ToWeights(t, x));
  if (!t->ended[0] && !t->stopped && t->status.step == step) snprintf(t->ended, sizeof t->ended, "the line search finds nothing better");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingRunLmvm(NomosTraining t)
{
  PetscErrorCode code = PETSC_SUCCESS;
  Vec            x;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < t->n_examples; i++) t->order[i] = i;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, (PetscInt)t->n_weights, &x));
  while (!code && !t->ended[0] && !t->stopped) {
    code = Segment(t, x);
    if (!code && !t->stopped) code = t->hooks->checkpoint(t, t->hooks->ctx); /* a segment that was stopped begins again */
  }
  PetscCall(VecDestroy(&x));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
