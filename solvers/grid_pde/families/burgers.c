/* u_t + sum_a (u^2/2)_a = (nu/pi) lap u; the factor 1/pi is PDEBench's. Fluxes of Engquist & Osher (1981), doi:10.1090/S0025-5718-1981-0606500-X: no expansion shock. */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

#define PI 3.14159265358979323846

INLINE void EngquistOsher(const Number c[], int n_dims, int axis, const Number left[], const Number right[], Number flux[])
{
  (void)n_dims;
  (void)c;
  (void)axis;
  flux[0] = Scale(0.5, Add(Square(Max(left[0], Constant(0))), Square(Min(right[0], Constant(0)))));
}

INLINE void Viscous(const Number c[], int n_dims, int axis, const Number w[], const Number slope[], Number flux[])
{
  (void)n_dims;
  (void)axis;
  (void)w;
  flux[0] = Scale(1 / PI, Mul(c[0], slope[0]));
}

NOMOS_PDE_FACES(Flux, EngquistOsher, 1, 1, 1)

NOMOS_PDE_FACES(Diffusion, Viscous, 1, 1, 1)

const NomosPdeKernels KIND(nomos_pde_burgers_kernels) = {.flux = Flux, .diffusion = Diffusion};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_burgers_kernels_dual;

INLINE Number Speed(const Number c[], int axis, const Number w[])
{
  (void)c;
  (void)axis;
  return Abs(w[0]);
}

INLINE Number Diffusivity(const Number c[], const Number w[])
{
  (void)w;
  return Scale(1 / PI, c[0]);
}

NOMOS_PDE_BOUNDS(Bounds, Speed, Diffusivity, NoRate, 1, 1, 1)

static const NomosParam params[] = {{"burgers.nu", NOMOS_PARAM_REAL, "0.01", NULL, 0, DBL_MAX, NULL, true, "Viscosity times pi, as PDEBench has it: the diffusivity is nu/pi."}};

const NomosPdeFamily nomos_pde_burgers = {
  .name      = "burgers",
  .summary   = "Burgers' equation, viscous or not.",
  .reference = "doi:10.48550/arXiv.2210.07182",
  .equation  = "u_t + sum_a (u^2/2)_a = (nu/pi) lap u",
  .min_dims = 1, .max_dims = 3,
  .fields   = (const NomosPdeField[]){{"u", "1", "velocity", -1, false, "u"}},
  .n_fields = {0, 1, 1, 1},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_burgers_kernels_value, &nomos_pde_burgers_kernels_dual},
  .bounds   = Bounds,
};
#endif
