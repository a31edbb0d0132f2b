/* Emulators: sizes as published, CAPE against its formulas, forms and what they keep, mistakes. */
#include "emulator_setup.h"

static const NomosEmulatorShape line = {.n_space = 1, .points = {128}, .periodic = true, .n_fields = 1, .n_parameters = 1}, plane = {.n_space = 2, .points = {64, 64}, .periodic = true, .n_fields = 4, .n_parameters = 3};

/* ---- sizes: CAPE's and PDEBench's architectures, counted from their code. doi:10.48550/arXiv.2304.14118, doi:10.48550/arXiv.2210.07182 */

/* Trained numbers, a complex one as one or as two. */
static size_t Count(NomosParameters parameters, bool complex_once)
{
  size_t n = 0;
  for (size_t i = 0; i < NomosParametersCount(parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(parameters, i, &p));
    if (p.buffer) continue;
    n += complex_once && (strstr(p.name, ".spectral.") || strstr(p.name, ".global.")) ? p.size / 2 : p.size;
  }
  return n;
}

#define FNO_PAPER  "fno.modes=12", "fno.coordinates=true", "fno.pad=2", "fno.one_sided=true", "neural_operator.form=next_state"
#define UNET_PAPER "neural_operator.network=unet", "unet.circular=false", "neural_operator.form=next_state"
#define BLIND      "neural_operator.conditioning=none"
#define CAPE       "neural_operator.conditioning=cape"
#define CHANNELS   "neural_operator.conditioning=channels", "channels.surplus=true", "channels.scale=raw"

START_TEST(test_sizes_are_those_published)
{
  const struct {
    const NomosEmulatorShape *shape;
    const char *const        *settings;
    size_t                    numel, real; /* real 0: not given */
  } rows[] = {
    {&line,  SETTINGS(FNO_PAPER, BLIND, "fno.width=36"),                     72509,   134717},
    {&line,  SETTINGS(FNO_PAPER, CHANNELS, "fno.width=36"),                  72674,   0},
    {&line,  SETTINGS(FNO_PAPER, BLIND, "fno.width=20"),                     23757,   42957},
    {&line,  SETTINGS(FNO_PAPER, CAPE, "fno.width=20"),                      68230,   120198},
    {&line,  SETTINGS(UNET_PAPER, BLIND),                                    2707809, 2707809},
    {&line,  SETTINGS(UNET_PAPER, CAPE),                                     2752262, 2785030},
    {&plane, SETTINGS(FNO_PAPER, BLIND, "fno.width=28"),                     910840,  1814008},
    {&plane, SETTINGS(FNO_PAPER, CAPE, "fno.width=20"),                      822428,  1615004},
    {&plane, SETTINGS(UNET_PAPER, BLIND),                                    7763428, 7763428},
    {&plane, SETTINGS(UNET_PAPER, CAPE, "unet.width=30"),                    7180986, 7512762},
    {&plane, SETTINGS(UNET_PAPER, CAPE, "unet.width=32"),                    8120720, 8452496},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    EmulatorSetup e;
    ck_ok(EmulatorTry(&e, NOMOS_F32, rows[r].shape, rows[r].settings));
    ck_assert_msg(Count(e.parameters, true) == rows[r].numel, "row %zu: %zu numbers, published %zu", r, Count(e.parameters, true), rows[r].numel);
    ck_assert_msg(!rows[r].real || NomosParametersSize(e.parameters) == rows[r].real, "row %zu: %zu real numbers, published %zu", r, NomosParametersSize(e.parameters), rows[r].real);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* The parts that are CAPE's alone. */
START_TEST(test_size_of_cape_alone)
{
  const NomosEmulatorShape *shapes[] = {&line, &plane};
  const size_t              published[2][2] = {{44321, 77089}, {355972, 687748}};
  for (int s = 0; s < 2; s++) {
    EmulatorSetup e;
    size_t        n[2] = {0};
    ck_ok(EmulatorTry(&e, NOMOS_F32, shapes[s], SETTINGS(FNO_PAPER, CAPE)));
    for (size_t i = 0; i < NomosParametersCount(e.parameters); i++) {
      NomosParameter p;
      ck_ok(NomosParametersGet(e.parameters, i, &p));
      if (!NomosEmulatorWarmsUp(e.emulator, p.name)) continue;
      n[0] += strstr(p.name, ".global.") ? p.size / 2 : p.size;
      n[1] += p.size;
    }
    for (int k = 0; k < 2; k++) ck_assert_msg(n[k] == published[s][k], "%d-D: %zu numbers of CAPE, published %zu", s + 1, n[k], published[s][k]);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* PDEBench's own baselines see ten frames. */
START_TEST(test_sizes_of_pdebench)
{
  const struct {
    const NomosEmulatorShape *shape;
    const char *const        *settings;
    size_t                    numel;
  } rows[] = {
    {&line,  SETTINGS(FNO_PAPER, BLIND, "fno.width=20"), 23937 },
    {&plane, SETTINGS(FNO_PAPER, BLIND, "fno.width=20"), 466544},
    {&line,  SETTINGS(UNET_PAPER, BLIND),                2708673},
    {&plane, SETTINGS(UNET_PAPER, BLIND),                7773796},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    NomosConfig                    config;
    NomosParameters                parameters;
    NomosEmulatorNetwork           network;
    const NomosEmulatorNetworkOps *ops = r < 2 ? &NomosEmulatorNetworkOps_Fno : &NomosEmulatorNetworkOps_UNet;
    ck_ok(EmulatorConfig(rows[r].settings, &config));
    ck_ok(NomosParametersCreate(NOMOS_F32, &parameters));
    ck_ok(NomosEmulatorNetworkCreate(&(NomosConditioningInput){.config = config, .parameters = parameters, .shape = rows[r].shape, .network = ops}, &(NomosEmulatorChannels){.in = 10 * rows[r].shape->n_fields, .out = rows[r].shape->n_fields}, &network));
    ck_assert_msg(Count(parameters, true) == rows[r].numel, "%s, row %zu: %zu numbers, published %zu", ops->name, r, Count(parameters, true), rows[r].numel);
    ck_ok(NomosEmulatorNetworkDestroy(&network));
    ck_ok(NomosParametersDestroy(&parameters));
    ck_ok(NomosConfigDestroy(&config));
  }
}
END_TEST

/* ---- CAPE by its formulas, in plain loops */

static double Gelu(double x)
{
  return 0.5 * x * (1 + erf(x / sqrt(2)));
}

/* y[o] = sum_i w[o, i, taps..] x[i] with zeros around, groups of equal channels, bias or NULL; x [in][ny][nx] */
typedef struct {
  size_t in, out, ny, nx, taps, groups;
} Grid;
static double *ConvolvePlainly(const Grid *g, const double *w, const double *bias, const double *x)
{
  const size_t in = g->in / g->groups, out = g->out / g->groups, ky = g->ny > 1 ? g->taps : 1, kx = g->taps;
  double      *y = calloc(g->out * g->ny * g->nx, sizeof *y);
  for (size_t o = 0; o < g->out; o++)
    for (size_t j = 0; j < g->ny; j++)
      for (size_t k = 0; k < g->nx; k++) {
        double sum = bias ? bias[o] : 0;
        for (size_t i = 0; i < in; i++)
          for (size_t t = 0; t < ky * kx; t++) {
            const long at_y = (long)(j + t / kx) - (long)((ky - 1) / 2), at_x = (long)(k + t % kx) - (long)((kx - 1) / 2);
            if (at_y < 0 || at_x < 0 || at_y >= (long)g->ny || at_x >= (long)g->nx) continue;
            sum += w[(o * in + i) * ky * kx + t] * x[((o / out * in + i) * g->ny + (size_t)at_y) * g->nx + (size_t)at_x];
          }
        y[(o * g->ny + j) * g->nx + k] = sum;
      }
  return y;
}

/* Means over 4 (4 x 4), modes by their sums, mixed, back by their sums, each value 4 (4 x 4) times. Weights [in, out, (2 modes,) modes, 2]; in two dimensions later rows overwrite. */
static double *GlobalPlainly(const Grid *g, size_t modes, const double *w, const double *x)
{
  const double tau = 8 * atan(1);
  const size_t fy = g->ny > 1 ? 4 : 1, my = g->ny / fy, mx = g->nx / 4, columns = mx / 2 + 1, rows = my;
  double      *means = calloc(g->in * my * mx, sizeof *means), *spectrum = calloc(2 * g->in * rows * columns, sizeof *spectrum), *mixed = calloc(2 * rows * columns, sizeof *mixed), *z = calloc(g->out * g->ny * g->nx, sizeof *z);

  for (size_t i = 0; i < g->in; i++)
    for (size_t j = 0; j < g->ny; j++)
      for (size_t k = 0; k < g->nx; k++) means[(i * my + j / fy) * mx + k / 4] += x[(i * g->ny + j) * g->nx + k] / (double)(4 * fy);
  for (size_t i = 0; i < g->in; i++)
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < columns; c++)
        for (size_t j = 0; j < my; j++)
          for (size_t k = 0; k < mx; k++) {
            const double angle = -tau * ((double)(r * j) / (double)my + (double)(c * k) / (double)mx), value = means[(i * my + j) * mx + k];
            spectrum[2 * ((i * rows + r) * columns + c)] += value * cos(angle);
            spectrum[2 * ((i * rows + r) * columns + c) + 1] += value * sin(angle);
          }
  for (size_t o = 0; o < g->out; o++) {
    memset(mixed, 0, 2 * rows * columns * sizeof *mixed);
    for (size_t corner = 0; corner < (g->ny > 1 ? 2u : 1u); corner++)
      for (size_t a = 0; a < (g->ny > 1 ? modes : 1); a++) {
        const size_t r = corner ? rows - modes + a : a;
        for (size_t c = 0; c < modes; c++) {
          double real = 0, imaginary = 0;
          for (size_t i = 0; i < g->in; i++) {
            const double *s = spectrum + 2 * ((i * rows + r) * columns + c), *m = w + 2 * (((i * g->out + o) * (g->ny > 1 ? 2 * modes : 1) + corner * modes + a) * modes + c);
            real += s[0] * m[0] - s[1] * m[1];
            imaginary += s[0] * m[1] + s[1] * m[0];
          }
          mixed[2 * (r * columns + c)]     = real;
          mixed[2 * (r * columns + c) + 1] = imaginary;
        }
      }
    for (size_t j = 0; j < g->ny; j++)
      for (size_t k = 0; k < g->nx; k++) {
        double sum = 0;
        /* a real field of half the modes: first back along y, of complex numbers, then along x, where the imaginary parts of the mean and the shortest wave do not count */
        for (size_t c = 0; c < columns; c++) {
          double real = 0, imaginary = 0;
          for (size_t r = 0; r < rows; r++) {
            const double angle = tau * (double)(r * (j / fy)) / (double)my, *m = mixed + 2 * (r * columns + c);
            real += (m[0] * cos(angle) - m[1] * sin(angle)) / (double)my;
            imaginary += (m[0] * sin(angle) + m[1] * cos(angle)) / (double)my;
          }
          const double angle = tau * (double)(c * (k / 4)) / (double)mx, twice = c && 2 * c < mx ? 2 : 1;
          sum += twice * (real * cos(angle) - (twice > 1 ? imaginary * sin(angle) : 0)) / (double)mx;
        }
        z[(o * g->ny + j) * g->nx + k] = sum;
      }
  }
  free(means);
  free(spectrum);
  free(mixed);
  return z;
}

/* NULL where a path is left out. */
static double *OfPath(EmulatorSetup *e, const char name[])
{
  for (size_t i = 0; i < NomosParametersCount(e->parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(e->parameters, i, &p));
    if (!strcmp(p.name, name)) return Doubles(e->w[i]);
  }
  return NULL;
}

/* u^ of one sample. */
static double *CapePlainly(EmulatorSetup *e, const NomosEmulatorShape *s, size_t width, size_t modes, const double *u, const double *lambda)
{
  const bool   flat = s->n_space == 1;
  const size_t ny = flat ? 1 : s->points[0], nx = s->points[s->n_space - 1], n = ny * nx, half = width / 2, fields = s->n_fields;
  double      *paths[3], *z, *last;
  char         name[64];

  double *entry = EmulatorValues(e, "cape.entry.weight"), *y = ConvolvePlainly(&(Grid){fields, half, ny, nx, 5, 1}, entry, NULL, u);
  for (size_t i = 0; i < half * n; i++) y[i] = Gelu(y[i]);
  double *w0 = OfPath(e, "cape.global.weight"), *w1 = OfPath(e, "cape.pointwise.weight"), *b1 = OfPath(e, "cape.pointwise.bias"), *w2 = OfPath(e, "cape.local.weight");
  double *ws = EmulatorValues(e, "cape.skip.weight"), *bs = EmulatorValues(e, "cape.skip.bias"), *wl = EmulatorValues(e, "cape.last.weight"), *bl = EmulatorValues(e, "cape.last.bias"), *scale = EmulatorValues(e, "cape.norm.weight"), *shift = EmulatorValues(e, "cape.norm.bias");
  const Grid point = {half, width, ny, nx, 1, 1};
  paths[0] = w0 ? GlobalPlainly(&(Grid){half, width, ny, nx, 1, 1}, modes, w0, y) : NULL;
  paths[1] = w1 ? ConvolvePlainly(&point, w1, b1, y) : NULL;
  paths[2] = w2 ? ConvolvePlainly(&(Grid){half, width, ny, nx, 5, half}, w2, NULL, y) : NULL;
  z        = ConvolvePlainly(&point, ws, bs, y);
  for (int p = 0; p < 3; p++) {
    double *m[4], hidden[64];
    if (!paths[p]) continue;
    for (int i = 0; i < 4; i++) {
      snprintf(name, sizeof name, "cape.weights.%d.%d.%s", p, i / 2, i % 2 ? "bias" : "weight");
      m[i] = EmulatorValues(e, name);
    }
    for (size_t h = 0; h < half; h++) {
      double sum = m[1][h];
      for (size_t k = 0; k < s->n_parameters; k++) sum += m[0][h * s->n_parameters + k] * (flat ? lambda[k] : 1 / (1 + exp(-log(lambda[k]))));
      hidden[h] = Gelu(sum);
    }
    for (size_t c = 0; c < width; c++) {
      double a = m[3][c];
      for (size_t h = 0; h < half; h++) a += m[2][c * half + h] * hidden[h];
      for (size_t i = 0; i < n; i++) z[c * n + i] += a * paths[p][c * n + i];
    }
    for (int i = 0; i < 4; i++) free(m[i]);
    free(paths[p]);
  }
  for (size_t i = 0; i < width * n; i++) z[i] = Gelu(z[i]);
  last = ConvolvePlainly(&(Grid){width, fields, ny, nx, 1, 1}, wl, bl, z);
  for (size_t f = 0; f < fields; f++) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++) mean += last[f * n + i] / (double)n;
    for (size_t i = 0; i < n; i++) variance += (last[f * n + i] - mean) * (last[f * n + i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++) {
      const double normal = (last[f * n + i] - mean) / sqrt(variance + 1e-5) * scale[i] + shift[i];
      last[f * n + i]     = flat ? u[f * n + i] + normal : u[f * n + i] * (1 + normal);
    }
  }
  double *all[] = {entry, y, w0, w1, b1, w2, ws, bs, wl, bl, scale, shift, z};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  return last;
}

/* The network sees state and prediction, and what comes out of it is mixed. */
START_TEST(test_cape_is_its_formulas)
{
  const struct {
    NomosEmulatorShape shape;
    size_t             width, modes;
    const char *const *settings;
  } cases[] = {
    {{.n_space = 1, .points = {32}, .periodic = true, .n_fields = 1, .n_parameters = 1},     6, 5, SETTINGS(FNO_PAPER, CAPE, "fno.width=3", "cape.width=6", "fno.read_width=4")},
    {{.n_space = 1, .points = {48}, .periodic = true, .n_fields = 3, .n_parameters = 2},     8, 4, SETTINGS(FNO_PAPER, CAPE, "fno.width=3", "cape.width=8", "cape.modes=4", "fno.read_width=4")},
    {{.n_space = 2, .points = {24, 32}, .periodic = true, .n_fields = 2, .n_parameters = 3}, 4, 4, SETTINGS("fno.modes=3", "neural_operator.form=next_state", CAPE, "fno.width=3", "cape.width=4", "fno.read_width=4")}, /* 6 rows of means, 8 of modes */
    {{.n_space = 2, .points = {32, 32}, .periodic = true, .n_fields = 1, .n_parameters = 1}, 4, 3, SETTINGS("fno.modes=3", "neural_operator.form=next_state", CAPE, "fno.width=3", "cape.width=4", "cape.modes=3", "fno.read_width=4")},
    {{.n_space = 1, .points = {32}, .periodic = true, .n_fields = 1, .n_parameters = 1},     6, 5, SETTINGS(FNO_PAPER, CAPE, "fno.width=3", "cape.width=6", "cape.global=false", "cape.local=false")}, /* paths left out */
    {{.n_space = 2, .points = {24, 32}, .periodic = true, .n_fields = 1, .n_parameters = 1}, 4, 4, SETTINGS("fno.modes=3", "neural_operator.form=next_state", CAPE, "fno.width=3", "cape.width=4", "cape.pointwise=false")},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const NomosEmulatorShape *s = &cases[c].shape;
    const size_t              batch = 2, n = Size(s->n_space, s->points), shape[4] = {batch, s->n_fields, s->points[0], s->points[1]}, sample = s->n_fields * n;
    EmulatorSetup             e;
    NomosTensor               auxiliary;
    double                   *u = Random(1, batch * sample), lambda[6];

    EmulatorSetUp(&e, NOMOS_F64, s, cases[c].settings);
    for (int i = 0; i < 6; i++) lambda[i] = 0.2 + 0.35 * i;
    const NomosTensor tu = NomosTensorFromDoubles(e.tape, NOMOS_F64, 2 + s->n_space, shape, u), tl = NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){batch, s->n_parameters}, lambda);
    const NomosTensor next = NomosEmulatorStep(e.emulator, e.w, &(NomosEmulatorStepInput){.u = tu, .lambda = tl}, &auxiliary);
    ck_ok(NomosTapeStatus(e.tape));
    double *values = Doubles(auxiliary);
    for (size_t b = 0; b < batch; b++) {
      double *plain = CapePlainly(&e, s, cases[c].width, cases[c].modes, u + b * sample, lambda + b * s->n_parameters);
      ck_assert_msg(Farthest(sample, values + b * sample, plain) < 1e-12, "case %zu, sample %zu: off by %g", c, b, Farthest(sample, values + b * sample, plain));
      free(plain);
    }
    /* what is behind it, by a network of the same weights */
    NomosParameters      copy;
    NomosEmulatorNetwork network;
    NomosTensor     w[128];
    const size_t    both = 2 * s->n_fields;
    ck_ok(NomosParametersCreate(NOMOS_F64, &copy));
    ck_ok(NomosEmulatorNetworkCreate(&(NomosConditioningInput){.config = e.config, .parameters = copy, .shape = s, .network = &NomosEmulatorNetworkOps_Fno}, &(NomosEmulatorChannels){.in = both, .out = both}, &network));
    ck_ok(NomosParametersInitialise(copy, 1));
    for (size_t i = 0; i < NomosParametersCount(copy); i++) {
      NomosParameter p;
      ck_ok(NomosParametersGet(copy, i, &p));
      double *same = EmulatorValues(&e, p.name);
      ck_ok(NomosParametersSet(copy, i, same));
      free(same);
    }
    ck_ok(NomosParametersBind(copy, e.tape, w));
    double *o = Doubles(NomosEmulatorNetworkApply(&network, w, NomosConcatenate(2, (NomosTensor[]){tu, auxiliary}, 1), (NomosTensor){0}, NULL)), *mix = EmulatorValues(&e, "mix.weight"), *bias = EmulatorValues(&e, "mix.bias"), *y = Doubles(next);
    for (size_t b = 0; b < batch; b++) {
      double *plain = ConvolvePlainly(&(Grid){both, s->n_fields, s->n_space == 1 ? 1 : s->points[0], s->points[s->n_space - 1], 1, 1}, mix, bias, o + b * both * n);
      ck_assert_msg(Farthest(sample, y + b * sample, plain) < 1e-12, "case %zu, sample %zu: the next state is off by %g", c, b, Farthest(sample, y + b * sample, plain));
      free(plain);
    }
    double *all[] = {o, mix, bias, y, values, u};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    ck_ok(NomosEmulatorNetworkDestroy(&network));
    ck_ok(NomosParametersDestroy(&copy));
    EmulatorTearDown(&e);
  }
}
END_TEST

NOMOS_TEST_SUITE("emulator", test_sizes_are_those_published, test_size_of_cape_alone, test_sizes_of_pdebench, test_cape_is_its_formulas)
