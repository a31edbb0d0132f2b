/* Neighbours and samples of points: the same as by looking at all pairs, whatever lies where; bounds that farthest-point samples keep; the same for any number of threads; memory and time that grow with the points. */
#include "harness.h"

#include "operators/neighbours.h"
#include "operators/random.h"

#include <omp.h>
#include <time.h>

static double Uniform(uint64_t stream, size_t i)
{
  return NomosRandomUniform(20261126, stream, i);
}

/* ---- points */

static void FillUniform(int d, size_t n, double x[])
{
  for (size_t i = 0; i < n * (size_t)d; i++) x[i] = Uniform((uint64_t)d, i);
}
/* Three tight heaps in a box some thousand times as large, on negative coordinates too. */
static void FillClustered(int d, size_t n, double x[])
{
  for (size_t i = 0; i < n * (size_t)d; i++) x[i] = 0.3 * Uniform((uint64_t)d + 10, i) + (double[]){-400, 0, 700}[i / (size_t)d % 3];
}
/* On a lattice of a quarter: distances are equal to the radius of 0.25 or 0.5 exactly, points on borders of cells, every place many times. */
static void FillLattice(int d, size_t n, double x[])
{
  for (size_t i = 0; i < n * (size_t)d; i++) x[i] = 0.25 * floor(5 * Uniform((uint64_t)d + 20, i));
}
static void FillSamePlace(int d, size_t n, double x[])
{
  for (size_t i = 0; i < n * (size_t)d; i++) x[i] = -1.75;
}
/* On a straight line along the last axis. */
static void FillLine(int d, size_t n, double x[])
{
  for (size_t i = 0; i < n; i++)
    for (size_t a = 0; a < (size_t)d; a++) x[i * (size_t)d + a] = a + 1 == (size_t)d ? 3 * Uniform(30, i) : 0.1;
}

typedef struct {
  const char *name;
  void (*fill)(int d, size_t n, double x[]);
  size_t n;
  double radius;
} Points;

static const Points sets[] = {
  {"uniform", FillUniform, 700, 0.11},   {"uniform, wide", FillUniform, 300, 5},          {"uniform, narrow", FillUniform, 200, 1e-9},     {"clustered", FillClustered, 600, 0.05}, {"a lattice", FillLattice, 400, 0.25},
  {"a lattice, two apart", FillLattice, 300, 0.5}, {"one place", FillSamePlace, 90, 0.1}, {"a line", FillLine, 500, 0.02},                 {"one point", FillUniform, 1, 0.3},      {"none", FillUniform, 0, 0.3},
};
enum { N_SETS = sizeof sets / sizeof *sets };

static double Square(int d, const double a[], const double b[])
{
  double square = 0;
  for (int i = 0; i < d; i++) square += (a[i] - b[i]) * (a[i] - b[i]);
  return square;
}

/* ---- within a radius */

static void CheckWithin(const char name[], const NomosNeighbourInput *in, double radius)
{
  const size_t    n_queries = in->n_queries ? in->n_queries : in->n, d = (size_t)in->d;
  const double   *queries   = in->n_queries ? in->queries : in->x;
  NomosNeighbours list;

  ck_ok(NomosNeighboursWithin(in, radius, &list));
  ck_assert_uint_eq(list.n_queries, n_queries);
  ck_assert_uint_eq(list.first[0], 0);
  for (size_t q = 0; q < n_queries; q++) {
    size_t at = list.first[q];
    for (size_t i = 0; i < in->n; i++) {
      if ((!in->n_queries && !in->self && i == q) || Square(in->d, queries + q * d, in->x + i * d) > radius * radius) continue;
      ck_assert_msg(at < list.first[q + 1] && list.neighbour[at] == (int32_t)i, "%s, d = %d: %zu is missing, or out of order, among the neighbours of %zu", name, in->d, i, q);
      at++;
    }
    ck_assert_msg(at == list.first[q + 1], "%s, d = %d: query %zu has %zu neighbours too many", name, in->d, q, list.first[q + 1] - at);
  }
  ck_assert_uint_eq(list.n, list.first[n_queries]);
  ck_ok(NomosNeighboursFree(&list));
}

START_TEST(test_within_is_what_all_pairs_say)
{
  for (int d = 2; d <= 3; d++)
    for (size_t s = 0; s < N_SETS; s++) {
      double *x = malloc((sets[s].n + 1) * 3 * sizeof *x), queries[300];
      sets[s].fill(d, sets[s].n, x);
      for (int self = 0; self < 2; self++) CheckWithin(sets[s].name, &(NomosNeighbourInput){.d = d, .n = sets[s].n, .x = x, .self = self}, sets[s].radius);
      for (size_t i = 0; i < 300; i++) queries[i] = i < 60 && sets[s].n ? x[i % (sets[s].n * (size_t)d)] : -1 + 4 * Uniform(40, i); /* near points, and outside of their box */
      CheckWithin(sets[s].name, &(NomosNeighbourInput){.d = d, .n = sets[s].n, .x = x, .n_queries = (size_t)(300 / d), .queries = queries}, sets[s].radius);
      free(x);
    }
}
END_TEST

/* ---- the nearest */

static void CheckNearest(const char name[], const NomosNeighbourInput *in, size_t k)
{
  const size_t    n_queries = in->n_queries ? in->n_queries : in->n, d = (size_t)in->d, others = in->n - (!in->n_queries && !in->self && in->n), each = k < others ? k : others;
  const double   *queries   = in->n_queries ? in->queries : in->x;
  NomosNeighbours list;
  bool           *taken = malloc(in->n + 1);

  ck_ok(NomosNeighboursNearest(in, k, &list));
  ck_assert_uint_eq(list.n, n_queries * each);
  for (size_t q = 0; q < n_queries; q++) {
    memset(taken, 0, in->n);
    ck_assert_uint_eq(list.first[q], q * each);
    for (size_t j = 0; j < each; j++) {
      size_t best   = in->n;
      double square = INFINITY;
      for (size_t i = 0; i < in->n; i++) {
        const double other = Square(in->d, queries + q * d, in->x + i * d);
        if (taken[i] || (!in->n_queries && !in->self && i == q) || other >= square) continue;
        best   = i;
        square = other;
      }
      taken[best] = true;
      ck_assert_msg(list.neighbour[q * each + j] == (int32_t)best, "%s, d = %d: nearest %zu of %zu is %d, not %zu", name, in->d, j, q, list.neighbour[q * each + j], best);
    }
  }
  free(taken);
  ck_ok(NomosNeighboursFree(&list));
}

START_TEST(test_nearest_is_what_all_pairs_say)
{
  for (int d = 2; d <= 3; d++)
    for (size_t s = 0; s < N_SETS; s++) {
      double *x = malloc((sets[s].n + 1) * 3 * sizeof *x), queries[60];
      sets[s].fill(d, sets[s].n, x);
      for (int self = 0; self < 2; self++) CheckNearest(sets[s].name, &(NomosNeighbourInput){.d = d, .n = sets[s].n, .x = x, .self = self}, 7);
      for (size_t i = 0; i < 60; i++) queries[i] = i < 20 && sets[s].n ? x[i % (sets[s].n * (size_t)d)] : -1e3 + 2e3 * Uniform(41, i);
      CheckNearest(sets[s].name, &(NomosNeighbourInput){.d = d, .n = sets[s].n, .x = x, .n_queries = (size_t)(60 / d), .queries = queries}, 100);
      CheckNearest(sets[s].name, &(NomosNeighbourInput){.d = d, .n = sets[s].n, .x = x}, 0);
      free(x);
    }
}
END_TEST

/* ---- components */

START_TEST(test_components_are_those_of_all_pairs)
{
  for (int d = 2; d <= 3; d++)
    for (size_t s = 0; s < N_SETS; s++) {
      const size_t    n = sets[s].n;
      double         *x = malloc((n + 1) * 3 * sizeof *x);
      int32_t        *component = malloc((n + 1) * sizeof *component), *truth = malloc((n + 1) * sizeof *truth);
      size_t          count, n_truth = 0, counted;
      NomosNeighbours list;

      sets[s].fill(d, n, x);
      for (size_t i = 0; i < n; i++) truth[i] = -1;
      for (size_t i = 0; i < n; i++) { /* floods, from the first point that is dry */
        if (truth[i] >= 0) continue;
        truth[i] = (int32_t)n_truth++;
        for (bool more = true; more;) {
          more = false;
          for (size_t a = 0; a < n; a++)
            for (size_t b = 0; truth[a] == truth[i] && b < n; b++)
              if (truth[b] < 0 && Square(d, x + a * (size_t)d, x + b * (size_t)d) <= sets[s].radius * sets[s].radius) {
                truth[b] = truth[i];
                more     = true;
              }
        }
      }
      ck_ok(NomosNeighboursWithin(&(NomosNeighbourInput){.d = d, .n = n, .x = x}, sets[s].radius, &list));
      ck_ok(NomosNeighboursComponents(&list, &count, component));
      ck_ok(NomosNeighboursComponents(&list, &counted, NULL));
      ck_assert_uint_eq(count, n_truth);
      ck_assert_uint_eq(counted, n_truth);
      ck_assert_msg(!memcmp(component, truth, n * sizeof *truth), "%s, d = %d: other components", sets[s].name, d);
      ck_ok(NomosNeighboursFree(&list));
      free(x);
      free(component);
      free(truth);
    }
}
END_TEST

/* ---- samples */

static double CoveringRadius(int d, size_t n, const double x[], size_t k, const int32_t sample[])
{
  double most = 0;
  for (size_t i = 0; i < n; i++) {
    double least = INFINITY;
    for (size_t j = 0; j < k; j++) least = fmin(least, Square(d, x + i * (size_t)d, x + (size_t)sample[j] * (size_t)d));
    most = fmax(most, least);
  }
  return sqrt(most);
}

/* Of 11 points any 3 can be tried; no sample covers better than half of what the farthest points do. */
START_TEST(test_farthest_points_are_within_twice_the_optimum)
{
  for (uint64_t trial = 0; trial < 20; trial++)
    for (int d = 2; d <= 3; d++) {
      double  x[33], optimum = INFINITY;
      int32_t sample[3], other[3];
      for (size_t i = 0; i < 33; i++) x[i] = Uniform(50 + trial, i);
      ck_ok(NomosSampleFarthest(d, 11, x, trial % 11, 3, sample));
      for (other[0] = 0; other[0] < 11; other[0]++)
        for (other[1] = other[0] + 1; other[1] < 11; other[1]++)
          for (other[2] = other[1] + 1; other[2] < 11; other[2]++) optimum = fmin(optimum, CoveringRadius(d, 11, x, 3, other));
      ck_assert_double_le(CoveringRadius(d, 11, x, 3, sample), 2 * optimum);
    }
}
END_TEST

START_TEST(test_farthest_points)
{
  enum { N = 9000, K = 150 };
  double  *x = malloc(3 * N * sizeof *x), covering;
  int32_t  sample[K], prefix[K], random[K], all[90];

  for (int d = 2; d <= 3; d++) {
    FillUniform(d, N, x);
    ck_ok(NomosSampleFarthest(d, N, x, 17, K, sample));
    ck_ok(NomosSampleFarthest(d, N, x, 17, K / 3, prefix));
    ck_assert(!memcmp(sample, prefix, K / 3 * sizeof *sample));
    covering = CoveringRadius(d, N, x, K, sample);
    for (size_t i = 0; i < K; i++) /* no two of the sample are nearer than the covering radius: a packing */
      for (size_t j = 0; j < i; j++) ck_assert_double_ge(sqrt(Square(d, x + (size_t)sample[i] * (size_t)d, x + (size_t)sample[j] * (size_t)d)), covering);
    for (uint64_t stream = 0; stream < 5; stream++) {
      ck_ok(NomosSampleRandom(1, stream, N, K, random));
      ck_assert_double_lt(covering, CoveringRadius(d, N, x, K, random));
    }
  }
  FillSamePlace(2, 90, x); /* of equal distances the lower number; none twice */
  ck_ok(NomosSampleFarthest(2, 90, x, 40, 90, all));
  for (int i = 0; i < 90; i++) ck_assert_int_eq(all[i], i == 0 ? 40 : i <= 40 ? i - 1 : i);
  free(x);
}
END_TEST

/* Every point is chosen equally often, k at a time, in ascending order; the same seed and stream choose the same. */
START_TEST(test_random_samples)
{
  enum { N = 20, K = 6, TRIALS = 20000 };
  int     chosen[N] = {0};
  int32_t sample[N], again[N];

  for (uint64_t t = 0; t < TRIALS; t++) {
    ck_ok(NomosSampleRandom(3, t, N, K, sample));
    for (int i = 0; i < K; i++) {
      ck_assert(!i || sample[i] > sample[i - 1]);
      chosen[sample[i]]++;
    }
  }
  for (int i = 0; i < N; i++) ck_assert_double_lt(fabs(chosen[i] - TRIALS * 0.3), 5 * sqrt(TRIALS * 0.3 * 0.7)); /* five deviations */
  ck_ok(NomosSampleRandom(3, TRIALS - 1, N, K, again));
  ck_assert(!memcmp(sample, again, K * sizeof *sample));
  ck_ok(NomosSampleRandom(3, 0, N, N, sample));
  for (int i = 0; i < N; i++) ck_assert_int_eq(sample[i], i);
  ck_ok(NomosSampleRandom(3, 0, 0, 0, sample));
}
END_TEST

/* ---- threads, growth, mistakes */

START_TEST(test_any_number_of_threads)
{
  enum { N = 20000, K = 20 };
  const int most = omp_get_max_threads();
  double   *x    = malloc(3 * N * sizeof *x);

  for (int d = 2; d <= 3; d++) {
    const NomosNeighbourInput in = {.d = d, .n = N, .x = x};
    NomosNeighbours           within[2], nearest[2];
    int32_t                   sample[2][K];
    FillUniform(d, N, x);
    for (int run = 0; run < 2; run++) {
      omp_set_num_threads(run ? 3 : 1);
      ck_ok(NomosNeighboursWithin(&in, d == 2 ? 0.015 : 0.05, &within[run]));
      ck_ok(NomosNeighboursNearest(&in, 9, &nearest[run]));
      ck_ok(NomosSampleFarthest(d, N, x, 0, K, sample[run]));
    }
    ck_assert_uint_eq(within[0].n, within[1].n);
    ck_assert(!memcmp(within[0].first, within[1].first, (N + 1) * sizeof *within[0].first));
    ck_assert(!memcmp(within[0].neighbour, within[1].neighbour, within[0].n * sizeof *within[0].neighbour));
    ck_assert(!memcmp(nearest[0].neighbour, nearest[1].neighbour, nearest[0].n * sizeof *nearest[0].neighbour));
    ck_assert(!memcmp(sample[0], sample[1], sizeof sample[0]));
    for (int run = 0; run < 2; run++) {
      ck_ok(NomosNeighboursFree(&within[run]));
      ck_ok(NomosNeighboursFree(&nearest[run]));
    }
  }
  omp_set_num_threads(most);
  free(x);
}
END_TEST

/* Sixteen times the points at the same number of neighbours: about sixteen times the processor's time (all pairs would take 256 times), also where they are heaps in a huge box. */
START_TEST(test_time_grows_with_points)
{
  const int most = omp_get_max_threads();
  double   *x    = malloc(2 * 160000 * sizeof *x);

  omp_set_num_threads(1);
  for (int heaps = 0; heaps < 2; heaps++) {
    double seconds[2] = {INFINITY, INFINITY};
    for (int large = 0; large < 2; large++)
      for (int trial = 0; trial < 3; trial++) {
        const size_t    n = large ? 160000 : 10000;
        NomosNeighbours list;
        (heaps ? FillClustered : FillUniform)(2, n, x);
        const clock_t start = clock();
        ck_ok(NomosNeighboursWithin(&(NomosNeighbourInput){.d = 2, .n = n, .x = x}, (heaps ? 0.3 * sqrt(3) : 1) * sqrt(14 / (3.14159 * (double)n)), &list));
        seconds[large] = fmin(seconds[large], (double)(clock() - start) / CLOCKS_PER_SEC);
        ck_assert_double_lt(fabs((double)list.n / (double)n - 14), 1);
        ck_ok(NomosNeighboursFree(&list));
      }
    ck_assert_double_lt(seconds[1], 50 * seconds[0]);
  }
  omp_set_num_threads(most);
  free(x);
}
END_TEST

START_TEST(test_mistakes_are_sentences)
{
  const double    x[] = {0, 0, 1, NAN, 2, 2}, good[] = {0, 0, 1, 1};
  NomosNeighbours list;
  int32_t         sample[4];
  size_t          n;

  ck_refused(NomosNeighboursWithin(&(NomosNeighbourInput){.d = 2, .n = 3, .x = x}, 1, &list), "point 1 is at y = nan");
  ck_refused(NomosNeighboursNearest(&(NomosNeighbourInput){.d = 2, .n = 2, .x = good, .n_queries = 3, .queries = x}, 1, &list), "query 1 is at y = nan");
  ck_refused(NomosNeighboursWithin(&(NomosNeighbourInput){.d = 4, .n = 1, .x = good}, 1, &list), "2 or 3");
  ck_refused(NomosNeighboursWithin(&(NomosNeighbourInput){.d = 2, .n = 2, .x = good}, 0, &list), "radius of 0");
  ck_refused(NomosNeighboursWithin(&(NomosNeighbourInput){.d = 2, .n = 2, .x = good}, INFINITY, &list), "radius of inf");
  ck_refused(NomosSampleRandom(0, 0, 3, 4, sample), "4 of 3");
  ck_refused(NomosSampleFarthest(2, 2, good, 2, 1, sample), "from point 2");
  ck_refused(NomosSampleFarthest(2, 3, x, 0, 1, sample), "point 1");
  ck_ok(NomosNeighboursWithin(&(NomosNeighbourInput){.d = 2, .n = 2, .x = good, .n_queries = 1, .queries = good}, 1, &list));
  ck_refused(NomosNeighboursComponents(&list, &n, NULL), "queries must be the points");
  ck_ok(NomosNeighboursFree(&list));
}
END_TEST

NOMOS_TEST_SUITE("neighbours", test_within_is_what_all_pairs_say, test_nearest_is_what_all_pairs_say, test_components_are_those_of_all_pairs, test_farthest_points_are_within_twice_the_optimum, test_farthest_points, test_random_samples,
                 test_any_number_of_threads, test_time_grows_with_points, test_mistakes_are_sentences)
