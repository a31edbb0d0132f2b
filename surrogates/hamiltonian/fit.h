/* What a learned field is fitted to, and by which loss: `hamiltonian.fit`.

     derivatives                 l(f(x), x_dot),   x_dot observed
     midpoint                    l(f((x_0 + x_1)/2), (x_1 - x_0)/dt) of neighbouring states: implicit midpoint's equation, where x_1 is known. Order 2
     rk4, leapfrog, yoshida4     mean over k of l(x_k, states observed): x_k by k steps from the first of them, through which the gradient runs

   All but the first see states and their times only. */
#ifndef NOMOS_SURROGATES_HAMILTONIAN_FIT_H
#define NOMOS_SURROGATES_HAMILTONIAN_FIT_H

#include "surrogates/hamiltonian/unroll.h"
#include "surrogates/loss.h"
#include "surrogates/surrogate.h"

/* Numbers of the variables of a data set. */
enum { NOMOS_FIT_X, NOMOS_FIT_T, NOMOS_FIT_X_DOT };

typedef enum { NOMOS_FIT_DERIVATIVES, NOMOS_FIT_MIDPOINT, NOMOS_FIT_UNROLLED } NomosFitKind;

typedef struct {
  NomosFitKind      kind;
  NomosUnrollScheme scheme;
  bool              split; /* an explicit splitting: H must be separable */
  size_t            steps, substeps;
  NomosLossFn       loss;
} NomosFit;

/* clang-format off */
#define NOMOS_FIT_PARAMS \
  {"hamiltonian.fit",         NOMOS_PARAM_CHOICE, "derivatives", NULL, 0, 0, "derivatives|midpoint|rk4|leapfrog|yoshida4", false, "What is fitted: observed time derivatives, or (without them) observed states, by the midpoint rule or through steps of a scheme."}, \
  {"hamiltonian.steps",       NOMOS_PARAM_INT,    "1",    NULL, 1, 1000, NULL, false, "Steps from one frame to the next that an example has, of a fit to states."}, \
  {"hamiltonian.substeps",    NOMOS_PARAM_INT,    "1",    NULL, 1, 1000, NULL, false, "Steps of rk4, leapfrog or yoshida4 between two frames."}, \
  {"hamiltonian.loss",        NOMOS_PARAM_CHOICE, "mean_squared", NULL, 0, 0, NOMOS_LOSS_CHOICES, false, "Loss of derivatives, or of states."}
/* clang-format on */
PetscErrorCode NomosFitFromConfig(NomosConfig config, NomosFit *fit);
/* Variables, frames and windows of the data. */
void NomosFitData(const NomosFit *fit, NomosDatasetInput *input);

/* What a batch asks of every field. */
typedef struct {
  size_t      n, size;
  NomosTensor x, target; /* fits of a field: [.., size] both */
  NomosTensor *dt;       /* unrolled: (steps) [n, 1], of a substep; target [n, steps, size] */
} NomosFitExamples;
/* From s->data. Errors: times that do not rise. */
PetscErrorCode NomosFitRead(const NomosFit *fit, NomosSurrogate s, const NomosBatch *batch, NomosTape tape, NomosFitExamples *examples);
PetscErrorCode NomosFitFree(NomosFitExamples *examples);
/* The loss of a field; what of `field` belongs to the fit (scheme, dt) is set here. */
PetscErrorCode NomosFitLoss(const NomosFit *fit, const NomosFitExamples *examples, const NomosUnrollInput *field, NomosTensor *loss);

#endif
