/* Every learned constitutive law is one line here. */
#ifndef NOMOS_SURROGATES_CONSTITUTIVE_LAW_LIST_H
#define NOMOS_SURROGATES_CONSTITUTIVE_LAW_LIST_H

#include "operators/constitutive_law.h"

extern const NomosLawOps NomosLawOps_InvariantFullElasticity;
extern const NomosLawOps NomosLawOps_InvariantFullPlasticity;
extern const NomosLawOps NomosLawOps_InvariantElasticity;
extern const NomosLawOps NomosLawOps_InvariantPlasticity;
extern const NomosLawOps NomosLawOps_PolarElasticity;
extern const NomosLawOps NomosLawOps_PolarPlasticity;
extern const NomosLawOps NomosLawOps_SvdElasticity;
extern const NomosLawOps NomosLawOps_SvdPlasticity;
extern const NomosLawOps NomosLawOps_PlainElasticity;
extern const NomosLawOps NomosLawOps_PlainPlasticity;
extern const NomosLawOps NomosLawOps_SplineElasticity;
extern const NomosLawOps NomosLawOps_SplinePlasticity;
extern const NomosLawOps NomosLawOps_Hyperelastic;
extern const NomosLawOps NomosLawOps_Dissipative;

static const NomosLawOps *const nomos_learned_laws[] = {
  &NomosLawOps_InvariantFullElasticity,
  &NomosLawOps_InvariantFullPlasticity,
  &NomosLawOps_InvariantElasticity,
  &NomosLawOps_InvariantPlasticity,
  &NomosLawOps_PolarElasticity,
  &NomosLawOps_PolarPlasticity,
  &NomosLawOps_SvdElasticity,
  &NomosLawOps_SvdPlasticity,
  &NomosLawOps_PlainElasticity,
  &NomosLawOps_PlainPlasticity,
  &NomosLawOps_SplineElasticity,
  &NomosLawOps_SplinePlasticity,
  &NomosLawOps_Hyperelastic,
  &NomosLawOps_Dissipative,
  NULL,
};

#endif
