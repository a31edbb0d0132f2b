/* All of a deformation is elastic: F_e = F. */
#include "solvers/mpm/laws/written_law.h"

#include <string.h>

static void Copy(size_t n, size_t stride, const Real *from, Real *to)
{
  for (size_t e = 0; e < 9; e++) memmove(to + e * stride, from + e * stride, sizeof(Real) * n);
}

static void Apply(const double c[], size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (void)c, (void)kept;
  Copy(n, stride, F, y);
}

static void Jvp(const double c[], const double c_dot[], size_t n, size_t stride, const void *F, const void *F_dot, void *y_dot)
{
  (void)c, (void)c_dot, (void)F;
  Copy(n, stride, F_dot, y_dot);
}

static void Vjp(const double c[], size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double c_bar[])
{
  (void)c, (void)F, (void)kept, (void)c_bar;
  Copy(n, stride, y_bar, F_bar);
}

NOMOS_WRITTEN_KERNELS(nomos_identity_kernels);

#ifndef NOMOS_SINGLE
const NomosWrittenLaw nomos_identity = {
  .ops = {.name = "identity",
          .kind     = NOMOS_LAW_PLASTICITY,
          .promises = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_POTENTIAL,
          .summary  = "No plasticity: all of a deformation is elastic.",
          NOMOS_WRITTEN_OPS},
  .coefficients = NomosNoCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_identity_kernels),
};
#endif
