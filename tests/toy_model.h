/* The runner's own test model: z(x, y, t) = exp(i (2 pi (x + y) + frequency t) + growth t) on a square, stepped by multiplication, so that every
   bit of its state depends on every step before. Rows are distributed over the ranks. */
#ifndef NOMOS_TESTS_TOY_MODEL_H
#define NOMOS_TESTS_TOY_MODEL_H

#include "operators/model.h"

extern const NomosModelOps             NomosModelOps_Toy;
extern const NomosModelOps *const nomos_toy_models[];

#endif
