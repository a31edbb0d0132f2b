/* Shallow water over a flat bottom, w = (h, velocities), u = (h, momenta):   h_t + div(h v) = 0,   (h v)_t + div(h v v) + grad(g h^2/2) = 0.
   Fluxes: Roe (1981), doi:10.1016/0021-9991(81)90128-5, with the entropy fix of Harten & Hyman (1983), doi:10.1016/0021-9991(83)90066-9. */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/family.h"

#include <float.h>

enum { H, V };

INLINE void Conserved(const Number c[], int n_dims, const Number w[], Number u[])
{
  (void)c;
  u[H] = w[H];
  for (int a = 0; a < n_dims; a++) u[V + a] = Mul(w[H], w[V + a]);
}

INLINE void Primitive(const Number c[], int n_dims, const Number u[], Number w[])
{
  (void)c;
  w[H] = u[H];
  const Number per = Inverse(u[H]);
  for (int a = 0; a < n_dims; a++) w[V + a] = Mul(u[V + a], per);
}

/* |speed|, rounded where a rarefaction spreads across it. */
INLINE Number Fixed(Number speed, Number left, Number right)
{
  const Number width = Max(Constant(0), Max(Sub(speed, left), Sub(right, speed)));
  const Condition fan = Less(Abs(speed), width);
  return Select(fan, Scale(0.5, Add(Div(Square(speed), Select(fan, width, Constant(1))), width)), Abs(speed));
}

INLINE void Roe(const Number c[], int n_dims, int axis, const Number left[], const Number right[], Number flux[])
{
  const Number root[2] = {Sqrt(left[H]), Sqrt(right[H])}, weight = Div(root[0], Add(root[0], root[1])), other = Sub(Constant(1), weight);
  const Number v[2] = {left[V + axis], right[V + axis]}, mean = Add(Mul(weight, v[0]), Mul(other, v[1])), wave = Sqrt(Scale(0.5, Mul(c[0], Add(left[H], right[H]))));
  const Number gravity = Sqrt(c[0]), wave0 = Mul(gravity, root[0]), wave1 = Mul(gravity, root[1]), half = Scale(0.5, Inverse(wave));
  const Number dh = Sub(right[H], left[H]), dm = Sub(Mul(right[H], v[1]), Mul(left[H], v[0]));
  const Number slow = Sub(mean, wave), fast = Add(mean, wave);
  /* strengths of the waves times their speeds */
  const Number one = Mul(Fixed(slow, Sub(v[0], wave0), Sub(v[1], wave1)), Mul(Sub(Mul(fast, dh), dm), half));
  const Number two = Mul(Fixed(fast, Add(v[0], wave0), Add(v[1], wave1)), Mul(Sub(dm, Mul(slow, dh)), half));

  flux[H] = Scale(0.5, Sub(Add(Mul(left[H], v[0]), Mul(right[H], v[1])), Add(one, two)));
  for (int a = 0; a < n_dims; a++) {
    const Number both = Add(Mul(Mul(left[H], v[0]), left[V + a]), Mul(Mul(right[H], v[1]), right[V + a]));
    if (a == axis) {
      const Number pressure = Scale(0.5, Mul(c[0], Add(Square(left[H]), Square(right[H]))));
      flux[V + a]           = Scale(0.5, Sub(Add(both, pressure), Add(Mul(one, slow), Mul(two, fast))));
    } else {
      const Number across = Add(Mul(weight, left[V + a]), Mul(other, right[V + a])), shear = Sub(Sub(Mul(right[H], right[V + a]), Mul(left[H], left[V + a])), Mul(across, dh));
      flux[V + a]         = Scale(0.5, Sub(both, Add(Mul(Add(one, two), across), Mul(Abs(mean), shear))));
    }
  }
}

/* Between waves that part, Roe's depth may be none: h* = h_l + (strength of the slow wave). There the flux is that of two waves at Einfeldt's speeds, whose depth is positive (Einfeldt, Munz, Roe & Sjogreen 1991,
   doi:10.1016/0021-9991(91)90211-3). */
INLINE void RoeOrTwoWaves(const Number c[], int n_dims, int axis, const Number left[], const Number right[], Number flux[])
{
  const Number root[2] = {Sqrt(left[H]), Sqrt(right[H])}, weight = Div(root[0], Add(root[0], root[1])), mean = Add(Mul(weight, left[V + axis]), Mul(Sub(Constant(1), weight), right[V + axis]));
  const Number gravity = Sqrt(c[0]), wave = Sqrt(Scale(0.5, Mul(c[0], Add(left[H], right[H]))));
  const Number slow = Min(Constant(0), Min(Sub(left[V + axis], Mul(gravity, root[0])), Sub(mean, wave))), fast = Max(Constant(0), Max(Add(right[V + axis], Mul(gravity, root[1])), Add(mean, wave)));
  const Number parting = Sub(Sub(Mul(right[H], right[V + axis]), Mul(left[H], left[V + axis])), Mul(mean, Sub(right[H], left[H])));
  const Condition    dry = Less(Mul(wave, Add(left[H], right[H])), parting); /* h* < 0 */
  const Number per = Inverse(Sub(fast, slow)), both = Mul(slow, fast);

  Roe(c, n_dims, axis, left, right, flux);
  for (int k = 0; k < V + n_dims; k++) {
    const Number u[2] = {k == H ? left[H] : Mul(left[H], left[k]), k == H ? right[H] : Mul(right[H], right[k])};
    Number       f[2] = {Mul(u[0], left[V + axis]), Mul(u[1], right[V + axis])};
    if (k == V + axis) {
      f[0] = Add(f[0], Scale(0.5, Mul(c[0], Square(left[H]))));
      f[1] = Add(f[1], Scale(0.5, Mul(c[0], Square(right[H]))));
    }
    flux[k] = Select(dry, Mul(per, Add(Sub(Mul(fast, f[0]), Mul(slow, f[1])), Mul(both, Sub(u[1], u[0])))), flux[k]);
  }
}

/* A depth that a reconstruction without a limiter would make negative. A cell's mean depth is that of its faces, so with positive fluxes this is all (Zhang & Shu 2010, doi:10.1016/j.jcp.2010.08.016). */
INLINE void Limit(const Number c[], int n_dims, int axis, const Number cell[], const Number side[], Number out[])
{
  const Number most = Scale(0.999, cell[H]), slope = Sub(side[H], cell[H]);

  (void)c;
  (void)axis;
  out[H] = Select(Less(most, slope), Add(cell[H], most), Select(Less(slope, Scale(-1, most)), Sub(cell[H], most), side[H]));
  for (int a = 0; a < n_dims; a++) out[V + a] = side[V + a];
}

NOMOS_PDE_POINTS(ToPrimitive, Primitive, 2, 3, 4)
NOMOS_PDE_POINTS(ToConserved, Conserved, 2, 3, 4)
NOMOS_PDE_FACES(Flux, RoeOrTwoWaves, 2, 3, 4)
NOMOS_PDE_FACES(Limited, Limit, 2, 3, 4)

const NomosPdeKernels KIND(nomos_pde_shallow_water_kernels) = {.primitive = ToPrimitive, .conserved = ToConserved, .flux = Flux, .limit = Limited};

#ifdef NOMOS_VALUE
extern const NomosPdeKernels nomos_pde_shallow_water_kernels_dual;

INLINE Number Speed(const Number c[], int axis, const Number w[])
{
  return Add(Abs(w[V + axis]), Sqrt(Mul(c[0], w[H])));
}

NOMOS_PDE_BOUNDS(Bounds, Speed, NoDiffusivity, NoRate, 2, 3, 4)

static const NomosParam params[] = {{"shallow_water.g", NOMOS_PARAM_REAL, "1", NULL, DBL_MIN, DBL_MAX, NULL, true, "Acceleration of gravity."}};

const NomosPdeFamily nomos_pde_shallow_water = {
  .name      = "shallow_water",
  .summary   = "Shallow water over a flat bottom.",
  .reference = "doi:10.1016/0021-9991(81)90128-5",
  .equation  = "h_t + div(h v) = 0, (h v)_t + div(h v v) + grad(g h^2/2) = 0",
  .min_dims = 1, .max_dims = 2,
  .fields   = (const NomosPdeField[]){{"h", "1", "depth", -1, true, "h"}, {"Vx", "1", "velocity along x", 0, false, "momentum_x"}, {"Vy", "1", "velocity along y", 1, false, "momentum_y"}},
  .n_fields = {0, 2, 3, 0},
  .n_params = sizeof params / sizeof *params, .params = params,
  .kernels  = {&nomos_pde_shallow_water_kernels_value, &nomos_pde_shallow_water_kernels_dual},
  .bounds   = Bounds, .quickens = true,
};
#endif
