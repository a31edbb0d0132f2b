/* Real two-dimensional Fourier transforms between a set of retained modes and a grid, distributed in slabs over MPI ranks and in blocks over threads.

     f(x_i, y_j) = sum_{k,l} f^(k,l) exp(i (2 pi k i / nx + 2 pi l j / ny))          (no factor; the forward transform divides by nx ny)

   Only the retained modes are stored and transformed: 0 <= k < n_k and l_min <= l <= l_max. The 2/3 rule retains a third of the grid's
   modes, 3/2 padding transforms the same modes to a larger grid: one mechanism. Coefficients with k < 0 follow from f being real.

   A transform has two halves, so that a solver can work on a block of data while it is in cache, between and inside them:

     modes  [n_k_local][n_l]     --columns-->   mixed [n_y_local][pitch]   --rows-->   grid [n_y_local][nx]
            l = 0..l_max,l_min..-1      (y-FFT)        (transposed)          (x-FFT)

   Blocks are fixed by the grid, never by the number of threads: the same bits for any number of threads. Plans are FFTW's, one-dimensional, made once.
   This header is for *_real.c files (operators/real.h). Method: Frigo & Johnson 2005, doi:10.1109/JPROC.2004.840301. */
#ifndef NOMOS_OPERATORS_FFT_H
#define NOMOS_OPERATORS_FFT_H

#include "io/base.h"
#include "operators/fft_plan.h"
#include "operators/real.h"

#define FFTW_NO_Complex /* pairs of Real, also after <complex.h> */
#include <fftw3-mpi.h>

enum { NOMOS_FFT_COLUMNS = 8, NOMOS_FFT_ROWS = 2 }; /* rows of modes and of the grid per block: what a block works on stays in the nearest caches */

typedef struct {
  MPI_Comm comm;
  int      size;
  int      nx, ny;                    /* grid */
  int      n_k, l_min, l_max, n_l;    /* retained modes, n_l = l_max - l_min + 1 */
  int      k_start, n_k_local;        /* this rank's slab of modes */
  int      y_start, n_y_local;        /* this rank's slab of grid rows */
  int      pitch;                     /* complex numbers per row of a mixed array */
  int      n_column_blocks, n_row_blocks;
  size_t   mixed_size;                /* complex numbers of a mixed array */
  bool     direct;                    /* FFTW writes the transposed columns itself (small grids), else a copy does */

  FFTW(plan) columns_out[2], columns_in[2]; /* full block, last block */
  FFTW(plan) rows_out[2], rows_in[2];       /* full block, single row */
  FFTW(plan) transpose_out, transpose_in;   /* several ranks only */
} NAME(NomosFft);

typedef struct {
  int nx, ny, n_k, l_min, l_max;
} NomosFftShape;

/* Collective. Errors: a side without modes or too long for the retained modes; more ranks than rows. */
PetscErrorCode NAME(NomosFftCreate)(MPI_Comm comm, const NomosFftShape *shape, NAME(NomosFft) **fft);
PetscErrorCode NAME(NomosFftDestroy)(NAME(NomosFft) **fft);

/* Column halves of block b: rows kx = k_start + 8 b + [0, n). `work` [8][ny] holds a block, l at index l or l + ny; l outside the retained range must be zero
   on the way out, and is to be ignored on the way in. `work` is overwritten. Different blocks may run at once. */
void NAME(NomosFftColumnsOut)(const NAME(NomosFft) *fft, int block, Complex *work, Complex *mixed);
void NAME(NomosFftColumnsIn)(const NAME(NomosFft) *fft, int block, Complex *mixed, Complex *work);

/* Transposition between the halves when there are several ranks, else nothing. Collective; call it from one thread. */
PetscErrorCode NAME(NomosFftTransposeOut)(NAME(NomosFft) *fft, Complex *mixed);
PetscErrorCode NAME(NomosFftTransposeIn)(NAME(NomosFft) *fft, Complex *mixed);

/* Row halves of block b: rows [2 b, 2 b + n) of the slab, grid rows in `rows` [2][nx]; `scratch` [2][nx/2 + 4] is used with several ranks. */
void NAME(NomosFftRowsOut)(const NAME(NomosFft) *fft, int block, Complex *mixed, Complex *scratch, Real *rows);
void NAME(NomosFftRowsIn)(const NAME(NomosFft) *fft, int block, Real *rows, Complex *scratch, Complex *mixed);

/* Rows of modes or of the grid in a block. */
static inline int NAME(NomosFftColumnCount)(const NAME(NomosFft) *fft, int block)
{
  int left = fft->n_k_local - block * NOMOS_FFT_COLUMNS;
  return left < NOMOS_FFT_COLUMNS ? left : NOMOS_FFT_COLUMNS;
}
static inline int NAME(NomosFftRowCount)(const NAME(NomosFft) *fft, int block)
{
  int left = fft->n_y_local - block * NOMOS_FFT_ROWS;
  return left < NOMOS_FFT_ROWS ? left : NOMOS_FFT_ROWS;
}

/* Adjoints, with the plain sum over stored numbers as inner product: the same transforms run the other way. With w(k) = 2 for rows of modes whose conjugates are not stored, 1 for k = 0 and
   for the shortest wave of an even side,
     adjoint of out   w F(g)        F: the forward transform without its division by nx ny
     adjoint of F     out(m / w) */
static inline int NAME(NomosFftRowWeight)(const NAME(NomosFft) *fft, size_t row)
{
  const int k = fft->k_start + (int)row;
  return k == 0 || 2 * k == fft->nx ? 1 : 2;
}

/* Whole transforms, for initial fields and output: modes [n_k_local][n_l], grid [n_y_local][nx]. The forward one divides by nx ny. Collective. */
PetscErrorCode NAME(NomosFftInverse)(NAME(NomosFft) *fft, const Complex *modes, Real *grid);
PetscErrorCode NAME(NomosFftForward)(NAME(NomosFft) *fft, const Real *grid, Complex *modes);
/* Their adjoints: modes from a grid (adjoint of the inverse), and a grid from modes (adjoint of the forward). Collective. */
PetscErrorCode NAME(NomosFftInverseAdjoint)(NAME(NomosFft) *fft, const Real *grid, Complex *modes);
PetscErrorCode NAME(NomosFftForwardAdjoint)(NAME(NomosFft) *fft, const Complex *modes, Real *grid);

#endif
