/* Pictures of a learned correction: errors of free runs over time, and of each set of motions the one whose error is the median: the truth, the coarse simulation and the corrected one side by side. */
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

/* Errors over time, (n_frames - 1) of the shortest motion: means over the set. The number of the motion whose error is the median. */
static PetscErrorCode Judge(NomosSurrogate s, const NomosTwinSet *set, size_t n_frames, double *const errors[2], size_t *median)
{
  double *means, *error;
  size_t  most = 0;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < set->n; i++) most = PetscMax(most, set->twins[i].n_frames);
  PetscCall(PetscMalloc2(set->n, &means, most, &error));
  for (int coarse = 0; coarse < 2; coarse++) {
    PetscCall(PetscArrayzero(errors[coarse], n_frames - 1));
    for (size_t i = 0; i < set->n; i++) {
      double mean;
      PetscCall(NomosCorrectionRun(s, &(NomosCorrectedRun){.twin = &set->twins[i], .coarse = coarse, .error = error}, &mean, NULL));
      if (!coarse) means[i] = mean;
      for (size_t k = 1; k < n_frames; k++) errors[coarse][k - 1] += error[k] / (double)set->n;
    }
  }
  PetscCall(NomosMedianPlace(set->n, means, median));
  PetscCall(PetscFree2(means, error));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawSet(NomosSurrogate s, const NomosTwinSet *set, NomosFigure figure, const char directory[])
{
  size_t                 n_frames = SIZE_MAX, median = 0;
  double                *times, *errors[2];
  char                   text[2 * NOMOS_MAX_NAME], stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  for (size_t i = 0; i < set->n; i++) n_frames = PetscMin(n_frames, set->twins[i].n_frames);
  PetscCall(PetscMalloc3(n_frames, &times, n_frames, &errors[0], n_frames, &errors[1]));
  PetscCall(Judge(s, set, n_frames, errors, &median));
  for (size_t k = 1; k < n_frames; k++) times[k - 1] = (double)k * set->twins[0].interval;
  for (int coarse = 0; coarse < 2; coarse++) {
    snprintf(text, sizeof text, "%.100s%s", set->name, coarse ? ", coarse alone" : "");
    PetscCall(NomosFigureLine(figure, n_frames - 1, times, errors[coarse], text, coarse));
  }
  snprintf(text, sizeof text, "%.100s: the median of %zu motions", set->name, set->n);
  snprintf(stem, sizeof stem, "%.400s/%.64s", directory, set->name);
  PetscCall(DrawMotion(s, &set->twins[median], text, stem));
  PetscCall(PetscFree3(times, errors[0], errors[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionPictures(NomosSurrogate s, const char directory[])
{
  const NomosCorrection *c = s->context;
  NomosFigure            figure;
  char                   stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosFigureCreate(NULL, 1, 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "error of free runs", .x_label = "time (s)", .y_label = "mean square of distances (m^2)", .y_scale = NOMOS_SCALE_LOG}));
  for (size_t i = NOMOS_CORRECTION_FIRST_TEST; i < c->n_sets; i++)
    if (c->sets[i].n) PetscCall(DrawSet(s, &c->sets[i], figure, directory));
  snprintf(stem, sizeof stem, "%.4000s/errors", directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  PetscFunctionReturn(PETSC_SUCCESS);
}
