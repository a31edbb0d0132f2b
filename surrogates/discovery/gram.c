#include "surrogates/discovery/gram.h"

#include "operators/reduce.h"
#include "surrogates/discovery/gram_impl.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode NomosGramCreate(size_t n_terms, size_t n_targets, size_t n_blocks, NomosGram *gram)
{
  PetscFunctionBeginUser;
  *gram = (NomosGram){.n_terms = n_terms, .n_targets = n_targets, .n_blocks = n_blocks};
  PetscCheck(n_terms, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "the library of terms is empty: a regression needs at least one");
  PetscCheck(n_targets && n_blocks, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a regression of %zu targets over %zu blocks of rows: there must be at least one of both", n_targets, n_blocks);
  PetscCall(PetscCalloc4(n_blocks * n_terms * n_terms, &gram->G, n_blocks * n_targets * n_terms, &gram->b, n_blocks * n_targets, &gram->s, n_blocks, &gram->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGramDestroy(NomosGram *gram)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree4(gram->G, gram->b, gram->s, gram->n));
  *gram = (NomosGram){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *NomosTermName(const char *const names[], size_t term, char text[NOMOS_MAX_NAME])
{
  if (names) return names[term];
  snprintf(text, NOMOS_MAX_NAME, "term %zu", term);
  return text;
}

/* The first row with something that is not a number, and what it is. */
static PetscErrorCode RefuseRow(const NomosGram *gram, size_t n_rows, const double *const columns[], const double weights[])
{
  char text[NOMOS_MAX_NAME];

  PetscFunctionBeginUser;
  for (size_t row = 0; row < n_rows; row++) {
    NomosCheck(!weights || (weights[row] >= 0 && isfinite(weights[row])), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "row %zu of the regression has the weight %g: weights are finite and at least 0", row, weights[row]);
    for (size_t j = 0; j < gram->n_terms + gram->n_targets && !(weights && weights[row] == 0); j++) {
      if (j < gram->n_terms) NomosCheck(isfinite(columns[j][row]), PETSC_COMM_SELF, PETSC_ERR_FP, "row %zu of the regression: %s is %g; leave the row out (a weight of 0), or the term", row, NomosTermName(gram->names, j, text), columns[j][row]);
      else NomosCheck(isfinite(columns[j][row]), PETSC_COMM_SELF, PETSC_ERR_FP, "row %zu of the regression: target %zu is %g; leave the row out (a weight of 0)", row, j - gram->n_terms, columns[j][row]);
    }
  }
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_FP, "the regression has a number times the root of its weight that overflows; scale the terms");
}

/* Every part of GRAM_PART rows is summed by one thread, and the parts are added in their order: the same bits for any number of threads. */
PetscErrorCode NomosGramAdd(NomosGram *gram, size_t block, size_t n_rows, const double *const columns[], const double *const targets[], const double weights[])
{
  const size_t   n = gram->n_terms + gram->n_targets, m = GramColumns(n), n_parts = (n_rows + GRAM_PART - 1) / GRAM_PART, n_wave = PetscMin(n_parts, GRAM_WAVE);
  const size_t   n_packed  = (m + 1) * GRAM_ROOM;
  const int      n_threads = (int)PetscMin((size_t)omp_get_max_threads(), PetscMax(n_wave, 1));
  const double **all;
  double        *packed, *sums, *total, rows[GRAM_WAVE], n_total = 0;
  int            finite = 1;

  PetscFunctionBeginUser;
  PetscCheck(block < gram->n_blocks, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "rows for block %zu of a regression that has %zu", block, gram->n_blocks);
  if (!n_rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc4(n, &all, n_packed * (size_t)n_threads, &packed, n_wave * m * m, &sums, m * m, &total));
  memcpy(all, columns, gram->n_terms * sizeof *all);
  memcpy(all + gram->n_terms, targets, gram->n_targets * sizeof *all);
  memset(total, 0, m * m * sizeof *total);
  for (size_t wave = 0; wave < n_parts && finite; wave += GRAM_WAVE) {
    const size_t parts = PetscMin(GRAM_WAVE, n_parts - wave);
#pragma omp parallel for num_threads(n_threads) schedule(dynamic) reduction(&& \
                                                                            : finite)
    for (size_t p = 0; p < parts; p++) {
      const size_t first = (wave + p) * GRAM_PART;
      finite             = NomosGramPart(n, PetscMin(GRAM_PART, n_rows - first), all, first, weights, packed + n_packed * (size_t)omp_get_thread_num(), sums + p * m * m, &rows[p]) && finite;
    }
    for (size_t p = 0; p < parts; p++) {
      for (size_t i = 0; i < m * m; i++) total[i] += sums[p * m * m + i];
      n_total += rows[p];
    }
  }
  for (size_t i = 0; i < n && finite; i++) finite = isfinite(total[i * m + i]);
  const PetscErrorCode code = finite ? PETSC_SUCCESS : RefuseRow(gram, n_rows, all, weights);
  if (!code) {
    double *G = gram->G + block * gram->n_terms * gram->n_terms, *b = gram->b + block * gram->n_targets * gram->n_terms, *s = gram->s + block * gram->n_targets;
    for (size_t i = 0; i < gram->n_terms; i++) {
      for (size_t j = i; j < gram->n_terms; j++) G[i * gram->n_terms + j] += total[i * m + j];
      for (size_t j = 0; j < i; j++) G[i * gram->n_terms + j] = G[j * gram->n_terms + i];
      for (size_t t = 0; t < gram->n_targets; t++) b[t * gram->n_terms + i] += total[i * m + gram->n_terms + t];
    }
    for (size_t t = 0; t < gram->n_targets; t++) s[t] += total[(gram->n_terms + t) * (m + 1)];
    gram->n[block] += n_total;
  }
  PetscCall(PetscFree4(all, packed, sums, total));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGramReduce(MPI_Comm comm, NomosGram *gram)
{
  PetscFunctionBeginUser;
  PetscCall(NomosSumOverRanks(comm, gram->n_blocks * gram->n_terms * gram->n_terms, gram->G));
  PetscCall(NomosSumOverRanks(comm, gram->n_blocks * gram->n_targets * gram->n_terms, gram->b));
  PetscCall(NomosSumOverRanks(comm, gram->n_blocks * gram->n_targets, gram->s));
  PetscCall(NomosSumOverRanks(comm, gram->n_blocks, gram->n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNormalCreate(size_t n_terms, NomosNormal *normal)
{
  PetscFunctionBeginUser;
  *normal = (NomosNormal){.n_terms = n_terms};
  PetscCall(PetscCalloc2(n_terms * n_terms, &normal->G, n_terms, &normal->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosGramNormal(const NomosGram *gram, size_t target, const double block_weights[], NomosNormal *normal)
{
  const size_t n = gram->n_terms;

  PetscFunctionBeginUser;
  PetscCheck(target < gram->n_targets, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "target %zu of a regression that has %zu", target, gram->n_targets);
  PetscCall(NomosNormalCreate(n, normal));
  normal->names = gram->names;
  for (size_t block = 0; block < gram->n_blocks; block++) {
    const double w = block_weights ? block_weights[block] : 1;
    for (size_t i = 0; i < n * n; i++) normal->G[i] += w * gram->G[block * n * n + i];
    for (size_t i = 0; i < n; i++) normal->b[i] += w * gram->b[(block * gram->n_targets + target) * n + i];
    normal->s += w * gram->s[block * gram->n_targets + target];
    normal->n += w * gram->n[block];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosNormalDestroy(NomosNormal *normal)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(normal->G, normal->b));
  *normal = (NomosNormal){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}
