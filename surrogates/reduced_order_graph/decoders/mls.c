/* Moving least squares (Lancaster & Salkauskas 1981, doi:10.1090/S0025-5718-1981-0616367-1): at every point the affine function that fits the k nearest sparse points best, near ones counting more. Exact for every affine motion; where
   neighbours lie in a plane or on a line, for those within it, and constant across (decoder.h). */
#include "surrogates/reduced_order_graph/decoders/decoder.h"

#include <string.h>

/* clang-format off */
static const NomosParam params[] = {
  {"mls.neighbours", NOMOS_PARAM_INT,    "10",       NULL, 1, NOMOS_LOCAL_MOST, NULL, false, "Nearest sparse points of a point."},
  {"mls.weight",     NOMOS_PARAM_CHOICE, "gaussian", NULL, 0, 0, "gaussian|cubic", false, "How they count by distance."},
  {"mls.width",      NOMOS_PARAM_REAL,   "0.3",      NULL, 0.05, 10, NULL, false, "Width of the Gaussian, or where the cubic spline ends, in units of the farthest neighbour's distance."},
};
/* clang-format on */

typedef struct {
  NomosLocalShape shape; /* first, for NomosLocalRow */
  size_t          k;
} Mls;

static PetscErrorCode Create(const NomosParticleDecoderInput *input, void *context)
{
  Mls        *m = context;
  const char *weight;
  int64_t     k;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetInt(input->config, "mls.neighbours", &k));
  PetscCall(NomosConfigGetString(input->config, "mls.weight", &weight));
  PetscCall(NomosConfigGetReal(input->config, "mls.width", &m->shape.width));
  m->k            = (size_t)k;
  m->shape.weight = strcmp(weight, "cubic") ? NOMOS_LOCAL_GAUSSIAN : NOMOS_LOCAL_CUBIC;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const void *context, NomosParameters parameters, const NomosParticleReference *reference, void **plan)
{
  PetscFunctionBeginUser;
  (void)parameters;
  PetscCall(NomosReferenceMatrixPrepare(context, ((const Mls *)context)->k, NomosLocalRow, reference, plan));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosParticleDecoderOps NomosParticleDecoderOps_Mls = {
  .name      = "mls",
  .summary   = "Moving least squares, exact for affine motions; nothing is learned.",
  .reference = "doi:10.1090/S0025-5718-1981-0616367-1",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .context   = sizeof(Mls), .create = Create,
  .prepare   = Prepare, .discard = NomosReferenceMatrixDiscard,
  .displace  = NomosReferenceMatrixDisplace, .freeze = NomosReferenceMatrixFreeze,
};
