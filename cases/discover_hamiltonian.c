/* The mode of nomos discover for Hamiltonian systems: H from states and their derivatives by time. */
#include "cases/discover_hamiltonian.h"
#include "cases/train.h"

#include "operators/random.h"
#include "surrogates/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_discover_hamiltonian_params[] = {
  {"discover.hamiltonian.degree",       NOMOS_PARAM_INT,             "0",     NULL, 0, 20,  NULL, false, "Terms of H: all monomials of q1, q2, ..., p1, p2, ... up to this degree; 0: none."},
  {"discover.hamiltonian.terms",        NOMOS_PARAM_EXPRESSION_LIST, "",      NULL, 0, 0,   NULL, false, "Terms of H besides, any expressions of the coordinates: [\"cos(q1)\", \"1/sqrt((q1 - q3)^2 + (q2 - q4)^2)\"]."},
  {"discover.hamiltonian.separable",    NOMOS_PARAM_BOOL,            "false", NULL, 0, 0,   NULL, false, "H = T(p) + V(q): of the monomials only those of positions alone and of momenta alone."},
  {"discover.hamiltonian.trajectories", NOMOS_PARAM_INT,             "0",     NULL, 0, 1e9, NULL, false, "So many trajectories of the data are seen, drawn by discover.seed; 0: all."},
  {"discover.hamiltonian.points",       NOMOS_PARAM_INT,             "0",     NULL, 0, 1e9, NULL, false, "So many states of these are seen, spread over the trajectories, drawn by discover.seed; 0: all."},
  {"discover.hamiltonian.energy",       NOMOS_PARAM_EXPRESSION,      "",      NULL, 0, 0,   NULL, false, "The true H, to judge orbits by; unset: that of discover.known.H."},
  {"discover.hamiltonian.orbits",       NOMOS_PARAM_INT,             "10",    NULL, 0, 1e6, NULL, false, "So many trajectories of the data are integrated from their first states with the H that was found."},
};
/* clang-format on */
const size_t nomos_discover_n_hamiltonian_params = sizeof nomos_discover_hamiltonian_params / sizeof *nomos_discover_hamiltonian_params;

/* Streams of random numbers, by discover.seed. */
enum { STREAM_NOISE = 1 << 20 };

/* ---- the data */

static PetscErrorCode ReadData(NomosDiscover *d, NomosHamiltonianData *data, const char path[])
{
  enum { X, T, X_DOT, N_VARIABLES };
  static const NomosDatasetVariable variables[N_VARIABLES] = {[X] = {.name = "x"}, [T] = {.name = "t", .constant = true}, [X_DOT] = {.name = "x_dot"}};
  NomosDatasetInput input = {.path = path, .n_variables = N_VARIABLES, .variables = variables, .frames = true, .window = 1};
  NomosDataset      dataset;
  int64_t           first_frame, every;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "data.first_frame", &first_frame));
  PetscCall(NomosConfigGetInt(d->run->config, "data.every", &every));
  input.first_frame = (size_t)first_frame;
  input.every       = (size_t)every;
  PetscCall(NomosDatasetOpen(d->run->comm, &input, &dataset));
  PetscErrorCode code = NomosOrbitsRead(dataset, NOMOS_SPLIT_TRAIN, X, T, &data->truth);
  if (!code) code = NomosOrbitsRead(dataset, NOMOS_SPLIT_TRAIN, X_DOT, T, &data->rates);
  PetscCall(NomosDatasetClose(&dataset));
  PetscCall(code);
  data->size = data->truth.size;
  NomosCheck(data->size % 2 == 0 && data->rates.size == data->size, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: the data have %zu coordinates x and %zu derivatives x_dot: must be as many, positions first, then as many momenta", path, data->size, data->rates.size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int Ascending(const void *a, const void *b)
{
  const size_t x = *(const size_t *)a, y = *(const size_t *)b;

  return x < y ? -1 : x > y;
}

/* Which states are seen in a draw: trajectories, and of each its even share of the points. */
static PetscErrorCode DrawPoints(NomosDiscover *d, NomosHamiltonianData *data, uint64_t seed)
{
  const size_t n_times = data->truth.n_times;
  int64_t      trajectories, points;
  size_t      *orbits, *times, at = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.trajectories", &trajectories));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.hamiltonian.points", &points));
  const size_t n = trajectories ? (size_t)trajectories : data->truth.n, n_points = points ? (size_t)points : n * n_times;
  PetscCheck(n <= data->truth.n, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.hamiltonian.trajectories = %zu: the data have %zu", NomosConfigWhere(d->run->config, "discover.hamiltonian.trajectories"), n, data->truth.n);
  PetscCheck(n_points <= n * n_times, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.hamiltonian.points = %zu: %zu trajectories of %zu states have %zu", NomosConfigWhere(d->run->config, "discover.hamiltonian.points"), n_points, n, n_times, n * n_times);
  PetscCall(PetscMalloc2(data->truth.n, &orbits, n_times, &times));
  NomosPermutation(seed, 0, data->truth.n, orbits);
  PetscCall(PetscFree3(data->points, data->x, data->y));
  PetscCall(PetscMalloc3(n_points, &data->points, n_points * data->size, &data->x, n_points * data->size, &data->y));
  for (size_t o = 0; o < n; o++) {
    const size_t share = (o + 1) * n_points / n - o * n_points / n;
    NomosPermutation(seed, 1 + (int64_t)orbits[o], n_times, times);
    qsort(times, share, sizeof *times, Ascending);
    for (size_t i = 0; i < share; i++) data->points[at++] = orbits[o] * n_times + times[i];
  }
  data->n_points = n_points;
  PetscCall(PetscFree2(orbits, times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* discover.noise times the root mean square of every coordinate, and of its rate. */
static void AddNoise(const NomosHamiltonianData *data, double noise, uint64_t seed)
{
  const size_t  size = data->size, n = data->truth.n * data->truth.n_times;
  const double *from[] = {data->truth.x, data->rates.x};
  double       *to[]   = {data->x, data->y};

  for (size_t which = 0; which < 2; which++)
    for (size_t i = 0; i < size; i++) {
      double square = 0;
      for (size_t s = 0; s < n && noise > 0; s++) square += from[which][s * size + i] * from[which][s * size + i];
      const double sigma = noise * sqrt(square / (double)n);
      for (size_t s = 0; s < data->n_points; s++) {
        const size_t at          = data->points[s] * size + i;
        to[which][s * size + i] = from[which][at] + (sigma > 0 ? sigma * NomosRandomNormal(seed, STREAM_NOISE + which, at) : 0);
      }
    }
}

/* ---- the equation */

/* discover.known.H, and the energy to judge orbits by. */
static PetscErrorCode ReadKnown(NomosDiscover *d, NomosHamiltonianData *data)
{
  NomosConfig            config = d->run->config;
  NomosDiscoverEquation *e      = &d->equations[0];
  const char *const     *terms, *energy;
  const double          *coefficients;
  size_t                 n, n_coefficients;
  bool                   has;
  char                  *text = NULL;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHasPrefix(config, "discover.known.H.", &has));
  if (has) {
    PetscCall(NomosConfigGetStrings(config, "discover.known.H.terms", &n, &terms));
    PetscCall(NomosConfigGetReals(config, "discover.known.H.coefficients", &n_coefficients, &coefficients));
    PetscCheck(n == n_coefficients, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: discover.known.H.coefficients has %zu entries for %zu terms; one for each is needed", NomosConfigWhere(config, "discover.known.H.coefficients"), n_coefficients, n);
    PetscCall(PetscCalloc1(e->n_terms, &e->truth));
    for (size_t i = 0; i < n; i++) {
      size_t k;
      PetscCall(NomosHamiltonianLibraryFind(data->library, terms[i], &k));
      PetscCheck(k < e->n_terms, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.known.H.terms: '%s' is not in the library, so that it cannot be found; give the true H as discover.hamiltonian.energy", NomosConfigWhere(config, "discover.known.H.terms"), terms[i]);
      e->truth[k] += coefficients[i];
    }
    PetscCall(NomosHamiltonianLibraryExpression(data->library, e->truth, &text));
  }
  PetscCall(NomosConfigGetString(config, "discover.hamiltonian.energy", &energy));
  PetscErrorCode code = energy[0] || text ? NomosOrbitsEnergyCreate(energy[0] ? energy : text, data->size, &data->energy) : PETSC_SUCCESS;
  PetscCall(PetscFree(text));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLibrary(NomosDiscover *d, NomosHamiltonianData *data)
{
  NomosConfig                  config = d->run->config;
  NomosHamiltonianLibraryInput input  = {.d = data->size / 2, .where = NomosConfigWhere(config, "discover.hamiltonian.degree")};
  const char                 **texts[2];
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
  PetscCall(PetscMalloc2(n, &texts[0], n, &texts[1]));
  for (size_t k = 0; k < n; k++) {
    texts[0][k] = NomosHamiltonianLibraryText(data->library, k);
    texts[1][k] = NomosHamiltonianLibraryLatex(data->library, k);
  }
  PetscCall(NomosDiscoverAdd(d, "H", n, texts[0], texts[1]));
  PetscCall(PetscFree2(texts[0], texts[1]));
  PetscCall(ReadKnown(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(NomosDiscover *d, NomosHamiltonianData *data, const char path[])
{
  PetscFunctionBeginUser;
  PetscCall(ReadData(d, data, path));
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

static PetscErrorCode Regress(NomosDiscover *d, NomosHamiltonianData *data)
{
  NomosDiscoverEquation       *e      = &d->equations[0];
  const NomosHamiltonianStates states = {.n = data->n_points, .x = data->x, .x_dot = data->y};

  PetscFunctionBeginUser;
  NomosCheck(data->n_points * data->size >= e->n_terms, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu states of %zu coordinates are %zu rows for the %zu terms of H; give more states, or a lower degree", NomosConfigWhere(d->run->config, "discover.hamiltonian.degree"), data->n_points, data->size, data->n_points * data->size, e->n_terms);
  if (e->gram.G) PetscCall(NomosGramDestroy(&e->gram));
  PetscCall(NomosHamiltonianAssemble(data->library, &states, NULL, &e->gram));
  d->n_samples = (double)data->n_points;
  PetscCall(NomosDiscoverSolve(d));
  PetscCall(NomosHamiltonianRefine(data->library, &states, &e->constraints, &e->found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Judge(const NomosDiscoverEquation *e, NomosHamiltonianData *data)
{
  double worst = 0;

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
    PetscCall(DrawPoints(d, data, (uint64_t)(seed + k)));
    AddNoise(data, noise, (uint64_t)(seed + k));
    PetscCall(Regress(d, data));
    Judge(&d->equations[0], data);
    PetscCall(NomosRunStopped(d->run));
    if (d->run->stopped_by) break;
  }
  snprintf(d->settings, sizeof d->settings, "Hamilton's equations at %zu states of %zu coordinates, noise %g; %zu terms", data->n_points, data->size, noise, d->equations[0].n_terms);
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "library", "%s", d->settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosDiscover *d)
{
  NomosHamiltonianData *data = d->data;

  PetscFunctionBeginUser;
  if (!data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosHamiltonianLibraryDestroy(&data->library));
  PetscCall(NomosOrbitsFree(&data->truth));
  PetscCall(NomosOrbitsFree(&data->rates));
  for (int r = 0; r < NOMOS_N_ROLLED; r++) PetscCall(NomosOrbitsFree(&data->rolled[r]));
  PetscCall(PetscFree3(data->points, data->x, data->y));
  if (data->energy) PetscCall(NomosExpressionDestroy(&data->energy));
  PetscCall(PetscFree(data->errors));
  PetscCall(PetscFree(d->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosDiscoverMode nomos_discover_hamiltonian = {
  .name = "hamiltonian", .energy = true, .prepare = Prepare, .find = Find, .yaml = NomosHamiltonianWriteYaml, .conclude = NomosHamiltonianConclude, .results = NomosHamiltonianResults, .destroy = Destroy};
