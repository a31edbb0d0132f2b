/* Inside of operators/hamiltonian_flow.h. A step runs on blocks of states, also inside an OpenMP region: no PETSc here but error codes. */
#ifndef NOMOS_OPERATORS_HAMILTONIAN_FLOW_IMPL_H
#define NOMOS_OPERATORS_HAMILTONIAN_FLOW_IMPL_H

#include "operators/hamiltonian_flow.h"

#include <petscblaslapack.h>

enum { FLOW_MAX_WEIGHTS = 8, FLOW_MAX_PARTS = 2 * 15 + 1, FLOW_MAX_STAGES = 7, FLOW_BLOCK = 16 };

/* An error code of a call goes up as it is: whoever dealt the blocks makes a sentence of it. */
#define FlowTry(call) \
  do { \
    const PetscErrorCode flow_code_ = (call); \
    if (flow_code_) return flow_code_; \
  } while (0)

typedef struct {
  const char *name;
  size_t      order;
  size_t      n_weights; /* a composition of leapfrogs: weights from the first to the middle one, which follows from their sum; 0: not one */
  double      weights[FLOW_MAX_WEIGHTS];
  size_t      n_halves; /* kicks and drifts in turn, to the middle one but two, which follow from their sums */
  double      halves[FLOW_MAX_WEIGHTS];
  size_t      n_stages; /* of a Runge-Kutta scheme */
  bool        implicit, adaptive;
  double      a[FLOW_MAX_STAGES][FLOW_MAX_STAGES], b[FLOW_MAX_STAGES];
  double      error[FLOW_MAX_STAGES]; /* of an adaptive one: b minus that of the scheme it is compared with */
} FlowScheme;

/* How the last step of a block went: n_open implicit solves did not converge, the first one that of state `open`, whose last change relative to its largest entry is given; or an adaptive scheme got stuck at that state,
   where the next step would have been `change`. */
typedef struct {
  PetscErrorCode code;
  size_t         n_open, open;
  double         change;
} FlowVerdict;

/* What a thread works with on a block. */
typedef struct {
  double       *block;
  double       *path;              /* states before each part, or of each stage: (., states, 2d) */
  double       *g, *v, *hv;        /* (states, 2d) */
  double       *path_dot, *v_dot, *hv_dot, *residual_dot, *third; /* as path, v, hv, residual, residual; of an H with third derivatives */
  double       *k, *residual;      /* (stages, states, 2d): dx/dt, and right-hand sides of solves for it */
  double       *hessian;           /* (stages, states, 2d columns, 2d); of implicit schemes, as the matrix */
  double       *matrix, *side;     /* of one state: (stages 2d)^2, (stages 2d) */
  PetscBLASInt *pivots;
  double       *change, *before;   /* (states): the last one of an implicit solve, and the one before */
  bool         *done;              /* (states) */
  double       *kept;              /* (n_kept of room): length and beginning of the steps an explicit scheme took; malloc'ed, for threads ask for it */
  size_t        n_kept, room;
  FlowVerdict   verdict;
} FlowWork;

struct NomosHamiltonianFlow_s {
  NomosHamiltonian  h;
  const FlowScheme *scheme;
  size_t            n, n_blocks, n_block, n_threads; /* states, and of a block */
  bool              compensated;
  double            tolerance, rtol;
  int               max_iterations;
  size_t            n_parts; /* of a splitting: kick, drift, kick, ... */
  double            parts[FLOW_MAX_PARTS];
  FlowWork         *work;    /* (n_threads) */
  double           *p_bars;  /* (n_blocks, n_parameters), and of p_bar_dot */
  FlowVerdict      *verdicts; /* (n_blocks) */
};

/* One step of n states of a block, and its derivatives: as those of the header. carry NULL: not compensated. */
PetscErrorCode FlowSplitStep(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[]);
PetscErrorCode FlowSplitJvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[]);
PetscErrorCode FlowSplitVjp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[]);
PetscErrorCode FlowExplicitStep(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[]);
PetscErrorCode FlowExplicitJvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[]);
PetscErrorCode FlowExplicitVjp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[]);
/* Second derivatives; x, x_dot are copies that may change. */
typedef struct {
  double       *x, *x_dot, *x_bar, *x_bar_dot, *p_bar, *p_bar_dot;
  const double *p_dot;
} FlowSecond;
PetscErrorCode FlowSplitHvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *second);
PetscErrorCode FlowExplicitHvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *second);
PetscErrorCode FlowStagesHvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, const FlowSecond *second);
/* At X, on its way to X_dot: hv = H'' v and its derivative hv_dot = H'' v_dot + d(H'' v), and what v and v_dot add to p_bar and p_bar_dot. `room` (n, 2d). */
PetscErrorCode FlowHessianTangent(NomosHamiltonianFlow flow, size_t n, const FlowSecond *second, const double X[], const double X_dot[], const double v[], const double v_dot[], double hv[], double hv_dot[], double room[]);
PetscErrorCode FlowStagesStep(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double carry[]);
PetscErrorCode FlowStagesJvp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_dot[], const double p_dot[]);
PetscErrorCode FlowStagesVjp(NomosHamiltonianFlow flow, FlowWork *work, size_t n, double dt, double x[], double x_bar[], double p_bar[]);

/* k = J g */
static inline void FlowField(size_t n, size_t d, const double g[], double k[])
{
  for (size_t i = 0; i < 2 * d * n; i += 2 * d)
    for (size_t j = i; j < i + d; j++) {
      k[j]     = g[j + d];
      k[j + d] = -g[j];
    }
}

/* *x += change; with a carry what rounding leaves is kept for the next time (Knuth's two-sum). */
static inline void FlowAdd(double change, double *x, double *carry)
{
  if (!carry) {
    *x += change;
    return;
  }
  const double y = change + *carry, sum = *x + y, part = sum - *x;
  *carry = (*x - (sum - part)) + (y - part);
  *x     = sum;
}

#endif
