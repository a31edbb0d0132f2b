/* Of the mode of nomos discover that has a model: what the case says, and the model with the terms of the library in it. */
#include "cases/discover_increments.h"


#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One where it is not said, which whoever knows better may change: it is not a default, so that a run directory does not say it. */
static PetscErrorCode GetCount(NomosConfig config, const char key[], int64_t *count)
{
  bool given;

  PetscFunctionBeginUser;
  *count = 1;
  PetscCall(NomosConfigIsGiven(config, key, &given));
  if (given) PetscCall(NomosConfigGetInt(config, key, count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadNumbers(NomosRun *run, NomosIncrements *m)
{
  NomosConfig config = run->config;
  int         columns;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.from", &m->from));
  PetscCall(NomosConfigGetReal(config, "discover.every", &m->every));
  PetscCall(NomosConfigGetReal(config, "discover.noise", &m->noise));
  PetscCall(NomosConfigGetReal(config, "discover.forecast", &m->forecast));
  PetscCall(GetCount(config, "discover.samples", &m->n_samples));
  PetscCall(GetCount(config, "discover.horizon", &m->horizon));
  PetscCall(NomosConfigGetInt(config, "discover.seed", &m->seed));
  PetscCall(NomosConfigGetInt(config, "discover.frame", &m->frame));
  PetscCall(NomosConfigGetInt(config, "discover.iterations", &m->iterations));
  PetscCall(NomosConfigGetInt(config, "discover.forecasts", &m->n_forecasts));
  PetscCall(NomosConfigGetChoice(config, "discover.columns", &columns));
  m->n_begins = m->n_samples;
  m->columns  = (NomosColumns)columns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are two terms the same text, apart from spaces? */
static bool SameTerm(const char a[], const char b[])
{
  while (true) {
    while (isspace((unsigned char)*a)) a++;
    while (isspace((unsigned char)*b)) b++;
    if (*a != *b) return false;
    if (!*a) return true;
    a++;
    b++;
  }
}

static size_t FindTerm(const char term[], size_t n, const char *const terms[])
{
  for (size_t j = 0; j < n; j++)
    if (SameTerm(term, terms[j])) return j;
  return n;
}

/* Terms and coefficients below `section` of a config; none if the case has none there. */
static PetscErrorCode ReadTerms(NomosConfig config, const char section[], size_t *n, const char *const **terms, const double **coefficients)
{
  char   key[2][2 * NOMOS_MAX_NAME];
  size_t n_coefficients;
  bool   has;

  PetscFunctionBeginUser;
  *n = 0;
  snprintf(key[0], sizeof key[0], "%s.", section);
  PetscCall(NomosConfigHasPrefix(config, key[0], &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; i++) snprintf(key[i], sizeof key[i], "%s.%s", section, i ? "coefficients" : "terms");
  PetscCall(NomosConfigGetStrings(config, key[0], n, terms));
  PetscCall(NomosConfigGetReals(config, key[1], &n_coefficients, coefficients));
  PetscCheck(n_coefficients == *n, NomosConfigComm(config), PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries for %zu terms; one for each is needed", NomosConfigWhere(config, key[1]), key[1], n_coefficients, *n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is to be found, where that is known: discover.known, or the difference of the equations of the real system from those of the model. `library` as the case has it, in the order of the equation's terms. */
static PetscErrorCode ReadKnown(NomosRun *run, NomosIncrements *m, NomosDiscoverEquation *e, const char *const library[])
{
  char               section[2 * NOMOS_MAX_NAME];
  const char *const *terms;
  const double      *coefficients;
  size_t             n;
  bool               known, written;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigHasPrefix(run->config, "discover.known.", &known));
  PetscCall(NomosConfigHasPrefix(run->config, "truth.equations.", &written));
  written = written && m->truth.config;
  if (!known && !written) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(e->n_terms, &e->truth));
  snprintf(section, sizeof section, known ? "discover.known.%s" : "equations.%s", e->variable);
  PetscCall(ReadTerms(known ? run->config : m->truth.config, section, &n, &terms, &coefficients));
  for (size_t j = 0; j < e->n_terms && !known; j++) e->truth[j] = -e->model[j];
  for (size_t i = 0; i < n; i++) {
    const size_t j = FindTerm(terms[i], e->n_terms, library), o = FindTerm(terms[i], e->n_others, (const char *const *)e->others);
    if (o < e->n_others && e->other_coefficients[o] == coefficients[i]) continue; /* the model has it right */
    PetscCheck(j < e->n_terms, run->comm, PETSC_ERR_ARG_WRONG, "%s: %s%s.terms: '%s' is not in discover.library, so that it cannot be found", run->case_file.path, known ? "" : "truth.", section, terms[i]);
    e->truth[j] += coefficients[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the model with the library in it */

PetscErrorCode NomosForecasterCreate(NomosRun *run, size_t n_set, const char *const set[], const char observe[], NomosForecaster *f)
{
  const NomosProgram *program = run->program;
  const NomosModelOps *ops;
  const char         **all;
  size_t               n;
  char                 lacks[256];

  PetscFunctionBeginUser;
  memset(f, 0, sizeof *f);
  PetscCall(PetscMalloc1(program->n_set + n_set + 1, &all));
  for (size_t i = 0; i < program->n_set; i++) all[i] = program->set[i];
  for (size_t i = 0; i < n_set; i++) all[program->n_set + i] = set[i];
  const NomosCaseInput input = {.path = run->case_file.path, .models = program->models, .section = run->task->section, .smoke = program->smoke, .n_set = program->n_set + n_set, .set = all};
  PetscCall(NomosCaseLoad(run->comm, &input, &f->config, &ops));
  PetscCall(PetscFree(all));
  PetscCall(NomosModelCreate(run->comm, ops, f->config, &f->model));
  PetscCall(NomosModelGetDerivatives(f->model, false, &f->derivatives));
  PetscCheck(f->derivatives->fields && f->derivatives->field && f->derivatives->from_field, run->comm, PETSC_ERR_SUP, "solver %s has no states from fields (fields, field and from_field of its derivatives), with which a forecast begins", ops->name);
  if (observe[0]) {
    PetscCall(NomosModelFieldFind(f->model, observe, &f->observed, &f->field));
    PetscCall(NomosModelFieldLacks(f->model, f->observed, sizeof lacks, lacks));
    PetscCheck(!lacks[0], run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.observe = %s is not the whole state of the model: it lacks %s, without which no forecast can begin; leave the key out, all of it is then observed", NomosConfigWhere(f->config, "discover.observe"), observe, lacks);
  } else PetscCall(NomosModelFindWhole(f->model, &f->observed, &f->field));
  PetscCall(f->derivatives->state_size(f->model, &n));
  f->bytes = n * NomosRealBytes(f->model->precision) + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosForecasterDestroy(NomosForecaster *f)
{
  PetscFunctionBeginUser;
  PetscCall(NomosModelDestroy(&f->model));
  if (f->config) PetscCall(NomosConfigDestroy(&f->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `q2`: the field of this name, or the second layer of the field q. */
static PetscErrorCode FindPlace(NomosRun *run, NomosModel model, const char variable[], NomosVariablePlace *place)
{
  const NomosModelField *list;
  size_t                 n, length = strlen(variable);
  char                   all[512] = "";

  PetscFunctionBeginUser;
  PetscCall(model->ops->derivatives->fields(model, &n, &list));
  while (length && isdigit((unsigned char)variable[length - 1])) length--;
  for (int layered = 0; layered < 2; layered++)
    for (size_t i = 0; i < n; i++) {
      const size_t layers = list[i].n_dims > 2 ? list[i].size[0] : 1, points = NomosModelFieldPoints(&list[i]), layer = layered ? (size_t)atoi(variable + length) : 1;
      if (layered ? strlen(list[i].name) != length || strncmp(list[i].name, variable, length) : strcmp(list[i].name, variable) != 0) continue;
      if (layered && (layer < 1 || layer > layers)) continue;
      *place = (NomosVariablePlace){.field = i, .layer = layer - 1, .layered = layered, .first = layered ? (layer - 1) * (points / layers) : 0, .n = layered ? points / layers : points};
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  for (size_t i = 0; i < n; i++) NomosTextAppend(sizeof all, all, "%s%.24s", i ? ", " : "", list[i].name);
  SETERRQ(run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.equations: '%s' is no field of solver %s, nor a layer of one; its fields are %s, and a layer is counted from 1, as in %.24s1", NomosConfigWhere(run->config, "discover.equations"), variable, run->ops->name, all, n ? list[0].name : "q");
}

/* The terms that the model has already, then those of the library that it lacks: as values of `equations.VARIABLE`. */
static PetscErrorCode WriteLibrary(NomosRun *run, const char variable[], size_t n_library, const char *const library[], char *settings[2])
{
  char               section[2 * NOMOS_MAX_NAME];
  const char *const *own;
  const double      *coefficients;
  size_t             n_own;
  NomosText          text[2];

  PetscFunctionBeginUser;
  snprintf(section, sizeof section, "equations.%s", variable);
  PetscCall(ReadTerms(run->config, section, &n_own, &own, &coefficients));
  for (int i = 0; i < 2; i++) {
    PetscCall(NomosTextBegin(&text[i]));
    fprintf(text[i].out, "%s.%s=[", section, i ? "coefficients" : "terms");
  }
  size_t n = 0;
  for (size_t i = 0; i < n_own; i++, n++) {
    fprintf(text[0].out, "%s\"%s\"", n ? ", " : "", own[i]);
    fprintf(text[1].out, "%s%.17g", n ? ", " : "", coefficients[i]);
  }
  for (size_t j = 0; j < n_library; j++) {
    if (FindTerm(library[j], n_own, own) < n_own) continue;
    fprintf(text[0].out, "%s\"%s\"", n ? ", " : "", library[j]);
    fprintf(text[1].out, "%s0", n ? ", " : "");
    n++;
  }
  for (int i = 0; i < 2; i++) {
    fprintf(text[i].out, "]");
    PetscCall(NomosTextEnd(&text[i], &settings[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Terms of the model's own that are not candidates. */
static PetscErrorCode KeepOthers(NomosDiscoverEquation *e, size_t n_own, const char *const own[], const double coefficients[], size_t n_library, const char *const library[])
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n_own + 1, &e->others));
  PetscCall(PetscCalloc1(n_own + 1, &e->other_coefficients));
  for (size_t i = 0; i < n_own; i++) {
    if (FindTerm(own[i], n_library, library) < n_library) continue;
    PetscCall(PetscStrallocpy(own[i], &e->others[e->n_others]));
    e->other_coefficients[e->n_others++] = coefficients[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddEquations(NomosDiscover *d, NomosIncrements *m, size_t n_equations, const char *const equations[], size_t n_library, const char *const library[])
{
  NomosEquations             set;
  const NomosEquationsEntry *entries;
  const NomosModelParameter *list;
  size_t                     n_entries;
  const char               **texts[NOMOS_N_NOTATIONS];

  PetscFunctionBeginUser;
  PetscCall(m->forecaster.model->ops->equations(m->forecaster.model, NULL, &set, NULL));
  PetscCall(NomosEquationsEntries(set, &n_entries, &entries));
  PetscCall(NomosModelGetParameters(m->forecaster.model, &m->n_parameters, &list));
  for (int notation = 0; notation < NOMOS_N_NOTATIONS; notation++) PetscCall(PetscMalloc1(n_library, &texts[notation]));
  PetscCall(PetscMalloc1(m->n_parameters + 1, &m->values));
  for (size_t p = 0; p < m->n_parameters; p++) m->values[p] = list[p].value;
  PetscCall(PetscCalloc2(n_equations, &m->parameters, n_equations, &m->places));
  for (size_t i = 0; i < n_equations; i++) {
    const char *const *own;
    const double      *coefficients;
    size_t             n_own;
    char               section[2 * NOMOS_MAX_NAME], key[2 * NOMOS_MAX_NAME + 16];
    PetscCall(FindPlace(d->run, m->forecaster.model, equations[i], &m->places[i]));
    snprintf(section, sizeof section, "equations.%s", equations[i]);
    snprintf(key, sizeof key, "%s.coefficients", section);
    PetscCall(ReadTerms(d->run->config, section, &n_own, &own, &coefficients));
    PetscCall(PetscMalloc1(n_library, &m->parameters[i]));
    size_t next = n_own; /* terms that the model lacks come behind its own (WriteLibrary) */
    for (size_t j = 0; j < n_library; j++) {
      const size_t at = FindTerm(library[j], n_own, own), entry = at < n_own ? at : next++;
      size_t       p = 0, k = 0;
      while (p < m->n_parameters && (strcmp(list[p].param->key, key) || list[p].entry != (int)entry)) p++;
      while (k < n_entries && (strcmp(entries[k].parameter.param->key, key) || entries[k].parameter.entry != (int)entry)) k++;
      PetscCheck(p < m->n_parameters && k < n_entries, d->run->comm, PETSC_ERR_SUP, "%s: discover.equations: '%s': the model cannot be differentiated by the coefficients of equations.%s; is it a variable that has an equation?", NomosConfigWhere(d->run->config, "discover.equations"), equations[i], equations[i]);
      m->parameters[i][j] = p;
      for (int notation = 0; notation < NOMOS_N_NOTATIONS; notation++) texts[notation][j] = NomosTermsWritten(NomosEquationsTerms(set), entries[k].term, (NomosNotation)notation);
    }
    PetscCall(NomosDiscoverAdd(d, equations[i], n_library, (const char *const *const *)texts));
    for (size_t j = 0; j < n_library; j++) d->equations[i].model[j] = m->values[m->parameters[i][j]];
    PetscCall(KeepOthers(&d->equations[i], n_own, own, coefficients, n_library, library));
    PetscCall(ReadKnown(d->run, m, &d->equations[i], library));
  }
  for (int notation = 0; notation < NOMOS_N_NOTATIONS; notation++) PetscCall(PetscFree(texts[notation]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The real system must be seen as the model is. */
static PetscErrorCode CheckTruth(NomosDiscover *d, NomosIncrements *m)
{
  const NomosModelField *seen, *field = m->forecaster.field;
  size_t                 n;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetDerivatives(m->truth.model, false, &m->truth_derivatives));
  PetscCall(NomosModelFieldFind(m->truth.model, field->name, &m->truth_observed, &seen));
  bool same = seen->n_dims == field->n_dims;
  for (int i = 0; i < field->n_dims && same; i++) same = seen->size[i] == field->size[i];
  PetscCheck(same, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: truth: its grid of %s is not that of the model; both must have the same one", d->run->case_file.path, field->name);
  m->ratio = (int64_t)round(m->forecaster.model->dt / m->truth.model->dt);
  PetscCheck(m->ratio > 0 && fabs(m->forecaster.model->dt / m->truth.model->dt - (double)m->ratio) < 1e-9 * (double)m->ratio, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: truth: a time step of the model, %g, must be a whole number of those of the real system, %g", d->run->case_file.path, m->forecaster.model->dt, m->truth.model->dt);
  PetscCall(m->truth_derivatives->state_size(m->truth.model, &n));
  m->truth_bytes = n * NomosRealBytes(m->truth.model->precision) + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Something is left inside of the frame. */
static PetscErrorCode CheckFrame(NomosDiscover *d, const NomosIncrements *m, const NomosModelField *field)
{
  size_t least = SIZE_MAX;
  char   points[64] = "";

  PetscFunctionBeginUser;
  for (int k = PetscMax(0, field->n_dims - 2); k < field->n_dims; k++) {
    if (field->size[k] == 1) continue;
    NomosTextAppend(sizeof points, points, "%s%zu", points[0] ? " x " : "", field->size[k]);
    least = PetscMin(least, field->size[k]);
  }
  PetscCheck((size_t)m->frame <= (least - 1) / 2, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: discover.frame = %lld leaves none of the %s points of %s: choose %zu at most", NomosConfigWhere(d->run->config, "discover.frame"), (long long)m->frame, points, field->name, (least - 1) / 2);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 0 in the frame, else 1: of the layer that an equation is of. */
static PetscErrorCode SetWeights(NomosDiscover *d, NomosIncrements *m)
{
  const NomosModelField *list;
  size_t                 n, total = 0, at = 0;

  PetscFunctionBeginUser;
  PetscCall(m->forecaster.derivatives->fields(m->forecaster.model, &n, &list));
  for (size_t i = 0; i < d->n_equations; i++) total += m->places[i].n;
  PetscCall(PetscMalloc1(total + 1, &m->weights));
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosModelField *field = &list[m->places[i].field];
    PetscCall(CheckFrame(d, m, field));
    for (size_t p = 0; p < m->places[i].n; p++) {
      size_t rest = m->places[i].first + p;
      bool   in   = true;
      for (int k = field->n_dims - 1; k >= PetscMax(0, field->n_dims - 2); k--) {
        const size_t place = field->start[k] + rest % field->count[k];
        rest /= field->count[k];
        in = in && (field->size[k] == 1 || (place >= (size_t)m->frame && place + (size_t)m->frame < field->size[k]));
      }
      m->weights[at++] = in;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is wrong with a term is told with the key that the case has it under. */
static PetscErrorCode CreateWithLibrary(NomosRun *run, size_t n_set, const char *const set[], const char observe[], NomosForecaster *f)
{
  static const char key[] = ".terms: ";
  PetscErrorCode    failed;

  PetscFunctionBeginUser;
  NomosQuietly(failed, NomosForecasterCreate(run, n_set, set, observe, f));
  if (!failed) PetscFunctionReturn(PETSC_SUCCESS);
  const char *what = strstr(NomosErrorLast(), "--set: equations.") ? strstr(NomosErrorLast(), key) : NULL;
  if (what) SETERRQ(run->comm, failed, "%s: discover.library: %s", NomosConfigWhere(run->config, "discover.library"), what + strlen(key));
  SETERRQ(run->comm, failed, "%s", NomosErrorLast());
}

/* What was seen and what is made of it, as a sentence. */
static PetscErrorCode Describe(NomosDiscover *d, const NomosIncrements *m, const char assimilation[])
{
  static const char *const columns[] = {[NOMOS_COLUMNS_TANGENT] = "the derivative of the model's step", [NOMOS_COLUMNS_ANALYSIS] = "terms at the observation", [NOMOS_COLUMNS_FORECAST] = "terms at the forecast"};
  const long long          n         = strcmp(assimilation, "none") ? m->n_begins : m->n_samples;
  const char              *name = m->forecaster.field->name, *several = n > 1 ? "s" : "";
  const double             dt = d->run->model->dt;
  char                     seen[64] = "", apart[64];
  int64_t                  steps;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.trajectory.steps", &steps));
  if (m->truth.model) snprintf(seen, sizeof seen, ", from time %g, noise %g", m->from, m->noise);
  snprintf(apart, sizeof apart, "%lld step%s", (long long)m->horizon, m->horizon > 1 ? "s" : "");
  if (!strcmp(assimilation, "none")) snprintf(d->settings, sizeof d->settings, "%lld pair%s of %s, %s of %g apart%s; columns: %s", n, several, name, apart, dt, seen, columns[m->columns]);
  else if (m->weak) snprintf(d->settings, sizeof d->settings, "%lld window%s of %s, %lld steps of %g long, with a model error every %s%s; columns: %s", n, several, name, (long long)steps, dt, apart, seen, columns[m->columns]);
  else snprintf(d->settings, sizeof d->settings, "%lld window%s of %s, %lld steps of %g long, fitted by trajectories of the model%s", n, several, name, (long long)steps, dt, seen);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsPrepare(NomosDiscover *d)
{
  NomosRun          *run = d->run;
  NomosIncrements   *m;
  const char        *observe, *observations, *increments, *assimilation, *directory, *const *equations, *const *library;
  char             **settings;
  size_t             n_equations, n_library;
  NomosObservations  shape;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  d->data = m;
  PetscCall(ReadNumbers(run, m));
  PetscCall(NomosConfigGetString(run->config, "discover.observe", &observe));
  PetscCall(NomosConfigGetString(run->config, "discover.observations", &observations));
  PetscCall(NomosConfigGetString(run->config, "discover.increments", &increments));
  PetscCall(NomosConfigGetString(run->config, "discover.assimilation", &assimilation));
  PetscCall(NomosConfigGetString(run->config, "discover.truth_directory", &directory));
  PetscCall(NomosConfigGetStrings(run->config, "discover.equations", &n_equations, &equations));
  PetscCall(NomosConfigGetStrings(run->config, "discover.library", &n_library, &library));
  PetscCheck(run->ops->equations && run->ops->derivatives && run->ops->derivatives->fields, run->comm, PETSC_ERR_SUP, "solver %s takes no extra terms (`equations:`), or has no derivatives, which nomos discover needs", run->ops->name);
  PetscCall(PetscCalloc1(2 * n_equations, &settings));
  for (size_t i = 0; i < n_equations; i++) {
    PetscCall(FindPlace(run, run->model, equations[i], &(NomosVariablePlace){0}));
    PetscCall(WriteLibrary(run, equations[i], n_library, library, &settings[2 * i]));
  }
  PetscCall(CreateWithLibrary(run, 2 * n_equations, (const char *const *)settings, observe, &m->forecaster));
  for (size_t i = 0; i < 2 * n_equations; i++) PetscCall(PetscFree(settings[i]));
  PetscCall(PetscFree(settings));
  PetscCall(NomosObservationsCreate(m->forecaster.model, m->forecaster.field->name, &shape));
  m->points   = NomosModelFieldPoints(m->forecaster.field);
  m->n_layers = NomosObservationsLayerPoints(shape) > 1 ? NomosObservationsLayers(shape) : 1;
  PetscCall(NomosObservationsDestroy(&shape));
  PetscCall(NomosSparsePrepare(d));
  if (increments[0]) PetscCall(NomosIncrementsReadRun(d, increments));
  if (observations[0]) PetscCall(NomosIncrementsReadObservations(d, observations, !strcmp(assimilation, "none") && !increments[0]));
  if (!observations[0] && !increments[0]) {
    PetscCall(NomosTruthCreate(run, directory, &m->truth));
    PetscCall(CheckTruth(d, m));
  }
  PetscCall(NomosWeakPrepare(d));
  PetscCall(AddEquations(d, m, n_equations, equations, n_library, library));
  PetscCall(SetWeights(d, m));
  PetscCall(NomosIncrementsPrepareSmoothing(d));
  d->missing = strcmp(run->ops->name, "spectral") && strcmp(run->ops->name, "ode");
  m->n_whole = 1;
  for (int i = 0; i < m->forecaster.field->n_dims; i++) m->n_whole *= m->forecaster.field->size[i];
  PetscCall(Describe(d, m, assimilation));
  PetscFunctionReturn(PETSC_SUCCESS);
}
