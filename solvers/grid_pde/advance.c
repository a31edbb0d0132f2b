/* Substeps of a plan (plan.c), and their adjoint. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <math.h>
#include <string.h>

/* y_j of a substep from y_0 and the two before; l[] of L(y_0) and L(y_(j-1)). y may be y_0. */
static void Stage(const PdeStage *stage, double h, size_t n, const double *const from[3], const double *const l[2], double y[])
{
  const double a0 = stage->a[0], a1 = stage->a[1], a2 = stage->a[2], b0 = h * stage->b[0], b1 = h * stage->b[1];

#pragma omp for simd schedule(static)
  for (size_t i = 0; i < n; i++) {
    double sum = a0 * from[0][i] + b1 * l[1][i];
    if (a1 != 0) sum += a1 * from[1][i];
    if (a2 != 0) sum += a2 * from[2][i];
    if (b0 != 0) sum += b0 * l[0][i];
    y[i] = sum;
  }
}

PetscErrorCode PdeSubstepTake(PdeModel *p, const PdeSubstep *substep, const PdeSubstepArrays *in)
{
  const size_t  n = p->n * (size_t)in->width;
  const int     last = substep->n_stages - !in->end;
  const double *stages[3] = {in->y_0, in->y_0, in->y_0}; /* the first, the last, the one before */

  PetscFunctionBeginUser;
  if (last > 0 && !in->has_slope) PetscCall(PdeTendency(p, in->width, in->y_0, in->l[0]));
  for (int j = 0; j < last; j++) {
    double *next = j + 1 == substep->n_stages ? in->end : in->y + (size_t)(in->end ? j % 3 : j) * n;
    if (j) PetscCall(PdeTendency(p, in->width, stages[1], in->l[1]));
    const double *const slopes[2] = {in->l[0], in->l[j > 0]};
    PDE_TEAM(p, Stage(&substep->stages[j], substep->h, n, stages, slopes, next));
    stages[2] = stages[1];
    stages[1] = next;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeAdvance(NomosModel model, const PdePlan *plan, int width, double u[])
{
  PdeModel    *p = model->data;
  const size_t n = p->n * (size_t)width;
  double      *y;

  PetscFunctionBeginUser;
  PetscCall(PdeScratch(p, PDE_OF_STEP, 5 * n, &y));
  for (int i = 0; i < plan->n; i++) PetscCall(PdeSubstepTake(p, &plan->substeps[plan->levels[i]], &(PdeSubstepArrays){.width = width, .y_0 = u, .y = y, .l = {y + 3 * n, y + 4 * n}, .end = u}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the adjoint of y_j to those of y_0 and the two before, and of l[]. */
static void StageAdjoint(const PdeStage *stage, bool first_stage, double h, size_t n, const double bar[], double first[], double before[], double earlier[], double *const l[2])
{
  const double a0 = stage->a[0], a1 = stage->a[1], a2 = stage->a[2], b0 = h * (stage->b[0] + (first_stage ? stage->b[1] : 0)), b1 = h * stage->b[1];

#pragma omp for schedule(static)
  for (size_t i = 0; i < n; i++) {
    first[i] += a0 * bar[i];
    if (a1 != 0) before[i] += a1 * bar[i];
    if (a2 != 0) earlier[i] += a2 * bar[i];
    if (b0 != 0) l[0][i] += b0 * bar[i];
    l[1][i] = b1 * bar[i];
  }
}

/* The adjoint of one substep from y_0, by work arrays y, y_bar, l. */
static PetscErrorCode SubstepAdjoint(PdeModel *p, int width, const PdeSubstep *substep, const double y_0[], double y[], double y_bar[], double *const l[2], double u_bar[], double c_bar[])
{
  const size_t n = p->n * (size_t)width, s = (size_t)substep->n_stages;

  PetscFunctionBeginUser;
  PetscCall(PdeSubstepTake(p, substep, &(PdeSubstepArrays){.width = width, .y_0 = y_0, .y = y, .l = {l[0], l[1]}}));
  memset(y_bar, 0, s * n * sizeof *y_bar);
  memset(l[0], 0, n * sizeof **l); /* from here on adjoints of L(Y_0) and L(Y_j) */
  for (size_t j = s; j-- > 0;) {
    const double *bar = j + 1 == s ? u_bar : y_bar + (j + 1) * n;
    double       *before = y_bar + j * n;
    PDE_TEAM(p, StageAdjoint(&substep->stages[j], j == 0, substep->h, n, bar, y_bar, before, j ? before - n : before, l));
    if (j) PetscCall(PdeTendencyAdjoint(p, width, y + (j - 1) * n, l[1], before, c_bar));
  }
  PetscCall(PdeTendencyAdjoint(p, width, y_0, l[0], y_bar, c_bar));
  memcpy(u_bar, y_bar, n * sizeof *u_bar);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* States of a few substeps are kept. Of more, those where stretches of sqrt(n) substeps begin, and of one stretch at a time all: 2 sqrt(n) states instead of n, for one more computation of the substeps. */
PetscErrorCode PdeAdvanceAdjoint(NomosModel model, const PdePlan *plan, int width, const double u[], double u_bar[], double c_bar[])
{
  enum { FEW = 32 };
  PdeModel    *p = model->data;
  const size_t n = p->n * (size_t)width, n_substeps = (size_t)plan->n, stretch = n_substeps <= FEW ? n_substeps : (size_t)ceil(sqrt((double)n_substeps)), n_stretches = (n_substeps + stretch - 1) / stretch;
  size_t       most = 0;
  double      *begins, *starts, *y, *y_bar, *l[2];

  PetscFunctionBeginUser;
  for (int i = 0; i < plan->n; i++) most = PetscMax(most, (size_t)plan->substeps[plan->levels[i]].n_stages);
  PetscCall(PdeScratch(p, PDE_OF_STEP, (n_stretches + stretch + PetscMax(most - 1, 3) + most + 3) * n, &begins)); /* (n_stretches) states where they begin */
  starts = begins + n_stretches * n;       /* (stretch) of substeps */
  y      = starts + stretch * n;           /* y_1 .. y_(s - 1) */
  y_bar  = y + PetscMax(most - 1, 3) * n; /* of y_0 .. y_s */
  l[0]   = y_bar + (most + 1) * n;
  l[1]   = l[0] + n;
  memcpy(begins, u, n * sizeof *u);
  for (size_t i = 0; i < (n_stretches - 1) * stretch; i++) {
    double *to = begins + (i / stretch + 1) * n, *from = i % stretch ? to : to - n;
    PetscCall(PdeSubstepTake(p, &plan->substeps[plan->levels[i]], &(PdeSubstepArrays){.width = width, .y_0 = from, .y = y, .l = {l[0], l[1]}, .end = to}));
  }
  for (size_t k = n_stretches; k-- > 0;) {
    const size_t first = k * stretch, count = PetscMin(stretch, n_substeps - first);
    memcpy(starts, begins + k * n, n * sizeof *u);
    for (size_t i = 0; i + 1 < count; i++) {
      double *from = starts + i * n;
      PetscCall(PdeSubstepTake(p, &plan->substeps[plan->levels[first + i]], &(PdeSubstepArrays){.width = width, .y_0 = from, .y = y, .l = {l[0], l[1]}, .end = from + n}));
    }
    for (size_t i = count; i-- > 0;) PetscCall(SubstepAdjoint(p, width, &plan->substeps[plan->levels[first + i]], starts + i * n, y, y_bar, l, u_bar, c_bar));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
