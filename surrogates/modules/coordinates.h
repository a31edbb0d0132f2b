/* Coordinates of the cells of a grid on [0, 1] along every axis, (j + 1/2)/n. */
#ifndef NOMOS_SURROGATES_MODULES_COORDINATES_H
#define NOMOS_SURROGATES_MODULES_COORDINATES_H

#include "operators/primitives.h"

/* [batch, channels, (y,) x] with a channel more for each axis of space behind its own, x first. */
NomosTensor NomosWithCoordinates(NomosTensor x);

#endif
