/* What every operator promises, tried on the examples of operators/operator_list.h and on the steps of a model; that the checks find what is wrong; and what the interface refuses. */
#include "harness.h"

#include "lorenz_model.h"
#include "operators/model_operator.h"
#include "operators/operator_check.h"
#include "operators/operator_list.h"
#include "operators/random.h"
#include "operators/reduce.h"

typedef struct {
  double *v[NOMOS_OPERATOR_MAX_ARGUMENTS];
} Point;

static Point Random(NomosOperator op)
{
  Point point;
  int   rank;

  MPI_Comm_rank(op->comm, &rank);
  for (size_t a = 0; a < op->n_in; a++) {
    point.v[a] = calloc(op->in[a].size + 1, sizeof(double));
    for (size_t i = 0; i < op->in[a].size; i++) point.v[a][i] = NomosRandomNormal(11, op->in[a].replicated ? 99 : (uint64_t)rank, i);
  }
  return point;
}

static void Free(NomosOperator op, Point *point)
{
  for (size_t a = 0; a < op->n_in; a++) free(point->v[a]);
}

/* Linear: there is nothing beyond the first order. */
static void Judge(const char name[], const NomosOperatorReport *r, double epsilon, bool linear)
{
  ck_assert_msg(r->transposition <= 1000 * epsilon, "%s: transposition to %.3g", name, r->transposition);
  ck_assert_msg(r->linearity <= 1000 * epsilon, "%s: linearity to %.3g", name, r->linearity);
  for (int p = linear ? 1 : 0; p < 3; p++) ck_assert_msg(r->order[p] > p + 0.95, "%s: Taylor remainder of order %g, not %d", name, r->order[p], p + 1);
  if (linear) ck_assert_msg(isinf(r->order[1]) && r->order[1] > 0, "%s is linear, and has a remainder", name);
  else ck_assert_msg(r->order[1] < 2.05, "%s: Taylor remainder of order %g: is there a second derivative at all?", name, r->order[1]);
  ck_assert_msg(r->symmetry <= 1e4 * epsilon, "%s: Hessian symmetric to %.3g", name, r->symmetry);
  ck_assert_msg(r->second <= 1e-8, "%s: Hessian against differences: %.3g", name, r->second);
}

START_TEST(examples)
{
  for (size_t i = 0; i < NOMOS_N_OPERATOR_EXAMPLES; i++) {
    const NomosOperatorExample *example = &nomos_operator_examples[i];
    NomosOperator               op;
    NomosOperatorReport         report;

    ck_ok(example->create(MPI_COMM_WORLD, &op));
    Point point = Random(op);
    if (example->point) example->point(op, point.v);
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const *)point.v, .seed = 5, .n_directions = 3}, &report));
    Judge(example->name, &report, 2.2e-16, isinf(report.order[1]));
    Free(op, &point);
    ck_ok(NomosOperatorDestroy(&op));
  }
}
END_TEST

/* The model's own parameters and state as the point. */
static void PointOfModel(NomosModel model, NomosOperator op, Point *point)
{
  const NomosModelParameter *list;
  size_t                     n;
  void                      *state = calloc(op->in[0].size + 1, sizeof(double));

  ck_ok(model->ops->derivatives->get_state(model, state));
  NomosStateToDoubles(model->precision, op->in[0].size, state, point->v[0]);
  ck_ok(NomosModelGetParameters(model, &n, &list));
  for (size_t i = 0; i < n; i++) point->v[1][i] = list[i].value;
  free(state);
}

START_TEST(steps_of_a_model)
{
  static const char *const schemes[] = {"time.scheme=rk4", "time.scheme=ab2"};

  for (int i = 0; i < 2; i++)
    for (int step = 0; step < 2; step++) {
      const char         *set[] = {schemes[i], "lorenz.n=13", "time.dt=0.1"};
      NomosConfig         config;
      NomosModel          model;
      NomosOperator       op;
      NomosOperatorReport report;

      ck_ok(NomosLorenzCreate(MPI_COMM_WORLD, 3, set, &config, &model));
      ck_ok(NomosOperatorFromModel(model, step, &op));
      Point point = Random(op);
      PointOfModel(model, op, &point);
      ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const *)point.v, .seed = 5, .n_directions = 3}, &report));
      Judge(schemes[i], &report, 2.2e-16, false);
      Free(op, &point);
      ck_ok(NomosOperatorDestroy(&op));
      ck_ok(NomosModelDestroy(&model));
      ck_ok(NomosConfigDestroy(&config));
    }
}
END_TEST

/* y = x^3 sum_j p_j, with mistakes on request. */
typedef enum { RIGHT, WRONG_TANGENT, WRONG_GRADIENT, WRONG_SECOND, SLIGHTLY_WRONG_SECOND, ASYMMETRIC, NOT_LINEAR } Mistake;

static double Sum(const double *p)
{
  return p[0] + p[1];
}

static PetscErrorCode CubeApply(NomosOperator op, const double *const in[], double *const out[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->in[0].size; i++) out[0][i] = pow(in[0][i], 3) * Sum(in[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubeJvp(NomosOperator op, const double *const in[], const double *const in_dot[], double *const out_dot[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->in[0].size; i++) out_dot[0][i] = 3 * pow(in[0][i], 2) * Sum(in[1]) * in_dot[0][i] * (*(Mistake *)op->data == WRONG_TANGENT ? 1 + 1e-9 : 1) + pow(in[0][i], 3) * Sum(in_dot[1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubeVjp(NomosOperator op, const double *const in[], const double *const out_bar[], double *const in_bar[])
{
  const Mistake mistake = *(Mistake *)op->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->in[0].size; i++) {
    const double w = out_bar[0][i];
    if (in_bar[0]) in_bar[0][i] += 3 * pow(in[0][i], 2) * Sum(in[1]) * w * (mistake == WRONG_GRADIENT ? 1 + 1e-3 : 1) + (mistake == NOT_LINEAR ? 1e-8 * w * w : 0);
    for (int j = 0; j < 2 && in_bar[1]; j++) in_bar[1][j] += pow(in[0][i], 3) * w;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CubeHvp(NomosOperator op, const double *const in[], const double *const in_dot[], const double *const out_bar[], const double *const out_bar_dot[], double *const in_bar_dot[])
{
  const Mistake mistake = *(Mistake *)op->data;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < op->in[0].size; i++) {
    const double x = in[0][i], xd = in_dot[0][i], w = out_bar[0][i], wd = out_bar_dot[0][i];
    if (in_bar_dot[0]) in_bar_dot[0][i] += 3 * x * x * Sum(in[1]) * wd + (6 * x * xd * Sum(in[1]) * (mistake == WRONG_SECOND ? 1 + 1e-3 : mistake == SLIGHTLY_WRONG_SECOND ? 1 + 1e-4 : 1) + 3 * x * x * Sum(in_dot[1]) * (mistake == ASYMMETRIC ? 1 + 1e-9 : 1)) * w;
    for (int j = 0; j < 2 && in_bar_dot[1]; j++) in_bar_dot[1][j] += x * x * x * wd + 3 * x * x * xd * w;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const NomosOperatorOps cube_ops = {.name = "cube", .apply = CubeApply, .jvp = CubeJvp, .vjp = CubeVjp, .hvp = CubeHvp}, cube_without = {.name = "cube", .apply = CubeApply};

static NomosOperator Cube(const NomosOperatorOps *ops, Mistake *mistake)
{
  const NomosOperatorArgument in[2] = {
    {"x", 7, false},
    {"p", 2, true }
  };
  NomosOperator op;
  ck_ok(NomosOperatorCreate(&(NomosOperatorInput){.comm = MPI_COMM_WORLD, .ops = ops, .n_in = 2, .n_out = 1, .in = in, .out = in, .data = mistake}, &op));
  return op;
}

START_TEST(mistakes_are_found)
{
  for (Mistake mistake = RIGHT; mistake <= NOT_LINEAR; mistake++) {
    NomosOperator       op    = Cube(&cube_ops, &mistake);
    Point               point = Random(op);
    NomosOperatorReport r;

    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const *)point.v, .seed = 3, .n_directions = 2}, &r));
    if (mistake == RIGHT) Judge("cube", &r, 2.2e-16, false);
    if (mistake == WRONG_TANGENT) ck_assert(r.transposition > 1e-12);
    if (mistake == WRONG_GRADIENT) ck_assert(r.transposition > 1e-5 && r.order[1] < 1.5);
    if (mistake == WRONG_SECOND) ck_assert(r.second > 1e-6 && r.order[2] < 2.5);
    if (mistake == SLIGHTLY_WRONG_SECOND) ck_assert(r.second > 1e-7 && r.order[2] < 2.95); /* at the smallest h that rounding allows it is as large as the third derivative */
    if (mistake == ASYMMETRIC) ck_assert(r.symmetry > 1e-12);
    if (mistake == NOT_LINEAR) ck_assert(r.linearity > 1e-11);
    Free(op, &point);
    ck_ok(NomosOperatorDestroy(&op));
  }
}
END_TEST

START_TEST(replicated_gradients_are_sums_over_ranks)
{
  Mistake       mistake = RIGHT;
  NomosOperator op      = Cube(&cube_ops, &mistake);
  Point         point   = Random(op);
  double        w[7] = {1, 2, 3, 4, 5, 6, 7}, p_bar[2] = {10, 20}, expected = 0;

  for (int i = 0; i < 7; i++) expected += pow(point.v[0][i], 3) * w[i];
  ck_ok(NomosSumOverRanks(MPI_COMM_WORLD, 1, &expected));
  ck_ok(NomosOperatorVjp(op, (const double *const *)point.v, (const double *const[]){w}, (double *const[]){NULL, p_bar}));
  ck_close(p_bar[0], 10 + expected, 1e-14); /* added to what was there */
  ck_close(p_bar[1], 20 + expected, 1e-14);
  Free(op, &point);
  ck_ok(NomosOperatorDestroy(&op));
}
END_TEST

START_TEST(a_missing_derivative_is_an_error)
{
  Mistake             mistake = RIGHT;
  NomosOperator       op      = Cube(&cube_without, &mistake);
  Point               point   = Random(op);
  double              y[7]    = {0};
  NomosOperatorReport r;

  ck_refused(NomosOperatorJvp(op, (const double *const *)point.v, NULL, (double *const[]){y}), "operator cube has no jvp");
  ck_refused(NomosOperatorVjp(op, (const double *const *)point.v, NULL, (double *const[]){y, NULL}), "operator cube has no vjp");
  ck_refused(NomosOperatorHvp(op, (const double *const *)point.v, NULL, NULL, NULL, (double *const[]){y, NULL}), "operator cube has no hvp");
  ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const *)point.v}, &r));
  ck_assert(isnan(r.transposition) && isnan(r.order[1]) && isnan(r.second));
  Free(op, &point);
  ck_ok(NomosOperatorDestroy(&op));
}
END_TEST

/* A wave comes out with the amplitude of its wavenumber, and is found in its bin. */
START_TEST(correlation_has_its_spectrum)
{
  NomosOperator op;
  double        variance[2][4], flat[2][4] = {{0}}, *v, *y;

  ck_ok(NomosCorrelationExample(MPI_COMM_WORLD, &op));
  v = calloc(op->in[0].size + 1, sizeof *v);
  y = calloc(op->in[0].size + 1, sizeof *y);
  int y_start, n_y;
  ck_ok(NomosCorrelationRows(op, &y_start, &n_y));
  for (int layer = 0; layer < 2; layer++) /* a single wave, two along x and one along y: |K| = hypot(2 pi 2/6, 2 pi/5) */
    for (int j = 0; j < n_y; j++)
      for (int i = 0; i < 10; i++) v[(layer * n_y + j) * 10 + i] = cos(2 * PETSC_PI * (2 * i / 10. + (y_start + j) / 9.));
  ck_ok(NomosOperatorApply(op, (const double *const[]){v}, (double *const[]){y}));
  const double K = hypot(2 * PETSC_PI * 2 / 6, 2 * PETSC_PI / 5), a = exp(-K * K / 8);
  for (int layer = 0; layer < 2; layer++)
    for (int i = 0; i < n_y * 10; i++) ck_assert_double_eq_tol(y[layer * n_y * 10 + i], (1 + layer) * a * v[layer * n_y * 10 + i], 1e-14);
  ck_ok(NomosCorrelationSpectrum(op, y, 1, 4, variance[0]));
  flat[0][(int)(K + 0.5)] = 0.5 * a * a; /* the mean square of a cosine is 1/2 */
  flat[1][(int)(K + 0.5)] = 0.5 * 4 * a * a;
  for (int layer = 0; layer < 2; layer++)
    for (int bin = 0; bin < 4; bin++) ck_assert_double_eq_tol(variance[layer][bin], flat[layer][bin], 1e-15);
  free(v);
  free(y);
  ck_ok(NomosOperatorDestroy(&op));
}
END_TEST

NOMOS_TEST_SUITE("operator", examples, steps_of_a_model, mistakes_are_found, replicated_gradients_are_sums_over_ranks, a_missing_derivative_is_an_error, correlation_has_its_spectrum)
