/* What corrects a state of coarse particles. Particles write what they are onto the nodes of the grid, by the quadratic B-splines w_ip of the material point method itself; convolutions; particles read it back by the same
   weights, and an MLP makes the correction of that and of what they know themselves (s_v, s_C, s_B, ...: buffers, units as in correction_impl.h):

     node      a_i = sum_p w_ip [1, v/s_v, C/s_C, (F F^T - 1)/s_B, (x_p - x_i)/dx]/per_cell,   distances to the walls in units of 4 dx, at most 1
     trunk     h = convolutions of 3 x 3 taps, SiLU, residual from the second on
     particle  o_p = MLP([sum_i w_ip h_i, v/s_v, C/s_C, (F F^T - 1)/s_B, distances to the walls, place in the cell])
     result    v += s_dv o_v,   F += s_dF o_F F (in the plane),   x += s_dx o_x

   With `conserve` o_v is taken relative to its mean over the particles of the set, and a second o_v counts near walls alone, (1 - distance/(2 dx))^2: particles of equal mass keep their momentum as long as none is near
   a wall, where the wall may push. The last layer begins at zero, and so the training at the coarse model itself. */
#include "surrogates/reduced_order_graph/correction_impl.h"

#include "operators/primitives.h"

#include <math.h>
#include <stdio.h>

enum { D = 2, TAPS = 3, NODES = TAPS * TAPS, N_OWN = D + 2 * D * D, N_SPLAT = 1 + N_OWN + D, N_WALLS = 2 * D, N_LOCAL = N_OWN + N_WALLS + D };
static const double wall_cells = 4, push_cells = 2; /* how far walls are seen, and may push */

PetscErrorCode NomosCorrectionNetworkCreate(const NomosCorrectionShape *shape, NomosCorrectionNetwork *network)
{
  char name[64];

  PetscFunctionBeginUser;
  *network       = (NomosCorrectionNetwork){.shape = *shape};
  network->n_out = (shape->position ? 2 : 1) * (shape->conserve ? 2 : 1) * D + (shape->deformation ? D * D : 0);
  for (size_t l = 0; l < shape->n_layers; l++) {
    snprintf(name, sizeof name, "grid.%zu", l);
    PetscCall(NomosConvolutionLayerCreate(shape->parameters, name, &(NomosConvolutionLayerInput){.n_space = D, .in = l ? shape->width : N_SPLAT + N_WALLS, .out = shape->width, .taps = TAPS}, &network->layers[l]));
  }
  PetscCall(NomosMlpCreate(shape->parameters, "particle", &(NomosMlpInput){.n_hidden = 1, .in = N_LOCAL + (shape->n_layers ? shape->width : 0), .width = shape->hidden, .out = shape->hidden, .activation = NOMOS_SILU}, &network->mlp));
  PetscCall(NomosLinearCreate(shape->parameters, "last", &(NomosLinearInput){.in = shape->hidden, .out = network->n_out, .rule = NOMOS_RULE_ZEROS}, &network->last));
  PetscCall(NomosParametersAdd(shape->parameters, &(NomosParameterInput){.name = "scales", .n_dims = 1, .shape = {NOMOS_N_CORRECTION_SCALES}, .initialiser = NomosInitialiserConstant(1), .buffer = true}, &network->scales));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionNetworkForget(NomosCorrectionNetwork *network)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < network->n_indices; i++) PetscCall(NomosIndexDestroy(&network->indices[i]));
  network->n_indices = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionNetworkDestroy(NomosCorrectionNetwork *network)
{
  PetscFunctionBeginUser;
  PetscCall(NomosCorrectionNetworkForget(network));
  PetscCall(PetscFree(network->indices));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- between particles and grid */

typedef struct {
  NomosCorrectionNetwork *network;
  const NomosTensor      *w;
  NomosTape               tape;
  NomosRealType           type;
  size_t                  n, n_sets;
  NomosTensor             place;   /* [n, 2] of a particle relative to the first of its nodes, cells: in [0.5, 1.5) */
  NomosTensor             weights; /* [n, 9, 1] */
  size_t                  box[D];  /* nodes along each axis that are computed, of every set about its particles */
  double                 *corner;  /* (n_sets, 2) the first of them */
  NomosIndex              nodes;   /* [n 9] */
} Grid;

static NomosTensor Scale(const Grid *g, NomosTensor x, int scale, double power)
{
  return NomosMultiply(x, NomosPower(NomosSlice(g->w[g->network->scales], 0, (size_t)scale, 1, 1), power));
}

/* What no particle reads is not computed: boxes about the particles, with a margin as wide as the convolutions reach, so that what lies beyond (zeros) does not matter. Nodes beyond the grid of the model are there too. */
static PetscErrorCode FindBoxes(Grid *g, const NomosParticleStates *states, const double base[])
{
  const double margin = (double)g->network->shape.n_layers + 1;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(states->n_sets * D, &g->corner));
  for (int a = 0; a < D; a++) {
    double most = 0;
    for (size_t set = 0; set < states->n_sets; set++) {
      double low = INFINITY, high = -INFINITY;
      for (size_t p = states->first[set]; p < states->first[set + 1]; p++) {
        low  = fmin(low, base[p * D + (size_t)a]);
        high = fmax(high, base[p * D + (size_t)a]);
      }
      g->corner[set * D + (size_t)a] = low - margin;
      most                           = fmax(most, high - low);
    }
    g->box[a] = (size_t)most + TAPS + 2 * (size_t)margin;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* First nodes, and the index list of all nine of every particle, sets behind each other. */
static PetscErrorCode FindNodes(Grid *g, const NomosParticleStates *states, const double x[], double base[])
{
  NomosCorrectionNetwork     *network = g->network;
  const NomosCorrectionShape *shape   = &network->shape;
  int32_t                    *index;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < g->n * D; i++) {
    base[i] = floor(x[i] / shape->dx - 0.5);
    NomosCheck(x[i] >= 0 && x[i] <= (double)shape->cells[i % D] * shape->dx, PETSC_COMM_SELF, PETSC_ERR_FP, "particle %zu is at %g m along axis %zu, outside of the domain", i / D, x[i], i % D);
  }
  PetscCall(FindBoxes(g, states, base));
  PetscCall(PetscMalloc1(g->n * NODES + 1, &index));
  for (size_t set = 0; set < states->n_sets; set++)
    for (size_t p = states->first[set]; p < states->first[set + 1]; p++) {
      const size_t first[D] = {(size_t)(base[p * D] - g->corner[set * D]), (size_t)(base[p * D + 1] - g->corner[set * D + 1])};
      for (size_t k = 0; k < NODES; k++) index[p * NODES + k] = (int32_t)((set * g->box[0] + first[0] + k / TAPS) * g->box[1] + first[1] + k % TAPS);
    }
  PetscCall(PetscRealloc(sizeof *network->indices * (network->n_indices + 1), &network->indices));
  PetscErrorCode code = NomosIndexCreate(g->n * NODES, index, states->n_sets * g->box[0] * g->box[1], &g->nodes);
  PetscCall(PetscFree(index));
  PetscCall(code);
  network->indices[network->n_indices++] = g->nodes;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights of the three nodes along each axis, [n, 3, 2], of the place r in [0.5, 1.5): (1.5 - r)^2/2, 3/4 - (r - 1)^2, (r - 0.5)^2/2 */
static NomosTensor AxisWeights(NomosTensor r)
{
  const size_t      n    = NomosTensorLength(r, 0), shape[3] = {n, 1, D};
  const NomosTensor w[3] = {NomosAffine(NomosPower(NomosAffine(r, -1, 1.5), 2), 0.5, 0), NomosAffine(NomosPower(NomosAffine(r, 1, -1), 2), -1, 0.75), NomosAffine(NomosPower(NomosAffine(r, 1, -0.5), 2), 0.5, 0)};
  return NomosConcatenate(3, (NomosTensor[]){NomosReshape(w[0], 3, shape), NomosReshape(w[1], 3, shape), NomosReshape(w[2], 3, shape)}, 1);
}

static PetscErrorCode GridCreate(Grid *g, const NomosParticleStates *states)
{
  const NomosTensor x = states->fields[NOMOS_TWIN_X];
  double           *values, *base;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(g->n * D + 1, &values, g->n * D + 1, &base));
  PetscErrorCode code = NomosTensorGetDoubles(x, values);
  if (!code) code = FindNodes(g, states, values, base);
  if (!code) {
    g->place               = NomosCast(NomosSubtract(NomosAffine(x, 1 / g->network->shape.dx, 0), NomosTensorCreate(g->tape, NOMOS_F64, D, (size_t[]){g->n, D}, base)), g->type);
    const NomosTensor axis = AxisWeights(g->place), along[2] = {NomosReshape(NomosSlice(axis, 2, 0, 1, 1), 3, (size_t[]){g->n, TAPS, 1}), NomosReshape(NomosSlice(axis, 2, 1, 1, 1), 3, (size_t[]){g->n, 1, TAPS})};
    g->weights             = NomosReshape(NomosMultiply(along[0], along[1]), 3, (size_t[]){g->n, NODES, 1});
  }
  PetscCall(PetscFree2(values, base));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [n, c] -> [n_sets, c + 2, cells..]: with the moments of x_p - x_i behind. */
static NomosTensor Splat(const Grid *g, NomosTensor a, const double factor[])
{
  const size_t      c     = NomosTensorLength(a, 1);
  const NomosTensor f     = NomosTensorFromDoubles(g->tape, g->type, 3, (size_t[]){g->n, 1, 1}, factor);
  double            offsets[NODES * D];
  for (int k = 0; k < NODES; k++) {
    offsets[k * D]     = -(double)(k / TAPS);
    offsets[k * D + 1] = -(double)(k % TAPS);
  }
  const NomosTensor weights = NomosMultiply(g->weights, f), relative = NomosAdd(NomosReshape(g->place, 3, (size_t[]){g->n, 1, D}), NomosTensorFromDoubles(g->tape, g->type, 3, (size_t[]){1, NODES, D}, offsets));
  const NomosTensor values  = NomosConcatenate(2, (NomosTensor[]){NomosMultiply(weights, NomosReshape(a, 3, (size_t[]){g->n, 1, c})), NomosMultiply(weights, relative)}, 2);
  const NomosTensor nodes   = NomosScatterAdd(NomosReshape(values, 2, (size_t[]){g->n * NODES, c + D}), g->nodes);
  return NomosPermute(NomosReshape(nodes, 4, (size_t[]){g->n_sets, g->box[0], g->box[1], c + D}), (int[]){0, 3, 1, 2});
}

/* [n_sets, c, cells..] -> [n, c] */
static NomosTensor Gather(const Grid *g, NomosTensor h)
{
  const size_t      c = NomosTensorLength(h, 1), rows = g->n_sets * g->box[0] * g->box[1];
  const NomosTensor nodes = NomosReshape(NomosPermute(h, (int[]){0, 2, 3, 1}), 2, (size_t[]){rows, c});
  return NomosSum(NomosMultiply(NomosReshape(NomosGather(nodes, g->nodes), 3, (size_t[]){g->n, NODES, c}), g->weights), 1, (int[]){1}, false);
}

/* ---- walls: of a coordinate x along an axis (x - low)/dx and (high - x)/dx */

static double WallDistance(const NomosCorrectionShape *shape, int wall, double x)
{
  return (wall % 2 ? shape->high[wall / 2] - x : x - shape->low[wall / 2]) / shape->dx;
}

static PetscErrorCode WallChannels(const Grid *g, NomosTensor *channels)
{
  const NomosCorrectionShape *shape = &g->network->shape;
  double                     *values;
  size_t                      at = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->n_sets * N_WALLS * g->box[0] * g->box[1], &values));
  for (size_t set = 0; set < g->n_sets; set++)
    for (int wall = 0; wall < N_WALLS; wall++)
      for (size_t i = 0; i < g->box[0]; i++)
        for (size_t j = 0; j < g->box[1]; j++) values[at++] = fmin(1, WallDistance(shape, wall, (g->corner[set * D + (size_t)wall / 2] + (double)(wall < 2 ? i : j)) * shape->dx) / wall_cells);
  *channels = NomosTensorFromDoubles(g->tape, g->type, 4, (size_t[]){g->n_sets, N_WALLS, g->box[0], g->box[1]}, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [n, 4] in cells, of particles */
static NomosTensor WallDistances(const Grid *g, NomosTensor x)
{
  const NomosCorrectionShape *shape = &g->network->shape;
  NomosTensor                 d[N_WALLS];

  for (int wall = 0; wall < N_WALLS; wall++) d[wall] = NomosAffine(NomosSlice(x, 1, (size_t)wall / 2, 1, 1), (wall % 2 ? -1 : 1) / shape->dx, WallDistance(shape, wall, 0));
  return NomosCast(NomosConcatenate(N_WALLS, d, 1), g->type);
}

/* (1 - d)_+ of d/most */
static NomosTensor Nearness(NomosTensor d, double most)
{
  return NomosFunction(NOMOS_RELU, 0, NomosAffine(d, -1 / most, 1));
}

/* ---- the correction */

/* v, C, F F^T - 1 in the plane, in units of the network: [n, 10] */
static NomosTensor Own(const Grid *g, const NomosTensor fields[])
{
  const size_t      n = g->n;
  const NomosTensor F = NomosSlice(NomosSlice(NomosCast(fields[NOMOS_TWIN_F], g->type), 1, 0, D, 1), 2, 0, D, 1);
  const NomosTensor B = NomosSubtract(NomosReshape(NomosSmallProduct(F, false, F, true), 2, (size_t[]){n, D * D}), NomosTensorFromDoubles(g->tape, g->type, 2, (size_t[]){1, D * D}, (double[]){1, 0, 0, 1}));
  const NomosTensor C = NomosReshape(NomosCast(fields[NOMOS_TWIN_C], g->type), 2, (size_t[]){n, D * D});
  return NomosConcatenate(3, (NomosTensor[]){Scale(g, NomosCast(fields[NOMOS_TWIN_V], g->type), NOMOS_SCALE_V, -1), Scale(g, C, NOMOS_SCALE_C, -1), Scale(g, B, NOMOS_SCALE_B, -1)}, 1);
}

static NomosTensor Trunk(const Grid *g, NomosTensor a)
{
  const NomosCorrectionNetwork *network = g->network;
  NomosTensor                   h       = a;

  for (size_t l = 0; l < network->shape.n_layers; l++) {
    const NomosTensor y = NomosFunction(NOMOS_SILU, 0, NomosConvolutionLayerApply(&network->layers[l], g->w, h));
    h                   = l ? NomosAdd(h, y) : y;
  }
  return h;
}

/* Minus the mean over the particles of each set. */
static PetscErrorCode Relative(const NomosParticleStates *states, NomosTensor *o)
{
  NomosTensor *parts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(states->n_sets, &parts));
  for (size_t s = 0; s < states->n_sets; s++) {
    const NomosTensor part = NomosSlice(*o, 0, states->first[s], states->first[s + 1] - states->first[s], 1);
    parts[s]               = NomosSubtract(part, NomosMean(part, 1, (int[]){0}, true));
  }
  *o = NomosConcatenate(states->n_sets, parts, 0);
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the MLP sees, [n, ..]. */
static PetscErrorCode Inputs(const Grid *g, const NomosParticleStates *states, NomosTensor walls, NomosTensor *inputs)
{
  const NomosTensor own = Own(g, states->fields), local[3] = {own, Nearness(walls, wall_cells), NomosAffine(g->place, 2, -2)};
  NomosTensor       channels;
  double           *factor;

  PetscFunctionBeginUser;
  *inputs = NomosConcatenate(3, local, 1);
  if (!g->network->shape.n_layers) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(g->n + 1, &factor));
  for (size_t s = 0; s < states->n_sets; s++)
    for (size_t p = states->first[s]; p < states->first[s + 1]; p++) factor[p] = 1 / states->per_cell[s];
  const NomosTensor one = NomosTensorConstant(g->tape, g->type, 2, (size_t[]){g->n, 1}, 1), a = Splat(g, NomosConcatenate(2, (NomosTensor[]){one, own}, 1), factor);
  PetscCall(PetscFree(factor));
  PetscCall(WallChannels(g, &channels));
  *inputs = NomosConcatenate(2, (NomosTensor[]){*inputs, Gather(g, Trunk(g, NomosConcatenate(2, (NomosTensor[]){a, channels}, 1)))}, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor AddTo(NomosTensor x, NomosTensor correction)
{
  const size_t *shape;
  const int     n_dims = NomosTensorDims(x, &shape);
  return NomosAdd(x, NomosCast(NomosReshape(correction, n_dims, shape), NOMOS_F64));
}

/* The next correction of a vector: columns *at, ... of o. */
static PetscErrorCode Vector(const Grid *g, const NomosParticleStates *states, NomosTensor near, NomosTensor o, size_t *at, NomosTensor *vector)
{
  PetscFunctionBeginUser;
  *vector = NomosSlice(o, 1, *at, D, 1);
  *at += D;
  if (!g->network->shape.conserve) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Relative(states, vector));
  *vector = NomosAdd(*vector, NomosMultiply(near, NomosSlice(o, 1, *at, D, 1)));
  *at += D;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Correct(Grid *g, const NomosTensor w[], NomosParticleStates *states)
{
  const NomosCorrectionNetwork *network = g->network;
  const NomosTensor             walls = WallDistances(g, states->fields[NOMOS_TWIN_X]), near = NomosPower(NomosMaximum(Nearness(walls, push_cells), 1, true), 2);
  NomosTensor                   in, vector;
  size_t                        at = 0;

  PetscFunctionBeginUser;
  PetscCall(Inputs(g, states, walls, &in));
  const NomosTensor o = NomosLinearApply(&network->last, w, NomosFunction(NOMOS_SILU, 0, NomosMlpApply(&network->mlp, w, in)));
  PetscCall(Vector(g, states, near, o, &at, &vector));
  states->fields[NOMOS_TWIN_V] = AddTo(states->fields[NOMOS_TWIN_V], Scale(g, vector, NOMOS_SCALE_DV, 1));
  if (network->shape.deformation) {
    const NomosTensor L = Scale(g, NomosReshape(NomosSlice(o, 1, at, D * D, 1), 3, (size_t[]){g->n, D, D}), NOMOS_SCALE_DF, 1), F = NomosCast(states->fields[NOMOS_TWIN_F], g->type);
    states->fields[NOMOS_TWIN_F] = AddTo(states->fields[NOMOS_TWIN_F], NomosSmallProduct(NomosPad(NomosPad(L, 1, 0, 3, 1), 2, 0, 3, 1), false, F, false));
    at += D * D;
  }
  if (network->shape.position) {
    PetscCall(Vector(g, states, near, o, &at, &vector));
    states->fields[NOMOS_TWIN_X] = AddTo(states->fields[NOMOS_TWIN_X], Scale(g, vector, NOMOS_SCALE_DX, 1));
  }
  PetscCall(NomosTapeStatus(g->tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosCorrectionApply(NomosCorrectionNetwork *network, const NomosTensor w[], NomosParticleStates *states)
{
  Grid g = {.network = network, .w = w, .tape = states->fields[NOMOS_TWIN_X].tape, .type = NomosParametersType(network->shape.parameters), .n = states->n, .n_sets = states->n_sets};

  PetscFunctionBeginUser;
  PetscErrorCode code = GridCreate(&g, states);
  if (!code) code = Correct(&g, w, states);
  PetscCall(PetscFree(g.corner));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
