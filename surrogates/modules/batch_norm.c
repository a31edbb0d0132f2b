#include "surrogates/modules/batch_norm.h"

#include "surrogates/modules/convolution.h" /* NomosParameterPerChannel */

static const double epsilon = 1e-5;

PetscErrorCode NomosBatchNormLayerCreate(NomosParameters parameters, const char name[], size_t n_channels, NomosBatchNormLayer *layer)
{
  const struct {
    const char *name;
    double      value;
    bool        buffer;
    size_t     *number;
  } tensors[] = {{"weight", 1, false, &layer->weight}, {"bias", 0, false, &layer->bias}, {"running_mean", 0, true, &layer->mean}, {"running_var", 1, true, &layer->variance}};

  PetscFunctionBeginUser;
  layer->n_channels = n_channels;
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
    const NomosParameterInput input = {.prefix = name, .name = tensors[i].name, .n_dims = 1, .shape = {n_channels}, .initialiser = NomosInitialiserConstant(tensors[i].value), .buffer = tensors[i].buffer};
    PetscCall(NomosParametersAdd(parameters, &input, tensors[i].number));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosBatchNormLayerApply(const NomosBatchNormLayer *layer, const NomosTensor w[], NomosTensor x, NomosBatchStatistics *statistics)
{
  const int n_space = NomosTensorDims(x, NULL) - 2;

  if (statistics && statistics->n == NOMOS_BATCH_STATISTICS_MAX) return NomosBatchNorm(x, w[layer->weight], w[layer->bias], epsilon, NULL); /* enough was seen */
  if (statistics) {
    const size_t s = statistics->n++;
    statistics->seen[s].layer = layer;
    statistics->seen[s].count = (double)NomosTensorSize(x) / (double)layer->n_channels;
    return NomosBatchNorm(x, w[layer->weight], w[layer->bias], epsilon, statistics->seen[s].values);
  }
  const NomosTensor scale = NomosMultiply(w[layer->weight], NomosPower(NomosAffine(w[layer->variance], 1, epsilon), -0.5)), shift = NomosSubtract(w[layer->bias], NomosMultiply(w[layer->mean], scale));
  return NomosAdd(NomosMultiply(x, NomosParameterPerChannel(scale, n_space)), NomosParameterPerChannel(shift, n_space));
}

PetscErrorCode NomosBatchStatisticsKeep(const NomosBatchStatistics *statistics, NomosParameters parameters, double momentum)
{
  PetscFunctionBeginUser;
  for (size_t s = 0; s < statistics->n; s++) {
    const NomosBatchNormLayer *layer = statistics->seen[s].layer;
    const double               n     = statistics->seen[s].count;
    for (int i = 0; i < 2; i++) {
      const size_t   number = i ? layer->variance : layer->mean;
      const double   share  = momentum * (i && n > 1 ? n / (n - 1) : 1);
      NomosParameter running;
      const void    *seen;
      void          *values;
      PetscCall(NomosTensorGet(statistics->seen[s].values[i], &seen));
      PetscCall(NomosParametersGet(parameters, number, &running));
      PetscCall(PetscMalloc(layer->n_channels * sizeof(double), &values));
      for (size_t c = 0; c < layer->n_channels; c++) {
        if (running.type == NOMOS_F32) ((float *)values)[c] = (float)((1 - momentum) * ((const float *)running.values)[c] + share * ((const float *)seen)[c]);
        else ((double *)values)[c] = (1 - momentum) * ((const double *)running.values)[c] + share * ((const double *)seen)[c];
      }
      PetscCall(NomosParametersSet(parameters, number, values));
      PetscCall(PetscFree(values));
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
