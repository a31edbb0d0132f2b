/* nomos discover CASE: the equation that a model lacks, or that of data, in a run directory like that of nomos run. */
#include "cases/discover_trajectory.h"
#include "surrogates/discovery/regression_list.h"
#include "surrogates/interpolation/interpolation_list.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_discover_equation_params[] = { /* where the equation is not that of H */
  {"discover.equations", NOMOS_PARAM_EXPRESSION_LIST, NULL,  NULL, 0, 0,       NULL,  false, "Variables of which an equation is looked for; of a model with layers the name of a field and the number of a layer, [q1, q2]."},
  {"discover.library",   NOMOS_PARAM_EXPRESSION_LIST, NULL,  NULL, 0, 0,       NULL,  false, "Candidate terms of every equation (operators/terms.h): [lap psi1, \"J(psi1, q1)\", u^2 u_x]."},
};

static const NomosParam params[] = { /* whatever is looked for */
  {"discover.method",      NOMOS_PARAM_STRING, "evidence",     NULL, 0, 0,       NULL,  false, "The sparse regression: a method that `nomos describe discover` shows."},
  {"discover.constraints", NOMOS_PARAM_EXPRESSION_LIST, "",    NULL, 0, 0,       NULL,  false, "What is known of the coefficients that are looked for: equalities, of several equations too, and signs, [\"q1[psi1] + q2[psi1] = 0\", \"q2[lap psi2] > 0\"]. They hold to the end; what does not know them is refused beside them."},
  {"discover.noise",       NOMOS_PARAM_REAL,   "0",            NULL, 0, DBL_MAX, NULL,  false, "Standard deviation of noise that is added: with a model to what is observed, relative to the deviation of the field in its layer; to data, relative to the root mean square of each of them."},
  {"discover.seed",        NOMOS_PARAM_INT,    "1",            NULL, 0, 9e15,    NULL,  false, "Seed of all that is drawn: noise, points that are seen, rows and trajectories of data, random features, blocks of intervals and of stability."},
};

const NomosParam nomos_discover_model_params[] = { /* what a model lacks */
  {"discover.observe",     NOMOS_PARAM_STRING, "",             NULL, 0, 0,       NULL,  false, "The field that is observed, from which a forecast begins: one that is the whole state; unset: the model's first such field, of an equation of several variables `state`, all of them."},
  {"discover.observations", NOMOS_PARAM_FILE,  "",             NULL, 0, 0,       NULL,  false, "A NetCDF-4/HDF5 file of observations of that field on the whole grid (the layouts that nomos estimate and nomos assimilate write; of `state` each variable under its name, u and u_error, v and v_error): every two looks that are a horizon apart are a pair (discover.from, every and samples, where they are given, choose among them). With discover.assimilation some points are enough. Unset: the case with its map `truth:`."},
  {"discover.increments",  NOMOS_PARAM_FILE,   "",             NULL, 0, 0,       NULL,  false, "The run directory of a nomos assimilate of that field, by any method: two analyses that follow each other are a pair, of whose forecast by the case's model the increment is taken. The run must have kept them all (output.fields_every)."},
  {"discover.from",        NOMOS_PARAM_REAL,   "0",            "s",  0, DBL_MAX, NULL,  false, "Time of the first pair of observations: the real system runs up to it from the case's initial state."},
  {"discover.samples",     NOMOS_PARAM_INT,    "",             NULL, 1, 1000000, NULL,  false, "Pairs of observations. Unset: one, of a file or an assimilation all."},
  {"discover.every",       NOMOS_PARAM_REAL,   "0",            "s",  0, DBL_MAX, NULL,  false, "Time between two pairs, of a file at least; 0: a time step."},
  {"discover.horizon",     NOMOS_PARAM_INT,    "",             NULL, 1, 1000,    NULL,  false, "Time steps between the two observations of a pair. Unset: one, or more where smoothing is not given and noise asks for it (of discover.increments: those between two analyses)."},
  {"discover.fraction",    NOMOS_PARAM_REAL,   "1",            NULL, DBL_MIN, 1, NULL,  false, "Part of the grid's points that are seen, drawn by the seed."},
  {"discover.points",      NOMOS_PARAM_CHOICE, "fixed",        NULL, 0, 0, "fixed|moving", false, "The same points at all times, or other ones at every time, also at the second of a pair: then errors of interpolation do not cancel in the increment, and pairs are best a time unit apart (horizon)."},
  {"discover.interpolation", NOMOS_PARAM_STRING, "none",       NULL, 0, 0,       NULL,  false, "How observations of some points come onto the grid: none, or a method that `nomos describe discover` shows."},
  {"discover.smoothing",   NOMOS_PARAM_REAL,   "",             "m",  0, DBL_MAX, NULL,  false, "Length l of exp(-K^2 l^2/2), by which increments and terms are smoothed alike before the regression: what interpolation or noise has spoilt lies in short waves. Unset: as much as the observations' noise asks for (0 where they are interpolated or assimilated)."},
  {"discover.frame",       NOMOS_PARAM_INT,    "0",            NULL, 0, 1000000, NULL,  false, "Points left out along every side of the grid."},
  {"discover.columns",     NOMOS_PARAM_CHOICE, "tangent",      NULL, 0, 0, "tangent|analysis|forecast", false, "What stands for a term: the derivative of the model's own step by its coefficient, or the term itself at the observation or the forecast at the pair's end."},
  {"discover.iterations",  NOMOS_PARAM_INT,    "10",           NULL, 1, 100,     NULL,  false, "Passes of Gauss-Newton: what was found is put into the model, and what is left is regressed again, until nothing changes."},
  {"discover.truth_directory", NOMOS_PARAM_STRING, "runs/truth", NULL, 0, 0,     NULL,  false, "Where states of the real system (the case with its map `truth:`) are kept, for all cases that have the same one."},
  {"discover.forecast",    NOMOS_PARAM_REAL,   "0",            "s",  0, DBL_MAX, NULL,  false, "Length of the forecasts by which model and corrected model are compared; 0: none."},
  {"discover.forecasts",   NOMOS_PARAM_INT,    "1",            NULL, 1, 1000,    NULL,  false, "Forecasts, from states after the last pair, one forecast length apart."},
};

static const NomosParam known_params[] = {
  {"terms",        NOMOS_PARAM_EXPRESSION_LIST, NULL, NULL, 0, 0, NULL, false, "The terms that are really missing."},
  {"coefficients", NOMOS_PARAM_REAL_LIST,       NULL, NULL, 0, 0, NULL, false, "Their coefficients."},
};
/* clang-format on */
const size_t nomos_discover_n_equation_params = sizeof nomos_discover_equation_params / sizeof *nomos_discover_equation_params;
const size_t nomos_discover_n_model_params    = sizeof nomos_discover_model_params / sizeof *nomos_discover_model_params;

/* All that only a case with a solver has, but for what a method of interpolation has. */
static const struct {
  const size_t     *n;
  const NomosParam *params;
} of_model[] = {
  {&nomos_discover_n_model_params,      nomos_discover_model_params     },
  {&nomos_discover_n_trajectory_params, nomos_discover_trajectory_params},
  {&nomos_discover_n_weak_params,       nomos_discover_weak_params      },
};
enum { N_OF_MODEL = sizeof of_model / sizeof *of_model };

/* Is H looked for? */
static PetscErrorCode DeclareKind(NomosConfig config)
{
  const char *solver, *text;
  bool        hamiltonian;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHasPrefix(config, "discover.hamiltonian.", &hamiltonian));
  if (!hamiltonian) {
    PetscCall(NomosConfigRegister(config, nomos_discover_n_equation_params, nomos_discover_equation_params));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosConfigPeek(config, "solver", &solver));
  PetscCheck(!solver, NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "discover.hamiltonian beside `solver: %s`: an H is that of data; leave one of the two out", solver);
  for (size_t i = 0; i < nomos_discover_n_equation_params; i++) {
    PetscCall(NomosConfigPeek(config, nomos_discover_equation_params[i].key, &text));
    PetscCheck(!text, NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s beside discover.hamiltonian: the equation is that of H; leave one of the two out", nomos_discover_equation_params[i].key);
  }
  PetscCall(NomosConfigRegister(config, nomos_discover_n_hamiltonian_params, nomos_discover_hamiltonian_params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DeclareModel(NomosConfig config)
{
  const NomosInterpolationOps *ops = NULL;
  const char                  *method;
  char                         section[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t t = 0; t < N_OF_MODEL; t++) PetscCall(NomosConfigRegister(config, *of_model[t].n, of_model[t].params));
  PetscCall(NomosConfigGetString(config, "discover.interpolation", &method));
  if (strcmp(method, "none")) PetscCall(NomosInterpolationFind(method, NomosConfigWhere(config, "discover.interpolation"), &ops));
  for (size_t i = 0; nomos_interpolations[i]; i++) {
    bool has;
    snprintf(section, sizeof section, "discover.%s.", nomos_interpolations[i]->name);
    PetscCall(NomosConfigHasPrefix(config, section, &has));
    if (has || nomos_interpolations[i] == ops) PetscCall(NomosConfigRegister(config, nomos_interpolations[i]->n_params, nomos_interpolations[i]->params));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  NomosConfig config;
  const char *where;
} Refusal;

static PetscErrorCode RefuseKey(const NomosParam *param, const char standard[], const char origin[], void *ctx)
{
  const Refusal *refusal = ctx;
  NomosConfig    config  = refusal->config;
  const char    *text;

  PetscFunctionBeginUser;
  (void)origin;
  PetscCall(NomosConfigPeek(config, param->key, &text));
  PetscCheck(!text || !strcmp(text, standard), NomosConfigComm(config), PETSC_ERR_ARG_INCOMP, "%s: %s = %s: does nothing %s; leave it out", NomosConfigWhere(config, param->key), param->key, text, refusal->where);
  PetscCall(NomosConfigUnset(config, param->key));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverRefuse(NomosConfig config, NomosConfig *standard, const char where[])
{
  PetscFunctionBeginUser;
  PetscErrorCode code = NomosConfigVisit(*standard, RefuseKey, &(Refusal){config, where});
  PetscCall(NomosConfigDestroy(standard));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RefuseModel(NomosConfig config)
{
  NomosConfig standard;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigCreate(NomosConfigComm(config), &standard));
  PetscCall(NomosConfigSetNondimensional(standard, NomosConfigIsNondimensional(config)));
  for (size_t t = 0; t < N_OF_MODEL; t++) PetscCall(NomosConfigRegister(standard, *of_model[t].n, of_model[t].params));
  for (size_t i = 0; nomos_interpolations[i]; i++) PetscCall(NomosConfigRegister(standard, nomos_interpolations[i]->n_params, nomos_interpolations[i]->params));
  PetscCall(NomosDiscoverRefuse(config, &standard, "in a case of data: it is for a case with a solver, whose model lacks something"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What every method shares, the tables of the one that the case names and of those that it has keys of (another method may be tried), what a model has, and what is known of the truth. */
static PetscErrorCode Declare(NomosConfig config)
{
  const NomosRegressionOps *ops;
  const char *const        *names, *method, *solver;
  size_t                    n;
  char                      section[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(DeclareKind(config));
  PetscCall(NomosConfigGetString(config, "discover.method", &method));
  PetscCall(NomosRegressionFind(method, NomosConfigWhere(config, "discover.method"), &ops));
  PetscCall(NomosConfigRegister(config, nomos_discover_n_interval_params, nomos_discover_interval_params));
  PetscCall(NomosConfigRegister(config, nomos_regression_n_params, nomos_regression_params));
  for (size_t i = 0; nomos_regressions[i]; i++) {
    bool has;
    snprintf(section, sizeof section, "discover.%s.", nomos_regressions[i]->name);
    PetscCall(NomosConfigHasPrefix(config, section, &has));
    if (has || nomos_regressions[i] == ops) PetscCall(NomosConfigRegister(config, nomos_regressions[i]->n_params, nomos_regressions[i]->params));
  }
  PetscCall(NomosConfigPeek(config, "solver", &solver));
  if (solver) PetscCall(DeclareModel(config));
  else PetscCall(RefuseModel(config));
  PetscCall(NomosConfigGroup(config, "discover.known", &n, &names));
  for (size_t i = 0; i < n; i++) {
    snprintf(section, sizeof section, "discover.known.%s", names[i]);
    PetscCall(NomosConfigRegisterSection(config, section, sizeof known_params / sizeof *known_params, known_params));
  }
  PetscCall(NomosDiscoverDataDeclare(config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosSection nomos_discover_section = {"discover", "of nomos discover", sizeof params / sizeof *params, params, Declare};

static PetscErrorCode Copy(size_t n, const char *const texts[], char ***copies)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n + 1, copies));
  for (size_t i = 0; i < n; i++) PetscCall(PetscStrallocpy(texts[i], &(*copies)[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverAdd(NomosDiscover *d, const char variable[], size_t n_terms, const char *const *const written[])
{
  NomosDiscoverEquation *e;

  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(sizeof *e * (d->n_equations + 1), &d->equations));
  e = &d->equations[d->n_equations++];
  memset(e, 0, sizeof *e);
  PetscCall(PetscStrncpy(e->variable, variable, sizeof e->variable));
  e->n_terms = n_terms;
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) PetscCall(Copy(n_terms, written[k], &e->written[k]));
  e->terms = e->written[NOMOS_NOTATION_TEXT];
  PetscCall(PetscCalloc1(n_terms + 1, &e->model));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosDiscoverTarget(const NomosDiscoverEquation *e)
{
  double s = 0, n = 0;

  for (size_t b = 0; b < e->gram.n_blocks; b++) {
    s += e->gram.s[b * e->gram.n_targets];
    n += e->gram.n[b];
  }
  return n > 0 ? sqrt(s / n) : 0;
}

double NomosDiscoverError(const NomosDiscoverEquation *e, const double c[])
{
  double error = 0, size = 0;

  if (!e->truth) return NAN;
  for (size_t j = 0; j < e->n_terms; j++) {
    error += (c[j] - e->truth[j]) * (c[j] - e->truth[j]);
    size += (e->model[j] + e->truth[j]) * (e->model[j] + e->truth[j]);
  }
  return size > 0 ? sqrt(error / size) : sqrt(error);
}

bool NomosDiscoverExact(const NomosDiscoverEquation *e)
{
  for (size_t j = 0; e->truth && j < e->n_terms; j++)
    if ((e->model[j] + e->found.c[j] != 0) != (e->model[j] + e->truth[j] != 0)) return false;
  return e->truth != NULL;
}

void NomosDiscoverSnap(NomosDiscover *d)
{
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    for (size_t j = 0; j < e->n_terms; j++) {
      const double left = e->model[j] + e->found.c[j];
      const bool   held = (e->tied && e->tied[j]) || (e->constraints.signs && e->constraints.signs[j] * -e->model[j] < 0);
      if (e->model[j] == 0 || held || !(fabs(left) <= 2 * e->found.deviation[j])) continue;
      e->found.c[j] = -e->model[j];
      e->low[j] -= left; /* intervals are those of the coefficient as it stands */
      e->high[j] -= left;
    }
  }
}

static PetscErrorCode Results(NomosRun *run, NomosResultFn result, void *ctx)
{
  NomosDiscover *d = run->data;
  double         largest = 0, largest_model = 0;
  bool           exact = true, known = true;
  char           name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    const double error = NomosDiscoverError(e, e->found.c);
    double      *zero;
    snprintf(name, sizeof name, "coefficient_error_%s", e->variable);
    if (e->truth) PetscCall(result(name, error, ctx));
    snprintf(name, sizeof name, "residual_%s", e->variable);
    PetscCall(result(name, e->found.residual, ctx));
    snprintf(name, sizeof name, "terms_%s", e->variable);
    double n = 0;
    for (size_t j = 0; j < e->n_terms; j++) n += e->found.c[j] != 0;
    PetscCall(result(name, n, ctx));
    known = known && e->truth;
    if (!e->truth) continue;
    PetscCall(PetscCalloc1(e->n_terms, &zero));
    largest       = fmax(largest, error);
    largest_model = fmax(largest_model, NomosDiscoverError(e, zero));
    exact         = exact && NomosDiscoverExact(e);
    PetscCall(PetscFree(zero));
  }
  if (known) {
    PetscCall(result("coefficient_error", largest, ctx));
    PetscCall(result("coefficient_error_model", largest_model, ctx));
    PetscCall(result("exact_structure", exact, ctx));
  }
  PetscCall(result("samples", d->n_samples, ctx));
  PetscCall(NomosDiscoverIntervalResults(d, result, ctx));
  if (d->mode->results) PetscCall(d->mode->results(d, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Work(NomosRun *run, NomosDiscover *d)
{
  size_t n_terms = 0;
  char   where[64];

  PetscFunctionBeginUser;
  PetscCall(d->mode->find(d));
  if (run->stopped_by) {
    PetscCall(NomosRunEnd(run, "", "the making of data: nothing was found yet", ""));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosDiscoverIntervals(d));
  NomosDiscoverSnap(d);
  PetscCall(NomosDiscoverWarnOfResidual(d));
  for (size_t i = 0; i < d->n_equations; i++)
    for (size_t j = 0; j < d->equations[i].n_terms; j++) n_terms += d->equations[i].found.c[j] != 0;
  PetscCall(NomosDiscoverWrite(d));
  if (d->mode->conclude) PetscCall(d->mode->conclude(d));
  PetscCall(NomosRunDrawPictures(run));
  PetscCall(NomosDiscoverReport(d));
  snprintf(where, sizeof where, "%zu term%s", n_terms, n_terms == 1 ? "" : "s");
  PetscCall(NomosRunEnd(run, "the search ended", where, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Body(NomosRun *run)
{
  NomosDiscover *d;
  const char    *method;
  bool           hamiltonian;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  run->data = d;
  d->run    = run;
  PetscCall(NomosRunSetUp(run));
  PetscCall(NomosConfigHasPrefix(run->config, "discover.hamiltonian.", &hamiltonian));
  d->mode = hamiltonian ? &nomos_discover_hamiltonian : run->ops ? &nomos_discover_increments : &nomos_discover_data;
  PetscCall(NomosConfigCheckPetscOptions(run->config));
  PetscCall(NomosConfigGetString(run->config, "discover.method", &method));
  PetscCall(NomosRegressionFind(method, NomosConfigWhere(run->config, "discover.method"), &d->method));
  PetscCall(NomosRunPrepareDirectory(run));
  PetscCall(d->mode->prepare(d));
  PetscCall(NomosDiscoverCheckConstraints(d));
  PetscCall(NomosRunBegin(run, 0));
  PetscCall(NomosRunWriteSummary(run, "running", "started"));
  NomosRunUnderSignals(Work(run, d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosRun *run)
{
  NomosDiscover *d = run->data;

  PetscFunctionBeginUser;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  if (d->mode) PetscCall(d->mode->destroy(d));
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    for (int k = 0; k < NOMOS_N_NOTATIONS; k++) {
      for (size_t j = 0; j < e->n_terms; j++) PetscCall(PetscFree(e->written[k][j]));
      PetscCall(PetscFree(e->written[k]));
    }
    for (size_t j = 0; j < e->n_others; j++) PetscCall(PetscFree(e->others[j]));
    PetscCall(PetscFree(e->others));
    PetscCall(PetscFree(e->other_coefficients));
    PetscCall(PetscFree(e->model));
    PetscCall(PetscFree(e->truth));
    if (e->constraints.A) PetscCall(PetscFree3(e->constraints.A, e->constraints.d, e->constraints.signs));
    PetscCall(PetscFree(e->tied));
    PetscCall(PetscFree(e->low));
    PetscCall(PetscFree(e->high));
    PetscCall(PetscFree(e->frequency));
    if (e->gram.G) PetscCall(NomosGramDestroy(&e->gram));
    if (e->found.c) PetscCall(NomosRegressionDestroy(&e->found));
  }
  PetscCall(PetscFree(d->equations));
  PetscCall(PetscFree(run->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCommandDiscover(NomosProgram *program)
{
  static const NomosRunTask task = {.command = "discover", .of_data = true, .once = true, .section = "discover", .body = Body, .results = Results, .destroy = Destroy};

  PetscFunctionBeginUser;
  PetscCall(NomosRunCommand(program, &task));
  PetscFunctionReturn(PETSC_SUCCESS);
}
