/* u_t = nu lap u + rho u (1 - u): Fisher (1937), Kolmogorov, Petrovsky & Piskunov (1937); doi:10.1111/j.1469-1809.1937.tb02153.x */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

INLINE void Gradient(const Number c[], int n_dims, int axis, const Number w[], const Number slope[], Number flux[])
{
  (void)n_dims;
  (void)axis;
  (void)w;
  flux[0] = Mul(c[0], slope[0]);
}

INLINE void Logistic(const Number c[], int n_dims, const Number w[], Number s[])
{
  (void)n_dims;
  s[0] = Mul(c[1], Mul(w[0], Sub(Constant(1), w[0])));
}

NOMOS_PDE_FACES(Diffusion, Gradient, 1, 1, 1)

NOMOS_PDE_POINTS(Source, Logistic, 1, 1, 1)

const NomosPdeKernels KIND(nomos_pde_reaction_diffusion_kernels) = {.diffusion = Diffusion, .source = Source};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_reaction_diffusion_kernels_dual;

INLINE Number Diffusivity(const Number c[], const Number w[])
{
  (void)w;
  return c[0];
}

/* |1 - 2 u| vanishes at 1/2, which u leaves within the step for an end where it is 1. */
INLINE Number Rate(const Number c[], const Number w[])
{
  return Mul(c[1], Max(Constant(1), Abs(Sub(Constant(1), Scale(2, w[0])))));
}

NOMOS_PDE_BOUNDS(Bounds, NoSpeed, Diffusivity, Rate, 1, 1, 1)

/* clang-format off */
static const NomosParam params[] = {
  {"reaction_diffusion.nu",  NOMOS_PARAM_REAL, "0.5", NULL, 0, DBL_MAX, NULL, true, "Diffusivity."},
  {"reaction_diffusion.rho", NOMOS_PARAM_REAL, "1",   NULL, 0, DBL_MAX, NULL, true, "Rate of growth."},
};
/* clang-format on */

const NomosPdeFamily nomos_pde_reaction_diffusion = {
  .name      = "reaction_diffusion",
  .summary   = "Logistic growth that spreads (Fisher, Kolmogorov, Petrovsky, Piskunov).",
  .reference = "doi:10.1111/j.1469-1809.1937.tb02153.x",
  .equation  = "u_t = nu lap u + rho u (1 - u)",
  .min_dims = 1, .max_dims = 3,
  .fields   = (const NomosPdeField[]){{"u", "1", "density", -1, false, "u"}},
  .n_fields = {0, 1, 1, 1},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_reaction_diffusion_kernels_value, &nomos_pde_reaction_diffusion_kernels_dual},
  .bounds   = Bounds,
  .waves    = (const double[][2]){{0, 1}},
};
#endif
