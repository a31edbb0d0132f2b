/* Sums over ranks in the order of the ranks: the same bits whatever the MPI library chooses. */
#ifndef NOMOS_OPERATORS_REDUCE_H
#define NOMOS_OPERATORS_REDUCE_H

#include "io/base.h"

/* values (n): each becomes its sum over the ranks of comm. Collective. */
PetscErrorCode NomosSumOverRanks(MPI_Comm comm, size_t n, double values[]);

/* <a, b> of n entries of this rank, in a fixed order. Not collective. */
double NomosDot(size_t n, const double a[], const double b[]);

#endif
