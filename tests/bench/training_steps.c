/* Training steps (forward, backward, Adam) of the networks that tests/bench/compare_torch.py times against PyTorch. As a server: a line `CASE STEPS` on standard input is
   answered by `milliseconds-per-step loss`; `CASE 0` prepares the case and answers with its number of parameters, the flops of a step's products (three times those of a forward pass; Fourier
   transforms are not counted), the Gflop/s of OpenBLAS alone for a product of the case's most frequent shape, and the loss at first weights that the other side knows, too (0: there are none).
   OMP_NUM_THREADS sets the threads. */
#include "operators/primitives.h"
#include "surrogates/loss.h"
#include "surrogates/modules/mlp.h"
#include "surrogates/networks/fno.h"
#include "surrogates/networks/graph_network.h"
#include "surrogates/networks/unet.h"
#include "surrogates/operators/emulator.h"
#include "surrogates/optimiser.h"
#include "tests/bench/training_particles.h"
#include "timing.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Case_s Case;

struct Case_s {
  const char   *name;
  NomosRealType type;
  size_t        rows; /* of a batch */
  int           n_space;
  size_t        points, channels; /* points along an axis; layers of a graph network */
  bool          sorted;           /* edges by receiver */
  bool          recompute;        /* the step is a segment that is computed again for its gradient */
  PetscErrorCode (*create)(Case *c);
  PetscErrorCode (*gradient)(Case *c); /* loss and c->slope at the present weights */
  const char *network;                 /* of particles: `channels` sets of `points` points */
  size_t shape[3];                     /* m, n, k of a typical product */
  double flops_per_row;                /* of the products of a forward pass */

  NomosParameters parameters;
  NomosOptimiser  optimiser;
  NomosTape       tape;
  NomosTensor    *w;
  void           *slope;
  double         *x, *y, loss;
  NomosMlp        mlp;
  NomosGraph      graph;
  NomosGraphNetwork graph_network;
  NomosFno          fno;
  NomosConfig       config;
  NomosEmulator     emulator;
  NomosUNet         unet;
  TrainingParticles particles;
  double            known; /* loss at Golden weights */
};

static double *Numbers(size_t n, double phase)
{
  double *x = malloc((n + 1) * sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = sin(phase + 1.7 * (double)i + 0.3 * sin(0.01 * (double)i));
  return x;
}

/* ---- MLP 3-64-64-64-1, GELU, mean squared error */

static PetscErrorCode CreateMlp(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(NomosMlpCreate(c->parameters, "mlp", &(NomosMlpInput){.n_hidden = 3, .in = 3, .width = 64, .out = 1, .activation = NOMOS_GELU}, &c->mlp));
  c->x             = Numbers(3 * c->rows, 0);
  c->y             = Numbers(c->rows, 1);
  c->flops_per_row = 2. * (3 * 64 + 2 * 64 * 64 + 64);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Finish(Case *c, NomosTensor loss)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTensorGetScalar(loss, &c->loss));
  PetscCall(NomosParametersGradient(c->parameters, loss, c->w, c->slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientMlp(Case *c)
{
  PetscFunctionBeginUser;
  const NomosTensor x = NomosTensorFromDoubles(c->tape, c->type, 2, (size_t[]){c->rows, 3}, c->x), y = NomosTensorFromDoubles(c->tape, c->type, 2, (size_t[]){c->rows, 1}, c->y);
  PetscCall(Finish(c, NomosMeanAll(NomosPower(NomosSubtract(NomosMlpApply(&c->mlp, c->w, x), y), 2))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- graph networks as GNS: `channels` layers of message passing of width shape[1] on `rows` nodes, each with so many edges */

static size_t EdgesPerNode(const Case *c)
{
  return c->shape[0] / c->rows;
}

static PetscErrorCode CreateGraph(Case *c)
{
  const size_t n_edges = c->shape[0], width = c->shape[1], each = EdgesPerNode(c);
  int32_t     *sender = malloc(n_edges * sizeof *sender), *receiver = malloc(n_edges * sizeof *receiver);

  PetscFunctionBeginUser;
  for (size_t e = 0; e < n_edges; e++) {
    sender[e]   = (int32_t)((7919 * e + 13) % c->rows);
    receiver[e] = (int32_t)(c->sorted ? e / each : (104729 * e + e / c->rows) % c->rows);
  }
  PetscCall(NomosGraphCreate(c->rows, n_edges, sender, receiver, &c->graph));
  free(sender);
  free(receiver);
  PetscCall(NomosGraphNetworkCreate(c->parameters, "graph", &(NomosGraphNetworkInput){.node_in = 30, .edge_in = 3, .out = 3, .width = width, .n_hidden = 2, .n_layers = c->channels, .activation = NOMOS_RELU}, &c->graph_network));
  c->x             = Numbers(30 * c->rows + 3 * n_edges, 0);
  c->y             = Numbers(3 * c->rows, 1);
  c->flops_per_row = (double)c->channels * 2. * ((double)each * (3 + 2) + 2 + 2) * (double)(width * width);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientGraph(Case *c)
{
  const size_t n_edges = c->shape[0];

  PetscFunctionBeginUser;
  const NomosTensor nodes = NomosTensorFromDoubles(c->tape, c->type, 2, (size_t[]){c->rows, 30}, c->x), edges = NomosTensorFromDoubles(c->tape, c->type, 2, (size_t[]){n_edges, 3}, c->x + 30 * c->rows);
  const NomosTensor y = NomosTensorFromDoubles(c->tape, c->type, 2, (size_t[]){c->rows, 3}, c->y);
  PetscCall(Finish(c, NomosMeanAll(NomosPower(NomosSubtract(NomosGraphNetworkApply(&c->graph_network, c->w, c->graph, nodes, edges), y), 2))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- second-order meta-gradient of a Hamiltonian network: 3 x 64 mish, log-cosh, 10 tasks of 50 + 50 points in four coordinates, one inner step of rate 0.1 */

enum { TASKS = 10, POINTS = 50 };

static PetscErrorCode CreateMeta(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(NomosMlpCreate(c->parameters, "hamiltonian", &(NomosMlpInput){.n_hidden = 3, .in = 4, .width = 64, .out = 1, .activation = NOMOS_MISH, .no_last_bias = true}, &c->mlp));
  c->x             = Numbers(2 * TASKS * POINTS * 4, 0);
  c->y             = Numbers(2 * TASKS * POINTS * 4, 1);
  c->flops_per_row = 23.7 / 6 * 2. * (4 * 64 + 2 * 64 * 64 + 64); /* a step is 23.7 forward passes of half the rows (tests/test_hamiltonian.c) */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mean logcosh(J grad H - dx/dt), summed over tasks. */
static PetscErrorCode HamiltonianLoss(Case *c, const NomosTensor w[], const double *x_entries, const double *y_entries, NomosTensor *loss)
{
  const size_t shape[3] = {TASKS, POINTS, 4};
  NomosTensor  x = NomosTensorFromDoubles(c->tape, c->type, 3, shape, x_entries), y = NomosTensorFromDoubles(c->tape, c->type, 3, shape, y_entries), slope;

  PetscFunctionBeginUser;
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosMlpApply(&c->mlp, w, x)), .n = 1, .x = &x, .record = true}, &slope));
  slope = NomosConcatenate(2, (NomosTensor[]){NomosSlice(slope, -1, 2, 2, 1), NomosAffine(NomosSlice(slope, -1, 0, 2, 1), -1, 0)}, -1);
  *loss = NomosAffine(NomosSumAll(NomosFunction(NOMOS_LOGCOSH, 0, NomosSubtract(slope, y))), 1. / (4 * POINTS), 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientMeta(Case *c)
{
  const size_t n = NomosParametersTrained(c->parameters), half = TASKS * POINTS * 4;
  NomosTensor  trained[16], fast[16], w_bar[16], loss;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) { /* weights with a task axis */
    const size_t *shape;
    size_t        with_tasks[NOMOS_TENSOR_MAX_DIMS] = {TASKS};
    const int     n_dims = NomosTensorDims(c->w[i], &shape);
    for (int d = 0; d < n_dims; d++) with_tasks[d + 1] = shape[d];
    trained[i] = NomosBroadcast(c->w[i], n_dims + 1, with_tasks);
  }
  (void)NomosTapeSetFusing(c->tape, false);
  PetscCall(HamiltonianLoss(c, trained, c->x, c->y, &loss)); /* support: gradient by task */
  PetscCall(NomosGradient(&(NomosGradientInput){.y = loss, .n = n, .x = trained, .record = true}, w_bar));
  for (size_t i = 0; i < n; i++) fast[i] = NomosSubtract(trained[i], NomosAffine(w_bar[i], 0.1, 0));
  PetscCall(HamiltonianLoss(c, fast, c->x + half, c->y + half, &loss));
  PetscCall(Finish(c, NomosAffine(loss, 1. / TASKS, 0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- operators in PDEBench's sizes; inputs [rows, channels, points..] */

static size_t Entries(const Case *c)
{
  return c->rows * c->channels * (c->n_space == 2 ? c->points * c->points : c->points);
}

static NomosTensor Image(Case *c, const double *entries)
{
  return NomosTensorFromDoubles(c->tape, c->type, 2 + c->n_space, (size_t[]){c->rows, c->channels, c->points, c->points}, entries);
}

static PetscErrorCode CreateFno(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFnoCreate(c->parameters, "fno", &(NomosFnoInput){.n_space = c->n_space, .in = c->channels, .out = c->channels, .width = 20, .modes = 12, .n_layers = 4, .read_width = 128, .activation = NOMOS_GELU, .coordinates = true, .pad = 2, .one_sided = true}, &c->fno));
  const double points = pow((double)c->points, c->n_space), padded = pow((double)c->points + 2, c->n_space), modes = c->n_space == 2 ? 2 * 12 * 12 : 12;
  c->x             = Numbers(Entries(c), 0);
  c->y             = Numbers(Entries(c), 1);
  c->flops_per_row = 2 * (points * (20. * (double)(c->channels + (size_t)c->n_space) + 20. * 128 + 128. * (double)c->channels) + 4 * (20. * 20 * padded + 4 * 20. * 20 * modes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientFno(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(Finish(c, NomosMeanAll(NomosPower(NomosSubtract(NomosFnoApply(&c->fno, c->w, Image(c, c->x), (NomosTensor){0}), Image(c, c->y)), 2))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- FNO + CAPE as published (doi:10.48550/arXiv.2304.14118), of the papers' sizes; the loss has the auxiliary prediction, too */

static size_t NParameters(const Case *c)
{
  return c->n_space == 1 ? 1 : 3;
}

static PetscErrorCode CreateCape(Case *c)
{
  static const char *const settings[] = {"neural_operator.network=fno", "neural_operator.conditioning=cape", "fno.width=20", "fno.modes=12", "fno.coordinates=true", "fno.pad=2", "fno.one_sided=true"};
  const NomosEmulatorShape shape = {.n_space = c->n_space, .points = {c->points, c->points}, .periodic = true, .n_fields = c->channels, .n_parameters = NParameters(c)};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &c->config));
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) PetscCall(NomosConfigSet(c->config, settings[i]));
  PetscCall(NomosConfigRegister(c->config, nomos_n_emulator_params, nomos_emulator_params));
  PetscCall(NomosEmulatorDeclare(c->config));
  PetscCall(NomosConfigCheck(c->config));
  PetscCall(NomosEmulatorCreate(c->config, c->parameters, &shape, &c->emulator));
  c->x = Numbers(Entries(c) + NParameters(c) * c->rows, 0);
  c->y = Numbers(Entries(c), 1);
  for (size_t i = 0; i < NParameters(c) * c->rows; i++) c->x[Entries(c) + i] = fabs(c->x[Entries(c) + i]);
  /* FNO as above, with 2 C channels in and out, and CAPE: 5 taps, half of 64 channels, four paths, means over 4 points. */
  const double points = pow((double)c->points, c->n_space), padded = pow((double)c->points + 2, c->n_space), channels = 2 * (double)c->channels, taps = pow(5, c->n_space), side = (double)c->points / 8 + 1;
  const double modes = c->n_space == 2 ? 2 * 12 * 12 : 12, cape_modes = c->n_space == 2 ? 16 * side : fmin(16, side);
  c->flops_per_row = 2 * (points * (20 * (channels + c->n_space) + 20. * 128 + 128 * channels + channels * channels / 2) + 4 * (20. * 20 * padded + 4 * 20. * 20 * modes) + points * (taps * channels / 2 * 32 + 2 * 32 * 64 + taps * 64 + 64 * channels / 2) + 4 * 32. * 64 * cape_modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Both predictions, one behind the other; x: the state, the parameters of the equation, the weights. */
static NomosTensor CapeStep(NomosTape tape, const NomosTensor x[], void *ctx)
{
  NomosTensor both[2];

  (void)tape;
  both[0] = NomosEmulatorStep(((Case *)ctx)->emulator, x + 2, &(NomosEmulatorStepInput){.u = x[0], .lambda = x[1]}, &both[1]);
  return NomosConcatenate(2, both, 1);
}

static PetscErrorCode GradientCape(Case *c)
{
  const size_t n_w = NomosParametersCount(c->parameters);
  NomosTensor *x   = calloc(2 + n_w, sizeof *x), y = Image(c, c->y);

  PetscFunctionBeginUser;
  x[0] = Image(c, c->x);
  x[1] = NomosTensorFromDoubles(c->tape, c->type, 2, (size_t[]){c->rows, NParameters(c)}, c->x + Entries(c));
  memcpy(x + 2, c->w, n_w * sizeof *x);
  const NomosTensor both = c->recompute ? NomosRecompute(CapeStep, c, 2 + n_w, x) : CapeStep(c->tape, x, c), next = NomosSlice(both, 1, 0, c->channels, 1), auxiliary = NomosSlice(both, 1, c->channels, c->channels, 1);
  free(x);
  PetscCall(Finish(c, NomosAdd(NomosMeanAll(NomosPower(NomosSubtract(next, y), 2)), NomosAffine(NomosMeanAll(NomosPower(NomosSubtract(auxiliary, y), 2)), 5.7e-5, 0))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateUNet(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(NomosUNetCreate(c->parameters, "unet", &(NomosUNetInput){.n_space = c->n_space, .in = c->channels, .out = c->channels, .width = 32}, &c->unet));
  double points = pow((double)c->points, c->n_space), before = (double)c->channels;
  c->x          = Numbers(Entries(c), 0);
  c->y          = Numbers(Entries(c), 1);
  for (int level = 0; level <= 4; level++, points /= pow(2, c->n_space)) { /* two convolutions down, one doubling and two up, at every level but the bottom */
    const double f = 32 * pow(2, level), taps = pow(3, c->n_space);
    c->flops_per_row += 2 * points * taps * (before * f + f * f);
    if (level < 4) c->flops_per_row += 2 * points * (2 * f * f + taps * (2 * f * f + f * f));
    before = f;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientUNet(Case *c)
{
  NomosBatchStatistics statistics = {0};

  PetscFunctionBeginUser;
  PetscCall(Finish(c, NomosMeanAll(NomosPower(NomosSubtract(NomosUNetApply(&c->unet, c->w, Image(c, c->x), (NomosTensor){0}, &statistics), Image(c, c->y)), 2))));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- networks of particles */

static PetscErrorCode CreateParticles(Case *c)
{
  PetscFunctionBeginUser;
  c->rows = 1;
  PetscCall(TrainingParticlesCreate(c->parameters, c->network, c->channels, c->points, &c->particles));
  c->flops_per_row = c->particles.flops;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GradientParticles(Case *c)
{
  PetscFunctionBeginUser;
  PetscCall(Finish(c, TrainingParticlesLoss(&c->particles, c->w, c->tape)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static Case cases[] = {
  {.name = "mlp_f32_1k", .shape = {1000, 64, 64}, .type = NOMOS_F32, .rows = 1000, .create = CreateMlp, .gradient = GradientMlp},
  {.name = "mlp_f32_10k", .shape = {10000, 64, 64}, .type = NOMOS_F32, .rows = 10000, .create = CreateMlp, .gradient = GradientMlp},
  {.name = "mlp_f64_1k", .shape = {1000, 64, 64}, .type = NOMOS_F64, .rows = 1000, .create = CreateMlp, .gradient = GradientMlp},
  {.name = "mlp_f64_10k", .shape = {10000, 64, 64}, .type = NOMOS_F64, .rows = 10000, .create = CreateMlp, .gradient = GradientMlp},
  {.name = "graph_f32", .shape = {10000, 128, 128}, .type = NOMOS_F32, .rows = 1000, .channels = 10, .create = CreateGraph, .gradient = GradientGraph},
  {.name = "gns10_64_f32", .shape = {8400, 64, 64}, .type = NOMOS_F32, .rows = 600, .channels = 10, .sorted = true, .create = CreateGraph, .gradient = GradientGraph},
  {.name = "gns4_64_f32", .shape = {8400, 64, 64}, .type = NOMOS_F32, .rows = 600, .channels = 4, .sorted = true, .create = CreateGraph, .gradient = GradientGraph},
  {.name = "gns10_32_f32", .shape = {8400, 32, 32}, .type = NOMOS_F32, .rows = 600, .channels = 10, .sorted = true, .create = CreateGraph, .gradient = GradientGraph},
  {.name = "gns4_32_f32", .shape = {8400, 32, 32}, .type = NOMOS_F32, .rows = 600, .channels = 4, .sorted = true, .create = CreateGraph, .gradient = GradientGraph},
  {.name = "fno1d_f32", .shape = {128, 6400, 20}, .type = NOMOS_F32, .rows = 50, .n_space = 1, .points = 128, .channels = 1, .create = CreateFno, .gradient = GradientFno},
  {.name = "fno2d_f32", .shape = {128, 32768, 20}, .type = NOMOS_F32, .rows = 8, .n_space = 2, .points = 64, .channels = 4, .create = CreateFno, .gradient = GradientFno},
  {.name = "cape1d_f32", .shape = {128, 6400, 20}, .type = NOMOS_F32, .rows = 50, .n_space = 1, .points = 128, .channels = 1, .create = CreateCape, .gradient = GradientCape},
  {.name = "cape2d_f32", .shape = {128, 32768, 20}, .type = NOMOS_F32, .rows = 8, .n_space = 2, .points = 64, .channels = 4, .create = CreateCape, .gradient = GradientCape},
  {.name = "cape1d_again_f32", .shape = {128, 6400, 20}, .type = NOMOS_F32, .rows = 50, .n_space = 1, .points = 128, .channels = 1, .recompute = true, .create = CreateCape, .gradient = GradientCape},
  {.name = "cape1d_small_f32", .shape = {128, 1024, 20}, .type = NOMOS_F32, .rows = 16, .n_space = 1, .points = 64, .channels = 1, .create = CreateCape, .gradient = GradientCape},
  {.name = "unet1d_f32", .shape = {128, 1600, 384}, .type = NOMOS_F32, .rows = 50, .n_space = 1, .points = 128, .channels = 1, .create = CreateUNet, .gradient = GradientUNet},
  {.name = "unet2d_f32", .shape = {64, 8192, 576}, .type = NOMOS_F32, .rows = 8, .n_space = 2, .points = 64, .channels = 4, .create = CreateUNet, .gradient = GradientUNet},
  {.name = "giorom_f32", .shape = {9574, 64, 64}, .type = NOMOS_F32, .network = "giorom", .channels = 2, .points = 300, .create = CreateParticles, .gradient = GradientParticles},
  {.name = "giorom_shared_f32", .shape = {9574, 64, 64}, .type = NOMOS_F32, .network = "giorom", .channels = 2, .points = 300, .create = CreateParticles, .gradient = GradientParticles},
  {.name = "giorom_1k_f32", .shape = {17134, 64, 64}, .type = NOMOS_F32, .network = "giorom", .channels = 1, .points = 1000, .create = CreateParticles, .gradient = GradientParticles},
  {.name = "neural_mpm_f32", .shape = {32, 2048, 288}, .type = NOMOS_F32, .network = "neural_mpm", .channels = 2, .points = 300, .create = CreateParticles, .gradient = GradientParticles},
  {.name = "meta_hnn_f32", .shape = {500, 64, 64}, .type = NOMOS_F32, .rows = 2 * TASKS * POINTS, .create = CreateMeta, .gradient = GradientMeta},
};

/* Gflop/s of OpenBLAS, which shares the product out to its own threads. */
static double Blas(const Case *c)
{
  const size_t m = c->shape[0], n = c->shape[1], k = c->shape[2];
  double      *a = Numbers(m * k, 0), *b = Numbers(k * n, 1), *y = Numbers(m * n, 2), best = 1e9; /* as numbers of either type */

  openblas_set_num_threads(omp_get_max_threads());
  if (c->type == NOMOS_F32) {
    for (size_t i = 0; i < m * k; i++) ((float *)a)[i] = 1;
    for (size_t i = 0; i < k * n; i++) ((float *)b)[i] = 1;
  }
  for (int repeat = 0; repeat < 20; repeat++) {
    const double begin = Now();
    if (c->type == NOMOS_F32) cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, (float *)a, (int)k, (float *)b, (int)n, 0, (float *)y, (int)n);
    else cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)n, 0, y, (int)n);
    best = PetscMin(best, Now() - begin);
  }
  openblas_set_num_threads(1);
  free(a);
  free(b);
  free(y);
  return 2e-9 * (double)m * (double)n * (double)k / best;
}

/* First weights 0.4 Golden(k), and the loss at them. */
static PetscErrorCode KnownWeights(Case *c)
{
  const size_t n = NomosParametersSize(c->parameters);
  void        *values;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(c->parameters, &values));
  for (size_t k = 0; k < n; k++) ((float *)values)[k] = (float)(0.4 * Golden(k));
  PetscCall(NomosParametersBind(c->parameters, c->tape, c->w));
  PetscCall(c->gradient(c));
  c->known = c->loss;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(Case *c)
{
  PetscFunctionBeginUser;
  if (c->parameters) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosParametersCreate(c->type, &c->parameters));
  PetscCall(c->create(c));
  PetscCall(NomosParametersInitialise(c->parameters, 1));
  PetscCall(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "adam", .type = c->type, .n = NomosParametersSize(c->parameters), .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}, &c->optimiser));
  PetscCall(NomosTapeCreate(&c->tape));
  c->w     = calloc(NomosParametersCount(c->parameters), sizeof *c->w);
  c->slope = calloc(NomosParametersSize(c->parameters), sizeof(double));
  if (c->network) PetscCall(KnownWeights(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Step(Case *c)
{
  void *values;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(c->tape));
  PetscCall(NomosParametersBind(c->parameters, c->tape, c->w));
  PetscCall(c->gradient(c));
  PetscCall(NomosParametersEdit(c->parameters, &values));
  PetscCall(NomosOptimiserStep(c->optimiser, 1e-3, c->slope, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  char name[64];
  int  steps;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  while (scanf("%63s %d", name, &steps) == 2) {
    Case *c = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
      if (!strcmp(cases[i].name, name)) c = &cases[i];
    if (!c) {
      printf("unknown\n");
      fflush(stdout);
      continue;
    }
    PetscCall(Prepare(c));
    const double begin = Now();
    for (int i = 0; i < steps; i++) PetscCall(Step(c));
    if (steps) printf("%.9g %.9g\n", 1e3 * (Now() - begin) / steps, c->loss);
    else printf("%zu %.9g %.9g %.9g\n", NomosParametersSize(c->parameters), 3 * c->flops_per_row * (double)c->rows, Blas(c), c->known);
    fflush(stdout);
  }
  PetscCall(PetscFinalize());
  return 0;
}
