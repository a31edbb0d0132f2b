/* A learned kernel that reproduces what moving least squares reproduces. Of the k nearest sparse points, with the first weights g_j of mls and its local basis P (decoder.h),

     (s_j, t_j) = MLP([(X - Y_j)/R, |X - Y_j|/R, where X lies in the local basis])        R the distance of the farthest
     theta_j    = g_j exp(3 tanh(s_j/3)),   delta_j = g_j t_j with `signed`, else 0
     W          = theta P M^-1 (P(X) - P^T delta) + delta,   M = P^T theta P

   so that W P = P(X) whatever the weights of the network are: constants, and with `reproduces: affine` affine motions, are exact. With constants alone and no delta all W are positive (a normalised kernel); a network of zeros gives mls. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include "surrogates/modules/mlp.h"

#include <math.h>
#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"kernel.neighbours", NOMOS_PARAM_INT,    "16",     NULL, 1, NOMOS_LOCAL_MOST, NULL, false, "Nearest sparse points of a point."},
  {"kernel.width",      NOMOS_PARAM_REAL,   "0.3",    NULL, 0.05, 10, NULL, false, "Width of the Gaussian that the network's factors stand on, in units of the farthest neighbour's distance."},
  {"kernel.reproduces", NOMOS_PARAM_CHOICE, "affine", NULL, 0, 0, "constants|affine", false, "Motions that are exact whatever is learned."},
  {"kernel.signed",     NOMOS_PARAM_BOOL,   "true",   NULL, 0, 0, NULL, false, "Learn a part of any sign beside the positive factors."},
  {"kernel.layers",     NOMOS_PARAM_INT,    "2",      NULL, 0, 15, NULL, false, "Hidden layers of its network."},
  {"kernel.units",      NOMOS_PARAM_INT,    "32",     NULL, 1, 4096, NULL, false, "Units of each."},
};
/* clang-format on */

enum { BLOCK = 4096 }; /* points whose network is evaluated at once when a matrix is made */
static const double bound = 3; /* of the logarithm of a factor */

typedef struct {
  size_t          k;
  int             d;
  NomosLocalShape shape;
  bool            affine, with_sign;
  NomosMlp        mlp;
} Kernel;

/* k: neighbours of each point; where a small body has fewer, places are filled up with the weight 0. */
typedef struct {
  NomosParticleReference reference;
  NomosNeighbours        neighbours;
  size_t                 k;
  NomosIndex             sender; /* (n_points k) */
} Plan;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  Kernel     *c = context;
  const char *reproduces;
  int64_t     k, layers, units;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "kernel.neighbours", &k));
  PetscCall(NomosConfigGetInt(input->config, "kernel.layers", &layers));
  PetscCall(NomosConfigGetInt(input->config, "kernel.units", &units));
  PetscCall(NomosConfigGetReal(input->config, "kernel.width", &c->shape.width));
  PetscCall(NomosConfigGetBool(input->config, "kernel.signed", &c->with_sign));
  PetscCall(NomosConfigGetString(input->config, "kernel.reproduces", &reproduces));
  c->k      = (size_t)k;
  c->d      = input->d;
  c->affine = !strcmp(reproduces, "affine");
  PetscCall(NomosMlpCreate(input->parameters, "decoder", &(NomosMlpInput){.n_hidden = (size_t)layers, .in = 2 * (size_t)input->d + 1, .width = (size_t)units, .out = c->with_sign ? 2 : 1, .activation = NOMOS_GELU}, &c->mlp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *reference, void **plan)
{
  Plan    *p;
  int32_t *sender;

  PetscFunctionBeginUser;
  (void)parameters;
  PetscCall(PetscNew(&p));
  *plan        = p;
  p->reference = *reference;
  PetscCall(NomosReferenceNearest(reference, ((const Kernel *)context)->k, &p->neighbours));
  for (size_t i = 0; i < reference->n_points; i++) p->k = PetscMax(p->k, p->neighbours.first[i + 1] - p->neighbours.first[i]);
  PetscCall(PetscCalloc1(reference->n_points * p->k, &sender));
  for (size_t i = 0; i < reference->n_points; i++)
    for (size_t e = p->neighbours.first[i]; e < p->neighbours.first[i + 1]; e++) sender[i * p->k + e - p->neighbours.first[i]] = p->neighbours.neighbour[e];
  PetscCall(NomosIndexCreate(reference->n_points * p->k, sender, reference->n_sparse, &p->sender));
  PetscCall(PetscFree(sender));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Discard(void **plan)
{
  Plan *p = *plan;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosNeighboursFree(&p->neighbours));
  PetscCall(NomosIndexDestroy(&p->sender));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the formulas above need of points first ... first + n - 1. */
typedef struct {
  size_t  n, k, m, n_features;
  double *features; /* (n, k, n_features) */
  double *weight;   /* (n, k) g */
  double *basis;    /* (n, k, m) P */
  double *at;       /* (n, m) P(X) */
  double *left_out; /* (n, m, m): 1 on the diagonal of a direction that has none, so that M has an inverse */
} Block;

static void FillRow(const Kernel *c, const Plan *p, size_t point, size_t row, Block *b)
{
  const NomosParticleReference *r    = &p->reference;
  const size_t                  from = p->neighbours.first[point], k = p->neighbours.first[point + 1] - from, d = (size_t)c->d;
  NomosLocalBasis               local;
  double                        far = 0;

  NomosLocalBasisMake(r, &p->neighbours, point, &c->shape, &local);
  b->at[row * b->m] = 1;
  for (size_t i = 1; i < b->m; i++) {
    b->at[row * b->m + i]                     = local.at[i - 1];
    b->left_out[(row * b->m + i) * b->m + i] = !local.kept[i - 1];
  }
  for (size_t j = 0; j < k; j++) {
    double *f = b->features + (row * b->k + j) * b->n_features, *P = b->basis + (row * b->k + j) * b->m;
    P[0] = 1;
    for (size_t i = 1; i < b->m; i++) P[i] = local.columns[j][i - 1];
    b->weight[row * b->k + j] = local.weight[j];
    for (size_t a = 0; a < d; a++) {
      f[a] = r->X[point * d + a] - r->Y[(size_t)p->neighbours.neighbour[from + j] * d + a];
      f[d] += f[a] * f[a];
      f[d + 1 + a] = tanh(local.at[a]);
    }
    f[d] = sqrt(f[d]);
    far  = fmax(far, f[d]);
  }
  for (size_t j = 0; j < k; j++)
    for (size_t a = 0; a <= d && far > 0; a++) b->features[(row * b->k + j) * b->n_features + a] /= far;
}

static PetscErrorCode BlockMake(const Kernel *c, const Plan *p, size_t first, size_t n, Block *b)
{
  PetscFunctionBeginUser;
  *b = (Block){.n = n, .k = p->k, .m = c->affine ? (size_t)c->d + 1 : 1, .n_features = 2 * (size_t)c->d + 1};
  PetscCall(PetscCalloc5(n * b->k * b->n_features, &b->features, n * b->k, &b->weight, n * b->k * b->m, &b->basis, n * b->m, &b->at, n * b->m * b->m, &b->left_out));
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < n; i++) FillRow(c, p, first + i, i, b);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BlockFree(Block *b)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(b->features, b->weight, b->basis, b->at, b->left_out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W [n, k, 1] */
static NomosTensor Values(const Kernel *c, const Block *b, NomosTape tape, NomosRealType type, const NomosTensor w[])
{
  const size_t      n = b->n, k = b->k, m = b->m;
  const NomosTensor s     = NomosMlpApply(&c->mlp, w, NomosTensorFromDoubles(tape, type, 3, (size_t[]){n, k, b->n_features}, b->features));
  const NomosTensor g     = NomosTensorFromDoubles(tape, type, 3, (size_t[]){n, k, 1}, b->weight), P = NomosTensorFromDoubles(tape, type, 3, (size_t[]){n, k, m}, b->basis);
  const NomosTensor theta = NomosMultiply(g, NomosFunction(NOMOS_EXP, 0, NomosAffine(NomosFunction(NOMOS_TANH, 0, NomosAffine(NomosSlice(s, 2, 0, 1, 1), 1 / bound, 0)), bound, 0)));
  const NomosTensor M     = NomosAdd(NomosMatMul(NomosTranspose(P), NomosMultiply(theta, P)), NomosTensorFromDoubles(tape, type, 3, (size_t[]){n, m, m}, b->left_out));
  const NomosTensor at    = NomosTensorFromDoubles(tape, type, 3, (size_t[]){n, m, 1}, b->at);

  if (!c->with_sign) return NomosMultiply(theta, NomosMatMul(P, NomosSymmetricSolve(M, at)));
  const NomosTensor delta = NomosMultiply(g, NomosSlice(s, 2, 1, 1, 1));
  return NomosAdd(NomosMultiply(theta, NomosMatMul(P, NomosSymmetricSolve(M, NomosSubtract(at, NomosMatMul(NomosTranspose(P), delta))))), delta);
}

static NomosTensor Displace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u)
{
  const Kernel *c = context;
  const Plan   *p = plan;
  const size_t  n = p->reference.n_points, d = (size_t)c->d;
  Block         b;

  if (BlockMake(c, p, 0, n, &b)) return (NomosTensor){.tape = u.tape};
  const NomosTensor values = Values(c, &b, u.tape, NomosTensorType(u), w);
  const NomosTensor moved  = NomosReshape(NomosGather(u, p->sender), 3, (size_t[]){n, p->k, d});
  if (BlockFree(&b)) return (NomosTensor){.tape = u.tape};
  return NomosSum(NomosMultiply(values, moved), 1, (int[]){1}, false);
}

static PetscErrorCode Freeze(const void *context, const void *plan, NomosTape tape, const NomosTensor w[], NomosParticleMap *map)
{
  const Kernel          *c = context;
  const Plan            *p = plan;
  const NomosNeighbours *n = &p->neighbours;
  double                *all, *padded;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n->n, &all, BLOCK * p->k, &padded));
  for (size_t first = 0; first < n->n_queries; first += BLOCK) {
    const size_t        rows = PetscMin((size_t)BLOCK, n->n_queries - first);
    const NomosTapeMark mark = NomosTapeGetMark(tape);
    Block               b;
    PetscCall(BlockMake(c, p, first, rows, &b));
    PetscCall(NomosTensorGetDoubles(Values(c, &b, tape, NOMOS_F64, w), padded));
    PetscCall(BlockFree(&b));
    PetscCall(NomosTapeRewind(tape, mark));
    for (size_t i = 0; i < rows; i++)
      for (size_t e = n->first[first + i]; e < n->first[first + i + 1]; e++) all[e] = padded[i * p->k + e - n->first[first + i]];
  }
  PetscCall(NomosReferenceMatrix(n, all, &map->sparse));
  PetscCall(PetscFree2(all, padded));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_Kernel = {
  .name      = "kernel",
  .summary   = "Moving least squares with learned weights: a sparse matrix that is exact for affine motions whatever is learned.",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(Kernel), .create = Create,
  .prepare   = Prepare, .discard = Discard,
  .displace  = Displace, .freeze = Freeze,
};
