#include "surrogates/operators/conditionings/guided_attention.h"

#include <stdio.h>

enum { TAPS = 5, POOL = 4 };
static const double epsilon = 1e-5; /* of the layer norm */

PetscErrorCode NomosGuidedAttentionFromConfig(NomosConfig config, const char name[], NomosGuidedAttentionInput *attention)
{
  static const char *const paths[NOMOS_N_PATHS] = {"global", "pointwise", "local"};
  char                     key[64];
  int64_t                  width;
  bool                     any = false;

  PetscFunctionBeginUser;
  attention->name = name;
  snprintf(key, sizeof key, "%s.width", name);
  PetscCall(NomosConfigGetInt(config, key, &width));
  NomosCheck(width % 2 == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "%s: %s = %d: must be even, as half as many channels go into the paths", NomosConfigWhere(config, key), key, (int)width);
  attention->width = (size_t)width;
  for (int p = 0; p < NOMOS_N_PATHS; p++) {
    snprintf(key, sizeof key, "%s.%s", name, paths[p]);
    PetscCall(NomosConfigGetBool(config, key, &attention->paths[p]));
    any = any || attention->paths[p];
  }
  PetscCheck(any, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: %s has none of its paths global, pointwise and local: turn one on, or choose neural_operator.conditioning: none", NomosConfigWhere(config, key), name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Norm of every field over space, with scale and shift [(ny,) nx]. */
static PetscErrorCode GridNorm(NomosParameters parameters, NomosGuidedAttention *a, const char name[])
{
  NomosParameterInput norm = {.n_dims = a->shape.n_space, .shape = {a->shape.points[0], a->shape.points[1]}};
  char                full[256];

  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "%s.norm", name);
  norm.prefix      = full;
  norm.name        = "weight";
  norm.initialiser = NomosInitialiserConstant(1);
  PetscCall(NomosParametersAdd(parameters, &norm, &a->norm_weight));
  norm.name        = "bias";
  norm.initialiser = NomosInitialiserConstant(0);
  PetscCall(NomosParametersAdd(parameters, &norm, &a->norm_bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGuidedAttentionCreate(const NomosConditioningInput *input, const NomosGuidedAttentionInput *how, NomosGuidedAttention *a)
{
  const NomosEmulatorShape *shape = input->shape;
  const int                 n_space = shape->n_space;
  const size_t              half = how->width / 2, fields = shape->n_fields;
  const bool                circular = shape->periodic && !how->original;
  char                      full[256];
  const struct {
    const char                 *name;
    NomosConvolutionLayer      *layer;
    bool                        present;
    NomosConvolutionLayerInput input;
  } layers[] = {
    {"entry",     &a->entry,     true,                           {.n_space = n_space, .in = fields, .out = half, .taps = TAPS, .circular = circular, .no_bias = true}},
    {"pointwise", &a->pointwise, how->paths[NOMOS_PATH_POINTWISE], {.n_space = n_space, .in = half, .out = how->width, .taps = 1}},
    {"local",     &a->local,     how->paths[NOMOS_PATH_LOCAL],   {.n_space = n_space, .in = half, .out = how->width, .taps = TAPS, .groups = half, .circular = circular, .no_bias = true}},
    {"skip",      &a->skip,      true,                           {.n_space = n_space, .in = half, .out = how->width, .taps = 1}},
    {"last",      &a->last,      true,                           {.n_space = n_space, .in = how->width, .out = fields, .taps = 1}},
  };

  PetscFunctionBeginUser;
  a->shape    = *shape;
  a->scale    = how->scale;
  a->original = how->original;
  a->modes    = how->modes;
  a->pad      = how->pad;
  for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
    if (!layers[l].present) continue;
    snprintf(full, sizeof full, "%s.%s", how->name, layers[l].name);
    PetscCall(NomosConvolutionLayerCreate(input->parameters, full, &layers[l].input, layers[l].layer));
  }
  if (how->paths[NOMOS_PATH_GLOBAL]) {
    snprintf(full, sizeof full, "%s.global", how->name);
    PetscCall(NomosSpectralCreate(input->parameters, full, &(NomosSpectralInput){.n_space = n_space, .in = half, .out = how->width, .modes = how->modes, .one_sided = how->original}, &a->global));
  }
  for (int p = 0; p < NOMOS_N_PATHS; p++) {
    a->paths[p] = how->paths[p];
    if (!a->paths[p]) continue;
    snprintf(full, sizeof full, "%s.weights.%d", how->name, p);
    PetscCall(NomosMlpCreate(input->parameters, full, &(NomosMlpInput){.n_hidden = 1, .in = shape->n_parameters, .width = half, .out = how->width, .activation = NOMOS_GELU}, &a->weights[p]));
  }
  if (how->original) {
    PetscCall(GridNorm(input->parameters, a, how->name));
    PetscCall(NomosConvolutionLayerCreate(input->parameters, "mix", &(NomosConvolutionLayerInput){.n_space = n_space, .in = 2 * fields, .out = input->out, .taps = 1}, &a->mix));
  }
  PetscCall(NomosEmulatorNetworkCreate(input, &(NomosEmulatorChannels){.in = 2 * fields, .out = how->original ? 2 * fields : input->out}, &a->network));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGuidedAttentionFit(const void *context, NomosParameters parameters, const NomosEmulatorSeen *seen)
{
  return NomosParameterScaleFit(&((const NomosGuidedAttention *)context)->scale, parameters, seen);
}

/* The spectral convolution on means, one value for every POOL points. On a grid of fewer rows than the two corners of modes have together the second one stands, where both are, as it was written last in the authors' code. */
static NomosTensor Pooled(const NomosGuidedAttention *a, const NomosTensor w[], NomosTensor y)
{
  static const size_t factor[] = {POOL, POOL};
  const NomosTensor   means    = NomosAveragePool(y, a->shape.n_space, factor);
  const size_t        rows     = NomosTensorLength(means, -2);
  NomosTensor         weight   = w[a->global.weight];

  if (a->shape.n_space == 2 && 2 * a->modes > rows) {
    const NomosTensor corners[] = {NomosSlice(weight, 2, 0, rows - a->modes, 1), NomosSlice(weight, 2, a->modes, a->modes, 1)};
    weight                      = NomosConcatenate(2, corners, 2);
  }
  return NomosSpectralConvolve(means, weight);
}

static NomosTensor Global(const NomosGuidedAttention *a, const NomosTensor w[], NomosTensor y)
{
  NomosTensor z = y;

  if (a->original) return Pooled(a, w, y);
  for (int axis = 2; a->pad && axis < 2 + a->shape.n_space; axis++) z = NomosPad(z, axis, 0, NomosTensorLength(y, axis) + a->pad, 1);
  z = NomosSpectralApply(&a->global, w, z);
  for (int axis = 2; a->pad && axis < 2 + a->shape.n_space; axis++) z = NomosSlice(z, axis, 0, NomosTensorLength(y, axis), 1);
  return z;
}

/* Some of the paths and the skip, where the fused primitive, which has all of them, does not serve. */
static NomosTensor SomePaths(const NomosGuidedAttention *a, const NomosTensor w[], NomosTensor y, NomosTensor phi)
{
  static const size_t factor[] = {POOL, POOL};
  NomosTensor         z        = NomosConvolutionLayerApply(&a->skip, w, y);

  for (int p = 0; p < NOMOS_N_PATHS; p++) {
    if (!a->paths[p]) continue;
    NomosTensor       path   = p == NOMOS_PATH_GLOBAL ? Global(a, w, y) : NomosConvolutionLayerApply(p == NOMOS_PATH_POINTWISE ? &a->pointwise : &a->local, w, y);
    const NomosTensor weight = NomosMlpApply(&a->weights[p], w, phi);
    if (p == NOMOS_PATH_GLOBAL && a->original) path = NomosUpsampleNearest(path, a->shape.n_space, factor);
    z = NomosAdd(z, NomosMultiply(path, NomosReshape(weight, 2 + a->shape.n_space, (size_t[]){NomosTensorLength(weight, 0), NomosTensorLength(weight, 1), 1, 1})));
  }
  return z;
}

static NomosTensor AllPaths(const NomosGuidedAttention *a, const NomosTensor w[], NomosTensor y, NomosTensor phi)
{
  const size_t               matrix[] = {a->skip.out, a->skip.in};
  NomosChannelAttentionInput input    = {.y = y, .coarse = Global(a, w, y), .local = w[a->local.weight], .circular = a->shape.periodic && !a->original,
                                         .pointwise = NomosReshape(w[a->pointwise.weight], 2, matrix), .pointwise_bias = w[a->pointwise.bias],
                                         .skip = NomosReshape(w[a->skip.weight], 2, matrix), .skip_bias = w[a->skip.bias]};

  for (int p = 0; p < NOMOS_N_PATHS; p++) input.attention[p] = NomosMlpApply(&a->weights[p], w, phi);
  return NomosChannelAttention(&input);
}

/* u^ of u and scaled parameters. */
static NomosTensor Predict(const NomosGuidedAttention *a, const NomosTensor w[], NomosTensor u, NomosTensor phi)
{
  const NomosTensor y = NomosFunction(NOMOS_GELU, 0, NomosConvolutionLayerApply(&a->entry, w, u));
  const NomosTensor z = a->paths[NOMOS_PATH_GLOBAL] && a->paths[NOMOS_PATH_POINTWISE] && a->paths[NOMOS_PATH_LOCAL] ? AllPaths(a, w, y, phi) : SomePaths(a, w, y, phi);
  const NomosTensor weight = NomosReshape(w[a->last.weight], 2, (size_t[]){a->last.out, a->last.in}), bias = w[a->last.bias];
  NomosTensor       n = NomosMlpChain(&(NomosMlpChainInput){.n_layers = 1, .x = z, .weights = &weight, .biases = &bias, .activation = NOMOS_GELU, .activate_input = true, .channels_first = true});

  if (!a->original) return NomosAdd(u, n);
  n = NomosAdd(NomosMultiply(NomosLayerNorm(n, a->shape.n_space, epsilon), w[a->norm_weight]), w[a->norm_bias]);
  return a->shape.n_space == 1 ? NomosAdd(u, n) : NomosMultiply(u, NomosAffine(n, 1, 1));
}

NomosTensor NomosGuidedAttentionApply(const void *context, const NomosTensor w[], NomosTensor u, NomosTensor lambda, NomosBatchStatistics *statistics, NomosTensor *auxiliary)
{
  const NomosGuidedAttention *a = context;

  *auxiliary                = Predict(a, w, u, NomosParameterScaleApply(&a->scale, w, lambda));
  const NomosTensor both[2] = {u, *auxiliary};
  const NomosTensor o       = NomosEmulatorNetworkApply(&a->network, w, NomosConcatenate(2, both, 1), (NomosTensor){0}, statistics);
  return a->original ? NomosConvolutionLayerApply(&a->mix, w, o) : o;
}
