/* What corrects a state of coarse particles. Each particle sees itself in the frame of its room: r are its distances to the nearer wall of each axis, in cells, the nearest one first, and Q turns (and mirrors) vectors so that
   both walls lie behind. What it learns at one wall it so knows at all of them: the correction commutes with the symmetries of the square, to rounding.

     own        a_p = [Q v/s_v, Q C Q^T/s_C, Q (F F^T - 1) Q^T/s_B]                      s: buffers, units as in correction_impl.h
     grid       particles write [1, v/s_v, ..., (x_p - x_i)/dx] onto the nodes x_i by the quadratic B-splines w_ip of the material point method, convolutions of 3 x 3 taps follow (SiLU, residual from the second on), and
                particles read the result h back by the same weights. With no layer there is no grid
     particle   o_p = 30 tanh(MLP([a_p, (1 - r/4)_+, place in the cell, h_p])/30)
     result     v += s_dv Q^T o_v,   F += s_dF Q^T o_F Q F (in the plane),   x += s_dx Q^T o_x

   With `reach` all o_p are multiplied by (1 - r/reach)_+ of the nearest wall, and of particles beyond nothing is computed where there is no grid. Without it, and with `conserve`, vectors o are taken relative to their mean
   over the particles of a set, and second ones count near walls alone, (1 - r/2)^2. Either way particles of equal mass keep their momentum as long as none is near a wall, where the wall may push.
   The last layer begins at zero, and so the training at the coarse model itself. */
#include "surrogates/reduced_order_graph/correction_impl.h"

#include "operators/primitives.h"

#include <math.h>
#include <stdio.h>

enum { D = 2, TAPS = 3, NODES = TAPS * TAPS, N_OWN = D + 2 * D * D, N_SPLAT = 1 + N_OWN + D, N_WALLS = 2 * D, N_LOCAL = N_OWN + 2 * D };
static const double wall_cells = 4, push_cells = 2; /* how far walls are seen, and may push */
static const double output_limit = 30;              /* that an output can be, in its units */

PetscErrorCode NomosCorrectionNetworkCreate(const NomosCorrectionShape *shape, NomosCorrectionNetwork *network)
{
  char name[64];

  PetscFunctionBeginUser;
  *network                = (NomosCorrectionNetwork){.shape = *shape};
  network->shape.conserve = shape->conserve && !(shape->reach > 0);
  shape                   = &network->shape;
  network->n_out = (shape->position ? 2 : 1) * (shape->conserve ? 2 : 1) * D + (shape->deformation ? D * D : 0);
  if (shape->stress) PetscCall(NomosSubgridStressCreate(shape->parameters, &network->stress));
  if (shape->transfer > 0) PetscCall(NomosParametersAdd(shape->parameters, &(NomosParameterInput){.name = "transfer", .n_dims = 1, .shape = {1}, .initialiser = NomosInitialiserConstant(shape->transfer)}, &network->transfer));
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

/* ---- the particles that are corrected, and their frames */

typedef struct {
  NomosCorrectionNetwork *network;
  const NomosTensor      *w;
  NomosTape               tape;
  NomosRealType           type;
  size_t                  n, n_sets;   /* particles that are corrected */
  size_t                 *first;       /* (n_sets + 1) of these */
  NomosIndex              rows;        /* [n] their places; NULL: all are */
  NomosTensor             fields[NOMOS_N_TWIN_FIELDS]; /* of these, in the network's precision but for x */
  NomosTensor             frame;       /* Q [n, 2, 2] */
  NomosTensor             r;           /* [n, 2] */
  NomosTensor             place;       /* [n, 2] relative to the first of a particle's nodes, cells: in [0.5, 1.5) */
  NomosTensor             weights;     /* [n, 9, 1] */
  size_t                  box[D];      /* nodes along each axis that are computed, of every set about its particles */
  double                 *corner;      /* (n_sets, 2) the first of them */
  NomosIndex              nodes;       /* [n 9] */
} Grid;

static NomosTensor Scale(const Grid *g, NomosTensor x, int scale, double power)
{
  return NomosMultiply(x, NomosPower(NomosSlice(g->w[g->network->scales], 0, (size_t)scale, 1, 1), power));
}

/* Of a coordinate along an axis: cells from the lower wall or from the upper one. */
static double WallDistance(const NomosCorrectionShape *shape, int wall, double x)
{
  return (wall % 2 ? shape->high[wall / 2] - x : x - shape->low[wall / 2]) / shape->dx;
}

/* The nearer walls of both axes: Q and the corner in which they meet; returns the distance to the nearest. */
static double FindFrame(const NomosCorrectionShape *shape, const double x[D], double Q[D * D], double corner[D])
{
  double distance[D], sign[D];

  for (int a = 0; a < D; a++) {
    const double low = WallDistance(shape, 2 * a, x[a]), high = WallDistance(shape, 2 * a + 1, x[a]);
    sign[a]     = low <= high ? 1 : -1;
    distance[a] = fmin(low, high);
    corner[a]   = low <= high ? shape->low[a] : shape->high[a];
  }
  const int nearest = distance[1] < distance[0];
  for (int i = 0; i < D; i++)
    for (int a = 0; a < D; a++) Q[D * i + a] = a == (i ? 1 - nearest : nearest) ? sign[a] : 0;
  return distance[nearest];
}

static PetscErrorCode KeepIndex(NomosCorrectionNetwork *network, size_t n, const int32_t list[], size_t n_rows, NomosIndex *index)
{
  PetscFunctionBeginUser;
  PetscCall(PetscRealloc(sizeof *network->indices * (network->n_indices + 1), &network->indices));
  PetscCall(NomosIndexCreate(n, list, n_rows, index));
  network->indices[network->n_indices++] = *index;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which, their frames, corners and, of all that is kept, positions x: frames (n, 2, 2), corners (n, 2), list (n), of which there is room for all particles. */
static PetscErrorCode Select(Grid *g, const NomosParticleStates *states, double x[], double frames[], double corners[], int32_t list[])
{
  const NomosCorrectionShape *shape = &g->network->shape;
  const bool                  some  = shape->reach > 0 && !shape->n_layers;

  PetscFunctionBeginUser;
  for (size_t set = 0; set < states->n_sets; set++) {
    for (size_t p = states->first[set]; p < states->first[set + 1]; p++) {
      for (size_t a = 0; a < D; a++) NomosCheck(x[p * D + a] >= shape->origin[a] && x[p * D + a] <= shape->origin[a] + (double)shape->cells[a] * shape->dx, PETSC_COMM_SELF, PETSC_ERR_FP, "particle %zu is at %g m along axis %zu, outside of the grid from %g to %g m: the corrected simulation has gone wrong there; take a smaller time step, or weights of a longer training", p - states->first[set], x[p * D + a], a, shape->origin[a], shape->origin[a] + (double)shape->cells[a] * shape->dx);
      const double nearest = FindFrame(shape, x + p * D, frames + g->n * D * D, corners + g->n * D);
      if (some && nearest >= shape->reach) continue;
      for (size_t a = 0; a < D; a++) x[g->n * D + a] = x[p * D + a];
      list[g->n++] = (int32_t)p;
    }
    g->first[set + 1] = g->n;
  }
  if (some && g->n < states->n) PetscCall(KeepIndex(g->network, g->n, list, states->n, &g->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Q v for vectors [n, 2], or with `back` Q^T v */
static NomosTensor Turn(const Grid *g, NomosTensor v, bool back)
{
  const NomosTensor Q = back ? NomosTranspose(g->frame) : g->frame;
  return NomosSum(NomosMultiply(Q, NomosReshape(v, 3, (size_t[]){g->n, 1, D})), 1, (int[]){2}, false);
}

/* Q A Q^T for matrices [n, 2, 2], or with `back` Q^T A Q */
static NomosTensor TurnMatrix(const Grid *g, NomosTensor A, bool back)
{
  return NomosSmallProduct(NomosSmallProduct(g->frame, back, A, false), false, g->frame, !back);
}

/* ---- between particles and grid */

/* What no particle reads is not computed: boxes about the particles, with a margin as wide as the convolutions reach, so that what lies beyond (zeros) does not matter. Nodes beyond the grid of the model are there too. */
static PetscErrorCode FindBoxes(Grid *g, const double base[])
{
  const double margin = (double)g->network->shape.n_layers + 1;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->n_sets * D, &g->corner));
  for (int a = 0; a < D; a++) {
    double most = 0;
    for (size_t set = 0; set < g->n_sets; set++) {
      double low = INFINITY, high = -INFINITY;
      for (size_t p = g->first[set]; p < g->first[set + 1]; p++) {
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

/* The index list of all nine nodes of every particle, sets behind each other. */
static PetscErrorCode FindNodes(Grid *g, const double base[])
{
  int32_t *index;

  PetscFunctionBeginUser;
  PetscCall(FindBoxes(g, base));
  PetscCall(PetscMalloc1(g->n * NODES + 1, &index));
  for (size_t set = 0; set < g->n_sets; set++)
    for (size_t p = g->first[set]; p < g->first[set + 1]; p++) {
      const size_t first[D] = {(size_t)(base[p * D] - g->corner[set * D]), (size_t)(base[p * D + 1] - g->corner[set * D + 1])};
      for (size_t k = 0; k < NODES; k++) index[p * NODES + k] = (int32_t)((set * g->box[0] + first[0] + k / TAPS) * g->box[1] + first[1] + k % TAPS);
    }
  PetscErrorCode code = KeepIndex(g->network, g->n * NODES, index, g->n_sets * g->box[0] * g->box[1], &g->nodes);
  PetscCall(PetscFree(index));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights of the three nodes along each axis, [n, 3, 2], of the place r in [0.5, 1.5): (1.5 - r)^2/2, 3/4 - (r - 1)^2, (r - 0.5)^2/2 */
static NomosTensor AxisWeights(NomosTensor r)
{
  const size_t      n    = NomosTensorLength(r, 0), shape[3] = {n, 1, D};
  const NomosTensor w[3] = {NomosAffine(NomosPower(NomosAffine(r, -1, 1.5), 2), 0.5, 0), NomosAffine(NomosPower(NomosAffine(r, 1, -1), 2), -1, 0.75), NomosAffine(NomosPower(NomosAffine(r, 1, -0.5), 2), 0.5, 0)};
  return NomosConcatenate(3, (NomosTensor[]){NomosReshape(w[0], 3, shape), NomosReshape(w[1], 3, shape), NomosReshape(w[2], 3, shape)}, 1);
}

/* Of the particles that are corrected, at x (n, 2). */
static PetscErrorCode Place(Grid *g, const double x[], const double frames[], const double corners[])
{
  const NomosCorrectionShape *shape = &g->network->shape;
  double                     *base;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->n * D, &base));
  for (size_t i = 0; i < g->n * D; i++) base[i] = floor((x[i] - shape->origin[i % D]) / shape->dx - 0.5);
  const NomosTensor X = g->fields[NOMOS_TWIN_X], corner = NomosTensorCreate(g->tape, NOMOS_F64, 2, (size_t[]){g->n, D}, corners), origin = NomosTensorCreate(g->tape, NOMOS_F64, 2, (size_t[]){1, D}, shape->origin);
  g->frame            = NomosTensorFromDoubles(g->tape, g->type, 3, (size_t[]){g->n, D, D}, frames);
  g->r                = Turn(g, NomosCast(NomosAffine(NomosSubtract(X, corner), 1 / shape->dx, 0), g->type), false);
  g->place            = NomosCast(NomosSubtract(NomosAffine(NomosSubtract(X, origin), 1 / shape->dx, 0), NomosTensorCreate(g->tape, NOMOS_F64, 2, (size_t[]){g->n, D}, base)), g->type);
  if (shape->n_layers) {
    PetscErrorCode    code = FindNodes(g, base);
    const NomosTensor axis = AxisWeights(g->place), along[2] = {NomosReshape(NomosSlice(axis, 2, 0, 1, 1), 3, (size_t[]){g->n, TAPS, 1}), NomosReshape(NomosSlice(axis, 2, 1, 1, 1), 3, (size_t[]){g->n, 1, TAPS})};
    if (code) PetscCall(PetscFree(base));
    PetscCall(code);
    g->weights = NomosReshape(NomosMultiply(along[0], along[1]), 3, (size_t[]){g->n, NODES, 1});
  }
  PetscCall(PetscFree(base));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GridCreate(Grid *g, const NomosParticleStates *states)
{
  double  *x, *frames, *corners;
  int32_t *list;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(states->n_sets + 1, &g->first));
  PetscCall(PetscMalloc4(states->n * D, &x, (states->n + 1) * D * D, &frames, (states->n + 1) * D, &corners, states->n, &list));
  PetscErrorCode code = NomosTensorGetDoubles(states->fields[NOMOS_TWIN_X], x);
  if (!code) code = Select(g, states, x, frames, corners, list);
  for (int f = 0; f < NOMOS_N_TWIN_FIELDS && g->n && !code; f++) {
    const NomosTensor field = g->rows ? NomosGather(states->fields[f], g->rows) : states->fields[f];
    g->fields[f]            = f == NOMOS_TWIN_X ? field : NomosCast(field, g->type);
  }
  if (!code && g->n) code = Place(g, x, frames, corners);
  PetscCall(PetscFree4(x, frames, corners, list));
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

/* ---- walls */

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
        for (size_t j = 0; j < g->box[1]; j++) values[at++] = fmin(1, WallDistance(shape, wall, shape->origin[wall / 2] + (g->corner[set * D + (size_t)wall / 2] + (double)(wall < 2 ? i : j)) * shape->dx) / wall_cells);
  *channels = NomosTensorFromDoubles(g->tape, g->type, 4, (size_t[]){g->n_sets, N_WALLS, g->box[0], g->box[1]}, values);
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (1 - d)_+ of d/most */
static NomosTensor Nearness(NomosTensor d, double most)
{
  return NomosFunction(NOMOS_RELU, 0, NomosAffine(d, -1 / most, 1));
}

/* ---- the correction */

/* F F^T - 1 in the plane */
static NomosTensor Strain(NomosTensor F)
{
  F = NomosSlice(NomosSlice(F, 1, 0, D, 1), 2, 0, D, 1);
  return NomosSubtract(NomosSmallProduct(F, false, F, true), NomosTensorFromDoubles(F.tape, NomosTensorType(F), 3, (size_t[]){1, D, D}, (double[]){1, 0, 0, 1}));
}

/* v, C, F F^T - 1 in the plane, in units of the network and in the particle's frame or that of the grid: [n, 10] */
static NomosTensor Own(const Grid *g, bool turned)
{
  const NomosTensor v = g->fields[NOMOS_TWIN_V], C = g->fields[NOMOS_TWIN_C], B = Strain(g->fields[NOMOS_TWIN_F]);
  NomosTensor       matrices[2] = {Scale(g, C, NOMOS_SCALE_C, -1), Scale(g, B, NOMOS_SCALE_B, -1)};

  for (int m = 0; m < 2; m++) matrices[m] = NomosReshape(turned ? TurnMatrix(g, matrices[m], false) : matrices[m], 2, (size_t[]){g->n, D * D});
  return NomosConcatenate(3, (NomosTensor[]){Scale(g, turned ? Turn(g, v, false) : v, NOMOS_SCALE_V, -1), matrices[0], matrices[1]}, 1);
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
static PetscErrorCode Relative(const Grid *g, NomosTensor *o)
{
  NomosTensor *parts;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(g->n_sets, &parts));
  for (size_t s = 0; s < g->n_sets; s++) {
    const NomosTensor part = NomosSlice(*o, 0, g->first[s], g->first[s + 1] - g->first[s], 1);
    parts[s]               = NomosSubtract(part, NomosMean(part, 1, (int[]){0}, true));
  }
  *o = NomosConcatenate(g->n_sets, parts, 0);
  PetscCall(PetscFree(parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the MLP sees, [n, ..]. */
static PetscErrorCode Inputs(const Grid *g, const NomosParticleStates *states, NomosTensor *inputs)
{
  NomosTensor channels;
  double     *factor;

  PetscFunctionBeginUser;
  *inputs = NomosConcatenate(3, (NomosTensor[]){Own(g, true), Nearness(g->r, wall_cells), Turn(g, NomosAffine(g->place, 2, -2), false)}, 1);
  if (!g->network->shape.n_layers) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(g->n, &factor));
  for (size_t s = 0; s < g->n_sets; s++)
    for (size_t p = g->first[s]; p < g->first[s + 1]; p++) factor[p] = 1 / states->per_cell[s];
  const NomosTensor one = NomosTensorConstant(g->tape, g->type, 2, (size_t[]){g->n, 1}, 1), a = Splat(g, NomosConcatenate(2, (NomosTensor[]){one, Own(g, false)}, 1), factor);
  PetscCall(PetscFree(factor));
  PetscCall(WallChannels(g, &channels));
  *inputs = NomosConcatenate(2, (NomosTensor[]){*inputs, Gather(g, Trunk(g, NomosConcatenate(2, (NomosTensor[]){a, channels}, 1)))}, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* field += correction [n, ..] */
static void AddTo(const Grid *g, NomosTensor *field, NomosTensor correction)
{
  correction = NomosCast(correction, NOMOS_F64);
  *field     = NomosAdd(*field, g->rows ? NomosScatterAdd(correction, g->rows) : correction);
}

/* The next correction of a vector: columns *at, ... of o. */
static PetscErrorCode Vector(const Grid *g, NomosTensor near, NomosTensor o, size_t *at, NomosTensor *vector)
{
  PetscFunctionBeginUser;
  *vector = Turn(g, NomosSlice(o, 1, *at, D, 1), true);
  *at += D;
  if (!g->network->shape.conserve) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Relative(g, vector));
  *vector = NomosAdd(*vector, NomosMultiply(near, Turn(g, NomosSlice(o, 1, *at, D, 1), true)));
  *at += D;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Correct(const Grid *g, NomosParticleStates *states)
{
  const NomosCorrectionNetwork *network = g->network;
  const double                  reach   = network->shape.reach;
  const NomosTensor             nearest = NomosSlice(g->r, 1, 0, 1, 1), near = NomosPower(Nearness(nearest, push_cells), 2);
  NomosTensor                   in, vector;
  size_t                        at = 0;

  PetscFunctionBeginUser;
  PetscCall(Inputs(g, states, &in));
  NomosTensor o = NomosLinearApply(&network->last, g->w, NomosFunction(NOMOS_SILU, 0, NomosMlpApply(&network->mlp, g->w, in)));
  o             = NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosAffine(o, 1 / output_limit, 0)), output_limit, 0);
  if (reach > 0) o = NomosMultiply(o, Nearness(nearest, reach));
  PetscCall(Vector(g, near, o, &at, &vector));
  AddTo(g, &states->fields[NOMOS_TWIN_V], Scale(g, vector, NOMOS_SCALE_DV, 1));
  if (network->shape.deformation) {
    const NomosTensor L = TurnMatrix(g, Scale(g, NomosReshape(NomosSlice(o, 1, at, D * D, 1), 3, (size_t[]){g->n, D, D}), NOMOS_SCALE_DF, 1), true);
    AddTo(g, &states->fields[NOMOS_TWIN_F], NomosSmallProduct(NomosPad(NomosPad(L, 1, 0, 3, 1), 2, 0, 3, 1), false, g->fields[NOMOS_TWIN_F], false));
    at += D * D;
  }
  if (network->shape.position) {
    PetscCall(Vector(g, near, o, &at, &vector));
    AddTo(g, &states->fields[NOMOS_TWIN_X], Scale(g, vector, NOMOS_SCALE_DX, 1));
  }
  PetscCall(NomosTapeStatus(g->tape));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of all particles. */
static void Stress(const Grid *g, NomosParticleStates *states)
{
  const NomosTensor C = NomosCast(states->fields[NOMOS_TWIN_C], g->type), b = Strain(NomosCast(states->fields[NOMOS_TWIN_F], g->type));
  const NomosTensor change = NomosSubgridStressApply(&g->network->stress, g->w, Scale(g, C, NOMOS_SCALE_C, -1), Scale(g, b, NOMOS_SCALE_B, -1));
  states->fields[NOMOS_TWIN_C] = NomosAdd(states->fields[NOMOS_TWIN_C], NomosCast(Scale(g, change, NOMOS_SCALE_C, 1), NOMOS_F64));
}

PetscErrorCode NomosCorrectionApply(NomosCorrectionNetwork *network, const NomosTensor w[], NomosParticleStates *states)
{
  Grid g = {.network = network, .w = w, .tape = states->fields[NOMOS_TWIN_X].tape, .type = NomosParametersType(network->shape.parameters), .n_sets = states->n_sets};

  PetscFunctionBeginUser;
  if (network->shape.transfer > 0) PetscCall(NomosTransferCorrect(NomosCast(w[network->transfer], NOMOS_F64), states));
  if (network->shape.stress) Stress(&g, states);
  PetscErrorCode code = GridCreate(&g, states);
  if (!code && g.n) code = Correct(&g, states);
  PetscCall(PetscFree(g.corner));
  PetscCall(PetscFree(g.first));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
