/* The learned step of particles: what the network sees is what the header says, number by number; the step is Euler's; order and place of the points do not matter; positions are differentiable; what it cannot take is said. */
#include "tests/particle_setup.h"

#include "operators/primitives.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"

enum { N = 5, W = 2, MAX_W = 256, MAX_N = 64 };

typedef struct {
  NomosConfig          config;
  NomosParameters      parameters;
  NomosParticleStepper stepper;
  NomosTape            tape;
  NomosTensor          w[MAX_W];
} Setup;

static void SetUpIn(Setup *u, const NomosParticleStepperInput *room, const double acceleration_mean[], const char *const settings[])
{
  NomosParticleStatistics statistics = {.velocity_mean = {0.01, 0.02, 0}, .velocity_deviation = {0.03, 0.04, 0.05}, .acceleration_deviation = {3e-3, 4e-3, 5e-3}};
  *u = (Setup){0};
  memcpy(statistics.acceleration_mean, acceleration_mean, (size_t)room->d * sizeof(double));
  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, &u->config));
  for (size_t i = 0; settings[i]; i++) ck_ok(NomosConfigSet(u->config, settings[i]));
  ck_ok(NomosConfigRegister(u->config, nomos_n_particle_stepper_params, nomos_particle_stepper_params));
  ck_ok(NomosParticleStepperDeclare(u->config));
  ck_ok(NomosConfigCheck(u->config));
  ck_ok(NomosParametersCreate(NOMOS_F64, &u->parameters));
  ck_ok(NomosParticleStepperCreate(u->config, u->parameters, room, &u->stepper));
  ck_ok(NomosParametersInitialise(u->parameters, 3));
  ck_ok(NomosParticleStepperFit(u->stepper, u->parameters, &statistics, 0.04, (double[]){10}, (double[]){2}));
  ck_ok(NomosTapeCreate(&u->tape));
  ck_ok(NomosParametersBind(u->parameters, u->tape, u->w));
}

static void SetUp(Setup *u, int d, double radius, const char *const settings[])
{
  SetUpIn(u, &(NomosParticleStepperInput){.d = d, .n_kinds = 2, .n_parameters = 1, .low = {0, -1, 0}, .high = {1, 1, 1}, .radius = radius}, (double[]){1e-3, -2e-3, 0}, settings);
}

static void TearDown(Setup *u)
{
  ck_ok(NomosTapeDestroy(&u->tape));
  ck_ok(NomosParticleStepperDestroy(&u->stepper));
  ck_ok(NomosParametersDestroy(&u->parameters));
  ck_ok(NomosConfigDestroy(&u->config));
}
#define SMALL (const char *const[]){"reduced_order_graph.history=2", "reduced_order_graph.embedding=3", "gns.width=8", "gns.layers=2", NULL}
#define TURNS (const char *const[]){"reduced_order_graph.history=2", "reduced_order_graph.embedding=3", "gns.width=8", "gns.layers=2", "reduced_order_graph.rotation=true", NULL}

static void Positions(size_t n, size_t d, double x[W + 1][MAX_N * 3])
{
  for (size_t i = 0; i < n * d; i++) {
    x[0][i] = NomosRandomUniform(1, 1, i);
    for (int k = 1; k <= W; k++) x[k][i] = x[k - 1][i] + 0.05 * (NomosRandomUniform(1, (uint64_t)k + 1, i) - 0.5);
  }
}

static void Leaves(NomosTape tape, size_t n, size_t d, double x[W + 1][MAX_N * 3], NomosTensor leaves[])
{
  for (int k = 0; k <= W; k++) leaves[k] = NomosTensorCreate(tape, NOMOS_F64, 2, (size_t[]){n, d}, x[k]);
}

static double *Values(NomosTensor t)
{
  double *values = malloc(NomosTensorSize(t) * sizeof *values);
  ck_ok(NomosTensorGetDoubles(t, values));
  return values;
}

/* Two sets in one batch, the second one where the first one is: no edge joins them. */
START_TEST(Features)
{
  static const int32_t kind[2 * N]  = {0, 1, 1, 0, 0, 1, 1, 0, 1, 0};
  const double         radius = 0.6, parameters[] = {13, 7};
  const size_t         first[] = {0, N, 2 * N}, F = 3 + W * 2 + 4 + 1;
  const NomosParticleSets sets = {.n = 2 * N, .n_sets = 2, .first = first, .kind = kind, .parameters = parameters};
  const double         velocity_mean[] = {0.01, 0.02}, velocity_deviation[] = {0.05, sqrt(0.04 * 0.04 + 0.04 * 0.04)}, low[] = {0, -1}, high[] = {1, 1};
  for (int raw = 0; raw < 2; raw++) {
    Setup              u;
    NomosParticleBatch batch;
    NomosTensor        leaves[W + 1];
    double             x[W + 1][MAX_N * 3], *nodes, *edges, *embedding;
    size_t             number, n_edges, components;
    SetUp(&u, 2, radius, (const char *const[]){"reduced_order_graph.history=2", "reduced_order_graph.embedding=3", raw ? "reduced_order_graph.velocities=raw" : "gns.width=8", NULL});
    Positions(N, 2, x);
    for (int k = 0; k <= W; k++) memcpy(x[k] + 2 * N, x[k], 2 * N * sizeof(double));
    Leaves(u.tape, 2 * N, 2, x, leaves);
    ck_ok(NomosParticleStepperFeatures(u.stepper, u.w, &sets, leaves, &batch));
    ck_assert(NomosTensorLength(batch.nodes, 0) == 2 * N && NomosTensorLength(batch.nodes, 1) == F);
    ck_ok(NomosParametersFind(u.parameters, "embedding", &number));
    nodes     = Values(batch.nodes);
    embedding = Values(u.w[number]);
    for (size_t i = 0; i < 2 * N; i++) {
      const double *f = nodes + i * F;
      for (int e = 0; e < 3; e++) ck_assert(*f++ == embedding[kind[i] * 3 + e]);
      for (int k = 1; k <= W; k++)
        for (size_t a = 0; a < 2; a++) {
          const double v = x[k][2 * i + a] - x[k - 1][2 * i + a];
          ck_assert_double_eq_tol(*f++, raw ? v : (v - velocity_mean[a]) / velocity_deviation[a], 1e-13);
        }
      for (size_t a = 0; a < 2; a++) ck_assert_double_eq_tol(*f++, fmax(-1, fmin(1, (x[W][2 * i + a] - low[a]) / radius)), 1e-13);
      for (size_t a = 0; a < 2; a++) ck_assert_double_eq_tol(*f++, fmax(-1, fmin(1, (high[a] - x[W][2 * i + a]) / radius)), 1e-13);
      ck_assert_double_eq_tol(*f++, (parameters[i / N] - 10) / 2, 1e-13);
    }
    /* edges by trying all pairs, receivers in order, each point also with itself */
    edges  = Values(batch.edges);
    size_t e = 0;
    for (size_t i = 0; i < 2 * N; i++)
      for (size_t j = 0; j < 2 * N; j++) {
        const double dx = x[W][2 * i] - x[W][2 * j], dy = x[W][2 * i + 1] - x[W][2 * j + 1], r = sqrt(dx * dx + dy * dy);
        if (r > radius || i / N != j / N) continue;
        ck_assert_double_eq_tol(edges[3 * e], dx / radius, 1e-13);
        ck_assert_double_eq_tol(edges[3 * e + 1], dy / radius, 1e-13);
        ck_assert_double_eq_tol(edges[3 * e++ + 2], r / radius, 1e-9);
      }
    NomosParticleStepperGraph(u.stepper, &n_edges, &components);
    ck_assert(e == n_edges && e == NomosTensorLength(batch.edges, 0) && e > 2 * N && e < 2 * N * N);
    ck_assert(components >= 1 && components <= N);
    free(nodes);
    free(edges);
    free(embedding);
    TearDown(&u);
  }
}
END_TEST

/* v' = v + a, x' = x + v' in units of the deviations with noise; of all the same once more after the points were put in another order, and, away from the walls, at another place. */
START_TEST(EulerAndSymmetries)
{
  enum { MANY = 40 };
  for (size_t d = 2; d <= 3; d++) {
    const double mean[] = {1e-3, -2e-3, 0}, deviation[] = {hypot(3e-3, 0.04), hypot(4e-3, 0.04), hypot(5e-3, 0.04)};
    const size_t first[] = {0, MANY};
    int32_t      kind[MANY], other_kind[MANY];
    size_t       order[MANY];
    Setup        u;
    NomosTensor  leaves[W + 1];
    double       x[W + 1][MAX_N * 3], other[W + 1][MAX_N * 3], *a, *next, *b;
    SetUp(&u, (int)d, 0.1, SMALL);
    Positions(MANY, d, x);
    for (int k = 0; k <= W; k++)
      for (size_t i = 0; i < MANY * d; i++) x[k][i] = 0.35 + 0.3 * x[k][i]; /* farther from the walls than the radius */
    NomosPermutation(8, 0, MANY, order);
    for (size_t i = 0; i < MANY; i++) {
      kind[i]              = (int32_t)(i % 2);
      other_kind[order[i]] = kind[i];
      for (int k = 0; k <= W; k++)
        for (size_t axis = 0; axis < d; axis++) other[k][order[i] * d + axis] = x[k][i * d + axis] + 0.125 * (double)(axis == 0);
    }
    const NomosParticleSets sets = {.n = MANY, .n_sets = 1, .first = first, .kind = kind, .parameters = (double[]){11}};
    NomosParticleSets       shuffled = sets;
    shuffled.kind = other_kind;
    Leaves(u.tape, MANY, d, x, leaves);
    a    = Values(NomosParticleStepperAcceleration(u.stepper, u.w, &sets, leaves));
    next = Values(NomosParticleStepperAdvance(u.stepper, u.w, &sets, leaves));
    for (size_t i = 0; i < MANY * d; i++) ck_assert_double_eq_tol(next[i], x[W][i] + (x[W][i] - x[W - 1][i]) + mean[i % d] + deviation[i % d] * a[i], 1e-14);
    Leaves(u.tape, MANY, d, other, leaves);
    b = Values(NomosParticleStepperAcceleration(u.stepper, u.w, &shuffled, leaves));
    double size = 0;
    for (size_t i = 0; i < MANY; i++)
      for (size_t axis = 0; axis < d; axis++) {
        ck_assert_double_eq_tol(a[i * d + axis], b[order[i] * d + axis], 1e-11);
        size = fmax(size, fabs(a[i * d + axis]));
      }
    ck_assert(size > 1e-3);
    free(a);
    free(b);
    free(next);
    TearDown(&u);
  }
}
END_TEST

/* to = Q (from - shift) + shift */
static void Turn(size_t d, double Q[3][3], double shift, const double from[], double to[])
{
  double moved[3] = {0};
  for (size_t a = 0; a < d; a++)
    for (size_t b = 0; b < d; b++) moved[a] += Q[a][b] * (from[b] - shift);
  for (size_t a = 0; a < d; a++) to[a] = moved[a] + shift;
}

/* How much the step of turned points differs from the turned step, and how large it is. */
static double Differs(size_t d, double Q[3][3], double spread, bool rotation, double *size)
{
  enum { MANY = 40 };
  static const size_t first[] = {0, MANY};
  const double        g[] = {1e-3, -2e-3, 5e-4};
  double              turned_g[3], x[W + 1][MAX_N * 3], turned[W + 1][MAX_N * 3], *a[2], worst = 0;
  int32_t             kind[MANY];
  NomosTensor         leaves[W + 1];
  Setup               u;
  Positions(MANY, d, x);
  Turn(d, Q, 0, g, turned_g);
  for (int k = 0; k <= W; k++)
    for (size_t i = 0; i < MANY; i++) {
      kind[i] = (int32_t)(i % 2);
      for (size_t c = 0; c < d; c++) x[k][i * d + c] = 0.5 + spread * (x[k][i * d + c] - 0.5);
      Turn(d, Q, 0.5, x[k] + i * d, turned[k] + i * d);
    }
  const NomosParticleSets sets = {.n = MANY, .n_sets = 1, .first = first, .kind = kind, .parameters = (double[]){11}};
  for (int turn = 0; turn < 2; turn++) {
    SetUpIn(&u, &(NomosParticleStepperInput){.d = (int)d, .n_kinds = 2, .n_parameters = 1, .high = {1, 1, 1}, .radius = 0.15}, turn ? turned_g : g, rotation ? TURNS : SMALL);
    Leaves(u.tape, MANY, d, turn ? turned : x, leaves);
    a[turn] = Values(NomosParticleStepperAdvance(u.stepper, u.w, &sets, leaves));
    TearDown(&u);
  }
  *size = 0;
  for (size_t i = 0; i < MANY; i++) {
    double expected[3];
    Turn(d, Q, 0.5, a[0] + i * d, expected);
    for (size_t c = 0; c < d; c++) {
      worst = fmax(worst, fabs(a[1][i * d + c] - expected[c]));
      *size = fmax(*size, fabs(a[0][i * d + c] - 2 * x[W][i * d + c] + x[W - 1][i * d + c] - g[c]));
    }
  }
  free(a[0]);
  free(a[1]);
  return worst;
}

/* Points, velocities and gravity turned by any angle, far from walls; by a quarter of a turn about the middle of a square room, and in a mirror, among walls: with the option the acceleration turns with them, without it does not. */
START_TEST(Turned)
{
  double quarter[3][3] = {{0, -1, 0}, {1, 0, 0}, {0, 0, 1}}, mirror[3][3] = {{-1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, size;
  for (size_t d = 2; d <= 3; d++) {
    for (uint64_t trial = 0; trial < 5; trial++) {
      const double p = 6.28 * NomosRandomUniform(9, 1, trial), q = d == 3 ? 3.14 * NomosRandomUniform(9, 2, trial) : 0, c = cos(p), s = sin(p);
      double       Q[3][3] = {{c, -s * cos(q), s * sin(q)}, {s, c * cos(q), -c * sin(q)}, {0, sin(q), cos(q)}};
      ck_assert_double_lt(Differs(d, Q, 0.3, true, &size), 1e-12);
      ck_assert_double_gt(size, 1e-3);
      ck_assert_double_gt(Differs(d, Q, 0.3, false, &size), 1e-4);
    }
    ck_assert_double_lt(Differs(d, quarter, 0.95, true, &size), 1e-12);
    ck_assert_double_gt(Differs(d, quarter, 0.95, false, &size), 1e-4);
    ck_assert_double_lt(Differs(d, mirror, 0.95, true, &size), 1e-12);
    ck_assert_double_gt(Differs(d, mirror, 0.95, false, &size), 1e-4);
  }
}
END_TEST

/* Two clusters, and another motion of the second one: beyond the radius the graph is in two parts, and the first cluster feels nothing, to the bit; within it, it does. */
START_TEST(Apart)
{
  enum { MANY = 20 };
  static const size_t first[] = {0, MANY};
  for (int joined = 0; joined < 2; joined++) {
    Setup        u;
    NomosTensor  leaves[W + 1];
    double       x[W + 1][MAX_N * 3], *a[2];
    int32_t      kind[MANY];
    size_t       n_edges, components;
    SetUp(&u, 2, joined ? 0.7 : 0.25, SMALL);
    Positions(MANY, 2, x);
    for (int k = 0; k <= W; k++)
      for (size_t i = 0; i < MANY; i++) {
        kind[i] = 0;
        for (size_t c = 0; c < 2; c++) x[k][2 * i + c] = 0.2 * x[k][2 * i + c] + (i < MANY / 2 ? 0.1 : 0.6);
      }
    const NomosParticleSets sets = {.n = MANY, .n_sets = 1, .first = first, .kind = kind, .parameters = (double[]){11}};
    for (int other = 0; other < 2; other++) {
      for (size_t i = MANY; i < 2 * MANY && other; i++) x[W - 1][i] += 0.02;
      Leaves(u.tape, MANY, 2, x, leaves);
      a[other] = Values(NomosParticleStepperAcceleration(u.stepper, u.w, &sets, leaves));
    }
    NomosParticleStepperGraph(u.stepper, &n_edges, &components);
    ck_assert_uint_eq(components, joined ? 1 : 2);
    ck_assert(!memcmp(a[0], a[1], MANY * sizeof(double)) == !joined); /* of the first cluster */
    ck_assert(memcmp(a[0] + MANY, a[1] + MANY, MANY * sizeof(double)));
    free(a[0]);
    free(a[1]);
    TearDown(&u);
  }
}
END_TEST

/* d/dt of <u, x_{k+1}> along a direction of all given positions, by the tape and by central differences. */
static void Differentiate(const char *const settings[])
{
  enum { SOME = 12 };
  static const size_t first[] = {0, SOME};
  int32_t             kind[SOME];
  Setup               u;
  NomosTensor         leaves[W + 1], bar[W + 1];
  double              x[W + 1][MAX_N * 3], there[2], by_tape = 0, y[SOME * 2], direction[W + 1][2 * SOME];
  const double        h = 1e-6;
  SetUp(&u, 2, 0.5, settings);
  Positions(SOME, 2, x);
  for (size_t i = 0; i < SOME; i++) kind[i] = (int32_t)(i % 2);
  const NomosParticleSets sets = {.n = SOME, .n_sets = 1, .first = first, .kind = kind, .parameters = (double[]){11}};
  for (size_t i = 0; i < 2 * SOME; i++) {
    y[i] = NomosRandomUniform(4, 4, i) - 0.5;
    for (int k = 0; k <= W; k++) direction[k][i] = NomosRandomUniform(5, (uint64_t)k, i) - 0.5;
  }
  for (int sign = 0; sign < 3; sign++) { /* -, +, and the derivative */
    double moved[W + 1][MAX_N * 3];
    for (int k = 0; k <= W; k++)
      for (size_t i = 0; i < 2 * SOME; i++) moved[k][i] = x[k][i] + (sign == 2 ? 0 : sign ? h : -h) * direction[k][i];
    Leaves(u.tape, SOME, 2, moved, leaves);
    const NomosTensor next = NomosParticleStepperAdvance(u.stepper, u.w, &sets, leaves), dot = NomosSumAll(NomosMultiply(next, NomosTensorCreate(u.tape, NOMOS_F64, 2, (size_t[]){SOME, 2}, y)));
    if (sign < 2) ck_ok(NomosTensorGetScalar(dot, &there[sign]));
    else ck_ok(NomosGradient(&(NomosGradientInput){.y = dot, .n = W + 1, .x = leaves}, bar));
  }
  for (int k = 0; k <= W; k++) {
    double *g = Values(bar[k]);
    for (size_t i = 0; i < 2 * SOME; i++) by_tape += g[i] * direction[k][i];
    free(g);
  }
  ck_close(by_tape, (there[1] - there[0]) / (2 * h), 1e-6);
  TearDown(&u);
}

START_TEST(PositionsAreDifferentiable)
{
  Differentiate(SMALL);
  Differentiate(TURNS);
}
END_TEST

/* The published network: 2 hidden layers of 128, 10 layers; in two dimensions 30 features, of which 16 are an embedding of its 9 materials: 1,591,811 weights are counted of it in three outputs (graph_network.h). */
START_TEST(Count)
{
  Setup u;
  SetUp(&u, 2, 0.1, (const char *const[]){"gns.width=128", "gns.layers=10", NULL});
  const size_t F = 16 + 5 * 2 + 4 + 1, mlp = 128 * 128 + 128 + 128 * 128 + 128, norm = 256;
  const size_t encoders = F * 128 + 128 + mlp + norm + 3 * 128 + 128 + mlp + norm, layer = 3 * 128 * 128 + 128 + mlp + norm + 2 * 128 * 128 + 128 + mlp + norm, decoder = mlp + 2 * 128 + 2;
  ck_assert_int_eq(NomosParametersSize(u.parameters), 2 * 16 + encoders + 10 * layer + decoder);
  TearDown(&u);
}
END_TEST

START_TEST(Refused)
{
  static const size_t  first[] = {0, 3};
  static const int32_t kind[] = {0, 1, 1}, unseen[] = {0, 2, 1};
  Setup                u;
  NomosTensor          leaves[W + 1];
  double               x[W + 1][MAX_N * 3];
  NomosParticleSets    sets = {.n = 3, .n_sets = 1, .first = first, .kind = kind, .parameters = (double[]){11}};
  SetUp(&u, 2, 0.5, SMALL);
  Positions(3, 2, x);
  x[W][3] = NAN;
  Leaves(u.tape, 3, 2, x, leaves);
  (void)NomosParticleStepperAdvance(u.stepper, u.w, &sets, leaves);
  ck_refused(NomosTapeStatus(u.tape), "the position of point 1 is not finite: y = nan m");
  x[W][3]   = 0.5;
  sets.kind = unseen;
  Leaves(u.tape, 3, 2, x, leaves);
  (void)NomosParticleStepperAdvance(u.stepper, u.w, &sets, leaves);
  ck_refused(NomosTapeStatus(u.tape), "point 1 is of material 2, and the network was trained with 2");
  TearDown(&u);
  for (int raw = 0; raw < 2; raw++) {
    NomosConfig          config;
    NomosParameters      parameters;
    NomosParticleStepper stepper;
    ck_ok(NomosConfigCreate(PETSC_COMM_SELF, &config));
    ck_ok(NomosConfigSet(config, "reduced_order_graph.rotation=true"));
    ck_ok(NomosConfigSet(config, raw ? "reduced_order_graph.velocities=raw" : "reduced_order_graph.network=giorom"));
    ck_ok(NomosConfigRegister(config, nomos_n_particle_stepper_params, nomos_particle_stepper_params));
    ck_ok(NomosParticleStepperDeclare(config));
    ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
    ck_refused(NomosParticleStepperCreate(config, parameters, &(NomosParticleStepperInput){.d = 2, .n_kinds = 1, .high = {1, 1}, .radius = 0.1}, &stepper), raw ? "raw velocities have no unit" : "a grid that stays where it is does not turn");
    ck_ok(NomosParticleStepperDestroy(&stepper));
    ck_ok(NomosParametersDestroy(&parameters));
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

NOMOS_TEST_SUITE("particle_stepper", Features, EulerAndSymmetries, Turned, Apart, PositionsAreDifferentiable, Count, Refused)
