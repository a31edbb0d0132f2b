/* A field of deformations by a neural basis: u(X) = W(X) q, W an MLP of the reference position. What the training learns is the basis; the r coordinates q follow at every frame from the sparse points by least squares,

     q = argmin sum_j |W(Y_j) q - u_j|^2 + ridge |W|^2 |q|^2

   also within the training, which so sees the error of what is done later. Chen et al. (2023, CROM), doi:10.48550/arXiv.2206.02607; Chang et al. (2023, LiCROM), doi:10.1145/3610548.3618158, whose basis it is:
   five hidden layers of 60, ELU, r = 20. `channels` c > 0 puts a matrix (d, c) without bias behind: LiCROM's network for bodies with holes has c = 15. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include "surrogates/modules/mlp.h"

#include <float.h>

/* clang-format off */
static const NomosParam params[] = {
  {"neural_field.rank",     NOMOS_PARAM_INT,  "20",   NULL, 1, 1000, NULL, false, "Coordinates q of a deformation."},
  {"neural_field.layers",   NOMOS_PARAM_INT,  "5",    NULL, 0, NOMOS_MLP_MAX_LAYERS - 1, NULL, false, "Hidden layers of the basis."},
  {"neural_field.units",    NOMOS_PARAM_INT,  "60",   NULL, 1, 4096, NULL, false, "Units of each."},
  {"neural_field.channels", NOMOS_PARAM_INT,  "0",    NULL, 0, 4096, NULL, false, "Components of a basis vector before a last matrix; 0: those of space, without one."},
  {"neural_field.ridge",    NOMOS_PARAM_REAL, "1e-6", NULL, DBL_MIN, 1, NULL, false, "Of the least squares, in units of the mean square of the basis."},
};
/* clang-format on */

typedef struct {
  NomosReferenceBox box; /* first, for NomosReferenceBoxFit */
  int               d;
  size_t            rank, n_channels; /* n_channels: before the last matrix, d where there is none */
  bool              mixed;
  double            ridge;
  NomosMlp          mlp;
  NomosLinear       mix;
} NeuralField;

typedef struct {
  size_t  n_points, n_sparse;
  double *X, *Y; /* in [-1, 1] of the box */
} Plan;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  NeuralField *c = context;
  int64_t      rank, layers, units, channels;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "neural_field.rank", &rank));
  PetscCall(NomosConfigGetInt(input->config, "neural_field.layers", &layers));
  PetscCall(NomosConfigGetInt(input->config, "neural_field.units", &units));
  PetscCall(NomosConfigGetInt(input->config, "neural_field.channels", &channels));
  PetscCall(NomosConfigGetReal(input->config, "neural_field.ridge", &c->ridge));
  c->d          = input->d;
  c->rank       = (size_t)rank;
  c->mixed      = channels > 0;
  c->n_channels = c->mixed ? (size_t)channels : (size_t)input->d;
  PetscCall(NomosReferenceBoxCreate(input, &c->box));
  PetscCall(NomosMlpCreate(input->parameters, "decoder", &(NomosMlpInput){.n_hidden = (size_t)layers, .in = (size_t)input->d, .width = (size_t)units, .out = c->rank * c->n_channels, .activation = NOMOS_ELU}, &c->mlp));
  if (c->mixed) PetscCall(NomosLinearCreate(input->parameters, "decoder.mix", &(NomosLinearInput){.in = c->n_channels, .out = (size_t)input->d, .no_bias = true}, &c->mix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *r, void **plan)
{
  const NeuralField *c = context;
  const size_t       d = (size_t)r->d;
  Plan              *p;
  double             low[3], extent;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  *plan       = p;
  p->n_points = r->n_points;
  p->n_sparse = r->n_sparse;
  PetscCall(NomosReferenceBoxGet(&c->box, parameters, low, &extent));
  PetscCall(PetscMalloc2(r->n_points * d, &p->X, r->n_sparse * d, &p->Y));
  for (size_t i = 0; i < r->n_points * d; i++) p->X[i] = 2 * (r->X[i] - low[i % d]) / extent - 1;
  for (size_t i = 0; i < r->n_sparse * d; i++) p->Y[i] = 2 * (r->Y[i] - low[i % d]) / extent - 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Discard(void **plan)
{
  Plan *p = *plan;

  PetscFunctionBeginUser;
  if (p) PetscCall(PetscFree2(p->X, p->Y));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* W(X) [n d, r] */
static NomosTensor Basis(const NeuralField *c, const NomosTensor w[], size_t n, NomosTensor X)
{
  NomosTensor basis = NomosReshape(NomosMlpApply(&c->mlp, w, X), 3, (size_t[]){n, c->rank, c->n_channels});

  if (c->mixed) basis = NomosLinearApply(&c->mix, w, basis);
  return NomosReshape(NomosPermute(basis, (int[]){0, 2, 1}), 2, (size_t[]){n * (size_t)c->d, c->rank});
}

static NomosTensor Places(const NeuralField *c, NomosTape tape, NomosRealType type, size_t n, const double x[])
{
  return NomosTensorFromDoubles(tape, type, 2, (size_t[]){n, (size_t)c->d}, x);
}

/* (W^T W + ridge |W|^2/r 1)^-1 W^T b of the sparse points' basis W, in units of their number. In float64: columns of first weights are nearly dependent, and the ridge is no more than a rounding in float32. */
static NomosTensor LeastSquares(const NeuralField *c, NomosTensor basis, NomosTensor b)
{
  const size_t        r     = c->rank;
  const double        share = 1 / (double)NomosTensorLength(basis, 0);
  const NomosRealType type  = NomosTensorType(b);
  double             *one   = NULL;

  if (PetscCalloc1(r * r, &one)) return (NomosTensor){.tape = basis.tape};
  for (size_t i = 0; i < r; i++) one[i * r + i] = c->ridge;
  basis                    = NomosCast(basis, NOMOS_F64);
  const NomosTensor ridge  = NomosMultiply(NomosTensorFromDoubles(basis.tape, NOMOS_F64, 2, (size_t[]){r, r}, one), NomosMeanAll(NomosPower(basis, 2)));
  const NomosTensor normal = NomosAdd(NomosAffine(NomosMatMul(NomosTranspose(basis), basis), share, 0), ridge);
  if (PetscFree(one)) return (NomosTensor){.tape = basis.tape};
  return NomosCast(NomosSymmetricSolve(normal, NomosAffine(NomosMatMul(NomosTranspose(basis), NomosCast(b, NOMOS_F64)), share, 0)), type);
}

static NomosTensor Displace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u)
{
  const NeuralField  *c    = context;
  const Plan         *p    = plan;
  const size_t        d    = (size_t)c->d;
  const NomosRealType type = NomosTensorType(u);
  const NomosTensor   q    = LeastSquares(c, Basis(c, w, p->n_sparse, Places(c, u.tape, type, p->n_sparse, p->Y)), NomosReshape(u, 2, (size_t[]){p->n_sparse * d, 1}));

  return NomosReshape(NomosMatMul(Basis(c, w, p->n_points, Places(c, u.tape, type, p->n_points, p->X)), q), 2, (size_t[]){p->n_points, d});
}

static PetscErrorCode Freeze(const void *context, const void *plan, NomosTape tape, const NomosTensor w[], NomosParticleMap *map)
{
  const NeuralField *c = context;
  const Plan        *p = plan;
  const size_t       d = (size_t)c->d, n = p->n_sparse * d;
  double            *one;

  PetscFunctionBeginUser;
  map->rank = c->rank;
  PetscCall(PetscMalloc1(p->n_points * d * c->rank, &map->left));
  PetscCall(PetscMalloc1(c->rank * n, &map->right));
  PetscCall(NomosTensorGetDoubles(Basis(c, w, p->n_points, Places(c, tape, NOMOS_F64, p->n_points, p->X)), map->left));
  PetscCall(PetscCalloc1(n * n, &one));
  for (size_t i = 0; i < n; i++) one[i * n + i] = 1;
  PetscCall(NomosTensorGetDoubles(LeastSquares(c, Basis(c, w, p->n_sparse, Places(c, tape, NOMOS_F64, p->n_sparse, p->Y)), NomosTensorFromDoubles(tape, NOMOS_F64, 2, (size_t[]){n, n}, one)), map->right));
  PetscCall(PetscFree(one));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_NeuralField = {
  .name      = "neural_field",
  .summary   = "A learned basis of deformations (CROM, LiCROM), its coordinates by least squares from the sparse points.",
  .reference = "doi:10.48550/arXiv.2206.02607; doi:10.1145/3610548.3618158",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(NeuralField), .create = Create, .fit = NomosReferenceBoxFit,
  .prepare   = Prepare, .discard = Discard,
  .displace  = Displace, .freeze = Freeze,
};
