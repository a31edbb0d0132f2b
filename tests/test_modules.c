/* Modules: derivatives of each, values against loops written from the formulas, fast weights, equivariance, published parameter counts. */
#include "surrogates/loss.h"
#include "surrogates/modules/attention.h"
#include "surrogates/modules/fourier_features.h"
#include "surrogates/networks/fno.h"
#include "surrogates/networks/graph_network.h"
#include "surrogates/networks/unet.h"
#include "tests/module_checks.h"

typedef struct {
  NomosParameters parameters;
  NomosTape       tape;
  NomosTensor     w[MAX_TENSORS];
} Fixture;

static void SetUp(Fixture *f, PetscErrorCode (*create)(NomosParameters, void *), void *module)
{
  ck_ok(NomosTapeCreate(&f->tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &f->parameters));
  ck_ok(create(f->parameters, module));
  ck_ok(NomosParametersInitialise(f->parameters, 9));
  ck_ok(NomosParametersBind(f->parameters, f->tape, f->w));
}

static void TearDown(Fixture *f)
{
  ck_ok(NomosTapeDestroy(&f->tape));
  ck_ok(NomosParametersDestroy(&f->parameters));
}

/* ---- derivatives of every module */

typedef union {
  NomosMlp             mlp;
  NomosNorm            norm;
  NomosAttention       attention;
  NomosGraphNetwork    graph;
  NomosConvolutionLayer convolution;
  struct {
    NomosFourierFeatures features;
    NomosMlp             mlp;
  } fourier;
} AnyModule;

static const NomosMlpInput plain = {.n_hidden = 2, .in = 3, .width = 7, .out = 2, .activation = NOMOS_GELU};
static const NomosMlpInput full  = {.n_hidden = 3, .in = 3, .width = 6, .out = 4, .activation = NOMOS_TANH, .layer_norm = true, .residual = true, .no_last_bias = true};
static const NomosMlpInput siren = {.n_hidden = 2, .in = 2, .width = 9, .out = 1, .activation = NOMOS_SIN, .omega = 5, .rule = NOMOS_RULE_SIREN};

static PetscErrorCode CreatePlain(NomosParameters p, void *m)
{
  return NomosMlpCreate(p, "mlp", &plain, m);
}
static PetscErrorCode CreateFull(NomosParameters p, void *m)
{
  return NomosMlpCreate(p, "mlp", &full, m);
}
static PetscErrorCode CreateSiren(NomosParameters p, void *m)
{
  return NomosMlpCreate(p, "mlp", &siren, m);
}
static NomosTensor ApplyMlp(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosMlpApply(m, w, x);
}
static PetscErrorCode CreateGroupNorm(NomosParameters p, void *m)
{
  return NomosNormCreate(p, "norm", &(NomosNormInput){.n_channels = 6, .n_groups = 2}, m);
}
static NomosTensor ApplyNorm(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosNormApply(m, w, x);
}
static PetscErrorCode CreateFourier(NomosParameters p, void *m)
{
  AnyModule *module = m;
  PetscFunctionBeginUser;
  PetscCall(NomosFourierFeaturesCreate(p, "features", &(NomosFourierFeaturesInput){.in = 2, .n = 5, .sigma = 0.5}, &module->fourier.features));
  PetscCall(NomosMlpCreate(p, "mlp", &(NomosMlpInput){.n_hidden = 1, .in = 10, .width = 6, .out = 1, .activation = NOMOS_SILU}, &module->fourier.mlp));
  PetscFunctionReturn(PETSC_SUCCESS);
}
static NomosTensor ApplyFourier(const void *m, const NomosTensor w[], NomosTensor x)
{
  const AnyModule *module = m;
  return NomosMlpApply(&module->fourier.mlp, w, NomosFourierFeaturesApply(&module->fourier.features, w, x));
}

static NomosConvolutionLayerInput convolution;
static PetscErrorCode             CreateConvolution(NomosParameters p, void *m)
{
  return NomosConvolutionLayerCreate(p, "convolution", &convolution, m);
}
static NomosTensor ApplyConvolution(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosConvolutionLayerApply(m, w, x);
}

static NomosAttentionKind attention_kind;
static PetscErrorCode     CreateAttention(NomosParameters p, void *m)
{
  return NomosAttentionCreate(p, "attention", &(NomosAttentionInput){.kind = attention_kind, .width = 6, .n_heads = 2}, m);
}
static NomosTensor ApplyAttention(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosAttentionApply(m, w, x, NomosSlice(x, 1, 0, 3, 2));
}

/* 5 nodes, the last without edges to it; one edge twice, a loop. */
static const int32_t sender[] = {0, 1, 2, 3, 3, 4, 1, 2, 2}, receiver[] = {1, 2, 0, 1, 1, 0, 3, 2, 3};
enum { N_NODES = 5, N_EDGES = 9 };
static NomosGraph       graph;
static NomosAggregation aggregation;
static PetscErrorCode   CreateGraphNetwork(NomosParameters p, void *m)
{
  return NomosGraphNetworkCreate(p, "gnn", &(NomosGraphNetworkInput){.node_in = 2, .edge_in = 3, .out = 2, .width = 5, .n_hidden = 1, .n_layers = 2, .activation = NOMOS_SILU, .aggregation = aggregation}, m);
}
static NomosTensor ApplyGraphNetwork(const void *m, const NomosTensor w[], NomosTensor x) /* x: node features of the 5 nodes, and more rows from which the edges' come */
{
  const NomosTensor edges = NomosSlice(NomosReshape(x, 2, (size_t[]){10, 3}), 0, 1, N_EDGES, 1);
  return NomosGraphNetworkApply(m, w, graph, NomosSlice(x, 0, 0, N_NODES, 3), edges);
}

START_TEST(test_derivatives)
{
  /* counts by hand: (in + 1) out for each linear layer */
  static const ModuleCase cases[] = {
    {"mlp",                    CreatePlain,        ApplyMlp,          2, {6, 3},        4 * 7 + 8 * 7 + 8 * 2                                                  },
    {"mlp on a batch of sets", CreatePlain,        ApplyMlp,          3, {2, 4, 3},     4 * 7 + 8 * 7 + 8 * 2                                                  },
    {"mlp, norm, residual",    CreateFull,         ApplyMlp,          2, {5, 3},        4 * 6 + 2 * 7 * 6 + 6 * 4 + 8                                          },
    {"siren",                  CreateSiren,        ApplyMlp,          2, {5, 2},        3 * 9 + 10 * 9 + 10                                                    },
    {"group norm",             CreateGroupNorm,    ApplyNorm,         4, {2, 6, 3, 4},  12                                                                     },
    {"fourier features",       CreateFourier,      ApplyFourier,      2, {5, 2},        11 * 6 + 7                                                             },
    {"graph network",          CreateGraphNetwork, ApplyGraphNetwork, 2, {15, 2},       3 * 5 + 6 * 5 + 10 + 4 * 5 + 6 * 5 + 10 + 2 * (16 * 5 + 6 * 5 + 10 + 11 * 5 + 6 * 5 + 10) + 6 * 5 + 6 * 2},
  };
  AnyModule module;
  ck_ok(NomosGraphCreate(N_NODES, N_EDGES, sender, receiver, &graph));
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) CheckModule(&cases[c], &module);
  aggregation = NOMOS_AGGREGATE_MEAN;
  CheckModule(&cases[6], &module);
  ck_ok(NomosGraphDestroy(&graph));
  for (int kind = 0; kind < NOMOS_N_ATTENTIONS; kind++) {
    const ModuleCase attention = {nomos_attention_names[kind], CreateAttention, ApplyAttention, 3, {2, 5, 6}, 4 * 42};
    attention_kind             = (NomosAttentionKind)kind;
    CheckModule(&attention, &module);
  }
}
END_TEST

START_TEST(test_derivatives_of_convolutions)
{
  static const struct {
    NomosConvolutionLayerInput input;
    ModuleCase                 check;
  } cases[] = {
    {{.n_space = 1, .in = 3, .out = 4, .taps = 5},                                              {"1-D",            CreateConvolution, ApplyConvolution, 3, {2, 3, 7},    64 } },
    {{.n_space = 2, .in = 4, .out = 6, .taps = 3, .groups = 2, .circular = true},               {"2-D, in groups", CreateConvolution, ApplyConvolution, 4, {2, 4, 5, 6}, 114} },
    {{.n_space = 2, .in = 3, .out = 2, .taps = 1, .no_bias = true},                             {"1 x 1",          CreateConvolution, ApplyConvolution, 4, {2, 3, 4, 3}, 6  } },
    {{.n_space = 2, .in = 4, .out = 2, .taps = 2, .stride = 2, .transposed = true},             {"doubling",       CreateConvolution, ApplyConvolution, 4, {2, 4, 2, 3}, 34 } },
    {{.n_space = 1, .in = 4, .out = 4, .taps = 3, .stride = 2, .groups = 4, .circular = true},  {"depthwise",      CreateConvolution, ApplyConvolution, 3, {3, 4, 8},    16 } },
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    AnyModule module;
    convolution = cases[c].input;
    CheckModule(&cases[c].check, &module);
  }
}
END_TEST

/* A doubling takes every point to taps x taps new ones of its own; its lengths are twice those it got. On a periodic row circular layers commute with shifts. */
START_TEST(test_convolution_values)
{
  NomosParameters       p;
  NomosTape             tape;
  NomosTensor           w[4];
  NomosConvolutionLayer doubling, ring;
  const size_t         *shape;
  double                y[2 * 6 * 4], x[3 * 6], weight[3 * 2 * 4], bias[2], a[4 * 6], b[4 * 6];
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(NomosConvolutionLayerCreate(p, "doubling", &(NomosConvolutionLayerInput){.n_space = 2, .in = 3, .out = 2, .taps = 2, .stride = 2, .transposed = true}, &doubling));
  ck_ok(NomosConvolutionLayerCreate(p, "ring", &(NomosConvolutionLayerInput){.n_space = 1, .in = 3, .out = 4, .taps = 3, .circular = true}, &ring));
  ck_ok(NomosParametersInitialise(p, 2));
  ck_ok(NomosParametersBind(p, tape, w));
  const NomosTensor input = RandomTensor(tape, NOMOS_F64, 7, 4, (size_t[]){1, 3, 2, 3}), doubled = NomosConvolutionLayerApply(&doubling, w, input);
  ck_assert(NomosTensorDims(doubled, &shape) == 4 && shape[1] == 2 && shape[2] == 4 && shape[3] == 6);
  ck_ok(NomosTensorGetDoubles(doubled, y));
  ck_ok(NomosTensorGetDoubles(input, x));
  ck_ok(NomosTensorGetDoubles(w[0], weight));
  ck_ok(NomosTensorGetDoubles(w[1], bias));
  for (int o = 0; o < 2; o++)
    for (int j = 0; j < 4; j++)
      for (int i = 0; i < 6; i++) {
        double sum = bias[o];
        for (int c = 0; c < 3; c++) sum += x[(c * 2 + j / 2) * 3 + i / 2] * weight[((c * 2 + o) * 2 + j % 2) * 2 + i % 2];
        ck_assert_double_eq_tol(y[(o * 4 + j) * 6 + i], sum, 1e-14);
      }
  const NomosTensor row = NomosReshape(input, 3, (size_t[]){1, 3, 6});
  ck_ok(NomosTensorGetDoubles(NomosConvolutionLayerApply(&ring, w, NomosRoll(row, 2, 2)), a));
  ck_ok(NomosTensorGetDoubles(NomosRoll(NomosConvolutionLayerApply(&ring, w, row), 2, 2), b));
  for (int i = 0; i < 24; i++) ck_assert_double_eq_tol(a[i], b[i], 1e-15);
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* Batch norm: running averages after two batches by hand, and evaluation by them; in training by the batch's own. */
START_TEST(test_batch_norm)
{
  enum { B = 3, C = 2, N = 4 };
  NomosParameters      p;
  NomosTape            tape;
  NomosBatchNormLayer  norm;
  NomosTensor          w[4], y = {0};
  double               mean[C] = {0}, variance[C] = {1, 1}, x[B * C * N], result[B * C * N], gamma[C] = {1.5, -0.5}, beta[C] = {0.2, 3};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(NomosBatchNormLayerCreate(p, "norm", C, &norm));
  ck_assert_int_eq((int)NomosParametersSize(p), 2 * C);
  ck_ok(NomosParametersInitialise(p, 1));
  ck_ok(NomosParametersSet(p, norm.weight, gamma));
  ck_ok(NomosParametersSet(p, norm.bias, beta));
  for (uint64_t batch = 0; batch < 3; batch++) {
    double now[2][C] = {{0}};
    ck_ok(NomosTapeReset(tape));
    ck_ok(NomosParametersBind(p, tape, w));
    const NomosTensor input = NomosAffine(RandomTensor(tape, NOMOS_F64, 60 + batch, 3, (size_t[]){B, C, N}), 2, 1);
    ck_ok(NomosTensorGetDoubles(input, x));
    for (int c = 0; c < C; c++) {
      for (int b = 0; b < B; b++)
        for (int i = 0; i < N; i++) now[0][c] += x[(b * C + c) * N + i] / (B * N);
      for (int b = 0; b < B; b++)
        for (int i = 0; i < N; i++) now[1][c] += pow(x[(b * C + c) * N + i] - now[0][c], 2) / (B * N);
    }
    if (batch < 2) { /* training */
      NomosBatchStatistics statistics = {0};
      double               gradient[2 * C];
      y = NomosBatchNormLayerApply(&norm, w, input, &statistics);
      ck_ok(NomosBatchStatisticsKeep(&statistics, p, 0.1));
      ck_ok(NomosParametersGradient(p, NomosSumAll(y), w, gradient)); /* leaves on weights are still good */
      ck_close(gradient[C], B * N, 1e-14);
      for (int c = 0; c < C; c++) {
        mean[c]     = 0.9 * mean[c] + 0.1 * now[0][c];
        variance[c] = 0.9 * variance[c] + 0.1 * now[1][c] * B * N / (B * N - 1);
      }
    } else y = NomosBatchNormLayerApply(&norm, w, input, NULL);
    ck_ok(NomosTensorGetDoubles(y, result));
    for (int j = 0; j < B * C * N; j++) {
      const int    c = j / N % C;
      const double m = batch < 2 ? now[0][c] : mean[c], v = batch < 2 ? now[1][c] : variance[c];
      ck_assert_double_eq_tol(result[j], gamma[c] * (x[j] - m) / sqrt(v + 1e-5) + beta[c], 1e-13);
    }
  }
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* ---- a whole U-Net */


static int            unet_space;
static PetscErrorCode CreateUNet(NomosParameters p, void *m)
{
  return NomosUNetCreate(p, "unet", &(NomosUNetInput){.n_space = unet_space, .in = 1, .out = 1, .width = 2, .circular = unet_space == 1}, m);
}
static NomosTensor ApplyUNet(const void *m, const NomosTensor w[], NomosTensor x) /* in training */
{
  NomosBatchStatistics statistics = {0};
  return NomosUNetApply(m, w, x, (NomosTensor){0}, &statistics);
}

/* Derivatives; and on a circle it commutes with shifts by 16 points, the lengths of its coarsest cells. */
START_TEST(test_unet)
{
  static const ModuleCase cases[] = {{"U-Net 1-D", CreateUNet, ApplyUNet, 3, {2, 1, 64}, 10959}, {"U-Net 2-D", CreateUNet, ApplyUNet, 4, {2, 1, 32, 32}, 30715}};
  NomosUNet               unet;
  Fixture                 f;
  double                  a[64], b[64];
  for (unet_space = 1; unet_space <= 2; unet_space++) CheckModuleBySteps(&cases[unet_space - 1], &unet, 0.03);
  unet_space = 1;
  SetUp(&f, CreateUNet, &unet);
  const NomosTensor x = RandomTensor(f.tape, NOMOS_F64, 8, 3, (size_t[]){1, 1, 64});
  ck_ok(NomosTensorGetDoubles(NomosUNetApply(&unet, f.w, NomosRoll(x, 2, 16), (NomosTensor){0}, NULL), a));
  ck_ok(NomosTensorGetDoubles(NomosRoll(NomosUNetApply(&unet, f.w, x, (NomosTensor){0}, NULL), 2, 16), b));
  for (int i = 0; i < 64; i++) ck_assert_double_eq_tol(a[i], b[i], 1e-12);
  TearDown(&f);
}
END_TEST

/* ---- values */

/* ---- Fourier neural operators */

static NomosFnoInput  fno_input;
static PetscErrorCode CreateFno(NomosParameters p, void *m)
{
  return NomosFnoCreate(p, "fno", &fno_input, m);
}
static NomosTensor ApplyFno(const void *m, const NomosTensor w[], NomosTensor x)
{
  return NomosFnoApply(m, w, x, (NomosTensor){0});
}

START_TEST(test_fno)
{
  static const struct {
    NomosFnoInput input;
    ModuleCase    check;
  } cases[] = {
    {{.n_space = 1, .in = 2, .out = 1, .width = 3, .modes = 3, .n_layers = 2, .read_width = 4, .activation = NOMOS_GELU},                                                    {"FNO 1-D", CreateFno, ApplyFno, 3, {2, 2, 11}, 9 + 2 * (54 + 12) + 16 + 5}     },
    {{.n_space = 2, .in = 1, .out = 2, .width = 3, .modes = 2, .n_layers = 2, .read_width = 4, .activation = NOMOS_TANH, .coordinates = true, .pad = 2, .one_sided = true}, {"FNO 2-D", CreateFno, ApplyFno, 4, {1, 1, 6, 5}, 12 + 2 * (144 + 12) + 16 + 10}},
  };
  Fixture  f;
  NomosFno fno;
  double   a[2 * 12], b[2 * 12];
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    fno_input = cases[c].input;
    CheckModule(&cases[c].check, &fno);
  }
  /* without coordinates it commutes with shifts of a periodic grid */
  fno_input = cases[0].input;
  SetUp(&f, CreateFno, &fno);
  const NomosTensor x = RandomTensor(f.tape, NOMOS_F64, 8, 3, (size_t[]){2, 2, 12});
  ck_ok(NomosTensorGetDoubles(NomosFnoApply(&fno, f.w, NomosRoll(x, 2, 5), (NomosTensor){0}), a));
  ck_ok(NomosTensorGetDoubles(NomosRoll(NomosFnoApply(&fno, f.w, x, (NomosTensor){0}), 2, 5), b));
  for (int i = 0; i < 24; i++) ck_assert_double_eq_tol(a[i], b[i], 1e-14);
  TearDown(&f);
}
END_TEST

/* A spectral layer acts on functions: cos(2 pi (x + 2 y)) on a grid and on a finer one gives the same function. */
START_TEST(test_spectral_layers_act_on_functions)
{
  NomosParameters p;
  NomosTape       tape;
  NomosTensor     w[1], y[2];
  NomosSpectral   spectral;
  double          x[24 * 16], a[12 * 8], b[24 * 16], size = 0;
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(NomosSpectralCreate(p, "k", &(NomosSpectralInput){.n_space = 2, .in = 1, .out = 1, .modes = 3}, &spectral));
  ck_ok(NomosParametersInitialise(p, 3));
  ck_ok(NomosParametersBind(p, tape, w));
  for (size_t fine = 1; fine <= 2; fine++) {
    const size_t ny = 12 * fine, nx = 8 * fine;
    for (size_t j = 0; j < ny; j++)
      for (size_t i = 0; i < nx; i++) x[j * nx + i] = cos(2 * PETSC_PI * ((double)i / (double)nx + 2 * (double)j / (double)ny));
    y[fine - 1] = NomosSpectralApply(&spectral, w, NomosTensorFromDoubles(tape, NOMOS_F64, 4, (size_t[]){1, 1, ny, nx}, x));
  }
  ck_ok(NomosTensorGetDoubles(y[0], a));
  ck_ok(NomosTensorGetDoubles(y[1], b));
  for (int j = 0; j < 12; j++)
    for (int i = 0; i < 8; i++) {
      ck_assert_double_eq_tol(a[j * 8 + i], b[2 * j * 16 + 2 * i], 1e-14);
      size = fmax(size, fabs(a[j * 8 + i]));
    }
  ck_assert_double_gt(size, 0.05);
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

static const double *Weight(Fixture *f, const char name[])
{
  size_t         number;
  NomosParameter p;
  ck_ok(NomosParametersFind(f->parameters, name, &number));
  ck_ok(NomosParametersGet(f->parameters, number, &p));
  return p.values;
}

/* y = W x + b by loops. */
static void LinearLoop(Fixture *f, const char name[], size_t in, size_t out, const double x[], double y[])
{
  char weight[64], bias[64];
  snprintf(weight, sizeof weight, "%s.weight", name);
  snprintf(bias, sizeof bias, "%s.bias", name);
  const double *w = Weight(f, weight), *b = Weight(f, bias);
  for (size_t i = 0; i < out; i++) {
    y[i] = b[i];
    for (size_t j = 0; j < in; j++) y[i] += w[i * in + j] * x[j];
  }
}

static void MlpLoop(Fixture *f, const char name[], size_t n_hidden, size_t in, size_t width, size_t out, double (*activation)(double), bool norm, const double x[], double y[])
{
  double now[64], next[64];
  memcpy(now, x, in * sizeof *x);
  for (size_t l = 0; l <= n_hidden; l++) {
    char layer[64];
    snprintf(layer, sizeof layer, "%s.%zu", name, l);
    LinearLoop(f, layer, l ? width : in, l < n_hidden ? width : out, now, next);
    for (size_t i = 0; i < (l < n_hidden ? width : out); i++) now[i] = l < n_hidden ? activation(next[i]) : next[i];
  }
  if (norm) {
    double mean = 0, variance = 0;
    char   weight[64], bias[64];
    snprintf(weight, sizeof weight, "%s.norm.weight", name);
    snprintf(bias, sizeof bias, "%s.norm.bias", name);
    for (size_t i = 0; i < out; i++) mean += now[i] / (double)out;
    for (size_t i = 0; i < out; i++) variance += (now[i] - mean) * (now[i] - mean) / (double)out;
    for (size_t i = 0; i < out; i++) now[i] = Weight(f, weight)[i] * (now[i] - mean) / sqrt(variance + 1e-5) + Weight(f, bias)[i];
  }
  memcpy(y, now, out * sizeof *y);
}

static double Gelu(double x)
{
  return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}
static double Silu(double x)
{
  return x / (1 + exp(-x));
}

START_TEST(test_mlp_values)
{
  Fixture  f;
  NomosMlp mlp;
  double   x[4 * 3], y[2];
  SetUp(&f, CreatePlain, &mlp);
  for (int i = 0; i < 12; i++) x[i] = NomosRandomNormal(20, 0, (uint64_t)i);
  const void       *data;
  const NomosTensor result = NomosMlpApply(&mlp, f.w, NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, (size_t[]){4, 3}, x));
  ck_ok(NomosTensorGet(result, &data));
  for (int r = 0; r < 4; r++) {
    MlpLoop(&f, "mlp", 2, 3, 7, 2, Gelu, false, x + 3 * r, y);
    for (int i = 0; i < 2; i++) ck_close(((const double *)data)[2 * r + i], y[i], 1e-13);
  }
  TearDown(&f);
}
END_TEST

/* Softmax and kernel attention by loops over heads, queries and tokens; and attention does not care for the order of the tokens. */
START_TEST(test_attention_values)
{
  enum { N = 5, M = 4, D = 6, H = 2, C = D / H };
  for (int kind = 0; kind < NOMOS_N_ATTENTIONS; kind++) {
    Fixture        f;
    NomosAttention attention;
    double         x[N * D], y[M * D], q[N][D], k[M][D], v[M][D], o[D], out[D];
    const void    *data;
    attention_kind = (NomosAttentionKind)kind;
    SetUp(&f, CreateAttention, &attention);
    for (int i = 0; i < N * D; i++) x[i] = NomosRandomNormal(21, 0, (uint64_t)i);
    for (int i = 0; i < M * D; i++) y[i] = NomosRandomNormal(21, 1, (uint64_t)i);
    const NomosTensor result = NomosAttentionApply(&attention, f.w, NomosTensorFromDoubles(f.tape, NOMOS_F64, 3, (size_t[]){1, N, D}, x), NomosTensorFromDoubles(f.tape, NOMOS_F64, 3, (size_t[]){1, M, D}, y));
    ck_ok(NomosTensorGet(result, &data));
    for (int i = 0; i < N; i++) LinearLoop(&f, "attention.query", D, D, x + i * D, q[i]);
    for (int j = 0; j < M; j++) {
      LinearLoop(&f, "attention.key", D, D, y + j * D, k[j]);
      LinearLoop(&f, "attention.value", D, D, y + j * D, v[j]);
    }
    for (int i = 0; i < N; i++) {
      for (int h = 0; h < H; h++) {
        double weight[M], total = 0;
        for (int j = 0; j < M; j++) {
          double dot = 0, sum_q = 0, sum_k = 0;
          for (int c = h * C; c < (h + 1) * C; c++) {
            const double a = q[i][c], b = k[j][c];
            sum_q += exp(a);
            sum_k += exp(b);
            if (kind == NOMOS_ATTENTION_SOFTMAX) dot += a * b;
            else if (kind == NOMOS_ATTENTION_LINEAR) dot += (a > 0 ? a + 1 : exp(a)) * (b > 0 ? b + 1 : exp(b));
            else dot += exp(a) * exp(b);
          }
          weight[j] = kind == NOMOS_ATTENTION_SOFTMAX ? exp(dot / sqrt(C)) : kind == NOMOS_ATTENTION_LINEAR ? dot : dot / (sum_q * sum_k);
          total += weight[j];
        }
        for (int c = h * C; c < (h + 1) * C; c++) {
          o[c] = 0;
          for (int j = 0; j < M; j++) o[c] += weight[j] / total * v[j][c];
        }
      }
      LinearLoop(&f, "attention.out", D, D, o, out);
      for (int c = 0; c < D; c++) ck_assert_double_eq_tol(((const double *)data)[i * D + c], out[c], 1e-13);
    }
    double turned[M * D];
    for (int j = 0; j < M; j++) memcpy(turned + j * D, y + (j + 1) % M * D, D * sizeof *y);
    const NomosTensor again = NomosAttentionApply(&attention, f.w, NomosTensorFromDoubles(f.tape, NOMOS_F64, 3, (size_t[]){1, N, D}, x), NomosTensorFromDoubles(f.tape, NOMOS_F64, 3, (size_t[]){1, M, D}, turned));
    double            first[N * D], second[N * D];
    ck_ok(NomosTensorGetDoubles(result, first));
    ck_ok(NomosTensorGetDoubles(again, second));
    for (int i = 0; i < N * D; i++) ck_assert_double_eq_tol(first[i], second[i], 1e-13);
    TearDown(&f);
  }
}
END_TEST

static void GraphNetworkLoop(Fixture *f, const double nodes[N_NODES][2], const double edges[N_EDGES][3], double out[N_NODES][2])
{
  enum { W = 5 };
  double x[N_NODES][W], e[N_EDGES][W], input[3 * W], y[W];
  for (int i = 0; i < N_NODES; i++) MlpLoop(f, "gnn.node_encoder", 1, 2, W, W, Silu, true, nodes[i], x[i]);
  for (int k = 0; k < N_EDGES; k++) MlpLoop(f, "gnn.edge_encoder", 1, 3, W, W, Silu, true, edges[k], e[k]);
  for (int l = 0; l < 2; l++) {
    double sum[N_NODES][W] = {{0}}, count[N_NODES] = {0};
    char   name[32];
    snprintf(name, sizeof name, "gnn.%d.edge", l);
    for (int k = 0; k < N_EDGES; k++) {
      memcpy(input, x[receiver[k]], W * sizeof *input);
      memcpy(input + W, x[sender[k]], W * sizeof *input);
      memcpy(input + 2 * W, e[k], W * sizeof *input);
      MlpLoop(f, name, 1, 3 * W, W, W, Silu, true, input, y);
      for (int c = 0; c < W; c++) {
        sum[receiver[k]][c] += y[c];
        e[k][c] += y[c];
      }
      count[receiver[k]]++;
    }
    snprintf(name, sizeof name, "gnn.%d.node", l);
    for (int i = 0; i < N_NODES; i++) {
      memcpy(input, x[i], W * sizeof *input);
      for (int c = 0; c < W; c++) input[W + c] = aggregation == NOMOS_AGGREGATE_MEAN ? (count[i] > 0 ? sum[i][c] / count[i] : 0) : sum[i][c];
      MlpLoop(f, name, 1, 2 * W, W, W, Silu, true, input, y);
      for (int c = 0; c < W; c++) x[i][c] += y[c];
    }
  }
  for (int i = 0; i < N_NODES; i++) MlpLoop(f, "gnn.decoder", 1, W, W, 2, Silu, false, x[i], out[i]);
}

/* Against loops with concatenated inputs; and nodes with other numbers, edges in another order: the same values at the same nodes. */
START_TEST(test_graph_network)
{
  static const int node_to[N_NODES] = {3, 0, 4, 1, 2}, edge_to[N_EDGES] = {4, 2, 8, 0, 7, 1, 3, 6, 5};
  for (int mean = 0; mean < 2; mean++) {
    Fixture           f;
    NomosGraphNetwork network;
    NomosGraph        turned;
    double            nodes[N_NODES][2], edges[N_EDGES][3], nodes2[N_NODES][2], edges2[N_EDGES][3], exact[N_NODES][2], out[N_NODES][2], out2[N_NODES][2];
    int32_t           sender2[N_EDGES], receiver2[N_EDGES];
    aggregation = mean ? NOMOS_AGGREGATE_MEAN : NOMOS_AGGREGATE_SUM;
    for (int i = 0; i < N_NODES; i++)
      for (int c = 0; c < 2; c++) nodes2[node_to[i]][c] = nodes[i][c] = NomosRandomNormal(22, 0, (uint64_t)(2 * i + c));
    for (int k = 0; k < N_EDGES; k++) {
      for (int c = 0; c < 3; c++) edges2[edge_to[k]][c] = edges[k][c] = NomosRandomNormal(22, 1, (uint64_t)(3 * k + c));
      sender2[edge_to[k]]   = node_to[sender[k]];
      receiver2[edge_to[k]] = node_to[receiver[k]];
    }
    SetUp(&f, CreateGraphNetwork, &network);
    ck_ok(NomosGraphCreate(N_NODES, N_EDGES, sender, receiver, &graph));
    ck_ok(NomosGraphCreate(N_NODES, N_EDGES, sender2, receiver2, &turned));
    const size_t node_shape[] = {N_NODES, 2}, edge_shape[] = {N_EDGES, 3};
    ck_ok(NomosTensorGetDoubles(NomosGraphNetworkApply(&network, f.w, graph, NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, node_shape, nodes[0]), NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, edge_shape, edges[0])), out[0]));
    ck_ok(NomosTensorGetDoubles(NomosGraphNetworkApply(&network, f.w, turned, NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, node_shape, nodes2[0]), NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, edge_shape, edges2[0])), out2[0]));
    GraphNetworkLoop(&f, nodes, edges, exact);
    for (int i = 0; i < N_NODES; i++)
      for (int c = 0; c < 2; c++) {
        ck_assert_double_eq_tol(out[i][c], exact[i][c], 1e-13);
        ck_assert_double_eq_tol(out2[node_to[i]][c], exact[i][c], 1e-13);
      }
    TearDown(&f);
    ck_ok(NomosGraphDestroy(&graph));
    ck_ok(NomosGraphDestroy(&turned));
  }
  ck_refused(NomosGraphCreate(2, 1, (int32_t[]){0}, (int32_t[]){2}, &graph), "2");
}
END_TEST

/* Weights with a task axis: T networks at once equal one after the other, values and gradients. */
START_TEST(test_fast_weights)
{
  enum { T = 3, K = 4 };
  NomosMlp    mlp;
  Fixture     f;
  SetUp(&f, CreateFull, &mlp);
  const size_t n = NomosParametersCount(f.parameters);
  NomosTensor  all[MAX_TENSORS], one[MAX_TENSORS], bar[MAX_TENSORS], bar_one[MAX_TENSORS], x = RandomTensor(f.tape, NOMOS_F64, 3, 3, (size_t[]){T, K, 3});
  for (size_t i = 0; i < n; i++) { /* task t: the weights times 1 + t/2 */
    const size_t *shape;
    size_t        tasks[NOMOS_TENSOR_MAX_DIMS] = {T}, ones[NOMOS_TENSOR_MAX_DIMS] = {T, 1, 1, 1, 1, 1};
    const int     n_dims = NomosTensorDims(f.w[i], &shape);
    for (int d = 0; d < n_dims; d++) tasks[d + 1] = shape[d];
    all[i] = NomosMultiply(NomosBroadcast(f.w[i], n_dims + 1, tasks), NomosTensorFromDoubles(f.tape, NOMOS_F64, n_dims + 1, ones, (double[]){1, 1.5, 2}));
  }
  const NomosTensor y = NomosMlpApply(&mlp, all, x), loss = NomosSumAll(NomosMultiply(y, y));
  ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = n, .x = all}, bar));
  for (size_t t = 0; t < T; t++) {
    double value[K * 4], value_one[K * 4];
    for (size_t i = 0; i < n; i++) one[i] = NomosAffine(f.w[i], 1 + 0.5 * (double)t, 0);
    const NomosTensor x_one = NomosReshape(NomosSlice(x, 0, t, 1, 1), 2, (size_t[]){K, 3}), y_one = NomosMlpApply(&mlp, one, x_one), loss_one = NomosSumAll(NomosMultiply(y_one, y_one));
    ck_ok(NomosTensorGetDoubles(NomosSlice(y, 0, t, 1, 1), value));
    ck_ok(NomosTensorGetDoubles(y_one, value_one));
    for (int i = 0; i < K * 4; i++) ck_assert_double_eq_tol(value[i], value_one[i], 1e-13);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss_one, .n = n, .x = one}, bar_one));
    for (size_t i = 0; i < n; i++) {
      double a[64], b[64];
      ck_ok(NomosTensorGetDoubles(NomosSlice(bar[i], 0, t, 1, 1), a));
      ck_ok(NomosTensorGetDoubles(bar_one[i], b));
      for (size_t j = 0; j < NomosTensorSize(bar_one[i]); j++) ck_assert_double_eq_tol(a[j], b[j], 1e-12);
    }
  }
  TearDown(&f);
}
END_TEST

/* ---- published sizes */

START_TEST(test_parameter_counts)
{
  NomosParameters   p;
  NomosMlp          mlp;
  NomosGraphNetwork gns;
  ck_ok(NomosParametersCreate(NOMOS_F32, &p));
  ck_ok(NomosMlpCreate(p, "mlp", &(NomosMlpInput){.n_hidden = 3, .in = 3, .width = 64, .out = 1, .activation = NOMOS_GELU}, &mlp));
  ck_assert_int_eq((int)NomosParametersSize(p), 8641);
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosParametersCreate(NOMOS_F32, &p));
  ck_ok(NomosGraphNetworkCreate(p, "gns", &(NomosGraphNetworkInput){.node_in = 30, .edge_in = 3, .out = 3, .width = 128, .n_hidden = 2, .n_layers = 10, .activation = NOMOS_RELU}, &gns));
  ck_assert_int_eq((int)NomosParametersSize(p), 1591811);
  ck_ok(NomosParametersDestroy(&p));
  for (int n_space = 1; n_space <= 2; n_space++) { /* PDEBench, in its sizes for CAPE, doi:10.48550/arXiv.2210.07182 */
    NomosUNet    unet;
    const size_t channels = n_space == 1 ? 1 : 4;
    ck_ok(NomosParametersCreate(NOMOS_F32, &p));
    ck_ok(NomosUNetCreate(p, "unet", &(NomosUNetInput){.n_space = n_space, .in = channels, .out = channels, .width = 32}, &unet));
    ck_assert_int_eq((int)NomosParametersSize(p), n_space == 1 ? 2707809 : 7763428);
    ck_ok(NomosParametersDestroy(&p));
    NomosFno fno;
    ck_ok(NomosParametersCreate(NOMOS_F32, &p));
    ck_ok(NomosFnoCreate(p, "fno", &(NomosFnoInput){.n_space = n_space, .in = channels, .out = channels, .width = 20, .modes = 12, .n_layers = 4, .read_width = 128, .activation = NOMOS_GELU, .coordinates = true, .pad = 2, .one_sided = true}, &fno));
    ck_assert_int_eq((int)NomosParametersSize(p), n_space == 1 ? 42957 : 926624);
    ck_ok(NomosParametersDestroy(&p));
  }
}
END_TEST

/* ---- losses */

START_TEST(test_losses)
{
  static const double u[] = {1, -2, 0.5, 3, 0, 4}, v[] = {0.5, 1, 0.5, 0, -0.7, 2};
  static const char *const names[] = {"mean_squared", "mean_absolute", "huber", "log_cosh", "relative"};
  NomosTape   tape;
  double      exact[5] = {0}, value, gradient[6];
  ck_ok(NomosTapeCreate(&tape));
  for (int i = 0; i < 6; i++) {
    const double r = u[i] - v[i];
    exact[0] += r * r / 6;
    exact[1] += fabs(r) / 6;
    exact[2] += (fabs(r) <= 1 ? 0.5 * r * r : fabs(r) - 0.5) / 6;
    exact[3] += log(cosh(r)) / 6;
  }
  exact[4] = 0.5 * (sqrt(0.25 + 9) / sqrt(0.25 + 1 + 0.25) + sqrt(9 + 0.49 + 4) / sqrt(0 + 0.49 + 4));
  const size_t      shape[] = {2, 3};
  const NomosTensor a = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, u), b = NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, v);
  for (int l = 0; l < 5; l++) {
    const NomosLossFn loss = NomosLossFind(names[l]);
    NomosTensor       bar;
    ck_ok(NomosTensorGetScalar(loss(a, b), &value));
    ck_close(value, exact[l], 1e-14);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss(a, a), .n = 1, .x = &a}, &bar)); /* at r = 0: finite, zero */
    ck_ok(NomosTensorGetDoubles(bar, gradient));
    for (int i = 0; i < 6; i++) ck_assert_msg(fabs(gradient[i]) < 1e-9, "%s: gradient %g at the target", names[l], gradient[i]);
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss(a, b), .n = 1, .x = &a}, &bar));
    ck_ok(NomosTensorGetDoubles(bar, gradient));
    for (int i = 0; i < 6; i++) {
      double moved[6], plus, minus;
      if (i == 2 && l == 1) continue; /* the kink */
      memcpy(moved, u, sizeof moved);
      moved[i] = u[i] + 1e-6;
      ck_ok(NomosTensorGetScalar(loss(NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, moved), b), &plus));
      moved[i] = u[i] - 1e-6;
      ck_ok(NomosTensorGetScalar(loss(NomosTensorFromDoubles(tape, NOMOS_F64, 2, shape, moved), b), &minus));
      ck_assert_msg(fabs((plus - minus) / 2e-6 - gradient[i]) < 1e-8, "%s: gradient %g, by differences %g", names[l], gradient[i], (plus - minus) / 2e-6);
    }
  }
  ck_assert(!NomosLossFind("hinge"));
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* What does not depend on z (or y) goes through a spectral layer in three dimensions as through one in two, with the weights of its mode 0 of that axis; modes beyond those retained are gone. */
START_TEST(test_spectral_layers_in_three_dimensions)
{
  enum { MODES = 2, IN = 2, OUT = 3 };
  NomosParameters p;
  NomosTape       tape;
  NomosSpectral   space;
  NomosTensor     w[1];

  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(NomosSpectralCreate(p, "k", &(NomosSpectralInput){.n_space = 3, .in = IN, .out = OUT, .modes = MODES}, &space));
  ck_assert_uint_eq(NomosParametersSize(p), IN * OUT * 16 * MODES * MODES);
  ck_ok(NomosParametersInitialise(p, 3));
  ck_ok(NomosParametersBind(p, tape, w));
  for (int axis = 2; axis < 4; axis++) { /* along which nothing changes */
    const size_t      n[] = {2, IN, 5, 6, 7};
    size_t            plane[4] = {2, IN, n[axis == 2 ? 3 : 2], 7}, one[5] = {2, IN, n[2], n[3], 7};
    const NomosTensor x = RandomTensor(tape, NOMOS_F64, 1, 4, plane), weight = NomosSlice(w[0], axis, 0, 1, 1);
    one[axis] = 1;
    const NomosTensor y    = NomosSpectralApply(&space, w, NomosBroadcast(NomosReshape(x, 5, one), 5, n));
    const NomosTensor flat = NomosSpectralConvolve(x, NomosReshape(weight, 5, (size_t[]){IN, OUT, 2 * MODES, MODES, 2}));
    for (size_t j = 0; j < n[axis]; j++) {
      double there[2 * OUT * 42], expected[2 * OUT * 42];
      ck_ok(NomosTensorGetDoubles(NomosSlice(y, axis, j, 1, 1), there));
      ck_ok(NomosTensorGetDoubles(flat, expected));
      for (size_t i = 0; i < NomosTensorSize(flat); i++) ck_assert_double_eq_tol(there[i], expected[i], 1e-14);
    }
  }
  (void)NomosSpectralApply(&space, w, RandomTensor(tape, NOMOS_F64, 1, 5, (size_t[]){1, IN, 3, 6, 7}));
  ck_refused(NomosTapeStatus(tape), "2 modes on 3 x 6 x 7 points");
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosParametersDestroy(&p));
}
END_TEST

NOMOS_TEST_SUITE("modules", test_derivatives, test_derivatives_of_convolutions, test_convolution_values, test_batch_norm, test_unet, test_fno, test_spectral_layers_act_on_functions, test_spectral_layers_in_three_dimensions, test_mlp_values, test_attention_values, test_graph_network, test_fast_weights, test_parameter_counts, test_losses)
