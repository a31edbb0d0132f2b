/* Emulators: sizes as published; channel attention, CAPE's and our own, and modulation against their formulas. */
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

/* ---- conditionings by their formulas, in plain loops */

static double Gelu(double x)
{
  return 0.5 * x * (1 + erf(x / sqrt(2)));
}

/* y[o] = sum_i w[o, i, taps..] x[i] with zeros around or circular, groups of equal channels, bias or NULL; x [in][ny][nx] */
typedef struct {
  size_t in, out, ny, nx, taps, groups;
  bool   circular;
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
            long at_y = (long)(j + t / kx) - (long)((ky - 1) / 2), at_x = (long)(k + t % kx) - (long)((kx - 1) / 2);
            if (g->circular) at_y = (at_y + (long)g->ny) % (long)g->ny, at_x = (at_x + (long)g->nx) % (long)g->nx;
            if (at_y < 0 || at_x < 0 || at_y >= (long)g->ny || at_x >= (long)g->nx) continue;
            sum += w[(o * in + i) * ky * kx + t] * x[((o / out * in + i) * g->ny + (size_t)at_y) * g->nx + (size_t)at_x];
          }
        y[(o * g->ny + j) * g->nx + k] = sum;
      }
  return y;
}

/* Means over `pool` points along every axis (1: the points), `pad` zeros behind them, modes by their sums, mixed, back by their sums, each value `pool` times. Weights [in, out, (2 modes,) modes, 2]; in two dimensions later rows overwrite. */
static double *GlobalPlainly(const Grid *g, size_t modes, size_t pool, size_t pad, const double *w, const double *x)
{
  const double tau = 8 * atan(1);
  const size_t fy = g->ny > 1 ? pool : 1, my = g->ny > 1 ? g->ny / fy + pad : 1, mx = g->nx / pool + pad, columns = mx / 2 + 1, rows = my;
  double      *means = calloc(g->in * my * mx, sizeof *means), *spectrum = calloc(2 * g->in * rows * columns, sizeof *spectrum), *mixed = calloc(2 * rows * columns, sizeof *mixed), *z = calloc(g->out * g->ny * g->nx, sizeof *z);

  for (size_t i = 0; i < g->in; i++)
    for (size_t j = 0; j < g->ny; j++)
      for (size_t k = 0; k < g->nx; k++) means[(i * my + j / fy) * mx + k / pool] += x[(i * g->ny + j) * g->nx + k] / (double)(pool * fy);
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
          const double angle = tau * (double)(c * (k / pool)) / (double)mx, twice = c && 2 * c < mx ? 2 : 1;
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

/* CAPE as published, or as channel_attention has it (guided_attention.h). */
typedef struct {
  const char *name;
  bool        original;
  size_t      width, modes, pad;
} Attention;

/* NULL where there is none, as of a path that is left out. */
static double *Of(EmulatorSetup *e, const Attention *how, const char part[])
{
  char name[64];
  snprintf(name, sizeof name, "%s.%s", how->name, part);
  for (size_t i = 0; i < NomosParametersCount(e->parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(e->parameters, i, &p));
    if (!strcmp(p.name, name)) return Doubles(e->w[i]);
  }
  return NULL;
}

/* u^ of one sample and of scaled parameters. */
static double *PredictPlainly(EmulatorSetup *e, const NomosEmulatorShape *s, const Attention *how, const double *u, const double *phi)
{
  const bool   flat = s->n_space == 1, circular = s->periodic && !how->original;
  const size_t ny = flat ? 1 : s->points[0], nx = s->points[s->n_space - 1], n = ny * nx, width = how->width, half = width / 2, fields = s->n_fields;
  double      *paths[3], *z, *last;
  char         name[64];

  double *entry = Of(e, how, "entry.weight"), *y = ConvolvePlainly(&(Grid){fields, half, ny, nx, 5, 1, circular}, entry, NULL, u);
  for (size_t i = 0; i < half * n; i++) y[i] = Gelu(y[i]);
  double *w0 = Of(e, how, "global.weight"), *w1 = Of(e, how, "pointwise.weight"), *b1 = Of(e, how, "pointwise.bias"), *w2 = Of(e, how, "local.weight");
  double *ws = Of(e, how, "skip.weight"), *bs = Of(e, how, "skip.bias"), *wl = Of(e, how, "last.weight"), *bl = Of(e, how, "last.bias"), *scale = Of(e, how, "norm.weight"), *shift = Of(e, how, "norm.bias");
  const Grid point = {half, width, ny, nx, 1, 1, false};
  paths[0] = w0 ? GlobalPlainly(&point, how->modes, how->original ? 4 : 1, how->pad, w0, y) : NULL;
  paths[1] = w1 ? ConvolvePlainly(&point, w1, b1, y) : NULL;
  paths[2] = w2 ? ConvolvePlainly(&(Grid){half, width, ny, nx, 5, half, circular}, w2, NULL, y) : NULL;
  z        = ConvolvePlainly(&point, ws, bs, y);
  for (int p = 0; p < 3; p++) {
    double *m[4], hidden[64];
    if (!paths[p]) continue;
    for (int i = 0; i < 4; i++) {
      snprintf(name, sizeof name, "weights.%d.%d.%s", p, i / 2, i % 2 ? "bias" : "weight");
      ck_assert_ptr_nonnull(m[i] = Of(e, how, name));
    }
    for (size_t h = 0; h < half; h++) {
      double sum = m[1][h];
      for (size_t k = 0; k < s->n_parameters; k++) sum += m[0][h * s->n_parameters + k] * phi[k];
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
  last = ConvolvePlainly(&(Grid){width, fields, ny, nx, 1, 1, false}, wl, bl, z);
  for (size_t f = 0; f < fields; f++) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++) mean += last[f * n + i] / (double)n;
    for (size_t i = 0; i < n; i++) variance += (last[f * n + i] - mean) * (last[f * n + i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++) {
      const double normal = how->original ? (last[f * n + i] - mean) / sqrt(variance + 1e-5) * scale[i] + shift[i] : last[f * n + i];
      last[f * n + i]     = flat || !how->original ? u[f * n + i] + normal : u[f * n + i] * (1 + normal);
    }
  }
  double *all[] = {entry, y, w0, w1, b1, w2, ws, bs, wl, bl, scale, shift, z};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  return last;
}

/* A logarithm of which -1 and 1 are the ends of the training, here 0.3 and 0.8, and beyond which it goes no further than `margin` (scale.h). */
static double Bounded(double lambda, double margin)
{
  const double t = 2 * log(lambda / 0.3) / log(0.8 / 0.3) - 1, beyond = fabs(t) - 1;
  return beyond <= 0 ? t : copysign(1 + (margin > 0 ? margin * tanh(beyond / margin) : 0), t);
}

static void FitEnds(EmulatorSetup *e, const NomosEmulatorShape *s)
{
  double seen[6];
  for (size_t i = 0; i < 2 * s->n_parameters; i++) seen[i] = i < s->n_parameters ? 0.3 : 0.8;
  ck_ok(NomosEmulatorFit(e->emulator, e->parameters, &(NomosEmulatorSeen){2, seen, (const char *const[]){"a", "b", "c"}}));
  ck_ok(NomosTapeReset(e->tape));
  ck_ok(NomosParametersBind(e->parameters, e->tape, e->w));
}

/* What the network of an emulator makes of an input, by a network alone of the same weights. */
static double *Behind(EmulatorSetup *e, const NomosEmulatorShape *s, const NomosEmulatorChannels *channels, NomosTensor x, NomosTensor code)
{
  NomosParameters      copy;
  NomosEmulatorNetwork network;
  NomosTensor          w[128];

  ck_ok(NomosParametersCreate(NOMOS_F64, &copy));
  ck_ok(NomosEmulatorNetworkCreate(&(NomosConditioningInput){.config = e->config, .parameters = copy, .shape = s, .network = &NomosEmulatorNetworkOps_Fno}, channels, &network));
  ck_ok(NomosParametersInitialise(copy, 1));
  for (size_t i = 0; i < NomosParametersCount(copy); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(copy, i, &p));
    double *same = EmulatorValues(e, p.name);
    ck_ok(NomosParametersSet(copy, i, same));
    free(same);
  }
  ck_ok(NomosParametersBind(copy, e->tape, w));
  double *o = Doubles(NomosEmulatorNetworkApply(&network, w, x, code, NULL));
  ck_ok(NomosEmulatorNetworkDestroy(&network));
  ck_ok(NomosParametersDestroy(&copy));
  return o;
}

/* The network sees state and prediction, and what comes out of it is mixed by CAPE. */
START_TEST(test_attention_is_its_formulas)
{
#define OF_CAPE(width, modes)                 {"cape", true, width, modes, 0}
#define OF_ATTENTION(width, modes, pad)       {"channel_attention", false, width, modes, pad}
#define ATTENTION                             "neural_operator.form=next_state", "fno.modes=3", "fno.width=3", "fno.read_width=4"
#define LINE(n, is_periodic, fields, count)   {.n_space = 1, .points = {n}, .periodic = is_periodic, .n_fields = fields, .n_parameters = count}
#define PLANE(m, n, is_periodic, fields, count) {.n_space = 2, .points = {m, n}, .periodic = is_periodic, .n_fields = fields, .n_parameters = count}
  const struct {
    NomosEmulatorShape shape;
    Attention          how;
    double             margin;
    const char *const *settings;
  } cases[] = {
    {LINE(32, true, 1, 1),      OF_CAPE(6, 5), 0, SETTINGS(FNO_PAPER, CAPE, "fno.width=3", "cape.width=6", "fno.read_width=4")},
    {LINE(48, true, 3, 2),      OF_CAPE(8, 4), 0, SETTINGS(FNO_PAPER, CAPE, "fno.width=3", "cape.width=8", "cape.modes=4", "fno.read_width=4")},
    {PLANE(24, 32, true, 2, 3), OF_CAPE(4, 4), 0, SETTINGS("fno.modes=3", "neural_operator.form=next_state", CAPE, "fno.width=3", "cape.width=4", "fno.read_width=4")}, /* 6 rows of means, 8 of modes */
    {PLANE(32, 32, true, 1, 1), OF_CAPE(4, 3), 0, SETTINGS("fno.modes=3", "neural_operator.form=next_state", CAPE, "fno.width=3", "cape.width=4", "cape.modes=3", "fno.read_width=4")},
    {LINE(32, true, 1, 1),      OF_CAPE(6, 5), 0, SETTINGS(FNO_PAPER, CAPE, "fno.width=3", "cape.width=6", "cape.global=false", "cape.local=false")}, /* paths left out */
    {PLANE(24, 32, true, 1, 1), OF_CAPE(4, 4), 0, SETTINGS("fno.modes=3", "neural_operator.form=next_state", CAPE, "fno.width=3", "cape.width=4", "cape.pointwise=false")},
    {LINE(21, true, 2, 2),      OF_ATTENTION(6, 5, 0), 0, SETTINGS(ATTENTION, "channel_attention.width=6", "channel_attention.modes=5")},
    {LINE(24, false, 2, 2),     OF_ATTENTION(8, 4, 3), 0.25, SETTINGS(ATTENTION, "channel_attention.width=8", "channel_attention.modes=4", "channel_attention.margin=0.25")}, /* by itself an eighth of zeros behind the points */
    {PLANE(10, 12, true, 1, 1), OF_ATTENTION(4, 3, 0), 0, SETTINGS(ATTENTION, "channel_attention.width=4", "channel_attention.modes=3")},
    {PLANE(10, 12, false, 2, 1), OF_ATTENTION(4, 3, 2), 0, SETTINGS(ATTENTION, "channel_attention.width=4", "channel_attention.modes=3", "channel_attention.pad=2")},
    {LINE(16, false, 1, 3),     OF_ATTENTION(4, 0, 0), 0.5, SETTINGS(ATTENTION, "channel_attention.width=4", "channel_attention.global=false", "channel_attention.margin=0.5")},
    {PLANE(12, 8, false, 1, 1), OF_ATTENTION(4, 2, 1), 0, SETTINGS(ATTENTION, "channel_attention.width=4", "channel_attention.modes=2", "channel_attention.pointwise=false")},
    {LINE(16, true, 1, 1),      OF_ATTENTION(4, 0, 0), 0, SETTINGS(ATTENTION, "channel_attention.width=4", "channel_attention.global=false", "channel_attention.pointwise=false")},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const NomosEmulatorShape *s = &cases[c].shape;
    const Attention          *how = &cases[c].how;
    const size_t              batch = 2, n = Size(s->n_space, s->points), shape[4] = {batch, s->n_fields, s->points[0], s->points[1]}, sample = s->n_fields * n, both = 2 * s->n_fields;
    EmulatorSetup             e;
    NomosTensor               auxiliary;
    double                   *u = Random(1, batch * sample), lambda[6], phi[6];

    EmulatorSetUp(&e, NOMOS_F64, s, cases[c].settings);
    if (!how->original) FitEnds(&e, s);
    for (int i = 0; i < 6; i++) lambda[i] = 0.2 + 0.35 * i;
    for (int i = 0; i < 6; i++) phi[i] = !how->original ? Bounded(lambda[i], cases[c].margin) : s->n_space == 1 ? lambda[i] : 1 / (1 + exp(-log(lambda[i])));
    const NomosTensor tu = NomosTensorFromDoubles(e.tape, NOMOS_F64, 2 + s->n_space, shape, u), tl = NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){batch, s->n_parameters}, lambda);
    const NomosTensor next = NomosEmulatorStep(e.emulator, e.w, &(NomosEmulatorStepInput){.u = tu, .lambda = tl}, &auxiliary);
    ck_ok(NomosTapeStatus(e.tape));
    double *values = Doubles(auxiliary);
    for (size_t b = 0; b < batch; b++) {
      double *plain = PredictPlainly(&e, s, how, u + b * sample, phi + b * s->n_parameters);
      ck_assert_msg(Farthest(sample, values + b * sample, plain) < 1e-12, "case %zu, sample %zu: off by %g", c, b, Farthest(sample, values + b * sample, plain));
      free(plain);
    }
    double *o = Behind(&e, s, &(NomosEmulatorChannels){.in = both, .out = how->original ? both : s->n_fields}, NomosConcatenate(2, (NomosTensor[]){tu, auxiliary}, 1), (NomosTensor){0}), *y = Doubles(next);
    for (size_t b = 0; b < batch && how->original; b++) {
      double *mix = EmulatorValues(&e, "mix.weight"), *bias = EmulatorValues(&e, "mix.bias");
      double *plain = ConvolvePlainly(&(Grid){both, s->n_fields, s->n_space == 1 ? 1 : s->points[0], s->points[s->n_space - 1], 1, 1, false}, mix, bias, o + b * both * n);
      ck_assert_msg(Farthest(sample, y + b * sample, plain) < 1e-12, "case %zu, sample %zu: the next state is off by %g", c, b, Farthest(sample, y + b * sample, plain));
      free(mix);
      free(bias);
      free(plain);
    }
    if (!how->original) ck_assert_msg(Farthest(batch * sample, y, o) < 1e-12, "case %zu: the next state is off by %g", c, Farthest(batch * sample, y, o));
    double *all[] = {o, y, values, u};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* Without the spectral path the prediction at one end of a line knows nothing of the other end, whether by the first convolution alone or by that of the local path too; on a periodic domain they are neighbours. */
START_TEST(test_ends_are_no_neighbours)
{
  enum { POINTS = 24 };
  for (int periodic = 0; periodic < 2; periodic++)
    for (int local = 0; local < 2; local++) {
      const NomosEmulatorShape shape = {.n_space = 1, .points = {POINTS}, .periodic = periodic, .n_fields = 1, .n_parameters = 1};
      EmulatorSetup            e;
      double                  *u = Random(1, POINTS), a[2][POINTS];
      EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS("channel_attention.width=4", "channel_attention.global=false", local ? "channel_attention.local=true" : "channel_attention.local=false"));
      for (int changed = 0; changed < 2; changed++) {
        NomosTensor auxiliary;
        u[POINTS - 1] += changed;
        (void)NomosEmulatorStep(e.emulator, e.w, &(NomosEmulatorStepInput){.u = NomosTensorFromDoubles(e.tape, NOMOS_F64, 3, (size_t[]){1, 1, POINTS}, u), .lambda = NomosTensorConstant(e.tape, NOMOS_F64, 2, (size_t[]){1, 1}, 0.7)}, &auxiliary);
        ck_ok(NomosTensorGetDoubles(auxiliary, a[changed]));
      }
      ck_assert((a[0][0] == a[1][0]) == !periodic && a[0][POINTS - 2] != a[1][POINTS - 2]);
      free(u);
      EmulatorTearDown(&e);
    }
}
END_TEST

/* code = gelu(W_2 gelu(W_1 phi + b_1) + b_2), by which the network is modulated. */
START_TEST(test_modulation_is_its_formulas)
{
  enum { BATCH = 2, FIELDS = 2, P = 2, POINTS = 16, HIDDEN = 5, CODE = 3 };
  const NomosEmulatorShape shape = LINE(POINTS, true, FIELDS, P);
  const double             lambda[BATCH * P] = {0.4, 0.7, 0.5, 2}; /* the last one beyond the training */
  EmulatorSetup            e;
  NomosTensor              none;
  double                   code[BATCH * CODE], *m[4];

  EmulatorSetUp(&e, NOMOS_F64, &shape, SETTINGS(ATTENTION, "neural_operator.conditioning=modulation", "modulation.width=5", "modulation.code=3"));
  FitEnds(&e, &shape);
  for (int i = 0; i < 4; i++) m[i] = EmulatorValues(&e, (const char *const[]){"modulation.code.0.weight", "modulation.code.0.bias", "modulation.code.1.weight", "modulation.code.1.bias"}[i]);
  for (size_t b = 0; b < BATCH; b++)
    for (size_t c = 0; c < CODE; c++) {
      double sum = m[3][c];
      for (size_t h = 0; h < HIDDEN; h++) {
        double hidden = m[1][h];
        for (size_t k = 0; k < P; k++) hidden += m[0][h * P + k] * Bounded(lambda[b * P + k], 0);
        sum += m[2][c * HIDDEN + h] * Gelu(hidden);
      }
      code[b * CODE + c] = Gelu(sum);
    }
  const NomosTensor u = Tensor(e.tape, NOMOS_F64, 1, 3, (size_t[]){BATCH, FIELDS, POINTS});
  double *y = Doubles(NomosEmulatorStep(e.emulator, e.w, &(NomosEmulatorStepInput){.u = u, .lambda = NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){BATCH, P}, lambda)}, &none));
  double *o = Behind(&e, &shape, &(NomosEmulatorChannels){.in = FIELDS, .out = FIELDS, .n_code = CODE}, u, NomosTensorFromDoubles(e.tape, NOMOS_F64, 2, (size_t[]){BATCH, CODE}, code));
  ck_assert(!NomosTensorIsValid(none));
  ck_assert_msg(Farthest(BATCH * FIELDS * POINTS, y, o) < 1e-12, "off by %g", Farthest(BATCH * FIELDS * POINTS, y, o));
  for (int i = 0; i < 4; i++) free(m[i]);
  free(y);
  free(o);
  EmulatorTearDown(&e);
}
END_TEST

NOMOS_TEST_SUITE("emulator", test_sizes_are_those_published, test_size_of_cape_alone, test_sizes_of_pdebench, test_attention_is_its_formulas, test_ends_are_no_neighbours, test_modulation_is_its_formulas)
