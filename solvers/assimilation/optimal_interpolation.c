/* Optimal interpolation, which is 3D-Var with a linear H: the covariance B is that of static states, such as those of a climate, times the factor of inflation,

     x^a = x^f + sum_i z_i (A^-1 Z^T W (y - H x^f))_i,     A = (k - 1) I + Z^T W Z

   Lorenc (1986), doi:10.1002/qj.49711247414; with covariances of an ensemble Evensen (2003), doi:10.1007/s10236-003-0036-9. */
#include "solvers/assimilation/assimilation_impl.h"

static bool Weights(NomosLocalProblem *q)
{
  NomosLocalMatrix(q, q->a);
  NomosLocalProject(q, q->m, q->innovation, q->transform);
  return NomosLocalSolve(q, q->m, q->a, q->transform);
}

const NomosAnalysisMethod nomos_optimal_interpolation = {
  .name      = "optimal_interpolation",
  .summary   = "Optimal interpolation (3D-Var): the covariance of the forecast's errors is that of states of a climate, times a factor (3dvar: of their spectrum).",
  .reference = "doi:10.1002/qj.49711247414",
  .is_static = true,
  .fewest    = 1,
  .weights   = Weights,
};
