/* Architectures of learned Hamiltonians: their derivatives up to third order, and the symmetries that each of them has whatever its weights. */
#include "surrogates/hamiltonian/energy_list.h"
#include "surrogates/hamiltonian/field.h"
#include "tests/module_checks.h"

enum { N_DIMS = 2, BODIES = 3, POINTS = 4, D = BODIES * N_DIMS, WIDTH = 5, HIDDEN = 2 };

static const NomosEnergyInput input = {.d = D, .n_dims = N_DIMS, .n_hidden = HIDDEN, .width = WIDTH, .activation = NOMOS_MISH};

/* An architecture with weights of its own, on a tape. */
typedef struct {
  const NomosEnergyOps *ops;
  NomosParameters       parameters;
  NomosTape             tape;
  NomosEnergy           energy;
  NomosTensor           w[MAX_TENSORS];
} Network;

static Network NetworkOf(const NomosEnergyOps *ops)
{
  Network n = {.ops = ops};
  ck_ok(NomosTapeCreate(&n.tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &n.parameters));
  ck_ok(NomosEnergyCreate(n.parameters, "h", ops, &input, &n.energy));
  ck_ok(NomosParametersInitialise(n.parameters, 1));
  ck_ok(NomosParametersBind(n.parameters, n.tape, n.w));
  return n;
}

static void NetworkEnd(Network *n)
{
  ck_ok(NomosEnergyDestroy(&n->energy));
  ck_ok(NomosParametersDestroy(&n->parameters));
  ck_ok(NomosTapeDestroy(&n->tape));
}

static void States(size_t n, double x[])
{
  for (size_t i = 0; i < n; i++) x[i] = NomosRandomNormal(3, 0, i);
}

/* H of n states (n, 2d), each for itself. */
static void Energies(const Network *net, size_t n, size_t d, const double x[], double H[])
{
  ck_ok(NomosTensorGetDoubles(NomosEnergyApply(net->energy, net->w, NomosTensorFromDoubles(net->tape, NOMOS_F64, 2, (size_t[]){n, 2 * d}, x)), H));
}

static void Field(const Network *net, size_t n, size_t d, const double x[], double f[])
{
  NomosTensor field;
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = net->energy, .w = net->w, .x = NomosTensorFromDoubles(net->tape, NOMOS_F64, 2, (size_t[]){n, 2 * d}, x)}, &field));
  ck_ok(NomosTensorGetDoubles(field, f));
}

/* ---- derivatives of the field by weights and states: orders two and three in the network */

static const NomosEnergyOps *checked;

static PetscErrorCode CreateChecked(NomosParameters p, void *m)
{
  return NomosEnergyCreate(p, "h", checked, &input, m);
}

static NomosTensor FieldOf(const void *m, const NomosTensor w[], NomosTensor x)
{
  NomosTensor field = {.tape = x.tape};
  ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = *(const NomosEnergy *)m, .w = w, .x = x, .through_x = true}, &field));
  return field;
}

START_TEST(test_derivatives)
{
  const size_t node = 2 * N_DIMS, inner = WIDTH * WIDTH + WIDTH;
  const struct {
    const char *name;
    size_t      size;
  } sizes[] = {
    {"mlp",             2 * D * WIDTH + WIDTH + inner + WIDTH},
    {"separable",       2 * (D * WIDTH + WIDTH + inner) + 2 * WIDTH},
    {"gcn",             node * WIDTH + WIDTH + inner + WIDTH},
    {"self_pair",       3 * node * WIDTH + 2 * (WIDTH + inner) + 2 * WIDTH},
    {"pair_distance",   2 * (2 * WIDTH + inner) + 2 * WIDTH},
    {"message_passing", 2 * node * WIDTH + WIDTH + inner + (node + WIDTH) * WIDTH + WIDTH + inner + WIDTH},
  };
  size_t n = 0;
  for (; nomos_energies[n]; n++) {
    NomosEnergy energy = NULL;
    checked = nomos_energies[n];
    ck_assert_msg(n < sizeof sizes / sizeof *sizes && !strcmp(sizes[n].name, checked->name), "no size of %s here", checked->name);
    CheckModule(&(ModuleCase){checked->name, CreateChecked, FieldOf, 2, {POINTS, 2 * D}, sizes[n].size}, &energy);
    ck_ok(NomosEnergyDestroy(&energy));
  }
  ck_assert_uint_eq(n, sizeof sizes / sizeof *sizes);
}
END_TEST

/* features . last = energy, for any number of bodies. */
START_TEST(test_features)
{
  for (size_t k = 0; nomos_energies[k]; k++) {
    Network net = NetworkOf(nomos_energies[k]);
    for (size_t bodies = 1; bodies <= 4; bodies++) {
      const size_t d = bodies * N_DIMS, shape[] = {POINTS, 2 * d};
      double       x[POINTS * 8 * N_DIMS], H[POINTS], again[POINTS];
      size_t       last;
      if (d != D && !net.ops->bodies) continue;
      States(POINTS * 2 * d, x);
      Energies(&net, POINTS, d, x, H);
      const NomosTensor features = NomosEnergyFeatures(net.energy, net.w, NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, shape, x), &last);
      ck_ok(NomosTensorGetDoubles(NomosMatMul(features, NomosTranspose(net.w[last])), again));
      for (int i = 0; i < POINTS; i++) ck_close(again[i], H[i], 1e-13);
      ck_assert_uint_eq(NomosTensorLength(NomosEnergyApply(net.energy, net.w, NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, shape, x)), -1), 1);
    }
    NetworkEnd(&net);
  }
}
END_TEST

/* Weights of several tasks at once are a loop over the tasks. */
START_TEST(test_tasks)
{
  enum { TASKS = 3 };
  for (size_t k = 0; nomos_energies[k]; k++) {
    Network      net = NetworkOf(nomos_energies[k]);
    const size_t n   = NomosParametersCount(net.parameters);
    NomosTensor  all[MAX_TENSORS], one[MAX_TENSORS], field[2];
    double       x[TASKS * POINTS * 2 * D], together[TASKS * POINTS * 2 * D], single[POINTS * 2 * D];
    States(TASKS * POINTS * 2 * D, x);
    for (size_t i = 0; i < n; i++) {
      const size_t *shape;
      size_t        with[NOMOS_TENSOR_MAX_DIMS] = {TASKS};
      const int     n_dims = NomosTensorDims(net.w[i], &shape);
      memcpy(with + 1, shape, (size_t)n_dims * sizeof *shape);
      all[i] = RandomTensor(net.tape, NOMOS_F64, 50 + i, n_dims + 1, with);
    }
    ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = net.energy, .w = all, .x = NomosTensorFromDoubles(net.tape, NOMOS_F64, 3, (size_t[]){TASKS, POINTS, 2 * D}, x)}, &field[0]));
    ck_ok(NomosTensorGetDoubles(field[0], together));
    for (size_t t = 0; t < TASKS; t++) {
      for (size_t i = 0; i < n; i++) {
        const size_t *shape;
        const int     n_dims = NomosTensorDims(net.w[i], &shape);
        one[i] = NomosReshape(NomosSlice(all[i], 0, t, 1, 1), n_dims, shape);
      }
      ck_ok(NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = net.energy, .w = one, .x = NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, (size_t[]){POINTS, 2 * D}, x + t * POINTS * 2 * D)}, &field[1]));
      ck_ok(NomosTensorGetDoubles(field[1], single));
      for (int i = 0; i < POINTS * 2 * D; i++) ck_assert_double_eq_tol(together[t * POINTS * 2 * D + (size_t)i], single[i], 1e-12 * (1 + fabs(single[i])));
    }
    NetworkEnd(&net);
  }
}
END_TEST

/* ---- symmetries */

/* Bodies by other names have the same energy; of an MLP not. */
START_TEST(test_permutations)
{
  static const int order[BODIES] = {2, 0, 1};
  for (size_t k = 0; nomos_energies[k]; k++) {
    Network net = NetworkOf(nomos_energies[k]);
    double  x[2 * D], y[2 * D], H[2];
    States(2 * D, x);
    for (int half = 0; half < 2; half++)
      for (int b = 0; b < BODIES; b++) memcpy(y + half * D + b * N_DIMS, x + half * D + order[b] * N_DIMS, N_DIMS * sizeof *x);
    Energies(&net, 1, D, x, H);
    Energies(&net, 1, D, y, H + 1);
    ck_assert_msg((fabs(H[1] - H[0]) < 1e-13 * fabs(H[0])) == net.ops->bodies, "%s: %.17g, in another order %.17g", net.ops->name, H[0], H[1]);
    NetworkEnd(&net);
  }
}
END_TEST

/* Sums of terms of bodies and of pairs: three bodies are their pairs, less the bodies that were counted twice. Of messages not: there bodies act three at a time. */
START_TEST(test_pairs)
{
  for (size_t k = 0; nomos_energies[k]; k++) {
    Network net = NetworkOf(nomos_energies[k]);
    double  x[2 * D], part[4 * N_DIMS], H, sum = 0, one;
    if (!net.ops->bodies) {
      NetworkEnd(&net);
      continue;
    }
    States(2 * D, x);
    Energies(&net, 1, D, x, &H);
    for (int i = 0; i < BODIES; i++)
      for (int j = i; j < BODIES; j++) {
        const int bodies[] = {i, j}, n = i == j ? 1 : 2;
        for (int b = 0; b < n; b++)
          for (int half = 0; half < 2; half++) memcpy(part + (half * n + b) * N_DIMS, x + half * D + bodies[b] * N_DIMS, N_DIMS * sizeof *x);
        Energies(&net, 1, (size_t)n * N_DIMS, part, &one);
        sum += n == 2 ? one : -one; /* every body is in two pairs */
      }
    const bool pairs = !strcmp(net.ops->name, "self_pair") || !strcmp(net.ops->name, "pair_distance");
    ck_assert_msg((fabs(sum - H) < 1e-13 * fabs(H)) == pairs, "%s: %.17g, by pairs %.17g", net.ops->name, H, sum);
    NetworkEnd(&net);
  }
}
END_TEST

/* A graph convolutional network of one body is the MLP of the same weights. */
START_TEST(test_gcn_of_one_body)
{
  Network gcn = NetworkOf(NomosEnergyFind("gcn"));
  double  x[POINTS * 2 * N_DIMS], H[POINTS], mlp[POINTS];
  States(POINTS * 2 * N_DIMS, x);
  NomosParameters  p;
  NomosEnergy      energy;
  NomosTensor      w[MAX_TENSORS];
  NomosEnergyInput single = input;
  single.d                = N_DIMS;
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(NomosEnergyCreate(p, "h", NomosEnergyFind("mlp"), &single, &energy));
  ck_ok(NomosParametersInitialise(p, 1));
  ck_ok(NomosParametersBind(p, gcn.tape, w));
  Energies(&gcn, POINTS, N_DIMS, x, H);
  ck_ok(NomosTensorGetDoubles(NomosEnergyApply(energy, w, NomosTensorFromDoubles(gcn.tape, NOMOS_F64, 2, (size_t[]){POINTS, 2 * N_DIMS}, x)), mlp));
  for (int i = 0; i < POINTS; i++) ck_close(H[i], mlp[i], 1e-15);
  ck_ok(NomosEnergyDestroy(&energy));
  ck_ok(NomosParametersDestroy(&p));
  NetworkEnd(&gcn);
}
END_TEST

/* The layers of a graph convolutional network as they are written, with the matrix A of the complete graph with loops; and what follows from A: it sees no more than the mean of the bodies. */
START_TEST(test_gcn_layers)
{
  Network     net = NetworkOf(NomosEnergyFind("gcn"));
  double      x[2 * D], H, sum = 0;
  NomosTensor z;
  States(2 * D, x);
  double node[BODIES * 2 * N_DIMS], a[BODIES * BODIES];
  for (int b = 0; b < BODIES; b++)
    for (int i = 0; i < 2 * N_DIMS; i++) node[b * 2 * N_DIMS + i] = x[(i / N_DIMS) * D + b * N_DIMS + i % N_DIMS];
  for (int i = 0; i < BODIES * BODIES; i++) a[i] = 1. / BODIES; /* D^-1/2 1 D^-1/2, D = bodies */
  z = NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, (size_t[]){BODIES, 2 * N_DIMS}, node);
  for (int l = 0; l <= HIDDEN; l++) {
    z = NomosMatMul(l < HIDDEN ? NomosMatMul(NomosTensorFromDoubles(net.tape, NOMOS_F64, 2, (size_t[]){BODIES, BODIES}, a), z) : z, NomosTranspose(net.w[2 * l]));
    if (l < HIDDEN) z = NomosFunction(NOMOS_MISH, 0, NomosAdd(z, net.w[2 * l + 1]));
  }
  ck_ok(NomosTensorGetScalar(NomosSumAll(z), &sum));
  Energies(&net, 1, D, x, &H);
  ck_close(H, sum, 1e-14);
  x[0] += 0.3; /* two bodies apart by as much as they come nearer to each other elsewhere */
  x[N_DIMS] -= 0.3;
  double moved;
  Energies(&net, 1, D, x, &moved);
  ck_close(H, moved, 1e-14);
  NetworkEnd(&net);
}
END_TEST

/* pair_distance: dH/dt = 0 along translations and rotations, so that the momenta of J grad H conserve total momentum and angular momentum. */
START_TEST(test_conservation)
{
  for (size_t k = 0; nomos_energies[k]; k++) {
    Network      net = NetworkOf(nomos_energies[k]);
    double       x[POINTS * 2 * D], f[POINTS * 2 * D], most = 0;
    const double tolerance = 1e-14;
    States(POINTS * 2 * D, x);
    Field(&net, POINTS, D, x, f);
    for (int i = 0; i < POINTS; i++) {
      const double *q = x + i * 2 * D, *p = q + D, *q_dot = f + i * 2 * D, *p_dot = q_dot + D;
      double        force[N_DIMS] = {0}, torque = 0;
      for (int b = 0; b < BODIES; b++) {
        for (int c = 0; c < N_DIMS; c++) force[c] += p_dot[b * N_DIMS + c];
        torque += q[2 * b] * p_dot[2 * b + 1] - q[2 * b + 1] * p_dot[2 * b] + q_dot[2 * b] * p[2 * b + 1] - q_dot[2 * b + 1] * p[2 * b];
      }
      most = fmax(most, fmax(fabs(torque), fmax(fabs(force[0]), fabs(force[1]))));
    }
    ck_assert_msg((most < tolerance) == !strcmp(net.ops->name, "pair_distance"), "%s: total force or torque %g", net.ops->name, most);
    NetworkEnd(&net);
  }
}
END_TEST

/* d2H/dq dp = 0 exactly where it says so: the velocity does not change when positions do, and the force not when momenta do. */
START_TEST(test_separable)
{
  for (size_t k = 0; nomos_energies[k]; k++) {
    Network net = NetworkOf(nomos_energies[k]);
    double  x[2 * D], y[2][2 * D], f[3][2 * D];
    bool    same = true;
    States(2 * D, x);
    for (int half = 0; half < 2; half++) {
      memcpy(y[half], x, sizeof x);
      for (int i = 0; i < D; i++) y[half][half * D + i] += NomosRandomNormal(4, 0, (uint64_t)i);
      Field(&net, 1, D, y[half], f[half]);
    }
    Field(&net, 1, D, x, f[2]);
    same = !memcmp(f[0], f[2], D * sizeof(double)) && !memcmp(f[1] + D, f[2] + D, D * sizeof(double));
    ck_assert_msg(same == net.ops->separable, "%s", net.ops->name);
    NetworkEnd(&net);
  }
}
END_TEST

START_TEST(test_refusals)
{
  NomosParameters  p;
  NomosEnergy      energy = NULL;
  NomosEnergyInput odd    = input;
  odd.d                   = 3;
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_refused(NomosEnergyCreate(p, "h", NomosEnergyFind("self_pair"), &odd, &energy), "must be a whole number of bodies");
  ck_assert_ptr_null(NomosEnergyFind("none"));
  ck_ok(NomosParametersDestroy(&p));
}
END_TEST

NOMOS_TEST_SUITE("learned Hamiltonians", test_derivatives, test_features, test_tasks, test_permutations, test_pairs, test_gcn_of_one_body, test_gcn_layers, test_conservation, test_separable, test_refusals)
