/* GIOROM's time stepper (Viswanath et al. 2024, doi:10.48550/arXiv.2407.03925): encode, L interaction networks, a latent grid (latent_grid.h), L interaction networks, decode. Edges keep their states across the grid.

     x = E(nodes),  e = E'(edges),  L times  x, e := layer(x, e)
     x := x + G(x)         or, without `skip`, G(x);  with `decoded` the grid gets D(x) instead of x
     L times  x, e := layer(x, e),  result D(x)
   A layer is message passing with a mean of messages weighed by 1/(1 + |x_i - x_j|/R), and with `convolution` a graph convolution beside it (surrogates/modules/graph.h). MLPs have two hidden layers and ReLU, and a
   layer norm but for D. Means, not sums: the density of points does not set the size of a state.

   The default is a corrected form: kernels see the query, inputs are normalised (by the stepper), there is no dropout. The paper's forms, whose numbers of parameters tests/test_particle_networks.c counts piece by piece:

     2024, 2-D   giorom: {hidden: 128, layers: 2, latent: preactivated_fno, points: 32, query: false, decoded: true, skip: false, channels: 2, grid_radius: 0.025}
     2024, 3-D   the same with plane: true, points: 16, channels: 3, grid_radius: 0.145, projection: 2, projection_width: 16
     2025        giorom: {hidden: 128, layers: 2, latent: attention, points: 16, query: false, channels: 64, grid_radius: 0.125, convolution: true} */
#include "surrogates/operators/networks/keys.h"
#include "surrogates/reduced_order_graph/networks/latent_grid.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 16 };

/* clang-format off */
static const NomosParam params[] = {
  {"giorom.layers",           NOMOS_PARAM_INT,    "2",     NULL, 0, MAX_LAYERS / 2, NULL, false, "Interaction networks before the grid, and as many behind it. The papers: 1, 2 or 4, in 2-D also 10."},
  {"giorom.hidden",           NOMOS_PARAM_INT,    "64",    NULL, 1, 4096, NULL, false, "Channels of points and edges, and of all MLPs on them. The papers: 128."},
  {"giorom.weights",          NOMOS_PARAM_CHOICE, "distance", NULL, 0, 0, "distance|none", false, "Of messages: 1/(1 + |x_i - x_j|/R) as in the papers, or all the same."},
  {"giorom.convolution",      NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "A graph convolution in every interaction network. The papers: true in 2025."},
  {"giorom.latent",           NOMOS_PARAM_CHOICE, "fno",   NULL, 0, 0, NOMOS_LATENT_CHOICES, false, "Operator on the latent grid. none: interaction networks alone, as a baseline. The papers: preactivated_fno (2024), attention (2025)."},
  {"giorom.points",           NOMOS_PARAM_INT,    "",      NULL, 2, 1024, NULL, false, "Nodes of the latent grid along the longest axis of the domain, in cells as square as may be; unset: 24 in 2-D, 16 in 3-D. The papers: 16 or 32."},
  {"giorom.grid_radius",      NOMOS_PARAM_REAL,   "",      NULL, DBL_MIN, DBL_MAX, NULL, false, "Of the balls that join points and nodes, in the unit of the positions; unset: 1.4 spacings of the nodes. The papers: 0.024 to 0.165 in a unit box. Below sqrt(d)/2 spacings some points see no node."},
  {"giorom.query",            NOMOS_PARAM_BOOL,   "true",  NULL, 0, 0, NULL, false, "Kernels are of (x - y)/grid_radius. The papers' code: false, of the position of y alone."},
  {"giorom.channels",         NOMOS_PARAM_INT,    "32",    NULL, 1, 4096, NULL, false, "Of a node before the operator. The papers: the dimension (2024), 64 (2025)."},
  {"giorom.width",            NOMOS_PARAM_INT,    "",      NULL, 1, 4096, NULL, false, "Channels of the operator; unset: 32 of an FNO, 256 of attention, as in the papers."},
  {"giorom.read_width",       NOMOS_PARAM_INT,    "",      NULL, 1, 4096, NULL, false, "Channels of an FNO's read-out, and of preactivated_fno's lift; unset: as width."},
  {"giorom.modes",            NOMOS_PARAM_INT,    "",      NULL, 1, 4096, NULL, false, "fno: Fourier modes along every axis, unset: 8, in 3-D 6; preactivated_fno: of both signs together, unset: 24 as in the paper."},
  {"giorom.blocks",           NOMOS_PARAM_INT,    "",      NULL, 1, 16, NULL, false, "Layers of the operator; unset: 2 of an FNO, 1 block of attention."},
  {"giorom.heads",            NOMOS_PARAM_INT,    "4",     NULL, 1, 64, NULL, false, "Heads of attention."},
  {"giorom.pad",              NOMOS_PARAM_INT,    "",      NULL, 0, 1024, NULL, false, "fno: rows of zeros beyond the last nodes, as domains are not periodic; unset: an eighth of the nodes."},
  {"giorom.skip",             NOMOS_PARAM_BOOL,   "true",  NULL, 0, 0, NULL, false, "Adds what the points were before the grid. The papers: true with attention, else false."},
  {"giorom.decoded",          NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "The grid gets decoded accelerations instead of states. The papers: true in 2024."},
  {"giorom.projection",       NOMOS_PARAM_INT,    "1",     NULL, 1, 8, NULL, false, "Linear maps behind the grid."},
  {"giorom.projection_width", NOMOS_PARAM_INT,    "256",   NULL, 1, 4096, NULL, false, "Channels between them."},
  {"giorom.plane",            NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "3-D: points come to a 2-D grid by a learned map. The papers: true in 2024."},
};
/* clang-format on */

typedef struct {
  int                 d;
  size_t              n_layers; /* of both halves */
  bool                weighed, skip, decoded, grid, plane;
  NomosMlp            node_encoder, edge_encoder, decoder;
  NomosMessagePassing layers[MAX_LAYERS];
  NomosLatentGrid     latent;
} Giorom;

static PetscErrorCode UnlessGiven(NomosConfig config, const char key[], size_t otherwise, size_t *value)
{
  bool given;

  PetscFunctionBeginUser;
  *value = otherwise;
  PetscCall(NomosConfigIsGiven(config, key, &given));
  if (given) PetscCall(NomosEmulatorSize(config, key, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nodes from wall to wall; of the plane, from -1 to 1. */
static PetscErrorCode Grid(NomosConfig config, const NomosParticleShape *shape, NomosLatentGridInput *latent)
{
  NomosPointGrid *grid = &latent->grid;
  double          radius;
  size_t          points;

  PetscFunctionBeginUser;
  grid->d = latent->plane ? 2 : shape->d;
  PetscCall(UnlessGiven(config, "giorom.points", grid->d == 2 ? 24 : 16, &points));
  for (int a = 0; a < grid->d; a++) {
    grid->low[a]  = latent->plane ? -1 : shape->low[a];
    grid->high[a] = latent->plane ? 1 : shape->high[a];
    NomosCheck(grid->high[a] > grid->low[a], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "giorom: the domain's %c goes from %g to %g m: must have a length", "xyz"[a], grid->low[a], grid->high[a]);
  }
  const double longest = NomosBoxLongest(grid->d, grid->low, grid->high);
  for (int a = 0; a < grid->d; a++) grid->points[a] = PetscMax(2, 1 + (size_t)lround((double)(points - 1) * (grid->high[a] - grid->low[a]) / longest));
  PetscCall(NomosConfigGetReal(config, "giorom.grid_radius", &radius));
  latent->radius = isnan(radius) ? 1.4 * longest / (double)(points - 1) : radius;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LatentInput(NomosConfig config, const NomosParticleShape *shape, bool decoded, NomosLatentGridInput *latent)
{
  int    kind;
  size_t longest = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetBool(config, "giorom.plane", &latent->plane));
  NomosCheck(!latent->plane || shape->d == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "giorom.plane = true, but positions are in two dimensions already: leave it out");
  PetscCall(NomosConfigGetChoice(config, "giorom.latent", &kind));
  latent->kind = (NomosLatentKind)kind;
  const bool attention = latent->kind == NOMOS_LATENT_ATTENTION;
  PetscCall(Grid(config, shape, latent));
  for (int a = 0; a < latent->grid.d; a++) longest = PetscMax(longest, latent->grid.points[a]);
  PetscCall(NomosConfigGetBool(config, "giorom.query", &latent->query));
  PetscCall(NomosEmulatorSize(config, "giorom.hidden", &latent->out));
  latent->in = decoded ? (size_t)shape->d : latent->out;
  PetscCall(NomosEmulatorSize(config, "giorom.channels", &latent->channels));
  PetscCall(UnlessGiven(config, "giorom.width", attention ? 256 : 32, &latent->width));
  PetscCall(UnlessGiven(config, "giorom.read_width", latent->width, &latent->read_width));
  PetscCall(UnlessGiven(config, "giorom.modes", latent->kind == NOMOS_LATENT_PREACTIVATED_FNO ? 24 : latent->grid.d == 3 ? 6 : 8, &latent->modes));
  PetscCall(UnlessGiven(config, "giorom.blocks", attention ? 1 : 2, &latent->n_blocks));
  PetscCall(NomosEmulatorSize(config, "giorom.heads", &latent->n_heads));
  PetscCall(UnlessGiven(config, "giorom.pad", longest / 8, &latent->pad));
  PetscCall(NomosEmulatorSize(config, "giorom.projection", &latent->n_projection));
  PetscCall(NomosEmulatorSize(config, "giorom.projection_width", &latent->projection_width));
  for (int a = 0; a < shape->d; a++) {
    latent->low[a]  = shape->low[a];
    latent->high[a] = shape->high[a];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const NomosParticleNetworkInput *input, void *context)
{
  const NomosParticleShape *shape  = input->shape;
  NomosLatentGridInput      latent = {0};
  Giorom                   *giorom = context;
  size_t                    half, h;
  const char               *weights;
  bool                      convolution;
  char                      name[64];

  PetscFunctionBeginUser;
  giorom->d = shape->d;
  PetscCall(NomosEmulatorSize(input->config, "giorom.layers", &half));
  PetscCall(NomosEmulatorSize(input->config, "giorom.hidden", &h));
  PetscCall(NomosConfigGetString(input->config, "giorom.weights", &weights));
  giorom->weighed = !strcmp(weights, "distance");
  PetscCall(NomosConfigGetBool(input->config, "giorom.convolution", &convolution));
  PetscCall(NomosConfigGetBool(input->config, "giorom.skip", &giorom->skip));
  PetscCall(NomosConfigGetBool(input->config, "giorom.decoded", &giorom->decoded));
  PetscCall(LatentInput(input->config, shape, giorom->decoded, &latent));
  giorom->n_layers = 2 * half;
  giorom->grid     = latent.kind != NOMOS_LATENT_NONE;
  giorom->plane    = latent.plane;
  NomosMlpInput                  mlp   = {.n_hidden = 2, .in = shape->n_nodes, .width = h, .out = h, .activation = NOMOS_RELU, .layer_norm = true};
  const NomosMessagePassingInput layer = {.node = h, .edge = h, .n_hidden = 2, .width = h, .activation = NOMOS_RELU, .layer_norm = true, .residual = true, .aggregation = NOMOS_AGGREGATE_MEAN, .convolution = convolution};
  PetscCall(NomosMlpCreate(input->parameters, "network.node_encoder", &mlp, &giorom->node_encoder));
  mlp.in = (size_t)shape->d + 1;
  PetscCall(NomosMlpCreate(input->parameters, "network.edge_encoder", &mlp, &giorom->edge_encoder));
  for (size_t l = 0; l < giorom->n_layers; l++) {
    snprintf(name, sizeof name, "network.%zu", l);
    PetscCall(NomosMessagePassingCreate(input->parameters, name, &layer, &giorom->layers[l]));
  }
  if (giorom->grid) PetscCall(NomosLatentGridCreate(input->parameters, "network.latent", &latent, &giorom->latent));
  mlp.in         = h;
  mlp.out        = (size_t)shape->d;
  mlp.layer_norm = false;
  PetscCall(NomosMlpCreate(input->parameters, "network.decoder", &mlp, &giorom->decoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Apply(const void *context, const NomosTensor w[], const NomosParticleBatch *batch)
{
  const Giorom *giorom = context;
  const size_t  half   = giorom->n_layers / 2;
  NomosTensor   x = NomosMlpApply(&giorom->node_encoder, w, batch->nodes), e = NomosMlpApply(&giorom->edge_encoder, w, batch->edges), weight = {0};

  if (giorom->weighed) weight = NomosGraphDistanceWeights(batch->edges);
  NomosMessagePassingRun(half, giorom->layers, w, batch->graph, weight, &x, &e);
  if (giorom->grid) {
    const NomosPointSets sets = {.n_sets = batch->n_sets, .first = batch->first, .x = batch->x};
    const NomosTensor    o    = NomosLatentGridApply(&giorom->latent, w, &sets, giorom->decoded ? NomosMlpApply(&giorom->decoder, w, x) : x);
    x = giorom->skip ? NomosAdd(x, o) : o;
  }
  NomosMessagePassingRun(half, giorom->layers + half, w, batch->graph, weight, &x, &e);
  return NomosMlpApply(&giorom->decoder, w, x);
}

/* A point that no node is near to gets nothing from the grid; one that is further away than the domain is long is refused. */
static PetscErrorCode Check(const void *context, size_t n, const double x[])
{
  const Giorom         *giorom = context;
  const NomosPointGrid *grid   = &giorom->latent.grid;

  PetscFunctionBeginUser;
  if (!giorom->grid || giorom->plane) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosPointGridHolds(grid, NomosBoxLongest(grid->d, grid->low, grid->high), n, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleNetworkOps NomosParticleNetworkOps_Giorom = {
  .name      = "giorom",
  .summary   = "Interaction networks with a neural operator on a latent grid between them.",
  .reference = "doi:10.48550/arXiv.2407.03925",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .graph     = true,
  .context   = sizeof(Giorom), .create = Create,
  .apply     = Apply, .check = Check,
};
