/* A step of the emulator on the tape, kept whole or computed again for its gradient. */
#include "surrogates/operators/neural_operator_impl.h"

/* What the batch norms of a step saw, out of tensors that will be freed. */
static PetscErrorCode KeepStatistics(NomosNeuralOperator *no, const NomosBatchStatistics *statistics)
{
  NomosStepStatistics *kept = &no->statistics[no->n_statistics++];
  size_t               n    = 0;

  PetscFunctionBeginUser;
  kept->statistics = *statistics;
  for (size_t l = 0; l < statistics->n; l++) n += 2 * statistics->seen[l].layer->n_channels;
  PetscCall(PetscMalloc1(n, &kept->values));
  double *to = kept->values;
  for (size_t l = 0; l < statistics->n; l++)
    for (int i = 0; i < 2; i++, to += statistics->seen[l].layer->n_channels) PetscCall(NomosTensorGetDoubles(statistics->seen[l].values[i], to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

NomosTensor NomosNeuralOperatorSolve(const NomosNeuralOperator *no, const NomosTensor w[], const NomosNeuralOperatorStepInput *input)
{
  const NomosTensor u = input->u, lambda = input->lambda;
  double           *parameters;

  if (!NomosTensorIsValid(lambda)) return (NomosTensor){.tape = u.tape}; /* an error that the tape keeps is told by whoever asks for it */
  if (PetscMalloc1(NomosTensorSize(lambda) + 1, &parameters)) return (NomosTensor){0};
  NomosTensor b = no->normalised ? NomosNormalisationUndo(&no->normalisation, w, u, 1) : u;
  b             = NomosTensorGetDoubles(lambda, parameters) ? (NomosTensor){0} : (input->judged ? NomosCoarseSolverTry : NomosCoarseSolverStep)(no->solver, b, parameters);
  (void)PetscFree(parameters);
  return no->normalised ? NomosNormalisationApply(&no->normalisation, w, b, 1) : b;
}

/* x: states, parameters of the PDE, weights. The auxiliary prediction follows the next state along the axis of the fields. */
static NomosTensor Segment(NomosTape tape, const NomosTensor x[], void *ctx)
{
  NomosNeuralOperatorSegment *segment    = ctx;
  NomosNeuralOperator        *no         = segment->no;
  NomosBatchStatistics        statistics = {0};
  const NomosTensor           base       = no->solver ? NomosNeuralOperatorSolve(no, x + 2, &(NomosNeuralOperatorStepInput){.u = x[0], .lambda = x[1], .judged = segment->judged}) : (NomosTensor){0};
  NomosTensor                 both[2];

  (void)tape;
  both[0] = NomosEmulatorStep(no->emulator, x + 2, &(NomosEmulatorStepInput){.u = x[0], .lambda = x[1], .base = base, .statistics = segment->training ? &statistics : NULL}, &both[1]);
  if (statistics.n && !segment->seen && NomosTensorIsValid(both[0])) {
    segment->seen = true;
    if (KeepStatistics(no, &statistics)) return (NomosTensor){0};
  }
  return NomosTensorIsValid(both[1]) ? NomosConcatenate(2, both, 1) : both[0];
}

NomosTensor NomosNeuralOperatorStep(NomosNeuralOperator *no, const NomosTensor w[], const NomosNeuralOperatorStepInput *input, NomosTensor *auxiliary)
{
  NomosNeuralOperatorSegment once = {.no = no, .training = input->training, .judged = input->judged}, *segment = &once;
  NomosTensor               *x, y;

  if (auxiliary) *auxiliary = (NomosTensor){0};
  if (PetscMalloc1(2 + no->n_w, &x)) return (NomosTensor){0};
  x[0] = input->u;
  x[1] = input->lambda;
  for (size_t i = 0; i < no->n_w; i++) x[2 + i] = w[i];
  if (input->recompute && input->training) {
    segment  = &no->segments[no->n_segments++];
    *segment = once;
  }
  y = input->recompute ? NomosRecompute(Segment, segment, 2 + no->n_w, x) : Segment(x[0].tape, x, segment);
  (void)PetscFree(x);
  if (NomosTensorLength(y, 1) == no->n_fields) return y;
  if (auxiliary) *auxiliary = NomosSlice(y, 1, no->n_fields, no->n_fields, 1);
  return NomosSlice(y, 1, 0, no->n_fields, 1);
}

PetscErrorCode NomosNeuralOperatorBegin(NomosNeuralOperator *no)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; i < no->n_statistics; i++) PetscCall(PetscFree(no->statistics[i].values));
  no->n_segments = no->n_statistics = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorKeep(NomosSurrogate s, const NomosBatch *batch)
{
  static const double  momentum = 0.1;
  NomosNeuralOperator *no       = s->context;
  NomosTape            tape;

  PetscFunctionBeginUser;
  (void)batch;
  PetscCall(NomosTapeCreate(&tape));
  for (size_t i = 0; i < no->n_statistics; i++) {
    NomosBatchStatistics *statistics = &no->statistics[i].statistics;
    const double         *from       = no->statistics[i].values;
    for (size_t l = 0; l < statistics->n; l++)
      for (int k = 0; k < 2; k++, from += statistics->seen[l].layer->n_channels) statistics->seen[l].values[k] = NomosTensorFromDoubles(tape, NomosParametersType(s->parameters), 1, &statistics->seen[l].layer->n_channels, from);
    PetscCall(NomosBatchStatisticsKeep(statistics, s->parameters, momentum));
  }
  PetscCall(NomosTapeDestroy(&tape));
  PetscCall(NomosNeuralOperatorBegin(no));
  PetscFunctionReturn(PETSC_SUCCESS);
}
