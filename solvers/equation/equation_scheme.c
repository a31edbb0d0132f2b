/* Tables of the time schemes, and the functions of hL that they use. */
#include "operators/phi_functions.h"
#include "solvers/equation/equation_impl.h"

#include <complex.h>
#include <string.h>

typedef double _Complex Number;

#define STATE(f) {EQUATION_##f, 1}
#define STAGE(f, factor) {EQUATION_##f, factor}

/* clang-format off */
static const EquationScheme schemes[] = {
  {"etdrk4", 4, true, false, 0,
    .of_state = {[1] = STATE(EXP_HALF), [2] = STATE(EXP_HALF), [3] = STATE(EXP), [4] = STATE(EXP)},
    .of_stage = {
      [1] = {STAGE(PHI_HALF, 1)},
      [2] = {[1] = STAGE(PHI_HALF, 1)},
      [3] = {STAGE(PHI_HALF_EXP, 1), [2] = STAGE(PHI_HALF, 2)}, /* from the second stage's linear part, e^(z/2) a with a = e^(z/2) u + h/2 phi_1 N_0 */
      [4] = {STAGE(FIRST, 1), STAGE(MIDDLE, 1), STAGE(MIDDLE, 1), STAGE(LAST, 1)}}},
  {"cnab2", 2, true, true, 0,
    .of_state = {[2] = STATE(CN)},
    .of_stage = {[2] = {STAGE(CN_STEP, 1.5), STAGE(CN_STEP, -0.5)}}},
  {"rk4", 4, false, false, 2.7,
    .of_state = {[1] = STATE(ONE), [2] = STATE(ONE), [3] = STATE(ONE), [4] = STATE(ONE)},
    .of_stage = {
      [1] = {STAGE(STEP, 0.5)},
      [2] = {[1] = STAGE(STEP, 0.5)},
      [3] = {[2] = STAGE(STEP, 1)},
      [4] = {STAGE(STEP, 1. / 6), STAGE(STEP, 1. / 3), STAGE(STEP, 1. / 3), STAGE(STEP, 1. / 6)}}},
  {"dormand_prince", 6, false, false, 1,
    .of_state = {[1] = STATE(ONE), [2] = STATE(ONE), [3] = STATE(ONE), [4] = STATE(ONE), [5] = STATE(ONE), [6] = STATE(ONE)},
    .of_stage = {
      [1] = {STAGE(STEP, 1. / 5)},
      [2] = {STAGE(STEP, 3. / 40), STAGE(STEP, 9. / 40)},
      [3] = {STAGE(STEP, 44. / 45), STAGE(STEP, -56. / 15), STAGE(STEP, 32. / 9)},
      [4] = {STAGE(STEP, 19372. / 6561), STAGE(STEP, -25360. / 2187), STAGE(STEP, 64448. / 6561), STAGE(STEP, -212. / 729)},
      [5] = {STAGE(STEP, 9017. / 3168), STAGE(STEP, -355. / 33), STAGE(STEP, 46732. / 5247), STAGE(STEP, 49. / 176), STAGE(STEP, -5103. / 18656)},
      [6] = {STAGE(STEP, 35. / 384), [2] = STAGE(STEP, 500. / 1113), STAGE(STEP, 125. / 192), STAGE(STEP, -2187. / 6784), STAGE(STEP, 11. / 84)}}},
  {"euler", 1, false, false, 1, .of_state = {[1] = STATE(ONE)}, .of_stage = {[1] = {STAGE(STEP, 1)}}},
};

static const EquationScheme cnab2_start = {"cnab2", 1, true, true, 0, .of_state = {[1] = STATE(CN)}, .of_stage = {[1] = {STAGE(CN_STEP, 1)}}};
/* clang-format on */

const EquationScheme *EquationSchemeFind(const char name[])
{
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (!strcmp(schemes[i].name, name)) return &schemes[i];
  return NULL;
}

const EquationScheme *EquationSchemeOf(const EquationScheme *scheme, int64_t step)
{
  return scheme->history && step == 0 ? &cnab2_start : scheme;
}

/* to = the inverse of a, in blocks: that of the first by elimination with pivots, and block m = -a^-1 sum over the parts s of m, s not empty, of a[s] to[m without s]. */
static void Invert(int blocks, int n, const Number *a, Number *to, Number *work)
{
  memcpy(work, a, sizeof(Number) * (size_t)(n * n));
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) to[i * n + j] = i == j;
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int i = c + 1; i < n; i++)
      if (cabs(work[i * n + c]) > cabs(work[pivot * n + c])) pivot = i;
    for (int j = 0; j < n; j++) {
      const Number w = work[c * n + j], t = to[c * n + j];
      work[c * n + j]     = work[pivot * n + j];
      to[c * n + j]       = to[pivot * n + j];
      work[pivot * n + j] = w;
      to[pivot * n + j]   = t;
    }
    const Number scale = 1 / work[c * n + c];
    for (int j = 0; j < n; j++) {
      work[c * n + j] *= scale;
      to[c * n + j] *= scale;
    }
    for (int i = 0; i < n; i++) {
      const Number factor = work[i * n + c];
      for (int j = 0; j < n && i != c; j++) {
        work[i * n + j] -= factor * work[c * n + j];
        to[i * n + j] -= factor * to[c * n + j];
      }
    }
  }
  for (int m = 1; m < blocks; m++) {
    memset(work, 0, sizeof(Number) * (size_t)(n * n));
    for (int s = 1; s <= m; s++)
      for (int i = 0; i < n * n && !(s & ~m); i++)
        for (int p = 0; p < n; p++) work[i] -= a[s * n * n + i / n * n + p] * to[(m ^ s) * n * n + p * n + i % n];
    NomosMatrixMultiply(1, n, to, work, to + m * n * n);
  }
}

void EquationFunctions(const EquationScheme *scheme, int blocks, int n, double h, const Number *z, Number *const values[EQUATION_N_FUNCTIONS], Number *work)
{
  const int size = blocks * n * n;
  Number   *half[NOMOS_N_PHI], *phi[NOMOS_N_PHI], *part = work + 8 * size, *rest[2] = {work + 9 * size, work + 10 * size};

  for (int l = 0; l < NOMOS_N_PHI; l++) {
    half[l] = work + l * size;
    phi[l]  = work + (NOMOS_N_PHI + l) * size;
  }
  if (scheme->history) { /* Crank-Nicolson */
    for (int i = 0; i < size; i++) part[i] = -z[i] / 2;
    for (int i = 0; i < n; i++) part[i * n + i] += 1;
    Invert(blocks, n, part, rest[0], rest[1]);
    for (int i = 0; i < size; i++) part[i] = z[i] / 2;
    for (int i = 0; i < n; i++) part[i * n + i] += 1;
    NomosMatrixMultiply(blocks, n, rest[0], part, values[EQUATION_CN]);
    for (int i = 0; i < size; i++) values[EQUATION_CN_STEP][i] = h * rest[0][i];
    return;
  }
  for (int i = 0; i < size; i++) part[i] = z[i] / 2;
  NomosPhiFunctions(blocks, n, part, half, rest);
  NomosPhiFunctions(blocks, n, z, phi, rest);
  for (int i = 0; i < size; i++) {
    values[EQUATION_EXP_HALF][i] = half[0][i];
    values[EQUATION_EXP][i]      = phi[0][i];
    values[EQUATION_PHI_HALF][i] = h / 2 * half[1][i];
    values[EQUATION_FIRST][i]    = h * (phi[1][i] - 3 * phi[2][i] + 4 * phi[3][i]);
    values[EQUATION_MIDDLE][i]   = h * (2 * phi[2][i] - 4 * phi[3][i]);
    values[EQUATION_LAST][i]     = h * (4 * phi[3][i] - phi[2][i]);
    part[i]                      = half[0][i];
  }
  for (int i = 0; i < n; i++) part[i * n + i] -= 1;
  NomosMatrixMultiply(blocks, n, values[EQUATION_PHI_HALF], part, values[EQUATION_PHI_HALF_EXP]);
}
