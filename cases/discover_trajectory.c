/* The fit of trajectories and what it says of the coefficients (discover_trajectory.h). */
#include "cases/discover_trajectory_impl.h"

#include "operators/correlation.h"
#include "operators/reduce.h"

#include <float.h>
#include <math.h>
#include <petscblaslapack.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_discover_trajectory_params[] = {
  {"discover.assimilation",         NOMOS_PARAM_CHOICE, "none",  NULL, 0, 0,       "none|trajectory|weak_4dvar", false, "Increments of forecasts that begin at what was observed; trajectories that fit what was observed at several times (trajectory: of a twin alone, a case with its map `truth:`; for observations of a file take weak_4dvar); or the model errors that weak-constraint 4D-Var finds beside them, every discover.horizon."},
  {"discover.polish",               NOMOS_PARAM_BOOL,   "false", NULL, 0, 0,       NULL,  false, "Coefficients found from increments are refined by trajectories that fit what was observed at several times."},
  {"discover.trajectory.steps",     NOMOS_PARAM_INT,    "40",    NULL, 1, 1000000, NULL,  false, "Time steps of a window; discover.samples windows begin discover.every apart."},
  {"discover.trajectory.times",     NOMOS_PARAM_INT,    "11",    NULL, 2, 1000000, NULL,  false, "Times of observation of a window, evenly, from its begin to its end."},
  {"discover.trajectory.fraction",  NOMOS_PARAM_REAL,   "",      NULL, DBL_MIN, 1, NULL,  false, "Part of the points that is observed, drawn by itself. Unset: all, or in polishing those of discover.fraction, the same ones that the interpolation has."},
  {"discover.trajectory.points",    NOMOS_PARAM_CHOICE, "fixed", NULL, 0, 0,       "fixed|moving", false, "The same points at every time, or others; where fraction is not given, discover.points says it."},
  {"discover.trajectory.deviation", NOMOS_PARAM_REAL,   "1e-3",  NULL, DBL_MIN, DBL_MAX, NULL, false, "Observations count with at least this standard deviation, relative to that of the field in its layer; discover.noise is what they really have."},
  {"discover.trajectory.prior",     NOMOS_PARAM_REAL,   "1",     NULL, 0, DBL_MAX, NULL,  false, "Standard deviation of the prior of each coefficient that is looked for, about the model's; 0: none."},
  {"discover.trajectory.stages",    NOMOS_PARAM_INT,    "3",     NULL, 1, 1000,    NULL,  false, "The window grows in so many to its full length, the first of several being 3D-Var at its begin."},
  {"discover.trajectory.iterations", NOMOS_PARAM_INT,   "8",     NULL, 1, 1000,    NULL,  false, "Gauss-Newton iterations in a stage, at most."},
  {"discover.trajectory.inner",     NOMOS_PARAM_INT,    "100",   NULL, 1, 100000,  NULL,  false, "Conjugate gradients in an iteration, at most."},
  {"discover.trajectory.reduction", NOMOS_PARAM_REAL,   "1e-7",  NULL, DBL_MIN, 1, NULL,  false, "The minimisation ends when the norm of the gradient has fallen by this factor."},
};
/* clang-format on */
const size_t nomos_discover_n_trajectory_params = sizeof nomos_discover_trajectory_params / sizeof *nomos_discover_trajectory_params;

PetscErrorCode NomosDiscoverTrajectoryAsked(NomosDiscover *d, bool *find, bool *polish)
{
  const NomosIncrements *m = d->data;
  const char            *text;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(d->run->config, "discover.assimilation", &text));
  *find = !strcmp(text, "trajectory");
  PetscCall(NomosConfigGetBool(d->run->config, "discover.polish", polish));
  PetscCheck(m->truth.model || !*find, d->run->comm, PETSC_ERR_SUP, "%s: discover.assimilation: trajectory looks at the real system of a twin experiment (`truth:`), and the observations are of a file; take weak_4dvar", d->run->case_file.path);
  PetscCheck(m->truth.model || m->observations || !*polish, d->run->comm, PETSC_ERR_SUP, "%s: discover.polish needs a twin experiment (`truth:`) or discover.observations", d->run->case_file.path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFit(NomosDiscover *d, NomosTrajectoryFit *fit)
{
  NomosIncrements       *m      = d->data;
  NomosConfig            config = d->run->config;
  const char            *points;
  bool                   own;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.steps", &fit->steps));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.times", &fit->times));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.stages", &fit->stages));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.iterations", &fit->iterations));
  PetscCall(NomosConfigGetInt(config, "discover.trajectory.inner", &fit->inner));
  PetscCall(NomosConfigIsGiven(config, "discover.trajectory.fraction", &own));
  PetscCall(NomosConfigGetReal(config, own ? "discover.trajectory.fraction" : "discover.fraction", &fit->fraction));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.deviation", &fit->least));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.prior", &fit->prior));
  PetscCall(NomosConfigGetReal(config, "discover.trajectory.reduction", &fit->reduction));
  PetscCall(NomosConfigGetString(config, own ? "discover.trajectory.points" : "discover.points", &points));
  fit->shared   = !own;
  fit->moving   = !strcmp(points, "moving");
  fit->n_layers = m->n_layers;
  fit->layer    = m->points / fit->n_layers;
  fit->state    = fit->fraction < 1 || m->noise > 0;
  PetscCheck(fit->times <= fit->steps + 1, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.trajectory.times: %lld times do not fit into %lld steps", NomosConfigWhere(config, "discover.trajectory.times"), (long long)fit->times, (long long)fit->steps);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the fit */

static double MinusSquare(void *ctx, int layer, double K)
{
  (void)ctx;
  (void)layer;
  return -K * K;
}

/* Relative errors of the initial states: over all layers in units of their sigma, and of each layer alone, of the field and on planes of its Laplacian. */
static PetscErrorCode StateError(NomosDiscover *d, NomosTrajectoryFit *fit, NomosVariational c)
{
  NomosIncrements     *m        = d->data;
  const size_t         n        = fit->n_layers;
  NomosOperator        laplacian = NULL;
  NomosBackgroundInput grid;
  double              *fields[2], *smooth, *squares; /* squares (2, n, 2): of field and Laplacian; in each layer; of the error and of the truth */

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(m->points + 1, &fields[0], m->points + 1, &fields[1], m->points + 1, &smooth, 4 * n, &squares));
  PetscCall(PetscArrayzero(squares, 4 * n));
  PetscCall(NomosBackgroundGrid(m->forecaster.model, m->forecaster.field->name, &grid));
  if (grid.nx && grid.ny > 1) PetscCall(NomosCorrelationCreate(d->run->comm, &(NomosCorrelationInput){.nx = grid.nx, .ny = grid.ny, .n_layers = grid.n_layers, .lx = grid.lx, .ly = grid.ly, .amplitude = MinusSquare}, &laplacian));
  for (int64_t s = 0; s < m->n_samples; s++) {
    const void *x;
    PetscCall(NomosVariationalState(c, (size_t)s, 0, &x));
    PetscCall(m->forecaster.derivatives->field(m->forecaster.model, m->forecaster.observed, x, fields[0]));
    for (size_t i = 0; i < m->points; i++) {
      fields[1][i] = fit->begin[(size_t)s * m->points + i];
      fields[0][i] -= fields[1][i];
    }
    for (size_t k = 0; k < 2 + 2 * (size_t)(laplacian != NULL); k++) {
      if (k >= 2) PetscCall(NomosOperatorApply(laplacian, (const double *const[]){fields[k - 2]}, (double *const[]){smooth}));
      const double *values = k < 2 ? fields[k] : smooth;
      for (size_t i = 0; i < m->points; i++) squares[(k / 2 * n + i / fit->layer) * 2 + k % 2] += values[i] * values[i];
    }
  }
  PetscCall(NomosSumOverRanks(d->run->comm, 4 * n, squares));
  double sums[2] = {0};
  for (size_t l = 0; l < n; l++)
    for (int k = 0; k < 2; k++) sums[k] += squares[2 * l + (size_t)k] / (fit->sigma[l] * fit->sigma[l]);
  fit->state_error = sqrt(sums[0] / sums[1]);
  m->n_fit_errors  = PetscMin(n, NOMOS_INCREMENTS_MAX_LAYERS);
  for (size_t i = 0; i < 2; i++)
    for (size_t l = 0; l < m->n_fit_errors; l++) m->fit_errors[i][l] = i && !laplacian ? NAN : sqrt(squares[(i * n + l) * 2] / squares[(i * n + l) * 2 + 1]);
  PetscCall(NomosOperatorDestroy(&laplacian));
  PetscCall(PetscFree4(fields[0], fields[1], smooth, squares));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fits: u->p and u->G; `start`: the control vector to begin with (its states), and the one at the end, kept for the next fit. */
static PetscErrorCode Minimise(NomosDiscover *d, NomosTrajectoryFit *fit, NomosUnknowns *u, Vec *start)
{
  NomosIncrements   *m     = d->data;
  NomosMinimiseInput input = nomos_minimise_defaults;
  NomosVariational   c;
  Vec                control;
  const double      *from;
  double            *to;
  PetscInt           n_from, n_to;

  PetscFunctionBeginUser;
  PetscCall(NomosVariationalCreate(&(NomosVariationalInput){.model = m->forecaster.model, .control = m->forecaster.field->name, .n_windows = (size_t)m->n_samples, .windows = fit->windows, .state = fit->state,
                                                            .background = fit->background, .n_unknown = u->n, .unknown = u->keys, .first = u->first, .prior = u->prior, .deviation = u->deviation}, &c));
  PetscCall(NomosVariationalControl(c, &control));
  const size_t n_states = fit->state ? (size_t)m->n_samples * m->points : 0;
  if (*start) { /* parameters come behind the states; theirs begin at u->first */
    PetscCall(VecGetLocalSize(*start, &n_from));
    PetscCall(VecGetLocalSize(control, &n_to));
    PetscCall(VecGetArrayRead(*start, &from));
    PetscCall(VecGetArray(control, &to));
    memcpy(to, from, sizeof *to * n_states);
    PetscCall(VecRestoreArray(control, &to));
    PetscCall(VecRestoreArrayRead(*start, &from));
  }
  input.iterations       = fit->iterations;
  input.inner_iterations = fit->inner;
  input.reduction        = *start || !fit->state ? 1e-12 : fit->reduction;
  input.stages           = fit->state && !*start ? fit->stages : 1;
  input.monitor          = NomosUnknownsMonitor;
  input.ctx              = d->run;
  if (!fit->state) input.iterations = 50;
  PetscCall(NomosVariationalMinimise(c, &input, &fit->minimised));
  PetscCall(NomosLogProgressEnd(d->run->log));
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "fit", "%lld observations, %zu coefficients: cost %.6g to %.6g in %lld iterations with %lld Hessian products: %s", (long long)fit->minimised.n_seen, u->n, fit->minimised.J_first, fit->minimised.J, (long long)fit->minimised.iterations, (long long)fit->minimised.products, fit->minimised.reason));
  PetscCall(NomosVariationalParameters(c, u->p));
  PetscCall(StateError(d, fit, c));
  PetscCall(NomosVariationalNormal(c, 1e-2, u->G, NULL));
  PetscCall(VecDestroy(start));
  PetscCall(VecDuplicate(control, start));
  PetscCall(VecCopy(control, *start));
  PetscCall(NomosVariationalDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A := G_EE - G_ER G_RR^-1 G_RE: the unknowns of equation `which`, those of the others eliminated. */
static PetscErrorCode Eliminate(const NomosUnknowns *u, size_t which, size_t *n_in, double A[])
{
  const size_t  n = u->n;
  const double *G = u->G;
  PetscBLASInt info, size, sides;
  double      *R, *X;
  size_t       n_out = 0, *in, *out;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(n, &in, n, &out, n * n, &R, n * n, &X));
  *n_in = 0;
  for (size_t i = 0; i < n; i++) {
    if (u->equation[i] == which) in[(*n_in)++] = i;
    else out[n_out++] = i;
  }
  for (size_t i = 0; i < n_out; i++) {
    for (size_t j = 0; j < n_out; j++) R[i * n_out + j] = G[out[i] * n + out[j]] * (i == j ? 1 + 1e-12 : 1);
    for (size_t j = 0; j < *n_in; j++) X[j * n_out + i] = G[out[i] * n + in[j]];
  }
  size  = (PetscBLASInt)n_out;
  sides = (PetscBLASInt)*n_in;
  info  = 0;
  if (n_out) LAPACKpotrf_("L", &size, R, &size, &info);
  if (n_out && !info) LAPACKpotrs_("L", &size, &sides, R, &size, X, &size, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "discover: what was seen does not tell the terms of discover.library apart; take some away, or see more");
  for (size_t i = 0; i < *n_in; i++)
    for (size_t j = 0; j < *n_in; j++) {
      A[i * *n_in + j] = G[in[i] * n + in[j]];
      for (size_t k = 0; k < n_out; k++) A[i * *n_in + j] -= G[in[i] * n + out[k]] * X[j * n_out + k];
    }
  PetscCall(PetscFree4(in, out, R, X));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the fit says of an equation, in normal form. */
static PetscErrorCode SetGram(NomosDiscover *d, const NomosTrajectoryFit *fit, const NomosUnknowns *u)
{
  double *A;
  size_t  n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(u->n * u->n, &A));
  for (size_t e = 0, at = 0; e < d->n_equations; at += d->equations[e++].n_terms) {
    NomosGram *gram = &d->equations[e].gram;
    if (gram->G) PetscCall(NomosGramDestroy(gram));
    PetscCall(NomosGramCreate(d->equations[e].n_terms, 1, 1, gram));
    PetscCall(Eliminate(u, e, &n, A));
    gram->n[0] = (double)fit->minimised.n_seen;
    gram->s[0] = 2 * fit->minimised.J;
    for (size_t i = 0; i < n; i++) {
      gram->b[i] = 0;
      for (size_t j = 0; j < n; j++) {
        gram->G[i * n + j] = A[i * n + j];
        gram->b[i] += A[i * n + j] * (u->p[at + j] - d->equations[e].model[j]);
      }
      gram->s[0] += (u->p[at + i] - d->equations[e].model[i]) * gram->b[i];
    }
  }
  PetscCall(PetscFree(A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Coefficients p (n) with covariance C (n, n), the nearest to zero in its deviations first: while it is within two of them it leaves, and the others take what is theirs of it. True: some have left. */
static bool Prune(size_t n, double p[], double C[])
{
  bool pruned = false;

  for (;;) {
    size_t least = n;
    for (size_t i = 0; i < n; i++)
      if (p[i] != 0 && (least == n || p[i] * p[i] * C[least * n + least] < p[least] * p[least] * C[i * n + i])) least = i;
    if (least == n || !(p[least] * p[least] < 4 * C[least * n + least])) return pruned;
    const double variance = C[least * n + least], value = p[least];
    for (size_t i = 0; i < n; i++) p[i] -= C[i * n + least] / variance * value;
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < n; j++)
        if (i != least && j != least) C[i * n + j] -= C[i * n + least] * C[j * n + least] / variance;
    for (size_t i = 0; i < n; i++) C[i * n + least] = C[least * n + i] = 0;
    p[least] = 0;
    pruned   = true;
  }
}

/* The terms that were found, fitted again alone: coefficients, and their deviations. *pruned: some of them turn out to be zero, which the regression could not know, and have left. */
static PetscErrorCode Refit(NomosDiscover *d, NomosTrajectoryFit *fit, Vec *start, bool *pruned)
{
  PetscBLASInt  info, n;
  NomosUnknowns u;

  PetscFunctionBeginUser;
  *pruned = false;
  PetscCall(NomosIncrementsSetModel(d, true)); /* those that were not found are 0, not what the fit of all made of them */
  PetscCall(NomosUnknownsCreate(d, false, 0, &u));
  if (u.n) {
    PetscCall(Minimise(d, fit, &u, start));
    n = (PetscBLASInt)u.n;
    LAPACKpotrf_("L", &n, u.G, &n, &info);
    if (!info) LAPACKpotri_("L", &n, u.G, &n, &info);
    const double noise = 2 * fit->minimised.J / (double)fit->minimised.n_seen; /* variance of weighted departures: 1 where deviations are what they are said to be */
    for (size_t i = 0; i < u.n; i++) {
      u.p[i] -= d->equations[u.equation[i]].model[u.term[i]];
      for (size_t j = 0; j <= i; j++) u.G[i * u.n + j] = u.G[j * u.n + i] = info ? NAN : noise * u.G[j * u.n + i];
    }
    *pruned = Prune(u.n, u.p, u.G);
    for (size_t e = 0; e < d->n_equations; e++) {
      d->equations[e].found.nothing = true;
      d->equations[e].found.freedom = INFINITY;
    }
    for (size_t i = 0; i < u.n; i++) {
      NomosRegression *found      = &d->equations[u.equation[i]].found;
      found->c[u.term[i]]         = u.p[i];
      found->deviation[u.term[i]] = sqrt(u.G[i * u.n + i]);
      found->nothing              = found->nothing && u.p[i] == 0;
    }
  }
  PetscCall(NomosUnknownsDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RefitWhatStays(NomosDiscover *d, NomosTrajectoryFit *fit, Vec *start)
{
  bool pruned = true;

  PetscFunctionBeginUser;
  while (pruned) PetscCall(Refit(d, fit, start, &pruned));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(NomosDiscover *d, NomosTrajectoryFit *fit)
{
  PetscFunctionBeginUser;
  PetscCall(ReadFit(d, fit));
  PetscCall(NomosTrajectoryFitSee(d, fit));
  if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosIncrementsSetModel(d, false));
  if (fit->state) PetscCall(NomosTrajectoryFitPrior(d, fit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(NomosDiscover *d, NomosTrajectoryFit *fit, Vec *start)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  m->corrected        = true;
  m->fit_cost         = fit->minimised.J;
  m->fit_seen         = fit->minimised.n_seen;
  m->fit_state_error  = fit->state_error;
  d->n_samples        = (double)m->n_samples;
  PetscCall(NomosIncrementsSetModel(d, true));
  PetscCall(VecDestroy(start));
  PetscCall(NomosTrajectoryFitDestroy(d, fit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverTrajectoryFind(NomosDiscover *d)
{
  NomosTrajectoryFit fit   = {0};
  Vec                start = NULL;
  NomosUnknowns      u;

  PetscFunctionBeginUser;
  PetscCall(Begin(d, &fit));
  if (!d->run->stopped_by) {
    PetscCall(NomosUnknownsCreate(d, true, fit.prior, &u));
    PetscCall(Minimise(d, &fit, &u, &start));
    PetscCall(SetGram(d, &fit, &u));
    PetscCall(NomosDiscoverSolve(d));
    PetscCall(NomosUnknownsDestroy(&u));
    PetscCall(RefitWhatStays(d, &fit, &start));
  }
  PetscCall(End(d, &fit, &start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverTrajectoryPolish(NomosDiscover *d)
{
  NomosIncrements   *m     = d->data;
  NomosTrajectoryFit fit   = {0};
  Vec                start = NULL;

  PetscFunctionBeginUser;
  m->unpolished = 0;
  for (size_t e = 0; e < d->n_equations; e++) m->unpolished = fmax(m->unpolished, NomosDiscoverError(&d->equations[e], d->equations[e].found.c));
  PetscCall(Begin(d, &fit));
  if (!d->run->stopped_by) PetscCall(RefitWhatStays(d, &fit, &start));
  PetscCall(End(d, &fit, &start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverTrajectoryResults(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  if (!m->fit_seen) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(result("observations", (double)m->fit_seen, ctx));
  PetscCall(result("misfit", 2 * m->fit_cost / (double)m->fit_seen, ctx));
  PetscCall(result("state_error", m->fit_state_error, ctx));
  for (size_t i = 0; i < 2; i++)
    for (size_t l = 0; l < m->n_fit_errors; l++) {
      char name[64];
      snprintf(name, sizeof name, "%s_error_%zu", i ? "laplacian" : "field", l + 1);
      if (isfinite(m->fit_errors[i][l])) PetscCall(result(name, m->fit_errors[i][l], ctx));
    }
  if (m->unpolished > 0) PetscCall(result("coefficient_error_before_polishing", m->unpolished, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
