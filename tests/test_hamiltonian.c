/* Learned Hamiltonians: the field, training gradients of second order and meta-gradients of third order against independent oracles. */
#include "operators/tape_state_impl.h" /* to count what is on a tape */
#include "surrogates/hamiltonian/field.h"
#include "surrogates/loss.h"
#include "tests/module_checks.h"

static const NomosMlpInput network_input = {.n_hidden = 2, .in = 4, .width = 9, .out = 1, .activation = NOMOS_MISH};

static PetscErrorCode Create(NomosParameters p, void *m)
{
  return NomosMlpCreate(p, "h", &network_input, m);
}

static NomosTensor Field(const void *m, const NomosTensor w[], NomosTensor x)
{
  NomosTensor field = {.tape = x.tape};
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = m, .w = w, .x = x, .through_x = true}, &field));
  return field;
}

/* The field's derivatives by weights and states, first and second order: orders two and three in the network. */
START_TEST(test_derivatives)
{
  static const ModuleCase field = {"field of a Hamiltonian", Create, Field, 2, {7, 4}, 5 * 9 + 10 * 9 + 10};
  NomosMlp                mlp;
  CheckModule(&field, &mlp);
}
END_TEST

/* The field is J grad H by central differences of H, point by point. */
START_TEST(test_field)
{
  enum { K = 5 };
  NomosParameters p;
  NomosTape       tape;
  NomosTensor     w[MAX_TENSORS], field;
  NomosMlp        mlp;
  double          x[K * 4], f[K * 4], plus, minus;
  const size_t    shape[] = {K, 4};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(Create(p, &mlp));
  ck_ok(NomosParametersInitialise(p, 1));
  ck_ok(NomosParametersBind(p, tape, w));
  for (int i = 0; i < K * 4; i++) x[i] = NomosRandomNormal(4, 0, (uint64_t)i);
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = &mlp, .w = w, .x = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, x)}, &field));
  ck_ok(NomosTensorGetDoubles(field, f));
  for (int i = 0; i < K * 4; i++) {
    const double h = 1e-5, before = x[i];
    const int    point = i / 4, d = i % 4;
    x[i] = before + h;
    ck_ok(NomosTensorGetScalar(NomosSumAll(NomosMlpApply(&mlp, w, NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, x))), &plus));
    x[i] = before - h;
    ck_ok(NomosTensorGetScalar(NomosSumAll(NomosMlpApply(&mlp, w, NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, x))), &minus));
    x[i] = before;
    ck_assert_double_eq_tol((plus - minus) / (2 * h), d < 2 ? -f[4 * point + d + 2] : f[4 * point + d - 2], 1e-9);
  }
  ck_refused(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = &mlp, .w = w, .x = NomosTensorConstant(tape, NOMOS_F64, 2, (size_t[]){2, 3}, 0)}, &field), "a Hamiltonian of 3 coordinates");
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* H = theta . phi(x), phi = (q^2, p^2, q p, q^3, cos p): the loss, a mean over points and both components, is quadratic in theta; its Hessian is mean_k (J grad phi)^T (J grad phi). */
enum { N_PHI = 5 };

static NomosTensor LinearEnergy(const void *network, const NomosTensor w[], NomosTensor x)
{
  const NomosTensor q = NomosSlice(x, -1, 0, 1, 1), p = NomosSlice(x, -1, 1, 1, 1);
  (void)network;
  return NomosMultiply(NomosConcatenate(N_PHI, (NomosTensor[]){NomosPower(q, 2), NomosPower(p, 2), NomosMultiply(q, p), NomosPower(q, 3), NomosFunction(NOMOS_COS, 0, p)}, -1), w[0]);
}

static NomosTensor LinearLoss(NomosTensor theta, NomosTensor x, NomosTensor x_dot)
{
  NomosTensor field = {.tape = x.tape};
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = LinearEnergy, .w = &theta, .x = x}, &field));
  return NomosLossMeanSquared(field, x_dot);
}

/* <a, b> on the tape */
static NomosTensor Inner(NomosTensor a, NomosTensor b)
{
  return NomosSumAll(NomosMultiply(a, b));
}

START_TEST(test_linear_in_theta)
{
  enum { K = 12 };
  NomosTape   tape;
  double      points[K * 2], hessian[N_PHI][N_PHI] = {{0}}, exact[N_PHI] = {0}, product[2][N_PHI], v[N_PHI];
  NomosTensor g, bar;
  ck_ok(NomosTapeCreate(&tape));
  for (int i = 0; i < 2 * K; i++) points[i] = NomosRandomNormal(5, 0, (uint64_t)i);
  for (int i = 0; i < N_PHI; i++) v[i] = NomosRandomNormal(5, 1, (uint64_t)i);
  for (int k = 0; k < K; k++) {
    const double q = points[2 * k], p = points[2 * k + 1], field[2][N_PHI] = {{0, 2 * p, q, 0, -sin(p)}, {-2 * q, 0, -p, -3 * q * q, 0}};
    for (int d = 0; d < 2; d++)
      for (int i = 0; i < N_PHI; i++)
        for (int j = 0; j < N_PHI; j++) hessian[i][j] += field[d][i] * field[d][j] / K;
  }
  for (int i = 0; i < N_PHI; i++)
    for (int j = 0; j < N_PHI; j++) exact[i] += hessian[i][j] * v[j];
  const size_t      shape[] = {K, 2}, n[] = {N_PHI};
  const NomosTensor x = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, points), x_dot = RandomTensor(tape, NOMOS_F64, 9, 2, shape), theta = RandomTensor(tape, NOMOS_F64, 10, 1, n), direction = NomosTensorFromDoubles(tape, NOMOS_F64, 1, n, v);
  const NomosTensor loss = LinearLoss(theta, x, x_dot);
  ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = 1, .x = &theta, .record = true}, &g));
  ck_ok(NomosGradient(&(NomosGradientInput){.y = Inner(g, direction), .n = 1, .x = &theta}, &bar));
  ck_ok(NomosTensorGetDoubles(bar, product[0]));
  /* the other way: H v as the derivative by u of <H^T u, v>, a tangent by two pull-backs */
  const NomosTensor u = NomosTensorConstant(tape, NOMOS_F64, 1, n, 0);
  ck_ok(NomosGradient(&(NomosGradientInput){.y = g, .y_bar = u, .n = 1, .x = &theta, .record = true}, &bar));
  ck_ok(NomosGradient(&(NomosGradientInput){.y = Inner(bar, direction), .n = 1, .x = &u}, &bar));
  ck_ok(NomosTensorGetDoubles(bar, product[1]));
  for (int i = 0; i < N_PHI; i++) {
    ck_assert_double_eq_tol(product[0][i], exact[i], 1e-12);
    ck_assert_double_eq_tol(product[1][i], exact[i], 1e-12);
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* ---- meta-learning: theta_{k+1} = theta_k - alpha grad L_S(theta_k), the loss after it L_Q(theta_k), and its gradient by theta_0 */

enum { SUPPORT = 6, QUERY = 5 };

typedef struct {
  NomosMlp    mlp;
  size_t      n;
  NomosTensor x[2], x_dot[2]; /* support, query */
} Task;

static NomosTensor TaskLoss(const Task *task, int set, const NomosTensor w[], bool shared_leaf)
{
  NomosTensor field = {.tape = w[0].tape};
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosMlpEnergy, .network = &task->mlp, .w = w, .x = task->x[set], .through_x = shared_leaf}, &field));
  return NomosLossLogCosh(field, task->x_dot[set]);
}

/* The loss after k inner steps. */
static NomosTensor Adapt(const Task *task, const NomosTensor theta[], int k, double alpha, bool shared_leaf)
{
  NomosTensor w[MAX_TENSORS], g[MAX_TENSORS];
  memcpy(w, theta, task->n * sizeof *w);
  for (int step = 0; step < k; step++) {
    ck_ok(NomosGradient(&(NomosGradientInput){.y = TaskLoss(task, 0, w, shared_leaf), .n = task->n, .x = w, .record = true}, g));
    for (size_t i = 0; i < task->n; i++) w[i] = NomosSubtract(w[i], NomosAffine(g[i], alpha, 0));
  }
  return TaskLoss(task, 1, w, shared_leaf);
}

static void TaskCreate(NomosTape tape, const NomosMlpInput *input, size_t support, size_t query, NomosParameters *p, Task *task, NomosTensor w[])
{
  ck_ok(NomosParametersCreate(NOMOS_F64, p));
  ck_ok(NomosMlpCreate(*p, "h", input, &task->mlp));
  ck_ok(NomosParametersInitialise(*p, 1));
  ck_ok(NomosParametersBind(*p, tape, w));
  task->n = NomosParametersCount(*p);
  for (int set = 0; set < 2; set++) {
    const size_t shape[] = {set ? query : support, 4};
    task->x[set]     = RandomTensor(tape, NOMOS_F64, 30 + (uint64_t)set, 2, shape);
    task->x_dot[set] = RandomTensor(tape, NOMOS_F64, 40 + (uint64_t)set, 2, shape);
  }
}

START_TEST(test_meta_gradient)
{
  const double alpha = 0.2;
  for (int k = 1; k <= 3; k += 2) {
    NomosTape       tape;
    NomosParameters p;
    NomosTensor     w[MAX_TENSORS];
    Task            task;
    void           *edit;
    double          d[512], gradient[512], first_order[512], difference[2];
    ck_ok(NomosTapeCreate(&tape));
    TaskCreate(tape, &network_input, SUPPORT, QUERY, &p, &task, w);
    const size_t n = NomosParametersSize(p);
    for (size_t i = 0; i < n; i++) d[i] = NomosRandomNormal(6, (uint64_t)k, i);
    ck_ok(NomosParametersGradient(p, Adapt(&task, w, k, alpha, false), w, gradient));
    ck_ok(NomosParametersGradient(p, Adapt(&task, w, 0, alpha, false), w, first_order));
    for (int i = 0; i < 2; i++) {
      const double h = 1e-4 * (i + 1);
      double       loss[2];
      for (int side = 0; side < 2; side++) {
        ck_ok(NomosParametersEdit(p, &edit));
        double *values = edit;
        for (size_t j = 0; j < n; j++) values[j] += (side ? -2 : 1) * h * d[j];
        ck_ok(NomosTapeReset(tape));
        NomosParameters other;
        NomosTensor     ignored[MAX_TENSORS];
        TaskCreate(tape, &network_input, SUPPORT, QUERY, &other, &task, ignored);
        ck_ok(NomosParametersBind(p, tape, w));
        ck_ok(NomosTensorGetScalar(Adapt(&task, w, k, alpha, false), &loss[side]));
        ck_ok(NomosTapeReset(tape));
        ck_ok(NomosParametersDestroy(&other));
        if (side)
          for (size_t j = 0; j < n; j++) values[j] += h * d[j];
      }
      difference[i] = (loss[0] - loss[1]) / (2 * h);
    }
    const double exact = Dot(n, gradient, d), central = (4 * difference[0] - difference[1]) / 3;
    ck_assert_msg(fabs(exact - central) < 1e-8 * fabs(central), "%d inner steps: %.12g, by differences %.12g", k, exact, central);
    ck_assert_double_gt(fabs(Dot(n, first_order, d) - central), 1e-3 * fabs(central)); /* the inner step matters */
    ck_ok(NomosParametersDestroy(&p));
    ck_ok(NomosTapeDestroy(&tape));
  }
}
END_TEST

/* Flops of the matrix products on a tape, in units of a forward pass of the weights over the support. */
static double ForwardUnits(NomosTape tape, double unit)
{
  double flops = 0;
  for (uint32_t i = 0; i < tape->n_nodes; i++) {
    const NomosNode *node = NomosNodeAt(tape, i);
    if (!node->primitive) continue;
    ck_assert_str_ne(node->primitive->name, "mlp_chain"); /* it has products too */
    if (strcmp(node->primitive->name, "matmul")) continue;
    ck_assert(node->in != NULL);
    const NomosNode *a = NomosNodeAt(tape, node->in[0].index);
    flops += 2 * (double)NomosNodeSize(node) * (double)a->shape[a->n_dims - 1];
  }
  return flops / unit;
}

/* The cost of a meta-gradient: 6 + 18 k forward passes for k inner steps, when every inner step looks at a copy of x of its own; with one x for all it grows faster than linearly. */
START_TEST(test_cost_of_meta_gradients)
{
  const NomosMlpInput input = {.n_hidden = 3, .in = 4, .width = 64, .out = 1, .activation = NOMOS_MISH};
  const double        unit  = 2. * (4 * 64 + 2 * 64 * 64 + 64) * 10;
  double              units[6], shared[4];
  size_t              tensors[6];
  NomosTape           tape;
  ck_ok(NomosTapeCreate(&tape));
  for (int k = 0; k <= 5; k++)
    for (int same_leaf = 0; same_leaf < 2; same_leaf++) {
      NomosParameters p;
      NomosTensor     w[MAX_TENSORS], bar[MAX_TENSORS];
      Task            task;
      if (same_leaf && k > 3) continue;
      TaskCreate(tape, &input, 10, 10, &p, &task, w);
      const NomosTensor loss = Adapt(&task, w, k, 0.01, same_leaf);
      ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = task.n, .x = w, .record = true}, bar));
      if (same_leaf) shared[k] = ForwardUnits(tape, unit);
      else {
        units[k] = ForwardUnits(tape, unit);
        NomosTapeUsage(tape, NULL, NULL, &tensors[k]);
        ck_assert_msg(units[k] <= 1.1 * (6 + 18 * k), "%d inner steps cost %g forward passes", k, units[k]);
      }
      ck_ok(NomosTapeReset(tape));
      ck_ok(NomosParametersDestroy(&p));
    }
  for (int k = 2; k < 5; k++) ck_assert_msg(tensors[k + 1] - tensors[k] == tensors[k] - tensors[k - 1], "%zu, %zu, %zu tensors", tensors[k - 1], tensors[k], tensors[k + 1]);
  ck_assert_msg(shared[3] > 2 * units[3], "with one leaf for all steps: %g, else %g", shared[3], units[3]);
  printf("forward passes of a meta-gradient with 0..5 inner steps: %.2f %.2f %.2f %.2f %.2f %.2f; with one leaf for all steps %.2f %.2f %.2f %.2f\n", units[0], units[1], units[2], units[3], units[4], units[5], shared[0], shared[1], shared[2], shared[3]);
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

NOMOS_TEST_SUITE("Hamiltonians", test_derivatives, test_field, test_linear_in_theta, test_meta_gradient, test_cost_of_meta_gradients)
