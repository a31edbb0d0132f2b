/* A coarse simulation of particles and its learned correction: what it is before training, its derivatives, what it conserves. */
#include "operators/operator_check.h"
#include "tests/correction_setup.h"

#include <malloc.h>

/* Before a training every step is that of the coarse simulation, to the bit; with weights it is not. */
START_TEST(test_begins_as_the_coarse_simulation)
{
  static const char *const precisions[] = {"train.precision=float64", "train.precision=float32"};

  for (int i = 0; i < 2; i++) {
    Try              try;
    NomosCorrection *c    = Create((const char *const[]){precisions[i], NULL}, &try);
    NomosTwin       *twin = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
    const size_t     n    = twin->n_frames * twin->n * 2;
    double          *x[3] = {malloc(n * sizeof(double)), malloc(n * sizeof(double)), malloc(n * sizeof(double))}, mean[3];
    ck_assert_uint_eq(twin->n_frames, 9);
    ck_ok(NomosCorrectionFit(try.s));
    ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = twin, .coarse = true, .frames = x[0]}, &mean[0], NULL));
    ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = twin, .frames = x[1]}, &mean[1], NULL));
    Shake(&try, 0.1);
    ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = twin, .frames = x[2]}, &mean[2], NULL));
    ck_assert(mean[0] > 0);
    ck_assert_double_eq(mean[0], mean[1]);
    ck_assert(!memcmp(x[0], x[1], n * sizeof(double)));
    ck_assert(mean[2] != mean[0]);
    for (int k = 0; k < 3; k++) free(x[k]);
    End(&try);
  }
}
END_TEST

/* Where the coarse simulation is exact, in free flight without spin and gravity, it is the truth: linear functions are sampled exactly. */
START_TEST(test_truth_of_free_flight)
{
  static const char *const set[] = {"mpm.gravity=[0, 0]", "bodies.block.velocity=[1, 2]", "bodies.block.angular_velocity=0"}, *const coarse[] = {"mpm.cells=12", "mpm.wall_nodes=3", "time.dt=2 ms"};
  char                     path[NOMOS_MAX_PATH];
  NomosTwin                twin;
  Try                      try;

  (void)Create((const char *const[]){NULL}, &try);
  ck_ok(NomosTwinCreate(try.s, &(NomosTwinInput){.path = Path("simulation.yaml", path), .n_set = 3, .set = set, .n_coarse = 3, .coarse = coarse, .per_cell = 4, .interval = 0.01, .n_frames = N_FRAMES, .n_corrections = 1}, &twin));
  ck_assert_uint_gt(twin.n, 30);
  const double *last = twin.truth + (twin.n_frames - 1) * twin.n_entries * twin.n;
  double       *state = twin.truth + (twin.n_frames - 2) * twin.n_entries * twin.n;
  for (size_t p = 0; p < twin.n; p++) {
    ck_assert_double_le(fabs(last[2 * p] - twin.truth[2 * p] - 0.08), 1e-12);
    ck_assert_double_le(fabs(last[2 * p + 1] - twin.truth[2 * p + 1] - 0.16), 1e-12);
  }
  ck_ok(NomosTwinAdvance(&twin, state));
  ck_assert_double_le(NomosTwinDistance(&twin, NOMOS_TWIN_X, state, last), 1e-24);
  ck_ok(NomosTwinDestroy(&twin));
  End(&try);
}
END_TEST

/* Two bodies of few particles that part, too far away from each other to touch: each one's particles follow its own, though the nearest ten are of both. */
START_TEST(test_truth_of_two_bodies)
{
  static const char *const set[]    = {"mpm.gravity=[0, 0]", "bodies.block.size=[0.125, 0.125]", "bodies.block.centre=[0.38, 0.5]", "bodies.block.velocity=[-0.5, 0]", "bodies.block.angular_velocity=0", "bodies.block.particles_per_cell=1", "bodies.other={material: stuff, shape: box, centre: [0.62, 0.5], size: [0.125, 0.125], particles_per_cell: 1, velocity: [0.5, 0]}"};
  static const char *const coarse[] = {"mpm.cells=12", "mpm.wall_nodes=3", "time.dt=2 ms"};
  char                     path[NOMOS_MAX_PATH];
  NomosTwin                twin;
  Try                      try;

  (void)Create((const char *const[]){NULL}, &try);
  ck_ok(NomosTwinCreate(try.s, &(NomosTwinInput){.path = Path("simulation.yaml", path), .n_set = sizeof set / sizeof *set, .set = set, .n_coarse = 3, .coarse = coarse, .per_cell = 4, .interval = 0.01, .n_frames = N_FRAMES, .n_corrections = 1}, &twin));
  ck_assert_uint_gt(twin.n, 2);
  const double *last = twin.truth + (twin.n_frames - 1) * twin.n_entries * twin.n;
  for (size_t p = 0; p < twin.n; p++) ck_assert_double_le(fabs(last[2 * p] - twin.truth[2 * p] - (twin.truth[2 * p] > 0.5 ? 0.04 : -0.04)), 1e-12);
  ck_ok(NomosTwinDestroy(&twin));
  End(&try);
}
END_TEST

/* Frames of a coarse run as an operator, at a state in contact: the derivative is that of the steps. */
START_TEST(test_derivative_of_the_coarse_simulation)
{
  Try                 try;
  NomosCorrection    *c     = Create((const char *const[]){NULL}, &try);
  NomosTwin          *twin  = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
  double             *state = twin->truth + 4 * twin->n_entries * twin->n;
  const double       *in[NOMOS_N_TWIN_FIELDS];
  NomosOperatorReport report;

  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) in[f] = NomosTwinField(twin, state, f);
  ck_ok(NomosOperatorCheck(twin->step, &(NomosOperatorCheckInput){.in = in, .seed = 5, .n_directions = 2, .step = 1e-4}, &report));
  ck_assert_double_lt(report.linearity, 1e-12);
  ck_assert_double_gt(report.order[1], 1.95);
  End(&try);
}
END_TEST

/* w: weights to be set, NULL: those there are. */
static double LossOf(Try *try, const NomosBatch *batch, const double w[], double gradient[])
{
  enum { MAX_TENSORS = 32 };
  NomosTape        tape;
  NomosTensor      tensors[MAX_TENSORS], loss;
  double           value;
  void            *values;

  ck_ok(NomosParametersEdit(try->s->parameters, &values));
  if (w) memcpy(values, w, sizeof *w * NomosParametersSize(try->s->parameters));
  ck_ok(NomosTapeCreate(&tape));
  ck_assert_uint_le(NomosParametersCount(try->s->parameters), MAX_TENSORS);
  ck_ok(NomosParametersBind(try->s->parameters, tape, tensors));
  ck_ok(try->s->ops->loss(try->s, batch, tape, tensors, &loss));
  ck_ok(NomosTensorGetScalar(loss, &value));
  if (gradient) ck_ok(NomosParametersGradient(try->s->parameters, loss, tensors, gradient));
  ck_ok(NomosTapeDestroy(&tape));
  return value;
}

static const NomosBatch all_training = {.split = NOMOS_SPLIT_TRAIN, .training = true, .n = 3, .examples = (const size_t[]){0, 1, 2}, .epoch = 3, .n_epochs = 4};

static double LossAt(Try *try, const double w[], double gradient[])
{
  return LossOf(try, &all_training, w, gradient);
}

/* Through four frames, in a random direction of all weights: what is left of a difference beyond the gradient falls with the square of the step. */
static void CheckGradient(const char set[])
{
  enum { HALVINGS = 4 };
  Try try;
  (void)Create((const char *const[]){"train.precision=float64", set, NULL}, &try);
  const size_t n = NomosParametersSize(try.s->parameters);
  const void  *values;
  double      *w = malloc(n * sizeof *w), *g = malloc(n * sizeof *g), *moved = malloc(n * sizeof *w), h[HALVINGS], remainder[HALVINGS], slope = 0;

  ck_ok(NomosCorrectionFit(try.s));
  Shake(&try, 0.1);
  ck_ok(NomosParametersValues(try.s->parameters, &values));
  memcpy(w, values, n * sizeof *w);
  const double here = LossAt(&try, w, g);
  for (size_t i = 0; i < n; i++) slope += g[i] * NomosRandomNormal(11, 0, i);
  ck_assert(fabs(slope) > 1e-3);
  for (int k = 0; k < HALVINGS; k++) {
    h[k] = 1e-4 / (double)(1 << k);
    for (size_t i = 0; i < n; i++) moved[i] = w[i] + h[k] * NomosRandomNormal(11, 0, i);
    remainder[k] = fabs(LossAt(&try, moved, NULL) - here - h[k] * slope);
  }
  ck_assert_double_gt(NomosObservedOrder(HALVINGS, h, remainder, 1e-14), 1.9);
  free(w);
  free(g);
  free(moved);
  End(&try);
}

START_TEST(test_gradient)
{
  CheckGradient("particle_correction.transfer=0");
  CheckGradient("particle_correction.transfer=0.8");
}
END_TEST

static PetscErrorCode Hear(const char sentence[], void *ctx)
{
  strncat(ctx, sentence, 1000 - strlen(ctx));
  return PETSC_SUCCESS;
}

/* Mean square errors of positions and velocities after k = 1 ... n frames of the corrected simulation from the first state, where no correction is learned yet. */
static void FirstErrors(NomosCorrection *c, size_t motion, size_t n, double errors[][2])
{
  NomosTwin   *twin  = &c->sets[NOMOS_CORRECTION_TRAINING].twins[motion];
  const size_t total = twin->n_entries * twin->n;
  double      *state = malloc(total * sizeof *state);

  memcpy(state, twin->truth, total * sizeof *state);
  for (size_t k = 1; k <= n; k++) {
    for (size_t i = 0; i < c->n_corrections; i++) ck_ok(NomosTwinAdvance(twin, state));
    for (int f = 0; f < 2; f++) errors[k - 1][f] = NomosTwinDistance(twin, f, state, twin->truth + k * total);
  }
  free(state);
}

#define FROM_THE_START "train.precision=float64", "particle_correction.first_share=1", "particle_correction.grow=1", "particle_correction.floor=0.7"

/* Before a training the loss is the mean of e/(e + b E), of as many frames as the curriculum is at. Where the coarse simulation alone blows up, in its first frame here, E stands for e. */
START_TEST(test_loss_by_hand)
{
  for (int blown = 0; blown < 2; blown++) {
    Try              try;
    NomosCorrection *c = Create((const char *const[]){FROM_THE_START, blown ? "particle_correction.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms, \"mpm.gravity=[0, -1e308]\"]" : "particle_correction.layers=0", blown ? "particle_correction.corrected=[\"mpm.gravity=[0, -9.8]\"]" : NULL, NULL}, &try);
    const double     velocity = 0.3, b = 0.7;
    NomosBatch       batch = all_training;
    double           errors[3][4][2], E[2][4];

    if (blown) ck_refused(NomosCorrectionFit(try.s), "coarse simulations of all 1 motions of the validation blow up");
    else ck_ok(NomosCorrectionFit(try.s));
    for (int f = 0; f < 2; f++) {
      NomosParameter p;
      ck_ok(NomosParametersGet(try.s->parameters, c->reference[f], &p));
      memcpy(E[f], p.values, sizeof E[f]);
    }
    for (size_t i = 0; i < 3; i++) FirstErrors(c, i, 4, errors[i]);
    for (batch.epoch = 0; batch.epoch < 4; batch.epoch++) {
      const size_t n = (size_t)batch.epoch + 1;
      double       by_hand = 0;
      for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < n; k++)
          for (int f = 0; f < 2; f++) by_hand += (f ? velocity : 1) / (1 + velocity) * errors[i][k][f] / ((blown ? E[f][k] : errors[i][k][f]) + b * E[f][k]) / (double)(3 * n);
      ck_close(LossOf(&try, &batch, NULL, NULL), by_hand, 1e-9);
    }
    End(&try);
  }
}
END_TEST

/* Gradients go back through `detach` frames: the loss is the same, the gradient only where no frame is cut off. */
START_TEST(test_detach)
{
  static const char *const detach[] = {"particle_correction.detach=0", "particle_correction.detach=4", "particle_correction.detach=2"};
  double                   loss[3], *gradient[3], change = 0;
  size_t                   n = 0;

  for (int i = 0; i < 3; i++) {
    Try try;
    (void)Create((const char *const[]){"train.precision=float64", detach[i], NULL}, &try);
    ck_ok(NomosCorrectionFit(try.s));
    Shake(&try, 0.1);
    n           = NomosParametersSize(try.s->parameters);
    gradient[i] = malloc(n * sizeof(double));
    loss[i]     = LossAt(&try, NULL, gradient[i]);
    End(&try);
  }
  ck_assert(loss[0] == loss[1] && loss[0] == loss[2]);
  ck_assert_mem_eq(gradient[0], gradient[1], n * sizeof(double));
  for (size_t k = 0; k < n; k++) change = fmax(change, fabs(gradient[2][k] - gradient[0][k]));
  ck_assert_double_gt(change, 1e-3);
  for (int i = 0; i < 3; i++) free(gradient[i]);
}
END_TEST

/* A roll-out that blows up in its first frame has no loss, and leaves nothing behind. */
START_TEST(test_roll_out_that_blows_up)
{
  Try    try;
  size_t bytes[2];

  (void)Create((const char *const[]){"train.precision=float64", "particle_correction.corrected=[\"mpm.gravity=[0, -1e308]\"]", NULL}, &try);
  ck_ok(NomosCorrectionFit(try.s));
  for (int i = 0; i < 2; i++) {
    for (int k = 0; k < 20; k++) ck_assert(LossAt(&try, NULL, NULL) == 0);
    const struct mallinfo2 heap = mallinfo2();
    bytes[i]                    = heap.uordblks + heap.hblkhd;
  }
  ck_assert_uint_lt(bytes[1], bytes[0] + 1000);
  End(&try);
}
END_TEST

/* The validation is that of free runs with the weights as they are, over the mean error of the coarse simulation; where that blows up a motion counts nothing, and without any other a training is refused. */
START_TEST(test_validation)
{
  Try              try;
  NomosCorrection *c   = Create((const char *const[]){"train.precision=float64", "data.validation=0.5", NULL}, &try);
  NomosTwinSet    *set = &c->sets[NOMOS_CORRECTION_VALIDATION];
  double           corrected[2], coarse[2], loss;
  char             said[1024] = "";

  ck_assert_uint_eq(set->n, 2);
  const NomosCorrection kept = *c;
  c->max_frames = 10; /* roll-outs of 3, 6, 9, 10, 10, .. frames */
  c->grow       = 0.3;
  ck_assert_int_eq(try.s->ops->settled(try.s, 12), 3);
  c->grow = 0;
  ck_assert_int_eq(try.s->ops->settled(try.s, 12), 0);
  *c = kept;
  ck_ok(NomosCorrectionFit(try.s));
  ck_ok(NomosTrainingCreate(try.s, &try.training));
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
  ck_close(loss, 1, 1e-12);
  Shake(&try, 0.1);
  for (size_t i = 0; i < 2; i++) {
    ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = &set->twins[i]}, &corrected[i], NULL));
    ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = &set->twins[i], .coarse = true}, &coarse[i], NULL));
  }
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
  ck_close(loss, (corrected[0] + corrected[1]) / (coarse[0] + coarse[1]), 1e-12);
  ck_assert(fabs(loss - 1) > 1e-3);
  ck_ok(try.s->ops->warn(try.s, Hear, said));
  ck_assert_msg(!said[0], "%s", said);
  set->twins[1].coarse_error = INFINITY;
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &loss));
  ck_close(loss, corrected[0] / coarse[0], 1e-12);
  ck_ok(try.s->ops->warn(try.s, Hear, said));
  ck_assert_msg(strstr(said, "the coarse simulations of 1 of the 2 motions of the validation blow up: its loss leaves these out"), "%s", said);
  ck_ok(NomosCorrectionFit(try.s));
  set->twins[0].coarse_error = INFINITY;
  ck_refused(NomosCorrectionFit(try.s), "of all 2 motions of the validation blow up, and there is nothing to compare a correction with");
  End(&try);
}
END_TEST

static PetscErrorCode KeepTest(const char name[], double value, void *ctx)
{
  if (!strcmp(name, "test_rollout_mse")) *(double *)ctx = value;
  return PETSC_SUCCESS;
}

/* What data.test takes out of the training is judged, and by itself; its name is not another's. */
START_TEST(test_held_back)
{
  Try              try;
  NomosCorrection *c = Create((const char *const[]){"train.precision=float64", "data.test=0.25", NULL}, &try);
  double           corrected, coarse, loss, mse = NAN;
  char             path[NOMOS_MAX_PATH], text[2 * NOMOS_MAX_PATH];

  ck_assert(c->n_sets == 3 && c->sets[NOMOS_CORRECTION_TRAINING].n == 2 && try.s->n_examples[NOMOS_SPLIT_TEST] == 1 && !strcmp(c->sets[NOMOS_CORRECTION_FIRST_TEST].name, "test"));
  ck_ok(NomosCorrectionFit(try.s));
  ck_ok(NomosTrainingCreate(try.s, &try.training));
  Shake(&try, 0.1);
  NomosTwin *twin = &c->sets[NOMOS_CORRECTION_FIRST_TEST].twins[0];
  ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = twin}, &corrected, NULL));
  ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = twin, .coarse = true}, &coarse, NULL));
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_TEST, &loss));
  ck_close(loss, corrected / coarse, 1e-12);
  ck_ok(NomosCorrectionResults(try.s, KeepTest, &mse));
  ck_close(mse, corrected, 1e-12);
  End(&try);
  snprintf(text, sizeof text, "particle_correction.tests.test.path=%s", Path("data.h5", path));
  Begin((const char *const[]){text, "data.test=0.25", NULL}, &try);
  ck_refused(NomosSurrogateCreate(&try.input, &try.s), "has the name of the motions that data.test holds back");
  ck_ok(NomosConfigDestroy(&try.config));
}
END_TEST

/* A short training makes a motion better that it never saw. */
START_TEST(test_learns)
{
  Try                 try;
  NomosTrainingStatus status;
  double              before;

  (void)Create((const char *const[]){"train.epochs=12", "train.learning_rate=5e-3", "particle_correction.mirror=true", NULL}, &try);
  ck_ok(NomosTrainingCreate(try.s, &try.training));
  ck_ok(NomosSurrogateBegin(try.s));
  ck_ok(NomosTrainingLossOf(try.training, NOMOS_SPLIT_VALIDATION, &before));
  status = TrainingGo(PETSC_COMM_WORLD, try.training, 0);
  printf("validation %.4f before, %.4f at step %d of %d\n", before, status.best, (int)status.best_step, (int)status.step);
  ck_close(before, 1, 1e-6);
  ck_assert_double_lt(status.best, 0.9);
  End(&try);
}
END_TEST

/* Momentum of particles of equal mass, before and after a correction, where the block is a distance up from where it was. */
static void Momentum(Try *try, double up, double change[2], double *most)
{
  enum { MAX_TENSORS = 32 };
  NomosCorrection    *c    = try->s->context;
  NomosTwin          *twin = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
  const size_t        n = twin->n, shapes[NOMOS_N_TWIN_FIELDS][3] = {{n, 2}, {n, 2}, {n, 2, 2}, {n, 3, 3}};
  NomosParticleStates states = {.n = n, .n_sets = 1, .first = (size_t[]){0, n}, .per_cell = &twin->per_cell, .transfers = &twin->transfer};
  double             *x = malloc(2 * n * sizeof *x), *v = malloc(2 * n * sizeof *v);
  NomosTensor         w[MAX_TENSORS];
  NomosTape           tape;

  memcpy(x, twin->truth, 2 * n * sizeof *x);
  for (size_t p = 0; p < n; p++) x[2 * p + 1] += up;
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(try->s->parameters, tape, w));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) states.fields[f] = NomosTensorCreate(tape, NOMOS_F64, f < NOMOS_TWIN_C ? 2 : 3, shapes[f], f ? NomosTwinField(twin, twin->truth, f) : x);
  ck_ok(NomosCorrectionApply(&c->network, w, &states));
  ck_ok(NomosTensorGetDoubles(states.fields[NOMOS_TWIN_V], v));
  change[0] = change[1] = *most = 0;
  for (size_t i = 0; i < 2 * n; i++) {
    const double dv = v[i] - NomosTwinField(twin, twin->truth, NOMOS_TWIN_V)[i];
    change[i % 2] += dv / (double)n;
    *most = fmax(*most, fabs(dv));
  }
  ck_ok(NomosTapeDestroy(&tape));
  free(x);
  free(v);
}

/* Corrections everywhere, that keep the momentum or not, and near walls alone. */
START_TEST(test_momentum)
{
  static const char *const set[][3] = {{"particle_correction.conserve=false", "particle_correction.reach=0", NULL}, {"particle_correction.conserve=true", "particle_correction.reach=0", NULL}, {"particle_correction.layers=0", "particle_correction.reach=2", NULL}, {"particle_correction.transfer=1", "particle_correction.reach=0", NULL}};

  for (int i = 0; i < 4; i++) {
    Try    try;
    double change[2], most;
    (void)Create((const char *const[]){"train.precision=float64", set[i][0], set[i][1], NULL}, &try);
    ck_ok(NomosCorrectionFit(try.s));
    Shake(&try, 0.1);
    Momentum(&try, 0.22, change, &most); /* more than two cells from every wall */
    if (i != 2) ck_assert_double_gt(most, 0);
    else ck_assert_double_eq(most, 0);
    for (int a = 0; a < 2; a++) {
      if (i) ck_assert_double_le(fabs(change[a]), 1e-15); /* rounding of velocities of 3 m/s */
      else ck_assert_double_gt(fabs(change[a]), 1e-3 * most);
    }
    Momentum(&try, 0, change, &most); /* at the floor, which pushes */
    ck_assert_double_gt(fabs(change[1]), 1e-3 * most);
    End(&try);
  }
}
END_TEST

/* States of random velocities: those of the block of twin 0, a quarter of a metre up, so that no wall is near. */
static double *Random(const NomosTwin *twin)
{
  const size_t total = twin->n_entries * twin->n;
  double      *state = malloc(total * sizeof *state);

  memcpy(state, twin->truth, total * sizeof *state);
  for (size_t p = 0; p < twin->n; p++) state[2 * p + 1] += 0.25;
  for (size_t i = 0; i < 2 * twin->n; i++) NomosTwinField(twin, state, NOMOS_TWIN_V)[i] = NomosRandomNormal(7, 0, i);
  for (size_t i = 0; i < 4 * twin->n; i++) NomosTwinField(twin, state, NOMOS_TWIN_C)[i] = 10 * NomosRandomNormal(7, 1, i);
  return state;
}

static void ApplyTransfer(const NomosTwin *twin, double *state, double v[], double C[])
{
  ck_ok(NomosOperatorApply(twin->transfer, (const double *const[]){NomosTwinField(twin, state, NOMOS_TWIN_X), NomosTwinField(twin, state, NOMOS_TWIN_V), NomosTwinField(twin, state, NOMOS_TWIN_C)}, (double *const[]){v, C}));
}

/* Sums over particles of v, and of x cross v + dx^2/4 times the spin of C, and of |v|^2 + dx^2/4 |C|^2. */
static void Sums(const NomosCorrectionShape *shape, size_t n, const double x[], const double v[], const double C[], double sums[4])
{
  const double moment = shape->dx * shape->dx / 4;

  for (int i = 0; i < 4; i++) sums[i] = 0;
  for (size_t p = 0; p < n; p++) {
    const double *c = C + 4 * p;
    sums[0] += v[2 * p];
    sums[1] += v[2 * p + 1];
    sums[2] += x[2 * p] * v[2 * p + 1] - x[2 * p + 1] * v[2 * p] + moment * (c[2] - c[1]);
    sums[3] += v[2 * p] * v[2 * p] + v[2 * p + 1] * v[2 * p + 1] + moment * (c[0] * c[0] + c[1] * c[1] + c[2] * c[2] + c[3] * c[3]);
  }
}

/* The way to the grid and back is that of the solver's own step, which without strain and walls adds gravity alone; it keeps momentum and angular momentum, loses energy, and leaves affine motions as they are. */
START_TEST(test_transfer)
{
  static const double A[4] = {1, -2, 3, 0.5}, dt = 2e-3, gravity = 9.8;
  Try                 try;
  NomosCorrection    *c    = Create((const char *const[]){"train.precision=float64", "particle_correction.transfer=1", NULL}, &try);
  NomosTwin          *twin = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
  const size_t        n    = twin->n;
  double             *state = Random(twin), *v = malloc(2 * n * sizeof *v), *C = malloc(4 * n * sizeof *C), *x = malloc(2 * n * sizeof *x), sums[2][4];

  memcpy(x, state, 2 * n * sizeof *x);
  ApplyTransfer(twin, state, v, C);
  Sums(&c->network.shape, n, x, NomosTwinField(twin, state, NOMOS_TWIN_V), NomosTwinField(twin, state, NOMOS_TWIN_C), sums[0]);
  Sums(&c->network.shape, n, x, v, C, sums[1]);
  for (int i = 0; i < 3; i++) ck_assert_double_le(fabs(sums[1][i] - sums[0][i]), 1e-12 * sums[0][3]);
  ck_assert_double_lt(sums[1][3], 0.5 * sums[0][3]);
  ck_assert_int_eq(twin->n_steps, 1);
  ck_ok(NomosTwinAdvance(twin, state));
  for (size_t i = 0; i < 2 * n; i++) ck_assert_double_le(fabs(NomosTwinField(twin, state, NOMOS_TWIN_V)[i] - v[i] + (i % 2 ? gravity * dt : 0)), 1e-13);
  for (size_t i = 0; i < 4 * n; i++) ck_assert_double_le(fabs(NomosTwinField(twin, state, NOMOS_TWIN_C)[i] - C[i]), 1e-11);

  for (size_t p = 0; p < n; p++)
    for (int a = 0; a < 2; a++) {
      NomosTwinField(twin, state, NOMOS_TWIN_V)[2 * p + (size_t)a] = 0.3 + A[2 * a] * state[2 * p] + A[2 * a + 1] * state[2 * p + 1];
      for (int b = 0; b < 2; b++) NomosTwinField(twin, state, NOMOS_TWIN_C)[4 * p + (size_t)(2 * a + b)] = A[2 * a + b];
    }
  ApplyTransfer(twin, state, v, C);
  for (size_t i = 0; i < 2 * n; i++) ck_assert_double_le(fabs(v[i] - NomosTwinField(twin, state, NOMOS_TWIN_V)[i]), 1e-13);
  for (size_t i = 0; i < 4 * n; i++) ck_assert_double_le(fabs(C[i] - A[i % 4]), 1e-12);
  free(x);
  free(C);
  free(v);
  free(state);
  End(&try);
}
END_TEST

START_TEST(test_derivative_of_the_transfer)
{
  Try                 try;
  NomosCorrection    *c     = Create((const char *const[]){"particle_correction.transfer=1", NULL}, &try);
  NomosTwin          *twin  = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
  double             *state = Random(twin), *small = malloc(2 * twin->n * sizeof *small);
  NomosOperatorReport report;

  for (size_t i = 0; i < 2 * twin->n; i++) small[i] = 0.01;
  ck_ok(NomosOperatorCheck(twin->transfer, &(NomosOperatorCheckInput){.in = (const double *const[]){NomosTwinField(twin, state, NOMOS_TWIN_X), NomosTwinField(twin, state, NOMOS_TWIN_V), NomosTwinField(twin, state, NOMOS_TWIN_C)}, .scale = (const double *const[]){small, NULL, NULL}, .seed = 5, .n_directions = 2}, &report));
  ck_assert_double_lt(report.transposition, 1e-12);
  ck_assert_double_lt(report.linearity, 1e-12);
  ck_assert_double_gt(report.order[1], 1.95);
  free(small);
  free(state);
  End(&try);
}
END_TEST

/* The coarse simulation of a motion in a mirror is the mirror image of the simulation: what a training may learn from too. */
START_TEST(test_mirror)
{
  Try              try;
  NomosCorrection *c     = Create((const char *const[]){NULL}, &try);
  NomosTwin       *twin  = &c->sets[NOMOS_CORRECTION_TRAINING].twins[1];
  const size_t     total = twin->n_entries * twin->n;
  double          *a = malloc(total * sizeof *a), *b = malloc(total * sizeof *b);

  memcpy(a, twin->truth + 3 * total, total * sizeof *a);
  memcpy(b, a, total * sizeof *b);
  NomosTwinMirror(twin, 1, b);
  ck_assert(memcmp(a, b, total * sizeof *a));
  for (int k = 0; k < 4; k++) {
    ck_ok(NomosTwinAdvance(twin, a));
    ck_ok(NomosTwinAdvance(twin, b));
  }
  NomosTwinMirror(twin, 1, b);
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) ck_assert_double_le(NomosTwinDistance(twin, f, a, b), 1e-20);
  free(a);
  free(b);
  End(&try);
}
END_TEST

/* x (n, 2) and v (n, 2) after a correction of twin 0's state `frame`, moved by a symmetry of the square. */
static void Corrected(Try *try, size_t frame, bool mirror, double x[], double v[])
{
  enum { MAX_TENSORS = 32 };
  NomosCorrection    *c     = try->s->context;
  NomosTwin          *twin  = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
  const size_t        n = twin->n, total = twin->n_entries * n, shapes[NOMOS_N_TWIN_FIELDS][3] = {{n, 2}, {n, 2}, {n, 2, 2}, {n, 3, 3}};
  NomosParticleStates states = {.n = n, .n_sets = 1, .first = (size_t[]){0, n}, .per_cell = &twin->per_cell, .transfers = &twin->transfer};
  double             *state  = malloc(total * sizeof *state);
  NomosTensor         w[MAX_TENSORS];
  NomosTape           tape;

  memcpy(state, twin->truth + frame * total, total * sizeof *state);
  if (mirror) NomosTwinMirror(twin, 1, state);
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosParametersBind(try->s->parameters, tape, w));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) states.fields[f] = NomosTensorCreate(tape, NOMOS_F64, f < NOMOS_TWIN_C ? 2 : 3, shapes[f], NomosTwinField(twin, state, f));
  ck_ok(NomosCorrectionApply(&c->network, w, &states));
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS; f++) ck_ok(NomosTensorGetDoubles(states.fields[f], NomosTwinField(twin, state, f)));
  if (mirror) NomosTwinMirror(twin, 1, state);
  memcpy(x, NomosTwinField(twin, state, NOMOS_TWIN_X), 2 * n * sizeof *x);
  memcpy(v, NomosTwinField(twin, state, NOMOS_TWIN_V), 2 * n * sizeof *v);
  ck_ok(NomosTapeDestroy(&tape));
  free(state);
}

/* Without a grid a correction at one wall is that at the other one in a mirror. */
START_TEST(test_symmetry)
{
  Try              try;
  NomosCorrection *c = Create((const char *const[]){"train.precision=float64", "particle_correction.layers=0", "particle_correction.reach=3", "particle_correction.position=true", NULL}, &try);
  NomosTwin       *twin = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
  const size_t     n    = 2 * twin->n;
  double          *x[2], *v[2], most = 0;

  ck_ok(NomosCorrectionFit(try.s));
  Shake(&try, 0.1);
  for (int m = 0; m < 2; m++) {
    x[m] = malloc(n * sizeof(double));
    v[m] = malloc(n * sizeof(double));
    Corrected(&try, 5, m, x[m], v[m]);
  }
  for (size_t i = 0; i < n; i++) {
    most = fmax(most, fabs(v[0][i] - twin->truth[5 * twin->n_entries * twin->n + n + i]));
    ck_assert_double_le(fabs(x[1][i] - x[0][i]), 1e-14);
    ck_assert_double_le(fabs(v[1][i] - v[0][i]), 1e-13);
  }
  ck_assert_double_gt(most, 1e-4);
  for (int m = 0; m < 2; m++) {
    free(x[m]);
    free(v[m]);
  }
  End(&try);
}
END_TEST

/* What is added to the affine velocity is symmetric, turns with the material, and is nothing before the training. */
START_TEST(test_stress)
{
  enum { N = 20 };
  Try              try;
  NomosCorrection *c     = Create((const char *const[]){"train.precision=float64", NULL}, &try);
  const double     turn  = 0.7, Q[4] = {cos(turn), -sin(turn), sin(turn), cos(turn)};
  const size_t     shape[] = {N, 2, 2};
  double           values[2][4 * N], change[2][4 * N], most = 0;
  NomosTensor      w[64], matrices[2];
  NomosTape        tape;

  for (size_t i = 0; i < 4 * N; i++) {
    values[0][i] = sin(3 * (double)i) + 0.3;
    values[1][i] = i % 4 == 2 ? values[1][i - 1] : cos(5 * (double)i); /* strain is symmetric */
  }
  for (int shaken = 0; shaken < 2; shaken++) {
    if (shaken) Shake(&try, 0.3);
    for (int turned = 0; turned < 2; turned++) {
      ck_ok(NomosTapeCreate(&tape));
      ck_ok(NomosParametersBind(try.s->parameters, tape, w));
      const NomosTensor q = NomosTensorCreate(tape, NOMOS_F64, 3, (size_t[]){1, 2, 2}, Q);
      for (int m = 0; m < 2; m++) {
        matrices[m] = NomosTensorCreate(tape, NOMOS_F64, 3, shape, values[m]);
        if (turned) matrices[m] = NomosMatMul(NomosMatMul(q, matrices[m]), NomosTranspose(q));
      }
      NomosTensor o = NomosSubgridStressApply(&c->network.stress, w, matrices[0], matrices[1]);
      if (turned) o = NomosMatMul(NomosMatMul(NomosTranspose(q), o), q);
      ck_ok(NomosTensorGetDoubles(o, change[turned]));
      ck_ok(NomosTapeDestroy(&tape));
    }
    for (size_t i = 0; i < 4 * N; i++) {
      most = fmax(most, fabs(change[0][i]));
      ck_assert_double_le(fabs(change[1][i] - change[0][i]), 1e-14);
      if (i % 4 == 1) ck_assert_double_le(fabs(change[0][i] - change[0][i + 1]), 1e-16);
    }
    if (!shaken) ck_assert_double_eq(most, 0);
  }
  ck_assert_double_gt(most, 1e-3);
  End(&try);
}
END_TEST

/* The simulation that is corrected may have another grid; the one beside it stays, and the truth too. */
START_TEST(test_corrected_grid)
{
  Try    try[2];
  double error[2][2];

  for (int i = 0; i < 2; i++) {
    NomosCorrection *c    = Create((const char *const[]){i ? "particle_correction.corrected=[mpm.length=1.04 m, mpm.origin=-0.02]" : "particle_correction.hidden=8", NULL}, &try[i]);
    NomosTwin       *twin = &c->sets[NOMOS_CORRECTION_TRAINING].twins[0];
    ck_ok(NomosCorrectionFit(try[i].s));
    for (int coarse = 0; coarse < 2; coarse++) ck_ok(NomosCorrectionRun(try[i].s, &(NomosCorrectedRun){.twin = twin, .coarse = coarse}, &error[i][coarse], NULL));
    ck_assert_double_le(fabs(c->network.shape.low[0] + c->network.shape.high[0] - 1), 1e-12);
    ck_assert_double_le(fabs(c->network.shape.low[0] - (i ? 2 * 1.04 / 12 - 0.02 : 2. / 12)), 1e-12);
  }
  ck_assert_double_eq(error[0][0], error[0][1]);                 /* nothing is learned yet */
  ck_assert_double_le(fabs(error[1][1] / error[0][1] - 1), 1e-6); /* but for rounding of the first positions */
  ck_assert_double_lt(error[1][0], 0.9 * error[1][1]);           /* walls a quarter of a cell further out */
  for (int i = 0; i < 2; i++) End(&try[i]);
}
END_TEST

typedef struct {
  double ratio, median_ratio, worse, rollout_mse, coarse_mse;
} Judged;
static PetscErrorCode Keep(const char name[], double value, void *ctx)
{
  Judged *j = ctx;

  PetscFunctionBeginUser;
  if (!strcmp(name, "again_ratio")) j->ratio = value;
  if (!strcmp(name, "again_median_ratio")) j->median_ratio = value;
  if (!strcmp(name, "again_worse")) j->worse = value;
  if (!strcmp(name, "again_rollout_mse")) j->rollout_mse = value;
  if (!strcmp(name, "again_coarse_mse")) j->coarse_mse = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is said of a set follows from the errors of its motions, which errors.csv has one by one. */
START_TEST(test_results)
{
  static const char *const grids[] = {"particle_correction.corrected=[mpm.length=1 m]", "particle_correction.corrected=[mpm.length=1.04 m, mpm.origin=-0.02]"};
  Try    try;
  char   path[NOMOS_MAX_PATH], text[2 * NOMOS_MAX_PATH];
  Judged judged = {0};
  double mean[2][N_MOTIONS], sums[2] = {0}, worse = 0;
  size_t below = 0;

  snprintf(text, sizeof text, "particle_correction.tests.again.path=%s", Path("data.h5", path));
  for (int moved = 0; moved < 2; moved++) {
    WriteData((const char *const[]){settings[1], settings[0], settings[2], settings[3]}); /* the median is not the first of them */
    Begin((const char *const[]){text, grids[moved], NULL}, &try);
    ck_ok(NomosSurrogateCreate(&try.input, &try.s));
    NomosCorrection *c = try.s->context;
    ck_assert_uint_eq(c->sets[NOMOS_CORRECTION_FIRST_TEST].n, N_MOTIONS);
    ck_ok(NomosCorrectionFit(try.s));
    if (moved) Shake(&try, 0.1);
    ck_ok(NomosCorrectionResults(try.s, Keep, &judged));
    if (!moved) { /* nothing is learned yet */
      ck_assert(judged.ratio == 1 && judged.median_ratio == 1 && judged.worse == 0);
      End(&try);
      continue;
    }
    for (size_t i = 0; i < N_MOTIONS; i++) {
      for (int coarse = 0; coarse < 2; coarse++) {
        ck_ok(NomosCorrectionRun(try.s, &(NomosCorrectedRun){.twin = &c->sets[NOMOS_CORRECTION_FIRST_TEST].twins[i], .coarse = coarse}, &mean[coarse][i], NULL));
        sums[coarse] += mean[coarse][i];
      }
      worse += mean[0][i] > mean[1][i];
      below += mean[1][i] / mean[0][i] < judged.median_ratio;
    }
  }
  ck_assert_double_le(fabs(judged.rollout_mse / (sums[0] / N_MOTIONS) - 1), 1e-12);
  ck_assert_double_le(fabs(judged.coarse_mse / (sums[1] / N_MOTIONS) - 1), 1e-12);
  ck_assert_double_le(fabs(judged.ratio / (sums[1] / sums[0]) - 1), 1e-12);
  ck_assert_uint_eq(below, N_MOTIONS / 2);
  ck_assert_double_eq(judged.worse, worse / N_MOTIONS);
  ck_assert(worse > 0 && worse < N_MOTIONS); /* or the line before would say little */

  ck_ok(NomosCorrectionPictures(try.s, Path(".", path)));
  FILE *file = fopen(Path("errors.csv", path), "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
  ck_assert_str_eq(text, "set,trajectory,rollout_mse,coarse_mse\n");
  for (size_t i = 0, k; i < N_MOTIONS; i++) {
    double value[2];
    ck_assert_int_eq(fscanf(file, "again,%zu,%lf,%lf\n", &k, &value[0], &value[1]), 3);
    ck_assert_uint_eq(k, i);
    for (int coarse = 0; coarse < 2; coarse++) ck_assert_double_le(fabs(value[coarse] / mean[coarse][i] - 1), 1e-5);
  }
  ck_assert_int_eq(fgetc(file), EOF);
  fclose(file);
  End(&try);
}
END_TEST

static PetscErrorCode Stopped(const char name[], double value, void *ctx)
{
  double *stopped = ctx;

  PetscFunctionBeginUser;
  if (!strcmp(name, "training_stopped")) stopped[0] = value;
  if (!strcmp(name, "training_coarse_stopped")) stopped[1] = value;
  if (!strcmp(name, "training_worse")) stopped[2] = value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Gravity that is too large for numbers, of the coarse simulations alone: all blow up, corrected or not, which is counted and told; neither is worse. */
START_TEST(test_blows_up)
{
  double stopped[3] = {0};
  char   said[4096] = "";
  Try    try;

  (void)Create((const char *const[]){"particle_correction.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms, \"mpm.gravity=[0, -1e308]\"]", NULL}, &try);
  ck_ok(NomosCorrectionResults(try.s, Stopped, stopped));
  ck_ok(try.s->ops->warn(try.s, Hear, said));
  ck_assert(stopped[0] == 3 && stopped[1] == 3 && isnan(stopped[2]));
  ck_assert_msg(strstr(said, "blew up with the correction and"), "%s", said);
  End(&try);
  (void)Create((const char *const[]){"particle_correction.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=2 ms, mpm.wall_y_low=open, mpm.clip=0]", NULL}, &try); /* who leaves the grid is not helped by a shorter step */
  said[0] = '\0';
  ck_ok(NomosCorrectionResults(try.s, Stopped, stopped));
  ck_ok(try.s->ops->warn(try.s, Hear, said));
  ck_assert_msg(stopped[1] > 0 && strstr(said, "outside the grid") && strstr(said, "close mpm.wall_y_low") && !strstr(said, "shorter time.dt"), "%s", said);
  End(&try);
}
END_TEST

static void CreatePlain(Try *try)
{
  (void)Create((const char *const[]){NULL}, try);
}

START_TEST(test_resume)
{
  static const char *const others[N_MOTIONS] = {"bodies.block.velocity=[-2, -3]", "bodies.block.velocity=[1, -2]", "bodies.block.velocity=[-1, -4]", "bodies.block.velocity=[-1, -3]"};
  Try                      other;

  CheckResume(CreatePlain);
  WriteData(others);
  Begin((const char *const[]){NULL}, &other);
  ck_ok(NomosSurrogateCreate(&other.input, &other.s));
  ck_ok(NomosTrainingCreate(other.s, &other.training));
  CheckOtherData(other.training);
  End(&other);
}
END_TEST

START_TEST(test_mistakes)
{
  static const char *const other[N_MOTIONS] = {"bodies.block.velocity=[-2, -3]", "mpm.length=1.1 m", "mpm.length=1.1 m", "mpm.length=1.1 m"}, *const wrong[N_MOTIONS] = {"mpm.cels=2", "mpm.cels=2", "mpm.cels=2", "mpm.cels=2"};
  static const struct {
    const char *const *settings;
    const char        *set, *says;
  } mistakes[] = {
    {settings, "particle_correction.coarse=[mpm.cells=12, mpm.wall_nodes=3, time.dt=3 ms]", "no multiple of time.dt"             },
    {settings, "particle_correction.corrected=[\"bodies.block.centre=[0.5, 0.4]\"]",             "begin up to"                       },
    {settings, "particle_correction.corrected=[mpm.precision=float32]",                     "or another precision"               },
    {settings, "particle_correction.corrections=3",                                         "does not divide the 5 steps"        },
    {settings, "particle_correction.tests.far.path=nowhere.h5",                             "nowhere.h5"                         },
    {other,    "particle_correction.corrections=5",                                         "another coarse grid"                },
    {wrong,    "particle_correction.corrections=5",                                         "mpm.cels"                           },
  };

  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
    Try try;
    WriteData(mistakes[i].settings);
    Begin((const char *const[]){mistakes[i].set, NULL}, &try);
    ck_refused(NomosSurrogateCreate(&try.input, &try.s), mistakes[i].says);
    ck_ok(NomosConfigDestroy(&try.config));
  }
}
END_TEST

/* A case that was edited after its data were made: the harder material shows first where the block meets the floor, in the second frame. A text that changes nothing, or data that were made so, are no matter. */
START_TEST(test_edited_case)
{
  static const struct {
    const char *from, *to, *says;
  } edits[] = {
    {"yield_stress: 1e3", "yield_stress: 1.0e3", NULL              },
    {"yield_stress: 1e3", "yield_stress: 1e5", "run again, is up to"},
    {"[0.25, 0.25]", "[0.3, 0.25]", "particles and it has"          },
  };

  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
    Try         try;
    char        text[2048];
    const char *at = strstr(simulation, edits[i].from);
    WriteData(settings);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - simulation), simulation, edits[i].to, at + strlen(edits[i].from));
    WriteText("simulation.yaml", text, "2");
    Begin((const char *const[]){NULL}, &try);
    if (edits[i].says) {
      ck_refused(NomosSurrogateCreate(&try.input, &try.s), edits[i].says);
      ck_ok(NomosConfigDestroy(&try.config));
    } else {
      ck_ok(NomosSurrogateCreate(&try.input, &try.s));
      End(&try);
    }
  }
}
END_TEST

NOMOS_TEST_SUITE("particle_correction", test_loss_by_hand, test_detach, test_roll_out_that_blows_up, test_validation, test_held_back, test_learns, test_blows_up, test_edited_case, test_begins_as_the_coarse_simulation, test_truth_of_free_flight, test_truth_of_two_bodies, test_derivative_of_the_coarse_simulation, test_gradient, test_momentum, test_transfer, test_derivative_of_the_transfer, test_mirror, test_symmetry, test_stress, test_corrected_grid, test_results, test_resume, test_mistakes)
