/* H = sum_i f(|p_i|^2) + sum_(i != j) g(|q_i - q_j|), MLPs f and g of one number: a kinetic energy and a pair potential, as of Bishnoi et al. (2023), doi:10.48550/arXiv.2307.05299. Separable; total momentum and
   angular momentum are conserved whatever the weights. The derivative does not exist where two bodies are at one place. */
#include "surrogates/hamiltonian/energies/parts.h"

static PetscErrorCode Create(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTwoTrunksCreate(parameters, name, input, (const char *[]){"kinetic", "potential"}, (size_t[]){1, 1}, network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [.., k] -> [.., 1], the sum of squares. */
static NomosTensor Square(NomosTensor x)
{
  return NomosSum(NomosMultiply(x, x), 1, (int[]){-1}, true);
}

static NomosTensor Features(const void *network, const NomosTensor w[], NomosTensor x, size_t *last)
{
  const NomosTwoTrunks *h = network;
  const size_t          d = NomosTensorLength(x, -1) / 2;
  const NomosTensor     q = NomosBodiesHalf(NomosSlice(x, -1, 0, d, 1), h->n_dims), p = NomosBodiesHalf(NomosSlice(x, -1, d, d, 1), h->n_dims);
  const NomosTensor     kinetic = NomosSumOverAxes(NomosTrunkApply(&h->first, w, Square(p)), 1);

  if (NomosTensorLength(q, -2) < 2) return NomosTwoTrunksFeatures(h, kinetic, (NomosTensor){0}, last);
  const NomosTensor distance = NomosPower(Square(NomosSubtract(NomosOthers(q), NomosEachBody(q))), 0.5);
  return NomosTwoTrunksFeatures(h, kinetic, NomosSumOverAxes(NomosTrunkApply(&h->second, w, distance), 2), last);
}

const NomosEnergyOps nomos_energy_pair_distance = {
  .name      = "pair_distance",
  .summary   = "Bodies: MLPs of every body's |p|^2 and of every pair's distance.",
  .reference = "doi:10.48550/arXiv.2307.05299",
  .bodies    = true,
  .separable = true,
  .network   = sizeof(NomosTwoTrunks),
  .create    = Create,
  .features  = Features,
};
