/* Encode, interaction networks with residuals, decode (Sanchez-Gonzalez et al. 2020, doi:10.48550/arXiv.2002.09405; surrogates/networks/graph_network.h), on the graph of neighbours. Its paper has width 128 and 10 layers for
   GPUs; 32 to 64 are what a processor trains in minutes. Sums are the paper's: means do not feel how densely the points lie. */
#include "surrogates/networks/graph_network.h"

#include "surrogates/reduced_order_graph/particle_network_list.h"

#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"gns.width",       NOMOS_PARAM_INT,    "64",   NULL, 1, 4096, NULL, false, "Width of the states of nodes and edges, and of hidden layers. The paper: 128."},
  {"gns.layers",      NOMOS_PARAM_INT,    "10",   NULL, 0, NOMOS_GRAPH_NETWORK_MAX_LAYERS, NULL, false, "Interaction networks, with weights of their own."},
  {"gns.hidden",      NOMOS_PARAM_INT,    "2",    NULL, 0, 16, NULL, false, "Hidden layers of every MLP."},
  {"gns.aggregation", NOMOS_PARAM_CHOICE, "sum",  NULL, 0, 0, "sum|mean", false, "Of the messages that arrive at a node."},
};
/* clang-format on */

static PetscErrorCode Create(const NomosParticleNetworkInput *input, void *context)
{
  const NomosParticleShape *shape = input->shape;
  const char               *aggregation;
  int64_t                   width, n_layers, n_hidden;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "gns.width", &width));
  PetscCall(NomosConfigGetInt(input->config, "gns.layers", &n_layers));
  PetscCall(NomosConfigGetInt(input->config, "gns.hidden", &n_hidden));
  PetscCall(NomosConfigGetString(input->config, "gns.aggregation", &aggregation));
  const NomosGraphNetworkInput how = {.node_in = shape->n_nodes, .edge_in = shape->n_edges ? shape->n_edges : (size_t)shape->d + 1, .out = shape->n_out ? shape->n_out : (size_t)shape->d, .width = (size_t)width, .n_hidden = (size_t)n_hidden, .n_layers = (size_t)n_layers, .activation = NOMOS_RELU,
                                      .aggregation = strcmp(aggregation, "sum") ? NOMOS_AGGREGATE_MEAN : NOMOS_AGGREGATE_SUM};
  PetscCall(NomosGraphNetworkCreate(input->parameters, "network", &how, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], const NomosParticleBatch *batch)
{
  return NomosGraphNetworkApply(context, w, batch->graph, batch->nodes, batch->edges);
}

const NomosParticleNetworkOps NomosParticleNetworkOps_Gns = {
  .name      = "gns",
  .summary   = "Graph network simulator: encode, interaction networks, decode.",
  .reference = "Sanchez-Gonzalez et al. (2020), doi:10.48550/arXiv.2002.09405",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .graph     = true, .any_features = true,
  .context   = sizeof(NomosGraphNetwork), .create = Create,
  .apply     = Apply,
};
