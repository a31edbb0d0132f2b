/* The mode of nomos discover for Hamiltonian systems: H from states and their derivatives by time. */
#include "cases/discover_hamiltonian.h"
#include "cases/train.h"

#include "surrogates/dataset.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_discover_hamiltonian_params[] = {
  {"discover.hamiltonian.degree",       NOMOS_PARAM_INT,             "0",     NULL, 0, 20,  NULL, false, "Terms of H: all monomials of q1, q2, ..., p1, p2, ... up to this degree; 0: none."},
  {"discover.hamiltonian.terms",        NOMOS_PARAM_EXPRESSION_LIST, "",      NULL, 0, 0,   NULL, false, "Terms of H besides, any expressions of the coordinates: [\"cos(q1)\", \"1/sqrt((q1 - q3)^2 + (q2 - q4)^2)\"]."},
  {"discover.hamiltonian.separable",    NOMOS_PARAM_BOOL,            "false", NULL, 0, 0,   NULL, false, "H = T(p) + V(q): of the monomials only those of positions alone and of momenta alone."},
  {"discover.hamiltonian.system",       NOMOS_PARAM_STRING,          "",      NULL, 0, 0,   NULL, false, "Of data of several systems (generator hamiltonian_systems) the name of the one whose H is looked for."},
  {"discover.hamiltonian.trajectories", NOMOS_PARAM_INT,             "0",     NULL, 0, 1e9, NULL, false, "So many trajectories of the data are seen, drawn by discover.seed; 0: all."},
  {"discover.hamiltonian.points",       NOMOS_PARAM_INT,             "0",     NULL, 0, 1e9, NULL, false, "So many states of these are seen, spread over the trajectories, drawn by discover.seed; 0: all."},
  {"discover.hamiltonian.energy",       NOMOS_PARAM_EXPRESSION,      "",      NULL, 0, 0,   NULL, false, "The true H, to judge orbits by; unset: that of discover.known.H."},
  {"discover.hamiltonian.orbits",       NOMOS_PARAM_INT,             "10",    NULL, 0, 1e6, NULL, false, "So many trajectories of what H is judged by are integrated from their first states with the H that was found."},
  {"discover.hamiltonian.half_width",   NOMOS_PARAM_INT,             "0",     NULL, 0, 1e6, NULL, false, "0: the data have the rates of the states, x_dot. Else from states alone, evenly spaced in time: means over test functions with a half width of so many frames (weak form), a fifth of it apart."},
  {"discover.hamiltonian.test",         NOMOS_PARAM_FILE,            "",      NULL, 0, 0,   NULL, false, "A file of data by which H is judged; unset: all of the data, seen or not."},
  {"discover.hamiltonian.network",      NOMOS_PARAM_FILE,            "",      NULL, 0, 0,   NULL, false, "weights.safetensors of a training of the surrogate hamiltonian (or hamiltonian_meta): the equation of this learned H is looked for, at states around those of the data. The rates of the data then only judge it, or adapt it."},
  {"discover.hamiltonian.adapt_steps",  NOMOS_PARAM_INT,             "0",     NULL, 0, 1e7, NULL, false, "With a network: so many steps of Adam on all its weights by the states seen and their rates, before it is asked; for weights that were trained on other systems (surrogate hamiltonian_meta)."},
  {"discover.hamiltonian.adapt_rate",   NOMOS_PARAM_REAL,            "1e-3",  NULL, DBL_MIN, 1, NULL, false, "Their rate."},
  {"discover.hamiltonian.cloud",        NOMOS_PARAM_REAL,            "0.7",   NULL, 0.01, 1000, NULL, false, "With a network: these states are normal, with the mean of the states seen and so many times their deviations in every direction. Beyond the data a network has learned nothing: a warning says where this tells."},
  {"discover.hamiltonian.cloud_points", NOMOS_PARAM_INT,             "2000",  NULL, 1, 1e8, NULL, false, "With a network: so many of them."},
};
/* clang-format on */
const size_t nomos_discover_n_hamiltonian_params = sizeof nomos_discover_hamiltonian_params / sizeof *nomos_discover_hamiltonian_params;

/* ---- what is seen */

static int Ascending(const void *a, const void *b)
{
  const size_t x = *(const size_t *)a, y = *(const size_t *)b;

  return x < y ? -1 : x > y;
}

/* Room for so many rows, and for their states. */
static PetscErrorCode Reserve(NomosHamiltonianData *data, size_t n_points, size_t n_states)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(data->points, data->x, data->y));
  PetscCall(PetscMalloc3(n_points, &data->points, n_states * data->size, &data->x, n_points * data->size, &data->y));
  data->n_points = data->n = n_points;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which states are seen in a draw: trajectories, and of each its even share of the points. */
static PetscErrorCode DrawPoints(NomosDiscover *d, NomosHamiltonianData *data, uint64_t seed)
{
  const size_t n_times = data->seen.n_times;
  int64_t      trajectories, points;
  size_t      *orbits, *times, at = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.trajectories", &trajectories));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.points", &points));
  const size_t n = trajectories ? (size_t)trajectories : data->seen.n, n_points = points ? (size_t)points : n * n_times;
  PetscCheck(n_points <= n * n_times, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.hamiltonian.points = %zu: %zu trajectories of %zu states have %zu", NomosConfigWhere(d->run->config, "discover.hamiltonian.points"), n_points, n, n_times, n * n_times);
  PetscCall(PetscMalloc2(data->seen.n, &orbits, n_times, &times));
  NomosPermutation(seed, 0, data->seen.n, orbits);
  PetscCall(Reserve(data, n_points, n_points));
  for (size_t o = 0; o < n; o++) {
    const size_t share = (o + 1) * n_points / n - o * n_points / n;
    NomosPermutation(seed, 1 + (int64_t)orbits[o], n_times, times);
    qsort(times, share, sizeof *times, Ascending);
    for (size_t i = 0; i < share; i++) data->points[at++] = orbits[o] * n_times + times[i];
  }
  PetscCall(PetscFree2(orbits, times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Windows of the trajectories that are seen, each a fifth of the half width after the one before. */
static PetscErrorCode DrawWindows(NomosDiscover *d, NomosHamiltonianData *data, uint64_t seed)
{
  const size_t n_times = data->seen.n_times, stride = PetscMax(1, (data->window.n + 1) / 10), n_each = (n_times - data->window.n) / stride + 1;
  size_t      *orbits;
  int64_t      trajectories, points;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.trajectories", &trajectories));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.points", &points));
  PetscCheck(!points, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.hamiltonian.points beside half_width: test functions need all states of a trajectory; choose trajectories", NomosConfigWhere(d->run->config, "discover.hamiltonian.points"));
  const size_t n = trajectories ? (size_t)trajectories : data->seen.n;
  PetscCall(PetscMalloc1(data->seen.n, &orbits));
  NomosPermutation(seed, 0, data->seen.n, orbits);
  PetscCall(Reserve(data, n * n_each, data->seen.n * n_times));
  for (size_t o = 0, at = 0; o < n; o++)
    for (size_t w = 0; w < n_each; w++) data->points[at++] = orbits[o] * n_times + w * stride;
  PetscCall(PetscFree(orbits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is seen of them: x, y. */
static PetscErrorCode See(NomosDiscover *d, NomosHamiltonianData *data, uint64_t seed)
{
  const size_t size = data->size;
  double       noise;
  int64_t      trajectories;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "discover.noise", &noise));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.trajectories", &trajectories));
  PetscCheck((size_t)trajectories <= data->seen.n, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.hamiltonian.trajectories = %" PRId64 ": the data have %zu", NomosConfigWhere(d->run->config, "discover.hamiltonian.trajectories"), trajectories, data->seen.n);
  PetscCall(NomosHamiltonianAddNoise(data, noise, seed));
  if (data->window.n) {
    PetscCall(DrawWindows(d, data, seed));
    memcpy(data->x, data->noisy[0], data->seen.n * data->seen.n_times * size * sizeof *data->x);
    NomosTimeWindowRates(&data->window, size, data->n, data->points, data->x, data->y);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DrawPoints(d, data, seed));
  for (size_t s = 0; s < data->n_points; s++) {
    memcpy(data->x + s * size, data->noisy[0] + data->points[s] * size, size * sizeof(double));
    memcpy(data->y + s * size, data->noisy[1] + data->points[s] * size, size * sizeof(double));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosHamiltonianStates NomosHamiltonianRows(const NomosHamiltonianData *data)
{
  return (NomosHamiltonianStates){.n = data->n, .x = data->x, .x_dot = data->y, .n_window = data->window.n, .first = data->points, .weights = data->window.weights};
}

/* In place of the states seen those at which the network is asked, and of their rates its field. */
static PetscErrorCode AskNetwork(NomosDiscover *d, NomosHamiltonianData *data, uint64_t seed)
{
  const size_t n_points = data->n_points;
  NomosCloud   cloud    = {.n_given = n_points, .size = data->size, .seed = seed};
  int64_t      n, steps;
  double      *seen, rate;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.cloud_points", &n));
  PetscCall(NomosConfigGetReal(d->run->config, "discover.hamiltonian.cloud", &cloud.factor));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.adapt_steps", &steps));
  PetscCall(NomosConfigGetReal(d->run->config, "discover.hamiltonian.adapt_rate", &rate));
  if (steps) PetscCall(NomosDistilledAdapt(data->network, &(NomosHamiltonianStates){.n = n_points, .x = data->x, .x_dot = data->y}, (size_t)steps, rate));
  PetscCall(PetscMalloc1(n_points * data->size, &seen));
  memcpy(seen, data->x, n_points * data->size * sizeof *seen);
  cloud.given = seen;
  PetscCall(Reserve(data, (size_t)n, (size_t)n));
  data->n_points = n_points;
  PetscCall(NomosCloudDraw(&cloud, (size_t)n, data->x));
  PetscCall(NomosDistilledField(data->network, (size_t)n, data->x, data->y));
  PetscCall(PetscFree(seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the equation */

/* discover.known.H among the terms of the library: what is to be found; of one that is not there nothing is. *energy: as an expression, PetscFree'd by the caller. */
static PetscErrorCode ReadKnown(NomosDiscover *d, NomosHamiltonianData *data, char **energy)
{
  NomosConfig            config = d->run->config;
  NomosDiscoverEquation *e      = &d->equations[0];
  const char *const     *terms;
  const double          *coefficients;
  size_t                 n, n_coefficients;
  NomosText              text;
  char                   sentence[512];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "discover.known.H.terms", &n, &terms));
  PetscCall(NomosConfigGetReals(config, "discover.known.H.coefficients", &n_coefficients, &coefficients));
  PetscCheck(n == n_coefficients, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: discover.known.H.coefficients has %zu entries for %zu terms; one for each is needed", NomosConfigWhere(config, "discover.known.H.coefficients"), n_coefficients, n);
  PetscCall(PetscCalloc1(e->n_terms, &e->truth));
  PetscCall(NomosTextBegin(&text));
  for (size_t i = 0; i < n; i++) {
    size_t k;
    fprintf(text.out, "%s(%.17g)*(%s)", i ? " + " : "", coefficients[i], terms[i]);
    PetscCall(NomosHamiltonianLibraryFind(data->library, terms[i], &k));
    if (k < e->n_terms && e->truth) e->truth[k] += coefficients[i];
    if (k < e->n_terms) continue;
    snprintf(sentence, sizeof sentence, "%.300s of discover.known.H is not in the library: H cannot be found as it is, and coefficients are compared with nothing", terms[i]);
    PetscCall(NomosRunWarn(sentence, d->run));
    PetscCall(PetscFree(e->truth));
  }
  PetscCall(NomosTextEnd(&text, energy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The energy to judge orbits by. */
static PetscErrorCode ReadEnergy(NomosDiscover *d, NomosHamiltonianData *data)
{
  const char *given;
  char       *known = NULL;
  bool        has;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHasPrefix(d->run->config, "discover.known.H.", &has));
  if (has) PetscCall(ReadKnown(d, data, &known));
  PetscCall(NomosConfigGetString(d->run->config, "discover.hamiltonian.energy", &given));
  PetscErrorCode code = given[0] || known ? NomosOrbitsEnergyCreate(given[0] ? given : known, data->size, &data->energy) : PETSC_SUCCESS;
  PetscCall(PetscFree(known));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLibrary(NomosDiscover *d, NomosHamiltonianData *data)
{
  NomosConfig                  config = d->run->config;
  NomosHamiltonianLibraryInput input  = {.d = data->size / 2, .where = NomosConfigWhere(config, "discover.hamiltonian.degree")};
  const char                 **texts[NOMOS_N_NOTATIONS];
  bool                         typed;
  int64_t                      degree;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "discover.hamiltonian.degree", &degree));
  PetscCall(NomosConfigGetBool(config, "discover.hamiltonian.separable", &input.separable));
  PetscCall(NomosConfigGetStrings(config, "discover.hamiltonian.terms", &input.n_expressions, &input.expressions));
  PetscCall(NomosConfigIsGiven(config, "discover.hamiltonian.terms", &typed));
  if (typed) input.where = NomosConfigWhere(config, "discover.hamiltonian.terms");
  input.degree = (int)degree;
  PetscCall(NomosHamiltonianLibraryCreate(&input, &data->library));
  const size_t n = NomosHamiltonianLibraryTerms(data->library), left_out = NomosHamiltonianLibraryLeftOut(data->library);
  if (left_out) PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "library", "%zu of discover.hamiltonian.terms left out: constant (H is defined up to one), or there already", left_out));
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) {
    PetscCall(PetscMalloc1(n, &texts[k]));
    for (size_t j = 0; j < n; j++) texts[k][j] = NomosHamiltonianLibraryWritten(data->library, j, (NomosNotation)k);
  }
  PetscCall(NomosDiscoverAdd(d, "H", n, (const char *const *const *)texts));
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) PetscCall(PetscFree(texts[k]));
  PetscCall(ReadEnergy(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(NomosDiscover *d, NomosHamiltonianData *data, const char path[])
{
  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianReadData(d, path));
  PetscCall(NomosDistilledCreate(d, data->size, &data->network));
  PetscCheck(!data->network || !data->window.n, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: discover.hamiltonian.half_width beside a network, whose field is known: leave it out", NomosConfigWhere(d->run->config, "discover.hamiltonian.half_width"));
  PetscCall(MakeLibrary(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(NomosDiscover *d)
{
  NomosConfig           config = d->run->config;
  NomosHamiltonianData *data;
  const char           *path, *maker;
  int64_t               orbits;
  int                   size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(d->run->comm, &size));
  PetscCheck(size == 1, d->run->comm, PETSC_ERR_SUP, "%s: an H is looked for on one rank (threads share the states): leave mpirun out", NomosConfigWhere(config, "discover.hamiltonian.degree"));
  PetscCall(NomosHamiltonianRefuse(config));
  PetscCall(PetscNew(&data));
  d->data = data;
  PetscCall(NomosConfigGetInt(config, "assembly.seeds", &data->draws));
  PetscCall(NomosConfigGetInt(config, "discover.hamiltonian.orbits", &orbits));
  data->n_orbits = (size_t)orbits;
  PetscCall(PetscCalloc1((size_t)data->draws, &data->errors));
  PetscCall(NomosConfigGetString(config, "data.path", &path));
  PetscCall(NomosTrainTryDataMaker(d->run));
  PetscCall(NomosTrainDataMaker(NULL, config, &maker));
  PetscCheck(path[0] || maker[0], d->run->comm, PETSC_ERR_ARG_WRONG, "%s: an H is that of data: give data.path or data.generator", d->run->case_file.path);
  if (path[0]) PetscCall(Open(d, data, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the regression */

/* Data without noise and a library that holds H: all terms leave nothing but rounding of the rates. Then no small term is an error of discretisation, which discover.evidence.relevance is there for. */
static PetscErrorCode TrustExactData(NomosDiscover *d, const NomosDiscoverEquation *e)
{
  static const char key[]    = "discover.evidence.relevance";
  const double      rounding = 1e-12, relevance = 1e-5; /* of squares; of what is explained */
  NomosNormal       normal;
  double           *c, before;
  bool              given;

  PetscFunctionBeginUser;
  if (strcmp(d->method->name, "evidence")) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigIsGiven(d->run->config, key, &given));
  PetscCall(NomosConfigGetReal(d->run->config, key, &before));
  if (given || before == relevance) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosGramNormal(&e->gram, 0, NULL, &normal));
  PetscCall(PetscCalloc1(e->n_terms, &c));
  normal.names        = (const char *const *)e->terms;
  PetscErrorCode code = NomosLeastSquares(&normal, NULL, NULL, c, NULL);
  double         left = normal.s;
  for (size_t j = 0; j < e->n_terms; j++) left -= c[j] * normal.b[j];
  if (!code && left <= rounding * normal.s) {
    PetscCall(NomosConfigSetReal(d->run->config, key, relevance));
    PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "exact", "these terms leave nothing but rounding of the rates: %s = %g", key, relevance));
  }
  PetscCall(PetscFree(c));
  PetscCall(NomosNormalDestroy(&normal));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Regress(NomosDiscover *d, NomosHamiltonianData *data)
{
  NomosDiscoverEquation       *e      = &d->equations[0];
  const NomosHamiltonianStates states = NomosHamiltonianRows(data);
  double                       independence;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "discover.independence", &independence));
  NomosCheck(data->n * data->size >= e->n_terms, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu states of %zu coordinates are %zu rows for the %zu terms of H; give more states, or a lower degree", NomosConfigWhere(d->run->config, "discover.hamiltonian.degree"), data->n, data->size, data->n * data->size, e->n_terms);
  if (e->gram.G) PetscCall(NomosGramDestroy(&e->gram));
  PetscCall(NomosHamiltonianAssemble(data->library, &states, NULL, &e->gram));
  d->n_samples = (double)data->n;
  PetscCall(TrustExactData(d, e));
  PetscCall(NomosDiscoverSolve(d));
  PetscCall(NomosHamiltonianRefine(data->library, &states, &e->constraints, independence, &e->found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosHamiltonianJudge(NomosDiscover *d)
{
  NomosHamiltonianData        *data  = d->data;
  const NomosDiscoverEquation *e     = &d->equations[0];
  double                       worst = 0;

  for (size_t j = 0; e->truth && j < e->n_terms; j++) worst = fmax(worst, fabs(e->found.c[j] - e->truth[j]));
  data->errors[data->n_judged++] = worst;
  data->exact += NomosDiscoverExact(e);
}

/* assembly.seeds draws of points and noise, the seed of the case last. */
static PetscErrorCode Find(NomosDiscover *d)
{
  NomosHamiltonianData *data = d->data;
  double                noise;
  int64_t               seed;
  char                  path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!data->library) {
    PetscCall(NomosTrainMakeData(d->run, path));
    if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(Open(d, data, path));
    PetscCall(NomosDiscoverCheckConstraints(d));
  }
  PetscCall(NomosConfigGetReal(d->run->config, "discover.noise", &noise));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  for (int64_t k = data->draws - 1; k >= 0; k--) {
    PetscCall(See(d, data, (uint64_t)(seed + k)));
    if (data->network) PetscCall(AskNetwork(d, data, (uint64_t)(seed + k)));
    PetscCall(Regress(d, data));
    if (k) NomosHamiltonianJudge(d); /* the last one when it has its intervals */
    PetscCall(NomosRunStopped(d->run));
    if (d->run->stopped_by) break;
  }
  snprintf(d->settings, sizeof d->settings, "%s at %zu states of %zu coordinates%s, noise %g; %zu terms", data->network ? "The network's field" : "Hamilton's equations", data->n, data->size, data->network ? " around those of the data" : data->window.n ? ", means over test functions in time" : "", noise, d->equations[0].n_terms);
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "library", "%s", d->settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosDiscover *d)
{
  NomosHamiltonianData *data = d->data;

  PetscFunctionBeginUser;
  if (!data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosHamiltonianLibraryDestroy(&data->library));
  PetscCall(NomosDistilledDestroy(&data->network));
  PetscCall(NomosTimeWindowDestroy(&data->window));
  PetscCall(NomosOrbitsFree(&data->seen));
  PetscCall(NomosOrbitsFree(&data->seen_rates));
  PetscCall(NomosOrbitsFree(&data->tests));
  PetscCall(NomosOrbitsFree(&data->test_rates));
  for (int r = 0; r < NOMOS_N_ROLLED; r++) PetscCall(NomosOrbitsFree(&data->rolled[r]));
  PetscCall(PetscFree3(data->points, data->x, data->y));
  for (int which = 0; which < 2; which++) PetscCall(PetscFree(data->noisy[which]));
  PetscCall(PetscFree(data->sigma));
  if (data->energy) PetscCall(NomosExpressionDestroy(&data->energy));
  PetscCall(PetscFree(data->errors));
  PetscCall(PetscFree(d->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosDiscoverMode nomos_discover_hamiltonian = {
  .name = "hamiltonian", .energy = true, .prepare = Prepare, .find = Find, .replicate = NomosHamiltonianReplicate, .yaml = NomosHamiltonianWriteYaml, .conclude = NomosHamiltonianConclude, .results = NomosHamiltonianResults, .destroy = Destroy};
