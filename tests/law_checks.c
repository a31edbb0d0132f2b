#include "law_checks.h"

#include "harness.h"
#include "operators/model_operator.h"
#include "operators/operator_check.h"
#include "operators/random.h"

enum { ALL = 9 * N_POINTS };

PetscErrorCode TestLawCreate(const NomosLawOps *ops, NomosRealType precision, const char *const set[], TestLaw *test)
{
  static const NomosParam time_step = {.key = "time.dt", .type = NOMOS_PARAM_REAL, .default_value = "1e-3", .unit = "s", .doc = "Time step."};

  PetscFunctionBeginUser;
  *test = (TestLaw){0};
  PetscCall(NomosConfigCreate(PETSC_COMM_SELF, &test->config));
  PetscCall(NomosConfigRegister(test->config, 1, &time_step));
  PetscCall(NomosConfigSet(test->config, "time.dt=1e-3"));
  PetscCall(NomosConfigRegisterSection(test->config, "materials.m", ops->n_params, ops->params));
  for (; *set; set++) {
    const size_t length = strcspn(*set, "=");
    char         assignment[256];
    for (size_t i = 0; i < ops->n_params; i++) {
      if (strlen(ops->params[i].key) != length || strncmp(ops->params[i].key, *set, length)) continue;
      snprintf(assignment, sizeof assignment, "materials.m.%s", *set);
      PetscCall(NomosConfigSet(test->config, assignment));
    }
  }
  PetscCall(NomosConfigCheck(test->config));
  PetscCall(NomosLawCreate(PETSC_COMM_SELF, ops, test->config, "materials.m", precision, &test->law));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TestLawDestroy(TestLaw *test)
{
  PetscFunctionBeginUser;
  PetscCall(NomosLawDestroy(&test->law));
  PetscCall(NomosConfigDestroy(&test->config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- matrices, entry-major ---- */

static double Uniform(uint64_t stream, uint64_t i)
{
  return 2 * NomosRandomUniform(11, stream, i) - 1;
}

static void Rotation(uint64_t i, double Q[9])
{
  double q[4], size = 0;

  for (uint64_t k = 0; k < 4; k++) {
    q[k] = NomosRandomNormal(12, 0, 4 * i + k);
    size += q[k] * q[k];
  }
  for (int k = 0; k < 4; k++) q[k] /= sqrt(size);
  const double w = q[0], x = q[1], y = q[2], z = q[3];
  const double Q_[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x), 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)};
  memcpy(Q, Q_, sizeof Q_);
}

/* c = op(a) op(b) */
static void Product(const double a[9], bool ta, const double b[9], bool tb, double c[9])
{
  double result[9] = {0};

  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++) result[3 * i + j] += a[ta ? 3 * k + i : 3 * i + k] * b[tb ? 3 * j + k : 3 * k + j];
  memcpy(c, result, sizeof result);
}

static double Determinant(const double a[9])
{
  return a[0] * (a[4] * a[8] - a[5] * a[7]) + a[1] * (a[5] * a[6] - a[3] * a[8]) + a[2] * (a[3] * a[7] - a[4] * a[6]);
}

static void Inverse(const double a[9], double b[9])
{
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const int i1 = (i + 1) % 3 * 3, i2 = (i + 2) % 3 * 3, j1 = (j + 1) % 3, j2 = (j + 2) % 3;
      b[3 * j + i] = (a[i1 + j1] * a[i2 + j2] - a[i1 + j2] * a[i2 + j1]) / Determinant(a);
    }
}

static void Point(const double F[], size_t n, size_t k, double f[9])
{
  for (size_t e = 0; e < 9; e++) f[e] = F[e * n + k];
}
static void SetPoint(double F[], size_t n, size_t k, const double f[9])
{
  for (size_t e = 0; e < 9; e++) F[e * n + k] = f[e];
}

void TestDeformations(Deformations kind, double F[9 * N_POINTS])
{
  static const double repeated[][3] = {{1.2, 1.2, 0.9}, {1.2, 0.9, 0.9}, {1.3, 1.3 + 1e-5, 0.8}, {0.8, 1.25, 0.8 + 1e-9}, {1.05, 1.05, 0.9}, {0.7, 0.7, 1.3}};

  for (size_t k = 0; k < N_POINTS; k++) {
    double        f[9], q[9], r[9];
    const double *s = repeated[k % (sizeof repeated / sizeof *repeated)];
    do {
      const double size = kind == DEFORMATIONS_SMALL ? 0.02 : kind == DEFORMATIONS_LARGE ? 0.35 : 0;
      for (size_t e = 0; e < 9; e++) {
        static uint64_t drawn;
        const uint64_t  i = size > 0 ? drawn++ : 0;
        f[e] = (e % 4 == 0) + size * Uniform(1, i % 100000);
      }
    } while (Determinant(f) < 0.3);
    Rotation(2 * k, q);
    Rotation(2 * k + 1, r);
    if (kind == DEFORMATIONS_PRESSED || kind == DEFORMATIONS_PULLED)
      for (size_t e = 0; e < 9; e++) f[e] = (kind == DEFORMATIONS_PRESSED ? 0.9 : 1.1) * (k % 2 ? q[e] : e % 4 == 0);
    if (kind == DEFORMATIONS_REPEATED || kind == DEFORMATIONS_FLAT) {
      const double flat[3] = {1.3, k % 2 ? 0.08 : 0.03, 0.7};
      for (size_t e = 0; e < 9; e++) f[e] = e % 4 ? 0 : (kind == DEFORMATIONS_FLAT ? flat : s)[e / 4];
      Product(q, false, f, false, f);
      if (k % 3) Product(f, false, r, true, f);
    }
    if (kind == DEFORMATIONS_PLANE) {
      const double turn[2] = {cos((double)k), sin((double)k)}, plane[9] = {turn[0] * s[0], -turn[1] * s[1], 0, turn[1] * s[0] + 0.1 * turn[0], turn[0] * s[1], 0, 0, 0, s[2]};
      memcpy(f, plane, sizeof plane);
    }
    for (size_t e = 0; e < 9; e++) F[e * N_POINTS + k] = (double)(float)f[e];
  }
}

static const char *const deformations[] = {"at rest", "pressed", "pulled", "small", "large", "repeated", "plane", "flat"};

/* y(F) in doubles, whatever the precision of the law. */
static void Apply(NomosLaw law, size_t n, const double F[], double y[])
{
  char *work = malloc(18 * n * sizeof(double)), *to = work + 9 * n * sizeof(double);

  NomosStateFromDoubles(law->precision, 9 * n, F, work);
  law->ops->apply(law, n, n, work, to, NULL);
  NomosStateToDoubles(law->precision, 9 * n, to, y);
  free(work);
}

static double Largest(size_t n, const double y[])
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = isfinite(y[i]) ? fmax(largest, fabs(y[i])) : INFINITY;
  return largest;
}

static double LargestDifference(size_t n, const double a[], const double b[])
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = isfinite(a[i] - b[i]) ? fmax(largest, fabs(a[i] - b[i])) : INFINITY;
  return largest;
}

/* ---- checks ---- */

void CheckLawDerivatives(const NomosLawOps *ops, const char *const set[])
{
  TestLaw       test;
  NomosOperator op;
  double        F[ALL], scale[ALL], *p_scale;

  ck_ok(TestLawCreate(ops, NOMOS_F64, set, &test));
  ck_ok(NomosOperatorFromLaw(test.law, N_POINTS, &op));
  p_scale = calloc(test.law->n_parameters + 1, sizeof *p_scale);
  double *p = calloc(test.law->n_parameters + 1, sizeof *p);
  memcpy(p, test.law->values, sizeof *p * test.law->n_parameters);
  for (size_t i = 0; i < ALL; i++) scale[i] = 0.1;
  for (size_t i = 0; i < test.law->n_parameters; i++) p_scale[i] = fmax(0.1 * fabs(test.law->values[i]), 1e-3);
  for (int kind = 0; kind < N_DEFORMATIONS; kind++) {
    NomosOperatorReport report;
    TestDeformations(kind, F);
    ck_ok(NomosOperatorCheck(op, &(NomosOperatorCheckInput){.in = (const double *const[]){F, p}, .scale = (const double *const[]){scale, p_scale}, .seed = 5, .n_directions = 2}, &report));
    ck_assert_msg(report.transposition < 1e-11, "%s, %s: jvp and vjp differ by %g", ops->name, deformations[kind], report.transposition);
    ck_assert_msg(report.linearity < 1e-11, "%s, %s: vjp is not linear: %g", ops->name, deformations[kind], report.linearity);
    /* at rest a return mapping may stand on a kink (the tip of a cone) */
    if (kind == DEFORMATIONS_AT_REST && ops->kind == NOMOS_LAW_PLASTICITY) continue;
    ck_assert_msg(report.order[1] > 1.95 && (report.order[1] < 2.05 || report.order[1] > 2.5), "%s, %s: the Taylor remainder has order %g (remainders %g %g %g)", ops->name, deformations[kind], report.order[1], report.remainder[1][0], report.remainder[1][1], report.remainder[1][2]);
  }
  free(p);
  free(p_scale);
  ck_ok(NomosOperatorDestroy(&op));
  ck_ok(TestLawDestroy(&test));
}

void CheckLawSymmetries(const NomosLawOps *ops, const char *const set[])
{
  const bool stress = ops->kind == NOMOS_LAW_ELASTICITY;
  TestLaw    test;
  double     F[ALL], turned[ALL], y[ALL], y_turned[ALL], expected[ALL], f[9], q[9];

  if (ops->promises & NOMOS_LAW_INEXACT) return;
  ck_ok(TestLawCreate(ops, NOMOS_F64, set, &test));
  TestDeformations(DEFORMATIONS_LARGE, F);
  Apply(test.law, N_POINTS, F, y);
  const double usual = Largest(ALL, y);
  for (int kind = 0; kind < N_DEFORMATIONS; kind++) {
    TestDeformations(kind, F);
    Apply(test.law, N_POINTS, F, y);
    const double size = fmax(Largest(ALL, y), usual), tolerance = 1e-12 * size * (kind == DEFORMATIONS_FLAT ? 10 : 1);
    ck_assert_msg(isfinite(size), "%s, %s: not finite", ops->name, deformations[kind]);
    for (int after = 0; after < (ops->promises & NOMOS_LAW_ISOTROPIC ? 2 : 1); after++) {
      for (size_t k = 0; k < N_POINTS; k++) {
        Rotation(1000 + k, q);
        Point(F, N_POINTS, k, f);
        if (after) Product(f, false, q, false, f);
        else Product(q, false, f, false, f);
        SetPoint(turned, N_POINTS, k, f);
        Point(y, N_POINTS, k, f);
        if (stress && !after) {
          Product(q, false, f, false, f);
          Product(f, false, q, true, f);
        }
        if (!stress && !(ops->promises & NOMOS_LAW_FORGETS_ROTATION)) {
          if (after) Product(f, false, q, false, f);
          else Product(q, false, f, false, f);
        }
        SetPoint(expected, N_POINTS, k, f);
      }
      Apply(test.law, N_POINTS, turned, y_turned);
      ck_assert_msg(LargestDifference(ALL, y_turned, expected) < tolerance, "%s, %s: a rotation %s changes it by %g of %g", ops->name, deformations[kind], after ? "before" : "after", LargestDifference(ALL, y_turned, expected), size);
    }
    for (size_t k = 0; k < N_POINTS && (ops->promises & NOMOS_LAW_SYMMETRIC); k++) {
      Point(y, N_POINTS, k, f);
      const double skew = fmax(fabs(f[1] - f[3]), fmax(fabs(f[2] - f[6]), fabs(f[5] - f[7])));
      ck_assert_msg(skew < tolerance, "%s, %s: not symmetric: %g of %g", ops->name, deformations[kind], skew, size);
    }
    if (kind == DEFORMATIONS_AT_REST && test.law->modulus > 0 && ops->promises & NOMOS_LAW_ISOTROPIC) { /* of pressure waves */
      memset(turned, 0, sizeof turned);
      for (size_t k = 0; k < N_POINTS; k++) turned[k] = 1;
      ops->jvp(test.law, N_POINTS, N_POINTS, F, turned, NULL, y_turned);
      ck_close(y_turned[0], test.law->modulus, 1e-12);
    }
    if (kind == DEFORMATIONS_AT_REST) ck_assert_msg((stress ? Largest(ALL, y) : LargestDifference(ALL, y, F)) < tolerance, "%s: the state of rest is none", ops->name);
  }
  ck_ok(TestLawDestroy(&test));
}

static void Energy(NomosLaw law, size_t n, const double F[], double psi[])
{
  law->ops->energy(law, n, n, F, psi);
}

/* Hencky's energy of mu = lambda = 1, from the eigenvalues of F^T F by cyclic Jacobi rotations. */
static double HenckyEnergy(const double f[9])
{
  double b[9], sum = 0, squares = 0;

  Product(f, true, f, false, b);
  for (int sweep = 0; sweep < 12; sweep++)
    for (int p = 0; p < 2; p++)
      for (int q = p + 1; q < 3; q++) {
        const double angle = 0.5 * atan2(2 * b[3 * p + q], b[4 * q] - b[4 * p]), c = cos(angle), s = sin(angle);
        double       turn[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
        turn[4 * p] = turn[4 * q] = c;
        turn[3 * p + q]           = s;
        turn[3 * q + p]           = -s;
        Product(b, false, turn, false, b);
        Product(turn, true, b, false, b);
      }
  for (int i = 0; i < 3; i++) {
    const double epsilon = 0.5 * log(b[4 * i]);
    sum += epsilon;
    squares += epsilon * epsilon;
  }
  return squares + 0.5 * sum * sum;
}

void CheckLawPotential(const NomosLawOps *ops, const char *const set[])
{
  TestLaw test;
  double  F[ALL], y[ALL], moved[ALL], psi[2][N_POINTS], f[9], inverse[9], d[N_POINTS][9], t[9];

  if (!(ops->promises & NOMOS_LAW_POTENTIAL)) return;
  ck_assert_msg((ops->kind == NOMOS_LAW_ELASTICITY) == (ops->energy != NULL), "%s promises a potential and has none", ops->name);
  ck_ok(TestLawCreate(ops, NOMOS_F64, set, &test));
  for (int kind = 0; kind < N_DEFORMATIONS; kind++) {
    TestDeformations(kind, F);
    Apply(test.law, N_POINTS, F, y);
    if (ops->kind == NOMOS_LAW_PLASTICITY) {
      for (size_t k = 0; k < N_POINTS; k++) {
        Point(F, N_POINTS, k, f);
        Point(y, N_POINTS, k, t);
        ck_assert_msg(HenckyEnergy(t) <= HenckyEnergy(f) * (1 + 1e-12) + 1e-14, "%s, %s: the energy rises from %g to %g", ops->name, deformations[kind], HenckyEnergy(f), HenckyEnergy(t));
      }
      continue;
    }
    /* the derivative of psi in a direction, by differences of order 4 */
    const double h = 1e-3, weight[2] = {4. / 3, -1. / 3};
    double       slope[N_POINTS] = {0};
    for (int step = 0; step < 2; step++) {
      for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < N_POINTS; k++) {
          Point(F, N_POINTS, k, f);
          for (size_t e = 0; e < 9; e++) {
            d[k][e] = Uniform(3, 9 * k + e) * (kind == DEFORMATIONS_FLAT ? 0.01 : 0.2);
            f[e] += (side ? -h : h) * (1 + step) * d[k][e];
          }
          SetPoint(moved, N_POINTS, k, f);
        }
        Energy(test.law, N_POINTS, moved, psi[side]);
      }
      for (size_t k = 0; k < N_POINTS; k++) slope[k] += weight[step] * (psi[0][k] - psi[1][k]) / (2 * h * (1 + step));
    }
    for (size_t k = 0; k < N_POINTS; k++) {
      double product = 0;
      Point(F, N_POINTS, k, f);
      Inverse(f, inverse);
      Point(y, N_POINTS, k, t);
      Product(t, false, inverse, true, t);
      for (size_t e = 0; e < 9; e++) product += t[e] * d[k][e];
      const double size = fmax(fabs(product), test.law->modulus * 1e-2);
      ck_assert_msg(fabs(product - slope[k]) < 1e-8 * size, "%s, %s: the gradient of the energy is %g, the stress says %g", ops->name, deformations[kind], slope[k], product);
    }
  }
  ck_ok(TestLawDestroy(&test));
}

void CheckLawArrays(const NomosLawOps *ops, const char *const set[])
{
  static const Deformations kinds[] = {DEFORMATIONS_AT_REST, DEFORMATIONS_PLANE, DEFORMATIONS_LARGE, DEFORMATIONS_REPEATED};
  enum { N_KINDS = sizeof kinds / sizeof *kinds, N = N_KINDS * N_POINTS, STRIDE = N + 5 };

  for (int precision = 0; precision < 2; precision++) {
    TestLaw      test;
    const size_t real = NomosRealBytes(precision ? NOMOS_F64 : NOMOS_F32);
    double      *values = calloc(9 * STRIDE, sizeof *values), sample[ALL];
    char        *F = calloc(9 * STRIDE, real), *bar = calloc(9 * STRIDE, real), *whole[4], *part[4];

    ck_ok(TestLawCreate(ops, precision ? NOMOS_F64 : NOMOS_F32, set, &test));
    const size_t n_kept = ops->kept_reals ? ops->kept_reals(test.law) : 0;
    char        *kept   = calloc(n_kept * N + 1, real);
    for (int i = 0; i < 4; i++) {
      whole[i] = calloc(9 * STRIDE, real);
      part[i]  = calloc(9 * STRIDE, real);
    }
    for (size_t set_of = 0; set_of < N_KINDS; set_of++) {
      TestDeformations(kinds[set_of], sample);
      for (size_t e = 0; e < 9; e++)
        for (size_t k = 0; k < N_POINTS; k++) values[e * STRIDE + set_of * N_POINTS + k] = sample[e * N_POINTS + k];
    }
    NomosStateFromDoubles(test.law->precision, 9 * STRIDE, values, F);
    for (size_t i = 0; i < 9 * STRIDE; i++) values[i] = Uniform(4, i);
    NomosStateFromDoubles(test.law->precision, 9 * STRIDE, values, bar);
    ops->apply(test.law, N, STRIDE, F, whole[0], NULL);
    ops->jvp(test.law, N, STRIDE, F, bar, NULL, whole[1]);
    ops->vjp(test.law, N, STRIDE, F, bar, NULL, whole[2], NULL);
    if (n_kept) {
      ops->apply(test.law, N, STRIDE, F, whole[3], kept);
      ck_assert_msg(!memcmp(whole[0], whole[3], 9 * STRIDE * real), "%s: keeping changes the result", ops->name);
      ops->vjp(test.law, N, STRIDE, F, bar, kept, whole[3], NULL);
      ck_assert_msg(!memcmp(whole[2], whole[3], 9 * STRIDE * real), "%s: what is kept changes the derivative", ops->name);
    }
    for (size_t start = 0, size = 1; start < N; start += size, size = start % 7 * 5 + 1) {
      const size_t n = start + size < N ? size : N - start;
      ops->apply(test.law, n, STRIDE, F + start * real, part[0] + start * real, NULL);
      ops->jvp(test.law, n, STRIDE, F + start * real, bar + start * real, NULL, part[1] + start * real);
      ops->vjp(test.law, n, STRIDE, F + start * real, bar + start * real, NULL, part[2] + start * real, NULL);
    }
    for (int i = 0; i < 3; i++) ck_assert_msg(!memcmp(whole[i], part[i], 9 * STRIDE * real), "%s: in parts, result %d has other bits, or something is written between the entries", ops->name, i);
    for (int i = 0; i < 4; i++) {
      free(whole[i]);
      free(part[i]);
    }
    free(values);
    free(F);
    free(bar);
    free(kept);
    ck_ok(TestLawDestroy(&test));
  }
}

void CheckLawPrecision(const NomosLawOps *ops, const char *const set[], double tolerance)
{
  TestLaw test[2];
  double  F[ALL], y[2][ALL];

  for (int i = 0; i < 2; i++) ck_ok(TestLawCreate(ops, i ? NOMOS_F64 : NOMOS_F32, set, &test[i]));
  for (int kind = 0; kind < N_DEFORMATIONS; kind++) {
    TestDeformations(kind, F);
    for (int i = 0; i < 2; i++) Apply(test[i].law, N_POINTS, F, y[i]);
    const double size = fmax(Largest(ALL, y[1]), ops->kind == NOMOS_LAW_ELASTICITY ? test[1].law->modulus : 1);
    ck_assert_msg(isfinite(size), "%s, %s: not finite", ops->name, deformations[kind]);
    ck_assert_msg(LargestDifference(ALL, y[0], y[1]) <= tolerance * size, "%s, %s: single precision is wrong by %g of %g", ops->name, deformations[kind], LargestDifference(ALL, y[0], y[1]), size);
  }
  for (int i = 0; i < 2; i++) ck_ok(TestLawDestroy(&test[i]));
}

void CheckLaw(const NomosLawOps *ops, const char *const set[])
{
  CheckLawDerivatives(ops, set);
  CheckLawSymmetries(ops, set);
  CheckLawPotential(ops, set);
  CheckLawArrays(ops, set);
  CheckLawPrecision(ops, set, 3e-6);
}
