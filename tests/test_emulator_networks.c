/* Every network with every conditioning: derivatives, samples that do not see each other, shifts, other grids, the same bits on any number of threads; factorised FNO and DeepONet by their formulas. */
#include "emulator_setup.h"

#define PI 3.14159265358979323846

static const NomosEmulatorShape line = {.n_space = 1, .points = {32}, .periodic = true, .n_fields = 2, .n_parameters = 2}, plane = {.n_space = 2, .points = {16, 32}, .periodic = true, .n_fields = 1, .n_parameters = 1};

/* Settings of a small emulator with names of lists; the tables of others are not declared. */
static const char *const *Small(const NomosEmulatorNetworkOps *network, const NomosConditioningOps *conditioning, const char form[])
{
  static const struct {
    const char *of, *settings[4];
  } sizes[] = {
    {"fno",               {"fno.width=4", "fno.modes=4", "fno.layers=2", "fno.read_width=5"}},
    {"factorised_fno",    {"factorised_fno.width=4", "factorised_fno.modes=5", "factorised_fno.layers=2", "factorised_fno.read_width=5"}},
    {"unet",              {"unet.width=2"}},
    {"deeponet",          {"deeponet.width=6", "deeponet.latent=5", "deeponet.layers=2", "deeponet.harmonics=3"}},
    {"modulation",        {"modulation.width=5", "modulation.code=4"}},
    {"cape",              {"cape.width=6", "cape.modes=3"}},
    {"channel_attention", {"channel_attention.width=6", "channel_attention.modes=4"}},
  };
  static char        text[3][64];
  static const char *settings[MAX_SETTINGS];
  int                n = 3;

  snprintf(text[0], sizeof text[0], "neural_operator.network=%s", network->name);
  snprintf(text[1], sizeof text[1], "neural_operator.conditioning=%s", conditioning->name);
  snprintf(text[2], sizeof text[2], "neural_operator.form=%s", form);
  memset(settings, 0, sizeof settings);
  for (int i = 0; i < 3; i++) settings[i] = text[i];
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (int i = 0; i < 4 && sizes[s].settings[i] && (!strcmp(sizes[s].of, network->name) || !strcmp(sizes[s].of, conditioning->name)); i++) settings[n++] = sizes[s].settings[i];
  return settings;
}

/* Do `check` for all pairs on a line and on a plane. */
static void ForAll(void (*check)(const char what[], EmulatorSetup *e, const NomosEmulatorShape *shape), const char form[])
{
  static const double ranges[] = {0.1, -2, 3, 5};
  for (size_t n = 0; nomos_emulator_networks[n]; n++)
    for (size_t c = 0; nomos_conditionings[c]; c++)
      for (int s = 0; s < 2; s++) {
        const NomosEmulatorShape *shape = s ? &plane : &line;
        EmulatorSetup             e;
        char                      what[96];
        snprintf(what, sizeof what, "%s, %s, %d-D", nomos_emulator_networks[n]->name, nomos_conditionings[c]->name, shape->n_space);
        EmulatorSetUp(&e, NOMOS_F64, shape, Small(nomos_emulator_networks[n], nomos_conditionings[c], form));
        ck_ok(NomosEmulatorFit(e.emulator, e.parameters, &(NomosEmulatorSeen){4 / shape->n_parameters, ranges, (const char *const[]){"a", "b"}}));
        ck_ok(NomosTapeReset(e.tape));
        ck_ok(NomosParametersBind(e.parameters, e.tape, e.w));
        check(what, &e, shape);
        EmulatorTearDown(&e);
      }
}

static NomosTensor State(EmulatorSetup *e, const NomosEmulatorShape *s, size_t batch)
{
  return Tensor(e->tape, NOMOS_F64, 1, 2 + s->n_space, (size_t[]){batch, s->n_fields, s->points[0], s->points[1]});
}

/* Parameters in the range. */
static NomosTensor Lambda(EmulatorSetup *e, const NomosEmulatorShape *s, size_t batch)
{
  return NomosAffine(Tensor(e->tape, NOMOS_F64, 2, 2, (size_t[]){batch, s->n_parameters}), 0.7, 1);
}

static NomosTensor Next(EmulatorSetup *e, NomosTensor u, NomosTensor lambda)
{
  NomosTensor auxiliary;
  return NomosEmulatorStep(e->emulator, e->w, &(NomosEmulatorStepInput){.u = u, .lambda = lambda}, &auxiliary);
}

/* ---- derivatives: of a sum of next state and prediction with random factors, along a random direction of weights, state and parameters */

static double LossAt(EmulatorSetup *e, const NomosEmulatorShape *s, double h, double *slope)
{
  NomosBatchStatistics statistics = {0};
  NomosTensor          trained[512], bar[514], auxiliary;
  void                *edit;
  double               value;
  const size_t         n = NomosParametersSize(e->parameters), n_trained = NomosParametersTrained(e->parameters);
  double              *move = Random(9, n), *saved = malloc((n + 1) * sizeof *saved), *gradient = malloc((n + 1) * sizeof *gradient);

  ck_ok(NomosTapeReset(e->tape));
  ck_ok(NomosParametersEdit(e->parameters, &edit));
  memcpy(saved, edit, n * sizeof *saved);
  for (size_t i = 0; i < n; i++) ((double *)edit)[i] += h * move[i];
  ck_ok(NomosParametersBind(e->parameters, e->tape, e->w));
  const NomosTensor u0 = State(e, s, 2), lambda0 = Lambda(e, s, 2);
  const size_t     *shape;
  const int         n_dims = NomosTensorDims(u0, &shape);
  const NomosTensor of_u = Tensor(e->tape, NOMOS_F64, 10, n_dims, shape), of_lambda = Tensor(e->tape, NOMOS_F64, 11, 2, (size_t[]){2, s->n_parameters});
  const NomosTensor u = NomosAdd(u0, NomosAffine(of_u, h, 0)), lambda = NomosAdd(lambda0, NomosAffine(of_lambda, h, 0));
  NomosTensor       loss = NomosEmulatorStep(e->emulator, e->w, &(NomosEmulatorStepInput){.u = u, .lambda = lambda, .statistics = &statistics}, &auxiliary);
  loss = NomosMeanAll(NomosMultiply(loss, Tensor(e->tape, NOMOS_F64, 12, n_dims, shape)));
  if (NomosTensorIsValid(auxiliary)) loss = NomosAdd(loss, NomosMeanAll(NomosMultiply(auxiliary, Tensor(e->tape, NOMOS_F64, 13, n_dims, shape))));
  ck_ok(NomosTensorGetScalar(loss, &value));
  if (slope) {
    double dots[2];
    NomosParametersPick(e->parameters, e->w, trained);
    trained[n_trained]     = u;
    trained[n_trained + 1] = lambda;
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = n_trained + 2, .x = trained}, bar));
    ck_ok(NomosParametersFlatten(e->parameters, bar, gradient));
    *slope = 0;
    for (size_t i = 0; i < n; i++) *slope += gradient[i] * move[i];
    ck_ok(NomosTensorGetScalar(NomosSumAll(NomosMultiply(bar[n_trained], of_u)), &dots[0]));
    ck_ok(NomosTensorGetScalar(NomosSumAll(NomosMultiply(bar[n_trained + 1], of_lambda)), &dots[1]));
    *slope += dots[0] + dots[1];
  }
  ck_ok(NomosParametersEdit(e->parameters, &edit));
  memcpy(edit, saved, n * sizeof *saved);
  free(move);
  free(saved);
  free(gradient);
  return value;
}

static void CheckDerivatives(const char what[], EmulatorSetup *e, const NomosEmulatorShape *s)
{
  const double h = strstr(what, "unet") ? 2e-6 : 1e-4; /* maxima have kinks */
  double       slope, again, difference[2];

  LossAt(e, s, 0, &slope);
  for (int i = 0; i < 2; i++) difference[i] = (LossAt(e, s, (i + 1) * h, NULL) - LossAt(e, s, -(i + 1) * h, NULL)) / (2 * (i + 1) * h);
  const double central = (4 * difference[0] - difference[1]) / 3;
  ck_assert_msg(fabs(slope - central) < 1e-7 * (fabs(slope) + 0.1), "%s: derivative %.10g, by differences %.10g", what, slope, central);
  const int most = omp_get_max_threads();
  for (int threads = 1; threads <= 3; threads++) {
    omp_set_num_threads(threads);
    LossAt(e, s, 0, &again);
    ck_assert_msg(again == slope, "%s: other bits on %d threads", what, threads);
  }
  omp_set_num_threads(most);
}

START_TEST(test_derivatives)
{
  ForAll(CheckDerivatives, "flux");
}
END_TEST

/* ---- samples, shifts, grids */

static void CheckSamples(const char what[], EmulatorSetup *e, const NomosEmulatorShape *s)
{
  const NomosTensor u = State(e, s, 3), lambda = Lambda(e, s, 3);
  const size_t      n = NomosTensorSize(u) / 3;
  double           *all = Doubles(Next(e, u, lambda));
  for (size_t b = 0; b < 3; b++) {
    double *one = Doubles(Next(e, NomosSlice(u, 0, b, 1, 1), NomosSlice(lambda, 0, b, 1, 1)));
    ck_assert_msg(Farthest(n, all + b * n, one) < 1e-13, "%s: sample %zu depends on the others by %g", what, b, Farthest(n, all + b * n, one));
    free(one);
  }
  if (!strstr(what, "none")) { /* what it is told matters */
    double *other = Doubles(Next(e, u, NomosAffine(lambda, 0.5, 0)));
    ck_assert_msg(Farthest(3 * n, all, other) > 1e-6, "%s: the parameters make no difference", what);
    free(other);
  }
  free(all);
}

START_TEST(test_samples_do_not_see_each_other)
{
  ForAll(CheckSamples, "increment");
}
END_TEST

/* On periodic grids: any shift, of a U-Net those by its coarsest cells. CAPE as published and DeepONet commute with none. */
static void CheckShifts(const char what[], EmulatorSetup *e, const NomosEmulatorShape *s)
{
  const NomosTensor u = State(e, s, 2), lambda = Lambda(e, s, 2);
  const bool        broken = strstr(what, "deeponet") || strstr(what, "cape");

  for (int axis = 0; axis < s->n_space; axis++) {
    const ptrdiff_t shift = strstr(what, "unet") ? 16 : 3;
    if (broken || s->points[axis] > 16 || shift < 16) {
      double      *a = Doubles(Next(e, NomosRoll(u, 2 + axis, shift), lambda)), *b = Doubles(NomosRoll(Next(e, u, lambda), 2 + axis, shift));
      const double distance = Farthest(NomosTensorSize(u), a, b);
      ck_assert_msg(broken ? strstr(what, "unet") || distance > 1e-6 : distance < 1e-13, "%s: shifts of axis %d change it by %g", what, axis, distance);
      free(a);
      free(b);
    }
  }
}

START_TEST(test_shifts)
{
  ForAll(CheckShifts, "flux");
}
END_TEST

/* Of channel attention with some of its paths, which are computed otherwise than all. */
START_TEST(test_shifts_of_some_paths)
{
  const char *const *without[] = {SETTINGS("channel_attention.global=false", "fno.width=4"), SETTINGS("channel_attention.pointwise=false", "fno.width=4")};
  for (int k = 0; k < 2; k++) {
    EmulatorSetup e;
    EmulatorSetUp(&e, NOMOS_F64, &line, without[k]);
    CheckShifts("some paths", &e, &line);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* A smooth field of few waves at twice as many points gives the same function: of networks of modes to the aliases of their activations. */
static double OnFinerGrid(const NomosEmulatorNetworkOps *network, const NomosConditioningOps *conditioning, const char form[], size_t finer)
{
  const NomosEmulatorShape shape = {.n_space = 1, .points = {64}, .periodic = true, .n_fields = 1, .n_parameters = 1};
  EmulatorSetup            e;
  double                   u[1024], *y[2], distance = 0, change = 0;

  EmulatorSetUp(&e, NOMOS_F64, &shape, Small(network, conditioning, form));
  for (int k = 0; k < 2; k++) {
    const size_t n = k ? 64 : finer;
    const double lambda = 0.6;
    for (size_t j = 0; j < n; j++) u[j] = sin(2 * PI * (double)j / (double)n) + 0.5 * cos(4 * PI * (double)j / (double)n + 0.3);
    y[k] = Doubles(Next(&e, NomosTensorFromDoubles(e.tape, NOMOS_F64, 3, (size_t[]){1, 1, n}, u), NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){1, 1}, &lambda)));
  }
  for (size_t j = 0; j < 64; j++) {
    distance = fmax(distance, fabs(y[1][j] - y[0][j * finer / 64]));
    change   = fmax(change, fabs(y[1][j] - u[j]));
  }
  free(y[0]);
  free(y[1]);
  EmulatorTearDown(&e);
  return distance / change;
}

START_TEST(test_other_grids)
{
  const NomosEmulatorNetworkOps *networks[]      = {&NomosEmulatorNetworkOps_Fno, &NomosEmulatorNetworkOps_FactorisedFno};
  const NomosConditioningOps    *conditionings[] = {&NomosConditioningOps_None, &NomosConditioningOps_Channels, &NomosConditioningOps_Modulation};
  for (int n = 0; n < 2; n++)
    for (int c = 0; c < 3; c++) {
      const double increment = OnFinerGrid(networks[n], conditionings[c], "increment", 128);
      ck_assert_msg(increment < 1e-7, "%s, %s: on a finer grid it is off by %g", networks[n]->name, conditionings[c]->name, increment);
      /* a flux is at the upper face of its cell: to first order in the cells, h (1 - 1/2) and h (1 - 1/8) */
      const double coarse = OnFinerGrid(networks[n], conditionings[c], "flux", 128), fine = OnFinerGrid(networks[n], conditionings[c], "flux", 512);
      ck_assert_msg(fine > 0.01 && fine < 0.3 && fine / coarse > 1.5 && fine / coarse < 2, "%s, %s: fluxes on finer grids are off by %g and %g", networks[n]->name, conditionings[c]->name, coarse, fine);
    }
}
END_TEST

/* ---- formulas */

static double Gelu(double x)
{
  return 0.5 * x * (1 + erf(x / sqrt(2)));
}

/* One point: y_o = b_o + sum_i w_oi x_i, channels apart by `step`. */
static void Linear(EmulatorSetup *e, const char name[], size_t in, size_t out, size_t n, const double *x, double *y)
{
  char full[64];
  snprintf(full, sizeof full, "%s.weight", name);
  double *w = EmulatorValues(e, full);
  snprintf(full, sizeof full, "%s.bias", name);
  double *b = EmulatorValues(e, full);
  for (size_t o = 0; o < out; o++)
    for (size_t p = 0; p < n; p++) {
      y[o * n + p] = b[o];
      for (size_t i = 0; i < in; i++) y[o * n + p] += w[o * in + i] * x[i * n + p];
    }
  free(w);
  free(b);
}

/* z += the lowest modes of lines of `n` points `step` apart, mixed: cosines and sines summed. */
static void Lines(EmulatorSetup *e, const char name[], size_t width, size_t modes, size_t all, size_t first, size_t n, size_t step, const double *x, double *z)
{
  double *w = EmulatorValues(e, name);
  for (size_t k = 0; k < modes; k++)
    for (size_t i = 0; i < width; i++) {
      double re = 0, im = 0;
      for (size_t j = 0; j < n; j++) {
        re += x[i * all + first + j * step] * cos(2 * PI * (double)(k * j) / (double)n);
        im -= x[i * all + first + j * step] * sin(2 * PI * (double)(k * j) / (double)n);
      }
      for (size_t o = 0; o < width; o++) {
        const double *m = w + 2 * ((i * width + o) * modes + k), real = m[0] * re - m[1] * im, imaginary = m[0] * im + m[1] * re;
        for (size_t j = 0; j < n; j++) z[o * all + first + j * step] += (k ? 2 : 1) * (real * cos(2 * PI * (double)(k * j) / (double)n) - (k ? imaginary * sin(2 * PI * (double)(k * j) / (double)n) : 0)) / (double)n;
      }
    }
  free(w);
}

START_TEST(test_factorised_fno_is_its_formulas)
{
  enum { NY = 10, NX = 12, N = NY * NX, WIDTH = 3, MODES = 4, WIDE = 6, READ = 5 };
  const NomosEmulatorShape shape = {.n_space = 2, .points = {NY, NX}, .periodic = true, .n_fields = 2};
  EmulatorSetup            e;
  double                   x[WIDTH * N], z[WIDTH * N], more[WIDTH * N], wide[WIDE * N], read[READ * N], y[2 * N];
  char                     name[64];

  EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS("neural_operator.network=factorised_fno", "neural_operator.conditioning=none", "neural_operator.form=increment", "factorised_fno.width=3", "factorised_fno.modes=4", "factorised_fno.layers=2", "factorised_fno.read_width=5"));
  double *u = Random(1, 2 * N), *values = Doubles(Next(&e, State(&e, &shape, 1), Tensor(e.tape, NOMOS_F64, 1, 2, (size_t[]){1, 0})));
  Linear(&e, "network.lift", 2, WIDTH, N, u, x);
  for (int l = 0; l < 2; l++) {
    memset(z, 0, sizeof z);
    snprintf(name, sizeof name, "network.spectral.%d.x.weight", l);
    for (size_t j = 0; j < NY; j++) Lines(&e, name, WIDTH, MODES, N, j * NX, NX, 1, x, z);
    snprintf(name, sizeof name, "network.spectral.%d.y.weight", l);
    for (size_t j = 0; j < NX; j++) Lines(&e, name, WIDTH, MODES, N, j, NY, NX, x, z);
    snprintf(name, sizeof name, "network.feed.%d.0", l);
    Linear(&e, name, WIDTH, WIDE, N, z, wide);
    for (size_t i = 0; i < WIDE * N; i++) wide[i] = Gelu(wide[i]);
    snprintf(name, sizeof name, "network.feed.%d.1", l);
    Linear(&e, name, WIDE, WIDTH, N, wide, more);
    for (size_t i = 0; i < WIDTH * N; i++) x[i] += more[i];
  }
  Linear(&e, "network.read.0", WIDTH, READ, N, x, read);
  for (size_t i = 0; i < READ * N; i++) read[i] = Gelu(read[i]);
  Linear(&e, "network.read.1", READ, 2, N, read, y);
  for (size_t i = 0; i < 2 * N; i++) y[i] += u[i];
  ck_assert_msg(Farthest(2 * N, values, y) < 1e-13, "off by %g", Farthest(2 * N, values, y));
  free(u);
  free(values);
  EmulatorTearDown(&e);
}
END_TEST

START_TEST(test_deeponet_is_its_formulas)
{
  enum { NY = 3, NX = 4, N = NY * NX, WIDTH = 5, LATENT = 3, IN = 2 };
  for (int periodic = 0; periodic < 2; periodic++) {
    const NomosEmulatorShape shape = {.n_space = 2, .points = {NY, NX}, .periodic = periodic, .n_fields = IN};
    EmulatorSetup            e;
    double                   hidden[WIDTH], branch[IN * LATENT], features[8], at[LATENT], y[IN * N];

    EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS("neural_operator.network=deeponet", "neural_operator.conditioning=none", "neural_operator.form=next_state", "deeponet.width=5", "deeponet.latent=3", "deeponet.layers=1", "deeponet.harmonics=2"));
    double *u = Random(1, IN * N), *bias = EmulatorValues(&e, "network.bias"), *values = Doubles(Next(&e, State(&e, &shape, 1), Tensor(e.tape, NOMOS_F64, 1, 2, (size_t[]){1, 0})));
    Linear(&e, "network.branch.0", IN * N, WIDTH, 1, u, hidden);
    for (int i = 0; i < WIDTH; i++) hidden[i] = Gelu(hidden[i]);
    Linear(&e, "network.branch.1", WIDTH, IN * LATENT, 1, hidden, branch);
    for (size_t p = 0; p < N; p++) {
      const double x = ((double)(p % NX) + 0.5) / NX, yy = ((double)(p / NX) + 0.5) / NY; /* NOLINT */
      size_t       n = 0;
      for (int axis = 0; axis < 2; axis++)
        for (int k = 1; k <= (periodic ? 2 : 1); k++) {
          const double a = axis ? yy : x;
          features[n++]  = periodic ? cos(2 * PI * k * a) : a;
          if (periodic) features[n++] = sin(2 * PI * k * a);
        }
      Linear(&e, "network.trunk.0", n, WIDTH, 1, features, hidden);
      for (int i = 0; i < WIDTH; i++) hidden[i] = Gelu(hidden[i]);
      Linear(&e, "network.trunk.1", WIDTH, LATENT, 1, hidden, at);
      for (size_t o = 0; o < IN; o++) {
        y[o * N + p] = bias[o];
        for (size_t k = 0; k < LATENT; k++) y[o * N + p] += branch[o * LATENT + k] * Gelu(at[k]);
      }
    }
    ck_assert_msg(Farthest(IN * N, values, y) < 1e-13, "off by %g", Farthest(IN * N, values, y));
    free(u);
    free(bias);
    free(values);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* As declared, a modulation is none: its scales and shifts are zero, and the weights it shares with the blind network have the same names and so the same first values. */
START_TEST(test_modulation_begins_as_nothing)
{
  for (size_t n = 0; nomos_emulator_networks[n]; n++) {
    double *y[2];
    size_t  size = 0;
    for (int modulated = 0; modulated < 2; modulated++) {
      EmulatorSetup e;
      ck_ok(EmulatorTry(&e, NOMOS_F64, &line, Small(nomos_emulator_networks[n], modulated ? &NomosConditioningOps_Modulation : &NomosConditioningOps_None, "increment")));
      ck_ok(NomosParametersInitialise(e.parameters, 5));
      ck_ok(NomosTapeCreate(&e.tape));
      ck_ok(NomosParametersBind(e.parameters, e.tape, e.w));
      const NomosTensor next = Next(&e, State(&e, &line, 2), Lambda(&e, &line, 2));
      y[modulated]           = Doubles(next);
      size                   = NomosTensorSize(next);
      EmulatorTearDown(&e);
    }
    ck_assert_msg(Farthest(size, y[1], y[0]) < 1e-15, "%s: modulated by %g", nomos_emulator_networks[n]->name, Farthest(size, y[1], y[0]));
    free(y[0]);
    free(y[1]);
  }
}
END_TEST

NOMOS_TEST_SUITE("emulator_networks", test_derivatives, test_samples_do_not_see_each_other, test_shifts, test_shifts_of_some_paths, test_other_grids, test_factorised_fno_is_its_formulas, test_deeponet_is_its_formulas, test_modulation_begins_as_nothing)
