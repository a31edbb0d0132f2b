/* Every learned constitutive law is one line here. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_LAW_LIST_H
#define NOMOS_SURROGATES_CONSTITUTIVE_LAW_LIST_H

#include "operators/constitutive_law.h"

#define NOMOS_LEARNED_LAWS(LAW) \
  LAW(NomosLawOps_InvariantFullElasticity) \
  LAW(NomosLawOps_InvariantFullPlasticity) \
  LAW(NomosLawOps_InvariantElasticity) \
  LAW(NomosLawOps_InvariantPlasticity) \
  LAW(NomosLawOps_PolarElasticity) \
  LAW(NomosLawOps_PolarPlasticity) \
  LAW(NomosLawOps_SvdElasticity) \
  LAW(NomosLawOps_SvdPlasticity) \
  LAW(NomosLawOps_PlainElasticity) \
  LAW(NomosLawOps_PlainPlasticity) \
  LAW(NomosLawOps_SplineElasticity) \
  LAW(NomosLawOps_SplinePlasticity) \
  LAW(NomosLawOps_Hyperelastic) \
  LAW(NomosLawOps_Dissipative)

#define NOMOS_LEARNED_LAW_DECLARE(ops) extern const NomosLawOps ops;
NOMOS_LEARNED_LAWS(NOMOS_LEARNED_LAW_DECLARE)

#define NOMOS_LEARNED_LAW_ENTRY(ops) &ops,
static const NomosLawOps *const nomos_learned_laws[] = {NOMOS_LEARNED_LAWS(NOMOS_LEARNED_LAW_ENTRY) NULL};

#endif
