/* Of the mode of nomos discover without a model: what the case says, the data, and the library over them. */
#include "cases/discover_data.h"
#include "cases/train.h"

#include "surrogates/dataset.h"

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
  {"data.variables",       NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Their datasets over (time, y, x) or (trajectory, time, y, x), `q[1]` for the second layer; unset: the fields' names. Coordinates are those of attached scales, or datasets x and y; units of length and time become m and s."},
  {"data.rates",           NOMOS_PARAM_EXPRESSION_LIST, "",     NULL, 0, 0,     NULL, false, "Datasets with the rates of change of discover.equations; unset: differences in time."},
  {"data.mask",            NOMOS_PARAM_STRING,          "",     NULL, 0, 0,     NULL, false, "A dataset that is 0 where data are missing; NaN is missing too."},
  {"data.time",            NOMOS_PARAM_STRING,          "",     NULL, 0, 0,     NULL, false, "The dataset with the times; unset: time or t. Without scales its length says which axis is time."},
  {"data.time_step",       NOMOS_PARAM_REAL,            "0",    "s",  0, DBL_MAX, NULL, false, "Time from frame to frame, in place of what files say; 0: theirs."},
  {"data.length",          NOMOS_PARAM_REAL_LIST,       "",   "m",  0, DBL_MAX, NULL, false, "Lengths of the domain, outermost axis first, in place of what files say; unset: theirs. Places then count from 0."},
  {"data.first_frame",     NOMOS_PARAM_INT,             "0",    NULL, 0, 1e9,   NULL, false, "Frames before this one are left out."},
  {"data.every",           NOMOS_PARAM_INT,             "1",    NULL, 1, 1e6,   NULL, false, "Take every so many-th frame."},
  {"data.frames",          NOMOS_PARAM_INT,             "0",    NULL, 0, 1e12,  NULL, false, "At most so many frames of a trajectory; 0: all."},
  {"assembly.form",        NOMOS_PARAM_CHOICE,          "strong", NULL, 0, 0, "strong|weak", false, "Rows of the regression: points with derivatives of the data, or integrals against test functions that have the derivatives instead."},
  {"assembly.boundary",    NOMOS_PARAM_CHOICE,          "data", NULL, 0, 0, "data|periodic|open", false, "What is at the ends of the domain; data: what the files say (boundary_x of their root), periodic where they say nothing."},
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

static const double keep_bytes = 1e9; /* data that get noise are kept in memory up to this size */

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

static PetscErrorCode GetSettings(NomosConfig config, const NomosFrames *frames, NomosLibrarySettings *s)
{
  const int   n_dims = frames->n_dims;
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
  s->open        = !strcmp(boundary, "open") || (!strcmp(boundary, "data") && frames->open);
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
static PetscErrorCode OpenFrames(NomosDiscover *d, NomosDiscoverData *data, const char path[])
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

PetscErrorCode NomosDiscoverDataNoise(NomosDiscover *d, NomosDiscoverData *data, uint64_t k)
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
static PetscErrorCode ReadKnown(NomosDiscover *d, NomosDiscoverData *data, NomosDiscoverEquation *e)
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

static PetscErrorCode MakeLibrary(NomosDiscover *d, NomosDiscoverData *data)
{
  NomosConfig       config = d->run->config;
  NomosLibraryInput input  = {.comm = d->run->comm, .frames = NomosDiscoverDataFrames(data), .n_fields = data->n_fields, .n_targets = data->n_equations, .n_terms = data->n_terms, .fields = data->fields, .terms = (const char *const *)data->terms, .targets = data->targets, .rates = data->frames.n_fields > data->n_fields, .where = NomosConfigWhere(config, "discover.library"), .names = "data.fields lists the fields that terms may have"};
  const char      **texts[NOMOS_N_NOTATIONS];

  PetscFunctionBeginUser;
  PetscCall(GetSettings(config, &data->frames, &input.settings));
  PetscCall(NomosLibraryCreate(&input, &data->library));
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) {
    PetscCall(PetscMalloc1(data->n_terms, &texts[k]));
    for (size_t j = 0; j < data->n_terms; j++) texts[k][j] = NomosTermsWritten(NomosLibraryTerms(data->library), j, (NomosNotation)k);
  }
  for (size_t i = 0; i < data->n_equations; i++) {
    PetscCall(NomosDiscoverAdd(d, data->fields[data->targets[i]], data->n_terms, (const char *const *const *)texts));
    PetscCall(ReadKnown(d, data, &d->equations[d->n_equations - 1]));
  }
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) PetscCall(PetscFree(texts[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What was made, and how test functions are, as sentences. */
PetscErrorCode NomosDiscoverDataDescribe(NomosDiscover *d, const NomosDiscoverData *data)
{
  const NomosLibrarySettings *s = NomosLibrarySettingsUsed(data->library);
  const int                   n = data->frames.n_dims;
  char                        widths[64] = "", strides[64] = "", rows[96] = "every point";
  bool                        thinned = false;

  PetscFunctionBeginUser;
  for (int a = 0; a <= n; a++) {
    NomosTextAppend(sizeof widths, widths, "%s%zu", a ? " x " : "", s->half_width[a]);
    NomosTextAppend(sizeof strides, strides, "%s%zu", a ? " x " : "", s->stride[a]);
    thinned = thinned || s->stride[a] > 1;
  }
  if (thinned) snprintf(rows, sizeof rows, "points %s apart", strides);
  if (s->form == NOMOS_FORM_WEAK) snprintf(d->settings, sizeof d->settings, "Weak form: test functions of half width %s points, %s points apart (%stime)", widths, strides, n ? "axes of space, then " : "");
  else snprintf(d->settings, sizeof d->settings, "Strong form: %s%s in time; %s", n == 0 ? "" : s->derivatives == NOMOS_TERMS_SPECTRAL ? "spectral derivatives in space, " : "differences in space, ", data->frames.n_fields > data->n_fields ? "given rates" : "differences", rows);
  if (data->frames.varying[0]) {
    char sentence[512];
    snprintf(sentence, sizeof sentence, "what the trajectories were made with differs: %s; one equation, of the same coefficients, is sought for all of them: give it those of one value (nomos export ... --where)", data->frames.varying);
    PetscCall(NomosRunWarn(sentence, d->run));
  }
  PetscCall(NomosLogPrint(d->run->log, NOMOS_LOG_INFO, "library", "%zu terms, %zu trajector%s; %s", data->n_terms, data->frames.n_trajectories, data->frames.n_trajectories == 1 ? "y" : "ies", d->settings));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosDiscoverDataOpen(NomosDiscover *d, NomosDiscoverData *data, const char path[])
{
  PetscFunctionBeginUser;
  PetscCall(OpenFrames(d, data, path));
  PetscCall(PetscCalloc1(data->frames.n_fields, &data->sigma));
  PetscCall(NomosDiscoverDataNoise(d, data, 0));
  PetscCall(MakeLibrary(d, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which fields have equations. */
static PetscErrorCode FindTargets(NomosDiscover *d, NomosDiscoverData *data)
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

PetscErrorCode NomosDiscoverDataPrepare(NomosDiscover *d)
{
  NomosConfig        config = d->run->config;
  const char *const *entries, *path;
  size_t             n_entries;
  NomosDiscoverData *data;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&data));
  d->data = data;
  PetscCall(FindTargets(d, data));
  PetscCall(NomosConfigGetStrings(config, "discover.library", &n_entries, &entries));
  PetscCall(NomosLibraryExpand(NomosConfigWhere(config, "discover.library"), n_entries, entries, &data->n_terms, &data->terms));
  PetscCall(NomosConfigGetString(config, "data.path", &path));
  PetscCall(NomosTrainTryDataMaker(d->run));
  if (path[0]) PetscCall(NomosDiscoverDataOpen(d, data, path));
  else {
    const char *maker;
    PetscCall(NomosTrainDataMaker(NULL, config, &maker));
    PetscCheck(maker[0], d->run->comm, PETSC_ERR_ARG_WRONG, "%s: there is neither a solver nor data: give data.path, data.case or data.generator, or the solver of the model that lacks something", d->run->case_file.path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
