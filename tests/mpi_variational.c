/* The derivatives of variational assimilation's cost on Lorenz's ring, on any number of ranks. */
#include "variational_twin.h"

static void Fill(Vec vector, double size)
{
  PetscInt start, end;

  ck_ok(VecGetOwnershipRange(vector, &start, &end));
  for (PetscInt i = start; i < end; i++) ck_ok(VecSetValue(vector, i, size * sin(1 + 0.7 * (double)i), INSERT_VALUES));
  ck_ok(VecAssemblyBegin(vector));
  ck_ok(VecAssemblyEnd(vector));
}

START_TEST(test_gradient)
{
  VariationalTwin       t     = CreateTwin(false, 0.1);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  Vec                   w, at, d, g;
  double                J, J_0, slope, remainder[2];

  input.error_every = 5;
  input.error       = (NomosCovariance){.deviation = 0.2};
  input.deviation   = (const double[]){0.5, 0};
  input.prior       = (const double[]){7.5, 1.1};
  ck_ok(NomosVariationalCreate(&input, &v));
  ck_ok(NomosVariationalControl(v, &w));
  ck_ok(VecDuplicate(w, &at));
  ck_ok(VecDuplicate(w, &d));
  ck_ok(VecDuplicate(w, &g));
  Fill(w, 0.1);
  ck_ok(VecCopy(w, d));
  ck_ok(VecScale(d, -0.5));
  ck_ok(VecShift(d, 0.01));
  ck_ok(NomosVariationalEvaluate(v, w, &J_0, g));
  ck_ok(VecDot(g, d, &slope));
  for (int i = 0; i < 2; i++) {
    const double h = 0.01 / (1 << i);
    ck_ok(VecWAXPY(at, h, d, w));
    ck_ok(NomosVariationalEvaluate(v, at, &J, NULL));
    remainder[i] = fabs(J - J_0 - h * slope);
  }
  ck_assert_msg(fabs(log2(remainder[0] / remainder[1]) - 2) < 0.02, "order %g", log2(remainder[0] / remainder[1]));
  ck_ok(VecDestroy(&at));
  ck_ok(VecDestroy(&d));
  ck_ok(VecDestroy(&g));
  ck_ok(NomosVariationalDestroy(&v));
  DestroyTwin(&t);
}
END_TEST

/* Where nothing is left of the departures the Gauss-Newton Hessian is the Hessian: the derivative of the gradient. */
START_TEST(test_hessian)
{
  VariationalTwin       t     = CreateTwin(false, 0);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  Vec                   w, at, d, H, g[2];
  double                J, error, norm;
  const double          h = 1e-4;

  for (size_t i = 0; i < N_WINDOWS; i++) t.windows[i].background = t.state[i];
  input.error_every = 5;
  input.error       = (NomosCovariance){.deviation = 0.2};
  ck_ok(NomosVariationalCreate(&input, &v));
  ck_ok(NomosVariationalControl(v, &w));
  for (int i = 0; i < 2; i++) ck_ok(VecDuplicate(w, &g[i]));
  ck_ok(VecDuplicate(w, &at));
  ck_ok(VecDuplicate(w, &d));
  ck_ok(VecDuplicate(w, &H));
  Fill(d, 1);
  for (int i = 0; i < 2; i++) {
    ck_ok(VecWAXPY(at, i ? -h : h, d, w));
    ck_ok(NomosVariationalEvaluate(v, at, &J, g[i]));
  }
  ck_ok(NomosVariationalEvaluate(v, w, &J, NULL));
  ck_assert(J < 1e-20);
  ck_ok(NomosVariationalProduct(v, d, H));
  ck_ok(VecAXPY(g[0], -1, g[1]));
  ck_ok(VecScale(g[0], 0.5 / h));
  ck_ok(VecAXPY(g[0], -1, H));
  ck_ok(VecNorm(g[0], NORM_2, &error));
  ck_ok(VecNorm(H, NORM_2, &norm));
  ck_assert_msg(error < 1e-6 * norm, "%g of %g", error, norm);
  for (int i = 0; i < 2; i++) ck_ok(VecDestroy(&g[i]));
  ck_ok(VecDestroy(&at));
  ck_ok(VecDestroy(&d));
  ck_ok(VecDestroy(&H));
  ck_ok(NomosVariationalDestroy(&v));
  DestroyTwin(&t);
}
END_TEST

/* Too few directions say that parameters are known better than they are; where they are said to be enough for a hundredth of the variance, more of them change it by no more. */
START_TEST(test_enough_directions)
{
  VariationalTwin       t     = CreateTwin(false, 0.1);
  NomosVariationalInput input = Input(&t);
  NomosVariational      v;
  Vec                   w;
  double                J, C[2][4];

  ck_ok(NomosVariationalCreate(&input, &v));
  ck_ok(NomosVariationalControl(v, &w));
  ck_ok(NomosVariationalEvaluate(v, w, &J, NULL));
  for (int i = 0; i < 2; i++) ck_ok(NomosVariationalNormal(v, i ? 1e-14 : 1e-2, NULL, C[i]));
  for (int u = 0; u < 4; u += 3) ck_assert_msg(C[0][u] <= C[1][u] * (1 + 1e-6) && C[0][u] >= 0.98 * C[1][u], "variance %.12g with few directions, %.12g with all", C[0][u], C[1][u]);
  ck_ok(NomosVariationalDestroy(&v));
  DestroyTwin(&t);
}
END_TEST

NOMOS_TEST_SUITE("variational derivatives", test_gradient, test_hessian, test_enough_directions)
