/* Trained weights that are judged on other data: materials, walls and the time between frames are those of the training, or it is said. */
#include "tests/particle_setup.h"

static char weights[NOMOS_MAX_PATH];

static const char *const all[] = {"reduced_order_graph.points=100", "reduced_order_graph.draws=1", NULL};

/* Of jelly and water, 5 ms apart, in the unit square; weights of a network that has taken a few steps. */
static void Train(void)
{
  NomosConfig         config;
  NomosSurrogate      s;
  NomosTrainingStatus status;
  double             *values;
  size_t              n;

  snprintf(weights, sizeof weights, "%.2000s/weights.safetensors", ck_directory);
  WriteClouds("clouds.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  ck_ok(CreateGraph(PETSC_COMM_SELF, "clouds.h5", all, &config, &s));
  TrainGraph(s, 3, false, &status, &values, &n);
  ck_ok(PetscFree(values));
  ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
  EndGraph(&config, &s);
}

static PetscErrorCode Sentence(const char sentence[], void *ctx)
{
  strncat(ctx, sentence, 1000 - strlen(ctx));
  return PETSC_SUCCESS;
}

/* The training's own error of the file, and what is said of it. */
static double Judge(const char file[], char said[1024])
{
  NomosConfig    config;
  NomosSurrogate s;
  Figures        figures = {0};

  said[0] = 0;
  ck_ok(CreateGraphWith(PETSC_COMM_SELF, NULL, weights, file, all, &config, &s));
  ck_ok(NomosSurrogateLoadWeights(s, weights));
  ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, TakeFigure, &figures));
  ck_ok(s->ops->warn(s, Sentence, said));
  EndGraph(&config, &s);
  return Figure(&figures, "rollout_mse");
}

/* The same motions whose file names the materials in another order, or says that the walls are elsewhere: the network is told what it was told in its training, and its error is the same. */
START_TEST(SameMotions)
{
  char         said[1024];
  const double own = (Train(), Judge("clouds.h5", said));

  ck_assert(own > 0 && !strstr(said, "walls"));
  WriteClouds("swapped.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .swapped = true});
  ck_assert(Judge("swapped.h5", said) == own);
  WriteClouds("wide.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .high = 1.5});
  ck_assert(Judge("wide.h5", said) == own);
  ck_assert_msg(strstr(said, "walls of"), "%s", said);
}
END_TEST

START_TEST(Refused)
{
  static const struct {
    CloudData   data;
    const char *says;
  } wrong[] = {
    {{.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "honey"}, "data.path: "},
    {{.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "honey"}, "is of honey, which was never seen in the training; it knows jelly, water"},
    {{.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .interval = 0.04}, "are 0.04 s apart, and those of the training 0.005 s"},
    {{.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .parameter = "friction_angle"}, "numbers of its trajectories are friction_angle"},
    {{.n = 3, .n_frames = 14, .n_particles = 9, .d = 3, .seed = 7}, "are in 3 dimensions, and those of the training were in 2"},
  };
  NomosConfig    config;
  NomosSurrogate s;

  Train();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    WriteClouds("other.h5", &wrong[i].data);
    ck_refused(CreateGraphWith(PETSC_COMM_SELF, NULL, weights, "other.h5", all, &config, &s), wrong[i].says);
    EndGraph(&config, &s);
  }
  WriteClouds("slow.h5", &(CloudData){.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .interval = 0.04}); /* a test set of a training too */
  char test[2 * NOMOS_MAX_PATH];
  snprintf(test, sizeof test, "reduced_order_graph.tests.slow.path=%.2000s/slow.h5", ck_directory);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){test, NULL}, &config, &s), "its frames are 0.04 s apart");
  EndGraph(&config, &s);
}
END_TEST

/* Weights of a decoder: other materials are refused, those of another order are no others. */
START_TEST(Decoder)
{
  static const char *const kernel[] = {"particle_decoder.kind=kernel", NULL};
  NomosConfig              config;
  NomosSurrogate           s = NULL;

  WriteClouds("clouds.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  WriteClouds("swapped.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .swapped = true});
  WriteClouds("honey.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "honey"});
  snprintf(weights, sizeof weights, "%.2000s/decoder.safetensors", ck_directory);
  ck_ok(CreateDecoding("clouds.h5", kernel, &config, &s));
  ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
  EndGraph(&config, &s);
  ck_ok(CreateDecodingWith(weights, "swapped.h5", kernel, &config, &s));
  EndGraph(&config, &s);
  s = NULL;
  ck_refused(CreateDecodingWith(weights, "honey.h5", kernel, &config, &s), "is of honey, which was never seen in the training");
  EndGraph(&config, &s);
}
END_TEST

/* The radius that counts, and is told, is that of the weights, also where that of the data would be another. */
START_TEST(RadiusOfFirstWeights)
{
  static const char *const unset[] = {"reduced_order_graph.radius=", "reduced_order_graph.points=100", "reduced_order_graph.draws=1", NULL};
  char                     setting[2 * NOMOS_MAX_PATH], first[64], text[1024], near[64];
  double                   radius[2];

  snprintf(weights, sizeof weights, "%.2000s/first.safetensors", ck_directory);
  snprintf(setting, sizeof setting, "train.weights=%.2000s", weights);
  WriteClouds("clouds.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7});
  WriteClouds("other.h5", &(CloudData){.n = 5, .n_frames = 14, .n_particles = 30, .d = 2, .seed = 7});
  for (int other = 0; other < 2; other++) {
    NomosConfig      config;
    NomosSurrogate   s;
    NomosSafetensors file;
    ck_ok(CreateGraph(PETSC_COMM_SELF, other ? "other.h5" : "clouds.h5", other ? (const char *const[]){unset[0], unset[1], unset[2], setting, NULL} : unset, &config, &s));
    radius[other] = ((NomosReducedOrderGraph *)s->context)->radius;
    if (other) ck_ok(NomosSurrogateBegin(s));
    ck_ok(s->ops->describe(s, sizeof text, text));
    snprintf(near, sizeof near, "neighbours within %.4g,", radius[0]);
    ck_assert_msg(strstr(text, near), "%s", text);
    ck_ok(NomosSurrogateSaveWeights(s, weights, 0, NULL, NULL));
    ck_ok(NomosSafetensorsOpen(PETSC_COMM_SELF, weights, &file));
    if (!other) snprintf(first, sizeof first, "%s", NomosSafetensorsMetadata(file, "radius"));
    ck_assert_str_eq(NomosSafetensorsMetadata(file, "radius"), first);
    ck_ok(NomosSafetensorsClose(&file));
    EndGraph(&config, &s);
  }
  ck_assert_double_eq(strtod(first, NULL), radius[0]);
  ck_assert_double_lt(radius[1], 0.9 * radius[0]);
}
END_TEST

/* A training that begins with weights of other data is told so. */
START_TEST(BeginsWithOthers)
{
  static const CloudData others[] = {{.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .second_kind = "honey"}, {.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7, .interval = 0.04}, {.n = 3, .n_frames = 14, .n_particles = 9, .d = 2, .seed = 7}};
  static const char *const says[] = {"materials were jelly, water, in this order, and are jelly, honey", "frames were 0.005 s apart, and are 0.04 s", NULL};
  char                     setting[2 * NOMOS_MAX_PATH];

  Train();
  snprintf(setting, sizeof setting, "train.weights=%.2000s", weights);
  for (size_t i = 0; i < 3; i++) {
    NomosConfig    config;
    NomosSurrogate s;
    char           said[1024] = "";
    WriteClouds("other.h5", &others[i]);
    ck_ok(CreateGraph(PETSC_COMM_SELF, "other.h5", (const char *const[]){setting, NULL}, &config, &s));
    ck_ok(NomosSurrogateBegin(s));
    ck_ok(s->ops->warn(s, Sentence, said));
    if (says[i]) ck_assert_msg(strstr(said, says[i]), "%s", said);
    else ck_assert_msg(!strstr(said, "train.weights"), "%s", said);
    EndGraph(&config, &s);
  }
}
END_TEST

NOMOS_TEST_SUITE("particle_trained", SameMotions, Refused, Decoder, RadiusOfFirstWeights, BeginsWithOthers)
