/* Points and latent grids: pairs and integral operators against loops over all of them, what linear weights keep, derivatives by positions, features and weights. */
#include "surrogates/modules/integral_operator.h"
#include "tests/module_checks.h"

enum { N_POINTS = 23, CHANNELS = 3 };

static const NomosPointGrid grids[] = {{2, {5, 4}, {-0.1, 0}, {1.1, 0.9}}, {3, {4, 3, 5}, {0, -0.2, 0}, {1, 1, 1.2}}};
static const size_t         first[] = {0, 9, 9, N_POINTS}; /* three sets, one of them without points */
enum { N_SETS = 3 };

/* Points in the box of the nodes, but for three that are outside. */
static void Positions(const NomosPointGrid *grid, bool outside, double x[])
{
  for (size_t p = 0; p < N_POINTS; p++)
    for (int a = 0; a < grid->d; a++) x[p * (size_t)grid->d + (size_t)a] = grid->low[a] + (grid->high[a] - grid->low[a]) * NomosRandomUniform(5, (uint64_t)a, p);
  if (!outside) return;
  x[0] = grid->low[0] - 0.15;
  x[(size_t)grid->d] = grid->low[0] - 3;
  x[2 * (size_t)grid->d + 1] = grid->high[1] + 0.1;
}

static void Node(const NomosPointGrid *grid, size_t g, double at[3])
{
  const size_t place[3] = {g % grid->points[0], g / grid->points[0] % grid->points[1], g / grid->points[0] / grid->points[1]};
  for (int a = 0; a < grid->d; a++) at[a] = grid->low[a] + (grid->high[a] - grid->low[a]) * (double)place[a] / (double)(grid->points[a] - 1);
}

static double Distance(int d, const double a[], const double b[])
{
  double sum = 0;
  for (int i = 0; i < d; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(sum);
}

static size_t SetOf(size_t p)
{
  size_t s = 0;
  while (p >= first[s + 1]) s++;
  return s;
}

static double *Doubles(NomosTensor x)
{
  double *values = malloc((NomosTensorSize(x) + 1) * sizeof *values);
  ck_ok(NomosTensorGetDoubles(x, values));
  return values;
}

typedef struct {
  NomosTape       tape;
  NomosParameters parameters;
  NomosTensor     w[MAX_TENSORS];
  double          x[3 * N_POINTS];
  NomosPointSets  sets;
} Fixture;

static void SetUp(Fixture *f, const NomosPointGrid *grid, bool outside)
{
  ck_ok(NomosTapeCreate(&f->tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &f->parameters));
  Positions(grid, outside, f->x);
  f->sets = (NomosPointSets){.n_sets = N_SETS, .first = first, .x = NomosTensorFromDoubles(f->tape, NOMOS_F64, 2, (size_t[]){N_POINTS, (size_t)grid->d}, f->x)};
}

static void TearDown(Fixture *f)
{
  ck_ok(NomosTapeDestroy(&f->tape));
  ck_ok(NomosParametersDestroy(&f->parameters));
}

/* The number of pairs of each point and node is that of all that are near, and offsets say so. */
START_TEST(test_pairs_are_all_that_are_near)
{
  for (int k = 0; k < 2; k++)
    for (int r = 0; r < 3; r++) {
      const NomosPointGrid *grid    = &grids[k];
      const double          radius  = (double[]){0.05, 0.37, 1.6}[r];
      const size_t          d       = (size_t)grid->d, n_nodes = NomosPointGridNodes(grid);
      Fixture               f;
      size_t                n = 0;
      SetUp(&f, grid, true);
      const NomosPointPairs pairs = NomosPointPairsWithin(grid, &f.sets, radius);
      ck_ok(NomosTapeStatus(f.tape));
      double *offset = Doubles(pairs.offset), *points = Doubles(pairs.point_share), *nodes = Doubles(pairs.node_share), *per_node = calloc(N_SETS * n_nodes, sizeof *per_node);
      for (size_t p = 0; p < N_POINTS; p++) {
        double per_point = 0;
        for (size_t g = 0; g < n_nodes; g++) {
          double at[3];
          Node(grid, g, at);
          if (Distance(grid->d, at, f.x + p * d) > radius) continue;
          for (size_t a = 0; a < d; a++) ck_assert_double_eq_tol(offset[n * d + a], (f.x[p * d + a] - at[a]) / radius, 1e-12 / radius);
          per_node[SetOf(p) * n_nodes + g]++;
          per_point++;
          n++;
        }
        ck_assert_double_eq(points[p], per_point > 0 ? 1 / per_point : 0);
      }
      ck_assert_uint_eq(pairs.n, n);
      for (size_t g = 0; g < N_SETS * n_nodes; g++) ck_assert_double_eq(nodes[g], per_node[g] > 0 ? 1 / per_node[g] : 0);
      free(offset);
      free(points);
      free(nodes);
      free(per_node);
      TearDown(&f);
    }
}
END_TEST

/* ---- integral operators */

static const size_t widths[] = {6, 4};

/* A tensor of parameters by name. */
static const double *Weights(NomosParameters parameters, const char name[])
{
  NomosParameter parameter;
  size_t         number;
  ck_ok(NomosParametersFind(parameters, name, &number));
  ck_ok(NomosParametersGet(parameters, number, &parameter));
  return parameter.values;
}

static void Kernel(NomosParameters parameters, size_t n_in, const double in[], double out[CHANNELS])
{
  double values[2][16];
  memcpy(values[0], in, n_in * sizeof *in);
  for (int l = 0; l < 3; l++) {
    char          name[32];
    const size_t  n_out = l < 2 ? widths[l] : CHANNELS;
    double       *from = values[l % 2], *to = values[(l + 1) % 2];
    snprintf(name, sizeof name, "gno.%d.weight", l);
    const double *weight = Weights(parameters, name);
    snprintf(name, sizeof name, "gno.%d.bias", l);
    const double *bias = Weights(parameters, name);
    for (size_t o = 0; o < n_out; o++) {
      double sum = bias[o];
      for (size_t i = 0; i < n_in; i++) sum += weight[o * n_in + i] * from[i];
      to[o] = l < 2 ? 0.5 * sum * (1 + erf(sum / sqrt(2))) : sum;
    }
    n_in = n_out;
  }
  memcpy(out, values[1], CHANNELS * sizeof *out);
}

/* mean over the sources within the radius of a target, from the formula. */
static void MeanOfSources(const Fixture *f, const NomosPointGrid *grid, double radius, bool to_nodes, bool product, bool query, const double v[], double mean[])
{
  const size_t d = (size_t)grid->d, n_nodes = NomosPointGridNodes(grid), n_targets = to_nodes ? N_SETS * n_nodes : N_POINTS;
  for (size_t t = 0; t < n_targets; t++) {
    size_t count = 0;
    for (int c = 0; c < CHANNELS; c++) mean[t * CHANNELS + (size_t)c] = 0;
    for (size_t s = 0; s < (to_nodes ? N_POINTS : N_SETS * n_nodes); s++) {
      const size_t p = to_nodes ? s : t, g = to_nodes ? t : s;
      double       node[3], in[16], kernel[CHANNELS];
      Node(grid, g % n_nodes, node);
      if (SetOf(p) != g / n_nodes || Distance(grid->d, node, f->x + p * d) > radius) continue;
      for (size_t a = 0; a < d; a++) {
        const double point = f->x[p * d + a], source = to_nodes ? point : node[a], target = to_nodes ? node[a] : point;
        in[a] = query ? (target - source) / radius : (source - grid->low[a]) / (grid->high[a] - grid->low[a]);
      }
      for (int c = 0; c < CHANNELS; c++) in[d + (size_t)c] = v[s * CHANNELS + (size_t)c];
      Kernel(f->parameters, d + (product ? 0 : CHANNELS), in, kernel);
      for (int c = 0; c < CHANNELS; c++) mean[t * CHANNELS + (size_t)c] += product ? kernel[c] * v[s * CHANNELS + (size_t)c] : kernel[c];
      count++;
    }
    for (int c = 0; c < CHANNELS; c++) mean[t * CHANNELS + (size_t)c] /= count ? (double)count : 1;
  }
}

START_TEST(test_integral_operators_are_their_formula)
{
  for (int k = 0; k < 2; k++)
    for (int form = 0; form < 8; form++) {
      const NomosPointGrid            *grid  = &grids[k];
      const bool                       to_nodes = form & 1, product = form & 2, query = form & 4;
      const NomosIntegralOperatorInput input = {.d = grid->d, .in = CHANNELS, .out = CHANNELS, .product = product, .query = query, .n_hidden = 2, .widths = widths};
      const double                     radius = 0.33;
      const size_t                     n_nodes = N_SETS * NomosPointGridNodes(grid), n_sources = to_nodes ? N_POINTS : n_nodes, n_targets = to_nodes ? n_nodes : N_POINTS;
      NomosIntegralOperator            op;
      Fixture                          f;
      size_t                           n_empty = 0;
      SetUp(&f, grid, true);
      ck_ok(NomosIntegralOperatorCreate(f.parameters, "gno", &input, &op));
      ck_ok(NomosParametersInitialise(f.parameters, 3));
      ck_ok(NomosParametersBind(f.parameters, f.tape, f.w));
      const NomosPointPairs    near  = NomosPointPairsWithin(grid, &f.sets, radius);
      const NomosIntegralPairs pairs = to_nodes ? NomosIntegralPairsToNodes(&near) : NomosIntegralPairsToPoints(&near);
      const NomosTensor        y = to_nodes ? NomosPointGridUnits(grid, f.sets.x) : NomosPointGridPositions(grid, f.tape, NOMOS_F64, N_SETS), v = RandomTensor(f.tape, NOMOS_F64, 1, 2, (size_t[]){n_sources, CHANNELS});
      double *result = Doubles(NomosIntegralOperatorApply(&op, f.w, &pairs, y, v)), *values = Doubles(v), *mean = malloc(n_targets * CHANNELS * sizeof *mean);
      MeanOfSources(&f, grid, radius, to_nodes, product, query, values, mean);
      for (size_t i = 0; i < n_targets * CHANNELS; i++) {
        ck_assert_msg(fabs(result[i] - mean[i]) < 1e-13, "%d-D, form %d, entry %zu: %.15g, should be %.15g", grid->d, form, i, result[i], mean[i]);
        n_empty += mean[i] == 0 && result[i] == 0;
      }
      ck_assert_uint_ge(n_empty, CHANNELS); /* some balls are empty */
      free(result);
      free(values);
      free(mean);
      TearDown(&f);
    }
}
END_TEST

/* With the query the operator commutes with a translation of points and nodes; without it, it does not. */
START_TEST(test_translation)
{
  for (int query = 0; query < 2; query++) {
    const NomosIntegralOperatorInput input = {.d = 2, .in = CHANNELS, .out = CHANNELS, .query = query, .n_hidden = 2, .widths = widths};
    NomosPointGrid                   moved = grids[0];
    NomosIntegralOperator            op;
    Fixture                          f;
    double                          *result[2], most = 0;
    SetUp(&f, &moved, false);
    ck_ok(NomosIntegralOperatorCreate(f.parameters, "gno", &input, &op));
    ck_ok(NomosParametersInitialise(f.parameters, 3));
    ck_ok(NomosParametersBind(f.parameters, f.tape, f.w));
    const NomosTensor v = RandomTensor(f.tape, NOMOS_F64, 1, 2, (size_t[]){N_POINTS, CHANNELS});
    for (int shift = 0; shift < 2; shift++) {
      for (int a = 0; shift && a < 2; a++) {
        moved.low[a] += 0.75;
        moved.high[a] += 0.75;
      }
      f.sets.x = NomosAffine(f.sets.x, 1, 0.75 * shift);
      const NomosPointPairs    near  = NomosPointPairsWithin(&moved, &f.sets, 0.4);
      const NomosIntegralPairs pairs = NomosIntegralPairsToNodes(&near);
      result[shift] = Doubles(NomosIntegralOperatorApply(&op, f.w, &pairs, f.sets.x, v));
    }
    for (size_t i = 0; i < N_SETS * 20 * CHANNELS; i++) most = fmax(most, fabs(result[0][i] - result[1][i]));
    if (query) ck_assert_double_lt(most, 1e-14);
    else ck_assert_double_gt(most, 1e-3);
    free(result[0]);
    free(result[1]);
    TearDown(&f);
  }
}
END_TEST

/* ---- splat and sample */

START_TEST(test_linear_weights)
{
  for (int k = 0; k < 2; k++) {
    const NomosPointGrid *grid = &grids[k];
    const size_t          d    = (size_t)grid->d, n_nodes = NomosPointGridNodes(grid);
    Fixture               f;
    NomosTensor           density;
    double               *field = malloc(N_SETS * n_nodes * sizeof *field), total[N_SETS] = {0};
    SetUp(&f, grid, false);
    const NomosPointPairs pairs = NomosPointPairsCells(grid, &f.sets);
    const NomosTensor     w     = NomosPointWeightsLinear(&pairs);
    /* a multilinear function comes back to the points as it is */
    for (size_t g = 0; g < N_SETS * n_nodes; g++) {
      double at[3];
      Node(grid, g % n_nodes, at);
      field[g] = 1 + at[0] - 2 * at[1] + 3 * at[0] * at[1] + (d == 3 ? at[2] * (at[0] - at[1] * at[0]) : 0);
    }
    double *sampled = Doubles(NomosPointSample(&pairs, w, NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, (size_t[]){N_SETS * n_nodes, 1}, field)));
    for (size_t p = 0; p < N_POINTS; p++) {
      const double *at = f.x + p * d;
      ck_assert_double_eq_tol(sampled[p], 1 + at[0] - 2 * at[1] + 3 * at[0] * at[1] + (d == 3 ? at[2] * (at[0] - at[1] * at[0]) : 0), 1e-13);
    }
    /* the points of a set are all on its grid, with their sums; a value that all have, all nodes near to one have */
    const NomosTensor values = NomosConcatenate(2, (NomosTensor[]){f.sets.x, NomosTensorConstant(f.tape, NOMOS_F64, 2, (size_t[]){N_POINTS, 1}, 7)}, 1);
    double           *mean = Doubles(NomosPointSplat(&pairs, w, values, 0, &density)), *weight = Doubles(density), first_moment[N_SETS] = {0}, moment[N_SETS] = {0};
    for (size_t g = 0; g < N_SETS * n_nodes; g++) {
      total[g / n_nodes] += weight[g];
      first_moment[g / n_nodes] += weight[g] * mean[g * (d + 1)];
      ck_assert_double_eq_tol(mean[g * (d + 1) + d], weight[g] > 0 ? 7 : 0, 1e-13);
    }
    for (size_t p = 0; p < N_POINTS; p++) moment[SetOf(p)] += f.x[p * d];
    for (size_t s = 0; s < N_SETS; s++) {
      ck_assert_double_eq_tol(total[s], (double)(first[s + 1] - first[s]), 1e-13);
      ck_assert_double_eq_tol(first_moment[s], moment[s], 1e-13);
    }
    free(field);
    free(sampled);
    free(mean);
    free(weight);
    TearDown(&f);
  }
}
END_TEST

/* Gaussian weights: the density of a node is the sum over the points that are near, a value that all have is sampled as it is, and a point that no node is near to gets zero. */
START_TEST(test_gaussian_weights)
{
  const NomosPointGrid *grid   = &grids[0];
  const double          radius = 0.4, width = 0.5;
  const size_t          n_nodes = NomosPointGridNodes(grid);
  Fixture               f;
  NomosTensor           density;
  SetUp(&f, grid, true);
  const NomosPointPairs pairs = NomosPointPairsWithin(grid, &f.sets, radius);
  const NomosTensor     w     = NomosPointWeightsGaussian(&pairs, width), seven = NomosTensorConstant(f.tape, NOMOS_F64, 2, (size_t[]){N_POINTS, 1}, 7);
  double *sampled = Doubles(NomosPointSample(&pairs, w, NomosPointSplat(&pairs, w, seven, 0, &density))), *rho = Doubles(density);
  for (size_t g = 0; g < N_SETS * n_nodes; g++) {
    double sum = 0, at[3];
    Node(grid, g % n_nodes, at);
    for (size_t p = first[g / n_nodes]; p < first[g / n_nodes + 1]; p++) {
      const double distance = Distance(2, at, f.x + 2 * p);
      if (distance <= radius) sum += exp(-0.5 * distance * distance / (width * width * radius * radius));
    }
    ck_assert_double_eq_tol(rho[g], sum, 1e-13);
  }
  for (size_t p = 0; p < N_POINTS; p++) ck_assert_double_eq_tol(sampled[p], p == 1 ? 0 : 7, 1e-13); /* point 1 is 3 m outside */
  free(sampled);
  free(rho);
  TearDown(&f);
}
END_TEST

/* Points outside come to the nearest place of the box, in both precisions, where they have cells. */
START_TEST(test_clamp)
{
  const double x[] = {-3, 0.5, 0.5, 7, 0.2, 0.3}, clamped[] = {-0.1, 0.5, 0.5, 0.9, 0.2, 0.3};
  for (int type = 0; type < 2; type++) {
    Fixture f;
    SetUp(&f, &grids[0], false);
    const NomosPointSets  sets  = {.n_sets = 1, .first = (size_t[]){0, 3}, .x = NomosPointGridClamp(&grids[0], NomosTensorFromDoubles(f.tape, type ? NOMOS_F32 : NOMOS_F64, 2, (size_t[]){3, 2}, x))};
    const NomosPointPairs pairs = NomosPointPairsCells(&grids[0], &sets);
    double               *at    = Doubles(sets.x);
    for (int i = 0; i < 6; i++) ck_assert_double_eq_tol(at[i], clamped[i], type ? 1e-7 : 1e-15);
    ck_ok(NomosTapeStatus(f.tape));
    ck_assert_uint_eq(pairs.n, 12);
    free(at);
    TearDown(&f);
  }
}
END_TEST

START_TEST(test_refusals)
{
  Fixture f;
  SetUp(&f, &grids[0], true);
  const NomosPointPairs outside = NomosPointPairsCells(&grids[0], &f.sets);
  ck_refused(NomosTapeStatus(f.tape), "point 0 has x = -0.25 m, outside of the latent grid from -0.1 to 1.1 m");
  ck_assert(!NomosTensorIsValid(outside.offset));
  f.x[7]   = NAN;
  f.sets.x = NomosTensorFromDoubles(f.tape, NOMOS_F64, 2, (size_t[]){N_POINTS, 2}, f.x);
  (void)NomosPointPairsWithin(&grids[0], &f.sets, 0.1);
  ck_refused(NomosTapeStatus(f.tape), "point 3 has y = nan");
  f.sets.x = RandomTensor(f.tape, NOMOS_F64, 1, 2, (size_t[]){N_POINTS, 3});
  (void)NomosPointPairsWithin(&grids[0], &f.sets, 0.1);
  ck_refused(NomosTapeStatus(f.tape), "must be [23, 2]");
  NomosIntegralOperator op;
  ck_refused(NomosIntegralOperatorCreate(f.parameters, "gno", &(NomosIntegralOperatorInput){.d = 2, .in = 3, .out = 4, .product = true, .n_hidden = 2, .widths = widths}, &op), "a kernel of 4 channels times values of 3");
  TearDown(&f);
}
END_TEST

/* ---- derivatives: x [points, d + channels], positions first */

static int                        form_of_check;
static const NomosPointGrid      *grid_of_check;
static const size_t               two_sets[] = {0, 4, 7};

static PetscErrorCode CreateForm(NomosParameters p, void *m)
{
  return NomosIntegralOperatorCreate(p, "gno", &(NomosIntegralOperatorInput){.d = grid_of_check->d, .in = 2, .out = 2, .product = form_of_check & 2, .query = form_of_check & 4, .n_hidden = 2, .widths = widths}, m);
}

/* Points to nodes, or nodes with features of their own to points. */
static NomosTensor ApplyForm(const void *m, const NomosTensor w[], NomosTensor x)
{
  const size_t             d    = (size_t)grid_of_check->d, n_nodes = 2 * NomosPointGridNodes(grid_of_check);
  const NomosPointSets     sets = {.n_sets = 2, .first = two_sets, .x = NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosSlice(x, 1, 0, d, 1)), 0.45, 0.5)};
  const NomosPointPairs    near = NomosPointPairsWithin(grid_of_check, &sets, 0.45);
  const bool               to_nodes = form_of_check & 1;
  const NomosIntegralPairs pairs = to_nodes ? NomosIntegralPairsToNodes(&near) : NomosIntegralPairsToPoints(&near);
  const NomosTensor        v = NomosSlice(x, 1, d, 2, 1), of_nodes = NomosBroadcast(NomosSlice(v, 0, 0, 1, 1), 2, (size_t[]){n_nodes, 2});
  return NomosIntegralOperatorApply(m, w, &pairs, to_nodes ? NomosPointGridUnits(grid_of_check, sets.x) : NomosPointGridPositions(grid_of_check, x.tape, NomosTensorType(x), 2), to_nodes ? v : of_nodes);
}

START_TEST(test_derivatives)
{
  NomosIntegralOperator op;
  for (int k = 0; k < 2; k++)
    for (form_of_check = 0; form_of_check < 8; form_of_check++) {
      grid_of_check = &grids[k];
      const size_t     d = (size_t)grid_of_check->d, in = d + (form_of_check & 2 ? 0 : 2);
      const ModuleCase c = {form_of_check & 1 ? "to nodes" : "to points", CreateForm, ApplyForm, 2, {7, d + 2}, (in + 1) * 6 + 7 * 4 + 5 * 2};
      CheckModule(&c, &op);
    }
}
END_TEST

static PetscErrorCode CreateReading(NomosParameters p, void *m)
{
  return NomosLinearCreate(p, "read", &(NomosLinearInput){.in = 3, .out = 2}, m);
}
/* To the grid with a floor, and back, through a function that is not linear. */
static NomosTensor ApplySplat(const void *m, const NomosTensor w[], NomosTensor x)
{
  const size_t          d    = (size_t)grid_of_check->d;
  const NomosPointSets  sets = {.n_sets = 2, .first = two_sets, .x = NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosSlice(x, 1, 0, d, 1)), 0.35, 0.5)};
  const NomosPointPairs pairs = form_of_check ? NomosPointPairsWithin(grid_of_check, &sets, 0.45) : NomosPointPairsCells(grid_of_check, &sets);
  const NomosTensor     weights = form_of_check ? NomosPointWeightsGaussian(&pairs, 0.4) : NomosPointWeightsLinear(&pairs);
  NomosTensor           density;
  const NomosTensor     mean = NomosPointSplat(&pairs, weights, NomosSlice(x, 1, d, 2, 1), 0.1, &density);
  return NomosLinearApply(m, w, NomosPointSample(&pairs, weights, NomosConcatenate(2, (NomosTensor[]){NomosMultiply(mean, mean), density}, 1)));
}

START_TEST(test_derivatives_of_splat_and_sample)
{
  NomosLinear read;
  for (int k = 0; k < 2; k++)
    for (form_of_check = 0; form_of_check < 2; form_of_check++) {
      grid_of_check      = &grids[k];
      const ModuleCase c = {form_of_check ? "gaussian" : "linear", CreateReading, ApplySplat, 2, {7, (size_t)grid_of_check->d + 2}, 8};
      CheckModuleBySteps(&c, &read, 0.3);
    }
}
END_TEST

NOMOS_TEST_SUITE("point grid", test_pairs_are_all_that_are_near, test_integral_operators_are_their_formula, test_translation, test_linear_weights, test_gaussian_weights, test_clamp, test_refusals, test_derivatives, test_derivatives_of_splat_and_sample)
