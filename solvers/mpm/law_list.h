/* Every written constitutive law is one line here. */
#ifndef NOMOS_SOLVERS_MPM_LAW_LIST_H
#define NOMOS_SOLVERS_MPM_LAW_LIST_H

#include "solvers/mpm/laws/written_law.h"

#define NOMOS_LAW_LIST(LAW) \
  LAW(nomos_fixed_corotated) \
  LAW(nomos_stvk_hencky) \
  LAW(nomos_neo_hookean) \
  LAW(nomos_fluid) \
  LAW(nomos_identity) \
  LAW(nomos_von_mises) \
  LAW(nomos_drucker_prager) \
  LAW(nomos_herschel_bulkley) \
  LAW(nomos_fluid_volume)

#define NOMOS_DECLARE_LAW(law) extern const NomosWrittenLaw law;
NOMOS_LAW_LIST(NOMOS_DECLARE_LAW)

#define NOMOS_LAW_ENTRY(law) &law.ops,
static const NomosLawOps *const nomos_laws[] = {NOMOS_LAW_LIST(NOMOS_LAW_ENTRY) NULL};

#endif
