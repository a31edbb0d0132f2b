#include "surrogates/reduced_order_graph/particle_decoder_list.h"

#include "operators/primitives.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
const NomosParam nomos_particle_decoder_params[] = {
  {"particle_decoder.kind", NOMOS_PARAM_CHOICE, "mls", NULL, 0, 0, NOMOS_PARTICLE_DECODER_CHOICES, false, "How all points follow from the sparse ones, with a table of its own of this name."},
};
/* clang-format on */
const size_t nomos_n_particle_decoder_params = sizeof nomos_particle_decoder_params / sizeof *nomos_particle_decoder_params;

struct NomosParticleDecoder_s {
  const NomosParticleDecoderOps *ops;
  NomosParameters                parameters; /* borrowed; NULL: it has none */
  int                            d;
  void                          *context;
};

struct NomosParticleDecoderPlan_s {
  NomosParticleDecoder   decoder;
  NomosParticleReference reference; /* of its own */
  double                *Y, *X;
  int32_t               *Y_body, *X_body;
  void                  *plan;
  bool                   frozen;
  NomosParticleMap       map;        /* of a linear decoder, frozen */
  NomosParameters        parameters; /* of any other */
};

/* ---- the decoder */

/* NULL or "": the first one. */
static const NomosParticleDecoderOps *Find(const char name[])
{
  if (!name || !*name) return nomos_particle_decoders[0];
  for (size_t i = 0; nomos_particle_decoders[i]; i++)
    if (!strcmp(nomos_particle_decoders[i]->name, name)) return nomos_particle_decoders[i];
  return NULL;
}

static PetscErrorCode FindNamed(const char name[], const NomosParticleDecoderOps **ops)
{
  PetscFunctionBeginUser;
  *ops = Find(name);
  PetscCheck(*ops, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "there is no decoder '%s'; choose one of %s", name, NOMOS_PARTICLE_DECODER_CHOICES);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderDeclareNamed(NomosConfig config, const char name[])
{
  const NomosParticleDecoderOps *ops;

  PetscFunctionBeginUser;
  PetscCall(FindNamed(name, &ops));
  PetscCall(NomosConfigRegister(config, ops->n_params, ops->params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderDeclare(NomosConfig config)
{
  const char *name;

  PetscFunctionBeginUser; /* a name that there is not is told by the check of the choice */
  PetscCall(NomosConfigPeek(config, "particle_decoder.kind", &name));
  const NomosParticleDecoderOps *ops = Find(name);
  PetscCall(NomosConfigRegister(config, nomos_n_particle_decoder_params, nomos_particle_decoder_params));
  if (ops) PetscCall(NomosConfigRegister(config, ops->n_params, ops->params));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderCreateNamed(NomosConfig config, const char name[], NomosParameters parameters, int d, NomosParticleDecoder *decoder)
{
  const NomosParticleDecoderOps *ops;
  NomosParticleDecoder           c;

  PetscFunctionBeginUser;
  *decoder = NULL;
  PetscCall(FindNamed(name, &ops));
  PetscCheck(d == 2 || d == 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "a decoder of particles in %d dimensions: must be 2 or 3", d);
  PetscCall(PetscNew(&c));
  *c = (struct NomosParticleDecoder_s){.ops = ops, .parameters = parameters, .d = d};
  PetscCall(PetscCalloc(ops->context, &c->context));
  PetscErrorCode code = ops->create(&(NomosParticleDecoderInput){.config = config, .parameters = parameters, .d = d}, c->context);
  if (code) PetscCall(NomosParticleDecoderDestroy(&c));
  PetscCall(code);
  *decoder = c;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderCreate(NomosConfig config, NomosParameters parameters, int d, NomosParticleDecoder *decoder)
{
  const char *name;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetString(config, "particle_decoder.kind", &name));
  PetscCall(NomosParticleDecoderCreateNamed(config, name, parameters, d, decoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderDestroy(NomosParticleDecoder *decoder)
{
  PetscFunctionBeginUser;
  if (!*decoder) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*decoder)->context));
  PetscCall(PetscFree(*decoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderFit(NomosParticleDecoder decoder, NomosParameters parameters, NomosParticleData data)
{
  PetscFunctionBeginUser;
  if (decoder->ops->fit) PetscCall(decoder->ops->fit(decoder->context, parameters, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosParticleDecoderName(NomosParticleDecoder decoder)
{
  return decoder->ops->name;
}

bool NomosParticleDecoderIsLinear(NomosParticleDecoder decoder)
{
  return decoder->ops->freeze != NULL;
}

/* ---- plans */

static PetscErrorCode CheckPoints(int d, size_t n, const double x[], const char what[])
{
  PetscFunctionBeginUser;
  NomosCheck(n, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a decoder is given no %s: at least one is needed", what);
  for (size_t i = 0; i < n * (size_t)d; i++) NomosCheck(isfinite(x[i]), PETSC_COMM_SELF, PETSC_ERR_FP, "%s %zu has the coordinate %g; positions must be finite numbers", what, i / (size_t)d, x[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckBodies(size_t n, const int32_t body[], const char what[])
{
  PetscFunctionBeginUser;
  for (size_t i = 0; body && i < n; i++) NomosCheck(body[i] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s %zu is of body %d: bodies are counted from 0", what, i, (int)body[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CopyReference(const NomosParticleReference *r, NomosParticleDecoderPlan p)
{
  const size_t d = (size_t)r->d;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(r->n_sparse * d, &p->Y, r->n_points * d, &p->X, r->n_sparse, &p->Y_body, r->n_points, &p->X_body));
  PetscCall(PetscArraycpy(p->Y, r->Y, r->n_sparse * d));
  PetscCall(PetscArraycpy(p->X, r->X, r->n_points * d));
  if (r->Y_body) PetscCall(PetscArraycpy(p->Y_body, r->Y_body, r->n_sparse));
  if (r->X_body) PetscCall(PetscArraycpy(p->X_body, r->X_body, r->n_points));
  p->reference = (NomosParticleReference){.d = r->d, .n_sparse = r->n_sparse, .n_points = r->n_points, .Y = p->Y, .X = p->X, .Y_body = r->Y_body ? p->Y_body : NULL, .X_body = r->X_body ? p->X_body : NULL};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderPlanCreate(NomosParticleDecoder decoder, const NomosParticleReference *r, NomosParticleDecoderPlan *plan)
{
  NomosParticleDecoderPlan p;

  PetscFunctionBeginUser;
  *plan = NULL;
  PetscCheck(r->d == decoder->d, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "a decoder in %d dimensions is given points in %d", decoder->d, r->d);
  PetscCheck(!r->X_body == !r->Y_body, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "bodies must be given of the points and of the sparse points, or of none");
  PetscCall(CheckPoints(r->d, r->n_sparse, r->Y, "sparse point"));
  PetscCall(CheckPoints(r->d, r->n_points, r->X, "point"));
  PetscCall(CheckBodies(r->n_sparse, r->Y_body, "sparse point"));
  PetscCall(CheckBodies(r->n_points, r->X_body, "point"));
  PetscCall(PetscNew(&p));
  p->decoder = decoder;
  PetscCall(CopyReference(r, p));
  PetscErrorCode code = decoder->ops->prepare(decoder->context, decoder->parameters, &p->reference, &p->plan);
  if (code) PetscCall(NomosParticleDecoderPlanDestroy(&p));
  PetscCall(code);
  *plan = p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MapFree(NomosParticleMap *map)
{
  PetscFunctionBeginUser;
  if (!map->borrowed) PetscCall(NomosSparseMatrixDestroy(&map->sparse));
  PetscCall(PetscFree(map->left));
  PetscCall(PetscFree(map->right));
  *map = (NomosParticleMap){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderPlanDestroy(NomosParticleDecoderPlan *plan)
{
  PetscFunctionBeginUser;
  if (!*plan) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*plan)->plan) PetscCall((*plan)->decoder->ops->discard(&(*plan)->plan));
  PetscCall(MapFree(&(*plan)->map));
  PetscCall(PetscFree4((*plan)->Y, (*plan)->X, (*plan)->Y_body, (*plan)->X_body));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosParticleDecoderApply(NomosParticleDecoderPlan p, const NomosTensor w[], NomosTensor y)
{
  const NomosParticleReference *r    = &p->reference;
  const NomosRealType           type = NomosTensorType(y);
  const NomosTensor             Y = NomosTensorFromDoubles(y.tape, type, 2, (size_t[]){r->n_sparse, (size_t)r->d}, r->Y), X = NomosTensorFromDoubles(y.tape, type, 2, (size_t[]){r->n_points, (size_t)r->d}, r->X);

  return NomosAdd(X, p->decoder->ops->displace(p->decoder->context, p->plan, w, NomosSubtract(y, Y)));
}

/* ---- numbers */

static PetscErrorCode FreezeOn(NomosParticleDecoderPlan p, NomosParameters parameters, NomosTape tape)
{
  const size_t n = parameters ? NomosParametersCount(parameters) : 0;
  NomosTensor *w;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n + 1, &w));
  if (n) PetscCall(NomosParametersBind(parameters, tape, w));
  for (size_t i = 0; i < n; i++) w[i] = NomosCast(w[i], NOMOS_F64);
  PetscErrorCode code = p->decoder->ops->freeze(p->decoder->context, p->plan, tape, w, &p->map);
  PetscCall(PetscFree(w));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderFreeze(NomosParticleDecoderPlan p, NomosParameters parameters)
{
  NomosTape tape;

  PetscFunctionBeginUser;
  PetscCall(MapFree(&p->map));
  p->parameters = parameters;
  p->frozen     = true;
  if (!p->decoder->ops->freeze) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosTapeCreate(&tape));
  NomosTapeSetRecording(tape, false);
  PetscErrorCode code = FreezeOn(p, parameters, tape);
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Displacements(NomosParticleDecoderPlan p, const double y[], double u[])
{
  const NomosParticleReference *r = &p->reference;

  PetscFunctionBeginUser;
  PetscCheck(p->frozen, PETSC_COMM_SELF, PETSC_ERR_ORDER, "a decoder is evaluated before NomosParticleDecoderFreeze");
  for (size_t i = 0; i < r->n_sparse * (size_t)r->d; i++) {
    NomosCheck(isfinite(y[i]), PETSC_COMM_SELF, PETSC_ERR_FP, "sparse point %zu has the coordinate %g: what moves the sparse points has blown up, or the data have a gap", i / (size_t)r->d, y[i]);
    u[i] = y[i] - r->Y[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Value and derivative, either of which may be NULL. */
typedef struct {
  const double *x_bar;
  double       *x, *y_bar;
} Results;

static PetscErrorCode BySparse(NomosParticleDecoderPlan p, const double u[], const Results *out)
{
  const NomosParticleReference *r = &p->reference;
  const size_t                  d = (size_t)r->d;
  double                       *sum;

  PetscFunctionBeginUser;
  if (out->x) {
    NomosSparseMatrixApply(p->map.sparse, d, u, out->x);
    for (size_t i = 0; i < r->n_points * d; i++) out->x[i] += r->X[i];
  }
  if (!out->y_bar) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(r->n_sparse * d, &sum));
  NomosSparseMatrixApplyTransposed(p->map.sparse, d, out->x_bar, sum);
  for (size_t i = 0; i < r->n_sparse * d; i++) out->y_bar[i] += sum[i];
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ByFactors(NomosParticleDecoderPlan p, const double u[], const Results *out)
{
  const NomosParticleReference *r = &p->reference;
  const int                     n = (int)(r->n_points * (size_t)r->d), m = (int)(r->n_sparse * (size_t)r->d), rank = (int)p->map.rank;
  double                       *q;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)rank, &q));
  openblas_set_num_threads(1); /* with threads of its own it would round otherwise */
  if (out->x) {
    PetscCall(PetscArraycpy(out->x, r->X, (size_t)n));
    cblas_dgemv(CblasRowMajor, CblasNoTrans, rank, m, 1, p->map.right, m, u, 1, 0, q, 1);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, n, rank, 1, p->map.left, rank, q, 1, 1, out->x, 1);
  }
  if (out->y_bar) {
    cblas_dgemv(CblasRowMajor, CblasTrans, n, rank, 1, p->map.left, rank, out->x_bar, 1, 0, q, 1);
    cblas_dgemv(CblasRowMajor, CblasTrans, rank, m, 1, p->map.right, m, q, 1, 1, out->y_bar, 1);
  }
  PetscCall(PetscFree(q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A decoder that is not linear, in the parameters' own precision. */
static PetscErrorCode RunTape(NomosParticleDecoderPlan p, NomosTape tape, const double u[], const Results *out)
{
  const NomosParticleReference *r    = &p->reference;
  const NomosRealType           type = NomosParametersType(p->parameters);
  const size_t                  d    = (size_t)r->d;
  NomosTensor                   leaf = NomosTensorFromDoubles(tape, type, 2, (size_t[]){r->n_sparse, d}, u), gradient, *w;
  double                       *sum;

  PetscFunctionBeginUser;
  NomosTapeSetRecording(tape, out->y_bar != NULL);
  PetscCall(PetscMalloc2(NomosParametersCount(p->parameters), &w, r->n_sparse * d, &sum));
  PetscCall(NomosParametersBind(p->parameters, tape, w));
  const NomosTensor moved = p->decoder->ops->displace(p->decoder->context, p->plan, w, leaf);
  PetscErrorCode    code  = out->x ? NomosTensorGetDoubles(moved, out->x) : NomosTapeStatus(tape);
  for (size_t i = 0; i < r->n_points * d && out->x && !code; i++) out->x[i] += r->X[i];
  if (out->y_bar && !code) code = NomosGradient(&(NomosGradientInput){.y = moved, .y_bar = NomosTensorFromDoubles(tape, type, 2, (size_t[]){r->n_points, d}, out->x_bar), .n = 1, .x = &leaf}, &gradient);
  if (out->y_bar && !code) code = NomosTensorGetDoubles(gradient, sum);
  for (size_t i = 0; i < r->n_sparse * d && out->y_bar && !code; i++) out->y_bar[i] += sum[i];
  PetscCall(PetscFree2(w, sum));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ByTape(NomosParticleDecoderPlan p, const double u[], const Results *out)
{
  NomosTape tape;

  PetscFunctionBeginUser;
  PetscCall(NomosTapeCreate(&tape));
  PetscErrorCode code = RunTape(p, tape, u, out);
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Evaluate(NomosParticleDecoderPlan p, const double y[], const Results *out)
{
  double *u;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->reference.n_sparse * (size_t)p->reference.d, &u));
  PetscErrorCode code = Displacements(p, y, u);
  if (!code) code = p->map.sparse ? BySparse(p, u, out) : p->map.rank ? ByFactors(p, u, out) : ByTape(p, u, out);
  PetscCall(PetscFree(u));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderEvaluate(NomosParticleDecoderPlan plan, const double y[], double x[])
{
  PetscFunctionBeginUser;
  PetscCall(Evaluate(plan, y, &(Results){.x = x}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosParticleDecoderEvaluateVjp(NomosParticleDecoderPlan plan, const double y[], const double x_bar[], double y_bar[])
{
  PetscFunctionBeginUser;
  PetscCall(Evaluate(plan, y, &(Results){.x_bar = x_bar, .y_bar = y_bar}));
  PetscFunctionReturn(PETSC_SUCCESS);
}
