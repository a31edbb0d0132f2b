/* Transforms between retained modes and a grid in one precision: columns and rows by FFTW, transposed between ranks (fft.h). */
#include "operators/fft.h"

#include <string.h>

enum { COPY_FROM_NY = 768 }; /* from here on FFTW's strided output is slower than a contiguous transform and a copy */

static FFTW(plan) PlanColumns(const NAME(NomosFft) *fft, bool out, int count, Complex *work, Complex *mixed, unsigned flags)
{
  const bool  direct     = fft->direct;
  FFTW(iodim) modes_side = {.n = fft->ny, .is = 1, .os = 1}, many = {.n = count, .is = fft->ny, .os = fft->ny};

  if (!direct) return FFTW(plan_guru_dft)(1, &modes_side, 1, &many, work, work, out ? FFTW_BACKWARD : FFTW_FORWARD, flags);
  if (out) {
    modes_side.os = fft->pitch;
    many.os       = 1;
    return FFTW(plan_guru_dft)(1, &modes_side, 1, &many, work, mixed, FFTW_BACKWARD, flags);
  }
  modes_side.is = fft->pitch;
  many.is       = 1;
  return FFTW(plan_guru_dft)(1, &modes_side, 1, &many, mixed, work, FFTW_FORWARD, flags);
}

static FFTW(plan) PlanRows(const NAME(NomosFft) *fft, bool out, int count, Complex *mixed, Real *rows, unsigned flags)
{
  const int n = fft->nx, pitch = fft->size > 1 ? fft->nx / 2 + 4 : fft->pitch;

  if (out) return FFTW(plan_many_dft_c2r)(1, &n, count, mixed, NULL, 1, pitch, rows, NULL, 1, n, flags | FFTW_DESTROY_INPUT);
  return FFTW(plan_many_dft_r2c)(1, &n, count, rows, NULL, 1, n, mixed, NULL, 1, pitch, flags | FFTW_DESTROY_INPUT);
}

static PetscErrorCode MakePlans(NAME(NomosFft) *fft)
{
  const unsigned flags = NomosFftPlanFlags();
  const size_t   n_mixed = PetscMax(fft->mixed_size, (size_t)NOMOS_FFT_ROWS * (size_t)(fft->nx / 2 + 4));
  Complex       *work  = FFTW(alloc_complex)((size_t)NOMOS_FFT_COLUMNS * (size_t)fft->ny);
  Complex       *mixed = FFTW(alloc_complex)(n_mixed);
  Real          *rows  = FFTW(alloc_real)((size_t)NOMOS_FFT_ROWS * (size_t)fft->nx);
  bool           made  = work && mixed && rows;

  PetscFunctionBeginUser;
  /* Touched before planning: FFTW would time page faults. */
  if (made) {
    memset(work, 0, sizeof(Complex) * NOMOS_FFT_COLUMNS * (size_t)fft->ny);
    memset(mixed, 0, sizeof(Complex) * n_mixed);
    memset(rows, 0, sizeof(Real) * NOMOS_FFT_ROWS * (size_t)fft->nx);
    for (int i = 0; i < 2; i++) {
      const unsigned one = i ? flags | FFTW_UNALIGNED : flags;
      fft->columns_out[i] = PlanColumns(fft, true, i ? 1 : NOMOS_FFT_COLUMNS, work, mixed, one);
      fft->columns_in[i]  = PlanColumns(fft, false, i ? 1 : NOMOS_FFT_COLUMNS, work, mixed, one);
      fft->rows_out[i]    = PlanRows(fft, true, i ? 1 : NOMOS_FFT_ROWS, mixed, rows, one);
      fft->rows_in[i]     = PlanRows(fft, false, i ? 1 : NOMOS_FFT_ROWS, mixed, rows, one);
      made                = made && fft->columns_out[i] && fft->columns_in[i] && fft->rows_out[i] && fft->rows_in[i];
    }
  }
  FFTW(free)(work);
  FFTW(free)(mixed);
  FFTW(free)(rows);
  PetscCheck(made, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for the Fourier transforms of a %d x %d grid", fft->nx, fft->ny);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(NomosFftCreate)(MPI_Comm comm, const NomosFftShape *shape, NAME(NomosFft) **fft_out)
{
  NAME(NomosFft) *fft;
  int             rank;

  PetscFunctionBeginUser;
  PetscCheck(shape->nx > 1 && shape->ny > 0, comm, PETSC_ERR_ARG_SIZ, "a Fourier grid of %d x %d: it needs at least 2 points along x, and 1 along y", shape->nx, shape->ny);
  PetscCheck(shape->n_k >= 1 && shape->n_k <= shape->nx / 2 + 1 && shape->l_min <= 0 && shape->l_max >= 0 && shape->l_max - shape->l_min < shape->ny, comm, PETSC_ERR_ARG_SIZ,
             "%d modes along x and %d..%d along y do not fit on a %d x %d grid", shape->n_k, shape->l_min, shape->l_max, shape->nx, shape->ny);
  NomosFftBegin();
  PetscCall(PetscNew(&fft));
  *fft_out   = fft;
  fft->comm  = comm;
  fft->nx    = shape->nx;
  fft->ny    = shape->ny;
  fft->n_k   = shape->n_k;
  fft->l_min = shape->l_min;
  fft->l_max = shape->l_max;
  fft->n_l   = shape->l_max - shape->l_min + 1;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &fft->size));

  fft->direct = fft->size == 1 && fft->ny < COPY_FROM_NY;
  if (fft->size == 1) {
    fft->n_k_local  = fft->n_k;
    fft->n_y_local  = fft->ny;
    fft->pitch      = (fft->nx / 2 + 1 + 7) / 8 * 8; /* whole cache lines, so that threads do not share one */
    if (!(fft->pitch & (fft->pitch - 1))) fft->pitch += 8;
    fft->mixed_size = (size_t)fft->pitch * (size_t)fft->ny;
  } else {
    const ptrdiff_t n[2] = {fft->n_k, fft->ny};
    ptrdiff_t       n_k, k_start, n_y, y_start, n_alloc;

    n_alloc = FFTW(mpi_local_size_many_transposed)(2, n, 2, FFTW_MPI_DEFAULT_BLOCK, FFTW_MPI_DEFAULT_BLOCK, comm, &n_k, &k_start, &n_y, &y_start);
    fft->n_k_local  = (int)n_k;
    fft->k_start    = (int)k_start;
    fft->n_y_local  = (int)n_y;
    fft->y_start    = (int)y_start;
    fft->pitch      = fft->n_k;
    fft->mixed_size = (size_t)PetscMax(PetscMax(n_alloc, 1), PetscMax(n_k * fft->ny, n_y * fft->n_k));
  }
  fft->n_column_blocks = (fft->n_k_local + NOMOS_FFT_COLUMNS - 1) / NOMOS_FFT_COLUMNS;
  fft->n_row_blocks    = (fft->n_y_local + NOMOS_FFT_ROWS - 1) / NOMOS_FFT_ROWS;

  /* Rank 0 plans first, the others take over what it learned. */
  if (rank == 0) PetscCall(MakePlans(fft));
  PetscCall(NomosFftShareWisdom(comm));
  if (rank > 0) PetscCall(MakePlans(fft));
  PetscCall(NomosFftKeepWisdom(comm));

  if (fft->size > 1) {
    Real *slab = FFTW(alloc_real)(2 * fft->mixed_size);
    fft->transpose_out = FFTW(mpi_plan_many_transpose)(fft->n_k, fft->ny, 2, FFTW_MPI_DEFAULT_BLOCK, FFTW_MPI_DEFAULT_BLOCK, slab, slab, comm, FFTW_ESTIMATE);
    fft->transpose_in  = FFTW(mpi_plan_many_transpose)(fft->ny, fft->n_k, 2, FFTW_MPI_DEFAULT_BLOCK, FFTW_MPI_DEFAULT_BLOCK, slab, slab, comm, FFTW_ESTIMATE);
    FFTW(free)(slab);
    PetscCheck(fft->transpose_out && fft->transpose_in, comm, PETSC_ERR_LIB, "FFTW has no plan to transpose %d x %d over %d ranks", fft->n_k, fft->ny, fft->size);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(NomosFftDestroy)(NAME(NomosFft) **fft)
{
  PetscFunctionBeginUser;
  if (!*fft) PetscFunctionReturn(PETSC_SUCCESS);
  for (int i = 0; i < 2; i++) {
    FFTW(destroy_plan)((*fft)->columns_out[i]);
    FFTW(destroy_plan)((*fft)->columns_in[i]);
    FFTW(destroy_plan)((*fft)->rows_out[i]);
    FFTW(destroy_plan)((*fft)->rows_in[i]);
  }
  if ((*fft)->transpose_out) FFTW(destroy_plan)((*fft)->transpose_out);
  if ((*fft)->transpose_in) FFTW(destroy_plan)((*fft)->transpose_in);
  PetscCall(PetscFree(*fft));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One plan for a full block, or a single-column plan repeated for what is left. */
static void Columns(FFTW(plan) const plans[2], int count, Complex *in, size_t in_step, Complex *out, size_t out_step)
{
  if (count == NOMOS_FFT_COLUMNS) FFTW(execute_dft)(plans[0], in, out);
  else
    for (int i = 0; i < count; i++) FFTW(execute_dft)(plans[1], in + (size_t)i * in_step, out + (size_t)i * out_step);
}

void NAME(NomosFftColumnsOut)(const NAME(NomosFft) *fft, int block, Complex *work, Complex *mixed)
{
  const int    count = NAME(NomosFftColumnCount)(fft, block);
  const size_t ny = (size_t)fft->ny, pitch = (size_t)fft->pitch, first = (size_t)block * NOMOS_FFT_COLUMNS;

  if (fft->direct) {
    Columns(fft->columns_out, count, work, ny, mixed + first, 1);
    return;
  }
  Columns(fft->columns_out, count, work, ny, work, ny);
  if (fft->size > 1) memcpy(mixed + first * ny, work, sizeof(Complex) * ny * (size_t)count);
  else
    for (size_t y = 0; y < ny; y++)
      for (size_t i = 0; i < (size_t)count; i++) {
        mixed[y * pitch + first + i][0] = work[i * ny + y][0];
        mixed[y * pitch + first + i][1] = work[i * ny + y][1];
      }
}

void NAME(NomosFftColumnsIn)(const NAME(NomosFft) *fft, int block, Complex *mixed, Complex *work)
{
  const int    count = NAME(NomosFftColumnCount)(fft, block);
  const size_t ny = (size_t)fft->ny, pitch = (size_t)fft->pitch, first = (size_t)block * NOMOS_FFT_COLUMNS;

  if (fft->direct) {
    Columns(fft->columns_in, count, mixed + first, 1, work, ny);
    return;
  }
  if (fft->size > 1) memcpy(work, mixed + first * ny, sizeof(Complex) * ny * (size_t)count);
  else
    for (size_t y = 0; y < ny; y++)
      for (size_t i = 0; i < (size_t)count; i++) {
        work[i * ny + y][0] = mixed[y * pitch + first + i][0];
        work[i * ny + y][1] = mixed[y * pitch + first + i][1];
      }
  Columns(fft->columns_in, count, work, ny, work, ny);
}

PetscErrorCode NAME(NomosFftTransposeOut)(NAME(NomosFft) *fft, Complex *mixed)
{
  PetscFunctionBeginUser;
  if (fft->size > 1) FFTW(mpi_execute_r2r)(fft->transpose_out, (Real *)mixed, (Real *)mixed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(NomosFftTransposeIn)(NAME(NomosFft) *fft, Complex *mixed)
{
  PetscFunctionBeginUser;
  if (fft->size > 1) FFTW(mpi_execute_r2r)(fft->transpose_in, (Real *)mixed, (Real *)mixed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void NAME(NomosFftRowsOut)(const NAME(NomosFft) *fft, int block, Complex *mixed, Complex *scratch, Real *rows)
{
  const int    count = NAME(NomosFftRowCount)(fft, block);
  const size_t n_k = (size_t)fft->n_k, n_half = (size_t)fft->nx / 2 + 1;
  const size_t pitch = fft->size > 1 ? (size_t)fft->nx / 2 + 4 : (size_t)fft->pitch;
  Complex     *first = mixed + (size_t)block * NOMOS_FFT_ROWS * (size_t)fft->pitch;

  if (fft->size > 1) {
    for (int i = 0; i < count; i++) memcpy(scratch + (size_t)i * pitch, first + (size_t)i * n_k, sizeof(Complex) * n_k);
    first = scratch;
  }
  for (int i = 0; i < count; i++) memset(first + (size_t)i * pitch + n_k, 0, sizeof(Complex) * (n_half - n_k));
  if (count == NOMOS_FFT_ROWS) FFTW(execute_dft_c2r)(fft->rows_out[0], first, rows);
  else
    for (int i = 0; i < count; i++) FFTW(execute_dft_c2r)(fft->rows_out[1], first + (size_t)i * pitch, rows + (size_t)i * (size_t)fft->nx);
}

void NAME(NomosFftRowsIn)(const NAME(NomosFft) *fft, int block, Real *rows, Complex *scratch, Complex *mixed)
{
  const int    count = NAME(NomosFftRowCount)(fft, block);
  const size_t n_k   = (size_t)fft->n_k;
  const size_t pitch = fft->size > 1 ? (size_t)fft->nx / 2 + 4 : (size_t)fft->pitch;
  Complex     *home = mixed + (size_t)block * NOMOS_FFT_ROWS * (size_t)fft->pitch, *first = fft->size > 1 ? scratch : home;

  if (count == NOMOS_FFT_ROWS) FFTW(execute_dft_r2c)(fft->rows_in[0], rows, first);
  else
    for (int i = 0; i < count; i++) FFTW(execute_dft_r2c)(fft->rows_in[1], rows + (size_t)i * (size_t)fft->nx, first + (size_t)i * pitch);
  if (fft->size > 1)
    for (int i = 0; i < count; i++) memcpy(home + (size_t)i * n_k, scratch + (size_t)i * pitch, sizeof(Complex) * n_k);
}

/* Where the retained l of a packed row stand among the ny of a column. */
static void Spread(const NAME(NomosFft) *fft, const Complex *packed, Complex *column)
{
  const size_t upper = (size_t)fft->l_max + 1, lower = (size_t)-fft->l_min, ny = (size_t)fft->ny;

  memcpy(column, packed, sizeof(Complex) * upper);
  memset(column + upper, 0, sizeof(Complex) * (ny - upper - lower));
  memcpy(column + ny - lower, packed + upper, sizeof(Complex) * lower);
}

PetscErrorCode NAME(NomosFftInverse)(NAME(NomosFft) *fft, const Complex *modes, Real *grid)
{
  const size_t ny = (size_t)fft->ny, n_l = (size_t)fft->n_l, nx = (size_t)fft->nx;
  Complex     *mixed;

  PetscFunctionBeginUser;
  mixed = FFTW(alloc_complex)(fft->mixed_size);
#pragma omp parallel
  {
    Complex *work = FFTW(alloc_complex)(NOMOS_FFT_COLUMNS * ny);
#pragma omp for schedule(static)
    for (int b = 0; b < fft->n_column_blocks; b++) {
      for (int i = 0; i < NAME(NomosFftColumnCount)(fft, b); i++) Spread(fft, modes + ((size_t)b * NOMOS_FFT_COLUMNS + (size_t)i) * n_l, work + (size_t)i * ny);
      NAME(NomosFftColumnsOut)(fft, b, work, mixed);
    }
    FFTW(free)(work);
  }
  PetscCall(NAME(NomosFftTransposeOut)(fft, mixed));
#pragma omp parallel
  {
    Complex *scratch = FFTW(alloc_complex)(NOMOS_FFT_ROWS * (nx / 2 + 4));
    Real    *rows    = FFTW(alloc_real)(NOMOS_FFT_ROWS * nx);
#pragma omp for schedule(static)
    for (int b = 0; b < fft->n_row_blocks; b++) {
      NAME(NomosFftRowsOut)(fft, b, mixed, scratch, rows);
      memcpy(grid + (size_t)b * NOMOS_FFT_ROWS * nx, rows, sizeof(Real) * (size_t)NAME(NomosFftRowCount)(fft, b) * nx);
    }
    FFTW(free)(scratch);
    FFTW(free)(rows);
  }
  FFTW(free)(mixed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(NomosFftForward)(NAME(NomosFft) *fft, const Real *grid, Complex *modes)
{
  const size_t ny = (size_t)fft->ny, n_l = (size_t)fft->n_l, nx = (size_t)fft->nx, upper = (size_t)fft->l_max + 1;
  const Real   scale = (Real)(1.0 / ((double)fft->nx * (double)fft->ny));
  Complex     *mixed;

  PetscFunctionBeginUser;
  mixed = FFTW(alloc_complex)(fft->mixed_size);
#pragma omp parallel
  {
    Complex *scratch = FFTW(alloc_complex)(NOMOS_FFT_ROWS * (nx / 2 + 4));
    Real    *rows    = FFTW(alloc_real)(NOMOS_FFT_ROWS * nx);
#pragma omp for schedule(static)
    for (int b = 0; b < fft->n_row_blocks; b++) {
      memcpy(rows, grid + (size_t)b * NOMOS_FFT_ROWS * nx, sizeof(Real) * (size_t)NAME(NomosFftRowCount)(fft, b) * nx);
      NAME(NomosFftRowsIn)(fft, b, rows, scratch, mixed);
    }
    FFTW(free)(scratch);
    FFTW(free)(rows);
  }
  PetscCall(NAME(NomosFftTransposeIn)(fft, mixed));
#pragma omp parallel
  {
    Complex *work = FFTW(alloc_complex)(NOMOS_FFT_COLUMNS * ny);
#pragma omp for schedule(static)
    for (int b = 0; b < fft->n_column_blocks; b++) {
      NAME(NomosFftColumnsIn)(fft, b, mixed, work);
      for (int i = 0; i < NAME(NomosFftColumnCount)(fft, b); i++) {
        Complex *row = modes + ((size_t)b * NOMOS_FFT_COLUMNS + (size_t)i) * n_l;
        for (size_t j = 0; j < n_l; j++) {
          const Complex *from = &work[(size_t)i * ny + (j < upper ? j : ny - n_l + j)];
          row[j][0]           = scale * (*from)[0];
          row[j][1]           = scale * (*from)[1];
        }
      }
    }
    FFTW(free)(work);
  }
  FFTW(free)(mixed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* to := factor w from, or factor/w from */
static void Weigh(const NAME(NomosFft) *fft, double factor, bool divide, const Complex *from, Complex *to)
{
  for (size_t i = 0; i < (size_t)fft->n_k_local; i++) {
    const int  w = NAME(NomosFftRowWeight)(fft, i);
    const Real f = (Real)(divide ? factor / w : factor * w);
    for (size_t j = i * (size_t)fft->n_l; j < (i + 1) * (size_t)fft->n_l; j++)
      for (int c = 0; c < 2; c++) to[j][c] = f * from[j][c];
  }
}

PetscErrorCode NAME(NomosFftInverseAdjoint)(NAME(NomosFft) *fft, const Real *grid, Complex *modes)
{
  PetscFunctionBeginUser;
  PetscCall(NAME(NomosFftForward)(fft, grid, modes));
  Weigh(fft, (double)fft->nx * fft->ny, false, modes, modes);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NAME(NomosFftForwardAdjoint)(NAME(NomosFft) *fft, const Complex *modes, Real *grid)
{
  Complex *weighed;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((size_t)fft->n_k_local * (size_t)fft->n_l + 1, &weighed));
  Weigh(fft, 1 / ((double)fft->nx * fft->ny), true, modes, weighed);
  PetscCall(NAME(NomosFftInverse)(fft, weighed, grid));
  PetscCall(PetscFree(weighed));
  PetscFunctionReturn(PETSC_SUCCESS);
}
