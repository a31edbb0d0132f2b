/* What nomos estimate writes: iterations, observations, departures, prior and analysis, spectra, parameters, the checkpoint of its iterate. */
#include "cases/estimate.h"
#include "operators/correlation.h"
#include "operators/reduce.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COST, PRIOR_TERM, MISFIT, GRADIENT, ERROR, N_COLUMNS };

static const char *const column_names[N_COLUMNS] = {"cost", "prior_term", "misfit", "gradient_norm", "error"};

PetscErrorCode NomosEstimateOpen(NomosRun *run, NomosEstimate *e)
{
  const char *names[N_COLUMNS + NOMOS_ESTIMATE_MAX_PARAMETERS], *units[N_COLUMNS + NOMOS_ESTIMATE_MAX_PARAMETERS];
  char        keys[NOMOS_ESTIMATE_MAX_PARAMETERS][NOMOS_MAX_NAME], path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  for (int i = 0; i < N_COLUMNS; i++) {
    names[i] = i == ERROR && !e->twin ? "increment" : column_names[i];
    units[i] = i == ERROR && e->field->unit ? e->field->unit : "1";
  }
  for (size_t u = 0; u < e->n_unknown; u++) {
    NomosParameterName(&e->parameters[e->unknown[u]], keys[u]);
    char *bracket = strchr(keys[u], '['); /* in a CSV header a bracket holds a unit: qg.u[1] is qg.u_1 */
    if (bracket) {
      *bracket                   = '_';
      keys[u][strlen(keys[u]) - 1] = '\0';
    }
    names[N_COLUMNS + u] = keys[u];
    units[N_COLUMNS + u] = e->parameters[e->unknown[u]].param->unit;
  }
  PetscCall(NomosRunDirectoryFile(run->directory, "convergence.csv", path));
  const size_t n = N_COLUMNS + e->n_unknown;
  if (e->first_iteration) PetscCall(NomosScalarFileResume(run->comm, path, n, names, run->params.nondimensional ? NULL : units, e->first_iteration - 1, &e->convergence));
  else PetscCall(NomosScalarFileCreate(run->comm, path, n, names, run->params.nondimensional ? NULL : units, &e->convergence));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `time` is the wall-clock time. */
PetscErrorCode NomosEstimateRow(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  e->row[COST]       = e->J;
  e->row[PRIOR_TERM] = e->J_prior;
  e->row[MISFIT]     = e->J - e->J_prior;
  e->row[GRADIENT]   = e->gradient_norm;
  e->row[ERROR]      = e->error;
  for (size_t u = 0; u < e->n_unknown; u++) e->row[N_COLUMNS + u] = e->analysis_p[e->unknown[u]];
  PetscCall(NomosScalarFileWrite(e->convergence, e->iteration, MPI_Wtime() - run->wall_begin, e->row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateVariable(NomosRun *run, const NomosModelField *field, NomosFileLayout *layout, const NomosFieldVariable **variable)
{
  PetscFunctionBeginUser;
  *variable = NULL;
  PetscCall(run->ops->field_layout(run->model, layout));
  for (size_t v = 0; v < layout->n_variables; v++)
    if (!strcmp(layout->variables[v].name, field->name)) *variable = &layout->variables[v];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateFile(NomosRun *run, const char name[], const NomosFileLayout *layout, size_t n_frames, NomosFieldFile *file)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, name, path));
  const NomosFieldFileInput input = NomosRunFileInput(run, path, layout, n_frames);
  PetscCall(NomosFieldFileCreate(run->comm, &input, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The observed field, the standard deviation of its errors (for all, for each layer, or for each value), and when the window begins: what estimate.observations needs. */
PetscErrorCode NomosEstimateWriteObservations(NomosRun *run, NomosEstimate *e)
{
  NomosFileLayout           layout;
  const NomosFieldVariable *variable;
  NomosFieldFile            file;
  double                   *weights, *values, *shown[2];
  size_t                    points;
  const bool                layered = e->observed->n_dims > 2;
  char                      name[2 * NOMOS_MAX_NAME], long_name[4 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(NomosEstimateVariable(run, e->observed, &layout, &variable));
  if (!variable) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(name, sizeof name, "%s_error", variable->name);
  snprintf(long_name, sizeof long_name, "standard deviation of the errors of %.128s", variable->name);
  NomosFieldVariable written[3] = {
    *variable,
    *variable,
    {.name = "window_start", .constant = true, .type = NOMOS_F64, .unit = run->params.nondimensional ? "1" : "s", .long_name = "time at which the window of the observations begins"}
  };
  written[0].type = written[1].type = NOMOS_F64;
  written[1].name                   = name;
  written[1].long_name              = long_name;
  written[1].standard_name          = NULL;
  if (!e->sigma_varies) {
    written[1].constant = true;
    memset(written[1].dims, 0, sizeof written[1].dims);
    if (layered) written[1].dims[0] = variable->dims[0];
  }
  layout.n_variables = 3;
  layout.variables   = written;
  PetscCall(CreateFile(run, "observations.nc", &layout, (size_t)e->n_times, &file));
  PetscCall(NomosFieldFileWrite(file, "window_start", NOMOS_F64, NULL, NULL, &e->start_time));
  if (!e->sigma_varies) PetscCall(NomosFieldFileWrite(file, name, NOMOS_F64, (size_t[]){0}, (size_t[]){run->rank || !layered ? 0 : e->observed->size[0]}, e->sigma));
  points = NomosModelFieldPoints(e->observed);
  PetscCall(PetscMalloc2(points + 1, &shown[0], points + 1, &shown[1]));
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    PetscCall(NomosFieldLossArrays(e->loss, t, &points, &weights, &values));
    for (size_t i = 0; i < points; i++) {
      shown[0][i] = weights[i] > 0 ? values[i] : NAN;
      shown[1][i] = weights[i] > 0 ? 1 / sqrt(weights[i]) : NAN;
    }
    PetscCall(NomosFieldFileBeginFrame(file, e->start_time + (double)e->steps[t] * run->model->dt, e->steps[t]));
    PetscCall(NomosFieldFileWrite(file, variable->name, NOMOS_F64, e->observed->start, e->observed->count, shown[0]));
    if (e->sigma_varies) PetscCall(NomosFieldFileWrite(file, name, NOMOS_F64, e->observed->start, e->observed->count, shown[1]));
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(PetscFree2(shown[0], shown[1]));
  PetscCall(NomosFieldFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Copies of a variable by other names. */
static void Rename(const NomosFieldVariable *variable, size_t n, const char *const names[], const char *const what[], NomosFieldVariable written[], char long_names[][128])
{
  for (size_t i = 0; i < n; i++) {
    written[i]               = *variable;
    written[i].name          = names[i];
    written[i].standard_name = NULL;
    written[i].long_name     = long_names[i];
    snprintf(long_names[i], sizeof long_names[i], "%s, %s", variable->long_name ? variable->long_name : variable->name, what[i]);
  }
}

/* What prior and analysis leave of the observations. */
static PetscErrorCode WriteDepartures(NomosRun *run, NomosEstimate *e)
{
  static const char *const  names[2] = {"prior_departure", "analysis_departure"}, *const what[2] = {"observations minus prior", "observations minus analysis"};
  NomosFileLayout           layout;
  const NomosFieldVariable *variable;
  NomosFieldVariable        written[2];
  NomosFieldFile            file;
  char                      long_names[2][128];
  const size_t              points = NomosModelFieldPoints(e->observed);

  PetscFunctionBeginUser;
  PetscCall(NomosEstimateVariable(run, e->observed, &layout, &variable));
  if (!variable) PetscFunctionReturn(PETSC_SUCCESS);
  Rename(variable, 2, names, what, written, long_names);
  written[0].type = written[1].type = NOMOS_F64;
  layout.n_variables                = 2;
  layout.variables                  = written;
  PetscCall(CreateFile(run, "departures.nc", &layout, (size_t)e->n_times, &file));
  for (size_t t = 0; t < (size_t)e->n_times; t++) {
    PetscCall(NomosFieldFileBeginFrame(file, e->start_time + (double)e->steps[t] * run->model->dt, e->steps[t]));
    for (int i = 0; i < 2; i++) PetscCall(NomosFieldFileWrite(file, names[i], NOMOS_F64, e->observed->start, e->observed->count, e->departures[i] + t * points));
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Truth, if there is one, prior and analysis at the two ends of the window. */
static PetscErrorCode WriteFields(NomosRun *run, NomosEstimate *e)
{
  static const char *const  names[3] = {"truth", "prior", "analysis"};
  const double *const       frames[2][3] = {{e->reference, e->prior, e->analysis}, {e->reference_end, e->prior_end, e->analysis_end}};
  const size_t              first = e->twin ? 0 : 1;
  NomosFileLayout           layout;
  const NomosModelField    *list;
  const NomosFieldVariable *variable;
  NomosFieldVariable        written[3], all;
  NomosFieldDim             dims[NOMOS_FIELD_MAX_DIMS + 1];
  NomosFieldFile            file;
  size_t                    n;
  double                    numbers[NOMOS_ESTIMATE_MAX_LAYERS];
  char                      long_names[3][128], names_of_all[128] = "";

  PetscFunctionBeginUser;
  PetscCall(e->derivatives->fields(run->model, &n, &list));
  PetscCall(NomosEstimateVariable(run, e->n_parts ? &list[0] : e->field, &layout, &variable));
  if (!variable || (e->n_parts && layout.n_dims > NOMOS_FIELD_MAX_DIMS)) PetscFunctionReturn(PETSC_SUCCESS);
  if (e->n_parts) { /* over one more dimension */
    for (size_t i = 0; i < e->n_parts; i++) {
      numbers[i] = (double)(i + 1);
      NomosTextAppend(sizeof names_of_all, names_of_all, "%s%.24s", i ? ", " : "", list[i].name);
    }
    memcpy(dims, layout.dims, sizeof *dims * layout.n_dims);
    dims[layout.n_dims++] = (NomosFieldDim){.name = "variable", .size = e->n_parts, .values = numbers, .unit = "1", .long_name = names_of_all};
    layout.dims           = dims;
    all                   = *variable;
    all.long_name         = names_of_all;
    all.unit              = "1";
    for (int d = NOMOS_FIELD_MAX_DIMS - 1; d > 0; d--) all.dims[d] = variable->dims[d - 1];
    all.dims[0] = "variable";
    variable    = &all;
  }
  Rename(variable, 3, names, names, written, long_names);
  for (int i = 0; i < 3; i++) written[i].type = run->params.precision;
  layout.n_variables = 3 - first;
  layout.variables   = written + first;
  PetscCall(CreateFile(run, "fields.nc", &layout, 2, &file));
  for (int f = 0; f < 2; f++) {
    PetscCall(NomosFieldFileBeginFrame(file, e->start_time + (f ? (double)e->n_steps * run->model->dt : 0), f ? e->n_steps : 0));
    for (size_t i = first; i < 3; i++) PetscCall(NomosFieldFileWrite(file, names[i], NOMOS_F64, e->field->start, e->field->count, frames[f][i]));
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSpectrum(NomosRun *run, NomosEstimate *e, NomosFieldFile file, const char name[], const double *a, const double *b)
{
  double *variance, *difference;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(e->n_layers * (size_t)e->n_bins, &variance, e->points + 1, &difference));
  for (size_t i = 0; i < e->points; i++) difference[i] = a[i] - (b ? b[i] : 0);
  PetscCall(NomosCorrelationSpectrum(e->root, difference, e->bin_width, e->n_bins, variance));
  for (size_t i = 0; i < e->n_layers * (size_t)e->n_bins; i++) variance[i] /= e->bin_width;
  PetscCall(NomosFieldFileWrite(file, name, NOMOS_F64, (size_t[]){0, 0}, (size_t[]){run->rank ? 0 : e->n_layers, (size_t)e->n_bins}, variance));
  PetscCall(PetscFree2(variance, difference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *name, *long_name;
  int         of, minus; /* truth, prior, analysis; -1: none */
} Spectrum;

/* Variance by wavenumber of the truth and of the errors before and after, at the two ends of the window; without a truth, of prior, analysis and increment. */
static PetscErrorCode WriteSpectra(NomosRun *run, NomosEstimate *e)
{
  static const Spectrum all[2][3] = {
    {{"prior", "variance of the prior", 1, -1}, {"analysis", "variance of the analysis", 2, -1},           {"increment", "variance of analysis minus prior", 2, 1}      },
    {{"truth", "variance of the truth", 0, -1}, {"prior_error", "variance of the prior's error", 1, 0}, {"analysis_error", "variance of the analysis' error", 2, 0}}
  };
  const Spectrum     *spectra = all[e->twin];
  const double *const fields[2][3] = {{e->reference, e->prior, e->analysis}, {e->reference_end, e->prior_end, e->analysis_end}};
  NomosFieldVariable  variables[3];
  double             *k, *layers;
  NomosFieldFile      file;

  PetscFunctionBeginUser;
  if (!e->root) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc2(e->n_bins, &k, e->n_layers, &layers));
  for (int b = 0; b < e->n_bins; b++) k[b] = b * e->bin_width;
  for (size_t l = 0; l < e->n_layers; l++) layers[l] = (double)(l + 1);
  const NomosFieldDim dims[2] = {
    {.name = "layer", .size = e->n_layers,       .values = layers, .unit = "1"                                     },
    {.name = "k",     .size = (size_t)e->n_bins, .values = k,      .unit = run->params.nondimensional ? "1" : "m-1"}
  };
  for (int i = 0; i < 3; i++) variables[i] = (NomosFieldVariable){.name = spectra[i].name, .dims = {"layer", "k"}, .type = NOMOS_F64, .unit = "1", .long_name = spectra[i].long_name};
  PetscCall(CreateFile(run, "spectra.nc", &(NomosFileLayout){.n_dims = 2, .n_variables = 3, .dims = dims, .variables = variables}, 2, &file));
  for (int f = 0; f < 2; f++) {
    PetscCall(NomosFieldFileBeginFrame(file, e->start_time + (f ? (double)e->n_steps * run->model->dt : 0), f ? e->n_steps : 0));
    for (int i = 0; i < 3; i++) PetscCall(WriteSpectrum(run, e, file, spectra[i].name, fields[f][spectra[i].of], spectra[i].minus < 0 ? NULL : fields[f][spectra[i].minus]));
    PetscCall(NomosFieldFileEndFrame(file));
  }
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(PetscFree2(k, layers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Root mean square of the departure from the reference in each layer, at the start of the window. */
static PetscErrorCode LayerErrors(NomosRun *run, const NomosEstimate *e, const double *field, double errors[])
{
  const size_t points = e->points / e->n_layers;
  double       sums[2 * NOMOS_ESTIMATE_MAX_LAYERS];

  PetscFunctionBeginUser;
  for (size_t l = 0; l < e->n_layers; l++) {
    sums[2 * l]     = 0;
    sums[2 * l + 1] = (double)points;
    for (size_t i = l * points; i < (l + 1) * points; i++) sums[2 * l] += (field[i] - e->reference[i]) * (field[i] - e->reference[i]);
  }
  PetscCall(NomosSumOverRanks(run->comm, 2 * e->n_layers, sums));
  for (size_t l = 0; l < e->n_layers; l++) errors[l] = sqrt(sums[2 * l] / sums[2 * l + 1]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Root mean square of the departures of prior and analysis from all observations. */
static PetscErrorCode DepartureSizes(NomosRun *run, NomosEstimate *e)
{
  const size_t n       = (size_t)e->n_times * NomosModelFieldPoints(e->observed);
  double       sums[2] = {0, 0};

  PetscFunctionBeginUser;
  for (int i = 0; i < 2; i++)
    for (size_t j = 0; j < n; j++)
      if (!isnan(e->departures[i][j])) sums[i] += e->departures[i][j] * e->departures[i][j];
  PetscCall(NomosSumOverRanks(run->comm, 2, sums));
  for (int i = 0; i < 2; i++) e->departure[i] = sqrt(sums[i] / (double)e->n_observations);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateWrite(NomosRun *run, NomosEstimate *e)
{
  PetscFunctionBeginUser;
  PetscCall(NomosScalarFileClose(&e->convergence));
  PetscCall(NomosEstimateControl(run, e, e->w, e->analysis, e->analysis_p));
  PetscCall(NomosEstimateForecast(run, e, e->analysis, e->analysis_p, e->analysis_end));
  PetscCall(NomosEstimateDistance(run, e, e->analysis_end, e->reference_end, &e->error_end));
  PetscCall(LayerErrors(run, e, e->prior, e->layer_errors[0]));
  PetscCall(LayerErrors(run, e, e->analysis, e->layer_errors[1]));
  PetscCall(NomosEstimateDepartures(run, e, e->prior, e->prior_p, e->departures[0]));
  PetscCall(NomosEstimateDepartures(run, e, e->analysis, e->analysis_p, e->departures[1]));
  PetscCall(DepartureSizes(run, e));
  PetscCall(NomosEstimateDeviations(run, e));
  PetscCall(WriteDepartures(run, e));
  PetscCall(WriteFields(run, e));
  PetscCall(WriteSpectra(run, e));
  PetscCall(NomosRunDrawPictures(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateResults(NomosRun *run, NomosResultFn result, void *ctx)
{
  const NomosEstimate *e = run->data;
  char                 name[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(result("observations", (double)e->n_observations, ctx));
  PetscCall(result("iterations", (double)e->iteration, ctx));
  PetscCall(result("gradients", (double)e->n_evaluations, ctx));
  PetscCall(result("cost", e->J, ctx));
  PetscCall(result("cost_at_first", e->first_J, ctx));
  PetscCall(result("misfit_per_observation", NomosEstimateMisfit(e), ctx));
  PetscCall(result("gradient_reduction", e->gradient_norm / e->first_norm, ctx));
  PetscCall(result("departure_prior", e->departure[0], ctx));
  PetscCall(result("departure_analysis", e->departure[1], ctx));
  for (size_t l = 0; l < e->n_layers; l++) {
    snprintf(name, sizeof name, "field_deviation_%zu", l + 1); /* of the control field over the grid, which errors may be compared with */
    PetscCall(result(name, e->deviation[l], ctx));
    if (!e->state) continue;
    snprintf(name, sizeof name, "error_prior_%zu", l + 1);
    if (e->twin) PetscCall(result(name, e->layer_errors[0][l], ctx));
    snprintf(name, sizeof name, e->twin ? "error_analysis_%zu" : "increment_%zu", l + 1);
    PetscCall(result(name, e->layer_errors[1][l], ctx));
  }
  if (e->state && e->twin) {
    PetscCall(result("error_prior", e->error_prior, ctx));
    PetscCall(result("error_analysis", e->error, ctx));
    PetscCall(result("error_ratio", e->error / e->error_prior, ctx));
  } else if (e->state) PetscCall(result("increment", e->error, ctx));
  if (e->twin) {
    PetscCall(result("error_end_prior", e->error_end_prior, ctx));
    PetscCall(result("error_end_analysis", e->error_end, ctx));
    PetscCall(result("error_end_ratio", e->error_end / e->error_end_prior, ctx));
  } else PetscCall(result("increment_end", e->error_end, ctx));
  for (size_t u = 0; u < e->n_unknown; u++) {
    const size_t i = e->unknown[u];
    NomosParameterName(&e->parameters[i], name);
    PetscCall(result(name, e->analysis_p[i], ctx));
    const size_t end = strlen(name);
    strcpy(name + end, "_deviation");
    if (isfinite(e->deviation_p[u])) PetscCall(result(name, e->deviation_p[u], ctx));
    strcpy(name + end, "_error"); /* relative */
    if (e->twin) PetscCall(result(name, e->analysis_p[i] / e->truth_p[i] - 1, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateSave(NomosRun *run, NomosEstimate *e)
{
  NomosCheckpoint checkpoint;
  double          parameters[NOMOS_ESTIMATE_MAX_PARAMETERS] = {0};
  const double   *w;
  json_t         *list = json_array();

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(e->w, &w));
  if (!run->rank) memcpy(parameters, w + (e->state ? e->points : 0), sizeof *parameters * e->n_unknown);
  PetscCallMPI(MPI_Bcast(parameters, (int)e->n_unknown, MPI_DOUBLE, 0, run->comm));
  for (size_t u = 0; u < e->n_unknown; u++) json_array_append_new(list, json_real(parameters[u]));
  json_t *object = json_pack("{s:s, s:I, s:I, s:f, s:f, s:o}", "version", NOMOS_VERSION, "iteration", (json_int_t)e->iteration, "stage", (json_int_t)e->stage, "first_cost", e->first_J, "first_gradient_norm", e->first_norm, "parameters", list);
  PetscCall(NomosRunCheckpointCreate(run, e->iteration, 1, "estimate", object, &checkpoint));
  if (e->state) PetscCall(NomosCheckpointWriteArray(checkpoint, "control", NOMOS_F64, e->field->n_dims, e->field->n_dims - 1, e->field->size, e->field->start, e->field->count, w));
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(VecRestoreArrayRead(e->w, &w));
  e->last_saved = MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosEstimateLoad(NomosRun *run, NomosEstimate *e)
{
  NomosCheckpoint checkpoint;
  char            directory[NOMOS_MAX_PATH], *text;
  double         *w;
  json_t         *object, *list;
  json_int_t      iteration = 0, stage = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "checkpoint", directory));
  PetscCall(NomosRunCheckpointOpen(run, directory, "estimate", &text, &checkpoint));
  object  = json_loads(text, 0, NULL);
  int bad = json_unpack(object, "{s:I, s:I, s:F, s:F, s:o}", "iteration", &iteration, "stage", &stage, "first_cost", &e->first_J, "first_gradient_norm", &e->first_norm, "parameters", &list);
  PetscCheck(!bad && json_array_size(list) == e->n_unknown, run->comm, PETSC_ERR_FILE_UNEXPECTED, "%s: the state of the minimisation cannot be read", run->restart_path);
  PetscCall(VecGetArray(e->w, &w));
  if (e->state) PetscCall(NomosCheckpointReadArray(checkpoint, "control", NOMOS_F64, e->field->n_dims, e->field->size, e->field->start, e->field->count, w));
  for (size_t u = 0; u < e->n_unknown && !run->rank; u++) w[(e->state ? e->points : 0) + u] = json_number_value(json_array_get(list, u));
  PetscCall(VecRestoreArray(e->w, &w));
  e->stage                          = stage;
  e->iteration = e->first_iteration = iteration;
  run->restarted                    = true;
  json_decref(object);
  PetscCall(NomosCheckpointClose(&checkpoint));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
