/* The two states at a face from the four cells around it: MUSCL, w +- slope/2, van Leer (1979), doi:10.1016/0021-9991(79)90145-1. A limited slope lies between those to the left and to the right, so a face
   value between those of the neighbours: what is positive stays so. Compiled twice (number.h). */
#include "solvers/grid_pde/number.h"

#include "solvers/grid_pde/reconstruction.h"

static inline Number None(Number a, Number b)
{
  (void)a;
  (void)b;
  return Constant(0);
}

/* No limit: second order for smooth fields, also at extrema. */
static inline Number Central(Number a, Number b)
{
  return Scale(0.5, Add(a, b));
}

static inline Number Minmod(Number a, Number b)
{
  return Select(Value(a) * Value(b) <= 0, Constant(0), Select(fabs(Value(a)) < fabs(Value(b)), a, b));
}

static inline Number Mc(Number a, Number b)
{
  return Minmod(Scale(0.5, Add(a, b)), Scale(2, Minmod(a, b)));
}

static inline Number VanLeer(Number a, Number b)
{
  return Value(a) * Value(b) <= 0 ? Constant(0) : Div(Scale(2, Mul(a, b)), Add(a, b));
}

static inline Number Superbee(Number a, Number b)
{
  const Number one = Minmod(Scale(2, a), b), two = Minmod(a, Scale(2, b));
  return Select(fabs(Value(one)) > fabs(Value(two)), one, two);
}

#define FACES(limiter) \
  for (size_t i = 0; i < n; i++) { \
    const Number w0 = cells[0][i], w1 = cells[1][i], w2 = cells[2][i], w3 = cells[3][i]; \
    const Number a = Sub(w1, w0), b = Sub(w2, w1), d = Sub(w3, w2); \
    left[i]  = Add(w1, Scale(0.5, limiter(a, b))); \
    right[i] = Sub(w2, Scale(0.5, limiter(b, d))); \
  }

void NAME(NomosReconstruct)(NomosLimiter how, size_t n, const void *const stencil[4], void *left_, void *right_)
{
  const Number *const cells[4] = {stencil[0], stencil[1], stencil[2], stencil[3]};
  Number       *left = left_, *right = right_;

  switch (how) {
  case NOMOS_LIMITER_NONE: FACES(None) break;
  case NOMOS_LIMITER_CENTRAL: FACES(Central) break;
  case NOMOS_LIMITER_MINMOD: FACES(Minmod) break;
  case NOMOS_LIMITER_MC: FACES(Mc) break;
  case NOMOS_LIMITER_VAN_LEER: FACES(VanLeer) break;
  case NOMOS_LIMITER_SUPERBEE: FACES(Superbee) break;
  }
}
