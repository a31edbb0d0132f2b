/* The surrogate `sympnet`: which frames an example has, what its loss and its figures are. With weights of zero the map is the identity, and all of these can be counted. */
#include "cases/train.h"
#include "surrogates/surrogate_list.h"
#include "tests/harness.h"

#include <hdf5.h>

enum { N_TRAJECTORIES = 2, N_FRAMES = 8 };

/* Of trajectory i and frame f: q = f^2, p = (i + 1) f; two states of a frame: the second one twice the first. */
static void MakeData(size_t n_states, char path[NOMOS_MAX_PATH])
{
  double x[N_TRAJECTORIES][N_FRAMES][2][2];
  for (int i = 0; i < N_TRAJECTORIES; i++)
    for (int f = 0; f < N_FRAMES; f++)
      for (size_t k = 0; k < n_states; k++) {
        double *at = &x[0][0][0][0] + ((size_t)(i * N_FRAMES + f) * n_states + k) * 2;
        at[0]      = (double)(k + 1) * f * f;
        at[1]      = (double)(k + 1) * (i + 1) * f;
      }
  snprintf(path, NOMOS_MAX_PATH, "%.3000s/data_%zu.h5", ck_directory, n_states);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(n_states == 1 ? 3 : 4, n_states == 1 ? (hsize_t[]){N_TRAJECTORIES, N_FRAMES, 2} : (hsize_t[]){N_TRAJECTORIES, N_FRAMES, n_states, 2}, NULL);
  hid_t set  = H5Dcreate2(file, "x", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  H5Dclose(set);
  H5Sclose(space);
  H5Fclose(file);
}

/* `settings` end with NULL. */
static PetscErrorCode Create(size_t n_states, const char *const settings[], NomosConfig *config, NomosSurrogate *s)
{
  static const NomosModelOps *const no_models[] = {NULL};
  const NomosSurrogateOps          *ops;
  char                              path[NOMOS_MAX_PATH], yaml[NOMOS_MAX_PATH];
  size_t                            n = 0;
  FILE                             *file;

  PetscFunctionBeginUser;
  MakeData(n_states, path);
  snprintf(yaml, sizeof yaml, "%.3000s/case.yaml", ck_directory);
  file = fopen(yaml, "w");
  fprintf(file, "case: {units: nondimensional, title: test}\nsurrogate: sympnet\ndata: {path: %s, validation: 0, test: 0}\ntrain: {precision: float64}\n", path);
  fclose(file);
  while (settings[n]) n++;
  PetscCall(NomosTrainingCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = yaml, .models = no_models, .n_set = n, .set = (const char **)settings}, nomos_surrogates, config, &ops));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = ops, .config = *config}, s));
  void *weights;
  PetscCall(NomosParametersEdit((*s)->parameters, &weights));
  memset(weights, 0, NomosParametersSize((*s)->parameters) * sizeof(double));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void End(NomosConfig *config, NomosSurrogate *s)
{
  if (*s) ck_ok(NomosSurrogateDestroy(s));
  if (*config) ck_ok(NomosConfigDestroy(config));
}

static double LossOf(NomosSurrogate s, NomosSplit split, size_t example)
{
  NomosTape        tape;
  NomosTensor      w[64], loss;
  double           value;
  const NomosBatch batch = {.split = split, .n = 1, .examples = &example};
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

/* Mean square of the way from frame f of trajectory i to frame f + n. */
static double Way(int i, int f, int n)
{
  const double dq = (double)((f + n) * (f + n) - f * f), dp = (double)((i + 1) * n);
  return (dq * dq + dp * dp) / 2;
}

/* The first three pairs of either trajectory are trained on, the next two are the test; or windows of three frames. */
START_TEST(Examples)
{
  NomosConfig    config;
  NomosSurrogate s;
  ck_ok(Create(1, (const char *const[]){"sympnet.train=3", "sympnet.test=2", NULL}, &config, &s));
  ck_assert(s->n_examples[NOMOS_SPLIT_TRAIN] == 6 && s->n_examples[NOMOS_SPLIT_TEST] == 4);
  for (size_t e = 0; e < 6; e++) ck_close(LossOf(s, NOMOS_SPLIT_TRAIN, e), Way((int)e / 3, (int)e % 3, 1), 1e-14);
  for (size_t e = 0; e < 4; e++) ck_close(LossOf(s, NOMOS_SPLIT_TEST, e), Way((int)e / 2, 3 + (int)e % 2, 1), 1e-14);
  End(&config, &s);
  ck_ok(Create(1, (const char *const[]){"sympnet.window=3", NULL}, &config, &s));
  ck_assert(s->n_examples[NOMOS_SPLIT_TRAIN] == 12 && !s->n_examples[NOMOS_SPLIT_TEST]);
  for (size_t e = 0; e < 12; e++) ck_close(LossOf(s, NOMOS_SPLIT_TRAIN, e), (Way((int)e / 6, (int)e % 6, 1) + Way((int)e / 6, (int)e % 6, 2)) / 2, 1e-14);
  End(&config, &s);
  /* frames of two states, as a run has them */
  ck_ok(Create(2, (const char *const[]){"sympnet.train=3", NULL}, &config, &s));
  ck_assert(s->n_examples[NOMOS_SPLIT_TRAIN] == 6 && s->n_examples[NOMOS_SPLIT_TEST] == 8);
  for (size_t e = 0; e < 8; e++) ck_close(LossOf(s, NOMOS_SPLIT_TEST, e), (1 + 4) / 2. * Way((int)e / 4, 3 + (int)e % 4, 1), 1e-13);
  End(&config, &s);
}
END_TEST

typedef struct {
  size_t n;
  char   names[8][NOMOS_MAX_NAME];
  double values[8];
} Figures;

static PetscErrorCode Take(const char name[], double value, void *ctx)
{
  Figures *figures = ctx;
  snprintf(figures->names[figures->n], NOMOS_MAX_NAME, "%s", name);
  figures->values[figures->n++] = value;
  return PETSC_SUCCESS;
}

/* With shifts alone, p moves by h b a step: pairs, iterates and their energy are counted. */
START_TEST(Evaluation)
{
  static const char *const names[] = {"pair_mse", "orbit_mse_2", "energy_deviation_2", "orbit_mse_4", "energy_deviation_4"};
  double                   exact[5] = {0};
  NomosConfig              config;
  NomosSurrogate           s;
  Figures                  figures = {0};
  size_t                   number;
  ck_ok(Create(1, (const char *const[]){"sympnet.layers=1", "sympnet.train=3", "sympnet.test=2", "sympnet.step=0.5", "sympnet.energy=p1^2 + q1", "sympnet.rollouts=[2, 4]", NULL}, &config, &s));
  ck_ok(NomosParametersFind(s->parameters, "sympnet.0.shift_of_p", &number));
  ck_ok(NomosParametersSet(s->parameters, number, &(double){6}));
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, Take, &figures));
  for (int i = 0; i < 2; i++) {
    const double p = 3 * (i + 1);
    for (int f = 3; f < 5; f++) exact[0] += (pow(2 * f + 1, 2) + pow(i + 1 - 3, 2)) / 8;
    for (int r = 0; r < 2; r++)
      for (int k = 0; k <= 2 * (r + 1); k++) {
        exact[1 + 2 * r] += (pow(6 * k + k * k, 2) + pow(k * (i + 1 - 3), 2)) / (2. * 2 * (2 * (r + 1) + 1));
        exact[2 + 2 * r] = fmax(exact[2 + 2 * r], pow(p + 3 * k, 2) - p * p);
      }
  }
  ck_assert_int_eq(figures.n, 5);
  for (int i = 0; i < 5; i++) {
    ck_assert_str_eq(figures.names[i], names[i]);
    ck_close(figures.values[i], exact[i], 1e-12 * exact[i]);
  }
  End(&config, &s);
}
END_TEST

START_TEST(Refused)
{
  static const struct {
    const char *settings[4], *sentence;
  } bad[] = {
    {{"sympnet.train=5", "sympnet.test=3"}, "a trajectory of the data has 7 examples"},
    {{"sympnet.energy=p2"}, "sympnet.energy: "},
    {{"sympnet.layers=100"}, "at most 256 are possible"},
    {{"sympnet.window=9"}, "8"},
    {{"sympnet.train=3", "sympnet.rollouts=[4, 5]"}, "the data know 4 after"},
    {{"sympnet.window=3", "sympnet.rollouts=[8]"}, "the data know 7 after"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    NomosConfig    config = NULL;
    NomosSurrogate s      = NULL;
    ck_refused(Create(1, bad[i].settings, &config, &s), bad[i].sentence);
    End(&config, &s);
  }
}
END_TEST

NOMOS_TEST_SUITE("sympnet", Examples, Evaluation, Refused)
