/* Of the mode of nomos discover that has a model: what was found, in the model. A map of increments, and forecasts by model and corrected model from states of the real system that no term was found by. */
#include "cases/discover_increments.h"

#include "operators/reduce.h"
#include "operators/row_spectrum.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double blown_up = 1e100; /* what counts as the error of a forecast that is no number any more */

enum { N_TIMES = 50, TRUTH = 0, MODEL, CORRECTED, N_RUNS };

/* ---- increments.nc */

/* Dimensions of an equation's values: those of its field, without the layer if it is one of several. */
static bool Dimensions(NomosFileLayout *layout, const NomosModelField *field, bool whole, const char *dims[NOMOS_FIELD_MAX_DIMS])
{
  for (size_t v = 0; v < layout->n_variables; v++) {
    if (strcmp(layout->variables[v].name, field->name)) continue;
    const int skip = whole ? 0 : 1;
    for (int d = 0; d < NOMOS_FIELD_MAX_DIMS; d++) dims[d] = d + skip < field->n_dims ? layout->variables[v].dims[d + skip] : NULL;
    return true;
  }
  return false;
}

PetscErrorCode NomosIncrementsWriteFields(NomosDiscover *d)
{
  static const char *const names[] = {"increment", "explained", "left"}, *const long_names[] = {"what the model lacks of the rate of change", "of it, what the equation explains", "what is left"};
  NomosRun                *run = d->run;
  NomosIncrements         *m   = d->data;
  NomosIncrementsWork      w;
  NomosFileLayout          layout;
  NomosFieldVariable      *variables;
  NomosFieldFile           file;
  const NomosModelField   *list;
  size_t                   n;
  char                     path[NOMOS_MAX_PATH], (*texts)[2 * NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  PetscCall(m->forecaster.derivatives->fields(m->forecaster.model, &n, &list));
  PetscCall(run->ops->field_layout(m->forecaster.model, &layout));
  PetscCall(PetscCalloc2(3 * d->n_equations, &variables, 3 * d->n_equations, &texts));
  for (size_t i = 0; i < 3 * d->n_equations; i++) {
    const NomosVariablePlace *place = &m->places[i / 3];
    snprintf(texts[i], sizeof texts[i], "%s_%s", names[i % 3], d->equations[i / 3].variable);
    variables[i] = (NomosFieldVariable){.name = texts[i], .type = NOMOS_F64, .unit = "1", .long_name = long_names[i % 3]};
    if (!Dimensions(&layout, &list[place->field], !place->layered, variables[i].dims)) {
      PetscCall(PetscFree2(variables, texts));
      PetscFunctionReturn(PETSC_SUCCESS); /* no field of the model's files: there is nothing to draw it over */
    }
  }
  PetscCall(NomosRunDirectoryFile(run->directory, "increments.nc", path));
  const NomosFieldFileInput input = NomosRunFileInput(run, path, &(NomosFileLayout){.n_dims = layout.n_dims, .dims = layout.dims, .n_variables = 3 * d->n_equations, .variables = variables}, 1);
  PetscCall(NomosFieldFileCreate(run->comm, &input, &file));
  PetscCall(NomosIncrementsWorkCreate(d, &w));
  PetscCall(NomosIncrementsPair(d, (size_t)m->n_samples - 1, &w));
  PetscCall(NomosFieldFileBeginFrame(file, m->from, 0));
  for (size_t e = 0; e < d->n_equations; e++) {
    const NomosVariablePlace *place = &m->places[e];
    const NomosModelField    *field = &list[place->field];
    const int                 skip  = place->layered;
    double                   *y = w.target[e], *left = w.left[e];
    for (size_t k = 0; k < place->n; k++) {
      if (!m->corrected) /* columns that are no derivatives stay outside the model */
        for (size_t j = 0; j < d->equations[e].n_terms; j++) left[k] -= d->equations[e].found.c[j] * w.columns[e][j][k];
    }
    PetscCall(NomosFieldFileWrite(file, texts[3 * e], NOMOS_F64, field->start + skip, field->count + skip, y));
    PetscCall(NomosFieldFileWrite(file, texts[3 * e + 2], NOMOS_F64, field->start + skip, field->count + skip, left));
    for (size_t k = 0; k < place->n; k++) y[k] -= left[k];
    PetscCall(NomosFieldFileWrite(file, texts[3 * e + 1], NOMOS_F64, field->start + skip, field->count + skip, y));
  }
  PetscCall(NomosFieldFileEndFrame(file));
  PetscCall(NomosIncrementsWorkDestroy(d, &w));
  PetscCall(NomosFieldFileClose(&file));
  PetscCall(PetscFree2(variables, texts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- forecasts */

typedef struct {
  int64_t n_steps, stride; /* of a forecast, between two rows of the table */
  size_t  n_rows, n_k, n_layers;
  double *errors;   /* (n_rows, model and corrected, n_layers) sums of squares over the forecasts, over the variance of the truth */
  double *spectra;  /* (runs, n_layers, n_k) */
  double *fields[N_RUNS], *work;
} Forecast;

/* Power by wavenumber along x, added to spectrum: mean over the rows of a layer. */
static PetscErrorCode AddSpectrum(NomosRun *run, const NomosModelField *field, const double *values, size_t n_layers, size_t n_k, double *spectrum)
{
  const size_t nx = field->size[field->n_dims - 1], rows = NomosModelFieldPoints(field) / nx / n_layers;
  double      *sums;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n_layers * (n_k + 1), &sums));
  for (size_t l = 0; l < n_layers; l++) {
    double *sum = sums + l * (n_k + 1);
    PetscCall(NomosAddRowSpectra(NOMOS_WAVES_POWER, rows, nx, values + l * rows * nx, n_k, sum));
    sum[n_k] = (double)rows;
  }
  PetscCall(NomosSumOverRanks(run->comm, n_layers * (n_k + 1), sums));
  for (size_t l = 0; l < n_layers; l++)
    for (size_t k = 0; k < n_k; k++) spectrum[l * n_k + k] += sums[l * (n_k + 1) + k] / sums[l * (n_k + 1) + n_k];
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean square of a - b over the variance of b, of each layer, added to errors. */
static PetscErrorCode AddErrors(NomosRun *run, size_t points, size_t n_layers, const double *a, const double *b, double errors[])
{
  const size_t n = points / n_layers;

  PetscFunctionBeginUser;
  for (size_t l = 0; l < n_layers; l++) {
    double sums[4] = {0, 0, 0, (double)n};
    for (size_t i = l * n; i < (l + 1) * n; i++) {
      sums[0] += (a[i] - b[i]) * (a[i] - b[i]);
      sums[1] += b[i];
      sums[2] += b[i] * b[i];
    }
    PetscCall(NomosSumOverRanks(run->comm, 4, sums));
    errors[l] += sums[0] / (sums[2] - sums[1] * sums[1] / sums[3]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One forecast by the truth (kept at every row), or by the model as it is set. */
static PetscErrorCode Run(NomosDiscover *d, Forecast *f, int which, const double *psi)
{
  NomosIncrements             *m           = d->data;
  const bool                   truth       = which == TRUTH;
  NomosModel                   model       = truth ? m->truth.model : m->forecaster.model;
  const NomosModelDerivatives *derivatives = truth ? m->truth_derivatives : m->forecaster.derivatives;
  const size_t                 observed = truth ? m->truth_observed : m->forecaster.observed, bytes = truth ? m->truth_bytes : m->forecaster.bytes;
  double                      *values = truth ? NULL : f->work;
  void                        *x;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc(bytes, &x));
  PetscCall(derivatives->from_field(model, observed, psi, x));
  PetscCall(NomosModelSetClock(model, 0));
  PetscCall(derivatives->set_state(model, x));
  for (size_t r = 0; r < f->n_rows; r++) {
    double *exact = f->fields[TRUTH] + r * m->points;
    if (truth) values = exact;
    while (model->step < (int64_t)r * f->stride * (truth ? m->ratio : 1)) {
      PetscCall(model->ops->step(model));
      PetscCall(NomosRunStopped(d->run));
      if (d->run->stopped_by) break;
    }
    PetscCall(derivatives->get_state(model, x));
    PetscCall(derivatives->field(model, observed, x, values));
    if (!truth) PetscCall(AddErrors(d->run, m->points, f->n_layers, values, exact, f->errors + (r * 2 + (size_t)which - 1) * f->n_layers));
  }
  PetscCall(AddSpectrum(d->run, m->forecaster.field, values, f->n_layers, f->n_k, f->spectra + (size_t)which * f->n_layers * f->n_k));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTables(NomosDiscover *d, Forecast *f)
{
  static const char *const runs[] = {"truth", "model", "corrected"};
  NomosIncrements         *m      = d->data;
  NomosScalarFile          file;
  char                     path[NOMOS_MAX_PATH], (*names)[32];
  const char             **list;
  double                  *row;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(3 * f->n_layers, &names, 3 * f->n_layers, &list, 3 * f->n_layers, &row));
  for (size_t i = 0; i < 3 * f->n_layers; i++) {
    snprintf(names[i], sizeof names[i], "%s_%zu", runs[i / f->n_layers], i % f->n_layers + 1);
    list[i] = names[i];
  }
  PetscCall(NomosRunDirectoryFile(d->run->directory, "forecasts.csv", path));
  PetscCall(NomosScalarFileCreate(d->run->comm, path, 2 * f->n_layers, list + f->n_layers, NULL, &file));
  for (size_t r = 0; r < f->n_rows; r++) {
    for (size_t i = 0; i < 2 * f->n_layers; i++) row[i] = sqrt(f->errors[r * 2 * f->n_layers + i] / (double)m->n_forecasts);
    for (size_t i = 0; i < 2 * f->n_layers; i++) m->error[i / f->n_layers] = fmax(m->error[i / f->n_layers], isfinite(row[i]) ? row[i] : blown_up);
    PetscCall(NomosScalarFileWrite(file, (int64_t)r * f->stride, (double)r * (double)f->stride * m->forecaster.model->dt, row));
  }
  PetscCall(NomosScalarFileClose(&file));
  PetscCall(NomosRunDirectoryFile(d->run->directory, "forecast_spectra.csv", path));
  PetscCall(NomosScalarFileCreateOver(d->run->comm, path, "wavenumber", 3 * f->n_layers, list, &file));
  for (size_t k = 0; k < f->n_k; k++) {
    for (size_t i = 0; i < 3 * f->n_layers; i++) row[i] = f->spectra[i * f->n_k + k] / (double)m->n_forecasts;
    PetscCall(NomosScalarFileWrite(file, (int64_t)k, (double)k, row));
  }
  PetscCall(NomosScalarFileClose(&file));
  PetscCall(PetscFree3(names, list, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosIncrementsForecast(NomosDiscover *d)
{
  NomosIncrements       *m     = d->data;
  const NomosModelField *field = m->forecaster.field;
  const double           dt    = m->forecaster.model->dt;
  Forecast               f     = {.n_steps = (int64_t)round(m->forecast / dt)};
  double                *psi;
  void                  *x;

  PetscFunctionBeginUser;
  if (f.n_steps < 1 || !m->truth.model) PetscFunctionReturn(PETSC_SUCCESS);
  f.stride   = PetscMax(1, f.n_steps / N_TIMES);
  f.n_rows   = (size_t)(f.n_steps / f.stride) + 1;
  f.n_layers = m->n_layers;
  f.n_k      = field->size[field->n_dims - 1] / 2;
  PetscCall(PetscCalloc2(f.n_rows * 2 * f.n_layers, &f.errors, N_RUNS * f.n_layers * f.n_k + 1, &f.spectra));
  PetscCall(PetscMalloc4(f.n_rows * m->points + 1, &f.fields[TRUTH], m->points + 1, &f.work, m->points + 1, &psi, m->truth_bytes, (char **)&x));
  for (int64_t i = 0; i < m->n_forecasts && !d->run->stopped_by; i++) {
    const int64_t step = NomosIncrementsStep(m, m->n_begins) + i * f.n_steps * m->ratio;
    PetscCall(NomosTruthAt(&m->truth, step));
    PetscCall(m->truth_derivatives->get_state(m->truth.model, x));
    PetscCall(m->truth_derivatives->field(m->truth.model, m->truth_observed, x, psi));
    for (int which = 0; which < N_RUNS; which++) {
      if (which) PetscCall(NomosIncrementsSetModel(d, which == CORRECTED));
      PetscCall(Run(d, &f, which, psi));
    }
    PetscCall(NomosModelSetClock(m->truth.model, step));
    PetscCall(m->truth_derivatives->set_state(m->truth.model, x));
  }
  PetscCall(WriteTables(d, &f));
  PetscCall(PetscFree2(f.errors, f.spectra));
  PetscCall(PetscFree4(f.fields[TRUTH], f.work, psi, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}
