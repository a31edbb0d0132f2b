/* Conjugate directions of the Gauss-Newton Hessian A, kept: each new one is made conjugate to all that are kept, not to the last alone, which rounding would soon spoil where A's condition is large, and several
   right-hand sides share them (Erhel & Guyomarc'h 2000, doi:10.1137/S0895479897330194).

     p_i^T A p_j = delta_ij        x := sum_i p_i p_i^T b

   Those of the Hessians before, which differ little, precondition the present one as the pairs of a quasi-Newton method (Morales & Nocedal 2000, doi:10.1137/S1052623497327854). Products, a tangent and an adjoint
   run each, are what costs. Where memory has no place for more, the oldest are forgotten: what follows is then conjugate gradients with a long memory. */
#include "solvers/assimilation/variational_impl.h"

#include <math.h>

enum { MOST = 400 };
static const double most_bytes = 512e6; /* of all that are kept on a rank */

/* Places for them, once. */
static PetscErrorCode Place(NomosVariational c)
{
  PetscInt n, largest;

  PetscFunctionBeginUser;
  if (c->directions) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetLocalSize(c->w, &n));
  PetscCallMPI(MPI_Allreduce(&n, &largest, 1, MPIU_INT, MPI_MAX, c->comm));
  c->most_directions = PetscMax(2, PetscMin(MOST, (size_t)(most_bytes / (2 * sizeof(double) * (double)(largest + 1)))));
  PetscCall(PetscCalloc3(c->most_directions, &c->directions, c->most_directions, &c->images, c->most_directions, &c->along));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Oldest(NomosVariational c)
{
  return PetscMax(c->n_forgotten, c->n_directions > c->most_directions ? c->n_directions - c->most_directions : 0);
}

void NomosVariationalForget(NomosVariational c)
{
  c->n_forgotten = c->n_before = c->n_directions;
}

/* y := H x with the pairs of Hessians before, and the preconditioner without them in the middle: the two loops of a limited memory (Nocedal 1980, doi:10.1090/S0025-5718-1980-0572855-7). */
PetscErrorCode NomosVariationalPrecondition(NomosVariational c, Vec x, Vec y)
{
  const size_t oldest = Oldest(c);
  PetscScalar  along;

  PetscFunctionBeginUser;
  if (c->n_before <= oldest) {
    PetscCall(NomosVariationalShrink(c, x, y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (!c->reduced) PetscCall(VecDuplicate(x, &c->reduced));
  PetscCall(VecCopy(x, c->reduced));
  for (size_t i = c->n_before; i-- > oldest;) {
    const size_t slot = i % c->most_directions;
    PetscCall(VecDot(c->reduced, c->directions[slot], &c->along[slot]));
    PetscCall(VecAXPY(c->reduced, -c->along[slot], c->images[slot]));
  }
  PetscCall(NomosVariationalShrink(c, c->reduced, y));
  for (size_t i = oldest; i < c->n_before; i++) {
    const size_t slot = i % c->most_directions;
    PetscCall(VecDot(y, c->images[slot], &along));
    PetscCall(VecAXPY(y, c->along[slot] - along, c->directions[slot]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalDestroyDirections(NomosVariational c)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->most_directions; i++) {
    PetscCall(VecDestroy(&c->directions[i]));
    PetscCall(VecDestroy(&c->images[i]));
  }
  PetscCall(VecDestroy(&c->reduced));
  PetscCall(PetscFree3(c->directions, c->images, c->along));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalHold(NomosVariational c, Vec x)
{
  double *values;

  PetscFunctionBeginUser;
  PetscCall(VecGetArray(x, &values));
  for (size_t u = 0; u < c->n_unknown && !c->rank; u++) values[c->parameters_at + u] = 0;
  PetscCall(VecRestoreArray(x, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z without what directions of the present Hessian have of it; again where little is left, which would be mostly rounding (Daniel et al. 1976, doi:10.1090/S0025-5718-1976-0431641-8). *more: is anything new in it? */
static PetscErrorCode MakeConjugate(NomosVariational c, Vec z, bool *more)
{
  static const double rounding = 1e-10;
  PetscReal           whole, before, after;

  PetscFunctionBeginUser;
  PetscCall(VecNorm(z, NORM_2, &whole));
  for (after = whole, before = INFINITY; after < 0.5 * before && after > rounding * whole;) {
    before = after;
    for (size_t first = PetscMax(c->n_before, Oldest(c)), n; first < c->n_directions; first += n) {
      const size_t at = first % c->most_directions;
      n               = PetscMin(c->n_directions - first, c->most_directions - at); /* the ring's end may lie between */
      PetscCall(VecMDot(z, (PetscInt)n, c->images + at, c->along));
      for (size_t i = 0; i < n; i++) c->along[i] = -c->along[i];
      PetscCall(VecMAXPY(z, (PetscInt)n, c->along, c->directions + at));
    }
    PetscCall(VecNorm(z, NORM_2, &after));
  }
  *more = after > rounding * whole;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalDirection(NomosVariational c, bool hold, Vec z, bool *more, Vec *p, Vec *image)
{
  PetscReal square;

  PetscFunctionBeginUser;
  PetscCall(Place(c));
  const size_t slot = c->n_directions % c->most_directions;
  if (hold) PetscCall(NomosVariationalHold(c, z));
  PetscCall(MakeConjugate(c, z, more));
  if (!*more) PetscFunctionReturn(PETSC_SUCCESS);
  if (!c->directions[slot]) {
    PetscCall(VecDuplicate(c->w, &c->directions[slot]));
    PetscCall(VecDuplicate(c->w, &c->images[slot]));
  }
  *p     = c->directions[slot];
  *image = c->images[slot];
  PetscCall(VecCopy(z, *p));
  PetscCall(NomosVariationalProduct(c, *p, *image));
  if (hold) PetscCall(NomosVariationalHold(c, *image));
  PetscCall(VecDot(*p, *image, &square));
  *more = square > 0 && isfinite(square);
  if (!*more) square = 1;
  else c->n_directions++;
  PetscCall(VecScale(*p, 1 / sqrt(square)));
  PetscCall(VecScale(*image, 1 / sqrt(square)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalSolve(NomosVariational c, Vec b, double reduction, int64_t iterations, Vec x)
{
  PetscReal square, first = 0, along;
  Vec       residual, z, p, image;
  bool      more = true;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b, &residual));
  PetscCall(VecDuplicate(b, &z));
  PetscCall(VecCopy(b, residual));
  PetscCall(VecZeroEntries(x));
  for (int64_t it = 0; it < iterations && more; it++) {
    PetscCall(NomosVariationalPrecondition(c, residual, z));
    PetscCall(VecDot(residual, z, &square));
    if (!it) first = square;
    if (square <= reduction * reduction * first) break;
    PetscCall(NomosVariationalDirection(c, false, z, &more, &p, &image));
    if (!more) break;
    PetscCall(VecDot(residual, p, &along));
    PetscCall(VecAXPY(x, along, p));
    PetscCall(VecAXPY(residual, -along, image));
  }
  PetscCall(VecDestroy(&residual));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
