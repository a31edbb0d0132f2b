/* What a trained emulator is worth beside the solver: time of one thread for a trajectory at equal error. The truth is the test set of the training's run, made by the solver on a fine grid and averaged; the emulator
   runs freely from the first frame, alone and 32 trajectories at once; the solver has coarser grids and longer substeps, and of those whose mean error over the set, or over the trajectories of one value of the parameter, is not
   above the emulator's the fastest counts. Its coarse states are read as linear within cells, limited. nRMSE as everywhere: mean over frames and trajectories of |e|/|u| on the grid of the data.

   usage: bench_emulator_against_solver RUN [set [finer]]   OMP_NUM_THREADS=1; RUN: a training of an emulator of a family of grid_pde with one field along one axis and one parameter, periodic, from states of
   initial.type = sines (cases/surrogate/{burgers,advection}_fno_*); set: unseen; finer: cells of a grid to say how far the truth itself is from another one (1024). Without RUN it says so and ends. */
#include "operators/real.h"
#include "cases/train.h"
#include "solvers/grid_pde/grid_pde.h"
#include "surrogates/operators/neural_operator_impl.h"
#include "surrogates/surrogate_list.h"
#include "timing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { REPETITIONS = 7, BATCH = 32, MAX_CELLS = 1 << 14 };

static const int cells[] = {8, 16, 32, 64, 128};
static const struct {
  const char *scheme;
  double      cfl;
} steps[] = {{"auto", 0.4}, {"auto", 0.8}, {"ssp_rk2", 0.4}, {"ssp_rk2", 0.8}};
enum { N_CELLS = sizeof cells / sizeof *cells, N_STEPS = sizeof steps / sizeof *steps };

/* ---- the solver */

typedef struct {
  NomosConfig config;
  NomosModel  model;
  size_t      n, n_parameters, parameter;
  double     *values; /* of its parameters */
} Solver;

static PetscErrorCode SolverCreate(const NomosNeuralOperator *no, size_t nx, const char scheme[], double cfl, Solver *s)
{
  const NomosModelOps       *ops = &NomosModelOps_GridPde;
  const NomosModelParameter *list;
  const char                *key = no->parameter_keys[0];
  char                       settings[9][128] = {"solver=grid_pde", "time.stop=1", "initial.type=sines"};

  PetscFunctionBeginUser;
  snprintf(settings[3], sizeof settings[3], "grid_pde.family=%.*s", (int)strcspn(key, "."), key);
  snprintf(settings[4], sizeof settings[4], "grid_pde.nx=%zu", nx);
  snprintf(settings[5], sizeof settings[5], "grid_pde.lx=%.17g", no->extent[0]);
  snprintf(settings[6], sizeof settings[6], "time.dt=%.17g", no->interval);
  snprintf(settings[7], sizeof settings[7], "time.scheme=%s", scheme);
  snprintf(settings[8], sizeof settings[8], "grid_pde.cfl=%.17g", cfl);
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &s->config));
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) PetscCall(NomosConfigSet(s->config, settings[i]));
  PetscCall(NomosConfigSetNondimensional(s->config, true));
  PetscCall(NomosConfigRegister(s->config, nomos_n_run_params, nomos_run_params));
  PetscCall(NomosConfigRegister(s->config, ops->n_params, ops->params));
  PetscCall(ops->declare(s->config));
  PetscCall(NomosConfigCheck(s->config));
  PetscCall(NomosModelCreate(PETSC_COMM_SELF, ops, s->config, &s->model));
  PetscCall(ops->derivatives->state_size(s->model, &s->n));
  PetscCheck(s->n == nx, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: a family of one field is wanted", key);
  PetscCall(ops->derivatives->parameters(s->model, &s->n_parameters, &list));
  PetscCall(PetscMalloc1(s->n_parameters, &s->values));
  s->parameter = s->n_parameters;
  for (size_t i = 0; i < s->n_parameters; i++) {
    s->values[i] = list[i].value;
    if (!strcmp(list[i].param->key, key)) s->parameter = i;
  }
  PetscCheck(s->parameter < s->n_parameters, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s is no coefficient of grid_pde", key);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolverDestroy(Solver *s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(s->values));
  PetscCall(NomosModelDestroy(&s->model));
  PetscCall(NomosConfigDestroy(&s->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* frames (n_steps, n) from `first`. */
static PetscErrorCode SolverRun(Solver *s, double lambda, const double first[], size_t n_steps, double frames[])
{
  const NomosModelDerivatives *ops = s->model->ops->derivatives;

  PetscFunctionBeginUser;
  s->values[s->parameter] = lambda;
  PetscCall(ops->set_parameters(s->model, s->values));
  PetscCall(ops->set_state(s->model, first));
  for (size_t k = 0; k < n_steps; k++) {
    PetscCall(s->model->ops->step(s->model));
    PetscCall(ops->get_state(s->model, frames + k * s->n));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Average(size_t n, const double from[], size_t every, double to[])
{
  for (size_t i = 0; i < n / every; i++) {
    to[i] = 0;
    for (size_t j = 0; j < every; j++) to[i] += from[i * every + j] / (double)every;
  }
}

static double Mc(double a, double b)
{
  const double c = 0.5 * (a + b);
  return a * b > 0 ? copysign(fmin(fmin(2 * fabs(a), 2 * fabs(b)), fabs(c)), c) : 0;
}

/* Means over n cells as means over `wanted` ones, periodic. */
static void Regrid(size_t n, const double from[], size_t wanted, double to[])
{
  if (n >= wanted) {
    Average(n, from, n / wanted, to);
    return;
  }
  const size_t parts = wanted / n;
  for (size_t i = 0; i < n; i++) {
    const double slope = Mc(from[i] - from[(i + n - 1) % n], from[(i + 1) % n] - from[i]);
    for (size_t j = 0; j < parts; j++) to[i * parts + j] = from[i] + slope * (((double)j + 0.5) / (double)parts - 0.5);
  }
}

/* ---- a set, and what is measured on it */

typedef struct {
  NomosSurrogate       surrogate;
  NomosNeuralOperator *no;
  NomosDataset         dataset;
  NomosTrajectories    truth;
  NomosJudgement       judgement;
  size_t               fine;       /* cells of the grid of the truth */
  double              *states;     /* (n, fine) initial ones */
  double               seconds[2]; /* of a trajectory by the emulator: alone, and in a batch */
  double              *errors, *solver_seconds; /* (N_CELLS, N_STEPS, n) */
} Bench;

/* From the attributes of the file: cells, and the seeds of the initial states, from which these are made again and compared with the first frames. */
static PetscErrorCode InitialStates(Bench *b)
{
  NomosFieldReader reader;
  const char      *file;
  char            *scheme, *seed;
  Solver           solver;
  const size_t     n = b->truth.n, points = b->no->n_points;

  PetscFunctionBeginUser;
  PetscCall(NomosDatasetOrigin(b->dataset, NOMOS_SPLIT_TRAIN, 0, NULL, &file, NULL));
  PetscCall(NomosFieldReaderOpen(PETSC_COMM_SELF, file, &reader));
  PetscCall(NomosFieldReaderAttribute(reader, NULL, "scheme", &scheme));
  PetscCall(NomosFieldReaderAttribute(reader, NULL, "first_seed", &seed));
  PetscCall(NomosFieldReaderClose(&reader));
  const char *const comma = scheme ? strchr(scheme, ',') : NULL;
  PetscCheck(comma && seed, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: no attributes scheme and first_seed: a set that a sweep of grid_pde made is wanted", file);
  b->fine = strtoul(comma + 1, NULL, 10);
  PetscCheck(b->fine >= points && b->fine % points == 0 && b->fine <= MAX_CELLS, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: %zu points of %zu cells", file, points, b->fine);
  PetscCall(SolverCreate(b->no, b->fine, "auto", 0.4, &solver));
  PetscCall(PetscMalloc1(n * b->fine, &b->states));
  for (size_t i = 0; i < n; i++) {
    double means[MAX_CELLS];
    solver.model->seed = (uint64_t)strtod(seed, NULL) + i;
    PetscCall(solver.model->ops->initialise(solver.model));
    PetscCall(solver.model->ops->derivatives->get_state(solver.model, b->states + i * b->fine));
    Average(b->fine, b->states + i * b->fine, b->fine / points, means);
    for (size_t x = 0; x < points; x++) PetscCheck(fabs(means[x] - b->truth.states[i * points + x]) < 1e-5, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s: trajectory %zu does not begin with the sines of its seed", file, i);
  }
  PetscCall(SolverDestroy(&solver));
  PetscCall(PetscFree(scheme));
  PetscCall(PetscFree(seed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TimeEmulator(Bench *b, size_t n, double *seconds)
{
  NomosTrajectories t;
  size_t            examples[BATCH];
  double           *predictions;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n; i++) examples[i] = i;
  PetscCall(NomosTrajectoriesRead(b->surrogate, &(NomosTrajectoriesInput){.dataset = b->dataset, .split = NOMOS_SPLIT_TRAIN, .n = n, .examples = examples}, &t));
  PetscCall(PetscMalloc1((t.n_frames - 1) * n * b->no->size, &predictions));
  *seconds = DBL_MAX;
  for (int r = 0; r < 2 * REPETITIONS; r++) {
    const double start = Now();
    PetscCall(NomosNeuralOperatorPredict(b->surrogate, NOMOS_PREDICTOR_EMULATOR, &t, predictions));
    *seconds = fmin(*seconds, (Now() - start) / (double)n);
  }
  PetscCall(PetscFree(predictions));
  PetscCall(NomosTrajectoriesFree(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* nRMSE and the least seconds (may be NULL) of every trajectory by one grid and step. */
static PetscErrorCode Measure(Bench *b, size_t nx, const char scheme[], double cfl, double errors[], double seconds[])
{
  const size_t points = b->no->n_points, n = b->truth.n, n_steps = b->truth.n_frames - 1;
  Solver       s;
  double      *first, *frames, *means;

  PetscFunctionBeginUser;
  PetscCall(SolverCreate(b->no, nx, scheme, cfl, &s));
  PetscCall(PetscMalloc3(nx, &first, n_steps * nx, &frames, points, &means));
  for (size_t i = 0; i < n; i++) {
    double least = DBL_MAX;
    if (nx <= b->fine) Average(b->fine, b->states + i * b->fine, b->fine / nx, first);
    else Regrid(b->fine, b->states + i * b->fine, nx, first);
    for (int r = 0; r < (seconds ? REPETITIONS : 1); r++) {
      const double start = Now();
      PetscCall(SolverRun(&s, b->truth.parameters[i], first, n_steps, frames));
      least = fmin(least, Now() - start);
    }
    if (seconds) seconds[i] = least;
    errors[i] = 0;
    for (size_t k = 0; k < n_steps; k++) {
      const double *u = b->truth.states + ((k + 1) * n + i) * points;
      double        squares = 0, norm = 0;
      Regrid(nx, frames + k * nx, points, means);
      for (size_t x = 0; x < points; x++) {
        squares += pow(means[x] - u[x], 2);
        norm += u[x] * u[x];
      }
      errors[i] += sqrt(squares / norm) / (double)n_steps;
    }
  }
  PetscCall(PetscFree3(first, frames, means));
  PetscCall(SolverDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the table */

/* Mean over the trajectories of a value of the parameter; NaN: of all. */
static double Mean(const Bench *b, double lambda, const double values[])
{
  double sum = 0, count = 0;

  for (size_t i = 0; i < b->truth.n; i++)
    if (isnan(lambda) || b->truth.parameters[i] == lambda) {
      sum += values[i];
      count++;
    }
  return sum / count;
}

static void Row(const Bench *b, double lambda, const double emulator[])
{
  const double wanted = Mean(b, lambda, emulator);
  int          best   = -1;
  char         label[32] = "all", solver[32] = "none";

  for (int k = 0; k < N_CELLS * N_STEPS; k++) {
    const size_t at = (size_t)k * b->truth.n;
    if (Mean(b, lambda, b->errors + at) <= wanted && (best < 0 || Mean(b, lambda, b->solver_seconds + at) < Mean(b, lambda, b->solver_seconds + (size_t)best * b->truth.n))) best = k;
  }
  if (!isnan(lambda)) snprintf(label, sizeof label, "%g", lambda);
  if (best >= 0) snprintf(solver, sizeof solver, "%d, %s, cfl %g", cells[best / N_STEPS], steps[best % N_STEPS].scheme, steps[best % N_STEPS].cfl);
  const double seconds = best < 0 ? NAN : Mean(b, lambda, b->solver_seconds + (size_t)best * b->truth.n), error = best < 0 ? NAN : Mean(b, lambda, b->errors + (size_t)best * b->truth.n);
  printf("%-8s %10.3g %10.0f %10.0f   %-22s %10.3g %10.1f %10.3g %10.3g\n", label, wanted, 1e6 * b->seconds[0], 1e6 * b->seconds[1], solver, error, 1e6 * seconds, b->seconds[0] / seconds, b->seconds[1] / seconds);
}

static PetscErrorCode Report(Bench *b, size_t finer)
{
  const size_t n = b->truth.n;
  double      *emulator, *errors, *seconds;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n, &emulator, n, &errors, n, &seconds));
  for (size_t i = 0; i < n; i++) emulator[i] = NomosJudgementOfTrajectory(&b->judgement, NOMOS_PREDICTOR_EMULATOR, i);
  printf("%zu trajectories of %zu frames; us a trajectory of one thread; ratio: emulator over solver, above 1 the solver is faster\n%-8s %10s %10s %10s   %-22s %10s %10s %10s %10s\n", n, b->truth.n_frames - 1, b->no->variables[1].name, "emulator", "us, alone",
         "us, of 32", "solver: cells, step", "nRMSE", "us", "ratio", "of 32");
  for (size_t i = 0; i < n; i++) {
    bool before = false;
    for (size_t j = 0; j < i; j++) before = before || b->truth.parameters[j] == b->truth.parameters[i];
    if (!before) Row(b, b->truth.parameters[i], emulator);
  }
  Row(b, NAN, emulator);
  for (int c = 0; c < N_CELLS; c++) printf("solver on %d cells as the truth was made: nRMSE %.3g, %.1f us\n", cells[c], Mean(b, NAN, b->errors + (size_t)c * N_STEPS * n), 1e6 * Mean(b, NAN, b->solver_seconds + (size_t)c * N_STEPS * n));
  PetscCall(Measure(b, b->fine, "auto", 0.4, errors, seconds));
  printf("the truth made again, on %zu cells: %.1f us\n", b->fine, 1e6 * Mean(b, NAN, seconds));
  PetscCall(Measure(b, finer, "auto", 0.4, errors, NULL));
  printf("on %zu cells it differs from the truth by nRMSE %.3g\n", finer, Mean(b, NAN, errors));
  PetscCall(PetscFree3(emulator, errors, seconds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Run(const char run[], const char set[], size_t finer)
{
  Bench                    b = {0};
  NomosCaseFile            file;
  NomosConfig              config;
  const NomosSurrogateOps *ops;
  const char              *maker;
  char                     data[NOMOS_MAX_PATH] = "", weights[2 * NOMOS_MAX_PATH];
  size_t                  *examples;

  PetscFunctionBeginUser;
  PetscCall(NomosCaseFind(PETSC_COMM_SELF, run, &file));
  PetscCall(NomosTrainingCaseLoad(PETSC_COMM_SELF, &(NomosCaseInput){.path = file.path}, nomos_surrogates, &config, &ops));
  PetscCheck(file.is_run && ops == &NomosSurrogateOps_NeuralOperator, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: a run directory of nomos train with surrogate: neural_operator is wanted", run);
  PetscCall(NomosTrainDataMaker(ops, config, &maker));
  if (maker[0]) PetscCall(NomosTrainFindData(PETSC_COMM_SELF, ops, config, file.directory, data));
  PetscCall(NomosSurrogateCreate(&(NomosSurrogateInput){.comm = PETSC_COMM_SELF, .ops = ops, .config = config, .data_path = data[0] ? data : NULL}, &b.surrogate));
  snprintf(weights, sizeof weights, "%s/weights.safetensors", file.directory);
  PetscCall(NomosSurrogateLoadWeights(b.surrogate, weights));
  b.no = b.surrogate->context;
  PetscCheck(b.no->shape.n_space == 1 && b.no->n_fields == 1 && b.no->n_parameters == 1 && b.no->shape.periodic && !b.no->normalised, PETSC_COMM_SELF, PETSC_ERR_SUP, "%s: one field along one axis, periodic and in the units of the data, and one parameter are wanted", run);
  for (size_t i = 0; i < b.no->n_sets; i++)
    if (!strcmp(b.no->sets[i].name, set)) b.dataset = b.no->sets[i].dataset;
  PetscCheck(b.dataset, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s has no test set %s", run, set);
  const size_t n = NomosDatasetExamples(b.dataset, NOMOS_SPLIT_TRAIN);
  PetscCheck(n >= BATCH, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the set %s has %zu trajectories, and a batch is of %d", set, n, BATCH);
  PetscCall(PetscMalloc3(n, &examples, N_CELLS * N_STEPS * n, &b.errors, N_CELLS * N_STEPS * n, &b.solver_seconds));
  for (size_t i = 0; i < n; i++) examples[i] = i;
  PetscCall(NomosTrajectoriesRead(b.surrogate, &(NomosTrajectoriesInput){.dataset = b.dataset, .split = NOMOS_SPLIT_TRAIN, .n = n, .examples = examples}, &b.truth));
  PetscCall(InitialStates(&b));
  PetscCall(NomosNeuralOperatorJudge(b.surrogate, &(NomosJudgementInput){.comm = PETSC_COMM_SELF, .dataset = b.dataset, .split = NOMOS_SPLIT_TRAIN}, &b.judgement));
  PetscCall(TimeEmulator(&b, 1, &b.seconds[0]));
  PetscCall(TimeEmulator(&b, BATCH, &b.seconds[1]));
  for (int k = 0; k < N_CELLS * N_STEPS; k++) PetscCall(Measure(&b, (size_t)cells[k / N_STEPS], steps[k % N_STEPS].scheme, steps[k % N_STEPS].cfl, b.errors + (size_t)k * n, b.solver_seconds + (size_t)k * n));
  PetscCall(Report(&b, finer));
  PetscCall(NomosJudgementFree(&b.judgement));
  PetscCall(NomosTrajectoriesFree(&b.truth));
  PetscCall(PetscFree(b.states));
  PetscCall(PetscFree3(examples, b.errors, b.solver_seconds));
  PetscCall(NomosSurrogateDestroy(&b.surrogate));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscErrorCode code = PETSC_SUCCESS;

  if (NOMOS_REAL == NOMOS_F32) return 0; /* the precision is that of the weights and of the solver */
  if (argc < 2) {
    printf("bench_emulator_against_solver needs a run of nomos train surrogate/burgers_fno_attention\n");
    return 0;
  }
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  code = Run(argv[1], argc > 2 ? argv[2] : "unseen", argc > 3 ? strtoul(argv[3], NULL, 10) : 1024);
  PetscCall(NomosErrorHandlerPop());
  if (!code) PetscCall(PetscFinalize());
  return code != PETSC_SUCCESS;
}
