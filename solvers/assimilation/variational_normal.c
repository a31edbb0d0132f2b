/* What the data say of the parameters alone: states and model errors eliminated from the Gauss-Newton Hessian H by conjugate directions p of its part A of states and errors,

     G = H_pp - H_px A^-1 H_xp = H_pp - sum_i a_i a_i^T,     a_i = H_px p_i

   Each direction lowers G, so that too few of them say that parameters are known better than they are. They are enough when the last few no longer matter beside the variance that is left of a parameter, the others
   being unknown (an estimate of the error of conjugate gradients: Strakos & Tichy 2002). */
#include "operators/reduce.h"
#include "solvers/assimilation/variational_impl.h"

#include <float.h>
#include <string.h>

enum { LAST = 4 /* directions whose sum estimates what is missing */, MOST = 4000 /* directions */ };

typedef struct {
  NomosVariational c;
  size_t           n;
  double          *G;
  Vec             *sides; /* (n) -H_xu + A (what was made of it): what is left of each parameter's right-hand side */
  Vec              z;
  PetscScalar     *along; /* (n) */
  double          *scratch, *variance; /* (n, n), (n) */
} Elimination;

/* Column u of H: its part of the parameters into G, that of states and errors into a right-hand side. */
static PetscErrorCode Begin(Elimination *e, size_t u)
{
  NomosVariational c = e->c;
  double          *values;

  PetscFunctionBeginUser;
  PetscCall(VecZeroEntries(e->z));
  PetscCall(VecGetArray(e->z, &values));
  if (!c->rank) values[c->parameters_at + u] = 1;
  PetscCall(VecRestoreArray(e->z, &values));
  PetscCall(NomosVariationalProduct(c, e->z, e->sides[u]));
  PetscCall(VecGetArray(e->sides[u], &values));
  if (!c->rank) memcpy(e->G + u * e->n, values + c->parameters_at, sizeof *e->G * e->n);
  PetscCall(VecRestoreArray(e->sides[u], &values));
  PetscCallMPI(MPI_Bcast(e->G + u * e->n, (int)e->n, MPI_DOUBLE, 0, c->comm));
  PetscCall(NomosVariationalHold(c, e->sides[u]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The variance of each parameter, the others unknown, as far as G is known. */
static PetscErrorCode Information(Elimination *e)
{
  PetscFunctionBeginUser;
  memcpy(e->scratch, e->G, sizeof *e->G * e->n * e->n);
  PetscCall(NomosVariationalCholesky(e->c, e->n, e->scratch));
  for (size_t i = 0; i < e->n * e->n; i++) e->scratch[e->n * e->n + i] = i / e->n == i % e->n;
  PetscCall(NomosVariationalCholeskySolve(e->scratch, e->n, e->n, e->scratch + e->n * e->n));
  for (size_t u = 0; u < e->n; u++) e->variance[u] = e->scratch[e->n * e->n + u * e->n + u];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Directions from what is left of parameter u, until they no longer matter. *n_new: how many. */
static PetscErrorCode Lower(Elimination *e, size_t u, double reduction, int64_t *n_new)
{
  NomosVariational c = e->c;
  double           last[LAST], sum;
  bool             more = true;
  Vec              p, image;

  PetscFunctionBeginUser;
  for (*n_new = 0; more && (int64_t)c->n_directions < MOST; ++*n_new) {
    PetscCall(NomosVariationalPrecondition(c, e->sides[u], e->z));
    PetscCall(NomosVariationalDirection(c, true, e->z, &more, &p, &image));
    if (!more) break;
    PetscCall(VecMDot(p, (PetscInt)e->n, e->sides, e->along));
    for (size_t i = 0; i < e->n; i++) {
      PetscCall(VecAXPY(e->sides[i], -e->along[i], image));
      for (size_t j = 0; j < e->n; j++) e->G[i * e->n + j] -= e->along[i] * e->along[j];
    }
    PetscCall(Information(e));
    last[*n_new % LAST] = e->along[u] * e->along[u];
    sum                 = 0;
    for (int i = 0; i < LAST; i++) sum += *n_new + 1 < LAST ? DBL_MAX / LAST : last[i];
    if (sum * e->variance[u] <= reduction) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Into G, priors among it. */
static PetscErrorCode Eliminate(NomosVariational c, double reduction, double G[])
{
  const size_t n     = c->n_unknown;
  Elimination  e     = {.c = c, .n = n, .G = G};
  int64_t      most  = LAST + 1;

  PetscFunctionBeginUser;
  PetscCall(NomosVariationalFactor(c));
  PetscCall(VecDuplicate(c->w, &e.z));
  PetscCall(VecDuplicateVecs(c->w, (PetscInt)n, &e.sides));
  PetscCall(PetscMalloc3(n, &e.along, 2 * n * n, &e.scratch, n, &e.variance));
  for (size_t u = 0; u < n; u++) PetscCall(Begin(&e, u));
  while (most > LAST && c->n_directions < MOST) { /* what other parameters' directions made of those before */
    most = 0;
    for (size_t u = 0; u < n; u++) {
      int64_t n_new;
      PetscCall(Lower(&e, u, reduction, &n_new));
      most = PetscMax(most, n_new);
    }
  }
  PetscCall(PetscInfo(NULL, "%zu directions\n", c->n_directions));
  PetscCall(VecDestroyVecs((PetscInt)n, &e.sides));
  PetscCall(VecDestroy(&e.z));
  PetscCall(PetscFree3(e.along, e.scratch, e.variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosVariationalNormal(NomosVariational c, double reduction, double G[], double covariance[])
{
  const size_t n = c->n_unknown;
  double      *A, *prior;

  PetscFunctionBeginUser;
  PetscCheck(c->run, c->comm, PETSC_ERR_ORDER, "variational assimilation: minimise the cost before its Hessian");
  PetscCall(PetscMalloc1(n * n + 1, &A));
  PetscCall(PetscCalloc1(n * n + 1, &prior));
  NomosVariationalAddPrior(c, c->parameters_at, n, prior);
  if (c->state || c->error_every) PetscCall(Eliminate(c, reduction, A));
  else {
    PetscCall(NomosVariationalBlock(c, c->parameters_at, n, A));
    NomosVariationalAddPrior(c, c->parameters_at, n, A);
  }
  for (size_t i = 0; i < n * n && G; i++) G[i] = (A[i] - prior[i]) / (c->scale[i / n] * c->scale[i % n]);
  if (covariance) {
    PetscCall(NomosVariationalCholesky(c, n, A));
    for (size_t i = 0; i < n * n; i++) covariance[i] = i / n == i % n;
    PetscCall(NomosVariationalCholeskySolve(A, n, n, covariance));
    for (size_t i = 0; i < n * n; i++) covariance[i] *= c->scale[i / n] * c->scale[i % n];
  }
  PetscCall(PetscFree(A));
  PetscCall(PetscFree(prior));
  PetscFunctionReturn(PETSC_SUCCESS);
}
