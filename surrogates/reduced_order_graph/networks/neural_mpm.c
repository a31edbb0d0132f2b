/* NeuralMPM (Rochman-Sharabi et al. 2025, doi:10.48550/arXiv.2408.15753), in two dimensions: particles to a grid of fixed size, a network for images on it, back to the particles by interpolation; no graph.

     rho(g) = sum_p w_gp,   f(g) = sum_p w_gp nodes_p/(rho + 0.1)       multilinear weights (surrogates/modules/point_grid.h)
     c      = U([rho/rho_mean, inside, f])                              U-Net without norms (surrogates/networks/unet.h)
     a_p    = M([sum_g w_gp c(g), nodes_p]),   without `own` the interpolated c itself

   From the paper's abstract are: the fixed grid, interpolation both ways, a network from image to image. Ours are: the channels (all features of a point: material, velocities, distances to walls), density over that which a
   point of the set sees on average, so that the number of points does not matter, a channel that is 1 inside the domain, the size of the U-Net, an acceleration as the result, and `own`: what a point knows of itself beside
   what the grid, which several points share, knows of it. A point beyond the grid is in the nearest cell; one that is further away than the domain is long is refused. */
#include "surrogates/modules/point_grid.h"
#include "surrogates/networks/unet.h"
#include "surrogates/operators/networks/keys.h"
#include "surrogates/reduced_order_graph/particle_network_list.h"

#include <math.h>

/* clang-format off */
static const NomosParam params[] = {
  {"neural_mpm.points", NOMOS_PARAM_INT,  "32",   NULL, 8, 1024, NULL, false, "Nodes of the grid along the longest axis of the domain, one cell beyond each wall among them; along every axis a multiple of 2^levels, in square cells."},
  {"neural_mpm.width",  NOMOS_PARAM_INT,  "16",   NULL, 1, 1024, NULL, false, "Channels of the U-Net's finest level, doubled at each coarser one."},
  {"neural_mpm.levels", NOMOS_PARAM_INT,  "3",    NULL, 0, NOMOS_UNET_LEVELS, NULL, false, "Times that the U-Net halves the grid."},
  {"neural_mpm.own",    NOMOS_PARAM_BOOL, "true", NULL, 0, 0, NULL, false, "A point's acceleration is an MLP of what it gets from the grid and of its own features. NeuralMPM: false, interpolated alone."},
  {"neural_mpm.hidden", NOMOS_PARAM_INT,  "32",   NULL, 1, 4096, NULL, false, "Channels that go back to the points with own, and of the MLP."},
};
/* clang-format on */

static const double floor_of_density = 0.1; /* points: a node with less sees less of them */

typedef struct {
  NomosPointGrid grid;
  double         margin; /* m: so far beyond the grid points may be */
  bool           own;
  double        *inside; /* (nodes) 1 within the walls, else 0 */
  NomosUNet      unet;
  NomosMlp       read;
} NeuralMpm;

static size_t Multiple(double n, size_t of)
{
  return ((size_t)ceil(n - 1e-9) + of - 1) / of * of;
}

/* Square cells; what rounding adds lies beyond the upper walls. */
static PetscErrorCode Grid(const NomosParticleShape *shape, size_t points, size_t parts, NeuralMpm *net)
{
  const double longest = NomosBoxLongest(2, shape->low, shape->high);

  PetscFunctionBeginUser;
  NomosCheck(points % parts == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "neural_mpm.points = %zu: must be a multiple of %zu, as the U-Net halves the grid; use %zu or %zu, or fewer neural_mpm.levels", points, parts, PetscMax(points / parts, 1) * parts, (points / parts + 1) * parts);
  const double h = longest / (double)(points - 3);
  net->grid.d = 2;
  net->margin = longest;
  for (int a = 0; a < 2; a++) {
    net->grid.points[a] = Multiple((shape->high[a] - shape->low[a]) / h + 3, parts);
    net->grid.low[a]    = shape->low[a] - h;
    net->grid.high[a]   = net->grid.low[a] + h * (double)(net->grid.points[a] - 1);
  }
  PetscCall(PetscMalloc1(NomosPointGridNodes(&net->grid), &net->inside));
  for (size_t g = 0; g < NomosPointGridNodes(&net->grid); g++) {
    const double at[2] = {net->grid.low[0] + h * (double)(g % net->grid.points[0]), net->grid.low[1] + h * (double)(g / net->grid.points[0])};
    net->inside[g] = 1;
    for (int a = 0; a < 2; a++)
      if (at[a] < shape->low[a] - 1e-6 * h || at[a] > shape->high[a] + 1e-6 * h) net->inside[g] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const NomosParticleNetworkInput *input, void *context)
{
  const NomosParticleShape *shape = input->shape;
  NomosUNetInput            unet  = {.n_space = 2, .in = 2 + shape->n_nodes, .plain = true, .activation = NOMOS_GELU};
  NeuralMpm                *net   = context;
  size_t                    points, hidden;

  PetscFunctionBeginUser;
  NomosCheck(shape->d == 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "reduced_order_graph.network = neural_mpm in %d dimensions: must be 2, as its U-Net is; use gns or giorom", shape->d);
  PetscCall(NomosEmulatorSize(input->config, "neural_mpm.points", &points));
  PetscCall(NomosEmulatorSize(input->config, "neural_mpm.width", &unet.width));
  PetscCall(NomosEmulatorSize(input->config, "neural_mpm.levels", &unet.n_levels));
  PetscCall(NomosEmulatorSize(input->config, "neural_mpm.hidden", &hidden));
  PetscCall(NomosConfigGetBool(input->config, "neural_mpm.own", &net->own));
  PetscCall(Grid(shape, points, (size_t)1 << unet.n_levels, net));
  unet.out = net->own ? hidden : 2;
  PetscCall(NomosUNetCreate(input->parameters, "network.unet", &unet, &net->unet));
  if (net->own) PetscCall(NomosMlpCreate(input->parameters, "network.read", &(NomosMlpInput){.n_hidden = 2, .in = hidden + shape->n_nodes, .width = hidden, .out = 2, .activation = NOMOS_GELU}, &net->read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Discard(void *context)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(((NeuralMpm *)context)->inside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Density over sum rho^2/sum rho of its set, which is that where the points are; rho [n_sets nodes, 1]. */
static NomosTensor Relative(NomosTensor rho, size_t n_sets)
{
  const size_t      n     = NomosTensorLength(rho, 0);
  const NomosTensor sets  = NomosReshape(rho, 2, (size_t[]){n_sets, n_sets ? n / n_sets : 0});
  const NomosTensor where = NomosDivide(NomosSum(NomosMultiply(sets, sets), 1, (int[]){1}, true), NomosAffine(NomosSum(sets, 1, (int[]){1}, true), 1, 1e-30)); /* a set without points is zero */
  return NomosReshape(NomosDivide(sets, NomosAffine(where, 1, 1e-30)), 2, (size_t[]){n, 1});
}

static NomosTensor Apply(const void *context, const NomosTensor w[], const NomosParticleBatch *batch)
{
  const NeuralMpm      *net   = context;
  const NomosPointSets  sets  = {.n_sets = batch->n_sets, .first = batch->first, .x = NomosPointGridClamp(&net->grid, batch->x)};
  const NomosPointPairs pairs = NomosPointPairsCells(&net->grid, &sets);
  const size_t          n     = NomosPointGridNodes(&net->grid), n_nodes = batch->n_sets * n;
  NomosTensor           density;

  if (!NomosTensorIsValid(pairs.offset)) return pairs.offset;
  const NomosTensor weights = NomosPointWeightsLinear(&pairs), f = NomosPointSplat(&pairs, weights, batch->nodes, floor_of_density, &density);
  const NomosTensor inside  = NomosTensorFromDoubles(batch->x.tape, NomosTensorType(batch->x), 3, (size_t[]){1, n, 1}, net->inside);
  const NomosTensor on_grid = NomosConcatenate(3, (NomosTensor[]){Relative(density, batch->n_sets), NomosReshape(NomosBroadcast(inside, 3, (size_t[]){batch->n_sets, n, 1}), 2, (size_t[]){n_nodes, 1}), f}, 1);
  const NomosTensor c       = NomosPointGridFromField(NomosUNetApply(&net->unet, w, NomosPointGridToField(&net->grid, batch->n_sets, on_grid), (NomosTensor){0}, NULL));
  const NomosTensor a       = NomosPointSample(&pairs, weights, c);
  return net->own ? NomosMlpApply(&net->read, w, NomosConcatenate(2, (NomosTensor[]){a, batch->nodes}, 1)) : a;
}

static PetscErrorCode Check(const void *context, size_t n, const double x[])
{
  const NeuralMpm *net = context;

  PetscFunctionBeginUser;
  PetscCall(NomosPointGridHolds(&net->grid, net->margin, n, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleNetworkOps NomosParticleNetworkOps_NeuralMpm = {
  .name      = "neural_mpm",
  .summary   = "Particles to a grid, a U-Net, back to the particles.",
  .reference = "doi:10.48550/arXiv.2408.15753",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(NeuralMpm), .create = Create, .discard = Discard,
  .apply     = Apply, .check = Check,
};
