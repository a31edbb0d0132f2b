/* From how many particles on a learned step is cheaper than the simulation: a frame of ten steps of the material point method in 2-D, of N particles, 16 to a cell, against one step of giorom (as in cases/graph: width 32, 2 + 2 layers, FNO on
   24 x 24 nodes) on 1000 points, and where all N particles then are, by moving least squares on reference positions. The simulation costs in proportion to N; so does the sparse product, only less; the step does not depend on N.

   Beside them the corrected coarse simulation (surrogate particle_correction): half the nodes along each axis, a sixteenth of the particles, half the steps, each of them corrected, at all particles and not only near walls. Networks are as
   they begin: times do not depend on weights, errors do, and are no matter of this program.

   Ten steps are a frame of 5 ms on 32 nodes. A finer grid has shorter steps: `at fixed CFL` a frame has as many as in the data of cases/graph, 20 on 64 nodes, and more in proportion to the nodes along an axis.

   usage: bench_break_even [N ...]   particles, 10000 100000 1000000 by default, each rounded to a square; OMP_NUM_THREADS sets the threads of all of them */
#include "operators/primitives.h"
#include "operators/real.h"
#include "solvers/mpm/law_list.h"
#include "surrogates/reduced_order_graph/correction_model_impl.h"
#include "surrogates/reduced_order_graph/particle_decoder.h"
#include "surrogates/reduced_order_graph/particle_stepper.h"
#include "tests/bench/timing.h"
#include "tests/mpm_model.h"

#include <math.h>
#include <string.h>

enum { PAIRS = 5, STEPS = 10, POINTS = 1000, HISTORY = 6, MOST_TENSORS = 512, MOST_SIZES = 8, DATA_NODES = 64, DATA_STEPS = 20, CORRECTIONS = 5 };

static const double side = 0.5, frame = 5e-3; /* m, of a square body in a box of one metre; s */

static const struct {
  const char *name, *text;
} materials[] = {
  {"jelly", "elasticity: fixed_corotated, youngs_modulus: 1e5 Pa, poissons_ratio: 0.2"},
  {"sand", "elasticity: stvk_hencky, plasticity: drucker_prager, youngs_modulus: 1e6 Pa, poissons_ratio: 0.2, friction_angle: 25"},
};

/* ---- the simulation */

static PetscErrorCode Simulate(const char directory[], const char material[], size_t lattice, size_t cells, MpmRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(MpmRunCreate(directory, run,
                         "mpm: {dimensions: 2, length: 1 m, cells: %zu, gravity: [0, -9.8], walls: separate, wall_nodes: 3, clip: 0.5, precision: %s}\n"
                         "materials: {it: {density: 1000, %s}}\n"
                         "bodies: {body: {material: it, shape: box, centre: [0.5, 0.5], size: %g, lattice: %zu, velocity: [1, -1], angular_velocity: 4, affine: yes}}\n"
                         "time: {dt: %.17g s, stop: 1 s}\n",
                         cells, NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", material, side, lattice, frame * DATA_NODES / DATA_STEPS / (double)cells));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the learned step */

typedef struct {
  NomosConfig          config;
  NomosParameters      parameters;
  NomosParticleStepper stepper;
  NomosParticleDecoder decoder;
  NomosTape            tape;
  NomosTensor          w[MOST_TENSORS];
  int32_t              kind[POINTS];
  double               x[HISTORY][2 * POINTS], next[2 * POINTS];
} Surrogate;

/* Points of the additive recurrence with the powers of 1/1.32471795724..., far from each other as those of a farthest sample are; the body flies. */
static PetscErrorCode SurrogateCreate(Surrogate *s)
{
  static const char *const      settings[] = {"reduced_order_graph.network=giorom", "giorom.hidden=32", "giorom.layers=2"};
  static const double           ratio[2]   = {0.75487766624669276, 0.56984029099805327}, velocity[2] = {1, -1};
  const NomosParticleStatistics statistics = {.velocity_deviation = {5e-3, 5e-3}, .acceleration_deviation = {1e-3, 1e-3}};

  PetscFunctionBeginUser;
  memset(s, 0, sizeof *s);
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &s->config));
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) PetscCall(NomosConfigSet(s->config, settings[i]));
  PetscCall(NomosConfigRegister(s->config, nomos_n_particle_stepper_params, nomos_particle_stepper_params));
  PetscCall(NomosParticleStepperDeclare(s->config));
  PetscCall(NomosParticleDecoderDeclareNamed(s->config, "mls"));
  PetscCall(NomosConfigCheck(s->config));
  PetscCall(NomosParametersCreate(NOMOS_REAL, &s->parameters));
  PetscCall(NomosParticleStepperCreate(s->config, s->parameters, &(NomosParticleStepperInput){.d = 2, .n_kinds = 1, .high = {1, 1}, .radius = 2.3 * side / sqrt(POINTS)}, &s->stepper));
  PetscCall(NomosParticleDecoderCreateNamed(s->config, "mls", s->parameters, 2, &s->decoder));
  PetscCall(NomosParametersInitialise(s->parameters, 1));
  PetscCall(NomosParticleStepperFit(s->stepper, s->parameters, &statistics, 3e-4, NULL, NULL));
  PetscCall(NomosTapeCreate(&s->tape));
  (void)NomosTapeSetRecording(s->tape, false);
  for (size_t k = 0; k < HISTORY; k++)
    for (size_t i = 0; i < 2 * POINTS; i++) s->x[k][i] = 0.5 - 0.5 * side + side * fmod((double)(i / 2 + 1) * ratio[i % 2], 1) + (double)k * frame * velocity[i % 2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SurrogateDestroy(Surrogate *s)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTapeDestroy(&s->tape));
  PetscCall(NomosParticleDecoderDestroy(&s->decoder));
  PetscCall(NomosParticleStepperDestroy(&s->stepper));
  PetscCall(NomosParametersDestroy(&s->parameters));
  PetscCall(NomosConfigDestroy(&s->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From six positions of the points to the next one, the graph included; always from the same ones. */
static PetscErrorCode SurrogateStep(Surrogate *s)
{
  const NomosParticleSets sets = {.n = POINTS, .n_sets = 1, .first = (size_t[]){0, POINTS}, .kind = s->kind};
  double                  mean[3], deviation[3];
  NomosTensor             history[HISTORY];

  PetscFunctionBeginUser;
  PetscCall(NomosTapeReset(s->tape));
  PetscCall(NomosParametersBind(s->parameters, s->tape, s->w));
  for (size_t k = 0; k < HISTORY; k++) history[k] = NomosTensorFromDoubles(s->tape, NOMOS_REAL, 2, (size_t[]){POINTS, 2}, s->x[k]);
  PetscCall(NomosTensorGetDoubles(NomosParticleStepperAcceleration(s->stepper, s->w, &sets, history), s->next));
  PetscCall(NomosParticleStepperUnits(s->stepper, s->parameters, mean, deviation));
  for (size_t i = 0; i < 2 * POINTS; i++) s->next[i] = 2 * s->x[HISTORY - 1][i] - s->x[HISTORY - 2][i] + mean[i % 2] + deviation[i % 2] * s->next[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the corrected coarse simulation */

typedef struct {
  MpmRun                 run;
  NomosConfig            config;
  NomosParameters        parameters;
  NomosTwin              twin;
  NomosCorrectionNetwork network;
  NomosTape              tape;
  NomosTensor           *w;
  double                *state;
} Corrected;

static PetscErrorCode CorrectedCreate(const char directory[], const char material[], size_t lattice, size_t cells, Corrected *c)
{
  NomosCorrectionShape shape = {0};

  PetscFunctionBeginUser;
  memset(c, 0, sizeof *c);
  PetscCall(Simulate(directory, material, lattice, cells, &c->run));
  c->twin = (NomosTwin){.model = c->run.model, .config = c->run.config};
  PetscCall(NomosTwinPrepare(&c->twin));
  PetscCall(PetscMalloc1(c->twin.n * c->twin.n_entries, &c->state));
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &c->config));
  PetscCall(NomosConfigSet(c->config, "particle_correction.reach=0"));
  PetscCall(NomosConfigSet(c->config, "particle_correction.transfer=2"));
  PetscCall(NomosConfigRegister(c->config, NomosSurrogateOps_ParticleCorrection.n_params, NomosSurrogateOps_ParticleCorrection.params));
  PetscCall(NomosCorrectionReadShape(c->config, &shape));
  PetscCall(NomosCorrectionReadGrid(&c->twin, &shape));
  PetscCall(NomosParametersCreate(NOMOS_REAL, &c->parameters));
  shape.parameters = c->parameters;
  PetscCall(NomosCorrectionNetworkCreate(&shape, &c->network));
  PetscCall(NomosTransferCreate(&shape, c->twin.n, &c->twin.transfer));
  PetscCall(NomosParametersInitialise(c->parameters, 1));
  PetscCall(PetscMalloc1(NomosParametersCount(c->parameters), &c->w));
  PetscCall(NomosTapeCreate(&c->tape));
  (void)NomosTapeSetRecording(c->tape, false);
  PetscCall(NomosTwinGet(&c->twin, c->state));
  PetscCall(NomosCorrectionCountParticles(&c->network.shape, c->state, &c->twin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CorrectedDestroy(Corrected *c)
{
  PetscFunctionBeginUser;
  c->twin.model  = NULL; /* the run's */
  c->twin.config = NULL;
  PetscCall(NomosTwinDestroy(&c->twin));
  PetscCall(NomosCorrectionNetworkDestroy(&c->network));
  PetscCall(NomosTapeDestroy(&c->tape));
  PetscCall(PetscFree(c->w));
  PetscCall(PetscFree(c->state));
  PetscCall(NomosParametersDestroy(&c->parameters));
  PetscCall(NomosConfigDestroy(&c->config));
  PetscCall(MpmRunDestroy(&c->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CorrectedFrame(Corrected *c)
{
  PetscFunctionBeginUser;
  for (int k = 0; k < CORRECTIONS; k++) {
    PetscCall(MpmRunSteps(&c->run, STEPS / 2 / CORRECTIONS));
    PetscCall(NomosTwinGet(&c->twin, c->state));
    PetscCall(NomosCorrectionCorrect(&c->network, c->tape, c->w, &c->twin, c->state));
    PetscCall(NomosTwinPut(&c->twin, c->state));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- all of them by turns */

typedef enum { SIMULATION, STEP, DECODING, CORRECTED, RATIO, RATIO_CFL, RATIO_CORRECTED, RATIO_TO_CORRECTED, N_NUMBERS } Number;

typedef struct {
  size_t n, cells;
  double setup, median[N_NUMBERS]; /* ms */
} Row;

typedef struct {
  MpmRun                   run;
  Surrogate               *surrogate;
  Corrected                corrected;
  NomosParticleDecoderPlan plan;
  double                  *X, *x;
} Bench;

/* A frame of each; ms */
static PetscErrorCode Pair(Bench *b, double ms[])
{
  double t[CORRECTED + 2];

  PetscFunctionBeginUser;
  t[SIMULATION] = Now();
  PetscCall(MpmRunSteps(&b->run, STEPS));
  t[STEP] = Now();
  PetscCall(SurrogateStep(b->surrogate));
  t[DECODING] = Now();
  PetscCall(NomosParticleDecoderEvaluate(b->plan, b->surrogate->next, b->x));
  t[CORRECTED] = Now();
  PetscCall(CorrectedFrame(&b->corrected));
  t[CORRECTED + 1] = Now();
  for (int i = 0; i <= CORRECTED; i++) ms[i] = 1e3 * (t[i + 1] - t[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(Bench *b, Row *row)
{
  double ms[N_NUMBERS], values[N_NUMBERS][PAIRS];

  PetscFunctionBeginUser;
  PetscCall(Pair(b, ms)); /* memory is touched */
  for (int k = 0; k < PAIRS; k++) {
    PetscCall(Pair(b, ms));
    ms[RATIO]              = ms[SIMULATION] / (ms[STEP] + ms[DECODING]);
    ms[RATIO_CFL]          = ms[RATIO] * DATA_STEPS / STEPS * (double)row->cells / DATA_NODES;
    ms[RATIO_CORRECTED]    = ms[SIMULATION] / ms[CORRECTED];
    ms[RATIO_TO_CORRECTED] = ms[CORRECTED] / (ms[STEP] + ms[DECODING]);
    for (int i = 0; i < N_NUMBERS; i++) values[i][k] = ms[i];
  }
  for (int i = 0; i < N_NUMBERS; i++) row->median[i] = Median(values[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureSize(const char directory[], const char material[], size_t lattice, Surrogate *surrogate, Row *row)
{
  Bench b = {.surrogate = surrogate};

  PetscFunctionBeginUser;
  *row = (Row){.n = lattice * lattice, .cells = lattice / 2};
  PetscCall(Simulate(directory, material, lattice, row->cells, &b.run));
  PetscCall(CorrectedCreate(directory, material, lattice / 4, row->cells / 2, &b.corrected));
  PetscCall(PetscMalloc2(2 * row->n, &b.X, 2 * row->n, &b.x));
  for (size_t i = 0; i < 2 * row->n; i++) b.X[i] = MpmRunEntry(&b.run, i % 2, i / 2);
  const double start = Now();
  PetscCall(NomosParticleDecoderPlanCreate(surrogate->decoder, &(NomosParticleReference){.d = 2, .n_sparse = POINTS, .n_points = row->n, .Y = surrogate->x[0], .X = b.X}, &b.plan));
  PetscCall(NomosParticleDecoderFreeze(b.plan, surrogate->parameters));
  row->setup = 1e3 * (Now() - start);
  PetscCall(Measure(&b, row));
  PetscCall(NomosParticleDecoderPlanDestroy(&b.plan));
  PetscCall(PetscFree2(b.X, b.x));
  PetscCall(CorrectedDestroy(&b.corrected));
  PetscCall(MpmRunDestroy(&b.run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where the ratio is one, on a line through the logarithms of two sizes. */
static void PrintBreakEven(size_t n_rows, const Row rows[], Number ratio, const char what[])
{
  printf("  %s: ", what);
  for (size_t i = 0; i + 1 < n_rows; i++) {
    const double low = log(rows[i].median[ratio]), high = log(rows[i + 1].median[ratio]);
    if (low <= 0 && high > 0) {
      printf("break-even at %.2g particles\n", exp(log((double)rows[i].n) - low / (high - low) * log((double)rows[i + 1].n / (double)rows[i].n)));
      return;
    }
  }
  if (rows[0].median[ratio] > 1) printf("break-even below %zu particles\n", rows[0].n);
  else printf("break-even above %zu particles\n", rows[n_rows - 1].n);
}

static PetscErrorCode Run(const char directory[], size_t n, const double sizes[])
{
  Surrogate *surrogate;
  Row        rows[MOST_SIZES];

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&surrogate));
  PetscCall(SurrogateCreate(surrogate));
  printf("a frame of %d steps of N particles, against a learned step of %d points and all particles by mls; %s, %d threads, medians of %d\n", STEPS, POINTS, NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", omp_get_max_threads(), PAIRS);
  printf("%-6s %10s %6s %12s %10s %10s %8s %16s %14s %12s %8s\n", "", "particles", "nodes", "mpm frame ms", "step ms", "decode ms", "ratio", "at fixed CFL", "set-up ms", "corrected ms", "ratio");
  for (size_t m = 0; m < sizeof materials / sizeof *materials; m++) {
    for (size_t i = 0; i < n; i++) {
      const Row *r = &rows[i];
      PetscCall(MeasureSize(directory, materials[m].text, 4 * (size_t)llround(sqrt(sizes[i]) / 4), surrogate, &rows[i]));
      printf("%-6s %10zu %6zu %12.2f %10.2f %10.3f %8.2f %16.2f %14.1f %12.2f %8.2f\n", materials[m].name, r->n, r->cells, r->median[SIMULATION], r->median[STEP], r->median[DECODING], r->median[RATIO], r->median[RATIO_CFL], r->setup, r->median[CORRECTED], r->median[RATIO_CORRECTED]);
      fflush(stdout);
    }
    PrintBreakEven(n, rows, RATIO, "frames of ten steps");
    PrintBreakEven(n, rows, RATIO_CFL, "at fixed CFL");
    PrintBreakEven(n, rows, RATIO_TO_CORRECTED, "frames of ten steps, against the corrected coarse simulation");
  }
  PetscCall(SurrogateDestroy(surrogate));
  PetscCall(PetscFree(surrogate));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  double sizes[MOST_SIZES] = {1e4, 1e5, 1e6};
  size_t n                 = 3;
  char   directory[]       = "/tmp/nomos_bench_XXXXXX", command[64];

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  PetscCheck(mkdtemp(directory), PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", directory);
  PetscCall(NomosLawRegister(nomos_laws));
  if (argc > 1)
    for (n = 0; n + 1 < (size_t)argc && n < MOST_SIZES; n++) sizes[n] = PetscMax(1000, atof(argv[n + 1]));
  PetscCall(Run(directory, n, sizes));
  snprintf(command, sizeof command, "rm -rf %s", directory);
  PetscCheck(!system(command), PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s", directory);
  PetscCall(NomosErrorHandlerPop());
  PetscCall(PetscFinalize());
  return 0;
}
