/* Every written constitutive law is one line here. */
#ifndef NOMOS_SOLVERS_MPM_LAW_LIST_H
#define NOMOS_SOLVERS_MPM_LAW_LIST_H

#include "operators/constitutive_law.h"

static const NomosLawOps *const nomos_laws[] = {
  NULL,
};

#endif
