/* The model `incompressible`, inside. */
#ifndef NOMOS_SOLVERS_INCOMPRESSIBLE_IMPL_H
#define NOMOS_SOLVERS_INCOMPRESSIBLE_IMPL_H

#include "solvers/cell_plane.h"
#include "solvers/grid_pde/reconstruction.h"

enum { FLOW_VX, FLOW_VY, FLOW_S, FLOW_FIELDS };
enum { FLOW_NU, FLOW_KAPPA, FLOW_FORCE, FLOW_COEFFICIENTS };
enum { FLOW_GHOSTS = 2, FLOW_N_SCALARS = 7, FLOW_ALONE = 4096 }; /* cells up to which threads do not pay */

typedef struct FlowPoisson_s *FlowPoisson;

typedef struct {
  NomosCellPlane      plane; /* first */
  bool                wall[2];                          /* across this axis */
  double              slide[2][2];                      /* velocity along the wall at this side of this axis */
  double              c[FLOW_COEFFICIENTS];
  bool                carried_force;
  double             *force[2];                         /* f at the faces, of own cells */
  NomosLimiter        limiter;
  double              cfl, last_cfl;
  int                 substeps;                         /* 0: as stability asks for */
  double              dt_stable;                        /* of the first step, with a fixed number of substeps */
  double              push[2];                          /* the largest |f| along each axis */
  FlowPoisson         poisson;
  double             *box[FLOW_FIELDS], *dot[FLOW_FIELDS], *bar[FLOW_FIELDS], *bar_dot[FLOW_FIELDS]; /* with ghosts: the fields and, n_box behind them, their tangents; adjoints likewise */
  double             *flux;                             /* of s through faces of an axis; n_box behind it its tangent */
  double             *stages;                           /* work of a step */
  double             *divergence;
  NomosModelParameter parameters[FLOW_COEFFICIENTS];
} FlowModel;

/* ---- poisson.c: the solution of lap phi = d in the cells, for which both sum to zero; in place. Rows of this rank: as FFTW deals them. */
PetscErrorCode FlowPoissonRows(MPI_Comm comm, const size_t size[2], PetscInt **rows); /* of every rank; PetscFree */
PetscErrorCode FlowPoissonCreate(NomosModel model, FlowPoisson *poisson);
PetscErrorCode FlowPoissonDestroy(FlowPoisson *poisson);
PetscErrorCode FlowPoissonSolve(FlowPoisson poisson, double d[]);

/* ---- walls.c: all fields into boxes. Ghosts outside of walls: of the fields, or (tangent) of their tangents; and the adjoint of the latter, box_bar into x_bar (added). Collective. */
PetscErrorCode FlowFill(FlowModel *f, const double x[], bool tangent, double *const box[]);
PetscErrorCode FlowFold(FlowModel *f, double *const box_bar[], double x_bar[]);
/* v without its divergence: a symmetric projection, so its own tangent and adjoint. Collective. */
PetscErrorCode FlowProject(FlowModel *f, double x[]);
PetscErrorCode FlowDivergence(FlowModel *f, const double x[], double divergence[]);

/* Sums over all cells from those of this rank's rows, rows (n, y): the same bits for any ranks. Collective. */
PetscErrorCode FlowSumRows(NomosModel model, size_t n, const double rows[], double sums[]);

/* A state with its tangent; without one: NULL. */
typedef struct {
  double *value, *dot;
} FlowPair;

/* ---- tendency.c, tendency_adjoint.c: rates without pressure, and their tangents along x.dot and c_dot; x_bar and c_bar, with tangents where rate_bar has them, += adjoint at the x of the last FlowTendency. Collective. */
PetscErrorCode FlowTendency(FlowModel *f, FlowPair x, const double c_dot[], FlowPair rate);
PetscErrorCode FlowTendencyAdjoint(FlowModel *f, FlowPair rate_bar, const double c_dot[], FlowPair x_bar, FlowPair c_bar);
/* Of a row of faces behind cells those that are no wall, which come first. */
size_t FlowFreeFaces(const FlowModel *f, int axis, size_t y);
/* Fluxes of s run along rows of faces: n of each, the first one behind box cell `at`. */
void FlowFaceRow(const FlowModel *f, int axis, size_t row, size_t *n, size_t *at);

/* ---- advance.c: substeps of a step from x, in which no velocity grows faster than its force makes it. */
PetscErrorCode FlowSubsteps(NomosModel model, const double x[], int *n);
PetscErrorCode FlowAdvance(NomosModel model, int n, FlowPair x, const double c_dot[]);
PetscErrorCode FlowAdvanceAdjoint(NomosModel model, int n, FlowPair x, const double c_dot[], FlowPair x_bar, FlowPair c_bar);

/* ---- initial.c, derivatives.c */
PetscErrorCode FlowInitialise(NomosModel model);
PetscErrorCode FlowForce(NomosModel model);
extern const NomosModelDerivatives flow_derivatives;

#endif
