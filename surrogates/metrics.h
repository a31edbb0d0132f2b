/* The metrics of PDEBench (Takamoto et al. 2022, doi:10.48550/arXiv.2210.07182), exact over a whole split, of which examples come a few at a time.

   e = prediction - u, over examples b, frames t, channels c and N points x of a box of size L (in two dimensions N = nx ny, L = lx ly):

     rmse    mean_{c,t} mean_b sqrt(mean_x e^2)
     nrmse   mean_{c,t} mean_b sqrt(mean_x e^2)/sqrt(mean_x u^2)         per example, channel and frame
     crmse   mean_{c,t} sqrt(mean_b (sum_x e)^2)/N                       what is not conserved
     max     mean_{c,t} max_{b,x} |e|
     brmse   mean_{c,t} mean_b sqrt(mean over the boundary points e^2)   the corners of a rectangle count twice
     frmse   mean_{c,t} mean over a band of k of sqrt(mean_b E_k) L/N    bands k < 4, 4 <= k < 12, k >= 12
             1-D: E_k = |e^_k|^2; 2-D: the sum of |e^_{ij}|^2 over 0 <= i < nx/2, 0 <= j < ny/2 with floor(sqrt(i^2 + j^2)) = k, for k < min(nx, ny)/2

   Give predicted frames only: PDEBench's own figures up to October 2024 count the given initial frames too, as frames without error. */
#ifndef NOMOS_SURROGATES_METRICS_H
#define NOMOS_SURROGATES_METRICS_H

#include "io/base.h"

typedef struct NomosMetrics_s *NomosMetrics;

typedef struct {
  size_t n_frames, n_channels;
  int    n_dims;   /* of space: 1 or 2 */
  size_t ny, nx;   /* points; ny is 1 in one dimension */
  double ly, lx;   /* the box; 0 stands for 1, PDEBench's default */
} NomosMetricsShape;

enum { NOMOS_METRIC_RMSE, NOMOS_METRIC_NRMSE, NOMOS_METRIC_CRMSE, NOMOS_METRIC_MAX, NOMOS_METRIC_BRMSE, NOMOS_METRIC_FRMSE_LOW, NOMOS_METRIC_FRMSE_MIDDLE, NOMOS_METRIC_FRMSE_HIGH, NOMOS_N_METRICS };
extern const char *const nomos_metric_names[NOMOS_N_METRICS + 1]; /* "rmse", ..., "frmse_high", NULL */

/* Errors: a shape without points, frames or channels. Not collective. */
PetscErrorCode NomosMetricsCreate(const NomosMetricsShape *shape, NomosMetrics *metrics);
/* One example: prediction and truth (n_frames, n_channels, ny, nx), row-major. Not collective. */
PetscErrorCode NomosMetricsAdd(NomosMetrics metrics, const double prediction[], const double truth[]);
/* Over all examples of all ranks; values (NOMOS_N_METRICS). A band without a wavenumber is NaN, and so is the nrmse where u is zero everywhere. Errors: no example. Collective over comm. */
PetscErrorCode NomosMetricsGet(NomosMetrics metrics, MPI_Comm comm, double values[]);
PetscErrorCode NomosMetricsDestroy(NomosMetrics *metrics);

#endif
