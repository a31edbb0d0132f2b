/* The nine pairs of a system and a model that lacks something, of MEDIDA (doi:10.1029/2023MS004033, its code's cases 1001 to 1009): the system is cases/qg/jet_lutsko_hassanzadeh, the model differs by one to three
   keys, and what it lacks is known. System minus model is the sum of the missing terms. */
#include "tests/qg_setups.h"

#include "cases/run_params.h"
#include "solvers/qg/qg_model.h"
#include "solvers/solver_list.h"

#define LIBRARY "[psi1, psi2, psi_R, lap psi2, 'J(psi1, lap psi1 - psi1 + psi2)', 'J(psi2, lap psi2 + psi1 - psi2)', dx psi1, dx psi2]"
enum { N_TERMS = 8, N_SETTINGS = 4, MAX_PARAMETERS = 64, STEPS = 8 };

static const struct {
  const char *name, *model[N_SETTINGS], *both; /* what differs, and what is asked of system and model */
  double      missing[2][N_TERMS];
} pairs[] = {
  {"1001", {"qg.relaxation_rate=0.11"}, NULL, {{-0.1, 0.1, 0.1}, {0.1, -0.1, -0.1}}},
  {"1002", {"qg.relaxation_rate=0.11", "qg.drag=0.37"}, NULL, {{-0.1, 0.1, 0.1}, {0.1, -0.1, -0.1, 0.3}}},
  {"1003", {"qg.relaxation_rate=0"}, NULL, {{0.01, -0.01, -0.01}, {-0.01, 0.01, 0.01}}},
  {"1004", {"qg.nonlinearity=0.5"}, NULL, {{0, 0, 0, 0, -0.5}, {0, 0, 0, 0, 0, -0.5}}},
  {"1005", {"qg.nonlinearity=0", "qg.relaxation_rate=0.11", "qg.drag=0.37"}, NULL, {{-0.1, 0.1, 0.1, 0, -1}, {0.1, -0.1, -0.1, 0.3, 0, -1}}},
  {"1006", {"qg.drag=0.37"}, NULL, {{0}, {0, 0, 0, 0.3}}},
  {"1007", {"qg.drag=0"}, NULL, {{0}, {0, 0, 0, -0.07}}},
  {"1008", {"qg.relaxation_jet_rate=0"}, NULL, {{0, 0, -0.01}, {0, 0, 0.01}}},
  {"1009", {"qg.beta=0"}, "qg.hyperviscosity_of_planetary=false", {{0, 0, 0, 0, 0, 0, -0.196}, {0, 0, 0, 0, 0, 0, 0, -0.196}}},
};
enum { N_PAIRS = sizeof pairs / sizeof *pairs };

typedef struct {
  NomosConfig config;
  NomosModel  model;
} Run;

static void Open(const char *const settings[], size_t n, Run *run)
{
  NomosCaseFile        file;
  const NomosModelOps *ops;
  ck_ok(NomosCaseFind(PETSC_COMM_SELF, "qg/jet_lutsko_hassanzadeh", &file));
  const NomosCaseInput input = {.path = file.path, .models = nomos_solvers, .n_set = n, .set = settings};
  ck_ok(NomosCaseLoad(PETSC_COMM_SELF, &input, &run->config, &ops));
  ck_ok(NomosModelCreate(PETSC_COMM_SELF, ops, run->config, &run->model));
}

static void Close(Run *run)
{
  ck_ok(NomosModelDestroy(&run->model));
  ck_ok(NomosConfigDestroy(&run->config));
}

/* The state after n steps from psi. */
static void After(Run *run, const double *psi, int n, double *state)
{
  const NomosModelDerivatives *d = run->model->ops->derivatives;
  ck_ok(d->from_field(run->model, 1, psi, state));
  ck_ok(d->set_state(run->model, state));
  ck_ok(NomosModelSetClock(run->model, 0));
  for (int i = 0; i < n; i++) ck_ok(run->model->ops->step(run->model));
  ck_ok(d->get_state(run->model, state));
}

static double Norm(size_t n, const double *x)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

/* A jet with waves and noise of every length, about as steep as the turbulent flow. */
static void Streamfunction(Run *run, double *psi)
{
  const NomosModelDerivatives *d = run->model->ops->derivatives;
  const NomosQG               *qg = run->model->data;
  const int                    nx = qg->setup.nx, ny = qg->setup.ny;
  size_t                       n;
  ck_ok(d->state_size(run->model, &n));
  double *state = calloc(n, sizeof *state);
  for (int layer = 0; layer < 2; layer++)
    for (int j = 0; j < ny; j++)
      for (int i = 0; i < nx; i++) {
        const double x = 2 * PETSC_PI * i / nx, y = 2 * PETSC_PI * (j - ny / 2) / ny;
        psi[(layer * ny + j) * nx + i] = (layer ? -1 : -3) * tanh(3 * sin(y)) + cos(3 * x + layer) * cos(2 * y) + 0.5 * sin(5 * x + 3 * y) + 1e-3 * Noise(layer, j, i);
      }
  ck_ok(d->from_field(run->model, 1, psi, state));
  ck_ok(d->field(run->model, 1, state, psi)); /* what a state can hold */
  free(state);
}

/* Without the shortest waves of the sides: a product of two of them comes back to them even on a grid 3/2 as fine, as other numbers in other forms of advection. */
START_TEST(test_system_minus_model)
{
  for (size_t p = 0; p < N_PAIRS; p++) {
    const char                *settings[N_SETTINGS + 8];
    size_t                     n = 0, n_state, n_parameters;
    const NomosModelParameter *list;
    Run                        system, model;
    double                     p_dot[MAX_PARAMETERS] = {0}, values[MAX_PARAMETERS];

    settings[n++] = "qg.fft_plan=estimate";
    settings[n++] = "qg.nyquist=drop";
    if (pairs[p].both) settings[n++] = pairs[p].both;
    Open(settings, n, &system);
    for (int i = 0; i < N_SETTINGS && pairs[p].model[i]; i++) settings[n++] = pairs[p].model[i];
    settings[n++] = "equations.q1.terms=" LIBRARY;
    settings[n++] = "equations.q1.coefficients=[0, 0, 0, 0, 0, 0, 0, 0]";
    settings[n++] = "equations.q2.terms=" LIBRARY;
    settings[n++] = "equations.q2.coefficients=[0, 0, 0, 0, 0, 0, 0, 0]";
    Open(settings, n, &model);

    const NomosModelDerivatives *d = model.model->ops->derivatives;
    const NomosQG               *qg = model.model->data;
    const size_t                 points = 2 * (size_t)qg->setup.nx * (size_t)qg->setup.ny;
    ck_ok(d->state_size(model.model, &n_state));
    ck_ok(d->parameters(model.model, &n_parameters, &list));
    const size_t n_q = n_state / 2; /* and the leapfrog's history */
    double      *psi = malloc(sizeof *psi * points), *of_system = malloc(sizeof *psi * n_state), *of_model = malloc(sizeof *psi * n_state), *start = malloc(sizeof *psi * n_state), *missing = calloc(n_state, sizeof *psi);
    Streamfunction(&model, psi);
    for (size_t i = 0; i < n_parameters; i++) {
      values[i] = list[i].value;
      for (int layer = 0; layer < 2; layer++)
        if (!strcmp(list[i].param->key, layer ? "equations.q2.coefficients" : "equations.q1.coefficients")) values[i] = p_dot[i] = pairs[p].missing[layer][list[i].entry];
    }
    /* one step: the increment is that of the missing terms */
    After(&system, psi, 1, of_system);
    After(&model, psi, 1, of_model);
    After(&model, psi, 0, start);
    ck_ok(NomosModelSetClock(model.model, 0));
    ck_ok(d->jvp(model.model, start, missing, p_dot));
    const double size = Norm(n_q, missing), rounding = 1e-16 * Norm(n_q, start);
    for (size_t i = 0; i < n_q; i++) missing[i] -= of_system[i] - of_model[i];
    ck_assert_msg(Norm(n_q, missing) < 10 * rounding, "%s: system minus model is off by %g of %g; rounding is %g", pairs[p].name, Norm(n_q, missing), size, rounding);
    ck_assert_double_gt(size, 1e9 * rounding);
    /* and several: the corrected model is the system */
    ck_ok(d->set_parameters(model.model, values));
    After(&system, psi, STEPS, of_system);
    After(&model, psi, STEPS, of_model);
    const double q = Norm(n_q, of_system);
    for (size_t i = 0; i < n_q; i++) of_model[i] -= of_system[i];
    ck_assert_msg(Norm(n_q, of_model) < 1e-14 * q, "%s: the corrected model is off by %g of %g", pairs[p].name, Norm(n_q, of_model), q);
    free(psi);
    free(of_system);
    free(of_model);
    free(start);
    free(missing);
    Close(&system);
    Close(&model);
  }
}
END_TEST

/* The case file is the published code's system: norms over the grid and two values after 100 steps and the first, at the filtered time level (measured by running that code). */
START_TEST(test_the_case_is_the_system)
{
  static const double norm[2] = {68.31379257627789, 36.290425916244736}, value[2] = {0.8795449469760337, 0.16361971798155983};
  const char *const   settings[] = {"qg.fft_plan=estimate"};
    size_t              n_state;
  Run                 run;
  Open(settings, 1, &run);
  const NomosQG *qg = run.model->data;
  const int      nx = qg->setup.nx, ny = qg->setup.ny;
  ck_ok(run.model->ops->derivatives->state_size(run.model, &n_state));
  double *psi = malloc(sizeof *psi * 2 * (size_t)nx * (size_t)ny), *state = malloc(sizeof *psi * n_state);
  for (int layer = 0; layer < 2; layer++)
    for (int j = 0; j < ny; j++)
      for (int i = 0; i < nx; i++) {
        const double ax = 2 * PETSC_PI * (i - nx / 2) / nx, by = 2 * PETSC_PI * (j - ny / 2) / ny;
        psi[(layer * ny + j) * nx + i] = layer ? 0.3 * cos(ax - 2 * by) + 0.1 * sin(4 * ax) * cos(by) : cos(3 * ax) * cos(2 * by) + 0.5 * sin(2 * ax + 3 * by);
      }
  After(&run, psi, 101, state);
  ck_ok(run.model->ops->derivatives->field(run.model, 1, state + n_state / 2, psi)); /* the history */
  for (int layer = 0; layer < 2; layer++) {
    ck_close(Norm((size_t)(nx * ny), psi + layer * nx * ny), norm[layer], 1e-9);
    ck_close(psi[(layer * ny + ny / 2) * nx + nx / 2], value[layer], 1e-9);
  }
  free(psi);
  free(state);
  Close(&run);
}
END_TEST

NOMOS_TEST_SUITE("MEDIDA's pairs of system and model", test_the_case_is_the_system, test_system_minus_model)
