/* Every surrogate is one line here. */
#ifndef NOMOS_SURROGATES_SURROGATE_LIST_H
#define NOMOS_SURROGATES_SURROGATE_LIST_H

#include "surrogates/surrogate.h"

extern const NomosSurrogateOps NomosSurrogateOps_CoordinateNetwork;

static const NomosSurrogateOps *const nomos_surrogates[] = {
  &NomosSurrogateOps_CoordinateNetwork,
  NULL,
};

#endif
