/* Every method of interpolation is one line here. */
#ifndef NOMOS_SURROGATES_INTERPOLATION_INTERPOLATION_LIST_H
#define NOMOS_SURROGATES_INTERPOLATION_INTERPOLATION_LIST_H

#include "surrogates/interpolation/interpolation.h"

#define NOMOS_INTERPOLATIONS(METHOD) \
  METHOD(NomosInterpolationOps_BandLimited) \
  METHOD(NomosInterpolationOps_Cubic) \
  METHOD(NomosInterpolationOps_FourierFeatures) \
  METHOD(NomosInterpolationOps_Network) \
  METHOD(NomosInterpolationOps_RBF)

#define NOMOS_INTERPOLATION_DECLARE(ops) extern const NomosInterpolationOps ops;
NOMOS_INTERPOLATIONS(NOMOS_INTERPOLATION_DECLARE)

#define NOMOS_INTERPOLATION_ENTRY(ops) &ops,
static const NomosInterpolationOps *const nomos_interpolations[] = {NOMOS_INTERPOLATIONS(NOMOS_INTERPOLATION_ENTRY) NULL};

#endif
