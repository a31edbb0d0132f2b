/* The last layer by least squares. */
#include "surrogates/meta/meta_impl.h"

/* Columns J grad phi_k at points x [tasks, points, 2d]: [tasks, 2d points, k], component by component. With g(u) = d<u, phi>/dx, linear in u, the derivative of phi along coordinate i is dg_i/du: a tangent by two
   pull-backs, the first of which serves all. */
static PetscErrorCode Columns(const NomosMeta *m, const NomosTensor w[], NomosTensor x, NomosTensor *columns)
{
  const NomosTensor leaf = NomosStopGradient(x);
  const size_t      size = NomosTensorLength(x, -1), d = size / 2;
  const size_t     *shape;
  size_t            last;
  const NomosTensor features = NomosEnergyFeatures(m->energy, w, leaf, &last);
  const int         n_dims   = NomosTensorDims(features, &shape);
  const NomosTensor u        = NomosTensorConstant(x.tape, NomosTensorType(x), n_dims, shape, 0);
  NomosTensor       slope, *components;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(size, &components));
  PetscCall(NomosGradient(&(NomosGradientInput){.y = features, .y_bar = u, .n = 1, .x = &leaf, .record = true}, &slope));
  for (size_t i = 0; i < size; i++) { /* dq/dt = dH/dp, dp/dt = -dH/dq */
    const NomosTensor along = NomosSlice(slope, -1, (i + d) % size, 1, 1);
    PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(i < d ? along : NomosAffine(along, -1, 0)), .n = 1, .x = &u, .record = true}, &components[i]));
  }
  *columns = NomosConcatenate(size, components, 1);
  PetscCall(PetscFree(components));
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
