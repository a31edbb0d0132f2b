/* Functions of one variable, in blocks that fill whole vectors: entries give the same bits wherever they stand in a tensor. */
#include "operators/primitives/function_impl.h"

#include "operators/primitives/vector.h"

#include <math.h>
#include <string.h>

enum { B = NOMOS_FUNCTION_BLOCK };

#ifdef NOMOS_SINGLE
  #define REAL_MATH(name) name##f
#else
  #define REAL_MATH(name) name
#endif
/* The C library has these for vectors; without -ffast-math, which would lose NaN, its header does not say so. */
#ifdef NOMOS_VECTOR_MATH
  #define VECTOR_MATH(name) \
    _Pragma("omp declare simd notinbranch") extern Real REAL_MATH(name)(Real)
VECTOR_MATH(exp);
VECTOR_MATH(log);
VECTOR_MATH(log1p);
VECTOR_MATH(expm1);
VECTOR_MATH(tanh);
VECTOR_MATH(erf);
VECTOR_MATH(sin);
VECTOR_MATH(cos);
#endif
#define EACH _Pragma("omp simd") for (int i = 0; i < B; i++)

static void Polynomial(const double p[], int degree, const Real *restrict t, Real *restrict y)
{
  EACH y[i] = (Real)p[degree];
  for (int d = degree - 1; d >= 0; d--) {
    const Real c = (Real)p[d];
    EACH y[i] = y[i] * t[i] + c;
  }
}

/* sum_ab w[a][b] t^a s^b */
static void Bivariate(const double w[][NOMOS_FUNCTION_TERMS], int degree_t, int degree_s, const Real *restrict t, const Real *restrict s, Real *restrict y)
{
  Real inner[B];

  EACH y[i] = 0;
  for (int a = degree_t; a >= 0; a--) {
    Polynomial(w[a], degree_s, s, inner);
    EACH y[i] = y[i] * t[i] + inner[i];
  }
}

static void Sigmoid(const Real *restrict x, Real *restrict s)
{
  EACH s[i] = 1 / (1 + REAL_MATH(exp)(-x[i]));
}

/* w = tanh(softplus(x)) = n/(n + 2), n = e^2x + 2 e^x, and the sigmoid s by one exponential; beyond 30 both are 1 to rounding. */
static void MishFactors(const Real *restrict x, Real *restrict w, Real *restrict s)
{
  EACH {
    const Real e = REAL_MATH(exp)(x[i] < 30 ? x[i] : 30), n = e * (e + 2);
    w[i]         = n / (n + 2);
    s[i]         = e / (1 + e);
  }
}

/* log(1 + e^x) */
static void Softplus(const Real *restrict x, Real *restrict y)
{
  EACH {
    const Real size = REAL_MATH(fabs)(x[i]);
    y[i]            = (Real)0.5 * (x[i] + size) + REAL_MATH(log1p)(REAL_MATH(exp)(-size));
  }
}

static void Gaussian(const Real *restrict x, Real half, Real *restrict y)
{
  EACH y[i] = REAL_MATH(exp)(-half * x[i] * x[i]);
}

/* Standard normal distribution function, and exp(-x^2/2), which it is made of in float32: below zero Phi(x) = exp(-x^2/2) R(-x), R(a) = erfcx(a/sqrt 2)/2 = t p(t), t = 1/(1 + 0.35 a). This p has the smallest relative
   error of its degree for a in [0, 14], 3e-8 (by Lawson's weights); beyond 12.5 Phi is 0 or 1 here (4e-36 in truth), which leaves no subnormal numbers. Its relative error is of a few roundings also where 1 + erf cancels. */
#ifdef NOMOS_SINGLE
typedef int32_t Integers __attribute__((vector_size(NOMOS_VECTOR_BYTES), may_alias));
static inline Vector Choose(Integers condition, Vector a, Vector b)
{
  return (Vector)((condition & (Integers)a) | (~condition & (Integers)b));
}
static void PhiAndGaussian(const Real *restrict x, Real *restrict y, Real *restrict gaussian)
{
  static const Real p[] = {0.13962140f, 0.13986189f, 0.11983270f, 0.10550866f, -0.023111418f, 0.15917649f, -0.25571632f, 0.14397271f, -0.029146139f};
  static const Real exponential[] = {1.f, 1.f, 0.5f, 1.f / 6, 1.f / 24, 1.f / 120, 1.f / 720};
  const Real        round = 12582912.f; /* 3 2^22: what is added to it is rounded to a whole number */

  for (int i = 0; i < B; i += VECTOR) {
    const Vector   v = *(const Vector *)(x + i), size = (Vector)((Integers)v & INT32_MAX);
    const Integers near = size < 12.5f;
    const Vector   a = Choose(near, size, (Vector){0}), t = 1.f / (1.f + 0.35f * a);
    const Vector   u = -0.5f * a * a, n = (u * 1.44269504f + round) - round, r = (u - n * 0.693359375f) + n * 2.12194440e-4f;
    Vector         q = (Vector){0} + p[8], e = (Vector){0} + exponential[6];
    for (int k = 7; k >= 0; k--) q = q * t + p[k];
    for (int k = 5; k >= 0; k--) e = e * r + exponential[k];
    e = (Vector)(((Integers)e + (__builtin_convertvector(n, Integers) << 23)) & near); /* times 2^n */
    q = q * t * e;
    *(Vector *)(gaussian + i) = e;
    *(Vector *)(y + i)        = Choose(v > 0.f, 1.f - q, q);
  }
}
#else
static void PhiAndGaussian(const Real *restrict x, Real *restrict y, Real *restrict gaussian)
{
  EACH y[i] = (Real)0.5 + (Real)0.5 * REAL_MATH(erf)((Real)0.70710678118654752440 * x[i]);
  Gaussian(x, (Real)0.5, gaussian);
}
#endif

static void Blend(Real factor, const Real *restrict x, const Real *restrict a, const Real *restrict b, Real *restrict y)
{
  EACH y[i] = x[i] * a[i] + factor * b[i];
}

void NAME(NomosFunctionBlock)(const NomosFunctionPlan *plan, const Real *restrict x, Real *restrict y)
{
  const int order = plan->order;
  Real      s[B], t[B], u[B];

  switch (plan->kind) {
  case NOMOS_EXP:
    EACH y[i] = REAL_MATH(exp)(x[i]);
    break;
  case NOMOS_LOG:
    if (order == 0) {
      EACH y[i] = REAL_MATH(log)(x[i]);
    } else {
      EACH t[i] = 1 / x[i];
      EACH y[i] = (Real)plan->p[0];
      for (int d = 0; d < order; d++) EACH y[i] *= t[i];
    }
    break;
  case NOMOS_SIN:
  case NOMOS_COS: {
    const int  phase = (order + (plan->kind == NOMOS_COS)) % 4;
    const Real sign  = phase < 2 ? 1 : -1;
    if (phase % 2) {
      EACH y[i] = sign * REAL_MATH(cos)(x[i]);
    } else {
      EACH y[i] = sign * REAL_MATH(sin)(x[i]);
    }
    break;
  }
  case NOMOS_LOGCOSH:
    if (order == 0) {
      EACH t[i] = -2 * REAL_MATH(fabs)(x[i]);
      Softplus(t, y);
      EACH y[i] += (Real)-0.69314718055994530942 - (Real)0.5 * t[i];
      break;
    } /* fall through - the derivative is tanh, whose polynomial was prepared */
  case NOMOS_TANH:
    EACH t[i] = REAL_MATH(tanh)(x[i]);
    if (plan->kind == NOMOS_TANH && order == 0) memcpy(y, t, sizeof t);
    else Polynomial(plan->p, plan->kind == NOMOS_TANH ? order + 1 : order, t, y);
    break;
  case NOMOS_SOFTPLUS:
    if (order == 0) {
      Softplus(x, y);
      break;
    } /* fall through - the derivative is the sigmoid */
  case NOMOS_SIGMOID:
    Sigmoid(x, s);
    Polynomial(plan->p, plan->kind == NOMOS_SIGMOID ? order + 1 : order, s, y);
    break;
  case NOMOS_ERF:
    if (order == 0) {
      EACH y[i] = REAL_MATH(erf)(x[i]);
    } else {
      Gaussian(x, 1, s);
      Polynomial(plan->p, order - 1, x, t);
      EACH y[i] = s[i] * t[i];
    }
    break;
  case NOMOS_GELU:
    if (order < 2) PhiAndGaussian(x, u, s);
    if (order == 0) {
      EACH y[i] = x[i] * u[i];
    } else {
      if (order > 1) Gaussian(x, (Real)0.5, s);
      Polynomial(plan->p, order, x, t); /* x Phi^(n) + n Phi^(n-1) over exp(-x^2/2), but for Phi itself */
      if (order == 1) {
        EACH y[i] = s[i] * t[i] + u[i];
      } else {
        EACH y[i] = s[i] * t[i];
      }
    }
    break;
  case NOMOS_SILU:
    Sigmoid(x, s);
    Polynomial(plan->p, order + 1, s, t);
    if (order) Polynomial(plan->before, order, s, u);
    else memset(u, 0, sizeof u);
    Blend((Real)order, x, t, u, y);
    break;
  case NOMOS_MISH: {
    Real w[B];
    MishFactors(x, w, s);
    if (order == 0) {
      EACH y[i] = x[i] * w[i];
      break;
    }
    Bivariate(plan->w, order + 1, order, w, s, t);
    Bivariate(plan->w_before, order, order - 1, w, s, u);
    Blend((Real)order, x, t, u, y);
    break;
  }
  case NOMOS_ELU:
    if (order == 0) {
      EACH t[i] = REAL_MATH(expm1)(x[i]);
    } else {
      EACH t[i] = REAL_MATH(exp)(x[i]);
    }
    EACH y[i] = x[i] > 0 ? (order == 0 ? x[i] : (Real)(order == 1)) : t[i];
    break;
  case NOMOS_RELU:
    EACH y[i] = order == 0 ? (x[i] < 0 ? 0 : x[i]) : (Real)(order == 1 && x[i] > 0);
    break;
  case NOMOS_ABS:
    EACH y[i] = order == 0 ? REAL_MATH(fabs)(x[i]) : order == 1 ? (Real)((x[i] > 0) - (x[i] < 0)) : 0;
    break;
  case NOMOS_N_FUNCTIONS:
    break;
  }
}

/* A block of f and f', sharing what they have in common. */
static void PairBlock(const NomosFunctionPair *pair, const Real *restrict x, Real *restrict y, Real *restrict slope)
{
  Real gaussian[B];

  switch (pair->value.kind) {
  case NOMOS_TANH:
    EACH y[i] = REAL_MATH(tanh)(x[i]);
    EACH slope[i] = 1 - y[i] * y[i];
    break;
  case NOMOS_SIGMOID:
    Sigmoid(x, y);
    EACH slope[i] = y[i] * (1 - y[i]);
    break;
  case NOMOS_SILU:
    Sigmoid(x, slope);
    EACH {
      const Real s = slope[i];
      y[i]         = x[i] * s;
      slope[i]     = s + y[i] * (1 - s);
    }
    break;
  case NOMOS_GELU:
    PhiAndGaussian(x, slope, gaussian);
    EACH {
      y[i] = x[i] * slope[i];
      slope[i] += (Real)0.39894228040143267794 * x[i] * gaussian[i];
    }
    break;
  case NOMOS_MISH:
    MishFactors(x, y, slope);
    EACH {
      const Real w = y[i], s = slope[i];
      y[i]         = x[i] * w;
      slope[i]     = w + x[i] * (1 - w * w) * s;
    }
    break;
  case NOMOS_RELU:
    EACH {
      slope[i] = x[i] > 0;
      y[i]     = x[i] < 0 ? 0 : x[i];
    }
    break;
  default:
    NAME(NomosFunctionBlock)(&pair->value, x, y);
    NAME(NomosFunctionBlock)(&pair->slope, x, slope);
    break;
  }
}

void NAME(NomosFunctionPairRun)(const NomosFunctionPair *pair, size_t n, const Real *x, Real *y, Real *slope)
{
  Real padded[B], values[B], slopes[B];

  for (size_t start = 0; start < n; start += B) {
    const size_t count = n - start < B ? n - start : B;
    if (count == B && x != y) {
      PairBlock(pair, x + start, y + start, slope + start);
      continue;
    }
    for (size_t i = 0; i < B; i++) padded[i] = i < count ? x[start + i] : 1;
    PairBlock(pair, padded, values, slopes);
    memcpy(y + start, values, count * sizeof *y);
    memcpy(slope + start, slopes, count * sizeof *slope);
  }
}

void NAME(NomosFunctionRun)(const NomosFunctionPlan *plan, size_t n, const Real *x, Real *y)
{
  Real padded[B], values[B];

  for (size_t start = 0; start < n; start += B) {
    const size_t count = n - start < B ? n - start : B;
    if (count == B && x != y) {
      NAME(NomosFunctionBlock)(plan, x + start, y + start);
      continue;
    }
    for (size_t i = 0; i < B; i++) padded[i] = i < count ? x[start + i] : 1;
    NAME(NomosFunctionBlock)(plan, padded, values);
    memcpy(y + start, values, count * sizeof *y);
  }
}

void NAME(NomosFunctionKernel)(const void *parameters, size_t n, char *const data[], const ptrdiff_t stride[])
{
  const NomosFunctionPlan *plan = parameters;
  Real                    *out = (Real *)data[0], padded[B], y[B];
  const Real              *x = (const Real *)data[1], *g = plan->times ? (const Real *)data[2] : NULL;

  for (size_t start = 0; start < n; start += B) {
    const size_t count = n - start < B ? n - start : B;
    const Real  *from  = x + (ptrdiff_t)start * stride[1], *factor = g ? g + (ptrdiff_t)start * stride[2] : NULL;
    Real *restrict to  = out + (ptrdiff_t)start * stride[0];
    if (stride[1] != 1 || count < B) {
      for (size_t i = 0; i < count; i++) padded[i] = from[(ptrdiff_t)i * stride[1]];
      for (size_t i = count; i < B; i++) padded[i] = 1; /* fine for every function */
      from = padded;
    }
    NAME(NomosFunctionBlock)(plan, from, y);
    if (stride[0] != 1)
      for (size_t i = 0; i < count; i++) to[(ptrdiff_t)i * stride[0]] = g ? y[i] * factor[(ptrdiff_t)i * stride[2]] : y[i];
    else if (!g) memcpy(to, y, count * sizeof *to);
    else if (stride[2] == 1)
      for (size_t i = 0; i < count; i++) to[i] = y[i] * factor[i];
    else
      for (size_t i = 0; i < count; i++) to[i] = y[i] * factor[(ptrdiff_t)i * stride[2]];
  }
}
