/* Pictures of a learned law: its error along the motion, and its stresses beside those of the written law. */
#include "surrogates/constitutive/constitutive_impl.h"
#include "surrogates/constitutive/motion_film.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- error along the motion */

static PetscErrorCode DrawErrors(NomosSurrogate s, const char directory[])
{
  NomosConstitutive *c = s->context;
  const NomosMotion *m = &c->motion;
  const int64_t      n_steps = m->steps[m->n_frames - 1];
  double            *curve, *time, error;
  size_t             n = 0;
  NomosFigure        figure;
  char               stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2((size_t)n_steps + 2, &curve, (size_t)n_steps + 2, &time));
  PetscCall(NomosConstitutiveReconstruct(s, &error, curve));
  for (int64_t k = 0; k <= n_steps; k += c->every, n++) {
    time[n]  = (double)k * c->model->dt;
    curve[n] = sqrt(curve[n]);
  }
  PetscCall(NomosFigureCreate(NULL, 1, 1, &figure));
  PetscCall(NomosFigurePanel(figure, 0, 0, &(NomosAxes){.title = "error of positions in a free run", .x_label = "time (s)", .y_label = "root mean square (m)", .y_scale = NOMOS_SCALE_LOG}));
  PetscCall(NomosFigureLine(figure, n, time, curve, NULL, 0));
  snprintf(stem, sizeof stem, "%.4000s/error", directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  PetscCall(PetscFree2(curve, time));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the motion, seen and of a free run of the learned law: free_run.png and free_run_motion.png, where frames are at equal steps */

static PetscErrorCode DrawMotion(NomosSurrogate s, const char directory[])
{
  enum { MOST_FRAMES = 60 };
  static const char *const names[] = {"truth", "learned law"};
  NomosConstitutive       *c       = s->context;
  const NomosMotion       *m       = &c->motion;
  const size_t             between = (m->n_frames - 2) / MOST_FRAMES + 1;
  const char              *title;
  char                     stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  for (size_t f = 0; f < m->n_frames; f++)
    if (m->steps[f] != (int64_t)f * m->steps[1]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetString(s->config, "case.title", &title));
  PetscCall(NomosModelSetClock(c->model, 0));
  PetscCall(c->model->ops->derivatives->set_state(c->model, m->states));
  snprintf(stem, sizeof stem, "%.4000s/free_run", directory);
  PetscCall(NomosFreeRunFilm(&(NomosFreeRunInput){.model = c->model, .field = m->field, .n_steps = m->steps[m->n_frames - 1], .every = (int64_t)between * m->steps[1], .reference = NomosMotionReference, .ctx = &c->motion}, title, names, stem));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- stresses */

enum { STRETCH, SHEAR, VOLUME, N_PATHS };
static const struct {
  const char *title, *x_label, *y_label;
  double      low, high;
} paths[N_PATHS] = {
  [STRETCH] = {"stretched along x",  "stretch",      "tau_xx (Pa)",       0.6,  1.4},
  [SHEAR]   = {"sheared",            "shear",        "tau_xy (Pa)",       -0.4, 0.4},
  [VOLUME]  = {"stretched all ways", "stretch",      "tr tau/3 (Pa)",     0.85, 1.15},
};
enum { N_POINTS = 101 };

static void Deformation(int path, double a, double F[9])
{
  for (int e = 0; e < 9; e++) F[e] = e % 4 == 0;
  if (path == SHEAR) F[1] = a;
  else F[0] = a;
  if (path == VOLUME) F[4] = F[8] = a;
}

/* Stress along a path: of the deformation itself, or (through) of what the return mapping leaves of it. */
static PetscErrorCode Stress(const NomosLaw laws[NOMOS_N_LAW_KINDS], int path, bool through, const double a[], double stress[])
{
  const NomosLaw law    = laws[NOMOS_LAW_ELASTICITY];
  const bool     single = law->precision == NOMOS_F32;
  double         F[9], wide[2][9 * N_POINTS];
  float          narrow[2][9 * N_POINTS];
  void          *x = single ? (void *)narrow[0] : wide[0], *y = single ? (void *)narrow[1] : wide[1];

  PetscFunctionBeginUser;
  for (size_t k = 0; k < N_POINTS; k++) {
    Deformation(path, a[k], F);
    for (size_t e = 0; e < 9; e++) {
      wide[0][e * N_POINTS + k]   = F[e];
      narrow[0][e * N_POINTS + k] = (float)F[e];
    }
  }
  if (through && laws[NOMOS_LAW_PLASTICITY]) {
    laws[NOMOS_LAW_PLASTICITY]->ops->apply(laws[NOMOS_LAW_PLASTICITY], N_POINTS, N_POINTS, x, y, NULL);
    void *swap = x;
    x          = y;
    y          = swap;
  }
  law->ops->apply(law, N_POINTS, N_POINTS, x, y, NULL);
  for (size_t k = 0; k < N_POINTS; k++) {
    double tau[9];
    for (size_t e = 0; e < 9; e++) tau[e] = single ? (double)((float *)y)[e * N_POINTS + k] : ((double *)y)[e * N_POINTS + k];
    stress[k] = path == STRETCH ? tau[0] : path == SHEAR ? tau[1] : (tau[0] + tau[4] + tau[8]) / 3;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The written laws of the data's simulation. */
static PetscErrorCode WrittenLaws(NomosSurrogate s, NomosConfig config, NomosLaw laws[NOMOS_N_LAW_KINDS])
{
  NomosConstitutive *c = s->context;

  PetscFunctionBeginUser;
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) {
    const NomosLawOps *ops;
    const char        *name;
    char               key[2 * NOMOS_MAX_NAME];
    snprintf(key, sizeof key, "%s.%s", c->material.section, nomos_law_kinds[k]);
    PetscCall(NomosConfigGetString(config, key, &name));
    if (!name[0] || !strcmp(name, "identity")) continue;
    PetscCall(NomosLawFind((NomosLawKind)k, name, NomosConfigWhere(config, key), &ops));
    PetscCall(NomosLawCreate(PETSC_COMM_SELF, ops, config, c->material.section, c->model->precision, &laws[k]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawPanels(const NomosLaw truth[NOMOS_N_LAW_KINDS], const NomosLaw learned[NOMOS_N_LAW_KINDS], bool plastic, NomosFigure figure)
{
  double a[N_POINTS], stress[N_POINTS];

  PetscFunctionBeginUser;
  for (int row = 0; row <= (plastic ? 1 : 0); row++)
    for (int path = 0; path < N_PATHS; path++) {
      char title[NOMOS_MAX_NAME];
      for (int k = 0; k < N_POINTS; k++) a[k] = paths[path].low + (paths[path].high - paths[path].low) * k / (N_POINTS - 1);
      snprintf(title, sizeof title, "%s%s", paths[path].title, row ? ", elastic part" : "");
      PetscCall(NomosFigurePanel(figure, row, path, &(NomosAxes){.title = title, .x_label = paths[path].x_label, .y_label = paths[path].y_label}));
      PetscCall(Stress(truth, path, row == 1, a, stress));
      PetscCall(NomosFigureLine(figure, N_POINTS, a, stress, "written", 0));
      PetscCall(Stress(learned, path, row == 1, a, stress));
      PetscCall(NomosFigureLine(figure, N_POINTS, a, stress, "learned", 1));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DrawLaws(NomosSurrogate s, const char directory[])
{
  NomosConstitutive *c = s->context;
  NomosLaw           truth[NOMOS_N_LAW_KINDS] = {NULL, NULL};
  NomosModel         model;
  NomosConfig        config;
  NomosFigure        figure;
  const char        *path;
  char               stem[NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(s->config, "constitutive.case", &path));
  PetscCall(s->simulate(s, &(NomosSimulation){.path = path[0] ? path : NULL}, &model, &config));
  PetscCall(WrittenLaws(s, config, truth));
  const bool plastic = truth[NOMOS_LAW_PLASTICITY] || c->material.laws[NOMOS_LAW_PLASTICITY];
  PetscCall(NomosFigureCreate("Kirchhoff stress by the written and by the learned law", plastic ? 2 : 1, N_PATHS, &figure));
  PetscCall(DrawPanels(truth, c->material.laws, plastic, figure));
  snprintf(stem, sizeof stem, "%.4000s/stress", directory);
  PetscCall(NomosFigureSave(figure, stem));
  PetscCall(NomosFigureDestroy(&figure));
  for (int k = 0; k < NOMOS_N_LAW_KINDS; k++) PetscCall(NomosLawDestroy(&truth[k]));
  PetscCall(NomosModelDestroy(&model));
  PetscCall(NomosConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosConstitutivePictures(NomosSurrogate s, const char directory[])
{
  NomosConstitutive *c = s->context;
  double            *trained;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(c->material.n_trained, &trained));
  PetscCall(NomosMaterialTrained(s, trained));
  PetscCall(NomosMaterialSet(&c->material, c->model, trained));
  PetscCall(PetscFree(trained));
  PetscCall(DrawErrors(s, directory));
  PetscCall(DrawMotion(s, directory));
  PetscCall(DrawLaws(s, directory));
  PetscFunctionReturn(PETSC_SUCCESS);
}
