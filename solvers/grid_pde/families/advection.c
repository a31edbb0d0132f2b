/* u_t + beta . grad u = 0: upwind fluxes, exact for the Riemann problem. */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

INLINE void Upwind(const Number c[], int n_dims, int axis, const Number left[], const Number right[], Number flux[])
{
  (void)n_dims;
  flux[0] = Mul(c[axis], Select(Less(Constant(0), c[axis]), left[0], right[0]));
}

NOMOS_PDE_FACES(Flux, Upwind, 1, 1, 1)

const NomosPdeKernels KIND(nomos_pde_advection_kernels) = {.flux = Flux};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_advection_kernels_dual;

INLINE Number Speed(const Number c[], int axis, const Number w[])
{
  (void)w;
  return Abs(c[axis]);
}

NOMOS_PDE_BOUNDS(Bounds, Speed, NoDiffusivity, NoRate, 1, 1, 1)

/* clang-format off */
static const NomosParam params[] = {
  {"advection.beta",   NOMOS_PARAM_REAL, "1", NULL, -DBL_MAX, DBL_MAX, NULL, true, "Velocity along x."},
  {"advection.beta_y", NOMOS_PARAM_REAL, "0", NULL, -DBL_MAX, DBL_MAX, NULL, true, "Velocity along y."},
  {"advection.beta_z", NOMOS_PARAM_REAL, "0", NULL, -DBL_MAX, DBL_MAX, NULL, true, "Velocity along z."},
};
/* clang-format on */

const NomosPdeFamily nomos_pde_advection = {
  .name      = "advection",
  .summary   = "A field carried by a constant velocity.",
  .reference = "doi:10.48550/arXiv.2210.07182",
  .equation  = "u_t + beta u_x + beta_y u_y + beta_z u_z = 0",
  .min_dims = 1, .max_dims = 3,
  .fields   = (const NomosPdeField[]){{"u", "1", "carried field", -1, false, "u"}},
  .n_fields = {0, 1, 1, 1},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_advection_kernels_value, &nomos_pde_advection_kernels_dual},
  .bounds   = Bounds,
};
#endif
