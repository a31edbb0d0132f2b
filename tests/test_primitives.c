/* Every primitive of the list, by its examples: derivatives of first, second and third order against differences and by the order of Taylor remainders, transposes by
   dot products, views and float32 against what they stand for. A new line in operators/primitives/primitive_list.h is tested here. */
#include "harness.h"

#include "operators/primitives/function_impl.h"
#include "operators/primitives/primitive_list.h"

#include <Random123/philox.h>

enum { MAX_SIZE = 4096, MAX_IN = NOMOS_EXAMPLE_MAX_INPUTS };

static double Uniform(uint32_t stream, uint32_t i)
{
  const philox4x32_ctr_t counter = {{i, stream, 0, 0}};
  const philox4x32_key_t key     = {{20261125, 7}};
  return ((double)philox4x32(counter, key).v[0] + 0.5) / 4294967296.0;
}

static size_t SizeOf(const NomosExampleInput *in)
{
  size_t n = 1;
  for (int i = 0; i < in->n_dims; i++) n *= in->shape[i];
  return n;
}

/* A point, and directions in all inputs. */
typedef struct {
  const NomosExample *example;
  double              x[MAX_IN][MAX_SIZE], v[3][MAX_IN][MAX_SIZE], w[MAX_SIZE];
} Point;

static void Draw(const NomosExample *example, Point *p)
{
  p->example = example;
  for (int i = 0; i < example->n_in; i++) {
    const size_t n = SizeOf(&example->in[i]);
    ck_assert_msg(n <= MAX_SIZE, "an example should be small");
    for (uint32_t j = 0; j < n; j++) {
      p->x[i][j] = example->in[i].low + (example->in[i].high - example->in[i].low) * Uniform((uint32_t)i, j);
      for (uint32_t d = 0; d < 3; d++) p->v[d][i][j] = 2 * Uniform(10 + 4 * d + (uint32_t)i, j) - 1;
    }
  }
  for (uint32_t j = 0; j < MAX_SIZE; j++) p->w[j] = 2 * Uniform(99, j) - 1;
}

/* The inputs at x + h v[0]; as views: every second entry of a longer tensor that lies transposed. */
static void Inputs(NomosTape tape, NomosRealType type, const Point *p, double h, bool views, NomosTensor x[])
{
  static double entries[8 * MAX_SIZE];

  for (int i = 0; i < p->example->n_in; i++) {
    const NomosExampleInput *in = &p->example->in[i];
    const size_t             n  = SizeOf(in);
    const int                d  = in->n_dims;
    if (!views || d == 0) {
      for (size_t j = 0; j < n; j++) entries[j] = p->x[i][j] + h * p->v[0][i][j];
      x[i] = NomosTensorFromDoubles(tape, type, d, in->shape, entries);
      continue;
    }
    size_t shape[NOMOS_TENSOR_MAX_DIMS] = {0}; /* axes in reverse, the first (last in memory) with twice the entries and one more */
    int    axes[NOMOS_TENSOR_MAX_DIMS];
    for (int a = 0; a < d; a++) {
      shape[a] = in->shape[d - 1 - a];
      axes[a]  = d - 1 - a;
    }
    shape[d - 1] = 2 * shape[d - 1] + 1;
    for (size_t j = 0; j < n; j++) { /* where entry j of the row-major tensor lies */
      size_t rest = j, index[NOMOS_TENSOR_MAX_DIMS], at = 0;
      for (int a = d - 1; a >= 0; a--) {
        index[a] = rest % in->shape[a];
        rest /= in->shape[a];
      }
      for (int a = 0; a < d; a++) at = at * shape[a] + (a == d - 1 ? 1 + 2 * index[0] : index[d - 1 - a]);
      entries[at]     = p->x[i][j] + h * p->v[0][i][j];
      entries[at - 1] = 1e3;
    }
    x[i] = NomosSlice(NomosPermute(NomosTensorFromDoubles(tape, type, d, shape, entries), axes), 0, 1, in->shape[0], 2);
  }
}

static NomosTensor Direction(NomosTape tape, NomosRealType type, const Point *p, int d, int i)
{
  return NomosTensorFromDoubles(tape, type, p->example->in[i].n_dims, p->example->in[i].shape, p->v[d][i]);
}

/* D[0] = <w, F(x)> and its directional derivatives: D[k] = d/de D[k-1](x + e v[0]), up to `order`, by nested gradients. */
static void Derivatives(NomosTape tape, NomosRealType type, const Point *p, double h, bool views, int order, double D[])
{
  NomosTensor   x[MAX_IN], x_bar[MAX_IN], f;
  const int     n = p->example->n_in;
  const size_t *shape = NULL;

  ck_ok(NomosTapeReset(tape));
  Inputs(tape, type, p, h, views, x);
  f = p->example->apply(x);
  ck_ok(NomosTapeStatus(tape));
  ck_assert(NomosTensorSize(f) <= MAX_SIZE);
  const int n_dims = NomosTensorDims(f, &shape);
  f                = NomosSumAll(NomosMultiply(f, NomosTensorFromDoubles(tape, type, n_dims, shape, p->w)));
  ck_ok(NomosTensorGetScalar(f, &D[0]));
  for (int k = 1; k <= order; k++) {
    ck_ok(NomosGradient(&(NomosGradientInput){.y = f, .n = (size_t)n, .x = x, .record = k < order}, x_bar));
    NomosTensor sum = NomosTensorConstant(tape, type, 0, NULL, 0);
    for (int i = 0; i < n; i++) sum = NomosAdd(sum, NomosSumAll(NomosMultiply(x_bar[i], Direction(tape, type, p, 0, i))));
    f = sum;
    ck_ok(NomosTensorGetScalar(f, &D[k]));
  }
}

#define EACH_EXAMPLE(body) \
  do { \
    static Point p; \
    NomosTape    tape; \
    ck_ok(NomosTapeCreate(&tape)); \
    for (size_t i_ = 0; nomos_primitives[i_]; i_++) { \
      const NomosPrimitive *primitive = nomos_primitives[i_]; \
      ck_assert_msg(primitive->n_examples > 0, "%s has no example", primitive->name); \
      for (size_t e_ = 0; e_ < primitive->n_examples; e_++) { \
        Draw(&primitive->examples[e_], &p); \
        body \
      } \
    } \
    ck_ok(NomosTapeDestroy(&tape)); \
  } while (0)

START_TEST(test_derivatives_by_differences)
{
  EACH_EXAMPLE({
    const double h = 1e-4;
    double       at[4];
    double       ahead[4];
    double       back[4];
    Derivatives(tape, NOMOS_F64, &p, 0, false, 3, at);
    Derivatives(tape, NOMOS_F64, &p, h, false, 2, ahead);
    Derivatives(tape, NOMOS_F64, &p, -h, false, 2, back);
    for (int k = 1; k <= 3; k++) {
      const double difference = (ahead[k - 1] - back[k - 1]) / (2 * h);
      const double scale      = 1 + fabs(at[k]) + fabs(at[k - 1]);
      ck_assert_msg(fabs(at[k] - difference) < 3e-6 * scale, "%s, %s: derivative %d is %.12g, by differences %.12g", primitive->name, p.example->name, k, at[k], difference);
    }
  });
}
END_TEST

/* |D0(h) - sum_{k<m} h^k D_k/k!| falls like h^m. */
START_TEST(test_taylor_orders)
{
  int n_measured = 0;

  EACH_EXAMPLE({
    double at[4];
    Derivatives(tape, NOMOS_F64, &p, 0, false, 3, at);
    for (int m = 2; m <= 3; m++) {
      double remainder[4];
      double h = m == 2 ? 1e-3 : 4e-3;
      double scale = 1 + fabs(at[0]);
      for (int i = 0; i < 4; i++, h /= 2) {
        double ahead[1];
        Derivatives(tape, NOMOS_F64, &p, h, false, 0, ahead);
        remainder[i] = fabs(ahead[0] - at[0] - h * at[1] - (m == 3 ? h * h / 2 * at[2] : 0));
      }
      if (remainder[3] < 1e-12 * scale) { /* nothing but rounding: then the next derivative must be small too */
        ck_assert_msg(fabs(at[m]) < 1e-4 * scale || remainder[0] > 0, "%s, %s: remainder %d is zero, but derivative %d is %g", primitive->name, p.example->name, m, m, at[m]);
        continue;
      }
      const double order = log2(remainder[2] / remainder[3]);
      n_measured++;
      ck_assert_msg(fabs(order - m) < 0.05, "%s, %s: Taylor remainder of order %.3f, should be %d (%g %g)", primitive->name, p.example->name, order, m, remainder[2], remainder[3]);
    }
  });
  ck_assert_int_gt(n_measured, 30);
}
END_TEST

/* <J v, w> = <v, J^T w>, J v being the gradient of J^T u with respect to u. */
START_TEST(test_dot_products)
{
  EACH_EXAMPLE({
    NomosTensor   x[MAX_IN];
    NomosTensor   x_bar[MAX_IN];
    NomosTensor   y;
    NomosTensor   u;
    NomosTensor   jv;
    const size_t *shape;
    double        forward;
    double        reverse = 0;
    double        part;
    double        norm = 0;
    ck_ok(NomosTapeReset(tape));
    Inputs(tape, NOMOS_F64, &p, 0, false, x);
    y                = p.example->apply(x);
    const int n_dims = NomosTensorDims(y, &shape);
    u                = NomosTensorCreate(tape, NOMOS_F64, n_dims, shape, NULL);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .y_bar = u, .n = (size_t)p.example->n_in, .x = x, .record = true}, x_bar));
    NomosTensor sum = NomosTensorConstant(tape, NOMOS_F64, 0, NULL, 0);
    for (int i = 0; i < p.example->n_in; i++) sum = NomosAdd(sum, NomosSumAll(NomosMultiply(x_bar[i], Direction(tape, NOMOS_F64, &p, 1, i))));
    ck_ok(NomosGradient(&(NomosGradientInput){.y = sum, .n = 1, .x = &u}, &jv));
    const NomosTensor w = NomosTensorFromDoubles(tape, NOMOS_F64, n_dims, shape, p.w);
    ck_ok(NomosTensorGetScalar(NomosSumAll(NomosMultiply(jv, w)), &forward));
    ck_ok(NomosTensorGetScalar(NomosSumAll(NomosPower(jv, 2)), &norm));
    ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .y_bar = w, .n = (size_t)p.example->n_in, .x = x}, x_bar));
    for (int i = 0; i < p.example->n_in; i++) {
      ck_ok(NomosTensorGetScalar(NomosSumAll(NomosMultiply(x_bar[i], Direction(tape, NOMOS_F64, &p, 1, i))), &part));
      reverse += part;
    }
    ck_assert_msg(fabs(forward - reverse) <= 1e-12 * (1 + sqrt(norm)), "%s, %s: <Jv, w> = %.17g, <v, J'w> = %.17g", primitive->name, p.example->name, forward, reverse);
  });
}
END_TEST

START_TEST(test_views)
{
  EACH_EXAMPLE({
    double dense[4];
    double views[4];
    Derivatives(tape, NOMOS_F64, &p, 0, false, 3, dense);
    Derivatives(tape, NOMOS_F64, &p, 0, true, 3, views);
    for (int k = 0; k <= 3; k++) ck_assert_msg(fabs(dense[k] - views[k]) <= 1e-12 * (1 + fabs(dense[k])), "%s, %s: derivative %d is %.17g, of views %.17g", primitive->name, p.example->name, k, dense[k], views[k]);
  });
}
END_TEST

START_TEST(test_single_precision)
{
  EACH_EXAMPLE({
    double wide[4];
    double narrow[4];
    Derivatives(tape, NOMOS_F64, &p, 0, false, 3, wide);
    Derivatives(tape, NOMOS_F32, &p, 0, false, 3, narrow);
    for (int k = 0; k <= 3; k++) ck_assert_msg(fabs(wide[k] - narrow[k]) <= 3e-5 * (10 + fabs(wide[k])), "%s, %s: derivative %d is %.9g in float64, %.9g in float32", primitive->name, p.example->name, k, wide[k], narrow[k]);
  });
}
END_TEST

/* f^(n+1) by differences of f^(n) (of fourth order), for orders that no example reaches. */
START_TEST(test_functions_of_high_order)
{
  static NomosFunctionPlan plan;
  double                   x[NOMOS_FUNCTION_BLOCK], f[4][NOMOS_FUNCTION_BLOCK], y[NOMOS_FUNCTION_BLOCK], moved[NOMOS_FUNCTION_BLOCK];
  const double             h = 1e-3, shift[4] = {-2, -1, 1, 2};

  for (int kind = 0; kind < NOMOS_N_FUNCTIONS; kind++)
    for (int order = 0; order < NOMOS_FUNCTION_MAX_ORDER; order++) {
      double scale = 0;
      for (int i = 0; i < NOMOS_FUNCTION_BLOCK; i++) x[i] = kind == NOMOS_LOG ? 1 + 0.01 * i : -2 + 0.031 * i + 0.003;
      NomosFunctionPrepare((NomosFunctionKind)kind, order, &plan);
      for (int s = 0; s < 4; s++) {
        for (int i = 0; i < NOMOS_FUNCTION_BLOCK; i++) moved[i] = x[i] + shift[s] * h;
        NomosFunctionBlock_f64(&plan, moved, f[s]);
        for (int i = 0; i < NOMOS_FUNCTION_BLOCK; i++) scale = fmax(scale, fabs(f[s][i]));
      }
      NomosFunctionPrepare((NomosFunctionKind)kind, order + 1, &plan);
      NomosFunctionBlock_f64(&plan, x, y);
      for (int i = 0; i < NOMOS_FUNCTION_BLOCK; i++) scale = fmax(scale, fabs(y[i]));
      for (int i = 0; i < NOMOS_FUNCTION_BLOCK; i++) {
        const double difference = (8 * (f[2][i] - f[1][i]) - (f[3][i] - f[0][i])) / (12 * h);
        ck_assert_msg(fabs(y[i] - difference) <= (order < 8 ? 1e-9 : 1e-6) * scale, "%s, derivative %d at %g: %.12g, by differences %.12g", nomos_function_names[kind], order + 1, x[i], y[i], difference);
      }
    }
}
END_TEST

/* Known values, and what must not overflow. */
START_TEST(test_functions_far_out)
{
  const struct {
    NomosFunctionKind kind;
    double            x, y;
  } known[] = {
    {NOMOS_SOFTPLUS, 1000, 1000}, {NOMOS_SOFTPLUS, -1000, 0}, {NOMOS_LOGCOSH, -800, 800 - 0.69314718055994530942}, {NOMOS_SIGMOID, -1000, 0}, {NOMOS_SIGMOID, 1000, 1}, {NOMOS_MISH, 500, 500}, {NOMOS_MISH, -500, 0}, {NOMOS_GELU, 300, 300},
    {NOMOS_GELU, -300, 0}, {NOMOS_SILU, -2000, 0}, {NOMOS_ELU, -1000, -1}, {NOMOS_GELU, 1, 0.84134474606854294859}, {NOMOS_MISH, 1, 0.86509838826731030700}, {NOMOS_LOGCOSH, 1, 0.43378083048302812117}, {NOMOS_ERF, 0.5, 0.52049987781304653768},
  };
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    double y;
    ck_ok(NomosTensorGetScalar(NomosFunction(known[i].kind, 0, NomosTensorFromDoubles(tape, NOMOS_F64, 0, NULL, &known[i].x)), &y));
    ck_assert_msg(fabs(y - known[i].y) <= 1e-14 * (1 + fabs(known[i].y)), "%s(%g) = %.17g, should be %.17g", nomos_function_names[known[i].kind], known[i].x, y, known[i].y);
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* x Phi(x) in float32, also far below zero, where 1 + erf would have no digits left; its slope as a fused primitive has it. */
START_TEST(test_gelu_in_single_precision)
{
  enum { N = 20001 };
  static float      x[N], y[N], slope[N];
  NomosFunctionPair pair;

  for (int i = 0; i < N; i++) x[i] = (float)(-20 + 40. * i / (N - 1));
  NomosFunctionPairPrepare(NOMOS_GELU, &pair);
  NomosFunctionPairRun_f32(&pair, N, x, y, slope);
  for (int i = 0; i < N; i++) {
    const double phi = 0.5 * erfc(-sqrt(0.5) * x[i]), gelu = x[i] * phi, exact = phi + x[i] * 0.39894228040143267794 * exp(-0.5 * (double)x[i] * x[i]);
    ck_assert_msg(fabs(y[i] - gelu) <= (x[i] > -5 ? 1e-6 : 4e-6) * fabs(gelu) + 1e-34, "gelu(%g) = %g, should be %g", x[i], y[i], gelu);
    ck_assert_msg(fabs(slope[i] - exact) <= 3e-7, "gelu'(%g) = %g, should be %g", x[i], slope[i], exact);
  }
}
END_TEST

NOMOS_TEST_SUITE("primitives", test_derivatives_by_differences, test_taylor_orders, test_dot_products, test_views, test_single_precision, test_functions_of_high_order, test_functions_far_out, test_gelu_in_single_precision)
