/* Every method of analysis is one line here. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_ANALYSIS_LIST_H
#define NOMOS_SOLVERS_ASSIMILATION_ANALYSIS_LIST_H

#include "solvers/assimilation/assimilation_impl.h"

#define NOMOS_ANALYSIS_LIST(METHOD) \
  METHOD(nomos_3dvar) \
  METHOD(nomos_4dvar) \
  METHOD(nomos_enkf) \
  METHOD(nomos_etkf) \
  METHOD(nomos_letkf) \
  METHOD(nomos_nudging) \
  METHOD(nomos_optimal_interpolation) \
  METHOD(nomos_weak_4dvar)

#define NOMOS_DECLARE_METHOD(method) extern const NomosAnalysisMethod method;
NOMOS_ANALYSIS_LIST(NOMOS_DECLARE_METHOD)

#endif
