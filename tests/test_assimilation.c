/* Analyses of ensembles: Kalman's formulas, localisation, inflation, what is known of ranks. */
#include "analysis_setup.h"

static const NomosAnalysisMethod *Method(const char name[])
{
  const NomosAnalysisMethod *method;
  ck_ok(NomosAnalysisFind(name, "method", &method));
  return method;
}

/* Solve a x = b in place, a (n, n) and b (n, m), by Gauss's elimination with pivots. */
static void Eliminate(size_t n, size_t m, double *a, double *b)
{
  for (size_t c = 0; c < n; c++) {
    size_t p = c;
    for (size_t r = c; r < n; r++)
      if (fabs(a[r * n + c]) > fabs(a[p * n + c])) p = r;
    for (size_t j = 0; j < n; j++) {
      const double keep = a[c * n + j];
      a[c * n + j]      = a[p * n + j];
      a[p * n + j]      = keep;
    }
    for (size_t j = 0; j < m; j++) {
      const double keep = b[c * m + j];
      b[c * m + j]      = b[p * m + j];
      b[p * m + j]      = keep;
    }
    for (size_t r = 0; r < n; r++) {
      const double part = a[r * n + c] / a[c * n + c];
      if (r == c) continue;
      for (size_t j = 0; j < n; j++) a[r * n + j] -= part * a[c * n + j];
      for (size_t j = 0; j < m; j++) b[r * m + j] -= part * b[c * m + j];
    }
  }
  for (size_t r = 0; r < n; r++)
    for (size_t j = 0; j < m; j++) b[r * m + j] /= a[r * n + r];
}

/* Kalman's filter: mean (N_STATE) and covariance (N_STATE, N_STATE) become the analysis'. */
static void Kalman(double *mean, double *covariance, const NomosObservationSet *set)
{
  double s[N_SEEN * N_SEEN], gain[N_SEEN * (N_STATE + 1)], hb[N_SEEN * N_STATE], seen[N_SEEN];

  Look(mean, seen);
  for (size_t o = 0; o < N_SEEN; o++)
    for (size_t i = 0; i < N_STATE; i++) {
      hb[o * N_STATE + i] = 0;
      for (size_t j = 0; j < N_STATE; j++) hb[o * N_STATE + i] += H(o, j) * covariance[j * N_STATE + i];
    }
  for (size_t o = 0; o < N_SEEN; o++) {
    for (size_t l = 0; l < N_SEEN; l++) {
      s[o * N_SEEN + l] = o == l ? set->deviation[o] * set->deviation[o] : 0;
      for (size_t i = 0; i < N_STATE; i++) s[o * N_SEEN + l] += hb[o * N_STATE + i] * H(l, i);
    }
    for (size_t i = 0; i < N_STATE; i++) gain[o * (N_STATE + 1) + i] = hb[o * N_STATE + i];
    gain[o * (N_STATE + 1) + N_STATE] = set->value[o] - seen[o];
  }
  Eliminate(N_SEEN, N_STATE + 1, s, gain);
  for (size_t i = 0; i < N_STATE; i++)
    for (size_t o = 0; o < N_SEEN; o++) {
      mean[i] += hb[o * N_STATE + i] * gain[o * (N_STATE + 1) + N_STATE];
      for (size_t j = 0; j < N_STATE; j++) covariance[i * N_STATE + j] -= hb[o * N_STATE + i] * gain[o * (N_STATE + 1) + j];
    }
}

static void Moments(size_t k, const double *x, double *mean, double *covariance)
{
  for (size_t i = 0; i < N_STATE; i++) {
    mean[i] = 0;
    for (size_t e = 0; e < k; e++) mean[i] += x[e * N_STATE + i] / (double)k;
  }
  for (size_t i = 0; i < N_STATE; i++)
    for (size_t j = 0; j < N_STATE; j++) {
      covariance[i * N_STATE + j] = 0;
      for (size_t e = 0; e < k; e++) covariance[i * N_STATE + j] += (x[e * N_STATE + i] - mean[i]) * (x[e * N_STATE + j] - mean[j]) / (double)(k - 1);
    }
}

static void Analyse(size_t k, double *x, NomosAnalysisInput input, uint64_t cycle)
{
  const NomosObservationSet set  = SomeObservations();
  double                   *seen = LookAtAll(k, x), *static_seen = LookAtAll(input.n_static, input.static_states);
  NomosAnalysis             analysis;

  if (!input.inflation) input.inflation = 1;
  ck_ok(NomosAnalysisCreate(PETSC_COMM_SELF, k, N_STATE, &input, &analysis));
  ck_ok(NomosAnalysisApply(analysis, &(NomosEnsemble){.n_own = k, .n_state = N_STATE, .states = x, .set = &set, .seen = seen, .static_seen = static_seen, .cycle = cycle}));
  ck_ok(NomosAnalysisDestroy(&analysis));
  free(seen);
  free(static_seen);
}

/* In the space of the ensemble the transform filters are Kalman's, mean and covariance, whatever the inflation; local ones too when everything is near. */
START_TEST(test_transform_filters_are_kalmans)
{
  const NomosObservationSet set    = SomeObservations();
  const NomosAnalysisPlaces places = {
    .n_columns = N_STATE, .x = (double[]){0, 1, 2, 3, 4, 5},
         .y = zeros
  };
  for (size_t k = 4; k <= 12; k += 8) /* fewer members than numbers, and more */
    for (int local = 0; local < 2; local++)
      for (double inflation = 1; inflation < 2; inflation += 0.6) {
        double *x = Draw(k, 1), mean[2][N_STATE], covariance[2][N_STATE * N_STATE];
        Moments(k, x, mean[0], covariance[0]);
        for (size_t i = 0; i < N_STATE * N_STATE; i++) covariance[0][i] *= inflation;
        Kalman(mean[0], covariance[0], &set);
        Analyse(k, x, (NomosAnalysisInput){.method = Method(local ? "letkf" : "etkf"), .inflation = inflation, .places = local ? &places : NULL, .radius = local ? 1e8 : 0}, 0);
        Moments(k, x, mean[1], covariance[1]);
        for (size_t i = 0; i < N_STATE; i++) ck_assert_double_eq_tol(mean[1][i], mean[0][i], 1e-12);
        for (size_t i = 0; i < N_STATE * N_STATE; i++) ck_assert_double_eq_tol(covariance[1][i], covariance[0][i], 1e-12);
        free(x);
      }
}
END_TEST

/* The stochastic filter becomes Kalman's as one over the root of the members: with a covariance that is known. */
START_TEST(test_enkf_becomes_kalmans)
{
  enum { N_SIZES = 3,
         N_DRAWS = 40 };
  const NomosObservationSet set = SomeObservations();
  double                    mean[N_STATE], covariance[N_STATE * N_STATE], errors[N_SIZES][2] = {0}, expected[2] = {0}, squares = 0, average[N_STATE + N_STATE * N_STATE] = {0}, bias[2] = {0};
  for (size_t i = 0; i < N_STATE; i++) mean[i] = 1.5;
  for (size_t i = 0; i < N_STATE; i++)
    for (size_t j = 0; j < N_STATE; j++) {
      covariance[i * N_STATE + j] = 0;
      for (size_t l = 0; l < N_STATE; l++) covariance[i * N_STATE + j] += Root(i, l) * Root(j, l);
    }
  for (size_t i = 0; i < N_STATE; i++) expected[0] += covariance[i * N_STATE + i];
  for (size_t i = 0; i < N_STATE * N_STATE; i++) squares += covariance[i] * covariance[i];
  expected[1] = expected[0] * expected[0] + squares; /* times 1/k: squared error of the covariance of k Gaussian states, before the analysis */
  Kalman(mean, covariance, &set);
  for (size_t s = 0; s < N_SIZES; s++)
    for (uint64_t draw = 0; draw < N_DRAWS; draw++) {
      const size_t k = (size_t)20 << (2 * s);
      double      *x = Draw(k, 10 + draw), means[N_STATE], covariances[N_STATE * N_STATE];
      Analyse(k, x, (NomosAnalysisInput){.method = Method("enkf"), .seed = draw}, draw);
      Moments(k, x, means, covariances);
      for (size_t i = 0; i < N_STATE; i++) errors[s][0] += pow(means[i] - mean[i], 2) / N_DRAWS;
      for (size_t i = 0; i < N_STATE * N_STATE; i++) errors[s][1] += pow(covariances[i] - covariance[i], 2) / N_DRAWS;
      for (size_t i = 0; i < N_STATE && s == N_SIZES - 1; i++) average[i] += means[i] / N_DRAWS;
      for (size_t i = 0; i < N_STATE * N_STATE && s == N_SIZES - 1; i++) average[N_STATE + i] += covariances[i] / N_DRAWS;
      free(x);
    }
  for (size_t i = 0; i < N_STATE; i++) bias[0] += pow(average[i] - mean[i], 2);
  for (size_t i = 0; i < N_STATE * N_STATE; i++) bias[1] += pow(average[N_STATE + i] - covariance[i], 2);
  for (int what = 0; what < 2; what++) {
    const double order = 0.25 * log2(errors[0][what] / errors[N_SIZES - 1][what]) / 2; /* two times fourfold */
    ck_assert_msg(fabs(order - 0.5) < 0.08, "%s: order %g (squared errors %g %g %g)", what ? "covariance" : "mean", order, errors[0][what], errors[1][what], errors[2][what]);
    ck_assert_double_lt(errors[N_SIZES - 1][what], 2 * expected[what] / 320);
    ck_assert_double_lt(bias[what], 2 * expected[what] / (320 * N_DRAWS)); /* all draws together */
  }
}
END_TEST

/* Optimal interpolation is Kalman's gain with the static states' covariance times its factor, for every forecast. */
START_TEST(test_optimal_interpolation)
{
  const NomosObservationSet set = SomeObservations();
  double                   *z = Draw(30, 3), *x = Draw(2, 4), mean[N_STATE], covariance[N_STATE * N_STATE], analysis[2][N_STATE];
  for (size_t j = 0; j < 2; j++) {
    Moments(30, z, mean, covariance);
    for (size_t i = 0; i < N_STATE * N_STATE; i++) covariance[i] *= 0.3;
    memcpy(analysis[j], x + j * N_STATE, sizeof analysis[j]);
    Kalman(analysis[j], covariance, &set);
  }
  Analyse(2, x, (NomosAnalysisInput){.method = Method("optimal_interpolation"), .inflation = 0.3, .n_static = 30, .static_states = z}, 0);
  for (size_t j = 0; j < 2; j++)
    for (size_t i = 0; i < N_STATE; i++) ck_assert_double_eq_tol(x[j * N_STATE + i], analysis[j][i], 1e-12);
  free(z);
  free(x);
}
END_TEST

START_TEST(test_gaspari_cohn)
{
  double last = 1;
  ck_assert_double_eq(NomosGaspariCohn(0, 3), 1);
  ck_assert_double_eq(NomosGaspariCohn(3, 3), 0);
  ck_assert_double_eq(NomosGaspariCohn(-7, 3), 0);
  ck_close(NomosGaspariCohn(1.5, 3), 5. / 24, 1e-14); /* both pieces at c: 1 - 5/3 + 5/8 + 1/2 - 1/4 */
  for (int i = 1; i < 300; i++) {
    const double weight = NomosGaspariCohn(0.01 * i, 3);
    ck_assert_double_gt(weight, 0);
    ck_assert_double_lt(weight, last);
    ck_assert_double_lt(last - weight, 0.02);
    last = weight;
  }
  /* a correlation: its transform over a line is positive */
  for (int k = 0; k < 60; k++) {
    double transform = 0;
    for (int i = -3000; i <= 3000; i++) transform += NomosGaspariCohn(0.001 * i, 3) * cos(0.001 * i * k) * 0.001;
    ck_assert_double_gt(transform, -1e-6);
  }
}
END_TEST

typedef struct {
  double              x[N_RING], places[2 * N_RING], values[3], deviations[3], at[3];
  NomosAnalysisPlaces where;
  NomosObservationSet set;
} RingSetup;

/* Two layers of a ring of 24 places, three of them seen. */
static void Ring(RingSetup *r)
{
  for (size_t i = 0; i < N_RING; i++) r->places[i] = (double)i;
  for (size_t o = 0; o < 3; o++) {
    r->at[o]         = (double)(2 + 4 * o);
    r->values[o]     = 0.3 * (double)o;
    r->deviations[o] = 0.5;
  }
  r->where = (NomosAnalysisPlaces){
    .n_columns = N_RING, .x = r->places, .y = zeros, .period = {N_RING, 0}
  };
  r->set = (NomosObservationSet){.n = 3, .layer = zero_layers, .x = r->at, .y = zeros, .value = r->values, .deviation = r->deviations};
}

static void AnalyseRing(RingSetup *r, size_t k, double *x, NomosAnalysisInput input)
{
  double       *seen = calloc(k * 3, sizeof *seen);
  NomosAnalysis analysis;

  for (size_t e = 0; e < k; e++)
    for (size_t o = 0; o < r->set.n; o++) seen[e * r->set.n + o] = x[e * 2 * N_RING + (size_t)r->at[o]];
  input.places = &r->where;
  if (!input.inflation) input.inflation = 1;
  ck_ok(NomosAnalysisCreate(PETSC_COMM_SELF, k, 2 * N_RING, &input, &analysis));
  ck_ok(NomosAnalysisApply(analysis, &(NomosEnsemble){.n_own = k, .n_state = 2 * N_RING, .states = x, .set = &r->set, .seen = seen}));
  ck_ok(NomosAnalysisDestroy(&analysis));
  free(seen);
}

static double *RingStates(size_t k)
{
  double *x = calloc(k * 2 * N_RING, sizeof *x);
  for (size_t i = 0; i < k * 2 * N_RING; i++) x[i] = Normal(31, i);
  return x;
}

/* Beyond the radius nothing changes, within it everything does, across the seam of the ring too and in both layers; without observations nothing does at all. */
START_TEST(test_localisation)
{
  const char *const names[] = {"letkf", "enkf", "nudging"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    RingSetup r;
    double   *x = RingStates(8), *before = RingStates(8);
    Ring(&r);
    AnalyseRing(&r, 8, x, (NomosAnalysisInput){.method = Method(names[i]), .radius = 4, .inflation = 1.3, .gain = 0.5});
    for (size_t c = 0; c < N_RING; c++)
      for (size_t layer = 0; layer < 2; layer++) {
        const bool near = (c <= 13 || c == 23) && (layer == 0 || strcmp(names[i], "nudging")); /* 4 from 2 across the seam: 22 is not near any more */
        for (size_t e = 0; e < 8; e++) {
          const size_t at = (e * 2 + layer) * N_RING + c;
          if (near) ck_assert_double_ne(x[at], before[at]);
          else ck_assert_double_eq_tol(x[at], before[at], 1e-15 * fabs(before[at]) + 1e-15);
        }
      }
    r.set.n = 0;
    AnalyseRing(&r, 8, before, (NomosAnalysisInput){.method = Method(names[i]), .radius = 4, .inflation = 1.3, .gain = 0.5});
    double *again = RingStates(8);
    for (size_t j = 0; j < 8 * 2 * N_RING; j++) ck_assert_double_eq_tol(before[j], again[j], 1e-14);
    free(x);
    free(before);
    free(again);
  }
}
END_TEST

/* With gain 1 and nothing else near, a place that is seen is what was seen. */
START_TEST(test_nudging)
{
  RingSetup r;
  double   *x = RingStates(1);
  Ring(&r);
  AnalyseRing(&r, 1, x, (NomosAnalysisInput){.method = Method("nudging"), .radius = 3, .gain = 1});
  for (size_t o = 0; o < 3; o++) ck_assert_double_eq_tol(x[(size_t)r.at[o]], r.values[o], 1e-15);
  free(x);
}
END_TEST

/* Observations that say nothing leave an inflated spread; relaxed altogether it is that of the forecasts, however much was seen. */
START_TEST(test_inflation)
{
  RingSetup r;
  for (int relaxed = 0; relaxed < 2; relaxed++) {
    double *x = RingStates(8), *before = RingStates(8);
    Ring(&r);
    for (size_t o = 0; o < 3 && !relaxed; o++) r.deviations[o] = 1e8;
    AnalyseRing(&r, 8, x, (NomosAnalysisInput){.method = Method("etkf"), .inflation = relaxed ? 1 : 1.44, .relaxation = relaxed});
    for (size_t i = 0; i < 2 * N_RING; i++) {
      double mean[2] = {0}, square[2] = {0};
      for (size_t e = 0; e < 8; e++) {
        mean[0] += before[e * 2 * N_RING + i] / 8;
        mean[1] += x[e * 2 * N_RING + i] / 8;
      }
      for (size_t e = 0; e < 8; e++) {
        square[0] += pow(before[e * 2 * N_RING + i] - mean[0], 2);
        square[1] += pow(x[e * 2 * N_RING + i] - mean[1], 2);
      }
      ck_close(square[1], (relaxed ? 1 : 1.44) * square[0], 1e-12);
      if (relaxed && i < N_RING) ck_assert_double_ne(mean[0], mean[1]);
      if (!relaxed) ck_assert_double_eq_tol(mean[0], mean[1], 1e-12);
    }
    free(x);
    free(before);
  }
}
END_TEST

/* Forecasts whose spread is half of their error: the adaptive factor of the variance becomes 4, global and local. */
START_TEST(test_adaptive_inflation)
{
  for (int local = 0; local < 2; local++) {
    enum { K        = 8,
           N_CYCLES = 2000 };
    RingSetup     r;
    NomosAnalysis analysis;
    double       *spread = RingStates(K), x[K * 2 * N_RING], seen[K * 3], *factors, mean = 0;
    size_t        n;
    Ring(&r);
    for (size_t i = 0; i < 2 * N_RING; i++) { /* of mean 0 and variance 1 */
      double offset = 0, square = 0;
      for (size_t e = 0; e < K; e++) offset += spread[e * 2 * N_RING + i] / K;
      for (size_t e = 0; e < K; e++) square += pow(spread[e * 2 * N_RING + i] -= offset, 2) / (K - 1);
      for (size_t e = 0; e < K; e++) spread[e * 2 * N_RING + i] /= sqrt(square);
    }
    const NomosAnalysisInput input = {.method = Method(local ? "letkf" : "etkf"), .places = &r.where, .radius = local ? 5 : 0, .inflation = 1, .adaptive = true, .adaptive_deviation = 0.3};
    ck_ok(NomosAnalysisCreate(PETSC_COMM_SELF, K, 2 * N_RING, &input, &analysis));
    ck_ok(NomosAnalysisInflation(analysis, &n, &factors));
    ck_assert_uint_eq(n, local ? N_RING : 1);
    for (uint64_t cycle = 0; cycle < N_CYCLES; cycle++) {
      for (size_t i = 0; i < 2 * N_RING; i++)
        for (size_t e = 0; e < K; e++) x[e * 2 * N_RING + i] = spread[e * 2 * N_RING + i] + 2 * Normal(1000, cycle * 2 * N_RING + i);
      for (size_t o = 0; o < 3; o++) {
        r.values[o] = 0.5 * Normal(2000, cycle * 3 + o);
        for (size_t e = 0; e < K; e++) seen[e * 3 + o] = x[e * 2 * N_RING + (size_t)r.at[o]];
      }
      ck_ok(NomosAnalysisApply(analysis, &(NomosEnsemble){.n_own = K, .n_state = 2 * N_RING, .states = x, .set = &r.set, .seen = seen, .cycle = cycle}));
      if (cycle >= N_CYCLES / 2) mean += factors[local ? 6 : 0] / (N_CYCLES / 2);
    }
    ck_assert_double_eq_tol(mean, 4, 0.3);
    if (local) ck_assert_double_eq(factors[16], 1); /* nothing is seen there */
    ck_ok(NomosAnalysisDestroy(&analysis));
    free(spread);
  }
}
END_TEST

/* Members and truth of one distribution: the observation is of any rank alike, and innovations are as large as expected; half the spread makes the outer ranks the fuller ones. */
START_TEST(test_ranks)
{
  enum { K        = 19,
         N_CYCLES = 1500 };
  for (int narrow = 0; narrow < 2; narrow++) {
    RingSetup        r;
    NomosAnalysis    analysis;
    double           x[K * 2 * N_RING], seen[K * 3], ranks[K + 1] = {0}, misfit = 0;
    NomosInnovations sums = {.ranks = ranks};
    Ring(&r);
    ck_ok(NomosAnalysisCreate(PETSC_COMM_SELF, K, 2 * N_RING, &(NomosAnalysisInput){.method = Method("etkf"), .places = &r.where, .inflation = 1}, &analysis));
    for (uint64_t cycle = 0; cycle < N_CYCLES; cycle++) {
      for (size_t i = 0; i < K * 2 * N_RING; i++) x[i] = (narrow ? 0.3 : 1) * Normal(3000, cycle * K * 2 * N_RING + i);
      for (size_t o = 0; o < 3; o++) {
        r.values[o] = Normal(3001, cycle * 3 + o) + r.deviations[o] * Normal(3002, cycle * 3 + o);
        for (size_t e = 0; e < K; e++) seen[e * 3 + o] = x[e * 2 * N_RING + (size_t)r.at[o]];
      }
      ck_ok(NomosAnalysisApply(analysis, &(NomosEnsemble){.n_own = K, .n_state = 2 * N_RING, .states = x, .set = &r.set, .seen = seen, .cycle = cycle, .innovations = &sums}));
    }
    const double expected = sums.n / (K + 1);
    ck_assert_double_eq(sums.n, 3 * N_CYCLES);
    for (size_t i = 0; i <= K; i++) misfit += pow(ranks[i] - expected, 2) / expected;
    if (narrow) ck_assert_double_gt(fmin(ranks[0], ranks[K]), 1.5 * ranks[K / 2]);
    else {
      ck_assert_double_lt(misfit, 43.8);                          /* of 19 degrees of freedom: one in a thousand */
      ck_assert_double_eq_tol(sums.chi_squared / sums.n, 1, 0.2); /* errors of the mean and of the variance of 19 members */
    }
    ck_ok(NomosAnalysisDestroy(&analysis));
  }
}
END_TEST

START_TEST(test_refused)
{
  const NomosAnalysisMethod *method;
  NomosAnalysis              analysis;
  const NomosAnalysisPlaces  places = {.n_columns = 4, .x = zeros, .y = zeros};
  ck_refused(NomosAnalysisFind("letfk", "case.yaml:3: assimilate.method", &method), "case.yaml:3: assimilate.method = letfk: no such method; did you mean letkf?");
#define REFUSED(fragment, members, ...) ck_refused(NomosAnalysisCreate(PETSC_COMM_SELF, members, N_STATE, &(NomosAnalysisInput){.inflation = 1, __VA_ARGS__}, &analysis), fragment)
  REFUSED("etkf with 1 member: it needs at least 2", 1, .method = Method("etkf"));
  REFUSED("this state has no places", 4, .method = Method("etkf"), .radius = 1);
  REFUSED("letkf is local and needs a radius", 4, .method = Method("letkf"));
  REFUSED("not one of layers of 4 columns", 4, .method = Method("letkf"), .places = &places, .radius = 1);
  REFUSED("must be from 0 to 1", 4, .method = Method("etkf"), .relaxation = 2);
  REFUSED("with 0 static states: it needs at least 2", 1, .method = Method("optimal_interpolation"));
#undef REFUSED
  double                   *x = Draw(4, 1), *seen = LookAtAll(4, x);
  const NomosObservationSet set = SomeObservations();
  seen[0]                       = NAN;
  ck_ok(NomosAnalysisCreate(PETSC_COMM_SELF, 4, N_STATE, &(NomosAnalysisInput){.method = Method("etkf"), .inflation = 1}, &analysis));
  ck_refused(NomosAnalysisApply(analysis, &(NomosEnsemble){.n_own = 4, .n_state = N_STATE, .states = x, .set = &set, .seen = seen}), "not finite and positive");
  ck_refused(NomosAnalysisApply(analysis, &(NomosEnsemble){.n_own = 3, .n_state = N_STATE, .states = x, .set = &set, .seen = seen}), "an analysis of 3 members of 6 numbers was asked for, and it was made for 4 of 6");
  ck_ok(NomosAnalysisDestroy(&analysis));
  free(x);
  free(seen);
}
END_TEST

NOMOS_TEST_SUITE("assimilation", test_transform_filters_are_kalmans, test_enkf_becomes_kalmans, test_optimal_interpolation, test_gaspari_cohn, test_localisation, test_nudging, test_inflation, test_adaptive_inflation, test_ranks, test_refused)
