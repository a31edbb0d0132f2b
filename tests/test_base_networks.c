/* The networks without a conditioning by their formulas, in plain loops: FNO and U-Net as CAPE and PDEBench published them, and ours, on lines and planes whose axes differ. */
#include "emulator_setup.h"

#include <complex.h>
#include <stdarg.h>

enum { BATCH = 2 };
static const double tau = 6.28318530717958647693;

/* ---- one sample: c channels of ny rows (one on a line) of nx points */

typedef struct {
  size_t  c, ny, nx;
  double *v;
} Field;

static Field New(size_t c, size_t ny, size_t nx)
{
  return (Field){c, ny, nx, calloc(c * ny * nx, sizeof(double))};
}

static double *At(Field x, size_t c, size_t j, size_t k)
{
  return &x.v[(c * x.ny + j) * x.nx + k];
}

static double *Values(EmulatorSetup *e, const char format[], ...) __attribute__((format(printf, 2, 3)));
static double *Values(EmulatorSetup *e, const char format[], ...)
{
  char    name[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(name, sizeof name, format, arguments);
  va_end(arguments);
  return EmulatorValues(e, name);
}

/* A convolution as networks name it (their cross-correlation): y_o(p) = b_o + sum_i,a w_oi(a) x_i(p + a - r), r = (taps - 1)/2; beyond the sides zeros or the other side. Eats x. */
static Field Convolved(EmulatorSetup *e, const char name[], Field x, size_t out, size_t taps, bool circular, bool biased)
{
  const size_t rows = x.ny > 1 ? taps : 1;
  double      *w = Values(e, "%s.weight", name), *b = biased ? Values(e, "%s.bias", name) : calloc(out, sizeof *b);
  Field        y = New(out, x.ny, x.nx);

  for (size_t o = 0; o < out; o++)
    for (size_t j = 0; j < x.ny; j++)
      for (size_t k = 0; k < x.nx; k++) {
        double sum = b[o];
        for (size_t i = 0; i < x.c; i++)
          for (size_t a = 0; a < rows; a++)
            for (size_t t = 0; t < taps; t++) {
              const size_t at_y = j + a + x.ny - (rows - 1) / 2, at_x = k + t + x.nx - (taps - 1) / 2; /* a period more */
              if (!circular && (at_y < x.ny || at_y >= 2 * x.ny || at_x < x.nx || at_x >= 2 * x.nx)) continue;
              sum += w[((o * x.c + i) * rows + a) * taps + t] * *At(x, i, at_y % x.ny, at_x % x.nx);
            }
        *At(y, o, j, k) = sum;
      }
  free(w);
  free(b);
  free(x.v);
  return y;
}

static Field Pointwise(EmulatorSetup *e, const char name[], Field x, size_t out)
{
  return Convolved(e, name, x, out, 1, false, true);
}

static void Activate(Field x, double (*activation)(double))
{
  for (size_t i = 0; i < x.c * x.ny * x.nx; i++) x.v[i] = activation(x.v[i]);
}

/* Hendrycks & Gimpel (2016), doi:10.48550/arXiv.1606.08415: x Phi(x), not its fit by tanh */
static double Gelu(double x)
{
  return 0.5 * x * (1 + erf(x / sqrt(2)));
}

/* With zeros behind the last point of every axis, or without the last ones. Eats x. */
static Field Resized(Field x, size_t ny, size_t nx)
{
  Field y = New(x.c, ny, nx);
  for (size_t c = 0; c < x.c; c++)
    for (size_t j = 0; j < ny && j < x.ny; j++)
      for (size_t k = 0; k < nx && k < x.nx; k++) *At(y, c, j, k) = *At(x, c, j, k);
  free(x.v);
  return y;
}

/* The last of two goes behind the first. Eats both. */
static Field Concatenated(Field a, Field b)
{
  const size_t n = a.ny * a.nx;
  Field        y = New(a.c + b.c, a.ny, a.nx);
  memcpy(y.v, a.v, a.c * n * sizeof *y.v);
  memcpy(y.v + a.c * n, b.v, b.c * n * sizeof *y.v);
  free(a.v);
  free(b.v);
  return y;
}

/* ---- the Fourier neural operator: Li et al. (2021), doi:10.48550/arXiv.2010.08895, with the padding and coordinates of their code, as PDEBench (doi:10.48550/arXiv.2210.07182) and CAPE (doi:10.48550/arXiv.2304.14118) take it */

/* Their equation 4 with the weights of 5: (K v)_o = F^-1( sum_i R_io(k) (F v_i)(k) ) over the lowest modes: 0..m-1 along x; along y those and -m..-1 as well. The real part of the whole sum, whose other half of modes is the conjugate: along x
   all but the mean and the shortest wave count twice. */
static Field SpectralPlainly(EmulatorSetup *e, const char name[], Field v, size_t modes)
{
  const size_t rows = v.ny > 1 ? 2 * modes : 1;
  double      *r = Values(e, "%s.weight", name);
  Field        y = New(v.c, v.ny, v.nx);

  for (size_t a = 0; a < rows; a++)
    for (size_t c = 0; c < modes; c++) {
      const double ky = (double)a - (a < modes ? 0 : (double)rows), kx = (double)c, times = (c && 2 * c != v.nx ? 2 : 1) / (double)(v.ny * v.nx);
      for (size_t i = 0; i < v.c; i++) {
        double complex f = 0;
        for (size_t j = 0; j < v.ny; j++)
          for (size_t k = 0; k < v.nx; k++) f += *At(v, i, j, k) * cexp(-I * tau * (ky * (double)j / (double)v.ny + kx * (double)k / (double)v.nx));
        for (size_t o = 0; o < v.c; o++) {
          const double        *part = r + 2 * (((i * v.c + o) * rows + a) * modes + c);
          const double complex g    = (part[0] + I * part[1]) * f;
          for (size_t j = 0; j < v.ny; j++)
            for (size_t k = 0; k < v.nx; k++) *At(y, o, j, k) += times * creal(g * cexp(I * tau * (ky * (double)j / (double)v.ny + kx * (double)k / (double)v.nx)));
        }
      }
    }
  free(r);
  return y;
}

typedef struct {
  NomosEmulatorShape shape;
  const char *const *settings;
  size_t             width, modes, layers, read_width, pad;
  bool               coordinates;
} FnoCase;

static Field FnoPlainly(EmulatorSetup *e, const FnoCase *f, Field u)
{
  const size_t ny = u.ny, nx = u.nx, fields = u.c;
  char         name[64];
  Field        v = u;

  if (f->coordinates) { /* their input (a(x), x): centres of cells of the unit square, x before y */
    Field grid = New((size_t)f->shape.n_space, ny, nx);
    for (size_t j = 0; j < ny; j++)
      for (size_t k = 0; k < nx; k++) {
        *At(grid, 0, j, k) = ((double)k + 0.5) / (double)nx;
        if (f->shape.n_space == 2) *At(grid, 1, j, k) = ((double)j + 0.5) / (double)ny;
      }
    v = Concatenated(v, grid);
  }
  v = Pointwise(e, "network.lift", v, f->width); /* v_0 = P(a): figure 2 */
  v = Resized(v, f->shape.n_space == 2 ? ny + f->pad : 1, nx + f->pad);
  for (size_t l = 0; l < f->layers; l++) { /* equation 2: v_{l+1} = s(W v_l + K v_l), in their code without s in the last layer */
    snprintf(name, sizeof name, "network.spectral.%zu", l);
    Field far = SpectralPlainly(e, name, v, f->modes);
    snprintf(name, sizeof name, "network.pointwise.%zu", l);
    v = Pointwise(e, name, v, f->width);
    for (size_t i = 0; i < v.c * v.ny * v.nx; i++) v.v[i] += far.v[i];
    free(far.v);
    if (l + 1 < f->layers) Activate(v, Gelu);
  }
  v = Resized(v, ny, nx);
  v = Pointwise(e, "network.read.0", v, f->read_width); /* u = Q(v_L), of two layers */
  Activate(v, Gelu);
  return Pointwise(e, "network.read.1", v, fields);
}

#define BLIND     "neural_operator.conditioning=none", "neural_operator.form=next_state"
#define PUBLISHED "fno.coordinates=true", "fno.pad=2", "fno.one_sided=true"
#define LINE(n, is_periodic, c)      {.n_space = 1, .points = {n}, .periodic = is_periodic, .n_fields = c}
#define PLANE(ny, nx, is_periodic, c) {.n_space = 2, .points = {ny, nx}, .periodic = is_periodic, .n_fields = c}

/* ---- the U-Net: Ronneberger et al. (2015), doi:10.1007/978-3-319-24574-4_28, section 2, with padding, batch norms and tanh as in the code of PDEBench */

/* Ioffe & Szegedy (2015), doi:10.48550/arXiv.1502.03167, algorithm 2: in use y = gamma (x - E)/sqrt(Var + epsilon) + beta of the running averages. */
static void Normalise(EmulatorSetup *e, const char name[], Field x)
{
  double      *gamma = Values(e, "%s.norm.weight", name), *beta = Values(e, "%s.norm.bias", name), *mean = Values(e, "%s.norm.running_mean", name), *variance = Values(e, "%s.norm.running_var", name);
  const size_t n = x.ny * x.nx;

  for (size_t c = 0; c < x.c; c++)
    for (size_t p = 0; p < n; p++) x.v[c * n + p] = gamma[c] * (x.v[c * n + p] - mean[c]) / sqrt(variance[c] + 1e-5) + beta[c];
  free(gamma);
  free(beta);
  free(mean);
  free(variance);
}

/* Twice: a convolution of 3 (3 x 3) without bias, norm, tanh. Eats x. */
static Field Block(EmulatorSetup *e, const char part[], size_t level, Field x, size_t width, bool circular)
{
  for (int i = 0; i < 2; i++) {
    char name[64];
    snprintf(name, sizeof name, "network.%s.%zu.%d", part, level, i);
    x = Convolved(e, name, x, width, 3, circular, false);
    Normalise(e, name, x);
    Activate(x, tanh);
  }
  return x;
}

/* The largest of two (2 x 2). */
static Field Pooled(Field x)
{
  const size_t fy = x.ny > 1 ? 2 : 1;
  Field        y = New(x.c, x.ny / fy, x.nx / 2);
  for (size_t c = 0; c < y.c; c++)
    for (size_t j = 0; j < y.ny; j++)
      for (size_t k = 0; k < y.nx; k++) {
        *At(y, c, j, k) = -INFINITY;
        for (size_t a = 0; a < 2 * fy; a++) *At(y, c, j, k) = fmax(*At(y, c, j, k), *At(x, c, fy * j + a / 2, 2 * k + a % 2));
      }
  return y;
}

/* "Up-convolution" of two (2 x 2): every point makes its own two (four), y_o(2 p + a) = b_o + sum_i w_io(a) x_i(p). Eats x. */
static Field Doubled(EmulatorSetup *e, size_t level, Field x)
{
  const size_t fy = x.ny > 1 ? 2 : 1, out = x.c / 2;
  double      *w = Values(e, "network.doubling.%zu.weight", level), *b = Values(e, "network.doubling.%zu.bias", level);
  Field        y = New(out, fy * x.ny, 2 * x.nx);
  for (size_t o = 0; o < out; o++)
    for (size_t j = 0; j < y.ny; j++)
      for (size_t k = 0; k < y.nx; k++) {
        *At(y, o, j, k) = b[o];
        for (size_t i = 0; i < x.c; i++) *At(y, o, j, k) += w[((i * out + o) * fy + j % fy) * 2 + k % 2] * *At(x, i, j / fy, k / 2);
      }
  free(w);
  free(b);
  free(x.v);
  return y;
}

static Field UNetPlainly(EmulatorSetup *e, size_t width, bool circular, Field u)
{
  const size_t fields = u.c;
  Field        kept[4], x = u;

  for (size_t l = 0; l < 4; l++) {
    kept[l] = Block(e, "down", l, x, width << l, circular);
    x       = Pooled(kept[l]);
  }
  x = Block(e, "down", 4, x, width << 4, circular);
  for (size_t l = 4; l-- > 0;) x = Block(e, "up", l, Concatenated(Doubled(e, l, x), kept[l]), width << l, circular); /* what comes from below first */
  return Pointwise(e, "network.last", x, fields);
}

/* ---- against what the program computes */

/* Running averages as of a training. */
static void HaveSeen(EmulatorSetup *e)
{
  for (size_t i = 0; i < NomosParametersCount(e->parameters); i++) {
    NomosParameter p;
    ck_ok(NomosParametersGet(e->parameters, i, &p));
    if (!p.buffer) continue;
    double *x = Random(100 + (uint32_t)i, p.size);
    for (size_t k = 0; strstr(p.name, "running_var") && k < p.size; k++) x[k] = 0.4 + 0.3 * x[k];
    ck_ok(NomosParametersSet(e->parameters, i, x));
    free(x);
  }
  ck_ok(NomosTapeReset(e->tape));
  ck_ok(NomosParametersBind(e->parameters, e->tape, e->w));
}

static Field Sample(const NomosEmulatorShape *s, const double *u)
{
  Field x = New(s->n_fields, s->n_space == 2 ? s->points[0] : 1, s->points[s->n_space - 1]);
  memcpy(x.v, u, x.c * x.ny * x.nx * sizeof *u);
  return x;
}

/* Of one network call on a batch: all values, and its inputs. */
static double *Computed(EmulatorSetup *e, const NomosEmulatorShape *s, double **u)
{
  const size_t shape[4] = {BATCH, s->n_fields, s->points[0], s->points[1]};
  NomosTensor  auxiliary;

  *u = Random(1, Size(2 + s->n_space, shape));
  const NomosTensor x = NomosTensorFromDoubles(e->tape, NOMOS_F64, 2 + s->n_space, shape, *u), lambda = Tensor(e->tape, NOMOS_F64, 2, 2, (size_t[]){BATCH, 0});
  return Doubles(NomosEmulatorStep(e->emulator, e->w, &(NomosEmulatorStepInput){.u = x, .lambda = lambda}, &auxiliary));
}

START_TEST(test_fno_is_its_formulas)
{
  const FnoCase cases[] = {
    {LINE(14, true, 1),      SETTINGS(BLIND, PUBLISHED, "fno.width=3", "fno.modes=5", "fno.read_width=5"),                 3, 5, 4, 5, 2, true},
    {LINE(15, false, 2),     SETTINGS(BLIND, PUBLISHED, "fno.width=3", "fno.modes=4", "fno.layers=2", "fno.read_width=5"), 3, 4, 2, 5, 2, true},
    {LINE(16, true, 2),      SETTINGS(BLIND, "fno.width=3", "fno.modes=9", "fno.layers=2", "fno.read_width=5"),            3, 9, 2, 5, 0, false}, /* all modes */
    {LINE(16, false, 1),     SETTINGS(BLIND, "fno.width=3", "fno.modes=4", "fno.layers=2", "fno.read_width=5"),            3, 4, 2, 5, 2, true},
    {PLANE(10, 7, true, 2),  SETTINGS(BLIND, PUBLISHED, "fno.width=3", "fno.modes=3", "fno.read_width=5"),                 3, 3, 4, 5, 2, true},
    {PLANE(10, 8, true, 2),  SETTINGS(BLIND, "fno.width=3", "fno.modes=5", "fno.layers=2", "fno.read_width=5"),            3, 5, 2, 5, 0, false}, /* all modes */
    {PLANE(9, 12, true, 1),  SETTINGS(BLIND, "fno.width=2", "fno.modes=4", "fno.layers=1", "fno.read_width=3"),            2, 4, 1, 3, 0, false},
    {PLANE(8, 24, false, 1), SETTINGS(BLIND, "fno.width=2", "fno.modes=3", "fno.layers=2", "fno.read_width=3"),            2, 3, 2, 3, 3, true},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    EmulatorSetup e;
    double       *u;
    EmulatorSetUp(&e, NOMOS_F64, &cases[c].shape, cases[c].settings);
    double *values = Computed(&e, &cases[c].shape, &u);
    for (size_t b = 0; b < BATCH; b++) {
      const Field  y = FnoPlainly(&e, &cases[c], Sample(&cases[c].shape, u + b * cases[c].shape.n_fields * Size(cases[c].shape.n_space, cases[c].shape.points)));
      const size_t n = y.c * y.ny * y.nx;
      ck_assert_msg(Farthest(n, values + b * n, y.v) < 1e-12, "case %zu, sample %zu: off by %g", c, b, Farthest(n, values + b * n, y.v));
      free(y.v);
    }
    free(u);
    free(values);
    EmulatorTearDown(&e);
  }
}
END_TEST

/* Spectral weights begin in [0, 1/(channels in times out)) as in the authors' code, or about zero: of the network (width 5), and of the attention, which leads from 32 channels to 64. */
START_TEST(test_first_spectral_weights)
{
  const struct {
    const char *const *settings;
    const char        *tensor;
    double             size;
    bool               published;
  } cases[] = {
    {SETTINGS(BLIND, PUBLISHED, "fno.width=5"),                  "network.spectral.0.weight",       1. / (5 * 5),   true },
    {SETTINGS(BLIND, "fno.width=5"),                             "network.spectral.0.weight",       1. / (5 * 5),   false},
    {SETTINGS("neural_operator.conditioning=cape"),              "cape.global.weight",              1. / (32 * 64), true },
    {SETTINGS("neural_operator.conditioning=channel_attention"), "channel_attention.global.weight", 1. / (32 * 64), false},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const NomosEmulatorShape shape = {.n_space = 1, .points = {32}, .periodic = true, .n_fields = 1, .n_parameters = 1};
    const double             size  = cases[c].size;
    EmulatorSetup            e;
    NomosParameter           p;
    size_t                   number;
    double                   least = INFINITY, most = -INFINITY;
    ck_ok(EmulatorTry(&e, NOMOS_F64, &shape, cases[c].settings));
    ck_ok(NomosParametersInitialise(e.parameters, 5));
    ck_ok(NomosParametersFind(e.parameters, cases[c].tensor, &number));
    ck_ok(NomosParametersGet(e.parameters, number, &p));
    for (size_t i = 0; i < p.size; i++) {
      least = fmin(least, ((const double *)p.values)[i]);
      most  = fmax(most, ((const double *)p.values)[i]);
    }
    const bool good = most < size && most > 0.95 * size && (cases[c].published ? least >= 0 && least < 0.05 * size : least > -size && least < -0.95 * size);
    ck_assert_msg(good, "%s, published %d: from %g to %g", cases[c].tensor, cases[c].published, least, most);
    EmulatorTearDown(&e);
  }
}
END_TEST

START_TEST(test_unet_is_its_formulas)
{
  const struct {
    NomosEmulatorShape shape;
    const char *const *settings;
    size_t             width;
    bool               circular;
  } cases[] = {
    {LINE(48, true, 2),      SETTINGS("neural_operator.network=unet", BLIND, "unet.width=3", "unet.circular=false"), 3, false},
    {PLANE(32, 48, true, 2), SETTINGS("neural_operator.network=unet", BLIND, "unet.width=2", "unet.circular=false"), 2, false},
    {LINE(32, true, 1),      SETTINGS("neural_operator.network=unet", BLIND, "unet.width=2"),                        2, true},
    {PLANE(48, 32, true, 1), SETTINGS("neural_operator.network=unet", BLIND, "unet.width=2"),                        2, true},
    {LINE(32, false, 1),     SETTINGS("neural_operator.network=unet", BLIND, "unet.width=2"),                        2, false},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    EmulatorSetup e;
    double       *u;
    EmulatorSetUp(&e, NOMOS_F64, &cases[c].shape, cases[c].settings);
    HaveSeen(&e);
    double *values = Computed(&e, &cases[c].shape, &u);
    for (size_t b = 0; b < BATCH; b++) {
      const Field  y = UNetPlainly(&e, cases[c].width, cases[c].circular, Sample(&cases[c].shape, u + b * cases[c].shape.n_fields * Size(cases[c].shape.n_space, cases[c].shape.points)));
      const size_t n = y.c * y.ny * y.nx;
      ck_assert_msg(Farthest(n, values + b * n, y.v) < 1e-12, "case %zu, sample %zu: off by %g", c, b, Farthest(n, values + b * n, y.v));
      free(y.v);
    }
    free(u);
    free(values);
    EmulatorTearDown(&e);
  }
}
END_TEST

NOMOS_TEST_SUITE("base_networks", test_fno_is_its_formulas, test_first_spectral_weights, test_unet_is_its_formulas)
