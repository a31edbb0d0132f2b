#include "operators/dormand_prince.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STAGES = 7 };

static const double nodes[STAGES]               = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
static const double stages[STAGES][STAGES - 1]  = {{0},
                                                   {1. / 5},
                                                   {3. / 40, 9. / 40},
                                                   {44. / 45, -56. / 15, 32. / 9},
                                                   {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                                                   {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                                                   {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};
static const double difference[STAGES]          = {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40}; /* fifth minus fourth order */

/* The largest error of a system, in units of what is allowed. */
static double Error(const NomosDormandPrinceInput *in, double h, const double x[], const double y[], double *const k[])
{
  const size_t group = in->n_group ? in->n_group : in->n;
  double       worst = 0;

  for (size_t start = 0; start < in->n; start += group) {
    double sum = 0;
    for (size_t i = start; i < start + group; i++) {
      double error = 0;
      for (int s = 0; s < STAGES; s++) error += difference[s] * k[s][i];
      error *= h / (in->atol + in->rtol * fmax(fabs(x[i]), fabs(y[i])));
      sum += error * error;
    }
    sum = sqrt(sum / (double)group);
    if (!(sum <= worst)) worst = sum; /* NaN stays */
  }
  return worst;
}

PetscErrorCode NomosDormandPrince(const NomosDormandPrinceInput *in, double x[], int64_t *n_steps)
{
  const size_t  n = in->n;
  const int64_t max_steps = in->max_steps ? in->max_steps : 10000000;
  double       *k[STAGES], *memory, *y, *now;
  double        t = in->n_times ? in->times[0] : 0, h;
  int64_t       accepted = 0, tried = 0;

  PetscFunctionBeginUser;
  for (size_t i = 1; i < in->n_times; i++) NomosCheck(in->times[i] > in->times[i - 1], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "times must rise: number %zu is %g, after %g", i, in->times[i], in->times[i - 1]);
  PetscCheck(!in->n_group || n % in->n_group == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a state of %zu entries is no whole number of systems of %zu", n, in->n_group);
  PetscCall(PetscMalloc1((STAGES + 2) * n + 1, &memory));
  for (int s = 0; s < STAGES; s++) k[s] = memory + (size_t)s * n;
  y   = memory + STAGES * n;
  now = y + n;
  memcpy(now, x, n * sizeof *x);
  PetscCall(in->f(t, now, k[0], in->ctx));
  h = in->n_times > 1 ? 1e-3 * (in->times[1] - t) : 0;
  for (size_t out = 1; out < in->n_times; out++) {
    for (bool arrived = false; !arrived;) {
      const double left = in->times[out] - t;
      const bool   last = h >= left * (1 - 1e-12);
      const double step = last ? left : h;
      NomosCheck(tried++ < max_steps && step > 1e-15 * fabs(t), PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED, "the integration got stuck at t = %g after %lld steps, with a step of %g; is the solution singular, or the tolerance too small?", t, (long long)accepted, step);
      for (int s = 1; s < STAGES; s++) {
        for (size_t i = 0; i < n; i++) {
          double sum = 0;
          for (int j = 0; j < s; j++) sum += stages[s][j] * k[j][i];
          y[i] = now[i] + step * sum;
        }
        PetscCall(in->f(t + nodes[s] * step, y, k[s], in->ctx)); /* the last stage is at the new state */
      }
      const double error = Error(in, step, now, y, k), factor = error > 0 ? 0.9 * pow(error, -0.2) : 10;
      if (error <= 1) {
        double *swap = k[0];
        accepted++;
        arrived = last;
        t       = last ? in->times[out] : t + step;
        memcpy(now, y, n * sizeof *y);
        k[0]          = k[STAGES - 1];
        k[STAGES - 1] = swap;
        if (!last || factor < 1) h = step * fmin(fmax(factor, 0.2), 10);
      } else h = step * (isfinite(factor) ? fmax(factor, 0.2) : 0.2);
    }
    memcpy(x + out * n, now, n * sizeof *x);
  }
  if (n_steps) *n_steps = accepted;
  PetscCall(PetscFree(memory));
  PetscFunctionReturn(PETSC_SUCCESS);
}
