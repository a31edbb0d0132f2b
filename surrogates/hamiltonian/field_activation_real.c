/* Activations with all derivatives from one exponential, and losses of residuals. NaN stays NaN. */
#include "surrogates/hamiltonian/field_kernels.h"

typedef struct {
  Vector h, slope, second, third;
} Derivatives;

/* With e = exp(x), i = 1/(e^2 + 2 e + 2):  x w,  w = tanh(softplus x) = (e^2 + 2 e) i,  w' = 4 e (1 + e) i^2, .. ; from x = 20 on w is 1 to rounding. Misra (2019), doi:10.48550/arXiv.1908.08681 */
LANE_INLINE Derivatives Mish(Vector x)
{
  const Vector e = LaneExp(LaneMin(x, LaneFill(20))), one = 1 + e, n = e * (e + 2), i = 1 / (n + 2), f = 4 * e * i * i, two = 1 + 2 * e, c = e * one * i;
  const Vector w = n * i, w1 = f * one, w2 = f * (two - 4 * (one * c)), w3 = f * (1 + 4 * e - 12 * (two * c) + 24 * (one * c * c));
  return (Derivatives){x * w, w + x * w1, 2 * w1 + x * w2, 3 * w2 + x * w3};
}

LANE_INLINE Derivatives Tanh(Vector x)
{
  const Vector t = LaneTanh(x), s = 1 - t * t;
  return (Derivatives){t, s, -2 * (t * s), s * (4 * (t * t) - 2 * s)};
}

/* log(1 + e^x) */
LANE_INLINE Derivatives Softplus(Vector x)
{
  const Vector e = LaneExp(-LaneAbs(x)), i = 1 / (1 + e), s = LaneSelect(x < 0, e * i, LaneSelect(x == x, i, x)), s1 = e * i * i;
  return (Derivatives){LaneSelect(x == x, LaneMax(x, LaneFill(0)) + LaneLog(1 + e), x), s, s1, s1 * (1 - 2 * s)};
}

#define EACH(function) \
  for (size_t j = 0; j < n; j += VECTOR) { \
    const Derivatives d    = function(*(const Vector *)(z + j)); \
    *(Vector *)(h + j)     = d.h; \
    *(Vector *)(slope + j) = d.slope; \
    if (second) *(Vector *)(second + j) = d.second; \
    if (third) *(Vector *)(third + j) = d.third; \
  }

void NAME(NomosFieldActivation)(NomosFunctionKind kind, size_t n, const Real *z, Real *h, Real *slope, Real *second, Real *third)
{
  if (kind == NOMOS_MISH) {
    EACH(Mish);
  } else if (kind == NOMOS_TANH) {
    EACH(Tanh);
  } else {
    EACH(Softplus);
  }
}

/* log cosh r with t = tanh r: -log(1 - t^2)/2, by the series of 2 artanh(u/(2 + u)) = log(1 + u) where t is small, so that it has all its digits there too. */
static Vector LogCosh(Vector r, Vector t)
{
  const Vector size = LaneAbs(r), square = t * t, s = square / (2 - square), z = s * s;
  Vector       series = LaneFill(0);

  for (int n = sizeof(Real) == sizeof(float) ? 9 : 21; n >= 3; n -= 2) series = (series + (Real)1 / (Real)n) * z;
  return LaneSelect(size < (Real)0.5, s + s * series, size + LaneLog(1 + LaneExp(-2 * size)) - (Real)0.69314718055994530942);
}

void NAME(NomosFieldResidual)(bool log_cosh, Real scale, size_t n, const Real *r, Real *slope, Real *second, Real *value)
{
  for (size_t j = 0; j < n; j += VECTOR) {
    const Vector x = *(const Vector *)(r + j);
    Vector       l = 2 * x, l2 = LaneFill(2);
    if (log_cosh) {
      l  = LaneTanh(x);
      l2 = 1 - l * l;
    }
    if (value && log_cosh) *(Vector *)(value + j) = LogCosh(x, l);
    else if (value) *(Vector *)(value + j) = x * x;
    *(Vector *)(slope + j) = scale * l;
    if (second) *(Vector *)(second + j) = scale * l2;
  }
}
