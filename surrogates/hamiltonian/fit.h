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

/* Numbers of the variables of a data set; those of x_dot and bodies, where they are read. */
enum { NOMOS_FIT_X, NOMOS_FIT_T, NOMOS_FIT_X_DOT };

typedef enum { NOMOS_FIT_DERIVATIVES, NOMOS_FIT_MIDPOINT, NOMOS_FIT_UNROLLED } NomosFitKind;

typedef struct {
  NomosFitKind      kind;
  NomosUnrollScheme scheme;
  bool              split;  /* an explicit splitting: H must be separable */
  bool              bodies; /* trajectories have numbers of bodies of their own */
  size_t            bodies_variable, steps, substeps;
  NomosLossFn       loss;
} NomosFit;

/* clang-format off */
#define NOMOS_FIT_PARAMS \
  {"hamiltonian.fit",         NOMOS_PARAM_CHOICE, "derivatives", NULL, 0, 0, "derivatives|midpoint|rk4|leapfrog|yoshida4", false, "What is fitted: observed time derivatives, or (without them) observed states, by the midpoint rule or through steps of a scheme."}, \
  {"hamiltonian.steps",       NOMOS_PARAM_INT,    "1",    NULL, 1, 1000, NULL, false, "Steps from one frame to the next that an example has, of a fit to states."}, \
  {"hamiltonian.substeps",    NOMOS_PARAM_INT,    "1",    NULL, 1, 1000, NULL, false, "Steps of rk4, leapfrog or yoshida4 between two frames."}, \
  {"hamiltonian.loss",        NOMOS_PARAM_CHOICE, "mean_squared", NULL, 0, 0, NOMOS_LOSS_CHOICES, false, "Loss of derivatives, or of states."}, \
  {"hamiltonian.bodies",      NOMOS_PARAM_BOOL,   "false", NULL, 0, 0, NULL, false, "Trajectories are of several numbers of bodies, which the data's `bodies` says; coordinates behind the last body are left out. For networks made of bodies."}
/* clang-format on */
PetscErrorCode NomosFitFromConfig(NomosConfig config, NomosFit *fit);
/* Variables, frames and windows of the data. */
void NomosFitData(const NomosFit *fit, NomosDatasetInput *input);

/* Of n examples those of so many bodies, into picked (n). */
PetscErrorCode NomosFitPick(const NomosFit *fit, NomosDataset data, NomosSplit split, size_t bodies, size_t n, const size_t examples[], size_t picked[], size_t *n_picked);
/* n states of `from` coordinates become ones of `to`, in place: the last bodies are left out. */
void NomosFitTrim(size_t n, size_t from, size_t to, double x[]);

/* What a batch asks of every field. */
typedef struct {
  size_t       n, size;
  NomosTensor  x, target; /* fits of a field: [.., size] both */
  NomosTensor *dt;        /* unrolled: (steps) [n, 1], of a substep; target [n, steps, size] */
} NomosFitExamples;
/* From s->data, of states of `size` coordinates: those that the data have, or fewer. Errors: times that do not rise. */
PetscErrorCode NomosFitRead(const NomosFit *fit, NomosSurrogate s, const NomosBatch *batch, size_t size, NomosTape tape, NomosFitExamples *examples);
PetscErrorCode NomosFitFree(NomosFitExamples *examples);
/* The loss of a field; what of `field` belongs to the fit (scheme, dt) is set here. */
PetscErrorCode NomosFitLoss(const NomosFit *fit, const NomosFitExamples *examples, const NomosUnrollInput *field, NomosTensor *loss);

#endif
