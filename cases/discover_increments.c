/* The mode of nomos discover that has a model: pairs of observations, increments, columns; discover_increments.h says the equations. */
#include "cases/discover_increments.h"
#include "cases/discover_pending.h"

#include "operators/field_loss.h"
#include "operators/random.h"
#include "operators/reduce.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An increment below this part of the variable, for a state in double precision, is what rounding leaves. */
static const double rounding = 1e-11;

/* ---- from the case */

static PetscErrorCode ReadNumbers(NomosRun *run, NomosIncrements *m)
{
  NomosConfig config = run->config;
  const char *columns;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.from", &m->from));
  PetscCall(NomosConfigGetReal(config, "discover.every", &m->every));
  PetscCall(NomosConfigGetReal(config, "discover.noise", &m->noise));
  PetscCall(NomosConfigGetReal(config, "discover.forecast", &m->forecast));
  PetscCall(NomosConfigGetInt(config, "discover.samples", &m->n_samples));
  PetscCall(NomosConfigGetInt(config, "discover.horizon", &m->horizon));
  PetscCall(NomosConfigGetInt(config, "discover.seed", &m->seed));
  PetscCall(NomosConfigGetInt(config, "discover.frame", &m->frame));
  PetscCall(NomosConfigGetInt(config, "discover.iterations", &m->iterations));
  PetscCall(NomosConfigGetInt(config, "discover.forecasts", &m->n_forecasts));
  PetscCall(NomosConfigGetString(config, "discover.columns", &columns));
  m->columns = !strcmp(columns, "tangent") ? NOMOS_COLUMNS_TANGENT : !strcmp(columns, "analysis") ? NOMOS_COLUMNS_ANALYSIS : NOMOS_COLUMNS_FORECAST;
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
  if (!known && !written) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(e->n_terms, &e->truth));
  snprintf(section, sizeof section, known ? "discover.known.%s" : "equations.%s", e->variable);
  PetscCall(ReadTerms(known ? run->config : m->truth.config, section, &n, &terms, &coefficients));
  for (size_t j = 0; j < e->n_terms && !known; j++) e->truth[j] = -e->model[j];
  for (size_t i = 0; i < n; i++) {
    const size_t j = FindTerm(terms[i], e->n_terms, library);
    PetscCheck(j < e->n_terms, run->comm, PETSC_ERR_ARG_WRONG, "%s: %s.terms: '%s' is not in discover.library, so that it cannot be found", run->case_file.path, section, terms[i]);
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
  const NomosModelField *list;
  size_t               n;

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
  PetscCall(f->derivatives->fields(f->model, &n, &list));
  PetscCall(NomosModelFindField(f->model, observe[0] || !n ? observe : list[0].name, &f->observed, &f->field));
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

typedef struct {
  char  *text;
  size_t n;
  FILE  *out;
} Text;

static PetscErrorCode TextBegin(Text *text)
{
  PetscFunctionBeginUser;
  text->out = open_memstream(&text->text, &text->n);
  PetscCheck(text->out, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory to write the terms of the library");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms that the model has already, then those of the library that it lacks: as values of `equations.VARIABLE`. */
static PetscErrorCode WriteLibrary(NomosRun *run, const char variable[], size_t n_library, const char *const library[], char *settings[2])
{
  char               section[2 * NOMOS_MAX_NAME];
  const char *const *own;
  const double      *coefficients;
  size_t             n_own;
  Text               text[2];

  PetscFunctionBeginUser;
  snprintf(section, sizeof section, "equations.%s", variable);
  PetscCall(ReadTerms(run->config, section, &n_own, &own, &coefficients));
  for (int i = 0; i < 2; i++) {
    PetscCall(TextBegin(&text[i]));
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
    PetscCheck(!fclose(text[i].out), PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory to write the terms of the library");
    settings[i] = text[i].text;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `q2`: the field of this name, or the second layer of the field q. */
static PetscErrorCode FindPlace(NomosRun *run, const NomosForecaster *f, const char variable[], NomosVariablePlace *place)
{
  const NomosModelField *list;
  size_t                 n, length = strlen(variable);
  char                   all[512] = "";

  PetscFunctionBeginUser;
  PetscCall(f->derivatives->fields(f->model, &n, &list));
  while (length && isdigit((unsigned char)variable[length - 1])) length--;
  for (int layered = 0; layered < 2; layered++)
    for (size_t i = 0; i < n; i++) {
      const size_t layers = list[i].n_dims > 2 || (list[i].n_dims == 1 && f->field->n_dims == 1 && !list[i].unit) ? list[i].size[0] : 1, points = NomosModelFieldPoints(&list[i]), layer = layered ? (size_t)atoi(variable + length) : 1;
      if (layered ? strlen(list[i].name) != length || strncmp(list[i].name, variable, length) : strcmp(list[i].name, variable) != 0) continue;
      if (layered && (layer < 1 || layer > layers)) continue;
      *place = (NomosVariablePlace){.field = i, .layer = layer - 1, .first = layered ? (layer - 1) * (points / layers) : 0, .n = layered ? points / layers : points};
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  for (size_t i = 0; i < n; i++) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.24s", i ? ", " : "", list[i].name);
  SETERRQ(run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.equations: '%s' is no field of solver %s, nor a layer of one; its fields are %s, and a layer is counted from 1, as in %.24s1", NomosConfigWhere(run->config, "discover.equations"), variable, run->ops->name, all, n ? list[0].name : "q");
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
  const char               **texts, **latex;

  PetscFunctionBeginUser;
  PetscCheck(m->forecaster.model->ops->equations, d->run->comm, PETSC_ERR_SUP, "solver %s takes no extra terms (`equations:`), which nomos discover needs", d->run->ops->name);
  PetscCall(m->forecaster.model->ops->equations(m->forecaster.model, NULL, &set, NULL));
  PetscCall(NomosEquationsEntries(set, &n_entries, &entries));
  PetscCall(NomosModelGetParameters(m->forecaster.model, &m->n_parameters, &list));
  PetscCall(PetscMalloc2(n_library, &texts, n_library, &latex));
  PetscCall(PetscMalloc1(m->n_parameters + 1, &m->values));
  for (size_t p = 0; p < m->n_parameters; p++) m->values[p] = list[p].value;
  PetscCall(PetscCalloc2(n_equations, &m->parameters, n_equations, &m->places));
  for (size_t i = 0; i < n_equations; i++) {
    const char *const *own;
    const double      *coefficients;
    size_t             n_own;
    char               section[2 * NOMOS_MAX_NAME], key[2 * NOMOS_MAX_NAME + 16];
    PetscCall(FindPlace(d->run, &m->forecaster, equations[i], &m->places[i]));
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
      texts[j]            = NomosTermsText(NomosEquationsTerms(set), entries[k].term);
      latex[j]            = NomosTermsLatex(NomosEquationsTerms(set), entries[k].term);
    }
    PetscCall(NomosDiscoverAdd(d, equations[i], n_library, texts, latex));
    for (size_t j = 0; j < n_library; j++) d->equations[i].model[j] = m->values[m->parameters[i][j]];
    PetscCall(KeepOthers(&d->equations[i], n_own, own, coefficients, n_library, library));
    PetscCall(ReadKnown(d->run, m, &d->equations[i], library));
  }
  PetscCall(PetscFree2(texts, latex));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The real system must be seen as the model is. */
static PetscErrorCode CheckTruth(NomosDiscover *d, NomosIncrements *m)
{
  const NomosModelField *seen, *field = m->forecaster.field;
  size_t                 n;

  PetscFunctionBeginUser;
  PetscCall(NomosModelGetDerivatives(m->truth.model, false, &m->truth_derivatives));
  PetscCall(NomosModelFindField(m->truth.model, field->name, &m->truth_observed, &seen));
  bool same = seen->n_dims == field->n_dims;
  for (int i = 0; i < field->n_dims && same; i++) same = seen->size[i] == field->size[i];
  PetscCheck(same, d->run->comm, PETSC_ERR_ARG_INCOMP, "%s: truth: its grid of %s is not that of the model; both must have the same one", d->run->case_file.path, field->name);
  PetscCall(m->truth_derivatives->state_size(m->truth.model, &n));
  m->truth_bytes = n * NomosRealBytes(m->truth.model->precision) + 1;
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

static PetscErrorCode Prepare(NomosDiscover *d)
{
  NomosRun          *run = d->run;
  NomosIncrements   *m;
  const char        *observe, *directory, *const *equations, *const *library;
  char             **settings;
  size_t             n_equations, n_library;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  d->data = m;
  PetscCall(ReadNumbers(run, m));
  PetscCall(NomosConfigGetString(run->config, "discover.observe", &observe));
  PetscCall(NomosConfigGetString(run->config, "discover.truth_directory", &directory));
  PetscCall(NomosConfigGetStrings(run->config, "discover.equations", &n_equations, &equations));
  PetscCall(NomosConfigGetStrings(run->config, "discover.library", &n_library, &library));
  PetscCheck(n_equations, run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.equations is empty; name the variables of which an equation is looked for", NomosConfigWhere(run->config, "discover.equations"));
  PetscCheck(n_library, run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.library is empty; give candidate terms, such as [u, u_xx]", NomosConfigWhere(run->config, "discover.library"));
  PetscCall(PetscCalloc1(2 * n_equations, &settings));
  for (size_t i = 0; i < n_equations; i++) PetscCall(WriteLibrary(run, equations[i], n_library, library, &settings[2 * i]));
  PetscCall(NomosForecasterCreate(run, 2 * n_equations, (const char *const *)settings, observe, &m->forecaster));
  for (size_t i = 0; i < 2 * n_equations; i++) free(settings[i]);
  PetscCall(PetscFree(settings));
  PetscCall(NomosTruthCreate(run, directory, &m->truth));
  PetscCall(CheckTruth(d, m));
  PetscCall(AddEquations(d, m, n_equations, equations, n_library, library));
  PetscCall(SetWeights(d, m));
  d->missing = strcmp(run->ops->name, "spectral") && strcmp(run->ops->name, "ode");
  m->points = NomosModelFieldPoints(m->forecaster.field);
  snprintf(d->settings, sizeof d->settings, "%lld pairs of %s, %lld step%s of %g apart, from time %g, noise %g; columns: %s", (long long)m->n_samples, m->forecaster.field->name, (long long)m->horizon, m->horizon > 1 ? "s" : "", run->model->dt, m->from, m->noise, m->columns == NOMOS_COLUMNS_TANGENT ? "the derivative of the model's step" : m->columns == NOMOS_COLUMNS_ANALYSIS ? "terms at the observation" : "terms at the forecast");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- pairs of observations */

/* From the field at a pair's begin to that at its end, by the real system: both are restarted from what is seen, as the model is. */
static PetscErrorCode StepTruth(NomosIncrements *m, const double *psi, double *later)
{
  NomosModel model = m->truth.model;
  void      *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  PetscCall(m->truth_derivatives->from_field(model, m->truth_observed, psi, x));
  PetscCall(NomosModelSetClock(model, 0));
  PetscCall(m->truth_derivatives->set_state(model, x));
  for (int64_t i = 0; i < m->horizon; i++) PetscCall(m->truth.ops->step(model));
  PetscCall(m->truth_derivatives->get_state(model, x));
  PetscCall(m->truth_derivatives->field(model, m->truth_observed, x, later));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Place of the i-th value of this rank in the whole field, so that random numbers do not depend on the ranks. */
static size_t PlaceOf(const NomosModelField *field, size_t i)
{
  size_t place = 0, stride = 1;

  for (int k = field->n_dims - 1; k >= 0; k--) {
    place += stride * (field->start[k] + i % field->count[k]);
    i /= field->count[k];
    stride *= field->size[k];
  }
  return place;
}

/* Noise of the given part of the standard deviation of the layer. */
static PetscErrorCode AddNoise(NomosDiscover *d, NomosIncrements *m, uint64_t stream, double *psi)
{
  const NomosModelField *field  = m->forecaster.field;
  const size_t           layers = field->n_dims > 2 ? field->size[0] : 1, n = m->points / layers;

  PetscFunctionBeginUser;
  for (size_t l = 0; l < layers && m->noise > 0; l++) {
    double sums[3] = {0, 0, (double)n};
    for (size_t i = l * n; i < (l + 1) * n; i++) {
      sums[0] += psi[i];
      sums[1] += psi[i] * psi[i];
    }
    PetscCall(NomosSumOverRanks(d->run->comm, 3, sums));
    const double mean = sums[0] / sums[2], deviation = sqrt(fmax(0, sums[1] / sums[2] - mean * mean));
    for (size_t i = l * n; i < (l + 1) * n; i++) psi[i] += m->noise * deviation * NomosRandomNormal((uint64_t)m->seed, stream, PlaceOf(field, i));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All pairs: psi of the real system's run and what it becomes. */
static PetscErrorCode MakePairs(NomosDiscover *d, NomosIncrements *m)
{
  NomosModel    model = m->truth.model;
  const double  dt    = model->dt;
  const int64_t first = (int64_t)ceil(m->from / dt - 1e-6), every = m->every > 0 ? PetscMax(1, (int64_t)round(m->every / dt)) : 1;
  void         *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)m->n_samples * 2 * m->points + 1, &m->pairs));
  PetscCall(PetscMalloc(m->truth_bytes, &x));
  for (int64_t s = 0; s < m->n_samples; s++) {
    double *pair = m->pairs + (size_t)s * 2 * m->points;
    PetscCall(NomosTruthAt(&m->truth, first + s * every));
    if (d->run->stopped_by) break;
    PetscCall(m->truth_derivatives->get_state(model, x));
    PetscCall(m->truth_derivatives->field(model, m->truth_observed, x, pair));
    PetscCall(StepTruth(m, pair, pair + m->points));
    PetscCall(NomosModelSetClock(model, first + s * every));
    PetscCall(m->truth_derivatives->set_state(model, x));
    PetscCall(AddNoise(d, m, (uint64_t)(2 * s), pair));
    PetscCall(AddNoise(d, m, (uint64_t)(2 * s + 1), pair + m->points));
  }
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- increments and columns */

/* Room for a pass. */
typedef struct {
  void    *x, *x_dot, *seen;
  double  *psi, *q; /* a field each */
  double **targets[2], ***columns; /* (n_equations): y and h; (n_equations)(n_terms)(places.n) */
} Work;

/* The variable of an equation in a state, by what is seen of the state. */
static PetscErrorCode Read(NomosIncrements *m, Work *w, size_t equation, const void *x, double values[])
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
static PetscErrorCode TangentColumns(NomosDiscover *d, NomosIncrements *m, Work *w, const double *psi, double scale)
{
  const NomosForecaster *f = &m->forecaster;
  double                *p_dot;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(m->n_parameters + 1, &p_dot));
  for (size_t e = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) {
      double *column = w->columns[e][j];
      PetscCall(f->derivatives->from_field(f->model, f->observed, psi, w->x));
      PetscCall(PetscMemzero(w->x_dot, f->bytes));
      p_dot[m->parameters[e][j]] = 1;
      for (int64_t i = 0; i < m->horizon; i++) {
        PetscCall(NomosModelSetClock(f->model, i));
        PetscCall(f->derivatives->jvp(f->model, w->x, w->x_dot, p_dot));
        if (i == m->horizon - 1) break;
        PetscCall(f->derivatives->set_state(f->model, w->x));
        PetscCall(f->model->ops->step(f->model));
        PetscCall(f->derivatives->get_state(f->model, w->x));
      }
      p_dot[m->parameters[e][j]] = 0;
      PetscCall(Read(m, w, e, w->x_dot, column));
      for (size_t k = 0; k < m->places[e].n; k++) column[k] *= scale;
    }
  PetscCall(PetscFree(p_dot));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms themselves, at a state. */
static PetscErrorCode PlainColumns(NomosDiscover *d, NomosIncrements *m, Work *w, const void *x)
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

/* One pair into the normal equations. */
static PetscErrorCode AddPair(NomosDiscover *d, NomosIncrements *m, Work *w, size_t sample)
{
  const NomosForecaster *f     = &m->forecaster;
  const double          *psi   = m->pairs + sample * 2 * m->points;
  const double           scale = 1 / ((double)m->horizon * f->model->dt);
  size_t                 at    = 0;

  PetscFunctionBeginUser;
  PetscCall(f->derivatives->from_field(f->model, f->observed, psi + m->points, w->x));
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(Read(m, w, e, w->x, w->targets[1][e]));
  if (m->columns == NOMOS_COLUMNS_ANALYSIS) PetscCall(PlainColumns(d, m, w, w->x));
  PetscCall(f->derivatives->from_field(f->model, f->observed, psi, w->x));
  PetscCall(NomosModelSetClock(f->model, 0));
  PetscCall(f->derivatives->set_state(f->model, w->x));
  for (int64_t i = 0; i < m->horizon; i++) PetscCall(f->model->ops->step(f->model));
  PetscCall(f->derivatives->get_state(f->model, w->x));
  if (m->columns == NOMOS_COLUMNS_FORECAST) PetscCall(PlainColumns(d, m, w, w->x));
  for (size_t e = 0; e < d->n_equations; e++) {
    double *h = w->targets[1][e], *y = w->targets[0][e], size = 0;
    PetscCall(Read(m, w, e, w->x, y));
    for (size_t k = 0; k < m->places[e].n; k++) {
      size = fmax(size, fabs(y[k]));
      h[k] = scale * (h[k] - y[k]);
    }
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &size, 1, MPI_DOUBLE, MPI_MAX, d->run->comm));
    d->equations[e].floor = fmax(d->equations[e].floor, rounding * scale * size * (f->model->precision == NOMOS_F32 ? FLT_EPSILON / DBL_EPSILON : 1));
  }
  if (m->columns == NOMOS_COLUMNS_TANGENT) PetscCall(TangentColumns(d, m, w, psi, scale));
  for (size_t e = 0; e < d->n_equations; e++) {
    NomosDiscoverEquation *equation = &d->equations[e];
    const size_t           n        = m->places[e].n;
    PetscCall(PetscArraycpy(w->targets[0][e], w->targets[1][e], n));
    for (size_t j = 0; j < equation->n_terms && m->n_passes; j++)
      for (size_t k = 0; k < n; k++) w->targets[0][e][k] += equation->found.c[j] * w->columns[e][j][k];
    PetscCall(NomosGramAdd(&equation->gram, sample, n, (const double *const *)w->columns[e], (const double *const[]){w->targets[0][e], w->targets[1][e]}, m->weights + at));
    at += n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WorkCreate(NomosDiscover *d, NomosIncrements *m, Work *w)
{
  const NomosModelField *list;
  size_t                 n, largest = 0;

  PetscFunctionBeginUser;
  PetscCall(m->forecaster.derivatives->fields(m->forecaster.model, &n, &list));
  for (size_t i = 0; i < n; i++) largest = PetscMax(largest, NomosModelFieldPoints(&list[i]));
  PetscCall(PetscMalloc3(m->forecaster.bytes, (char **)&w->x, m->forecaster.bytes, (char **)&w->x_dot, m->forecaster.bytes, (char **)&w->seen));
  PetscCall(PetscMalloc2(largest + 1, &w->psi, largest + 1, &w->q));
  PetscCall(PetscMalloc3(d->n_equations, &w->targets[0], d->n_equations, &w->targets[1], d->n_equations, &w->columns));
  for (size_t e = 0; e < d->n_equations; e++) {
    for (int t = 0; t < 2; t++) PetscCall(PetscMalloc1(m->places[e].n + 1, &w->targets[t][e]));
    PetscCall(PetscMalloc1(d->equations[e].n_terms, &w->columns[e]));
    for (size_t j = 0; j < d->equations[e].n_terms; j++) PetscCall(PetscMalloc1(m->places[e].n + 1, &w->columns[e][j]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WorkDestroy(NomosDiscover *d, Work *w)
{
  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++) {
    for (int t = 0; t < 2; t++) PetscCall(PetscFree(w->targets[t][e]));
    for (size_t j = 0; j < d->equations[e].n_terms; j++) PetscCall(PetscFree(w->columns[e][j]));
    PetscCall(PetscFree(w->columns[e]));
  }
  PetscCall(PetscFree3(w->x, w->x_dot, w->seen));
  PetscCall(PetscFree2(w->psi, w->q));
  PetscCall(PetscFree3(w->targets[0], w->targets[1], w->columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The normal equations of all pairs, at the model's present coefficients. */
static PetscErrorCode Assemble(NomosDiscover *d, NomosIncrements *m, Work *w)
{
  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++) {
    if (d->equations[e].gram.G) PetscCall(NomosGramDestroy(&d->equations[e].gram));
    PetscCall(NomosGramCreate(d->equations[e].n_terms, 2, (size_t)m->n_samples, &d->equations[e].gram));
  }
  for (int64_t s = 0; s < m->n_samples; s++) {
    PetscCall(AddPair(d, m, w, (size_t)s));
    PetscCall(NomosRunStopped(d->run));
    if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(NomosGramReduce(d->run->comm, &d->equations[e].gram));
  m->n_passes++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On the terms found, what the last pass left: c += least squares of h. *change: the largest |dc|/|c| of the equations. */
static PetscErrorCode Refine(NomosDiscover *d, const double *const before[], double *change)
{
  PetscFunctionBeginUser;
  *change = 0;
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    NomosNormal            normal;
    bool                  *support;
    double                *dc, up = 0, size = 0;
    PetscCall(PetscMalloc2(e->n_terms, &support, e->n_terms, &dc));
    size_t n = 0;
    for (size_t j = 0; j < e->n_terms; j++) n += support[j] = e->found.c[j] != 0;
    PetscCall(NomosGramNormal(&e->gram, 1, NULL, &normal));
    if (n) PetscCall(NomosLeastSquares(&normal, support, NULL, dc, NULL));
    for (size_t j = 0; j < e->n_terms && n; j++) {
      if (!support[j]) continue;
      e->found.c[j] = before[i][j] + dc[j];
      up += dc[j] * dc[j];
      size += e->found.c[j] * e->found.c[j];
    }
    if (n) *change = fmax(*change, sqrt(up / size));
    PetscCall(NomosNormalDestroy(&normal));
    PetscCall(PetscFree2(support, dc));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Put model + c into the model. */
static PetscErrorCode SetCoefficients(NomosDiscover *d, NomosIncrements *m)
{
  PetscFunctionBeginUser;
  for (size_t e = 0; e < d->n_equations; e++)
    for (size_t j = 0; j < d->equations[e].n_terms; j++) m->values[m->parameters[e][j]] = d->equations[e].model[j] + d->equations[e].found.c[j];
  PetscCall(m->forecaster.derivatives->set_parameters(m->forecaster.model, m->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Terms are chosen by the regression of y; once a pass chooses those of the pass before, their coefficients are refined by what is left, until that no longer makes a change. */
static PetscErrorCode Find(NomosDiscover *d)
{
  enum { SAME = 0 };
  static const double converged = 1e-13;
  NomosIncrements    *m         = d->data;
  double            **before;
  double              change = 0, last = DBL_MAX;
  Work                w;

  PetscFunctionBeginUser;
  PetscCall(MakePairs(d, m));
  if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WorkCreate(d, m, &w));
  PetscCall(PetscMalloc1(d->n_equations, &before));
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(PetscCalloc1(d->equations[e].n_terms, &before[e]));
  const int64_t passes = m->columns == NOMOS_COLUMNS_TANGENT ? m->iterations : 1;
  for (int64_t pass = 0; pass < passes; pass++) {
    PetscCall(Assemble(d, m, &w));
    if (d->run->stopped_by) break;
    bool same = pass > 0;
    PetscCall(NomosDiscoverSolve(d));
    for (size_t e = 0; e < d->n_equations; e++)
      for (size_t j = 0; j < d->equations[e].n_terms; j++) same = same && (before[e][j] != 0) == (d->equations[e].found.c[j] != 0);
    if (same) PetscCall(Refine(d, (const double *const *)before, &change));
    if (passes > 1) PetscCall(SetCoefficients(d, m));
    for (size_t e = 0; e < d->n_equations; e++) PetscCall(PetscArraycpy(before[e], d->equations[e].found.c, d->equations[e].n_terms));
    if (same && (change <= converged || change >= 0.5 * last)) break;
    if (same) last = change;
  }
  for (size_t e = 0; e < d->n_equations; e++) PetscCall(PetscFree(before[e]));
  PetscCall(PetscFree(before));
  PetscCall(WorkDestroy(d, &w));
  d->n_samples = (double)m->n_samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  NomosIncrements *m = d->data;

  PetscFunctionBeginUser;
  PetscCall(result("passes", (double)m->n_passes, ctx));
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
  PetscCall(PetscFree(m->weights));
  PetscCall(NomosForecasterDestroy(&m->forecaster));
  PetscCall(NomosTruthDestroy(&m->truth));
  PetscCall(PetscFree(d->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosDiscoverMode nomos_discover_increments = {.name = "increments", .prepare = Prepare, .find = Find, .results = Results, .destroy = Destroy};
