/* A network of position, with an output for each field, each in units of its mean and deviation: so one network holds both times of a pair, as field and increment.

     network            u(x) = mlp(x)                                        x in [-1, 1)^2; long waves are learned first and short ones hardly ever (spectral bias)
     fourier_features   u(x) = mlp([cos(2 pi B x), sin(2 pi B x)])           x in [0, 1)^2; B random, shared by all fields; integers: periodic by construction

   trained on the mean square of errors at the points, by Adam with a cosine and then by TAO's LMVM. Fourier features without hidden layers are a linear problem, solved at once: ridge regression with
   precision (1 + |B|^2)^(slope/2), a Gaussian process whose spectrum is sampled.

   Tancik et al. (2020), doi:10.48550/arXiv.2006.10739; Rahimi & Recht (2007); Mojgani, Chattopadhyay & Hassanzadeh (2024), doi:10.1029/2023MS004033. */
#include "surrogates/interpolation/interpolation.h"

#include "surrogates/dataset.h"
#include "surrogates/interpolation/network_impl.h"
#include "surrogates/learning_rate.h"
#include "surrogates/optimiser.h"

#include <float.h>
#include <math.h>
#include <petsctao.h>
#include <stdio.h>

/* clang-format off */
#define COMMON(name) \
  {"discover." name ".width",         NOMOS_PARAM_INT,  "64",   NULL, 1, 65536,   NULL, false, "Width of a hidden layer."}, \
  {"discover." name ".epochs",        NOMOS_PARAM_INT,  "200",  NULL, 0, 1000000, NULL, false, "Epochs of Adam, whose learning rate falls along a cosine."}, \
  {"discover." name ".batch",         NOMOS_PARAM_INT,  "1024", NULL, 1, 1e9,     NULL, false, "Points in a mini-batch of Adam."}, \
  {"discover." name ".learning_rate", NOMOS_PARAM_REAL, "3e-3", NULL, 0, 1,       NULL, false, "Learning rate of Adam, at its begin."}, \
  {"discover." name ".lmvm",          NOMOS_PARAM_INT,  "200",  NULL, 0, 1000000, NULL, false, "Iterations of LMVM after Adam, on all points."}

static const NomosParam plain_params[] = {
  COMMON("network"),
  {"discover.network.layers",            NOMOS_PARAM_INT,  "3",    NULL, 1, 30, NULL, false, "Hidden layers, with tanh."},
};
static const NomosParam features_params[] = {
  COMMON("fourier_features"),
  {"discover.fourier_features.layers",   NOMOS_PARAM_INT,  "2",    NULL, 0, 30,  NULL, false, "Hidden layers, with tanh; 0: the weights of the features are a linear problem."},
  {"discover.fourier_features.features", NOMOS_PARAM_INT,  "128",  NULL, 1, 20000, NULL, false, "Random frequencies (each gives a cosine and a sine)."},
  {"discover.fourier_features.sigma",    NOMOS_PARAM_REAL, "6.3",  NULL, 0, 1e6, NULL, false, "Standard deviation of a frequency, in waves per side."},
  {"discover.fourier_features.periodic", NOMOS_PARAM_BOOL, "true", NULL, 0, 0,   NULL, false, "Frequencies are whole numbers, different ones, not beyond the grid's."},
  {"discover.fourier_features.slope",    NOMOS_PARAM_REAL, "6",    NULL, 0, 40,  NULL, false, "Without hidden layers: the spectrum of the prior falls like the frequency to the minus this."},
};
/* clang-format on */

/* Whole numbers around 0 with deviation sigma, each pair (and its opposite) once, as long as a few times as many draws give enough. */
static PetscErrorCode DrawWaves(const NomosScatter *s, double sigma, size_t n, double waves[])
{
  const ptrdiff_t most[] = {(ptrdiff_t)(s->nx - 1) / 2, (ptrdiff_t)(s->ny - 1) / 2}, row = 2 * most[0] + 1;
  const uint64_t  stream = NomosRandomStream("interpolation.fourier_features");
  const size_t    draws  = 1000 * n;
  bool           *taken;
  size_t          found = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1((size_t)(row * (2 * most[1] + 1)), &taken));
  for (size_t i = 0; found < n; i++) {
    const ptrdiff_t k[] = {(ptrdiff_t)round(sigma * NomosRandomNormal(s->seed, stream, 2 * i)), (ptrdiff_t)round(sigma * NomosRandomNormal(s->seed, stream, 2 * i + 1))};
    PetscCheck(i < draws, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "discover.fourier_features.features = %zu: only %zu different waves of the grid were found around a sigma of %g; take fewer features, or a larger sigma", n, found, sigma);
    if (PetscAbs(k[0]) > most[0] || PetscAbs(k[1]) > most[1]) continue;
    bool *at[] = {&taken[(k[1] + most[1]) * row + k[0] + most[0]], &taken[(most[1] - k[1]) * row + most[0] - k[0]]};
    if (*at[0]) continue;
    *at[0] = *at[1] = true;
    waves[2 * found]     = (double)k[0];
    waves[2 * found + 1] = (double)k[1];
    found++;
  }
  PetscCall(PetscFree(taken));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean and deviation of every field; what does not vary has deviation 1. */
static void Standardise(const NomosScatter *s, double mean[], double deviation[])
{
  for (size_t f = 0; f < s->n_fields; f++) {
    mean[f] = deviation[f] = 0;
    for (size_t p = 0; p < s->n; p++) mean[f] += s->values[f * s->n + p] / (double)s->n;
    for (size_t p = 0; p < s->n; p++) deviation[f] += (s->values[f * s->n + p] - mean[f]) * (s->values[f * s->n + p] - mean[f]) / (double)s->n;
    deviation[f] = deviation[f] > 0 ? sqrt(deviation[f]) : 1;
  }
}

/* Output [n, n_fields] at places (n, 2) in parts of the sides. */
static NomosTensor Apply(const NomosPositionNetwork *net, size_t n, const double places[])
{
  const NomosTensor x = NomosTensorFromDoubles(net->tape, NOMOS_F64, 2, (size_t[]){n, 2}, places);

  return NomosMlpApply(&net->mlp, net->w, net->sigma > 0 ? NomosFourierFeaturesApply(&net->features, net->w, x) : NomosAffine(x, 2, -1));
}

/* Mean square of errors over n points (numbers of the scatter), and its gradient. */
static PetscErrorCode Loss(NomosPositionNetwork *net, size_t n, const size_t points[], double *loss, double gradient[])
{
  const size_t n_fields = net->scatter->n_fields;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) {
    PetscCall(PetscArraycpy(net->batch_places + 2 * i, net->places + 2 * points[i], 2));
    PetscCall(PetscArraycpy(net->batch_values + n_fields * i, net->values + n_fields * points[i], n_fields));
  }
  PetscCall(NomosTapeReset(net->tape));
  PetscCall(NomosParametersBind(net->parameters, net->tape, net->w));
  const NomosTensor error = NomosSubtract(Apply(net, n, net->batch_places), NomosTensorFromDoubles(net->tape, NOMOS_F64, 2, (size_t[]){n, n_fields}, net->batch_values)), mean = NomosMeanAll(NomosMultiply(error, error));
  PetscCall(NomosTensorGetScalar(mean, loss));
  PetscCall(NomosParametersGradient(net->parameters, mean, net->w, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunAdam(NomosPositionNetwork *net, int64_t epochs, size_t batch, double rate)
{
  const size_t            n = net->scatter->n, n_weights = NomosParametersSize(net->parameters), steps = (n + batch - 1) / batch;
  const NomosLearningRate schedule = {.kind = NOMOS_RATE_COSINE, .rate = rate, .last = 1e-3 * rate, .n_steps = epochs * (int64_t)steps};
  NomosOptimiser          optimiser;
  double                 *gradient, loss;
  void                   *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_weights, &gradient));
  PetscCall(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "adam", .type = NOMOS_F64, .n = n_weights, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}, &optimiser));
  for (int64_t epoch = 0; epoch < epochs; epoch++) {
    NomosPermutation(net->scatter->seed, epoch, n, net->order);
    for (size_t k = 0; k < steps; k++) {
      const size_t first = k * n / steps, end = (k + 1) * n / steps;
      PetscCall(Loss(net, end - first, net->order + first, &loss, gradient));
      PetscCheck(isfinite(loss), PETSC_COMM_SELF, PETSC_ERR_FP, "interpolation: the loss of the network is %g after %lld epochs; take a smaller learning_rate", loss, (long long)epoch);
      PetscCall(NomosParametersEdit(net->parameters, &values));
      PetscCall(NomosOptimiserStep(optimiser, NomosLearningRateAt(&schedule, epoch * (int64_t)steps + (int64_t)k), gradient, values));
    }
  }
  PetscCall(NomosOptimiserDestroy(&optimiser));
  PetscCall(PetscFree(gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ToWeights(NomosPositionNetwork *net, Vec x)
{
  const double *from;
  void         *to;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersEdit(net->parameters, &to));
  PetscCall(VecGetArrayRead(x, &from));
  PetscCall(PetscArraycpy((double *)to, from, NomosParametersSize(net->parameters)));
  PetscCall(VecRestoreArrayRead(x, &from));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Objective(Tao tao, Vec x, PetscReal *loss, Vec gradient, void *ctx)
{
  NomosPositionNetwork *net = ctx;
  double               *to;

  PetscFunctionBeginUser;
  (void)tao;
  PetscCall(ToWeights(net, x));
  PetscCall(VecGetArrayWrite(gradient, &to));
  PetscCall(Loss(net, net->scatter->n, net->order, loss, to));
  PetscCall(VecRestoreArrayWrite(gradient, &to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunLmvm(NomosPositionNetwork *net, int64_t iterations)
{
  const void *values;
  double     *to;
  Tao         tao;
  Vec         x;

  PetscFunctionBeginUser;
  if (!iterations) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t p = 0; p < net->scatter->n; p++) net->order[p] = p;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, (PetscInt)NomosParametersSize(net->parameters), &x));
  PetscCall(NomosParametersValues(net->parameters, &values));
  PetscCall(VecGetArrayWrite(x, &to));
  PetscCall(PetscArraycpy(to, (const double *)values, NomosParametersSize(net->parameters)));
  PetscCall(VecRestoreArrayWrite(x, &to));
  PetscCall(TaoCreate(PETSC_COMM_SELF, &tao));
  PetscCall(TaoSetType(tao, TAOLMVM));
  PetscCall(TaoSetObjectiveAndGradient(tao, NULL, Objective, net));
  PetscCall(TaoSetTolerances(tao, 0, 0, 1e-9));
  PetscCall(TaoSetMaximumIterations(tao, (PetscInt)iterations));
  PetscCall(TaoSetMaximumFunctionEvaluations(tao, (PetscInt)(4 * iterations)));
  PetscCall(TaoSetSolution(tao, x));
  PetscCall(TaoSolve(tao));
  PetscCall(ToWeights(net, x)); /* the line search may have looked beyond */
  PetscCall(TaoDestroy(&tao));
  PetscCall(VecDestroy(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosPositionNetwork *net, size_t n_features, bool periodic, size_t layers, size_t width)
{
  const NomosScatter *s = net->scatter;
  double             *waves;

  PetscFunctionBeginUser;
  PetscCall(NomosParametersCreate(NOMOS_F64, &net->parameters));
  if (net->sigma > 0) PetscCall(NomosFourierFeaturesCreate(net->parameters, "features", &(NomosFourierFeaturesInput){.in = 2, .n = n_features, .sigma = net->sigma}, &net->features));
  PetscCall(NomosMlpCreate(net->parameters, "mlp", &(NomosMlpInput){.n_hidden = layers, .in = net->sigma > 0 ? 2 * n_features : 2, .width = width, .out = s->n_fields, .activation = NOMOS_TANH, .rule = NOMOS_RULE_DEFAULT}, &net->mlp));
  PetscCall(NomosParametersInitialise(net->parameters, s->seed));
  if (net->sigma > 0 && periodic) {
    PetscCall(PetscMalloc1(2 * n_features, &waves));
    PetscCall(DrawWaves(s, net->sigma, n_features, waves));
    PetscCall(NomosParametersSet(net->parameters, net->features.frequencies, waves));
    PetscCall(PetscFree(waves));
  }
  PetscCall(NomosTapeCreate(&net->tape));
  PetscCall(PetscMalloc1(NomosParametersCount(net->parameters), &net->w));
  PetscCall(PetscMalloc5(2 * s->n, &net->places, s->n_fields * s->n, &net->values, 2 * s->n, &net->batch_places, s->n_fields * s->n, &net->batch_values, s->n, &net->order));
  PetscCall(PetscMalloc2(s->n_fields, &net->mean, s->n_fields, &net->deviation));
  Standardise(s, net->mean, net->deviation);
  for (size_t p = 0; p < s->n; p++) {
    net->order[p]          = p;
    net->places[2 * p]     = (s->x[p] - s->x0) / s->lx;
    net->places[2 * p + 1] = (s->y[p] - s->y0) / s->ly;
    for (size_t f = 0; f < s->n_fields; f++) net->values[p * s->n_fields + f] = (s->values[f * s->n + p] - net->mean[f]) / net->deviation[f];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosPositionNetwork *net)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTapeDestroy(&net->tape));
  PetscCall(NomosParametersDestroy(&net->parameters));
  PetscCall(PetscFree(net->w));
  PetscCall(PetscFree5(net->places, net->values, net->batch_places, net->batch_values, net->order));
  PetscCall(PetscFree2(net->mean, net->deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the grid, a row at a time. */
static PetscErrorCode Reconstruct(NomosPositionNetwork *net, double fields[])
{
  const NomosScatter *s = net->scatter;
  double             *places, *row;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(2 * s->nx, &places, s->n_fields * s->nx, &row));
  const bool recording = NomosTapeSetRecording(net->tape, false);
  for (size_t j = 0; j < s->ny; j++) {
    for (size_t i = 0; i < s->nx; i++) {
      places[2 * i]     = (double)i / (double)s->nx;
      places[2 * i + 1] = (double)j / (double)s->ny;
    }
    PetscCall(NomosTapeReset(net->tape));
    PetscCall(NomosParametersBind(net->parameters, net->tape, net->w));
    PetscCall(NomosTensorGetDoubles(Apply(net, s->nx, places), row));
    for (size_t i = 0; i < s->nx; i++)
      for (size_t f = 0; f < s->n_fields; f++) fields[(f * s->ny + j) * s->nx + i] = net->mean[f] + net->deviation[f] * row[i * s->n_fields + f];
  }
  NomosTapeSetRecording(net->tape, recording);
  PetscCall(PetscFree2(places, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers of discover.NAME.KEY. */
static PetscErrorCode GetInt(NomosConfig config, const char name[], const char key[], int64_t *value)
{
  char full[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "discover.%s.%s", name, key);
  PetscCall(NomosConfigGetInt(config, full, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(NomosConfig config, const char name[], NomosPositionNetwork *net, double fields[])
{
  int64_t layers, width, epochs, batch, lmvm, n_features = 0;
  double  rate, slope = 0;
  bool    periodic = false;
  char    key[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(GetInt(config, name, "layers", &layers));
  PetscCall(GetInt(config, name, "width", &width));
  PetscCall(GetInt(config, name, "epochs", &epochs));
  PetscCall(GetInt(config, name, "batch", &batch));
  PetscCall(GetInt(config, name, "lmvm", &lmvm));
  snprintf(key, sizeof key, "discover.%s.learning_rate", name);
  PetscCall(NomosConfigGetReal(config, key, &rate));
  if (net->sigma > 0) {
    PetscCall(NomosConfigGetInt(config, "discover.fourier_features.features", &n_features));
    PetscCall(NomosConfigGetBool(config, "discover.fourier_features.periodic", &periodic));
    PetscCall(NomosConfigGetReal(config, "discover.fourier_features.slope", &slope));
  }
  PetscCall(Create(net, (size_t)n_features, periodic, (size_t)layers, (size_t)width));
  if (layers) {
    PetscCall(RunAdam(net, epochs, (size_t)batch, rate));
    PetscCall(RunLmvm(net, lmvm));
  } else PetscCall(NomosPositionNetworkRidge(net, slope));
  PetscCall(Reconstruct(net, fields));
  PetscCall(Destroy(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolvePlain(NomosConfig config, const NomosScatter *s, double fields[])
{
  PetscFunctionBeginUser;
  PetscCall(Solve(config, "network", &(NomosPositionNetwork){.scatter = s}, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveFeatures(NomosConfig config, const NomosScatter *s, double fields[])
{
  NomosPositionNetwork net = {.scatter = s};

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.fourier_features.sigma", &net.sigma));
  PetscCall(Solve(config, "fourier_features", &net, fields));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosInterpolationOps NomosInterpolationOps_Network = {
  .name      = "network",
  .summary   = "A plain network of position for all fields",
  .reference = "Rahaman et al. 2019, doi:10.48550/arXiv.1806.08734",
  .n_params  = sizeof plain_params / sizeof *plain_params,
  .params    = plain_params,
  .solve     = SolvePlain,
};

const NomosInterpolationOps NomosInterpolationOps_FourierFeatures = {
  .name      = "fourier_features",
  .summary   = "A network of random Fourier features of position for all fields, or their ridge regression",
  .reference = "Tancik et al. 2020, doi:10.48550/arXiv.2006.10739",
  .n_params  = sizeof features_params / sizeof *features_params,
  .params    = features_params,
  .solve     = SolveFeatures,
};
