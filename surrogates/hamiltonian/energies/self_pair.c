/* H = sum_i f(x_i) + sum_(i != j) g(x_i, x_j), MLPs f of every body and g of every ordered pair: the flat Hamiltonian graph network of Cranmer et al. (2020), doi:10.48550/arXiv.2006.11287. */
#include "surrogates/hamiltonian/energies/parts.h"

static PetscErrorCode Create(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTwoTrunksCreate(parameters, name, input, (const char *[]){"self", "pair"}, (size_t[]){2 * input->n_dims, 4 * input->n_dims}, network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Features(const void *network, const NomosTensor w[], NomosTensor x, size_t *last)
{
  const NomosTwoTrunks *h      = network;
  const NomosTensor     bodies = NomosBodies(x, h->n_dims), self = NomosSumOverAxes(NomosTrunkApply(&h->first, w, bodies), 1);

  return NomosTwoTrunksFeatures(h, self, NomosTensorLength(bodies, -2) > 1 ? NomosSumOverAxes(NomosTrunkPairs(&h->second, w, bodies), 2) : (NomosTensor){0}, last);
}

const NomosEnergyOps nomos_energy_self_pair = {
  .name      = "self_pair",
  .summary   = "Bodies: the sum of an MLP of every body and one of every ordered pair.",
  .reference = "doi:10.48550/arXiv.2006.11287",
  .bodies    = true,
  .network   = sizeof(NomosTwoTrunks),
  .create    = Create,
  .features  = Features,
};
