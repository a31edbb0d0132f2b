/* Graphs of points and message passing on them: the graph against all pairs, layers against loops written from the formulas, derivatives, equivariance, published counts. */
#include "surrogates/modules/graph.h"
#include "tests/module_checks.h"

enum { N = 14, D = 2, F = 5, E_IN = D + 1, SETS = 2 };
static const double radius       = 1.3;
static const size_t first[]      = {0, 8, N};
static double       positions[N][D];
static NomosGraph   graph;

/* Rows of D coordinates and F features: those of RandomTensor, so that the derivatives are taken where the graph was made. */
static void MakeGraph(void)
{
  for (size_t i = 0; i < N * (D + F); i++)
    if (i % (D + F) < D) positions[i / (D + F)][i % (D + F)] = NomosRandomNormal(17, 1000, i);
  ck_ok(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = D, .n_sets = SETS, .first = first, .x = positions[0], .radius = radius}, NULL, &graph));
}

static double Distance(int i, int j)
{
  return hypot(positions[i][0] - positions[j][0], positions[i][1] - positions[j][1]) / radius;
}

static bool Joined(int i, int j)
{
  return (i < (int)first[1]) == (j < (int)first[1]) && Distance(i, j) <= 1;
}

/* ---- the graph and its features */

START_TEST(test_graph_of_points)
{
  NomosTape    tape;
  double      *ones, *features;
  size_t       k = 0, components[SETS];
  NomosGraph   other;

  MakeGraph();
  ck_ok(NomosTapeCreate(&tape));
  const NomosTensor x    = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){N, D}, positions[0]);
  const NomosTensor edge = NomosGraphEdgeFeatures(graph, x, radius), ends = NomosConcatenate(2, (NomosTensor[]){NomosGather(x, NomosGraphReceivers(graph)), NomosGather(x, NomosGraphSenders(graph))}, -1);
  ones     = calloc(NomosGraphEdges(graph) * 2 * D + 1, sizeof *ones);
  features = calloc(NomosGraphEdges(graph) * E_IN + 1, sizeof *features);
  ck_assert_uint_eq(NomosGraphNodes(graph), N);
  ck_ok(NomosTensorGetDoubles(ends, ones));
  ck_ok(NomosTensorGetDoubles(edge, features));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      if (!Joined(i, j)) continue;
      ck_assert_uint_lt(k, NomosGraphEdges(graph));
      ck_assert(!memcmp(ones + 2 * D * k, positions[i], sizeof positions[i]) && !memcmp(ones + 2 * D * k + D, positions[j], sizeof positions[j]));
      for (int a = 0; a < D; a++) ck_assert_double_eq_tol(features[E_IN * k + (size_t)a], (positions[i][a] - positions[j][a]) / radius, 1e-15);
      ck_assert_double_eq_tol(features[E_IN * k + D], Distance(i, j), 1e-15);
      k++;
    }
  ck_assert_uint_eq(k, NomosGraphEdges(graph));
  ck_ok(NomosGraphDestroy(&graph));
  /* two pairs far apart, and a set of one point */
  ck_ok(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = 2, .n_sets = SETS, .first = (size_t[]){0, 4, 5}, .x = (double[]){0, 0, 5, 5, 0, 1, 5, 6, 9, 9}, .radius = 1}, components, &other));
  ck_assert(components[0] == 2 && components[1] == 1 && NomosGraphEdges(other) == 9);
  ck_ok(NomosGraphDestroy(&other));
  ck_refused(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = 2, .n_sets = 1, .first = (size_t[]){0, 1}, .x = (double[]){0, NAN}, .radius = 1}, NULL, &other), "nan");
  ck_ok(NomosTapeDestroy(&tape));
  free(ones);
  free(features);
}
END_TEST

/* ---- layers: encode features and edges to the width, n layers, one row a node */

enum { WIDTH = 6, LAYERS = 3 };

static NomosMessagePassingInput input = {.node = WIDTH, .edge = WIDTH, .n_hidden = 1, .width = WIDTH, .activation = NOMOS_SILU, .layer_norm = true, .residual = true};
static bool                     weighed;

typedef struct {
  NomosLinear         node, edge;
  NomosMessagePassing layers[LAYERS];
} Network;

static PetscErrorCode Create(NomosParameters parameters, void *module)
{
  Network *network = module;

  PetscFunctionBeginUser;
  PetscCall(NomosLinearCreate(parameters, "node", &(NomosLinearInput){.in = F, .out = input.node}, &network->node));
  PetscCall(NomosLinearCreate(parameters, "edge", &(NomosLinearInput){.in = E_IN, .out = input.edge}, &network->edge));
  for (int l = 0; l < LAYERS; l++) PetscCall(NomosMessagePassingCreate(parameters, (const char *[]){"0", "1", "2"}[l], &input, &network->layers[l]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Run(const Network *network, const NomosTensor w[], NomosTensor x, NomosTensor nodes)
{
  const NomosTensor features = NomosGraphEdgeFeatures(graph, x, radius);
  NomosTensor       v = NomosLinearApply(&network->node, w, nodes), e = NomosLinearApply(&network->edge, w, features);

  NomosMessagePassingRun(LAYERS, network->layers, w, graph, weighed ? NomosGraphDistanceWeights(features) : (NomosTensor){0}, &v, &e);
  return NomosConcatenate(2, (NomosTensor[]){v, NomosScatterAdd(e, NomosGraphReceivers(graph))}, -1); /* also what became of the edges */
}

static NomosTensor Apply(const void *module, const NomosTensor w[], NomosTensor x)
{
  return Run(module, w, NomosSlice(x, 1, 0, D, 1), NomosSlice(x, 1, D, F, 1));
}

static void Forms(void (*check)(const char name[]))
{
  static const struct {
    const char      *name;
    NomosAggregation aggregation;
    bool             weighed, convolution, norm;
    size_t           n_hidden, node;
  } forms[] = {
    {"sums, as GNS", NOMOS_AGGREGATE_SUM, false, false, true, 2, WIDTH},        {"means", NOMOS_AGGREGATE_MEAN, false, false, true, 1, WIDTH},
    {"as GIOROM", NOMOS_AGGREGATE_MEAN, true, true, true, 2, WIDTH},            {"weighed sums", NOMOS_AGGREGATE_SUM, true, false, true, 1, WIDTH},
    {"no norm, one layer", NOMOS_AGGREGATE_SUM, false, false, false, 0, WIDTH}, {"nodes of another width", NOMOS_AGGREGATE_MEAN, true, false, true, 1, WIDTH - 2},
  };
  MakeGraph();
  for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
    input.aggregation = forms[k].aggregation;
    input.convolution = forms[k].convolution;
    input.layer_norm  = forms[k].norm;
    input.n_hidden    = forms[k].n_hidden;
    input.node        = forms[k].node;
    weighed           = forms[k].weighed;
    check(forms[k].name);
  }
  input.node = WIDTH;
  ck_ok(NomosGraphDestroy(&graph));
}

static size_t MlpCount(size_t in, size_t out)
{
  size_t n = 0;
  for (size_t l = 0; l <= input.n_hidden; l++) n += ((l ? input.width : in) + 1) * (l == input.n_hidden ? out : input.width);
  return n + (input.layer_norm ? 2 * out : 0);
}

static void CheckDerivatives(const char name[])
{
  static Network   network;
  const size_t     node = input.node, edge = input.edge;
  const ModuleCase c = {.name = name, .create = Create, .apply = Apply, .n_dims = 2, .shape = {N, D + F},
                        .n_parameters = (F + 1) * node + (E_IN + 1) * edge + LAYERS * (MlpCount(2 * node + edge, edge) + MlpCount(node + edge, node) + (input.convolution ? (node + 1) * node : 0))};
  CheckModule(&c, &network);
}

START_TEST(test_derivatives)
{
  Forms(CheckDerivatives);
}
END_TEST

/* ---- the same by loops over nodes and pairs */

static NomosParameters of_loops;

static const double *Weight(const char a[], const char b[])
{
  char           name[128];
  size_t         number;
  NomosParameter p;
  snprintf(name, sizeof name, "%s.%s", a, b);
  ck_ok(NomosParametersFind(of_loops, name, &number));
  ck_ok(NomosParametersGet(of_loops, number, &p));
  return p.values;
}

static void LinearLoop(const char name[], size_t in, size_t out, const double x[], double y[])
{
  const double *w = Weight(name, "weight"), *b = Weight(name, "bias");
  for (size_t i = 0; i < out; i++) {
    y[i] = b[i];
    for (size_t j = 0; j < in; j++) y[i] += w[i * in + j] * x[j];
  }
}

static void MlpLoop(const char name[], size_t in, size_t out, const double x[], double y[])
{
  double now[4 * WIDTH], next[4 * WIDTH];
  memcpy(now, x, in * sizeof *x);
  for (size_t l = 0; l <= input.n_hidden; l++) {
    char         layer[64];
    const bool   last = l == input.n_hidden;
    const size_t n    = last ? out : input.width;
    snprintf(layer, sizeof layer, "%s.%zu", name, l);
    LinearLoop(layer, l ? input.width : in, n, now, next);
    for (size_t i = 0; i < n; i++) now[i] = last ? next[i] : next[i] / (1 + exp(-next[i]));
  }
  double mean = 0, variance = 0;
  for (size_t i = 0; i < out; i++) mean += now[i] / (double)out;
  for (size_t i = 0; i < out; i++) variance += (now[i] - mean) * (now[i] - mean) / (double)out;
  char norm[64];
  snprintf(norm, sizeof norm, "%s.norm", name);
  for (size_t i = 0; i < out; i++) y[i] = input.layer_norm ? Weight(norm, "weight")[i] * (now[i] - mean) / sqrt(variance + 1e-5) + Weight(norm, "bias")[i] : now[i];
}

static void Loops(const double nodes[N][F], double out[])
{
  static double e[N][N][WIDTH], x[N][WIDTH], next[N][WIDTH];
  const size_t  n = input.node, m = input.edge;

  memset(x, 0, sizeof x);
  for (int i = 0; i < N; i++) {
    LinearLoop("node", F, n, nodes[i], x[i]);
    for (int j = 0; j < N; j++) LinearLoop("edge", E_IN, m, (double[]){(positions[i][0] - positions[j][0]) / radius, (positions[i][1] - positions[j][1]) / radius, Distance(i, j)}, e[i][j]);
  }
  for (int l = 0; l < LAYERS; l++) {
    double degree[N] = {0};
    char   edge[32], node[32], convolution[32];
    snprintf(edge, sizeof edge, "%d.edge", l);
    snprintf(node, sizeof node, "%d.node", l);
    snprintf(convolution, sizeof convolution, "%d.convolution", l);
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) degree[i] += Joined(i, j);
    for (int i = 0; i < N; i++) {
      double sum[WIDTH] = {0}, both[3 * WIDTH], message[WIDTH], smooth[WIDTH], update[WIDTH];
      for (size_t c = 0; c < n; c++) smooth[c] = 0.7 * x[i][c];
      for (int j = 0; j < N; j++) {
        if (!Joined(i, j)) continue;
        memcpy(both, x[i], n * sizeof *both);
        memcpy(both + n, x[j], n * sizeof *both);
        memcpy(both + 2 * n, e[i][j], m * sizeof *both);
        MlpLoop(edge, 2 * n + m, m, both, message);
        for (size_t c = 0; c < m; c++) {
          e[i][j][c] += message[c];
          sum[c] += message[c] * (weighed ? 1 / (1 + Distance(i, j)) : 1) / (input.aggregation == NOMOS_AGGREGATE_MEAN ? degree[i] : 1);
        }
        for (size_t c = 0; c < n; c++) smooth[c] += 0.3 * x[j][c] / sqrt(degree[i] * degree[j]);
      }
      memcpy(both, x[i], n * sizeof *both);
      memcpy(both + n, sum, m * sizeof *both);
      MlpLoop(node, n + m, n, both, update);
      for (size_t c = 0; c < n; c++) next[i][c] = x[i][c] + update[c];
      if (input.convolution) LinearLoop(convolution, n, n, smooth, update);
      for (size_t c = 0; c < n && input.convolution; c++) next[i][c] += update[c];
    }
    memcpy(x, next, sizeof x);
  }
  for (int i = 0; i < N; i++)
    for (size_t c = 0; c < n + m; c++) {
      out[i * (int)(n + m) + (int)c] = c < n ? x[i][c] : 0;
      for (int j = 0; j < N && c >= n; j++) out[i * (int)(n + m) + (int)c] += Joined(i, j) ? e[i][j][c - n] : 0;
    }
}

/* Points in another order within their sets: the graph is made again, the same values at the same points. */
static void CheckValues(const char name[])
{
  static const int to[N] = {3, 0, 7, 1, 2, 6, 5, 4, 9, 13, 8, 12, 10, 11};
  Network     network;
  NomosTape   tape;
  NomosTensor w[MAX_TENSORS];
  double      nodes[N][F], turned[2][N][F], exact[2 * N * WIDTH], out[2][2 * N * WIDTH];
  NomosGraph  straight = graph;
  const int   row = (int)(input.node + input.edge);

  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &of_loops));
  ck_ok(Create(of_loops, &network));
  ck_ok(NomosParametersInitialise(of_loops, 9));
  ck_ok(NomosParametersBind(of_loops, tape, w));
  for (int i = 0; i < N; i++) {
    for (int c = 0; c < F; c++) turned[1][to[i]][c] = nodes[i][c] = NomosRandomNormal(22, 0, (uint64_t)(F * i + c));
    memcpy(turned[0][to[i]], positions[i], sizeof positions[i]);
  }
  Loops(nodes, exact);
  for (int turn = 0; turn < 2; turn++) {
    double x[N][D];
    for (int i = 0; i < N; i++) memcpy(x[i], turn ? turned[0][i] : positions[i], sizeof x[i]);
    if (turn) ck_ok(NomosGraphCreateWithin(&(NomosGraphWithinInput){.d = D, .n_sets = SETS, .first = first, .x = x[0], .radius = radius}, NULL, &graph));
    ck_ok(NomosTensorGetDoubles(Run(&network, w, NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){N, D}, x[0]), NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){N, F}, turn ? turned[1][0] : nodes[0])), out[turn]));
  }
  for (int i = 0; i < N; i++)
    for (int c = 0; c < row; c++) {
      const double here = exact[i * row + c];
      ck_assert_msg(fabs(out[0][i * row + c] - here) < 1e-12, "%s: node %d is %.17g, by loops %.17g", name, i, out[0][i * row + c], here);
      ck_assert_msg(fabs(out[1][to[i] * row + c] - here) < 1e-12, "%s: node %d is %.17g, %.17g in another order", name, i, here, out[1][to[i] * row + c]);
    }
  ck_ok(NomosGraphDestroy(&graph));
  graph = straight;
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosParametersDestroy(&of_loops));
}

START_TEST(test_values)
{
  Forms(CheckValues);
}
END_TEST

/* The authors' notebooks print 2,387,669 parameters for their model of 2025, whose four interaction layers of width 128 have 165,248 each, 16,512 of them the graph convolution. */
START_TEST(test_published_counts)
{
  NomosParameters     parameters;
  NomosMessagePassing layer;

  ck_ok(NomosParametersCreate(NOMOS_F32, &parameters));
  ck_ok(NomosMessagePassingCreate(parameters, "layer", &(NomosMessagePassingInput){.node = 128, .edge = 128, .n_hidden = 2, .width = 128, .activation = NOMOS_RELU, .layer_norm = true, .residual = true, .convolution = true}, &layer));
  ck_assert_uint_eq(NomosParametersSize(parameters), 165248);
  ck_ok(NomosParametersDestroy(&parameters));
}
END_TEST

NOMOS_TEST_SUITE("graph", test_graph_of_points, test_derivatives, test_values, test_published_counts)
