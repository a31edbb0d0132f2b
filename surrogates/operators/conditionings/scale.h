/* Parameters of a PDE as numbers of the order of one, for a conditioning: phi(lambda), elementwise.

     raw     lambda
     ratio   lambda/(1 + lambda)
     linear  t = 2 (lambda - low)/(high - low) - 1, then bounded
     log     the same of log lambda, where all of a training's values are positive, else linear

   low and high are the least and the largest of the training's trajectories. Bounded: within [-1, 1], where the training was, t is left as it is; outside it goes no further than `margin`,

     t = +-1 +- margin tanh((|t| - 1)/margin)

   with a continuous derivative. The default is a clamp, margin 0: outside of what was seen a network gets the nearest value that it knows, and its derivative by the parameter is 0 there. With a margin a step errs a little less
   and free runs may blow up (cases/surrogate/README.md). */
#ifndef NOMOS_SURROGATES_OPERATORS_CONDITIONINGS_SCALE_H
#define NOMOS_SURROGATES_OPERATORS_CONDITIONINGS_SCALE_H

#include "operators/primitives.h"
#include "surrogates/operators/emulator.h"

typedef enum { NOMOS_SCALE_LOG, NOMOS_SCALE_LINEAR, NOMOS_SCALE_RAW, NOMOS_SCALE_RATIO } NomosParameterScaleKind; /* in the order of the choices below */

typedef struct {
  NomosParameterScaleKind kind;
  double                  margin;
  size_t                  n_parameters, low, high, logarithmic; /* numbers of buffers [n_parameters], of linear and log */
} NomosParameterScale;

/* clang-format off */
#define NOMOS_PARAMETER_SCALE_PARAMS(name) \
  {name ".scale",  NOMOS_PARAM_CHOICE, "log",  NULL, 0, 0, "log|linear|raw|ratio", false, "How parameters become numbers of the order of one: their logarithms (log; of a parameter that is not positive in every trajectory of the training it is linear) or they themselves (linear), standardised by the range of the training and bounded outside of it; raw: as they are; ratio: lambda/(1 + lambda)."}, \
  {name ".margin", NOMOS_PARAM_REAL,   "0", NULL, 0, 1e6, NULL, false, "How far standardised parameters may go beyond the range of the training, in halves of it; 0: not at all, so that beyond it the network is told the nearest value that it knows."}
/* clang-format on */

/* By the rows above of the table `name`; declares `name.low`, `name.high`, `name.logarithmic` where the kind has these. */
PetscErrorCode NomosParameterScaleFromConfig(const NomosConditioningInput *input, const char name[], NomosParameterScale *scale);
/* The range of the values. Errors: no values, a value that is not finite. */
PetscErrorCode NomosParameterScaleFit(const NomosParameterScale *scale, NomosParameters parameters, const NomosEmulatorSeen *seen);
/* [batch, n_parameters] -> the same shape. */
NomosTensor NomosParameterScaleApply(const NomosParameterScale *scale, const NomosTensor w[], NomosTensor lambda);

#endif
