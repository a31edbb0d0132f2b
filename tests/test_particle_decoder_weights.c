/* Decoders with weights where they are used: in the judge of a stepper and in the model of its weights they are those of their training. */
#include "operators/model_operator.h"
#include "surrogates/reduced_order_graph/decoder_training_impl.h"
#include "surrogates/reduced_order_graph/particle_graph_model_impl.h"
#include "tests/particle_setup.h"

#include "cases/run_params.h"

static const struct {
  const char *name, *settings[5], *file, *of_stepper; /* of_stepper: a setting of it, or NULL */
} kinds[] = {
  {"kernel", {"particle_decoder.kind=kernel", "kernel.reproduces=constants", "kernel.units=6"}, "clouds.h5", NULL},
  {"kernel", {"particle_decoder.kind=kernel", "kernel.reproduces=constants", "kernel.units=6", "particle_decoder.fixed=[wall]"}, "walls.h5", "reduced_order_graph.fixed=[wall]"},
  {"neural_field", {"particle_decoder.kind=neural_field", "neural_field.units=8", "neural_field.rank=3"}, "clouds.h5", NULL},
  {"grid_splat", {"particle_decoder.kind=grid_splat", "grid_splat.cells=8", "grid_splat.units=8"}, "clouds.h5", NULL},
  {"pod", {"particle_decoder.kind=pod", "pod.points=31", "pod.rank=1"}, "body.h5", NULL},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void MakeClouds(void)
{
  static bool made;
  if (made) return;
  made = true;
  WriteClouds("clouds.h5", &(CloudData){.n = 3, .n_frames = 8, .n_particles = 31, .d = 2, .seed = 7});
  WriteClouds("walls.h5", &(CloudData){.n = 3, .n_frames = 8, .n_particles = 31, .d = 2, .seed = 7, .second_kind = "wall", .walls = true});
  WriteClouds("body.h5", &(CloudData){.n = 1, .n_frames = 8, .n_particles = 31, .d = 2, .seed = 7});
  WriteClouds("cubes.h5", &(CloudData){.n = 3, .n_frames = 8, .n_particles = 31, .d = 3, .seed = 7});
  WriteClouds("honey.h5", &(CloudData){.n = 3, .n_frames = 8, .n_particles = 31, .d = 2, .seed = 7, .second_kind = "honey"});
}

/* Weights away from those at the start, where the last layers are zero, in a file of this name; the decoder's surrogate stays open. */
static void MakeWeights(size_t k, char setting[2 * NOMOS_MAX_PATH], const char key[], NomosConfig *config, NomosSurrogate *s)
{
  char   path[NOMOS_MAX_PATH];
  void  *weights;

  MakeClouds();
  ck_ok(CreateDecoding(kinds[k].file, kinds[k].settings, config, s));
  ck_ok(NomosParametersEdit((*s)->parameters, &weights));
  for (size_t i = 0; i < NomosParametersSize((*s)->parameters); i++) ((double *)weights)[i] += 0.1 * NomosRandomNormal(11, k, i);
  snprintf(path, sizeof path, "%.2000s/%s.safetensors", ck_directory, kinds[k].name);
  ck_ok(NomosSurrogateSaveWeights(*s, path, 0, NULL, NULL));
  snprintf(setting, 2 * NOMOS_MAX_PATH, "%s=%s", key, path);
}

/* All particles are points, and true ones go in: frame by frame the error that the decoder's own training reports. */
START_TEST(FloorIsTheTrainings)
{
  for (size_t k = 0; k < N_KINDS; k++) {
    NomosConfig            config[2];
    NomosSurrogate         decoding, s;
    NomosDecodingJudgement alone;
    NomosParticleJudgement j;
    char                   setting[2 * NOMOS_MAX_PATH];
    MakeWeights(k, setting, "reduced_order_graph.decoder_weights", &config[0], &decoding);
    const NomosDecoding *c = decoding->context;
    ck_ok(NomosDecodingJudge(decoding, PETSC_COMM_SELF, &(NomosDecodingSet){.data = c->data, .split = NOMOS_SPLIT_TRAIN}, &alone));
    ck_ok(CreateGraph(PETSC_COMM_SELF, kinds[k].file, (const char *const[]){"reduced_order_graph.sampling=all", "reduced_order_graph.history=1", setting, kinds[k].of_stepper, NULL}, &config[1], &s));
    NomosReducedOrderGraph *g = s->context;
    ck_assert_str_eq(NomosParticleDecoderName(g->decoder), kinds[k].name);
    ck_ok(NomosReducedOrderGraphJudge(s, PETSC_COMM_SELF, &g->parts[NOMOS_SPLIT_TRAIN], (NomosParticleJudging){0}, &j));
    ck_assert_uint_eq(j.n_frames, 6);
    for (size_t f = 0; f < j.n_frames; f++) {
      ck_assert_double_gt(alone.of_frame[0][0][f + 1], 1e-9);
      ck_close(NomosParticleJudgementFrame(&j, j.floor, f), alone.of_frame[0][0][f + 1], 1e-9);
    }
    ck_ok(NomosParticleJudgementFree(&j));
    ck_ok(NomosDecodingJudgementFree(&alone));
    EndGraph(&config[1], &s);
    EndGraph(&config[0], &decoding);
  }
}
END_TEST

/* What has no weight is trained by its fit: no step is taken, and the file has the modes. */
START_TEST(NothingToTrain)
{
  static const char *const also[] = {"particle_decoder.kind=mls", NULL};
  for (int i = 0; i < 2; i++) {
    NomosConfig         config;
    NomosSurrogate      s;
    NomosTrainingStatus status;
    Figures             figures = {0};
    double             *weights;
    size_t              n;
    MakeClouds();
    ck_ok(CreateDecoding(kinds[N_KINDS - 1].file, i ? also : kinds[N_KINDS - 1].settings, &config, &s));
    TrainGraph(s, -1, false, &status, &weights, &n);
    ck_assert(n == 0 && status.step == 0 && status.epoch == 0);
    ck_ok(s->ops->evaluate(s, NOMOS_SPLIT_TRAIN, TakeFigure, &figures));
    if (i) ck_assert(Figure(&figures, "mse") == Figure(&figures, "mls_mse")); /* beside itself */
    ck_ok(PetscFree(weights));
    EndGraph(&config, &s);
  }
}
END_TEST

/* Weights of a stepper; those of the decoder, of data in the plane, where the particles are in space, or of another material. */
START_TEST(Refused)
{
  NomosConfig    config, decoder_config;
  NomosSurrogate s, decoding;
  char           setting[2 * NOMOS_MAX_PATH], path[NOMOS_MAX_PATH];
  MakeWeights(0, setting, "reduced_order_graph.decoder_weights", &decoder_config, &decoding);
  EndGraph(&decoder_config, &decoding);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "cubes.h5", (const char *const[]){setting, NULL}, &config, &s), "a decoder of particles in 2 dimensions, and these are in 3");
  EndGraph(&config, &s);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "honey.h5", (const char *const[]){setting, NULL}, &config, &s), "the decoder has never seen honey in its training; it knows jelly,water");
  EndGraph(&config, &s);
  ck_ok(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){NULL}, &config, &s));
  snprintf(path, sizeof path, "%.2000s/stepper.safetensors", ck_directory);
  ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
  EndGraph(&config, &s);
  snprintf(setting, sizeof setting, "reduced_order_graph.decoder_weights=%s", path);
  ck_refused(CreateGraph(PETSC_COMM_SELF, "clouds.h5", (const char *const[]){setting, NULL}, &config, &s), "these are weights of reduced_order_graph; take those of a training of the surrogate particle_decoder");
  EndGraph(&config, &s);
}
END_TEST

static void OpenModel(const char *const settings[], NomosConfig *config, NomosModel *model)
{
  const NomosModelOps *ops = &NomosModelOps_ParticleGraph;
  ck_ok(NomosConfigCreate(PETSC_COMM_SELF, config));
  while (*settings) ck_ok(NomosConfigSet(*config, *settings++));
  ck_ok(NomosConfigRegister(*config, nomos_n_run_params, nomos_run_params));
  ck_ok(NomosConfigRegister(*config, ops->n_params, ops->params));
  ck_ok(ops->declare(*config));
  ck_ok(NomosConfigCheck(*config));
  ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, *config, model));
  ck_ok(ops->initialise(*model));
}

/* What the model writes of all particles is the trained decoder of its points. */
START_TEST(Model)
{
  for (size_t k = 0; k < N_KINDS; k++) {
    NomosConfig              config[3];
    NomosSurrogate           decoding, s;
    NomosModel               model;
    NomosParticleDecoderPlan plan;
    char                     setting[2 * NOMOS_MAX_PATH], weights[2 * NOMOS_MAX_PATH], file[2 * NOMOS_MAX_PATH], path[NOMOS_MAX_PATH];
    double                   x[2][2 * 40], Y[2 * 12];
    MakeWeights(k, setting, "particle_graph.decoder_weights", &config[0], &decoding);
    ck_ok(CreateGraph(PETSC_COMM_SELF, kinds[k].file, (const char *const[]){kinds[k].of_stepper, NULL}, &config[1], &s));
    snprintf(path, sizeof path, "%.2000s/stepper.safetensors", ck_directory);
    ck_ok(NomosSurrogateSaveWeights(s, path, 0, NULL, NULL));
    snprintf(weights, sizeof weights, "particle_graph.weights=%s", path);
    snprintf(file, sizeof file, "initial.file=%.2000s/%s", ck_directory, kinds[k].file);
    OpenModel((const char *const[]){"solver=particle_graph", "time.dt=0.005", "time.stop=0.01", "particle_graph.points=12", weights, file, setting, NULL}, &config[2], &model);
    ParticleGraph *p = model->data;
    for (size_t i = 0; i < 12; i++) memcpy(Y + 2 * i, p->reference + 2 * p->sample[i], 2 * sizeof(double));
    const NomosDecoding *c = decoding->context;
    ck_ok(NomosParticleDecoderPlanCreate(c->decoders[0].decoder, &(NomosParticleReference){.d = 2, .n_sparse = 12, .n_points = p->n_particles, .Y = Y, .X = p->reference, .Y_body = p->kind, .X_body = p->kind_of_all}, &plan));
    ck_ok(NomosParticleDecoderFreeze(plan, c->decoders[0].parameters));
    const double *now = p->parts.state + 5 * 2 * 12;
    ck_ok(NomosParticleDecoderEvaluate(plan, now, x[0]));
    ck_ok(NomosParticleDecoderEvaluate(p->plan, now, x[1]));
    for (size_t i = 0; i < 2 * p->n_particles; i++) ck_assert_double_eq_tol(x[0][i], x[1][i], 1e-12);
    ck_ok(NomosParticleDecoderPlanDestroy(&plan));
    ck_ok(NomosModelDestroy(&model));
    ck_ok(NomosConfigDestroy(&config[2]));
    EndGraph(&config[1], &s);
    EndGraph(&config[0], &decoding);
  }
}
END_TEST

NOMOS_TEST_SUITE("particle_decoder_weights", FloorIsTheTrainings, NothingToTrain, Refused, Model)
