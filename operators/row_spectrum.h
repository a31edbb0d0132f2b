/* Waves along the rows of a field. */
#ifndef NOMOS_OPERATORS_ROW_SPECTRUM_H
#define NOMOS_OPERATORS_ROW_SPECTRUM_H

#include "io/base.h"

typedef enum { NOMOS_WAVES_AMPLITUDE, NOMOS_WAVES_POWER } NomosWaves;

/* Of every row f(x_i) = sum_k a_k cos(2 pi k i/nx + p_k), k = 0 ... nx/2, the amplitudes |a_k|, or what each wave has of the mean square of the row (a_k^2/2; all of a_k^2 where k is 0 or nx/2): their sum over the
   rows is added to sums (n_k), n_k <= nx/2 + 1. rows (n_rows, nx). Not collective. */
PetscErrorCode NomosAddRowSpectra(NomosWaves what, size_t n_rows, size_t nx, const double rows[], size_t n_k, double sums[]);

#endif
