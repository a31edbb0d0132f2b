/* Decoders of particles: what each reproduces exactly, its size, its derivatives; bodies do not mix; the splat is that of a grid; what is wrong with points is said. */
#include "harness.h"

#include "io/particle_file.h"
#include "operators/random.h"
#include "surrogates/reduced_order_graph/particle_decoder_list.h"

#include <omp.h>

enum { N_SPARSE = 60, N_POINTS = 150, MAX_W = 64 };

/* A decoder with its weights, and a plan between random points of the unit box. */
typedef struct {
  NomosConfig              config;
  NomosParameters          parameters;
  NomosParticleDecoder     decoder;
  NomosParticleDecoderPlan plan;
  int                      d;
  NomosParticleReference   reference;
  double                   Y[3 * N_SPARSE], X[3 * N_POINTS], y[3 * N_SPARSE], x[3 * N_POINTS];
  int32_t                  Y_body[N_SPARSE], X_body[N_POINTS];
} Setup;

static void OpenIn(NomosRealType type, Setup *s, const char name[], int d, const char *const settings[])
{
  memset(s, 0, sizeof *s);
  s->d = d;
  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, &s->config));
  for (size_t i = 0; settings && settings[i]; i++) ck_ok(NomosConfigSet(s->config, settings[i]));
  ck_ok(NomosParticleDecoderDeclareNamed(s->config, name));
  ck_ok(NomosConfigCheck(s->config));
  ck_ok(NomosParametersCreate(type, &s->parameters));
  ck_ok(NomosParticleDecoderCreateNamed(s->config, name, s->parameters, d, &s->decoder));
  ck_ok(NomosParametersInitialise(s->parameters, 7));
  for (size_t i = 0; i < (size_t)d * N_SPARSE; i++) s->Y[i] = 0.2 + 0.6 * NomosRandomUniform(1, 1, i);
  for (size_t i = 0; i < (size_t)d * N_POINTS; i++) s->X[i] = 0.2 + 0.6 * NomosRandomUniform(1, 2, i);
  s->reference = (NomosParticleReference){.d = d, .n_sparse = N_SPARSE, .n_points = N_POINTS, .Y = s->Y, .X = s->X};
  for (size_t i = 0; i < (size_t)d * N_SPARSE; i++) s->y[i] = s->Y[i] + 0.05 * NomosRandomNormal(1, 3, i);
}

static void Open(Setup *s, const char name[], int d, const char *const settings[]) { OpenIn(NOMOS_F64, s, name, d, settings); }

static void Plan(Setup *s)
{
  ck_ok(NomosParticleDecoderPlanDestroy(&s->plan));
  ck_ok(NomosParticleDecoderPlanCreate(s->decoder, &s->reference, &s->plan));
  ck_ok(NomosParticleDecoderFreeze(s->plan, s->parameters));
}

static void Close(Setup *s)
{
  ck_ok(NomosParticleDecoderPlanDestroy(&s->plan));
  ck_ok(NomosParticleDecoderDestroy(&s->decoder));
  ck_ok(NomosParametersDestroy(&s->parameters));
  ck_ok(NomosConfigDestroy(&s->config));
}

/* x = A X + b, with A of body `which`; slope 0: a translation. */
static double Moved(const double X[], int d, int axis, double slope, int which)
{
  double sum = 0.3 - 0.2 * axis + 0.7 * which + X[axis];
  for (int a = 0; a < d; a++) sum += slope * (0.4 * axis - 0.7 * a + 0.3 + which) * X[a];
  return sum;
}

static double WorstMoved(Setup *s, double slope)
{
  double worst = 0;

  for (size_t j = 0; j < s->reference.n_sparse; j++)
    for (int a = 0; a < s->d; a++) s->y[j * (size_t)s->d + (size_t)a] = Moved(s->Y + j * (size_t)s->d, s->d, a, slope, s->Y_body[j]);
  ck_ok(NomosParticleDecoderEvaluate(s->plan, s->y, s->x));
  for (size_t i = 0; i < s->reference.n_points; i++)
    for (int a = 0; a < s->d; a++) worst = fmax(worst, fabs(s->x[i * (size_t)s->d + (size_t)a] - Moved(s->X + i * (size_t)s->d, s->d, a, slope, s->X_body[i])));
  return worst;
}

static const struct {
  const char        *name;
  double             slope; /* of the motions that are exact */
  const char *const *settings;
} kernels[] = {
  {"shepard", 0, NULL},
  {"mls", 1, NULL},
  {"mls", 1, (const char *const[]){"mls.weight=cubic", "mls.width=1.001", NULL}},
  {"kernel", 1, NULL},
  {"kernel", 1, (const char *const[]){"kernel.signed=false", NULL}},
  {"kernel", 0, (const char *const[]){"kernel.reproduces=constants", NULL}},
  {"kernel", 0, (const char *const[]){"kernel.reproduces=constants", "kernel.signed=false", NULL}},
};

START_TEST(motions_that_are_exact)
{
  for (int d = 2; d <= 3; d++)
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
      Setup s;
      Open(&s, kernels[k].name, d, kernels[k].settings);
      Plan(&s);
      ck_assert(NomosParticleDecoderIsLinear(s.decoder));
      ck_assert_double_lt(WorstMoved(&s, 0), 1e-12);
      ck_assert_msg(WorstMoved(&s, kernels[k].slope) < 1e-12, "%s in %d dimensions is wrong by %g", kernels[k].name, d, WorstMoved(&s, kernels[k].slope));
      if (kernels[k].slope == 0) ck_assert_double_gt(WorstMoved(&s, 1), 1e-4); /* and those that are not */
      ck_ok(NomosParticleDecoderEvaluate(s.plan, s.Y, s.x)); /* at rest, not a bit changes */
      ck_assert(!memcmp(s.x, s.X, sizeof(double) * N_POINTS * (size_t)d));
      Close(&s);
    }
}
END_TEST

/* Two bodies through each other, that move differently. */
START_TEST(bodies_do_not_mix)
{
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
    Setup s;
    Open(&s, kernels[k].name, 2, kernels[k].settings);
    for (size_t j = 0; j < N_SPARSE; j++) s.Y_body[j] = j % 8 == 7;
    for (size_t i = 0; i < N_POINTS; i++) s.X_body[i] = i % 3 == 1;
    s.reference.Y_body = s.Y_body;
    s.reference.X_body = s.X_body;
    Plan(&s);
    ck_assert_double_lt(WorstMoved(&s, 0), 1e-12);
    ck_assert_double_lt(WorstMoved(&s, kernels[k].slope), 1e-12);
    for (size_t i = 0; i < N_POINTS; i++) s.X_body[i] = i == 5 ? 2 : 0;
    ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &(NomosParticleDecoderPlan){NULL}), "point 5 at (");
    ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &(NomosParticleDecoderPlan){NULL}), "is of body 2, of which there is no sparse point");
    Close(&s);
  }
}
END_TEST

/* Fewer terms where neighbours do not tell them apart: along a line affine motions stay exact, across it and of one point translations. */
START_TEST(degenerate_neighbourhoods)
{
  for (int signs = 0; signs < 3; signs++) {
    Setup s;
    Open(&s, signs ? "kernel" : "mls", 2, signs == 2 ? (const char *const[]){"kernel.signed=false", NULL} : NULL);
    for (size_t j = 0; j < N_SPARSE; j++) s.Y[2 * j + 1] = 0.1 + 0.5 * s.Y[2 * j];
    for (size_t i = 0; i < N_POINTS; i++) s.X[2 * i + 1] = 0.1 + 0.5 * s.X[2 * i];
    Plan(&s);
    ck_assert_double_lt(WorstMoved(&s, 1), 1e-12);
    for (size_t i = 0; i < N_POINTS; i++) s.X[2 * i + 1] += 0.03;
    Plan(&s);
    ck_assert_double_lt(WorstMoved(&s, 0), 1e-11); /* far outside of the points weights are large, and so is their rounding */
    for (size_t n = 1; n <= 4; n++) {
      s.reference.n_sparse = n;
      Plan(&s);
      ck_assert_double_lt(WorstMoved(&s, 0), 1e-11); /* far outside of the points weights are large, and so is their rounding */
    }
    for (size_t j = 0; j < 4; j++) memcpy(&s.Y[2 * j], &s.Y[0], 2 * sizeof(double)); /* all at one place */
    Plan(&s);
    ck_assert_double_lt(WorstMoved(&s, 0), 1e-11); /* far outside of the points weights are large, and so is their rounding */
    Close(&s);
  }
}
END_TEST

static const struct {
  const char        *name;
  const char *const *settings;
} all[] = {
  {"shepard", NULL}, {"mls", NULL}, {"kernel", NULL}, {"kernel", (const char *const[]){"kernel.reproduces=constants", NULL}}, {"kernel", (const char *const[]){"kernel.signed=false", NULL}},
  {"neural_field", (const char *const[]){"neural_field.rank=6", NULL}}, {"neural_field", (const char *const[]){"neural_field.channels=5", "neural_field.rank=4", NULL}},
  {"grid_splat", (const char *const[]){"grid_splat.cells=12", NULL}}, {"grid_splat", (const char *const[]){"grid_splat.cells=12", "grid_splat.output=position", "grid_splat.clip=true", NULL}},
  {"fom_kernel", (const char *const[]){"fom_kernel.radius=0.4", "fom_kernel.units=16", NULL}},
};

/* Sum of weights times squares of all coordinates, and its derivative by y and by the weights of the network, of the decoder on a tape. */
static double Loss(Setup *s, const double y[], double y_bar[], void *w_bar)
{
  const size_t        n    = s->reference.n_points * (size_t)s->d;
  const NomosRealType type = NomosParametersType(s->parameters);
  NomosTape           tape;
  NomosTensor         w[MAX_W], leaf, gradient;
  double              value, factor[3 * N_POINTS];

  for (size_t i = 0; i < n; i++) factor[i] = NomosRandomNormal(3, 9, i);
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  leaf = NomosTensorFromDoubles(tape, type, 2, (size_t[]){s->reference.n_sparse, (size_t)s->d}, y);
  const NomosTensor x = NomosParticleDecoderApply(s->plan, w, leaf);
  const NomosTensor loss = NomosSumAll(NomosMultiply(NomosTensorFromDoubles(tape, type, 2, (size_t[]){s->reference.n_points, (size_t)s->d}, factor), NomosPower(x, 2)));
  ck_ok(NomosTensorGetScalar(loss, &value));
  if (y_bar) {
    ck_ok(NomosGradient(&(NomosGradientInput){.y = loss, .n = 1, .x = &leaf}, &gradient));
    ck_ok(NomosTensorGetDoubles(gradient, y_bar));
  }
  if (w_bar) ck_ok(NomosParametersGradient(s->parameters, loss, w, w_bar));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

START_TEST(derivatives)
{
  for (int d = 2; d <= 3; d++)
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
      Setup  s;
      Open(&s, all[k].name, d, all[k].settings);
      Plan(&s);
      const size_t n = (size_t)d * N_POINTS, m = (size_t)d * N_SPARSE, n_w = NomosParametersSize(s.parameters);
      double       y_bar[3 * N_SPARSE], by_vjp[3 * N_SPARSE] = {0}, x_bar[3 * N_POINTS], y[3 * N_SPARSE], value = 0, slope = 0, *w_bar = calloc(n_w + 1, sizeof(double));
      const double h = 1e-5, loss = Loss(&s, s.y, y_bar, n_w ? w_bar : NULL);
      /* numbers and the tape agree, as do their derivatives */
      ck_ok(NomosParticleDecoderEvaluate(s.plan, s.y, s.x));
      for (size_t i = 0; i < n; i++) {
        value += NomosRandomNormal(3, 9, i) * s.x[i] * s.x[i];
        x_bar[i] = 2 * NomosRandomNormal(3, 9, i) * s.x[i];
      }
      ck_close(value, loss, 1e-9);
      ck_ok(NomosParticleDecoderEvaluateVjp(s.plan, s.y, x_bar, by_vjp));
      for (size_t i = 0; i < m; i++) ck_assert_msg(fabs(by_vjp[i] - y_bar[i]) < 1e-8 * (1 + fabs(y_bar[i])), "%s: %g and %g", all[k].name, by_vjp[i], y_bar[i]);
      /* and differences agree with both */
      double ends[2];
      for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < m; i++) y[i] = s.y[i] + (side ? h : -h) * NomosRandomNormal(5, 5, i);
        ends[side] = Loss(&s, y, NULL, NULL);
      }
      for (size_t i = 0; i < m; i++) slope += y_bar[i] * NomosRandomNormal(5, 5, i);
      ck_close((ends[1] - ends[0]) / (2 * h), slope, 1e-6);
      slope = 0;
      for (int side = 0; side < 2 && n_w; side++) {
        void *edit;
        ck_ok(NomosParametersEdit(s.parameters, &edit));
        for (size_t i = 0; i < n_w; i++) ((double *)edit)[i] += (side ? 2 * h : -h) * NomosRandomNormal(6, 6, i);
        ends[side] = Loss(&s, s.y, NULL, NULL);
      }
      for (size_t i = 0; i < n_w; i++) slope += w_bar[i] * NomosRandomNormal(6, 6, i);
      if (n_w) ck_close((ends[1] - ends[0]) / (2 * h), slope, 1e-5);
      free(w_bar);
      Close(&s);
    }
}
END_TEST

START_TEST(sizes)
{
  const struct {
    const char        *name;
    const char *const *settings;
    size_t             size;
  } list[] = {
    {"neural_field", NULL, 18540},                                                     /* LiCROM's weights of Fracture: W(X) of 5 x 60, r = 20 */
    {"neural_field", (const char *const[]){"neural_field.channels=15", NULL}, 33180 + 45}, /* and of Holes */
    {"grid_splat", NULL, 5967},                                                        /* GIOROM, online/src/giorom/model.py */
    {"fom_kernel", NULL, 7 * 256 + 257 * 256 + 257 * 3},
    {"mls", NULL, 0},
  };

  for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
    Setup s;
    Open(&s, list[k].name, 3, list[k].settings);
    ck_assert_uint_eq(NomosParametersSize(s.parameters), list[k].size);
    Close(&s);
  }
}
END_TEST

/* The columns of a basis that has learned nothing are nearly dependent. In float32 loss and gradients are those of float64 all the same. */
START_TEST(neural_field_in_float32)
{
  double loss[2], y_bar[2][2 * N_SPARSE], size = 0, worst = 0;

  for (int single = 0; single < 2; single++) {
    Setup  s;
    double w_bar[20000]; /* or as many floats */
    OpenIn(single ? NOMOS_F32 : NOMOS_F64, &s, "neural_field", 2, NULL);
    ck_ok(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &s.plan));
    loss[single] = Loss(&s, s.y, y_bar[single], w_bar);
    for (size_t i = 0; i < NomosParametersSize(s.parameters); i++) ck_assert(isfinite(single ? (double)((float *)w_bar)[i] : w_bar[i]));
    Close(&s);
  }
  for (size_t i = 0; i < 2 * N_SPARSE; i++) {
    size  = fmax(size, fabs(y_bar[0][i]));
    worst = fmax(worst, fabs(y_bar[1][i] - y_bar[0][i]));
  }
  ck_close(loss[1], loss[0], 1e-3);
  ck_assert_double_lt(worst, 0.02 * size);
}
END_TEST

/* Displacements of the basis come back from their values at sparse points, whatever the weights are. */
START_TEST(neural_field_finds_its_own)
{
  Setup  s;
  double u[2][3 * N_POINTS], q[6];

  Open(&s, "neural_field", 2, (const char *const[]){"neural_field.rank=6", "neural_field.ridge=1e-300", "neural_field.units=8", "neural_field.layers=2", NULL});
  for (int which = 0; which < 2; which++) { /* the basis at X and, of as many, at Y */
    NomosParticleMap map = {0};
    NomosTape        tape;
    NomosTensor      w[MAX_W];
    void            *plan;
    NomosParticleReference r = s.reference;
    if (which) {
      r.X        = s.Y;
      r.n_points = N_SPARSE;
    }
    ck_ok(NomosTapeCreate(&tape));
    ck_ok(NomosParametersBind(s.parameters, tape, w));
    const NomosParticleDecoderOps *ops = &NomosParticleDecoderOps_NeuralField;
    void                          *context;
    NomosParameters                own;
    ck_ok(NomosParametersCreate(NOMOS_F64, &own));
    ck_ok(PetscCalloc(ops->context, &context));
    ck_ok(ops->create(&(NomosParticleDecoderInput){.config = s.config, .parameters = own, .d = 2}, context));
    ck_ok(NomosParametersInitialise(own, 7));
    ck_ok(ops->prepare(context, own, &r, &plan));
    ck_ok(ops->freeze(context, plan, tape, w, &map));
    for (size_t k = 0; k < 6; k++) q[k] = NomosRandomNormal(8, 8, k);
    for (size_t i = 0; i < 2 * r.n_points; i++) {
      u[which][i] = 0;
      for (size_t k = 0; k < 6; k++) u[which][i] += map.left[i * 6 + k] * q[k];
    }
    ck_ok(ops->discard(&plan));
    ck_ok(PetscFree(context));
    ck_ok(PetscFree(map.left));
    ck_ok(PetscFree(map.right));
    ck_ok(NomosParametersDestroy(&own));
    ck_ok(NomosTapeDestroy(&tape));
  }
  Plan(&s);
  for (size_t i = 0; i < 2 * N_SPARSE; i++) s.y[i] = s.Y[i] + u[1][i];
  ck_ok(NomosParticleDecoderEvaluate(s.plan, s.y, s.x));
  for (size_t i = 0; i < 2 * N_POINTS; i++) ck_assert_double_eq_tol(s.x[i], s.X[i] + u[0][i], 1e-8);
  Close(&s);
}
END_TEST

/* Against a grid: splat u and 1, look both up at X + 0.8 voxel N by a fine sum over N in place of draws, divide. The network is silenced. */
START_TEST(splat_is_that_of_a_grid)
{
  enum { G = 12, QUADRATURE = 400 };
  static double grid[G][G][3];
  Setup  s;
  void  *edit;

  Open(&s, "grid_splat", 2, (const char *const[]){"grid_splat.cells=12", NULL});
  ck_ok(NomosParametersEdit(s.parameters, &edit));
  memset(edit, 0, NomosParametersSize(s.parameters) * sizeof(double));
  Plan(&s);
  ck_ok(NomosParticleDecoderEvaluate(s.plan, s.y, s.x));
  memset(grid, 0, sizeof grid);
  for (size_t j = 0; j < N_SPARSE; j++)
    for (int a = 0; a < G; a++)
      for (int b = 0; b < G; b++) {
        const double hat = fmax(0, 1 - fabs(s.Y[2 * j] * (G - 1) - a)) * fmax(0, 1 - fabs(s.Y[2 * j + 1] * (G - 1) - b));
        for (int c = 0; c < 3; c++) grid[a][b][c] += hat * (c == 2 ? 1 : s.y[2 * j + (size_t)c] - s.Y[2 * j + (size_t)c]);
      }
  for (size_t i = 0; i < N_POINTS; i += 10) {
    double look[2][G] = {{0}}, sum[3] = {0, 0, 0};
    for (int axis = 0; axis < 2; axis++)
      for (int k = 0; k < QUADRATURE; k++) {
        const double z = 6 * (2 * (k + 0.5) / QUADRATURE - 1), p = exp(-0.5 * z * z) * 12 / QUADRATURE / sqrt(2 * PETSC_PI);
        for (int a = 0; a < G; a++) look[axis][a] += p * fmax(0, 1 - fabs(s.X[2 * i + (size_t)axis] * (G - 1) + 0.8 * z - a));
      }
    for (int a = 0; a < G; a++)
      for (int b = 0; b < G; b++)
        for (int c = 0; c < 3; c++) sum[c] += look[0][a] * look[1][b] * grid[a][b][c];
    for (int c = 0; c < 2; c++) ck_assert_double_eq_tol(s.x[2 * i + (size_t)c], s.X[2 * i + (size_t)c] + sum[c] / sum[2], 1e-4 * 0.05 + 1e-6);
  }
  Close(&s);
}
END_TEST

/* Where the same sparse points are near, x is the same: the published kernel does not see X. */
START_TEST(fom_kernel_is_constant)
{
  Setup s;

  Open(&s, "fom_kernel", 2, (const char *const[]){"fom_kernel.radius=5", NULL}); /* all are near */
  Plan(&s);
  ck_ok(NomosParticleDecoderEvaluate(s.plan, s.y, s.x));
  for (size_t i = 1; i < N_POINTS; i++) ck_assert(fabs(s.x[2 * i] - s.x[0]) < 1e-14 && fabs(s.x[2 * i + 1] - s.x[1]) < 1e-14);
  Close(&s);
  Open(&s, "fom_kernel", 2, (const char *const[]){"fom_kernel.radius=1e-6", NULL});
  ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &s.plan), "no sparse point of its body within 1e-06 m");
  Close(&s);
}
END_TEST

/* Trajectories of a body of 30 particles, each from another place, whose displacements are of three modes; `other` moves the reference of a particle of the last one. */
static void WriteBody(const char path[], double other)
{
  enum { N = 30, FRAMES = 12 };
  NomosParticleWriter writer;

  ck_ok(NomosParticleWriterCreate(path, &(NomosParticleSet){.d = 2, .interval = 1, .bounded = true, .low = {0, 0}, .high = {1, 1}, .n_kinds = 1, .kinds = (const char *const[]){"jelly"}, .units = "m, s", .type = NOMOS_F64, .title = "body"}, &writer));
  for (size_t t = 0; t < 4; t++) {
    double  x[FRAMES][N][2];
    int32_t kind[N] = {0};
    for (size_t k = 0; k < FRAMES; k++)
      for (size_t i = 0; i < N; i++)
        for (size_t a = 0; a < 2; a++) {
          x[k][i][a] = 0.2 + 0.6 * NomosRandomUniform(2, a, i) + 0.02 * (double)(t * (a + 1)) + (t == 3 && i == 4 ? other : 0);
          for (size_t mode = 0; mode < 3 && k; mode++) x[k][i][a] += 0.02 * NomosRandomNormal(3, t, 3 * k + mode) * sin((double)(mode + 1) * (double)(i + 2 * a));
        }
    NomosParticleMotion motion = {.n_frames = FRAMES, .n_particles = N, .simulation = ""};
    ck_ok(NomosParticleWriterAdd(writer, &(NomosParticleRecord){.motion = &motion, .kind = kind, .type = NOMOS_F64, .x = &x[0][0][0]}));
  }
  ck_ok(NomosParticleWriterClose(&writer, true));
}

START_TEST(pod)
{
  enum { N = 30 };
  char                   path[NOMOS_MAX_PATH + 32];
  NomosParticleData      data;
  NomosParticleReference r = {.d = 2, .n_sparse = 4, .n_points = N};
  Setup                  s;
  int32_t                sample[4] = {3, 11, 17, 26};
  double                 X[2 * N], Y[8], y[8], truth[2 * N], x[2 * N];

  snprintf(path, sizeof path, "%s/body.h5", ck_directory);
  WriteBody(path, 0);
  ck_ok(NomosParticleDataOpen(PETSC_COMM_SELF, &(NomosParticleDataInput){.path = path, .test = 0.25, .seed = 1}, &data));
  Open(&s, "pod", 2, (const char *const[]){"pod.points=30", "pod.rank=3", NULL});
  ck_ok(NomosParticleDecoderFit(s.decoder, s.parameters, data));
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.split = NOMOS_SPLIT_TEST, .n_frames = 1, .n = N}, X));
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.split = NOMOS_SPLIT_TEST, .n_frames = 1, .n = 4, .sample = sample}, Y));
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.split = NOMOS_SPLIT_TEST, .first = 7, .n_frames = 1, .n = N}, truth));
  ck_ok(NomosParticleDataRead(data, &(NomosParticleSelection){.split = NOMOS_SPLIT_TEST, .first = 7, .n_frames = 1, .n = 4, .sample = sample}, y));
  r.X = X;
  r.Y = Y;
  ck_ok(NomosParticleDecoderPlanCreate(s.decoder, &r, &s.plan));
  ck_ok(NomosParticleDecoderFreeze(s.plan, s.parameters));
  ck_ok(NomosParticleDecoderEvaluate(s.plan, y, x));
  for (size_t i = 0; i < 2 * N; i++) ck_assert_double_eq_tol(x[i], truth[i], 1e-9); /* a trajectory that it never saw, of the same three modes */
  ck_ok(NomosParticleDecoderPlanDestroy(&s.plan));
  X[9] += 0.01;
  ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &r, &s.plan), "pod: point 4 is 0.01 m away from the nearest point of the body");
  Close(&s);
  Open(&s, "pod", 2, (const char *const[]){"pod.points=31", NULL});
  ck_refused(NomosParticleDecoderFit(s.decoder, s.parameters, data), "pod.points = 31, but ");
  Close(&s);
  ck_ok(NomosParticleDataClose(&data));
  snprintf(path, sizeof path, "%s/bodies.h5", ck_directory);
  WriteBody(path, 0.1);
  ck_ok(NomosParticleDataOpen(PETSC_COMM_SELF, &(NomosParticleDataInput){.path = path}, &data));
  Open(&s, "pod", 2, (const char *const[]){"pod.points=30", NULL});
  ck_refused(NomosParticleDecoderFit(s.decoder, s.parameters, data), "pod: the reference position of particle 4 of ");
  Close(&s);
  ck_ok(NomosParticleDataClose(&data));
}
END_TEST

/* With one thread and with four, made and evaluated. */
START_TEST(threads)
{
  enum { MANY = 5000 };
  static double X[2 * MANY], x[2][2 * MANY], y_bar[2][2 * N_SPARSE];

  for (size_t i = 0; i < 2 * MANY; i++) X[i] = 0.2 + 0.6 * NomosRandomUniform(4, 4, i);
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    const int before = omp_get_max_threads();
    for (int many = 0; many < 2; many++) {
      Setup s;
      omp_set_num_threads(many ? 4 : 1);
      Open(&s, all[k].name, 2, all[k].settings);
      s.reference.X        = X;
      s.reference.n_points = MANY;
      Plan(&s);
      memset(y_bar[many], 0, sizeof y_bar[many]);
      ck_ok(NomosParticleDecoderEvaluate(s.plan, s.y, x[many]));
      ck_ok(NomosParticleDecoderEvaluateVjp(s.plan, s.y, X, y_bar[many]));
      Close(&s);
    }
    omp_set_num_threads(before);
    ck_assert_msg(!memcmp(x[0], x[1], sizeof x[0]), "%s", all[k].name);
    ck_assert_msg(!memcmp(y_bar[0], y_bar[1], sizeof y_bar[0]), "%s", all[k].name);
  }
}
END_TEST

START_TEST(mistakes)
{
  Setup s;

  Open(&s, "mls", 2, NULL);
  ck_ok(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &s.plan));
  ck_refused(NomosParticleDecoderEvaluate(s.plan, s.y, s.x), "before NomosParticleDecoderFreeze");
  ck_ok(NomosParticleDecoderFreeze(s.plan, s.parameters));
  s.y[17] = (double)NAN;
  ck_refused(NomosParticleDecoderEvaluate(s.plan, s.y, s.x), "sparse point 8 has the coordinate");
  NomosParticleDecoderPlan none;
  s.X[6] = INFINITY;
  ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &none), "point 3 has the coordinate inf");
  s.Y[2] = (double)NAN;
  ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &none), "sparse point 1 has the coordinate");
  s.reference.n_sparse = 0;
  ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &none), "is given no sparse point");
  s.reference.d = 3;
  ck_refused(NomosParticleDecoderPlanCreate(s.decoder, &s.reference, &none), "a decoder in 2 dimensions is given points in 3");
  ck_refused(NomosParticleDecoderDeclareNamed(s.config, "spline"), "there is no decoder 'spline'; choose one of mls|shepard");
  Close(&s);
}
END_TEST

NOMOS_TEST_SUITE("particle_decoder", motions_that_are_exact, bodies_do_not_mix, degenerate_neighbourhoods, derivatives, sizes, neural_field_finds_its_own, neural_field_in_float32, splat_is_that_of_a_grid, fom_kernel_is_constant, pod, threads, mistakes)
