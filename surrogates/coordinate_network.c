/* A field as a function of position, f(x, y) = network([x, y]) or network(random Fourier features of x, y): several such networks are fitted to the same snapshot side by side, so that
   their spectra can be compared. A plain network learns long waves first and short ones hardly ever (spectral bias); random features of frequency sigma move that limit.

     loss = sum over the networks of mean (f(x_i) - q_i)^2/var(q)      over points x_i of the snapshot, in units of its mean and deviation

   Tancik et al. (2020), doi:10.48550/arXiv.2006.10739; Rahaman et al. (2019), doi:10.48550/arXiv.1806.08734. */
#include "surrogates/surrogate.h"

#include "operators/fft_plan.h"
#include "surrogates/modules/fourier_features.h"
#include "surrogates/modules/mlp.h"
#include "surrogates/normalisation.h"

#include <fftw3.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NETWORKS = 8, MAX_LABEL = 32, PIECE = 16384 };

typedef struct {
  double               sigma; /* 0: plain */
  char                 label[MAX_LABEL];
  NomosFourierFeatures features;
  NomosMlp             mlp;
} Network;

typedef struct {
  NomosDatasetVariable variable;
  size_t               n_networks, ny, nx, n_points;
  Network              networks[MAX_NETWORKS];
  NomosNormalisation   normalisation;
  double              *truth; /* (ny, nx) */
  double               mean, deviation;
  size_t              *points; /* (n_points) shuffled: the first ones are for training, then come those for validation and test */
} Coordinate;

/* clang-format off */
static const NomosParam params[] = {
  {"coordinate_network.variable",     NOMOS_PARAM_STRING,    "q",       NULL, 0, 0,       NULL, false, "The field of the data to fit, over (y, x) or (layer, y, x)."},
  {"coordinate_network.layer",        NOMOS_PARAM_INT,       "1",       NULL, 1, 1000,    NULL, false, "Its layer, from 1."},
  {"coordinate_network.frame",        NOMOS_PARAM_INT,       "-1",      NULL, -1, 1e9,    NULL, false, "Its frame, from 0; -1: the last one."},
  {"coordinate_network.points",       NOMOS_PARAM_REAL,      "1",       NULL, DBL_MIN, 1, NULL, false, "Fraction of the grid points that the networks are fitted to, drawn at random; the others serve for validation and test."},
  {"coordinate_network.sigma",        NOMOS_PARAM_REAL_LIST, "[0, 10]", NULL, 0, 1e6,     NULL, false, "A network for each entry: standard deviation of its random frequencies in waves per domain; 0: a plain network of the coordinates."},
  {"coordinate_network.n_features",   NOMOS_PARAM_INT,       "128",     NULL, 1, 1e6,     NULL, false, "Random frequencies of a network (each gives a cosine and a sine)."},
  {"coordinate_network.layers",       NOMOS_PARAM_INT,       "3",       NULL, 1, 30,      NULL, false, "Hidden layers of a network."},
  {"coordinate_network.width",        NOMOS_PARAM_INT,       "128",     NULL, 1, 65536,   NULL, false, "Width of a hidden layer."},
  {"coordinate_network.activation",   NOMOS_PARAM_CHOICE,    "relu",    NULL, 0, 0, "relu|gelu|tanh|silu|sin", false, "Activation of the hidden layers."},
};
/* clang-format on */

static PetscErrorCode Data(NomosSurrogate s, NomosDatasetInput *input)
{
  Coordinate *c;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&c));
  s->context = c;
  PetscCall(NomosConfigGetString(s->config, "coordinate_network.variable", &c->variable.name));
  input->n_variables = 1;
  input->variables   = &c->variable;
  input->frames      = true;
  input->window      = 1;
  input->validation = input->test = 0; /* points are held back, not trajectories */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The snapshot: one layer of one frame of the first trajectory. */
static PetscErrorCode ReadTruth(NomosSurrogate s)
{
  Coordinate   *c = s->context;
  const size_t *shape;
  size_t        example, first = 0, n_frames = 0;
  int64_t       layer, frame;
  int           n_axes;
  double       *row;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(s->config, "coordinate_network.layer", &layer));
  PetscCall(NomosConfigGetInt(s->config, "coordinate_network.frame", &frame));
  PetscCall(NomosDatasetRowShape(s->data, 0, &n_axes, &shape));
  NomosCheck(n_axes == 2 || n_axes == 3, s->comm, PETSC_ERR_ARG_WRONG, "%s: %s has rows of %d axes; it must lie over (y, x) or (layer, y, x)", NomosConfigWhere(s->config, "coordinate_network.variable"), c->variable.name, n_axes);
  const size_t n_layers = n_axes == 3 ? shape[0] : 1;
  NomosCheck((size_t)layer <= n_layers, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: coordinate_network.layer = %lld: %s has %zu", NomosConfigWhere(s->config, "coordinate_network.layer"), (long long)layer, c->variable.name, n_layers);
  c->ny       = shape[n_axes - 2];
  c->nx       = shape[n_axes - 1];
  c->n_points = c->ny * c->nx;
  for (size_t e = 0; e < NomosDatasetExamples(s->data, NOMOS_SPLIT_TRAIN); e++) {
    size_t trajectory;
    PetscCall(NomosDatasetOrigin(s->data, NOMOS_SPLIT_TRAIN, e, &trajectory, NULL, NULL));
    if (!e) first = trajectory;
    n_frames += trajectory == first;
  }
  NomosCheck(frame < (int64_t)n_frames, s->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: coordinate_network.frame = %lld: the data have %zu frames", NomosConfigWhere(s->config, "coordinate_network.frame"), (long long)frame, n_frames);
  example = frame < 0 ? n_frames - 1 : (size_t)frame;
  PetscCall(PetscMalloc2(c->n_points, &c->truth, c->n_points, &c->points));
  PetscCall(PetscMalloc1(n_layers * c->n_points, &row));
  PetscCall(NomosDatasetRead(s->data, 0, NOMOS_SPLIT_TRAIN, 1, &example, row));
  PetscCall(PetscArraycpy(c->truth, row + (size_t)(layer - 1) * c->n_points, c->n_points));
  PetscCall(PetscFree(row));
  for (size_t i = 0; i < c->n_points; i++) c->mean += c->truth[i] / (double)c->n_points;
  for (size_t i = 0; i < c->n_points; i++) c->deviation += (c->truth[i] - c->mean) * (c->truth[i] - c->mean) / (double)c->n_points;
  c->deviation = sqrt(c->deviation);
  NomosCheck(c->deviation > 0, s->comm, PETSC_ERR_ARG_WRONG, "%s: %s is constant in this frame: there is nothing to fit", NomosConfigWhere(s->config, "coordinate_network.variable"), c->variable.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(NomosSurrogate s)
{
  Coordinate   *c = s->context;
  const char   *activation;
  const double *sigma;
  int64_t       n_features, layers, width;
  double        fraction;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(ReadTruth(s));
  PetscCall(NomosConfigGetReals(s->config, "coordinate_network.sigma", &n, &sigma));
  PetscCall(NomosConfigGetInt(s->config, "coordinate_network.n_features", &n_features));
  PetscCall(NomosConfigGetInt(s->config, "coordinate_network.layers", &layers));
  PetscCall(NomosConfigGetInt(s->config, "coordinate_network.width", &width));
  PetscCall(NomosConfigGetReal(s->config, "coordinate_network.points", &fraction));
  PetscCall(NomosConfigGetString(s->config, "coordinate_network.activation", &activation));
  NomosCheck(n && n <= MAX_NETWORKS, s->comm, PETSC_ERR_ARG_SIZ, "%s: coordinate_network.sigma has %zu entries; 1 to %d networks are possible", NomosConfigWhere(s->config, "coordinate_network.sigma"), n, MAX_NETWORKS);
  c->n_networks = n;
  PetscCall(NomosNormalisationCreate(s->parameters, "field", 1, &c->normalisation));
  for (size_t i = 0; i < n; i++) {
    Network *network = &c->networks[i];
    network->sigma   = sigma[i];
    if (sigma[i] > 0) snprintf(network->label, sizeof network->label, "sigma_%g", sigma[i]);
    else snprintf(network->label, sizeof network->label, "plain");
    for (char *at = network->label; *at; at++)
      if (*at == '.') *at = '_'; /* a dot would divide the tensor's name */
    for (size_t k = 0; k < i; k++) NomosCheck(strcmp(network->label, c->networks[k].label), s->comm, PETSC_ERR_ARG_WRONG, "%s: coordinate_network.sigma has %g twice", NomosConfigWhere(s->config, "coordinate_network.sigma"), sigma[i]);
    char name[2 * MAX_LABEL];
    snprintf(name, sizeof name, "%s.features", network->label);
    if (sigma[i] > 0) PetscCall(NomosFourierFeaturesCreate(s->parameters, name, &(NomosFourierFeaturesInput){.in = 2, .n = (size_t)n_features, .sigma = sigma[i]}, &network->features));
    PetscCall(NomosMlpCreate(s->parameters, network->label, &(NomosMlpInput){.n_hidden = (size_t)layers, .in = sigma[i] > 0 ? 2 * (size_t)n_features : 2, .width = (size_t)width, .out = 1, .activation = NomosFunctionFind(activation), .rule = NOMOS_RULE_DEFAULT}, &network->mlp));
  }
  NomosPermutation(s->seed, -1, c->n_points, c->points);
  s->n_examples[NOMOS_SPLIT_TRAIN]      = PetscMax(1, (size_t)floor(fraction * (double)c->n_points + 0.5));
  s->n_examples[NOMOS_SPLIT_VALIDATION] = (c->n_points - s->n_examples[NOMOS_SPLIT_TRAIN]) / 2;
  s->n_examples[NOMOS_SPLIT_TEST]       = c->n_points - s->n_examples[NOMOS_SPLIT_TRAIN] - s->n_examples[NOMOS_SPLIT_VALIDATION];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosSurrogate s)
{
  Coordinate *c = s->context;

  PetscFunctionBeginUser;
  if (c) PetscCall(PetscFree2(c->truth, c->points));
  PetscCall(PetscFree(s->context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(NomosSurrogate s)
{
  const Coordinate *c = s->context;

  PetscFunctionBeginUser;
  PetscCall(NomosNormalisationSet(&c->normalisation, s->parameters, &c->mean, &c->deviation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A network at points of the grid, in units of the normalisation; coordinates in [-1, 1) for a plain one, in [0, 1) for the features. */
static NomosTensor Apply(const Coordinate *c, const Network *network, const NomosTensor w[], NomosTape tape, NomosRealType type, size_t n, const size_t points[], double *scratch)
{
  for (size_t i = 0; i < n; i++) {
    const double x = ((double)(points[i] % c->nx) + 0.5) / (double)c->nx, y = ((double)(points[i] / c->nx) + 0.5) / (double)c->ny;
    scratch[2 * i]     = network->sigma > 0 ? x : 2 * x - 1;
    scratch[2 * i + 1] = network->sigma > 0 ? y : 2 * y - 1;
  }
  NomosTensor x = NomosTensorFromDoubles(tape, type, 2, (size_t[]){n, 2}, scratch);
  return NomosMlpApply(&network->mlp, w, network->sigma > 0 ? NomosFourierFeaturesApply(&network->features, w, x) : x);
}

static size_t FirstPoint(const NomosSurrogate s, NomosSplit split)
{
  size_t first = 0;

  for (int i = 0; i < (int)split; i++) first += s->n_examples[i];
  return first;
}

static PetscErrorCode Loss(NomosSurrogate s, const NomosBatch *batch, NomosTape tape, const NomosTensor w[], NomosTensor *loss)
{
  const Coordinate   *c     = s->context;
  const NomosRealType type  = NomosParametersType(s->parameters);
  const size_t        first = FirstPoint(s, batch->split);
  double             *x, *y;
  size_t             *points;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(2 * batch->n, &x, batch->n, &y, batch->n, &points));
  for (size_t i = 0; i < batch->n; i++) {
    points[i] = c->points[first + batch->examples[i]];
    y[i]      = c->truth[points[i]];
  }
  NomosTensor truth = NomosNormalisationApply(&c->normalisation, w, NomosTensorFromDoubles(tape, type, 2, (size_t[]){batch->n, 1}, y), -1);
  for (size_t k = 0; k < c->n_networks; k++) {
    const NomosTensor error = NomosSubtract(Apply(c, &c->networks[k], w, tape, type, batch->n, points, x), truth), term = NomosMeanAll(NomosMultiply(error, error));
    *loss = k ? NomosAdd(*loss, term) : term;
  }
  PetscCall(PetscFree3(x, y, points));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A network on the whole grid, in the units of the field. */
static PetscErrorCode Reconstruct(NomosSurrogate s, const Network *network, double field[])
{
  const Coordinate   *c    = s->context;
  const NomosRealType type = NomosParametersType(s->parameters);
  const size_t        n_w  = NomosParametersCount(s->parameters);
  NomosTape           tape;
  NomosTensor        *w;
  size_t             *points;
  double             *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n_w, &w, PIECE, &points, 2 * PIECE, &x));
  PetscCall(NomosTapeCreate(&tape));
  NomosTapeSetRecording(tape, false);
  for (size_t first = 0, n; first < c->n_points; first += n) {
    n = PetscMin(PIECE, c->n_points - first);
    for (size_t i = 0; i < n; i++) points[i] = first + i;
    PetscCall(NomosParametersBind(s->parameters, tape, w));
    PetscCall(NomosTensorGetDoubles(NomosNormalisationUndo(&c->normalisation, w, Apply(c, network, w, tape, type, n, points, x), -1), field + first));
    PetscCall(NomosTapeReset(tape));
  }
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(PetscFree3(w, points, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Power in shells floor(|k| + 1/2), k in waves per domain. */
static PetscErrorCode Spectrum(const Coordinate *c, const double field[], size_t n_k, double power[])
{
  const size_t row = c->nx / 2 + 1;
  double      *grid, (*modes)[2];

  PetscFunctionBeginUser;
  NomosFftBegin();
  grid  = fftw_alloc_real(c->n_points);
  modes = fftw_malloc(c->ny * row * sizeof *modes);
  PetscCheck(grid && modes, PETSC_COMM_SELF, PETSC_ERR_MEM, "coordinate_network: out of memory");
  fftw_plan plan = fftw_plan_dft_r2c_2d((int)c->ny, (int)c->nx, grid, (fftw_complex *)modes, FFTW_ESTIMATE);
  PetscCall(PetscArraycpy(grid, field, c->n_points));
  fftw_execute(plan);
  for (size_t k = 0; k < n_k; k++) power[k] = 0;
  for (size_t j = 0; j < c->ny; j++)
    for (size_t i = 0; i < row; i++) {
      const double l = j <= c->ny / 2 ? (double)j : (double)(c->ny - j), k = sqrt((double)(i * i) + l * l), twice = i == 0 || 2 * i == c->nx ? 1 : 2;
      const size_t shell = (size_t)(k + 0.5);
      if (shell < n_k) power[shell] += twice * (modes[j * row + i][0] * modes[j * row + i][0] + modes[j * row + i][1] * modes[j * row + i][1]) / ((double)c->n_points * (double)c->n_points);
    }
  fftw_destroy_plan(plan);
  fftw_free(grid);
  fftw_free(modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* relative_error: of the split's points. resolved_wavenumber, of the whole grid: the last shell below the first in which the error has more than half the power of the truth. */
static PetscErrorCode Evaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  const Coordinate *c   = s->context;
  const size_t      n_k = PetscMin(c->nx, c->ny) / 2, first = FirstPoint(s, split);
  double           *field, *truth, *error;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(c->n_points, &field, n_k, &truth, n_k, &error));
  PetscCall(Spectrum(c, c->truth, n_k, truth));
  for (size_t k = 0; k < c->n_networks; k++) {
    double squares = 0, norm = 0;
    size_t shell   = 1;
    char   name[2 * MAX_LABEL];
    PetscCall(Reconstruct(s, &c->networks[k], field));
    for (size_t i = first; i < first + s->n_examples[split]; i++) {
      const double e = field[c->points[i]] - c->truth[c->points[i]], u = c->truth[c->points[i]] - c->mean;
      squares += e * e;
      norm += u * u;
    }
    snprintf(name, sizeof name, "relative_error_%s", c->networks[k].label);
    PetscCall(result(name, sqrt(squares / norm), ctx));
    for (size_t i = 0; i < c->n_points; i++) field[i] -= c->truth[i];
    PetscCall(Spectrum(c, field, n_k, error));
    while (shell < n_k && error[shell] <= 0.5 * truth[shell]) shell++;
    snprintf(name, sizeof name, "resolved_wavenumber_%s", c->networks[k].label);
    PetscCall(result(name, (double)(shell - 1), ctx));
  }
  PetscCall(PetscFree3(field, truth, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The truth and the fits, their spectra, and the errors beside. */
static PetscErrorCode Pictures(NomosSurrogate s, const char directory[])
{
  const Coordinate *c   = s->context;
  const size_t      n_k = PetscMin(c->nx, c->ny) / 2;
  double           *field, *error, *power, *k, limit = 0, highest = 0;
  char              path[NOMOS_MAX_PATH], title[64];
  NomosFigure       figure;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(c->n_networks * c->n_points, &field, c->n_points, &error, (c->n_networks + 1) * n_k, &power, n_k, &k));
  for (size_t i = 0; i < n_k; i++) k[i] = (double)i;
  for (size_t i = 0; i < c->n_points; i++) limit = fmax(limit, fabs(c->truth[i]));
  PetscCall(Spectrum(c, c->truth, n_k, power));
  for (size_t i = 0; i < c->n_networks; i++) {
    PetscCall(Reconstruct(s, &c->networks[i], field + i * c->n_points));
    PetscCall(Spectrum(c, field + i * c->n_points, n_k, power + (i + 1) * n_k));
  }
  for (size_t i = 1; i < n_k; i++) highest = fmax(highest, power[i]);
  PetscCall(NomosFigureCreate(NULL, 2, (int)c->n_networks + 1, &figure));
  for (size_t i = 0; i <= c->n_networks; i++) {
    if (i && c->networks[i - 1].sigma > 0) snprintf(title, sizeof title, "Fourier features, sigma = %g", c->networks[i - 1].sigma);
    else snprintf(title, sizeof title, i ? "plain network" : "truth");
    PetscCall(NomosFigurePanel(figure, 0, (int)i, &(NomosAxes){.title = title, .x_label = "x", .y_label = "y"}));
    PetscCall(NomosFigureImage(figure, c->ny, c->nx, i ? field + (i - 1) * c->n_points : c->truth, 0, 1, 0, 1, NOMOS_MAP_DIVERGING, -limit, limit, c->variable.name));
    if (!i) continue;
    for (size_t p = 0; p < c->n_points; p++) error[p] = field[(i - 1) * c->n_points + p] - c->truth[p];
    PetscCall(NomosFigurePanel(figure, 1, (int)i, &(NomosAxes){.title = "its error", .x_label = "x", .y_label = "y"}));
    PetscCall(NomosFigureImage(figure, c->ny, c->nx, error, 0, 1, 0, 1, NOMOS_MAP_DIVERGING, -limit, limit, c->variable.name));
  }
  PetscCall(NomosFigurePanel(figure, 1, 0, &(NomosAxes){.title = "spectra", .x_label = "waves per domain", .y_label = "power", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG, .y_min = 1e-6 * highest, .y_max = 3 * highest}));
  for (size_t i = 0; i <= c->n_networks; i++) {
    if (i && c->networks[i - 1].sigma > 0) snprintf(title, sizeof title, "sigma = %g", c->networks[i - 1].sigma);
    else snprintf(title, sizeof title, i ? "plain" : "truth");
    PetscCall(NomosFigureLine(figure, n_k - 1, k + 1, power + i * n_k + 1, title, i ? 0 : 1));
  }
  snprintf(path, sizeof path, "%.4000s/reconstruction", directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(PetscFree4(field, error, power, k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSurrogateOps NomosSurrogateOps_CoordinateNetwork = {
  .name      = "coordinate_network",
  .summary   = "A snapshot of a field as a function of position, by plain networks and by random Fourier features.",
  .reference = "Tancik et al. (2020), doi:10.48550/arXiv.2006.10739",
  .needs     = "coordinate_network.variable: (time, [layer,] y, x) of a run, (trajectory, time, [layer,] y, x) of other files",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .of_training = (const char *const[]){"coordinate_network.variable", "coordinate_network.layer", "coordinate_network.frame", "coordinate_network.points", NULL},
  .data      = Data,
  .create    = Create,
  .destroy   = Destroy,
  .fit       = Fit,
  .loss      = Loss,
  .evaluate  = Evaluate,
  .pictures  = Pictures,
};
