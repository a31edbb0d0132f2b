/* What a fluid keeps of a deformation is its volume: F_e = J^(1/3) I. It forgets the rotation too, on which no stress of a fluid depends. NaN for J <= 0. Ma et al. (2023), doi:10.48550/arXiv.2304.14369. */
#include "solvers/mpm/laws/volumetric.h"

INLINE Real Root(const Real c[], Real J)
{
  (void)c;
  return REAL_MATH(exp)(REAL_MATH(log)(J) / 3);
}
INLINE Volumetric RootSlopes(const Real c[], Real J)
{
  Volumetric of;
  of.by_J = Root(c, J) / (3 * J);
  return of;
}

static void Apply(const double c[], size_t n, size_t stride, const void *F, void *y, void *kept)
{
  (void)kept;
  VolumetricApply(Root, c, n, stride, F, y);
}

static void Jvp(const double c[], const double c_dot[], size_t n, size_t stride, const void *F, const void *F_dot, void *y_dot)
{
  VolumetricJvp(RootSlopes, 0, c, c_dot, n, stride, F, F_dot, y_dot);
}

static void Vjp(const double c[], size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double c_bar[])
{
  (void)kept;
  VolumetricVjp(RootSlopes, 0, c, n, stride, F, y_bar, F_bar, c_bar);
}

NOMOS_WRITTEN_KERNELS(nomos_fluid_volume_kernels);

#ifndef NOMOS_SINGLE

const NomosWrittenLaw nomos_fluid_volume = {
  .ops = {.name = "fluid_volume",
          .kind      = NOMOS_LAW_PLASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_POTENTIAL | NOMOS_LAW_FORGETS_ROTATION,
          .summary   = "What a fluid keeps of a deformation: its volume alone, F_e = J^(1/3) I.",
          .reference = "Ma et al. (2023), doi:10.48550/arXiv.2304.14369",
          NOMOS_WRITTEN_OPS},
  .coefficients = NomosNoCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_fluid_volume_kernels),
};
#endif
