/* The fused loss of a Hamiltonian's field against the tape, which is its definition, and against differences. */
#include "operators/random.h"
#include "surrogates/hamiltonian/field.h"
#include "surrogates/hamiltonian/field_loss.h"
#include "surrogates/hamiltonian/fit_fused.h"
#include "surrogates/loss.h"
#include "tests/harness.h"

enum { MAX_TENSORS = 16 };

/* Numbers that float32 has too, so that both precisions are given the same. */
static void Draw(uint64_t stream, size_t n, double x[])
{
  for (size_t i = 0; i < n; i++) x[i] = (double)(float)NomosRandomNormal(23, stream, i);
}
static double *Drawn(uint64_t stream, size_t n)
{
  double *x = malloc((n + 1) * sizeof *x);
  Draw(stream, n, x);
  return x;
}
/* Doubles as reals of a type, and back. */
static void *RealsOf(NomosRealType type, size_t n, const double x[])
{
  void *reals = calloc(n + 1, sizeof(double));
  for (size_t i = 0; i < n; i++)
    if (type == NOMOS_F32) ((float *)reals)[i] = (float)x[i];
    else ((double *)reals)[i] = x[i];
  return reals;
}
static double *DoublesOf(NomosRealType type, size_t n, void *reals)
{
  double *x = malloc((n + 1) * sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = type == NOMOS_F32 ? (double)((float *)reals)[i] : ((double *)reals)[i];
  free(reals);
  return x;
}
/* max |a - b| / max |b| */
static double Distance(size_t n, const double a[], const double b[])
{
  double distance = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(fabs(a[i] - b[i]) <= distance)) distance = fabs(a[i] - b[i]);
    size = fmax(size, fabs(b[i]));
  }
  return size > 0 ? distance / size : distance;
}
static double Inner(size_t n, const double a[], const double b[])
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* ---- a network on the tape, in double, and beside it the fused loss, in any precision */

typedef struct {
  NomosHamiltonianLossInput input;
  size_t                    size; /* of theta */
  NomosParameters           parameters;
  NomosMlp                  mlp;
  NomosTape                 tape;
  size_t                    n_tensors;
  double                   *theta; /* in the parameters */
  NomosHamiltonianLoss      loss[2];
} Net;

typedef struct {
  size_t           n;
  double          *x, *x_dot;
  NomosFieldPoints points; /* the same in the precision of the loss */
} Points;

static Points PointsOf(const NomosHamiltonianLossInput *input, uint64_t stream, size_t n)
{
  Points p = {.n = n, .x = Drawn(2 * stream, n * input->n_coordinates), .x_dot = Drawn(2 * stream + 1, n * input->n_coordinates)};
  p.points = (NomosFieldPoints){n, RealsOf(input->type, n * input->n_coordinates, p.x), RealsOf(input->type, n * input->n_coordinates, p.x_dot)};
  return p;
}
static void PointsFree(Points *p)
{
  free(p->x);
  free(p->x_dot);
  free((void *)p->points.x);
  free((void *)p->points.x_dot);
}

static Net NetOf(const NomosHamiltonianLossInput *input)
{
  Net                 net   = {.input = *input};
  const NomosMlpInput shape = {.n_hidden = input->n_hidden, .in = input->n_coordinates, .width = input->width, .out = 1, .activation = input->activation, .no_last_bias = true};
  void               *edit;
  ck_ok(NomosTapeCreate(&net.tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &net.parameters));
  ck_ok(NomosMlpCreate(net.parameters, "h", &shape, &net.mlp));
  ck_ok(NomosParametersInitialise(net.parameters, 1));
  ck_ok(NomosParametersEdit(net.parameters, &edit));
  net.theta     = edit;
  net.size      = NomosParametersSize(net.parameters);
  net.n_tensors = NomosParametersCount(net.parameters);
  for (size_t i = 0; i < net.size; i++) net.theta[i] = (double)(float)(2 * net.theta[i]);
  for (int i = 0; i < 2; i++) {
    NomosHamiltonianLossInput one = *input;
    one.n_threads                 = (size_t)i + 1;
    ck_ok(NomosHamiltonianLossCreate(&one, &net.loss[i]));
  }
  ck_assert_uint_eq(NomosHamiltonianLossSize(net.loss[0]), net.size);
  return net;
}
static void NetFree(Net *net)
{
  for (int i = 0; i < 2; i++) ck_ok(NomosHamiltonianLossDestroy(&net->loss[i]));
  ck_ok(NomosParametersDestroy(&net->parameters));
  ck_ok(NomosTapeDestroy(&net->tape));
}

static NomosTensor TapeLoss(const Net *net, const NomosTensor w[], const Points *p)
{
  const size_t shape[] = {p->n, net->input.n_coordinates};
  NomosTensor  field   = {.tape = net->tape};
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = &net->mlp, .w = w, .x = NomosTensorFromDoubles(net->tape, NOMOS_F64, 2, shape, p->x)}, &field));
  return (net->input.log_cosh ? NomosLossLogCosh : NomosLossMeanSquared)(field, NomosTensorFromDoubles(net->tape, NOMOS_F64, 2, shape, p->x_dot));
}

static NomosTensor TapeMeta(const Net *net, const NomosTensor theta[], const Points *support, const Points *query, const NomosMetaLossInput *meta)
{
  NomosTensor w[MAX_TENSORS], g[MAX_TENSORS];
  memcpy(w, theta, net->n_tensors * sizeof *w);
  for (int j = 0; j < (support->n ? meta->steps : 0); j++) {
    ck_ok(NomosGradient(&(NomosGradientInput){.y = TapeLoss(net, w, support), .n = net->n_tensors, .x = w, .record = true}, g));
    for (size_t i = meta->last_layer ? net->n_tensors - 1 : 0; i < net->n_tensors; i++) w[i] = NomosSubtract(w[i], NomosAffine(meta->first_order ? NomosStopGradient(g[i]) : g[i], meta->rate, 0));
  }
  return TapeLoss(net, w, query);
}

static double Tolerance(NomosRealType type)
{
  return type == NOMOS_F32 ? 2e-5 : 1e-10;
}

/* All that there is, of a network and points, against the tape. */
static void CheckCase(const NomosHamiltonianLossInput *input, size_t n)
{
  Net                 net  = NetOf(input);
  const NomosRealType type = input->type;
  const size_t        size = net.size, n_field = n * input->n_coordinates;
  Points              points = PointsOf(input, 3, n);
  void               *theta = RealsOf(type, size, net.theta), *g = calloc(size, sizeof(double)), *Hv = calloc(size, sizeof(double)), *field = calloc(n_field + 1, sizeof(double));
  double             *v = Drawn(50, size), *exact = malloc(size * sizeof *exact), value, exact_value;
  void               *direction = RealsOf(type, size, v);
  NomosTensor         w[MAX_TENSORS], bar[MAX_TENSORS], second[MAX_TENSORS];
  char                what[200];

  snprintf(what, sizeof what, "float%d, %zu coordinates, %zu hidden layers of %zu, activation %d, %s, %zu points", type == NOMOS_F32 ? 32 : 64, input->n_coordinates, input->n_hidden, input->width, (int)input->activation, input->log_cosh ? "log-cosh" : "mean square", n);
  ck_ok(NomosHamiltonianLossGradient(net.loss[0], &points.points, theta, &value, g));
  ck_ok(NomosHamiltonianLossHessian(net.loss[0], &points.points, theta, direction, Hv));
  ck_ok(NomosHamiltonianLossField(net.loss[0], n, points.points.x, theta, field));
  double *gradient = DoublesOf(type, size, g), *product = DoublesOf(type, size, Hv), *states = DoublesOf(type, n_field, field);
  if (n == 0) {
    ck_assert_double_eq(value, 0);
    for (size_t i = 0; i < size; i++) ck_assert(gradient[i] == 0 && product[i] == 0);
  } else {
    size_t at = 0;
    ck_ok(NomosParametersBind(net.parameters, net.tape, w));
    const NomosTensor loss = TapeLoss(&net, w, &points);
    ck_ok(NomosTensorGetScalar(loss, &exact_value));
    ck_assert_msg(fabs(value - exact_value) <= Tolerance(type) * fabs(exact_value), "%s: value %.15g, on the tape %.15g", what, value, exact_value);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = net.n_tensors, .x = w, .record = true}, bar));
    NomosTensor inner = NomosTensorConstant(net.tape, NOMOS_F64, 0, NULL, 0);
    for (size_t t = 0; t < net.n_tensors; t++) {
      const size_t *shape;
      const int     n_dims = NomosTensorDims(bar[t], &shape);
      size_t        count  = 1;
      for (int d = 0; d < n_dims; d++) count *= shape[d];
      ck_ok(NomosTensorGetDoubles(bar[t], exact + at));
      inner = NomosAdd(inner, NomosSumAll(NomosMultiply(bar[t], NomosTensorFromDoubles(net.tape, NOMOS_F64, n_dims, shape, v + at))));
      at += count;
    }
    ck_assert_uint_eq(at, size);
    ck_assert_msg(Distance(size, gradient, exact) <= Tolerance(type), "%s: gradient off by %g", what, Distance(size, gradient, exact));
    ck_ok(NomosGradient(&(NomosGradientInput){.y = inner, .n = net.n_tensors, .x = w}, second));
    at = 0;
    for (size_t t = 0; t < net.n_tensors; t++) {
      const size_t *shape;
      const int     n_dims = NomosTensorDims(second[t], &shape);
      size_t        count  = 1;
      for (int d = 0; d < n_dims; d++) count *= shape[d];
      ck_ok(NomosTensorGetDoubles(second[t], exact + at));
      at += count;
    }
    ck_assert_msg(Distance(size, product, exact) <= 4 * Tolerance(type), "%s: Hessian product off by %g", what, Distance(size, product, exact));
    const size_t shape[]     = {n, input->n_coordinates};
    NomosTensor  x_dot       = {.tape = net.tape};
    double      *exact_field = malloc(n_field * sizeof *exact_field);
    ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = &net.mlp, .w = w, .x = NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, shape, points.x)}, &x_dot));
    ck_ok(NomosTensorGetDoubles(x_dot, exact_field));
    ck_assert_msg(Distance(n_field, states, exact_field) <= Tolerance(type), "%s: field off by %g", what, Distance(n_field, states, exact_field));
    /* and what the field pulls back, by weights and states */
    void             *theta_bar = calloc(size, sizeof(double)), *x_bar = calloc(n_field, sizeof(double));
    const NomosTensor x = NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, shape, points.x);
    w[net.n_tensors]    = x;
    ck_ok(NomosHamiltonianLossPullBack(net.loss[0], &points.points, theta, theta_bar, x_bar));
    double *pulled[2] = {DoublesOf(type, size, theta_bar), DoublesOf(type, n_field, x_bar)};
    ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = &net.mlp, .w = w, .x = x, .through_x = true}, &x_dot));
    ck_ok(NomosGradient(&(NomosGradientInput){.y = x_dot, .y_bar = NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, shape, points.x_dot), .n = net.n_tensors + 1, .x = w}, bar));
    at = 0;
    for (size_t t = 0; t < net.n_tensors; at += NomosTensorSize(bar[t++])) ck_ok(NomosTensorGetDoubles(bar[t], exact + at));
    ck_ok(NomosTensorGetDoubles(bar[net.n_tensors], exact_field));
    ck_assert_msg(Distance(size, pulled[0], exact) <= Tolerance(type) && Distance(n_field, pulled[1], exact_field) <= Tolerance(type), "%s: pulled back by weights off by %g, by states by %g", what, Distance(size, pulled[0], exact), Distance(n_field, pulled[1], exact_field));
    free(pulled[0]);
    free(pulled[1]);
    free(exact_field);
  }
  free(gradient);
  free(product);
  free(states);
  free(v);
  free(exact);
  free(theta);
  free(direction);
  PointsFree(&points);
  NetFree(&net);
}

START_TEST(test_against_tape)
{
  static const size_t            widths[] = {1, 7, 64, 200}, coordinates[] = {2, 4, 12}, points[] = {0, 1, 4, 5, 11, 49, 50, 51, 53};
  static const NomosFunctionKind kinds[] = {NOMOS_TANH, NOMOS_SOFTPLUS, NOMOS_MISH};
  size_t                         c       = 0;
  for (size_t width = 0; width < 4; width++)
    for (size_t hidden = 1; hidden <= 3; hidden++)
      for (size_t kind = 0; kind < 3; kind++)
        for (int log_cosh = 0; log_cosh < 2; log_cosh++, c++) /* the others in turn */
          for (int type = 0; type < 2; type++) CheckCase(&(NomosHamiltonianLossInput){.type = type ? NOMOS_F32 : NOMOS_F64, .n_coordinates = coordinates[c / 2 % 3], .n_hidden = hidden, .width = widths[width], .activation = kinds[kind], .log_cosh = log_cosh}, points[(7 * c + (size_t)type) % 9]);
}
END_TEST

/* ---- properties of the loss itself */

static const NomosHamiltonianLossInput paper = {.type = NOMOS_F64, .n_coordinates = 4, .n_hidden = 3, .width = 64, .activation = NOMOS_MISH, .log_cosh = true};

START_TEST(test_hessian_is_symmetric)
{
  Net     net    = NetOf(&paper);
  Points  points = PointsOf(&paper, 5, 53);
  double *u = Drawn(60, net.size), *v = Drawn(61, net.size), *Hu = malloc(net.size * sizeof *Hu), *Hv = malloc(net.size * sizeof *Hv);
  ck_ok(NomosHamiltonianLossHessian(net.loss[0], &points.points, net.theta, u, Hu));
  ck_ok(NomosHamiltonianLossHessian(net.loss[0], &points.points, net.theta, v, Hv));
  ck_assert_double_eq_tol(Inner(net.size, u, Hv), Inner(net.size, v, Hu), 1e-12 * sqrt(Inner(net.size, u, u) * Inner(net.size, Hv, Hv)));
  free(u);
  free(v);
  free(Hu);
  free(Hv);
  PointsFree(&points);
  NetFree(&net);
}
END_TEST

/* Points in many blocks: the same bits on one thread and on two, and the mean of what halves give. */
START_TEST(test_many_points)
{
  enum { N = 530 };
  Net     net    = NetOf(&paper);
  Points  points = PointsOf(&paper, 8, N);
  double *v      = Drawn(62, net.size), value[4], *g[4], *Hv[2], *field[2];
  for (int i = 0; i < 4; i++) g[i] = malloc(net.size * sizeof(double));
  for (int i = 0; i < 2; i++) {
    Hv[i]    = malloc(net.size * sizeof(double));
    field[i] = malloc(N * paper.n_coordinates * sizeof(double));
    ck_ok(NomosHamiltonianLossGradient(net.loss[i], &points.points, net.theta, &value[i], g[i]));
    ck_ok(NomosHamiltonianLossHessian(net.loss[i], &points.points, net.theta, v, Hv[i]));
    ck_ok(NomosHamiltonianLossField(net.loss[i], N, points.x, net.theta, field[i]));
    const size_t           at   = (size_t)i * N / 2 * paper.n_coordinates;
    const NomosFieldPoints half = {N / 2, points.x + at, points.x_dot + at};
    ck_ok(NomosHamiltonianLossGradient(net.loss[0], &half, net.theta, &value[2 + i], g[2 + i]));
  }
  ck_assert(value[0] == value[1] && !memcmp(g[0], g[1], net.size * sizeof(double)) && !memcmp(Hv[0], Hv[1], net.size * sizeof(double)) && !memcmp(field[0], field[1], N * paper.n_coordinates * sizeof(double)));
  ck_close(value[0], (value[2] + value[3]) / 2, 1e-13);
  for (size_t i = 0; i < net.size; i++) g[2][i] = (g[2][i] + g[3][i]) / 2;
  ck_assert_double_le(Distance(net.size, g[0], g[2]), 1e-13);
  for (int i = 0; i < 4; i++) free(g[i]);
  for (int i = 0; i < 2; i++) {
    free(Hv[i]);
    free(field[i]);
  }
  free(v);
  PointsFree(&points);
  NetFree(&net);
}
END_TEST

/* What is not a number stays so; a residual far below 1 keeps its digits in float32. */
START_TEST(test_extremes)
{
  static const NomosFunctionKind kinds[] = {NOMOS_TANH, NOMOS_SOFTPLUS, NOMOS_MISH};
  double                         value, g[1024];
  float                          x[2] = {0.5f, 0.25f}, field[2], theta[4096], small[4096];
  for (size_t kind = 0; kind < 3; kind++) {
    const NomosHamiltonianLossInput input = {.type = NOMOS_F64, .n_coordinates = 2, .n_hidden = 2, .width = 9, .activation = kinds[kind]};
    for (int where = 0; where < 3; where++) { /* a weight, a coordinate, a derivative */
      Net    net    = NetOf(&input);
      Points points = PointsOf(&input, 6, 3);
      if (where == 0) net.theta[3] = NAN;
      else ((double *)(where == 1 ? points.points.x : points.points.x_dot))[2] = NAN;
      ck_ok(NomosHamiltonianLossGradient(net.loss[0], &points.points, net.theta, &value, g));
      ck_assert(isnan(value) && isnan(g[net.size - 1]));
      if (where == 0) { /* and nothing of it stays behind */
        double Hv[2][1024], v[1024], again;
        Draw(5, net.size, v);
        ck_ok(NomosHamiltonianLossHessian(net.loss[0], &points.points, net.theta, v, Hv[0]));
        net.theta[3] = 0.25;
        for (int i = 0; i < 2; i++) ck_ok(NomosHamiltonianLossHessian(net.loss[i], &points.points, net.theta, v, Hv[i]));
        ck_assert(!memcmp(Hv[0], Hv[1], net.size * sizeof(double)));
        for (int i = 0; i < 2; i++) ck_ok(NomosHamiltonianLossGradient(net.loss[i], &points.points, net.theta, i ? &again : &value, Hv[i]));
        ck_assert(isfinite(value) && value == again && !memcmp(Hv[0], Hv[1], net.size * sizeof(double)));
      }
      PointsFree(&points);
      NetFree(&net);
    }
  }
  const NomosHamiltonianLossInput input = {.type = NOMOS_F32, .n_coordinates = 2, .n_hidden = 1, .width = 40, .activation = NOMOS_TANH, .log_cosh = true};
  Net                             net   = NetOf(&input);
  for (size_t i = 0; i < net.size; i++) theta[i] = (float)net.theta[i];
  ck_ok(NomosHamiltonianLossField(net.loss[0], 1, x, theta, field));
  for (int i = 0; i < 2; i++) field[i] -= 1e-3f; /* log cosh r = r^2/2 (1 - r^2/6) */
  ck_ok(NomosHamiltonianLossGradient(net.loss[0], &(NomosFieldPoints){1, x, field}, theta, &value, small));
  ck_close(value, 0.5e-6, 1e-3); /* the residual has 1e-7 */
  NetFree(&net);
}
END_TEST

START_TEST(test_refused)
{
  NomosHamiltonianLoss      loss;
  NomosHamiltonianLossInput input = paper;
  Net                       net   = NetOf(&paper);
  input.activation                = NOMOS_GELU;
  ck_refused(NomosHamiltonianLossCreate(&input, &loss), "tanh, softplus and mish");
  input               = paper;
  input.n_coordinates = 3;
  ck_refused(NomosHamiltonianLossCreate(&input, &loss), "as many momenta as positions");
  ck_refused(NomosMetaLoss(1, net.loss, &(NomosMetaLossInput){.n_tasks = 0}, net.theta, NULL, NULL), "at least one task");
  NetFree(&net);
}
END_TEST

/* ---- as a node of the tape */

START_TEST(test_node)
{
  for (int log_cosh = 0; log_cosh < 2; log_cosh++) {
    const NomosEnergyInput input = {.d = 2, .n_hidden = 2, .width = 30, .activation = NOMOS_TANH};
    NomosFit               fit   = {.kind = NOMOS_FIT_DERIVATIVES, .loss = log_cosh ? NomosLossLogCosh : NomosLossMeanSquared};
    NomosParameters        parameters;
    NomosEnergy            energy;
    NomosFitFused          fused, none;
    NomosTape              tape;
    NomosTensor            w[MAX_TENSORS], g[MAX_TENSORS], losses[2], inner;
    const void            *values[2];
    ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
    ck_ok(NomosEnergyCreate(parameters, "h", NomosEnergyFind("mlp"), &input, &energy));
    ck_ok(NomosParametersInitialise(parameters, 3));
    ck_ok(NomosFitFusedCreate(&(NomosFitFusedInput){.fit = &fit, .energy = energy, .network = &input, .parameters = parameters}, &fused));
    ck_assert(fused != NULL);
    ck_ok(NomosTapeCreate(&tape));
    const size_t size = NomosParametersSize(parameters), n = NomosParametersCount(parameters), shape[] = {60, 4};
    double      *x = Drawn(90, 240), *x_dot = Drawn(91, 240), *gradient[2], *products[2];
    ck_ok(NomosParametersBind(parameters, tape, w));
    const NomosFitExamples examples = {.n = 60, .size = 4, .x = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, x), .target = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, x_dot)};
    ck_ok(NomosFitFusedLoss(fused, &examples, true, w, &losses[0]));
    ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = energy, .w = w, .x = examples.x}, &losses[1]));
    losses[1] = fit.loss(losses[1], examples.target);
    for (int k = 0; k < 2; k++) {
      gradient[k] = malloc(size * sizeof(double));
      products[k] = malloc(size * sizeof(double));
      ck_ok(NomosTensorGet(losses[k], &values[k]));
      ck_ok(NomosParametersGradient(parameters, losses[k], w, gradient[k]));
      ck_ok(NomosGradient(&(NomosGradientInput){.y = losses[k], .n = n, .x = w, .record = true}, g));
      inner = NomosSumAll(NomosPower(g[0], 2));
      for (size_t t = 1; t < n; t++) inner = NomosAdd(inner, NomosSumAll(NomosPower(g[t], 2)));
      ck_ok(NomosParametersGradient(parameters, inner, w, products[k])); /* 2 H g */
    }
    ck_close(*(const double *)values[0], *(const double *)values[1], 1e-13);
    ck_assert_double_le(Distance(size, gradient[0], gradient[1]), 1e-12);
    ck_assert_double_le(Distance(size, products[0], products[1]), 1e-12);
    fit.loss = NomosLossMeanAbsolute; /* no kernels for that */
    ck_ok(NomosFitFusedCreate(&(NomosFitFusedInput){.fit = &fit, .energy = energy, .network = &input, .parameters = parameters}, &none));
    ck_assert(none == NULL);
    for (int k = 0; k < 2; k++) {
      free(gradient[k]);
      free(products[k]);
    }
    free(x);
    free(x_dot);
    ck_ok(NomosFitFusedDestroy(&fused));
    ck_ok(NomosEnergyDestroy(&energy));
    ck_ok(NomosParametersDestroy(&parameters));
    ck_ok(NomosTapeDestroy(&tape));
  }
}
END_TEST

/* ---- meta-learning */

enum { TASKS = 3 };

/* Tasks with different numbers of points; the last has no support: nothing to adapt to. */
static void TasksOf(const NomosHamiltonianLossInput *input, Points support[TASKS], Points query[TASKS], NomosFieldPoints s[TASKS], NomosFieldPoints q[TASKS])
{
  static const size_t n_support[TASKS] = {6, 53, 0}, n_query[TASKS] = {5, 50, 7};
  for (int t = 0; t < TASKS; t++) {
    support[t] = PointsOf(input, 10 + 2 * (uint64_t)t, n_support[t]);
    query[t]   = PointsOf(input, 11 + 2 * (uint64_t)t, n_query[t]);
    s[t]       = support[t].points;
    q[t]       = query[t].points;
  }
}

START_TEST(test_meta_gradient)
{
  static const int steps[] = {0, 1, 3, 5};
  for (int type = 0; type < 2; type++)
    for (int i = 0; i < 4; i++)
      for (int variant = 0; variant < 3; variant++) {
        const bool                first_order = variant == 1, last_layer = variant == 2;
        NomosHamiltonianLossInput input = paper;
        input.type                      = type ? NOMOS_F32 : NOMOS_F64;
        input.width                     = i == 1 ? 64 : 20;
        input.activation                = i == 2 ? NOMOS_TANH : NOMOS_MISH;
        Net              net            = NetOf(&input);
        Points           support[TASKS], query[TASKS];
        NomosFieldPoints s[TASKS], q[TASKS];
        const double     rate  = 0.125;
        double          *exact = calloc(net.size, sizeof *exact), *one = malloc(net.size * sizeof *one), value, two_values, exact_value = 0, task_value;
        void            *theta = RealsOf(input.type, net.size, net.theta), *bar = calloc(net.size, sizeof(double)), *two = calloc(net.size, sizeof(double));
        NomosTensor      w[MAX_TENSORS];
        TasksOf(&input, support, query, s, q);
        const NomosMetaLossInput meta = {.n_tasks = TASKS, .support = s, .query = q, .rate = rate, .steps = steps[i], .first_order = first_order, .last_layer = last_layer};
        ck_ok(NomosMetaLoss(1, net.loss, &meta, theta, &value, bar));
        ck_ok(NomosMetaLoss(2, net.loss, &meta, theta, &two_values, two));
        ck_assert(value == two_values && !memcmp(bar, two, net.size * (type ? sizeof(float) : sizeof(double)))); /* the same bits */
        for (int t = 0; t < TASKS; t++) {
          ck_ok(NomosTapeReset(net.tape));
          ck_ok(NomosParametersBind(net.parameters, net.tape, w));
          const NomosTensor loss = TapeMeta(&net, w, &support[t], &query[t], &meta);
          ck_ok(NomosTensorGetScalar(loss, &task_value));
          ck_ok(NomosParametersGradient(net.parameters, loss, w, one));
          exact_value += task_value / TASKS;
          for (size_t j = 0; j < net.size; j++) exact[j] += one[j] / TASKS;
        }
        double *gradient = DoublesOf(input.type, net.size, bar);
        ck_assert_msg(fabs(value - exact_value) <= Tolerance(input.type) * fabs(exact_value), "%d steps: value %.15g, on the tape %.15g", steps[i], value, exact_value);
        ck_assert_msg(Distance(net.size, gradient, exact) <= 4 * Tolerance(input.type), "float%d, %d steps%s: meta gradient off by %g", type ? 32 : 64, steps[i], first_order ? ", first order" : last_layer ? ", last layer"
                                                                                                                                                                                                             : "",
                      Distance(net.size, gradient, exact));
        for (int t = 0; t < TASKS; t++) {
          PointsFree(&support[t]);
          PointsFree(&query[t]);
        }
        free(exact);
        free(one);
        free(gradient);
        free(theta);
        free(two);
        NetFree(&net);
      }
}
END_TEST

/* The meta gradient is the derivative of the loss after adaptation, by central differences. */
START_TEST(test_meta_differences)
{
  for (int steps = 1; steps <= 5; steps += 2) {
    Net              net = NetOf(&paper);
    Points           support[TASKS], query[TASKS];
    NomosFieldPoints s[TASKS], q[TASKS];
    double          *d = Drawn(70, net.size), *theta = malloc(net.size * sizeof *theta), *bar = malloc(net.size * sizeof *bar), *first = malloc(net.size * sizeof *first), difference[2];
    TasksOf(&paper, support, query, s, q);
    NomosMetaLossInput meta = {.n_tasks = TASKS, .support = s, .query = q, .rate = 0.05, .steps = steps};
    ck_ok(NomosMetaLoss(1, net.loss, &meta, net.theta, NULL, bar));
    for (int i = 0; i < 2; i++) {
      const double h = 1e-4 * (i + 1);
      double       loss[2];
      for (int side = 0; side < 2; side++) {
        for (size_t j = 0; j < net.size; j++) theta[j] = net.theta[j] + (side ? -h : h) * d[j];
        ck_ok(NomosMetaLoss(1, net.loss, &meta, theta, &loss[side], NULL));
      }
      difference[i] = (loss[0] - loss[1]) / (2 * h);
    }
    const double exact = Inner(net.size, bar, d), central = (4 * difference[0] - difference[1]) / 3;
    ck_assert_msg(fabs(exact - central) < 1e-6 * fabs(central), "%d inner steps: %.12g, by differences %.12g", steps, exact, central);
    meta.first_order = true;
    ck_ok(NomosMetaLoss(1, net.loss, &meta, net.theta, NULL, first));
    ck_assert_double_gt(fabs(Inner(net.size, first, d) - central), 1e-3 * fabs(central)); /* the inner steps matter */
    free(d);
    free(theta);
    free(bar);
    free(first);
    for (int t = 0; t < TASKS; t++) {
      PointsFree(&support[t]);
      PointsFree(&query[t]);
    }
    NetFree(&net);
  }
}
END_TEST

NOMOS_TEST_SUITE("the fused loss of a Hamiltonian's field", test_against_tape, test_hessian_is_symmetric, test_many_points, test_extremes, test_refused, test_node, test_meta_gradient, test_meta_differences)
