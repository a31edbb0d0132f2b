/* Cells, ranks, ghosts. Ghosts hold primitive variables: what a wall mirrors is a velocity. */
#include "solvers/grid_pde/grid_pde_impl.h"

#include <string.h>

PetscErrorCode PdeGridCreate(NomosModel model)
{
  PdeModel      *p = model->data;
  int            n_ranks;
  PetscInt       corner[3] = {0, 0, 0}, width[3] = {1, 1, 1};
  DMBoundaryType type[3];

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(model->comm, &n_ranks));
  p->alone = n_ranks == 1;
  const size_t cut = p->size[p->n_dims - 1]; /* the axis that is shared out; in a box PETSc chooses between two */
  NomosCheck(p->n_dims > 2 || cut / (size_t)n_ranks >= PDE_GHOSTS, model->comm, PETSC_ERR_ARG_SIZ, "grid_pde: %zu cells along %c on %d ranks leave %zu for one: at least %d are needed; use fewer ranks", cut, "xyz"[p->n_dims - 1], n_ranks, cut / (size_t)n_ranks, PDE_GHOSTS);
  for (int a = 0; a < 3; a++) type[a] = p->boundary[a][0] == PDE_PERIODIC ? DM_BOUNDARY_PERIODIC : DM_BOUNDARY_GHOSTED;
  PetscCall(DMDACreate(model->comm, &p->dm));
  PetscCall(DMSetDimension(p->dm, p->n_dims));
  PetscCall(DMDASetSizes(p->dm, (PetscInt)p->size[0], (PetscInt)p->size[1], (PetscInt)p->size[2]));
  PetscCall(DMDASetBoundaryType(p->dm, type[0], type[1], type[2]));
  if (p->n_dims > 1) PetscCall(DMDASetNumProcs(p->dm, 1, PETSC_DECIDE, PETSC_DECIDE)); /* rows along x stay whole: long vectors, and in checkpoints a checksum for each */
  PetscCall(DMDASetDof(p->dm, 1));
  PetscCall(DMDASetStencilWidth(p->dm, PDE_GHOSTS));
  PetscCall(DMDASetStencilType(p->dm, DMDA_STENCIL_STAR));
  PetscCall(DMSetUp(p->dm));
  PetscCall(DMDAGetCorners(p->dm, &corner[0], &corner[1], &corner[2], &width[0], &width[1], &width[2]));
  p->n_cells = p->n_box = 1;
  p->first = 0;
  for (int a = 0; a < 3; a++) {
    const size_t ghosts = a < p->n_dims ? PDE_GHOSTS : 0;
    p->start[a]  = (size_t)corner[a];
    p->count[a]  = (size_t)width[a];
    p->box[a]    = p->count[a] + 2 * ghosts;
    p->stride[a] = p->n_box;
    p->first += ghosts * p->stride[a];
    p->n_cells *= p->count[a];
    p->n_box *= p->box[a];
    NomosCheck(p->count[a] >= ghosts, model->comm, PETSC_ERR_ARG_SIZ, "grid_pde: %zu cells along %c on a rank: at least %d are needed; use fewer ranks", p->count[a], "xyz"[a], PDE_GHOSTS);
  }
  p->n     = p->n_cells * (size_t)p->m;
  p->parts = (NomosStateFields){.n_fields = (size_t)p->m, .n_points = p->n_cells, .n_state = p->n};
  PetscCall(VecCreateMPIWithArray(model->comm, 1, (PetscInt)p->n_cells, PETSC_DETERMINE, NULL, &p->own));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, (PetscInt)p->n_box, NULL, &p->with_ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeGridDestroy(PdeModel *p)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&p->own));
  PetscCall(VecDestroy(&p->with_ghosts));
  PetscCall(DMDestroy(&p->dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The ghosts of one side: layer 0 is next to the boundary. A row runs over all cells of the box across the axis. */
typedef void (*GhostFn)(double *ghost, double *inside, size_t n, double sign, double shift);

static void Fill(double *ghost, double *inside, size_t n, double sign, double shift)
{
  for (size_t i = 0; i < n; i++) ghost[i] = sign * inside[i] + shift;
}

static void Fold(double *ghost, double *inside, size_t n, double sign, double shift)
{
  (void)shift;
  for (size_t i = 0; i < n; i++) {
    inside[i] += sign * ghost[i];
    ghost[i] = 0;
  }
}

static void Sides(PdeModel *p, int width, double box[], GhostFn apply)
{
  for (int a = 0; a < p->n_dims; a++)
    for (int side = 0; side < 2; side++) {
      const PdeBoundary boundary = p->boundary[a][side];
      const bool        here     = side ? p->start[a] + p->count[a] == p->size[a] : p->start[a] == 0;
      if (!here || (boundary == PDE_PERIODIC && !p->alone)) continue; /* a period across ranks is PETSc's */
      for (int plane = 0; plane < p->m * width; plane++) {
        const int    k = plane / width, tangent = plane % width;
        const bool   flows = p->family->kernels[0]->flux != NULL; /* then a given value is that of the ghosts, which stay positive with it; PdeSlopes knows. Else it lies between them and the cells. */
        const double sign  = boundary == PDE_VALUE ? (flows ? 0 : -1) : boundary == PDE_WALL && p->family->fields[k].component == a ? -1 : 1;
        const double shift = boundary == PDE_VALUE && !tangent ? (flows ? 1 : 2) * p->value[side][k] : 0;
        for (size_t layer = 0; layer < PDE_GHOSTS; layer++) {
          const size_t mirror = boundary == PDE_OUTFLOW ? 0 : layer, low = PDE_GHOSTS + mirror, high = PDE_GHOSTS + p->count[a] - 1 - mirror;
          const size_t ghost = side ? PDE_GHOSTS + p->count[a] + layer : PDE_GHOSTS - 1 - layer, inside = (side == 1) == (boundary != PDE_PERIODIC) ? high : low;
          const size_t run = p->stride[a], n_runs = p->n_box / (run * p->box[a]);
          for (size_t r = 0; r < n_runs; r++) {
            double *base = box + (size_t)plane * p->n_box + r * run * p->box[a];
            apply(base + ghost * run, base + inside * run, run, sign, shift);
          }
        }
      }
    }
}

PetscErrorCode PdeFillBox(PdeModel *p, int width, const double w[])
{
  const size_t planes = (size_t)(p->m * width), n_rows = p->count[1] * p->count[2], nx = p->count[0];

  PetscFunctionBeginUser;
  for (size_t k = 0; k < planes && p->alone; k++)
    for (size_t row = 0; row < n_rows; row++) memcpy(p->box_w + k * p->n_box + PdeFaceRow(p, 0, row), w + k * p->n_cells + row * nx, nx * sizeof *w);
  for (size_t plane = 0; plane < planes && !p->alone; plane++) {
    PetscCall(VecPlaceArray(p->own, w + plane * p->n_cells));
    PetscCall(VecPlaceArray(p->with_ghosts, p->box_w + plane * p->n_box));
    PetscCall(DMGlobalToLocalBegin(p->dm, p->own, INSERT_VALUES, p->with_ghosts));
    PetscCall(DMGlobalToLocalEnd(p->dm, p->own, INSERT_VALUES, p->with_ghosts));
    PetscCall(VecResetArray(p->own));
    PetscCall(VecResetArray(p->with_ghosts));
  }
  Sides(p, width, p->box_w, Fill);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode PdeFillBoxAdjoint(PdeModel *p, int width, double w_bar[])
{
  const size_t planes = (size_t)(p->m * width), n_rows = p->count[1] * p->count[2], nx = p->count[0];

  PetscFunctionBeginUser;
  Sides(p, width, p->box_bar, Fold);
  for (size_t k = 0; k < planes && p->alone; k++)
    for (size_t row = 0; row < n_rows; row++) {
      double *restrict       to   = w_bar + k * p->n_cells + row * nx;
      const double *restrict from = p->box_bar + k * p->n_box + PdeFaceRow(p, 0, row);
      for (size_t i = 0; i < nx; i++) to[i] += from[i];
    }
  for (size_t plane = 0; plane < planes && !p->alone; plane++) {
    PetscCall(VecPlaceArray(p->own, w_bar + plane * p->n_cells));
    PetscCall(VecPlaceArray(p->with_ghosts, p->box_bar + plane * p->n_box));
    PetscCall(DMLocalToGlobalBegin(p->dm, p->with_ghosts, ADD_VALUES, p->own));
    PetscCall(DMLocalToGlobalEnd(p->dm, p->with_ghosts, ADD_VALUES, p->own));
    PetscCall(VecResetArray(p->own));
    PetscCall(VecResetArray(p->with_ghosts));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
