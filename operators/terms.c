#include "operators/terms_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

static PetscErrorCode CopyNames(size_t n, const char *const from[], size_t room, char ***to)
{
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(room + 1, to));
  for (size_t i = 0; i < n; i++) PetscCall(PetscStrallocpy(from[i], &(*to)[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool HasSmallFactors(size_t n)
{
  for (size_t p = 2; p <= 7; p++)
    while (n % p == 0) n /= p;
  return n == 1;
}

static PetscErrorCode CheckGrid(NomosTerms t)
{
  static const char *const names[2][2] = {{"x", ""}, {"y", "x"}};
  const NomosTermsGrid    *g           = &t->grid;

  PetscFunctionBeginUser;
  PetscCheck(g->n_dims >= 0 && g->n_dims <= 2, t->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: terms of fields with %d dimensions; 0, 1 or 2 are allowed", t->where, g->n_dims);
  PetscCheck(g->n_dims == 2 || t->size == 1, t->comm, PETSC_ERR_ARG_SIZ, "%s: terms of fields with %s are computed on one rank, there are %d; run on one, or on planes", t->where, g->n_dims ? "one dimension" : "no dimensions", t->size);
  for (int d = 0; d < g->n_dims; d++) {
    const char *name = names[g->n_dims - 1][d];
    PetscCheck(g->n[d] >= 2, t->comm, PETSC_ERR_ARG_SIZ, "%s: %zu points along %s; at least 2 are needed", t->where, g->n[d], name);
    NomosCheck(g->length[d] > 0, t->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: the domain is %g long along %s; it must be longer than 0", t->where, g->length[d], name);
    if (g->method == NOMOS_TERMS_SPECTRAL) {
      PetscCheck(!g->open[d], t->comm, PETSC_ERR_ARG_INCOMP, "%s: derivatives by Fourier series need a periodic %s; use differences", t->where, name);
      size_t below = g->n[d], above = g->n[d];
      while (!HasSmallFactors(below)) below--;
      while (!HasSmallFactors(above)) above++;
      PetscCheck(below == above, t->comm, PETSC_ERR_ARG_SIZ, "%s: %zu points along %s: must have only the factors 2, 3, 5, 7; use %zu or %zu, or differences", t->where, g->n[d], name, below, above);
    }
  }
  PetscCheck(g->method == NOMOS_TERMS_SPECTRAL || g->n_dims == 0 || g->order == 2 || g->order == 4 || g->order == 6 || g->order == 8, t->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: differences of order %d; 2, 4, 6 or 8 are allowed", t->where, g->order);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As operators/fft.h has them: equal blocks, the last ones shorter. */
PetscErrorCode NomosTermsGridRows(MPI_Comm comm, const NomosTermsGrid *grid, size_t *start, size_t *n, size_t *n_x)
{
  const size_t n_y = grid->n_dims == 2 ? grid->n[0] : 1;
  int          rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  const size_t block = (n_y + (size_t)size - 1) / (size_t)size;
  *start             = PetscMin((size_t)rank * block, n_y);
  *n                 = PetscMin(block, n_y - *start);
  *n_x               = grid->n_dims ? grid->n[grid->n_dims - 1] : PetscMax(grid->n[0], 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Distribute(NomosTerms t)
{
  int end = 0;

  PetscFunctionBeginUser;
  t->ny = t->grid.n_dims == 2 ? t->grid.n[0] : 1;
  PetscCall(NomosTermsGridRows(t->comm, &t->grid, &t->y_start, &t->n_y, &t->nx));
  t->points              = t->n_y * t->nx;
  t->size_of[SPACE_GRID] = t->points;
  PetscCall(PetscMalloc1(t->ny + 1, &t->row_sums));
  PetscCall(PetscMalloc2((size_t)t->size, &t->counts, (size_t)t->size, &t->starts));
  t->counts[t->rank] = (int)t->points;
  PetscCallMPI(MPI_Allgather(MPI_IN_PLACE, 1, MPI_INT, t->counts, 1, MPI_INT, t->comm));
  for (int r = 0; r < t->size; r++) {
    t->starts[r] = end;
    end += t->counts[r];
  }
  if (t->size > 1 && t->grid.method == NOMOS_TERMS_DIFFERENCES) PetscCall(PetscMalloc1(t->ny * t->nx, &t->plane));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Given functions, and the coordinates behind them. */
static PetscErrorCode CopyGiven(NomosTerms t, const NomosTermsInput *input)
{
  PetscFunctionBeginUser;
  PetscCall(CopyNames(input->n_given, input->given, input->n_given + 2, &t->given));
  PetscCall(PetscCalloc1(input->n_given + 2, &t->given_values));
  for (size_t i = 0; i < input->n_given + (size_t)t->grid.n_dims; i++) {
    PetscCall(PetscMalloc1(t->points + 1, &t->given_values[i]));
    if (i < input->n_given) {
      memcpy(t->given_values[i], input->given_values[i], sizeof(double) * t->points);
      continue;
    }
    const bool along_x = i == input->n_given;
    const int  dim     = along_x ? t->grid.n_dims - 1 : 0;
    PetscCall(PetscStrallocpy(along_x ? "x" : "y", &t->given[i]));
    for (size_t p = 0; p < t->points; p++) t->given_values[i][p] = t->grid.origin[dim] + t->grid.length[dim] * (double)(along_x ? p % t->nx : t->y_start + p / t->nx) / (double)t->grid.n[dim];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParseAll(NomosTerms t, const NomosTermsInput *input)
{
  PetscFunctionBeginUser;
  t->graph = (NomosTermGraph){.n_dims = t->grid.n_dims, .n_x = (int)t->nx, .n_given = (int)t->n_given};
  for (int d = 0; d < t->grid.n_dims; d++) t->graph.open[t->grid.n_dims - 1 - d] = t->grid.method == NOMOS_TERMS_DIFFERENCES && t->grid.open[d];
  PetscCall(PetscCalloc1(t->n_terms + 1, &t->term));
  for (size_t i = 0; i < t->n_terms; i++) {
    PetscCall(NomosTermParse(t, input->terms[i], &t->term[i]));
    for (size_t j = 0; j < i; j++) PetscCheck(t->term[j] != t->term[i], t->comm, PETSC_ERR_ARG_WRONG, "%s: the terms `%s` and `%s` are the same; leave one out", t->where, input->terms[j], input->terms[i]);
  }
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) {
    PetscCall(PetscCalloc1(t->n_terms + 1, &t->written[k]));
    for (size_t i = 0; i < t->n_terms; i++) PetscCall(NomosTermWrite(t, t->term[i], (NomosNotation)k, &t->written[k][i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What no field changes must be finite. */
static PetscErrorCode CheckConstants(NomosTerms t)
{
  double bad[2] = {0, 0}; /* a value that is not finite; whose */

  PetscFunctionBeginUser;
  for (int v = 0; v < t->n_values; v++)
    for (size_t p = 0; p < t->points && t->program[v].constant && t->program[v].space == SPACE_GRID && t->program[v].op != OP_FORWARD; p++)
      if (!isfinite(t->owned[VALUES][v][p]) && !bad[0]) {
        bad[0] = 1;
        bad[1] = t->program[v].op == OP_GIVEN ? t->program[v].index + 1 : 0;
      }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, bad, 2, MPI_DOUBLE, MPI_MAX, t->comm));
  PetscCheck(!bad[0], t->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s is not finite everywhere; it has to be on the whole grid", t->where, bad[1] ? t->given[(int)bad[1] - 1] : "what the terms make of the given functions and coordinates");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SetUp(NomosTerms t, const NomosTermsInput *input)
{
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(t->comm, &t->rank));
  PetscCallMPI(MPI_Comm_size(t->comm, &t->size));
  PetscCall(PetscStrallocpy(input->where ? input->where : "terms", &t->where));
  PetscCall(CheckGrid(t));
  PetscCall(Distribute(t));
  PetscCall(CopyNames(input->n_fields, input->fields, input->n_fields, &t->fields));
  PetscCall(CopyGiven(t, input));
  t->names = input->names;
  PetscCall(ParseAll(t, input));
  t->names = NULL;
  PetscCall(NomosTermsCompile(t));
  if (t->grid.method == NOMOS_TERMS_SPECTRAL && t->grid.n_dims > 0) PetscCall(NomosTermsSpectralCreate(t));
  for (int set = 0; set < N_SETS; set++) {
    PetscCall(PetscCalloc1((size_t)t->n_values + 1, &t->owned[set]));
    PetscCall(PetscCalloc1((size_t)t->n_values + 1, &t->at[set]));
  }
  PetscCall(PetscCalloc3((size_t)t->n_values + 1, &t->needed, (size_t)t->n_values + 1, &t->wanted, (size_t)t->n_values + 1, &t->active));
  PetscCall(NomosTermsRunConstants(t));
  PetscCall(CheckConstants(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsCreate(const NomosTermsInput *input, NomosTerms *terms)
{
  NomosTerms     t;
  PetscErrorCode code;

  PetscFunctionBeginUser;
  *terms = NULL;
  PetscCall(PetscNew(&t));
  t->comm         = input->comm;
  t->grid         = input->grid;
  t->n_fields     = input->n_fields;
  t->n_given      = input->n_given;
  t->n_terms      = input->n_terms;
  t->n_threads    = omp_get_max_threads();
  t->grid.dealias = t->grid.dealias && t->grid.method == NOMOS_TERMS_SPECTRAL && t->grid.n_dims > 0;
  code            = SetUp(t, input);
  if (code) PetscCall(NomosTermsDestroy(&t)); /* a caller may try another text */
  PetscCall(code);
  *terms = t;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeNames(size_t n, char ***names)
{
  PetscFunctionBeginUser;
  for (size_t i = 0; *names && i < n; i++) PetscCall(PetscFree((*names)[i]));
  PetscCall(PetscFree(*names));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsDestroy(NomosTerms *terms)
{
  NomosTerms t = *terms;

  PetscFunctionBeginUser;
  if (!t) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t i = 0; t->given_values && i < t->n_given + 2; i++) PetscCall(PetscFree(t->given_values[i]));
  PetscCall(PetscFree(t->given_values));
  PetscCall(FreeNames(t->n_given + 2, &t->given));
  PetscCall(FreeNames(t->n_fields, &t->fields));
  for (int k = 0; k < NOMOS_N_NOTATIONS; k++) PetscCall(FreeNames(t->n_terms, &t->written[k]));
  PetscCall(PetscFree(t->where));
  PetscCall(PetscFree(t->term));
  PetscCall(PetscFree(t->output));
  PetscCall(PetscFree(t->field_value));
  free(t->graph.nodes);
  free(t->graph.items);
  for (int v = 0; v < t->n_values; v++) {
    PetscCall(PetscFree(t->program[v].in));
    for (int set = 0; set < N_SETS && t->owned[set]; set++) PetscCall(PetscFree(t->owned[set][v]));
  }
  PetscCall(PetscFree(t->program));
  for (int s = 0; s < N_SPACES; s++) PetscCall(PetscFree(t->memo[s]));
  for (int set = 0; set < N_SETS; set++) {
    PetscCall(PetscFree(t->owned[set]));
    PetscCall(PetscFree(t->at[set]));
  }
  PetscCall(PetscFree3(t->needed, t->wanted, t->active));
  PetscCall(NomosTermsSpectralDestroy(&t->spectral));
  PetscCall(NomosTermsStencilsDestroy(t));
  PetscCall(PetscFree(t->plane));
  PetscCall(PetscFree(t->row_sums));
  PetscCall(PetscFree2(t->counts, t->starts));
  PetscCall(PetscFree(t->first_part));
  PetscCall(PetscFree(t->parts));
  PetscCall(PetscFree(*terms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

size_t NomosTermsPoints(NomosTerms terms)
{
  return terms->points;
}

PetscErrorCode NomosTermsRows(NomosTerms terms, size_t *start, size_t *n)
{
  PetscFunctionBeginUser;
  *start = terms->y_start;
  *n     = terms->n_y;
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosTermsUsesField(NomosTerms terms, size_t field)
{
  return terms->field_value[field] >= 0;
}

const char *NomosTermsWritten(NomosTerms terms, size_t term, NomosNotation notation)
{
  return terms->written[notation][term];
}

const char *NomosTermsText(NomosTerms terms, size_t term)
{
  return NomosTermsWritten(terms, term, NOMOS_NOTATION_TEXT);
}
