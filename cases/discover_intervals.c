/* What the equations of nomos discover are worth: intervals of their coefficients, and how often each term is found again (surrogates/discovery/intervals.h). */
#include "cases/discover.h"

#include "surrogates/discovery/intervals.h"

#include <math.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_discover_interval_params[] = {
  {"discover.intervals", NOMOS_PARAM_CHOICE, "deviations", NULL, 0, 0, "deviations|blocks|noise", false, "Intervals of coefficients: of least squares with independent errors (by Student's t, whose degrees of freedom are rows times discover.independence less terms; normal ones where deviations are others); from blocks of rows (samples, stretches of time) drawn again; or from data with the noise that they seem to have added once more, which corrects its bias too."},
  {"discover.level",     NOMOS_PARAM_REAL,   "0.95",       NULL, 0.01, 0.999, NULL,             false, "Share of such intervals that should hold the truth."},
  {"discover.draws",     NOMOS_PARAM_INT,    "200",        NULL, 2, 1000000, NULL,              false, "Draws of blocks."},
  {"discover.replicas",  NOMOS_PARAM_INT,    "20",         NULL, 3, 1000000, NULL,              false, "Data with noise added once more."},
  {"discover.bias",      NOMOS_PARAM_CHOICE, "difference", NULL, 0, 0, "kept|difference|reciprocal", false, "What is done to the bias that such noise shows: w - (mean w* - w), or 1/(2/w - 1/mean w*), which is right for a single noisy column."},
  {"discover.stability", NOMOS_PARAM_INT,    "0",          NULL, 0, 1000000, NULL,              false, "Draws of half of the blocks, for the share in which a term is found again (stability selection)."},
};
/* clang-format on */
const size_t nomos_discover_n_interval_params = sizeof nomos_discover_interval_params / sizeof *nomos_discover_interval_params;

static PetscErrorCode Support(const NomosDiscoverEquation *e, bool **support)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(e->n_terms, support));
  for (size_t j = 0; j < e->n_terms; j++) (*support)[j] = e->found.c[j] != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Into the equation: coefficients change only where a bias was corrected. */
static PetscErrorCode Take(NomosDiscoverEquation *e, const NomosIntervals *intervals, bool coefficients)
{
  const size_t bytes = e->n_terms * sizeof(double);

  PetscFunctionBeginUser;
  for (size_t j = 0; j < e->n_terms; j++) { /* of a method that shrinks, and of a refined one, coefficients are its own */
    const double shift = coefficients ? 0 : e->found.c[j] - intervals->c[j];
    e->low[j]          = intervals->lower[j] + shift;
    e->high[j]         = intervals->upper[j] + shift;
  }
  if (coefficients) memcpy(e->found.c, intervals->c, bytes);
  memcpy(e->found.deviation, intervals->deviation, bytes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromBlocks(NomosDiscover *d, double level)
{
  int64_t draws, seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.draws", &draws));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    NomosIntervals         intervals;
    bool                  *support;
    if (e->found.nothing) continue;
    PetscCall(Support(e, &support));
    PetscCall(NomosBlockBootstrap(&(NomosBlockBootstrapInput){.gram = &e->gram, .support = support, .constraints = &e->constraints, .n = (size_t)draws, .seed = (uint64_t)seed, .level = level}, &intervals));
    PetscCall(Take(e, &intervals, false));
    PetscCall(NomosIntervalsDestroy(&intervals));
    PetscCall(PetscFree(support));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Replicate(void *context, size_t replica, NomosGram *gram)
{
  NomosDiscover *d = context;

  PetscFunctionBeginUser;
  PetscCall(d->mode->replicate(d, replica, gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FromNoise(NomosDiscover *d, double level)
{
  NomosParametricBootstrapInput input = {.n_targets = d->n_equations, .level = level, .replicate = Replicate, .context = d};
  int                           bias;
  int64_t                       replicas;
  NomosNormal                  *normals;
  NomosIntervals               *intervals;
  NomosConstraints             *constraints;
  bool                        **supports;

  PetscFunctionBeginUser;
  PetscCheck(d->mode->replicate, d->run->comm, PETSC_ERR_SUP, "%s: discover.intervals = noise: only for equations of data, without a model; use blocks", NomosConfigWhere(d->run->config, "discover.intervals"));
  PetscCall(NomosConfigGetChoice(d->run->config, "discover.bias", &bias));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.replicas", &replicas));
  input.n          = (size_t)replicas;
  input.correction = (NomosBiasCorrection)bias;
  PetscCall(PetscCalloc4(d->n_equations, &normals, d->n_equations, &intervals, d->n_equations, &constraints, d->n_equations, &supports));
  for (size_t i = 0; i < d->n_equations; i++) {
    PetscCall(NomosGramNormal(&d->equations[i].gram, 0, NULL, &normals[i]));
    PetscCall(Support(&d->equations[i], &supports[i]));
    constraints[i] = d->equations[i].constraints;
  }
  input.constraints   = constraints;
  input.normals       = normals;
  input.supports      = (const bool *const *)supports;
  PetscErrorCode code = NomosParametricBootstrap(&input, intervals);
  for (size_t i = 0; i < d->n_equations; i++) {
    if (!code) PetscCall(Take(&d->equations[i], &intervals[i], input.correction != NOMOS_BIAS_KEPT));
    if (!code) PetscCall(NomosIntervalsDestroy(&intervals[i]));
    PetscCall(NomosNormalDestroy(&normals[i]));
    PetscCall(PetscFree(supports[i]));
  }
  PetscCall(PetscFree4(normals, intervals, constraints, supports));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverIntervals(NomosDiscover *d)
{
  const char *kind;
  double      level;
  int64_t     stability, seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(d->run->config, "discover.intervals", &kind));
  PetscCall(NomosConfigGetReal(d->run->config, "discover.level", &level));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.stability", &stability));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    const double           t = NomosStudentQuantile(e->found.freedom, level);
    PetscCall(PetscCalloc1(e->n_terms, &e->low));
    PetscCall(PetscCalloc1(e->n_terms, &e->high));
    for (size_t j = 0; j < e->n_terms; j++) {
      e->low[j]  = e->found.c[j] - t * e->found.deviation[j];
      e->high[j] = e->found.c[j] + t * e->found.deviation[j];
    }
    if (!stability) continue;
    PetscCall(PetscCalloc1(e->n_terms, &e->frequency));
    PetscCall(NomosStabilitySelection(&(NomosGramRegression){.ops = d->method, .config = d->run->config, .gram = &e->gram, .floor = e->floor * e->floor, .constraints = &e->constraints}, (size_t)stability, (uint64_t)seed, e->frequency));
  }
  if (!strcmp(kind, "blocks")) PetscCall(FromBlocks(d, level));
  if (!strcmp(kind, "noise")) PetscCall(FromNoise(d, level));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of all coefficients that are known and were found, the share whose interval holds them. */
PetscErrorCode NomosDiscoverIntervalResults(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  double n = 0, inside = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    for (size_t j = 0; e->truth && e->low && j < e->n_terms; j++) {
      if (e->truth[j] == 0 || e->found.c[j] == 0) continue;
      n++;
      inside += e->low[j] <= e->truth[j] && e->truth[j] <= e->high[j];
    }
  }
  if (n > 0) PetscCall(result("inside_intervals", inside / n, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
