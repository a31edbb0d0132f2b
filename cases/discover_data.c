/* The mode of nomos discover without a model: equations of data, in strong or weak form (surrogates/discovery/library.h). */
#include "cases/discover_data.h"
#include "cases/train.h"

#include "surrogates/discovery/intervals.h"
#include "surrogates/discovery/stepwise.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Noise below this part of a field is rounding, above that one derivatives magnify it. */
static const double no_noise = 1e-5, much_noise = 3e-4;

/* The sums of one target. */
static PetscErrorCode Slice(const NomosGram *all, size_t target, NomosGram *one)
{
  const size_t n = all->n_terms;

  PetscFunctionBeginUser;
  if (!one->G) PetscCall(NomosGramCreate(n, 1, all->n_blocks, one));
  memcpy(one->G, all->G, all->n_blocks * n * n * sizeof *one->G);
  memcpy(one->n, all->n, all->n_blocks * sizeof *one->n);
  for (size_t block = 0; block < all->n_blocks; block++) {
    memcpy(one->b + block * n, all->b + (block * all->n_targets + target) * n, n * sizeof *one->b);
    one->s[block] = all->s[block * all->n_targets + target];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One regression, of data with the noise of one seed. */
static PetscErrorCode Regress(NomosDiscover *d, NomosDiscoverData *data)
{
  NomosGram gram;

  PetscFunctionBeginUser;
  PetscCall(NomosLibraryAssemble(data->library, NomosDiscoverDataFrames(data), NULL, &gram));
  d->n_samples = 0;
  for (size_t block = 0; block < gram.n_blocks; block++) d->n_samples += gram.n[block];
  NomosCheck(d->n_samples >= (double)data->n_terms, d->run->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %g rows for %zu terms of the library; choose smaller strides (assembly.stride) or fewer terms", NomosConfigWhere(d->run->config, "discover.library"), d->n_samples, data->n_terms);
  for (size_t i = 0; i < d->n_equations; i++) {
    PetscCall(Slice(&gram, i, &d->equations[i].gram));
    d->equations[i].gram.names = (const char *const *)d->equations[i].terms;
  }
  PetscCall(NomosGramDestroy(&gram));
  PetscCall(NomosDiscoverSolve(d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms found of an equation, to be fitted alone: a library of them, and what the equation's constraints say of them. */
typedef struct {
  NomosLibraryInput input;
  NomosConstraints  constraints;
  const char      **terms;
  size_t           *of; /* (input.n_terms) which of the equation's they are */
  double           *c, *A; /* c: room for their coefficients, at first those found */
  int              *signs;
} Found;

static PetscErrorCode FoundCreate(NomosDiscover *d, NomosDiscoverData *data, size_t equation, Found *f)
{
  const NomosDiscoverEquation *e = &d->equations[equation];
  const NomosConstraints      *k = &e->constraints;
  size_t                       n = 0;
  bool                         has_signs = false;

  PetscFunctionBeginUser;
  *f = (Found){.constraints = *k};
  PetscCall(PetscMalloc5(e->n_terms, &f->terms, e->n_terms, &f->of, e->n_terms, &f->c, k->n_equalities * e->n_terms, &f->A, e->n_terms, &f->signs));
  for (size_t j = 0; j < e->n_terms; j++) {
    if (e->found.c[j] == 0) continue;
    f->terms[n] = e->terms[j];
    f->signs[n] = k->signs ? k->signs[j] : 0;
    has_signs   = has_signs || f->signs[n];
    f->c[n]     = e->found.c[j];
    f->of[n++]  = j;
  }
  for (size_t r = 0; r < k->n_equalities; r++)
    for (size_t j = 0; j < n; j++) f->A[r * n + j] = k->A[r * e->n_terms + f->of[j]];
  f->constraints.A     = f->A;
  f->constraints.signs = has_signs ? f->signs : NULL;
  f->input             = (NomosLibraryInput){.comm = d->run->comm, .frames = NomosDiscoverDataFrames(data), .n_fields = data->n_fields, .n_targets = 1, .n_terms = n, .fields = data->fields, .terms = f->terms, .targets = data->targets + equation, .settings = *NomosLibrarySettingsUsed(data->library), .where = NomosConfigWhere(d->run->config, "discover.library")};
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FoundDestroy(Found *f)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(f->terms, f->of, f->c, f->A, f->signs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* assembly.selection: stepwise: terms by normal equations without the noise that is measured in the data. Only their support is of use. Where noise cannot be taken off, those of discover.method stay. */
static PetscErrorCode Select(NomosDiscover *d, NomosDiscoverData *data)
{
  NomosNormal   *normals, *noises;
  PetscErrorCode code;
  double         in, out;
  bool          *guess;
  char           sentence[1024];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "assembly.in", &in));
  PetscCall(NomosConfigGetReal(d->run->config, "assembly.out", &out));
  PetscCall(PetscMalloc3(d->n_equations, &normals, d->n_equations, &noises, data->n_terms, &guess));
  NomosQuietly(code, NomosLibraryUnbiasedSums(data->library, NomosDiscoverDataFrames(data), data->sigma, normals, noises));
  snprintf(sentence, sizeof sentence, "assembly.selection = stepwise chooses no terms, those of discover.method stay: %s", NomosErrorLast());
  if (code) PetscCall(NomosRunWarn(sentence, d->run));
  for (size_t i = 0; i < d->n_equations && !code; i++) {
    for (size_t j = 0; j < data->n_terms; j++) guess[j] = d->equations[i].found.c[j] != 0;
    PetscCall(NomosStepwise(&(NomosStepwiseInput){.normal = &normals[i], .noise = &noises[i], .overlap = NomosLibraryOverlap(data->library), .in = in, .out = out, .most = 40, .guess = guess}, d->equations[i].found.c));
    PetscCall(NomosNormalDestroy(&normals[i]));
    PetscCall(NomosNormalDestroy(&noises[i]));
  }
  PetscCall(PetscFree3(normals, noises, guess));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |y - Phi c|^2/|y|^2 with the data as they are. */
static PetscErrorCode Residual(NomosDiscoverEquation *e)
{
  const size_t n = e->n_terms;
  NomosNormal  normal;

  PetscFunctionBeginUser;
  PetscCall(NomosGramNormal(&e->gram, 0, NULL, &normal));
  double sum = normal.s;
  e->found.nothing = true;
  for (size_t i = 0; i < n; i++) {
    if (e->found.c[i] == 0) continue;
    e->found.nothing = false;
    sum -= 2 * e->found.c[i] * normal.b[i];
    for (size_t j = 0; j < n; j++) sum += e->found.c[i] * normal.G[i * n + j] * e->found.c[j];
  }
  e->found.residual = sum / normal.s;
  PetscCall(NomosNormalDestroy(&normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of an equation that is not fitted without the bias, with what its deviations then are: of rows taken as independent, where test functions overlap. */
static PetscErrorCode WarnOfBias(NomosDiscover *d, const NomosDiscoverData *data, const char variable[], const char why[])
{
  const double share = 1 / NomosLibraryOverlap(data->library);
  double       independence;
  char         sentence[1024];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "discover.independence", &independence));
  snprintf(sentence, sizeof sentence, "the bias of noise stays in the equation of %s: %s", variable, why);
  if (independence > 1.5 * share) NomosTextAppend(sizeof sentence, sentence, "; its deviations are those of independent rows, too small as test functions overlap: discover.independence = %.1g is about what they leave", share);
  PetscCall(NomosRunWarn(sentence, d->run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The terms found, fitted again without the bias that noise in the data has on them. What cannot be fitted so stays as it is. */
static PetscErrorCode Unbias(NomosDiscover *d, NomosDiscoverData *data, size_t equation)
{
  NomosDiscoverEquation *e     = &d->equations[equation];
  NomosLibrary           found = NULL;
  Found                  f;
  double                *covariance;

  PetscFunctionBeginUser;
  PetscCall(FoundCreate(d, data, equation, &f));
  const size_t n = f.input.n_terms;
  PetscCall(PetscMalloc1(n * n, &covariance));
  if (n) PetscCall(NomosLibraryCreate(&f.input, &found));
  if (found && NomosLibraryCanUnbias(found) && d->coupled) PetscCall(WarnOfBias(d, data, e->variable, "it is taken off one equation after the other, and discover.constraints are between several"));
  else if (found && NomosLibraryCanUnbias(found)) {
    PetscErrorCode code;
    NomosQuietly(code, NomosLibraryUnbiasedFit(found, &(NomosUnbiasedInput){.frames = f.input.frames, .sigma = data->sigma, .constraints = &f.constraints}, f.c, covariance));
    for (size_t j = 0; !code && j < n; j++) {
      e->found.c[f.of[j]]         = f.c[j];
      e->found.deviation[f.of[j]] = sqrt(fmax(0, covariance[j * (n + 1)]));
    }
    if (!code) e->found.freedom = INFINITY;
    else PetscCall(WarnOfBias(d, data, e->variable, NomosErrorLast()));
  }
  PetscCall(NomosLibraryDestroy(&found));
  PetscCall(PetscFree(covariance));
  PetscCall(FoundDestroy(&f));
  PetscCall(Residual(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where noise is measured in the data. */
static PetscErrorCode UnbiasAll(NomosDiscover *d, NomosDiscoverData *data)
{
  const char *kind;
  bool        wanted, noisy = false;
  double      rms[NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetBool(d->run->config, "assembly.unbias", &wanted));
  PetscCall(NomosConfigGetString(d->run->config, "discover.intervals", &kind));
  const bool own = !strcmp(kind, "noise"); /* which has its own correction */
  /* Too little data to tell their noise are no error where it is not needed. */
  const bool     quiet = NomosErrorSetQuiet(!own);
  PetscErrorCode code  = NomosFramesNoise(NomosDiscoverDataFrames(data), data->sigma);
  NomosErrorSetQuiet(quiet);
  if (own) PetscCall(code);
  data->measured = !code;
  if (code) memset(data->sigma, 0, data->frames.n_fields * sizeof *data->sigma);
  if (!wanted || own || code || data->frames.n_fields > data->n_fields) PetscFunctionReturn(PETSC_SUCCESS); /* of given rates nothing is known */
  PetscCall(NomosFramesMeasure(d->run->comm, NomosDiscoverDataFrames(data), &(NomosFramesStatistics){.rms = rms}));
  for (size_t i = 0; i < data->n_fields; i++) noisy = noisy || data->sigma[i] > no_noise * rms[i];
  PetscCall(NomosConfigGetString(d->run->config, "assembly.selection", &kind));
  if (noisy && !strcmp(kind, "stepwise") && NomosLibraryCanUnbias(data->library)) PetscCall(Select(d, data));
  for (size_t i = 0; noisy && i < d->n_equations; i++) PetscCall(Unbias(d, data, i));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The two numbers of Messenger & Bortz 2021: the largest relative error of a coefficient that is to be found, and the share of right terms among all that are there or should be. */
static void Judge(const NomosDiscover *d, double *worst, double *ratio, double covered[3])
{
  double right = 0, all = 0;

  *worst = 0;
  for (size_t i = 0; i < d->n_equations; i++) {
    const NomosDiscoverEquation *e = &d->equations[i];
    const double                 t = NomosStudentQuantile(e->found.freedom, 0.95);
    for (size_t j = 0; e->truth && j < e->n_terms; j++) {
      const bool found = e->found.c[j] != 0, there = e->truth[j] != 0;
      if (there) *worst = fmax(*worst, fabs(e->found.c[j] - e->truth[j]) / fabs(e->truth[j]));
      right += found && there;
      covered[0] += found && there && fabs(e->found.c[j] - e->truth[j]) <= t * e->found.deviation[j];
      covered[1] += found && there;
      if (found && there && e->found.deviation[j] > 0) covered[2] += pow((e->found.c[j] - e->truth[j]) / e->found.deviation[j], 2);
      all += found || there;
    }
  }
  *ratio = all > 0 ? right / all : 1;
}

/* assembly.seeds: the same with other noise, the seed of the case last, which is reported. */
static PetscErrorCode Study(NomosDiscover *d, NomosDiscoverData *data)
{
  double worst, ratio;

  PetscFunctionBeginUser;
  for (int64_t k = data->seeds - 1; k >= 0; k--) {
    if (data->noisy.read) PetscCall(NomosFramesClose(&data->noisy));
    PetscCall(NomosDiscoverDataNoise(d, data, (uint64_t)k));
    PetscCall(Regress(d, data));
    PetscCall(UnbiasAll(d, data));
    Judge(d, &worst, &ratio, data->covered);
    data->worst += worst / (double)data->seeds;
    data->ratio += ratio / (double)data->seeds;
    data->exact += (ratio == 1) / (double)data->seeds;
    PetscCall(NomosRunStopped(d->run));
    if (d->run->stopped_by) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A strong form of noisy data has wrong terms and small deviations: not without a word. */
static PetscErrorCode WarnOfNoise(NomosDiscover *d, const NomosDiscoverData *data)
{
  double rms[NOMOS_DATASET_MAX_VARIABLES];
  char   sentence[512];

  PetscFunctionBeginUser;
  if (NomosLibrarySettingsUsed(data->library)->form == NOMOS_FORM_WEAK || data->frames.n_fields > data->n_fields) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFramesMeasure(d->run->comm, NomosDiscoverDataFrames(data), &(NomosFramesStatistics){.rms = rms}));
  for (size_t i = 0; i < data->n_fields; i++) {
    if (!(data->sigma[i] > much_noise * rms[i])) continue;
    snprintf(sentence, sizeof sentence, "%s has noise of about %.2g, which the derivatives of the strong form magnify: these terms may be wrong; try assembly.form=weak", data->fields[i], data->sigma[i]);
    PetscCall(NomosRunWarn(sentence, d->run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Strong form: the terms found by differences of two orders less (of the least order: more). By how much coefficients change is about the error of differences, of which deviations do not know. */
static PetscErrorCode TryOtherOrders(NomosDiscover *d, NomosDiscoverData *data)
{
  const NomosLibrarySettings *used     = NomosLibrarySettingsUsed(data->library);
  const bool                  in_space = data->frames.n_dims > 0 && used->derivatives == NOMOS_TERMS_DIFFERENCES;
  char                        sentence[512];

  PetscFunctionBeginUser;
  if (used->form == NOMOS_FORM_WEAK || data->frames.n_fields > data->n_fields || d->coupled) PetscFunctionReturn(PETSC_SUCCESS); /* given rates are not looked into, and equations are fitted one by one */
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    NomosLibrary           found;
    NomosGram              gram;
    NomosNormal            normal;
    Found                  f;
    double                 change = 0, size = 0;
    if (e->found.nothing) continue;
    PetscCall(FoundCreate(d, data, i, &f));
    if (in_space) f.input.settings.order += used->order > 2 ? -2 : 2;
    f.input.settings.time_order += used->time_order > 2 ? -2 : 2;
    const bool     quiet = NomosErrorSetQuiet(true);
    PetscErrorCode code  = NomosLibraryCreate(&f.input, &found);
    if (!code) {
      code = NomosLibraryAssemble(found, NomosDiscoverDataFrames(data), NULL, &gram);
      PetscCall(NomosLibraryDestroy(&found));
    }
    if (!code) {
      gram.names = f.terms;
      PetscCall(NomosGramNormal(&gram, 0, NULL, &normal));
      code = NomosLeastSquares(&normal, NULL, &f.constraints, f.c, NULL);
      PetscCall(NomosNormalDestroy(&normal));
      PetscCall(NomosGramDestroy(&gram));
    }
    NomosErrorSetQuiet(quiet);
    for (size_t k = 0; k < f.input.n_terms && !code; k++) {
      const double c = e->found.c[f.of[k]];
      change         = fmax(change, fabs(f.c[k] - c) / fabs(c));
      size           = fmax(size, e->found.deviation[f.of[k]] / fabs(c));
    }
    PetscCall(FoundDestroy(&f));
    if (!(change > 2 * size)) continue;
    snprintf(sentence, sizeof sentence, "d%s/dt: with differences of another order coefficients change by up to %.1g of their size, more than their deviations, which know of noise alone: trust no more digits; assembly.order and time_order of 6 or 8, spectral derivatives or the weak form are nearer", e->variable, change);
    PetscCall(NomosRunWarn(sentence, d->run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of the target's mean square that terms leave, with coefficients c or (fit) those of least squares, which c then has. */
static PetscErrorCode MeanLeft(const NomosGram *gram, bool fit, double c[], double *left)
{
  NomosNormal normal;

  PetscFunctionBeginUser;
  PetscCall(NomosGramNormal(gram, 0, NULL, &normal));
  PetscErrorCode code = fit ? NomosLeastSquares(&normal, NULL, NULL, c, NULL) : PETSC_SUCCESS;
  *left               = normal.s;
  for (size_t i = 0; i < gram->n_terms; i++) {
    *left -= 2 * c[i] * normal.b[i];
    for (size_t j = 0; j < gram->n_terms; j++) *left += c[i] * normal.G[i * gram->n_terms + j] * c[j];
  }
  *left /= normal.s;
  PetscCall(NomosNormalDestroy(&normal));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Are the data periodic? Terms found, fitted with open ends, leave as much in rows across the ends as in those inside, if they are. Both by differences: series have no open ends. */
static PetscErrorCode TryOpenEnds(NomosDiscover *d, NomosDiscoverData *data)
{
  static const double worse = 10, least = 1e-6;
  const NomosLibrarySettings *used = NomosLibrarySettingsUsed(data->library);
  char                        sentence[512];

  PetscFunctionBeginUser;
  if (used->open || !data->frames.n_dims || data->frames.n_fields > data->n_fields) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; i < d->n_equations; i++) {
    NomosDiscoverEquation *e = &d->equations[i];
    Found                  f;
    double                 left[2] = {0};
    PetscErrorCode         code    = PETSC_SUCCESS;
    if (e->found.nothing) continue;
    PetscCall(FoundCreate(d, data, i, &f));
    f.input.settings.derivatives = NOMOS_TERMS_DIFFERENCES;
    const bool quiet             = NomosErrorSetQuiet(true);
    for (int open = 1; open >= 0 && !code; open--) {
      NomosLibrary library;
      NomosGram    gram;
      f.input.settings.open = open;
      code                  = NomosLibraryCreate(&f.input, &library);
      if (code) break;
      code = NomosLibraryAssemble(library, NomosDiscoverDataFrames(data), NULL, &gram);
      PetscCall(NomosLibraryDestroy(&library));
      if (code) break;
      gram.names = f.terms;
      code       = MeanLeft(&gram, open, f.c, &left[open]);
      PetscCall(NomosGramDestroy(&gram));
    }
    NomosErrorSetQuiet(quiet);
    PetscCall(FoundDestroy(&f));
    if (code || !(left[0] > least && left[0] > worse * left[1])) continue;
    snprintf(sentence, sizeof sentence, "d%s/dt: the terms found leave %.2g %% of the mean square of the rate with the ends of the domain joined, and %.2g %% with open ends: the data do not look periodic; take assembly.boundary: open", e->variable, 100 * left[0], 100 * left[1]);
    PetscCall(NomosRunWarn(sentence, d->run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Find(NomosDiscover *d)
{
  NomosDiscoverData *data = d->data;
  char  path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!data->library) {
    PetscCall(NomosTrainMakeData(d->run, path));
    if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(NomosDiscoverDataOpen(d, data, path));
    PetscCall(NomosDiscoverCheckConstraints(d));
  }
  PetscCall(NomosDiscoverDataDescribe(d, data));
  PetscCall(NomosConfigGetInt(d->run->config, "assembly.seeds", &data->seeds));
  PetscCall(Study(d, data));
  PetscCall(WarnOfNoise(d, data));
  PetscCall(TryOtherOrders(d, data));
  PetscCall(TryOpenEnds(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The noise measured, on top of what is there. */
static PetscErrorCode Replicate(NomosDiscover *d, size_t replica, NomosGram *gram)
{
  NomosDiscoverData *data = d->data;
  NomosFrames again;
  NomosGram   blocks;
  int64_t     seed;

  PetscFunctionBeginUser;
  NomosCheck(data->measured, d->run->comm, PETSC_ERR_ARG_WRONGSTATE, "discover.intervals = noise: the noise of the data could not be measured");
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  PetscCall(NomosFramesWithNoise(NomosDiscoverDataFrames(data), data->sigma, (uint64_t)seed + 1000003 * (replica + 1), &again));
  PetscErrorCode code = NomosLibraryAssemble(data->library, &again, NULL, &blocks);
  PetscCall(NomosFramesClose(&again));
  PetscCall(code);
  for (size_t t = 0; t < gram->n_targets; t++) {
    NomosNormal sum;
    PetscCall(NomosGramNormal(&blocks, t, NULL, &sum));
    memcpy(gram->G, sum.G, gram->n_terms * gram->n_terms * sizeof *sum.G);
    memcpy(gram->b + t * gram->n_terms, sum.b, gram->n_terms * sizeof *sum.b);
    gram->s[t] = sum.s;
    gram->n[0] = sum.n;
    PetscCall(NomosNormalDestroy(&sum));
  }
  PetscCall(NomosGramDestroy(&blocks));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Results(NomosDiscover *d, NomosResultFn result, void *ctx)
{
  const NomosDiscoverData *data  = d->data;
  bool        known = d->n_equations > 0;
  char        name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < d->n_equations; i++) known = known && d->equations[i].truth;
  if (known) {
    PetscCall(result("largest_coefficient_error", data->worst, ctx));
    PetscCall(result("true_positive_ratio", data->ratio, ctx));
    PetscCall(result("exact_structure_rate", data->exact, ctx));
    if (data->covered[1] > 0) {
      PetscCall(result("coverage", data->covered[0] / data->covered[1], ctx));
      PetscCall(result("error_in_deviations", sqrt(data->covered[2] / data->covered[1]), ctx));
    }
  }
  for (size_t i = 0; data->sigma && i < data->n_fields; i++) {
    snprintf(name, sizeof name, "noise_%s", data->fields[i]);
    PetscCall(result(name, data->sigma[i], ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(NomosDiscover *d)
{
  NomosDiscoverData *data = d->data;

  PetscFunctionBeginUser;
  if (!data) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosLibraryDestroy(&data->library));
  PetscCall(NomosFramesClose(&data->noisy));
  PetscCall(NomosFramesClose(&data->frames));
  PetscCall(NomosLibraryFreeTerms(data->n_terms, &data->terms));
  PetscCall(PetscFree(data->targets));
  PetscCall(PetscFree(data->sigma));
  PetscCall(PetscFree(d->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosDiscoverMode nomos_discover_data = {.name = "data", .prepare = NomosDiscoverDataPrepare, .find = Find, .replicate = Replicate, .results = Results, .destroy = Destroy};
