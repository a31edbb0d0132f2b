/* How fast the QG solver is, as ratios to what is measured in the same run:

     rhs/ffts      one right-hand side (two layers, Basdevant) over the transforms it needs, the same plans executed alone, in the same order on the same buffers
     step/floor    one AB3 step with exponential filter over 10 of FFTW's own two-dimensional transforms, the floor of a plain code.
                   pyqg 0.7 was measured at 4.5, 4.0, 4.0 and 3.9 times that floor at 64, 128, 256 and 512 (one thread, float64, EPYC Zen 4, FFTW 3.3.10), so
     x pyqg        is its multiple of the floor over ours
     B/point, held bytes of memory per point of the nx x ny grid: as `nomos run --dry-run` counts them, and as allocated (with the threads' buffers)

   usage: bench_qg [n ...]   OMP_NUM_THREADS sets the threads. Medians of pairs; times are of the processor with one thread, else of the wall. */
#include "solvers/qg/qg_core.h"
#include "timing.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 15 };

/* Bytes the program holds. */
static double Allocated(void)
{
  const struct mallinfo2 info = mallinfo2();
  return (double)(info.uordblks + info.hblkhd);
}

/* The tendency is used where it arises, as a time step does: here it is added up, so that nothing is optimised away. */
static void Use(NAME(QGCore) *core, size_t offset, Complex *const t[], void *ctx)
{
  (void)offset;
  ((Real *)ctx)[16 * omp_get_thread_num()] += t[0][core->n_l - 1][0] + t[core->n_layers - 1][0][1];
}

static void TransformsAlone(NAME(QGCore) *core)
{
  const NAME(NomosFft) *fft  = core->fft;
  const size_t          rows = (size_t)NOMOS_FFT_ROWS * (size_t)fft->nx, columns = (size_t)NOMOS_FFT_COLUMNS * (size_t)fft->ny;
#pragma omp parallel num_threads(core->n_threads)
  {
    NAME(QGThread) *thread = &core->threads[omp_get_thread_num()];
#pragma omp for schedule(static)
    for (int b = 0; b < fft->n_row_blocks; b++) {
      for (int i = 0; i < core->n_in; i++) NAME(NomosFftRowsOut)(fft, b, core->mixed[i], thread->scratch, thread->grid + (size_t)i * rows);
      for (int i = 0; i < core->n_out; i++) NAME(NomosFftRowsIn)(fft, b, thread->grid + (size_t)(core->n_in + i % 2) * rows, thread->scratch, core->mixed[i]);
    }
#pragma omp for schedule(static)
    for (int b = 0; b < fft->n_column_blocks; b++) {
      for (int i = 0; i < core->n_out; i++) NAME(NomosFftColumnsIn)(fft, b, core->mixed[i], thread->work + (size_t)i * columns);
      for (int i = 0; i < core->n_in; i++) NAME(NomosFftColumnsOut)(fft, b, thread->work + (size_t)i * columns, core->mixed[i]);
    }
  }
}

static PetscErrorCode Bench(int n, NomosQGDealias dealias)
{
  static const double pyqg_floor[][2] = {{64, 4.5}, {128, 4.0}, {256, 4.0}, {512, 3.9}};
  NomosQGSetup        setup = {.nx = n, .ny = n, .lx = 1e6, .ly = 1e6, .nonlinearity = 1, .beta = 1.5e-11, .u = {0.025}, .drag = 5.787e-7, .filter = dealias == NOMOS_QG_DEALIAS_NONE, .filter_strength = 23.6, .filter_cutoff = 0.65 * PETSC_PI, .dealias = dealias, .scheme = NOMOS_QG_AB3};
  NAME(QGCore)       *core;
  Real                sink[16 * 64] = {0};
  double              rhs[PAIRS], transforms[PAIRS], step[PAIRS], floor_[PAIRS], rhs_ratio[PAIRS], floor_ratio[PAIRS];
  const int           threads = omp_get_max_threads(), repeat = (int)PetscMax(1, 2e6 / ((double)n * n));

  PetscFunctionBeginUser;
  PetscCall(NomosQGStratifyTwoLayers(&setup, 15e3, 0.25));
  NomosQGMeanGradients(&setup);
  const double before = Allocated();
  PetscCall(NAME(QGCoreCreate)(PETSC_COMM_WORLD, &setup, &core));
  const double allocated = Allocated() - before;
  for (size_t i = 0; i < 2 * core->n_modes; i++) {
    core->q[i][0] = (Real)(1e-7 * cos((double)i * 1.3) / (1 + (double)(i % 1000)));
    core->q[i][1] = (Real)(1e-7 * sin((double)i * 1.7) / (1 + (double)(i % 1000)));
  }
  core->dt = 10;

  Complex   *modes = FFTW(alloc_complex)((size_t)n * (size_t)(n / 2 + 1));
  Real      *grid  = FFTW(alloc_real)((size_t)n * (size_t)n);
  FFTW(plan) out   = FFTW(plan_dft_c2r_2d)(n, n, modes, grid, FFTW_MEASURE), in = FFTW(plan_dft_r2c_2d)(n, n, grid, modes, FFTW_MEASURE);
  memset(modes, 0, sizeof(Complex) * (size_t)n * (size_t)(n / 2 + 1));
  memset(grid, 0, sizeof(Real) * (size_t)n * (size_t)n);
  for (int i = 0; i < 3; i++) PetscCall(NAME(QGStep)(core));

  for (int p = 0; p < PAIRS; p++) {
    double t0 = Now();
    for (int i = 0; i < repeat; i++) PetscCall(NAME(QGTendency)(core, core->q, NOMOS_QG_ALL_TERMS, core->q, Use, sink));
    double t1 = Now();
    for (int i = 0; i < repeat; i++) TransformsAlone(core);
    double t2 = Now();
    for (int i = 0; i < repeat; i++) PetscCall(NAME(QGStep)(core));
    double t3 = Now();
    for (int i = 0; i < repeat && threads == 1; i++)
      for (int j = 0; j < 5; j++) {
        FFTW(execute)(out);
        FFTW(execute)(in);
      }
    double t4 = Now();
    rhs[p]         = (t1 - t0) / repeat;
    transforms[p]  = (t2 - t1) / repeat;
    step[p]        = (t3 - t2) / repeat;
    floor_[p]      = (t4 - t3) / repeat;
    rhs_ratio[p]   = rhs[p] / transforms[p];
    floor_ratio[p] = step[p] / floor_[p];
  }
  double pyqg = 0;
  for (size_t i = 0; i < sizeof pyqg_floor / sizeof *pyqg_floor; i++)
    if (pyqg_floor[i][0] == n) pyqg = pyqg_floor[i][1];
  const double bytes = (double)NAME(nomos_qg_state).bytes(&setup, 1), ratio = Median(floor_ratio);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%5d  %-4s %-7s %d  %9.3f %9.3f  %6.2f  %9.3f  %7.2f", n, dealias ? "2/3" : "none", NOMOS_REAL == NOMOS_F32 ? "float32" : "float64", threads, 1e3 * Median(rhs), 1e3 * Median(transforms), Median(rhs_ratio),
                        1e3 * Median(step), 1e9 * Median(step) / n / n));
  if (threads == 1) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %6.2f", ratio));
  else PetscCall(PetscPrintf(PETSC_COMM_WORLD, "       -"));
  if (threads == 1 && pyqg > 0 && !dealias && NOMOS_REAL == NOMOS_F64) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %6.2f", pyqg / ratio));
  else PetscCall(PetscPrintf(PETSC_COMM_WORLD, "       -"));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  %7.1f %7.1f\n", bytes / n / n, allocated / n / n));
  FFTW(destroy_plan)(out);
  FFTW(destroy_plan)(in);
  FFTW(free)(modes);
  FFTW(free)(grid);
  PetscCall(NAME(QGCoreDestroy)(&core));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const int usual[] = {64, 128, 256, 512, 1024};

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(NomosErrorHandlerPush(false));
  PetscCall(NomosFftSetEffort(PETSC_COMM_WORLD, NOMOS_PLAN_MEASURE));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "    n  alias real    threads  rhs ms   ffts ms  ratio    step ms  ns/point  /floor  x pyqg  B/point  held\n"));
  for (int i = 0; i < (argc > 1 ? argc - 1 : 5); i++)
    for (int dealias = 0; dealias < 2; dealias++) PetscCall(Bench(argc > 1 ? atoi(argv[i + 1]) : usual[i], (NomosQGDealias)dealias));
  PetscCall(NomosErrorHandlerPop());
  PetscCall(PetscFinalize());
  return 0;
}
