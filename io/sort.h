/* Numbers in order. */
#ifndef NOMOS_IO_SORT_H
#define NOMOS_IO_SORT_H

#include "io/base.h"

/* Ascending. */
void NomosSort(size_t n, double values[]);
/* The place of the median, which n/2 of the values come before; of equal ones the first comes before. */
PetscErrorCode NomosMedianPlace(size_t n, const double values[], size_t *place);

#endif
