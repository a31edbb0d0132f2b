/* Every method of analysis is one line here. */
#ifndef NOMOS_SOLVERS_ASSIMILATION_ANALYSIS_LIST_H
#define NOMOS_SOLVERS_ASSIMILATION_ANALYSIS_LIST_H

#include "solvers/assimilation/assimilation_impl.h"

#define NOMOS_ANALYSIS_LIST(METHOD) \
  METHOD(nomos_enkf) \
  METHOD(nomos_etkf) \
  METHOD(nomos_letkf) \
  METHOD(nomos_nudging) \
  METHOD(nomos_optimal_interpolation)

#define NOMOS_DECLARE_METHOD(method) extern const NomosAnalysisMethod method;
NOMOS_ANALYSIS_LIST(NOMOS_DECLARE_METHOD)

#endif
