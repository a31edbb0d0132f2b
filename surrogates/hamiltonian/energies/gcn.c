/* A graph convolutional network (Kipf & Welling 2017, doi:10.48550/arXiv.1609.02907) on the complete graph of bodies, as Song & Jeong (2024), doi:10.48550/arXiv.2212.01168:

     Z^(l+1) = s(A Z^(l) W_l^T + b_l),   H = sum_i w . Z_i,   A = D^-1/2 (ones) D^-1/2 = 1/bodies everywhere, loops included

   A takes the mean over the bodies and gives it to each of them, so that after the first layer all bodies are alike:  H = bodies * mlp(mean of x_i).  That is what is computed. It is an MLP for one body; for more
   bodies it sees the centre of mass and the mean momentum only, and no force between bodies can be learned with it (self_pair, pair_distance and message_passing can). */
#include "surrogates/hamiltonian/energies/parts.h"

typedef struct {
  NomosMlp mlp;
  size_t   n_dims;
} Gcn;

static PetscErrorCode Create(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network)
{
  Gcn                *gcn   = network;
  const NomosMlpInput shape = {.n_hidden = input->n_hidden, .in = 2 * input->n_dims, .width = input->width, .out = 1, .activation = input->activation, .rule = input->rule, .no_last_bias = true};

  PetscFunctionBeginUser;
  gcn->n_dims = input->n_dims;
  PetscCall(NomosMlpCreate(parameters, name, &shape, &gcn->mlp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Features(const void *network, const NomosTensor w[], NomosTensor x, size_t *last)
{
  const Gcn        *gcn    = network;
  const NomosTensor bodies = NomosBodies(x, gcn->n_dims);

  *last = gcn->mlp.layers[gcn->mlp.n_layers - 1].weight;
  return NomosAffine(NomosMlpFeatures(&gcn->mlp, w, NomosMean(bodies, 1, (int[]){-2}, false)), (double)NomosTensorLength(bodies, -2), 0);
}

const NomosEnergyOps nomos_energy_gcn = {
  .name      = "gcn",
  .summary   = "Bodies: a graph convolutional network on their complete graph; an MLP for one body.",
  .reference = "doi:10.48550/arXiv.2212.01168",
  .bodies    = true,
  .network   = sizeof(Gcn),
  .create    = Create,
  .features  = Features,
};
