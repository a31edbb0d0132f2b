/* The linear part: terms that are linear in one variable with constant coefficients, as a matrix for each Fourier mode; the functions of it that a scheme uses, and their derivatives by the coefficients. */
#include "solvers/equation/equation_impl.h"

#include <complex.h>
#include <string.h>

typedef double _Complex Number;

/* A term's symbol, where the two signs of a shortest wave (of an even side) count half each: its odd derivatives vanish. */
static PetscErrorCode Symbol(const EquationModel *e, size_t term, size_t mode, Number *symbol)
{
  const EquationModes *m = &e->modes;
  int                  k, l;
  double               value[2];

  PetscFunctionBeginUser;
  EquationModesWaves(m, mode, &k, &l);
  const int n_k = 2 * k == m->nx ? 2 : 1, n_l = 2 * l == m->ny && m->n_dims == 2 ? 2 : 1;
  *symbol = 0;
  for (int a = 0; a < n_k; a++)
    for (int b = 0; b < n_l; b++) {
      PetscCall(NomosTermsSymbol(NomosEquationsTerms(e->equations), term, 2 * PETSC_PI * (a ? -k : k) / m->lx, 2 * PETSC_PI * (b ? -l : l) / m->ly, value));
      *symbol += (value[0] + I * value[1]) / (n_k * n_l);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Blocks of variables that are coupled, directly or by others, and the pairs of each. */
static void FindPairs(EquationModel *e)
{
  EquationLinear *linear = &e->linear;
  int             root[EQUATION_MAX_VARIABLES], n = (int)e->n_variables;
  NomosTerms      terms = NomosEquationsTerms(e->equations);

  for (int i = 0; i < n; i++) root[i] = i;
  for (size_t k = 0; k < linear->n_entries; k++) {
    const NomosEquationsEntry *entry = &e->entries[linear->entry[k]];
    const int                  a = root[entry->variable], b = root[NomosTermsLinearField(terms, entry->term)];
    for (int i = 0; i < n; i++)
      if (root[i] == PetscMax(a, b)) root[i] = PetscMin(a, b);
  }
  for (int r = 0; r < n; r++) {
    const int first = linear->n_pairs;
    int       size  = 0;
    if (root[r] != r) continue;
    for (int i = 0; i < n; i++) size += root[i] == r;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++)
        if (root[i] == r && root[j] == r) {
          linear->pairs[linear->n_pairs] = (EquationPair){.target = i, .source = j, .block = linear->n_blocks, .place = linear->n_pairs - first};
          linear->n_pairs++;
        }
    linear->block_pair[linear->n_blocks]   = first;
    linear->block_size[linear->n_blocks++] = size;
  }
  for (size_t k = 0; k < linear->n_entries; k++) {
    const NomosEquationsEntry *entry = &e->entries[linear->entry[k]];
    int                        p     = 0;
    while (linear->pairs[p].target != (int)entry->variable || linear->pairs[p].source != NomosTermsLinearField(terms, entry->term)) p++;
    linear->pair[k]         = p;
    linear->pairs[p].changes = true;
  }
}

PetscErrorCode EquationLinearCreate(NomosModel model)
{
  EquationModel  *e      = model->data;
  EquationLinear *linear = &e->linear;
  NomosTerms      terms  = NomosEquationsTerms(e->equations);
  bool           *explicit_entries;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc4(e->n_entries, &linear->entry, e->n_entries, &linear->pair, e->n_entries, &linear->symbol, e->n_entries, &linear->direction));
  PetscCall(PetscMalloc1(e->n_entries + 1, &explicit_entries));
  for (size_t i = 0; i < e->n_entries; i++) {
    explicit_entries[i] = NomosTermsLinearField(terms, e->entries[i].term) < 0;
    if (explicit_entries[i]) continue;
    Number **symbol = &linear->symbol[linear->n_entries];
    PetscCall(PetscMalloc1(e->modes.n_modes + 1, symbol));
    for (size_t m = 0; m < e->modes.n_modes; m++) {
      PetscCall(Symbol(e, e->entries[i].term, m, &(*symbol)[m]));
      PetscCheck(isfinite(cabs((*symbol)[m])), model->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: %s overflows at the shortest waves of this grid", NomosConfigWhere(model->config, e->entries[i].parameter.param->key), NomosTermsText(terms, e->entries[i].term));
    }
    linear->entry[linear->n_entries++] = i;
  }
  PetscCall(NomosEquationsSelect(e->equations, explicit_entries));
  PetscCall(PetscFree(explicit_entries));
  FindPairs(e);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode EquationLinearDestroy(EquationLinear *linear)
{
  PetscFunctionBeginUser;
  for (size_t k = 0; k < linear->n_entries; k++) PetscCall(PetscFree(linear->symbol[k]));
  PetscCall(PetscFree4(linear->entry, linear->pair, linear->symbol, linear->direction));
  for (int f = 0; f < EQUATION_N_FUNCTIONS; f++) {
    PetscCall(PetscFree(linear->value[f]));
    PetscCall(PetscFree(linear->dot[f]));
    PetscCall(PetscFree(linear->by_entry[f]));
    PetscCall(PetscFree(linear->by_entry_dot[f]));
  }
  for (int i = 0; i < 2; i++) PetscCall(PetscFree(linear->sums[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of a mode: h L of the pairs of a block, by coefficients or by what they change. */
static void Matrix(const EquationModel *e, int block, size_t mode, double h, const double coefficients[], Number *z)
{
  const EquationLinear *linear = &e->linear;

  memset(z, 0, sizeof(Number) * (size_t)(linear->block_size[block] * linear->block_size[block]));
  for (size_t k = 0; k < linear->n_entries; k++) {
    const EquationPair *pair = &linear->pairs[linear->pair[k]];
    if (pair->block == block) z[pair->place] += h * coefficients[linear->entry[k]] * linear->symbol[k][mode];
  }
}

/* Place of (pair of an entry of L, pair of the same block, mode) in by_entry. */
static size_t ByEntry(const EquationModel *e, int in, int place, size_t mode)
{
  return ((size_t)in * (size_t)e->linear.n_pairs + (size_t)(e->linear.block_pair[e->linear.pairs[in].block] + place)) * e->modes.n_modes + mode;
}

typedef enum { VALUES = 1, BY_ENTRY = 2, BY_ENTRY_DOT = 4 } What;

static void MakeMode(const EquationModel *e, double h, What what, const double p_dot[], size_t mode, Number *z, Number *const values[EQUATION_N_FUNCTIONS], Number *work)
{
  const EquationLinear *linear = &e->linear;
  const int             blocks = what == VALUES ? 1 : what == BY_ENTRY ? 2 : 4;

  for (int b = 0; b < linear->n_blocks; b++) {
    const int n = linear->block_size[b], n2 = n * n, first = linear->block_pair[b];
    Matrix(e, b, mode, h, e->coefficients, z);
    if (what == VALUES) {
      EquationFunctions(e->scheme, 1, n, h, z, values, work);
      for (int f = 0; f < EQUATION_N_FUNCTIONS; f++)
        for (int i = 0; i < n2 && linear->value[f]; i++) linear->value[f][(size_t)(first + i) * e->modes.n_modes + mode] = values[f][i];
      continue;
    }
    for (int in = first; in < first + n2; in++) {
      if (!linear->pairs[in].changes) continue;
      memset(z + n2, 0, sizeof(Number) * (size_t)((blocks - 1) * n2));
      z[n2 + linear->pairs[in].place] = h;
      if (what == BY_ENTRY_DOT) Matrix(e, b, mode, h, p_dot, z + 2 * n2);
      EquationFunctions(e->scheme, blocks, n, h, z, values, work);
      for (int f = 0; f < EQUATION_N_FUNCTIONS; f++)
        for (int i = 0; i < n2 && linear->value[f]; i++) {
          if (what == BY_ENTRY) linear->by_entry[f][ByEntry(e, in, i, mode)] = values[f][n2 + i];
          else linear->by_entry_dot[f][ByEntry(e, in, i, mode)] = values[f][3 * n2 + i];
        }
    }
  }
}

/* Every mode by itself, on any thread. */
static PetscErrorCode Make(NomosModel model, What what, const double p_dot[])
{
  EquationModel *e      = model->data;
  const size_t   size   = 4 * e->n_variables * e->n_variables;
  const double   h      = model->dt;
  int            failed = 0;

  PetscFunctionBeginUser;
#pragma omp parallel reduction(+ : failed) if (e->modes.n_modes > 512)
  {
    Number *all = calloc(size * (1 + EQUATION_N_FUNCTIONS + EQUATION_N_WORK), sizeof *all), *values[EQUATION_N_FUNCTIONS];
    failed += !all;
    for (int f = 0; f < EQUATION_N_FUNCTIONS && all; f++) values[f] = all + size * (size_t)(1 + f);
#pragma omp for schedule(static)
    for (size_t mode = 0; mode < e->modes.n_modes; mode++)
      if (all) MakeMode(e, h, what, p_dot, mode, all, values, all + size * (1 + EQUATION_N_FUNCTIONS));
    free(all);
  }
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the functions of the linear terms");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static bool IsUsed(const EquationScheme *scheme, int f)
{
  for (int i = 0; i <= scheme->n_stages; i++) {
    if (scheme->of_state[i].function == (EquationFunction)f) return true;
    for (int j = 0; j < i; j++)
      if (scheme->of_stage[i][j].function == (EquationFunction)f) return true;
  }
  return false;
}

static PetscErrorCode Allocate(const EquationModel *e, size_t n_pairs, Number *arrays[EQUATION_N_FUNCTIONS])
{
  PetscFunctionBeginUser;
  for (int f = EQUATION_STEP + 1; f < EQUATION_N_FUNCTIONS; f++)
    if (!arrays[f] && IsUsed(e->scheme, f)) PetscCall(PetscCalloc1(n_pairs * e->modes.n_modes + 1, &arrays[f]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The functions' change in the direction of a change of coefficients. */
static void Direct(EquationModel *e)
{
  EquationLinear *linear = &e->linear;
  const size_t    n      = e->modes.n_modes;

  for (int f = 0; f < EQUATION_N_FUNCTIONS; f++) {
    if (!linear->dot[f]) continue;
    memset(linear->dot[f], 0, sizeof(Number) * (size_t)linear->n_pairs * n);
    for (size_t k = 0; k < linear->n_entries; k++) {
      const EquationPair *in = &linear->pairs[linear->pair[k]];
      for (int i = 0; i < linear->block_size[in->block] * linear->block_size[in->block]; i++) {
        const Number *slope = linear->by_entry[f] + ByEntry(e, linear->pair[k], i, 0);
        Number       *dot   = linear->dot[f] + (size_t)(linear->block_pair[in->block] + i) * n;
        for (size_t m = 0; m < n; m++) dot[m] += linear->direction[k] * linear->symbol[k][m] * slope[m];
      }
    }
  }
}

PetscErrorCode EquationLinearRenew(NomosModel model, bool by_entry, const double p_dot[])
{
  EquationModel  *e       = model->data;
  EquationLinear *linear  = &e->linear;
  const size_t    n_pairs = (size_t)linear->n_pairs;

  PetscFunctionBeginUser;
  if (linear->h != model->dt) {
    PetscCall(Allocate(e, n_pairs, linear->value));
    PetscCall(Make(model, VALUES, NULL));
    linear->h            = model->dt;
    linear->has_by_entry = linear->has_dot = linear->has_by_entry_dot = false;
  }
  if (!linear->n_entries || !(by_entry || p_dot)) PetscFunctionReturn(PETSC_SUCCESS);
  if (!linear->has_by_entry) {
    PetscCall(Allocate(e, n_pairs * n_pairs, linear->by_entry));
    PetscCall(Make(model, BY_ENTRY, NULL));
    linear->has_by_entry = true;
  }
  if (!p_dot) PetscFunctionReturn(PETSC_SUCCESS);
  for (size_t k = 0; k < linear->n_entries; k++) {
    if (linear->direction[k] != p_dot[linear->entry[k]]) linear->has_dot = linear->has_by_entry_dot = false;
    linear->direction[k] = p_dot[linear->entry[k]];
  }
  if (!linear->has_dot) {
    PetscCall(Allocate(e, n_pairs, linear->dot));
    Direct(e);
    linear->has_dot = true;
  }
  if (by_entry && !linear->has_by_entry_dot) {
    PetscCall(Allocate(e, n_pairs * n_pairs, linear->by_entry_dot));
    PetscCall(Make(model, BY_ENTRY_DOT, p_dot));
    linear->has_by_entry_dot = true;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum += <x_bar, F^-1 M' F v> by coefficients, for M' = the symbol of a coefficient times the derivative by its entry, from sums of conj(x_bar^) v^. */
static void Gradient(const EquationModel *e, Number *const by_entry[], const Number *sums, double p_bar[])
{
  const EquationLinear *linear = &e->linear;
  const size_t          n      = e->modes.n_modes;

  for (size_t k = 0; k < linear->n_entries; k++) {
    const EquationPair *in    = &linear->pairs[linear->pair[k]];
    double              total = 0;
    for (int f = 0; f < EQUATION_N_FUNCTIONS; f++)
      for (int i = 0; i < linear->block_size[in->block] * linear->block_size[in->block] && by_entry[f]; i++) {
        const Number *slope = by_entry[f] + ByEntry(e, linear->pair[k], i, 0), *sum = sums + ((size_t)f * (size_t)linear->n_pairs + (size_t)(linear->block_pair[in->block] + i)) * n;
        for (size_t m = 0; m < n; m++) total += EquationModesWeight(&e->modes, m) * creal(linear->symbol[k][m] * slope[m] * sum[m]);
      }
    p_bar[linear->entry[k]] += e->total * total;
  }
}

void EquationLinearGradient(const EquationModel *e, bool directed, double p_bar[], double p_bar_dot[])
{
  const EquationLinear *linear = &e->linear;

  if (p_bar) Gradient(e, linear->by_entry, linear->sums[0], p_bar);
  if (!p_bar_dot) return;
  Gradient(e, linear->by_entry, linear->sums[1], p_bar_dot);
  if (directed) Gradient(e, linear->by_entry_dot, linear->sums[0], p_bar_dot);
}
