/* What white Gaussian noise at every point does to the columns of a weak regression: Hermite polynomials in place of powers, and the covariances of columns and targets (library_unbiased.c has the equations). */
#include "surrogates/discovery/library_unbiased_impl.h"

#include "operators/reduce.h"

#include <ctype.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EXPONENT = 16 };
#define MOST_PAIRS 1e9 /* of insides, times samples: some seconds */

/* ---- monomials */

/* Exponents of the fields in a text such as `u^2 v`. */
static bool Parse(size_t n_fields, const char *const fields[], const char text[], int exponents[MAX_FIELDS])
{
  memset(exponents, 0, MAX_FIELDS * sizeof *exponents);
  if (!strcmp(text, "1")) return true;
  while (*text) {
    size_t f = 0, length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_') length++;
    while (f < n_fields && (strlen(fields[f]) != length || strncmp(fields[f], text, length))) f++;
    if (!length || f == n_fields) return false;
    text += length;
    char *end      = (char *)text;
    const long e   = *text == '^' ? strtol(text + 1, &end, 10) : 1;
    exponents[f]  += (int)e;
    if (e < 1 || exponents[f] > MAX_EXPONENT) return false;
    text = end;
    if (*text && *text != ' ' && *text != '*') return false;
    while (*text == ' ' || *text == '*') text++;
  }
  return true;
}

PetscErrorCode NomosLibraryFindMonomials(NomosLibrary l, const char *const fields[])
{
  PetscFunctionBeginUser;
  l->monomials = l->n_fields <= MAX_FIELDS;
  PetscCall(PetscCalloc1((l->n_insides + l->n_targets) * MAX_FIELDS, &l->exponents));
  for (size_t i = 0; l->monomials && i < l->n_insides; i++) l->monomials = Parse(l->n_fields, fields, NomosTermsText(l->insides, i), l->exponents + i * MAX_FIELDS);
  for (size_t t = 0; l->monomials && t < l->n_targets; t++) l->exponents[(l->n_insides + t) * MAX_FIELDS + l->targets[t]] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* He_0 ... He_n of variance v. */
static void Hermite(int n, double u, double v, double he[])
{
  he[0] = 1;
  if (n > 0) he[1] = u;
  for (int i = 1; i < n; i++) he[i + 1] = u * he[i] - i * v * he[i - 1];
}

/* prod_f He_{exponents}: (points) of one inside. */
void NomosLibraryFillInside(NomosLibrary l, const double *const fields[], const double sigma[], const int exponents[], double out[])
{
#pragma omp parallel for schedule(static)
  for (size_t k = 0; k < l->points; k++) {
    double product = 1, he[2 * MAX_EXPONENT + 1];
    for (size_t f = 0; f < l->n_fields; f++) {
      if (!exponents[f]) continue;
      Hermite(exponents[f], fields[f][k], sigma[f] * sigma[f], he);
      product *= he[exponents[f]];
    }
    out[k] = product;
  }
}

void NomosLibraryUnbias(NomosLibrary l, const double *const fields[], const double sigma[], double *const insides[])
{
  for (size_t i = 0; i < l->n_insides; i++) NomosLibraryFillInside(l, fields, sigma, l->exponents + i * MAX_FIELDS, insides[i]);
}

/* ---- what a point's noise does */



static PetscErrorCode Overlaps(const NomosTestAxis *axis, size_t n, size_t thin, double **overlaps)
{
  const size_t support = 2 * axis->half_width - 1, o = (size_t)axis->n_orders, n_thin = (n - 1) / thin + 1;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(o * o * n_thin, overlaps));
  for (size_t a = 0; a < o; a++)
    for (size_t b = 0; b < o; b++)
      for (size_t test = 0; test < axis->n; test++)
        for (size_t i = 0; i < support; i++) {
          const size_t at = (NomosTestBegin(axis, test, n) + i) % n;
          if (at % thin == 0) (*overlaps)[(a * o + b) * n_thin + at / thin] += axis->values[a * support + i] * axis->values[b * support + i] * (double)thin;
        }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum over moments of T_a T_b at a slot; targets have order 1 with the sign of -phi_t. */
static void TimeOverlaps(NomosLibrary l, size_t trajectory, size_t slot, double of[3])
{
  const NomosTestAxis *time = &l->axes[l->n_dims];
  const size_t         support = 2 * time->half_width - 1;

  size_t               first, end;

  memset(of, 0, 3 * sizeof *of);
  NomosLibraryMomentsAt(l, trajectory, slot, &first, &end);
  for (size_t q = first; q < end; q++) {
    const double value = time->values[slot - q * time->stride - 1], slope = -time->values[support + slot - q * time->stride - 1];
    of[0] += value * value;
    of[1] += value * slope;
    of[2] += slope * slope;
  }
}

/* Hermite polynomials of every field at every thin-th point of a frame: (n_fields)(2 MAX_EXPONENT + 1)(n_thin). */
static void Polynomials(NomosLibraryNoise *noise)
{
  NomosLibrary l = noise->library;

#pragma omp parallel for schedule(static)
  for (size_t k = 0; k < noise->n_thin; k++)
    for (size_t f = 0; f < l->n_fields; f++) {
      const size_t x = k % noise->nx * noise->thin, y = k / noise->nx * noise->thin;
      double       he[2 * MAX_EXPONENT + 1];
      Hermite(2 * noise->degree, noise->fields[f][y * (l->n_dims ? l->n[l->n_dims - 1] : 1) + x], noise->sigma[f] * noise->sigma[f], he);
      for (int e = 0; e <= 2 * noise->degree; e++) noise->he[(f * (2 * MAX_EXPONENT + 1) + (size_t)e) * noise->n_thin + k] = he[e];
    }
}

static const double *He(const NomosLibraryNoise *noise, size_t f, int e)
{
  return noise->he + (f * (2 * MAX_EXPONENT + 1) + (size_t)e) * noise->n_thin;
}

/* cov = He_e He_g - He_eg at one row of points. */
static void CovarianceRow(const NomosLibraryNoise *noise, const int e[], const int g[], size_t y, double cov[])
{
  const NomosLibrary l = noise->library;

  for (size_t x = 0; x < noise->nx; x++) {
    double apart = 1, together = 1;
    for (size_t f = 0; f < l->n_fields; f++) {
      if (!e[f] && !g[f]) continue;
      apart *= He(noise, f, e[f])[y * noise->nx + x] * He(noise, f, g[f])[y * noise->nx + x];
      together *= He(noise, f, e[f] + g[f])[y * noise->nx + x];
    }
    cov[x] = apart - together;
  }
}

/* sum over points of overlaps times covariances, of all pairs of projections of two insides; these are groups [p, p_end) and [q, q_end) of projections. `work` (nx + n_x_orders^2). */
static void PairOfInsides(const NomosLibraryNoise *noise, size_t p_begin, size_t p_end, size_t q_begin, size_t q_end, double work[], double products[])
{
  const NomosLibrary l = noise->library;
  const int         *e = l->exponents + l->projections[p_begin].inside * MAX_FIELDS, *g = l->exponents + l->projections[q_begin].inside * MAX_FIELDS;
  const size_t       n = l->n_projections, ox = l->n_dims ? (size_t)l->axes[l->n_dims - 1].n_orders : 1, oy = l->n_dims > 1 ? (size_t)l->axes[0].n_orders : 1;
  double            *cov = work, *along = work + noise->nx;
  int                any = 0;

  for (size_t p = p_begin; p < p_end; p++)
    for (size_t q = q_begin; q < q_end; q++) products[p * n + q] = products[q * n + p] = 0;
  for (size_t f = 0; f < l->n_fields; f++) any = any || (e[f] && g[f]);
  if (!any) return; /* noise of different fields is independent */
  for (size_t y = 0; y < noise->n_thin / noise->nx; y++) {
    CovarianceRow(noise, e, g, y, cov);
    for (size_t a = 0; a < ox * ox; a++) along[a] = NAN;
    for (size_t p = p_begin; p < p_end; p++)
      for (size_t q = q_begin; q < (p_begin == q_begin ? p + 1 : q_end); q++) {
        const size_t a = (size_t)l->projections[p].order[1] * ox + (size_t)l->projections[q].order[1], b = (size_t)l->projections[p].order[0] * oy + (size_t)l->projections[q].order[0];
        if (isnan(along[a])) along[a] = l->n_dims ? NomosDot(noise->nx, noise->overlaps[l->n_dims - 1] + a * noise->nx, cov) : cov[0];
        products[p * n + q] += along[a] * (l->n_dims > 1 ? noise->overlaps[0][b * (noise->n_thin / noise->nx) + y] : 1);
        if (p != q) products[q * n + p] = products[p * n + q];
      }
  }
}

/* Products of projections become products of columns. */
static void Combine(NomosLibrary l, const double products[], const double time[3], double sums[])
{
  const size_t n = l->n_terms + l->n_targets;

  for (size_t j = 0; j < n; j++)
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (size_t a = l->first_contribution[j]; a < l->first_contribution[j + 1]; a++)
        for (size_t b = l->first_contribution[k]; b < l->first_contribution[k + 1]; b++) sum += l->contributions[a].factor * l->contributions[b].factor * products[l->contributions[a].projection * l->n_projections + l->contributions[b].projection];
      sums[j * n + k] += sum * time[(j >= l->n_terms) + (k >= l->n_terms)];
    }
}

/* Of one frame: covariances of columns and targets (n, n). */
void NomosLibraryNoiseCovariances(NomosLibraryNoise *noise, size_t trajectory, size_t slot, double products[], double sums[])
{
  NomosLibrary l = noise->library;
  double       time[3];

  TimeOverlaps(l, trajectory, slot, time);
  for (int i = 0; i < 3; i++) time[i] *= (double)noise->thin;
  Polynomials(noise);
#pragma omp parallel for schedule(dynamic)
  for (size_t a = 0; a < noise->n_groups; a++)
    for (size_t b = 0; b <= a; b++) PairOfInsides(noise, noise->groups[a], noise->groups[a + 1], noise->groups[b], noise->groups[b + 1], noise->work[omp_get_thread_num()], products);
  Combine(l, products, time, sums);
}

PetscErrorCode NomosLibraryNoiseDestroy(NomosLibraryNoise *noise)
{
  PetscFunctionBeginUser;
  PetscCall(NomosArraysDestroy(&noise->fields));
  PetscCall(NomosArraysDestroy(&noise->work));
  for (int d = 0; d < 2; d++) PetscCall(PetscFree(noise->overlaps[d]));
  PetscCall(PetscFree(noise->he));
  PetscCall(PetscFree(noise->groups));
  PetscCall(PetscFree(noise->first_row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points are thinned when there are many pairs of insides, as far as the squares of test functions, which are smooth, are still summed well. */
static size_t Thinning(NomosLibrary l)
{
  double samples = 0;
  size_t thin    = 1, narrowest = SIZE_MAX;

  for (size_t i = 0; i < l->n_trajectories; i++) samples += (double)(l->n_insides * l->n_insides) * (double)l->points * (double)l->n_frames[i];
  for (int d = 0; d <= l->n_dims; d++) narrowest = PetscMin(narrowest, l->settings.half_width[d]);
  while (samples > MOST_PAIRS * pow((double)thin, l->n_dims + 1) && thin < narrowest / 4) thin++;
  return thin;
}

PetscErrorCode NomosLibraryNoiseCreate(NomosLibrary l, const NomosFrames *frames, const double sigma[], NomosLibraryNoise *noise)
{
  const size_t orders = l->n_dims ? (size_t)l->axes[l->n_dims - 1].n_orders : 1;

  PetscFunctionBeginUser;
  PetscCheck(NomosLibraryCanUnbias(l), l->comm, PETSC_ERR_SUP, "%s: the bias of noise can be taken off weak forms of products of fields, with all rows; not off this regression", l->where);
  *noise = (NomosLibraryNoise){.library = l, .frames = frames, .sigma = sigma, .thin = Thinning(l), .nx = 1, .n_thin = 1, .degree = 1};
  PetscCall(PetscMalloc1(l->n_trajectories, &noise->first_row));
  for (size_t i = 0; i < l->n_trajectories; i++) {
    noise->first_row[i] = noise->n_all;
    noise->n_all += l->n_moments[i] * l->n_rows;
  }
  PetscCall(NomosArraysCreate(l->n_all, l->points, &noise->fields));
  for (int d = 0; d < l->n_dims; d++) {
    PetscCall(Overlaps(&l->axes[d], l->n[d], noise->thin, &noise->overlaps[d]));
    noise->nx = (l->n[d] - 1) / noise->thin + 1;
    noise->n_thin *= noise->nx;
  }
  for (size_t i = 0; i < l->n_insides * MAX_FIELDS; i++) noise->degree = PetscMax(noise->degree, l->exponents[i]);
  PetscCall(PetscMalloc1(l->n_fields * (2 * MAX_EXPONENT + 1) * noise->n_thin, &noise->he));
  PetscCall(NomosArraysCreate((size_t)omp_get_max_threads(), noise->nx + orders * orders, &noise->work));
  PetscCall(PetscMalloc1(l->n_projections + 1, &noise->groups));
  for (size_t p = 0; p < l->n_projections; p++)
    if (p == 0 || l->projections[p].inside != l->projections[p - 1].inside) noise->groups[noise->n_groups++] = p;
  noise->groups[noise->n_groups] = l->n_projections;
  PetscFunctionReturn(PETSC_SUCCESS);
}
