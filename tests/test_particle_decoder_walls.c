/* Walls in the training of decoders: the data move them, whoever decodes is asked for the rest. */
#include "surrogates/reduced_order_graph/decoder_training_impl.h"
#include "tests/particle_setup.h"

#define FIXED "particle_decoder.fixed=[wall]"
enum { N_FRAMES = 6, MOST = 2 * 33 };

/* Jelly and walls by turns, which go to and fro, and the same where the walls move like the jelly; one_*: a single body, for pod. */
static void MakeData(void)
{
  static bool made;
  if (made) return;
  made = true;
  for (int walls = 0; walls < 2; walls++)
    for (int one = 0; one < 2; one++) {
      char name[32];
      snprintf(name, sizeof name, "%s%s.h5", one ? "one_" : "", walls ? "walls" : "pulled");
      WriteClouds(name, &(CloudData){.n = one ? 1 : 3, .n_frames = N_FRAMES, .n_particles = 31, .d = 2, .seed = 7, .second_kind = "wall", .walls = walls});
    }
}

/* Everything that is told of it, and the loss of the fourth frame of the first trajectory. */
static double Judge(NomosSurrogate s, Figures *figures)
{
  const size_t example = 2;
  NomosBatch   batch   = {.split = NOMOS_SPLIT_TRAIN, .n = 1, .examples = &example, .n_epochs = 1, .seed = 2};
  NomosTape    tape;
  NomosTensor  w[64], loss;
  double       value;
  *figures = (Figures){0};
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, TakeFigure, figures));
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(s->parameters, tape, w));
  ck_ok(s->ops->loss(s, &batch, tape, w, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

/* Bodies do not mix, so that nothing that is told depends on how the walls move, be it learned by steps or by formula (modes; the deviation in the loss); unless they count as bodies. */
START_TEST(WhatWallsDo)
{
  static const struct {
    const char *file, *settings[5];
  } kinds[] = {
    {"", {"particle_decoder.kind=shepard"}},
    {"", {"particle_decoder.kind=kernel", "kernel.reproduces=constants", "kernel.units=6"}},
    {"one_", {"particle_decoder.kind=pod", "pod.points=31", "pod.rank=2"}},
  };
  MakeData();
  for (size_t k = 0; k < 3; k++)
    for (int fixed = 0; fixed < 2; fixed++) {
      Figures figures[2];
      double  loss[2];
      for (int walls = 0; walls < 2; walls++) {
        const char    *settings[12] = {"particle_decoder.sparse=[20]", "particle_decoder.points=12", "particle_decoder.cloud_frames=2", fixed ? FIXED : "particle_decoder.draws=1"};
        char           file[32];
        NomosConfig    config;
        NomosSurrogate s;
        memcpy(settings + 4, kinds[k].settings, sizeof kinds[k].settings);
        snprintf(file, sizeof file, "%s%s.h5", kinds[k].file, walls ? "walls" : "pulled");
        ck_ok(CreateDecoding(file, settings, &config, &s));
        loss[walls] = Judge(s, &figures[walls]);
        EndGraph(&config, &s);
      }
      ck_assert_msg((loss[0] == loss[1]) == fixed && isfinite(loss[0]), "%s, fixed %d: losses %g and %g", kinds[k].settings[0], fixed, loss[0], loss[1]);
      ck_assert_uint_ge(figures[0].n, 3);
      for (size_t i = 0; i < figures[0].n; i++)
        ck_assert_msg(!fixed || figures[0].values[i] == figures[1].values[i], "%s: %s is %g and %g", kinds[k].settings[0], figures[0].names[i], figures[0].values[i], figures[1].values[i]);
      ck_assert(fixed || Figure(&figures[0], "mse") != Figure(&figures[1], "mse"));
    }
}
END_TEST

/* Sums of squares over the jelly in a frame: of displacements, and of a decoder's errors. */
static void AddByHand(const NomosDecoding *c, size_t t, size_t frame, double *displacements, double *n)
{
  NomosParticleTrajectory trajectory;
  double                  X[MOST], x[MOST];
  ck_ok(NomosParticleDataTrajectory(c->data, NOMOS_SPLIT_TRAIN, t, &trajectory));
  ck_ok(NomosParticleDataRead(c->data, &(NomosParticleSelection){.trajectory = t, .n_frames = 1, .n = trajectory.n_particles}, X));
  ck_ok(NomosParticleDataRead(c->data, &(NomosParticleSelection){.trajectory = t, .first = frame, .n_frames = 1, .n = trajectory.n_particles}, x));
  for (size_t i = 0; i < 2 * trajectory.n_particles; i++)
    if (i / 2 % 2 == 0) {
      *displacements += (x[i] - X[i]) * (x[i] - X[i]);
      *n += 1;
    }
}

/* That loss from n sparse points, without a factor; how many of them are walls. */
static double LossOf(NomosSurrogate s, size_t n_sparse, size_t *n_walls)
{
  const NomosDecoding     *c = s->context;
  NomosDecodingSample      sample;
  NomosParticleDecoderPlan plan;
  double                   truth[MOST], x[MOST], y[2 * 20], squares = 0, n = 0, error = 0;
  for (size_t t = 0; t < 3; t++)
    for (size_t f = 1; f < N_FRAMES; f++) AddByHand(c, t, f, &squares, &n);
  ck_ok(NomosDecodingSampleMake(c, &(NomosDecodingSampleInput){.data = c->data, .n_sparse = n_sparse, .seed = 2, .number = 2}, &sample));
  ck_ok(NomosParticleDataRead(c->data, &(NomosParticleSelection){.first = 3, .n_frames = 1, .n = sample.reference.n_points}, truth));
  *n_walls = 0;
  for (size_t j = 0; j < n_sparse; j++) {
    *n_walls += (size_t)sample.sample[j] % 2;
    memcpy(y + 2 * j, truth + 2 * (size_t)sample.sample[j], 2 * sizeof *y);
  }
  ck_ok(NomosParticleDecoderPlanCreate(c->decoders[0].decoder, &sample.reference, &plan));
  ck_ok(NomosParticleDecoderFreeze(plan, s->parameters));
  ck_ok(NomosParticleDecoderEvaluate(plan, y, x));
  for (size_t i = 0; i < 2 * sample.reference.n_points; i++) error += i / 2 % 2 ? 0 : (x[i] - truth[i]) * (x[i] - truth[i]);
  ck_assert_double_gt(error, 0);
  ck_ok(NomosParticleDecoderPlanDestroy(&plan));
  const double loss = error / (double)((sample.reference.n_points + 1) / 2) / (squares / n);
  ck_ok(NomosDecodingSampleFree(&sample));
  return loss;
}

/* The loss is |error|^2 over the variance of displacements, all of the jelly; sparse points are among the walls too. Of several numbers of sparse points, of which an example draws one, it has the factor n/n_least. */
START_TEST(LossByHand)
{
  static const char *const counts[] = {"particle_decoder.sparse=[20]", "particle_decoder.sparse=[20, 8]", "particle_decoder.sparse=[8, 20]"};
  bool                     drawn[2] = {false, false};
  MakeData();
  for (int i = 0; i < 3; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    Figures        figures;
    size_t         n_walls;
    ck_ok(CreateDecoding("walls.h5", (const char *const[]){"particle_decoder.kind=shepard", counts[i], FIXED, NULL}, &config, &s));
    const double few = LossOf(s, 8, &n_walls), many = LossOf(s, 20, &n_walls), loss = Judge(s, &figures);
    ck_assert_uint_gt(n_walls, 0);
    if (!i) ck_close(loss, many, 1e-12);
    else {
      const bool is_many = fabs(loss - many * 20 / 8) < 1e-12 * loss;
      ck_assert_msg(is_many || fabs(loss - few) < 1e-12 * loss, "%s: %g, by hand %g or %g", counts[i], loss, few, many * 20 / 8);
      drawn[is_many] = true;
    }
    EndGraph(&config, &s);
  }
  ck_assert(drawn[0] && drawn[1]);
}
END_TEST

static PetscErrorCode Sentence(const char sentence[], void *ctx)
{
  strncat(ctx, sentence, 500 - strlen(ctx));
  return PETSC_SUCCESS;
}

START_TEST(Told)
{
  NomosConfig         config;
  NomosSurrogate      s;
  NomosDecodingSample sample;
  MakeData();
  ck_refused(CreateDecoding("walls.h5", (const char *const[]){"particle_decoder.fixed=[glass]", NULL}, &config, &s), "particle_decoder.fixed has glass, which is no material of the data: choose among jelly, wall");
  EndGraph(&config, &s);
  ck_refused(CreateDecoding("walls.h5", (const char *const[]){"particle_decoder.fixed=[wall, jelly]", NULL}, &config, &s), "particle_decoder.fixed names all materials of the data (jelly, wall)");
  EndGraph(&config, &s);
  ck_ok(CreateDecoding("walls.h5", (const char *const[]){"particle_decoder.sampling=random", FIXED, NULL}, &config, &s));
  PetscErrorCode code = PETSC_SUCCESS; /* of single points every other one is a wall */
  NomosErrorSetQuiet(true);
  for (uint64_t draw = 0; draw < 64 && !code; draw++) code = NomosDecodingSampleMake(s->context, &(NomosDecodingSampleInput){.data = ((NomosDecoding *)s->context)->data, .n_sparse = 1, .number = draw}, &sample);
  NomosErrorSetQuiet(false);
  ck_assert_msg(code && strstr(NomosErrorLast(), "all 1 points of it are walls (particle_decoder.fixed), and nothing is left to be learned: take more points"), "%s", NomosErrorLast());
  EndGraph(&config, &s);
  WriteClouds("rest.h5", &(CloudData){.n = 2, .n_frames = 7, .n_particles = 31, .d = 2, .seed = 7, .second_kind = "wall", .walls = true}); /* to and fro: the last frame is the first */
  for (int named = 0; named < 2; named++) {
    char text[512] = "";
    ck_ok(CreateDecoding("rest.h5", (const char *const[]){named ? FIXED : "particle_decoder.draws=1", NULL}, &config, &s));
    ck_ok(s->ops->warn(s, Sentence, text));
    ck_assert_msg(!!strstr(text, "particles of wall do not move: if they are walls, name them, particle_decoder.fixed: [wall]") == !named, "%s", text);
    EndGraph(&config, &s);
  }
}
END_TEST

NOMOS_TEST_SUITE("particle_decoder_walls", WhatWallsDo, LossByHand, Told)
