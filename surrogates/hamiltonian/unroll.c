#include "surrogates/hamiltonian/unroll.h"

static NomosTensor Moved(NomosTensor x, NomosTensor dt, double factor, NomosTensor x_dot)
{
  return NomosAdd(x, NomosMultiply(NomosAffine(dt, factor, 0), x_dot));
}

static PetscErrorCode RungeKutta(const NomosUnrollInput *input, NomosTensor *x)
{
  static const double weights[4] = {1. / 6, 1. / 3, 1. / 3, 1. / 6}, nodes[4] = {0, 0.5, 0.5, 1};
  NomosTensor         k = {0}, sum = {0};

  PetscFunctionBeginUser;
  for (int stage = 0; stage < 4; stage++) {
    PetscCall(input->field(input->network, input->w, stage ? Moved(*x, input->dt, nodes[stage], k) : *x, &k));
    const NomosTensor share = NomosAffine(k, weights[stage], 0);
    sum = stage ? NomosAdd(sum, share) : share;
  }
  *x = Moved(*x, input->dt, 1, sum);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dT/dp or dV/dq. The half is cut loose from how it was made: p owes to q what a kick did, and that is no part of dV/dq. */
static PetscErrorCode Slope(const NomosUnrollInput *input, bool momentum, NomosTensor q, NomosTensor p, NomosTensor *slope)
{
  const NomosTensor half = NomosAffine(momentum ? p : q, 1, 0);
  const NomosTensor x    = NomosConcatenate(2, momentum ? (NomosTensor[]){q, half} : (NomosTensor[]){half, p}, -1);

  PetscFunctionBeginUser;
  PetscCall(NomosGradient(&(NomosGradientInput){.y = NomosSumAll(input->energy(input->network, input->w, x)), .n = 1, .x = &half, .record = true}, slope));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Kicks and drifts in turn, kicks first and last: leapfrogs of w dt, where neighbouring kicks are one. */
static PetscErrorCode Split(const NomosUnrollInput *input, int n, const double w[], NomosTensor *x)
{
  const size_t d = NomosTensorLength(*x, -1) / 2;
  NomosTensor  q = NomosSlice(*x, -1, 0, d, 1), p = NomosSlice(*x, -1, d, d, 1), slope;

  PetscFunctionBeginUser;
  for (int i = 0; i <= n; i++) {
    PetscCall(Slope(input, false, q, p, &slope));
    p = Moved(p, input->dt, -0.5 * ((i ? w[i - 1] : 0) + (i < n ? w[i] : 0)), slope);
    if (i == n) break;
    PetscCall(Slope(input, true, q, p, &slope));
    q = Moved(q, input->dt, w[i], slope);
  }
  *x = NomosConcatenate(2, (NomosTensor[]){q, p}, -1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosUnrollStep(const NomosUnrollInput *input, NomosTensor *x)
{
  static const double leapfrog[] = {1}, yoshida4[] = {1.3512071919596577718, -1.7024143839193155436, 1.3512071919596577718}; /* doi:10.1016/0375-9601(90)90092-3 */

  PetscFunctionBeginUser;
  switch (input->scheme) {
  case NOMOS_UNROLL_RK4:
    PetscCall(RungeKutta(input, x));
    break;
  case NOMOS_UNROLL_LEAPFROG:
    PetscCall(Split(input, 1, leapfrog, x));
    break;
  case NOMOS_UNROLL_YOSHIDA4:
    PetscCall(Split(input, 3, yoshida4, x));
    break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
