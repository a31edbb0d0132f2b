/* The stochastic ensemble Kalman filter: every member is pulled to observations with an error of its own,

     T_ij = delta_ij + (A^-1 Z^T W (y + e_j - H x_j))_i,     A = (k - 1) I + Z^T W Z

   which is K = B H^T (H B H^T + R)^-1 in the space of the ensemble. Burgers, van Leeuwen & Evensen (1998), doi:10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2. */
#include "solvers/assimilation/assimilation_impl.h"

static bool Weights(NomosLocalProblem *q)
{
  const size_t k = q->k;

  /* y + e_j - H x_j, over the errors */
  for (size_t o = 0; o < q->n; o++)
    for (size_t j = 0; j < k; j++) q->perturbation[o * k + j] += q->innovation[o] - q->z[o * k + j];
  NomosLocalMatrix(q, q->a);
  NomosLocalProject(q, k, q->perturbation, q->transform);
  if (!NomosLocalSolve(q, k, q->a, q->transform)) return false;
  for (size_t i = 0; i < k; i++) q->transform[i * k + i] += 1;
  return true;
}

const NomosAnalysisMethod nomos_enkf = {
  .name      = "enkf",
  .summary   = "Stochastic ensemble Kalman filter, with perturbed observations; localised where a radius is given.",
  .reference = "doi:10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2",
  .perturbed = true,
  .fewest    = 2,
  .weights   = Weights,
};
