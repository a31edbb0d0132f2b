/* The surrogate of decoders: motions that a decoder is exact for have no error, whatever is learned; ranks change no number; the loss has its derivative; clouds are compared as such; mistakes are told. */
#include "particle_setup.h"

#include "surrogates/point_clouds.h"

#include <sys/stat.h>

/* The surrogate of a file of the suite's directory with settings (they end with NULL). */
static PetscErrorCode Create(MPI_Comm comm, const char file[], const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  static const NomosModelOps *const no_models[] = {NULL};
  const NomosSurrogateOps          *ops;
  const char                       *all[32] = {"train.precision=float64", "kernel.units=4", "kernel.layers=1", "kernel.neighbours=8"};
  char                              yaml[NOMOS_MAX_PATH];
  size_t                            n = 1;
  int                               rank;

  PetscFunctionBeginUser;
  *config = NULL;
  *s      = NULL;
  if (!strstr(settings[0], "kind=")) n = 4;
  for (size_t i = 0; settings[i]; i++) all[n++] = settings[i];
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(yaml, sizeof yaml, "%.2000s/case.yaml", ck_directory);
  MPI_Barrier(PETSC_COMM_WORLD); /* the last one has been read */
  if (!rank) {
    FILE *out = fopen(yaml, "w");
    fprintf(out, "case: {title: test}\nsurrogate: particle_decoder\ndata: {path: %.2000s/%s, validation: 0.2, test: 0.2}\nparticle_decoder: {sparse: [10, 20], points: 25}\n%s", ck_directory, file, n > 4 && strstr(all[1], "kernel") ? "particle_decoder.kind: kernel\n" : "");
    fclose(out);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  PetscCall(NomosTrainingCaseLoad(comm, &(NomosCaseInput){.path = yaml, .models = no_models, .n_set = n, .set = all}, nomos_surrogates, config, &ops));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = comm, .ops = ops, .config = *config}, s));
  PetscCall(ops->fit(*s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void End(NomosConfig *config, NomosSurrogate *s)
{
  if (*s) ck_ok(NomosSurrogateDestroy(s));
  if (*config) ck_ok(NomosConfigDestroy(config));
}

static void Data(const char name[])
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) WriteClouds(name, &(CloudData){.n = 5, .n_frames = 6, .n_particles = 40, .d = 2, .seed = 3});
  MPI_Barrier(PETSC_COMM_WORLD);
}

typedef struct {
  size_t n;
  char   names[64][64];
  double values[64];
} Told;

static PetscErrorCode Take(const char name[], double value, void *ctx)
{
  Told *told = ctx;

  PetscFunctionBeginUser;
  snprintf(told->names[told->n], sizeof told->names[0], "%s", name);
  told->values[told->n++] = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Number(const Told *told, const char name[])
{
  for (size_t i = 0; i < told->n; i++)
    if (!strcmp(told->names[i], name)) return told->values[i];
  ck_abort_msg("no result %s", name);
  return NAN;
}

/* Clouds that are pulled towards a point move affinely: kernel and mls are exact, Shepard is not; on every number of ranks the same bits. */
START_TEST(affine_motions)
{
  Told           told[2] = {{0}};
  NomosConfig    config;
  NomosSurrogate s;
  char           folder[NOMOS_MAX_PATH + 64];
  int            rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(folder, sizeof folder, "%s/clouds", ck_directory);
  if (!rank) ck_assert(!mkdir(folder, 0700));
  snprintf(folder, sizeof folder, "%s/clouds/tests", ck_directory);
  if (!rank) ck_assert(!mkdir(folder, 0700));
  Data("clouds/data.h5");
  Data("clouds/tests/unseen.h5");
  for (int alone = 0; alone < 2; alone++) {
    ck_ok(Create(alone ? PETSC_COMM_SELF : PETSC_COMM_WORLD, "clouds", (const char *const[]){"particle_decoder.cloud_frames=2", "particle_decoder.draws=2", NULL}, &config, &s));
    ck_assert_uint_eq(s->n_examples[NOMOS_SPLIT_TRAIN], 15);
    ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, Take, &told[alone]));
    ck_ok(s->ops->results(s, Take, &told[alone]));
    End(&config, &s);
  }
  for (size_t i = 0; i < told[0].n; i++) ck_assert_msg(told[0].values[i] == told[1].values[i] || told[0].values[i] < 1e-25, "%s: %g and %g", told[0].names[i], told[0].values[i], told[1].values[i]);
  ck_assert_uint_eq(told[0].n, told[1].n);
  ck_assert_double_lt(Number(told, "mse_of_10"), 1e-28);
  ck_assert_double_lt(Number(told, "mls_mse_of_20"), 1e-28);
  ck_assert_double_gt(Number(told, "shepard_mse_of_20"), 1e-8);
  ck_assert_double_lt(Number(told, "unseen_mse_of_20"), 1e-28);
  ck_assert_double_lt(Number(told, "unseen_chamfer_of_20"), 1e-28);
  ck_assert_double_gt(Number(told, "shepard_chamfer_of_10"), 1e-9);
}
END_TEST

START_TEST(loss_and_its_derivative)
{
  static const char *const kinds[][4] = {{"particle_decoder.frames=3", NULL}, {"particle_decoder.kind=grid_splat", "grid_splat.cells=8", "grid_splat.units=8", NULL}, {"particle_decoder.kind=neural_field", "neural_field.units=8", "neural_field.rank=3", NULL}};

  Data("clouds.h5");
  for (size_t k = 0; k < 3; k++) {
    NomosConfig    config;
    NomosSurrogate s;
    NomosTape      tape;
    NomosTensor    w[64], loss;
    double         values[2], *gradient, slope = 0;
    void          *edit;
    const double   h = 1e-6;
    ck_ok(Create(PETSC_COMM_SELF, "clouds.h5", kinds[k], &config, &s));
    const size_t n = NomosParametersSize(s->parameters);
    gradient       = malloc(n * sizeof *gradient);
    NomosBatch batch = {.split = NOMOS_SPLIT_TRAIN, .training = true, .n = 3, .examples = (const size_t[]){0, 5, 8}, .n_epochs = 1, .seed = 2};
    ck_ok(NomosTapeCreate(&tape));
    for (int side = -1; side <= 1; side++) {
      ck_ok(NomosTapeReset(tape));
      ck_ok(NomosParametersEdit(s->parameters, &edit));
      for (size_t i = 0; i < n; i++) ((double *)edit)[i] += (side == 0 ? 1 : side) * h * NomosRandomNormal(1, 1, i); /* -h, 0, h */
      ck_ok(NomosParametersBind(s->parameters, tape, w));
      ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
      if (side) ck_ok(NomosTensorGetScalar(loss, &values[side > 0]));
      else ck_ok(NomosParametersGradient(s->parameters, loss, w, gradient));
    }
    for (size_t i = 0; i < n; i++) slope += gradient[i] * NomosRandomNormal(1, 1, i);
    if (k) ck_close((values[1] - values[0]) / (2 * h), slope, 1e-4);
    else ck_assert(values[1] < 1e-20 && fabs(slope) < 1e-12); /* exact whatever the weights are */
    free(gradient);
    ck_ok(NomosTapeDestroy(&tape));
    End(&config, &s);
  }
}
END_TEST

START_TEST(clouds)
{
  const double x[] = {0, 0, 1, 0, 0, 1}, y[] = {0.1, 0, 1, 0.2, 3, 3};
  NomosClouds  c   = {.d = 2, .n = 3, .m = 2, .x = x, .y = y};
  double       distance, overlap;

  ck_ok(NomosChamferDistance(&c, &distance)); /* x to y: 0.01, 0.04, 1.01; y to x: 0.01, 0.04 */
  ck_close(distance, ((0.01 + 0.04 + 1.01) / 3 + 0.05 / 2) / 2, 1e-14);
  ck_ok(NomosOccupancy(&c, 0.5, &overlap)); /* x in three cells, y in two of these */
  ck_close(overlap, 2. / 3, 1e-14);
  c.m = 3;
  ck_ok(NomosOccupancy(&c, 0.5, &overlap));
  ck_close(overlap, 0.5, 1e-14);
  ck_ok(NomosOccupancy(&(NomosClouds){.d = 2, .n = 3, .m = 3, .x = x, .y = x}, 0.01, &overlap));
  ck_assert(overlap == 1);
  ck_refused(NomosOccupancy(&c, 0, &overlap), "cells of side 0: must be greater than 0");
  c.n = 0;
  ck_refused(NomosChamferDistance(&c, &distance), "a cloud has no point");
}
END_TEST

START_TEST(mistakes)
{
  static const struct {
    const char *set[3], *message;
  } list[] = {
    {{"train.seed=1", "particle_decoder.sparse=[10.5]"}, "particle_decoder.sparse has the entry 10.5: must be whole numbers of points"},
    {{"train.seed=1", "particle_decoder.beside=[mls, kernel]"}, "particle_decoder.beside has kernel: only decoders without weights"},
    {{"train.seed=1", "particle_decoder.beside=[pod]"}, "pod.points is missing"},
    {{"particle_decoder.beside=[pod]", "pod.points=40"}, "pod.points = 40, but "},
    {{"particle_decoder.kind=grid", "train.seed=1"}, "must be one of"},
  };

  Data("clouds.h5");
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    ck_refused(Create(PETSC_COMM_WORLD, "clouds.h5", list[i].set, &config, &s), list[i].message);
    End(&config, &s);
  }
  NomosConfig    config;
  NomosSurrogate s;
  char           set[NOMOS_MAX_PATH + 64];
  int            rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) WriteClouds("honey.h5", &(CloudData){.n = 1, .n_frames = 6, .n_particles = 40, .d = 2, .seed = 3, .second_kind = "honey"});
  snprintf(set, sizeof set, "particle_decoder.tests.sweet.path=%s/honey.h5", ck_directory);
  ck_refused(Create(PETSC_COMM_WORLD, "clouds.h5", (const char *const[]){"train.seed=1", set, NULL}, &config, &s), "particle_decoder.tests.sweet: ");
  ck_assert_msg(strstr(NomosErrorLast(), "particle 1 is of honey, which was never seen in the training; it knows jelly, water"), "%s", NomosErrorLast());
  End(&config, &s);
}
END_TEST

NOMOS_TEST_SUITE("particle_decoder", affine_motions, loss_and_its_derivative, clouds, mistakes)
