/* The loss of a frame is relative to the norm of the truth: where that is zero, in the precision of the training, it is infinite from the first step on, which would look like a rate that is too high. The nRMSE is relative to the norm of each field: what has none is left
   out, and told. */
#include "surrogates/operators/neural_operator_impl.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* A frame over fields and points, as in the loss. */
typedef struct {
  double squares, largest; /* largest: of the absolute values, of this field */
  size_t field;
} Norm;

static Norm NormOf(const NomosNeuralOperator *no, const double state[], const double offset[])
{
  Norm norm = {0};

  for (size_t i = 0; i < no->size; i++) {
    const double u = state[i] + offset[i / no->n_points];
    norm.squares += u * u;
    if (fabs(u) > norm.largest) norm.field = i / no->n_points;
    norm.largest = fmax(norm.largest, fabs(u));
  }
  return norm;
}

/* The first predicted frame of an example whose norm has a square that the precision holds for zero; without normalisation also the first frame whose squares, which errors of a young network reach, it cannot hold; n_frames: none. */
static PetscErrorCode FindBad(NomosSurrogate s, NomosSplit split, size_t example, const double offset[], size_t *frame, Norm *norm)
{
  const NomosNeuralOperator *no    = s->context;
  const bool                 single = NomosParametersType(s->parameters) == NOMOS_F32;
  NomosTrajectories          t;

  PetscFunctionBeginUser;
  PetscCall(NomosTrajectoriesRead(s, &(NomosTrajectoriesInput){.dataset = s->data, .split = split, .n = 1, .examples = &example}, &t));
  for (*frame = 0; *frame < t.n_frames; (*frame)++) {
    *norm = NormOf(no, t.states + *frame * no->size, offset);
    if (*frame && norm->squares < (single ? FLT_MIN : DBL_MIN)) break;
    if (!no->normalised && norm->largest > sqrt((single ? FLT_MAX : DBL_MAX) / (double)no->size)) break;
  }
  PetscCall(NomosTrajectoriesFree(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank looks at its share of the examples; *found: number of the first example and frame among all. */
static PetscErrorCode FindFirst(NomosSurrogate s, NomosSplit split, const double offset[], int64_t *found)
{
  const size_t n = s->n_examples[split], n_frames = NomosDatasetFrames(s->data, split);
  int          rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(s->comm, &rank));
  PetscCallMPI(MPI_Comm_size(s->comm, &size));
  *found = INT64_MAX;
  for (size_t e = (size_t)rank; e < n && *found == INT64_MAX; e += (size_t)size) {
    size_t frame = 0;
    Norm   norm;
    PetscCall(FindBad(s, split, e, offset, &frame, &norm));
    if (frame < n_frames) *found = (int64_t)(e * n_frames + frame);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, found, 1, MPI_INT64_T, MPI_MIN, s->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorNorms(NomosSurrogate s)
{
  const NomosNeuralOperator *no        = s->context;
  const char                *precision = NomosParametersType(s->parameters) == NOMOS_F32 ? "float32" : "float64";
  double                     mean[NOMOS_DATASET_MAX_VARIABLES], deviation[NOMOS_DATASET_MAX_VARIABLES];

  PetscFunctionBeginUser;
  PetscCall(NomosNeuralOperatorUnits(s, mean, deviation));
  for (size_t f = 0; f < no->n_fields; f++) mean[f] /= deviation[f];
  for (int split = NOMOS_SPLIT_TRAIN; split <= NOMOS_SPLIT_VALIDATION; split++) {
    size_t      trajectory, frame;
    const char *file;
    int64_t     found, every;
    Norm        norm;
    PetscCall(FindFirst(s, (NomosSplit)split, mean, &found));
    if (found == INT64_MAX) continue;
    const size_t n_frames = NomosDatasetFrames(s->data, (NomosSplit)split);
    PetscCall(NomosConfigGetInt(s->config, "data.every", &every));
    PetscCall(NomosDatasetOrigin(s->data, (NomosSplit)split, (size_t)found / n_frames, &trajectory, &file, &frame));
    frame += (size_t)found % n_frames * (size_t)every;
    PetscCall(FindBad(s, (NomosSplit)split, (size_t)found / n_frames, mean, &(size_t){0}, &norm));
    NomosCheck(norm.squares < 1, s->comm, PETSC_ERR_ARG_WRONG, "%s: %s reaches %.3g in frame %zu of trajectory %zu (through all files), and the squares of such a field, of which the loss is made, are too large for %s; say neural_operator.normalise: channels, which takes each field in units of its deviation", file, no->variables[norm.field].name, norm.largest, frame, trajectory, precision);
    NomosCheck(norm.largest == 0, s->comm, PETSC_ERR_ARG_WRONG, "%s: %s%s is at most %.3g in frame %zu of trajectory %zu (through all files): its squares are too small for %s, and the loss is relative to its norm; %s", file, no->variables[norm.field].name, no->n_fields > 1 ? ", the largest of the fields," : "", norm.largest, frame, trajectory, precision, no->normalised ? "leave such trajectories or frames out (data.trajectories, data.first_frame, data.every)" : "say neural_operator.normalise: channels, which takes each field in units of its deviation");
    NomosCheck(false, s->comm, PETSC_ERR_ARG_WRONG, "%s: %s%s is zero everywhere in frame %zu of trajectory %zu (through all files), and the loss is relative to its norm; leave such trajectories or frames out (data.trajectories, data.first_frame, data.every), or name a field beside it that is not zero (neural_operator.fields)", file, no->variables[0].name, no->n_fields > 1 ? ", like the other fields," : "", frame, trajectory);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- sizes of fields */

bool NomosNeuralOperatorFarFromOne(NomosSurrogate s, size_t n_text, char text[])
{
  enum { FAR = 1000 };
  const NomosNeuralOperator *no  = s->context;
  double                     low = 1, high = 1; /* of the sizes, and of their ratios */

  text[0] = '\0';
  for (size_t f = 0; f < no->n_fields; f++) {
    const double size = NomosDatasetSize(s->data, f);
    NomosTextAppend(n_text, text, "%s%.64s %.3g", f ? ", " : "", no->variables[f].name, size);
    if (size > 0) low = fmin(low, size), high = fmax(high, size);
  }
  return !no->normalised && high > FAR * low;
}

PetscErrorCode NomosNeuralOperatorWarnSizes(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  char sizes[1024], text[1400];

  PetscFunctionBeginUser;
  if (!NomosNeuralOperatorFarFromOne(s, sizeof sizes, sizes)) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(text, sizeof text, "the network works in the units of the data, in which fields are far from one or from each other (root mean squares: %s), and its weights begin as for numbers of the order of one: say neural_operator.normalise: channels", sizes);
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- fields without a norm */

/* Predicted frames of fields, of examples of a set: how many there are, and the number of the first one among all. */
static PetscErrorCode CountZeros(NomosSurrogate s, NomosDataset dataset, NomosSplit split, int64_t *n_zero, int64_t *found)
{
  const NomosNeuralOperator *no = s->context;
  const size_t               n  = NomosDatasetExamples(dataset, split), n_frames = NomosDatasetFrames(dataset, split);
  double                    *values;
  int                        rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(s->comm, &rank));
  PetscCallMPI(MPI_Comm_size(s->comm, &size));
  *found  = INT64_MAX;
  *n_zero = 0;
  PetscCall(PetscMalloc1(n_frames * no->n_points, &values));
  for (size_t e = (size_t)rank; e < n; e += (size_t)size)
    for (size_t f = 0; f < no->n_fields; f++) {
      PetscCall(NomosDatasetRead(dataset, f, split, 1, &e, values));
      for (size_t k = 1; k < n_frames; k++) {
        double squares = 0;
        for (size_t x = 0; x < no->n_points; x++) squares += values[k * no->n_points + x] * values[k * no->n_points + x];
        if (squares > 0) continue;
        ++*n_zero;
        *found = PetscMin(*found, (int64_t)((e * n_frames + k) * no->n_fields + f));
      }
    }
  PetscCall(PetscFree(values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, found, 1, MPI_INT64_T, MPI_MIN, s->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, n_zero, 1, MPI_INT64_T, MPI_SUM, s->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WarnOf(NomosSurrogate s, const char name[], NomosDataset dataset, NomosSplit split, NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no       = s->context;
  const size_t               n_frames = NomosDatasetFrames(dataset, split);
  size_t                     trajectory, frame;
  const char                *file;
  int64_t                    n_zero, found, every;
  char                       text[2 * NOMOS_MAX_PATH];

  PetscFunctionBeginUser;
  PetscCall(CountZeros(s, dataset, split, &n_zero, &found));
  if (!n_zero) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(NomosConfigGetInt(s->config, "data.every", &every));
  const size_t at = (size_t)found / no->n_fields;
  PetscCall(NomosDatasetOrigin(dataset, split, at / n_frames, &trajectory, &file, &frame));
  snprintf(text, sizeof text, "%.64s: %.64s is zero everywhere in frame %zu of trajectory %zu (%.4000s; counted through all files), where it has no relative error: of the nRMSE %lld of %zu fields of frames are left out", name, no->variables[(size_t)found % no->n_fields].name, frame + at % n_frames * (size_t)every, trajectory, file, (long long)n_zero, NomosDatasetExamples(dataset, split) * (n_frames - 1) * no->n_fields);
  PetscCall(warn(text, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNeuralOperatorWarnNorms(NomosSurrogate s, NomosWarningFn warn, void *ctx)
{
  const NomosNeuralOperator *no        = s->context;
  const bool                 held_back = s->n_examples[NOMOS_SPLIT_VALIDATION] || s->n_examples[NOMOS_SPLIT_TEST];

  PetscFunctionBeginUser;
  for (int split = held_back ? NOMOS_SPLIT_VALIDATION : NOMOS_SPLIT_TRAIN; split < NOMOS_N_SPLITS; split++) PetscCall(WarnOf(s, nomos_split_names[split], s->data, (NomosSplit)split, warn, ctx));
  for (size_t i = 0; i < no->n_sets; i++) PetscCall(WarnOf(s, no->sets[i].name, no->sets[i].dataset, NOMOS_SPLIT_TRAIN, warn, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}
