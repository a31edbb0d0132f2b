/* Looks at all particles that are taken every step, or every few: they must cost nothing beside it. */
#include "operators/real.h"
#include "solvers/mpm/mpm_impl.h"

enum { LANES = 32 };

/* In many lanes; a number that is none is passed over. */
void NAME(NomosMpmExtent)(size_t n, const void *entries, double *low, double *high)
{
  const Real *x = entries;
  Real        least[LANES], most[LANES];

  for (size_t l = 0; l < LANES; l++) least[l] = most[l] = x[0];
  for (size_t k = 0; k + LANES <= n; k += LANES)
    for (size_t l = 0; l < LANES; l++) {
      least[l] = x[k + l] < least[l] ? x[k + l] : least[l];
      most[l]  = x[k + l] > most[l] ? x[k + l] : most[l];
    }
  for (size_t k = n / LANES * LANES; k < n; k++) {
    least[0] = x[k] < least[0] ? x[k] : least[0];
    most[0]  = x[k] > most[0] ? x[k] : most[0];
  }
  for (size_t l = 0; l < LANES; l++) {
    *low  = least[l] < *low ? least[l] : *low;
    *high = most[l] > *high ? most[l] : *high;
  }
}

bool NAME(NomosMpmSound)(size_t n, size_t n_entries, const void *state)
{
  const Real *x = state, *F = x + (n_entries - 9) * n;
  size_t      bad = 0;

  for (size_t i = 0; i < n_entries * n; i++) bad += !(x[i] - x[i] == 0);
  for (size_t k = 0; k < n; k++) {
    const Real a = F[k], b = F[n + k], c = F[2 * n + k], d = F[3 * n + k], e = F[4 * n + k], f = F[5 * n + k], g = F[6 * n + k], h = F[7 * n + k], i = F[8 * n + k];
    bad += !(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) > 0);
  }
  return bad == 0;
}
