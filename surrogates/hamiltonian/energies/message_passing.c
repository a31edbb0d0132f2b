/* H = sum_i psi(x_i, sum_(j != i) phi(x_i, x_j)): a round of message passing on the complete graph of bodies, and a sum over them (Sanchez-Gonzalez et al. 2019, doi:10.48550/arXiv.1909.12790). Messages phi are
   hidden layers, psi is an MLP. Forces between three bodies at once are in it; with a linear psi it is self_pair.

   Not by modules/graph.h, whose lists of edges are those of one graph with weights that it shares: here the graph of every state is complete, and every task may have weights of its own. */
#include "surrogates/hamiltonian/energies/parts.h"

#include <stdio.h>

typedef struct {
  NomosMlp message, node;
  size_t   n_dims, width;
} MessagePassing;

static PetscErrorCode Create(NomosParameters parameters, const char name[], const NomosEnergyInput *input, void *network)
{
  MessagePassing     *h    = network;
  const NomosMlpInput node = {.n_hidden = input->n_hidden, .in = 2 * input->n_dims + input->width, .width = input->width, .out = 1, .activation = input->activation, .rule = input->rule, .no_last_bias = true};
  char                full[256];

  PetscFunctionBeginUser;
  h->n_dims = input->n_dims;
  h->width  = input->width;
  snprintf(full, sizeof full, "%s.message", name);
  PetscCall(NomosTrunkCreate(parameters, full, input, 4 * input->n_dims, &h->message));
  snprintf(full, sizeof full, "%s.node", name);
  PetscCall(NomosMlpCreate(parameters, full, &node, &h->node));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Features(const void *network, const NomosTensor w[], NomosTensor x, size_t *last)
{
  const MessagePassing *h      = network;
  const NomosTensor     bodies = NomosBodies(x, h->n_dims);
  const size_t          k      = 2 * h->n_dims;
  NomosTensor           state;

  *last = h->node.layers[h->node.n_layers - 1].weight;
  if (NomosTensorLength(bodies, -2) < 2) state = NomosPad(bodies, -1, 0, k + h->width, 1);
  else state = NomosConcatenate(2, (NomosTensor[]){bodies, NomosSum(NomosTrunkPairs(&h->message, w, bodies), 1, (int[]){-3}, false)}, -1);
  return NomosSumOverAxes(NomosMlpFeatures(&h->node, w, state), 1);
}

const NomosEnergyOps nomos_energy_message_passing = {
  .name      = "message_passing",
  .summary   = "Bodies: an MLP of every body and of the sum of its messages from the others.",
  .reference = "doi:10.48550/arXiv.1909.12790",
  .bodies    = true,
  .network   = sizeof(MessagePassing),
  .create    = Create,
  .features  = Features,
};
