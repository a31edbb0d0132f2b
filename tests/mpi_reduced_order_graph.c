/* A step of particles that several ranks learn has the weights that one rank finds, to rounding, and is judged alike. */
#include "tests/particle_setup.h"

static void Learn(MPI_Comm comm, const char *const settings[], double **weights, size_t *n, Figures *figures)
{
  NomosConfig         config;
  NomosSurrogate      s;
  NomosTrainingStatus status;
  ck_ok(CreateGraph(comm, "clouds.h5", settings, &config, &s));
  TrainGraph(s, 0, false, &status, weights, n);
  figures->n = 0;
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, TakeFigure, figures));
  ck_ok(s->ops->results(s, TakeFigure, figures));
  EndGraph(&config, &s);
}

START_TEST(Ranks)
{
  static const char *const settings[] = {"data.test=0.4", "data.validation=0.2", "train.epochs=2", "train.batch=6", "train.optimiser=sgd", "train.learning_rate=0.001", "reduced_order_graph.mirror=x", "reduced_order_graph.sweep=[0.5, 1.5]", NULL}; /* Adam would divide gradients that are nothing but rounding by their size */
  double                  *weights[2];
  size_t                   n[2];
  Figures                  figures[2];
  int                      rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) WriteClouds("clouds.h5", &(CloudData){.n = 5, .n_frames = 12, .n_particles = 9, .d = 2, .seed = 7});
  MPI_Barrier(PETSC_COMM_WORLD);
  Learn(PETSC_COMM_WORLD, settings, &weights[0], &n[0], &figures[0]);
  Learn(PETSC_COMM_SELF, settings, &weights[1], &n[1], &figures[1]);
  ck_assert(n[0] == n[1] && figures[0].n == figures[1].n && figures[0].n > 10);
  for (size_t i = 0; i < n[0]; i++) ck_assert_double_eq_tol(weights[0][i], weights[1][i], 1e-12);
  for (size_t i = 0; i < figures[0].n; i++) ck_close(figures[0].values[i], figures[1].values[i], 1e-9);
  ck_assert(Figure(&figures[0], "points_3_rollout_mse") > 0 && Figure(&figures[0], "points_9_rollout_mse") > 0);
  for (int i = 0; i < 2; i++) ck_ok(PetscFree(weights[i]));
}
END_TEST

NOMOS_TEST_SUITE("reduced_order_graph on ranks", Ranks)
