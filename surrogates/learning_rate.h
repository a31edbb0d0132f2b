/* The learning rate as a function of the step: a warm-up, and a schedule after it.

   With s = step - warmup_steps and S = n_steps - warmup_steps, for steps 0, 1, ..., n_steps - 1:
     warm-up               rate (step + 1)/warmup_steps                          while step < warmup_steps
     constant              rate
     step                  rate factor^floor(max(s - from, 0)/every)
     cosine                last + (rate - last)(1 + cos(pi s/S))/2               Loshchilov & Hutter (2016), doi:10.48550/arXiv.1608.03983
     geometric             rate (last/rate)^(s/S)
     inverse_square_root   rate sqrt(W/(W + s)),  W = max(warmup_steps, 1)       Vaswani et al. (2017), doi:10.48550/arXiv.1706.03762 */
#ifndef NOMOS_SURROGATES_LEARNING_RATE_H
#define NOMOS_SURROGATES_LEARNING_RATE_H

#include "io/config.h"

typedef enum { NOMOS_RATE_CONSTANT, NOMOS_RATE_STEP, NOMOS_RATE_COSINE, NOMOS_RATE_GEOMETRIC, NOMOS_RATE_INVERSE_SQUARE_ROOT, NOMOS_N_RATES } NomosRateKind; /* in the order of the choices of train.schedule */

typedef struct {
  NomosRateKind kind;
  double        rate, last, factor;
  int64_t       warmup_steps, every, from, n_steps;
} NomosLearningRate;

double NomosLearningRateAt(const NomosLearningRate *schedule, int64_t step);

/* `train.learning_rate`, `train.schedule`, ... and a schedule over n_steps from a config that the table was registered with. Errors: a warm-up that is longer than the training. */
extern const NomosParam nomos_learning_rate_params[];
extern const size_t     nomos_n_learning_rate_params;
PetscErrorCode          NomosLearningRateFromConfig(NomosConfig config, int64_t n_steps, NomosLearningRate *schedule);

#endif
