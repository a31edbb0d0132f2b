/* An analysis whose members are divided among ranks, against one rank that has them all, and threads against one: the same bits. */
#include "analysis_setup.h"

#include <cblas.h>
#include <omp.h>

enum { K = 26,
       N_LAYERS = 3,
       N_X      = 48,
       N_Y      = 5,
       N        = N_LAYERS * N_X * N_Y,
       N_LOOKS  = 60 };

typedef struct {
  double           states[K * N], seen[K * N_LOOKS], mean[2][N], spread[2][N], ranks[K + 1];
  NomosInnovations sums;
  double           factors[N_X * N_Y];
} Result;

static double static_states[9 * N], static_seen[9 * N_LOOKS], x[N_X * N_Y], y[N_X * N_Y], at[2][N_LOOKS], values[N_LOOKS], deviations[N_LOOKS];
static size_t layers[N_LOOKS];

/* Two analyses, one after the other, of members [first, first + n_own). */
static void Analyse(MPI_Comm comm, const char name[], size_t first, size_t n_own, Result *result)
{
  const NomosAnalysisPlaces places = {
    .n_columns = N_X * N_Y, .x = x, .y = y, .period = {N_X, 0}
  };
  NomosAnalysis      analysis;
  NomosAnalysisInput input = {.places = &places, .radius = strcmp(name, "etkf") ? 6 : 0, .inflation = 1.1, .adaptive = strcmp(name, "enkf"), .adaptive_deviation = 0.1, .relaxation = 0.4, .gain = 0.5, .n_static = 9, .static_states = static_states, .seed = 3};
  size_t             n;
  double            *factors;

  ck_ok(NomosAnalysisFind(name, "method", &input.method));
  memset(result, 0, sizeof *result);
  result->sums.ranks = result->ranks;
  for (size_t i = 0; i < K * N; i++) result->states[i] = Normal(1, i);
  for (size_t i = 0; i < K * N_LOOKS; i++) result->seen[i] = Normal(2, i);
  ck_ok(NomosAnalysisCreate(comm, K, N, &input, &analysis));
  for (uint64_t cycle = 0; cycle < 2; cycle++) {
    const NomosObservationSet set = {.n = N_LOOKS, .layer = layers, .x = at[0], .y = at[1], .value = values, .deviation = deviations};
    ck_ok(NomosAnalysisApply(analysis, &(NomosEnsemble){
                                         .n_own = n_own, .n_state = N, .states = result->states + first * N, .set = &set, .seen = result->seen + first * N_LOOKS, .static_seen = static_seen, .cycle = cycle, .mean = {result->mean[0],   result->mean[1]  },
                                                                        .spread = {result->spread[0], result->spread[1]},
                                                                        .innovations = &result->sums
    }));
  }
  ck_ok(NomosAnalysisInflation(analysis, &n, &factors));
  memcpy(result->factors, factors, n * sizeof *factors);
  ck_ok(NomosAnalysisDestroy(&analysis));
}

START_TEST(test_ranks_and_threads_agree)
{
  const char *const names[] = {"letkf", "etkf", "enkf", "nudging", "optimal_interpolation"};
  static Result     whole, part, threads;
  int               rank, size;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (size_t c = 0; c < N_X * N_Y; c++) {
    x[c] = (double)(c % N_X);
    y[c] = (double)(c / N_X);
  }
  for (size_t o = 0; o < N_LOOKS; o++) {
    layers[o]     = o % N_LAYERS;
    at[0][o]      = N_X * NomosRandomUniform(5, 0, o);
    at[1][o]      = N_Y * NomosRandomUniform(5, 1, o);
    values[o]     = Normal(3, o);
    deviations[o] = 0.3 + 0.5 * NomosRandomUniform(5, 2, o);
  }
  for (size_t i = 0; i < 9 * N; i++) static_states[i] = Normal(4, i);
  for (size_t i = 0; i < 9 * N_LOOKS; i++) static_seen[i] = Normal(5, i);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const size_t first = K * (size_t)rank / (size_t)size, n_own = K * ((size_t)rank + 1) / (size_t)size - first;
    omp_set_num_threads(1);
    Analyse(PETSC_COMM_SELF, names[i], 0, K, &whole);
    Analyse(PETSC_COMM_WORLD, names[i], first, n_own, &part);
    ck_assert_mem_eq(part.states + first * N, whole.states + first * N, n_own * N * sizeof(double));
    ck_assert_mem_eq(part.mean, whole.mean, sizeof whole.mean);
    ck_assert_mem_eq(part.spread, whole.spread, sizeof whole.spread);
    ck_assert_mem_eq(part.factors, whole.factors, sizeof whole.factors);
    ck_assert_mem_eq(part.ranks, whole.ranks, sizeof whole.ranks);
    ck_assert_double_eq(part.sums.chi_squared, whole.sums.chi_squared);
    omp_set_num_threads(3);
    openblas_set_num_threads(3); /* as OMP_NUM_THREADS would */
    Analyse(PETSC_COMM_SELF, names[i], 0, K, &threads);
    ck_assert_mem_eq(threads.states, whole.states, sizeof whole.states);
    ck_assert_double_ne(whole.states[0], Normal(1, 0));
  }
}
END_TEST

NOMOS_TEST_SUITE("assimilation over ranks", test_ranks_and_threads_agree)
