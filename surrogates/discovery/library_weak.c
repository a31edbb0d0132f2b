/* Weak form: projections on test functions, axis after axis, and time last. */
#include "surrogates/discovery/library_impl.h"

#include "io/field_file.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_ORDERS = 2 };

/* ---- test functions */

/* d^a/dx^a (1 - x^2)^p, by Leibniz' rule for (1 - x)^p (1 + x)^p: no term much larger than their sum. */
static double Bump(int p, int a, double x)
{
  double sum = 0, binomial = 1;

  for (int k = 0; k <= a; k++) {
    double left = 1, right = 1; /* p (p - 1) ... */
    for (int i = 0; i < k; i++) left *= -(p - i);
    for (int i = 0; i < a - k; i++) right *= p - i;
    if (k <= p && a - k <= p) sum += binomial * left * pow(1 - x, p - k) * right * pow(1 + x, p - a + k);
    binomial = binomial * (a - k) / (k + 1);
  }
  return sum;
}

static PetscErrorCode TestAxisCreate(NomosTestAxis *axis, double spacing)
{
  const int    m = (int)axis->half_width;
  const size_t n = (size_t)(2 * m - 1);
  double       sum = 0, unit = 1;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n * (size_t)axis->n_orders, &axis->values));
  for (int a = 0; a < axis->n_orders; a++, unit /= m * spacing) {
    for (int i = 1 - m; i < m; i++) axis->values[(size_t)a * n + (size_t)(i + m - 1)] = unit * Bump(axis->degree, a, (double)i / m);
    for (size_t i = 0; a == 0 && i < n; i++) sum += axis->values[i];
  }
  for (size_t i = 0; i < n * (size_t)axis->n_orders; i++) axis->values[i] /= sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const double *Values(const NomosTestAxis *axis, int order)
{
  return axis->values + (size_t)order * (2 * axis->half_width - 1);
}

static const char *AxisName(NomosLibrary l, int axis)
{
  return axis == l->n_dims ? "time" : axis == l->n_dims - 1 ? "x" : "y";
}

/* Half width, degree, stride and number of one axis. */
static PetscErrorCode SetAxis(NomosLibrary l, int number, int n_orders)
{
  NomosLibrarySettings *s    = &l->settings;
  NomosTestAxis        *axis = &l->axes[number];
  const double          m    = (double)s->half_width[number];
  const int             least = m > 1 ? (int)ceil(log(NOMOS_TEST_TAU) / log((2 * m - 1) / (m * m))) : 0;

  PetscFunctionBeginUser;
  NomosCheck(m >= 2, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: half width %g of the test functions along %s; choose at least 2 points", l->where, m, AxisName(l, number));
  if (!s->degree[number]) s->degree[number] = PetscMax(least, n_orders);
  NomosCheck(s->degree[number] >= n_orders, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: test functions of degree %d along %s; derivatives of order %d need at least %d", l->where, s->degree[number], AxisName(l, number), n_orders - 1, n_orders);
  if (!s->stride[number]) s->stride[number] = PetscMax(s->half_width[number] / 5, 1);
  *axis = (NomosTestAxis){.half_width = s->half_width[number], .stride = s->stride[number], .degree = s->degree[number], .n_orders = n_orders, .periodic = number < l->n_dims && !s->open};
  if (number == l->n_dims) PetscCall(TestAxisCreate(axis, l->times[l->first].step));
  else {
    const size_t n = l->n[number], support = 2 * axis->half_width + 1;
    NomosCheck(support <= n, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: test functions of half width %zu have %zu points along %s, the data %zu; choose a half width of at most %zu", l->where, axis->half_width, support, AxisName(l, number), n, (n - 1) / 2);
    axis->n = axis->periodic ? (n - 1) / axis->stride + 1 : (n - support) / axis->stride + 1;
    PetscCall(TestAxisCreate(axis, l->spacing[number]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is projected */

static int ByPass(const void *a, const void *b)
{
  const NomosProjection *x = a, *y = b;

  if (x->inside != y->inside) return x->inside < y->inside ? -1 : 1;
  if (x->order[0] != y->order[0]) return x->order[0] - y->order[0];
  return x->order[1] - y->order[1];
}

/* Orders along y and x: those of a line are all along x. */
static NomosProjection ProjectionOf(NomosLibrary l, const NomosTermsPart *part)
{
  return (NomosProjection){
    .inside = part->inside, .order = {l->n_dims > 1 ? part->order[0] : 0, l->n_dims ? part->order[l->n_dims - 1] : 0}
  };
}

static PetscErrorCode FindProjections(NomosLibrary l)
{
  size_t n_parts = 0, n = 0;

  PetscFunctionBeginUser;
  for (size_t j = 0; j < l->n_terms; j++) {
    const NomosTermsPart *parts;
    size_t                n_of_term;
    PetscCall(NomosTermsParts(l->insides, j, &n_of_term, &parts));
    for (size_t p = 0; p < n_of_term; p++) l->n_insides = PetscMax(l->n_insides, parts[p].inside + 1);
    n_parts += n_of_term;
  }
  PetscCall(PetscMalloc1(n_parts + l->n_targets, &l->projections));
  PetscCall(PetscMalloc1(n_parts + l->n_targets, &l->contributions));
  PetscCall(PetscMalloc1(l->n_terms + l->n_targets + 1, &l->first_contribution));
  l->first_contribution[l->n_terms + l->n_targets] = n_parts + l->n_targets;
  for (int fill = 0; fill < 2; fill++) {
    for (size_t j = 0, c = 0; j < l->n_terms + l->n_targets; j++) {
      if (fill) l->first_contribution[j] = c;
      NomosTermsPart        target    = {.factor = 1, .inside = l->n_insides + j - l->n_terms};
      const NomosTermsPart *parts     = &target;
      size_t                n_of_term = 1;
      if (j < l->n_terms) PetscCall(NomosTermsParts(l->insides, j, &n_of_term, &parts));
      for (size_t p = 0; p < n_of_term; p++, c++) {
        const NomosProjection projection = ProjectionOf(l, &parts[p]);
        if (!fill) l->projections[n++] = projection;
        else l->contributions[c] = (NomosContribution){.projection = (size_t)((NomosProjection *)bsearch(&projection, l->projections, l->n_projections, sizeof projection, ByPass) - l->projections), .factor = (projection.order[0] + projection.order[1]) % 2 ? -parts[p].factor : parts[p].factor};
      }
    }
    if (fill) break;
    qsort(l->projections, n, sizeof *l->projections, ByPass);
    for (size_t i = 0; i < n; i++)
      if (!l->n_projections || ByPass(&l->projections[l->n_projections - 1], &l->projections[i])) l->projections[l->n_projections++] = l->projections[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryWeakCreate(NomosLibrary l, const NomosFrames *frames)
{
  int n_orders[2] = {1, 1};

  PetscFunctionBeginUser;
  PetscCall(NomosTermsWeak(l->terms, &l->insides));
  PetscCall(FindProjections(l));
  for (size_t i = 0; i < l->n_projections; i++)
    for (int d = 0; d < 2; d++) n_orders[d] = PetscMax(n_orders[d], l->projections[i].order[d] + 1);
  PetscCall(NomosLibraryWidths(l, frames));
  for (int d = 0; d < l->n_dims; d++) PetscCall(SetAxis(l, d, n_orders[2 - l->n_dims + d]));
  PetscCall(SetAxis(l, l->n_dims, TIME_ORDERS));
  const double step = l->times[l->first].step;
  for (size_t i = l->first + 1; i < l->n_trajectories; i++) {
    const size_t  n = l->n_frames[i];
    const double *t = frames->times[i];
    if (n < 2) continue;
    const double rounding = NomosCoordinateTolerance(step, fmax(fabs(t[0]), fabs(t[n - 1]))) / (double)(l->times[i].n_slots - 1);
    NomosCheck(fabs(l->times[i].step - step) <= fmax(1e-6 * step, rounding), l->comm, PETSC_ERR_ARG_WRONG, "%s: frames of trajectory %zu are %g apart, those of trajectory %zu %g; the weak form needs the same for all", l->where, i, l->times[i].step, l->first, step);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- projections of a frame */

static double Product(size_t n, const double a[], const double b[])
{
  double sum = 0;

  #pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* <d^a phi, f> along y for all x: out (n)(nx). */
static void ProjectRows(const NomosTestAxis *axis, int order, size_t ny, size_t nx, const double f[], double out[])
{
  const size_t  n      = 2 * axis->half_width - 1;
  const double *values = Values(axis, order);

  for (size_t k = 0; k < axis->n; k++) {
    double *row = out + k * nx;
    /* The support's first point: of periodic ones the middle is at k s, of others the end. */
    const size_t begin = axis->periodic ? k * axis->stride + ny - axis->half_width + 1 : k * axis->stride + 1;
    memset(row, 0, nx * sizeof *row);
    for (size_t i = 0; i < n; i++) {
      const double *from = f + (begin + i) % ny * nx, value = values[i];
      for (size_t x = 0; x < nx; x++) row[x] += value * from[x];
    }
  }
}

/* A row with what lies before and behind it in a periodic domain: half_width points to either side. */
static void Extend(size_t n, size_t m, const double row[], double out[])
{
  memcpy(out, row + n - m, m * sizeof *out);
  memcpy(out + m, row, n * sizeof *out);
  memcpy(out + m + n, row, m * sizeof *out);
}

typedef struct {
  size_t         n_passes, *passes;   /* first projections of those with the same inside and outer order */
  size_t         n_tests, n_open;     /* of a moment; moments at work */
  double       **fields, **insides;   /* (n_all), (n_insides) (points) */
  const double **from;                /* (n_insides + n_targets) what is projected */
  double        *projections;         /* (n_projections)(n_tests) */
  double       **columns;             /* (n_terms + n_targets)(n_tests) of a frame */
  double      ***open;                /* (n_open) of these, over time */
  bool          *missing;             /* (n_open) a frame of it */
  double       **work;                /* (threads) */
} Weak;

/* All projections of a pass. */
static void Project(NomosLibrary l, const Weak *w, size_t pass, double work[])
{
  const size_t   nx = l->n_dims ? l->n[l->n_dims - 1] : 1, first = w->passes[pass], end = w->passes[pass + 1];
  const double  *f  = w->from[l->projections[first].inside];
  size_t         n_rows = 1;

  if (l->n_dims == 0) {
    w->projections[first] = f[0];
    return;
  }
  const NomosTestAxis *axis = &l->axes[l->n_dims - 1];
  const size_t         m = axis->half_width, n = 2 * m - 1;
  double              *extended = work;
  if (l->n_dims > 1) {
    ProjectRows(&l->axes[0], l->projections[first].order[0], l->n[0], nx, f, work + nx + 2 * m);
    f      = work + nx + 2 * m;
    n_rows = l->axes[0].n;
  }
  for (size_t y = 0; y < n_rows; y++) {
    const double *row = f + y * nx;
    if (axis->periodic) {
      Extend(nx, m, row, extended);
      row = extended;
    }
    for (size_t p = first; p < end; p++) {
      const double *values = Values(axis, l->projections[p].order[1]);
      double       *out    = w->projections + p * w->n_tests + y * axis->n;
      for (size_t k = 0; k < axis->n; k++) out[k] = Product(n, values, row + k * axis->stride + 1);
    }
  }
}

/* Columns of a frame, and what they add to the moments that it is in: q from `first` to `end`. */
static void AddFrame(NomosLibrary l, const Weak *w, size_t slot, size_t first, size_t end)
{
  const NomosTestAxis *time = &l->axes[l->n_dims];
  const size_t         n    = l->n_terms + l->n_targets;

  #pragma omp parallel
  {
    double *work = w->work[omp_get_thread_num()];
    #pragma omp for schedule(static)
    for (size_t pass = 0; pass < w->n_passes; pass++) Project(l, w, pass, work);
    #pragma omp for schedule(static)
    for (size_t j = 0; j < n; j++) {
      double *column = w->columns[j];
      memset(column, 0, w->n_tests * sizeof *column);
      for (size_t c = l->first_contribution[j]; c < l->first_contribution[j + 1]; c++) {
        const double  factor = l->contributions[c].factor;
        const double *from   = w->projections + l->contributions[c].projection * w->n_tests;
        for (size_t k = 0; k < w->n_tests; k++) column[k] += factor * from[k];
      }
      const int order = j >= l->n_terms && !l->rates;
      for (size_t q = first; q < end; q++) {
        const double value = (order ? -1 : 1) * Values(time, order)[slot - q * time->stride - 1];
        double      *sum   = w->open[q % w->n_open][j];
        for (size_t k = 0; k < w->n_tests; k++) sum[k] += value * column[k];
      }
    }
  }
}

static PetscErrorCode ReadFrame(NomosAssembly *a, Weak *w, size_t trajectory, size_t frame)
{
  NomosLibrary l         = a->library;
  size_t       n_missing = 0;

  PetscFunctionBeginUser;
  PetscCall(a->frames->read(a->frames->context, trajectory, frame, w->fields));
  for (size_t i = 0; i < l->n_all; i++)
    for (size_t k = 0; k < l->points; k++) n_missing += isnan(w->fields[i][k]) != 0;
  a->n_missing += (double)n_missing;
  if (a->sigma) NomosLibraryUnbias(l, (const double *const *)w->fields, a->sigma, w->insides);
  else PetscCall(NomosTermsEvaluate(l->insides, (const double *const *)w->fields, w->insides));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NomosLibraryMomentsAt(NomosLibrary l, size_t trajectory, size_t slot, size_t *first, size_t *end)
{
  const size_t s = l->axes[l->n_dims].stride, m2 = 2 * l->axes[l->n_dims].half_width;

  *first = slot < m2 ? 0 : (slot - m2) / s + 1;
  *end   = slot ? PetscMin(l->n_moments[trajectory], (slot - 1) / s + 1) : 0;
}

static void Begin(NomosLibrary l, Weak *w, size_t q)
{
  w->missing[q % w->n_open] = false;
  memset(w->open[q % w->n_open][0], 0, (l->n_terms + l->n_targets) * w->n_tests * sizeof(double));
}

/* Slots of time in their order: the frame of each, or none, goes to the moments that it is in; a moment whose last slot it was is done. */
static PetscErrorCode AddMoments(NomosAssembly *a, Weak *w, size_t trajectory, size_t first, size_t end)
{
  NomosLibrary         l    = a->library;
  const NomosTestAxis *time = &l->axes[l->n_dims];
  const NomosTimes    *t    = &l->times[trajectory];
  const size_t         s = time->stride, m2 = 2 * time->half_width;
  size_t               frame = 0;

  PetscFunctionBeginUser;
  for (size_t q = first; q < PetscMin(end, first + w->n_open); q++) Begin(l, w, q);
  for (size_t slot = first * s + 1; slot < (end - 1) * s + m2; slot++) {
    size_t q_first, q_end;
    NomosLibraryMomentsAt(l, trajectory, slot, &q_first, &q_end);
    q_first = PetscMax(first, q_first);
    q_end   = PetscMin(end, q_end);
    while (t->slot[frame] < slot) frame++;
    if (q_first < q_end && t->slot[frame] == slot) {
      PetscCall(ReadFrame(a, w, trajectory, frame));
      AddFrame(l, w, slot, q_first, q_end);
    } else {
      for (size_t q = q_first; q < q_end; q++) w->missing[q % w->n_open] = true;
    }
    if (slot + 1 < m2 || (slot + 1 - m2) % s || (slot + 1 - m2) / s < first) continue;
    const size_t done = (slot + 1 - m2) / s;
    double     **rows = w->open[done % w->n_open];
    if (!w->missing[done % w->n_open]) PetscCall(NomosAssemblyAdd(a, trajectory, done, (const double *const *)rows, (const double *const *)rows + l->n_terms));
    if (done + w->n_open < end) Begin(l, w, done + w->n_open);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WeakCreate(NomosLibrary l, Weak *w)
{
  const size_t nx = l->n_dims ? l->n[l->n_dims - 1] : 1, mx = l->n_dims ? l->axes[l->n_dims - 1].half_width : 0, n_threads = (size_t)omp_get_max_threads();

  PetscFunctionBeginUser;
  w->n_tests = l->n_rows;
  w->n_open  = (2 * l->axes[l->n_dims].half_width - 2) / l->axes[l->n_dims].stride + 1;
  PetscCall(PetscMalloc1(l->n_projections + 1, &w->passes));
  for (size_t p = 0; p < l->n_projections; p++)
    if (p == 0 || l->projections[p].inside != l->projections[p - 1].inside || l->projections[p].order[0] != l->projections[p - 1].order[0]) w->passes[w->n_passes++] = p;
  w->passes[w->n_passes] = l->n_projections;
  PetscCall(NomosArraysCreate(l->n_all, l->points, &w->fields));
  PetscCall(NomosArraysCreate(l->n_insides, l->points, &w->insides));
  PetscCall(PetscMalloc3(l->n_insides + l->n_targets, &w->from, l->n_projections * w->n_tests, &w->projections, w->n_open, &w->missing));
  for (size_t i = 0; i < l->n_insides; i++) w->from[i] = w->insides[i];
  for (size_t t = 0; t < l->n_targets; t++) w->from[l->n_insides + t] = w->fields[l->rates ? l->n_fields + t : l->targets[t]];
  PetscCall(NomosArraysCreate(l->n_terms + l->n_targets, w->n_tests, &w->columns));
  PetscCall(PetscMalloc1(w->n_open, &w->open));
  for (size_t q = 0; q < w->n_open; q++) PetscCall(NomosArraysCreate(l->n_terms + l->n_targets, w->n_tests, &w->open[q]));
  PetscCall(NomosArraysCreate(n_threads, nx + 2 * mx + (l->n_dims > 1 ? l->axes[0].n * nx : 0), &w->work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WeakDestroy(Weak *w)
{
  PetscFunctionBeginUser;
  for (size_t q = 0; q < w->n_open; q++) PetscCall(NomosArraysDestroy(&w->open[q]));
  PetscCall(PetscFree(w->open));
  PetscCall(NomosArraysDestroy(&w->work));
  PetscCall(NomosArraysDestroy(&w->columns));
  PetscCall(PetscFree3(w->from, w->projections, w->missing));
  PetscCall(NomosArraysDestroy(&w->insides));
  PetscCall(NomosArraysDestroy(&w->fields));
  PetscCall(PetscFree(w->passes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryWeak(NomosAssembly *a, size_t trajectory, size_t first, size_t end)
{
  Weak w = {0};

  PetscFunctionBeginUser;
  PetscCall(WeakCreate(a->library, &w));
  PetscErrorCode code = AddMoments(a, &w, trajectory, first, end);
  PetscCall(WeakDestroy(&w));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
