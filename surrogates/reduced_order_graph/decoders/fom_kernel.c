/* GIOROM's learned kernel of 2025 as published (Viswanath et al., doi:10.48550/arXiv.2407.03925v3): x(X) = mean over the sparse points Y_j within R of X of MLP([Y_j, y_j]). The point X is no input of the network, so that x is constant wherever
   the same sparse points are near, and the network is evaluated once a sparse point. Places are those of the unit box. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include "surrogates/modules/mlp.h"

#include <float.h>

/* clang-format off */
static const NomosParam params[] = {
  {"fom_kernel.radius", NOMOS_PARAM_REAL, "0.054", "m", DBL_MIN, DBL_MAX, NULL, false, "R; the paper's code has 0.024 for water, 0.054 for sand, in a unit box."},
  {"fom_kernel.layers", NOMOS_PARAM_INT,  "2",     NULL, 1, NOMOS_MLP_MAX_LAYERS - 1, NULL, false, "Hidden layers of the network."},
  {"fom_kernel.units",  NOMOS_PARAM_INT,  "256",   NULL, 1, 4096, NULL, false, "Units of each."},
};
/* clang-format on */

typedef struct {
  NomosReferenceBox box; /* first, for NomosReferenceBoxFit */
  int               d;
  double            radius;
  NomosMlp          mlp;
} FomKernel;

typedef struct {
  size_t            n_points, n_sparse;
  NomosSparseMatrix mean;           /* over the sparse points near a point */
  double           *X, *Y, extent; /* X and Y in the unit box */
} Plan;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  FomKernel *c = context;
  int64_t    layers, units;

  PetscFunctionBeginUser;
  c->d = input->d;
  PetscCall(NomosConfigGetReal(input->config, "fom_kernel.radius", &c->radius));
  PetscCall(NomosConfigGetInt(input->config, "fom_kernel.layers", &layers));
  PetscCall(NomosConfigGetInt(input->config, "fom_kernel.units", &units));
  PetscCall(NomosReferenceBoxCreate(input, &c->box));
  PetscCall(NomosMlpCreate(input->parameters, "decoder", &(NomosMlpInput){.n_hidden = (size_t)layers, .in = 2 * (size_t)input->d, .width = (size_t)units, .out = (size_t)input->d, .activation = NOMOS_TANH}, &c->mlp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *r, void **plan)
{
  const FomKernel *c = context;
  const size_t     d = (size_t)r->d;
  NomosNeighbours  n;
  Plan            *p;
  double           low[3], *share;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&p));
  *plan       = p;
  p->n_points = r->n_points;
  p->n_sparse = r->n_sparse;
  PetscCall(NomosReferenceBoxGet(&c->box, parameters, low, &p->extent));
  PetscCall(NomosReferenceWithin(r, c->radius, &n));
  PetscCall(PetscMalloc1(n.n, &share));
  for (size_t i = 0; i < r->n_points; i++)
    for (size_t e = n.first[i]; e < n.first[i + 1]; e++) share[e] = 1 / (double)(n.first[i + 1] - n.first[i]);
  PetscCall(NomosReferenceMatrix(&n, share, &p->mean));
  PetscCall(PetscFree(share));
  PetscCall(NomosNeighboursFree(&n));
  PetscCall(PetscMalloc2(r->n_points * d, &p->X, r->n_sparse * d, &p->Y));
  for (size_t i = 0; i < r->n_points * d; i++) p->X[i] = (r->X[i] - low[i % d]) / p->extent;
  for (size_t i = 0; i < r->n_sparse * d; i++) p->Y[i] = (r->Y[i] - low[i % d]) / p->extent;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Discard(void **plan)
{
  Plan *p = *plan;

  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosSparseMatrixDestroy(&p->mean));
  PetscCall(PetscFree2(p->X, p->Y));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Displace(const void *context, const void *plan, const NomosTensor w[], NomosTensor u)
{
  const FomKernel    *c    = context;
  const Plan         *p    = plan;
  const NomosRealType type = NomosTensorType(u);
  const size_t        d    = (size_t)c->d;
  const NomosTensor   Y    = NomosTensorFromDoubles(u.tape, type, 2, (size_t[]){p->n_sparse, d}, p->Y), y = NomosAdd(Y, NomosAffine(u, 1 / p->extent, 0));
  const NomosTensor   each = NomosMlpApply(&c->mlp, w, NomosConcatenate(2, (const NomosTensor[]){Y, y}, 1));
  const NomosTensor   mean = NomosSparseMultiply(p->mean, each);

  return NomosAffine(NomosSubtract(mean, NomosTensorFromDoubles(u.tape, type, 2, (size_t[]){p->n_points, d}, p->X)), p->extent, 0);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_FomKernel = {
  .name      = "fom_kernel",
  .summary   = "GIOROM's learned kernel of 2025, constant wherever the same sparse points are near.",
  .reference = "doi:10.48550/arXiv.2407.03925",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(FomKernel), .create = Create, .fit = NomosReferenceBoxFit,
  .prepare   = Prepare, .discard = Discard,
  .displace  = Displace,
};
