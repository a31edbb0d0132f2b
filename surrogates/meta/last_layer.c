/* The last layer by least squares. */
#include "surrogates/meta/meta_impl.h"

/* Columns J grad phi_k at points x [tasks, points, 2d]: [tasks, 2d points, k], component by component. A tangent along e is the pull-back of a pull-back: with g(u) = d<u, phi>/dx, linear in u, it is d<g(u), e>/du.
   All 2d tangents at once, on 2d copies of the points. */
static PetscErrorCode Columns(const NomosMeta *m, const NomosTensor w[], NomosTensor x, NomosTensor *columns)
{
  const size_t  n_tasks = NomosTensorLength(x, 0), n_points = NomosTensorLength(x, 1), size = NomosTensorLength(x, 2), d = size / 2;
  NomosTensor   slope, features, u;
  double       *directions;
  const size_t *shape;
  size_t        last;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(size * size, &directions));
  for (size_t i = 0; i < d; i++) {
    directions[i * size + i + d]   = 1;  /* dq/dt = dH/dp */
    directions[(i + d) * size + i] = -1; /* dp/dt = -dH/dq */
  }
  const NomosTensor e = NomosTensorFromDoubles(x.tape, NomosTensorType(x), 4, (size_t[]){1, size, 1, size}, directions);
  PetscCall(PetscFree(directions));
  const NomosTensor copies = NomosReshape(NomosBroadcast(NomosReshape(NomosStopGradient(x), 4, (size_t[]){n_tasks, 1, n_points, size}), 4, (size_t[]){n_tasks, size, n_points, size}), 3, (size_t[]){n_tasks, size * n_points, size});
  const NomosTensor leaf   = NomosStopGradient(copies);
  features                 = NomosEnergyFeatures(m->energy, w, leaf, &last);
  const int n_dims         = NomosTensorDims(features, &shape);
  u                        = NomosTensorConstant(x.tape, NomosTensorType(x), n_dims, shape, 0);
  PetscCall(NomosGradient(&(NomosGradientInput){.y = features, .y_bar = u, .n = 1, .x = &leaf, .record = true}, &slope));
  slope = NomosReshape(slope, 4, (size_t[]){n_tasks, size, n_points, size});
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(NomosMultiply(slope, e)), .n = 1, .x = &u, .record = true}, columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetaSolveLast(const NomosMeta *m, NomosTensor x, NomosTensor x_dot, NomosTensor log_ridge, NomosTensor w[])
{
  const size_t n_tasks = NomosTensorLength(x, 0), rows = NomosTensorLength(x, 1) * NomosTensorLength(x, 2);
  NomosTensor  a;
  double      *identity;

  PetscFunctionBeginUser;
  PetscCall(Columns(m, w, x, &a));
  const size_t k = NomosTensorLength(a, -1);
  PetscCall(PetscCalloc1(k * k, &identity));
  for (size_t i = 0; i < k; i++) identity[i * k + i] = 1;
  const NomosTensor ridge = NomosMultiply(NomosTensorFromDoubles(x.tape, NomosTensorType(x), 2, (size_t[]){k, k}, identity), NomosFunction(NOMOS_EXP, 0, log_ridge));
  PetscCall(PetscFree(identity));
  const NomosTensor y  = NomosReshape(NomosPermute(x_dot, (const int[]){0, 2, 1}), 3, (size_t[]){n_tasks, rows, 1});
  const NomosTensor at = NomosAffine(NomosTranspose(a), 1 / (double)rows, 0), w0 = NomosTranspose(w[m->last]);
  const NomosTensor change = NomosSymmetricSolve(NomosAdd(NomosMatMul(at, a), ridge), NomosMatMul(at, NomosSubtract(y, NomosMatMul(a, w0))));
  w[m->last]               = NomosTranspose(NomosAdd(change, w0));
  PetscFunctionReturn(PETSC_SUCCESS);
}
