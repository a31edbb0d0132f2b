/* H = T(p) + V(q), an MLP each: what explicit splittings can integrate (Chen et al. 2020, doi:10.48550/arXiv.1909.13334). */
#include "surrogates/hamiltonian/energies/parts.h"

static PetscErrorCode Create(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network)
{
  PetscFunctionBeginUser;
  PetscCall(NomosTwoTrunksCreate(parameters, name, input, (const char *[]){"kinetic", "potential"}, (size_t[]){input->d, input->d}, network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Features(const void *network, const NomosTensor w[], NomosTensor x, size_t *last)
{
  const NomosTwoTrunks *h = network;
  const size_t          d = NomosTensorLength(x, -1) / 2;

  return NomosTwoTrunksFeatures(h, NomosTrunkApply(&h->first, w, NomosSlice(x, -1, d, d, 1)), NomosTrunkApply(&h->second, w, NomosSlice(x, -1, 0, d, 1)), last);
}

const NomosEnergyOps nomos_energy_separable = {
  .name      = "separable",
  .summary   = "T(p) + V(q), an MLP each.",
  .reference = "doi:10.48550/arXiv.1909.13334",
  .separable = true,
  .network   = sizeof(NomosTwoTrunks),
  .create    = Create,
  .features  = Features,
};
