/* Ridge regression of the weights of random Fourier features: (Phi^T Phi + Lambda) c = Phi^T values for all fields at once. */
#include "surrogates/interpolation/network_impl.h"

#include <math.h>
#include <petscblaslapack.h>

/* Of the mean precision to the mean square of a feature's sum: exact values are fitted to this. */
static const double least = 1e-12;

/* Phi (n, m) in columns: cosines, sines, 1. */
static void Features(const NomosPositionNetwork *net, const double waves[], double *phi)
{
  const size_t n = net->scatter->n, n_waves = net->features.n;

  for (size_t k = 0; k < n_waves; k++)
    for (size_t p = 0; p < n; p++) {
      const double angle = 2 * PETSC_PI * (waves[2 * k] * net->places[2 * p] + waves[2 * k + 1] * net->places[2 * p + 1]);
      phi[k * n + p]             = cos(angle);
      phi[(n_waves + k) * n + p] = sin(angle);
    }
  for (size_t p = 0; p < n; p++) phi[2 * n_waves * n + p] = 1;
}

PetscErrorCode NomosPositionNetworkRidge(NomosPositionNetwork *net, double slope)
{
  const size_t       n = net->scatter->n, n_waves = net->features.n, m = 2 * n_waves + 1, n_fields = net->scatter->n_fields;
  const PetscBLASInt rows = (PetscBLASInt)n, columns = (PetscBLASInt)m, fields = (PetscBLASInt)n_fields;
  const double       one = 1, zero = 0;
  NomosParameter     waves;
  PetscBLASInt       info;
  double            *phi, *gram, *c, *weight, noise = 0, total = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersGet(net->parameters, net->features.frequencies, &waves));
  PetscCall(PetscMalloc4(n * m, &phi, m * m, &gram, m * n_fields, &c, m * n_fields, &weight));
  Features(net, waves.values, phi);
  for (size_t f = 0; f < n_fields && net->scatter->deviation; f++) noise = fmax(noise, net->scatter->deviation[f] / net->deviation[f]);
  PetscCallBLAS("BLASsyrk", BLASsyrk_("L", "T", &columns, &rows, &one, phi, &rows, &zero, gram, &columns));
  for (size_t i = 0; i < m; i++) /* right-hand sides: values are (n, n_fields) in rows, that is their transpose in columns */
    for (size_t f = 0; f < n_fields; f++) {
      double sum = 0;
      for (size_t p = 0; p < n; p++) sum += phi[i * n + p] * net->values[p * n_fields + f];
      c[f * m + i] = sum;
    }
  for (size_t k = 0; k < n_waves; k++) {
    const double *b = (const double *)waves.values + 2 * k;
    weight[k] = weight[n_waves + k] = pow(1 + b[0] * b[0] + b[1] * b[1], slope / 2);
    total += 1 / weight[k];
  }
  weight[2 * n_waves] = 0;
  for (size_t i = 0; i < m; i++) gram[i * m + i] += (noise * noise + least) * total * weight[i] + 1e-14 * (double)n; /* the prior has variance 1 */
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &columns, gram, &columns, &info));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_MAT_CH_ZRPVT, "interpolation: the %zu features are not independent on %zu points (potrf: %d); take fewer, or a smaller slope", m, n, (int)info);
  PetscCallBLAS("LAPACKpotrs", LAPACKpotrs_("L", &columns, &fields, gram, &columns, c, &columns, &info));
  for (size_t f = 0; f < n_fields; f++)
    for (size_t i = 0; i < 2 * n_waves; i++) weight[f * 2 * n_waves + i] = c[f * m + i];
  PetscCall(NomosParametersSet(net->parameters, net->mlp.layers[0].weight, weight)); /* [n_fields, 2 n_waves] */
  for (size_t f = 0; f < n_fields; f++) weight[f] = c[f * m + 2 * n_waves];
  PetscCall(NomosParametersSet(net->parameters, net->mlp.layers[0].bias, weight));
  PetscCall(PetscFree4(phi, gram, c, weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}
