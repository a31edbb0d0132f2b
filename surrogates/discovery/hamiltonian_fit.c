/* The coefficients of a Hamiltonian from states and their rates. */
#include "surrogates/discovery/hamiltonian_library.h"

#include <string.h>

enum { MAX_BLOCKS = 32, CHUNK = 512, PASSES = 3 }; /* CHUNK: states whose columns are in memory at once */

typedef struct {
  NomosHamiltonianLibrary       library;
  const NomosHamiltonianStates *states;
  const double                 *c;
  double                      **columns, *left; /* room for a chunk */
  double                      **inside;         /* and for a window */
} Rows;

/* Columns of rows [first, first + n): of states, or their means over windows. */
static PetscErrorCode Columns(const Rows *rows, size_t first, size_t n)
{
  const NomosHamiltonianStates *states = rows->states;
  const size_t                  size = NomosHamiltonianLibraryCoordinates(rows->library), n_terms = NomosHamiltonianLibraryTerms(rows->library);

  PetscFunctionBeginUser;
  if (!states->n_window) PetscCall(NomosHamiltonianLibraryColumns(rows->library, n, states->x + first * size, rows->columns));
  for (size_t r = 0; states->n_window && r < n; r++) {
    PetscCall(NomosHamiltonianLibraryColumns(rows->library, states->n_window, states->x + states->first[first + r] * size, rows->inside));
    for (size_t k = 0; k < n_terms; k++)
      for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t j = 0; j < states->n_window; j++) sum += states->weights[j] * rows->inside[k][j * size + i];
        rows->columns[k][r * size + i] = sum;
      }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows [first, first + n), at most a chunk, into a block. */
static PetscErrorCode AddChunk(const Rows *rows, size_t first, size_t n, size_t block, NomosGram *gram)
{
  const size_t  size      = NomosHamiltonianLibraryCoordinates(rows->library);
  const double *targets[] = {rows->states->x_dot + first * size, rows->left};

  PetscFunctionBeginUser;
  PetscCall(Columns(rows, first, n));
  memcpy(rows->left, targets[0], n * size * sizeof *rows->left);
  for (size_t k = 0; rows->c && k < gram->n_terms; k++)
    for (size_t i = 0; rows->c[k] != 0 && i < n * size; i++) rows->left[i] -= rows->c[k] * rows->columns[k][i];
  PetscCall(NomosGramAdd(gram, block, n * size, (const double *const *)rows->columns, targets, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianAssemble(NomosHamiltonianLibrary library, const NomosHamiltonianStates *states, const double c[], NomosGram *gram)
{
  const size_t   size = NomosHamiltonianLibraryCoordinates(library), n_terms = NomosHamiltonianLibraryTerms(library), n_blocks = PetscMin(MAX_BLOCKS, states->n);
  Rows           rows = {.library = library, .states = states, .c = c};
  PetscErrorCode code = PETSC_SUCCESS;
  const size_t   window = PetscMax(1, states->n_window);
  double        *values, *inside;

  PetscFunctionBeginUser;
  PetscCall(NomosGramCreate(n_terms, 2, n_blocks, gram));
  PetscCall(PetscMalloc3(n_terms, &rows.columns, n_terms * CHUNK * size, &values, CHUNK * size, &rows.left));
  PetscCall(PetscMalloc2(n_terms, &rows.inside, n_terms * window * size, &inside));
  for (size_t k = 0; k < n_terms; k++) {
    rows.columns[k] = values + k * CHUNK * size;
    rows.inside[k]  = inside + k * window * size;
  }
  for (size_t b = 0; b < n_blocks; b++) {
    const size_t end = (b + 1) * states->n / n_blocks;
    for (size_t first = b * states->n / n_blocks; first < end && !code; first += CHUNK) code = AddChunk(&rows, first, PetscMin(CHUNK, end - first), b, gram);
  }
  PetscCall(PetscFree3(rows.columns, values, rows.left));
  PetscCall(PetscFree2(rows.inside, inside));
  if (code) PetscCall(NomosGramDestroy(gram));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the coefficients leave, as a regression; and its share of the rates: found->residual. */
static PetscErrorCode Left(NomosHamiltonianLibrary library, const NomosHamiltonianStates *states, NomosRegression *found, NomosNormal *left)
{
  NomosGram   gram;
  NomosNormal rates;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianAssemble(library, states, found->c, &gram));
  PetscCall(NomosGramNormal(&gram, 0, NULL, &rates));
  PetscCall(NomosGramNormal(&gram, 1, NULL, left));
  found->residual = left->s / rates.s;
  PetscCall(NomosGramDestroy(&gram));
  PetscCall(NomosNormalDestroy(&rates));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosHamiltonianRefine(NomosHamiltonianLibrary library, const NomosHamiltonianStates *states, const NomosConstraints *constraints, double independence, NomosRegression *found)
{
  PetscErrorCode code = PETSC_SUCCESS;
  double        *step;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(found->n_terms, &step));
  for (int pass = 0; pass < PASSES && !code && !found->nothing; pass++) {
    NomosNormal left;
    PetscCall(Left(library, states, found, &left));
    left.n *= independence;
    code = NomosRegressionStep(&left, constraints, found, step);
    PetscCall(NomosNormalDestroy(&left));
  }
  PetscCall(PetscFree(step));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
