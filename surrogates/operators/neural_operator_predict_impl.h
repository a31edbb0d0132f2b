/* What the parts of neural_operator_predict.c share. */
#ifndef NOMOS_SURROGATES_OPERATORS_NEURAL_OPERATOR_PREDICT_IMPL_H
#define NOMOS_SURROGATES_OPERATORS_NEURAL_OPERATOR_PREDICT_IMPL_H

#include "io/trajectory_file.h"
#include "surrogates/operators/neural_operator_impl.h"

#include <stdio.h>

enum { NOMOS_PREDICTION_MAX_VARIABLES = 2 * NOMOS_DATASET_MAX_VARIABLES, NOMOS_PREDICTION_MAX_DIMS = 4 };

/* What the file is made of, which must last until it is closed. */
typedef struct {
  NomosFieldDim       dims[NOMOS_PREDICTION_MAX_DIMS];
  double             *axes[NOMOS_PREDICTION_MAX_DIMS];
  NomosFieldVariable  variables[NOMOS_PREDICTION_MAX_VARIABLES];
  NomosFieldAttribute attributes[NOMOS_DATASET_MAX_VARIABLES + 4];
  char                names[NOMOS_DATASET_MAX_VARIABLES][NOMOS_MAX_NAME], long_names[NOMOS_PREDICTION_MAX_VARIABLES][128];
  char               *units[NOMOS_PREDICTION_MAX_VARIABLES + NOMOS_PREDICTION_MAX_DIMS], *family;
  size_t              n_units;
} NomosPredictionLayout;

typedef struct {
  NomosSurrogate         s;
  const NomosPrediction *input;
  NomosDataset           initial; /* s->data, where it predicts alone */
  NomosDatasetBeginning  begins;
  size_t                 n, n_frames, n_members;
  char                 **members;
  NomosIntervalFit       fit;
  int                    rank, size;
  size_t                 n_not_finite, first_not_finite;
  bool                   complete;
  /* of rank 0 */
  NomosPredictionLayout *layout;
  NomosTrajectoryFile    file;
  FILE                  *table;
  double                *widths; /* (n) */
} NomosPredicting;

/* Has it an ensemble, and with it half widths? */
static inline bool NomosPredictingHasIntervals(const NomosPredicting *p)
{
  return p->n_members > 0;
}

/* Do the predictions begin when the states do? Else at 0: of states at several times, or at none, and where frames are counted. */
static inline bool NomosPredictingBeginsWithStates(const NomosPredicting *p)
{
  return p->begins.name && p->begins.alike && ((const NomosNeuralOperator *)p->s->context)->interval > 0;
}

/* neural_operator_predict_picture.c: into `plots` of the prediction, from the file. One rank. */
PetscErrorCode NomosPredictingDraw(const NomosPredicting *p);

#endif
