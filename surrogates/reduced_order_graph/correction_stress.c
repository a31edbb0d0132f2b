/* The stress that a coarse grid does not resolve, and the damping that it adds. Everywhere, a particle's affine velocity C, whose moment the material point method puts onto the nodes where it puts that of the stress, changes by

     C += s_C (k_1 dev c + k_2 tr(c)/2 + k_3 dev b + k_4 tr(b)/2),   c = sym(C)/s_C,   b = (F F^T - 1)/s_B,   (k_1 .. k_4) = MLP(tr c, tr b, |dev c|^2, |dev b|^2, dev c : dev b)

   in the plane: an isotropic function of strain and its rate. Symmetric, so that momentum and angular momentum stay what they are; of invariants, so that it commutes with every rotation and mirror. It begins at zero. k_1 > 0
   gives vibrations back what the transfer between particles and grid takes from them, k_3 makes the material stiffer or softer. */
#include "surrogates/reduced_order_graph/correction_impl.h"

#include "operators/primitives.h"

enum { D = 2, N_PARTS = 3, N_INVARIANTS = 5, N_FACTORS = 4, HIDDEN = 16 };
static const double unit = 0.1, limit = 0.5; /* of a factor k: of an output of one, and what it can be */

PetscErrorCode NomosSubgridStressCreate(NomosParameters parameters, NomosSubgridStress *stress)
{
  PetscFunctionBeginUser;
  PetscCall(NomosMlpCreate(parameters, "stress", &(NomosMlpInput){.n_hidden = 1, .in = N_INVARIANTS, .width = HIDDEN, .out = HIDDEN, .activation = NOMOS_SILU}, &stress->mlp));
  PetscCall(NomosLinearCreate(parameters, "stress_last", &(NomosLinearInput){.in = HIDDEN, .out = N_FACTORS, .rule = NOMOS_RULE_ZEROS}, &stress->last));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (dev_xx, dev_xy, tr) [n, 3] of matrices [n, 2, 2] */
static NomosTensor Parts(NomosTensor A)
{
  static const double map[D * D * N_PARTS] = {0.5, 0, 1, 0, 0.5, 0, 0, 0.5, 0, -0.5, 0, 1};
  return NomosMatMul(NomosReshape(A, 2, (size_t[]){NomosTensorLength(A, 0), D * D}), NomosTensorFromDoubles(A.tape, NomosTensorType(A), 2, (size_t[]){D * D, N_PARTS}, map));
}

static NomosTensor Matrices(NomosTensor parts)
{
  static const double map[N_PARTS * D * D] = {1, 0, 0, -1, 0, 1, 1, 0, 0.5, 0, 0, 0.5};
  return NomosReshape(NomosMatMul(parts, NomosTensorFromDoubles(parts.tape, NomosTensorType(parts), 2, (size_t[]){N_PARTS, D * D}, map)), 3, (size_t[]){NomosTensorLength(parts, 0), D, D});
}

/* a : b of deviators [n, 2], but for a factor of 2: [n, 1] */
static NomosTensor Contract(NomosTensor a, NomosTensor b) { return NomosSum(NomosMultiply(a, b), 1, (int[]){1}, true); }

NomosTensor NomosSubgridStressApply(const NomosSubgridStress *stress, const NomosTensor w[], NomosTensor C, NomosTensor b)
{
  const NomosTensor parts[2] = {Parts(C), Parts(b)};
  NomosTensor       dev[2], tr[2], k[N_FACTORS];

  for (int i = 0; i < 2; i++) {
    dev[i] = NomosSlice(parts[i], 1, 0, D, 1);
    tr[i]  = NomosSlice(parts[i], 1, D, 1, 1);
  }
  const NomosTensor invariants = NomosConcatenate(N_INVARIANTS, (NomosTensor[]){tr[0], tr[1], Contract(dev[0], dev[0]), Contract(dev[1], dev[1]), Contract(dev[0], dev[1])}, 1);
  const NomosTensor o          = NomosLinearApply(&stress->last, w, NomosFunction(NOMOS_SILU, 0, NomosMlpApply(&stress->mlp, w, NomosFunction(NOMOS_TANH, 0, invariants))));
  const NomosTensor factors    = NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosAffine(o, unit / limit, 0)), limit, 0);
  for (size_t i = 0; i < N_FACTORS; i++) k[i] = NomosSlice(factors, 1, i, 1, 1);
  return Matrices(NomosConcatenate(2, (NomosTensor[]){NomosAdd(NomosMultiply(k[0], dev[0]), NomosMultiply(k[2], dev[1])), NomosAdd(NomosMultiply(k[1], tr[0]), NomosMultiply(k[3], tr[1]))}, 1));
}
