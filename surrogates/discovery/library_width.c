/* Half widths of test functions from the spectrum of the data: phi's transform is about a Gaussian of standard deviation sqrt(2 p + 3)/(m dx), and the largest wavenumber of the signal is to lie two of
   these out: then phi passes the signal's waves and averages over the shorter ones, which are noise. That wavenumber is where the summed spectrum bends: two lines fit the sums best that meet there
   (Messenger & Bortz 2021, appendix A; lines by their relative squares). */
#include "surrogates/discovery/library_impl.h"

#include "operators/fft_plan.h"

#define FFTW_NO_Complex /* pairs of double, also after <complex.h> */
#include <fftw3.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SERIES = 64, SAMPLED_FRAMES = 32, MAX_TIMES = 4096 };
static const double deviations = 2;

/* Mean amplitudes over series along one axis; each field counts alike. */
typedef struct {
  size_t        n, n_series;
  double       *series, *sums; /* (n), (n/2 + 1) */
  fftw_complex *modes;
  fftw_plan     plan;
} Spectrum;

static PetscErrorCode SpectrumCreate(size_t n, Spectrum *s)
{
  PetscFunctionBeginUser;
  NomosFftBegin();
  *s        = (Spectrum){.n = n};
  s->series = fftw_malloc(n * sizeof *s->series);
  s->modes  = fftw_malloc((n / 2 + 1) * sizeof *s->modes);
  s->plan   = fftw_plan_dft_r2c_1d((int)n, s->series, s->modes, FFTW_ESTIMATE);
  PetscCall(PetscCalloc1(n / 2 + 1, &s->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SpectrumDestroy(Spectrum *s)
{
  PetscFunctionBeginUser;
  fftw_destroy_plan(s->plan);
  fftw_free(s->series);
  fftw_free(s->modes);
  PetscCall(PetscFree(s->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of s->series; one with something missing is passed over. */
static void SpectrumAdd(Spectrum *s, double scale)
{
  for (size_t i = 0; i < s->n; i++)
    if (!isfinite(s->series[i])) return;
  fftw_execute(s->plan);
  for (size_t k = 0; k <= s->n / 2; k++) s->sums[k] += scale * hypot(s->modes[k][0], s->modes[k][1]);
  s->n_series++;
}

/* Square of what the line between two of the sums misses, relative to them. */
static double Misfit(const double sums[], size_t from, size_t to)
{
  double misfit = 0;

  for (size_t k = from + 1; k < to; k++) {
    const double line = sums[from] + (sums[to] - sums[from]) * (double)(k - from) / (double)(to - from), relative = sums[k] > 0 ? (line - sums[k]) / sums[k] : 0;
    misfit += relative * relative;
  }
  return misfit;
}

/* Sums begin at the short waves. */
static size_t Bend(const Spectrum *s, double sums[])
{
  const size_t n    = s->n / 2;
  size_t       best = 1;
  double       least = INFINITY;

  sums[0] = s->sums[n];
  for (size_t k = 1; k <= n; k++) sums[k] = sums[k - 1] + s->sums[n - k];
  for (size_t k = 1; k < n; k++) {
    const double misfit = Misfit(sums, 0, k) + Misfit(sums, k, n);
    if (misfit >= least) continue;
    least = misfit;
    best  = k;
  }
  return n - best;
}

static PetscErrorCode Choose(NomosLibrary l, int axis, const Spectrum *s)
{
  const double n      = (double)s->n;
  const size_t widest = (s->n - 1) / 4;
  double      *sums;
  size_t       m = 3;

  PetscFunctionBeginUser;
  NomosCheck(s->n_series && s->n >= 16, l->comm, PETSC_ERR_ARG_OUTOFRANGE, "%s: half widths of test functions cannot be told from the data, which are too short (%zu) or have gaps everywhere; look for NaN in the data and zeros in data.mask, or give them (assembly.half_width)", l->where, s->n);
  PetscCall(PetscMalloc1(s->n / 2 + 1, &sums));
  const double k = (double)Bend(s, sums);
  for (; m < widest; m++) {
    const double p = ceil(log(NOMOS_TEST_TAU) / log((2. * (double)m - 1) / (double)(m * m)));
    if (2 * PETSC_PI * k * (double)m / n >= deviations * sqrt(2 * p + 3)) break;
  }
  l->settings.half_width[axis] = m;
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Series along axes of space, of some frames; and along time, of some points of the first trajectory that has several. */
static PetscErrorCode Sample(NomosLibrary l, const NomosFrames *frames, Spectrum spectra[], double **fields, const double scales[], double *times)
{
  const size_t n_frames = frames->n_frames[l->first], n_times = spectra[l->n_dims].n, points = l->points, every = (n_frames - 1) / SAMPLED_FRAMES + 1, apart = (points - 1) / SERIES + 1, n_points = (points - 1) / apart + 1;

  PetscFunctionBeginUser;
  for (size_t f = 0; f < n_frames; f++) {
    const bool sampled = f % every == 0;
    if (f >= n_times && !sampled) continue;
    PetscCall(frames->read(frames->context, l->first, f, fields));
    for (size_t i = 0; i < l->n_fields; i++) {
      for (size_t k = 0; f < n_times && k < n_points; k++) times[(i * n_points + k) * n_times + f] = fields[i][k * apart];
      for (int d = 0; sampled && d < l->n_dims; d++) {
        const size_t n = l->n[d], step = d + 1 < l->n_dims ? l->n[1] : 1, n_lines = points / n, skip = (n_lines - 1) / SERIES + 1;
        for (size_t line = 0; line < n_lines; line += skip) {
          for (size_t x = 0; x < n; x++) spectra[d].series[x] = fields[i][(step == 1 ? line * n : line) + x * step];
          SpectrumAdd(&spectra[d], scales[i]);
        }
      }
    }
  }
  for (size_t i = 0; i < l->n_fields * n_points; i++) {
    memcpy(spectra[l->n_dims].series, times + i * n_times, n_times * sizeof *times);
    SpectrumAdd(&spectra[l->n_dims], scales[i / n_points]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLibraryWidths(NomosLibrary l, const NomosFrames *frames)
{
  Spectrum spectra[NOMOS_LIBRARY_AXES];
  double **fields, *times, *scales, *rms;
  bool     all = true;

  PetscFunctionBeginUser;
  for (int d = 0; d <= l->n_dims; d++) all = all && l->settings.half_width[d];
  if (all) PetscFunctionReturn(PETSC_SUCCESS);
  const size_t n_times = PetscMin(frames->n_frames[l->first], MAX_TIMES);
  for (int d = 0; d <= l->n_dims; d++) PetscCall(SpectrumCreate(d < l->n_dims ? l->n[d] : n_times, &spectra[d]));
  PetscCall(NomosArraysCreate(l->n_all, l->points, &fields));
  PetscCall(PetscMalloc3(l->n_fields * SERIES * n_times, &times, l->n_all, &scales, l->n_all, &rms));
  PetscCall(NomosFramesMeasure(l->comm, frames, &(NomosFramesStatistics){.rms = rms}));
  for (size_t i = 0; i < l->n_all; i++) scales[i] = rms[i] > 0 ? 1 / rms[i] : 0;
  PetscErrorCode code = Sample(l, frames, spectra, fields, scales, times);
  for (int d = 0; d <= l->n_dims; d++) {
    if (!code && !l->settings.half_width[d]) code = Choose(l, d, &spectra[d]);
    PetscCall(SpectrumDestroy(&spectra[d]));
  }
  PetscCall(PetscFree3(times, scales, rms));
  PetscCall(NomosArraysDestroy(&fields));
  PetscCall(code);
  PetscFunctionReturn(PETSC_SUCCESS);
}
