/* The mode of nomos discover that has a model: increments, columns, and the passes of Gauss-Newton; discover_increments.h says the equations. */
#include "cases/discover_trajectory.h"

#include "operators/model_fields.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* An increment below this part of the variable, for a state in double precision, is what rounding leaves. */
static const double rounding = 1e-11;

/* The variable of an equation in a state, by what is seen of the state. */
static PetscErrorCode Read(NomosIncrements *m, NomosIncrementsWork *w, size_t equation, const void *x, double values[])
{
  const NomosForecaster    *f     = &m->forecaster;
  const NomosVariablePlace *place = &m->places[equation];
  const NomosModelField    *list;
  size_t                    n;

  PetscFunctionBeginUser;
  PetscCall(f->derivatives->fields(f->model, &n, &list));
  PetscCall(f->derivatives->field(f->model, f->observed, x, w->psi));
  PetscCall(f->derivatives->from_field(f->model, f->observed, w->psi, w->seen));
  PetscCall(f->derivatives->field(f->model, place->field, w->seen, w->q));
  PetscCall(PetscArraycpy(values, w->q + place->first, place->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tangent columns of one pair, beginning at psi. */
static PetscErrorCode TangentColumns(NomosDiscover *d, NomosIncrements *m, NomosIncrementsWork *w, double scale)
{
  const NomosForecaster *f = &m->forecaster;
  double                *p_dot;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(m->n_parameters + 1, &p_dot));
  for (size_t e = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) {
      double *column = w->columns[e][j];
      PetscCall(PetscMemzero(w->x_dot, f->bytes));
      p_dot[m->parameters[e][j]] = 1;
      for (int64_t i = 0; i < m->horizon; i++) {
        PetscCall(NomosModelSetClock(f->model, i));
        PetscCall(f->derivatives->jvp(f->model, w->states + (size_t)i * f->bytes, w->x_dot, p_dot));
      }
      p_dot[m->parameters[e][j]] = 0;
      PetscCall(Read(m, w, e, w->x_dot, column));
      for (size_t k = 0; k < m->places[e].n; k++) column[k] *= scale;
    }
  PetscCall(PetscFree(p_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms themselves, at a state. */
static PetscErrorCode PlainColumns(NomosDiscover *d, NomosIncrements *m, NomosIncrementsWork *w, const void *x)
{
  NomosModel                 model = m->forecaster.model;
  NomosEquations             set;
  const NomosEquationsEntry *entries;
  const NomosModelParameter *list;
  const double *const       *fields;
  double                   **columns;
  size_t                     n;

  PetscFunctionBeginUser;
  PetscCall(model->ops->equations(model, x, &set, &fields));
  PetscCall(NomosEquationsEntries(set, &n, &entries));
  PetscCall(NomosModelGetParameters(model, &m->n_parameters, &list));
  PetscCall(PetscMalloc1(n, &columns));
  for (size_t e = 0; e < d->n_equations; e++) {
    PetscCall(PetscArrayzero(columns, n));
    for (size_t j = 0; j < d->equations[e].n_terms; j++)
      for (size_t k = 0; k < n; k++)
        if (entries[k].parameter.param == list[m->parameters[e][j]].param && entries[k].parameter.entry == list[m->parameters[e][j]].entry) columns[entries[k].term] = w->columns[e][j];
    PetscCall(NomosTermsEvaluate(NomosEquationsTerms(set), fields, columns));
  }
  PetscCall(PetscFree(columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsSee(NomosDiscover *d, size_t equation, const double psi[], double values[], NomosIncrementsWork *w)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  PetscCall(m->forecaster.derivatives->from_field(m->forecaster.model, m->forecaster.observed, psi, w->x));
  PetscCall(Read(m, w, equation, w->x, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsTarget(NomosDiscover *d, size_t sample, NomosIncrementsWork *w)
{
  NomosIncrements       *m     = d->data;
  const NomosForecaster *f     = &m->forecaster;
  const double          *psi   = m->pairs + sample * 2 * m->points;
  const double           scale = 1 / ((double)m->horizon * f->model->dt);

  PetscFunctionBeginUser;
  PetscCall(f->derivatives->from_field(f->model, f->observed, psi + m->points, w->x));
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(Read(m, w, e, w->x, w->left[e]));
  PetscCall(f->derivatives->from_field(f->model, f->observed, psi, w->x));
  PetscCall(NomosModelSetClock(f->model, 0));
  PetscCall(f->derivatives->set_state(f->model, w->x));
  for (int64_t i = 0; i < m->horizon; i++) {
    PetscCall(f->derivatives->get_state(f->model, w->states + (size_t)i * f->bytes));
    PetscCall(f->model->ops->step(f->model));
  }
  PetscCall(f->derivatives->get_state(f->model, w->x));
  for (size_t e = 0; e < d->n_equations; e++) {
    double *left = w->left[e], *forecast = w->target[e], size = 0, sum = 0;
    PetscCall(Read(m, w, e, w->x, forecast));
    for (size_t k = 0; k < m->places[e].n; k++) {
      size = fmax(size, fabs(forecast[k]));
      sum += forecast[k];
      left[k] = scale * (left[k] - forecast[k]);
    }
    if (!isfinite(sum)) size = INFINITY;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &size, 1, MPI_DOUBLE, MPI_MAX, d->run->comm));
    PetscCheck(size < INFINITY, d->run->comm, PETSC_ERR_FP, "the forecast of pair %zu over %lld steps blows up with the model's terms%s; a smaller time.dt or discover.horizon is needed%s", sample + 1, (long long)m->horizon, m->corrected ? " and those found so far" : "", m->corrected ? ", or discover.iterations: 1" : "");
    d->equations[e].floor = fmax(d->equations[e].floor, rounding * scale * size * (f->model->precision == NOMOS_F32 ? FLT_EPSILON / DBL_EPSILON : 1));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsPair(NomosDiscover *d, size_t sample, NomosIncrementsWork *w)
{
  NomosIncrements       *m     = d->data;
  const NomosForecaster *f     = &m->forecaster;

  PetscFunctionBeginUser;
  PetscCall(NomosIncrementsTarget(d, sample, w));
  if (m->columns == NOMOS_COLUMNS_TANGENT) PetscCall(TangentColumns(d, m, w, 1 / ((double)m->horizon * f->model->dt)));
  else {
    if (m->columns == NOMOS_COLUMNS_ANALYSIS) PetscCall(f->derivatives->from_field(f->model, f->observed, m->pairs + (2 * sample + 1) * m->points, w->x));
    PetscCall(PlainColumns(d, m, w, w->x));
  }
  for (size_t e = 0; e < d->n_equations && m->smoothing; e++) { /* both sides: the equation stays true */
    PetscCall(NomosOperatorApply(m->smoothing, (const double *const[]){w->left[e]}, &w->left[e]));
    for (size_t j = 0; j < d->equations[e].n_terms; j++) PetscCall(NomosOperatorApply(m->smoothing, (const double *const[]){w->columns[e][j]}, &w->columns[e][j]));
  }
  for (size_t e = 0; e < d->n_equations; e++) {
    PetscCall(PetscArraycpy(w->target[e], w->left[e], m->places[e].n));
    for (size_t j = 0; j < d->equations[e].n_terms && m->corrected; j++)
      for (size_t k = 0; k < m->places[e].n; k++) w->target[e][k] += d->equations[e].found.c[j] * w->columns[e][j][k];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsWorkCreate(NomosDiscover *d, NomosIncrementsWork *w)
{
  NomosIncrements       *m = d->data;
  const NomosModelField *list;
  size_t                 n, largest = 0;

  PetscFunctionBeginUser;
  PetscCall(m->forecaster.derivatives->fields(m->forecaster.model, &n, &list));
  for (size_t i = 0; i < n; i++) largest = PetscMax(largest, NomosModelFieldPoints(&list[i]));
  PetscCall(PetscMalloc3(m->forecaster.bytes, (char **)&w->x, m->forecaster.bytes, (char **)&w->x_dot, m->forecaster.bytes, (char **)&w->seen));
  PetscCall(PetscMalloc3(largest + 1, &w->psi, largest + 1, &w->q, (size_t)m->horizon * m->forecaster.bytes, &w->states));
  PetscCall(PetscMalloc3(d->n_equations, &w->target, d->n_equations, &w->left, d->n_equations, &w->columns));
  for (size_t e = 0; e < d->n_equations; e++) {
    PetscCall(PetscMalloc2(m->places[e].n + 1, &w->target[e], m->places[e].n + 1, &w->left[e]));
    PetscCall(PetscMalloc1(d->equations[e].n_terms, &w->columns[e]));
    for (size_t j = 0; j < d->equations[e].n_terms; j++) PetscCall(PetscMalloc1(m->places[e].n + 1, &w->columns[e][j]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsWorkDestroy(NomosDiscover *d, NomosIncrementsWork *w)
{
  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++) {
    PetscCall(PetscFree2(w->target[e], w->left[e]));
    for (size_t j = 0; j < d->equations[e].n_terms; j++) PetscCall(PetscFree(w->columns[e][j]));
    PetscCall(PetscFree(w->columns[e]));
  }
  PetscCall(PetscFree3(w->x, w->x_dot, w->seen));
  PetscCall(PetscFree3(w->psi, w->q, w->states));
  PetscCall(PetscFree3(w->target, w->left, w->columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsProgress(NomosDiscover *d, const char what[], int64_t done)
{
  const NomosIncrements *m = d->data;
  bool                   due;

  PetscFunctionBeginUser;
  PetscCall(NomosLogProgressDue(d->run->log, &due));
  if (due) PetscCall(NomosLogProgress(d->run->log, &(NomosProgress){.fraction = (double)done / (double)m->n_samples, .step = done, .note = what, .dt = NAN, .cfl = NAN}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The normal equations of all pairs, at the model's present coefficients. */
static PetscErrorCode Assemble(NomosDiscover *d, NomosIncrements *m, NomosIncrementsWork *w)
{
  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++) {
    if (d->equations[e].gram.G) PetscCall(NomosGramDestroy(&d->equations[e].gram));
    PetscCall(NomosGramCreate(d->equations[e].n_terms, 2, (size_t)m->n_samples, &d->equations[e].gram));
  }
  for (int64_t s = 0; s < m->n_samples; s++) {
    const double *weights = m->weights;
    PetscCall(NomosIncrementsPair(d, (size_t)s, w));
    for (size_t e = 0; e < d->n_equations; e++) {
      PetscCall(NomosGramAdd(&d->equations[e].gram, (size_t)s, m->places[e].n, (const double *const *)w->columns[e], (const double *const[]){w->target[e], w->left[e]}, weights));
      weights += m->places[e].n;
    }
    PetscCall(NomosIncrementsProgress(d, "pairs in the normal equations", s + 1));
    PetscCall(NomosRunStopped(d->run));
    if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(NomosLogProgressEnd(d->run->log));
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(NomosGramReduce(d->run->comm, &d->equations[e].gram));
  if (m->weak) NomosWeakCount(d);
  m->n_passes++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the terms found, what the last pass left: c += least squares of h. *change: the largest |dc|/|c| of the equations. *settled: no coefficient changed by
   more than a thousandth of its deviation; a tenth, where a pass is an assimilation. */
static PetscErrorCode Refine(NomosDiscover *d, const double *const before[], double *change, bool *settled)
{
  const double part = ((NomosIncrements *)d->data)->weak ? 0.1 : 1e-3;
  double     **dc;

  PetscFunctionBeginUser;
  *change  = 0;
  *settled = true;
  PetscCall(PetscMalloc1(d->n_equations, &dc));
  for (size_t i = 0; i < d->n_equations; i++) PetscCall(PetscMalloc1(d->equations[i].n_terms, &dc[i]));
  PetscErrorCode code = NomosDiscoverStep(d, before, dc);
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e  = &d->equations[i];
    double                 up = 0, size = 0;
    for (size_t j = 0; j < e->n_terms && !code; j++) {
      if (e->found.c[j] == 0) continue;
      e->found.c[j] = before[i][j] + dc[i][j];
      *settled      = *settled && fabs(dc[i][j]) <= part * e->found.deviation[j];
      if (e->found.c[j] == 0) e->found.deviation[j] = 0; /* stopped by its sign */
      up += dc[i][j] * dc[i][j];
      size += e->found.c[j] * e->found.c[j];
    }
    if (size > 0) *change = fmax(*change, sqrt(up / size));
    else e->found.nothing = true;
    PetscCall(PetscFree(dc[i]));
  }
  PetscCall(PetscFree(dc));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsSetModel(NomosDiscover *d, bool corrected)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) m->values[m->parameters[e][j]] = d->equations[e].model[j] + (corrected ? d->equations[e].found.c[j] : 0);
  PetscCall(m->forecaster.derivatives->set_parameters(m->forecaster.model, m->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The passes ended before nothing changed any more. */
static PetscErrorCode WarnOfPasses(NomosDiscover *d, bool same, double change)
{
  static const double small = 1e-3; /* of their size: as good as settled */
  char                sentence[512];

  PetscFunctionBeginUser;
  if (same && change < small) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(sentence, sizeof sentence, "the passes did not converge: after %lld (discover.iterations) ", (long long)((NomosIncrements *)d->data)->iterations);
  if (same) NomosTextAppend(sizeof sentence, sentence, "coefficients still change by %.1e of their size; allow more of them", change);
  else strcat(sentence, "each pass still chooses other terms than the one before, and the equation is merely that of the last; what was seen does not tell the terms apart: take some out of discover.library, or see more");
  PetscCall(NomosRunWarn(sentence, d->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Terms are chosen by the regression of y; once a pass chooses those of the pass before, their coefficients are refined by what is left, until that no longer makes a change. */
static PetscErrorCode FindFromPairs(NomosDiscover *d)
{
  static const double converged = 1e-13;
  NomosIncrements    *m         = d->data;
  double            **before;
  double              change = 0, last = DBL_MAX;
  bool                settled = false, again, same = false, done = false;
  NomosIncrementsWork w;

  PetscFunctionBeginUser;
  do {
    PetscCall(NomosIncrementsPairs(d));
    if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(NomosIncrementsChooseSmoothing(d, &again));
  } while (again);
  PetscCall(NomosIncrementsWorkCreate(d, &w));
  PetscCall(PetscMalloc1(d->n_equations, &before));
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(PetscCalloc1(d->equations[e].n_terms, &before[e]));
  const int64_t passes = m->columns == NOMOS_COLUMNS_TANGENT ? m->iterations : 1;
  for (int64_t pass = 0; pass < passes; pass++) {
    if (m->weak) PetscCall(NomosWeakAnalyse(d));
    PetscCall(Assemble(d, m, &w));
    if (d->run->stopped_by) break;
    same = pass > 0;
    PetscCall(NomosDiscoverSolve(d));
    for (size_t e = 0; e < d->n_equations; e++)
      for (size_t j = 0; j < d->equations[e].n_terms; j++) same = same && (before[e][j] != 0) == (d->equations[e].found.c[j] != 0);
    if (same) PetscCall(Refine(d, (const double *const *)before, &change, &settled));
    size_t n_terms = 0;
    for (size_t e = 0; e < d->n_equations; e++)
      for (size_t j = 0; j < d->equations[e].n_terms; j++) n_terms += d->equations[e].found.c[j] != 0;
    if (same) PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "pass", "pass %lld: the same %zu term%s, coefficients changed by %.1e of their size", (long long)pass + 1, n_terms, n_terms == 1 ? "" : "s", change));
    else PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "pass", "pass %lld: %zu term%s", (long long)pass + 1, n_terms, n_terms == 1 ? "" : "s"));
    if (passes > 1) PetscCall(NomosIncrementsSetModel(d, true));
    m->corrected = passes > 1;
    for (size_t e = 0; e < d->n_equations; e++) PetscCall(PetscArraycpy(before[e], d->equations[e].found.c, d->equations[e].n_terms));
    done = passes == 1 || (same && (settled || change <= converged || change >= 0.5 * last));
    if (done) break;
    if (same) last = change;
  }
  if (!done && !d->run->stopped_by) PetscCall(WarnOfPasses(d, same, change));
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(PetscFree(before[e]));
  PetscCall(PetscFree(before));
  PetscCall(NomosIncrementsWorkDestroy(d, &w));
  d->n_samples = (double)m->n_samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Find(NomosDiscover *d)
{
  const NomosIncrements *m = d->data;
  bool                   fit, polish;

  PetscFunctionBeginUser;
  PetscCall(NomosDiscoverTrajectoryAsked(d, &fit, &polish));
  PetscCall(fit ? NomosDiscoverTrajectoryFind(d) : FindFromPairs(d));
  if (polish && !fit && !d->run->stopped_by) PetscCall(m->weak || m->observations ? NomosWeakPolish(d) : NomosDiscoverTrajectoryPolish(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Conclude(NomosDiscover *d)
{
  PetscFunctionBeginUser;
  PetscCall(NomosSparseWrite(d));
  if (((NomosIncrements *)d->data)->pairs) PetscCall(NomosIncrementsWriteFields(d));
  PetscCall(NomosIncrementsForecast(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  if (m->n_passes) PetscCall(result("passes", (double)m->n_passes, ctx));
  PetscCall(NomosDiscoverTrajectoryResults(d, result, ctx));
  PetscCall(NomosSparseResults(d, result, ctx));
  PetscCall(NomosWeakResults(d, result, ctx));
  if (m->forecast <= 0 || !m->truth.model) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(result("forecast_error_model", m->error[0], ctx));
  PetscCall(result("forecast_error_corrected", m->error[1], ctx));
  PetscCall(result("forecast_gain", m->error[0] / m->error[1], ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosDiscover *d)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  if (!m) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t e = 0; m->parameters && e < d->n_equations; e++) PetscCall(PetscFree(m->parameters[e]));
  if (m->parameters) PetscCall(PetscFree2(m->parameters, m->places));
  PetscCall(PetscFree(m->values));
  PetscCall(PetscFree(m->pairs));
  PetscCall(PetscFree(m->looks));
  PetscCall(PetscFree(m->weights));
  PetscCall(NomosSparseDestroy(&m->sparse));
  PetscCall(NomosWeakDestroy(d));
  PetscCall(NomosObservationsDestroy(&m->observations));
  if (m->smoothing) PetscCall(NomosOperatorDestroy(&m->smoothing));
  PetscCall(NomosForecasterDestroy(&m->forecaster));
  PetscCall(NomosTruthDestroy(&m->truth));
  PetscCall(PetscFree(d->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosDiscoverMode nomos_discover_increments = {.name = "increments", .prepare = NomosIncrementsPrepare, .find = Find, .noise = NomosIncrementsNoise, .conclude = Conclude, .results = Results, .destroy = Destroy};
