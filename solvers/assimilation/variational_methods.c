/* 3D-Var and 4D-Var among the methods of analysis. They need the model, so that whoever has it makes the analysis (variational.h); here are their names. */
#include "solvers/assimilation/assimilation_impl.h"

const NomosAnalysisMethod nomos_3dvar = {
  .name        = "3dvar",
  .summary     = "3D-Var: the covariance of the forecast's errors has the spectrum of the climate, times a factor.",
  .reference   = "doi:10.1002/qj.49711247414",
  .is_static   = true,
  .fewest      = 1,
  .variational = NOMOS_3DVAR,
};

const NomosAnalysisMethod nomos_4dvar = {
  .name        = "4dvar",
  .summary     = "4D-Var with strong constraint: a window's initial state is such that the model's trajectory fits all that is seen in the window.",
  .reference   = "doi:10.1002/qj.49712051912",
  .is_static   = true,
  .fewest      = 1,
  .variational = NOMOS_4DVAR,
};

const NomosAnalysisMethod nomos_weak_4dvar = {
  .name        = "weak_4dvar",
  .summary     = "4D-Var with weak constraint: the model's errors from one look to the next are found as well.",
  .reference   = "doi:10.1256/qj.05.224",
  .is_static   = true,
  .fewest      = 1,
  .variational = NOMOS_WEAK_4DVAR,
};
