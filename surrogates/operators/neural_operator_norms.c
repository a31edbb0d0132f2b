/* The loss of a frame is relative to the norm of the truth: where that is zero it is infinite from the first step on, which would look like a rate that is too high. */
#include "surrogates/operators/neural_operator_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* The first predicted frame of an example whose norm, over fields and points as in the loss, has a square that the precision holds for zero; n_frames: none. */
static PetscErrorCode FindZero(NomosSurrogate s, NomosSplit split, size_t example, const double offset[], double least, size_t *frame)
{
  const NomosNeuralOperator *no = s->context;
  NomosTrajectories          t;

  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = split, .n = 1, .examples = &example}, &t));
  for (*frame = 1; *frame < t.n_frames; (*frame)++) {
    double squares = 0;
    for (size_t i = 0; i < no->size; i++) {
      const double u = t.states[*frame * no->size + i] + offset[i / no->n_points];
      squares += u * u;
    }
    if (squares < least) break;
  }
  PetscCall(NomosTrajectoriesFree(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank looks at its share of the examples; *found: number of the first example and frame among all. */
static PetscErrorCode FindFirst(NomosSurrogate s, NomosSplit split, const double offset[], int64_t *found)
{
  const double               least = NomosParametersType(s->parameters) == NOMOS_F32 ? FLT_MIN : DBL_MIN;
  const size_t               n     = s->n_examples[split], n_frames = NomosDatasetFrames(s->data, split);
  int                        rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(s->comm, &rank));
  PetscCallMPI(MPI_Comm_size(s->comm, &size));
  *found = INT64_MAX;
  for (size_t e = (size_t)rank; e < n && *found == INT64_MAX; e += (size_t)size) {
    size_t frame = 0;
    PetscCall(FindZero(s, split, e, offset, least, &frame));
    if (frame < n_frames) *found = (int64_t)(e * n_frames + frame);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, found, 1, MPI_INT64_T, MPI_MIN, s->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorNorms(NomosSurrogate s)
{
  const NomosNeuralOperator *no = s->context;
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorUnits(s, mean, deviation));
  for (size_t f = 0; f < no->n_fields; f++) mean[f] /= deviation[f];
  for (int split = NOMOS_SPLIT_TRAIN; split <= NOMOS_SPLIT_VALIDATION; split++) {
    size_t      trajectory, frame;
    const char *file;
    int64_t     found, every;
    PetscCall(FindFirst(s, (NomosSplit)split, mean, &found));
    if (found == INT64_MAX) continue;
    const size_t n_frames = NomosDatasetFrames(s->data, (NomosSplit)split);
    PetscCall(NomosConfigGetInt(s->config, "data.every", &every));
    PetscCall(NomosDatasetOrigin(s->data, (NomosSplit)split, (size_t)found / n_frames, &trajectory, &file, &frame));
    frame += (size_t)found % n_frames * (size_t)every;
    NomosCheck(false, s->comm, PETSC_ERR_ARG_WRONG, "%s: %s%s is zero everywhere in frame %zu of trajectory %zu (through all files), and the loss is relative to its norm; leave such trajectories or frames out (data.trajectories, data.first_frame, data.every), or name a field beside it that is not zero (neural_operator.fields)", file, no->variables[0].name, no->n_fields > 1 ? ", like the other fields," : "", frame, trajectory);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
