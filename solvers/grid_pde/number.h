/* One source, values and derivatives: the point functions of a family (families/) and the limiters are compiled twice, with and without NOMOS_DUAL. In them Number is a double, or a value with its tangent, NAME(f)
   is f_value or f_dual, and arithmetic is by the functions below. Kinks (limiters, upwinding) have the derivative of the branch that was taken. */
#ifndef NOMOS_SOLVERS_GRID_PDE_NUMBER_H
#define NOMOS_SOLVERS_GRID_PDE_NUMBER_H

#include <math.h>
#include <stddef.h>

#ifdef NOMOS_DUAL
  #define NAME(f) f##_dual
typedef struct {
  double v, d;
} Number;
  #define NUMBER(value, tangent) ((Number){value, tangent})
static inline Number Constant(double a) { return NUMBER(a, 0); }
static inline double Value(Number a) { return a.v; }
static inline Number Add(Number a, Number b) { return NUMBER(a.v + b.v, a.d + b.d); }
static inline Number Sub(Number a, Number b) { return NUMBER(a.v - b.v, a.d - b.d); }
static inline Number Mul(Number a, Number b) { return NUMBER(a.v * b.v, a.d * b.v + a.v * b.d); }
static inline Number Div(Number a, Number b) { return NUMBER(a.v / b.v, (a.d - a.v / b.v * b.d) / b.v); }
static inline Number Scale(double s, Number a) { return NUMBER(s * a.v, s * a.d); }
static inline Number Sqrt(Number a) { return NUMBER(sqrt(a.v), a.d / (2 * sqrt(a.v))); }
static inline Number Power(Number a, Number p) { return NUMBER(pow(a.v, p.v), pow(a.v, p.v - 1) * p.v * a.d + (p.d != 0 ? pow(a.v, p.v) * log(a.v) * p.d : 0)); }
static inline Number Exp(Number a) { return NUMBER(exp(a.v), exp(a.v) * a.d); }
static inline Number Select(int condition, Number a, Number b) { return NUMBER(condition ? a.v : b.v, condition ? a.d : b.d); }
#else
  #define NAME(f) f##_value
typedef double Number;
static inline Number Constant(double a) { return a; }
static inline double Value(Number a) { return a; }
static inline Number Add(Number a, Number b) { return a + b; }
static inline Number Sub(Number a, Number b) { return a - b; }
static inline Number Mul(Number a, Number b) { return a * b; }
static inline Number Div(Number a, Number b) { return a / b; }
static inline Number Scale(double s, Number a) { return s * a; }
static inline Number Sqrt(Number a) { return sqrt(a); }
static inline Number Power(Number a, Number p) { return pow(a, p); }
static inline Number Exp(Number a) { return exp(a); }
static inline Number Select(int condition, Number a, Number b) { return condition ? a : b; }
#endif
static inline Number Square(Number a) { return Mul(a, a); }
static inline Number Abs(Number a) { return Select(Value(a) < 0, Scale(-1, a), a); }
static inline Number Max(Number a, Number b) { return Select(Value(a) > Value(b), a, b); }
static inline Number Min(Number a, Number b) { return Select(Value(a) < Value(b), a, b); }

/* Rows of the kernels (family.h) from functions of one face or one point: M1, M2, M3 are the numbers of fields in one, two and three dimensions, constants so that the compiler unrolls and vectorises. */
#define NOMOS_PDE_FACES(name, function, M1, M2, M3) \
  static void name(const void *c_, int n_dims, int axis, size_t n, const void *left_, const void *right_, void *flux_) \
  { \
    const Number *c = c_, *left = left_, *right = right_; \
    Number       *flux = flux_; \
    if (n_dims == 1) NOMOS_PDE_FACE_LOOP(function, 1, M1) \
    else if (n_dims == 2) NOMOS_PDE_FACE_LOOP(function, 2, M2) \
    else NOMOS_PDE_FACE_LOOP(function, 3, M3) \
  }
#define NOMOS_PDE_FACE_LOOP(function, dims, M) \
  for (size_t i = 0; i < n; i++) { \
    Number a[M], b[M], result[M]; \
    for (int k = 0; k < (M); k++) { \
      a[k] = left[(size_t)k * n + i]; \
      b[k] = right[(size_t)k * n + i]; \
    } \
    function(c, dims, axis, a, b, result); \
    for (int k = 0; k < (M); k++) flux[(size_t)k * n + i] = result[k]; \
  }
#define NOMOS_PDE_POINTS(name, function, M1, M2, M3) \
  static void name(const void *c_, int n_dims, size_t n, size_t stride_in, const void *in_, size_t stride_out, void *out_) \
  { \
    const Number *c = c_, *in = in_; \
    Number       *out = out_; \
    if (n_dims == 1) NOMOS_PDE_POINT_LOOP(function, 1, M1) \
    else if (n_dims == 2) NOMOS_PDE_POINT_LOOP(function, 2, M2) \
    else NOMOS_PDE_POINT_LOOP(function, 3, M3) \
  }
#define NOMOS_PDE_POINT_LOOP(function, dims, M) \
  for (size_t i = 0; i < n; i++) { \
    Number a[M], result[M]; \
    for (int k = 0; k < (M); k++) a[k] = in[(size_t)k * stride_in + i]; \
    function(c, dims, a, result); \
    for (int k = 0; k < (M); k++) out[(size_t)k * stride_out + i] = result[k]; \
  }

#endif
