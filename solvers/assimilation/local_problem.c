/* The analysis at one column: the observations within its radius, with their weights, and the small system in the space of the members. */
#include "solvers/assimilation/assimilation_impl.h"

#include <math.h>
#include <petscblaslapack.h>
#include <string.h>

double NomosGaspariCohn(double distance, double radius)
{
  const double z = 2 * fabs(distance) / radius;

  if (z >= 2) return 0;
  if (z <= 1) return 1 + z * z * (-5. / 3 + z * (5. / 8 + z * (0.5 - z / 4)));
  return fmax(0, 4 - 5 * z + z * z * (5. / 3 + z * (5. / 8 + z * (-0.5 + z / 12))) - 2 / (3 * z));
}

static double Apart(double a, double b, double period)
{
  const double apart = fabs(a - b);

  return period > 0 ? fabs(apart - period * round(apart / period)) : apart;
}

void NomosAnalysisPick(const NomosAnalysisFrame *frame, size_t column, bool all, NomosLocalProblem *q)
{
  const NomosObservationSet *set    = frame->set;
  const NomosAnalysisPlaces *places = frame->analysis->input.places;
  const double               radius = frame->analysis->input.radius;

  q->n = 0;
  for (size_t o = 0; o < set->n; o++) {
    double weight = 1;
    if (!all) {
      const double dx = Apart(set->x[o], places->x[column], places->period[0]);
      if (dx >= radius) continue;
      weight = NomosGaspariCohn(hypot(dx, Apart(set->y[o], places->y[column], places->period[1])), radius);
    }
    if (weight <= 0) continue;
    q->picked[q->n]   = o;
    q->weight[q->n++] = weight;
  }
}

void NomosLocalMatrix(const NomosLocalProblem *q, double *a)
{
  const size_t k = q->k;

  memset(a, 0, sizeof *a * k * k);
  for (size_t o = 0; o < q->n; o++) {
    const double *z = q->z + o * k;
    for (size_t i = 0; i < k; i++) {
      const double part = q->precision[o] * z[i];
      for (size_t j = 0; j <= i; j++) a[i * k + j] += part * z[j];
    }
  }
  for (size_t i = 0; i < k; i++) {
    a[i * k + i] += (double)(k - 1);
    for (size_t j = 0; j < i; j++) a[j * k + i] = a[i * k + j];
  }
}

void NomosLocalProject(const NomosLocalProblem *q, size_t n_d, const double *d, double *b)
{
  memset(b, 0, sizeof *b * q->k * n_d);
  for (size_t o = 0; o < q->n; o++)
    for (size_t i = 0; i < q->k; i++) {
      const double part = q->precision[o] * q->z[o * q->k + i];
      for (size_t j = 0; j < n_d; j++) b[i * n_d + j] += part * d[o * n_d + j];
    }
}

/* a = L L^T; then L and L^T are solved for all columns of b at once. */
bool NomosLocalSolve(const NomosLocalProblem *q, size_t n_d, double *a, double *b)
{
  const size_t k     = q->k;
  PetscBLASInt order = (PetscBLASInt)k, info;

  LAPACKpotrf_("U", &order, a, &order, &info); /* column by column the upper triangle is, row by row, the lower one */
  if (info) return false;
  for (size_t i = 0; i < k; i++) {
    for (size_t l = 0; l < i; l++)
      for (size_t j = 0; j < n_d; j++) b[i * n_d + j] -= a[i * k + l] * b[l * n_d + j];
    for (size_t j = 0; j < n_d; j++) b[i * n_d + j] /= a[i * k + i];
  }
  for (size_t i = k; i-- > 0;) {
    for (size_t l = i + 1; l < k; l++)
      for (size_t j = 0; j < n_d; j++) b[i * n_d + j] -= a[l * k + i] * b[l * n_d + j];
    for (size_t j = 0; j < n_d; j++) b[i * n_d + j] /= a[i * k + i];
  }
  for (size_t i = 0; i < k * n_d; i++)
    if (!isfinite(b[i])) return false;
  return true;
}
