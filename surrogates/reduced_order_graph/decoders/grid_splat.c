/* GIOROM's decoder of 2026 (Viswanath et al., TMLR): channels of the sparse points are splatted on a grid of the reference state, smoothed, looked up at X, and a small network adds what is missing. In the unit box,

     f_j = gelu(A u_j + a),   (f, u)(X) = sum_j K(X, Y_j) (f_j, u_j) / sum_j K(X, Y_j)
     x(X) = X + u(X) + MLP([f(X), u(X), sin(2^l pi X), cos(2^l pi X)]),  l = 0, 1, 2

   K splats by hat functions, and looks up by hat functions at X plus a normal number of 0.8 voxel. The authors draw 8 of these at every look-up; here is the mean over all of them, in closed form: a product over the axes of
   sum_g hat(Y - g) E hat(X + 0.8 N - g) over the two nodes g beside Y. Nothing is random and no grid is stored. `output: position` leaves out the first X, as published: the network then has to learn it from its sines. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include "surrogates/modules/mlp.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LEVELS = 3 };
static const double blur = 0.8, reach = 4.4; /* voxels: deviation; beyond the reach of two hats and three deviations nothing is left */
static const double clip_low = 0.001, clip_high = 0.999;

/* clang-format off */
static const NomosParam params[] = {
  {"grid_splat.cells",  NOMOS_PARAM_INT,    "64",           NULL, 2, 4096, NULL, false, "Nodes of the grid along the box."},
  {"grid_splat.layers", NOMOS_PARAM_INT,    "2",            NULL, 0, NOMOS_MLP_MAX_LAYERS - 1, NULL, false, "Hidden layers of the network."},
  {"grid_splat.units",  NOMOS_PARAM_INT,    "64",           NULL, 1, 4096, NULL, false, "Units of each."},
  {"grid_splat.output", NOMOS_PARAM_CHOICE, "displacement", NULL, 0, 0, "displacement|position", false, "What the look-up and the network add up to; the paper's code takes it for the position."},
  {"grid_splat.clip",   NOMOS_PARAM_BOOL,   "false",        NULL, 0, 0, NULL, false, "Clip positions to [0.001, 0.999] of the box, as the paper's code does."},
};
/* clang-format on */

typedef struct {
  NomosReferenceBox box; /* first, for NomosReferenceBoxFit */
  int               d;
  double            cells;
  bool              position, clip;
  NomosLinear       lift;
  NomosMlp          mlp;
} GridSplat;

typedef struct {
  size_t            n_points;
  NomosSparseMatrix kernel;            /* K, rows of sum 1 */
  double           *X, *waves, extent; /* X (n_points, d) in the box; waves (n_points, 2 LEVELS d) */
} Plan;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  GridSplat   *c = context;
  const size_t d = (size_t)input->d;
  const char  *output;
  int64_t      cells, layers, units;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "grid_splat.cells", &cells));
  PetscCall(NomosConfigGetInt(input->config, "grid_splat.layers", &layers));
  PetscCall(NomosConfigGetInt(input->config, "grid_splat.units", &units));
  PetscCall(NomosConfigGetString(input->config, "grid_splat.output", &output));
  PetscCall(NomosConfigGetBool(input->config, "grid_splat.clip", &c->clip));
  c->d        = input->d;
  c->cells    = (double)cells;
  c->position = !strcmp(output, "position");
  PetscCall(NomosReferenceBoxCreate(input, &c->box));
  PetscCall(NomosLinearCreate(input->parameters, "decoder.lift", &(NomosLinearInput){.in = d, .out = d}, &c->lift));
  PetscCall(NomosMlpCreate(input->parameters, "decoder", &(NomosMlpInput){.n_hidden = (size_t)layers, .in = 2 * d + 2 * LEVELS * d, .width = (size_t)units, .out = d, .activation = NOMOS_GELU}, &c->mlp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the kernel */

/* The second integral of the normal density of deviation `blur`: E max(s + blur N, 0). */
static double Ramp(double s)
{
  const double t = s / blur;

  return 0.5 * s * erfc(-t * M_SQRT1_2) + blur * exp(-0.5 * t * t) / sqrt(2 * M_PI);
}

/* E hat(s + blur N), hat(s) = max(1 - |s|, 0) */
static double BlurredHat(double s)
{
  return Ramp(s + 1) - 2 * Ramp(s) + Ramp(s - 1);
}

/* One axis, in voxels. */
static double Axis(double x, double y)
{
  const double g = floor(y), part = y - g;

  return (1 - part) * BlurredHat(x - g) + part * BlurredHat(x - g - 1);
}

static void Row(const GridSplat *c, const NomosParticleReference *r, const double low[3], const NomosNeighbours *n, size_t point, double values[], Plan *p)
{
  const size_t d     = (size_t)c->d;
  const double voxel = p->extent / (c->cells - 1);
  double       sum   = 0;

  for (size_t e = n->first[point]; e < n->first[point + 1]; e++) {
    values[e] = 1;
    for (size_t a = 0; a < d; a++) values[e] *= fmax(Axis((r->X[point * d + a] - low[a]) / voxel, (r->Y[(size_t)n->neighbour[e] * d + a] - low[a]) / voxel), DBL_MIN);
    values[e] = fmax(values[e], DBL_MIN);
    sum += values[e];
  }
  for (size_t e = n->first[point]; e < n->first[point + 1]; e++) values[e] /= sum;
  for (size_t a = 0; a < d; a++) {
    const double x = p->X[point * d + a] = (r->X[point * d + a] - low[a]) / p->extent;
    for (size_t l = 0; l < LEVELS; l++) {
      p->waves[(point * 2 * LEVELS + 2 * l) * d + a]     = sin((double)(1 << l) * M_PI * x);
      p->waves[(point * 2 * LEVELS + 2 * l + 1) * d + a] = cos((double)(1 << l) * M_PI * x);
    }
  }
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *r, void **plan)
{
  const GridSplat *c = context;
  const size_t     d = (size_t)r->d;
  NomosNeighbours  n;
  Plan            *p;
  double           low[3], *values;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  *plan       = p;
  p->n_points = r->n_points;
  PetscCall(NomosReferenceBoxGet(&c->box, parameters, low, &p->extent));
  PetscCall(NomosReferenceWithin(r, reach * p->extent / (c->cells - 1), &n));
  PetscCall(PetscMalloc2(r->n_points * d, &p->X, r->n_points * 2 * LEVELS * d, &p->waves));
  PetscCall(PetscMalloc1(n.n, &values));
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < r->n_points; i++) Row(c, r, low, &n, i, values, p);
  PetscCall(NomosReferenceMatrix(&n, values, &p->kernel));
  PetscCall(PetscFree(values));
  PetscCall(NomosNeighboursFree(&n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Discard(void **plan)
{
  Plan *p = *plan;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSparseMatrixDestroy(&p->kernel));
  PetscCall(PetscFree2(p->X, p->waves));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- displacements */

static NomosTensor Displace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u)
{
  const GridSplat    *c    = context;
  const Plan         *p    = plan;
  const NomosRealType type = NomosTensorType(u);
  const size_t        n = p->n_points, d = (size_t)c->d;
  const NomosTensor   v     = NomosAffine(u, 1 / p->extent, 0), f = NomosFunction(NOMOS_GELU, 0, NomosLinearApply(&c->lift, w, v));
  const NomosTensor   seen  = NomosSparseMultiply(p->kernel, NomosConcatenate(2, (const NomosTensor[]){f, v}, 1));
  const NomosTensor   waves = NomosTensorFromDoubles(u.tape, type, 2, (size_t[]){n, 2 * LEVELS * d}, p->waves), X = NomosTensorFromDoubles(u.tape, type, 2, (size_t[]){n, d}, p->X);
  const NomosTensor   out   = NomosAdd(NomosSlice(seen, 1, d, d, 1), NomosMlpApply(&c->mlp, w, NomosConcatenate(2, (const NomosTensor[]){seen, waves}, 1)));

  if (!c->position && !c->clip) return NomosAffine(out, p->extent, 0);
  NomosTensor x = c->position ? out : NomosAdd(X, out);
  if (c->clip) x = NomosClip(x, NomosTensorConstant(u.tape, type, 0, NULL, clip_low), NomosTensorConstant(u.tape, type, 0, NULL, clip_high));
  return NomosAffine(NomosSubtract(x, X), p->extent, 0);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_GridSplat = {
  .name      = "grid_splat",
  .summary   = "GIOROM's decoder of 2026: splats on a grid, smoothed and looked up, and a small network.",
  .reference = "doi:10.48550/arXiv.2407.03925",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(GridSplat), .create = Create, .fit = NomosReferenceBoxFit,
  .prepare   = Prepare, .discard = Discard,
  .displace  = Displace,
};
