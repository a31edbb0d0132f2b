/* Do bodies begin in the same place? That is allowed (they push each other apart at once), and seldom meant. */
#include "solvers/mpm/mpm_impl.h"

#include <math.h>
#include <stdio.h>

/* Bins at least a cell wide, and not too many. */
typedef struct {
  int     n[3];
  double  low[3], width[3];
  size_t *first; /* of each bin, in `order`: particles sorted by bin */
  size_t *order;
} Bins;

static void BinOf(const Bins *bins, const double x[3], int at[3])
{
  for (int a = 0; a < 3; a++) at[a] = PetscMin(PetscMax((int)((x[a] - bins->low[a]) / bins->width[a]), 0), bins->n[a] - 1);
}

static size_t BinNumber(const Bins *bins, const int at[3])
{
  return ((size_t)at[0] * (size_t)bins->n[1] + (size_t)at[1]) * (size_t)bins->n[2] + (size_t)at[2];
}

static PetscErrorCode BinsCreate(const NomosMpm *mpm, const double (*x)[3], Bins *bins)
{
  enum { MOST = 128 };
  const NomosMpmSetup *setup = &mpm->setup;
  int                  at[3];
  size_t               n = 1, sum = 0;

  PetscFunctionBeginUser;
  for (int a = 0; a < 3; a++) {
    bins->n[a]     = PetscMin(setup->cells[a], MOST);
    bins->low[a]   = setup->origin[a];
    bins->width[a] = setup->cells[a] * setup->dx / bins->n[a];
    n *= (size_t)bins->n[a];
  }
  PetscCall(PetscCalloc1(n + 1, &bins->first));
  PetscCall(PetscMalloc1(mpm->n, &bins->order));
  for (size_t k = 0; k < mpm->n; k++) {
    BinOf(bins, x[k], at);
    bins->first[BinNumber(bins, at)]++;
  }
  for (size_t b = 0; b <= n; b++) { /* where each bin ends */
    sum += bins->first[b];
    bins->first[b] = sum;
  }
  for (size_t k = mpm->n; k-- > 0;) { /* and, filled backwards, begins */
    BinOf(bins, x[k], at);
    bins->order[--bins->first[BinNumber(bins, at)]] = k;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A particle of another body nearer to k than 0.8 of the smaller of their spacings (bodies that touch are a spacing apart); mpm->n: none. */
static size_t Neighbour(const NomosMpm *mpm, const double (*x)[3], const Bins *bins, size_t k)
{
  const int d = mpm->setup.d;
  int       at[3], low[3], high[3], other[3];

  BinOf(bins, x[k], at);
  for (int a = 0; a < 3; a++) {
    low[a]  = PetscMax(at[a] - 1, 0);
    high[a] = PetscMin(at[a] + 1, bins->n[a] - 1);
  }
  for (other[0] = low[0]; other[0] <= high[0]; other[0]++)
    for (other[1] = low[1]; other[1] <= high[1]; other[1]++)
      for (other[2] = low[2]; other[2] <= high[2]; other[2]++) {
        const size_t bin = BinNumber(bins, other);
        for (size_t i = bins->first[bin]; i < bins->first[bin + 1]; i++) {
          const size_t l = bins->order[i];
          double       square = 0;
          if (mpm->body[l] == mpm->body[k]) continue;
          for (int a = 0; a < d; a++) square += (x[l][a] - x[k][a]) * (x[l][a] - x[k][a]);
          if (square < 0.64 * pow(PetscMin(mpm->volume[l], mpm->volume[k]), 2.0 / d)) return l;
        }
      }
  return mpm->n;
}

PetscErrorCode NomosMpmOverlaps(NomosMpm *mpm, const double (*x)[3], const char *const bodies[], size_t n_text, char text[])
{
  Bins   bins;
  size_t count = 0, first = 0, of = 0;

  PetscFunctionBeginUser;
  text[0] = '\0';
  PetscCall(BinsCreate(mpm, x, &bins));
  for (size_t k = 0; k < mpm->n; k++) {
    const size_t l = Neighbour(mpm, x, &bins, k);
    if (l == mpm->n || count++) continue;
    first = k;
    of    = l;
  }
  if (count) snprintf(text, n_text, "warning: bodies overlap: %zu particles are where those of another body are, the first of %s in %s at (%g, %g, %g)", count, bodies[mpm->body[first]], bodies[mpm->body[of]], x[first][0], x[first][1], x[first][2]);
  PetscCall(PetscFree(bins.first));
  PetscCall(PetscFree(bins.order));
  PetscFunctionReturn(PETSC_SUCCESS);
}
