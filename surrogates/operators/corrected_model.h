/* A solver of PDEs with a learned correction, as a model: corrected_model.c. */
#ifndef NOMOS_SURROGATES_OPERATORS_CORRECTED_MODEL_H
#define NOMOS_SURROGATES_OPERATORS_CORRECTED_MODEL_H

#include "operators/model.h"

extern const NomosModelExtension nomos_corrected_grid_pde;

#endif
