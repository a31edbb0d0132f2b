/* Moving least squares at one point, of fewer terms where its neighbours lie on a plane or a line. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include <math.h>
#include <string.h>

/* Of the directions in which neighbours extend, those below this part of the widest (in the square) carry no slope: it would be that of rounding, or of noise. Extents are of places, not of weights: a far neighbour that counts little is
   still what tells a slope, where it is the only one aside. */
static const double flat = 1e-3;

/* Eigenvalues (descending is not needed) and, as columns of q, eigenvectors of a symmetric matrix by Jacobi's rotations. */
static void Eigen(int d, double a[3][3], double lambda[3], double q[3][3])
{
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) q[i][j] = i == j;
  for (int sweep = 0; sweep < 12; sweep++)
    for (int i = 0; i + 1 < d; i++)
      for (int j = i + 1; j < d; j++) {
        if (a[i][j] == 0) continue;
        const double theta = (a[j][j] - a[i][i]) / (2 * a[i][j]), t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < d; k++) {
          const double p = a[k][i], r = a[k][j];
          a[k][i] = c * p - s * r;
          a[k][j] = s * p + c * r;
        }
        for (int k = 0; k < d; k++) {
          const double p = a[i][k], r = a[j][k];
          a[i][k] = c * p - s * r;
          a[j][k] = s * p + c * r;
        }
        for (int k = 0; k < d; k++) {
          const double p = q[k][i], r = q[k][j];
          q[k][i] = c * p - s * r;
          q[k][j] = s * p + c * r;
        }
      }
  for (int i = 0; i < d; i++) lambda[i] = a[i][i];
}

static double Distance(int d, const double a[], const double b[])
{
  double square = 0;

  for (int i = 0; i < d; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(square);
}

/* Of r in units of the farthest neighbour's distance. */
static double Weight(const NomosLocalShape *shape, double r)
{
  const double s = r / shape->width;

  if (shape->weight == NOMOS_LOCAL_GAUSSIAN) return exp(-s * s);
  if (shape->weight == NOMOS_LOCAL_QUARTIC) return (1 - s * s) * (1 - s * s);
  return s >= 1 ? 1e-12 : s < 0.5 ? 1 - 6 * s * s * (1 - s) : 2 * (1 - s) * (1 - s) * (1 - s);
}

void NomosLocalBasisMake(const NomosParticleReference *r, const NomosNeighbours *neighbours, size_t point, const NomosLocalShape *shape, NomosLocalBasis *basis)
{
  const int      d    = r->d;
  const size_t   from = neighbours->first[point], k = neighbours->first[point + 1] - from;
  const double  *X    = r->X + point * (size_t)d, *Y[NOMOS_LOCAL_MOST];
  double         far = 0, sum = 0, c[3] = {0, 0, 0}, moments[3][3] = {{0}}, lambda[3], q[3][3], extent[3] = {0, 0, 0}, widest = 0;

  memset(basis, 0, sizeof *basis);
  for (size_t j = 0; j < k; j++) {
    Y[j] = r->Y + (size_t)neighbours->neighbour[from + j] * (size_t)d;
    far  = fmax(far, Distance(d, X, Y[j]));
  }
  for (size_t j = 0; j < k; j++) sum += basis->weight[j] = far > 0 ? Weight(shape, Distance(d, X, Y[j]) / far) : 1;
  for (size_t j = 0; j < k; j++) {
    basis->weight[j] /= sum;
    for (int a = 0; a < d; a++) c[a] += basis->weight[j] * Y[j][a];
  }
  for (size_t j = 0; j < k; j++)
    for (int a = 0; a < d; a++)
      for (int b = 0; b < d; b++) moments[a][b] += basis->weight[j] * (Y[j][a] - c[a]) * (Y[j][b] - c[b]);
  Eigen(d, moments, lambda, q);
  for (int i = 0; i < d; i++) {
    for (size_t j = 0; j < k; j++) {
      double along = 0;
      for (int a = 0; a < d; a++) along += q[a][i] * (Y[j][a] - c[a]);
      extent[i] = fmax(extent[i], along * along);
    }
    widest = fmax(widest, extent[i]);
  }
  for (int i = 0; i < d; i++) {
    basis->kept[i] = extent[i] > flat * widest && lambda[i] > 0;
    if (!basis->kept[i]) continue;
    const double scale = 1 / sqrt(lambda[i]);
    for (int a = 0; a < d; a++) basis->at[i] += scale * q[a][i] * (X[a] - c[a]);
    for (size_t j = 0; j < k; j++)
      for (int a = 0; a < d; a++) basis->columns[j][i] += scale * q[a][i] * (Y[j][a] - c[a]);
  }
}

void NomosLocalRow(const void *context, const NomosParticleReference *r, const NomosNeighbours *n, size_t point, double values[])
{
  const size_t    from = n->first[point], k = n->first[point + 1] - from;
  NomosLocalBasis basis;

  NomosLocalBasisMake(r, n, point, context, &basis);
  for (size_t j = 0; j < k; j++) {
    double sum = 1;
    for (int i = 0; i < r->d; i++) sum += basis.at[i] * basis.columns[j][i];
    values[from + j] = basis.weight[j] * sum;
  }
}
