/* H(x) = W_L s(W_(L-1) .. s(W_0 x + b_0) ..), Greydanus et al. (2019), doi:10.48550/arXiv.1906.01563. A graph convolutional network of a single body with a loop to itself is the same. */
#include "surrogates/hamiltonian/energy.h"

static PetscErrorCode Create(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network)
{
  const NomosMlpInput shape = {.n_hidden = input->n_hidden, .in = 2 * input->d, .width = input->width, .out = 1, .activation = input->activation, .rule = input->rule, .no_last_bias = true};

  PetscFunctionBeginUser;
  PetscCall(NomosMlpCreate(parameters, name, &shape, network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Features(const void *network, const NomosTensor w[], NomosTensor x, size_t *last)
{
  const NomosMlp *mlp = network;

  *last = mlp->layers[mlp->n_layers - 1].weight;
  return NomosMlpFeatures(mlp, w, x);
}

const NomosEnergyOps nomos_energy_mlp = {
  .name      = "mlp",
  .summary   = "An MLP of all coordinates.",
  .reference = "doi:10.48550/arXiv.1906.01563",
  .network   = sizeof(NomosMlp),
  .create    = Create,
  .features  = Features,
};
