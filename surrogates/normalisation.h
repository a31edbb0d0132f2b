/* Normalisation of a variable, as a part of the model: mean and standard deviation of each channel lie among the parameters as buffers `prefix.mean` and `prefix.deviation`, so that they are
   saved and loaded with the weights.

     Apply  (x - mean)/deviation        Undo  x deviation + mean

   The statistics are those of the training split, pooled over all its rows, streamed (Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115): the same for any number of ranks. */
#ifndef NOMOS_SURROGATES_NORMALISATION_H
#define NOMOS_SURROGATES_NORMALISATION_H

#include "surrogates/dataset.h"
#include "surrogates/parameters.h"

typedef struct {
  size_t n_channels; /* 1: one mean and deviation for all entries */
  size_t mean, deviation; /* numbers of the buffers in w[] */
} NomosNormalisation;

/* Declare the buffers, mean 0 and deviation 1. */
PetscErrorCode NomosNormalisationCreate(NomosParameters parameters, const char prefix[], size_t n_channels, NomosNormalisation *normalisation);
/* Take the statistics of a variable. `axis` of its rows is that of the channels, with n_channels entries (-1: none, for n_channels = 1). A channel that is constant gets the deviation 1. After
   NomosParametersInitialise. Errors: an axis of another length, and those of Set. Collective over comm, that of the data set. */
typedef struct {
  MPI_Comm     comm;
  NomosDataset dataset;
  size_t       variable;
  int          axis;
} NomosNormalisationSource;
PetscErrorCode NomosNormalisationFit(const NomosNormalisation *normalisation, NomosParameters parameters, const NomosNormalisationSource *source);
/* Or give them, (n_channels) each. Errors: a deviation that is not positive, a number that is not finite (in the type of the parameters). */
PetscErrorCode NomosNormalisationSet(const NomosNormalisation *normalisation, NomosParameters parameters, const double mean[], const double deviation[]);

/* Of a tensor whose axis `axis` is that of the channels (may count from the end; ignored for one channel). */
NomosTensor NomosNormalisationApply(const NomosNormalisation *normalisation, const NomosTensor w[], NomosTensor x, int axis);
NomosTensor NomosNormalisationUndo(const NomosNormalisation *normalisation, const NomosTensor w[], NomosTensor x, int axis);

#endif
