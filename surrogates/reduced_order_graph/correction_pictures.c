/* Pictures of a learned correction: errors of free runs over time and of each motion, and of each set of motions the one whose error is the median: the truth, the coarse simulation and the corrected one side by side.
   Beside them errors.csv: a row for every motion of every set. */
#include "io/disk.h"
#include "io/plot.h"
#include "io/sort.h"
#include "surrogates/constitutive/motion_film.h"
#include "surrogates/reduced_order_graph/correction_impl.h"

#include <math.h>
#include <stdio.h>

enum { TRUTH, COARSE, CORRECTED, N_RUNS };
static const char *const run_names[N_RUNS] = {"fine simulation", "coarse", "coarse, corrected"};

/* One motion. */
static PetscErrorCode DrawMotion(NomosSurrogate s, NomosTwin *twin, const char title[], const char stem[])
{
  const size_t    total = twin->n_entries * twin->n, row = twin->size[NOMOS_TWIN_X] * twin->n;
  NomosModelScene scene = {0};
  NomosMotions    film  = {.scene = &scene.room, .title = title, .n_motions = N_RUNS, .n_scale = 1, .names = run_names, .n = twin->n, .d = twin->size[NOMOS_TWIN_X], .n_frames = twin->n_frames, .interval = twin->interval};
  double         *x[N_RUNS], mean;

  PetscFunctionBeginUser;
  for (int run = 0; run < N_RUNS; run++) {
    PetscCall(PetscMalloc1(twin->n_frames * row, &x[run]));
    film.x[run] = x[run];
  }
  for (size_t frame = 0; frame < twin->n_frames; frame++) PetscCall(PetscArraycpy(x[TRUTH] + frame * row, twin->truth + frame * total, row));
  for (int run = COARSE; run < N_RUNS; run++) PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = twin, .coarse = run == COARSE, .frames = x[run]}, &mean, NULL));
  PetscCall(twin->model->ops->scene(twin->config, &scene));
  PetscErrorCode code = NomosMotionsFilm(&film, stem);
  PetscCall(PetscFree(scene.obstacles));
  for (int run = 0; run < N_RUNS; run++) PetscCall(PetscFree(x[run]));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- a set */

enum { WITH, WITHOUT, N_KINDS }; /* the correction */

typedef struct {
  const NomosTwinSet *set;
  size_t              n_frames;       /* of the shortest motion */
  double             *error[N_KINDS]; /* (n_frames - 1) over time: means over the set */
  double             *mean[N_KINDS];  /* (set->n) of each motion: means over time */
} Set;

static PetscErrorCode Judge(NomosSurrogate s, Set *of)
{
  const NomosTwinSet *set = of->set;
  double             *error;
  size_t              most = 0;

  PetscFunctionBeginUser;
  of->n_frames = SIZE_MAX;
  for (size_t i = 0; i < set->n; i++) {
    most         = PetscMax(most, set->twins[i].n_frames);
    of->n_frames = PetscMin(of->n_frames, set->twins[i].n_frames);
  }
  PetscCall(PetscMalloc1(most, &error));
  for (int kind = 0; kind < N_KINDS; kind++) {
    PetscCall(PetscCalloc2(of->n_frames, &of->error[kind], set->n, &of->mean[kind]));
    for (size_t i = 0; i < set->n; i++) {
      PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = &set->twins[i], .coarse = kind == WITHOUT, .error = error}, &of->mean[kind][i], NULL));
      for (size_t k = 1; k < of->n_frames; k++) of->error[kind][k - 1] += error[k] / (double)set->n;
    }
  }
  PetscCall(PetscFree(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Free(Set *of)
{
  PetscFunctionBeginUser;
  for (int kind = 0; kind < N_KINDS; kind++) PetscCall(PetscFree2(of->error[kind], of->mean[kind]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The motion whose error is the median. */
static PetscErrorCode DrawMedian(NomosSurrogate s, const Set *of, const char directory[])
{
  char   text[2 * NOMOS_MAX_NAME], stem[NOMOS_MAX_PATH];
  size_t median;

  PetscFunctionBeginUser;
  PetscCall(NomosMedianPlace(of->set->n, of->mean[WITH], &median));
  snprintf(text, sizeof text, "%.100s: the median of %zu motions", of->set->name, of->set->n);
  snprintf(stem, sizeof stem, "%.400s/%.64s", directory, of->set->name);
  PetscCall(DrawMotion(s, &of->set->twins[median], text, stem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- errors of all sets */

/* With the correction first, for the colours of the panel beside. */
static PetscErrorCode DrawTimes(size_t n, const Set sets[], NomosFigure figure)
{
  PetscFunctionBeginUser;
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "error of free runs", .x_label = "time (s)", .y_label = "mean square of distances (m^2)", .y_scale = NOMOS_SCALE_LOG}));
  for (int kind = 0; kind < N_KINDS; kind++)
    for (size_t i = 0; i < n; i++) {
      double *times;
      char    text[2 * NOMOS_MAX_NAME];
      PetscCall(PetscMalloc1(sets[i].n_frames, &times));
      for (size_t k = 1; k < sets[i].n_frames; k++) times[k - 1] = (double)k * sets[i].set->twins[0].interval;
      snprintf(text, sizeof text, "%.100s%s", sets[i].set->name, kind == WITHOUT ? ", coarse alone" : "");
      PetscCall(NomosFigureLine(figure, sets[i].n_frames - 1, times, sets[i].error[kind], text, kind));
      PetscCall(NomosFigureLineColour(figure, i)); /* of a set one colour, here and in the panel beside */
      PetscCall(PetscFree(times));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each motion with and without the correction: below the line it is better with it. */
static PetscErrorCode DrawMotions(size_t n, const Set sets[], NomosFigure figure)
{
  double low = INFINITY, high[N_KINDS] = {0};

  PetscFunctionBeginUser;
  PetscCall(NomosFigurePanel(figure, 0, 1, &(NomosAxes){.title = "each motion", .x_label = "coarse alone (m^2)", .y_label = "corrected (m^2)", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
  for (size_t i = 0; i < n; i++) {
    PetscCall(NomosFigureLine(figure, sets[i].set->n, sets[i].mean[WITHOUT], sets[i].mean[WITH], sets[i].set->name, 3));
    for (size_t k = 0; k < sets[i].set->n; k++) {
      const double x = sets[i].mean[WITHOUT][k], y = sets[i].mean[WITH][k];
      if (!isfinite(x) || !isfinite(y) || !(x > 0)) continue;
      low           = fmin(low, x);
      high[WITHOUT] = fmax(high[WITHOUT], x);
      high[WITH]    = fmax(high[WITH], y);
    }
  }
  const double end = fmin(high[WITH], high[WITHOUT]); /* of the line, within the panel */
  if (low < end) PetscCall(NomosFigureSlope(figure, 1, low, end, low, "equal"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawErrors(size_t n, const Set sets[], const char directory[])
{
  NomosFigure figure;
  char        stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(NULL, 1, 2, &figure));
  PetscCall(DrawTimes(n, sets, figure));
  PetscCall(DrawMotions(n, sets, figure));
  snprintf(stem, sizeof stem, "%.4000s/errors", directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteErrors(size_t n, const Set sets[], const char directory[])
{
  char      path[NOMOS_MAX_PATH];
  NomosText text;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/errors.csv", directory);
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "set,trajectory,rollout_mse,coarse_mse\n");
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sets[i].set->n; k++) fprintf(text.out, "%s,%zu,%.6g,%.6g\n", sets[i].set->name, k, sets[i].mean[WITH][k], sets[i].mean[WITHOUT][k]);
  PetscCall(NomosTextWrite(PETSC_COMM_SELF, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionPictures(NomosSurrogate s, const char directory[])
{
  const NomosCorrection *c = s->context;
  Set                   *sets;
  size_t                 n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(c->n_sets, &sets));
  for (size_t i = NOMOS_CORRECTION_FIRST_TEST; i < c->n_sets; i++)
    if (c->sets[i].n) sets[n++].set = &c->sets[i];
  for (size_t i = 0; i < n; i++) {
    PetscCall(Judge(s, &sets[i]));
    PetscCall(DrawMedian(s, &sets[i], directory));
  }
  PetscCall(DrawErrors(n, sets, directory));
  PetscCall(WriteErrors(n, sets, directory));
  for (size_t i = 0; i < n; i++) PetscCall(Free(&sets[i]));
  PetscCall(PetscFree(sets));
  PetscFunctionReturn(PETSC_SUCCESS);
}
