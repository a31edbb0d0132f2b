/* Inside of variational assimilation. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_VARIATIONAL_IMPL_H
#define NOMOS_SOLVERS_ASSIMILATION_VARIATIONAL_IMPL_H

#include "solvers/assimilation/variational.h"

/* One time at which a field was seen. Values anywhere are the same on all ranks and count on rank 0; those of the grid are this rank's. */
typedef struct {
  int64_t           step; /* of the window */
  size_t            field, points;
  NomosObservations source; /* NULL: points of the grid */
  size_t            set;
  size_t            n, offset; /* its entries among the window's */
  size_t           *at;        /* points of the grid */
  double           *y, *sigma;
} Look;

typedef struct {
  int64_t first_step, n_steps, end; /* end: the last step that matters, in this stage */
  size_t  n_looks, n_seen;
  Look   *looks; /* ascending in their steps */
  double *background; /* of the control field; not read where there is a state */
  char   *state;      /* NULL: that of the background */
  size_t  n_errors, error_offset; /* among those of all windows */
  char   *states;                 /* (n_steps + 1) */
  double *departure;              /* (n_seen) (y - H x)/sigma */
} Window;

struct NomosVariational_s {
  NomosModel                   model;
  const NomosModelDerivatives *derivatives;
  MPI_Comm                     comm;
  int                          rank;
  size_t                       n_state, bytes; /* reals of a state, and its bytes */
  size_t                       control, points;
  size_t                       n_windows;
  Window                      *windows;
  bool                         state;
  int64_t                      error_every;
  size_t                       n_errors; /* of all windows */
  NomosCovariance              background, error;

  size_t  n_parameters, n_unknown;                        /* the model's; those that are unknown */
  size_t *unknown;                                        /* in the model's list */
  double *all, *all_dot, *all_bar;                        /* (n_parameters) */
  double *first, *prior, *deviation, *scale, *parameters; /* (n_unknown) */

  Vec     w, direction;  /* control vectors */
  size_t  parameters_at; /* in them, on rank 0 */
  Vec     evaluated;     /* where the trajectories were run */
  bool    run;           /* were they? */
  double  J, J_seen;
  int64_t n_evaluations, n_products;

  void   *x, *increment, *none;            /* states */
  double *field, *look, *forcing, *column; /* (points) of the control field, of the largest one seen; (most seen) twice */
  double *block;                           /* (n_block, n_block): Cholesky factor of the Hessian's block of the parameters, or of all that is unknown, where that is little */
  size_t  n_block, block_at;               /* the entries from block_at on, of this rank's in a control vector */

  Vec         *directions, *images; /* (most_directions) p with p^T A p = 1, and A p, of the present Hessian A; the latest of n_directions that there were */
  PetscScalar *along;               /* (most_directions) */
  size_t       n_directions, most_directions, n_before, n_forgotten; /* those before n_before are of Hessians before; those before n_forgotten are no longer of use */
  Vec          reduced;
};

typedef struct {
  const double *v; /* control values of this rank; NULL: zero */
  const double *p; /* (n_unknown) direction of the parameters; NULL: zero */
} Direction;

/* field := root v */
PetscErrorCode NomosVariationalRoot(NomosVariational c, const NomosCovariance *covariance, const double v[], double field[]);
/* variational_path.c: runs over a window. Departures at the present trajectories; what a direction makes of H x/sigma; and from forcings of H x/sigma back to the control values (added) and all_bar (added). */
PetscErrorCode NomosVariationalRun(NomosVariational c, Window *w, size_t number, const double v[]);
PetscErrorCode NomosVariationalTangent(NomosVariational c, Window *w, size_t number, const Direction *direction, double seen_dot[]);
PetscErrorCode NomosVariationalAdjoint(NomosVariational c, Window *w, size_t number, const double forcing[], double v_bar[]);
/* Sum over the entries of a window that this rank counts. */
double         NomosVariationalDot(NomosVariational c, const Window *w, const double a[], const double b[]);

/* variational_looks.c */
PetscErrorCode NomosVariationalReadSeen(NomosVariational c, const NomosWindow *input, Window *w);

/* variational_block.c: the Hessian's block at the present trajectories, and a vector through its inverse and the shrinking of states and errors. */
void           NomosVariationalPlanBlock(NomosVariational c);
PetscErrorCode NomosVariationalFactor(NomosVariational c);
PetscErrorCode NomosVariationalShrink(NomosVariational c, Vec x, Vec y);
/* Its parts: J^T J of n entries of a control vector from `first` on, what their priors add to it, a factor in place, and (n_sides) vectors through it. */
PetscErrorCode NomosVariationalBlock(NomosVariational c, size_t first, size_t n, double G[]);
void           NomosVariationalAddPrior(NomosVariational c, size_t first, size_t n, double G[]);
PetscErrorCode NomosVariationalCholesky(NomosVariational c, size_t n, double A[]);
PetscErrorCode NomosVariationalCholeskySolve(const double factor[], size_t n, size_t n_sides, double sides[]);

/* variational_conjugate.c: directions that are conjugate in the present Hessian. z, which is lost, becomes the next one, p, with its image A p (borrowed, till the next); *more: false where nothing new is left of
   it. With `hold` parameters stay as they are: A is the part of states and errors. */
PetscErrorCode NomosVariationalDirection(NomosVariational c, bool hold, Vec z, bool *more, Vec *p, Vec *image);
/* A x = b from x = 0, until the residual has fallen by `reduction` in the norm that the preconditioner gives. */
PetscErrorCode NomosVariationalSolve(NomosVariational c, Vec b, double reduction, int64_t iterations, Vec x);
/* About A^-1, from the block, the shrinking and the directions of the Hessians before; those are forgotten where it is another problem. */
PetscErrorCode NomosVariationalPrecondition(NomosVariational c, Vec x, Vec y);
void           NomosVariationalForget(NomosVariational c);
/* 0 in place of the parameters. */
PetscErrorCode NomosVariationalHold(NomosVariational c, Vec x);
PetscErrorCode NomosVariationalDestroyDirections(NomosVariational c);

#endif
