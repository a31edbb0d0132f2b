/* Every method of sparse regression is one line here. */
#ifndef NOMOS_SURROGATES_DISCOVERY_REGRESSION_LIST_H
#define NOMOS_SURROGATES_DISCOVERY_REGRESSION_LIST_H

#include "surrogates/discovery/regression.h"

#define NOMOS_REGRESSIONS(METHOD) \
  METHOD(NomosRegressionOps_Evidence) \
  METHOD(NomosRegressionOps_FROLS) \
  METHOD(NomosRegressionOps_Lasso) \
  METHOD(NomosRegressionOps_MSTLS) \
  METHOD(NomosRegressionOps_Ridge) \
  METHOD(NomosRegressionOps_RVM) \
  METHOD(NomosRegressionOps_RVMTopDown) \
  METHOD(NomosRegressionOps_SR3) \
  METHOD(NomosRegressionOps_STLSQ)

#define NOMOS_REGRESSION_DECLARE(ops) extern const NomosRegressionOps ops;
NOMOS_REGRESSIONS(NOMOS_REGRESSION_DECLARE)

#define NOMOS_REGRESSION_ENTRY(ops) &ops,
static const NomosRegressionOps *const nomos_regressions[] = {NOMOS_REGRESSIONS(NOMOS_REGRESSION_ENTRY) NULL};

#endif
