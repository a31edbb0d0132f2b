/* What nomos assimilate writes: scores of every analysis, fields, observations, the rank histogram. */
#include "cases/assimilate.h"
#include "cases/estimate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ANALYSIS_RMSE,
       FORECAST_RMSE,
       ANALYSIS_SPREAD,
       FORECAST_SPREAD,
       DEPARTURE,
       CHI_SQUARED,
       INFLATION,
       OBSERVATIONS,
       N_COLUMNS };

/* Root mean squares; departure: of observations from forecasts, over the deviations of their errors. */
static const struct {
  const char *name;
  bool        twin, of_field, of_ensemble; /* only of a twin; in the unit of the field; only of several members */
} columns[N_COLUMNS] = {
  {"analysis_rmse",   true,  true,  false},
  {"forecast_rmse",   true,  true,  false},
  {"analysis_spread", false, true,  true },
  {"forecast_spread", false, true,  true },
  {"departure",       false, false, false},
  {"chi_squared",     false, false, false},
  {"inflation",       false, false, false},
  {"observations",    false, false, false},
};

static bool HasSpread(const NomosAssimilate *a)
{
  return a->n_members > 1;
}

/* Is the variance of what would be seen known: by the ensemble, or by static states? A variational method never makes it. */
static bool HasChiSquared(const NomosAssimilate *a)
{
  return HasSpread(a) || (NomosAnalysisIsStatic(a->input.method) && !NomosAnalysisVariational(a->input.method));
}

/* What a method does not have is no column, and no result. */
static bool HasColumn(const NomosAssimilate *a, int c)
{
  return (a->twin || !columns[c].twin) && (HasSpread(a) || !columns[c].of_ensemble) && (c != CHI_SQUARED || HasChiSquared(a));
}

/* Variables of fields.nc for each analysed field. */
enum { TRUTH,
       FORECAST,
       ANALYSIS,
       INCREMENT,
       SPREAD,
       N_VARIABLES };

static const struct {
  const char *name, *long_name;
} variables[N_VARIABLES] = {
  {"truth",     "truth"                             },
  {"forecast",  "mean of the forecasts"             },
  {"analysis",  "mean of the analyses"              },
  {"increment", "analysis minus forecast, mean"     },
  {"spread",    "standard deviation of the analyses"},
};

/* Does an analysis at a time begin a new interval of `every`? */
static bool Begins(const NomosRun *run, double every, double before, double time)
{
  const double spare = NomosRunTolerance(run);

  return every > 0 && floor((time + spare) / every) > floor((before + spare) / every);
}

/* What an interrupted run wrote stays up to here: what is off the cadence at the last analysis only closed it. */
static int64_t LastToKeep(const NomosRun *run, const NomosAssimilate *a, double every)
{
  const double before = (double)(a->cycle > 1 ? NomosAssimilateStep(a, a->cycle - 2) : a->from_step) * run->model->dt;

  return run->model->step - (a->cycle == 1 || Begins(run, every, before, run->model->time) ? 0 : 1);
}

static PetscErrorCode OpenScores(NomosRun *run, NomosAssimilate *a)
{
  const char *names[N_COLUMNS], *units[N_COLUMNS];
  char        path[NOMOS_MAX_PATH];
  size_t      n = 0;

  PetscFunctionBeginUser;
  for (int c = 0; c < N_COLUMNS; c++) {
    if (!HasColumn(a, c)) continue;
    names[n]   = columns[c].name;
    units[n++] = columns[c].of_field && a->n_fields == 1 ? a->fields[0]->unit : "1";
  }
  PetscCall(NomosRunDirectoryFile(run->directory, "assimilation.csv", path));
  if (run->restarted) PetscCall(NomosScalarFileResume(run->comm, path, n, names, run->params.nondimensional ? NULL : units, run->params.scalars_every > 0 ? LastToKeep(run, a, run->params.scalars_every) : run->model->step, &a->scores));
  else PetscCall(NomosScalarFileCreate(run->comm, path, n, names, run->params.nondimensional ? NULL : units, &a->scores));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Name of a variable of a field: its own where it is the only one. */
static void VariableName(const NomosAssimilate *a, size_t f, int v, char name[NOMOS_MAX_NAME])
{
  if (a->n_fields > 1) snprintf(name, NOMOS_MAX_NAME, "%.40s_%s", a->fields[f]->name, variables[v].name);
  else snprintf(name, NOMOS_MAX_NAME, "%s", variables[v].name);
}

/* Dimensions of fields.nc: those of the model's files, and what fields have that these do not. */
typedef struct {
  NomosFieldDim *list;
  size_t         n, n_own; /* n_own: of them the last, whose names and values are theirs */
  char           names[NOMOS_ASSIMILATE_MAX_FIELDS * NOMOS_FIELD_MAX_DIMS][NOMOS_MAX_NAME];
} Dims;

/* How many of a field's last dimensions a variable of the model's files consists of; 0: it does not. */
static int Shared(const NomosModelField *field, const NomosFileLayout *layout, const NomosFieldVariable *variable)
{
  int n = 0, same = 0;

  while (n < NOMOS_FIELD_MAX_DIMS && variable->dims[n]) n++;
  for (int i = 0; i < n && n <= field->n_dims; i++)
    for (size_t k = 0; k < layout->n_dims; k++)
      if (!strcmp(layout->dims[k].name, variable->dims[i])) same += layout->dims[k].size == field->size[field->n_dims - n + i];
  return same == n ? n : 0;
}

/* A variable like a field that the model's files do not have: over the dimensions of theirs that most of its last ones are; the others are numbered. */
static PetscErrorCode MakeVariable(const NomosModelField *field, const NomosFileLayout *layout, Dims *dims, NomosFieldVariable *variable)
{
  const char *const *known   = NULL;
  int                n_known = 0;

  PetscFunctionBeginUser;
  for (size_t v = 0; v < layout->n_variables; v++) {
    const int n = Shared(field, layout, &layout->variables[v]);
    if (n <= n_known) continue;
    n_known = n;
    known   = layout->variables[v].dims;
  }
  *variable = (NomosFieldVariable){.unit = field->unit};
  for (int d = 0; d < field->n_dims; d++) {
    double *values;
    if (d >= field->n_dims - n_known) {
      variable->dims[d] = known[d - (field->n_dims - n_known)];
      continue;
    }
    char *name = dims->names[dims->n_own++];
    if (field->n_dims - n_known > 1) snprintf(name, NOMOS_MAX_NAME, "%.40s_number_%d", field->name, d + 1);
    else snprintf(name, NOMOS_MAX_NAME, "%.40s_number", field->name);
    PetscCall(PetscMalloc1(field->size[d] + 1, &values));
    for (size_t i = 0; i < field->size[d]; i++) values[i] = (double)(i + 1);
    dims->list[dims->n++] = (NomosFieldDim){.name = name, .size = field->size[d], .values = values, .unit = "1"};
    variable->dims[d]     = name;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenFields(NomosRun *run, NomosAssimilate *a)
{
  NomosFieldVariable        written[NOMOS_ASSIMILATE_MAX_FIELDS * N_VARIABLES];
  char                      names[NOMOS_ASSIMILATE_MAX_FIELDS * N_VARIABLES][NOMOS_MAX_NAME], long_names[NOMOS_ASSIMILATE_MAX_FIELDS * N_VARIABLES][2 * NOMOS_MAX_NAME], path[NOMOS_MAX_PATH];
  NomosFileLayout           layout;
  const NomosFieldVariable *variable;
  NomosFieldVariable        made;
  Dims                      dims = {0};
  size_t                    n    = 0;

  PetscFunctionBeginUser;
  PetscCall(run->ops->field_layout(run->model, &layout));
  PetscCall(PetscMalloc1(layout.n_dims + NOMOS_ASSIMILATE_MAX_FIELDS * NOMOS_FIELD_MAX_DIMS, &dims.list));
  PetscCall(PetscArraycpy(dims.list, layout.dims, layout.n_dims));
  dims.n = layout.n_dims;
  for (size_t f = 0; f < a->n_fields; f++) {
    PetscCall(NomosEstimateVariable(run, a->fields[f], &layout, &variable));
    if (!variable) {
      PetscCall(MakeVariable(a->fields[f], &layout, &dims, &made));
      variable = &made;
    }
    for (int v = a->twin ? TRUTH : FORECAST; v < (HasSpread(a) ? N_VARIABLES : SPREAD); v++, n++) {
      VariableName(a, f, v, names[n]);
      snprintf(long_names[n], sizeof long_names[n], "%.64s, %s", a->fields[f]->long_name ? a->fields[f]->long_name : a->fields[f]->name, variables[v].long_name);
      written[n]               = *variable;
      written[n].name          = names[n];
      written[n].long_name     = long_names[n];
      written[n].standard_name = NULL;
      written[n].type          = run->params.precision;
    }
  }
  const double every = run->params.fields_every, span = run->params.stop - a->from;
  const size_t capacity = 2 + (every > 0 ? (size_t)fmin(span / every, (double)a->n_cycles) : 0);
  PetscCall(NomosRunDirectoryFile(run->directory, "fields.nc", path));
  const NomosFieldFileInput input = NomosRunFileInput(run, path, &(NomosFileLayout){.n_dims = dims.n, .dims = dims.list, .n_variables = n, .variables = written}, capacity);
  if (run->restarted) PetscCall(NomosFieldFileResume(run->comm, &input, LastToKeep(run, a, run->params.fields_every), &a->file));
  else PetscCall(NomosFieldFileCreate(run->comm, &input, &a->file));
  for (size_t d = dims.n - dims.n_own; d < dims.n; d++) PetscCall(PetscFree(*(void **)&dims.list[d].values));
  PetscCall(PetscFree(dims.list));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateOpen(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryDropCheckpoints(run->directory, run->restarted ? run->first_step : -1));
  PetscCall(OpenScores(run, a));
  PetscCall(OpenFields(run, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does this analysis begin a new interval of `every`? The first and the last always do. */
static bool IsDue(const NomosRun *run, const NomosAssimilate *a, double every)
{
  return a->cycle == 1 || a->cycle == a->n_cycles || Begins(run, every, a->last_time, run->model->time);
}

static PetscErrorCode WriteScores(NomosAssimilate *a, const NomosRun *run)
{
  const NomosAssimilateScores *s              = &a->last;
  const double                 n_seen         = s->observations > 0 ? s->observations : NAN; /* of nothing seen there is no mean, and the file has nan */
  const double                 all[N_COLUMNS] = {s->rmse[NOMOS_ANALYSIS], s->rmse[NOMOS_FORECAST], s->spread[NOMOS_ANALYSIS], s->spread[NOMOS_FORECAST], sqrt(s->misfit / n_seen), s->chi_squared / n_seen, s->inflation, s->observations};
  double                       row[N_COLUMNS];
  size_t                       n = 0;

  PetscFunctionBeginUser;
  for (int c = 0; c < N_COLUMNS; c++)
    if (HasColumn(a, c)) row[n++] = all[c];
  PetscCall(NomosScalarFileWrite(a->scores, run->model->step, run->model->time, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFields(NomosRun *run, NomosAssimilate *a)
{
  const double *const values[N_VARIABLES] = {a->truth, a->mean[NOMOS_FORECAST], a->mean[NOMOS_ANALYSIS], a->work, a->ensemble_spread[NOMOS_ANALYSIS]};

  PetscFunctionBeginUser;
  for (size_t i = 0; i < a->n_state; i++) a->work[i] = a->mean[NOMOS_ANALYSIS][i] - a->mean[NOMOS_FORECAST][i];
  PetscCall(NomosFieldFileBeginFrame(a->file, run->model->time, run->model->step));
  for (size_t f = 0; f < a->n_fields; f++)
    for (int v = a->twin ? TRUTH : FORECAST; v < (HasSpread(a) ? N_VARIABLES : SPREAD); v++) {
      char   name[NOMOS_MAX_NAME];
      size_t nothing[NOMOS_FIELD_MAX_DIMS] = {0};
      VariableName(a, f, v, name);
      PetscCall(NomosFieldFileWrite(a->file, name, NOMOS_F64, a->fields[f]->start, run->rank ? nothing : a->fields[f]->size, values[v] + a->start[f]));
    }
  PetscCall(NomosFieldFileEndFrame(a->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateWrite(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  if (!(run->params.scalars_every > 0) || IsDue(run, a, run->params.scalars_every)) PetscCall(WriteScores(a, run));
  if (a->file && IsDue(run, a, run->params.fields_every)) PetscCall(WriteFields(run, a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How often an observation had so many members below it. */
static PetscErrorCode WriteRanks(NomosRun *run, const NomosAssimilate *a)
{
  NomosText text;

  PetscFunctionBeginUser;
  if (a->n_members < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "step,members_below,observations\n");
  for (size_t i = 0; i <= (size_t)a->n_members; i++) fprintf(text.out, "%zu,%zu,%.17g\n", i, i, a->ranks[i]);
  PetscCall(NomosRunDirectoryWrite(run->directory, "rank_histogram.csv", &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank's model is its own, and every rank has all observations: rank 0 writes them, and its verdict is everyone's. */
static PetscErrorCode WriteObservations(NomosRun *run, NomosAssimilate *a)
{
  char path[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosRunDirectoryFile(run->directory, "observations.nc", path));
  NomosOnFirstRank(run->comm, NomosObservationsWrite(a->looks, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAssimilateClose(NomosRun *run, NomosAssimilate *a)
{
  PetscFunctionBeginUser;
  if (a->scores) {
    PetscCall(NomosScalarFileClose(&a->scores));
    PetscCall(WriteRanks(run, a));
    if (a->twin && a->keep_observations && a->cycle > a->first_cycle) PetscCall(WriteObservations(run, a));
  }
  if (a->file) PetscCall(NomosFieldFileClose(&a->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of layers, where there are several and not too many. */
static PetscErrorCode LayerResults(const NomosAssimilate *a, NomosResultFn result, void *ctx)
{
  const NomosAssimilateScores *s = &a->sums;
  char                         name[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (a->n_layers < 2 || a->n_layers > NOMOS_ASSIMILATE_MAX_LAYERS || !a->input.places) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t l = 0; l < a->n_layers; l++) {
    const double climate = sqrt(s->layer_climatology[l] / s->cycles);
    snprintf(name, sizeof name, "analysis_rmse_%zu", l + 1);
    PetscCall(result(name, s->layer_rmse[NOMOS_ANALYSIS][l] / s->cycles, ctx));
    snprintf(name, sizeof name, "climatology_rmse_%zu", l + 1);
    PetscCall(result(name, climate, ctx));
    snprintf(name, sizeof name, "ratio_%zu", l + 1);
    PetscCall(result(name, s->layer_rmse[NOMOS_ANALYSIS][l] / s->cycles / climate, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Means over the analyses from output.average_from on. */
PetscErrorCode NomosAssimilateResults(NomosRun *run, NomosResultFn result, void *ctx)
{
  const NomosAssimilate       *a = run->data;
  const NomosAssimilateScores *s = &a->sums;

  PetscFunctionBeginUser;
  PetscCall(result("analyses", (double)a->cycle, ctx));
  PetscCall(result("analyses_averaged", s->cycles, ctx));
  PetscCall(result("observations_per_analysis", s->observations / s->cycles, ctx));
  if (HasSpread(a)) PetscCall(result("spread", s->spread[NOMOS_ANALYSIS] / s->cycles, ctx));
  if (HasSpread(a)) PetscCall(result("forecast_spread", s->spread[NOMOS_FORECAST] / s->cycles, ctx));
  PetscCall(result("departure", sqrt(s->misfit / s->observations), ctx));
  if (HasChiSquared(a)) PetscCall(result("chi_squared", s->chi_squared / s->observations, ctx));
  PetscCall(result("inflation", s->inflation / s->cycles, ctx));
  if (!a->twin) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(result("analysis_rmse", s->rmse[NOMOS_ANALYSIS] / s->cycles, ctx));
  PetscCall(result("forecast_rmse", s->rmse[NOMOS_FORECAST] / s->cycles, ctx));
  PetscCall(result("largest_analysis_rmse", s->largest, ctx));
  PetscCall(result("forecast_skill", 1 - pow(s->rmse[NOMOS_FORECAST] / s->cycles, 2) / (s->climatology / s->cycles), ctx)); /* over the climate: 1 perfect, 0 none */
  PetscCall(result("climatology_rmse", sqrt(s->climatology / s->cycles), ctx));
  PetscCall(result("ratio", s->rmse[NOMOS_ANALYSIS] / s->cycles / sqrt(s->climatology / s->cycles), ctx));
  PetscCall(LayerResults(a, result, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
