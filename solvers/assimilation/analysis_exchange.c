/* Members by rank and columns by rank: what every rank sends to every other is its members' part of the other's columns. */
#include "solvers/assimilation/assimilation_impl.h"

#include <limits.h>

typedef struct {
  size_t *members;               /* of each rank */
  int    *counts[2], *starts[2]; /* of members x columns: as members lie, and as columns lie */
  double *buffers[2];
} Exchange;

static PetscErrorCode Begin(NomosAnalysis a, size_t n_own, Exchange *x)
{
  const size_t own_columns = NomosAnalysisColumn(a, a->rank + 1) - NomosAnalysisColumn(a, a->rank);
  size_t       totals[2]   = {0, 0};

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc5(a->size, &x->members, a->size, &x->counts[0], a->size, &x->counts[1], a->size, &x->starts[0], a->size, &x->starts[1]));
  PetscCallMPI(MPI_Allgather(&n_own, 1, MPIU_SIZE_T, x->members, 1, MPIU_SIZE_T, a->comm));
  for (int r = 0; r < a->size; r++) {
    const size_t n[2] = {n_own * a->n_layers * (NomosAnalysisColumn(a, r + 1) - NomosAnalysisColumn(a, r)), x->members[r] * a->n_layers * own_columns};
    for (int i = 0; i < 2; i++) {
      PetscCheck(totals[i] + n[i] <= INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "members of %zu numbers are too large for one exchange between ranks; use more ranks", a->n_state);
      x->starts[i][r] = (int)totals[i];
      x->counts[i][r] = (int)n[i];
      totals[i] += n[i];
    }
  }
  PetscCall(PetscMalloc2(totals[0] + 1, &x->buffers[0], totals[1] + 1, &x->buffers[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(Exchange *x)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(x->buffers[0], x->buffers[1]));
  PetscCall(PetscFree5(x->members, x->counts[0], x->counts[1], x->starts[0], x->starts[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Move(double *a, double *b, bool to_b)
{
  if (to_b) *b = *a;
  else *a = *b;
}

/* Between the states of own members and the buffer (rank of the columns; member, layer, column). */
static void Members(NomosAnalysis a, const NomosEnsemble *ensemble, double *buffer, bool pack)
{
  for (int r = 0; r < a->size; r++)
    for (size_t i = 0; i < ensemble->n_own; i++)
      for (size_t layer = 0; layer < a->n_layers; layer++)
        for (size_t c = NomosAnalysisColumn(a, r); c < NomosAnalysisColumn(a, r + 1); c++) Move(&ensemble->states[i * a->n_state + layer * a->n_columns + c], buffer++, pack);
}

/* Between the buffer (rank of the members; member, layer, column) and rows (column, layer, member). */
static void Rows(NomosAnalysis a, const Exchange *x, double *buffer, double *rows, bool unpack)
{
  const size_t n     = NomosAnalysisColumn(a, a->rank + 1) - NomosAnalysisColumn(a, a->rank);
  size_t       first = 0;

  for (int r = 0; r < a->size; first += x->members[r], r++)
    for (size_t i = 0; i < x->members[r]; i++)
      for (size_t layer = 0; layer < a->n_layers; layer++)
        for (size_t c = 0; c < n; c++) Move(buffer++, &rows[(c * a->n_layers + layer) * a->n_members + first + i], unpack);
}

PetscErrorCode NomosAnalysisScatter(NomosAnalysis a, const NomosEnsemble *ensemble, double *rows)
{
  Exchange x;

  PetscFunctionBeginUser;
  PetscCall(Begin(a, ensemble->n_own, &x));
  Members(a, ensemble, x.buffers[0], true);
  PetscCallMPI(MPI_Alltoallv(x.buffers[0], x.counts[0], x.starts[0], MPI_DOUBLE, x.buffers[1], x.counts[1], x.starts[1], MPI_DOUBLE, a->comm));
  Rows(a, &x, x.buffers[1], rows, true);
  PetscCall(End(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisGather(NomosAnalysis a, const NomosEnsemble *ensemble, const double *rows)
{
  Exchange x;

  PetscFunctionBeginUser;
  PetscCall(Begin(a, ensemble->n_own, &x));
  Rows(a, &x, x.buffers[1], (double *)rows, false);
  PetscCallMPI(MPI_Alltoallv(x.buffers[1], x.counts[1], x.starts[1], MPI_DOUBLE, x.buffers[0], x.counts[0], x.starts[0], MPI_DOUBLE, a->comm));
  Members(a, ensemble, x.buffers[0], false);
  PetscCall(End(&x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosAnalysisGatherSeen(NomosAnalysis a, const NomosEnsemble *ensemble, double *seen)
{
  const size_t n = ensemble->set->n;
  int         *counts, *starts, own = (int)(ensemble->n_own * n), total = 0;
  double      *all;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(a->size, &counts, a->size, &starts, n * a->n_members + 1, &all));
  PetscCallMPI(MPI_Allgather(&own, 1, MPI_INT, counts, 1, MPI_INT, a->comm));
  for (int r = 0; r < a->size; r++) {
    starts[r] = total;
    total += counts[r];
  }
  PetscCallMPI(MPI_Allgatherv(ensemble->seen, own, MPI_DOUBLE, all, counts, starts, MPI_DOUBLE, a->comm));
  for (size_t j = 0; j < a->n_members; j++)
    for (size_t o = 0; o < n; o++) seen[o * a->n_members + j] = all[j * n + o];
  PetscCall(PetscFree3(counts, starts, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}
