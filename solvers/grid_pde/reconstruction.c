/* The two states at a face from the four cells around it: MUSCL, w +- slope/2, van Leer (1979), doi:10.1016/0021-9991(79)90145-1. A limited slope lies between those to the left and to the right, so a face
   value between those of the neighbours: what is positive stays so. (Positivity of a whole step needs more: `limit` of a family.) Compiled three times (number.h). */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/reconstruction.h"

INLINE Number None(Number a, Number b)
{
  (void)a;
  (void)b;
  return Constant(0);
}

/* No limit: second order for smooth fields, also at extrema. */
INLINE Number Central(Number a, Number b)
{
  return Scale(0.5, Add(a, b));
}

INLINE Number Shorter(Number a, Number b)
{
  return Select(Less(Abs(a), Abs(b)), a, b);
}

INLINE Number Minmod(Number a, Number b)
{
  return Select(Less(Constant(0), Mul(a, b)), Shorter(a, b), Constant(0));
}

/* Monotonised central. */
INLINE Number Mc(Number a, Number b)
{
  return Select(Less(Constant(0), Mul(a, b)), Shorter(Scale(0.5, Add(a, b)), Scale(2, Shorter(a, b))), Constant(0));
}

INLINE Number VanLeer(Number a, Number b)
{
  const Condition same = Less(Constant(0), Mul(a, b));
  return Select(same, Div(Scale(2, Mul(a, b)), Select(same, Add(a, b), Constant(1))), Constant(0));
}

INLINE Number Superbee(Number a, Number b)
{
  const Number one = Minmod(Scale(2, a), b), two = Minmod(a, Scale(2, b));
  return Select(Less(Abs(two), Abs(one)), one, two);
}

#define FACES(limiter) \
  for (size_t i = 0; i < n; i += LANES) { \
    const size_t count = n - i < LANES ? n - i : LANES; \
    Number       w[4]; \
    for (size_t s = 0; s < 4; s++) w[s] = Load(cells.at + s * cells.step + i, cells.plane, count); \
    const Number a = Sub(w[1], w[0]), b = Sub(w[2], w[1]), d = Sub(w[3], w[2]); \
    Store(Add(w[1], Scale(0.5, limiter(a, b))), sides.at + i, sides.plane, count); \
    Store(Sub(w[2], Scale(0.5, limiter(b, d))), sides.at + sides.step + i, sides.plane, count); \
  }

void KIND(NomosReconstruct)(NomosLimiter how, size_t n, NomosPdeIn cells, NomosPdeOut sides)
{
  switch (how) {
  case NOMOS_LIMITER_NONE: FACES(None) break;
  case NOMOS_LIMITER_CENTRAL: FACES(Central) break;
  case NOMOS_LIMITER_MINMOD: FACES(Minmod) break;
  case NOMOS_LIMITER_MC: FACES(Mc) break;
  case NOMOS_LIMITER_VAN_LEER: FACES(VanLeer) break;
  case NOMOS_LIMITER_SUPERBEE: FACES(Superbee) break;
  case NOMOS_N_LIMITERS: break;
  }
}
