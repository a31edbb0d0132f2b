#include "surrogates/networks/graph_network.h"

#include <stdio.h>

PetscErrorCode NomosGraphNetworkCreate(NomosParameters parameters, const char name[], const NomosGraphNetworkInput *input, NomosGraphNetwork *network)
{
  const NomosMessagePassingInput layer = {
    .node = input->width, .edge = input->width, .n_hidden = input->n_hidden, .width = input->width, .activation = input->activation, .layer_norm = true, .residual = true, .aggregation = input->aggregation};
  NomosMlpInput mlp = {.n_hidden = input->n_hidden, .in = input->node_in, .width = input->width, .out = input->width, .activation = input->activation, .layer_norm = true};
  char          full[256];

  PetscFunctionBeginUser;
  NomosCheck(input->n_layers <= NOMOS_GRAPH_NETWORK_MAX_LAYERS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu layers of message passing: at most %d are possible", name, input->n_layers, NOMOS_GRAPH_NETWORK_MAX_LAYERS);
  network->n_layers = input->n_layers;
  snprintf(full, sizeof full, "%s.node_encoder", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &network->node_encoder));
  mlp.in = input->edge_in;
  snprintf(full, sizeof full, "%s.edge_encoder", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &network->edge_encoder));
  for (size_t l = 0; l < input->n_layers; l++) {
    snprintf(full, sizeof full, "%s.%zu", name, l);
    PetscCall(NomosMessagePassingCreate(parameters, full, &layer, &network->layers[l]));
  }
  mlp.in         = input->width;
  mlp.out        = input->out;
  mlp.layer_norm = false;
  snprintf(full, sizeof full, "%s.decoder", name);
  PetscCall(NomosMlpCreate(parameters, full, &mlp, &network->decoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosGraphNetworkApply(const NomosGraphNetwork *network, const NomosTensor w[], NomosGraph graph, NomosTensor nodes, NomosTensor edges)
{
  NomosTensor x = NomosMlpApply(&network->node_encoder, w, nodes), e = NomosMlpApply(&network->edge_encoder, w, edges);

  NomosMessagePassingRun(network->n_layers, network->layers, w, graph, (NomosTensor){0}, &x, &e);
  return NomosMlpApply(&network->decoder, w, x);
}
