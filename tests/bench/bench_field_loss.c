/* The fused loss of a Hamiltonian's field beside OpenBLAS's time for its matrix products alone, on one thread:

     meta gradient of 10 tasks of 50 + 50 points, 4-64-64-64-1, mish, log-cosh; k inner steps cost 6 + 18 k forward passes, of first order 6 + 6 k: ms, Gflop/s of products, times OpenBLAS's time for them,
     s of 5,000 iterations with Adam; and time over forward passes, against that at k = 1
     gradient of a Hamiltonian network, 8-200-200-1, tanh, mean square, batch 200

   usage: bench_field_loss */
#include "operators/model_operator.h"
#include "operators/random.h"
#include "operators/real.h"
#include "surrogates/hamiltonian/field_loss.h"
#include "surrogates/optimiser.h"
#include "tests/bench/timing.h"

#include <cblas.h>
#include <stdio.h>

enum { PAIRS      = 7,
       TASKS      = 10,
       POINTS     = 50,
       ITERATIONS = 5000 };

static Real *Drawn(uint64_t stream, size_t n, double size)
{
  Real *x = malloc(n * sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = (Real)(size * NomosRandomNormal(3, stream, i));
  return x;
}

static double Flops(const NomosHamiltonianLossInput *in, size_t n)
{
  return 2. * (double)n * (double)(in->width * (in->n_coordinates + (in->n_hidden - 1) * in->width + 1));
}

/* c (m, n) = op(a) b */
static void Multiply(bool transposed, size_t m, size_t n, size_t k, const Real *a, const Real *b, Real *c)
{
#ifdef NOMOS_SINGLE
  cblas_sgemm(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)(transposed ? m : k), b, (int)n, 0, c, (int)n);
#else
  cblas_dgemm(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)(transposed ? m : k), b, (int)n, 0, c, (int)n);
#endif
}

/* Seconds of `passes` forward passes of n points, by OpenBLAS: a third of them are outer products. */
static double Products(const NomosHamiltonianLossInput *in, size_t n, size_t passes)
{
  const size_t w = in->width;
  Real        *a = Drawn(1, n * w, 1), *b = Drawn(2, n * w + w * w, 1), *c = Drawn(3, n * w + w * w, 1);
  const double start = Now();

  for (size_t p = 0; p < passes; p++)
    for (size_t l = 0; l < in->n_hidden; l++) {
      const size_t from = l ? w : in->n_coordinates;
      if (p % 3) Multiply(false, n, w, from, a, b, c);
      else Multiply(true, from, w, n, a, b, c);
    }
  const double seconds = Now() - start;
  free(a);
  free(b);
  free(c);
  return seconds;
}

static PetscErrorCode Meta(int steps, bool first_order, double *per_pass)
{
  const NomosHamiltonianLossInput in     = {.type = NOMOS_REAL, .n_coordinates = 4, .n_hidden = 3, .width = 64, .activation = NOMOS_MISH, .log_cosh = true};
  const size_t                    passes = (size_t)(6 + (first_order ? 6 : 18) * steps), repeats = 1 + 120 / passes;
  const size_t                    n_threads = (size_t)omp_get_max_threads();
  NomosHamiltonianLoss           *loss;
  NomosOptimiser                  adam;
  NomosFieldPoints                points[2][TASKS];
  double                          seconds[PAIRS], ratio[PAIRS], value;

  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_threads, &loss));
  for (size_t i = 0; i < n_threads; i++) PetscCall(NomosHamiltonianLossCreate(&in, &loss[i]));
  const size_t n     = NomosHamiltonianLossSize(loss[0]);
  Real        *theta = Drawn(4, n, 0.1), *g = Drawn(5, n, 1);
  PetscCall(NomosOptimiserCreate(&(NomosOptimiserInput){.name = "adam", .type = NOMOS_REAL, .n = n, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8}, &adam));
  for (size_t i = 0; i < 2 * TASKS; i++) points[i % 2][i / 2] = (NomosFieldPoints){POINTS, Drawn(10 + 2 * i, POINTS * 4, 1), Drawn(11 + 2 * i, POINTS * 4, 1)};
  for (int pair = 0; pair < PAIRS; pair++) {
    const double start = Now();
    for (size_t r = 0; r < repeats; r++) {
      PetscCall(NomosMetaLoss(n_threads, loss, &(NomosMetaLossInput){.n_tasks = TASKS, .support = points[0], .query = points[1], .rate = 1e-3, .steps = steps, .first_order = first_order}, theta, &value, g));
      PetscCall(NomosOptimiserStep(adam, 5e-4, g, theta));
    }
    seconds[pair] = (Now() - start) / (double)repeats;
    ratio[pair]   = seconds[pair] / (Products(&in, POINTS, passes * TASKS * repeats) / (double)repeats);
  }
  const double median = Median(seconds), flops = Flops(&in, POINTS) * (double)passes * TASKS;
  if (*per_pass == 0) *per_pass = median / (double)passes;
  printf("meta gradient, %d steps, order %d: %6.2f ms (least %.2f) %6.1f Gflop/s, %.2f times the products; %d iterations %6.1f s; time over passes %.2f\n", steps, first_order ? 1 : 2, 1e3 * median, 1e3 * seconds[0], 1e-9 * flops / median, Median(ratio), ITERATIONS, ITERATIONS * median,
         median / (double)passes / *per_pass);
  for (size_t i = 0; i < 2 * TASKS; i++) {
    free((void *)points[i % 2][i / 2].x);
    free((void *)points[i % 2][i / 2].x_dot);
  }
  free(theta);
  free(g);
  PetscCall(NomosOptimiserDestroy(&adam));
  for (size_t i = 0; i < n_threads; i++) PetscCall(NomosHamiltonianLossDestroy(&loss[i]));
  PetscCall(PetscFree(loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Network(void)
{
  enum { BATCH   = 200,
         REPEATS = 10 };
  const NomosHamiltonianLossInput in = {.type = NOMOS_REAL, .n_coordinates = 8, .n_hidden = 2, .width = 200, .activation = NOMOS_TANH, .n_threads = (size_t)omp_get_max_threads()};
  NomosHamiltonianLoss            loss;
  const NomosFieldPoints          points = {BATCH, Drawn(1, BATCH * 8, 1), Drawn(2, BATCH * 8, 1)};
  double                          seconds[PAIRS], ratio[PAIRS], value;

  PetscFunctionBeginUser;
  PetscCall(NomosHamiltonianLossCreate(&in, &loss));
  const size_t n     = NomosHamiltonianLossSize(loss);
  Real        *theta = Drawn(4, n, 0.05), *g = Drawn(5, n, 1);
  for (int pair = 0; pair < PAIRS; pair++) {
    const double start = Now();
    for (int r = 0; r < REPEATS; r++) PetscCall(NomosHamiltonianLossGradient(loss, &points, theta, &value, g));
    seconds[pair] = (Now() - start) / REPEATS;
    ratio[pair]   = seconds[pair] / (Products(&in, BATCH, 6 * REPEATS) / REPEATS);
  }
  const double median = Median(seconds);
  printf("gradient of 8-200-200-1, batch 200: %6.2f ms (least %.2f) %6.1f Gflop/s, %.2f times the products\n", 1e3 * median, 1e3 * seconds[0], 6e-9 * Flops(&in, BATCH) / median, Median(ratio));
  free((void *)points.x);
  free((void *)points.x_dot);
  free(theta);
  free(g);
  PetscCall(NomosHamiltonianLossDestroy(&loss));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  double per_pass[2] = {0, 0};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  openblas_set_num_threads(1);
  for (int first_order = 0; first_order < 2; first_order++)
    for (int steps = 1; steps <= 5; steps += 2) PetscCall(Meta(steps, first_order, &per_pass[first_order]));
  PetscCall(Network());
  PetscCall(PetscFinalize());
  return 0;
}
