/* lap phi = d on equal cells, by transforms of rows, a transposition, and transforms of columns: Fourier series along a period, cosines between walls (phi is even about them). The eigenvalues are those of second differences,
   (2 cos(theta) - 2)/dx^2. Rows are transformed one by one, with the same plan on all of them, so that any number of threads and ranks gives the same bits. */
#include "operators/fft_plan.h"
#include "solvers/incompressible/incompressible_impl.h"

#include <fftw3-mpi.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

struct FlowPoisson_s {
  size_t    size[2], n_rows[2];         /* x, y; rows along x, along y on this rank */
  double   *eigenvalues[2];             /* of rows along y: of their place along x; along y */
  fftw_plan forward[2], backward[2];    /* of a row along x, y */
  fftw_plan transpose[2];               /* from rows along x to rows along y, and back */
  double   *values, *buffers;           /* of all rows; one of every thread */
  size_t    longest;
  int       n_threads;
};

PetscErrorCode FlowPoissonRows(MPI_Comm comm, const size_t size[2], PetscInt **rows)
{
  ptrdiff_t count[2], start[2];
  int       ranks;
  PetscInt  mine;

  PetscFunctionBeginUser;
  NomosFftBegin();
  (void)fftw_mpi_local_size_2d_transposed((ptrdiff_t)size[1], (ptrdiff_t)size[0], comm, &count[0], &start[0], &count[1], &start[1]);
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  PetscCall(PetscMalloc1(ranks, rows));
  mine = (PetscInt)count[0];
  PetscCallMPI(MPI_Allgather(&mine, 1, MPIU_INT, *rows, 1, MPIU_INT, comm));
  for (int rank = 0; rank < ranks; rank++)
    NomosCheck((*rows)[rank] >= FLOW_GHOSTS, comm, PETSC_ERR_ARG_SIZ, "incompressible: %zu rows of cells on %d ranks leave %d for one: at least %d are needed; use fewer ranks", size[1], ranks, (int)(*rows)[rank], FLOW_GHOSTS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Eigenvalue(const FlowModel *f, int axis, size_t k)
{
  const size_t n = f->plane.size[axis], wave = f->wall[axis] ? k : PetscMin(k, n - k);
  return (2 * cos((f->wall[axis] ? 1 : 2) * PETSC_PI * (double)wave / (double)n) - 2) / (f->plane.dx[axis] * f->plane.dx[axis]);
}

PetscErrorCode FlowPoissonCreate(NomosModel model, FlowPoisson *poisson)
{
  const FlowModel *f = model->data;
  FlowPoisson      q;
  ptrdiff_t        count[2], start[2], n_values;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&q));
  *poisson = q;
  memcpy(q->size, f->plane.size, sizeof q->size);
  n_values     = fftw_mpi_local_size_2d_transposed((ptrdiff_t)q->size[1], (ptrdiff_t)q->size[0], model->comm, &count[0], &start[0], &count[1], &start[1]);
  q->n_rows[0] = (size_t)count[0];
  q->n_rows[1] = (size_t)count[1];
  q->longest   = (PetscMax(q->size[0], q->size[1]) + 7) / 8 * 8; /* buffers are aligned alike, as FFTW's plans want them */
  q->n_threads = omp_get_max_threads();
  q->values    = fftw_alloc_real((size_t)n_values);
  q->buffers   = fftw_alloc_real((size_t)q->n_threads * q->longest);
  PetscCheck(q->values && q->buffers, model->comm, PETSC_ERR_MEM, "incompressible: no memory for the transforms");
  for (int axis = 0; axis < 2; axis++) {
    const int          n     = (int)q->size[axis];
    const fftw_r2r_kind there = f->wall[axis] ? FFTW_REDFT10 : FFTW_R2HC, back = f->wall[axis] ? FFTW_REDFT01 : FFTW_HC2R;
    q->forward[axis]  = fftw_plan_r2r_1d(n, q->buffers, q->buffers, there, FFTW_ESTIMATE); /* the same for all ranks and runs */
    q->backward[axis] = fftw_plan_r2r_1d(n, q->buffers, q->buffers, back, FFTW_ESTIMATE);
  }
  q->transpose[0] = fftw_mpi_plan_transpose((ptrdiff_t)q->size[1], (ptrdiff_t)q->size[0], q->values, q->values, model->comm, FFTW_ESTIMATE);
  q->transpose[1] = fftw_mpi_plan_transpose((ptrdiff_t)q->size[0], (ptrdiff_t)q->size[1], q->values, q->values, model->comm, FFTW_ESTIMATE);
  PetscCall(PetscMalloc2(q->n_rows[1], &q->eigenvalues[0], q->size[1], &q->eigenvalues[1]));
  for (size_t k = 0; k < q->n_rows[1]; k++) q->eigenvalues[0][k] = Eigenvalue(f, 0, (size_t)start[1] + k);
  for (size_t l = 0; l < q->size[1]; l++) q->eigenvalues[1][l] = Eigenvalue(f, 1, l);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode FlowPoissonDestroy(FlowPoisson *poisson)
{
  FlowPoisson q = *poisson;

  PetscFunctionBeginUser;
  if (!q) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < 2; k++) {
    fftw_destroy_plan(q->forward[k]);
    fftw_destroy_plan(q->backward[k]);
    fftw_destroy_plan(q->transpose[k]);
  }
  fftw_free(q->values);
  fftw_free(q->buffers);
  PetscCall(PetscFree2(q->eigenvalues[0], q->eigenvalues[1]));
  PetscCall(PetscFree(*poisson));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every row along x by a plan. */
static void Rows(const FlowPoisson q, fftw_plan plan, const double in[], double out[])
{
  const size_t n = q->size[0];

#pragma omp parallel for schedule(static) num_threads(q->n_threads) if (q->n_rows[0] * q->size[0] > FLOW_ALONE)
  for (size_t row = 0; row < q->n_rows[0]; row++) {
    double *buffer = q->buffers + (size_t)omp_get_thread_num() * q->longest;
    memcpy(buffer, in + row * n, n * sizeof *in);
    fftw_execute_r2r(plan, buffer, buffer);
    memcpy(out + row * n, buffer, n * sizeof *in);
  }
}

/* Every row along y, there, over the eigenvalues, and back. */
static void Columns(const FlowPoisson q)
{
  const size_t n = q->size[1];

#pragma omp parallel for schedule(static) num_threads(q->n_threads) if (q->n_rows[0] * q->size[0] > FLOW_ALONE)
  for (size_t k = 0; k < q->n_rows[1]; k++) {
    double *buffer = q->buffers + (size_t)omp_get_thread_num() * q->longest;
    memcpy(buffer, q->values + k * n, n * sizeof *buffer);
    fftw_execute_r2r(q->forward[1], buffer, buffer);
    for (size_t l = 0; l < n; l++) {
      const double eigenvalue = q->eigenvalues[0][k] + q->eigenvalues[1][l];
      buffer[l]               = eigenvalue < 0 ? buffer[l] / eigenvalue : 0;
    }
    fftw_execute_r2r(q->backward[1], buffer, buffer);
    memcpy(q->values + k * n, buffer, n * sizeof *buffer);
  }
}

PetscErrorCode FlowPoissonSolve(FlowPoisson q, double d[])
{
  PetscFunctionBeginUser;
  Rows(q, q->forward[0], d, q->values);
  fftw_execute(q->transpose[0]);
  Columns(q);
  fftw_execute(q->transpose[1]);
  Rows(q, q->backward[0], q->values, d);
  PetscFunctionReturn(PETSC_SUCCESS);
}
