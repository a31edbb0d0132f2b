/* The discrete equations and their solution. */
#include "solvers/darcy/darcy_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows of the box are as long as it is; sides without flux have no conductance. */
void DarcyFaces(const DarcyModel *d, size_t x, size_t y, size_t at, DarcyFace faces[4])
{
  const NomosCellPlane *p = &d->plane;
  const size_t          here[2] = {p->start[0] + x, p->start[1] + y};

  for (int axis = 0; axis < 2; axis++)
    for (int side = 0; side < 2; side++) {
      DarcyFace   *face  = &faces[2 * axis + side];
      const size_t step  = axis ? p->box[0] : 1;
      const bool   edge  = here[axis] == (side ? p->size[axis] - 1 : 0);
      const double ratio = 2 * p->dx[1 - axis] / p->dx[axis], own = d->box_q[at];
      face->other        = side ? at + step : at - step;
      const double other = edge ? 0 : d->box_q[face->other]; /* outside, u is given at the face: half of the way */
      face->conductance  = edge && d->closed[axis][side] ? 0 : ratio / (own + other);
      face->own_part     = own / (own + other);
      face->other_part   = other / (own + other);
    }
}

PetscErrorCode DarcySystemCreate(NomosModel model)
{
  DarcyModel     *d = model->data;
  NomosCellPlane *p = &d->plane;
  PC              pc;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(p->n_points, &d->source, p->n_points, &d->log_a, 6 * p->n_points, &d->work));
  PetscCall(PetscCalloc6(p->n_box, &d->box_q, p->n_box, &d->box_u, p->n_box, &d->box[0], p->n_box, &d->box[1], p->n_box, &d->box[2], p->n_box, &d->box[3]));
  for (size_t i = 0; i < p->n_points; i++) d->log_a[i] = NAN;
  PetscCall(DMCreateMatrix(p->dm, &d->matrix));
  PetscCall(MatSetOption(d->matrix, MAT_SPD, PETSC_TRUE));
  PetscCall(MatCreateVecs(d->matrix, &d->x, &d->b));
  PetscCall(KSPCreate(model->comm, &d->ksp));
  PetscCall(KSPSetOptionsPrefix(d->ksp, "darcy_"));
  PetscCall(KSPSetType(d->ksp, KSPCG));
  PetscCall(KSPSetNormType(d->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetTolerances(d->ksp, d->tolerance, 0, PETSC_DEFAULT, 10000));
  PetscCall(KSPGetPC(d->ksp, &pc));
  PetscCall(PCSetType(pc, PCGAMG));
  PetscCall(PCGAMGSetReuseInterpolation(pc, PETSC_FALSE)); /* the same bits whatever was solved before */
  PetscCall(KSPSetFromOptions(d->ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DarcySystemDestroy(DarcyModel *d)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(d->source, d->log_a, d->work));
  PetscCall(PetscFree6(d->box_q, d->box_u, d->box[0], d->box[1], d->box[2], d->box[3]));
  PetscCall(VecDestroy(&d->x));
  PetscCall(VecDestroy(&d->b));
  PetscCall(KSPDestroy(&d->ksp));
  PetscCall(MatDestroy(&d->matrix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DarcyBox(DarcyModel *d, const double values[], double scale, double box[])
{
  NomosCellPlane *p = &d->plane;

  PetscFunctionBeginUser;
  PetscCall(NomosCellPlaneFill(p, values, box));
  for (int axis = 0; axis < 2; axis++)
    for (int side = 0; side < 2; side++) {
      if (side ? p->start[axis] + p->count[axis] != p->size[axis] : p->start[axis] != 0) continue;
      const size_t along = axis ? 1 : p->box[0], across = axis ? p->box[0] : 1, n = p->box[1 - axis];
      double      *ghosts = box + (side ? (p->box[axis] - 1) * across : 0);
      for (size_t i = 0; i < n; i++) ghosts[i * along] = scale * d->value[axis][side];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DarcyAssemble(NomosModel model, const double log_a[])
{
  DarcyModel     *d = model->data;
  NomosCellPlane *p = &d->plane;
  int             same = !memcmp(d->log_a, log_a, p->n_points * sizeof *log_a);

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, model->comm));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  memcpy(d->log_a, log_a, p->n_points * sizeof *log_a);
  for (size_t i = 0; i < p->n_points; i++) d->work[i] = exp(-log_a[i]);
  PetscCall(DarcyBox(d, d->work, 0, d->box_q));
  for (size_t y = 0; y < p->count[1]; y++)
    for (size_t x = 0; x < p->count[0]; x++) {
      const size_t     at = p->first + y * p->box[0] + x;
      const MatStencil row = {.i = (PetscInt)(p->start[0] + x), .j = (PetscInt)(p->start[1] + y)};
      MatStencil       columns[5] = {row, row, row, row, row};
      DarcyFace        faces[4];
      double           entries[5] = {0};
      PetscInt         n = 1;
      DarcyFaces(d, x, y, at, faces);
      columns[1].i--;
      columns[2].i++;
      columns[3].j--;
      columns[4].j++;
      for (int f = 0; f < 4; f++) {
        entries[0] += faces[f].conductance;
        if (faces[f].other_part == 0) continue; /* the boundary */
        columns[n]   = columns[f + 1];
        entries[n++] = -faces[f].conductance;
      }
      PetscCall(MatSetValuesStencil(d->matrix, 1, &row, n, columns, entries, INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(d->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(d->matrix, MAT_FINAL_ASSEMBLY));
  PetscCall(KSPSetOperators(d->ksp, d->matrix, d->matrix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DarcySolve(NomosModel model, const double in[], double out[])
{
  DarcyModel        *d = model->data;
  KSPConvergedReason reason;
  double            *array;
  double             norm;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayWrite(d->b, &array));
  memcpy(array, in, d->plane.n_points * sizeof *in);
  PetscCall(VecRestoreArrayWrite(d->b, &array));
  PetscCall(KSPSolve(d->ksp, d->b, d->x));
  PetscCall(KSPGetConvergedReason(d->ksp, &reason));
  PetscCall(KSPGetIterationNumber(d->ksp, &d->iterations));
  PetscCall(KSPGetResidualNorm(d->ksp, &norm));
  NomosCheck(reason > 0, model->comm, PETSC_ERR_NOT_CONVERGED, "darcy: the linear solver ended after %d iterations with a residual of %.3g (%s): is the coefficient finite, and not of too many orders of magnitude? Else raise darcy.tolerance, or choose another solver by petsc: darcy_pc_type, darcy_ksp_type",
             (int)d->iterations, norm, KSPConvergedReasons[reason]);
  PetscCall(VecGetArrayRead(d->x, (const double **)&array));
  memcpy(out, array, d->plane.n_points * sizeof *out);
  PetscCall(VecRestoreArrayRead(d->x, (const double **)&array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DarcySolution(NomosModel model, const double log_a[], double u[])
{
  DarcyModel     *d = model->data;
  NomosCellPlane *p = &d->plane;
  double         *b = d->work;

  PetscFunctionBeginUser;
  PetscCall(DarcyAssemble(model, log_a));
  memset(u, 0, p->n_points * sizeof *u);
  PetscCall(DarcyBox(d, u, 1, d->box_u)); /* nothing but the boundary's values */
  for (size_t y = 0, i = 0; y < p->count[1]; y++)
    for (size_t x = 0; x < p->count[0]; x++, i++) {
      DarcyFace faces[4];
      DarcyFaces(d, x, y, p->first + y * p->box[0] + x, faces);
      b[i] = d->beta * d->source[i] * p->dx[0] * p->dx[1];
      for (int f = 0; f < 4; f++) b[i] += faces[f].conductance * d->box_u[faces[f].other]; /* zero inside */
    }
  PetscCall(DarcySolve(model, b, u));
  PetscCall(DarcyBox(d, u, 1, d->box_u));
  PetscFunctionReturn(PETSC_SUCCESS);
}
