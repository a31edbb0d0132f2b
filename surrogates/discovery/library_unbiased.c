/* Weak regressions without the bias of noise in their columns. With white Gaussian noise of known size, e ~ N(0, sigma^2) at every point of u,

     He_q(u + e) = sum over the Hermite polynomial of variance sigma^2      has the mean u^q
     He_q He_r - He_{q+r}                                                   has the mean of cov(He_q, He_r)

   so that columns of He_q instead of u^q, and normal equations from which the covariances of columns and targets are taken off, have those without noise as their means:

     M_jk = sum_rows <psi_j, He_j><psi_k, He_k> - sum_points (sum_rows psi_j psi_k)(He_j He_k - He_jk)

   (corrected scores: Stefanski 1989, doi:10.1080/03610928908830112). Products of fields have products of these. The covariance of the coefficients is M^-1 S M^-1 with S that of Phi^T r, in which every point's
   noise enters through all rows that see it: sum_points sigma^2 (sum_rows Phi_row d r_row/d u)^2. */
#include "surrogates/discovery/library_impl.h"

#include "operators/reduce.h"
#include "surrogates/discovery/regression.h"

#include <ctype.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = NOMOS_UNBIASED_FIELDS, MAX_EXPONENT = 16, PARTS = 32 };
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
static void Fill(NomosLibrary l, const double *const fields[], const double sigma[], const int exponents[], double out[])
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
  for (size_t i = 0; i < l->n_insides; i++) Fill(l, fields, sigma, l->exponents + i * MAX_FIELDS, insides[i]);
}

/* ---- what a point's noise does */

typedef struct {
  NomosLibrary       library;
  const NomosFrames *frames;
  const double      *sigma, *rows; /* rows (n_terms)(all rows) */
  size_t             n_all, *first_row; /* (n_trajectories) */
  const double      *c;
  double           **fields;
  /* for covariances: every thin-th point of every thin-th frame stands for all */
  size_t             thin, nx, n_thin;
  int                degree;
  double            *overlaps[2];  /* (orders, orders, points) of each axis of space: sum over tests of d^a phi d^b phi at a point */
  double            *he, **work;
  size_t             n_groups, *groups; /* projections of the same inside */
} Noise;

static size_t Begin(const NomosTestAxis *axis, size_t test, size_t n)
{
  return axis->periodic ? test * axis->stride + n - axis->half_width + 1 : test * axis->stride + 1;
}

static PetscErrorCode Overlaps(const NomosTestAxis *axis, size_t n, size_t thin, double **overlaps)
{
  const size_t support = 2 * axis->half_width - 1, o = (size_t)axis->n_orders, n_thin = (n - 1) / thin + 1;

  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(o * o * n_thin, overlaps));
  for (size_t a = 0; a < o; a++)
    for (size_t b = 0; b < o; b++)
      for (size_t test = 0; test < axis->n; test++)
        for (size_t i = 0; i < support; i++) {
          const size_t at = (Begin(axis, test, n) + i) % n;
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
static void Polynomials(Noise *noise)
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

static const double *He(const Noise *noise, size_t f, int e)
{
  return noise->he + (f * (2 * MAX_EXPONENT + 1) + (size_t)e) * noise->n_thin;
}

/* cov = He_e He_g - He_eg at one row of points. */
static void CovarianceRow(const Noise *noise, const int e[], const int g[], size_t y, double cov[])
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
static void PairOfInsides(const Noise *noise, size_t p_begin, size_t p_end, size_t q_begin, size_t q_end, double work[], double products[])
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
static void AddCovariances(Noise *noise, size_t trajectory, size_t slot, double products[], double sums[])
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

/* ---- the score's covariance */

/* out (n)(stride apart) += sum_k z_k d^a phi at points, the transpose of a projection. */
static void Spread(const NomosTestAxis *axis, int order, size_t n, size_t n_rows, const double z[], double out[])
{
  const size_t  support = 2 * axis->half_width - 1;
  const double *values  = axis->values + (size_t)order * support;

  for (size_t k = 0; k < axis->n; k++)
    for (size_t i = 0; i < support; i++) {
      double       *to   = out + (Begin(axis, k, n) + i) % n * n_rows;
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
static void Slope(const Noise *noise, size_t inside, size_t f, double out[])
{
  NomosLibrary l = noise->library;
  int          e[MAX_FIELDS];

  memcpy(e, l->exponents + inside * MAX_FIELDS, sizeof e);
  const int power = e[f]--;
  Fill(l, (const double *const *)noise->fields, noise->sigma, e, out);
  for (size_t k = 0; k < l->points; k++) out[k] *= power;
}

typedef struct {
  double *z, *middle, *field, *slope, **weights; /* weights (n_terms)(points) */
} Work;

/* sum_points sigma^2 (sum_rows Phi_row,j d r_row/d u_f) (.. k ..) of one frame, r = y - Phi c of target 0. */
static void AddScores(const Noise *noise, const Work *w, size_t trajectory, size_t slot, double sums[])
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
static PetscErrorCode OverFrames(Noise *noise, bool scores, double sums[])
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
      else AddCovariances(noise, trajectory, l->times[trajectory].slot[frame], products, parts + part * n * n);
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

/* M^-1 S M^-1 of the normal equations with M. */
static PetscErrorCode Sandwich(const NomosNormal *normal, const double scores[], double covariance[])
{
  const size_t n = normal->n_terms;
  NomosNormal  unit;
  double      *inverse;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n * n, &inverse));
  PetscCall(NomosNormalCreate(n, &unit));
  memcpy(unit.G, normal->G, n * n * sizeof *unit.G);
  unit.s = normal->s;
  unit.n = normal->n;
  for (size_t j = 0; j < n; j++) {
    for (size_t k = 0; k < n; k++) unit.b[k] = j == k;
    PetscCall(NomosLeastSquares(&unit, NULL, NULL, inverse + j * n, NULL));
  }
  for (size_t j = 0; j < n; j++)
    for (size_t k = 0; k < n; k++) {
      double sum = 0;
      for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) sum += inverse[j * n + a] * scores[a * n + b] * inverse[k * n + b];
      covariance[j * n + k] = sum;
    }
  PetscCall(NomosNormalDestroy(&unit));
  PetscCall(PetscFree(inverse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

bool NomosLibraryCanUnbias(NomosLibrary l)
{
  return l->settings.form == NOMOS_FORM_WEAK && l->monomials && !l->rates && !(l->settings.fraction > 0 && l->settings.fraction < 1);
}

static PetscErrorCode NoiseDestroy(Noise *noise)
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

static PetscErrorCode NoiseCreate(NomosLibrary l, const NomosFrames *frames, const double sigma[], Noise *noise)
{
  const size_t orders = l->n_dims ? (size_t)l->axes[l->n_dims - 1].n_orders : 1;

  PetscFunctionBeginUser;
  PetscCheck(NomosLibraryCanUnbias(l), l->comm, PETSC_ERR_SUP, "%s: the bias of noise can be taken off weak forms of products of fields, with all rows; not off this regression", l->where);
  *noise = (Noise){.library = l, .frames = frames, .sigma = sigma, .thin = Thinning(l), .nx = 1, .n_thin = 1, .degree = 1};
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

/* Sums with unbiased insides, all covariances (n_terms + n_targets)^2, and (NULL: not wanted) the rows. */
static PetscErrorCode Sums(Noise *noise, double rows[], NomosGram *gram, double covariances[])
{
  NomosLibrary l = noise->library;
  double       n = 0;

  PetscFunctionBeginUser;
  PetscCall(NomosLibraryAssembleUnbiased(l, noise->frames, noise->sigma, noise->first_row, noise->n_all, rows, gram));
  for (size_t block = 0; block < gram->n_blocks; block++) n += gram->n[block];
  if (n != (double)noise->n_all) PetscCall(NomosGramDestroy(gram));
  PetscCheck(n == (double)noise->n_all, l->comm, PETSC_ERR_SUP, "%s: rows with missing data are left out; the bias of noise cannot be taken off then", l->where);
  if (rows) PetscCall(NomosSumOverRanks(l->comm, l->n_terms * noise->n_all, rows));
  PetscCall(OverFrames(noise, false, covariances));
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
  Noise        noise;
  NomosGram    gram;
  double      *covariances;

  PetscFunctionBeginUser;
  PetscCall(NoiseCreate(l, frames, sigma, &noise));
  PetscCall(PetscCalloc1(m * m, &covariances));
  PetscCall(Sums(&noise, NULL, &gram, covariances));
  for (size_t t = 0; t < l->n_targets; t++) PetscCall(Take(&gram, t, covariances, &normals[t], &noises[t]));
  PetscCall(NomosGramDestroy(&gram));
  PetscCall(PetscFree(covariances));
  PetscCall(NoiseDestroy(&noise));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryUnbiasedFit(NomosLibrary l, const NomosFrames *frames, const double sigma[], double c[], double covariance[])
{
  const size_t n = l->n_terms, m = n + l->n_targets;
  Noise        noise;
  NomosGram    gram;
  NomosNormal  normal;
  double      *rows, *sums;

  PetscFunctionBeginUser;
  PetscCheck(l->n_targets == 1, l->comm, PETSC_ERR_ARG_SIZ, "%s: an unbiased fit is one of one target", l->where);
  PetscCall(NoiseCreate(l, frames, sigma, &noise));
  PetscCall(PetscCalloc2(n * noise.n_all, &rows, m * m, &sums));
  noise.rows = rows;
  noise.c    = c;
  PetscCall(Sums(&noise, rows, &gram, sums));
  PetscCall(Take(&gram, 0, sums, &normal, NULL));
  PetscCall(NomosGramDestroy(&gram));
  PetscErrorCode code = NomosLeastSquares(&normal, NULL, NULL, c, NULL);
  if (!code) code = OverFrames(&noise, true, sums);
  if (!code) code = Sandwich(&normal, sums, covariance);
  PetscCall(NomosNormalDestroy(&normal));
  PetscCall(PetscFree2(rows, sums));
  PetscCall(NoiseDestroy(&noise));
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
