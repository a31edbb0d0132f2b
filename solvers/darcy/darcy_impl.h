/* The model `darcy`, inside. */
#ifndef NOMOS_SOLVERS_DARCY_IMPL_H
#define NOMOS_SOLVERS_DARCY_IMPL_H

#include "solvers/cell_plane.h"

#include <petscksp.h>

enum { DARCY_U, DARCY_LOG_A };
enum { DARCY_N_SCALARS = 5 };

typedef struct {
  NomosCellPlane      plane; /* first */
  bool                closed[2][2];     /* no flux through this side of this axis */
  double              value[2][2];      /* of u at it */
  double              beta, tolerance;
  double             *source;           /* f, of the cells */
  Mat                 matrix;
  KSP                 ksp;
  Vec                 x, b;
  double             *log_a;            /* that the matrix was made of; NaN at first */
  double             *box_q, *box_u;    /* with ghosts: 1/a, u */
  double             *box[4];           /* work */
  double             *work;
  NomosModelParameter parameter;
  PetscInt            iterations;       /* of the last solve */
} DarcyModel;

/* A face of a cell: its conductance, and what part of it each side's 1/a is: dT/d log a = T part. */
typedef struct {
  size_t other; /* cell behind it, in the box */
  double conductance, own_part, other_part;
} DarcyFace;

/* The four faces of the cell at a place of the box. */
void DarcyFaces(const DarcyModel *d, size_t x, size_t y, size_t at, DarcyFace faces[4]);

/* ---- system.c */
PetscErrorCode DarcySystemCreate(NomosModel model);
PetscErrorCode DarcySystemDestroy(DarcyModel *d);
/* A field into a box; outside of sides with a value, what a multiple of that value is. */
PetscErrorCode DarcyBox(DarcyModel *d, const double values[], double scale, double box[]);
/* The matrix of log a, unless it is that already; box_q is filled. */
PetscErrorCode DarcyAssemble(NomosModel model, const double log_a[]);
/* A out = in (integrals over the cells). */
PetscErrorCode DarcySolve(NomosModel model, const double in[], double out[]);
/* u of log a; box_u is filled. */
PetscErrorCode DarcySolution(NomosModel model, const double log_a[], double u[]);

/* ---- initial.c, derivatives.c */
PetscErrorCode DarcyInitialise(NomosModel model);
extern const NomosModelDerivatives darcy_derivatives;

#endif
