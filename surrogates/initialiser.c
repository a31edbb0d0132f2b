#include "surrogates/initialiser.h"

#include "operators/random.h"

NomosInitialiser NomosInitialiserFromRule(NomosInitialiserRule rule, double gain, size_t fan_in, size_t fan_out)
{
  const double in = fan_in ? (double)fan_in : 1, out = fan_out ? (double)fan_out : 1;
  double       b  = 1 / sqrt(in);

  if (gain == 0) gain = rule == NOMOS_RULE_SIREN ? 30 : 1;
  switch (rule) {
  case NOMOS_RULE_KAIMING_NORMAL: return NomosInitialiserNormal(0, gain / sqrt(in));
  case NOMOS_RULE_XAVIER_NORMAL:  return NomosInitialiserNormal(0, gain * sqrt(2 / (in + out)));
  case NOMOS_RULE_ORTHOGONAL:     return (NomosInitialiser){.kind = NOMOS_INITIALISER_ORTHOGONAL, .a = gain};
  case NOMOS_RULE_ZEROS:          return NomosInitialiserConstant(0);
  case NOMOS_RULE_KAIMING_UNIFORM: b = gain * sqrt(3 / in); break;
  case NOMOS_RULE_XAVIER_UNIFORM:  b = gain * sqrt(6 / (in + out)); break;
  case NOMOS_RULE_SIREN:           b = sqrt(6 / in) / gain; break;
  case NOMOS_RULE_SIREN_FIRST:     b = 1 / in; break;
  default:                         break;
  }
  return NomosInitialiserUniform(-b, b);
}

/* k orthonormal rows of length l >= k from random ones: Gram-Schmidt, twice is enough (Giraud et al. (2005), doi:10.1007/s00211-005-0615-4). By hand, not by LAPACK: its sums
   depend on the number of threads. */
static void Orthonormalise(size_t k, size_t l, double rows[])
{
  for (size_t i = 0; i < k; i++) {
    double *row = rows + i * l, norm = 0;
    for (int twice = 0; twice < 2; twice++)
      for (size_t j = 0; j < i; j++) {
        const double *other = rows + j * l;
        double        dot   = 0;
        for (size_t c = 0; c < l; c++) dot += other[c] * row[c];
        for (size_t c = 0; c < l; c++) row[c] -= dot * other[c];
      }
    for (size_t c = 0; c < l; c++) norm += row[c] * row[c];
    for (size_t c = 0; c < l; c++) row[c] /= sqrt(norm);
  }
}

static PetscErrorCode Orthogonal(double gain, uint64_t seed, uint64_t stream, size_t m, size_t n, double values[])
{
  const bool   wide = m <= n;
  const size_t k = wide ? m : n, l = wide ? n : m;
  double      *rows;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(k * l + 1, &rows));
  for (size_t i = 0; i < k * l; i++) rows[i] = NomosRandomNormal(seed, stream, i);
  Orthonormalise(k, l, rows);
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) values[i * n + j] = gain * (wide ? rows[i * l + j] : rows[j * l + i]);
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosInitialiserFill(const NomosInitialiser *initialiser, uint64_t seed, const char name[], int n_dims, const size_t shape[], double values[])
{
  const double   a = initialiser->a, b = initialiser->b;
  const uint64_t stream = NomosRandomStream(name);
  size_t         n      = 1;

  PetscFunctionBeginUser;
  for (int d = 0; d < n_dims; d++) n *= shape[d];
  switch (initialiser->kind) {
  case NOMOS_INITIALISER_UNIFORM:
    for (size_t i = 0; i < n; i++) values[i] = a + (b - a) * NomosRandomUniform(seed, stream, i);
    break;
  case NOMOS_INITIALISER_NORMAL:
    for (size_t i = 0; i < n; i++) values[i] = a + b * NomosRandomNormal(seed, stream, i);
    break;
  case NOMOS_INITIALISER_ORTHOGONAL:
    if (n) PetscCall(Orthogonal(a, seed, stream, n_dims ? shape[0] : 1, n_dims ? n / shape[0] : 1, values));
    break;
  default:
    for (size_t i = 0; i < n; i++) values[i] = a;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
