/* Every method of interpolation is one line here. */
#ifndef NOMOS_SURROGATES_INTERPOLATION_INTERPOLATION_LIST_H
#define NOMOS_SURROGATES_INTERPOLATION_INTERPOLATION_LIST_H

#include "surrogates/interpolation/interpolation.h"

extern const NomosInterpolationOps NomosInterpolationOps_BandLimited;
extern const NomosInterpolationOps NomosInterpolationOps_Cubic;
extern const NomosInterpolationOps NomosInterpolationOps_FourierFeatures;
extern const NomosInterpolationOps NomosInterpolationOps_Network;
extern const NomosInterpolationOps NomosInterpolationOps_RBF;

static const NomosInterpolationOps *const nomos_interpolations[] = {
  &NomosInterpolationOps_BandLimited,
  &NomosInterpolationOps_Cubic,
  &NomosInterpolationOps_FourierFeatures,
  &NomosInterpolationOps_Network,
  &NomosInterpolationOps_RBF,
  NULL,
};

#endif
