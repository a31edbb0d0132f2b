/* Forms of emulators and what they keep; parameters as numbers of the order of one; defaults; mistakes. */
#include "emulator_setup.h"

#include <float.h>

#include "surrogates/operators/conditionings/scale.h"

static const NomosEmulatorShape line = {.n_space = 1, .points = {48}, .periodic = true, .n_fields = 2, .n_parameters = 1}, plane = {.n_space = 2, .points = {24, 16}, .periodic = true, .n_fields = 3, .n_parameters = 2};

static NomosTensor Step(EmulatorSetup *e, NomosTensor u, NomosTensor lambda, NomosTensor base)
{
  NomosTensor auxiliary;
  return NomosEmulatorStep(e->emulator, e->w, &(NomosEmulatorStepInput){.u = u, .lambda = lambda, .base = base}, &auxiliary);
}

/* ---- forms */

/* The farthest that a sum over the grid moves in five steps, in units of what their roundings can do: n numbers of each step's largest magnitude, 4 operations a number. */
static double Drift(NomosRealType type, const NomosEmulatorShape *s, const char form[], bool with_base)
{
  EmulatorSetup e;
  const size_t  n = Size(s->n_space, s->points), shape[4] = {2, s->n_fields, s->points[0], s->points[1]};
  double        drift = 0, allowed = 0, sums[2][16] = {{0}};

  EmulatorSetUp(&e, type, s, SETTINGS("fno.width=6", "fno.modes=4", form));
  NomosTensor       u      = NomosAffine(Tensor(e.tape, type, 1, 2 + s->n_space, shape), 1, 3);
  const NomosTensor lambda = NomosAffine(Tensor(e.tape, type, 2, 2, (size_t[]){2, s->n_parameters}), 0.5, 1), base = NomosAffine(Tensor(e.tape, type, 3, 2 + s->n_space, shape), 1, -2);
  for (int step = 0; step <= 5; step++) {
    double *values = Doubles(u), most = 0;
    if (step == 0 && with_base) {
      free(values);
      values = Doubles(base);
    }
    for (size_t f = 0; f < 2 * s->n_fields; f++) {
      double sum = 0;
      for (size_t i = 0; i < n; i++) sum += values[f * n + i];
      for (size_t i = 0; i < n; i++) most = fmax(most, fabs(values[f * n + i]));
      sums[step > 0][f] = sum;
      if (step) drift = fmax(drift, fabs(sums[1][f] - sums[0][f]));
    }
    free(values);
    allowed += 4 * (double)n * most * (type == NOMOS_F32 ? FLT_EPSILON : DBL_EPSILON);
    u = Step(&e, u, lambda, with_base ? base : (NomosTensor){0});
  }
  EmulatorTearDown(&e);
  return drift / allowed;
}

START_TEST(test_fluxes_keep_sums)
{
  for (int type = 0; type < 2; type++)
    for (int n_space = 1; n_space <= 2; n_space++)
      for (int with_base = 0; with_base < 2; with_base++) {
        const double flux = Drift(type ? NOMOS_F32 : NOMOS_F64, n_space == 1 ? &line : &plane, "neural_operator.form=flux", with_base);
        ck_assert_msg(flux < 1, "%s, %d-D: sums drift by %g of what rounding allows", type ? "float32" : "float64", n_space, flux);
        ck_assert_double_gt(Drift(type ? NOMOS_F32 : NOMOS_F64, n_space == 1 ? &line : &plane, "neural_operator.form=increment", with_base), 100); /* not everything does */
      }
}
END_TEST

/* On a plane the first fluxes act along y, the others along x: where one half of them is zero, the other moves nothing from line to line across its axis, so that sums along it stay, line by line. */
START_TEST(test_fluxes_have_their_axes)
{
  const size_t ny = plane.points[0], nx = plane.points[1], fields = plane.n_fields, shape[] = {1, fields, ny, nx};

  for (int kept = 0; kept < 2; kept++) {
    static const char *const last[] = {"network.read.1.weight", "network.read.1.bias"};
    EmulatorSetup            e;
    double                   most = 0, sums[2] = {0}; /* the largest along y, along x */
    EmulatorSetUp(&e, NOMOS_F64, &plane, SETTINGS("fno.width=6", "fno.modes=4", "neural_operator.form=flux"));
    for (int k = 0; k < 2; k++) {
      size_t         number;
      NomosParameter p;
      double        *values = EmulatorValues(&e, last[k]);
      ck_ok(NomosParametersFind(e.parameters, last[k], &number));
      ck_ok(NomosParametersGet(e.parameters, number, &p));
      ck_assert_uint_eq(p.shape[0], 2 * fields);
      for (size_t i = 0; i < p.size / 2; i++) values[(size_t)!kept * p.size / 2 + i] = 0;
      ck_ok(NomosParametersSetDoubles(e.parameters, number, values));
      free(values);
    }
    ck_ok(NomosTapeReset(e.tape));
    ck_ok(NomosParametersBind(e.parameters, e.tape, e.w));
    double *change = Doubles(Step(&e, Tensor(e.tape, NOMOS_F64, 1, 4, shape), Tensor(e.tape, NOMOS_F64, 2, 2, (size_t[]){1, plane.n_parameters}), NomosTensorConstant(e.tape, NOMOS_F64, 4, shape, 0)));
    for (size_t i = 0; i < fields * ny * nx; i++) most = fmax(most, fabs(change[i]));
    for (size_t f = 0; f < fields; f++)
      for (int axis = 0; axis < 2; axis++)
        for (size_t at = 0; at < (axis ? ny : nx); at++) {
          double sum = 0;
          for (size_t i = 0; i < (axis ? nx : ny); i++) sum += change[f * ny * nx + (axis ? at * nx + i : i * nx + at)];
          sums[axis] = fmax(sums[axis], fabs(sum));
        }
    ck_assert_msg(sums[kept] < 4 * (double)(ny * nx) * most * DBL_EPSILON, "fluxes along %s leave sums along it of %g, of changes of %g", kept ? "x" : "y", sums[kept], most);
    ck_assert_double_gt(sums[!kept], 0.01 * most);
    free(change);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* u' = o, b + o, b + o(j) - o(j - 1) of the same weights: fluxes of one field and dimension are as many as fields. */
START_TEST(test_forms_are_their_formulas)
{
  static const char *const forms[] = {"neural_operator.form=next_state", "neural_operator.form=increment", "neural_operator.form=flux"};
  enum { N = 48 };
  const NomosEmulatorShape shape = {.n_space = 1, .points = {N}, .periodic = true, .n_fields = 1, .n_parameters = 1};
  double                   y[3][N], *base = Random(3, N), *u = Random(1, N);

  for (int with_base = 0; with_base < 2; with_base++) {
    for (int f = 0; f < 3; f++) {
      EmulatorSetup e;
      EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS(forms[f]));
      const NomosTensor b = Tensor(e.tape, NOMOS_F64, 3, 3, (size_t[]){1, 1, N});
      ck_ok(NomosTensorGetDoubles(Step(&e, Tensor(e.tape, NOMOS_F64, 1, 3, (size_t[]){1, 1, N}), NomosTensorConstant(e.tape, NOMOS_F64, 2, (size_t[]){1, 1}, 0.7), with_base ? b : (NomosTensor){0}), y[f]));
      EmulatorTearDown(&e);
    }
    for (int j = 0; j < N; j++) {
      const double b = with_base ? base[j] : u[j];
      ck_assert_double_eq_tol(y[1][j], b + y[0][j], 1e-14);
      ck_assert_double_eq_tol(y[2][j], b + y[0][j] - y[0][(j + N - 1) % N], 1e-14);
    }
  }
  free(base);
  free(u);
}
END_TEST

/* The domain decides: without padding and coordinates where it is periodic, with both where it is not. */
START_TEST(test_defaults)
{
  for (int periodic = 0; periodic < 2; periodic++) {
    NomosEmulatorShape shape = {.n_space = 1, .points = {64}, .periodic = periodic, .n_fields = 1};
    EmulatorSetup      e;
    NomosParameter     lift;
    NomosTensor        auxiliary;
    size_t             number;
    EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS(NULL));
    ck_ok(NomosParametersFind(e.parameters, "network.lift.weight", &number)); /* fno, none */
    ck_ok(NomosParametersGet(e.parameters, number, &lift));
    ck_assert_int_eq((int)lift.shape[1], periodic ? 1 : 2);
    ck_ok(NomosTapeStatus(e.tape));
    EmulatorTearDown(&e);
    shape.n_parameters = 1;
    EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS(NULL));
    (void)NomosEmulatorStep(e.emulator, e.w, &(NomosEmulatorStepInput){.u = Tensor(e.tape, NOMOS_F64, 1, 3, (size_t[]){2, 1, 64}), .lambda = NomosTensorConstant(e.tape, NOMOS_F64, 2, (size_t[]){2, 1}, 0.7)}, &auxiliary);
    ck_ok(NomosTapeStatus(e.tape));
    ck_assert(NomosTensorIsValid(auxiliary)); /* channel_attention */
    ck_assert(NomosEmulatorWarmsUp(e.emulator, "channel_attention.entry.weight") && !NomosEmulatorWarmsUp(e.emulator, "network.lift.weight"));
    EmulatorTearDown(&e);
  }
}
END_TEST

/* ---- parameters */

/* phi of values, after the range of `seen` (n, m). */
static void Scaled(NomosRealType type, const char *const settings[], size_t m, size_t n, const double seen[], size_t n_values, const double values[], double phi[])
{
  const NomosEmulatorShape shape = {.n_space = 1, .points = {16}, .periodic = true, .n_fields = 1, .n_parameters = m};
  NomosConfig              config;
  NomosParameters          parameters;
  NomosParameterScale      scale;
  NomosTape                tape;
  NomosTensor              w[8];

  ck_ok(EmulatorConfig(settings, &config));
  ck_ok(NomosParametersCreate(type, &parameters));
  ck_ok(NomosParameterScaleFromConfig(&(NomosConditioningInput){.config = config, .parameters = parameters, .shape = &shape}, "channels", &scale));
  ck_ok(NomosParametersInitialise(parameters, 1));
  ck_ok(NomosParameterScaleFit(&scale, parameters, &(NomosEmulatorSeen){n, seen, (const char *const[]){"a", "b"}}));
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(parameters, tape, w));
  ck_ok(NomosTensorGetDoubles(NomosParameterScaleApply(&scale, w, NomosTensorFromDoubles(tape, type, 2, (size_t[]){n_values / m, m}, values)), phi));
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosParametersDestroy(&parameters));
  ck_ok(NomosConfigDestroy(&config));
}

START_TEST(test_parameters_are_standardised_and_bounded)
{
  static const double seen[] = {0.002, 2, 0.02, 0.4}, values[] = {0.002, 2, 0.0632455532033676, 0.001, 4, 1e-9, 1e9, 2.0000001, 0, -3};
  double              phi[10];

  for (int type = 0; type < 2; type++) {
    const NomosRealType real = type ? NOMOS_F32 : NOMOS_F64;
    const double        tolerance = type ? 2e-6 : 1e-14, beyond = log(2.0) / log(1000.0) * 2; /* of half or twice the ends */
    Scaled(real, SETTINGS("neural_operator.conditioning=channels", "channels.margin=0.25"), 1, 4, seen, 10, values, phi);
    ck_assert_double_eq_tol(phi[0], -1, tolerance);
    ck_assert_double_eq_tol(phi[1], 1, tolerance);
    ck_assert_double_eq_tol(phi[2], 0, tolerance);
    ck_assert_double_eq_tol(phi[3], -1 - 0.25 * tanh(beyond / 0.25), tolerance);
    ck_assert_double_eq_tol(phi[4], 1 + 0.25 * tanh(beyond / 0.25), tolerance);
    ck_assert_double_eq_tol(phi[5], -1.25, 1e-4);
    ck_assert_double_eq_tol(phi[6], 1.25, 1e-4);
    ck_assert_double_eq_tol(phi[7], 1, 1e-6); /* continuous */
    ck_assert_double_eq_tol(phi[8], -1.25, tolerance); /* no logarithm: as low as can be */
    ck_assert_double_eq_tol(phi[9], -1.25, tolerance);
    Scaled(real, SETTINGS("neural_operator.conditioning=channels"), 1, 4, seen, 10, values, phi); /* as it is by default: held at the ends */
    for (int i = 3; i < 10; i++) ck_assert_double_eq_tol(phi[i], i == 4 || i == 6 || i == 7 ? 1 : -1, tolerance);
    Scaled(real, SETTINGS("neural_operator.conditioning=channels", "channels.scale=raw"), 1, 4, seen, 10, values, phi);
    ck_assert_double_eq_tol(phi[4], 4, tolerance);
    Scaled(real, SETTINGS("neural_operator.conditioning=channels", "channels.scale=ratio"), 1, 4, seen, 10, values, phi);
    ck_assert_double_eq_tol(phi[4], 0.8, tolerance);
    /* two at once: one with signs, linear for that; one that is always the same says nothing */
    Scaled(real, SETTINGS("neural_operator.conditioning=channels"), 2, 2, (double[]){-2, 0.3, 6, 0.3}, 4, (double[]){2, 0.3, -1, 5}, phi);
    ck_assert_double_eq_tol(phi[0], 0, tolerance);
    ck_assert_double_eq_tol(phi[2], -0.75, tolerance);
    ck_assert_double_eq_tol(phi[1], 0, tolerance);
    ck_assert_double_eq_tol(phi[3], 0, tolerance);
  }
}
END_TEST

/* The slope of bounded parameters is that of differences, inside, at the end and beyond, and zero where there is no logarithm; never NaN. */
START_TEST(test_slopes_of_bounded_parameters)
{
  EmulatorSetup            e;
  const NomosEmulatorShape shape = {.n_space = 1, .points = {16}, .periodic = true, .n_fields = 1, .n_parameters = 1};
  const double             at[]  = {0.5, 2.2, 0.2, 7, -1, 0};

  EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS("fno.width=4"));
  ck_ok(NomosEmulatorFit(e.emulator, e.parameters, &(NomosEmulatorSeen){2, (double[]){0.3, 2}, (const char *const[]){"nu"}}));
  for (int i = 0; i < 6; i++) {
    double values[3], slope;
    for (int k = 0; k < 3; k++) {
      const double lambda = at[i] + (k - 1) * 1e-5;
      NomosTensor  bar;
      ck_ok(NomosTapeReset(e.tape));
      ck_ok(NomosParametersBind(e.parameters, e.tape, e.w));
      const NomosTensor l = NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){1, 1}, &lambda), y = NomosSumAll(NomosPower(Step(&e, Tensor(e.tape, NOMOS_F64, 1, 3, (size_t[]){1, 1, 16}), l, (NomosTensor){0}), 2));
      ck_ok(NomosTensorGetScalar(y, &values[k]));
      ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .n = 1, .x = &l}, &bar));
      if (k == 1) ck_ok(NomosTensorGetScalar(bar, &slope));
    }
    if (at[i] == 0) ck_assert(isfinite(slope));
    else ck_assert_msg(fabs(slope - (values[2] - values[0]) / 2e-5) < 1e-6 * (1 + fabs(slope)), "at %g the slope is %g, by differences %g", at[i], slope, (values[2] - values[0]) / 2e-5);
  }
  EmulatorTearDown(&e);
}
END_TEST

/* Whoever is told the parameters is told them so: beyond a clamp they make no difference. */
START_TEST(test_conditionings_see_bounded_parameters)
{
  const char *const *conditionings[] = {SETTINGS("neural_operator.conditioning=channels", "channels.margin=0"), SETTINGS("neural_operator.conditioning=modulation", "modulation.margin=0"), SETTINGS("neural_operator.conditioning=channel_attention", "channel_attention.margin=0")};
  const double       lambda[] = {0.3, 0.9, 1.1, 50}, seen[] = {0.5, 1};
  for (int c = 0; c < 3; c++) {
    const NomosEmulatorShape shape = {.n_space = 1, .points = {16}, .periodic = true, .n_fields = 1, .n_parameters = 1};
    EmulatorSetup            e;
    double                   y[4][16];
    EmulatorSetUp(&e, NOMOS_F64, &shape, conditionings[c]);
    ck_ok(NomosEmulatorFit(e.emulator, e.parameters, &(NomosEmulatorSeen){2, seen, (const char *const[]){"nu"}}));
    ck_ok(NomosTapeReset(e.tape));
    ck_ok(NomosParametersBind(e.parameters, e.tape, e.w));
    for (int i = 0; i < 4; i++) ck_ok(NomosTensorGetDoubles(Step(&e, Tensor(e.tape, NOMOS_F64, 1, 3, (size_t[]){1, 1, 16}), NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){1, 1}, &lambda[i]), (NomosTensor){0}), y[i]));
    ck_assert_double_gt(Farthest(16, y[0], y[1]), 1e-6);
    ck_assert_double_gt(Farthest(16, y[1], y[2]), 1e-6);
    ck_assert_msg(!memcmp(y[2], y[3], sizeof y[2]), "conditioning %d: beyond the clamp parameters count", c);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* Grids whose means over 4 x 4 points have an odd number of rows, of which modes of both signs take an even one. */
START_TEST(test_cape_on_odd_grids)
{
  static const size_t sides[] = {20, 28, 36, 44};
  for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
    const NomosEmulatorShape shape = {.n_space = 2, .points = {sides[k], sides[k]}, .periodic = true, .n_fields = 1, .n_parameters = 1};
    EmulatorSetup            e;
    EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS("neural_operator.conditioning=cape", "fno.width=2", "fno.modes=2", "cape.width=2"));
    (void)Step(&e, Tensor(e.tape, NOMOS_F64, 1, 4, (size_t[]){1, 1, sides[k], sides[k]}), Tensor(e.tape, NOMOS_F64, 2, 2, (size_t[]){1, 1}), (NomosTensor){0});
    ck_ok(NomosTapeStatus(e.tape));
    EmulatorTearDown(&e);
  }
}
END_TEST

/* ---- mistakes */

START_TEST(test_mistakes)
{
  static const struct {
    NomosEmulatorShape shape;
    const char        *settings[4], *sentence;
  } cases[] = {
    {{1, {100}, true, 1, 1, {0}},     {"neural_operator.network=unet"},                                     "unet on 100 points: needs a multiple of 16, as it halves the grid 4 times; use 96 or 112"},
    {{2, {64, 8}, true, 1, 1, {0}},   {"neural_operator.network=unet"},                                     "unet on 8 points: needs a multiple of 16"},
    {{1, {20}, true, 1, 1, {0}},      {"fno.modes=12"},                                                     "fno.modes = 12, but a grid of 20 points has 11 Fourier modes"},
    {{2, {20, 40}, true, 1, 1, {0}},  {"fno.modes=12"},                                                     "fno.modes = 12, but a grid of 20 x 40 points has 10 Fourier modes of either sign along y, 21 along x: give at most 10"},
    {{2, {40, 20}, true, 1, 1, {0}},  {"neural_operator.network=factorised_fno", "factorised_fno.modes=12"}, "give at most 11"},
    {{1, {30}, true, 1, 1, {0}},      {"neural_operator.conditioning=cape"},                                "30 points are no multiple of that; choose channel_attention"},
    {{1, {64}, true, 1, 1, {0}},      {"neural_operator.conditioning=cape", "cape.modes=10"},               "cape.modes = 10, but the grid of means over 4 points has 9 Fourier modes"},
    {{2, {20, 20}, true, 1, 1, {0}},  {"neural_operator.conditioning=cape", "cape.modes=3"},                "cape.modes = 3, but the grid of means over 4 points has 2 Fourier modes"},
    {{1, {64}, true, 1, 1, {0}},      {"neural_operator.conditioning=cape", "cape.width=33"},               "cape.width = 33: must be even"},
    {{1, {64}, true, 1, 0, {0}},      {"neural_operator.conditioning=channels"},                            "neural_operator.conditioning = channels, but neural_operator.parameters names none"},
    {{1, {64}, false, 1, 1, {0}},     {"neural_operator.form=flux"},                                        "what flows through its boundary is not known"},
    {{1, {64}, true, 1, 1, {0}},      {"neural_operator.network=transformer"},                              "must be one of fno, factorised_fno, unet, deeponet"},
    {{1, {64}, true, 1, 1, {0}},      {"neural_operator.conditioning=channel_attenton"},                    "did you mean channel_attention?"},
    {{1, {64}, true, 1, 1, {0}},      {"unet.width=3"},                                                     "neural_operator.network = fno, but the case has a table unet"}, /* the table of another network */
    {{3, {64, 64}, true, 1, 1, {0}},  {NULL},                                                               "an emulator in 3 dimensions: must be 1 or 2"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    EmulatorSetup e;
    const char   *settings[MAX_SETTINGS] = {cases[c].settings[0], cases[c].settings[1], cases[c].settings[2]};
    ck_refused(EmulatorTry(&e, NOMOS_F64, &cases[c].shape, settings), cases[c].sentence);
    EmulatorTearDown(&e);
  }
  EmulatorSetup e;
  EmulatorSetUp(&e, NOMOS_F64, &line, SETTINGS(NULL));
  ck_refused(NomosEmulatorFit(e.emulator, e.parameters, &(NomosEmulatorSeen){0}), "no trajectory");
  ck_refused(NomosEmulatorFit(e.emulator, e.parameters, &(NomosEmulatorSeen){2, (double[]){1, NAN}, (const char *const[]){"burgers.nu"}}), "burgers.nu of trajectory 1 of the training is nan: parameters must be finite");
  EmulatorTearDown(&e);
}
END_TEST

NOMOS_TEST_SUITE("emulator_forms", test_fluxes_keep_sums, test_fluxes_have_their_axes, test_forms_are_their_formulas, test_defaults, test_parameters_are_standardised_and_bounded, test_slopes_of_bounded_parameters, test_conditionings_see_bounded_parameters, test_cape_on_odd_grids, test_mistakes)
