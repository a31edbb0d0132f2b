/* R(u) u_t = D u_xx,  R(u) = 1 + (1 - phi)/phi rho k n_f (u + 1e-6)^(n_f - 1): diffusion that a soil retards (Freundlich). Constants of PDEBench, doi:10.48550/arXiv.2210.07182. */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

enum { D, POROSITY, DENSITY, K, N_F };

INLINE void Gradient(const Number c[], int n_dims, int axis, const Number w[], const Number slope[], Number flux[])
{
  (void)n_dims;
  (void)axis;
  (void)w;
  flux[0] = Mul(c[D], slope[0]);
}

INLINE void Retardation(const Number c[], int n_dims, const Number w[], Number r[])
{
  (void)n_dims;
  const Number voids = Div(Sub(Constant(1), c[POROSITY]), c[POROSITY]);
  r[0] = Add(Constant(1), Mul(Mul(voids, Mul(c[DENSITY], Mul(c[K], c[N_F]))), Power(Add(Max(w[0], Constant(0)), Constant(1e-6)), Sub(c[N_F], Constant(1)))));
}

NOMOS_PDE_FACES(Diffusion, Gradient, 1, 1, 1)

NOMOS_PDE_POINTS(Capacity, Retardation, 1, 1, 1)

const NomosPdeKernels KIND(nomos_pde_diffusion_sorption_kernels) = {.diffusion = Diffusion, .capacity = Capacity};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_diffusion_sorption_kernels_dual;

INLINE Number Diffusivity(const Number c[], const Number w[])
{
  Number r;
  Retardation(c, 1, w, &r);
  return Div(c[D], r);
}

NOMOS_PDE_BOUNDS(Bounds, NoSpeed, Diffusivity, NoRate, 1, 1, 1)

/* clang-format off */
static const NomosParam params[] = {
  {"diffusion_sorption.d",        NOMOS_PARAM_REAL, "5e-4",   NULL, 0, DBL_MAX, NULL, true, "Diffusivity in the water."},
  {"diffusion_sorption.porosity", NOMOS_PARAM_REAL, "0.29",   NULL, 1e-6, 1,    NULL, true, "Porosity."},
  {"diffusion_sorption.density",  NOMOS_PARAM_REAL, "2880",   NULL, 0, DBL_MAX, NULL, true, "Density of the grains."},
  {"diffusion_sorption.k",        NOMOS_PARAM_REAL, "3.5e-4", NULL, 0, DBL_MAX, NULL, true, "Freundlich's coefficient."},
  {"diffusion_sorption.n_f",      NOMOS_PARAM_REAL, "0.874",  NULL, 0.01, 10,   NULL, true, "Freundlich's exponent."},
};
/* clang-format on */

const NomosPdeFamily nomos_pde_diffusion_sorption = {
  .name      = "diffusion_sorption",
  .summary   = "Diffusion of a solute that sticks to the soil.",
  .reference = "doi:10.48550/arXiv.2210.07182",
  .equation  = "R(u) u_t = D lap u, R = 1 + (1 - porosity)/porosity density k n_f (u + 1e-6)^(n_f - 1)",
  .min_dims = 1, .max_dims = 3,
  .fields   = (const NomosPdeField[]){{"u", "1", "concentration", -1, false, "u"}},
  .n_fields = {0, 1, 1, 1},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_diffusion_sorption_kernels_value, &nomos_pde_diffusion_sorption_kernels_dual},
  .bounds   = Bounds,
};
#endif
