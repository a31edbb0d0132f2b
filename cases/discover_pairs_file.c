/* Of the mode of nomos discover that has a model: pairs of looks of a file of observations, or of the analyses of a run of nomos assimilate. */
#include "cases/discover_increments.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Pairs among n ascending times: those a horizon apart, the first ones from discover.from on and discover.every apart, discover.samples of them; all where the case does not say so. m->looks, m->n_samples. */
static PetscErrorCode ChoosePairs(NomosDiscover *d, size_t n, const double times[], size_t *n_all)
{
  NomosIncrements *m     = d->data;
  const double     dt    = m->forecaster.model->dt, spare = 1e-6 * dt;
  double           next  = -INFINITY;
  size_t           count = 0, most = n;
  bool             given;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigIsGiven(d->run->config, "discover.from", &given));
  if (given) next = m->from;
  PetscCall(NomosConfigIsGiven(d->run->config, "discover.samples", &given));
  if (given) most = (size_t)m->n_samples;
  PetscCall(PetscMalloc1(2 * n + 1, &m->looks));
  *n_all = 0;
  for (size_t i = 0, j = 0; i < n; i++) {
    const double later = times[i] + (double)m->horizon * dt;
    while (j < n && times[j] < later - spare) j++;
    if (j == n || times[j] > later + spare) continue;
    (*n_all)++;
    if (times[i] < next - spare || count == most) continue;
    m->looks[2 * count]     = i;
    m->looks[2 * count + 1] = j;
    next                    = times[i] + m->every;
    count++;
  }
  m->n_samples = m->n_begins = (int64_t)count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In steps. */
static double NearestTwo(const NomosIncrements *m, size_t n, const double times[])
{
  double nearest = INFINITY;

  for (size_t i = 1; i < n; i++) nearest = fmin(nearest, times[i] - times[i - 1]);
  return nearest / m->forecaster.model->dt;
}

static PetscErrorCode CheckPairs(NomosDiscover *d, const char key[], size_t n, const double times[], size_t n_all)
{
  const NomosIncrements *m     = d->data;
  const char            *where = NomosConfigWhere(d->run->config, key);

  PetscFunctionBeginUser;
  PetscCheck(n_all, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: %s: no two of the %zu looks are discover.horizon = %lld steps of %g apart; the nearest two are %.6g steps apart: choose discover.horizon or time.dt so that they match", where, key, n, (long long)m->horizon, m->forecaster.model->dt, NearestTwo(m, n, times));
  PetscCheck(m->n_samples, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.from = %g: none of the %zu pairs begins so late, the last look is at time %g; choose an earlier one", NomosConfigWhere(d->run->config, "discover.from"), m->from, n_all, times[n - 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- observations */

/* Every point of the grid must be seen in a pair, or where it is interpolated one of every layer. */
static PetscErrorCode CheckLook(NomosDiscover *d, size_t i)
{
  NomosIncrements           *m        = d->data;
  const NomosObservationSet *set      = NomosObservationsSet(m->observations, i);
  const size_t               n_layers = NomosObservationsLayers(m->observations), whole = n_layers * NomosObservationsLayerPoints(m->observations);
  const char                *where    = NomosConfigWhere(d->run->config, "discover.observations");

  PetscFunctionBeginUser;
  PetscCheck(m->sparse || set->n == whole, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: discover.observations: look %zu has %zu of the %zu points of %s; all are needed: leave the look out, name a discover.interpolation, or take discover.assimilation: weak_4dvar", where, i + 1, set->n, whole, m->forecaster.field->name);
  for (size_t l = 0; l < n_layers; l++) {
    size_t k = 0;
    while (k < set->n && set->layer[k] != l) k++;
    PetscCheck(k < set->n, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: discover.observations: look %zu, at time %g, has no point of layer %zu of %s, and discover.interpolation needs one at least: leave the look out, or take discover.assimilation: weak_4dvar", where, i + 1, set->time, l + 1, m->forecaster.field->name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Pairs of the looks at the present horizon. */
static PetscErrorCode PairLooks(NomosDiscover *d, bool check)
{
  NomosIncrements *m = d->data;
  const size_t     n = NomosObservationsTimes(m->observations);
  double          *times;
  size_t           n_all;

  PetscFunctionBeginUser;
  PetscCall(PetscFree(m->looks));
  PetscCall(PetscMalloc1(n, &times));
  for (size_t i = 0; i < n; i++) times[i] = NomosObservationsSet(m->observations, i)->time;
  PetscCall(ChoosePairs(d, n, times, &n_all));
  if (check) PetscCall(CheckPairs(d, "discover.observations", n, times, n_all));
  for (size_t i = 0; i < 2 * (size_t)m->n_samples; i++) PetscCall(CheckLook(d, m->looks[i]));
  PetscCall(PetscFree(times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsReadObservations(NomosDiscover *d, const char path[], bool pairs)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  PetscCall(NomosObservationsRead(m->forecaster.model, m->forecaster.field->name, path, &m->observations));
  if (pairs) PetscCall(PairLooks(d, true));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsWiden(NomosDiscover *d, int64_t horizon, bool *wider)
{
  NomosIncrements *m      = d->data;
  const int64_t    before = m->horizon, n_samples = m->n_samples;

  PetscFunctionBeginUser;
  *wider     = true;
  m->horizon = horizon;
  if (!m->observations) PetscFunctionReturn(PETSC_SUCCESS);
  for (; m->horizon <= 2 * horizon; m->horizon++, m->n_samples = n_samples) {
    PetscCall(PairLooks(d, false));
    if (m->n_samples) PetscFunctionReturn(PETSC_SUCCESS);
  }
  *wider     = false;
  m->horizon = before;
  PetscCall(PairLooks(d, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- analyses */

/* The observed field, or those that it is. */
static PetscErrorCode Analysed(const NomosIncrements *m, size_t *n, const NomosModelField **list)
{
  PetscFunctionBeginUser;
  PetscCall(m->forecaster.derivatives->fields(m->forecaster.model, n, list));
  PetscCall(NomosModelFieldParts(m->forecaster.model, m->forecaster.observed, n));
  if (*n) PetscFunctionReturn(PETSC_SUCCESS);
  *n    = 1;
  *list = m->forecaster.field;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The variable of a field's analyses in fields.nc: `analysis`, or FIELD_analysis where several fields were analysed. */
static PetscErrorCode AnalysisName(NomosFieldReader reader, const NomosModelField *field, char name[2 * NOMOS_MAX_NAME], bool *has)
{
  PetscFunctionBeginUser;
  for (int several = 1; several >= 0; several--) {
    snprintf(name, 2 * NOMOS_MAX_NAME, several ? "%s_analysis" : "analysis", field->name);
    PetscCall(NomosFieldReaderHas(reader, name, has));
    if (*has) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckAnalyses(NomosDiscover *d, NomosFieldReader reader, const char path[], const NomosModelField *field)
{
  size_t shape[NOMOS_FIELD_MAX_DIMS + 1];
  int    n_dims;
  bool   has;
  char   name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(AnalysisName(reader, field, name, &has));
  PetscCheck(has, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: discover.increments: %s holds no analyses of %s; name the run directory of a nomos assimilate that analysed it", NomosConfigWhere(d->run->config, "discover.increments"), path, field->name);
  PetscCall(NomosFieldReaderShape(reader, name, &n_dims, shape));
  bool same = n_dims == field->n_dims + 1;
  for (int i = 0; i < field->n_dims && same; i++) same = shape[i + 1] == field->size[i];
  PetscCheck(same, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: discover.increments: the analyses of %s are on another grid than the case has; both must be the same", NomosConfigWhere(d->run->config, "discover.increments"), path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenAnalyses(NomosDiscover *d, NomosFieldReader *reader)
{
  NomosIncrements       *m = d->data;
  const NomosModelField *list;
  size_t                 n;
  char                   path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/fields.nc", m->run);
  PetscCall(NomosFieldReaderOpen(d->run->comm, path, reader));
  PetscCall(Analysed(m, &n, &list));
  for (size_t f = 0; f < n; f++) PetscCall(CheckAnalyses(d, *reader, path, &list[f]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsReadRun(NomosDiscover *d, const char directory[])
{
  NomosIncrements *m = d->data;
  NomosFieldReader reader;
  double          *times;
  size_t           n, n_all;
  bool             given;

  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(m->run, directory, sizeof m->run));
  PetscCall(OpenAnalyses(d, &reader));
  PetscCall(NomosFieldReaderFrames(reader, &n));
  PetscCheck(n > 1, d->run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: discover.increments: %s/fields.nc has %zu analys%s; a pair needs two: assimilate with output.fields_every = assimilate.every", NomosConfigWhere(d->run->config, "discover.increments"), m->run, n, n == 1 ? "is" : "es");
  PetscCall(PetscMalloc1(n, &times));
  PetscCall(NomosFieldReaderRead(reader, "time", (size_t[]){0}, &n, times));
  PetscCall(NomosFieldReaderClose(&reader));
  PetscCall(NomosConfigIsGiven(d->run->config, "discover.horizon", &given));
  if (!given) m->horizon = PetscMax(1, (int64_t)round(NearestTwo(m, n, times)));
  PetscCall(ChoosePairs(d, n, times, &n_all));
  PetscCall(CheckPairs(d, "discover.increments", n, times, n_all));
  PetscCall(PetscFree(times));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- into m->pairs */

/* Values of the grid from a look at all of it. */
static PetscErrorCode ReadLook(NomosIncrements *m, size_t i, double *psi)
{
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(psi, m->points));
  PetscCall(NomosObservationsApplyTranspose(m->observations, i, NomosObservationsSet(m->observations, i)->value, psi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadAnalysis(NomosIncrements *m, NomosFieldReader reader, size_t i, double *psi)
{
  const NomosModelField *list;
  size_t                 n;
  bool                   has;
  char                   name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(Analysed(m, &n, &list));
  for (size_t f = 0; f < n; psi += NomosModelFieldPoints(&list[f++])) {
    size_t start[NOMOS_FIELD_MAX_DIMS + 1] = {i}, count[NOMOS_FIELD_MAX_DIMS + 1] = {1};
    for (int k = 0; k < list[f].n_dims; k++) {
      start[k + 1] = list[f].start[k];
      count[k + 1] = list[f].count[k];
    }
    PetscCall(AnalysisName(reader, &list[f], name, &has));
    PetscCall(NomosFieldReaderRead(reader, name, start, count, psi));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsReadPairs(NomosDiscover *d)
{
  NomosIncrements *m      = d->data;
  NomosFieldReader reader = NULL;

  PetscFunctionBeginUser;
  if (m->run[0]) PetscCall(OpenAnalyses(d, &reader));
  for (int64_t s = 0; s < m->n_samples; s++) {
    const size_t *look = m->looks + 2 * s;
    double       *pair = m->pairs + (size_t)s * 2 * m->points;
    if (m->sparse && !reader) PetscCall(NomosSparseLooks(d, NomosObservationsSet(m->observations, look[0]), NomosObservationsSet(m->observations, look[1]), pair));
    for (size_t k = 0; k < 2 && (reader || !m->sparse); k++) PetscCall(reader ? ReadAnalysis(m, reader, look[k], pair + k * m->points) : ReadLook(m, look[k], pair + k * m->points));
    PetscCall(NomosIncrementsProgress(d, "pairs are read", s + 1));
    PetscCall(NomosRunStopped(d->run));
    if (d->run->stopped_by) break;
  }
  PetscCall(NomosLogProgressEnd(d->run->log));
  if (reader) PetscCall(NomosFieldReaderClose(&reader));
  PetscFunctionReturn(PETSC_SUCCESS);
}
