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

NOMOS_PDE_POINTS(ToPrimitive, Primitive, 2, 3, 4)
NOMOS_PDE_POINTS(ToConserved, Conserved, 2, 3, 4)
NOMOS_PDE_FACES(Flux, Roe, 2, 3, 4)

const NomosPdeKernels KIND(nomos_pde_shallow_water_kernels) = {.primitive = ToPrimitive, .conserved = ToConserved, .flux = Flux};

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
  .bounds   = Bounds,
};
#endif
