/* The model of trained weights of the surrogate particle_correction, for `nomos run`. */
#ifndef NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_CORRECTION_MODEL_H
#define NOMOS_SURROGATES_REDUCED_ORDER_GRAPH_CORRECTION_MODEL_H

#include "operators/model.h"

extern const NomosModelExtension nomos_corrected_mpm;

#endif
