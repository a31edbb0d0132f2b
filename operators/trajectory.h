/* A trajectory: a model run over n steps, a cost, and the derivatives of the cost, under a checkpoint schedule.

     x_{k+1} = Phi(x_k, p, k),    J(x_0, p) = sum over terms and their steps k of l_k(x_k)

     gradient    lambda_n = dl_n/dx,   lambda_k = (dPhi/dx)^T lambda_{k+1} + dl_k/dx,   dJ/dx_0 = lambda_0,   dJ/dp = sum_k (dPhi/dp)^T lambda_{k+1}
     tangent     dJ in a direction (x_0_dot, p_dot)
     Hessian     the derivative of the gradient in a direction: second-order adjoint (Wang, Navon, Le Dimet & Zou 1992, doi:10.1007/BF01029610); snapshots then hold state and tangent

   The gradient has the same bits under every schedule and for any number of threads. States are vectors in the model's precision (operators/model.h). */
#ifndef NOMOS_OPERATORS_TRAJECTORY_H
#define NOMOS_OPERATORS_TRAJECTORY_H

#include "operators/model.h"
#include "operators/operator.h"
#include "operators/schedule.h"

typedef struct NomosTrajectory_s *NomosTrajectory;

/* A term of the cost, at the steps listed (ascending, 0 to n_steps). `i` counts them. Everything is *added*; values are the same on every rank. Collective.
   NULL: not there, an error for whoever needs it. */
typedef struct {
  const char    *name;
  size_t         n;
  const int64_t *steps;
  void          *ctx;
  PetscErrorCode (*value)(void *ctx, size_t i, const void *state, double *value);
  PetscErrorCode (*gradient)(void *ctx, size_t i, const void *state, void *x_bar);
  PetscErrorCode (*tangent)(void *ctx, size_t i, const void *state, const void *x_dot, double *value_dot);
  PetscErrorCode (*hessian)(void *ctx, size_t i, const void *state, const void *x_dot, void *x_bar_dot); /* l'' x_dot */
} NomosLoss;

/* The model, the terms (copied) and `directory` are borrowed. */
typedef struct {
  NomosModel         model;
  int64_t            first_step; /* of the model's clock: x_0 is the state before it */
  NomosScheduleInput schedule;   /* with n_steps */
  size_t             n_losses;
  const NomosLoss   *losses;
  const char        *directory;  /* of snapshots on disk; NULL: $TMPDIR or /tmp */
  bool               second;     /* Hessian products will be asked for: snapshots of twice the size */
} NomosTrajectoryInput;

/* Predicts the cost (schedule, memory) and asks for the memory before allocating. Errors: a model without derivatives, too little memory or room on the disk; then *trajectory is NULL. Collective. */
PetscErrorCode NomosTrajectoryCreate(const NomosTrajectoryInput *input, NomosTrajectory *trajectory);
PetscErrorCode NomosTrajectoryDestroy(NomosTrajectory *trajectory);

/* What a gradient will take, before it starts: "1000 steps, binomial: 4.64 forward runs, at most 10 snapshots of 1.05 MB in RAM, 14.7 MB a rank in all". */
PetscErrorCode NomosTrajectoryDescribe(NomosTrajectory trajectory, char *text, size_t n_text);
PetscErrorCode NomosTrajectoryCost(NomosTrajectory trajectory, NomosScheduleCost *cost, double *bytes); /* per rank */

/* At x_0 and the model's present parameters. Value: J and, if `last` is not NULL, the state of step n. Gradient: x_bar and p_bar (one for each parameter; NULL: not asked for) are overwritten.
   Tangent, Hessian: x_dot or p_dot NULL is zero. Errors: a state or gradient that is not finite, with its step; a step that changes dt. Collective; the model's state is overwritten. */
PetscErrorCode NomosTrajectoryValue(NomosTrajectory trajectory, const void *x_0, double *J, void *last);
PetscErrorCode NomosTrajectoryGradient(NomosTrajectory trajectory, const void *x_0, double *J, void *x_bar, double p_bar[]);
PetscErrorCode NomosTrajectoryTangent(NomosTrajectory trajectory, const void *x_0, const void *x_dot, const double p_dot[], double *J, double *J_dot);
PetscErrorCode NomosTrajectoryHessian(NomosTrajectory trajectory, const void *x_0, const void *x_dot, const double p_dot[], double *J, void *x_bar, double p_bar[], void *x_bar_dot, double p_bar_dot[]);

/* Norms of lambda_k, k = 0 .. n, of the last gradient: how they grow says how far back a gradient means something. Borrowed. */
PetscErrorCode NomosTrajectoryNorms(NomosTrajectory trajectory, const double **norms);

/* J as an operator: inputs "state" and "parameters" (if there are any), output "cost" (replicated), with apply, jvp, vjp and hvp as far as model and terms have them. The trajectory is borrowed. */
PetscErrorCode NomosOperatorFromTrajectory(NomosTrajectory trajectory, NomosOperator *op);

#endif
