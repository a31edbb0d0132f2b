/* Meta-training on one rank and several: the same weights to rounding, on every rank the same bits, and a resume that goes on bit for bit. */
#include "tests/meta_setup.h"
#include "tests/training_setup.h"

enum { MAX_WEIGHTS = 2048 };

/* Train, to step `stop` (0: to the end), or from the checkpoint there; the weights. */
static size_t Train(MPI_Comm comm, const char *const settings[], int64_t stop, bool resume, double weights[])
{
  NomosConfig    config;
  NomosSurrogate s;
  NomosTraining  training;
  const void    *values;
  ck_ok(MetaTry(comm, settings, &config, &s));
  ck_ok(NomosTrainingCreate(s, &training));
  if (resume) TrainingTake(comm, training);
  (void)TrainingGo(comm, training, resume ? 0 : stop);
  const size_t n = NomosParametersSize(s->parameters);
  ck_assert(n <= MAX_WEIGHTS);
  ck_ok(NomosParametersValues(s->parameters, &values));
  memcpy(weights, values, n * sizeof *weights);
  ck_ok(NomosTrainingDestroy(&training));
  MetaEnd(&config, &s);
  return n;
}

START_TEST(test_ranks)
{
  static const char *const tries[][4] = {
    {"hamiltonian_meta.inner_steps=2",     "hamiltonian_meta.held_out=pair"},
    {"hamiltonian_meta.method=last_layer", "train.batch=5",                  "hamiltonian.network=self_pair"}, /* tasks of two sizes; ranks with unequal shares */
    {"hamiltonian_meta.method=modulation",                                    "hamiltonian_meta.code=4"                                },
  };
  static double one[MAX_WEIGHTS], all[MAX_WEIGHTS], first[MAX_WEIGHTS];
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    const size_t n = Train(PETSC_COMM_SELF, tries[i], 0, false, one);
    Train(PETSC_COMM_WORLD, tries[i], 0, false, all);
    memcpy(first, all, sizeof first);
    MPI_Bcast(first, (int)n, MPI_DOUBLE, 0, PETSC_COMM_WORLD);
    ck_assert_msg(!memcmp(first, all, n * sizeof *all), "%s: other weights than on rank 0", tries[i][0]);
    for (size_t k = 0; k < n; k++) ck_assert_msg(fabs(one[k] - all[k]) < 1e-9, "%s: weight %zu is %.15g, on one rank %.15g", tries[i][0], k, all[k], one[k]);
  }
}
END_TEST

START_TEST(test_resume)
{
  static const char *const settings[] = {"hamiltonian_meta.inner_steps=2", NULL};
  static double            whole[MAX_WEIGHTS], parts[MAX_WEIGHTS];
  const size_t             n = Train(PETSC_COMM_WORLD, settings, 0, false, whole);
  Train(PETSC_COMM_WORLD, settings, 3, false, parts);
  ck_assert(memcmp(whole, parts, n * sizeof *whole));
  Train(PETSC_COMM_WORLD, settings, 3, true, parts);
  ck_assert(!memcmp(whole, parts, n * sizeof *whole));
}
END_TEST

NOMOS_TEST_SUITE("meta-learning on ranks", test_ranks, test_resume)
