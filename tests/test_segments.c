/* Learning through a model from segments of a known motion: the gradient is that of the loss, curricula are the published ones, a motion comes back from its file, and what blows up is cut shorter. */
#include "io/field_file.h"
#include "surrogates/constitutive/segments.h"
#include "tests/harness.h"
#include "tests/lorenz_model.h"

enum { N = 12, N_FRAMES = 41, N_PARAMETERS = 2 };

/* The ring, and the motion it has with its own parameters. */
typedef struct {
  NomosConfig config;
  NomosModel  model;
  NomosMotion motion;
} Ring;

static void RingCreate(size_t n_frames, int64_t every, Ring *r)
{
  static const char *const set[] = {"lorenz.n=12", "time.dt=0.02"};
  ck_ok(NomosLorenzCreate(PETSC_COMM_SELF, 2, set, &r->config, &r->model));
  ck_ok(NomosMotionRecord(r->model, "x", n_frames, every, &r->motion));
  ck_assert_uint_eq(r->motion.n_observed, N);
}

static void RingDestroy(Ring *r)
{
  ck_ok(NomosMotionFree(&r->motion));
  ck_ok(NomosModelDestroy(&r->model));
  ck_ok(NomosConfigDestroy(&r->config));
}

static const NomosScheduleInput all = {.kind = NOMOS_SCHEDULE_ALL};

static double Loss(const Ring *r, const double p[], size_t n, const size_t bounds[], double p_bar[])
{
  NomosSegmentsResult result;
  ck_ok(r->model->ops->derivatives->set_parameters(r->model, p));
  ck_ok(NomosSegmentsLoss(&(NomosSegmentsInput){.model = r->model, .motion = &r->motion, .n = n, .bounds = bounds, .schedule = all}, &result, p_bar));
  ck_assert_uint_eq(result.frames, r->motion.n_frames - 1);
  ck_assert_uint_eq(result.cut + result.left_out, 0);
  return result.loss;
}

/* NCLaw's curriculum over 300 epochs and 1000 steps: 40 segments of 25 steps, 20 at epoch 75, 9 at 150, 6 of 166 or 167 from 225 on. */
START_TEST(test_curriculum_of_the_paper)
{
  enum { STEPS = 1000 };
  const NomosCurriculum c = {.kind = NOMOS_CURRICULUM_COSINE, .first = 25, .last = 200, .n_epochs = 300};
  int64_t               steps[STEPS + 1];
  size_t                bounds[STEPS + 1], n, before = 1000;
  for (int64_t k = 0; k <= STEPS; k++) steps[k] = k;
  for (int64_t e = 0; e < 300; e++) {
    NomosCurriculumSegments(&c, e, STEPS + 1, steps, &n, bounds);
    ck_assert(n <= before && bounds[0] == 0 && bounds[n] == STEPS);
    for (size_t i = 0; i < n; i++) ck_assert(bounds[i + 1] - bounds[i] == STEPS / n || bounds[i + 1] - bounds[i] == STEPS / n + 1);
    if (e == 0) ck_assert_uint_eq(n, 40);
    if (e == 75) ck_assert_uint_eq(n, 20);
    if (e == 150) ck_assert_uint_eq(n, 9);
    if (e == 225 || e == 299) ck_assert_uint_eq(n, 6);
    before = n;
  }
}
END_TEST

/* Other schedules, and frames that are not every step: no more segments than there are frames to restart from. */
START_TEST(test_other_curricula)
{
  enum { FRAMES = 101 };
  NomosCurriculum c = {.kind = NOMOS_CURRICULUM_LINEAR, .first = 10, .last = 110, .n_epochs = 100, .seed = 3};
  int64_t         steps[FRAMES];
  size_t          bounds[FRAMES], again[FRAMES], n, m;
  double          mean = 0;
  for (int64_t k = 0; k < FRAMES; k++) steps[k] = 10 * k;
  NomosCurriculumSegments(&c, 0, FRAMES, steps, &n, bounds);
  ck_assert_uint_eq(n, 100);
  NomosCurriculumSegments(&c, 90, FRAMES, steps, &n, bounds);
  ck_assert_uint_eq(n, 10);
  c.kind = NOMOS_CURRICULUM_CONSTANT;
  NomosCurriculumSegments(&c, 90, FRAMES, steps, &n, bounds);
  ck_assert_uint_eq(n, 100);
  c.kind = NOMOS_CURRICULUM_NONE;
  NomosCurriculumSegments(&c, 0, FRAMES, steps, &n, bounds);
  ck_assert(n == 1 && bounds[1] == FRAMES - 1);
  c = (NomosCurriculum){.kind = NOMOS_CURRICULUM_RANDOM, .first = 50, .last = 50, .n_epochs = 400, .seed = 3};
  for (int64_t e = 0; e < 400; e++) {
    NomosCurriculumSegments(&c, e, FRAMES, steps, &n, bounds);
    NomosCurriculumSegments(&c, e, FRAMES, steps, &m, again);
    ck_assert(n == m && !memcmp(bounds, again, (n + 1) * sizeof *bounds));
    for (size_t i = 0; i < n; i++) ck_assert(bounds[i] < bounds[i + 1]);
    mean += (double)n / 400;
  }
  ck_assert_double_eq_tol(mean, 1 + 99. / 5, 0.8); /* 99 chances of 1/5; standard deviation of the mean 0.2 */
}
END_TEST

/* The model's own motion has no loss; with other parameters the gradient is that of central differences, one segment or many. */
START_TEST(test_gradient)
{
  static const size_t      one[] = {0, N_FRAMES - 1}, many[] = {0, 7, 13, 26, N_FRAMES - 1};
  const double             truth[N_PARAMETERS] = {8, 1}, p[N_PARAMETERS] = {7.3, 1.2};
  const struct { size_t n; const size_t *bounds; } cuts[] = {{1, one}, {4, many}};
  const int64_t            every[] = {1, 3};
  for (size_t e = 0; e < 2; e++) {
    Ring r;
    RingCreate(N_FRAMES, every[e], &r);
    for (size_t c = 0; c < 2; c++) {
      double g[N_PARAMETERS], p_try[N_PARAMETERS];
      ck_assert_double_eq(Loss(&r, truth, cuts[c].n, cuts[c].bounds, NULL), 0);
      const double J = Loss(&r, p, cuts[c].n, cuts[c].bounds, g);
      ck_assert_double_eq(J, Loss(&r, p, cuts[c].n, cuts[c].bounds, NULL));
      ck_assert(J > 1e-3);
      for (int i = 0; i < N_PARAMETERS; i++) {
        const double h = 1e-5;
        double       sides[2];
        for (int s = 0; s < 2; s++) {
          memcpy(p_try, p, sizeof p);
          p_try[i] += s ? h : -h;
          sides[s] = Loss(&r, p_try, cuts[c].n, cuts[c].bounds, NULL);
        }
        ck_close((sides[1] - sides[0]) / (2 * h), g[i], 1e-6);
      }
    }
    RingDestroy(&r);
  }
}
END_TEST

/* States of another kind to begin from count: they are data. */
START_TEST(test_other_states)
{
  static const size_t bounds[] = {0, 10, 20, N_FRAMES - 1};
  const double        truth[N_PARAMETERS] = {8, 1};
  NomosSegmentsResult result;
  Ring                r;
  char               *states;
  RingCreate(N_FRAMES, 1, &r);
  states = malloc(N_FRAMES * r.motion.state_bytes);
  memcpy(states, r.motion.states, N_FRAMES * r.motion.state_bytes);
  ((double *)(states + 10 * r.motion.state_bytes))[3] += 0.1;
  ck_ok(r.model->ops->derivatives->set_parameters(r.model, truth));
  ck_ok(NomosSegmentsLoss(&(NomosSegmentsInput){.model = r.model, .motion = &r.motion, .states = states, .n = 3, .bounds = bounds, .schedule = all}, &result, NULL));
  ck_assert(result.loss > 1e-3 && result.loss < 0.1);
  free(states);
  RingDestroy(&r);
}
END_TEST

/* With a forcing that drives the ring out of bounds after some steps, segments are cut until they are short enough; every frame is still compared, and the gradient is finite. */
START_TEST(test_what_blows_up_is_cut)
{
  static const size_t bounds[] = {0, N_FRAMES - 1};
  const double        p[N_PARAMETERS] = {8, -130}; /* negative damping: x grows by e^2.6 a step */
  NomosSegmentsResult result;
  double              g[N_PARAMETERS];
  Ring                r;
  RingCreate(N_FRAMES, 1, &r);
  ck_ok(r.model->ops->derivatives->set_parameters(r.model, p));
  ck_ok(NomosSegmentsLoss(&(NomosSegmentsInput){.model = r.model, .motion = &r.motion, .n = 1, .bounds = bounds, .schedule = all}, &result, g));
  ck_assert_uint_ge(result.cut, 1);
  ck_assert_uint_eq(result.frames + result.left_out, N_FRAMES - 1);
  ck_assert_uint_eq(result.left_out, 0);
  ck_assert(isfinite(result.loss) && isfinite(g[0]) && g[1] < 0);
  RingDestroy(&r);
}
END_TEST

/* A file of positions over time, as a run has it or a user makes it. */
static void WriteFile(const char path[], const Ring *r, size_t n, double dt, size_t n_frames)
{
  double                   *index = calloc(n, sizeof *index), *row = calloc(n, sizeof *row);
  const NomosFieldDim       dim      = {.name = "i", .size = n, .values = index};
  const NomosFieldVariable  variable = {.name = "x", .dims = {"i"}, .type = NOMOS_F64};
  NomosFieldFile            file;
  ck_ok(NomosFieldFileCreate(PETSC_COMM_SELF, &(NomosFieldFileInput){.path = path, .n_dims = 1, .dims = &dim, .n_variables = 1, .variables = &variable, .capacity = n_frames, .time_unit = "1"}, &file));
  for (size_t f = 0; f < n_frames; f++) {
    memcpy(row, r->motion.observed + f * N, sizeof *row * PetscMin(n, N));
    ck_ok(NomosFieldFileBeginFrame(file, 5 + (double)f * dt, (int64_t)f));
    ck_ok(NomosFieldFileWrite(file, "x", NOMOS_F64, (size_t[]){0}, (size_t[]){n}, row));
    ck_ok(NomosFieldFileEndFrame(file));
  }
  ck_ok(NomosFieldFileClose(&file));
  free(index);
  free(row);
}

START_TEST(test_motion_from_a_file)
{
  static const char *const names[] = {"x"}, *const other[] = {"q"};
  char                     path[NOMOS_MAX_PATH + 16];
  NomosMotion              m;
  Ring                     r;
  RingCreate(N_FRAMES, 1, &r);
  snprintf(path, sizeof path, "%s/motion.nc", ck_directory);
  WriteFile(path, &r, N, 0.04, N_FRAMES); /* the model's dt is 0.02 */
  ck_ok(NomosMotionRead(r.model, &(NomosMotionInput){.path = path, .n_names = 1, .names = names}, &m));
  ck_assert(m.n_frames == N_FRAMES && m.n_observed == N && m.whole && m.steps[0] == 0 && m.steps[N_FRAMES - 1] == 2 * (N_FRAMES - 1) && m.times[0] == 0);
  ck_assert(!memcmp(m.observed, r.motion.observed, sizeof(double) * N * N_FRAMES));
  ck_assert(!memcmp(m.states, r.motion.states, m.state_bytes * N_FRAMES));
  ck_ok(NomosMotionFree(&m));
  ck_refused(NomosMotionRead(r.model, &(NomosMotionInput){.path = path, .n_names = 1, .names = other}, &m), "has no field 'q'; there are x");
  WriteFile(path, &r, N, 0.03, 5);
  ck_refused(NomosMotionRead(r.model, &(NomosMotionInput){.path = path, .n_names = 1, .names = names}, &m), "frame 1 is 0.03 s after the first one: frames must be at ascending multiples of time.dt = 0.02 s");
  WriteFile(path, &r, N, 0.02, 1);
  ck_refused(NomosMotionRead(r.model, &(NomosMotionInput){.path = path, .n_names = 1, .names = names}, &m), "has 1 frame: a motion has two at least");
  WriteFile(path, &r, N + 1, 0.02, 5);
  ck_refused(NomosMotionRead(r.model, &(NomosMotionInput){.path = path, .n_names = 1, .names = names}, &m), "axis 1 of x has 13 entries, that of the simulation 12");
  ck_refused(NomosMotionRead(r.model, &(NomosMotionInput){.path = "", .n_names = 1, .names = names}, &m), "data.path is not given");
  RingDestroy(&r);
}
END_TEST

/* A free run of the true model repeats the motion to the bit; of another one it strays, by the curve whose mean is the error; one that blows up has an infinite error. */
START_TEST(test_free_run)
{
  const double truth[N_PARAMETERS] = {8, 1}, other[N_PARAMETERS] = {8.1, 1}, wild[N_PARAMETERS] = {8, -130};
  double       error, curve[N_FRAMES], sum = 0;
  Ring         r;
  RingCreate(N_FRAMES, 1, &r);
  const NomosFreeRunInput input = {.model = r.model, .field = r.motion.field, .n_steps = N_FRAMES - 1, .every = 5, .reference = NomosMotionReference, .ctx = &r.motion};
  const NomosModelDerivatives *d = r.model->ops->derivatives;
  ck_ok(d->set_parameters(r.model, truth));
  ck_ok(d->set_state(r.model, r.motion.states));
  ck_ok(NomosFreeRun(&input, &error, curve));
  ck_assert_double_eq(error, 0);
  ck_ok(d->set_parameters(r.model, other));
  ck_ok(d->set_state(r.model, r.motion.states));
  ck_ok(NomosFreeRun(&input, &error, curve));
  for (int i = 0; i < (N_FRAMES - 1) / 5 + 1; i++) sum += curve[i];
  ck_close(error, sum / 9, 1e-14);
  ck_assert(curve[0] == 0 && error > 1e-6 && error < 0.1);
  ck_ok(d->set_parameters(r.model, wild));
  ck_ok(d->set_state(r.model, r.motion.states));
  ck_ok(NomosFreeRun(&input, &error, NULL));
  ck_assert(isinf(error));
  RingDestroy(&r);
}
END_TEST

NOMOS_TEST_SUITE("segments of a motion", test_curriculum_of_the_paper, test_other_curricula, test_gradient, test_other_states, test_what_blows_up_is_cut, test_motion_from_a_file, test_free_run)
