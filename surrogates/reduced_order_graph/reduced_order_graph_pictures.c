/* Pictures of a stepper: of each set the trajectory whose error is the median, beside its prediction (and a coarse simulation, where one is judged), some moments and a film; errors of all sets against time. Beside them errors.csv: a row for every trajectory of every set. */
#include "io/disk.h"
#include "io/plot.h"
#include "io/sort.h"
#include "surrogates/constitutive/motion_film.h"
#include "surrogates/reduced_order_graph/reduced_order_graph_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  const char              *name;
  const NomosParticlePart *part;
  NomosParticleJudgement   judgement;
} Set;

/* ---- films */

/* Over all frames of one trajectory. */
static double ErrorOf(const NomosParticleJudgement *j, const double error[], size_t i)
{
  return NomosParticleJudgementMean(&(NomosParticleJudgement){.n = 1, .n_frames = j->n_frames}, error + i * j->n_frames, 0);
}

static PetscErrorCode Median(const NomosParticleJudgement *j, size_t *i)
{
  double *errors;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(j->n, &errors));
  for (size_t k = 0; k < j->n; k++) errors[k] = ErrorOf(j, j->error[NOMOS_MOTION_STEPPER], k);
  PetscCall(NomosMedianPlace(j->n, errors, i));
  PetscCall(PetscFree(errors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coarse simulation at the points of the truth. */
static PetscErrorCode FollowCoarse(NomosSurrogate s, const NomosParticlePart *part, size_t i, const NomosPointMotion *m, double x[])
{
  const size_t   row = m->sets.n * (size_t)m->d;
  NomosCoarseRun run;

  PetscFunctionBeginUser;
  PetscCall(NomosCoarseRunCreate(s, &(NomosCoarseRunInput){.part = part, .trajectory = i, .n_points = m->sets.n, .X = m->x, .X_kind = m->kind}, &run));
  PetscCall(PetscArraycpy(x, m->x, row));
  PetscErrorCode code = PETSC_SUCCESS;
  for (size_t f = 1; f < m->n_frames && !code; f++) code = NomosCoarseRunNext(&run, x + f * row);
  PetscCall(NomosCoarseRunDestroy(&run));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawSet(NomosSurrogate s, const Set *set, const char directory[])
{
  const NomosReducedOrderGraph *g     = s->context;
  const char *const             names[3] = {"truth", "prediction", "coarse simulation"};
  NomosScene                    scene = {.d = g->info->d, .up = 1, .unit = NomosConfigIsNondimensional(s->config) ? "" : "m"};
  NomosParticleTrajectory       t;
  NomosPointMotion              m;
  NomosRollOut                  how;
  size_t                        i = 0;
  double                       *x[2];
  char                          title[256], stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(Median(&set->judgement, &i));
  PetscCall(NomosParticleDataTrajectory(set->part->data, set->part->split, i, &t));
  PetscCall(NomosPointMotionRead(set->part, 1, &(NomosParticleWindow){.trajectory = i}, t.n_frames, &m));
  PetscCall(PetscMalloc2(m.n_frames * m.sets.n * (size_t)m.d, &x[0], m.n_frames * m.sets.n * (size_t)m.d, &x[1]));
  PetscErrorCode code = NomosReducedOrderGraphRollOut(s, &m, NOMOS_MOTION_STEPPER, x[0], &how);
  if (!code && set->judgement.coarse) code = FollowCoarse(s, set->part, i, &m, x[1]);
  for (int a = 0; a < m.d; a++) {
    scene.low[a]  = g->info->low[a];
    scene.high[a] = g->info->high[a];
  }
  snprintf(title, sizeof title, "%s: mean square %.3g, the median of %zu trajectories; %zu of %zu particles", set->name, ErrorOf(&set->judgement, set->judgement.error[NOMOS_MOTION_STEPPER], i), set->judgement.n, m.sets.n, t.n_particles);
  snprintf(stem, sizeof stem, "%.4000s/%.64s", directory, set->name);
  if (!code) code = NomosMotionsFilm(&(NomosMotions){.scene = &scene, .title = title, .n_motions = set->judgement.coarse ? 3 : 2, .names = names, .n = m.sets.n, .d = (size_t)m.d, .n_frames = m.n_frames, .x = {m.x, x[0], x[1]}, .interval = g->info->interval}, stem);
  PetscCall(PetscFree2(x[0], x[1]));
  PetscCall(NomosPointMotionFree(&m));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- errors */

/* Root of the mean square at predicted frame k; NaN where nothing was looked at. */
static double RootAt(const NomosParticleJudgement *j, const double error[], size_t k)
{
  return sqrt(NomosParticleJudgementFrame(j, error, k));
}

/* One line. */
static PetscErrorCode DrawLine(NomosSurrogate s, NomosFigure figure, const NomosParticleJudgement *j, const double error[])
{
  const NomosReducedOrderGraph *g = s->context;
  double                       *time, *y;
  size_t                        n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(j->n_frames, &time, j->n_frames, &y));
  for (size_t k = 0; k < j->n_frames; k++) {
    y[n]    = RootAt(j, error, k);
    time[n] = (double)(g->n_history + k) * g->info->interval;
    n += isfinite(y[n]) ? 1 : 0; /* else not looked at, or blown up */
  }
  PetscCall(NomosFigureLine(figure, n, time, y, NULL, 0));
  PetscCall(PetscFree2(time, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Panels of errors, a line for each set: what is rolled out on the same axes, then single steps. */
enum { PANEL_STEPPER, PANEL_COARSE, PANEL_BALLISTIC, PANEL_ONE_STEP, N_PANELS };

static const double *ErrorsOf(const NomosParticleJudgement *j, int panel)
{
  const double *const all[N_PANELS] = {j->error[NOMOS_MOTION_STEPPER], j->coarse, j->error[NOMOS_MOTION_BALLISTIC], j->one_step};
  return all[panel];
}

static double Highest(size_t n, const Set sets[])
{
  double high = 0;

  for (int panel = 0; panel < PANEL_ONE_STEP; panel++)
    for (size_t i = 0; i < n; i++) {
      const NomosParticleJudgement *j = &sets[i].judgement;
      for (size_t k = 0; k < j->n_frames && ErrorsOf(j, panel); k++)
        if (isfinite(RootAt(j, ErrorsOf(j, panel), k))) high = fmax(high, RootAt(j, ErrorsOf(j, panel), k));
    }
  return high;
}

static PetscErrorCode DrawErrors(NomosSurrogate s, size_t n, const Set sets[], const char directory[])
{
  static const char *const titles[N_PANELS] = {"roll-outs", "coarse simulation, all particles", "free flight", "single steps"};
  const bool               bare = NomosConfigIsNondimensional(s->config), coarse = n && sets[0].judgement.coarse;
  const char             **names;
  const double             high = 2 * Highest(n, sets);
  NomosFigure              figure;
  char                     text[NOMOS_MAX_PATH], label[64];
  int                      place = 0;

  PetscFunctionBeginUser;
  snprintf(label, sizeof label, "root mean square distance%s", bare ? "" : " (m)");
  PetscCall(NomosFigureCreate(NULL, coarse ? 2 : 1, coarse ? 2 : 3, &figure));
  for (int panel = 0; panel < N_PANELS; panel++) {
    const bool alone = panel == PANEL_ONE_STEP || !(high > 0);
    if (panel == PANEL_COARSE && !coarse) continue;
    PetscCall(NomosFigurePanel(figure, coarse ? place / 2 : 0, coarse ? place % 2 : place, &(NomosAxes){.title = titles[panel], .x_label = bare ? "time" : "time (s)", .y_label = label, .y_scale = NOMOS_SCALE_LOG, .y_min = alone ? 0 : 1e-5 * high, .y_max = alone ? 0 : high}));
    for (size_t i = 0; i < n; i++) PetscCall(DrawLine(s, figure, &sets[i].judgement, ErrorsOf(&sets[i].judgement, panel)));
    place++;
  }
  PetscCall(PetscMalloc1(n + 1, &names));
  for (size_t i = 0; i < n; i++) names[i] = sets[i].name;
  PetscErrorCode code = n ? NomosFigureLegend(figure, n, names) : PETSC_SUCCESS;
  snprintf(text, sizeof text, "%.4000s/errors", directory);
  if (!code) code = NomosFigureSave(figure, text);
  PetscCall(PetscFree(names));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteErrors(NomosSurrogate s, size_t n, const Set sets[], const char directory[])
{
  const NomosReducedOrderGraph *g = s->context;
  char                          path[NOMOS_MAX_PATH];
  NomosText                     text;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.4000s/errors.csv", directory);
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "set,trajectory");
  for (size_t p = 0; p < g->info->n_parameters; p++) fprintf(text.out, ",%s", g->info->parameters[p]);
  fprintf(text.out, ",one_step_mse");
  for (int kind = 0; kind < NOMOS_N_MOTIONS; kind++) fprintf(text.out, ",%s_mse", nomos_motion_names[kind]);
  if (n && sets[0].judgement.coarse) fprintf(text.out, ",coarse_mse");
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < sets[i].judgement.n; k++) {
      NomosParticleTrajectory t;
      PetscCall(NomosParticleDataTrajectory(sets[i].part->data, sets[i].part->split, k, &t));
      fprintf(text.out, "\n%s,%zu", sets[i].name, k);
      for (size_t p = 0; p < g->info->n_parameters; p++) fprintf(text.out, ",%.10g", t.parameters[p]);
      fprintf(text.out, ",%.6g", ErrorOf(&sets[i].judgement, sets[i].judgement.one_step, k));
      for (int kind = 0; kind < NOMOS_N_MOTIONS; kind++) fprintf(text.out, ",%.6g", ErrorOf(&sets[i].judgement, sets[i].judgement.error[kind], k));
      if (sets[i].judgement.coarse) fprintf(text.out, ",%.6g", ErrorOf(&sets[i].judgement, sets[i].judgement.coarse, k));
    }
  fprintf(text.out, "\n");
  PetscCall(NomosTextWrite(PETSC_COMM_SELF, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosReducedOrderGraphPictures(NomosSurrogate s, const char directory[])
{
  NomosReducedOrderGraph *g = s->context;
  Set                    *sets;
  size_t                  n = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(g->n_sets + 1, &sets));
  for (int split = NOMOS_SPLIT_TEST; split >= NOMOS_SPLIT_TRAIN && !n; split--) /* what the training did not see, if there is such a part */
    if (s->n_examples[split]) sets[n++] = (Set){.name = nomos_split_names[split], .part = &g->parts[split]};
  for (size_t i = 0; i < g->n_sets; i++) sets[n++] = (Set){.name = g->sets[i].name, .part = &g->sets[i].part};
  for (size_t i = 0; i < n; i++) {
    PetscCall(NomosReducedOrderGraphJudge(s, PETSC_COMM_SELF, sets[i].part, (NomosParticleJudging){.one_step = true, .coarse = true}, &sets[i].judgement)); /* one rank draws */
    PetscCall(DrawSet(s, &sets[i], directory));
  }
  PetscCall(DrawErrors(s, n, sets, directory));
  PetscCall(WriteErrors(s, n, sets, directory));
  for (size_t i = 0; i < n; i++) PetscCall(NomosParticleJudgementFree(&sets[i].judgement));
  PetscCall(PetscFree(sets));
  PetscFunctionReturn(PETSC_SUCCESS);
}
