/* Compressible flow of an ideal gas, w = (density, pressure, velocities), u = (density, energy, momenta):

     rho_t + div(rho v) = 0,   (rho v)_t + div(rho v v + p) = div tau,   E_t + div((E + p) v) = div(tau v),   E = p/(gamma - 1) + rho |v|^2/2

   with tau along an axis alone, as PDEBench: rho (4/3 eta + zeta) dv_n/dx_n normal and rho eta dv_t/dx_n across it (kinematic viscosities, no mixed derivatives), no conduction of heat. Its scheme
   splits tau and its work from the rest (tests/test_pdebench_gas.c). Fluxes: HLLC, Toro, Spruce & Speares (1994), doi:10.1007/BF01414629, with the speeds of Batten et al. (1997), doi:10.1137/S1064827593260140. */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

enum { RHO, P, V };
enum { GAMMA, ETA, ZETA };

INLINE void Conserved(const Number c[], int n_dims, const Number w[], Number u[])
{
  Number square = Constant(0);

  for (int a = 0; a < n_dims; a++) {
    u[V + a] = Mul(w[RHO], w[V + a]);
    square   = Add(square, Square(w[V + a]));
  }
  u[RHO] = w[RHO];
  u[P]   = Add(Mul(w[P], Inverse(Sub(c[GAMMA], Constant(1)))), Scale(0.5, Mul(w[RHO], square)));
}

INLINE void Primitive(const Number c[], int n_dims, const Number u[], Number w[])
{
  const Number per    = Inverse(u[RHO]);
  Number       square = Constant(0);

  for (int a = 0; a < n_dims; a++) {
    w[V + a] = Mul(u[V + a], per);
    square   = Add(square, Square(w[V + a]));
  }
  w[RHO] = u[RHO];
  w[P]   = Mul(Sub(c[GAMMA], Constant(1)), Sub(u[P], Scale(0.5, Mul(u[RHO], square))));
}

/* The flux of one side, in the frame of the face. */
INLINE void Physical(int n_dims, int axis, const Number w[], const Number u[], Number f[])
{
  const Number v = w[V + axis];

  f[RHO] = u[V + axis];
  f[P]   = Mul(Add(u[P], w[P]), v);
  for (int a = 0; a < n_dims; a++) f[V + a] = a == axis ? Add(Mul(u[V + a], v), w[P]) : Mul(u[V + a], v);
}

INLINE void Hllc(const Number c[], int n_dims, int axis, const Number left[], const Number right[], Number flux[])
{
  Number u[2][V + NOMOS_PDE_MAX_DIMS], f[2][V + NOMOS_PDE_MAX_DIMS], kinetic = Constant(0);

  Conserved(c, n_dims, left, u[0]);
  Conserved(c, n_dims, right, u[1]);
  Physical(n_dims, axis, left, u[0], f[0]);
  Physical(n_dims, axis, right, u[1], f[1]);
  const Number v[2] = {left[V + axis], right[V + axis]}, per[2] = {Inverse(left[RHO]), Inverse(right[RHO])};
  /* Roe's mean, and the speeds of the outer waves */
  const Number root[2] = {Sqrt(left[RHO]), Sqrt(right[RHO])}, weight = Div(root[0], Add(root[0], root[1])), other = Sub(Constant(1), weight);
  for (int a = 0; a < n_dims; a++) kinetic = Add(kinetic, Scale(0.5, Square(Add(Mul(weight, left[V + a]), Mul(other, right[V + a])))));
  const Number mean = Add(Mul(weight, v[0]), Mul(other, v[1])), h = Add(Mul(weight, Mul(Add(u[0][P], left[P]), per[0])), Mul(other, Mul(Add(u[1][P], right[P]), per[1])));
  const Number sound = Sqrt(Mul(Sub(c[GAMMA], Constant(1)), Sub(h, kinetic)));
  const Number slow = Min(Sub(v[0], Sqrt(Mul(Mul(c[GAMMA], left[P]), per[0]))), Sub(mean, sound)), fast = Max(Add(v[1], Sqrt(Mul(Mul(c[GAMMA], right[P]), per[1]))), Add(mean, sound));
  /* the speed of the contact */
  const Number a0 = Mul(left[RHO], Sub(slow, v[0])), a1 = Mul(right[RHO], Sub(fast, v[1]));
  const Number contact = Div(Add(Sub(right[P], left[P]), Sub(Mul(a0, v[0]), Mul(a1, v[1]))), Sub(a0, a1));
  /* between the outer wave of the side and the contact: f + s (u* - u) */
  const Condition side = Less(contact, Constant(0)); /* the right one */
  const Number    s = Select(side, fast, slow), vs = Select(side, v[1], v[0]), p = Select(side, right[P], left[P]), mass = Select(side, a1, a0), ahead = Sub(s, contact);
  const Number    both = Inverse(Mul(mass, ahead)), rho = Mul(Square(mass), both); /* one division for 1/mass and 1/(s - contact) */
  const Condition outside = Less(Constant(0), Select(side, Scale(-1, fast), slow));
  for (int k = 0; k < V + n_dims; k++) {
    const Number uk = Select(side, u[1][k], u[0][k]), fk = Select(side, f[1][k], f[0][k]);
    Number       star;
    if (k == RHO) star = rho;
    else if (k == P) {
      const Number per_density = Select(side, per[1], per[0]);
      star                     = Mul(rho, Add(Mul(uk, per_density), Mul(Sub(contact, vs), Add(contact, Mul(p, Mul(both, ahead))))));
    } else star = k == V + axis ? Mul(rho, contact) : Mul(rho, Select(side, right[k], left[k]));
    flux[k] = Select(outside, fk, Add(fk, Mul(s, Sub(star, uk))));
  }
}

/* Positivity. Of a cell with reconstructed states u- and u+ at its faces a third state, 2 u - (u- + u+)/2, must be a gas too: then a substep makes a mean of states of Riemann problems of the cell's own
   (Perthame & Shu 1996, doi:10.1007/s002110050187; Zhang & Shu 2010, doi:10.1016/j.jcp.2010.08.016), which HLLC keeps positive. With half slopes a, b, d of density, velocity and pressure its density is rho, and its pressure

     p - (gamma - 1) rho |b|^2/2 (1 + a^2/rho^2)

   so b is shortened to where that is positive, as are a below rho and d below p, where a reconstruction without a limiter may be so bold. That needs jumps of velocity as large as the speed of sound. */
INLINE void Limit(const Number c[], int n_dims, int axis, const Number cell[], const Number side[], Number out[])
{
  (void)axis;
  Number square = Constant(0);

  for (int k = RHO; k <= P; k++) {
    const Number most = Scale(0.999, cell[k]), slope = Sub(side[k], cell[k]);
    out[k] = Select(Less(most, slope), Add(cell[k], most), Select(Less(slope, Scale(-1, most)), Sub(cell[k], most), side[k]));
  }
  for (int a = 0; a < n_dims; a++) square = Add(square, Square(Sub(side[V + a], cell[V + a])));
  const Number    lever = Mul(Sub(c[GAMMA], Constant(1)), Add(Square(cell[RHO]), Square(Sub(out[RHO], cell[RHO])))), room = Scale(1.998, Mul(cell[P], cell[RHO])), need = Mul(lever, square);
  const Condition bold  = Less(room, need);
  const Number    factor = Sqrt(Mul(room, Inverse(Select(bold, need, room))));
  for (int a = 0; a < n_dims; a++) out[V + a] = Select(bold, Add(cell[V + a], Mul(factor, Sub(side[V + a], cell[V + a]))), side[V + a]);
}

INLINE void Viscous(const Number c[], int n_dims, int axis, const Number w[], const Number slope[], Number flux[])
{
  flux[RHO] = Constant(0);
  flux[P]   = Constant(0);
  for (int a = 0; a < n_dims; a++) {
    const Number viscosity = a == axis ? Add(Scale(4. / 3, c[ETA]), c[ZETA]) : c[ETA];
    flux[V + a]            = Mul(Mul(w[RHO], viscosity), slope[V + a]);
    flux[P]                = Add(flux[P], Mul(flux[V + a], w[V + a]));
  }
}

NOMOS_PDE_POINTS(ToPrimitive, Primitive, 3, 4, 5)
NOMOS_PDE_POINTS(ToConserved, Conserved, 3, 4, 5)
NOMOS_PDE_FACES(Flux, Hllc, 3, 4, 5)
NOMOS_PDE_FACES(Limited, Limit, 3, 4, 5)
NOMOS_PDE_FACES(Diffusion, Viscous, 3, 4, 5)

const NomosPdeKernels KIND(nomos_pde_compressible_kernels) = {.primitive = ToPrimitive, .conserved = ToConserved, .flux = Flux, .limit = Limited, .diffusion = Diffusion};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_compressible_kernels_dual;

INLINE Number Speed(const Number c[], int axis, const Number w[])
{
  return Add(Abs(w[V + axis]), Sqrt(Div(Mul(c[GAMMA], w[P]), w[RHO])));
}

INLINE Number Diffusivity(const Number c[], const Number w[])
{
  (void)w;
  return Add(Scale(4. / 3, c[ETA]), c[ZETA]);
}

NOMOS_PDE_BOUNDS(Bounds, Speed, Diffusivity, NoRate, 3, 4, 5)

/* clang-format off */
static const NomosParam params[] = {
  {"compressible.gamma", NOMOS_PARAM_REAL, "1.4", NULL, 1 + 1e-6, 100, NULL, true, "Ratio of the specific heats; PDEBench has 5/3."},
  {"compressible.eta",   NOMOS_PARAM_REAL, "0",   NULL, 0, DBL_MAX, NULL, true, "Kinematic shear viscosity."},
  {"compressible.zeta",  NOMOS_PARAM_REAL, "0",   NULL, 0, DBL_MAX, NULL, true, "Kinematic bulk viscosity."},
};
/* clang-format on */

const NomosPdeFamily nomos_pde_compressible = {
  .name      = "compressible",
  .summary   = "Compressible flow of an ideal gas: Euler, and Navier-Stokes with simple viscosities.",
  .reference = "doi:10.1007/BF01414629",
  .equation  = "rho_t + div(rho v) = 0, (rho v)_t + div(rho v v + p) = div tau, E_t + div((E + p) v) = div(tau v), E = p/(gamma - 1) + rho |v|^2/2",
  .min_dims = 1, .max_dims = 3,
  .fields   = (const NomosPdeField[]){{"density", "1", "density", -1, true, "density"}, {"pressure", "1", "pressure", -1, true, "energy"}, {"Vx", "1", "velocity along x", 0, false, "momentum_x"},
                                      {"Vy", "1", "velocity along y", 1, false, "momentum_y"}, {"Vz", "1", "velocity along z", 2, false, "momentum_z"}},
  .n_fields = {0, 3, 4, 5},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_compressible_kernels_value, &nomos_pde_compressible_kernels_dual},
  .bounds   = Bounds, .by_first = true, .quickens = true,
  .waves    = (const double[][2]){{1, 10}, {10, 100}, {0, 0}, {0, 0}, {0, 0}},
};
#endif
