/* What a training on several ranks shares: gradients, and buffers that change. */
#include "surrogates/training_impl.h"

/* Each rank sums a segment of the vector: the others' parts come to it, and the sums go to all. Twice the vector's bytes a rank, whatever their number. */
PetscErrorCode NomosSumGradientOverRanks(MPI_Comm comm, NomosRealType type, size_t n, void *vector)
{
  const size_t bytes = NomosRealBytes(type);
  MPI_Datatype real  = type == NOMOS_F32 ? MPI_FLOAT : MPI_DOUBLE;
  int          rank, size, *counts, *starts, *mine, *places;
  char        *parts;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  NomosCheck(n <= INT32_MAX, comm, PETSC_ERR_ARG_OUTOFRANGE, "a sum over ranks of %zu numbers: at most %d are possible", n, INT32_MAX);
  PetscCall(PetscMalloc4(size, &counts, size, &starts, size, &mine, size, &places));
  for (int r = 0; r < size; r++) {
    starts[r] = (int)(n * (size_t)r / (size_t)size);
    counts[r] = (int)(n * (size_t)(r + 1) / (size_t)size) - starts[r];
  }
  const size_t m = (size_t)counts[rank];
  for (int r = 0; r < size; r++) {
    mine[r]   = counts[rank];
    places[r] = r * counts[rank];
  }
  PetscCall(PetscMalloc1((size_t)size * m * bytes + 1, &parts));
  PetscCallMPI(MPI_Alltoallv(vector, counts, starts, real, parts, mine, places, real, comm));
  for (int r = 1; r < size; r++)
    for (size_t i = 0; i < m; i++) {
      if (type == NOMOS_F32) ((float *)parts)[i] += ((float *)parts)[(size_t)r * m + i];
      else ((double *)parts)[i] += ((double *)parts)[(size_t)r * m + i];
    }
  PetscCallMPI(MPI_Allgatherv(parts, counts[rank], real, vector, counts, starts, real, comm));
  PetscCall(PetscFree(parts));
  PetscCall(PetscFree4(counts, starts, mine, places));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All buffers as doubles, one behind the other: out of the parameters, or into them. */
static PetscErrorCode CopyBuffers(NomosTraining t, double values[], bool into)
{
  PetscFunctionBeginUser;
  for (size_t i = 0, at = 0; i < t->n_tensors; i++) {
    NomosParameter p;
    PetscCall(NomosParametersGet(t->parameters, i, &p));
    if (!p.buffer) continue;
    if (into) PetscCall(NomosParametersSetDoubles(t->parameters, i, values + at));
    else PetscCall(NomosParametersGetDoubles(t->parameters, i, values + at));
    at += p.size;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTrainingKeepBuffers(NomosTraining t)
{
  PetscFunctionBeginUser;
  PetscCall(CopyBuffers(t, t->former_buffers, false));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of the changes, not of the values: what does not change keeps its bits. A rank that had none of the batch has seen nothing, and would draw the mean to what there was. */
PetscErrorCode NomosTrainingShareBuffers(NomosTraining t, size_t n)
{
  const size_t rank = (size_t)t->rank, size = (size_t)t->size, mine = n * (rank + 1) / size - n * rank / size; /* examples, as EvaluatePart takes them */
  const double weight = (double)(mine * size) / (double)n;                                                     /* 1 where shares are equal */
  double      *values;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(t->n_buffers, &values));
  PetscCall(CopyBuffers(t, values, false));
  for (size_t i = 0; i < t->n_buffers; i++) values[i] = weight * (values[i] - t->former_buffers[i]);
  PetscCall(NomosSumGradientOverRanks(t->comm, NOMOS_F64, t->n_buffers, values));
  for (size_t i = 0; i < t->n_buffers; i++) values[i] = t->former_buffers[i] + values[i] / t->size;
  PetscCall(CopyBuffers(t, values, true));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
