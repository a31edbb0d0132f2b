/* Networks of particles: published numbers of parameters, piece by piece; symmetries; batches; derivatives. */
#include "particle_network_setup.h"

#include "surrogates/networks/operator_transformer.h"
#include "surrogates/networks/preactivated_fno.h"
#include "surrogates/reduced_order_graph/networks/latent_grid.h"

static const NomosParticleShape box2 = {.d = 2, .n_nodes = 7, .radius = 0.25, .high = {1, 1}}, box3 = {.d = 3, .n_nodes = 7, .radius = 0.4, .high = {1, 1, 1}};

/* ---- numbers of parameters: Viswanath et al. (2024), doi:10.48550/arXiv.2407.03925, as the authors' notebooks print them. They count the embedding of nine kinds in 16 dimensions, which is the stepper's here. */

enum { EMBEDDING = 9 * 16 };
static const NomosParticleShape paper3 = {.d = 3, .n_nodes = 16 + 3 * (5 + 2), .radius = 0.105, .high = {1, 1, 1}};

/* Trained numbers of all tensors whose names begin with `prefix`. */
static size_t Count(NomosParameters parameters, const char prefix[])
{
  size_t sum = 0;
  for (size_t i = 0; i < NomosParametersCount(parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(parameters, i, &p));
    if (!p.buffer && !strncmp(p.name, prefix, strlen(prefix))) sum += p.size;
  }
  return sum;
}

#define ATTENTION_SETTINGS "giorom.hidden=128", "giorom.latent=attention", "giorom.points=16", "giorom.query=false", "giorom.grid_radius=0.125", "giorom.convolution=true"
#define FNO_SETTINGS "giorom.hidden=128", "giorom.latent=preactivated_fno", "giorom.points=16", "giorom.query=false", "giorom.grid_radius=0.045", "giorom.channels=3", "giorom.decoded=true", "giorom.skip=false", "giorom.plane=true", "giorom.projection=2", "giorom.projection_width=16"

START_TEST(test_published_sizes)
{
  static const struct {
    const char *prefix;
    size_t      size;
  } pieces[] = {{"network.node_encoder.", 38144}, {"network.edge_encoder.", 33920}, {"network.decoder.", 33411}, {"network.0.edge.", 82560}, {"network.0.node.", 66176}, {"network.0.convolution.", 16512}, {"network.3.", 165248}, {"network.latent.attention.", 1583490},
                {"network.latent.in.", 10496}, {"network.latent.out.", 10560}, {"network.latent.projection.", 16512}}, planar[] = {{"network.0.", 148736}, {"network.latent.plane.", 8}, {"network.latent.in.", 2499}, {"network.latent.out.", 10528}, {"network.latent.projection.", 4240}, {"network.latent.fno.", 1288736}};
  NetworkSetup s;

  /* 2025, of the published weights */
  ck_ok(NetworkTry(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F32, &paper3, SETTINGS(ATTENTION_SETTINGS, "giorom.channels=64")));
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) ck_assert_msg(Count(s.parameters, pieces[i].prefix) == pieces[i].size, "%s: %zu parameters, published %zu", pieces[i].prefix, Count(s.parameters, pieces[i].prefix), pieces[i].size);
  ck_assert_uint_eq(EMBEDDING + NomosParametersSize(s.parameters), 2387669);

  /* 2024 with attention (notebook of September 2024): the same, and weights that nothing uses: the map to the plane, an FNO from 64 channels, and within the transformer a graph network in two dimensions */
  NomosPreactivatedFno fno;
  NomosMlp             mlp;
  NomosLinear          plane;
  NomosMessagePassing  layers[3];
  const size_t         before = NomosParametersSize(s.parameters);
  ck_ok(NomosLinearCreate(s.parameters, "idle.plane", &(NomosLinearInput){.in = 3, .out = 2}, &plane));
  ck_ok(NomosPreactivatedFnoCreate(s.parameters, "idle.fno", &(NomosPreactivatedFnoInput){.in = 64, .out = 128, .width = 32, .lift_width = 32, .read_width = 32, .modes = 24, .n_layers = 2}, &fno));
  ck_assert_uint_eq(NomosParametersSize(s.parameters) - before, 8 + 1290688);
  const size_t in[] = {30, 3, 2};
  for (int i = 0; i < 3; i++) { /* encoders of points, edges and positions */
    char name[32];
    snprintf(name, sizeof name, "idle.encoder.%d", i);
    ck_ok(NomosMlpCreate(s.parameters, name, &(NomosMlpInput){.n_hidden = 2, .in = in[i], .width = 128, .out = 128, .layer_norm = true}, &mlp));
    snprintf(name, sizeof name, "idle.layer.%d", i);
    ck_ok(NomosMessagePassingCreate(s.parameters, name, &(NomosMessagePassingInput){.node = 128, .edge = 128, .n_hidden = 2, .width = 128, .layer_norm = true, .convolution = true}, &layers[i]));
  }
  ck_ok(NomosMlpCreate(s.parameters, "idle.decoder", &(NomosMlpInput){.n_hidden = 2, .in = 128, .width = 128, .out = 2}, &mlp));
  ck_ok(NomosLinearCreate(s.parameters, "idle.second_plane", &(NomosLinearInput){.in = 3, .out = 2}, &plane));
  ck_assert_uint_eq(2 * EMBEDDING + NomosParametersSize(s.parameters), 4312247);
  NetworkTearDown(&s);

  /* 2025, two blocks */
  ck_ok(NetworkTry(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F32, &paper3, SETTINGS(ATTENTION_SETTINGS, "giorom.channels=128", "giorom.blocks=2", "giorom.projection=3")));
  ck_assert_uint_eq(Count(s.parameters, "network.latent.projection."), 131712);
  /* the notebook has 64 channels from the points' kernel, which its transformer of 128 could not take: [131, 32, 64, 64] has 4160 less than ours */
  ck_assert_uint_eq(EMBEDDING + NomosParametersSize(s.parameters) - (65 * 128 - 65 * 64), 3690199);
  NetworkTearDown(&s);

  /* 2024, FNO in a plane */
  ck_ok(NetworkTry(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F32, &paper3, SETTINGS(FNO_SETTINGS)));
  for (size_t i = 0; i < sizeof planar / sizeof *planar; i++) ck_assert_msg(Count(s.parameters, planar[i].prefix) == planar[i].size, "%s: %zu parameters, should be %zu", planar[i].prefix, Count(s.parameters, planar[i].prefix), planar[i].size);
  ck_assert_uint_eq(EMBEDDING + NomosParametersSize(s.parameters), 2006574);
  NetworkTearDown(&s);
}
END_TEST

/* ---- on points */

/* n points in the middle of the box, features behind them. */
static void Points(const NomosParticleShape *shape, uint64_t stream, size_t n, double x[], double nodes[])
{
  for (size_t i = 0; i < n * (size_t)shape->d; i++) x[i] = 0.15 + 0.7 * NomosRandomUniform(21, stream, i);
  for (size_t i = 0; i < n * shape->n_nodes; i++) nodes[i] = NomosRandomNormal(22, stream, i);
}

/* The network's result (n, d) for points as they are. */
static void Result(NetworkSetup *s, const NomosParticleShape *shape, size_t n_sets, const size_t first[], const double x[], const double nodes[], double result[])
{
  const size_t      n     = first[n_sets];
  const NomosTensor at    = NomosTensorFromDoubles(s->tape, NOMOS_F64, 2, (size_t[]){n, (size_t)shape->d}, x);
  NomosGraph        graph = NearGraph(shape, n_sets, first, x);
  const NomosParticleBatch batch = {.n = n, .n_sets = n_sets, .first = first, .x = at, .nodes = NomosTensorFromDoubles(s->tape, NOMOS_F64, 2, (size_t[]){n, shape->n_nodes}, nodes), .graph = graph, .edges = NomosGraphEdgeFeatures(graph, at, shape->radius)};
  const NomosTensor o = s->ops->apply(s->context, s->w, &batch);
  ck_ok(NomosTapeStatus(s->tape));
  ck_assert_uint_eq(NomosTensorLength(o, 0), n);
  ck_assert_uint_eq(NomosTensorLength(o, 1), (size_t)shape->d);
  ck_ok(NomosTensorGetDoubles(o, result));
  ck_ok(NomosGraphDestroy(&graph));
}

typedef struct {
  const char                    *name;
  const NomosParticleNetworkOps *ops;
  const NomosParticleShape      *shape;
  const char                    *settings[MAX_SETTINGS];
  double                         most, least; /* a translation of everything by 0.013 changes the result by a part of its size in [least, most] */
} Network;

#define SMALL "giorom.hidden=8", "giorom.channels=4", "giorom.width=8", "giorom.layers=1"
static const Network networks[] = {
  {"gns",                     &NomosParticleNetworkOps_Gns, &box2, {"gns.width=8", "gns.layers=2"}, 1e-12, 0},
  {"giorom",                  &NomosParticleNetworkOps_Giorom, &box2, {SMALL, "giorom.points=10", "giorom.modes=3"}, 2e-3, 1e-4},
  {"giorom without a grid",   &NomosParticleNetworkOps_Giorom, &box2, {SMALL, "giorom.latent=none"}, 1e-12, 0},
  {"giorom without weights",  &NomosParticleNetworkOps_Giorom, &box3, {SMALL, "giorom.latent=none", "giorom.weights=none", "giorom.convolution=true"}, 1e-12, 0},
  {"giorom of 2024",          &NomosParticleNetworkOps_Giorom, &box2, {SMALL, "giorom.latent=preactivated_fno", "giorom.points=10", "giorom.query=false", "giorom.decoded=true", "giorom.skip=false", "giorom.modes=12"}, 2e-3, 1e-5},
  {"giorom of 2024, 3-D",     &NomosParticleNetworkOps_Giorom, &box3, {SMALL, "giorom.latent=preactivated_fno", "giorom.plane=true", "giorom.points=8", "giorom.query=false", "giorom.decoded=true", "giorom.skip=false", "giorom.modes=6", "giorom.projection=2", "giorom.projection_width=5"}, 2e-3, 1e-6},
  {"neural_mpm",              &NomosParticleNetworkOps_NeuralMpm, &box2, {"neural_mpm.points=16", "neural_mpm.width=3", "neural_mpm.levels=2", "neural_mpm.hidden=5"}, 1, 1e-4},
  {"neural_mpm as published", &NomosParticleNetworkOps_NeuralMpm, &box2, {"neural_mpm.points=16", "neural_mpm.width=3", "neural_mpm.levels=1", "neural_mpm.own=false"}, 1, 1e-4},
  {"giorom, 3-D",             &NomosParticleNetworkOps_Giorom, &box3, {SMALL, "giorom.points=7", "giorom.modes=2"}, 2e-3, 1e-5},
  {"giorom of 2025",          &NomosParticleNetworkOps_Giorom, &box3, {SMALL, "giorom.latent=attention", "giorom.points=5", "giorom.query=false", "giorom.convolution=true", "giorom.heads=2"}, 5e-3, 1e-4},
};
enum { N_NETWORKS = sizeof networks / sizeof *networks };

static double Most(size_t n, const double a[], const double b[])
{
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(a[i] - b[i]));
  return most;
}

static double Norm(size_t n, const double a[])
{
  return sqrt(Dot(n, a, a) / (double)n);
}

/* Points in another order give the same accelerations in that order. */
START_TEST(test_permutation)
{
  for (int k = 0; k < N_NETWORKS; k++) {
    const Network *net   = &networks[k];
    const size_t   n     = 20, d = (size_t)net->shape->d, F = net->shape->n_nodes, all[] = {0, n};
    double         x[2][60], nodes[2][140], result[2][60], back[60];
    NetworkSetup   s;
    NetworkSetUp(&s, net->ops, NOMOS_F64, net->shape, net->settings);
    Points(net->shape, 1, n, x[0], nodes[0]);
    for (size_t i = 0; i < n; i++) { /* 7 is prime to 20 */
      memcpy(x[1] + i * d, x[0] + 7 * i % n * d, d * sizeof **x);
      memcpy(nodes[1] + i * F, nodes[0] + 7 * i % n * F, F * sizeof **nodes);
    }
    for (int i = 0; i < 2; i++) Result(&s, net->shape, 1, all, x[i], nodes[i], result[i]);
    for (size_t i = 0; i < n; i++) memcpy(back + 7 * i % n * d, result[1] + i * d, d * sizeof *back);
    ck_assert_double_gt(Norm(n * d, back), 1e-3);
    ck_assert_msg(Most(n * d, result[0], back) < 1e-12, "%s: the order of points changes the result by %g", net->name, Most(n * d, result[0], back));
    NetworkTearDown(&s);
  }
}
END_TEST

/* Two sets in one batch are what they are apart. */
START_TEST(test_sets_apart)
{
  for (int k = 0; k < N_NETWORKS; k++) {
    const Network *net = &networks[k];
    const size_t   n = 20, m = 12, d = (size_t)net->shape->d, F = net->shape->n_nodes;
    double         x[60], nodes[140], together[60], apart[60];
    NetworkSetup   s;
    NetworkSetUp(&s, net->ops, NOMOS_F64, net->shape, net->settings);
    Points(net->shape, 2, n, x, nodes);
    Result(&s, net->shape, 2, (size_t[]){0, m, n}, x, nodes, together);
    Result(&s, net->shape, 1, (size_t[]){0, m}, x, nodes, apart);
    Result(&s, net->shape, 1, (size_t[]){0, n - m}, x + m * d, nodes + m * F, apart + m * d);
    ck_assert_msg(Most(n * d, together, apart) < 1e-13, "%s: a batch changes the result by %g", net->name, Most(n * d, together, apart));
    NetworkTearDown(&s);
  }
}
END_TEST

/* Every point twice, with the same features: the sums of gns feel it, means do not. Only the floor of neural_mpm's density does, where a node has few points. */
START_TEST(test_density_of_points)
{
  for (int k = 0; k < N_NETWORKS; k++) {
    const Network *net = &networks[k];
    const size_t   n = 20, d = (size_t)net->shape->d, F = net->shape->n_nodes;
    const bool     sums = net->ops == &NomosParticleNetworkOps_Gns, floored = net->ops == &NomosParticleNetworkOps_NeuralMpm;
    double         x[120], nodes[280], once[60], twice[120];
    NetworkSetup   s;
    NetworkSetUp(&s, net->ops, NOMOS_F64, net->shape, net->settings);
    Points(net->shape, 4, n, x, nodes);
    memcpy(x + n * d, x, n * d * sizeof *x);
    memcpy(nodes + n * F, nodes, n * F * sizeof *nodes);
    Result(&s, net->shape, 1, (size_t[]){0, n}, x, nodes, once);
    Result(&s, net->shape, 1, (size_t[]){0, 2 * n}, x, nodes, twice);
    const double off = Most(n * d, once, twice) / Norm(n * d, once);
    if (sums) ck_assert_double_gt(off, 0.01);
    else ck_assert_msg(off < (floored ? 0.15 : 1e-12) && (!floored || off > 1e-4), "%s: twice as many points change the result by %g of its size", net->name, off);
    NetworkTearDown(&s);
  }
}
END_TEST

/* Interaction networks commute with translations. A grid that stays where it is does not: with first weights results change by up to two parts in a thousand when all is moved by an eighth of its spacing. */
START_TEST(test_translation)
{
  for (int k = 0; k < N_NETWORKS; k++) {
    const Network *net = &networks[k];
    const size_t   n = 20, d = (size_t)net->shape->d, all[] = {0, n};
    double         x[60], nodes[140], result[2][60];
    NetworkSetup   s;
    NetworkSetUp(&s, net->ops, NOMOS_F64, net->shape, net->settings);
    Points(net->shape, 3, n, x, nodes);
    for (int i = 0; i < 2; i++) {
      Result(&s, net->shape, 1, all, x, nodes, result[i]);
      for (size_t j = 0; j < n * d; j++) x[j] += 0.013;
    }
    const double off = Most(n * d, result[0], result[1]) / Norm(n * d, result[0]);
    ck_assert_msg(off >= net->least && off <= net->most, "%s: a translation changes the result by %g of its size", net->name, off);
    NetworkTearDown(&s);
  }
}
END_TEST

/* ---- derivatives by weights, features and positions: x [points, d + F] */

static const Network     *network_of_check;
static NetworkSetup       setup_of_check; /* its context is that of the last create */
static NomosGraph         graph_of_check;
static const size_t       two_sets[] = {0, 5, 9};

static PetscErrorCode CreateNetwork(NomosParameters p, void *m)
{
  void **context = m;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc(network_of_check->ops->context, context));
  PetscCall(network_of_check->ops->create(&(NomosParticleNetworkInput){.config = setup_of_check.config, .parameters = p, .shape = network_of_check->shape}, *context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor PositionsOf(NomosTensor x)
{
  return NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosSlice(x, 1, 0, (size_t)network_of_check->shape->d, 1)), 0.4, 0.5);
}

static NomosTensor ApplyNetwork(const void *m, const NomosTensor w[], NomosTensor x)
{
  const NomosParticleShape *shape = network_of_check->shape;
  const NomosTensor         at    = PositionsOf(x);
  const NomosParticleBatch  batch = {.n = 9, .n_sets = 2, .first = two_sets, .x = at, .nodes = NomosSlice(x, 1, (size_t)shape->d, shape->n_nodes, 1), .graph = graph_of_check, .edges = NomosGraphEdgeFeatures(graph_of_check, at, shape->radius)};
  return network_of_check->ops->apply(*(void *const *)m, w, &batch);
}

START_TEST(test_derivatives)
{
  for (int k = 0; k < N_NETWORKS; k++) {
    const NomosParticleShape *shape = networks[k].shape;
    const size_t              d = (size_t)shape->d, width = d + shape->n_nodes;
    void                     *context = NULL;
    double                    x[27];
    network_of_check = &networks[k];
    NetworkSetUp(&setup_of_check, networks[k].ops, NOMOS_F64, shape, networks[k].settings);
    const NomosTensor random = RandomTensor(setup_of_check.tape, NOMOS_F64, 1000, 2, (size_t[]){9, width}); /* the numbers that CheckModule starts from */
    ck_ok(NomosTensorGetDoubles(PositionsOf(random), x));
    graph_of_check     = NearGraph(shape, 2, two_sets, x);
    const ModuleCase c = {networks[k].name, CreateNetwork, ApplyNetwork, 2, {9, width}, NomosParametersSize(setup_of_check.parameters)};
    CheckModuleBySteps(&c, &context, 0.1);
    if (networks[k].ops->discard) ck_ok(networks[k].ops->discard(context));
    ck_ok(PetscFree(context));
    ck_ok(NomosGraphDestroy(&graph_of_check));
    NetworkTearDown(&setup_of_check);
  }
}
END_TEST

/* ---- the operators on the grid, alone */

static PetscErrorCode CreateTransformer(NomosParameters p, void *m)
{
  return NomosOperatorTransformerCreate(p, "transformer", &(NomosOperatorTransformerInput){.trunk = 3, .branch = 2, .out = 2, .width = 4, .n_heads = 2, .n_blocks = 2, .n_experts = 2}, m);
}
static NomosTensor ApplyTransformer(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosOperatorTransformerApply(m, w, NomosSlice(x, 2, 0, 3, 1), NomosSlice(NomosSlice(x, 1, 0, 3, 2), 2, 3, 2, 1));
}
static PetscErrorCode CreateFno(NomosParameters p, void *m)
{
  return NomosPreactivatedFnoCreate(p, "fno", &(NomosPreactivatedFnoInput){.in = 2, .out = 3, .width = 4, .lift_width = 5, .read_width = 6, .modes = 6, .n_layers = 2}, m);
}
static NomosTensor ApplyFno(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosPreactivatedFnoApply(m, w, x);
}

START_TEST(test_derivatives_of_operators)
{
  union {
    NomosOperatorTransformer transformer;
    NomosPreactivatedFno     fno;
  } module;
  const size_t map = 4 * 5, block = 5 * 8 + 2 * 4 * map + (3 + 1) * 4 + map + 5 * 2 + 4 * 2 * map;
  const ModuleCase transformer = {"operator transformer", CreateTransformer, ApplyTransformer, 3, {2, 5, 5}, 4 * 4 + 2 * map + 0 + 3 * 4 + map + map + 2 * map + 5 * 2 + 2 * block};
  const ModuleCase fno = {"preactivated fno", CreateFno, ApplyFno, 4, {2, 2, 8, 7}, 3 * 5 + 6 * 4 + 2 * (4 * 4 * 6 * 4 * 2 + 4 + 4 + 16 + 5 * 2 + 3 * 4) + 5 * 6 + 7 * 3};
  CheckModule(&transformer, &module);
  CheckModule(&fno, &module);
}
END_TEST

/* A grid of fewer modes than the weights have: the lowest ones act, whatever the others are. */
START_TEST(test_idle_modes)
{
  NomosPreactivatedFno fno;
  NomosParameters      parameters;
  NomosTape            tape;
  NomosTensor          w[MAX_TENSORS];
  double               result[2][2 * 3 * 4 * 5];
  size_t               number;

  ck_ok(NomosParametersCreate(NOMOS_F64, &parameters));
  ck_ok(CreateFno(parameters, &fno));
  ck_ok(NomosParametersInitialise(parameters, 5));
  ck_ok(NomosTapeCreate(&tape));
  for (int i = 0; i < 2; i++) {
    ck_ok(NomosParametersBind(parameters, tape, w));
    ck_ok(NomosTensorGetDoubles(NomosPreactivatedFnoApply(&fno, w, RandomTensor(tape, NOMOS_F64, 1, 4, (size_t[]){2, 2, 4, 5})), result[i]));
    NomosParameter p; /* rows 2 and 3 of 0, 1, 2, -3, -2, -1, and column 3 of 0, 1, 2, 3 are beyond 4 x 5 points */
    ck_ok(NomosParametersFind(parameters, "fno.0.spectral", &number));
    ck_ok(NomosParametersGet(parameters, number, &p));
    double *values = malloc(p.size * sizeof *values);
    memcpy(values, p.values, p.size * sizeof *values);
    for (size_t j = 0; j < p.size; j++) {
      const size_t column = j / 2 % 4, row = j / 8 % 6;
      if (row == 2 || row == 3 || column == 3) values[j] = 100;
    }
    ck_ok(NomosParametersSet(parameters, number, values));
    free(values);
  }
  ck_assert_mem_eq(result[0], result[1], sizeof result[0]);
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosParametersDestroy(&parameters));
}
END_TEST

/* A point beyond the grid of neural_mpm acts, and feels, as at its edge, in either precision: as far as `check` allows, and wherever rounding puts the edge. */
START_TEST(test_beyond_the_grid)
{
  static const NomosParticleShape room = {.d = 2, .n_nodes = 7, .radius = 0.25, .low = {0.0625, 0.0625}, .high = {0.9375, 0.9375}}; /* of cases/graph */
  static const char *const        points[] = {"neural_mpm.points=24", "neural_mpm.points=32", "neural_mpm.points=48", "neural_mpm.points=64"};
  for (int i = 0; i < 16; i++) {
    const NomosParticleShape *shape = i % 2 ? &room : &box2;
    const NomosRealType       type  = i % 4 < 2 ? NOMOS_F32 : NOMOS_F64;
    NetworkSetup              s;
    double                    result[2][8], nodes[4 * 7];
    for (size_t k = 0; k < 4 * 7; k++) nodes[k] = NomosRandomNormal(22, 0, k);
    NetworkSetUp(&s, &NomosParticleNetworkOps_NeuralMpm, type, shape, SETTINGS(points[i / 4], "neural_mpm.width=3", "neural_mpm.hidden=5"));
    for (int far = 0; far < 2; far++) {
      const double             out  = far ? 0.3 : 0.2, x[] = {0.5, 0.5, shape->high[0] + out, 0.5, 0.5, shape->high[1] + out, shape->low[0] - out, shape->low[1] - out};
      const NomosParticleBatch batch = {.n = 4, .n_sets = 1, .first = (const size_t[]){0, 4}, .x = NomosTensorFromDoubles(s.tape, type, 2, (size_t[]){4, 2}, x), .nodes = NomosTensorFromDoubles(s.tape, type, 2, (size_t[]){4, 7}, nodes)};
      ck_ok(s.ops->check(s.context, 4, x));
      ck_ok(NomosTensorGetDoubles(s.ops->apply(s.context, s.w, &batch), result[far]));
    }
    ck_assert_mem_eq(result[0], result[1], sizeof result[0]);
    NetworkTearDown(&s);
  }
}
END_TEST

START_TEST(test_refusals)
{
  NetworkSetup s;
  ck_refused(NetworkTry(&s, &NomosParticleNetworkOps_NeuralMpm, NOMOS_F64, &box3, SETTINGS(NULL)), "must be 2, as its U-Net is");
  NetworkTearDown(&s);
  ck_refused(NetworkTry(&s, &NomosParticleNetworkOps_NeuralMpm, NOMOS_F64, &box2, SETTINGS("neural_mpm.points=30")), "must be a multiple of 8, as the U-Net halves the grid; use 24 or 32");
  NetworkTearDown(&s);
  NetworkSetUp(&s, &NomosParticleNetworkOps_NeuralMpm, NOMOS_F64, &box2, SETTINGS("neural_mpm.points=16"));
  ck_ok(s.ops->check(s.context, 1, (double[]){0.5, -0.9}));
  ck_refused(s.ops->check(s.context, 1, (double[]){0.5, -1.4}), "point 0 has y = -1.4 m, outside of the latent grid from -0.0769231 to");
  NetworkTearDown(&s);
  ck_refused(NetworkTry(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F64, &box3, SETTINGS("giorom.latent=preactivated_fno")), "use fno, attention, or giorom.plane");
  NetworkTearDown(&s);
  ck_refused(NetworkTry(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F64, &box2, SETTINGS("giorom.plane=true")), "in two dimensions already");
  NetworkTearDown(&s);
  ck_refused(NetworkTry(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F64, &box2, SETTINGS("giorom.modes=20")), "has 13 modes");
  NetworkTearDown(&s);
  NetworkSetUp(&s, &NomosParticleNetworkOps_Giorom, NOMOS_F64, &box2, SETTINGS("giorom.points=11", "giorom.modes=3", "giorom.hidden=8"));
  ck_ok(s.ops->check(s.context, 2, (double[]){0.5, 0.5, 1.05, -0.05}));
  ck_refused(s.ops->check(s.context, 2, (double[]){0.5, 0.5, 0.5, 2.3}), "point 1 has y = 2.3 m, outside of the latent grid from 0 to 1 m");
  NetworkTearDown(&s);
}
END_TEST

NOMOS_TEST_SUITE("particle networks", test_published_sizes, test_permutation, test_sets_apart, test_density_of_points, test_translation, test_derivatives, test_derivatives_of_operators, test_idle_modes, test_beyond_the_grid, test_refusals)
