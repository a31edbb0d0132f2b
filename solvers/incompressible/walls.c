/* Ghosts, the projection, sums. */
#include "solvers/incompressible/incompressible_impl.h"

#include <string.h>

/* Ghost layer `layer` (0 next to the wall) of a field at a side: a multiple of the cell that it mirrors, and a shift. The velocity through a wall is on the wall itself: 0, and beyond it nothing is asked for. */
static void Mirror(const FlowModel *f, int field, int axis, int side, double *sign, double *shift)
{
  *sign  = field == FLOW_S ? 1 : field == axis ? 0 : -1;
  *shift = field == 1 - axis ? 2 * f->slide[axis][side] : 0;
}

typedef void (*GhostFn)(double *ghost, double *inside, double sign, double shift);

static void Set(double *ghost, double *inside, double sign, double shift)
{
  *ghost = sign * *inside + shift;
}

static void SetTangent(double *ghost, double *inside, double sign, double shift)
{
  (void)shift;
  *ghost = sign * *inside;
}

static void Add(double *ghost, double *inside, double sign, double shift)
{
  (void)shift;
  *inside += sign * *ghost;
  *ghost = 0;
}

static void Sides(const FlowModel *f, int axis, int field, double box[], GhostFn apply)
{
  const NomosCellPlane *p = &f->plane;
  const size_t          across = axis ? p->box[0] : 1, along = axis ? 1 : p->box[0], n = p->box[1 - axis];

  for (int side = 0; side < 2 && f->wall[axis]; side++) {
    double sign, shift;
    if (side ? p->start[axis] + p->count[axis] != p->size[axis] : p->start[axis] != 0) continue;
    Mirror(f, field, axis, side, &sign, &shift);
    for (size_t layer = 0; layer < FLOW_GHOSTS; layer++) {
      const size_t ghost = side ? FLOW_GHOSTS + p->count[axis] + layer : FLOW_GHOSTS - 1 - layer, inside = side ? FLOW_GHOSTS + p->count[axis] - 1 - layer : FLOW_GHOSTS + layer;
      for (size_t i = 0; i < n; i++) apply(box + ghost * across + i * along, box + inside * across + i * along, sign, shift);
    }
  }
}

PetscErrorCode FlowFill(FlowModel *f, const double x[], bool tangent, double *const box[])
{
  PetscFunctionBeginUser;
  for (int field = 0; field < FLOW_FIELDS; field++) {
    PetscCall(NomosCellPlaneFill(&f->plane, x + (size_t)field * f->plane.n_points, box[field]));
    for (int axis = 0; axis < 2; axis++) Sides(f, axis, field, box[field], tangent ? SetTangent : Set); /* x first, then y with the corners */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowFold(FlowModel *f, double *const box_bar[], double x_bar[])
{
  PetscFunctionBeginUser;
  for (int field = 0; field < FLOW_FIELDS; field++) {
    for (int axis = 1; axis >= 0; axis--) Sides(f, axis, field, box_bar[field], Add);
    PetscCall(NomosCellPlaneFold(&f->plane, box_bar[field], x_bar + (size_t)field * f->plane.n_points));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowDivergence(FlowModel *f, const double x[], double divergence[])
{
  NomosCellPlane *p      = &f->plane;
  const double    per[2] = {1 / p->dx[0], 1 / p->dx[1]};

  PetscFunctionBeginUser;
  for (int axis = 0; axis < 2; axis++) {
    PetscCall(NomosCellPlaneFill(p, x + (size_t)axis * p->n_points, f->bar[axis]));
    Sides(f, axis, axis, f->bar[axis], SetTangent);
  }
  for (size_t y = 0; y < p->count[1]; y++) {
    const double *vx = f->bar[0] + p->first + y * p->box[0], *left = vx - 1, *vy = f->bar[1] + p->first + y * p->box[0], *under = vy - p->box[0];
    for (size_t k = 0; k < p->count[0]; k++) divergence[y * p->count[0] + k] = per[0] * (vx[k] - left[k]) + per[1] * (vy[k] - under[k]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowProject(FlowModel *f, double x[])
{
  NomosCellPlane *p     = &f->plane;
  const double    scale = 1. / ((f->wall[0] ? 2. : 1.) * (double)p->size[0] * (f->wall[1] ? 2. : 1.) * (double)p->size[1]); /* of the transforms */

  PetscFunctionBeginUser;
  for (int axis = 0; axis < 2; axis++)
    for (size_t y = 0; y < p->count[1]; y++) {
      double *v = x + (size_t)axis * p->n_points + y * p->count[0];
      for (size_t k = FlowFreeFaces(f, axis, y); k < p->count[0]; k++) v[k] = 0;
    }
  PetscCall(FlowDivergence(f, x, f->divergence));
  PetscCall(FlowPoissonSolve(f->poisson, f->divergence));
  PetscCall(NomosCellPlaneFill(p, f->divergence, f->bar[0]));
  for (int axis = 0; axis < 2; axis++)
    for (size_t y = 0; y < p->count[1]; y++) {
      const double *before = f->bar[0] + p->first + y * p->box[0], *behind = before + (axis ? p->box[0] : 1), per = scale / p->dx[axis];
      double       *restrict v = x + (size_t)axis * p->n_points + y * p->count[0];
      const size_t  n = FlowFreeFaces(f, axis, y);
      for (size_t k = 0; k < n; k++) v[k] -= per * (behind[k] - before[k]);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowSumRows(NomosModel model, size_t n, const double rows[], double sums[])
{
  const NomosCellPlane *p = &((FlowModel *)model->data)->plane;
  double               *all;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(n * p->size[1], &all));
  for (size_t k = 0; k < n; k++) memcpy(all + k * p->size[1] + p->start[1], rows + k * p->count[1], p->count[1] * sizeof *rows);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, all, (int)(n * p->size[1]), MPI_DOUBLE, MPI_SUM, model->comm)); /* of zeros and one */
  for (size_t k = 0; k < n; k++) {
    sums[k] = 0;
    for (size_t y = 0; y < p->size[1]; y++) sums[k] += all[k * p->size[1] + y];
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
