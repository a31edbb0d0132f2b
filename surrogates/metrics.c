#include "surrogates/metrics.h"

#include "operators/fft_plan.h"

#include <fftw3.h>
#include <math.h>

const char *const nomos_metric_names[NOMOS_N_METRICS + 1] = {"rmse", "nrmse", "crmse", "max", "brmse", "frmse_low", "frmse_middle", "frmse_high", NULL};

/* Sums over examples, of one frame and channel. */
enum { SUM_RMSE, SUM_NRMSE, SUM_CONSERVED, SUM_BOUNDARY, N_SUMS };

struct NomosMetrics_s {
  NomosMetricsShape shape;
  size_t            n_series, n_points, n_k; /* frames by channels; wavenumbers or shells */
  double            n_examples;
  double           *sums, *largest, *power; /* (n_series, N_SUMS), (n_series), (n_series, n_k) */
  double           *error;                  /* (ny, nx) of the transform */
  double (*modes)[2];                       /* (ny, nx/2 + 1) */
  fftw_plan         plan;
};

PetscErrorCode NomosMetricsCreate(const NomosMetricsShape *shape, NomosMetrics *metrics)
{
  NomosMetrics m;

  PetscFunctionBeginUser;
  NomosCheck(shape->n_frames && shape->n_channels && shape->nx && shape->ny, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "metrics of %zu frames of %zu channels on %zu x %zu points: none of these may be 0", shape->n_frames, shape->n_channels, shape->ny, shape->nx);
  NomosCheck(shape->n_dims == 2 || (shape->n_dims == 1 && shape->ny == 1), PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "metrics are of 1 or 2 dimensions of space (with ny = 1 for 1), not of %d with ny = %zu", shape->n_dims, shape->ny);
  PetscCall(PetscNew(metrics));
  m           = *metrics;
  m->shape    = *shape;
  m->n_series = shape->n_frames * shape->n_channels;
  m->n_points = shape->ny * shape->nx;
  m->n_k      = shape->n_dims == 1 ? shape->nx / 2 + 1 : PetscMin(shape->nx, shape->ny) / 2;
  if (!(m->shape.lx > 0)) m->shape.lx = 1;
  if (!(m->shape.ly > 0) || shape->n_dims == 1) m->shape.ly = 1;
  PetscCall(PetscCalloc3(m->n_series * N_SUMS, &m->sums, m->n_series, &m->largest, m->n_series * m->n_k, &m->power));
  NomosFftBegin();
  m->error = fftw_alloc_real(m->n_points);
  m->modes = fftw_malloc(shape->ny * (shape->nx / 2 + 1) * sizeof *m->modes);
  PetscCheck(m->error && m->modes, PETSC_COMM_SELF, PETSC_ERR_MEM, "metrics: out of memory");
  m->plan = shape->n_dims == 1 ? fftw_plan_dft_r2c_1d((int)shape->nx, m->error, (fftw_complex *)m->modes, FFTW_ESTIMATE) : fftw_plan_dft_r2c_2d((int)shape->ny, (int)shape->nx, m->error, (fftw_complex *)m->modes, FFTW_ESTIMATE);
  PetscCheck(m->plan, PETSC_COMM_SELF, PETSC_ERR_LIB, "metrics: FFTW has no plan for this shape");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosMetricsDestroy(NomosMetrics *metrics)
{
  PetscFunctionBeginUser;
  if (!*metrics) PetscFunctionReturn(PETSC_SUCCESS);
  fftw_destroy_plan((*metrics)->plan);
  fftw_free((*metrics)->error);
  fftw_free((*metrics)->modes);
  PetscCall(PetscFree3((*metrics)->sums, (*metrics)->largest, (*metrics)->power));
  PetscCall(PetscFree(*metrics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sqrt of the mean over the points of the boundary: two ends, or four edges. */
static double Boundary(const NomosMetrics m)
{
  const size_t  nx = m->shape.nx, ny = m->shape.ny;
  const double *e   = m->error;
  double        sum = 0;

  if (m->shape.n_dims == 1) return sqrt((e[0] * e[0] + e[nx - 1] * e[nx - 1]) / 2);
  for (size_t i = 0; i < nx; i++) sum += e[i] * e[i] + e[(ny - 1) * nx + i] * e[(ny - 1) * nx + i];
  for (size_t j = 0; j < ny; j++) sum += e[j * nx] * e[j * nx] + e[j * nx + nx - 1] * e[j * nx + nx - 1];
  return sqrt(sum / (double)(2 * nx + 2 * ny));
}

/* power[k] += |e^_k|^2, or the sum over a shell. The transform spoils m->error: last. */
static void AddPower(NomosMetrics m, double power[])
{
  const size_t nx = m->shape.nx, ny = m->shape.ny, row = nx / 2 + 1;

  fftw_execute(m->plan);
  if (m->shape.n_dims == 1) {
    for (size_t k = 0; k < m->n_k; k++) power[k] += m->modes[k][0] * m->modes[k][0] + m->modes[k][1] * m->modes[k][1];
    return;
  }
  for (size_t j = 0; j < ny / 2; j++) {
    for (size_t i = 0; i < nx / 2; i++) {
      const size_t  k    = (size_t)sqrt((double)(i * i + j * j));
      const double *mode = m->modes[j * row + i];
      if (k < m->n_k) power[k] += mode[0] * mode[0] + mode[1] * mode[1];
    }
  }
}

PetscErrorCode NomosMetricsAdd(NomosMetrics m, const double prediction[], const double truth[])
{
  const double n = (double)m->n_points;

  PetscFunctionBeginUser;
  for (size_t s = 0; s < m->n_series; s++) {
    const double *p = prediction + s * m->n_points, *u = truth + s * m->n_points;
    double       *sums = m->sums + s * N_SUMS, squares = 0, norm = 0, total = 0;
    for (size_t i = 0; i < m->n_points; i++) {
      const double e = p[i] - u[i];
      m->error[i]    = e;
      squares += e * e;
      norm += u[i] * u[i];
      total += e;
      if (fabs(e) > m->largest[s] || isnan(e)) m->largest[s] = fabs(e); /* NaN stays: nothing is larger */
    }
    sums[SUM_RMSE] += sqrt(squares / n);
    sums[SUM_NRMSE] += sqrt(squares / n) / sqrt(norm / n);
    sums[SUM_CONSERVED] += total * total;
    sums[SUM_BOUNDARY] += Boundary(m);
    AddPower(m, m->power + s * m->n_k);
  }
  m->n_examples += 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Mean over the wavenumbers low <= k < high and all series. */
static double Band(const NomosMetrics m, const double power[], double n_examples, size_t low, size_t high)
{
  double sum = 0;

  high = PetscMin(high, m->n_k);
  if (low >= high) return NAN;
  for (size_t s = 0; s < m->n_series; s++)
    for (size_t k = low; k < high; k++) sum += sqrt(power[s * m->n_k + k] / n_examples);
  return sum / (double)(m->n_series * (high - low)) * m->shape.lx * m->shape.ly / (double)m->n_points;
}

PetscErrorCode NomosMetricsGet(NomosMetrics m, MPI_Comm comm, double values[])
{
  double n, *sums, *largest, *power;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(&m->n_examples, &n, 1, MPI_DOUBLE, MPI_SUM, comm));
  PetscCheck(n > 0, comm, PETSC_ERR_ARG_WRONGSTATE, "metrics of no example: the split is empty");
  PetscCall(PetscMalloc3(m->n_series * N_SUMS, &sums, 2 * m->n_series, &largest, m->n_series * m->n_k, &power));
  PetscCallMPI(MPI_Allreduce(m->sums, sums, (int)(m->n_series * N_SUMS), MPI_DOUBLE, MPI_SUM, comm));
  for (size_t s = 0; s < m->n_series; s++) { /* MPI's maximum of a number and NaN may be the number */
    largest[s]               = m->largest[s];
    largest[m->n_series + s] = isnan(m->largest[s]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, largest, (int)(2 * m->n_series), MPI_DOUBLE, MPI_MAX, comm));
  PetscCallMPI(MPI_Allreduce(m->power, power, (int)(m->n_series * m->n_k), MPI_DOUBLE, MPI_SUM, comm));
  for (int i = 0; i < NOMOS_N_METRICS; i++) values[i] = 0;
  for (size_t s = 0; s < m->n_series; s++) {
    values[NOMOS_METRIC_RMSE] += sums[s * N_SUMS + SUM_RMSE] / n;
    values[NOMOS_METRIC_NRMSE] += sums[s * N_SUMS + SUM_NRMSE] / n;
    values[NOMOS_METRIC_CRMSE] += sqrt(sums[s * N_SUMS + SUM_CONSERVED] / n) / (double)m->n_points;
    values[NOMOS_METRIC_MAX] += largest[m->n_series + s] > 0 ? NAN : largest[s];
    values[NOMOS_METRIC_BRMSE] += sums[s * N_SUMS + SUM_BOUNDARY] / n;
  }
  for (int i = 0; i <= NOMOS_METRIC_BRMSE; i++) values[i] /= (double)m->n_series;
  values[NOMOS_METRIC_FRMSE_LOW]    = Band(m, power, n, 0, 4);
  values[NOMOS_METRIC_FRMSE_MIDDLE] = Band(m, power, n, 4, 12);
  values[NOMOS_METRIC_FRMSE_HIGH]   = Band(m, power, n, 12, SIZE_MAX);
  PetscCall(PetscFree3(sums, largest, power));
  PetscFunctionReturn(PETSC_SUCCESS);
}
