/* The ensemble transform filter, of all observations (etkf) or of those around each place (letkf): with A = (k - 1) I + Z^T W Z,

     w = A^-1 Z^T W d,     T = 1 w^T + ((k - 1) A^-1)^(1/2)       the symmetric root: members move as little as possible, and their mean is that of w

   Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008, eqs. 20-25; Bishop, Etherton & Majumdar (2001), doi:10.1175/1520-0493(2001)129<0420:ASWTET>2.0.CO;2. */
#include "solvers/assimilation/assimilation_impl.h"

#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

static bool Weights(NomosLocalProblem *q)
{
  const size_t k     = q->k;
  PetscBLASInt order = (PetscBLASInt)k, n_work = q->n_work, info;
  double      *u = q->a, *b = q->b;

  NomosLocalMatrix(q, u);
  NomosLocalProject(q, 1, q->innovation, b);
  LAPACKsyev_("V", "U", &order, u, &order, q->values, q->work, &n_work, &info);
  if (info) return false;
  for (size_t i = 0; i < k; i++)
    if (!(q->values[i] > 0)) return false;
  /* row e of u is eigenvector e */
  double *w = q->work;
  memset(w, 0, sizeof *w * k);
  memset(q->transform, 0, sizeof *q->transform * k * k);
  for (size_t e = 0; e < k; e++) {
    const double *v = u + e * k, root = sqrt((double)(k - 1) / q->values[e]);
    double        along = 0;
    for (size_t i = 0; i < k; i++) along += v[i] * b[i];
    along /= q->values[e];
    for (size_t i = 0; i < k; i++) w[i] += along * v[i];
    for (size_t i = 0; i < k; i++) {
      const double part = root * v[i];
      double      *row  = q->transform + i * k;
      for (size_t j = 0; j < k; j++) row[j] += part * v[j];
    }
  }
  for (size_t i = 0; i < k; i++)
    for (size_t j = 0; j < k; j++) q->transform[i * k + j] += w[i];
  return true;
}

const NomosAnalysisMethod nomos_etkf = {
  .name      = "etkf",
  .summary   = "Ensemble transform Kalman filter: all observations count everywhere, unless a radius is given.",
  .reference = "doi:10.1175/1520-0493(2001)129<0420:ASWTET>2.0.CO;2",
  .fewest    = 2,
  .weights   = Weights,
};

const NomosAnalysisMethod nomos_letkf = {
  .name      = "letkf",
  .summary   = "Local ensemble transform Kalman filter: at each place the observations within a radius count.",
  .reference = "doi:10.1016/j.physd.2006.11.008",
  .local     = true,
  .fewest    = 2,
  .weights   = Weights,
};
