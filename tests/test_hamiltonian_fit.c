/* Fits of a learned field to states: the steps on the tape are those of the integrators, data that a network's own steps have made are fitted exactly by it, and orbits to judge by are exact. */
#include "io/field_file.h"
#include "operators/hamiltonian_flow.h"
#include "surrogates/hamiltonian/energy.h"
#include "surrogates/hamiltonian/fit.h"
#include "surrogates/hamiltonian/orbits.h"
#include "surrogates/surrogate_list.h"
#include "surrogates/training.h"
#include "tests/module_checks.h"

#include <unistd.h>

enum { N = 3, D = 2 };

/* ---- steps: H = p1^2/2 + p2^4/4 + sin(q1) + q1 q2^2 */

static NomosTensor TestEnergy(const void *network, const NomosTensor w[], NomosTensor x)
{
  NomosTensor c[2 * D];
  (void)network;
  (void)w;
  for (size_t i = 0; i < 2 * D; i++) c[i] = NomosSlice(x, -1, i, 1, 1);
  const NomosTensor kinetic = NomosAdd(NomosAffine(NomosPower(c[2], 2), 0.5, 0), NomosAffine(NomosPower(c[3], 4), 0.25, 0));
  return NomosAdd(kinetic, NomosAdd(NomosFunction(NOMOS_SIN, 0, c[0]), NomosMultiply(c[0], NomosPower(c[1], 2))));
}

static PetscErrorCode TestGradient(void *ctx, size_t n, const double x[], double g[])
{
  (void)ctx;
  for (size_t i = 0; i < n; i++, x += 2 * D, g += 2 * D) {
    g[0] = cos(x[0]) + x[1] * x[1];
    g[1] = 2 * x[0] * x[1];
    g[2] = x[2];
    g[3] = x[3] * x[3] * x[3];
  }
  return PETSC_SUCCESS;
}

static PetscErrorCode TestField(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  return NomosHamiltonianField(&(NomosHamiltonianInput){.energy = TestEnergy, .network = network, .w = w, .x = x, .through_x = true}, x_dot);
}

START_TEST(test_steps)
{
  static const char *const schemes[] = {"rk4", "leapfrog", "yoshida4"};
  const NomosHamiltonian   h         = {.d = D, .separable = true, .gradient = TestGradient};
  const double             dt[N]     = {0.1, 0.03, 0.2};
  for (int scheme = 0; scheme < 3; scheme++) {
    NomosTape   tape;
    double      x[N * 2 * D], y[N * 2 * D];
    ck_ok(NomosTapeCreate(&tape));
    for (size_t i = 0; i < N * 2 * D; i++) x[i] = NomosRandomNormal(1, 0, i);
    NomosTensor      state = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){N, 2 * D}, x);
    NomosUnrollInput input = {.scheme = (NomosUnrollScheme)scheme, .field = TestField, .energy = TestEnergy, .dt = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){N, 1}, dt)};
    for (int step = 0; step < 4; step++) {
      ck_ok(NomosUnrollStep(&input, &state));
      for (int i = 0; i < N; i++) {
        NomosHamiltonianFlow flow;
        ck_ok(NomosHamiltonianFlowCreate(&(NomosHamiltonianFlowInput){.hamiltonian = &h, .scheme = schemes[scheme], .n = 1}, &flow));
        ck_ok(NomosHamiltonianFlowStep(flow, dt[i], x + i * 2 * D, NULL));
        ck_ok(NomosHamiltonianFlowDestroy(&flow));
      }
      ck_ok(NomosTensorGetDoubles(state, y));
      for (int i = 0; i < N * 2 * D; i++) ck_assert_msg(fabs(y[i] - x[i]) < 1e-13 * (1 + fabs(x[i])), "%s, step %d: %.17g, by the integrator %.17g", schemes[scheme], step, y[i], x[i]);
    }
    ck_ok(NomosTapeDestroy(&tape));
  }
}
END_TEST

/* ---- derivatives through steps, by weights and initial states, first and second order */

typedef struct {
  NomosEnergy       energy;
  NomosUnrollScheme scheme;
} Rolled;
static NomosUnrollScheme checked;

static PetscErrorCode CreateRolled(NomosParameters p, void *m)
{
  Rolled *r = m;
  r->scheme = checked;
  return NomosEnergyCreate(p, "h", NomosEnergyFind("separable"), &(NomosEnergyInput){.d = D, .n_dims = D, .n_hidden = 2, .width = 4, .activation = NOMOS_TANH}, &r->energy);
}

static PetscErrorCode NetworkField(const void *network, const NomosTensor w[], NomosTensor x, NomosTensor *x_dot)
{
  return NomosHamiltonianField(&(NomosHamiltonianInput){.energy = NomosEnergyOf, .network = network, .w = w, .x = x, .through_x = true}, x_dot);
}

static NomosTensor Roll(const void *m, const NomosTensor w[], NomosTensor x)
{
  const Rolled    *r     = m;
  NomosUnrollInput input = {.scheme = r->scheme, .field = NetworkField, .energy = NomosEnergyOf, .network = r->energy, .w = w, .dt = NomosTensorConstant(x.tape, NomosTensorType(x), 2, (size_t[]){1, 1}, 0.3)};
  for (int i = 0; i < 2; i++) ck_ok(NomosUnrollStep(&input, &x));
  return x;
}

START_TEST(test_derivatives)
{
  for (int scheme = 0; scheme < 3; scheme++) {
    Rolled r = {0};
    checked  = (NomosUnrollScheme)scheme;
    CheckModule(&(ModuleCase){"steps of a field", CreateRolled, Roll, 2, {N, 2 * D}, 2 * (D * 4 + 4 + 20) + 8}, &r);
    ck_ok(NomosEnergyDestroy(&r.energy));
  }
}
END_TEST

/* ---- the surrogate on states without derivatives */

enum { ORBITS = 3, FRAMES = 7, SUBSTEPS = 2 };

static const char *Path(const char name[])
{
  static char path[2][NOMOS_MAX_PATH];
  static int  i;
  snprintf(path[++i % 2], NOMOS_MAX_PATH, "%.3000s/%s", ck_directory, name);
  return path[i % 2];
}

/* One step of the network with the weights that the surrogate begins with, of every orbit; midpoint: its implicit equation, by fixed points. */
static void OwnStep(const NomosFit *fit, double dt, double x[])
{
  NomosTape       tape;
  NomosParameters p;
  NomosEnergy     energy;
  NomosTensor     w[MAX_TENSORS];
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p));
  ck_ok(NomosEnergyCreate(p, "hamiltonian", NomosEnergyFind("separable"), &(NomosEnergyInput){.d = D, .n_dims = 2, .n_hidden = 2, .width = 6, .activation = NOMOS_TANH, .rule = NOMOS_RULE_ORTHOGONAL}, &energy));
  ck_ok(NomosParametersInitialise(p, 1));
  ck_ok(NomosParametersBind(p, tape, w));
  const NomosTensor first = NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){ORBITS, 2 * D}, x);
  NomosTensor       state = first, slope;
  if (fit->kind == NOMOS_FIT_MIDPOINT) {
    for (int i = 0; i < 60; i++) {
      ck_ok(NetworkField(energy, w, NomosAffine(NomosAdd(first, state), 0.5, 0), &slope));
      state = NomosAdd(first, NomosAffine(slope, dt, 0));
    }
  } else {
    NomosUnrollInput input = {.scheme = fit->scheme, .field = NetworkField, .energy = NomosEnergyOf, .network = energy, .w = w, .dt = NomosTensorConstant(tape, NOMOS_F64, 2, (size_t[]){1, 1}, dt / SUBSTEPS)};
    for (int i = 0; i < SUBSTEPS; i++) ck_ok(NomosUnrollStep(&input, &state));
  }
  ck_ok(NomosTensorGetDoubles(state, x));
  ck_ok(NomosEnergyDestroy(&energy));
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosTapeDestroy(&tape));
}

/* Orbits of the network at times that are not equally spaced. */
static void MakeStates(const NomosFit *fit)
{
  static const double      numbers[FRAMES] = {0, 1, 2, 3, 4, 5, 6};
  const size_t             start[3] = {0}, all[3] = {ORBITS, FRAMES, 2 * D};
  const NomosFieldDim      dims[]      = {{.name = "orbit", .size = ORBITS, .values = numbers}, {.name = "frame", .size = FRAMES, .values = numbers}, {.name = "coordinate", .size = 2 * D, .values = numbers}};
  const NomosFieldVariable variables[] = {{.name = "x", .dims = {"orbit", "frame", "coordinate"}, .constant = true, .type = NOMOS_F64}, {.name = "t", .dims = {"orbit", "frame"}, .constant = true, .type = NOMOS_F64}};
  NomosFieldFile           file;
  double                   x[ORBITS][FRAMES][2 * D], t[ORBITS][FRAMES], now[ORBITS * 2 * D];
  for (size_t i = 0; i < ORBITS * 2 * D; i++) now[i] = NomosRandomNormal(2, 0, i);
  for (int k = 0; k < FRAMES; k++) {
    for (int i = 0; i < ORBITS; i++) {
      t[i][k] = 0.1 * k + 0.02 * k * k;
      memcpy(x[i][k], now + i * 2 * D, sizeof x[i][k]);
    }
    OwnStep(fit, 0.1 + 0.02 * (2 * k + 1), now);
  }
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = Path("states.h5"), .n_dims = 3, .dims = dims, .n_variables = 2, .variables = variables, .time_unit = "1", .title = "states"}, &file));
  ck_ok(NomosFieldFileWrite(file, "x", NOMOS_F64, start, all, x));
  ck_ok(NomosFieldFileWrite(file, "t", NOMOS_F64, start, all, t));
  ck_ok(NomosFieldFileClose(&file));
}

static void Configure(const char fit[], const char setting[], NomosConfig *config)
{
  char        path[NOMOS_MAX_PATH + 64], how[64];
  const char *settings[] = {path, how, "hamiltonian.network=separable", "hamiltonian.width=6", "hamiltonian.baseline=false", "hamiltonian.substeps=2", "data.validation=0", "data.test=0.4", "train.precision=float64", "train.seed=1", setting};
  snprintf(path, sizeof path, "data.path=%s", Path("states.h5"));
  snprintf(how, sizeof how, "hamiltonian.fit=%s", fit);
  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, config));
  for (size_t i = 0; i < sizeof settings / sizeof *settings && settings[i]; i++) ck_ok(NomosConfigSet(*config, settings[i]));
  ck_ok(NomosConfigRegister(*config, nomos_n_data_params, nomos_data_params));
  ck_ok(NomosConfigRegister(*config, nomos_n_train_params, nomos_train_params));
  ck_ok(NomosConfigRegister(*config, NomosSurrogateOps_Hamiltonian.n_params, NomosSurrogateOps_Hamiltonian.params));
  ck_ok(NomosConfigCheck(*config));
}

typedef struct {
  double orbit, energy;
} Verdict;

static PetscErrorCode Judge(const char name[], double value, void *ctx)
{
  Verdict *v = ctx;
  ck_assert_msg(!strstr(name, "derivative"), "%s without derivatives", name);
  if (!strcmp(name, "hamiltonian_orbit_mse")) v->orbit = value;
  if (!strcmp(name, "hamiltonian_energy_mse")) v->energy = value;
  return PETSC_SUCCESS;
}

START_TEST(test_fits)
{
  static const char *const fits[] = {"midpoint", "rk4", "leapfrog", "yoshida4"};
  for (int k = 0; k < 4; k++)
    for (int steps = 1; steps <= 3; steps += 2)
      for (int every = 1; every <= 2; every++) {
        NomosConfig    config;
        NomosSurrogate s;
        NomosFit       fit;
        NomosTape      tape;
        NomosTensor    w[MAX_TENSORS], loss;
        size_t         examples[ORBITS * FRAMES];
        double         value;
        char           setting[64];
        Verdict        verdict = {-1, -1};
        snprintf(setting, sizeof setting, "hamiltonian.steps=%d", steps);
        Configure(fits[k], setting, &config);
        if (every == 2) ck_ok(NomosConfigSet(config, "data.every=2"));
        ck_ok(NomosConfigCheck(config));
        ck_ok(NomosFitFromConfig(config, &fit));
        MakeStates(&fit);
        ck_ok(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = &NomosSurrogateOps_Hamiltonian, .config = config}, &s));
        ck_assert_uint_eq(s->n_examples[NOMOS_SPLIT_TRAIN], 2 * (size_t)((FRAMES - 1) / every + 1 - steps));
        for (size_t i = 0; i < s->n_examples[NOMOS_SPLIT_TRAIN]; i++) examples[i] = i;
        ck_ok(NomosTapeCreate(&tape));
        ck_ok(NomosParametersBind(s->parameters, tape, w));
        ck_ok(s->ops->loss(s, &(NomosBatch){.split = NOMOS_SPLIT_TRAIN, .n = s->n_examples[NOMOS_SPLIT_TRAIN], .examples = examples}, tape, w, &loss));
        ck_ok(NomosTensorGetScalar(loss, &value));
        /* every second frame: its steps are twice as long, and the data those of shorter ones */
        ck_assert_msg(every == 1 ? value < 1e-24 : value > 1e-20 && value < 1e-4, "%s, %d steps, every %d: loss %g", fits[k], steps, every, value);
        ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TEST, Judge, &verdict));
        ck_assert_msg(verdict.orbit >= 0 && verdict.orbit < 1e-4 && verdict.energy == -1, "%s: orbits %g", fits[k], verdict.orbit);
        ck_ok(NomosTapeDestroy(&tape));
        ck_ok(NomosSurrogateDestroy(&s));
        ck_ok(NomosConfigDestroy(&config));
      }
}
END_TEST

/* ---- trajectories of several numbers of bodies: every state for itself; what is behind its last body does not matter */

enum { MIXED = 5, MOST = 3 };
static const double mixed_bodies[MIXED] = {3, 2, 1, 3, 2};

static void MakeMixed(double x[MIXED][FRAMES][2 * MOST], double x_dot[MIXED][FRAMES][2 * MOST])
{
  static const double      numbers[] = {0, 1, 2, 3, 4, 5, 6};
  const size_t             start[3] = {0}, all[3] = {MIXED, FRAMES, 2 * MOST};
  const NomosFieldDim      dims[]      = {{.name = "orbit", .size = MIXED, .values = numbers}, {.name = "frame", .size = FRAMES, .values = numbers}, {.name = "coordinate", .size = 2 * MOST, .values = numbers}};
  const NomosFieldVariable variables[] = {{.name = "x", .dims = {"orbit", "frame", "coordinate"}, .constant = true, .type = NOMOS_F64}, {.name = "x_dot", .dims = {"orbit", "frame", "coordinate"}, .constant = true, .type = NOMOS_F64},
    {.name = "t", .dims = {"orbit", "frame"}, .constant = true, .type = NOMOS_F64}, {.name = "bodies", .dims = {"orbit"}, .constant = true, .type = NOMOS_F64}};
  NomosFieldFile           file;
  double                   t[MIXED][FRAMES];
  for (size_t i = 0; i < MIXED * FRAMES * 2 * MOST; i++) {
    (&x[0][0][0])[i]     = NomosRandomNormal(5, 0, i);
    (&x_dot[0][0][0])[i] = NomosRandomNormal(5, 1, i);
  }
  for (int i = 0; i < MIXED * FRAMES; i++) t[i / FRAMES][i % FRAMES] = 0.01 * (i % FRAMES);
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = Path("states.h5"), .n_dims = 3, .dims = dims, .n_variables = 4, .variables = variables, .time_unit = "1", .title = "states"}, &file));
  ck_ok(NomosFieldFileWrite(file, "x", NOMOS_F64, start, all, x));
  ck_ok(NomosFieldFileWrite(file, "x_dot", NOMOS_F64, start, all, x_dot));
  ck_ok(NomosFieldFileWrite(file, "t", NOMOS_F64, start, all, t));
  ck_ok(NomosFieldFileWrite(file, "bodies", NOMOS_F64, start, all, mixed_bodies));
  ck_ok(NomosFieldFileClose(&file));
}

static PetscErrorCode Remember(const char name[], double value, void *ctx)
{
  double *errors = ctx;
  for (int b = 1; b <= MOST; b++) {
    char of[64];
    snprintf(of, sizeof of, "hamiltonian_%d_bodies_derivative_mse", b);
    if (!strcmp(name, of)) errors[b - 1] = value;
  }
  return PETSC_SUCCESS;
}

START_TEST(test_bodies)
{
  double         x[MIXED][FRAMES][2 * MOST], x_dot[MIXED][FRAMES][2 * MOST], sum = 0, value, of_bodies[MOST] = {0}, errors[MOST] = {0};
  int            n_of[MOST] = {0};
  size_t         examples[MIXED * FRAMES];
  NomosConfig    config;
  NomosSurrogate s;
  NomosTape      tape;
  NomosTensor    w[MAX_TENSORS], loss;
  NomosEnergy    energy;
  NomosParameters p;
  MakeMixed(x, x_dot);
  Configure("derivatives", "hamiltonian.n_dims=1", &config);
  ck_ok(NomosConfigSet(config, "hamiltonian.network=message_passing"));
  ck_ok(NomosConfigSet(config, "hamiltonian.bodies=true"));
  ck_ok(NomosConfigSet(config, "data.test=0"));
  ck_ok(NomosConfigCheck(config));
  ck_ok(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = &NomosSurrogateOps_Hamiltonian, .config = config}, &s));
  ck_assert_uint_eq(s->n_examples[NOMOS_SPLIT_TRAIN], MIXED * FRAMES);
  for (size_t i = 0; i < MIXED * FRAMES; i++) examples[i] = i;
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &(NomosBatch){.split = NOMOS_SPLIT_TRAIN, .n = MIXED * FRAMES, .examples = examples}, tape, w, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  ck_ok(NomosParametersCreate(NOMOS_F64, &p)); /* the same network, to be asked state by state */
  ck_ok(NomosEnergyCreate(p, "hamiltonian", NomosEnergyFind("message_passing"), &(NomosEnergyInput){.d = MOST, .n_dims = 1, .n_hidden = 2, .width = 6, .activation = NOMOS_TANH, .rule = NOMOS_RULE_ORTHOGONAL}, &energy));
  for (int i = 0; i < MIXED; i++)
    for (int k = 0; k < FRAMES; k++) {
      const int   bodies = (int)mixed_bodies[i];
      double      state[2 * MOST], field[2 * MOST], square = 0;
      NomosTensor f;
      for (int j = 0; j < 2 * bodies; j++) state[j] = x[i][k][j < bodies ? j : MOST + j - bodies];
      ck_ok(NetworkField(energy, w, NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){1, 2 * (size_t)bodies}, state), &f));
      ck_ok(NomosTensorGetDoubles(f, field));
      for (int j = 0; j < 2 * bodies; j++) square += pow(field[j] - x_dot[i][k][j < bodies ? j : MOST + j - bodies], 2) / (2 * bodies);
      sum += square / (MIXED * FRAMES);
      of_bodies[bodies - 1] += square;
      n_of[bodies - 1]++;
    }
  ck_close(value, sum, 1e-12);
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, Remember, errors));
  for (int b = 0; b < MOST; b++) ck_close(errors[b], of_bodies[b] / n_of[b], 1e-12);
  ck_ok(NomosEnergyDestroy(&energy));
  ck_ok(NomosParametersDestroy(&p));
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosSurrogateDestroy(&s));
  ck_ok(NomosConfigDestroy(&config));
}
END_TEST

START_TEST(test_refusals)
{
  static const struct {
    const char *fit, *setting, *says;
  } wrong[] = {
    {"derivatives", NULL,                                "x_dot"},
    {"leapfrog",    "hamiltonian.network=self_pair",     "choose separable, pair_distance, or hamiltonian.fit = rk4"},
    {"rk4",         "hamiltonian.duration=3",            "hamiltonian.duration needs hamiltonian.energy"},
    {"rk4",         "hamiltonian.steps=9",               "an example is a window of 10 frames"},
  };
  MakeStates(&(NomosFit){.kind = NOMOS_FIT_UNROLLED});
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    Configure(wrong[i].fit, wrong[i].setting, &config);
    ck_refused(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = &NomosSurrogateOps_Hamiltonian, .config = config}, &s), wrong[i].says);
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

/* Orbits of q^2 + p^2 turn with twice the angle of time. */
START_TEST(test_true_orbits)
{
  double          x[2 * 5 * 2] = {0}, times[5] = {0, 1, 2, 3, 4};
  NomosOrbits     orbits       = {.n = 2, .n_times = 5, .size = 2, .times = times, .x = x};
  NomosExpression energy;
  x[0]  = 1;
  x[11] = 0.5;
  ck_ok(NomosOrbitsEnergyCreate("q1^2 + p1^2", 2, &energy));
  ck_ok(NomosOrbitsIntegrate(&orbits, energy, 10));
  for (int k = 0; k < 5; k++) {
    const double t = 2.5 * k;
    ck_assert_double_eq(times[k], t);
    ck_assert_double_eq_tol(x[2 * k], cos(2 * t), 1e-8);
    ck_assert_double_eq_tol(x[2 * k + 1], -sin(2 * t), 1e-8);
    ck_assert_double_eq_tol(x[10 + 2 * k], 0.5 * sin(2 * t), 1e-8);
  }
  ck_ok(NomosExpressionDestroy(&energy));
}
END_TEST

NOMOS_TEST_SUITE("fits of learned Hamiltonians", test_steps, test_derivatives, test_fits, test_bodies, test_refusals, test_true_orbits)
