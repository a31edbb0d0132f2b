/* What `nomos train` shows of adaptation: numbers, a table, pictures. */
#include "io/disk.h"
#include "io/plot.h"
#include "surrogates/meta/meta_impl.h"

#include <math.h>
#include <stdio.h>

static const char *const starts[NOMOS_META_N_STARTS] = {"trained", "random"};

/* `adam_50_coordinate_error`: after 50 steps of Adam from the trained weights; `random_..`: from random ones; `.._5_points` where fewer points are known than in the last of adaptation.points. */
PetscErrorCode NomosMetaEvaluate(NomosSurrogate s, NomosSplit split, NomosResultFn result, void *ctx)
{
  NomosMeta *m = s->context;
  char       name[NOMOS_MAX_NAME], points[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  if (split != NOMOS_SPLIT_TEST) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMetaAdapt(m));
  for (size_t i = 0; i < m->curves.n; i++) {
    const NomosMetaRecord *r   = &m->curves.records[i];
    const bool             all = r->points == (size_t)m->k[m->n_k - 1];
    snprintf(points, sizeof points, "_%zu_points", r->points);
    for (int e = 0; e < (all ? NOMOS_META_N_ERRORS : NOMOS_META_FIELD); e++) {
      if (!r->n[e]) continue;
      if (r->rule == NOMOS_META_SOLVE) snprintf(name, sizeof name, "%ssolve_%s%s", r->from == NOMOS_META_RANDOM ? "random_" : "", nomos_meta_error_names[e], all ? "" : points);
      else snprintf(name, sizeof name, "%s%s_%zu_%s%s", r->from == NOMOS_META_RANDOM ? "random_" : "", nomos_meta_rule_names[r->rule], r->step, nomos_meta_error_names[e], all ? "" : points);
      PetscCall(result(name, NomosMetaError(r, e), ctx));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteTable(const NomosMeta *m, const char directory[])
{
  char      path[NOMOS_MAX_PATH];
  NomosText text;

  PetscFunctionBeginUser;
  snprintf(path, sizeof path, "%.*s/adaptation.csv", NOMOS_MAX_PATH - 32, directory);
  PetscCall(NomosTextBegin(&text));
  fprintf(text.out, "from,rule,points,steps");
  for (int e = 0; e < NOMOS_META_N_ERRORS; e++) fprintf(text.out, ",%s", nomos_meta_error_names[e]);
  for (size_t i = 0; i < m->curves.n; i++) {
    const NomosMetaRecord *r = &m->curves.records[i];
    fprintf(text.out, "\n%s,%s,%zu,%zu", starts[r->from], nomos_meta_rule_names[r->rule], r->points, r->step);
    for (int e = 0; e < NOMOS_META_N_ERRORS; e++) {
      if (r->n[e]) fprintf(text.out, ",%.9g", NomosMetaError(r, e));
      else fprintf(text.out, ","); /* not measured */
    }
  }
  fprintf(text.out, "\n");
  PetscCall(NomosTextWrite(PETSC_COMM_SELF, path, &text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Errors against steps, with as many points as there are: the paper's figures 1, 2 and 4. */
static PetscErrorCode DrawCurves(const NomosMeta *m, const char directory[])
{
  static const char *const titles[NOMOS_META_N_ERRORS] = {"coordinates along orbits", "energy along orbits", "field", "features"};
  char                     path[NOMOS_MAX_PATH], label[NOMOS_MAX_NAME];
  NomosFigure              figure;
  double                  *x, *y;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(m->curves.n, &x, m->curves.n, &y));
  PetscCall(NomosFigureCreate("errors at a new system", 2, 2, &figure));
  for (int e = 0; e < NOMOS_META_N_ERRORS; e++) {
    PetscCall(NomosFigurePanel(figure, e / 2, e % 2, &(NomosAxes){.title = titles[e], .x_label = "1 + steps", .y_label = e == NOMOS_META_FEATURES ? "1 - CKA" : "relative error", .x_scale = NOMOS_SCALE_LOG, .y_scale = NOMOS_SCALE_LOG}));
    for (int rule = 0; rule < NOMOS_META_SOLVE; rule++)
      for (int from = 0; from < NOMOS_META_N_STARTS; from++) {
        size_t n = 0;
        for (size_t i = 0; i < m->curves.n; i++) {
          const NomosMetaRecord *r = &m->curves.records[i];
          if ((int)r->rule != rule || (int)r->from != from || r->points != (size_t)m->k[m->n_k - 1] || !r->n[e]) continue;
          x[n]   = (double)r->step + 1;
          y[n++] = NomosMetaError(r, e);
        }
        snprintf(label, sizeof label, "%s, %s", starts[from], nomos_meta_rule_names[rule]);
        if (n) PetscCall(NomosFigureLine(figure, n, x, y, label, from));
      }
    for (size_t i = 0; i < m->curves.n && e != NOMOS_META_FEATURES; i++) { /* a solve leaves features as they are */
      const NomosMetaRecord *r = &m->curves.records[i];
      if (r->rule != NOMOS_META_SOLVE || r->points != (size_t)m->k[m->n_k - 1] || !r->n[e]) continue;
      snprintf(label, sizeof label, "%s, last layer solved", starts[r->from]);
      PetscCall(NomosFigureLine(figure, 1, &(double){2}, &(double){NomosMetaError(r, e)}, label, 3));
    }
  }
  snprintf(path, sizeof path, "%.*s/adaptation", NOMOS_MAX_PATH - 32, directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { SPARSE = 4 }; /* the truth is drawn as every fourth point */

/* The first orbits in the plane (q1, q2), or (q1, p1) where q2 is no coordinate, and their energies: figure 3. */
static PetscErrorCode DrawOrbits(const NomosMeta *m, const char directory[])
{
  const NomosMetaCurves *curves = &m->curves;
  const NomosTestTasks  *tasks  = &curves->first;
  const size_t           n = tasks->n_times, size = tasks->size, n_orbits = PetscMin(tasks->n, 3);
  const double          *lines[1 + NOMOS_META_N_STARTS] = {tasks->x, curves->orbits[NOMOS_META_TRAINED], curves->orbits[NOMOS_META_RANDOM]};
  const char            *labels[]                       = {"truth", "trained", "random"};
  char                   path[NOMOS_MAX_PATH], title[NOMOS_MAX_NAME];
  double                *first, *second;
  NomosFigure            figure;
  size_t                 other = size > 2 ? 1 : size / 2;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &first, n, &second));
  if (size > 2) { /* a coordinate that stays zero shows nothing */
    bool moves = false;
    for (size_t i = 0; i < tasks->n * n; i++) moves = moves || tasks->x[i * size + 1] != 0;
    other = moves ? 1 : size / 2;
  }
  if (curves->orbit_rule == NOMOS_META_SOLVE) snprintf(title, sizeof title, "after one solve of the last layer");
  else snprintf(title, sizeof title, "after %zu steps of %s", curves->orbit_step, nomos_meta_rule_names[curves->orbit_rule]);
  PetscCall(NomosFigureCreate(title, (int)n_orbits, m->expression ? 2 : 1, &figure));
  for (size_t orbit = 0; orbit < n_orbits; orbit++)
    for (int panel = 0; panel < (m->expression ? 2 : 1); panel++) {
      double reach = 0;
      for (size_t i = 0; i < n; i++) {
        const double *x = tasks->x + (orbit * n + i) * size;
        reach           = fmax(reach, 1.3 * hypot(x[0], x[other]));
      }
      if (panel) PetscCall(NomosFigurePanel(figure, (int)orbit, 1, &(NomosAxes){.title = orbit ? NULL : "energy", .x_label = "time", .y_label = "H"}));
      else PetscCall(NomosFigurePanel(figure, (int)orbit, 0, &(NomosAxes){.title = orbit ? NULL : "orbit", .x_label = "q_1", .y_label = other == 1 ? "q_2" : "p_1", .x_min = -1.6 * reach, .x_max = 1.6 * reach, .y_min = -reach, .y_max = reach})); /* panels are 1.6 times as wide as high */
      for (int l = 0; l < 1 + NOMOS_META_N_STARTS; l++) {
        if (!lines[l]) continue;
        size_t n_drawn = 0;
        for (size_t i = 0; i < n; i += l ? 1 : SPARSE) {
          const double *x   = lines[l] + (orbit * n + i) * size;
          first[n_drawn]    = panel ? tasks->t[orbit * n + i] : x[0];
          second[n_drawn++] = panel ? NomosExpressionEvaluate(m->expression, x) : x[other];
        }
        PetscCall(NomosFigureLine(figure, n_drawn, first, second, labels[l], l ? l - 1 : 3));
      }
    }
  snprintf(path, sizeof path, "%.*s/orbits", NOMOS_MAX_PATH - 32, directory);
  PetscCall(NomosFigureSave(figure, path));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(PetscFree2(first, second));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaPictures(NomosSurrogate s, const char directory[])
{
  NomosMeta *m = s->context;

  PetscFunctionBeginUser;
  if (!s->n_examples[NOMOS_SPLIT_TEST]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosMetaAdapt(m));
  PetscCall(WriteTable(m, directory));
  PetscCall(DrawCurves(m, directory));
  PetscCall(DrawOrbits(m, directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}
