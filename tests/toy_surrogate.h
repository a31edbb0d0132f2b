/* The smallest surrogate: y from x, rows of an HDF5 file, by a linear map or a network with a hidden layer; it can be told to fail. */
#ifndef NOMOS_TESTS_TOY_SURROGATE_H
#define NOMOS_TESTS_TOY_SURROGATE_H

#include "surrogates/surrogate.h"

extern const NomosSurrogateOps        NomosSurrogateOps_Toy, NomosSurrogateOps_ToyQuartic;
extern const NomosSurrogateOps *const nomos_toy_surrogates[];

/* Rows (n, n_x) and (n, n_y) as datasets x and y of a file. One rank. */
PetscErrorCode NomosToyWriteData(const char path[], size_t n, size_t n_x, const double x[], size_t n_y, const double y[]);

#endif
