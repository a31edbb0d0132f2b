/* What the tape promises apart from its primitives: nested gradients, partial ones, memory, and errors instead of wrong numbers. */
#include "harness.h"

#include "operators/primitives.h"

#include <omp.h>

static NomosTensor Vector(NomosTape tape, size_t n, double first, double step)
{
  double *entries = malloc((n + 1) * sizeof *entries);
  for (size_t i = 0; i < n; i++) entries[i] = first + step * (double)i;
  NomosTensor x = NomosTensorFromDoubles(tape, NOMOS_F64, 1, &n, entries);
  free(entries);
  return x;
}

static double Scalar(NomosTensor x)
{
  double value = NAN;
  ck_ok(NomosTensorGetScalar(x, &value));
  return value;
}

static NomosTensor Gradient(NomosTensor y, NomosTensor x, bool record)
{
  NomosTensor x_bar;
  ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &x, .record = record}, &x_bar));
  return x_bar;
}

/* d^k/dx^k of x^6 at 1.5, by k nested gradients. */
START_TEST(test_any_order)
{
  NomosTape   tape;
  double      value = 1.5, factor = 1;
  NomosTensor x, y;

  ck_ok(NomosTapeCreate(&tape));
  x = NomosTensorFromDoubles(tape, NOMOS_F64, 0, NULL, &value);
  y = NomosMultiply(NomosPower(x, 2), NomosMultiply(NomosPower(x, 3), x));
  for (int k = 0; k <= 7; k++) {
    ck_assert_double_eq_tol(Scalar(y), factor * (k > 6 ? 0 : pow(1.5, 6 - k)), 1e-12 * fabs(factor) + 1e-12);
    y = Gradient(y, x, true);
    factor *= 6 - k;
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Gradients with respect to any tensors, also results; zero and said so where nothing leads. */
START_TEST(test_partial)
{
  NomosTape   tape;
  NomosTensor a, b, c, y, x[4], bar[4];
  bool        reached[4];

  ck_ok(NomosTapeCreate(&tape));
  a = Vector(tape, 3, 1, 1);
  b = NomosMultiply(a, a);
  c = Vector(tape, 2, 0, 1);
  y = NomosSumAll(NomosMultiply(b, NomosStopGradient(a)));
  x[0] = a, x[1] = b, x[2] = c, x[3] = y;
  ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .n = 4, .x = x, .reached = reached}, bar));
  double ga[3], gb[3], gc[2];
  ck_ok(NomosTensorGetDoubles(bar[0], ga));
  ck_ok(NomosTensorGetDoubles(bar[1], gb));
  ck_ok(NomosTensorGetDoubles(bar[2], gc));
  for (int i = 0; i < 3; i++) {
    ck_assert_double_eq(gb[i], i + 1);
    ck_assert_double_eq(ga[i], 2. * (i + 1) * (i + 1)); /* not 3: the second factor is held */
  }
  ck_assert(gc[0] == 0 && gc[1] == 0 && Scalar(bar[3]) == 1);
  ck_assert(reached[0] && reached[1] && !reached[2] && reached[3]);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* H v by nested gradients is what theory says for a quartic, and symmetric. */
START_TEST(test_hessian)
{
  NomosTape    tape;
  const size_t n = 5;
  NomosTensor  x, g, u, v, hu, hv;

  ck_ok(NomosTapeCreate(&tape));
  x = Vector(tape, n, -0.7, 0.4);
  u = Vector(tape, n, 1, -0.3);
  v = Vector(tape, n, 0.2, 0.5);
  g = Gradient(NomosPower(NomosSumAll(NomosPower(x, 2)), 2), x, true); /* f = |x|^4: H = 4 |x|^2 + 8 x x^T */
  hu = Gradient(NomosSumAll(NomosMultiply(g, u)), x, false);
  hv = Gradient(NomosSumAll(NomosMultiply(g, v)), x, false);
  const double s = Scalar(NomosSumAll(NomosPower(x, 2))), xu = Scalar(NomosSumAll(NomosMultiply(x, u))), xv = Scalar(NomosSumAll(NomosMultiply(x, v))), uv = Scalar(NomosSumAll(NomosMultiply(u, v)));
  ck_close(Scalar(NomosSumAll(NomosMultiply(hu, v))), 4 * s * uv + 8 * xu * xv, 1e-14);
  ck_close(Scalar(NomosSumAll(NomosMultiply(hu, v))), Scalar(NomosSumAll(NomosMultiply(hv, u))), 1e-14);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_freed)
{
  NomosTape     tape;
  NomosTensor   x, y, bar;
  NomosTapeMark mark;
  double        value;

  ck_ok(NomosTapeCreate(&tape));
  x    = Vector(tape, 3, 1, 1);
  mark = NomosTapeGetMark(tape);
  y    = NomosSumAll(x);
  ck_ok(NomosTapeRewind(tape, mark));
  ck_refused(NomosTensorGetScalar(y, &value), "after it was freed");
  y = NomosSumAll(NomosPower(x, 2)); /* takes the place of the freed one */
  ck_assert_double_eq(Scalar(y), 14);
  ck_ok(NomosTapeReset(tape));
  ck_refused(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &x}, &bar), "after it was freed");
  y = NomosAdd(x, Vector(tape, 3, 0, 1));
  ck_refused(NomosTapeStatus(tape), "after it was freed");
  ck_refused(NomosTensorGetScalar((NomosTensor){0}, &value), "no primitive has made");
  ck_ok(NomosTapeStatus(tape));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_overwritten)
{
  NomosTape    tape;
  double       memory[2] = {1, 2}, other[2] = {5, 6};
  uint64_t     version = 3;
  NomosTensor  x, w, y, bar;

  ck_ok(NomosTapeCreate(&tape));
  x = NomosTensorCreate(tape, NOMOS_F64, 1, (size_t[]){2}, memory);
  w = NomosTensorBorrow(tape, NOMOS_F64, 1, (size_t[]){2}, memory, &version, "layer.weight");
  y = NomosSumAll(NomosMultiply(NomosPower(x, 2), w));
  bar = Gradient(y, x, false);
  memory[0] = 7;
  version++;
  ck_refused(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &x}, &bar), "layer.weight was overwritten");
  y = NomosSumAll(NomosPower(x, 2));
  ck_ok(NomosTensorSet(x, other));
  ck_refused(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &x}, &bar), "overwritten after it was recorded");
  ck_assert_double_eq(Scalar(NomosSumAll(x)), 11);
  ck_refused(NomosTensorSet(y, other), "only a leaf");
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

START_TEST(test_errors)
{
  NomosTape   tape;
  NomosTensor a, b, y, bar;

  ck_ok(NomosTapeCreate(&tape));
  a = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){3, 4}, NULL);
  b = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){5, 6}, NULL);
  y = NomosSumAll(NomosMatMul(a, b)); /* the first error is kept, the rest does nothing */
  ck_refused(NomosTapeStatus(tape), "matmul: [3, 4] by [5, 6]");
  y = NomosAdd(a, b);
  ck_refused(NomosTapeStatus(tape), "add: [3, 4] and [5, 6] do not go together");
  y = NomosAdd(a, NomosTensorCreate(tape, NOMOS_F32, 2, (size_t[]){3, 4}, NULL));
  ck_refused(NomosTapeStatus(tape), "NomosCast");
  y = NomosReshape(a, 1, (size_t[]){7});
  ck_refused(NomosTapeStatus(tape), "reshape: [7] does not have as many entries as [3, 4]");
  y = NomosSlice(a, 1, 3, 2, 1);
  ck_refused(NomosTapeStatus(tape), "beyond axis 1 of length 4");
  y = NomosSum(a, 1, (int[]){2}, false);
  ck_refused(NomosTapeStatus(tape), "axis 2 of a tensor with 2 axes");
  y = NomosFunction(NOMOS_TANH, 99, a);
  ck_refused(NomosTapeStatus(tape), "derivative 99 of tanh");
  ck_refused(NomosGradient(&(NomosGradientInput){.y = a, .n = 1, .x = &a}, &bar), "needs a y_bar");
  ck_refused(NomosGradient(&(NomosGradientInput){.y = a, .y_bar = b, .n = 1, .x = &a}, &bar), "y_bar is float64 of [5, 6], y is float64 of [3, 4]");
  NomosIndex index;
  ck_refused(NomosIndexCreate(2, (int32_t[]){0, 4}, 4, &index), "entry 1 of an index list is 4: must be between 0 and 3");
  (void)y;
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* ---- recomputed segments */

static NomosTensor Deep(NomosTape tape, const NomosTensor x[], void *ctx)
{
  NomosTensor y = x[0];
  (void)tape;
  for (int i = 0; i < *(int *)ctx; i++) y = NomosFunction(NOMOS_TANH, 0, NomosMatMul(y, x[1]));
  return y;
}

/* The same gradients to rounding (sums are grouped by segment), in less memory. */
START_TEST(test_recompute)
{
  double first[2][900], second[2][900];
  size_t most[2];
  int    depth = 12;

  for (int kept = 0; kept < 2; kept++) {
    NomosTape   tape;
    NomosTensor x[2], y, g;
    ck_ok(NomosTapeCreate(&tape));
    x[0] = NomosReshape(Vector(tape, 3000, -0.3, 2e-4), 2, (size_t[]){100, 30});
    x[1] = NomosFunction(NOMOS_SIN, 0, NomosReshape(Vector(tape, 900, -1, 0.7), 2, (size_t[]){30, 30}));
    y    = x[0];
    for (int s = 0; s < 4; s++) y = kept ? Deep(tape, (NomosTensor[]){y, x[1]}, &depth) : NomosRecompute(Deep, &depth, 2, (NomosTensor[]){y, x[1]});
    NomosTapeUsage(tape, NULL, &most[kept], NULL);
    y = NomosMeanAll(NomosPower(y, 2));
    ck_ok(NomosTensorGetDoubles(Gradient(y, x[1], false), first[kept]));
    g = Gradient(y, x[1], true);
    ck_ok(NomosTensorGetDoubles(Gradient(NomosSumAll(NomosPower(g, 2)), x[1], false), second[kept]));
    ck_ok(NomosTapeDestroy(&tape));
  }
  for (int i = 0; i < 900; i++) {
    ck_assert_double_eq_tol(first[0][i], first[1][i], 1e-15);
    ck_assert_double_eq_tol(second[0][i], second[1][i], 1e-13);
  }
  ck_assert_uint_lt(3 * most[0], most[1]); /* one segment of four at a time */
}
END_TEST

/* Memory of a training loop does not grow. */
START_TEST(test_memory)
{
  NomosTape tape;
  size_t    bytes, most_early = 0, most;

  ck_ok(NomosTapeCreate(&tape));
  for (int step = 0; step < 50; step++) {
    NomosTensor x = NomosReshape(Vector(tape, 1200, 0, 1e-3), 2, (size_t[]){40, 30}), w = NomosReshape(Vector(tape, 900, 0, 1e-4), 2, (size_t[]){30, 30});
    NomosTensor h = NomosFunction(NOMOS_GELU, 0, NomosMatMul(NomosFunction(NOMOS_GELU, 0, NomosMatMul(x, w)), w));
    (void)Gradient(NomosMeanAll(NomosPower(h, 2)), w, step % 2);
    NomosTapeUsage(tape, NULL, &most, NULL);
    if (step == 2) most_early = most;
    ck_ok(NomosTapeReset(tape));
    NomosTapeUsage(tape, &bytes, NULL, NULL);
    ck_assert_uint_eq(bytes, 0);
  }
  ck_assert_uint_eq(most, most_early);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Threads with a tape each, at once: what they find alone. */
static PetscErrorCode Count(void *object)
{
  ++*(int *)object;
  return PETSC_SUCCESS;
}

/* What a tape owns is destroyed once: with the tensors made after it. */
START_TEST(test_owned)
{
  NomosTape tape;
  int       destroyed[40] = {0};

  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosTapeOwn(tape, &destroyed[0], Count));
  const NomosTapeMark mark = NomosTapeGetMark(tape);
  for (int i = 1; i < 40; i++) ck_ok(NomosTapeOwn(tape, &destroyed[i], Count));
  ck_ok(NomosTapeRewind(tape, mark));
  for (int i = 0; i < 40; i++) ck_assert_int_eq(destroyed[i], i > 0);
  ck_ok(NomosTapeReset(tape));
  ck_assert_int_eq(destroyed[0], 1);
  ck_ok(NomosTapeOwn(tape, &destroyed[1], Count));
  ck_ok(NomosTapeDestroy(&tape));
  for (int i = 0; i < 40; i++) ck_assert_int_eq(destroyed[i], i == 1 ? 2 : 1);
}
END_TEST

START_TEST(test_tapes_of_threads)
{
  enum { N = 4, ENTRIES = 16 * 12 };
  double alone[N][ENTRIES], together[N][ENTRIES];
  int    failed = 0;

  for (int at_once = 0; at_once < 2; at_once++) {
#pragma omp parallel for num_threads(at_once ? N : 1) reduction(+ : failed) schedule(static, 1)
    for (int t = 0; t < N; t++) {
      NomosTape   tape;
      NomosTensor x, w, bar;
      if (NomosTapeCreate(&tape)) {
        failed++;
        continue;
      }
      for (int step = 0; step < 20; step++) {
        failed += NomosTapeReset(tape) != 0;
        x = NomosReshape(Vector(tape, 30 * 16, 0.1 * t, 0.013), 2, (size_t[]){30, 16});
        w = NomosReshape(Vector(tape, ENTRIES, -0.5, 0.005), 2, (size_t[]){16, 12});
        const NomosTensor h = NomosFunction(NOMOS_GELU, 0, NomosInverseRealFft(NomosRealFft(NomosMatMul(x, w), 1), 1, 12));
        failed += NomosGradient(&(NomosGradientInput){.y = NomosMeanAll(NomosPower(h, 2)), .n = 1, .x = &w}, &bar) != 0;
        failed += NomosTensorGetDoubles(bar, at_once ? together[t] : alone[t]) != 0;
      }
      failed += NomosTapeDestroy(&tape) != 0;
    }
  }
  ck_assert_int_eq(failed, 0);
  ck_assert_msg(!memcmp(alone, together, sizeof alone), "tapes of several threads disturb one another");
}
END_TEST

/* A fused MLP over several tiles and chunks is what its definition says, rows or channels first, in both precisions. */
START_TEST(test_fused_mlp)
{
  for (int single = 0; single < 2; single++)
    for (int first = 0; first < 2; first++) {
      double y[2], bar[2][4][6000];
      for (int fused = 0; fused < 2; fused++) {
        NomosTape           tape;
        const NomosRealType type = single ? NOMOS_F32 : NOMOS_F64;
        NomosTensor         x[4], x_bar[4];
        ck_ok(NomosTapeCreate(&tape));
        (void)NomosTapeSetFusing(tape, fused);
        x[0] = NomosReshape(NomosCast(NomosFunction(NOMOS_SIN, 0, Vector(tape, 5980, 0, 0.37)), type), first ? 3 : 2, first ? (size_t[]){2, 5, 598} : (size_t[]){1196, 5});
        x[1] = NomosReshape(NomosCast(NomosFunction(NOMOS_COS, 0, Vector(tape, 35, 0, 0.7)), type), 2, (size_t[]){7, 5});
        x[2] = NomosReshape(NomosCast(NomosFunction(NOMOS_COS, 0, Vector(tape, 14, 1, 0.9)), type), 2, (size_t[]){2, 7});
        x[3] = NomosCast(Vector(tape, 7, -0.4, 0.1), type);
        NomosTensor out = NomosMlpChain(&(NomosMlpChainInput){.n_layers = 2, .x = x[0], .weights = x + 1, .biases = (NomosTensor[]){x[3], {0}}, .activation = NOMOS_SILU, .activate_input = true, .channels_first = first});
        out = NomosMeanAll(NomosPower(out, 2));
        y[fused] = Scalar(out);
        ck_ok(NomosGradient(&(NomosGradientInput){.y = out, .n = 4, .x = x}, x_bar));
        for (int i = 0; i < 4; i++) ck_ok(NomosTensorGetDoubles(x_bar[i], bar[fused][i]));
        ck_ok(NomosTapeDestroy(&tape));
      }
      const double tolerance = single ? 1e-5 : 1e-14;
      const int    sizes[4]  = {5980, 35, 14, 7};
      ck_close(y[0], y[1], tolerance);
      for (int i = 0; i < 4; i++) {
        double largest = 0;
        for (int k = 0; k < sizes[i]; k++) largest = fmax(largest, fabs(bar[0][i][k]));
        for (int k = 0; k < sizes[i]; k++) ck_assert_msg(fabs(bar[0][i][k] - bar[1][i][k]) <= 10 * tolerance * largest, "input %d, entry %d, %s: %.17g by the definition, %.17g fused", i, k, first ? "channels first" : "rows", bar[0][i][k], bar[1][i][k]);
      }
    }
}
END_TEST

/* Bits do not depend on the number of threads: products with long sums, long reductions, many rows, edges. */
START_TEST(test_threads)
{
  enum { ROWS = 9000, WIDTH = 24 };
  static double bits[3][WIDTH * WIDTH + WIDTH];
  int32_t      *edges = malloc(4 * ROWS * sizeof *edges);
  NomosIndex    index;
  const int     before = omp_get_max_threads();

  for (int32_t e = 0; e < 4 * ROWS; e++) edges[e] = (int32_t)((7919u * (uint32_t)e) % ROWS);
  ck_ok(NomosIndexCreate(4 * ROWS, edges, ROWS, &index));
  for (int threads = 1; threads <= 3; threads++) {
    NomosTape tape;
    omp_set_num_threads(threads);
    ck_ok(NomosTapeCreate(&tape));
    NomosTensor x = NomosFunction(NOMOS_SIN, 0, NomosReshape(Vector(tape, ROWS * WIDTH, 0, 0.37), 2, (size_t[]){ROWS, WIDTH}));
    NomosTensor w[2] = {NomosFunction(NOMOS_COS, 0, NomosReshape(Vector(tape, WIDTH * WIDTH, 0, 0.91), 2, (size_t[]){WIDTH, WIDTH})), Vector(tape, WIDTH, -1, 0.1)}, bar[2];
    NomosTensor h = NomosFunction(NOMOS_GELU, 0, NomosAdd(NomosMatMul(x, w[0]), w[1]));
    h = NomosScatterAdd(NomosFunction(NOMOS_TANH, 0, NomosGather(h, index)), index);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = NomosMeanAll(NomosPower(NomosSoftmax(h, -1), 2)), .n = 2, .x = w}, bar));
    ck_ok(NomosTensorGetDoubles(bar[0], bits[threads - 1]));
    ck_ok(NomosTensorGetDoubles(bar[1], bits[threads - 1] + WIDTH * WIDTH));
    ck_ok(NomosTapeDestroy(&tape));
  }
  omp_set_num_threads(before);
  for (int threads = 2; threads <= 3; threads++) ck_assert_msg(!memcmp(bits[0], bits[threads - 1], sizeof bits[0]), "%d threads give other bits than one", threads);
  ck_ok(NomosIndexDestroy(&index));
  free(edges);
}
END_TEST

NOMOS_TEST_SUITE("tape", test_any_order, test_partial, test_hessian, test_freed, test_overwritten, test_errors, test_recompute, test_memory, test_owned, test_fused_mlp, test_tapes_of_threads, test_threads)
