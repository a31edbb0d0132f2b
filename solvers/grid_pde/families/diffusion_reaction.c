/* u_t = D_u lap u + u - u^3 - k - v,   v_t = D_v lap v + u - v: FitzHugh & Nagumo, doi:10.1016/S0006-3495(61)86902-6; constants of PDEBench, doi:10.48550/arXiv.2210.07182. */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

INLINE void Gradient(const Number c[], int n_dims, int axis, const Number w[], const Number slope[], Number flux[])
{
  (void)n_dims;
  (void)axis;
  (void)w;
  for (int k = 0; k < 2; k++) flux[k] = Mul(c[k], slope[k]);
}

INLINE void FitzHughNagumo(const Number c[], int n_dims, const Number w[], Number s[])
{
  (void)n_dims;
  s[0] = Sub(Sub(Sub(w[0], Mul(w[0], Square(w[0]))), c[2]), w[1]);
  s[1] = Sub(w[0], w[1]);
}

NOMOS_PDE_FACES(Diffusion, Gradient, 2, 2, 2)

NOMOS_PDE_POINTS(Source, FitzHughNagumo, 2, 2, 2)

const NomosPdeKernels KIND(nomos_pde_diffusion_reaction_kernels) = {.diffusion = Diffusion, .source = Source};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_diffusion_reaction_kernels_dual;

INLINE Number Diffusivity(const Number c[], const Number w[])
{
  (void)w;
  return Max(c[0], c[1]);
}

INLINE Number Rate(const Number c[], const Number w[])
{
  (void)c;
  return Add(Constant(2), Abs(Sub(Constant(1), Scale(3, Square(w[0])))));
}

NOMOS_PDE_BOUNDS(Bounds, NoSpeed, Diffusivity, Rate, 2, 2, 2)

/* clang-format off */
static const NomosParam params[] = {
  {"diffusion_reaction.d_u", NOMOS_PARAM_REAL, "1e-3", NULL, 0, DBL_MAX, NULL, true, "Diffusivity of the activator u."},
  {"diffusion_reaction.d_v", NOMOS_PARAM_REAL, "5e-3", NULL, 0, DBL_MAX, NULL, true, "Diffusivity of the inhibitor v."},
  {"diffusion_reaction.k",   NOMOS_PARAM_REAL, "5e-3", NULL, -DBL_MAX, DBL_MAX, NULL, true, "Constant of the reaction."},
};
/* clang-format on */

const NomosPdeFamily nomos_pde_diffusion_reaction = {
  .name      = "diffusion_reaction",
  .summary   = "Activator and inhibitor (FitzHugh-Nagumo).",
  .reference = "doi:10.1016/S0006-3495(61)86902-6",
  .equation  = "u_t = d_u lap u + u - u^3 - k - v, v_t = d_v lap v + u - v",
  .min_dims = 1, .max_dims = 3,
  .fields   = (const NomosPdeField[]){{"u", "1", "activator", -1, false, "u"}, {"v", "1", "inhibitor", -1, false, "v"}},
  .n_fields = {0, 2, 2, 2},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_diffusion_reaction_kernels_value, &nomos_pde_diffusion_reaction_kernels_dual},
  .bounds   = Bounds,
};
#endif
