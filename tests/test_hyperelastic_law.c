/* The learned laws that keep what thermodynamics asks for: whatever their numbers, what they promise; and that they can become, by a few hundred steps along their gradient, the written laws that NCLaw's authors
   learn (Ma et al. 2023, doi:10.48550/arXiv.2304.14369). */
#include "harness.h"
#include "io/safetensors.h"
#include "law_checks.h"
#include "operators/random.h"
#include "surrogates/constitutive/hyperelastic.h"

static const NomosLawOps *const laws[] = {&NomosLawOps_Hyperelastic, &NomosLawOps_Dissipative};
enum { N_LAWS         = sizeof laws / sizeof *laws,
       MAX_PARAMETERS = 64,
       N_FIT          = 400 };

/* Numbers far from first ones: of the standard deviation given. */
static void Scatter(NomosLaw law, uint64_t stream, double deviation)
{
  double values[MAX_PARAMETERS];

  for (size_t i = 0; i < law->n_parameters; i++) values[i] = deviation * NomosRandomNormal(21, stream, i);
  ck_ok(NomosLawSetValues(law, values));
}

/* As a file of weights, for the checks that all laws pass. */
static void WriteWeights(NomosLaw law, const char path[])
{
  NomosSafetensor tensors[MAX_PARAMETERS] = {0};
  size_t          n                       = 0;

  for (size_t i = 0; i < law->n_parameters; i++) {
    if (!law->parameters[i].entry) tensors[n++] = (NomosSafetensor){.name = law->parameters[i].param->key, .type = NOMOS_F64, .n_dims = 1, .data = law->values + i};
    tensors[n - 1].shape[0]++;
  }
  ck_ok(NomosSafetensorsWrite(PETSC_COMM_SELF, path, &(NomosSafetensorsInput){.n_tensors = n, .tensors = tensors}));
}

START_TEST(test_promises)
{
  for (int l = 0; l < N_LAWS; l++)
    for (uint64_t draw = 0; draw < 4; draw++) {
      TestLaw test;
      char    path[NOMOS_MAX_PATH], set[NOMOS_MAX_PATH + 16];
      ck_ok(TestLawCreate(laws[l], NOMOS_F64, (const char *const[]){NULL}, &test));
      Scatter(test.law, draw, 0.1 * (double)draw); /* more, and differences see the spline's jumps of phi'''' */
      snprintf(path, sizeof path, "%s/weights.safetensors", ck_directory);
      snprintf(set, sizeof set, "learned=%s", path);
      WriteWeights(test.law, path);
      ck_ok(TestLawDestroy(&test));
      CheckLaw(laws[l], (const char *const[]){set, NULL});
    }
}
END_TEST

/* psi of F = diag(exp(e)) */
static double Energy(NomosLaw law, const double e[3])
{
  const double F[9] = {exp(e[0]), 0, 0, 0, exp(e[1]), 0, 0, 0, exp(e[2])};
  double       psi;

  law->ops->energy(law, 1, 1, F, &psi);
  return psi;
}

/* Least at rest; of one volume convex in Hencky's strain, and, where that has no part, in the volume: at the middle of two states at most the mean. */
START_TEST(test_convexity)
{
  TestLaw test;

  ck_ok(TestLawCreate(&NomosLawOps_Hyperelastic, NOMOS_F64, (const char *const[]){NULL}, &test));
  for (uint64_t draw = 0; draw < 40; draw++) {
    const bool volume = draw % 2;
    Scatter(test.law, draw, 1);
    if (volume) test.law->values[0] = -200; /* of f: nothing is left */
    ck_ok(NomosLawSetValues(test.law, test.law->values));
    ck_assert(Energy(test.law, (double[3]){0}) == 0);
    for (uint64_t pair = 0; pair < 100; pair++) {
      double e[3][3], J[2];
      for (uint64_t k = 0; k < 2; k++) {
        for (uint64_t i = 0; i < 3; i++) e[k][i] = 0.7 * NomosRandomNormal(22, k, 3 * pair + i);
        J[k] = exp(e[k][0] + e[k][1] + e[k][2]);
      }
      e[1][2] += volume ? 0 : log(J[0] / J[1]); /* the same volume */
      for (int i = 0; i < 3; i++) e[2][i] = volume ? log(0.5 * (J[0] + J[1])) / 3 : 0.5 * (e[0][i] + e[1][i]);
      const double ends = 0.5 * (Energy(test.law, e[0]) + Energy(test.law, e[1])), middle = Energy(test.law, e[2]);
      ck_assert_msg(middle > 0 && middle <= ends * (1 + 1e-13), "psi is %g in the middle of %g", middle, ends);
    }
  }
  ck_ok(TestLawDestroy(&test));
}
END_TEST

/* No return mapping gives any of the energies more than they had; det F_e > 0, also of what is inside out. */
START_TEST(test_dissipation)
{
  enum { N = 200 };
  TestLaw elastic, plastic;
  double  F[9 * N], F_e[9 * N], psi[2][N];

  ck_ok(TestLawCreate(&NomosLawOps_Hyperelastic, NOMOS_F64, (const char *const[]){NULL}, &elastic));
  ck_ok(TestLawCreate(&NomosLawOps_Dissipative, NOMOS_F64, (const char *const[]){NULL}, &plastic));
  for (uint64_t draw = 0; draw < 30; draw++) {
    size_t changed = 0;
    Scatter(elastic.law, draw, 1);
    Scatter(plastic.law, 100 + draw, 2);
    for (size_t i = 0; i < 9 * N; i++) F[i] = (i / N % 4 == 0) + 0.5 * (double)(i % N) / N * NomosRandomNormal(23, draw, i);
    plastic.law->ops->apply(plastic.law, N, N, F, F_e, NULL);
    elastic.law->ops->energy(elastic.law, N, N, F, psi[0]);
    elastic.law->ops->energy(elastic.law, N, N, F_e, psi[1]);
    for (size_t k = 0; k < N; k++) {
      const double *f           = F_e + k;
      const double  determinant = f[0] * (f[4 * N] * f[8 * N] - f[5 * N] * f[7 * N]) + f[N] * (f[5 * N] * f[6 * N] - f[3 * N] * f[8 * N]) + f[2 * N] * (f[3 * N] * f[7 * N] - f[4 * N] * f[6 * N]);
      ck_assert_msg(determinant > 0, "det F_e = %g", determinant);
      ck_assert_msg(psi[1][k] <= psi[0][k] * (1 + 1e-10), "the energy rises from %g to %g", psi[0][k], psi[1][k]);
      changed += psi[1][k] < psi[0][k];
    }
    ck_assert_msg(changed, "draw %d: nothing yields: the test tests nothing", (int)draw);
  }
  ck_ok(TestLawDestroy(&elastic));
  ck_ok(TestLawDestroy(&plastic));
}
END_TEST

/* ---- what they can become ---- */

typedef struct {
  const char *name;
  double      youngs_modulus, poisson_ratio, strain[NOMOS_N_LAW_KINDS], error[NOMOS_N_LAW_KINDS]; /* largest strains, and the relative error allowed, of both laws */
} Material;
/* Section 1 of the reference: jelly, sand, plasticine, water. */
static const Material materials[] = {
  {"jelly",      1e5, 0.2,  {0.35, 0.35}, {1e-2, 1e-6}},
  {"sand",       1e6, 0.2,  {0.08, 0.08}, {1e-2, 2e-2}},
  {"plasticine", 3e5, 0.25, {0.08, 0.08}, {1e-2, 1e-2}},
  {"water",      1e5, 0.3,  {0.3, 0.2},   {2e-2, 1e-2}},
};
enum { JELLY,
       SAND,
       PLASTICINE,
       WATER,
       N_MATERIALS };

/* Principal stresses, or stretches after, of log stretches e. */
static void Truth(int which, NomosLawKind kind, const double e[3], double y[3])
{
  const double E = materials[which].youngs_modulus, nu = materials[which].poisson_ratio, mu = E / (2 * (1 + nu)), lambda = E * nu / ((1 + nu) * (1 - 2 * nu));
  const double q = e[0] + e[1] + e[2], J = exp(q);
  double       size = 0, r = 1;

  if (kind == NOMOS_LAW_ELASTICITY) {
    for (int i = 0; i < 3; i++) {
      const double s = exp(e[i]);
      y[i]           = which == JELLY ? 2 * mu * s * (s - 1) + lambda * J * (J - 1) : which == WATER ? lambda * J * (J - 1)
                                                                                                     : 2 * mu * e[i] + lambda * q;
    }
    return;
  }
  for (int i = 0; i < 3; i++) size += (e[i] - q / 3) * (e[i] - q / 3);
  size = sqrt(size);
  if (which == WATER) r = 0;
  if (which == PLASTICINE) r = fmin(1, 5e3 / (2 * mu) / size); /* yield stress 5e3 Pa */
  if (which == SAND) {
    const double sine = sin(25 * 0.017453292519943295), alpha = 0.816496580927726 * 2 * sine / (3 - sine);
    r = q < 0 ? fmin(1, -(3 * lambda + 2 * mu) / (2 * mu) * alpha * q / size) : 0;
  }
  for (int i = 0; i < 3; i++) y[i] = exp((which == SAND && q > 0 ? 0 : q / 3) + r * (e[i] - q / 3));
}

/* F of strains up to `size` between two random rotations, and what the written law makes of it. */
static double Examples(int which, NomosLawKind kind, double F[], double y[])
{
  const double size = materials[which].strain[kind];
  double       norm = 0;

  for (size_t k = 0; k < N_FIT; k++) {
    double       turn[2][9], e[3], to[3];
    const double part = size * NomosRandomUniform(31, 0, k);
    for (int side = 0; side < 2; side++) {
      double q[4], length = 0;
      for (size_t i = 0; i < 4; i++) {
        q[i] = NomosRandomNormal(32, (uint64_t)side, 4 * k + i);
        length += q[i] * q[i];
      }
      for (int i = 0; i < 4; i++) q[i] /= sqrt(length);
      const double w = q[0], x = q[1], z = q[3], v = q[2];
      memcpy(turn[side], (double[9]){1 - 2 * (v * v + z * z), 2 * (x * v - w * z), 2 * (x * z + w * v), 2 * (x * v + w * z), 1 - 2 * (x * x + z * z), 2 * (v * z - w * x), 2 * (x * z - w * v), 2 * (v * z + w * x), 1 - 2 * (x * x + v * v)}, sizeof turn[side]);
    }
    for (size_t i = 0; i < 3; i++) e[i] = part * (2 * NomosRandomUniform(31, 1, 3 * k + i) - (which == SAND ? 1.3 : 1)); /* sand is pressed more than torn */
    Truth(which, kind, e, to);
    for (size_t i = 0; i < 9; i++) {
      double f = 0, t = 0;
      for (size_t a = 0; a < 3; a++) {
        f += turn[0][i / 3 * 3 + a] * exp(e[a]) * turn[1][i % 3 * 3 + a];
        t += turn[0][i / 3 * 3 + a] * to[a] * turn[kind == NOMOS_LAW_ELASTICITY ? 0 : 1][i % 3 * 3 + a];
      }
      F[i * N_FIT + k] = f;
      y[i * N_FIT + k] = t;
      norm += kind == NOMOS_LAW_ELASTICITY ? t * t : (t - f) * (t - f);
    }
  }
  return norm > 1e-20 ? norm : N_FIT; /* jelly does not yield at all: its error is absolute */
}

/* Adam (Kingma & Ba 2014, doi:10.48550/arXiv.1412.6980) with rates that fall to zero along a cosine, on the sum of squares. Returns the relative error. */
static double Fit(NomosLaw law, const double F[], const double y[], double norm)
{
  enum { STEPS = 300 };
  static double result[9 * N_FIT], bar[9 * N_FIT], F_bar[9 * N_FIT];
  double        values[MAX_PARAMETERS], first[MAX_PARAMETERS] = {0}, second[MAX_PARAMETERS] = {0}, sum = 0;

  memcpy(values, law->values, sizeof *values * law->n_parameters);
  for (int step = 1; step <= STEPS + 1; step++) {
    double gradient[MAX_PARAMETERS] = {0};
    sum                             = 0;
    law->ops->apply(law, N_FIT, N_FIT, F, result, NULL);
    for (size_t i = 0; i < 9 * N_FIT; i++) {
      bar[i] = 2 * (result[i] - y[i]) / norm;
      sum += (result[i] - y[i]) * (result[i] - y[i]) / norm;
    }
    law->ops->vjp(law, N_FIT, N_FIT, F, bar, NULL, F_bar, gradient);
    const double rate = 0.05 * (1 + cos(3.141592653589793 * step / STEPS));
    for (size_t i = 0; i < law->n_parameters; i++) {
      first[i]  = 0.9 * first[i] + 0.1 * gradient[i];
      second[i] = 0.95 * second[i] + 0.05 * gradient[i] * gradient[i];
      values[i] -= rate * first[i] / (1 - pow(0.9, step)) / (sqrt(second[i] / (1 - pow(0.95, step))) + 1e-12);
    }
    ck_ok(NomosLawSetValues(law, values));
  }
  return sqrt(sum);
}

START_TEST(test_expressiveness)
{
  static double F[9 * N_FIT], y[9 * N_FIT];

  for (int which = 0; which < N_MATERIALS; which++)
    for (int l = 0; l < N_LAWS; l++) {
      TestLaw      test;
      const double norm = Examples(which, laws[l]->kind, F, y);
      ck_ok(TestLawCreate(laws[l], NOMOS_F64, (const char *const[]){NULL}, &test));
      const double error = Fit(test.law, F, y, norm);
      ck_assert_msg(error < materials[which].error[laws[l]->kind], "%s of %s: learned to %g", laws[l]->name, materials[which].name, error);
      printf("  %s of %s: learned to %.1e\n", laws[l]->name, materials[which].name, error);
      ck_ok(TestLawDestroy(&test));
    }
}
END_TEST

NOMOS_TEST_SUITE("hyperelastic_law", test_promises, test_convexity, test_dissipation, test_expressiveness)
