/* Variational assimilation: the initial states, model errors and parameters of a model that fit what was seen over windows of time.

     J = 1/2 sum_w |x_0 - x_b|^2_{B^-1} + 1/2 sum_wj |eta_j|^2_{Q^-1} + 1/2 |(p - p_b)/s|^2 + 1/2 sum_wt |(y_t - H_t x_t)/sigma_t|^2,     x_{k+1} = Phi(x_k, p) (+ eta_j every so many steps)

   Windows w have states and model errors of their own and share the parameters p. Without eta it is strong-constraint 4D-Var, with it weak-constraint (Tremolet 2006, doi:10.1256/qj.05.224); with steps 0 it
   is 3D-Var; with parameters alone, or with few of everything, nonlinear least squares on trajectories. States are x_0 = x(field): without history, as a model's from_field makes them;
   or, where a window has a state X_b, X_b + x(B^(1/2) v): what the control field does not make, other variables and the history of a multistep scheme, is that of X_b.

   Control vector: x_0 = x(x_b + B^(1/2) v) or X_b + x(B^(1/2) v), eta = x(Q^(1/2) e), p = p_first + scale z, so that the prior of v and e is |.|^2. Gauss-Newton: each iteration minimises the cost that is linearised about
   the trajectory (Courtier, Thepaut & Hollingsworth 1994, doi:10.1002/qj.49712051912) by conjugate gradients whose products are one tangent and one adjoint run and whose directions precondition the next
   iteration; the block of the parameters (of everything, where little is unknown), whose columns are tangent runs, preconditions them exactly. Step lengths by line search (TAO). Or by LMVM, from gradients alone.

   Derivatives are exact (a model's jvp and vjp). The states of all windows are kept in memory. In parallel as the model. Same bits for any number of threads. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_VARIATIONAL_H
#define NOMOS_SOLVERS_ASSIMILATION_VARIATIONAL_H

#include "operators/model.h"
#include "operators/operator.h"
#include "solvers/assimilation/observations.h"

#include <petscvec.h>

typedef struct NomosVariational_s *NomosVariational;

/* What was seen of a field of the model: observations, or values on its grid, NaN where nothing was seen. Each is taken at the step that is nearest to its time. */
typedef struct {
  NomosObservations observations; /* borrowed; NULL: what follows */
  const char       *field;
  size_t            n_times;
  const double     *times;     /* (n_times) ascending */
  const double     *values;    /* (n_times, points of this rank); copied */
  const double     *deviation; /* (points of this rank) */
} NomosSeen;

typedef struct {
  double           time;       /* of x_0, in the time of what was seen */
  int64_t          first_step; /* of the model's clock, at x_0 */
  int64_t          n_steps;
  const double    *background; /* (points of this rank) x_b of the control field; copied */
  const void      *state;      /* X_b, in the model's precision; copied. NULL: x(x_b); else background is not read */
  size_t           n_seen;
  const NomosSeen *seen;
} NomosWindow;

/* A covariance of the control field, by its square root (control -> field, as of operators/correlation.h); without one, independent values of one standard deviation. */
typedef struct {
  NomosOperator root;      /* borrowed */
  double        deviation; /* where root is NULL */
  NomosOperator shrink;    /* borrowed; about the inverse square root of the cost's Hessian in the control variables, symmetric: makes the minimisation shorter, not different. NULL: none */
} NomosCovariance;

typedef struct {
  NomosModel         model;
  const char        *control; /* the field that makes states: the whole of one; NULL: the model's first */
  size_t             n_windows;
  const NomosWindow *windows;
  bool               state; /* x_0 is unknown; else it is x_b */
  NomosCovariance    background;
  int64_t            error_every; /* eta after each so many steps; 0: none */
  NomosCovariance    error;
  size_t             n_unknown; /* parameters */
  const char *const *unknown;   /* their keys, "qg.beta", "equations.q1.coefficients[3]" */
  const double      *first;     /* (n_unknown) p_first; NULL: the model's */
  const double      *prior;     /* p_b; NULL: p_first */
  const double      *deviation; /* s; an entry that is 0, or NULL: no prior */
  const double      *scale;     /* of p in the control vector; NULL: s, or 1 */
} NomosVariationalInput;

/* Errors: a model without derivatives (or, for Gauss-Newton, without jvp), a control that is not the whole state, nothing unknown, a parameter that does not exist, a window in which nothing is seen, a value that is not finite, a deviation that is
   not positive, too little memory. Collective. */
PetscErrorCode NomosVariationalCreate(const NomosVariationalInput *input, NomosVariational *variational);
PetscErrorCode NomosVariationalDestroy(NomosVariational *variational);

typedef enum { NOMOS_GAUSS_NEWTON,
               NOMOS_QUASI_NEWTON } NomosMinimiser;

/* Of an accepted iterate. */
typedef struct {
  int64_t       iteration, stage;
  double        J, J_seen;  /* the cost; of what was seen alone */
  double        gradient;   /* norm, in control variables */
  const double *parameters; /* (n_unknown) */
} NomosIterate;

typedef struct {
  NomosMinimiser minimiser;
  int64_t        iterations;                                         /* at most, in a stage */
  int64_t        inner_iterations;                                   /* of conjugate gradients, at most, in an iteration */
  double         inner_reduction;                                    /* of their residual */
  double         reduction;                                          /* of the gradient's norm from that of the first iterate */
  int64_t        stages;                                             /* the window grows in so many to its full length (doi:10.3402/tellusa.v48i1.11634); the first of several has no length: 3D-Var of what is seen then */
  PetscErrorCode (*monitor)(void *ctx, const NomosIterate *iterate); /* NULL: none */
  void *ctx;
} NomosMinimiseInput;
extern const NomosMinimiseInput nomos_minimise_defaults;

typedef struct {
  int64_t     iterations, products, evaluations; /* Hessian products; costs with gradients */
  double      J_first, J, J_seen, gradient_first, gradient;
  int64_t     n_seen;
  const char *reason;
} NomosMinimised;
/* From the present control vector (zero at first) to the minimum. The model's parameters and the trajectories are then those of the minimum. Errors: a cost that is not finite at the start. Collective. */
PetscErrorCode NomosVariationalMinimise(NomosVariational variational, const NomosMinimiseInput *input, NomosMinimised *minimised);

/* At the present control vector, after Minimise or Evaluate: parameters (n_unknown); the state before step k of a window, 0 <= k <= n_steps, in the model's precision, borrowed; the j-th model error, of n, as the
   control field (points). */
PetscErrorCode NomosVariationalParameters(NomosVariational variational, double parameters[]);
PetscErrorCode NomosVariationalState(NomosVariational variational, size_t window, int64_t k, const void **state);
PetscErrorCode NomosVariationalErrors(NomosVariational variational, size_t window, size_t *n);
PetscErrorCode NomosVariationalError(NomosVariational variational, size_t window, size_t j, double field[]);

/* What the data say of the parameters once states and model errors are free to follow them: the Gauss-Newton Hessian of what was seen and of the priors of states and errors, without p's own prior, with states
   and errors eliminated (Schur complement, by conjugate directions),

     J(p) ~ J_min + 1/2 (p - p^)^T G (p - p^) + 1/2 |(p - p_b)/s|^2          covariance = (G + s^-2)^-1

   With b = G (p^ - p_0) and s = 2 J + (p^ - p_0)^T G (p^ - p_0) it is a regression of n_seen rows for p - p_0 in normal form. `reduction`: the part of a variance by
   which directions that are left out may make it too small. G, covariance: (n_unknown, n_unknown), NULL: not asked for. Collective. */
PetscErrorCode NomosVariationalNormal(NomosVariational variational, double reduction, double G[], double covariance[]);

/* The cost, its gradient (NULL: not asked for) and products with the Gauss-Newton Hessian at the last control vector that was evaluated. Collective. */
PetscErrorCode NomosVariationalControl(NomosVariational variational, Vec *control); /* borrowed */
PetscErrorCode NomosVariationalEvaluate(NomosVariational variational, Vec control, double *J, Vec gradient);
PetscErrorCode NomosVariationalProduct(NomosVariational variational, Vec direction, Vec product);

#endif
