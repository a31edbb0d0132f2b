/* The loss of the field of an MLP Hamiltonian, fused: value, gradient and Hessian product in its weights, and the meta gradient through inner steps. float32 or float64.

     loss(theta) = mean over points and coordinates of l(J grad H(x; theta) - x_dot),     l(r) = r^2 or log cosh r

   H is the MLP of energies/mlp.c. theta is its flat vector, W_0, b_0, W_1, b_1, .., W_L, as NomosParameters holds it. What the tape does with a graph of some 900 nodes (surrogates/hamiltonian/field.h) is done here
   with every intermediate in the cache; the tape is the oracle of the tests. With P weights a gradient costs 6 times 2 n P operations, a Hessian product 12 times (18 with the gradient that it goes with).

   An object is used by one thread at a time; nothing here is collective. Same bits whatever the number of threads: parts of the points, and tasks, are summed in their order. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_FIELD_LOSS_H
#define NOMOS_SURROGATES_HAMILTONIAN_FIELD_LOSS_H

#include "operators/primitives.h"

typedef struct NomosHamiltonianLoss_s *NomosHamiltonianLoss;

typedef struct {
  NomosRealType     type;
  size_t            n_coordinates, n_hidden, width; /* 2d */
  NomosFunctionKind activation;                     /* tanh, softplus, mish */
  bool              log_cosh;                       /* else r^2 */
  size_t            n_threads;                      /* of all but NomosMetaLoss; 0: one */
} NomosHamiltonianLossInput;
/* Errors: an activation that it has not; an odd number of coordinates, or none of something. */
PetscErrorCode NomosHamiltonianLossCreate(const NomosHamiltonianLossInput *input, NomosHamiltonianLoss *loss);
PetscErrorCode NomosHamiltonianLossDestroy(NomosHamiltonianLoss *loss);
size_t         NomosHamiltonianLossSize(NomosHamiltonianLoss loss);   /* entries of theta */
bool           NomosHamiltonianLossHas(NomosFunctionKind activation); /* are there kernels for it? */

typedef struct {
  size_t      n;
  const void *x, *x_dot; /* (n, 2d) of the type */
} NomosFieldPoints;
/* *value, g = dloss/dtheta; each may be NULL. */
PetscErrorCode NomosHamiltonianLossGradient(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, double *value, void *g);
/* Hv = (d2 loss/dtheta2) v. */
PetscErrorCode NomosHamiltonianLossHessian(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, const void *v, void *Hv);
/* J grad H at n states. */
PetscErrorCode NomosHamiltonianLossField(NomosHamiltonianLoss loss, size_t n, const void *x, const void *theta, void *x_dot);
/* Of the sum over points of <x_dot, J grad H(x; theta)>, x_dot any vectors: its gradients by theta and by x (n, 2d). Each may be NULL. */
PetscErrorCode NomosHamiltonianLossPullBack(NomosHamiltonianLoss loss, const NomosFieldPoints *points, const void *theta, void *theta_bar, void *x_bar);

/* Model-agnostic meta-learning (Finn et al. 2017, doi:10.48550/arXiv.1703.03400): of every task
     theta_0 = theta,  theta_(j+1) = theta_j - rate dloss_support(theta_j),     loss_query(theta_steps)
   *value: mean of the last over the tasks; theta_bar (or NULL): its gradient by theta, first_order: as if the inner gradients were constants. */
typedef struct {
  size_t                  n_tasks;
  const NomosFieldPoints *support, *query; /* (n_tasks); a task without support points is not adapted to, one without query points counts 0 */
  double                  rate;
  int                     steps; /* 0: plain pre-training on the queries */
  bool                    first_order;
  bool                    last_layer; /* inner steps change that alone: ANIL, Raghu et al. 2019, doi:10.48550/arXiv.1909.09157 */
} NomosMetaLossInput;
/* loss: an object for every thread (n_threads; 1: the calling one), over which tasks are dealt, whatever its own number of threads. */
PetscErrorCode NomosMetaLoss(size_t n_threads, NomosHamiltonianLoss const loss[], const NomosMetaLossInput *input, const void *theta, double *value, void *theta_bar);

#endif
