/* One source, values and derivatives: the point functions of a family (families/) and the limiters are compiled as values, as values with tangents (NOMOS_DUAL), and as a trace of their operations (NOMOS_TRACE), from
   which adjoints are written when nomos is built (make_adjoints.c). In them a Number is as many points as a vector of the processor holds, KIND(f) is f_value, f_dual or f_trace, and arithmetic is by the functions
   below. Kinks (limiters, upwinding) have the derivative of the branch that was taken; both branches of Select are computed, so neither may divide by zero where it is not taken.

   In memory the tangents of a row lie in a plane of their own, `plane` behind the values. */
#ifndef NOMOS_SOLVERS_GRID_PDE_NUMBER_H
#define NOMOS_SOLVERS_GRID_PDE_NUMBER_H

#include "solvers/grid_pde/family.h"

#include <math.h>

#ifdef NOMOS_TRACE
  #include "solvers/grid_pde/trace.h"
#else
  #include "operators/lanes.h"
#endif

#define INLINE static inline __attribute__((always_inline, unused))

#ifdef NOMOS_TRACE
  #define KIND(f) f##_trace
enum { LANES = 1, WIDTH = 1 };
typedef NomosTraceNode Number, Condition; /* arrays hold the numbers of nodes */
INLINE Number Load(const double *from, size_t plane, size_t count) { (void)plane, (void)count; return (Number){(int)*from}; }
INLINE void   Store(Number a, double *to, size_t plane, size_t count) { (void)plane, (void)count; *to = a.id; }
INLINE Number Constant(double a) { return NomosTraceConstant(a); }
INLINE Number Add(Number a, Number b) { return NomosTrace(NOMOS_TRACE_ADD, a, b, a); }
INLINE Number Sub(Number a, Number b) { return NomosTrace(NOMOS_TRACE_SUB, a, b, a); }
INLINE Number Mul(Number a, Number b) { return NomosTrace(NOMOS_TRACE_MUL, a, b, a); }
INLINE Number Inverse(Number a) { return NomosTrace(NOMOS_TRACE_INVERSE, a, a, a); }
INLINE Number Div(Number a, Number b) { return Mul(a, Inverse(b)); }
INLINE Number Scale(double s, Number a) { return Mul(Constant(s), a); }
INLINE Number Sqrt(Number a) { return NomosTrace(NOMOS_TRACE_SQRT, a, a, a); }
INLINE Number Exp(Number a) { return NomosTrace(NOMOS_TRACE_EXP, a, a, a); }
INLINE Number Log(Number a) { return NomosTrace(NOMOS_TRACE_LOG, a, a, a); }
INLINE Condition Less(Number a, Number b) { return NomosTrace(NOMOS_TRACE_LESS, a, b, a); }
INLINE Number Select(Condition condition, Number a, Number b) { return NomosTrace(NOMOS_TRACE_SELECT, a, b, condition); }
#else
enum { LANES = VECTOR };
/* Lanes beyond `count` hold the first point again. */
INLINE Vector LoadLanes(const double *from, size_t count)
{
  if (count >= VECTOR) return *(const Vector *)from;
  Vector x = LaneFill(*from);
  memcpy(&x, from, count * sizeof *from);
  return x;
}
INLINE void StoreLanes(Vector x, double *to, size_t count)
{
  if (count >= VECTOR) *(Vector *)to = x;
  else memcpy(to, &x, count * sizeof *to);
}
  #ifdef __AVX512F__
typedef __mmask8 Condition;
INLINE Vector    RootLanes(Vector x) { return (Vector)_mm512_sqrt_pd((__m512d)x); }
INLINE Condition LessLanes(Vector a, Vector b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ); }
INLINE Vector    SelectLanes(Condition condition, Vector a, Vector b) { return (Vector)_mm512_mask_blend_pd(condition, (__m512d)b, (__m512d)a); }
  #else
typedef LaneMask Condition;
INLINE Vector RootLanes(Vector x)
{
  for (size_t l = 0; l < VECTOR; l++) x[l] = sqrt(x[l]);
  return x;
}
INLINE Condition LessLanes(Vector a, Vector b) { return a < b; }
INLINE Vector    SelectLanes(Condition condition, Vector a, Vector b) { return LaneSelect(condition, a, b); }
  #endif
#endif

#ifdef NOMOS_DUAL
  #define KIND(f) f##_dual
enum { WIDTH = 2 };
typedef struct {
  Vector v, d;
} Number;
  #define NUMBER(value, tangent) ((Number){value, tangent})
INLINE Number Load(const double *from, size_t plane, size_t count) { return NUMBER(LoadLanes(from, count), LoadLanes(from + plane, count)); }
INLINE void   Store(Number a, double *to, size_t plane, size_t count)
{
  StoreLanes(a.v, to, count);
  StoreLanes(a.d, to + plane, count);
}
INLINE Number Constant(double a) { return NUMBER(LaneFill(a), LaneFill(0)); }
INLINE Number Add(Number a, Number b) { return NUMBER(a.v + b.v, a.d + b.d); }
INLINE Number Sub(Number a, Number b) { return NUMBER(a.v - b.v, a.d - b.d); }
INLINE Number Mul(Number a, Number b) { return NUMBER(a.v * b.v, a.d * b.v + a.v * b.d); }
INLINE Number Inverse(Number a) { const Vector v = 1 / a.v; return NUMBER(v, -v * v * a.d); }
INLINE Number Div(Number a, Number b) { const Vector v = a.v / b.v; return NUMBER(v, (a.d - v * b.d) / b.v); }
INLINE Number Scale(double s, Number a) { return NUMBER(s * a.v, s * a.d); }
INLINE Number Sqrt(Number a) { const Vector v = RootLanes(a.v); return NUMBER(v, 0.5 * a.d / v); }
INLINE Number Exp(Number a) { const Vector v = LaneExp(a.v); return NUMBER(v, v * a.d); }
INLINE Number Log(Number a) { return NUMBER(LaneLog(a.v), a.d / a.v); }
INLINE Condition Less(Number a, Number b) { return LessLanes(a.v, b.v); }
INLINE Number Select(Condition condition, Number a, Number b) { return NUMBER(SelectLanes(condition, a.v, b.v), SelectLanes(condition, a.d, b.d)); }
#elif !defined NOMOS_TRACE
  #ifndef NOMOS_VALUE
    #define NOMOS_VALUE
  #endif
  #define KIND(f) f##_value
enum { WIDTH = 1 };
typedef Vector Number;
INLINE Number Load(const double *from, size_t plane, size_t count) { (void)plane; return LoadLanes(from, count); }
INLINE void   Store(Number a, double *to, size_t plane, size_t count) { (void)plane; StoreLanes(a, to, count); }
INLINE Number Constant(double a) { return LaneFill(a); }
INLINE Number Add(Number a, Number b) { return a + b; }
INLINE Number Sub(Number a, Number b) { return a - b; }
INLINE Number Mul(Number a, Number b) { return a * b; }
INLINE Number Inverse(Number a) { return 1 / a; }
INLINE Number Div(Number a, Number b) { return a / b; }
INLINE Number Scale(double s, Number a) { return s * a; }
INLINE Number Sqrt(Number a) { return RootLanes(a); }
INLINE Number Exp(Number a) { return LaneExp(a); }
INLINE Number Log(Number a) { return LaneLog(a); }
INLINE Condition Less(Number a, Number b) { return LessLanes(a, b); }
INLINE Number Select(Condition condition, Number a, Number b) { return SelectLanes(condition, a, b); }
#endif
/* a^p, a > 0 */
INLINE Number Power(Number a, Number p) { return Exp(Mul(p, Log(a))); }
INLINE Number Square(Number a) { return Mul(a, a); }
#ifdef NOMOS_VALUE
INLINE Number Abs(Number a) { return LaneAbs(a); }
#else
INLINE Number Abs(Number a) { return Select(Less(a, Constant(0)), Scale(-1, a), a); }
#endif
INLINE Number Max(Number a, Number b) { return Select(Less(b, a), a, b); }
INLINE Number Min(Number a, Number b) { return Select(Less(a, b), a, b); }

/* The coefficients in all lanes. */
#define COEFFICIENTS \
  Number c[NOMOS_PDE_MAX_COEFFICIENTS]; \
  for (int k_ = 0; k_ < NOMOS_PDE_MAX_COEFFICIENTS; k_++) c[k_] = Coefficient(c_ + k_);
INLINE Number Coefficient(const double *c)
{
#if defined NOMOS_TRACE
  return Load(c, 0, 1);
#elif defined NOMOS_DUAL
  return NUMBER(LaneFill(c[0]), LaneFill(c[NOMOS_PDE_MAX_COEFFICIENTS]));
#else
  return LaneFill(*c);
#endif
}

/* Rows of the kernels (family.h) from functions of one face or one point: M1, M2, M3 are the numbers of fields in one, two and three dimensions. All that is constant in a loop is known to the compiler. */
#define NOMOS_PDE_FACES(name, function, M1, M2, M3) \
  static void name(const double c_[], int n_dims, int axis, size_t n, const double left[], const double right[], double flux[]) \
  { \
    COEFFICIENTS \
    switch (3 * n_dims + axis) { \
    case 3: NOMOS_PDE_FACE_LOOP(function, 1, 0, M1) break; \
    case 6: NOMOS_PDE_FACE_LOOP(function, 2, 0, M2) break; \
    case 7: NOMOS_PDE_FACE_LOOP(function, 2, 1, M2) break; \
    case 9: NOMOS_PDE_FACE_LOOP(function, 3, 0, M3) break; \
    case 10: NOMOS_PDE_FACE_LOOP(function, 3, 1, M3) break; \
    case 11: NOMOS_PDE_FACE_LOOP(function, 3, 2, M3) break; \
    } \
  }
#define NOMOS_PDE_FACE_LOOP(function, dims, axis, M) \
  for (size_t i = 0; i < n; i += LANES) { \
    const size_t count = n - i < LANES ? n - i : LANES; \
    Number       a[M], b[M], result[M]; \
    for (int k = 0; k < (M); k++) { \
      a[k] = Load(left + (size_t)(k * WIDTH) * n + i, n, count); \
      b[k] = Load(right + (size_t)(k * WIDTH) * n + i, n, count); \
    } \
    function(c, dims, axis, a, b, result); \
    for (int k = 0; k < (M); k++) Store(result[k], flux + (size_t)(k * WIDTH) * n + i, n, count); \
  }
#define NOMOS_PDE_POINTS(name, function, M1, M2, M3) \
  static void name(const double c_[], int n_dims, size_t n, size_t stride_in, const double in[], size_t stride_out, double out[]) \
  { \
    COEFFICIENTS \
    switch (n_dims) { \
    case 1: NOMOS_PDE_POINT_LOOP(function, 1, M1) break; \
    case 2: NOMOS_PDE_POINT_LOOP(function, 2, M2) break; \
    case 3: NOMOS_PDE_POINT_LOOP(function, 3, M3) break; \
    } \
  }
#define NOMOS_PDE_POINT_LOOP(function, dims, M) \
  for (size_t i = 0; i < n; i += LANES) { \
    const size_t count = n - i < LANES ? n - i : LANES; \
    Number       a[M], result[M]; \
    for (int k = 0; k < (M); k++) a[k] = Load(in + (size_t)(k * WIDTH) * stride_in + i, stride_in, count); \
    function(c, dims, a, result); \
    for (int k = 0; k < (M); k++) Store(result[k], out + (size_t)(k * WIDTH) * stride_out + i, stride_out, count); \
  }

#ifdef NOMOS_VALUE
/* What a family may lack of these: speed of waves along an axis, diffusivity, rate of the source. */
INLINE Number NoSpeed(const Number c[], int axis, const Number w[]) { (void)c, (void)axis, (void)w; return Constant(0); }
INLINE Number NoDiffusivity(const Number c[], const Number w[]) { (void)c, (void)w; return Constant(0); }
  #define NoRate NoDiffusivity
/* The larger one; NaN stays. */
INLINE Vector Most(Vector most, Vector x) { return LaneSelect((x <= most) | (most != most), most, x); }
INLINE double MostLane(double most, Vector x)
{
  for (size_t l = 0; l < VECTOR; l++) most = x[l] <= most || most != most ? most : x[l];
  return most;
}

  /* The bounds of a family (family.h) from functions of one point. */
  #define NOMOS_PDE_BOUNDS(name, speed, diffusivity, rate, M1, M2, M3) \
    static void name(const double c_[], int n_dims, const double per_dx[], size_t n, size_t stride, const double w[], double most[2]) \
    { \
      Vector waves = LaneFill(most[0]), decays = LaneFill(most[1]); \
      COEFFICIENTS \
      switch (n_dims) { \
      case 1: NOMOS_PDE_BOUND_LOOP(speed, diffusivity, rate, 1, M1) break; \
      case 2: NOMOS_PDE_BOUND_LOOP(speed, diffusivity, rate, 2, M2) break; \
      case 3: NOMOS_PDE_BOUND_LOOP(speed, diffusivity, rate, 3, M3) break; \
      } \
      most[0] = MostLane(most[0], waves); \
      most[1] = MostLane(most[1], decays); \
    }
  #define NOMOS_PDE_BOUND_LOOP(speed, diffusivity, rate, dims, M) \
    for (size_t i = 0; i < n; i += LANES) { \
      const size_t count = n - i < LANES ? n - i : LANES; \
      Number       point[M], wave = Constant(0), decay; \
      for (int k = 0; k < (M); k++) point[k] = Load(w + (size_t)k * stride + i, stride, count); \
      decay = rate(c, point); \
      for (int a = 0; a < dims; a++) { \
        wave  = Add(wave, Scale(per_dx[a], speed(c, a, point))); \
        decay = Add(decay, Scale(4 * per_dx[a] * per_dx[a], diffusivity(c, point))); \
      } \
      waves  = Most(waves, wave); \
      decays = Most(decays, decay); \
    }
#endif

#endif
