/* A solver inside a network: the same as the solver's own run, with derivatives. */
#include "cases/train.h"
#include "operators/operator_check.h"
#include "operators/primitives.h"
#include "solvers/solver_list.h"
#include "surrogates/operators/coarse_solver.h"
#include "tests/harness.h"

#include <omp.h>

/* No kinks of limiters, and as many substeps whatever the state is: where derivatives are compared with differences. */
static const char burgers[]  = "case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: burgers, nx: 16, limiter: central, substeps: 3}\nburgers: {nu: 0.05}\ntime: {dt: 0.025, stop: 1}\n";
static const char reacting[] = "case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: diffusion_reaction, dimensions: 2, nx: 4, ny: 5, substeps: 2}\ntime: {dt: 0.02, stop: 1}\n";
static const char gas[]      = "case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: compressible, nx: 16, limiter: central, substeps: 3}\ncompressible: {gamma: 1.4, eta: 0.02, zeta: 0.01}\ninitial: {density: 1, pressure: 1}\ntime: {dt: 0.01, stop: 1}\n";
static const char water[]    = "case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: shallow_water, dimensions: 2, nx: 4, ny: 5, limiter: central, substeps: 2}\ninitial: {h: 1}\ntime: {dt: 0.01, stop: 1}\n";

enum { N = 16, BATCH = 3 };
static const char *const nu[]            = {"burgers.nu"};
static const double      viscosity[BATCH] = {0.02, 0.3, 0.05};

typedef struct {
  NomosProgram            program;
  NomosSurrogateOps       ops;
  struct NomosSurrogate_s surrogate;
  char                    path[NOMOS_MAX_PATH];
  NomosCoarseSolverInput  input;
} Try;

static void Begin(const char name[], const char text[], Try *try)
{
  *try = (Try){.program = {.comm = PETSC_COMM_WORLD, .models = nomos_solvers}, .ops = {.name = "network"}};
  snprintf(try->path, sizeof try->path, "%.2000s/%s.yaml", ck_directory, name);
  FILE *file = fopen(try->path, "w");
  fputs(text, file);
  fclose(file);
  try->surrogate = (struct NomosSurrogate_s){.ops = &try->ops, .comm = PETSC_COMM_WORLD, .data_path = "", .simulate = NomosTrainSimulate, .simulate_context = &try->program};
  try->input     = (NomosCoarseSolverInput){.path = try->path, .n_fields = 1, .n_points = N, .n_parameters = 1, .parameters = nu, .interval = 0.05};
}

static NomosCoarseSolver Create(Try *try)
{
  NomosCoarseSolver solver;
  ck_ok(NomosCoarseSolverCreate(&try->surrogate, &try->input, &solver));
  return solver;
}

static void States(size_t n, double u[])
{
  for (size_t i = 0; i < n; i++) u[i] = 0.3 + sin(0.9 * (double)i) + 0.4 * cos(2.3 * (double)i);
}

/* The model's own run with these parameters, in place. */
static void RunAlone(Try *try, double parameter, int n_steps, double u[])
{
  NomosModel  model;
  NomosConfig config;
  char        set[64];

  snprintf(set, sizeof set, "burgers.nu=%.17g", parameter);
  ck_ok(NomosTrainSimulate(&try->surrogate, &(NomosSimulation){.path = try->path, .n_set = 1, .set = (const char *const[]){set}}, &model, &config));
  ck_ok(model->ops->derivatives->set_state(model, u));
  for (int i = 0; i < n_steps; i++) ck_ok(model->ops->step(model));
  ck_ok(model->ops->derivatives->get_state(model, u));
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}

/* Two steps to an interval; each example has its parameter, in whatever order and company. */
START_TEST(test_is_the_run)
{
  double            u[BATCH * N], alone[BATCH * N], b[BATCH * N];
  float             single[BATCH * N];
  NomosCoarseSolver solver;
  NomosTape         tape;
  Try               try;

  Begin("burgers", burgers, &try);
  solver = Create(&try);
  ck_assert_int_eq(NomosCoarseSolverSteps(solver), 2);
  States(BATCH * N, u);
  memcpy(alone, u, sizeof alone);
  for (int i = 0; i < BATCH; i++) RunAlone(&try, viscosity[i], 2, alone + i * N);
  ck_ok(NomosTapeCreate(&tape));
  NomosTensor x = NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){BATCH, 1, N}, u), y = NomosCoarseSolverStep(solver, x, viscosity);
  ck_ok(NomosTensorGetDoubles(y, b));
  ck_assert(!memcmp(b, alone, sizeof b));
  ck_assert_int_eq(NomosTensorDims(y, &(const size_t *){NULL}), 3);
  y = NomosCoarseSolverStep(solver, NomosSlice(x, 0, 1, 1, 1), viscosity + 1); /* a view, of one example */
  ck_ok(NomosTensorGetDoubles(y, b));
  ck_assert(!memcmp(b, alone + N, sizeof *b * N));
  for (int i = 0; i < BATCH * N; i++) single[i] = (float)u[i];
  y = NomosCoarseSolverStep(solver, NomosTensorCreate(tape, NOMOS_F32, 3, (size_t[]){BATCH, 1, N}, single), viscosity);
  ck_assert_int_eq(NomosTensorType(y), NOMOS_F32);
  ck_ok(NomosTensorGetDoubles(y, b));
  for (int i = 0; i < BATCH * N; i++) ck_assert_double_le(fabs(b[i] - alone[i]), 3e-7 * fmax(1, fabs(alone[i])));
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

static void CheckDerivatives(NomosCoarseSolver solver, size_t batch, const double *const in[], double step)
{
  NomosOperator       op;
  NomosOperatorReport report;

  ck_ok(NomosCoarseSolverOperator(solver, batch, &op));
  ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = in, .scale = (const double *const[]){NULL, in[1]}, .seed = 5, .n_directions = 3, .step = step}, &report));
  ck_assert_double_lt(report.transposition, 1e-12);
  ck_assert_double_lt(report.linearity, 1e-12);
  ck_assert_double_gt(report.order[1], 1.95);
  if (!op->ops->hvp) return;
  ck_assert_double_gt(report.order[2], 2.9);
  ck_assert_double_lt(report.symmetry, 1e-10);
}

/* By states and by parameters; of one field, and of two in two dimensions, in the data's order. */
START_TEST(test_derivatives)
{
  double            u[BATCH * N], two[2 * 2 * 20];
  NomosCoarseSolver solver;
  Try               try;

  Begin("burgers", burgers, &try);
  solver = Create(&try);
  States(BATCH * N, u);
  CheckDerivatives(solver, BATCH, (const double *const[]){u, viscosity}, 0);
  ck_ok(NomosCoarseSolverDestroy(&solver));
  Begin("reacting", reacting, &try);
  try.input.n_fields     = 2;
  try.input.fields       = (const char *const[]){"v", "u"};
  try.input.n_points     = 20;
  try.input.n_parameters = 0;
  try.input.interval     = 0.06;
  solver                 = Create(&try);
  States(80, two);
  CheckDerivatives(solver, 2, (const double *const[]){two, NULL}, 0);
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

/* Data of a gas and of shallow water have velocities, and pressure; what is stepped is momenta, and energy. */
enum { GAS = 3 * N, WATER = 3 * 20 };
static const char *const gas_fields[] = {"Vx", "density", "pressure"}, *const water_fields[] = {"Vy", "h", "Vx"};
static const char *const gas_parameters[] = {"compressible.eta", "compressible.gamma"};
static const double      gas_values[]     = {0.03, 1.5, 0.01, 5. / 3}; /* of two examples */

/* Fields of n points: w = level + ripple. */
static void Ripples(size_t n_fields, size_t n, const double level[], double w[])
{
  for (size_t f = 0; f < n_fields; f++)
    for (size_t i = 0; i < n; i++) w[f * n + i] = level[f] + 0.1 * sin(0.9 * (double)i + (double)f) + 0.05 * cos(2.3 * (double)i);
}

static void BeginGas(Try *try)
{
  Begin("gas", gas, try);
  try->input.n_fields     = 3;
  try->input.fields       = gas_fields;
  try->input.n_parameters = 2;
  try->input.parameters   = gas_parameters;
  try->input.interval     = 0.02;
}

/* The model's own run of a gas, from primitive variables in the data's order and back, by the formulas. */
static void RunGas(Try *try, const double values[2], double w[GAS])
{
  const double gamma = values[1];
  double       u[GAS], *v = w, *rho = w + N, *p = w + 2 * N;
  NomosModel   model;
  NomosConfig  config;
  char         set[2][64];

  for (int k = 0; k < 2; k++) snprintf(set[k], sizeof set[k], "%s=%.17g", gas_parameters[k], values[k]);
  ck_ok(NomosTrainSimulate(&try->surrogate, &(NomosSimulation){.path = try->path, .n_set = 2, .set = (const char *const[]){set[0], set[1]}}, &model, &config));
  for (int i = 0; i < N; i++) {
    u[i]         = rho[i];
    u[N + i]     = p[i] / (gamma - 1) + rho[i] * v[i] * v[i] / 2;
    u[2 * N + i] = rho[i] * v[i];
  }
  ck_ok(model->ops->derivatives->set_state(model, u));
  for (int step = 0; step < 2; step++) ck_ok(model->ops->step(model));
  ck_ok(model->ops->derivatives->get_state(model, u));
  for (int i = 0; i < N; i++) {
    rho[i] = u[i];
    v[i]   = u[2 * N + i] / u[i];
    p[i]   = (gamma - 1) * (u[N + i] - u[2 * N + i] * v[i] / 2);
  }
  ck_ok(NomosModelDestroy(&model));
  ck_ok(NomosConfigDestroy(&config));
}

START_TEST(test_primitive_is_the_run)
{
  double            w[2 * GAS], alone[2 * GAS], b[2 * GAS];
  NomosCoarseSolver solver;
  NomosTape         tape;
  Try               try;

  BeginGas(&try);
  solver = Create(&try);
  for (int i = 0; i < 2; i++) Ripples(3, N, (const double[]){0.3, 1 + i, 1.5}, w + i * GAS);
  memcpy(alone, w, sizeof alone);
  for (int i = 0; i < 2; i++) RunGas(&try, gas_values + 2 * i, alone + i * GAS);
  ck_ok(NomosTapeCreate(&tape));
  ck_ok(NomosTensorGetDoubles(NomosCoarseSolverStep(solver, NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){2, 3, N}, w), gas_values), b));
  for (int i = 0; i < 2 * GAS; i++) ck_assert_double_le(fabs(b[i] - alone[i]), 1e-13);
  ck_assert_double_gt(fabs(b[0] - w[0]), 1e-3); /* it moves */
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

/* By gamma too, which the primitive variables depend on. */
START_TEST(test_primitive_derivatives)
{
  double            w[2 * GAS], h[2 * WATER];
  NomosCoarseSolver solver;
  Try               try;

  BeginGas(&try);
  solver = Create(&try);
  for (int i = 0; i < 2; i++) Ripples(3, N, (const double[]){0.3, 1 + i, 1.5}, w + i * GAS);
  CheckDerivatives(solver, 2, (const double *const[]){w, gas_values}, 1e-4);
  ck_ok(NomosCoarseSolverDestroy(&solver));
  Begin("water", water, &try);
  try.input.n_fields     = 3;
  try.input.fields       = water_fields;
  try.input.n_points     = 20;
  try.input.n_parameters = 0;
  try.input.interval     = 0.03;
  solver                 = Create(&try);
  for (int i = 0; i < 2; i++) Ripples(3, 20, (const double[]){0.3, 1 + i, -0.2}, h + i * WATER);
  CheckDerivatives(solver, 2, (const double *const[]){h, NULL}, 1e-4);
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

/* Of more cells than one thread takes: the same bits for any number of threads. */
START_TEST(test_primitive_threads)
{
  enum { CELLS = 64 * 64, SIZE = 3 * CELLS };
  static double     w[SIZE], bar[SIZE], ones[SIZE], out[2][2 * SIZE];
  NomosCoarseSolver solver;
  NomosOperator     op;
  Try               try;

  Begin("lake", "case: {units: nondimensional}\nsolver: grid_pde\ngrid_pde: {family: shallow_water, dimensions: 2, nx: 64}\ninitial: {h: 1}\ntime: {dt: 0.01, stop: 1}\n", &try);
  try.input.n_fields     = 3;
  try.input.fields       = water_fields;
  try.input.n_points     = CELLS;
  try.input.n_parameters = 0;
  solver                 = Create(&try);
  NomosModel model       = NomosCoarseSolverModel(solver);
  Ripples(3, CELLS, (const double[]){1, 0.3, -0.2}, w);
  for (int i = 0; i < SIZE; i++) ones[i] = sin(0.1 * i);
  for (int threads = 1; threads <= 2; threads++) {
    double g = 1, *state = out[threads - 1], *given = state + SIZE;
    omp_set_num_threads(threads);
    ck_ok(model->ops->derivatives->primitive_map(model, true, &op));
    ck_ok(NomosOperatorApply(op, (const double *[]){w, &g}, &state));
    memset(bar, 0, sizeof bar);
    ck_ok(NomosOperatorVjp(op, (const double *[]){w, &g}, (const double *[]){ones}, (double *[]){bar, NULL}));
    memcpy(given, bar, sizeof bar);
    ck_ok(NomosOperatorDestroy(&op));
  }
  ck_assert_mem_eq(out[0], out[1], sizeof out[0]);
  ck_assert_double_gt(fabs(out[0][2 * CELLS] - w[2 * CELLS]), 1e-3); /* momentum is not velocity */
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

/* |u''| after two steps of a solver with a correction between them: w tanh(.) of the neighbours, added in flux form. */
static NomosTensor RollOut(NomosCoarseSolver solver, NomosTensor u, NomosTensor w)
{
  for (int step = 0; step < 2; step++) {
    NomosTensor b = NomosCoarseSolverStep(solver, u, viscosity), o = NomosMultiply(w, NomosFunction(NOMOS_TANH, 0, b));
    u = NomosAdd(b, NomosSubtract(NomosRoll(o, -1, 1), o));
  }
  return NomosSumAll(NomosPower(u, 2));
}

/* The gradient through both steps against central differences, and the sums that the correction keeps. */
START_TEST(test_gradient_through_steps)
{
  const double      h = 1e-4;
  double            u[BATCH * N], w0 = 0.2, w_bar, u_bar[BATCH * N], J[4];
  NomosCoarseSolver solver;
  NomosTape         tape;
  Try               try;

  Begin("burgers", burgers, &try);
  solver = Create(&try);
  States(BATCH * N, u);
  ck_ok(NomosTapeCreate(&tape));
  NomosTensor x[2] = {NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){BATCH, 1, N}, u), NomosTensorConstant(tape, NOMOS_F64, 0, NULL, w0)}, bar[2];
  ck_ok(NomosGradient(&(NomosGradientInput){.y = RollOut(solver, x[0], x[1]), .n = 2, .x = x}, bar));
  ck_ok(NomosTensorGetDoubles(bar[0], u_bar));
  ck_ok(NomosTensorGetScalar(bar[1], &w_bar));
  for (int of_u = 0; of_u < 2; of_u++) {
    const size_t at = N + 5;
    for (int k = 0; k < 4; k++) {
      const double step = h * (k % 2 ? 1 : -1) * (k < 2 ? 1 : 2);
      ck_ok(NomosTapeReset(tape));
      u[at] += of_u ? step : 0;
      ck_ok(NomosTensorGetScalar(RollOut(solver, NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){BATCH, 1, N}, u), NomosTensorConstant(tape, NOMOS_F64, 0, NULL, w0 + (of_u ? 0 : step))), &J[k]));
      u[at] -= of_u ? step : 0;
    }
    ck_close((8 * (J[1] - J[0]) - (J[3] - J[2])) / (12 * h), of_u ? u_bar[at] : w_bar, 1e-9);
  }
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

static void Refused(Try *try, const char sentence[])
{
  NomosCoarseSolver solver;
  ck_refused(NomosCoarseSolverCreate(&try->surrogate, &try->input, &solver), sentence);
  ck_assert_ptr_null(solver);
}

START_TEST(test_errors)
{
  NomosCoarseSolver solver;
  NomosTape         tape;
  double            u[2 * N] = {0};
  Try               try;

  Begin("burgers", burgers, &try);
  try.input.n_points = 32;
  Refused(&try, "its field u has 16 points, that of the data 32; set its grid to that of the data");
  try.input.n_points = N;
  try.input.interval = 0.06;
  Refused(&try, "time.dt = 0.025: the interval between the data's frames, 0.06, is 2.4 steps; set time.dt to it or to a fraction of it");
  try.input.interval   = 0.05;
  try.input.parameters = (const char *const[]){"burgers.mu"};
  Refused(&try, "has no parameter 'burgers.mu' by which this case can be differentiated; did you mean burgers.nu?");
  try.input.parameters = nu;
  try.input.fields     = (const char *const[]){"density"};
  Refused(&try, "its state has no field 'density', which the data have; it has u");
  try.input.fields   = NULL;
  try.input.n_fields = 2;
  Refused(&try, "a state of the data has 2 fields, that of the solver u");
  try.input.n_fields = 1;
  try.input.path     = "no/such/case";
  Refused(&try, "no/such/case");
  try.input.path = NULL;
  Refused(&try, "they are no run directory of nomos; name a case to simulate them with");
  try.input.path         = try.path;
  try.surrogate.simulate = NULL;
  Refused(&try, "this program has no simulations");
  /* What a model cannot step from is an error that names it; the solver goes on afterwards. */
  Begin("burgers", burgers, &try);
  solver = Create(&try);
  ck_ok(NomosTapeCreate(&tape));
  u[N - 1] = NAN;
  NomosErrorSetQuiet(true);
  (void)NomosCoarseSolverStep(solver, NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){2, 1, N}, u), viscosity);
  NomosErrorSetQuiet(false);
  ck_refused(NomosTapeStatus(tape), "example 1 of the batch cannot be stepped: step 0");
  u[N - 1] = 0;
  ck_assert(NomosTensorIsValid(NomosCoarseSolverStep(solver, NomosTensorFromDoubles(tape, NOMOS_F64, 3, (size_t[]){2, 1, N}, u), viscosity)));
  (void)NomosCoarseSolverStep(solver, NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){2, 5}, u), viscosity);
  ck_refused(NomosTapeStatus(tape), "state has 32 entries, given are 10");
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosCoarseSolverDestroy(&solver));
}
END_TEST

NOMOS_TEST_SUITE("coarse_solver", test_is_the_run, test_derivatives, test_primitive_is_the_run, test_primitive_derivatives, test_primitive_threads, test_gradient_through_steps, test_errors)
