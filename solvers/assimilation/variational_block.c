/* The block of the parameters in the Gauss-Newton Hessian, from one tangent run for each, and with it a preconditioner. */
#include "operators/reduce.h"
#include "solvers/assimilation/variational_impl.h"

#include <petscblaslapack.h>
#include <string.h>

/* Where so few numbers are unknown, on one rank, the block is the whole Hessian, and conjugate gradients end at once. */
enum { WHOLE = 300 };

/* What a parameter that nothing depends on, or two that do the same, leave on the diagonal: relative to it. */
static const double ridge = 1e-12;

void NomosVariationalPlanBlock(NomosVariational c)
{
  int size;

  MPI_Comm_size(c->comm, &size);
  const bool whole = size == 1 && c->parameters_at + c->n_unknown <= WHOLE;
  c->block_at      = whole ? 0 : c->parameters_at;
  c->n_block       = whole ? c->parameters_at + c->n_unknown : c->n_unknown;
}

/* In place; the lower triangle in LAPACK's order is the upper one here. */
PetscErrorCode NomosVariationalCholesky(NomosVariational c, size_t size, double A[])
{
  PetscBLASInt n = (PetscBLASInt)size, info;

  PetscFunctionBeginUser;
  for (size_t u = 0; u < size; u++) {
    double *diagonal = &A[u * size + u];
    *diagonal        = *diagonal > 0 ? *diagonal * (1 + ridge) : 1;
  }
  LAPACKpotrf_("L", &n, A, &n, &info);
  PetscCheck(!info, c->comm, PETSC_ERR_ARG_WRONG, "variational assimilation: what was seen does not tell the unknowns apart (the first %d of them are dependent); take parameters away, or give them a prior", (int)info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalCholeskySolve(const double factor[], size_t size, size_t n_sides, double sides[])
{
  PetscBLASInt n = (PetscBLASInt)size, m = (PetscBLASInt)n_sides, info;

  PetscFunctionBeginUser;
  LAPACKpotrs_("L", &n, &m, (double *)factor, &n, sides, &n, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "dpotrs: argument %d", (int)-info);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does entry `at` of the control vector matter in a window? Parameters do in all. */
static bool Matters(NomosVariational c, const Window *w, size_t number, size_t at)
{
  const size_t part = at / PetscMax(c->points, 1), n_states = c->state ? c->n_windows : 0;

  if (at >= c->parameters_at) return true;
  return part < n_states ? part == number : part - n_states >= w->error_offset && part - n_states < w->error_offset + w->n_errors;
}

/* Column `at` of J = d(H x/sigma)/d(control) in a window; unit and p are zero and stay so. */
static PetscErrorCode Tangent(NomosVariational c, size_t number, size_t at, double unit[], double p[], double column[])
{
  const bool parameter = at >= c->parameters_at;
  double    *entry     = parameter ? &p[at - c->parameters_at] : &unit[at];

  PetscFunctionBeginUser;
  *entry = parameter ? c->scale[at - c->parameters_at] : 1;
  PetscCall(NomosVariationalTangent(c, &c->windows[number], number, &(Direction){parameter ? NULL : unit, p}, column));
  *entry = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G (n, n) := sum over windows of J^T J, of the n entries of a control vector from `first` on. */
PetscErrorCode NomosVariationalBlock(NomosVariational c, size_t first, size_t n, double G[])
{
  size_t  most = 0;
  double *columns, *unit, *p;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < c->n_windows; i++) most = PetscMax(most, c->windows[i].n_seen);
  PetscCall(PetscMalloc1(n * most + 1, &columns));
  PetscCall(PetscCalloc2(c->parameters_at + 1, &unit, c->n_unknown + 1, &p));
  memset(G, 0, sizeof *G * n * n);
  for (size_t i = 0; i < c->n_windows; i++) {
    const Window *w = &c->windows[i];
    for (size_t u = 0; u < n; u++) {
      if (!Matters(c, w, i, first + u)) continue;
      PetscCall(Tangent(c, i, first + u, unit, p, columns + u * most));
      for (size_t k = 0; k <= u; k++)
        if (Matters(c, w, i, first + k)) G[u * n + k] += NomosVariationalDot(c, w, columns + u * most, columns + k * most);
    }
  }
  PetscCall(NomosSumOverRanks(c->comm, n * n, G));
  for (size_t u = 0; u < n; u++)
    for (size_t k = 0; k < u; k++) G[k * n + u] = G[u * n + k];
  PetscCall(PetscFree(columns));
  PetscCall(PetscFree2(unit, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prior's Hessian, onto the diagonal of the entries from `first` on. */
void NomosVariationalAddPrior(NomosVariational c, size_t first, size_t n, double G[])
{
  for (size_t i = 0; i < n; i++) {
    const size_t u = first + i - c->parameters_at;
    if (first + i < c->parameters_at) G[i * n + i] += 1;
    else if (c->deviation[u] > 0) G[i * n + i] += c->scale[u] * c->scale[u] / (c->deviation[u] * c->deviation[u]);
  }
}

PetscErrorCode NomosVariationalFactor(NomosVariational c)
{
  PetscFunctionBeginUser;
  c->n_before = c->n_directions;
  if (!c->n_block) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosVariationalBlock(c, c->block_at, c->n_block, c->block));
  NomosVariationalAddPrior(c, c->block_at, c->n_block, c->block);
  PetscCall(NomosVariationalCholesky(c, c->n_block, c->block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Shrink(NomosVariational c, const NomosCovariance *covariance, size_t n, double values[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < n && covariance->shrink; i++)
    for (int twice = 0; twice < 2; twice++) {
      PetscCall(NomosOperatorApply(covariance->shrink, (const double *const[]){values + i * c->points}, (double *const[]){c->field}));
      memcpy(values + i * c->points, c->field, sizeof *values * c->points);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalShrink(NomosVariational c, Vec x, Vec y)
{
  const size_t n_states = c->state ? c->n_windows : 0;
  double      *values;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(x, y));
  PetscCall(VecGetArray(y, &values));
  if (c->block_at) {
    PetscCall(Shrink(c, &c->background, n_states, values));
    PetscCall(Shrink(c, &c->error, c->n_errors, values + n_states * c->points));
  }
  if (c->n_block && !c->rank) PetscCall(NomosVariationalCholeskySolve(c->block, c->n_block, 1, values + c->block_at));
  PetscCall(VecRestoreArray(y, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
