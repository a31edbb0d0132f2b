/* The mode of nomos discover without a model: equations of data, in strong or weak form (surrogates/discovery/library.h). */
#include "cases/discover.h"
#include "cases/train.h"

#include "surrogates/dataset.h"
#include "surrogates/discovery/library.h"
#include "surrogates/discovery/stepwise.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"data.path",            NOMOS_PARAM_FILE,            "",     NULL, 0, 0,     NULL, false, "The data: an HDF5 file, a table NAME.csv, a run directory, or a folder of HDF5 files; empty: made by data.case or data.generator."},
  {"data.case",            NOMOS_PARAM_CASE,            "",     NULL, 0, 0,     NULL, false, "A case that is run first, into data/ of the run directory: a path, or a name that `nomos list` shows."},
  {"data.set",             NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Settings for data.case, as with --set."},
  {"data.generator",       NOMOS_PARAM_STRING,          "",     NULL, 0, 0,     NULL, false, "A generator that makes the data first; `nomos describe` lists them, and each has parameters of its own."},
  {"data.fields",          NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Names of the fields as terms have them; unset: discover.equations."},
  {"data.variables",       NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Their datasets over (time, y, x) or (trajectory, time, y, x), `q[1]` for the second layer; unset: the fields' names. Coordinates are those of attached scales; units of length and time become m and s."},
  {"data.rates",           NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Datasets with the rates of change of discover.equations; unset: differences in time."},
  {"data.mask",            NOMOS_PARAM_STRING,          "",     NULL, 0, 0,     NULL, false, "A dataset that is 0 where data are missing; NaN is missing too."},
  {"data.time",            NOMOS_PARAM_STRING,          "",     NULL, 0, 0,     NULL, false, "The dataset with the times; unset: time or t."},
  {"data.time_step",       NOMOS_PARAM_REAL,            "0",    "s",  0, DBL_MAX, NULL, false, "Time from frame to frame where no dataset has it."},
  {"data.length",          NOMOS_PARAM_REAL_LIST,       "",   "m",  0, DBL_MAX, NULL, false, "Lengths of the domain, outermost axis first, where axes have no coordinates."},
  {"data.first_frame",     NOMOS_PARAM_INT,             "0",    NULL, 0, 1e9,   NULL, false, "Frames before this one are left out."},
  {"data.every",           NOMOS_PARAM_INT,             "1",    NULL, 1, 1e6,   NULL, false, "Take every so many-th frame."},
  {"data.frames",          NOMOS_PARAM_INT,             "0",    NULL, 0, 1e12,  NULL, false, "At most so many frames of a trajectory; 0: all."},
  {"assembly.form",        NOMOS_PARAM_CHOICE,          "strong", NULL, 0, 0, "strong|weak", false, "Rows of the regression: points with derivatives of the data, or integrals against test functions that have the derivatives instead."},
  {"assembly.boundary",    NOMOS_PARAM_CHOICE,          "periodic", NULL, 0, 0, "periodic|open", false, "What is at the ends of the domain."},
  {"assembly.derivatives", NOMOS_PARAM_CHOICE,          "differences", NULL, 0, 0, "differences|spectral", false, "Derivatives in space."},
  {"assembly.order",       NOMOS_PARAM_INT,             "4",    NULL, 2, 8,     NULL, false, "Order of differences in space: 2, 4, 6, 8."},
  {"assembly.time_order",  NOMOS_PARAM_INT,             "4",    NULL, 2, 8,     NULL, false, "Order of differences in time, of the strong form: 2, 4, 6, 8."},
  {"assembly.dealias",     NOMOS_PARAM_BOOL,            "false", NULL, 0, 0,    NULL, false, "With spectral derivatives: products on a grid 3/2 as fine."},
  {"assembly.stride",      NOMOS_PARAM_REAL_LIST,       "",   NULL, 1, 1e9,   NULL, false, "From one row to the next, in points along every axis, outermost first, and then frames; unset: 1, or a fifth of half_width."},
  {"assembly.half_width",  NOMOS_PARAM_REAL_LIST,       "",   NULL, 2, 1e9,   NULL, false, "Of test functions, in points along every axis, outermost first, and then frames; unset: from the spectrum of the data."},
  {"assembly.degree",      NOMOS_PARAM_REAL_LIST,       "",   NULL, 1, 100,   NULL, false, "p of the test functions (1 - x^2)^p along every axis and in time; unset: the least that lets them end smoothly."},
  {"assembly.fraction",    NOMOS_PARAM_REAL,            "1",    NULL, DBL_MIN, 1, NULL, false, "Fraction of the rows, drawn by discover.seed."},
  {"assembly.stretches",   NOMOS_PARAM_INT,             "0",    NULL, 0, 100000, NULL, false, "Stretches of time, of all trajectories, that are resampled as wholes; 0: 32."},
  {"assembly.unbias",      NOMOS_PARAM_BOOL,            "true", NULL, 0, 0,     NULL, false, "Weak form: fit the terms found again without the bias of the noise that is measured in the data, with deviations that follow from it."},
  {"assembly.selection",   NOMOS_PARAM_CHOICE,          "method", NULL, 0, 0, "method|stepwise", false, "Who chooses the terms where there is noise: discover.method, or steps on normal equations without its bias, unless the equation of discover.method is as likely."},
  {"assembly.in",          NOMOS_PARAM_REAL,            "4.5",    NULL, 0, 1e6,   NULL, false, "A term comes in by as many standard deviations."},
  {"assembly.out",         NOMOS_PARAM_REAL,            "4",    NULL, 0, 1e6,   NULL, false, "A term goes below as many standard deviations."},
  {"assembly.seeds",       NOMOS_PARAM_INT,             "1",    NULL, 1, 100000, NULL, false, "Regressions of the same data with the noise of so many seeds, from discover.seed on; where the truth is known, mean errors are reported."},
  {"assembly.tiles",       NOMOS_PARAM_INT,             "1",    NULL, 1, 100000, NULL, false, "Tiles of the outermost axis, into which each stretch is cut."},
};
/* clang-format on */

/* Noise below this part of a field is rounding, above that one derivatives magnify it; data that get noise are kept in memory up to this size. */
static const double no_noise = 1e-5, much_noise = 3e-4, keep_bytes = 1e9;

const NomosSection nomos_assembly_section = {"assembly", "of data, for nomos discover", sizeof params / sizeof *params, params, NULL};

PetscErrorCode NomosDiscoverDataDeclare(NomosConfig config)
{
  const char *solver;
  bool        has;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigPeek(config, "solver", &solver));
  if (solver) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigHasPrefix(config, "assembly.", &has));
  if (!has) PetscCall(NomosConfigRegister(config, nomos_assembly_section.n, params));
  PetscCall(NomosGeneratorsRegister(config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  NomosFrames  frames, noisy; /* as in the file; with discover.noise, if there is any */
  NomosLibrary library;
  size_t       n_terms, n_fields, n_equations;
  char       **terms;
  const char *const *fields;
  size_t      *targets;
  double      *sigma; /* (n_fields) of the noise that was added, then as measured */
  int64_t      seeds;
  double       worst, ratio, exact; /* means over the seeds */
  double       covered[3];          /* right coefficients in their 95 % intervals; all right ones found; squares of their errors in deviations */
} Data;

static const NomosFrames *FramesOf(const Data *data)
{
  return data->noisy.read ? &data->noisy : &data->frames;
}

/* Entries of a list, one for each axis and time. */
static PetscErrorCode GetSizes(NomosConfig config, const char key[], int n_axes, size_t sizes[])
{
  const double *values;
  size_t        n;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReals(config, key, &n, &values));
  PetscCheck(!n || n == (size_t)n_axes, NomosConfigComm(config), PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries; %d are needed: the axes of space, outermost first, and time", NomosConfigWhere(config, key), key, n, n_axes);
  for (size_t i = 0; i < n; i++) sizes[i] = (size_t)values[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetSettings(NomosConfig config, int n_dims, NomosLibrarySettings *s)
{
  const char *form, *boundary, *derivatives;
  size_t      degree[NOMOS_LIBRARY_AXES] = {0};
  int64_t     order, time_order, stretches, tiles, seed;

  PetscFunctionBeginUser;
  *s = (NomosLibrarySettings){0};
  PetscCall(NomosConfigGetString(config, "assembly.form", &form));
  PetscCall(NomosConfigGetString(config, "assembly.boundary", &boundary));
  PetscCall(NomosConfigGetString(config, "assembly.derivatives", &derivatives));
  PetscCall(NomosConfigGetInt(config, "assembly.order", &order));
  PetscCall(NomosConfigGetInt(config, "assembly.time_order", &time_order));
  PetscCall(NomosConfigGetBool(config, "assembly.dealias", &s->dealias));
  PetscCall(NomosConfigGetReal(config, "assembly.fraction", &s->fraction));
  PetscCall(NomosConfigGetInt(config, "assembly.stretches", &stretches));
  PetscCall(NomosConfigGetInt(config, "assembly.tiles", &tiles));
  PetscCall(NomosConfigGetInt(config, "discover.seed", &seed));
  PetscCall(GetSizes(config, "assembly.stride", n_dims + 1, s->stride));
  PetscCall(GetSizes(config, "assembly.half_width", n_dims + 1, s->half_width));
  PetscCall(GetSizes(config, "assembly.degree", n_dims + 1, degree));
  for (int d = 0; d <= n_dims; d++) s->degree[d] = (int)degree[d];
  s->form        = strcmp(form, "weak") ? NOMOS_FORM_STRONG : NOMOS_FORM_WEAK;
  s->open        = !strcmp(boundary, "open");
  s->derivatives = strcmp(derivatives, "spectral") ? NOMOS_TERMS_DIFFERENCES : NOMOS_TERMS_SPECTRAL;
  s->order       = (int)order;
  s->time_order  = (int)time_order;
  s->n_stretches = (size_t)stretches;
  s->n_tiles     = (size_t)tiles;
  s->seed        = (uint64_t)seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the data */

/* Fields, and the rates after them. Names are those of `variables` where it has any, else those of `fields`. */
static PetscErrorCode OpenFrames(NomosDiscover *d, Data *data, const char path[])
{
  NomosConfig        config = d->run->config;
  NomosFramesInput   input  = {.path = path, .n_dims = -1, .where = NomosConfigWhere(config, "data.path")};
  const char *const *variables, *const *rates, **all;
  const double      *length;
  size_t             n_variables, n_rates, n_length;
  int64_t            first_frame, every, frames;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "data.variables", &n_variables, &variables));
  PetscCall(NomosConfigGetStrings(config, "data.rates", &n_rates, &rates));
  PetscCall(NomosConfigGetReals(config, "data.length", &n_length, &length));
  PetscCall(NomosConfigGetString(config, "data.mask", &input.mask));
  PetscCall(NomosConfigGetString(config, "data.time", &input.time));
  PetscCall(NomosConfigGetReal(config, "data.time_step", &input.time_step));
  PetscCall(NomosConfigGetInt(config, "data.first_frame", &first_frame));
  PetscCall(NomosConfigGetInt(config, "data.every", &every));
  PetscCall(NomosConfigGetInt(config, "data.frames", &frames));
  PetscCheck(!n_variables || n_variables == data->n_fields, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: data.variables has %zu names for %zu fields; one for each is needed", NomosConfigWhere(config, "data.variables"), n_variables, data->n_fields);
  PetscCheck(!n_rates || n_rates == data->n_equations, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: data.rates has %zu names for %zu equations; one for each is needed", NomosConfigWhere(config, "data.rates"), n_rates, data->n_equations);
  PetscCheck(n_length <= 2, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: data.length has %zu entries; space has at most 2 axes", NomosConfigWhere(config, "data.length"), n_length);
  for (size_t i = 0; i < n_length; i++) input.length[i] = length[i];
  if (n_length) input.n_dims = (int)n_length;
  input.first_frame = (size_t)first_frame;
  input.every       = (size_t)every;
  input.max_frames  = (size_t)frames;
  PetscCall(PetscMalloc1(data->n_fields + n_rates, &all));
  for (size_t i = 0; i < data->n_fields; i++) all[i] = n_variables ? variables[i] : data->fields[i];
  for (size_t i = 0; i < n_rates; i++) all[data->n_fields + i] = rates[i];
  input.variables = all;
  input.n_fields  = data->n_fields + n_rates;
  PetscErrorCode code = NomosFramesOpen(&input, &data->frames);
  PetscCall(PetscFree(all));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* discover.noise times the root mean square of every field, by the case's seed and `k`. */
static PetscErrorCode AddNoise(NomosDiscover *d, Data *data, uint64_t k)
{
  double  noise;
  int64_t seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "discover.noise", &noise));
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  if (noise == 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFramesMeasure(d->run->comm, &data->frames, &(NomosFramesStatistics){.rms = data->sigma}));
  for (size_t i = 0; i < data->frames.n_fields; i++) data->sigma[i] *= i < data->n_fields ? noise : 0;
  PetscCall(NomosFramesWithNoise(&data->frames, data->sigma, (uint64_t)seed + k, &data->noisy));
  double bytes = 0;
  for (size_t i = 0; i < data->frames.n_trajectories; i++) bytes += 8. * (double)(data->frames.n_fields * NomosFramesPoints(&data->frames)) * (double)data->frames.n_frames[i];
  if (bytes > keep_bytes) PetscFunctionReturn(PETSC_SUCCESS);
  NomosFrames kept;
  PetscCall(NomosFramesKeep(&data->noisy, &kept));
  PetscCall(NomosFramesClose(&data->noisy));
  data->noisy = kept;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the equations */

/* discover.known.u: its terms, in normal form, are looked for among those of the library. */
static PetscErrorCode ReadKnown(NomosDiscover *d, Data *data, NomosDiscoverEquation *e)
{
  NomosConfig        config = d->run->config;
  char               key[2][3 * NOMOS_MAX_NAME];
  const char *const *terms;
  const double      *coefficients;
  size_t             n, n_coefficients;
  bool               has;
  NomosTerms         known;
  const NomosFrames *frames = &data->frames;

  PetscFunctionBeginUser;
  snprintf(key[0], sizeof key[0], "discover.known.%s.", e->variable);
  PetscCall(NomosConfigHasPrefix(config, key[0], &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; i++) snprintf(key[i], sizeof key[i], "discover.known.%s.%s", e->variable, i ? "coefficients" : "terms");
  PetscCall(NomosConfigGetStrings(config, key[0], &n, &terms));
  PetscCall(NomosConfigGetReals(config, key[1], &n_coefficients, &coefficients));
  PetscCheck(n == n_coefficients, d->run->comm, PETSC_ERR_ARG_SIZ, "%s: %s has %zu entries for %zu terms; one for each is needed", NomosConfigWhere(config, key[1]), key[1], n_coefficients, n);
  NomosTermsInput input = {.comm = PETSC_COMM_SELF, .n_fields = data->n_fields, .n_terms = n, .fields = data->fields, .terms = terms, .where = NomosConfigWhere(config, key[0])};
  input.grid            = (NomosTermsGrid){.n_dims = frames->n_dims, .n = {frames->n[0], frames->n[1]}, .length = {frames->length[0], frames->length[1]}, .method = NOMOS_TERMS_DIFFERENCES, .order = 2};
  PetscCall(NomosTermsCreate(&input, &known));
  PetscCall(PetscCalloc1(e->n_terms, &e->truth));
  for (size_t i = 0; i < n; i++) {
    size_t j = 0;
    while (j < e->n_terms && strcmp(e->terms[j], NomosTermsText(known, i))) j++;
    PetscCheck(j < e->n_terms, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: %s: '%s' is not in discover.library, so that it cannot be found", NomosConfigWhere(config, key[0]), key[0], terms[i]);
    e->truth[j] += coefficients[i];
  }
  PetscCall(NomosTermsDestroy(&known));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLibrary(NomosDiscover *d, Data *data)
{
  NomosConfig       config = d->run->config;
  NomosLibraryInput input  = {.comm = d->run->comm, .frames = FramesOf(data), .n_fields = data->n_fields, .n_targets = data->n_equations, .n_terms = data->n_terms, .fields = data->fields, .terms = (const char *const *)data->terms, .targets = data->targets, .rates = data->frames.n_fields > data->n_fields, .where = NomosConfigWhere(config, "discover.library")};
  const char      **texts[2];

  PetscFunctionBeginUser;
  PetscCall(GetSettings(config, data->frames.n_dims, &input.settings));
  PetscCall(NomosLibraryCreate(&input, &data->library));
  PetscCall(PetscMalloc2(data->n_terms, &texts[0], data->n_terms, &texts[1]));
  for (size_t j = 0; j < data->n_terms; j++) {
    texts[0][j] = NomosTermsText(NomosLibraryTerms(data->library), j);
    texts[1][j] = NomosTermsLatex(NomosLibraryTerms(data->library), j);
  }
  for (size_t i = 0; i < data->n_equations; i++) {
    PetscCall(NomosDiscoverAdd(d, data->fields[data->targets[i]], data->n_terms, texts[0], texts[1]));
    PetscCall(ReadKnown(d, data, &d->equations[d->n_equations - 1]));
  }
  PetscCall(PetscFree2(texts[0], texts[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was made, and how test functions are, as sentences. */
static PetscErrorCode Describe(NomosDiscover *d, const Data *data)
{
  const NomosLibrarySettings *s = NomosLibrarySettingsUsed(data->library);
  const int                   n = data->frames.n_dims;
  char                        widths[64] = "", strides[64] = "", rows[96] = "every point";
  bool                        thinned = false;

  PetscFunctionBeginUser;
  for (int a = 0; a <= n; a++) {
    snprintf(widths + strlen(widths), sizeof widths - strlen(widths), "%s%zu", a ? " x " : "", s->half_width[a]);
    snprintf(strides + strlen(strides), sizeof strides - strlen(strides), "%s%zu", a ? " x " : "", s->stride[a]);
    thinned = thinned || s->stride[a] > 1;
  }
  if (thinned) snprintf(rows, sizeof rows, "points %s apart", strides);
  if (s->form == NOMOS_FORM_WEAK) snprintf(d->settings, sizeof d->settings, "Weak form: test functions of half width %s points, %s points apart (%stime)", widths, strides, n ? "axes of space, then " : "");
  else snprintf(d->settings, sizeof d->settings, "Strong form: %s%s in time; %s", n == 0 ? "" : s->derivatives == NOMOS_TERMS_SPECTRAL ? "spectral derivatives in space, " : "differences in space, ", data->frames.n_fields > data->n_fields ? "given rates" : "differences", rows);
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "library", "%zu terms, %zu trajector%s; %s", data->n_terms, data->frames.n_trajectories, data->frames.n_trajectories == 1 ? "y" : "ies", d->settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(NomosDiscover *d, Data *data, const char path[])
{
  PetscFunctionBeginUser;
  PetscCall(OpenFrames(d, data, path));
  PetscCall(PetscCalloc1(data->frames.n_fields, &data->sigma));
  PetscCall(AddNoise(d, data, 0));
  PetscCall(MakeLibrary(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which fields have equations. */
static PetscErrorCode FindTargets(NomosDiscover *d, Data *data)
{
  NomosConfig        config = d->run->config;
  const char *const *equations;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetStrings(config, "discover.equations", &data->n_equations, &equations));
  PetscCall(NomosConfigGetStrings(config, "data.fields", &data->n_fields, &data->fields));
  if (!data->n_fields) {
    data->n_fields = data->n_equations;
    data->fields   = equations;
  }
  PetscCall(PetscMalloc1(data->n_equations + 1, &data->targets));
  for (size_t i = 0; i < data->n_equations; i++) {
    size_t f = 0;
    while (f < data->n_fields && strcmp(data->fields[f], equations[i])) f++;
    PetscCheck(f < data->n_fields, d->run->comm, PETSC_ERR_ARG_WRONG, "%s: discover.equations: %s is not in data.fields; equations are those of fields of the data", NomosConfigWhere(config, "discover.equations"), equations[i]);
    data->targets[i] = f;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(NomosDiscover *d)
{
  NomosConfig        config = d->run->config;
  const char *const *entries, *path;
  size_t             n_entries;
  Data              *data;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&data));
  d->data = data;
  PetscCall(FindTargets(d, data));
  PetscCall(NomosConfigGetStrings(config, "discover.library", &n_entries, &entries));
  PetscCall(NomosLibraryExpand(NomosConfigWhere(config, "discover.library"), n_entries, entries, &data->n_terms, &data->terms));
  PetscCall(NomosConfigGetString(config, "data.path", &path));
  PetscCall(NomosTrainTryDataMaker(d->run));
  if (path[0]) PetscCall(Open(d, data, path));
  else {
    const char *maker;
    PetscCall(NomosTrainDataMaker(NULL, config, &maker));
    PetscCheck(maker[0], d->run->comm, PETSC_ERR_ARG_WRONG, "%s: there is neither a solver nor data: give data.path, data.case or data.generator, or the solver of the model that lacks something", d->run->case_file.path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the regression */

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
static PetscErrorCode Regress(NomosDiscover *d, Data *data)
{
  NomosGram gram;

  PetscFunctionBeginUser;
  PetscCall(NomosLibraryAssemble(data->library, FramesOf(data), NULL, &gram));
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

/* assembly.selection: stepwise: terms by normal equations without the noise that is measured in the data. Only their support is of use. */
static PetscErrorCode Select(NomosDiscover *d, Data *data)
{
  NomosNormal *normals, *noises;
  double       in, out;
  bool        *guess;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(d->run->config, "assembly.in", &in));
  PetscCall(NomosConfigGetReal(d->run->config, "assembly.out", &out));
  PetscCall(PetscMalloc2(d->n_equations, &normals, d->n_equations, &noises));
  PetscCall(NomosLibraryUnbiasedSums(data->library, FramesOf(data), data->sigma, normals, noises));
  PetscCall(PetscMalloc1(data->n_terms, &guess));
  for (size_t i = 0; i < d->n_equations; i++) {
    for (size_t j = 0; j < data->n_terms; j++) guess[j] = d->equations[i].found.c[j] != 0;
    PetscCall(NomosStepwise(&(NomosStepwiseInput){.normal = &normals[i], .noise = &noises[i], .overlap = NomosLibraryOverlap(data->library), .in = in, .out = out, .most = 40, .guess = guess}, d->equations[i].found.c));
    PetscCall(NomosNormalDestroy(&normals[i]));
    PetscCall(NomosNormalDestroy(&noises[i]));
  }
  PetscCall(PetscFree(guess));
  PetscCall(PetscFree2(normals, noises));
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

/* The terms found, fitted again without the bias that noise in the data has on them. What cannot be fitted so stays as it is. */
static PetscErrorCode Unbias(NomosDiscover *d, Data *data, size_t equation)
{
  NomosDiscoverEquation *e     = &d->equations[equation];
  NomosLibraryInput      input = {.comm = d->run->comm, .frames = FramesOf(data), .n_fields = data->n_fields, .n_targets = 1, .fields = data->fields, .targets = data->targets + equation, .settings = *NomosLibrarySettingsUsed(data->library), .where = NomosConfigWhere(d->run->config, "discover.library")};
  NomosLibrary           found = NULL;
  const char           **terms;
  size_t                *of;
  double                *c, *covariance;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(e->n_terms, &terms, e->n_terms, &of, e->n_terms, &c, e->n_terms * e->n_terms, &covariance));
  for (size_t j = 0; j < e->n_terms; j++) {
    if (e->found.c[j] == 0) continue;
    of[input.n_terms]      = j;
    terms[input.n_terms++] = e->terms[j];
  }
  input.terms = terms;
  if (input.n_terms) PetscCall(NomosLibraryCreate(&input, &found));
  if (found && NomosLibraryCanUnbias(found)) {
    const bool     quiet = NomosErrorSetQuiet(true);
    PetscErrorCode code  = NomosLibraryUnbiasedFit(found, FramesOf(data), data->sigma, c, covariance);
    NomosErrorSetQuiet(quiet);
    for (size_t j = 0; !code && j < input.n_terms; j++) {
      e->found.c[of[j]]         = c[j];
      e->found.deviation[of[j]] = sqrt(fmax(0, covariance[j * (input.n_terms + 1)]));
    }
    if (code) PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_WARNING, "bias", "the bias of noise stays in the equation of %s: %s", e->variable, NomosErrorLast()));
  }
  PetscCall(NomosLibraryDestroy(&found));
  PetscCall(PetscFree4(terms, of, c, covariance));
  PetscCall(Residual(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where noise is measured in the data. */
static PetscErrorCode UnbiasAll(NomosDiscover *d, Data *data)
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
  PetscErrorCode code  = NomosFramesNoise(FramesOf(data), data->sigma);
  NomosErrorSetQuiet(quiet);
  if (own) PetscCall(code);
  if (code) memset(data->sigma, 0, data->frames.n_fields * sizeof *data->sigma);
  if (!wanted || own || code || data->frames.n_fields > data->n_fields) PetscFunctionReturn(PETSC_SUCCESS); /* of given rates nothing is known */
  PetscCall(NomosFramesMeasure(d->run->comm, FramesOf(data), &(NomosFramesStatistics){.rms = rms}));
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
    for (size_t j = 0; e->truth && j < e->n_terms; j++) {
      const bool found = e->found.c[j] != 0, there = e->truth[j] != 0;
      if (there) *worst = fmax(*worst, fabs(e->found.c[j] - e->truth[j]) / fabs(e->truth[j]));
      right += found && there;
      covered[0] += found && there && fabs(e->found.c[j] - e->truth[j]) <= 1.959963984540054 * e->found.deviation[j];
      covered[1] += found && there;
      if (found && there && e->found.deviation[j] > 0) covered[2] += pow((e->found.c[j] - e->truth[j]) / e->found.deviation[j], 2);
      all += found || there;
    }
  }
  *ratio = all > 0 ? right / all : 1;
}

/* assembly.seeds: the same with other noise, the seed of the case last, which is reported. */
static PetscErrorCode Study(NomosDiscover *d, Data *data)
{
  double worst, ratio;

  PetscFunctionBeginUser;
  for (int64_t k = data->seeds - 1; k >= 0; k--) {
    if (data->noisy.read) PetscCall(NomosFramesClose(&data->noisy));
    PetscCall(AddNoise(d, data, (uint64_t)k));
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
static PetscErrorCode WarnOfNoise(NomosDiscover *d, const Data *data)
{
  double rms[NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  if (NomosLibrarySettingsUsed(data->library)->form == NOMOS_FORM_WEAK || data->frames.n_fields > data->n_fields) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosFramesMeasure(d->run->comm, FramesOf(data), &(NomosFramesStatistics){.rms = rms}));
  for (size_t i = 0; i < data->n_fields; i++) {
    if (!(data->sigma[i] > much_noise * rms[i])) continue;
    PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_WARNING, "noise", "%s has noise of about %.2g, which the derivatives of the strong form magnify: these terms may be wrong; try assembly.form=weak", data->fields[i], data->sigma[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Find(NomosDiscover *d)
{
  Data *data = d->data;
  char  path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  if (!data->library) {
    PetscCall(NomosTrainMakeData(d->run, path));
    if (d->run->stopped_by) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(Open(d, data, path));
  }
  PetscCall(Describe(d, data));
  PetscCall(NomosConfigGetInt(d->run->config, "assembly.seeds", &data->seeds));
  PetscCall(Study(d, data));
  PetscCall(WarnOfNoise(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The noise measured, on top of what is there. */
static PetscErrorCode Replicate(NomosDiscover *d, size_t replica, NomosGram *gram)
{
  Data       *data = d->data;
  NomosFrames again;
  NomosGram   blocks;
  int64_t     seed;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(d->run->config, "discover.seed", &seed));
  PetscCall(NomosFramesWithNoise(FramesOf(data), data->sigma, (uint64_t)seed + 1000003 * (replica + 1), &again));
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
  const Data *data  = d->data;
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
  Data *data = d->data;

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

const NomosDiscoverMode nomos_discover_data = {.name = "data", .prepare = Prepare, .find = Find, .replicate = Replicate, .results = Results, .destroy = Destroy};
