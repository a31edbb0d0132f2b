/* Batch norm of channels: in training by the mean and variance of the batch and all points, elsewhere by running averages of these, which are buffers.

     y = weight (x - mean)/sqrt(variance + epsilon) + bias                         Ioffe & Szegedy (2015), doi:10.48550/arXiv.1502.03167
     running := (1 - momentum) running + momentum (mean, variance n/(n - 1)),  n numbers of a channel in the batch

   Unlike norms of single samples it leaves the size of a sample visible, which a law of physics may depend on; but samples of a batch see each other, and ranks that share a batch normalise each by
   its own part. */
#ifndef NOMOS_SURROGATES_MODULES_BATCH_NORM_H
#define NOMOS_SURROGATES_MODULES_BATCH_NORM_H

#include "operators/primitives.h"
#include "surrogates/parameters.h"

typedef struct {
  size_t n_channels, weight, bias, mean, variance;
} NomosBatchNormLayer;

/* What the layers of a network saw in one forward pass of training, or in the first passes of several. */
enum { NOMOS_BATCH_STATISTICS_MAX = 64 };
typedef struct {
  size_t n;
  struct {
    const NomosBatchNormLayer *layer;
    NomosTensor                values[2]; /* mean, variance */
    double                     count;     /* numbers of a channel */
  } seen[NOMOS_BATCH_STATISTICS_MAX];
} NomosBatchStatistics;

/* Declares `name.weight` (ones), `name.bias` (zeros) and the buffers `name.running_mean` (zeros), `name.running_var` (ones). */
PetscErrorCode NomosBatchNormLayerCreate(NomosParameters parameters, const char name[], size_t n_channels, NomosBatchNormLayer *layer);
/* x [batch, n_channels, ..]. statistics: training, and what was seen is added; NULL: by the running averages. */
NomosTensor NomosBatchNormLayerApply(const NomosBatchNormLayer *layer, const NomosTensor w[], NomosTensor x, NomosBatchStatistics *statistics);
/* Bring what was seen into the running averages (momentum: 0.1 is usual), before the tape is reset. Leaves on trained tensors stay good. Errors: those of the tape. */
PetscErrorCode NomosBatchStatisticsKeep(const NomosBatchStatistics *statistics, NomosParameters parameters, double momentum);

#endif
