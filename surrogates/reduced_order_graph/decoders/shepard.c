/* Inverse distances (Shepard 1968, doi:10.1145/800186.810616) of the k nearest sparse points: W_j = |X - Y_j|^-p / sum. Exact for translations and at the sparse points; between them it flattens. */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include <float.h>
#include <math.h>

/* clang-format off */
static const NomosParam params[] = {
  {"shepard.neighbours", NOMOS_PARAM_INT,  "6", NULL, 1, 1000, NULL, false, "Nearest sparse points of a point."},
  {"shepard.power",      NOMOS_PARAM_REAL, "2", NULL, DBL_MIN, 20, NULL, false, "Weights are distances to the power of minus this."},
};
/* clang-format on */

typedef struct {
  size_t k;
  double power;
} Shepard;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  Shepard *s = context;
  int64_t  k;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "shepard.neighbours", &k));
  PetscCall(NomosConfigGetReal(input->config, "shepard.power", &s->power));
  s->k = (size_t)k;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In units of the nearest one's distance, so that no power overflows; a point on a sparse point is that one. */
static void Row(const void *context, const NomosParticleReference *r, const NomosNeighbours *n, size_t point, double values[])
{
  const Shepard *s       = context;
  const size_t   from    = n->first[point], k = n->first[point + 1] - from;
  double         nearest = INFINITY, sum = 0;

  for (size_t j = 0; j < k; j++) {
    values[from + j] = 0;
    for (int a = 0; a < r->d; a++) values[from + j] += PetscSqr(r->X[point * (size_t)r->d + (size_t)a] - r->Y[(size_t)n->neighbour[from + j] * (size_t)r->d + (size_t)a]);
    nearest = fmin(nearest, values[from + j]);
  }
  for (size_t j = 0; j < k; j++) sum += values[from + j] = nearest > 0 ? pow(values[from + j] / nearest, -0.5 * s->power) : values[from + j] == 0;
  for (size_t j = 0; j < k; j++) values[from + j] /= sum;
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *reference, void **plan)
{
  PetscFunctionBeginUser;
  (void)parameters;
  PetscCall(NomosReferenceMatrixPrepare(context, ((const Shepard *)context)->k, Row, reference, plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_Shepard = {
  .name      = "shepard",
  .summary   = "Inverse distances of the nearest sparse points; nothing is learned.",
  .reference = "doi:10.1145/800186.810616",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(Shepard), .create = Create,
  .prepare   = Prepare, .discard = NomosReferenceMatrixDiscard,
  .displace  = NomosReferenceMatrixDisplace, .freeze = NomosReferenceMatrixFreeze,
};
