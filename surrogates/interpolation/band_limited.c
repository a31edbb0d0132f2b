/* Optimal interpolation with a spectral prior: the field of which

     J(u) = sum_k |u^_k|^2/S(k) + sum_p (u(x_p) - value_p)^2/deviation^2        k: waves with |K| <= cutoff;  p: points of the grid

   is least, which for Gaussian fields of spectrum S is the most probable one (Wiener; Gandin's optimal interpolation). Without noise u goes through the points and only the others are free. Conjugate gradients
   with a Fourier transform there and back per iteration; the precision 1/S is a circulant, so its part on the free points has a small condition where points lie close, and long waves cost nothing.

   S is a function of |K|, one for zonal waves and one for the rest (a jet is zonal). It is estimated from the observations by expectation and maximisation, in which the part of the spectrum that the
   observations do not settle comes from a conditional simulation: x drawn from S, and x - (x interpolated) has the covariance of the error (Journel & Huijbregts 1978; Hoffman & Ribak 1991,
   doi:10.1086/186160). */
#include "surrogates/interpolation/interpolation.h"

#include "operators/fft_plan.h"
#include "operators/random.h"

#include <fftw3.h>
#include <float.h>
#include <math.h>

/* clang-format off */
static const NomosParam params[] = {
  {"discover.band_limited.cutoff",     NOMOS_PARAM_REAL, "1",     NULL, DBL_MIN, 1, NULL, false, "Shortest waves of the field, as a part of the largest wavenumber |K| of the grid (that of its corners)."},
  {"discover.band_limited.slope",      NOMOS_PARAM_REAL, "6",     NULL, 0, 40,      NULL, false, "The spectrum that the estimate begins with falls like |K| to the minus this."},
  {"discover.band_limited.passes",     NOMOS_PARAM_INT,  "8",     NULL, 0, 1000,    NULL, false, "Passes of the estimate of the spectrum from the observations; 0: that of `slope`, which is safer where few points are seen (a tenth)."},
  {"discover.band_limited.tolerance",  NOMOS_PARAM_REAL, "1e-8",  NULL, 0, 1,       NULL, false, "Conjugate gradients end when the gradient has fallen by this."},
  {"discover.band_limited.iterations", NOMOS_PARAM_INT,  "2000",  NULL, 1, 1000000, NULL, false, "Most iterations of conjugate gradients."},
};
/* clang-format on */

/* The weakest waves have this part of the variance of the strongest: those beyond the cutoff, and a few that are zero by chance, whose precision would drown what else conjugate gradients look at. */
static const double floor_of_spectrum = 1e-12;

typedef struct {
  const NomosScatter *s;
  size_t              points, row, n_modes, n_bins;
  size_t             *at;                   /* (n) grid points seen */
  double             *variance, *precision; /* (n_modes) S and 1/S, of numbers that a transform divided by sqrt(points) gives */
  size_t             *bin;                  /* (n_modes) */
  double             *multiplicity;         /* (n_modes) 2 where the conjugate is not stored */
  bool               *free;                 /* (points) */
  double              weight, tolerance, diagonal; /* 1/deviation^2 or 0; ...; mean of the precision */
  int64_t             iterations;
  double             *grid, *residual, *direction, *image; /* (points) */
  double (*modes)[2];
  fftw_plan out, in;
} Analysis;

static double BinWidth(const NomosScatter *s)
{
  return 2 * PETSC_PI / fmin(s->lx, s->ly);
}

static PetscErrorCode Create(const NomosScatter *s, Analysis *a)
{
  const double width = BinWidth(s);

  PetscFunctionBeginUser;
  a->s       = s;
  a->points  = s->nx * s->ny;
  a->row     = s->nx / 2 + 1;
  a->n_modes = s->ny * a->row;
  PetscCall(PetscMalloc1(s->n, &a->at));
  PetscCall(PetscMalloc4(a->n_modes, &a->variance, a->n_modes, &a->precision, a->n_modes, &a->bin, a->n_modes, &a->multiplicity));
  PetscCall(PetscMalloc4(a->points, &a->free, a->points, &a->residual, a->points, &a->direction, a->points, &a->image));
  for (size_t p = 0; p < s->n; p++) {
    a->at[p] = NomosScatterGridPoint(s, p);
    PetscCheck(a->at[p] < a->points, PETSC_COMM_SELF, PETSC_ERR_SUP, "interpolation: band_limited takes points of the grid, and point %zu, (%g, %g), is between them; take cubic, rbf or a network", p + 1, s->x[p], s->y[p]);
  }
  for (size_t j = 0; j < s->ny; j++)
    for (size_t i = 0; i < a->row; i++) {
      const size_t m = j * a->row + i;
      const double k = 2 * PETSC_PI * (double)i / s->lx, l = 2 * PETSC_PI * (double)PetscMin(j, s->ny - j) / s->ly;
      a->bin[m]          = 2 * (size_t)(hypot(k, l) / width + 0.5) + (i == 0);
      a->multiplicity[m] = i == 0 || 2 * i == s->nx ? 1 : 2;
      a->n_bins          = PetscMax(a->n_bins, a->bin[m] / 2 * 2 + 2);
    }
  NomosFftBegin();
  a->grid  = fftw_alloc_real(a->points);
  a->modes = fftw_malloc(a->n_modes * sizeof *a->modes);
  PetscCheck(a->grid && a->modes, PETSC_COMM_SELF, PETSC_ERR_MEM, "interpolation: out of memory");
  a->out = fftw_plan_dft_r2c_2d((int)s->ny, (int)s->nx, a->grid, (fftw_complex *)a->modes, FFTW_ESTIMATE);
  a->in  = fftw_plan_dft_c2r_2d((int)s->ny, (int)s->nx, (fftw_complex *)a->modes, a->grid, FFTW_ESTIMATE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Analysis *a)
{
  PetscFunctionBeginUser;
  fftw_destroy_plan(a->out);
  fftw_destroy_plan(a->in);
  fftw_free(a->grid);
  fftw_free(a->modes);
  PetscCall(PetscFree(a->at));
  PetscCall(PetscFree4(a->variance, a->precision, a->bin, a->multiplicity));
  PetscCall(PetscFree4(a->free, a->residual, a->direction, a->image));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The precision from the variance. The mean is free. */
static void SetPrecision(Analysis *a)
{
  double largest = 0;

  for (size_t m = 1; m < a->n_modes; m++) largest = fmax(largest, a->variance[m]);
  a->diagonal = 0;
  for (size_t m = 0; m < a->n_modes; m++) {
    a->precision[m] = m ? 1 / (a->variance[m] + floor_of_spectrum * largest) : 0;
    a->diagonal += a->multiplicity[m] * a->precision[m] / (double)a->points;
  }
}

/* image = F^-1 f F values, f of every mode. */
static void Filter(Analysis *a, const double values[], const double f[], double image[])
{
  for (size_t i = 0; i < a->points; i++) a->grid[i] = values[i];
  fftw_execute(a->out);
  for (size_t m = 0; m < a->n_modes; m++) {
    a->modes[m][0] *= f[m] / (double)a->points;
    a->modes[m][1] *= f[m] / (double)a->points;
  }
  fftw_execute(a->in);
  for (size_t i = 0; i < a->points; i++) image[i] = a->grid[i];
}

static double Product(size_t n, const double a[], const double b[])
{
  double sum = 0;

  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* u that minimises J for these values (n of the scatter). Preconditioned by the diagonal, which has two values. */
static PetscErrorCode Analyse(Analysis *a, const double values[], double u[])
{
  const size_t n = a->points;
  double       mean = 0, before = 0, first = 0;

  PetscFunctionBeginUser;
  for (size_t p = 0; p < a->s->n; p++) mean += values[p] / (double)a->s->n;
  for (size_t i = 0; i < n; i++) {
    u[i]       = mean;
    a->free[i] = true;
  }
  for (size_t p = 0; p < a->s->n; p++) {
    u[a->at[p]]       = values[p];
    a->free[a->at[p]] = a->weight > 0;
  }
  Filter(a, u, a->precision, a->residual); /* the gradient; that of the observations is 0 here */
  for (size_t i = 0; i < n; i++) a->residual[i] = a->free[i] ? -a->residual[i] : 0;
  PetscCall(PetscArrayzero(a->direction, n));
  for (int64_t it = 0; it < a->iterations; it++) {
    double now = Product(n, a->residual, a->residual) / a->diagonal;
    for (size_t p = 0; p < a->s->n && a->weight > 0; p++) {
      const double r = a->residual[a->at[p]];
      now += r * r * (1 / (a->diagonal + a->weight) - 1 / a->diagonal);
    }
    if (!it) first = now;
    if (now <= a->tolerance * a->tolerance * first ) break;
    for (size_t i = 0; i < n; i++) a->direction[i] = a->residual[i] / a->diagonal + (it ? now / before : 0) * a->direction[i];
    for (size_t p = 0; p < a->s->n && a->weight > 0; p++) a->direction[a->at[p]] += a->residual[a->at[p]] * (1 / (a->diagonal + a->weight) - 1 / a->diagonal);
    Filter(a, a->direction, a->precision, a->image);
    for (size_t p = 0; p < a->s->n; p++) a->image[a->at[p]] = a->weight > 0 ? a->image[a->at[p]] + a->weight * a->direction[a->at[p]] : 0;
    const double step = now / Product(n, a->direction, a->image);
    for (size_t i = 0; i < n; i++) {
      u[i] += step * a->direction[i];
      a->residual[i] -= step * a->image[i];
    }
    before = now;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the spectrum */

/* Sums of |u^|^2 and numbers of modes, of each bin. */
static void AddPower(Analysis *a, const double u[], double power[])
{
  for (size_t i = 0; i < a->points; i++) a->grid[i] = u[i];
  fftw_execute(a->out);
  for (size_t m = 1; m < a->n_modes; m++) power[a->bin[m]] += a->multiplicity[m] * (a->modes[m][0] * a->modes[m][0] + a->modes[m][1] * a->modes[m][1]) / (double)a->points;
}

/* Variances from sums of power: the geometric mean of a few neighbouring bins, which leaves a power law as it is. None beyond the cutoff. */
static void SetVariance(Analysis *a, const double power[], const double count[], double cutoff, double width)
{
  enum { REACH = 2 };
  const double largest = hypot(PETSC_PI * (double)a->s->nx / a->s->lx, PETSC_PI * (double)a->s->ny / a->s->ly);

  for (size_t m = 0; m < a->n_modes; m++) {
    const ptrdiff_t shell = (ptrdiff_t)(a->bin[m] / 2), last = (ptrdiff_t)(a->n_bins / 2) - 1, zonal = (ptrdiff_t)(a->bin[m] % 2);
    double          sums[2] = {0, 0};
    for (ptrdiff_t k = PetscMax(1, shell - REACH); k <= PetscMin(last, shell + REACH); k++) {
      if (!(count[2 * k + zonal] > 0)) continue;
      sums[0] += count[2 * k + zonal] * log(power[2 * k + zonal] / count[2 * k + zonal] + DBL_MIN);
      sums[1] += count[2 * k + zonal];
    }
    a->variance[m] = sums[1] > 0 && (double)shell * width <= cutoff * largest ? exp(sums[0] / sums[1]) : 0;
  }
}

static double Variance(size_t n, const double values[])
{
  double mean = 0, variance = 0;

  for (size_t p = 0; p < n; p++) mean += values[p] / (double)n;
  for (size_t p = 0; p < n; p++) variance += (values[p] - mean) * (values[p] - mean) / (double)n;
  return variance;
}

/* Of the values: their variance spread over the modes like |K|^-slope. */
static void BeginSpectrum(Analysis *a, const double values[], double cutoff, double slope)
{
  const double width = BinWidth(a->s), variance = Variance(a->s->n, values), largest = hypot(PETSC_PI * (double)a->s->nx / a->s->lx, PETSC_PI * (double)a->s->ny / a->s->ly);
  double       sum = 0;

  for (size_t m = 0; m < a->n_modes; m++) {
    const double K = fmax(1, (double)(a->bin[m] / 2));
    a->variance[m] = m && K * width <= cutoff * largest ? pow(K, -slope) : 0;
    sum += a->multiplicity[m] * a->variance[m];
  }
  for (size_t m = 0; m < a->n_modes; m++) a->variance[m] *= fmax(variance, DBL_MIN) * (double)a->points / sum;
}

static PetscErrorCode EstimateSpectrum(Analysis *a, size_t field, const double values[], int64_t passes, double cutoff, double u[])
{
  const NomosScatter *s      = a->s;
  const uint64_t      stream = NomosRandomStream("interpolation.band_limited");
  double             *power, *count, *root, *drawn, *seen, *analysed;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(a->n_bins, &power, a->n_bins, &count, a->n_modes, &root));
  PetscCall(PetscMalloc3(a->points, &drawn, a->points, &analysed, s->n, &seen));
  PetscCall(PetscArrayzero(count, a->n_bins));
  for (size_t m = 1; m < a->n_modes; m++) count[a->bin[m]] += a->multiplicity[m];
  for (int64_t pass = 0; pass < passes; pass++) {
    const uint64_t which = stream + 2 * (field * (uint64_t)passes + (uint64_t)pass);
    SetPrecision(a);
    for (size_t m = 0; m < a->n_modes; m++) root[m] = sqrt(a->variance[m]);
    for (size_t i = 0; i < a->points; i++) drawn[i] = NomosRandomNormal(s->seed, which, i);
    Filter(a, drawn, root, drawn);
    for (size_t p = 0; p < s->n; p++) seen[p] = drawn[a->at[p]] + (a->weight > 0 ? NomosRandomNormal(s->seed, which + 1, p) / sqrt(a->weight) : 0);
    PetscCall(Analyse(a, seen, analysed));
    for (size_t i = 0; i < a->points; i++) drawn[i] -= analysed[i];
    PetscCall(Analyse(a, values, u));
    PetscCall(PetscArrayzero(power, a->n_bins));
    AddPower(a, u, power);
    AddPower(a, drawn, power);
    SetVariance(a, power, count, cutoff, BinWidth(s));
  }
  PetscCall(PetscFree3(power, count, root));
  PetscCall(PetscFree3(drawn, analysed, seen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve(NomosConfig config, const NomosScatter *s, double fields[])
{
  Analysis a = {0};
  double   cutoff, slope, *variances;
  int64_t  passes;

  PetscFunctionBeginUser;
  PetscCall(NomosConfigGetReal(config, "discover.band_limited.cutoff", &cutoff));
  PetscCall(NomosConfigGetReal(config, "discover.band_limited.slope", &slope));
  PetscCall(NomosConfigGetInt(config, "discover.band_limited.passes", &passes));
  PetscCall(NomosConfigGetReal(config, "discover.band_limited.tolerance", &a.tolerance));
  PetscCall(NomosConfigGetInt(config, "discover.band_limited.iterations", &a.iterations));
  PetscCall(Create(s, &a));
  PetscCall(PetscMalloc1(s->n_fields * a.n_modes, &variances));
  for (size_t f = 0; f < s->n_fields; f++) {
    const double deviation = s->deviation ? s->deviation[f] : 0;
    a.weight = deviation > 0 ? 1 / (deviation * deviation) : 0;
    if (s->like && s->like[f] < f) {
      const double scale = Variance(s->n, s->values + f * s->n) / (Variance(s->n, s->values + s->like[f] * s->n) + DBL_MIN);
      for (size_t m = 0; m < a.n_modes; m++) a.variance[m] = scale * variances[s->like[f] * a.n_modes + m];
    } else {
      BeginSpectrum(&a, s->values + f * s->n, cutoff, slope);
      PetscCall(EstimateSpectrum(&a, f, s->values + f * s->n, passes, cutoff, fields + f * a.points));
    }
    PetscCall(PetscArraycpy(variances + f * a.n_modes, a.variance, a.n_modes));
    SetPrecision(&a);
    PetscCall(Analyse(&a, s->values + f * s->n, fields + f * a.points));
  }
  PetscCall(PetscFree(variances));
  PetscCall(Destroy(&a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const NomosInterpolationOps NomosInterpolationOps_BandLimited = {
  .name      = "band_limited",
  .summary   = "Optimal interpolation with a spectral prior that is estimated from the observations",
  .reference = "Hoffman & Ribak 1991, doi:10.1086/186160",
  .n_params  = sizeof params / sizeof *params,
  .params    = params,
  .solve     = Solve,
};
