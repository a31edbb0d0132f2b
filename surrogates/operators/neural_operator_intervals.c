/* The intervals m +- q s of an ensemble (neural_operator_ensemble.c) against the truth. Of every set, means over trajectories, frames and fields:

     coverage         share of the truth within m +- q s          coverage_normal   within m +- 1.96 s
     nrmse            |u - m|/|u|, norms over the points          interval          |q s|/|u|         of fields of frames whose u is not zero everywhere

   and a picture: the trajectory whose error is the median, with its interval, at the frame whose error is nearest to its mean (last ones may be at rest), coverage against time, and errors of all trajectories against their intervals, which is what one has without a truth. */
#include "io/disk.h"
#include "io/plot.h"
#include "io/sort.h"
#include "operators/reduce.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum { ERROR, WIDTH, WITHIN, WITHIN_NORMAL, N_KINDS } Kind;
static const char *const kind_names[N_KINDS] = {"nrmse", "interval", "coverage", "coverage_normal"};

typedef enum { TRUTH, MEAN, LOW, HIGH, N_PROFILES } Profile;

static double *At(const NomosPredictionIntervals *set, Kind kind, size_t i, size_t k)
{
  return &set->values[(kind * set->n_all + i) * set->n_steps + k];
}

static double MeanOf(const NomosPredictionIntervals *set, Kind kind, size_t first, size_t count, size_t k_first, size_t k_count)
{
  double sum = 0, n = 0;

  for (size_t i = first; i < first + count; i++)
    for (size_t k = k_first; k < k_first + k_count; k++) {
      if (*At(set, kind, i, k) < 0) continue; /* there is none */
      sum += *At(set, kind, i, k);
      n += 1;
    }
  return sum / n;
}

static double OfTrajectory(const NomosPredictionIntervals *set, Kind kind, size_t i) { return MeanOf(set, kind, i, 1, 0, set->n_steps); }

/* ---- from moments */

static void Compare(const NomosNeuralOperator *no, const NomosEnsembleMoments *moments, const double mean[], const double deviation[], double q, const NomosPredictionIntervals *set)
{
  const size_t n         = moments->truth.n;
  size_t       n_defined = 0;

  for (size_t series = 0; series < set->n_steps * n * no->n_fields; series++) { /* a frame and a field of a trajectory */
    const size_t f = series % no->n_fields, i = series / no->n_fields % n, k = series / no->n_fields / n, at = series * no->n_points;
    double       squares[3] = {0}, within[2] = {0};
    for (size_t x = at; x < at + no->n_points; x++) {
      const double u = moments->truth.states[n * no->size + x], e = fabs(u - moments->mean[x]), d = moments->deviation[x];
      within[0] += e <= q * d;
      within[1] += e <= 1.96 * d;
      squares[0] += pow(NomosInUnitsOfData(mean[f], deviation[f], u), 2);
      squares[1] += pow(deviation[f] * e, 2);
      squares[2] += pow(deviation[f] * q * d, 2);
    }
    const double share[N_KINDS] = {sqrt(squares[1] / squares[0]), sqrt(squares[2] / squares[0]), within[0] / (double)no->n_points, within[1] / (double)no->n_points};
    n_defined = (f ? n_defined : 0) + (squares[0] > 0);
    for (int kind = 0; kind < N_KINDS; kind++) {
      const bool relative = kind == ERROR || kind == WIDTH;
      double    *value    = At(set, (Kind)kind, moments->first + i, k);
      if (!relative || squares[0] > 0) *value += share[kind];
      if (f + 1 == no->n_fields) *value = relative && !n_defined ? -1 : *value / (double)(relative ? n_defined : no->n_fields);
    }
  }
}

static PetscErrorCode Median(NomosPredictionIntervals *set)
{
  const size_t n = set->n_all;
  double      *errors;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &errors));
  for (size_t i = 0; i < n; i++) {
    errors[i] = OfTrajectory(set, ERROR, i);
    if (isnan(errors[i])) errors[i] = INFINITY; /* the last */
  }
  PetscCall(NomosMedianPlace(n, errors, &set->median));
  for (size_t k = 1; k < set->n_steps; k++)
    if (fabs(*At(set, ERROR, set->median, k) - errors[set->median]) < fabs(*At(set, ERROR, set->median, set->frame) - errors[set->median])) set->frame = k;
  PetscCall(PetscFree(errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* By the rank that has the median. */
static void CutProfiles(const NomosNeuralOperator *no, const NomosEnsembleMoments *moments, double mean, double deviation, double q, const NomosPredictionIntervals *set)
{
  const size_t n = moments->truth.n, i = set->median - moments->first, nx = no->shape.points[no->shape.n_space - 1];

  if (set->median < moments->first || i >= n) return;
  const size_t at = (set->frame * n + i) * no->size + (no->shape.n_space == 2 ? no->shape.points[0] / 2 * nx : 0);
  for (size_t x = 0; x < nx; x++) {
    const double m = mean + deviation * moments->mean[at + x], half = deviation * q * moments->deviation[at + x];
    const double row[N_PROFILES] = {mean + deviation * moments->truth.states[n * no->size + at + x], m, m - half, m + half};
    for (int p = 0; p < N_PROFILES; p++) set->profiles[(size_t)p * nx + x] = row[p];
  }
  for (size_t p = 0; p < no->n_parameters; p++) set->parameters[p] = moments->truth.parameters[i * no->n_parameters + p];
}

PetscErrorCode NomosPredictionIntervalsCreate(NomosSurrogate s, const NomosEnsembleMoments *moments, double q, NomosPredictionIntervals *set)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               nx = no->shape.points[no->shape.n_space - 1];
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  *set = (NomosPredictionIntervals){.name = moments->name, .n_all = moments->n_all, .n_steps = moments->truth.n_frames - 1};
  const size_t n_values = N_KINDS * moments->n_all * set->n_steps;
  PetscCall(PetscCalloc3(n_values, &set->values, N_PROFILES * nx, &set->profiles, no->n_parameters + 1, &set->parameters));
  PetscCall(NomosNeuralOperatorUnits(s, mean, deviation));
  Compare(no, moments, mean, deviation, q, set);
  PetscCall(NomosSumOverRanks(s->comm, n_values, set->values));
  PetscCall(Median(set));
  CutProfiles(no, moments, mean[0], deviation[0], q, set);
  PetscCall(NomosSumOverRanks(s->comm, N_PROFILES * nx, set->profiles));
  PetscCall(NomosSumOverRanks(s->comm, no->n_parameters, set->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosPredictionIntervalsFree(NomosPredictionIntervals *set)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(set->values, set->profiles, set->parameters));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the picture */

static PetscErrorCode DrawProfile(const NomosNeuralOperator *no, const NomosPredictionIntervals *set, NomosFigure figure, int column)
{
  const size_t nx = no->shape.points[no->shape.n_space - 1], m = 2 * nx + 1;
  double      *x, *band;
  char         title[256];

  PetscFunctionBeginUser;
  snprintf(title, sizeof title, "%.60s", set->name);
  for (size_t p = 0; p < no->n_parameters; p++) NomosTextAppend(sizeof title, title, ", %.40s = %.4g", no->variables[no->n_fields + p].name, set->parameters[p]);
  NomosTextAppend(sizeof title, title, no->interval > 0 ? ", time %.4g" : ", frame %.4g", (double)(set->frame + 1) * (no->interval > 0 ? no->interval : 1));
  PetscCall(PetscMalloc2(m, &x, m, &band));
  for (size_t i = 0; i < m; i++) x[i] = i == nx ? NAN : NomosNeuralOperatorPoint(no, no->shape.n_space - 1, i < nx ? i : i - nx - 1); /* both edges are one line */
  for (size_t i = 0; i < m; i++) band[i] = i == nx ? NAN : i < nx ? set->profiles[LOW * nx + i] : set->profiles[HIGH * nx + i - nx - 1];
  PetscCall(NomosFigurePanel(figure, 0, column, &(NomosAxes){.title = title, .x_label = "x", .y_label = no->variables[0].name}));
  PetscCall(NomosFigureLine(figure, nx, x, set->profiles + TRUTH * nx, column ? NULL : "truth", 0));
  PetscCall(NomosFigureLine(figure, nx, x, set->profiles + MEAN * nx, column ? NULL : "mean", 1));
  PetscCall(NomosFigureLine(figure, m, x, band, column ? NULL : "95 % interval", 2));
  PetscCall(PetscFree2(x, band));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawCoverage(const NomosNeuralOperator *no, size_t n_sets, const NomosPredictionIntervals sets[], NomosFigure figure)
{
  double *time, *share;
  size_t  most = 2;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_sets; i++) most = PetscMax(most, sets[i].n_steps);
  PetscCall(PetscMalloc2(most, &time, most, &share));
  for (size_t k = 0; k < most; k++) time[k] = (double)(k + 1) * (no->interval > 0 ? no->interval : 1);
  PetscCall(NomosFigurePanel(figure, 1, 0, &(NomosAxes){.title = "truth within the 95 % interval", .x_label = no->interval > 0 ? "time" : "frame", .y_label = "share", .y_min = 0, .y_max = 1.02}));
  for (size_t i = 0; i < n_sets; i++) {
    for (size_t k = 0; k < sets[i].n_steps; k++) share[k] = MeanOf(&sets[i], WITHIN, 0, sets[i].n_all, k, 1);
    PetscCall(NomosFigureLine(figure, sets[i].n_steps, time, share, sets[i].name, 0));
  }
  PetscCall(NomosFigureLine(figure, 2, (double[]){time[0], time[most - 1]}, (double[]){0.95, 0.95}, "0.95", 2));
  PetscCall(PetscFree2(time, share));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawErrors(size_t n_sets, const NomosPredictionIntervals sets[], NomosFigure figure)
{
  double *error, *width, low = INFINITY, high = 0;
  size_t  most = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < n_sets; i++) most = PetscMax(most, sets[i].n_all);
  PetscCall(PetscMalloc2(most, &error, most, &width));
  PetscCall(NomosFigurePanel(figure, 1, 1, &(NomosAxes){.title = "errors against intervals, of each trajectory", .x_label = "half of the interval / size of the field", .y_label = "nRMSE of the mean", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  for (size_t i = 0; i < n_sets; i++) {
    const size_t n = sets[i].n_all;
    for (size_t t = 0; t < n; t++) {
      error[t] = OfTrajectory(&sets[i], ERROR, t);
      width[t] = OfTrajectory(&sets[i], WIDTH, t);
      if (width[t] > 0) low = fmin(low, width[t]);
      high = fmax(high, isfinite(width[t]) ? width[t] : 0);
    }
    PetscCall(NomosFigureLine(figure, n, width, error, sets[i].name, 3));
  }
  if (low < high) PetscCall(NomosFigureLine(figure, 2, (double[]){low, high}, (double[]){low / 1.96, high / 1.96}, "of normal errors", 2));
  PetscCall(PetscFree2(error, width));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Draw(NomosSurrogate s, size_t n_sets, const NomosPredictionIntervals sets[])
{
  enum { MAX_COLUMNS = 4 };
  const NomosNeuralOperator *no      = s->context;
  const size_t               columns = PetscMin(n_sets, MAX_COLUMNS);
  NomosFigure                figure;
  char                       path[NOMOS_MAX_PATH], title[128], shown[48] = "";

  PetscFunctionBeginUser;
  if (columns < n_sets) snprintf(shown, sizeof shown, ", of the first %zu of %zu sets", columns, n_sets);
  snprintf(title, sizeof title, "trajectories of median error%s%s", no->shape.n_space == 2 ? ", along the middle line" : "", shown);
  PetscCall(NomosFigureCreate(title, 2, (int)PetscMax(2, columns), &figure));
  for (size_t i = 0; i < columns; i++) PetscCall(DrawProfile(no, &sets[i], figure, (int)i));
  PetscCall(DrawCoverage(no, n_sets, sets, figure));
  PetscCall(DrawErrors(n_sets, sets, figure));
  PetscCall(NomosDirectoryMake(PETSC_COMM_SELF, s->directory));
  snprintf(path, sizeof path, "%.4000s/intervals", s->directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorIntervals(NomosSurrogate s, size_t n_sets, const NomosPredictionIntervals sets[], NomosResultFn result, void *ctx)
{
  char key[2 * NOMOS_MAX_NAME];
  int  rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(s->comm, &rank));
  for (size_t i = 0; i < n_sets; i++) {
    for (int kind = 0; kind < N_KINDS; kind++) {
      snprintf(key, sizeof key, "%.60s_ensemble_%s", sets[i].name, kind_names[kind]);
      PetscCall(result(key, MeanOf(&sets[i], (Kind)kind, 0, sets[i].n_all, 0, sets[i].n_steps), ctx));
    }
  }
  PetscErrorCode code = s->directory && !rank ? Draw(s, n_sets, sets) : PETSC_SUCCESS;
  PetscCall(NomosErrorAgree(s->comm, code));
  PetscFunctionReturn(PETSC_SUCCESS);
}
