/* Attention in tiles of rows: the weights of TILE queries exist at a time, and are computed again for the gradient from the logarithms of their sums
   (Dao et al. 2022, doi:10.48550/arXiv.2205.14135). The gradients by k and v are sums over chunks of queries, added in order. */
#include "operators/primitives/attention_impl.h"
#include "operators/primitives/function_impl.h"
#include "operators/primitives/vector.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#ifdef NOMOS_SINGLE
  #define GEMM cblas_sgemm
#else
  #define GEMM cblas_dgemm
#endif

enum { TILE = 64, CHUNK = 512, PARALLEL = 1 << 16 };

/* c = alpha a b or alpha a b^T (+ c); c = alpha a^T b + c */
static void Rows(size_t m, size_t n, size_t k, Real alpha, const Real *a, const Real *b, bool transposed, Real *c)
{
  GEMM(CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, alpha, a, (int)k, b, (int)(transposed ? k : n), 0, c, (int)n);
}
static void AddColumns(size_t m, size_t n, size_t k, Real alpha, const Real *a, const Real *b, Real *c)
{
  GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, alpha, a, (int)m, b, (int)n, 1, c, (int)n);
}

static Real Largest(size_t n, const Real *x)
{
  Real   lane[VECTOR], most = x[0];
  size_t i = 0;

  for (size_t l = 0; l < VECTOR; l++) lane[l] = most;
  for (; i + VECTOR <= n; i += VECTOR)
    for (size_t l = 0; l < VECTOR; l++) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (; i < n; i++) most = x[i] > most ? x[i] : most;
  for (size_t l = 0; l < VECTOR; l++) most = lane[l] > most ? lane[l] : most;
  return most;
}
/* sum x, or sum x y */
static Real Sum(size_t n, const Real *x, const Real *y)
{
  Real   lane[VECTOR] = {0}, sum = 0;
  size_t i = 0;

  if (y)
    for (; i + VECTOR <= n; i += VECTOR)
      for (size_t l = 0; l < VECTOR; l++) lane[l] += x[i + l] * y[i + l];
  else
    for (; i + VECTOR <= n; i += VECTOR)
      for (size_t l = 0; l < VECTOR; l++) lane[l] += x[i + l];
  for (; i < n; i++) sum += y ? x[i] * y[i] : x[i];
  for (size_t l = 0; l < VECTOR; l++) sum += lane[l];
  return sum;
}

static size_t Chunks(const NomosAttentionJob *job)
{
  return Blocks(job->n_q, CHUNK);
}
static size_t TileSize(const NomosAttentionJob *job)
{
  return Blocks(TILE * job->n_k, VECTOR) * VECTOR;
}
size_t NAME(NomosAttentionScratch)(const NomosAttentionJob *job, bool backward, size_t threads)
{
  return backward ? 2 * threads * TileSize(job) + job->batch * (Chunks(job) - 1) * job->n_k * (job->d + job->d_v) : threads * TileSize(job);
}

void NAME(NomosAttentionForward)(const NomosAttentionJob *job)
{
  const size_t n_k = job->n_k, d = job->d, d_v = job->d_v, tiles = Blocks(job->n_q, TILE);
  const Real   scale = (Real)(1 / sqrt((double)d));
  NomosFunctionPlan exponential;

  NomosFunctionPrepare(NOMOS_EXP, 0, &exponential);
#pragma omp parallel for schedule(static) if (job->batch * job->n_q * n_k >= PARALLEL)
  for (size_t task = 0; task < job->batch * tiles; task++) {
    const size_t batch = task / tiles, first = task % tiles * TILE, count = Smaller(TILE, job->n_q - first);
    const Real  *q = (const Real *)job->q + (batch * job->n_q + first) * d, *k = (const Real *)job->k + batch * n_k * d, *v = (const Real *)job->v + batch * n_k * d_v;
    Real        *weights = (Real *)job->scratch + TileSize(job) * (size_t)omp_get_thread_num(), *out = (Real *)job->out + (batch * job->n_q + first) * d_v, *log_sum = (Real *)job->log_sum + batch * job->n_q + first, inverse[TILE];

    Rows(count, n_k, d, scale, q, k, true, weights);
    for (size_t i = 0; i < count; i++) {
      Real *row     = weights + i * n_k;
      log_sum[i]    = Largest(n_k, row);
      for (size_t j = 0; j < n_k; j++) row[j] -= log_sum[i];
    }
    NAME(NomosFunctionRun)(&exponential, count * n_k, weights, weights);
    for (size_t i = 0; i < count; i++) {
      const Real sum = Sum(n_k, weights + i * n_k, NULL);
      inverse[i]     = 1 / sum;
      log_sum[i] += (Real)log(sum);
    }
    Rows(count, d_v, n_k, 1, weights, v, false, out);
    for (size_t i = 0; i < count; i++)
      for (size_t j = 0; j < d_v; j++) out[i * d_v + j] *= inverse[i];
  }
}

/* With weights p and g = out_bar v^T:  s_bar = p (g - sum_j p g), sum_j p g = out_bar . out;  q_bar = s_bar k/sqrt(d), k_bar = s_bar^T q/sqrt(d), v_bar = p^T out_bar. */
void NAME(NomosAttentionBackward)(const NomosAttentionJob *job)
{
  const size_t n_k = job->n_k, d = job->d, d_v = job->d_v, chunks = Chunks(job);
  const Real   scale = (Real)(1 / sqrt((double)d));
  Real        *more  = (Real *)job->scratch + 2 * TileSize(job) * (size_t)omp_get_max_threads(); /* of the chunks after the first: k_bar, v_bar */
  NomosFunctionPlan exponential;

  NomosFunctionPrepare(NOMOS_EXP, 0, &exponential);
#pragma omp parallel for schedule(static) if (job->batch * job->n_q * n_k >= PARALLEL)
  for (size_t task = 0; task < job->batch * chunks; task++) {
    const size_t batch = task / chunks, chunk = task % chunks, end = Smaller(job->n_q, (chunk + 1) * CHUNK);
    const Real  *k = (const Real *)job->k + batch * n_k * d, *v = (const Real *)job->v + batch * n_k * d_v;
    Real        *part  = more + (batch * (chunks - 1) + (chunk ? chunk - 1 : 0)) * n_k * (d + d_v);
    Real        *k_bar = chunk ? part : (Real *)job->k_bar + batch * n_k * d, *v_bar = chunk ? part + n_k * d : (Real *)job->v_bar + batch * n_k * d_v;
    Real        *weights = (Real *)job->scratch + 2 * TileSize(job) * (size_t)omp_get_thread_num(), *bars = weights + TileSize(job);

    memset(k_bar, 0, sizeof(Real) * n_k * d);
    memset(v_bar, 0, sizeof(Real) * n_k * d_v);
    for (size_t first = chunk * CHUNK; first < end; first += TILE) {
      const size_t count = Smaller(TILE, end - first), at = batch * job->n_q + first;
      const Real  *q = (const Real *)job->q + at * d, *out = (const Real *)job->out + at * d_v, *out_bar = (const Real *)job->out_bar + at * d_v, *log_sum = (const Real *)job->log_sum + at;

      Rows(count, n_k, d, scale, q, k, true, weights);
      for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < n_k; j++) weights[i * n_k + j] -= log_sum[i];
      NAME(NomosFunctionRun)(&exponential, count * n_k, weights, weights);
      AddColumns(n_k, d_v, count, 1, weights, out_bar, v_bar);
      Rows(count, n_k, d_v, 1, out_bar, v, true, bars);
      for (size_t i = 0; i < count; i++) {
        const Real mean = Sum(d_v, out + i * d_v, out_bar + i * d_v);
        for (size_t j = 0; j < n_k; j++) bars[i * n_k + j] = weights[i * n_k + j] * (bars[i * n_k + j] - mean);
      }
      Rows(count, d, n_k, scale, bars, k, false, (Real *)job->q_bar + at * d);
      AddColumns(n_k, d, count, scale, bars, q, k_bar);
    }
  }
  if (chunks == 1) return;
#pragma omp parallel for schedule(static)
  for (size_t batch = 0; batch < job->batch; batch++)
    for (size_t chunk = 0; chunk + 1 < chunks; chunk++) {
      const Real *part  = more + (batch * (chunks - 1) + chunk) * n_k * (d + d_v);
      Real       *k_bar = (Real *)job->k_bar + batch * n_k * d, *v_bar = (Real *)job->v_bar + batch * n_k * d_v;
      for (size_t i = 0; i < n_k * d; i++) k_bar[i] += part[i];
      for (size_t i = 0; i < n_k * d_v; i++) v_bar[i] += part[n_k * d + i];
    }
}
