/* Derivatives by Fourier series, on a line (FFTW as it is) and on a plane (operators/fft.h), on the grid and on one 3/2 as fine.

     Forward  m = F g            Inverse  g = sum_i factor_i S_i m_i,   S = (i k)^a (i l)^b

   Modes are stored for k >= 0; W = w(k) n, with the weight w and the number of points n of the grid, makes the transposes F^T = Inv W^-1, Inv^T = W F (operators/fft.h). Derivatives by modes are therefore kept as
   b = W^-1 m_bar, with the grid's W: backwards, a forward transform is an inverse one and an inverse one is a forward one; on the fine grid with the ratio of its W to the grid's. */
#include "operators/terms_impl.h"

#include "operators/fft.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum { COARSE, FINE, N_GRIDS };

typedef struct { /* of a thread */
  Complex *work, *scratch, *row;
  double  *rows;
} Thread;

struct NomosTermsSpectral_s {
  int           n_k, n_l;                    /* stored modes along x (of this rank) and y */
  int           k_start, l_max;
  size_t        n[N_GRIDS];                  /* points of a line, or of all of the plane */
  int           nx[N_GRIDS];
  bool          keep;
  double       *k, *l;                       /* powers [order][mode]: of the wavenumbers */
  NomosFft_f64 *fft[N_GRIDS];                /* planes */
  fftw_plan     out[N_GRIDS], in[N_GRIDS];   /* lines */
  double       *line;
  Complex      *half, *mixed, *modes;        /* of a line; of a plane; scratch as large as a value of modes */
  int           n_threads;
  Thread       *threads;
};

static PetscErrorCode CreatePlane(NomosTerms t, NomosTermsSpectral s)
{
  const int nx = (int)t->nx, ny = (int)t->ny;

  PetscFunctionBeginUser;
  for (int g = 0; g < (t->grid.dealias ? N_GRIDS : 1); g++) {
    const NomosFftShape shape = {.nx = g ? (3 * nx + 1) / 2 : nx, .ny = g ? (3 * ny + 1) / 2 : ny, .n_k = s->keep ? nx / 2 + 1 : (nx - 1) / 2 + 1, .l_min = s->keep ? -(ny / 2) : -((ny - 1) / 2), .l_max = (ny - 1) / 2};
    PetscCall(NomosFftCreate_f64(t->comm, &shape, &s->fft[g]));
    s->n[g]  = (size_t)shape.nx * (size_t)shape.ny;
    s->nx[g] = shape.nx;
  }
  const NomosFft_f64 *largest = s->fft[t->grid.dealias];
  s->n_k     = largest->n_k_local;
  s->k_start = largest->k_start;
  s->n_l     = largest->n_l;
  s->l_max   = largest->l_max;
  s->mixed   = (Complex *)fftw_alloc_complex(PetscMax(largest->mixed_size, s->fft[0]->mixed_size));
  s->n_threads = t->n_threads;
  PetscCall(PetscCalloc1((size_t)s->n_threads, &s->threads));
  bool all = s->mixed != NULL;
  for (int i = 0; i < s->n_threads; i++) {
    s->threads[i].work    = (Complex *)fftw_alloc_complex((size_t)NOMOS_FFT_COLUMNS * (size_t)largest->ny);
    s->threads[i].scratch = (Complex *)fftw_alloc_complex(NOMOS_FFT_ROWS * ((size_t)largest->nx / 2 + 4));
    s->threads[i].row     = (Complex *)fftw_alloc_complex((size_t)s->n_l);
    s->threads[i].rows    = fftw_alloc_real(NOMOS_FFT_ROWS * (size_t)largest->nx);
    all                   = all && s->threads[i].work && s->threads[i].scratch && s->threads[i].row && s->threads[i].rows;
  }
  PetscCheck(all, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the Fourier transforms of a %d x %d grid", nx, ny);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateLine(NomosTerms t, NomosTermsSpectral s)
{
  const int n = (int)t->nx;

  PetscFunctionBeginUser;
  NomosFftBegin();
  s->n_k  = s->keep ? n / 2 + 1 : (n - 1) / 2 + 1;
  s->n_l  = 1;
  s->line = fftw_alloc_real((size_t)(3 * n + 1) / 2);
  s->half = (Complex *)fftw_alloc_complex((size_t)(3 * n + 1) / 4 + 1);
  PetscCheck(s->line && s->half, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the Fourier transforms of a line of %d points", n);
  for (int g = 0; g < (t->grid.dealias ? N_GRIDS : 1); g++) {
    s->nx[g]  = g ? (3 * n + 1) / 2 : n;
    s->n[g]   = (size_t)s->nx[g];
    s->out[g] = fftw_plan_dft_c2r_1d(s->nx[g], (fftw_complex *)s->half, s->line, NomosFftPlanFlags());
    s->in[g]  = fftw_plan_dft_r2c_1d(s->nx[g], s->line, (fftw_complex *)s->half, NomosFftPlanFlags());
    PetscCheck(s->out[g] && s->in[g], PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW has no plan for a line of %d points", s->nx[g]);
  }
  PetscCall(NomosFftKeepWisdom(t->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [order][mode]: wavenumber^order */
static PetscErrorCode Powers(int n, int first, int wrap, double unit, double **powers)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)(NOMOS_TERM_MAX_ORDER + 1) * (size_t)n + 1, powers));
  for (int order = 0; order <= NOMOS_TERM_MAX_ORDER; order++)
    for (int i = 0; i < n; i++) {
      const int mode               = first + i;
      (*powers)[order * n + i] = pow(unit * (mode <= wrap ? mode : mode - n), order);
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsSpectralCreate(NomosTerms t)
{
  NomosTermsSpectral s;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  t->spectral = s;
  s->keep     = t->grid.keep_nyquist;
  PetscCall(t->grid.n_dims == 2 ? CreatePlane(t, s) : CreateLine(t, s));
  PetscCall(Powers(s->n_k, s->k_start, INT_MAX, 2 * PETSC_PI / t->grid.length[t->grid.n_dims - 1], &s->k));
  PetscCall(Powers(s->n_l, 0, t->grid.n_dims == 2 ? s->l_max : 0, t->grid.n_dims == 2 ? 2 * PETSC_PI / t->grid.length[0] : 1, &s->l));
  s->modes                = (Complex *)fftw_alloc_complex((size_t)s->n_k * (size_t)s->n_l + 1);
  PetscCheck(s->modes, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the modes of a grid");
  t->size_of[SPACE_MODES] = 2 * (size_t)s->n_k * (size_t)s->n_l;
  t->size_of[SPACE_FINE]  = !t->grid.dealias ? 0 : t->grid.n_dims == 2 ? (size_t)s->fft[FINE]->n_y_local * (size_t)s->nx[FINE] : s->n[FINE];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsSpectralDestroy(NomosTermsSpectral *spectral)
{
  NomosTermsSpectral s = *spectral;

  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (int g = 0; g < N_GRIDS; g++) {
    if (s->fft[g]) PetscCall(NomosFftDestroy_f64(&s->fft[g]));
    if (s->out[g]) fftw_destroy_plan(s->out[g]);
    if (s->in[g]) fftw_destroy_plan(s->in[g]);
  }
  for (int i = 0; i < s->n_threads; i++) {
    fftw_free(s->threads[i].work);
    fftw_free(s->threads[i].scratch);
    fftw_free(s->threads[i].row);
    fftw_free(s->threads[i].rows);
  }
  PetscCall(PetscFree(s->threads));
  fftw_free(s->line);
  fftw_free(s->half);
  fftw_free(s->mixed);
  fftw_free(s->modes);
  PetscCall(PetscFree(s->k));
  PetscCall(PetscFree(s->l));
  PetscCall(PetscFree(*spectral));
  PetscFunctionReturn(PETSC_SUCCESS);
}

double *NomosTermsSpectralScratch(NomosTerms t)
{
  return (double *)t->spectral->modes;
}

/* W of the fine grid over that of the grid: weights differ in the shortest mode of an even side, which is no longer the shortest there. */
static double Ratio(const struct NomosTermsSpectral_s *s, bool fine, int row)
{
  const int k = s->k_start + row;

  return fine ? (double)s->n[FINE] / (double)s->n[COARSE] * (2 * k == s->nx[COARSE] ? 2 : 1) : 1;
}

/* to (+)= c i^turns power from, for n modes */
static void AddPowers(int n, int turns, double c, const double *restrict power, bool add, const double *restrict from, double *restrict to)
{
  const double sign = turns >= 2 ? -c : c;

  if (!add) memset(to, 0, 2 * sizeof *to * (size_t)n);
  if (turns % 2 == 0)
    for (int j = 0; j < n; j++) {
      to[2 * j] += sign * power[j] * from[2 * j];
      to[2 * j + 1] += sign * power[j] * from[2 * j + 1];
    }
  else
    for (int j = 0; j < n; j++) {
      to[2 * j] -= sign * power[j] * from[2 * j + 1];
      to[2 * j + 1] += sign * power[j] * from[2 * j];
    }
}

/* i^order of a symbol, or of its conjugate, in quarter turns. */
static int Turns(const NomosTermInput *in, bool conjugate)
{
  const int total = in->order[0] + in->order[1];

  return conjugate ? (4 - total % 4) % 4 : total % 4;
}

/* to (+)= factor S from, or its conjugate, for a row of modes of a plane, and for all of a line */
static void AddSymbol(const struct NomosTermsSpectral_s *s, const NomosTermInput *in, bool conjugate, bool add, double scale, int row, const double *restrict from, double *restrict to)
{
  AddPowers(s->n_l, Turns(in, conjugate), scale * in->factor * s->k[in->order[0] * s->n_k + row], s->l + in->order[1] * s->n_l, add, from, to);
}

static void AddLineSymbol(const struct NomosTermsSpectral_s *s, const NomosTermInput *in, bool conjugate, bool add, double scale, const double *restrict from, double *restrict to)
{
  AddPowers(s->n_k, Turns(in, conjugate), scale * in->factor, s->k + in->order[0] * s->n_k, add, from, to);
}

void NomosTermsAddConjugate(NomosTerms t, const NomosTermInput *in, const double modes[], double modes_bar[])
{
  const struct NomosTermsSpectral_s *s = t->spectral;
  const size_t                       n = 2 * (size_t)s->n_l;

  if (!s->fft[COARSE]) {
    AddLineSymbol(s, in, true, true, 1, modes, modes_bar);
    return;
  }
#pragma omp parallel for schedule(static) num_threads(t->n_threads) if (n * (size_t)s->n_k > 8192)
  for (int row = 0; row < s->n_k; row++) AddSymbol(s, in, true, true, 1, row, modes + (size_t)row * n, modes_bar + (size_t)row * n);
}

/* A row of modes of the sum. */
static void SumRow(const struct NomosTermsSpectral_s *s, bool fine, bool transposed, int n, const NomosTermInput in[], double *const modes[], int row, Complex *to)
{
  const double scale = transposed ? 1 / Ratio(s, fine, row) : 1;
  bool         begun = false;

  for (int i = 0; i < n; i++) {
    if (!modes[in[i].value]) continue;
    AddSymbol(s, &in[i], false, begun, scale, row, modes[in[i].value] + 2 * (size_t)row * (size_t)s->n_l, (double *)to);
    begun = true;
  }
  if (!begun) memset(to, 0, sizeof(Complex) * (size_t)s->n_l);
}

/* All modes of a line of the sum. */
static void SumLine(const struct NomosTermsSpectral_s *s, bool fine, bool transposed, int n, const NomosTermInput in[], double *const modes[], Complex *to)
{
  const double scale = transposed ? 1 / Ratio(s, fine, 0) : 1, last = transposed ? Ratio(s, fine, 0) / Ratio(s, fine, s->n_k - 1) : 1;
  bool         begun = false;

  for (int i = 0; i < n; i++) {
    if (!modes[in[i].value]) continue;
    AddLineSymbol(s, &in[i], false, begun, scale, modes[in[i].value], (double *)to);
    begun = true;
  }
  if (!begun) memset(to, 0, sizeof(Complex) * (size_t)s->n_k);
  for (int part = 0; part < 2; part++) to[s->n_k - 1][part] *= last;
}

PetscErrorCode NomosTermsInverse(NomosTerms t, bool fine, bool transposed, int n, const NomosTermInput in[], double *const modes[], bool add, double grid[])
{
  NomosTermsSpectral s   = t->spectral;
  NomosFft_f64      *fft = s->fft[fine];

  PetscFunctionBeginUser;
  if (!fft) {
    const int half = s->nx[fine] / 2 + 1;
    SumLine(s, fine, transposed, n, in, modes, s->half);
    memset(s->half + s->n_k, 0, sizeof(Complex) * (size_t)(half - s->n_k));
    fftw_execute(s->out[fine]);
    if (!add) memcpy(grid, s->line, sizeof *grid * s->n[fine]);
    else
      for (size_t i = 0; i < s->n[fine]; i++) grid[i] += s->line[i];
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const size_t upper = (size_t)s->l_max + 1, lower = (size_t)s->n_l - upper, ny = (size_t)fft->ny;
#pragma omp parallel for schedule(static) num_threads(s->n_threads)
  for (int b = 0; b < fft->n_column_blocks; b++) {
    Thread *thread = &s->threads[omp_get_thread_num()];
    for (int i = 0; i < NomosFftColumnCount_f64(fft, b); i++) {
      Complex *column = thread->work + (size_t)i * ny;
      SumRow(s, fine, transposed, n, in, modes, b * NOMOS_FFT_COLUMNS + i, thread->row);
      memcpy(column, thread->row, sizeof(Complex) * upper);
      memset(column + upper, 0, sizeof(Complex) * (ny - upper - lower));
      memcpy(column + ny - lower, thread->row + upper, sizeof(Complex) * lower);
    }
    NomosFftColumnsOut_f64(fft, b, thread->work, s->mixed);
  }
  PetscCall(NomosFftTransposeOut_f64(fft, s->mixed));
#pragma omp parallel for schedule(static) num_threads(s->n_threads)
  for (int b = 0; b < fft->n_row_blocks; b++) {
    Thread      *thread = &s->threads[omp_get_thread_num()];
    const size_t count = (size_t)NomosFftRowCount_f64(fft, b) * (size_t)fft->nx;
    double      *to    = grid + (size_t)b * NOMOS_FFT_ROWS * (size_t)fft->nx;
    NomosFftRowsOut_f64(fft, b, s->mixed, thread->scratch, thread->rows);
    if (!add) memcpy(to, thread->rows, sizeof *to * count);
    else
      for (size_t i = 0; i < count; i++) to[i] += thread->rows[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosTermsForward(NomosTerms t, bool fine, bool transposed, const double grid[], double modes[])
{
  NomosTermsSpectral s     = t->spectral;
  NomosFft_f64      *fft   = s->fft[fine];
  const double       scale = 1 / (double)s->n[fine];

  PetscFunctionBeginUser;
  if (!fft) {
    memcpy(s->line, grid, sizeof *grid * s->n[fine]);
    fftw_execute(s->in[fine]);
    for (int row = 0; row < s->n_k; row++) {
      const double c = scale * (transposed ? Ratio(s, fine, row) : 1);
      for (int part = 0; part < 2; part++) modes[2 * row + part] = c * s->half[row][part];
    }
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  const size_t upper = (size_t)s->l_max + 1, n_l = (size_t)s->n_l, ny = (size_t)fft->ny;
#pragma omp parallel for schedule(static) num_threads(s->n_threads)
  for (int b = 0; b < fft->n_row_blocks; b++) {
    Thread *thread = &s->threads[omp_get_thread_num()];
    memcpy(thread->rows, grid + (size_t)b * NOMOS_FFT_ROWS * (size_t)fft->nx, sizeof *grid * (size_t)NomosFftRowCount_f64(fft, b) * (size_t)fft->nx);
    NomosFftRowsIn_f64(fft, b, thread->rows, thread->scratch, s->mixed);
  }
  PetscCall(NomosFftTransposeIn_f64(fft, s->mixed));
#pragma omp parallel for schedule(static) num_threads(s->n_threads)
  for (int b = 0; b < fft->n_column_blocks; b++) {
    Thread *thread = &s->threads[omp_get_thread_num()];
    NomosFftColumnsIn_f64(fft, b, s->mixed, thread->work);
    for (int i = 0; i < NomosFftColumnCount_f64(fft, b); i++) {
      const int    row = b * NOMOS_FFT_COLUMNS + i;
      const double c   = scale * (transposed ? Ratio(s, fine, row) : 1);
      double      *to  = modes + 2 * (size_t)row * n_l;
      for (size_t j = 0; j < n_l; j++) {
        const Complex *from = &thread->work[(size_t)i * ny + (j < upper ? j : ny - n_l + j)];
        to[2 * j]           = c * (*from)[0];
        to[2 * j + 1]       = c * (*from)[1];
      }
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
