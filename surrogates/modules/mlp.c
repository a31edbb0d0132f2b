#include "surrogates/modules/mlp.h"

#include <stdio.h>

PetscErrorCode NomosMlpCreate(NomosParameters parameters, const char name[], const NomosMlpInput *input, NomosMlp *mlp)
{
  const size_t n    = input->n_hidden + 1;
  const double gain = input->rule == NOMOS_RULE_SIREN && input->gain == 0 ? input->omega : input->gain;
  char         full[256];

  PetscFunctionBeginUser;
  NomosCheck(n <= NOMOS_MLP_MAX_LAYERS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu hidden layers: at most %d are possible", name, input->n_hidden, NOMOS_MLP_MAX_LAYERS - 1);
  *mlp = (NomosMlp){.n_layers = n, .activation = input->activation, .omega = input->omega != 0 ? input->omega : 1, .layer_norm = input->layer_norm, .residual = input->residual};
  for (size_t l = 0; l < n; l++) {
    const size_t           before = l && input->widths ? input->widths[l - 1] : input->width, width = l + 1 < n && input->widths ? input->widths[l] : input->width;
    const NomosLinearInput layer  = {.in = l ? before : input->in, .out = l + 1 < n ? width : input->out, .no_bias = input->no_last_bias && l + 1 == n, .gain = gain,
                                     .rule = input->rule == NOMOS_RULE_SIREN && !l ? NOMOS_RULE_SIREN_FIRST : input->rule};
    snprintf(full, sizeof full, "%s.%zu", name, l);
    PetscCall(NomosLinearCreate(parameters, full, &layer, &mlp->layers[l]));
  }
  if (!input->layer_norm) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(full, sizeof full, "%s.norm", name);
  PetscCall(NomosNormCreate(parameters, full, &(NomosNormInput){.n_channels = input->out}, &mlp->norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor Activate(const NomosMlp *mlp, NomosTensor y)
{
  return NomosFunction(mlp->activation, 0, mlp->omega == 1 ? y : NomosAffine(y, mlp->omega, 0));
}

static NomosTensor Hidden(const NomosMlp *mlp, const NomosTensor w[], NomosTensor x, size_t from)
{
  for (size_t l = from; l + 1 < mlp->n_layers; l++) {
    const NomosLinear *layer = &mlp->layers[l];
    const NomosTensor  y     = Activate(mlp, NomosLinearApply(layer, w, x));
    x = mlp->residual && layer->in == layer->out ? NomosAdd(x, y) : y;
  }
  return x;
}

/* All layers at once, where nothing lies between them that the fused primitive does not know (residuals, omega, weights with a task axis). */
static bool Chain(const NomosMlp *mlp, const NomosTensor w[], NomosTensor x, size_t from, NomosTensor *y)
{
  NomosTensor weights[NOMOS_MLP_CHAIN_MAX], biases[NOMOS_MLP_CHAIN_MAX] = {{0}};
  bool        residual = false;

  for (size_t l = from; l < mlp->n_layers; l++) {
    const NomosLinear *layer = &mlp->layers[l];
    residual = residual || (mlp->residual && l + 1 < mlp->n_layers && layer->in == layer->out);
    if (l - from >= NOMOS_MLP_CHAIN_MAX || residual || NomosTensorDims(w[layer->weight], NULL) != 2 || (layer->has_bias && NomosTensorDims(w[layer->bias], NULL) != 1)) return false;
    weights[l - from] = w[layer->weight];
    if (layer->has_bias) biases[l - from] = w[layer->bias];
  }
  if (mlp->omega != 1) return false;
  *y = NomosMlpChain(&(NomosMlpChainInput){.n_layers = mlp->n_layers - from, .x = x, .weights = weights, .biases = biases, .activation = mlp->activation, .activate_input = from > 0});
  return true;
}

static NomosTensor Last(const NomosMlp *mlp, const NomosTensor w[], NomosTensor y)
{
  return mlp->layer_norm ? NomosNormApply(&mlp->norm, w, y) : y;
}

NomosTensor NomosMlpFeatures(const NomosMlp *mlp, const NomosTensor w[], NomosTensor x)
{
  return Hidden(mlp, w, x, 0);
}

NomosTensor NomosMlpApply(const NomosMlp *mlp, const NomosTensor w[], NomosTensor x)
{
  NomosTensor y;

  if (Chain(mlp, w, x, 0, &y)) return Last(mlp, w, y);
  return Last(mlp, w, NomosLinearApply(&mlp->layers[mlp->n_layers - 1], w, Hidden(mlp, w, x, 0)));
}

NomosTensor NomosMlpApplyFrom(const NomosMlp *mlp, const NomosTensor w[], NomosTensor y)
{
  NomosTensor z;

  if (mlp->n_layers == 1) return Last(mlp, w, y);
  if (Chain(mlp, w, y, 1, &z)) return Last(mlp, w, z);
  return Last(mlp, w, NomosLinearApply(&mlp->layers[mlp->n_layers - 1], w, Hidden(mlp, w, Activate(mlp, y), 1)));
}
