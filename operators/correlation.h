/* Fields with a given spectrum out of white noise: the square root of a covariance that is homogeneous and isotropic on a doubly periodic plane, in each of several layers,

     y = F^-1 a(|K|) F v        B^(1/2) of B = F^-1 a^2 F;  F: Fourier transform;  v, y: (n_layers, rows of this rank, nx)

   Symmetric: it is its own adjoint. As a change of variables it turns a prior with covariance B into one of unit covariance (Lorenc 1988; Bannister 2008, doi:10.1002/qj.340).
   The shortest mode of an even side, which has no partner, is dropped. */
#ifndef NOMOS_OPERATORS_CORRELATION_H
#define NOMOS_OPERATORS_CORRELATION_H

#include "operators/operator.h"

typedef struct {
  int    nx, ny, n_layers;
  double lx, ly;
  double (*amplitude)(void *ctx, int layer, double K); /* a at |K| [rad/length]; called when the operator is created */
  void  *ctx;
} NomosCorrelationInput;

/* Input "control", output "field", both distributed by rows as FFTW does. Derivatives: all. Errors: more ranks than rows. Collective. */
PetscErrorCode NomosCorrelationCreate(MPI_Comm comm, const NomosCorrelationInput *input, NomosOperator *op);
/* Rows of this rank. */
PetscErrorCode NomosCorrelationRows(NomosOperator op, int *y_start, int *n_y);

/* Mean squares of a field by bins of |K| that are `width` wide: variance[layer][bin], the same on every rank; its sum over bins is the variance of what the
   modes hold without the mean. Collective. */
PetscErrorCode NomosCorrelationSpectrum(NomosOperator op, const double field[], double width, int n_bins, double *variance);

/* A small one, for the tests (operators/operator_list.h). */
PetscErrorCode NomosCorrelationExample(MPI_Comm comm, NomosOperator *op);

#endif
