/* Weak regressions without the bias of noise in their columns. With white Gaussian noise of known size, e ~ N(0, sigma^2) at every point of u,

     He_q(u + e) = sum over the Hermite polynomial of variance sigma^2      has the mean u^q
     He_q He_r - He_{q+r}                                                   has the mean of cov(He_q, He_r)

   so that columns of He_q instead of u^q, and normal equations from which the covariances of columns and targets are taken off, have those without noise as their means:

     M_jk = sum_rows <psi_j, He_j><psi_k, He_k> - sum_points (sum_rows psi_j psi_k)(He_j He_k - He_jk)

   (corrected scores: Stefanski 1989, doi:10.1080/03610928908830112). Products of fields have products of these. The covariance of the coefficients is M^-1 S M^-1 with S that of Phi^T r, in which every point's
   noise enters through all rows that see it: sum_points sigma^2 (sum_rows Phi_row d r_row/d u)^2. With constraints M^-1 is the inverse on what these leave free. */
#include "surrogates/discovery/library_unbiased_impl.h"

#include "operators/reduce.h"
#include "surrogates/discovery/regression_impl.h"

#include <math.h>
#include <string.h>

enum { PARTS = 32 };

/* ---- the score's covariance */

/* out (n)(stride apart) += sum_k z_k d^a phi at points, the transpose of a projection. */
static void Spread(const NomosTestAxis *axis, int order, size_t n, size_t n_rows, const double z[], double out[])
{
  const size_t  support = 2 * axis->half_width - 1;
  const double *values  = axis->values + (size_t)order * support;

  for (size_t k = 0; k < axis->n; k++)
    for (size_t i = 0; i < support; i++) {
      double       *to   = out + (NomosTestBegin(axis, k, n) + i) % n * n_rows;
      const double *from = z + k * n_rows;
      for (size_t r = 0; r < n_rows; r++) to[r] += values[i] * from[r];
    }
}

/* A field on points from numbers on tests. */
static void SpreadAll(NomosLibrary l, const int order[2], const double z[], double middle[], double out[])
{
  if (l->n_dims == 0) {
    out[0] = z[0];
    return;
  }
  const NomosTestAxis *ax = &l->axes[l->n_dims - 1];
  const size_t         nx = l->n[l->n_dims - 1], n_outer = l->n_dims > 1 ? l->axes[0].n : 1;
  double              *to = l->n_dims > 1 ? middle : out;

  memset(to, 0, n_outer * nx * sizeof *to);
  for (size_t y = 0; y < n_outer; y++) Spread(ax, order[1], nx, 1, z + y * ax->n, to + y * nx);
  if (l->n_dims == 1) return;
  memset(out, 0, l->points * sizeof *out);
  Spread(&l->axes[0], order[0], l->n[0], nx, middle, out);
}

/* d inside/d u_f, without bias. */
static void Slope(const NomosLibraryNoise *noise, size_t inside, size_t f, double out[])
{
  NomosLibrary l = noise->library;
  int          e[MAX_FIELDS];

  memcpy(e, l->exponents + inside * MAX_FIELDS, sizeof e);
  const int power = e[f]--;
  NomosLibraryFillInside(l, (const double *const *)noise->fields, noise->sigma, e, out);
  for (size_t k = 0; k < l->points; k++) out[k] *= power;
}

typedef struct {
  double *z, *middle, *field, *slope, **weights; /* weights (n_terms)(points) */
} Work;

/* sum_points sigma^2 (sum_rows Phi_row,j d r_row/d u_f) (.. k ..) of one frame, r = y - Phi c of target 0. */
static void AddScores(const NomosLibraryNoise *noise, const Work *w, size_t trajectory, size_t slot, double sums[])
{
  NomosLibrary         l       = noise->library;
  const NomosTestAxis *time    = &l->axes[l->n_dims];
  const size_t         support = 2 * time->half_width - 1, n = l->n_terms, tests = l->n_rows;
  size_t               first, end;

  NomosLibraryMomentsAt(l, trajectory, slot, &first, &end);
  for (size_t f = 0; f < l->n_fields; f++) {
    for (size_t j = 0; j < n; j++) memset(w->weights[j], 0, l->points * sizeof(double));
    for (size_t k = 0; k <= n; k++) /* the target is the last */
      for (size_t part = l->first_contribution[k]; part < l->first_contribution[k + 1]; part++) {
        const NomosProjection *p      = &l->projections[l->contributions[part].projection];
        const double           factor = l->contributions[part].factor * (k < n ? -noise->c[k] : 1);
        if (!l->exponents[p->inside * MAX_FIELDS + f]) continue;
        Slope(noise, p->inside, f, w->slope);
        for (size_t j = 0; j < n; j++) {
          memset(w->z, 0, tests * sizeof *w->z);
          for (size_t q = first; q < end; q++) {
            const double  value = k < n ? time->values[slot - q * time->stride - 1] : -time->values[support + slot - q * time->stride - 1];
            const double *row   = noise->rows + j * noise->n_all + noise->first_row[trajectory] + q * tests;
            for (size_t t = 0; t < tests; t++) w->z[t] += value * row[t];
          }
          SpreadAll(l, p->order, w->z, w->middle, w->field);
          for (size_t i = 0; i < l->points; i++) w->weights[j][i] += factor * w->slope[i] * w->field[i];
        }
      }
    for (size_t j = 0; j < n; j++)
      for (size_t k = 0; k < n; k++) sums[j * n + k] += noise->sigma[f] * noise->sigma[f] * NomosDot(l->points, w->weights[j], w->weights[k]);
  }
}

/* ---- */

/* Sums over frames, in parts that are one rank's each. What: covariances (n_columns^2), or scores. */
static PetscErrorCode OverFrames(NomosLibraryNoise *noise, bool scores, double sums[])
{
  NomosLibrary l = noise->library;
  const size_t n = scores ? l->n_terms : l->n_terms + l->n_targets;
  size_t       all = 0, count = 0;
  double      *parts, *products;
  Work         w;

  PetscFunctionBeginUser;
  for (size_t i = 0; i < l->n_trajectories; i++) all += l->n_frames[i];
  PetscCall(PetscCalloc2(PARTS * n * n, &parts, l->n_projections * l->n_projections, &products));
  PetscCall(PetscMalloc4(l->n_rows, &w.z, (l->n_dims > 1 ? l->axes[0].n * l->n[1] : 1), &w.middle, l->points, &w.field, l->points, &w.slope));
  PetscCall(NomosArraysCreate(l->n_terms, l->points, &w.weights));
  for (size_t trajectory = 0; trajectory < l->n_trajectories; trajectory++)
    for (size_t frame = 0; frame < l->n_frames[trajectory]; frame++, count++) {
      const size_t part = count * PARTS / all;
      if ((int)(part * (size_t)l->size / PARTS) != l->rank || (!scores && frame % noise->thin)) continue;
      PetscCall(noise->frames->read(noise->frames->context, trajectory, frame, noise->fields));
      if (scores) AddScores(noise, &w, trajectory, l->times[trajectory].slot[frame], parts + part * n * n);
      else NomosLibraryNoiseCovariances(noise, trajectory, l->times[trajectory].slot[frame], products, parts + part * n * n);
    }
  PetscCall(NomosSumOverRanks(l->comm, PARTS * n * n, parts));
  memset(sums, 0, n * n * sizeof *sums);
  for (size_t part = 0; part < PARTS; part++)
    for (size_t i = 0; i < n * n; i++) sums[i] += parts[part * n * n + i];
  PetscCall(NomosArraysDestroy(&w.weights));
  PetscCall(PetscFree4(w.z, w.middle, w.field, w.slope));
  PetscCall(PetscFree2(parts, products));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M^-1 S M^-1 */
static void Sandwich(size_t n, const double inverse[], const double scores[], double covariance[])
{
  for (size_t j = 0; j < n; j++)
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) sum += inverse[j * n + a] * scores[a * n + b] * inverse[k * n + b];
      covariance[j * n + k] = sum;
    }
}

bool NomosLibraryCanUnbias(NomosLibrary l)
{
  return l->settings.form == NOMOS_FORM_WEAK && l->monomials && !l->rates && !(l->settings.fraction > 0 && l->settings.fraction < 1);
}

/* Sums with unbiased insides, all covariances (n_terms + n_targets)^2, and (NULL: not wanted) the rows. */
static PetscErrorCode Sums(NomosLibraryNoise *noise, double rows[], NomosGram *gram, double covariances[])
{
  NomosLibrary l = noise->library;
  double       n = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosLibraryAssembleUnbiased(l, noise->frames, noise->sigma, noise->first_row, noise->n_all, rows, gram));
  for (size_t block = 0; block < gram->n_blocks; block++) n += gram->n[block];
  if (n != (double)noise->n_all) PetscCall(NomosGramDestroy(gram));
  PetscCheck(n == (double)noise->n_all, l->comm, PETSC_ERR_SUP, "%s: rows with missing data are left out; the bias of noise cannot be taken off then", l->where);
  if (rows) PetscCall(NomosSumOverRanks(l->comm, l->n_terms * noise->n_all, rows));
  PetscErrorCode code = OverFrames(noise, false, covariances);
  if (code) PetscCall(NomosGramDestroy(gram));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of one target: sums without noise, and (NULL: not wanted) those of the noise. */
static PetscErrorCode Take(const NomosGram *gram, size_t target, const double covariances[], NomosNormal *normal, NomosNormal *noise)
{
  const size_t n = gram->n_terms, m = n + gram->n_targets, t = n + target;

  PetscFunctionBeginUser;
  PetscCall(NomosGramNormal(gram, target, NULL, normal));
  if (noise) PetscCall(NomosNormalCreate(n, noise));
  for (size_t j = 0; j < n; j++) {
    for (size_t k = 0; k < n; k++) {
      normal->G[j * n + k] -= covariances[j * m + k];
      if (noise) noise->G[j * n + k] = covariances[j * m + k];
    }
    normal->b[j] -= covariances[j * m + t];
    if (noise) noise->b[j] = covariances[j * m + t];
  }
  normal->s -= covariances[t * m + t];
  if (noise) noise->s = covariances[t * m + t];
  if (noise) noise->n = normal->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryUnbiasedSums(NomosLibrary l, const NomosFrames *frames, const double sigma[], NomosNormal normals[], NomosNormal noises[])
{
  const size_t m = l->n_terms + l->n_targets;
  NomosLibraryNoise noise;
  NomosGram    gram;
  double      *covariances;

  PetscFunctionBeginUser;
  PetscCall(NomosLibraryNoiseCreate(l, frames, sigma, &noise));
  PetscCall(PetscCalloc1(m * m, &covariances));
  PetscErrorCode code = Sums(&noise, NULL, &gram, covariances);
  for (size_t t = 0; t < l->n_targets && !code; t++) PetscCall(Take(&gram, t, covariances, &normals[t], &noises[t]));
  if (!code) PetscCall(NomosGramDestroy(&gram));
  PetscCall(PetscFree(covariances));
  PetscCall(NomosLibraryNoiseDestroy(&noise));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryUnbiasedFit(NomosLibrary l, const NomosUnbiasedInput *input, double c[], double covariance[])
{
  const size_t n = l->n_terms, m = n + l->n_targets;
  NomosLibraryNoise noise;
  NomosGram    gram;
  double      *rows, *sums, *inverse;

  PetscFunctionBeginUser;
  PetscCheck(l->n_targets == 1, l->comm, PETSC_ERR_ARG_SIZ, "%s: an unbiased fit is one of one target", l->where);
  PetscCall(NomosLibraryNoiseCreate(l, input->frames, input->sigma, &noise));
  PetscCall(PetscCalloc3(n * noise.n_all, &rows, m * m, &sums, n * n, &inverse));
  noise.rows = rows;
  noise.c    = c;
  PetscErrorCode code = Sums(&noise, rows, &gram, sums);
  if (!code) {
    NomosNormal normal;
    PetscCall(Take(&gram, 0, sums, &normal, NULL));
    PetscCall(NomosGramDestroy(&gram));
    normal.s += sums[m * m - 1]; /* a scale, for signs; without noise it may be below 0 */
    code = NomosQuadraticSolve(&(NomosQuadratic){.normal = &normal, .constraints = input->constraints}, c, inverse);
    PetscCall(NomosNormalDestroy(&normal));
  }
  if (!code) code = OverFrames(&noise, true, sums);
  if (!code) Sandwich(n, inverse, sums, covariance);
  PetscCall(PetscFree3(rows, sums, inverse));
  PetscCall(NomosLibraryNoiseDestroy(&noise));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}

double NomosLibraryOverlap(NomosLibrary l)
{
  double product = 1;

  for (int d = 0; d <= l->n_dims; d++) {
    const NomosTestAxis *axis = &l->axes[d];
    const size_t         n    = 2 * axis->half_width - 1;
    const double         full = NomosDot(n, axis->values, axis->values);
    double               sum  = 1;
    for (size_t shift = axis->stride; shift < n; shift += axis->stride) sum += 2 * NomosDot(n - shift, axis->values, axis->values + shift) / full;
    product *= sum;
  }
  return product;
}
