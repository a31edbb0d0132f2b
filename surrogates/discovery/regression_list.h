/* Every method of sparse regression is one line here. */
#ifndef NOMOS_SURROGATES_DISCOVERY_REGRESSION_LIST_H
#define NOMOS_SURROGATES_DISCOVERY_REGRESSION_LIST_H

#include "surrogates/discovery/regression.h"

extern const NomosRegressionOps NomosRegressionOps_Evidence;
extern const NomosRegressionOps NomosRegressionOps_FROLS;
extern const NomosRegressionOps NomosRegressionOps_Lasso;
extern const NomosRegressionOps NomosRegressionOps_MSTLS;
extern const NomosRegressionOps NomosRegressionOps_Ridge;
extern const NomosRegressionOps NomosRegressionOps_RVM;
extern const NomosRegressionOps NomosRegressionOps_RVMTopDown;
extern const NomosRegressionOps NomosRegressionOps_SR3;
extern const NomosRegressionOps NomosRegressionOps_STLSQ;

static const NomosRegressionOps *const nomos_regressions[] = {
  &NomosRegressionOps_Evidence,
  &NomosRegressionOps_FROLS,
  &NomosRegressionOps_Lasso,
  &NomosRegressionOps_MSTLS,
  &NomosRegressionOps_Ridge,
  &NomosRegressionOps_RVM,
  &NomosRegressionOps_RVMTopDown,
  &NomosRegressionOps_SR3,
  &NomosRegressionOps_STLSQ,
  NULL,
};

#endif
