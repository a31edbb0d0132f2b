/* The models of learned Hamiltonian systems, hamiltonian_network and symplectic_map: what they integrate for long, their weights from files, what is refused. */
#include "cases/run_params.h"
#include "io/safetensors.h"
#include "operators/random.h"
#include "surrogates/hamiltonian/sympnet_impl.h"
#include "tests/harness.h"

#include <math.h>

extern const NomosModelOps NomosModelOps_HamiltonianNetwork;
static const NomosModelOps *const network = &NomosModelOps_HamiltonianNetwork, *const map = &NomosModelOps_SymplecticMap;

/* `settings` end with NULL. */
static PetscErrorCode Begin(const NomosModelOps *ops, const char *const settings[], NomosConfig *config, NomosModel *model)
{
  char solver[64];

  PetscFunctionBeginUser;
  snprintf(solver, sizeof solver, "solver=%s", ops->name);
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, config));
  PetscCall(NomosConfigSet(*config, solver));
  for (const char *const *setting = settings; *setting; setting++) PetscCall(NomosConfigSet(*config, *setting));
  PetscCall(NomosConfigSetNondimensional(*config, true));
  PetscCall(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(*config, ops->n_params, ops->params));
  PetscCall(NomosConfigCheck(*config));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, *config, model));
  PetscCall(ops->initialise(*model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void End(NomosConfig *config, NomosModel *model)
{
  ck_ok(NomosModelDestroy(model));
  ck_ok(NomosConfigDestroy(config));
}

/* Largest relative error of its own energy over the first tenth of 1e4 steps, and over all. The weights are random ones with closed orbits of a period of about 40 steps. */
static void Errors(const char scheme[], double *tenth, double *all)
{
  enum { STEPS = 10000 };
  char              choice[32];
  const char *const settings[] = {choice, "hamiltonian_network.weights_seed=3", "hamiltonian_network.degrees=1", "hamiltonian.width=16", "initial.state=[1, 0]", "time.dt=2", "time.stop=1e5", NULL};
  NomosConfig       config;
  NomosModel        model;
  double            scalars[3];

  snprintf(choice, sizeof choice, "time.scheme=%s", scheme);
  ck_ok(Begin(network, settings, &config, &model));
  *all = 0;
  for (int step = 1; step <= STEPS; step++) {
    ck_ok(network->step(model));
    if (step % 5) continue;
    ck_ok(network->evaluate_scalars(model, scalars));
    *all = fmax(*all, scalars[2]);
    if (step == STEPS / 10) *tenth = *all;
  }
  End(&config, &model);
}

/* A learned H keeps its own energy under a symplectic scheme, and loses it steadily under another of the same order. */
START_TEST(Bounded)
{
  double tenth, all;
  Errors("midpoint", &tenth, &all);
  ck_assert_msg(all > 1e-6 && all < 1e-2 && all < 2 * tenth, "midpoint: %.2e, then %.2e", tenth, all);
  Errors("gauss4", &tenth, &all);
  ck_assert_msg(all > 1e-10 && all < 1e-5 && all < 2 * tenth, "gauss4: %.2e, then %.2e", tenth, all);
  Errors("rk4", &tenth, &all);
  ck_assert_msg(all > 8 * tenth, "rk4: %.2e, then %.2e", tenth, all);
}
END_TEST

/* ---- files */

typedef struct {
  const char   *path, *architecture;
  NomosRealType type;
  size_t        n;
  struct {
    const char *name;
    int         n_dims;
    size_t      shape[2];
  } tensors[16];
} Weights;

/* Random numbers, the same whatever the type, as they are rounded to float32. */
static const char *Write(const Weights *w)
{
  static double              values[16][512];
  NomosSafetensor            tensors[16];
  const NomosSafetensorsText texts[] = {{"coordinates", "2"}, {"architecture", w->architecture}};
  static char                path[NOMOS_MAX_PATH];

  for (size_t t = 0; t < w->n; t++) {
    size_t size = 1;
    tensors[t]  = (NomosSafetensor){.name = w->tensors[t].name, .type = w->type, .n_dims = w->tensors[t].n_dims, .data = values[t]};
    for (int d = 0; d < w->tensors[t].n_dims; d++) size *= tensors[t].shape[d] = w->tensors[t].shape[d];
    for (size_t i = 0; i < size; i++) {
      const float value = (float)(0.5 * NomosRandomNormal(7, t, i));
      if (w->type == NOMOS_F32) ((float *)values[t])[i] = value;
      else values[t][i] = value;
    }
  }
  snprintf(path, sizeof path, "%.3000s/%s", ck_directory, w->path);
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_tensors = w->n, .tensors = tensors, .n_texts = w->architecture ? 2 : 1, .texts = texts}));
  return path;
}

static const Weights mlp = {"mlp.safetensors", "{\"hamiltonian.network\": \"mlp\", \"hamiltonian.hidden\": \"1\", \"hamiltonian.width\": \"5\", \"hamiltonian.activation\": \"tanh\", \"hamiltonian.loss\": \"mean_squared\"}", NOMOS_F64, 4,
                            {{"hamiltonian.0.weight", 2, {5, 2}}, {"hamiltonian.0.bias", 1, {5}}, {"hamiltonian.1.weight", 2, {1, 5}}, {"baseline.0.weight", 2, {3, 3}}}};
static const Weights linear = {"map.safetensors", "{\"sympnet.kind\": \"la\", \"sympnet.layers\": \"1\", \"sympnet.sublayers\": \"2\", \"sympnet.step\": \"0.25\"}", NOMOS_F64, 4,
                               {{"sympnet.0.0.matrix_of_p", 2, {1, 1}}, {"sympnet.0.1.matrix_of_q", 2, {1, 1}}, {"sympnet.0.shift_of_p", 1, {1}}, {"sympnet.0.shift_of_q", 1, {1}}}};

/* H = sum_i c_i tanh(a_i q + b_i p + d_i): the gradient that the flow integrates is that of the numbers in the file, in either precision of it. */
START_TEST(Network)
{
  for (int single = 0; single < 2; single++) {
    Weights           w = mlp;
    char              key[NOMOS_MAX_PATH + 64];
    const char *const settings[] = {key, "initial.state=[0.3, -0.2]", "time.dt=1e-4", "time.stop=1", "time.scheme=rk4", NULL};
    NomosConfig       config;
    NomosModel        model;
    double            x[2], dq = 0, dp = 0, energy = 0, scalars[3];
    w.type = single ? NOMOS_F32 : NOMOS_F64;
    snprintf(key, sizeof key, "hamiltonian_network.weights=%s", Write(&w));
    ck_ok(Begin(network, settings, &config, &model));
    ck_ok(network->evaluate_scalars(model, scalars));
    for (size_t i = 0; i < 5; i++) {
      const double a = (float)(0.5 * NomosRandomNormal(7, 0, 2 * i)), b = (float)(0.5 * NomosRandomNormal(7, 0, 2 * i + 1)), d = (float)(0.5 * NomosRandomNormal(7, 1, i)), c = (float)(0.5 * NomosRandomNormal(7, 2, i)), t = tanh(0.3 * a - 0.2 * b + d);
      energy += c * t;
      dq += c * (1 - t * t) * b;
      dp -= c * (1 - t * t) * a;
    }
    ck_close(scalars[0], energy, 1e-14);
    ck_ok(network->step(model));
    ck_ok(network->derivatives->get_state(model, x));
    ck_close((x[0] - 0.3) / 1e-4, dq, 1e-4);
    ck_close((x[1] + 0.2) / 1e-4, dp, 1e-4);
    End(&config, &model);
  }
}
END_TEST

/* The constant of a learned H is that of the true one in the mean of the first states, also in what a checkpoint goes on with. */
START_TEST(Constant)
{
  const char *const settings[] = {"hamiltonian_network.degrees=1", "hamiltonian.width=5", "hamiltonian_network.energy=p1^2 + 3", "hamiltonian_network.states=2", "initial.state=[0.3, 1, 0, 2]", "time.dt=0.1", "time.stop=1", NULL};
  NomosConfig       config[2];
  NomosModel        model[2];
  NomosCheckpoint   checkpoint;
  double            scalars[2][6];
  ck_ok(Begin(network, settings, &config[0], &model[0]));
  ck_ok(network->evaluate_scalars(model[0], scalars[0]));
  ck_close(scalars[0][0], 5.5, 1e-14);
  ck_close(scalars[0][3], 5.5, 1e-14);
  ck_ok(network->step(model[0]));
  ck_ok(NomosCheckpointCreate(PETSC_COMM_SELF, ck_directory, 1, 1, &checkpoint));
  ck_ok(network->save(model[0], checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  ck_ok(Begin(network, settings, &config[1], &model[1]));
  ck_ok(network->step(model[1])); /* to be somewhere else */
  ck_ok(network->step(model[1]));
  ck_ok(NomosCheckpointOpen(PETSC_COMM_SELF, ck_directory, "latest", NULL, &checkpoint));
  ck_ok(network->load(model[1], checkpoint));
  ck_ok(NomosCheckpointClose(&checkpoint));
  for (int k = 0; k < 2; k++) {
    ck_ok(network->step(model[k]));
    ck_ok(network->evaluate_scalars(model[k], scalars[k]));
    End(&config[k], &model[k]);
  }
  ck_assert_int_eq(memcmp(scalars[0], scalars[1], sizeof scalars[0]), 0);
  ck_assert(scalars[0][2] > 0 && scalars[0][2] < 1e-6 && scalars[0][5] > 1e-3);
}
END_TEST

/* A single linear layer is p += h (2 s q + b), q += h (2 s' p + b') in this order: shears, then shifts. */
START_TEST(Map)
{
  char              key[NOMOS_MAX_PATH + 64];
  const char *const settings[] = {key, "symplectic_map.energy=q1^2 + p1^2", "symplectic_map.states=2", "initial.state=[0.3, -0.2, 1, 2]", "time.dt=0.25", "time.stop=1", NULL};
  NomosConfig       config;
  NomosModel        model;
  NomosModelFault   fault;
  double            x[4], q[2] = {0.3, 1}, p[2] = {-0.2, 2}, scalars[3];
  const double      s_p = (float)(0.5 * NomosRandomNormal(7, 0, 0)), s_q = (float)(0.5 * NomosRandomNormal(7, 1, 0)), b_p = (float)(0.5 * NomosRandomNormal(7, 2, 0)), b_q = (float)(0.5 * NomosRandomNormal(7, 3, 0));
  snprintf(key, sizeof key, "symplectic_map.weights=%s", Write(&linear));
  ck_ok(Begin(map, settings, &config, &model));
  for (int step = 0; step < 3; step++) {
    ck_ok(map->step(model));
    for (int i = 0; i < 2; i++) {
      p[i] += 0.25 * 2 * s_p * q[i];
      q[i] += 0.25 * 2 * s_q * p[i];
      p[i] += 0.25 * b_p;
      q[i] += 0.25 * b_q;
    }
  }
  ck_ok(map->derivatives->get_state(model, x));
  for (int i = 0; i < 2; i++) {
    ck_close(x[2 * i], q[i], 1e-14);
    ck_close(x[2 * i + 1], p[i], 1e-14);
  }
  ck_ok(map->evaluate_scalars(model, scalars));
  ck_close(scalars[0], 0.5 * (q[0] * q[0] + p[0] * p[0] + q[1] * q[1] + p[1] * p[1]), 1e-14);
  x[3] = NAN;
  ck_ok(map->derivatives->set_state(model, x));
  ck_ok(map->check(model, &fault));
  ck_assert(fault.bad && fault.index[0] == 1 && fault.index[1] == 1 && strstr(fault.advice, "its time.dt is fixed")); /* no shorter step is advised */
  End(&config, &model);
}
END_TEST

START_TEST(Refused)
{
  Weights nameless = mlp, narrow = mlp, other = linear;
  char    paths[5][NOMOS_MAX_PATH + 64];
  nameless.path            = "nameless.safetensors";
  nameless.architecture    = NULL;
  narrow.path              = "narrow.safetensors";
  narrow.tensors[2].shape[1] = 4;
  other.path               = "other.safetensors";
  snprintf(paths[0], sizeof paths[0], "hamiltonian_network.weights=%s", Write(&mlp));
  snprintf(paths[1], sizeof paths[1], "hamiltonian_network.weights=%s", Write(&nameless));
  snprintf(paths[2], sizeof paths[2], "hamiltonian_network.weights=%s", Write(&narrow));
  snprintf(paths[3], sizeof paths[3], "hamiltonian_network.weights=%s", Write(&other));
  snprintf(paths[4], sizeof paths[4], "symplectic_map.weights=%s", Write(&linear));
  const struct {
    const NomosModelOps *ops;
    const char          *settings[8], *sentence;
  } bad[] = {
    {network, {"time.dt=0.1", "time.stop=1"}, "hamiltonian_network.degrees is missing"},
    {network, {"time.dt=0.1", "time.stop=1", "hamiltonian_network.weights=no.safetensors"}, "hamiltonian_network.weights: "},
    {network, {"time.dt=0.1", "time.stop=1", paths[1]}, "does not say which architecture"},
    {network, {"time.dt=0.1", "time.stop=1", paths[2]}, "hamiltonian.1.weight"},
    {network, {"time.dt=0.1", "time.stop=1", paths[3]}, "hamiltonian.0.weight"},
    {network, {"time.dt=0.1", "time.stop=1", paths[0], "time.scheme=yoshida4"}, "not separable: use midpoint"},
    {network, {"time.dt=0.1", "time.stop=1", paths[0], "initial.state=[1, 2, 3]"}, "3 numbers: 2 are one state"},
    {network, {"time.dt=0.1", "time.stop=1", paths[0], "hamiltonian_network.energy=p2"}, "hamiltonian_network.energy: "},
    {network, {"time.dt=0.1", "time.stop=1", paths[0], "initial.type=trajectories"}, "needs initial.file"},
    {map, {"time.dt=0.25", "time.stop=1"}, "symplectic_map.weights is missing"},
    {map, {"time.dt=0.5", "time.stop=1", paths[4]}, "a map over 0.25"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    NomosConfig config = NULL;
    NomosModel  model  = NULL;
    ck_refused(Begin(bad[i].ops, bad[i].settings, &config, &model), bad[i].sentence);
    if (model) ck_ok(NomosModelDestroy(&model));
    if (config) ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

NOMOS_TEST_SUITE("hamiltonian_network", Bounded, Network, Constant, Map, Refused)
