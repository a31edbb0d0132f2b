/* CAPE as it was published (guided_attention.h): raw parameters in one dimension, lambda/(1 + lambda) in two. */
#include "surrogates/operators/conditionings/guided_attention.h"

enum { POOL = 4 };

/* clang-format off */
static const NomosParam params[] = {
  NOMOS_GUIDED_ATTENTION_PARAMS("cape"),
  {"cape.modes", NOMOS_PARAM_INT, "", NULL, 1, 4096, NULL, false, "Fourier modes along every axis of the grid of means over 4 (4 x 4) points; unset: the paper's, 16 in 1-D and 9 in 2-D, or as many as that grid has."},
};
/* clang-format on */

/* Modes of the grid of means: up to half its points, with both corners along y, which may overlap. */
static PetscErrorCode Modes(const NomosConditioningInput *input, size_t *modes)
{
  const NomosEmulatorShape *shape = input->shape;
  size_t                    most  = SIZE_MAX;
  int64_t                   value;
  bool                      given;

  PetscFunctionBeginUser;
  for (int axis = 0; axis < shape->n_space; axis++) {
    NomosCheck(shape->points[axis] % POOL == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "neural_operator.conditioning = cape takes means over %d points: %zu points are no multiple of that; choose channel_attention, or another grid", POOL, shape->points[axis]);
    const size_t means = shape->points[axis] / POOL, twice = axis + 1 < shape->n_space && means > 1 && means % 2; /* an odd number of rows has no even number of modes beyond its half */
    most = PetscMin(most, means / 2 + !twice);
  }
  *modes = PetscMin(most, shape->n_space == 1 ? 16 : 9);
  PetscCall(NomosConfigIsGiven(input->config, "cape.modes", &given));
  if (!given) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetInt(input->config, "cape.modes", &value));
  NomosCheck((size_t)value <= most, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: cape.modes = %d, but the grid of means over %d points has %zu Fourier modes: give at most as many", NomosConfigWhere(input->config, "cape.modes"), (int)value, POOL, most);
  *modes = (size_t)value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(const NomosConditioningInput *input, void *context)
{
  NomosGuidedAttentionInput how = {.original = true, .scale = {.kind = input->shape->n_space == 1 ? NOMOS_SCALE_RAW : NOMOS_SCALE_RATIO, .n_parameters = input->shape->n_parameters}};

  PetscFunctionBeginUser;
  PetscCall(NomosGuidedAttentionFromConfig(input->config, "cape", &how));
  PetscCall(Modes(input, &how.modes));
  PetscCall(NomosGuidedAttentionCreate(input, &how, context));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosConditioningOps NomosConditioningOps_Cape = {
  .name      = "cape",
  .summary   = "Channel attention as published, with a grid and its padding in its weights.",
  .reference = "doi:10.48550/arXiv.2304.14118",
  .n_params  = sizeof params / sizeof *params, .params = params,
  .auxiliary = true,
  .size      = sizeof(NomosGuidedAttention),
  .of_grid  = true,
  .create    = Create,
  .fit       = NomosGuidedAttentionFit,
  .apply     = NomosGuidedAttentionApply,
};
