/* The flow of a Hamiltonian, step by step, of many states at once, with derivatives:

     dq/dt = dH/dp,   dp/dt = -dH/dq,     x = (q_1..q_d, p_1..p_d),     states x (n, 2d)

   H is a table of functions: a written system's (solvers/hamiltonian/system.h), an expression's, or a learned one's (surrogates/). What integrates one integrates the other.

     leapfrog (order 2), yoshida4, yoshida8 (Yoshida 1990, doi:10.1016/0375-9601(90)90092-3), blanes_moan4 (S6, Blanes & Moan 2002, doi:10.1016/S0377-0427(01)00492-7), kahan_li6 (s9odr6a, Kahan & Li 1997,
     doi:10.1090/S0025-5718-97-00873-9): explicit, for H = T(p) + V(q)
     midpoint, gauss4, gauss6: implicit, for any H (Hairer, Lubich & Wanner 2006, doi:10.1007/3-540-30666-8), solved by fixed points and then Newton with Hessian actions; a solve is differentiated by one adjoint solve
     rk4: explicit, not symplectic, for comparison
     dormand_prince: explicit, not symplectic, of fifth order, with steps of its own within a step so that their errors are small (Dormand & Prince 1980, doi:10.1016/0771-050X(80)90013-3); of an H without `threads` all
     states have the same ones. Derivatives are those of the steps taken: they differ from differences of two runs, which take others, by as much as the error allowed

   compensated: the sums over steps carry their rounding errors (Kahan), so that energy errors from rounding grow as a random walk, not linearly (Brouwer's law).
   Same bits for any number of threads: states are dealt in fixed blocks. */
#ifndef NOMOS_OPERATORS_HAMILTONIAN_FLOW_H
#define NOMOS_OPERATORS_HAMILTONIAN_FLOW_H

#include "io/base.h"

/* All of n states: x, v (n, 2d). Parameters p (n_parameters) are the system's own. Missing functions are NULL: whoever needs one says so. */
typedef struct {
  size_t d, n_parameters;
  size_t dims;      /* coordinates of position of one body, of which d is a whole number; 0: all are of one body */
  bool   separable; /* H = T(p) + V(q): the gradient by q does not depend on p, nor that by p on q */
  bool   threads;   /* the functions call no PETSc, and several threads may call them at once, each for some of the states; else they see all states at once */
  void  *ctx;
  PetscErrorCode (*energy)(void *ctx, size_t n, const double x[], double H[]);
  PetscErrorCode (*gradient)(void *ctx, size_t n, const double x[], double g[]);                                     /* g = dH/dx (n, 2d) */
  PetscErrorCode (*half)(void *ctx, size_t n, bool momentum, const double x[], double g[]);                          /* of a separable H: only dH/dp (momentum) or dH/dq, into that half of g. NULL: gradient */
  PetscErrorCode (*hessian)(void *ctx, size_t n, const double x[], const double v[], double Hv[]);                   /* (d2H/dx2) v */
  PetscErrorCode (*gradient_parameters)(void *ctx, size_t n, const double x[], const double v[], double p_bar[]);    /* p_bar += sum over states of v . d(dH/dx)/dp */
  /* The derivatives of (d2H/dx2) v and of gradient_parameters in the direction (x_dot, p_dot):  Hv_dot (n, 2d) = d[(d2H/dx2) v],  p_bar_dot += d[sum v . d(dH/dx)/dp]. p_dot and p_bar_dot may be NULL. It is called with
     n = 0 first, by one thread, to get ready. */
  PetscErrorCode (*third)(void *ctx, size_t n, const double x[], const double v[], const double x_dot[], const double p_dot[], double Hv_dot[], double p_bar_dot[]);
  PetscErrorCode (*gradient_tangent)(void *ctx, size_t n, const double x[], const double p_dot[], double g_dot[]);   /* g_dot = d(dH/dx)/dp p_dot */
} NomosHamiltonian;

typedef struct NomosHamiltonianFlow_s *NomosHamiltonianFlow;

#define NOMOS_FLOW_CHOICES "leapfrog|yoshida4|yoshida8|blanes_moan4|kahan_li6|rk4|dormand_prince|midpoint|gauss4|gauss6"

typedef struct {
  const NomosHamiltonian *hamiltonian; /* borrowed */
  const char             *scheme;      /* one of the choices */
  size_t                  n;           /* states */
  bool                    compensated;
  double                  tolerance;   /* implicit schemes: relative change of the last iteration; 0: 1e-14 */
  int                     max_iterations; /* 0: 50 */
  double                  rtol;        /* adaptive schemes: error of one of their steps relative to 1 + |x|; 0: 1e-9 */
} NomosHamiltonianFlowInput;

/* Errors: an explicit splitting of an H that is not separable (with what to use), an unknown scheme. */
PetscErrorCode NomosHamiltonianFlowCreate(const NomosHamiltonianFlowInput *input, NomosHamiltonianFlow *flow);
PetscErrorCode NomosHamiltonianFlowDestroy(NomosHamiltonianFlow *flow);
size_t         NomosHamiltonianFlowOrder(NomosHamiltonianFlow flow);

/* x (n, 2d) and, if compensated, carry (n, 2d; the rounding left over, zero at first; else NULL) by one step of dt, in place. Errors: an implicit solve that does not converge (which state, how far), an adaptive
   scheme that gets stuck (at which state). */
PetscErrorCode NomosHamiltonianFlowStep(NomosHamiltonianFlow flow, double dt, double x[], double carry[]);
/* At x, the state before the step: tangent and adjoint of it, in place. p_dot, p_bar may be NULL. The carry is rounding: it has no derivative (its part is passed through unchanged). */
PetscErrorCode NomosHamiltonianFlowJvp(NomosHamiltonianFlow flow, double dt, const double x[], double x_dot[], const double p_dot[]);
PetscErrorCode NomosHamiltonianFlowVjp(NomosHamiltonianFlow flow, double dt, const double x[], double x_bar[], double p_bar[]);
/* The derivative of the adjoint in a direction, as hvp of NomosModelDerivatives has it: x_bar as in Vjp, x_bar_dot := its derivative in the direction (x_dot, p_dot, x_bar_dot); p_bar and p_bar_dot likewise, added to.
   Those by parameters may be NULL. Errors: an H without third derivatives. */
typedef struct {
  const double *x, *x_dot, *p_dot;
  double       *x_bar, *x_bar_dot, *p_bar, *p_bar_dot;
} NomosHamiltonianFlowSecond;
PetscErrorCode NomosHamiltonianFlowHvp(NomosHamiltonianFlow flow, double dt, const NomosHamiltonianFlowSecond *second);

#endif
